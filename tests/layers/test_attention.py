import tracemalloc

import numpy as np
import pytest

from minidit.gradient_check import check_gradients
from minidit.layers import (
    attention_backward,
    attention_forward,
    attention_weights,
    blockwise_attention_backward,
    blockwise_attention_forward,
    multihead_attention_backward,
    multihead_attention_forward,
)
from minidit.layers.attention import blocks_of_queries

MASK = np.array([[True, False, True, True], [True, True, False, False]])  # B = 2, T = 4


def plain_attention(q, k, v, mask=None):
    """The textbook formula for one head of one sample."""
    scores = q @ k.T / np.sqrt(q.shape[1])
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) @ v


def multihead_inputs(rng, leading=(2,)):
    """T = 4 tokens of width D = 6."""
    return [rng.normal(size=shape) for shape in [(*leading, 4, 6), (6, 18), (18,), (6, 6), (6,)]]


@pytest.fixture(params=["at once", "in blocks"])
def pair(request, monkeypatch):
    """Forward and backward of attention, of either kind; a block is of two queries."""
    monkeypatch.setattr("minidit.layers.attention.BLOCK_SCORES", 2 * 3 * 4)  # 2 queries, 3 heads, 4 keys
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


@pytest.mark.parametrize("leading", [(), (2,), (2, 3)])
def test_multihead_gradients_with_any_leading_shape(rng, leading):
    check_gradients(
        multihead_attention_forward, multihead_attention_backward, *multihead_inputs(rng, leading), 3
    )


def test_multihead_gradients_where_keys_are_masked(rng):
    x, *weights = multihead_inputs(rng)
    check_gradients(multihead_attention_forward, multihead_attention_backward, x, *weights, 3, MASK)


@pytest.mark.parametrize("mask", [None, MASK])
def test_every_head_of_every_sample_agrees_with_the_textbook(rng, pair, mask):
    q, k, v = rng.normal(size=(3, 2, 3, 4, 5))
    y, _ = pair[0](q, k, v, mask)
    for b, h in np.ndindex(2, 3):
        expected = plain_attention(q[b, h], k[b, h], v[b, h], None if mask is None else mask[b])
        np.testing.assert_allclose(y[b, h], expected, rtol=1e-12, atol=1e-14)


def test_multihead_columns_are_queries_keys_values_and_within_each_the_heads(rng):
    x, w_qkv, b_qkv, w_out, b_out = multihead_inputs(rng)
    y, _ = multihead_attention_forward(x, w_qkv, b_qkv, w_out, b_out, 3)
    for b in range(2):
        q, k, v = np.split(x[b] @ w_qkv + b_qkv, 3, axis=1)
        heads = [plain_attention(*(part[:, 2 * h : 2 * h + 2] for part in (q, k, v))) for h in range(3)]
        np.testing.assert_allclose(y[b], np.concatenate(heads, axis=1) @ w_out + b_out, rtol=1e-12)


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


def test_a_masked_run_equals_the_run_on_the_shorter_sequence(rng):
    x, *weights = multihead_inputs(rng, leading=(1,))
    dy = rng.normal(size=(1, 4, 6))
    dy[:, 3] = 0
    mask = np.array([[True, True, True, False]])
    y, cache = multihead_attention_forward(x, *weights, 3, mask)
    short_y, short_cache = multihead_attention_forward(x[:, :3], *weights, 3)
    np.testing.assert_allclose(y[:, :3], short_y, rtol=1e-12)
    dx, *gradients = multihead_attention_backward(dy, cache)
    short_dx, *short_gradients = multihead_attention_backward(dy[:, :3], short_cache)
    np.testing.assert_allclose(dx[:, :3], short_dx, rtol=1e-11, atol=1e-13)
    assert not dx[:, 3].any()
    for gradient, short in zip(gradients, short_gradients, strict=True):
        np.testing.assert_allclose(gradient, short, rtol=1e-11, atol=1e-13)


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
    run_float32(multihead_attention_forward, multihead_attention_backward, *multihead_inputs(rng), 3, mask)


def test_a_width_that_does_not_divide_into_heads_is_refused(rng):
    with pytest.raises(ValueError, match="width 6 does not divide into 4 heads"):
        multihead_attention_forward(*multihead_inputs(rng), 4)


@pytest.mark.parametrize("mask", [None, MASK])
def test_attention_in_blocks_is_attention(rng, monkeypatch, mask):
    monkeypatch.setattr("minidit.layers.attention.BLOCK_SCORES", 3 * 3 * 4)  # 3 queries, so that the last block has 1
    q, k, v, dy = rng.normal(size=(4, 2, 3, 4, 5))
    y, cache = attention_forward(q, k, v, mask)
    block_y, block_cache = blockwise_attention_forward(q, k, v, mask)
    np.testing.assert_allclose(block_y, y, rtol=1e-12, atol=1e-14)
    gradients, block_gradients = attention_backward(dy, cache), blockwise_attention_backward(dy, block_cache)
    for block_gradient, gradient in zip(block_gradients, gradients, strict=True):
        np.testing.assert_allclose(block_gradient, gradient, rtol=1e-11, atol=1e-13)


def test_in_blocks_no_array_is_as_large_as_all_the_scores(rng, monkeypatch):
    monkeypatch.setattr("minidit.layers.attention.BLOCK_SCORES", 2**15)
    q, k, v, dy = rng.standard_normal((4, 2, 1, 1024, 4), dtype=np.float32)
    scores = 4 * 2 * 1024 * 1024  # bytes

    def peak(forward, backward):
        tracemalloc.start()
        y, cache = forward(q, k, v)
        backward(dy, cache)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    assert peak(attention_forward, attention_backward) > scores
    assert peak(blockwise_attention_forward, blockwise_attention_backward) < scores / 10


@pytest.mark.parametrize(("many", "blocks"), [(2 * 3 * 4 * 4, 0), (2 * 3 * 4 * 4 - 1, 2 * 2 * 2)])
def test_multihead_attention_goes_in_blocks_above_a_number_of_scores(rng, monkeypatch, many, blocks):
    """Two samples of two blocks each, forward and backward."""
    expected, expected_cache = multihead_attention_forward(*multihead_inputs(np.random.default_rng(1)), 3)
    seen = []

    def watched(q, k):
        for block in blocks_of_queries(q, k):
            seen.append(block)
            yield block

    monkeypatch.setattr("minidit.layers.attention.MANY_SCORES", many)
    monkeypatch.setattr("minidit.layers.attention.BLOCK_SCORES", 2 * 3 * 4)
    monkeypatch.setattr("minidit.layers.attention.blocks_of_queries", watched)
    y, cache = multihead_attention_forward(*multihead_inputs(np.random.default_rng(1)), 3)
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    dy = rng.normal(size=y.shape)
    gradients = multihead_attention_backward(dy, cache)
    assert len(seen) == blocks
    monkeypatch.setattr("minidit.layers.attention.MANY_SCORES", 1000)
    for gradient, want in zip(gradients, multihead_attention_backward(dy, expected_cache), strict=True):
        np.testing.assert_allclose(gradient, want, rtol=1e-10, atol=1e-12)
