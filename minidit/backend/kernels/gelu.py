"""Launches gelu.cu: a bias and a GELU in one pass over the matrix, after the product that made it."""

from minidit.backend import array_module
from minidit.backend.kernels.grids import COLUMNS, ROWS, ceil_div, expect
from minidit.backend.kernels.launch import launch

# "..." = any leading shape, N = all of it as one, D = inputs, M = outputs, G = groups of rows


def linear_gelu_forward(x, w, b, training=True):
    """`minidit.layers.linear_gelu_forward`: y = gelu(x w + b), with x (..., D), w (D, M), b (M,)."""
    h = (x.reshape(-1, x.shape[-1]) @ w).reshape(*x.shape[:-1], w.shape[1])  # ..., M
    y, gelu_cache = bias_gelu_forward(h, b, training)  # ..., M
    return y, ((x, w), gelu_cache)


def linear_gelu_backward(dy, cache):
    """Returns dx (..., D), dw (D, M), db (M,)."""
    (x, w), gelu_cache = cache
    dh, db = bias_gelu_backward(dy, gelu_cache)     # ..., M and M
    dh = dh.reshape(-1, w.shape[1])                 # N, M
    return (dh @ w.T).reshape(x.shape), x.reshape(-1, x.shape[-1]).T @ dh, db


def bias_gelu_forward(x, b, training=True):
    """y = gelu(x + b).

    Args:
        x: (..., M).
        b: (M,).
        training: False leaves out the cache.
    Returns:
        y (..., M) and a cache for `bias_gelu_backward`, or None.
    Raises:
        ValueError: if b does not have one number per column.
    """
    expect(x.shape[-1:], b=b)
    y = array_module(x).empty_like(x)               # ..., M
    rows, M, blocks = _split(x)
    numbers = (rows, M, ROWS)
    launch("gelu.cu", "bias_gelu_forward", blocks, COLUMNS, reads=(x, b), writes=(y,), numbers=numbers)
    return y, (x, b) if training else None


def bias_gelu_backward(dy, cache):
    """Returns dx (..., M), db (M,)."""
    x, b = cache
    expect(x.shape, dy=dy)
    xp = array_module(dy)
    rows, M, blocks = _split(x)
    dx = xp.empty_like(x)                           # ..., M
    db_parts = xp.empty((blocks[0], M), x.dtype)    # G, M
    numbers = (rows, M, ROWS)
    launch("gelu.cu", "bias_gelu_backward", blocks, COLUMNS, reads=(x, b, dy), writes=(dx, db_parts), numbers=numbers)
    return dx, db_parts.sum(axis=0)


def _split(x):
    """The number of rows, their width, and the blocks for them."""
    M = x.shape[-1]
    rows = x.size // M
    return rows, M, (ceil_div(rows, ROWS), ceil_div(M, COLUMNS))
