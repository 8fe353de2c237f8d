"""An answer that no slip explains is compared with what comes out with something else in place of an input."""

import numpy as np
import pytest

from minidit.course.engine import examine
from minidit.course.exercise import Exercise, at_random, by_hand


def step(x, v, t, s, known):
    """x (N, D) moved along v by s − t, where it isn't known (N,)."""
    return np.where(known[:, None], x, x + (s - t[:, None]) * v * v)


def inputs(rng):
    return rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), rng.uniform(0.1, 0.4, 4), 0.7, rng.random(4) < 0.5


HAND = (np.eye(3)[:2] + 2, np.array([[1.0, 2, -3], [4, -5, 7]]), np.array([0.25, 0.5]), 0.75, np.array([False, True]))
STEP = Exercise("step", 1, "", ("x",), step, (by_hand(*HAND), at_random(inputs)))
COUNTED = Exercise(
    "counted", 1, "", ("count",), lambda size, patch: (size[0] // patch[0]) * (size[1] // patch[1]) + size[0],
    (by_hand((4, 6), (2, 3)), at_random(lambda rng: ((8 * int(rng.integers(1, 5)), 36), (4, 2)))),
)  # fmt: skip
CACHED = Exercise(
    "cached", 1, "", ("dx",), lambda dy, cache: dy * cache[0] + cache[1],
    (at_random(lambda rng: (rng.normal(size=5), (rng.normal(size=5), rng.normal(size=5)))),),
)  # fmt: skip


@pytest.mark.parametrize(
    ("exercise", "answer", "slip", "says"),
    [
        (STEP, lambda x, v, t, s, k: step(v, x, t, s, k), "exchanged", "x and v exchanged"),
        (STEP, lambda x, v, t, s, k: step(x, x, t, s, k), "one for another", "x in place of v"),
        (STEP, lambda x, v, t, s, k: step(x, v, -t, s, k), "another sign", "−t in place of t"),
        (STEP, lambda x, v, t, s, k: step(x, v, t, 0, k), "left out", "0 in place of s"),
        (STEP, lambda x, v, t, s, k: step(x, v, 1 - t, s, k), "something else in place", "1 − t in place of t"),
        (STEP, lambda x, v, t, s, k: step(x, v, 0 * t + t[0], s, k), "something else in place", "first of t for all"),
        (STEP, lambda x, v, t, s, k: step(x, v, 0 * t + t.mean(), s, k), "something else in place", "the mean of t"),
        (STEP, lambda x, v, t, s, k: step(x, v, t, s, ~k), "something else in place", "the opposite of known"),
        (STEP, lambda x, v, t, s, k: step(x, v, t, s, k) + t[:, None] * v, None, "other values"),
        (COUNTED, lambda size, patch: size[0] // patch[0] * size[1] + size[0], "something else in place", "1 in place"),
        (CACHED, lambda dy, cache: dy * cache[1] + cache[0], "exchanged", "cache[0] and cache[1] exchanged"),
        (CACHED, lambda dy, cache: dy * cache[0] - cache[1], "another sign", "−cache[1] in place of cache[1]"),
    ],
)  # fmt: skip
def test_what_stands_in_place_of_what(exercise, answer, slip, says):
    report = examine(exercise, answer)
    assert report.slip == slip, report
    assert says in str(report)


def test_if_several_explain_it_all_are_said():
    trials = (at_random(lambda rng: tuple(rng.normal(size=(3, 4)))),)
    exercise = Exercise("sum", 1, "", ("y",), lambda x, a, b: x + a * b, trials)
    assert "with −a in place of a or −b in place of b." in str(examine(exercise, lambda x, a, b: x - a * b))
