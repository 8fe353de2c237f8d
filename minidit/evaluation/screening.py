"""Where a fit of the renderer to a clip begins: sky and colour by a lower bound, then all shapes, ways and places.

Both searches are exhaustive, so that the fit of `fitting.py` starts next to the best clip and not in a local minimum.
"""

from functools import lru_cache
from itertools import product

import numpy as np

from minidit.world.attributes import COLORS, MOTIONS, SHAPES, SKIES, Attributes
from minidit.world.renderer import (
    BRIGHTNESS,
    COLOR_VALUES,
    MARGIN,
    RADIUS,
    STAR_BRIGHTNESS,
    lerp,
    place,
    scale_of,
    sky_images,
)
from minidit.world.shapes import coverage

# N = clips, F = frames, H = rows, W = columns, S = sizes tried, C = centres tried, K = paths tried
# Skies, colours, shapes and motions are indices into SKIES, COLORS, SHAPES and MOTIONS.

STEP = 0.5                 # pixels of a 16-pixel frame between the places tried
RADII = (0.25, 0.75)       # the sizes tried, in the range of radii
TRAVELS = (0.0, 0.5, 1.0)  # the travels tried, in their range
MIDDLE = 0.5               # of the range of radii or of starlight


def least_errors(clips):
    """How close a clip of some sky and colour can come at best, whatever its shape, and wherever it moves.

    Each pixel for itself takes the nearest mixture of sky and colour. The sky's brightness is the one that suits these
    mixtures, its stars are of middle brightness; but for that little, this is a lower bound.

    Args:
        clips: (N, F, H, W, 3) in [0, 1].
    Returns:
        mean squared error of a pixel value, and what is added to the sky: (N, 3, 5) each, for all SKIES and COLORS.
    """
    pixels = np.ascontiguousarray(np.moveaxis(clips, -1, 0))   # 3, N, F, H, W
    errors = np.empty((len(clips), len(SKIES), len(COLORS)))
    brightness = np.zeros_like(errors, dtype=np.float32)
    for pair in product(range(len(SKIES)), range(len(COLORS))):
        covered, rest, _ = mixtures(pixels, *pair, brightness[:, *pair])
        free = 1 - np.clip(covered, 0, 1)                      # N, F, H, W
        missing = (free * rest.mean(axis=0)).sum(axis=(1, 2, 3)) / (free * free).sum(axis=(1, 2, 3)).clip(1e-6)  # N
        brightness[:, *pair] = np.clip(missing, *BRIGHTNESS)
        _, rest, _ = mixtures(pixels, *pair, brightness[:, *pair])
        errors[:, *pair] = (rest * rest).mean(axis=(0, 2, 3, 4))
    return errors, brightness


def mixtures(pixels, sky, color, brightness):
    """How much of a colour each pixel has before a sky.

    Args:
        pixels: (3, N, F, H, W).
        sky, color: one for all clips, or (N,).
        brightness: (N,), added to the sky.
    Returns:
        the share of the colour (N, F, H, W), which can lie outside [0, 1]; what the nearest share in [0, 1] leaves
        unexplained (3, N, F, H, W); and the squared contrast (N, 1, H, W).
    """
    count, size = pixels.shape[1], pixels.shape[-2:]
    starlight = np.full(count, lerp(STAR_BRIGHTNESS, MIDDLE), np.float32)  # N
    backdrop = sky_images(np.broadcast_to(sky, count), brightness, starlight, size)  # N, H, W, 3
    backdrop = np.moveaxis(backdrop, -1, 0)[:, :, None]        # 3, N, 1, H, W
    color = np.broadcast_to(COLOR_VALUES[color], (count, 3)).T[:, :, None, None, None]  # 3, N, 1, 1, 1
    contrast = color - backdrop                                # 3, N, 1, H, W
    square = (contrast * contrast).sum(axis=0)                 # N, 1, H, W
    rest = pixels - backdrop                                   # 3, N, F, H, W
    covered = (rest * contrast).sum(axis=0) / square           # N, F, H, W
    rest -= np.clip(covered, 0, 1) * contrast
    return covered, rest, square


@lru_cache(maxsize=4)
def screen_for(size, frames):
    """The Screen of a size (rows, columns) and a number of frames, kept for the next batch of such clips."""
    return Screen(size, frames)


class Screen:
    """All shapes at all places of a grid, and all straight paths between these, for clips of one size.

    Attributes:
        motions: those that can be told apart, MOTIONS, or (None,) in a single frame.
        pictures: for each shape (S * C, H * W), how much it covers of each pixel.
        draws: for each motion (K, 6), the paths tried, as `minidit.world.renderer.render_draws` takes them.
        paths: for each motion (K, F), where on the grid they are in each frame.
    """

    def __init__(self, size, frames):
        self.motions = MOTIONS if frames > 1 else (None,)
        step = STEP * scale_of(size)
        margin = MARGIN * RADIUS[0] * scale_of(size)
        ys, xs = (np.arange(margin, length - 1 - margin + step, step, dtype=np.float32) for length in size)
        x, y = (axis.ravel() for axis in np.meshgrid(xs, ys))  # C each
        radius = lerp(RADIUS, np.repeat(np.array(RADII, np.float32), x.size)) * scale_of(size)  # S * C
        places = np.tile(x, len(RADII))[:, None], np.tile(y, len(RADII))[:, None]  # S * C, 1 each
        self.pictures = [coverage(shape, *places, radius, size)[:, 0] for shape in range(len(SHAPES))]
        self.pictures = [p.reshape(len(p), -1) for p in self.pictures]  # of each shape: S * C, H * W
        starts = [np.linspace(0, 1, len(axis)) for axis in (xs, ys)]
        self.draws, self.paths = [], []                        # of each motion: (K, 6); (K, F), index of a centre
        for motion in self.motions:
            travels = TRAVELS if motion not in (None, "still") else (MIDDLE,)
            lattice = product((MIDDLE,), travels, *starts, (MIDDLE,), (MIDDLE,))
            draws = np.array(list(lattice), dtype=np.float32)  # K, 6
            shown = Attributes(COLORS[0], SHAPES[0], motion, SKIES[0])
            centers, _ = place([shown] * len(draws), draws, size, frames)  # K, F, 2
            column, row = (
                np.clip(np.rint((centers[..., axis] - margin) / step), 0, len(grid) - 1).astype(int)
                for axis, grid in enumerate((xs, ys))
            )                                                  # K, F each
            self.draws.append(draws)
            self.paths.append(row * len(xs) + column)

    def search(self, clips, sky, color, brightness):
        """The best path and size for each shape and motion before one sky and in one colour.

        The error of a drawn clip is, but for a constant, the sum over its pixels of contrast² · (cover² - 2 · cover ·
        share of the colour): two products of matrices.

        Args:
            clips: (N, F, H, W, 3).
            sky, color, brightness: (N,).
        Returns:
            error (N, 5, motions), a sum over pixels that has meaning only in comparison; draws (N, 5, motions, 6).
        """
        count, frames = clips.shape[:2]
        covered, _, square = mixtures(np.moveaxis(clips, -1, 0), sky, color, brightness)
        wanted = (square * covered).reshape(count * frames, -1).T  # H * W, N * F
        weight = square.reshape(count, -1).T                   # H * W, N
        errors = np.empty((count, len(SHAPES), len(self.motions)))
        draws = np.empty((*errors.shape, 6), dtype=np.float32)
        clip = np.arange(count)
        for shape, pictures in enumerate(self.pictures):
            own = (pictures * pictures) @ weight               # S * C, N
            each = own[:, :, None] - 2 * (pictures @ wanted).reshape(-1, count, frames)  # S * C, N, F
            each = each.reshape(len(RADII), -1, count, frames)  # S, C, N, F
            for motion, paths in enumerate(self.paths):
                along = sum(each[..., frame][:, paths[:, frame]] for frame in range(frames))  # S, K, N
                best = along.reshape(-1, count).argmin(axis=0)  # N
                size, path = np.divmod(best, len(paths))       # N; N
                errors[:, shape, motion] = along[size, path, clip]
                draws[:, shape, motion] = self.draws[motion][path]
                draws[:, shape, motion, 0] = np.array(RADII, np.float32)[size]
        return errors, draws
