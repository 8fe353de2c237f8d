import pickle
import shutil
from dataclasses import replace

import numpy as np
import pytest

from minidit.backend import to_host
from minidit.backend.device import choose_device
from minidit.errors import UserError
from minidit.files.tensors import read_tensors
from minidit.generation.settings import SamplingSettings
from minidit.generation.text_to_video import sample_latents
from minidit.gradient_check import GradientMismatch, check_parameter_gradients
from minidit.models import CodecSettings, DiTSettings, TextEncoderSettings, VideoModel, VideoModelSettings
from minidit.models.checkpoint import codec_tensors, load_model, save_model
from minidit.training import distillation, trainer
from minidit.training.buckets import MANY_SIZES, Batch, draw_batch
from minidit.training.distillation import (
    Distillation,
    DistillationTraining,
    VideoDistillation,
    at_times,
    paired,
    student_settings,
)
from minidit.training.job import loss_and_gradients
from minidit.training.optimizer import AdamWSettings
from minidit.training.settings import CodecTraining
from minidit.training.trainer import Run

TRAINING = DistillationTraining(steps=20, batch=16, times=2, teacher_steps=3, adamw=AdamWSettings(eps=1e-3))


def job_of(model, training=TRAINING):
    """A distillation of a model, its teacher being the model as it is now."""
    codec, teacher = codec_tensors(model.codec), model.dit.params.flat.copy()
    return VideoDistillation(student_settings(model.settings), training, codec, 5, model.settings, teacher)


def teacher_latents(model, ids, noise, steps):
    return sample_latents(model, ids, noise, SamplingSettings(steps).for_model(model.settings))


# --- Pairs and times ---------------------------------------------------------------------------------------


def test_a_batch_holds_the_teachers_pairs_at_several_times(small_model):
    worker = job_of(small_model).at(small_model.dit.params.flat)
    batch = worker.batch(7, [1, 3])
    drawn = draw_batch(small_model, replace(TRAINING, batch=8), 5, 7, [1, 3])  # 2 pairs a shard
    ids = np.concatenate([drawn.ids, np.full((1, drawn.ids.shape[1]), 0)])
    ids[-1, 0] = small_model.tokenizer.encode([""])[0, 0]
    made = teacher_latents(small_model, ids, drawn.noise, 3)
    for k in range(2):
        rows = slice(4 * k, 4 * k + 4)
        np.testing.assert_array_equal(batch.latents[rows], made)
        np.testing.assert_array_equal(batch.noise[rows], drawn.noise)
        np.testing.assert_array_equal(batch.ids[rows], drawn.ids)
    assert batch.t.shape == (8,) and len(set(batch.t[batch.t > 0])) == (batch.t > 0).sum() > 2
    assert batch.known is None and batch.sizes is None


def test_a_shard_has_the_same_pairs_and_times_whoever_shares_the_step(small_model):
    worker = job_of(small_model).at(small_model.dit.params.flat)
    whole, parts = worker.batch(3, [0, 1, 2, 3]), [worker.batch(3, [shard]) for shard in range(4)]
    for name in ("latents", "noise", "t"):
        array = getattr(whole, name).reshape(2, 4, 2, -1)  # times, shards, pairs of a shard
        for shard, part in enumerate(parts):
            of_part = getattr(part, name).reshape(2, 2, -1)
            np.testing.assert_allclose(array[:, shard], of_part, rtol=1e-4, atol=1e-5, err_msg=name)
    assert not np.array_equal(worker.batch(4, [0]).t, parts[0].t)


def test_the_means_of_shards_have_the_mean_of_the_batch(small_model):
    worker = job_of(small_model).at(small_model.dit.params.flat)
    (whole, grads), (most, most_grads), (rest, rest_grads) = (
        worker.loss_and_gradients(0, shards) for shards in ([0, 1, 2, 3], [0, 1, 3], [2])
    )
    assert 0.75 * most + 0.25 * rest == pytest.approx(whole, rel=1e-4)
    for name, grad in grads.items():
        parts = 0.75 * most_grads[name] + 0.25 * rest_grads[name]
        np.testing.assert_allclose(parts, grad, rtol=1e-3, atol=1e-4 * np.abs(grad).max() + 1e-7, err_msg=name)


def test_the_teacher_stays_as_it_was_while_the_student_learns(small_model):
    params = small_model.dit.params.flat.copy()
    worker = job_of(small_model).at(params)
    before, loss = worker.batch(0, [0]), worker.loss_and_gradients(0, [0])[0]
    params *= 0.5
    assert np.array_equal(worker.batch(0, [0]).latents, before.latents)
    assert worker.loss_and_gradients(0, [0])[0] != loss


def test_the_job_can_be_sent(small_model):
    work = job_of(small_model)
    sent = pickle.loads(pickle.dumps(work))
    params = small_model.dit.params.flat
    assert sent.shapes == work.shapes
    assert sent.at(params).loss_and_gradients(2, [0])[0] == work.at(params).loss_and_gradients(2, [0])[0]


def test_in_buckets_the_teacher_makes_what_is_not_known(tiny_marked_model):
    training = replace(TRAINING, batch=32, buckets=MANY_SIZES)
    worker = job_of(tiny_marked_model, training).at(tiny_marked_model.dit.params.flat)
    for step in range(12):  # until one has something known
        batch = worker.batch(step, range(4))
        if batch.known.any():
            break
    real = draw_batch(tiny_marked_model, replace(training, batch=16), 5, step, range(4))
    assert batch.known.any() and len(batch.known) == 32
    for k in range(2):
        rows = slice(16 * k, 16 * k + 16)
        np.testing.assert_array_equal(batch.known[rows], real.known)
        np.testing.assert_array_equal(batch.sizes[rows], real.sizes)
        shown = np.where(real.edited[:, None, None, None, None], real.latents, real.given)
        np.testing.assert_array_equal(batch.latents[rows][real.known], shown[real.known])
        assert not np.allclose(batch.latents[rows][~real.known], real.latents[~real.known], atol=0.1)


def test_a_gpu_comes_to_the_same_loss_and_gradients(small_model):
    xp, work, params = choose_device("simulated"), job_of(small_model), small_model.dit.params.flat
    loss, grads = work.at(params).loss_and_gradients(1, [0, 2])
    gpu_loss, gpu_grads = work.at(xp.asarray(params)).loss_and_gradients(1, [0, 2])
    assert float(gpu_loss) == pytest.approx(loss, rel=1e-4)
    for name, grad in grads.items():
        np.testing.assert_allclose(to_host(gpu_grads[name]), grad, rtol=1e-3, atol=1e-4 * np.abs(grad).max() + 1e-7)


# --- Loss and gradients ------------------------------------------------------------------------------------


def precise_pairs(rng):
    """A model in float64 with every axis of another length, a teacher like it, and a batch of two clips."""
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
    )
    student, teacher = VideoModel(settings, rng, np.float64), VideoModel(settings, None, np.float64)
    student.dit.params.flat[...] += 0.2 * rng.normal(size=student.dit.params.flat.shape)
    teacher.dit.params.flat[...] = student.dit.params.flat
    latents, noise = rng.normal(size=(2, 2, *settings.latent_shape))
    batch = Batch(latents, noise, np.zeros(2), student.tokenizer.encode(["a b a", "e"]))
    return student, teacher, batch


TIMES = np.array([[0.0, 0.3], [0.75, 0.1], [0.0, 0.5]])


def test_the_loss_is_the_error_of_the_velocity_on_the_straight_way_to_the_teachers_clip(rng):
    student, teacher, batch = precise_pairs(rng)
    loss, _ = loss_and_gradients(student, at_times(paired(teacher, batch, 2), TIMES))
    made = paired(teacher, batch, 2).latents
    errors = []
    for times in TIMES:
        for n, t in enumerate(times):
            x = t * made[n] + (1 - t) * batch.noise[n]
            data, _ = student.dit.forward(x[None], np.array([1000 * t]), batch.ids[n : n + 1])
            errors.append(np.mean(((data[0] - x) / (1 - t) - (made[n] - batch.noise[n])) ** 2))
    assert loss == pytest.approx(np.mean(errors), rel=1e-8)


def test_the_gradients_are_the_slopes_with_the_teachers_clips_as_constants(rng):
    student, teacher, batch = precise_pairs(rng)

    def loss():
        return loss_and_gradients(student, at_times(paired(teacher, batch, 2), TIMES))[0]

    _, grads = loss_and_gradients(student, at_times(paired(teacher, batch, 2), TIMES))
    check_parameter_gradients(loss, student.dit.params, grads, entries=3)


def test_they_would_not_be_if_the_teacher_moved_with_the_student(rng):
    student, _, batch = precise_pairs(rng)

    def loss():
        return loss_and_gradients(student, at_times(paired(student, batch, 2), TIMES))[0]

    _, grads = loss_and_gradients(student, at_times(paired(student, batch, 2), TIMES))
    with pytest.raises(GradientMismatch):
        check_parameter_gradients(loss, student.dit.params, grads, entries=3)


# --- A run -------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def short_spans(monkeypatch):
    monkeypatch.setattr(trainer, "SPAN", 5)
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", -1)
    monkeypatch.setattr(trainer, "PREVIEWS", 2)


@pytest.fixture(scope="module")
def teacher_file(small_preset, tmp_path_factory):
    rng = np.random.default_rng(0)
    model = VideoModel(small_preset.model, rng)
    model.dit.params.flat[...] += 0.1 * rng.standard_normal(model.dit.params.flat.shape, dtype=np.float32)
    model.codec.latent_std[...] = 0.5
    path = tmp_path_factory.mktemp("teacher") / "model.safetensors"
    save_model(path, model)
    return path


def distillation_in(folder, teacher, preset, threads=1, training=TRAINING):
    model, codec_training = student_settings(preset.model), CodecTraining()
    preset = replace(preset, model=model, codec_training=codec_training, diffusion_training=training)
    return Distillation(preset, teacher, folder, threads=threads, progress=False)


@pytest.fixture
def finished(teacher_file, small_preset, tmp_path):
    run = distillation_in(tmp_path / "finished", teacher_file, small_preset)
    run.start()
    run.train()
    return run.folder


def same_state(folder, expected):
    for file in (trainer.STATE, trainer.MODEL, distillation.TEACHER):
        (tensors, notes), (right, right_notes) = read_tensors(folder / file), read_tensors(expected / file)
        assert notes == right_notes
        assert all(tensors[name].tobytes() == array.tobytes() for name, array in right.items()), file


def test_a_run_starts_from_the_teacher_and_leaves_a_student(teacher_file, small_preset, tmp_path):
    run = distillation_in(tmp_path / "run", teacher_file, small_preset)
    run.start()
    teacher = load_model(teacher_file)
    assert np.array_equal(run.state.params, teacher.dit.params.flat)
    run.train()
    student, kept = load_model(run.folder / trainer.MODEL), load_model(run.folder / distillation.TEACHER)
    assert (student.settings.guidance, student.settings.steps) == (1.0, 4)
    assert replace(student.settings, guidance=1.5, steps=teacher.settings.steps) == teacher.settings == kept.settings
    assert np.array_equal(kept.dit.params.flat, teacher.dit.params.flat)
    assert not np.array_equal(student.dit.params.flat, teacher.dit.params.flat)
    assert np.array_equal(student.codec.params.flat, teacher.codec.params.flat)


def test_the_student_comes_closer_to_the_teachers_clip_in_one_step(teacher_file, small_preset, tmp_path, rng):
    training = replace(TRAINING, steps=200, learning_rate=5e-3, ema=0.9)
    run = distillation_in(tmp_path / "run", teacher_file, small_preset, training=training)
    run.start()
    run.train()
    student, teacher = load_model(run.folder / trainer.MODEL), load_model(teacher_file)
    ids = teacher.tokenizer.encode(["a red circle moves right in the day sky"] * 8 + [""])
    noise = rng.standard_normal((8, *teacher.settings.latent_shape), dtype=np.float32)
    right = teacher_latents(teacher, ids, noise, 3)
    before, after = (np.mean((teacher_latents(m, ids, noise, 1) - right) ** 2) for m in (teacher, student))
    assert after < 0.5 * before


def test_an_interrupted_distillation_ends_with_the_same_bits(
    teacher_file, small_preset, finished, tmp_path, monkeypatch
):
    run = distillation_in(tmp_path / "run", teacher_file, small_preset)
    run.start()
    save = Run.save

    def save_and_stop(self):
        save(self)
        if self.step == 10:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Run, "save", save_and_stop)
        run.train()
    again = distillation_in(tmp_path / "run", tmp_path / "run" / distillation.TEACHER, small_preset)
    again.resume()
    assert (again.step, again.training) == (10, TRAINING)
    again.train()
    same_state(tmp_path / "run", finished)


def test_two_processes_distill_as_one_does(teacher_file, small_preset, finished, tmp_path):
    run = distillation_in(tmp_path / "two", teacher_file, small_preset, threads=2)
    run.start()
    run.train()
    one, two = (read_tensors(folder / trainer.STATE)[0] for folder in (finished, run.folder))
    for name, vector in one.items():
        np.testing.assert_allclose(two[name], vector, rtol=1e-2, atol=1e-3 * np.abs(vector).max(), err_msg=name)


def test_a_folder_with_a_run_keeps_its_teacher(small_preset, finished, tmp_path):
    other = tmp_path / "other.safetensors"
    model = load_model(finished / distillation.TEACHER)
    model.dit.params.flat[...] = 0
    save_model(other, model)
    before = (finished / distillation.TEACHER).read_bytes()
    with pytest.raises(UserError, match="holds a training run already"):
        distillation_in(finished, other, small_preset).start()
    assert (finished / distillation.TEACHER).read_bytes() == before


def test_a_run_killed_before_its_first_state_can_be_started_again(teacher_file, small_preset, tmp_path, finished):
    folder = tmp_path / "killed"
    folder.mkdir()
    shutil.copy(finished / distillation.TEACHER, folder)
    run = distillation_in(folder, teacher_file, small_preset)
    run.start()
    assert run.step == 0
