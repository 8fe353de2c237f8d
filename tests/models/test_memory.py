import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from minidit.diffusion import RectifiedFlow, diffusion_loss_backward, diffusion_loss_forward, network_time
from minidit.layers import multihead_attention
from minidit.models import memory
from minidit.models.cost import parameter_count
from minidit.models.dit import DiT, DiTSettings
from minidit.models.memory import attention_in_blocks, saved_activation_bytes, saved_bytes, step_bytes
from minidit.models.text_encoder import TextEncoderSettings

sys.path.append(str(Path(__file__).parents[1]))  # the tests are not a package
from variants import VARIANTS

TEXT = TextEncoderSettings(vocabulary_size=12, max_length=9, width=16, depth=2, num_heads=2, mlp_ratio=3)
ODD = DiTSettings(3, (2, 1, 3), width=60, depth=3, num_heads=5, mlp_ratio=3, text=TEXT)
LABELS = replace(ODD, text=None, num_classes=10)
ONE_BLOCK = DiTSettings(4, (1, 2, 2), width=64, depth=1, num_heads=4, num_classes=10)
WIDE = DiTSettings(4, (1, 2, 2), width=256, depth=3, num_heads=4, num_classes=10)

CASES = {  # settings, batch, grid, words
    "prompts, odd sizes": (ODD, 7, (2, 3, 5), 8),
    "prompts, text encoder without blocks": (replace(ODD, text=replace(TEXT, depth=0)), 6, (2, 3, 5), 8),
    "labels, odd sizes": (LABELS, 7, (2, 3, 5), None),
    "a variance as well": (replace(LABELS, learn_sigma=True), 5, (1, 4, 4), None),
    "one clip": (ONE_BLOCK, 1, (1, 5, 7), None),
    "many clips": (ONE_BLOCK, 40, (1, 4, 4), None),
    "many tokens": (replace(ONE_BLOCK, depth=2), 2, (4, 8, 8), None),
    "more parameters than activations": (WIDE, 2, (1, 4, 4), None),
}


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def inputs(settings, batch, grid, words, rng):
    """Clean latents, times from 0 to 1, condition and noise. Every second prompt is half as long as the others."""
    shape = [tokens * step for tokens, step in zip(grid, settings.patch, strict=True)]
    latents, noise = rng.standard_normal((2, batch, *shape, settings.in_channels), dtype=np.float32)
    condition = rng.integers(0, 10, batch)
    if words:
        condition = rng.integers(1, 12, (batch, words))
        condition[1::2, words // 2 :] = 0
    return latents, rng.uniform(0.1, 0.9, batch).astype(np.float32), condition, noise


@pytest.fixture(params=["at once", "in blocks"])
def attention(request, monkeypatch):
    """All scores at once, or in blocks of a few queries."""
    if request.param == "in blocks":
        monkeypatch.setattr("minidit.layers.multihead_attention.MANY_SCORES", 1)
        monkeypatch.setattr("minidit.layers.blockwise_attention.BLOCK_SCORES", 2000)


@pytest.mark.parametrize("recompute", [False, True])
def test_the_saved_activations_are_those_of_a_real_cache_to_the_byte(case, recompute, attention, rng):
    settings, batch, grid, words = case
    model = DiT(settings, rng)
    latents, t, condition, _ = inputs(*case, rng)
    _, cache = model.forward(latents, t, condition, recompute=recompute)
    assert saved_bytes(cache, model.params.flat) == saved_activation_bytes(*case, recompute)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("choices", [{}, *VARIANTS.values()], ids=["the paper's", *VARIANTS])
def test_the_saved_activations_of_each_choice_are_those_of_a_real_cache(choices, recompute, attention, rng):
    settings, grid = replace(ODD, width=96, num_heads=4, **choices), (2, 3, 5)
    model = DiT(settings, rng)
    latents, t, condition, _ = inputs(settings, 7, grid, 8, rng)
    known = None
    if settings.conditioning_channels:
        known = np.zeros(latents.shape[:-1], bool)
    _, cache = model.forward(latents, t, condition, recompute=recompute, known=known)
    found = saved_activation_bytes(settings, 7, grid, 8, recompute)
    shared = 7 if settings.positions != "sincos" else 1  # all clips have their rotations in common
    assert found == pytest.approx(saved_bytes(cache, model.params.flat), rel=0.01 * shared)


def test_the_saved_activations_of_many_tokens_are_scaled_from_fewer():
    size = (ONE_BLOCK, 3, (1, 64, 64))
    scaled = saved_activation_bytes(*size)
    with mock.patch.object(memory, "MOST_TOKENS", 2**30):
        assert scaled == pytest.approx(saved_activation_bytes(*size), rel=0.001)


def test_a_buffer_counts_once_and_whole():
    a, b = np.zeros(100, np.float32), np.zeros((10, 10), np.float64)
    assert saved_bytes((a, [a[:10], {"b": b.T}], (b[0], b.reshape(-1)), 3, None)) == 400 + 800


def test_parameters_do_not_count_nor_do_views_of_them():
    params, a = np.zeros(100, np.float32), np.zeros(7, np.float32)
    assert saved_bytes((params[:50].reshape(5, 10), a), params) == 28


def test_the_choice_of_attention_is_made_for_what_is_inside_and_undone():
    before = multihead_attention.MANY_SCORES
    with attention_in_blocks(True):
        assert multihead_attention.MANY_SCORES == 0
    with attention_in_blocks(False):
        assert multihead_attention.MANY_SCORES > 2**40
    assert multihead_attention.MANY_SCORES == before


def training_step(model, latents, t, condition, noise, recompute):
    """A step as `minidit.training` does it, up to the gradients by name."""
    path = RectifiedFlow()
    prediction, cache = model.forward(path.noised(latents, noise, t), network_time(t), condition, recompute=recompute)
    _, loss_cache = diffusion_loss_forward(prediction, "data", path, latents, noise, t)
    return model.backward(diffusion_loss_backward(1.0, loss_cache), cache)[1]


@pytest.mark.parametrize("recompute", [False, True])
def test_the_memory_of_a_step_is_predicted(case, recompute, attention, rng):
    settings, batch, grid, words = case
    settings = replace(settings, learn_sigma=False)  # which no loss here is for
    model = DiT(settings, rng)
    arguments = inputs(settings, batch, grid, words, rng)
    model.positions_of(grid)
    tracemalloc.start()
    training_step(model, *arguments, recompute)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    peak += 2 * arguments[0].nbytes  # latents and noise were there before
    assert sum(step_bytes(settings, batch, grid, words, recompute)) == pytest.approx(peak, rel=0.1)


def test_recomputing_saves_the_activations_of_all_blocks_but_one():
    few, many = (replace(WIDE, depth=depth) for depth in (4, 12))
    size = (64, (1, 8, 8))
    plain = sum(step_bytes(many, *size)) - sum(step_bytes(few, *size))
    recomputed = sum(step_bytes(many, *size, recompute=True)) - sum(step_bytes(few, *size, recompute=True))
    gradients = 4 * (parameter_count(many) - parameter_count(few))
    assert recomputed - gradients == 8 * 64 * 64 * 256 * 4  # what goes into each of 8 blocks more
    assert plain - gradients > 15 * (recomputed - gradients)
