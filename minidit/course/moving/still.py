"""One state of a moving thing as a picture, for where nothing moves: code hosts, paper, the site."""

import numpy as np

from minidit.course.drawing.heatmaps import ONE_WAY, TWO_WAYS
from minidit.course.drawing.show import COLORS, LINES, SCALE, WIDTH, drawing, lesson_style
from minidit.course.moving.panels import Bars, Clip, Curves, Map
from minidit.figures.style import BLUE, INK, VERMILLION, write
from minidit.files.clips import to_pixels

GAP, HEADING, TITLE = 14, 30, 24  # in a browser's pixels, as all sizes here
NARROW, MIDDLE, BROAD, TALL = 146, 256, 306, 146
TICKS = 40  # below curves
LEFT = 50  # of curves and bars, for their numbers and names


@lesson_style()
def still(moving):
    """The Drawing of a Moving at its start."""
    panels, said = moving.at([control.start for control in moving.controls])
    rows = in_rows(panels)
    shown = [control for control in moving.controls if control.kind != "pick"]
    heights = [max(height_of(panel) for panel in row) + TITLE + GAP for row in rows]
    figure = drawing(WIDTH, HEADING + sum(heights) + (GAP if said else 0), moving.alt)
    states = [f"{control.label}: {control.labels[control.start]}" for control in shown]
    write(figure, "     ".join(states), GAP * SCALE, HEADING / 2 * SCALE, weight="bold")
    top = HEADING
    for row, height in zip(rows, heights, strict=True):
        left = GAP
        for panel in row:
            write(figure, panel.title, left * SCALE, (top + TITLE / 2) * SCALE, size=10)
            axes_of = LEFT if isinstance(panel, Curves) else 2 * LEFT if isinstance(panel, Bars) else 0
            box = (left + axes_of, top + TITLE, width_of(panel) - axes_of, height_of(panel))
            if isinstance(panel, Curves):
                box = (*box[:3], box[3] - TICKS)
            draw(figure_axes(figure, box), panel)
            left += width_of(panel) + GAP
        top += height
    write(figure, said, GAP * SCALE, (top + 4) * SCALE, size=10)
    return figure


def in_rows(panels):
    """Panels in rows, each as full as the width allows."""
    rows, room = [], 0
    for panel in panels:
        if width_of(panel) > room:
            rows.append([])
            room = WIDTH - GAP
        rows[-1].append(panel)
        room -= width_of(panel) + GAP
    return rows


def width_of(panel):
    """Width of a panel."""
    return BROAD if panel.wide else MIDDLE if isinstance(panel, Curves | Bars) else NARROW


def height_of(panel):
    """Height of a panel below its title."""
    if isinstance(panel, Bars):
        return 24 * len(panel.bars)
    if isinstance(panel, Curves):
        return TALL + TICKS - GAP
    rows, columns = panel.clip.shape[1:3] if isinstance(panel, Clip) else panel.values.shape
    return round(width_of(panel) * rows / columns)


def figure_axes(figure, box):
    """Axes at (left, top, width, height)."""
    left, top, width, height = box
    total = figure.get_size_inches() * figure.dpi / SCALE
    axes = figure.add_axes((left / total[0], 1 - (top + height) / total[1], width / total[0], height / total[1]))
    axes.grid(False)
    return axes


def draw(axes, panel):
    """Draws a panel into its axes."""
    if isinstance(panel, Clip | Map):
        draw_cells(axes, panel)
    elif isinstance(panel, Curves):
        draw_curves(axes, panel)
    else:
        axes.xaxis.set_visible(False)
        names = list(panel.bars)
        colors = [VERMILLION if name == panel.marked else BLUE for name in names]
        axes.bar_label(axes.barh(range(len(names)), list(panel.bars.values()), color=colors), fmt=" {:.3g}", size=9)
        axes.spines.bottom.set_visible(False)
        axes.set_xlim(min(0, *panel.bars.values()), 1.3 * (panel.most or max(panel.bars.values())))
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()


def draw_cells(axes, panel):
    """A clip's middle frame, or a map, with the picked cell outlined."""
    axes.set_axis_off()
    if isinstance(panel, Map):
        low, high = panel.limits
        rows, columns = grid = panel.values.shape
        colors = TWO_WAYS if panel.diverging else ONE_WAY
        axes.imshow(panel.values, cmap=colors, vmin=low, vmax=high, interpolation="nearest", aspect="auto")
    else:
        picture = panel.clip[len(panel.clip) // 2]
        rows, columns = picture.shape[:2]
        grid = panel.grid or (rows, columns)
        if panel.weights is not None:
            light = 0.15 + 0.85 * np.asarray(panel.weights) / max(np.max(panel.weights), 1e-9)  # r, c
            picture = picture * np.kron(light, np.ones((rows // grid[0], columns // grid[1])))[..., None]
        axes.imshow(to_pixels(picture), interpolation="nearest", aspect="auto")
        for axis, count, size in (("h", grid[0], rows), ("v", grid[1], columns)):
            for line in range(1, count if panel.lines else 1):
                getattr(axes, f"ax{axis}line")(line * size / count - 0.5, color="white", linewidth=0.7)
    if panel.picks and panel.picked is not None:
        down, across = rows / grid[0], columns / grid[1]
        corner = (panel.picked % grid[1] * across - 0.5, panel.picked // grid[1] * down - 0.5)
        for color, width in (("black", 3.5), ("white", 1.5)):
            axes.add_patch(axes_rectangle(corner, across, down, color, width))


def axes_rectangle(corner, width, height, color, line):
    """The outline of a rectangle."""
    from matplotlib.patches import Rectangle

    return Rectangle(corner, width, height, fill=False, edgecolor=color, linewidth=line)


def draw_curves(axes, panel):
    """Lines, dots and the mark."""
    for (name, y), color, dash in zip(panel.lines.items(), COLORS, LINES, strict=False):
        axes.plot(panel.x, y, label=name, color=color, linestyle=dash)
    if len(panel.dots):
        axes.plot(*np.transpose(panel.dots), "o", color=VERMILLION, alpha=0.8)
    if panel.mark is not None:
        axes.axvline(panel.mark, color=INK, linestyle=(0, (4, 3)), linewidth=1)
    axes.set(xlabel=panel.xlabel, ylabel=panel.ylabel, yscale="log" if panel.logy else "linear")
    if panel.limits:
        axes.set_ylim(*panel.limits)
    if panel.xlimits:
        axes.set_xlim(*panel.xlimits)
    if len(panel.lines) > 1:
        axes.legend(fontsize=9)
