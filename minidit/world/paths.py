"""Paths through the picture: straight ones, and curves from one straight path into another.

All positions are x and y in pixels, all arrays float32.
"""

import numpy as np

from minidit.world.renderer import straight_paths

# N = clips, F = frames


def straight_through(step, position, radius, size, frames, start, stop):
    """Straight paths that lie inside the picture in some of the frames, and continue straight before and after.

    If these frames don't fit into the picture, their middle is centred in it.

    Args:
        step: (N, 2) from a frame to the next.
        position: (N, 2) in [0, 1), where to start between the first and the last possible place.
        radius: (N,).
        size: (rows, columns).
        frames: F.
        start, stop: the frames start … stop - 1 are inside.
    Returns:
        (N, F, 2).
    """
    inside = straight_paths(step * (stop - 1 - start), position, radius, size, 1)  # N, 1, 2    their first place
    time = np.arange(frames, dtype=np.float32) - start         # F
    return inside + step[:, None] * time[:, None]


def bent_paths(first_step, last_step, first_place, last_place, radius, size, frames, before, after):
    """Two straight paths, connected by the smoothest curve that leaves one and enters the other without a jerk.

    Both straight paths are inside the picture. From frame before - 1 to frame F - after, a cubic Hermite curve matches
    both places and both speeds.

    Args:
        first_step, last_step: (N, 2) from a frame to the next.
        first_place, last_place: (N, 2) in [0, 1), of the two straight paths, as the position for `straight_paths`.
        radius: (N,), size: (rows, columns), frames: F.
        before, after: frames of the first and the last path.
    Returns:
        (N, F, 2).
    """
    start = straight_paths(first_step * (before - 1), first_place, radius, size, before)[:, -1]  # N, 2
    stop = straight_paths(last_step * (after - 1), last_place, radius, size, after)[:, 0]  # N, 2
    first, last = before - 1, frames - after                   # frames of these places
    duration = last - first

    index = np.arange(frames, dtype=np.float32)[:, None]       # F, 1
    u = (index - first) / duration                             # F, 1    0 where the curve begins, 1 where it ends
    start, stop, first_step, last_step = (array[:, None] for array in (start, stop, first_step, last_step))  # N, 1, 2
    curve = (
        (1 + 2 * u) * (1 - u) ** 2 * start
        + u * (1 - u) ** 2 * duration * first_step
        + u**2 * (3 - 2 * u) * stop
        + u**2 * (u - 1) * duration * last_step
    )                                                          # N, F, 2
    way_out = start + (index - first) * first_step             # N, F, 2
    way_in = stop + (index - last) * last_step                 # N, F, 2
    return np.where(index < first, way_out, np.where(index > last, way_in, curve)).astype(np.float32)
