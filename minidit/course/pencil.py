"""Checks numbers worked out with a pencil and typed in, without giving away the right ones."""

import numpy as np

from minidit.course.diagnosis import close
from minidit.course.outcome import Complaint, as_array, kind
from minidit.course.report import short


def compare_numbers(exercise, answer):
    """Compares numbers that were typed in.

    Args:
        exercise: Numbers.
        answer: an array, a number, or lists or tuples of numbers.
    Raises:
        Complaint: they differ, or nothing was typed.
    """
    right = np.asarray(exercise.expected(), dtype=float)
    got = typed(answer)
    slip = next((slip for slip in exercise.slips if close(got, np.asarray(slip.wrong(), dtype=float))), None)
    if got.shape != right.shape:
        shapes = f"{form(got.shape)}; expected {form(right.shape)}"
        if slip:
            raise Complaint(f"you have {shapes}: {slip.says}.", slip.because, slip=slip.name)
        if got.shape == right.shape[::-1] and close(got, right.T):
            raise Complaint(f"you have {shapes}: rows and columns have changed places.", slip="missing transpose")
        raise Complaint(f"you have {shapes}.")
    wrong = ~np.isclose(got, right, rtol=1e-6, atol=1e-8)
    if not wrong.any():
        return
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    first = f"the entry at {list(index)}" if index else "the number"
    count = int(wrong.sum())
    others = f"; {count} of {wrong.size} entries are off" if count > 1 else ""
    says = f"{first} is not {short(got[index])}{others}."
    if slip:
        raise Complaint(f"not yet: {slip.says}.", f"{says[0].upper()}{says[1:]}", slip.because, slip=slip.name)
    name, because = in_general(got, right)
    raise Complaint(says, exercise.explain(index), because, slip=name)


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
    if not right.any():
        return None, ""
    if right.ndim == 2 and close(got, right.T):
        return "missing transpose", "Rows and columns have changed places."
    if close(got, -right):
        return "sign", "Every sign is reversed."
    ratio = float(np.vdot(right, got) / np.vdot(right, right))
    if right.size > 1 and ratio and close(got, ratio * right):
        return "constant factor", f"Every number is {ratio:.4g} times what it should be."
    if right.size > 3 and close(np.sort(got, axis=None), np.sort(right, axis=None)):
        return "wrong places", "The numbers are right, but in other places."
    return None, ""


def form(shape):
    """A shape in words."""
    if len(shape) == 2:
        return f"{shape[0]} × {shape[1]} numbers"
    if len(shape) == 1:
        return f"a row of {shape[0]}"
    return f"shape {shape}" if shape else "a single number"
