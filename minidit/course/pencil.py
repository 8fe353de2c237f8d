"""Checks numbers worked out with a pencil and typed in, without giving away the right ones."""

import numpy as np

from minidit.course.comparing import close
from minidit.course.outcome import Complaint, as_array, kind
from minidit.course.report import apart


def compare_numbers(exercise, answer):
    """Compares numbers that were typed in.

    Args:
        exercise: Numbers.
        answer: an array, a number, or lists or tuples of numbers.
    Raises:
        Complaint: they differ, or nothing was typed.
    """
    right = np.asarray(exercise.expected(), dtype=float)
    got = laid(typed(answer), right)
    slip = next((one for one in exercise.slips if alike(got, laid(np.asarray(one.wrong(), dtype=float), got))), None)
    if got.shape != right.shape:
        shapes = f"{form(got.shape)}; expected {form(right.shape)}"
        if slip:
            raise Complaint(f"you have {shapes}: {slip.says}.", slip.because, slip=slip.name)
        if got.shape == right.shape[::-1] and alike(got, right.T):
            raise Complaint(f"you have {shapes}: rows and columns have changed places.", slip="missing transpose")
        if got.size == right.size and alike(got.ravel(), right.ravel()):
            raise Complaint(f"you have {shapes}: the numbers are right, in their order.", slip="another shape")
        raise Complaint(f"you have {shapes}.", slip="other number of entries")
    wrong = ~np.isclose(got, right, rtol=1e-6, atol=1e-8)
    if not wrong.any():
        return
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    first = f"the entry at {list(index)}" if index else "the number"
    count = int(wrong.sum())
    others = f"; {count} of {wrong.size} entries are off" if count > 1 else ""
    says = f"{first} is not {apart(got[index], right[index])[0]}{others}."
    if slip:
        raise Complaint(f"not yet: {slip.says}.", f"{says[0].upper()}{says[1:]}", slip.because, slip=slip.name)
    name, because = in_general(got, right)
    raise Complaint(says, exercise.explain(index), because, slip=name)


def laid(array, model):
    """A vector laid like another: a row, a column, or neither; anything else as it is."""
    vectors = all(one.ndim in (1, 2) and one.size == max(one.shape) for one in (array, model))
    return array.reshape(model.shape) if vectors and array.size == model.size else array


def alike(a, b):
    """Whether two arrays are equal, as far as numbers that are typed in can be."""
    return close(a, b, 1e-6)


def typed(answer):
    """What was typed in, as an array of floats.

    Raises:
        Complaint: it isn't one, or nothing was typed yet.
    """
    if answer is None or answer is Ellipsis:
        raise Complaint("not started. Put your numbers there, and run this cell again.", started=False)
    if isinstance(answer, list | tuple):
        if is_open(answer):
            raise Complaint("not done: some entries are still open.", started=False)
        try:
            answer = np.array(answer, dtype=float)
        except (ValueError, TypeError, OverflowError) as error:
            raise Complaint("the rows are of different lengths, or not all entries are numbers.") from error
    if not isinstance(answer, np.ndarray | np.generic | int | float):
        raise Complaint(f"this is {kind(answer)}; expected numbers, such as [[1, 2], [3, 4]].")
    return as_array("your answer", answer).astype(float)


def is_open(value):
    """Whether a `...` or None is left among nested lists."""
    if isinstance(value, list | tuple):
        return any(map(is_open, value))
    return value is None or value is Ellipsis


def in_general(got, right):
    """The name of a slip that any matrix can have and a sentence about it, or None and ""."""
    wrong = ~np.isclose(got, right, rtol=1e-6, atol=1e-8)
    if right.ndim == 2 and alike(got, right.T):
        return "missing transpose", "Rows and columns have changed places."
    if alike(got[wrong], -right[wrong]):
        if (wrong | (right == 0)).all():
            return "sign", "Every sign is reversed."
        return "sign of an entry", "Is the sign right there?"
    ratio = float(np.vdot(right, got) / np.vdot(right, right)) if right.any() else 0
    if right.size > 1 and ratio and alike(got, ratio * right):
        return "constant factor", f"Every number is {ratio:.4g} times what it should be."
    if len(np.unique(right)) > 2 and alike(np.sort(got, axis=None), np.sort(right, axis=None)):
        return "wrong places", "The numbers are right, but in other places."
    if not alike(right, np.floor(right)) and any(alike(got, cut(right)) for cut in (np.floor, np.trunc, np.ceil)):
        return "cut off", "The fractions are missing: `/` keeps them, `//` doesn't."
    if wrong.sum() < right.size and not got[wrong].any():
        return "zeros", "Can it really be 0 there?"
    if right.size > 1 and alike(np.abs(got - right)[wrong], np.ones(wrong.sum())):
        return "off by 1", "It is off by 1." if wrong.sum() == 1 else "They are off by 1."
    return None, ""


def form(shape):
    """A shape in words."""
    if len(shape) == 2:
        return f"{shape[0]} × {shape[1]} numbers"
    if len(shape) == 1:
        return f"a row of {shape[0]}"
    return f"shape {shape}" if shape else "a single number"
