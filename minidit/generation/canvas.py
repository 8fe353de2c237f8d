"""One mechanism for many uses: of a clip some latents are given, and the network makes the others.

What is given goes in clean, at t = 1; the rest starts as noise. Whether that continues a clip, joins two of them or
fills a hole is only a matter of what is given.
"""

from dataclasses import dataclass

import numpy as np

from minidit.backend import moved, to_host
from minidit.diffusion.paths import RectifiedFlow
from minidit.errors import UserError
from minidit.generation.text_to_video import BATCH, NoiseOfEach, sample_latents, starting_noise

LONGEST = 16  # frames of a canvas: more were never seen in training
CONTEXT = 8  # frames that are looked at to continue a clip
END = 4  # frames of each of two clips that are looked at to join them

# N = clips; F, H, W = frames, rows, columns in pixels; f, r, c = in latents


@dataclass(frozen=True, eq=False)
class Canvas:
    """A clip of which a part is given.

    Attributes:
        clip: (F, H, W, 3) in [0, 1]. What is not known of it matters only for a `start` above 0.
        known: (f, r, c) bool, the latents that are given.
    """

    clip: np.ndarray
    known: np.ndarray


def complete(
    model,
    canvases,
    prompts,
    seeds,
    steps=None,
    guidance=None,
    sampler="euler",
    shift=None,
    interval=(0.0, 1.0),
    callback=None,
    start=0.0,
):
    """Makes what is not known.

    Args:
        model: VideoModel, with conditioning channels unless nothing is known and the clips are of its own size.
        canvases: N Canvas, of any sizes; those of one size are made together.
        prompts, seeds: N each.
        steps, guidance, sampler, shift, interval, callback: as for `minidit.generation.text_to_video.generate`.
        start: above 0 what is not known starts from the clip itself, noised as at this time, instead of pure noise.
    Returns:
        a list of N clips (F, H, W, 3) in [0, 1], in which all pixels of known latents are as they were given.
    Raises:
        UserError: the model has no conditioning channels and would need them, or as for `generate`.
    """
    settings = model.settings
    steps = settings.steps if steps is None else steps
    guidance = settings.guidance if guidance is None else guidance
    shift = settings.shift if shift is None else shift
    made = [None] * len(canvases)
    for chosen in of_one_size(canvases):
        part = [canvases[n] for n in chosen]
        clips, known = (np.stack([getattr(canvas, name) for canvas in part]) for name in ("clip", "known"))
        own_size = (settings.frames, settings.size, settings.size)
        if not settings.dit.conditioning_channels and (known.any() or clips.shape[1:4] != own_size):
            raise UserError(
                "this model can only make whole clips of its own size. Use the shipped checkpoint, or train one: "
                "minidit train --preset studio"
            )
        chosen_seeds = [seeds[n] for n in chosen]
        shape = (*known.shape[1:], settings.codec.channels)
        x = moved(starting_noise(shape, chosen_seeds), model.xp)  # N, f, r, c, C
        given = None
        if known.any() or start > 0:
            given = model.codec.encode(moved(clips, model.xp))  # N, f, r, c, C
            x = RectifiedFlow().noised(given, x, start)
        latents = sample_latents(
            model,
            [prompts[n] for n in chosen],
            x,
            steps,
            guidance,
            sampler,
            shift,
            interval,
            NoiseOfEach(chosen_seeds),
            callback,
            given,
            moved(known, model.xp) if known.any() else None,
            start=start,
        )
        decoded = to_host(model.codec.decode(latents))  # N, F, H, W, 3
        kept = in_pixels(known, settings.codec.patch)[..., None]  # N, F, H, W, 1
        for n, clip in zip(chosen, np.where(kept, clips, decoded), strict=True):
            made[n] = clip
    return made


def of_one_size(canvases):
    """Lists of indices, at most BATCH each, of canvases that have one size."""
    groups = {}
    for n, canvas in enumerate(canvases):
        groups.setdefault(canvas.clip.shape, []).append(n)
    return [group[i : i + BATCH] for group in groups.values() for i in range(0, len(group), BATCH)]


def latent_grid(shape, patch):
    """(frames, rows, columns) in latents of a clip of so many frames, rows and columns of pixels."""
    return tuple(length // step for length, step in zip(shape, patch, strict=True))


def in_pixels(known, patch):
    """Latents (N, f, r, c) to the pixels that they stand for (N, F, H, W)."""
    for axis, step in enumerate(patch, start=1):
        known = known.repeat(step, axis=axis)
    return known


def frames_known(clip, known, patch):
    """A Canvas of which whole frames are known.

    Args:
        clip: (F, H, W, 3), known: (F,) bool.
        patch: of the codec, (1, rows, columns): a latent is of one frame.
    """
    _, rows, columns = latent_grid(clip.shape[:3], patch)
    return Canvas(clip, np.broadcast_to(known[:, None, None], (len(clip), rows, columns)))


def continued(clip, before, after, patch):
    """A Canvas of a clip (F, H, W, 3) with so many frames to be made before and after it."""
    frames = before + len(clip) + after
    canvas = np.zeros((frames, *clip.shape[1:]), np.float32)
    canvas[before : before + len(clip)] = clip
    index = np.arange(frames)
    return frames_known(canvas, (index >= before) & (index < before + len(clip)), patch)


def between(first, second, frames, patch):
    """A Canvas of so many frames to be made between two clips of one size."""
    gap = np.zeros((frames, *first.shape[1:]), np.float32)
    known = np.repeat([True, False, True], [len(first), frames, len(second)])
    return frames_known(np.concatenate([first, gap, second]), known, patch)


def with_holes(clip, mask, patch):
    """A Canvas of a clip (F, H, W, 3) in which every latent is to be made that a mask touches.

    Args:
        mask: (F, H, W) bool, True where something is missing.
    """
    f, r, c = latent_grid(clip.shape[:3], patch)
    cells = mask.reshape(f, patch[0], r, patch[1], c, patch[2])
    return Canvas(clip, ~cells.any(axis=(1, 3, 5)))


def blank(frames, size, patch):
    """A Canvas of which nothing is known: so many frames of (rows, columns)."""
    clip = np.zeros((frames, *size, 3), np.float32)
    return Canvas(clip, np.zeros(latent_grid(clip.shape[:3], patch), bool))
