"""Masks from files: which pixels of a clip are to be replaced."""

from os import PathLike

import numpy as np

from minidit.errors import UserError
from minidit.files.places import as_path
from minidit.files.reading_clips import kind_of, load_array, load_pixels
from minidit.files.sizes import check_frames, fitted
from minidit.files.timing import ticks

# F, H, W = frames, height, width of the clip; f, h, w = of the mask


def read_mask(path: str | PathLike, clip_shape: tuple[int, ...], fit: bool = False) -> np.ndarray:
    """Reads which pixels of a clip are to be replaced.

    Args:
        path: a PNG, JPEG or WebP that is white there (brighter than half; what is transparent counts as black), as
            large as the clip or enlarged by a whole factor, in which one white pixel of a block is enough; or an
            animation of this kind with as many frames as the clip; or an NPY file of bools, (H, W) or (F, H, W), True
            where the clip is to be replaced.
        clip_shape: (F, H, W, 3).
        fit: crop and resize a mask of another size as `read_clip` does with a clip, so that a mask that was painted on
            a photograph fits the clip that the photograph became.
    Returns:
        (H, W) or (F, H, W) bool.
    Raises:
        UserError: there is no such file, it is damaged or something else, doesn't fit the clip, or marks nothing.
    """
    path = as_path(path)
    frames, height, width = clip_shape[:3]
    kind = kind_of(path)
    if kind == "video":
        raise UserError(f"{path} is a video, but a mask is a picture, an animation or an NPY file. Convert it.")
    mask = array_mask(path) if kind == "array" else image_mask(path)  # f, h, w, or h, w
    factor = max(1, mask.shape[-2] // height)
    if fit or (kind == "image" and mask.shape[-2:] == (height * factor, width * factor)):
        mask = reduced(mask, height, width)
    if mask.shape not in ((height, width), (frames, height, width)):
        raise UserError(
            f"{path} has {described(mask.shape)}, but the clip has {described((frames, height, width))}: "
            f"give a mask of {width} x {height} pixels, one for all frames or one for each."
        )
    if not mask.any():
        raise UserError(f"{path} marks nothing: paint white (in an NPY file: set True) what is to be replaced.")
    return mask


def array_mask(path):
    """The bools of an NPY file."""
    mask = load_array(path)
    if mask.dtype != bool or mask.ndim not in (2, 3):
        raise UserError(
            f"{path} has shape {mask.shape} and type {mask.dtype}, but a mask has (height, width) or "
            "(frames, height, width) and bool: True where the clip is to be replaced."
        )
    return np.array(mask)


def image_mask(path):
    """Where an image is white, (f, h, w), or (h, w) if f is 1."""
    pixels, durations = load_pixels(path)  # f, h, w, 4
    white = np.stack([frame[..., :3].mean(axis=-1) * frame[..., 3] >= 255 * 255 / 2 for frame in pixels])  # f, h, w
    if len(white) == 1:
        return white[0]
    counts, _ = ticks(durations)
    check_frames(path, sum(counts))
    return white.repeat(counts, axis=0)


def reduced(mask, height, width):
    """A mask (..., h, w) cropped and resized as a clip is; one marked pixel is enough to mark the one it goes into."""
    frames = mask.reshape(-1, *mask.shape[-2:])
    marked = np.stack([fitted(frame, height, width) > 1e-6 for frame in frames])
    return marked.reshape(*mask.shape[:-2], height, width)


def described(shape):
    """(f, h, w) or (h, w) in words."""
    *frames, height, width = shape
    counted = f"{frames[0]} frame{'s' * (frames[0] != 1)} of " if frames else ""
    return f"{counted}{width} x {height} pixels"
