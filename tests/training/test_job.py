from dataclasses import replace

import numpy as np
import pytest

from minidit.diffusion import diffusion_loss_backward
from minidit.gradient_check import GradientMismatch, check_parameter_gradients
from minidit.models import CodecSettings, DiTSettings, TextEncoderSettings, VideoModel, VideoModelSettings
from minidit.models.checkpoint import codec_tensors
from minidit.training import job
from minidit.training.buckets import MANY_SIZES, Batch, draw_batch
from minidit.training.job import VideoTraining, loss_and_gradients

# --- Loss and gradients ------------------------------------------------------------------------------------


def precise_model_and_batch(prediction, rng):
    """A model in float64 with every axis of another length and every parameter moved, and two clips for it."""
    settings = VideoModelSettings(
        size=6,
        frames=4,
        codec=CodecSettings(patch=(2, 3, 2), channels=3, hidden=5),
        dit=DiTSettings(
            in_channels=3,
            patch=(1, 2, 1),
            width=12,
            depth=2,
            num_heads=3,
            text=TextEncoderSettings(vocabulary_size=7, max_length=5, width=8, depth=1, num_heads=2),
        ),
        vocabulary=("a", "b", "c", "d", "e"),
        prediction=prediction,
    )
    model = VideoModel(settings, rng, np.float64)
    model.dit.params.flat[...] += 0.2 * rng.normal(size=model.dit.params.flat.shape)
    latents, noise = rng.normal(size=(2, 2, *settings.latent_shape))
    ids = model.tokenizer.encode(["a b a", "e"])  # a word that occurs twice, and padding
    return model, Batch(latents, noise, np.array([0.3, 0.75]), ids)


@pytest.mark.parametrize("prediction", ["data", "noise", "velocity"])
def test_the_gradients_are_the_slopes_of_the_loss(prediction, rng):
    model, batch = precise_model_and_batch(prediction, rng)
    loss, grads = loss_and_gradients(model, batch)
    assert type(loss) is float
    check_parameter_gradients(lambda: loss_and_gradients(model, batch)[0], model.dit.params, grads, entries=5)


def test_a_gradient_of_the_unweighted_loss_would_be_caught(rng, monkeypatch):
    model, batch = precise_model_and_batch("data", rng)

    def slope():
        return loss_and_gradients(model, batch)[0]

    forward = job.diffusion_loss_forward
    with monkeypatch.context() as patch:
        patch.setattr(job, "diffusion_loss_forward", lambda *a, **k: forward(*a, **k, weighted=False))
        _, grads = loss_and_gradients(model, batch)
    with pytest.raises(GradientMismatch, match="is wrong"):
        check_parameter_gradients(slope, model.dit.params, grads, entries=1)


@pytest.mark.parametrize("prediction", ["data", "noise", "velocity"])
def test_the_loss_is_that_of_the_velocity(prediction, rng):
    """Whatever is predicted: the mean over clips of the squared error that it means for data - noise."""
    model, batch = precise_model_and_batch(prediction, rng)
    t = batch.t.reshape(-1, 1, 1, 1, 1)
    x_t = t * batch.latents + (1 - t) * batch.noise
    answer, _ = model.dit.forward(x_t, 1000 * batch.t, batch.ids)
    velocity = {"data": (answer - x_t) / (1 - t), "noise": (x_t - answer) / t, "velocity": answer}[prediction]
    loss, _ = loss_and_gradients(model, batch)
    assert loss == pytest.approx(np.mean((velocity - (batch.latents - batch.noise)) ** 2), rel=1e-10)


@pytest.mark.parametrize("floor", [0.05, 0.2, 0.5])
def test_the_loss_counts_as_if_there_were_never_less_noise_than_the_floor(floor, rng):
    model, batch = precise_model_and_batch("data", rng)
    t = batch.t.reshape(-1, 1, 1, 1, 1)
    answer, _ = model.dit.forward(t * batch.latents + (1 - t) * batch.noise, 1000 * batch.t, batch.ids)
    weight = 1 / np.maximum(1 - t, floor) ** 2
    loss, _ = loss_and_gradients(model, batch, noise_floor=floor)
    assert loss == pytest.approx(np.mean(weight * (answer - batch.latents) ** 2), rel=1e-10)


def test_a_worker_takes_the_trainings_noise_floor(small_preset, small_model):
    losses = {}
    for floor in (0.05, 0.9):
        training = replace(small_preset.diffusion_training, noise_floor=floor)
        job = VideoTraining(small_preset.model, training, codec_tensors(small_model.codec), seed=5)
        losses[floor], _ = job.at(small_model.dit.params.flat).loss_and_gradients(0, [0])
        batch = draw_batch(small_model, training, 5, 0, [0])
        assert losses[floor] == loss_and_gradients(small_model, batch, noise_floor=floor)[0]
    assert losses[0.9] < losses[0.05]


LOSS = ("diffusion_loss_forward", "diffusion_loss_backward")


@pytest.mark.parametrize("prediction", ["data", "noise", "velocity"])
def test_a_float32_step_is_float32_throughout(prediction, small_preset, rng, arrays_in, monkeypatch):
    model = VideoModel(replace(small_preset.model, prediction=prediction), rng)
    batch = draw_batch(model, small_preset.diffusion_training, 0, 0, range(4))
    seen = []

    def watch(owner, name):
        function = getattr(owner, name)

        def watched(*arguments, **options):
            seen.append((arguments, function(*arguments, **options)))
            return seen[-1][1]

        monkeypatch.setattr(owner, name, watched)

    for owner, names in ((model.dit, ("forward", "backward")), (job, LOSS)):
        for name in names:
            watch(owner, name)
    _, grads = loss_and_gradients(model, batch)
    assert len(seen) == 4
    found = arrays_in([model.dit.params, batch, grads, seen])
    assert len(found) > 150
    kinds = {array.dtype for array in found if np.issubdtype(array.dtype, np.inexact)}
    assert kinds == {np.dtype(np.float32)}


@pytest.mark.parametrize("recompute", [False, True])
def test_what_is_recomputed_is_as_good_as_kept(recompute, small_preset, small_model, monkeypatch):
    asked = []
    forward = small_model.dit.forward
    monkeypatch.setattr(small_model.dit, "forward", lambda *a, **k: (asked.append(k), forward(*a, **k))[1])
    batch = draw_batch(small_model, small_preset.diffusion_training, 0, 0, range(2))
    loss, grads = loss_and_gradients(small_model, batch, recompute)
    assert [k["recompute"] for k in asked] == [recompute]
    kept_loss, kept = loss_and_gradients(small_model, batch)
    assert loss == kept_loss
    assert all(np.array_equal(grads[name], kept[name]) for name in kept)


# Clips of many sizes, partly known


@pytest.fixture
def bucketed(small_preset):
    return replace(small_preset.diffusion_training, batch=16, shards=4, buckets=MANY_SIZES)


@pytest.mark.parametrize("step", range(3))
def test_the_loss_counts_only_what_is_loss_mask(marked_model, bucketed, step):
    """Against the loss written out: the mean over the counted latents of each clip, weighted, then over the clips."""
    batch = draw_batch(marked_model, bucketed, 0, step, range(4))
    loss, _ = loss_and_gradients(marked_model, batch)
    t = batch.t[:, None, None, None, None]
    x = np.where(batch.known[..., None], batch.given, t * batch.latents + (1 - t) * batch.noise)
    y, _ = marked_model.dit.forward(x, 1000 * batch.t, batch.ids, known=batch.known, sizes=batch.sizes)
    errors = []
    for n, (frames, rows, columns) in enumerate(batch.sizes):
        part = np.s_[n, :frames, :rows, :columns]
        asked = ~batch.known[part] | batch.edited[n]
        error = ((y[part] - batch.latents[part]) ** 2)[asked].mean()
        errors.append(error / max(1 - batch.t[n], 0.05) ** 2)
    assert loss == pytest.approx(np.mean(errors), rel=1e-4)


def test_every_gradient_of_the_loss_of_partly_known_clips(marked_model, bucketed):
    model = VideoModel(marked_model.settings, dtype=np.float64)
    model.dit.params.flat[...] = marked_model.dit.params.flat
    model.codec.params.flat[...] = marked_model.codec.params.flat
    batch = draw_batch(marked_model, bucketed, 1, 4, [0, 3])
    batch = replace(
        batch, **{name: getattr(batch, name).astype(np.float64) for name in ("latents", "noise", "t", "given")}
    )
    _, grads = loss_and_gradients(model, batch)
    check_parameter_gradients(lambda: loss_and_gradients(model, batch)[0], model.dit.params, grads, entries=3)


def test_nothing_flows_to_a_prediction_that_is_not_asked_for(rng):
    from minidit.diffusion import RectifiedFlow, diffusion_loss_forward

    prediction, data, noise = rng.normal(size=(3, 2, 4, 3))
    counted = np.array([[True, False, False, True], [False, False, True, False]])
    t = np.array([0.2, 0.9])
    _, cache = diffusion_loss_forward(prediction, "data", RectifiedFlow(), data, noise, t, counted=counted)
    gradient = diffusion_loss_backward(1.0, cache)
    assert np.array_equal(gradient.any(axis=-1), counted)


# --- The job -----------------------------------------------------------------------------------------------


def video_training(preset, model, **changes):
    training = replace(preset.diffusion_training, **changes)
    return VideoTraining(preset.model, training, codec_tensors(model.codec), seed=5)


def test_a_worker_draws_its_shards_and_reads_the_parameters_that_it_was_given(small_preset, small_model):
    work = video_training(small_preset, small_model)
    params = small_model.dit.params.flat.copy()
    worker = work.at(params)
    expected = loss_and_gradients(small_model, draw_batch(small_model, work.training, 5, 7, [1, 3]))
    for _ in range(2):
        loss, grads = worker.loss_and_gradients(7, [1, 3])
        assert loss == expected[0]
        assert {name: grad.shape for name, grad in grads.items()} == work.shapes
        assert all(np.array_equal(grads[name], grad) for name, grad in expected[1].items())
    params[...] = 0
    assert worker.loss_and_gradients(7, [1, 3])[0] != expected[0]


def test_the_means_of_shards_have_the_mean_of_the_batch(small_preset, small_model):
    """With three of four shards here and one there, weighted by their clips."""
    worker = video_training(small_preset, small_model).at(small_model.dit.params.flat)
    (whole, grads), (most, most_grads), (rest, rest_grads) = (
        worker.loss_and_gradients(0, shards) for shards in ([0, 1, 2, 3], [0, 1, 3], [2])
    )
    assert 0.75 * most + 0.25 * rest == pytest.approx(whole, rel=1e-5)
    for name, grad in grads.items():
        parts = 0.75 * most_grads[name] + 0.25 * rest_grads[name]
        np.testing.assert_allclose(parts, grad, rtol=1e-3, atol=1e-5 * np.abs(grad).max() + 1e-8, err_msg=name)


@pytest.mark.parametrize("recompute", [False, True])
def test_the_training_says_whether_to_recompute(recompute, small_preset, small_model, monkeypatch):
    asked = []
    monkeypatch.setattr(job, "loss_and_gradients", lambda model, batch, recompute, noise_floor: asked.append(recompute))
    worker = video_training(small_preset, small_model, recompute=recompute).at(small_model.dit.params.flat)
    worker.loss_and_gradients(0, [0])
    assert asked == [recompute]
