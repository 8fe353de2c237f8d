"""Attention over many tokens, block by block, so that no array ever holds all the scores."""

import numpy as np

from minidit.backend import array_module, empty_like_queries
from minidit.backend.kernels.launch import on_gpu
from minidit.layers.attention import attention_backward, scores, unnormalised_weights

# H = heads, T = tokens that ask, S = tokens that are asked, t = those that ask in one block, d = width of one head

BLOCK_SCORES = 2**21  # in one block: 8 MB as float32


@on_gpu("blockwise_attention")
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
        weights, rsum, largest = unnormalised_weights(q[queries], k[sample], mask)  # H, S, t
        xp.matmul(weights.swapaxes(-1, -2), v[sample], out=y[queries])
        y[queries] *= rsum
        log_sum[queries] = largest - xp.log(rsum)
    return y, (q, k, v, key_mask, log_sum, y)


@on_gpu("blockwise_attention")
def blockwise_attention_backward(dy, cache, out=None):
    """`attention_backward` for the cache of `blockwise_attention_forward`."""
    q, k, v, key_mask, log_sum, y = cache
    xp = array_module(dy)
    dq, dk, dv = out or (xp.empty_like(q), xp.empty_like(k), xp.empty_like(v))
    dk[...] = dv[...] = 0
    dk_block, dv_block = xp.empty(k.shape[-3:], k.dtype), xp.empty(v.shape[-3:], v.dtype)  # H, S, d
    for sample, queries in blocks_of_queries(q, k):
        mask = None if key_mask is None else key_mask[sample]  # S
        weights = scores(q[queries], k[sample], mask)  # H, S, t
        weights -= log_sum[queries].swapaxes(-1, -2)   # eˣ / Σ eˣ = exp(x - log Σ eˣ)
        xp.exp(weights, out=weights)
        block_cache = (q[queries], k[sample], v[sample], weights, 1.0, y[queries])  # 1: they are divided already
        attention_backward(dy[queries], block_cache, out=(dq[queries], dk_block, dv_block))
        dk[sample] += dk_block                      # every block asked all the keys
        dv[sample] += dv_block
    return dq, dk, dv


def blocks_of_queries(q, k):
    """Indices of each block: (sample, (sample, all heads, some queries)), into k and q. A block is of one sample."""
    *leading, H, T, _ = q.shape
    size = max(1, BLOCK_SCORES // (H * k.shape[-2]))
    for sample in np.ndindex(*leading):
        for start in range(0, T, size):
            yield sample, (*sample, slice(None), slice(start, start + size))
