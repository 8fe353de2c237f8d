import sys
from pathlib import Path

import numpy as np
import pytest

from minidit.backend.kernels import gated_residual as kernels
from minidit.layers import gated_residual_backward, gated_residual_forward, linear_backward, linear_forward

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from agreement import SEEDS, assert_agreement, assert_same_bits, normal, pairs, to_device


def bias_gated_residual(*shape):
    """A case in which the gate is the third of six vectors per sample, and a view of them."""
    *samples, _, D = shape

    def case(xp, rng):
        x, h, b, modulation, dy = inputs = normal(rng, shape, shape, D, (*samples, 6, D), shape)
        on_device = to_device(xp, *inputs)
        y, cache = kernels.bias_gated_residual_forward(*on_device[:3], on_device[3][..., 2, :])
        gradients = kernels.bias_gated_residual_backward(on_device[4], cache)

        right_y, right_cache = gated_residual_forward(x, h + b, modulation[..., 2, :])
        dx, dh, dgate = gated_residual_backward(dy, right_cache)
        right_gradients = dx, dh, dh.reshape(-1, D).sum(axis=0), dgate
        return pairs((y, *gradients, *on_device), (right_y, *right_gradients, *inputs))

    return case


def linear_gated_residual(M, *shape):
    *samples, _, D = shape

    def case(xp, rng):
        inputs = normal(rng, shape, (*shape[:-1], M), (M, D), D, (*samples, D), shape)
        x, h, w, b, gate, dy = inputs
        on_device = to_device(xp, *inputs)
        y, cache = kernels.linear_gated_residual_forward(*on_device[:5])
        gradients = kernels.linear_gated_residual_backward(on_device[5], cache)

        branch, linear_cache = linear_forward(h, w, b)
        right_y, gate_cache = gated_residual_forward(x, branch, gate)
        dx, dbranch, dgate = gated_residual_backward(dy, gate_cache)
        right_gradients = dx, *linear_backward(dbranch, linear_cache), dgate
        return pairs((y, *gradients, *on_device), (right_y, *right_gradients, *inputs))

    return case


CASES = {
    "one row, more columns than threads": bias_gated_residual(1, 1, 300),
    "one column": bias_gated_residual(3, 5, 1),
    "as many tokens and columns as a block has": bias_gated_residual(2, 16, 128),
    "tokens that don't fill the last block": bias_gated_residual(2, 19, 70),
    "several axes of samples": bias_gated_residual(2, 3, 5, 33),
    "no axis of samples": bias_gated_residual(18, 44),
    "after a product": linear_gated_residual(20, 3, 17, 45),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_bias_gate_and_residual_agree_with_float64(xp, case, seed):
    assert_agreement(case(xp, np.random.default_rng(seed)))


def test_the_order_of_the_threads_does_not_show_in_the_bits(xp):
    case = bias_gated_residual(2, 19, 150)
    assert_same_bits(case(xp, np.random.default_rng(0)), case(xp, np.random.default_rng(0)))


def test_a_gate_of_zero_leaves_the_residual_to_the_bit(xp, rng):
    x, h, b = to_device(xp, *normal(rng, (2, 5, 7), (2, 5, 7), 7))
    y, _ = kernels.bias_gated_residual_forward(x, h, b, xp.zeros((2, 7), x.dtype))
    np.testing.assert_array_equal(y.get(), x.get())


def test_the_residual_hands_on_its_gradient_itself(xp, rng):
    x, h, b, gate = to_device(xp, *normal(rng, (2, 5, 7), (2, 5, 7), 7, (2, 7)))
    _, cache = kernels.bias_gated_residual_forward(x, h, b, gate)
    assert kernels.bias_gated_residual_backward(x, cache)[0] is x


def test_shapes_that_the_kernel_would_misread_are_refused(xp, rng):
    x, b, gate = to_device(xp, *normal(rng, (2, 5, 7), 7, (2, 7)))
    with pytest.raises(ValueError, match=r"gate has shape \(7,\), not \(2, 7\)"):
        kernels.bias_gated_residual_forward(x, x, b, gate[0])
    with pytest.raises(ValueError, match=r"h has shape \(5, 7\), not \(2, 5, 7\)"):
        kernels.bias_gated_residual_forward(x, x[0], b, gate)
    with pytest.raises(ValueError, match=r"b has shape \(2, 7\), not \(7,\)"):
        kernels.bias_gated_residual_forward(x, x, gate, gate)
    with pytest.raises(ValueError, match=r"dy has shape \(5, 7\), not \(2, 5, 7\)"):
        kernels.bias_gated_residual_backward(x[0], (x, b, gate))
