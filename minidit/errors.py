"""What ends a command early, said in one sentence: a mistake of the user, or Ctrl-C. And numbers that users give."""

import math
from numbers import Real


class UserError(ValueError):
    """A mistake in what the user gave: the message says what was given, what was expected and what to do.

    The command line prints it without a traceback and exits with status 2.
    """


def check_known(what, names, choices, besides=""):
    """Makes sure that every name is one of the choices.

    Args:
        what: they name, such as "preset".
        besides: what else may be given, in words.
    Raises:
        UserError: one isn't.
    """
    for name in names:
        if name not in choices:
            raise UserError(f'there is no {what} "{name}". Choose from: {", ".join(choices)}{besides}.')


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, after what had to be saved was saved: the message says what.

    The command line prints it without a traceback and exits with status 130.
    """


def in_one_line(error):
    """What an exception of another library says, as a part of a sentence."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def as_number(value):
    """A number of any kind, such as NumPy's or an array of no axes, as a float; NaN if it is something else."""
    value = plain(value)
    try:
        return float(value) if isinstance(value, Real) else math.nan
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def as_whole(value):
    """A whole number of any kind, such as NumPy's or 3.0, as an int; None if it is something else."""
    value = plain(value)
    return int(value) if isinstance(value, Real) and value % 1 == 0 else None


def plain(value):
    """A scalar of NumPy's or CuPy's as a number of Python's, and anything else as it is."""
    return value.item() if getattr(value, "ndim", None) == 0 else value


def as_pair(value):
    """Two values of a tuple, list or array as a list; None if it is something else."""
    pair = isinstance(value, tuple | list) or getattr(value, "ndim", None) == 1
    return list(value) if pair and len(value) == 2 else None
