"""What the choices of `DiTSettings` cost: products and memory, counted and compared with a real network's."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minidit.models.cost import matrix_products, multiply_accumulates, parameter_count
from minidit.models.dit import DiT, DiTSettings
from minidit.models.memory import saved_activation_bytes, step_bytes
from minidit.models.text_encoder import TextEncoderSettings

sys.path.append(str(Path(__file__).parents[1]))  # the tests are not a package
sys.path.append(str(Path(__file__).parent))
from recorder import recorded, recording
from test_cost import done, nameless
from test_memory import buffers
from variants import VARIANTS

TEXT = TextEncoderSettings(vocabulary_size=8, max_length=6, width=4, depth=1, num_heads=2, mlp_ratio=2)
PLAIN = DiTSettings(
    in_channels=3, patch=(2, 1, 2), width=24, depth=2, num_heads=3, mlp_ratio=2, text=TEXT, conditioning_channels=True
)
GRID, BATCH, WORDS = (2, 3, 1), 5, 4


@pytest.fixture(params=VARIANTS)
def settings(request):
    return replace(PLAIN, **VARIANTS[request.param])


@pytest.fixture(params=["at once", "in blocks"])
def attention(request, monkeypatch, settings):
    """All scores at once; or blocks of 4 queries, the last with 2 (in context of 3, the last with 2)."""
    if request.param == "in blocks":
        scores = 3 * 3 * 11 if settings.prompt == "in_context" else 4 * 3 * 6
        monkeypatch.setattr("minidit.layers.multihead_attention.MANY_SCORES", 1)
        monkeypatch.setattr("minidit.layers.blockwise_attention.BLOCK_SCORES", scores)


def inputs(rng):
    """x, t, word ids and known latents of five clips, one token of each given."""
    shape = tuple(tokens * step for tokens, step in zip(GRID, PLAIN.patch, strict=True))
    x = rng.standard_normal((BATCH, *shape, PLAIN.in_channels), dtype=np.float32)
    ids = np.array([[1, 2, 3, 4], [1, 5, 0, 0], [1, 0, 0, 0], [1, 3, 3, 2], [1, 7, 6, 0]])
    known = np.zeros((BATCH, *shape), bool)
    known[:, :2, 0] = True
    return x, np.linspace(0, 900, BATCH, dtype=np.float32), ids, known


def test_the_parameters_are_counted_without_making_them(settings):
    assert parameter_count(settings) == DiT(settings).params.flat.size


@pytest.mark.parametrize("recompute", [False, True])
def test_a_training_step_does_these_products_in_this_order(settings, rng, recompute, attention):
    x, t, ids, known = map(recorded, inputs(rng))
    model = DiT(settings, buffer=recorded(DiT(settings, rng).params.flat))
    with recording() as calls:
        y, cache = model.forward(x, t, ids, recompute, known)
        model.backward(recorded(np.ones(y.shape, np.float32)), cache)
    expected = matrix_products(settings, BATCH, GRID, WORDS, recompute=recompute)
    assert done(calls) == nameless(expected)
    merged = multiply_accumulates(settings, BATCH, GRID, WORDS, recompute=recompute)
    assert merged == sum(product.multiply_accumulates for product in expected)


def test_a_prediction_does_these_products(settings, rng):
    x, t, ids, known = map(recorded, inputs(rng))
    model = DiT(settings, buffer=recorded(DiT(settings, rng).params.flat))
    with recording() as calls:
        model.predict(x, t, model.embed(ids), known)
    expected = nameless(matrix_products(settings, BATCH, GRID, WORDS, training=False))
    assert sorted(done(calls), key=str) == sorted(expected, key=str)


@pytest.mark.parametrize("recompute", [False, True])
def test_the_saved_activations_are_those_of_a_real_cache_to_the_byte(settings, rng, recompute, attention):
    x, t, ids, known = inputs(rng)
    model = DiT(settings, rng)
    _, cache = model.forward(x, t, ids, recompute, known)
    held = buffers(cache)
    del held[id(model.params.flat)]
    expected = saved_activation_bytes(settings, BATCH, GRID, WORDS, recompute)
    assert sum(array.nbytes for array in held.values()) == expected


def test_the_temporaries_of_a_step_are_known_of_the_papers_network_only():
    with pytest.raises(ValueError, match="this one has norm='rms', qk_norm=True"):
        step_bytes(replace(PLAIN, norm="rms", qk_norm=True), BATCH, GRID, WORDS)


def test_factorised_attention_is_cheaper_where_there_are_many_tokens():
    def cost(grid, **choices):
        return multiply_accumulates(replace(PLAIN, **choices), 1, grid, WORDS)

    assert cost((2, 2, 2)) < cost((2, 2, 2), attention="factorised")
    assert cost((16, 16, 16)) > 2 * cost((16, 16, 16), attention="factorised")
