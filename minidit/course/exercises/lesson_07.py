"""Lesson 7: apply scale and shift."""

from types import SimpleNamespace

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, Trial, by_hand, for_each
from minidit.course.formulas import Formula, Slips
from minidit.reference import layernorm_backward, layernorm_forward, modulate_backward, modulate_forward
from minidit.worksheet import solve

# B = batch, T = tokens, D = width

LESSON = 7
SHEET = solve()
SAMPLE = np.random.default_rng(LESSON).normal  # numbers to tell formulas apart

# ------------------------------------------------------------------------------------------------ 7.1 by hand

PLACES = ("first", "second", "third", "fourth")


def explain_step_7(index):
    """How to compute an entry."""
    row, patch = (PLACES[i] for i in index)
    return (
        f"It is the noised latent's number in the {row} row of the {patch} patch, times the {row} of the two scales, "
        f"plus the {row} of the two shifts."
    )


OWN_ROW = "The first scale and the first shift belong to the first row, the second to the second."


def on_the_sheet(wrong):
    """The matrix that a formula makes of the worksheet's numbers."""
    return lambda: wrong(x=SHEET.noised, scale=SHEET.scale, shift=SHEET.shift)


STEP_7 = Numbers(
    "step_7_conditioned", LESSON, "scale · x + shift on the worksheet", lambda: SHEET.conditioned, explain_step_7,
    slips=Slips(
        Formula(
            "scale * x + shift", on_the_sheet,
            samples=({"x": SHEET.noised, "scale": SHEET.scale, "shift": SHEET.shift},),
            functions={"other": lambda pair: pair[::-1]},
            said=(
                (
                    "(1 + scale) * x + shift", "one plus too much", "this is (1 + scale) · x + shift",
                    "The real model has the 1 +; the worksheet multiplies by the scale itself.",
                ),
                (
                    "scale * (x + shift)", "shift before scale", "the shift was added before the scale multiplied",
                    "Multiply first, then add.",
                ),
                (
                    "shift * x + scale", "scale and shift swapped", "the shift was multiplied and the scale added",
                    "It is scale · x + shift.",
                ),
                (
                    "scale * x", "forgot the shift", "the shift is missing",
                    "After the product, each row still gets its shift.",
                ),
                (
                    "scale * x - shift", "subtracted the shift", "the shift was subtracted",
                    "It is scale · x + shift; mind the sign of a negative shift.",
                ),
                ("x", "unchanged input", "this is the noised latent itself", "Scale and shift are still to come."),
                (
                    "abs(scale) * x + shift", "sign of the scale", "the minus of a scale was lost",
                    "A scale of −1 flips every sign of its row, before the shift is added.",
                ),
                (
                    "scale * x + abs(shift)", "sign of the shift", "the minus of a shift was lost",
                    "Adding −1 makes a number smaller.",
                ),
                ("other(scale) * x + shift", "rows swapped", "the two scales have changed places", OWN_ROW),
                ("scale * x + other(shift)", "rows swapped", "the two shifts have changed places", OWN_ROW),
                (
                    "other(scale) * x + other(shift)", "rows swapped", "each row got the other's scale and shift",
                    OWN_ROW,
                ),
                ("other(scale * x + shift)", "rows swapped", "the two rows have changed places", OWN_ROW),
            ),
        ),
        Slip(
            "the latent without noise", lambda: SHEET.scale * SHEET.latent + SHEET.shift,
            "this is what the latent without noise gives", "Start from the noised latent of step 4.",
        ),
    ),
    difficulty=1, minutes=4,
)  # fmt: skip


# ------------------------------------------------------------------------------------------------ 7.2 modulate

TOKENS = ((2, 4, 3), (3, 2, 5), (1, 3, 4), (3, 1, 2))  # B, T, D: one sample and one token, too


def modulated(wrong):
    """A slip with a different y. Scale and shift come as (B, 1, D)."""

    def slip(x, shift, scale):
        _, cache = modulate_forward(x, shift, scale)
        return wrong(x=x, shift=shift[:, None], scale=scale[:, None]), cache

    return slip


def without_one(x, shift, scale):
    """y and gain made with the scale itself."""
    return x * scale[:, None] + shift[:, None], (x, scale[:, None])


def kept(gain):
    """A slip with the right y, and something else than the gain in the cache."""
    return lambda x, shift, scale: (modulate_forward(x, shift, scale)[0], (x, gain(x, scale)))


def x_shift_and_scale(rng, size):
    """Inputs of `modulate_forward`; one of the scales is −1, which makes a gain of 0."""
    B, _, D = size
    scale = rng.normal(size=(B, D))
    scale[-1, 0] = -1
    return rng.normal(size=size), rng.normal(size=(B, D)), scale


EVERY_SAMPLE = "Every sample has its own prompt, and so its own scale and shift."

MODULATE_FORWARD = Exercise(
    "modulate_forward", LESSON, "Scale and shift", ("y", "cache"), modulate_forward,
    trials=(
        by_hand(
            np.array([[[1.0, 3], [1, 5], [0, 4]], [[2, -1], [0, 1], [4, 0]]]),
            np.array([[-1.0, 5], [2, 0]]),
            np.array([[1.0, -2], [0, 3]]),
        ),
        *for_each(TOKENS, x_shift_and_scale, seeds=2),
    ),
    slips=Slips(
        Slip(
            "forgot one plus", without_one, "it is multiplied by scale, not by 1 + scale",
            "A scale of zero should leave x as it is, not wipe it out.",
        ),
        Formula(
            "x * (1 + scale) + shift", modulated, forms=("x + x * scale + shift",),
            samples=({"x": SAMPLE(size=TOKENS[0]), "shift": SAMPLE(size=(2, 1, 3)), "scale": SAMPLE(size=(2, 1, 3))},),
            functions={"first": lambda x: x[:1]},
            said=(
                (
                    "x * scale + shift", "forgot one plus", "it is multiplied by scale, not by 1 + scale",
                    "A scale of zero should leave x as it is, not wipe it out.",
                ),
                (
                    "x * 1 + scale + shift", "brackets", "it is x · 1 + scale + shift: brackets are missing",
                    "A product comes before a sum: x · (1 + scale).",
                ),
                (
                    "(x + shift) * (1 + scale)", "shift before scale",
                    "the shift was added before the scale multiplied",
                    "Multiply first, then add: the scale doesn't touch the shift.",
                ),
                (
                    "x * (1 + shift) + scale", "scale and shift swapped", "shift and scale have changed places",
                    "Mind the order of the arguments: x, shift, scale.",
                ),
                (
                    "x * (1 + first(scale)) + first(shift)", "one for the whole batch",
                    "all samples got the first one's scale and shift", EVERY_SAMPLE,
                ),
                (
                    "x * (1 + first(scale)) + shift", "one for the whole batch",
                    "all samples got the first one's scale", EVERY_SAMPLE,
                ),
                (
                    "x * (1 + scale) + first(shift)", "one for the whole batch",
                    "all samples got the first one's shift", EVERY_SAMPLE,
                ),
                (
                    "x * (1 + scale)", "forgot the shift", "the shift is missing", "y = x · (1 + scale) + shift.",
                ),
                (
                    "x * (1 + scale) - shift", "subtracted the shift", "the shift was subtracted",
                    "y = x · (1 + scale) + shift.",
                ),
                (
                    "x * abs(1 + scale) + shift", "sign of the gain", "a negative gain has lost its sign",
                    "A scale below −1 turns x round.",
                ),
            ),
        ),
        Slip(
            "averaged over the batch",
            lambda x, shift, scale: (
                x * (1 + scale.mean(axis=0)) + shift.mean(axis=0), modulate_forward(x, shift, scale)[1]
            ),
            "scale and shift were averaged over the samples", EVERY_SAMPLE,
        ),
        Slip(
            "last token left out",
            lambda x, shift, scale: (
                np.concatenate([modulate_forward(x, shift, scale)[0][:, :-1], x[:, -1:]], axis=1),
                modulate_forward(x, shift, scale)[1],
            ),
            "the last token is still as it was in x", "range(n) ends at n − 1 by itself.",
        ),
        Slip(
            "kept the scale instead of the gain", kept(lambda x, scale: scale[:, None]),
            "it is the scale, not the gain 1 + scale", "The cache holds what x was multiplied by.",
        ),
        Slip(
            "gain without an axis for the tokens", kept(lambda x, scale: 1 + scale),
            "it lacks the axis of the tokens", "Keep the gain as it met x: (B, 1, D).",
        ),
        Slip(
            "gain spread over the tokens", kept(lambda x, scale: 1 + scale[:, None] + 0 * x),
            "it was spread over all tokens", "All tokens share it: (B, 1, D) is enough.",
        ),
    ),
    difficulty=1, minutes=6,
)  # fmt: skip


# --------------------------------------------------------------------------------------------- 7.3 layer norm

ROWS = ((2, 4, 3), (4, 3), (3, 2, 5), (6,), (3, 1, 2, 4), (2, 3, 5, 1, 4))  # any number of axes before the last


def normalised(statistics):
    """A slip with a different mean and rstd: `statistics` takes x and eps, and returns both."""

    def slip(x, eps=1e-6):
        mean, rstd = statistics(x, eps)
        xhat = (x - mean) * rstd
        return xhat, (xhat, rstd)

    return slip


def over(axis, keepdims=True):
    """Mean and rstd over other axes."""
    return normalised(
        lambda x, eps: (x.mean(axis=axis, keepdims=keepdims), 1 / np.sqrt(x.var(axis=axis, keepdims=keepdims) + eps))
    )


def with_rstd(wrong):
    """A slip with a different rstd."""
    return normalised(lambda x, eps: (row_means(x), wrong(x=x, eps=eps, D=x.shape[-1])))


def with_xhat(wrong):
    """A slip with a different xhat."""

    def slip(x, eps=1e-6):
        _, (_, rstd) = layernorm_forward(x, eps)
        xhat = wrong(x=x, rstd=rstd)
        return xhat, (xhat, rstd)

    return slip


def with_centred(wrong):
    """A slip in what is taken for the centred row, which the variance and xhat are made of."""

    def slip(x, eps=1e-6):
        centred = wrong(x=x, D=x.shape[-1])
        rstd = 1 / np.sqrt(row_means(centred * centred) + eps)
        return centred * rstd, (centred * rstd, rstd)

    return slip


def kept_rows(what):
    """A slip with the right xhat, and something else in the cache: `what` takes x, centred, xhat and rstd."""

    def slip(x, eps=1e-6):
        xhat, (_, rstd) = layernorm_forward(x, eps)
        return xhat, what(x, x - row_means(x), xhat, rstd)

    return slip


def row_means(x):
    """Of every row."""
    return x.mean(axis=-1, keepdims=True)


def row_sums(x):
    """Of every row."""
    return x.sum(axis=-1, keepdims=True)


def row_variances(x):
    """Of every row."""
    return x.var(axis=-1, keepdims=True)


def x_and_eps(rng, size):
    """x of this size, and an eps that matters."""
    return 1 + 2 * rng.normal(size=size), float(rng.uniform(0.1, 0.4))


ALONG_ROWS = {"mean": row_means, "total": row_sums}
BY_ITSELF = "Every token by itself: mean and variance run along its own channels, the last axis."

LAYERNORM_FORWARD = Exercise(
    "layernorm_forward", LESSON, "Layer norm", ("xhat", "cache"), layernorm_forward,
    trials=(
        by_hand(np.array([[7.0, 2, 2, 2, 2], [6, 0, 4, 2, 3]]), 12.0),  # means 3 and 3, variances 4 and 4, roots 4
        *for_each(ROWS, x_and_eps, seeds=2),
        *for_each(ROWS[:2], lambda rng, size: x_and_eps(rng, size)[:1]),
        Trial("a row of equal numbers", lambda rng: (np.array([[2.0, 2, 2], [1, 2, 6]]),)),
    ),
    slips=Slips(
        Slip("over the tokens", over(-2), "it was normalised over the tokens", BY_ITSELF),
        Slip("over everything", over(None), "one mean and one variance served all of x", BY_ITSELF),
        Slip("over everything", over(None, False), "one mean and one variance served all of x", BY_ITSELF),
        Slip(
            "axes counted from the front", over(1), "it was normalised along axis 1",
            "That is the last axis only in a matrix. Counted from behind it is axis −1, however many there are.",
        ),
        Slip(
            "axes counted from the front", over(0), "it was normalised along axis 0",
            "A row runs along the last axis: −1, however many there are.",
        ),
        Formula(
            "1 / sqrt(mean((x - mean(x)) ** 2) + eps)", with_rstd, functions=ALONG_ROWS,
            forms=("1 / sqrt(total((x - mean(x)) ** 2) / D + eps)", "(mean((x - mean(x)) ** 2) + eps) ** -0.5"),
            samples=({"x": 1 + SAMPLE(size=(5, 4, 3)), "eps": 0.3, "D": 3},),
            said=(
                (
                    "1 / sqrt(total((x - mean(x)) ** 2) / (D - 1) + eps)", "divided by D − 1",
                    "the variance was divided by D − 1",
                    "A layer norm divides by D: it describes this row, and estimates nothing.",
                ),
                (
                    "1 / (mean((x - mean(x)) ** 2) + eps)", "divided by the variance", "it was divided by the variance",
                    "A square root is missing: divide by the standard deviation.",
                ),
                (
                    "1 / (sqrt(mean((x - mean(x)) ** 2)) + eps)", "eps outside the root",
                    "eps was added to the standard deviation", "eps belongs under the root, beside the variance.",
                ),
                (
                    "1 / sqrt(mean((x - mean(x)) ** 2)) + eps", "eps outside the root", "eps was added to rstd",
                    "eps belongs under the root, beside the variance.",
                ),
                (
                    "1 / sqrt(mean((x - mean(x)) ** 2) + 1e-6)", "another eps than was given",
                    "it ignores the eps that was passed in", "eps is an argument; 1e-6 is only its default.",
                ),
                (
                    "1 / sqrt(mean((x - mean(x)) ** 2))", "no eps", "eps is missing",
                    "It stands under the root, beside the variance: a row of equal numbers has none.",
                ),
                (
                    "1 / sqrt(mean(x ** 2) + eps)", "mean square instead of the variance",
                    "the variance was taken before centring", "The variance is the mean square of the centred row.",
                ),
                (
                    "sqrt(mean((x - mean(x)) ** 2) + eps)", "multiplied by the standard deviation",
                    "it was multiplied by the standard deviation", "Dividing makes the variance 1.",
                ),
                (
                    "1 / sqrt(total((x - mean(x)) ** 2) + eps)", "sum instead of mean",
                    "the squares were added up, without a mean",
                    "The variance is the mean of the squares: divide by D.",
                ),
                *(
                    (
                        f"1 / sqrt(((x - mean(x)) ** 2).mean({axis}) + eps)", "variance over another axis",
                        "the variance was not taken along the rows", BY_ITSELF,
                    )
                    for axis in ("", "axis=0", "axis=-2", "axis=0, keepdims=True", "axis=-2, keepdims=True",
                                 "axis=1, keepdims=True", "keepdims=True")
                ),
                (
                    "1 / (mean(abs(x - mean(x))) + eps)", "no squares", "it was divided by the mean absolute deviation",
                    "The deviation here is the root of the mean square.",
                ),
                (
                    "1 / sqrt(mean(abs(x - mean(x))) + eps)", "no squares",
                    "absolute values were averaged, not squares", "The variance is the mean of the squares.",
                ),
                (
                    "1 / sqrt(mean((x - mean(x)) ** 2) + eps ** 2)", "eps squared", "eps was squared",
                    "It is added to the variance as it is.",
                ),
            ),
        ),
        Formula(
            "x - mean(x)", with_centred, ({"x": 1 + SAMPLE(size=(4, 3)), "D": 3},), ALONG_ROWS,
            forms=("x - total(x) / D",), within=True,
            said=(
                ("x", "forgot to centre", "the mean was not taken away",
                 "First centre each row, then divide. (Without the mean it is RMSNorm.)"),
                ("x - total(x)", "sum instead of mean", "the sum of each row was taken away, not its mean",
                 "The mean is the sum divided by D."),
                ("x + mean(x)", "mean added", "the mean was added", "Centring takes it away."),
                ("mean(x) - x", "sign", "its sign is wrong: x was taken from the mean", "Centred is x − mean."),
            ),
        ),
        Formula(
            "(x - mean(x)) * rstd", with_xhat, functions=ALONG_ROWS,
            samples=({"x": 1 + SAMPLE(size=(4, 3)), "rstd": SAMPLE(size=(4, 1))},),
            said=(
                (
                    "x * rstd", "forgot to centre", "the mean was not taken away",
                    "First centre each row, then divide: xhat = centred · rstd.",
                ),
            ),
        ),
        Slip(
            "standard deviation in place of rstd", kept_rows(lambda x, centred, xhat, rstd: (xhat, 1 / rstd)),
            "it is the standard deviation, not one over it", "rstd is what the centred row was multiplied by.",
        ),
        Slip(
            "centred in place of xhat", kept_rows(lambda x, centred, xhat, rstd: (centred, rstd)),
            "it is the centred row, not yet divided", "The cache holds xhat, the result.",
        ),
        Slip(
            "cut off", lambda x, eps=1e-6: layernorm_forward(np.trunc(x), eps),
            "the fractions of x were cut off", "astype(int) and int() drop what comes after the point.",
        ),
    ),
    difficulty=2, minutes=8,
)  # fmt: skip


# ------------------------------------------------------------------------------------- 7.4 modulate, backward


def with_gradient(position):
    """A slip with a different dx (0), dshift (1) or dscale (2), by a formula."""

    def with_it(wrong):
        def slip(dy, cache):
            grads = list(modulate_backward(dy, cache))
            grads[position] = wrong(dy=dy, x=cache[0], gain=cache[1])
            return tuple(grads)

        return slip

    return with_it


def dy_and_modulated(rng, size):
    """dy and the cache of `modulate_forward`."""
    x, shift, scale = x_shift_and_scale(rng, size)
    return rng.normal(size=size), modulate_forward(x, shift, scale)[1]


TOGETHER = "Every token used the same scale and shift, so sum over the tokens."
OWN = "Every sample has a scale and a shift of its own."
OVER_TOKENS = {
    "total": lambda x: x.sum(axis=1), "mean": lambda x: x.mean(axis=1), "last": lambda x: x[:, -1],
    "first": lambda x: x[:, 0], "samples": lambda x: x.sum(axis=0), "channels": lambda x: x.sum(axis=-1),
    "both": lambda x: x.sum(axis=(0, 1)), "kept": lambda x: x.sum(axis=1, keepdims=True),
}  # fmt: skip


def not_over_tokens(what):
    """What `total` of something may become: texts and words for a Formula."""
    return (
        (f"mean({what})", "mean instead of sum", "its values are the mean over the tokens, not their sum", TOGETHER),
        (what, "forgot to sum over the tokens", "the tokens were not added up", TOGETHER),
        (f"last({what})", "only one token", "it is that of the last token alone", TOGETHER),
        (f"first({what})", "only one token", "it is that of the first token alone", TOGETHER),
        (f"both({what})", "summed over the batch too", "the samples were added up as well", OWN),
        (
            f"kept({what})", "kept an axis for the tokens", "an axis of length 1 is left over",
            "It has the shape of shift and scale, (B, D): no keepdims here.",
        ),
        (
            f"channels({what})", "summed over the channels", "the channels were added up, not the tokens",
            "Every channel has a scale and a shift of its own; the tokens share them.",
        ),
        (
            f"samples({what})", "summed over the batch instead of the tokens",
            "the samples were added up, not the tokens", "Which axis did one scale serve?",
        ),
    )  # fmt: skip


GRADIENT_SAMPLE = {"dy": SAMPLE(size=(2, 4, 3)), "x": SAMPLE(size=(2, 4, 3)), "gain": SAMPLE(size=(2, 1, 3))}

MODULATE_BACKWARD = Exercise(
    "modulate_backward", LESSON, "Scale and shift, backward", ("dx", "dshift", "dscale"), modulate_backward,
    trials=(
        by_hand(
            np.array([[[1.0, 0], [2, -1], [0, 3]], [[-1, 1], [1, 2], [0, 2]]]),
            (np.array([[[1.0, 3], [1, 5], [0, 4]], [[2, -1], [0, 1], [4, 0]]]), np.array([[[2.0, -1]], [[1, 4]]])),
        ),
        *for_each(TOKENS, dy_and_modulated, seeds=2),
    ),
    slips=Slips(
        Formula(
            "dy * gain", with_gradient(0), samples=(GRADIENT_SAMPLE,), also=("x",),
            functions={"first": lambda gain: gain[:1]},
            said=(
                ("dy", "gain missing in dx", "it is dy as it came", "x was multiplied by the gain on its way to y."),
                (
                    "dy * (gain - 1)", "scale instead of gain", "it was multiplied by scale, not by 1 + scale",
                    "Differentiate x · (1 + scale): both terms hold x.",
                ),
                (
                    "dy * (1 + gain)", "one plus twice", "the 1 + was added a second time",
                    "The gain in the cache is 1 + scale already.",
                ),
                (
                    "dy * gain * x", "x in dx", "x is in it", "The slope of x · gain towards x is the gain alone.",
                ),
                ("dy * first(gain)", "one for the whole batch", "all samples got the first one's gain", EVERY_SAMPLE),
                ("gain + 0 * dy", "forgot dy", "dy is missing", "The chain rule: dy times the slope."),
            ),
        ),
        Formula(
            "total(dy)", with_gradient(1), samples=(GRADIENT_SAMPLE,), functions=OVER_TOKENS, also=("x", "gain"),
            said=(
                (
                    "total(dy * gain)", "gain in dshift", "the gain is in it",
                    "The shift is added after the product: nothing multiplies it.",
                ),
                *not_over_tokens("dy"),
                ("total(1 + 0 * dy)", "forgot dy", "dy is missing", "The slope is 1, and dy is multiplied by it."),
            ),
        ),
        Formula(
            "total(dy * x)", with_gradient(2), samples=(GRADIENT_SAMPLE,), functions=OVER_TOKENS, also=("gain",),
            said=(
                *not_over_tokens("dy * x"),
                (
                    "total(dy)", "dscale without x", "it is what dshift should be",
                    "The scale reaches y as x · scale: its gradient carries an x.",
                ),
                (
                    "total(dy * gain * x)", "gain in dscale", "the gain is in it",
                    "The scale reaches y as x · scale: differentiate with respect to the scale alone.",
                ),
                (
                    "total(dy * gain)", "gain in dscale", "it has the gain where x should be",
                    "The scale reaches y as x · scale: differentiate with respect to the scale.",
                ),
                (
                    "total(x)", "forgot dy", "dy is missing",
                    "The slope towards the scale is x, and dy is multiplied by it.",
                ),
            ),
        ),
    ),
    sizes=lambda dy, cache: {"samples": dy.shape[0], "tokens": dy.shape[1], "channels": dy.shape[2]},
    difficulty=2, minutes=9,
)  # fmt: skip


# ------------------------------------------------------------------------------ 7.5 layer norm, step by step

LINES = {  # of the backward, in order; `v` holds dxhat, centred, rstd, D, and the lines before
    "drstd": lambda v: row_sums(v.dxhat * v.centred),
    "dvariance": lambda v: -0.5 * v.drstd * v.rstd**3,
    "dcentred": lambda v: v.dxhat * v.rstd + v.dvariance * 2 * v.centred / v.D,
    "dmean": lambda v: -row_sums(v.dcentred),
    "dx": lambda v: v.dcentred + v.dmean / v.D,
}

def with_lines(**other):
    """The backward step by step, with some of its lines replaced."""

    def by_steps(dxhat, cache):
        centred, rstd = cache
        v = SimpleNamespace(dxhat=dxhat, centred=centred, rstd=rstd, D=dxhat.shape[-1], xhat=centred * rstd)
        for name, line in (LINES | other).items():
            setattr(v, name, line(v))
        return v.drstd, v.dvariance, v.dcentred, v.dmean, v.dx

    return by_steps


def with_line(name):
    """A slip in one of the lines, by a formula."""
    return lambda wrong: with_lines(**{name: lambda v: wrong(**vars(v))})


def one_array(dxhat, cache):
    """What is left when dcentred and dx are one array."""
    drstd, dvariance, _, dmean, dx = with_lines()(dxhat, cache)
    return drstd, dvariance, dx, dmean, dx


def dxhat_and_centred(rng, size):
    """Random dxhat and (centred, rstd)."""
    x = 1 + 2 * rng.normal(size=size)
    return rng.normal(size=size), (x - row_means(x), 1 / np.sqrt(row_variances(x) + 0.1))


def lines_sample(size=(4, 3)):
    """All that the lines compute, of random inputs."""
    dxhat, (centred, rstd) = dxhat_and_centred(np.random.default_rng(LESSON), size)
    names = ("drstd", "dvariance", "dcentred", "dmean", "dx")
    lines = dict(zip(names, with_lines()(dxhat, (centred, rstd)), strict=True))
    return {"dxhat": dxhat, "centred": centred, "rstd": rstd, "D": size[-1], "xhat": centred * rstd} | lines


def line(name, text, *said, **more):
    """The Formula of a line."""
    functions = ALONG_ROWS | {"rows": lambda x: x.sum(axis=0, keepdims=True), "flat": lambda x: x[..., 0]}
    return Formula(text, with_line(name), (lines_sample(),), functions, said, **more)


POWER = "(variance + eps) to the power −½: the exponent comes in front, then drops by one."
CENTRED_TWICE = "centred was used twice: for xhat and for the variance. Both ways add up."
X_TWICE = "x was used twice: itself, and in the mean. Both ways add up."

BY_STEPS = Exercise(
    "layernorm_backward_by_steps", LESSON, "Layer norm, backward step by step", tuple(LINES), with_lines(),
    trials=(
        by_hand(
            np.array([[0.0, 5, 0, -5, 10], [4, 0, 0, 2, 4]]),
            (np.array([[4.0, -1, -1, -1, -1], [3, -3, 1, -1, 0]]), np.array([[0.5], [0.5]])),
        ),
        *for_each(ROWS, dxhat_and_centred, seeds=2),
    ),
    slips=Slips(
        Slip(
            "one array, two names", one_array, "it was changed afterwards, and is what dx should be",
            "dx = dcentred gives one array two names: += changes both. dx = dcentred + … makes a new one.",
        ),
        line(
            "drstd", "total(dxhat * centred)",
            ("dxhat * centred", "drstd not added up", "the channels were not added up",
             "One rstd served all the channels of a row."),
            ("mean(dxhat * centred)", "drstd is a mean", "its values are a mean over the channels, not their sum",
             "One rstd served all the channels, so sum over them."),
            ("total(dxhat * centred * rstd)", "drstd from xhat", "it is made with xhat",
             "In xhat = centred · rstd, what stands beside rstd is centred."),
            ("rows(dxhat * centred)", "summed over the rows", "the rows were added up, not the channels",
             "Every row has an rstd of its own; its channels share it."),
            ("total(dxhat * centred) / rstd", "divided by rstd", "it is divided by rstd",
             "In xhat = centred · rstd, the slope towards rstd is centred alone."),
            also=("rstd",),
        ),
        line(
            "dvariance", "-0.5 * drstd * rstd ** 3",
            ("-0.5 * drstd * rstd", "the root's power", "the power of the root is not right", POWER),
            ("-0.5 * drstd * rstd ** 2", "the root's power", "the power of the root is not right", POWER),
            ("-0.5 * drstd / rstd", "the root's power", "the power of the root is not right", POWER),
            *((f"-0.5 * drstd * rstd ** {power}", "the root's power", "the power of the root is not right", POWER)
              for power in (-3, -2, -1.5, -0.5, 0.5, 1.5, 4)),
            ("0.5 * drstd * rstd ** 3", "the root's sign", "its sign is wrong", "More variance makes rstd smaller."),
            ("-drstd * rstd ** 3", "the root's half", "the ½ is missing: it is 2 times too large", POWER),
            ("-0.5 * rstd ** 3", "a factor missing", "drstd is missing",
             "The chain rule: the gradient that came in, times the slope."),
        ),
        line(
            "dcentred", "dxhat * rstd + dvariance * 2 * centred / D",
            ("dxhat * rstd", "one way to centred", "the way through the variance is missing", CENTRED_TWICE),
            ("dvariance * 2 * centred / D", "one way to centred", "the direct way is missing", CENTRED_TWICE),
            ("dxhat * rstd - dvariance * 2 * centred / D", "sign of a term",
             "the way through the variance is subtracted", CENTRED_TWICE),
            ("dxhat * rstd + dvariance * 2 * centred", "the variance is a mean",
             "a division by D is missing on the way through the variance", "The variance is a mean of D squares."),
            ("dxhat * rstd + dvariance * 2 * centred / 5", "D typed in",
             "it is divided by 5 on the way through the variance, whatever D is",
             "D is the length of the last axis: dxhat.shape[-1]."),
            ("dxhat * rstd + dvariance * centred / D", "a square's slope", "the slope of the square is missing its 2",
             "What is the derivative of a square?"),
            ("dxhat * rstd + dvariance * 2 * centred ** 2 / D", "a square's slope",
             "the way through the variance has the square itself", "The derivative of a square is twice the base."),
            ("dxhat * rstd + dvariance * centred ** 2 / D", "a square's slope",
             "the way through the variance has the square itself", "The derivative of a square is twice the base."),
            ("dxhat * rstd + dvariance * 2 * centred / rows(0 * dxhat + 1)", "divided by the rows",
             "it is divided by the number of rows on the way through the variance",
             "The variance is a mean over the D channels of a row."),
            ("dxhat * rstd + dvariance * 2 * xhat / D", "xhat in place of centred",
             "xhat stands where centred should, on the way through the variance",
             "The variance is the mean square of centred."),
        ),
        line(
            "dmean", "-total(dcentred)",
            ("total(dcentred)", "dmean's sign", "its sign is wrong", "In centred = x − mean the mean is subtracted."),
            ("-dcentred", "dmean not added up", "the channels were not added up",
             "One mean was subtracted from all the channels of a row."),
            ("-mean(dcentred)", "dmean is a mean", "its values are a mean over the channels, not their sum",
             "One mean was subtracted from all the channels, so sum over them."),
            ("-total(dxhat)", "another variable", "dxhat was added up, not dcentred",
             "The mean was subtracted to make centred: dcentred is what came back to it."),
            also=("dxhat", "rstd"),
        ),
        line(
            "dx", "dcentred + dmean / D",
            ("dcentred", "one way to x", "the way through the mean is missing", X_TWICE),
            ("0 * dcentred + dmean / D", "one way to x", "the direct way is missing", X_TWICE),
            ("dcentred - dmean / D", "sign of a term", "the way through the mean is subtracted", X_TWICE),
            ("dcentred + dmean / 5", "D typed in", "it is divided by 5 on the way through the mean, whatever D is",
             "D is the length of the last axis: dxhat.shape[-1]."),
            ("dcentred + dmean", "the mean is a mean", "a division by D is missing on the way through the mean",
             "Each x counts for one D-th of the mean."),
        ),
    ),
    sizes=lambda dxhat, cache: {"channels": dxhat.shape[-1]},
    difficulty=3, minutes=15,
)  # fmt: skip


# ------------------------------------------------------------------------------- 7.6 layer norm, short formula

WAYS = "x reaches xhat three ways: directly, through the mean, and through the standard deviation."
LESS = "The mean is subtracted, and a larger standard deviation makes xhat smaller."
ONE_DTH = "Each x counts for one D-th of the mean and of the variance."


def in_one_line(wrong):
    """A slip by a formula."""
    return lambda dxhat, cache: wrong(dxhat=dxhat, xhat=cache[0], rstd=cache[1], D=dxhat.shape[-1])


def over_axis(axis):
    """A slip with means over another axis."""

    def slip(dxhat, cache):
        xhat, rstd = cache
        means = (x.mean(axis=axis, keepdims=True) for x in (dxhat, dxhat * xhat))
        return rstd * (dxhat - next(means) - xhat * next(means))

    return slip


def dxhat_and_normalised(rng, size):
    """dxhat and the cache of `layernorm_forward`."""
    return rng.normal(size=size), layernorm_forward(*x_and_eps(rng, size))[1]


ONE_LINE_SAMPLE = dict(
    zip(("xhat", "rstd"), dxhat_and_normalised(np.random.default_rng(LESSON), (4, 3))[1], strict=True)
) | {"dxhat": SAMPLE(size=(4, 3)), "D": 3}

LAYERNORM_BACKWARD = Exercise(
    "layernorm_backward", LESSON, "Layer norm, backward in one line", ("dx",), layernorm_backward,
    trials=(
        by_hand(
            np.array([[0.0, 5, 0, -5, 10], [4, 0, 0, 2, 4]]),
            (np.array([[2.0, -0.5, -0.5, -0.5, -0.5], [1.5, -1.5, 0.5, -0.5, 0]]), np.array([[0.5], [0.5]])),
        ),
        *for_each(ROWS, dxhat_and_normalised, seeds=2),
    ),
    slips=Slips(
        Formula(
            "rstd * (dxhat - mean(dxhat) - xhat * mean(dxhat * xhat))", in_one_line, (ONE_LINE_SAMPLE,), ALONG_ROWS,
            forms=(
                "rstd * dxhat - mean(rstd * dxhat) - xhat * mean(rstd * dxhat * xhat)",
                "rstd / D * (D * dxhat - total(dxhat) - xhat * total(dxhat * xhat))",
            ),
            said=(
                ("rstd * (dxhat - xhat * mean(dxhat * xhat))", "missing mean term",
                 "the way through the mean is missing", WAYS),
                ("rstd * (dxhat - mean(dxhat))", "missing std term",
                 "the way through the standard deviation is missing", WAYS),
                ("rstd * dxhat", "only the direct way", "mean and standard deviation were treated as constants", WAYS),
                ("dxhat - mean(dxhat) - xhat * mean(dxhat * xhat)", "forgot rstd", "rstd is missing",
                 "The forward divided each row by its deviation, so the backward does too."),
                ("(dxhat - mean(dxhat) - xhat * mean(dxhat * xhat)) / rstd", "divided by rstd",
                 "it was divided by rstd", "rstd is one over the standard deviation already."),
                ("rstd * dxhat - mean(dxhat) - xhat * mean(dxhat * xhat)", "rstd only on the direct way",
                 "rstd multiplies the direct way alone", "All three ways pass through rstd: mind the brackets."),
                ("rstd * (dxhat - xhat * mean(dxhat * xhat)) - mean(dxhat)", "brackets",
                 "rstd is missing on the way through the mean", "All three ways pass through rstd: mind the brackets."),
                ("rstd * (dxhat - total(dxhat) - xhat * total(dxhat * xhat))", "sums instead of means",
                 "there are sums where there should be means", ONE_DTH),
                ("rstd * (dxhat - total(dxhat) / 5 - xhat * total(dxhat * xhat) / 5)", "D typed in",
                 "it is divided by 5, whatever D is", "D is the length of the last axis: dxhat.shape[-1]."),
                ("rstd * (dxhat - mean(dxhat) - xhat * total(dxhat * xhat))", "sums instead of means",
                 "there is a sum where there should be a mean, on the way through the standard deviation", ONE_DTH),
                ("rstd * (dxhat - total(dxhat) - xhat * mean(dxhat * xhat))", "sums instead of means",
                 "there is a sum where there should be a mean, on the way through the mean", ONE_DTH),
                ("rstd * (dxhat - mean(dxhat) - mean(dxhat * xhat))", "std term without xhat",
                 "the way through the standard deviation lacks a factor xhat",
                 "An x far from the mean moves the standard deviation most."),
                ("rstd * (dxhat + mean(dxhat) + xhat * mean(dxhat * xhat))", "plus instead of minus",
                 "two ways have the wrong sign", LESS),
                ("rstd * (dxhat - mean(dxhat) + xhat * mean(dxhat * xhat))", "plus instead of minus",
                 "the way through the standard deviation has the wrong sign", LESS),
                ("rstd * (dxhat + mean(dxhat) - xhat * mean(dxhat * xhat))", "plus instead of minus",
                 "the way through the mean has the wrong sign", LESS),
                ("rstd * (dxhat - mean(dxhat) - xhat ** 2 * mean(dxhat))", "inside or outside",
                 "xhat stands outside the mean",
                 "On the way through the standard deviation, the mean is that of dxhat · xhat."),
                ("rstd * (dxhat - mean(dxhat) - xhat * rstd ** 2 * mean(dxhat * xhat))", "xhat taken for centred",
                 "the way through the standard deviation has rstd² in it once more", "xhat is centred · rstd already."),
                ("rstd ** 3 * (dxhat - mean(dxhat) - xhat * mean(dxhat * xhat))", "xhat taken for centred",
                 "it has rstd³ for rstd", "xhat is centred · rstd already."),
                ("rstd * (dxhat - mean(dxhat) - xhat * mean(dxhat * xhat) / mean(xhat ** 2))", "right for eps 0 only",
                 "it is divided by the mean of xhat² on the way through the standard deviation",
                 "That mean is 1 only for eps = 0; the slope has no such factor."),
                ("rstd * (dxhat - mean(dxhat) - xhat * mean((dxhat - mean(dxhat)) * xhat) / mean(xhat ** 2))",
                 "right for eps 0 only", "it is divided by the mean of xhat² on the way through the standard deviation",
                 "That mean is 1 only for eps = 0; the slope has no such factor."),
            ),
        ),
        Slip("over the tokens", over_axis(-2), "the means run over the tokens",
             "Every token was normalised by itself, along its channels."),
        Slip("over everything", over_axis(None), "the means run over everything",
             "Every token was normalised by itself, along its channels."),
        Slip("axes counted from the front", over_axis(0), "the means run along axis 0",
             "Every token was normalised by itself, along its channels: the last axis."),
        Slip("axes counted from the front", over_axis(1), "the means run along axis 1",
             "That is the last axis only in a matrix. Counted from behind it is axis −1, however many there are."),
    ),
    sizes=lambda dxhat, cache: {"channels": dxhat.shape[-1]},
    difficulty=3, minutes=10,
)  # fmt: skip


EXERCISES = (STEP_7, MODULATE_FORWARD, LAYERNORM_FORWARD, MODULATE_BACKWARD, BY_STEPS, LAYERNORM_BACKWARD)
