import sys
from pathlib import Path

import numpy as np
import pytest

from minidit.backend.kernels import layernorm_modulate as kernels
from minidit.layers import layernorm_backward, layernorm_forward, modulate_backward, modulate_forward

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from agreement import SEEDS, assert_agreement, assert_same_bits, normal, pairs, rounded, to_device


def layernorm_modulate(*shape, mean=0.0, eps=1e-6):
    """A case in which shift and scale are the second and fifth of six vectors per sample, and views of them."""
    *samples, _, D = shape

    def case(xp, rng):
        x, modulation, dy = normal(rng, shape, (*samples, 6, D), shape)
        x = rounded(x + mean)
        inputs = x, modulation, dy
        on_device = to_device(xp, *inputs)
        shift, scale = on_device[1][..., 1, :], on_device[1][..., 4, :]
        y, cache = kernels.layernorm_modulate_forward(on_device[0], shift, scale, eps)
        gradients = kernels.layernorm_modulate_backward(on_device[2], cache)

        xhat, norm_cache = layernorm_forward(x, eps)
        right_y, modulate_cache = modulate_forward(xhat, modulation[..., 1, :], modulation[..., 4, :])
        dxhat, dshift, dscale = modulate_backward(dy, modulate_cache)
        right_gradients = layernorm_backward(dxhat, norm_cache), dshift, dscale
        return pairs((y, *gradients, *on_device), (right_y, *right_gradients, *inputs))

    return case


CASES = {
    "one row, more columns than threads": layernorm_modulate(1, 1, 300),
    "fewer columns than lanes": layernorm_modulate(2, 9, 5),
    "as many columns as lanes": layernorm_modulate(3, 2, 32),
    "tokens that don't fill the last block": layernorm_modulate(2, 19, 70),
    "several axes of samples": layernorm_modulate(2, 3, 5, 33),
    "no axis of samples": layernorm_modulate(18, 44),
    "a large mean": layernorm_modulate(2, 5, 50, mean=30.0),
    "a large eps": layernorm_modulate(2, 5, 50, eps=0.5),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_layernorm_and_modulation_agree_with_float64(xp, case, seed):
    assert_agreement(case(xp, np.random.default_rng(seed)))


def test_the_order_of_the_threads_does_not_show_in_the_bits(xp):
    case = layernorm_modulate(2, 19, 70)
    assert_same_bits(case(xp, np.random.default_rng(0)), case(xp, np.random.default_rng(0)))


def test_a_row_of_equal_numbers_has_no_deviation_and_gets_the_shift(xp, rng):
    shift, scale = to_device(xp, *normal(rng, (1, 8), (1, 8)))
    x = xp.full((1, 2, 8), 3.0, np.float32)
    y, _ = kernels.layernorm_modulate_forward(x, shift, scale)
    np.testing.assert_array_equal(y.get(), shift.get()[:, None].repeat(2, axis=1))


def test_neither_the_output_nor_another_array_of_its_size_is_kept(xp, rng):
    x, shift, scale = to_device(xp, *normal(rng, (2, 5, 70), (2, 70), (2, 70)))
    _, cache = kernels.layernorm_modulate_forward(x, shift, scale)
    assert cache[0] is x and sum(array.nbytes for array in cache[1:]) < x.nbytes


def test_shapes_that_the_kernel_would_misread_are_refused(xp, rng):
    x, shift, scale = to_device(xp, *normal(rng, (2, 5, 7), (2, 7), (2, 7)))
    with pytest.raises(ValueError, match=r"shift has shape \(7,\), not \(2, 7\)"):
        kernels.layernorm_modulate_forward(x, shift[0], scale)
    with pytest.raises(ValueError, match=r"scale has shape \(2, 5, 7\), not \(2, 7\)"):
        kernels.layernorm_modulate_forward(x, shift, x)
    _, cache = kernels.layernorm_modulate_forward(x, shift, scale)
    with pytest.raises(ValueError, match=r"dy has shape \(2, 7\), not \(2, 5, 7\)"):
        kernels.layernorm_modulate_backward(shift, cache)
