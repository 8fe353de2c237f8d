import numpy as np
import pytest

from minidit.backend.device import choose_device
from minidit.gradient_check import GradientMismatch, check_gradients
from minidit.layers import (
    modulate_forward,
    rmsnorm_backward,
    rmsnorm_forward,
    rmsnorm_modulate_backward,
    rmsnorm_modulate_forward,
)


@pytest.mark.parametrize("shape", [(5,), (2, 5), (2, 3, 5)])
def test_gradients_with_any_leading_shape(rng, shape):
    check_gradients(rmsnorm_forward, rmsnorm_backward, 1 + 2 * rng.normal(size=shape))


@pytest.mark.parametrize("leading", [(), (2,), (2, 4)])
def test_gradients_of_the_modulated_norm(rng, leading):
    x, shift, scale = (rng.normal(size=(*leading, *shape)) for shape in [(3, 5), (5,), (5,)])
    check_gradients(rmsnorm_modulate_forward, rmsnorm_modulate_backward, x, shift, scale)


def test_gradients_where_eps_counts(rng):
    check_gradients(rmsnorm_forward, rmsnorm_backward, rng.normal(size=(2, 5)), 0.5)


def root_mean_square_ignored(dxhat, cache):
    _, rrms = cache
    return dxhat * rrms


def mean_for_sum(dxhat, cache):
    xhat, rrms = cache
    return rrms * (dxhat - xhat * (dxhat * xhat).sum(axis=-1, keepdims=True))


def mean_subtracted_as_in_a_layer_norm(dxhat, cache):
    return rmsnorm_backward(dxhat - dxhat.mean(axis=-1, keepdims=True), cache)


@pytest.mark.parametrize("slip", [root_mean_square_ignored, mean_for_sum, mean_subtracted_as_in_a_layer_norm])
def test_the_check_catches(rng, slip):
    with pytest.raises(GradientMismatch, match="dx is wrong"):
        check_gradients(rmsnorm_forward, slip, rng.normal(size=(2, 5)))


def test_every_row_has_mean_square_one_and_keeps_its_direction(rng):
    x = 7 + 3 * rng.normal(size=(2, 3, 50))
    xhat, _ = rmsnorm_forward(x)
    np.testing.assert_allclose((xhat**2).mean(axis=-1), 1, rtol=1e-6)
    np.testing.assert_allclose(xhat / x, np.broadcast_to((xhat / x)[..., :1], x.shape), rtol=1e-12)


def test_eps_is_added_to_the_mean_square_and_is_a_millionth_by_default():
    x = np.array([1.0, 1.0, -1.0, 1.0]) / 1000  # mean square 1e-6
    np.testing.assert_allclose(rmsnorm_forward(x)[0], np.array([1, 1, -1, 1]) / np.sqrt(2))


def test_a_row_of_zeros_stays_zero():
    xhat, cache = rmsnorm_forward(np.zeros((2, 5)))
    assert not xhat.any()
    assert np.isfinite(rmsnorm_backward(np.ones((2, 5)), cache)).all()


def test_the_modulated_norm_is_its_parts_one_after_the_other(rng):
    x, shift, scale = (rng.normal(size=shape) for shape in [(2, 3, 5), (2, 5), (2, 5)])
    expected, _ = modulate_forward(rmsnorm_forward(x)[0], shift, scale)
    assert np.array_equal(rmsnorm_modulate_forward(x, shift, scale)[0], expected)


def test_float32_stays_float32(rng, run_float32):
    run_float32(rmsnorm_forward, rmsnorm_backward, rng.normal(size=(2, 3, 5)))
    vector = rng.normal(size=(2, 5))
    run_float32(rmsnorm_modulate_forward, rmsnorm_modulate_backward, rng.normal(size=(2, 3, 5)), vector, vector.copy())


def test_on_another_device_it_is_the_same(rng):
    xp = choose_device("simulated")
    x, dy = rng.normal(size=(2, 2, 3, 5)).astype(np.float32)
    y, cache = rmsnorm_forward(x)
    there, cache_there = rmsnorm_forward(xp.asarray(x))
    np.testing.assert_allclose(there.get(), y, rtol=1e-5, atol=1e-6)
    dx_there = rmsnorm_backward(xp.asarray(dy), cache_there)
    np.testing.assert_allclose(dx_there.get(), rmsnorm_backward(dy, cache), rtol=1e-4, atol=1e-5)
