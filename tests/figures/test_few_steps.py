import copy
import io

import pytest
from PIL import Image

from minidit.evaluation.few_steps import STEPS
from minidit.evaluation.intervals import wilson_interval
from minidit.figures import few_steps


def test_the_data_are_those_of_the_command():
    """If this fails, measure anew, as the module's docstring says."""
    assert few_steps.DATA["steps"] == list(STEPS)
    assert len(few_steps.DATA["models"]) == len(few_steps.MODELS)
    assert [model["name"] for model in few_steps.DATA["models"]] == ["shipped", "runs/fast"]
    prompts = few_steps.DATA["prompts"]
    for model in few_steps.DATA["models"]:
        for point in (*model["seen"], *model["held_out"]):
            for name in ("right", "strict"):
                expected = wilson_interval(round(point[name] * prompts), prompts)
                assert point[f"{name}_interval"] == pytest.approx(expected)


def test_each_panel_has_the_lines_and_intervals_that_were_measured(monkeypatch):
    drawn = []
    monkeypatch.setattr(few_steps, "png_bytes", lambda figure: drawn.append(figure) or b"")
    few_steps.draw(None, {})
    panels = drawn[0].axes
    assert [axes.get_title(loc="left") for axes in panels] == ["right", "strictly right"]
    for axes, name in zip(panels, ("right", "strict"), strict=True):
        points = [model[split] for model in few_steps.DATA["models"] for split in ("seen", "held_out")]
        assert len(axes.containers) == len(points) == 4
        for container, expected in zip(axes.containers, points, strict=True):
            line, _, (bars,) = container
            assert line.get_ydata() == pytest.approx([100 * point[name] for point in expected])
            assert line.get_xdata() == pytest.approx(few_steps.DATA["steps"], rel=0.06)
            ends = [segment[:, 1] for segment in bars.get_segments()]
            for (low, high), point in zip(ends, expected, strict=True):
                assert (low, high) == pytest.approx([100 * end for end in point[f"{name}_interval"]])
    assert panels[1].get_legend_handles_labels()[1] == [
        "before, seen", "before, held-out", "after, seen", "after, held-out"
    ]  # fmt: skip


def test_the_picture_follows_the_data(monkeypatch):
    before = few_steps.draw(None, {})
    assert Image.open(io.BytesIO(before)).size == (1350, 600)
    assert few_steps.draw(None, {}) == before
    other = copy.deepcopy(few_steps.DATA)
    other["models"][1]["seen"][0]["strict"] /= 2
    monkeypatch.setattr(few_steps, "DATA", other)
    assert few_steps.draw(None, {}) != before
