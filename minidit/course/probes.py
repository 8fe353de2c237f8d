"""Calls a wrong answer again, with inputs changed here and there, and says what was seen.

What they find is called "other numbers each time", "ignores an input", "uses a part of an input", "mixes what belongs
apart", "right only for some numbers", "right only for some shapes" and "right only in part". Each is a fact, whatever
the reason may be.
"""

from collections import deque
from copy import deepcopy

import numpy as np

from minidit.course.comparing import close
from minidit.course.finding import Finding
from minidit.course.inputs import parts, put
from minidit.course.outcome import ENDLESS, call, named

CALLS = 300  # of an answer, at most
CHANGES, IGNORES, STAYS = "changes", "ignores", "stays"
LEAST = 0.6  # by which floats are scaled when they are changed: shares stay shares, and what is positive stays so


class Again:
    """An answer to be called again, on the inputs of an attempt or others like them.

    Args:
        exercise, answer, attempt: what is looked at.
        left: an iterator; for each call one is taken from it, and when there are none left it isn't called any more.
    """

    def __init__(self, exercise, answer, attempt, left):
        self.exercise, self.answer, self.attempt, self.left = exercise, answer, attempt, left

    def got(self, inputs):
        """The answer's output to look at for these inputs; None if it can't be had, or it was called often enough."""
        try:
            next(self.left)
            return self.looked_at(call(self.exercise, self.answer, inputs, self.attempt.expected).results)
        except Exception as error:
            if getattr(error, "slip", None) == ENDLESS:  # where a call has a time limit of its own
                deque(self.left, maxlen=0)
            return None

    def right(self, inputs):
        """The right output for these inputs; None if they can't be."""
        try:
            with np.errstate(all="ignore"):
                expected = self.exercise.reference(*deepcopy(inputs))
            return self.looked_at(named(self.exercise.outputs, expected, expected))
        except Exception:
            return None

    def looked_at(self, outputs):
        """The one to look at among outputs."""
        name, array = outputs[self.attempt.wrong]
        return array if name == self.attempt.name else None

    def of(self, inputs):
        """The output to look at for these inputs, the answer's and the right one; None if one of them can't be had."""
        pair = self.right(inputs), self.got(inputs)
        return None if any(array is None for array in pair) else pair[::-1]

    def effect(self, path, axis=None, part=slice(None)):
        """What happens to the output when an input changes, or a part of it: see `changes`.

        Returns:
            CHANGES: the answer's output does not stay as it is; IGNORES: it does, and should not; STAYS: it does and
            should, as far as was tried; None: nothing could be tried.
        """
        value = dict((path, value) for _, path, value in parts(self.exercise, self.attempt.inputs)).get(path)
        others = [] if value is None or axis is not None and axis >= value.ndim else changes(value, axis, part)
        found = None
        for other in others:
            inputs = put(self.attempt.inputs, path, other)
            got = self.got(inputs)
            if got is None:
                continue
            if not close(got, self.attempt.pair[0]):
                return CHANGES
            right = self.right(inputs)
            matters = right is not None and not close(right, self.attempt.pair[1])
            found = IGNORES if matters or found == IGNORES else STAYS
        return found

    def same(self, which, pair, axis=None, place=0):
        """Whether the answer's output (0), or the right one (1), is as before; with an axis, its entry at a place."""
        now, before = pair[which], self.attempt.pair[which]
        if axis is not None and now.ndim > axis:
            now, before = now.take(place, axis), before.take(place, axis)
        return close(now, before)


def unsteady(exercise, answer, attempts):
    """The Finding that an answer gives other numbers for the same inputs, or None.

    It is called with the inputs of the first attempt again, and once more after those of the others, of which it may
    keep something.
    """
    first, *others = attempts
    again = Again(exercise, answer, first, iter(range(2 * len(attempts))))
    for other in [None, *others]:
        if other is not None:
            again.got(other.inputs)
        pair = again.of(first.inputs)
        if pair is not None and not close(pair[0], first.pair[0]):
            says = "it gives other numbers when it is called with the same inputs again"
            because = "Is there something random in it, or does something stay from one call to the next?"
            return Finding("other numbers each time", says, because)
    return None


def dependence(exercise, answer, attempts):
    """The Finding that an answer depends on too little or too much, or is right only sometimes; or None.

    Args:
        attempts: as for `diagnose`.
    """
    if not np.isfinite(attempts[0].pair[0].astype(float)).all():
        return None
    shaped = [one for one in attempts if one.pair[0].shape == one.pair[1].shape]
    usable = [one for one in shaped if np.isfinite(one.pair[0].astype(float)).all()]
    usable.sort(key=lambda one: -one.pair[1].size)  # the largest says most
    left = iter(range(CALLS))
    wrong = [Again(exercise, answer, one, left) for one in usable if one.is_wrong][:3]
    right = [Again(exercise, answer, one, left) for one in usable if not one.is_wrong][:3]
    found = ignored(wrong, right) if wrong else None
    if wrong and attempts[0].pair[1].dtype.kind == "f":  # a position or a count may stay the same by chance
        part = used_in_part(wrong, right) if len(wrong) > 1 else None
        found = found or part or mixed(wrong[0])
    first = Again(exercise, answer, attempts[0], left)
    return found or for_some_numbers(first) or for_some_shapes(first, attempts) or right_in_part(attempts)


def no_effect(wrong, right, *change):
    """Whether a change never has an effect on the answer, though it should. See `Again.effect`."""
    ignores = False
    for one in wrong + right:
        effect = one.effect(*change)
        if effect == CHANGES or effect is None and one in wrong:
            return False
        ignores |= effect == IGNORES and one in wrong
    return ignores


def ignored(wrong, right):
    """The Finding that the output doesn't depend on some of the inputs, whatever is tried; or None."""
    every = parts(wrong[0].exercise, wrong[0].attempt.inputs)
    names = [name for name, path, _ in every if no_effect(wrong, right, path)]
    if not names:
        return None
    because = "With other numbers there it stays the same."
    return Finding("ignores an input", f"it doesn't depend on {listed(names, 'or')}", because)


def listed(names, word):
    """Names in a sentence, the last after this word; at most three of them."""
    if len(names) > 3:
        return f"{', '.join(names[:3])} and {len(names) - 3} more"
    return f" {word} ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


PARTS = (
    (slice(1, None), "it depends on nothing but the first"), (slice(0, -1), "it depends on nothing but the last"),
    (slice(-1, None), "it doesn't depend on the last"), (slice(0, 1), "it doesn't depend on the first"),
)  # fmt: skip


def used_in_part(wrong, right):
    """The Finding that the output depends on only a part of an input, or None."""
    for name, path, value, axis in axes_of(wrong[0]):
        for part, says in PARTS:
            if no_effect(wrong, right, path, axis, part):
                along = f" along axis {axis}" if value.ndim > 1 else ""
                because = "Does a loop leave something out, or end too early?"
                return Finding("uses a part of an input", f"{says} of {value.shape[axis]} in {name}{along}", because)
    return None


def mixed(again):
    """The Finding that an entry of the output depends on inputs that belong to others, or None."""
    right = again.attempt.pair[1]
    for name, path, value, axis in axes_of(again):
        if axis >= right.ndim or right.shape[axis] != value.shape[axis]:
            continue
        for part, place, where in ((slice(1, None), 0, "first"), (slice(0, -1), -1, "last")):
            pair = again.of(put(again.attempt.inputs, path, changes(value, axis, part)[1]))
            if pair and again.same(1, pair, axis, place) and not again.same(0, pair, axis, place):
                says = f"its {where} entry along axis {axis} changes if the others in {name} do"
                return Finding("mixes what belongs apart", says, "What it should be stays the same then.")
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
    says = f"it is right only if there are no negative numbers in {listed(names, 'and')}"
    return Finding("right only for some numbers", says)


def for_some_shapes(again, attempts):
    """The Finding that the output is right for inputs of one shape, whatever the numbers, and not for another; or None.

    The numbers of the attempt that failed are put into the shapes of one that was right, and the other way round.
    """
    failed = [*parts(again.exercise, again.attempt.inputs)]
    floats = all(np.asarray(value).dtype.kind == "f" for _, _, value in failed)
    if not floats or len({path[0] for _, path, _ in failed}) < len(again.attempt.inputs):
        return None
    for passed in (one for one in attempts if not one.is_wrong):
        there = [*parts(again.exercise, passed.inputs)]
        differ = [(a, b) for a, b in zip(there, failed, strict=False) if np.shape(a[2]) != np.shape(b[2])]
        if len(there) != len(failed) or not differ:
            continue
        as_passed, as_failed = passed.inputs, again.attempt.inputs
        for (_, path, value), (_, _, other) in zip(there, failed, strict=True):
            as_passed = put(as_passed, path, np.resize(other, np.shape(value))[()])
            as_failed = put(as_failed, path, np.resize(value, np.shape(other))[()])
        pairs = again.of(as_passed), again.of(as_failed)
        if None not in pairs and close(*pairs[0]) and not close(*pairs[1]):
            (name, _, value), (_, _, other) = differ[0]
            says = f"it is right for {name} of shape {value.shape}, and not of {other.shape}"
            because = "Is a length written as a number, or does one stand for all?"
            return Finding("right only for some shapes", says, because)
    return None


def right_in_part(attempts):
    """The Finding that only the first or last of the output is right, or None."""
    right = attempts[0].pair[1]
    for axis in range(right.ndim):
        for place, where in ((0, "first"), (-1, "last")):
            if right.shape[axis] > 1 and all(only(one, axis, place) for one in attempts if one.is_wrong):
                says = f"only the {where} of {right.shape[axis]} along axis {axis} is right"
                return Finding("right only in part", says)
    return None


def only(attempt, axis, place):
    """Whether one of the output's entries along an axis is right, and none of the others."""
    got, right = attempt.pair
    if got.shape != right.shape or axis >= right.ndim:
        return False
    fits = [close(got.take(i, axis), right.take(i, axis)) for i in range(right.shape[axis])]
    return bool(fits[place]) and sum(fits) == 1


# ------------------------------------------------------------------------------------------------ changed inputs


def changes(value, axis=None, part=slice(None)):
    """A number or array changed in one way and another, or only a part of it, along an axis: a list.

    Floats are scaled, whole numbers doubled, booleans turned round. In an array entries also change places; floats are
    negated, whole numbers become the least of them, and booleans all True.
    """
    if isinstance(value, bool | np.bool_):
        return [not value]
    if isinstance(value, int | np.integer):
        return [2 * value]
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        return [LEAST * value]
    index = (slice(None),) * (axis or 0) + (part,)
    ways = [np.roll(value, 1)]
    if value.dtype.kind == "f":
        ways += [scaled(value), -value]
    elif value.dtype.kind == "b":
        ways += [np.logical_not(value), np.ones_like(value)]
    else:
        ways += [np.full_like(value, value.min())]
    others = [value.copy() for _ in ways]
    for other, way in zip(others, ways, strict=True):
        other[index] = way[index]
    return others


def scaled(array):
    """An array with each entry scaled by a number of its own, from LEAST up to 0.9."""
    return array * (LEAST + 0.3 * (np.arange(array.size) * 0.618 % 1)).reshape(array.shape).astype(array.dtype)


def axes_of(again):
    """(name, path, array, axis) of each axis, longer than 1, of each array of floats among the inputs."""
    for name, path, value in parts(again.exercise, again.attempt.inputs):
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            yield from ((name, path, value, axis) for axis in range(value.ndim) if value.shape[axis] > 1)
