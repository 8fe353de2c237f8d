"""Lesson 16: one model, many uses. A time for each latent, a loss on the unknown ones, a step that keeps the rest."""

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, Trial, at_random, by_hand
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


def some(rng, shape, share=0.4):
    """A mask (B, F, H, W) that is nowhere all True or all False within a clip."""
    mask = rng.random(shape) < share
    mask[:, 0, 0, 0], mask[:, -1, -1, -1] = True, False
    return mask


FIRST_FRAMES = np.array([[[[True, True]], [[False, False]]], [[[False, False]], [[False, True]]]])  # 2, 2, 1, 2

PER_LATENT_TIME = Exercise(
    "per_latent_time", LESSON, "a time for each latent", ("times",), per_latent_time,
    trials=(
        by_hand(np.array([0.25, 0.5]), FIRST_FRAMES),
        at_random(lambda rng: (rng.uniform(0.1, 0.9, size=3), some(rng, (3, 2, 4, 5)))),
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
            "1 added", lambda t, known: spread(t) + known, "the known latents have 1 + t",
            "1 replaces t; it is not added to it.",
        ),
        Slip(
            "t or nothing", lambda t, known: np.where(known, np.ceil(spread(t)), 0.0),
            "the unknown latents have time 0", "Their time is the t of the clip.",
        ),
        Slip(
            "the mean of the clip", lambda t, known: np.broadcast_to(
                np.where(known, 1.0, spread(t)).mean(axis=(1, 2, 3), keepdims=True), known.shape
            ),
            "each clip has one time, a mean", "Each latent has its own time: nothing is averaged.",
        ),
        Slip(
            "the mask itself", lambda t, known: known.astype(float), "it is the mask, as numbers",
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


def canvas_inputs(rng, shape=(3, 2, 4, 5), channels=2):
    """data, noise, t, known."""
    data, noise = rng.normal(size=(2, *shape, channels))
    return data, noise, rng.uniform(0.1, 0.9, size=shape[0]), some(rng, shape)


HAND_DATA = np.array([[[[[4.0, 0.0]], [[8.0, -4.0]]]]])  # 1, 1, 2, 1, 2
HAND_NOISE = np.array([[[[[-4.0, 8.0]], [[4.0, 4.0]]]]])
HAND_KNOWN = np.array([[[[False], [True]]]])

NOISED_CANVAS_FORWARD = Exercise(
    "noised_canvas_forward", LESSON, "a canvas: known and noised latents", ("canvas", "cache"), noised_canvas_forward,
    trials=(by_hand(HAND_DATA, HAND_NOISE, np.array([0.25]), HAND_KNOWN), at_random(canvas_inputs)),
    slips=(
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
    ),
    difficulty=2, minutes=8,
)  # fmt: skip


def noised_canvas_backward(dcanvas, cache):
    """Data and noise were multiplied by their shares of the mixture; so are their gradients."""
    (own,) = cache
    return own * dcanvas, (1 - own) * dcanvas


NOISED_CANVAS_BACKWARD = Exercise(
    "noised_canvas_backward", LESSON, "back through the canvas", ("ddata", "dnoise"), noised_canvas_backward,
    trials=(
        by_hand(np.array([[[[[4.0, -8.0]], [[2.0, 6.0]]]]]), (np.array([[[[[0.25]], [[1.0]]]]]),)),
        at_random(
            lambda rng: (
                rng.normal(size=(3, 2, 4, 5, 2)),
                noised_canvas_forward(*canvas_inputs(rng))[1],
            )
        ),
    ),
    slips=(
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
    ),
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


def loss_inputs(rng):
    """prediction, target, counted, with a different number of counted latents in each clip."""
    prediction, target = rng.normal(size=(2, 3, 2, 4, 5, 2))
    counted = rng.random((3, 2, 4, 5)) < np.array([0.2, 0.5, 0.8])[:, None, None, None]
    counted[:, 0, 0, 0] = True
    return prediction, target, counted


HAND_PREDICTION = np.array([[[[[1.0], [3.0]]]], [[[[2.0], [0.0]]]]])  # 2, 1, 1, 2, 1
HAND_TARGET = np.array([[[[[3.0], [2.0]]]], [[[[1.0], [4.0]]]]])
HAND_COUNTED = np.array([[[[True, False]]], [[[True, True]]]])

COUNTED_LOSS_FORWARD = Exercise(
    "counted_loss_forward", LESSON, "the loss on the unknown latents", ("loss", "cache"), counted_loss_forward,
    trials=(by_hand(HAND_PREDICTION, HAND_TARGET, HAND_COUNTED), at_random(loss_inputs)),
    slips=(
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
    ),
    sizes=lambda prediction, target, counted: {
        "channels": prediction.shape[-1], "clips": len(prediction), "latents that count": int(counted.sum()),
    },
    difficulty=2, minutes=9,
)  # fmt: skip


def counted_loss_backward(dloss, cache):
    """As in lesson 11: twice the weighted error, divided by the count of all numbers."""
    return mse_gradient(dloss, cache)


COUNTED_LOSS_BACKWARD = Exercise(
    "counted_loss_backward", LESSON, "back through that loss", ("dprediction",), counted_loss_backward,
    trials=(
        by_hand(1.0, (np.array([[[[[-4.0], [0.0]]]], [[[[1.0], [-4.0]]]]]),)),
        at_random(lambda rng: (0.7, counted_loss_forward(*loss_inputs(rng))[1])),
    ),
    slips=(
        Slip(
            "divided by what counts", lambda dloss, cache: dloss * 2 * cache[0] / np.count_nonzero(cache[0]),
            "it was divided by the number of latents that count",
            "That division is in the cache already, clip by clip. What is left is the mean over all.",
        ),
        Slip(
            "not divided", lambda dloss, cache: dloss * 2 * cache[0], "the mean is missing",
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
            "divided by the clips", lambda dloss, cache: dloss * 2 * cache[0] / len(cache[0]),
            "it was divided by the number of clips only", "The mean ran over all axes.",
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


def towards_the_mean(x, t):
    """A velocity in which each latent hears of all others, as in a network with attention."""
    return x.mean(axis=(1, 2, 3), keepdims=True) - x + t


def step_inputs(rng):
    """x, t, s, velocity, known_latents, known."""
    x, known_latents = rng.normal(size=(2, 3, 2, 4, 5, 2))
    return x, 0.3, 0.45, towards_the_mean, known_latents, some(rng, (3, 2, 4, 5))


COMPLETING_STEP = Exercise(
    "completing_step", LESSON, "a sampler's step that keeps the known latents", ("x_s",), completing_step,
    trials=(
        by_hand(
            np.array([[[[[2.0], [9.0]]]]]), 0.5, 0.75, towards_the_mean, np.array([[[[[0.0], [4.0]]]]]),
            np.array([[[[False, True]]]]),
        ),
        at_random(step_inputs),
    ),
    slips=(
        Slip(
            "put back only afterwards", lambda x, t, s, velocity, known_latents, known: put_back(
                x + (s - t) * velocity(x, t), known_latents, known
            ),
            "the network didn't see the known latents", "Put them in before you ask for the velocity, too.",
        ),
        Slip(
            "put back only before", lambda x, t, s, velocity, known_latents, known: put_back(x, known_latents, known)
            + (s - t) * velocity(put_back(x, known_latents, known), t),
            "the step moved the known latents", "They are finished. Put them back after the step.",
        ),
        Slip(
            "never put back", lambda x, t, s, velocity, known_latents, known: x + (s - t) * velocity(x, t),
            "it is a step without any known latents", "Put them in: before the velocity, and after the step.",
        ),
        Slip(
            "mask the wrong way round", lambda x, t, s, velocity, known_latents, known: completing_step(
                x, t, s, velocity, known_latents, ~known
            ),
            "the mask was read the wrong way round", "True means known: there belongs known_latents.",
        ),
        Slip(
            "a whole step", lambda x, t, s, velocity, known_latents, known: put_back(
                put_back(x, known_latents, known) + velocity(put_back(x, known_latents, known), t), known_latents, known
            ),
            "the step is not as long as the time that passes", "From t to s, it is s − t of the velocity.",
        ),
        Slip(
            "a step of s", lambda x, t, s, velocity, known_latents, known: put_back(
                put_back(x, known_latents, known) + s * velocity(put_back(x, known_latents, known), t),
                known_latents, known,
            ),
            "the step has the length s", "From t to s, it is s − t of the velocity.",
        ),
        Slip(
            "asked at s", lambda x, t, s, velocity, known_latents, known: put_back(
                put_back(x, known_latents, known) + (s - t) * velocity(put_back(x, known_latents, known), s),
                known_latents, known,
            ),
            "the velocity was asked for at the time where the step ends", "You are at t when the step begins.",
        ),
        Slip(
            "known ones faded", lambda x, t, s, velocity, known_latents, known: completing_step(
                x, t, s, velocity, t * known_latents, known
            ),
            "the known latents were multiplied by t", "Known latents go in clean, whatever t is.",
        ),
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


TOKEN_EXISTS = Exercise(
    "token_exists", LESSON, "which tokens of padded clips exist", ("exists",), token_exists,
    trials=(
        by_hand(np.array([8, 3, 5]), 2, 4),
        at_random(lambda rng: (rng.integers(1, 16, size=7), 5, 3)),
        Trial("short clips", lambda rng: (np.array([1, 2, 4, 6]), 3, 2)),
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
    ),
    difficulty=1, minutes=5,
)  # fmt: skip

EXERCISES = (
    WORKSHEET_CANVAS, WORKSHEET_COUNTED_LOSS, PER_LATENT_TIME, NOISED_CANVAS_FORWARD, COUNTED_LOSS_FORWARD,
    COMPLETING_STEP, TOKEN_EXISTS, COUNTED_LOSS_BACKWARD, NOISED_CANVAS_BACKWARD,
)  # fmt: skip
