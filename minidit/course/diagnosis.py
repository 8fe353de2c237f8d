"""Names what went wrong: the slips that an exercise knows, and those that any function can have.

A slip is offered only if it explains the wrong output in every attempt that there is: right in those that were right,
and wrong just so in the others. Where several explain it, only what they have in common is said, or nothing. The slips
that any function can have are called "wrong order", "unchanged input", "all zeros", "missing transpose", "reversed",
"shifted", "sign", "too large", "too small", "constant factor", "offset", "cut off", "rounded", "absolute value",
"negative numbers lost", "squared", "square root", "inverse", "the rest is zero", "wrong places", and where the shape is
wrong "only one of them", "every pair", "summed too much", "forgot to sum", "axis of length 1".
"""

import inspect
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from itertools import combinations

import numpy as np

from minidit.course.outcome import named

CLOSE = {"float32": 1e-4, "float16": 1e-2}  # relative to the largest number; 1e-8 for others
SIMPLE = 12  # a factor seen only once is believed if it, or its square, is a fraction of numbers up to this


@dataclass(frozen=True)
class Finding:
    """A slip that explains a wrong result.

    Attributes:
        name: of the slip.
        says: to follow "dx has the right shape, but", or "dx has shape (3,); expected (4, 3):".
        because: a sentence that helps, or "".
        fits: takes an Attempt, returns whether the slip explains what came out.
    """

    name: str
    says: str
    because: str = ""
    fits: Callable = field(default=lambda attempt: True, compare=False, repr=False)


@dataclass(frozen=True)
class Attempt:
    """One try of an answer.

    Attributes:
        inputs: its inputs.
        got, right: list of (name, array): the answer's and the reference's.
        expected: what the reference returned, unchanged.
        wrong: position of the output to look at: the first wrong one; None if all are right.
        passed: whether all were right.
    """

    inputs: tuple
    got: list
    right: list
    expected: object
    wrong: int | None
    passed: bool = False

    @property
    def name(self):
        """Of the output to look at."""
        return self.got[self.wrong][0]

    @property
    def pair(self):
        """The output to look at, and the right one."""
        return self.got[self.wrong][1], self.right[self.wrong][1]

    @property
    def is_wrong(self):
        """Whether that output is wrong."""
        return not close(*self.pair)


def diagnose(exercise, attempts):
    """The Finding that explains a wrong answer, or None.

    Args:
        exercise: Exercise.
        attempts: of one answer on several inputs; the first is wrong. On small numbers alone, one slip can look like
            another, so a slip has to explain them all. All look at the same output: see `looking_at`.
    """
    for output_alone in (False, True):
        found = [slip for slip in exercise.slips if all(made(exercise, slip, it, output_alone) for it in attempts)]
        if len({slip.name for slip in found}) == 1:
            return Finding(found[0].name, found[0].says, found[0].because)
    for rule in RULES:
        for finding in rule(exercise, attempts):
            if all(explains(finding, attempt) for attempt in attempts):
                return finding
    return None


def explains(finding, attempt):
    """Whether a Finding fits an attempt."""
    try:
        return finding.fits(attempt)
    except (IndexError, ValueError, KeyError, TypeError):  # it has too few axes for it, or other inputs
        return False


def looking_at(failed, attempts):
    """The attempts, all with a look at the output that is wrong in the one that failed."""
    moved = [
        replace(one, wrong=failed.wrong, passed=one.wrong is None) for one in attempts if len(one.got) > failed.wrong
    ]
    return [one for one in moved if one.name == failed.name]


def made(exercise, slip, attempt, output_alone):
    """Whether an attempt gives what this slip gives: all outputs, or the one to look at.

    Where the attempt passed, the slip has to pass as well, in all outputs.
    """
    try:
        with np.errstate(all="ignore"):
            results = named(exercise.outputs, slip.wrong(*deepcopy(attempt.inputs)), attempt.expected)
    except Exception:  # the slip can't be made with these inputs: shapes that don't meet, for one
        return False
    pairs = [*zip(attempt.got, results, strict=True)]
    pairs = pairs[attempt.wrong : attempt.wrong + 1] if output_alone and not attempt.passed else pairs
    return all(close(got, slipped) for (_, got), (_, slipped) in pairs)


def close(a, b, tolerance=1e-8):
    """Whether two arrays have the same shape and the same numbers, up to rounding, relative to the largest."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return False
    tolerance = max(CLOSE.get(array.dtype.name, tolerance) for array in (a, b))
    a, b = a.astype(float), b.astype(float)
    scale = max(float(np.abs(b[np.isfinite(b)]).max(initial=0)), 1e-12)
    with np.errstate(all="ignore"):
        return bool(np.allclose(a, b, rtol=tolerance, atol=tolerance * scale, equal_nan=True))


def gives(wrong):
    """For a Finding's `fits`: `wrong` takes an Attempt and returns what the slip makes of the right output."""

    def fits(attempt):
        with np.errstate(all="ignore"):
            return close(attempt.pair[0], np.asarray(wrong(attempt)))

    return fits


def on_right(function):
    """For a Finding's `fits`: the slip makes this function of the right output."""
    return gives(lambda attempt: function(attempt.pair[1].astype(float)))


def seen_often(attempts, least=1):
    """Whether enough others of the attempts are wrong too, so that what explains them all is no coincidence."""
    return sum(attempt.is_wrong for attempt in attempts[1:]) >= least


# A rule takes an exercise and its attempts, and yields Findings that explain the first attempt, perhaps.


def all_zeros(_, attempts):
    """It is still all zeros."""
    if not attempts[0].pair[0].any():
        because = "Was the result written into another array?"
        yield Finding("all zeros", "it is zero everywhere", because, lambda it: not it.pair[0].any())


def unchanged_input(exercise, attempts):
    """It is one of the inputs, unchanged."""
    parts = [*arrays(exercise, attempts[0])]
    for i, (name, value) in enumerate(parts):
        if close(attempts[0].pair[0], value):
            says = f"it is {name}, as it came"
            yield Finding("unchanged input", says, fits=gives(lambda it, i=i: [*arrays(exercise, it)][i][1]))


def arrays(exercise, attempt):
    """(name, array) of each array among an attempt's inputs and in their tuples."""
    for name, value in zip(inspect.signature(exercise.reference).parameters, attempt.inputs, strict=False):
        parts = {f"{name}[{i}]": part for i, part in enumerate(value)} if isinstance(value, tuple) else {name: value}
        yield from ((called, part) for called, part in parts.items() if isinstance(part, np.ndarray))


def wrong_order(exercise, attempts):
    """It is what a different output should be."""
    order = f"Return them in this order: {', '.join(exercise.outputs)}."
    for i, (name, _) in enumerate(attempts[0].right):
        if i != attempts[0].wrong:
            fits = gives(lambda it, i=i: it.right[i][1])
            yield Finding("wrong order", f"it is what {name} should be", order, fits)


def transposed(_, attempts):
    """Two of its axes have changed places."""
    ndim = attempts[0].pair[1].ndim
    for i, j in combinations(range(ndim), 2):
        says = "it is transposed" if ndim == 2 else f"its axes {i} and {j} have changed places"
        because = "There is a transpose missing, or one too many."
        fits = gives(lambda it, i=i - ndim, j=j - ndim: it.pair[1].swapaxes(i, j))  # counted from the last one
        yield Finding("missing transpose", says, because, fits)


def displaced(_, attempts):
    """It runs the other way along an axis, or everything stands one place further."""
    for axis in range(attempts[0].pair[1].ndim if seen_often(attempts) else 0):
        along = "" if attempts[0].pair[1].ndim == 1 else f" along axis {axis}"
        yield Finding("reversed", f"its order is reversed{along}", fits=on_right(lambda y, a=axis: np.flip(y, a)))
        for by, where in ((1, "late"), (-1, "early")):
            says = f"everything stands one place too {where}{along}"
            yield Finding("shifted", says, fits=on_right(lambda y, a=axis, by=by: np.roll(y, by, a)))


def factor(exercise, attempts):
    """It is too large or too small by a factor: minus one, the number of something, or a constant."""
    got, right = attempts[0].pair
    if got.shape != right.shape or not right.any() or not np.isfinite(got).all():
        return
    because = "Every number is the negative of what it should be."
    yield Finding("sign", "its sign is wrong", because, on_right(np.negative))
    counted = [one for one in counts(exercise, attempts[0]) if all(explains(one, it) for it in attempts)]
    if len({one.says for one in counted}) == 1:
        yield counted[0]
    ratio = float(np.vdot(right, got) / np.vdot(right, right))
    if counted:  # by the number of two things that there are equally many of
        yield Finding(counted[0].name, f"it is {times(ratio)}", fits=counted[0].fits)
    whole = right.dtype.kind in "biu"
    believed = seen_often(attempts, 2 if whole else 1) or right.size > 1 and not whole and is_simple(ratio)
    if ratio and believed:
        because = "A constant factor is missing, or one too many."
        yield Finding("constant factor", f"it is {times(ratio)}", because, on_right(lambda y: ratio * y))


def counts(exercise, attempt):
    """Findings that something is too large or too small by the number of something, or by its root."""
    for what, count in exercise.sizes(*attempt.inputs).items():
        for power, text in ((1, f"{count:g}"), (0.5, f"√{count:g}")):
            as_many = f"as there are {count:g} {what}"
            large = f"A mean over them, or a division by {text}, is missing."
            small = f"It is divided by {text} and should not be: a mean stands for a sum, perhaps."
            if count != 1:
                fits = by_count(exercise, what, power)
                yield Finding("too large", f"it is {text} times too large, {as_many}", large, fits)
                fits = by_count(exercise, what, -power)
                yield Finding("too small", f"it is {text} times too small, {as_many}", small, fits)


def by_count(exercise, what, power):
    """For a Finding's `fits`: the right output, times a count to some power."""

    def wrong(attempt):
        return attempt.pair[1] * float(exercise.sizes(*attempt.inputs)[what]) ** power

    return gives(wrong)


def times(ratio):
    """A factor in words."""
    if ratio < 0:
        return f"{ratio:.4g} times what it should be"
    return f"{ratio:.4g} times too large" if ratio > 1 else f"{1 / ratio:.4g} times too small"


def is_simple(ratio):
    """Whether a factor, or its square, is a fraction of small numbers."""
    for value in (abs(ratio), ratio * ratio):
        near = Fraction(value).limit_denominator(SIMPLE)
        if 0 < near.numerator <= SIMPLE and np.isclose(value, float(near), 1e-9, 0):
            return True
    return False


def offset(_, attempts):
    """Every number is too large or too small by the same."""
    got, right = attempts[0].pair
    if got.shape != right.shape or not seen_often(attempts, 2 if right.size == 1 else 1):
        return
    by = float((got.astype(float) - right.astype(float)).flat[0]) if got.size else np.nan
    if by and np.isfinite(by):
        says = f"{'it' if right.ndim == 0 else 'every number'} is {abs(by):.6g} too {'large' if by > 0 else 'small'}"
        yield Finding("offset", says, fits=on_right(lambda y: y + by))


FUNCTIONS = (
    ("cut off", np.floor, "its fractions are cut off", "`//`, int() and astype(int) drop what comes after the point."),
    ("cut off", np.trunc, "its fractions are cut off", "int() and astype(int) drop what comes after the point."),
    ("rounded", np.round, "it is rounded to whole numbers", "It should keep what comes after the point."),
    *(("rounded", partial(np.round, decimals=n), f"it is rounded to {n} decimals", "Keep all.") for n in (1, 2, 3)),
    ("absolute value", np.abs, "its negative numbers have lost their sign", ""),
    ("negative numbers lost", lambda y: np.maximum(y, 0), "its negative numbers have become 0", ""),
    ("squared", np.square, "it is the square of what it should be", "A square root is missing, or a square too many."),
    ("square root", np.sqrt, "it is the square root of what it should be", "A square is missing, or a root too many."),
    ("inverse", np.reciprocal, "it is one over what it should be", "Multiplied instead of divided, or the other way?"),
)  # of the right output: name of the slip, function, what to say


def function_of_right(_, attempts):
    """It is some function of what it should be."""
    if seen_often(attempts):
        for name, function, says, because in FUNCTIONS:
            yield Finding(name, says, because, on_right(function))


def rest_is_zero(_, attempts):
    """Only a part of it was filled in."""
    right = attempts[0].pair[1]
    for axis in range(right.ndim):
        count = right.shape[axis]
        along = "" if right.ndim == 1 else f" along axis {axis}"
        for part, says in (
            (slice(0, 1), f"only the first of {count}{along} is filled in"),
            (slice(-1, None), f"only the last of {count}{along} is filled in"),
            (slice(0, -1), f"the last of {count}{along} is not filled in"),
            (slice(1, None), f"the first of {count}{along} is not filled in"),
        ):
            because = "Does the loop reach them all? Is the `return` inside it?"
            yield Finding("the rest is zero", f"{says}: there are zeros", because, on_right(kept(axis, part)))


def kept(axis, part):
    """A function that leaves a part of an array, along an axis, and makes the rest zero."""

    def keep(y):
        index = (slice(None),) * axis + (part,)
        there = np.zeros_like(y)
        if y.ndim > axis:
            there[index] = y[index]
        return there

    return keep


def only_one(_, attempts):
    """It is only the first of several, or the last."""
    got, right = attempts[0].pair
    for axis in range(right.ndim if got.shape != right.shape else 0):
        for place, where in ((0, "first"), (-1, "last")):
            says = f"it is only the {where} of {right.shape[axis]} along axis {axis}"
            fits = gives(lambda it, p=place, a=axis: it.pair[1].take(p, a))
            fits_kept = gives(lambda it, p=place, a=axis: it.pair[1].take([p], a))
            because = "Does the loop reach them all? Is the `return` inside it?"
            for fit in (fits, fits_kept):
                yield Finding("only one of them", says, because, where_shapes_differ(fit))


def where_shapes_differ(fits):
    """A `fits` that is asked only where the shape is wrong."""

    def asked(attempt):
        got, right = attempt.pair
        return got.shape == right.shape or fits(attempt)

    return asked


def every_pair(_, attempts):
    """Two vectors were broadcast against each other, one of them lying and one standing."""

    def fits(attempt):
        got, right = attempt.pair
        return got.shape == (right.size, right.size) and close(np.diagonal(got), right.ravel())

    got, right = attempts[0].pair
    if got.shape != right.shape and right.size > 1:
        because = "(N,) and (N, 1) give (N, N): give both the same form before they meet."
        yield Finding("every pair", "each number met every other", because, where_shapes_differ(fits))


def summed_too_much(exercise, attempts):
    """There is a sum or mean over an axis that should have stayed."""
    got, right = attempts[0].pair
    for count in range(1, right.ndim + 1 if got.shape != right.shape else 0):
        for axes in combinations(range(right.ndim), count):
            for how, verb in ((np.sum, "summed"), (np.mean, "averaged")):
                for keep in (False, True):
                    says = f"it is {verb} over {axes_named(exercise, attempts[0], right, axes)}"
                    fits = gives(lambda it, how=how, axes=axes, keep=keep: how(it.pair[1], axis=axes, keepdims=keep))
                    because = "Each place there has a value of its own."
                    yield Finding("summed too much", says, because, where_shapes_differ(fits))


def forgot_to_sum(exercise, attempts):
    """An axis should have been summed away."""
    got, right = attempts[0].pair
    if got.size <= right.size:
        return
    for count in range(1, got.ndim + 1):
        for axes in combinations(range(got.ndim), count):

            def fits(attempt, axes=axes):
                got, right = attempt.pair
                return any(close(got.sum(axis=axes, keepdims=keep), right) for keep in (False, True))

            says = f"it is not summed over {axes_named(exercise, attempts[0], got, axes)}"
            because = "It was used in every place there, and each has something to say about it."
            yield Finding("forgot to sum", says, because, where_shapes_differ(fits))


def axis_of_length_1(_, attempts):
    """Only axes of length 1 are too many or too few."""
    got, right = attempts[0].pair
    says = "its axes of length 1 are elsewhere"
    if got.ndim != right.ndim:
        says = f"an axis of length 1 is {'left over' if got.ndim > right.ndim else 'missing'}"
    because = "keepdims=True keeps such an axis, x[:, None] makes one."
    fits = where_shapes_differ(lambda it: close(it.pair[0].squeeze(), it.pair[1].squeeze()))
    if got.shape != right.shape:
        yield Finding("axis of length 1", says, because, fits)


def wrong_places(_, attempts):
    """Its numbers are the right ones, in other places."""

    def fits(attempt):
        return close(*(np.sort(array, axis=None) for array in attempt.pair))

    right = attempts[0].pair[1]
    if right.dtype.kind == "f" and len(np.unique(right)) > 3:
        yield Finding("wrong places", "its numbers are the right ones, but in other places", fits=fits)


def axes_named(exercise, attempt, array, axes):
    """Axes in words, such as "the tokens (axis 0)", by their lengths."""
    sizes = exercise.sizes(*attempt.inputs)
    words = []
    for axis in axes:
        called = [what for what, count in sizes.items() if count == array.shape[axis]]
        words.append(f"the {called[0]} (axis {axis})" if len(called) == 1 else f"axis {axis}")
    return " and ".join(words)


RULES = (
    wrong_order, transposed, all_zeros, unchanged_input, factor, rest_is_zero, displaced, function_of_right, offset,
    only_one, axis_of_length_1, every_pair, summed_too_much, forgot_to_sum, wrong_places,
)  # fmt: skip
