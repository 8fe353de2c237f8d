"""Multi-head self-attention: project the tokens, attend in every head, join the heads, project again."""

from minidit.backend import array_module
from minidit.layers.attention import attention_backward, attention_forward
from minidit.layers.blockwise_attention import blockwise_attention_backward, blockwise_attention_forward
from minidit.layers.linear import linear_backward, linear_forward

# H = heads, T = tokens, D = width, d = D / H = width of one head

# Scores, over the whole batch, above which attention goes block by block. As float32 they take 32 MB, and a larger
# array is mapped in anew each time it is made (see backend.keep_freed_memory).
MANY_SCORES = 2**23


def multihead_attention_forward(x, w_qkv, b_qkv, w_out, b_out, num_heads, key_mask=None):
    """Multi-head self-attention: project to queries, keys and values, attend in every head, join, project.

    Args:
        x, w_qkv, b_qkv, num_heads, key_mask: as for `self_attention_forward`.
        w_out: (D, D), b_out: (D,).
    Returns:
        y (..., T, D) and a cache for `multihead_attention_backward`.
    Source: Vaswani et al. 2017, section 3.2.2.
    """
    h, attention_cache = self_attention_forward(x, w_qkv, b_qkv, num_heads, key_mask)  # ..., T, D
    y, out_cache = linear_forward(h, w_out, b_out)  # ..., T, D
    return y, (attention_cache, out_cache)


def multihead_attention_backward(dy, cache):
    """Returns dx (..., T, D), dw_qkv (D, 3D), db_qkv (3D,), dw_out (D, D), db_out (D,)."""
    attention_cache, out_cache = cache
    dh, dw_out, db_out = linear_backward(dy, out_cache)
    dx, dw_qkv, db_qkv = self_attention_backward(dh, attention_cache)
    return dx, dw_qkv, db_qkv, dw_out, db_out


def self_attention_forward(x, w_qkv, b_qkv, num_heads, key_mask=None):
    """Multi-head self-attention up to the joined heads, before the projection that follows.

    Args:
        x: (..., T, D) tokens.
        w_qkv: (D, 3D); its columns are laid out as (3, H, d), as in timm.
        b_qkv: (3D,).
        num_heads: H.
        key_mask: (..., T) bool or None; True = may be attended to.
    Returns:
        y (..., T, D) and a cache for `self_attention_backward`.
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
    return h.swapaxes(-3, -2).reshape(x.shape), (qkv_cache, attention_cache, num_heads)


def self_attention_backward(dy, cache):
    """Returns dx (..., T, D), dw_qkv (D, 3D), db_qkv (3D,)."""
    qkv_cache, attention_cache, num_heads = cache
    *leading, T, D = dy.shape
    dh = dy.reshape(*leading, T, num_heads, D // num_heads).swapaxes(-3, -2)  # ..., H, T, d
    dqkv = array_module(dy).empty((*leading, T, 3 * D), dy.dtype)  # ..., T, 3D    dq, dk and dv side by side
    q, k, *_ = attention_cache
    attend_backward = blockwise_attention_backward if has_many_scores(q, k) else attention_backward
    attend_backward(dh, attention_cache, out=split_heads(dqkv, num_heads))
    return linear_backward(dqkv, qkv_cache)


def split_heads(qkv, num_heads):
    """Queries, keys and values of every head, as views: (..., T, 3D) -> three times (..., H, T, d)."""
    *leading, T, width = qkv.shape
    parts = qkv.reshape(*leading, T, 3, num_heads, width // (3 * num_heads))  # ..., T, 3, H, d
    q, k, v = (parts[..., i, :, :].swapaxes(-3, -2) for i in range(3))  # ..., H, T, d each
    return q, k, v


def has_many_scores(q, k):
    """Whether attention between these queries (..., H, T, d) and keys (..., H, S, d) goes block by block."""
    return q.size // q.shape[-1] * k.shape[-2] > MANY_SCORES
