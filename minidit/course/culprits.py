"""Finds a student's wrong functions: those that their own checks reject, and pairs that fail inside a DiT.

A function that passes its check may still not fit into a network: the checks compute with the shapes of the exercise.
"""

import functools
import inspect
from dataclasses import dataclass

from minidit.course.engine import SECONDS, examine
from minidit.course.exercise import Exercise, Trial
from minidit.course.exercises import all_exercises, exercise_of
from minidit.course.fitting import PAIRS
from minidit.course.report import MARKS, NOT_STARTED
from minidit.course.self_test import solution
from minidit.course.small_dit import small_run


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
        rejected = [by_check(name, parts.functions[name]) for name in here]
        rejected = [culprit for culprit in rejected if culprit]
        found += rejected or [culprit for culprit in [in_network(parts, pair, here)] if culprit]
    return found


def by_check(name, function):
    """The Culprit if a function's own check rejects it, else None; None also if there is no check."""
    exercise = all_exercises().get(name)
    report = examine(exercise, function) if exercise else None
    return None if report is None or report.passed else Culprit((name,), str(report), report.verdict != NOT_STARTED)


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


def parts_of(answer, pairs):
    """The functions of these pairs in an answer, by name.

    Args:
        answer: Parts, or a stand-in for Parts that can only be called.
        pairs: names of PAIRS.
    """
    return {name: part_of(answer, name) for pair in pairs for name in PAIRS[pair]}


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
