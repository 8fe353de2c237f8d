"""Lesson 6: estimate scale and shift."""

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, Trial, at_random, by_hand
from minidit.reference import linear_backward, linear_forward, silu_backward, silu_forward
from minidit.worksheet import solve

# B = batch, I = width of the condition, D = width of the tokens

LESSON = 6
SHEET = solve()


# ------------------------------------------------------------------------------------------------ 6.1 by hand


def step_6_answer():
    """The worksheet's [scale; shift], one column (4, 1)."""
    return np.concatenate([SHEET.scale, SHEET.shift])


def step_6_product(condition):
    """W · condition + b with the worksheet's W and b."""
    return SHEET.weights.conditioning_weight @ condition + SHEET.weights.conditioning_bias


def explain_step_6(index):
    """How to compute an entry."""
    what = "scale" if index[0] < 2 else "shift"
    row = index[0]
    return f"That is a {what}: row {row} of W times c, five products added up, plus entry {row} of b (counted from 0)."


STEP_6 = Numbers(
    "step_6_scale_and_shift", LESSON, "W · c + b on the worksheet", step_6_answer, explain_step_6,
    slips=(
        Slip(
            "forgot the bias", lambda: SHEET.weights.conditioning_weight @ SHEET.condition,
            "this is W · c, without b", "Add the column b to the product.",
        ),
        Slip(
            "shift before scale", lambda: np.concatenate([SHEET.shift, SHEET.scale]),
            "the two halves have changed places", "On the worksheet the upper two rows of W make the scale.",
        ),
        Slip(
            "time before text", lambda: step_6_product(np.concatenate([SHEET.time, SHEET.text])),
            "this is what the condition gives with the time first",
            "c is the text's three numbers, then the time's two.",
        ),
        Slip(
            "lost minus sign", lambda: step_6_product(np.abs(SHEET.condition)),
            "the −1 in c was read as a 1", "sky is −1: its products change their sign.",
        ),
        Slip(
            "subtracted the bias",
            lambda: SHEET.weights.conditioning_weight @ SHEET.condition - SHEET.weights.conditioning_bias,
            "b was subtracted", "It is added: W · c + b.",
        ),
    ),
    difficulty=1, minutes=5,
)  # fmt: skip


# -------------------------------------------------------------------------------------------------- 6.2 SiLU


def sigmoid_of(x):
    """1 / (1 + e⁻ˣ), which SiLU keeps."""
    _, (_, sigmoid) = silu_forward(x)
    return sigmoid


def silu_with(function):
    """What `silu_forward` would return with another y."""
    return lambda x: (function(x), (x, sigmoid_of(x)))


LOG_3 = float(np.log(3))

SILU_FORWARD = Exercise(
    "silu_forward", LESSON, "SiLU", ("y", "cache"), silu_forward,
    trials=(
        by_hand(np.array([0.0, LOG_3, -LOG_3])),  # sigmoid 1/2, 3/4, 1/4
        at_random(lambda rng: (rng.normal(size=(2, 4, 3)),)),
        Trial("large numbers", lambda rng: (np.array([[-800.0, -30.0], [30.0, 800.0], [0.0, 1.0]]),)),
    ),
    slips=(
        Slip(
            "the sigmoid alone", silu_with(sigmoid_of), "it is σ(x) alone",
            "SiLU is x, dimmed by its own sigmoid.",
        ),
        Slip(
            "sign of the exponent", lambda x: (x * sigmoid_of(-x), (x, sigmoid_of(-x))),
            "the sigmoid falls where it should rise", "Look at the sign in the exponent: σ of a large x is nearly 1.",
        ),
        Slip(
            "sign of the exponent", silu_with(lambda x: x * sigmoid_of(-x)),
            "the sigmoid falls where it should rise", "Look at the sign in the exponent: σ of a large x is nearly 1.",
        ),
        Slip(
            "ReLU", silu_with(lambda x: np.maximum(x, 0)), "it is ReLU",
            "SiLU has no corner at 0: it dips below zero and comes back.",
        ),
        Slip(
            "tanh instead of the sigmoid", silu_with(lambda x: x * np.tanh(x)), "it is x · tanh(x)",
            "tanh runs from −1 to 1, the sigmoid from 0 to 1.",
        ),
        Slip(
            "tanh instead of the sigmoid", lambda x: (x * np.tanh(x), (x, np.tanh(x))), "it is x · tanh(x)",
            "tanh runs from −1 to 1, the sigmoid from 0 to 1.",
        ),
        Slip(
            "kept y instead of the sigmoid", lambda x: (x * sigmoid_of(x), (x, x * sigmoid_of(x))),
            "it is y, not the sigmoid", "The backward wants x and σ(x) separately.",
        ),
        Slip(
            "GELU's sigmoid", lambda x: (x * sigmoid_of(1.702 * x), (x, sigmoid_of(1.702 * x))),
            "it is the sigmoid approximation of GELU", "No 1.702 inside the sigmoid here.",
        ),
    ),
    difficulty=1, minutes=6,
)  # fmt: skip

SILU_BACKWARD = Exercise(
    "silu_backward", LESSON, "SiLU, backward", ("dx",), silu_backward,
    trials=(
        by_hand(np.array([2.0, 1.0, 4.0]), (np.array([0.0, LOG_3, -LOG_3]), np.array([0.5, 0.75, 0.25]))),
        at_random(lambda rng: (rng.normal(size=(2, 4, 3)), silu_forward(rng.normal(size=(2, 4, 3)))[1])),
    ),
    slips=(
        Slip(
            "half of the product rule", lambda dy, cache: dy * cache[1],
            "it is only σ(x) · dy, one half of the product rule",
            "x stands in y twice: in front, and inside the sigmoid.",
        ),
        Slip(
            "half of the product rule", lambda dy, cache: dy * cache[0] * cache[1] * (1 - cache[1]),
            "it is only the way through the sigmoid", "x stands in y twice: in front, and inside the sigmoid.",
        ),
        Slip(
            "the sigmoid's slope alone", lambda dy, cache: dy * cache[1] * (1 - cache[1]),
            "it is the slope of σ(x), not of x · σ(x)",
            "Two factors depend on x: use the product rule.",
        ),
        Slip(
            "forgot dy", lambda dy, cache: cache[1] + cache[0] * cache[1] * (1 - cache[1]),
            "it is the slope of SiLU, without dy",
            "The chain rule: what comes from above times the slope.",
        ),
        Slip(
            "the sigmoid's slope without 1 − σ", lambda dy, cache: dy * (cache[1] + cache[0] * cache[1]),
            "the slope of the sigmoid is missing its second factor",
            "A sigmoid is flat at both ends; σ(x) alone is not small for large x.",
        ),
        Slip(
            "the sigmoid's slope is 1 − σ", lambda dy, cache: dy * (cache[1] + cache[0] * (1 - cache[1])),
            "the slope of the sigmoid is missing a factor",
            "A sigmoid is flat at both ends; 1 − σ(x) alone is not small for very negative x.",
        ),
        Slip(
            "sign in the product rule", lambda dy, cache: dy * (cache[1] - cache[0] * cache[1] * (1 - cache[1])),
            "the two halves of the product rule are subtracted",
            "The slope of the sigmoid is positive everywhere, so both halves add up.",
        ),
        Slip(
            "y in place of the slope", lambda dy, cache: dy * cache[0] * cache[1], "it is dy times y",
            "The backward multiplies with the slope of y, not with y.",
        ),
    ),
    difficulty=2, minutes=10,
)  # fmt: skip


# -------------------------------------------------------------------------------------- 6.4 the six modulations


def adaln_modulation_forward(c, w, b):
    """Returns a tuple of six (B, D): shift, scale, gate for attention, then for the MLP; and the cache (c, w)."""
    modulation, cache = linear_forward(c, w, b)  # B, 6D
    return tuple(np.split(modulation, 6, axis=-1)), cache


def six(c, w, b):
    """The six in their right order, for the slips."""
    return adaln_modulation_forward(c, w, b)[0]


def picked(*order):
    """The slip that returns the six in a different order."""
    return lambda c, w, b: (tuple(six(c, w, b)[i] for i in order), (c, w))


def interleaved(c, w, b):
    """Column k goes to modulation k mod 6."""
    modulation = c @ w + b
    return tuple(modulation.reshape(len(c), -1, 6).transpose(2, 0, 1)), (c, w)


MODULATION_FORWARD = Exercise(
    "adaln_modulation_forward", LESSON, "Six modulations of a block", ("modulations", "cache"),
    adaln_modulation_forward,
    trials=(
        by_hand(
            np.array([[1.0, 0, -1], [2, 1, 0]]),
            np.array([[1.0, 0, 2, 0, 1, -1], [0, 1, 0, 3, -1, 0], [2, 0, 1, 1, 0, 4]]),
            np.array([0.0, 1, -1, 2, 0, 5]),
        ),
        at_random(lambda rng: (rng.normal(size=(2, 5)), rng.normal(size=(5, 18)), rng.normal(size=18))),
    ),
    slips=(
        Slip(
            "scale before shift", picked(1, 0, 2, 4, 3, 5), "scale and shift have changed places",
            "A DiT block's order is shift, scale, gate. The worksheet has the scale first, a DiT the shift.",
        ),
        Slip(
            "MLP before attention", picked(3, 4, 5, 0, 1, 2),
            "the attention's three and the MLP's three have changed places",
            "The order is that of the block: attention comes first.",
        ),
        Slip(
            "shifts, scales, gates", picked(0, 3, 1, 4, 2, 5), "they are sorted by kind, not by branch",
            "First all three of the attention, then all three of the MLP.",
        ),
        Slip(
            "interleaved", interleaved, "its columns were dealt out like cards",
            "Each modulation is a run of D neighbouring columns: columns 0 to D − 1 are the first.",
        ),
        Slip(
            "forgot the bias", lambda c, w, b: (six(c, w, 0 * b), (c, w)), "the bias is missing",
            "The layer is affine: a product and b.",
        ),
        Slip(
            "SiLU once more", lambda c, w, b: (six(c * sigmoid_of(c), w, b), (c, w)), "c went through SiLU once more",
            "c has been through SiLU already: all blocks share it.",
        ),
        Slip(
            "SiLU afterwards",
            lambda c, w, b: (tuple(y * sigmoid_of(y) for y in six(c, w, b)), (c, w)), "SiLU was applied to the six",
            "The SiLU comes before the linear layer; a scale may be anything.",
        ),
        Slip(
            "one for the whole batch",
            lambda c, w, b: (six(np.broadcast_to(c.mean(axis=0), c.shape), w, b), (c, w)),
            "all samples got the same modulations",
            "Every sample has its own prompt and its own t, and so its own six.",
        ),
    ),
    sizes=lambda c, w, b: {"samples": len(c), "modulations": 6},
    difficulty=2, minutes=8,
)  # fmt: skip


def adaln_modulation_backward(dmodulations, cache):
    """Returns dc (B, I), dw (I, 6D), db (6D,)."""
    return linear_backward(np.concatenate(dmodulations, axis=-1), cache)


def concatenated(*order):
    """The slip that concatenates the six gradients in a different order."""
    return lambda dmodulations, cache: adaln_modulation_backward([dmodulations[i] for i in order], cache)


def interleaved(dmodulations, cache):
    """Column by column instead of one after the other."""
    return linear_backward(np.stack(dmodulations, axis=-1).reshape(len(dmodulations[0]), -1), cache)


def with_other(position, change):
    """A slip that gets one of the three gradients wrong."""

    def slip(dmodulations, cache):
        grads = list(adaln_modulation_backward(dmodulations, cache))
        grads[position] = change(grads[position], np.concatenate(dmodulations, axis=-1), cache)
        return tuple(grads)

    return slip


def only(*kept):
    """The slip that forgets some of the six."""

    def slip(dmodulations, cache):
        return adaln_modulation_backward([d if i in kept else 0 * d for i, d in enumerate(dmodulations)], cache)

    return slip


def six_gradients(rng, B, D):
    """Six random gradients."""
    return tuple(rng.normal(size=(B, D)) for _ in range(6))


MODULATION_BACKWARD = Exercise(
    "adaln_modulation_backward", LESSON, "Six modulations, backward", ("dc", "dw", "db"), adaln_modulation_backward,
    trials=(
        by_hand(
            tuple(np.array([[float(first)], [float(second)]]) for first, second in [(1, 2), (0, -1), (3, 0), (1, 1),
            (0, 2), (-2, 1)]),
            (
                np.array([[1.0, 0, -1], [2, 1, 0]]),
                np.array([[1.0, 0, 2, 0, 1, -1], [0, 1, 0, 3, -1, 0], [2, 0, 1, 1, 0, 4]]),
            ),
        ),
        at_random(lambda rng: (six_gradients(rng, 2, 3), (rng.normal(size=(2, 5)), rng.normal(size=(5, 18))))),
    ),
    slips=(
        Slip(
            "scale before shift", concatenated(1, 0, 2, 4, 3, 5),
            "the gradients of scale and shift have changed places",
            "Concatenate in the order in which the forward split: shift, scale, gate.",
        ),
        Slip(
            "MLP before attention", concatenated(3, 4, 5, 0, 1, 2),
            "the attention's and the MLP's gradients have changed places",
            "Concatenate in the order in which the forward split: the attention's three first.",
        ),
        Slip(
            "interleaved", interleaved, "the six were interleaved column by column",
            "The forward gave each modulation D neighbouring columns; put each gradient back there as one piece.",
        ),
        Slip(
            "mean over the batch", with_other(2, lambda db, d, cache: d.mean(axis=0)),
            "its values are the mean over the samples, not their sum",
            "Every sample used the same bias, so sum over the samples.",
        ),
        Slip(
            "one bias for each sample", with_other(2, lambda db, d, cache: d), "the samples were not added up",
            "b served every sample: its gradient has the shape of b.",
        ),
        Slip(
            "forgot the gates", only(0, 1, 3, 4), "the gates' part is missing",
            "All six came out of this layer, the two gates as well.",
        ),
        Slip(
            "only the attention's three", only(0, 1, 2), "the MLP's part is missing",
            "All six came out of this one layer.",
        ),
        Slip(
            "only the scales and shifts of the attention", only(0, 1), "most of the six are missing",
            "All six came out of this one layer.",
        ),
    ),
    sizes=lambda dmodulations, cache: {"samples": len(cache[0]), "modulations": 6},
    difficulty=2, minutes=8,
)  # fmt: skip


# ------------------------------------------------------------------------------------------- 6.6 adaLN-Zero

AWAKE = ("dshift_msa", "dscale_msa", "dgate_msa", "dshift_mlp", "dscale_mlp", "dgate_mlp", "dc")


def explain_awake(index):
    """How to compute an entry."""
    name = AWAKE[index[0]]
    if name == "dc":
        return "dc is what comes back through the modulation layer. What does that layer's backward multiply with?"
    if "gate" in name:
        return "y = x + gate · h. What is the gradient of the gate made of, and is any of it zero?"
    return f"To reach {name}, dy has to pass a gate. What does a gate do to the gradient behind it?"


ZERO_START = Numbers(
    "zero_start", LESSON, "What learns first in adaLN-Zero", lambda: np.array([0, 0, 1, 0, 0, 1, 0]), explain_awake,
    slips=(
        Slip(
            "all of the six", lambda: np.array([1, 1, 1, 1, 1, 1, 0]), "four of the six are behind a gate that is zero",
            "Go back from dy: y = x + gate · h. What reaches h?",
        ),
        Slip(
            "nothing at all", lambda: np.zeros(7), "if nothing had a gradient, this block would never learn anything",
            "A gate that is zero has a gradient all the same: look for the other factor in gate · h.",
        ),
        Slip(
            "everything", lambda: np.ones(7), "the zeros do stop some gradients",
            "Go back from dy: y = x + gate · h. What reaches h?",
        ),
        Slip(
            "dc as well", lambda: np.array([0, 0, 1, 0, 0, 1, 1]), "dc passes a weight that is still zero",
            "The backward of a linear layer makes the gradient of its input with w.",
        ),
        Slip(
            "gates asleep", lambda: np.array([1, 1, 0, 1, 1, 0, 0]), "it is the other way round",
            "Go back from dy: y = x + gate · h. Which of gate and h is zero at the start?",
        ),
    ),
    difficulty=2, minutes=5,
)  # fmt: skip


EXERCISES = (STEP_6, SILU_FORWARD, MODULATION_FORWARD, SILU_BACKWARD, MODULATION_BACKWARD, ZERO_START)
