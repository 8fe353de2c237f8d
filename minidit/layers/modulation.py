"""How the condition speaks to the tokens: scale and shift before a branch, a gate after it.

Each of these vectors is either one per sample, for all its tokens, or one per token, where tokens differ in their time.
"""

from minidit.backend import array_module, as_samples, sum_rows

# T = tokens, D = width


def modulate_forward(x, shift, scale):
    """adaLN's scale and shift: y = x · (1 + scale) + shift. A scale of zero leaves x as it is.

    Args:
        x: (..., T, D) tokens.
        shift, scale: (..., D), one pair per sample, broadcast over its tokens; or (..., T, D), one pair per token.
    Returns:
        y (..., T, D) and a cache for `modulate_backward`.
    Raises:
        ValueError: if shift or scale has another shape.
    Source: Peebles & Xie 2023, section 3.2; Perez et al. 2018 (FiLM), eq. 2; a time of its own for each token: Chen et
        al. 2024 (Diffusion Forcing), section 3.1.
    """
    check_vectors(x, shift=shift, scale=scale)
    samples = as_samples(x, scale)                  # ..., T, D; with one pair per token ..., T, 1, D
    gain = 1 + scale[..., None, :]                  # ..., 1, D
    y = samples * gain                              # ..., T, D
    y += shift[..., None, :]
    return y.reshape(x.shape), (samples, gain)


def modulate_backward(dy, cache):
    """Returns dx (..., T, D), and dshift and dscale, shaped like shift and scale."""
    x, gain = cache
    dsamples = dy.reshape(x.shape)                  # ..., T, D
    dx = dsamples * gain                            # ..., T, D
    # One shift and one scale served every token of a sample, so each token has something to say about them.
    dshift = sum_rows(dsamples)                     # ..., D
    dscale = sum_rows(dsamples * x)                 # ..., D
    return dx.reshape(dy.shape), dshift, dscale


def gated_residual_forward(x, h, gate):
    """A branch joins the residual through its gate: y = x + gate · h. A gate of zero leaves x as it is.

    Args:
        x: (..., T, D) the residual.
        h: (..., T, D) the branch's result.
        gate: (..., D), one per sample, broadcast over its tokens; or (..., T, D), one per token.
    Returns:
        y (..., T, D) and a cache for `gated_residual_backward`.
    Raises:
        ValueError: if the gate has another shape.
    Source: Peebles & Xie 2023, section 3.2 (adaLN-Zero).
    """
    check_vectors(x, gate=gate)
    h, gate = as_samples(h, gate), gate[..., None, :]  # ..., T, D and ..., 1, D; with one per token T samples of one
    y = (h * gate).reshape(x.shape)                 # ..., T, D
    y += x
    return y, (h, gate)


def gated_residual_backward(dy, cache):
    """Returns dx (..., T, D), dh (..., T, D), dgate like the gate. The residual passes dy on: it is dx."""
    h, gate = cache
    dsamples = dy.reshape(h.shape)                  # ..., T, D
    dh = dsamples * gate                            # ..., T, D
    dgate = sum_rows(dsamples * h)                  # ..., D    one gate served every token
    return dy, dh.reshape(dy.shape), dgate


def check_vectors(x, **vectors):
    """Insist on one vector per sample or per token. Broadcasting would accept fewer, with gradients of another shape.

    Args:
        x: (..., T, D).
        vectors: (..., D) each, or (..., T, D) each.
    Raises:
        ValueError: if one has another shape than that, or than the others.
    """
    per_sample = x.shape[:-2] + x.shape[-1:]
    expected = x.shape if next(iter(vectors.values())).ndim == x.ndim else per_sample
    for name, vector in vectors.items():
        if vector.shape == expected:
            continue
        if vector.shape in (per_sample, x.shape):
            raise ValueError(f"{' and '.join(vectors)} differ: give both per sample or both per token")
        raise ValueError(
            f"{name} has shape {vector.shape}; tokens of shape {x.shape} need {per_sample}, or {x.shape} with one for "
            "each token"
        )


def select_forward(two, second):
    """For each token one of its sample's two vectors.

    Args:
        two: (..., 2, D), for tokens that are not known, then for known ones.
        second: (..., T) bool, which tokens take the second.
    Returns:
        y (..., T, D) and a cache for `select_backward`.
    """
    xp = array_module(two)
    y = xp.where(second[..., None], two[..., 1:, :], two[..., :1, :])  # ..., T, D
    return y, (second,)


def select_backward(dy, cache):
    """Returns dtwo (..., 2, D): for each vector the sum over the tokens that took it."""
    (second,) = cache
    xp = array_module(dy)
    which = xp.stack([~second, second], axis=-2).astype(dy.dtype)  # ..., 2, T
    return which @ dy                               # ..., 2, D
