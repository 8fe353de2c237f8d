"""Draws clips of the toy world: one object, on a straight path, in a sky.

All lengths are given for frames of 16 x 16 pixels and grow with the shorter side of the frame. Nothing is downloaded
or stored: a clip is drawn when it is needed, fast enough that training never sees the same one twice.
"""

import numpy as np

from minidit.errors import UserError
from minidit.world.attributes import MOTIONS, NO_VALUE, SHAPES, SKIES, attribute_indices
from minidit.world.shapes import coverage

REFERENCE_SIZE = 16
SMALLEST_SIZE = 16
RADIUS = (4.0, 4.8)              # pixels of a 16-pixel frame
TRAVEL = (3.0, 5.0)              # pixels from the first frame to the last
MARGIN = 1.1                     # radii between an object's centre and the middle of the outermost pixels
BRIGHTNESS = (-0.04, 0.04)       # added to the whole sky of a clip
STAR_BRIGHTNESS = (0.4, 0.6)     # added to the night sky where a star is

COLOR_VALUES = np.array(         # red, green, blue parts of: red, green, blue, yellow, white
    [(0.92, 0.10, 0.10), (0.10, 0.70, 0.15), (0.10, 0.15, 0.92), (1.0, 0.90, 0.10), (1.0, 1.0, 1.0)],
    dtype=np.float32,
)
SKY_TOPS = np.array([(0.30, 0.60, 0.95), (0.02, 0.03, 0.12), (0.48, 0.25, 0.48)], dtype=np.float32)
SKY_BOTTOMS = np.array([(0.55, 0.80, 1.0), (0.08, 0.08, 0.28), (1.0, 0.62, 0.32)], dtype=np.float32)
STARS = np.array([(1, 3), (3, 12), (6, 7), (9, 1), (10, 14), (13, 9)])  # row, column in a 16-pixel frame
STEPS = np.array([(-1, 0), (1, 0), (0, -1), (0, 1), (0, 0)], dtype=np.float32)  # x, y of each of MOTIONS


def render(attributes, rng, size=32, frames=8):
    """Draw one clip: `render_batch` for a single prompt.

    Returns: (frames, rows, columns, 3) float32 in [0, 1].
    """
    return render_batch([attributes], rng, size, frames)[0]


def render_batch(attributes, rng, size=32, frames=8):
    """Draw a clip of each prompt, its size, position, speed and light at random.

    Args:
        attributes: N Attributes.
        rng: np.random.Generator. A clip takes six numbers from it whatever it shows, so a batch equals the
            same clips drawn one by one, and a longer batch begins with the shorter one.
        size: rows and columns of a frame, each at least 16: one number for both, or a pair.
        frames: frames of a clip, at least 1. An object travels as far in few frames as in many.
    Returns:
        (N, frames, rows, columns, 3) float32 in [0, 1]; the last axis is red, green, blue.
    Raises:
        UserError: for a size, a number of frames or attributes that the world doesn't have.
    """
    size = checked_size(size, frames)
    return render_draws(attributes, rng.random((len(attributes), 6), dtype=np.float32), size, frames)


def render_draws(attributes, draws, size, frames):
    """Draw the clip of each prompt that six numbers choose: every clip of the world is one of these.

    Args:
        attributes: N Attributes.
        draws: (N, 6) in [0, 1]: radius, travel, where to start in x and in y, brightness of the sky and of its stars.
        size: (rows, columns).
        frames: frames of a clip, at least 1.
    Returns:
        (N, frames, rows, columns, 3) float32 in [0, 1].
    """
    centers, radius = place(attributes, draws, size, frames)   # N, F, 2; N
    return render_paths(attributes, centers, radius, draws[:, 4:], size)


def place(attributes, draws, size, frames):
    """Where and how large the objects of `render_draws` are: centres (N, frames, 2), x and y, and radius (N,)."""
    scale = scale_of(size)
    radius = lerp(RADIUS, draws[:, 0]) * scale                 # N
    travel = lerp(TRAVEL, draws[:, 1]) * scale                 # N
    displacement = directions(attributes) * travel[:, None]    # N, 2
    return straight_paths(displacement, draws[:, 2:4], radius, size, frames), radius


def render_paths(attributes, centers, radius, light, size):
    """Draw clips whose objects follow any paths, even out of the frame.

    Args:
        attributes: N Attributes.
        centers: (N, F, 2) x and y in pixels, radius: (N,), or (N, F) where it changes, in pixels.
        light: (N, 2) in [0, 1): how bright the sky is, and its stars.
        size: (rows, columns).
    Returns:
        (N, F, rows, columns, 3) float32 in [0, 1].
    """
    color, shape, _, sky = attribute_indices(attributes).T     # N each
    covered = np.zeros((*centers.shape[:2], *size), dtype=np.float32)  # N, F, H, W
    for index in range(len(SHAPES)):
        chosen = np.flatnonzero(shape == index)
        if chosen.size:
            path = centers[chosen]
            covered[chosen] = coverage(index, path[..., 0], path[..., 1], radius[chosen], size)
    brightness, starlight = lerp(BRIGHTNESS, light[:, 0]), lerp(STAR_BRIGHTNESS, light[:, 1])  # N each
    return paint(covered, COLOR_VALUES[color], sky_images(sky, brightness, starlight, size))


def directions(attributes):
    """The unit vector (x, y) of each object's motion, 0 for one that doesn't move: (N, 2)."""
    motion = attribute_indices(attributes)[:, 2]               # N
    return STEPS[np.where(motion == NO_VALUE, MOTIONS.index("still"), motion)]


def straight_paths(displacement, position, radius, size, frames):
    """Where the objects are in every frame: straight on from a random start, never leaving the frame.

    A path too long for the full margin at both of its ends is centred in the frame. The margin is the outer
    radius of a ring: the tip of a large triangle (1.24 radii) can lose up to 2 % of its area at the top.

    Args:
        displacement: (N, 2) x and y from the first frame to the last, in pixels.
        position: (N, 2) in [0, 1), where to start between the first and the last possible place.
        radius: (N,) in pixels.
        size: (rows, columns).
    Returns:
        (N, frames, 2) x and y of the centres, in pixels.
    """
    margin = MARGIN * radius[:, None]                          # N, 1
    farthest = np.array(size[::-1], dtype=np.float32) - 1      # 2   x and y of the last pixel
    first = margin + np.maximum(0.0, -displacement)            # N, 2
    last = farthest - margin - np.maximum(0.0, displacement)   # N, 2
    middle = (first + last) * 0.5                              # N, 2
    first, last = np.minimum(first, middle), np.maximum(last, middle)
    start = first + (last - first) * position                  # N, 2
    time = np.linspace(0, 1, frames, dtype=np.float32)         # F
    return start[:, None] + displacement[:, None] * time[:, None]  # N, F, 2


def sky_gradients(rows):
    """The three skies without stars: (3, rows, 3), a colour for every row, in the order of SKIES."""
    height = np.linspace(0, 1, rows, dtype=np.float32)[:, None]  # H, 1
    return SKY_TOPS[:, None] * (1 - height) + SKY_BOTTOMS[:, None] * height  # 3, H, 3


def sky_images(sky, brightness, starlight, size):
    """The skies behind the objects, before they are limited to [0, 1].

    Args:
        sky: (N,) indices into SKIES.
        brightness, starlight: (N,) added everywhere, and at the night's stars.
        size: (rows, columns).
    Returns:
        (N, rows, columns, 3) float32.
    """
    lines = sky_gradients(size[0])[sky] + brightness[:, None, None]  # N, H, 3
    images = np.repeat(lines[:, :, None], size[1], axis=2)     # N, H, W, 3
    nights = np.flatnonzero(sky == SKIES.index("night"))
    star_row, star_column = (STARS * np.array(size) // REFERENCE_SIZE).T
    images[nights[:, None], star_row, star_column] += starlight[nights, None, None]
    return images


def paint(covered, color, skies):
    """Lay the objects over their skies: clip = sky + covered * (colour - sky), limited to [0, 1].

    Args:
        covered: (N, F, H, W), color: (N, 3), skies: (N, H, W, 3).
    Returns:
        (N, F, H, W, 3) float32.
    """
    contrast = color[:, None, None] - skies                    # N, H, W, 3
    clips = np.empty((*covered.shape, 3), dtype=np.float32)    # N, F, H, W, 3
    for channel in range(3):
        np.multiply(covered, contrast[:, None, :, :, channel], out=clips[..., channel])
    clips += skies[:, None]
    return np.clip(clips, 0.0, 1.0, out=clips)


def lerp(bounds, fraction):
    """The number that lies the given fraction of the way from the lower bound to the upper."""
    low, high = bounds
    return low + (high - low) * fraction


def scale_of(size):
    """The scale of all lengths relative to a frame of 16 x 16 pixels; the shorter side decides."""
    return min(size) / REFERENCE_SIZE


def checked_size(size, frames):
    """Rows and columns as a pair. Raises UserError unless clips of this size can be drawn and told apart."""
    rows, columns = size if isinstance(size, tuple | list) else (size, size)
    if min(rows, columns) < SMALLEST_SIZE or (rows, columns) != (int(rows), int(columns)):
        raise UserError(
            f"frames of {columns} x {rows} pixels were asked for: give whole numbers, at least {SMALLEST_SIZE}."
        )
    if frames < 1 or frames != int(frames):
        raise UserError(f"clips of {frames} frames were asked for: give a whole number, at least 1.")
    return int(rows), int(columns)
