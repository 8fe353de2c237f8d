import os
import subprocess
import sys

import numpy as np
import pytest

from minidit.backend import to_host
from minidit.backend.kernels import launch as launching
from minidit.backend.kernels.launch import compiled, first_array, launch, number, on_gpu, plain_kernels, pointer, three
from minidit.layers import mse_backward, mse_forward, softmax_backward, softmax_forward

SCALE = """
#ifndef FACTOR
#define FACTOR 1.0f
#endif
extern "C" __global__ void scale(
    const float* __restrict__ x, const float* __restrict__ bias, float* total, float* __restrict__ y,
    int count, int distance, float factor) {
    extern __shared__ float held[];
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    held[threadIdx.x] = i < count ? x[i * distance] : 0.0f;
    if (i < count) {
        y[i] = FACTOR * factor * held[threadIdx.x] + (bias ? bias[i] : 0.0f);
        total[i] += y[i];
    }
}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of kernels of its own."""
    folder = tmp_path_factory.mktemp("kernels")
    (folder / "scale.cu").write_text(SCALE, encoding="utf-8")
    return folder


@pytest.fixture
def scale(folder, monkeypatch, xp):
    """scale(x, bias, total, y, …) launches the kernel above."""
    monkeypatch.setattr(launching, "FOLDER", folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    compiled.cache_clear()

    def run(x, bias, total, y, count=None, distance=1, factor=2.0, threads=32, **options):
        count = y.size if count is None else count
        launch(
            "scale.cu", "scale", -(-count // threads), threads, reads=(x, bias), updates=(total,), writes=(y,),
            numbers=(count, distance, factor), shared_bytes=4 * threads, **options,
        )  # fmt: skip

    yield run
    compiled.cache_clear()


@pytest.fixture
def arrays(xp):
    """x, bias, total and y of 40 numbers."""
    x, bias = np.arange(40, dtype=np.float32), np.full(40, 0.5, np.float32)
    return xp.asarray(x), xp.asarray(bias), xp.ones(40, np.float32), xp.empty(40, np.float32)


# ---- the launch


def test_a_kernel_gets_its_arrays_and_numbers_in_the_order_that_is_promised(scale, arrays):
    x, bias, total, y = arrays
    with pytest.raises(TypeError, match="takes np.float32, not np.int32"):
        scale(x, bias, total, y, factor=3)  # whole numbers go as int
    scale(x, bias, total, y, factor=3.0)
    np.testing.assert_array_equal(y.get(), 3 * np.arange(40) + 0.5)
    np.testing.assert_array_equal(total.get(), 1 + 3 * np.arange(40) + 0.5)


def test_none_is_a_null_pointer(scale, arrays):
    x, _, total, y = arrays
    scale(x, None, total, y)
    np.testing.assert_array_equal(y.get(), 2 * np.arange(40))


def test_constants_are_compiled_in(scale, arrays):
    x, _, total, y = arrays
    for factor in (1, 5):
        scale(x, None, total, y, defines={"FACTOR": f"{factor}.0f"})
        np.testing.assert_array_equal(y.get(), 2 * factor * np.arange(40))


def test_a_file_is_compiled_once_for_the_same_constants(scale, arrays, xp, monkeypatch):
    made, module = [], xp.RawModule

    def noting(**options):
        made.append(options["options"])
        return module(**options)

    monkeypatch.setattr(xp, "RawModule", noting)
    x, _, total, y = arrays
    for defines in (None, {"FACTOR": 2}, {}, {"FACTOR": 2}):
        scale(x, None, total, y, defines=defines)
    assert [[option for option in options if option.startswith("-D")] for options in made] == [[], ["-DFACTOR=2"]]
    assert all(f"-I{launching.FOLDER}" in options and "--std=c++17" in options for options in made)


def test_an_array_that_is_not_contiguous_is_taken_only_if_its_strides_are_passed_on(scale, arrays, xp):
    _, _, total, y = arrays
    every_other = xp.arange(80, dtype=np.float32)[::2]
    with pytest.raises(ValueError, match=r"scale takes contiguous arrays; one of shape \(40,\) has strides \(8,\)"):
        scale(every_other, None, total, y)
    scale(every_other, None, total, y, distance=2, strided=(every_other,))
    np.testing.assert_array_equal(y.get(), 4 * np.arange(40))


@pytest.mark.parametrize("dtype", ["float64", "int32", "float16"])
def test_arrays_of_other_types_are_refused(dtype, scale, arrays, xp):
    _, _, total, y = arrays
    with pytest.raises(ValueError, match=f"scale takes arrays of float32, int64, bool, not {dtype}"):
        scale(xp.ones(40, dtype), None, total, y)


def test_nobody_waits_for_a_kernel(scale, arrays, xp):
    x, bias, total, y = arrays
    scale(x, bias, total, y)
    with xp.allow_synchronize(False), xp.count() as count:
        scale(x, bias, total, y)
    ((name, read, written, _),) = count.launches
    assert (name, read, written) == ("scale", 3 * 160, 2 * 160)
    assert count.host_to_device.count == count.device_to_host.count == 0


def test_numbers_and_sizes_are_as_a_kernel_takes_them(arrays):
    for value, dtype in ((3, np.int32), (np.int64(3), np.int32), (3.0, np.float32), (np.float64(3), np.float32)):
        assert type(number(value)) is dtype and number(value) == 3
    assert type(pointer(None)) is np.uintp and pointer(None) == 0
    assert pointer(arrays[0]) is arrays[0]
    assert [three(sizes) for sizes in (7, (7,), (7, 8), [7, 8, 9])] == [(7, 1, 1), (7, 1, 1), (7, 8, 1), (7, 8, 9)]


# ---- when a layer meets its kernel


@pytest.fixture
def op(monkeypatch):
    """A function that says which of two does the work: itself, or the launcher of the same name."""
    from minidit.backend.kernels import softmax

    @on_gpu("softmax")
    def an_operation(x, *others, **options):
        return "plain", others, options

    def launcher(x, *others, **options):
        return "kernel", others, options

    monkeypatch.setattr(softmax, "an_operation", launcher, raising=False)
    return an_operation


def test_float32_arrays_of_a_gpu_go_to_the_kernel_and_no_others(op, xp):
    x = np.ones(3, np.float32)
    assert op(xp.asarray(x), 1, key=2) == ("kernel", (1,), {"key": 2})
    for other in (x, x.astype(float), np.float32(1), xp.ones(3, np.float64), xp.ones(3, np.int64)):
        assert op(other, 1, key=2) == ("plain", (1,), {"key": 2})


def test_the_first_array_decides_also_inside_a_cache(op, xp):
    there, here = xp.ones(3, np.float32), np.ones(3, np.float32)
    assert op((there, here))[0] == op(((there,), 3), here)[0] == "kernel"
    assert op((here, there))[0] == "plain"
    assert first_array((1.0, there, here)) is there
    assert first_array((1.0, (2, "name"), here)) is here


def test_single_numbers_are_no_arrays_whatever_their_type(op, xp):
    for one in (1.0, np.float32(1), np.float64(1)):
        assert op(one, (xp.ones(3, np.float32),))[0] == "kernel"
        assert op(one, (np.ones(3, np.float32),))[0] == "plain"
        assert op(one)[0] == "plain"
    assert first_array((1.0, np.float32(1), "name", ())) is None


@pytest.mark.parametrize("number_type", [float, np.float32, np.float64])
def test_the_gradient_of_a_loss_may_be_of_any_type_of_number_on_either_device(number_type, xp):
    for library in (np, xp):
        x = library.asarray(np.arange(6, dtype=np.float32).reshape(2, 3))
        _, cache = mse_forward(x, 0 * x)
        dx, _ = mse_backward(number_type(0.5), cache)
        assert dx.dtype == np.float32
        np.testing.assert_allclose(to_host(dx), to_host(x) / 6, rtol=1e-6)


def test_the_decorated_function_is_still_itself(op):
    assert op.__name__ == "an_operation"
    assert softmax_forward.__doc__.startswith("Softmax over the last axis")


def test_kernels_can_be_left_out_and_are_back_afterwards(op, xp):
    x = xp.ones(3, np.float32)
    with plain_kernels():
        assert op(x)[0] == "plain"
        with plain_kernels():
            pass
        assert op(x)[0] == "plain"
    assert op(x)[0] == "kernel"
    with pytest.raises(KeyError), plain_kernels():
        raise KeyError
    assert op(x)[0] == "kernel"


def test_with_and_without_kernels_a_layer_gives_the_same_numbers(xp, rng):
    x, dy = (xp.asarray(rng.normal(size=(4, 5)).astype(np.float32)) for _ in range(2))
    y, cache = softmax_forward(x)
    with plain_kernels(), xp.count() as count:
        plain_y, plain_cache = softmax_forward(x)
        plain_dx = softmax_backward(dy, plain_cache)
    assert not any(launched.name.startswith("scaled_softmax") for launched in count.launches)
    np.testing.assert_allclose(y.get(), plain_y.get(), atol=1e-6)
    np.testing.assert_allclose(softmax_backward(dy, cache).get(), plain_dx.get(), atol=1e-6)


@pytest.mark.parametrize(("value", "enabled"), [("plain", "False"), ("", "True"), (None, "True")])
def test_the_environment_can_leave_the_kernels_out(value, enabled):
    environment = {name: text for name, text in os.environ.items() if name != "MINIDIT_KERNELS"}
    environment |= {} if value is None else {"MINIDIT_KERNELS": value}
    code = "from minidit.backend.kernels import launch; print(launch.enabled)"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == enabled, done.stderr
