"""Launches softmax.cu: scores into weights and back, in place, with attention's scale and mask."""

from minidit.backend import array_module
from minidit.backend.kernels.grids import ceil_div, expect
from minidit.backend.kernels.launch import launch

# H = heads, T = tokens that ask, S = tokens that are asked, D = the axis whose weights add up to one

WARP = 32
THREADS = 256  # of a block
LONG = 512  # longest row for a single warp: 16 numbers a thread


def softmax_forward(x):
    """`minidit.layers.softmax_forward` of x (..., D)."""
    y = scaled_softmax_forward(x.copy(), 1.0)       # ..., D
    return y, (y,)


def softmax_backward(dy, cache):
    """Returns dx (..., D)."""
    (y,) = cache
    return scaled_softmax_backward(dy.copy(), y, 1.0)


def scaled_softmax_forward(scores, scale, key_mask=None):
    """Turns scores into weights, in place: softmax(scale · scores) over the last axis.

    Args:
        scores: (..., H, T, S), or any shape if there is no mask; overwritten.
        scale: a positive number.
        key_mask: (..., S) bool or None; True = may get weight. A masked key gets weight 0 exactly, even if every key is
            masked.
    Returns:
        the scores, now weights.
    Raises:
        ValueError: if the mask doesn't have one row per sample.
    """
    *_, S = scores.shape
    rows = scores.size // S
    rows_per_sample = rows
    if key_mask is not None:
        expect((*scores.shape[:-3], S), key_mask=key_mask)
        key_mask = array_module(scores).ascontiguousarray(key_mask)
        rows_per_sample = scores.shape[-3] * scores.shape[-2]
    launch(
        "softmax.cu",
        "scaled_softmax_forward",
        *grid(rows, S),
        reads=(key_mask,),
        updates=(scores,),
        numbers=(rows, S, rows_per_sample, float(scale)),
    )
    return scores


def scaled_softmax_backward(dweights, weights, scale):
    """Turns dweights into dscores, in place: scale · weights · (dweights - Σ dweights · weights).

    Args:
        dweights: (..., S), overwritten.
        weights: (..., S), from `scaled_softmax_forward`.
        scale: the same as there.
    Returns:
        the dweights, now dscores.
    """
    *_, S = weights.shape
    expect(weights.shape, dweights=dweights)
    rows = weights.size // S
    launch(
        "softmax.cu",
        "scaled_softmax_backward",
        *grid(rows, S),
        reads=(weights,),
        updates=(dweights,),
        numbers=(rows, S, float(scale)),
    )
    return dweights


def grid(rows, length):
    """Blocks, and their threads along a row and across rows: a warp for each row, or for a long one a whole block."""
    if length > LONG:
        return rows, (THREADS, 1)
    rows_per_block = THREADS // WARP
    return ceil_div(rows, rows_per_block), (WARP, rows_per_block)
