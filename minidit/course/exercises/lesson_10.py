"""Lesson 10: the pointwise feed-forward network, and GELU."""

import math

import numpy as np

from minidit import layers
from minidit.course.exercise import Exercise, Numbers, Slip, Trial, by_hand, for_each
from minidit.course.formulas import Formula, Slips
from minidit.course.trials import in_float32
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


ON_THE_SHEET = {"W": WEIGHT, "pooled": SHEET.pooled, "b": BIAS, "conditioned": SHEET.conditioned, "noise": SHEET.noise}
ONE_BIAS = "Add the column b to every column of the product: one number of it to each row."
A_DIFFERENCE = "Each row of W takes the difference of the two numbers of a patch."

STEP_10 = Numbers(
    "step_10_predicted_noise", LESSON, "the predicted noise on the worksheet", lambda: SHEET.predicted, explain_step_10,
    slips=Slips(
        Formula(
            "W @ pooled + b", lambda wrong: lambda: wrong(**ON_THE_SHEET), (ON_THE_SHEET,),
            {"T": lambda x: x.T, "relu": lambda x: np.maximum(x, 0), "first": lambda x: np.pad(x, ((0, 0), (0, 3))),
             "lying": lambda x: x.T[:, [0, 1, 0, 1]]},
            said=(
                ("W @ pooled", "forgot the bias", "this is W times the pooled latent, without b", ONE_BIAS),
                ("W @ pooled + first(b)", "bias in one column only", "b was added to the first patch only", ONE_BIAS),
                ("W @ pooled + b[::-1]", "bias rows swapped", "the two numbers of b have changed places", ONE_BIAS),
                (
                    "W @ pooled + b[:1]", "one bias for both rows", "the first number of b was added to both rows",
                    ONE_BIAS,
                ),
                (
                    "W @ pooled + b[1:]", "one bias for both rows", "the second number of b was added to both rows",
                    ONE_BIAS,
                ),
                ("W @ pooled + lying(b)", "b laid along the columns", "b was laid along the columns", ONE_BIAS),
                (
                    "relu(W @ pooled + b)", "ReLU after it", "the negative numbers have become 0",
                    "There is no ReLU at this step: noise is as often negative as positive.",
                ),
                (
                    "T(W) @ pooled + b", "W transposed", "W was read by columns",
                    "Go along a row of W and down a column of the pooled latent.",
                ),
                (
                    "W @ conditioned + b", "before the pooling",
                    "this is W times the conditioned latent of step 7, plus b",
                    "Step 10 takes what step 9 made: the pooled latent.",
                ),
                ("W @ pooled - b", "subtracted the bias", "b was subtracted", "It is added: W · x + b."),
                ("abs(W) @ pooled + b", "lost minus sign", "the −1 in W was read as a 1", A_DIFFERENCE),
                (
                    "-W @ pooled + b", "difference the wrong way round", "the second number minus the first was taken",
                    "The rows of W are 1, −1: the first number minus the second.",
                ),
                (
                    "W @ abs(pooled) + b", "signs of the pooled latent",
                    "the minus signs of the pooled latent are lost", A_DIFFERENCE,
                ),
                ("pooled", "unchanged input", "this is the pooled latent itself", "W and b are still to come."),
                (
                    "noise", "the actual noise", "this is the actual noise",
                    "The network has to guess it: W times the pooled latent, plus b.",
                ),
                ("W @ pooled * b", "multiplied by the bias", "b was multiplied, not added", ONE_BIAS),
            ),
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


def gelu_with(inner=None, gate=None, y=None):
    """A slip in one of the three lines of GELU."""

    def wrong(x):
        inside = inner(x=x) if inner else inner_of(x)
        g = gate(tanh_of=np.tanh(inside), x=x) if gate else 1 + np.tanh(inside)
        return y(x=x, gate=g) if y else 0.5 * x * g, (x, g)

    return wrong


def exact_gelu(x):
    """x · Φ(x), with the error function: what the tanh form comes close to."""
    gate = (1 + np.vectorize(math.erf)(x / math.sqrt(2))).astype(x.dtype)
    return 0.5 * x * gate, (x, gate)


def relu(x):
    """With the gate that belongs to it."""
    return np.maximum(x, 0), (x, 2.0 * (x > 0))


def kept(what):
    """`gelu_forward` with a right y, and something else than the gate in the cache."""
    return lambda x: (gelu_forward(x)[0], (x, what(x)))


SHAPES = ((2, 4, 3), (5,), (3, 2), (), (3, 2, 1, 4))  # any
X = {"x": np.linspace(-4.3, 4.1, 11)}
CONSTANTS = {"ROOT": LINEAR, "CUBIC": CUBIC, "pi": math.pi}
INNER_SLOPE = "(2 / pi) ** 0.5 * (1 + 3 * 0.044715 * x ** 2)"
WHOLE_ROOT = "The root goes over the whole fraction."
BOTH_TERMS = "It stands before the bracket, so it multiplies the cubic term as well."
ODD = "The inner function is odd: it changes its sign with x. A square does not."
HALF = "A large x should come out as itself."
FROM_0_TO_2 = "The gate runs from 0 to 2; a tanh alone runs from −1 to 1."

GELU_FORWARD = Exercise(
    "gelu_forward", LESSON, "GELU", ("y", "cache"), gelu_forward,
    trials=(
        by_hand(np.array([0.0, 10.0, -10.0])),  # the tanh is 0, 1 and -1
        *for_each(SHAPES, lambda rng, size: (rng.normal(size=size),)),
        *for_each(SHAPES[:2], lambda rng, size: (4 * rng.normal(size=size),)),
        Trial("large numbers", lambda rng: (np.array([[-200.0, 30.0], [3.0, 200.0], [-4.0, 0.5]]),)),
        Trial("float32", lambda rng: (rng.normal(size=(3, 2)).astype(np.float32),)),  # one np.float64 would promote it
    ),
    slips=Slips(
        Formula(
            "(2 / pi) ** 0.5 * (x + 0.044715 * x ** 3)", lambda wrong: gelu_with(inner=wrong), (X,), CONSTANTS,
            said=(
                ("ROOT * (x + CUBIC * x ** 2)", "square instead of cube", "there is x² where there should be x³", ODD),
                ("ROOT * x + CUBIC * x ** 3", "factor on x only", "√(2/π) multiplies x alone", BOTH_TERMS),
                (
                    "x + ROOT * CUBIC * x ** 3", "factor on the cube only", "√(2/π) multiplies the cubic term alone",
                    BOTH_TERMS,
                ),
                (
                    "x + CUBIC * x ** 3", "forgot √(2/π)", "the factor √(2/π) is missing",
                    "It makes the slope at 0 that of the bell curve's integral.",
                ),
                ("sqrt(2) / pi * (x + CUBIC * x ** 3)", "√2/π", "the factor is √2 / π, not √(2/π)", WHOLE_ROOT),
                ("2 / sqrt(pi) * (x + CUBIC * x ** 3)", "2/√π", "the factor is 2 / √π, not √(2/π)", WHOLE_ROOT),
                ("2 / pi * (x + CUBIC * x ** 3)", "2/π", "the factor is 2 / π: the root is missing", WHOLE_ROOT),
                ("sqrt(pi / 2) * (x + CUBIC * x ** 3)", "√(π/2)", "the factor is √(π/2), not √(2/π)", WHOLE_ROOT),
                ("sqrt(2 * pi) * (x + CUBIC * x ** 3)", "√(2π)", "the factor is √(2π), not √(2/π)", WHOLE_ROOT),
                *(
                    (
                        f"({two} / {pi}) ** 0.5 * (x + CUBIC * x ** 3)", "π rounded", f"π was rounded to {pi}",
                        "np.pi has all its digits.",
                    )
                    for two, pi in ((2, "3.14"), (2, "3.1416"), (2, "3.142"), (2, "3.1415"), (2, "3"))
                ),
                *(
                    (
                        f"{root} * (x + CUBIC * x ** 3)", "√(2/π) rounded", f"√(2/π) was rounded to {root}",
                        "(2 / np.pi) ** 0.5 has all its digits.",
                    )
                    for root in ("0.8", "0.798", "0.7979", "0.79788")
                ),
                (
                    "ROOT * x", "forgot the cubic term", "the cubic term is missing",
                    "Without it, the curve is off by up to 0.03.",
                ),
                (
                    "ROOT * (x + 10 * CUBIC * x ** 3)", "0.44715", "the cubic term is 10 times too large",
                    "The constant is 0.044715: there is one zero before its first digit, behind the point.",
                ),
                (
                    "ROOT * (x + CUBIC / 10 * x ** 3)", "0.44715", "the cubic term is 10 times too small",
                    "The constant is 0.044715: there is one zero before its first digit, behind the point.",
                ),
                (
                    "ROOT * (x - CUBIC * x ** 3)", "sign of the cubic term", "the cubic term is subtracted",
                    "It is added.",
                ),
                (
                    "ROOT * (x + (CUBIC * x) ** 3)", "constant cubed", "the constant 0.044715 is cubed as well",
                    "Only x is: 0.044715 · x³.",
                ),
                (
                    "0.851 * x", "sigmoid form", "it is x · σ(1.702 x), a rougher approximation",
                    "Use the formula with the tanh.",
                ),
            ),
        ),
        Formula(
            "1 + tanh_of", lambda wrong: gelu_with(gate=wrong), ({"tanh_of": np.tanh(X["x"])} | X,),
            said=(
                ("tanh_of", "forgot the 1 +", "the 1 before the tanh is missing", FROM_0_TO_2),
                (
                    "1 - tanh_of", "1 − tanh", "the tanh is subtracted from 1",
                    "Large x pass, and negative ones don't: 1 + tanh.",
                ),
                (
                    "0.5 * (1 + tanh_of)", "half the gate twice", "the ½ is in the gate and in y",
                    "The gate runs from 0 to 2.",
                ),
            ),
        ),
        Formula(
            "0.5 * x * gate", lambda wrong: gelu_with(y=wrong), ({"gate": 1 + np.tanh(X["x"])} | X,),
            said=(
                ("x * gate", "forgot the ½", "it is 2 times too large: the ½ is missing", HALF),
                ("0.5 * gate", "forgot x", "x is missing: it is half of the gate", HALF),
                ("0.5 * x + gate", "added instead of multiplied", "the gate was added, not multiplied", HALF),
                (
                    "x // 2 * gate", "cut off", "x was halved by //, which rounds down",
                    "`/` keeps what comes after the point.",
                ),
                (
                    "0.5 * x * gate * (x > -3)", "small values cut", "it is 0 below −3",
                    "GELU comes close to 0 there, but is not 0.",
                ),
            ),
        ),
        Slip(
            "exact GELU", exact_gelu, "it is x · Φ(x) with the error function, which is close but not the same",
            "Here, as in the model, it is the tanh form.",
        ),
        Slip(
            "ReLU", lambda x: (np.maximum(x, 0), gelu_forward(x)[1]), "it is ReLU",
            "GELU has no corner at 0: it dips below zero and comes back.",
        ),
        Slip(
            "ReLU", relu, "it is 2 or 0, the gate of a ReLU",
            "GELU has no corner at 0: its gate is 1 + tanh(inner).",
        ),
        Slip("kept the tanh", kept(lambda x: np.tanh(inner_of(x))), "it is the tanh, without the 1",
             "Keep the whole gate, 1 + tanh: the backward will need it."),
        Slip(
            "kept half the gate", kept(lambda x: 0.5 * (1 + np.tanh(inner_of(x)))), "it is half of the gate",
            "Keep 1 + tanh, which runs from 0 to 2.",
        ),
        Slip("kept y", kept(lambda x: gelu_forward(x)[0]), "it is y, not the gate", "The gate is 1 + tanh(inner)."),
        Slip(
            "kept y", lambda x: (gelu_forward(x)[0], (gelu_forward(x)[0], gelu_forward(x)[1][1])), "it is y, not x",
            "The slope depends on x: keep x and the gate.",
        ),
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


def chunks_with(line):
    """A slip in one of the three lines, by a formula."""

    def with_it(wrong):
        def slip(dy, cache):
            v = {"dy": dy, "x": cache[0], "gate": cache[1]}
            v["dgate"], _, _ = gelu_chunks(dy, cache)
            v["dgate"] = wrong(**v) if line == "dgate" else v["dgate"]
            v["dinner"] = wrong(**v) if line == "dinner" else v["dgate"] * v["gate"] * (2 - v["gate"])
            direct = dy * 0.5 * v["gate"]
            return v["dgate"], v["dinner"], wrong(**v) if line == "dx" else direct + v["dinner"] * inner_slope(v["x"])

        return slip

    return with_it


def dy_and_gated(rng, size):
    """dy, and the cache (x, gate) of a forward."""
    return rng.normal(size=size), gelu_forward(1.5 * rng.normal(size=size))[1]


def gelu_trials():
    """dy, and the cache (x, gate) of a forward; x is 0 once."""
    return (
        by_hand(np.array([2.0, 4.0, 6.0]), (np.array([0.0, 10.0, -10.0]), np.array([1.0, 2.0, 0.0]))),
        *for_each(SHAPES, dy_and_gated),
    )


def gelu_example():
    """Variables of the formulas."""
    dy, (x, gate) = dy_and_gated(np.random.default_rng(LESSON), 9)
    dgate, dinner, _ = gelu_chunks(dy, (x, gate))
    return {"dy": dy, "x": x, "gate": gate, "dgate": dgate, "dinner": dinner}


GELU_EXAMPLES = (gelu_example(),)
INNER = CONSTANTS | {"inner": inner_of}
TWO_WAYS = "x stands at two places in ½ · x · gate: once by itself, once inside the gate. Both ways add up."
HALF_OF_X = "y = ½ · x · gate, so the gate was multiplied by half of x."
TAKE_AWAY = "It is 1 − tanh², and the gate is 1 + tanh: take the 1 away before you square."
SLOPE_OF_TANH = "The slope of tanh is 1 − tanh²."
SLOPE_OF_CUBE = "The slope of x³ is 3x²."
SLOPE_OF_INNER = "inner is √(2/π) · (x + 0.044715 x³): both terms have a slope."
WHOLE_BRACKET = "It multiplied the whole bracket in the forward."
NEEDS_SLOPE = "It is the slope of inner that is needed."
TIMES_DY = "This is the slope of y; the gradient of the loss is dy times it."

GELU_CHUNKS = Exercise(
    "gelu_chunks", LESSON, "backward through GELU in three small steps", ("dgate", "dinner", "dx"), gelu_chunks,
    trials=gelu_trials(),
    slips=Slips(
        Formula(
            "dy * 0.5 * x", chunks_with("dgate"), GELU_EXAMPLES, CONSTANTS, also=("gate",),
            said=(
                ("dy * x", "forgot the ½", "it is 2 times too large: the ½ is missing", HALF_OF_X),
                ("0.5 * x", "forgot dy", "dy is missing", TIMES_DY),
                ("dy * 0.5", "forgot x", "x is missing", HALF_OF_X),
                ("dy * 0.5 * x * gate", "gate in dgate", "the gate is in it", HALF_OF_X),
                ("dy * 0.5 * gate", "gate in dgate", "it has the gate where x should be", HALF_OF_X),
            ),
        ),
        Formula(
            "dgate * (1 - (gate - 1) ** 2)", chunks_with("dinner"), GELU_EXAMPLES, CONSTANTS, also=("x", "dy"),
            forms=("dgate * gate * (2 - gate)",),
            said=(
                ("dgate", "forgot the slope of tanh", "it passed the tanh unchanged",
                 "The slope of tanh is 1 − tanh², which is 1 only at 0."),
                ("dgate * (1 - gate ** 2)", "gate taken for tanh", "the slope is 1 − gate²", TAKE_AWAY),
                ("dgate * (1 - gate)", "gate taken for tanh", "the slope is 1 − gate", TAKE_AWAY),
                (
                    "dgate * (1 - (gate + 1) ** 2)", "gate taken for tanh", "1 was added to the gate, not taken away",
                    TAKE_AWAY,
                ),
                ("dgate * (1 - tanh(gate) ** 2)", "tanh of the gate", "the tanh of the gate was taken", TAKE_AWAY),
                ("dgate * (2 - gate)", "1 − tanh", "the slope is 1 − tanh, without the square", SLOPE_OF_TANH),
                ("dgate * (gate - 1) ** 2", "tanh² for 1 − tanh²", "the slope is tanh²", SLOPE_OF_TANH),
                ("1 - (gate - 1) ** 2", "forgot dgate", "dgate is missing",
                 "The chain rule: the gradient of what comes after, times the slope."),
                ("dgate * (1 - tanh(x) ** 2)", "slope of tanh at x", "the slope of the tanh was taken at x",
                 "The tanh was taken of inner, so its slope belongs there too: use the gate."),
            ),
        ),
        Formula(
            f"dy * 0.5 * gate + dinner * {INNER_SLOPE}", chunks_with("dx"), GELU_EXAMPLES, INNER, also=("dgate",),
            said=(
                (
                    f"dinner * {INNER_SLOPE}", "half of the product rule", "only the way through the gate is there",
                    TWO_WAYS,
                ),
                ("dy * 0.5 * gate", "half of the product rule", "only the direct way is there", TWO_WAYS),
                (
                    "dy * 0.5 * gate + dinner", "forgot the slope of inner", "the slope of inner is missing",
                    SLOPE_OF_INNER,
                ),
                ("dy * 0.5 * gate + dinner * ROOT * (1 + CUBIC * x ** 2)", "forgot the 3",
                 "the 3 of the cubic term's slope is missing", SLOPE_OF_CUBE),
                ("dy * 0.5 * gate + dinner * ROOT * (1 + 3 * CUBIC * x)", "3x instead of 3x²",
                 "the cubic term's slope has x where it should have x²", SLOPE_OF_CUBE),
                ("dy * 0.5 * gate + dinner * (1 + 3 * CUBIC * x ** 2)", "forgot √(2/π)",
                 "the factor √(2/π) is missing in the slope of inner", WHOLE_BRACKET),
                ("dy * 0.5 * gate + dinner * ROOT", "forgot the cubic term",
                 "the slope of inner lacks its cubic part", SLOPE_OF_INNER),
                ("dy * 0.5 * gate + dinner * inner(x)", "value instead of slope",
                 "dinner was multiplied by inner itself", NEEDS_SLOPE),
                ("dy * 0.5 * gate + dinner * ROOT * (x + 3 * CUBIC * x ** 2)", "value instead of slope",
                 "the slope of inner has x where it should have 1", "The slope of x is 1."),
                (f"0.5 * gate + dinner * {INNER_SLOPE}", "forgot dy", "the direct way lacks dy", TIMES_DY),
                (f"dy * gate + dinner * {INNER_SLOPE}", "forgot the ½", "the direct way lacks the ½",
                 "Both ways come from ½ · x · gate."),
                (
                    f"dy * 0.5 * x + dinner * {INNER_SLOPE}", "x for the gate",
                    "the direct way has x where the gate should be",
                    "In a product, the slope towards one factor is the other factor.",
                ),
                (
                    f"dy * 0.5 * gate + dy * dinner * {INNER_SLOPE}", "dy twice",
                    "the way through the gate has dy in it twice", "dinner has dy in it already.",
                ),
                (
                    f"dy * 0.5 * gate - dinner * {INNER_SLOPE}", "sign of a term",
                    "the way through the gate is subtracted", TWO_WAYS,
                ),
            ),
        ),
    ),
    difficulty=3, minutes=12,
)  # fmt: skip


TANH_SLOPE = "It is 1 − tanh² = gate · (2 − gate), as the gate is 1 + tanh."
BOTH_HALF = "Both terms come from ½ · x · gate, so both have the ½."
LINKS = "The chain goes gate, tanh, inner, x: each link has its slope."

GELU_BACKWARD = Exercise(
    "gelu_backward", LESSON, "backward through GELU, collapsed", ("dx",), gelu_backward,
    trials=(
        *gelu_trials(),
        Trial("float32", in_float32(for_each(((2, 3),), dy_and_gated)[0]).inputs),  # one np.float64 would promote it
    ),
    slips=Slips(
        Formula(
            f"dy * (0.5 * gate + 0.5 * x * gate * (2 - gate) * {INNER_SLOPE})",
            lambda wrong: lambda dy, cache: wrong(dy=dy, x=cache[0], gate=cache[1]), GELU_EXAMPLES, INNER,
            forms=(f"dy * 0.5 * gate * (1 + x * (2 - gate) * {INNER_SLOPE})",),
            said=(
                (f"0.5 * gate + 0.5 * x * gate * (2 - gate) * {INNER_SLOPE} + 0 * dy", "forgot dy",
                 "it is the derivative alone, without dy", "The gradient is dy times the derivative."),
                (f"dy * 0.5 * gate + 0.5 * x * gate * (2 - gate) * {INNER_SLOPE}", "brackets",
                 "dy multiplies the first term alone",
                 "The gradient is dy times the whole derivative: mind the brackets."),
                ("dy * 0.5 * gate", "half of the product rule", "the gate was treated as a constant",
                 "The gate depends on x as well: its slope makes a second term."),
                (f"dy * 0.5 * x * gate * (2 - gate) * {INNER_SLOPE}", "half of the product rule",
                 "the direct way of x is missing", "Even with a constant gate, y would grow with x, by half the gate."),
                (f"dy * (0.5 * gate + 0.5 * x * (1 - gate ** 2) * {INNER_SLOPE})", "gate taken for tanh",
                 "the slope of the tanh is 1 − gate² here", TANH_SLOPE),
                (f"dy * (0.5 * gate + 0.5 * x * gate * (1 - gate) * {INNER_SLOPE})", "gate taken for tanh",
                 "the slope of the tanh is gate · (1 − gate) here", TANH_SLOPE),
                (f"dy * (0.5 * gate + 0.5 * x * (2 - gate) * {INNER_SLOPE})", "1 − tanh",
                 "the slope of the tanh is 2 − gate here", "It is gate · (2 − gate): one factor is missing."),
                (f"dy * (0.5 * gate + 0.5 * x * gate * (2 + gate) * {INNER_SLOPE})", "2 + gate",
                 "the slope of the tanh is gate · (2 + gate) here", TANH_SLOPE),
                ("dy * (0.5 * gate + 0.5 * x * gate * (2 - gate) * ROOT * (1 + CUBIC * x ** 2))", "forgot the 3",
                 "the 3 of the cubic term's slope is missing", SLOPE_OF_CUBE),
                ("dy * (0.5 * gate + 0.5 * x * gate * (2 - gate) * ROOT * (1 + 3 * CUBIC * x))", "3x instead of 3x²",
                 "the cubic term's slope has x where it should have x²", SLOPE_OF_CUBE),
                ("dy * (0.5 * gate + 0.5 * x * gate * (2 - gate))", "forgot the slope of inner",
                 "the slope of inner is missing", LINKS),
                ("dy * (0.5 * gate + 0.5 * x * gate * (2 - gate) * ROOT)", "forgot the cubic term",
                 "the slope of inner lacks its cubic part", SLOPE_OF_INNER),
                ("dy * (0.5 * gate + 0.5 * x * gate * (2 - gate) * (1 + 3 * CUBIC * x ** 2))", "forgot √(2/π)",
                 "the factor √(2/π) is missing in the slope of inner", WHOLE_BRACKET),
                ("dy * (0.5 * gate + 0.5 * x * gate * (2 - gate) * inner(x))", "inner for its slope",
                 "inner itself stands where its slope should", NEEDS_SLOPE),
                ("dy * (0.5 * gate + 0.5 * x * gate * (2 - gate) * ROOT + 3 * CUBIC * x ** 2)", "brackets",
                 "the cubic part of the slope stands outside of the product", "The slope of inner needs brackets."),
                (f"dy * (0.5 * gate + x * gate * (2 - gate) * {INNER_SLOPE})", "forgot the second ½",
                 "the second term is 2 times too large", BOTH_HALF),
                (f"dy * (gate + 0.5 * x * gate * (2 - gate) * {INNER_SLOPE})", "forgot the first ½",
                 "the first term is 2 times too large", BOTH_HALF),
                (f"dy * (gate + x * gate * (2 - gate) * {INNER_SLOPE})", "forgot the ½",
                 "it is 2 times too large: the ½ is missing", "Both terms come from ½ · x · gate."),
                (f"dy * (0.5 * gate + 0.5 * gate * (2 - gate) * {INNER_SLOPE})", "forgot x",
                 "x is missing in the second term", "In ½ · x · gate, the slope towards the gate is ½ · x."),
                (f"dy * 0.5 * (gate + x) * gate * (2 - gate) * {INNER_SLOPE}", "brackets",
                 "gate and x were added, and then multiplied",
                 "Products come first: gate + x · gate · (2 − gate) · inner′."),
                (f"dy * (0.5 * gate - 0.5 * x * gate * (2 - gate) * {INNER_SLOPE})", "sign of a term",
                 "the way through the gate is subtracted", TWO_WAYS),
                ("dy * (x > 0)", "ReLU's slope", "it is the slope of ReLU",
                 "GELU's slope passes smoothly from 0 to 1, and beyond both."),
                (
                    "dy * 0.5 * x * gate", "GELU's value instead of its slope",
                    "it is dy times GELU itself, not its slope", "The backward multiplies dy with the slope at x.",
                ),
                ("0.5 * dy * (1 + tanh(inner(dy)))", "forward again", "it is GELU of dy",
                 "The backward multiplies dy with the slope at x."),
                ("dy * 0.5 * x * gate * (2 - gate)", "another output", "it is dinner, of 10.4",
                 "From inner back to x there is one link more, and a direct way."),
                ("dy * 0.5 * x", "another output", "it is dgate, of 10.4", LINKS),
            ),
        ),
        Slip(
            "a measured slope",
            lambda dy, cache: dy * (gelu_forward(cache[0] + 1e-3)[0] - gelu_forward(cache[0] - 1e-3)[0]) / 2e-3,
            "the slope was measured, with steps of 0.001", "That is right to six digits only: use the formula.",
        ),
        Slip(
            "cache the wrong way round", lambda dy, cache: gelu_backward(dy, cache[::-1]),
            "x and gate have changed places", "The cache is (x, gate), in this order.",
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


def network(*kinds):
    """A network of linear maps, GELUs and ReLUs in this order; the first map has w1, b1, the other w2, b2.

    The caches are those of the first map, of the last GELU and of the second map.
    """

    def wrong(x, w1, b1, w2, b2):
        caches, weights = {"linear": [], "gelu": []}, [(w1, b1), (w2, b2)]
        for kind in kinds:
            if kind == "linear":
                x, cache = layers.linear_forward(x, *weights.pop(0))
            else:
                gelu, cache = layers.gelu_forward(x)
                x = gelu if kind == "gelu" else np.maximum(x, 0)
            caches["linear" if kind == "linear" else "gelu"].append(cache)
        return x, (caches["linear"][0], caches["gelu"][-1], caches["linear"][1])

    return wrong


def relu_feedforward(x, w1, b1, w2, b2):
    """With ReLU instead of GELU, and its cache."""
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
    np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]),  # x: T, D
    np.array([[10.0, -10.0, 20.0], [-20.0, 30.0, -10.0]]),  # w1: D, M
    np.array([0.0, 0.0, 10.0]),  # b1: M
    np.array([[1.0, 2.0], [0.0, -1.0], [-1.0, 1.0]]),  # w2: M, D
    np.array([5.0, -5.0]),  # b2: D
)


NETWORKS = (((2, 4), 3, 5), ((4,), 3, 6), ((), 5, 3), ((3, 2, 4), 5, 6), ((3, 1), 4, 2))  # axes in front, D, M


def random_network(rng, size):
    """x (…, D), w1, b1, w2, b2."""
    leading, D, M = size
    shapes = ((*leading, D), (D, M), (M,), (M, D), (D,))
    return tuple(rng.normal(size=shape) for shape in shapes)


TWO_MAPS = "GELU stands between the two maps: linear, GELU, linear."

FEEDFORWARD_FORWARD = Exercise(
    "feedforward_forward", LESSON, "linear, GELU, linear", ("y", "cache"), feedforward_forward,
    trials=(by_hand(*HAND_NETWORK), *for_each(NETWORKS, random_network, seeds=2)),
    slips=(
        Slip(
            "no GELU", feedforward_with(lambda x, before, hidden: (before, same)),
            "the second map was given the numbers from before GELU",
            "Without GELU between them, two linear maps are one linear map.",
        ),
        Slip("GELU first", network("gelu", "linear", "linear"), "GELU was applied before the first map", TWO_MAPS),
        Slip("GELU last", network("linear", "linear", "gelu"), "GELU was applied after the second map", TWO_MAPS),
        Slip("GELU first too", network("gelu", "linear", "gelu", "linear"), "GELU was applied to x as well", TWO_MAPS),
        Slip(
            "GELU at the end too", network("linear", "gelu", "linear", "gelu"), "a second GELU was applied at the end",
            "GELU stands between the two maps only: y may be negative.",
        ),
        Slip("GELU twice", network("linear", "gelu", "gelu", "linear"), "GELU was applied twice", TWO_MAPS),
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
            "ReLU", network("linear", "relu", "linear"), "there is ReLU instead of GELU",
            "Use layers.gelu_forward between the two maps.",
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


def changed(**how):
    """A slip: the right gradients, some of them changed. Each change takes dy, dhidden, dbefore and the first cache."""

    def wrong(dy, cache):
        first_cache, gelu_cache, second_cache = cache
        grads = dict(zip(("dx", "dw1", "db1", "dw2", "db2"), feedforward_backward(dy, cache), strict=True))
        dhidden, _, _ = layers.linear_backward(dy, second_cache)
        dbefore = layers.gelu_backward(dhidden, gelu_cache)
        return tuple((grads | {name: change(dy, dhidden, dbefore) for name, change in how.items()}).values())

    return wrong


def rows(x):
    """All tokens in one matrix."""
    return x.reshape(-1, x.shape[-1])


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


def dy_and_network(rng, size):
    """dy, and the cache of a forward, made by the GELU that is in place."""
    y, cache = feedforward_forward(*random_network(rng, size))
    return rng.normal(size=y.shape), cache


HAND_DY = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, -1.0]])

FEEDFORWARD_BACKWARD = Exercise(
    "feedforward_backward", LESSON, "backward through linear, GELU, linear", ("dx", "dw1", "db1", "dw2", "db2"),
    feedforward_backward,
    trials=(
        Trial("hand numbers", lambda rng: (HAND_DY, feedforward_forward(*HAND_NETWORK)[1])),
        *for_each(NETWORKS, dy_and_network, seeds=2),
    ),
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
            "skipped GELU", changed(db1=lambda dy, dhidden, dbefore: rows(dhidden).sum(axis=0)),
            "GELU was skipped on the way to b1",
            "The first map's three gradients come from one call, given what GELU's backward returned.",
        ),
        Slip(
            "GELU's gradient times dhidden",
            backward_with(lambda dhidden, cache, _: dhidden * layers.gelu_backward(dhidden, cache)),
            "what GELU's backward returned was multiplied by dhidden once more",
            "layers.gelu_backward returns the gradient, not the slope.",
        ),
        Slip(
            "GELU's slope without the gradient",
            backward_with(lambda dhidden, cache, _: layers.gelu_backward(np.ones_like(dhidden), cache)),
            "GELU's slope stands where its gradient should: dhidden is missing",
            "Give gelu_backward the gradient that came back to hidden.",
        ),
        Slip(
            "the first map skipped", changed(dx=lambda dy, dhidden, dbefore: dbefore),
            "it is what came back to the first map, not through it", "linear_backward returns dx as its first result.",
        ),
        Slip(
            "the first map skipped", changed(dx=lambda dy, dhidden, dbefore: dhidden),
            "it is what came back to hidden", "It still has to go through GELU and the first map.",
        ),
        Slip(
            "biases not summed",
            changed(db1=lambda dy, dhidden, dbefore: dbefore, db2=lambda dy, dhidden, dbefore: dy),
            "it was not summed over the tokens", "One bias served every token of every sample: only M, or D, is left.",
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
