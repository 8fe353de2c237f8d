import numpy as np
import pytest

from minidit.gradient_check import GradientMismatch, check_gradients
from minidit.layers import swiglu_backward, swiglu_forward, swiglu_hidden


def inputs(rng, leading=(2,)):
    """x of width 5, hidden width 3, so that w1 is (5, 6)."""
    return [rng.normal(size=shape) for shape in [(*leading, 5), (5, 6), (6,), (3, 5), (5,)]]


@pytest.mark.parametrize("leading", [(), (2,), (2, 4)])
def test_gradients_with_any_leading_shape(rng, leading):
    check_gradients(swiglu_forward, swiglu_backward, *inputs(rng, leading))


def test_a_token_worked_out_by_hand():
    x, one = np.array([[2.0]]), np.ones(1)
    y, _ = swiglu_forward(x, np.array([[1.0, 3.0]]), np.array([0.0, 1.0]), np.array([[10.0]]), one)
    assert y[0, 0] == pytest.approx(2 / (1 + np.exp(-2)) * (2 * 3 + 1) * 10 + 1)


def gate_and_value_swapped(dy, cache):
    hidden_cache, silu_cache, gate, value, out_cache = cache
    return swiglu_backward(dy, (hidden_cache, silu_cache, value, gate, out_cache))


def slope_forgotten(dy, cache):
    hidden_cache, (slope,), *rest = cache
    return swiglu_backward(dy, (hidden_cache, (np.ones_like(slope),), *rest))


@pytest.mark.parametrize("slip", [gate_and_value_swapped, slope_forgotten])
def test_the_check_catches(rng, slip):
    with pytest.raises(GradientMismatch, match="dx is wrong"):
        check_gradients(swiglu_forward, slip, *inputs(rng))


@pytest.mark.parametrize(("width", "hidden"), [(12, 24), (64, 256), (128, 512), (768, 3072)])
def test_it_has_as_many_parameters_as_the_plain_feed_forward(width, hidden):
    M = swiglu_hidden(hidden)
    plain = 2 * width * hidden + hidden + width
    gated = 3 * width * M + 2 * M + width
    assert gated == pytest.approx(plain, rel=0.02)


def test_float32_stays_float32(rng, run_float32):
    run_float32(swiglu_forward, swiglu_backward, *inputs(rng))
