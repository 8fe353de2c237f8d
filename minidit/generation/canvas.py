"""Canvases: clips in which some latents are known. `minidit.generation.text_to_video.generate` makes the others."""

from dataclasses import dataclass

import numpy as np

from minidit.layers.patchify import patch_grid

# N = clips; F, H, W = frames, rows, columns in pixels; f, r, c = in latents


@dataclass(frozen=True, eq=False)
class Canvas:
    """A clip, and which of its latents are known.

    Attributes:
        clip: (F, H, W, 3) in [0, 1]. What is not known of it matters only for a `start` above 0.
        known: (f, r, c) bool, the latents that are kept.
    """

    clip: np.ndarray
    known: np.ndarray


def in_pixels(known, patch):
    """Latents (N, f, r, c) to the pixels that they stand for (N, F, H, W)."""
    for axis, step in enumerate(patch, start=1):
        known = known.repeat(step, axis=axis)
    return known


def frames_known(clip, known, patch):
    """A Canvas whose known latents are whole frames.

    Args:
        clip: (F, H, W, 3), known: (F,) bool.
        patch: of the codec, (1, rows, columns): a latent is of one frame.
    """
    _, rows, columns = patch_grid(clip.shape[:3], patch)
    return Canvas(clip, np.broadcast_to(known[:, None, None], (len(clip), rows, columns)))


def continued(clip, before, after, patch):
    """A Canvas with a known clip (F, H, W, 3), and a number of unknown frames before and after it."""
    frames = before + len(clip) + after
    canvas = np.zeros((frames, *clip.shape[1:]), np.float32)
    canvas[before : before + len(clip)] = clip
    index = np.arange(frames)
    return frames_known(canvas, (index >= before) & (index < before + len(clip)), patch)


def between(first, second, frames, patch):
    """A Canvas with a number of unknown frames between two known clips of one size."""
    gap = np.zeros((frames, *first.shape[1:]), np.float32)
    known = np.repeat([True, False, True], [len(first), frames, len(second)])
    return frames_known(np.concatenate([first, gap, second]), known, patch)


def with_holes(clip, mask, patch):
    """A Canvas of a clip (F, H, W, 3) in which every latent that a mask touches is unknown.

    Args:
        mask: (F, H, W) bool, True where something is missing.
    """
    f, r, c = patch_grid(clip.shape[:3], patch)
    cells = mask.reshape(f, patch[0], r, patch[1], c, patch[2])
    return Canvas(clip, ~cells.any(axis=(1, 3, 5)))


def blank(frames, size, patch):
    """A Canvas on which nothing is known, of a number of frames of (rows, columns)."""
    clip = np.zeros((frames, *size, 3), np.float32)
    return Canvas(clip, np.zeros(patch_grid(clip.shape[:3], patch), bool))
