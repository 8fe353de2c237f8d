"""What a scene can show: clips, maps, curves and bars; and a scene as the bytes that `scene.js` reads."""

import json
from dataclasses import dataclass, field

import numpy as np

from minidit.files.clips import to_pixels

# F, H, W = frames, rows, columns in pixels; r, c = rows and columns of cells


@dataclass
class Panel:
    """What all panels have.

    Attributes:
        title: above it.
        wide: whether it is as wide as two clips.
    """

    title: str
    wide: bool = field(default=False, kw_only=True)


@dataclass
class Cells(Panel):
    """A panel of cells that may be clicked.

    Attributes:
        picks: name of the control that a click on a cell sets; empty for none.
        picked: the cell that is outlined, counted row by row; or None.
    """

    picks: str = field(default="", kw_only=True)
    picked: int | None = field(default=None, kw_only=True)


@dataclass
class Clip(Cells):
    """A clip that plays.

    Attributes:
        clip: (F, H, W, 3) in [0, 1].
        grid: (rows, columns) of its cells, or None.
        weights: (r, c) at least 0; the clip is bright where they are large. None leaves it as it is.
        lines: whether lines stand between cells.
    """

    clip: np.ndarray
    grid: tuple[int, int] | None = None
    weights: np.ndarray | None = None
    lines: bool = False


@dataclass
class Map(Cells):
    """Numbers as colours.

    Attributes:
        values: (r, c).
        diverging: whether zero is the middle of the colours.
        limits: the ends of the scale; by default those of the values.
        note: below it; by default what the ends of the scale are.
    """

    values: np.ndarray
    diverging: bool = False
    limits: tuple[float, float] | None = None
    note: str = ""

    def __post_init__(self):
        self.values = np.asarray(self.values, np.float32)
        if self.limits is None:
            low, high = float(self.values.min()), float(self.values.max())
            most = max(-low, high)
            self.limits = (-most, most) if self.diverging else (low, high)


@dataclass
class Curves(Panel):
    """Lines over one axis.

    Attributes:
        x: N numbers.
        lines: {name: N numbers}.
        xlabel, ylabel: what they are.
        mark: where on the axis the student is, or None.
        dots: (M, 2) points, x and y, drawn on top.
        limits, xlimits: ends of the axes; by default those of the lines.
        logy: whether the upward axis is logarithmic.
    """

    x: np.ndarray
    lines: dict[str, np.ndarray]
    xlabel: str = ""
    ylabel: str = ""
    mark: float | None = None
    dots: np.ndarray = ()
    limits: tuple[float, float] | None = None
    xlimits: tuple[float, float] | None = None
    logy: bool = False


@dataclass
class Bars(Panel):
    """Numbers by name.

    Attributes:
        bars: {name: number}.
        most: length of the axis; by default the largest number.
        marked: name of the one in another colour, or empty.
    """

    bars: dict[str, float]
    most: float | None = None
    marked: str = ""


def packed(panels, said=""):
    """A scene as bytes: the length of a JSON text, that text, then pixels and numbers of clips and maps.

    Args:
        panels: list of Panel.
        said: a sentence below them.
    """
    written, parts, at = [], [], 0

    def stored(array):
        nonlocal at
        data = array.tobytes()
        parts.append(data + bytes(-len(data) % 4))
        begin, at = at, at + len(parts[-1])
        return begin

    for panel in panels:
        entry = {key: plain(value) for key, value in vars(panel).items() if not isinstance(value, np.ndarray)}
        entry["kind"] = type(panel).__name__.lower()
        if isinstance(panel, Clip):
            entry |= {"at": stored(to_pixels(panel.clip)), "shape": panel.clip.shape[:3]}
            if panel.weights is not None:
                entry["weights"] = stored(np.asarray(panel.weights, np.float32))
        elif isinstance(panel, Map):
            entry |= {"at": stored(panel.values), "shape": panel.values.shape}
        elif isinstance(panel, Curves):
            entry |= {"x": plain(panel.x), "dots": plain(panel.dots)}
        written.append(entry)
    head = json.dumps({"panels": written, "said": said}, allow_nan=False).encode()
    head += b" " * (-len(head) % 4)
    return len(head).to_bytes(4, "little") + head + b"".join(parts)


def plain(value):
    """Arrays and NumPy's numbers as JSON has them: five digits, None for what isn't finite."""
    if isinstance(value, dict):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, np.ndarray | list | tuple | range):
        return [plain(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.5g}") if np.isfinite(value) else None
    return value
