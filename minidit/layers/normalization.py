"""Layer normalisation without learned scale and shift: in a DiT the conditioning supplies those."""

from minidit.backend import array_module, row_dot, row_mean

# D = width


def layernorm_forward(x, eps=1e-6):
    """Every row to mean 0 and variance 1: x̂ = (x - mean) / √(variance + eps).

    Args:
        x: (..., D).
        eps: added to the variance, in units of x².
    Returns:
        xhat (..., D) and a cache for `layernorm_backward`.
    Source: Ba et al. 2016, eq. 4; eps = 1e-6 and no affine as in Peebles & Xie 2023.
    """
    xp = array_module(x)
    D = x.shape[-1]
    xhat = x - row_mean(x)                          # ..., D    centred; scaled two lines below
    rstd = 1 / xp.sqrt(row_dot(xhat, xhat)[..., None] / D + eps)  # ..., 1
    xhat *= rstd
    return xhat, (xhat, rstd)


def layernorm_backward(dxhat, cache):
    """Returns dx (..., D)."""
    xhat, rstd = cache
    D = dxhat.shape[-1]
    # x reaches xhat three ways: directly, through the mean, and through the standard deviation.
    through_mean = row_mean(dxhat)                  # ..., 1
    through_std = xhat * (row_dot(dxhat, xhat)[..., None] / D)  # ..., D
    dx = dxhat - through_mean                       # ..., D
    dx -= through_std
    dx *= rstd
    return dx
