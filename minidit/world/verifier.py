"""Reads colour, shape, motion and sky back from the pixels of a clip, by measurement; nothing is learned.

The steps, each a function, in order:

1. sky: which of the three fills most of the picture, and how bright it is;
2. colour: which of the five explains best what isn't sky, and how much of each pixel it covers;
3. mask: the solid pieces of that cover, without stars and specks;
4. path: the object's area and centre in every frame, and the straight line nearest to the centres;
5. motion: the direction of that line, or still;
6. shape: which of the five, drawn by the renderer at the measured places and size, comes closest to the mask;
7. ideal: the whole clip drawn as it should be, one shape of one size on a straight path. Its overlap with the
   mask says how clean the clip is, and whether the object stays inside the frame.

All lengths are given for frames of 16 x 16 pixels and grow with the frame.
"""

import numpy as np

from minidit.world.attributes import COLORS, MOTIONS, SHAPES, SKIES
from minidit.world.reading import Reading
from minidit.world.renderer import COLOR_VALUES, REFERENCE_SIZE, sky_gradients
from minidit.world.shapes import AREAS, coverage

# N = clips, F = frames, H = rows, W = columns; "planes" are (N, F, H, W), a number per pixel

LEAST_OVERLAP = 0.5        # below it the object is a blob, whatever shape is nearest
SKY_TOLERANCE = 0.18       # greatest difference, in any channel, between a pixel of the sky and the sky
SKY_SHARE = 0.6            # of what the object leaves free in every frame that must be sky
LEAST_FREE = 0.5           # of a frame; no object is so large that it leaves less
STRAY_ENERGY = 0.1         # mean squared colour error of a neighbourhood that neither sky nor object explains
FAINTEST = 0.08            # coverage below it is noise
SMALLEST_AREA = 7.0        # square pixels; less isn't an object (the smallest real one has 30)
AREA_KEPT = 0.5            # of the mean area that every frame must have
MOVED = 2.0                # pixels from the first frame to the last that make it motion (real: 0, or 3 to 5)
DRIFT = 1.5                # pixels an object may drift across its direction of motion
JUMP = 1.0                 # pixels a centre may lie off the straight path
OVERHANG = 0.05            # share of the ideal object's area that may lie outside the frame
SQUEEZE = 0.7              # variance across a touched edge, per variance along it, that means cut
CONTACT = 1.5              # pixels of the object in the outermost row or column that make it touch the edge
SHAPE_MARGIN = 1.5         # how many times better another shape must fit a frame to count as a change
CLIPS_AT_ONCE = 8          # so that the planes of one chunk stay in the processor's cache


def verify(clip):
    """Read one clip: `verify_batch` for (F, H, H, 3)."""
    return verify_batch(np.asarray(clip)[None])[0]


def verify_batch(clips):
    """Read every clip by measurement.

    Args:
        clips: (N, F, H, H, 3) numbers, of which [0, 1] is visible: values beyond count as 0 or 1, NaN as 0.
    Returns:
        list of N Readings.
    Raises:
        ValueError: for any other shape, fewer than 2 frames, or frames smaller than 16 x 16.
    """
    clips = np.asarray(clips)
    _, frames, rows, columns, channels = clips.shape if clips.ndim == 5 else (0,) * 5
    if channels != 3 or rows != columns or rows < REFERENCE_SIZE or frames < 2:
        raise ValueError(
            f"clips must be (clips, frames >= 2, size >= {REFERENCE_SIZE}, size, 3), got {clips.shape}"
        )
    chunks = (clips[start : start + CLIPS_AT_ONCE] for start in range(0, len(clips), CLIPS_AT_ONCE))
    return [reading for chunk in chunks for reading in _read(chunk)]


def _read(clips):
    pixels = np.moveaxis(clips, -1, 0).astype(np.float32, order="C")  # 3, N, F, H, W   a plane per channel
    np.fmin(np.fmax(pixels, 0.0, out=pixels), 1.0, out=pixels)
    size = pixels.shape[-1]
    scale = size / REFERENCE_SIZE

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

    free = np.maximum(1 - area / (size * size), LEAST_FREE)    # N, F
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
    for n in range(len(clips)):
        faults = sky_faults if plain[n] else sky_faults | object_faults
        found = tuple(fault for fault, is_so in faults.items() if is_so[n])
        if plain[n]:
            readings.append(Reading(None, None, None, SKIES[sky[n]], 1.0, found))
        else:
            names = COLORS[color[n]], SHAPES[shape[n]], MOTIONS[motion[n]], SKIES[sky[n]]
            readings.append(Reading(*names, float(overlap[n]), found))
    return readings


def find_sky(pixels):
    """The sky that most pixels agree with, and how bright it is.

    Args:
        pixels: (3, N, F, H, W).
    Returns:
        sky (N,) indices into SKIES, backdrop (3, N, 1, H, 1) its gradient as bright as in the clip, without
        stars, and share (N, F) of the pixels of each frame that agree with it.
    """
    shares, brightnesses = [], []
    gradients = sky_gradients(pixels.shape[-1])                # 3, H, 3
    for gradient in gradients:
        difference = pixels - gradient.T[:, None, None, :, None]  # 3, N, F, H, W
        agrees = np.abs(difference).max(axis=0) < SKY_TOLERANCE  # N, F, H, W
        shares.append(agrees.mean(axis=(2, 3)))                # N, F
        total = (difference.sum(axis=0) * agrees).sum(axis=(1, 2, 3))  # N
        brightnesses.append(total / (3 * agrees.sum(axis=(1, 2, 3)) + 1))  # N
    shares, brightnesses = np.stack(shares), np.stack(brightnesses)  # 3, N, F; 3, N
    sky = shares.mean(axis=2).argmax(axis=0)                   # N
    chosen = sky, np.arange(len(sky))
    backdrop = gradients[sky] + brightnesses[chosen].astype(np.float32)[:, None, None]  # N, H, 3
    return sky, np.moveaxis(backdrop, -1, 0)[:, :, None, :, None], shares[chosen]


def find_color(pixels, backdrop):
    """The colour that explains best what differs from the sky, and how much of each pixel it covers.

    A covered pixel is sky + coverage * (colour - sky). Least squares gives the coverage for each of the five
    colours; the one that leaves the least unexplained over the whole clip is the object's.

    Args:
        pixels: (3, N, F, H, W), backdrop: (3, N, 1, H, 1).
    Returns:
        color (N,) indices into COLORS, covered (N, F, H, W) in [0, 1], and unexplained (N, F, H, W), the
        squared colour error that is left.
    """
    difference = pixels - backdrop                             # 3, N, F, H, W
    energy = (difference * difference).sum(axis=0)             # N, F, H, W
    along_backdrop = (difference * backdrop).sum(axis=0)       # N, F, H, W
    along_colors = (COLOR_VALUES @ difference.reshape(3, -1)).reshape(-1, *energy.shape)  # 5, N, F, H, W
    coverages, explained = [], []
    for value, along in zip(COLOR_VALUES, along_colors, strict=True):
        contrast = value[:, None, None, None, None] - backdrop  # 3, N, 1, H, 1
        length = (contrast * contrast).sum(axis=0)             # N, 1, H, 1   squared, and never near 0
        along -= along_backdrop                                # N, F, H, W   difference . contrast
        covered = np.clip(along / length, 0.0, 1.0)            # N, F, H, W
        coverages.append(covered)
        explained.append(covered * (2 * along - covered * length))  # N, F, H, W
    color = np.stack([plane.sum(axis=(1, 2, 3)) for plane in explained]).argmax(axis=0)  # N
    chosen = list(enumerate(color))
    covered = np.stack([coverages[c][n] for n, c in chosen])   # N, F, H, W
    unexplained = energy - np.stack([explained[c][n] for n, c in chosen])  # N, F, H, W
    return color, covered, unexplained


def clean_mask(covered, scale):
    """Keep what belongs to a solid piece: drops stars, specks and faint noise, keeps soft outlines.

    Args and returns: (N, F, H, W) coverage in [0, 1].
    """
    solid = box_mean(covered, core(scale)) > 0.5               # N, F, H, W
    near = box_mean(solid.astype(np.float32), neighbourhood(scale)) > 0  # N, F, H, W
    return covered * (near & (covered > FAINTEST))             # N, F, H, W


def measure(mask, scale):
    """Area, centre of mass and squeeze of the object in every frame.

    All five shapes are as wide as they are high, in that their variances along x and y are equal. An object
    that is flattened against an edge of the frame is cut by it.

    Args:
        mask: (N, F, H, W).
    Returns:
        area, x, y in pixels, and squeeze, the variance across an edge that the object touches divided by the
        variance along it (1 where it touches none), (N, F) each.
    """
    columns, rows = mask.sum(axis=2), mask.sum(axis=3)         # N, F, W; N, F, H
    area = columns.sum(axis=2)                                 # N, F
    center_x, variance_x = mean_and_variance(columns)          # N, F each
    center_y, variance_y = mean_and_variance(rows)             # N, F each
    contact_x = np.maximum(columns[..., 0], columns[..., -1])  # N, F
    contact_y = np.maximum(rows[..., 0], rows[..., -1])        # N, F
    across_x = np.where(contact_x > CONTACT * scale, variance_x / variance_y, 1.0)  # N, F
    across_y = np.where(contact_y > CONTACT * scale, variance_y / variance_x, 1.0)  # N, F
    return area, center_x, center_y, np.minimum(across_x, across_y)


def mean_and_variance(profile):
    """Where the mass of a profile (..., W) lies, in pixels, and its spread, in pixels²: (...) each."""
    grid = np.arange(profile.shape[-1], dtype=np.float32)      # W
    mass = np.maximum(profile.sum(axis=-1), 1e-3)              # ...
    mean = profile @ grid / mass                               # ...
    offset = grid - mean[..., None]                            # ..., W
    return mean, np.maximum(np.vecdot(profile, offset * offset) / mass, 1e-3)


def straight_line(position):
    """The straight path nearest to the centres, by least squares.

    Args:
        position: (N, F) in pixels.
    Returns:
        path (N, F), and travel (N,), its length from the first frame to the last, with sign.
    """
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


def find_shape(mask, x, y, area):
    """The shape that, drawn with the measured area around the measured centres, comes closest to the mask.

    Args:
        mask: (N, F, H, W), x and y: (N, F), area: (N,), the mean over the frames.
    Returns:
        shape (N,) indices into SHAPES, and changes (N,) bool: in some frame another shape fits far better.
    """
    errors = np.stack([shape_error(mask, index, x, y, area) for index in range(len(SHAPES))])  # 5, N, F
    shape = errors.sum(axis=2).argmin(axis=0)                  # N
    of_shape = errors[shape, np.arange(len(shape))]            # N, F
    return shape, (of_shape > SHAPE_MARGIN * errors.min(axis=0)).any(axis=1)


def shape_error(mask, shape, x, y, area):
    """Squared difference between the mask and one shape: (N, F)."""
    drawn = coverage(shape, x, y, np.sqrt(area / AREAS[shape]), mask.shape[-1])  # N, F, H, W
    drawn -= mask
    flat = drawn.reshape(*x.shape, -1)                         # N, F, H * W
    return np.vecdot(flat, flat)


def compare_with_ideal(mask, shape, path_x, path_y, area):
    """Draw the clip as it should be, one shape of one size on a straight path, and compare.

    Args:
        mask: (N, F, H, W), shape: (N,), path_x and path_y: (N, F), area: (N,).
    Returns:
        overlap (N,), intersection over union with the mask over all frames, and inside (N,), the share of the
        ideal shape's area that lies within the frame where least of it does.
    """
    size = mask.shape[-1]
    overlap, inside = np.empty(len(mask), np.float32), np.empty(len(mask), np.float32)  # N; N
    for index in range(len(SHAPES)):
        chosen = np.flatnonzero(shape == index)                # n <= N
        radius = np.sqrt(area[chosen] / AREAS[index])          # n
        ideal = coverage(index, path_x[chosen], path_y[chosen], radius, size)  # n, F, H, W
        common = np.minimum(ideal, mask[chosen]).sum(axis=(1, 2, 3))  # n
        overlap[chosen] = common / (ideal.sum(axis=(1, 2, 3)) + mask[chosen].sum(axis=(1, 2, 3)) - common)
        middle = np.full((len(chosen), 1), (size - 1) / 2, np.float32)  # n, 1
        full_area = coverage(index, middle, middle, radius, size).sum(axis=(1, 2, 3))  # n
        inside[chosen] = ideal.sum(axis=(2, 3)).min(axis=1) / full_area
    return overlap, inside


def box_mean(planes, width):
    """Mean around every pixel, width x width, zero beyond the frame: two products with a band of ones."""
    index = np.arange(planes.shape[-1])
    band = (np.abs(index - index[:, None]) <= width // 2).astype(np.float32)  # H, H
    return band @ (planes @ band) * (1 / (width * width))      # N, F, H, W


def core(scale):
    """Width in pixels of the square that fits into the thinnest part of an object."""
    return 3 if scale < 1.5 else 5


def neighbourhood(scale):
    """Width in pixels of the square in which a solid pixel's outline lies."""
    return 5 if scale < 1.5 else 9
