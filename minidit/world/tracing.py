"""Measures from the pixels where the object is in every frame: the path that a clip really shows."""

from typing import NamedTuple

import numpy as np

from minidit.world.measuring import (
    SMALLEST_AREA,
    clean_mask,
    find_color,
    find_shape,
    find_sky,
    in_chunks,
    measure,
)
from minidit.world.renderer import scale_of
from minidit.world.shapes import AREAS, coverage

# N = clips, F = frames, H = rows, W = columns

LEAST_SEEN = 0.3           # of the object's area; if the edge cuts off more, its place is a guess
ROUNDS, FINER = 18, 0.7    # each round's step relative to the one before: the last is radius / 430
NEIGHBOURS = np.mgrid[-1:2, -1:2].reshape(2, 9, 1).astype(np.float32)  # x, y; a place and the eight around it


class Trace(NamedTuple):
    """The measured path of the object, NaN in frames without one.

    Attributes:
        x, y: (N, F) its centre in pixels; the middle of the first pixel is 0, and y grows downward. NaN also where the
            edge of the frame leaves less than three tenths of the object.
        area: (N, F) its visible area, in pixels.
    """

    x: np.ndarray
    y: np.ndarray
    area: np.ndarray


def trace(clips):
    """Measure where the object is in every frame.

    In a frame that shows all of the object, the centre is its centre of mass. Where it touches the edge of the frame,
    the centre is that of the whole object, even if it lies outside: the shape and size come from the other frames, and
    the place is where the visible part fits best. An object that is cut in every frame gets the size that it has where
    most of it is visible.

    Args:
        clips: (N, F, H, W, 3) as for `verify_batch`.
    Returns:
        a Trace of (N, F) float32.
    Raises:
        ValueError: as `verify_batch`.
    """
    traces = [_trace(pixels) for pixels in in_chunks(clips)]
    if not traces:
        return Trace(*np.empty((3, *np.shape(clips)[:2]), np.float32))
    return Trace(*(np.concatenate(parts) for parts in zip(*traces, strict=True)))


def _trace(pixels):
    scale = scale_of(pixels.shape[-2:])
    _, backdrop, _ = find_sky(pixels)
    _, covered, _ = find_color(pixels, backdrop)
    mask = clean_mask(covered, scale)                          # N, F, H, W
    area, x, y, _ = measure(mask, scale)                       # N, F each
    present = area > SMALLEST_AREA * scale * scale             # N, F
    edges = mask[..., 0, :].sum(-1) + mask[..., -1, :].sum(-1) + mask[..., 0].sum(-1) + mask[..., -1].sum(-1)
    touching = present & (edges > 0)                           # N, F
    for n in np.flatnonzero(touching.any(axis=1)):
        free = present[n] & ~touching[n]                       # F
        seen = free if free.any() else area[n] == area[n].max()  # F
        whole_area = np.median(area[n, seen], keepdims=True)   # 1
        shape, _ = find_shape(mask[n : n + 1, seen], x[n : n + 1, seen], y[n : n + 1, seen], whole_area)
        radius = np.sqrt(whole_area / AREAS[shape])            # 1
        cut = touching[n] & (area[n] > LEAST_SEEN * whole_area)  # F
        if cut.any():
            x[n, cut], y[n, cut] = fit_centers(mask[n, cut], shape[0], radius, x[n, cut], y[n, cut])
        x[n, touching[n] & ~cut] = y[n, touching[n] & ~cut] = np.nan
    for measured in (area, x, y):
        measured[~present] = np.nan
    return Trace(x, y, area)


def fit_centers(mask, shape, radius, x, y):
    """Where to draw a shape so that its visible part comes closest to the mask.

    The search goes from coarse to fine: to the best of nine places, then again with a shorter step, and so on.

    Args:
        mask: (F, H, W), shape: index into SHAPES, radius: (1,) in pixels.
        x, y: (F,) where to begin, in pixels.
    Returns:
        x and y, (F,) each.
    """
    frames = np.arange(len(x))
    for step in radius * FINER ** np.arange(ROUNDS, dtype=np.float32):
        near_x, near_y = x + NEIGHBOURS[0] * step, y + NEIGHBOURS[1] * step  # 9, F each
        drawn = coverage(shape, near_x, near_y, np.repeat(radius, 9), mask.shape[-2:])  # 9, F, H, W
        drawn -= mask
        flat = drawn.reshape(9, len(x), -1)                    # 9, F, H * W
        best = np.vecdot(flat, flat).argmin(axis=0)            # F
        x, y = near_x[best, frames], near_y[best, frames]      # F; F
    return x, y
