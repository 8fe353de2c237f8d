"""Batches for a network of many uses: clips of many sizes in a batch, and of some of them a part is given.

A clip of a batch belongs to a *group* of clips of one size and one kind of task. The groups of a step come from one
*bucket*, a set of sizes that are alike, so that little is padded. A bucket is a pair: how often it is drawn, and
(frames, rows, columns) of its clips in latents, each as often as it stands there.
"""

from dataclasses import dataclass

import numpy as np

from minidit.backend import moved
from minidit.diffusion import sample_times
from minidit.training.batches import Batch, draw_attributes, null_row
from minidit.world import Attributes, caption, render_batch
from minidit.world.attributes import MOTIONS
from minidit.world.paths import bent_paths, straight_through
from minidit.world.renderer import RADIUS, TRAVEL, directions, lerp, render_paths, scale_of

# N = clips of a batch; F, H, W = frames, rows, columns of its latents

GROUP = 4  # clips that share a size and a task
USUAL_FRAMES = 8  # of the clips whose speed is usual

# Of latents for 8 x 8 pixels. First of all many sizes, then longer clips.
MANY_SIZES = (
    (0.50, ((8, 4, 4),) * 5 + ((1, 4, 4),) * 2 + ((4, 4, 4), (8, 3, 3))),
    (0.20, ((16, 4, 4),) * 2 + ((12, 4, 4),)),
    (0.10, ((8, 4, 6),) * 3 + ((1, 4, 6),)),
    (0.10, ((8, 6, 4),) * 3 + ((1, 6, 4),)),
    (0.10, ((8, 6, 6),) * 3 + ((1, 6, 6),)),
)
LONGER = (
    (0.30, ((8, 4, 4),) * 6 + ((1, 4, 4), (2, 4, 4), (8, 3, 3), (8, 3, 3)) + ((4, 4, 4),) * 2),
    (0.46, ((16, 4, 4),) * 3 + ((12, 4, 4), (9, 4, 4))),
    (0.08, ((8, 4, 6),) * 4 + ((1, 4, 6),)),
    (0.08, ((8, 6, 4),) * 4 + ((1, 6, 4),)),
    (0.08, ((8, 6, 6),) * 4 + ((1, 6, 6),)),
)

# Tasks: how often, and what is known beforehand.
TASKS = (("nothing", 0.42), ("start", 0.2), ("end", 0.12), ("ends", 0.18), ("places", 0.08))
PROMPT_ENOUGH = 0.3  # of the clips with something known have no prompt
NOISIER = 1.0  # their times, in the mean of the logit: what is known tells most while there is much noise


@dataclass(frozen=True)
class Group:
    """Clips of one size and task.

    Attributes:
        clips: (n, frames, height, width, 3).
        known: (n, frames, rows, columns) bool, of latents.
        captions: n strings.
    """

    clips: np.ndarray
    known: np.ndarray
    captions: list[str]


def draw_canvas_batch(model, training, seed, step, shards):
    """Draws some shards of the batch of a step, as `minidit.training.batches.draw_batch` does."""
    settings = model.settings
    shares, buckets = zip(*training.canvases, strict=True)
    grids = buckets[np.random.default_rng([seed, 5, step]).choice(len(buckets), p=shares)]
    count = training.batch // training.shards
    groups, noise, times, dropped = [], [], [], []
    shape = padded_shape(grids, settings)
    for shard in shards:
        rng = np.random.default_rng([seed, 6, step, shard])
        means = []
        for first in range(0, count, GROUP):
            grid = grids[rng.integers(len(grids))]
            group = draw_group(rng, grid, min(GROUP, count - first), settings.codec.patch, training.plain_sky)
            groups.append(group)
            means.append(training.time_mean - NOISIER * group.known.any(axis=(1, 2, 3)))
        noise.append(rng.standard_normal((count, *shape), dtype=np.float32))
        times.append(sample_times(rng, count, np.concatenate(means), training.time_std))
        dropped.append(rng.random(count))
    ids = model.tokenizer.encode([text for group in groups for text in group.captions])  # N, L
    clips, known, sizes = padded(groups, shape, settings.codec.patch)
    share = np.where(known.any(axis=(1, 2, 3)), PROMPT_ENOUGH, training.drop_prompt)  # N
    ids[np.concatenate(dropped) < share] = null_row(ids.shape[1])
    noise, times = np.concatenate(noise), np.concatenate(times)
    clips, noise, times, ids, known, sizes = (moved(a, model.xp) for a in (clips, noise, times, ids, known, sizes))
    return Batch(model.codec.encode(clips), noise, times, ids, known, sizes)


def padded_shape(grids, settings):
    """(frames, rows, columns, channels) of latents that hold any of these grids."""
    return (*np.max(grids, axis=0).tolist(), settings.codec.channels)


def padded(groups, shape, patch):
    """The clips of all groups in one array, black where they end; which latents are known; and how many there are.

    Returns:
        clips (N, frames, height, width, 3), known (N, F, H, W) bool, sizes (N, 3).
    """
    count = sum(len(group.captions) for group in groups)
    clips = np.zeros((count, *(cells * step for cells, step in zip(shape, patch, strict=False)), 3), np.float32)
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


def draw_group(rng, grid, count, patch, plain_sky):
    """Draws clips of one size, and what of them is known."""
    frames, rows, columns = (cells * step for cells, step in zip(grid, patch, strict=True))
    attributes = [draw_attributes(rng, plain_sky) for _ in range(count)]
    names, shares = zip(*TASKS, strict=True)
    task = names[rng.choice(len(TASKS), p=shares)]
    if frames < USUAL_FRAMES and task != "places":
        task = "nothing"  # of so few frames none can be spared
    if task == "start" or task == "end":
        return draw_continued(rng, attributes, (frames, rows, columns), grid, backward=task == "end")
    if task == "ends" and rng.random() < 0.7:
        return draw_bent(rng, attributes, (frames, rows, columns), grid)
    clips = render_batch(attributes, rng, (rows, columns), frames)
    known = np.zeros((count, *grid), bool)
    if task == "ends":
        for clip in known:
            before, after = rng.integers(1, USUAL_FRAMES // 2, size=2)
            clip[:before] = clip[frames - after :] = True
    elif task == "places":
        known = np.stack([known_places(rng, grid) for _ in range(count)])
    return Group(clips, known, [describe(rng, a, frames) for a in attributes])


def draw_continued(rng, attributes, size, grid, backward):
    """Clips whose first frames are known, or `backward` the last; half of them leave the picture where they are not."""
    frames, rows, columns = size
    count = len(attributes)
    given = int(rng.integers(1, frames))
    radius, step, position, light = draw_objects(rng, attributes, (rows, columns))
    if given == 1 or rng.random() < 0.5:  # the speed of a whole clip; from one frame nobody could tell another
        step = step * ((USUAL_FRAMES - 1) / (frames - 1))
        start, stop = 0, frames
    else:
        start, stop = (frames - given, frames) if backward else (0, given)
    centers = straight_through(step, position, radius, (rows, columns), frames, start, stop)
    clips = render_paths(attributes, centers, radius, light, (rows, columns))
    known = np.zeros((count, *grid), bool)
    known[:, frames - given :] |= backward
    known[:, :given] |= not backward
    return Group(clips, known, [describe(rng, a, frames) for a in attributes])


def draw_bent(rng, attributes, size, grid):
    """Clips of which both ends are known, each on a straight way of its own."""
    frames, rows, columns = size
    count = len(attributes)
    before, after = (int(n) for n in rng.integers(1, min(USUAL_FRAMES, frames // 2), size=2))
    radius, first_step, first_place, light = draw_objects(rng, attributes, (rows, columns))
    turned = [a if a.shape is None else a._replace(motion=MOTIONS[rng.integers(len(MOTIONS))]) for a in attributes]
    speed = lerp(TRAVEL, rng.random((count, 1), dtype=np.float32)) * scale_of((rows, columns)) / (USUAL_FRAMES - 1)
    last_step, last_place = directions(turned) * speed, rng.random((count, 2), dtype=np.float32)
    centers = bent_paths(
        first_step, last_step, first_place, last_place, radius, (rows, columns), frames, before, after
    )
    clips = render_paths(attributes, centers, radius, light, (rows, columns))
    known = np.zeros((count, *grid), bool)
    known[:, :before] = known[:, frames - after :] = True
    return Group(clips, known, [caption(a._replace(motion=None), rng) for a in attributes])


def draw_objects(rng, attributes, size):
    """Radius (n,), step from frame to frame at the usual speed (n, 2), position (n, 2) and light (n, 2) in [0, 1)."""
    draws = rng.random((len(attributes), 6), dtype=np.float32)  # n, 6
    scale = scale_of(size)
    speed = lerp(TRAVEL, draws[:, 1]) * scale / (USUAL_FRAMES - 1)  # n    pixels per frame
    return lerp(RADIUS, draws[:, 0]) * scale, directions(attributes) * speed[:, None], draws[:, 2:4], draws[:, 4:]


def known_places(rng, grid):
    """Which latents are known where places are missing: a box in all frames, or each latent by chance; (F, H, W)."""
    frames, rows, columns = grid
    if rng.random() < 0.5:
        known = rng.random(grid) < rng.uniform(0.1, 0.9)
    else:
        known = np.ones(grid, bool)
        height, width = rng.integers(1, rows + 1), rng.integers(1, columns + 1)
        top, left = rng.integers(rows - height + 1), rng.integers(columns - width + 1)
        known[:, top : top + height, left : left + width] = False
    if known.all():
        known[:, rng.integers(rows), rng.integers(columns)] = False
    return known


def describe(rng, attributes, frames):
    """A caption; every second one of a single frame doesn't mention the motion."""
    if frames == 1 and rng.random() < 0.5:
        attributes = Attributes(*attributes)._replace(motion=None)
    return caption(attributes, rng)
