"""Finds a student's wrong functions: those that their own checks reject, and pairs that fail inside a DiT.

A function that passes its check may still not fit into a network: the checks compute with the shapes of the exercise.
"""

import functools
import inspect
from collections import Counter
from dataclasses import dataclass

from minidit.course.engine import SECONDS, examine
from minidit.course.exercise import Exercise, Trial
from minidit.course.exercises import all_exercises, exercise_of
from minidit.course.fitting import PAIRS, fitted
from minidit.course.report import MARKS, NOT_STARTED, WRONG
from minidit.course.self_test import solution
from minidit.course.small_dit import small_run
from minidit.course.using import using


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
    found = []
    for pair, names in PAIRS.items():
        here = [name for name in names if name in parts.functions]
        reports = [report_on(parts, name) for name in here if name in all_exercises()]
        rejected = [
            Culprit((one.name,), str(one), one.verdict != NOT_STARTED) for one in reports if not one.passed
        ]
        found += rejected or [culprit for culprit in [in_network(parts, pair, here)] if culprit]
    return found


def examined(answer, pairs, seconds=None):
    """What the checks of their own lessons say of the functions of these pairs: list of Reports.

    Args:
        answer: Parts, or a stand-in for Parts that can only be called.
        pairs: names of PAIRS.
        seconds: time limit for each.
    """
    return [report_on(answer, name, seconds) for pair in pairs for name in PAIRS[pair]]


def report_on(answer, name, seconds=None):
    """What the check of its own lesson says of the function of this name: a Report.

    A feed-forward network may call the student's own GELU, with the student's own cache, instead of minidit's.
    """
    exercise, function = exercise_of(name), part_of(answer, name)
    report = examine(exercise, function, seconds)
    called = PAIRS["gelu"] if report.verdict == WRONG and name in PAIRS["feedforward"] else ()
    if not called or not all(report_on(answer, other, seconds).passed for other in called):
        return report
    with using(**{other: fitted(other, part_of(answer, other), Counter()) for other in called}):
        again = examine(exercise, function, seconds)
    return again if again.passed else report


def in_network(parts, pair, here):
    """The Culprit if the small DiT computes something else with a pair's functions in place, or None."""
    if len(here) < len(PAIRS[pair]):
        missing = [name for name in PAIRS[pair] if name not in here]
        return Culprit(tuple(here), f"○ {pair}: without {missing[0]} the other can't be used.", False) if here else None
    report = examine(network_exercise(pair, (pair,)), parts, 5 * SECONDS)
    if report.passed:
        return None
    says = f"{MARKS[report.verdict]} {pair}: it passes its checks, but in a DiT {str(report).partition(': ')[2]}"
    return Culprit(tuple(here), says, report.verdict != NOT_STARTED)


def network_exercise(name, pairs, **about):
    """An Exercise that runs the small DiT with the functions of these pairs in place, one pair after the other.

    Args:
        name: of the exercise.
        pairs: names of PAIRS.
        about: more of the Exercise's attributes.
    """
    trials = tuple(Trial(pair, lambda rng, pair=pair: (pair,)) for pair in pairs)
    return Exercise(name, 15, about.pop("title", name), ("",), with_solutions, trials=trials, **about)


def with_solutions(what, *inputs):
    """What `Parts` with the solution of every exercise computes."""
    return solution(exercise_of(what))(*inputs) if inputs else undisturbed()


@functools.cache
def undisturbed():
    """What the small DiT computes as it is."""
    return small_run({})


def part_of(answer, name):
    """The function of this name in an answer."""
    own = getattr(answer, "functions", {}).get(name)
    if own is not None:
        return own

    def function(*inputs):
        return answer(name, *inputs)

    function.__name__ = name
    function.__signature__ = inspect.signature(exercise_of(name).reference)
    return function
