"""Reads colour, shape, motion and sky back from the pixels of a clip, by measurement; nothing is learned.

The steps, each a function here or in measuring.py, in order:

1. sky: which of the three fills most of the picture, and how bright it is;
2. colour: which of the five best explains what isn't sky, and how much of each pixel it covers;
3. mask: the solid pieces of that cover, without stars and specks;
4. path: the object's area and centre in every frame, and the straight line nearest to the centres;
5. motion: the direction of that line, or still; none in a single frame, where it can't be seen;
6. shape: which of the five, drawn by the renderer at the measured places and size, comes closest to the mask;
7. ideal: the whole clip drawn as it should be, one shape of one size on a straight path. Its overlap with the
   mask says how clean the clip is, and whether the object stays inside the frame.

All lengths are given for frames of 16 x 16 pixels and grow with the shorter side of the frame.
"""

import numpy as np

from minidit.world.attributes import COLORS, MOTIONS, SHAPES, SKIES
from minidit.world.measuring import (
    SMALLEST_AREA,
    box_mean,
    clean_mask,
    find_color,
    find_shape,
    find_sky,
    in_chunks,
    measure,
    neighbourhood,
)
from minidit.world.reading import Reading
from minidit.world.renderer import scale_of
from minidit.world.shapes import AREAS, coverage

# N = clips, F = frames, H = rows, W = columns; "planes" are (N, F, H, W), a number per pixel

LEAST_OVERLAP = 0.5        # below it the object is a blob, whatever shape is nearest
SKY_SHARE = 0.6            # share of the pixels outside the object that must be sky, in every frame
LEAST_FREE = 0.5           # of a frame; even the largest object leaves this much
STRAY_ENERGY = 0.1         # mean squared colour error of a neighbourhood that neither sky nor object explains
AREA_KEPT = 0.5            # of the mean area that every frame must have
MOVED = 2.0                # pixels from the first frame to the last that make it motion (real: 0, or 3 to 5)
DRIFT = 1.5                # pixels an object may drift across its direction of motion
JUMP = 1.0                 # pixels a centre may lie off the straight path
OVERHANG = 0.05            # share of the ideal object's area that may lie outside the frame
SQUEEZE = 0.7              # variance across a touched edge, per variance along it, that means cut


def verify(clip):
    """Read one clip: `verify_batch` for (F, H, W, 3)."""
    return verify_batch(np.asarray(clip)[None])[0]


def verify_batch(clips):
    """Read every clip by measurement.

    Args:
        clips: (N, F, H, W, 3) numbers in [0, 1]: values outside count as 0 or 1, NaN as 0.
    Returns:
        list of N Readings. The motion of a single frame is None.
    Raises:
        ValueError: for any other shape, no frame, or frames smaller than 16 x 16.
    """
    return [reading for pixels in in_chunks(clips) for reading in _read(pixels)]


def _read(pixels):
    frames, rows, columns = pixels.shape[2:]
    scale = scale_of((rows, columns))

    sky, backdrop, sky_share = find_sky(pixels)                # N; 3, N, 1, H, 1; N, F
    color, covered, unexplained = find_color(pixels, backdrop)  # N; N, F, H, W; N, F, H, W
    mask = clean_mask(covered, scale)                          # N, F, H, W
    area, x, y, squeeze = measure(mask, scale)                 # N, F each
    path_x, travel_x = straight_line(x)                        # N, F; N
    path_y, travel_y = straight_line(y)                        # N, F; N
    motion = name_motion(travel_x, travel_y, scale)            # N
    mean_area = np.maximum(area.mean(axis=1), 1.0)             # N
    shape, changes_shape = find_shape(mask, x, y, mean_area)   # N; N
    overlap, inside = compare_with_ideal(mask, shape, path_x, path_y, mean_area)  # N; N

    free = np.maximum(1 - area / (rows * columns), LEAST_FREE)  # N, F
    present = area > SMALLEST_AREA * scale * scale             # N, F
    plain = ~present.any(axis=1)                               # N
    drift = np.minimum(np.abs(travel_x), np.abs(travel_y))     # N
    jump = np.maximum(np.abs(x - path_x), np.abs(y - path_y)).max(axis=1)  # N
    stray = box_mean(unexplained, neighbourhood(scale)).max(axis=(1, 2, 3))  # N
    sky_faults = {
        "no sky that the world has": (sky_share < SKY_SHARE * free).any(axis=1),
        "something else in the picture": stray > STRAY_ENERGY,
    }
    object_faults = {
        "the object is missing in a frame": ~present.all(axis=1) | (area.min(axis=1) < AREA_KEPT * mean_area),
        "the object is cut by the edge": (inside < 1 - OVERHANG) | (squeeze.min(axis=1) < SQUEEZE),
        "the object leaves its straight path": (drift > DRIFT * scale) | (jump > JUMP * scale),
        "the object changes its shape": changes_shape,
        "the object has no clear shape": overlap < LEAST_OVERLAP,
    }

    readings = []
    for n in range(len(sky)):
        faults = sky_faults if plain[n] else sky_faults | object_faults
        found = tuple(fault for fault, is_so in faults.items() if is_so[n])
        if plain[n]:
            readings.append(Reading(None, None, None, SKIES[sky[n]], 1.0, found))
        else:
            seen_motion = MOTIONS[motion[n]] if frames > 1 else None
            names = COLORS[color[n]], SHAPES[shape[n]], seen_motion, SKIES[sky[n]]
            readings.append(Reading(*names, float(overlap[n]), found))
    return readings


def straight_line(position):
    """The straight path nearest to the centres, by least squares.

    Args:
        position: (N, F) in pixels.
    Returns:
        path (N, F), and travel (N,), its length from the first frame to the last, with sign. A single
        frame's path is a point.
    """
    if position.shape[1] == 1:
        return position, np.zeros_like(position[:, 0])
    time = np.linspace(-0.5, 0.5, position.shape[1], dtype=np.float32)  # F
    travel = position @ time / (time @ time)                   # N
    return position.mean(axis=1)[:, None] + travel[:, None] * time, travel


def name_motion(travel_x, travel_y, scale):
    """Indices into MOTIONS (N,): the direction of the longer component, or still when both are short."""
    sideways = np.where(travel_x < 0, MOTIONS.index("left"), MOTIONS.index("right"))
    upright = np.where(travel_y < 0, MOTIONS.index("up"), MOTIONS.index("down"))
    moving = np.where(np.abs(travel_x) > np.abs(travel_y), sideways, upright)
    resting = np.maximum(np.abs(travel_x), np.abs(travel_y)) < MOVED * scale
    return np.where(resting, MOTIONS.index("still"), moving)


def compare_with_ideal(mask, shape, path_x, path_y, area):
    """Draw the clip as it should be, one shape of one size on a straight path, and compare.

    Args:
        mask: (N, F, H, W), shape: (N,), path_x and path_y: (N, F), area: (N,).
    Returns:
        overlap (N,), intersection over union with the mask over all frames, and inside (N,), the share of the
        ideal shape's area that lies within the frame where least of it does.
    """
    rows, columns = size = mask.shape[-2:]
    overlap, inside = np.empty(len(mask), np.float32), np.empty(len(mask), np.float32)  # N; N
    for index in range(len(SHAPES)):
        chosen = np.flatnonzero(shape == index)                # n <= N
        radius = np.sqrt(area[chosen] / AREAS[index])          # n
        ideal = coverage(index, path_x[chosen], path_y[chosen], radius, size)  # n, F, H, W
        common = np.minimum(ideal, mask[chosen]).sum(axis=(1, 2, 3))  # n
        overlap[chosen] = common / (ideal.sum(axis=(1, 2, 3)) + mask[chosen].sum(axis=(1, 2, 3)) - common)
        middle_x, middle_y = (np.full((len(chosen), 1), (n - 1) / 2, np.float32) for n in (columns, rows))  # n, 1
        full_area = coverage(index, middle_x, middle_y, radius, size).sum(axis=(1, 2, 3))  # n
        inside[chosen] = ideal.sum(axis=(2, 3)).min(axis=1) / full_area
    return overlap, inside
