"""Rotary positions: a token's place rotates its queries and keys, so scores depend on how far apart two tokens are.

A head's width is split among the three axes of a clip. Within each part pairs of numbers are turned like the hands of
clocks, each pair at its own speed, by an angle that grows with the token's place along that axis.
"""

import numpy as np

from minidit.backend import array_module

# H = heads, T = tokens, d = width of one head, P = d / 2 pairs

# The slowest pair turns once in about this many times 2π places. Text uses 10000; a clip has few places along an axis.
BASE = 100.0


def axial_rotation(positions, head_width, dtype=np.float32):
    """How far each pair of numbers is rotated, for every token.

    Args:
        positions: (..., T, 3), each token's place along frames, rows and columns. Any numbers: fractions, or the places
            of tokens in a padded grid.
        head_width: d, even and at least 6, so that each axis has a pair. Rows and columns get a third each,
            rounded; frames get the rest.
        dtype: of the result.
    Returns:
        cosines and sines, (..., T, P) each, on the host, for `rope_forward`.
    Raises:
        ValueError: if the width is odd or too small.
    Source: Su et al. 2021 (RoFormer), section 3.2.2; one part of the width per axis and base 100 as RoPE-Axial of
        Heo et al. 2024, section 3.2.
    """
    if head_width < 6 or head_width % 2:
        raise ValueError(f"rotary positions need heads of an even width of at least 6, not {head_width}")
    pairs = head_width // 2
    place = (pairs + 1) // 3                        # of a row, and of a column
    speeds = [BASE ** (-np.arange(count) / count) for count in (pairs - 2 * place, place, place)]
    angles = [positions[..., axis, None] * speed for axis, speed in enumerate(speeds)]  # ..., T, count
    angles = np.concatenate(angles, axis=-1)        # ..., T, P
    return np.cos(angles).astype(dtype), np.sin(angles).astype(dtype)


def grid_positions(grid):
    """The places (T, 3) of the tokens of a grid (frames, rows, columns), in the order of `patchify`."""
    return np.indices(grid).reshape(3, -1).T        # T, 3


def rope_forward(x, rotation):
    """Turns each pair (x[i], x[i + P]) of queries or keys by its angle.

    The dot product of a rotated query and key depends only on the difference of their places.

    Args:
        x: (..., H, T, d) queries or keys.
        rotation: cosines and sines from `axial_rotation`, (T, P) each, or (..., T, P) with the leading axes of x.
    Returns:
        y (..., H, T, d) and a cache for `rope_backward`.
    Source: Su et al. 2021, eq. 34.
    """
    cosines, sines = (part[..., None, :, :] for part in rotation)  # ..., 1, T, P    all heads alike
    return rotated(x, cosines, sines), (cosines, sines)


def rope_backward(dy, cache):
    """Returns dx (..., H, T, d): a rotation's transpose is the rotation by the opposite angle."""
    cosines, sines = cache
    return rotated(dy, cosines, -sines)


def rotated(x, cosines, sines):
    """x (..., d) with each pair turned; an array of its own."""
    xp = array_module(x)
    half = x.shape[-1] // 2
    first, second = x[..., :half], x[..., half:]    # ..., P
    y = xp.empty(x.shape, x.dtype)                  # ..., d
    xp.subtract(first * cosines, second * sines, out=y[..., :half])
    xp.add(first * sines, second * cosines, out=y[..., half:])
    return y
