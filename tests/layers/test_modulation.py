import numpy as np
import pytest

from minidit import reference
from minidit.gradient_check import GradientMismatch, check_gradients
from minidit.layers import (
    gated_residual_backward,
    gated_residual_forward,
    modulate_backward,
    modulate_forward,
    select_backward,
    select_forward,
)

PER = pytest.mark.parametrize("vector", [(5,), (3, 5)], ids=["per sample", "per token"])
KNOWN = np.array([[True, False, False], [True, False, True]])  # B = 2, T = 3


@PER
@pytest.mark.parametrize("leading", [(), (2,), (2, 4)])
def test_modulate_gradients_with_any_leading_shape(rng, leading, vector):
    x, shift, scale = (rng.normal(size=(*leading, *s)) for s in [(3, 5), vector, vector])
    check_gradients(modulate_forward, modulate_backward, x, shift, scale)


@PER
@pytest.mark.parametrize("leading", [(), (2,), (2, 4)])
def test_gated_residual_gradients_with_any_leading_shape(rng, leading, vector):
    x, h, gate = (rng.normal(size=(*leading, *s)) for s in [(3, 5), (3, 5), vector])
    check_gradients(gated_residual_forward, gated_residual_backward, x, h, gate)


@pytest.mark.parametrize("index", [0, 1, slice(None)])
def test_gradients_of_the_selection(rng, index):
    known = KNOWN[index]
    two = rng.normal(size=(*known.shape[:-1], 2, 5))
    check_gradients(select_forward, select_backward, two, known)


# Mistakes in the backward


def selection_swapped(dy, cache):
    return select_backward(dy, cache)[..., ::-1, :]


def every_token_counted_for_both(dy, cache):
    return np.repeat(dy.sum(axis=-2, keepdims=True), 2, axis=-2)


@pytest.mark.parametrize("slip", [selection_swapped, every_token_counted_for_both])
def test_the_check_catches_a_wrong_selection(rng, slip):
    with pytest.raises(GradientMismatch, match="dtwo is wrong"):
        check_gradients(select_forward, slip, rng.normal(size=(2, 2, 5)), KNOWN)


def scale_counted_twice(dy, cache):
    dx, dshift, dscale = modulate_backward(dy, cache)
    return dx, dshift, 2 * dscale


def one_plus_forgotten(dy, cache):
    x, gain = cache
    return modulate_backward(dy, (x, gain - 1))


@PER
@pytest.mark.parametrize(("slip", "wrong"), [(scale_counted_twice, "dscale"), (one_plus_forgotten, "dx")])
def test_the_check_catches_a_wrong_modulation(rng, slip, wrong, vector):
    x, shift, scale = (rng.normal(size=(2, *s)) for s in [(3, 5), vector, vector])
    with pytest.raises(GradientMismatch, match=f"{wrong} is wrong"):
        check_gradients(modulate_forward, slip, x, shift, scale)


def gate_and_branch_swapped(dy, cache):
    dx, dh, dgate = gated_residual_backward(dy, cache)
    return dx, dgate, dh


def test_the_check_catches_a_wrong_gate(rng):
    with pytest.raises(GradientMismatch, match="dh is wrong"):
        check_gradients(gated_residual_forward, gate_and_branch_swapped, *rng.normal(size=(3, 2, 3, 5)))


# What is computed


def test_they_compute_what_the_reference_computes(rng):
    x, h, shift, scale = *rng.normal(size=(2, 2, 3, 5)), *rng.normal(size=(2, 2, 5))
    expected, _ = reference.modulate_forward(x, shift, scale)
    np.testing.assert_allclose(modulate_forward(x, shift, scale)[0], expected, rtol=1e-12)
    expected, _ = reference.gated_residual_forward(x, h, scale)
    np.testing.assert_allclose(gated_residual_forward(x, h, scale)[0], expected, rtol=1e-12)


def test_the_same_vector_for_every_token_is_the_modulation_of_the_sample(rng):
    x, h = rng.normal(size=(2, 2, 3, 5))
    shift, scale = rng.normal(size=(2, 2, 5))
    every = [np.repeat(vector[:, None], 3, axis=1) for vector in (shift, scale)]
    np.testing.assert_array_equal(modulate_forward(x, *every)[0], modulate_forward(x, shift, scale)[0])
    np.testing.assert_array_equal(gated_residual_forward(x, h, every[0])[0], gated_residual_forward(x, h, shift)[0])


def test_each_token_gets_the_vector_that_it_selects(rng):
    two = rng.normal(size=(2, 2, 5))
    y, _ = select_forward(two, KNOWN)
    for b, t in np.ndindex(2, 3):
        np.testing.assert_array_equal(y[b, t], two[b, int(KNOWN[b, t])])


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


def test_one_vector_for_several_tokens_is_refused(rng):
    x = rng.normal(size=(2, 3, 5))
    with pytest.raises(ValueError, match=r"shift has shape \(2, 1, 5\).*for each token"):
        modulate_forward(x, x[:, :1], x)
    with pytest.raises(ValueError, match="shift and scale differ"):
        modulate_forward(x, x[:, 0], x)


@PER
def test_float32_stays_float32(rng, run_float32, vector):
    x, vectors = rng.normal(size=(2, 3, 5)), rng.normal(size=(2, *vector))
    run_float32(modulate_forward, modulate_backward, x, vectors, vectors.copy())
    run_float32(gated_residual_forward, gated_residual_backward, x, x.copy(), vectors)
    run_float32(select_forward, select_backward, rng.normal(size=(2, 2, 5)), KNOWN)
