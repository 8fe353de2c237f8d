import copy
import pickle

import numpy as np
import pytest

from minidit.backend.device import choose_device
from minidit.models.parameters import Parameters, prefixed, under, xavier_uniform, xavier_weights

SHAPES = {"a.weight": (2, 3), "a.bias": (3,), "b.weight": (3, 4)}


def test_the_arrays_lie_one_after_the_other_in_one_buffer():
    params = Parameters(SHAPES)
    params.flat[...] = np.arange(21)
    np.testing.assert_array_equal(params["a.weight"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(params["a.bias"], [6, 7, 8])
    np.testing.assert_array_equal(params["b.weight"], np.arange(9, 21).reshape(3, 4))


def test_writing_to_an_array_writes_to_the_buffer():
    params = Parameters(SHAPES)
    params["a.bias"][1] = 5
    assert params.flat[7] == 5
    assert np.count_nonzero(params.flat) == 1


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda params: pickle.loads(pickle.dumps(params))])
def test_a_copy_has_one_buffer_too(copied):
    params = Parameters(SHAPES, np.float64)
    params.flat[...] = np.arange(21)
    other = copied(params)
    assert other.dtype == np.float64 and other.shapes == SHAPES and np.array_equal(other.flat, params.flat)
    other.flat[7] = -1
    assert other["a.bias"][1] == -1


def test_it_is_a_mapping_in_the_order_given():
    params = Parameters(SHAPES)
    assert list(params) == list(SHAPES)
    assert {name: array.shape for name, array in params.items()} == SHAPES
    assert len(params) == 3
    assert "c" not in params


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_starts_at_zero_in_the_precision_asked_for(dtype):
    params = Parameters(SHAPES, dtype)
    assert params.dtype == dtype
    assert {array.dtype for array in params.values()} == {np.dtype(dtype)}
    assert not params.flat.any()


def test_a_buffer_given_is_used_not_copied():
    buffer = np.arange(21.0)
    params = Parameters(SHAPES, buffer=buffer)
    assert params.flat is buffer
    assert params.dtype == np.float64
    params["b.weight"][2, 3] = -1
    assert buffer[20] == -1


def test_another_precision_is_a_copy(rng):
    params = Parameters(SHAPES, np.float64)
    params.flat[...] = rng.normal(size=21)
    copy = params.astype(np.float32)
    assert copy.dtype == np.float32
    np.testing.assert_array_equal(copy["b.weight"], params["b.weight"].astype(np.float32))
    copy.flat[...] = 0
    assert params.flat.all()


def test_load_copies_by_name_not_by_order(rng):
    arrays = {name: rng.normal(size=shape) for name, shape in reversed(SHAPES.items())}
    params = Parameters(SHAPES, np.float64)
    params.load(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(params[name], array)
    params.flat[...] = 0
    assert all(array.all() for array in arrays.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("a.bias"), r"missing \['a.bias'\], unknown \[\]"),
        (lambda arrays: arrays.update(c=np.ones(2)), r"missing \[\], unknown \['c'\]"),
        (lambda arrays: arrays.update({"a.weight": np.ones((3, 2))}), r"a.weight .*\(3, 2\), expected \(2, 3\)"),
    ],
)
def test_load_refuses_what_does_not_fit(change, message):
    arrays = {name: np.ones(shape) for name, shape in SHAPES.items()}
    change(arrays)
    with pytest.raises(ValueError, match=message):
        Parameters(SHAPES).load(arrays)


def test_under_a_prefix_are_views_and_prefixed_undoes_it():
    params = Parameters(SHAPES)
    part = under("a.", params)
    assert list(part) == ["weight", "bias"]
    part["bias"][...] = 1
    assert params["a.bias"].all()
    assert list(prefixed("a.", part)) == ["a.weight", "a.bias"]


def test_xavier_fills_the_interval_of_its_source(rng):
    weight = np.zeros((300, 100))
    xavier_uniform(rng, weight)
    bound = (6 / 400) ** 0.5
    assert np.abs(weight).max() == pytest.approx(bound, rel=0.01)
    assert weight.std() == pytest.approx(bound / 3**0.5, rel=0.02)
    assert abs(weight.mean()) < 0.01 * bound


def test_xavier_draws_weights_and_clears_biases(rng):
    params = Parameters(SHAPES)
    params.flat[...] = 7
    xavier_weights(rng, params)
    assert params["a.weight"].all() and params["b.weight"].all()
    assert not params["a.bias"].any()
    assert params.flat.max() < 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_on_another_device_they_are_a_copy_with_the_same_numbers(rng, dtype):
    xp = choose_device("simulated")
    params = Parameters(SHAPES, dtype)
    params.flat[...] = rng.normal(size=21)
    there = params.on(xp)
    assert isinstance(there.flat, xp.ndarray)
    assert there.shapes == params.shapes and there.dtype == dtype
    np.testing.assert_array_equal(there["b.weight"].get(), params["b.weight"])
    there.flat[...] = 0
    assert not there["a.bias"].get().any()  # a view into the buffer there
    assert params.flat.all()


def test_on_the_device_that_they_are_on_they_are_themselves(rng):
    xp = choose_device("simulated")
    params = Parameters(SHAPES)
    there = params.on(xp)
    assert params.on(np) is params
    assert there.on(xp) is there
    assert there.on(np) is not params


def test_there_and_back_no_bit_changes(rng):
    params = Parameters(SHAPES)
    params.flat[...] = rng.normal(size=21)
    back = params.on(choose_device("simulated")).on(np)
    assert type(back.flat) is np.ndarray
    np.testing.assert_array_equal(back.flat, params.flat)


def test_load_on_a_device_takes_the_devices_arrays(rng):
    xp = choose_device("simulated")
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}
    params = Parameters(SHAPES).on(xp)
    with xp.allow_synchronize(False):
        params.load({name: xp.asarray(array) for name, array in arrays.items()})
    for name, array in arrays.items():
        np.testing.assert_array_equal(params[name].get(), array)
