"""The numbers and arrays among a function's inputs, wherever they stand: in tuples, in settings."""

import inspect
from copy import copy
from dataclasses import fields, is_dataclass

import numpy as np


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
