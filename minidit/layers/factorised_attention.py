"""Factorised attention: within each frame, then along time."""

from minidit.layers.multihead_attention import multihead_attention_backward, multihead_attention_forward

# B = batch, F = frames, S = places of a frame, T = F · S tokens, D = width, H = heads, P = pairs of a head to rotate


def factorised_attention_forward(x, frames, space, time, num_heads, key_mask=None, rotation=None):
    """Attention within each frame, then for each place along time; each adds to what came in.

    Full attention compares T² pairs of tokens, this F · S² + S · F² = T · (S + F).

    Args:
        x: (B, T, D) tokens, frame by frame.
        frames: F, which divides T.
        space, time: weights of the two: w_qkv, b_qkv, w_out, b_out as for `multihead_attention_forward`, then the two
            gains with QK-norm.
        num_heads: H.
        key_mask: (B, T) bool or None; True = may be attended to.
        rotation: from `axial_rotation` for all tokens, (T, P) each, or None.
    Returns:
        y (B, T, D), what the two together add to x; and a cache for `factorised_attention_backward`.
    Source: Ho et al. 2022 (Video Diffusion Models), section 3; Bertasius et al. 2021 (TimeSformer), eq. 7 to 9, there
        with time first.
    """
    mask_space = mask_time = rotation_space = rotation_time = None
    if key_mask is not None:
        mask_space = key_mask.reshape(len(x), frames, -1)  # B, F, S
        mask_time = mask_space.swapaxes(1, 2)       # B, S, F
    if rotation is not None:
        rotation_space = [by_frame(part, frames) for part in rotation]  # F, S, P
        rotation_time = [by_place(part, frames) for part in rotation]  # S, F, P
    within, space_cache = multihead_attention_forward(
        by_frame(x, frames), *space[:4], num_heads, mask_space, space[4:], rotation_space
    )
    within = within.reshape(x.shape)                # B, T, D
    along, time_cache = multihead_attention_forward(
        by_place(x + within, frames), *time[:4], num_heads, mask_time, time[4:], rotation_time
    )
    y = within + back_from_place(along)             # B, T, D
    return y, (space_cache, time_cache, frames)


def factorised_attention_backward(dy, cache):
    """Returns dx (B, T, D) and the lists of the gradients of the weights of space and of time."""
    space_cache, time_cache, frames = cache
    dsum, *dtime = multihead_attention_backward(by_place(dy, frames), time_cache)
    dsum = back_from_place(dsum)                    # B, T, D    of x + within
    dwithin = dy + dsum                             # B, T, D    it is part of the result and went on into time
    dx, *dspace = multihead_attention_backward(by_frame(dwithin, frames), space_cache)
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
