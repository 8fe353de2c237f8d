import numpy as np
import pytest

from minidit import reference
from minidit.gradient_check import check_gradients
from minidit.layers import softmax_backward, softmax_forward


@pytest.mark.parametrize("shape", [(5,), (2, 5), (2, 3, 5)])
def test_gradients_with_any_leading_shape(rng, shape):
    check_gradients(softmax_forward, softmax_backward, rng.normal(size=shape))


def test_it_computes_what_the_reference_computes(rng):
    x = rng.normal(size=(2, 3, 5))
    np.testing.assert_allclose(softmax_forward(x)[0], reference.softmax_forward(x)[0], rtol=1e-12)


def test_equal_logits_share_equally_and_one_twice_as_likely_gets_twice_as_much():
    np.testing.assert_allclose(softmax_forward(np.zeros(4))[0], [0.25] * 4)
    np.testing.assert_allclose(softmax_forward(np.log([1.0, 2.0, 1.0]))[0], [0.25, 0.5, 0.25])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_logits_do_not_overflow(dtype):
    with np.errstate(all="raise", under="ignore"):
        y, cache = softmax_forward(np.array([[1e4, 0, -1e4], [-1e4, -1e4, -1e4]], dtype))
        softmax_backward(y, cache)
    np.testing.assert_allclose(y, [[1, 0, 0], [1 / 3, 1 / 3, 1 / 3]], rtol=1e-6)


def test_pushing_all_weights_alike_moves_no_logit(rng):
    _, cache = softmax_forward(rng.normal(size=(2, 5)))
    np.testing.assert_allclose(softmax_backward(np.ones((2, 5)), cache), 0, atol=1e-15)


def test_float32_stays_float32(rng, run_float32):
    run_float32(softmax_forward, softmax_backward, rng.normal(size=(2, 3, 5)))
