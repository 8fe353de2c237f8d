import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from minidit.diffusion import RectifiedFlow, diffusion_loss_backward, diffusion_loss_forward, network_time
from minidit.models.dit import DiT, DiTSettings
from minidit.models.memory import saved_activation_bytes, step_bytes
from minidit.models.text_encoder import TextEncoderSettings

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


def buffers(value):
    """All memory that a cache holds, however deep: id -> array that owns it."""
    if isinstance(value, tuple | list | dict):
        parts = value.values() if isinstance(value, dict) else value
        return {key: array for part in parts for key, array in buffers(part).items()}
    if not isinstance(value, np.ndarray):
        return {}
    while isinstance(value.base, np.ndarray):
        value = value.base
    return {id(value): value}


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
    held = buffers(cache)
    del held[id(model.params.flat)]
    assert sum(array.nbytes for array in held.values()) == saved_activation_bytes(*case, recompute)


def test_a_cache_that_kept_one_more_array_would_be_noticed():
    array = np.zeros((5, 6), np.float32)
    assert sum(found.nbytes for found in buffers(([array, array.T], {"part": array[1:]})).values()) == array.nbytes
    assert len(buffers((array, (array.copy(), "no array", None)))) == 2


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
    gradients = step_bytes(many, *size)[1] - step_bytes(few, *size)[1]
    assert recomputed - gradients == 8 * 64 * 64 * 256 * 4  # what goes into each of 8 blocks more
    assert plain - gradients > 15 * (recomputed - gradients)
