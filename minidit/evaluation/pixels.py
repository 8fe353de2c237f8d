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


def seam_ratio(clips, patch):
    """How much clips step at the borders of patches, relative to everywhere else: 1 where no seam shows.

    Real clips can have another ratio, as their objects are more often in some places than in others: compare with it.

    Args:
        clips: (N, F, H, W, 3).
        patch: of the codec: frames, rows and columns of a patch.
    Returns:
        float, see `ratio_of_steps`.
    """
    return ratio_of_steps(border_steps(clips, patch))


def border_steps(clips, patch):
    """Mean absolute difference of neighbouring pixels in each clip: (N, 2, 2).

    First from row to row, then from column to column; of each first at the borders of patches, then everywhere else.
    NaN where there are no such pixels. Arguments as for `seam_ratio`.
    """
    clips = np.asarray(clips)
    steps = np.full((len(clips), 2, 2), np.nan)
    for axis in (2, 3):
        others = tuple({1, 2, 3, 4} - {axis})
        along = np.abs(np.diff(clips, axis=axis)).mean(axis=others, dtype=float)  # N, H - 1 or W - 1
        border = np.arange(1, along.shape[1] + 1) % patch[axis - 1] == 0
        for column, chosen in enumerate((border, ~border)):
            if chosen.any():
                steps[:, axis - 2, column] = along[:, chosen].mean(axis=1)
    return steps


def ratio_of_steps(steps):
    """Steps at borders, divided by steps elsewhere, of all clips together: the mean of both directions.

    Takes what `border_steps` returns, (N, 2, 2). NaN where there are no borders or nothing else, and where the clips
    are so plain that there are no steps.
    """
    at_border, elsewhere = np.mean(steps, axis=0).T            # 2; 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.mean(np.where(elsewhere > 0, at_border / elsewhere, np.nan)))
