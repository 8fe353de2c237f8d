"""Finds a student's wrong functions: those that their own checks reject, and pairs that fail inside a DiT.

A function that passes its check may still not fit into a network: the checks compute in float64, with the shapes of the
exercise.
"""

from dataclasses import dataclass

import numpy as np

from minidit.course.engine import SECONDS, errors, examine
from minidit.course.exercises import all_exercises
from minidit.course.fitting import PAIRS
from minidit.course.limits import TookTooLong, numpy_left_alone, prints_held_back, within
from minidit.course.report import NOT_STARTED
from minidit.course.small_dit import small_run

TOLERANCE = 1e-8  # of a number, relative to the largest of its kind, in float64
OTHER_DTYPE = "another dtype than the inputs"  # a slip's name


@dataclass(frozen=True)
class Culprit:
    """Functions that are wrong, or not written.

    Attributes:
        functions: their names: one, or a pair if the network can't tell which of the two is wrong.
        says: what is wrong, in words, beginning with the name.
        written: False if there is nothing yet.
    """

    functions: tuple[str, ...]
    says: str
    written: bool = True


def culprits(parts):
    """Which functions are wrong: those that their own checks reject, and pairs that fail inside a DiT.

    Args:
        parts: Parts.
    Returns:
        list of Culprits, in the order of PAIRS; empty if all functions are right.
    """
    right, found = small_run({}), []
    for pair, names in PAIRS.items():
        here = [name for name in names if name in parts.functions]
        rejected = [by_check(name, parts.functions[name]) for name in here]
        rejected = [culprit for culprit in rejected if culprit]
        found += rejected or [culprit for culprit in [in_network(parts, pair, here, right)] if culprit]
    return found


def by_check(name, function):
    """The Culprit if a function's own check rejects it, else None; None also if there is no check."""
    exercise = all_exercises().get(name)
    report = examine(exercise, function) if exercise else None
    if report is None or report.passed or report.slip == OTHER_DTYPE:  # float64 results are turned back into float32
        return None
    written = report.verdict != NOT_STARTED
    return Culprit((name,), str(report), written)


def in_network(parts, pair, here, right):
    """The Culprit if the small DiT computes something else with a pair's functions in place, or None."""
    if len(here) < len(PAIRS[pair]):
        missing = [name for name in PAIRS[pair] if name not in here]
        return Culprit(tuple(here), f"○ {pair}: without {missing[0]} the other can't be used.", False) if here else None
    try:
        with numpy_left_alone(), prints_held_back(), np.errstate(all="ignore"):
            got = within(5 * SECONDS, lambda: parts(pair))
    except TookTooLong:
        return Culprit(tuple(here), f"✗ {pair}: in a very small DiT it did not finish.")
    except NotImplementedError:
        return Culprit(tuple(here), f"○ {pair}: not started.", False)
    except RecursionError:
        says = f"✗ {pair}: it calls itself. If it calls minidit's function of the same name, it calls itself."
        return Culprit(tuple(here), says)
    except Exception as error:
        text = (str(error).splitlines() or ["(no message)"])[0][:200]
        says = f"✗ {pair}: it passes its checks, but in a DiT it raised {type(error).__name__}: {text}"
        return Culprit(tuple(here), says)
    for what, expected in right.items():
        if got[what].shape != expected.shape or (errors(got[what], expected) > TOLERANCE).any():
            says = (
                f"✗ {pair}: it passes its checks, but in a DiT {what} comes out wrong. The arrays there have other "
                "shapes than in the exercise, and masks: does it count axes from the back?"
            )
            return Culprit(tuple(here), says)
    return None
