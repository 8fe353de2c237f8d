"""How a clip comes to a size that a model takes.

What minidit wrote is enlarged by a whole factor, without blur; `shrunk` undoes that. `fitted` crops and resizes a clip
of any other size.
"""

import numpy as np

from minidit.errors import UserError
from minidit.files.accepted import MOST_FRAMES, SIZES, SIZES_IN_WORDS, nearest_size

LEAST, MOST = min(map(min, SIZES)), max(map(max, SIZES))  # pixels of a side

# F = frames, H = height, W = width


def check_size(path, height, width):
    """Raises a UserError with the nearest size that a model takes, unless it takes this one."""
    if (height, width) not in SIZES:
        near = "{1} x {0}".format(*nearest_size(height, width))
        raise UserError(
            f"{path} is {width} x {height} pixels: give {SIZES_IN_WORDS}. "
            f"With --fit it is cropped and resized to {near}."
        )


def check_frames(name, frames):
    """Raises a UserError for a clip of more frames than fit into a file that minidit makes."""
    if frames > MOST_FRAMES:
        raise UserError(f"{name} has more than {MOST_FRAMES:,} frames, the most that a clip may have: make it shorter.")


def shrunk(pixels):
    """A clip (F, H, W, 3) too large for a model, without what enlarged it.

    It is shrunk by the largest whole factor for which every block of pixels is of one colour, as long as no side
    becomes too short for a model. A photograph has no such factor.
    """
    _, height, width, _ = pixels.shape
    if max(height, width) > MOST:
        for factor in range(min(height, width) // LEAST, 1, -1):
            if height % factor == 0 and width % factor == 0:
                small = pixels[:, ::factor, ::factor]
                if np.array_equal(small.repeat(factor, axis=1).repeat(factor, axis=2), pixels):
                    return small
    return pixels


def fitted(frame, height, width):
    """A frame (H, W, ...) cropped around its middle to the shape of (height, width), and resized to it.

    Each new pixel is the mean of the area that it covers.

    Returns:
        (height, width, ...) float32.
    """
    scale = min(frame.shape[0] / height, frame.shape[1] / width)  # pixels of the frame for each new one
    rows, columns = covered(frame.shape[0], height, scale), covered(frame.shape[1], width, scale)
    planes = np.moveaxis(frame, (0, 1), (-2, -1))  # ..., H, W
    small = np.stack([rows @ plane.astype(np.float32) @ columns.T for plane in planes.reshape(-1, *frame.shape[:2])])
    small = small.clip(frame.min(), frame.max())  # where rounding left it
    return np.moveaxis(small.reshape(*planes.shape[:-2], height, width), (-2, -1), (0, 1))


def covered(length, count, scale):
    """How much of each of `length` pixels goes into each of `count` new ones, `scale` pixels wide: (count, length)."""
    begin = (length - count * scale) / 2
    edges = begin + scale * np.arange(count + 1)  # count + 1
    reached = (edges[:, None] - np.arange(length)).clip(0, 1)  # count + 1, length   of each pixel, up to each edge
    return (np.diff(reached, axis=0) / scale).astype(np.float32)
