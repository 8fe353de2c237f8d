import math
import sys
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

TEXT = TextEncoderSettings(vocabulary_size=8, max_length=6, width=4, depth=2, num_heads=2, mlp_ratio=2)
BY_TEXT = DiTSettings(in_channels=3, patch=(2, 1, 2), width=12, depth=3, num_heads=3, mlp_ratio=2, text=TEXT)
BY_LABEL = replace(BY_TEXT, text=None, num_classes=4)


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


@pytest.mark.parametrize("settings", [BY_TEXT, BY_LABEL], ids=["text", "label"])
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


# The products that a real model does

GRID = (2, 3, 1)


@pytest.fixture(params=[BY_TEXT, BY_LABEL], ids=["text", "label"])
def settings(request):
    return request.param


@pytest.fixture
def arguments(settings, rng):
    """x, t and condition of five clips."""
    shape = tuple(tokens * step for tokens, step in zip(GRID, settings.patch, strict=True))
    x = rng.standard_normal((5, *shape, settings.in_channels), dtype=np.float32)
    ids = np.array([[1, 2, 3, 4], [1, 5, 0, 0], [1, 0, 0, 0], [1, 3, 3, 2], [1, 7, 6, 0]])
    t = np.linspace(0, 1000, 5, dtype=np.float32)
    return recorded(x), recorded(t), recorded(ids if settings.text else ids[:, 1] % 5)


@pytest.fixture
def model(settings):
    model = DiT(settings, np.random.default_rng(0))
    return DiT(settings, buffer=recorded(model.params.flat))


def done(calls):
    """What `matrix_products` should say of the Calls, name aside."""
    operands = [call.inputs for call in calls if call.name == "matmul"]
    products = [as_product(*pair) for pair in operands if all(len(operand.shape) > 1 for operand in pair)]
    return [product for product in products if product.m > 1 and product.n > 1]  # one row or column is a sum


def as_product(left, right):
    transposed = [operand.strides[-1] != operand.dtype.itemsize for operand in (left, right)]
    return MatrixProduct("", math.prod(left.shape[:-2]), *left.shape[-2:], right.shape[-1], *transposed)


def nameless(products):
    return [replace(product, name="") for product in products]


def test_merging_the_blocks_of_attention_changes_the_list_but_not_the_multiply_accumulates():
    long = replace(BY_LABEL, width=64, num_heads=4)
    listed = matrix_products(long, 3, (1, 32, 64))
    assert len(listed) > len(matrix_products(long, 3, (1, 32, 64), merged=True))
    assert sum(p.multiply_accumulates for p in listed) == multiply_accumulates(long, 3, (1, 32, 64))


@pytest.fixture(params=["at once", "in blocks"])
def attention(request, monkeypatch):
    """All scores at once; or blocks of 4 tokens' queries, the last with 2 (words fit in one)."""
    if request.param == "in blocks":
        monkeypatch.setattr("minidit.layers.multihead_attention.MANY_SCORES", 1)
        monkeypatch.setattr("minidit.layers.blockwise_attention.BLOCK_SCORES", 4 * 3 * 6)
    return request.param


@pytest.mark.parametrize("recompute", [False, True])
def test_a_training_step_does_these_products_in_this_order(settings, model, arguments, recompute, attention):
    with recording() as calls:
        y, cache = model.forward(*arguments, recompute=recompute)
        model.backward(recorded(np.ones(y.shape, np.float32)), cache)
    words = 4 if settings.text else None
    assert done(calls) == nameless(matrix_products(settings, 5, GRID, words, recompute=recompute))


def test_a_prediction_does_these_products(settings, model, arguments, attention):
    x, t, condition = arguments
    with recording() as calls:
        model.predict(x, t, model.embed(condition))
    words = 4 if settings.text else None
    expected = nameless(matrix_products(settings, 5, GRID, words, training=False))
    assert sorted(done(calls), key=str) == sorted(expected, key=str)  # the embedding comes first here
    if attention == "at once":
        assert len(expected) == 3 * 7 + 5 + (2 * 6 + 1 if settings.text else 0)
