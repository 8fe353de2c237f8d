"""Root-mean-square normalisation: a layer norm that leaves the mean alone."""

from minidit.backend import array_module, as_samples, row_dot
from minidit.layers.modulation import modulate_backward, modulate_forward

# T = tokens, D = width


def rmsnorm_forward(x, eps=1e-6):
    """Every row to mean square 1: x̂ = x / √(mean(x²) + eps).

    Args:
        x: (..., D).
        eps: added to the mean square, in units of x².
    Returns:
        xhat (..., D) and a cache for `rmsnorm_backward`.
    Source: Zhang & Sennrich 2019, eq. 4, without the learned gain.
    """
    xp = array_module(x)
    rrms = 1 / xp.sqrt(row_dot(x, x)[..., None] / x.shape[-1] + eps)  # ..., 1
    xhat = x * rrms                                 # ..., D
    return xhat, (xhat, rrms)


def rmsnorm_backward(dxhat, cache):
    """Returns dx (..., D)."""
    xhat, rrms = cache
    # x reaches xhat two ways: directly, and through the mean square.
    through_rms = xhat * (row_dot(dxhat, xhat)[..., None] / dxhat.shape[-1])  # ..., D
    dx = dxhat - through_rms                        # ..., D
    dx *= rrms
    return dx


def rmsnorm_modulate_forward(x, shift, scale, eps=1e-6):
    """RMSNorm, then adaLN's scale and shift: y = x̂ · (1 + scale) + shift.

    Args:
        x: (..., T, D) tokens.
        shift, scale: (..., D) or (..., T, D), as for `modulate_forward`.
        eps: added to the mean square, in units of x².
    Returns:
        y (..., T, D) and a cache for `rmsnorm_modulate_backward`.
    Source: Peebles & Xie 2023, section 3.2 (adaLN), with the norm of Zhang & Sennrich 2019.
    """
    xhat, norm_cache = rmsnorm_forward(x, eps)      # ..., T, D
    y, _ = modulate_forward(xhat, shift, scale)     # ..., T, D
    return y, (norm_cache, scale)


def rmsnorm_modulate_backward(dy, cache):
    """Returns dx (..., T, D), and dshift and dscale, shaped like shift and scale."""
    norm_cache, scale = cache
    xhat, _ = norm_cache
    dxhat, dshift, dscale = modulate_backward(dy, (as_samples(xhat, scale), 1 + scale[..., None, :]))
    return rmsnorm_backward(dxhat, norm_cache), dshift, dscale
