"""A student's functions in place of minidit's: the capstone's model then runs on them.

    with minidit.using(attention_forward=mine, attention_backward=my_backward) as calls:
        ...                                        # train, generate
    calls                                          # how often each was called: Counter({"attention_forward": …})

A forward hands its cache to its backward, so where the caches differ from minidit's, both have to be given.
"""

import functools
import importlib
import sys
from collections import Counter
from contextlib import contextmanager

from minidit.course.report import did_you_mean
from minidit.errors import UserError

HOMES = ("layers", "diffusion", "diffusion.samplers", "diffusion.objectives", "training.optimizer")
LEFT_ALONE = "minidit.course"  # the checks go on comparing with what is minidit's own


@contextmanager
def using(**functions):
    """Puts functions in place of minidit's of the same names, wherever in minidit these are used, until its end.

    Processes that are started inside (`minidit train --workers 2`) know nothing of it.

    Args:
        functions: name -> function, which takes and returns what minidit's does.
    Yields:
        Counter: name -> how often the function was called so far.
    Raises:
        UserError: minidit has no function of this name, or what is given is none.
    """
    own = originals()
    for name, function in functions.items():
        if name not in own:
            near = did_you_mean(name, own)
            raise UserError(f"minidit has no function {name!r} to put another in place of. {near}".rstrip())
        if not callable(function):
            raise UserError(f"{name} is to be a function, not {function!r:.60}")
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
    """Name -> function, of all that can be replaced."""
    modules = [importlib.import_module(f"minidit.{home}") for home in HOMES]
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if not name.startswith("_") and hasattr(value, "__code__") and value.__module__.startswith(module.__name__)
    }


def counting(own, function, calls):
    """A function under the name of minidit's own that counts its calls: a new one, to be found again and taken out."""

    @functools.wraps(own)
    def stand_in(*arguments, **options):
        calls[own.__name__] += 1
        return function(*arguments, **options)

    return stand_in


def exchange(old, new):
    """Puts one object in place of another, in every loaded module of minidit and in the tables that it has.

    Modules import functions by name, so each has a reference of its own; one that is loaded while a stand-in is in
    place gets that, and loses it with the others.
    """
    for name, module in list(sys.modules.items()):
        if not f"{name}.".startswith("minidit.") or f"{name}.".startswith(f"{LEFT_ALONE}."):
            continue
        for table in (vars(module), *(value for value in vars(module).values() if type(value) is dict)):
            for key, value in list(table.items()):
                if value is old:
                    table[key] = new
