"""Inputs of a student's function that are more than numbers: functions, which stay in the grader, and objects.

An object is described by the function that makes it, its arguments and its state, the way `copy` does it. This goes
only one way, from the grader to the student's process.
"""

import functools
import importlib
import inspect
import operator
import types

import numpy as np

FUNCTIONS = types.FunctionType | types.BuiltinFunctionType | types.MethodType | np.ufunc | functools.partial
PLAIN = (tuple, list, dict, np.ndarray)


def describing(functions):
    """For `encode`: how to describe functions (recorded in a list), classes and objects."""

    def described(value, coded):
        if type(value) in PLAIN or isinstance(value, np.generic):
            return None
        if isinstance(value, FUNCTIONS):
            functions.append(value)
            return {"call": len(functions) - 1}
        if inspect.isclass(value):
            return {"name": name_of(value)}
        make, arguments, *state = value.__reduce_ex__(2)
        return {"made": [name_of(make), coded(arguments), coded(state[0] if state else None)]}

    return described


def making(call):
    """For `decode`: rebuilds what `describing` described. `call` takes a function's number and makes a stand-in."""
    return {
        "call": lambda index, _: call(index),
        "name": lambda name, _: named(name),
        "made": lambda parts, whole: made(named(parts[0]), whole(parts[1]), whole(parts[2])),
    }


def made(make, arguments, state):
    """The object that a function makes from these arguments, put into this state."""
    result = make(*arguments)
    if hasattr(result, "__setstate__"):
        result.__setstate__(state)
    else:
        attributes = state if isinstance(state, tuple) else (state,)
        for name, value in ((name, value) for part in attributes if part for name, value in part.items()):
            object.__setattr__(result, name, value)
    return result


def name_of(thing):
    """Where to find a class or function: its module and its name there."""
    return [thing.__module__, thing.__qualname__]


def named(name):
    """The class or function at that place."""
    module, inner = name
    return operator.attrgetter(inner)(importlib.import_module(module))
