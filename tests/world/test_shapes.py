import numpy as np
import pytest

from minidit.world import SHAPES
from minidit.world.shapes import AREAS, DISTANCES, coverage

# Points in units of the radius, at offsets (x, y) with y downward: on the outline, inside, outside.
OUTLINES = {
    "circle": [(1, 0), (0, -1), (0.6, 0.8)],
    "square": [(0.88, 0), (0.3, -0.88), (-0.88, 0.88)],
    "triangle": [(0, 0.62), (0, -1.24), (0.62 * 3**0.5, 0.62)],
    "cross": [(1.12, 0), (0, -1.12), (0.36, 0.36), (0.36, 0.9)],
    "ring": [(1.1, 0), (0.5, 0), (0, -0.5)],
}
INSIDE = {"circle": (0, 0), "square": (0.8, 0.8), "triangle": (0, 0), "cross": (0, 1), "ring": (0, 0.8)}
OUTSIDE = {"circle": (1, 1), "square": (1, 0), "triangle": (0.7, -0.7), "cross": (0.7, 0.7), "ring": (0, 0)}


@pytest.mark.parametrize("shape", SHAPES)
def test_distance_is_zero_on_the_outline_negative_inside_positive_outside(shape):
    distance, radius = DISTANCES[SHAPES.index(shape)], 5.0
    for x, y in OUTLINES[shape]:
        assert distance(np.array(x * radius), np.array(y * radius), radius) == pytest.approx(0, abs=1e-9)
    x, y = INSIDE[shape]
    assert distance(np.array(x * radius), np.array(y * radius), radius) < 0
    x, y = OUTSIDE[shape]
    assert distance(np.array(x * radius), np.array(y * radius), radius) > 0


@pytest.mark.parametrize("index", range(len(SHAPES)))
def test_coverage_adds_up_to_the_area(index):
    middle, radius = np.full((1, 1), 63.5, np.float32), np.array([40.0], np.float32)
    covered = coverage(index, middle, middle, radius, (128, 128))
    assert covered.dtype == np.float32 and covered.shape == (1, 1, 128, 128)
    assert covered.min() == 0 and covered.max() == 1
    assert covered.sum() == pytest.approx(AREAS[index] * 40 * 40, rel=0.005)


@pytest.mark.parametrize("index", range(len(SHAPES)))
def test_every_shape_is_as_wide_as_it_is_high(index):
    middle = np.full((1, 1), 31.5, np.float32)
    covered = coverage(index, middle, middle, np.array([20.0], np.float32), (64, 64))[0, 0].astype(float)
    grid = np.arange(64) - 31.5
    centroid_y = covered.sum(1) @ grid / covered.sum()
    variance_x = covered.sum(0) @ (grid * grid)
    variance_y = covered.sum(1) @ ((grid - centroid_y) * (grid - centroid_y))
    assert abs(centroid_y) < 0.1
    assert variance_x == pytest.approx(variance_y, rel=0.01)


def test_a_frame_need_not_be_square():
    center = np.array([[10.0, 30.0]], np.float32)
    wide = coverage(0, center, center * 0 + 8, np.array([5.0], np.float32), (16, 40))
    assert wide.shape == (1, 2, 16, 40)
    np.testing.assert_allclose(wide[0, 0, :, :20], wide[0, 1, :, 20:], atol=1e-6)
    np.testing.assert_allclose(wide.transpose(0, 1, 3, 2), coverage(
        0, center * 0 + 8, center, np.array([5.0], np.float32), (40, 16)), atol=1e-6)
