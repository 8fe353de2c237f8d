from itertools import product

import numpy as np
import pytest

from minidit.backend.device import choose_device
from minidit.gradient_check import GradientMismatch, check_gradients
from minidit.layers import neighbours_backward, neighbours_forward

SHAPE = (2, 4, 3, 5, 2)  # N, f, r, c, C
WINDOWS = [(1, 1, 1), (3, 1, 1), (1, 3, 5), (3, 3, 3), (5, 7, 3)]


def around(window):
    """`neighbours_forward` with this window."""

    def neighbours(x):
        return neighbours_forward(x, window)

    return neighbours


@pytest.mark.parametrize("window", WINDOWS)
def test_gradients(rng, window):
    check_gradients(around(window), neighbours_backward, rng.normal(size=SHAPE))


@pytest.mark.parametrize("grid", [(1, 1, 1), (1, 4, 3)])
def test_gradients_on_a_grid_smaller_than_the_window(rng, grid):
    check_gradients(around((3, 3, 3)), neighbours_backward, rng.normal(size=(2, *grid, 2)))


def only_its_own(dy, cache):
    """As if no other cell had looked at a cell."""
    (*_, C), window = cache
    middle = np.prod(window) // 2 * C
    return dy[..., middle : middle + C]


def the_other_way(dy, cache):
    """What went to the left comes from the left."""
    (*shape, C), window = cache
    flipped = dy.reshape(*shape, np.prod(window), C)[..., ::-1, :].reshape(dy.shape)
    return neighbours_backward(flipped, cache)


def around_the_edges(dy, cache):
    """What lay beyond an edge is taken from the other side."""
    (*shape, C), window = cache
    parts = np.moveaxis(dy.reshape(*shape, np.prod(window), C), -2, 0)
    places = product(*(range(-(size // 2), size // 2 + 1) for size in window))
    return sum(np.roll(part, place, axis=(1, 2, 3)) for part, place in zip(parts, places, strict=True))


def rows_and_columns_exchanged(dy, cache):
    shape, (frames, rows, columns) = cache
    return neighbours_backward(dy, (shape, (frames, columns, rows)))


def mean_over_the_window(dy, cache):
    return neighbours_backward(dy, cache) / np.prod(cache[1])


@pytest.mark.parametrize(
    "slip", [only_its_own, the_other_way, around_the_edges, rows_and_columns_exchanged, mean_over_the_window]
)
def test_the_check_catches(rng, slip):
    with pytest.raises(GradientMismatch, match="neighbours: dx"):
        check_gradients(around((3, 1, 5)), slip, rng.normal(size=SHAPE))


def test_a_row_worked_out_by_hand():
    x = np.array([1.0, 2, 3]).reshape(1, 1, 1, 3, 1)
    y, cache = neighbours_forward(x, (1, 1, 3))
    np.testing.assert_array_equal(y[0, 0, 0], [[0, 1, 2], [1, 2, 3], [2, 3, 0]])  # left, itself, right
    dy = np.array([[9.0, 1, 10], [2, 20, 200], [3, 30, 9]]).reshape(y.shape)
    np.testing.assert_array_equal(neighbours_backward(dy, cache)[0, 0, 0, :, 0], [1 + 2, 10 + 20 + 3, 200 + 30])


def test_a_windows_cells_come_in_the_order_of_frames_rows_columns_each_with_its_channels(rng):
    x = rng.normal(size=(1, 3, 3, 3, 2))
    y, _ = neighbours_forward(x, (3, 3, 3))
    np.testing.assert_array_equal(y[0, 1, 1, 1], x.ravel())


def test_beyond_the_edges_there_are_zeros(rng):
    window, grid = (3, 3, 5), np.array(SHAPE[1:4])
    y, _ = neighbours_forward(1 + rng.random(SHAPE), window)
    cells = y.reshape(*SHAPE[:4], *window, 2)
    for place in np.ndindex(*grid):
        for offset in np.ndindex(window):
            cell = np.array(place) + offset - np.array(window) // 2
            inside = (0 <= cell).all() and (cell < grid).all()
            assert ((cells[:, *place, *offset] > 0) == inside).all()


def test_a_linear_layer_on_it_is_a_convolution(rng):
    """A sum over a kernel's places of shifted, weighted latents, written without padding: 3-D, as PyTorch's Conv3d."""
    x, kernel = rng.normal(size=SHAPE), rng.normal(size=(3, 1, 3, 2, 4))  # places, C, O
    expected = np.zeros((*SHAPE[:4], 4))
    for f, r, c in np.ndindex(SHAPE[1:4]):
        for i, j, k in np.ndindex(3, 1, 3):
            place = f + i - 1, r + j, c + k - 1
            if all(0 <= p < n for p, n in zip(place, SHAPE[1:4], strict=True)):
                expected[:, f, r, c] += x[:, *place] @ kernel[i, j, k]
    y, _ = neighbours_forward(x, (3, 1, 3))
    np.testing.assert_allclose(y @ kernel.reshape(-1, 4), expected, rtol=1e-12, atol=1e-12)


def test_a_window_of_one_cell_changes_nothing(rng):
    x = rng.normal(size=SHAPE)
    y, cache = neighbours_forward(x, (1, 1, 1))
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(neighbours_backward(x, cache), x)


def test_float32_stays_float32_and_nothing_is_written_to(run_float32, rng):
    run_float32(around((3, 1, 3)), neighbours_backward, rng.normal(size=SHAPE))


def test_on_another_device_it_is_the_same(rng):
    xp, x = choose_device("simulated"), rng.normal(size=SHAPE).astype(np.float32)
    y, cache = neighbours_forward(x, (3, 3, 1))
    there, cache_there = neighbours_forward(xp.asarray(x), (3, 3, 1))
    np.testing.assert_array_equal(there.get(), y)
    np.testing.assert_array_equal(neighbours_backward(there, cache_there).get(), neighbours_backward(y, cache))
