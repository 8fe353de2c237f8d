from types import SimpleNamespace

import numpy as np
import pytest

from minidit.diffusion import RectifiedFlow
from minidit.diffusion.objectives import target_of
from minidit.experiments.ablation.training import (
    TIMES,
    GivenTraining,
    RealClips,
    drawn_starts,
    given_start,
    train_and_measure,
    velocity_error,
)
from minidit.experiments.ablation.variants import VARIANTS, settings_of, step_products
from minidit.models.checkpoint import codec_tensors
from minidit.models.video_model import VideoModel
from minidit.training.job import VideoTraining
from minidit.world import HELD_OUT

PATH = RectifiedFlow()


@pytest.mark.parametrize("name", ["base", "in-context", "time-token", "time-both", "noise-4x1x1"])
def test_a_variant_is_trained_and_measured(effort, codec_file, name):
    result = train_and_measure(VARIANTS[name], effort, 1, codec_file)
    products = step_products(effort.base, effort.training.batch) * effort.training.steps
    assert abs(result["steps"] * result["step_products"] - products) <= result["step_products"] / 2
    assert 0 < result["loss"] < 1000
    assert (result["given_loss"] is not None) == name.startswith("time")
    assert sum(result["seen"].values()) == sum(result["held_out"].values()) == effort.prompts


def test_the_same_seed_gives_the_same_result_and_another_another(effort, codec_file):
    first, again, other = (train_and_measure(VARIANTS["rope"], effort, seed, codec_file) for seed in (1, 1, 2))
    del first["core_seconds"], again["core_seconds"]
    assert first == again
    assert first["loss"] != other["loss"]


@pytest.fixture
def real(effort):
    return RealClips.draw(effort.base, effort.clips)


def test_all_models_are_asked_about_the_same_clips_of_held_out_combinations(effort, real):
    again = RealClips.draw(settings_of(VARIANTS["velocity-4x1x1"], effort.base), effort.clips)
    assert np.array_equal(real.clips, again.clips) and np.array_equal(real.noise, again.noise)
    assert real.captions == again.captions
    words = [set(sentence.split()) for sentence in real.captions]
    held_out = {(a.color, a.shape) for a in HELD_OUT}
    assert all(any(color in said for color, _ in held_out) for said in words)


class Knowing:
    """Stands in for a model: it answers rightly, in the form asked for, but for an error of the velocity."""

    def __init__(self, effort, real, kind, error):
        self.settings = SimpleNamespace(prediction=kind)
        self.codec = VideoModel(effort.base, np.random.default_rng(0)).codec
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
def test_the_loss_is_the_velocitys_error_whatever_is_predicted(effort, real, kind):
    model = Knowing(effort, real, kind, error=0.5)
    assert velocity_error(model, real) == pytest.approx(0.25, rel=1e-3)
    np.testing.assert_allclose(model.asked, TIMES, rtol=1e-6)


def test_what_is_given_does_not_count(effort, real):
    known = given_start(effort.base, effort.clips)
    assert known.mean() == 0.5 and known[:, 0].all() and not known[:, -1].any()
    error = np.where(known[..., None], 100.0, 0.5)
    assert velocity_error(Knowing(effort, real, "velocity", error), real, known) == pytest.approx(0.25, rel=1e-3)


def test_starts_are_whole_tokens_of_some_clips_and_never_all_of_one(effort):
    latents = np.zeros((400, *effort.base.latent_shape), np.float32)
    known = drawn_starts(np.random.default_rng(0), effort.base, latents)
    frames = known.all(axis=(2, 3))
    assert np.array_equal(frames, known.any(axis=(2, 3)))
    counts = frames.sum(axis=1)
    assert set(counts.tolist()) == {0, 2, 4, 6}
    assert (counts == 0).mean() == pytest.approx(0.5, abs=0.1)
    assert all(row[:n].all() for row, n in zip(frames, counts, strict=True))


@pytest.mark.parametrize("name", ["time-marks", "time-token"])
def test_the_network_is_told_what_is_given_and_not_asked_for_it(effort, monkeypatch, name):
    settings = settings_of(VARIANTS[name], effort.base)
    model = VideoModel(settings, np.random.default_rng(0))
    model.dit.params.flat += 0.1 * np.random.default_rng(1).standard_normal(model.dit.params.flat.shape, np.float32)
    arguments = settings, effort.training, codec_tensors(model.codec), 0
    plain = VideoTraining(*arguments).at(model.dit.params.flat)
    given = GivenTraining(*arguments).at(model.dit.params.flat)
    loss, grads = given.loss_and_gradients(0, range(2))
    assert loss != plain.loss_and_gradients(0, range(2))[0]
    assert grads.keys() == model.dit.params.keys()
    none = lambda rng, settings, latents: np.zeros(latents.shape[:-1], bool)  # noqa: E731
    monkeypatch.setattr("minidit.experiments.ablation.training.drawn_starts", none)
    assert given.loss_and_gradients(0, range(2))[0] == pytest.approx(plain.loss_and_gradients(0, range(2))[0], rel=1e-6)


def test_another_step_gives_other_parts(effort):
    latents = np.zeros((8, *effort.base.latent_shape), np.float32)
    one, other = (drawn_starts(np.random.default_rng([0, 51, step]), effort.base, latents) for step in (0, 1))
    assert not np.array_equal(one, other)
