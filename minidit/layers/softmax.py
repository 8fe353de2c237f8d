"""Softmax: numbers into weights that add up to one."""

from minidit.backend import array_module, row_dot
from minidit.backend.kernels.launch import on_gpu

# D = the axis whose weights add up to one


@on_gpu("softmax")
def softmax_forward(x):
    """Softmax over the last axis: y = eˣ / Σ eˣ.

    Args:
        x: (..., D) logits. The largest of a row is subtracted first: that changes nothing, and nothing
            overflows.
    Returns:
        y (..., D) and a cache for `softmax_backward`.
    """
    xp = array_module(x)
    y = x - x.max(axis=-1, keepdims=True)           # ..., D
    xp.exp(y, out=y)
    y /= y.sum(axis=-1, keepdims=True)
    return y, (y,)


@on_gpu("softmax")
def softmax_backward(dy, cache):
    """Returns dx (..., D)."""
    (y,) = cache
    # Raising one logit raises its own weight and, because they share one sum, lowers all others in
    # proportion: dyᵢ/dxⱼ = yᵢ (δᵢⱼ - yⱼ). What the weights gain on average, y · dy, is therefore no gain.
    dx = dy - row_dot(dy, y)[..., None]             # ..., D
    dx *= y
    return dx
