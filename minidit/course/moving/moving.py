"""Something that a student moves: controls, and a function from their values to panels."""

from dataclasses import dataclass
from functools import lru_cache

from minidit.course.moving.panels import packed

REMEMBERED = 256  # scenes, so that dragging back and forth computes nothing


@dataclass
class Control:
    """One thing to move.

    Attributes:
        name: of the argument that it sets.
        values: what it can be.
        start: index of the value to begin with.
        label: beside it; by default the name.
        labels: how the values are written.
        kind: "slider", "choice" for a list, "pick" for what is chosen by a click on a panel.
    """

    name: str
    values: tuple
    start: int = 0
    label: str = ""
    labels: tuple[str, ...] = ()
    kind: str = "slider"

    def __post_init__(self):
        self.values = tuple(self.values)
        self.label = self.label or self.name
        self.labels = tuple(self.labels) or tuple(
            f"{value:.4g}" if isinstance(value, float) else str(value) for value in self.values
        )


class Moving:
    """Controls and what they show.

    Args:
        controls: list of Control.
        scene: function of their values, by name, that returns a list of panels, and a sentence to stand below them.
        alt: what it shows at the start, in a sentence or two.
    """

    def __init__(self, controls, scene, alt):
        self.controls, self.scene, self.alt = controls, scene, alt
        self.start = {control.name: control.start for control in controls}
        self._packed = lru_cache(REMEMBERED)(lambda *indices: packed(*self.at(indices)))

    def at(self, indices):
        """Panels and sentence for one index a control, in their order."""
        chosen = zip(self.controls, indices, strict=True)
        return self.scene(**{control.name: control.values[index] for control, index in chosen})

    def packed(self, indices):
        """The scene for {name: index} as bytes; what isn't an index of a value becomes the start's."""
        return self._packed(*(self.index(control, indices.get(control.name)) for control in self.controls))

    @staticmethod
    def index(control, given):
        """An index that exists: a browser may send anything."""
        return given if type(given) is int and 0 <= given < len(control.values) else control.start

    def __repr__(self):
        return f"<moving: {self.alt}>"

    def _ipython_display_(self):
        """Empty, because it was shown when it was made."""
