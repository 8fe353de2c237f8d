"""Lesson 2: video to patches."""

from functools import partial
from itertools import permutations, product

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, by_hand, for_each
from minidit.layers import patchify, unpatchify
from minidit.worksheet import VIDEO, solve

# F, H, W, C = frames, rows, columns, channels; f, r, c = grid of patches; pf, ph, pw = size of a patch

LESSON = 2
SHEET = solve()
PIXELS = ("top left", "top right", "bottom left", "bottom right")
VIDEO_WITH_CHANNEL = VIDEO[..., None].astype(float)  # 2, 2, 4, 1

# Where the axes f, pf, r, ph, c, pw, C go: patches first in order, then what is inside a patch
IN_ORDER = (0, 2, 4, 1, 3, 5, 6)
BACK = (0, 3, 1, 4, 2, 5, 6)  # from there to f, pf, r, ph, c, pw, C


# ------------------------------------------------------------------------------------------------ 2.1 by hand


def explain_step_2(index):
    """How to compute an entry."""
    row, column = index
    place = "left" if column % 2 == 0 else "right"
    return f"Column {column} is the {place} patch of frame {column // 2 + 1}; row {row} is its {PIXELS[row]} pixel."


def windows(frame, step):
    """Two squares of 2 × 2 pixels, the second of them this many columns further: (2, 4)."""
    return np.stack([frame[:, :2].ravel(), frame[:, step : step + 2].ravel()])


STEP_2 = Numbers(
    "step_2_patches", LESSON, "cut the worksheet's video", lambda: SHEET.patches, explain_step_2,
    slips=(
        Slip(
            "rows instead of columns", lambda: SHEET.patches.T,
            "each patch stands in a row", "On the worksheet a patch is a column.",
        ),
        Slip(
            "strips instead of squares", lambda: VIDEO.reshape(4, 4).T,
            "each column is a whole row of a frame", "A patch is a square of 2 × 2 pixels: it reaches over two rows.",
        ),
        Slip(
            "strips instead of squares, in rows", lambda: VIDEO.reshape(4, 4),
            "these are the rows of the frames as they stand",
            "Cut squares of 2 × 2 pixels, and write each as a column.",
        ),
        Slip(
            "down before right", lambda: SHEET.patches[[0, 2, 1, 3]],
            "inside each patch, the top right and the bottom left pixel have changed places",
            "Read a patch as you read a text: to the right first, then down.",
        ),
        Slip(
            "frames taken in turns", lambda: SHEET.patches[:, [0, 2, 1, 3]],
            "the patches of the two frames alternate", "First all patches of frame 1, then those of frame 2.",
        ),
        Slip(
            "frames swapped", lambda: SHEET.patches[:, [2, 3, 0, 1]],
            "frame 2 stands before frame 1", "First all patches of frame 1, then those of frame 2.",
        ),
        Slip(
            "right before left", lambda: SHEET.patches[:, [1, 0, 3, 2]],
            "in each frame, the right patch stands before the left one", "From left to right, as you read.",
        ),
        Slip(
            "right before left", lambda: SHEET.patches[[1, 0, 3, 2]],
            "inside each patch, right and left have changed places", "From left to right, as you read.",
        ),
        Slip(
            "bottom before top", lambda: SHEET.patches[[2, 3, 0, 1]],
            "inside each patch, the lower row stands before the upper one", "From top to bottom, as you read.",
        ),
        *(
            Slip(
                "around the square", lambda rows=rows: SHEET.patches[rows],
                "inside each patch, the pixels go around the square",
                "Read a patch as you read a text: the upper row, then the lower one, both to the right.",
            )
            for rows in ([0, 1, 3, 2], [0, 2, 3, 1])
        ),
        Slip(
            "patches in reverse", lambda: SHEET.patches[:, ::-1], "the patches are in reverse",
            "First all patches of frame 1, from left to right.",
        ),
        Slip(
            "one frame only", lambda: SHEET.patches[:, :2], "the patches of frame 2 are missing",
            "Two frames of two patches each make four columns.",
        ),
        Slip(
            "patches that overlap", lambda: np.stack([windows(frame, 1) for frame in VIDEO]).reshape(4, 4).T,
            "the second patch of each frame begins one column too early", "Patches don't share pixels.",
        ),
        Slip(
            "patches that overlap", lambda: np.concatenate([windows(VIDEO[0], 1), windows(VIDEO[1], 2)]).T,
            "the second patch of frame 1 begins one column too early", "Patches don't share pixels.",
        ),
    ),
    difficulty=1, minutes=4,
)  # fmt: skip


# -------------------------------------------------------------------------------------------- 2.2 how many tokens


def token_count(size, patch):
    """Tokens of a clip of this size (F, H, W, C), and numbers in each."""
    (F, H, W, C), (pf, ph, pw) = size, patch
    return (F // pf) * (H // ph) * (W // pw), pf * ph * pw * C


def miscounted(name, wrong, says, because):
    """A slip in counting: `wrong` takes F, H, W, C, pf, ph, pw."""
    return Slip(name, lambda size, patch: wrong(*size, *patch), says, because)


TOKEN_COUNT = Exercise(
    "token_count", LESSON, "how many tokens, how wide", ("tokens", "width"), token_count,
    trials=(
        by_hand((2, 2, 4, 1), (1, 2, 2)),
        *for_each(
            (((6, 10, 12, 3), (2, 5, 3)), ((8, 6, 9, 4), (4, 2, 3)), ((3, 8, 10, 2), (3, 8, 5))), lambda rng, it: it
        ),
        *for_each((((8, 32, 32, 3), (1, 8, 8)),), lambda rng, it: it, "real sizes"),
    ),
    slips=(
        miscounted(
            "forgot the channels",
            lambda F, H, W, C, pf, ph, pw: (F * H * W // (pf * ph * pw), pf * ph * pw),
            "it leaves out the channels", "A pixel of a coloured clip is three numbers.",
        ),
        miscounted(
            "tokens of one frame",
            lambda F, H, W, C, pf, ph, pw: (H * W // (ph * pw), pf * ph * pw * C),
            "these are the tokens of one frame", "A clip has F / pf times as many.",
        ),
        miscounted(
            "a patch of one frame",
            lambda F, H, W, C, pf, ph, pw: (F * H * W // (pf * ph * pw), ph * pw * C),
            "it counts one frame of the patch", "A patch reaches over pf frames as well.",
        ),
        miscounted(
            "pf forgotten",
            lambda F, H, W, C, pf, ph, pw: (F * H * W // (ph * pw), ph * pw * C),
            "every frame is counted by itself", "A patch takes pf frames at once.",
        ),
        miscounted(
            "channels counted as tokens",
            lambda F, H, W, C, pf, ph, pw: (F * H * W * C // (pf * ph * pw), pf * ph * pw * C),
            "every channel is counted as a token of its own", "All channels of a pixel go into the same token.",
        ),
        miscounted(
            "width of everything",
            lambda F, H, W, C, pf, ph, pw: (F * H * W // (pf * ph * pw), F * H * W * C),
            "this is how many numbers the whole clip has", "How many does one patch have?",
        ),
        miscounted(
            "pf forgotten",
            lambda F, H, W, C, pf, ph, pw: (F * H * W // (ph * pw), pf * ph * pw * C),
            "every frame is counted by itself", "A patch takes pf frames at once.",
        ),
        miscounted(
            "ph and pw swapped",
            lambda F, H, W, C, pf, ph, pw: ((F // pf) * (H // pw) * (W // ph), pf * ph * pw * C),
            "ph and pw have changed places", "ph is for rows, H; pw is for columns, W.",
        ),
        miscounted(
            "sum instead of product",
            lambda F, H, W, C, pf, ph, pw: (F // pf + H // ph + W // pw, pf * ph * pw * C),
            "the three counts were added", "F / pf layers, each of H / ph rows, each of W / pw patches: multiply.",
        ),
        miscounted(
            "sum instead of product",
            lambda F, H, W, C, pf, ph, pw: (F * H * W // (pf * ph * pw), pf + ph + pw + C),
            "the lengths were added", "A box of 2 × 2 × 2 pixels has 8 of them: multiply.",
        ),
        miscounted(
            "sum instead of product",
            lambda F, H, W, C, pf, ph, pw: (F * H * W // (pf * ph * pw), pf * ph * pw + C),
            "the channels were added", "Each pixel has that many numbers: multiply.",
        ),
        miscounted(
            "patches that overlap",
            lambda F, H, W, C, pf, ph, pw: ((F - pf + 1) * (H - ph + 1) * (W - pw + 1), pf * ph * pw * C),
            "patches that overlap were counted", "They tile the clip: each pixel is in one of them.",
        ),
        miscounted(
            "one too many along each axis",
            lambda F, H, W, C, pf, ph, pw: ((F // pf + 1) * (H // ph + 1) * (W // pw + 1), pf * ph * pw * C),
            "along each axis one patch too many was counted", "They tile the clip: F / pf of them fit.",
        ),
        miscounted(
            "everything for the number", lambda F, H, W, C, pf, ph, pw: (F * H * W, pf * ph * pw * C),
            "this is how many pixels the clip has", "How many patches fit into it?",
        ),
        miscounted(
            "patch size for the number", lambda F, H, W, C, pf, ph, pw: (pf * ph * pw, F * H * W * C // (pf * ph * pw)),
            "this is how many pixels a patch has", "How many patches fit into the clip?",
        ),
    ),
    difficulty=1, minutes=4,
)  # fmt: skip


# --------------------------------------------------------------------------------------------------- 2.3 patchify


def cut(x, patch, order, flat=True):
    """Patches with their axes f, pf, r, ph, c, pw, C in some order, the first three of them the tokens."""
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    f, r, c = F // pf, H // ph, W // pw
    blocks = permuted(x.reshape(*leading, f, pf, r, ph, c, pw, C), order)
    return blocks.reshape(*leading, f * r * c, pf * ph * pw * C) if flat else blocks


def permuted(x, order):
    """The last axes of x in another order."""
    first = x.ndim - len(order)
    return x.transpose(*range(first), *(first + axis for axis in order))


def other_orders(named, slip):
    """Slips of all other orders in which grid and patch stay apart: `slip` is `wrongly_cut` or `wrongly_put`."""
    right, cutting = (0, 1, 2), slip is wrongly_cut
    for grid, inside in product(permutations(right), permutations(range(4) if cutting else right)):
        if cutting:
            order = (*(2 * i for i in grid), *((1, 3, 5, 6)[i] for i in inside))
        else:
            order = (*(axis for pair in zip(grid, inside, strict=True) for axis in (pair[0], 3 + pair[1])), 6)
        if order not in {IN_ORDER if cutting else BACK, *(one[1] for one in named)}:
            wrong = ["the counters of the grid"] * (grid != right)
            wrong += ["the axes inside each patch"] * (inside[:3] != right)
            says = f"{' and '.join(wrong) or 'the channels'} are in another order"
            yield slip("another order", order, says, "The order is frame, row, column, everywhere; channel comes last.")


def every_other_pixel(x, patch):
    """The result if the patch's axis is split off before the grid's: a patch of pixels that are far apart."""
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    f, r, c = F // pf, H // ph, W // pw
    blocks = permuted(x.reshape(*leading, pf, f, ph, r, pw, c, C), (1, 3, 5, 0, 2, 4, 6))
    return blocks.reshape(*leading, f * r * c, pf * ph * pw * C)


def wrongly_cut(name, order, says, because):
    """A slip in the order of the axes."""
    return Slip(name, lambda x, patch: cut(x, patch, order), says, because)


def inside(x, patch):
    """Counts by name: the factors that a wrong mean or sum would leave."""
    return {"pixels in a patch": int(np.prod(patch)), "channels": x.shape[-1]}


CLIPS = (  # sizes with 0 to 3 axes in front, and patches; clips of one size are cut in two ways, and in the same way
    ((6, 10, 12, 2), (2, 5, 3)), ((6, 10, 12, 2), (3, 2, 4)), ((6, 10, 12, 2), (2, 5, 3)), ((1, 4, 6, 3), (1, 2, 3)),
    ((3, 4, 6, 10, 2), (2, 3, 5)), ((3, 2, 4, 6, 4, 1), (2, 3, 1)), ((2, 3, 1, 2, 4, 6, 5), (1, 2, 3)),
    ((1, 3, 2, 4, 2), (3, 1, 2)),
)  # fmt: skip


def clip_and_patch(rng, size_and_patch):
    """x of this size, and the patch."""
    size, patch = size_and_patch
    return rng.normal(size=size), patch


def first_tokens(x, patch, kept):
    """The tokens, up to this axis of the grid only: 1 of the first frames, 2 of the first row, 3 of them all."""
    grid = [size // step for size, step in zip(x.shape[-4:-1], patch, strict=True)]
    return patchify(x, patch)[..., : int(np.prod(grid[kept:])), :]


def first_of(x, axes):
    """The first of all that lie in the leading axes, in place of each: this many axes follow."""
    return np.broadcast_to(x.reshape(-1, *x.shape[x.ndim - axes :])[0], x.shape)


def patch_at_first(size, patch):
    """The patch with which a clip of this size is cut first."""
    return dict(reversed(CLIPS)).get(size, patch)


KEPT = "Does it keep something between calls?"
ONLY_FIRST = "Is the `return` inside a loop?"

# Orders of axes: slip, order, what to say
CUT = (
    (
        "reshape alone", tuple(range(7)),
        "its numbers stand in the order of the clip: a reshape alone cuts strips, not blocks",
        "Bring the axes of the grid together, and those of the patch, before the last reshape.",
    ),
    (
        "down before right", (0, 2, 4, 1, 5, 3, 6),
        "inside each patch, columns come before rows", "Inside a patch: frame, row, column, channel.",
    ),
    (
        "channels first", (0, 2, 4, 6, 1, 3, 5),
        "inside each patch, channels come first", "The three colours of a pixel stay together: channel comes last.",
    ),
    (
        "frame last in the patch", (0, 2, 4, 3, 5, 1, 6),
        "inside each patch, the frame comes after row and column", "Inside a patch: frame, row, column, channel.",
    ),
    (
        "tokens down before right", (0, 4, 2, 1, 3, 5, 6),
        "the tokens go down each column of patches first", "The order of tokens is frame, row, column.",
    ),
    (
        "tokens place by place", (2, 4, 0, 1, 3, 5, 6),
        "the tokens of all frames at one place come together", "The order of tokens is frame, row, column.",
    ),
    (
        "patch before grid", (1, 3, 5, 0, 2, 4, 6),
        "the axes of the patch come before those of the grid", "First f, r, c, then pf, ph, pw, C.",
    ),
    (
        "inverse order of axes", (0, 3, 1, 4, 2, 5, 6),
        "the axes were moved in the inverse order",
        "transpose takes, for each new axis, the number of the old one.",
    ),
    (
        "frame and row swapped", (2, 0, 4, 3, 1, 5, 6),
        "frames and rows have changed places", "The order is frame, row, column, everywhere.",
    ),
    (
        "rows and columns swapped", (0, 4, 2, 1, 5, 3, 6),
        "rows and columns have changed places", "The order is frame, row, column, everywhere.",
    ),
    (
        "backwards", (4, 2, 0, 5, 3, 1, 6),
        "columns come before rows, and rows before frames", "The order is frame, row, column, everywhere.",
    ),
    (
        "channels before the tokens", (6, 0, 2, 4, 1, 3, 5),
        "the channels come before everything else", "The colours of a pixel stay together: channel comes last.",
    ),
)  # fmt: skip

PATCHIFY = Exercise(
    "patchify", LESSON, "cut any clip", ("tokens",), patchify,
    trials=(
        by_hand(VIDEO_WITH_CHANNEL, (1, 2, 2)),
        *for_each(CLIPS[:4], clip_and_patch), *for_each(CLIPS[4:], clip_and_patch, "batches"),
    ),
    slips=(
        *(wrongly_cut(*one) for one in CUT),
        *other_orders(CUT, wrongly_cut),
        Slip(
            "every other pixel", every_other_pixel,
            "the pixels of a patch lie far apart in the clip",
            "Which comes first when an axis of length r · ph is split: the r patches, or the ph rows of each?",
        ),
        Slip(
            "frames cut one by one",
            lambda x, patch: patchify(x, (1, *patch[1:])).reshape(patchify(x, patch).shape),
            "every frame was cut by itself, and then neighbouring patches were joined",
            "A patch takes the same place in pf frames.",
        ),
        *(
            Slip(
                "only the first tokens", partial(first_tokens, kept=kept), f"only the patches of {what} are there",
                ONLY_FIRST,
            )
            for kept, what in ((1, "the first frames"), (2, "the first row"), (3, "the first place"))
        ),
        Slip(
            "one clip for all", lambda x, patch: patchify(first_of(x, 4), patch),
            "all are cut from the first", "Each clip of a batch has tokens of its own.",
        ),
        Slip(
            "tokens in front", lambda x, patch: np.moveaxis(patchify(x, patch), -2, 0),
            "the axis of the tokens stands in front", "Other leading axes stay in front of it: stack along axis −2.",
        ),
        Slip(
            "kept from an earlier call", lambda x, patch: patchify(x, patch_at_first(x.shape, patch)),
            "it is cut as an earlier clip of this size was, whatever the patch is", KEPT,
        ),
        Slip(
            "scaled", lambda x, patch: patchify(x, patch) / np.abs(x).max(),
            "everything was divided by the largest number", "patchify only moves numbers.",
        ),
        Slip(
            "patches not flattened", lambda x, patch: cut(x, patch, IN_ORDER, flat=False),
            "the axes are in the right order, but not merged", "A last reshape merges f, r, c, and pf, ph, pw, C.",
        ),
        Slip(
            "batch joined with the tokens",
            lambda x, patch: patchify(x, patch).reshape(-1, int(np.prod(patch)) * x.shape[-1]),
            "the clips of a batch were merged into one list of tokens", "Leave the leading axes as they are.",
        ),
    ),
    sizes=inside, difficulty=2, minutes=10,
)  # fmt: skip


# ------------------------------------------------------------------------------------------------- 2.4 positions


def line_positions(count, width):
    """Positions 0 … count - 1 on a line: (count, width), sines first."""
    half = width // 2
    return waves(np.arange(count), 10000.0 ** (-np.arange(half) / half))


def waves(place, frequencies):
    """Sines, then cosines."""
    angles = place[:, None] * frequencies  # T, half
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def with_frequencies(exponents, start=0):
    """Positions whose frequencies are 10000 to the power of these."""
    return lambda count, width: waves(np.arange(count) + start, 10000.0 ** exponents(width // 2, width))


def right_exponents(half, width):
    """Of the frequencies."""
    return -np.arange(half) / half


def frequencies(width):
    """The right ones, from 1 down."""
    return 10000.0 ** right_exponents(width // 2, width)


def interleaved(count, width):
    """Sine and cosine of each frequency side by side."""
    right = line_positions(count, width)
    return right.reshape(count, 2, width // 2).swapaxes(1, 2).reshape(count, width)


LINE_POSITIONS = Exercise(
    "line_positions", LESSON, "where a token is", ("positions",), line_positions,
    trials=(by_hand(3, 4), *for_each(((7, 10), (5, 4), (1, 6), (130, 2), (2, 12)), lambda rng, it: it)),
    slips=(
        Slip(
            "cosine first", lambda count, width: np.roll(line_positions(count, width), width // 2, axis=1),
            "the cosines come first", "Sines in the first half, cosines in the second.",
        ),
        Slip(
            "sine and cosine in turns", interleaved,
            "sine and cosine take turns", "That is how Vaswani et al. write it. Here: all sines, then all cosines.",
        ),
        Slip(
            "frequencies by the whole width", with_frequencies(lambda half, width: -np.arange(half) / width),
            "the frequencies fall too slowly: i was divided by the width",
            "There are only half as many frequencies as numbers.",
        ),
        Slip(
            "exponents twice too large", with_frequencies(lambda half, width: -2 * np.arange(half) / half),
            "the frequencies fall too fast", "Frequency number i is 10000 to the power of −i / half.",
        ),
        Slip(
            "divided by half − 1", with_frequencies(lambda half, width: -np.arange(half) / max(half - 1, 1)),
            "the frequencies fall a little too fast", "It is −i / half, not −i / (half − 1).",
        ),
        Slip(
            "i counted from 1", with_frequencies(lambda half, width: -(np.arange(half) + 1) / half),
            "the frequencies begin with the second one", "i runs from 0, so that the first frequency is 1.",
        ),
        Slip(
            "another base", with_frequencies(lambda half, width: -0.75 * np.arange(half) / half),
            "the base is 1000", "It is 10000.",
        ),
        Slip(
            "divided by half + 1", with_frequencies(lambda half, width: -np.arange(half) / (half + 1)),
            "the frequencies fall a little too slowly", "It is −i / half.",
        ),
        Slip(
            "another base", with_frequencies(lambda half, width: -np.arange(half) / half / np.log(10000.0)),
            "the base is e", "It is 10000.",
        ),
        Slip(
            "powers instead of roots", with_frequencies(lambda half, width: -np.arange(half)),
            "the frequencies fall much too fast", "The exponent is −i / half.",
        ),
        *(
            Slip(
                name, lambda count, width, of=of: waves(np.arange(count), of(frequencies(width))), says,
                "Frequency number i is 10000 to the power of −i / half, and row p has the angles p · ω.",
            )
            for name, of, says in (
                ("from slow to fast", lambda w: w[::-1], "the waves run from slow to fast"),
                ("times π", lambda w: np.pi * w, "there is a factor of π"),
                ("minus", lambda w: -w, "the frequencies are negative, and so are the sines"),
                ("1, ½, ⅓", lambda w: 1 / np.arange(1, len(w) + 1), "the frequencies are 1, 1/2, 1/3 and so on"),
                ("brackets missing", lambda w: 1 / 10000.0 ** np.arange(len(w)) / len(w), "only the result is divided"),
            )
        ),
        Slip(
            "positions from 0 to 1",
            lambda count, width: waves(np.arange(count) / count, frequencies(width)),
            "the positions were divided by their number", "Token p is at p: 0, 1, 2 and so on.",
        ),
        Slip(
            "positions from 0 to 1",
            lambda count, width: waves(np.linspace(0, 1, count), frequencies(width)),
            "the positions run from 0 to 1", "Token p is at p: 0, 1, 2 and so on.",
        ),
        Slip(
            "count and width swapped", lambda count, width: line_positions(width, count),
            "count and width have changed places", "A row for each token, width numbers wide.",
        ),
        Slip(
            "sines alone",
            lambda count, width: np.sin(np.arange(count)[:, None] * 10000.0 ** (-np.arange(width) / width)),
            "there are no cosines", "Half of the width for sines, half for cosines.",
        ),
        Slip(
            "in reverse", lambda count, width: line_positions(count, width)[::-1], "the tokens are in reverse",
            "The first token is at position 0.",
        ),
        Slip(
            "times 2π", lambda count, width: waves(2 * np.pi * np.arange(count), frequencies(width)),
            "there is a factor of 2π", "Sine and cosine take p · ω as it is.",
        ),
        Slip(
            "times the frequency",
            lambda count, width: waves(np.arange(count), np.ones(width // 2)) * np.tile(frequencies(width), 2),
            "the frequency stands outside of the sine", "sin(p · ω), not sin(p) · ω.",
        ),
        Slip(
            "one below the other",
            lambda count, width: np.concatenate(np.split(line_positions(count, width), 2, axis=1)),
            "the cosines stand below the sines", "Side by side: concatenate along axis 1.",
        ),
        Slip(
            "sines twice", lambda count, width: np.tile(line_positions(count, width)[:, : width // 2], 2),
            "the sines stand there twice", "Cosines in the second half.",
        ),
        Slip(
            "cosines twice", lambda count, width: np.tile(line_positions(count, width)[:, width // 2 :], 2),
            "the cosines stand there twice", "Sines in the first half.",
        ),
        Slip(
            "half of the count", lambda count, width: line_positions(count, count // 2 * 2),
            "there are half as many frequencies as positions", "half is half of the width.",
        ),
        Slip(
            "as many frequencies as the width",
            lambda count, width: waves(np.arange(count), frequencies(2 * width)),
            "it is twice as wide", "width numbers in all: half of them sines, half cosines.",
        ),
        Slip(
            "kept from an earlier call", lambda count, width: line_positions(3 if width == 4 else count, width),
            "there are as many as in an earlier call with this width", KEPT,
        ),
        Slip(
            "one position missing", lambda count, width: line_positions(count - 1, width),
            "the last position is missing", "range(n) ends at n − 1 by itself.",
        ),
        Slip(
            "one position too many", lambda count, width: line_positions(count + 1, width),
            "there is one position too many", "They are 0 … count − 1.",
        ),
        Slip(
            "counted from 1", with_frequencies(right_exponents, start=1),
            "positions were counted from 1", "The first token is at position 0.",
        ),
        Slip(
            "frequencies that rise", with_frequencies(lambda half, width: -right_exponents(half, width)),
            "the frequencies rise up to 10000", "The exponent is negative.",
        ),
        Slip(
            "one frequency for all", with_frequencies(lambda half, width: 0.0 * np.arange(half)),
            "all frequencies are 1", "Each pair of sine and cosine has a frequency of its own.",
        ),
    ),
    difficulty=2, minutes=8,
)  # fmt: skip

# ---------------------------------------------------------------------------------------------- 2.5 its backward


def patchify_backward(dy, x, patch):
    """The gradient of patchify: every number back to where it came from."""
    grid = tuple(size // step for size, step in zip(x.shape[-4:-1], patch, strict=True))
    return unpatchify(dy, patch, grid)


def put_back(dy, x, patch, order):
    """Tokens as axes f, r, c, pf, ph, pw, C, in some order, in the shape of x."""
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    blocks = dy.reshape(*leading, F // pf, H // ph, W // pw, pf, ph, pw, C)
    return permuted(blocks, order).reshape(x.shape)


def wrongly_put(name, order, says, because):
    """A slip in the order of the axes."""
    return Slip(name, lambda dy, x, patch: put_back(dy, x, patch, order), says, because)


def gradient_clip_and_patch(rng, size_and_patch):
    """dy, x of this size, and the patch."""
    x, patch = clip_and_patch(rng, size_and_patch)
    return rng.normal(size=patchify(x, patch).shape), x, patch


def split_inner_first(dy, x, patch):
    """Tokens whose numbers are taken for pf, ph, pw, C, f, r, c."""
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    blocks = dy.reshape(*leading, pf, ph, pw, C, F // pf, H // ph, W // pw)
    return permuted(blocks, (4, 0, 5, 1, 6, 2, 3)).reshape(x.shape)


def not_merged(dy, x, patch):
    """The right order of axes, without the last reshape."""
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    return patchify_backward(dy, x, patch).reshape(*leading, F // pf, pf, H // ph, ph, W // pw, pw, C)


def one_token(dy, x, patch, which):
    """dx if only one token is put back."""
    there = np.zeros_like(dy)
    there[..., which, :] = dy[..., which, :]
    return patchify_backward(there, x, patch)


# Orders of axes: slip, order, what to say
PUT = (
    (
        "reshape alone", tuple(range(7)),
        "its numbers stand in the order of the tokens",
        "A reshape alone moves nothing: undo the transpose too.",
    ),
    (
        "same order of axes as the forward", IN_ORDER,
        "the axes were moved as in the forward, once more",
        "Undo the forward's transpose; don't repeat it.",
    ),
    (
        "patch before grid", (3, 0, 4, 1, 5, 2, 6),
        "each axis has the patch before the grid",
        "Row 5 of the clip is row 5 % ph of patch 5 // ph: the grid goes first.",
    ),
    (
        "down before right", (0, 3, 1, 5, 2, 4, 6),
        "inside each patch, rows and columns have changed places", "Which axis of dblocks is ph, and which is pw?",
    ),
    (
        "rows and columns of patches swapped", (0, 3, 2, 4, 1, 5, 6),
        "rows and columns of patches have changed places", "The forward took f, r, c in this order.",
    ),
    (
        "rows and columns swapped", (0, 3, 2, 5, 1, 4, 6),
        "rows and columns have changed places", "In dblocks, axis 1 counts rows of patches, and axis 2 columns.",
    ),
    (
        "frames and rows swapped", (1, 4, 0, 3, 2, 5, 6),
        "frames and rows have changed places", "In dblocks, axis 0 counts frames of patches, and axis 1 rows.",
    ),
)  # fmt: skip

PATCHIFY_BACKWARD = Exercise(
    "patchify_backward", LESSON, "the gradient of patchify", ("dx",), patchify_backward,
    trials=(
        by_hand(np.arange(16.0).reshape(4, 4), VIDEO_WITH_CHANNEL, (1, 2, 2)),
        *for_each(CLIPS[4:], gradient_clip_and_patch), *for_each(CLIPS[:4], gradient_clip_and_patch),
    ),
    slips=(
        *(wrongly_put(*one) for one in PUT),
        *other_orders(PUT, wrongly_put),
        Slip(
            "patchify again", lambda dy, x, patch: patchify(dy.reshape(x.shape), patch),
            "patchify was called once more", "Its backward goes the other way: from tokens to the clip.",
        ),
        Slip(
            "patchify again", lambda dy, x, patch: patchify(dy.reshape(x.shape), patch).reshape(x.shape),
            "patchify was called once more", "Its backward goes the other way: from tokens to the clip.",
        ),
        Slip(
            "split with the patch first", split_inner_first,
            "dy was split as if the patch's axes came before the grid's",
            "dy is (T, P): first f, r, c, then pf, ph, pw, C.",
        ),
        Slip(
            "not merged", not_merged, "the axes are in the right order, but not merged",
            "A last reshape gives the shape of x.",
        ),
        *(
            Slip(
                "one token only", partial(one_token, which=which), f"only the {what} token was put back",
                "Each has its place. Is the `return` inside a loop?",
            )
            for which, what in ((0, "first"), (-1, "last"))
        ),
        Slip(
            "multiplied by x", lambda dy, x, patch: patchify_backward(dy, x, patch) * x, "it was multiplied by x",
            "A copy has slope 1, whatever it copies.",
        ),
        Slip(
            "forgot dy", lambda dy, x, patch: np.ones_like(x), "it is 1 everywhere: dy is missing",
            "Each slope is 1, times the gradient that comes in.",
        ),
        Slip(
            "channels reversed", lambda dy, x, patch: patchify_backward(dy, x, patch)[..., ::-1],
            "the channels are in reverse", "Red stays red.",
        ),
        Slip(
            "added to x", lambda dy, x, patch: patchify_backward(dy, x, patch) + x, "x was added to it",
            "x is there only for its shape: start with zeros.",
        ),
        Slip(
            "one clip for all", lambda dy, x, patch: patchify_backward(first_of(dy, 2), x, patch),
            "all have the gradient of the first", "Each clip of a batch has a gradient of its own.",
        ),
        Slip(
            "mean over the patch", lambda dy, x, patch: patchify_backward(dy, x, patch) / np.prod(patch),
            "its numbers were divided by the pixels in a patch", "patchify only moves numbers; it takes no means.",
        ),
        Slip(
            "gave back x", lambda dy, x, patch: x,
            "this is the clip itself", "It is the gradient's numbers that go back to the clip's places.",
        ),
        Slip(
            "gave back the patches of x", lambda dy, x, patch: patchify(x, patch),
            "these are the patches of the clip", "dx has the shape of x, and its numbers come from dy.",
        ),
    ),
    sizes=lambda dy, x, patch: {"pixels in a patch": int(np.prod(patch)), "tokens": dy.shape[-2]},
    forward=patchify, wrt=(0,), difficulty=2, minutes=8,
)  # fmt: skip


EXERCISES = (STEP_2, TOKEN_COUNT, PATCHIFY, LINE_POSITIONS, PATCHIFY_BACKWARD)
