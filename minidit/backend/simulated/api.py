"""The names that CuPy offers, read from a snapshot of the real one (`scripts/snapshot_cupy_api.py`)."""

import inspect
import json
from functools import cache
from pathlib import Path

API = json.loads(Path(__file__).with_name("cupy_api.json").read_text(encoding="utf-8"))


def bind(kind, name, args, kwargs):
    """The arguments of a call by parameter, if CuPy's function of that name takes them.

    Args:
        kind: "functions", "linalg", "methods" or "generator", the part of the snapshot that has the name.
    Raises:
        TypeError: it doesn't take them.
    """
    try:
        return signature(kind, name).bind(*args, **kwargs).arguments
    except TypeError as error:
        raise TypeError(f"cupy's {name}({API[kind][name]}) does not take these arguments: {error}") from None


@cache
def signature(kind, name):
    """Parsed from the snapshot, in which "a, axis=, *, out=" are a parameter without and two with a default."""
    parameters = []
    how = inspect.Parameter.POSITIONAL_OR_KEYWORD
    for text in filter(None, API[kind][name].split(", ")):
        parameter = text.strip("*=")
        default = None if text.endswith("=") else inspect.Parameter.empty
        if text == "/":
            parameters = [known.replace(kind=inspect.Parameter.POSITIONAL_ONLY) for known in parameters]
        elif text == "*":
            how = inspect.Parameter.KEYWORD_ONLY
        elif text.startswith("**"):
            parameters.append(inspect.Parameter(parameter, inspect.Parameter.VAR_KEYWORD))
        elif text.startswith("*"):
            parameters.append(inspect.Parameter(parameter, inspect.Parameter.VAR_POSITIONAL))
            how = inspect.Parameter.KEYWORD_ONLY
        else:
            parameters.append(inspect.Parameter(parameter, how, default=default))
    return inspect.Signature(parameters)
