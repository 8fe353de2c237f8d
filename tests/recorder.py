"""Writes down what NumPy does inside a `with recording() as calls:`, operation by operation.

It sees every ufunc (matmul and vecdot are ufuncs too) and every function of NumPy's that an array made in there, or
one wrapped by `recorded`, takes part in; and so the arrays that come of those, and so on.
"""

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np

import minidit
from minidit.backend import constants

PACKAGE = str(Path(minidit.__file__).parent)
MAKERS = ("empty", "zeros", "ones", "full", "arange")  # functions that make arrays of nothing but numbers

_calls = None  # the list to write to, while recording


class Operand(NamedTuple):
    """An array that went into an operation, or came out of it."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype


class Call(NamedTuple):
    """An operation.

    Attributes:
        name: NumPy's, such as "matmul".
        where: the innermost function of minidit that asked for it.
        inputs, outputs: an Operand for each array or NumPy scalar, anything else as it is.
    """

    name: str
    where: str
    inputs: tuple
    outputs: tuple


class Recorded(np.ndarray):
    """An array whose operations are written down."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        if out is not None:
            options["out"] = tuple(map(plain, out))
        result = getattr(ufunc, method)(*map(plain, inputs), **options)
        note(ufunc.__name__, inputs, result)
        return out[0] if out is not None else recorded(result)

    def __array_function__(self, function, types, arguments, options):
        result = super().__array_function__(function, types, arguments, options)
        note(function.__name__, flattened([*arguments, *options.values()]), result)
        return recorded(result)


# As layers ask an array's type where its library is.
Recorded.__module__ = "numpy"


@contextmanager
def recording():
    """Gives the list of Calls, which grows while the block runs."""
    global _calls
    assert _calls is None, "already recording"
    _calls = calls = []
    makers = {name: making_recorded(getattr(np, name)) for name in MAKERS}
    constants.cache_clear()  # those that are kept: they are to be made in here, and not to be seen by others afterwards
    try:
        with mock.patch.multiple(np, **makers):
            yield calls
    finally:
        _calls = None
        constants.cache_clear()


def recorded(value):
    """An array, or every array in a tuple or list, as one whose operations are written down. It shares the memory."""
    if isinstance(value, tuple | list):
        return type(value)(map(recorded, value))
    return value.view(Recorded) if isinstance(value, np.ndarray) else value


def plain(value):
    """Undoes `recorded` for an array."""
    return value.view(np.ndarray) if isinstance(value, Recorded) else value


def making_recorded(maker):
    """One of MAKERS, whose arrays are Recorded."""
    return lambda *arguments, **options: recorded(maker(*arguments, **options))


def note(name, inputs, outputs):
    """Writes an operation down."""
    if _calls is not None:
        outputs = outputs if isinstance(outputs, tuple | list) else (outputs,)
        _calls.append(Call(name, asking_function(), tuple(map(described, inputs)), tuple(map(described, outputs))))


def described(value):
    """An Operand for what is NumPy's, anything else as it is."""
    if isinstance(value, np.ndarray | np.generic):
        return Operand(value.shape, value.strides, value.dtype)
    return value


def flattened(values):
    """All that is in lists and tuples, however deep, as one list."""
    found = []
    for value in values:
        found += flattened(value) if isinstance(value, tuple | list) else [value]
    return found


def asking_function():
    """The name of the innermost function of minidit that is running."""
    frame = sys._getframe()
    while frame and not frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return frame.f_code.co_name if frame else ""
