import numpy as np
import pytest

import minidit.backend.simulated.cupy as xp

TWICE = """
extern "C" __global__ void twice(const float* __restrict__ x, float* sum, float* __restrict__ y, int count) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) {
        y[i] = 2.0f * x[i];
        sum[i] += x[i];
    }
}
"""


def test_a_kernel_runs_and_its_parameters_tell_what_it_moves(launches_of, x, h):
    total, y = xp.ones(6, "f4"), xp.empty((2, 3), "f4")
    kernel = xp.RawModule(code=TWICE, options=("--std=c++17",)).get_function("twice")
    assert launches_of(kernel, (1,), (32,), (x, total, y, np.int32(6))) == [("twice", 48, 48)]
    np.testing.assert_array_equal(y.get(), 2 * h)
    np.testing.assert_array_equal(total.get(), 1 + h.ravel())


def test_of_a_view_the_elements_that_it_views_count(launches_of):
    column, one = xp.ones((6, 4), "f4")[:, 0], xp.broadcast_to(xp.ones(1, "f4"), 6)
    with xp.kernels_left_out():
        kernel = xp.RawKernel(TWICE, "twice")
        found = launches_of(kernel, (1,), (32,), (one, column, column.copy(), np.int32(6)))
    assert found == [("twice", 4 + 24, 24 + 24)]


def test_kernels_that_are_left_out_are_counted_but_neither_compiled_nor_run(launches_of, x, monkeypatch):
    monkeypatch.setattr("subprocess.run", None)
    y = xp.empty((2, 3), "f4")
    code = TWICE.replace("twice", "never_compiled")
    with xp.kernels_left_out():
        kernel = xp.RawModule(code=code).get_function("never_compiled")
        assert len(launches_of(kernel, (1,), (32,), (x, x.copy(), y, np.int32(6)))) == 1
    assert np.isnan(y.get()).all()


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (lambda x: (x, x.copy(), x.copy(), 6), "can't be <class 'int'>"),
        (lambda x: (x.get(), x.copy(), x.copy(), np.int32(6)), "can't be <class 'numpy.ndarray'>"),
        (lambda x: (x, x.copy(), x.copy()), "takes 4 arguments, not 3"),
        (lambda x: (x, x.copy(), x, np.int32(6)), "passed to it twice"),
        (lambda x: (x, x.copy(), x.ravel()[:5], np.int32(5)), "passed to it twice"),
        (lambda x: (x, x[:1], x.copy(), np.int32(3)), "passed to it twice"),
    ],
)
def test_a_kernel_is_not_launched_with_arguments_that_it_would_misread(args, error, x):
    with xp.kernels_left_out(), pytest.raises((TypeError, ValueError), match=error):
        xp.RawKernel(TWICE, "twice")((1,), (32,), args(x))


def test_a_kernel_that_is_not_in_the_text_is_missing():
    with pytest.raises(RuntimeError, match="named symbol not found"):
        xp.RawModule(code=TWICE).get_function("thrice")


def test_sizes_and_options_are_tuples(x):
    with pytest.raises(TypeError, match="tuple"):
        xp.RawModule(code=TWICE, options=["--std=c++17"])
    with pytest.raises(TypeError, match="tuple"):
        xp.RawKernel(TWICE, "twice")(1, 32, (x, x.copy(), x.copy(), np.int32(6)))
