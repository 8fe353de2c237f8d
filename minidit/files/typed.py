"""What JSON holds, read as the types that annotations name: nothing of another type or out of bounds gets through."""

import math
import types
from dataclasses import MISSING, fields, is_dataclass
from typing import get_args, get_origin, get_type_hints

LARGEST = 2**53  # the whole numbers up to here are the same as JSON numbers everywhere


def read_typed(kind, value, bounds=None, name="it"):
    """A JSON value as a type. Lists become tuples, and dicts dataclasses; all else must be of the type already.

    Args:
        kind: int, float, bool, str, a tuple of such, a NamedTuple or dataclass of annotated fields, or one of these
            and None, as in `int | None`.
        value: from `json.loads`, or from `dataclasses.asdict`.
        bounds: name of a field -> (least, most) of the numbers in it; by default (0, LARGEST) of whole ones.
        name: of the value, for the error.
    Raises:
        ValueError: what it names is of another type, out of bounds, missing or unknown.
    """
    bounds, args = bounds or {}, get_args(kind)
    if isinstance(kind, types.UnionType):
        if value is None:
            return None
        (kind,) = (option for option in args if option is not types.NoneType)
        return read_typed(kind, value, bounds, name)
    if is_dataclass(kind):
        return read_dataclass(kind, value, bounds, name)
    if get_origin(kind) is tuple or hasattr(kind, "_fields"):
        kinds = tuple(get_type_hints(kind).values()) if hasattr(kind, "_fields") else args
        names = getattr(kind, "_fields", ())
        if not isinstance(value, list | tuple):
            raise ValueError(f"{name} is {shown(value)}, not a list")
        if kinds[-1] is Ellipsis:
            kinds = kinds[:1] * len(value)
        if len(value) != len(kinds):
            raise ValueError(f"{name} has {len(value)} entries, not {len(kinds)}")
        names = names or (name,) * len(kinds)
        entries = [read_typed(*each, bounds, own) for *each, own in zip(kinds, value, names, strict=True)]
        return kind(*entries) if hasattr(kind, "_fields") else tuple(entries)
    if kind is float and type(value) is int and abs(value) <= LARGEST:
        pass  # JSON writes 4.0 as 4 in some languages
    elif type(value) is not kind:
        raise ValueError(f"{name} is {shown(value)}, not of type {kind.__name__}")
    if kind in (int, float):
        least, most = bounds.get(name, (0, LARGEST) if kind is int else (-math.inf, math.inf))
        if not (least <= value <= most and math.isfinite(value)):
            raise ValueError(f"{name} is {shown(value)}, not a number from {least:g} to {most:g}")
    return value


def read_dataclass(kind, value, bounds, name):
    """A dict as a dataclass: see `read_typed`."""
    if not isinstance(value, dict):
        raise ValueError(f"{name} is {shown(value)}, not a set of names and values")
    kinds = get_type_hints(kind)
    needed = {field.name for field in fields(kind) if field.default is field.default_factory is MISSING}
    if not needed <= value.keys() <= kinds.keys():
        missing, unknown = needed - value.keys(), value.keys() - kinds.keys()
        raise ValueError(f"{name} don't match: missing {sorted(missing)}, unknown {sorted(unknown)}")
    return kind(**{own: read_typed(kinds[own], entry, bounds, own) for own, entry in value.items()})


def shown(value):
    """A value for an error message."""
    return cut(repr(value))


def cut(message, most=100):
    """A message on one line, cut off where it is long: what a foreign file says may be."""
    line = " ".join(str(message).split())
    return line if len(line) <= most else f"{line[: most - 3]}..."
