"""Fidelity of an experiment's clips: the PSNR to the nearest clip of the world that shows what was asked for, in dB.

Shares of right clips say little where nearly all clips are right, or nearly none. Fidelity still tells them apart.
"""

from functools import lru_cache

import numpy as np

from minidit.evaluation.examined import quantiles
from minidit.evaluation.fidelity import fidelity
from minidit.evaluation.intervals import bootstrap_interval
from minidit.evaluation.scores import judge
from minidit.experiments.tables import number
from minidit.experiments.tally import tally
from minidit.world import verify_batch

# N = clips; F, H, W = frames, rows, columns in pixels

MEASURED = ["right", "fidelity"]  # of clips, for plans: results that lack one are not today's
MEANING = (
    "*Fidelity* is the PSNR of a clip to the nearest one of the world that shows what was asked for, in dB: the median "
    "over the clips, and the worst tenth (a tenth of the clips is below it), with 95 % intervals by bootstrap."
)


def scored(clips, attributes):
    """How clips come out beside what was asked for.

    Args:
        clips: (N, F, H, W, 3), attributes: N Attributes.
    Returns:
        a tally of the verifier (see `minidit.experiments.tally`), and the fidelities (see
        `minidit.evaluation.fidelity`), a list of N numbers in dB. Both are JSON-able.
    """
    return tally(judge(verify_batch(clips), attributes)), np.round(fidelity(clips, attributes), 2).tolist()


def spread_of(values):
    """Median and worst tenth of fidelities, with intervals, as of `minidit.evaluation.examined.quantiles`."""
    return _spread(tuple(values))


def median_of(values):
    """Median of fidelities, and its interval: a number and [low, high]."""
    found = spread_of(values)
    return found["median"], found["median_interval"]


def cells_of(values):
    """Median and worst tenth as cells: 31.2 [30.9, 31.4]."""
    found = spread_of(values)
    return [number(found[name], found[f"{name}_interval"], 1) for name in ("median", "worst_tenth")]


def joined(lists):
    """Fidelities of several parts as one list."""
    return [value for values in lists for value in values]


def median_loss(first, second, paired=False):
    """Median of the first fidelities minus that of the second, and its 95 % bootstrap interval [low, high].

    Args:
        paired: whether entry n of both is of the same prompt.
    """
    return _loss(tuple(first), tuple(second), paired)


@lru_cache(maxsize=512)  # sentences, tables and the figure ask for the same, and a bootstrap takes a while
def _spread(values):
    return quantiles(np.array(values))


@lru_cache(maxsize=512)
def _loss(first, second, paired):
    def loss(a, b):
        return np.median(a) - np.median(b)

    return float(loss(first, second)), bootstrap_interval(loss, first, second, paired=paired)
