"""Lesson 11: training. The loss, its gradient, AdamW, the moving average."""

import numpy as np

from minidit import reference
from minidit.course.exercise import Exercise, Numbers, Slip, Trial, at_random, by_hand
from minidit.training.optimizer import AdamWSettings
from minidit.worksheet import solve

# B = batch, T = tokens, D = width, n = all parameters as one vector

LESSON = 11
SHEET = solve()
ERROR, POOLED = SHEET.gradients.predicted, SHEET.pooled

# -------------------------------------------------------------------------------------- 11.1 and 11.2 by hand


def explain_error(index):
    """How to compute an entry."""
    return f"Take the two entries at {list(index)}, of the predicted and of the actual noise. Minus a minus is a plus."


LOSS_GRADIENT = Numbers(
    "step_11_loss_gradient", LESSON, "the loss gradient on the worksheet", lambda: ERROR, explain_error,
    slips=(
        Slip(
            "sign", lambda: -ERROR, "every sign is wrong: this is the actual minus the predicted noise",
            "The gradient points where the loss grows, so it is the predicted minus the actual noise.",
        ),
        Slip(
            "added instead of subtracted", lambda: SHEET.predicted + SHEET.noise, "the two were added",
            "It is a difference: how far is the prediction off?",
        ),
        Slip(
            "squared errors", lambda: ERROR * ERROR, "these are the squares of the errors",
            "The loss has the squares; its gradient has the errors, with their signs.",
        ),
        Slip(
            "size of the errors", lambda: np.abs(ERROR), "the minus signs are lost",
            "Where the prediction is too small, the gradient is negative.",
        ),
        Slip(
            "doubled", lambda: 2 * ERROR, "each number is twice what it should be",
            "The worksheet's loss has a half before the squares, so that no 2 is left.",
        ),
        Slip(
            "the prediction", lambda: SHEET.predicted, "this is the prediction itself",
            "Subtract the actual noise from it.",
        ),
    ),
    difficulty=1, minutes=3,
)  # fmt: skip


def beside(weight, bias):
    """A weight's gradient with the bias's as one more column: (2, 3)."""
    return np.concatenate([weight, bias], axis=1)


def explain_red(index):
    """How to compute an entry."""
    row, column = index
    if column == 2:
        return f"b served all four patches: add up row {row} of the loss gradient."
    return (
        f"W{[row, column]} was multiplied by row {column} of the pooled latent, to make row {row} of the prediction. "
        "So it is four products, one for each patch, added up."
    )


D_BIAS = SHEET.gradients.feed_forward_bias
RED_GRADIENTS = Numbers(
    "step_11_feed_forward_gradients", LESSON, "into the red weights of step 10",
    lambda: beside(SHEET.gradients.feed_forward_weight, D_BIAS), explain_red,
    slips=(
        Slip(
            "dW transposed", lambda: beside(POOLED @ ERROR.T, D_BIAS), "dW is transposed",
            "The loss gradient comes first, then the pooled latent, transposed: rows of dW belong to the outputs.",
        ),
        Slip(
            "mean instead of sum", lambda: beside(ERROR @ POOLED.T, D_BIAS) / 4, "these are means over the patches",
            "The loss is a sum over the patches, and so are its gradients.",
        ),
        Slip(
            "mean instead of sum", lambda: beside(ERROR @ POOLED.T, D_BIAS / 4), "db is the mean over the patches",
            "b was added to each of the four patches, so sum over them.",
        ),
        Slip(
            "before the pooling", lambda: beside(ERROR @ SHEET.conditioned.T, D_BIAS),
            "dW was made with the conditioned latent", "W was multiplied by the pooled latent, at step 10.",
        ),
        Slip(
            "prediction instead of error",
            lambda: beside(SHEET.predicted @ POOLED.T, SHEET.predicted.sum(axis=1, keepdims=True)),
            "this is made of the prediction", "Start from the loss gradient of 11.1.",
        ),
        Slip(
            "sign", lambda: -beside(ERROR @ POOLED.T, D_BIAS), "every sign is wrong",
            "Start from predicted minus actual noise.",
        ),
        Slip(
            "db of the pooled latent", lambda: beside(ERROR @ POOLED.T, POOLED.sum(axis=1, keepdims=True)),
            "the last column adds up the pooled latent", "It is the loss gradient whose rows add up to db.",
        ),
    ),
    difficulty=2, minutes=7,
)  # fmt: skip

# ----------------------------------------------------------------------------------------- 11.3 and 11.4 the loss


def over_samples(weight, error):
    """A weight per sample in a form that multiplies error."""
    return 1.0 if weight is None else weight.reshape(-1, *[1] * (error.ndim - 1))


def mse_forward(prediction, target, weight=None):
    """Returns the loss and the cache (weighted error,)."""
    error = prediction - target
    weighted = over_samples(weight, error) * error
    return (weighted * error).mean(), (weighted,)


def mse_with(loss, kept=lambda error, w: w * error):
    """What `mse_forward` would return with a different loss and cache."""

    def wrong(prediction, target, weight=None):
        error = prediction - target
        w = over_samples(weight, error)
        return loss(error, w), (kept(error, w),)

    return wrong


def right_loss(error, w):
    """The mean of w · error²."""
    return (w * error * error).mean()


def mse_sizes(prediction, target, weight=None):
    """How many numbers the mean runs over."""
    samples = len(prediction)
    return {"numbers": prediction.size, "samples": samples, "numbers per sample": prediction.size // samples}


HAND_PREDICTION, HAND_TARGET = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[0.0, 2.0], [1.0, 1.0]])

MSE_FORWARD = Exercise(
    "mse_forward", LESSON, "mean squared error", ("loss", "cache"), mse_forward,
    trials=(
        by_hand(HAND_PREDICTION, HAND_TARGET),
        Trial("a weight per sample", lambda rng: (HAND_PREDICTION, HAND_TARGET, np.array([2.0, 0.5]))),
        at_random(lambda rng: (rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 4, 3)), rng.random(2) + 0.5)),
    ),
    slips=(
        Slip(
            "weight ignored", mse_with(lambda e, w: (e * e).mean(), lambda e, w: e), "the weight has no effect",
            "Each squared error is multiplied by the weight of its sample.",
        ),
        Slip(
            "weight twice", mse_with(lambda e, w: (w * e * w * e).mean()), "the weight is squared",
            "Only one of the two factors of the square carries the weight.",
        ),
        Slip(
            "divided by the weights", mse_with(lambda e, w: right_loss(e, w) / np.mean(w)),
            "it is divided by the mean of the weights", "It is a mean over all numbers, whatever their weights.",
        ),
        Slip(
            "kept the plain error", mse_with(right_loss, lambda e, w: e), "it is the error without its weight",
            "The gradient of a sample carries its weight, so keep weight · error.",
        ),
        Slip(
            "kept the error's square", mse_with(right_loss, lambda e, w: w * e * e), "it is squared",
            "The slope of a square is twice the thing itself: keep weight · error.",
        ),
        Slip(
            "error the wrong way round", mse_with(right_loss, lambda e, w: -w * e), "it is target minus prediction",
            "The loss is the same, its gradient is not: keep weight · (prediction − target).",
        ),
        Slip(
            "absolute error", mse_with(lambda e, w: (w * np.abs(e)).mean()),
            "it is a mean of |error|, without the square", "Mean *squared* error.",
        ),
        Slip(
            "root", mse_with(lambda e, w: np.sqrt(right_loss(e, w))), "a root was taken",
            "The loss is the mean square itself.",
        ),
        Slip(
            "half", mse_with(lambda e, w: 0.5 * right_loss(e, w)), "it is half of what it should be",
            "The worksheet has the half; the real model's loss is the mean alone.",
        ),
        Slip(
            "square of the mean", mse_with(lambda e, w: (w * e).mean() ** 2), "it is the square of the mean error",
            "Square each error first. Errors of both signs must not cancel.",
        ),
    ),
    difficulty=2, minutes=8, sizes=mse_sizes,
)  # fmt: skip


def mse_backward(dloss, cache):
    """Returns dprediction and dtarget (...)."""
    (weighted,) = cache
    dprediction = dloss * 2 / weighted.size * weighted
    return dprediction, -dprediction


def backward_with(change):
    """`mse_backward` with something done to the two gradients."""
    return lambda dloss, cache: change(dloss, cache[0], mse_backward(dloss, cache)[0])


MSE_BACKWARD = Exercise(
    "mse_backward", LESSON, "backward through the mean squared error", ("dprediction", "dtarget"), mse_backward,
    trials=(
        by_hand(1.0, (np.array([[1.0, 0.0], [2.0, 4.0]]),)),
        at_random(lambda rng: (float(rng.normal()), (rng.normal(size=(2, 4, 3)),))),
    ),
    slips=(
        Slip(
            "forgot the 2", backward_with(lambda dloss, w, d: (d / 2, -d / 2)), "it is half of what it should be",
            "The slope of error² is 2 · error.",
        ),
        Slip(
            "no minus for the target", backward_with(lambda dloss, w, d: (d, d)), "it is the same as dprediction",
            "The target was subtracted: a larger target makes a smaller error.",
        ),
        Slip(
            "no gradient for the target", backward_with(lambda dloss, w, d: (d, 0 * d)), "it is zero",
            "The loss depends on the target as well, even if nobody trains it.",
        ),
        Slip(
            "dloss ignored", backward_with(lambda dloss, w, d: (d / dloss, -d / dloss)), "dloss has no effect",
            "By the chain rule, dloss multiplies everything.",
        ),
        Slip(
            "squared errors", backward_with(lambda dloss, w, d: (d * w, -d * w)), "the errors are squared",
            "The loss has the squares; its gradient has the errors, with their signs.",
        ),
    ),
    difficulty=1, minutes=4,
    sizes=lambda dloss, cache: {
        "numbers": cache[0].size, "samples": len(cache[0]), "numbers per sample": cache[0].size // len(cache[0]),
    },
)  # fmt: skip

# ------------------------------------------------------------------------------------------------- 11.5 clipping


def clip_scale(squared_norm, max_grad_norm):
    """The factor that brings a gradient down to the max_grad_norm, or 1."""
    return min(1.0, max_grad_norm / (squared_norm**0.5 + 1e-6))


CLIP_SCALE = Exercise(
    "clip_scale", LESSON, "the factor that clips a gradient", ("scale",), clip_scale,
    trials=(
        Trial("short gradients", lambda rng: (0.04, 2.0)),
        by_hand(25.0, 2.0),
        Trial("no gradient", lambda rng: (0.0, 1.0)),
        at_random(lambda rng: (float(20 + 100 * rng.random()), float(1 + rng.random()))),
    ),
    slips=(
        Slip(
            "forgot the 1e-6", lambda squared_norm, max_grad_norm: min(1.0, max_grad_norm / squared_norm**0.5),
            "it is right to six digits only: the 1e-6 is missing", "Without it, a gradient of zero divides by zero.",
        ),
        Slip(
            "forgot the root", lambda squared_norm, max_grad_norm: min(1.0, max_grad_norm / (squared_norm + 1e-6)),
            "it was made with the squared norm", "The norm is the root of the sum of squares.",
        ),
        Slip(
            "lengthens short gradients", lambda squared_norm, max_grad_norm: max_grad_norm / (squared_norm**0.5 + 1e-6),
            "a short gradient was made longer", "Clipping only ever shortens: the factor is at most 1.",
        ),
        Slip(
            "max instead of min",
            lambda squared_norm, max_grad_norm: max(1.0, max_grad_norm / (squared_norm**0.5 + 1e-6)),
            "it is the larger of the two", "Clipping only ever shortens: the factor is at most 1.",
        ),
        Slip(
            "upside down", lambda squared_norm, max_grad_norm: min(1.0, squared_norm**0.5 / max_grad_norm),
            "the fraction is upside down", "The longer the gradient, the smaller the factor.",
        ),
        Slip(
            "the norm itself", lambda squared_norm, max_grad_norm: min(squared_norm**0.5, max_grad_norm),
            "it is the length after clipping",
            "What is asked for is the factor that the gradient is multiplied by.",
        ),
        Slip(
            "inverse of it", lambda squared_norm, max_grad_norm: max(1.0, (squared_norm**0.5 + 1e-6) / max_grad_norm),
            "it is what the gradient should be divided by", "Return the factor that it is multiplied by.",
        ),
    ),
    difficulty=1, minutes=4,
)  # fmt: skip

# ---------------------------------------------------------------------------------------------------- 11.6 AdamW


def adamw_with(
    correct_m=True, correct_v=True, count=lambda step: step, eps_inside=False, root=True, blend=True,
    decay=lambda p, rate, weight: p * (1 - rate * weight), coupled=False, scaled=True, swapped=False, sign=-1,
    keep=lambda old, new: new,
):  # fmt: skip
    """AdamW on copies, with a slip. Returns params, m, v.

    Args:
        correct_m, correct_v: whether the two means are corrected for their start at zero.
        count: takes the number of the step, returns what stands for it.
        eps_inside: eps is added beneath the root; root: there is one.
        blend: the new gradient counts 1 - beta, else 1.
        decay: of params; coupled: the weight decay is added to the gradient instead.
        scaled: the gradient is multiplied by grad_scale.
        swapped: beta1 and beta2 have changed places.
        sign: of the step.
        keep: takes old and new (params, m, v), and returns what is left in memory.
    """

    def update(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
        b1, b2 = (settings.beta2, settings.beta1) if swapped else (settings.beta1, settings.beta2)
        g = grads * grad_scale if scaled else grads
        g = g + settings.weight_decay * params if coupled else g
        new_m = b1 * m + ((1 - b1) if blend else 1) * g
        new_v = b2 * v + ((1 - b2) if blend else 1) * g * g
        k = count(step)
        mean = new_m / (1 - b1**k) if correct_m else new_m
        square = new_v / (1 - b2**k) if correct_v else new_v
        bottom = np.sqrt(square + settings.eps) if eps_inside else (np.sqrt(square) if root else square) + settings.eps
        p = params if coupled else decay(params, learning_rate, settings.weight_decay)
        return keep((params, m, v), (p + sign * learning_rate * mean / bottom, new_m, new_v))

    return update


def adamw_update(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    """Returns params, m and v after the step, (n,) each."""
    params, m, v = params.copy(), m.copy(), v.copy()
    reference.adamw_update(params, grad_scale * grads, m, v, step, learning_rate, **vars(settings))
    return params, m, v


def same_correction(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    """AdamW with β₁ in both corrections."""
    _, m, v = adamw_update(params, grads, m, v, step, learning_rate, settings, grad_scale)
    correction = 1 - settings.beta1**step
    p = params * (1 - learning_rate * settings.weight_decay)
    return p - learning_rate * m / correction / (np.sqrt(v / correction) + settings.eps), m, v


EASY = AdamWSettings(beta1=0.5, beta2=0.96, eps=0.0)
FULL = AdamWSettings(beta1=0.9, beta2=0.99, eps=0.02, weight_decay=0.3)


def first_step(rng):
    """Moments that are still zero. Each parameter moves by the learning rate, whatever the size of its gradient."""
    return np.array([1.0, 2.0, -3.0]), np.array([4.0, -0.5, 100.0]), np.zeros(3), np.zeros(3), 1, 0.25, EASY


def seventh_step(rng):
    """Everything at once, weight decay and clipping too."""
    return (
        rng.normal(size=6), rng.normal(size=6), 0.3 * rng.normal(size=6), rng.random(6), 7, 0.05, FULL,
        float(0.4 + 0.2 * rng.random()),
    )  # fmt: skip


ADAMW = Exercise(
    "adamw_update", LESSON, "a step of AdamW, in place", ("params", "m", "v"), adamw_update,
    trials=(
        Trial("first step", first_step),
        by_hand(  # the second step, after gradients of 4 and -2 in the first
            np.array([1.0, 2.0]), np.array([-4.0, 2.0]), np.array([2.0, -1.0]), np.array([0.64, 0.16]), 2, 0.3, EASY
        ),
        at_random(seventh_step),
    ),
    slips=(
        Slip(
            "nothing changed", adamw_with(keep=lambda old, new: old), "nothing was written into it",
            "`params = …` makes a new array. Write into the old one: `params[...] = …`, or `params -= …`.",
        ),
        Slip(
            "moments not kept", adamw_with(keep=lambda old, new: (new[0], *old[1:])),
            "nothing was written into it", "`m = …` makes a new array. Write into the old one: `m[...] = …`.",
        ),
        Slip(
            "params not kept", adamw_with(keep=lambda old, new: (old[0], *new[1:])), "nothing was written into it",
            "`params = …` makes a new array. Write into the old one: `params[...] = …`, or `params -= …`.",
        ),
        Slip(
            "no bias correction", adamw_with(correct_m=False, correct_v=False),
            "the two means were not corrected for their start at zero",
            "After the first step, m is only (1 − β₁) times the gradient: divide by 1 − β₁^step.",
        ),
        Slip(
            "only m corrected", adamw_with(correct_v=False), "v was not corrected",
            "Both means start at zero, so both are divided.",
        ),
        Slip(
            "only v corrected", adamw_with(correct_m=False), "m was not corrected",
            "Both means start at zero, so both are divided.",
        ),
        Slip(
            "same correction for both", same_correction,
            "v was corrected with β₁", "Each mean is corrected with its own β.",
        ),
        Slip(
            "step one too far", adamw_with(count=lambda step: step + 1), "the correction is that of the next step",
            "step counts from 1 already: use it as it is.",
        ),
        Slip(
            "correction without the step", adamw_with(count=lambda step: 1), "the correction is that of the first step",
            "Divide by 1 − β to the power of the step.",
        ),
        Slip(
            "eps beneath the root", adamw_with(eps_inside=True), "eps was added beneath the root",
            "Take the root first, then add eps.",
        ),
        Slip(
            "forgot the root", adamw_with(root=False), "the root is missing",
            "The step divides by the root of the mean square.",
        ),
        Slip(
            "forgot 1 − β", adamw_with(blend=False), "the new gradient counts too much",
            "A running mean is β times the old one plus 1 − β times the new number.",
        ),
        Slip(
            "betas swapped", adamw_with(swapped=True), "β₁ and β₂ have changed places",
            "β₁ belongs to the mean of the gradient, β₂ to that of its square.",
        ),
        Slip(
            "weight decay in the gradient", adamw_with(coupled=True), "the weight decay was added to the gradient",
            "That is Adam with L2. In AdamW the decay acts on the parameters alone: hence the W.",
        ),
        Slip(
            "weight decay forgotten", adamw_with(decay=lambda p, rate, weight: p), "there is no weight decay",
            "Each parameter also shrinks by learning_rate · weight_decay of itself.",
        ),
        Slip(
            "weight decay without learning rate", adamw_with(decay=lambda p, rate, weight: p * (1 - weight)),
            "the weight decay lacks the learning rate",
            "Each parameter shrinks by learning_rate · weight_decay of itself.",
        ),
        Slip(
            "grad_scale ignored", adamw_with(scaled=False), "grad_scale has no effect",
            "Multiply the gradient with it before anything else.",
        ),
        Slip(
            "uphill", adamw_with(sign=1), "the step goes uphill", "The gradient points to a larger loss: subtract.",
        ),
    ),
    difficulty=3, minutes=15, in_place=(0, 2, 3),
)  # fmt: skip


# ------------------------------------------------------------------------------------------ 11.7 moving average

EMA = Exercise(
    "ema_update", LESSON, "the moving average of the parameters, in place", ("average",),
    lambda average, params, decay: decay * average + (1 - decay) * params,
    trials=(
        by_hand(np.array([0.0, 4.0, -2.0]), np.array([4.0, 4.0, 2.0]), 0.75),
        at_random(lambda rng: (rng.normal(size=6), rng.normal(size=6), 0.9)),
    ),
    slips=(
        Slip(
            "nothing changed", lambda average, params, decay: average, "nothing was written into it",
            "`average = …` makes a new array. Write into the old one: `average[...] = …`, or `average += …`.",
        ),
        Slip(
            "decay and 1 − decay swapped", lambda average, params, decay: decay * params + (1 - decay) * average,
            "decay and 1 − decay have changed places", "A decay near 1 means a long memory: the average hardly moves.",
        ),
        Slip(
            "old average not faded", lambda average, params, decay: average + (1 - decay) * params,
            "the old average was not made smaller", "The two weights must add up to 1: shrink the old average too.",
        ),
        Slip(
            "away from the parameters", lambda average, params, decay: average - (1 - decay) * (params - average),
            "it moved away from params", "The average goes a small part of the way *towards* them.",
        ),
        Slip(
            "a copy", lambda average, params, decay: params, "it is a copy of params",
            "It goes only a part of the way.",
        ),
        Slip(
            "forgot 1 − decay", lambda average, params, decay: decay * average + params,
            "params were not multiplied by 1 − decay", "The two weights add up to 1.",
        ),
    ),
    difficulty=1, minutes=4, in_place=(0,),
)  # fmt: skip

EXERCISES = (LOSS_GRADIENT, RED_GRADIENTS, MSE_FORWARD, MSE_BACKWARD, CLIP_SCALE, ADAMW, EMA)
