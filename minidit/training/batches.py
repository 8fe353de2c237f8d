"""Training batches, drawn on the fly: a clip is rendered, encoded, noised, used once and forgotten."""

from dataclasses import dataclass

import numpy as np

from minidit.backend import moved
from minidit.diffusion import sample_times
from minidit.models.tokenizer import PAD, START
from minidit.world import PLAIN_SKIES, SEEN, caption, render_batch
from minidit.world.split import first_seen

# N = clips of a batch, L = words of the longest prompt


@dataclass(frozen=True)
class Batch:
    """Clips to learn from, on the device of the model that they were drawn for.

    Attributes:
        latents: (N, f, r, c, C), of the clean clips.
        noise: (N, f, r, c, C).
        t: (N,), from 0 (noise) to 1 (data).
        ids: (N, L), words of the prompts.
        known: (N, f, r, c) bool, the latents that are given, or None for none.
        sizes: (N, 3), frames, rows and columns of each clip in latents, where clips are padded; None if none is.
    """

    latents: np.ndarray
    noise: np.ndarray
    t: np.ndarray
    ids: np.ndarray
    known: np.ndarray | None = None
    sizes: np.ndarray | None = None


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
    settings = model.settings
    count, seen = training.batch // training.shards, first_seen(training.combinations)
    clips, prompts, noise, times, dropped = [], [], [], [], []
    for shard in shards:
        rng = np.random.default_rng([seed, 3, step, shard])
        attributes = [draw_attributes(rng, training.plain_sky, seen) for _ in range(count)]
        clips.append(render_batch(attributes, rng, settings.size, settings.frames))
        prompts += [caption(a, rng) for a in attributes]
        noise.append(rng.standard_normal((count, *settings.latent_shape), dtype=np.float32))
        times.append(sample_times(rng, count, training.time_mean, training.time_std))
        dropped.append(rng.random(count) < training.drop_prompt)
    ids = model.tokenizer.encode(prompts)  # N, L
    ids[np.concatenate(dropped)] = null_row(ids.shape[1])
    drawn = map(np.concatenate, (clips, noise, times))
    clips, noise, times, ids = (moved(array, model.xp) for array in (*drawn, ids))  # all that a step takes across
    return Batch(model.codec.encode(clips), noise, times, ids)


def draw_attributes(rng, plain_sky, seen=SEEN):
    """A combination of those to be seen, or with the given probability a plain sky."""
    pool = PLAIN_SKIES if rng.random() < plain_sky else seen
    return pool[rng.integers(len(pool))]


def null_row(length):
    """The empty prompt, padded to `length` words."""
    row = np.full(length, PAD)
    row[0] = START
    return row
