"""Lesson 2: answers written from the lesson's text alone."""

import math

import numpy as np
from answers_of import Answers

from minidit import layers


def split_up(x, patch):
    """Leading axes and the clip's seven: f, pf, r, ph, c, pw, C."""
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    f, r, c = F // pf, H // ph, W // pw
    return x.reshape(*leading, f, pf, r, ph, c, pw, C), len(leading), (*leading, f * r * c, pf * ph * pw * C)


def ordered(x, patch, order):
    """Patchify with another order of the seven axes."""
    split, n, shape = split_up(x, patch)
    return split.transpose(*range(n), *(n + i for i in order)).reshape(shape)


def count_in_a_loop(size, patch):
    tokens, width = 1, size[3]
    for whole, part in zip(size, patch, strict=False):
        tokens *= whole // part
        width *= part
    return tokens, width


def count_printed(size, patch):
    F, H, W, C = size
    pf, ph, pw = patch
    print(F // pf * (H // ph) * (W // pw), pf * ph * pw * C)


def count_in_frames(size, patch):
    F, H, W, C = size
    pf, ph, pw = patch
    return F * (H // ph) * (W // pw), pf * ph * pw * C


def patchify_with_all_axes(x, patch):
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    f, r, c = F // pf, H // ph, W // pw
    y = x.reshape(-1, f, pf, r, ph, c, pw, C)
    y = np.einsum("bfprhcwC->bfrcphwC", y)
    return y.reshape(*leading, f * r * c, pf * ph * pw * C)


def patchify_in_loops(x, patch):
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    tokens = []
    for a in range(0, F, pf):
        for b in range(0, H, ph):
            for d in range(0, W, pw):
                box = x[..., a : a + pf, b : b + ph, d : d + pw, :]
                tokens.append(box.reshape(*leading, -1))
    return np.stack(tokens, axis=-2)


def patchify_moving_axes(x, patch):
    split, n, shape = split_up(x, patch)
    return np.moveaxis(split, (n, n + 2, n + 4), (n, n + 1, n + 2)).reshape(shape)


def patchify_no_leading(x, patch):
    F, H, W, C = x.shape
    pf, ph, pw = patch
    f, r, c = F // pf, H // ph, W // pw
    return x.reshape(f, pf, r, ph, c, pw, C).transpose(0, 2, 4, 1, 3, 5, 6).reshape(f * r * c, pf * ph * pw * C)


def patchify_order_without_leading(x, patch):
    split, n, shape = split_up(x, patch)
    return split.transpose(0, 2, 4, 1, 3, 5, 6).reshape(shape)


def patchify_one_batch_axis(x, patch):
    *leading, F, H, W, C = x.shape
    if not leading:
        return patchify_no_leading(x, patch)
    return np.stack([patchify_no_leading(clip, patch) for clip in x])


def patchify_counters_inside(x, patch):
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    f, r, c = F // pf, H // ph, W // pw
    n = len(leading)
    y = x.reshape(*leading, pf, f, ph, r, pw, c, C)
    y = y.transpose(*range(n), n + 1, n + 3, n + 5, n, n + 2, n + 4, n + 6)
    return y.reshape(*leading, f * r * c, pf * ph * pw * C)


def patchify_last_reshape_forgotten(x, patch):
    split, n, _ = split_up(x, patch)
    return split.transpose(*range(n), n, n + 2, n + 4, n + 1, n + 3, n + 5, n + 6)


def patchify_batch_into_tokens(x, patch):
    y = patchify_in_loops(x, patch)
    return y.reshape(-1, y.shape[-1])


def patchify_changes_shape(x, patch):
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    f, r, c = F // pf, H // ph, W // pw
    n = len(leading)
    x.shape = (*leading, f, pf, r, ph, c, pw, C)
    y = x.transpose(*range(n), n, n + 2, n + 4, n + 1, n + 3, n + 5, n + 6)
    return y.reshape(*leading, f * r * c, pf * ph * pw * C)


def patchify_return_in_the_loop(x, patch):
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    tokens = []
    for a in range(0, F, pf):
        for b in range(0, H, ph):
            for d in range(0, W, pw):
                tokens.append(x[..., a : a + pf, b : b + ph, d : d + pw, :].reshape(*leading, -1))
            return np.stack(tokens, axis=-2)


def patchify_three_colours(x, patch):
    *leading, F, H, W, _ = x.shape
    pf, ph, pw = patch
    f, r, c = F // pf, H // ph, W // pw
    n = len(leading)
    y = x.reshape(*leading, f, pf, r, ph, c, pw, 3)
    y = y.transpose(*range(n), n, n + 2, n + 4, n + 1, n + 3, n + 5, n + 6)
    return y.reshape(*leading, f * r * c, pf * ph * pw * 3)


def patchify_square_patches(x, patch):
    pf, ph, _ = patch
    return patchify_in_loops(x, (pf, ph, ph))


def patchify_first_clip_for_all(x, patch):
    *leading, F, H, W, C = x.shape
    first = patchify_no_leading(x.reshape(-1, F, H, W, C)[0], patch)
    return np.broadcast_to(first, (*leading, *first.shape)).copy()


def patchify_stacked_in_front(x, patch):
    return np.moveaxis(patchify_in_loops(x, patch), -2, 0)


def positions_in_loops(count, width):
    half = width // 2
    out = np.zeros((count, width))
    for p in range(count):
        for i in range(half):
            out[p, i] = math.sin(p * 10000 ** (-i / half))
            out[p, half + i] = math.cos(p * 10000 ** (-i / half))
    return out


def positions_by_exp(count, width):
    half = width // 2
    omega = np.exp(-math.log(10000) * np.arange(half) / half)
    angles = np.arange(count)[:, None] * omega
    return np.hstack((np.sin(angles), np.cos(angles)))


def waves(angles):
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def positions_with(omega_of, first=0):
    """Positions whose frequencies are omega_of(i, half)."""

    def line_positions(count, width):
        half = width // 2
        return waves(np.outer(np.arange(first, count + first), omega_of(np.arange(half), half)))

    return line_positions


def positions_interleaved(count, width):
    half = width // 2
    angles = np.outer(np.arange(count), 10000 ** (-np.arange(half) / half))
    out = np.zeros((count, width))
    out[:, 0::2], out[:, 1::2] = np.sin(angles), np.cos(angles)
    return out


def positions_cosine_first(count, width):
    half = width // 2
    angles = np.outer(np.arange(count), 10000 ** (-np.arange(half) / half))
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1)


def positions_integer_power(count, width):
    half = width // 2
    return waves(np.outer(np.arange(count), 10000 ** -(np.arange(half) // half)))


def positions_negative_integers(count, width):
    half = width // 2
    return waves(np.outer(np.arange(count), 10000 ** (-np.arange(half)) / half))


def positions_stacked(count, width):
    half = width // 2
    angles = np.outer(np.arange(count), 10000.0 ** (-np.arange(half) / half))
    return np.concatenate([np.sin(angles), np.cos(angles)])


def positions_frequency_outside(count, width):
    half = width // 2
    omega = 10000 ** (-np.arange(half) / half)
    p = np.arange(count)[:, None]
    return np.concatenate([np.sin(p) * omega, np.cos(p) * omega], axis=1)


def positions_no_new_axis(count, width):
    half = width // 2
    return waves(np.arange(count) * 10000 ** (-np.arange(half) / half))


def positions_half_of_the_count(count, width):
    half = count // 2
    return waves(np.outer(np.arange(count), 10000 ** (-np.arange(half) / half)))


def back_by_argsort(dy, x, patch):
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    f, r, c = F // pf, H // ph, W // pw
    n = len(leading)
    order = [*range(n), n, n + 2, n + 4, n + 1, n + 3, n + 5, n + 6]
    blocks = dy.reshape(*leading, f, r, c, pf, ph, pw, C)
    return blocks.transpose(np.argsort(order)).reshape(x.shape)


def back_in_loops(dy, x, patch):
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    dx = np.zeros_like(x)
    token = 0
    for a in range(0, F, pf):
        for b in range(0, H, ph):
            for d in range(0, W, pw):
                dx[..., a : a + pf, b : b + ph, d : d + pw, :] = dy[..., token, :].reshape(*leading, pf, ph, pw, C)
                token += 1
    return dx


def back_by_numbering(dy, x, patch):
    *leading, F, H, W, C = x.shape
    where = patchify_no_leading(np.arange(F * H * W * C).reshape(F, H, W, C), patch).reshape(-1)
    flat = dy.reshape(*leading, -1)
    return flat[..., np.argsort(where)].reshape(x.shape)


def back_ordered(order, leads=True):
    """The backward with another order of the seven axes."""

    def patchify_backward(dy, x, patch):
        *leading, F, H, W, C = x.shape
        pf, ph, pw = patch
        f, r, c = F // pf, H // ph, W // pw
        n = len(leading)
        blocks = dy.reshape(*leading, f, r, c, pf, ph, pw, C)
        axes = (*range(n), *(n + i for i in order)) if leads else order
        return blocks.transpose(axes).reshape(x.shape)

    return patchify_backward


def back_into_x(dy, x, patch):
    x[...] = back_in_loops(dy, x, patch)
    return x


def back_inner_first(dy, x, patch):
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    f, r, c = F // pf, H // ph, W // pw
    n = len(leading)
    blocks = dy.reshape(*leading, pf, ph, pw, C, f, r, c)
    return blocks.transpose(*range(n), n + 4, n, n + 5, n + 1, n + 6, n + 2, n + 3).reshape(x.shape)


def back_first_token_only(dy, x, patch):
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    dx = np.zeros_like(x)
    dx[..., :pf, :ph, :pw, :] = dy[..., 0, :].reshape(*leading, pf, ph, pw, C)
    return dx


def back_one_batch_axis(dy, x, patch):
    if x.ndim == 4:
        return back_in_loops(dy, x, patch)
    return np.stack([back_in_loops(d, clip, patch) for d, clip in zip(dy, x, strict=True)])


def back_no_last_reshape(dy, x, patch):
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    n = len(leading)
    blocks = dy.reshape(*leading, F // pf, H // ph, W // pw, pf, ph, pw, C)
    return blocks.transpose(*range(n), n, n + 3, n + 1, n + 4, n + 2, n + 5, n + 6)


PLACES = {}


def patchify_remembers(x, patch):
    *leading, F, H, W, C = x.shape
    if (F, H, W, C) not in PLACES:
        numbers = np.arange(F * H * W * C).reshape(F, H, W, C)
        PLACES[F, H, W, C] = patchify_no_leading(numbers, patch)
    return x.reshape(*leading, -1)[..., PLACES[F, H, W, C]]


def patchify_two_in_front(x, patch):
    if x.ndim == 6:
        return np.stack([patchify_one_batch_axis(clips, patch) for clips in x])
    return patchify_one_batch_axis(x, patch)


def patchify_every_frame_by_itself(x, patch):
    *leading, F, H, W, C = x.shape
    return patchify_in_loops(x, (1, *patch[1:])).reshape(*leading, -1, math.prod(patch) * C)


def patchify_float(x, patch):
    y = patchify_in_loops(x, patch)
    return y / np.abs(y).max()


POSITIONS = {}


def positions_remembered(count, width):
    if width not in POSITIONS:
        POSITIONS[width] = positions_in_loops(count, width)
    return POSITIONS[width]


def back_two_in_front(dy, x, patch):
    if x.ndim == 6:
        return np.stack([back_one_batch_axis(d, clips, patch) for d, clips in zip(dy, x, strict=True)])
    if x.ndim == 5:
        return np.stack([back_no_leading(d, clip, patch) for d, clip in zip(dy, x, strict=True)])
    return back_no_leading(dy, x, patch)


def back_no_leading(dy, x, patch):
    F, H, W, C = x.shape
    pf, ph, pw = patch
    blocks = dy.reshape(F // pf, H // ph, W // pw, pf, ph, pw, C)
    return blocks.transpose(0, 3, 1, 4, 2, 5, 6).reshape(x.shape)


def back_first_clip_for_all(dy, x, patch):
    *leading, F, H, W, C = x.shape
    first = dy.reshape(-1, *dy.shape[-2:])[0]
    return np.broadcast_to(back_no_leading(first, x.reshape(-1, F, H, W, C)[0], patch), x.shape).copy()


PATCHES = [[5, 1, 2, 6], [3, 1, 2, 4], [1, 1, 2, 2], [0, 1, 2, 0]]
ANSWERS = {
    "step_2_patches": Answers(
        right=[PATCHES, np.array(PATCHES), tuple(map(tuple, PATCHES))],
        wrong=[
            # a patch in each row (transposed)
            ([list(column) for column in zip(*PATCHES, strict=True)], "rows instead of columns"),
            # inside a patch downwards first
            ([[5, 1, 2, 6], [1, 1, 2, 2], [3, 1, 2, 4], [0, 1, 2, 0]], "down before right"),
            # patches alternate between the frames
            ([[5, 2, 1, 6], [3, 2, 1, 4], [1, 2, 1, 2], [0, 2, 1, 0]], "frames taken in turns"),
            # the rows of the frames copied
            ([[5, 3, 1, 1], [1, 0, 1, 1], [2, 2, 6, 4], [2, 2, 2, 0]], "strips instead of squares, in rows"),
            # rows of the frames as columns
            ([[5, 1, 2, 2], [3, 0, 2, 2], [1, 1, 6, 2], [1, 1, 4, 0]], "strips instead of squares"),
            ([[2, 6, 5, 1], [2, 4, 3, 1], [2, 2, 1, 1], [2, 0, 0, 1]], "frames swapped"),  # frame 2 first
            # right patch before the left one
            ([[1, 5, 6, 2], [1, 3, 4, 2], [1, 1, 2, 2], [1, 0, 0, 2]], "right before left"),
            ([[5, 1, 2, 6], [3, 1, 2, 4], [1, 1, 2, 2], [0, 1, 2, 2]], None),  # one misread: bottom right of the last
            # the second patch starts one column too early
            ([[5, 3, 2, 6], [3, 1, 2, 4], [1, 0, 2, 2], [0, 1, 2, 0]], "patches that overlap"),
            ([[5, 1], [3, 1], [1, 1], [0, 1]], "one frame only"),  # frame 1 only
            # top right before top left
            ([[3, 1, 2, 4], [5, 1, 2, 6], [0, 1, 2, 0], [1, 1, 2, 2]], "right before left"),
        ],
    ),
    "token_count": Answers(
        right=[
            count_in_a_loop,
            lambda size, patch: (
                math.prod(s // p for s, p in zip(size[:3], patch, strict=True)),
                math.prod(patch) * size[3],
            ),
            lambda size, patch: [int(np.prod(size[:3]) / np.prod(patch)), int(np.prod(patch)) * size[-1]],
            lambda size, patch: (
                size[0] // patch[0] * size[1] // patch[1] * size[2] // patch[2],
                patch[0] * patch[1] * patch[2] * size[3],
            ),
        ],
        wrong=[
            (
                lambda size, patch: (
                    size[0] // patch[0] * (size[1] // patch[1]) * (size[2] // patch[2]),
                    patch[0] * patch[1] * patch[2],
                ),
                "forgot the channels",  # colours forgotten
            ),
            (count_in_frames, "pf forgotten"),  # patches span one frame only: F, not F / pf
            (
                lambda size, patch: (
                    patch[0] * patch[1] * patch[2] * size[3],
                    size[0] // patch[0] * (size[1] // patch[1]) * (size[2] // patch[2]),
                ),
                "wrong order",  # swapped
            ),
            (
                lambda size, patch: (
                    size[0] // patch[0] + size[1] // patch[1] + size[2] // patch[2],
                    patch[0] * patch[1] * patch[2] * size[3],
                ),
                "sum instead of product",  # sum of the counts
            ),
            (
                lambda size, patch: (math.prod(size) // math.prod(patch), math.prod(patch) * size[3]),
                "channels counted as tokens",  # colours counted as tokens too
            ),
            (
                lambda size, patch: (size[1] // patch[1] * (size[2] // patch[2]), math.prod(patch) * size[3]),
                "tokens of one frame",
            ),
            (
                lambda size, patch: (math.prod(size[:3]) // math.prod(patch), math.prod(patch) * 3),
                "ignores an input",  # three colours hard-coded
            ),
            (
                lambda size, patch: (math.prod(size[:3]) // math.prod(patch), patch[1] * patch[2] * size[3]),
                "a patch of one frame",  # pf forgotten in the width
            ),
            (
                lambda size, patch: (
                    (size[0] - patch[0] + 1) * (size[1] - patch[1] + 1) * (size[2] - patch[2] + 1),
                    math.prod(patch) * size[3],
                ),
                "patches that overlap",  # overlapping patches
            ),
            (lambda size, patch: math.prod(size[:3]) // math.prod(patch), "other number of results"),  # only the tokens
            (count_printed, "printed, not returned"),
            (
                lambda size, patch: (math.prod(size[:3]) // patch[1] ** 2 // patch[0], math.prod(patch) * size[3]),
                "ignores an input",  # square patches assumed
            ),
            (
                lambda size, patch: (math.prod(size[:3]) // math.prod(patch), sum(patch) + size[3]),
                "sum instead of product",  # sum, not product, in the width
            ),
            (
                lambda size, patch: (size.shape[0] // patch[0], patch[1]),
                "raised an error",  # size is a tuple already: it has no shape
            ),
            (
                lambda size, patch: (
                    size[0] // patch[0] * (size[1] // patch[2]) * (size[2] // patch[1]),
                    math.prod(patch) * size[3],
                ),
                "ph and pw swapped",
            ),
        ],
    ),
    "patchify": Answers(
        right=[patchify_with_all_axes, patchify_in_loops, patchify_moving_axes],
        wrong=[
            (lambda x, patch: x.reshape(split_up(x, patch)[2]), "reshape alone"),
            (patchify_counters_inside, "every other pixel"),  # split as (pf, f): the counter is inside
            (patchify_no_leading, "raised an error"),  # no axes in front possible
            (patchify_order_without_leading, "raised an error"),  # transpose without the axes in front
            (patchify_one_batch_axis, "raised an error"),  # one axis in front at most
            # colour first inside a patch
            (lambda x, patch: ordered(x, patch, (0, 2, 4, 6, 1, 3, 5)), "channels first"),
            # tokens in the order row, column, frame
            (lambda x, patch: ordered(x, patch, (2, 4, 0, 1, 3, 5, 6)), "tokens place by place"),
            # tokens in the order frame, column, row
            (lambda x, patch: ordered(x, patch, (0, 4, 2, 1, 3, 5, 6)), "tokens down before right"),
            # columns before rows inside a patch
            (lambda x, patch: ordered(x, patch, (0, 2, 4, 1, 5, 3, 6)), "down before right"),
            # inside of the patch before the counters
            (lambda x, patch: ordered(x, patch, (1, 3, 5, 0, 2, 4, 6)), "patch before grid"),
            (patchify_last_reshape_forgotten, "patches not flattened"),  # the last reshape is missing
            (patchify_batch_into_tokens, "batch joined with the tokens"),  # the batch is joined with the tokens
            (patchify_changes_shape, "changed its input"),  # x.shape = … changes the input's shape
            # return inside the loop: only the first row of patches
            (patchify_return_in_the_loop, "only the first tokens"),
            (patchify_three_colours, "raised an error"),  # three colours hard-coded
            (patchify_square_patches, "raised an error"),  # ph used for pw too
            (patchify_first_clip_for_all, "one clip for all"),  # the first clip of the batch for all
            # a token in each column (P, T)
            (lambda x, patch: patchify_in_loops(x, patch).swapaxes(-1, -2), "missing transpose"),
            # transpose forgotten
            (lambda x, patch: split_up(x, patch)[0].reshape(split_up(x, patch)[2]), "reshape alone"),
            (patchify_stacked_in_front, "tokens in front"),  # tokens stacked before the axes in front
            (patchify_remembers, "kept from an earlier call"),  # remembers the order for a size, whatever the patch is
            (patchify_two_in_front, "raised an error"),  # two axes in front at most
            # cuts every frame by itself and joins neighbouring tokens
            (patchify_every_frame_by_itself, "frames cut one by one"),
            (patchify_float, "scaled"),  # scaled to the largest number
        ],
    ),
    "line_positions": Answers(
        right=[positions_in_loops, positions_by_exp, positions_with(lambda i, half: 1 / 10000 ** (i / half))],
        wrong=[
            (positions_interleaved, "sine and cosine in turns"),  # sine and cosine alternate
            (positions_cosine_first, "cosine first"),  # cosines first
            # 2i in the exponent
            (positions_with(lambda i, half: 10000 ** (-2 * i / half)), "exponents twice too large"),
            # divided by width, not half
            (positions_with(lambda i, half: 10000 ** (-i / (2 * half))), "frequencies by the whole width"),
            (positions_with(lambda i, half: 10000.0 ** (-(i + 1) / half)), "i counted from 1"),
            (positions_with(lambda i, half: 10000 ** (-i / half), first=1), "counted from 1"),  # positions from 1
            (positions_with(lambda i, half: 10000 ** (-i / max(half - 1, 1))), "divided by half − 1"),
            (positions_with(lambda i, half: 10000 ** (i / half)), "frequencies that rise"),  # minus sign missing
            (positions_with(lambda i, half: 1000 ** (-i / half)), "another base"),  # 1000, not 10000
            (positions_with(lambda i, half: 2 * np.pi * 10000 ** (-i / half)), "times 2π"),  # a factor 2π
            (positions_integer_power, "one frequency for all"),  # // in the exponent: all frequencies are 1
            # bracket missing: 10000 to a negative whole number is an error
            (positions_negative_integers, "raised an error"),
            (positions_stacked, "one below the other"),  # stacked below each other, not side by side
            (positions_frequency_outside, "times the frequency"),  # frequency outside the sine
            (positions_no_new_axis, "raised an error"),  # positions times frequencies without a new axis
            (positions_half_of_the_count, "half of the count"),  # half of count, not of width
            (lambda count, width: positions_in_loops(count, width).T, "missing transpose"),  # transposed
            # the last position is missing
            (lambda count, width: positions_in_loops(count - 1, width), "one position missing"),
            (lambda count, width: np.round(positions_in_loops(count, width), 3), "rounded"),
            # remembers the positions of a width, whatever count is
            (positions_remembered, "kept from an earlier call"),
        ],
    ),
    "patchify_backward": Answers(
        right=[back_by_argsort, back_in_loops, back_by_numbering, back_one_batch_axis],
        wrong=[
            (lambda dy, x, patch: dy.reshape(x.shape), "reshape alone"),
            # the forward's order again, not its inverse
            (back_ordered((0, 2, 4, 1, 3, 5, 6)), "same order of axes as the forward"),
            # the axes in front are missing in transpose
            (back_ordered((0, 3, 1, 4, 2, 5, 6), leads=False), "raised an error"),
            (back_ordered((0, 3, 2, 5, 1, 4, 6)), "rows and columns swapped"),
            (back_ordered((3, 0, 4, 1, 5, 2, 6)), "patch before grid"),  # inside before the counter
            (lambda dy, x, patch: back_in_loops(dy, x, patch) * x, "multiplied by x"),
            (lambda dy, x, patch: layers.patchify(x, patch), "gave back the patches of x"),  # patchify of x, dy ignored
            (lambda dy, x, patch: np.ones_like(x), "forgot dy"),  # slope 1, dy ignored
            (lambda dy, x, patch: layers.patchify(dy.reshape(x.shape), patch), "patchify again"),
            (back_into_x, "changed its input"),  # writes into x
            (back_inner_first, "split with the patch first"),  # dy split as (pf, ph, pw, C, f, r, c)
            (back_first_token_only, "one token only"),  # only the first token is put back
            (back_no_last_reshape, "not merged"),  # the last reshape is missing
            # mean over a patch
            (lambda dy, x, patch: back_in_loops(dy, x, patch) / math.prod(patch), "mean over the patch"),
            (lambda dy, x, patch: back_in_loops(dy, x, patch)[..., ::-1], "channels reversed"),  # colours reversed
            (lambda dy, x, patch: x.copy(), "gave back x"),  # the clip itself
            (lambda dy, x, patch: -back_in_loops(dy, x, patch), "sign"),
            (back_two_in_front, "raised an error"),  # two axes in front at most
            (back_no_leading, "raised an error"),  # no axes in front possible
            (back_first_clip_for_all, "one clip for all"),  # the first clip of the batch for all
        ],
    ),
}
