import numpy as np
import pytest

from minidit import reference
from minidit.gradient_check import check_gradients
from minidit.layers import (
    attention_backward,
    attention_forward,
    attention_weights,
    blockwise_attention_backward,
    blockwise_attention_forward,
)

MASK = np.array([[True, False, True, True], [True, True, False, False]])  # B = 2, T = 4


@pytest.fixture(params=["at once", "in blocks"])
def pair(request, monkeypatch):
    """Forward and backward of attention, of either kind; a block is of two queries."""
    monkeypatch.setattr("minidit.layers.blockwise_attention.BLOCK_SCORES", 2 * 3 * 4)  # 2 queries, 3 heads, 4 keys
    if request.param == "at once":
        return attention_forward, attention_backward
    return blockwise_attention_forward, blockwise_attention_backward


@pytest.mark.parametrize("leading", [(), (2,), (2, 3)])
def test_gradients_with_any_leading_shape(rng, pair, leading):
    q, k, v = rng.normal(size=(3, *leading, 3, 4, 5))
    check_gradients(*pair, q, k, v)


def test_gradients_where_keys_are_masked(rng, pair):
    q, k, v = rng.normal(size=(3, 2, 3, 4, 5))
    check_gradients(*pair, q, k, v, MASK)


def test_gradients_with_more_queries_than_keys(rng, pair):
    q, k, v = rng.normal(size=(2, 3, 7, 5)), rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 3, 4, 5))
    check_gradients(*pair, q, k, v, MASK)


@pytest.mark.parametrize("mask", [None, MASK])
def test_it_computes_what_the_reference_computes(rng, pair, mask):
    q, k, v, dy = rng.normal(size=(4, 2, 3, 4, 5))
    y, cache = pair[0](q, k, v, mask)
    expected, expected_cache = reference.attention_forward(q, k, v, mask)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-14)
    gradients = reference.attention_backward(dy, expected_cache)
    np.testing.assert_allclose(pair[1](dy, cache), gradients, rtol=1e-11, atol=1e-13)


def test_equal_scores_give_the_mean_of_the_values(rng):
    v = rng.normal(size=(1, 4, 5))
    y, _ = attention_forward(np.zeros((1, 3, 5)), rng.normal(size=(1, 4, 5)), v)
    np.testing.assert_allclose(y[0], np.tile(v[0].mean(axis=0), (3, 1)), rtol=1e-12)


def test_weights_add_up_to_one_and_give_the_output(rng):
    q, k, v = rng.normal(size=(3, 2, 3, 4, 5))
    weights = attention_weights(q, k, MASK)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-12)
    np.testing.assert_allclose(weights @ v, attention_forward(q, k, v, MASK)[0], rtol=1e-12, atol=1e-14)


def test_a_masked_key_gets_exactly_no_weight_and_no_gradient(rng, pair):
    q, k, v = rng.normal(size=(3, 2, 3, 4, 5))
    weights = attention_weights(q, k, MASK)
    y, cache = pair[0](q, k, v, MASK)
    _, dk, dv = pair[1](rng.normal(size=y.shape), cache)
    for b, key in np.ndindex(2, 4):
        for array in (weights[b, :, :, key], dk[b, :, key], dv[b, :, key]):
            assert array.any() == MASK[b, key]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_where_every_key_is_masked_output_and_gradients_are_zero(rng, pair, dtype):
    q, k, v = rng.normal(size=(3, 2, 3, 4, 5)).astype(dtype)
    mask = np.array([[True] * 4, [False] * 4])
    with np.errstate(all="raise", under="ignore"):
        y, cache = pair[0](q, k, v, mask)
        gradients = pair[1](np.ones_like(y), cache)
        weights = attention_weights(q, k, mask)
    assert y[0].all() and not y[1].any()
    assert not weights[1].any()
    assert not any(gradient[1].any() for gradient in gradients)


@pytest.mark.parametrize("mask", [None, MASK])
def test_large_scores_do_not_overflow(rng, pair, mask):
    q, k, v = rng.normal(size=(3, 2, 3, 4, 5)).astype(np.float32)
    with np.errstate(all="raise", under="ignore"):
        y, cache = pair[0](100 * q, 100 * k, v, mask)
        gradients = pair[1](np.ones_like(y), cache)
    assert all(np.isfinite(array).all() for array in (y, *gradients))


def test_rows_of_very_different_size_all_keep_their_weights():
    # Each row has its own maximum: subtracting one for all would leave the small row with nothing.
    q = np.array([[[1e4], [-1e4]]], np.float32)
    k = np.array([[[1.0], [1.0], [1.0]]], np.float32)
    np.testing.assert_allclose(attention_weights(q, k), 1 / 3, rtol=1e-6)


@pytest.mark.parametrize("mask", [None, MASK])
def test_float32_stays_float32(rng, run_float32, mask):
    q, k, v = rng.normal(size=(3, 2, 3, 4, 5))
    run_float32(attention_forward, attention_backward, q, k, v, mask)
    run_float32(blockwise_attention_forward, blockwise_attention_backward, q, k, v, mask)
