import pytest

from minidit.course.moving.moving import Control, Moving
from minidit.course.moving.panels import Bars


@pytest.fixture
def calls():
    return []


@pytest.fixture
def moving(calls):
    def scene(t, slip):
        calls.append((t, slip))
        return [Bars(slip, {"t": t})], f"t is {t}"

    controls = [Control("t", (0.0, 0.25, 0.5), 1), Control("slip", ("sign", "mean"), kind="choice")]
    return Moving(controls, scene, "Bars.")


def test_a_move_computes_the_scene_of_the_values(moving, calls):
    assert b"t is 0.5" in moving.packed({"t": 2, "slip": 1})
    assert calls == [(0.5, "mean")]


def test_where_it_was_before_nothing_is_computed_again(moving, calls):
    first = moving.packed({"t": 2, "slip": 1})
    moving.packed({"t": 0, "slip": 1})
    assert moving.packed({"t": 2, "slip": 1}) is first
    assert len(calls) == 2


@pytest.mark.parametrize("given", [3, -1, 1.0, "1", None, True, [0]])
def test_what_is_no_index_becomes_the_start(moving, calls, given):
    moving.packed({"t": given, "slip": 0, "unknown": 4})
    assert calls == [(0.25, "sign")]


def test_labels_say_the_values(moving):
    assert moving.controls[0].labels == ("0", "0.25", "0.5")
    assert (moving.start, repr(moving)) == ({"t": 1, "slip": 0}, "<moving: Bars.>")
