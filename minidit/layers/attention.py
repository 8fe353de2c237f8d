"""Attention: every token asks (query), every token answers (key) and gives (value)."""

import numpy as np

from minidit.backend import array_module, row_dot
from minidit.layers.linear import linear_backward, linear_forward

# H = heads, T = tokens that ask, S = tokens that are asked (the same in self-attention), d = width of one
# head, D = H · d

# Scores, over the whole batch, from which on attention goes block by block. As float32 they take 32 MB, and a larger
# array is mapped in anew each time it is made (see backend.keep_freed_memory), which costs more than the second
# forward of a block: measured by `minidit bench --growth`.
MANY_SCORES = 2**23
BLOCK_SCORES = 2**21  # of one block


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
    y = empty_like_queries(q)                       # ..., H, T, d
    weights, rsum, _ = attend(q, k, v, key_mask, out=y)
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
    out = out or (xp.empty_like(q), xp.empty_like(k), xp.empty_like(v))
    attend_backward(dy * rsum, q, k, v, weights, y, out)  # the forward's last line, reversed
    return out


def attend(q, k, v, key_mask, out):
    """The weights of a softmax, and the values under them.

    Args:
        q, k, v, key_mask: as in `attention_forward`.
        out: (..., H, T, d), where y goes.
    Returns:
        weights (..., H, S, T), short of their division; what each query's are multiplied by, (..., H, T, 1); and its
        largest score (..., H, T, 1).
    """
    xp = array_module(q)
    weights, rsum, largest = unnormalised_weights(q, k, key_mask)
    xp.matmul(weights.swapaxes(-1, -2), v, out=out)
    out *= rsum                                     # softmax's division: y is smaller than the weights
    return weights, rsum, largest


def attend_backward(dy, q, k, v, weights, y, out):
    """Gradients of queries, keys and values, written to `out`. Where the weights lack their division, dy has it."""
    xp = array_module(dy)
    dq, dk, dv = out
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
    total = xp.ones((1, k.shape[-2]), q.dtype) @ weights  # ..., H, 1, T
    # The largest weight of a query is e⁰ = 1, so that only one without any key can have a sum below one.
    rsum = 1 / xp.maximum(total, 1)
    return weights, rsum.swapaxes(-1, -2), largest.swapaxes(-1, -2)


def scores(q, k, key_mask):
    """k qᵀ / √d, -∞ where a key is masked: (..., H, S, T)."""
    xp = array_module(q)
    scaled = q * q.shape[-1] ** -0.5                # ..., H, T, d    smaller than the scores, so cheaper
    found = k @ scaled.swapaxes(-1, -2)             # ..., H, S, T
    if key_mask is not None:
        unreachable = xp.zeros(key_mask.shape, q.dtype)  # ..., S
        unreachable[~key_mask] = -xp.inf
        found += unreachable[..., None, :, None]
    return found


def empty_like_queries(q):
    """An array (..., H, T, d) that lies in memory as (..., T, H, d), so that joining the heads costs nothing."""
    *leading, H, T, d = q.shape
    return array_module(q).empty((*leading, T, H, d), q.dtype).swapaxes(-3, -2)


def blockwise_attention_forward(q, k, v, key_mask=None):
    """`attention_forward` in blocks of queries: no S × T array is ever made. Arguments and result are the same.

    Of a block's weights only the logarithm of their sum is kept, one number a query: with it the backward makes them
    again, block by block.
    Source: Rabe & Staats 2021, "Self-attention Does Not Need O(n²) Memory", section 2; the kept logarithm is that of
    Dao 2023 (FlashAttention-2), section 3.1. A block has all keys here, so it needs no running maximum.
    """
    xp = array_module(q)
    y = empty_like_queries(q)                       # ..., H, T, d
    log_sum = xp.empty((*q.shape[:-1], 1), q.dtype)  # ..., H, T, 1
    for sample, queries in blocks_of_queries(q, k):
        mask = None if key_mask is None else key_mask[sample]  # S
        _, rsum, largest = attend(q[queries], k[sample], v[sample], mask, out=y[queries])
        log_sum[queries] = largest - xp.log(rsum)
    return y, (q, k, v, key_mask, log_sum, y)


def blockwise_attention_backward(dy, cache, out=None):
    """`attention_backward` for the cache of `blockwise_attention_forward`."""
    q, k, v, key_mask, log_sum, y = cache
    xp = array_module(dy)
    dq, dk, dv = out = out or (xp.empty_like(q), xp.empty_like(k), xp.empty_like(v))
    dk[...] = dv[...] = 0
    dk_block, dv_block = xp.empty(k.shape[-3:], k.dtype), xp.empty(v.shape[-3:], v.dtype)  # H, S, d
    for sample, queries in blocks_of_queries(q, k):
        mask = None if key_mask is None else key_mask[sample]  # S
        weights = scores(q[queries], k[sample], mask)  # H, S, t      for the t queries of a block
        weights -= log_sum[queries].swapaxes(-1, -2)   # eˣ / Σ eˣ = e to the power of x - log Σ eˣ
        xp.exp(weights, out=weights)
        block = (dq[queries], dk_block, dv_block)
        attend_backward(dy[queries], q[queries], k[sample], v[sample], weights, y[queries], out=block)
        dk[sample] += dk_block                      # every block asked all the keys
        dv[sample] += dv_block
    return out


def blocks_of_queries(q, k):
    """Indices of each block: (sample, (sample, all heads, some queries)), into k and q. A block is of one sample."""
    *leading, H, T, _ = q.shape
    size = max(1, BLOCK_SCORES // (H * k.shape[-2]))
    for sample in np.ndindex(*leading):
        for start in range(0, T, size):
            yield sample, (*sample, slice(None), slice(start, start + size))


def has_many_scores(q, k):
    """Whether attention between these queries and keys goes block by block."""
    return q.size // q.shape[-1] * k.shape[-2] > MANY_SCORES


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
    attend = blockwise_attention_forward if has_many_scores(q, k) else attention_forward
    h, attention_cache = attend(q, k, v, key_mask)  # ..., H, T, d
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
    q, k, *_ = attention_cache
    attend_backward = blockwise_attention_backward if has_many_scores(q, k) else attention_backward
    attend_backward(dh, attention_cache, out=split_heads(dqkv, num_heads))
    dx, dw_qkv, db_qkv = linear_backward(dqkv, qkv_cache)
    return dx, dw_qkv, db_qkv, dw_out, db_out


def split_heads(qkv, num_heads):
    """Queries, keys and values of every head, as views: (..., T, 3D) -> three times (..., H, T, d)."""
    *leading, T, width = qkv.shape
    parts = qkv.reshape(*leading, T, 3, num_heads, width // (3 * num_heads))  # ..., T, 3, H, d
    q, k, v = (parts[..., i, :, :].swapaxes(-3, -2) for i in range(3))  # ..., H, T, d each
    return q, k, v
