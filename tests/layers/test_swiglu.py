import numpy as np
import pytest

from minidit.gradient_check import GradientMismatch, check_gradients
from minidit.layers import linear_swiglu_backward, linear_swiglu_forward, swiglu_hidden


def inputs(rng, leading=(2,)):
    """x of width 5, hidden width 3, so that w is (5, 6)."""
    return [rng.normal(size=shape) for shape in [(*leading, 5), (5, 6), (6,)]]


@pytest.mark.parametrize("leading", [(), (2,), (2, 4)])
def test_gradients_with_any_leading_shape(rng, leading):
    check_gradients(linear_swiglu_forward, linear_swiglu_backward, *inputs(rng, leading))


def test_a_token_worked_out_by_hand():
    y, _ = linear_swiglu_forward(np.array([[2.0]]), np.array([[1.0, 3.0]]), np.array([0.0, 1.0]))
    assert y[0, 0] == pytest.approx(2 / (1 + np.exp(-2)) * (2 * 3 + 1))


def gate_and_value_swapped(dy, cache):
    linear_cache, silu_cache, gate, value = cache
    return linear_swiglu_backward(dy, (linear_cache, silu_cache, value, gate))


def slope_forgotten(dy, cache):
    linear_cache, (slope,), *rest = cache
    return linear_swiglu_backward(dy, (linear_cache, (np.ones_like(slope),), *rest))


@pytest.mark.parametrize("slip", [gate_and_value_swapped, slope_forgotten])
def test_the_check_catches(rng, slip):
    with pytest.raises(GradientMismatch, match="dx is wrong"):
        check_gradients(linear_swiglu_forward, slip, *inputs(rng))


@pytest.mark.parametrize(("width", "hidden"), [(12, 24), (64, 256), (128, 512), (768, 3072)])
def test_it_has_as_many_parameters_as_the_plain_feed_forward(width, hidden):
    M = swiglu_hidden(hidden)
    plain = 2 * width * hidden + hidden + width
    gated = 3 * width * M + 2 * M + width
    assert gated == pytest.approx(plain, rel=0.02)


def test_float32_stays_float32(rng, run_float32):
    run_float32(linear_swiglu_forward, linear_swiglu_backward, *inputs(rng))
