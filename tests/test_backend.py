import sys
import types

import numpy as np
import pytest

from minidit.backend import array_module, row_dot


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
