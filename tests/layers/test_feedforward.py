import numpy as np
import pytest

from minidit import reference
from minidit.gradient_check import check_gradients
from minidit.layers import feedforward_backward, feedforward_forward


def inputs(rng, leading=(2, 4)):
    return [rng.normal(size=shape) for shape in [(*leading, 3), (3, 7), (7,), (7, 3), (3,)]]


@pytest.mark.parametrize("leading", [(), (2,), (2, 4)])
def test_gradients_with_any_leading_shape(rng, leading):
    check_gradients(feedforward_forward, feedforward_backward, *inputs(rng, leading))


def test_it_computes_what_the_reference_computes(rng):
    x, w1, b1, w2, b2 = inputs(rng)
    p = {"fc1.weight": w1, "fc1.bias": b1, "fc2.weight": w2, "fc2.bias": b2}
    y, cache = feedforward_forward(x, w1, b1, w2, b2)
    expected, expected_cache = reference.mlp_forward(x, p, "fc1", "fc2", reference.GELU)
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    dy = rng.normal(size=y.shape)
    dx, *gradients = feedforward_backward(dy, cache)
    expected_dx, grads = reference.mlp_backward(dy, expected_cache)
    for found, right in zip((dx, *gradients), (expected_dx, *(grads[name] for name in p)), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-11, atol=1e-13)


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
