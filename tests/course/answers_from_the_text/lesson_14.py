"""Answers to the exercises of lesson 14, written from its text alone."""

import numpy as np
from answers_of import Answers

DECODED = np.array([[9, 0, 2, 4], [6, 0, 2, 3], [3, 1, 2, 2], [0, 2, 2, 1]])
VIDEO = np.array([[[9, 6, 0, 0], [3, 0, 1, 2]], [[2, 2, 4, 3], [2, 2, 2, 1]]])


def together_by_einsum(tokens, patch, grid):
    *leading, T, P = tokens.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    boxes = tokens.reshape(-1, f, r, c, pf, ph, pw, P // (pf * ph * pw))
    clips = np.einsum("nfrcabde->nfarbcde", boxes)
    return clips.reshape(*leading, f * pf, r * ph, c * pw, -1)


def together_by_loops(tokens, patch, grid):
    (pf, ph, pw), (f, r, c) = patch, grid
    C = tokens.shape[-1] // (pf * ph * pw)
    clip = np.empty((*tokens.shape[:-2], f * pf, r * ph, c * pw, C), tokens.dtype)
    for token, (i, j, k) in enumerate(np.ndindex(*grid)):
        box = tokens[..., token, :].reshape(*tokens.shape[:-2], pf, ph, pw, C)
        clip[..., i * pf : (i + 1) * pf, j * ph : (j + 1) * ph, k * pw : (k + 1) * pw, :] = box
    return clip


def together_by_moves(tokens, patch, grid):
    boxes = tokens.reshape(*tokens.shape[:-2], *grid, *patch, -1)
    boxes = np.moveaxis(boxes, -4, -6)
    boxes = np.moveaxis(boxes, -3, -4)
    return boxes.reshape(*tokens.shape[:-2], *(g * p for g, p in zip(grid, patch, strict=True)), -1)


def together_in_order(*order, swap_ends=False):
    """The three lines with the seven axes in this order; right is (0, 3, 1, 4, 2, 5, 6)."""

    def unpatchify(tokens, patch, grid):
        *leading, T, P = tokens.shape
        (pf, ph, pw), (f, r, c) = patch, grid
        n = len(leading)
        boxes = tokens.reshape(*leading, f, r, c, pf, ph, pw, P // (pf * ph * pw))
        boxes = boxes.transpose(*range(n), *(n + axis for axis in order))
        shape = (f * pf, c * pw, r * ph) if swap_ends else (f * pf, r * ph, c * pw)
        return boxes.reshape(*leading, *shape, -1)

    return unpatchify


def together_reshape_only(tokens, patch, grid):
    *leading, T, P = tokens.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    return tokens.reshape(*leading, f * pf, r * ph, c * pw, P // (pf * ph * pw))


def together_no_batch(tokens, patch, grid):
    T, P = tokens.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    boxes = tokens.reshape(f, r, c, pf, ph, pw, -1).transpose(0, 3, 1, 4, 2, 5, 6)
    return boxes.reshape(f * pf, r * ph, c * pw, -1)


def together_one_batch_axis(tokens, patch, grid):
    N, T, P = tokens.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    boxes = tokens.reshape(N, f, r, c, pf, ph, pw, -1).transpose(0, 1, 4, 2, 5, 3, 6, 7)
    return boxes.reshape(N, f * pf, r * ph, c * pw, -1)


def together_axes_from_zero(tokens, patch, grid):
    *leading, T, P = tokens.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    boxes = tokens.reshape(*leading, f, r, c, pf, ph, pw, -1).transpose(0, 3, 1, 4, 2, 5, 6)
    return boxes.reshape(*leading, f * pf, r * ph, c * pw, -1)


def together_one_colour(tokens, patch, grid):
    *leading, T, P = tokens.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    n = len(leading)
    boxes = tokens.reshape(*leading, f, r, c, pf, ph, pw)
    boxes = boxes.transpose(*range(n), n, n + 3, n + 1, n + 4, n + 2, n + 5)
    return boxes.reshape(*leading, f * pf, r * ph, c * pw, 1)


def together_three_colours(tokens, patch, grid):
    *leading, T, P = tokens.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    n = len(leading)
    boxes = tokens.reshape(*leading, f, r, c, pf, ph, pw, 3)
    boxes = boxes.transpose(*range(n), n, n + 3, n + 1, n + 4, n + 2, n + 5, n + 6)
    return boxes.reshape(*leading, f * pf, r * ph, c * pw, 3)


def together_colours_first(tokens, patch, grid):
    *leading, T, P = tokens.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    n, C = len(leading), P // (pf * ph * pw)
    boxes = tokens.reshape(*leading, f, r, c, C, pf, ph, pw)
    boxes = boxes.transpose(*range(n), n, n + 4, n + 1, n + 5, n + 2, n + 6, n + 3)
    return boxes.reshape(*leading, f * pf, r * ph, c * pw, C)


def together_grid_in_reverse(tokens, patch, grid):
    return together_by_einsum(tokens, patch, grid[::-1])


def together_patch_in_reverse(tokens, patch, grid):
    return together_by_einsum(tokens, patch[::-1], grid)


def together_first_clip_only(tokens, patch, grid):
    return together_by_einsum(tokens.reshape(-1, *tokens.shape[-2:])[0], patch, grid)


def together_forgets_to_return(tokens, patch, grid):
    clip = together_by_einsum(tokens, patch, grid)
    clip = clip.copy()


def together_batch_merged(tokens, patch, grid):
    clip = together_by_einsum(tokens, patch, grid)
    return clip.reshape(-1, *clip.shape[-4:])


def together_shape_as_function(tokens, patch, grid):
    *leading, T, P = tokens.shape()
    return tokens.reshape(*leading, *grid, *patch, -1)


def together_one_frame(tokens, patch, grid):
    *leading, T, P = tokens.shape
    (_, ph, pw), (f, r, c) = patch, grid
    boxes = tokens.reshape(*leading, f, r, c, ph, pw, P // (ph * pw)).swapaxes(-4, -3)
    return boxes.reshape(*leading, f, r * ph, c * pw, -1)


def together_square_patches(tokens, patch, grid):
    return together_by_einsum(tokens, (patch[0], patch[1], patch[1]), grid)


def together_square_grid(tokens, patch, grid):
    side = round((tokens.shape[-2] / grid[0]) ** 0.5)
    return together_by_einsum(tokens, patch, (grid[0], side, side))


def together_shape_in_place(tokens, patch, grid):
    *leading, T, P = tokens.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    n = len(leading)
    tokens.shape = (*leading, f, r, c, pf, ph, pw, P // (pf * ph * pw))
    boxes = tokens.transpose(*range(n), n, n + 3, n + 1, n + 4, n + 2, n + 5, n + 6)
    return boxes.reshape(*leading, f * pf, r * ph, c * pw, -1)


def together_down_first(tokens, patch, grid):
    (pf, ph, pw), (f, r, c) = patch, grid
    clip = np.empty((*tokens.shape[:-2], f * pf, r * ph, c * pw, tokens.shape[-1] // (pf * ph * pw)), tokens.dtype)
    token = 0
    for i in range(f):
        for k in range(c):
            for j in range(r):
                box = tokens[..., token, :].reshape(*tokens.shape[:-2], pf, ph, pw, -1)
                clip[..., i * pf : (i + 1) * pf, j * ph : (j + 1) * ph, k * pw : (k + 1) * pw, :] = box
                token += 1
    return clip


def pixels_half_up(clip):
    limited = np.minimum(np.maximum(clip, 0), 1)
    return np.floor(limited * 255 + 0.5).astype("uint8")


def pixels_in_a_loop(clip):
    found = np.zeros(clip.shape, np.uint8)
    for index in np.ndindex(*clip.shape):
        found[index] = round(min(max(float(clip[index]), 0.0), 1.0) * 255)
    return found


def pixels_limited_in_place(clip):
    np.clip(clip, 0, 1, out=clip)
    return np.round(clip * 255).astype(np.uint8)


def pixels_written_into(clip):
    clip[clip < 0] = 0
    clip[clip > 1] = 1
    return np.rint(255 * clip).astype(np.uint8)


def limits_by_copy(dy, x):
    dx = dy / 2
    dx[(x < -1) | (x > 1)] = 0
    return dx


def limits_by_y(dy, x):
    y = (x + 1) / 2
    return np.where((y > 0) & (y < 1), 0.5 * dy, 0)


def limits_in_place(dy, x):
    dy[(x < -1) | (x > 1)] = 0
    return dy / 2


def limits_halve_in_place(dy, x):
    dy *= 0.5
    return np.where(abs(x) < 1, dy, 0)


def limits_python_and(dy, x):
    return np.where(x > -1 and x < 1, dy / 2, 0)


def limits_chained(dy, x):
    if -1 < x < 1:
        return dy / 2
    return np.zeros_like(dy)


def limits_first_axis(dy, x):
    dx = np.zeros_like(dy)
    for i in range(len(x)):
        if x[i] > -1 and x[i] < 1:
            dx[i] = dy[i] / 2
    return dx


def limits_return_in_the_loop(dy, x):
    dx = np.zeros_like(dy)
    for index in np.ndindex(x.shape):
        if -1 < x[index] < 1:
            dx[index] = dy[index] / 2
        return dx


ANSWERS = {
    "step_14_video": Answers(
        right=[VIDEO.tolist(), VIDEO.astype(float), tuple(VIDEO)],
        wrong=[
            # rows of the matrix taken for rows of the frames
            (DECODED.reshape(2, 2, 4), "rows of the matrix as rows of the frames"),
            (DECODED.T.reshape(2, 2, 4), "each patch as a row"),  # columns of the matrix laid down as rows
            # went down in each patch instead of across
            ([[[9, 3, 0, 1], [6, 0, 0, 2]], [[2, 2, 4, 2], [2, 2, 3, 1]]], "down before right"),
            ([[[0, 0, 9, 6], [1, 2, 3, 0]], [[4, 3, 2, 2], [2, 1, 2, 2]]], "left and right patch swapped"),
            (VIDEO[::-1], "frames swapped"),
            # columns 0 and 2 for frame 1
            ([[[9, 6, 2, 2], [3, 0, 2, 2]], [[0, 0, 4, 3], [1, 2, 2, 1]]], "frames taken in turns"),
            (VIDEO[:, ::-1], "frames upside down"),
            # right before left in each patch
            ([[[6, 9, 0, 0], [0, 3, 2, 1]], [[2, 2, 3, 4], [2, 2, 1, 2]]], "patches mirrored"),
            # one patch's lower row swapped
            ([[[9, 6, 0, 0], [3, 0, 2, 1]], [[2, 2, 4, 3], [2, 2, 2, 1]]], "wrong places"),
            ([[[9, 6, 0, 0], [3, 0, 1, 2]], [[2, 2, 4, 3], [2, 2, 2, 2]]], "off by 1"),  # one number misread
            # the video of step 1
            ([[[5, 3, 1, 1], [1, 0, 1, 1]], [[2, 2, 6, 4], [2, 2, 2, 0]]], "the video that went in"),
            (VIDEO[0], "one frame"),  # only the first frame
            (DECODED, "the patches as they were"),  # typed the decoded patches again
            (VIDEO.swapaxes(1, 2), "rows and columns of the frames swapped"),
        ],
    ),
    "unpatchify": Answers(
        right=[together_by_loops, together_by_einsum, together_by_moves],
        wrong=[
            (together_reshape_only, "reshape alone"),  # reshape without a transpose
            # frames of a patch before the grid's frames
            (together_in_order(3, 0, 1, 4, 2, 5, 6), "axes in another order"),
            # rows and columns of a patch before the grid's
            (together_in_order(0, 3, 4, 1, 5, 2, 6), "axes in another order"),
            (together_in_order(0, 3, 1, 5, 2, 4, 6), "down before right"),  # r with pw and c with ph
            (together_in_order(0, 3, 2, 4, 1, 5, 6), "rows and columns of patches swapped"),  # r and c swapped
            # rows and columns of the clip swapped
            (together_in_order(0, 3, 2, 5, 1, 4, 6, swap_ends=True), "missing transpose"),
            (together_in_order(0, 1, 2, 3, 4, 5, 6), "reshape alone"),  # a transpose that moves nothing
            (together_in_order(0, 1, 3, 2, 4, 5, 6), "axes in another order"),  # f and pf not beside each other
            (together_in_order(0, 3, 1, 4, 2, 6, 5), "axes in another order"),  # colours before the columns of a patch
            (together_colours_first, "channels first"),  # takes the colours for the first axis in a token
            (together_no_batch, "raised an error"),  # works without leading axes only
            (together_one_batch_axis, "raised an error"),  # works with one leading axis only
            (together_axes_from_zero, "raised an error"),  # axes counted from 0 although there are leading ones
            (together_one_colour, "raised an error"),  # grey clips only
            (together_three_colours, "raised an error"),  # three colours only
            (together_grid_in_reverse, "grid read in another order"),  # grid read as (c, r, f)
            (together_patch_in_reverse, "patch read in another order"),  # patch read as (pw, ph, pf)
            (together_down_first, "tokens down before right"),  # tokens laid down before right
            # only the first clip of a batch
            (
                together_first_clip_only,
                ("only some of them", "uses a part of an input", "the rest is zero", "right only in part"),
            ),
            (together_batch_merged, "batch merged"),  # leading axes merged into one
            (together_forgets_to_return, "returned nothing"),  # forgets to return
            (together_shape_as_function, "raised an error"),  # calls tokens.shape()
            (together_one_frame, "patches of one frame"),  # patches of one frame only
            (together_square_patches, "raised an error"),  # square patches only
            (together_square_grid, "raised an error"),  # square grids only
            (together_shape_in_place, "changed its input"),  # gives its input another shape
        ],
    ),
    "to_pixels": Answers(
        right=[
            pixels_half_up, lambda clip: np.rint(255 * np.clip(clip, 0.0, 1.0)).astype(np.uint8), pixels_in_a_loop,
            lambda clip: (clip * 255 + 0.5).clip(0, 255).astype(np.uint8),
        ],
        wrong=[
            (lambda clip: np.round(np.clip(clip, 0, 1) * 255), "another dtype than asked for"),  # floats, not bytes
            # int instead of uint8
            (lambda clip: np.round(np.clip(clip, 0, 1) * 255).astype(int), "another dtype than asked for"),
            # int16 instead of uint8
            (lambda clip: np.round(np.clip(clip, 0, 1) * 255).astype(np.int16), "another dtype than asked for"),
            # int8: wraps around above 127
            (lambda clip: np.round(np.clip(clip, 0, 1) * 255).astype(np.int8), "bytes with a sign"),
            # cuts off instead of rounding
            (lambda clip: (np.clip(clip, 0, 1) * 255).astype(np.uint8), "cut off instead of rounded"),
            (lambda clip: np.ceil(np.clip(clip, 0, 1) * 255).astype(np.uint8), "rounded up"),  # rounds up
            # no limits: wraps around
            (lambda clip: np.round(clip * 255).astype(int).astype(np.uint8), "wrapped around"),
            # limits after the cast
            (lambda clip: np.clip(np.round(clip * 255).astype(int).astype(np.uint8), 0, 255), "wrapped around"),
            # no lower limit
            (lambda clip: np.round(np.minimum(clip, 1) * 255).astype(int).astype(np.uint8), "wrapped around"),
            # no upper limit
            (lambda clip: np.round(np.maximum(clip, 0) * 255).astype(int).astype(np.uint8), "wrapped around"),
            (lambda clip: np.round(np.clip(clip, 0, 255)).astype(np.uint8), "not multiplied"),  # not multiplied by 255
            # times 256
            (lambda clip: np.minimum(np.round(np.clip(clip, 0, 1) * 256), 255).astype(np.uint8), "256 instead of 255"),
            # rounds before it multiplies
            (lambda clip: (np.round(np.clip(clip, 0, 1)) * 255).astype(np.uint8), "rounded too early"),
            # takes [−1, 1] for the range
            (lambda clip: np.round((np.clip(clip, -1, 1) + 1) * 127.5).astype(np.uint8), "took it for [-1, 1]"),
            # stretches to the brightest
            (lambda clip: np.round(clip / clip.max() * 255).clip(0).astype(np.uint8), "stretched"),
            (
                lambda clip: np.round((clip - clip.min()) / (clip.max() - clip.min()) * 255).astype(np.uint8),
                "stretched",  # stretches from darkest to brightest
            ),
            # absolute value of negative numbers
            (lambda clip: np.round(abs(clip).clip(0, 1) * 255).astype(np.uint8), "absolute values"),
            # // instead of rounding, and no bytes
            (lambda clip: np.clip(clip, 0, 1) * 255 // 1, "cut off instead of rounded"),
            # only the first frame
            (
                lambda clip: np.round(np.clip(clip[0], 0, 1) * 255).astype(np.uint8),
                ("only some of them", "uses a part of an input", "the rest is zero", "right only in part"),
            ),
            (lambda clip: 255 - np.round(np.clip(clip, 0, 1) * 255).astype(np.uint8), "a negative"),
            (lambda clip: np.uint8(round(np.clip(clip, 0, 1) * 255)), "raised an error"),  # Python's round of an array
            # prints instead of returning
            (lambda clip: print(np.round(np.clip(clip, 0, 1) * 255).astype(np.uint8)), "printed, not returned"),
            (pixels_limited_in_place, "changed its input"),  # limits its input in place
            (pixels_written_into, "changed its input"),  # writes into its input
        ],
    ),
    "from_signed_backward": Answers(
        right=[
            limits_by_copy, limits_by_y, lambda dy, x: 0.5 * dy * (np.abs(x) < 1),
            lambda dy, x: np.where(np.clip(x, -1, 1) == x, dy / 2, 0.0),
        ],
        wrong=[
            (lambda dy, x: dy / 2, "limit forgotten"),  # no limits
            (lambda dy, x: dy * (abs(x) < 1), "half forgotten"),  # the half is missing
            (lambda dy, x: dy * ((x > 0) & (x < 1)) / 2, "limits of y used for x"),  # limits of y taken for those of x
            (lambda dy, x: dy * (abs(x) > 1) / 2, "limited the wrong ones"),  # mask the wrong way round
            (lambda dy, x: 0.5 * (abs(x) < 1), "dy left out"),  # ignores dy
            (lambda dy, x: dy * (x > -1) / 2, "the other limit forgotten"),  # upper limit forgotten
            (lambda dy, x: dy * (x < 1) / 2, "one limit forgotten"),  # lower limit forgotten
            (lambda dy, x: 2 * dy * (abs(x) < 1), "2 for ½"),  # times 2 instead of half
            (lambda dy, x: dy * np.clip((x + 1) / 2, 0, 1), "multiplied by y"),  # value instead of slope
            (lambda dy, x: np.clip((x + 1) / 2, 0, 1), "the forward again"),  # copies the forward
            (lambda dy, x: np.clip(dy / 2, 0, 1), "limited the gradient"),  # limits the gradient instead
            # sends dy through the forward
            (lambda dy, x: np.clip((dy + 1) / 2, 0, 1) * (abs(x) < 1), "forward applied to dy"),
            (lambda dy, x: dy * (abs(dy) < 1) / 2, "dy compared with the limits"),  # compares dy with the limits
            (lambda dy, x: np.where(abs(x) < 1, dy / 2, 1), "1 beyond the limits"),  # 1 outside instead of 0
            # gradient passes unchanged outside
            (lambda dy, x: np.where(abs(x) < 1, dy / 2, dy), "dy beyond the limits"),
            (lambda dy, x: np.where(abs(x) < 1, dy // 2, 0), "cut off"),  # // instead of /
            (lambda dy, x: np.where(abs(x) < 1, x / 2, 0), "x in place of dy"),  # x instead of dy
            (lambda dy, x: dy * (x + 1 / 2 > 0) * (x + 1 / 2 < 1) / 2, "limits at ±½"),  # brackets: x + ½ for y
            (lambda dy, x: (dy * (abs(x) < 1) / 2).sum(), "added up"),  # summed to a number
            (lambda dy, x: dy * (abs(x) < 0.5) / 2, "limits at ±½"),
            (limits_in_place, "changed its input"),  # sets entries of dy to 0
            (limits_halve_in_place, "changed its input"),  # halves dy in place
            (limits_python_and, "raised an error"),  # Python's and between arrays
            (limits_chained, "raised an error"),  # chained comparison of an array
            (limits_first_axis, "raised an error"),  # loops over the first axis only
            # return inside the loop
            (
                limits_return_in_the_loop,
                ("uses a part of an input", "the rest is zero", "only some of them", "right only in part"),
            ),
        ],
    ),
}
