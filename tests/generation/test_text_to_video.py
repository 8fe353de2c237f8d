from dataclasses import replace

import numpy as np
import pytest

from minidit.diffusion import SAMPLERS
from minidit.errors import UserError
from minidit.generation.text_to_video import NoiseOfEach, generate, starting_noise
from minidit.models import VideoModel

PROMPTS = ["a red circle moves right in the day sky", "the night sky", ""]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_clip_does_not_depend_on_the_rest_of_its_batch(sampler, tiny_model):
    together = generate(tiny_model, PROMPTS, [4, 5, 6], sampler=sampler)
    alone = generate(tiny_model, PROMPTS[1:2], [5], sampler=sampler)
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


# --- What the settings do ----------------------------------------------------------------------------------


@pytest.fixture
def make(tiny_model):
    """A function that makes one clip with the given settings."""

    def one(prompt=PROMPTS[0], seed=3, **settings):
        return generate(tiny_model, [prompt], [seed], **settings)[0]

    return one


def test_guidance_changes_the_clip_and_is_in_proportion_for_one_step(make, tiny_model):
    assert not np.allclose(make(guidance=1.0), make(guidance=2.0), atol=1e-4)
    # One step lands on the network's own answer, a line through the ones without and with the prompt.
    latents = {}
    for scale in (0.0, 1.0, 3.0):
        make(steps=1, guidance=scale, callback=lambda done, t, x, scale=scale: latents.update({scale: x}))
    expected = latents[0.0] + 3 * (latents[1.0] - latents[0.0])
    np.testing.assert_allclose(latents[3.0], expected, atol=1e-4)


def test_without_guidance_the_empty_prompt_is_what_is_left(make):
    np.testing.assert_allclose(make(guidance=0.0), make(prompt="", guidance=1.0), atol=1e-5)


def test_outside_its_interval_guidance_does_nothing(make):
    np.testing.assert_allclose(make(guidance=4.0, interval=(0.999, 1.0)), make(guidance=1.0), atol=1e-6)
    assert not np.allclose(make(guidance=4.0, interval=(0.3, 1.0)), make(guidance=1.0), atol=1e-4)


@pytest.mark.parametrize("name", ["steps", "guidance", "shift"])
def test_the_models_own_settings_are_the_default(name, make, tiny_model, monkeypatch):
    value = {"steps": 5, "guidance": 0.0, "shift": 4.0}[name]
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
    generate(model, PROMPTS[:1], [0], steps=6, guidance=1.0, callback=lambda *step: reached.append(step))
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
