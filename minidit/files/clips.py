"""Clips as files that anyone can open: looping GIFs and WebPs, MP4s and PNGs, enlarged without blur; and arrays.

`minidit.files.reading_clips` reads them.
"""

import io
import re
import struct
from os import PathLike
from pathlib import Path

import numpy as np
from PIL import GifImagePlugin, Image

from minidit.errors import UserError, as_number
from minidit.files.places import exists
from minidit.files.videos import mp4_bytes, need_pyav
from minidit.files.whole import write_whole

SIZE = 256  # pixels, about the width of an enlarged clip
FRAMES_PER_SECOND = 8
COLORS = 256  # the most that a GIF can have
FASTEST = {".gif": 50}  # frames per second: browsers slow down a GIF that wants to be faster
FASTEST_OF_ALL = 60
SLOWEST = 0.01  # a GIF has no place for a longer time
FRAME_NUMBER = re.compile(r"%0?[1-9]?d")  # in the name of a file per frame, as in frames/%03d.png

# N = clips, F = frames, H = height, W = width


def save_clip(path: str | PathLike, clip: np.ndarray, fps: float = FRAMES_PER_SECOND) -> None:
    """Writes a clip in the format that the file's ending says. A file is written whole, or not at all.

    - .gif: 256 colours for the whole clip (see `gif_bytes`);
    - .webp: animated, every colour kept;
    - .mp4: for players that want a video; needs PyAV, the extra `minidit[video]`;
    - .png: one frame, every colour kept; with a number in the name, as in frames/%03d.png, a file per frame from 000;
    - .npy: the numbers as they are, (F, H, W, 3) float32.

    All but .npy are enlarged by a whole factor, without blur.

    Args:
        path: of the file; what is there is replaced.
        clip: (F, H, W, 3) in [0, 1]; or a picture (H, W, 3), as a clip of one frame.
        fps: frames per second, from 0.01 to 60, of a GIF to 50.
    Raises:
        UserError: another ending, several frames in a PNG, an impossible speed, no PyAV, no clip, or the file can't be
            written.
    """
    if not isinstance(path, str | PathLike):
        raise UserError('save_clip takes the name of a file first, then the clip: save_clip("circle.gif", clip).')
    clip = checked_clip(np.asarray(clip)[None] if np.ndim(clip) == 3 else clip, "the clip")
    ending, fps = checked_ending(path, len(clip) == 1, fps), as_number(fps)
    if ending == ".npy":
        file = io.BytesIO()
        np.save(file, clip.astype(np.float32))
        write_whole(path, file.getvalue())
    elif ending == ".png":
        for number, frame in enumerate(clip):
            write_whole(frame_path(path, number), png_bytes(frame))
    else:
        write_whole(path, {".gif": gif_bytes, ".webp": webp_bytes, ".mp4": mp4_of}[ending](clip, fps=fps))


def checked_clip(clip, name):
    """A clip as an array, if it is one: (F, H, W, 3) in [0, 1].

    Args:
        name: what to call it in a message.
    Raises:
        UserError: it isn't.
    """
    if isinstance(clip, str | PathLike):
        raise UserError(f"{name} must be an array, but this is a name: read the file with minidit.read_clip.")
    clip = np.asarray(clip)
    if clip.ndim != 4 or clip.shape[-1] != 3 or not clip.size or clip.dtype.kind != "f":
        raise UserError(
            f"{name} must be numbers from 0 to 1 of shape (frames, height, width, 3), but it has shape "
            f"{clip.shape} and type {clip.dtype}.{' Divide bytes by 255.' * (clip.dtype == np.uint8)}"
        )
    if not (np.isfinite(clip).all() and 0 <= clip.min() and clip.max() <= 1):
        raise UserError(f"{name} must have numbers from 0 to 1, but it has others. Divide bytes by 255.")
    return clip


def checked_ending(path, one_frame, fps=FRAMES_PER_SECOND):
    """The ending of a file for a clip, in lower case.

    Args:
        one_frame: whether the clip has a single frame, so that it may be a PNG.
        fps: frames per second.
    Raises:
        UserError: the clip can't be written in such a file.
    """
    ending = Path(path).suffix.lower()
    possible = (".png", ".gif", ".webp", ".mp4", ".npy") if one_frame else (".gif", ".webp", ".mp4", ".npy")
    if ending not in possible and not (ending == ".png" and numbered(path)):
        why = "a file's ending says how a clip is written"
        advice = f"Give a name that ends in {', '.join(possible[:-1])} or {possible[-1]}"
        if ending == ".png":
            why = "a PNG holds one frame"
            advice += ", or one with a number, like frames/%03d.png, for a file per frame"
        raise UserError(f"can't write {path}: {why}. {advice}.")
    fastest = FASTEST.get(ending, FASTEST_OF_ALL)
    if not SLOWEST <= as_number(fps) <= fastest:
        raise UserError(f"can't write {path} with {fps} frames per second: give a number from {SLOWEST} to {fastest}.")
    if ending == ".mp4":
        need_pyav(path, "write")
    return ending


def speed_shown(path, fps):
    """The frames per second, nearest to so many, that a file can show: a GIF counts in hundredths of a second."""
    ending = Path(path).suffix.lower()
    fps = min(max(fps, SLOWEST), FASTEST.get(ending, FASTEST_OF_ALL))
    return 100 / round(100 / fps) if ending == ".gif" else fps


def numbered(path):
    """Whether the name of a file has a place for the number of the frame, as in frames/%03d.png."""
    return FRAME_NUMBER.search(Path(path).name) is not None


def frame_path(path, number):
    """The file of one frame; `path` itself if its name has no place for a number."""
    path = Path(path)
    return path.with_name(FRAME_NUMBER.sub(lambda found: found[0] % number, path.name, count=1))


def existing_files(path):
    """The files that writing a clip to `path` may replace: those of frames by their numbers."""
    path = Path(path)
    if not numbered(path):
        return [path] if exists(path) else []
    before, after = FRAME_NUMBER.split(path.name, maxsplit=1)
    name = re.compile(re.escape(before) + r"(\d+)" + re.escape(after))
    found = [(name.fullmatch(other.name), other) for other in path.parent.glob("*")]
    return [other for _, other in sorted((int(match[1]), other) for match, other in found if match)]


def gif_bytes(clip, size=SIZE, fps=FRAMES_PER_SECOND):
    """A clip as a GIF that loops for ever.

    A GIF counts in hundredths of a second, so that 8 frames per second become 8.3. All frames share one palette,
    without dithering, so that what stands still doesn't flicker. The frames are written one by one, because Pillow's
    `save` would join neighbours that are alike.

    The palette costs precision: a rendered clip comes back with a PSNR of 58 dB (the worst of 100: 54), a generated
    one, which has more shades, with 42 dB (the worst of 12: 36), a film of ten rendered clips with 42 dB.

    Args:
        clip: (F, H, W, 3) in [0, 1].
        size: the width in pixels to enlarge to, by a whole factor; smaller than the clip leaves it as it is.
        fps: frames per second.
    """
    frames, height, width, _ = clip.shape
    factor = enlargement(width, size)
    tall = Image.fromarray(to_pixels(clip).reshape(frames * height, width, 3))
    indexed = tall.quantize(COLORS, method=Image.Quantize.MEDIANCUT, kmeans=1, dither=Image.Dither.NONE)
    large = indexed.resize((width * factor, frames * height * factor), Image.Resampling.NEAREST)
    duration = 10 * round(100 / fps)  # milliseconds

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
    return encoded(enlarged(frame[None], size)[0], "PNG")


def webp_bytes(clip, size=SIZE, fps=FRAMES_PER_SECOND):
    """A clip as a WebP that loops for ever and loses no colour; of one frame, a picture.

    Like those of a GIF, the frames are encoded one by one: libwebp would join neighbours that are alike.
    Source: the WebP Container Specification, "Animation".
    """
    stills = [encoded(frame, "WEBP", lossless=True) for frame in enlarged(clip, size)]
    if len(stills) == 1:
        return stills[0]
    height, width = enlarged(clip[:1], size).shape[1:3]
    shown_at = (np.arange(len(clip) + 1) * 1000 / fps).round().astype(int)  # milliseconds
    box = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunks = [chunk(b"VP8X", b"\x02\0\0\0" + box)]  # animated
    chunks.append(chunk(b"ANIM", bytes(6)))  # for ever, on a clear background
    for still, duration in zip(stills, np.diff(shown_at).tolist(), strict=True):
        place = bytes(6) + box + duration.to_bytes(3, "little") + b"\x02"  # at the corner; replaces what was there
        chunks.append(chunk(b"ANMF", place + still[12:]))  # behind the still's own header
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def chunk(name, data):
    """A chunk of a RIFF file, filled up to an even length."""
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def mp4_of(clip, size=SIZE, fps=FRAMES_PER_SECOND):
    """A clip as an MP4. Its sides must be even numbers of pixels, so that the factor may be one larger."""
    factor = enlargement(clip.shape[2], size)
    if clip.shape[1] * factor % 2 or clip.shape[2] * factor % 2:
        factor += 1
    return mp4_bytes(enlarged(clip, factor * clip.shape[2]), fps, factor)


def encoded(pixels, form, **options):
    """Pixels (H, W, 3) uint8 as a picture in a format of Pillow's."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **options)
    return file.getvalue()


def enlarged(clip, size):
    """A clip (F, H, W, 3) in [0, 1] as bytes 0 … 255, every pixel a square of a whole number of pixels."""
    factor = enlargement(clip.shape[2], size)
    return to_pixels(clip).repeat(factor, axis=1).repeat(factor, axis=2)


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
