"""Which sizes of a frame a model takes, and how a clip comes to such a size.

What minidit wrote is enlarged by a whole factor, without blur; `shrunk` undoes that. `fitted` crops and resizes a clip
of any other size.
"""

import numpy as np

from minidit.errors import UserError

SHORTEST_SIDE, LONGEST_SIDE = 24, 64  # pixels: objects and patches don't fit into less or more
STEP = 8  # pixels that a latent of the shipped model is wide and high
USUAL = 32  # pixels of the shorter side of a clip that is fitted

# F = frames, H = height, W = width


def fits(height, width):
    """Whether a model can work on frames of this size."""
    return all(SHORTEST_SIDE <= side <= LONGEST_SIDE and side % STEP == 0 for side in (height, width))


def fitting():
    """What fits, in words."""
    return f"give sides of {SHORTEST_SIDE} to {LONGEST_SIDE} pixels, multiples of {STEP}"


def nearest_size(height, width):
    """(height, width) that fits, of nearly the same shape; the shorter side 32 pixels if one is too long or short."""
    too_large_or_small = not all(SHORTEST_SIDE <= side <= LONGEST_SIDE for side in (height, width))
    scale = USUAL / min(height, width) if too_large_or_small else 1
    return tuple(min(max(round(side * scale / STEP) * STEP, SHORTEST_SIDE), LONGEST_SIDE) for side in (height, width))


def check_size(path, height, width):
    """Raises a UserError with the nearest size that fits, unless this one does."""
    if not fits(height, width):
        near = "{1} x {0}".format(*nearest_size(height, width))
        raise UserError(
            f"{path} is {width} x {height} pixels: {fitting()}. With --fit it is cropped and resized to {near}."
        )


def shrunk(pixels):
    """A clip (F, H, W, 3) too large for a model, without what enlarged it.

    It is shrunk by the largest whole factor for which every block of pixels is of one colour, as long as no side
    becomes too short for a model. A photograph has no such factor.
    """
    _, height, width, _ = pixels.shape
    if max(height, width) > LONGEST_SIDE:
        for factor in range(min(height, width) // SHORTEST_SIDE, 1, -1):
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
