"""Slips that any function can have, and that show in the places of its numbers: a transpose, an axis, a sum too many.

A rule takes an exercise and its attempts, the first of which is wrong, and yields Findings that may explain them.
"""

from itertools import combinations

import numpy as np

from minidit.course.comparing import close
from minidit.course.finding import Finding, gives, on_right, seen_often, tells


def transposed(_, attempts):
    """Two of its axes have changed places."""
    ndim = attempts[0].pair[1].ndim
    for i, j in combinations(range(ndim if tells(attempts) else 0), 2):
        says = "it is transposed" if ndim == 2 else f"its axes {i} and {j} have changed places"
        because = "There is a transpose missing, or one too many."
        fits = gives(lambda it, i=i - ndim, j=j - ndim: it.pair[1].swapaxes(i, j))  # counted from the last one
        yield Finding("missing transpose", says, because, fits)


def displaced(_, attempts):
    """It runs the other way along an axis, or everything stands one place further."""
    for axis in range(attempts[0].pair[1].ndim if tells(attempts) else 0):
        along = "" if attempts[0].pair[1].ndim == 1 else f" along axis {axis}"
        yield Finding("reversed", f"its order is reversed{along}", fits=on_right(lambda y, a=axis: np.flip(y, a)))
        for by, where in ((1, "late"), (-1, "early")):
            says = f"everything stands one place too {where}{along}"
            yield Finding("shifted", says, fits=on_right(lambda y, a=axis, by=by: np.roll(y, by, a)))


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
            because = "Does a loop leave something out, or end too early?"
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


def only_some(_, attempts):
    """It is only the first of several, or the last."""
    got, right = attempts[0].pair
    because = "Does a loop leave something out, or end too early?"
    for axis in (axis for axis in range(right.ndim) if got.shape != right.shape and right.shape[axis] > 1):
        along = "" if right.ndim == 1 else f" along axis {axis}"
        for place, where in ((0, "first"), (-1, "last")):
            says = f"it is only the {where} of {right.shape[axis]}{along}"
            fits = gives(lambda it, p=place, a=axis: it.pair[1].take(p, a))
            yield Finding("only some of them", says, because, where_shapes_differ(fits))
        if got.ndim == right.ndim:
            count = got.shape[axis]
            for from_end, where in ((False, "first"), (True, "last")):
                says = f"it is only the {where}{f' {count}' if count > 1 else ''} of {right.shape[axis]}{along}"
                fits = gives(lambda it, end=from_end, a=axis: some_of(it, end, a))
                yield Finding("only some of them", says, because, where_shapes_differ(fits))


def some_of(attempt, from_end, axis):
    """The first of the right output along an axis, or the last, as many as there are."""
    got, right = attempt.pair
    places = range(right.shape[axis])
    return right.take(places[len(places) - got.shape[axis] :] if from_end else places[: got.shape[axis]], axis)


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
    """There is a sum or mean over an axis that should have stayed, whether it is still there or not."""
    got, right = attempts[0].pair
    same = got.shape == right.shape
    for count in range(1, right.ndim + 1 if not same or seen_often(attempts) else 0):
        for axes in combinations(range(right.ndim), count):
            for how, verb in ((np.sum, "summed"), (np.mean, "averaged")):
                says = f"it is {verb} over {axes_named(exercise, attempts[0], right, axes)}"
                because = "Each place there has a value of its own."
                for keep in (True,) if same else (False, True):

                    def wrong(attempt, how=how, axes=axes, keep=keep):
                        summed = how(attempt.pair[1], axis=axes, keepdims=keep)
                        return np.broadcast_to(summed, attempt.pair[1].shape) if same else summed

                    fits = gives(wrong)
                    yield Finding("summed too much", says, because, fits if same else where_shapes_differ(fits))


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

            says = f"yours would have to be summed over {axes_named(exercise, attempts[0], got, axes)}"
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


def zeros_left_out(_, attempts):
    """Only the numbers that are not zero are left, in a row."""
    got, right = attempts[0].pair
    if got.shape != right.shape and got.ndim == 1 and got.size:
        says = "only the numbers that are not 0 are left, in a row"
        because = "x[mask] gives a row: np.where keeps the shape."
        fits = where_shapes_differ(lambda it: close(it.pair[0], it.pair[1][it.pair[1] != 0]))
        yield Finding("zeros left out", says, because, fits)


def another_shape(_, attempts):
    """Its numbers are the right ones, in their order, but in another shape."""
    got, right = attempts[0].pair
    if got.shape != right.shape:
        fits = where_shapes_differ(lambda it: close(it.pair[0].ravel(), it.pair[1].ravel()))
        yield Finding(
            "another shape", "the numbers are right", "A reshape gives them the shape they should have.", fits
        )


def wrong_places(_, attempts):
    """Its numbers are the right ones, in other places."""

    def fits(attempt):
        return close(*(np.sort(array, axis=None) for array in attempt.pair))

    if attempts[0].pair[1].dtype.kind == "f" and tells(attempts):
        yield Finding("wrong places", "the right numbers stand in other places", fits=fits)


def axes_named(exercise, attempt, array, axes):
    """Axes in words, such as "the tokens (axis 0)", by their lengths where these tell which is which."""
    sizes = exercise.sizes(*attempt.inputs)
    if len(axes) == array.ndim > 1:
        return "everything"
    words = []
    for axis in axes:
        called = [what for what, count in sizes.items() if count == array.shape[axis]]
        sure = len(called) == 1 and array.shape.count(array.shape[axis]) == 1
        words.append(f"the {called[0]} (axis {axis})" if sure else f"axis {axis}")
    return " and ".join(words)


PLACE_RULES = (
    transposed, rest_is_zero, displaced, only_some, axis_of_length_1, every_pair, another_shape, summed_too_much,
    forgot_to_sum, zeros_left_out, wrong_places,
)  # fmt: skip
