from dataclasses import replace

import numpy as np
import pytest

from minidit.backend.device import choose_device
from minidit.gradient_check import check_parameter_gradients
from minidit.layers import (
    gated_residual_backward,
    layernorm_modulate_forward,
    timestep_embedding,
)
from minidit.layers.multihead_attention import split_heads
from minidit.models.block import dit_block_backward, dit_block_forward, modulations_backward
from minidit.models.dit import DiT, DiTSettings
from minidit.models.text_encoder import TextEncoderSettings
from minidit.models.tokenizer import PAD, START

TEXT = TextEncoderSettings(vocabulary_size=8, max_length=6, width=4, depth=1, num_heads=2, mlp_ratio=2)
BY_TEXT = DiTSettings(in_channels=3, patch=(2, 1, 2), width=12, depth=2, num_heads=3, mlp_ratio=2, text=TEXT)
BY_LABEL = replace(BY_TEXT, text=None, num_classes=4)
CLIP = (4, 3, 2)  # frames, rows, columns: a grid of 2 × 3 × 1 patches

T = np.array([0.0, 437.5, 1000.0])
PROMPTS = np.array([[START, 3, 5, 3], [START, 7, PAD, PAD], [START, PAD, PAD, PAD]])
LABELS = np.array([4, 1, 4])  # 4 is "no label"


class Checked:
    """A float64 DiT with every parameter away from zero, its inputs, and what the checker wants of it."""

    def __init__(self, settings, rng, away_from_zero, clip=CLIP):
        self.dit = DiT(settings, dtype=np.float64)
        away_from_zero(self.dit.params)
        self.x = rng.normal(size=(3, *clip, settings.in_channels))
        self.dy = rng.normal(size=(3, *clip, settings.out_channels))
        self.condition = PROMPTS if settings.text else LABELS
        self.params = {"x": self.x, **self.dit.params}

    def forward(self):
        return self.dit.forward(self.x, T, self.condition)

    def loss(self):
        return np.sum(self.dy * self.forward()[0])

    def grads(self):
        dx, grads = self.dit.backward(self.dy, self.forward()[1])
        return {"x": dx} | grads

    def check(self, entries):
        check_parameter_gradients(self.loss, self.params, self.grads(), entries)


# Gradients


@pytest.mark.parametrize("settings", [BY_TEXT, BY_LABEL], ids=["text", "label"])
def test_recomputing_gives_the_same_gradients_from_a_smaller_cache(rng, away_from_zero, settings):
    checked = Checked(settings, rng, away_from_zero)
    kept, cache = checked.forward()
    recomputed, small_cache = checked.dit.forward(checked.x, T, checked.condition, recompute=True)
    assert np.array_equal(recomputed, kept)
    dx, grads = checked.dit.backward(checked.dy, cache)
    dx_again, grads_again = checked.dit.backward(checked.dy, small_cache)
    assert np.array_equal(dx, dx_again)
    assert grads.keys() == grads_again.keys()
    assert all(np.array_equal(grads[name], grads_again[name]) for name in grads)

    _, (_, _, (block_caches, *_), _) = small_cache
    assert len(block_caches) == settings.depth
    for x, c, parameters, *_ in block_caches:  # what went in, and nothing else
        assert (x.ndim, c.ndim) == (3, 2)
        assert all(np.shares_memory(array, checked.dit.params.flat) for array in parameters.values())


@pytest.mark.parametrize("settings", [BY_TEXT, BY_LABEL], ids=["text", "label"])
def test_predicting_for_a_sampler_is_the_forward_pass(rng, away_from_zero, settings):
    checked = Checked(settings, rng, away_from_zero)
    predicted = checked.dit.predict(checked.x, T, checked.dit.embed(checked.condition))
    assert np.array_equal(predicted, checked.forward()[0])


def test_attention_is_what_every_block_attends_with(rng, away_from_zero):
    checked = Checked(BY_TEXT, rng, away_from_zero)
    dit, prompt = checked.dit, checked.dit.embed(checked.condition)
    h, _ = dit.tokens_forward(checked.x, T)
    c, _ = dit.condition_forward(T, prompt)
    expected = []
    for p in dit.block_params:
        modulation = c @ p["adaLN_modulation.1.weight"] + p["adaLN_modulation.1.bias"]
        shift, scale = np.split(modulation, 6, axis=-1)[:2]
        tokens, _ = layernorm_modulate_forward(h, shift, scale)
        q, k, _ = split_heads(tokens @ p["attn.qkv.weight"] + p["attn.qkv.bias"], BY_TEXT.num_heads)
        scores = q @ k.swapaxes(-1, -2) / np.sqrt(BY_TEXT.head_width)
        expected.append(np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True))
        h, _ = dit_block_forward(h, c, p, BY_TEXT)
    np.testing.assert_allclose(dit.attention(checked.x, T, prompt), expected, atol=1e-12)


@pytest.mark.parametrize(
    "choices", [{"qk_norm": True, "positions": "rope"}, {"prompt": "cross"}, {"norm": "rms", "feedforward": "swiglu"}]
)
def test_attention_is_found_whatever_the_block_is_made_of(choices, rng, away_from_zero):
    checked = Checked(replace(BY_TEXT, width=18, **choices), rng, away_from_zero)
    weights = checked.dit.attention(checked.x, T, checked.dit.embed(checked.condition))
    assert weights.shape == (2, 3, 3, 6, 6)
    np.testing.assert_allclose(weights.sum(axis=-1), 1)


def test_factorised_attention_has_no_weights_between_all_tokens(rng, away_from_zero):
    checked = Checked(replace(BY_TEXT, attention="factorised"), rng, away_from_zero)
    with pytest.raises(ValueError, match="factorised"):
        checked.dit.attention(checked.x, T, checked.dit.embed(checked.condition))


@pytest.mark.parametrize("learn_sigma", [False, True])
@pytest.mark.parametrize("settings", [BY_TEXT, BY_LABEL], ids=["text", "label"])
def test_every_gradient(rng, away_from_zero, settings, learn_sigma):
    Checked(replace(settings, learn_sigma=learn_sigma), rng, away_from_zero).check(entries=6)


@pytest.mark.parametrize(
    ("patch", "clip"),
    [
        ((1, 1, 1), (1, 2, 3)),  # a picture, pixel by pixel
        ((1, 2, 2), (1, 4, 6)),  # a picture, as in the paper
        ((1, 2, 1), (3, 4, 2)),  # frame by frame
        ((4, 1, 2), (4, 2, 4)),  # all frames in one token
        ((2, 2, 2), (6, 2, 4)),  # patches of time and space
        ((2, 1, 1), (8, 1, 1)),  # one pixel, over time
    ],
)
def test_every_gradient_on_every_grid(rng, away_from_zero, patch, clip):
    Checked(replace(BY_LABEL, patch=patch, depth=1), rng, away_from_zero, clip).check(entries=3)


def test_the_gradient_of_a_label_used_twice_counts_both(rng, away_from_zero):
    checked = Checked(BY_LABEL, rng, away_from_zero)
    dtable = checked.grads()["y_embedder.embedding_table.weight"]
    np.testing.assert_array_equal(dtable.any(axis=1), [False, True, False, False, True])
    check_parameter_gradients(
        checked.loss,
        {"no label": checked.params["y_embedder.embedding_table.weight"]},
        {"no label": dtable},
        entries=60,
    )


def test_the_backward_can_be_called_again(rng, away_from_zero, locked):
    checked = Checked(BY_TEXT, rng, away_from_zero)
    _, cache = checked.forward()
    first = checked.dit.backward(locked(checked.dy), locked(cache))
    second = checked.dit.backward(checked.dy, cache)
    np.testing.assert_array_equal(first[0], second[0])
    for name, gradient in first[1].items():
        np.testing.assert_array_equal(gradient, second[1][name])


# Mistakes in the backward, and all that each makes wrong

TIME = {f"t_embedder.mlp.{i}.{kind}" for i in (0, 2) for kind in ("weight", "bias")}
LABEL = {"y_embedder.embedding_table.weight"}
FINAL_MODULATION = {"final_layer.adaLN_modulation.1.weight", "final_layer.adaLN_modulation.1.bias"}
BLOCK_MODULATION = {f"blocks.{i}.adaLN_modulation.1.{kind}" for i in (0, 1) for kind in ("weight", "bias")}


def block_keeps_its_condition(dx, cache):
    dx, dc, *rest = dit_block_backward(dx, cache)
    return dx, np.zeros_like(dc), *rest


def gate_gradient_missing(dy, cache):
    dx, dh, dgate = gated_residual_backward(dy, cache)
    return dx, dh, np.zeros_like(dgate)


def silu_slope_forgotten(dy, cache):
    return dy


def shift_and_scale_of_the_final_layer_swapped(dmodulations, cache):
    return modulations_backward(dmodulations[::-1] if len(dmodulations) == 2 else dmodulations, cache)


SLIPS = [
    ("minidit.models.dit.dit_block_backward", block_keeps_its_condition, TIME | LABEL),
    ("minidit.layers.fused.gated_residual_backward", gate_gradient_missing, TIME | LABEL | BLOCK_MODULATION),
    ("minidit.models.conditioning.silu_backward", silu_slope_forgotten, TIME | LABEL),
    (
        "minidit.models.block.modulations_backward",
        shift_and_scale_of_the_final_layer_swapped,
        TIME | LABEL | FINAL_MODULATION,
    ),
]


@pytest.mark.parametrize(("call", "slip", "wrong"), SLIPS, ids=[slip.__name__ for _, slip, _ in SLIPS])
def test_the_check_names_what_a_mistake_makes_wrong(
    rng, away_from_zero, wrong_gradients, monkeypatch, call, slip, wrong
):
    checked = Checked(BY_LABEL, rng, away_from_zero)
    monkeypatch.setattr(call, slip)
    assert wrong_gradients(checked.loss, checked.params, checked.grads()) == wrong


# The condition


def test_a_padded_prompt_counts_like_an_unpadded_one(rng, away_from_zero):
    checked = Checked(BY_TEXT, rng, away_from_zero)
    together, _ = checked.forward()
    for i, prompt in enumerate(PROMPTS):
        alone, _ = checked.dit.forward(checked.x[i : i + 1], T[i : i + 1], prompt[prompt != PAD][None])
        np.testing.assert_allclose(alone[0], together[i], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("settings", [BY_TEXT, BY_LABEL], ids=["text", "label"])
def test_time_and_condition_both_matter(rng, away_from_zero, settings):
    checked = Checked(settings, rng, away_from_zero)
    y, _ = checked.forward()
    later, _ = checked.dit.forward(checked.x, T + 50, checked.condition)
    otherwise, _ = checked.dit.forward(checked.x, T, np.roll(checked.condition, 1, axis=0))
    assert (np.abs(later - y).max(axis=(1, 2, 3, 4)) > 1e-3).all()
    assert np.abs(otherwise[1] - y[1]).max() > 1e-3


def test_time_is_embedded_as_the_number_it_is(rng, away_from_zero, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "minidit.models.conditioning.timestep_embedding",
        lambda t, width, dtype: asked.append((t.tolist(), width)) or timestep_embedding(t, width, dtype=dtype),
    )
    Checked(BY_LABEL, rng, away_from_zero).forward()
    assert asked == [([0.0, 437.5, 1000.0], 256)]


# Tokens and grids


def test_the_same_weights_serve_every_grid(rng, away_from_zero):
    checked = Checked(BY_TEXT, rng, away_from_zero)
    for clip in [CLIP, (2, 1, 4), (8, 5, 2), CLIP]:
        x = rng.normal(size=(3, *clip, 3))
        y, cache = checked.dit.forward(x, T, PROMPTS)
        dx, _ = checked.dit.backward(y, cache)
        assert y.shape == dx.shape == x.shape
    assert set(checked.dit.positions) == {(2, 3, 1), (1, 1, 2), (4, 5, 1)}


def test_a_clip_played_backwards_is_another_clip(rng, away_from_zero):
    checked = Checked(replace(BY_TEXT, patch=(1, 1, 1)), rng, away_from_zero)
    y, _ = checked.forward()
    backwards, _ = checked.dit.forward(checked.x[:, ::-1], T, PROMPTS)
    assert np.abs(backwards[:, ::-1] - y).max() > 1e-3


def test_a_size_that_does_not_divide_is_refused(rng, away_from_zero):
    with pytest.raises(ValueError, match="3 columns do not divide into patches of 2"):
        Checked(BY_TEXT, rng, away_from_zero, clip=(4, 3, 3)).forward()


# The start


@pytest.mark.parametrize("settings", [BY_TEXT, BY_LABEL], ids=["text", "label"])
def test_at_the_start_every_block_is_the_identity_and_the_output_zero(rng, settings):
    dit = DiT(settings, rng)
    h, c = rng.normal(size=(3, 6, 12)).astype(np.float32), rng.normal(size=(3, 12)).astype(np.float32)
    for block in dit.block_params:
        np.testing.assert_array_equal(dit_block_forward(h, c, block, settings)[0], h)
    x = rng.normal(size=(3, *CLIP, 3)).astype(np.float32)
    y, cache = dit.forward(x, T, PROMPTS if settings.text else LABELS)
    assert not y.any()
    # So the first step of training moves the last layer, and only then do the others hear of the loss.
    _, grads = dit.backward(np.ones_like(y), cache)
    assert {name for name, gradient in grads.items() if gradient.any()} == {
        "final_layer.linear.weight",
        "final_layer.linear.bias",
    }


def test_what_starts_at_zero_and_what_does_not(rng):
    params = DiT(BY_LABEL, rng).params
    zero = {name for name, array in params.items() if not array.any()}
    biases = {name for name in params if name.endswith("bias")}
    assert zero == biases | {name for name in params if "adaLN_modulation" in name or "final_layer" in name}


def test_embeddings_start_small_as_in_the_reference(rng):
    params = DiT(replace(BY_LABEL, width=120, num_classes=50), rng).params
    for name in ("t_embedder.mlp.0.weight", "t_embedder.mlp.2.weight", "y_embedder.embedding_table.weight"):
        assert params[name].std() == pytest.approx(0.02, rel=0.05)


def test_the_same_seed_draws_the_same_model():
    one, other = (DiT(BY_TEXT, np.random.default_rng(5)).params.flat for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert not DiT(BY_TEXT).params.flat.any()


# Settings, precision, memory


@pytest.mark.parametrize("condition", [{}, {"num_classes": 3, "text": TEXT}])
def test_a_dit_wants_exactly_one_kind_of_condition(condition):
    with pytest.raises(ValueError, match="give num_classes or text, not both"):
        DiTSettings(3, (1, 2, 2), 12, 1, 3, **condition)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="width 12 is not divisible by num_heads 5"):
        replace(BY_TEXT, num_heads=5)


def test_learn_sigma_doubles_the_channels(rng):
    settings = replace(BY_LABEL, learn_sigma=True)
    y, _ = DiT(settings, rng).forward(rng.normal(size=(3, *CLIP, 3)).astype(np.float32), T, LABELS)
    assert settings.out_channels == 6
    assert y.shape == (3, *CLIP, 6)


@pytest.mark.parametrize("settings", [BY_TEXT, BY_LABEL], ids=["text", "label"])
def test_float32_stays_float32_and_nothing_given_is_written_to(rng, away_from_zero, float_types, locked, settings):
    dit = DiT(settings)
    away_from_zero(dit.params)
    locked(dict(dit.params))
    x, dy = (locked(rng.normal(size=(3, *CLIP, 3)).astype(np.float32)) for _ in range(2))
    condition = (PROMPTS if settings.text else LABELS).copy()
    y, cache = dit.forward(x, locked(T.copy()), locked(condition))  # the times are float64
    dx, grads = dit.backward(dy, locked(cache))
    assert float_types(y, cache, dx, grads) == {"float32"}
    assert {name: gradient.shape for name, gradient in grads.items()} == dict(dit.params.shapes)


def test_the_parameters_live_in_the_buffer_given(rng):
    size = DiT(BY_TEXT).params.flat.size
    buffer = np.zeros(size, np.float32)
    dit = DiT(BY_TEXT, rng, buffer=buffer)
    assert np.shares_memory(dit.block_params[1]["attn.qkv.weight"], buffer)
    assert np.count_nonzero(buffer) > size / 2


# On another device


class Twins:
    """A DiT with every parameter away from zero, the same on the simulated GPU, and inputs for both."""

    def __init__(self, settings, rng, away_from_zero, dtype=np.float32):
        self.xp = choose_device("simulated")
        self.here = DiT(settings, dtype=dtype)
        away_from_zero(self.here.params)
        self.there = self.here.on(self.xp)
        self.x = rng.normal(size=(3, *CLIP, settings.in_channels)).astype(dtype)
        self.dy = rng.normal(size=(3, *CLIP, settings.out_channels)).astype(dtype)
        self.t, self.condition = T.astype(dtype), PROMPTS if settings.text else LABELS

    def inputs_there(self):
        return [self.xp.asarray(array) for array in (self.x, self.t, self.condition)]

    def assert_same(self, bound, recompute=False):
        y, cache = self.here.forward(self.x, self.t, self.condition, recompute)
        y_there, cache_there = self.there.forward(*self.inputs_there(), recompute)
        dx, grads = self.here.backward(self.dy, cache)
        dx_there, grads_there = self.there.backward(self.xp.asarray(self.dy), cache_there)
        assert grads_there.keys() == grads.keys()
        expected = {"y": y, "dx": dx} | grads
        for name, array in ({"y": y_there, "dx": dx_there} | grads_there).items():
            assert array.dtype == self.x.dtype
            largest = np.abs(expected[name]).max()
            # What softmax takes no notice of has no gradient but rounding errors.
            largest = np.abs(expected["dx"]).max() if name.endswith("attn.qkv.bias") else largest
            np.testing.assert_allclose(array.get(), expected[name], rtol=0, atol=bound * largest, err_msg=name)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("settings", [BY_TEXT, BY_LABEL], ids=["text", "label"])
def test_on_another_device_output_and_gradients_are_the_same(rng, away_from_zero, settings, recompute):
    Twins(settings, rng, away_from_zero).assert_same(1e-5, recompute)


@pytest.mark.parametrize("settings", [BY_TEXT, BY_LABEL], ids=["text", "label"])
def test_float64_stays_float64_on_another_device(rng, away_from_zero, settings):
    """Which has no kernels for it: so a gradient can be checked there as well."""
    twins = Twins(settings, rng, away_from_zero, np.float64)
    with twins.xp.count() as count:
        twins.assert_same(1e-12)
    names = {launch.name for launch in count.launches}
    assert "matmul" in names
    assert not any(name.startswith(("layernorm_modulate", "bias_", "scaled_softmax")) for name in names)


@pytest.mark.parametrize("settings", [BY_TEXT, BY_LABEL], ids=["text", "label"])
def test_on_another_device_it_predicts_the_same(rng, away_from_zero, settings):
    twins = Twins(settings, rng, away_from_zero)
    x, t, condition = twins.inputs_there()
    expected = twins.here.predict(twins.x, twins.t, twins.here.embed(twins.condition))
    got = twins.there.predict(x, t, twins.there.embed(condition)).get()
    np.testing.assert_allclose(got, expected, atol=1e-5 * np.abs(expected).max())


def test_on_another_device_positions_are_taken_across_once(rng, away_from_zero):
    twins = Twins(BY_TEXT, rng, away_from_zero)
    inputs = twins.inputs_there()
    for copies in (1, 0):
        with twins.xp.count() as count:
            twins.there.forward(*inputs)
        assert (count.host_to_device.count, count.hidden_transfers) == (copies, 0)


def test_the_parameters_of_the_other_device_are_its_own(rng, away_from_zero):
    twins = Twins(BY_LABEL, rng, away_from_zero)
    twins.there.params.flat[...] = 0
    assert twins.here.params.flat.all()
    y, _ = twins.there.forward(*twins.inputs_there())
    assert not y.get().any()  # the blocks look at the buffer that has been changed
    assert twins.there.settings == twins.here.settings
