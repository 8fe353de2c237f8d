"""Outputs that are sums of inputs in other amounts than they should be."""

import numpy as np
import pytest

from minidit.course.amounts import in_words
from minidit.course.engine import examine
from minidit.course.exercise import Exercise, at_random, by_hand


def step(x, v, t, s):
    """x moved along v by s − t."""
    return x + (s - t) * v


def inputs(rng):
    return rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), *np.sort(rng.uniform(0.1, 0.9, 2)).tolist()


HAND = (np.array([[2.0, -4.0], [0.0, 8.0]]), np.array([[4.0, 8.0], [-4.0, 0.0]]), 0.25, 0.5)
STEP = Exercise("step", 1, "", ("x",), step, (by_hand(*HAND), at_random(inputs)))
MASK = np.where(np.eye(3) > 0, 0.0, -np.inf)
BENT = Exercise("bent", 1, "", ("x",), lambda x, v, t, s: x + (s - t) * v * v, STEP.trials)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda x, v, t, s: x + (s - t) ** 2 * v, "it is 1 · x + 0.0625 · v, where it should be 1 · x + 0.25 · v"),
        (lambda x, v, t, s: s * x - t * v, "it is 0.5 · x − 0.25 · v, where it should be 1 · x + 0.25 · v"),
        (lambda x, v, t, s: -s * x - t * v, "it is −0.5 · x − 0.25 · v, where it should be 1 · x + 0.25 · v"),
    ],
)
def test_both_sums_are_said(answer, says):
    report = examine(STEP, answer)
    assert report.slip == "other amounts"
    assert says in str(report)


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (STEP, lambda x, v, t, s: x + (s - t) * np.sign(v)),  # no such sum
        (STEP, lambda x, v, t, s: x + (s - t) * v + (s - t)),
        (BENT, lambda x, v, t, s: x + (s - t) ** 2 * v),  # it should be none
    ],
)
def test_what_is_no_such_sum_is_not_called_one(exercise, answer):
    assert examine(exercise, answer).slip != "other amounts"


def test_numbers_as_many_as_inputs_say_nothing():
    short = Exercise("step", 1, "", ("x",), step, (by_hand(np.array([2.0, 1.0]), np.array([1.0, 3.0]), 0.25, 0.5),))
    assert examine(short, lambda x, v, t, s: np.array([5.0, 7.0])).slip != "other amounts"


def test_numbers_that_are_not_finite_are_no_such_sum():
    masked = Exercise("masked", 1, "", ("y",), lambda x, mask: x + mask, (by_hand(np.eye(3), MASK),))
    assert examine(masked, lambda x, mask: x - x @ x + 2).slip != "other amounts"


def test_no_amounts_at_all_are_0():
    assert in_words(np.zeros(2), ["x", "v"]) == "0"
