import copy
import operator
import pickle

import numpy as np
import pytest

import minidit.backend.simulated.cupy as xp
from minidit.layers import linear_forward


@pytest.mark.parametrize(
    "find", [lambda x: x.sum(), lambda x: x[0, 0], lambda x: xp.vdot(x, x), lambda x: xp.array_equal(x, x), xp.max]
)
def test_single_results_stay_on_the_device(find, x):
    with xp.allow_synchronize(False):
        found = find(x)
    assert isinstance(found, xp.ndarray)
    assert found.shape == ()


@pytest.mark.parametrize(
    "use",
    [float, int, bool, complex, str, repr, "{:.2f}".format, lambda x: x.item(), lambda x: x.tolist(), lambda x: x.get(),
     xp.asnumpy, pickle.dumps, lambda x: x > 1 and x, lambda x: 1.0 in x[None], max],
)  # fmt: skip
def test_reading_a_number_makes_the_host_wait_and_is_counted(use):
    x = xp.asarray([3.0])[0] if use is not max else xp.asarray([1.0, 2.0])
    with xp.count() as counted:
        use(x)
    assert counted.synchronisations == counted.device_to_host.count > 0
    assert counted.device_to_host.bytes in (1, 8)
    with xp.allow_synchronize(False), pytest.raises(xp.DeviceSynchronized):
        use(x)


@pytest.mark.parametrize("look", [len, lambda x: x.shape, lambda x: x.T, list, np.shape, xp.ndim, copy.copy, hash])
def test_shapes_and_views_make_nobody_wait(look, x):
    with xp.allow_synchronize(False):
        if look is hash:
            pytest.raises(TypeError, look, x)
        else:
            look(x)


@pytest.mark.parametrize(
    "find",
    [
        lambda x: x[x > 1],
        lambda x: operator.setitem(x, x > 1, 0.0),
        lambda x: x[x[:, 0] > 1],
        lambda x: x.nonzero(),
        lambda x: xp.nonzero(x),
        lambda x: xp.where(x > 1),
        lambda x: xp.unique(x),
        lambda x: xp.argwhere(x),
        lambda x: xp.bincount(x.ravel().astype("i8")),
        lambda x: xp.cuda.Device(0).synchronize(),
        lambda x: xp.cuda.Stream.null.synchronize(),
        lambda x: xp.cuda.Event().synchronize(),
    ],
)
def test_the_host_waits_where_only_the_device_knows_how_many(find, x):
    with xp.count() as counted:
        find(x)
    assert counted.synchronisations == 1
    with xp.allow_synchronize(False), pytest.raises(xp.DeviceSynchronized):
        find(x)


@pytest.mark.parametrize(
    ("use", "size"),
    [
        (lambda x, first: x[[0, 1]], 16),
        (lambda x, first: x[np.array([1])], 8),
        (lambda x, first: x[:, np.array([True, False, True])], 3),
        (lambda x, first: x.take([1, 0, 1], axis=0), 24),
        (lambda x, first: operator.setitem(x, first, [1.0, 2.0, 3.0]), 12),
        (lambda x, first: operator.setitem(x, first, np.zeros((1, 3))), 12),
        (lambda x, first: xp.concatenate([x] * 9), 72),
    ],
)
def test_hidden_copies_to_the_device_are_counted_and_refused_on_request(use, size, x):
    first = xp.asarray([0])
    with xp.count() as counted:
        use(x, first)
    assert counted.hidden_transfers == counted.host_to_device.count == 1
    assert counted.host_to_device.bytes == size
    with xp.allow_synchronize(False), pytest.raises(xp.DeviceSynchronized, match="hidden copy"):
        use(x, first)


def test_copies_that_are_asked_for_are_counted_and_never_refused(h):
    with xp.allow_synchronize(False), xp.count() as counted:
        x = xp.asarray(h)
        x.set(h)
        xp.array(h.tolist(), "f4")
        assert xp.asarray(x) is x
    assert (counted.host_to_device.count, counted.host_to_device.bytes) == (3, 3 * 24)
    assert counted.hidden_transfers == counted.synchronisations == counted.device_to_host.count == 0


def test_get_and_set_insist_on_the_shape_and_type(x, h):
    np.testing.assert_array_equal(x.get(out=np.empty_like(h)), h)
    for out in (np.empty_like(h, "f8"), np.empty(6, "f4")):
        pytest.raises((TypeError, ValueError), x.get, out=out)
        pytest.raises((TypeError, ValueError), x.set, out)
    pytest.raises(TypeError, x.set, h.tolist())


def test_the_truth_of_several_elements_is_ambiguous(x):
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x)


def test_elementwise_functions_and_reductions_are_one_launch_each(launches_of, x):
    assert launches_of(xp.exp, x) == [("exp", 24, 24)]
    assert launches_of(operator.mul, x, x) == [("multiply", 24, 24)]  # read once, as it is the same
    assert launches_of(operator.iadd, x, 1.0) == [("add", 24, 24)]
    assert launches_of(operator.gt, x, 0) == [("greater", 24, 6)]
    assert launches_of(x.sum, axis=0) == [("sum", 24, 12)]
    assert launches_of(xp.where, x > 0, x, 0.0) == [("where", 30, 24)]


def test_a_broadcast_operand_is_read_as_often_as_it_lies_in_memory(launches_of, x):
    assert launches_of(operator.add, xp.broadcast_to(x[0], (1000, 3)), 1.0) == [("add", 12, 12_000)]
    assert launches_of(operator.add, x, x[:, :1]) == [("add", 24 + 8, 24)]


def test_views_and_uninitialised_arrays_launch_nothing(launches_of, x):
    for look in (
        lambda: x.T, lambda: x[:, 1:], lambda: x.reshape(3, 2), lambda: x[None], lambda: xp.split(x, 2),
        lambda: xp.empty(3), lambda: xp.empty_like(x), lambda: xp.broadcast_to(x, (5, 2, 3)), lambda: x.swapaxes(0, 1),
        lambda: xp.ascontiguousarray(x), lambda: xp.squeeze(x[:1]), lambda: x.astype("f4", copy=False),
        lambda: x[:0] + 1,
    ):  # fmt: skip
        assert launches_of(look) == []


def test_what_moves_memory_is_a_launch(launches_of, x):
    assert launches_of(xp.zeros, 3, "f4") == [("memset", 0, 12)]
    assert launches_of(xp.full, 3, 0.5, "f4") == [("fill", 0, 12)]
    assert launches_of(operator.setitem, x, (slice(None), 0), 0.0) == [("fill", 0, 8)]
    assert launches_of(operator.setitem, x, 0, x[1]) == [("copy", 12, 12)]
    assert launches_of(operator.setitem, x, 0, x[0]) == []  # to itself, as x[0] += 1 ends
    assert launches_of(x.astype, "f8") == [("astype", 24, 48)]
    assert launches_of(xp.ascontiguousarray, x.T) == [("copy", 24, 24)]
    assert launches_of(x.T.reshape, -1) == [("reshape", 24, 24)]
    assert launches_of(xp.concatenate, [x, x[:1]]) == [("copy", 24, 24), ("copy", 12, 12)]
    assert launches_of(x.get) == []
    assert launches_of(x.T.get) == [("copy", 24, 24)]


def test_index_arrays_cost_what_they_cost_in_cupy(launches_of, x):
    rows, columns = xp.asarray([1, 0]), xp.asarray([2, 2])
    assert launches_of(lambda: x[rows]) == [("take", 24 + 16, 24)]
    combined = [("memset", 0, 16), ("combine_indices", 32, 16), ("combine_indices", 32, 16)]
    assert launches_of(lambda: x[rows, columns]) == [*combined, ("take", 8 + 32, 8)]
    assert launches_of(operator.setitem, x, (rows, columns), 1.0) == [("fill", 0, 4), *combined, ("scatter", 36, 8)]
    assert [name for name, *_ in launches_of(lambda: x[x > 1])] == ["greater", "scan_mask", "take"]


def test_products_are_one_launch_if_cublas_can_read_their_operands(launches_of, x):
    stack = xp.ones((4, 2, 3), "f4")
    assert launches_of(operator.matmul, x.T, x) == [("matmul", 24 + 24, 36)]
    assert launches_of(operator.matmul, stack, xp.ones((4, 3, 2), "f4")) == [("matmul", 96 + 96, 64)]
    assert launches_of(xp.matmul, x.T, x, out=xp.empty((3, 3), "f4")) == [("matmul", 48, 36)]


def test_products_are_more_launches_if_something_has_to_be_copied_first(launches_of, x):
    stack = xp.ones((4, 2, 3), "f4")
    assert launches_of(operator.matmul, stack, stack.swapaxes(1, 2)) == [("copy", 96, 96), ("matmul", 192, 64)]
    assert launches_of(operator.matmul, x[:, :2], x) == [("copy", 16, 16), ("matmul", 16 + 24, 24)]
    pointers = [("matrix_pointers", 0, 32)] * 3
    assert launches_of(operator.matmul, stack, x.T.copy()) == [*pointers, ("matmul", 96 + 24, 64)]
    out = xp.empty((4, 2, 2), "f4").swapaxes(1, 2)
    launches = launches_of(xp.matmul, stack, stack.swapaxes(1, 2), out=out)
    assert [name for name, *_ in launches] == ["copy", "matmul", "copy"]
    assert [name for name, *_ in launches_of(xp.vdot, x, x)] == ["multiply", "sum"]


def test_an_operand_that_overlaps_the_output_is_copied_first(launches_of, x):
    assert launches_of(xp.exp, x, out=x) == [("exp", 24, 24)]
    assert [name for name, *_ in launches_of(xp.exp, x[:, 1:], out=x[:, :2])] == ["copy", "exp"]


def test_a_launch_names_the_function_that_asked_for_it(x):
    with xp.count() as counted:
        xp.exp(x)
        linear_forward(x, xp.ones((3, 3), "f4"), xp.ones(3, "f4"))
    assert counted.launches[0].asked_by is None
    assert {launch.asked_by for launch in counted.launches[-2:]} == {"minidit.layers.linear.linear_forward"}


def test_counts_can_be_nested_and_end_with_their_block(x):
    with xp.count() as outer:
        with xp.count() as inner:
            xp.exp(x)
        xp.exp(x)
    xp.exp(x)
    assert len(inner.launches) == 1 and len(outer.launches) == 2
