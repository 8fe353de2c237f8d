"""Whether two arrays are equal: in shape, in value up to rounding, in kind, and whether one is the other's memory."""

import numpy as np

from minidit.backend import arrays_in
from minidit.course.outcome import Complaint

TOLERANCE = {"float64": 1e-8, "float32": 1e-4}  # of an entry, relative to the largest one expected
SMALLEST = 1e-4  # if everything expected is smaller, entries are compared on this scale: it may be only rounding


def is_off(got, right):
    """What is wrong with an array: "shape", "values", or "" if nothing is."""
    if got.shape != right.shape:
        return "shape"
    return "values" if (errors(got, right) > tolerance_of(got, right)).any() else ""


def tolerance_of(got, right):
    """How far off an entry may be, relative to the largest one expected."""
    return max(TOLERANCE.get(a.dtype.name, TOLERANCE["float64"]) for a in (got, right))


def errors(got, right):
    """How far off each entry is, relative to the largest one expected; infinite where only one of the two is NaN."""
    got, right = got.astype(float), right.astype(float)
    scale = max(float(np.abs(right[np.isfinite(right)]).max(initial=0)), SMALLEST)
    equal = (got == right) | (np.isnan(got) & np.isnan(right))
    with np.errstate(all="ignore"):
        return np.where(equal, 0.0, np.nan_to_num(np.abs(got - right) / scale, nan=np.inf, posinf=np.inf))


def close(a, b, tolerance=None):
    """Whether two arrays have the same shape and numbers, up to rounding or this tolerance, relative to b's largest."""
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and bool((errors(a, b) <= (tolerance or tolerance_of(a, b))).all())


def insist_dtypes(attempt):
    """Raises a Complaint if an output is of another kind of numbers than it should be.

    Floats have to be of the same precision, and what are bytes or booleans has to be that, unless it just came with the
    inputs. Whole numbers may be of any kind.
    """
    given = {array.dtype.kind for array in arrays_in(attempt.inputs)}
    for (name, got), (_, right) in zip(attempt.got, attempt.right, strict=True):
        if got.dtype == right.dtype or right.dtype == int:
            continue
        if {got.dtype.kind, right.dtype.kind} == {"f"}:
            raise Complaint(
                f"{name} is {got.dtype}; expected {right.dtype}, like the inputs.",
                "Arrays made inside should take the dtype of the inputs, as in np.zeros(shape, x.dtype). A number like "
                "np.sqrt(2) is float64 too; 2**0.5 is a Python number, which leaves arrays as they are.",
                slip="another dtype than the inputs",
            )
        if right.ndim and right.dtype.kind != "f" and right.dtype.kind not in given:
            raise Complaint(
                f"{name} has the right values, but they are {got.dtype}; expected {right.dtype}.",
                "A comparison gives booleans, and .astype(…) turns numbers into others.",
                slip="another dtype than asked for",
            )


def insist_fresh(outcome):
    """Raises a Complaint if an output lies in an input's memory."""
    arrays = arrays_in(outcome.given)
    for name, array in outcome.results:
        if any(np.shares_memory(array, other) for other in arrays):
            raise Complaint(
                f"{name} has the right numbers, but lies in the memory of an input.",
                "A change to one would then change the other. Return a new array.",
                slip="a view of an input",
            )
