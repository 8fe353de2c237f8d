"""Launches layernorm_modulate.cu: layer normalisation, scale and shift in one pass over the tokens."""

from minidit.backend import array_module, as_samples
from minidit.backend.kernels.grids import ROWS, ceil_div, distance, expect, per_sample
from minidit.backend.kernels.launch import launch

# T = tokens, D = width, G = groups of a sample's tokens

WARP = 32
THREADS = 256  # eight rows at a time


def layernorm_modulate_forward(x, shift, scale, eps=1e-6):
    """`minidit.layers.layernorm_modulate_forward` of x (..., T, D), with shift and scale (..., D) or (..., T, D)."""
    samples = as_samples(x, shift)                  # ..., T, D or ..., T, 1, D
    shift, scale = per_sample(samples, shift=shift, scale=scale)
    xp = array_module(x)
    y = xp.empty_like(x)                            # ..., T, D
    mean, rstd = xp.empty((2, *x.shape[:-1]), x.dtype)  # ..., T
    launch(
        "layernorm_modulate.cu",
        "layernorm_modulate_forward",
        _a_warp_per_row(x),
        THREADS,
        reads=(x, shift, scale),
        writes=(y, mean, rstd),
        numbers=(mean.size, *samples.shape[-2:], distance(shift), distance(scale), float(eps)),
        strided=(shift, scale),
    )
    return y, (x, scale, mean, rstd)


def layernorm_modulate_backward(dy, cache):
    """Returns dx (..., T, D), and dshift and dscale, shaped like shift and scale."""
    x, scale, mean, rstd = cache
    expect(x.shape, dy=dy)
    xp = array_module(dy)
    *samples, T, D = as_samples(x, scale).shape
    dx = xp.empty_like(x)                           # ..., T, D
    parts = xp.empty((2, *samples, ceil_div(T, ROWS), D), x.dtype)  # 2, ..., G, D    of dshift and dscale
    launch(
        "layernorm_modulate.cu",
        "layernorm_modulate_backward",
        parts[0].size // D,
        THREADS,
        reads=(x, scale, mean, rstd, dy),
        writes=(dx, parts[0], parts[1]),
        numbers=(T, D, distance(scale), ROWS),
        strided=(scale,),
    )
    dshift, dscale = parts.sum(axis=-2)             # ..., D
    return dx, dshift, dscale


def _a_warp_per_row(x):
    """How many blocks hold a warp for every row of x."""
    return ceil_div(x.size // x.shape[-1], THREADS // WARP)
