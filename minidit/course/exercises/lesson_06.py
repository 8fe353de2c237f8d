"""Lesson 6: estimate scale and shift."""

from functools import partial
from itertools import combinations

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, by_hand, for_each
from minidit.reference import linear_backward, linear_forward, silu_backward, silu_forward
from minidit.worksheet import solve

# B = batch, I = width of the condition, D = width of the tokens

LESSON = 6
SHEET = solve()


# ------------------------------------------------------------------------------------------------ 6.1 by hand


def step_6_answer():
    """The worksheet's [scale; shift], one column (4, 1)."""
    return np.concatenate([SHEET.scale, SHEET.shift])


def step_6_product(condition, weight=SHEET.weights.conditioning_weight):
    """W · condition + b with the worksheet's W and b, or another W."""
    return weight @ condition + SHEET.weights.conditioning_bias


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
        Slip(
            "b multiplied in",
            lambda: SHEET.weights.conditioning_weight @ SHEET.condition * SHEET.weights.conditioning_bias,
            "the product was multiplied by b", "b is added: W · c + b.",
        ),
        Slip(
            "lost minus sign", lambda: step_6_product(SHEET.condition, abs(SHEET.weights.conditioning_weight)),
            "the −1s in W were read as 1s", "A −1 in W subtracts its number of c.",
        ),
        Slip(
            "zero taken for one", lambda: step_6_product(np.where(SHEET.condition == 0, 1, SHEET.condition)),
            "the 0 in c was read as a 1", "sora is 0: its products are 0.",
        ),
        Slip(
            "upside down", lambda: step_6_answer()[::-1], "it stands upside down",
            "The first row of W makes the first number.",
        ),
        Slip(
            "rows swapped", lambda: step_6_answer()[[1, 0, 3, 2]], "in each half the two rows have changed places",
            "The first row of W makes the first number.",
        ),
        Slip(
            "not one column", lambda: step_6_answer().reshape(2, 2), "the numbers are right, but in a square",
            "Type one column: scale, scale, shift, shift.",
        ),
        Slip(
            "one half only", lambda: SHEET.scale, "the shift is missing",
            "W has four rows: scale, scale, shift, shift.",
        ),
        Slip(
            "one half only", lambda: SHEET.shift, "the scale is missing",
            "W has four rows: scale, scale, shift, shift.",
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

SHAPES = ((2, 4, 3), (5,), (2, 4, 3), (3, 1), (2, 3, 1, 4))
LARGE = np.array([[-800.0, -30.0], [30.0, 800.0], [0.0, 1.0]])


def slope(x, sigmoid):
    """The slope of SiLU."""
    return sigmoid * (1 + x * (1 - sigmoid))


def silu_of(sigmoid):
    """`silu_forward` with another sigmoid: it takes x."""

    def wrong(x):
        other = sigmoid(x)
        return x * other, (x, other)

    return wrong


def beyond(limit, x):
    """SiLU, but ReLU where x is above the limit, or below minus the limit."""
    return np.where(abs(x) > limit, np.maximum(x, 0), x * sigmoid_of(x))


SILU_FORWARD = Exercise(
    "silu_forward", LESSON, "SiLU", ("y", "cache"), silu_forward,
    trials=(
        by_hand(np.array([0.0, LOG_3, -LOG_3])),  # sigmoid 1/2, 3/4, 1/4
        *for_each(SHAPES, lambda rng, shape: (3 * rng.normal(size=shape),)),
        *for_each((LARGE,), lambda rng, x: (x,), "large numbers"),
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
            "overflow", silu_of(lambda x: np.exp(x) / (1 + np.exp(x))),
            "for large x it is infinity divided by infinity", "Put the minus sign into the exponent: 1 / (1 + e⁻ˣ).",
        ),
        *(
            Slip(
                "clipped", lambda x, most=most: silu_forward(np.clip(x, -most, most)),
                f"x was clipped to ±{most}", "SiLU of a large x is nearly x itself.",
            )
            for most in (5, 10, 20, 30, 50, 100)
        ),
        *(
            Slip(
                "clipped", silu_of(lambda x, most=most: sigmoid_of(np.clip(x, -most, most))),
                f"the exponent was clipped to ±{most}", "1 / (1 + e⁻ˣ) needs no clipping, even where e⁻ˣ is infinite.",
            )
            for most in (3, 5, 6, 10)
        ),
        *(
            Slip(
                "ReLU where x is large", silu_with(partial(beyond, limit)), f"it is ReLU beyond ±{limit}",
                "SiLU nears ReLU there, but isn't equal to it.",
            )
            for limit in (3, 4, 5, 6)
        ),
        *(
            Slip(
                "hard sigmoid", make(lambda x, width=width: np.clip(x / width + 0.5, 0, 1)),
                "the sigmoid is a broken line", "σ(x) = 1 / (1 + e⁻ˣ).",
            )
            for width in (6, 4, 5)
            for make in (silu_of, lambda hard: silu_with(lambda x: x * hard(x)))
        ),
        *(
            Slip("another function", silu_with(of), f"it is {called}", "SiLU is x · σ(x).")
            for called, of in (
                ("softplus, log(1 + eˣ)", lambda x: np.logaddexp(0, x)),
                ("Mish", lambda x: x * np.tanh(np.logaddexp(0, x))),
                ("GELU", lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x * x * x)))),
                ("x · σ(x)²", lambda x: x * sigmoid_of(x) ** 2), ("x · e⁻ˣ", lambda x: x * np.exp(-x)),
                ("x + e⁻ˣ: brackets are missing", lambda x: x + np.exp(-x)),
                ("x / (1 − e⁻ˣ)", lambda x: x / (1 - np.exp(-x))),
                ("x itself for positive x", lambda x: np.where(x < 0, x * sigmoid_of(x), x)),
                ("0 for negative x", lambda x: np.maximum(x, 0) * sigmoid_of(x)),
            )
        ),
        *(
            Slip(
                "kept another sigmoid", lambda x, of=of: (x * sigmoid_of(x), (x, of(x))), f"it is {called}",
                "Keep σ(x).",
            )
            for called, of in (("tanh(x)", np.tanh), ("σ(−x)", lambda x: sigmoid_of(-x)), ("eˣ", np.exp))
        ),
        *(
            Slip("tanh without its ½", silu_of(of), says, "σ(x) = ½ + ½ tanh(x / 2).")
            for of, says in (
                (lambda x: 0.5 * np.tanh(0.5 * x), "½ was not added to the tanh"),
                (lambda x: 1 + np.tanh(0.5 * x), "it is twice too large, like 1 + tanh"),
                (lambda x: 0.5 + np.tanh(0.5 * x), "the tanh was not halved"),
                (lambda x: np.tanh(0.5 * x), "it is x · tanh(x / 2)"),
            )
        ),
        Slip(
            "absolute value in the exponent", silu_with(lambda x: x * sigmoid_of(-abs(x))),
            "the sigmoid is that of −|x|", "For positive x the sigmoid is above ½.",
        ),
        Slip(
            "absolute value in the exponent", silu_of(lambda x: sigmoid_of(abs(x))),
            "the sigmoid is that of |x|", "For negative x the sigmoid is below ½.",
        ),
        Slip(
            "absolute value in the exponent", silu_with(lambda x: abs(x) * sigmoid_of(x)),
            "it is |x| times the sigmoid", "For negative x SiLU dips below zero.",
        ),
        Slip(
            "kept y instead of x", lambda x: (x * sigmoid_of(x), (x * sigmoid_of(x), sigmoid_of(x))),
            "it is y, not x", "Is x overwritten before it is kept?",
        ),
        Slip(
            "kept the slope", lambda x: (x * sigmoid_of(x), (x, sigmoid_of(x) * (1 - sigmoid_of(x)))),
            "it is the sigmoid's slope", "Keep σ(x) itself: the slope can be made of it.",
        ),
        Slip(
            "kept the slope", lambda x: (x * sigmoid_of(x), (x, slope(x, sigmoid_of(x)))),
            "it is SiLU's slope", "Keep σ(x) itself: the slope can be made of it.",
        ),
        Slip(
            "the slope instead of y", silu_with(lambda x: slope(x, sigmoid_of(x))), "it is SiLU's slope",
            "That is for 6.4. The forward is x · σ(x).",
        ),
        Slip("added", silu_with(lambda x: x + sigmoid_of(x)), "the sigmoid was added to x", "It is x times σ(x)."),
        Slip(
            "half an exponent", silu_of(lambda x: sigmoid_of(x / 2)), "the sigmoid is that of x / 2",
            "σ(x) = ½ + ½ tanh(x / 2): only the tanh has the half.",
        ),
        Slip(
            "half an exponent", silu_of(lambda x: sigmoid_of(2 * x)), "the sigmoid is that of 2x",
            "σ(x) = ½ + ½ tanh(x / 2).",
        ),
        Slip(
            "x squared", silu_with(lambda x: x * x * sigmoid_of(x)), "it is x² · σ(x)", "One x is enough.",
        ),
        Slip(
            "σ of y", silu_with(lambda x: sigmoid_of(x * sigmoid_of(x))), "a sigmoid was taken of the result",
            "One sigmoid is enough.",
        ),
        Slip(
            "kept y instead of the sigmoid", lambda x: (x * sigmoid_of(x), (x, x * sigmoid_of(x))),
            "it is y, not the sigmoid", "The backward wants x and σ(x) separately.",
        ),
        Slip(
            "GELU's sigmoid", lambda x: (x * sigmoid_of(1.702 * x), (x, sigmoid_of(1.702 * x))),
            "it is the sigmoid approximation of GELU", "No 1.702 inside the sigmoid here.",
        ),
        Slip(
            "GELU's sigmoid", silu_with(lambda x: x * sigmoid_of(1.702 * x)),
            "it is the sigmoid approximation of GELU", "No 1.702 inside the sigmoid here.",
        ),
    ),
    difficulty=1, minutes=6,
)  # fmt: skip

PRODUCT_RULE = "x stands in y twice: in front, and inside the sigmoid."
FLAT_ENDS = "A sigmoid is flat at both ends: its slope is σ · (1 − σ)."

# What students take for the slope of SiLU: slip, function of x and the sigmoid, what to say
SLOPES = (
    (
        "half of the product rule", lambda x, s: s, "it is only σ(x) · dy, one half of the product rule", PRODUCT_RULE,
    ),
    (
        "half of the product rule", lambda x, s: x * s * (1 - s), "it is only the way through the sigmoid",
        PRODUCT_RULE,
    ),
    (
        "the sigmoid's slope alone", lambda x, s: s * (1 - s), "it is the slope of σ(x), not of x · σ(x)",
        "Two factors depend on x: use the product rule.",
    ),
    (
        "the sigmoid's slope without 1 − σ", lambda x, s: s + x * s,
        "the slope of the sigmoid is missing its second factor", FLAT_ENDS,
    ),
    (
        "the sigmoid's slope is 1 − σ", lambda x, s: s + x * (1 - s),
        "the slope of the sigmoid is missing a factor", FLAT_ENDS,
    ),
    ("another slope of the sigmoid", lambda x, s: s + x * s * s, "σ² stands for the slope of the sigmoid", FLAT_ENDS),
    (
        "another slope of the sigmoid", lambda x, s: s + x * s * (1 + s),
        "σ · (1 + σ) stands for the slope of the sigmoid",
        FLAT_ENDS,
    ),
    (
        "another slope of the sigmoid", lambda x, s: s + x * s * s * (1 - s),
        "there is one σ too many in its second part",
        FLAT_ENDS,
    ),
    (
        "another slope of the sigmoid", lambda x, s: s + x * (1 - s * s), "1 − σ² stands for the slope of the sigmoid",
        "That is the slope of tanh. The sigmoid's is σ · (1 − σ).",
    ),
    ("another slope of the sigmoid", lambda x, s: s + x * (1 - x), "x · (1 − x) takes x for the sigmoid", FLAT_ENDS),
    ("brackets", lambda x, s: s * (1 + x - s), "it is σ · (1 + x − σ)", "σ · (1 + x · (1 − σ))."),
    ("brackets", lambda x, s: (1 + x) * s * (1 + s), "it is σ · (1 + x) · (1 + σ)", "σ · (1 + x · (1 − σ))."),
    ("σ is missing", lambda x, s: 1 + x * (1 - s), "it lacks the factor σ in front", "σ · (1 + x · (1 − σ))."),
    (
        "x and σ swapped", lambda x, s: s * (1 + s * (1 - x)), "x and σ have changed places in the second part",
        "dsigmoid is dy · x.",
    ),
    (
        "x and σ swapped", lambda x, s: x + s * (1 - s), "it is x + σ · (1 − σ)", "dy · σ, and dy · x · σ · (1 − σ).",
    ),
    ("dy was added", lambda x, s: 1 + x * s * (1 - s), "the first part is dy alone", "It is dy · σ."),
    ("another slope of the sigmoid", lambda x, s: s + x * x * s * (1 - s), "there is one x too many", PRODUCT_RULE),
    ("divided by the slope", lambda x, s: 1 / slope(x, s), "dy was divided by the slope", "Multiply by it."),
    ("1 − σ alone", lambda x, s: 1 - s, "it is dy · (1 − σ)", PRODUCT_RULE),
    ("forgot x", lambda x, s: s + s * (1 - s), "x is missing in its second part", "dsigmoid is dy · x."),
    (
        "sign in the product rule", lambda x, s: s - x * s * (1 - s),
        "the two halves of the product rule are subtracted",
        "The slope of the sigmoid is positive everywhere, so both halves add up.",
    ),
    (
        "y in place of the slope", lambda x, s: x * s, "it is dy times y",
        "The backward multiplies with the slope of y, not with y.",
    ),
    ("x in place of the slope", lambda x, s: x, "it is dy times x", "The slope of x · σ(x) has two parts."),
    (
        "brackets", lambda x, s: s * (1 + x) * (1 - s), "it is σ · (1 + x) · (1 − σ)", "σ · (1 + x · (1 − σ)).",
    ),
    ("ReLU's slope", lambda x, s: x > 0, "it is the slope of ReLU", "SiLU's slope is made of x and σ(x)."),
    (
        "ReLU's slope", lambda x, s: (x > 0) * slope(x, s), "nothing comes through where x is negative",
        "That is ReLU. SiLU has a slope there, too.",
    ),
    ("the slope at 0", lambda x, s: 0.5 + 0 * x, "it is ½ · dy", "The slope is ½ at x = 0 only."),
    ("the slope is 1", lambda x, s: 1 + 0 * x, "it is dy itself", "SiLU changes x, so it has a slope."),
)  # fmt: skip

SILU_BACKWARD = Exercise(
    "silu_backward", LESSON, "SiLU, backward", ("dx",), silu_backward,
    trials=(
        by_hand(np.array([2.0, 1.0, 4.0]), (np.array([0.0, LOG_3, -LOG_3]), np.array([0.5, 0.75, 0.25]))),
        *for_each(
            SHAPES, lambda rng, shape: (rng.normal(size=shape), silu_forward(2 * rng.normal(size=shape))[1])
        ),
    ),
    slips=(
        *(
            Slip(name, lambda dy, cache, of=of: dy * of(*cache), says, because)
            for name, of, says, because in SLOPES
        ),
        Slip(
            "dy in one part only", lambda dy, cache: dy * cache[1] + cache[0] * cache[1] * (1 - cache[1]),
            "dy is missing in its second part", "Both parts of dx are multiplied by dy.",
        ),
        Slip(
            "dy in one part only", lambda dy, cache: cache[1] + dy * cache[0] * cache[1] * (1 - cache[1]),
            "dy is missing in its first part", "Both parts of dx are multiplied by dy.",
        ),
        Slip(
            "added instead of multiplied", lambda dy, cache: dy + slope(*cache), "dy was added to the slope",
            "The chain rule: what comes from above times the slope.",
        ),
        Slip(
            "dy and x swapped", lambda dy, cache: cache[0] * cache[1] * (1 + dy * (1 - cache[1])),
            "dy and x have changed places", "dx is dy times a slope that is made of x and σ.",
        ),
        Slip(
            "dy in one part only", lambda dy, cache: dy * cache[1] + cache[0] * (1 - cache[1]),
            "dy and σ are missing in its second part", "Both parts of dx are multiplied by dy.",
        ),
        Slip(
            "dy twice", lambda dy, cache: dy * (cache[1] + dy * cache[0] * cache[1] * (1 - cache[1])),
            "dy stands twice in its second part", "Once is enough.",
        ),
        Slip(
            "sign of dy", lambda dy, cache: np.maximum(dy, 0) * slope(*cache), "negative gradients are gone",
            "A gradient may be negative.",
        ),
        Slip(
            "cache in the wrong order", lambda dy, cache: dy * slope(*cache[::-1]),
            "x and the sigmoid have changed places", "The cache is (x, sigmoid).",
        ),
        Slip(
            "sigmoid of the sigmoid", lambda dy, cache: dy * slope(cache[0], sigmoid_of(cache[1])),
            "a sigmoid was taken of the sigmoid", "The cache holds σ(x) already.",
        ),
        Slip(
            "SiLU of dy", lambda dy, cache: silu_forward(dy)[0], "it is SiLU of dy",
            "Multiply dy by the slope of SiLU at x.",
        ),
        Slip(
            "forgot dy", lambda dy, cache: cache[1] + cache[0] * cache[1] * (1 - cache[1]),
            "it is the slope of SiLU, without dy",
            "The chain rule: what comes from above times the slope.",
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


WIDTHS = ((2, 5, 3), (1, 5, 3), (2, 5, 3), (3, 4, 1), (4, 7, 2))  # B, I, D; a single sample and a width of 1, too


def condition_and_weights(rng, widths):
    """c (B, I), w (I, 6D), b (6D,)."""
    B, inputs, D = widths
    return rng.normal(size=(B, inputs)), rng.normal(size=(inputs, 6 * D)), rng.normal(size=6 * D)


def cut(c, w, b, into):
    """`adaln_modulation_forward`, with another way of cutting c @ w + b (B, 6D): `into` takes it."""
    return tuple(into(c @ w + b)), (c, w)


def changed(change, *which):
    """A slip that changes some of the six, all by default."""
    return lambda c, w, b: (tuple(change(m) if i in which else m for i, m in enumerate(six(c, w, b))), (c, w))


AS_IT_IS = "It comes out of the linear layer, and is returned as it is."
SQUEEZED = (
    "the axis of a single sample, or of a width of 1, is gone",
    "squeeze() takes away every axis of length 1, also one that you need.",
)

MODULATION_FORWARD = Exercise(
    "adaln_modulation_forward", LESSON, "Six modulations of a block", ("modulations", "cache"),
    adaln_modulation_forward,
    trials=(
        by_hand(
            np.array([[1.0, 0, -1], [2, 1, 0]]),
            np.array([[1.0, 0, 2, 0, 1, -1], [0, 1, 0, 3, -1, 0], [2, 0, 1, 1, 0, 4]]),
            np.array([0.0, 1, -1, 2, 0, 5]),
        ),
        *for_each(WIDTHS, condition_and_weights),
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
            "the first three twice", picked(0, 1, 2, 0, 1, 2), "it is the attention's once more",
            "The MLP has three columns' worth of its own: 3D to 6D − 1.",
        ),
        Slip(
            "one for all", picked(0, 0, 0, 0, 0, 0), "it is the first one once more", "Each has D columns of its own.",
        ),
        Slip(
            "reshape alone", partial(cut, into=lambda m: m.reshape(6, len(m), -1)),
            "a reshape to (6, B, D) mixed samples and modulations",
            "Reshape to (B, 6, D), and take [:, 0], [:, 1] and so on.",
        ),
        Slip(
            "the width of c for D", lambda c, w, b: cut(
                c, w, b, lambda m: [m[:, i * c.shape[1] : (i + 1) * c.shape[1]] for i in range(6)]
            ),
            "it is as wide as c", "D is a sixth of the columns of w.",
        ),
        Slip(
            "subtracted the bias", lambda c, w, b: (six(c, w, -b), (c, w)), "the bias was subtracted",
            "The layer is affine: a product and b.",
        ),
        Slip(
            "another function after it", changed(np.tanh, *range(6)), "tanh was applied to the six", AS_IT_IS,
        ),
        Slip(
            "ReLU before it", lambda c, w, b: (six(np.maximum(c, 0), w, b), (c, w)),
            "the negative numbers of c are gone",
            "c has been through SiLU already, and is taken as it is.",
        ),
        Slip(
            "SiLU once more", lambda c, w, b: (six(c, w, b), (c * sigmoid_of(c), w)), "it went through SiLU once more",
            "c has been through SiLU already: keep it as it came.",
        ),
        Slip(
            "SiLU once more", lambda c, w, b: (six(c * sigmoid_of(c), w, b), (c * sigmoid_of(c), w)),
            "c went through SiLU once more", "c has been through SiLU already: all blocks share it.",
        ),
        Slip(
            "cut the samples", partial(cut, into=lambda m: [m[k::6] for k in range(6)]), "the samples were dealt out",
            "Cut along the last axis: m[:, …].",
        ),
        Slip(
            "columns too close", partial(cut, into=lambda m: [m[:, k : k + m.shape[1] // 6] for k in range(6)]),
            "each begins one column after the one before", "Modulation k begins at column k · D.",
        ),
        Slip(
            "1 + scale", changed(lambda m: 1 + m, 1, 4), "1 was added to the scale",
            "The 1 + comes where the scale is used, in lesson 7.",
        ),
        Slip("gates squashed", changed(np.tanh, 2, 5), "tanh was applied to the gate", AS_IT_IS),
        Slip("gates squashed", changed(sigmoid_of, 2, 5), "a sigmoid was applied to the gate", AS_IT_IS),
        Slip("squeezed", changed(np.squeeze, *range(6)), *SQUEEZED),
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


AWAKE = ("dshift_msa", "dscale_msa", "dgate_msa", "dshift_mlp", "dscale_mlp", "dgate_mlp", "dc")


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


def six_and_cache(rng, widths):
    """Six gradients (B, D), and the cache of a forward."""
    c, w, _ = condition_and_weights(rng, widths)
    return tuple(rng.normal(size=(len(c), widths[-1])) for _ in range(6)), (c, w)


def swapped(i, j):
    """The slip that concatenates two of the six in each other's place."""
    order = [*range(6)]
    order[i], order[j] = j, i
    return concatenated(*order)


def of_one_modulation(which):
    """dc made with one of the six alone."""

    def dc(right, d, cache):
        D = d.shape[1] // 6
        columns = slice(which * D, (which + 1) * D)
        return d[:, columns] @ cache[1][:, columns].T

    return with_other(0, dc)


def of_one_sample(dmodulations, cache):
    """dw and db of the first sample."""
    dc, _, _ = adaln_modulation_backward(dmodulations, cache)
    _, dw, db = adaln_modulation_backward([d[:1] for d in dmodulations], (cache[0][:1], cache[1]))
    return dc, dw, db


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
        *for_each(WIDTHS, six_and_cache),
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
        *(
            Slip(
                "two of the six swapped", swapped(i, j), f"{AWAKE[i]} and {AWAKE[j]} have changed places",
                "Concatenate in the order in which the forward split.",
            )
            for i, j in combinations(range(6), 2)
        ),
        Slip(
            "backwards", concatenated(5, 4, 3, 2, 1, 0), "the six stand in reverse",
            "Concatenate in the order in which the forward split.",
        ),
        Slip(
            "shifts, scales, gates", concatenated(0, 3, 1, 4, 2, 5), "they are sorted by kind, not by branch",
            "First all three of the attention, then all three of the MLP.",
        ),
        *(
            Slip(
                "one for all", concatenated(*[which] * 6), f"{AWAKE[which]} stands there six times",
                "Concatenate all six.",
            )
            for which in (0, 5)
        ),
        Slip(
            "reshape alone", lambda dmodulations, cache: linear_backward(
                np.array(dmodulations).reshape(len(dmodulations[0]), -1), cache
            ),
            "a reshape of (6, B, D) mixed samples and modulations",
            "np.concatenate along the last axis keeps them apart.",
        ),
        *(
            Slip(
                "one of the six only", of_one_modulation(which), f"only {AWAKE[which]} has reached it",
                "All six came from c: dc is the sum of six parts. += adds, = forgets.",
            )
            for which in (5, 0)
        ),
        *(
            Slip(
                "one of the six lost", only(*(i for i in range(6) if i != lost)), f"{AWAKE[lost]} has not reached it",
                "All six came out of this layer.",
            )
            for lost in range(6)
        ),
        *(
            Slip(
                "added instead of joined",
                lambda dmodulations, cache, spread=spread: linear_backward(spread(sum(dmodulations)), cache),
                "the six were added up, and stand there six times", "They belong to different columns: side by side.",
            )
            for spread in (lambda d: np.tile(d, (1, 6)), lambda d: np.repeat(d, 6, axis=1))
        ),
        Slip(
            "one sample only", of_one_sample, "it comes from the first sample alone",
            "The same weights served every sample: their contributions add up.",
        ),
        Slip(
            "SiLU on the way back",
            with_other(0, lambda dc, d, cache: dc * slope(cache[0], sigmoid_of(cache[0]))),
            "it went back through SiLU as well", "c had been through SiLU before: all blocks share that.",
        ),
        Slip(
            "divided by six", with_other(0, lambda dc, d, cache: dc / 6), "it was divided by six",
            "c was used six times, and the six contributions add up.",
        ),
        Slip(
            "mean over the batch", with_other(1, lambda dw, d, cache: dw / len(d)),
            "its values are the mean over the samples, not their sum",
            "Every sample used the same weights, so sum over the samples.",
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


def explain_awake(index):
    """How to compute an entry."""
    name = AWAKE[index[0]]
    if name == "dc":
        return "dc is what comes back through the modulation layer. What does that layer's backward multiply with?"
    if "gate" in name:
        return "y = x + gate · h. What is the gradient of the gate made of, and is any of it zero?"
    return f"To reach {name}, dy has to pass a gate. What does a gate do to the gradient behind it?"


EACH_GATE = "Each branch has a gate of its own, and each is multiplied by an h that isn't zero."
WHAT_IS_DH = "To reach it, dy has to come through h. What is dh, if the gate is zero?"
GATE_LAST = "The order is shift, scale, gate, and that twice."

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
        *(
            Slip(name, lambda awake=awake: np.array(awake), says, because)
            for name, awake, says, because in (
                (
                    "1 and 0 swapped", (1, 1, 0, 1, 1, 0, 1), "1 and 0 have changed places",
                    "1 stands for a gradient that is not zero.",
                ),
                ("a gate forgotten", (0, 0, 0, 0, 0, 1, 0), "the attention's gate is forgotten", EACH_GATE),
                ("a gate forgotten", (0, 0, 1, 0, 0, 0, 0), "the MLP's gate is forgotten", EACH_GATE),
                ("shifts as well", (1, 0, 1, 1, 0, 1, 0), "the shifts are behind a gate that is zero", WHAT_IS_DH),
                ("scales as well", (0, 1, 1, 0, 1, 1, 0), "the scales are behind a gate that is zero", WHAT_IS_DH),
                ("one branch as well", (0, 0, 1, 1, 1, 1, 0), "the MLP's shift and scale are asleep, too", WHAT_IS_DH),
                (
                    "one branch as well", (1, 1, 1, 0, 0, 1, 0), "the attention's shift and scale are asleep, too",
                    WHAT_IS_DH,
                ),
                ("another place for the gates", (1, 0, 0, 1, 0, 0, 0), "the 1s stand where the shifts are", GATE_LAST),
                ("another place for the gates", (0, 1, 0, 0, 1, 0, 0), "the 1s stand where the scales are", GATE_LAST),
                ("dc is missing", (0, 0, 1, 0, 0, 1), "dc is missing", "Type seven numbers: dc is the last."),
            )
        ),
    ),
    difficulty=2, minutes=5,
)  # fmt: skip


EXERCISES = (STEP_6, SILU_FORWARD, MODULATION_FORWARD, SILU_BACKWARD, MODULATION_BACKWARD, ZERO_START)
