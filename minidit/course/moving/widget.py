"""A moving thing in a notebook, by anywidget.

ipywidgets alone would do for sliders, but none of its pictures can be clicked, and what it draws could not be shared
with the page of `minidit explore`. anywidget needs no extension and no build step: one file of plain JavaScript, the
same in JupyterLab and in Notebook 7.
"""

from pathlib import Path

import anywidget
import traitlets

HERE = Path(__file__).parent


def script(*names):
    """Files of this folder, one after the other."""
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)


class Widget(anywidget.AnyWidget):
    """A Moving that a browser shows. Every move costs one message there and one back, with the scene as bytes."""

    _esm = script("scene.js", "widget.js")
    _css = script("scene.css")
    alt = traitlets.Unicode().tag(sync=True)
    controls = traitlets.List().tag(sync=True)
    indices = traitlets.Dict().tag(sync=True)
    scene = traitlets.Bytes().tag(sync=True)

    def __init__(self, moving):
        controls = [
            {"name": c.name, "label": c.label, "labels": list(c.labels), "kind": c.kind} for c in moving.controls
        ]
        super().__init__(alt=moving.alt, controls=controls, indices=moving.start, scene=moving.packed(moving.start))
        self.moving = moving

    @traitlets.observe("indices")
    def move(self, change):
        """Draws the scene that the browser asks for."""
        if hasattr(self, "moving"):
            self.scene = self.moving.packed(change["new"])
