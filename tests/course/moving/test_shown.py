import base64
import io
import sys

import numpy as np
import pytest
from PIL import Image

from minidit.course.drawing.show import WIDTH
from minidit.course.execution import WIDGET, lacks_alt, tidy
from minidit.course.moving import shown
from minidit.course.moving.moving import Control
from minidit.course.moving.panels import Bars, Clip, Curves, Map

CLIP = np.random.default_rng(0).random((4, 8, 8, 3))
ALT = "A clip, a map, bars and a curve."


def scene(t):
    return [
        Clip("a clip", CLIP * t, (2, 2), np.eye(2), lines=True, picks="t", picked=1),
        Map("a map", CLIP[0, ..., 0], diverging=True),
        Bars("bars", {"one": 1, "two": 2}, marked="two"),
        Curves("a curve", [0, 1, 2], {"a": [1, 2, 3], "b": [2, 2, 2]}, mark=1, dots=[(1, 1)], logy=True),
    ], f"t = {t}"


@pytest.fixture
def published(monkeypatch):
    outputs = []
    monkeypatch.setattr(shown, "in_notebook", lambda: True)
    monkeypatch.setattr(shown, "publish", lambda bundle, metadata: outputs.append((bundle, metadata)))
    return outputs


def show():
    return shown.moving([Control("t", (0.0, 0.5, 1.0), 1)], scene, ALT)


def test_a_script_shows_nothing(capsys):
    assert show().alt == ALT
    assert capsys.readouterr().out == ""


def test_a_notebook_gets_the_widget_and_a_picture_with_alt_text(published, capsys):
    show()
    ((bundle, metadata),) = published
    assert set(bundle) == {WIDGET, "text/html", "image/png", "text/plain"}
    assert (bundle["text/plain"], metadata["image/png"]["alt"]) == (ALT, ALT)
    assert f'alt="{ALT}"' in bundle["text/html"]
    assert Image.open(io.BytesIO(bundle["image/png"])).width <= 1.5 * (WIDTH + 20)
    assert capsys.readouterr().out == ""


def test_the_widget_answers_a_move_with_one_message_of_bytes(monkeypatch):
    from minidit.course.moving.widget import Widget

    widget = Widget(show())
    before, sent = widget.scene, []
    monkeypatch.setattr(widget, "send_state", lambda key=None: sent.append(key))
    widget.indices = {"t": 2}
    assert widget.scene != before and b"t = 1.0" in widget.scene and isinstance(widget.scene, bytes)
    assert sent.count("scene") == 1
    widget.close()


def test_without_anywidget_there_is_the_picture_and_a_sentence(published, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "minidit.course.moving.widget", None)
    show()
    ((bundle, _),) = published
    assert set(bundle) == {"text/html", "image/png", "text/plain"}
    assert capsys.readouterr().out == f"{shown.INSTALL}\n"


def test_a_built_notebook_keeps_the_picture_and_no_trace_of_the_widget(published):
    import nbformat

    show(), show()
    outputs = []
    for bundle, metadata in published:
        data = bundle | {"image/png": base64.b64encode(bundle["image/png"]).decode()}
        outputs.append(nbformat.v4.new_output("display_data", data, metadata=metadata))
    first, second = tidy(outputs)
    assert first == second and set(first.data) == {"text/html", "image/png", "text/plain"}
    assert not lacks_alt(first)
