"""What all drawings share: a style, pictures with alt text, and the way into a notebook.

Sizes are in points at 100 dots per inch, so that a dot is a browser's pixel. Pictures have 1.5 times as many pixels, so
that they stay sharp when projected.

JupyterLab and nbconvert leave out the alt text of an image/png output (Jupyter enhancement proposal 120). So a picture
is stored as HTML with an <img> that has the alt text, and as image/png for readers without HTML.
"""

import base64
import html
import io
import sys
from contextlib import contextmanager

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from minidit.figures.style import BLUE, DPI, GREEN, INK, VERMILLION, small_png_bytes, style

SCALE = 1.5  # pixels of a picture for each that a browser counts
WIDTH = 760  # of a drawing, in a browser's pixels: a cell's output in a window of 1280
PAGE_DPI = DPI / SCALE
COLORS = (BLUE, VERMILLION, GREEN, "#CC79A7", INK, "#E69F00")  # Okabe & Ito 2008
LINES = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (9, 3)))
FONT = 11  # points
MARGIN = 9  # pixels
LESSON_STYLE = {
    "font.size": FONT,
    "axes.titlesize": FONT,
    "axes.labelsize": FONT,
    "xtick.labelsize": FONT - 1,
    "ytick.labelsize": FONT - 1,
    "legend.fontsize": FONT,
    "animation.embed_limit": 2,  # megabytes
}


class Drawing(Figure):
    """A figure with alt text. As a cell's last value, a notebook doesn't show it a second time.

    Attributes:
        alt: what the picture shows, in a sentence or two.
    """

    alt = ""

    def _ipython_display_(self):
        """Empty, because it was shown when it was drawn."""

    def __repr__(self):
        return f"<drawing: {self.alt}>"


@contextmanager
def lesson_style():
    """The figures' style, with letters that can be read from the last row; also a decorator."""
    with style():
        matplotlib.rcParams.update(LESSON_STYLE)
        yield


def drawing(width, height, alt, *numbers):
    """An empty Drawing of this size in a browser's pixels.

    Args:
        width, height: its size.
        alt: the alt text; it may be empty if there are numbers.
        numbers: sentences made from the numbers that are drawn; they follow the alt text, and can't drift from them.
    Raises:
        ValueError: there is no alt text.
    """
    words = " ".join(" ".join((str(alt or ""), *numbers)).split())
    if not words:
        raise ValueError("a drawing needs an alt text: a sentence that says what it shows")
    figure = Drawing(figsize=(width / PAGE_DPI, height / PAGE_DPI), dpi=DPI)
    figure.alt = words
    return figure


def in_notebook():
    """Whether this runs in a notebook's kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


def show(figure):
    """Shows a Drawing at once if there is a notebook, and returns it."""
    if in_notebook():
        publish(*bundle_of(figure))
    return figure


def bundle_of(figure):
    """A Drawing as the outputs of a notebook: a dict of MIME types and data, and one of their metadata."""
    data = small_png_bytes(figure, margin=MARGIN)
    width = round(Image.open(io.BytesIO(data)).width / SCALE)
    return (
        {"text/html": img(data, "png", figure.alt, width), "image/png": data, "text/plain": figure.alt},
        {"image/png": {"alt": figure.alt, "width": width}},
    )


def publish(bundle, metadata=None):
    """Puts an output into the notebook: a dict of MIME types and data."""
    from IPython.display import display

    text = {kind: base64.b64encode(data).decode() if isinstance(data, bytes) else data for kind, data in bundle.items()}
    display(text, metadata=metadata or {}, raw=True)


def img(data, kind, alt, width, attributes=""):
    """An HTML image that holds its data."""
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    more = f" {attributes}" if attributes else ""
    return f'<img{more} src="{source}" alt="{html.escape(alt)}" width="{width}" style="max-width: 100%">'


def as_numbers(value):
    """A value as a NumPy array of numbers: from a list, an array on any device, or fractions."""
    value = value.get() if hasattr(value, "get") and hasattr(value, "device") else value
    array = np.asarray(value)
    return array.astype(float) if array.dtype.kind not in "iuf" else array
