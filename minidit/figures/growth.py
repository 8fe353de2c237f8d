"""How time and memory of a training step grow, from numbers that were measured beforehand.

`minidit bench --growth --json minidit/figures/growth.json --force` measures them again, on the machine it runs on.
"""

import json
from pathlib import Path

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from minidit.figures.style import BLUE, INK, VERMILLION, charts, png_bytes, style
from minidit.layers.multihead_attention import MANY_SCORES

DATA = json.loads(Path(__file__).with_name("growth.json").read_text(encoding="utf-8"))
MACHINE = f"one thread of {DATA['machine']['processor']}"

FILE = "growth.png"
TITLE = "How time and memory of a training step grow"
ALT = (
    "Eight charts on logarithmic axes: time and memory of a training step against tokens, width, depth and batch, "
    f"with lines from formulas. Measured on {MACHINE}."
)
NOTE = (
    "Dots were measured, lines follow from formulas: multiply-accumulates, scaled to the last dot, and the bytes that "
    "`minidit plan` predicts, as they are. *Slope* is the exponent between the last two dots, with the formula's in "
    "brackets: 2 where twice the size takes four times as much. Small networks grow more slowly, as part of a step is "
    "the same for all of them. First column: attention computes all scores at once, or block by block, which saves "
    f"memory; by default it uses blocks for more than {MANY_SCORES / 1e6:.1f} million scores. Third column: the "
    "intermediate results of a network's block are kept for the backward pass, or computed a second time "
    "(`--recompute`). Measured by "
    f"`minidit bench --growth` on {MACHINE}, NumPy {DATA['machine']['numpy']}."
)

AXES = ("tokens", "width", "depth", "batch")
ROWS = (("seconds", "products", "time of a step"), ("bytes", "predicted_bytes", "memory of a step"))
LOOKS = ((BLUE, "o"), (VERMILLION, "s"))  # of the first variant on an axis, and of the second
UNITS = {"seconds": ((1, "s"), (1e-3, "ms")), "bytes": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))}


@style()
def draw(model, record):
    """The bytes of the PNG. It needs neither the model nor its record."""
    figure, grid = charts(2100, 1050, len(ROWS), len(AXES), sharey="row")
    figure.suptitle(f"Measured on {MACHINE}; lines from formulas", fontsize=9, x=0.01, ha="left")
    for row, (measured, formula, name) in zip(grid, ROWS, strict=True):
        row[0].set_ylabel(name)
        for axes, axis in zip(row, AXES, strict=True):
            found = [curve for curve in DATA["curves"] if curve["axis"] == axis]
            for curve, (color, marker) in zip(found, LOOKS, strict=False):
                expected = np.array(curve[formula], float)  # points
                if formula == "products":
                    expected *= curve[measured][-1] / expected[-1]
                label = f"{curve['variant']}: " if len(found) > 1 else ""
                label += f"slope {slope(curve, measured):.1f} ({slope(curve, formula):.1f})"
                axes.plot(curve["values"], expected, color=color, linewidth=1)
                axes.plot(curve["values"], curve[measured], color=color, marker=marker, linestyle="none", label=label)
            dress(axes, axis, found[0]["values"], UNITS[measured])
    return png_bytes(figure)


def slope(curve, key):
    """The exponent between the last two points."""
    (x, last_x), (y, last_y) = curve["values"][-2:], curve[key][-2:]
    return np.log(last_y / y) / np.log(last_x / x)


def dress(axes, axis, values, units):
    """Logarithmic scales with few, plain numbers."""
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel(axis)
    axes.xaxis.set_major_locator(FixedLocator(values[:: 2 if len(values) > 5 else 1]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_major_locator(LogLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: in_unit(value, units)))
    axes.legend(loc="upper left", fontsize=8, handletextpad=0.2, borderaxespad=0.2, labelcolor=INK)


def in_unit(value, units):
    """A number with the largest unit that it is at least one of, or else the smallest."""
    for size, name in units:
        if value >= 0.999 * size or (size, name) == units[-1]:
            return f"{value / size:g} {name}"
