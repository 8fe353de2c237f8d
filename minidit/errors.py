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


def as_number(value):
    """A number of any kind, such as NumPy's, as a float; NaN if it is something else."""
    return float(value) if isinstance(value, Real) else math.nan


def as_whole(value):
    """A whole number of any kind, such as NumPy's or 3.0, as an int; None if it is something else."""
    return int(value) if isinstance(value, Real) and value % 1 == 0 else None
