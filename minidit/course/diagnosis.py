"""Names what went wrong: the slips that an exercise knows, and those that any function can have.

A slip is offered only if it explains the wrong output in every attempt that there is: right in those that were right,
and wrong just so in the others. Where several explain it, only what they have in common is said, or nothing. The slips
that any function can have are called "wrong order", "another output", "missing transpose", "all zeros", "unchanged
input", "sign", "too large", "too small", "constant factor", "cut off", "rounded", "absolute value", "negative numbers
lost", "squared", "square root", "inverse", "offset", "a factor too many", "a factor missing", "a term too many", "a
term missing", "value instead of slope", "clipped", "the rest is zero", "reversed", "shifted", "summed too much", "wrong
places", and where the shape is wrong "only some of them", "axis of length 1", "every pair", "another shape", "forgot to
sum", "zeros left out".
"""

from copy import deepcopy
from dataclasses import replace

import numpy as np

from minidit.course.comparing import close
from minidit.course.finding import Finding, explains
from minidit.course.outcome import named
from minidit.course.place_slips import PLACE_RULES
from minidit.course.substitutions import substitution
from minidit.course.value_slips import VALUE_RULES


def diagnose(exercise, attempts, later=()):
    """The Finding that explains a wrong answer, or None.

    Args:
        exercise: Exercise.
        attempts: of one answer on several inputs; the first is wrong. On small numbers alone, one slip can look like
            another, so a slip has to explain them all. All look at the same output: see `looking_at`.
        later: attempts in the trials after that. A slip of the exercise has to be right where the answer is, and wrong
            where the answer is.
    """
    for output_alone in (False, True):
        found = [
            slip for slip in exercise.slips
            if all(made(exercise, slip, it, output_alone) for it in attempts)
            and all(as_right(exercise, slip, it) for it in later)
        ]  # fmt: skip
        if len({slip.name for slip in found}) == 1:
            return Finding(found[0].name, found[0].says, found[0].because)
    for rule in VALUE_RULES + PLACE_RULES:
        for finding in rule(exercise, attempts):
            if all(explains(finding, attempt) for attempt in attempts):
                return finding
    return substitution(exercise, attempts)


def looking_at(failed, attempts):
    """The attempts, all with a look at the output that is wrong in the one that failed."""
    moved = [replace(one, wrong=failed.wrong) for one in attempts if len(one.got) > failed.wrong]
    return [one for one in moved if one.name == failed.name]


def made(exercise, slip, attempt, output_alone):
    """Whether an attempt gives what this slip gives: all outputs, or the one to look at and those that are right.

    A slip that spoils an output which is right was not made.
    """
    results = results_of(exercise, slip, attempt)
    if results is None:
        return False
    outputs = enumerate(zip(attempt.got, attempt.right, results, strict=True))
    return all(
        close(got, slipped)
        for i, ((_, got), (_, right), (_, slipped)) in outputs
        if not output_alone or i == attempt.wrong or close(got, right)
    )


def as_right(exercise, slip, attempt):
    """Whether a slip is right in an attempt if the answer was, and wrong if it was; also if the slip can't be made."""
    results = results_of(exercise, slip, attempt)
    got, right = attempt.pair
    return results is None or close(results[attempt.wrong][1], right) == close(got, right)


def results_of(exercise, slip, attempt):
    """What a slip returns for an attempt's inputs: (name, array) of each; None if it can't be made with them."""
    try:
        with np.errstate(all="ignore"):
            return named(exercise.outputs, slip.wrong(*deepcopy(attempt.inputs)), attempt.expected)
    except Exception:  # shapes that don't meet, for one
        return None
