import numpy as np
import pytest

from minidit import reference
from minidit.gradient_check import check_gradients
from minidit.layers import (
    gated_residual_backward,
    gated_residual_forward,
    modulate_backward,
    modulate_forward,
)


@pytest.mark.parametrize("leading", [(), (2,), (2, 4)])
def test_modulate_gradients_with_any_leading_shape(rng, leading):
    x, shift, scale = (rng.normal(size=(*leading, *s)) for s in [(3, 5), (5,), (5,)])
    check_gradients(modulate_forward, modulate_backward, x, shift, scale)


@pytest.mark.parametrize("leading", [(), (2,), (2, 4)])
def test_gated_residual_gradients_with_any_leading_shape(rng, leading):
    x, h, gate = (rng.normal(size=(*leading, *s)) for s in [(3, 5), (3, 5), (5,)])
    check_gradients(gated_residual_forward, gated_residual_backward, x, h, gate)


def test_they_compute_what_the_reference_computes(rng):
    x, h, shift, scale = *rng.normal(size=(2, 2, 3, 5)), *rng.normal(size=(2, 2, 5))
    expected, _ = reference.modulate_forward(x, shift, scale)
    np.testing.assert_allclose(modulate_forward(x, shift, scale)[0], expected, rtol=1e-12)
    expected, _ = reference.gated_residual_forward(x, h, scale)
    np.testing.assert_allclose(gated_residual_forward(x, h, scale)[0], expected, rtol=1e-12)


def test_zeros_leave_the_tokens_exactly_as_they_are(rng):
    x, h, zero = rng.normal(size=(2, 3, 5)), rng.normal(size=(2, 3, 5)), np.zeros((2, 5))
    np.testing.assert_array_equal(modulate_forward(x, zero, zero)[0], x)
    np.testing.assert_array_equal(gated_residual_forward(x, h, zero)[0], x)


def test_every_token_adds_to_the_gradient_of_its_samples_scale():
    x = np.array([[[1.0], [2.0], [3.0]]])  # one sample of three tokens
    _, cache = modulate_forward(x, np.zeros((1, 1)), np.ones((1, 1)))
    dx, dshift, dscale = modulate_backward(np.ones((1, 3, 1)), cache)
    assert dx.tolist() == [[[2], [2], [2]]] and dshift.tolist() == [[3]] and dscale.tolist() == [[6]]


def test_one_vector_for_several_samples_is_refused(rng):
    x = rng.normal(size=(2, 3, 5))
    with pytest.raises(ValueError, match=r"shift has shape \(5,\).*need \(2, 5\)"):
        modulate_forward(x, np.zeros(5), np.zeros((2, 5)))
    with pytest.raises(ValueError, match=r"gate has shape \(1, 5\)"):
        gated_residual_forward(x, x, np.zeros((1, 5)))


def test_float32_stays_float32(rng, run_float32):
    x, vector = rng.normal(size=(2, 3, 5)), rng.normal(size=(2, 5))
    run_float32(modulate_forward, modulate_backward, x, vector, vector.copy())
    run_float32(gated_residual_forward, gated_residual_backward, x, x.copy(), vector)
