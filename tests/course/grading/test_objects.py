"""Functions and objects get to the student's process."""

import dataclasses
import json
import sys
from typing import NamedTuple

import numpy as np
import pytest

from minidit.course.grading.objects import describing, making
from minidit.course.grading.wire import decode, encode


@dataclasses.dataclass(frozen=True)
class Settings:
    """Of a made-up exercise."""

    rate: float
    table: dict


class Pair(NamedTuple):
    """Of a made-up exercise."""

    left: np.ndarray
    right: tuple


class Slotted:
    """An object without a dict."""

    __slots__ = ("x",)


@pytest.mark.parametrize("value", [Settings(0.5, {"a": np.arange(2.0)}), Pair(np.eye(2), (1, None)), Settings])
def test_objects_get_to_the_students_process(value, monkeypatch):
    monkeypatch.setitem(sys.modules, Settings.__module__, sys.modules[__name__])
    blocks = []
    coded = encode(value, blocks, special=describing([]))
    back = decode(json.loads(json.dumps(coded)), blocks, special=making(None))
    assert type(back) is type(value)
    assert repr(back) == repr(value)


def test_an_object_of_slots_gets_there_too():
    value, blocks = Slotted(), []
    value.x = np.arange(3)
    back = decode(encode(value, blocks, special=describing([])), blocks, special=making(None))
    assert back.x.tolist() == [0, 1, 2]
