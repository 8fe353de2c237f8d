"""Lesson 16: one model, many uses. A time for each latent, a loss on the unknown ones, a step that keeps the rest."""

from dataclasses import replace

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, all_alone, at_random, by_hand, for_each
from minidit.diffusion import RectifiedFlow, diffusion_loss_forward
from minidit.layers import mse_gradient
from minidit.models.conditioning_channels import conditioning_channels, existing
from minidit.worksheet import solve

# B = batch; F, H, W, C = frames, rows, columns, channels of latents; T = tokens along time

LESSON = 16
SHEET = solve()
FRAME_2 = np.array([False, False, True, True])  # which of the worksheet's four patches are known
PATH = RectifiedFlow()

# --------------------------------------------------------------------------------------- 16.1 and 16.2 by hand


def explain_canvas(index):
    """How to compute an entry."""
    where = "frame 2, which is known" if FRAME_2[index[1]] else "frame 1, which is unknown"
    return f"Column {index[1]} is a patch of {where}. Is there noise in it?"


WORKSHEET_CANVAS = Numbers(
    "worksheet_canvas", LESSON, "a canvas on the worksheet", lambda: np.where(FRAME_2, SHEET.latent, SHEET.noised),
    explain_canvas,
    slips=(
        Slip(
            "all noised", lambda: SHEET.noised, "the patches of frame 2 have noise in them",
            "Known patches go in clean.",
        ),
        Slip(
            "the other frame", lambda: np.where(FRAME_2, SHEET.noised, SHEET.latent),
            "it is frame 1 that was left clean", "Frame 2 is known: the last two columns.",
        ),
        Slip("all clean", lambda: SHEET.latent, "there is no noise anywhere", "Frame 1 is unknown: it is noised."),
        Slip(
            "noise alone", lambda: np.where(FRAME_2, SHEET.latent, SHEET.noise),
            "frame 1 is noise alone", "At t = 3 the latent is still in it: latent + noise, as in step 4.",
        ),
        Slip(
            "known ones left empty", lambda: np.where(FRAME_2, 0, SHEET.noised), "frame 2 is empty",
            "The network has to see the known patches: they go in as they are.",
        ),
        Slip(
            "noise taken from the known ones", lambda: np.where(FRAME_2, SHEET.latent - SHEET.noise, SHEET.noised),
            "the noise was subtracted from frame 2", "The latent has no noise in it yet: it goes in as it is.",
        ),
        *(
            Slip(
                "other patches",
                lambda patches=patches: np.where(np.isin(range(4), patches), SHEET.latent, SHEET.noised),
                f"{called} was left clean", "Frame 2 is known: the last two columns.",
            )
            for patches, called in (
                ((3,), "the last column alone"), ((2,), "column 2 alone"), ((1, 3), "every second column"),
                ((0, 2), "every second column"),
            )
        ),
        *(
            Slip(
                "rows taken for frames",
                lambda row=row: np.where(np.array([[row == 0], [row == 1]]), SHEET.latent, SHEET.noised),
                f"the {called} row was left clean", "A frame has two patches, and each is a column.",
            )
            for row, called in enumerate(("upper", "lower"))
        ),
    ),
    difficulty=1, minutes=3,
)  # fmt: skip

ERROR = SHEET.predicted - SHEET.noise  # 2, 4


def mean_square(values):
    """The mean of the squares, a 0-dimensional array."""
    return np.array((values.astype(float) ** 2).mean())


WORKSHEET_COUNTED_LOSS = Numbers(
    "worksheet_counted_loss", LESSON, "the loss on the worksheet's frame 1", lambda: mean_square(ERROR[:, ~FRAME_2]),
    lambda index: "Which entries belong to frame 1, how many are they, and what are their squares?",
    slips=(
        Slip(
            "mean over all", lambda: mean_square(np.where(FRAME_2, 0, ERROR)),
            "the sum was divided by all 8 numbers", "Frame 1 has four numbers. Divide by 4.",
        ),
        Slip(
            "everything counted", lambda: mean_square(ERROR),
            "frame 2 was counted too", "Frame 2 is known: there is nothing to predict.",
        ),
        Slip(
            "the other frame", lambda: mean_square(ERROR[:, FRAME_2]), "it is the loss of frame 2",
            "Frame 2 is known; only frame 1 counts.",
        ),
        Slip(
            "sum", lambda: mean_square(ERROR[:, ~FRAME_2]) * 4, "it is the sum of the squares",
            "Divide by how many numbers there are.",
        ),
        Slip(
            "without squares", lambda: np.array(np.abs(ERROR[:, ~FRAME_2]).mean()), "the errors were not squared",
            "A squared error: −2 counts 4.",
        ),
        Slip(
            "without squares", lambda: np.array(ERROR[:, ~FRAME_2].mean()), "the errors were not squared",
            "Squares don't cancel: −2 counts 4.",
        ),
        Slip(
            "minus signs kept", lambda: np.array(-mean_square(ERROR[:, ~FRAME_2])),
            "the squares kept their minus", "Minus times minus is a plus: the square of −2 is 4.",
        ),
        Slip(
            "minus signs kept", lambda: np.array((ERROR * np.abs(ERROR))[:, ~FRAME_2].mean()),
            "the squares kept their minus", "Minus times minus is a plus: the square of −2 is 4.",
        ),
        Slip(
            "all errors, divided by 4", lambda: 2 * mean_square(ERROR),
            "the squares of both frames were divided by 4", "Frame 2 is known: only frame 1 counts.",
        ),
        Slip(
            "divided by the patches", lambda: 2 * mean_square(ERROR[:, ~FRAME_2]), "the sum was divided by 2",
            "Frame 1 has two patches of two numbers each. Divide by 4.",
        ),
        Slip(
            "root taken", lambda: np.sqrt(mean_square(ERROR[:, ~FRAME_2])), "a root was taken",
            "The mean of the squares was asked for, not its root.",
        ),
        Slip(
            "the squares", lambda: ERROR[:, ~FRAME_2].ravel() ** 2, "these are the squares", "Take their mean.",
        ),
        Slip(
            "the squares", lambda: ERROR[:, ~FRAME_2] ** 2, "these are the squares", "Take their mean.",
        ),
        *(
            Slip(
                "one column", lambda patch=patch: mean_square(ERROR[:, patch]),
                f"it is the mean of column {patch} alone", "Frame 1 has two patches: columns 0 and 1.",
            )
            for patch in (0, 1)
        ),
    ),
    difficulty=1, minutes=3,
)  # fmt: skip

# ------------------------------------------------------------------------------------- 16.3 a time for each latent


def per_latent_time(t, known):
    """1 where known, the clip's t elsewhere: the first of the conditioning channels."""
    return conditioning_channels((*known.shape, 1), t, known, None, t.dtype, np)[..., 0]  # B, F, H, W


def spread(t):
    """Times (B,) beside latents (B, F, H, W)."""
    return t[:, None, None, None]


SIZES = ((3, 2, 4, 5, 6), (1, 3, 2, 4, 5), (2, 1, 1, 3, 1), (4, 5, 3, 1, 2), (3, 4, 2, 3, 5))  # B, F, H, W, C
ALL_OR_NONE = (1.0, 0.0)  # shares of known latents
ENDS = (0.0, 1.0)  # of times


def some(rng, shape, share=0.4):
    """A mask (B, F, H, W), nowhere all True or all False within a clip, unless the share is 1 or 0."""
    mask = rng.random(shape) < share
    if share not in ALL_OR_NONE:
        mask[:, 0, 0, 0], mask[:, -1, -1, -1] = True, False
        flip = rng.random(len(mask)) < 0.5
        mask[flip] = ~mask[flip]
    return mask


def times_inputs(rng, size=SIZES[0], share=0.4, t=None):
    """t and known, for clips of this size."""
    times = rng.uniform(0.1, 0.9, size=size[0]) if t is None else np.full(size[0], t)
    return times, some(rng, size[:-1], share)


def of_any_kind(make):
    """Trials with random inputs: of each of the SIZES, with everything known and nothing, and with t at both ends."""
    return (
        at_random(make), *for_each(SIZES[1:], make),
        *for_each(ALL_OR_NONE, lambda rng, share: make(rng, SIZES[0], share)),
        *for_each(ENDS, lambda rng, t: make(rng, SIZES[0], 0.4, t)),
    )  # fmt: skip


OTHER_MASKS = (
    (
        "first clip's mask for all", lambda known: np.broadcast_to(known[:1], known.shape),
        "the first clip's mask was used for all", "Each clip has a mask of its own.",
    ),
    (
        "whole frames", lambda known: np.broadcast_to(known[:, :, :1, :1], known.shape),
        "a whole frame was taken as known, or as unknown",
        "A latent is known by its own place: in a frame there may be both.",
    ),
)  # fmt: skip    name, another mask, what it says, and why
OTHER_TIMES = (
    (
        "first clip's t for all", lambda t, known: np.where(known, 1.0, t[0]), "every clip has the first clip's t",
        "Each clip has a time of its own.",
    ),
    (
        "mean t for all", lambda t, known: np.where(known, 1.0, t.mean()), "every clip has the mean of all t",
        "Each clip has a time of its own.",
    ),
    (
        "time as in the papers", lambda t, known: np.where(known, 1.0, 1 - spread(t)), "1 − t stands for t",
        "Here t = 1 is clean, and 0 is noise.",
    ),
    *(
        (
            "t along another axis", lambda t, known, form=form: np.where(known, 1.0, form(t)),
            f"t went along axis {axis}, not along the clips",
            "Give t axes of length 1 at its end: one for each of F, H and W.",
        )
        for axis, form in ((3, lambda t: t), (2, lambda t: t[:, None]), (1, lambda t: t[:, None, None]))
    ),
    *(
        (name, lambda t, known, mask=mask: np.where(mask(known), 1.0, spread(t)), says, because)
        for name, mask, says, because in OTHER_MASKS
    ),
)  # fmt: skip    name, other times, what it says, and why


FIRST_FRAMES = np.array([[[[True, True]], [[False, False]]], [[[False, False]], [[False, True]]]])  # 2, 2, 1, 2

PER_LATENT_TIME = Exercise(
    "per_latent_time", LESSON, "a time for each latent", ("times",), per_latent_time,
    trials=(
        by_hand(np.array([0.25, 0.5]), FIRST_FRAMES), *of_any_kind(times_inputs),
    ),
    slips=(
        Slip(
            "known ones at t", lambda t, known: np.where(known, spread(t), 1.0),
            "the known latents have t, and the others are clean", "Which of the two kinds has noise in it?",
        ),
        Slip(
            "clean is 0", lambda t, known: np.where(known, 0.0, spread(t)),
            "the known latents have time 0", "A higher t has less noise. What has none at all?",
        ),
        Slip(
            "one time for all", lambda t, known: np.broadcast_to(spread(t), known.shape),
            "all latents of a clip have its t", "A known latent is clean, whatever the t of its clip.",
        ),
        Slip(
            "one time for all", lambda t, known: spread(t), "all latents of a clip have its t",
            "A known latent is clean, whatever the t of its clip.",
        ),
        Slip(
            "1 added", lambda t, known: spread(t) + known, "the known latents have 1 + t",
            "1 replaces t; it is not added to it.",
        ),
        *(
            Slip(
                "another time where known",
                lambda t, known, own=own: np.where(known, own(spread(t)), spread(t)), says,
                "A known latent is clean: its time is 1.",
            )
            for own, says in (
                (lambda t: 1 - t, "the known latents have 1 − t"), (lambda t: 0.5, "the known latents have ½"),
                (lambda t: 2 * t, "the known latents have 2 · t"),
                (lambda t: t.max(), "the known latents have the largest t"),
                (lambda t: -1.0, "the known latents have −1"),
            )
        ),
        Slip(
            "1 added", lambda t, known: spread(t) + ~known, "the unknown latents have 1 + t",
            "1 belongs to the known ones, and replaces t.",
        ),
        Slip(
            "an axis too many", lambda t, known: np.where(known, 1.0, spread(t)[..., None]), "t has an axis too many",
            "It is (B,), and needs three more axes: one for each of F, H and W.",
        ),
        Slip(
            "t where known", lambda t, known: np.where(known, spread(t), 0.0),
            "the known latents have t, and the others 0",
            "It is the other way round: t where unknown, and 1 where known.",
        ),
        Slip(
            "1 everywhere", lambda t, known: np.ones(known.shape), "every latent has 1, the unknown ones too",
            "Is it np.ones_like(known)? That holds booleans, and every t becomes True in it.",
        ),
        *(
            Slip(
                "a time for each clip",
                lambda t, known, of_clip=of_clip: np.where(of_clip(known, axis=(1, 2, 3)), 1.0, t),
                "there is one time for each clip", "Each latent has its own: (B, F, H, W).",
            )
            for of_clip in (np.any, np.all)
        ),
        Slip(
            "a time for each clip", lambda t, known: t.copy(), "there is one time for each clip",
            "Each latent has its own: (B, F, H, W).",
        ),
        *(Slip(*other) for other in OTHER_TIMES),
        Slip(
            "time as in the papers", lambda t, known: np.where(known, 0.0, 1 - spread(t)),
            "1 − t stands for t, and 0 where it is known", "Here t = 1 is clean, and 0 is noise.",
        ),
        Slip(
            "the mean of the clip", lambda t, known: np.broadcast_to(
                np.where(known, 1.0, spread(t)).mean(axis=(1, 2, 3), keepdims=True), known.shape
            ),
            "each clip has one time, a mean", "Each latent has its own time: nothing is averaged.",
        ),
        Slip(
            "the mask itself", lambda t, known: known.astype(float), "it is the mask: the unknown latents have 0",
            "Unknown latents have a time too: the t of their clip.",
        ),
    ),
    difficulty=1, minutes=5,
)  # fmt: skip

# --------------------------------------------------------------------------------- 16.4 and 16.9 the noised canvas


def canvas_with(own, mix=lambda own, data, noise: own * data + (1 - own) * noise):
    """`noised_canvas_forward` with a different time for each latent, or a different mixture."""

    def forward(data, noise, t, known):
        time = own(t, known)[..., None]  # B, F, H, W, 1
        return mix(time, data, noise), (time,)

    return forward


def noised_canvas_forward(data, noise, t, known):
    """Known latents as they are, the others noised to time t."""
    canvas = np.where(known[..., None], data, PATH.noised(data, noise, t))  # B, F, H, W, C
    return canvas, (per_latent_time(t, known)[..., None],)


def canvas_inputs(rng, size=SIZES[0], share=0.4, t=None):
    """data, noise, t, known."""
    data, noise = rng.normal(size=(2, *size))
    return data, noise, *times_inputs(rng, size, share, t)


def cached(change):
    """`noised_canvas_forward` with something else in the cache: change(τ, data, t)."""

    def forward(data, noise, t, known):
        canvas, (own,) = noised_canvas_forward(data, noise, t, known)
        return canvas, (change(own, data, t),)

    return forward


HAND_DATA = np.array([[[[[4.0, 0.0]], [[8.0, -4.0]]]]])  # 1, 1, 2, 1, 2
HAND_NOISE = np.array([[[[[-4.0, 8.0]], [[4.0, 4.0]]]]])
HAND_KNOWN = np.array([[[[False], [True]]]])

def with_its_cache(forward, slips):
    """These slips in the first output alone, with the cache as it should be."""

    def first_output(slip):
        return lambda *inputs: (slip.wrong(*inputs)[0], forward(*inputs)[1])

    return (replace(slip, wrong=first_output(slip)) for slip in slips if "cache" not in slip.name)


NOISED_CANVAS_SLIPS = (
    Slip(
        "everything noised", canvas_with(lambda t, known: spread(t) + 0.0 * known),
        "the known latents are noised too", "Known latents go in clean.",
    ),
    Slip(
        "known ones noised", canvas_with(lambda t, known: np.where(known, spread(t), 1.0)),
        "it is the known latents that are noised", "Known latents go in clean; the unknown ones are noised.",
    ),
    Slip(
        "known ones are noise", canvas_with(lambda t, known: np.where(known, 0.0, spread(t))),
        "the known latents are noise alone", "At t = 1 there is data alone.",
    ),
    Slip(
        "data and noise swapped",
        canvas_with(per_latent_time, lambda own, data, noise: own * noise + (1 - own) * data),
        "data and noise have changed places", "A higher t has less noise.",
    ),
    Slip(
        "noise on top", canvas_with(per_latent_time, lambda own, data, noise: data + (1 - own) * noise),
        "the noise was added to the whole data", "The path mixes: t of the data, 1 − t of the noise.",
    ),
    Slip(
        "known ones left out", canvas_with(per_latent_time, lambda own, data, noise: (own < 1) * (
            own * data + (1 - own) * noise
        )),
        "the known latents are zero", "The network has to see them.",
    ),
    Slip(
        "noise alone to be made", canvas_with(per_latent_time, lambda own, data, noise: np.where(
            own == 1, data, noise
        )),
        "the unknown latents are pure noise", "That would be t = 0. At time t they hold t of the data.",
    ),
    Slip(
        "the cache holds the mask", lambda *inputs: (noised_canvas_forward(*inputs)[0], (inputs[3][..., None],)),
        "it is the mask, not the times", "The backward needs how much of the data came through: the times.",
    ),
    Slip(
        "noise not scaled", canvas_with(per_latent_time, lambda own, data, noise: own * data + noise),
        "all of the noise was added", "The path mixes: t of the data, 1 − t of the noise.",
    ),
    Slip(
        "no noise", canvas_with(per_latent_time, lambda own, data, noise: own * data), "there is no noise in it",
        "The path mixes: t of the data, 1 − t of the noise.",
    ),
    *(
        Slip("another mixture", canvas_with(per_latent_time, mix), says, "t of the data, plus 1 − t of the noise.")
        for mix, says in (
            (lambda own, data, noise: data - (1 - own) * noise, "the noise was subtracted from the whole data"),
            (lambda own, data, noise: own * data + (1 - own) ** 2 * noise, "1 − t was squared"),
            (lambda own, data, noise: own**2 * data + (1 - own) * noise, "t was squared"),
            (lambda own, data, noise: own * (own * data + (1 - own) * noise), "the whole mixture was multiplied by t"),
            (lambda own, data, noise: np.where(own == 1, data, (data + noise) / 2), "it is half of each"),
            (lambda own, data, noise: np.where(own == 1, data, data + noise), "it is the sum of data and noise"),
            (
                lambda own, data, noise: np.where(own == 1, data, data + own * noise),
                "t of the noise was added to the data",
            ),
            (lambda own, data, noise: own * data + (1 + own) * noise, "1 + t of the noise is in it"),
        )
    ),
    Slip(
        "known ones faded", lambda data, noise, t, known: (
            np.where(known[..., None], spread(t)[..., None] * data, PATH.noised(data, noise, t)),
            (per_latent_time(t, known)[..., None],),
        ),
        "the known latents were multiplied by t", "Known latents go in clean, whatever t is.",
    ),
    Slip(
        "noise as much as data", canvas_with(per_latent_time, lambda own, data, noise: own * data + own * noise),
        "the noise is in it with τ, as the data is", "The path mixes: t of the data, 1 − t of the noise.",
    ),
    Slip(
        "a plain sum", canvas_with(per_latent_time, lambda own, data, noise: data + noise),
        "it is the sum of data and noise", "The path mixes: t of the data, 1 − t of the noise.",
    ),
    Slip(
        "noise subtracted", canvas_with(per_latent_time, lambda own, data, noise: own * data - (1 - own) * noise),
        "the noise was subtracted", "Noise is added: t of the data plus 1 − t of the noise.",
    ),
    Slip(
        "square roots", canvas_with(
            per_latent_time, lambda own, data, noise: np.sqrt(own) * data + np.sqrt(1 - own) * noise
        ),
        "the amounts are square roots of t and 1 − t",
        "That is another path, which keeps the variance. Ours is the straight one.",
    ),
    *(Slip(name, canvas_with(own), says, because) for name, own, says, because in OTHER_TIMES),
    Slip(
        "cached time lacks an axis", cached(lambda own, data, t: own[..., 0]), "it lacks the axis for the channels",
        "It is (B, F, H, W, 1): own_time[..., None].",
    ),
    Slip(
        "cached time for each channel", cached(lambda own, data, t: own + 0 * data),
        "it has a time for each channel", "All channels of a latent have one time: (B, F, H, W, 1).",
    ),
    Slip(
        "the cache holds 1 − τ", cached(lambda own, data, t: 1 - own), "it is 1 − τ, not τ",
        "Keep the times themselves.",
    ),
    Slip(
        "the cache holds t", cached(lambda own, data, t: spread(t)[..., None]), "it is t, a time for each clip",
        "Keep τ, the time of each latent.",
    ),
    Slip(
        "the cache holds t", cached(lambda own, data, t: t), "it is t, a time for each clip",
        "Keep τ, the time of each latent.",
    ),
    Slip(
        "the cache holds t", cached(lambda own, data, t: spread(t)[..., None] + 0 * own),
        "it is t, whatever is known", "Keep τ, the time of each latent: 1 where it is known.",
    ),
)

NOISED_CANVAS_FORWARD = Exercise(
    "noised_canvas_forward", LESSON, "a canvas: known and noised latents", ("canvas", "cache"), noised_canvas_forward,
    trials=(by_hand(HAND_DATA, HAND_NOISE, np.array([0.25]), HAND_KNOWN), *of_any_kind(canvas_inputs)),
    slips=(*NOISED_CANVAS_SLIPS, *with_its_cache(noised_canvas_forward, NOISED_CANVAS_SLIPS)),
    difficulty=2, minutes=8,
)  # fmt: skip


def noised_canvas_backward(dcanvas, cache):
    """Data and noise were multiplied by their shares of the mixture; so are their gradients."""
    (own,) = cache
    return own * dcanvas, (1 - own) * dcanvas


def canvas_gradient(rng, size=SIZES[0], share=0.4, t=None):
    """dcanvas and the cache."""
    return rng.normal(size=size), noised_canvas_forward(*canvas_inputs(rng, size, share, t))[1]


HAND_GRADIENT = np.array([[[[[4.0, -8.0]], [[2.0, 6.0]]]]]), (np.array([[[[[0.25]], [[1.0]]]]]),)

NOISED_CANVAS_BACKWARD = Exercise(
    "noised_canvas_backward", LESSON, "back through the canvas", ("ddata", "dnoise"), noised_canvas_backward,
    trials=(
        by_hand(*HAND_GRADIENT),
        *of_any_kind(canvas_gradient),
    ),
    slips=all_alone(noised_canvas_backward, (
        Slip(
            "known ones got none", lambda dcanvas, cache: (
                np.where(cache[0] == 1, 0.0, cache[0] * dcanvas), (1 - cache[0]) * dcanvas
            ),
            "the known latents got no gradient", "They are in the canvas with their whole value: at t = 1.",
        ),
        Slip(
            "times forgotten", lambda dcanvas, cache: (dcanvas.copy(), dcanvas.copy()),
            "dcanvas came through whole",
            "The forward multiplied by the time, so the backward does too.",
        ),
        Slip(
            "times as a mask", lambda dcanvas, cache: ((cache[0] == 1) * dcanvas, (cache[0] < 1) * dcanvas),
            "it is all or nothing", "An unknown latent holds both: t of the data and 1 − t of the noise.",
        ),
        Slip(
            "dnoise everywhere", lambda dcanvas, cache: (cache[0] * dcanvas, dcanvas.copy()),
            "the noise got the whole gradient, even where the canvas holds no noise",
            "A known latent has no noise in it. What can its noise change?",
        ),
        Slip(
            "dnoise is dcanvas where there is noise",
            lambda dcanvas, cache: (cache[0] * dcanvas, (cache[0] < 1) * dcanvas),
            "the factor 1 − t is missing", "How much of the noise is in the canvas?",
        ),
        Slip(
            "minus", lambda dcanvas, cache: (cache[0] * dcanvas, -cache[0] * dcanvas),
            "it is minus ddata", "The noise is multiplied by 1 − t, which is not −t.",
        ),
        Slip(
            "divided", lambda dcanvas, cache: (dcanvas / cache[0], dcanvas / (1 - cache[0])),
            "dcanvas was divided by the times", "A gradient is multiplied by the slope. Nothing is inverted.",
        ),
        Slip(
            "dnoise as ddata", lambda dcanvas, cache: (cache[0] * dcanvas, cache[0] * dcanvas),
            "it was multiplied by τ, as ddata is", "The noise came in with 1 − τ.",
        ),
        Slip(
            "axis taken away", lambda dcanvas, cache: (cache[0][..., 0] * dcanvas, (1 - cache[0][..., 0]) * dcanvas),
            "the times have no axis for the channels", "own_time is (B, F, H, W, 1), and fits as it is.",
        ),
        Slip(
            "added", lambda dcanvas, cache: (cache[0] + dcanvas, 1 - cache[0] + dcanvas), "the times were added",
            "The forward multiplied by them, so the backward does too.",
        ),
        Slip(
            "τ subtracted", lambda dcanvas, cache: (cache[0] * dcanvas, dcanvas - cache[0]),
            "τ was subtracted from dcanvas", "It is (1 − τ) · dcanvas: the brackets matter.",
        ),
        Slip(
            "dnoise of the known ones", lambda dcanvas, cache: (
                cache[0] * dcanvas, np.where(cache[0] < 1, (1 - cache[0]) * dcanvas, dcanvas)
            ),
            "the noise of known latents got a gradient",
            "A known latent has no noise in it. What can its noise change?",
        ),
        Slip(
            "no dnoise", lambda dcanvas, cache: (cache[0] * dcanvas, np.zeros_like(dcanvas)), "it is zero everywhere",
            "The noise of unknown latents is in the canvas: 1 − τ of it.",
        ),
        Slip(
            "squared", lambda dcanvas, cache: (cache[0] ** 2 * dcanvas, (1 - cache[0]) * dcanvas),
            "it was multiplied by τ twice", "The forward multiplied by τ once, so the backward does too.",
        ),
        Slip(
            "squared", lambda dcanvas, cache: (cache[0] * dcanvas, (1 - cache[0]) ** 2 * dcanvas),
            "it was multiplied by 1 − τ twice", "The forward multiplied by 1 − τ once, so the backward does too.",
        ),
        Slip(
            "square roots", lambda dcanvas, cache: (np.sqrt(cache[0]) * dcanvas, np.sqrt(1 - cache[0]) * dcanvas),
            "the factors are square roots of τ and 1 − τ", "The forward multiplied by τ and by 1 − τ.",
        ),
        Slip(
            "dcanvas left out", lambda dcanvas, cache: (cache[0] + 0 * dcanvas, 1 - cache[0] + 0 * dcanvas),
            "dcanvas is missing", "A gradient is dcanvas times the slope.",
        ),
        Slip(
            "dcanvas left out", lambda dcanvas, cache: (cache[0].copy(), 1 - cache[0]), "dcanvas is missing",
            "A gradient is dcanvas times the slope.",
        ),
        Slip(
            "halved", lambda dcanvas, cache: (dcanvas / 2, dcanvas / 2), "it is half of dcanvas",
            "The two shares are τ and 1 − τ, not a half each.",
        ),
    ), *HAND_GRADIENT),
    difficulty=1, minutes=5,
)  # fmt: skip

# ------------------------------------------------------------------------------------- 16.5 and 16.8 the loss


def counted_loss_forward(prediction, target, counted):
    """The mean squared error of each clip's unknown latents, then the mean over the clips."""
    zeros = np.zeros(len(prediction), prediction.dtype)
    return diffusion_loss_forward(prediction, "data", PATH, target, target, zeros, weighted=False, counted=counted)


def shares(counted):
    """The share of each clip's latents that count, (B, 1, 1, 1, 1)."""
    return counted.reshape(len(counted), -1).mean(axis=1)[:, None, None, None, None]


def loss_with(weight, square=np.square):
    """`counted_loss_forward` with other weights of the errors: weight(counted) is (B, F, H, W, 1)."""

    def forward(prediction, target, counted):
        error = prediction - target  # B, F, H, W, C
        weights = weight(counted)
        return (weights * square(error)).mean(), (weights * error,)

    return forward


def asked(counted):
    """The mask as numbers, with an axis for the channels."""
    return counted[..., None].astype(float)


def loss_inputs(rng, size=SIZES[0], share=None):
    """prediction, target, counted, with different numbers of counted latents in the clips, at least one in each."""
    prediction, target = rng.normal(size=(2, *size))
    counted = rng.random(size[:-1]) < (np.linspace(0.2, 0.8, size[0])[:, None, None, None] if share is None else share)
    counted[:, -1, 0, -1] = True
    return prediction, target, counted


def counted_in(kept, taken=lambda counted: counted, power=1):
    """Weights of the errors: 1 where `taken`, by a share that is the mean over the axes that are not `kept`."""

    def weight(counted):
        counted = taken(counted)
        axes = tuple(axis for axis in range(4) if axis not in kept)
        with np.errstate(all="ignore"):
            return asked(counted) / counted.mean(axis=axes, keepdims=True)[..., None] ** power

    return weight


def loss_of(value):
    """`counted_loss_forward` with another loss, of the weights and the errors."""

    def forward(prediction, target, counted):
        weights, error = asked(counted) / shares(counted), prediction - target
        return value(weights, error), (weights * error,)

    return forward


def loss_as(value):
    """`loss_of`, of the weights, the errors and the mask."""
    return lambda prediction, target, counted: loss_of(lambda weights, error: value(weights, error, counted))(
        prediction, target, counted
    )


def cache_of(change):
    """`counted_loss_forward` with something else in the cache, made of the weights and the errors."""

    def forward(prediction, target, counted):
        weights, error = asked(counted) / shares(counted), prediction - target
        return counted_loss_forward(prediction, target, counted)[0], (change(weights, error),)

    return forward


def without_channels(keep):
    """Weights without an axis for the channels; the share with its axes or without."""

    def forward(prediction, target, counted):
        weights = counted / counted.mean(axis=(1, 2, 3), keepdims=keep)
        error = prediction - target
        return (weights * error * error).mean(), (weights * error,)

    return forward


HAND_PREDICTION = np.array([[[[[1.0], [3.0]]]], [[[[2.0], [0.0]]]]])  # 2, 1, 1, 2, 1
HAND_TARGET = np.array([[[[[3.0], [2.0]]]], [[[[1.0], [4.0]]]]])
HAND_COUNTED = np.array([[[[True, False]]], [[[True, True]]]])

COUNTED_LOSS_SLIPS = (
    Slip(
        "mean over all", loss_with(asked),
        "the errors that count were divided by the number of all latents",
        "A clip with few unknown latents would hardly count. Divide by the number that counts.",
    ),
    Slip(
        "one mean for the batch", loss_with(lambda counted: asked(counted) / counted.mean()),
        "it is one mean over all counted latents of the batch",
        "Take the mean of each clip first: then all clips weigh the same, however many latents count in them.",
    ),
    Slip(
        "everything counted", loss_with(lambda counted: np.ones(asked(counted).shape)),
        "the known latents were counted too", "A known latent can be copied from the input: that teaches nothing.",
    ),
    Slip(
        "the known ones counted", loss_with(lambda counted: asked(~counted) / np.maximum(shares(~counted), 1e-9)),
        "it is the error of the known latents", "True in counted means unknown: it counts.",
    ),
    Slip(
        "sum instead of mean", lambda prediction, target, counted: (
            (asked(counted) * (prediction - target) ** 2).sum(), (asked(counted) * (prediction - target),)
        ),
        "it is a sum", "Divide by how many numbers count, clip by clip.",
    ),
    Slip(
        "share forgotten in the cache", lambda prediction, target, counted: (
            counted_loss_forward(prediction, target, counted)[0], (asked(counted) * (prediction - target),)
        ),
        "the errors in it are not divided by the share of their clip",
        "The share divides the clip's loss, so it divides the clip's gradient too.",
    ),
    Slip(
        "not squared", loss_with(lambda counted: asked(counted) / shares(counted), np.abs),
        "the errors were not squared", "It is a mean of squares.",
    ),
    Slip(
        "multiplied by the share", loss_with(lambda counted: asked(counted) * shares(counted)),
        "it was multiplied by the share of what counts",
        "A mean over few latents divides by a small number.",
    ),
    Slip(
        "the known ones counted", loss_with(counted_in((0,), np.logical_not)),
        "it is the error of the known latents", "True in counted means unknown: it counts.",
    ),
    Slip(
        "everything counted, divided by the share",
        loss_with(lambda counted: 1 / shares(counted) + 0 * asked(counted)),
        "the known latents were counted too, and the sum divided by the share of the unknown ones",
        "m is 1 where it counts and 0 elsewhere: m / share.",
    ),
    Slip(
        "share twice", loss_with(counted_in((0,), power=2)), "it was divided by the share twice",
        "m is 1 or 0, and it is divided by the share once.",
    ),
    Slip(
        "share twice", loss_of(lambda weights, error: ((weights * error) ** 2).mean()),
        "it was divided by the share twice", "Square the error alone: m / share · error².",
    ),
    Slip(
        "root of the share", loss_with(counted_in((0,), power=0.5)), "it was divided by the root of the share",
        "The share itself divides.",
    ),
    Slip(
        "first clip's share for all", loss_with(lambda counted: asked(counted) / counted[0].mean()),
        "the first clip's share was used for all", "Each clip has a share of its own.",
    ),
    Slip(
        "share of each frame", loss_with(lambda counted: np.nan_to_num(counted_in((0, 1))(counted))),
        "each frame was divided by a share of its own",
        "The share is one number for each clip, over all its frames.",
    ),
    Slip(
        "share of each frame", loss_with(counted_in((0, 1))), "each frame was divided by a share of its own",
        "The share is one number for each clip, over all its frames.",
    ),
    *(
        Slip(
            "divided by a count", loss_with(lambda counted, axes=axes: asked(counted) / (
                shares(counted) * np.prod([counted.shape[axis] for axis in axes])
            )),
            "it was divided by a count where the share belongs",
            "A share is a number between 0 and 1: how many of all the clip's latents count.",
        )
        for axes in ((1, 2, 3), (1,), (2, 3))
    ),
    Slip(
        "sum instead of mean", loss_of(lambda weights, error: (weights * error**2).sum()), "it is a sum",
        "Take the mean over all entries: the share makes it a mean over those that count.",
    ),
    Slip(
        "not squared", loss_of(lambda weights, error: (weights * error).mean()), "the errors were not squared",
        "Errors of both signs would cancel. It is a mean of squares.",
    ),
    Slip(
        "halved", loss_of(lambda weights, error: 0.5 * (weights * error**2).mean()), "it is 2 times too small",
        "The ½ is the worksheet's. This is a plain mean of squares.",
    ),
    Slip(
        "not one number", loss_of(lambda weights, error: weights * error**2), "the mean over all numbers is missing",
        "A loss is one number.",
    ),
    Slip(
        "root taken", loss_of(lambda weights, error: np.sqrt((weights * error**2).mean())), "a root was taken",
        "It is a mean of squares, without a root.",
    ),
    Slip(
        "a loss for each clip", loss_of(lambda weights, error: (weights * error**2).mean(axis=(1, 2, 3, 4))),
        "there is one loss for each clip", "A loss is one number: the mean over the clips.",
    ),
    *(
        Slip("another mean", loss_as(value), says, "Each clip's squares are divided by how many numbers count in it.")
        for value, says in (
            (
                lambda weights, error, counted: (error[counted] ** 2).sum() / counted.sum(),
                "the sum was divided by how many latents count, not how many numbers",
            ),
            (
                lambda weights, error, counted: (weights * error**2).sum() / counted.sum(),
                "after the shares, the sum was divided by how many latents count",
            ),
            (
                lambda weights, error, counted: (weights * error**2).sum() / len(error),
                "the sum was divided by the number of clips alone",
            ),
            (
                lambda weights, error, counted: (asked(~counted) * error**2).mean(),
                "it is the error of the known latents, divided by the number of all",
            ),
            (
                lambda weights, error, counted: (weights * error**2).mean() * counted.mean(),
                "it was multiplied by the share of the whole batch",
            ),
            (
                lambda weights, error, counted: (weights * error).mean() ** 2,
                "the mean was squared, not each error",
            ),
            (lambda weights, error, counted: (weights * error**4).mean(), "the errors were squared twice"),
        )
    ),
    *(
        Slip("another cache", cache_of(change), says, "weighted = m / share · (prediction − target).")
        for change, says in (
            (lambda weights, error: weights * error / error.size, "it is divided by the count of numbers already"),
            (lambda weights, error: 2 * weights * error, "it is multiplied by 2 already"),
            (lambda weights, error: weights**2 * error, "its weights are squared"),
            (lambda weights, error: np.sqrt(weights) * error, "its weights are square roots"),
            (lambda weights, error: error[weights[..., 0] > 0], "only the errors that count are left, in a row"),
            (lambda weights, error: np.abs(weights * error), "its errors have lost their sign"),
        )
    ),
    Slip(
        "squared in the cache", cache_of(lambda weights, error: weights * error**2), "the errors in it are squared",
        "The backward needs the errors themselves, with their signs.",
    ),
    Slip(
        "no weights in the cache", cache_of(lambda weights, error: error),
        "it holds the errors without their weights", "m / share belongs to the gradient, too.",
    ),
    Slip(
        "no errors in the cache", cache_of(lambda weights, error: weights + 0 * error),
        "it holds the weights alone", "The backward needs the weighted errors.",
    ),
    *(
        Slip(
            "mask without the channels' axis", without_channels(keep), "the mask has no axis for the channels",
            "counted is (B, F, H, W). counted[..., None] fits to (B, F, H, W, C).",
        )
        for keep in (True, False)
    ),
)

COUNTED_LOSS_FORWARD = Exercise(
    "counted_loss_forward", LESSON, "the loss on the unknown latents", ("loss", "cache"), counted_loss_forward,
    trials=(
        by_hand(HAND_PREDICTION, HAND_TARGET, HAND_COUNTED), at_random(loss_inputs), *for_each(SIZES[1:], loss_inputs),
        *for_each(ALL_OR_NONE, lambda rng, share: loss_inputs(rng, SIZES[0], share)),
    ),
    slips=(*COUNTED_LOSS_SLIPS, *with_its_cache(counted_loss_forward, COUNTED_LOSS_SLIPS)),
    sizes=lambda prediction, target, counted: {
        "channels": prediction.shape[-1], "clips": len(prediction), "latents that count": int(counted.sum()),
        "frames": prediction.shape[1],
    },
    difficulty=2, minutes=9,
)  # fmt: skip


def counted_loss_backward(dloss, cache):
    """As in lesson 11: twice the weighted error, divided by the count of all numbers."""
    return mse_gradient(dloss, cache)


def weighted_errors(rng, size=SIZES[0]):
    """dloss and the cache."""
    return rng.normal(), counted_loss_forward(*loss_inputs(rng, size))[1]


def divided_by(count, factor=2):
    """`counted_loss_backward`, divided by another count."""
    return lambda dloss, cache: dloss * factor * cache[0] / count(cache[0])


COUNTED_LOSS_BACKWARD = Exercise(
    "counted_loss_backward", LESSON, "back through that loss", ("dprediction",), counted_loss_backward,
    trials=(
        by_hand(1.0, (np.array([[[[[-4.0], [0.0]]]], [[[[1.0], [-4.0]]]]]),)),
        at_random(weighted_errors), *for_each(SIZES[1:], weighted_errors),
    ),
    slips=(
        Slip(
            "divided by what counts", divided_by(np.count_nonzero),
            "it was divided by the number of latents that count",
            "That division is in the cache already, clip by clip. What is left is the mean over all.",
        ),
        Slip(
            "not divided", divided_by(lambda weighted: 1), "the mean is missing",
            "The forward ended in a mean over all entries.",
        ),
        Slip(
            "2 and mean forgotten", lambda dloss, cache: dloss * cache[0], "it is the cache, times dloss",
            "A square has the slope 2 · error, and a mean divides.",
        ),
        Slip(
            "dloss forgotten", lambda dloss, cache: 2 * cache[0] / cache[0].size, "dloss is missing",
            "The chain rule starts from the gradient that comes in.",
        ),
        Slip(
            "squared", lambda dloss, cache: dloss * 2 * cache[0] * cache[0] / cache[0].size,
            "the errors are squared in it", "The slope of a square is not a square.",
        ),
        Slip(
            "divided by the clips", divided_by(len), "it was divided by the number of clips only",
            "The mean ran over all axes.",
        ),
        Slip(
            "divided by one clip", divided_by(lambda weighted: weighted[0].size),
            "it was divided by the count of one clip's numbers", "The mean ran over all axes, the clips too.",
        ),
        Slip(
            "channels not counted", divided_by(lambda weighted: weighted[..., 0].size),
            "it was divided by the number of latents: the channels were not counted", "N counts all numbers.",
        ),
        Slip(
            "channels alone counted", divided_by(lambda weighted: weighted.shape[-1]),
            "it was divided by the number of channels only", "The mean ran over all axes.",
        ),
        Slip(
            "2 forgotten", divided_by(np.size, factor=1), "the 2 is missing", "The slope of a square is 2 · error.",
        ),
        Slip(
            "2 twice", divided_by(np.size, factor=4), "the 2 is in it twice", "The slope of a square is 2 · error.",
        ),
        Slip(
            "upside down", lambda dloss, cache: dloss * cache[0] * cache[0].size / 2, "2 / N stands upside down",
            "A mean divides by N.",
        ),
        Slip(
            "sign lost", lambda dloss, cache: dloss * 2 * np.abs(cache[0]) / cache[0].size,
            "the errors have lost their sign", "Too large and too small pull in opposite directions.",
        ),
        Slip(
            "errors left out", lambda dloss, cache: np.full_like(cache[0], 2 * dloss / cache[0].size),
            "the weighted errors are missing", "The slope of a square is 2 · error.",
        ),
        Slip(
            "squared", lambda dloss, cache: dloss * cache[0] ** 2 / cache[0].size, "it is the loss's own square",
            "The slope of a square is 2 · error.",
        ),
        Slip(
            "signs alone", lambda dloss, cache: 2 * dloss * np.sign(cache[0]) / cache[0].size,
            "the errors have become 1 or −1",
            "That is the slope of an absolute value. The slope of a square is 2 · error.",
        ),
        Slip(
            "errors left out", lambda dloss, cache: 2 * dloss / cache[0].size, "the weighted errors are missing",
            "The slope of a square is 2 · error.",
        ),
        Slip(
            "multiplied by the count", divided_by(lambda weighted: 1 / weighted.size),
            "it was multiplied by the count of numbers", "A mean divides by it.",
        ),
        Slip(
            "the mask alone", lambda dloss, cache: 2 * dloss * (cache[0] != 0) / cache[0].size,
            "the mask stands where the errors should", "The slope of a square is 2 · error.",
        ),
        *(
            Slip(
                "added up", lambda dloss, cache, how=how: 2 * dloss * how(cache[0]), "all its numbers became one",
                "Each number of the prediction has a gradient of its own.",
            )
            for how in (np.mean, np.sum)
        ),
        Slip(
            "dloss added", lambda dloss, cache: dloss + 2 * cache[0] / cache[0].size, "dloss was added",
            "A gradient is dloss times the slope.",
        ),
    ),
    sizes=lambda dloss, cache: {"numbers": cache[0].size, "clips": len(cache[0])},
    difficulty=1, minutes=4,
)  # fmt: skip

# ------------------------------------------------------------------------------------- 16.6 a step that keeps


def put_back(x, known_latents, known):
    """x with the known latents in their places."""
    return np.where(known[..., None], known_latents, x)


def completing_step(x, t, s, velocity, known_latents, known):
    """Euler's step on a canvas: known latents go in clean, and stay."""
    x = put_back(x, known_latents, known)
    return put_back(x + (s - t) * velocity(x, t), known_latents, known)


def left_alone(x, known_latents, known):
    """x as it is, in place of `put_back`."""
    return x


def step_with(
    before=put_back, after=put_back, length=lambda t, s: s - t, at=lambda x, t, s: (x, t), mask=lambda known: known,
    begin=lambda x: x,
):  # fmt: skip
    """`completing_step` with another thing done before or after the step, or another step."""

    def wrong(x, t, s, velocity, known_latents, known):
        known = mask(known)
        x = before(x, known_latents, known)
        return after(begin(x) + length(t, s) * velocity(*at(x, t, s)), known_latents, known)

    return wrong


def set_to_zero(x, known_latents, known):
    """Zeros where the known latents belong, in place of `put_back`."""
    return np.where(known[..., None], 0.0, x)


def noised_known(x, t, s, velocity, known_latents, known):
    """The network sees the known latents noised with what x is there."""
    seen = np.where(known[..., None], t * known_latents + (1 - t) * x, x)
    return put_back(x + (s - t) * velocity(seen, t), known_latents, known)


def x_put_back(x, t, s, velocity, known_latents, known):
    """What x was, put back after the step where the known latents belong."""
    return np.where(known[..., None], x, completing_step(x, t, s, velocity, known_latents, known))


def without_the_axis(x, t, s, velocity, known_latents, known):
    """The mask without an axis for the channels."""
    x = np.where(known, known_latents, x)
    return np.where(known, known_latents, x + (s - t) * velocity(x, t))


def towards_the_mean(x, t):
    """A velocity in which each latent hears of all others, as in a network with attention."""
    return x.mean(axis=(1, 2, 3), keepdims=True) - x + t


def step_inputs(rng, size=SIZES[0], share=0.4, t=None, s=None):
    """x, t, s, velocity, known_latents, known."""
    x, known_latents = rng.normal(size=(2, *size))
    drawn = np.sort(rng.uniform(0.1, 0.9, 2)).tolist()
    t, s = (one if end is None else end for one, end in zip(drawn, (t, s), strict=True))
    return x, t, s, towards_the_mean, known_latents, some(rng, size[:-1], share)


COMPLETING_STEP = Exercise(
    "completing_step", LESSON, "a sampler's step that keeps the known latents", ("x_s",), completing_step,
    trials=(
        by_hand(
            np.array([[[[[2.0], [9.0]]]]]), 0.5, 0.75, towards_the_mean, np.array([[[[[0.0], [4.0]]]]]),
            np.array([[[[False, True]]]]),
        ),
        at_random(step_inputs), *for_each(SIZES[1:], step_inputs),
        *for_each(ALL_OR_NONE, lambda rng, share: step_inputs(rng, SIZES[0], share)),
        *for_each(((0.0, None), (None, 1.0)), lambda rng, ends: step_inputs(rng, SIZES[0], 0.4, *ends)),
    ),
    slips=(
        Slip(
            "put back only afterwards", step_with(before=left_alone), "the network didn't see the known latents",
            "Put them in before you ask for the velocity, too.",
        ),
        Slip(
            "put back only before", step_with(after=left_alone), "the step moved the known latents",
            "They are finished. Put them back after the step.",
        ),
        Slip(
            "never put back", step_with(left_alone, left_alone), "it is a step without any known latents",
            "Put them in: before the velocity, and after the step.",
        ),
        Slip(
            "mask the wrong way round", step_with(mask=np.logical_not), "the mask was read the wrong way round",
            "True means known: there belongs known_latents.",
        ),
        Slip(
            "a whole step", step_with(length=lambda t, s: 1), "the step is not as long as the time that passes",
            "From t to s, it is s − t of the velocity.",
        ),
        Slip(
            "a step of s", step_with(length=lambda t, s: s), "the step has the length s",
            "From t to s, it is s − t of the velocity.",
        ),
        Slip(
            "a step of t", step_with(length=lambda t, s: t), "the step has the length t",
            "From t to s, it is s − t of the velocity.",
        ),
        Slip(
            "no step", step_with(length=lambda t, s: 0), "no step was made", "x moves by s − t of the velocity.",
        ),
        Slip(
            "times added", step_with(length=lambda t, s: s + t), "the step is as long as its two times together",
            "From t to s, it is s − t of the velocity.",
        ),
        Slip(
            "divided by the step", step_with(length=lambda t, s: 1 / (s - t)), "the velocity was divided by the step",
            "Distance is velocity times time: multiply by s − t.",
        ),
        *(
            Slip(
                "known ones left empty", step_with(before, after), "the known latents were set to zero",
                "known_latents holds what belongs there.",
            )
            for before, after in ((set_to_zero, set_to_zero), (put_back, set_to_zero), (set_to_zero, put_back))
        ),
        *(
            Slip(name, step_with(at=at), says, "You are at t when the step begins, and there the network is asked.")
            for name, at, says in (
                ("asked at 1 − t", lambda x, t, s: (x, 1 - t), "the velocity was asked for at 1 − t"),
                ("asked in the middle", lambda x, t, s: (x, (t + s) / 2), "it was asked for at the middle of the step"),
                ("asked at an end", lambda x, t, s: (x, 0.0), "the velocity was asked for at time 0"),
                ("asked at an end", lambda x, t, s: (x, 1.0), "the velocity was asked for at time 1"),
            )
        ),
        Slip(
            "seen, but not put in", lambda x, t, s, velocity, known_latents, known: x + (s - t) * velocity(
                put_back(x, known_latents, known), t
            ),
            "the network saw the known latents, but they are not in the result",
            "Put them in, and put them back after the step.",
        ),
        Slip(
            "put in, but not seen", lambda x, t, s, velocity, known_latents, known: put_back(
                x, known_latents, known
            ) + (s - t) * velocity(x, t),
            "the network didn't see the known latents, and the step moved them",
            "Put them in before you ask, and back after the step.",
        ),
        Slip(
            "mask the wrong way round", step_with(
                left_alone, lambda x, known_latents, known: put_back(x, known_latents, ~known)
            ),
            "the mask was read the wrong way round", "True means known: there belongs known_latents.",
        ),
        Slip(
            "mask the wrong way round", step_with(
                after=lambda x, known_latents, known: put_back(x, known_latents, ~known)
            ),
            "the mask was read the wrong way round after the step", "True means known: there belongs known_latents.",
        ),
        Slip(
            "asked at the known latents", lambda x, t, s, velocity, known_latents, known: put_back(
                put_back(x, known_latents, known) + (s - t) * velocity(known_latents, t), known_latents, known
            ),
            "the velocity was asked for at known_latents everywhere", "Ask at x, with the known latents in it.",
        ),
        Slip(
            "the velocity alone", lambda x, t, s, velocity, known_latents, known: put_back(
                velocity(put_back(x, known_latents, known), t), known_latents, known
            ),
            "it is the velocity itself", "A step is x plus s − t of the velocity.",
        ),
        *(
            Slip(
                "known ones faded", lambda x, t, s, velocity, known_latents, known, when=when: put_back(
                    put_back(x, known_latents, known) + (s - t) * velocity(put_back(x, known_latents, known), t),
                    when(t, s) * known_latents, known,
                ),
                f"the known latents were multiplied by {text}", "Known latents go in clean, whatever t is.",
            )
            for when, text in ((lambda t, s: s, "s"), (lambda t, s: t, "t"))
        ),
        Slip(
            "half a step", step_with(length=lambda t, s: (s - t) / 2), "the step is half as long as it should be",
            "From t to s, it is s − t of the velocity.",
        ),
        Slip(
            "backwards", step_with(length=lambda t, s: t - s), "the step goes backwards in time",
            "s is the later time: add s − t of the velocity.",
        ),
        Slip(
            "to a share of the way", step_with(length=lambda t, s: (s - t) / (1 - t)), "the step is divided by 1 − t",
            "That belongs to a step towards the data. The velocity is per unit of time.",
        ),
        Slip(
            "asked at s", step_with(at=lambda x, t, s: (x, s)),
            "the velocity was asked for at the time where the step ends", "You are at t when the step begins.",
        ),
        Slip(
            "x left out", step_with(begin=np.zeros_like), "it is the way alone", "The step starts at x: x + ….",
        ),
        Slip(
            "known ones faded", lambda x, t, s, velocity, known_latents, known: completing_step(
                x, t, s, velocity, t * known_latents, known
            ),
            "the known latents were multiplied by t", "Known latents go in clean, whatever t is.",
        ),
        Slip(
            "known ones noised", noised_known, "the network saw the known latents with noise in them",
            "Known latents go in clean, whatever t is.",
        ),
        Slip(
            "known ones noised", step_with(
                lambda x, known_latents, known: put_back(x, (known_latents + x) / 2, known)
            ),
            "the network saw the known latents with noise in them", "Known latents go in clean, whatever t is.",
        ),
        Slip(
            "the old x put back", x_put_back, "it is the old x that was put back after the step",
            "Where a latent is known, known_latents belongs.",
        ),
        Slip(
            "mask without the channels' axis", without_the_axis, "the mask has no axis for the channels",
            "known is (B, F, H, W). known[..., None] fits to (B, F, H, W, C).",
        ),
        *(Slip(name, step_with(mask=mask), says, because) for name, mask, says, because in OTHER_MASKS),
    ),
    difficulty=2, minutes=8,
)  # fmt: skip

# ----------------------------------------------------------------------------------- 16.7 clips of several lengths


def token_exists(frames, tokens, patch_frames):
    """A token exists if its first frame does, because clips are padded at their ends."""
    sizes = np.stack([frames, np.ones_like(frames), np.ones_like(frames)], axis=1)  # B, 3
    exists = existing((len(frames), tokens * patch_frames, 1, 1, 1), sizes, np)  # B, F, 1, 1
    return exists[:, ::patch_frames, 0, 0]  # B, T


def firsts(tokens, patch_frames):
    """The first frame of each token, (1, T)."""
    return np.arange(tokens)[None] * patch_frames


def of_every_length(rng, tokens_and_size):
    """Clips from no frame up to a full array, in some order."""
    tokens, size = tokens_and_size
    return rng.permutation(tokens * size + 1), tokens, size


def exists_by(rule):
    """Another rule for the number of each token (1, T), the frames (B, 1), and the frames in a token."""
    return lambda frames, tokens, size: rule(np.arange(tokens)[None], frames[:, None], size)


TOKEN_EXISTS = Exercise(
    "token_exists", LESSON, "which tokens of padded clips exist", ("exists",), token_exists,
    trials=(
        by_hand(np.array([8, 3, 5]), 2, 4),
        at_random(lambda rng: (np.append(rng.integers(1, 13, size=8), 1), 5, int(rng.integers(3, 7)))),
        *for_each(((3, 2), (6, 1), (1, 5), (4, 3)), of_every_length, "short clips"),
        *for_each((((7,), 4, 2), ((0, 5), 3, 2)), lambda rng, given: (np.array(given[0]), *given[1:]), "short clips"),
    ),
    slips=(
        Slip(
            "only whole tokens", lambda frames, tokens, size: firsts(tokens, size) + size <= frames[:, None],
            "tokens that are only partly filled are left out",
            "A token with one real frame and many padded ones still holds that frame.",
        ),
        Slip(
            "one too many", lambda frames, tokens, size: firsts(tokens, size) <= frames[:, None],
            "a clip that exactly fills its tokens has one too many",
            "Frames are counted from 0: a clip of 4 has no frame 4.",
        ),
        Slip(
            "frames for tokens", lambda frames, tokens, size: np.arange(tokens)[None] < frames[:, None],
            "frames were counted as tokens", "A token holds several frames.",
        ),
        Slip(
            "the wrong way round", lambda frames, tokens, size: firsts(tokens, size) >= frames[:, None],
            "it is True where there is nothing", "True: this token may be attended to.",
        ),
        Slip(
            "all of them", lambda frames, tokens, size: np.ones((len(frames), tokens), bool),
            "every token is True", "A short clip ends before the array does.",
        ),
        Slip(
            "rounded to the nearest",
            lambda frames, tokens, size: np.arange(tokens)[None] < np.round(frames / size)[:, None],
            "it was rounded to the nearest number of tokens",
            "One real frame is enough for a token to exist: round up.",
        ),
        Slip(
            "tokens counted from 1", exists_by(lambda n, frames, size: (n + 1) * size < frames),
            "a clip that exactly fills its tokens lacks the last one, and so do others",
            "Tokens are counted from 0: token n begins with frame n · patch_frames.",
        ),
        *(
            Slip("frames off by one", exists_by(rule), says, "A token exists if its first frame does.")
            for rule, says in (
                (lambda n, frames, size: n * size < frames - 1, "each clip was taken to be a frame shorter"),
                (lambda n, frames, size: n * size < frames - 2, "each clip was taken to be two frames shorter"),
                (lambda n, frames, size: (n + 1) * size <= frames + 1, "a token may lack one frame at most"),
                (lambda n, frames, size: n * size + size / 2 < frames, "more than half of a token has to be there"),
                (lambda n, frames, size: n * size + size / 2 <= frames, "half of a token has to be there"),
            )
        ),
        *(
            Slip("another comparison", exists_by(rule), says, "True where n · patch_frames < frames.")
            for rule, says in (
                (lambda n, frames, size: n * size > frames, "it is True for the tokens that begin after the end"),
                (lambda n, frames, size: n == frames // size, "it is True for a single token"),
                (lambda n, frames, size: n % size < frames, "the number of the token was taken modulo patch_frames"),
                (lambda n, frames, size: n / size < frames, "the number of the token was divided by patch_frames"),
                (
                    lambda n, frames, size: n * size < frames.mean() + 0 * frames,
                    "all clips have the mean number of frames",
                ),
                (lambda n, frames, size: n + size < frames, "patch_frames was added, not multiplied"),
                (lambda n, frames, size: n * (size - 1) < frames, "a token was taken to be a frame shorter"),
            )
        ),
        *(
            Slip(
                "a row for all clips", exists_by(lambda n, frames, size, how=how: how(n * size < frames, axis=0)),
                "there is one row for all clips", "Each clip has a row of its own: (B, tokens).",
            )
            for how in (np.any, np.all)
        ),
        Slip(
            "padding in front", exists_by(lambda n, frames, size: (n * size < frames)[:, ::-1]),
            "the tokens that exist stand at the end", "Clips are padded at their ends.",
        ),
        Slip(
            "as many as there are tokens",
            lambda frames, tokens, size: np.arange(tokens)[None] * tokens < frames[:, None],
            "a token was taken to be as long as there are tokens", "It spans patch_frames frames.",
        ),
        Slip(
            "first clip for all", exists_by(lambda n, frames, size: n * size < frames[0] + 0 * frames),
            "every clip has the tokens of the first one", "Each clip has frames of its own.",
        ),
        Slip(
            "first clip for all", exists_by(lambda n, frames, size: n * size < frames[:1]),
            "there is a row for the first clip only", "Each clip has frames of its own: frames[:, None].",
        ),
        Slip(
            "longest clip for all", exists_by(lambda n, frames, size: n * size < frames.max() + 0 * frames),
            "every clip has the tokens of the longest one", "Each clip has frames of its own.",
        ),
        Slip(
            "frames, not tokens",
            lambda frames, tokens, size: np.arange(tokens * size)[None] < frames[:, None],
            "it says which frames exist", "Ask for every token's first frame only.",
        ),
        Slip(
            "number of tokens", exists_by(lambda n, frames, size: (n * size < frames).sum(axis=1)),
            "it is how many tokens each clip has", "Say of each token whether it exists: (B, tokens).",
        ),
        Slip(
            "a token without frames", exists_by(lambda n, frames, size: n * size < np.maximum(frames, 1)),
            "a clip without frames has a token", "No frame, no token.",
        ),
        Slip(
            "a token without frames", exists_by(lambda n, frames, size: n <= (frames - 1) // size + (frames == 0)),
            "a clip without frames has a token", "No frame, no token.",
        ),
    ),
    difficulty=1, minutes=5,
)  # fmt: skip

EXERCISES = (
    WORKSHEET_CANVAS, WORKSHEET_COUNTED_LOSS, PER_LATENT_TIME, NOISED_CANVAS_FORWARD, COUNTED_LOSS_FORWARD,
    COMPLETING_STEP, TOKEN_EXISTS, COUNTED_LOSS_BACKWARD, NOISED_CANVAS_BACKWARD,
)  # fmt: skip
