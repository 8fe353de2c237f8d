"""What the figures share: one plain style, charts, and pixels that stay square.

Nothing here touches matplotlib's global state: figures are `Figure` objects without pyplot, and `style` puts the
settings back. Positions and sizes are in pixels from the top left, so that every pixel of a clip becomes a square of
whole pixels.
"""

import io
from contextlib import contextmanager

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageChops, ImageOps

from minidit.files.clips import to_pixels

DPI = 150
GAP = 6  # pixels between pictures
MOST_FRAMES = 8  # in a row

# Okabe & Ito 2008, colours that all kinds of colour vision tell apart.
BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#007A5A"  # the green a little darker, to be read as text
INK, FAINT = "#222222", "#D9D9D9"

STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that a figure is the same everywhere
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "legend.frameon": False,
}


@contextmanager
def style():
    """Matplotlib's own defaults and the settings above, whatever the user's are; also a decorator."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def sheet(width, height):
    """An empty figure of so many pixels."""
    return Figure(figsize=(width / DPI, height / DPI), dpi=DPI)


def charts(width, height, rows=1, columns=1, pads=(0.1, 0.08), **settings):
    """A figure of so many pixels with a grid of charts, laid out by matplotlib.

    Args:
        pads: inches left free around each chart, across and down.
        settings: as of `Figure.subplots`.
    Returns:
        the figure, and its axes as an array (or one axes).
    """
    figure = sheet(width, height)
    figure.set_layout_engine("constrained", w_pad=pads[0], h_pad=pads[1])
    return figure, figure.subplots(rows, columns, **settings)


def percent_bars(axes, places, shares, intervals, across=False, **look):
    """Draws shares in percent with their intervals.

    Args:
        places: (N,) where on the other axis.
        shares: (N,), intervals: (N, 2), both from 0 to 1.
        across: whether percent run from left to right instead of upward.
        look: settings of `Axes.errorbar`.
    """
    shares, errors = 100 * np.asarray(shares), 100 * bars_to(shares, intervals)
    if across:
        axes.errorbar(shares, places, xerr=errors, **look)
    else:
        axes.errorbar(places, shares, errors, **look)


def bars_to(values, intervals):
    """Lengths of the error bars from values (N,) to the ends of their intervals (N, 2): (2, N), as `errorbar` wants."""
    values, (low, high) = np.asarray(values), np.asarray(intervals).T
    return np.array([values - low, high - values]).clip(0)     # rounding can make them negative


def png_bytes(figure):
    """A figure as the bytes of a PNG file, the same ones with every version of matplotlib that draws the same."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=DPI, metadata={"Software": None})
    return data.getvalue()


def small_png_bytes(figure, colors=256, margin=None):
    """A figure as the bytes of a PNG that takes less room, by having few colours.

    Args:
        figure: Figure.
        colors: at most so many.
        margin: pixels of white to leave around what is drawn; None leaves the figure's size as it is.
    """
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    if margin is not None:
        image = ImageOps.expand(image.crop(ImageChops.invert(image).getbbox()), margin, "white")
    data = io.BytesIO()
    indexed = image.quantize(colors, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    indexed.save(data, format="png", optimize=True)
    return data.getvalue()


def place(figure, picture, left, top, cell):
    """Puts a picture (H, W, 3) in [0, 1] with its top left corner there, as large as fits `cell` pixels of width.

    Every pixel of it becomes a square; what is left of the cell stays free around it.
    """
    height, width, _ = picture.shape
    factor = max(1, cell // width)
    left, top = left + max(0, cell - factor * width) // 2, top + max(0, cell - factor * height) // 2
    total_width, total_height = np.rint(figure.get_size_inches() * DPI)
    bottom = total_height - top - factor * height
    box = (left / total_width, bottom / total_height, factor * width / total_width, factor * height / total_height)
    axes = figure.add_axes(box)
    axes.imshow(to_pixels(picture), interpolation="nearest", aspect="auto")
    axes.set_axis_off()


def write(figure, text, left, top, **settings):
    """Writes text at a point, in its middle height unless `va` says otherwise. Settings as `Figure.text`."""
    total_width, total_height = figure.get_size_inches() * DPI
    settings = {"va": "center", "ha": "left", "linespacing": 1.35} | settings
    figure.text(left / total_width, 1 - top / total_height, text, **settings)


def spread_over(count, most=MOST_FRAMES):
    """At most `most` indices below `count`, evenly spread, the first and the last among them: a list of int."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()
