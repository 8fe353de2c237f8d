"""A grid of samples: seen and held-out combinations, frame by frame, with the verifier's verdict."""

import textwrap

from minidit.figures.style import GAP, GREEN, VERMILLION, place, png_bytes, sheet, spread_over, style, write
from minidit.generation.text_to_video import generate
from minidit.world import Attributes, caption, verify_batch

FILE = "samples.png"
TITLE = "Samples, frame by frame"
ALT = (
    "A grid of video frames, one prompt a row and time from left to right: four combinations of colour, shape, motion "
    "and sky that training showed, four that it never showed, each with the verifier's verdict at the end of its row."
)
NOTE = (
    "The first try of each: seed 0 for all of them. The verifier reads colour, shape, motion and sky back from the "
    "pixels; *right* means all four as asked and the object whole in every frame, *strictly right* also an overlap "
    "(IoU) of more than 0.75 with the ideal shape on a straight path."
)

GROUPS = {
    "Seen in training": (
        Attributes("red", "circle", "right", "day"),
        Attributes("green", "square", "up", "sunset"),
        Attributes("blue", "ring", "still", "day"),
        Attributes("white", "triangle", "left", "night"),
    ),
    "Held out of training": (
        Attributes("yellow", "cross", "still", "day"),
        Attributes("green", "cross", "right", "night"),
        Attributes("blue", "square", "down", "sunset"),
        Attributes("yellow", "triangle", "left", "day"),
    ),
}
SEED = 0
CELL = 96  # pixels
LABEL, VERDICT, HEADING = 300, 190, 48  # pixels: width of the prompts, of the verdicts, height of a heading
LINE_LENGTH = 24  # characters

# N = clips, F = frames, H = height, W = width


@style()
def draw(model, record):
    """The bytes of the PNG."""
    attributes = [a for group in GROUPS.values() for a in group]
    clips = generate(model, [caption(a) for a in attributes], [SEED] * len(attributes))  # N, F, H, W, 3
    rows = iter(zip(attributes, clips, verify_batch(clips), strict=True))
    shown = spread_over(model.settings.frames)
    width = LABEL + len(shown) * (CELL + GAP) + VERDICT
    figure = sheet(width, len(GROUPS) * HEADING + len(attributes) * (CELL + GAP) + 2 * GAP)

    top = GAP
    for heading, group in GROUPS.items():
        write(figure, heading, 12, top + HEADING / 2, weight="bold")
        top += HEADING
        for _ in group:
            wanted, clip, reading = next(rows)
            write(figure, textwrap.fill(caption(wanted), LINE_LENGTH), 12, top + CELL / 2)
            for column, frame in enumerate(shown):
                place(figure, clip[frame], LABEL + column * (CELL + GAP), top, CELL)
            text, color = verdict(reading, wanted)
            write(figure, text, width - VERDICT + 6, top + CELL / 2, color=color)
            top += CELL + GAP
    return png_bytes(figure)


def verdict(reading, wanted):
    """What to write beside a clip, and in which colour.

    Args:
        reading: Reading of the clip.
        wanted: Attributes that were asked for.
    """
    if reading.strict(wanted):
        return "✓ strictly right", GREEN
    if reading.right(wanted):
        return f"✓ right\n    (IoU {reading.iou:.2f})", GREEN
    wrong = [name for name in wanted._fields if getattr(reading, name) != getattr(wanted, name)]
    reason = ", ".join(wrong).replace("color", "colour") or "not whole"
    return "✗ wrong:\n" + textwrap.indent(textwrap.fill(reason, 14), "    "), VERMILLION
