"""Fits the renderer to clips by least squares: the six numbers from which it draws the clip that comes closest.

The numbers stay within what the world draws, [0, 1] each. `screening.py` says where to begin.
"""

import numpy as np

from minidit.world.renderer import render_draws

# N = clips, F = frames, H = rows, W = columns, P = values of a clip

MIDDLE = 0.5               # of a range that the world draws from
DIFFERENCES = np.array([0.1, 0.1, 0.02, 0.02, 0.5, 0.5], dtype=np.float32)  # for the derivative by each number
PLACE = 4                  # the first numbers tell size and place, the others the light
FIRST_DAMPING, LAST_DAMPING = 1e-2, 1e4  # of Levenberg-Marquardt
LEAST_GAIN = 1e-3          # of the error: a round that gains less is the last
CLIPS_AT_ONCE = 8          # so that their derivatives stay in the processor's cache


def refine(clips, attributes, draws, rounds):
    """Moves the six numbers of each clip downhill until the drawn clip comes no closer.

    Levenberg-Marquardt with Marquardt's scaling. The derivatives are differences of drawn clips; a number at an end of
    its range that would leave it stays there for the round.

    Args:
        clips: (N, F, H, W, 3) in [0, 1].
        attributes: N Attributes, what to draw.
        draws: (N, 6) where to begin, see `minidit.world.renderer.render_draws`.
        rounds: the most steps to try.
    Returns:
        draws (N, 6) and the mean squared error of a pixel value (N,).
    Source: Marquardt 1963; Nocedal & Wright 2006, section 10.3.
    """
    draws, error = np.array(draws, np.float32), np.empty(len(clips))
    for start in range(0, len(clips), CLIPS_AT_ONCE):
        part = slice(start, start + CLIPS_AT_ONCE)
        draws[part], error[part] = _refine(clips[part], attributes[part], draws[part], rounds)
    return draws, error


def _refine(clips, attributes, draws, rounds):
    frames, size = clips.shape[1], clips.shape[2:4]
    targets = clips.reshape(len(clips), -1)                    # N, P
    drawn = render_draws(attributes, draws, size, frames).reshape(targets.shape)  # N, P
    error = _mean_square(drawn - targets)                      # N
    damping = np.full(len(clips), FIRST_DAMPING)               # N
    open_ones = np.arange(len(clips))                          # n <= N
    for _ in range(rounds):
        if not open_ones.size:
            break
        chosen = [attributes[n] for n in open_ones]
        now, target = draws[open_ones], targets[open_ones]     # n, 6; n, P
        slopes = _derivatives(chosen, now, drawn[open_ones], size, frames)  # n, 6, P
        gradient = (slopes @ (drawn[open_ones] - target)[:, :, None])[:, :, 0].astype(float)  # n, 6
        curvature = (slopes @ slopes.transpose(0, 2, 1)).astype(float)  # n, 6, 6
        step = _damped_step(now, gradient, curvature, damping[open_ones])  # n, 6
        tried = np.clip(now - step, 0, 1).astype(np.float32)   # n, 6
        redrawn = render_draws(chosen, tried, size, frames).reshape(target.shape)  # n, P
        new_error = _mean_square(redrawn - target)             # n
        better = new_error < error[open_ones]                  # n
        done = better & (new_error > (1 - LEAST_GAIN) * error[open_ones])  # n
        taken = open_ones[better]
        draws[taken], drawn[taken], error[taken] = tried[better], redrawn[better], new_error[better]
        damping[open_ones] *= np.where(better, 0.2, 8.0)
        open_ones = open_ones[~done & (damping[open_ones] < LAST_DAMPING)]
    return draws, error


def _derivatives(attributes, draws, drawn, size, frames):
    """Of the drawn clips (N, P) by each of the six numbers: (N, 6, P).

    Straight edges bend the error where they cross from one row of pixels into the next, so that a difference to
    one side can miss the way down. Hence both sides for place and size; the light is linear, and one side will do.
    """
    count = draws.shape[1]
    inward = np.where(draws > MIDDLE, -DIFFERENCES, DIFFERENCES)  # N, 6
    ends = [draws + inward, np.clip(draws - inward, 0, 1)]     # N, 6 each
    moved = np.stack([np.where(np.eye(count, dtype=bool), end[:, None], draws[:, None]) for end in ends])  # 2, N, 6, 6
    first = _drawn(attributes, moved[0], size, frames)         # N, 6, P
    second = _drawn(attributes, moved[1, :, :PLACE], size, frames)  # N, 4, P
    first[:, :PLACE] -= second
    first[:, PLACE:] -= drawn[:, None]
    ends[1][:, PLACE:] = draws[:, PLACE:]
    first /= (ends[0] - ends[1])[:, :, None]
    return first


def _drawn(attributes, draws, size, frames):
    """Clips as rows of numbers: draws (N, k, 6), k of the same attributes, to (N, k, P)."""
    repeated = [a for a in attributes for _ in range(draws.shape[1])]
    return render_draws(repeated, draws.reshape(-1, draws.shape[2]), size, frames).reshape(*draws.shape[:2], -1)


def _damped_step(draws, gradient, curvature, damping):
    """What to subtract from the numbers: (N, 6); 0 for a number that would leave its range at once."""
    held = ((draws <= 0) & (gradient > 0)) | ((draws >= 1) & (gradient < 0))  # N, 6
    gradient = np.where(held, 0.0, gradient)                   # N, 6
    curvature = np.where(held[:, :, None] | held[:, None], 0.0, curvature)  # N, 6, 6
    diagonal = np.diagonal(curvature, axis1=1, axis2=2)        # N, 6
    added = damping[:, None] * diagonal + 1e-9 + held          # N, 6   a number without effect, too, stays
    return np.linalg.solve(curvature + added[:, :, None] * np.eye(draws.shape[1]), gradient[:, :, None])[:, :, 0]


def _mean_square(residual):
    return np.vecdot(residual, residual) / residual.shape[-1]
