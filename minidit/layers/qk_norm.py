"""QK-norm: queries and keys of bounded length, so that no score can grow without bound."""

from minidit.backend import sum_rows
from minidit.layers.rmsnorm import rmsnorm_backward, rmsnorm_forward

# H = heads, T = tokens, d = width of one head


def qk_norm_forward(x, gain, eps=1e-6):
    """RMSNorm of the queries (or of the keys) of every head, with a learned gain: y = x̂ · gain.

    A row is then never longer than √d times its largest gain, for any weights of the projection.

    Args:
        x: (..., d) queries or keys.
        gain: (d,), shared by all heads and tokens; 1 at the start.
        eps: added to the mean square, in units of x².
    Returns:
        y (..., d) and a cache for `qk_norm_backward`.
    Source: Henry et al. 2020, section 3; with RMSNorm and a gain as in Esser et al. 2024 (Stable Diffusion 3),
        section 5.3.2.
    """
    xhat, norm_cache = rmsnorm_forward(x, eps)      # ..., d
    return xhat * gain, (norm_cache, gain)


def qk_norm_backward(dy, cache):
    """Returns dx (..., d), dgain (d,)."""
    norm_cache, gain = cache
    xhat, _ = norm_cache
    # One gain served every token of every head of every sample.
    dgain = sum_rows((dy * xhat).reshape(-1, len(gain)))  # d
    return rmsnorm_backward(dy * gain, norm_cache), dgain
