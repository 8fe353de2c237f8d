import numpy as np
import pytest

from minidit.gradient_check import check_gradients
from minidit.layers import layernorm_backward, layernorm_forward


@pytest.mark.parametrize("shape", [(5,), (2, 5), (2, 3, 5)])
def test_gradients_with_any_leading_shape(rng, shape):
    check_gradients(layernorm_forward, layernorm_backward, 1 + 2 * rng.normal(size=shape))


def test_gradients_where_eps_counts(rng):
    check_gradients(layernorm_forward, layernorm_backward, rng.normal(size=(2, 5)), 0.5)


def test_every_row_has_mean_zero_and_variance_one(rng):
    xhat, _ = layernorm_forward(7 + 3 * rng.normal(size=(2, 3, 50)))
    np.testing.assert_allclose(xhat.mean(axis=-1), 0, atol=1e-12)
    np.testing.assert_allclose(xhat.var(axis=-1), 1, rtol=1e-5)


def test_a_row_worked_out_by_hand():
    # mean 3, deviations -2, 0, 0, 2, variance 2
    xhat, _ = layernorm_forward(np.array([1.0, 3.0, 3.0, 5.0]), eps=0.0)
    np.testing.assert_allclose(xhat, [-np.sqrt(2), 0, 0, np.sqrt(2)])


def test_eps_is_added_to_the_variance_and_is_a_millionth_by_default():
    x = np.array([1.0, 3.0, 3.0, 5.0]) / 1000  # variance 2e-6
    np.testing.assert_allclose(layernorm_forward(x)[0], [-2 / np.sqrt(3), 0, 0, 2 / np.sqrt(3)], atol=1e-12)


def test_a_constant_row_becomes_zero():
    xhat, cache = layernorm_forward(np.full((2, 5), 4.0))
    assert not xhat.any()
    assert np.isfinite(layernorm_backward(np.ones((2, 5)), cache)).all()


def test_a_large_offset_does_not_drown_the_differences_in_float32():
    x = np.array([1, 3, 3, 5], np.float32)
    np.testing.assert_allclose(layernorm_forward(x + 1000)[0], layernorm_forward(x)[0], rtol=1e-4)


def test_float32_stays_float32(rng, run_float32):
    run_float32(layernorm_forward, layernorm_backward, rng.normal(size=(2, 3, 5)))
