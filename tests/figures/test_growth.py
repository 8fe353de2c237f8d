import copy
import io
import json

import numpy as np
import pytest
from PIL import Image

from minidit.benchmark.growth import AXES, COLUMNS, curves
from minidit.figures import growth
from minidit.figures.growth import in_unit, slope


def test_the_data_are_those_of_the_benchmark():
    """If this fails, measure anew: minidit bench --growth --json minidit/figures/growth.json --force"""
    measured = {(curve["axis"], curve["variant"]): curve["values"] for curve in growth.DATA["curves"]}
    assert measured == {(axis, variant): list(workloads) for axis, variant, workloads in curves()}
    assert growth.AXES == AXES
    for curve in growth.DATA["curves"]:
        assert all(len(curve[key]) == len(curve["values"]) for key in COLUMNS)


def test_the_memory_that_was_measured_is_within_15_percent_of_the_formula():
    for curve in growth.DATA["curves"]:
        assert curve["bytes"] == pytest.approx(curve["predicted_bytes"], rel=0.15)


def test_the_texts_name_the_machine():
    processor = growth.DATA["machine"]["processor"]
    assert processor in growth.ALT
    assert processor in growth.NOTE


def test_there_are_eight_charts_with_the_dots_where_they_were_measured(monkeypatch):
    drawn = []
    monkeypatch.setattr(growth, "png_bytes", lambda figure: drawn.append(figure) or b"")
    growth.draw(None, {})
    charts = drawn[0].axes
    assert len(charts) == 8
    assert {chart.get_xscale() for chart in charts} | {chart.get_yscale() for chart in charts} == {"log"}
    for chart, (measured, axis) in zip(charts, ((row[0], axis) for row in growth.ROWS for axis in AXES), strict=True):
        found = [curve for curve in growth.DATA["curves"] if curve["axis"] == axis]
        dots = [line.get_ydata().tolist() for line in chart.lines if line.get_linestyle() == "None"]
        assert dots == [curve[measured] for curve in found]
        formulas = [line.get_ydata() for line in chart.lines if line.get_linestyle() != "None"]
        for line, curve in zip(formulas, found, strict=True):
            formula = curve["products" if measured == "seconds" else "predicted_bytes"]
            assert line / line[-1] == pytest.approx(np.array(formula) / formula[-1])


def test_the_picture_follows_the_data(monkeypatch):
    before = growth.draw(None, {})
    assert Image.open(io.BytesIO(before)).size == (2100, 1050)
    assert growth.draw(None, {}) == before
    other = copy.deepcopy(growth.DATA)
    other["curves"][0]["seconds"][3] *= 2
    monkeypatch.setattr(growth, "DATA", json.loads(json.dumps(other)))
    assert growth.draw(None, {}) != before


def test_the_slope_is_the_exponent_between_the_last_two():
    assert slope({"values": [1, 2, 4], "seconds": [1, 3, 24]}, "seconds") == pytest.approx(3)


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [(1.0, "seconds", "1 s"), (0.01, "seconds", "10 ms"), (1e6, "bytes", "1 MB"), (100, "bytes", "0.1 kB")],
)
def test_numbers_on_the_axes(value, unit, words):
    assert in_unit(value, growth.UNITS[unit]) == words
