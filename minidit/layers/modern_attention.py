"""Self-attention with the choices of later transformers: QK-norm, rotary positions, space and time one after the other.

Without any of them it is `self_attention_forward`, and the plain pair for the plain network stays that one.
"""

from minidit.backend import array_module
from minidit.layers.attention import attention_backward, attention_forward
from minidit.layers.blockwise_attention import blockwise_attention_backward, blockwise_attention_forward
from minidit.layers.linear import linear_backward, linear_forward
from minidit.layers.multihead_attention import has_many_scores, split_heads
from minidit.layers.qk_norm import qk_norm_backward, qk_norm_forward
from minidit.layers.rope import rope_backward, rope_forward

# B = batch, H = heads, F = frames, S = places of a frame, T = F · S tokens, D = width, d = D / H = width of one head


def modern_attention_forward(x, weights, num_heads, key_mask=None, rotation=None):
    """Multi-head self-attention, with QK-norm and rotary positions where they are given.

    Args:
        x: (..., T, D) tokens.
        weights: w_qkv (D, 3D) with columns laid out as (3, H, d), b_qkv (3D,), w_out (D, D), b_out (D,); and with
            QK-norm two gains (d,), of the queries and of the keys.
        num_heads: H.
        key_mask: (..., T) bool or None; True = may be attended to.
        rotation: from `axial_rotation`, or None.
    Returns:
        y (..., T, D) and a cache for `modern_attention_backward`.
    Source: Vaswani et al. 2017, section 3.2.2; the norm before the rotation as in Esser et al. 2024.
    """
    w_qkv, b_qkv, w_out, b_out, *gains = weights
    qkv, qkv_cache = linear_forward(x, w_qkv, b_qkv)  # ..., T, 3D
    q, k, v = split_heads(qkv, num_heads)           # ..., H, T, d each
    q, q_cache = steered_forward(q, gains[0] if gains else None, rotation)
    k, k_cache = steered_forward(k, gains[1] if gains else None, rotation)
    attend = blockwise_attention_forward if has_many_scores(q, k) else attention_forward
    h, attention_cache = attend(q, k, v, key_mask)  # ..., H, T, d
    y, out_cache = linear_forward(h.swapaxes(-3, -2).reshape(x.shape), w_out, b_out)  # ..., T, D
    return y, (qkv_cache, q_cache, k_cache, attention_cache, out_cache, num_heads)


def modern_attention_backward(dy, cache):
    """Returns dx (..., T, D) and a list of the gradients of the weights, in their order."""
    qkv_cache, q_cache, k_cache, attention_cache, out_cache, num_heads = cache
    dh, dw_out, db_out = linear_backward(dy, out_cache)
    *leading, T, D = dh.shape
    dh = dh.reshape(*leading, T, num_heads, D // num_heads).swapaxes(-3, -2)  # ..., H, T, d
    dqkv = array_module(dy).empty((*leading, T, 3 * D), dy.dtype)  # ..., T, 3D    dq, dk and dv side by side
    dq, dk, dv = split_heads(dqkv, num_heads)
    q, k, *_ = attention_cache
    attend_backward = blockwise_attention_backward if has_many_scores(q, k) else attention_backward
    attend_backward(dh, attention_cache, out=(dq, dk, dv))
    dk[...], *dk_gain = steered_backward(dk, k_cache)
    dq[...], *dq_gain = steered_backward(dq, q_cache)
    dx, dw_qkv, db_qkv = linear_backward(dqkv, qkv_cache)
    return dx, [dw_qkv, db_qkv, dw_out, db_out, *dq_gain, *dk_gain]


def steered_forward(x, gain, rotation):
    """Queries or keys (..., H, T, d), normalised if there is a gain and turned if there is a rotation; and a cache."""
    norm_cache = turn_cache = None
    if gain is not None:
        x, norm_cache = qk_norm_forward(x, gain)
    if rotation is not None:
        x, turn_cache = rope_forward(x, rotation)
    return x, (norm_cache, turn_cache)


def steered_backward(dx, cache):
    """Returns dx (..., H, T, d), and with a gain dgain (d,)."""
    norm_cache, turn_cache = cache
    if turn_cache is not None:
        dx = rope_backward(dx, turn_cache)
    return qk_norm_backward(dx, norm_cache) if norm_cache is not None else (dx,)


def factorised_attention_forward(x, frames, space, time, num_heads, key_mask=None, rotation=None):
    """Attention within each frame, then for each place along time; each adds to what came in.

    Full attention compares T² pairs of tokens, this F · S² + S · F² = T · (S + F).

    Args:
        x: (B, T, D) tokens, frame by frame.
        frames: F, which divides T.
        space, time: weights of the two, as for `modern_attention_forward`.
        num_heads: H.
        key_mask: (B, T) bool or None; True = may be attended to.
        rotation: from `axial_rotation` for all tokens, (T, P) each, or None.
    Returns:
        y (B, T, D), what both together add to x; and a cache for `factorised_attention_backward`.
    Source: Ho et al. 2022 (Video Diffusion Models), section 3; Bertasius et al. 2021 (TimeSformer), eq. 7 to 9, there
        with time first.
    """
    mask_space = mask_time = turn_space = turn_time = None
    if key_mask is not None:
        mask_space = key_mask.reshape(len(x), frames, -1)  # B, F, S
        mask_time = mask_space.swapaxes(1, 2)       # B, S, F
    if rotation is not None:
        turn_space = [by_frame(part, frames) for part in rotation]  # F, S, P
        turn_time = [by_place(part, frames) for part in rotation]  # S, F, P
    within, space_cache = modern_attention_forward(by_frame(x, frames), space, num_heads, mask_space, turn_space)
    within = within.reshape(x.shape)                # B, T, D
    along, time_cache = modern_attention_forward(by_place(x + within, frames), time, num_heads, mask_time, turn_time)
    y = within + back_from_place(along)             # B, T, D
    return y, (space_cache, time_cache, frames)


def factorised_attention_backward(dy, cache):
    """Returns dx (B, T, D) and the lists of the gradients of the weights of space and of time."""
    space_cache, time_cache, frames = cache
    dsum, dtime = modern_attention_backward(by_place(dy, frames), time_cache)
    dsum = back_from_place(dsum)                    # B, T, D    of x + within
    dwithin = dy + dsum                             # B, T, D    it is part of the result and went on into time
    dx, dspace = modern_attention_backward(by_frame(dwithin, frames), space_cache)
    return dsum + dx.reshape(dy.shape), dspace, dtime


def by_frame(x, frames):
    """Tokens (..., T, D) as (..., F, S, D)."""
    *leading, T, D = x.shape
    return x.reshape(*leading, frames, T // frames, D)


def by_place(x, frames):
    """Tokens (..., T, D) as (..., S, F, D)."""
    return by_frame(x, frames).swapaxes(-3, -2)


def back_from_place(x):
    """Tokens (..., S, F, D) as (..., T, D) again."""
    *leading, S, F, D = x.shape
    return x.swapaxes(-3, -2).reshape(*leading, F * S, D)
