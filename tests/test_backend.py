import sys
import types

import numpy as np
import pytest

from minidit.backend import array_module, constants, row_dot, row_mean, sum_rows


def test_arrays_of_numpy_belong_to_numpy(rng):
    assert array_module(rng.normal(size=3)) is np
    assert array_module(np.float32(1.0), 2.0) is np


def test_an_array_of_another_library_belongs_to_it(monkeypatch):
    """As cupy's do: their type is defined in a module inside the library."""
    library = types.ModuleType("cupy")
    array_type = type("ndarray", (), {"__module__": "cupy._core.core"})
    monkeypatch.setitem(sys.modules, "cupy", library)
    assert array_module(array_type(), np.zeros(2)) is library


def test_numpys_own_subclasses_count_as_numpys():
    assert array_module(np.ma.zeros(3)) is np


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_row_dot_is_the_dot_product_over_the_last_axis(dtype, rng):
    a, b = rng.normal(size=(2, 4, 3, 5)).astype(dtype)
    dots = row_dot(a, b)
    assert dots.shape == (4, 3)
    assert dots.dtype == dtype
    np.testing.assert_allclose(dots, (a * b).sum(axis=-1), rtol=1e-4)


def test_row_dot_works_without_numpys_routine(monkeypatch, rng):
    """On a GPU there is no vecdot: the product is summed."""
    monkeypatch.setattr("minidit.backend.array_module", lambda *_: None)
    a, b = rng.normal(size=(2, 4, 5))
    np.testing.assert_allclose(row_dot(a, b), np.vecdot(a, b), rtol=1e-12)


@pytest.mark.parametrize("shape", [(4, 3), (2, 4, 3), (2, 5, 4, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_over_rows_and_means_of_rows_are_what_they_say(shape, dtype, rng):
    x = rng.normal(size=shape).astype(dtype)
    assert sum_rows(x).dtype == row_mean(x).dtype == dtype
    np.testing.assert_allclose(sum_rows(x), x.sum(axis=-2), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(row_mean(x), x.mean(axis=-1, keepdims=True), rtol=1e-5, atol=1e-5)


def test_a_vector_of_one_value_is_made_once_for_each_length_value_and_type():
    first = constants(3, 0.5, np.dtype(np.float32))
    assert first is constants(3, 0.5, np.dtype(np.float32))
    assert first.tolist() == [0.5] * 3
    assert constants(3, 0.5, np.dtype(np.float64)).dtype == np.float64
