import math
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minidit.models.cost import MatrixProduct, matrix_products, multiply_accumulates, parameter_count
from minidit.models.dit import DiT, DiTSettings
from minidit.models.text_encoder import TextEncoderSettings
from minidit.presets import dit_settings

sys.path.append(str(Path(__file__).parents[1]))  # the tests are not a package
from recorder import recorded, recording
from variants import VARIANTS

TEXT = TextEncoderSettings(vocabulary_size=8, max_length=6, width=4, depth=2, num_heads=2, mlp_ratio=2)
BY_TEXT = DiTSettings(in_channels=3, patch=(2, 1, 2), width=12, depth=3, num_heads=3, mlp_ratio=2, text=TEXT)
BY_LABEL = replace(BY_TEXT, text=None, num_classes=4)
CHANNELS = replace(BY_TEXT, width=24, conditioning_channels=True)
NETWORKS = {"text": BY_TEXT, "label": BY_LABEL} | {name: replace(CHANNELS, **VARIANTS[name]) for name in VARIANTS}
GRID, BATCH = (2, 3, 1), 5


@pytest.fixture(params=NETWORKS)
def settings(request):
    return NETWORKS[request.param]


def papers(name):
    """The network of the paper: latents of 4 channels, its classes, and a variance."""
    return dit_settings(name, in_channels=4, num_classes=1000, learn_sigma=True)


@pytest.mark.parametrize(
    ("name", "side", "gflops"),
    [
        ("minidit-S/2", 32, "6.06"),
        ("minidit-B/2", 32, "23.01"),
        ("minidit-L/2", 32, "80.71"),
        ("minidit-XL/2", 32, "118.64"),
        ("minidit-XL/2", 64, "524.6"),
    ],
)
def test_a_forward_has_the_papers_multiply_accumulates(name, side, gflops):
    """Peebles & Xie 2023, tables 2 to 4. Beside products they count one for each number in a layer norm."""
    settings, tokens = papers(name), (side // 2) ** 2
    layer_norms = (2 * settings.depth + 1) * tokens * settings.width
    count = multiply_accumulates(settings, 1, (1, side // 2, side // 2), training=False) + layer_norms
    digits = len(gflops.partition(".")[2])
    assert f"{count / 1e9:.{digits}f}" == gflops


def test_the_largest_has_the_papers_parameters():
    # Their checkpoint holds 675,129,632 numbers; 256 · 1152 of them are the positions, which are computed here.
    assert parameter_count(papers("minidit-XL/2")) == 675_129_632 - 256 * 1152


def test_the_parameters_are_counted_without_making_them(settings):
    assert parameter_count(settings) == DiT(settings).params.flat.size


def test_a_product_takes_so_many_multiply_accumulates_for_each_of_its_results():
    assert MatrixProduct("any", batch=2, m=3, k=5, n=7).multiply_accumulates == 2 * (3 * 7) * 5


def test_a_linear_layer_costs_twice_as_much_in_the_backward_as_in_the_forward():
    products = [p for p in matrix_products(BY_LABEL, 5, (2, 3, 1)) if p.name.startswith("blocks.1.mlp.fc1")]
    assert [p.name for p in products] == ["blocks.1.mlp.fc1", "blocks.1.mlp.fc1.dx", "blocks.1.mlp.fc1.dw"]
    assert [p.multiply_accumulates for p in products] == [5 * 6 * 12 * 24] * 3


def test_recomputing_adds_exactly_the_forward_of_the_blocks():
    grid = (2, 3, 1)
    forward = [p for p in matrix_products(BY_TEXT, 5, grid, words=4, training=False) if p.name.startswith("blocks")]
    plain = multiply_accumulates(BY_TEXT, 5, grid, words=4)
    again = multiply_accumulates(BY_TEXT, 5, grid, words=4, recompute=True)
    assert again - plain == sum(p.multiply_accumulates for p in forward) > 0


@pytest.mark.parametrize(("settings", "words"), [(BY_TEXT, None), (BY_LABEL, 4)], ids=["text", "label"])
def test_words_are_needed_for_prompts_and_only_for_prompts(settings, words):
    with pytest.raises(ValueError, match="give words for a DiT that reads prompts"):
        matrix_products(settings, 1, (1, 1, 1), words)


def test_factorised_attention_is_cheaper_where_there_are_many_tokens():
    def cost(grid, **choices):
        return multiply_accumulates(replace(BY_TEXT, **choices), 1, grid, words=4)

    assert cost((2, 2, 2)) < cost((2, 2, 2), attention="factorised")
    assert cost((16, 16, 16)) > 2 * cost((16, 16, 16), attention="factorised")


# The products that a real model does


@pytest.fixture
def arguments(settings, rng):
    """x, t and condition of five clips, and what is known of them."""
    shape = tuple(tokens * step for tokens, step in zip(GRID, settings.patch, strict=True))
    x = rng.standard_normal((BATCH, *shape, settings.in_channels), dtype=np.float32)
    ids = np.array([[1, 2, 3, 4], [1, 5, 0, 0], [1, 0, 0, 0], [1, 3, 3, 2], [1, 7, 6, 0]])
    t = np.linspace(0, 900, BATCH, dtype=np.float32)
    known = np.zeros((BATCH, *shape), bool)
    known[:, :2, 0] = True
    return recorded(x), recorded(t), recorded(ids if settings.text else ids[:, 1] % 5), recorded(known)


@pytest.fixture
def model(settings):
    model = DiT(settings, np.random.default_rng(0))
    return DiT(settings, buffer=recorded(model.params.flat))


@pytest.fixture
def words(settings):
    return 4 if settings.text else None


@pytest.fixture
def in_blocks(monkeypatch, settings):
    """Attention in blocks of 4 queries, the last with 2 (in context of 3, the last with 2)."""
    scores = 3 * 3 * 11 if settings.prompt == "in_context" else 4 * 3 * 6
    monkeypatch.setattr("minidit.layers.multihead_attention.MANY_SCORES", 1)
    monkeypatch.setattr("minidit.layers.blockwise_attention.BLOCK_SCORES", scores)


def done(calls):
    """What `matrix_products` should say of the Calls, name aside, in some order."""
    operands = [call.inputs for call in calls if call.name == "matmul"]
    products = [as_product(*pair) for pair in operands if all(len(operand.shape) > 1 for operand in pair)]
    return Counter(product for product in products if product.m > 1 and product.n > 1)  # one row or column is a sum


def as_product(left, right):
    transposed = [operand.strides[-1] != operand.dtype.itemsize for operand in (left, right)]
    return MatrixProduct("", math.prod(left.shape[:-2]), *left.shape[-2:], right.shape[-1], *transposed)


def nameless(products):
    return Counter(replace(product, name="") for product in products)


def done_in_a_step(model, arguments, recompute):
    *inputs, known = arguments
    with recording() as calls:
        known = known if model.settings.conditioning_channels else None
        y, cache = model.forward(*inputs, recompute=recompute, known=known)
        model.backward(recorded(np.ones(y.shape, np.float32)), cache)
    return done(calls)


@pytest.mark.parametrize("recompute", [False, True])
def test_a_training_step_does_these_products(settings, model, arguments, words, recompute):
    expected = nameless(matrix_products(settings, BATCH, GRID, words, recompute=recompute))
    assert done_in_a_step(model, arguments, recompute) == expected


@pytest.mark.parametrize("recompute", [False, True])
def test_block_by_block_a_step_does_as_many_multiply_accumulates(
    settings, model, arguments, words, recompute, in_blocks
):
    products = done_in_a_step(model, arguments, recompute)
    count = sum(product.multiply_accumulates * times for product, times in products.items())
    assert count == multiply_accumulates(settings, BATCH, GRID, words, recompute=recompute)


def test_a_prediction_does_these_products(settings, model, arguments, words):
    x, t, condition, known = arguments
    with recording() as calls:
        known = known if settings.conditioning_channels else None
        model.predict(x, t, model.embed(condition), known)
    assert done(calls) == nameless(matrix_products(settings, BATCH, GRID, words, training=False))
