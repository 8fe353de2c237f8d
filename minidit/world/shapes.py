"""The five silhouettes, as signed distances to their outline: negative inside, positive outside, in pixels.

Each function takes x and y, the offsets in pixels from the object's centre (y grows downward, as rows do),
and the object's radius; the three broadcast against one another. Anti-aliasing only needs distances near the
outline, so beyond a corner the maximum of its two straight edges stands in for the true, costlier distance.

Source: Quilez, "2D distance functions"; constructive solid geometry by minimum and maximum.
"""

import math

import numpy as np

SQUARE_HALF_SIDE = 0.88  # in radii, as all of these: they make the five shapes look about equally large
TRIANGLE_INRADIUS = 0.62
CROSS_HALF_WIDTH = 0.36
CROSS_HALF_LENGTH = 1.12
RING_MIDDLE = 0.8
RING_HALF_THICKNESS = 0.3


def circle_distance(x, y, radius):
    """A disc: everything within one radius of the centre."""
    return np.sqrt(x * x + y * y) - radius


def square_distance(x, y, radius):
    """A square with sides along the axes: the farther of the two axes decides."""
    return np.maximum(np.abs(x), np.abs(y)) - SQUARE_HALF_SIDE * radius


def triangle_distance(x, y, radius):
    """An equilateral triangle pointing up: a floor below, and two walls leaning in that mirror each other."""
    floor = y
    walls = math.sqrt(0.75) * np.abs(x) - 0.5 * y
    return np.maximum(floor, walls) - TRIANGLE_INRADIUS * radius


def cross_distance(x, y, radius):
    """A plus sign: a horizontal bar and a vertical one."""
    x, y = np.abs(x), np.abs(y)
    width, length = CROSS_HALF_WIDTH * radius, CROSS_HALF_LENGTH * radius
    lying = np.maximum(x - length, y - width)
    standing = np.maximum(x - width, y - length)
    return np.minimum(lying, standing)


def ring_distance(x, y, radius):
    """A circle drawn with a thick pen: everything near its line; the sky shows through the middle."""
    return np.abs(circle_distance(x, y, RING_MIDDLE * radius)) - RING_HALF_THICKNESS * radius


# In the order of SHAPES.
DISTANCES = (circle_distance, square_distance, triangle_distance, cross_distance, ring_distance)

AREAS = np.array(  # of the five shapes at radius 1
    [
        math.pi,
        4 * SQUARE_HALF_SIDE**2,
        3 * math.sqrt(3) * TRIANGLE_INRADIUS**2,
        8 * CROSS_HALF_WIDTH * CROSS_HALF_LENGTH - 4 * CROSS_HALF_WIDTH**2,
        4 * math.pi * RING_MIDDLE * RING_HALF_THICKNESS,
    ],
    dtype=np.float32,
)


def coverage(shape, center_x, center_y, radius, size):
    """How much of each pixel an object covers, anti-aliased: 1 inside, 0 outside, in between on the outline.

    Args:
        shape: index into SHAPES, one for all N objects.
        center_x, center_y: (N, F) float32, the centres in pixels; pixel 0 has its middle at 0.
        radius: (N,) float32, or (N, F) where it changes, in pixels.
        size: the frame's (rows, columns).
    Returns:
        (N, F, rows, columns) float32 in [0, 1].
    """
    rows, columns = (np.arange(length, dtype=np.float32) for length in size)
    x = columns - center_x[:, :, None, None]                   # N, F, 1, W
    y = rows[:, None] - center_y[:, :, None, None]             # N, F, H, 1
    radius = radius[:, None] if radius.ndim == 1 else radius   # N, 1 or F
    covered = DISTANCES[shape](x, y, radius[..., None, None])  # N, F, H, W
    np.subtract(0.5, covered, out=covered)
    return np.clip(covered, 0.0, 1.0, out=covered)
