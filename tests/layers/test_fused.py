import numpy as np
import pytest

from minidit.gradient_check import check_gradients
from minidit.layers import (
    gated_residual_forward,
    gelu_forward,
    layernorm_forward,
    layernorm_modulate_backward,
    layernorm_modulate_forward,
    linear_forward,
    linear_gated_residual_backward,
    linear_gated_residual_forward,
    linear_gelu_backward,
    linear_gelu_forward,
    modulate_forward,
)

LEADING = [(), (2,), (2, 4)]


def normalised(rng, leading=(2,)):
    """x of 3 tokens of width 5, shift and scale."""
    return [1 + rng.normal(size=(*leading, *shape)) for shape in [(3, 5), (5,), (5,)]]


def widened(rng, leading=(2, 3)):
    """x of width 5, w and b to 7."""
    return [rng.normal(size=shape) for shape in [(*leading, 5), (5, 7), (7,)]]


def gated(rng, leading=(2,)):
    """x of 3 tokens of width 5, a branch of width 7, w and b from 7 to 5, gate."""
    return [rng.normal(size=shape) for shape in [(*leading, 3, 5), (*leading, 3, 7), (7, 5), (5,), (*leading, 5)]]


@pytest.mark.parametrize("leading", LEADING)
def test_gradients_with_any_leading_shape(rng, leading):
    check_gradients(layernorm_modulate_forward, layernorm_modulate_backward, *normalised(rng, leading))
    check_gradients(linear_gelu_forward, linear_gelu_backward, *widened(rng, leading))
    check_gradients(linear_gated_residual_forward, linear_gated_residual_backward, *gated(rng, leading))


def test_gradients_with_vectors_of_each_token(rng):
    x, shift, scale = rng.normal(size=(3, 2, 3, 5))
    check_gradients(layernorm_modulate_forward, layernorm_modulate_backward, x, shift, scale)
    *arrays, _ = gated(rng)
    check_gradients(linear_gated_residual_forward, linear_gated_residual_backward, *arrays, shift)


def test_gradients_where_eps_counts(rng):
    check_gradients(layernorm_modulate_forward, layernorm_modulate_backward, *normalised(rng), 0.5)


def test_each_is_its_parts_one_after_the_other(rng):
    x, shift, scale = normalised(rng)
    expected, _ = modulate_forward(layernorm_forward(x)[0], shift, scale)
    assert np.array_equal(layernorm_modulate_forward(x, shift, scale)[0], expected)
    expected, _ = gelu_forward(linear_forward(*widened(np.random.default_rng(1)))[0])
    assert np.array_equal(linear_gelu_forward(*widened(np.random.default_rng(1)))[0], expected)
    x, h, w, b, gate = gated(rng)
    expected, _ = gated_residual_forward(x, linear_forward(h, w, b)[0], gate)
    assert np.array_equal(linear_gated_residual_forward(x, h, w, b, gate)[0], expected)


def test_gelu_can_be_run_without_its_derivative(rng):
    inputs = widened(rng)
    y, (_, gelu_cache) = linear_gelu_forward(*inputs, training=False)
    assert gelu_cache is None
    assert np.array_equal(y, linear_gelu_forward(*inputs)[0])


def test_one_vector_for_several_samples_is_refused(rng):
    x, shift, _ = normalised(rng)
    with pytest.raises(ValueError, match=r"scale has shape \(5,\).*need \(2, 5\)"):
        layernorm_modulate_forward(x, shift, np.zeros(5))
    *inputs, _ = gated(rng)
    with pytest.raises(ValueError, match=r"gate has shape \(1, 5\)"):
        linear_gated_residual_forward(*inputs, np.zeros((1, 5)))


def test_float32_stays_float32(rng, run_float32):
    run_float32(layernorm_modulate_forward, layernorm_modulate_backward, *normalised(rng))
    run_float32(linear_gelu_forward, linear_gelu_backward, *widened(rng))
    run_float32(linear_gated_residual_forward, linear_gated_residual_backward, *gated(rng))
