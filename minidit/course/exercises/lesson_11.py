"""Lesson 11: training. The loss, its gradient, AdamW, the moving average."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from minidit import reference
from minidit.course.exercise import SEEDS, Exercise, Numbers, Slip, Trial, by_hand, for_each
from minidit.course.formulas import Formula, Slips
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


ON_THE_SHEET = {
    "predicted": SHEET.predicted, "noise": SHEET.noise, "latent": SHEET.latent, "noised": SHEET.noised,
}  # fmt: skip
NO_TWO = "The worksheet's loss has a half before the squares, so that no 2 is left."
NO_MEAN = "The worksheet's loss is a sum, and so is each part of its gradient: nothing divides it."

LOSS_GRADIENT = Numbers(
    "step_11_loss_gradient", LESSON, "the loss gradient on the worksheet", lambda: ERROR, explain_error,
    slips=Slips(
        Formula(
            "predicted - noise", lambda wrong: lambda: wrong(**ON_THE_SHEET), (ON_THE_SHEET,),
            said=(
                (
                    "noise - predicted", "sign", "every sign is wrong: this is the actual minus the predicted noise",
                    "The gradient points where the loss grows, so it is the predicted minus the actual noise.",
                ),
                (
                    "predicted + noise", "added instead of subtracted", "the two were added",
                    "It is a difference: how far is the prediction off?",
                ),
                (
                    "(predicted - noise) ** 2", "squared errors", "these are the squares of the errors",
                    "The loss has the squares; its gradient has the errors, with their signs.",
                ),
                (
                    "0.5 * (predicted - noise) ** 2", "squared errors", "these are half the squares of the errors",
                    "The loss has the squares; its gradient has the errors, with their signs.",
                ),
                (
                    "abs(predicted - noise)", "size of the errors", "the minus signs are lost",
                    "Where the prediction is too small, the gradient is negative.",
                ),
                (
                    "predicted - abs(noise)", "signs of the noise", "the minus signs of the actual noise are lost",
                    "Minus a minus is a plus.",
                ),
                ("2 * (predicted - noise)", "doubled", "each number is twice what it should be", NO_TWO),
                ("0.5 * (predicted - noise)", "halved", "each number is half of what it should be", NO_TWO),
                ("(predicted - noise) / predicted.size", "mean instead of sum", "it was divided by 8", NO_MEAN),
                ("(predicted - noise) / 4", "mean instead of sum", "it was divided by 4", NO_MEAN),
                (
                    "predicted", "the prediction", "this is the prediction itself",
                    "Subtract the actual noise from it.",
                ),
                ("noise", "the noise", "this is the actual noise itself", "Subtract it from the prediction."),
                (
                    "predicted - latent", "latent for noise", "the latent was subtracted, not the noise",
                    "The network predicts the noise.",
                ),
                (
                    "predicted - noised", "latent for noise", "the noised latent was subtracted, not the noise",
                    "The network predicts the noise.",
                ),
                (
                    "(predicted - noise).sum(axis=1, keepdims=True)", "summed too much", "the rows were added up",
                    "There is an error for each of the eight numbers.",
                ),
                (
                    "0.5 * ((predicted - noise) ** 2).sum()", "the loss", "this is the loss itself",
                    "Its gradient has a number for each prediction.",
                ),
                ("(predicted - noise)[::-1]", "rows swapped", "the two rows have changed places", "Row by row."),
            ),
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
ROWS_OF_DW = (
    "The loss gradient comes first, then the pooled latent, transposed: rows of dW belong to the outputs."
)
ALL_FOUR = "W and b served each of the four patches, so sum over them."
START = "Start from the loss gradient of 11.1: predicted minus actual noise."
OWN_ROW = "Each number of db adds up its own row of the loss gradient."


def red(dw=None, db=D_BIAS):
    """A slip in dW or db."""
    return lambda: beside(ERROR @ POOLED.T if dw is None else dw, db)


def red_of(error, pooled=POOLED):
    """A slip: dW and db made of other numbers."""
    return lambda: beside(error @ pooled.T, error.sum(axis=1, keepdims=True))


RED_GRADIENTS = Numbers(
    "step_11_feed_forward_gradients", LESSON, "into the red weights of step 10",
    lambda: beside(SHEET.gradients.feed_forward_weight, D_BIAS), explain_red,
    slips=Slips(
        *(
            Slip(name, wrong, says, because)
            for name, wrong, says, because in (
                ("dW transposed", red(POOLED @ ERROR.T), "dW is transposed", ROWS_OF_DW),
                (
                    "mean instead of sum", lambda: beside(ERROR @ POOLED.T, D_BIAS) / 4,
                    "these are means over the patches",
                    "The loss is a sum over the patches, and so are its gradients.",
                ),
                ("mean instead of sum", red(db=D_BIAS / 4), "db is the mean over the patches", ALL_FOUR),
                ("mean instead of sum", red(ERROR @ POOLED.T / 4), "dW is the mean over the patches", ALL_FOUR),
                (
                    "before the pooling", red(ERROR @ SHEET.conditioned.T), "dW was made with the conditioned latent",
                    "W was multiplied by the pooled latent, at step 10.",
                ),
                ("prediction instead of error", red_of(SHEET.predicted), "this is made of the prediction", START),
                ("prediction instead of error", red_of(SHEET.noise), "this is made of the actual noise", START),
                (
                    "prediction instead of error", red(SHEET.predicted @ POOLED.T), "dW is made of the prediction",
                    START,
                ),
                (
                    "prediction for the pooled latent", red(ERROR @ SHEET.predicted.T),
                    "dW was made with the prediction in place of the pooled latent",
                    "W was multiplied by the pooled latent, at step 10.",
                ),
                (
                    "W for the pooled latent", red(SHEET.weights.feed_forward_weight.T @ ERROR @ POOLED.T),
                    "the gradient went through W first", "Its rows belong to the rows of the loss gradient.",
                ),
                (
                    "sign", lambda: -beside(ERROR @ POOLED.T, D_BIAS), "every sign is wrong",
                    "Start from predicted minus actual noise.",
                ),
                (
                    "db of the pooled latent", red(db=POOLED.sum(axis=1, keepdims=True)),
                    "the last column adds up the pooled latent", "It is the loss gradient whose rows add up to db.",
                ),
                ("db of all", red(db=np.full((2, 1), ERROR.sum())), "db was summed over both rows", OWN_ROW),
                ("db swapped", red(db=D_BIAS[::-1]), "the two numbers of db have changed places", OWN_ROW),
                (
                    "signs of db", red(db=np.abs(ERROR).sum(axis=1, keepdims=True)), "db was summed without signs",
                    OWN_ROW,
                ),
                ("signs of db", red(db=-D_BIAS), "the signs of db are reversed", OWN_ROW),
                ("signs of dW", red(-ERROR @ POOLED.T), "the signs of dW are reversed", START),
                (
                    "signs of the errors", red(np.abs(ERROR) @ POOLED.T),
                    "the minus signs of the loss gradient are lost in dW",
                    START,
                ),
                ("db missing", lambda: ERROR @ POOLED.T, "db is missing", "It makes a third column."),
                (
                    "db first", lambda: np.concatenate([D_BIAS, ERROR @ POOLED.T], axis=1), "db stands before dW",
                    "It is the last of the three columns.",
                ),
                (
                    "db below", lambda: np.concatenate([ERROR @ POOLED.T, D_BIAS.T]), "db stands below dW",
                    "It makes a third column.",
                ),
                (
                    "rows swapped", lambda: beside(ERROR @ POOLED.T, D_BIAS)[::-1], "the two rows have changed places",
                    ROWS_OF_DW,
                ),
                *(
                    (
                        "one patch only", red_of(ERROR[:, [i]], POOLED[:, [i]]), f"it is that of patch {i} alone",
                        ALL_FOUR,
                    )
                    for i in range(4)
                ),
                (
                    "one patch left out", red_of(ERROR[:, :-1], POOLED[:, :-1]), "the last patch was left out",
                    ALL_FOUR,
                ),
            )
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


def weights_as(spread):
    """A slip: the weights brought into another form, or changed, before they multiply the error."""

    def wrong(prediction, target, weight=None):
        error = prediction - target
        weighted = error if weight is None else spread(weight, error) * error
        return (weighted * error).mean(), (weighted,)

    return wrong


def loss_of(wrong):
    """A slip with another loss, by a formula."""

    def slip(prediction, target, weight=None):
        error = prediction - target
        weighted = over_samples(weight, error) * error
        given = {"weight": over_samples(weight, error), "B": len(error), "N": error.size}
        return wrong(error=error, weighted=weighted, **given), (weighted,)

    return slip


def kept(what):
    """A slip with the right loss, and something else in the cache: `what` takes weighted, error, weight."""

    def slip(prediction, target, weight=None):
        loss, (weighted,) = mse_forward(prediction, target, weight)
        error = prediction - target
        return loss, (what(weighted, error, over_samples(weight, error)),)

    return slip


def of_others(change):
    """A slip with another prediction and target."""
    return lambda prediction, target, weight=None: mse_forward(*change(prediction, target), weight)


def squared_in_place(prediction, target, weight=None):
    """error *= weight, so that error and weighted error are one."""
    _, (weighted,) = mse_forward(prediction, target, weight)
    return (weighted * weighted).mean(), (weighted,)


def mse_sizes(prediction, target, weight=None):
    """How many numbers the mean runs over."""
    samples = len(prediction)
    return {"numbers": prediction.size, "samples": samples, "numbers per sample": prediction.size // samples}


def axes_behind(count):
    """A form of the weights with this many axes of length 1 behind."""
    return lambda weight, error: weight.reshape(-1, *[1] * count)


HAND_PREDICTION = np.array([[1.0, 2.0, 0.0, 3.0, 1.0], [3.0, 5.0, 1.0, 0.0, 2.0], [0.0, 1.0, 1.0, 4.0, 2.0]])
HAND_TARGET = np.array([[0.0, 2.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 2.0, 2.0], [0.0, 2.0, 1.0, 1.0, 1.0]])
CLIPS = ((3, 5, 4), (5, 3), (7,), (3, 2, 5, 4), (2, 3, 4, 5, 6), (1, 4, 3), (3, 1, 5))  # B, …


def two_clips(rng, size):
    """Prediction and target of this size."""
    return rng.normal(size=size), rng.normal(size=size)


def two_weighted_clips(rng, size):
    """Prediction, target and a weight for each clip, one of them 0 where there are several."""
    weight = rng.random(size[0]) + 0.5
    weight[1:2] = 0
    return *two_clips(rng, size), weight


def mse_example():
    """Variables of the formulas."""
    prediction, target, weight = two_weighted_clips(np.random.default_rng(LESSON), (3, 5, 4))
    error = prediction - target
    spread = over_samples(weight, error)
    return {"error": error, "weighted": spread * error, "weight": spread, "B": 3, "N": error.size}


WHOLE_MEAN = {"mean": np.mean, "total": np.sum}
ONE_NUMBER = "The loss is one number: a mean over all axes."
OWN_WEIGHT = "The weight belongs to the first axis: give it an axis of length 1 for each of the others."
OVER_ALL = "It is a mean over all numbers, whatever their weights."
HALF = "The worksheet has the half; the real model's loss is the mean alone."
TWICE = "The slope of a square is twice the thing itself: keep weight · error."
FROM_THE_BACKWARD = "The backward multiplies by 2 / N: keep weight · (prediction − target) as it is."

MSE_FORWARD = Exercise(
    "mse_forward", LESSON, "mean squared error", ("loss", "cache"), mse_forward,
    trials=(
        by_hand(HAND_PREDICTION, HAND_TARGET),
        Trial("a weight per sample", lambda rng: (HAND_PREDICTION, HAND_TARGET, np.array([2.0, 0.5, 0.0]))),
        *for_each(CLIPS, two_weighted_clips, seeds=2),
        *for_each(CLIPS[:2], two_clips),
    ),
    slips=Slips(
        Slip("weight ignored", weights_as(lambda w, error: 1), "the weight has no effect",
             "Each squared error is multiplied by the weight of its sample."),
        Formula(
            "mean(weighted * error)", loss_of, (mse_example(),), WHOLE_MEAN, also=("weight",),
            forms=("mean(weight * error ** 2)",),
            said=(
                ("mean(error * error)", "weight ignored", "the weight has no effect",
                 "Each squared error is multiplied by the weight of its sample."),
                ("mean(weighted * weighted)", "weight twice", "the weight is squared",
                 "Only one of the two factors of the square carries the weight."),
                ("mean(weighted * error) / mean(weight)", "divided by the weights",
                 "it is divided by the mean of the weights", OVER_ALL),
                ("total(weighted * error) / total(weight)", "divided by the weights",
                 "it is divided by the sum of the weights", OVER_ALL),
                ("total(weighted * error)", "sum instead of mean", "it is a sum, not a mean", OVER_ALL),
                ("0.5 * total(weighted * error)", "half a sum", "it is half the sum, as on the worksheet",
                 "The worksheet has half a sum; the real model's loss is the mean."),
                ("total(weighted * error) / B", "divided by the clips", "it is divided by the number of clips",
                 "A mean over all numbers of all clips: divide by how many numbers there are."),
                ("0.5 * mean(weighted * error)", "half", "it is half of what it should be", HALF),
                ("mean(weighted)", "forgot the square", "it is the mean of the errors, without the square",
                 "Mean *squared* error. Errors of both signs must not cancel."),
                ("mean(abs(weighted))", "absolute error", "it is a mean of |error|, without the square",
                 "Mean *squared* error."),
                ("mean(weight * error ** 2) ** 0.5", "root", "a root was taken", "The loss is the mean square itself."),
                ("mean(weighted) ** 2", "square of the mean", "it is the square of the mean error",
                 "Square each error first. Errors of both signs must not cancel."),
                ("mean(weight) * mean(error ** 2)", "mean weight times mean square",
                 "the mean weight was multiplied by the mean square",
                 "Each squared error is weighted before the mean."),
                ("mean(weighted) * mean(error)", "square of the mean", "it is a product of two means",
                 "Square each error first. Errors of both signs must not cancel."),
                (
                    "(weighted * error).mean(axis=0)", "mean over one axis only", "it is a mean over the clips only",
                    ONE_NUMBER,
                ),
                ("(weighted * error).mean(axis=-1)", "mean over one axis only", "it is a mean over the last axis only",
                 ONE_NUMBER),
                ("weighted * error", "not averaged", "these are the squares, without a mean", ONE_NUMBER),
            ),
        ),
        Slip(
            "weight twice", squared_in_place, "the weight is squared",
            "error *= weight changes the error itself: weighted = weight * error makes a new array.",
        ),
        *(
            Slip(name, weights_as(spread), says, because)
            for name, spread, says, because in (
                (
                    "a number of axes typed in", axes_behind(1),
                    "the weights have one axis more, whatever the clips have",
                    OWN_WEIGHT,
                ),
                (
                    "a number of axes typed in", axes_behind(2),
                    "the weights have two axes more, whatever the clips have",
                    OWN_WEIGHT,
                ),
                (
                    "a number of axes typed in", axes_behind(4),
                    "the weights have four axes more, whatever the clips have",
                    OWN_WEIGHT,
                ),
                (
                    "a number of axes typed in", axes_behind(3),
                    "the weights have three axes more, whatever the clips have", OWN_WEIGHT,
                ),
                ("an axis too many", lambda w, error: w.reshape(-1, *[1] * error.ndim),
                 "the weights have an axis of length 1 too many", OWN_WEIGHT),
                ("root of the weight", lambda w, error: np.sqrt(over_samples(w, error)),
                 "the root of the weight was taken", "Multiply by the weight as it is."),
                ("divided by the weight", lambda w, error: 1 / over_samples(w, error),
                 "it is divided by the weight, not multiplied", "A weight of 2 counts twice."),
                ("mean weight for all", lambda w, error: w.mean(), "all clips got the mean weight", OWN_WEIGHT),
                ("one weight for all", lambda w, error: w[0], "all clips got the first one's weight", OWN_WEIGHT),
                ("weights made to add up to one", lambda w, error: over_samples(w / w.sum(), error),
                 "the weights were made to add up to one", OVER_ALL),
                ("weights made to add up to one", lambda w, error: over_samples(w / w.mean(), error),
                 "the weights were divided by their mean", OVER_ALL),
                ("weights tiled", lambda w, error: np.tile(w, error[0].size).reshape(error.shape),
                 "the weights were tiled: they land on the wrong clips",
                 "All numbers of a clip have its weight: np.repeat."),
            )
        ),
        Slip(
            "target not subtracted", of_others(lambda prediction, target: (prediction, 0 * target)),
            "the target was not subtracted", "error = prediction − target.",
        ),
        Slip(
            "target not subtracted", of_others(lambda prediction, target: (prediction, -target)),
            "the target was added", "error = prediction − target.",
        ),
        *(
            Slip(name, kept(what), says, because)
            for name, what, says, because in (
                ("kept the plain error", lambda weighted, error, weight: error, "it is the error without its weight",
                 "The gradient of a sample carries its weight, so keep weight · error."),
                ("kept the error's square", lambda weighted, error, weight: weighted * error, "it is squared", TWICE),
                (
                    "error the wrong way round", lambda weighted, error, weight: -weighted,
                    "it is target minus prediction",
                    "The loss is the same, its gradient is not: keep weight · (prediction − target).",
                ),
                ("kept a 2", lambda weighted, error, weight: 2 * weighted, "a 2 is in it already", FROM_THE_BACKWARD),
                ("kept a mean", lambda weighted, error, weight: weighted / weighted.size, "it is divided by N already",
                 FROM_THE_BACKWARD),
                ("kept the gradient", lambda weighted, error, weight: 2 * weighted / weighted.size,
                 "it is the gradient already", FROM_THE_BACKWARD),
                ("weight twice", lambda weighted, error, weight: weight * weighted, "the weight is in it twice", TWICE),
            )
        ),
    ),
    difficulty=2, minutes=8, sizes=mse_sizes,
)  # fmt: skip


def mse_backward(dloss, cache):
    """Returns dprediction and dtarget (...)."""
    (weighted,) = cache
    dprediction = dloss * 2 / weighted.size * weighted
    return dprediction, -dprediction


def both_gradients(wrong):
    """A slip in dprediction, by a formula; dtarget is its negative."""

    def slip(dloss, cache):
        d = wrong(**mse_lengths(dloss, cache[0]))
        return d, -d

    return slip


def target_gradient(wrong):
    """A slip in dtarget, by a formula."""

    def slip(dloss, cache):
        d, _ = mse_backward(dloss, cache)
        return d, wrong(dprediction=d, weighted=cache[0], dloss=dloss)

    return slip


def mse_lengths(dloss, weighted):
    """Variables of the formula of dprediction, lengths that might be taken for N among them."""
    return {
        "dloss": dloss, "weighted": weighted, "N": weighted.size, "B": len(weighted), "last": weighted.shape[-1],
        "axes": weighted.ndim,
    }  # fmt: skip


def dloss_and_weighted(rng, size):
    """Random dloss, and the cache of the forward."""
    return float(rng.normal()), (rng.normal(size=size),)


HAND_WEIGHTED = np.array([[1.0, 0.0, -1.0, 2.0, 0.0], [2.0, 4.0, 0.0, -2.0, 0.0], [0.0, -1.0, 0.0, 3.0, 1.0]])
MSE_BACK_EXAMPLE = mse_lengths(0.7, np.random.default_rng(LESSON).normal(size=(6, 5, 7)))
SLOPE_OF_SQUARE = "The slope of error² is 2 · error."
ALL_NUMBERS = "The forward's mean ran over all numbers: divide by how many there are, weighted.size."
WITH_SIGNS = "The loss has the squares; its gradient has the errors, with their signs."
ONE_SLOPE_EACH = "Each prediction has a slope of its own."
SAMPLE_D = np.random.default_rng(LESSON).normal(size=(3, 4))
BY_DLOSS = "By the chain rule, dloss multiplies everything."

MSE_BACKWARD = Exercise(
    "mse_backward", LESSON, "backward through the mean squared error", ("dprediction", "dtarget"), mse_backward,
    trials=(
        by_hand(1.0, (HAND_WEIGHTED,)),
        *for_each(CLIPS, dloss_and_weighted, seeds=2),
    ),
    slips=Slips(
        Formula(
            "dloss * 2 * weighted / N", both_gradients, (MSE_BACK_EXAMPLE,), WHOLE_MEAN | {"prod": np.prod},
            said=(
                ("dloss * weighted / N", "forgot the 2", "it is half of what it should be", SLOPE_OF_SQUARE),
                ("dloss * 2 * weighted", "not divided by N", "it is not divided by N", ALL_NUMBERS),
                (
                    "dloss * weighted", "the worksheet's gradient",
                    "it is dloss times the error: neither 2 nor N is there",
                    "The worksheet's loss is half a sum; here it is a mean of squares.",
                ),
                (
                    "dloss * 2 * weighted / B", "divided by another length", "it is divided by the number of clips",
                    ALL_NUMBERS,
                ),
                (
                    "dloss * 2 * weighted / last", "divided by another length",
                    "it is divided by the length of the last axis", ALL_NUMBERS,
                ),
                (
                    "dloss * 2 * weighted / axes", "divided by another length", "it is divided by the number of axes",
                    ALL_NUMBERS,
                ),
                ("dloss * 2 * weighted / prod(weighted.shape[:2])", "divided by another length",
                 "it is divided by the lengths of two axes only", ALL_NUMBERS),
                ("dloss * 2 * weighted / prod(weighted.shape[1:])", "divided by another length",
                 "it is divided by the numbers of one clip only", ALL_NUMBERS),
                *((f"dloss * 2 * weighted / {n}", "N typed in", f"it is divided by {n}, whatever N is", ALL_NUMBERS)
                  for n in (4, 8, 16)),
                ("dloss * 2 * weighted / N ** 2", "divided by N twice", "it is divided by N twice", ALL_NUMBERS),
                ("dloss * weighted * N / 2", "upside down", "it is multiplied by N / 2, not by 2 / N", ALL_NUMBERS),
                ("2 * weighted / N", "dloss ignored", "dloss has no effect", BY_DLOSS),
                ("dloss + 2 * weighted / N", "dloss added", "dloss was added, not multiplied", BY_DLOSS),
                ("dloss * 2 * weighted * weighted / N", "squared errors", "the errors are squared", WITH_SIGNS),
                ("dloss * 2 / N + 0 * weighted", "forgot the error", "the error is missing", SLOPE_OF_SQUARE),
                ("dloss * 2 * abs(weighted) / N", "size of the errors", "the signs of the errors are lost", WITH_SIGNS),
                ("dloss * 2 * mean(weighted)", "one number", "it is a mean: one number for all", ONE_SLOPE_EACH),
                ("-dloss * 2 * weighted / N", "sign", "its sign is wrong",
                 "A larger prediction makes the error larger, a larger target smaller. Did they change places?"),
            ),
        ),
        Formula(
            "-dprediction", target_gradient,
            ({"dprediction": SAMPLE_D, "weighted": 3 * SAMPLE_D, "dloss": 0.7},),
            said=(
                ("dprediction", "no minus for the target", "it is the same as dprediction",
                 "The target was subtracted: a larger target makes a smaller error."),
                ("0 * dprediction", "no gradient for the target", "it is zero",
                 "The loss depends on the target as well, even if nobody trains it."),
                (
                    "-weighted", "the error itself", "it is minus the weighted error",
                    "It is the negative of dprediction.",
                ),
                ("weighted", "the error itself", "it is the weighted error", "It is the negative of dprediction."),
            ),
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


def norm_and_limit(rng, about):
    """The square of a norm near the first number, and a limit near the second."""
    norm, limit = (float(number * rng.uniform(0.95, 1.05)) for number in about)
    return norm**2, limit


NORM = "The norm is the root of the sum of squares."
AT_MOST_1 = "Clipping only ever shortens: the factor is at most 1."
LONGER = "The longer the gradient, the smaller the factor."
LIMIT = "max_grad_norm is the longest that a gradient may be."

CLIP_SCALE = Exercise(
    "clip_scale", LESSON, "the factor that clips a gradient", ("scale",), clip_scale,
    trials=(
        Trial("short gradients", lambda rng: (0.04, 2.0)),
        by_hand(25.0, 2.0),
        Trial("no gradient", lambda rng: (0.0, 1.0)),
        Trial("random inputs", lambda rng: (float(20 + 100 * rng.random()), float(1 + rng.random())), SEEDS),
        *for_each(((0.1, 3.0), (0.3, 1.5)), norm_and_limit, "short gradients"),
        # limits of all sizes, and norms below and above 1 and the limit
        *for_each(
            ((0.7, 0.45), (1.5, 2.0), (0.5, 0.3), (0.5, 0.7), (4.0, 2.5), (2.0, 2.0), (0.02, 0.01), (30.0, 50.0)),
            norm_and_limit,
        ),
    ),
    slips=Slips(
        Formula(
            "min(1, limit / (squared ** 0.5 + 1e-6))",
            lambda wrong: lambda squared_norm, max_grad_norm: wrong(squared=squared_norm, limit=max_grad_norm),
            tuple({"squared": a, "limit": b} for a,
             b in ((0.04, 2.0), (25.0, 2.0), (0.3, 0.2), (2.25, 2.0), (2.0, 30.0))),
            said=(
                *(
                    (f"min(1, limit / {bottom})", "forgot the 1e-6",
                     "it is right to six digits only: 1e-6 should be added to the norm, outside the root",
                     "Without it, a gradient of zero divides by zero. In Python, 10⁻⁶ is 1e-6.")
                    for bottom in ("squared ** 0.5", "(squared + 1e-6) ** 0.5", "(squared ** 0.5 + 1e-8)",
                                   "(squared ** 0.5 + 1e-7)", "(squared ** 0.5 + 1e-12)", "(squared + 1e-8) ** 0.5")
                ),
                *(
                    (f"min(1, limit / (squared ** 0.5 + {other}))", "another number than 1e-6",
                     f"{other} was added to the norm, not 1e-6", "10⁻⁶ is 1e-6 in Python.")
                    for other in ("1e-5", "1e-4", "1e6", "1e-3")
                ),
                ("min(1, limit / squared ** 0.5 + 1e-6)", "brackets", "the 1e-6 was added to the fraction",
                 "It belongs to the norm: brackets around the denominator."),
                ("min(1, limit / (squared + 1e-6))", "forgot the root", "it was made with the squared norm", NORM),
                (
                    "min(1, limit / (squared ** 2 + 1e-6))", "forgot the root", "the squared norm was squared again",
                    NORM,
                ),
                (
                    "min(1, limit ** 2 / (squared + 1e-6))", "squares",
                    "it was made of squares: it is the factor squared", NORM,
                ),
                ("min(1, limit / (squared + 1e-6)) ** 0.5", "brackets", "the root was taken of the fraction", NORM),
                *(
                    (f"min({most}, limit / (squared ** 0.5 + 1e-6))", "lengthens short gradients",
                     "a short gradient was made longer", AT_MOST_1)
                    for most in ("1e300", "limit", "2", "10")
                ),
                (
                    "max(1, limit / (squared ** 0.5 + 1e-6))", "max instead of min", "it is the larger of the two",
                    AT_MOST_1,
                ),
                ("min(1, squared ** 0.5 / limit)", "upside down", "the fraction is upside down", LONGER),
                ("min(1, (squared ** 0.5 + 1e-6) / limit)", "upside down", "the fraction is upside down", LONGER),
                ("min(squared ** 0.5, limit)", "the norm itself", "it is the length after clipping",
                 "What is asked for is the factor that the gradient is multiplied by."),
                (
                    "max(1, (squared ** 0.5 + 1e-6) / limit)", "inverse of it",
                    "it is what the gradient should be divided by", "Return the factor that it is multiplied by.",
                ),
                ("min(1, 1 / (squared ** 0.5 + 1e-6))", "limit ignored", "max_grad_norm has no effect", LIMIT),
                ("limit / (squared ** 0.5 + 1e-6) if squared ** 0.5 > 1 else 1.0", "compared with 1",
                 "the norm was compared with 1, not with max_grad_norm", LIMIT),
                ("limit / (squared ** 0.5 + 1e-6) if squared > limit else 1.0", "squared norm compared",
                 "the squared norm was compared with max_grad_norm", NORM),
                ("min(1, limit // (squared ** 0.5 + 1e-6))", "all or nothing", "it is 1 or 0, and nothing in between",
                 "A long gradient is shortened, not left out; and `//` drops what comes after the point."),
                ("min(1, limit)", "the norm ignored", "the norm has no effect", LONGER),
                ("min(1, limit - squared ** 0.5)", "subtracted", "the norm was subtracted, not divided by", LONGER),
            ),
        ),
    ),
    difficulty=1, minutes=4,
)  # fmt: skip

# ---------------------------------------------------------------------------------------------------- 11.6 AdamW


LINES = {  # of AdamW, in order; `s` holds the arguments, the settings by their names, and the lines before
    "g": lambda s: s.grads * s.grad_scale,
    "new_m": lambda s: s.beta1 * s.m + (1 - s.beta1) * s.g,
    "new_v": lambda s: s.beta2 * s.v + (1 - s.beta2) * s.g**2,
    "mean": lambda s: s.new_m / (1 - s.beta1**s.step),
    "square": lambda s: s.new_v / (1 - s.beta2**s.step),
    "move": lambda s: s.mean / (np.sqrt(s.square) + s.eps),
    "new_params": lambda s: s.params - s.rate * (s.move + s.decay * s.params),
}


def known(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    """What the lines can use."""
    return SimpleNamespace(
        params=params, grads=grads, m=m, v=v, step=step, rate=learning_rate, grad_scale=grad_scale,
        beta1=settings.beta1, beta2=settings.beta2, eps=settings.eps, decay=settings.weight_decay,
    )  # fmt: skip


def adamw_with(keep=lambda s: (s.new_params, s.new_m, s.new_v), **other):
    """AdamW on copies, with some of its lines replaced. Returns params, m, v, or what `keep` says is left of them."""

    def update(*inputs):
        s = known(*inputs)
        for name, line in (LINES | other).items():
            setattr(s, name, line(s))
        return keep(s)

    return update


def adamw_line(name):
    """A slip in one line, by a formula."""
    return lambda wrong: adamw_with(**{name: lambda s: wrong(**vars(s))})


def adamw_update(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    """Returns params, m and v after the step, (n,) each."""
    params, m, v = params.copy(), m.copy(), v.copy()
    reference.adamw_update(params, grad_scale * grads, m, v, step, learning_rate, **vars(settings))
    return params, m, v


EASY = AdamWSettings(beta1=0.5, beta2=0.96, eps=0.0)
FULL = AdamWSettings(beta1=0.9, beta2=0.99, eps=0.02, weight_decay=0.3)
OTHER = AdamWSettings(beta1=0.6, beta2=0.8, eps=0.3, weight_decay=0.05)
PLAIN = AdamWSettings(beta1=0.8, beta2=0.95, eps=1e-3)
FIRST = (np.array([1.0, 2.0, -3.0]), np.array([4.0, -0.5, 100.0]), np.zeros(3), np.zeros(3), 1, 0.25, EASY)


def betas_swapped(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    """AdamW with β₁ and β₂ exchanged."""
    other = replace(settings, beta1=settings.beta2, beta2=settings.beta1)
    return adamw_update(params, grads, m, v, step, learning_rate, other, grad_scale)


def settings_typed_in(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    """AdamW with usual settings."""
    usual = replace(settings, beta1=0.9, beta2=0.999, eps=1e-8)
    return adamw_update(params, grads, m, v, step, learning_rate, usual, grad_scale)


def first_step(rng):
    """Moments that are still zero. Each parameter moves by the learning rate, whatever the size of its gradient."""
    return FIRST


def some_step(rng, case):
    """Any step: its number, how many parameters, the settings; a weight decay and a grad_scale, or none.

    One gradient is so small that any eps matters.
    """
    step, n, settings, scaled = case
    grads, m, v = rng.normal(size=n), 0.3 * rng.normal(size=n), rng.random(n)
    grads[-1:], m[-1:], v[-1:] = 1e-6 * grads[-1:], 1e-6 * m[-1:], 1e-12 * v[-1:]
    scale = (float(rng.uniform(0.4, 0.6)),) if scaled else ()
    return rng.normal(size=n), grads, m, v, step, float(rng.uniform(0.03, 0.3)), settings, *scale


STEPS = ((7, 6, FULL, True), (3, 5, OTHER, False), (1, 4, FULL, True), (50, 7, PLAIN, False), (2, 1, OTHER, True))
ADAM_NAMES = {"sign": np.sign, "total": np.sum, "average": np.mean}


def adamw_example(case):
    """All that the lines compute, of random inputs."""
    s = known(*some_step(np.random.default_rng(LESSON), case))
    for name, line in LINES.items():
        setattr(s, name, line(s))
    return vars(s)


ADAM_EXAMPLES = tuple(map(adamw_example, (STEPS[0], STEPS[1])))


def line(name, text, *said, **more):
    """The Formula of a line."""
    return Formula(text, adamw_line(name), ADAM_EXAMPLES, ADAM_NAMES, said, **more)


def write(name):
    """A sentence about what isn't written."""
    return f"`{name} = …` makes a new array. Write into the old one: `{name}[...] = …`, or `{name} -= …`."


OWN_BETA = "Each mean is corrected with its own β, to the power of the step."
START_AT_ZERO = "After the first step, m is only (1 − β₁) times the gradient: divide by 1 − β₁^step."
RUNNING = "A running mean is β times the old one plus 1 − β times the new number."
ROOT_FIRST = "Take the root first, then add eps."
BOTTOM = "The step divides by the root of the mean square, plus eps."
SHRINKS = "Each parameter shrinks by learning_rate · weight_decay of itself."
OF_GRADIENTS = "v is the running mean of the gradient's squares."
BEFORE_ALL = "Multiply the gradient with it before anything else."

ADAMW = Exercise(
    "adamw_update", LESSON, "a step of AdamW, in place", ("params", "m", "v"), adamw_update,
    trials=(
        Trial("first step", first_step),
        by_hand(  # the second step, after gradients of 4 and -2 in the first
            np.array([1.0, 2.0]), np.array([-4.0, 2.0]), np.array([2.0, -1.0]), np.array([0.64, 0.16]), 2, 0.3, EASY
        ),
        *for_each(STEPS, some_step, seeds=2),
    ),
    slips=Slips(
        Slip(
            "nothing changed", adamw_with(lambda s: (s.params, s.m, s.v)), "nothing was written into it",
            write("params"),
        ),
        Slip(
            "moments not kept", adamw_with(lambda s: (s.new_params, s.m, s.v)), "nothing was written into it",
            write("m"),
        ),
        Slip(
            "moments not kept", adamw_with(lambda s: (s.new_params, s.new_m, s.v)), "nothing was written into it",
            write("v"),
        ),
        Slip("params not kept", adamw_with(lambda s: (s.params, s.new_m, s.new_v)), "nothing was written into it",
             write("params")),
        Slip(
            "corrected means kept", adamw_with(lambda s: (s.new_params, s.mean, s.square)),
            "it holds the corrected mean", "The correction is for this step alone: m and v stay as they are.",
        ),
        Slip("no bias correction", adamw_with(mean=lambda s: s.new_m, square=lambda s: s.new_v),
             "the two means were not corrected for their start at zero", START_AT_ZERO),
        Slip(
            "step one too far",
            adamw_with(mean=lambda s: s.new_m / (1 - s.beta1 ** (s.step + 1)),
                       square=lambda s: s.new_v / (1 - s.beta2 ** (s.step + 1))),
            "the correction is that of the next step", "step counts from 1 already: use it as it is.",
        ),
        Slip(
            "step one too early",
            adamw_with(mean=lambda s: s.new_m / (1 - s.beta1 ** (s.step - 1)),
                       square=lambda s: s.new_v / (1 - s.beta2 ** (s.step - 1))),
            "the correction is that of the step before", "step counts from 1 already: use it as it is.",
        ),
        Slip(
            "correction without the step",
            adamw_with(mean=lambda s: s.new_m / (1 - s.beta1), square=lambda s: s.new_v / (1 - s.beta2)),
            "the correction is that of the first step", "Divide by 1 − β to the power of the step.",
        ),
        Slip(
            "forgot 1 − β",
            adamw_with(new_m=lambda s: s.beta1 * s.m + s.g, new_v=lambda s: s.beta2 * s.v + s.g**2),
            "the new gradient counts too much", RUNNING,
        ),
        Slip(
            "β and 1 − β swapped",
            adamw_with(new_m=lambda s: (1 - s.beta1) * s.m + s.beta1 * s.g,
                       new_v=lambda s: (1 - s.beta2) * s.v + s.beta2 * s.g**2),
            "β and 1 − β have changed places", RUNNING,
        ),
        Slip(
            "betas swapped", betas_swapped, "β₁ and β₂ have changed places",
            "β₁ belongs to the mean of the gradient, β₂ to that of its square.",
        ),
        Slip(
            "settings typed in", settings_typed_in, "the settings have no effect: usual values were typed in",
            "Take beta1, beta2 and eps from `settings`.",
        ),
        Slip("weight decay in the gradient",
             adamw_with(g=lambda s: s.grads * s.grad_scale + s.decay * s.params,
                        new_params=lambda s: s.params - s.rate * s.move),
             "the weight decay was added to the gradient",
             "That is Adam with L2. In AdamW the decay acts on the parameters alone: hence the W."),
        Slip(
            "old means",
            adamw_with(mean=lambda s: s.m / (1 - s.beta1**s.step), square=lambda s: s.v / (1 - s.beta2**s.step)),
            "the step was taken with the old m and v", "First the two means, then the step.",
        ),
        Slip("every step the first", adamw_with(move=lambda s: s.g / (np.abs(s.g) + s.eps)),
             "the step was taken as if it were the first",
             "Only at the first step is the corrected mean the gradient itself."),
        Slip("grad_scale in m only", adamw_with(new_v=lambda s: s.beta2 * s.v + (1 - s.beta2) * s.grads**2),
             "grad_scale is missing in v", BEFORE_ALL),
        Slip("grad_scale in v only", adamw_with(new_m=lambda s: s.beta1 * s.m + (1 - s.beta1) * s.grads),
             "grad_scale is missing in m", BEFORE_ALL),
        line(
            "g", "grads * grad_scale",
            ("grads", "grad_scale ignored", "grad_scale has no effect", BEFORE_ALL),
            ("grads / grad_scale", "divided by grad_scale", "the gradient is divided by grad_scale", BEFORE_ALL),
        ),
        line(
            "new_m", "beta1 * m + (1 - beta1) * g",
            ("beta1 * m + g", "forgot 1 − β", "the new gradient counts too much", RUNNING),
            ("m + (1 - beta1) * g", "old mean not faded", "the old mean was not made smaller", RUNNING),
            ("(1 - beta1) * g", "old mean forgotten", "the old mean has no effect", RUNNING),
            ("(1 - beta1) * m + beta1 * g", "β and 1 − β swapped", "β₁ and 1 − β₁ have changed places", RUNNING),
            ("beta2 * m + (1 - beta2) * g", "betas swapped", "β₂ stands where β₁ should",
             "β₁ belongs to the mean of the gradient, β₂ to that of its square."),
            ("beta1 * m + (1 - beta1) * g ** 2", "m of squares", "the gradient was squared",
             "m is the mean of the gradient, v that of its square."),
            ("beta1 * m - (1 - beta1) * g", "sign of a term", "the gradient is subtracted", RUNNING),
            also=("params", "v", "beta2"),
        ),
        line(
            "new_v", "beta2 * v + (1 - beta2) * g ** 2",
            ("beta2 * v + g ** 2", "forgot 1 − β", "the new gradient counts too much", RUNNING),
            ("v + (1 - beta2) * g ** 2", "old mean not faded", "the old mean was not made smaller", RUNNING),
            ("(1 - beta2) * g ** 2", "old mean forgotten", "the old mean has no effect", RUNNING),
            ("(1 - beta2) * v + beta2 * g ** 2", "β and 1 − β swapped", "β₂ and 1 − β₂ have changed places", RUNNING),
            ("beta1 * v + (1 - beta1) * g ** 2", "betas swapped", "β₁ stands where β₂ should",
             "β₁ belongs to the mean of the gradient, β₂ to that of its square."),
            ("beta2 * v + (1 - beta2) * g", "forgot the square", "the gradient was not squared", OF_GRADIENTS),
            ("beta2 * v + (1 - beta2) * abs(g)", "forgot the square", "there is |g| for g²", OF_GRADIENTS),
            ("beta2 * v + ((1 - beta2) * g) ** 2", "1 − β₂ squared", "1 − β₂ is squared as well", OF_GRADIENTS),
            ("beta2 * v + (1 - beta2) * total(g ** 2)", "one v for all", "the squares of all parameters were added up",
             "Each parameter has a v of its own."),
            (
                "beta2 * v + (1 - beta2) * average(g ** 2)", "one v for all",
                "the squares of all parameters were averaged", "Each parameter has a v of its own.",
            ),
            ("beta2 * v + (1 - beta2) * new_m ** 2", "v of m²", "it is made of m², not of g²", OF_GRADIENTS),
            ("beta2 * v + (1 - beta2) * m ** 2", "v of m²", "it is made of the old m², not of g²", OF_GRADIENTS),
            (
                "beta2 * v + (1 - beta2) * (g - new_m) ** 2", "a variance",
                "it is made of (g − m)², as for a variance", OF_GRADIENTS,
            ),
            also=("params", "m", "beta1"),
        ),
        line(
            "mean", "new_m / (1 - beta1 ** step)",
            ("new_m", "only v corrected", "m was not corrected", "Both means start at zero, so both are divided."),
            (
                "new_m / (1 - beta1)", "correction without the step",
                "m was corrected with β₁, without the power of the step", OWN_BETA,
            ),
            (
                "new_m / (1 - beta1 * step)", "times the step",
                "β₁ was multiplied by the step, not raised to its power", OWN_BETA,
            ),
            ("new_m / (1 - beta1) ** step", "brackets", "the power was taken of 1 − β₁", OWN_BETA),
            (
                "new_m * (1 - beta1 ** step)", "multiplied by the correction", "m was multiplied by 1 − β₁^step",
                START_AT_ZERO,
            ),
            ("new_m / (1 + beta1 ** step)", "sign of a term", "m was divided by 1 + β₁^step", OWN_BETA),
            ("new_m / (1 - beta2 ** step)", "same correction for both", "m was corrected with β₂", OWN_BETA),
            ("new_m / (1 - beta1 ** (step + 1))", "step one too far", "the correction of m is that of the next step",
             "step counts from 1 already: use it as it is."),
            also=("beta2", "m", "v", "g"),
        ),
        line(
            "square", "new_v / (1 - beta2 ** step)",
            ("new_v", "only m corrected", "v was not corrected", "Both means start at zero, so both are divided."),
            (
                "new_v / (1 - beta2)", "correction without the step",
                "v was corrected with β₂, without the power of the step", OWN_BETA,
            ),
            (
                "new_v / (1 - beta2 * step)", "times the step",
                "β₂ was multiplied by the step, not raised to its power", OWN_BETA,
            ),
            ("new_v / (1 - beta2) ** step", "brackets", "the power was taken of 1 − β₂", OWN_BETA),
            (
                "new_v * (1 - beta2 ** step)", "multiplied by the correction", "v was multiplied by 1 − β₂^step",
                START_AT_ZERO,
            ),
            ("new_v / (1 - beta1 ** step)", "same correction for both", "v was corrected with β₁", OWN_BETA),
            ("new_v / (1 - beta2 ** (step + 1))", "step one too far", "the correction of v is that of the next step",
             "step counts from 1 already: use it as it is."),
            also=("beta1", "v", "m", "g"),
        ),
        line(
            "move", "mean / (sqrt(square) + eps)",
            ("mean / sqrt(square + eps)", "eps beneath the root", "eps was added beneath the root", ROOT_FIRST),
            ("mean / sqrt(square + eps ** 2)", "eps beneath the root", "eps² was added beneath the root", ROOT_FIRST),
            ("mean / (square + eps)", "forgot the root", "the root is missing", BOTTOM),
            ("mean / sqrt(square)", "no eps", "eps is missing", ROOT_FIRST),
            *((f"mean / (sqrt(square) + {eps})", "eps typed in", f"{eps} was added, whatever eps is",
             "Take settings.eps.")
              for eps in ("1e-8", "1e-6")),
            (
                "mean / sqrt(square) + eps", "brackets", "eps was added to the fraction",
                "It belongs to the denominator.",
            ),
            ("sign(mean)", "only the sign", "only the sign of m is used", BOTTOM),
            ("mean * (sqrt(square) + eps)", "multiplied by the root", "m was multiplied, not divided", BOTTOM),
            ("new_m / (sqrt(square) + eps)", "only v corrected", "m was not corrected",
             "Both means start at zero, so both are divided."),
            ("mean / (sqrt(new_v) + eps)", "only m corrected", "v was not corrected",
             "Both means start at zero, so both are divided."),
            ("1 / mean / (sqrt(square) + eps)", "upside down", "the fraction is upside down", BOTTOM),
            ("mean", "not divided by the root", "m was not divided by the root of v", BOTTOM),
            ("g / (sqrt(square) + eps)", "gradient for its mean", "the gradient stands where its mean should", BOTTOM),
            ("mean * sqrt(1 - beta2 ** step) / (sqrt(new_v) + eps)", "eps before the correction",
             "eps was added before v was corrected", "Correct v first, then take the root and add eps."),
            also=("new_m", "new_v", "g"),
        ),
        line(
            "new_params", "params - rate * (move + decay * params)",
            ("params", "params not kept", "nothing was written into it", write("params")),
            ("params - rate * move", "weight decay forgotten", "there is no weight decay",
             "Each parameter also shrinks by learning_rate · weight_decay of itself."),
            ("params - rate * move - decay * params", "weight decay without learning rate",
             "the weight decay lacks the learning rate", SHRINKS),
            (
                "params - rate * (move - decay * params)", "sign of the weight decay",
                "the weight decay has the wrong sign", SHRINKS,
            ),
            ("params - rate * (move + decay)", "weight decay without params", "the weight decay lacks params", SHRINKS),
            ("(params - rate * move) * (1 - rate * decay)", "decay of the moved parameters",
             "the decay was taken of the parameters after their step", "It is taken of params as they were."),
            ("params * (1 - rate * decay) - rate * (move + decay * params * (1 - rate * decay))", "weight decay twice",
             "the weight decay is there twice", SHRINKS),
            (
                "params - rate * move - 2 * rate * decay * params", "weight decay twice",
                "the weight decay is there twice", SHRINKS,
            ),
            ("params + rate * (move + decay * params)", "uphill", "the step goes uphill, and the parameters grow",
             "The gradient points to a larger loss: subtract."),
            ("params + rate * (move - decay * params)", "uphill", "the step goes uphill",
             "The gradient points to a larger loss: subtract."),
            (
                "params - (move + decay * params)", "learning rate forgotten", "the learning rate is missing",
                "Both parts have it.",
            ),
            (
                "params - move - rate * decay * params", "learning rate forgotten",
                "the learning rate is missing in the step", "Both parts have it.",
            ),
            *((f"params - {rate} * (move + decay * params)", "learning rate typed in",
             f"{rate} stands for the learning rate",
               "Take learning_rate.") for rate in ("0.001", "0.01", "0.1")),
            (
                "-rate * (move + decay * params)", "the step alone",
                "it is the step alone: the old parameters are missing", "The step is added to what was there.",
            ),
        ),
    ),
    difficulty=3, minutes=15, in_place=(0, 2, 3),
)  # fmt: skip


# ------------------------------------------------------------------------------------------ 11.7 moving average

def average_and_params(rng, case):
    """Random averages and parameters, and decay."""
    n, decay = case
    return rng.normal(size=n), rng.normal(size=n), decay


ADD_UP = "The two weights, decay and 1 − decay, add up to 1."

EMA = Exercise(
    "ema_update", LESSON, "the moving average of the parameters, in place", ("average",),
    lambda average, params, decay: decay * average + (1 - decay) * params,
    trials=(
        by_hand(np.array([0.0, 4.0, -2.0]), np.array([4.0, 4.0, 2.0]), 0.75),
        *for_each(((6, 0.9), (5, 0.6), (1, 0.99), (7, 0.0), (3, 0.999)), average_and_params, seeds=2),
    ),
    slips=Slips(
        Formula(
            "decay * average + (1 - decay) * params", lambda wrong: lambda average, params, decay: wrong(
                average=average, params=params, decay=decay
            ),
            ({"average": np.array([0.0, 4.0, -2.0, 1.0]), "params": np.array([4.0, 4.0, 2.0, -3.0]), "decay": 0.7},),
            {"mean": np.mean},
            forms=("average + (1 - decay) * (params - average)",),
            said=(
                (
                    "average", "nothing changed", "nothing was written into it",
                    "`average = …` makes a new array. Write into the old one: `average[...] = …`, or `average += …`.",
                ),
                ("decay * params + (1 - decay) * average", "decay and 1 − decay swapped",
                 "decay and 1 − decay have changed places",
                 "A decay near 1 means a long memory: the average hardly moves."),
                ("average + (1 - decay) * params", "old average not faded", "the old average was not made smaller",
                 "The two weights must add up to 1: shrink the old average too."),
                ("average - (1 - decay) * (params - average)", "away from the parameters", "it moved away from params",
                 "The average goes a small part of the way *towards* them."),
                ("decay * average - (1 - decay) * params", "params subtracted", "params were subtracted", ADD_UP),
                ("params", "a copy", "it is a copy of params", "It goes only a part of the way."),
                ("decay * average + params", "forgot 1 − decay", "params were not multiplied by 1 − decay", ADD_UP),
                ("decay * average + decay * params", "decay for both", "both were multiplied by decay", ADD_UP),
                ("decay * average + (1 + decay) * params", "1 + decay", "params were multiplied by 1 + decay", ADD_UP),
                ("decay * average + 1 - decay * params", "brackets", "it is decay · average + 1 − decay · params",
                 "Products come before sums: 1 − decay needs brackets."),
                ("(average + params) / 2", "a plain mean", "it is the plain mean of the two: decay has no effect",
                 "decay says how much of the old average stays."),
                *((f"{decay} * average + (1 - {decay}) * params", "decay typed in",
                 f"decay is {decay}, whatever is given",
                   "Take the argument.") for decay in ("0.999", "0.99", "0.9", "0.9999")),
                ("decay * average", "params missing", "params are missing", ADD_UP),
                ("(1 - decay) * params", "average missing", "the old average is missing", ADD_UP),
                ("decay * average + (1 - decay) * mean(params)", "mean of params", "all got the mean of params",
                 "Each parameter has an average of its own."),
            ),
        ),
    ),
    difficulty=1, minutes=4, in_place=(0,),
)  # fmt: skip

EXERCISES = (LOSS_GRADIENT, RED_GRADIENTS, MSE_FORWARD, MSE_BACKWARD, CLIP_SCALE, ADAMW, EMA)
