import json

import numpy as np
import pytest

from minidit.course.moving.panels import Bars, Clip, Curves, Map, packed, plain


def unpacked(data):
    """As scene.js reads it."""
    length = int.from_bytes(data[:4], "little")
    return json.loads(data[4 : 4 + length]), data[4 + length :]


def test_pixels_and_numbers_come_back_from_where_the_text_says():
    rng = np.random.default_rng(0)
    clip, weights, values = rng.random((2, 3, 5, 3)), rng.random((3, 5)), rng.normal(size=(4, 3))
    panels = [Clip("a", clip, (3, 5), weights, picks="token", picked=2), Map("b", values), Clip("c", 1 - clip)]
    scene, data = unpacked(packed(panels, "said"))
    first, second, third = scene["panels"]
    assert (scene["said"], [panel["kind"] for panel in scene["panels"]]) == ("said", ["clip", "map", "clip"])
    for panel, expected in ((first, clip), (third, 1 - clip)):
        got = np.frombuffer(data, np.uint8, 90, panel["at"]).reshape(*panel["shape"], 3)
        assert np.array_equal(got, np.rint(255 * expected))
    assert (first["grid"], first["picks"], first["picked"], third["weights"]) == ([3, 5], "token", 2, None)
    assert np.allclose(np.frombuffer(data, np.float32, 15, first["weights"]), weights.ravel())
    assert np.allclose(np.frombuffer(data, np.float32, 12, second["at"]), values.ravel())
    assert second["limits"] == pytest.approx([values.min(), values.max()], rel=1e-4)


def test_numbers_are_aligned_as_a_browser_needs_them():
    data = packed([Clip("é", np.zeros((1, 1, 1, 3))), Map("b", np.ones((1, 1)))], "…")
    scene, _ = unpacked(data)
    assert int.from_bytes(data[:4], "little") % 4 == 0 and scene["panels"][1]["at"] == 4


def test_around_zero_both_ends_are_equally_far():
    assert Map("", np.array([[-1.0, 3.0]]), diverging=True).limits == (-3, 3)


def test_curves_and_bars_are_numbers_in_the_text_and_what_is_not_finite_is_null():
    y = np.array([1.0, np.nan, np.inf], np.float32)
    panels = [Curves("", np.arange(3), {"y": y}, mark=np.float32(0.1)), Bars("", {"a": np.float64(2)})]
    curves, bars = unpacked(packed(panels))[0]["panels"]
    assert (curves["x"], curves["lines"], curves["mark"]) == ([0, 1, 2], {"y": [1, None, None]}, 0.1)
    assert bars["bars"] == {"a": 2}


def test_five_digits_are_enough():
    assert plain([np.float64(1 / 3), 7, True, "x", None]) == [0.33333, 7, True, "x", None]
