"""Every choice of `DiTSettings` alone, and two together: gradients, padding, start, precision, devices."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minidit.backend.device import choose_device
from minidit.gradient_check import check_parameter_gradients
from minidit.layers import cross_attention_backward, select_backward, self_attention_backward
from minidit.models.checkpoint import load_model, save_model, settings_from_json, settings_to_json
from minidit.models.conditioning import context_backward
from minidit.models.conditioning_channels import existing
from minidit.models.dit import DiT, DiTSettings, dit_shapes
from minidit.models.dit_settings import CHOICES
from minidit.models.text_encoder import TextEncoderSettings
from minidit.models.tokenizer import PAD, START
from minidit.models.video_model import VideoModel

sys.path.append(str(Path(__file__).parents[1]))  # the tests are not a package
from variants import VARIANTS

TEXT = TextEncoderSettings(vocabulary_size=8, max_length=6, width=4, depth=1, num_heads=2, mlp_ratio=2)
PLAIN = DiTSettings(
    in_channels=3, patch=(2, 1, 2), width=24, depth=2, num_heads=3, mlp_ratio=2, text=TEXT, conditioning_channels=True
)
GRID = (4, 3, 4)  # frames, rows, columns of latents: 2 × 3 × 2 tokens
T = np.array([0.0, 437.5, 900.0])
PROMPTS = np.array([[START, 3, 5, 3], [START, 7, PAD, PAD], [START, PAD, PAD, PAD]])
SIZES = np.array([(4, 3, 4), (3, 2, 3), (1, 3, 2)])

@pytest.fixture(params=VARIANTS)
def settings(request):
    return replace(PLAIN, **VARIANTS[request.param])


class Checked:
    """A float64 DiT with every parameter away from zero, padded and partly known clips, and what the checker wants."""

    def __init__(self, settings, rng, away_from_zero):
        self.dit = DiT(settings, dtype=np.float64)
        away_from_zero(self.dit.params)
        self.x, self.dy = rng.normal(size=(2, 3, *GRID, 3))
        self.known = rng.random((3, *GRID)) < 0.4
        self.known[:, :2, 0] = True  # whole tokens
        self.params = {"x": self.x, **self.dit.params}

    def forward(self, recompute=False):
        return self.dit.forward(self.x, T, PROMPTS, recompute, self.known, SIZES)

    def loss(self):
        return np.sum(self.dy * self.forward()[0])

    def grads(self, recompute=False):
        dx, grads = self.dit.backward(self.dy, self.forward(recompute)[1])
        return {"x": dx} | grads


@pytest.fixture
def checked(settings, rng, away_from_zero):
    return Checked(settings, rng, away_from_zero)


# Gradients


def test_every_gradient_with_known_latents_and_padded_clips(checked):
    check_parameter_gradients(checked.loss, checked.params, checked.grads(), entries=3)


def test_recomputing_gives_the_same_gradients(checked):
    grads, again = checked.grads(), checked.grads(recompute=True)
    assert grads.keys() == again.keys()
    assert all(np.array_equal(grads[name], again[name]) for name in grads)


def test_the_backward_can_be_called_again(checked, locked):
    _, cache = checked.forward()
    first = checked.dit.backward(checked.dy, locked(cache))
    second = checked.dit.backward(checked.dy, cache)
    assert all(np.array_equal(first[1][name], second[1][name]) for name in first[1])


# Mistakes in the backward, and all that each makes wrong

BLOCKS = "minidit.models.block."
TIME = {f"t_embedder.mlp.{i}.{kind}" for i in (0, 2) for kind in ("weight", "bias")}
READER = {f"text_encoder.{name}" for name in ("embedding.weight", "positions.weight", "proj.weight", "proj.bias")} | {
    f"text_encoder.blocks.0.{layer}.{kind}"
    for layer in ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")
    for kind in ("weight", "bias")
}


def words_not_passed_on(dy, cache):
    dx, dwords, *rest = cross_attention_backward(dy, cache)
    return dx, np.zeros_like(dwords), *rest


def words_of_one_block(dh, dc, tokens):
    dh, dc, dwords = context_backward(dh, dc, tokens)
    return dh, dc, np.zeros_like(dwords)


def token_of_the_time_forgotten(dh, dc, tokens):
    dh, _, dwords = context_backward(dh, dc, tokens)
    return dh, dc, dwords


def gains_swapped(dy, cache):
    *grads, dgain_q, dgain_k = self_attention_backward(dy, cache)
    return *grads, dgain_k, dgain_q


def times_swapped(dy, cache):
    return select_backward(dy, cache)[..., ::-1, :]


GAINS = {f"blocks.{i}.attn.{part}_norm.weight" for i in (0, 1) for part in "qk"}
MODULATION = {
    f"{layer}.adaLN_modulation.1.weight" for layer in ("blocks.0", "blocks.1", "final_layer")
}  # the biases add up over both times
SLIPS = [
    ("cross-attention", BLOCKS + "cross_attention_backward", words_not_passed_on, READER),
    ("in context", "minidit.models.dit.context_backward", words_of_one_block, READER),
    ("in context", "minidit.models.dit.context_backward", token_of_the_time_forgotten, TIME),
    ("QK-norm", BLOCKS + "self_attention_backward", gains_swapped, GAINS),
    ("time per token", BLOCKS + "select_backward", times_swapped, MODULATION | TIME | READER),
]


@pytest.mark.parametrize(("variant", "call", "slip", "wrong"), SLIPS, ids=[slip.__name__ for *_, slip, _ in SLIPS])
def test_the_check_names_what_a_mistake_makes_wrong(
    rng, away_from_zero, wrong_gradients, monkeypatch, variant, call, slip, wrong
):
    checked = Checked(replace(PLAIN, **VARIANTS[variant]), rng, away_from_zero)
    monkeypatch.setattr(call, slip)
    assert wrong_gradients(checked.loss, checked.params, checked.grads()) == wrong


# What is computed


def test_a_padded_clip_is_predicted_as_alone(checked):
    together, _ = checked.forward()
    for n, sizes in enumerate(SIZES):
        # Alone it still fills whole patches, but has no other padding, and neither has its prompt.
        frames, rows, columns = (-(-size // step) * step for size, step in zip(sizes, PLAIN.patch, strict=True))
        part = np.s_[n : n + 1, :frames, :rows, :columns]
        prompt = PROMPTS[n][PROMPTS[n] != PAD][None]
        alone, _ = checked.dit.forward(
            checked.x[part], T[n : n + 1], prompt, known=checked.known[part], sizes=SIZES[n : n + 1]
        )
        inside = existing(checked.x.shape, SIZES, np)[part]
        np.testing.assert_allclose(together[part][inside], alone[inside], rtol=0, atol=1e-9)


def test_predicting_for_a_sampler_is_the_forward_pass(checked):
    predicted = checked.dit.predict(checked.x, T, checked.dit.embed(PROMPTS), checked.known, SIZES)
    assert np.array_equal(predicted, checked.forward()[0])


def test_time_and_every_word_matter(checked):
    y, _ = checked.forward()
    later, _ = checked.dit.forward(checked.x, T + 50, PROMPTS, known=checked.known, sizes=SIZES)
    assert (np.abs(later - y).max(axis=(1, 2, 3, 4)) > 1e-4).all()
    prompts = PROMPTS.copy()
    prompts[0, 2] = 6
    otherwise, _ = checked.dit.forward(checked.x, T, prompts, known=checked.known, sizes=SIZES)
    changed = np.abs(otherwise - y).max(axis=(1, 2, 3, 4))
    assert changed[0] > 1e-4 and not changed[1:].any()


def test_a_clip_played_backwards_is_another_clip(rng, away_from_zero, settings):
    """Without conditioning channels, which say where a latent is: by the positions alone."""
    dit = DiT(replace(settings, patch=(1, 1, 1), conditioning_channels=False), dtype=np.float64)
    away_from_zero(dit.params)
    x = rng.normal(size=(3, *GRID, 3))
    y, _ = dit.forward(x, T, PROMPTS)
    backwards, _ = dit.forward(x[:, ::-1], T, PROMPTS)
    assert np.abs(backwards[:, ::-1] - y).max() > 1e-3


@pytest.mark.parametrize(("positions", "tells"), [("sincos", True), ("rope", False), ("both", True)])
def test_of_latents_that_are_alike_only_added_positions_tell_which_is_where(positions, tells, rng, away_from_zero):
    settings = replace(PLAIN, positions=positions, patch=(1, 1, 1), conditioning_channels=False)
    dit = DiT(settings, dtype=np.float64)
    away_from_zero(dit.params)
    x = np.broadcast_to(rng.normal(size=(3, 1, 1, 1, 3)), (3, *GRID, 3))
    y, _ = dit.forward(x, T, PROMPTS)
    assert (np.ptp(y, axis=(1, 2, 3)).max() > 1e-3) == tells


@pytest.mark.parametrize("channels", [False, True])
def test_with_a_time_per_token_known_tokens_are_modulated_as_clean_ones(rng, away_from_zero, channels):
    dit = DiT(replace(PLAIN, time="token", conditioning_channels=channels), dtype=np.float64)
    away_from_zero(dit.params)
    x = rng.normal(size=(3, *GRID, 3))
    known = np.zeros((3, *GRID), bool)
    known[:, :2, :2, 1] = True  # half of some tokens, which doesn't make them known
    none, _ = dit.forward(x, T, PROMPTS)
    half, _ = dit.forward(x, T, PROMPTS, known=known)
    assert np.array_equal(none, half) != channels  # only conditioning channels tell
    every = np.ones((3, *GRID), bool)
    told, _ = dit.forward(x, T, PROMPTS, known=every)
    clean, _ = dit.forward(x, np.full(3, 1000.0), PROMPTS, known=every)
    np.testing.assert_allclose(told, clean, rtol=1e-12, atol=1e-12)
    assert np.abs(told - none).max() > 1e-3


def test_known_latents_need_conditioning_channels_or_a_time_per_token(rng):
    x, known = rng.normal(size=(3, *GRID, 3)), np.ones((3, *GRID), bool)
    for settings, inputs in [({}, {"known": known}), ({"time": "token"}, {"sizes": SIZES})]:
        with pytest.raises(ValueError, match="conditioning_channels=True"):
            dit = DiT(replace(PLAIN, conditioning_channels=False, **settings), dtype=np.float64)
            dit.forward(x, T, PROMPTS, **inputs)


# The settings


@pytest.mark.parametrize("name", CHOICES)
def test_an_unknown_choice_is_refused_with_a_list_of_the_known_ones(name):
    first = repr(CHOICES[name][0])
    with pytest.raises(ValueError, match=rf"{name} is 'other'; choose from {first}, "):
        replace(PLAIN, **{name: "other"})


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ({"prompt": "cross", "text": None, "num_classes": 4}, "prompt='cross' is about words"),
        ({"prompt": "in_context", "attention": "factorised"}, "words in context have no frame"),
        ({"positions": "rope", "width": 12}, "even width of at least 6, not 4"),
        ({"positions": "both", "width": 12}, "positions='both' needs heads of an even width"),
    ],
)
def test_choices_that_do_not_go_together_are_refused(choices, says):
    with pytest.raises(ValueError, match=says):
        replace(PLAIN, **choices)


@pytest.mark.parametrize("width", [24, 126])
def test_swiglu_has_as_many_parameters(width):
    def count(settings):
        return sum(int(np.prod(shape)) for name, shape in dit_shapes(settings).items() if ".mlp." in name)

    plain = replace(PLAIN, width=width, mlp_ratio=4, depth=1)
    assert count(replace(plain, feedforward="swiglu")) == pytest.approx(count(plain), rel=0.01)


def test_a_checkpoint_keeps_the_choices(tmp_path, tiny_model, settings):
    old = tiny_model.settings
    dit = replace(old.dit, num_heads=2, **{name: getattr(settings, name) for name in CHOICES})
    model = VideoModel(replace(old, dit=dit), np.random.default_rng(0))
    save_model(tmp_path / "model.safetensors", model)
    loaded = load_model(tmp_path / "model.safetensors")
    assert loaded.settings == model.settings
    np.testing.assert_array_equal(loaded.dit.params.flat, model.dit.params.flat)


def test_a_checkpoint_from_before_the_choices_has_the_papers_network(tiny_model):
    data = settings_to_json(tiny_model.settings)
    data["dit"] = {name: value for name, value in data["dit"].items() if name not in CHOICES}
    assert settings_from_json(data) == tiny_model.settings


# The start


def test_with_zero_init_blocks_start_as_the_identity_and_without_they_do_not(rng, settings):
    dit = DiT(settings, rng)
    h = rng.normal(size=(3, 12, 24)).astype(np.float32)
    x = rng.normal(size=(3, *GRID, 3)).astype(np.float32)
    embedding = dit.embed(PROMPTS)
    c, _ = dit.condition_forward(T.astype(np.float32), embedding)
    after, _ = dit.blocks_forward(h, c, dit.block_inputs(x.shape, embedding))
    assert np.array_equal(after, h) == settings.zero_init
    y, _ = dit.forward(x, T.astype(np.float32), PROMPTS)
    assert not y.any()


def test_gains_start_at_one(rng):
    params = DiT(replace(PLAIN, qk_norm=True), rng).params
    gains = [array for name, array in params.items() if name.endswith("_norm.weight")]
    assert len(gains) == 2 * PLAIN.depth
    assert all((gain == 1).all() for gain in gains)


# Precision and devices


def test_float32_stays_float32_and_nothing_given_is_written_to(rng, away_from_zero, float_types, locked, settings):
    dit = DiT(settings)
    away_from_zero(dit.params)
    locked(dict(dit.params))
    x, dy = (locked(rng.normal(size=(3, *GRID, 3)).astype(np.float32)) for _ in range(2))
    known = locked(rng.random((3, *GRID)) < 0.4)
    y, cache = dit.forward(x, locked(T.copy()), locked(PROMPTS.copy()), known=known, sizes=locked(SIZES.copy()))
    dx, grads = dit.backward(dy, locked(cache))
    assert float_types(y, cache, dx, grads) == {"float32"}
    assert {name: gradient.shape for name, gradient in grads.items()} == dict(dit.params.shapes)


def test_on_another_device_output_and_gradients_are_the_same(rng, away_from_zero, settings):
    xp = choose_device("simulated")
    here = DiT(settings)
    away_from_zero(here.params)
    there = here.on(xp)
    x, dy = rng.normal(size=(2, 3, *GRID, 3)).astype(np.float32)
    known, t = rng.random((3, *GRID)) < 0.4, T.astype(np.float32)
    known[:, :2, 0] = True
    y, cache = here.forward(x, t, PROMPTS, known=known, sizes=SIZES)
    moved = [xp.asarray(array) for array in (x, t, PROMPTS, known, SIZES, dy)]
    y_there, cache_there = there.forward(*moved[:3], known=moved[3], sizes=moved[4])
    np.testing.assert_allclose(y_there.get(), y, rtol=0, atol=1e-4 * np.abs(y).max())
    dx, grads = here.backward(dy, cache)
    dx_there, grads_there = there.backward(moved[5], cache_there)
    for name, expected in ({"x": dx} | grads).items():
        found = ({"x": dx_there} | grads_there)[name].get()
        # What softmax takes no notice of has no gradient but rounding errors.
        largest = np.abs(dx).max() if name.endswith(("qkv.bias", "kv.bias", ".q.bias")) else np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * largest, err_msg=name)
