"""Clips and pictures from files: GIF, PNG, JPEG, WebP, MP4, and NumPy's NPY.

What minidit wrote comes back in its own size, not enlarged (see `minidit.files.sizes`). Where a program joined frames
that are alike into one that is shown longer, they are several again (see `minidit.files.timing`).

A decoder of another library may raise anything at a damaged file, which is the file's fault, not ours.
"""

import math
import warnings
from os import PathLike

import numpy as np
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from minidit.errors import UserError, as_number, as_pair, as_whole, in_one_line
from minidit.files import accepted
from minidit.files.clips import existing_files
from minidit.files.places import as_path, exists, is_file, is_folder
from minidit.files.sizes import check_frames, check_size, fitted, shrunk
from minidit.files.timing import ticks
from minidit.files.videos import is_video, video_frames

MOST_PIXELS = 2**26  # of all frames as they are decoded: 1,024 frames of 256 x 256
MOST_BYTES = 2**29  # of an array
MOST_SIDE = 256  # pixels to resize to
NPY = b"\x93NUMPY"  # how such a file begins
PICTURES = ("GIF", "PNG", "JPEG", "WEBP")  # Pillow's names
EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")  # Pillow's modes of at most 8 bits a channel

# F = frames, H = height, W = width


def read_clip(path: str | PathLike, at_once: bool = False, fit: bool | tuple[int, int] = False) -> np.ndarray:
    """Reads a clip.

    Args:
        path: a GIF, PNG or WebP (all frames), a JPEG (one frame, turned upright), an MP4 (needs PyAV, the extra
            `minidit[video]`), or an NPY file of shape (F, H, W, 3) or (H, W, 3), floats in [0, 1] or uint8. With the
            place of a number in its name, as in frames/%03d.png, all such files, one after the other.
        at_once: whether a model is to work on all frames at once; then it must have as many as a model takes.
        fit: crop and resize a clip that a model can't work on to the nearest size that it can; or to this (height,
            width). What is cut off lies at both ends of one axis, the same amount at each.
    Returns:
        (F, H, W, 3) float32 in [0, 1]: each frame as many times as the ticks of the clip's own clock that it is shown.
    Raises:
        UserError: there is no such file, it is damaged or something else, or a model can't work on such a clip.
    """
    return read_timed_clip(path, at_once, fit)[0]


def read_timed_clip(path, at_once=False, fit=False):
    """As `read_clip`: the clip, and its frames per second, None if the file doesn't say."""
    clip, durations = stored_frames(path := as_path(path), at_once, fit)
    counts, tick = ticks(durations)
    check_frames(path, sum(counts))
    if sum(counts) > len(clip):
        clip = clip.repeat(counts, axis=0)
    if at_once and len(clip) not in accepted.FRAMES:
        raise wrong_length(path, len(clip))
    return clip, 1000 / tick if tick else None


def stored_frames(path, at_once, fit):
    """The frames that a file holds, (F, H, W, 3) float32 in [0, 1], and how long each is shown, as for `ticks`."""
    files = [] if exists(path) else existing_files(path)
    check_frames(path, len(files))
    if files:
        clip = joined_clip(path, [read_clip(file, fit=fit) for file in files])
    elif (kind := kind_of(path)) == "array":
        clip = array_clip(path, fit)
    else:
        clip, durations = video_clip(path, at_once, fit) if kind == "video" else image_clip(path, fit)
        return np.divide(clip, 255, out=clip), durations
    return clip, [None] * len(clip)


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
    clip, _ = stored_frames(as_path(path), False, fit)
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
    if is_folder(path):
        raise UserError(f"{path} is a folder. Give the name of a picture, a clip or an NPY file.")
    if exists(path) and not is_file(path):
        raise UserError(f"{path} is a pipe or a device. Save what comes out of it as a file, and give that.")
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
    wanted = size if size in accepted.SIZES else accepted.nearest_size(*size)
    if (pair := as_pair(fit)) is not None:
        wanted = tuple(map(as_whole, pair))
        if not all(0 < (side or 0) <= MOST_SIDE for side in wanted):
            raise UserError(f"a clip can't be resized to {fit!r}: give two whole numbers from 1 to {MOST_SIDE}.")
    return clip if size == wanted else np.stack([fitted(frame, *wanted) for frame in clip])


# ---- arrays


def load_array(path):
    """The array of an NPY file. It is mapped, not read, so that a wrong one takes no memory.

    Raises:
        UserError: it is damaged, holds objects instead of numbers, or is huge.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of headers as Python 2 wrote them
            array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:
        said = in_one_line(error)
        raise UserError(f"{path} is not a whole NPY file of numbers ({said}). Write it with numpy.save.") from error
    if array.nbytes > MOST_BYTES:
        raise UserError(f"{path} is too large to be read: it has {array.nbytes / 1e9:.1f} GB. Cut it shorter.")
    return array


def array_clip(path, fit):
    """A clip from an NPY file, in [0, 1]."""
    array = load_array(path)
    if array.ndim not in (3, 4) or array.shape[-1] != 3 or 0 in array.shape:
        raise UserError(
            f"{path} has shape {array.shape}, but a clip has (frames, height, width, 3), and a picture "
            "(height, width, 3): the last axis is red, green and blue."
        )
    clip = array if array.ndim == 4 else array[None]
    check_frames(path, len(clip))
    if not fit:
        check_size(path, *clip.shape[1:3])
    elif math.prod(clip.shape[:3]) > MOST_PIXELS:
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
    """All frames of a GIF, PNG, JPEG or WebP.

    A single picture is turned upright, as its EXIF data say. Of a photograph that holds several pictures, such as a
    preview or a depth map, only the first counts.

    Returns:
        (F, H, W, 4) uint8: red, green, blue and opacity; and how long each frame is shown, as for `ticks`.
    Raises:
        UserError: it is damaged, of another kind, or huge.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of what is odd in a file, and can be read
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=PICTURES) as image:
                frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
                if image.width * image.height * frames > MOST_PIXELS:
                    raise Image.DecompressionBombError
                check_frames(path, frames)
                if image.mode not in EIGHT_BITS:
                    raise UserError(f"{path} has more than 8 bits a channel: save it with 8.")
                if frames == 1:
                    pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGBA"))[None]
                    return pixels, [milliseconds(image)]
                return decoded_frames(path, image)
    except UnidentifiedImageError as error:
        raise UserError(
            f"{path} is not a GIF, PNG, JPEG, WebP, MP4 or NPY file. Convert it to one of these."
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(f"{path} has too many pixels to be read: give {accepted.SIZES_IN_WORDS}.") from error
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{path} is not a whole image ({in_one_line(error)}). Copy or save it again.") from error


def decoded_frames(path, image):
    """As `load_pixels`, of an animated image of Pillow's. In a damaged one, a frame may be larger than the first."""
    size, pixels, durations = image.size, [], []
    for frame in ImageSequence.Iterator(image):
        if frame.size != size:
            raise UserError(f"{path} has frames of several sizes. Convert it to one size.")
        check_frames(path, len(pixels) + 1)
        pixels.append(np.asarray(frame.convert("RGBA")))
        durations.append(milliseconds(frame))  # a WebP says it once it is decoded
    return np.stack(pixels), durations


def milliseconds(frame):
    """How long a frame of Pillow's is shown, or None if it doesn't say. In a damaged file, it may be no number."""
    duration = as_number(frame.info.get("duration"))
    return duration if math.isfinite(duration) else None


def image_clip(path, fit):
    """A clip from a GIF, PNG, JPEG or WebP, in [0, 255], and how long its frames are shown."""
    pixels, durations = load_pixels(path)
    if (pixels[..., 3] < 255).any():
        raise UserError(f"{path} has transparent pixels, but a clip has only red, green and blue: fill its background.")
    clip = shrunk(pixels[..., :3])
    if not fit and clip.shape[1:3] not in accepted.SIZES:
        clip = pixels[..., :3]  # for the error to give the size of the file
    return sized(path, clip, fit).astype(np.float32), durations


# ---- videos


def video_clip(path, at_once, fit):
    """A clip from an MP4, in [0, 255], and how long its frames are shown.

    Frame by frame, so that a long one takes no memory that its clip wouldn't.
    """
    frames, times = [], []
    for frame, factor, time in video_frames(path, MOST_PIXELS):
        height, width, _ = frame.shape
        if height % factor == width % factor == 0:
            frame = fitted(frame, height // factor, width // factor)
        frame = sized(path, frame[None], fit)[0]
        if frames and frame.shape != frames[0].shape:
            raise UserError(f"{path} has frames of several sizes. Convert it to one size.")
        if at_once and len(frames) == accepted.LONGEST:
            raise wrong_length(path, accepted.LONGEST + 1)
        check_frames(path, len(frames) + 1)
        frames.append(frame)
        times.append(math.nan if time is None else 1000 * time)
    if not frames:
        raise UserError(f"{path} has no frame in it. Copy or save it again.")
    durations = [duration if duration > 0 else None for duration in np.diff(times).tolist()]
    return np.stack(frames).astype(np.float32), [*durations, None]  # a video only says when its frames begin
