"""Every number among a function's inputs is found, and can be replaced."""

import numpy as np

from minidit.course.exercise import Exercise
from minidit.course.inputs import parts, put
from minidit.training.optimizer import AdamWSettings

GIVEN = (np.ones(2), (3, (np.zeros(1), "text")), AdamWSettings(), len, np.zeros((0, 2)))
EXERCISE = Exercise("e", 1, "", ("y",), lambda x, cache, settings, f, nothing: x, ())


def test_parts_are_named_as_in_code():
    assert [name for name, _, _ in parts(EXERCISE, GIVEN)] == [
        "x", "cache[0]", "cache[1][0]", "settings.beta1", "settings.beta2", "settings.eps", "settings.weight_decay",
    ]  # fmt: skip


def test_what_is_put_is_there_and_the_rest_stays():
    for name, path, value in parts(EXERCISE, GIVEN):
        there = put(GIVEN, path, value + 1)
        found = {called: part for called, _, part in parts(EXERCISE, there)}
        assert np.all(found.pop(name) == value + 1)
        assert all(np.all(found[called] == part) for called, _, part in parts(EXERCISE, GIVEN) if called != name)
    assert GIVEN[2] == AdamWSettings()
