import numpy as np
import pytest

from minidit import layers
from minidit.backend.kernels.blockwise_attention import WIDEST_IN_TILE
from minidit.backend.kernels.softmax import LONG
from minidit.gpu.operations import OPERATIONS, SMALL, Operation, Size, error, on_device, results

# These are tried by functions of the same name that give them positions, a layer, or all weights in a row.
WRAPPED = {
    layers.rope_forward,
    layers.self_attention_forward,
    layers.factorised_attention_forward,
}


def test_no_layer_is_forgotten():
    forwards = {getattr(layers, name) for name in dir(layers) if name.endswith("_forward")}
    assert forwards == {o.forward for o in OPERATIONS if o.forward in forwards} | WRAPPED
    assert {function.__name__ for function in WRAPPED} <= {operation.forward.__name__ for operation in OPERATIONS}


def test_each_has_a_name_of_its_own():
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)


def test_a_layer_is_paired_with_its_own_backward():
    for operation in OPERATIONS:
        if operation.backward:
            assert operation.forward.__name__.replace("_forward", "_backward") == operation.backward.__name__


@pytest.mark.parametrize("size", [SMALL, Size(3, 4, 12, 3, words=5)])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_there_is_a_gradient_for_each_input_that_has_one(operation, size, rng):
    inputs = operation.inputs(rng, size)
    y, *gradients = results(operation, np, inputs, np.float64, rng)
    shapes = [value.shape for value in inputs if isinstance(value, np.ndarray) and value.dtype.kind == "f"]
    if operation.backward is None:
        shapes = []
    elif operation.name in ("mse, weighted", "reparameterize"):
        shapes = shapes[:2]  # a weight, and the noise, are constants
    assert [gradient.shape for gradient in gradients] == shapes
    assert all(np.isfinite(array).all() and array.any() for array in (y, *gradients))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_the_small_inputs_are_what_both_precisions_can_tell_apart_from_a_mistake(operation, rng):
    """In float32 NumPy itself is within the bound by which a device is judged, with room to spare."""
    inputs = operation.inputs(rng, SMALL)
    exact = results(operation, np, inputs, np.float64, np.random.default_rng(1))
    rounded = results(operation, np, inputs, np.float32, np.random.default_rng(1))
    assert all(error(r, e) < 2e-6 for r, e in zip(rounded, exact, strict=True))


def test_the_small_size_takes_several_tiles_and_blocks_and_leaves_the_last_one_with_room():
    batch, tokens, width, heads, words = SMALL
    for size, pieces in ((tokens, (16, 32)), (width // heads, (16,)), (width, (32,)), (words, (16, 32))):
        assert all(size > piece and size % piece for piece in pieces)
    assert batch * tokens * width > 256 * 16
    assert 15 * width > LONG
    assert 100 > WIDEST_IN_TILE > width // heads


def test_only_floating_point_arrays_change_their_type(simulated):
    ids, mask, x, count = on_device([np.arange(3), np.array([True]), np.ones(2), 7], simulated, np.float32)
    assert [array.dtype.name for array in (ids, mask, x)] == ["int64", "bool", "float32"]
    assert all(isinstance(array, simulated.ndarray) for array in (ids, mask, x))
    assert count == 7


def test_results_come_from_the_device_and_leave_the_inputs_alone(simulated, rng):
    doubled = Operation("doubled", lambda x: (2 * x, x), lambda dy, x: (2 * dy,), lambda rng, size: [rng.random(3)])
    (x,) = inputs = doubled.inputs(rng, SMALL)
    before = x.copy()
    y, dx = results(doubled, simulated, inputs, np.float32, rng)
    np.testing.assert_array_equal(y, 2 * x.astype(np.float32))
    assert type(y) is type(dx) is np.ndarray
    assert np.array_equal(x, before)


@pytest.mark.parametrize(
    ("got", "expected", "size"),
    [
        ([1, 2, 4], [1, 2, 4], 0),
        ([1, 2, 3], [1, 2, 4], 0.25),
        ([1, 2, -4], [1, 2, -5], 0.2),
        ([0, 3], [0, 0], 3),  # of nothing, there are no units
        ([], [], 0),
        ([1, 2], [[1], [2]], np.inf),
        ([1], 1, np.inf),
    ],
)
def test_an_error_is_in_units_of_the_largest_value(got, expected, size):
    assert error(np.array(got, np.float32), np.array(expected, float)) == pytest.approx(size)


def test_what_is_not_a_number_is_no_small_error():
    assert np.isnan(error(np.array([1, np.nan]), np.ones(2)))


def test_the_inputs_follow_from_the_generator():
    for operation in OPERATIONS:
        one, other = (operation.inputs(np.random.default_rng(4), SMALL) for _ in range(2))
        for value, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(value, same)
