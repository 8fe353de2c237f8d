"""Calls a wrong answer again, with inputs changed here and there, and says what was seen.

What they find is called "other numbers each time", "ignores an input", "uses a part of an input", "mixes what belongs
apart", "right only for some numbers", "right only for some shapes" and "right only in part". Each is a fact, whatever
the reason may be.
"""

import inspect
from copy import copy, deepcopy
from dataclasses import fields, is_dataclass
from time import monotonic

import numpy as np

from minidit.course.diagnosis import Finding, close
from minidit.course.outcome import call, named

SECONDS = 0.5  # that the probes may take
LEAST = 0.6  # by which floats are scaled when they are changed: shares stay shares, and what is positive stays so


class Again:
    """An answer to be called again, until the time for that is over."""

    def __init__(self, exercise, answer, attempt, until):
        self.exercise, self.answer, self.attempt, self.until = exercise, answer, attempt, until

    def of(self, inputs):
        """The output to look at for these inputs, the answer's and the right one; None if one of them can't be had."""
        if monotonic() > self.until:
            return None
        try:
            with np.errstate(all="ignore"):
                expected = self.exercise.reference(*deepcopy(inputs))
                right = named(self.exercise.outputs, expected, expected)[self.attempt.wrong]
                got = call(self.exercise, self.answer, inputs, expected).results[self.attempt.wrong]
        except Exception:  # these inputs can't be
            return None
        return (got[1], right[1]) if got[0] == right[0] == self.attempt.name else None

    def with_other(self, path, axis=None, part=slice(None)):
        """`of` the inputs with one of them changed, or a part of it: see `changed`."""
        inputs = self.attempt.inputs
        value = dict((path, value) for _, path, value in parts(self.exercise, inputs)).get(path)
        return None if value is None else self.of(put(inputs, path, changed(value, axis, part)))

    def same(self, which, pair, axis=None, place=0):
        """Whether the answer's output (0), or the right one (1), is as before; with an axis, its entry at a place."""
        now, before = pair[which], self.attempt.pair[which]
        if axis is not None and now.ndim > axis:
            now, before = now.take(place, axis), before.take(place, axis)
        return close(now, before)


def unsteady(exercise, answer, attempt):
    """The Finding that an answer gives other numbers for the same inputs, or None."""
    pair = Again(exercise, answer, attempt, np.inf).of(attempt.inputs)
    if pair is None or pair[0].shape == attempt.pair[0].shape and close(pair[0], attempt.pair[0]):
        return None
    says = "it gives other numbers each time it is called with the same inputs"
    because = "Is there something random in it, or does it change something outside?"
    return Finding("other numbers each time", says, because)


def dependence(exercise, answer, attempts):
    """The Finding that an answer depends on too little or too much, or is right only sometimes; or None.

    Args:
        attempts: as for `diagnose`.
    """
    shaped = [one for one in attempts if one.is_wrong and one.pair[0].shape == one.pair[1].shape]
    usable = [one for one in shaped if np.isfinite(one.pair[0].astype(float)).all()]
    usable = sorted(usable, key=lambda one: -one.pair[1].size)[:3]  # the largest says most
    until = monotonic() + SECONDS
    again = [Again(exercise, answer, one, until) for one in usable]
    found = ignored(again) if again else None
    if again and attempts[0].pair[1].dtype.kind == "f":  # a position or a count may stay the same by chance
        found = found or used_in_part(again[0]) or mixed(again[0])
    first = Again(exercise, answer, attempts[0], until)
    return found or for_some_numbers(first) or for_some_shapes(first, attempts) or right_in_part(attempts)


def ignored(again):
    """The Finding that the output doesn't depend on some of the inputs, whatever is tried; or None."""
    names = []
    for name, path, _ in parts(again[0].exercise, again[0].attempt.inputs):
        pairs = [(one, one.with_other(path)) for one in again]
        stays = all(pair and one.same(0, pair) for one, pair in pairs)
        if stays and not all(one.same(1, pair) for one, pair in pairs):
            names.append(name)
    if not names:
        return None
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    listed = ", ".join(names[:3]) + more if more or len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
    return Finding("ignores an input", f"it doesn't depend on {listed}", "With other numbers there it stays the same.")


PARTS = (
    (slice(1, None), "it depends on nothing but the first"), (slice(0, -1), "it depends on nothing but the last"),
    (slice(-1, None), "it doesn't depend on the last"), (slice(0, 1), "it doesn't depend on the first"),
)  # fmt: skip


def used_in_part(again):
    """The Finding that the output depends on only a part of an input, or None."""
    for name, path, value, axis in axes_of(again):
        for part, says in PARTS:
            pair = again.with_other(path, axis, part)
            if pair and again.same(0, pair) and not again.same(1, pair):
                along = f" along axis {axis}" if value.ndim > 1 else ""
                says = f"{says} of {value.shape[axis]} in {name}{along}"
                because = "Does the loop reach them all? Is the `return` inside it?"
                return Finding("uses a part of an input", says, because)
    return None


def mixed(again):
    """The Finding that an entry of the output depends on inputs that belong to others, or None."""
    right = again.attempt.pair[1]
    for name, path, value, axis in axes_of(again):
        if axis >= right.ndim or right.shape[axis] != value.shape[axis]:
            continue
        for part, place, where in ((slice(1, None), 0, "first"), (slice(0, -1), -1, "last")):
            pair = again.with_other(path, axis, part)
            if pair and again.same(1, pair, axis, place) and not again.same(0, pair, axis, place):
                says = f"its {where} entry along axis {axis} changes if the others in {name} do"
                return Finding("mixes what belongs apart", says, "Each has to be computed from its own alone.")
    return None


def for_some_numbers(again):
    """The Finding that the output is right if the inputs have no negative numbers, or None."""
    inputs, names = again.attempt.inputs, []
    for name, path, value in parts(again.exercise, inputs):
        if np.asarray(value).dtype.kind == "f" and (np.asarray(value) < 0).any():
            inputs, names = put(inputs, path, abs(value)), [*names, name]
    pair = names and again.of(inputs)
    if not pair or not close(*pair):
        return None
    says = f"it is right only if there are no negative numbers in {' and '.join(names)}"
    return Finding("right only for some numbers", says)


def for_some_shapes(again, attempts):
    """The Finding that the output is right for inputs of one shape, whatever the numbers, and not for another; or None.

    The numbers of the attempt that failed are put into the shapes of one that was right.
    """
    failed = {name: value for name, _, value in parts(again.exercise, again.attempt.inputs)}
    for passed in (one for one in attempts if not one.is_wrong):
        inputs, shapes = passed.inputs, []
        for name, path, value in parts(again.exercise, passed.inputs):
            if np.asarray(value).dtype.kind == "f" and np.size(failed.get(name, ())):
                inputs = put(inputs, path, np.resize(failed[name], np.shape(value))[()])
            if name in failed and np.shape(failed[name]) != np.shape(value):
                shapes.append(f"{name} of shape {np.shape(value)}, and not of {np.shape(failed[name])}")
        pair = shapes and again.of(inputs)
        if pair and close(*pair):
            because = "Is a length written as a number, where it should come from a shape?"
            return Finding("right only for some shapes", f"it is right for {shapes[0]}", because)
    return None


def right_in_part(attempts):
    """The Finding that only the first or last of the output is right, or None."""
    right = attempts[0].pair[1]
    for axis in range(right.ndim):
        for place, where in ((0, "first"), (-1, "last")):
            if right.shape[axis] > 1 and all(only(one, axis, place) for one in attempts if one.is_wrong):
                says = f"only the {where} of {right.shape[axis]} along axis {axis} is right"
                return Finding("right only in part", says, "What is different for the others?")
    return None


def only(attempt, axis, place):
    """Whether one of the output's entries along an axis is right, and none of the others."""
    got, right = attempt.pair
    if got.shape != right.shape or axis >= right.ndim:
        return False
    fits = [close(got.take(i, axis), right.take(i, axis)) for i in range(right.shape[axis])]
    return bool(fits[place]) and sum(fits) == 1


# ------------------------------------------------------------------------------------------------ changed inputs


def parts(exercise, inputs):
    """(name, path, value) of each number or array among the inputs, in their tuples and their settings."""
    for i, (name, value) in enumerate(zip(inspect.signature(exercise.reference).parameters, inputs, strict=False)):
        yield from parts_of(name, (i,), value)


def parts_of(name, path, value):
    """`parts` of one value."""
    if isinstance(value, tuple):
        for i, part in enumerate(value):
            yield from parts_of(f"{name}[{i}]", (*path, i), part)
    elif is_dataclass(value):
        for field in fields(value):
            yield from parts_of(f"{name}.{field.name}", (*path, field.name), getattr(value, field.name))
    elif isinstance(value, np.ndarray | np.generic | int | float) and np.size(value):
        yield name, path, value


def put(value, path, new):
    """A tuple or settings with something new at the place where this path leads."""
    if not path:
        return new
    first, *rest = path
    if isinstance(value, tuple):
        return (*value[:first], put(value[first], rest, new), *value[first + 1 :])
    other = copy(value)
    object.__setattr__(other, first, put(getattr(value, first), rest, new))
    return other


def changed(value, axis=None, part=slice(None)):
    """A number changed, or an array, or a part of it along an axis: floats are scaled, other arrays moved on by one."""
    if isinstance(value, bool | np.bool_):
        return not value
    if isinstance(value, int | np.integer):
        return 2 * value
    if not isinstance(value, np.ndarray):
        return LEAST * value
    other = value.copy()
    index = (slice(None),) * (axis or 0) + (part,)
    if value.ndim:
        other[index] = scaled(value[index]) if value.dtype.kind == "f" else np.roll(value[index], 1)
    return other


def scaled(array):
    """An array with each entry scaled by a number of its own, from LEAST up to 0.9."""
    return array * (LEAST + 0.3 * (np.arange(array.size) * 0.618 % 1)).reshape(array.shape).astype(array.dtype)


def axes_of(again):
    """(name, path, array, axis) of each axis, longer than 1, of each array of floats among the inputs."""
    for name, path, value in parts(again.exercise, again.attempt.inputs):
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            yield from ((name, path, value, axis) for axis in range(value.ndim) if value.shape[axis] > 1)
