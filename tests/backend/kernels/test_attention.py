import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from minidit.backend.kernels import attention as kernels
from minidit.layers.multihead_attention import split_heads

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from agreement import SEEDS, assert_agreement, assert_same_bits, normal, to_device
from attention_cases import attention, attention_between_projections

PAIR = kernels.attention_forward, kernels.attention_backward
case_of, case_between_projections = partial(attention, PAIR), partial(attention_between_projections, PAIR)

CASES = {
    "one token of one head": case_of(1, 1, 8, S=3),
    "several heads and samples": case_of(2, 3, 9, 5),
    "several axes of samples": case_of(2, 2, 3, 9, 4, masked=True),
    "no axis of samples": case_of(3, 9, 4, masked=True),
    "more queries than keys": case_of(2, 2, 37, 6, S=10, masked=True),
    "more keys than queries": case_of(2, 2, 10, 6, S=37, masked=True),
    "more keys than a warp takes": case_of(1, 2, 3, 4, S=600),
    "large scores": case_of(2, 2, 9, 8, times=30.0, masked=True),
    "between projections": case_between_projections(2, T=11, H=3, d=6),
    "between projections, masked": case_between_projections(3, T=11, H=2, d=8, masked=True),
    "between projections, several axes of samples": case_between_projections(2, 2, T=7, H=2, d=4, masked=True),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_attention_agrees_with_float64(xp, case, seed):
    assert_agreement(case(xp, np.random.default_rng(seed)))


def test_the_order_of_the_threads_does_not_show_in_the_bits(xp):
    case = case_between_projections(2, T=11, H=3, d=6, masked=True)
    assert_same_bits(case(xp, np.random.default_rng(0)), case(xp, np.random.default_rng(0)))


def test_where_every_key_is_masked_output_and_gradients_are_zero(xp, rng):
    q, k, v, dy = to_device(xp, *normal(rng, *[(2, 3, 4, 5)] * 4))
    mask = xp.asarray(np.array([[True] * 4, [False] * 4]))
    y, cache = kernels.attention_forward(q, k, v, mask)
    gradients = kernels.attention_backward(dy, cache)
    for array in (y, *gradients):
        assert array[0].get().all() and not array[1].get().any()


def test_no_array_as_large_as_the_weights_is_copied(xp, rng):
    qkv, dy = to_device(xp, *normal(rng, (2, 40, 3 * 12), (2, 3, 40, 4)))
    with xp.count() as counted:
        _, cache = kernels.attention_forward(*split_heads(qkv, 3))
        kernels.attention_backward(dy, cache, out=split_heads(xp.empty_like(qkv), 3))
    weights = 4 * 2 * 3 * 40 * 40  # bytes
    large = [launch.name for launch in counted.launches if launch.bytes_read + launch.bytes_written >= weights]
    forward = ["matmul", "scaled_softmax_forward", "matmul"]
    assert large == [*forward, "matmul", "matmul", "scaled_softmax_backward", "matmul", "matmul"]


def test_joining_the_heads_of_the_output_copies_nothing(xp, rng):
    y, _ = kernels.attention_forward(*to_device(xp, *normal(rng, *[(2, 3, 4, 5)] * 3)))
    assert y.swapaxes(-3, -2).flags.c_contiguous


def test_gradients_are_written_where_they_are_wanted(xp, rng):
    q, k, v, dy = to_device(xp, *normal(rng, *[(2, 3, 4, 5)] * 4))
    _, cache = kernels.attention_forward(q, k, v)
    out = split_heads(xp.empty((2, 4, 3 * 15), np.float32), 3)
    for got, wanted in zip(kernels.attention_backward(dy, cache, out=out), out, strict=True):
        assert got is wanted


def test_shapes_that_the_kernel_would_misread_are_refused(xp, rng):
    q, k, v = to_device(xp, *normal(rng, (2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 7, 5)))
    with pytest.raises(ValueError, match=r"v has shape \(2, 3, 7, 5\), not \(2, 3, 6, 5\)"):
        kernels.attention_forward(q, k, v)
    with pytest.raises(ValueError, match=r"key_mask has shape \(2, 4\), not \(2, 6\)"):
        kernels.attention_forward(q, k, k, xp.ones((2, 4), bool))
