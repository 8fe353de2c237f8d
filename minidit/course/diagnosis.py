"""Names what went wrong: the slips that an exercise knows, and those that any function can have.

The latter are called "wrong order", "missing transpose", "unchanged input", "all zeros", "sign", "too large",
"too small", "constant factor", "wrong places", and where the shape is wrong "summed too much", "forgot to sum",
"axis of length 1". Three more are found by the engine: "changed its input", "another dtype than the inputs",
"a view of an input".
"""

from copy import deepcopy
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from minidit.course.outcome import named

CLOSE = 1e-6


@dataclass(frozen=True)
class Finding:
    """A slip that explains a wrong result.

    Attributes:
        name: of the slip.
        says: to follow "dx has the right shape, but", or "dx has shape (3,); expected (4, 3):".
        because: a sentence that helps, or "".
        key: further values, such as a factor, that are the same whenever somebody makes this slip.
    """

    name: str
    says: str
    because: str = ""
    key: object = None


@dataclass(frozen=True)
class Attempt:
    """One try of an answer.

    Attributes:
        inputs: its inputs.
        got, right: list of (name, array): the answer's and the reference's.
        expected: what the reference returned, unchanged.
        wrong: position of the first output that is wrong.
    """

    inputs: tuple
    got: list
    right: list
    expected: object
    wrong: int

    @property
    def pair(self):
        """The first wrong output, and the right one."""
        return self.got[self.wrong][1], self.right[self.wrong][1]


def diagnose(exercise, attempts):
    """The Finding that explains a wrong answer, or None.

    Args:
        exercise: Exercise.
        attempts: of one answer on one or several inputs. A slip has to explain all of them: on small numbers alone, one
            slip can look like another.
    """
    for output_alone in (False, True):
        for slip in exercise.slips:
            if all(made(exercise, slip, attempt, output_alone) for attempt in attempts):
                return Finding(slip.name, slip.says, slip.because)
    for rule in RULES:
        first, *others = ([*rule(exercise, attempt)] for attempt in attempts)
        for finding in first:
            if all(any((f.name, f.key) == (finding.name, finding.key) for f in found) for found in others):
                return finding
    return None


def made(exercise, slip, attempt, output_alone):
    """Whether an attempt gives what this slip gives: all outputs, or the first wrong one."""
    try:
        with np.errstate(all="ignore"):
            results = named(exercise.outputs, slip.wrong(*deepcopy(attempt.inputs)), attempt.expected)
    except Exception:  # the slip can't be made with these inputs: shapes that don't meet, for one
        return False
    pairs = [*zip(attempt.got, results, strict=True)]
    pairs = pairs[attempt.wrong : attempt.wrong + 1] if output_alone else pairs
    return all(close(got, slipped) for (_, got), (_, slipped) in pairs)


def close(a, b):
    """Whether two arrays have the same shape and the same numbers, up to rounding."""
    if a.shape != b.shape:
        return False
    finite = np.abs(b[np.isfinite(b)])
    scale = max(float(finite.max(initial=0)), 1e-12)
    return bool(np.allclose(a.astype(float), b.astype(float), rtol=CLOSE, atol=CLOSE * scale, equal_nan=True))


# A rule yields the Findings of one kind that explain the first wrong output.


def wrong_order(exercise, attempt):
    """It is what a different output should be."""
    got, right = attempt.pair
    for name, other in attempt.right:
        if close(got, other) and not close(other, right):
            order = ", ".join(exercise.outputs)
            yield Finding("wrong order", f"it is what {name} should be", f"Return them in this order: {order}.", name)


def transposed(_, attempt):
    """Two of its axes have changed places."""
    got, right = attempt.pair
    for i, j in combinations(range(right.ndim), 2):
        if close(got, right.swapaxes(i, j)):
            says = "it is transposed" if right.ndim == 2 else f"its axes {i} and {j} have changed places"
            yield Finding("missing transpose", says, "There is a transpose missing, or one too many.", (i, j))


def unchanged_input(_, attempt):
    """It is one of the inputs, unchanged."""
    got, _ = attempt.pair
    for i, value in enumerate(attempt.inputs):
        if isinstance(value, np.ndarray) and close(got, value):
            yield Finding("unchanged input", "it is one of the inputs, as it came", key=i)


def all_zeros(_, attempt):
    """It is still all zeros."""
    if not attempt.pair[0].any():
        yield Finding("all zeros", "it is zero everywhere", "Was the result written into another array?")


def factor(exercise, attempt):
    """It is too large or too small by a constant factor."""
    got, right = attempt.pair
    if got.shape != right.shape or not right.any() or not np.isfinite(got).all():
        return
    ratio = float(np.vdot(right, got) / np.vdot(right, right))
    if ratio == 0 or not close(got, ratio * right):
        return
    if np.isclose(ratio, -1):
        yield Finding("sign", "its sign is wrong", "Every number is the negative of what it should be.")
    for what, count in exercise.sizes(*attempt.inputs).items():
        for rooted, value, text in ((False, count, f"{count:g}"), (True, count**0.5, f"√{count:g}")):
            there_are = f"as there are {count:g} {what}" if count != 1 else ""
            if value == 1:
                continue
            if np.isclose(ratio, value):
                because = f"A mean over them, or a division by {text}, is missing."
                yield Finding("too large", f"it is {text} times too large, {there_are}", because, (what, rooted))
            if np.isclose(ratio, 1 / value):
                because = f"It is divided by {text} and should not be: a mean stands for a sum, perhaps."
                yield Finding("too small", f"it is {text} times too small, {there_are}", because, (what, rooted))
    size = f"{ratio:.4g} times too large" if ratio > 1 else f"{1 / ratio:.4g} times too small"
    says = f"it is {size}" if ratio > 0 else f"it is {ratio:.4g} times what it should be"
    yield Finding("constant factor", says, "A constant factor is missing, or one too many.", round(ratio, 5))


def wrong_places(_, attempt):
    """Its numbers are the right ones, in other places."""
    got, right = attempt.pair
    if got.size > 3 and close(np.sort(got, axis=None), np.sort(right, axis=None)):
        because = "A reshape reads row by row: was a transpose needed before it?"
        yield Finding("wrong places", "its numbers are in the wrong places", because)


def summed_too_much(exercise, attempt):
    """There is a sum or mean over an axis that should have stayed."""
    got, right = attempt.pair
    for count in range(1, right.ndim + 1 if got.shape != right.shape else 0):
        for axes in combinations(range(right.ndim), count):
            for how, verb in ((np.sum, "summed"), (np.mean, "averaged")):
                if any(close(got, how(right, axis=axes, keepdims=keep)) for keep in (False, True)):
                    says = f"it is {verb} over {axes_named(exercise, attempt, right, axes)}"
                    yield Finding("summed too much", says, "Each place there has a value of its own.", (verb, axes))


def forgot_to_sum(exercise, attempt):
    """An axis should have been summed away."""
    got, right = attempt.pair
    for count in range(1, got.ndim + 1 if got.shape != right.shape else 0):
        for axes in combinations(range(got.ndim), count):
            if got.size > right.size and any(close(got.sum(axis=axes, keepdims=k), right) for k in (False, True)):
                over = axes_named(exercise, attempt, got, axes)
                because = "It was used in every place there, and each has something to say about it."
                yield Finding("forgot to sum", f"it is not summed over {over}", because, axes)


def axis_of_length_1(_, attempt):
    """Only axes of length 1 are too many or too few."""
    got, right = attempt.pair
    if got.shape != right.shape and close(got.squeeze(), right.squeeze()):
        more = got.ndim > right.ndim
        says = f"an axis of length 1 is {'left over' if more else 'missing'}" if got.ndim != right.ndim else (
            "its axes of length 1 are elsewhere"
        )  # fmt: skip
        yield Finding("axis of length 1", says, "keepdims=True keeps such an axis, x[:, None] makes one.")


def axes_named(exercise, attempt, array, axes):
    """Axes in words, such as "the tokens (axis 0)", by their lengths."""
    sizes = exercise.sizes(*attempt.inputs)
    words = []
    for axis in axes:
        called = [what for what, count in sizes.items() if count == array.shape[axis]]
        words.append(f"the {called[0]} (axis {axis})" if len(called) == 1 else f"axis {axis}")
    return " and ".join(words)


RULES = (
    wrong_order, transposed, all_zeros, unchanged_input, factor, wrong_places, axis_of_length_1, summed_too_much,
    forgot_to_sum,
)  # fmt: skip
