"""Answers to the exercises of lesson 2, as students write them."""

import numpy as np
from answers_of import Answers

PATCHES = [[5, 1, 2, 6], [3, 1, 2, 4], [1, 1, 2, 2], [0, 1, 2, 0]]

# ----------------------------------------------------------------------------------------------- token_count


def from_the_numbers(size, patch):
    width = int(np.prod(patch)) * size[-1]
    return int(np.prod(size)) // width, width


def by_trying(size, patch):
    clip = np.zeros(size)
    corners = [
        (i, j, k)
        for i in range(0, size[0], patch[0])
        for j in range(0, size[1], patch[1])
        for k in range(0, size[2], patch[2])
    ]
    return len(corners), clip[: patch[0], : patch[1], : patch[2]].size


def no_channels(size, patch):
    F, H, W, _ = size
    pf, ph, pw = patch
    return F // pf * (H // ph) * (W // pw), pf * ph * pw


def one_frame(size, patch):
    _, H, W, C = size
    pf, ph, pw = patch
    return H // ph * (W // pw), pf * ph * pw * C


def flat_patches(size, patch):
    F, H, W, C = size
    pf, ph, pw = patch
    return F * H * W // (pf * ph * pw), ph * pw * C


def frame_by_frame(size, patch):
    F, H, W, C = size
    _, ph, pw = patch
    return F * (H // ph) * (W // pw), ph * pw * C


def token_for_each_channel(size, patch):
    F, H, W, C = size
    pf, ph, pw = patch
    return (F // pf) * (H // ph) * (W // pw) * C, pf * ph * pw * C


def width_first(size, patch):
    tokens, width = from_the_numbers(size, patch)
    return width, tokens


def all_the_numbers(size, patch):
    F, H, W, C = size
    pf, ph, pw = patch
    return (F // pf) * (H // ph) * (W // pw), F * H * W * C


# -------------------------------------------------------------------------------------------------- patchify


def with_loops(x, patch):
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    tokens = []
    for i in range(0, F, pf):
        for j in range(0, H, ph):
            for k in range(0, W, pw):
                block = x[..., i : i + pf, j : j + ph, k : k + pw, :]
                tokens.append(block.reshape(*leading, pf * ph * pw * C))
    return np.stack(tokens, axis=-2)


def with_moveaxis(x, patch):
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    blocks = x.reshape(*leading, F // pf, pf, H // ph, ph, W // pw, pw, C)
    blocks = np.moveaxis(blocks, (-7, -5, -3), (-7, -6, -5))
    return blocks.reshape(*leading, -1, pf * ph * pw * C)


def with_einsum(x, patch):
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    blocks = x.reshape(*leading, F // pf, pf, H // ph, ph, W // pw, pw, C)
    return np.einsum("...apbqcrd->...abcpqrd", blocks).reshape(*leading, -1, pf * ph * pw * C)


def just_reshaped(x, patch):
    *leading, F, H, W, C = x.shape
    width = patch[0] * patch[1] * patch[2] * C
    return x.reshape(*leading, F * H * W * C // width, width)


def split_the_other_way(x, patch):
    *lead, F, H, W, C = x.shape
    pf, ph, pw = patch
    n = len(lead)
    b = x.reshape(*lead, pf, F // pf, ph, H // ph, pw, W // pw, C)
    b = b.transpose(*range(n), n + 1, n + 3, n + 5, n, n + 2, n + 4, n + 6)
    return b.reshape(*lead, -1, pf * ph * pw * C)


def reordered(x, patch, letters):
    *lead, F, H, W, C = x.shape
    pf, ph, pw = patch
    b = x.reshape(*lead, F // pf, pf, H // ph, ph, W // pw, pw, C)
    return np.einsum(f"...apbqcrd->...{letters}", b).reshape(*lead, -1, pf * ph * pw * C)


def width_before_height(x, patch):
    return reordered(x, patch, "abcprqd")


def color_planes(x, patch):
    return reordered(x, patch, "abcdpqr")


def frames_inside(x, patch):
    return reordered(x, patch, "abcqrpd")


def grid_by_columns(x, patch):
    return reordered(x, patch, "acbpqrd")


def time_last(x, patch):
    return reordered(x, patch, "bcapqrd")


def not_joined(x, patch):
    *lead, F, H, W, C = x.shape
    pf, ph, pw = patch
    b = x.reshape(*lead, F // pf, pf, H // ph, ph, W // pw, pw, C)
    return np.einsum("...apbqcrd->...abcpqrd", b)


def one_clip_only(x, patch):
    F, H, W, C = x.shape
    pf, ph, pw = patch
    b = x.reshape(F // pf, pf, H // ph, ph, W // pw, pw, C).transpose(0, 2, 4, 1, 3, 5, 6)
    return b.reshape(-1, pf * ph * pw * C)


def forgot_the_batch(x, patch):
    return with_loops(x, patch).reshape(-1, patch[0] * patch[1] * patch[2] * x.shape[-1])


def patches_as_columns(x, patch):
    return with_loops(x, patch).swapaxes(-1, -2)


# -------------------------------------------------------------------------------------------- line_positions


def positions_with_loops(count, width):
    table = np.zeros((count, width))
    half = width // 2
    for p in range(count):
        for i in range(half):
            angle = p / 10000 ** (i / half)
            table[p, i] = np.sin(angle)
            table[p, half + i] = np.cos(angle)
    return table


def with_outer(count, width):
    frequencies = np.exp(-np.log(10000) * np.arange(width // 2) / (width // 2))
    angles = np.outer(np.arange(count), frequencies)
    return np.hstack((np.sin(angles), np.cos(angles)))


def table_of(count, frequencies, start=0):
    angles = np.outer(np.arange(start, count + start), frequencies)
    return np.hstack((np.sin(angles), np.cos(angles)))


def cosine_in_front(count, width):
    sines, cosines = np.split(with_outer(count, width), 2, axis=1)
    return np.concatenate([cosines, sines], axis=1)


def as_in_the_paper(count, width):
    table = np.zeros((count, width))
    angles = np.outer(np.arange(count), 10000.0 ** (-2 * np.arange(width // 2) / width))
    table[:, 0::2], table[:, 1::2] = np.sin(angles), np.cos(angles)
    return table


def by_width(count, width):
    return table_of(count, 10000.0 ** (-np.arange(width // 2) / width))


def two_i_over_half(count, width):
    half = width // 2
    return table_of(count, 10000.0 ** (-2 * np.arange(half) / half))


def starts_at_1(count, width):
    return table_of(count, 10000.0 ** (-np.arange(width // 2) / (width // 2)), start=1)


def positive_exponent(count, width):
    return table_of(count, 10000.0 ** (np.arange(width // 2) / (width // 2)))


def no_frequencies(count, width):
    return table_of(count, np.ones(width // 2))


# ----------------------------------------------------------------------------------------- patchify_backward


def back_with_loops(dy, x, patch):
    dx = np.zeros_like(x)
    F, H, W, C = x.shape[-4:]
    pf, ph, pw = patch
    token = 0
    for i in range(0, F, pf):
        for j in range(0, H, ph):
            for k in range(0, W, pw):
                piece = dy[..., token, :].reshape(*x.shape[:-4], pf, ph, pw, C)
                dx[..., i : i + pf, j : j + ph, k : k + pw, :] += piece
                token += 1
    return dx


def by_where_numbers_went(dy, x, patch):
    places = with_loops(np.arange(x.size).reshape(x.shape), patch).ravel()
    dx = np.empty(x.size)
    dx[places] = dy.ravel()
    return dx.reshape(x.shape)


def back_by_reshape(dy, x, patch):
    return dy.reshape(x.shape)


def back_reordered(dy, x, patch, letters):
    F, H, W, C = x.shape[-4:]
    pf, ph, pw = patch
    b = dy.reshape(*x.shape[:-4], F // pf, H // ph, W // pw, pf, ph, pw, C)
    return np.einsum(f"...abcpqrd->...{letters}", b).reshape(x.shape)


def forward_once_more(dy, x, patch):
    F, H, W, C = x.shape[-4:]
    pf, ph, pw = patch
    n = x.ndim - 4
    b = dy.reshape(*x.shape[:-4], F // pf, H // ph, W // pw, pf, ph, pw, C)
    return b.transpose(*range(n), n, n + 2, n + 4, n + 1, n + 3, n + 5, n + 6).reshape(x.shape)


def patch_outside(dy, x, patch):
    return back_reordered(dy, x, patch, "paqbrcd")


def rows_for_columns(dy, x, patch):
    return back_reordered(dy, x, patch, "apbrcqd")


def grid_swapped(dy, x, patch):
    return back_reordered(dy, x, patch, "apcqbrd")


def returns_x(dy, x, patch):
    return x.copy()


def cuts_x(dy, x, patch):
    return with_loops(x, patch)


def mean_of_patch(dy, x, patch):
    return back_with_loops(dy, x, patch) / np.prod(patch)


ANSWERS = {
    "step_2_patches": Answers(
        right=[np.array(PATCHES), tuple(map(tuple, PATCHES))],
        wrong=[
            ([[5, 3, 1, 0], [1, 1, 1, 1], [2, 2, 2, 2], [6, 4, 2, 0]], "rows instead of columns"),
            ([[5, 3, 1, 1], [1, 0, 1, 1], [2, 2, 6, 4], [2, 2, 2, 0]], "strips instead of squares, in rows"),
            ([[5, 1, 2, 2], [3, 0, 2, 2], [1, 1, 6, 2], [1, 1, 4, 0]], "strips instead of squares"),
            ([[5, 1, 2, 6], [1, 1, 2, 2], [3, 1, 2, 4], [0, 1, 2, 0]], "down before right"),
            ([[5, 2, 1, 6], [3, 2, 1, 4], [1, 2, 1, 2], [0, 2, 1, 0]], "frames taken in turns"),
            ([[5, 1, 2, 6], [3, 1, 2, 4], [1, 1, 2, 2], [0, 1, 2, 1]], None),
        ],
    ),
    "token_count": Answers(
        right=[from_the_numbers, by_trying],
        wrong=[
            (no_channels, "forgot the channels"),
            (one_frame, "tokens of one frame"),
            (flat_patches, "a patch of one frame"),
            (frame_by_frame, "pf forgotten"),
            (token_for_each_channel, "channels counted as tokens"),
            (all_the_numbers, "width of everything"),
            (width_first, "wrong order"),
        ],
    ),
    "patchify": Answers(
        right=[with_loops, with_moveaxis, with_einsum],
        wrong=[
            (just_reshaped, "reshape alone"),
            (split_the_other_way, "every other pixel"),
            (width_before_height, "down before right"),
            (color_planes, "channels first"),
            (frames_inside, "frame last in the patch"),
            (grid_by_columns, "tokens down before right"),
            (time_last, "tokens place by place"),
            (not_joined, "patches not flattened"),
            (forgot_the_batch, "batch joined with the tokens"),
            (patches_as_columns, "missing transpose"),
            (one_clip_only, None),
        ],
    ),
    "line_positions": Answers(
        right=[positions_with_loops, with_outer],
        wrong=[
            (cosine_in_front, "cosine first"),
            (as_in_the_paper, "sine and cosine in turns"),
            (by_width, "frequencies by the whole width"),
            (two_i_over_half, "exponents twice too large"),
            (starts_at_1, "counted from 1"),
            (positive_exponent, "frequencies that rise"),
            (no_frequencies, "one frequency for all"),
        ],
    ),
    "patchify_backward": Answers(
        right=[back_with_loops, by_where_numbers_went],
        wrong=[
            (back_by_reshape, "reshape alone"),
            (forward_once_more, "same order of axes as the forward"),
            (patch_outside, "patch before grid"),
            (rows_for_columns, "down before right"),
            (grid_swapped, "rows and columns of patches swapped"),
            (returns_x, "gave back x"),
            (cuts_x, "gave back the patches of x"),
            (mean_of_patch, "mean over the patch"),
        ],
    ),
}
