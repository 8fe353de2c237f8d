"""Training batches, drawn on the fly: a clip is rendered, encoded, noised, used once and forgotten.

Without buckets all clips have the model's size. With buckets a step first draws a *bucket*: a set of similar sizes, so
that little is padded. Then clips of these sizes are drawn, in groups of one size and one task
(`minidit.training.known_parts`).
"""

from dataclasses import dataclass, replace

import numpy as np

from minidit.backend import moved
from minidit.diffusion import sample_times
from minidit.generation.text_to_video import EDIT_TIME
from minidit.layers.patchify import sizes_of_grid
from minidit.models.tokenizer import PAD, START
from minidit.training.known_parts import draw_group, draw_usual
from minidit.world import PLAIN_SKIES, SEEN
from minidit.world.split import first_seen

# N = clips of a batch, L = words of the longest prompt; F, H, W = frames, rows, columns of its latents

GROUP = 4  # clips that share a size and a task
LATE_MEAN, LATE_STD = 1.0, 1.2  # of the logit of late times
PROMPT_ENOUGH = 0.5  # of the clips with something known have no prompt, as in most uses; edits need theirs
NOISIER = 1.0  # half of their times, in the mean of the logit: what is known tells most while there is much noise
# At most, the spread of the noise in what half of them know, as clips that are made are not perfect. Source: Ho et al.
# 2022 (Cascaded Diffusion Models), section 4 (conditioning augmentation).
DAMAGE = 0.2

# Streams of random numbers: of whole clips; of the bucket of a step; and of the clips of a bucket.
WHOLE, BUCKET, BUCKETED = 3, 5, 6

# A bucket is a pair: how often it is drawn, and (frames, rows, columns) of its clips in latents of 8 x 8 pixels, each
# drawn as often as it is listed. The shorter side is the same in all, and with it the size of all objects.
MANY_SIZES = (
    (0.50, ((8, 4, 4),) * 18 + ((1, 4, 4),) * 3),
    (0.30, ((16, 4, 4),) * 6 + tuple((frames, 4, 4) for frames in range(9, 16))),
    (0.06, ((8, 4, 6),) * 3 + ((8, 4, 5),) * 3 + ((1, 4, 5), (1, 4, 6))),
    (0.06, ((8, 6, 4),) * 3 + ((8, 5, 4),) * 3 + ((1, 5, 4), (1, 6, 4))),
    (0.04, ((16, 4, 6),) * 2 + ((16, 4, 5),) * 2 + ((10, 4, 5), (12, 4, 6))),
    (0.04, ((16, 6, 4),) * 2 + ((16, 5, 4),) * 2 + ((10, 5, 4), (12, 6, 4))),
)


@dataclass(frozen=True)
class Batch:
    """Clips to learn from, on the device of the model that they were drawn for.

    Attributes:
        latents: (N, F, H, W, C), of the clean clips.
        noise: (N, F, H, W, C).
        t: (N,), from 0 (noise) to 1 (data).
        ids: (N, L), words of the prompts.
        known: (N, F, H, W) bool, the latents that the network is shown as they are; None for none.
        sizes: (N, 3), frames, rows and columns of each clip in latents, if clips are padded; None if none is.
        given: (N, F, H, W, C), what the network is shown where latents are known: those of the clip, some with a little
            noise; or for an edit those of the clip before it. None where `known` is None.
        edited: (N,) bool, the clips that are edits: all their latents are known, and all are asked for.
    """

    latents: np.ndarray
    noise: np.ndarray
    t: np.ndarray
    ids: np.ndarray
    known: np.ndarray | None = None
    sizes: np.ndarray | None = None
    given: np.ndarray | None = None
    edited: np.ndarray | None = None


def draw_batch(model, training, seed, step, shards):
    """Draws some shards of the batch of a step.

    Each shard has random numbers of its own, which follow from (seed, step, shard) alone. So a run that was
    interrupted goes on with the clips it would have had, and the clips don't depend on how many processes
    divide the shards among themselves.

    Args:
        model: VideoModel, for its codec and its tokenizer.
        training: DiffusionTraining.
        seed, step: which batch.
        shards: which of its `training.shards` shards.
    """
    settings, count = model.settings, training.batch // training.shards
    grids, stream = grids_of_step(settings, training, seed, step)
    shape = padded_shape(grids, settings)
    groups, noise, times, dropped, damage, edited = [], [], [], [], [], []
    for shard in shards:
        rng = np.random.default_rng([seed, stream, step, shard])
        drawn = list(draw_groups(rng, grids, count, settings.codec.patch, training))
        known = np.concatenate([group.known.any(axis=(1, 2, 3)) for group in drawn])  # clips of the shard
        edits = np.array([group.before is not None for group in drawn for _ in group.captions])  # clips of the shard
        noise.append(rng.standard_normal((count, *shape), dtype=np.float32))
        chance = rng.random((3, count), np.float32) if training.buckets else np.zeros((3, count), np.float32)
        noisier, damaged, spread = known * chance
        times.append(draw_times(rng, count, training, noisier > 0.5))
        damage.append(DAMAGE * spread * (damaged > 0.5))
        dropped.append(rng.random(count) < np.where(known, PROMPT_ENOUGH * ~edits, training.drop_prompt))
        edited.append(edits)
        groups += drawn
    ids = model.tokenizer.encode_captions([text for group in groups for text in group.captions])  # N, L
    ids[np.concatenate(dropped)] = null_row(ids.shape[1])
    clips, known, sizes = padded(groups, shape, settings.codec.patch)
    edited = np.concatenate(edited)  # N
    before = [replace(group, clips=group.before) for group in groups if group.before is not None]
    del groups, drawn  # or the clips would take up memory twice while they are encoded
    arrays = [clips, np.concatenate(noise), np.where(edited, EDIT_TIME, np.concatenate(times)), ids]
    if training.buckets:
        arrays += [known, sizes, np.concatenate(damage), edited]
    clips, noise, *others = (moved(array, model.xp) for array in arrays)  # nothing else of a step crosses to a GPU
    latents = model.codec.encode(clips)  # N, F, H, W, C
    if not training.buckets:
        return Batch(latents, noise, *others)
    *others, damage, edited = others
    given = latents + damage[:, None, None, None, None] * noise  # N, F, H, W, C
    if before:
        clips, _, _ = padded(before, shape, settings.codec.patch)
        given[edited] += model.codec.encode(moved(clips, model.xp)) - latents[edited]
    return Batch(latents, noise, *others, given, edited)


def draw_times(rng, count, training, noisier):
    """Times (count,) to train at, those of some clips (bool) noisier than usual."""
    mean, std = training.time_mean - NOISIER * noisier, training.time_std
    if training.late_times:
        late = rng.random(count) < training.late_times
        mean, std = np.where(late, LATE_MEAN, mean), np.where(late, LATE_STD, std)
    return sample_times(rng, count, mean, std)


def grids_of_step(settings, training, seed, step):
    """The sizes (frames, rows, columns) in latents that a step draws from, and its stream of random numbers."""
    if not training.buckets:
        return [settings.latent_shape[:3]], WHOLE
    shares, buckets = zip(*training.buckets, strict=True)
    return buckets[np.random.default_rng([seed, BUCKET, step]).choice(len(buckets), p=shares)], BUCKETED


def draw_groups(rng, grids, count, patch, training):
    """The Groups of a shard of `count` clips: one of whole clips; or with buckets several, each for a task."""
    if not training.buckets:
        seen = first_seen(training.combinations)
        attributes = [draw_attributes(rng, training.plain_sky, seen) for _ in range(count)]
        yield draw_usual(rng, attributes, grids[0], patch, grammar=training.grammar)
        return
    for first in range(0, count, GROUP):
        grid = grids[rng.integers(len(grids))]
        attributes = [draw_attributes(rng, training.plain_sky) for _ in range(min(GROUP, count - first))]
        yield draw_group(rng, attributes, grid, patch, training.grammar)


def draw_attributes(rng, plain_sky, seen=SEEN):
    """One of the seen combinations, or with this probability a plain sky."""
    pool = PLAIN_SKIES if rng.random() < plain_sky else seen
    return pool[rng.integers(len(pool))]


def null_row(length):
    """The empty prompt, padded to `length` words."""
    row = np.full(length, PAD)
    row[0] = START
    return row


def padded_shape(grids, settings):
    """(F, H, W, C) of latents that hold any of these grids."""
    return (*np.max(grids, axis=0).tolist(), settings.codec.channels)


def padded(groups, shape, patch):
    """The clips of all groups in one array, black after their ends; which latents are known; the sizes in latents.

    Returns:
        clips (N, frames, height, width, 3), known (N, F, H, W) bool, sizes (N, 3).
    """
    count = sum(len(group.captions) for group in groups)
    clips = np.zeros((count, *sizes_of_grid(shape[:3], patch), 3), np.float32)
    known, sizes = np.zeros((count, *shape[:3]), bool), np.zeros((count, 3), np.int64)
    first = 0
    for group in groups:
        last = first + len(group.captions)
        _, frames, height, width, _ = group.clips.shape
        clips[first:last, :frames, :height, :width] = group.clips
        _, *cells = group.known.shape
        known[first:last, : cells[0], : cells[1], : cells[2]] = group.known
        sizes[first:last] = cells
        first = last
    return clips, known, sizes
