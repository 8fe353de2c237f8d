"""Lesson 7: apply scale and shift."""

from types import SimpleNamespace

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, Trial, at_random, by_hand
from minidit.reference import layernorm_backward, layernorm_forward, modulate_backward, modulate_forward
from minidit.worksheet import solve

# B = batch, T = tokens, D = width

LESSON = 7
SHEET = solve()


# ------------------------------------------------------------------------------------------------ 7.1 by hand


def explain_step_7(index):
    """How to compute an entry."""
    row, column = index
    return f"Row {row}, patch {column}, counted from 0: the noised number times scale {row}, then plus shift {row}."


STEP_7 = Numbers(
    "step_7_conditioned", LESSON, "scale · x + shift on the worksheet", lambda: SHEET.conditioned, explain_step_7,
    slips=(
        Slip(
            "one plus too much", lambda: (1 + SHEET.scale) * SHEET.noised + SHEET.shift,
            "this is (1 + scale) · x + shift",
            "The real model has the 1 +; the worksheet multiplies by the scale itself.",
        ),
        Slip(
            "shift before scale", lambda: SHEET.scale * (SHEET.noised + SHEET.shift),
            "the shift was added before the scale multiplied", "Multiply first, then add.",
        ),
        Slip(
            "scale and shift swapped", lambda: SHEET.shift * SHEET.noised + SHEET.scale,
            "the shift was multiplied and the scale added", "It is scale · x + shift.",
        ),
        Slip(
            "forgot the shift", lambda: SHEET.scale * SHEET.noised,
            "the shift is missing", "After the product, each row still gets its shift.",
        ),
        Slip(
            "the latent without noise", lambda: SHEET.scale * SHEET.latent + SHEET.shift,
            "this is what the latent without noise gives", "Start from the noised latent of step 4.",
        ),
        Slip(
            "subtracted the shift", lambda: SHEET.scale * SHEET.noised - SHEET.shift,
            "the shift was subtracted", "It is scale · x + shift; mind the sign of a negative shift.",
        ),
    ),
    difficulty=1, minutes=4,
)  # fmt: skip


# ------------------------------------------------------------------------------------------------ 7.2 modulate


def modulated(change):
    """A slip with a different y. Scale and shift come as (B, 1, D)."""

    def slip(x, shift, scale):
        _, cache = modulate_forward(x, shift, scale)
        return change(x, shift[:, None], scale[:, None]), cache

    return slip


def without_one(x, shift, scale):
    """y and gain made with the scale itself."""
    return x * scale[:, None] + shift[:, None], (x, scale[:, None])


MODULATE_FORWARD = Exercise(
    "modulate_forward", LESSON, "Scale and shift", ("y", "cache"), modulate_forward,
    trials=(
        by_hand(
            np.array([[[1.0, 3], [1, 5], [0, 4]], [[2, -1], [0, 1], [4, 0]]]),
            np.array([[-1.0, 5], [2, 0]]),
            np.array([[1.0, -2], [0, 3]]),
        ),
        at_random(lambda rng: (rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))),
    ),
    slips=(
        Slip(
            "forgot one plus", without_one, "it is multiplied by scale, not by 1 + scale",
            "A scale of zero should leave x as it is, not wipe it out.",
        ),
        Slip(
            "forgot one plus", modulated(lambda x, shift, scale: x * scale + shift),
            "it is multiplied by scale, not by 1 + scale",
            "A scale of zero should leave x as it is, not wipe it out.",
        ),
        Slip(
            "shift before scale", modulated(lambda x, shift, scale: (x + shift) * (1 + scale)),
            "the shift was added before the scale multiplied",
            "Multiply first, then add: the scale doesn't touch the shift.",
        ),
        Slip(
            "scale and shift swapped", lambda x, shift, scale: modulate_forward(x, scale, shift),
            "shift and scale have changed places", "Mind the order of the arguments: x, shift, scale.",
        ),
        Slip(
            "one for the whole batch",
            modulated(lambda x, shift, scale: x * (1 + scale[:1]) + shift[:1]),
            "all samples got the first one's scale and shift",
            "Every sample has its own prompt, and so its own scale and shift.",
        ),
        Slip(
            "forgot the shift", modulated(lambda x, shift, scale: x * (1 + scale)),
            "the shift is missing", "y = x · (1 + scale) + shift.",
        ),
        Slip(
            "kept the scale instead of the gain",
            lambda x, shift, scale: (modulate_forward(x, shift, scale)[0], (x, scale[:, None])),
            "it is the scale, not the gain 1 + scale", "The cache holds what x was multiplied by.",
        ),
        Slip(
            "gain without an axis for the tokens",
            lambda x, shift, scale: (modulate_forward(x, shift, scale)[0], (x, 1 + scale)),
            "it lacks the axis of the tokens", "Keep the gain as it met x: (B, 1, D).",
        ),
        Slip(
            "subtracted the shift", modulated(lambda x, shift, scale: x * (1 + scale) - shift),
            "the shift was subtracted", "y = x · (1 + scale) + shift.",
        ),
    ),
    difficulty=1, minutes=6,
)  # fmt: skip


# --------------------------------------------------------------------------------------------- 7.3 layer norm


def normalised(statistics):
    """A slip with a different mean and rstd: `statistics` takes x and eps, and returns both."""

    def slip(x, eps=1e-6):
        mean, rstd = statistics(x, eps)
        xhat = (x - mean) * rstd
        return xhat, (xhat, rstd)

    return slip


def over(axis):
    """Mean and rstd over other axes."""
    return normalised(
        lambda x, eps: (x.mean(axis=axis, keepdims=True), 1 / np.sqrt(x.var(axis=axis, keepdims=True) + eps))
    )


def mean_square(x):
    """Of every row, without taking its mean away."""
    return (x * x).mean(axis=-1, keepdims=True)


def row_means(x):
    """Of every row."""
    return x.mean(axis=-1, keepdims=True)


def row_variances(x, ddof=0):
    """Of every row."""
    return x.var(axis=-1, keepdims=True, ddof=ddof)


LAYERNORM_FORWARD = Exercise(
    "layernorm_forward", LESSON, "Layer norm", ("xhat", "cache"), layernorm_forward,
    trials=(
        by_hand(np.array([[7.0, 2, 2, 2, 2], [6, 0, 4, 2, 3]]), 12.0),  # means 3 and 3, variances 4 and 4, roots 4
        at_random(lambda rng: (1 + 2 * rng.normal(size=(2, 4, 3)), 0.1)),
        at_random(lambda rng: (1 + 2 * rng.normal(size=(3, 2, 5)),)),
        Trial("a row of equal numbers", lambda rng: (np.array([[2.0, 2, 2], [1, 2, 6]]),)),
    ),
    slips=(
        Slip(
            "over the tokens", over(-2), "it was normalised over the tokens",
            "Every token by itself: mean and variance run along its own channels, the last axis.",
        ),
        Slip(
            "over everything", over(None), "one mean and one variance served all of x",
            "Every token by itself: mean and variance run along the last axis alone.",
        ),
        Slip(
            "divided by D − 1", normalised(lambda x, eps: (row_means(x), 1 / np.sqrt(row_variances(x, 1) + eps))),
            "the variance was divided by D − 1",
            "A layer norm divides by D: it describes this row, and estimates nothing.",
        ),
        Slip(
            "divided by the variance", normalised(lambda x, eps: (row_means(x), 1 / (row_variances(x) + eps))),
            "it was divided by the variance", "A square root is missing: divide by the standard deviation.",
        ),
        Slip(
            "eps outside the root", normalised(lambda x, eps: (row_means(x), 1 / (np.sqrt(row_variances(x)) + eps))),
            "eps was added to the standard deviation", "eps belongs under the root, beside the variance.",
        ),
        Slip(
            "another eps than was given",
            normalised(lambda x, eps: (row_means(x), 1 / np.sqrt(row_variances(x) + 1e-6))),
            "it ignores the eps that was passed in", "eps is an argument; 1e-6 is only its default.",
        ),
        Slip(
            "forgot to centre", normalised(lambda x, eps: (0.0, 1 / np.sqrt(mean_square(x) + eps))),
            "the mean was not taken away", "First centre each row, then divide. (Without the mean it is RMSNorm.)",
        ),
        Slip(
            "mean square instead of the variance",
            normalised(lambda x, eps: (row_means(x), 1 / np.sqrt(mean_square(x) + eps))),
            "the variance was taken before centring", "The variance is the mean square of the centred row.",
        ),
        Slip(
            "standard deviation in place of rstd",
            lambda x, eps=1e-6: (layernorm_forward(x, eps)[0], (layernorm_forward(x, eps)[0],
            np.sqrt(row_variances(x) + eps))),
            "it is the standard deviation, not one over it", "rstd is what the centred row was multiplied by.",
        ),
        Slip(
            "multiplied by the standard deviation",
            normalised(lambda x, eps: (row_means(x), np.sqrt(row_variances(x) + eps))),
            "it was multiplied by the standard deviation", "Dividing makes the variance 1.",
        ),
    ),
    difficulty=2, minutes=8,
)  # fmt: skip


# ------------------------------------------------------------------------------------- 7.4 modulate, backward


def with_gradients(change):
    """A slip that gets some of the three wrong: `change` takes dy, x, gain and returns {index: gradient}."""

    def slip(dy, cache):
        grads = list(modulate_backward(dy, cache))
        for position, gradient in change(dy, *cache).items():
            grads[position] = gradient
        return tuple(grads)

    return slip


TOGETHER = "Every token used the same scale and shift, so sum over the tokens."

MODULATE_BACKWARD = Exercise(
    "modulate_backward", LESSON, "Scale and shift, backward", ("dx", "dshift", "dscale"), modulate_backward,
    trials=(
        by_hand(
            np.array([[[1.0, 0], [2, -1], [0, 3]], [[-1, 1], [1, 2], [0, 2]]]),
            (np.array([[[1.0, 3], [1, 5], [0, 4]], [[2, -1], [0, 1], [4, 0]]]), np.array([[[2.0, -1]], [[1, 4]]])),
        ),
        at_random(lambda rng: (rng.normal(size=(2, 4, 3)), (rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 1, 3))))),
    ),
    slips=(
        Slip(
            "mean instead of sum",
            with_gradients(lambda dy, x, gain: {1: dy.mean(axis=1), 2: (dy * x).mean(axis=1)}),
            "its values are the mean over the tokens, not their sum", TOGETHER,
        ),
        Slip(
            "mean instead of sum", with_gradients(lambda dy, x, gain: {2: (dy * x).mean(axis=1)}),
            "its values are the mean over the tokens, not their sum", TOGETHER,
        ),
        Slip(
            "forgot to sum over the tokens", with_gradients(lambda dy, x, gain: {1: dy, 2: dy * x}),
            "the tokens were not added up", TOGETHER,
        ),
        Slip(
            "forgot to sum over the tokens", with_gradients(lambda dy, x, gain: {2: dy * x}),
            "the tokens were not added up", TOGETHER,
        ),
        Slip(
            "summed over the batch too",
            with_gradients(lambda dy, x, gain: {1: dy.sum(axis=(0, 1)), 2: (dy * x).sum(axis=(0, 1))}),
            "the samples were added up as well", "Every sample has a scale and a shift of its own.",
        ),
        Slip(
            "kept an axis for the tokens",
            with_gradients(lambda dy, x, gain: {1: dy.sum(axis=1, keepdims=True),
            2: (dy * x).sum(axis=1, keepdims=True)}),
            "an axis of length 1 is left over", "dshift has the shape of shift, (B, D): no keepdims here.",
        ),
        Slip(
            "summed over the channels", with_gradients(lambda dy, x, gain: {1: dy.sum(axis=-1),
            2: (dy * x).sum(axis=-1)}),
            "the channels were added up, not the tokens",
            "Every channel has a scale and a shift of its own; the tokens share them.",
        ),
        Slip(
            "summed over the batch instead of the tokens",
            with_gradients(lambda dy, x, gain: {1: dy.sum(axis=0), 2: (dy * x).sum(axis=0)}),
            "the samples were added up, not the tokens", "Which axis did one scale serve?",
        ),
        Slip(
            "gain missing in dx", with_gradients(lambda dy, x, gain: {0: dy}),
            "it is dy as it came", "x was multiplied by the gain on its way to y.",
        ),
        Slip(
            "scale instead of gain", with_gradients(lambda dy, x, gain: {0: dy * (gain - 1)}),
            "it was multiplied by scale, not by 1 + scale", "Differentiate x · (1 + scale): both terms hold x.",
        ),
        Slip(
            "one plus twice", with_gradients(lambda dy, x, gain: {0: dy * (1 + gain)}),
            "the 1 + was added a second time", "The gain in the cache is 1 + scale already.",
        ),
        Slip(
            "dscale without x", with_gradients(lambda dy, x, gain: {2: dy.sum(axis=1)}),
            "it is what dshift should be", "The scale reaches y as x · scale: its gradient carries an x.",
        ),
        Slip(
            "gain in dscale", with_gradients(lambda dy, x, gain: {2: (dy * gain * x).sum(axis=1)}),
            "the gain is in it", "The scale reaches y as x · scale: differentiate with respect to the scale alone.",
        ),
        Slip(
            "gain in dscale", with_gradients(lambda dy, x, gain: {2: (dy * gain).sum(axis=1)}),
            "it has the gain where x should be",
            "The scale reaches y as x · scale: differentiate with respect to the scale.",
        ),
        Slip(
            "gain in dshift", with_gradients(lambda dy, x, gain: {1: (dy * gain).sum(axis=1)}),
            "the gain is in it", "The shift is added after the product: nothing multiplies it.",
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


def row_sums(x):
    """Of every row."""
    return x.sum(axis=-1, keepdims=True)


def with_lines(**other):
    """The backward step by step, with some of its lines replaced."""

    def by_steps(dxhat, cache):
        centred, rstd = cache
        v = SimpleNamespace(dxhat=dxhat, centred=centred, rstd=rstd, D=dxhat.shape[-1])
        for name, line in (LINES | other).items():
            setattr(v, name, line(v))
        return v.drstd, v.dvariance, v.dcentred, v.dmean, v.dx

    return by_steps


def norm_trial(*shape):
    """Random dxhat and (centred, rstd)."""

    def make(rng):
        x = 1 + 2 * rng.normal(size=shape)
        return rng.normal(size=shape), (x - row_means(x), 1 / np.sqrt(row_variances(x) + 0.1))

    return at_random(make)


POWER = "(variance + eps) to the power −½: the exponent comes in front, then drops by one."
CENTRED_TWICE = "centred was used twice: for xhat and for the variance. Both ways add up."

BY_STEPS = Exercise(
    "layernorm_backward_by_steps", LESSON, "Layer norm, backward step by step", tuple(LINES), with_lines(),
    trials=(
        by_hand(
            np.array([[0.0, 5, 0, -5, 10], [4, 0, 0, 2, 4]]),
            (np.array([[4.0, -1, -1, -1, -1], [3, -3, 1, -1, 0]]), np.array([[0.5], [0.5]])),
        ),
        norm_trial(2, 4, 3),
        norm_trial(3, 2, 5),
    ),
    slips=(
        Slip(
            "drstd not added up", with_lines(drstd=lambda v: v.dxhat * v.centred),
            "the channels were not added up", "One rstd served all the channels of a row.",
        ),
        Slip(
            "drstd is a mean", with_lines(drstd=lambda v: row_means(v.dxhat * v.centred)),
            "its values are a mean over the channels, not their sum",
            "One rstd served all the channels, so sum over them.",
        ),
        Slip(
            "drstd from xhat", with_lines(drstd=lambda v: row_sums(v.dxhat * v.centred * v.rstd)),
            "it is made with xhat", "In xhat = centred · rstd, what stands beside rstd is centred.",
        ),
        Slip(
            "the root's power", with_lines(dvariance=lambda v: -0.5 * v.drstd * v.rstd),
            "the power of the root is not right", POWER,
        ),
        Slip(
            "the root's power", with_lines(dvariance=lambda v: -0.5 * v.drstd * v.rstd**2),
            "the power of the root is not right", POWER,
        ),
        Slip(
            "the root's power", with_lines(dvariance=lambda v: -0.5 * v.drstd / v.rstd),
            "the power of the root is not right", POWER,
        ),
        Slip(
            "the root's sign", with_lines(dvariance=lambda v: 0.5 * v.drstd * v.rstd**3),
            "its sign is wrong", "More variance makes rstd smaller.",
        ),
        Slip(
            "one way to centred", with_lines(dcentred=lambda v: v.dxhat * v.rstd),
            "the way through the variance is missing", CENTRED_TWICE,
        ),
        Slip(
            "one way to centred", with_lines(dcentred=lambda v: v.dvariance * 2 * v.centred / v.D),
            "the direct way is missing", CENTRED_TWICE,
        ),
        Slip(
            "the variance is a mean", with_lines(dcentred=lambda v: v.dxhat * v.rstd + v.dvariance * 2 * v.centred),
            "a division by D is missing on the way through the variance", "The variance is a mean of D squares.",
        ),
        Slip(
            "a square's slope", with_lines(dcentred=lambda v: v.dxhat * v.rstd + v.dvariance * v.centred / v.D),
            "the slope of the square is missing its 2", "What is the derivative of a square?",
        ),
        Slip(
            "dmean's sign", with_lines(dmean=lambda v: row_sums(v.dcentred)),
            "its sign is wrong", "In centred = x − mean the mean is subtracted.",
        ),
        Slip(
            "dmean not added up", with_lines(dmean=lambda v: -v.dcentred),
            "the channels were not added up", "One mean was subtracted from all the channels of a row.",
        ),
        Slip(
            "dmean is a mean", with_lines(dmean=lambda v: -row_means(v.dcentred)),
            "its values are a mean over the channels, not their sum",
            "One mean was subtracted from all the channels, so sum over them.",
        ),
        Slip(
            "one way to x", with_lines(dx=lambda v: v.dcentred),
            "the way through the mean is missing", "x was used twice: itself, and in the mean. Both ways add up.",
        ),
        Slip(
            "the mean is a mean", with_lines(dx=lambda v: v.dcentred + v.dmean),
            "a division by D is missing on the way through the mean", "Each x counts for one D-th of the mean.",
        ),
    ),
    sizes=lambda dxhat, cache: {"channels": dxhat.shape[-1], "tokens": dxhat.shape[-2]},
    difficulty=3, minutes=15,
)  # fmt: skip


# ------------------------------------------------------------------------------- 7.6 layer norm, short formula

WAYS = "x reaches xhat three ways: directly, through the mean, and through the standard deviation."

LAYERNORM_BACKWARD = Exercise(
    "layernorm_backward", LESSON, "Layer norm, backward in one line", ("dx",), layernorm_backward,
    trials=(
        by_hand(
            np.array([[0.0, 5, 0, -5, 10], [4, 0, 0, 2, 4]]),
            (np.array([[2.0, -0.5, -0.5, -0.5, -0.5], [1.5, -1.5, 0.5, -0.5, 0]]), np.array([[0.5], [0.5]])),
        ),
        at_random(lambda rng: (rng.normal(size=(2, 4, 3)), layernorm_forward(1 + 2 * rng.normal(size=(2, 4, 3)),
        0.1)[1])),
        at_random(lambda rng: (rng.normal(size=(3, 2, 5)), layernorm_forward(1 + 2 * rng.normal(size=(3, 2, 5)),
        0.1)[1])),
    ),
    slips=(
        Slip(
            "missing mean term", lambda dxhat, cache: cache[1] * (dxhat - cache[0] * row_means(dxhat * cache[0])),
            "the way through the mean is missing", WAYS,
        ),
        Slip(
            "missing std term", lambda dxhat, cache: cache[1] * (dxhat - row_means(dxhat)),
            "the way through the standard deviation is missing", WAYS,
        ),
        Slip(
            "only the direct way", lambda dxhat, cache: cache[1] * dxhat,
            "mean and standard deviation were treated as constants", WAYS,
        ),
        Slip(
            "forgot rstd", lambda dxhat, cache: layernorm_backward(dxhat, cache) / cache[1], "rstd is missing",
            "The forward divided each row by its deviation, so the backward does too.",
        ),
        Slip(
            "divided by rstd", lambda dxhat, cache: layernorm_backward(dxhat, cache) / cache[1] ** 2,
            "it was divided by rstd", "rstd is one over the standard deviation already.",
        ),
        Slip(
            "rstd only on the direct way",
            lambda dxhat, cache: cache[1] * dxhat - row_means(dxhat) - cache[0] * row_means(dxhat * cache[0]),
            "rstd multiplies the direct way alone", "All three ways pass through rstd: mind the brackets.",
        ),
        Slip(
            "sums instead of means",
            lambda dxhat, cache: cache[1] * (
                dxhat - dxhat.sum(axis=-1, keepdims=True) - cache[0] * (dxhat * cache[0]).sum(axis=-1, keepdims=True)
            ),
            "there are sums where there should be means",
            "Each x counts for one D-th of the mean and of the variance.",
        ),
        Slip(
            "std term without xhat",
            lambda dxhat, cache: cache[1] * (dxhat - row_means(dxhat) - row_means(dxhat * cache[0])),
            "the way through the standard deviation lacks a factor xhat",
            "An x far from the mean moves the standard deviation most.",
        ),
        Slip(
            "over the tokens",
            lambda dxhat, cache: cache[1] * (
                dxhat - dxhat.mean(axis=-2, keepdims=True) - cache[0] * (dxhat * cache[0]).mean(axis=-2, keepdims=True)
            ),
            "the means run over the tokens", "Every token was normalised by itself, along its channels.",
        ),
        Slip(
            "plus instead of minus",
            lambda dxhat, cache: cache[1] * (dxhat + row_means(dxhat) + cache[0] * row_means(dxhat * cache[0])),
            "two ways have the wrong sign",
            "The mean is subtracted, and a larger standard deviation makes xhat smaller.",
        ),
    ),
    sizes=lambda dxhat, cache: {"channels": dxhat.shape[-1], "tokens": dxhat.shape[-2]},
    difficulty=3, minutes=10,
)  # fmt: skip


EXERCISES = (STEP_7, MODULATE_FORWARD, LAYERNORM_FORWARD, MODULATE_BACKWARD, BY_STEPS, LAYERNORM_BACKWARD)
