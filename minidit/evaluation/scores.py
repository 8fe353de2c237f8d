"""Readings to scores: shares with confidence intervals, and the score of guessing."""

import numpy as np

from minidit.evaluation.cases import next_on_circle
from minidit.evaluation.intervals import wilson_interval
from minidit.world import ALL_ATTRIBUTES, Attributes
from minidit.world.attributes import attribute_indices

# N = clips

NAMES = Attributes._fields                                     # color, shape, motion, sky
JUDGED = ("right", "strict", *NAMES, "whole")                  # columns of `judge`


def judge(readings, attributes):
    """What is right about each clip.

    Args:
        readings: N Readings, attributes: N Attributes that the clips should show.
    Returns:
        (N, 7) bool, a column for each of JUDGED.
    """
    rows = [
        (r.right(a), r.strict(a), *(x == y for x, y in zip(r.attributes, a, strict=True)), r.whole)
        for r, a in zip(readings, attributes, strict=True)
    ]
    return np.array(rows, dtype=bool).reshape(-1, len(JUDGED))  # N, 7


def judge_shuffled(readings, attributes, rng):
    """As `judge`, but every clip against the attributes of another one, drawn at random.

    What still counts as right is what agrees with any prompt. At least two clips are needed for there to be another.
    """
    return judge(readings, next_on_circle(attributes, rng))


def shares(judged):
    """Share of clips for each of JUDGED, with intervals for "right" and "strict", as a dict of floats.

    Args:
        judged: (N, 7) from `judge`.
    """
    counts = dict(zip(JUDGED, judged.sum(axis=0).tolist(), strict=True))
    result = {name: count / len(judged) for name, count in counts.items()}
    return result | {f"{name}_interval": wilson_interval(counts[name], len(judged)) for name in ("right", "strict")}


def chance():
    """The score of guessing, by counting: how often one of all 375 combinations agrees with another's prompt.

    Every pair (combination shown, combination asked for) counts once.

    Returns:
        dict of "right", 1/375, and of each attribute, 1 / the number of its values.
    """
    indices = attribute_indices(ALL_ATTRIBUTES)                # 375, 4
    agrees = indices[:, None] == indices                       # 375, 375, 4
    each = {name: float(share) for name, share in zip(NAMES, agrees.mean(axis=(0, 1)), strict=True)}
    return {"right": float(agrees.all(axis=-1).mean())} | each
