"""Numbers as lines and as bars."""

import numpy as np

from minidit.course.drawing.matrices import number
from minidit.course.drawing.show import COLORS, LINES, as_numbers, drawing, lesson_style, show
from minidit.figures.style import BLUE, INK

SIZE = (640, 330)  # of a browser's pixels
MARKERS = "os^Dv*"
LETTERS = 62  # of all labels together, below upright bars
BAR = 30  # height of a lying one


@lesson_style()
def curves(x, lines, *, alt, xlabel, ylabel, logy=False, points=False):
    """Draws curves, each with a colour and a dash of its own.

    Args:
        x: numbers along the horizontal axis.
        lines: {label: numbers, as many as x}.
        alt: the alt text.
        xlabel, ylabel: labels of the axes, with units.
        logy: whether the vertical axis is logarithmic.
        points: whether to mark each number.
    Returns:
        the figure.
    """
    figure = drawing(*SIZE, alt)
    figure.set_layout_engine("constrained")
    ax = figure.subplots()
    for i, (label, y) in enumerate(lines.items()):
        look = {"color": COLORS[i % len(COLORS)], "linestyle": LINES[i % len(LINES)]}
        marker = MARKERS[i % len(MARKERS)] if points else None
        ax.plot(as_numbers(x), as_numbers(y), label=label, marker=marker, markersize=6, **look)
    ax.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if logy else "linear")
    if len(lines) > 1:
        legend(figure, lines)
    return show(figure)


def legend(figure, labels):
    """Puts the labels above the chart, where they hide nothing."""
    longest = max(len(str(label)) for label in labels)
    columns = max(1, min(len(labels), 70 // (longest + 6)))
    figure.legend(loc="outside upper left", ncols=columns, handlelength=2.6, borderaxespad=0.3)


@lesson_style()
def bars(values, *, alt, ylabel):
    """Draws a bar for each value, with its number. If the labels are long, the bars are horizontal.

    Args:
        values: {label: number}.
        alt: the alt text.
        ylabel: what the length of a bar means.
    Returns:
        the figure.
    """
    labels, lengths = [str(label) for label in values], np.array([float(value) for value in values.values()])
    lying = len(labels) * max(map(len, labels)) > LETTERS
    figure = drawing(SIZE[0], BAR * len(labels) + 90 if lying else SIZE[1], alt)
    figure.set_layout_engine("constrained")
    ax = figure.subplots()
    places = range(len(labels))
    if lying:
        drawn = ax.barh(places, lengths, height=0.7, color=BLUE)
        ax.axvline(0, color=INK, linewidth=0.8)
        ax.set_yticks(places, labels)
        ax.invert_yaxis()
        ax.set_xlabel(ylabel)
    else:
        drawn = ax.bar(places, lengths, width=0.7, color=BLUE)
        ax.axhline(0, color=INK, linewidth=0.8)
        ax.set_xticks(places, labels)
        ax.set_ylabel(ylabel)
    ax.bar_label(drawn, [number(float(f"{length:.3g}")) for length in lengths], padding=4)
    ax.margins(**{"x" if lying else "y": 0.14})
    ax.grid(False, axis="y" if lying else "x")
    return show(figure)
