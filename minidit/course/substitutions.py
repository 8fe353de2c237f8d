"""What would come out with something else in place of an input: for slips that no other rule explains.

What is found is called "another sign", "left out", "exchanged", "one for another" or "something else in place".
"""

from copy import deepcopy
from itertools import combinations, permutations
from time import monotonic

import numpy as np

from minidit.course.comparing import close
from minidit.course.finding import Finding
from minidit.course.inputs import parts, put
from minidit.course.outcome import named

SECONDS = 0.8  # that the search may take
FLOATS = (
    ("another sign", "−{}", np.negative),
    ("left out", "0", np.zeros_like),
    ("something else in place", "1", np.ones_like),
    ("something else in place", "1 − {}", lambda x: 1 - x),
    ("something else in place", "1 + {}", lambda x: 1 + x),
    ("something else in place", "{}²", np.square),
    ("something else in place", "√{}", np.sqrt),
    ("something else in place", "2 · {}", lambda x: 2 * x),
    ("something else in place", "{} / 2", lambda x: x / 2),
    ("something else in place", "1 / {}", lambda x: 1 / x),
    ("something else in place", "|{}|", np.abs),
    ("something else in place", "exp({})", np.exp),
    ("something else in place", "max({}, 0)", lambda x: np.maximum(x, 0)),
    ("something else in place", "max({}, 1)", lambda x: np.maximum(x, 1)),
    ("something else in place", "min({}, 1)", lambda x: np.minimum(x, 1)),
    ("something else in place", "{} without its fractions", np.floor),
    ("something else in place", "the mean of {}", lambda x: np.full_like(x, x.mean())),
    ("something else in place", "the first of {} for all", lambda x: x[:1] + 0 * x),
    ("something else in place", "{} in reverse order", lambda x: x[::-1]),
    ("something else in place", "{} transposed", lambda x: x.swapaxes(-1, -2)),
)  # name of the slip, what stands in place of an input, and how to make it
WHOLE = (
    ("something else in place", "{} + 1", lambda n: n + 1),
    ("something else in place", "{} − 1", lambda n: n - 1),
    ("something else in place", "2 · {}", lambda n: 2 * n),
    ("something else in place", "1", lambda n: n * 0 + 1),
)
MASKS = (
    ("something else in place", "the opposite of {}", np.logical_not),
    ("left out", "True", np.ones_like),
    ("something else in place", "the first of {} for all", lambda x: x[:1] | np.zeros_like(x)),
)


def substitution(exercise, attempts):
    """The Finding that an answer is right for inputs in which something stands in place of something else, or None.

    Args:
        exercise, attempts: as for `diagnose`.
    """
    wrong = [one.pair[0] for one in attempts if one.is_wrong]
    if len(wrong) > 1 and all(close(wrong[0], got) for got in wrong):  # always the same: it comes from no input
        return None
    until = monotonic() + SECONDS
    found = []
    for name, text, change in substitutions(exercise, attempts[0].inputs):
        if monotonic() > until:
            break
        if (not found or found[0][0] == name) and all(comes_out(exercise, one, change) for one in attempts):
            found.append((name, text))
    if not found:
        return None
    texts = " or ".join(text for _, text in found[:3])
    return Finding(found[0][0], f"it is what comes out with {texts}")


def comes_out(exercise, attempt, change):
    """Whether the output to look at is what the reference gives for changed inputs."""
    try:
        with np.errstate(all="ignore"):
            inputs = change(deepcopy(attempt.inputs))
            expected = exercise.reference(*inputs)
            _, right = named(exercise.outputs, expected, expected)[attempt.wrong]
    except Exception:  # it can't be done with these
        return False
    return close(attempt.pair[0], right)


def substitutions(exercise, inputs):
    """(name of the slip, text, function from inputs to changed inputs) of each substitution that is tried."""
    every = [*parts(exercise, inputs)]
    for (a, path, value), (b, other, second) in permutations(every, 2):
        if alike(value, second):
            yield "one for another", f"{b} in place of {a}", copied(exercise, path, other)
    for (a, path, value), (b, other, second) in combinations(every, 2):
        if alike(value, second):
            yield "exchanged", f"{a} and {b} exchanged", exchange(exercise, path, other)
    for name, path, value in every:
        kind = np.asarray(value).dtype.kind
        whole = WHOLE if np.ndim(value) == 0 else ()
        for slip, text, make in {"f": FLOATS, "b": MASKS}.get(kind, whole):
            yield slip, f"{text.format(name)} in place of {name}", replaced(exercise, path, make)


def alike(a, b):
    """Whether one can stand in place of the other: the same shape and kind."""
    return np.shape(a) == np.shape(b) and np.asarray(a).dtype.kind == np.asarray(b).dtype.kind


def at(exercise, inputs, path):
    """What stands among the inputs where a path leads."""
    return next(value for _, there, value in parts(exercise, inputs) if there == path)


def exchange(exercise, path, other):
    """A function that exchanges two of the inputs."""

    def change(inputs):
        values = at(exercise, inputs, path), at(exercise, inputs, other)
        return put(put(inputs, path, values[1]), other, values[0])

    return change


def copied(exercise, path, other):
    """A function that puts one of the inputs in place of another, too."""
    return lambda inputs: put(inputs, path, at(exercise, inputs, other))


def replaced(exercise, path, make):
    """A function that makes something else of an input."""

    def change(inputs):
        value = at(exercise, inputs, path)
        return put(inputs, path, make(value) if isinstance(value, np.ndarray) else make(np.asarray(value))[()])

    return change
