"""Lesson 14: patches to video."""

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, Trial, at_random, by_hand
from minidit.files.clips import to_pixels
from minidit.layers import unpatchify
from minidit.worksheet import solve, step_14_video

# F, H, W, C = frames, rows, columns, channels; f, r, c = grid of patches; pf, ph, pw = size of a patch

LESSON = 14
SHEET = solve()
SHAPE = SHEET.video.shape  # 2, 2, 4


# ----------------------------------------------------------------------------------------------- 14.1 by hand


def explain_step_14(index):
    """How to compute an entry."""
    frame, row, column = index
    names = (("top left", "top right"), ("bottom left", "bottom right"))
    return (
        f"That is frame {frame + 1}: its {'left' if column < 2 else 'right'} patch is column {2 * frame + column // 2} "
        f"of the decoded patches, and you need its {names[row][column % 2]} pixel."
    )


STEP_14 = Numbers(
    "step_14_video", LESSON, "put the worksheet's patches back", lambda: SHEET.generated, explain_step_14,
    slips=(
        Slip(
            "each patch as a row", lambda: SHEET.decoded.T.reshape(SHAPE),
            "each patch has become a whole row of a frame", "A patch is a square of 2 × 2 pixels.",
        ),
        Slip(
            "rows of the matrix as rows of the frames", lambda: SHEET.decoded.reshape(SHAPE),
            "these are the rows of the matrix as they stand", "A patch is a column of the matrix.",
        ),
        Slip(
            "down before right", lambda: step_14_video(SHEET.decoded[[0, 2, 1, 3]], SHAPE),
            "inside each patch, the top right and the bottom left pixel have changed places",
            "A column holds top left, top right, bottom left, bottom right.",
        ),
        Slip(
            "frames taken in turns", lambda: step_14_video(SHEET.decoded[:, [0, 2, 1, 3]], SHAPE),
            "the patches alternate between the two frames",
            "The first two columns are frame 1, the other two frame 2.",
        ),
        Slip(
            "the video that went in", lambda: SHEET.video,
            "this is the video of step 1", "Put together the patches of step 13: the prediction was not perfect.",
        ),
    ),
    difficulty=1, minutes=4,
)  # fmt: skip


# ------------------------------------------------------------------------------------------------ 14.2 unpatchify


def unpatchified(tokens, patch, grid, order):
    """Tokens as axes f, r, c, pf, ph, pw, C, in some order, in the shape of the clip."""
    *leading, _, P = tokens.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    C = P // (pf * ph * pw)
    blocks = tokens.reshape(*leading, f, r, c, pf, ph, pw, C)
    first = len(leading)
    blocks = blocks.transpose(*range(first), *(first + axis for axis in order))
    return blocks.reshape(*leading, f * pf, r * ph, c * pw, C)


def channels_first(tokens, patch, grid):
    """What comes out when the channels are looked for at the beginning of each token."""
    *leading, T, P = tokens.shape
    pixels = int(np.prod(patch))
    reordered = tokens.reshape(*leading, T, P // pixels, pixels).swapaxes(-1, -2).reshape(tokens.shape)
    return unpatchify(reordered, patch, grid)


def columns_first(tokens, patch, grid):
    """What comes out when tokens are taken to go down the columns of the grid first."""
    f, r, c = grid
    *leading, T, P = tokens.shape
    return unpatchify(tokens.reshape(*leading, f, c, r, P).swapaxes(-2, -3).reshape(tokens.shape), patch, grid)


def split_axes(tokens, patch, grid):
    """The clip with its axes still apart: (..., f, pf, r, ph, c, pw, C)."""
    clip = unpatchify(tokens, patch, grid)
    *leading, _, _, _, C = clip.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    return clip.reshape(*leading, f, pf, r, ph, c, pw, C)


def in_wrong_order(name, order, says, because):
    """A slip in the order of the axes."""
    return Slip(name, lambda tokens, patch, grid: unpatchified(tokens, patch, grid, order), says, because)


UNPATCHIFY = Exercise(
    "unpatchify", LESSON, "put any clip together", ("clip",), unpatchify,
    trials=(
        by_hand(SHEET.decoded.T.astype(float), (1, 2, 2), (2, 1, 2)),
        at_random(lambda rng: (rng.normal(size=(24, 60)), (2, 5, 3), (3, 2, 4))),
        Trial("batches", lambda rng: (rng.normal(size=(5, 8, 60)), (2, 3, 5), (2, 4, 1))),
        Trial("batches", lambda rng: (rng.normal(size=(2, 3, 12, 30)), (2, 5, 1), (1, 3, 4))),
    ),
    slips=(
        in_wrong_order(
            "reshape alone", tuple(range(7)),
            "its numbers stand in the order of the tokens",
            "Each axis of the grid must come next to its own of the patch.",
        ),
        in_wrong_order(
            "same order of axes as patchify", (0, 2, 4, 1, 3, 5, 6),
            "the axes were moved as patchify moves them", "Undo that transpose; don't repeat it.",
        ),
        in_wrong_order(
            "patch before grid", (3, 0, 4, 1, 5, 2, 6),
            "neighbouring pixels of a patch ended up far apart",
            "f · pf frames: all pf frames of the first patch, then those of the next. Which axis comes first?",
        ),
        in_wrong_order(
            "down before right", (0, 3, 1, 5, 2, 4, 6),
            "inside each patch, rows and columns have changed places", "Which axis is ph, and which is pw?",
        ),
        in_wrong_order(
            "rows and columns of patches swapped", (0, 3, 2, 4, 1, 5, 6),
            "rows and columns of patches have changed places", "The tokens go along a row of the grid first.",
        ),
        Slip(
            "tokens down before right", columns_first,
            "it takes the tokens down each column of patches first", "The order of tokens is frame, row, column.",
        ),
        Slip(
            "channels first", channels_first,
            "it looks for the channels at the beginning of each token",
            "The channels of a pixel stand next to each other.",
        ),
        Slip(
            "axes not joined",
            split_axes,
            "the axes are in the right order, but not merged", "A last reshape merges f with pf, r with ph, c with pw.",
        ),
    ),
    sizes=lambda tokens, patch, grid: {"pixels in a patch": int(np.prod(patch)), "tokens": tokens.shape[-2]},
    difficulty=2, minutes=8,
)  # fmt: skip


# ------------------------------------------------------------------------------------------------- 14.3 to pixels

SHADES = np.array([[-0.2, 0.0, 0.25], [0.8, 1.0, 1.1]])

TO_PIXELS = Exercise(
    "to_pixels", LESSON, "numbers to bytes", ("pixels",), to_pixels,
    trials=(by_hand(SHADES), at_random(lambda rng: (rng.uniform(-0.3, 1.3, size=(2, 4, 5, 3)),))),
    slips=(
        Slip(
            "cut off instead of rounded", lambda clip: (np.clip(clip, 0, 1) * 255).astype(np.uint8),
            "its fractions were cut off, not rounded", "astype drops the fraction: 63.75 becomes 63.",
        ),
        Slip(
            "rounded up", lambda clip: np.ceil(np.clip(clip, 0, 1) * 255),
            "it was always rounded up", "Take the nearest whole number: 168.3 becomes 168.",
        ),
        Slip(
            "not clipped", lambda clip: (clip * 255).round(),
            "it holds numbers below 0 or above 255", "A byte can't hold these: limit the clip to [0, 1] first.",
        ),
        Slip(
            "wrapped around", lambda clip: (clip * 255).round() % 256,
            "numbers outside 0 to 255 wrapped around: too dark became bright",
            "After 255 a byte starts at 0 again: limit the clip to [0, 1] before it becomes bytes.",
        ),
        Slip(
            "256 instead of 255", lambda clip: np.minimum((np.clip(clip, 0, 1) * 256).round(), 255),
            "it was multiplied by 256", "A byte goes up to 255, so 1 is 255.",
        ),
        Slip(
            "256 instead of 255, cut off", lambda clip: np.minimum(np.floor(np.clip(clip, 0, 1) * 256), 255),
            "it was multiplied by 256 and cut off", "A byte goes up to 255: multiply by it, and round.",
        ),
        Slip(
            "rounded too early", lambda clip: np.clip(clip, 0, 1).round() * 255,
            "there is only black and white in it", "Round after the multiplication, not before.",
        ),
        Slip(
            "took it for [-1, 1]", lambda clip: (np.clip((clip + 1) / 2, 0, 1) * 255).round(),
            "the clip was treated as running from -1 to 1", "It runs from 0 to 1 already.",
        ),
        Slip(
            "not multiplied", lambda clip: np.clip(clip, 0, 1),
            "it still runs from 0 to 1", "White is 255 in a byte.",
        ),
        Slip(
            "whole numbers too early", lambda clip: np.clip(clip, 0, 1).astype(np.uint8) * 255,
            "only a full 1 has become bright", "As whole numbers, 0.8 is 0: multiply by 255 first.",
        ),
        Slip(
            "bytes of 0 and 1", lambda clip: np.clip(clip, 0, 1).astype(np.uint8),
            "almost all of it is 0", "Multiply by 255 before it becomes whole numbers.",
        ),
    ),
    difficulty=1, minutes=5,
)  # fmt: skip


# ------------------------------------------------------------------------------------ 14.4 backward through clipping


def from_signed(x):
    """Values around [-1, 1] to pixels, limited to [0, 1]."""
    return np.clip((x + 1) / 2, 0, 1)


def from_signed_backward(dy, x):
    """Half of dy where x was not limited, and nothing elsewhere."""
    return np.where(np.abs(x) < 1, dy / 2, 0.0)


FROM_SIGNED_BACKWARD = Exercise(
    "from_signed_backward", LESSON, "the gradient of limiting", ("dx",), from_signed_backward,
    trials=(
        by_hand(np.array([[2.0, -4.0, 6.0], [8.0, 2.0, -2.0]]), np.array([[0.0, 0.5, 1.5], [-2.0, -0.5, 3.0]])),
        at_random(lambda rng: (rng.normal(size=(4, 3)), rng.uniform(-1.8, 1.8, size=(4, 3)))),
    ),
    slips=(
        Slip(
            "limit forgotten", lambda dy, x: dy / 2,
            "the limited entries got a gradient too", "Where y stays at 0 or 1 whatever x does, what is its slope?",
        ),
        Slip(
            "half forgotten", lambda dy, x: np.where(np.abs(x) < 1, dy, 0.0),
            "it is twice too large", "y changes only half as much as x.",
        ),
        Slip(
            "half and limit forgotten", lambda dy, x: dy,
            "this is dy as it came", "Two things happened to x: it was halved, and it was limited.",
        ),
        Slip(
            "one limit forgotten", lambda dy, x: np.where(x < 1, dy / 2, 0.0),
            "entries that were limited from below got a gradient too", "There are two limits: 0 and 1.",
        ),
        Slip(
            "the other limit forgotten", lambda dy, x: np.where(x > -1, dy / 2, 0.0),
            "entries that were limited from above got a gradient too", "There are two limits: 0 and 1.",
        ),
        Slip(
            "limits of y used for x", lambda dy, x: np.where((x > 0) & (x < 1), dy / 2, 0.0),
            "entries of x between -1 and 0 were treated as limited", "y is limited to [0, 1]. Which x are these?",
        ),
        Slip(
            "multiplied by y", lambda dy, x: dy * from_signed(x),
            "dy was multiplied by y itself", "dy is multiplied by the slope of y, not by its value.",
        ),
        Slip(
            "limited the wrong ones", lambda dy, x: np.where(np.abs(x) < 1, 0.0, dy / 2),
            "only the limited entries got a gradient",
            "It is the other way round: those are the ones that can't move y.",
        ),
        Slip(
            "forward applied to dy", lambda dy, x: from_signed(dy),
            "dy went through the forward", "A gradient is not a pixel: it is multiplied by the slope of the forward.",
        ),
        Slip(
            "limited the gradient", lambda dy, x: np.clip(dy / 2, 0, 1),
            "the gradient itself was limited to [0, 1]",
            "A gradient may have any size and sign. It is x that was limited.",
        ),
    ),
    forward=from_signed, wrt=(0,), difficulty=2, minutes=6,
)  # fmt: skip

EXERCISES = (STEP_14, UNPATCHIFY, TO_PIXELS, FROM_SIGNED_BACKWARD)
