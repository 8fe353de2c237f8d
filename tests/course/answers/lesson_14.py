"""Answers to the exercises of lesson 14, as students write them."""

import numpy as np
from answers_of import Answers

VIDEO = [[[9, 6, 0, 0], [3, 0, 1, 2]], [[2, 2, 4, 3], [2, 2, 2, 1]]]

# ------------------------------------------------------------------------------------------------ unpatchify


def with_loops(tokens, patch, grid):
    *leading, _, P = tokens.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    C = P // (pf * ph * pw)
    clip = np.empty((*leading, f * pf, r * ph, c * pw, C), tokens.dtype)
    for number, (i, j, k) in enumerate(np.ndindex(f, r, c)):
        block = tokens[..., number, :].reshape(*leading, pf, ph, pw, C)
        clip[..., i * pf : (i + 1) * pf, j * ph : (j + 1) * ph, k * pw : (k + 1) * pw, :] = block
    return clip


def reordered(tokens, patch, grid, letters):
    *leading, _, P = tokens.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    blocks = tokens.reshape(*leading, f, r, c, pf, ph, pw, -1)
    blocks = np.einsum(f"...abcpqrd->...{letters}", blocks)
    return blocks.reshape(*leading, f * pf, r * ph, c * pw, P // (pf * ph * pw))


def with_einsum(tokens, patch, grid):
    return reordered(tokens, patch, grid, "apbqcrd")


def with_moveaxis(tokens, patch, grid):
    *leading, _, P = tokens.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    blocks = tokens.reshape(*leading, f, r, c, pf, ph, pw, -1)
    blocks = np.moveaxis(blocks, (-4, -3, -2), (-6, -4, -2))
    return blocks.reshape(*leading, f * pf, r * ph, c * pw, -1)


def just_reshaped(tokens, patch, grid):
    *leading, _, P = tokens.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    return tokens.reshape(*leading, f * pf, r * ph, c * pw, -1)


def like_patchify(tokens, patch, grid):
    *leading, _, P = tokens.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    n = len(leading)
    blocks = tokens.reshape(*leading, f, r, c, pf, ph, pw, -1)
    blocks = blocks.transpose(*range(n), n, n + 2, n + 4, n + 1, n + 3, n + 5, n + 6)
    return blocks.reshape(*leading, f * pf, r * ph, c * pw, -1)


def patch_first(tokens, patch, grid):
    return reordered(tokens, patch, grid, "paqbrcd")


def turned_patches(tokens, patch, grid):
    return reordered(tokens, patch, grid, "apbrcqd")


def turned_grid(tokens, patch, grid):
    return reordered(tokens, patch, grid, "apcqbrd")


def tokens_by_columns(tokens, patch, grid):
    *leading, T, P = tokens.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    blocks = tokens.reshape(*leading, f, c, r, pf, ph, pw, -1)
    return np.einsum("...acbpqrd->...apbqcrd", blocks).reshape(*leading, f * pf, r * ph, c * pw, -1)


def color_planes(tokens, patch, grid):
    *leading, _, P = tokens.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    blocks = tokens.reshape(*leading, f, r, c, P // (pf * ph * pw), pf, ph, pw)
    return np.einsum("...abcdpqr->...apbqcrd", blocks).reshape(*leading, f * pf, r * ph, c * pw, -1)


def last_reshape_missing(tokens, patch, grid):
    *leading, _, P = tokens.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    return np.einsum("...abcpqrd->...apbqcrd", tokens.reshape(*leading, f, r, c, pf, ph, pw, -1))


def one_clip_only(tokens, patch, grid):
    (pf, ph, pw), (f, r, c) = patch, grid
    blocks = tokens.reshape(f, r, c, pf, ph, pw, -1).transpose(0, 3, 1, 4, 2, 5, 6)
    return blocks.reshape(f * pf, r * ph, c * pw, -1)


# ------------------------------------------------------------------------------------------------- to_pixels


def half_added(clip):
    return (np.minimum(np.maximum(clip, 0), 1) * 255 + 0.5).astype(np.uint8)


def limited_afterwards(clip):
    return np.clip(np.rint(clip * 255), 0, 255).astype(np.uint8)


def cut_off(clip):
    return np.clip(clip * 255, 0, 255).astype(np.uint8)


def overflowing(clip):
    return (clip * 255).round().astype(np.int64).astype(np.uint8)


def never_limited(clip):
    return np.rint(clip * 255).astype(int)


def times_256(clip):
    return np.clip((clip * 256).round(), 0, 255).astype(np.uint8)


def times_256_cut_off(clip):
    return np.clip(clip * 256, 0, 255).astype(np.uint8)


def black_and_white(clip):
    return np.clip(clip, 0, 1).round().astype(np.uint8) * 255


def signed(clip):
    return ((np.clip(clip, -1, 1) + 1) / 2 * 255).round().astype(np.uint8)


def still_a_share(clip):
    return np.clip(clip, 0, 1)


def bytes_too_early(clip):
    return np.clip(clip, 0, 1).astype(np.uint8) * 255


def zeros_and_ones(clip):
    return np.clip(clip, 0, 1).astype(np.uint8)


def rounded_up(clip):
    return np.ceil(np.clip(clip, 0, 1) * 255).astype(np.uint8)


# -------------------------------------------------------------------------------------- from_signed_backward


def with_mask(dy, x):
    dx = 0.5 * dy
    dx[(x <= -1) | (x >= 1)] = 0
    return dx


def through_y(dy, x):
    y = (x + 1) / 2
    inside = (y > 0) * (y < 1)
    return dy * inside * 0.5


def no_limits(dy, x):
    return 0.5 * dy


def no_half(dy, x):
    return dy * ((x > -1) & (x < 1))


def handed_on(dy, x):
    return dy.copy()


def limits_of_y(dy, x):
    return dy / 2 * (x > 0) * (x < 1)


def mask_inverted(dy, x):
    dx = dy / 2
    dx[(x > -1) & (x < 1)] = 0
    return dx


def through_the_forward(dy, x):
    return np.clip((dy + 1) / 2, 0, 1)


def gradient_limited(dy, x):
    return np.clip(dy / 2, 0, 1)


def one_limit(dy, x):
    return dy / 2 * (x < 1)


def times_y(dy, x):
    return dy * np.clip((x + 1) / 2, 0, 1)


ANSWERS = {
    "step_14_video": Answers(
        right=[np.array(VIDEO), np.array(VIDEO, dtype=float)],
        wrong=[
            ([[[9, 6, 3, 0], [0, 0, 1, 2]], [[2, 2, 2, 2], [4, 3, 2, 1]]], "each patch as a row"),
            ([[[9, 0, 2, 4], [6, 0, 2, 3]], [[3, 1, 2, 2], [0, 2, 2, 1]]], "rows of the matrix as rows of the frames"),
            ([[[9, 3, 0, 1], [6, 0, 0, 2]], [[2, 2, 4, 2], [2, 2, 3, 1]]], "down before right"),
            ([[[9, 6, 2, 2], [3, 0, 2, 2]], [[0, 0, 4, 3], [1, 2, 2, 1]]], "frames taken in turns"),
            ([[[5, 3, 1, 1], [1, 0, 1, 1]], [[2, 2, 6, 4], [2, 2, 2, 0]]], "the video that went in"),
            ([[[9, 6, 0, 0], [3, 0, 1, 2]], [[2, 2, 4, 3], [2, 2, 2, 0]]], None),
        ],
    ),
    "unpatchify": Answers(
        right=[with_loops, with_einsum, with_moveaxis],
        wrong=[
            (just_reshaped, "reshape alone"),
            (like_patchify, "same order of axes as patchify"),
            (patch_first, "patch before grid"),
            (turned_patches, "down before right"),
            (turned_grid, "rows and columns of patches swapped"),
            (tokens_by_columns, "tokens down before right"),
            (color_planes, "channels first"),
            (last_reshape_missing, "axes not joined"),
            (one_clip_only, "wrong places"),
        ],
    ),
    "to_pixels": Answers(
        right=[half_added, limited_afterwards],
        wrong=[
            (cut_off, "cut off instead of rounded"),
            (overflowing, "wrapped around"),
            (never_limited, "not clipped"),
            (times_256, "256 instead of 255"),
            (times_256_cut_off, "256 instead of 255, cut off"),
            (black_and_white, "rounded too early"),
            (signed, "took it for [-1, 1]"),
            (still_a_share, "not multiplied"),
            (zeros_and_ones, "bytes of 0 and 1"),
            (bytes_too_early, "whole numbers too early"),
            (rounded_up, "rounded up"),
        ],
    ),
    "from_signed_backward": Answers(
        right=[with_mask, through_y],
        wrong=[
            (no_limits, "limit forgotten"),
            (no_half, "half forgotten"),
            (handed_on, "half and limit forgotten"),
            (limits_of_y, "limits of y used for x"),
            (mask_inverted, "limited the wrong ones"),
            (through_the_forward, "forward applied to dy"),
            (gradient_limited, "limited the gradient"),
            (one_limit, "one limit forgotten"),
            (times_y, "multiplied by y"),
        ],
    ),
}
