"""Masks from files: which pixels of a clip are to be made anew."""

from pathlib import Path

import numpy as np

from minidit.errors import UserError
from minidit.files.reading_clips import is_array, load_array, load_pixels

# F, H, W = frames, height, width of the clip; f, h, w = of the mask


def read_mask(path, clip_shape):
    """Reads which pixels of a clip are to be made anew.

    Args:
        path: a PNG in which they are white (brighter than half; what is transparent counts as black), as large as the
            clip or enlarged by a whole factor, in which one white pixel of a block is enough; or a GIF of this kind
            with as many frames as the clip; or an NPY file of bools, (H, W) or (F, H, W), True where to be made.
        clip_shape: (F, H, W, 3).
    Returns:
        (H, W) or (F, H, W) bool.
    Raises:
        UserError: there is no such file, it is damaged or something else, doesn't fit the clip, or marks nothing.
    """
    path = Path(path)
    frames, height, width = clip_shape[:3]
    mask = array_mask(path) if is_array(path) else image_mask(path, height, width)
    if mask.shape not in ((height, width), (frames, height, width)):
        raise UserError(
            f"{path} has {described(mask.shape)}, but the clip has {described((frames, height, width))}: "
            f"give a mask of {width} x {height} pixels, one for all frames or one for each."
        )
    if not mask.any():
        raise UserError(f"{path} marks nothing: paint white (in an NPY file: set True) what is to be made anew.")
    return mask


def array_mask(path):
    """The bools of an NPY file."""
    mask = load_array(path)
    if mask.dtype != bool or mask.ndim not in (2, 3):
        raise UserError(
            f"{path} has shape {mask.shape} and type {mask.dtype}, but a mask has (height, width) or "
            "(frames, height, width) and bool: True where something is to be made."
        )
    return np.array(mask)


def image_mask(path, height, width):
    """Where an image is white, (f, h, w), or (h, w) if f is 1; in the clip's size if it is a whole multiple of that."""
    pixels = load_pixels(path)  # f, h, w, 4
    white = pixels[..., :3].mean(axis=-1) * pixels[..., 3] >= 255 * 255 / 2  # f, h, w
    f, h, w = white.shape
    factor = max(1, h // height)
    if (h, w) == (height * factor, width * factor):
        white = white.reshape(f, height, factor, width, factor).any(axis=(2, 4))  # f, H, W
    return white if f > 1 else white[0]


def described(shape):
    """(f, h, w) or (h, w) in words."""
    *frames, height, width = shape
    counted = f"{frames[0]} frame{'s' * (frames[0] != 1)} of " if frames else ""
    return f"{counted}{width} x {height} pixels"
