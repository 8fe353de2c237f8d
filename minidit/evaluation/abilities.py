"""The measures of each ability: functions of clips that return one number per clip, as a dict.

`share` (for numbers that are 0 or 1) and `mean` of `minidit.evaluation.intervals` sum them up. Both leave out NaN,
which stands for what can't be measured. Clips are (N, F, H, W, 3) in [0, 1]; lengths are in pixels.
"""

import numpy as np

from minidit.evaluation.fidelity import fidelity
from minidit.evaluation.paths import (
    center_errors,
    centers,
    length,
    lost,
    mean_over_frames,
    relative_velocity_error,
    rms_distance,
    roughness,
    seam,
    typical_step,
    velocities,
    velocity_errors,
    wrap_step,
)
from minidit.evaluation.pixels import neighbour_psnr, psnr
from minidit.evaluation.readings import changed, kept, obeyed, right
from minidit.world import Attributes, verify_batch
from minidit.world.renderer import scale_of

NEAR = 0.5  # pixels of a 16-pixel frame that an edit may be away from the path
JUMP = 1.0  # pixels of a 16-pixel frame that a step across a border may be longer than any other


def least_fidelity(clips, made, attributes):
    """How near the worst of the made frames is to a picture that the world could have drawn, in dB: (N,).

    Args:
        clips: (N, F, H, W, 3), made: (F,) bool, the frames that were made.
        attributes: N Attributes, what each frame is to show.
    """
    frames = np.asarray(clips)[:, np.asarray(made, bool)]      # N, M, H, W, 3
    count, each = frames.shape[:2]
    asked = [Attributes(*a)._replace(motion=None) for a in attributes for _ in range(each)]
    return fidelity(frames.reshape(-1, 1, *frames.shape[2:]), asked).reshape(count, each).min(axis=1)


def way_error(clips, way, made):
    """Mean distance of the object from where it should be in the made frames, in pixels: (N,).

    Args:
        clips: (N, F, H, W, 3), way: (N, F, 2), x and y of the right centres, made: (F,) bool.
    """
    return mean_over_frames(center_errors(centers(clips), way)[:, np.asarray(made, bool)])


def animate_scores(images, clips, attributes):
    """Clips that begin with a picture.

    Args:
        images: (N, H, W, 3), clips: (N, F, H, W, 3), attributes: N Attributes, those of the prompts.
    Returns:
        dict of (N,): "frame_psnr", of the first frame against the picture, in dB; "color_kept" and "shape_kept", as
        read in the picture; "motion_obeyed"; "right", all that the prompt asks for, and the object whole.
    """
    before, after = verify_batch(np.asarray(images)[:, None]), verify_batch(clips)
    same = kept(before, after)
    return {
        "frame_psnr": psnr(np.asarray(clips)[:, :1], np.asarray(images)[:, None]),
        "color_kept": same["color"],
        "shape_kept": same["shape"],
        "motion_obeyed": obeyed(after, attributes)["motion"],
        "right": right(after, attributes),
    }


def extend_scores(made, true, known):
    """Clips that were continued, against their true continuation.

    Args:
        made, true: (N, F, H, W, 3), with the known frames.
        known: (F,) bool, the frames that were known, one run of them.
    Returns:
        dict of (N,): "center_error", mean distance from the true centre over the made frames; "velocity_error", mean
        length of the difference from the true velocity, in pixels per frame, over the steps to, from and between
        made frames, and "relative_velocity_error", the same divided by the mean true speed (NaN for still objects);
        "seam", see `minidit.evaluation.paths.seam`, the mean over the one or two borders, and "true_seam", the same of
        the true clips, which is the error of measuring; "lost", share of the made frames without an object where there
        should be one; "color_kept" and "shape_kept" in the made frames, as read in the known ones.
    """
    known = np.asarray(known, dtype=bool)
    if not known.any() or known.all():
        raise ValueError("some frames must be known, and some made")
    path, true_path = centers(made), centers(true)
    steps = ~(known[1:] & known[:-1])                          # F - 1
    borders = np.flatnonzero(known[1:] != known[:-1]) + 1
    same = kept(verify_batch(np.asarray(true)[:, known]), verify_batch(np.asarray(made)[:, ~known]))
    return {
        "center_error": mean_over_frames(center_errors(path, true_path)[:, ~known]),
        "velocity_error": mean_over_frames(velocity_errors(path, true_path)[:, steps]),
        "relative_velocity_error": relative_velocity_error(path, true_path, steps),
        "seam": np.mean([seam(path, border) for border in borders], axis=0),
        "true_seam": np.mean([seam(true_path, border) for border in borders], axis=0),
        "lost": lost(path[:, ~known], true_path[:, ~known]),
        "color_kept": same["color"],
        "shape_kept": same["shape"],
    }


def connect_scores(whole, first, second):
    """Pairs of clips with new frames between them.

    Args:
        whole: (N, F, H, W, 3), first and second: (N, A, H, W, 3) and (N, B, H, W, 3), A + B < F.
    Returns:
        dict of (N,): "ends_psnr", of the known frames in the whole clip against the two clips, in dB; "roughness", the
        largest second difference of the path that touches a made frame, in pixels per frame², and "known_roughness",
        the largest within either clip (NaN when neither has three frames); "lost", share of
        the made frames without an object; "color_kept" and "shape_kept" in the made frames, as read in the first
        clip.
    """
    whole, first, second = (np.asarray(clips) for clips in (whole, first, second))
    frames, stop = whole.shape[1], whole.shape[1] - second.shape[1]
    if stop <= first.shape[1]:
        raise ValueError("there is no frame between the two clips")
    made = np.zeros(frames, dtype=bool)
    made[first.shape[1] : stop] = True
    path = centers(whole)
    same = kept(verify_batch(first), verify_batch(whole[:, made]))
    return {
        "ends_psnr": psnr(whole[:, ~made], np.concatenate([first, second], axis=1)),
        "roughness": roughness(path, made),
        "known_roughness": np.fmax(roughness(centers(first)), roughness(centers(second))),
        "lost": lost(path[:, made], np.zeros_like(path[:, made])),
        "color_kept": same["color"],
        "shape_kept": same["shape"],
    }


def loop_scores(clips):
    """Clips that are shown over and over.

    Returns:
        dict of (N,): "wrap_step", length of the step from the last frame to the first, and "typical_step", median
        length of the others, in pixels per frame; "wrap_psnr", of the first frame against the last, and
        "neighbour_psnr", of the other frames against those before them, in dB; "lost", share of the frames without
        an object.
    """
    clips = np.asarray(clips)
    path = centers(clips)
    return {
        "wrap_step": wrap_step(path),
        "typical_step": typical_step(path),
        "wrap_psnr": psnr(clips[:, :1], clips[:, -1:]),
        "neighbour_psnr": neighbour_psnr(clips),
        "lost": lost(path, np.zeros_like(path)),
    }


def edit_scores(edited, original, before, after):
    """Clips in which a prompt changed something; they should move as they did.

    Args:
        edited, original: (N, F, H, W, 3); before, after: N Attributes each, of the original and of the prompt.
    Returns:
        dict of (N,): "changed" and "kept", see `minidit.evaluation.readings.changed`; "right", all that the prompt asks
        for, and the object whole; "rms_distance" of the centres from the original ones; "as_asked", changed, kept and
        at most a pixel of a 32-pixel frame from the old path.
    """
    readings = verify_batch(edited)
    answers, distance = changed(readings, before, after), rms_distance(centers(edited), centers(original))
    near = distance <= NEAR * scale_of(np.shape(edited)[2:4])
    return answers | {
        "right": right(readings, after),
        "rms_distance": distance,
        "as_asked": near * np.nan_to_num(answers["changed"], nan=1) * np.nan_to_num(answers["kept"], nan=1),
    }


def inpaint_scores(filled, original, known, attributes):
    """Clips with holes that were filled.

    Args:
        filled, original: (N, F, H, W, 3); known: bool, (N, F, H, W) or what broadcasts to it, the known pixels;
        attributes: N Attributes that the clips show.
    Returns:
        dict of (N,): "known_psnr" and "made_psnr", of the known pixels and of those that were made, against the
        original, in dB; "right", all attributes read, and the object whole.
    """
    known = np.asarray(known, dtype=bool)
    return {
        "known_psnr": psnr(filled, original, known),
        "made_psnr": psnr(filled, original, ~known),
        "right": right(verify_batch(filled), attributes),
    }


def film_scores(film, lengths, attributes, connected):
    """One film of several shots.

    Args:
        film: (F, H, W, 3); lengths: S numbers of frames, F in all; attributes: S Attributes, those of the prompts;
        connected: S bool, the shots that continue the one before.
    Returns:
        dict of arrays: "right" (S,), each shot by itself; and for the C connected borders: "border_step", length of
        the step across, "typical_step", median length of the steps within the two shots, in pixels per frame, and
        "no_jump", 1 where the step across is at most 1 pixel of a 16-pixel frame longer than any within them. An
        object that is missing there has jumped.
    """
    film, ends = np.asarray(film), np.cumsum(lengths)
    if not 0 < len(lengths) == len(attributes) == len(connected) or connected[0]:
        raise ValueError("a film needs shots, one prompt a shot, and a first shot after none")
    if min(lengths) < 1 or ends[-1] != len(film):
        raise ValueError(f"a film needs lengths of at least 1 that sum to its {len(film)} frames, not {lengths}")
    path = centers(film[None])                                 # 1, F, 2
    steps = length(velocities(path))[0]                        # F - 1
    readings = [verify_batch(film[None, end - n : end])[0] for n, end in zip(lengths, ends, strict=True)]
    across, typical, smooth = [], [], []
    for shot in np.flatnonzero(connected):
        border, start, stop = ends[shot - 1], ends[shot] - lengths[shot] - lengths[shot - 1], ends[shot]
        within = np.delete(steps[start : stop - 1], border - 1 - start)
        within = within[~np.isnan(within)]
        longest = within.max(initial=0.0) + JUMP * scale_of(film.shape[1:3])
        across.append(steps[border - 1])
        typical.append(np.median(within) if within.size else np.nan)
        smooth.append(float(steps[border - 1] <= longest))     # NaN isn't
    return {
        "right": right(readings, attributes),
        "border_step": np.array(across),
        "typical_step": np.array(typical),
        "no_jump": np.array(smooth),
    }
