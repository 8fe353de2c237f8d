"""Says of an output that is a sum of inputs in some amounts which amounts are in it, and which should be.

What it finds is called "other amounts". It is a fact, whatever the reason may be.
"""

import numpy as np

from minidit.course.comparing import close
from minidit.course.finding import Finding
from minidit.course.inputs import parts

NOTHING = 1e-9  # an amount that is only rounding


def other_amounts(exercise, attempts):
    """The Finding that an output is made of the right inputs in other amounts, or None.

    An Euler step is 1 · x + (s − t) · velocity: whatever has gone wrong with the amounts, they can be read off.

    Args:
        exercise, attempts: as for `diagnose`.
    """
    if not all(is_a_sum(exercise, attempt) for attempt in attempts):
        return None
    got, right = (amounts(exercise, attempts[0], array) for array in attempts[0].pair)
    if got is None or right is None:
        return None
    names = [name for name, _ in ingredients(exercise, attempts[0])]
    says = f"it is {in_words(got, names)}, where it should be {in_words(right, names)}"
    return Finding("other amounts", says, "How much of each belongs in it?")


def is_a_sum(exercise, attempt):
    """Whether both the answer's output and the right one are sums of the inputs in some amounts."""
    got, right = attempt.pair
    if got.shape != right.shape:
        return False
    so_short = right.size <= len(ingredients(exercise, attempt))  # that anything is such a sum
    return so_short or all(amounts(exercise, attempt, array) is not None for array in attempt.pair)


def ingredients(exercise, attempt):
    """(name, array) of each array of floats among the inputs that has the shape of the output to look at."""
    _, right = attempt.pair
    every = ((name, np.asarray(value)) for name, _, value in parts(exercise, attempt.inputs))
    return [(name, value) for name, value in every if value.dtype.kind == "f" and value.shape == right.shape]


def amounts(exercise, attempt, output):
    """How much of each of the ingredients is in an output, or None if it isn't made of them."""
    arrays = [value.ravel().astype(float) for _, value in ingredients(exercise, attempt)]
    y = output.ravel().astype(float)
    if not arrays or y.size <= len(arrays) or not np.isfinite([*arrays, y]).all():
        return None
    columns = np.stack(arrays, axis=1)
    found, _, rank, _ = np.linalg.lstsq(columns, y, rcond=None)
    return found if rank == len(arrays) and close(columns @ found, y) else None


def in_words(found, names):
    """Amounts as a sum: 1 · x − 0.25 · velocity."""
    text = ""
    for amount, name in zip(found, names, strict=True):
        if abs(amount) > NOTHING:
            text += f"{' − ' if amount < 0 else ' + '}{abs(amount):.4g} · {name}"
    return text.removeprefix(" + ").replace(" − ", "−", text.startswith(" − ")) or "0"
