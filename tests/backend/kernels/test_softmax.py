import sys
from pathlib import Path

import numpy as np
import pytest

from minidit.backend.kernels import softmax as kernels
from minidit.layers import softmax_backward, softmax_forward

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from agreement import SEEDS, assert_agreement, assert_same_bits, normal, pairs, rounded, to_device
from attention_cases import random_mask


def softmax(*shape, times=1.0, plus=0.0):
    def case(xp, rng):
        x, dy = normal(rng, shape, shape)
        inputs = rounded(times * x + plus), dy
        on_device = to_device(xp, *inputs)
        y, cache = kernels.softmax_forward(on_device[0])
        dx = kernels.softmax_backward(on_device[1], cache)

        right_y, right_cache = softmax_forward(inputs[0])
        return pairs((y, dx, *on_device), (right_y, softmax_backward(dy, right_cache), *inputs))

    return case


def scaled_softmax(*shape, scale=0.3, times=1.0, plus=0.0, masked=False):
    """A case of scores (..., H, T, S), perhaps with a `random_mask`."""

    def case(xp, rng):
        scores, dweights = normal(rng, shape, shape)
        scores = rounded(times * scores + plus)
        mask = random_mask(rng, *shape[:-3], shape[-1]) if masked else None
        weights, dscores = to_device(xp, scores, dweights)  # what they are to become, in place
        on_device = None if mask is None else xp.asarray(mask)
        assert kernels.scaled_softmax_forward(weights, scale, on_device) is weights
        assert kernels.scaled_softmax_backward(dscores, weights, scale) is dscores

        right_weights = plain_softmax(scale * scores, mask)
        mean_gain = (dweights * right_weights).sum(axis=-1, keepdims=True)
        return pairs((weights, dscores), (right_weights, scale * right_weights * (dweights - mean_gain)))

    return case


def plain_softmax(scores, mask):
    """The textbook formula."""
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    if mask is not None:
        exponentials *= mask[..., None, None, :]
    return exponentials / np.maximum(exponentials.sum(axis=-1, keepdims=True), 1e-300)


CASES = {
    "rows that don't fill the last block, shorter than a warp": softmax(19, 5),
    "as many rows as a block has, as long as a warp": softmax(8, 32),
    "one row": softmax(70),
    "two numbers": softmax(3, 2),
    "the longest row of one warp": softmax(2, 512),
    "the shortest row of a whole block": softmax(2, 513),
    "several numbers a thread of a block": softmax(3, 1100, times=5.0),
    "large logits": softmax(5, 70, plus=1000.0),
    "logits far below zero": softmax(5, 70, plus=-1000.0),
    "scaled": scaled_softmax(2, 3, 7, 45),
    "masked": scaled_softmax(3, 2, 5, 45, masked=True),
    "masked, several axes of samples": scaled_softmax(2, 2, 3, 4, 37, masked=True),
    "masked, no axis of samples": scaled_softmax(3, 4, 37, times=2.0),
    "masked, long rows": scaled_softmax(2, 1, 2, 600, masked=True),
    "large scores, masked": scaled_softmax(2, 2, 3, 45, times=30.0, plus=1000.0, masked=True),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_softmax_agrees_with_float64(xp, case, seed):
    assert_agreement(case(xp, np.random.default_rng(seed)))


@pytest.mark.parametrize("S", [45, 600])
def test_the_order_of_the_threads_does_not_show_in_the_bits(xp, S):
    case = scaled_softmax(2, 1, 3, S, masked=True)
    assert_same_bits(case(xp, np.random.default_rng(0)), case(xp, np.random.default_rng(0)))


@pytest.mark.parametrize("S", [45, 600])
def test_a_masked_key_gets_exactly_no_weight_even_where_its_score_is_the_largest(xp, rng, S):
    scores = rng.standard_normal((2, 2, 3, S), dtype=np.float32)
    mask = random_mask(rng, 2, S)
    scores[~mask[:, None, None].repeat(2, 1).repeat(3, 2)] = 1e30
    weights = kernels.scaled_softmax_forward(xp.asarray(scores), 0.3, xp.asarray(mask)).get()
    assert not weights[~np.broadcast_to(mask[:, None, None], weights.shape)].any()
    np.testing.assert_allclose(weights[0].sum(axis=-1), 1, rtol=1e-6)
    assert not weights[1].any()  # every key is masked


def test_a_number_that_is_none_makes_its_row_none_and_no_other(xp, rng):
    x = rng.standard_normal((3, 45), dtype=np.float32)
    x[1, 40] = np.nan
    y, _ = kernels.softmax_forward(xp.asarray(x))
    np.testing.assert_array_equal(np.isnan(y.get()).sum(axis=-1), [0, 45, 0])


def test_shapes_that_the_kernel_would_misread_are_refused(xp, rng):
    (scores,) = to_device(xp, *normal(rng, (2, 3, 4, 5)))
    with pytest.raises(ValueError, match=r"key_mask has shape \(3, 5\), not \(2, 5\)"):
        kernels.scaled_softmax_forward(scores, 1.0, xp.ones((3, 5), bool))
    with pytest.raises(ValueError, match=r"dweights has shape \(3, 4, 5\), not \(2, 3, 4, 5\)"):
        kernels.scaled_softmax_backward(scores[0], scores, 1.0)
