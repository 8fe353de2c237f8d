"""Scale, shift and gate that differ from token to token, where some tokens are given and others are to be made."""

from minidit.backend import array_module

# T = tokens, D = width


def select_forward(two, given):
    """One of a sample's two vectors for each of its tokens.

    Args:
        two: (..., 2, D), first that of the tokens to be made, then that of those that are given.
        given: (..., T) bool.
    Returns:
        y (..., T, D) and a cache for `select_backward`.
    """
    xp = array_module(two)
    y = xp.where(given[..., None], two[..., 1:, :], two[..., :1, :])  # ..., T, D
    return y, (given,)


def select_backward(dy, cache):
    """Returns dtwo (..., 2, D): the sums over the tokens that chose each."""
    (given,) = cache
    xp = array_module(dy)
    which = xp.stack([~given, given], axis=-2).astype(dy.dtype)  # ..., 2, T
    return which @ dy                               # ..., 2, D


def token_modulate_forward(x, shift, scale):
    """`modulate_forward` token by token: y = x · (1 + scale) + shift.

    Args:
        x, shift, scale: (..., T, D).
    Returns:
        y (..., T, D) and a cache for `token_modulate_backward`.
    Raises:
        ValueError: if the three have not the same shape.
    Source: Peebles & Xie 2023, section 3.2; a time of its own for each token: Chen et al. 2024 (Diffusion Forcing),
        section 3.1.
    """
    check_per_token(x, shift=shift, scale=scale)
    gain = 1 + scale                                # ..., T, D
    y = x * gain                                    # ..., T, D
    y += shift
    return y, (x, gain)


def token_modulate_backward(dy, cache):
    """Returns dx, dshift, dscale, (..., T, D) each. The shift is added as it is: its gradient is dy itself."""
    x, gain = cache
    return dy * gain, dy, dy * x


def token_gated_residual_forward(x, h, gate):
    """`gated_residual_forward` token by token: y = x + gate · h.

    Args:
        x: (..., T, D) the residual.
        h: (..., T, D) what the branch made of it.
        gate: (..., T, D).
    Returns:
        y (..., T, D) and a cache for `token_gated_residual_backward`.
    Raises:
        ValueError: if the gate has not the shape of x.
    """
    check_per_token(x, gate=gate)
    y = h * gate                                    # ..., T, D
    y += x
    return y, (h, gate)


def token_gated_residual_backward(dy, cache):
    """Returns dx, dh, dgate, (..., T, D) each. The residual hands on all: dx is dy itself."""
    h, gate = cache
    return dy, dy * gate, dy * h


def check_per_token(x, **vectors):
    """Insist on one vector per token. Broadcasting would accept fewer, but not give their gradients' shape.

    Raises:
        ValueError: if one has not the shape (..., T, D) of x.
    """
    for name, vector in vectors.items():
        if vector.shape != x.shape:
            raise ValueError(f"{name} has shape {vector.shape}; each token of {x.shape} needs its own")
