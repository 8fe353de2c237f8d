"""Lesson 10: the pointwise feed-forward network, and GELU."""

import math

import numpy as np

from minidit import layers
from minidit.course.exercise import Exercise, Numbers, Slip, Trial, at_random, by_hand
from minidit.reference import CUBIC, gelu_backward, gelu_forward
from minidit.reference import ROOT as LINEAR
from minidit.worksheet import solve

# B = batch, T = tokens, D = width, M = hidden width

LESSON = 10
SHEET = solve()
WEIGHT, BIAS = SHEET.weights.feed_forward_weight, SHEET.weights.feed_forward_bias

# ------------------------------------------------------------------------------------------------ 10.1 by hand


def explain_step_10(index):
    """How to compute an entry."""
    row, column = index
    return (
        f"Row {row} of W times column {column} of the pooled latent, two products, and then entry {row} of b. "
        "Other columns don't matter."
    )


STEP_10 = Numbers(
    "step_10_predicted_noise", LESSON, "the predicted noise on the worksheet", lambda: SHEET.predicted, explain_step_10,
    slips=(
        Slip(
            "forgot the bias", lambda: WEIGHT @ SHEET.pooled, "this is W times the pooled latent, without b",
            "Add the column b to every column of the product.",
        ),
        Slip(
            "bias in one column only", lambda: WEIGHT @ SHEET.pooled + np.pad(BIAS, ((0, 0), (0, 3))),
            "b was added to the first patch only", "One bias serves every patch.",
        ),
        Slip(
            "ReLU after it", lambda: np.maximum(SHEET.predicted, 0), "the negative numbers have become 0",
            "There is no ReLU at this step: noise is as often negative as positive.",
        ),
        Slip(
            "W transposed", lambda: WEIGHT.T @ SHEET.pooled + BIAS, "W was read by columns",
            "Go along a row of W and down a column of the pooled latent.",
        ),
        Slip(
            "before the pooling", lambda: WEIGHT @ SHEET.conditioned + BIAS,
            "this is W times the conditioned latent of step 7, plus b",
            "Step 10 takes what step 9 made: the pooled latent.",
        ),
        Slip(
            "subtracted the bias", lambda: WEIGHT @ SHEET.pooled - BIAS, "b was subtracted", "It is added: W · x + b.",
        ),
        Slip(
            "lost minus sign", lambda: np.abs(WEIGHT) @ SHEET.pooled + BIAS, "the −1 in W was read as a 1",
            "Each row of W takes the difference of the two numbers of a patch.",
        ),
    ),
    difficulty=1, minutes=4,
)  # fmt: skip

# ---------------------------------------------------------------------------------------------- 10.2 to 10.4 GELU


def inner_of(x):
    """What the tanh is taken of."""
    return LINEAR * (x + CUBIC * x * x * x)


def inner_slope(x):
    """Its derivative."""
    return LINEAR * (1 + 3 * CUBIC * x * x)


def gelu_with(inner):
    """What `gelu_forward` would return with a different inner function."""

    def wrong(x):
        gate = 1 + np.tanh(inner(x))
        return 0.5 * x * gate, (x, gate)

    return wrong


def exact_gelu(x):
    """x · Φ(x), with the error function: what the tanh form comes close to."""
    gate = 1 + np.vectorize(math.erf)(x / math.sqrt(2))
    return 0.5 * x * gate, (x, gate)


def kept(what):
    """`gelu_forward` with a right y, and something else than the gate in the cache."""
    return lambda x: (gelu_forward(x)[0], (x, what(x)))


GELU_FORWARD = Exercise(
    "gelu_forward", LESSON, "GELU", ("y", "cache"), gelu_forward,
    trials=(
        by_hand(np.array([0.0, 10.0, -10.0])),  # the tanh is 0, 1 and -1
        at_random(lambda rng: (rng.normal(size=(2, 4, 3)),)),
        Trial("large numbers", lambda rng: (np.array([[-200.0, 30.0], [3.0, 200.0], [-4.0, 0.5]]),)),
        Trial("float32", lambda rng: (rng.normal(size=(3, 2)).astype(np.float32),)),  # one np.float64 would promote it
    ),
    slips=(
        Slip(
            "square instead of cube", gelu_with(lambda x: LINEAR * (x + CUBIC * x * x)),
            "there is x² where there should be x³",
            "The inner function is odd: it changes its sign with x. A square does not.",
        ),
        Slip(
            "factor on x only", gelu_with(lambda x: LINEAR * x + CUBIC * x * x * x),
            "√(2/π) multiplies x alone", "It stands before the bracket, so it multiplies the cubic term as well.",
        ),
        Slip(
            "forgot √(2/π)", gelu_with(lambda x: x + CUBIC * x * x * x), "the factor √(2/π) is missing",
            "It makes the slope at 0 that of the bell curve's integral.",
        ),
        Slip(
            "√2/π", gelu_with(lambda x: math.sqrt(2) / math.pi * (x + CUBIC * x * x * x)),
            "the factor is √2 / π, not √(2/π)", "The root goes over the whole fraction.",
        ),
        Slip(
            "forgot the cubic term", gelu_with(lambda x: LINEAR * x), "the cubic term is missing",
            "Without it, the curve is off by up to 0.03.",
        ),
        Slip(
            "0.44715", gelu_with(lambda x: LINEAR * (x + 10 * CUBIC * x * x * x)),
            "the cubic term is 10 times too large",
            "The constant is 0.044715: there are two zeros before its first digit.",
        ),
        Slip(
            "exact GELU", exact_gelu, "it is x · Φ(x) with the error function, which is close but not the same",
            "Here, as in the model, it is the tanh form.",
        ),
        Slip(
            "sigmoid form", gelu_with(lambda x: 0.851 * x), "it is x · σ(1.702 x), a rougher approximation",
            "Use the formula with the tanh.",
        ),
        Slip(
            "forgot the 1 +", lambda x: (0.5 * x * np.tanh(inner_of(x)), (x, np.tanh(inner_of(x)))),
            "the 1 before the tanh is missing", "The gate runs from 0 to 2; a tanh alone runs from −1 to 1.",
        ),
        Slip(
            "forgot the ½", lambda x: (x * (1 + np.tanh(inner_of(x))), (x, 1 + np.tanh(inner_of(x)))),
            "it is 2 times too large: the ½ is missing", "A large x should come out as itself.",
        ),
        Slip(
            "ReLU", lambda x: (np.maximum(x, 0), gelu_forward(x)[1]), "it is ReLU",
            "GELU has no corner at 0: it dips below zero and comes back.",
        ),
        Slip(
            "kept the tanh", kept(lambda x: np.tanh(inner_of(x))), "it is the tanh, without the 1",
            "Keep the whole gate, 1 + tanh: the backward will need it.",
        ),
        Slip(
            "kept half the gate", kept(lambda x: 0.5 * (1 + np.tanh(inner_of(x)))), "it is half of the gate",
            "Keep 1 + tanh, which runs from 0 to 2.",
        ),
        Slip("kept y", kept(lambda x: gelu_forward(x)[0]), "it is y, not the gate", "The gate is 1 + tanh(inner)."),
        Slip(
            "kept the inner value", kept(inner_of), "it is what goes into the tanh, not the gate",
            "The gate is 1 + tanh(inner).",
        ),
    ),
    difficulty=1, minutes=7,
)  # fmt: skip


def gelu_chunks(dy, cache):
    """Returns dgate, dinner and dx, each (...)."""
    x, gate = cache
    dgate = dy * 0.5 * x
    dinner = dgate * gate * (2 - gate)
    return dgate, dinner, dy * 0.5 * gate + dinner * inner_slope(x)


def chunks_with(dgate=None, dinner=None, dx=None):
    """`gelu_chunks` with one of its three lines changed."""

    def wrong(dy, cache):
        x, gate = cache
        first = dgate(dy, x, gate) if dgate else dy * 0.5 * x
        second = dinner(first, x, gate) if dinner else first * gate * (2 - gate)
        return first, second, dx(dy, second, x, gate) if dx else dy * 0.5 * gate + second * inner_slope(x)

    return wrong


def gelu_trials():
    """dy, and the cache (x, gate) of a forward."""
    return (
        by_hand(np.array([2.0, 4.0, 6.0]), (np.array([0.0, 10.0, -10.0]), np.array([1.0, 2.0, 0.0]))),
        at_random(lambda rng: (rng.normal(size=(2, 4, 3)), gelu_forward(rng.normal(size=(2, 4, 3)))[1])),
    )


GELU_CHUNKS = Exercise(
    "gelu_chunks", LESSON, "backward through GELU in three small steps", ("dgate", "dinner", "dx"), gelu_chunks,
    trials=gelu_trials(),
    slips=(
        Slip(
            "half of the product rule", chunks_with(dx=lambda dy, dinner, x, gate: dinner * inner_slope(x)),
            "only the way through the gate is there",
            "x stands at two places in ½ · x · gate: once by itself, once inside the gate. Both ways add up.",
        ),
        Slip(
            "half of the product rule", chunks_with(dx=lambda dy, dinner, x, gate: 0.5 * dy * gate),
            "only the direct way is there",
            "x stands at two places in ½ · x · gate: once by itself, once inside the gate. Both ways add up.",
        ),
        Slip(
            "forgot the slope of tanh", chunks_with(dinner=lambda dgate, x, gate: dgate),
            "it passed the tanh unchanged", "The slope of tanh is 1 − tanh², which is 1 only at 0.",
        ),
        Slip(
            "gate taken for tanh", chunks_with(dinner=lambda dgate, x, gate: dgate * (1 - gate * gate)),
            "the slope is 1 − gate²", "It is 1 − tanh², and the gate is 1 + tanh: take the 1 away before you square.",
        ),
        Slip(
            "1 − tanh", chunks_with(dinner=lambda dgate, x, gate: dgate * (2 - gate)),
            "the slope is 1 − tanh, without the square", "The slope of tanh is 1 − tanh².",
        ),
        Slip(
            "slope of tanh at x", chunks_with(dinner=lambda dgate, x, gate: dgate * (1 - np.tanh(x) ** 2)),
            "the slope of the tanh was taken at x",
            "The tanh was taken of inner, so its slope belongs there too: use the gate.",
        ),
        Slip(
            "forgot the 3",
            chunks_with(dx=lambda dy, dinner, x, gate: dy * 0.5 * gate + dinner * LINEAR * (1 + CUBIC * x * x)),
            "the 3 of the cubic term's slope is missing", "The slope of x³ is 3x².",
        ),
        Slip(
            "3x instead of 3x²",
            chunks_with(dx=lambda dy, dinner, x, gate: dy * 0.5 * gate + dinner * LINEAR * (1 + 3 * CUBIC * x)),
            "the cubic term's slope has x where it should have x²", "The slope of x³ is 3x².",
        ),
        Slip(
            "forgot √(2/π)",
            chunks_with(dx=lambda dy, dinner, x, gate: dy * 0.5 * gate + dinner * (1 + 3 * CUBIC * x * x)),
            "the factor √(2/π) is missing in the slope of inner", "It multiplied the whole bracket in the forward.",
        ),
        Slip(
            "forgot the cubic term", chunks_with(dx=lambda dy, dinner, x, gate: dy * 0.5 * gate + dinner * LINEAR),
            "the slope of inner lacks its cubic part", "inner is √(2/π) · (x + 0.044715 x³): both terms have a slope.",
        ),
        Slip(
            "value instead of slope",
            chunks_with(dx=lambda dy, dinner, x, gate: dy * 0.5 * gate + dinner * inner_of(x)),
            "dinner was multiplied by inner itself", "It is the slope of inner that is needed.",
        ),
        Slip(
            "forgot the ½", chunks_with(dgate=lambda dy, x, gate: dy * x), "it is 2 times too large: the ½ is missing",
            "y = ½ · x · gate, so the gate was multiplied by half of x.",
        ),
        Slip(
            "forgot the ½", chunks_with(
                dgate=lambda dy, x, gate: dy * x, dx=lambda dy, dinner, x, gate: dy * gate + dinner * inner_slope(x),
            ),
            "it is 2 times too large: the ½ is missing", "y = ½ · x · gate, so the gate was multiplied by half of x.",
        ),
        Slip(
            "forgot dy", chunks_with(dgate=lambda dy, x, gate: 0.5 * x), "dy is missing",
            "This is the slope of y; the gradient of the loss is dy times it.",
        ),
    ),
    difficulty=3, minutes=12,
)  # fmt: skip


def float32_trial():
    """The model's precision: one np.float64 among the constants would promote it."""

    def inputs(rng):
        dy, x = rng.normal(size=(2, 3, 2)).astype(np.float32)
        return dy, gelu_forward(x)[1]

    return Trial("float32", inputs)


def gelu_slope(x, gate):
    """The derivative of GELU."""
    return gelu_backward(1.0, (x, gate))


GELU_BACKWARD = Exercise(
    "gelu_backward", LESSON, "backward through GELU, collapsed", ("dx",), gelu_backward,
    trials=(*gelu_trials(), float32_trial()),
    slips=(
        Slip(
            "forgot dy", lambda dy, cache: gelu_slope(*cache), "it is the derivative alone, without dy",
            "The gradient is dy times the derivative.",
        ),
        Slip(
            "half of the product rule", lambda dy, cache: dy * 0.5 * cache[1], "the gate was treated as a constant",
            "The gate depends on x as well: its slope makes a second term.",
        ),
        Slip(
            "half of the product rule", lambda dy, cache: dy * (gelu_slope(*cache) - 0.5 * cache[1]),
            "the direct way of x is missing", "Even with a constant gate, y would grow with x, by half the gate.",
        ),
        Slip(
            "gate taken for tanh",
            lambda dy, cache: dy * 0.5 * (cache[1] + cache[0] * (1 - cache[1] ** 2) * inner_slope(cache[0])),
            "the slope of the tanh is 1 − gate² here", "It is 1 − tanh² = gate · (2 − gate), as the gate is 1 + tanh.",
        ),
        Slip(
            "1 − tanh",
            lambda dy, cache: dy * 0.5 * (cache[1] + cache[0] * (2 - cache[1]) * inner_slope(cache[0])),
            "the slope of the tanh is 2 − gate here", "It is gate · (2 − gate): one factor is missing.",
        ),
        Slip(
            "forgot the 3",
            lambda dy, cache: dy * 0.5 * cache[1] * (
                1 + cache[0] * (2 - cache[1]) * LINEAR * (1 + CUBIC * cache[0] ** 2)
            ),
            "the 3 of the cubic term's slope is missing", "The slope of x³ is 3x².",
        ),
        Slip(
            "forgot the slope of inner", lambda dy, cache: dy * 0.5 * cache[1] * (1 + cache[0] * (2 - cache[1])),
            "the slope of inner is missing", "The chain goes gate, tanh, inner, x: each link has its slope.",
        ),
        Slip(
            "forgot √(2/π)",
            lambda dy, cache: dy * 0.5 * cache[1] * (1 + cache[0] * (2 - cache[1]) * (1 + 3 * CUBIC * cache[0] ** 2)),
            "the factor √(2/π) is missing in the slope of inner", "It multiplied the whole bracket in the forward.",
        ),
        Slip(
            "forgot the second ½",
            lambda dy, cache: dy * cache[1] * (0.5 + cache[0] * (2 - cache[1]) * inner_slope(cache[0])),
            "the second term is 2 times too large", "Both terms come from ½ · x · gate, so both have the ½.",
        ),
        Slip(
            "forgot the ½", lambda dy, cache: 2 * dy * gelu_slope(*cache), "it is 2 times too large: the ½ is missing",
            "Both terms come from ½ · x · gate.",
        ),
        Slip(
            "ReLU's slope", lambda dy, cache: dy * (cache[0] > 0), "it is the slope of ReLU",
            "GELU's slope passes smoothly from 0 to 1, and beyond both.",
        ),
        Slip(
            "forward again", lambda dy, cache: 0.5 * dy * (1 + np.tanh(inner_of(dy))), "it is GELU of dy",
            "The backward multiplies dy with the slope at x.",
        ),
    ),
    difficulty=2, minutes=6,
)  # fmt: skip

# ---------------------------------------------------------------------------------- 10.5 and 10.6 the feed-forward


def feedforward_forward(x, w1, b1, w2, b2):
    """Returns y (..., D), and the caches of the first linear map, of GELU and of the second linear map."""
    before, first_cache = layers.linear_forward(x, w1, b1)
    hidden, gelu_cache = layers.gelu_forward(before)
    y, second_cache = layers.linear_forward(hidden, w2, b2)
    return y, (first_cache, gelu_cache, second_cache)


def feedforward_with(change):
    """What `feedforward_forward` returns when the second map is applied to something else, or y changed after it."""

    def wrong(x, w1, b1, w2, b2):
        before, first_cache = layers.linear_forward(x, w1, b1)
        hidden, gelu_cache = layers.gelu_forward(before)
        into, after = change(x, before, hidden)
        y, second_cache = layers.linear_forward(into, w2, b2)
        return after(y), (first_cache, gelu_cache, second_cache)

    return wrong


def relu_feedforward(x, w1, b1, w2, b2):
    """With ReLU instead of GELU."""
    before, first_cache = layers.linear_forward(x, w1, b1)
    hidden, relu_cache = layers.relu_forward(before)
    y, second_cache = layers.linear_forward(hidden, w2, b2)
    return y, (first_cache, relu_cache, second_cache)


def late_bias(x, w1, b1, w2, b2):
    """With the first bias added after GELU."""
    before, first_cache = layers.linear_forward(x, w1, 0 * b1)
    hidden, gelu_cache = layers.gelu_forward(before)
    y, second_cache = layers.linear_forward(hidden + b1, w2, b2)
    return y, (first_cache, gelu_cache, second_cache)


def same(y):
    """Nothing done to y."""
    return y


HAND_NETWORK = (
    np.array([[1.0, 0.0], [0.0, 1.0]]),  # x: T, D
    np.array([[10.0, -10.0, 20.0], [-20.0, 30.0, -10.0]]),  # w1: D, M
    np.array([0.0, 0.0, 10.0]),  # b1: M
    np.array([[1.0, 2.0], [0.0, -1.0], [-1.0, 1.0]]),  # w2: M, D
    np.array([5.0, -5.0]),  # b2: D
)


def random_network(rng):
    """x (B, T, D), w1, b1, w2, b2, every axis of a different length."""
    B, T, D, M = 2, 4, 3, 5
    shapes = ((B, T, D), (D, M), (M,), (M, D), (D,))
    return tuple(rng.normal(size=shape) for shape in shapes)


FEEDFORWARD_FORWARD = Exercise(
    "feedforward_forward", LESSON, "linear, GELU, linear", ("y", "cache"), feedforward_forward,
    trials=(by_hand(*HAND_NETWORK), at_random(random_network)),
    slips=(
        Slip(
            "no GELU", feedforward_with(lambda x, before, hidden: (before, same)),
            "the second map was given the numbers from before GELU",
            "Without GELU between them, two linear maps are one linear map.",
        ),
        Slip(
            "GELU at the end too",
            feedforward_with(lambda x, before, hidden: (hidden, lambda y: layers.gelu_forward(y)[0])),
            "a second GELU was applied at the end", "GELU stands between the two maps only: y may be negative.",
        ),
        Slip(
            "residual added", feedforward_with(lambda x, before, hidden: (hidden, lambda y: x + y)),
            "x was added to it",
            "The residual belongs to the block: there is a gate before it.",
        ),
        Slip(
            "GELU twice", feedforward_with(lambda x, before, hidden: (layers.gelu_forward(hidden)[0], same)),
            "GELU was applied twice", "Once is enough: linear, GELU, linear.",
        ),
        Slip(
            "ReLU", relu_feedforward, "there is ReLU instead of GELU", "Use layers.gelu_forward between the two maps.",
        ),
        Slip(
            "first bias after GELU", late_bias, "the first bias was added after GELU",
            "It belongs to the first map: gelu(x w1 + b1).",
        ),
        Slip(
            "forgot the first bias",
            lambda x, w1, b1, w2, b2: feedforward_forward(x, w1, 0 * b1, w2, b2), "the first bias is missing",
            "Each of the two maps has a bias of its own.",
        ),
        Slip(
            "forgot the second bias",
            lambda x, w1, b1, w2, b2: feedforward_forward(x, w1, b1, w2, 0 * b2), "the second bias is missing",
            "Each of the two maps has a bias of its own.",
        ),
    ),
    difficulty=1, minutes=6,
)  # fmt: skip


def feedforward_backward(dy, cache):
    """Returns dx (..., D), dw1 (D, M), db1 (M,), dw2 (M, D), db2 (D,)."""
    first_cache, gelu_cache, second_cache = cache
    dhidden, dw2, db2 = layers.linear_backward(dy, second_cache)
    dbefore = layers.gelu_backward(dhidden, gelu_cache)
    dx, dw1, db1 = layers.linear_backward(dbefore, first_cache)
    return dx, dw1, db1, dw2, db2


def backward_with(through_gelu):
    """`feedforward_backward` with something else where GELU's backward belongs."""

    def wrong(dy, cache):
        first_cache, gelu_cache, second_cache = cache
        dhidden, dw2, db2 = layers.linear_backward(dy, second_cache)
        dx, dw1, db1 = layers.linear_backward(through_gelu(dhidden, gelu_cache, second_cache), first_cache)
        return dx, dw1, db1, dw2, db2

    return wrong


def forward_order(dy, cache):
    """The gradients in the order in which they are computed."""
    dx, dw1, db1, dw2, db2 = feedforward_backward(dy, cache)
    return dx, dw2, db2, dw1, db1


def sum_over_first_axis(dy, cache):
    """The biases' gradients summed over the first axis only."""
    first_cache, gelu_cache, second_cache = cache
    dhidden, dw2, _ = layers.linear_backward(dy, second_cache)
    dbefore = layers.gelu_backward(dhidden, gelu_cache)
    dx, dw1, _ = layers.linear_backward(dbefore, first_cache)
    return dx, dw1, dbefore.sum(axis=0), dw2, dy.sum(axis=0)


def mean_biases(dy, cache):
    """The biases' gradients averaged over the tokens."""
    dx, dw1, db1, dw2, db2 = feedforward_backward(dy, cache)
    tokens = dy[..., 0].size
    return dx, dw1, db1 / tokens, dw2, db2 / tokens


def mixed(dx_skips):
    """GELU skipped on the way to x only, or on the way to w1 and b1 only."""

    def wrong(dy, cache):
        dx, dw1, db1, dw2, db2 = feedforward_backward(dy, cache)
        skipped, dw1_skipped, db1_skipped, *_ = backward_with(lambda dhidden, *_: dhidden)(dy, cache)
        return (skipped, dw1, db1, dw2, db2) if dx_skips else (dx, dw1_skipped, db1_skipped, dw2, db2)

    return wrong


def feedforward_trials():
    """dy, and the cache of a forward, made by the GELU that is in place."""
    by_hand_dy = np.array([[1.0, 0.0], [0.0, 2.0]])
    return (
        Trial("hand numbers", lambda rng: (by_hand_dy, feedforward_forward(*HAND_NETWORK)[1])),
        at_random(lambda rng: (rng.normal(size=(2, 4, 3)), feedforward_forward(*random_network(rng))[1])),
    )


FEEDFORWARD_BACKWARD = Exercise(
    "feedforward_backward", LESSON, "backward through linear, GELU, linear", ("dx", "dw1", "db1", "dw2", "db2"),
    feedforward_backward,
    trials=feedforward_trials(),
    slips=(
        Slip(
            "skipped GELU", backward_with(lambda dhidden, *_: dhidden), "GELU was skipped on the way back",
            "The forward went through three calls, so the backward has three too.",
        ),
        Slip(
            "skipped GELU", mixed(dx_skips=False), "GELU was skipped on the way to the first map's weights",
            "The first map's three gradients come from one call, given what GELU's backward returned.",
        ),
        Slip(
            "skipped GELU", mixed(dx_skips=True), "GELU was skipped on the way to x",
            "The first map's three gradients come from one call, given what GELU's backward returned.",
        ),
        Slip(
            "GELU's value instead of its slope",
            backward_with(lambda dhidden, gelu_cache, second_cache: dhidden * second_cache[0]),
            "dhidden was multiplied by GELU's output, not with its slope", "layers.gelu_backward knows the slope.",
        ),
        Slip(
            "GELU forward on the way back", backward_with(lambda dhidden, *_: layers.gelu_forward(dhidden)[0]),
            "GELU was applied to the gradient", "On the way back it is gelu_backward, with its cache.",
        ),
        Slip(
            "GELU's backward twice",
            backward_with(lambda dhidden, cache, _: layers.gelu_backward(layers.gelu_backward(dhidden, cache), cache)),
            "GELU's backward was applied twice", "Three calls in the forward, three in the backward.",
        ),
        Slip(
            "wrong order", forward_order, "the gradients of the two maps have changed places",
            "You compute them from the last layer to the first, but return them in the order of the arguments.",
        ),
        Slip(
            "summed over one axis only", sum_over_first_axis, "it was summed over the first axis only",
            "One bias served every token of every sample: only the last axis is left.",
        ),
        Slip(
            "mean instead of sum", mean_biases, "the biases' gradients are means over the tokens, not sums",
            "One bias served every token, so sum over the tokens.",
        ),
        Slip(
            "residual added",
            lambda dy, cache: (feedforward_backward(dy, cache)[0] + dy, *feedforward_backward(dy, cache)[1:]),
            "dy was added to it", "The residual belongs to the block, which adds up the two ways itself.",
        ),
    ),
    difficulty=2, minutes=9,
)  # fmt: skip

EXERCISES = (STEP_10, GELU_FORWARD, FEEDFORWARD_FORWARD, GELU_CHUNKS, GELU_BACKWARD, FEEDFORWARD_BACKWARD)
