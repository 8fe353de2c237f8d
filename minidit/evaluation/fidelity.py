"""How far a clip is from the nearest clip that the world could have drawn: a second examiner beside the verifier.

The verifier (`minidit.world.verifier`) measures masks, centres and areas and tolerates much. This examiner asks one
question instead. The world draws every clip from its attributes and six numbers between 0 and 1; which of all these
clips has the least squared difference to the one given, and how large is it? As a peak signal-to-noise ratio that is
the clip's *fidelity*, and the attributes of the nearest clip are what it shows. Seams, specks, a bent outline, a path
that isn't straight, a speed or size that the world doesn't have: all of it counts, as much as it shows in the pixels.

There is no allowance beyond the world's ranges. A real clip is at distance 0, and what lies outside, such as a radius
that is a little too small, costs only the few pixels by which it differs.

The search: sky and colour by a lower bound on the error; every shape, way, size and place on a grid; then least squares
from the best of these (`screening.py`, `fitting.py`). It shares nothing with the verifier but the renderer.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from minidit.evaluation.fitting import refine
from minidit.evaluation.pixels import decibels
from minidit.evaluation.screening import least_errors, screen_for
from minidit.world.attributes import COLORS, NAMES, PLAIN_SKIES, SHAPES, SKIES, Attributes
from minidit.world.renderer import BRIGHTNESS, REFERENCE_SIZE, place

# N = clips, F = frames, H = rows, W = columns

PAIRS = 3                  # of sky and colour, the most that are tried
TRIED, FINISHED = 6, 2     # of the shapes and motions: those that are fitted for a few rounds, and to the end
FEW_ROUNDS, MANY_ROUNDS = 3, 20
LEAST_ERROR = 1e-10        # squared: 100 dB, so that a perfect clip has a number too
CLIPS_AT_ONCE = 8


@dataclass(frozen=True)
class Nearest:
    """For each of N clips the nearest clip of the world.

    Attributes:
        fidelity: (N,) dB, at most 100.
        attributes: N Attributes. A single frame has no motion, a plain sky neither colour nor shape.
        draws: (N, 6), from which `minidit.world.renderer.render_draws` draws it.
        centers: (N, F, 2), x and y of the object in pixels; NaN in a plain sky.
        radius: (N,) in pixels; NaN in a plain sky.
    """

    fidelity: np.ndarray
    attributes: list
    draws: np.ndarray
    centers: np.ndarray
    radius: np.ndarray

    def shows(self, asked):
        """Does the nearest clip show what was asked for, N Attributes? (N,) bool, see `shows`."""
        frames = self.centers.shape[1]
        return np.array([shows(*pair, frames) for pair in zip(self.attributes, asked, strict=True)], dtype=bool)


def fidelity(clips, attributes=None):
    """Peak signal-to-noise ratio of each clip to the nearest one of the world, in dB: (N,). See `examine`."""
    return examine(clips, attributes).fidelity


def examine(clips, attributes=None):
    """Finds the nearest clip of the world.

    Args:
        clips: (N, F, H, W, 3) numbers in [0, 1] of any size and length that the world draws: values outside count as 0
            or 1, NaN as 0. To examine frames one by one, give them as clips of one frame.
        attributes: N Attributes, one Attributes for all, or None: where given, only clips that show these count (see
            `shows`), so that a clip of something else is far from them.
    Returns:
        Nearest.
    Raises:
        ValueError: for any other shape, no frame, or frames smaller than 16 x 16; another number of attributes, or
            a value that the world doesn't have.
    """
    clips = np.clip(np.nan_to_num(np.asarray(clips, np.float32)), 0, 1)
    if clips.ndim != 5 or clips.shape[-1] != 3 or min(clips.shape[2:4]) < REFERENCE_SIZE or not clips.shape[1]:
        raise ValueError(f"clips must be (clips, frames, rows, columns, 3) of at least 16 x 16, got {clips.shape}")
    count, frames, *size, _ = clips.shape
    size = tuple(size)
    asked = [attributes] * count if attributes is None or isinstance(attributes, Attributes) else list(attributes)
    if len(asked) != count:
        raise ValueError(f"{count} clips were given, and attributes for {len(asked)}")
    unknown = {v for a in asked if a for v, known in zip(a, NAMES.values(), strict=True) if v not in (None, *known)}
    if unknown:
        raise ValueError(f"the world has no {', '.join(sorted(unknown))}")
    screen = screen_for(size, frames)
    error, draws, shown = np.empty(count), np.empty((count, 6), np.float32), []
    for start in range(0, count, CLIPS_AT_ONCE):
        part = slice(start, start + CLIPS_AT_ONCE)
        error[part], draws[part], names = _nearest(clips[part], asked[part], screen)
        shown += names
    centers, radius = place(shown, draws, size, frames)        # N, F, 2; N
    plain = [a.shape is None for a in shown]                   # N
    centers[plain], radius[plain] = np.nan, np.nan
    return Nearest(decibels(np.maximum(error, LEAST_ERROR)), shown, draws, centers, radius)


def shows(found, asked, frames):
    """Does a clip show what was asked for?

    Args:
        found: Attributes of the clip.
        asked: Attributes, with None for what was left open; with a sky alone, a plain sky was asked for. None if
            nothing was.
        frames: of the clip; in a single one the motion can't be seen and doesn't count.
    """
    if asked is None:
        return True
    if asked.sky and asked == Attributes(None, None, None, asked.sky):
        return found == asked
    if frames == 1:
        asked = asked._replace(motion=None)
    return all(wanted in (None, value) for wanted, value in zip(asked, found, strict=True))


def _nearest(clips, asked, screen):
    """Mean squared error (n,), draws (n, 6) and Attributes of the nearest clip of the world, for few clips."""
    count, frames = clips.shape[:2]
    error, draws, shown = np.full(count, np.inf), np.zeros((count, 6), np.float32), [None] * count
    bounds, brightness = least_errors(clips)                   # n, 3, 5 each
    for n, (sky, color) in product(range(count), np.ndindex(bounds.shape[1:])):
        if asked[n] and (asked[n].sky not in (None, SKIES[sky]) or asked[n].color not in (None, COLORS[color])):
            bounds[n, sky, color] = np.inf
    bounds, brightness = bounds.reshape(count, -1), brightness.reshape(count, -1)  # n, 15 each
    for pair in np.argsort(bounds, axis=1)[:, :PAIRS].T:       # n
        chosen = np.flatnonzero(bounds[np.arange(count), pair] < error)  # m <= n   the others can't win
        if not chosen.size:
            break
        light = brightness[chosen, pair[chosen]]               # m
        of, names, starts = _candidates(clips[chosen], [asked[n] for n in chosen], pair[chosen], light, screen)
        of = chosen[of]
        for rounds, kept in ((FEW_ROUNDS, FINISHED), (MANY_ROUNDS, 1)):
            starts, errors = refine(clips[of], names, starts, rounds)
            best = [k for n in chosen for k in _least(errors, of == n, kept)]
            of, names, starts, errors = of[best], [names[k] for k in best], starts[best], errors[best]
        for n, name, numbers, value in zip(of, names, starts, errors, strict=True):
            if value < error[n]:
                error[n], draws[n], shown[n] = value, numbers, name
    return error, draws, shown


def _candidates(clips, asked, pair, light, screen):
    """What to fit to some clips, given their sky and colour: index of the clip, Attributes and draws of each fit."""
    sky, color = np.divmod(pair, len(COLORS))                  # m each
    coarse, starts = screen.search(clips, sky, color, light)   # m, 5, motions; m, 5, motions, 6
    starts[..., 4] = ((light - BRIGHTNESS[0]) / (BRIGHTNESS[1] - BRIGHTNESS[0]))[:, None, None]
    found = []
    for n in range(len(clips)):
        ranked = np.argsort(coarse[n], axis=None)              # 5 * motions
        places = [np.unravel_index(k, coarse[n].shape) for k in ranked]
        named = [(Attributes(COLORS[color[n]], SHAPES[s], screen.motions[m], SKIES[sky[n]]), starts[n, s, m])
                 for s, m in places]  # fmt: skip
        objects = [(name, start) for name, start in named if shows(name, asked[n], clips.shape[1])][:TRIED]
        plain = [(PLAIN_SKIES[sky[n]], starts[n, 0, 0])]
        found += [(n, *one) for one in objects + plain if shows(one[0], asked[n], clips.shape[1])]
    of, names, numbers = zip(*found, strict=True)
    return np.array(of), list(names), np.array(numbers)


def _least(errors, where, count):
    """Indices of the `count` least errors among those selected."""
    selected = np.flatnonzero(where)
    return selected[np.argsort(errors[selected])[:count]].tolist()
