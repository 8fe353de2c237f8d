"""Clips as files that anyone can open: looping GIFs and PNGs, enlarged without blur, and arrays.

`minidit.files.reading_clips` reads them.
"""

import io
from pathlib import Path

import numpy as np
from PIL import GifImagePlugin, Image

from minidit.errors import UserError
from minidit.files.whole import write_whole

SIZE = 256  # pixels, about the width of an enlarged clip
FRAMES_PER_SECOND = 8
COLORS = 256  # the most that a GIF can have

# N = clips, F = frames, H = height, W = width


def save_clip(path, clip):
    """Writes a clip as what the file's ending says: the whole file, or none.

    - .gif: animated, enlarged (see `gif_bytes`);
    - .png: of one frame, enlarged in the same way, each value rounded to the nearest of 256;
    - .npy: the numbers as they are, (F, H, W, 3) float32, not enlarged.

    Args:
        path: of the file; what is there is replaced.
        clip: (F, H, W, 3) in [0, 1].
    Raises:
        UserError: another ending, several frames in a PNG, or the file can't be written.
    """
    ending = checked_ending(path, one_frame=len(clip) == 1)
    if ending == ".gif":
        data = gif_bytes(clip)
    elif ending == ".png":
        data = png_bytes(clip[0])
    else:
        file = io.BytesIO()
        np.save(file, clip.astype(np.float32))
        data = file.getvalue()
    write_whole(path, data)


def checked_ending(path, one_frame):
    """The ending of a file for a clip, in lower case; a PNG is for clips of one frame.

    Raises:
        UserError: the clip can't be written in such a file.
    """
    ending = Path(path).suffix.lower()
    possible = (".png", ".gif", ".npy") if one_frame else (".gif", ".npy")
    if ending in possible:
        return ending
    why = "a PNG holds one frame" if ending == ".png" else "a file's ending says how a clip is written"
    raise UserError(
        f"can't write {path}: {why}. Give -o a name that ends in {', '.join(possible[:-1])} or {possible[-1]}."
    )


def save_gif(path, clip, size=SIZE, fps=FRAMES_PER_SECOND):
    """Writes a clip as a GIF that loops for ever: the whole file, or none.

    Args:
        path: of the file; what is there is replaced.
        clip: (F, H, W, 3) in [0, 1].
        size: the width in pixels to enlarge to, by a whole factor; smaller than the clip leaves it as it is.
        fps: frames per second. A GIF counts in hundredths of a second, so that 8 becomes 8.3.
    Raises:
        UserError: the file can't be written.
    """
    write_whole(path, gif_bytes(clip, size, fps))


def gif_bytes(clip, size=SIZE, fps=FRAMES_PER_SECOND):
    """The GIF of `save_gif`, as bytes.

    All frames share one palette, without dithering, so that what stands still doesn't flicker. The frames are
    written one by one, because Pillow's `save` would join neighbours that are alike.

    The palette costs precision: a rendered clip comes back with a PSNR of 58 dB (the worst of 100: 54), a generated
    one, which has more shades, with 42 dB (the worst of 12: 36), a film of ten rendered clips with 42 dB.
    """
    frames, height, width, _ = clip.shape
    factor = enlargement(width, size)
    tall = Image.fromarray(to_pixels(clip).reshape(frames * height, width, 3))
    indexed = tall.quantize(COLORS, method=Image.Quantize.MEDIANCUT, kmeans=1, dither=Image.Dither.NONE)
    large = indexed.resize((width * factor, frames * height * factor), Image.Resampling.NEAREST)
    duration = 1000 // fps  # milliseconds

    parts = []
    for frame in range(frames):
        top = frame * height * factor
        image = large.crop((0, top, width * factor, top + height * factor))
        if frame == 0:
            header, _ = GifImagePlugin.getheader(image, info={"loop": 0, "duration": duration})
            parts += header
        parts += GifImagePlugin.getdata(image, duration=duration)
    return b"".join([*parts, b";"])


def png_bytes(frame, size=SIZE):
    """A frame (H, W, 3) in [0, 1] as a PNG, enlarged as a GIF is."""
    factor = enlargement(frame.shape[1], size)
    file = io.BytesIO()
    Image.fromarray(to_pixels(frame).repeat(factor, axis=0).repeat(factor, axis=1)).save(file, "PNG")
    return file.getvalue()


def enlargement(width, size):
    """The largest whole factor by which a clip of this width becomes no wider than `size`, but at least 1."""
    return max(1, size // width)


def to_pixels(clip):
    """Values in [0, 1] to bytes 0 … 255, rounded to the nearest; values outside are clipped."""
    return (np.clip(clip, 0, 1) * 255).round().astype(np.uint8)


def grid(clips, columns, gap=2):
    """Clips side by side, as one clip.

    Args:
        clips: (N, F, H, W, 3) in [0, 1], placed row by row.
        columns: clips in a row; the last row is filled up with white.
        gap: white pixels between clips.
    Returns:
        (F, rows · H + (rows - 1) · gap, columns · W + (columns - 1) · gap, 3).
    """
    count, frames, height, width, channels = clips.shape
    rows = -(-count // columns)
    cells = np.ones((rows * columns, frames, height + gap, width + gap, channels), clips.dtype)
    cells[:count, :, :height, :width] = clips
    cells = cells.reshape(rows, columns, frames, height + gap, width + gap, channels)
    joined = cells.transpose(2, 0, 3, 1, 4, 5)  # F, rows, H + gap, columns, W + gap, 3
    joined = joined.reshape(frames, rows * (height + gap), columns * (width + gap), channels)
    return joined[:, : joined.shape[1] - gap, : joined.shape[2] - gap]
