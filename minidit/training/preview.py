"""Pictures of a run while it trains: one row a prompt, one column a frame, and how many are right."""

import numpy as np

from minidit.files.clips import encoded
from minidit.files.whole import write_whole
from minidit.generation.text_to_video import generate
from minidit.world import HELD_OUT, SEEN, caption, verify_batch

PROMPTS = 24  # of each split, judged
ROWS = 6  # of each split, drawn
SCALE = 4  # pixels of the picture per pixel of a clip
GAP = 2  # dark pixels between frames


def preview_attributes():
    """The combinations that are shown and judged: the same ones every time, spread over both splits."""
    return [split[i * len(split) // PROMPTS] for split in (SEEN, HELD_OUT) for i in range(PROMPTS)]


def film_strips(clips):
    """Clips (N, F, H, W, 3) in [0, 1] as one picture, a row of frames each: (rows, columns, 3) uint8."""
    count, frames, height, width, _ = clips.shape
    cells = np.full((count, frames, height + GAP, width + GAP, 3), 0.2, np.float32)
    cells[:, :, :height, :width] = clips
    picture = cells.transpose(0, 2, 1, 3, 4).reshape(count * (height + GAP), frames * (width + GAP), 3)
    return (picture * 255 + 0.5).astype(np.uint8)


def png_bytes(picture, scale=SCALE):
    """A picture (rows, columns, 3) uint8 as the bytes of a PNG file, every pixel drawn `scale` times as large."""
    return encoded(picture.repeat(scale, axis=0).repeat(scale, axis=1), "PNG")


def write_preview(model, path):
    """Draws what a model makes of some prompts, and judges it.

    Args:
        model: VideoModel.
        path: of the PNG file; its first rows are seen combinations, the others held-out ones.
    Returns:
        the fractions of 24 seen and 24 held-out prompts that are strictly right.
    """
    attributes = preview_attributes()
    clips = generate(model, [caption(a) for a in attributes], list(range(len(attributes))))
    rows = [*range(0, PROMPTS, PROMPTS // ROWS), *range(PROMPTS, 2 * PROMPTS, PROMPTS // ROWS)]
    write_whole(path, png_bytes(film_strips(clips[rows])))
    strict = [reading.strict(a) for reading, a in zip(verify_batch(clips), attributes, strict=True)]
    return float(np.mean(strict[:PROMPTS])), float(np.mean(strict[PROMPTS:]))
