"""Measures, in the pixels of clips, the sky, the colour, and the object's area, place and shape in every frame.

Frames have any size and aspect ratio, and clips any number of frames. All lengths are given for frames of 16 x 16
pixels and grow with the shorter side of the frame.
"""

import numpy as np

from minidit.world.attributes import SHAPES
from minidit.world.renderer import COLOR_VALUES, REFERENCE_SIZE, sky_gradients
from minidit.world.shapes import AREAS, coverage

# N = clips, F = frames, H = rows, W = columns; "planes" are (N, F, H, W), a number per pixel

SKY_TOLERANCE = 0.18       # greatest difference, in any channel, between a pixel of the sky and the sky
FAINTEST = 0.08            # coverage below it is noise
SMALLEST_AREA = 7.0        # square pixels; anything smaller isn't an object (the smallest real one has 30)
CONTACT = 1.5              # pixels of the object in the outermost row or column that make it touch the edge
SHAPE_MARGIN = 1.5         # how many times better a different shape must fit a frame to count as a change
CLIPS_AT_ONCE = 8          # so that the planes of one chunk stay in the processor's cache


def in_chunks(clips):
    """Check the clips and hand them out a few at a time, as planes.

    Args:
        clips: (N, F, H, W, 3) numbers in [0, 1]: values outside count as 0 or 1, NaN as 0.
    Returns:
        iterator over (3, n, F, H, W) float32 in [0, 1], a plane per channel.
    Raises:
        ValueError: for any other shape, no frame, or frames smaller than 16 x 16.
    """
    clips = np.asarray(clips)
    _, frames, rows, columns, channels = clips.shape if clips.ndim == 5 else (0,) * 5
    if channels != 3 or min(rows, columns) < REFERENCE_SIZE or frames < 1:
        raise ValueError(
            f"clips must be (clips, frames, rows, columns, 3) with at least 1 frame of at least "
            f"{REFERENCE_SIZE} x {REFERENCE_SIZE} pixels, got {clips.shape}"
        )
    return map(_planes, (clips[start : start + CLIPS_AT_ONCE] for start in range(0, len(clips), CLIPS_AT_ONCE)))


def _planes(clips):
    pixels = np.moveaxis(clips, -1, 0).astype(np.float32, order="C")  # 3, N, F, H, W
    return np.fmin(np.fmax(pixels, 0.0, out=pixels), 1.0, out=pixels)


def find_sky(pixels):
    """The sky that most pixels agree with, and how bright it is.

    Args:
        pixels: (3, N, F, H, W).
    Returns:
        sky (N,) indices into SKIES, backdrop (3, N, 1, H, 1) its gradient as bright as in the clip, without
        stars, and share (N, F) of the pixels of each frame that agree with it.
    """
    shares, brightnesses = [], []
    gradients = sky_gradients(pixels.shape[-2])                # 3, H, 3
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
    """The colour that best explains what differs from the sky, and how much of each pixel it covers.

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
    that is flattened against an edge of the frame is cut by that edge.

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


def find_shape(mask, x, y, area):
    """The shape that, drawn with the measured area around the measured centres, comes closest to the mask.

    Args:
        mask: (N, F, H, W), x and y: (N, F), area: (N,), the mean over the frames.
    Returns:
        shape (N,) indices into SHAPES, and changes (N,) bool: in some frame a different shape fits far better.
    """
    errors = np.stack([shape_error(mask, index, x, y, area) for index in range(len(SHAPES))])  # 5, N, F
    shape = errors.sum(axis=2).argmin(axis=0)                  # N
    of_shape = errors[shape, np.arange(len(shape))]            # N, F
    return shape, (of_shape > SHAPE_MARGIN * errors.min(axis=0)).any(axis=1)


def shape_error(mask, shape, x, y, area):
    """Squared difference between the mask and one shape: (N, F)."""
    drawn = coverage(shape, x, y, np.sqrt(area / AREAS[shape]), mask.shape[-2:])  # N, F, H, W
    drawn -= mask
    flat = drawn.reshape(*x.shape, -1)                         # N, F, H * W
    return np.vecdot(flat, flat)


def box_mean(planes, width):
    """Mean around every pixel, width x width, zero beyond the frame: two products with a band of ones."""
    rows, columns = (_band(length, width) for length in planes.shape[-2:])  # H, H; W, W
    return rows @ (planes @ columns) * (1 / (width * width))   # N, F, H, W


def _band(length, width):
    index = np.arange(length)
    return (np.abs(index - index[:, None]) <= width // 2).astype(np.float32)


def core(scale):
    """Width in pixels of the square that fits into the thinnest part of an object."""
    return 3 if scale < 1.5 else 5


def neighbourhood(scale):
    """Width in pixels of the square in which a solid pixel's outline lies."""
    return 5 if scale < 1.5 else 9
