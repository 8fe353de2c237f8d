"""Lesson 15, the capstone: the functions of the lessons before, in a network.

The answer to an `own_…` exercise is a `Parts` (minidit/course/capstone.py). Called with the name of a pair, it has a
very small DiT run with these functions in place of minidit's. No gradient stage: the lessons' own checks have that.
"""

import functools

import numpy as np

from minidit import layers
from minidit.course.capstone import Parts
from minidit.course.exercise import Exercise, Slip, Trial
from minidit.course.fitting import PAIRS
from minidit.course.small_dit import batch_gradients, small_batch, small_network, small_run
from minidit.diffusion import RectifiedFlow, network_time, velocity_weight
from minidit.reference import ROOT, attention_backward, attention_forward, gelu_forward, silu_forward
from minidit.training import optimizer

LESSON = 15
PATH = RectifiedFlow()

# minidit's own functions, before anything replaces them.
OURS = {
    name: getattr(optimizer if hasattr(optimizer, name) else layers, name) for names in PAIRS.values() for name in names
}


@functools.cache
def with_ours(pair):
    """The small DiT as it is; the same whichever pair is asked for."""
    return small_run({})


def slip(name, says, because, pair_of, **wrong):
    """A Slip of one of the pairs, made with these wrong functions."""

    @functools.cache
    def run(pair):
        if pair != pair_of:  # those are as they should be
            return with_ours(pair)
        with np.errstate(all="ignore"):
            return Parts(**{key: OURS[key] for key in PAIRS[pair]} | wrong)(pair)

    return Slip(name, run, says, because)


def own(name, title, pairs, slips, minutes):
    """The exercise for some of the pairs, each a stage of its own."""
    trials = tuple(Trial(pair, lambda rng, pair=pair: (pair,)) for pair in pairs)
    return Exercise(
        name, LESSON, title, ("network",), with_ours, trials=trials, slips=slips, difficulty=2, minutes=minutes,
    )  # fmt: skip


def backward(name, change):
    """A backward of minidit's whose gradients go through `change(gradients, dy)`."""
    ours = OURS[name]
    return lambda dy, cache, **options: change(ours(dy, cache), dy)


def forward(name, change):
    """A forward of minidit's whose result goes through `change(y, *inputs)`; its cache stays."""
    ours = OURS[name]

    def wrong(*inputs, **options):
        y, cache = ours(*inputs, **options)
        return change(y, *inputs), cache

    return wrong


def rows(dy):
    """The number of rows, over all leading axes."""
    return dy.size // dy.shape[-1]


# ------------------------------------------------------------------------------------------------ 15.1 to 15.5

OWN_LINEAR = own(
    "own_linear", "your linear layer in a DiT", ("linear",),
    (
        slip(
            "bias left out", "it is what comes without the bias", "y = x w + b.", "linear",
            linear_forward=forward("linear_forward", lambda y, x, w, b: y - b),
        ),
        slip(
            "db a mean", "the gradients of the biases are means over the rows",
            "A bias served every row: sum over the rows.", "linear",
            linear_backward=backward("linear_backward", lambda g, dy: (g[0], g[1], g[2] / rows(dy))),
        ),
        slip(
            "dw a mean", "the gradients of the weights are means over the rows",
            "A weight served every row: sum over the rows.", "linear",
            linear_backward=backward("linear_backward", lambda g, dy: (g[0], g[1] / rows(dy), g[2])),
        ),
        slip(
            "no dx", "no gradient goes below a linear layer", "dx = dy wᵀ, for the layers beneath.", "linear",
            linear_backward=backward("linear_backward", lambda g, dy: (0 * g[0], g[1], g[2])),
        ),
        slip(
            "no db", "the biases have no gradient", "db is the sum of the rows of dy.", "linear",
            linear_backward=backward("linear_backward", lambda g, dy: (g[0], g[1], 0 * g[2])),
        ),
    ),
    minutes=3,
)  # fmt: skip


def without_mean(dxhat, cache):
    """Layer norm's backward, without the way through the mean."""
    xhat, rstd = cache
    return rstd * (dxhat - xhat * (dxhat * xhat).mean(-1, keepdims=True))


def without_std(dxhat, cache):
    """Layer norm's backward, without the way through the standard deviation."""
    _, rstd = cache
    return rstd * (dxhat - dxhat.mean(-1, keepdims=True))


OWN_MODULATION = own(
    "own_modulation", "your norm, scale, shift and gate in a DiT", ("silu", "layernorm", "modulate", "gated_residual"),
    (
        slip(
            "sigmoid alone", "SiLU's backward has the sigmoid alone", "x · σ(x) is a product: there is a second part.",
            "silu", silu_forward=silu_forward, silu_backward=lambda dy, cache: dy * cache[1],
        ),
        slip(
            "mean term missing", "layer norm's backward lacks the way through the mean", "See lesson 7, 7.6.",
            "layernorm", layernorm_backward=without_mean,
        ),
        slip(
            "std term missing", "layer norm's backward lacks the way through the standard deviation",
            "See lesson 7, 7.6.", "layernorm", layernorm_backward=without_std,
        ),
        slip(
            "shift and scale swapped", "shift and scale have changed places", "The shift comes first.", "modulate",
            modulate_forward=lambda x, shift, scale: OURS["modulate_forward"](x, scale, shift),
        ),
        slip(
            "dscale a mean", "dscale is a mean over the tokens", "One scale served every token: sum over the tokens.",
            "modulate",
            modulate_backward=backward("modulate_backward", lambda g, dy: (g[0], g[1], g[2] / dy.shape[-2])),
        ),
        slip(
            "forgot the 1", "x was multiplied by the scale, not by 1 + scale", "A scale of zero leaves x as it is.",
            "modulate",
            modulate_forward=lambda x, shift, scale: OURS["modulate_forward"](x, shift, scale - 1),
        ),
        slip(
            "gate forgotten on the way back", "the branch's gradient did not go through the gate",
            "What the forward multiplied by, the backward multiplies with.", "gated_residual",
            gated_residual_backward=backward("gated_residual_backward", lambda g, dy: (g[0], dy, g[2])),
        ),
        slip(
            "dgate a mean", "dgate is a mean over the tokens", "One gate served every token: sum over the tokens.",
            "gated_residual",
            gated_residual_backward=backward(
                "gated_residual_backward", lambda g, dy: (g[0], g[1], g[2] / dy.shape[-2])
            ),
        ),
    ),
    minutes=5,
)  # fmt: skip


def attention(power=0.5, masks=True, scaled_back=True):
    """Attention with scores divided by a different power of d, or not masked, or not divided on the way back."""

    def forward(q, k, v, key_mask=None):
        y, (_, *rest) = attention_forward(q * q.shape[-1] ** (0.5 - power), k, v, key_mask if masks else None)
        return y, (q, *rest)

    def backward(dy, cache):
        dq, dk, dv = attention_backward(dy, cache)
        change = dq.shape[-1] ** (0.5 - (power if scaled_back else 0))
        return change * dq, change * dk, dv

    return {"attention_forward": forward, "attention_backward": backward}


def without_average(dy, cache):
    """Attention's backward, with a softmax that treats its sum as a constant."""
    q, k, v, weights = cache
    dscores = weights * (dy @ v.swapaxes(-1, -2)) * q.shape[-1] ** -0.5
    return dscores @ k, dscores.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ dy


OWN_ATTENTION = own(
    "own_attention", "your attention in a DiT", ("attention",),
    (
        slip(
            "forgot 1/√d", "the scores were not divided by √d", "See lesson 8.", "attention", **attention(power=0),
        ),
        slip(
            "divided by d", "the scores were divided by d, not by its root", "See lesson 8.", "attention",
            **attention(power=1),
        ),
        slip(
            "mask ignored", "the key mask was ignored", "The words of a prompt must not see the padding after it.",
            "attention", **attention(masks=False),
        ),
        slip(
            "softmax without its average", "the weighted average is missing in softmax's backward",
            "The weights of a row add up to one: what one gains, the others lose.", "attention",
            attention_forward=attention_forward, attention_backward=without_average,
        ),
        slip(
            "forgot 1/√d on the way back", "the backward does not divide by √d",
            "What the forward divided by, the backward divides by.", "attention", **attention(scaled_back=False),
        ),
    ),
    minutes=4,
)  # fmt: skip

OWN_FEED_FORWARD = own(
    "own_feed_forward", "your feed-forward network in a DiT", ("gelu", "feedforward"),
    (
        slip(
            "ReLU", "it is ReLU, not GELU", "See lesson 10.", "gelu",
            gelu_forward=lambda x, training=True: OURS["relu_forward"](x),
            gelu_backward=lambda dy, cache: OURS["relu_backward"](dy, cache),
        ),
        slip(
            "slope of the gate alone", "GELU's backward uses the gate as the slope",
            "x stands at two places: there is a second part.", "gelu",
            gelu_forward=gelu_forward, gelu_backward=lambda dy, cache: 0.5 * dy * cache[1],
        ),
        slip(
            "no cubic term", "GELU lacks its cubic term", "The inner is x + 0.044715 x³, times √(2/π).", "gelu",
            gelu_forward=lambda x: without_cube_forward(x),
            gelu_backward=lambda dy, cache: without_cube_backward(dy, cache),
        ),
        slip(
            "GELU left out", "there is no GELU between the two maps", "Two linear maps in a row are one.",
            "feedforward",
            feedforward_forward=lambda x, w1, b1, w2, b2, training=True: plain_forward(x, w1, b1, w2, b2),
            feedforward_backward=lambda dy, cache: plain_backward(dy, cache),
        ),
        slip(
            "GELU left out on the way back", "the gradient did not go through GELU",
            "Three calls forward, three calls back.", "feedforward",
            feedforward_forward=lambda x, w1, b1, w2, b2, training=True: three_calls(x, w1, b1, w2, b2),
            feedforward_backward=lambda dy, cache: plain_backward(dy, (cache[0], cache[2])),
        ),
    ),
    minutes=3,
)  # fmt: skip

OURS |= {name: getattr(layers, name) for name in ("relu_forward", "relu_backward")}


def without_cube_forward(x):
    """GELU, less its cubic term."""
    gate = 1 + np.tanh(ROOT * x)
    return 0.5 * x * gate, (x, gate)


def without_cube_backward(dy, cache):
    """Backward of `without_cube_forward`."""
    x, gate = cache
    return dy * 0.5 * gate * (1 + x * (2 - gate) * ROOT)


def plain_forward(x, w1, b1, w2, b2):
    """Two linear maps in a row."""
    h, first = OURS["linear_forward"](x, w1, b1)
    y, second = OURS["linear_forward"](h, w2, b2)
    return y, (first, second)


def three_calls(x, w1, b1, w2, b2):
    """The feed-forward network, with a cache of three."""
    h, first = OURS["linear_forward"](x, w1, b1)
    h, middle = OURS["gelu_forward"](h)
    y, second = OURS["linear_forward"](h, w2, b2)
    return y, (first, middle, second)


def plain_backward(dy, cache):
    """Backward of `plain_forward`."""
    first, second = cache
    dh, dw2, db2 = OURS["linear_backward"](dy, second)
    dx, dw1, db1 = OURS["linear_backward"](dh, first)
    return dx, dw1, db1, dw2, db2


def adamw(corrected=True, eps_inside=False, decays=True):
    """AdamW with one of the slips."""

    def adamw_update(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
        g = grads * grad_scale
        m[...] = settings.beta1 * m + (1 - settings.beta1) * g
        v[...] = settings.beta2 * v + (1 - settings.beta2) * g * g
        mean = m / (1 - settings.beta1**step) if corrected else m
        square = v / (1 - settings.beta2**step) if corrected else v
        below = np.sqrt(square + settings.eps) if eps_inside else np.sqrt(square) + settings.eps
        decay = settings.weight_decay if decays else 0.0
        params[...] = params - learning_rate * (mean / below + decay * params)

    return adamw_update


OWN_OPTIMIZER = own(
    "own_optimizer", "your loss and your optimiser on a DiT", ("mse", "clip_scale", "adamw", "ema"),
    (
        slip(
            "weight ignored", "every clip counts the same", "The weight depends on t.", "mse",
            mse_forward=lambda prediction, target, weight=None: OURS["mse_forward"](prediction, target),
        ),
        slip(
            "sum instead of mean", "the gradient is that of a sum, not of a mean", "The loss is a mean.", "mse",
            mse_backward=lambda dloss, cache: tuple(sign * 2 * dloss * cache[0] for sign in (1, -1)),
        ),
        slip(
            "2 forgotten", "the 2 is missing in the loss's gradient", "The slope of a square is twice its root.", "mse",
            mse_backward=backward("mse_backward", lambda g, dy: (g[0] / 2, g[1] / 2)),
        ),
        slip(
            "no root", "the gradient was clipped by its squared norm", "What comes in is the square of the norm.",
            "clip_scale",
            clip_scale=lambda squared_norm, max_grad_norm: min(1.0, max_grad_norm / (squared_norm + 1e-6)),
        ),
        slip(
            "never clipped", "the gradient was not clipped", "Its norm is above the limit here.", "clip_scale",
            clip_scale=lambda squared_norm, max_grad_norm: 1.0,
        ),
        slip(
            "no bias correction", "AdamW lacks its bias correction", "Both means start at zero.", "adamw",
            adamw_update=adamw(corrected=False),
        ),
        slip(
            "ε under the root", "ε stands under the root", "It is added to the root.", "adamw",
            adamw_update=adamw(eps_inside=True),
        ),
        slip(
            "no weight decay", "there is no weight decay", "λ · p is part of the step.", "adamw",
            adamw_update=adamw(decays=False),
        ),
        slip(
            "decay of the wrong one", "decay and 1 − decay have changed places", "The old average keeps most.", "ema",
            ema_update=lambda average, params, decay: OURS["ema_update"](average, params, 1 - decay),
        ),
        slip(
            "average left alone", "the average stays as it was", "It is to be changed in place.", "ema",
            ema_update=lambda average, params, decay: None,
        ),
    ),
    minutes=4,
)  # fmt: skip

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
