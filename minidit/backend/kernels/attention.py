"""Attention with all its weights in memory: batched products (cuBLAS), and between them the kernels of softmax.cu."""

from minidit.backend import array_module, empty_like_queries
from minidit.backend.kernels.grids import expect
from minidit.backend.kernels.softmax import scaled_softmax_backward, scaled_softmax_forward

# H = heads, T = tokens that ask, S = tokens that are asked, d = width of one head

# CuPy multiplies only contiguous stacks of matrices: it copies other factors first, and copies the result into an `out`
# that isn't contiguous. With (T, d) arrays that costs little, with (T, S) arrays as much as all the rest. So nothing
# below transposes a (T, S) array.


def attention_forward(q, k, v, key_mask=None):
    """`minidit.layers.attention_forward`, with queries (..., H, T, d), keys and values (..., H, S, d)."""
    expect((*q.shape[:-2], k.shape[-2], q.shape[-1]), k=k, v=v)
    xp = array_module(q)
    weights = q @ k.swapaxes(-1, -2)                # ..., H, T, S    scores, turned into weights in place
    scaled_softmax_forward(weights, q.shape[-1] ** -0.5, key_mask)
    y = empty_like_queries(q)                       # ..., H, T, d
    xp.matmul(weights, v, out=y)
    return y, (q, k, v, weights)


def attention_backward(dy, cache, out=None):
    """`minidit.layers.attention_backward`: returns dq (..., H, T, d), dk (..., H, S, d), dv (..., H, S, d)."""
    q, k, v, weights = cache
    xp = array_module(dy)
    dq, dk, dv = out or (xp.empty_like(q), xp.empty_like(k), xp.empty_like(v))
    dv[...] = (dy.swapaxes(-1, -2) @ weights).swapaxes(-1, -2)  # weightsᵀ dy = (dyᵀ weights)ᵀ
    dscores = dy @ v.swapaxes(-1, -2)               # ..., H, T, S    dweights, turned into dscores in place
    scaled_softmax_backward(dscores, weights, q.shape[-1] ** -0.5)
    xp.matmul(dscores, k, out=dq)
    dk[...] = (q.swapaxes(-1, -2) @ dscores).swapaxes(-1, -2)
    return dq, dk, dv
