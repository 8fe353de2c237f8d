"""The README's animated clip: eight prompts side by side, each with what the model makes of it."""

import textwrap
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from minidit.files.clips import gif_bytes, grid
from minidit.generation.text_to_video import generate

FILE = "clip.gif"
TITLE = "Eight prompts and what the model makes of them"
ALT = (
    "Animation: eight small clips in two rows, each with its prompt beneath. Circles, squares, triangles, crosses and "
    "rings in five colours move through day, night and sunset skies; “sora is sky” shows a plain sky."
)
NOTE = (
    "The first try of each: seed 0 for all of them, so that `minidit generate` with one of these prompts makes the "
    "same clip. The yellow triangle, the green cross, the white ring and the yellow circle are combinations of "
    "colour, shape, motion and sky that training never showed."
)

PROMPTS = (
    "a red circle moves right in the day sky",
    "a yellow triangle moves up in the sunset sky",
    "in the night sky a green cross moves right",
    "a white ring drifts down across the day sky",
    "a blue square moves left in the sunset sky",
    "the night sky with a yellow circle moving left",
    "sora is sky",
    "a cross that is red stays still in the night sky",
)
SEED = 0  # the default of `minidit generate`
COLUMNS = 4
CELL = 192  # pixels, the least that the captions need
GAP = 10
FONT_SIZE, LINE_HEIGHT, LINES = 14, 19, 2
LINE_LENGTH = 25  # characters

# N = clips, F = frames, H = height, W = width


def draw(model, record):
    """The bytes of the GIF: a mosaic of clips with captions, in a loop."""
    clips = generate(model, PROMPTS, [SEED] * len(PROMPTS))  # N, F, H, W, 3
    factor = -(-CELL // model.settings.size)
    clips = clips.repeat(factor, axis=2).repeat(factor, axis=3)  # N, F, H, W, 3    enlarged without blur
    width = clips.shape[3]
    captions = np.stack([caption_picture(prompt, width) for prompt in PROMPTS])  # N, h, W, 3
    captions = np.broadcast_to(captions[:, None], (*clips.shape[:2], *captions.shape[1:]))  # N, F, h, W, 3
    cells = np.concatenate([clips, captions], axis=2)  # N, F, H + h, W, 3
    return gif_bytes(grid(cells, COLUMNS, GAP))


def caption_picture(prompt, width):
    """A prompt in dark letters on white, in the middle of two lines: (height, width, 3) float32 in [0, 1]."""
    font_file = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    image = Image.new("L", (width, LINES * LINE_HEIGHT + 8), 255)
    pen = ImageDraw.Draw(image)
    font = ImageFont.truetype(font_file, FONT_SIZE)
    for row, line in enumerate(textwrap.wrap(prompt, LINE_LENGTH)):
        pen.text((width / 2, 6 + (row + 0.5) * LINE_HEIGHT), line, fill=34, font=font, anchor="mm")
    grey = np.asarray(image, np.float32) / 255  # height, width
    return grey[..., None].repeat(3, axis=2)  # height, width, 3
