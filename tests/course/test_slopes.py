"""The gradient stage measures slopes: a reference that is wrong itself doesn't pass it."""

import numpy as np

from minidit.course.engine import examine
from minidit.course.exercise import Exercise, at_random, by_hand
from minidit.course.exercises import all_exercises
from minidit.course.slopes import central_difference, slope_test


def scaled(x, scale):
    return x * scale


def scaled_backward(dy, x, scale):
    return dy * scale, (dy * x).sum(axis=0)


def inputs(rng):
    return rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), rng.normal(size=3)


def backward_of(forward):
    trials = (by_hand(np.ones((2, 2)), np.eye(2), np.array([2.0, 3.0])), at_random(inputs))
    return Exercise("b", 1, "", ("dx", "dscale"), scaled_backward, trials, forward=forward, wrt=(0, 1))


def test_a_gradient_is_compared_with_the_slope_of_the_forward():
    assert examine(backward_of(scaled), scaled_backward).stages[-2:] == ("gradient", "inputs untouched")
    report = examine(backward_of(lambda x, scale: 2 * x * scale), scaled_backward)
    assert "dx is not the slope of the forward at [" in str(report)


def test_a_slope_is_measured_on_both_sides():
    assert abs(central_difference(lambda x: x**3, (np.array([2.0]),), 0, (0,), np.ones(1)) - 12) < 1e-6


def test_every_backward_that_takes_the_cache_of_a_known_forward_is_measured():
    assert slope_test(all_exercises()["linear_backward"]) is not None
    assert slope_test(all_exercises()["linear_forward"]) is None
