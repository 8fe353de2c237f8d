import numpy as np
import pytest

from minidit.gradient_check import GradientMismatch, check_gradients
from minidit.layers import (
    gated_residual_forward,
    modulate_forward,
    select_backward,
    select_forward,
    token_gated_residual_backward,
    token_gated_residual_forward,
    token_modulate_backward,
    token_modulate_forward,
)

GIVEN = np.array([[True, False, False], [True, False, True]])  # B = 2, T = 3


@pytest.mark.parametrize("leading", [(), (2,), (2, 4)])
def test_gradients_with_any_leading_shape(rng, leading):
    x, shift, scale = rng.normal(size=(3, *leading, 3, 5))
    check_gradients(token_modulate_forward, token_modulate_backward, x, shift, scale)
    check_gradients(token_gated_residual_forward, token_gated_residual_backward, x, shift, scale)


@pytest.mark.parametrize("index", [0, 1, slice(None)])
def test_gradients_of_the_choice(rng, index):
    given = GIVEN[index]
    two = rng.normal(size=(*given.shape[:-1], 2, 5))
    check_gradients(select_forward, select_backward, two, given)


def choices_swapped(dy, cache):
    return select_backward(dy, cache)[..., ::-1, :]


def every_token_counted_for_both(dy, cache):
    return np.repeat(dy.sum(axis=-2, keepdims=True), 2, axis=-2)


@pytest.mark.parametrize("slip", [choices_swapped, every_token_counted_for_both])
def test_the_check_catches_a_wrong_choice(rng, slip):
    with pytest.raises(GradientMismatch, match="dtwo is wrong"):
        check_gradients(select_forward, slip, rng.normal(size=(2, 2, 5)), GIVEN)


def scale_summed_over_tokens(dy, cache):
    dx, dshift, dscale = token_modulate_backward(dy, cache)
    return dx, dshift, np.broadcast_to(dscale.sum(axis=-2, keepdims=True), dscale.shape).copy()


def one_plus_forgotten(dy, cache):
    x, gain = cache
    return token_modulate_backward(dy, (x, gain - 1))


@pytest.mark.parametrize(("slip", "wrong"), [(scale_summed_over_tokens, "dscale"), (one_plus_forgotten, "dx")])
def test_the_check_catches_a_wrong_modulation(rng, slip, wrong):
    with pytest.raises(GradientMismatch, match=f"{wrong} is wrong"):
        check_gradients(token_modulate_forward, slip, *rng.normal(size=(3, 2, 3, 5)))


def gate_and_branch_swapped(dy, cache):
    dx, dh, dgate = token_gated_residual_backward(dy, cache)
    return dx, dgate, dh


def test_the_check_catches_a_wrong_gate(rng):
    with pytest.raises(GradientMismatch, match="dh is wrong"):
        check_gradients(token_gated_residual_forward, gate_and_branch_swapped, *rng.normal(size=(3, 2, 3, 5)))


def test_each_token_gets_the_vector_that_it_chose(rng):
    two = rng.normal(size=(2, 2, 5))
    y, _ = select_forward(two, GIVEN)
    for b, t in np.ndindex(2, 3):
        np.testing.assert_array_equal(y[b, t], two[b, int(GIVEN[b, t])])


def test_the_same_vector_for_every_token_is_the_modulation_of_the_sample(rng):
    x, h = rng.normal(size=(2, 2, 3, 5))
    shift, scale = rng.normal(size=(2, 2, 5))
    every = [np.repeat(vector[:, None], 3, axis=1) for vector in (shift, scale)]
    np.testing.assert_array_equal(token_modulate_forward(x, *every)[0], modulate_forward(x, shift, scale)[0])
    gated = token_gated_residual_forward(x, h, every[0])[0]
    np.testing.assert_array_equal(gated, gated_residual_forward(x, h, shift)[0])


def test_one_vector_for_several_tokens_is_refused(rng):
    x = rng.normal(size=(2, 3, 5))
    with pytest.raises(ValueError, match=r"shift has shape \(2, 1, 5\); each token"):
        token_modulate_forward(x, x[:, :1], x)
    with pytest.raises(ValueError, match=r"gate has shape \(2, 5\)"):
        token_gated_residual_forward(x, x, x[:, 0])


def test_float32_stays_float32(rng, run_float32):
    run_float32(token_modulate_forward, token_modulate_backward, *rng.normal(size=(3, 2, 3, 5)))
    run_float32(token_gated_residual_forward, token_gated_residual_backward, *rng.normal(size=(3, 2, 3, 5)))
    run_float32(select_forward, select_backward, rng.normal(size=(2, 2, 5)), GIVEN)
