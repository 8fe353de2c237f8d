"""Lesson 15, the capstone: the functions of the lessons before, in a network.

The answer to an `own_…` exercise is a `Parts` (minidit/course/capstone.py). Each of its functions has to pass the check
of its own lesson first. Then, called with the name of a pair, `Parts` has a very small DiT run with these functions in
place of minidit's.
"""

from minidit import layers
from minidit.course.culprits import network_exercise, parts_of
from minidit.course.exercise import Exercise, Slip, Trial
from minidit.course.small_dit import batch_gradients, small_batch, small_network
from minidit.diffusion import RectifiedFlow, network_time, velocity_weight

LESSON = 15
PATH = RectifiedFlow()

# ------------------------------------------------------------------------------------------------ 15.1 to 15.5


def own(name, title, pairs, minutes):
    """The exercise for some of the pairs, each a stage of its own."""
    return network_exercise(
        name, pairs, title=title, difficulty=2, minutes=minutes, parts=lambda answer: parts_of(answer, pairs)
    )


OWN_LINEAR = own("own_linear", "your linear layer in a DiT", ("linear",), 3)
MODULATION = ("silu", "layernorm", "modulate", "gated_residual")
OWN_MODULATION = own("own_modulation", "your norm, scale, shift and gate in a DiT", MODULATION, 5)
OWN_ATTENTION = own("own_attention", "your attention in a DiT", ("softmax", "attention"), 4)
OWN_FEED_FORWARD = own("own_feed_forward", "your feed-forward network in a DiT", ("gelu", "feedforward"), 3)
OWN_OPTIMIZER = own(
    "own_optimizer", "your loss and your optimiser on a DiT", ("mse", "clip_scale", "adamw", "ema"), 4
)

# ------------------------------------------------------------------------------------------ 15.6 a step, whole


def step_with(target=None, noised=None, time=network_time, weight=None, dloss=1.0):
    """`batch_gradients` with something else in a place."""
    target = target or (lambda data, noise, t: data)
    noised = noised or PATH.noised
    weight = weight or (lambda t: velocity_weight("data", PATH, t))

    def wrong(network, data, noise, t, words):
        prediction, cache = network.forward(noised(data, noise, t), time(t), words)
        loss, loss_cache = layers.mse_forward(prediction, target(data, noise, t), weight(t))
        _, grads = network.backward(layers.mse_backward(dloss, loss_cache)[0], cache)
        return float(loss), grads

    return wrong


BATCH_GRADIENTS = Exercise(
    "batch_gradients", LESSON, "a batch, forward and back", ("loss", "gradients"), batch_gradients,
    trials=(
        Trial("one clip", lambda rng: (small_network(), *(part[:1] for part in small_batch()))),
        Trial("a batch", lambda rng: (small_network(), *small_batch())),
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
    ),
    sizes=lambda network, data, noise, t, words: {"clips": len(data)},
    difficulty=2, minutes=12, points=2,
)  # fmt: skip

EXERCISES = (OWN_LINEAR, OWN_MODULATION, OWN_ATTENTION, OWN_FEED_FORWARD, OWN_OPTIMIZER, BATCH_GRADIENTS)
