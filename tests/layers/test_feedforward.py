import numpy as np
import pytest

from minidit.gradient_check import check_gradients
from minidit.layers import feedforward_backward, feedforward_forward


def inputs(rng, leading=(2, 4)):
    return [rng.normal(size=shape) for shape in [(*leading, 3), (3, 7), (7,), (7, 3), (3,)]]


@pytest.mark.parametrize("leading", [(), (2,), (2, 4)])
def test_gradients_with_any_leading_shape(rng, leading):
    check_gradients(feedforward_forward, feedforward_backward, *inputs(rng, leading))


def test_gelu_stands_between_two_affine_maps(rng):
    x, w1, b1, w2, b2 = inputs(rng)
    u = x @ w1 + b1
    gelu = 0.5 * u * (1 + np.tanh(np.sqrt(2 / np.pi) * (u + 0.044715 * u**3)))
    np.testing.assert_allclose(feedforward_forward(x, w1, b1, w2, b2)[0], gelu @ w2 + b2, rtol=1e-12)


def test_each_token_goes_by_itself(rng):
    x, *weights = inputs(rng)
    changed = x.copy()
    changed[0, 1] += 1
    difference = feedforward_forward(changed, *weights)[0] - feedforward_forward(x, *weights)[0]
    assert difference[0, 1].any()
    difference[0, 1] = 0
    assert not difference.any()


def test_float32_stays_float32(rng, run_float32):
    run_float32(feedforward_forward, feedforward_backward, *inputs(rng))
