"""Lesson 14: patches to video."""

from itertools import permutations

import numpy as np

from minidit.course.exercise import LEADING, Exercise, Numbers, Slip, at_random, by_hand, for_each
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
        Slip(
            "the patches as they were", lambda: SHEET.decoded, "these are the patches of step 13, as columns",
            "Put each patch into its place: two frames of two rows and four columns.",
        ),
        Slip(
            "one frame", lambda: SHEET.generated[0], "it is frame 1 alone", "The other two columns are frame 2.",
        ),
        Slip(
            "frames swapped", lambda: SHEET.generated[::-1], "the two frames have changed places",
            "The first two columns are frame 1, the other two frame 2.",
        ),
        Slip(
            "left and right patch swapped", lambda: step_14_video(SHEET.decoded[:, [1, 0, 3, 2]], SHAPE),
            "the left and the right patch have changed places", "The first column of a frame is its left patch.",
        ),
        Slip(
            "patches mirrored", lambda: step_14_video(SHEET.decoded[[1, 0, 3, 2]], SHAPE),
            "each patch is mirrored from left to right", "The first number of a column is top left.",
        ),
        Slip(
            "frames mirrored", lambda: SHEET.generated[:, :, ::-1], "each frame is mirrored from left to right",
            "The first column is the left patch, and its first number is top left.",
        ),
        Slip(
            "frames upside down", lambda: SHEET.generated[:, ::-1], "the frames stand upside down",
            "The first two numbers of a column are the upper row of its patch.",
        ),
        Slip(
            "rows and columns of the frames swapped", lambda: SHEET.generated.swapaxes(1, 2),
            "rows and columns of the frames have changed places", "A frame has two rows of four pixels.",
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


def in_wrong_order(order):
    """A slip in the order of the axes."""
    says, because = f"its axes were put in the order {', '.join(AXES[axis] for axis in order)}", SIDE_BY_SIDE
    name, says, because = WRONG_ORDERS.get(order, ("axes in another order", says, because))
    return Slip(name, lambda tokens, patch, grid: unpatchified(tokens, patch, grid, order), says, because)


AXES, RIGHT = ("f", "r", "c", "pf", "ph", "pw", "C"), (0, 3, 1, 4, 2, 5, 6)
SIDE_BY_SIDE = "f belongs beside pf, r beside ph, c beside pw, and C at the end."
WRONG_ORDERS = {
    tuple(range(7)): (
        "reshape alone", "its numbers stand in the order of the tokens",
        "Each axis of the grid must come next to its own of the patch.",
    ),
    (0, 2, 4, 1, 3, 5, 6): (
        "same order of axes as patchify", "the axes were moved as patchify moves them",
        "Undo that transpose; don't repeat it.",
    ),
    (3, 0, 4, 1, 5, 2, 6): (
        "patch before grid", "neighbouring pixels of a patch ended up far apart",
        "f · pf frames: all pf frames of the first patch, then those of the next. Which axis comes first?",
    ),
    (0, 3, 1, 5, 2, 4, 6): (
        "down before right", "inside each patch, rows and columns have changed places",
        "Which axis is ph, and which is pw?",
    ),
    (0, 3, 2, 4, 1, 5, 6): (
        "rows and columns of patches swapped", "rows and columns of patches have changed places",
        "The tokens go along a row of the grid first.",
    ),
}  # order of the axes: name of the slip, what it says, and why
ORDERS = (
    *((*six, 6) for six in permutations(range(6))),
    *((*RIGHT[:place], 6, *RIGHT[place:-1]) for place in range(6)),  # the channels elsewhere
)  # fmt: skip


def unpatchified_from_patches(tokens, patch, grid):
    """What comes out when the first reshape has the patch's axes before the grid's."""
    *leading, _, P = tokens.shape
    (pf, ph, pw), (f, r, c) = patch, grid
    blocks = tokens.reshape(*leading, pf, ph, pw, f, r, c, P // (pf * ph * pw))
    blocks = blocks.transpose(*range(len(leading)), *(len(leading) + axis for axis in RIGHT))
    return blocks.reshape(*leading, f * pf, r * ph, c * pw, -1)


def of_another(patch=lambda patch: patch, grid=lambda grid: grid):
    """`unpatchify` for another patch or grid."""
    return lambda tokens, its_patch, its_grid: unpatchify(tokens, patch(its_patch), grid(its_grid))


def some_tokens(rng, leading, patch=(2, 5, 3), grid=(3, 2, 4), channels=2):
    """Tokens of clips, the patch and the grid."""
    return rng.normal(size=(*leading, int(np.prod(grid)), int(np.prod(patch)) * channels)), patch, grid


PATCHES_AND_GRIDS = (
    ((2, 3, 5), (2, 4, 1), 1), ((2, 5, 1), (1, 3, 4), 3), ((1, 2, 4), (5, 1, 3), 4), ((1, 1, 1), (2, 3, 4), 1),
    ((3, 4, 2), (1, 1, 1), 2), ((1, 4, 4), (3, 2, 2), 3),
)  # fmt: skip


UNPATCHIFY = Exercise(
    "unpatchify", LESSON, "put any clip together", ("clip",), unpatchify,
    trials=(
        by_hand(SHEET.decoded.T.astype(float), (1, 2, 2), (2, 1, 2)),
        *for_each(((), *PATCHES_AND_GRIDS), lambda rng, sizes: some_tokens(rng, (), *sizes)),
        *for_each(LEADING[1:], some_tokens, "batches"),
        *for_each(PATCHES_AND_GRIDS, lambda rng, sizes: some_tokens(rng, (2,), *sizes), "batches"),
    ),
    slips=(
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
        Slip(
            "batch merged", lambda tokens, patch, grid: (lambda clip: clip.reshape(-1, *clip.shape[-4:]))(
                unpatchify(tokens, patch, grid)
            ),
            "its leading axes have become one", "Keep them as they came: reshape(*leading, …).",
        ),
        *(
            Slip(
                "grid read in another order", of_another(grid=lambda grid, order=order: [grid[i] for i in order]),
                "the grid was read as ({})".format(", ".join("frc"[i] for i in order)), "The grid is (f, r, c).",
            )
            for order in permutations(range(3)) if order != (0, 1, 2)
        ),
        *(
            Slip(
                "patch read in another order", of_another(lambda patch, order=order: [patch[i] for i in order]),
                "the patch was read as ({})".format(", ".join(("pf", "ph", "pw")[i] for i in order)),
                "The patch is (pf, ph, pw).",
            )
            for order in permutations(range(3)) if order != (0, 1, 2)
        ),
        Slip(
            "patches of one frame", of_another(lambda patch: (1, *patch[1:])), "each patch was taken for one frame",
            "A patch has pf frames.",
        ),
        *(
            Slip(
                "square patches", of_another(lambda patch, i=i: (patch[0], patch[i], patch[i])),
                "each patch was taken for a square", "A patch has ph rows and pw columns.",
            )
            for i in (1, 2)
        ),
        *(
            Slip(
                "tokens in another order", lambda tokens, patch, grid, turned=turned: unpatchify(
                    turned(tokens), patch, grid
                ),
                says, "Frame by frame, row by row, column by column; and pf, ph, pw and C within a token.",
            )
            for turned, says in (
                (lambda tokens: tokens[..., ::-1, :], "the last token came first"),
                (lambda tokens: tokens[..., ::-1], "the last number of each token came first"),
            )
        ),
        Slip(
            "channels in front", lambda tokens, patch, grid: np.moveaxis(unpatchify(tokens, patch, grid), -1, -4),
            "the channels stand in front of the frames", "They are the last axis: (..., frames, rows, columns, C).",
        ),
        Slip(
            "one channel", lambda tokens, patch, grid: unpatchify(tokens, patch, grid)[..., 0],
            "it is the first channel alone", "A clip has an axis of C channels at its end.",
        ),
        Slip(
            "patch before grid", lambda tokens, patch, grid: unpatchified_from_patches(tokens, patch, grid),
            "the tokens were cut as if the patch's axes came before the grid's",
            "tokens is (..., T, P): first f, r, c, then pf, ph, pw, C.",
        ),
        *(in_wrong_order(order) for order in ORDERS if order != RIGHT),
    ),
    sizes=lambda tokens, patch, grid: {"pixels in a patch": int(np.prod(patch)), "tokens": tokens.shape[-2]},
    difficulty=2, minutes=8,
)  # fmt: skip


# ------------------------------------------------------------------------------------------------- 14.3 to pixels

SHADES = np.array([[-0.2, 0.0, 0.25], [0.8, 1.0, 1.1]])

def shades(rng, size, ends=(-0.3, 1.3)):
    """A clip with brightnesses between these ends."""
    return (rng.uniform(*ends, size),)


def byte_of(change):
    """`to_pixels`, with a change of the clip before it is limited."""
    return lambda clip: to_pixels(change(clip))


LIMIT_FIRST = "limit the clip to [0, 1] before it becomes bytes."

TO_PIXELS = Exercise(
    "to_pixels", LESSON, "numbers to bytes", ("pixels",), to_pixels,
    trials=(
        by_hand(SHADES), at_random(lambda rng: shades(rng, (2, 4, 5, 3))),
        *for_each(((5, 4, 3), (7,), (1, 3), (2, 1, 3, 4, 3)), shades),
        *for_each(((0.0, 1.0), (-4.0, 0.9), (0.1, 4.0)), lambda rng, ends: shades(rng, (4, 3), ends)),
    ),
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
            f"After 255 a byte starts at 0 again: {LIMIT_FIRST}",
        ),
        Slip(
            "wrapped around", lambda clip: (np.minimum(clip, 1) * 255).round() % 256,
            "numbers below 0 wrapped around: too dark became bright", f"Below 0 a byte starts at 255: {LIMIT_FIRST}",
        ),
        Slip(
            "wrapped around", lambda clip: (np.maximum(clip, 0) * 255).round() % 256,
            "numbers above 255 wrapped around: too bright became dark",
            f"After 255 a byte starts at 0 again: {LIMIT_FIRST}",
        ),
        Slip(
            "not clipped", lambda clip: (np.minimum(clip, 1) * 255).round(), "it holds numbers below 0",
            "A byte can't hold these: limit the clip to [0, 1] on both sides first.",
        ),
        Slip(
            "not clipped", lambda clip: (np.maximum(clip, 0) * 255).round(), "it holds numbers above 255",
            "A byte can't hold these: limit the clip to [0, 1] on both sides first.",
        ),
        *(
            Slip(
                "another factor", lambda clip, factor=factor: (np.clip(clip, 0, 1) * factor).round() % 256,
                f"it was multiplied by {factor}", "A byte goes up to 255, so 1 is 255.",
            )
            for factor in (100, 127, 128, 254, 256, 510)
        ),
        *(
            Slip(
                "wrapped around", lambda clip, limit=limit: np.floor(limit(clip) * 255) % 256,
                "numbers outside 0 to 255 wrapped around, and fractions were cut off",
                f"After 255 a byte starts at 0 again: {LIMIT_FIRST} And round.",
            )
            for limit in (lambda clip: clip, lambda clip: np.minimum(clip, 1), lambda clip: np.maximum(clip, 0))
        ),
        Slip(
            "1 added", lambda clip: np.floor(np.clip(clip, 0, 1) * 255 + 1) % 256, "1 was added before it was cut off",
            "Add ½, or round: 63.75 becomes 64.",
        ),
        Slip(
            "bytes with a sign", lambda clip: to_pixels(clip).astype(np.int8), "numbers above 127 have become negative",
            "int8 runs from −128 to 127, uint8 from 0 to 255.",
        ),
        Slip(
            "limited too late", lambda clip: np.clip((clip * 255).round(), 0, 1), "it is 0 or 1",
            "Limit it to [0, 1] before the multiplication.",
        ),
        Slip(
            "stretched", byte_of(lambda clip: clip / clip.max()), "it was divided by the brightest number",
            "The clip is limited, not stretched: what is inside [0, 1] stays.",
        ),
        Slip(
            "stretched", byte_of(lambda clip: (clip - clip.min()) / (clip.max() - clip.min())),
            "it was stretched, from the darkest number to the brightest",
            "The clip is limited, not stretched: what is inside [0, 1] stays.",
        ),
        Slip(
            "absolute values", byte_of(np.abs), "its negative numbers have lost their sign",
            "Too dark is black: limit them to 0.",
        ),
        Slip(
            "a negative", lambda clip: 255 - to_pixels(clip), "bright and dark have changed places",
            "0 is black and 1 is white, as in the clip.",
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
        *(
            Slip(
                "not multiplied", lambda clip, high=high: np.clip(clip, 0, high).round(),
                "it was rounded, but not multiplied by 255", "White is 255 in a byte.",
            )
            for high in (1, 255)
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


def a_gradient(rng, size, end=1.8):
    """dy, and x as far from 0 as this end."""
    return 2 * rng.normal(size=size), rng.uniform(-end, end, size=size)


def slope_where(inside, slope=0.5):
    """`from_signed_backward` with a slope where x is inside: a function of x and dy."""
    return lambda dy, x: np.where(inside(x, dy), slope * dy, 0.0)


def within(x, dy):
    """Where x is not limited."""
    return np.abs(x) < 1


FROM_SIGNED_BACKWARD = Exercise(
    "from_signed_backward", LESSON, "the gradient of limiting", ("dx",), from_signed_backward,
    trials=(
        by_hand(np.array([[2.0, -4.0, 6.0], [8.0, 2.0, -2.0]]), np.array([[0.0, 0.5, 1.5], [-2.0, -0.5, 3.0]])),
        *for_each(((5,), (1, 3), (2, 4, 3), (2, 1, 3, 4, 3)), a_gradient),
        *for_each((0.9, 6.0), lambda rng, end: a_gradient(rng, (4, 3), end)),
        at_random(lambda rng: a_gradient(rng, (4, 3))),
    ),
    slips=(
        Slip(
            "limit forgotten", lambda dy, x: dy / 2,
            "the limited entries got a gradient too", "Where y stays at 0 or 1 whatever x does, what is its slope?",
        ),
        Slip(
            "half forgotten", slope_where(within, 1),
            "it is twice too large", "y changes only half as much as x.",
        ),
        Slip(
            "half and limit forgotten", lambda dy, x: dy,
            "this is dy as it came", "Two things happened to x: it was halved, and it was limited.",
        ),
        Slip(
            "one limit forgotten", slope_where(lambda x, dy: x < 1),
            "entries that were limited from below got a gradient too", "There are two limits: 0 and 1.",
        ),
        Slip(
            "the other limit forgotten", slope_where(lambda x, dy: x > -1),
            "entries that were limited from above got a gradient too", "There are two limits: 0 and 1.",
        ),
        Slip(
            "limits of y used for x", slope_where(lambda x, dy: (x > 0) & (x < 1)),
            "entries of x between -1 and 0 were treated as limited", "y is limited to [0, 1]. Which x are these?",
        ),
        Slip(
            "multiplied by y", lambda dy, x: dy * from_signed(x),
            "dy was multiplied by y itself", "dy is multiplied by the slope of y, not by its value.",
        ),
        Slip(
            "limited the wrong ones", slope_where(lambda x, dy: np.abs(x) >= 1),
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
        Slip(
            "limited the gradient", lambda dy, x: np.clip(dy, -1, 1) / 2, "the gradient itself was limited",
            "A gradient may have any size and sign. It is x that was limited.",
        ),
        Slip(
            "limits at ±½", slope_where(lambda x, dy: np.abs(x) < 0.5),
            "entries of x beyond −½ and ½ were treated as limited", "y is 0 or 1 where x is −1 or 1.",
        ),
        *(
            Slip(
                "dy compared with the limits", slope_where(inside), "dy was compared with the limits, not x",
                "It is x that was limited.",
            )
            for inside in (lambda x, dy: np.abs(dy) < 1, lambda x, dy: (dy > 0) & (dy < 1))
        ),
        Slip(
            "2 for ½", slope_where(within, 2), "it was multiplied by 2, not by ½", "y changes only half as much as x.",
        ),
        Slip(
            "halved twice", slope_where(within, 0.25), "it was halved twice", "y is halved once: its slope is ½.",
        ),
        Slip(
            "limits of y used for x", slope_where(lambda x, dy: x > 0), "entries of x below 0 were treated as limited",
            "y is limited to [0, 1]. Which x are these?",
        ),
        *(
            Slip(
                "multiplied by y", value, "dy was multiplied by a value, not by a slope",
                "dy is multiplied by the slope of y: ½ inside, 0 outside.",
            )
            for value in (
                lambda dy, x: dy * (x + 1) / 2, lambda dy, x: dy * np.clip(x, -1, 1) / 2,
                lambda dy, x: dy * np.clip(x, -1, 1), lambda dy, x: np.where(within(x, dy), dy * x / 2, 0.0),
                lambda dy, x: np.where(within(x, dy), dy * from_signed(x), 0.0),
            )
        ),
        *(
            Slip(
                "dy beyond the limits", lambda dy, x, slope=slope: np.where(within(x, dy), dy / 2, slope * dy),
                f"the limited entries got {text}", "Where y stays at 0 or 1 whatever x does, what is its slope?",
            )
            for slope, text in ((-0.5, "minus half of dy"), (0.05, "a tenth of the gradient"), (-1, "minus dy"))
        ),
        Slip(
            "divided by the count", lambda dy, x: from_signed_backward(dy, x) / dy.size, "it was divided by the count",
            "There is no mean here: each number has a y of its own.",
        ),
        Slip(
            "dy left out", lambda dy, x: 0.5 * within(x, dy), "dy is missing", "A gradient is dy times the slope.",
        ),
        Slip(
            "x in place of dy", lambda dy, x: np.where(within(x, dy), x / 2, 0.0), "it is half of x, not of dy",
            "A gradient is dy times the slope.",
        ),
        Slip(
            "the forward again", lambda dy, x: from_signed(x), "it is y, the forward's result",
            "The backward returns dx: dy times the slope of y.",
        ),
        Slip(
            "forward applied to dy", lambda dy, x: from_signed(dy) * within(x, dy), "dy went through the forward",
            "A gradient is not a pixel: it is multiplied by the slope of the forward.",
        ),
        Slip(
            "dy beyond the limits", lambda dy, x: np.where(within(x, dy), dy / 2, dy),
            "the limited entries got dy, unchanged", "Where y stays at 0 or 1 whatever x does, what is its slope?",
        ),
        Slip(
            "1 beyond the limits", lambda dy, x: np.where(within(x, dy), dy / 2, 1.0), "the limited entries got 1",
            "Where y stays at 0 or 1 whatever x does, what is its slope?",
        ),
        Slip(
            "sign beyond the limits", lambda dy, x: np.where(within(x, dy), dy / 2, np.sign(x)),
            "the limited entries got 1 or −1", "Where y stays at 0 or 1 whatever x does, what is its slope?",
        ),
        Slip(
            "added up", lambda dy, x: from_signed_backward(dy, x).sum(), "all its numbers became one",
            "Each number has a gradient of its own.",
        ),
    ),
    forward=from_signed, wrt=(0,), difficulty=2, minutes=6,
)  # fmt: skip

EXERCISES = (STEP_14, UNPATCHIFY, TO_PIXELS, FROM_SIGNED_BACKWARD)
