import copy
import operator
import pickle

import numpy as np
import pytest

import minidit.backend.simulated.cupy as xp


@pytest.mark.parametrize("convert", [np.asarray, np.array, lambda x: np.array([x[0, 0], 1.0]), np.ascontiguousarray])
def test_an_array_is_not_converted_to_one_of_the_host_unasked(convert, x):
    with pytest.raises(TypeError, match="Implicit conversion to a NumPy array is not allowed"):
        convert(x)


def test_an_array_lends_its_memory_to_nobody(x):
    with pytest.raises(TypeError, match="bytes-like"):
        memoryview(x)


@pytest.mark.parametrize(
    "mix",
    [
        lambda x, h: x + h,
        lambda x, h: h + x,
        lambda x, h: x @ h.T,
        lambda x, h: x < h,
        lambda x, h: x == h,
        lambda x, h: operator.iadd(x, h),
        lambda x, h: operator.iadd(h, x),
        lambda x, h: np.array(2.0) * x,
        lambda x, h: np.add(x, h),
        lambda x, h: xp.maximum(x, h),
        lambda x, h: xp.exp(x, out=h),
        lambda x, h: np.exp(x, out=h),
        lambda x, h: xp.sum(x, out=h[0]),
        lambda x, h: xp.where(x > 0, x, h),
        lambda x, h: xp.where(h > 0, x, x),
        lambda x, h: xp.concatenate([x, h]),
        lambda x, h: np.concatenate([h, x]),
        lambda x, h: xp.matmul(x, x.T, out=h),
        lambda x, h: xp.vdot(x, h),
        lambda x, h: x.clip(h),
        lambda x, h: xp.sum(h),
        lambda x, h: xp.ascontiguousarray(h),
        lambda x, h: xp.zeros_like(h),
        lambda x, h: operator.setitem(h, 0, x[0]),
    ],
)
def test_arrays_of_host_and_device_do_not_mix(mix, x, h):
    with pytest.raises(TypeError):
        mix(x, h)


@pytest.mark.parametrize(
    "mix",
    [
        lambda x, numbers: x + numbers,
        lambda x, numbers: xp.add(x, numbers),
        lambda x, numbers: operator.iadd(x, numbers),
        lambda x, numbers: xp.sum(numbers),
        lambda x, numbers: xp.dot(x, numbers),
        lambda x, numbers: xp.tensordot(x, numbers, 1),
        lambda x, numbers: xp.stack([x[0], numbers]),
    ],
)
def test_lists_do_not_stand_for_arrays(mix, x):
    with pytest.raises(TypeError):
        mix(x, [1.0, 2.0, 3.0])


def test_an_output_is_an_array_of_the_device(x, h):
    for call in (xp.exp, xp.sum, xp.abs):
        with pytest.raises(TypeError, match="Output arguments type must be cupy.ndarray"):
            call(x, out=h)


@pytest.mark.parametrize(
    "assign",
    [
        lambda x, h: operator.setitem(x, ..., h),
        lambda x, h: operator.setitem(x, 0, h[0]),
        lambda x, h: operator.setitem(x, (slice(None), 0), [1.0, 2.0]),
        lambda x, h: x.fill(h),
        lambda x, h: xp.full(3, h[0]),
        lambda x, h: xp.copyto(x, h),
    ],
)
def test_an_array_of_the_host_is_not_assigned_to_a_part_of_one_of_the_device(assign, x, h):
    with pytest.raises(ValueError, match="non-scalar numpy.ndarray cannot be used for fill"):
        assign(x, h)


@pytest.mark.parametrize(("number", "dtype"), [(2, "f4"), (2.0, "f4"), (np.float32(2), "f4"), (np.float64(2), "f8")])
def test_numbers_of_the_host_mix_and_only_numpys_promote(number, dtype, x, h):
    for found in (x * number, number * x, xp.multiply(x, number), np.multiply(number, x)):
        assert isinstance(found, xp.ndarray)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found.get(), 2 * h)


def test_a_single_element_of_the_device_promotes_as_an_array_does(x):
    assert (x * xp.asarray(2.0)).dtype == np.float64


def test_an_array_is_no_index_of_a_list_and_no_end_of_a_range():
    two = xp.asarray(2)
    for use in (range, [1, 2, 3].__getitem__, np.zeros):
        with pytest.raises(TypeError):
            use(two)


def test_numpys_functions_on_arrays_of_the_device_are_cupys(x, h):
    for found, expected in [
        (np.sqrt(x), np.sqrt(h)),
        (np.sum(x, axis=0), h.sum(axis=0)),
        (np.zeros_like(x), np.zeros_like(h)),
        (np.linalg.norm(x), np.linalg.norm(h)),
        (np.where(x > 1, x, 0.0), np.where(h > 1, h, 0.0)),
    ]:
        assert isinstance(found, xp.ndarray)
        np.testing.assert_array_equal(found.get(), expected)
    assert np.ndim(x) == 2 and np.shape(x) == (2, 3)
    with pytest.raises(TypeError):
        np.vecdot(x, x)


@pytest.mark.parametrize("name", ["vecdot", "exp3", "memmap", "ndenumerate"])
def test_a_name_that_cupy_lacks_is_missing(name):
    with pytest.raises(AttributeError, match=name):
        getattr(xp, name)


def test_no_attribute_of_numpys_arrays_that_cupy_lacks_is_there(x):
    for owner, name in [(x, "ctypes"), (x, "setflags"), (x, "resize"), (x.flags, "writeable"), (xp.random, "normal")]:
        assert not hasattr(owner, name)
    assert not hasattr(xp.random.default_rng(0), "normal")


@pytest.mark.parametrize(
    "call",
    [
        lambda x: xp.add(x, x, where=True),
        lambda x: np.add(x, x, where=True),
        lambda x: xp.exp(x, order="K"),
        lambda x: xp.sum(x, where=True),
        lambda x: x.sum(initial=0),
        lambda x: x.max(initial=0),
        lambda x: xp.clip(x, min=0),
        lambda x: np.clip(x, min=0),
        lambda x: x.astype("f8", casting="unsafe"),
        lambda x: xp.empty_like(x, subok=True),
        lambda x: xp.add(x),
    ],
)
def test_arguments_that_cupy_does_not_take_are_refused(call, x):
    with pytest.raises(TypeError):
        call(x)


def test_ufuncs_have_the_methods_that_cupys_have(x, h):
    np.testing.assert_array_equal(xp.add.reduce(x, axis=1).get(), h.sum(axis=1))
    np.testing.assert_array_equal(xp.add.accumulate(x).get(), h.cumsum(axis=0))
    for missing in (xp.maximum.reduce, xp.maximum.accumulate, np.maximum.reduce):
        with pytest.raises(NotImplementedError):
            missing(x)


@pytest.mark.parametrize("dtype", ["i4", "i8", "u4", "u8", "f2", "f4", "f8"])
def test_add_at_adds_what_is_named_twice_twice(dtype):
    sums = xp.zeros(3, dtype)
    xp.add.at(sums, xp.asarray([0, 2, 0]), xp.asarray([1, 2, 3], dtype))
    assert sums.tolist() == [4, 0, 2]


@pytest.mark.parametrize("dtype", ["?", "i1", "i2", "u1", "c8"])
def test_add_at_takes_no_type_without_an_atomic_addition(dtype):
    with pytest.raises(TypeError, match="add.at supports"):
        xp.add.at(xp.zeros(3, dtype), xp.asarray([0, 0]), 1)
    with pytest.raises(NotImplementedError):
        xp.multiply.at(xp.ones(3), xp.asarray([0, 0]), 2.0)


def test_matmul_in_place_makes_a_new_array(x):
    square = before = x.T @ x
    square @= square
    assert square is not before
    assert not hasattr(xp.ndarray, "__imatmul__")


@pytest.mark.parametrize("dtype", [object, "f16", "U3", "M8[s]", ">f4"])
def test_there_are_no_arrays_of_types_that_cupy_lacks(dtype):
    with pytest.raises(ValueError, match="Unsupported dtype"):
        xp.empty(3, dtype)
    with pytest.raises(ValueError, match="Unsupported dtype"):
        xp.asarray(np.zeros(3, dtype))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c8"])
def test_memory_that_nobody_wrote_to_is_no_number(dtype, x):
    for fresh in (xp.empty(3, dtype), xp.empty_like(x, dtype), xp.ndarray((2,), dtype)):
        assert np.isnan(fresh.get()).all()


@pytest.mark.parametrize("dtype", ["i1", "u1", "i4", "i8", "u8"])
def test_whole_numbers_that_nobody_wrote_are_large(dtype):
    assert (xp.empty(3, dtype).get() > np.iinfo(dtype).max // 2).all()


def test_new_arrays_lie_row_by_row_whatever_they_are_made_of(x):
    column_by_column = x.T
    for made in (
        column_by_column + 1,
        xp.exp(column_by_column),
        column_by_column @ x,
        xp.concatenate([column_by_column] * 2),
        column_by_column.copy(),
        column_by_column[xp.asarray([0])],
        xp.where(column_by_column > 0, column_by_column, 0.0),
    ):
        assert made.flags.c_contiguous
    assert column_by_column.astype("f8").flags.f_contiguous
    assert xp.empty_like(column_by_column).flags.f_contiguous


def test_the_pool_knows_what_is_alive(x):
    pool = xp.get_default_memory_pool()
    before = pool.used_bytes()
    large = xp.empty((1000, 1000), "f4")
    part = large[0]
    assert pool.used_bytes() - before == 4_000_256  # whole multiples of 512
    del large
    assert pool.used_bytes() - before == 4_000_256  # a view keeps its memory
    del part
    assert pool.used_bytes() == before
    assert pool.total_bytes() >= before + 4_000_256
    pool.free_all_blocks()
    assert pool.total_bytes() == before


def test_copies_share_no_memory_and_views_do(x):
    for made in (copy.copy(x), copy.deepcopy(x), x.copy(), xp.array(x), pickle.loads(pickle.dumps(x)), x.astype("f4")):
        assert made.data.ptr != x.data.ptr
    views = x[...], x.T, x.reshape(-1), x.view(), x.ravel(), x.astype("f4", copy=False), xp.broadcast_to(x, (4, 2, 3))
    for same in views:
        assert same.data.ptr == x.data.ptr
        assert same is x or not same.flags.owndata


def test_a_shape_can_be_set_if_nothing_has_to_move(x):
    x.shape = (3, 2)
    assert x.tolist() == [[0, 1], [2, 3], [4, 5]]
    transposed = x.T
    with pytest.raises(AttributeError):
        transposed.shape = (6,)


OPERATIONS = {
    "add": lambda lib, a, b: a + b[:, None],
    "in place": lambda lib, a, b: operator.imul(a - 1, 2.0),
    "divide": lambda lib, a, b: 1 / (1 + a * a),
    "powers": lambda lib, a, b: (a**2, abs(a) ** 0.5, (a + 9) ** -1.0, (a * a) ** 1.5),
    "compare": lambda lib, a, b: (a > 0, a <= b[:, None], a == a, a != 0, ~(a > 0)),
    "exponentials": lambda lib, a, b: (lib.exp(a), lib.log(a * a + 1), lib.expm1(a), lib.log1p(a * a), lib.tanh(a)),
    "angles": lambda lib, a, b: (lib.cos(a), lib.sin(a), lib.tan(a)),
    "sqrt": lambda lib, a, b: lib.sqrt(a * a + 1),
    "maximum": lambda lib, a, b: (lib.maximum(a, 0), lib.maximum(a, b[:, None])),
    "clip": lambda lib, a, b: (lib.clip(a, -0.5, 0.5), a.clip(0.0)),
    "where": lambda lib, a, b: (lib.where(a > 0, a, 0.2 * a), lib.where(a > 0, 0.0, -lib.inf)),
    "sums": lambda lib, a, b: (a.sum(), a.sum(axis=-1), a.sum(axis=(0, 1), keepdims=True), a.mean(axis=0), a.var()),
    "extremes": lambda lib, a, b: (a.max(axis=-2, keepdims=True), a.min(), a.argmax(axis=-1)),
    "truth": lambda lib, a, b: ((a > 0).all(), (a > 0).any(axis=0), lib.isfinite(a)),
    "matmul": lambda lib, a, b: (a @ b.T, a.swapaxes(-1, -2) @ a, lib.matmul(b, b.T)),
    "matmul of vectors": lambda lib, a, b: (a @ b[0], b @ b[0], b[0] @ b.T, b[:, 0] @ a, b[0] @ b[1]),
    "matmul out": lambda lib, a, b: lib.matmul(a, b.T, out=lib.empty((4, 3, 3), a.dtype)),
    "dots": lambda lib, a, b: (lib.vdot(a, a), lib.dot(b, b.T), b.dot(b[0])),
    "concatenate": lambda lib, a, b: (lib.concatenate([a, a], axis=-1), lib.stack([b, b]), *lib.split(a, 2)),
    "shapes": lambda lib, a, b: (a.reshape(4, -1), a.transpose(2, 0, 1).reshape(-1, 4), lib.moveaxis(a, 0, -1)),
    "broadcast": lambda lib, a, b: lib.broadcast_to(b, a.shape) + 1,
    "full": lambda lib, a, b: (lib.full(3, 0.5, a.dtype), lib.ones_like(a), lib.zeros((2, 2), a.dtype)),
    "arange": lambda lib, a, b: (lib.arange(5), lib.arange(3, dtype=lib.float64) * -0.5, lib.arange(1.0, 2.0, 0.25)),
    "astype": lambda lib, a, b: (a.astype(lib.float64), (a * 10).astype(lib.int64), (a > 0).astype(a.dtype)),
    "float16": lambda lib, a, b: a.astype(lib.float16) + 1,
    "counts": lambda lib, a, b: ((a > 0).sum(), (a > 0).mean(axis=0), lib.argsort(a.reshape(-1))),
    "eigenvalues": lambda lib, a, b: (lib.linalg.norm(b), lib.linalg.eigvalsh(b @ b.T)),
}


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_numbers_types_and_shapes_are_numpys(operation, dtype, rng):
    # Whole multiples of 1 / fine, of so few bits that products and their sums are exact: the double multiplies arrays
    # that lie otherwise in memory than NumPy's, and in which order a BLAS adds depends on that and on the CPU.
    fine = 2**8 if dtype == "f4" else 2**20
    a, b = (np.round(fine * rng.standard_normal(shape)).astype(dtype) / fine for shape in ((4, 3, 5), (3, 5)))
    if operation in (OPERATIONS["add"], OPERATIONS["compare"], OPERATIONS["maximum"]):
        a = a[:, :, None, :]
    expected = operation(np, a, b)
    with xp.allow_synchronize(False):
        found = operation(xp, xp.asarray(a), xp.asarray(b))
    if not isinstance(expected, tuple):
        expected, found = [expected], [found]
    assert len(found) == len(expected)
    for got, right in zip(found, expected, strict=True):
        assert isinstance(got, xp.ndarray)
        assert got.dtype == right.dtype
        assert got.shape == right.shape
        np.testing.assert_array_equal(got.get(), right)


def test_a_gpu_has_no_warnings_about_numbers():
    with np.errstate(all="raise"):
        zero = xp.zeros(1, "f4")
        assert np.isinf((1 / zero).get()).all() and np.isnan((zero / zero).get()).all()


def test_the_generator_draws_other_numbers_than_numpys():
    drawn = xp.random.default_rng(0).standard_normal((2, 3), dtype=np.float32)
    assert drawn.dtype == np.float32 and drawn.shape == (2, 3)
    assert drawn.tolist() == xp.random.default_rng(0).standard_normal((2, 3), dtype=np.float32).tolist()
    assert drawn.tolist() != np.random.default_rng(0).standard_normal((2, 3), dtype=np.float32).tolist()
