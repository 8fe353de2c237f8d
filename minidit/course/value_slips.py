"""Slips that any function can have, and that show in the values: a factor, a sign, a function too many.

A rule takes an exercise and its attempts, the first of which is wrong, and yields Findings that may explain them.
"""

from fractions import Fraction
from functools import partial

import numpy as np

from minidit.course.comparing import close
from minidit.course.exercises import forward_of
from minidit.course.finding import Finding, arrays, explains, gives, on_right, seen_often

SIMPLE = 12  # a factor seen only once is believed if it, or its square, is a fraction of numbers up to this


def all_zeros(_, attempts):
    """It is still all zeros."""
    got, right = attempts[0].pair
    if got.shape == right.shape and got.dtype.kind != "b" and is_zero(attempts[0]):
        yield Finding("all zeros", "it is zero everywhere", fits=is_zero)


def is_zero(attempt):
    """Whether the output is zero everywhere, up to rounding."""
    got, right = attempt.pair
    return bool(np.abs(got.astype(float)).max(initial=0) <= 1e-12 * np.abs(right.astype(float)).max(initial=0))


def unchanged_input(exercise, attempts):
    """It is one of the inputs, unchanged."""
    for i, (name, value) in enumerate(arrays(exercise, attempts[0])):
        if close(attempts[0].pair[0], value) and attempts[0].pair[0].dtype == value.dtype:
            says = f"it is {name}, as it came"
            yield Finding("unchanged input", says, fits=gives(lambda it, i=i: arrays(exercise, it)[i][1]))


def wrong_order(exercise, attempts):
    """It is what a different output should be."""
    order = f"Return them in this order: {', '.join(exercise.outputs)}."
    for i, (name, _) in enumerate(attempts[0].right):
        if i == attempts[0].wrong:
            continue
        says, fits = f"it is what {name} should be", gives(lambda it, i=i: it.right[i][1])
        if all_there(attempts[0]):
            yield Finding("wrong order", says, order if "[" not in name else "", fits)
        yield Finding("another output", says, "", fits)


def all_there(attempt):
    """Whether all right outputs are there, in some order."""
    return all(any(close(got, right) for _, got in attempt.got) for _, right in attempt.right)


def factor(exercise, attempts):
    """It is too large or too small by a factor: minus one, the number of something, or a constant."""
    got, right = attempts[0].pair
    if got.shape != right.shape or not right.any() or not np.isfinite([got, right]).all():
        return
    because = "Every number is the negative of what it should be."
    yield Finding("sign", "its sign is wrong", because, on_right(np.negative))
    counted = [one for one in counts(exercise, attempts[0]) if all(explains(one, it) for it in attempts)]
    ratio = float(np.vdot(right, got) / np.vdot(right, right))
    constant = all(explains(Finding("", "", fits=on_right(lambda y: ratio * y)), attempt) for attempt in attempts)
    if len({one.says for one in counted}) == 1 and not constant:
        yield counted[0]
    if counted:  # but there are equally many of two things, or always as many
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


def with_an_input(exercise, attempts):
    """It is what it should be, times one of the inputs, or divided by it, plus or minus it."""
    if not seen_often(attempts):
        return
    for i, (name, _) in enumerate(arrays(exercise, attempts[0])):
        for operation, slip, says in (
            (np.multiply, "a factor too many", f"it is multiplied by {name} once too often"),
            (np.divide, "a factor missing", f"it lacks a factor {name}, or is divided by it once too often"),
            (np.add, "a term too many", f"{name} is added once too often"),
            (np.subtract, "a term missing", f"it lacks a term {name}, or that is subtracted once too often"),
        ):
            fits = gives(lambda it, i=i, do=operation: do(it.pair[1], arrays(exercise, it)[i][1]))
            yield Finding(slip, says, fits=fits)


def value_for_slope(exercise, attempts):
    """It is made with what the forward returned, not with its slope."""
    pair = forward_of(exercise)
    if pair is None:
        return

    def value(attempt):
        dy, cache = attempt.inputs
        return dy, pair.reference(cache[0])[0]

    because = "The backward multiplies with the slope of y, not with y."
    says = "it is dy times what the forward returned"
    yield Finding("value instead of slope", says, because, gives(lambda it: np.multiply(*value(it))))
    says = "it is what the forward returned"
    yield Finding("value instead of slope", says, because, gives(lambda it: value(it)[1]))


def clipped(_, attempts):
    """It is what it should be, but no larger or smaller than something."""
    got, right = attempts[0].pair
    if got.shape != right.shape or right.size < 4 or not np.isfinite(got).all():
        return
    low, high = float(got.min()), float(got.max())
    below, above = right.min() < low, right.max() > high
    bounds = [f"at least {low:.4g}"] if below else []
    bounds += [f"at most {high:.4g}"] if above else []
    if bounds and low < high:
        low, high = low if below else -np.inf, high if above else np.inf
        yield Finding(
            "clipped", f"it is limited to {' and '.join(bounds)}", fits=on_right(lambda y: np.clip(y, low, high))
        )


DROPS = "Is there a `//`, an int() or an astype(int), which drop what comes after the point?"
FUNCTIONS = (
    ("cut off", np.floor, "its fractions are cut off", DROPS),
    ("cut off", np.trunc, "its fractions are cut off", DROPS),
    ("cut off", np.ceil, "its fractions are gone", DROPS),
    ("rounded", np.round, "it is rounded to whole numbers", "It should keep what comes after the point."),
    *(("rounded", partial(np.round, decimals=n), f"it is rounded (decimals: {n})", "") for n in (1, 2, 3)),
    ("absolute value", np.abs, "its negative numbers have lost their sign", ""),
    ("negative numbers lost", lambda y: np.maximum(y, 0), "its negative numbers have become 0", ""),
    ("squared", np.square, "it is the square of what it should be", "A square root is missing, or a square too many."),
    ("square root", np.sqrt, "it is the square root of what it should be", "A square is missing, or a root too many."),
    ("inverse", np.reciprocal, "it is one over what it should be", "Multiplied instead of divided, or the other way?"),
)  # of the right output: name of the slip, function, what to say


def function_of_right(_, attempts):
    """It is some function of what it should be."""
    given = np.concatenate([attempt.pair[0].astype(float).ravel() for attempt in attempts])
    if seen_often(attempts) and given.size and np.ptp(given):  # one number for all is no function of the right one
        for name, function, says, because in FUNCTIONS:
            yield Finding(name, says, because, on_right(function))


VALUE_RULES = (
    wrong_order, all_zeros, unchanged_input, factor, function_of_right, offset, with_an_input, value_for_slope, clipped,
)  # fmt: skip
