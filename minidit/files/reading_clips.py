"""Clips and pictures from files: GIF, PNG, and NumPy's NPY.

GIFs and PNGs that minidit wrote are enlarged without blur. An image with a side that is too long for a model is
therefore shrunk by the largest whole factor for which every block of pixels is of one colour, as long as no side
becomes too short for a model. Thus what `minidit.files.clips` wrote comes back in its own size. A photograph has no
such factor.
"""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence, UnidentifiedImageError

from minidit.errors import UserError
from minidit.generation.studio import LONGEST_SIDE, SHORTEST_SIDE

STEP = 8  # pixels that a latent of the shipped model is wide and high
USUAL = 32  # pixels of the side that is suggested for an image of a wrong size
MOST_PIXELS = 2**26  # of all frames: 1,024 frames of 256 x 256
NPY = b"\x93NUMPY"  # how such a file begins
EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")  # Pillow's modes with at most 8 bits a channel

# F = frames, H = height, W = width


def read_clip(path, most=None):
    """Reads a clip.

    Args:
        path: a GIF (all frames), a PNG (one frame, or all of an animated one), or an NPY file of shape (F, H, W, 3) or
            (H, W, 3), floats in [0, 1] or uint8.
        most: frames that it may have; by default any number.
    Returns:
        (F, H, W, 3) float32 in [0, 1].
    Raises:
        UserError: there is no such file, it is damaged or something else, or a model can't work on such a clip.
    """
    path = Path(path)
    clip = array_clip(path) if is_array(path) else image_clip(path)  # F, H, W, 3
    if most is not None and len(clip) > most:
        raise UserError(f"{path} has {len(clip)} frames, but at most {most} can be worked on at once: cut it shorter.")
    return clip


def read_image(path):
    """Reads a picture (H, W, 3) float32 in [0, 1], from a file as for `read_clip` with a single frame.

    Raises:
        UserError: it has several, or as for `read_clip`.
    """
    clip = read_clip(path)
    if len(clip) > 1:
        raise UserError(
            f"{path} has {len(clip)} frames, but a picture has one: give a PNG, or go on with a clip by minidit extend."
        )
    return clip[0]


# ---- arrays


def is_array(path):
    """Whether a file is NumPy's.

    Raises:
        UserError: it can't be read.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder. Give the name of a GIF, PNG or NPY file.")
    try:
        with open(path, "rb") as file:
            return file.read(len(NPY)) == NPY
    except FileNotFoundError as error:
        raise UserError(f"there is no file {path}. Check the name, or make one with minidit generate.") from error
    except OSError as error:
        raise UserError(f"can't read {path}: {error.strerror}. Make it readable, or give another.") from error


def load_array(path):
    """The array of an NPY file. It is mapped, not read, so that a wrong one takes no memory.

    Raises:
        UserError: it is damaged, or holds objects instead of numbers.
    """
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError, SyntaxError) as error:
        raise UserError(f"{path} is not a whole NPY file of numbers ({error}). Write it by numpy.save.") from error


def array_clip(path):
    """A clip from an NPY file."""
    array = load_array(path)
    if array.ndim not in (3, 4) or array.shape[-1] != 3 or 0 in array.shape:
        raise UserError(
            f"{path} has shape {array.shape}, but a clip has (frames, height, width, 3), and a picture "
            "(height, width, 3): the last axis is red, green and blue."
        )
    clip = array if array.ndim == 4 else array[None]
    check_size(path, *clip.shape[1:3])
    if clip.dtype == np.uint8:
        return np.array(clip, np.float32) / 255
    if clip.dtype.kind != "f":
        raise UserError(f"{path} has type {clip.dtype}, but a clip has floats from 0 to 1, or uint8 from 0 to 255.")
    if not np.isfinite(clip).all():
        raise UserError(f"{path} has NaN or infinity in it, but a clip has numbers from 0 to 1: replace them.")
    if clip.min() < 0 or clip.max() > 1:
        raise UserError(
            f"{path} has numbers from {clip.min():.4g} to {clip.max():.4g}, but a clip has numbers from 0 to 1: "
            "scale or clip them."
        )
    return np.array(clip, np.float32)


# ---- images


def load_pixels(path):
    """All frames of a GIF or PNG, (F, H, W, 4) uint8: red, green, blue and opacity.

    Raises:
        UserError: it is damaged, of another kind, or huge.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=("GIF", "PNG")) as image:
                if image.width * image.height * image.n_frames > MOST_PIXELS:
                    raise Image.DecompressionBombError
                if image.mode not in EIGHT_BITS:
                    raise UserError(f"{path} has more than 8 bits a channel: save it with 8.")
                return np.stack([np.asarray(frame.convert("RGBA")) for frame in ImageSequence.Iterator(image)])
    except UnidentifiedImageError as error:
        raise UserError(f"{path} is not a GIF, PNG or NPY file. Convert it to one.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(f"{path} has too many pixels to be read: {fitting()}.") from error
    except UserError:
        raise
    except (OSError, EOFError, SyntaxError, ValueError) as error:
        raise UserError(f"{path} is not a whole image ({error}). Copy or save it again.") from error


def image_clip(path):
    """A clip from a GIF or PNG."""
    pixels = load_pixels(path)
    if (pixels[..., 3] < 255).any():
        raise UserError(f"{path} has transparent pixels, but a clip has only red, green and blue: fill its background.")
    clip = shrunk(pixels[..., :3])
    check_size(path, *(clip if fits(*clip.shape[1:3]) else pixels).shape[1:3])
    return clip.astype(np.float32) / 255


def shrunk(pixels):
    """A clip (F, H, W, 3) too large for a model without what enlarged it, see the top of this file."""
    _, height, width, _ = pixels.shape
    if max(height, width) > LONGEST_SIDE:
        for factor in range(min(height, width) // SHORTEST_SIDE, 1, -1):
            if height % factor == 0 and width % factor == 0:
                small = pixels[:, ::factor, ::factor]
                if np.array_equal(small.repeat(factor, axis=1).repeat(factor, axis=2), pixels):
                    return small
    return pixels


def fits(height, width):
    """Whether a model can work on frames of this size."""
    return all(SHORTEST_SIDE <= side <= LONGEST_SIDE and side % STEP == 0 for side in (height, width))


def fitting():
    """What fits, in words."""
    return f"give sides of {SHORTEST_SIDE} to {LONGEST_SIDE} pixels, multiples of {STEP}"


def check_size(path, height, width):
    """Raises a UserError with the nearest size that fits, unless this one does."""
    if fits(height, width):
        return
    too_large_or_small = not all(SHORTEST_SIDE <= side <= LONGEST_SIDE for side in (height, width))
    scale = USUAL / min(height, width) if too_large_or_small else 1
    near = [min(max(round(side * scale / STEP) * STEP, SHORTEST_SIDE), LONGEST_SIDE) for side in (width, height)]
    raise UserError(f"{path} is {width} x {height} pixels: {fitting()}, for example resized to {near[0]} x {near[1]}.")
