"""Matrices as you write them on a board: brackets, a name above, the shape below, and signs between them."""

from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from minidit.course.drawing.show import WIDTH, as_numbers, drawing, lesson_style, show
from minidit.figures.style import FAINT, INK, VERMILLION

CELL, LEAST = 30, 27  # height of a cell, and its least width; all in a browser's pixels
LETTER = 11  # width of a digit
BRACKET = 6  # how far a bracket reaches
NAME, SHAPE = 26, 24  # heights of the lines above and beneath
SIGN = 30  # width of a sign
GAP = 12  # at the edges
BESIDE = 5  # left and right of a matrix
MOST = 12  # rows that are written out; there are as many columns as fit
GREY = "#666666"


@lesson_style()
def matrices(*parts, alt=""):
    """Draws an equation of matrices; one that is too wide continues on a second line.

    Args:
        parts: pairs of a name and an array of at most 3 axes (one with 3 is drawn as matrices side by side), and signs
            such as "@", "+", "=", "·".
        alt: words for the alt text, in front of the numbers.
    Returns:
        the figure.
    """
    blocks = [block for part in parts for block in blocks_of(part)]
    lines = wrapped(blocks)
    width = max(sum(block.width for block in line) for line in lines) + 2 * GAP
    heights = [max(block.height for block in line) for line in lines]
    figure = drawing(width, sum(heights) + GAP * (len(lines) + 1), alt, *(block.words for block in blocks))
    board = figure.add_axes((0, 0, 1, 1))
    board.set(xlim=(0, width), ylim=(sum(heights) + GAP * (len(lines) + 1), 0))
    board.set_axis_off()
    top = GAP
    for line, height in zip(lines, heights, strict=True):
        left = GAP
        for block in line:
            block.draw(board, left, top + height / 2)
            left += block.width
        top += height + GAP
    return show(figure)


def wrapped(blocks):
    """The blocks in lines that are not too wide; a line after the first begins with a sign where there is one."""
    lines, line = [], []
    for block in blocks:
        if line and sum(b.width for b in line) + block.width > WIDTH - 2 * GAP:
            carried = [line.pop()] if isinstance(line[-1], Sign) and len(line) > 1 else []
            lines.append(line)
            line = carried
        line.append(block)
    return [*lines, line]


def blocks_of(part):
    """The blocks that make up a part of an equation."""
    if isinstance(part, str):
        return [Sign(part)]
    name, array = part
    array = as_numbers(array)
    if array.ndim == 3:
        shape = " × ".join(map(str, array.shape))
        return [Matrix(f"{name}[{i}]", matrix, shape if i == 0 else "") for i, matrix in enumerate(array)]
    if array.ndim > 3:
        raise ValueError(f"{name} has {array.ndim} axes; a matrix on a board has at most 3. Try draw.clips.")
    return [Matrix(name, array)]


class Sign:
    """The sign between two matrices."""

    def __init__(self, text):
        self.text = self.words = {"*": "·", "->": "→", "-": "−"}.get(text, text)
        self.width, self.height = max(SIGN, LETTER * len(self.text) + GAP), CELL

    def draw(self, board, left, middle):
        board.text(left + self.width / 2, middle, self.text, ha="center", va="center", size=14)


class Matrix:
    """A matrix with its name and shape. If it is large, some rows and columns stand for all."""

    def __init__(self, name, array, shape=None):
        rows = array.reshape(1, -1) if array.ndim < 2 else array
        self.name, self.single = name, array.ndim == 0
        texts = [[number(value) for value in row] for row in rows.tolist()]
        self.cell = max(LEAST, LETTER * max((len(text) for row in texts for text in row), default=0) + 8)
        room = int(WIDTH - 2 * (GAP + BRACKET + BESIDE) - SIGN) // self.cell
        self.cells = elided([elided(row, "…", min(MOST, room)) for row in texts], "⋮", MOST)
        self.shape = " × ".join(map(str, array.shape)) if shape is None else shape
        if array.ndim == 1:
            self.shape = f"({len(array)},)"
        self.inner = self.cell * len(self.cells[0])
        self.width = max(self.inner + 2 * BRACKET, 8.4 * max(len(self.name), len(self.shape))) + 2 * BESIDE
        self.height = NAME + CELL * len(self.cells) + SHAPE
        size = "" if self.single or not self.shape else f" {self.shape}" if array.ndim == 1 else f" ({self.shape})"
        self.words = f"{self.name}{size}: {in_rows(self.cells)}."

    def draw(self, board, left, middle):
        """Centres the rows, so that matrices of all heights line up."""
        center, top = left + self.width / 2, middle - CELL * len(self.cells) / 2
        left = center - self.inner / 2
        bottom = top + CELL * len(self.cells)
        board.text(center, top - 7, self.name, ha="center", va="bottom", weight="bold")
        board.text(center, bottom + 6, self.shape, ha="center", va="top", color=GREY, size=9.5)
        for i, row in enumerate(self.cells):
            for j, text in enumerate(row):
                corner = (left + j * self.cell, top + i * CELL)
                board.add_patch(Rectangle(corner, self.cell, CELL, facecolor="none", edgecolor=FAINT, linewidth=0.6))
                color = VERMILLION if text.startswith("−") else INK
                x, y = corner[0] + self.cell / 2, corner[1] + CELL / 2
                board.text(x, y, text, ha="center", va="center_baseline", color=color, size=13)
        if not self.single:
            for x, reach in ((left - 2, BRACKET), (left + self.inner + 2, -BRACKET)):
                points = ((x + reach, x, x, x + reach), (top - 2, top - 2, bottom + 2, bottom + 2))
                board.add_line(Line2D(*points, color=INK, linewidth=1.6, solid_joinstyle="miter"))


def elided(items, stands_for, most):
    """The items, or the first and the last with a sign between them for the others."""
    if len(items) <= most:
        return items
    between = stands_for if isinstance(items[0], str) else [stands_for] * len(items[0])
    return [*items[: most - 2], between, items[-1]]


def in_rows(cells):
    """Rows of numbers, each a text, in a line: 1 0; 0 1."""
    return "; ".join(map(" ".join, cells))


def number(value):
    """A number in few characters, with a visible minus sign."""
    text = f"{value + 0.0:.3g}" if isinstance(value, float) else str(value)
    return text.replace("-", "−")
