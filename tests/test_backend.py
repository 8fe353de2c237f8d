import sys
import types

import numpy as np
import pytest

from minidit.backend import array_module, arrays_in, constants, moved, number, row_dot, row_mean, sum_rows, to_host
from minidit.backend.device import choose_device


def test_arrays_of_numpy_belong_to_numpy(rng):
    assert array_module(rng.normal(size=3)) is np
    assert array_module(np.float32(1.0), 2.0) is np


def test_an_array_of_another_library_belongs_to_it(monkeypatch):
    """As cupy's do: their type is defined in a module inside the library."""
    library = types.ModuleType("cupy")
    array_type = type("ndarray", (), {"__module__": "cupy._core.core"})
    monkeypatch.setitem(sys.modules, "cupy", library)
    assert array_module(array_type(), np.zeros(2)) is library


def test_an_array_of_the_simulated_gpu_belongs_to_it(rng):
    xp = choose_device("simulated")
    x = xp.asarray(rng.normal(size=(2, 3)))
    assert xp is not np
    for array in (x, x[0], x.T, x.sum(), x > 0, xp.zeros(3), xp.random.default_rng(0).standard_normal(3)):
        assert array_module(array) is xp
        assert array_module(array, np.zeros(2)) is xp  # the first decides
    assert array_module(np.zeros(2), x) is np


def test_on_the_host_an_array_is_numpys_own_or_a_copy(rng):
    xp, x = choose_device("simulated"), rng.normal(size=(2, 3))
    assert to_host(x) is x
    there = xp.asarray(x)
    with xp.count() as count:
        back = to_host(there)
    assert type(back) is np.ndarray and back is not x
    np.testing.assert_array_equal(back, x)
    assert (count.device_to_host.count, count.device_to_host.bytes, count.synchronisations) == (1, x.nbytes, 1)


def test_an_array_moves_to_a_device_unless_it_is_there(rng):
    xp, x = choose_device("simulated"), rng.normal(size=(2, 3))
    with xp.count() as count:
        there = moved(x, xp)
        assert moved(there, xp) is there
        assert moved(x, np) is x
    assert isinstance(there, xp.ndarray) and there.dtype == x.dtype
    assert (count.host_to_device.count, count.device_to_host.count, count.synchronisations) == (1, 0, 0)
    np.testing.assert_array_equal(moved(there, np), x)
    x[...] = 0
    assert moved(there, np).all()  # a copy


def test_a_single_value_is_a_number_on_the_cpu_and_stays_on_a_gpu():
    xp = choose_device("simulated")
    for value in (np.float32(1.5), np.float64(1.5), np.array(1.5, np.float32), np.int64(2)):
        assert type(number(value)) is float
        assert number(value) == value
    assert number(1.5) == 1.5
    there = xp.full((), 1.5, np.float32)
    with xp.allow_synchronize(False):
        assert number(there) is there


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


def test_arrays_are_found_however_deep_they_lie():
    a, b = np.zeros(1), np.zeros(2)
    assert [array.size for array in arrays_in((1, [a, (b, {"a": a})], "text"))] == [1, 2, 1]
