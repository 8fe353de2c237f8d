"""The README's animated clip: eight prompts side by side, each with what the model makes of it."""

import textwrap
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from minidit.files.clips import gif_bytes, grid
from minidit.generation.canvas import blank
from minidit.generation.text_to_video import generate

FILE = "clip.gif"
TITLE = "Eight prompts and what the model makes of them"
ALT = (
    "Animation: eight clips in three rows, each with its prompt beneath. Circles, squares, triangles, crosses and "
    "rings in five colours move through day, night and sunset skies; two of the clips are wide."
)
NOTE = (
    "The first try of each: seed 0 for all of them, so that `minidit generate` with one of these prompts makes the "
    "same clip. The yellow triangle, the green cross and the white ring are combinations of colour, shape, motion and "
    "sky that training never showed. “An emerald plus” is a green cross. What “a triangle goes down” leaves out, "
    "chance decides. The wide clips take `--size 48x32`."
)

# Rows of prompts, and how many times as wide as high their clips are: captions, other words, something left out.
# Nobody picks the best of several: all have the seed that `minidit generate` takes by default, and a prompt is replaced
# for what it says, never for how its clip looks.
ROWS = (
    (
        1,
        "a red circle moves right in the day sky",
        "a yellow triangle moves up in the sunset sky",
        "An emerald plus glides to the right at midnight.",
    ),
    (
        1.5,
        "a blue square drifts left across the sunset sky",
        "Something yellow flies right at night.",
    ),
    (
        1,
        "a triangle goes down",
        "A snow white donut sinks at noon!",
        "a cross that is red stays still in the night sky",
    ),
)
PROMPTS = tuple(prompt for _, *prompts in ROWS for prompt in prompts)
SEED = 0
CELL = 256  # pixels, the least of a clip's height
GAP = 10
FONT_SIZE, LINE_HEIGHT, LINES = 16, 22, 2
LINE_LENGTH = 27  # characters beneath a clip that is as wide as high

# N = clips, F = frames, H = height, W = width


def draw(model, record):
    """The bytes of the GIF: rows of clips with captions, in a loop."""
    rows = [row_of(model, *row) for row in ROWS]  # F, H + h, W, 3 each
    width = max(row.shape[2] for row in rows)
    return gif_bytes(np.concatenate([in_the_middle(row, width) for row in rows], axis=1))


def in_the_middle(row, width):
    """A row (F, H, W, 3) in the middle of a width, white beside it and GAP pixels beneath."""
    spare = width - row.shape[2]
    return np.pad(row, ((0, 0), (0, GAP), (spare // 2, spare - spare // 2), (0, 0)), constant_values=1)


def row_of(model, wide, *prompts):
    """Clips side by side, captions beneath: (F, H + h, W, 3) in [0, 1].

    Args:
        wide: how many times as wide as high. A model that makes clips of one size only makes those.
        prompts: one of each clip.
    """
    settings = model.settings
    size = settings.size, round(wide * settings.size) if settings.dit.conditioning_channels else settings.size
    canvases = None if size[0] == size[1] else [blank(settings.frames, size, settings.codec.patch)] * len(prompts)
    clips = generate(model, prompts, [SEED] * len(prompts), canvases)  # N, F, H, W, 3
    factor = -(-CELL // settings.size)
    clips = clips.repeat(factor, axis=2).repeat(factor, axis=3)  # N, F, H, W, 3    enlarged without blur
    captions = np.stack([caption_picture(prompt, clips.shape[3]) for prompt in prompts])  # N, h, W, 3
    captions = np.broadcast_to(captions[:, None], (*clips.shape[:2], *captions.shape[1:]))  # N, F, h, W, 3
    return grid(np.concatenate([clips, captions], axis=2), len(prompts), GAP)


def caption_picture(prompt, width):
    """A prompt in dark letters on white, in the middle of two lines: (height, width, 3) float32 in [0, 1]."""
    font_file = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    image = Image.new("L", (width, LINES * LINE_HEIGHT + 8), 255)
    pen = ImageDraw.Draw(image)
    font = ImageFont.truetype(font_file, FONT_SIZE)
    for row, line in enumerate(textwrap.wrap(prompt, LINE_LENGTH * width // CELL)):
        pen.text((width / 2, 6 + (row + 0.5) * LINE_HEIGHT), line, fill=34, font=font, anchor="mm")
    grey = np.asarray(image, np.float32) / 255  # height, width
    return grey[..., None].repeat(3, axis=2)  # height, width, 3
