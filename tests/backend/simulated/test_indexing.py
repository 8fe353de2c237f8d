import numpy as np
import pytest

import minidit.backend.simulated.cupy as xp


def test_an_index_beyond_the_end_wraps_around(h):
    x = xp.asarray(h)
    np.testing.assert_array_equal(x[xp.asarray([2, -3])].get(), h[[0, 1]])
    np.testing.assert_array_equal(x[:, xp.asarray([[4]])].get(), h[:, [[1]]])
    np.testing.assert_array_equal(x.take(xp.asarray([7])).get(), h.take([1]))
    x[xp.asarray([3]), xp.asarray([5])] = 9
    assert x[1, 2].item() == 9
    for plain in (2, (0, 3), (0, 0, 0)):
        pytest.raises(IndexError, x.__getitem__, plain)


@pytest.mark.parametrize(
    "index",
    [
        (0,), (..., 1), (None, 1, slice(None, 2)), (slice(None, None, -1),), ([1, 0],), (slice(1), [2, 0]),
        ([1, 0], [2, 1]), ([[0], [1]], [0, 2]), (1, [0, 1]), ([True, False],), ([[True, False, True]] * 2,),
        (1, [True, False, True]),
    ],
)  # fmt: skip
def test_what_an_index_selects_is_what_numpy_selects(index, h):
    on_device = tuple(xp.asarray(item) if isinstance(item, list) else item for item in index)
    on_host = tuple(np.asarray(item) if isinstance(item, list) else item for item in index)
    x = xp.asarray(h)
    np.testing.assert_array_equal(x[on_device].get(), h[on_host])
    x[on_device] = -1
    h[on_host] = -1
    np.testing.assert_array_equal(x.get(), h)


def test_an_index_of_numbers_and_slices_gives_a_view_and_an_array_gives_a_copy(x):
    first = x[0]
    first[1:] = 7
    x[xp.asarray([0])][...] = 8
    assert x[0].tolist() == [0, 7, 7]


def test_two_values_for_one_place_are_refused_one_value_is_not(x):
    twice = xp.asarray([1, 1])
    with pytest.raises(ValueError, match="undefined"):
        x[twice] = x + 1
    with pytest.raises(ValueError, match="undefined"):
        x[twice, xp.asarray([0, 3])] = xp.asarray([1.0, 2.0])  # 3 wraps around to 0
    x[twice] = x[0]
    x[twice] = 5.0
    assert x[1].tolist() == [5, 5, 5]
