from dataclasses import replace

import numpy as np
import pytest

from minidit.backend.device import choose_device
from minidit.diffusion import SAMPLERS
from minidit.errors import UserError
from minidit.generation.canvas import Canvas, blank, continued, frames_known, in_pixels
from minidit.generation.settings import SamplingSettings
from minidit.generation.text_to_video import (
    EDIT_MARGIN,
    EDIT_TIME,
    NoiseOfEach,
    edited_latents,
    generate,
    sample_latents,
    starting_noise,
)
from minidit.models import VideoModel
from minidit.world import ALL_ATTRIBUTES, render

PATCH = (1, 8, 8)
PROMPTS = ["a red circle moves right in the day sky", "the night sky", ""]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_clip_does_not_depend_on_the_rest_of_its_batch(sampler, tiny_model):
    sampling = SamplingSettings(sampler=sampler)
    together = generate(tiny_model, PROMPTS, [4, 5, 6], sampling=sampling)
    alone = generate(tiny_model, PROMPTS[1:2], [5], sampling=sampling)
    np.testing.assert_allclose(together[1], alone[0], atol=1e-5)


def test_noise_drawn_on_the_way_differs_from_the_starting_noise():
    shape = (2, 3)
    on_the_way = NoiseOfEach([7]).standard_normal((1, *shape), np.float32)
    assert not np.isclose(on_the_way, starting_noise(shape, [7])).any()


def test_clips_are_float32_in_the_unit_range_and_follow_seed_and_prompt(tiny_model):
    clips = generate(tiny_model, PROMPTS, [0, 0, 0])
    assert clips.shape == (3, 8, 16, 16, 3)
    assert clips.dtype == np.float32
    assert 0 <= clips.min() < clips.max() <= 1
    assert np.array_equal(generate(tiny_model, PROMPTS, [0, 0, 0]), clips)
    assert not np.allclose(clips[0], clips[1])  # another prompt
    assert not np.allclose(generate(tiny_model, PROMPTS[:1], [1])[0], clips[0])  # another seed


def test_more_prompts_than_a_batch_come_back_in_order(tiny_model, monkeypatch):
    whole = generate(tiny_model, PROMPTS, [1, 2, 3])
    monkeypatch.setattr("minidit.generation.text_to_video.BATCH", 2)
    np.testing.assert_allclose(generate(tiny_model, PROMPTS, [1, 2, 3]), whole, atol=1e-5)


# --- Latents, step by step -----------------------------------------------------------------------------------


def euler_by_hand(model, ids, noise, steps, known_latents=None, known=None):
    """The guided sampler of a network that predicts data, written out clip by clip."""
    guidance, shift = model.settings.guidance, model.settings.shift
    even = np.arange(steps + 1) / steps
    times = even / (even + shift * (1 - even))
    made = []
    for n, x in enumerate(noise):
        for t, s in zip(times, times[1:], strict=False):
            clean = np.zeros(x.shape[:3], bool) if known is None else known[n]
            seen = x if known is None else np.where(clean[..., None], known_latents[n], x)
            options = {} if known is None else {"known": clean[None]}
            with_prompt, without = (
                model.dit.forward(seen[None], np.array([1000 * t], np.float32), row[None], **options)[0][0]
                for row in (ids[n], ids[-1])
            )
            data = without + (guidance if t <= 0.5 else 1) * (with_prompt - without)
            x = x + (s - t) * (data - x) / (1 - t)
        made.append(x if known is None else np.where(known[n][..., None], known_latents[n], x))
    return np.array(made)


def drawn(model, rng, count=3):
    ids = model.tokenizer.encode(["a red circle moves right in the day sky", "", "the night sky", ""])
    return ids, rng.standard_normal((count, *model.settings.latent_shape), dtype=np.float32)


@pytest.mark.parametrize("steps", [1, 3])
def test_latents_go_from_the_noise_by_guided_euler_steps(steps, tiny_model, rng):
    ids, noise = drawn(tiny_model, rng)
    made = sample_latents(tiny_model, ids, noise, SamplingSettings(steps).for_model(tiny_model.settings))
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, euler_by_hand(tiny_model, ids, noise, steps), rtol=1e-3, atol=1e-4)


def test_polishing_edits_what_was_sampled_but_neither_what_is_known_nor_where_a_prompt_names_nothing(
    tiny_marked_model, rng, monkeypatch
):
    ids = tiny_marked_model.tokenizer.encode(["a red circle moves right", "sora is sky", "", "the night sky", ""])
    noise = rng.standard_normal((4, *tiny_marked_model.settings.latent_shape), dtype=np.float32)
    sampling = SamplingSettings(2).for_model(tiny_marked_model.settings)
    known, known_latents = rng.random(noise.shape[:-1]) < 0.3, rng.standard_normal(noise.shape).astype(np.float32)
    given = dict(known_latents=known_latents, known=known)
    plain = sample_latents(tiny_marked_model, ids, noise, sampling, **given)
    monkeypatch.setattr(tiny_marked_model, "settings", replace(tiny_marked_model.settings, polish=2))
    made = sample_latents(tiny_marked_model, ids, noise, sampling, **given)
    words, expected = tiny_marked_model.dit.embed(ids[:-1]), plain
    for _ in range(2):
        looked = edited_latents(tiny_marked_model, expected, words)
        expected = np.where(known[..., None] | np.isin(np.arange(4), (1, 2))[:, None, None, None, None], plain, looked)
    np.testing.assert_allclose(made, expected, atol=1e-5)
    assert np.array_equal(made[1:3], plain[1:3]) and np.array_equal(made[known], known_latents[known])
    assert (np.abs(made - plain)[[0, 3]].max(axis=(1, 2, 3, 4)) > 1e-3).all()


def test_at_a_guidance_of_0_the_prompt_plays_no_part_with_polish_or_without(tiny_marked_model, monkeypatch):
    sampling = SamplingSettings(2, 0.0, interval=(0.0, 1.0))
    monkeypatch.setattr(tiny_marked_model, "settings", replace(tiny_marked_model.settings, polish=2))
    red, blue = (generate(tiny_marked_model, [f"a {color} ring moves up in the day sky"], [3], sampling=sampling)
                 for color in ("red", "blue"))
    np.testing.assert_allclose(red, blue, atol=1e-6)


def test_the_network_is_never_asked_at_the_time_of_an_edit(tiny_model, rng, monkeypatch):
    ids, noise = drawn(tiny_model, rng, count=1)
    asked, predict = [], tiny_model.dit.predict
    monkeypatch.setattr(tiny_model.dit, "predict", lambda x, t, *more: asked.append(t[0]) or predict(x, t, *more))
    visited = []
    sampling = SamplingSettings(4, shift=3.0).for_model(tiny_model.settings)
    sample_latents(tiny_model, ids[-2:], noise, sampling, callback=lambda done, t, x: visited.append(t))
    assert EDIT_TIME in visited
    np.testing.assert_allclose(asked, [0, 100, 250, 1000 * (EDIT_TIME - EDIT_MARGIN)], rtol=1e-6)


def test_known_latents_stay_and_the_others_fit_to_them(tiny_marked_model, rng):
    ids, noise = drawn(tiny_marked_model, rng)
    known_latents = rng.standard_normal(noise.shape, dtype=np.float32)
    known = rng.random(noise.shape[:-1]) < 0.3
    sampling = SamplingSettings(3).for_model(tiny_marked_model.settings)
    made = sample_latents(tiny_marked_model, ids, noise, sampling, None, known_latents, known)
    assert np.array_equal(made[known], known_latents[known])
    expected = euler_by_hand(tiny_marked_model, ids, noise, 3, known_latents, known)
    np.testing.assert_allclose(made, expected, rtol=1e-3, atol=1e-4)
    without = sample_latents(tiny_marked_model, ids, noise, sampling)
    assert not np.allclose(made[~known], without[~known], atol=1e-2)


# --- What is known -------------------------------------------------------------------------------------------


@pytest.fixture
def clip(rng):
    return render(ALL_ATTRIBUTES[7], rng, 32, 8)


def one(model, canvas, seed=0, **sampling):
    """What the model makes of one canvas."""
    return generate(model, PROMPTS[:1], [seed], [canvas], SamplingSettings(**sampling))[0]


def test_known_pixels_are_kept_to_the_last_bit_and_the_others_made(tiny_marked_model, clip, rng):
    known = rng.random((8, 4, 4)) < 0.5
    made = one(tiny_marked_model, Canvas(clip, known))
    pixels = in_pixels(known[None], PATCH)[0]
    assert np.array_equal(made[pixels], clip[pixels])
    assert np.abs(made - clip)[~pixels].mean() > 0.05


def test_what_is_not_known_of_the_clip_does_not_matter(tiny_marked_model, clip, rng):
    known = rng.random((8, 4, 4)) < 0.5
    other = np.where(in_pixels(known[None], PATCH)[0][..., None], clip, 0.123).astype(np.float32)
    assert np.array_equal(one(tiny_marked_model, Canvas(clip, known)), one(tiny_marked_model, Canvas(other, known)))


def test_what_is_known_does_matter(tiny_marked_model, clip):
    known = np.arange(8) < 4
    made = one(tiny_marked_model, frames_known(clip, known, PATCH))
    other = one(tiny_marked_model, frames_known(1 - clip, known, PATCH))
    assert np.abs(made[4:] - other[4:]).max() > 1e-3


def test_without_canvases_they_are_blank_and_of_its_own_size(tiny_model, tiny_marked_model):
    for model in (tiny_model, tiny_marked_model):
        size, patch = (model.settings.size,) * 2, model.settings.codec.patch
        made = generate(model, PROMPTS[:2], [3, 4], [blank(8, size, patch)] * 2)
        assert np.array_equal(made, generate(model, PROMPTS[:2], [3, 4]))


def test_canvases_of_one_size_come_back_in_their_order(tiny_marked_model, clip, monkeypatch):
    monkeypatch.setattr("minidit.generation.text_to_video.BATCH", 2)  # the first knows nothing, the second does
    canvases = [blank(8, (32, 32), PATCH), Canvas(clip, np.zeros((8, 4, 4), bool)), blank(8, (32, 32), PATCH),
                continued(clip[:3], 2, 3, PATCH)]
    together = generate(tiny_marked_model, [PROMPTS[0]] * 4, [1, 2, 3, 4], canvases)
    for canvas, made, seed in zip(canvases, together, (1, 2, 3, 4), strict=True):
        np.testing.assert_allclose(made, one(tiny_marked_model, canvas, seed=seed), atol=1e-5)
    assert not np.allclose(together[0], together[2])


def test_canvases_of_several_sizes_are_refused(tiny_marked_model):
    with pytest.raises(ValueError, match="same shape"):
        generate(tiny_marked_model, PROMPTS[:2], [1, 2], [blank(1, (32, 32), PATCH), blank(2, (32, 32), PATCH)])


@pytest.mark.parametrize("sampler", ["heun", "ddim", "ddpm", "sde"])
def test_every_sampler_keeps_what_is_known(tiny_marked_model, clip, sampler):
    made = one(tiny_marked_model, frames_known(clip, np.arange(8) < 2, PATCH), sampler=sampler)
    assert np.array_equal(made[:2], clip[:2]) and np.isfinite(made).all()


def test_on_another_device_the_same_is_made(tiny_marked_model, clip):
    canvas = continued(clip, 0, 3, PATCH)
    there = tiny_marked_model.on(choose_device("simulated"))
    np.testing.assert_allclose(one(there, canvas, steps=2), one(tiny_marked_model, canvas, steps=2), atol=1e-4)


def test_a_model_without_conditioning_channels_refuses_what_needs_them(tiny_model, rng):
    clip = render(ALL_ATTRIBUTES[0], rng, 16, 8)
    patch = tiny_model.settings.codec.patch
    for canvas in (blank(9, (16, 16), patch), blank(8, (16, 24), patch), continued(clip[:4], 0, 4, patch)):
        with pytest.raises(UserError, match="only make whole clips of its own size"):
            one(tiny_model, canvas)


# --- What the settings do ----------------------------------------------------------------------------------


@pytest.fixture
def make(tiny_model):
    """A function that makes one clip with the given settings."""

    def make(prompt=PROMPTS[0], seed=3, callback=None, **settings):
        return generate(tiny_model, [prompt], [seed], sampling=SamplingSettings(**settings), callback=callback)[0]

    return make


def test_guidance_changes_the_clip_and_is_in_proportion_for_one_step(make, tiny_model):
    assert not np.allclose(make(guidance=1.0), make(guidance=2.0), atol=1e-4)
    # One step lands on the network's own answer, a line through the ones without and with the prompt.
    latents = {}
    for scale in (0.0, 1.0, 3.0):
        make(steps=1, guidance=scale, callback=lambda done, t, x, scale=scale: latents.update({scale: x}))
    expected = latents[0.0] + 3 * (latents[1.0] - latents[0.0])
    np.testing.assert_allclose(latents[3.0], expected, atol=1e-4)


def test_without_guidance_the_empty_prompt_is_what_is_left(make):
    always = (0.0, 1.0)
    np.testing.assert_allclose(make(guidance=0.0, interval=always), make(prompt="", guidance=1.0), atol=1e-5)


def test_outside_its_interval_guidance_does_nothing(make):
    np.testing.assert_allclose(make(guidance=4.0, interval=(0.999, 1.0)), make(guidance=1.0), atol=1e-6)
    assert not np.allclose(make(guidance=4.0, interval=(0.3, 1.0)), make(guidance=1.0), atol=1e-4)


@pytest.mark.parametrize("name", ["steps", "guidance", "interval", "shift"])
def test_the_models_own_settings_are_the_default(name, make, tiny_model, monkeypatch):
    value = {"steps": 5, "guidance": 0.0, "interval": (0.0, 0.1), "shift": 4.0}[name]
    before = make()
    asked = make(**{name: value})
    monkeypatch.setattr(tiny_model, "settings", replace(tiny_model.settings, **{name: value}))
    assert np.array_equal(make(), asked)
    assert not np.allclose(asked, before, atol=1e-4)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_makes_the_same_clip_again_and_another_for_another_seed(sampler, make):
    clip = make(sampler=sampler)
    assert clip.dtype == np.float32
    assert np.array_equal(make(sampler=sampler), clip)
    assert not np.allclose(make(sampler=sampler, seed=4), clip, atol=1e-3)


@pytest.mark.parametrize("sampler", ["ddpm", "sde"])
def test_a_stochastic_sampler_goes_its_own_way_from_the_same_noise(sampler, make):
    assert not np.allclose(make(sampler=sampler), make(), atol=1e-3)


@pytest.mark.parametrize("prediction", ["data", "noise", "velocity"])
def test_what_the_network_predicts_is_taken_for_what_it_is(prediction, tiny_model):
    """A network that knows the clean latents leads there, whatever it is made to say about them."""
    model = VideoModel(replace(tiny_model.settings, prediction=prediction))
    model.codec = tiny_model.codec
    data = np.random.default_rng(5).standard_normal((1, *model.settings.latent_shape), dtype=np.float32)
    reached = []

    def knows(x, t, embedding, known, sizes):
        assert (t >= 0).all() and (t <= 1000).all() and t.dtype == np.float32
        t = np.clip(t.reshape(-1, 1, 1, 1, 1) / 1000, 0.001, 0.999)
        noise = (x - t * data) / (1 - t)
        return {"data": data + 0 * x, "noise": noise, "velocity": data - noise}[prediction]

    model.dit.predict = knows
    sampling = SamplingSettings(steps=6, guidance=1.0)
    generate(model, PROMPTS[:1], [0], sampling=sampling, callback=lambda *step: reached.append(step))
    assert [done for done, _, _ in reached] == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(reached[-1][2], data, atol=0.02)


def test_the_words_decide_not_how_they_are_padded_or_spelt(tiny_model):
    short, long = PROMPTS[1], PROMPTS[0]
    beside_a_long_one = generate(tiny_model, [short, long], [1, 2])[0]
    np.testing.assert_allclose(generate(tiny_model, [short], [1])[0], beside_a_long_one, atol=1e-5)
    assert np.array_equal(generate(tiny_model, ["The night sky."], [1]), generate(tiny_model, [short], [1]))


# --- Bad input ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"prompt": "a plaid zeppelin moves right in the day sky"}, '"plaid" and "zeppelin"'),
        ({"prompt": "a red circel"}, "did you mean circle"),
        ({"prompt": "sky " * 40}, "40 words"),
        ({"steps": 0}, "at least 1"),
        ({"guidance": float("nan")}, "finite number"),
        ({"sampler": "dpm++"}, "euler, heun"),
        ({"shift": -1.0}, "above 0"),
        ({"interval": (0.8, 0.2)}, "smaller one first"),
    ],
)
def test_bad_input_is_a_users_error(settings, said, make):
    with pytest.raises(UserError, match=said):
        make(**settings)
