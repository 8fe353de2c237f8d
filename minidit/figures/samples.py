"""A grid of samples: seen and held-out combinations and other words, frame by frame, with the verifier's verdict."""

import textwrap

from minidit.evaluation.fidelity import fidelity
from minidit.figures.style import GAP, GREEN, VERMILLION, place, png_bytes, sheet, spread_over, style, write
from minidit.generation.text_to_video import generate
from minidit.world import VOCABULARY, Attributes, attributes_in, verify_batch
from minidit.world.prompts import read_prompt

FILE = "samples.png"
TITLE = "Samples, frame by frame"
ALT = (
    "A grid of video frames, one prompt a row and time from left to right: four combinations of colour, shape, motion "
    "and sky that training showed, four that it never showed, four in other words, each with the verifier's verdict."
)
NOTE = (
    "The first try of each: seed 0 for all of them. The verifier reads colour, shape, motion and sky back from the "
    "pixels; *right* means all that is named as asked and the object whole in every frame. Beneath is the clip's "
    "fidelity: its peak signal-to-noise ratio to the nearest clip that the world could have drawn."
)

# Nobody picks the best of several: all have the seed that `minidit generate` takes by default.
GROUPS = {
    "Seen in training": (
        "a red circle moves right in the day sky",
        "a green square moves up in the sunset sky",
        "a blue ring stays still in the day sky",
        "a white triangle moves left in the night sky",
    ),
    "Held out of training": (
        "a yellow cross stays still in the day sky",
        "a green cross moves right in the night sky",
        "a blue square moves down in the sunset sky",
        "a yellow triangle moves left in the day sky",
    ),
    "In other words": (
        "A crimson disc rises at dusk!",
        "golden box, heading west, noon",
        "a ring falls",
        "something white at night",
    ),
}
SEED = 0
CELL = 160  # pixels
FRAMES = 4  # at most
LABEL, VERDICT, HEADING = 300, 190, 48  # pixels: width of the prompts, of the verdicts, height of a heading
LINE_LENGTH = 24  # characters

# N = clips, F = frames, H = height, W = width


@style()
def draw(model, record):
    """The bytes of the PNG."""
    prompts = [prompt for group in GROUPS.values() for prompt in group]
    clips = generate(model, prompts, [SEED] * len(prompts))  # N, F, H, W, 3
    rows = iter(zip(clips, verify_batch(clips), fidelity(clips).tolist(), strict=True))
    shown = spread_over(model.settings.frames, FRAMES)
    width = LABEL + len(shown) * (CELL + GAP) + VERDICT
    figure = sheet(width, len(GROUPS) * HEADING + len(prompts) * (CELL + GAP) + 2 * GAP)

    top = GAP
    for heading, group in GROUPS.items():
        write(figure, heading, 12, top + HEADING / 2, weight="bold")
        top += HEADING
        for prompt in group:
            clip, reading, decibels = next(rows)
            write(figure, textwrap.fill(prompt, LINE_LENGTH), 12, top + CELL / 2)
            for column, frame in enumerate(shown):
                place(figure, clip[frame], LABEL + column * (CELL + GAP), top, CELL)
            text, color = verdict(reading, asked_for(prompt), decibels)
            write(figure, text, width - VERDICT + 6, top + CELL / 2, color=color)
            top += CELL + GAP
    return png_bytes(figure)


def asked_for(prompt):
    """The attributes that a prompt names in any words, None for each that it leaves out."""
    return attributes_in(read_prompt(prompt, frozenset(VOCABULARY)))


def verdict(reading, wanted, decibels):
    """What to write beside a clip, and in which colour.

    Args:
        reading: Reading of the clip.
        wanted: Attributes that were asked for, None for what the prompt left out: anything is right there.
        decibels: the clip's fidelity.
    """
    pairs = zip(wanted, reading.attributes, strict=True)
    wanted = Attributes(*(shown if asked is None else asked for asked, shown in pairs))
    beneath = f"\n    {decibels:.1f} dB"
    if reading.right(wanted):
        return "✓ right" + beneath, GREEN
    wrong = [name for name in wanted._fields if getattr(reading, name) != getattr(wanted, name)]
    reason = ", ".join(wrong).replace("color", "colour") or "not whole"
    return "✗ wrong:\n" + textwrap.indent(textwrap.fill(reason, 14), "    ") + beneath, VERMILLION
