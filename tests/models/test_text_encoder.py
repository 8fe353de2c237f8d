from dataclasses import replace

import numpy as np
import pytest

from minidit.gradient_check import GradientMismatch, check_parameter_gradients
from minidit.models.parameters import Parameters
from minidit.models.text_encoder import (
    TextEncoderSettings,
    initialize_text_encoder,
    text_encoder_backward,
    text_encoder_forward,
    text_encoder_shapes,
    transformer_block_backward,
    transformer_block_forward,
    transformer_block_shapes,
)
from minidit.models.tokenizer import PAD, START

SETTINGS = TextEncoderSettings(vocabulary_size=9, max_length=7, width=6, depth=2, num_heads=3, mlp_ratio=2)
OUT = 5

# Words 3 and 4 come twice, one prompt fills the length, one is padded, one is empty.
IDS = np.array([[START, 3, 4, 3, 4], [START, 5, 2, PAD, PAD], [START, PAD, PAD, PAD, PAD]])


@pytest.fixture
def params(away_from_zero):
    return away_from_zero(Parameters(text_encoder_shapes(SETTINGS, OUT), np.float64))


@pytest.fixture
def read(params):
    return lambda ids, p=params: text_encoder_forward(np.asarray(ids), p, SETTINGS)[0]


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_every_gradient_with_repeated_words_and_padding(rng, away_from_zero, depth):
    settings = replace(SETTINGS, depth=depth)
    params = away_from_zero(Parameters(text_encoder_shapes(settings, OUT), np.float64))
    dy = rng.normal(size=(3, OUT))
    _, cache = text_encoder_forward(IDS, params, settings)
    check_parameter_gradients(
        lambda: np.sum(dy * text_encoder_forward(IDS, params, settings)[0]),
        params,
        text_encoder_backward(dy, cache),
        entries=20,
    )


@pytest.mark.parametrize("mask", [None, [[True] * 5, [True, True, True, False, False]]])
def test_every_gradient_of_a_block(rng, away_from_zero, mask):
    weights = away_from_zero(Parameters(transformer_block_shapes(6, 7), np.float64))
    x, dy = rng.normal(size=(2, 5, 6)), rng.normal(size=(2, 5, 6))
    mask = mask if mask is None else np.array(mask)
    _, cache = transformer_block_forward(x, weights, 3, mask)
    dx, grads = transformer_block_backward(dy, cache)
    check_parameter_gradients(
        lambda: np.sum(dy * transformer_block_forward(x, weights, 3, mask)[0]),
        {"x": x, **weights},
        {"x": dx} | grads,
        entries=20,
    )


# Mistakes in the backward, and all that each makes wrong


def last_occurrence_wins(dy, cache):
    ids, shape = cache
    dtable = np.zeros(shape)
    dtable[ids] = dy
    return dtable


def block_not_passed_on(dx, cache):
    _, grads = transformer_block_backward(dx, cache)
    return np.zeros_like(dx), grads


def residual_counted_twice(dx, cache):
    dx_block, grads = transformer_block_backward(dx, cache)
    return dx + dx_block, grads


BELOW = {name for name in text_encoder_shapes(SETTINGS, OUT) if not name.startswith(("blocks.1.", "proj."))}

SLIPS = [
    ("embedding_backward", last_occurrence_wins, {"embedding.weight"}),
    ("transformer_block_backward", block_not_passed_on, BELOW),
    ("transformer_block_backward", residual_counted_twice, BELOW),
]


@pytest.mark.parametrize(("call", "slip", "wrong"), SLIPS, ids=[slip.__name__ for _, slip, _ in SLIPS])
def test_the_check_names_what_a_mistake_makes_wrong(
    rng, params, read, wrong_gradients, monkeypatch, call, slip, wrong
):
    monkeypatch.setattr(f"minidit.models.text_encoder.{call}", slip)
    dy = rng.normal(size=(3, OUT))
    _, cache = text_encoder_forward(IDS, params, SETTINGS)
    grads = text_encoder_backward(dy, cache)
    assert wrong_gradients(lambda: np.sum(dy * read(IDS)), params, grads) == wrong


def test_padding_that_takes_part_in_the_backward_is_caught(rng, params, read):
    dy = rng.normal(size=(3, OUT))
    _, (embedding_cache, block_caches, present, *rest) = text_encoder_forward(IDS, params, SETTINGS)
    grads = text_encoder_backward(dy, (embedding_cache, block_caches, np.ones_like(present), *rest))
    with pytest.raises(GradientMismatch, match="gradient of embedding.weight is wrong"):
        check_parameter_gradients(lambda: np.sum(dy * read(IDS)), params, grads)


def test_padding_does_not_change_what_is_read(read):
    padded = read(IDS)
    for prompt, expected in zip(IDS, padded, strict=True):
        np.testing.assert_allclose(read([prompt[prompt != PAD]])[0], expected, rtol=1e-12)


def test_the_vector_of_the_padding_word_plays_no_part(params, read):
    before = read(IDS)
    params["embedding.weight"][PAD] += 1
    np.testing.assert_array_equal(read(IDS), before)


def test_padding_words_and_unused_positions_get_no_gradient(rng, params):
    _, cache = text_encoder_forward(IDS, params, SETTINGS)
    grads = text_encoder_backward(rng.normal(size=(3, OUT)), cache)
    used = np.isin(np.arange(SETTINGS.vocabulary_size), IDS[IDS != PAD])
    np.testing.assert_array_equal(grads["embedding.weight"].any(axis=1), used)
    np.testing.assert_array_equal(grads["positions.weight"].any(axis=1), np.arange(SETTINGS.max_length) < 5)


def test_an_empty_prompt_has_a_meaning_of_its_own(read):
    empty, other = read([[START, PAD], [START, 3]])
    assert np.isfinite(empty).all()
    assert np.abs(empty - other).max() > 0.01


def test_the_order_of_the_words_matters_once_it_has_learned(read):
    one, other = read([[START, 3, 4], [START, 4, 3]])
    assert np.abs(one - other).max() > 0.01


def test_at_the_start_it_is_a_bag_of_words(rng):
    params = Parameters(text_encoder_shapes(SETTINGS, OUT), np.float64)
    initialize_text_encoder(rng, params, SETTINGS)
    y, _ = text_encoder_forward(np.array([[START, 3, 4], [START, 4, 3]]), params, SETTINGS)
    np.testing.assert_allclose(y[0], y[1], rtol=1e-12)
    words = (params["embedding.weight"][[START, 3, 4]] + params["positions.weight"][:3]).sum(axis=0)
    np.testing.assert_allclose(y[0], words @ params["proj.weight"], rtol=1e-12)


def test_float32_stays_float32_and_nothing_given_is_written_to(rng, params, float_types, locked):
    ids, weights = locked(IDS.copy()), locked(dict(params.astype(np.float32)))
    y, cache = text_encoder_forward(ids, weights, SETTINGS)
    grads = text_encoder_backward(locked(rng.normal(size=y.shape).astype(np.float32)), locked(cache))
    assert float_types(y, cache, grads) == {"float32"}
    assert grads.keys() == weights.keys()


def test_a_masked_word_is_seen_by_no_other(rng, away_from_zero):
    weights = away_from_zero(Parameters(transformer_block_shapes(6, 7), np.float64))
    x = rng.normal(size=(2, 5, 6))
    mask = np.array([[True, True, True, False, False]] * 2)
    before, _ = transformer_block_forward(x, weights, 3, mask)
    after, _ = transformer_block_forward(np.where(mask[..., None], x, 9.0), weights, 3, mask)
    np.testing.assert_array_equal(before[mask], after[mask])
