import math
from dataclasses import dataclass
from typing import NamedTuple

import pytest

from minidit.files.typed import cut, read_typed


class Stage(NamedTuple):
    window: tuple[int, int]
    channels: int = 3


@dataclass(frozen=True)
class Part:
    width: int
    rate: float = 1.0


@dataclass(frozen=True)
class Whole:
    part: Part
    words: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    count: int | None = None
    on: bool = False


def test_lists_become_tuples_and_dicts_dataclasses():
    data = {"part": {"width": 2, "rate": 3}, "words": ["a", "b"], "stages": [[[1, 2], 4]], "count": 7, "on": True}
    whole = read_typed(Whole, data)
    assert whole == Whole(Part(2, 3), ("a", "b"), (Stage((1, 2), 4),), 7, True)
    assert type(whole.stages[0]) is Stage and type(whole.stages[0].window) is tuple
    assert read_typed(Whole, {"part": {"width": 2}, "count": None}) == Whole(Part(2))


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (int, True, "it is True, not of type int"),
        (int, 2.0, "it is 2.0, not of type int"),
        (int, "2", "it is '2', not of type int"),
        (int, None, "it is None, not of type int"),
        (int, -1, "it is -1, not a number from 0"),
        (int, 10**400, "it is 1000.*, not a number from 0"),
        (float, math.nan, "it is nan, not a number"),
        (float, math.inf, "it is inf, not a number"),
        (float, True, "it is True, not of type float"),
        (float, 10**400, "not of type float"),
        (bool, 1, "it is 1, not of type bool"),
        (str, 1, "it is 1, not of type str"),
        (int | None, "x", "it is 'x', not of type int"),
        (tuple[int, int], [1], "it has 1 entries, not 2"),
        (tuple[int, ...], "12", "it is '12', not a list"),
        (tuple[int, ...], [1, "2"], "it is '2', not of type int"),
        (tuple[Stage, ...], [[[1, 1]]], "it has 1 entries, not 2"),
        (Part, [], r"it is \[\], not a set of names and values"),
        (Part, {}, r"missing \['width'\]"),
        (Part, {"width": 1, "depth": 2}, r"unknown \['depth'\]"),
        (Whole, {"part": {"width": "wide"}}, "width is 'wide', not of type int"),
    ],
)
def test_what_is_of_another_type_is_named(kind, value, said):
    with pytest.raises(ValueError, match=said):
        read_typed(kind, value)


@pytest.mark.parametrize(("value", "right"), [(1, False), (2, True), (9, True), (10, False)])
def test_numbers_stay_within_the_bounds_of_their_name(value, right):
    bounds = {"width": (2, 9)}
    if right:
        assert read_typed(Part, {"width": value}, bounds) == Part(value)
    else:
        with pytest.raises(ValueError, match=f"width is {value}, not a number from 2 to 9"):
            read_typed(Part, {"width": value}, bounds)


def test_a_message_has_one_line_and_an_end():
    assert cut("one\n  two") == "one two"
    assert cut("x" * 200) == "x" * 97 + "..."
