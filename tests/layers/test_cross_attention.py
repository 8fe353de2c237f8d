import numpy as np
import pytest

from minidit import reference
from minidit.gradient_check import GradientMismatch, check_gradients
from minidit.layers import cross_attention_backward, cross_attention_forward

MASK = np.array([[True, False, True], [True, False, False]])  # B = 2, L = 3


def inputs(rng, leading=(2,)):
    """T = 4 tokens of width D = 6, L = 3 words of width W = 5."""
    shapes = [(*leading, 4, 6), (*leading, 3, 5), (6, 6), (6,), (5, 12), (12,), (6, 6), (6,)]
    return [rng.normal(size=shape) for shape in shapes]


@pytest.fixture(params=["at once", "in blocks"])
def attention(request, monkeypatch):
    if request.param == "in blocks":
        monkeypatch.setattr("minidit.layers.multihead_attention.MANY_SCORES", 1)
        monkeypatch.setattr("minidit.layers.blockwise_attention.BLOCK_SCORES", 2 * 3 * 3)  # 2 queries


@pytest.mark.parametrize("leading", [(), (2,), (2, 5)])
def test_gradients_with_any_leading_shape(rng, leading, attention):
    check_gradients(cross_attention_forward, cross_attention_backward, *inputs(rng, leading), 3)


def test_gradients_where_words_are_missing(rng, attention):
    check_gradients(cross_attention_forward, cross_attention_backward, *inputs(rng), 3, MASK)


def keys_and_values_swapped(dy, cache):
    dx, dwords, dw_q, db_q, dw_kv, *rest = cross_attention_backward(dy, cache)
    return dx, dwords, dw_q, db_q, np.roll(dw_kv, 6, axis=1), *rest


def words_not_reached(dy, cache):
    dx, dwords, *rest = cross_attention_backward(dy, cache)
    return dx, np.zeros_like(dwords), *rest


def heads_joined_in_another_order(dy, cache):
    *others, dw_out, db_out = cross_attention_backward(dy, cache)
    return *others, np.roll(dw_out, 2, axis=0), db_out


@pytest.mark.parametrize(
    ("slip", "wrong"),
    [(keys_and_values_swapped, "dw_kv"), (words_not_reached, "dwords"), (heads_joined_in_another_order, "dw_out")],
)
def test_the_check_catches(rng, slip, wrong):
    with pytest.raises(GradientMismatch, match=f"{wrong} is"):
        check_gradients(cross_attention_forward, slip, *inputs(rng), 3, MASK)


def test_every_head_computes_what_the_reference_computes(rng):
    x, words, w_q, b_q, w_kv, b_kv, w_out, b_out = inputs(rng)
    y, _ = cross_attention_forward(x, words, w_q, b_q, w_kv, b_kv, w_out, b_out, 3)
    for b in range(2):
        q, (k, v) = x[b] @ w_q + b_q, np.split(words[b] @ w_kv + b_kv, 2, axis=1)
        joined = []
        for head in (slice(0, 2), slice(2, 4), slice(4, 6)):
            joined.append(reference.attention_forward(q[:, head], k[:, head], v[:, head])[0])
        np.testing.assert_allclose(y[b], np.concatenate(joined, axis=1) @ w_out + b_out, rtol=1e-12)


def test_a_masked_run_equals_the_run_on_fewer_words(rng):
    x, words, *weights = inputs(rng, leading=(1,))
    dy = rng.normal(size=x.shape)
    y, cache = cross_attention_forward(x, words, *weights, 3, np.array([[True, True, False]]))
    short_y, short_cache = cross_attention_forward(x, words[:, :2], *weights, 3)
    np.testing.assert_allclose(y, short_y, rtol=1e-12)
    dx, dwords, *gradients = cross_attention_backward(dy, cache)
    short_dx, short_dwords, *short_gradients = cross_attention_backward(dy, short_cache)
    assert not dwords[:, 2].any()
    short_gradients = [short_dx, short_dwords, *short_gradients]
    for found, expected in zip([dx, dwords[:, :2], *gradients], short_gradients, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13)


def test_a_width_that_does_not_divide_into_heads_is_refused(rng):
    with pytest.raises(ValueError, match="width 6 does not divide into 4 heads"):
        cross_attention_forward(*inputs(rng), 4)


@pytest.mark.parametrize("mask", [None, MASK])
def test_float32_stays_float32(rng, run_float32, mask):
    run_float32(cross_attention_forward, cross_attention_backward, *inputs(rng), 3, mask)
