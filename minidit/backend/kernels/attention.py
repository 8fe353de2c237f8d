"""Attention with all its weights in memory: batched products (cuBLAS), and between them the kernels of softmax.cu."""

from minidit.backend import array_module
from minidit.backend.kernels.grids import expect
from minidit.backend.kernels.softmax import scaled_softmax_backward, scaled_softmax_forward

# H = heads, T = tokens that ask, S = tokens that are asked, d = width of one head

# CuPy multiplies only contiguous stacks of matrices: it copies other factors first, and copies the result into an `out`
# that isn't contiguous. With (T, d) arrays that costs little, with (T, S) arrays as much as all the rest. So nothing
# below transposes a (T, S) array.


def attention_forward(q, k, v, key_mask=None):
    """Scaled dot-product attention of every head: y = softmax(q kᵀ / √d) v.

    Args:
        q: (..., H, T, d) queries.
        k, v: (..., H, S, d) keys and values.
        key_mask: (..., S) bool or None; True = may be attended to.
    Returns:
        y (..., H, T, d) and a cache for `attention_backward`. In memory y is (..., T, H, d), so that
        joining the heads costs nothing.
    Raises:
        ValueError: if the shapes don't fit together.
    """
    expect((*q.shape[:-2], k.shape[-2], q.shape[-1]), k=k, v=v)
    xp = array_module(q)
    weights = q @ k.swapaxes(-1, -2)                # ..., H, T, S    scores, turned into weights in place
    scaled_softmax_forward(weights, q.shape[-1] ** -0.5, key_mask)
    y = empty_like_queries(q)                       # ..., H, T, d
    xp.matmul(weights, v, out=y)
    return y, (q, k, v, weights)


def attention_backward(dy, cache, out=None):
    """Backward of `attention_forward`.

    Args:
        dy: (..., H, T, d).
        cache: from the forward.
        out: three arrays (dq, dk, dv) to write to, or None to make them.
    Returns:
        dq (..., H, T, d), dk (..., H, S, d), dv (..., H, S, d).
    """
    q, k, v, weights = cache
    xp = array_module(dy)
    dq, dk, dv = out or (xp.empty_like(q), xp.empty_like(k), xp.empty_like(v))
    dv[...] = (dy.swapaxes(-1, -2) @ weights).swapaxes(-1, -2)  # weightsᵀ dy = (dyᵀ weights)ᵀ
    dscores = dy @ v.swapaxes(-1, -2)               # ..., H, T, S    dweights, turned into dscores in place
    scaled_softmax_backward(dscores, weights, q.shape[-1] ** -0.5)
    xp.matmul(dscores, k, out=dq)
    dk[...] = (q.swapaxes(-1, -2) @ dscores).swapaxes(-1, -2)
    return dq, dk, dv


def empty_like_queries(q):
    """An array (..., H, T, d) that lies in memory as (..., T, H, d), so that joining the heads costs nothing."""
    *leading, H, T, d = q.shape
    return array_module(q).empty((*leading, T, H, d), q.dtype).swapaxes(-3, -2)
