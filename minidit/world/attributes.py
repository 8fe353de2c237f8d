"""What a clip of the toy world shows: four attributes, each with a few named values."""

from itertools import product
from typing import NamedTuple

import numpy as np

from minidit.errors import UserError

COLORS = ("red", "green", "blue", "yellow", "white")
SHAPES = ("circle", "square", "triangle", "cross", "ring")
MOTIONS = ("left", "right", "up", "down", "still")
SKIES = ("day", "night", "sunset")


class Attributes(NamedTuple):
    """One object in one sky: `Attributes("red", "circle", "right", "day")`.

    The plain sky, with no object in it, is `Attributes(None, None, None, sky)`. In a single frame no motion can be
    seen: `Attributes("red", "circle", None, "day")`.
    """

    color: str | None
    shape: str | None
    motion: str | None
    sky: str


ALL_ATTRIBUTES = tuple(Attributes(*values) for values in product(COLORS, SHAPES, MOTIONS, SKIES))  # 375
PICTURES = tuple(Attributes(color, shape, None, sky) for color, shape, sky in product(COLORS, SHAPES, SKIES))  # 75
PLAIN_SKIES = tuple(Attributes(None, None, None, sky) for sky in SKIES)

NAMES = {"color": COLORS, "shape": SHAPES, "motion": MOTIONS, "sky": SKIES}
NO_VALUE = -1  # the index that stands for None


def _indices(attributes):
    return tuple(
        NO_VALUE if value is None else names.index(value)
        for names, value in zip(NAMES.values(), attributes, strict=True)
    )


_INDICES = {attributes: _indices(attributes) for attributes in ALL_ATTRIBUTES + PICTURES + PLAIN_SKIES}


def attribute_indices(sequence):
    """The positions of the attributes' values in COLORS, SHAPES, MOTIONS and SKIES.

    Args:
        sequence: N Attributes (or plain tuples of the same four names).
    Returns:
        (N, 4) integers, one column per attribute; NO_VALUE (-1) where an attribute is None.
    Raises:
        UserError: for a combination that the world doesn't have.
    """
    try:
        rows = [_INDICES[tuple(attributes)] for attributes in sequence]
    except (KeyError, TypeError):
        unknown = next(a for a in sequence if not isinstance(a, tuple | list) or tuple(a) not in _INDICES)
        raise UserError(_explain(unknown)) from None
    return np.array(rows, dtype=np.intp).reshape(-1, 4)  # N, 4


def _explain(unknown):
    choices = "; ".join(f"{name}: {', '.join(values)}" for name, values in NAMES.items())
    return (
        f"the toy world has no {unknown!r}: give (color, shape, motion, sky) with one value of each "
        f"({choices}), (color, shape, None, sky) for a picture, or (None, None, None, sky) for a plain sky."
    )
