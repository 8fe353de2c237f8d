"""A factor, a sign, a function too many: said of any function, where it is no coincidence."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minidit.course.engine import examine
from minidit.course.exercises import all_exercises

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from made_exercises import made


def mean(x):
    return np.float64((x * x).mean())


MEAN = made(mean, ("loss",), np.array([3.0]), random=lambda rng: (rng.normal(size=4),))


def test_a_single_number_that_is_off_is_no_constant_factor():
    assert examine(MEAN, lambda x: np.float64((x * x).mean() + x.sum())).slip is None
    report = examine(MEAN, lambda x: np.float64((x * x).mean() * 2))
    assert report.slip == "constant factor"
    assert "loss is not right: it is 2 times too large.\n  got 18, expected 9" in str(report)


def test_an_input_too_many_or_too_few_is_said():
    exercise = made(
        lambda dy, x: dy * x + 3, ("dx",), np.array([2.0, 5.0, 7.0]), np.array([3.0, -4.0, 0.5]),
        random=lambda rng: (rng.normal(size=4), rng.normal(size=4)),
    )  # fmt: skip
    assert "it is multiplied by x once too often" in str(examine(exercise, lambda dy, x: (dy * x + 3) * x))
    assert "it lacks a factor dy" in str(examine(exercise, lambda dy, x: x + 3 / dy))
    assert "dy is added once too often" in str(examine(exercise, lambda dy, x: dy * x + 3 + dy))


def test_the_value_in_place_of_the_slope_is_known_of_every_pair():
    backward = all_exercises()["gelu_backward"]
    bare = replace(backward, slips=())
    exercises = {"gelu_backward": bare, "gelu_forward": all_exercises()["gelu_forward"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minidit.course.exercises.all_exercises", lambda: exercises)
        report = examine(bare, lambda dy, cache: dy * cache[0] * cache[1] / 2)
    assert report.slip == "value instead of slope"
    assert "it is dy times what the forward returned" in str(report)


def test_a_position_has_no_constant_factor_and_no_offset():
    exercise = made(
        lambda x: np.argmax(x), ("place",), np.array([1.0, 2.0, 7.0, 5.0]), random=lambda rng: (rng.normal(size=6),)
    )  # fmt: skip
    assert examine(exercise, lambda x: 1).slip == "ignores an input"
    assert examine(exercise, lambda x: np.argsort(x)[-2]).slip is None


def test_a_factor_is_put_down_to_a_count_only_if_it_follows_the_count():
    always_2 = made(
        lambda x: x.sum(), ("y",), np.array([[1.0, 2.0], [3.0, 4.0]]), random=lambda rng: (rng.normal(size=(2, 5)),),
        sizes=lambda x: {"rows": len(x)},
    )  # fmt: skip
    report = examine(always_2, lambda x: 2 * x.sum())
    assert "it is 2 times too large." in str(report) and "rows" not in str(report)


def test_a_broadcasting_accident_is_no_constant_factor():
    exercise = made(
        lambda x, s: (x * s).sum(), ("y",), np.array([1.0, 2.0]), np.array([3.0, 5.0]),
        random=lambda rng: (rng.normal(size=4), rng.normal(size=4)),
    )  # fmt: skip
    assert examine(exercise, lambda x, s: (x[:, None] * s).sum()).slip != "constant factor"
