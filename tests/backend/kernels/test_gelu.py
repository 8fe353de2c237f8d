import sys
from pathlib import Path

import numpy as np
import pytest

from minidit.backend.kernels import gelu
from minidit.layers import gelu_backward, gelu_forward, linear_backward, linear_forward

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from agreement import SEEDS, assert_agreement, assert_same_bits, normal, pairs, to_device


def bias_gelu(*shape):
    def case(xp, rng):
        x, b, dy = inputs = normal(rng, shape, shape[-1], shape)
        on_device = to_device(xp, *inputs)
        y, cache = gelu.bias_gelu_forward(*on_device[:2])
        gradients = gelu.bias_gelu_backward(on_device[2], cache)

        right_y, right_cache = gelu_forward(x + b)
        right_dx = gelu_backward(dy, right_cache)
        right_db = right_dx.reshape(-1, shape[-1]).sum(axis=0)
        return pairs((y, *gradients, *on_device), (right_y, right_dx, right_db, *inputs))

    return case


def linear_gelu(M, *shape):
    def case(xp, rng):
        x, w, b, dy = inputs = normal(rng, shape, (shape[-1], M), M, (*shape[:-1], M))
        on_device = to_device(xp, *inputs)
        y, cache = gelu.linear_gelu_forward(*on_device[:3])
        gradients = gelu.linear_gelu_backward(on_device[3], cache)

        h, linear_cache = linear_forward(x, w, b)
        right_y, gelu_cache = gelu_forward(h)
        right_gradients = linear_backward(gelu_backward(dy, gelu_cache), linear_cache)
        return pairs((y, *gradients, *on_device), (right_y, *right_gradients, *inputs))

    return case


CASES = {
    "one row, more columns than threads": bias_gelu(1, 300),
    "one column": bias_gelu(5, 1),
    "as many rows and columns as a block has": bias_gelu(16, 128),
    "rows that don't fill the last block": bias_gelu(37, 33),
    "several leading axes": bias_gelu(3, 7, 150),
    "no leading axis": bias_gelu(40),
    "after a product": linear_gelu(45, 3, 7, 20),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_bias_and_gelu_agree_with_float64(xp, case, seed):
    assert_agreement(case(xp, np.random.default_rng(seed)))


def test_the_order_of_the_threads_does_not_show_in_the_bits(xp):
    case = bias_gelu(37, 150)
    assert_same_bits(case(xp, np.random.default_rng(0)), case(xp, np.random.default_rng(0)))


def test_large_numbers_pass_or_vanish(xp):
    x = xp.asarray(np.array([[-1e4, -50.0, 50.0, 1e4]], np.float32))
    y, cache = gelu.bias_gelu_forward(x, xp.zeros(4, x.dtype))
    dx, _ = gelu.bias_gelu_backward(xp.ones_like(x), cache)
    np.testing.assert_array_equal(y.get(), [[0, 0, 50, 1e4]])
    np.testing.assert_array_equal(dx.get(), [[0, 0, 1, 1]])


def test_what_the_gelu_was_of_is_not_kept_where_there_will_be_no_backward(xp, rng):
    x, w, b = to_device(xp, *normal(rng, (2, 3), (3, 3), 3))
    assert gelu.bias_gelu_forward(x, b, training=False)[1] is None
    _, (_, gelu_cache) = gelu.linear_gelu_forward(x, w, b, training=False)
    assert gelu_cache is None


def test_shapes_that_the_kernel_would_misread_are_refused(xp, rng):
    x, b, wrong = to_device(xp, *normal(rng, (2, 3), 3, (3, 2)))
    with pytest.raises(ValueError, match=r"b has shape \(3, 2\), not \(3,\)"):
        gelu.bias_gelu_forward(x, wrong)
    with pytest.raises(ValueError, match=r"dy has shape \(3, 2\), not \(2, 3\)"):
        gelu.bias_gelu_backward(wrong, (x, b))
