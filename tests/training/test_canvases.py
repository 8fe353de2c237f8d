from dataclasses import replace

import numpy as np
import pytest

from minidit.diffusion import diffusion_loss_backward
from minidit.gradient_check import check_parameter_gradients
from minidit.models import CodecSettings, VideoModel
from minidit.models.conditioning_channels import existing
from minidit.training import canvases
from minidit.training.canvases import (
    LONGER,
    MANY_SIZES,
    TASKS,
    Group,
    draw_bent,
    draw_canvas_batch,
    draw_continued,
    draw_group,
    known_places,
    padded,
    padded_shape,
)
from minidit.training.job import loss_and_gradients, to_be_made
from minidit.world import SEEN, attributes_in, verify_batch

FIELDS = ("latents", "noise", "t", "ids", "known", "sizes")
PATCH = (1, 8, 8)


@pytest.fixture
def marked_model(small_model, rng):
    old = small_model.settings
    codec, dit = CodecSettings(patch=PATCH, channels=4, hidden=8), replace(old.dit, conditioning_channels=True)
    settings = replace(old, size=32, codec=codec, dit=dit)
    model = VideoModel(settings, rng)
    model.dit.params.flat[...] += 0.1 * rng.standard_normal(model.dit.params.flat.shape).astype(np.float32)
    return model


@pytest.fixture
def training(small_preset):
    return replace(small_preset.diffusion_training, batch=16, shards=4, canvases=MANY_SIZES)


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in FIELDS)


def test_a_batch_follows_from_seed_step_and_shard_alone(marked_model, training):
    batch = draw_canvas_batch(marked_model, training, 5, 7, [2])
    draw_canvas_batch(marked_model, training, 5, 8, [1])
    assert same(draw_canvas_batch(marked_model, training, 5, 7, [2]), batch)
    for seed, step, shard in ((6, 7, 2), (5, 8, 2), (5, 7, 3)):
        assert not same(draw_canvas_batch(marked_model, training, seed, step, [shard]), batch)


@pytest.mark.parametrize("step", range(6))
def test_the_clips_do_not_depend_on_who_draws_which_shards(marked_model, training, step):
    whole = draw_canvas_batch(marked_model, training, 0, step, range(4))
    for shard in range(4):
        part = draw_canvas_batch(marked_model, training, 0, step, [shard])
        rows = slice(4 * shard, 4 * shard + 4)
        for name in ("noise", "t", "known", "sizes"):
            assert np.array_equal(getattr(part, name), getattr(whole, name)[rows])
        np.testing.assert_allclose(part.latents, whole.latents[rows], atol=1e-5)


def test_a_batch_has_the_stated_shapes(marked_model, training):
    for step in range(12):
        batch = draw_canvas_batch(marked_model, training, 0, step, range(4))
        shape = batch.latents.shape
        assert shape == batch.noise.shape and batch.known.shape == shape[:-1] and batch.sizes.shape == (16, 3)
        assert (batch.sizes <= shape[1:4]).all() and (batch.sizes > 0).all()
        assert batch.latents.dtype == batch.noise.dtype == batch.t.dtype == np.float32
        asked = to_be_made(batch)
        assert asked.any(axis=(1, 2, 3)).all()  # every clip teaches something
        assert not (asked & ~existing(shape, batch.sizes, np)).any() and not (asked & batch.known).any()


def test_times_are_noisier_where_something_is_known(marked_model, training):
    training = replace(training, batch=400, time_mean=-1.0, time_std=0.5)
    batch = draw_canvas_batch(marked_model, training, 0, 0, range(4))
    logit, given = np.log(batch.t / (1 - batch.t)), batch.known.any(axis=(1, 2, 3))
    assert logit[~given].mean() == pytest.approx(-1, abs=0.15)
    assert logit[given].mean() == pytest.approx(-2, abs=0.15)


@pytest.mark.parametrize("buckets", [MANY_SIZES, LONGER])
def test_buckets_and_tasks_are_shares_of_a_whole(buckets):
    assert sum(share for share, _ in buckets) == pytest.approx(1)
    assert sum(share for _, share in TASKS) == pytest.approx(1)


def test_every_bucket_and_every_task_comes_up(marked_model, training, monkeypatch):
    shapes, tasks = set(), set()
    monkeypatch.setattr(canvases, "draw_continued", lambda *a, backward: tasks.add(("start", "end")[backward]) or 1 / 0)
    for step in range(60):
        rng = np.random.default_rng([0, 5, step])
        shapes.add(rng.choice(len(MANY_SIZES), p=[share for share, _ in MANY_SIZES]))
    for seed in range(60):
        try:
            group = draw_group(np.random.default_rng(seed), (8, 4, 4), 2, PATCH, 0.0)
            tasks.add("known" if group.known.any() else "nothing")
        except ZeroDivisionError:
            pass
    assert shapes == set(range(len(MANY_SIZES)))
    assert tasks == {"start", "end", "known", "nothing"}


def test_padding_puts_every_clip_at_the_beginning_of_its_place():
    small = Group(np.full((1, 2, 24, 32, 3), 0.5, np.float32), np.ones((1, 2, 3, 4), bool), ["a"])
    large = Group(np.full((2, 8, 32, 32, 3), 0.25, np.float32), np.zeros((2, 8, 4, 4), bool), ["b", "c"])
    clips, known, sizes = padded([small, large], (8, 4, 4, 5), PATCH)
    assert np.array_equal(sizes, [(2, 3, 4), (8, 4, 4), (8, 4, 4)])
    assert clips.shape == (3, 8, 32, 32, 3) and known.shape == (3, 8, 4, 4)
    assert (clips[0, :2, :24] == 0.5).all() and clips[0].sum() == small.clips.sum() and (clips[1:] == 0.25).all()
    assert known[0, :2, :3].all() and known.sum() == 24


def test_the_array_of_a_bucket_holds_each_of_its_sizes(marked_model):
    assert padded_shape(((1, 4, 4), (9, 3, 6)), marked_model.settings) == (9, 4, 6, 4)


@pytest.mark.parametrize("backward", [False, True])
def test_a_continued_clip_is_whole_where_it_is_known(backward):
    for seed in range(40):
        attributes = [SEEN[(seed * 4 + k) % len(SEEN)] for k in range(4)]
        group = draw_continued(np.random.default_rng(seed), attributes, (16, 32, 32), (16, 4, 4), backward)
        frames = group.known.all(axis=(2, 3))
        assert np.array_equal(frames, group.known.any(axis=(2, 3))) and (frames == frames[0]).all()
        given = frames[0].sum()
        assert 1 <= given < 16 and frames[0][-given:].all() == backward and frames[0][:given].all() != backward
        for clip, a in zip(group.clips, attributes, strict=True):
            if given > 8:
                continue  # at the usual speed so many frames need not fit into the picture
            (reading,) = verify_batch(clip[None, -given:] if backward else clip[None, :given])
            assert reading.whole and (reading.color, reading.shape, reading.sky) == (a.color, a.shape, a.sky)


def test_bent_clips_know_both_ends_and_do_not_speak_of_motion():
    for seed in range(10):
        group = draw_bent(np.random.default_rng(seed), list(SEEN[seed : seed + 4]), (16, 32, 32), (16, 4, 4))
        frames = group.known.all(axis=(2, 3))[0]
        assert frames[0] and frames[-1] and not frames.all() and np.abs(np.diff(frames.astype(int))).sum() == 2
        assert all(attributes_in(text).motion is None for text in group.captions)


def test_some_place_is_always_missing(rng):
    shares = [known_places(rng, (8, 4, 4)).mean() for _ in range(200)]
    assert max(shares) < 1 and min(shares) < 0.3 and len(set(shares)) > 20


@pytest.mark.parametrize("step", range(3))
def test_the_loss_counts_only_what_is_to_be_made(marked_model, training, step):
    """Against the loss written out: the mean over the counted latents of each clip, weighted, then over the clips."""
    batch = draw_canvas_batch(marked_model, training, 0, step, range(4))
    loss, _ = loss_and_gradients(marked_model, batch)
    t = batch.t[:, None, None, None, None]
    x = np.where(batch.known[..., None], batch.latents, t * batch.latents + (1 - t) * batch.noise)
    y, _ = marked_model.dit.forward(x, 1000 * batch.t, batch.ids, known=batch.known, sizes=batch.sizes)
    errors = []
    for n, (frames, rows, columns) in enumerate(batch.sizes):
        part = np.s_[n, :frames, :rows, :columns]
        asked = ~batch.known[part]
        error = ((y[part] - batch.latents[part]) ** 2)[asked].mean()
        errors.append(error / max(1 - batch.t[n], 0.05) ** 2)
    assert loss == pytest.approx(np.mean(errors), rel=1e-4)


def test_every_gradient_of_the_loss(marked_model, training):
    model = VideoModel(marked_model.settings, dtype=np.float64)
    model.dit.params.flat[...] = marked_model.dit.params.flat
    model.codec.params.flat[...] = marked_model.codec.params.flat
    batch = draw_canvas_batch(marked_model, training, 1, 4, [0, 3])
    batch = replace(
        batch, **{name: getattr(batch, name).astype(np.float64) for name in ("latents", "noise", "t")}
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
