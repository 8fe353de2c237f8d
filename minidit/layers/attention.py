"""Attention: every token asks (query), every token answers (key) and gives (value)."""

from minidit.backend import array_module, empty_like_queries, row_dot, sum_rows
from minidit.backend.kernels.launch import on_gpu

# H = heads, T = tokens that ask, S = tokens that are asked (the same in self-attention), d = width of one head


@on_gpu("attention")
def attention_forward(q, k, v, key_mask=None):
    """Scaled dot-product attention of every head: y = softmax(q kᵀ / √d) v.

    Args:
        q: (..., H, T, d) queries.
        k, v: (..., H, S, d) keys and values.
        key_mask: (..., S) bool or None; True = may be attended to. It is shared by the heads. A masked key
            gets exactly no weight, and no gradient; where every key is masked the output is zero.
    Returns:
        y (..., H, T, d) and a cache for `attention_backward`. In memory y is (..., T, H, d), so that
        joining the heads costs nothing.
    Source: Vaswani et al. 2017, eq. 1.
    """
    xp = array_module(q)
    weights, rsum, _ = unnormalised_weights(q, k, key_mask)  # ..., H, S, T and ..., H, T, 1
    y = empty_like_queries(q)                       # ..., H, T, d
    xp.matmul(weights.swapaxes(-1, -2), v, out=y)
    y *= rsum                                       # softmax's division: y is smaller than the weights
    return y, (q, k, v, weights, rsum, y)


@on_gpu("attention")
def attention_backward(dy, cache, out=None):
    """Backward of `attention_forward`.

    Args:
        dy: (..., H, T, d).
        cache: from the forward.
        out: three arrays (dq, dk, dv) to write to, or None to make them.
    Returns:
        dq (..., H, T, d), dk (..., H, S, d), dv (..., H, S, d).
    """
    q, k, v, weights, rsum, y = cache
    xp = array_module(dy)
    dq, dk, dv = out or (xp.empty_like(q), xp.empty_like(k), xp.empty_like(v))
    dy = dy * rsum                                  # ..., H, T, d    the forward's last line, reversed
    xp.matmul(weights, dy, out=dv)
    # Softmax: a score gains what its own weight gains, less what all weights of its query gain on average.
    # That average is Σ weight · (dy · v) = dy · Σ weight · v = dy · y: one dot product of two short rows,
    # no S × T array.
    dscores = v @ dy.swapaxes(-1, -2)               # ..., H, S, T
    dscores -= row_dot(dy, y)[..., None, :]
    dscores *= weights
    scale = q.shape[-1] ** -0.5                     # scores = k · (scale · q), so that both q and k see it
    xp.matmul(dscores.swapaxes(-1, -2), scale * k, out=dq)
    xp.matmul(dscores, scale * q, out=dk)
    return dq, dk, dv


def attention_weights(q, k, key_mask=None):
    """Who looks at whom: softmax(q kᵀ / √d), for figures.

    Args:
        q: (..., H, T, d) queries.
        k: (..., H, S, d) keys.
        key_mask: (..., S) bool or None, as in `attention_forward`.
    Returns:
        (..., H, T, S); each row adds up to one (to zero where every key is masked).
    """
    weights, rsum, _ = unnormalised_weights(q, k, key_mask)
    return weights.swapaxes(-1, -2) * rsum


def unnormalised_weights(q, k, key_mask):
    """Softmax of q kᵀ / √d, short of the division.

    A query's weights stand in a column here, not in a row: its maximum is then taken over whole rows at a time, which
    is twice as fast in NumPy.

    Args:
        q: (..., H, T, d) queries.
        k: (..., H, S, d) keys.
        key_mask: (..., S) bool or None.
    Returns:
        weights (..., H, S, T), the largest of each query 1; 1 / their sum (..., H, T, 1); and the largest score
        (..., H, T, 1).
    """
    xp = array_module(q)
    weights = scores(q, k, key_mask)                # ..., H, S, T    made into weights in place
    largest = weights.max(axis=-2, keepdims=True)   # ..., H, 1, T    exact, so that no query is left without a weight
    if key_mask is not None:
        # Where every key is masked the largest is -∞, and -∞ - (-∞) would be undefined.
        xp.maximum(largest, float(xp.finfo(q.dtype).min), out=largest)
    weights -= largest
    xp.exp(weights, out=weights)
    total = sum_rows(weights)[..., None, :]         # ..., H, 1, T
    # The largest weight of a query is e⁰ = 1, so that only one without any key can have a sum below one.
    rsum = 1 / xp.maximum(total, 1)
    return weights, rsum.swapaxes(-1, -2), largest.swapaxes(-1, -2)


def scores(q, k, key_mask):
    """k qᵀ / √d, -∞ where a key is masked: (..., H, S, T)."""
    xp = array_module(q)
    scaled = q * q.shape[-1] ** -0.5                # ..., H, T, d    smaller than the scores, so cheaper
    found = k @ scaled.swapaxes(-1, -2)             # ..., H, S, T
    if key_mask is not None:
        unreachable = xp.where(key_mask, q.dtype.type(0), q.dtype.type(-xp.inf))  # ..., S
        found += unreachable[..., None, :, None]
    return found
