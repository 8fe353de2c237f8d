"""Attention: every token asks (query), every token answers (key) and gives (value)."""

from minidit.backend import array_module, row_dot
from minidit.layers.linear import linear_backward, linear_forward

# H = heads, T = tokens that ask, S = tokens that are asked (the same in self-attention), d = width of one
# head, D = H · d


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
    weights, rsum = unnormalised_weights(q, k, key_mask)  # ..., H, S, T and ..., H, T, 1
    *leading, H, T, d = q.shape
    y = xp.empty((*leading, T, H, d), q.dtype).swapaxes(-3, -2)  # ..., H, T, d
    xp.matmul(weights.swapaxes(-1, -2), v, out=y)
    y *= rsum                                       # softmax's division: y is smaller than the weights
    return y, (q, k, v, weights, rsum, y)


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
    weights, rsum = unnormalised_weights(q, k, key_mask)
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
        weights (..., H, S, T), the largest of each query 1, and 1 / their sum (..., H, T, 1).
    """
    xp = array_module(q)
    q = q * q.shape[-1] ** -0.5                     # ..., H, T, d    smaller than the scores, so cheaper
    weights = k @ q.swapaxes(-1, -2)                # ..., H, S, T    scores, made into weights in place
    if key_mask is not None:
        unreachable = xp.zeros(key_mask.shape, q.dtype)  # ..., S
        unreachable[~key_mask] = -xp.inf
        weights += unreachable[..., None, :, None]
    largest = weights.max(axis=-2, keepdims=True)   # ..., H, 1, T    exact, so that no query is left without a weight
    if key_mask is not None:
        # Where every key is masked the largest is -∞, and -∞ - (-∞) would be undefined.
        xp.maximum(largest, float(xp.finfo(q.dtype).min), out=largest)
    weights -= largest
    xp.exp(weights, out=weights)
    total = xp.ones((1, k.shape[-2]), q.dtype) @ weights  # ..., H, 1, T
    # The largest weight of a query is e⁰ = 1, so that only one without any key can have a sum below one.
    return weights, (1 / xp.maximum(total, 1)).swapaxes(-1, -2)


def multihead_attention_forward(x, w_qkv, b_qkv, w_out, b_out, num_heads, key_mask=None):
    """Multi-head self-attention: project to queries, keys and values, attend in every head, join, project.

    Args:
        x: (..., T, D) tokens.
        w_qkv: (D, 3D); its columns are laid out as (3, H, d), as in timm.
        b_qkv: (3D,).
        w_out: (D, D), b_out: (D,).
        num_heads: H.
        key_mask: (..., T) bool or None; True = may be attended to.
    Returns:
        y (..., T, D) and a cache for `multihead_attention_backward`.
    Raises:
        ValueError: if D is not a multiple of H.
    Source: Vaswani et al. 2017, section 3.2.2; layout of timm's vision_transformer.Attention.
    """
    if x.shape[-1] % num_heads:
        raise ValueError(f"width {x.shape[-1]} does not divide into {num_heads} heads")
    qkv, qkv_cache = linear_forward(x, w_qkv, b_qkv)  # ..., T, 3D
    q, k, v = split_heads(qkv, num_heads)           # ..., H, T, d each
    h, attention_cache = attention_forward(q, k, v, key_mask)  # ..., H, T, d
    joined = h.swapaxes(-3, -2).reshape(x.shape)    # ..., T, D
    y, out_cache = linear_forward(joined, w_out, b_out)  # ..., T, D
    return y, (qkv_cache, attention_cache, out_cache, num_heads)


def multihead_attention_backward(dy, cache):
    """Returns dx (..., T, D), dw_qkv (D, 3D), db_qkv (3D,), dw_out (D, D), db_out (D,)."""
    qkv_cache, attention_cache, out_cache, num_heads = cache
    xp = array_module(dy)
    djoined, dw_out, db_out = linear_backward(dy, out_cache)
    *leading, T, D = djoined.shape
    dh = djoined.reshape(*leading, T, num_heads, D // num_heads).swapaxes(-3, -2)  # ..., H, T, d
    dqkv = xp.empty((*leading, T, 3 * D), dy.dtype)  # ..., T, 3D    dq, dk and dv side by side
    attention_backward(dh, attention_cache, out=split_heads(dqkv, num_heads))
    dx, dw_qkv, db_qkv = linear_backward(dqkv, qkv_cache)
    return dx, dw_qkv, db_qkv, dw_out, db_out


def split_heads(qkv, num_heads):
    """Queries, keys and values of every head, as views: (..., T, 3D) -> three times (..., H, T, d)."""
    *leading, T, width = qkv.shape
    parts = qkv.reshape(*leading, T, 3, num_heads, width // (3 * num_heads))  # ..., T, 3, H, d
    q, k, v = (parts[..., i, :, :].swapaxes(-3, -2) for i in range(3))  # ..., H, T, d each
    return q, k, v
