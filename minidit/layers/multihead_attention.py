"""Multi-head self-attention: project the tokens, attend in every head, join the heads, project again.

Later transformers normalise queries and keys, and rotate them by where their token is. Both are optional here.
"""

from minidit.backend import array_module
from minidit.layers.attention import attention_backward, attention_forward
from minidit.layers.blockwise_attention import blockwise_attention_backward, blockwise_attention_forward
from minidit.layers.linear import linear_backward, linear_forward
from minidit.layers.qk_norm import qk_norm_backward, qk_norm_forward
from minidit.layers.rope import rope_backward, rope_forward

# H = heads, T = tokens, D = width, d = D / H = width of one head

# Scores, over the whole batch, above which attention goes block by block. As float32 they take 32 MB, and a larger
# array is mapped in again each time it is made (see backend.keep_freed_memory).
MANY_SCORES = 2**23


def multihead_attention_forward(x, w_qkv, b_qkv, w_out, b_out, num_heads, key_mask=None, gains=(), rotation=None):
    """Multi-head self-attention: project to queries, keys and values, attend in every head, join, project.

    Args:
        x, w_qkv, b_qkv, num_heads, key_mask, gains, rotation: as for `self_attention_forward`.
        w_out: (D, D), b_out: (D,).
    Returns:
        y (..., T, D) and a cache for `multihead_attention_backward`.
    Source: Vaswani et al. 2017, section 3.2.2.
    """
    h, attention_cache = self_attention_forward(x, w_qkv, b_qkv, num_heads, key_mask, gains, rotation)  # ..., T, D
    y, out_cache = linear_forward(h, w_out, b_out)  # ..., T, D
    return y, (attention_cache, out_cache)


def multihead_attention_backward(dy, cache):
    """Returns dx (..., T, D), dw_qkv (D, 3D), db_qkv (3D,), dw_out (D, D), db_out (D,), and with gains theirs (d,)."""
    attention_cache, out_cache = cache
    dh, dw_out, db_out = linear_backward(dy, out_cache)
    dx, dw_qkv, db_qkv, *dgains = self_attention_backward(dh, attention_cache)
    return dx, dw_qkv, db_qkv, dw_out, db_out, *dgains


def self_attention_forward(x, w_qkv, b_qkv, num_heads, key_mask=None, gains=(), rotation=None):
    """Multi-head self-attention up to the joined heads, before the projection that follows.

    Args:
        x: (..., T, D) tokens.
        w_qkv: (D, 3D); its columns are laid out as (3, H, d), as in timm.
        b_qkv: (3D,).
        num_heads: H.
        key_mask: (..., T) bool or None; True = may be attended to.
        gains: for QK-norm (see `qk_norm_forward`), two of (d,), of the queries and of the keys.
        rotation: from `axial_rotation`, for rotary positions, or None.
    Returns:
        y (..., T, D) and a cache for `self_attention_backward`.
    Raises:
        ValueError: if D is not a multiple of H.
    Source: Vaswani et al. 2017, section 3.2.2; layout of timm's vision_transformer.Attention; the norm before the
        rotation as in Esser et al. 2024.
    """
    if x.shape[-1] % num_heads:
        raise ValueError(f"width {x.shape[-1]} does not divide into {num_heads} heads")
    gain_q, gain_k = gains or (None, None)
    qkv, qkv_cache = linear_forward(x, w_qkv, b_qkv)  # ..., T, 3D
    q, k, v = split_heads(qkv, num_heads)           # ..., H, T, d each
    q, q_cache = normalise_rotate_forward(q, gain_q, rotation)
    k, k_cache = normalise_rotate_forward(k, gain_k, rotation)
    attend = blockwise_attention_forward if has_many_scores(q, k) else attention_forward
    h, attention_cache = attend(q, k, v, key_mask)  # ..., H, T, d
    return h.swapaxes(-3, -2).reshape(x.shape), (qkv_cache, q_cache, k_cache, attention_cache, num_heads)


def self_attention_backward(dy, cache):
    """Returns dx (..., T, D), dw_qkv (D, 3D), db_qkv (3D,), and with gains dgain_q (d,) and dgain_k (d,)."""
    qkv_cache, q_cache, k_cache, attention_cache, num_heads = cache
    *leading, T, D = dy.shape
    dh = dy.reshape(*leading, T, num_heads, D // num_heads).swapaxes(-3, -2)  # ..., H, T, d
    dqkv = array_module(dy).empty((*leading, T, 3 * D), dy.dtype)  # ..., T, 3D    dq, dk and dv side by side
    dq, dk, dv = split_heads(dqkv, num_heads)
    q, k, *_ = attention_cache
    attend_backward = blockwise_attention_backward if has_many_scores(q, k) else attention_backward
    attend_backward(dh, attention_cache, out=(dq, dk, dv))
    dgain_k = normalise_rotate_backward(dk, k_cache)
    dgain_q = normalise_rotate_backward(dq, q_cache)
    dx, dw_qkv, db_qkv = linear_backward(dqkv, qkv_cache)
    return dx, dw_qkv, db_qkv, *dgain_q, *dgain_k


def normalise_rotate_forward(x, gain, rotation):
    """Queries or keys (..., H, T, d): normalised if there is a gain, rotated if there is a rotation; and a cache."""
    norm_cache = rope_cache = None
    if gain is not None:
        x, norm_cache = qk_norm_forward(x, gain)
    if rotation is not None:
        x, rope_cache = rope_forward(x, rotation)
    return x, (norm_cache, rope_cache)


def normalise_rotate_backward(dy, cache):
    """Turns dy (..., H, T, d) into dx, in its place. Returns [dgain (d,)], or [] where there is no gain."""
    norm_cache, rope_cache = cache
    dx, dgain = dy, []
    if rope_cache is not None:
        dx = rope_backward(dx, rope_cache)
    if norm_cache is not None:
        dx, *dgain = qk_norm_backward(dx, norm_cache)
    if dx is not dy:
        dy[...] = dx
    return dgain


def split_heads(qkv, num_heads):
    """Queries, keys and values of every head, as views: (..., T, 3D) -> three times (..., H, T, d)."""
    *leading, T, width = qkv.shape
    parts = qkv.reshape(*leading, T, 3, num_heads, width // (3 * num_heads))  # ..., T, 3, H, d
    q, k, v = (parts[..., i, :, :].swapaxes(-3, -2) for i in range(3))  # ..., H, T, d each
    return q, k, v


def has_many_scores(q, k):
    """Whether attention between these queries (..., H, T, d) and keys (..., H, S, d) goes block by block."""
    return q.size // q.shape[-1] * k.shape[-2] > MANY_SCORES
