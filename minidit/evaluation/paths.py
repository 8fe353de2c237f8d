"""How the object of a clip moves. Paths are (N, F, 2): x and y of its centre in every frame, in pixels.

They come from `centers`, or from the renderer. A frame in which no centre can be seen has NaN; what would need it is
left out, and measures of clips from which an object vanishes stand beside `lost`, so that this can't be a gain.
"""

import numpy as np

from minidit.world.tracing import trace

# N = clips, F = frames

SLOWEST = 0.1  # pixels per frame, below which an object counts as still and an error has nothing to be relative to


def centers(clips):
    """The measured path of the object in each clip (N, F, H, W, 3), see `minidit.world.tracing.trace`: (N, F, 2)."""
    measured = trace(clips)
    return np.stack([measured.x, measured.y], axis=-1)         # N, F, 2


def velocities(paths):
    """From each frame to the next, in pixels per frame: (N, F - 1, 2)."""
    return np.diff(np.asarray(paths, dtype=float), axis=1)


def lost(made, true):
    """Share of the frames of each true path that have a centre, in which the made path has none: (N,)."""
    seen, missing = ~np.isnan(true).any(axis=-1), np.isnan(made).any(axis=-1)  # N, F each
    return mean_over_frames(np.where(seen, missing, np.nan))


def center_errors(made, true):
    """Distance of the made centres from the true ones, in pixels: (N, F)."""
    return length(np.asarray(made, dtype=float) - true)


def velocity_errors(made, true):
    """Length of the difference of made and true velocity, in pixels per frame: (N, F - 1)."""
    return length(velocities(made) - velocities(true))


def relative_velocity_error(made, true, steps=None):
    """Mean velocity error, divided by the mean true speed: (N,), NaN for objects that are still.

    0 is perfect; an object that stops has 1, one that turns round 2. Both means are over the same steps, those in
    which both paths can be seen: else an object would gain by vanishing where it should be fast.

    Args:
        made, true: (N, F, 2), steps: (F - 1,) bool, those to be counted; by default all.
    """
    chosen = slice(None) if steps is None else np.asarray(steps, dtype=bool)
    errors = velocity_errors(made, true)[:, chosen]            # N, steps
    speeds = np.where(np.isnan(errors), np.nan, length(velocities(true))[:, chosen])  # N, steps
    error, speed = mean_over_frames(errors), mean_over_frames(speeds)  # N each
    return np.where(speed >= SLOWEST, error / np.maximum(speed, SLOWEST), np.nan)


def seam(paths, border):
    """How far the step across a border is from what the path does otherwise, in pixels per frame: (N,).

    The length of (velocity from frame border - 1 to frame border) - (mean velocity of all other steps). 0 on a
    straight path at constant speed.

    Args:
        paths: (N, F, 2), border: the first frame after it, 1 to F - 1.
    """
    steps = velocities(paths)                                  # N, F - 1, 2
    if not 1 <= border <= steps.shape[1]:
        raise ValueError(f"a path of {steps.shape[1] + 1} frames has no border before frame {border}")
    others = np.delete(steps, border - 1, axis=1)              # N, F - 2, 2
    return length(steps[:, border - 1] - mean_over_frames(others.swapaxes(1, 2)))


def roughness(paths, frames=None):
    """The largest second difference of the centres, in pixels per frame²: (N,). 0 on a straight, even path.

    Args:
        paths: (N, F, 2).
        frames: (F,) bool; only second differences that touch such a frame count. By default all.
    """
    second = length(np.diff(np.asarray(paths, dtype=float), n=2, axis=1))  # N, F - 2
    if frames is not None:
        frames = np.asarray(frames, dtype=bool)
        second = second[:, frames[:-2] | frames[1:-1] | frames[2:]]
    return np.fmax.reduce(second, axis=1, initial=np.nan)


def typical_step(paths):
    """Median length of a step, in pixels per frame: (N,)."""
    steps = length(velocities(paths))                          # N, F - 1
    known = ~np.isnan(steps).all(axis=1)                       # N
    typical = np.full(len(steps), np.nan)
    typical[known] = np.nanmedian(steps[known], axis=1)
    return typical


def wrap_step(paths):
    """Length of the step from the last frame back to the first, in pixels per frame: (N,)."""
    paths = np.asarray(paths, dtype=float)
    return length(paths[:, 0] - paths[:, -1])


def rms_distance(made, original):
    """Root mean squared distance of the centres of two paths, over the frames, in pixels: (N,)."""
    return np.sqrt(mean_over_frames(center_errors(made, original) ** 2))


def length(vectors):
    """Euclidean, of the last axis: (..., 2) -> (...)."""
    return np.hypot(vectors[..., 0], vectors[..., 1])


def mean_over_frames(values):
    """Mean over the last axis of what is not NaN, NaN where nothing is: (..., F) -> (...)."""
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=-1) / np.maximum(count, 1), np.nan)
