import numpy as np
import pytest

from minidit import reference
from minidit.gradient_check import check_gradients
from minidit.layers import multihead_attention_backward, multihead_attention_forward
from minidit.layers.blockwise_attention import blocks_of_queries

MASK = np.array([[True, False, True, True], [True, True, False, False]])  # B = 2, T = 4


def multihead_inputs(rng, leading=(2,)):
    """T = 4 tokens of width D = 6."""
    return [rng.normal(size=shape) for shape in [(*leading, 4, 6), (6, 18), (18,), (6, 6), (6,)]]


@pytest.mark.parametrize("leading", [(), (2,), (2, 3)])
def test_multihead_gradients_with_any_leading_shape(rng, leading):
    check_gradients(
        multihead_attention_forward, multihead_attention_backward, *multihead_inputs(rng, leading), 3
    )


def test_multihead_gradients_where_keys_are_masked(rng):
    x, *weights = multihead_inputs(rng)
    check_gradients(multihead_attention_forward, multihead_attention_backward, x, *weights, 3, MASK)


def test_multihead_columns_are_queries_keys_values_and_within_each_the_heads(rng):
    x, w_qkv, b_qkv, w_out, b_out = multihead_inputs(rng)
    y, _ = multihead_attention_forward(x, w_qkv, b_qkv, w_out, b_out, 3)
    for b in range(2):
        q, k, v = np.split(x[b] @ w_qkv + b_qkv, 3, axis=1)
        heads = [
            reference.attention_forward(*(part[:, 2 * h : 2 * h + 2] for part in (q, k, v)))[0] for h in range(3)
        ]
        np.testing.assert_allclose(y[b], np.concatenate(heads, axis=1) @ w_out + b_out, rtol=1e-12)


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


def test_a_width_that_does_not_divide_into_heads_is_refused(rng):
    with pytest.raises(ValueError, match="width 6 does not divide into 4 heads"):
        multihead_attention_forward(*multihead_inputs(rng), 4)


@pytest.mark.parametrize(("many", "blocks"), [(2 * 3 * 4 * 4, 0), (2 * 3 * 4 * 4 - 1, 2 * 2 * 2)])
def test_multihead_attention_goes_in_blocks_above_a_number_of_scores(rng, monkeypatch, many, blocks):
    """Two samples of two blocks each, forward and backward."""
    expected, expected_cache = multihead_attention_forward(*multihead_inputs(np.random.default_rng(1)), 3)
    seen = []

    def watched(q, k):
        for block in blocks_of_queries(q, k):
            seen.append(block)
            yield block

    monkeypatch.setattr("minidit.layers.multihead_attention.MANY_SCORES", many)
    monkeypatch.setattr("minidit.layers.blockwise_attention.BLOCK_SCORES", 2 * 3 * 4)
    monkeypatch.setattr("minidit.layers.blockwise_attention.blocks_of_queries", watched)
    y, cache = multihead_attention_forward(*multihead_inputs(np.random.default_rng(1)), 3)
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    dy = rng.normal(size=y.shape)
    gradients = multihead_attention_backward(dy, cache)
    assert len(seen) == blocks
    monkeypatch.setattr("minidit.layers.multihead_attention.MANY_SCORES", 1000)
    for gradient, want in zip(gradients, multihead_attention_backward(dy, expected_cache), strict=True):
        np.testing.assert_allclose(gradient, want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("mask", [None, MASK])
def test_float32_stays_float32(rng, run_float32, mask):
    run_float32(multihead_attention_forward, multihead_attention_backward, *multihead_inputs(rng), 3, mask)
