"""The diffusion time, as a vector of waves from fast to slow."""

import math

import numpy as np

from minidit.backend import array_module

# F = frequencies = width // 2


def timestep_embedding(t, width, max_period=10000.0, dtype=np.float32):
    """Sinusoidal embedding of a number: [cos(t ω₀) … cos(t ω_F₋₁), sin(t ω₀) … sin(t ω_F₋₁)].

    Args:
        t: (...) times on the scale of the paper, 0 to 1000 (need not be whole); an array or a number.
        width: of the embedding; if it is odd, the last column is zero.
        max_period: the slowest wave repeats after nearly this many steps, times 2π.
        dtype: of the result. The angles are computed in float64: at t = 1000 float32 would blur the fast
            waves.
    Returns:
        (..., width).
    Source: facebookresearch/DiT models.py, TimestepEmbedder.timestep_embedding; Vaswani et al. 2017,
        section 3.5.
    """
    t = t if hasattr(t, "dtype") else np.asarray(t)
    xp = array_module(t)
    F = width // 2
    frequencies = xp.exp(xp.arange(F, dtype=xp.float64) * (-math.log(max_period) / max(F, 1)))  # F
    angles = t.astype(xp.float64)[..., None] * frequencies  # ..., F
    embedding = xp.zeros((*t.shape, width), dtype)  # ..., width
    embedding[..., :F] = xp.cos(angles)
    embedding[..., F : 2 * F] = xp.sin(angles)
    return embedding
