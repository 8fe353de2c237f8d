import numpy as np
import pytest

from minidit.gradient_check import check_gradients
from minidit.layers import (
    attention_backward,
    attention_forward,
    attention_weights,
    multihead_attention_backward,
    multihead_attention_forward,
)

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


@pytest.mark.parametrize("leading", [(), (2,), (2, 3)])
def test_gradients_with_any_leading_shape(rng, leading):
    q, k, v = rng.normal(size=(3, *leading, 3, 4, 5))
    check_gradients(attention_forward, attention_backward, q, k, v)


def test_gradients_where_keys_are_masked(rng):
    q, k, v = rng.normal(size=(3, 2, 3, 4, 5))
    check_gradients(attention_forward, attention_backward, q, k, v, MASK)


def test_gradients_with_more_queries_than_keys(rng):
    q, k, v = rng.normal(size=(2, 3, 7, 5)), rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 3, 4, 5))
    check_gradients(attention_forward, attention_backward, q, k, v, MASK)


@pytest.mark.parametrize("leading", [(), (2,), (2, 3)])
def test_multihead_gradients_with_any_leading_shape(rng, leading):
    check_gradients(
        multihead_attention_forward, multihead_attention_backward, *multihead_inputs(rng, leading), 3
    )


def test_multihead_gradients_where_keys_are_masked(rng):
    x, *weights = multihead_inputs(rng)
    check_gradients(multihead_attention_forward, multihead_attention_backward, x, *weights, 3, MASK)


@pytest.mark.parametrize("mask", [None, MASK])
def test_every_head_of_every_sample_agrees_with_the_textbook(rng, mask):
    q, k, v = rng.normal(size=(3, 2, 3, 4, 5))
    y, _ = attention_forward(q, k, v, mask)
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


def test_a_masked_key_gets_exactly_no_weight_and_no_gradient(rng):
    q, k, v = rng.normal(size=(3, 2, 3, 4, 5))
    weights = attention_weights(q, k, MASK)
    y, cache = attention_forward(q, k, v, MASK)
    _, dk, dv = attention_backward(rng.normal(size=y.shape), cache)
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
def test_where_every_key_is_masked_output_and_gradients_are_zero(rng, dtype):
    q, k, v = rng.normal(size=(3, 2, 3, 4, 5)).astype(dtype)
    mask = np.array([[True] * 4, [False] * 4])
    with np.errstate(all="raise", under="ignore"):
        y, cache = attention_forward(q, k, v, mask)
        gradients = attention_backward(np.ones_like(y), cache)
        weights = attention_weights(q, k, mask)
    assert y[0].all() and not y[1].any()
    assert not weights[1].any()
    assert not any(gradient[1].any() for gradient in gradients)


@pytest.mark.parametrize("mask", [None, MASK])
def test_large_scores_do_not_overflow(rng, mask):
    q, k, v = rng.normal(size=(3, 2, 3, 4, 5)).astype(np.float32)
    with np.errstate(all="raise", under="ignore"):
        y, cache = attention_forward(100 * q, 100 * k, v, mask)
        gradients = attention_backward(np.ones_like(y), cache)
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
    run_float32(multihead_attention_forward, multihead_attention_backward, *multihead_inputs(rng), 3, mask)


def test_a_width_that_does_not_divide_into_heads_is_refused(rng):
    with pytest.raises(ValueError, match="width 6 does not divide into 4 heads"):
        multihead_attention_forward(*multihead_inputs(rng), 4)
