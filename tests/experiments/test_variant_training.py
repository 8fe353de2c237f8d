from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from minidit.diffusion import RectifiedFlow
from minidit.diffusion.objectives import target_of
from minidit.experiments.small import RealClips, step_products
from minidit.experiments.variant_training import (
    REAL_CLIPS,
    TIMES,
    KnownStartTraining,
    draw_starts,
    first_half,
    measure,
    velocity_error,
)
from minidit.experiments.variants import VARIANTS, base_settings, steps_of
from minidit.files.tensors import write_tensors
from minidit.models.checkpoint import codec_tensors
from minidit.models.codec import Codec, CodecSettings
from minidit.models.video_model import VideoModel
from minidit.training.job import VideoTraining
from minidit.training.settings import DiffusionTraining
from minidit.world import HELD_OUT

PATH = RectifiedFlow()


TRAINING = DiffusionTraining(steps=3, batch=8, shards=2)  # of the base
CLIPS, PROMPTS = 5, 6


@pytest.fixture(scope="module")
def base():
    """Of a very small model."""
    settings = base_settings(width=32, depth=1, text_width=8)
    settings = replace(settings, steps=2, codec=CodecSettings(patch=(1, 4, 4), channels=4, hidden=8))
    return replace(settings, dit=replace(settings.dit, in_channels=4))


@pytest.fixture
def trained(base, tmp_path):
    """Trains and measures a variant of the base with a codec of random numbers."""
    path = tmp_path / "codec.safetensors"
    codec = Codec(base.codec, np.random.default_rng(0))
    codec.latent_std[...] = 0.5
    write_tensors(path, codec_tensors(codec), {"kind": "codec"})

    def train(name, seed):
        settings, known_starts = VARIANTS[name].settings(base), VARIANTS[name].known_starts
        training = replace(TRAINING, steps=steps_of(settings, base, TRAINING.steps, TRAINING.batch))
        state = tmp_path / "state"
        result = measure(settings, training, seed, path, state, known_starts, CLIPS, PROMPTS)
        state.unlink()
        return result

    return train


@pytest.mark.parametrize("name", ["base", "in-context", "time-token", "time-both", "noise-4x1x1"])
def test_a_variant_is_trained_and_measured(base, trained, name):
    result = trained(name, 1)
    products = step_products(base, TRAINING.batch) * TRAINING.steps
    assert abs(result["steps"] * result["step_products"] - products) <= result["step_products"] / 2
    assert 0 < result["loss"] < 1000
    assert (result["known_loss"] is not None) == name.startswith("time")
    assert sum(result["seen"].values()) == sum(result["held_out"].values()) == PROMPTS
    assert len(result["fidelity"]["seen"]) == len(result["fidelity"]["held_out"]) == PROMPTS


def test_the_same_seed_gives_the_same_result_and_another_another(trained):
    first, again, other = (trained("rope", seed) for seed in (1, 1, 2))
    del first["core_seconds"], again["core_seconds"]
    assert first == again
    assert first["loss"] != other["loss"]


@pytest.fixture
def real(base):
    return RealClips.draw(base, HELD_OUT, CLIPS, REAL_CLIPS)


def test_all_models_are_asked_about_the_same_clips_of_held_out_combinations(base, real):
    again = RealClips.draw(VARIANTS["velocity-4x1x1"].settings(base), HELD_OUT, CLIPS, REAL_CLIPS)
    assert np.array_equal(real.clips, again.clips) and np.array_equal(real.noise, again.noise)
    assert real.captions == again.captions
    words = [set(sentence.split()) for sentence in real.captions]
    held_out = {(a.color, a.shape) for a in HELD_OUT}
    assert all(any(color in said for color, _ in held_out) for said in words)


class Knowing:
    """Stands in for a model: it answers rightly, in the form asked for, but for an error of the velocity."""

    def __init__(self, base, real, kind, error):
        self.settings = SimpleNamespace(prediction=kind)
        self.codec = VideoModel(base, np.random.default_rng(0)).codec
        self.tokenizer = SimpleNamespace(encode=lambda captions: captions)
        self.dit = self
        self.real, self.error, self.asked = real, error, []

    def embed(self, ids):
        return ids

    def predict(self, x, t, embedding, known=None):
        self.asked.append(float(t[0]) / 1000)
        t, kind = t / 1000, self.settings.prediction
        latents = self.codec.encode(self.real.clips)
        right = target_of(kind, PATH, latents, self.real.noise, t)
        share = {"velocity": np.ones_like(t), "data": 1 - t, "noise": -t}[kind]  # of the velocity's error
        return right + share[:, None, None, None, None] * self.error


@pytest.mark.parametrize("kind", ["data", "noise", "velocity"])
def test_the_loss_is_the_velocitys_error_whatever_is_predicted(base, real, kind):
    model = Knowing(base, real, kind, error=0.5)
    assert velocity_error(model, real) == pytest.approx(0.25, rel=1e-3)
    np.testing.assert_allclose(model.asked, TIMES, rtol=1e-6)


def test_what_is_known_does_not_count(base, real):
    known = first_half(base, CLIPS)
    assert known.mean() == 0.5 and known[:, 0].all() and not known[:, -1].any()
    error = np.where(known[..., None], 100.0, 0.5)
    assert velocity_error(Knowing(base, real, "velocity", error), real, known) == pytest.approx(0.25, rel=1e-3)


def test_starts_are_whole_tokens_of_some_clips_and_never_all_of_one(base):
    latents = np.zeros((400, *base.latent_shape), np.float32)
    known = draw_starts(np.random.default_rng(0), base, latents)
    frames = known.all(axis=(2, 3))
    assert np.array_equal(frames, known.any(axis=(2, 3)))
    counts = frames.sum(axis=1)
    assert set(counts.tolist()) == {0, 2, 4, 6}
    assert (counts == 0).mean() == pytest.approx(0.5, abs=0.1)
    assert all(row[:n].all() for row, n in zip(frames, counts, strict=True))


@pytest.mark.parametrize("name", ["time-channels", "time-token"])
def test_the_network_is_told_what_is_known_and_not_asked_for_it(base, monkeypatch, name):
    settings = VARIANTS[name].settings(base)
    model = VideoModel(settings, np.random.default_rng(0))
    model.dit.params.flat += 0.1 * np.random.default_rng(1).standard_normal(model.dit.params.flat.shape, np.float32)
    arguments = settings, TRAINING, codec_tensors(model.codec), 0
    plain = VideoTraining(*arguments).at(model.dit.params.flat)
    known = KnownStartTraining(*arguments).at(model.dit.params.flat)
    loss, grads = known.loss_and_gradients(0, range(2))
    assert loss != plain.loss_and_gradients(0, range(2))[0]
    assert grads.keys() == model.dit.params.keys()
    none = lambda rng, settings, latents: np.zeros(latents.shape[:-1], bool)  # noqa: E731
    monkeypatch.setattr("minidit.experiments.variant_training.draw_starts", none)
    assert known.loss_and_gradients(0, range(2))[0] == pytest.approx(plain.loss_and_gradients(0, range(2))[0], rel=1e-6)


def test_another_step_gives_other_parts(base):
    latents = np.zeros((8, *base.latent_shape), np.float32)
    one, other = (draw_starts(np.random.default_rng([0, 51, step]), base, latents) for step in (0, 1))
    assert not np.array_equal(one, other)
