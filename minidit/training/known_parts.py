"""Partly known clips: from them a model learns to animate, extend, connect, loop, inpaint and edit.

Clips come in groups of one size and one task. `minidit.training.buckets` makes batches of them.
"""

from dataclasses import dataclass

import numpy as np

from minidit.layers.patchify import sizes_of_grid
from minidit.world import PLAIN_SKIES, SEEN, Attributes, caption, random_caption, render_batch
from minidit.world.attributes import MOTIONS, NAMES
from minidit.world.grammar import short_caption
from minidit.world.paths import bent_paths, straight_through
from minidit.world.renderer import RADIUS, TRAVEL, directions, lerp, render_paths, scale_of

# n = clips of a group; F, H, W = frames, rows, columns of its latents

USUAL_FRAMES = 8  # of the clips whose speed is usual

# Tasks: what is known beforehand, and how often.
TASKS = (("nothing", 0.54), ("run", 0.17), ("ends", 0.16), ("places", 0.04), ("edit", 0.09))
RUNS = (("start", 0.45), ("middle", 0.3), ("end", 0.25))  # where a run of known frames lies
BENT = 0.8  # of the clips with both ends known go from one path into another
TURNED = 0.15  # of the groups of those, where each clip becomes what the next one shows


@dataclass(frozen=True)
class Group:
    """Clips of one size and task.

    Attributes:
        clips: (n, frames, height, width, 3).
        known: (n, F, H, W) bool, of latents.
        captions: n strings.
        before: for edits (n, frames, height, width, 3), the clips to be edited. All of their latents are known.
    """

    clips: np.ndarray
    known: np.ndarray
    captions: list[str]
    before: np.ndarray | None = None


def draw_group(rng, attributes, grid, patch, grammar=0.0):
    """A Group for a random task.

    Args:
        rng: Generator.
        attributes: n Attributes.
        grid: (F, H, W) of a clip.
        patch: the codec's: frames × rows × columns of a latent.
        grammar: as in DiffusionTraining.
    """
    size = frames, _, _ = sizes_of_grid(grid, patch)
    names, shares = zip(*TASKS, strict=True)
    task = names[rng.choice(len(TASKS), p=shares)]
    if task == "edit":
        return draw_edited(rng, attributes, grid, patch)
    if task == "ends" and frames < 4:
        task = "run"  # a way from one path into another takes two frames
    if task == "run" and frames == 1:
        task = "nothing"
    if task == "run":
        return draw_continued(rng, attributes, size, grid, draw_run(rng, frames), grammar)
    if task == "ends" and (frames < USUAL_FRAMES or rng.random() < BENT):
        return draw_bent(rng, attributes, size, grid, grammar)
    return draw_usual(rng, attributes, grid, patch, KNOWN[task], grammar)


def draw_usual(rng, attributes, grid, patch, known=None, grammar=0.0):
    """A Group of clips as the world draws them.

    Args:
        known: function of the Generator and the grid that draws what is known of one clip, (F, H, W) bool.
    """
    frames, *size = sizes_of_grid(grid, patch)
    clips = render_batch(attributes, rng, tuple(size), frames)
    masks = [known(rng, grid) if known else np.zeros(grid, bool) for _ in attributes]
    return Group(clips, np.stack(masks), [describe(rng, a, frames, grammar) for a in attributes])


def draw_run(rng, frames):
    """One run of known frames: the first of them, and the first after them. In a fifth of the groups it is a picture.

    A clip gets longer at its start, at its end, or at both, as `minidit.generation.joining` does it.
    """
    shown = 1 if rng.random() < 0.2 else int(rng.integers(1, frames))
    places, shares = zip(*RUNS, strict=True)
    place, free = places[rng.choice(len(RUNS), p=shares)], frames - shown
    start = {"start": 0, "middle": int(rng.integers(free + 1)), "end": free}[place]
    return start, start + shown


def draw_continued(rng, attributes, size, grid, run, grammar=0.0):
    """Clips of which one run of frames is known.

    In half of the groups the objects may leave the picture in the frames that are not known.

    Args:
        run: the first known frame, and the first after them.
    """
    frames, rows, columns = size
    start, stop = run
    radius, step, position, light = draw_objects(rng, attributes, (rows, columns))
    inside = run
    if stop - start == 1 or rng.random() < 0.5:  # the speed of a whole clip; from one frame nobody could tell another
        step = step * ((USUAL_FRAMES - 1) / (frames - 1))
        inside = 0, frames
    centers = straight_through(step, position, radius, (rows, columns), frames, *inside)
    clips = render_paths(attributes, centers, radius, light, (rows, columns))
    known = np.zeros((len(attributes), *grid), bool)
    known[:, start:stop] = True
    return Group(clips, known, [describe(rng, a, frames, grammar) for a in attributes])


def draw_bent(rng, attributes, size, grid, grammar=0.0):
    """Clips with both ends known, each end with its own straight path.

    In half of the groups both ends have their own radius and light too, and in some of these their own object and sky:
    on the way one becomes the other evenly.
    """
    frames, rows, columns = size
    count = len(attributes)
    before, after = (int(n) for n in rng.integers(1, min(USUAL_FRAMES, frames // 2), size=2))
    if rng.random() < 0.5:  # as two clips are joined: what is seen of each fills the canvas
        before = after = max(before, after)
    radius, first_step, first_place, light = draw_objects(rng, attributes, (rows, columns))
    turned = [a if a.shape is None else a._replace(motion=MOTIONS[rng.integers(len(MOTIONS))]) for a in attributes]
    last_radius, last_step, last_place, last_light = draw_objects(rng, turned, (rows, columns))
    widest = np.maximum(radius, last_radius)
    centers = bent_paths(
        first_step, last_step, first_place, last_place, widest, (rows, columns), frames, before, after
    )
    captions = [describe(rng, a._replace(motion=None), frames, grammar) for a in attributes]
    kind = rng.random()
    if kind < 0.5:
        clips = render_paths(attributes, centers, radius, light, (rows, columns))
    else:
        others = attributes
        if kind > 1 - TURNED:
            others, captions = [*attributes[1:], attributes[0]], [""] * count
        way = ((np.arange(frames) - (before - 1)) / (frames - after - (before - 1))).clip(0, 1).astype(np.float32)  # F
        radii = radius[:, None] + (last_radius - radius)[:, None] * way  # n, F
        clips, last = (
            render_paths(shown, centers, radii, brightness, (rows, columns))
            for shown, brightness in ((attributes, light), (others, last_light))
        )
        clips += (last - clips) * way[:, None, None, None]
    known = np.zeros((count, *grid), bool)
    known[:, :before] = known[:, frames - after :] = True
    return Group(clips, known, captions)


def draw_edited(rng, attributes, grid, patch):
    """Clips in which one or two of color, shape and sky are changed; the path and the light stay.

    Half of the captions describe the new clip, and the others name what changes, and perhaps more.
    """
    frames, *size = sizes_of_grid(grid, patch)
    wanted = [edited(rng, Attributes(*a)) for a in attributes]
    seed = rng.integers(2**32)  # the same random numbers, so that clips differ in what is changed alone
    before, clips = (
        render_batch(shown, np.random.default_rng(seed), tuple(size), frames) for shown in (attributes, wanted)
    )
    captions = []
    for old, new in zip(attributes, wanted, strict=True):
        kept = {name: None for name, a, b in zip(new._fields, old, new, strict=True) if a == b and rng.random() < 0.75}
        whole = new.shape is None or rng.random() < 0.5
        captions.append(describe(rng, new, frames) if whole else short_caption(new._replace(**kept), rng))
    return Group(clips, np.ones((len(attributes), *grid), bool), captions, before)


def edited(rng, attributes):
    """One of the seen combinations (or another plain sky) with this motion, of which one or two other values differ."""
    while True:
        names = ("color", "shape", "sky") if attributes.shape else ("sky",)
        changes = rng.permutation(names)[: 1 if rng.random() < 0.6 else 2]
        new = attributes._replace(**{name: str(rng.choice(NAMES[name])) for name in changes})
        if new != attributes and new in ALLOWED:
            return new


def draw_objects(rng, attributes, size):
    """Radius (n,), step from frame to frame at the usual speed (n, 2), position (n, 2) and light (n, 2) in [0, 1)."""
    draws = rng.random((len(attributes), 6), dtype=np.float32)  # n, 6
    scale = scale_of(size)
    speed = lerp(TRAVEL, draws[:, 1]) * scale / (USUAL_FRAMES - 1)  # n    pixels per frame
    return lerp(RADIUS, draws[:, 0]) * scale, directions(attributes) * speed[:, None], draws[:, 2:4], draws[:, 4:]


def known_ends(rng, grid):
    """The first frames of a clip are known, and the last; (F, H, W)."""
    known = np.zeros(grid, bool)
    before, after = rng.integers(1, USUAL_FRAMES // 2, size=2)
    known[:before] = known[len(known) - after :] = True
    return known


def known_places(rng, grid):
    """Which latents are known if places are missing: all but a box, or each one by chance; (F, H, W)."""
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


ALLOWED = frozenset(SEEN + PLAIN_SKIES)
KNOWN = {"nothing": None, "ends": known_ends, "places": known_places}


def describe(rng, attributes, frames, grammar=0.0):
    """A caption, by that share of the random grammar. Half of the captions of single frames leave out the motion."""
    if frames == 1 and rng.random() < 0.5:
        attributes = Attributes(*attributes)._replace(motion=None)
    if grammar and rng.random() < grammar:
        return random_caption(attributes, rng)
    return caption(attributes, rng)
