"""A page to draw matrices on, as on a board: cells in brackets, steps with numbers, arrows. In millimetres."""

import io

import numpy as np
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle

from minidit.figures.style import BLUE, DPI, INK, VERMILLION

INCH = 25.4
CELL, ROW = 7, 6.3  # a cell's width and height: enough for a number written with a pencil
ASIDE = 1.6  # how far from a matrix's middle an arrow arrives or leaves, so that the two are told apart
GREY, PALE = "#666666", "#A8A8A8"
WARM = "#FDF5F0"  # the ground of step 11
NUMBER, NAME, NOTE, HEADING = 9, 8.5, 7.5, 11.5  # points

# How a matrix looks: the colour within, of its brackets and name, and whether its cells are dashed.
LOOKS = {
    "given": ("#F2F2F2", INK, False),
    "frozen": ("#DCEBF6", BLUE, False),
    "learned": ("#FBE4D8", VERMILLION, False),
    "result": ("white", INK, False),
    "gradient": ("white", VERMILLION, False),
    "copy": ("white", GREY, True),
}
PRINTED = ("given", "frozen", "learned")  # on a sheet to be filled in, too


class Board:
    """A page. With `blank` the cells of results, gradients and copies stay empty.

    Args:
        width, height: of the page.
        blank: whether this is a sheet to be filled in.
    """

    def __init__(self, width, height, blank):
        self.figure = Figure(figsize=(width / INCH, height / INCH), dpi=DPI)
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(height, 0))
        self.axes.set_axis_off()
        self.blank = blank

    def write(self, text, x, y, **settings):
        """Writes text with its left end and its middle height there."""
        self.axes.text(x, y, text, **({"va": "center", "ha": "left", "size": NOTE, "linespacing": 1.4} | settings))

    def step(self, number, title, x, y, note=""):
        """The heading of a step: its number in a disc, its title, and beneath it what is done."""
        self.axes.add_patch(Circle((x + 3, y), 3, color=INK, linewidth=0))
        self.write(str(number), x + 3, y, ha="center", va="center", color="white", weight="bold", size=9.5)
        self.write(title, x + 8, y, weight="bold", size=HEADING)
        self.write(note, x + 8, y + 3.4, color=GREY, va="top")

    def panel(self, left, top, right, bottom, color):
        """A coloured ground."""
        corner, size = (left, top), (right - left, bottom - top)
        self.axes.add_patch(FancyBboxPatch(corner, *size, boxstyle="round,pad=0,rounding_size=3", color=color, lw=0))

    def matrix(self, name, array, x, y, look="result", note="", below="", cell=CELL, shades=None):
        """A matrix whose first cell has its top left corner there, its name above.

        Args:
            name: written above, with `note` in grey after it and `below` beneath the matrix.
            array: (rows, columns), integers or Fractions.
            look: one of LOOKS.
            cell: a cell's width.
            shades: of grey for the cells, (rows, columns) in [0, 1]; left out where the numbers are left out.
        """
        ground, color, dashed = LOOKS[look]
        rows, columns = array.shape
        width, height = columns * cell, rows * ROW
        filled = not self.blank or look in PRINTED
        self.axes.add_patch(Rectangle((x, y), width, height, facecolor=ground, linewidth=0))
        if shades is not None and filled:
            cells = [Rectangle((x + j * cell, y + i * ROW), cell, ROW) for i, j in np.ndindex(rows, columns)]
            self.axes.add_collection(PatchCollection(cells, facecolor=[str(s) for s in shades.ravel()], linewidth=0))
        lines = [((x, y + i * ROW), (x + width, y + i * ROW)) for i in range(rows + 1)]
        lines += [((x + j * cell, y), (x + j * cell, y + height)) for j in range(columns + 1)]
        self.axes.add_collection(LineCollection(lines, color=PALE, linewidth=0.5, linestyle="--" if dashed else "-"))
        self.brackets(x, y, width, height, color)
        if filled:
            for (i, j), value in np.ndenumerate(array):
                middle = (x + (j + 0.5) * cell, y + (i + 0.5) * ROW)
                ink = GREY if look == "copy" else INK
                self.axes.text(*middle, digits(value), size=NUMBER, ha="center", va="center_baseline", color=ink)
        self.write(below, x, y + height + 3.2, color=GREY)
        named = self.axes.annotate(
            name, (x, y - 3.2), size=NAME, weight="bold", color=color, va="center_baseline", annotation_clip=False
        )
        if note:
            self.axes.annotate(
                note, (1, 0), xycoords=named, xytext=(4 if name else 0, 0), textcoords="offset points",
                size=NOTE, color=GREY, va="bottom", annotation_clip=False,
            )  # fmt: skip

    def brackets(self, x, y, width, height, color):
        """Brackets around a box."""
        top, bottom = y - 0.6, y + height + 0.6
        for edge, reach in ((x - 0.6, 1.4), (x + width + 0.6, -1.4)):
            points = ((edge + reach, edge, edge, edge + reach), (top, top, bottom, bottom))
            self.axes.plot(*points, color=color, linewidth=1.3, solid_joinstyle="miter")

    def key(self, look, text, x, y):
        """A look and what it stands for."""
        ground, color, dashed = LOOKS[look]
        cell = Rectangle((x + 0.6, y - 2), 6, 4, facecolor=ground, edgecolor=PALE, lw=0.5, ls="--" if dashed else "-")
        self.axes.add_patch(cell)
        self.brackets(x + 0.6, y - 2, 6, 4, color)
        self.write(text, x + 9.5, y, size=8)

    def cut(self, x, y, height):
        """A line between two patches of a frame."""
        self.axes.plot((x, x), (y, y + height), color=INK, linewidth=1.1)

    def sign(self, text, x, y):
        """A sign of arithmetic in the middle of a point."""
        self.write(text, x, y, ha="center", va="center_baseline", size=12)

    def arrow(self, *points, color=GREY):
        """A line through points, with a head at the last one."""
        xs, ys = zip(*points, strict=True)
        self.axes.plot(xs, ys, color=color, linewidth=0.9, solid_joinstyle="round", zorder=1.5)
        look = {"arrowstyle": "-|>,head_width=0.16,head_length=0.32", "color": color, "linewidth": 0.9}
        look |= {"shrinkA": 0, "shrinkB": 0}
        self.axes.annotate("", points[-1], points[-2], arrowprops=look, annotation_clip=False)

    def rail(self, x, reach, *ys, color=GREY):
        """From the first height to each of the others, beside the matrices that have an edge at x.

        Args:
            x: of the edge.
            reach: how far away the line runs: to the left where it is negative.
            ys: heights of the middles of matrices.
        """
        edge = x + np.copysign(0.8, reach)
        start, *ends = ys
        for end in ends:
            aside = np.copysign(ASIDE, end - start)
            leaves, arrives = start + aside, end - aside
            self.arrow((edge, leaves), (x + reach, leaves), (x + reach, arrives), (edge, arrives), color=color)

    def pdf(self):
        """The page as the bytes of a PDF, the same ones every time."""
        data = io.BytesIO()
        nothing = dict.fromkeys(("Creator", "Producer", "CreationDate"))
        self.figure.savefig(data, format="pdf", metadata=nothing)
        return data.getvalue()


def digits(value):
    """A number as one writes it, with a minus sign that can be seen."""
    text = str(value) if isinstance(value, int | np.integer) else f"{float(value):.4g}"
    return text.replace("-", "−")
