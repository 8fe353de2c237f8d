"""A student's functions in place of minidit's: the capstone's model then runs on them.

    with minidit.using(attention_forward=mine, attention_backward=my_backward) as calls:
        ...                                        # train, generate
    calls                                          # how often each was called: Counter({"attention_forward": …})

A forward passes its cache to its backward, so if the caches differ from minidit's, replace both.
"""

import functools
import importlib
import sys
from collections import Counter
from contextlib import contextmanager

from minidit.course.report import did_you_mean
from minidit.errors import UserError

HOMES = ("layers", "diffusion", "diffusion.samplers", "diffusion.objectives", "training.optimizer")
LEFT_ALONE = "minidit.course"  # the checks still compare with minidit's own


@contextmanager
def using(**functions):
    """Inside, functions replace those of the same names, wherever minidit uses them.

    Processes started inside (`minidit train --workers 2`) still use minidit's own.

    Args:
        functions: name -> function, which takes and returns what minidit's does.
    Yields:
        Counter: name -> how often the function was called so far.
    Raises:
        UserError: minidit has no function of this name, or the value isn't a function.
    """
    own = originals()
    for name, function in functions.items():
        if name not in own:
            near = did_you_mean(name, own)
            raise UserError(f"minidit has no function {name!r} to replace. {near}".rstrip())
        if not callable(function):
            raise UserError(f"{name} must be a function, not {function!r:.60}")
    calls = Counter()
    stand_ins = {name: counting(own[name], function, calls) for name, function in functions.items()}
    for name, stand_in in stand_ins.items():
        exchange(own[name], stand_in)
    try:
        yield calls
    finally:
        for name, stand_in in stand_ins.items():
            exchange(stand_in, own[name])


def originals():
    """Name -> function, of all replaceable functions."""
    modules = [importlib.import_module(f"minidit.{home}") for home in HOMES]
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if not name.startswith("_") and hasattr(value, "__code__") and value.__module__.startswith(module.__name__)
    }


def counting(own, function, calls):
    """A new function with the name of minidit's own that counts its calls, so that it can be found and removed."""

    @functools.wraps(own)
    def stand_in(*arguments, **options):
        calls[own.__name__] += 1
        return function(*arguments, **options)

    return stand_in


def exchange(old, new):
    """Replaces one object by another in every loaded module of minidit and in its tables.

    Modules import functions by name, so each has its own reference. A module loaded while a stand-in is in place gets
    the stand-in, and loses it with the others.
    """
    for name, module in list(sys.modules.items()):
        if not f"{name}.".startswith("minidit.") or f"{name}.".startswith(f"{LEFT_ALONE}."):
            continue
        for table in (vars(module), *(value for value in vars(module).values() if type(value) is dict)):
            for key, value in list(table.items()):
                if value is old:
                    table[key] = new
                elif type(value) is tuple and any(part is old for part in value):  # a forward with its backward
                    table[key] = tuple(new if part is old else part for part in value)
