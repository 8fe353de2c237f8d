"""Compares what a backward gives with slopes measured on its forward."""

import numpy as np

from minidit.course.exercises import forward_of
from minidit.course.outcome import Complaint
from minidit.course.report import apart

TOLERANCE = 1e-5  # of a measured slope
SEED = 20_021


def slope_test(exercise):
    """How to measure the slopes that a backward should give.

    Returns:
        the forward; its inputs; the indices of the inputs that the gradients belong to; dy; and the inputs of the
        backward. None if the exercise isn't a backward.
    """
    rng = np.random.default_rng(SEED + 1)
    if exercise.forward is not None:
        dy, *inputs = given = exercise.trials[-1].inputs(rng)
        return exercise.forward, inputs, exercise.wrt, dy, given
    pair = forward_of(exercise)
    trials = [trial for trial in pair.trials if trial.stage == "random inputs"] if pair else []
    if not trials:
        return None
    inputs = list(trials[0].inputs(rng))
    y, cache = pair.reference(*inputs)
    dy = rng.normal(size=np.shape(y)) if np.ndim(y) else 1.0
    wrt = [i for i, x in enumerate(inputs) if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
    return pair.reference, inputs, wrt[: len(exercise.outputs)], dy, (dy, cache)


def compare_slopes(attempt, forward, inputs, wrt, dy):
    """Compares the gradients that a backward gave with differences of its forward.

    Args:
        attempt: Attempt of the backward.
        forward, inputs, wrt, dy: see `slope_test`.
    Raises:
        Complaint: one of them differs.
    """
    rng = np.random.default_rng(SEED)
    for (name, gradient), position in zip(attempt.got, wrt, strict=True):
        for _ in range(min(3, gradient.size)):
            index = tuple(int(rng.integers(n)) for n in gradient.shape)
            slope = central_difference(forward, inputs, position, index, dy)
            if not abs(slope - gradient[index]) <= TOLERANCE * max(1.0, abs(slope)):
                got, measured = apart(gradient[index], slope)
                raise Complaint(
                    f"{name} is not the slope of the forward at {list(index)}: got {got}, measured {measured}."
                )


def central_difference(forward, inputs, position, index, dy, step=1e-5):
    """How the sum of dy · forward(*inputs) changes with one entry of one input."""

    def moved(by):
        there = [np.array(x) if i == position else x for i, x in enumerate(inputs)]
        there[position][index] += by
        y = forward(*there)
        return float(np.sum(dy * (y[0] if isinstance(y, tuple) else y)))

    return (moved(step) - moved(-step)) / (2 * step)
