"""How close two clips are, pixel by pixel. Values are in [0, 1]."""

import numpy as np

# N = clips, F = frames, H = rows, W = columns


def mse(a, b, where=None):
    """Mean squared difference of each pair of clips, over the selected pixels and the three colours.

    Args:
        a, b: (N, F, H, W, 3).
        where: bool, (N, F, H, W) or what broadcasts to it, the pixels to compare; by default all.
    Returns:
        (N,) float64; NaN for a clip without a selected pixel.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape or a.ndim != 5:
        raise ValueError(f"two arrays (clips, frames, rows, columns, 3) of one shape are needed: {a.shape}, {b.shape}")
    squares = ((a - b) ** 2).mean(axis=-1)                     # N, F, H, W
    selected = np.broadcast_to(True if where is None else where, squares.shape)  # N, F, H, W
    count = selected.sum(axis=(1, 2, 3))                       # N
    total = np.where(selected, squares, 0.0).sum(axis=(1, 2, 3))  # N
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def decibels(error):
    """Peak signal-to-noise ratio of a mean squared error, the peak being 1: -10 · log₁₀(error) dB, infinite at 0."""
    with np.errstate(divide="ignore"):
        return -10 * np.log10(error)


def psnr(a, b, where=None):
    """Peak signal-to-noise ratio of each pair of clips, in dB, over the selected pixels: (N,). Arguments as for `mse`.

    Infinite where the clips are equal. `decibels(mse(a, b).mean())` is the ratio of many clips as one.
    """
    return decibels(mse(a, b, where))


def neighbour_psnr(clips):
    """Peak signal-to-noise ratio of frames and the ones after them, in dB: (N,), of the mean error over the pairs."""
    clips = np.asarray(clips)
    return psnr(clips[:, 1:], clips[:, :-1])
