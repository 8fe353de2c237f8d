"""Clips and pictures from files: GIF, PNG, JPEG, WebP, MP4, and NumPy's NPY.

What minidit wrote comes back in its own size, not enlarged (see `minidit.files.sizes`). A file has as many frames as it
holds, however long each is shown: where a program joined frames that are alike, they stay one.
"""

import struct
import warnings
from os import PathLike
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from minidit.errors import UserError
from minidit.files import accepted
from minidit.files.clips import existing_files
from minidit.files.sizes import check_size, fitted, shrunk
from minidit.files.videos import is_video, video_frames

MOST_PIXELS = 2**26  # of all frames: 1,024 frames of 256 x 256
NPY = b"\x93NUMPY"  # how such a file begins
PICTURES = ("GIF", "PNG", "JPEG", "WEBP")  # Pillow's names
EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")  # Pillow's modes of at most 8 bits a channel

# F = frames, H = height, W = width


def read_clip(
    path: str | PathLike, at_once: bool = False, fit: bool | tuple[int, int] = False
) -> np.ndarray:
    """Reads a clip.

    Args:
        path: a GIF, PNG or WebP (all frames), a JPEG (one frame, turned upright), an MP4 (needs PyAV, the extra
            `minidit[video]`), or an NPY file of shape (F, H, W, 3) or (H, W, 3), floats in [0, 1] or uint8. With the
            place of a number in its name, as in frames/%03d.png, all such files, one after the other.
        at_once: whether a model is to work on all frames at once; then it must have as many as a model takes.
        fit: crop and resize a clip that a model can't work on to the nearest size that it can; or to this (height,
            width). What is cut off lies at both ends of one axis, the same amount at each.
    Returns:
        (F, H, W, 3) float32 in [0, 1].
    Raises:
        UserError: there is no such file, it is damaged or something else, or a model can't work on such a clip.
    """
    path = Path(path)
    files = [] if path.exists() else existing_files(path)
    if files:
        clip = joined_clip(path, [read_clip(file, fit=fit) for file in files])
    elif (kind := kind_of(path)) == "array":
        clip = array_clip(path, fit)
    else:
        clip = (video_clip(path, at_once, fit) if kind == "video" else image_clip(path, fit)) / 255  # F, H, W, 3
    if at_once and len(clip) not in accepted.FRAMES:
        raise wrong_length(path, len(clip))
    return clip


def joined_clip(path, parts):
    """Clips of one size, one after the other.

    Raises:
        UserError: they have several sizes.
    """
    if len({part.shape[1:] for part in parts}) > 1:
        raise UserError(f"{path} has frames of several sizes. Convert it to one size.")
    return np.concatenate(parts)


def read_image(path: str | PathLike, fit: bool | tuple[int, int] = False) -> np.ndarray:
    """Reads a picture (H, W, 3) float32 in [0, 1], from a file as for `read_clip` with a single frame.

    Raises:
        UserError: it has several, or as for `read_clip`.
    """
    clip = read_clip(path, fit=fit)
    if len(clip) > 1:
        raise UserError(
            f"{path} has {len(clip)} frames, but a picture has one: give a picture, or continue this clip with "
            "minidit extend."
        )
    return clip[0]


def wrong_length(path, frames):
    """The error for a clip of a number of frames that a model doesn't take at once."""
    near = accepted.nearest_length(frames)
    has, remedy = frames, f"make it {near} with minidit extend"
    if frames > near:
        has, remedy = f"more than {near}", "cut it shorter"
    return UserError(f"{path} has {has} frames, but a model works on {accepted.FRAMES_IN_WORDS} at once: {remedy}.")


def kind_of(path):
    """What a file holds, by how it begins: "array", "video" or, by default, "image".

    Raises:
        UserError: it can't be read.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder. Give the name of a picture, a clip or an NPY file.")
    try:
        with open(path, "rb") as file:
            beginning = file.read(8)
    except FileNotFoundError as error:
        raise UserError(f"there is no file {path}. Check the name and the folder.") from error
    except OSError as error:
        raise UserError(f"can't read {path}: {error.strerror}. Make it readable, or give another.") from error
    return "array" if beginning.startswith(NPY) else "video" if is_video(beginning) else "image"


def sized(path, clip, fit):
    """A clip (F, H, W, 3), if a model can work on its size; otherwise cropped and resized, as `fit` says.

    Raises:
        UserError: the size doesn't fit, and `fit` is False.
    """
    size = clip.shape[1:3]
    if not fit:
        check_size(path, *size)
    wanted = fit if isinstance(fit, tuple) else size if size in accepted.SIZES else accepted.nearest_size(*size)
    return clip if size == wanted else np.stack([fitted(frame, *wanted) for frame in clip])


# ---- arrays


def load_array(path):
    """The array of an NPY file. It is mapped, not read, so that a wrong one takes no memory.

    Raises:
        UserError: it is damaged, or holds objects instead of numbers.
    """
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError, SyntaxError) as error:
        raise UserError(f"{path} is not a whole NPY file of numbers ({error}). Write it with numpy.save.") from error


def array_clip(path, fit):
    """A clip from an NPY file, in [0, 1]."""
    array = load_array(path)
    if array.ndim not in (3, 4) or array.shape[-1] != 3 or 0 in array.shape:
        raise UserError(
            f"{path} has shape {array.shape}, but a clip has (frames, height, width, 3), and a picture "
            "(height, width, 3): the last axis is red, green and blue."
        )
    clip = array if array.ndim == 4 else array[None]
    if not fit:
        check_size(path, *clip.shape[1:3])
    elif np.prod(clip.shape[:3]) > MOST_PIXELS:
        raise UserError(f"{path} has too many pixels to be resized: make it smaller.")
    if clip.dtype == np.uint8:
        return np.array(sized(path, clip, fit), np.float32) / 255
    if clip.dtype.kind != "f":
        raise UserError(f"{path} has type {clip.dtype}, but a clip has floats from 0 to 1, or uint8 from 0 to 255.")
    if not np.isfinite(clip).all():
        raise UserError(f"{path} has NaN or infinity in it, but a clip has numbers from 0 to 1: replace them.")
    if clip.min() < 0 or clip.max() > 1:
        raise UserError(
            f"{path} has numbers from {clip.min():.4g} to {clip.max():.4g}, but a clip has numbers from 0 to 1: "
            "scale or clip them."
        )
    return np.array(sized(path, clip, fit), np.float32)


# ---- images


def load_pixels(path):
    """All frames of a GIF, PNG, JPEG or WebP, (F, H, W, 4) uint8: red, green, blue and opacity.

    A single picture is turned upright, as its EXIF data say. Of a photograph that holds several pictures, such as a
    preview or a depth map, only the first counts.

    Raises:
        UserError: it is damaged, of another kind, or huge.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=PICTURES) as image:
                frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
                if image.width * image.height * frames > MOST_PIXELS:
                    raise Image.DecompressionBombError
                if image.mode not in EIGHT_BITS:
                    raise UserError(f"{path} has more than 8 bits a channel: save it with 8.")
                if frames == 1:
                    return np.asarray(ImageOps.exif_transpose(image).convert("RGBA"))[None]
                return np.stack([np.asarray(frame.convert("RGBA")) for frame in ImageSequence.Iterator(image)])
    except UnidentifiedImageError as error:
        raise UserError(
            f"{path} is not a GIF, PNG, JPEG, WebP, MP4 or NPY file. Convert it to one of these."
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(f"{path} has too many pixels to be read: give {accepted.SIZES_IN_WORDS}.") from error
    except UserError:
        raise
    except (OSError, EOFError, SyntaxError, ValueError, struct.error) as error:
        raise UserError(f"{path} is not a whole image ({error}). Copy or save it again.") from error


def image_clip(path, fit):
    """A clip from a GIF, PNG, JPEG or WebP, in [0, 255]."""
    pixels = load_pixels(path)
    if (pixels[..., 3] < 255).any():
        raise UserError(f"{path} has transparent pixels, but a clip has only red, green and blue: fill its background.")
    clip = shrunk(pixels[..., :3])
    if not fit and clip.shape[1:3] not in accepted.SIZES:
        clip = pixels[..., :3]  # for the error to give the size of the file
    return sized(path, clip, fit).astype(np.float32)


# ---- videos


def video_clip(path, at_once, fit):
    """A clip from an MP4, in [0, 255]. Frame by frame, so that a long one takes no memory that its clip wouldn't."""
    frames, pixels = [], 0
    for frame, factor in video_frames(path, MOST_PIXELS):
        height, width, _ = frame.shape
        if height % factor == width % factor == 0:
            frame = fitted(frame, height // factor, width // factor)
        frame = sized(path, frame[None], fit)[0]
        if frames and frame.shape != frames[0].shape:
            raise UserError(f"{path} has frames of several sizes. Convert it to one size.")
        pixels += frame.shape[0] * frame.shape[1]
        if at_once and len(frames) == accepted.LONGEST:
            raise wrong_length(path, accepted.LONGEST + 1)
        if pixels > MOST_PIXELS:
            raise UserError(f"{path} has too many pixels to be read: cut it shorter.")
        frames.append(frame)
    if not frames:
        raise UserError(f"{path} has no frame in it. Copy or save it again.")
    return np.stack(frames).astype(np.float32)
