from dataclasses import replace

import numpy as np
import pytest

from minidit.diffusion import sample_times
from minidit.files.accepted import FRAMES, SIZES
from minidit.generation.text_to_video import EDIT_TIME
from minidit.models.conditioning_channels import existing
from minidit.models.tokenizer import PAD, SPECIAL, START
from minidit.training import known_parts
from minidit.training.buckets import (
    MANY_SIZES,
    draw_attributes,
    draw_batch,
    draw_times,
    null_row,
    padded,
    padded_shape,
)
from minidit.training.job import loss_mask
from minidit.training.known_parts import Group
from minidit.world import HELD_OUT, PLAIN_SKIES, SEEN, VOCABULARY, Attributes, attributes_in, render_batch, verify_batch
from minidit.world.split import first_seen

FIELDS = ("latents", "noise", "t", "ids", "known", "sizes", "given", "edited")
PATCH = (1, 8, 8)


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in FIELDS)


def sentences(ids):
    words = np.array(SPECIAL + VOCABULARY)
    return [" ".join(words[row[row != PAD][1:]]) for row in ids]


@pytest.fixture
def training(small_preset):
    return replace(small_preset.diffusion_training, batch=8, shards=4)


@pytest.fixture
def bucketed(small_preset):
    return replace(small_preset.diffusion_training, batch=16, shards=4, buckets=MANY_SIZES)


def test_a_batch_follows_from_seed_step_and_shard_alone(small_model, training):
    batch = draw_batch(small_model, training, 5, 7, [2])
    draw_batch(small_model, training, 5, 8, [1])
    assert same(draw_batch(small_model, training, 5, 7, [2]), batch)
    for seed, step, shard in ((6, 7, 2), (5, 8, 2), (5, 7, 3), (7, 5, 2), (2, 5, 7)):
        other = draw_batch(small_model, training, seed, step, [shard])
        for name in ("latents", "noise", "t"):
            assert not np.isclose(getattr(other, name), getattr(batch, name)).all()
        assert abs(np.corrcoef(other.noise.ravel(), batch.noise.ravel())[0, 1]) < 0.1


@pytest.mark.parametrize("division", [[[0], [1], [2], [3]], [[0, 2], [1, 3]], [[3, 1], [0, 2]]])
def test_the_clips_do_not_depend_on_who_draws_which_shards(small_model, training, division):
    whole = draw_batch(small_model, training, 0, 3, range(4))
    for shards in division:
        part = draw_batch(small_model, training, 0, 3, shards)
        rows = np.concatenate([[2 * shard, 2 * shard + 1] for shard in shards])
        assert np.array_equal(part.noise, whole.noise[rows])
        assert np.array_equal(part.t, whole.t[rows])
        np.testing.assert_allclose(part.latents, whole.latents[rows], atol=1e-5)
        assert sentences(part.ids) == [sentences(whole.ids)[row] for row in rows]


def test_a_batch_has_the_stated_shapes_in_float32(small_model, training):
    batch = draw_batch(small_model, training, 0, 0, range(4))
    assert batch.latents.shape == batch.noise.shape == (8, 8, 4, 4, 4)
    assert batch.t.shape == (8,)
    assert batch.ids.shape[0] == 8
    assert {batch.latents.dtype, batch.noise.dtype, batch.t.dtype} == {np.dtype(np.float32)}
    assert np.issubdtype(batch.ids.dtype, np.integer)
    assert ((batch.t > 0) & (batch.t < 1)).all()


@pytest.mark.parametrize("fraction", [0.0, 0.25, 1.0])
def test_the_stated_fraction_of_prompts_is_dropped(small_model, training, fraction):
    training = replace(training, batch=800, drop_prompt=fraction)
    ids = draw_batch(small_model, training, 0, 0, range(4)).ids
    empty = (ids == null_row(ids.shape[1])).all(axis=1)
    assert abs(empty.mean() - fraction) <= 0.06 * (0 < fraction < 1)  # four standard errors
    assert (ids[:, 0] == START).all()
    assert (ids[~empty, 1] != PAD).all()


def test_dropping_a_prompt_changes_nothing_else(small_model, training):
    kept = draw_batch(small_model, replace(training, drop_prompt=0.0), 0, 0, range(4))
    dropped = draw_batch(small_model, replace(training, drop_prompt=1.0), 0, 0, range(4))
    for name in ("latents", "noise", "t"):
        assert np.array_equal(getattr(kept, name), getattr(dropped, name))


def test_the_empty_prompt_is_the_tokenizers(small_model):
    assert np.array_equal(null_row(1), small_model.tokenizer.encode([""])[0])
    assert null_row(4).tolist() == [START, PAD, PAD, PAD]


@pytest.mark.parametrize("fraction", [0.0, 0.1, 1.0])
def test_the_stated_fraction_of_clips_is_plain_sky(fraction, rng):
    drawn = [draw_attributes(rng, fraction) for _ in range(4000)]
    plain = np.mean([attributes in PLAIN_SKIES for attributes in drawn])
    assert abs(plain - fraction) <= 0.02 * (0 < fraction < 1)  # four standard errors
    assert fraction == 0 or set(PLAIN_SKIES) <= set(drawn)


def test_every_seen_combination_is_drawn_and_no_held_out_one(rng):
    drawn = {draw_attributes(rng, 0.03) for _ in range(8000)}
    assert drawn == set(SEEN) | set(PLAIN_SKIES)
    assert not drawn & set(HELD_OUT)


def test_no_prompt_of_the_training_names_a_held_out_combination(small_model, training):
    training = replace(training, batch=64)
    named = set()
    for step in range(25):
        ids = draw_batch(small_model, training, 0, step, range(4)).ids
        named |= {attributes_in(sentence) for sentence in sentences(ids) if sentence}
    named -= {Attributes(None, None, None, None)}  # "sora is sky"
    assert len(named) > 300
    assert named <= set(SEEN) | set(PLAIN_SKIES)


def test_a_prompt_says_what_its_clip_shows(small_model, training, monkeypatch):
    drawn = []

    def render_and_remember(*arguments):
        drawn.append(render_batch(*arguments))
        return drawn[-1]

    monkeypatch.setattr(known_parts, "render_batch", render_and_remember)
    training = replace(training, batch=40, drop_prompt=0.0, plain_sky=0.0)
    batch = draw_batch(small_model, training, 0, 0, range(4))
    clips = np.concatenate(drawn)
    prompts = sentences(batch.ids)
    agree = [reading.right(attributes_in(p)) for reading, p in zip(verify_batch(clips), prompts, strict=True)]
    assert np.mean(agree) >= 0.95
    np.testing.assert_array_equal(batch.latents, small_model.codec.encode(clips))


def test_the_times_are_logistic_normal_with_the_stated_mean_and_spread(small_model, training):
    training = replace(training, batch=1200, time_mean=-1.0, time_std=0.5)
    t = draw_batch(small_model, training, 0, 0, range(4)).t
    logit = np.log(t / (1 - t))
    assert abs(logit.mean() + 1.0) < 0.06
    assert abs(logit.std() - 0.5) < 0.05


def logits(t):
    return np.log(t / (1 - t))


def test_without_late_times_the_times_are_those_of_before_to_the_bit(training):
    noisier = np.array([True, False, True])
    expected = sample_times(np.random.default_rng(3), 3, training.time_mean - 1.0 * noisier, training.time_std)
    found = draw_times(np.random.default_rng(3), 3, training, noisier)
    assert found.tobytes() == expected.tobytes() and found.dtype == np.float32


def test_the_stated_fraction_of_times_is_late_also_of_those_that_are_noisier(training, rng):
    training = replace(training, time_mean=-6.0, time_std=0.1, late_times=0.25)
    noisier = np.arange(8000) % 2 == 0
    found = logits(draw_times(rng, 8000, training, noisier).astype(float))
    late = found > -5
    assert abs(late.mean() - 0.25) < 0.02  # four standard errors
    assert abs(late[noisier].mean() - late[~noisier].mean()) < 0.04
    assert abs(found[late].mean() - 1.0) < 0.11 and abs(found[late].std() - 1.2) < 0.08
    assert abs(found[~late & ~noisier].mean() + 6) < 0.01 and abs(found[~late & noisier].mean() + 7) < 0.01


def test_late_times_change_the_times_of_a_batch_and_neither_its_clips_nor_its_noise(small_model, training):
    plain, late = (draw_batch(small_model, replace(training, late_times=n), 0, 0, range(4)) for n in (0.0, 1.0))
    assert logits(late.t).mean() > logits(plain.t).mean() + 1
    for name in ("latents", "noise"):
        assert np.array_equal(getattr(plain, name), getattr(late, name))


def test_a_training_on_few_combinations_is_shown_no_other(small_model, training):
    few = replace(training, batch=64, combinations=5, plain_sky=0.0, drop_prompt=0.0)
    named = set()
    for step in range(4):
        named |= {attributes_in(text) for text in sentences(draw_batch(small_model, few, 0, step, range(4)).ids)}
    assert named == set(first_seen(5))


# Buckets


def test_a_batch_of_a_bucket_follows_from_seed_step_and_shard_alone(marked_model, bucketed):
    batch = draw_batch(marked_model, bucketed, 5, 7, [2])
    draw_batch(marked_model, bucketed, 5, 8, [1])
    assert same(draw_batch(marked_model, bucketed, 5, 7, [2]), batch)
    for seed, step, shard in ((6, 7, 2), (5, 8, 2), (5, 7, 3)):
        assert not same(draw_batch(marked_model, bucketed, seed, step, [shard]), batch)


@pytest.mark.parametrize("step", range(6))
def test_the_clips_of_a_bucket_do_not_depend_on_who_draws_which_shards(marked_model, bucketed, step):
    whole = draw_batch(marked_model, bucketed, 0, step, range(4))
    for shard in range(4):
        part = draw_batch(marked_model, bucketed, 0, step, [shard])
        rows = slice(4 * shard, 4 * shard + 4)
        for name in ("noise", "t", "known", "sizes"):
            assert np.array_equal(getattr(part, name), getattr(whole, name)[rows])
        np.testing.assert_allclose(part.latents, whole.latents[rows], atol=1e-5)


def test_a_batch_of_a_bucket_has_the_stated_shapes(marked_model, bucketed):
    for step in range(12):
        batch = draw_batch(marked_model, bucketed, 0, step, range(4))
        shape = batch.latents.shape
        assert shape == batch.noise.shape and batch.known.shape == shape[:-1] and batch.sizes.shape == (16, 3)
        assert (batch.sizes <= shape[1:4]).all() and (batch.sizes > 0).all()
        assert batch.latents.dtype == batch.noise.dtype == batch.t.dtype == np.float32
        asked = loss_mask(batch)
        assert asked.any(axis=(1, 2, 3)).all()  # every clip teaches something
        assert not (asked & ~existing(shape, batch.sizes, np)).any() and not (asked & batch.known)[~batch.edited].any()


def test_half_of_the_times_are_noisier_where_something_is_known(marked_model, bucketed):
    bucketed = replace(bucketed, batch=400, time_mean=-1.0, time_std=0.05)
    batch = draw_batch(marked_model, bucketed, 0, 0, range(4))
    logit, given = np.log(batch.t / (1 - batch.t)), batch.known.any(axis=(1, 2, 3))
    logit, given = logit[~batch.edited], given[~batch.edited]
    assert logit[~given].mean() == pytest.approx(-1, abs=0.15)
    noisier = logit[given] < -1.5
    assert 0.35 < noisier.mean() < 0.65
    assert logit[given][noisier].mean() == pytest.approx(-2, abs=0.05)
    assert logit[given][~noisier].mean() == pytest.approx(-1, abs=0.05)


def test_some_known_latents_are_a_little_damaged_and_none_that_is_made(marked_model, bucketed, monkeypatch):
    batch = draw_batch(marked_model, replace(bucketed, batch=400), 0, 0, range(4))
    monkeypatch.setattr("minidit.training.buckets.DAMAGE", 0.0)
    clean = draw_batch(marked_model, replace(bucketed, batch=400), 0, 0, range(4))
    assert np.array_equal(batch.latents, clean.latents)
    plain = ~clean.edited
    assert np.array_equal(clean.given[plain], clean.latents[plain])
    off, given = batch.given - clean.given, batch.known.any(axis=(1, 2, 3))
    assert not off[~given].any()
    spread = np.array([x[known].std() for x, known in zip(off[given], batch.known[given], strict=True)])
    assert 0.35 < np.mean(spread < 1e-5) < 0.65 and 0.1 < spread.max() < 0.25


def test_what_is_given_of_an_edit_is_the_clip_before_it(marked_model, bucketed, monkeypatch):
    monkeypatch.setattr("minidit.training.buckets.DAMAGE", 0.0)
    batch = draw_batch(marked_model, replace(bucketed, batch=400), 0, 0, range(4))
    assert 0.03 < batch.edited.mean() < 0.2
    for n in np.flatnonzero(batch.edited):
        frames, rows, columns = batch.sizes[n]
        part = np.s_[n, :frames, :rows, :columns]
        assert batch.known[part].all() and loss_mask(batch)[part].all() and batch.t[n] == np.float32(EDIT_TIME)
        assert not np.allclose(batch.given[part], batch.latents[part], atol=0.01)
    assert all(sentences(batch.ids[batch.edited]))


def test_buckets_are_shares_of_a_whole():
    assert sum(share for share, _ in MANY_SIZES) == pytest.approx(1)


def test_training_shows_every_size_that_is_accepted_and_no_other():
    grids = [grid for _, grids in MANY_SIZES for grid in grids]
    assert {(8 * rows, 8 * columns) for _, rows, columns in grids} == set(SIZES)
    assert {frames for frames, *_ in grids} == set(FRAMES)


def test_every_bucket_comes_up(marked_model, bucketed):
    shapes = {draw_batch(marked_model, bucketed, 0, step, [0]).latents.shape[1:4] for step in range(60)}
    assert shapes == {padded_shape(grids, marked_model.settings)[:3] for _, grids in MANY_SIZES}


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
