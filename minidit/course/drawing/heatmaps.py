"""Arrays as colours: heat maps side by side, and an answer beside the expected one."""

import numpy as np

from minidit.course.drawing.matrices import in_rows, number
from minidit.course.drawing.show import WIDTH, as_numbers, drawing, lesson_style, show
from minidit.figures.style import INK

ONE_WAY, TWO_WAYS = "cividis", "RdBu_r"  # people with any kind of colour vision can read both
WRITTEN = 8  # largest numbers of rows and columns for which numbers are written into the cells
SIZES = (11, 9)  # of these numbers, in points
STEPS = (1, 2, 4, 8, 16, 32, 64, 128)  # between the numbers on an axis
CELL, TALLEST, LEAST = 46, 230, 90  # most of a cell; most of a panel's height and least of its width
BAR = 70  # room for a scale of colours
LETTER = 7.6  # of a title; all in a browser's pixels


@lesson_style()
def heatmaps(arrays, *, columns=4, shared=True, xlabel="", ylabel="", diverging=None, alt=""):
    """Draws arrays as heat maps.

    Args:
        arrays: {title: array (rows, columns)}.
        columns: how many stand side by side.
        shared: whether all share one colour scale.
        xlabel, ylabel: what the columns and the rows are.
        diverging: whether zero is the middle of the colours; by default, if a number is negative.
        alt: words for the alt text, in front of the numbers.
    Returns:
        the figure.
    """
    panels = {title: as_matrix(array) for title, array in arrays.items()}
    empty = [title for title, array in panels.items() if not array.size]
    if empty or not panels:
        raise ValueError(f"there is nothing to draw: {', '.join(map(str, empty)) or 'no array'} is empty")
    return show(draw_panels(panels, alt, columns, shared, xlabel, ylabel, diverging))


@lesson_style()
def compare(got, expected, *, alt=""):
    """Draws an answer, the expected one and their difference. Axes beyond two are laid out as rows.

    Args:
        got, expected: arrays; if their shapes differ, no difference is drawn.
        alt: words for the alt text, in front of the numbers.
    Returns:
        the figure, or None if an array is empty.
    """
    got, expected = as_matrix(got), as_matrix(expected)
    if not got.size or not expected.size:
        return None
    panels = {"yours": got, "expected": expected}
    if got.shape != expected.shape:
        return show(draw_panels(panels, alt, columns=3))
    difference = got - expected
    largest = np.abs(difference).max(initial=0)
    equal = largest <= 1e-9 * np.abs(expected).max(initial=0)
    title = "difference: none" if equal else f"difference, at most {number(float(largest))}"
    panels[title] = np.zeros_like(got) if equal else difference
    return show(draw_panels(panels, alt, columns=3, separate=(title,)))


def as_matrix(array):
    """An array of any number of axes with two: the last one as columns."""
    array = as_numbers(array).astype(float)
    columns = array.shape[-1] if array.ndim > 1 else array.size
    return array.reshape(array.size // max(1, columns), columns)


def draw_panels(panels, alt, columns=4, shared=True, xlabel="", ylabel="", diverging=None, separate=()):
    """The figure of `heatmaps`. Panels whose titles are in `separate` have a scale of their own."""
    columns = max(1, min(columns, len(panels)))
    rows = -(-len(panels) // columns)
    wide, tall = panel_size(panels, columns)
    room = max(wide, LETTER * max(len(str(title)) for title in panels)) + 40
    bars = BAR if shared and not separate else BAR * (columns if not shared else 2)
    size = size_of_numbers(panels, wide)
    words = [in_words(title, array, largest_of(panels) if size else None) for title, array in panels.items()]
    figure = drawing(min(WIDTH, columns * room + bars + 50), rows * (tall + 66) + (40 if xlabel else 16), alt, *words)
    figure.set_layout_engine("constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    together = [title for title in panels if shared and title not in separate]
    for ax, (title, array) in zip(grid.flat, panels.items(), strict=False):
        group = [panels[other] for other in together] if title in together else [array]
        colors = color_scale(group, True if title in separate else diverging)
        aspect = tall / wide * array.shape[1] / array.shape[0]
        image = ax.imshow(array, interpolation="nearest", aspect=aspect, **colors)
        ax.set_title(str(title))
        ax.grid(False)
        ax.spines[:].set_visible(False)
        few_ticks(ax.yaxis, array.shape[0], tall / 20)
        few_ticks(ax.xaxis, array.shape[1], wide / 24)
        if size:
            write_numbers(ax, image, array, largest_of(panels), size)
        if title not in together and array.any():
            figure.colorbar(image, ax=ax).outline.set_visible(False)
        elif title in together[-1:]:
            beside = [other for other, name in zip(grid.flat, panels, strict=False) if name in together]
            figure.colorbar(image, ax=beside).outline.set_visible(False)
    for place, ax in enumerate(grid.flat):
        lowest = place + columns >= len(panels)
        ax.set(xlabel=xlabel if lowest else "", ylabel=ylabel if place % columns == 0 else "")
        ax.axison = place < len(panels)
    return figure


def in_words(title, array, largest=None):
    """A panel in words: its numbers if they are written into the cells (to two digits of the largest), or its range."""
    size = f"{title} ({array.shape[0]} × {array.shape[1]})"
    if largest is not None:
        return f"{size}: {in_rows(texts_of(array, largest))}."
    finite = array[np.isfinite(array)]
    if not finite.size:
        return f"{size}: no number."
    low, high = (number(float(f"{end:.2g}")) for end in (finite.min(), finite.max()))
    return f"{size}: {low} to {high}."


def panel_size(panels, columns):
    """Width and height of a panel, in a browser's pixels: with square cells if that looks reasonable."""
    height, width = np.max([array.shape for array in panels.values()], axis=0)
    most = (WIDTH - BAR - 50) / columns - 40
    cell = min(CELL, most / width, TALLEST / height)
    return max(width * cell, min(most, LEAST)), max(height * cell, LEAST / 2)


def color_scale(arrays, diverging):
    """The colours for these arrays: the map and its ends."""
    values = np.concatenate([array[np.isfinite(array)] for array in arrays])
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    if diverging or (diverging is None and low < 0):
        end = max(abs(low), abs(high)) or 1.0
        return {"cmap": TWO_WAYS, "vmin": -end, "vmax": end}
    if low == high:
        low, high = min(low, 0.0), high or 1.0
    return {"cmap": ONE_WAY, "vmin": low, "vmax": high}


def few_ticks(axis, count, most):
    """Whole numbers along an axis, including zero, and not many more than `most`."""
    axis.set_ticks(range(0, count, next(step for step in (*STEPS, count) if count <= most * step)))
    axis.set_tick_params(length=0)


def texts_of(array, largest):
    """The numbers of an array as text, to two digits of the largest one."""
    if (array == np.rint(array)).all():
        return [[number(int(value)) for value in row] for row in array.tolist()]
    decimals = max(0, 1 - int(np.floor(np.log10(largest))))
    return [[number(round(value, decimals)) for value in row] for row in array.tolist()]


def size_of_numbers(panels, wide):
    """The font size in points at which the numbers fit into all cells; None if they don't."""
    if max(max(array.shape) for array in panels.values()) > WRITTEN or not all(map(all_finite, panels.values())):
        return None
    largest = largest_of(panels)
    columns = max(array.shape[1] for array in panels.values())
    longest = max(len(text) for array in panels.values() for row in texts_of(array, largest) for text in row)
    return next((size for size in SIZES if (longest * 0.86 + 0.6) * columns * size <= wide), None)


def write_numbers(ax, image, array, largest, size):
    """Writes the numbers into the cells, dark on light and light on dark."""
    for i, row in enumerate(texts_of(array, largest)):
        for j, text in enumerate(row):
            red, green, blue, _ = image.cmap(image.norm(array[i, j]))
            light = 0.299 * red + 0.587 * green + 0.114 * blue > 0.5
            ax.text(j, i, text, ha="center", va="center", size=size, color=INK if light else "white")


def all_finite(array):
    """Whether an array has neither NaN nor infinity."""
    return bool(np.isfinite(array).all())


def largest_of(panels):
    """The largest absolute value in the panels."""
    return max(float(np.abs(array).max(initial=0)) for array in panels.values())
