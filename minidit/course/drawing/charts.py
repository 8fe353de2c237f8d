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
def curves(x, lines, *, xlabel, ylabel, logy=False, points=False, alt=""):
    """Draws curves, each with a colour and a dash of its own.

    Args:
        x: numbers along the horizontal axis.
        lines: {label: numbers, as many as x}.
        xlabel, ylabel: labels of the axes, with units.
        logy: whether the vertical axis is logarithmic.
        points: whether to mark each number.
        alt: words for the alt text, in front of the numbers.
    Returns:
        the figure.
    """
    ends = [ends_of(label, as_numbers(x), as_numbers(y)) for label, y in lines.items()]
    figure = drawing(*SIZE, alt, f"{ylabel} against {xlabel}.", *ends)
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


def ends_of(label, x, y):
    """Where a curve begins and ends, and its lowest and highest point if they lie between, in words."""
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    if not len(y):
        return f"{label}: no number."
    between = [
        f"{name} {rounded(y[place])} at {rounded(x[place])}"
        for name, place in (("lowest", y.argmin()), ("highest", y.argmax()))
        if y[place] not in (y[0], y[-1])
    ]
    whole = f"from {rounded(y[0])} at {rounded(x[0])} to {rounded(y[-1])} at {rounded(x[-1])}"
    return f"{label}: {', '.join([whole, *between])}."


def rounded(value):
    """A number to three digits."""
    return number(float(f"{value:.3g}"))


def legend(figure, labels):
    """Puts the labels above the chart, where they hide nothing."""
    longest = max(len(str(label)) for label in labels)
    columns = max(1, min(len(labels), 70 // (longest + 6)))
    figure.legend(loc="outside upper left", ncols=columns, handlelength=2.6, borderaxespad=0.3)


@lesson_style()
def bars(values, *, ylabel, alt=""):
    """Draws a bar for each value, with its number. If the labels are long, the bars are horizontal.

    Args:
        values: {label: number}.
        ylabel: what the length of a bar means.
        alt: words for the alt text, in front of the numbers.
    Returns:
        the figure.
    """
    labels, lengths = [str(label) for label in values], np.array([float(value) for value in values.values()])
    lying = len(labels) * max(map(len, labels)) > LETTERS
    texts = [rounded(length) for length in lengths]
    words = "; ".join(f"{label} {text}" for label, text in zip(labels, texts, strict=True))
    figure = drawing(SIZE[0], BAR * len(labels) + 90 if lying else SIZE[1], alt, f"{ylabel}: {words}.")
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
    ax.bar_label(drawn, texts, padding=4)
    ax.margins(**{"x" if lying else "y": 0.14})
    ax.grid(False, axis="y" if lying else "x")
    return show(figure)
