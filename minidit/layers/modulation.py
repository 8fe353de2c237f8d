"""How the conditioning speaks to the tokens: scale and shift before a branch, a gate after it."""

from minidit.backend import sum_rows

# T = tokens, D = width


def modulate_forward(x, shift, scale):
    """adaLN's scale and shift: y = x · (1 + scale) + shift. A scale of zero leaves x as it is.

    Args:
        x: (..., T, D) tokens.
        shift, scale: (..., D), one pair per sample, broadcast over its tokens.
    Returns:
        y (..., T, D) and a cache for `modulate_backward`.
    Raises:
        ValueError: if shift or scale does not have the shape of x without its tokens.
    Source: Peebles & Xie 2023, section 3.2; Perez et al. 2018 (FiLM), eq. 2.
    """
    check_per_sample(x, shift=shift, scale=scale)
    gain = 1 + scale[..., None, :]                  # ..., 1, D
    y = x * gain                                    # ..., T, D
    y += shift[..., None, :]
    return y, (x, gain)


def modulate_backward(dy, cache):
    """Returns dx (..., T, D), dshift (..., D), dscale (..., D)."""
    x, gain = cache
    dx = dy * gain                                  # ..., T, D
    # One shift and one scale served every token of a sample, so each token has something to say about them.
    dshift = sum_rows(dy)                           # ..., D
    dscale = sum_rows(dy * x)                       # ..., D
    return dx, dshift, dscale


def gated_residual_forward(x, h, gate):
    """A branch joins the residual through its gate: y = x + gate · h. A gate of zero leaves x as it is.

    Args:
        x: (..., T, D) the residual.
        h: (..., T, D) what the branch made of it.
        gate: (..., D), one per sample, broadcast over its tokens.
    Returns:
        y (..., T, D) and a cache for `gated_residual_backward`.
    Raises:
        ValueError: if the gate does not have the shape of x without its tokens.
    Source: Peebles & Xie 2023, section 3.2 (adaLN-Zero).
    """
    check_per_sample(x, gate=gate)
    gate = gate[..., None, :]                       # ..., 1, D
    y = h * gate                                    # ..., T, D
    y += x
    return y, (h, gate)


def gated_residual_backward(dy, cache):
    """Returns dx (..., T, D), dh (..., T, D), dgate (..., D). The residual hands on all: dx is dy itself."""
    h, gate = cache
    dh = dy * gate                                  # ..., T, D
    dgate = sum_rows(dy * h)                        # ..., D    one gate served every token
    return dy, dh, dgate


def check_per_sample(x, **vectors):
    """Insist on one vector per sample. Broadcasting would accept fewer, but not give their gradients' shape.

    Args:
        x: (..., T, D).
        vectors: each should be (..., D).
    Raises:
        ValueError: if one is not.
    """
    expected = x.shape[:-2] + x.shape[-1:]
    for name, vector in vectors.items():
        if vector.shape != expected:
            raise ValueError(f"{name} has shape {vector.shape}; tokens of shape {x.shape} need {expected}")
