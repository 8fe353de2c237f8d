"""What one network can do: a row for each use, frame by frame, with the known frames underlined."""

import textwrap
from dataclasses import dataclass

import numpy as np
from matplotlib.patches import Rectangle

from minidit.figures.style import BLUE, DPI, FAINT, GAP, place, png_bytes, sheet, style, write
from minidit.generation.film import parse_script
from minidit.generation.studio import Studio
from minidit.world import Attributes, render

FILE = "abilities.png"
TITLE = "One network, many uses"
ALT = (
    "Strips of video frames, one use a row: generate, image, animate, extend, connect, loop, edit, inpaint, a wide "
    "clip, film. Known frames have a blue line beneath; the network made all others."
)
NOTE = (
    "One network makes all of these. A blue line marks known frames: rendered clips of the toy world. *film* starts "
    "from a script alone. The first try of each (seed 0)."
)

CELL = 64  # pixels
LABEL = 310  # pixels: width of the names and prompts
LINE = 4  # pixels: height of the line under a frame
COLUMNS = 16
LINE_LENGTH = 36  # characters
SCRIPT = """
a white ring moves up in the night sky
then a white ring moves down in the night sky
the sunset sky
"""

# F = frames, H = height, W = width


@dataclass(frozen=True, eq=False)
class Row:
    """A use and its frames.

    Attributes:
        name, note: the text beside it.
        frames: (H, W, 3) each.
        known: for each frame, whether it was known.
    """

    name: str
    note: str
    frames: list
    known: list


def missing(model, record):
    """What the figure needs and the model lacks, in words; empty when nothing."""
    return "" if model.settings.dit.conditioning_channels else "a network that makes whole clips of one size only"


@style()
def draw(model, record):
    """The bytes of the PNG."""
    rows = rows_of(Studio(model))
    heights = [row.frames[0].shape[0] * (CELL // 32) + LINE + 2 * GAP for row in rows]
    figure = sheet(LABEL + COLUMNS * (CELL + GAP), sum(heights) + GAP)
    top = GAP
    for row, height in zip(rows, heights, strict=True):
        write(figure, row.name, 12, top + 10, weight="bold")
        write(figure, textwrap.fill(row.note, LINE_LENGTH), 12, top + 24, va="top", fontsize=7.5)
        left = LABEL
        for frame, known in zip(row.frames, row.known, strict=True):
            width, tall = frame.shape[1] * (CELL // 32), frame.shape[0] * (CELL // 32)
            place(figure, frame, left, top - max(0, width - tall) // 2, width)  # which centres it in a square
            underline(figure, left, top + tall + 2, width, BLUE if known else FAINT)
            left += width + GAP
        top += height
    return png_bytes(figure)


def rows_of(studio):
    """A Row for each use."""

    def clip_of(*attributes, seed=0, frames=8):
        return render(Attributes(*attributes), np.random.default_rng(seed), studio.settings.size, frames)

    def made(name, note, clip):
        return Row(name, note, clip, [False] * len(clip))

    prompt = "a yellow triangle moves right in the sunset sky"
    ring = "a blue ring moves down in the day sky"
    picture = clip_of("red", "cross", None, "night", frames=1)
    square = clip_of("green", "square", "right", "day", frames=16)
    before = clip_of("blue", "circle", "left", "sunset", seed=2)
    mask = np.zeros(before.shape[1:3], bool)
    mask[8:24, 8:24] = True
    holed = np.where(mask[..., None], 0.0, before)
    animated = "a red cross moves left in the night sky"
    changed = "a yellow ring"
    moves, whole = "a green square moves right in the day sky", "a blue circle moves left in the sunset sky"
    film = studio.film(parse_script(SCRIPT))
    eight = [True] * 8 + [False] * 8
    images = [studio.image("a blue ring in the day sky", seed)[0] for seed in range(8)]
    return [
        made("generate", prompt, studio.generate(prompt)),
        made("image", "“a blue ring in the day sky”, seeds 0 to 7", images),
        Row("animate", f"the first frame, and “{animated}”", studio.animate(picture, animated), [True] + [False] * 7),
        Row("extend", f"forward and backward: “{moves}”", studio.extend(square[4:12], moves, 4, 4),
            [False] * 4 + [True] * 8 + [False] * 4),
        Row("connect", "the frames between two clips", studio.connect(square[:4], square[12:], 8),
            [True] * 4 + [False] * 8 + [True] * 4),
        made("loop", f"“{ring}”, and back to its start", studio.loop(ring)),
        Row("edit", f"a clip, then “{changed}”", [*before, *studio.edit(before, changed)], eight),
        Row("inpaint", f"the missing middle: “{whole}”", [*holed, *studio.inpaint(before, mask, whole)], eight),
        made("another shape", f"48 x 32 pixels: “{prompt}”", studio.generate(prompt, size=(32, 48))),
        made("longer", f"“{ring}”, extended to 16 frames", studio.extend(studio.generate(ring), ring, 8)),
        made("film", "three shots; the second continues the first (every second frame)", film[::2]),
    ]  # fmt: skip


def underline(figure, left, top, width, color):
    """A line beneath a frame."""
    total_width, total_height = np.rint(figure.get_size_inches() * DPI)
    box = (left / total_width, (total_height - top - LINE) / total_height, width / total_width, LINE / total_height)
    figure.add_artist(Rectangle(box[:2], *box[2:], color=color, linewidth=0))
