"""Lesson 15, the capstone: the functions of the lessons before, in a network.

The answer to an `own_…` exercise is a `Parts` (minidit/course/capstone.py). Each of its functions has to pass the check
of its own lesson first. Then, called with the name of a pair, `Parts` has a very small DiT run with these functions in
place of minidit's.
"""

import numpy as np

from minidit import layers
from minidit.course.culprits import examined, network_exercise
from minidit.course.exercise import Exercise, Slip, Trial
from minidit.course.small_dit import batch_gradients, small_batch, small_network
from minidit.diffusion import RectifiedFlow, network_time, velocity_weight

LESSON = 15
PATH = RectifiedFlow()

# ------------------------------------------------------------------------------------------------ 15.1 to 15.5


def own(name, title, pairs, minutes):
    """The exercise for some of the pairs, each a stage of its own."""
    return network_exercise(
        name, pairs, title=title, difficulty=2, minutes=minutes,
        parts=lambda answer, seconds=None: examined(answer, pairs, seconds),
    )  # fmt: skip


OWN_LINEAR = own("own_linear", "your linear layer in a DiT", ("linear",), 3)
MODULATION = ("silu", "layernorm", "modulate", "gated_residual")
OWN_MODULATION = own("own_modulation", "your norm, scale, shift and gate in a DiT", MODULATION, 5)
OWN_ATTENTION = own("own_attention", "your attention in a DiT", ("softmax", "attention"), 4)
OWN_FEED_FORWARD = own("own_feed_forward", "your feed-forward network in a DiT", ("gelu", "feedforward"), 3)
OWN_OPTIMIZER = own(
    "own_optimizer", "your loss and your optimiser on a DiT", ("mse", "clip_scale", "adamw", "ema"), 4
)

# ------------------------------------------------------------------------------------------ 15.6 a step, whole


def step_with(
    target=lambda data, noise, t: data, noised=PATH.noised, time=network_time,
    weight=lambda t: velocity_weight("data", PATH, t),
    dprediction=lambda loss, cache, error: layers.mse_backward(1.0, cache)[0],
):  # fmt: skip
    """`batch_gradients` with something else in a place."""

    def wrong(network, data, noise, t, words):
        prediction, cache = network.forward(noised(data, noise, t), time(t), words)
        loss, loss_cache = layers.mse_forward(prediction, target(data, noise, t), weight(t))
        _, grads = network.backward(dprediction(loss, loss_cache, prediction - data), cache)
        return float(loss), grads

    return wrong


def clips(*which, t=None):
    """The inputs with these clips of the small batch, at other times perhaps."""
    data, noise, times, words = (part[list(which)] for part in small_batch())
    return small_network(), data, noise, times if t is None else np.array(t), words


def mixed(shares):
    """`step_with` clips that were mixed in other shares of data and noise: shares(t, 1 − t)."""

    def noised(data, noise, t):
        share = t.reshape(-1, 1, 1, 1, 1)
        of_data, of_noise = shares(share, 1 - share)
        return of_data * data + of_noise * noise

    return step_with(noised=noised)


BATCH_GRADIENTS = Exercise(
    "batch_gradients", LESSON, "a batch, forward and back", ("loss", "gradients"), batch_gradients,
    trials=(
        Trial("one clip", lambda rng: clips(0)), Trial("a batch", lambda rng: clips(0, 1, 2)),
        Trial("a batch", lambda rng: clips(2, 1)), Trial("both ends of time", lambda rng: clips(0, 1, t=(1.0, 0.0))),
    ),
    slips=(
        Slip(
            "noise as the target", step_with(target=lambda data, noise, t: noise),
            "the prediction was compared with the noise", "This network predicts the data.",
        ),
        Slip(
            "noised clip as the target", step_with(target=PATH.noised), "the prediction was compared with what went in",
            "The target is the clean data.",
        ),
        Slip(
            "data and noise swapped", step_with(noised=lambda data, noise, t: PATH.noised(noise, data, t)),
            "data and noise have changed places", "At t = 1 there is only data.",
        ),
        Slip(
            "clean data went in", step_with(noised=lambda data, noise, t: data), "the network was given the clean data",
            "It has to find the data: mix in the noise first.",
        ),
        Slip(
            "t from 0 to 1", step_with(time=lambda t: t), "the network was told t itself, not 1000 t",
            "network_time(t) is what it is fed.",
        ),
        Slip(
            "not weighted", step_with(weight=lambda t: None), "the loss is not weighted",
            "velocity_weight says how much each clip counts.",
        ),
        Slip(
            "weighted as noise", step_with(weight=lambda t: velocity_weight("noise", PATH, t)),
            "the weight is that of a network that predicts noise", "Ours predicts the data.",
        ),
        *(
            Slip("another weight", step_with(weight=weight), says, "Take velocity_weight, as it stands.")
            for weight, says in (
                (lambda t: t, "the weight is t"), (lambda t: 1 - t, "the weight is 1 − t"),
                (lambda t: 1 / (1 - t), "the weight is 1 / (1 − t)"),
                (lambda t: 1 / (1 - t) ** 2, "the weight has no limit: it is infinite at t = 1"),
                (lambda t: velocity_weight("data", PATH, 1 - t), "the weight is that of the time 1 − t"),
                (lambda t: np.sqrt(velocity_weight("data", PATH, t)), "the weight is the root of what it should be"),
            )
        ),
        Slip(
            "weights divided", step_with(
                weight=lambda t: velocity_weight("data", PATH, t) / velocity_weight("data", PATH, t).mean()
            ),
            "the weights were divided by their mean", "Take velocity_weight, as it stands.",
        ),
        Slip(
            "weights divided", step_with(
                weight=lambda t: velocity_weight("data", PATH, t) / velocity_weight("data", PATH, t).sum()
            ),
            "the weights were divided by their sum", "Take velocity_weight, as it stands.",
        ),
        *(
            Slip(
                "velocity as the target", step_with(target=lambda data, noise, t, sign=sign: sign * (data - noise)),
                "the prediction was compared with the velocity", "This network predicts the data.",
            )
            for sign in (1, -1)
        ),
        Slip(
            "time of the papers", step_with(time=lambda t: network_time(1 - t)), "the network was told 1 − t",
            "Here t = 1 is the data, and network_time(t) is what the network is fed.",
        ),
        Slip(
            "noise alone went in", step_with(noised=lambda data, noise, t: noise),
            "the network was given the noise alone", "It gets x at time t: t of the data and 1 − t of the noise.",
        ),
        Slip(
            "data at full strength", mixed(lambda t, rest: (1, rest)), "the noise was added to the whole data",
            "The path mixes: t of the data, 1 − t of the noise.",
        ),
        Slip(
            "noise at full strength", mixed(lambda t, rest: (t, 1)), "all of the noise was added",
            "The path mixes: t of the data, 1 − t of the noise.",
        ),
        Slip(
            "noise subtracted", mixed(lambda t, rest: (t, -rest)), "the noise was subtracted",
            "The path adds: t of the data plus 1 − t of the noise.",
        ),
        Slip(
            "square roots", mixed(lambda t, rest: (np.sqrt(t), np.sqrt(rest))),
            "the amounts are square roots of t and 1 − t",
            "That is another path, which keeps the variance. Ours is the straight one.",
        ),
        Slip(
            "first clip's t for all", step_with(noised=lambda data, noise, t: t[0] * data + (1 - t[0]) * noise),
            "every clip was mixed with the first clip's t", "Each clip has a time of its own.",
        ),
        Slip(
            "first clip only", lambda network, *batch: batch_gradients(network, *(part[:1] for part in batch)),
            "it is that of the first clip alone", "Give the network the whole batch.",
        ),
        Slip(
            "t along the channels", step_with(noised=lambda data, noise, t: t * data + (1 - t) * noise),
            "t went along the channels, not along the clips", "t has to become (N, 1, 1, 1, 1).",
        ),
        Slip(
            "loss as dloss", step_with(dprediction=lambda loss, cache, error: layers.mse_backward(loss, cache)[0]),
            "the loss went back in the place of its gradient",
            "The loss's own gradient is 1: mse_backward(1.0, cache).",
        ),
        *(
            Slip(
                "mse_backward left out",
                step_with(dprediction=lambda loss, cache, error, factor=factor: factor * error),
                "the plain error went back", "mse_backward knows the weights, the mean and the 2.",
            )
            for factor in (1, 2)
        ),
    ),
    sizes=lambda network, data, noise, t, words: {"clips": len(data)},
    difficulty=2, minutes=12, points=2,
)  # fmt: skip

EXERCISES = (OWN_LINEAR, OWN_MODULATION, OWN_ATTENTION, OWN_FEED_FORWARD, OWN_OPTIMIZER, BATCH_GRADIENTS)
