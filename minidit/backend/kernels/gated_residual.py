"""Launches gated_residual.cu: bias, gate and residual in one pass over the tokens, after the branch's last product."""

from minidit.backend import array_module, as_samples
from minidit.backend.kernels.grids import COLUMNS, ROWS, ceil_div, distance, expect, per_sample
from minidit.backend.kernels.launch import launch

# T = tokens, D = width, M = width of the branch before its last layer, N = all tokens, G = groups of a sample's tokens


def linear_gated_residual_forward(x, h, w, b, gate):
    """`minidit.layers.linear_gated_residual_forward`: y = x + gate · (h w + b), with x (..., T, D), h (..., T, M)."""
    branch = (h.reshape(-1, h.shape[-1]) @ w).reshape(*h.shape[:-1], w.shape[1])  # ..., T, D
    y, gate_cache = bias_gated_residual_forward(x, branch, b, gate)  # ..., T, D
    return y, (h, w, gate_cache)


def linear_gated_residual_backward(dy, cache):
    """Returns dx (..., T, D), dh (..., T, M), dw (M, D), db (D,), dgate like the gate."""
    h, w, gate_cache = cache
    dx, dbranch, db, dgate = bias_gated_residual_backward(dy, gate_cache)
    dbranch = dbranch.reshape(-1, w.shape[1])       # N, D
    return dx, (dbranch @ w.T).reshape(h.shape), h.reshape(-1, h.shape[-1]).T @ dbranch, db, dgate


def bias_gated_residual_forward(x, h, b, gate):
    """y = x + gate · (h + b).

    Args:
        x: (..., T, D) the residual.
        h: (..., T, D) the branch, before its last bias.
        b: (D,) that bias.
        gate: (..., D), one per sample, broadcast over its tokens; or (..., T, D), one per token.
    Returns:
        y (..., T, D) and a cache for `bias_gated_residual_backward`.
    Raises:
        ValueError: if the gate has another shape, or h or b does not fit x.
    """
    expect(x.shape, h=h)
    expect(x.shape[-1:], b=b)
    samples = as_samples(x, gate)                   # ..., T, D or ..., T, 1, D
    (gate,) = per_sample(samples, gate=gate)
    y = array_module(x).empty_like(x)               # ..., T, D
    launch(
        "gated_residual.cu",
        "bias_gated_residual_forward",
        _blocks(samples),
        COLUMNS,
        reads=(x, h, b, gate),
        writes=(y,),
        numbers=(*samples.shape[-2:], distance(gate), ROWS),
        strided=(gate,),
    )
    return y, (h, b, gate)


def bias_gated_residual_backward(dy, cache):
    """Returns dx (..., T, D), dh (..., T, D), db (D,), dgate like the gate. The residual passes dy on: it is dx."""
    h, b, gate = cache
    expect(h.shape, dy=dy)
    xp = array_module(dy)
    *samples, T, D = as_samples(h, gate).shape
    dh = xp.empty_like(h)                           # ..., T, D
    db_parts, dgate_parts = xp.empty((2, *samples, ceil_div(T, ROWS), D), h.dtype)  # ..., G, D
    launch(
        "gated_residual.cu",
        "bias_gated_residual_backward",
        _blocks(as_samples(h, gate)),
        COLUMNS,
        reads=(h, b, gate, dy),
        writes=(dh, db_parts, dgate_parts),
        numbers=(T, D, distance(gate), ROWS),
        strided=(gate,),
    )
    return dy, dh, db_parts.reshape(-1, D).sum(axis=0), dgate_parts.sum(axis=-2)


def _blocks(x):
    """How many groups of tokens there are, and of columns."""
    *_, T, D = x.shape
    return x.size // (T * D) * ceil_div(T, ROWS), ceil_div(D, COLUMNS)
