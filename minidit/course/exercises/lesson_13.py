"""Lesson 13: the visual decoder, and how encoder and decoder were trained."""

from functools import partial

import numpy as np

from minidit import layers
from minidit.course.exercise import Exercise, Numbers, Slip, all_alone, at_random, by_hand, for_each
from minidit.worksheet import solve

# B = patches (any leading axes), C = latent channels; N = clips; f, r, c = their frames, rows, columns of patches;
# K = cells of a window

LESSON = 13
SHEET = solve()
WEIGHT, BIAS = SHEET.weights.decoder_weight, SHEET.weights.decoder_bias

# ------------------------------------------------------------------------------------------------ 13.1 by hand


def decoded(latent, bias=BIAS):
    """The worksheet's decoder."""
    return np.maximum(WEIGHT @ latent + bias, 0)


def explain_step_13(index):
    """How to compute an entry."""
    row, column = index
    return (
        f"Row {row} of W times column {column} of the denoised latent, two products, then entry {row} of b. "
        "Last comes the ReLU: what is negative becomes 0, all else stays."
    )


STEP_13 = Numbers(
    "step_13_patches", LESSON, "the decoded patches on the worksheet", lambda: SHEET.decoded, explain_step_13,
    slips=(
        Slip(
            "forgot the ReLU", lambda: SHEET.decoder_before_relu, "this is W · z + b, before the ReLU",
            "A pixel can't be darker than black: what is negative becomes 0.",
        ),
        Slip(
            "forgot the bias", lambda: decoded(SHEET.denoised, 0 * BIAS), "b is missing",
            "Add −3 to every number of the product, before the ReLU.",
        ),
        Slip(
            "subtracted the bias", lambda: decoded(SHEET.denoised, -BIAS), "b was subtracted",
            "It is added, and it is negative.",
        ),
        Slip(
            "bias in one column only", lambda: decoded(SHEET.denoised, np.pad(BIAS, ((0, 0), (0, 3)))),
            "b was added to the first patch only", "One bias serves every patch.",
        ),
        Slip(
            "bias after the ReLU", lambda: np.maximum(WEIGHT @ SHEET.denoised, 0) + BIAS, "b was added after the ReLU",
            "The ReLU comes last.",
        ),
        Slip(
            "the conditioned latent", lambda: decoded(SHEET.as_told), "this is decoded from the conditioned latent",
            "Take the denoised latent of step 12: noised minus predicted noise.",
        ),
        Slip(
            "the true latent", lambda: decoded(SHEET.latent), "these are the patches of the true video",
            "They would come from a perfect prediction. Take the denoised latent as it is.",
        ),
        Slip(
            "the noised latent", lambda: decoded(SHEET.noised), "this is decoded from the noised latent",
            "Take the denoised latent of step 12.",
        ),
        Slip(
            "lost minus sign", lambda: np.maximum(np.abs(WEIGHT) @ SHEET.denoised + BIAS, 0),
            "the −1 of W was read as a 1", "The last row of W is −1 and 1.",
        ),
        Slip(
            "absolute value", lambda: np.abs(SHEET.decoder_before_relu), "a negative number lost its sign",
            "A ReLU makes it 0.",
        ),
        Slip(
            "rows of the latent swapped", lambda: decoded(SHEET.denoised[::-1]),
            "the two rows of the denoised latent have changed places",
            "The first number of a row of W belongs to the first row.",
        ),
        Slip(
            "bias in one row only", lambda: decoded(SHEET.denoised, BIAS * [[1], [0], [0], [0]]),
            "b was added to the first row only", "Every row has its own entry of b.",
        ),
        Slip(
            "put together already", lambda: SHEET.generated, "these are the patches, put together already",
            "That is step 14. Type each patch as a column.",
        ),
    ),
    difficulty=1, minutes=5,
)  # fmt: skip

# --------------------------------------------------------------------------------- 13.2 and 13.4 a sample of a Gaussian


def reparameterize_forward(mean, log_variance, noise):
    """z = mean + std · noise, and the cache (std · noise,)."""
    deviation = np.exp(0.5 * log_variance) * noise
    return mean + deviation, (deviation,)


def sample_with(std):
    """`reparameterize_forward` with a different standard deviation."""

    def wrong(mean, log_variance, noise):
        deviation = std(log_variance) * noise
        return mean + deviation, (deviation,)

    return wrong


def kept(what):
    """`reparameterize_forward` with a right z, and something else in the cache."""
    return lambda mean, log_variance, noise: (
        reparameterize_forward(mean, log_variance, noise)[0], (what(mean, log_variance, noise),)
    )  # fmt: skip


SIZES = ((2, 4, 3), (5,), (1, 3), (4, 1), (2, 1, 4, 3, 5))  # of arrays with any number of axes
LIMITS = ((-10, 10), (-5, 5), (-20, 20), (-30, 20), (-np.inf, 0), (0, np.inf))  # that others put on the log variance


def some_gaussians(rng, size=SIZES[0]):
    """mean, log variance and noise."""
    return tuple(rng.normal(size=size) for _ in range(3))


def narrow_and_wide(rng, sign):
    """mean, log variance of a great size and this sign, and noise."""
    mean, log, noise = some_gaussians(rng)
    return mean, sign * (33 + log), noise


def within(function, low, high):
    """A function of mean and log variance, with limits on the latter."""
    return lambda mean, log, *noise: function(mean, np.clip(log, low, high), *noise)


UNLIMITED = "The formula holds for every log variance: it has no limits."


HAND_MEAN = np.array([[1.0, -2.0, 0.0], [3.0, 0.0, 2.0]])
HAND_LOG = np.log(np.array([[4.0, 1.0, 0.25], [1.0, 9.0, 4.0]]))  # standard deviations 2, 1, ½, 1, 3, 2
HAND_NOISE = np.array([[1.0, -1.0, 2.0], [0.0, 1.0, -2.0]])

AN_EXPONENT = "std = e^(log variance / 2)."

REPARAMETERIZE_FORWARD = Exercise(
    "reparameterize_forward", LESSON, "a sample of a Gaussian", ("z", "cache"), reparameterize_forward,
    trials=(
        by_hand(HAND_MEAN, HAND_LOG, HAND_NOISE), *for_each(SIZES, some_gaussians), at_random(some_gaussians),
        *for_each((1, -1), narrow_and_wide, "large numbers"),
    ),
    slips=(
        Slip(
            "variance for deviation", sample_with(np.exp), "the noise was multiplied by the variance",
            "It is the standard deviation that noise is measured in: the root of the variance.",
        ),
        Slip(
            "logarithm for deviation", sample_with(lambda log: log), "the noise was multiplied by the log variance",
            "Undo the logarithm first.",
        ),
        Slip(
            "half the logarithm", sample_with(lambda log: 0.5 * log),
            "the noise was multiplied by half the log variance",
            "That is the logarithm of the standard deviation. Undo the logarithm.",
        ),
        Slip(
            "wrong sign", sample_with(lambda log: np.exp(-0.5 * log)), "the noise was divided by the deviation",
            "A large variance spreads the samples; it doesn't gather them.",
        ),
        Slip(
            "half of the variance", sample_with(lambda log: 0.5 * np.exp(log)),
            "the noise was multiplied by half the variance",
            "The ½ belongs into the exponent: it makes the root.",
        ),
        Slip(
            "root of the logarithm", sample_with(lambda log: np.sqrt(np.abs(log))),
            "the noise was multiplied by the root of the log variance", "Undo the logarithm first.",
        ),
        Slip(
            "root of the logarithm", sample_with(np.sqrt), "the noise was multiplied by the root of the log variance",
            "A logarithm may be negative. Undo it first.",
        ),
        Slip(
            "variance squared", sample_with(lambda log: np.exp(2 * log)),
            "the noise was multiplied by the square of the variance", "The root of eᵘ is e to the half of u.",
        ),
        Slip(
            "exponent cut off", sample_with(lambda log: np.exp(log // 2)), "the exponent was cut to a whole number",
            "`//` cuts off what comes after the point. / keeps it.",
        ),
        Slip(
            "logarithm without its sign", sample_with(lambda log: np.exp(np.abs(log) / 2)),
            "the log variance has lost its sign", "A variance below 1 has a negative logarithm.",
        ),
        *(
            Slip("another exponent", sample_with(std), f"the noise was multiplied by {text}", AN_EXPONENT)
            for std, text in (
                (lambda log: np.exp(-log), "e to minus the log variance"),
                (lambda log: np.exp(0.25 * log), "e to a quarter of the log variance"),
                (lambda log: np.exp(0.5 + log), "e to the log variance plus ½"),
                (lambda log: 2 ** (0.5 * log), "a power of 2, not of e"),
                (lambda log: 10 ** (0.5 * log), "a power of 10, not of e"),
                (lambda log: np.expm1(0.5 * log), "the deviation − 1"),
                (lambda log: 1 + np.exp(0.5 * log), "the deviation + 1"),
                (lambda log: np.exp(0.5 * log) / 2, "half of the deviation"),
                (lambda log: np.sqrt(np.exp(log) + 1e-6), "the root of the variance + 10⁻⁶"),
                (lambda log: np.log1p(np.exp(log)), "the softplus of the log variance"),
            )
        ),
        *(
            Slip(
                "the mean scaled", scaled, says, "z = mean + std · noise: the mean is added as it is.",
            )
            for scaled, says in (
                (
                    lambda mean, log, noise: (mean * noise + np.exp(0.5 * log), (np.exp(0.5 * log),)),
                    "the mean was multiplied by the noise, and the deviation added",
                ),
                (
                    lambda mean, log, noise: (np.exp(0.5 * log) * (mean + noise), (np.exp(0.5 * log) * noise,)),
                    "the mean was multiplied by the deviation, too",
                ),
            )
        ),
        Slip(
            "½ outside", sample_with(lambda log: np.exp(0.5) * log),
            "the noise was multiplied by e^½ times the log variance", "The log variance belongs into the exponent.",
        ),
        Slip(
            "an approximation", sample_with(lambda log: 1 + log / 2),
            "1 + half the log variance stands for the exponential", "That is near it for small numbers only.",
        ),
        *(
            Slip(
                "log variance limited", within(reparameterize_forward, *ends),
                "the log variance was limited to {} and {}".format(*ends), UNLIMITED,
            )
            for ends in LIMITS
        ),
        Slip(
            "minus", lambda mean, log, noise: (mean - np.exp(0.5 * log) * noise, (np.exp(0.5 * log) * noise,)),
            "the deviation was subtracted", "z = mean + std · noise.",
        ),
        Slip(
            "minus", lambda mean, log, noise: reparameterize_forward(mean, log, -noise),
            "the deviation was subtracted", "z = mean + std · noise.",
        ),
        *(
            Slip(
                "the mean scaled", lambda mean, log, noise, keep=keep: (
                    mean * np.exp(0.5 * log) + noise, (keep(mean, noise) * np.exp(0.5 * log),)
                ),
                "it is the mean that was multiplied by the deviation", "z = mean + std · noise.",
            )
            for keep in (lambda mean, noise: mean, lambda mean, noise: noise)
        ),
        Slip(
            "noise added", lambda mean, log, noise: (
                mean + np.exp(0.5 * log) + noise, (np.exp(0.5 * log) + noise,)
            ),
            "the deviation and the noise were added", "The noise is multiplied by the deviation.",
        ),
        Slip(
            "variance one", sample_with(np.ones_like), "the noise was not scaled at all",
            "Each number has a standard deviation of its own.",
        ),
        Slip(
            "forgot the mean",
            lambda mean, log_variance, noise: reparameterize_forward(0 * mean, log_variance, noise),
            "the mean is missing", "The samples lie around the mean.",
        ),
        Slip(
            "forgot the noise",
            lambda mean, log_variance, noise: (mean + np.exp(0.5 * log_variance), (np.exp(0.5 * log_variance),)),
            "the noise is missing", "Without noise it is not a sample, but always the same number.",
        ),
        Slip(
            "noise on the mean too",
            lambda mean, log_variance, noise: (
                (mean + np.exp(0.5 * log_variance)) * noise, (np.exp(0.5 * log_variance) * noise,)
            ),
            "the mean was multiplied by the noise, too", "The noise comes on top of the mean.",
        ),
        Slip(
            "kept the deviation alone", kept(lambda mean, log, noise: np.exp(0.5 * log)),
            "it is the standard deviation, without the noise", "Keep the product: the backward needs both factors.",
        ),
        Slip(
            "kept the noise", kept(lambda mean, log, noise: noise), "it is the noise alone",
            "Keep the deviation times the noise: the backward needs both factors.",
        ),
        Slip(
            "kept z", kept(lambda *inputs: reparameterize_forward(*inputs)[0]), "it is z, with the mean in it",
            "Keep what was added to the mean.",
        ),
    ),
    difficulty=1, minutes=6,
)  # fmt: skip


def reparameterize_backward(dz, cache):
    """dmean and dlog_variance."""
    return dz, 0.5 * dz * cache[0]


AN_EXPONENTIAL = "The cache holds std · noise: that is e^(u/2) · noise already."


def gradient_and_deviation(rng, size=SIZES[0]):
    """dz and the cache."""
    return rng.normal(size=size), (rng.normal(size=size),)


REPARAMETERIZE_BACKWARD = Exercise(
    "reparameterize_backward", LESSON, "backward through a sample", ("dmean", "dlog_variance"), reparameterize_backward,
    trials=(
        by_hand(
            np.array([[1.0, 2.0, -4.0], [3.0, -2.0, 1.0]]),
            reparameterize_forward(HAND_MEAN, HAND_LOG, HAND_NOISE)[1],
        ),
        *for_each(SIZES, gradient_and_deviation), at_random(gradient_and_deviation),
    ),
    slips=all_alone(reparameterize_backward, (
        Slip(
            "forgot the ½", lambda dz, cache: (dz, dz * cache[0]), "it is 2 times too large: the ½ is missing",
            "The log variance stands under a ½ in the exponent: the slope of e^(u/2) is half of e^(u/2).",
        ),
        Slip(
            "forgot dz", lambda dz, cache: (dz, 0.5 * cache[0]), "dz is missing",
            "This is the slope; the gradient is dz times it.",
        ),
        Slip(
            "forgot dz", lambda dz, cache: (np.ones_like(dz), 0.5 * dz * cache[0]), "dz is missing",
            "The slope is 1; the gradient is dz times it.",
        ),
        Slip(
            "slope of the deviation", lambda dz, cache: (dz, 0.5 * dz), "the deviation is missing in it",
            "The slope of e^(u/2) is half of e^(u/2) itself.",
        ),
        Slip(
            "squared", lambda dz, cache: (dz, 0.5 * dz * cache[0] * cache[0]), "the deviation stands in it twice",
            "The slope of e^(u/2) is half of e^(u/2) itself, once.",
        ),
        Slip(
            "mean through the noise", lambda dz, cache: (dz * cache[0], 0.5 * dz * cache[0]),
            "it was multiplied by the deviation", "The mean is simply added: its slope is 1.",
        ),
        Slip(
            "mean through the noise", lambda dz, cache: (dz * cache[0], dz.copy()),
            "it was multiplied by the deviation", "The mean is simply added: its slope is 1.",
        ),
        Slip(
            "2 for ½", lambda dz, cache: (dz, 2 * dz * cache[0]), "it was multiplied by 2, not by ½",
            "The slope of e^(u/2) is half of e^(u/2).",
        ),
        Slip(
            "deviation without its sign", lambda dz, cache: (dz, 0.5 * dz * np.abs(cache[0])),
            "the deviation has lost its sign", "The noise in it may be negative, and that counts.",
        ),
        Slip(
            "exponential taken again", lambda dz, cache: (dz, 0.5 * dz * np.exp(cache[0])),
            "the exponential of the deviation stands in it", AN_EXPONENTIAL,
        ),
        Slip(
            "exponential taken again", lambda dz, cache: (dz, 0.5 * dz * np.exp(0.5 * cache[0])),
            "the exponential of the deviation stands in it", AN_EXPONENTIAL,
        ),
        Slip(
            "divided by the deviation", lambda dz, cache: (dz, 0.5 * dz / cache[0]), "it was divided by the deviation",
            "A gradient is multiplied by the slope.",
        ),
        Slip(
            "divided by the count", lambda dz, cache: (dz / dz.size, 0.5 * dz * cache[0]),
            "it was divided by the count of numbers", "There is no mean here: each number has a z of its own.",
        ),
        Slip(
            "divided by the count", lambda dz, cache: (dz / dz.size, 0.5 * dz * cache[0] / dz.size),
            "it was divided by the count of numbers", "There is no mean here: each number has a z of its own.",
        ),
        *(
            Slip(
                "added up", lambda dz, cache, how=how: (how(dz), 0.5 * dz * cache[0]), "all its numbers became one",
                "Each number has a z of its own, and so a gradient of its own.",
            )
            for how in (np.sum, np.mean)
        ),
        *(
            Slip(
                "added up", lambda dz, cache, how=how: (dz, how(0.5 * dz * cache[0])), "all its numbers became one",
                "Each number has a z of its own, and so a gradient of its own.",
            )
            for how in (np.sum, np.mean)
        ),
        Slip(
            "dz added", lambda dz, cache: (dz, 0.5 * dz + cache[0]), "the deviation was added",
            "A gradient is dz times the slope.",
        ),
        Slip(
            "logarithm of the deviation", lambda dz, cache: (dz, 0.5 * dz * np.log(np.abs(cache[0]))),
            "the logarithm of the deviation stands in it", "The slope of e^(u/2) is half of e^(u/2) itself.",
        ),
        Slip(
            "halved twice", lambda dz, cache: (dz, 0.25 * dz * cache[0]), "it was halved twice",
            "The slope of e^(u/2) is half of e^(u/2).",
        ),
        Slip(
            "dmean halved", lambda dz, cache: (0.5 * dz, 0.5 * dz * cache[0]), "it was halved",
            "The mean is simply added: its slope is 1.",
        ),
        Slip(
            "cache not opened", lambda dz, cache: (dz, 0.5 * dz * np.array(cache)),
            "the whole cache was multiplied, a tuple", "Take the array out first: (deviation,) = cache.",
        ),
    ), *gradient_and_deviation(np.random.default_rng(0))),
    difficulty=2, minutes=7,
)  # fmt: skip

# ----------------------------------------------------------------------------------------------- 13.3 and 13.5 KL


def gaussian_kl_forward(mean, log_variance):
    """The mean of ½ (mean² + variance − 1 − log variance), and the cache (mean, variance)."""
    variance = np.exp(log_variance)
    return 0.5 * (mean * mean + variance - 1 - log_variance).mean(), (mean, variance)


def kl_with(loss):
    """`gaussian_kl_forward` with a different loss, a function of mean, variance and log variance."""
    return lambda mean, log: (loss(mean, np.exp(log), log).mean(), (mean, np.exp(log)))


GAUSSIAN_KL_FORWARD = Exercise(
    "gaussian_kl_forward", LESSON, "how far from the standard Gaussian", ("loss", "cache"), gaussian_kl_forward,
    trials=(
        by_hand(np.array([[3.0, 0.0, -1.0]]), np.zeros((1, 3))), at_random(lambda rng: some_gaussians(rng)[:2]),
        *for_each(SIZES, lambda rng, size: some_gaussians(rng, size)[:2]),
        *for_each((1, -1), lambda rng, sign: narrow_and_wide(rng, sign)[:2], "large numbers"),
    ),
    slips=(
        Slip(
            "forgot the ½", kl_with(lambda mean, variance, log: mean**2 + variance - 1 - log),
            "it is 2 times too large: the ½ is missing", "The ½ stands before the whole bracket.",
        ),
        Slip(
            "forgot the −1", kl_with(lambda mean, variance, log: 0.5 * (mean**2 + variance - log)),
            "the −1 is missing", "For mean 0 and variance 1 the loss has to be 0.",
        ),
        Slip(
            "wrong sign of the logarithm", kl_with(lambda mean, variance, log: 0.5 * (mean**2 + variance - 1 + log)),
            "the log variance was added", "It is subtracted: a variance near 0 must cost much, not pay.",
        ),
        Slip(
            "forgot the logarithm", kl_with(lambda mean, variance, log: 0.5 * (mean**2 + variance - 1)),
            "the log variance is missing", "Without it a variance of 0 would be best.",
        ),
        Slip(
            "mean not squared", kl_with(lambda mean, variance, log: 0.5 * (mean + variance - 1 - log)),
            "the mean is not squared", "A mean of −3 is as far from 0 as one of 3.",
        ),
        Slip(
            "deviation for variance", kl_with(lambda mean, variance, log: 0.5 * (mean**2 + variance**0.5 - 1 - log)),
            "there is the deviation where the variance should be", "The variance is e to the log variance.",
        ),
        Slip(
            "variance squared", kl_with(lambda mean, variance, log: 0.5 * (mean**2 + variance**2 - 1 - log)),
            "the variance is squared", "The variance is a square already.",
        ),
        Slip(
            "logarithm for variance", kl_with(lambda mean, variance, log: 0.5 * (mean**2 + log - 1 - log)),
            "variance and log variance cancel in it: it is ½ (mean² − 1)",
            "The variance, e to the log variance, is added, and the log variance itself is subtracted.",
        ),
        Slip(
            "½ of the first term only", kl_with(lambda mean, variance, log: 0.5 * mean**2 + variance - 1 - log),
            "the ½ stands before the first term only", "It stands before the whole bracket.",
        ),
        Slip(
            "turned around", kl_with(lambda mean, variance, log: 0.5 * ((1 + mean**2) / variance - 1 + log)),
            "it is the distance the other way round, from the standard Gaussian",
            "KL is not symmetric: use the formula as it stands.",
        ),
        Slip(
            "kept the log variance", lambda mean, log: (gaussian_kl_forward(mean, log)[0], (mean, log)),
            "it is the log variance", "Keep the variance: you have it already, and the backward needs it.",
        ),
        Slip(
            "not one number",
            lambda mean, log: (0.5 * (mean**2 + np.exp(log) - 1 - log), (mean, np.exp(log))),
            "the mean over all numbers is missing", "A loss is one number.",
        ),
        *(
            Slip(
                "mean over one axis", lambda mean, log, axis=axis: (
                    0.5 * (mean**2 + np.exp(log) - 1 - log).mean(axis), (mean, np.exp(log))
                ),
                "the mean was taken over one axis only", "A loss is one number: a mean over all numbers.",
            )
            for axis in (0, -1)
        ),
        *(
            Slip(
                "divided by one axis", lambda mean, log, axis=axis: (
                    gaussian_kl_forward(mean, log)[0] * mean.size / mean.shape[axis], (mean, np.exp(log))
                ),
                "the sum was divided by the length of one axis only",
                "It is a mean over all numbers, whatever axis they are on.",
            )
            for axis in (0, -1)
        ),
        Slip(
            "forgot the mean²", kl_with(lambda mean, variance, log: 0.5 * (variance - 1 - log)),
            "the square of the mean is missing", "A mean far from 0 must cost something.",
        ),
        Slip(
            "forgot the variance", kl_with(lambda mean, variance, log: 0.5 * (mean**2 - 1 - log)),
            "the variance is missing", "It is e^(log variance), and must not grow.",
        ),
        *(
            Slip("another variance", kl_with(loss), f"{text} stands for the variance", "It is e^(log variance).")
            for loss, text in (
                (lambda mean, variance, log: 0.5 * (mean**2 + 1 / variance - 1 - log), "one over the variance"),
                (lambda mean, variance, log: 0.5 * (mean**2 + np.exp(variance) - 1 - log), "e^variance"),
            )
        ),
        Slip(
            "mean cubed", kl_with(lambda mean, variance, log: 0.5 * (mean**3 + variance - 1 - log)),
            "the mean is cubed", "It is mean².",
        ),
        Slip(
            "1 once for all", lambda mean, log: (
                0.5 * (np.sum(mean**2 + np.exp(log) - log) - 1) / mean.size, (mean, np.exp(log))
            ),
            "the 1 was subtracted once for all numbers", "It belongs to each number: put it into the mean.",
        ),
        Slip(
            "squared", lambda mean, log: (gaussian_kl_forward(mean, log)[0] ** 2, (mean, np.exp(log))),
            "it is the square of the loss", "Only the mean is squared, number by number.",
        ),
        Slip(
            "median", lambda mean, log: (
                0.5 * np.median(mean**2 + np.exp(log) - 1 - log), (mean, np.exp(log))
            ),
            "it is a median", "It is the mean: .mean().",
        ),
        Slip(
            "variance subtracted", kl_with(lambda mean, variance, log: 0.5 * (mean**2 - variance - 1 - log)),
            "the variance was subtracted", "It is added: the formula is ½ (mean² + variance − 1 − log variance).",
        ),
        Slip(
            "mean² subtracted", kl_with(lambda mean, variance, log: 0.5 * (variance - mean**2 - 1 - log)),
            "the square of the mean was subtracted", "A mean far from 0 must cost something.",
        ),
        Slip(
            "doubled instead of squared", kl_with(lambda mean, variance, log: 0.5 * (2 * mean + variance - 1 - log)),
            "the mean is doubled, not squared", "mean ** 2 is the square; mean * 2 is twice the mean.",
        ),
        Slip(
            "forgot the ½ of the variance",
            kl_with(lambda mean, variance, log: 0.5 * (mean**2 - 1 - log) + variance),
            "the ½ does not reach the variance", "It stands before the whole bracket.",
        ),
        Slip(
            "half the logarithm", kl_with(lambda mean, variance, log: 0.5 * (mean**2 + variance - 1 - 0.5 * log)),
            "half the log variance was subtracted", "The formula subtracts the log variance itself.",
        ),
        Slip(
            "twice the logarithm", kl_with(lambda mean, variance, log: 0.5 * (mean**2 + variance - 1 - 2 * log)),
            "twice the log variance was subtracted", "The formula subtracts the log variance itself.",
        ),
        Slip(
            "+1", kl_with(lambda mean, variance, log: 0.5 * (mean**2 + variance + 1 - log)), "the 1 was added",
            "For mean 0 and variance 1 the loss has to be 0.",
        ),
        Slip(
            "logarithm taken twice",
            kl_with(lambda mean, variance, log: 0.5 * (mean**2 + variance - 1 - np.log(np.abs(log)))),
            "it is the logarithm of the log variance that was subtracted", "The input is a logarithm already.",
        ),
        Slip(
            "logarithm taken twice",
            kl_with(lambda mean, variance, log: 0.5 * (mean**2 + variance - 1 - np.log(log))),
            "it is the logarithm of the log variance that was subtracted", "The input is a logarithm already.",
        ),
        Slip(
            "square of the mean of all", lambda mean, log: (
                0.5 * (mean.mean() ** 2 + np.exp(log).mean() - 1 - log.mean()), (mean, np.exp(log))
            ),
            "the average of all means was squared", "Square each mean first, then take the average.",
        ),
        Slip(
            "mean without its sign", kl_with(lambda mean, variance, log: 0.5 * (np.abs(mean) + variance - 1 - log)),
            "the mean is not squared, it only lost its sign", "Square it: mean².",
        ),
        *(
            Slip(
                "log variance limited", within(gaussian_kl_forward, *ends),
                "the log variance was limited to {} and {}".format(*ends), UNLIMITED,
            )
            for ends in LIMITS
        ),
    ),
    sizes=lambda mean, log: {"numbers": mean.size, "channels": mean.shape[-1], "patches": mean.size // mean.shape[-1]},
    difficulty=2, minutes=6,
)  # fmt: skip


def gaussian_kl_backward(dloss, cache):
    """dmean and dlog_variance."""
    mean, variance = cache
    return dloss * mean / mean.size, dloss * 0.5 * (variance - 1) / mean.size


def loss_and_gaussians(rng, size=SIZES[0]):
    """dloss and the cache: mean and variance."""
    return rng.normal(), (rng.normal(size=size), np.exp(rng.normal(size=size)))


def kl_back_with(dmean=lambda mean, variance: mean, dlog=lambda mean, variance: 0.5 * (variance - 1)):
    """`gaussian_kl_backward` with other slopes, before dloss and the mean over all numbers."""
    return lambda dloss, cache: (dloss * dmean(*cache) / cache[0].size, dloss * dlog(*cache) / cache[0].size)


GAUSSIAN_KL_BACKWARD = Exercise(
    "gaussian_kl_backward", LESSON, "backward through KL", ("dmean", "dlog_variance"), gaussian_kl_backward,
    trials=(
        by_hand(1.0, (np.array([[4.0, 0.0, -8.0, 12.0]]), np.array([[1.0, 9.0, 3.0, 0.5]]))),
        *for_each(SIZES, loss_and_gaussians), at_random(loss_and_gaussians),
    ),
    slips=all_alone(gaussian_kl_backward, (
        Slip(
            "forgot the mean over all", lambda dloss, cache: (dloss * cache[0], dloss * 0.5 * (cache[1] - 1)),
            "the loss is a mean over all numbers, and the gradients are not divided by their count",
            "Each number has only its share of a mean.",
        ),
        Slip(
            "divided by the batch only",
            lambda dloss, cache: (
                dloss * cache[0] / len(cache[0]), dloss * 0.5 * (cache[1] - 1) / len(cache[0])
            ),
            "the gradients are divided by the length of the first axis only",
            "The loss is a mean over all numbers, whatever axis they are on.",
        ),
        Slip(
            "divided by the last axis only",
            lambda dloss, cache: (
                dloss * cache[0] / cache[0].shape[-1], dloss * 0.5 * (cache[1] - 1) / cache[0].shape[-1]
            ),
            "the gradients are divided by the length of the last axis only",
            "The loss is a mean over all numbers, whatever axis they are on.",
        ),
        Slip(
            "forgot dloss",
            lambda dloss, cache: (cache[0] / cache[0].size, 0.5 * (cache[1] - 1) / cache[0].size), "dloss is missing",
            "The loss may be one of several, each with a weight: then dloss is not 1.",
        ),
        Slip(
            "forgot the −1", kl_back_with(dlog=lambda mean, variance: 0.5 * variance), "the −1 is missing",
            "Two terms have a slope here: the variance, and the log variance itself.",
        ),
        Slip(
            "slope for the variance", kl_back_with(dlog=lambda mean, variance: 0.5 * (1 - 1 / variance)),
            "it is the slope with respect to the variance, not to its logarithm",
            "The variance is e^(log variance): one more link of the chain.",
        ),
        Slip(
            "forgot the ½", kl_back_with(dlog=lambda mean, variance: variance - 1),
            "it is 2 times too large: the ½ is missing", "The ½ stands before the whole bracket.",
        ),
        Slip(
            "forgot the ½", kl_back_with(dmean=lambda mean, variance: 2 * mean),
            "it is 2 times too large: the ½ is missing", "The slope of ½ mean² is the mean.",
        ),
        Slip(
            "half the mean", kl_back_with(dmean=lambda mean, variance: 0.5 * mean),
            "it is 2 times too small", "The slope of a square has a 2, which meets the ½.",
        ),
        Slip(
            "mean not differentiated", kl_back_with(dmean=lambda mean, variance: 0.5 * mean * mean),
            "it is ½ mean², the term itself", "Take its slope.",
        ),
        Slip(
            "sign of the logarithm", kl_back_with(dlog=lambda mean, variance: 0.5 * (variance + 1)),
            "the log variance was treated as added", "It is subtracted in the loss, so its slope is −1.",
        ),
        Slip(
            "mean not differentiated", kl_back_with(dmean=lambda mean, variance: mean * mean),
            "it is the square of the mean, not its slope", "The slope of ½ mean² is the mean.",
        ),
        Slip(
            "the variance's part left out", kl_back_with(dlog=lambda mean, variance: np.full_like(variance, -0.5)),
            "the variance's part is missing", "The variance is e^(log variance), and its slope is the variance itself.",
        ),
        Slip(
            "the variance's part left out", lambda dloss, cache: (
                dloss * cache[0] / cache[0].size, -0.5 * dloss / cache[0].size
            ),
            "the variance's part is missing", "The variance is e^(log variance), and its slope is the variance itself.",
        ),
        Slip(
            "multiplied by the count", lambda dloss, cache: (
                dloss * cache[0] * cache[0].size, dloss * 0.5 * (cache[1] - 1) * cache[0].size
            ),
            "it was multiplied by the count of numbers", "A mean divides by it.",
        ),
        Slip(
            "½ of the variance only", kl_back_with(dlog=lambda mean, variance: 0.5 * variance - 1),
            "the ½ does not reach the 1", "It stands before the whole bracket: ½ (variance − 1).",
        ),
        Slip(
            "½ of the 1 only", kl_back_with(dlog=lambda mean, variance: variance - 0.5),
            "the ½ does not reach the variance", "It stands before the whole bracket: ½ (variance − 1).",
        ),
        Slip(
            "terms not differentiated",
            kl_back_with(dlog=lambda mean, variance: 0.5 * (variance - np.log(variance) - 1)),
            "these are the terms of the loss themselves", "Take their slopes along the log variance.",
        ),
        Slip(
            "mean left out", lambda dloss, cache: (dloss / cache[0].size, gaussian_kl_backward(dloss, cache)[1]),
            "the mean is missing", "The slope of ½ mean² is the mean.",
        ),
        Slip(
            "added up", lambda dloss, cache: (
                gaussian_kl_backward(dloss, cache)[0], dloss * 0.5 * (cache[1] - 1).mean()
            ),
            "all its numbers became one", "Each number has a gradient of its own: its share of the loss.",
        ),
        Slip(
            "deviation for variance", kl_back_with(dlog=lambda mean, variance: 0.5 * (np.sqrt(variance) - 1)),
            "there is the deviation where the variance should be", "The slope of e^u is e^u: the variance.",
        ),
        Slip(
            "variance squared", kl_back_with(dlog=lambda mean, variance: 0.5 * (variance**2 - 1)),
            "the variance is squared", "The slope of e^u is e^u: the variance, once.",
        ),
        Slip(
            "exponential taken again", kl_back_with(dlog=lambda mean, variance: 0.5 * (np.exp(variance) - 1)),
            "the exponential of the variance stands in it", "The cache holds the variance: the exponential is taken.",
        ),
        Slip(
            "logarithm for the variance", kl_back_with(dlog=lambda mean, variance: 0.5 * (np.log(variance) - 1)),
            "the log variance stands in it", "The slope of e^u is e^u: the variance.",
        ),
        Slip(
            "cache the other way round", lambda dloss, cache: gaussian_kl_backward(dloss, cache[::-1]),
            "mean and variance have changed places", "The cache is (mean, variance).",
        ),
        *(
            Slip(
                "added up", lambda dloss, cache, how=how: (
                    dloss * how(cache[0]), gaussian_kl_backward(dloss, cache)[1]
                ),
                "all its numbers became one", "Each number has a gradient of its own: its share of the loss.",
            )
            for how in (np.sum, np.mean)
        ),
        Slip(
            "dloss added", lambda dloss, cache: (
                dloss + cache[0] / cache[0].size, gaussian_kl_backward(dloss, cache)[1]
            ),
            "dloss was added", "A gradient is dloss times the slope.",
        ),
    ), *loss_and_gaussians(np.random.default_rng(0))),
    sizes=lambda dloss, cache: {"numbers": cache[0].size, "channels": cache[0].shape[-1]},
    difficulty=2, minutes=8,
)  # fmt: skip

# ------------------------------------------------------------------------------------------------- 13.6 the adversary


def hinge_discriminator_backward(dloss, cache):
    """dreal_logits and dfake_logits, from the margins."""
    real_margin, fake_margin = cache
    return -dloss * (real_margin > 0) / real_margin.size, dloss * (fake_margin > 0) / fake_margin.size


def hinge_with(real=lambda margin: margin > 0, fake=lambda margin: margin > 0, signs=(-1, 1)):
    """`hinge_discriminator_backward` with other slopes, or other signs."""

    def wrong(dloss, cache):
        real_margin, fake_margin = cache
        dreal = signs[0] * dloss * real(real_margin) / real_margin.size
        return dreal, signs[1] * dloss * fake(fake_margin) / fake_margin.size

    return wrong


def everywhere(margin):
    """Slope 1, whatever the margin."""
    return np.ones_like(margin)


LOGITS = ((4, 3), (5, 1)), ((7,), (3,)), ((2, 5), (2, 3, 4)), ((1,), (6,))  # shapes of real and of fake ones


def some_margins(rng, sizes=LOGITS[0]):
    """dloss and the margins of real and of fake logits, with at least one of each kind among the real ones."""
    real, fake = (1.5 * rng.normal(size=size) for size in sizes)
    real.flat[[0, -1]] = (2.0, -0.5) if real.size > 1 else -0.5
    return rng.normal(), layers.hinge_discriminator_forward(real, fake)[1]


def divided_by(count):
    """`hinge_discriminator_backward`, each margin's part divided by another count of it."""
    return lambda dloss, cache: tuple(
        sign * dloss * (margin > 0) / count(margin) for sign, margin in zip((-1, 1), cache, strict=True)
    )


def as_far_as_both(dloss, cache):
    """The gradients as far as the shorter of the two goes, and zeros from there on."""
    count = min(map(len, cache))
    return tuple(
        np.concatenate([gradient[:count], 0 * gradient[count:]])
        for gradient in hinge_discriminator_backward(dloss, cache)
    )


# The lesson provides its forward, so there is no gradient stage.
HINGE_DISCRIMINATOR_BACKWARD = Exercise(
    "hinge_discriminator_backward", LESSON, "backward through the discriminator's loss",
    ("dreal_logits", "dfake_logits"), hinge_discriminator_backward,
    trials=(
        by_hand(1.0, (np.array([2.0, 0.0, 0.5, 3.0]), np.array([0.0, 4.0]))),
        *for_each(LOGITS, some_margins), at_random(some_margins),
    ),
    slips=all_alone(hinge_discriminator_backward, (
        Slip(
            "forgot the hinge", hinge_with(everywhere, everywhere), "those beyond their margin have a gradient too",
            "Where the max is 0, a small change of the logit changes nothing.",
        ),
        Slip(
            "forgot the hinge", hinge_with(real=everywhere), "those beyond their margin have a gradient too",
            "Where the max is 0, a small change of the logit changes nothing.",
        ),
        Slip(
            "margin for its slope", hinge_with(lambda margin: margin, lambda margin: margin),
            "it grows with the margin", "A hinge is straight: its slope is 1 or 0.",
        ),
        Slip(
            "the other half", hinge_with(lambda margin: margin <= 0, lambda margin: margin <= 0),
            "those that are fine have the gradient",
            "Where the margin is 0 nothing is missing, and nothing should change.",
        ),
        Slip(
            "sign of the real ones", hinge_with(signs=(1, 1)), "the real ones have the sign of the fakes",
            "1 − real: a larger logit makes the loss smaller.",
        ),
        Slip(
            "both negative", hinge_with(signs=(-1, -1)), "the fakes have the sign of the real ones",
            "1 + fake: a larger logit makes the loss larger.",
        ),
        Slip(
            "signs swapped", hinge_with(signs=(1, -1)), "both signs are reversed",
            "The discriminator wants real logits up and fake ones down, and a gradient points to where the loss grows.",
        ),
        Slip(
            "forgot the mean", divided_by(lambda margin: 1),
            "the loss is two means, and the gradients are not divided by their counts",
            "Each logit has only its share of a mean.",
        ),
        Slip(
            "mean over those that count", divided_by(np.count_nonzero),
            "it is divided by the number of those within the margin",
            "The mean in the loss counts all logits, including those that give 0.",
        ),
        Slip(
            "one count for both",
            lambda dloss, cache: (
                -dloss * (cache[0] > 0) / (cache[0].size + cache[1].size),
                dloss * (cache[1] > 0) / (cache[0].size + cache[1].size),
            ),
            "it is divided by the number of real and fake logits together",
            "There are two means, each of its own count.",
        ),
        Slip(
            "one count for both",
            lambda dloss, cache: (
                -dloss * (cache[0] > 0) / cache[0].size, dloss * (cache[1] > 0) / cache[0].size
            ),
            "the fakes are divided by the number of the real ones", "There are two means, each of its own count.",
        ),
        Slip(
            "forgot dloss",
            lambda dloss, cache: hinge_discriminator_backward(1.0, cache), "dloss is missing",
            "The loss may be one of several, each with a weight: then dloss is not 1.",
        ),
        Slip(
            "divided by the first axis only", divided_by(len), "it is divided by the length of the first axis only",
            "The mean is over all logits, whatever axis they are on.",
        ),
        Slip(
            "divided by the last axis only", divided_by(lambda margin: margin.shape[-1]),
            "it is divided by the length of the last axis only",
            "The mean is over all logits, whatever axis they are on.",
        ),
        *(
            Slip(
                "halved", divided_by(lambda margin, count=count: 2 * count(margin)), "it is 2 times too small",
                "The loss is the sum of the two means, not their mean.",
            )
            for count in (np.size, len)
        ),
        Slip(
            "multiplied by the count", divided_by(lambda margin: 1 / margin.size), "it was multiplied by the count",
            "A mean divides by it.",
        ),
        Slip(
            "forgot the hinge", lambda dloss, cache: (-dloss / cache[0].size, dloss / cache[1].size),
            "those beyond their margin have a gradient too",
            "Where the max is 0, a small change of the logit changes nothing.",
        ),
        Slip(
            "margins compared with 1", hinge_with(lambda margin: margin > 1, lambda margin: margin > 1),
            "only margins above 1 have a gradient", "A margin counts as soon as it is above 0.",
        ),
        Slip(
            "margins taken for logits", hinge_with(lambda margin: 1 - margin > 0, lambda margin: 1 + margin > 0),
            "the margins were treated as logits",
            "The cache holds 1 − real and 1 + fake already, as far as they are above 0.",
        ),
        Slip(
            "the masks alone", lambda dloss, cache: (cache[0] > 0, cache[1] > 0), "it is the mask, as it stands",
            "Multiply it by dloss and by its sign, and divide by the count.",
        ),
        Slip(
            "as far as both go", as_far_as_both, "it ends where the shorter of the two ends",
            "There may be more real logits than fake ones: each has its own loop.",
        ),
        Slip(
            "counts exchanged", lambda dloss, cache: (
                -dloss * (cache[0] > 0) / cache[1].size, dloss * (cache[1] > 0) / cache[0].size
            ),
            "the two counts have changed places", "Each mean divides by its own count.",
        ),
        Slip(
            "negative elsewhere", hinge_with(
                lambda margin: np.where(margin > 0, 1, -1), lambda margin: np.where(margin > 0, 1, -1)
            ),
            "those that are fine have a gradient of the other sign", "Where the max is 0, nothing changes: 0.",
        ),
        Slip(
            "square of the hinge", hinge_with(lambda margin: 2 * margin, lambda margin: 2 * margin),
            "it is the slope of a square", "A hinge is not squared: its slope is 1 or 0.",
        ),
        Slip(
            "margins taken for logits", hinge_with(lambda margin: 1 - margin, lambda margin: margin - 1),
            "it is a logit", "A hinge is straight: its slope is 1 or 0.",
        ),
        Slip(
            "added up", lambda dloss, cache: (-dloss * (cache[0] > 0).mean(), dloss * (cache[1] > 0).mean()),
            "all its numbers became one", "Each logit has a gradient of its own.",
        ),
        Slip(
            "dloss added", lambda dloss, cache: (
                dloss - (cache[0] > 0) / cache[0].size, dloss + (cache[1] > 0) / cache[1].size
            ),
            "dloss was added", "A gradient is dloss times the slope.",
        ),
    ), *some_margins(np.random.default_rng(0))),
    sizes=lambda dloss, cache: {"real logits": cache[0].size, "fake logits": cache[1].size},
    difficulty=2, minutes=8,
)  # fmt: skip

# -------------------------------------------------------------------------------------- 13.7 over the edge of a patch


def neighbours_backward(dy, cache):
    """dx (N, f, r, c, C), from dy (N, f, r, c, K · C) and the shape of x and the window."""
    return layers.neighbours_backward(dy, cache)


def cell_by_cell(dy, cache):
    """dy (N, f, r, c, K, C), and for each of the K cells of a window where it lies, seen from the middle."""
    (*_, C), window = cache
    places = [np.subtract(place, np.array(window) // 2) for place in np.ndindex(window)]
    return dy.reshape(*dy.shape[:-1], len(places), C), places


def middle(dpadded, shape, window):
    """The part of the padded cells that holds the cells."""
    return dpadded[:, *(slice(k // 2, k // 2 + n) for k, n in zip(window, shape[1:4], strict=True))]


def in_columns(n, count, C):
    """Where the n-th of the cells of a window has its C channels."""
    return slice(n * C, (n + 1) * C)


def with_edges(add=np.add, places=np.ndindex, columns=in_columns, window_of=lambda window: window, cut=middle):
    """`neighbours_backward` with one thing in another way.

    Args:
        add: combines what there was and what comes.
        places: goes through the cells of a window.
        columns: where the n-th of `count` cells lies among the K · C numbers.
        window_of: what the window is taken for.
        cut: makes dx of the gradient of the padded cells: (dpadded, shape, window).
    """

    def wrong(dy, cache):
        (N, f, r, c, C), window = cache
        kf, kr, kc = window = window_of(window)
        dpadded = np.zeros((N, f + kf - 1, r + kr - 1, c + kc - 1, C))
        for n, (i, j, k) in enumerate(places(window)):
            part = dpadded[:, i : i + f, j : j + r, k : k + c]
            part[...] = add(part, dy[..., columns(n, np.prod(window), C)])
        return cut(dpadded, cache[0], window)

    return wrong


def in_order(order, window):
    """The cells of a window, the axes of which are gone through in another order."""
    back = np.argsort(order)
    return [tuple(place[axis] for axis in back) for place in np.ndindex(*(window[axis] for axis in order))]


def at_both_ends(sizes):
    """Cuts off this many cells at each end, as padded[p:-p] does."""
    return lambda dpadded, shape, window: dpadded[:, *(slice(p, -p) for p in sizes(window))]


def turned_around(dy, cache):
    """What came from the left goes to the right."""
    cells, _ = cell_by_cell(dy, cache)
    return neighbours_backward(cells[..., ::-1, :].reshape(dy.shape), cache)


def over_the_edge(dy, cache):
    """What lay beyond an edge comes back on the other side."""
    cells, places = cell_by_cell(dy, cache)
    return sum(np.roll(cells[..., n, :], place, axis=(1, 2, 3)) for n, place in enumerate(places))


def its_own(dy, cache):
    """Each cell has the gradient of its own place in its own window only."""
    cells, places = cell_by_cell(dy, cache)
    return cells[..., len(places) // 2, :]


def its_window(dy, cache):
    """Each cell has the sum over the cells of its own window."""
    return cell_by_cell(dy, cache)[0].sum(axis=-2)


def channels_first(dy, cache):
    """dy read as if the channels came one after the other, each with its K cells."""
    (*_, C), window = cache
    exchanged = dy.reshape(*dy.shape[:-1], C, np.prod(window)).swapaxes(-1, -2).reshape(dy.shape)
    return neighbours_backward(exchanged, cache)


SHAPES_AND_WINDOWS = (
    ((2, 4, 2, 3, 2), (3, 1, 5)), ((3, 2, 4, 5, 2), (3, 3, 3)), ((1, 2, 5, 3, 4), (1, 5, 3)),
    ((2, 3, 4, 1, 1), (3, 5, 1)), ((1, 4, 2, 3, 2), (5, 1, 3)),
    ((2, 1, 3, 4, 3), (1, 1, 1)),
)  # fmt: skip


def some_windows(rng, cache=SHAPES_AND_WINDOWS[0]):
    """dy, for any shape and window."""
    (*cells, C), window = cache
    return rng.normal(size=(*cells, C * int(np.prod(window)))), cache


# The lesson provides its forward, so there is no gradient stage.
NEIGHBOURS_BACKWARD = Exercise(
    "neighbours_backward", LESSON, "backward through windows", ("dx",), neighbours_backward,
    trials=(
        by_hand(
            np.array([[5.0, 1.0, 10.0], [2.0, 20.0, 200.0], [3.0, 30.0, 7.0]]).reshape(1, 1, 1, 3, 3),
            ((1, 1, 1, 3, 1), (1, 1, 3)),
        ),
        at_random(some_windows), *for_each(SHAPES_AND_WINDOWS, some_windows),
    ),
    slips=(
        Slip(
            "only its own window", its_own, "each cell has only what its own window says",
            "A cell is in the windows of its neighbours, too, and what they say adds up.",
        ),
        Slip(
            "sum over its window", its_window, "each cell has the sum over its own window",
            "Its window holds the gradients of its neighbours. Where in *their* windows does the cell itself stand?",
        ),
        Slip(
            "the last one counts", with_edges(add=lambda old, new: new),
            "of all the windows that a cell was in, only the last one counts", "Add: += instead of =.",
        ),
        Slip(
            "turned around", turned_around, "what belongs to the left neighbour went to the right one",
            "The first place of a window is the cell before. Its gradient belongs to that cell.",
        ),
        Slip(
            "over the edge", over_the_edge, "what lay beyond an edge came back on the other side",
            "Beyond the edge there were constant zeros. Their gradient is dropped.",
        ),
        Slip(
            "cut off at one end", with_edges(
                cut=lambda dpadded, shape, window: dpadded[:, *(slice(n) for n in shape[1:4])]
            ),
            "the padded array was cut at its end only", "The zeros were on both sides: the cells lie in the middle.",
        ),
        Slip(
            "cut off at one end", with_edges(
                cut=lambda dpadded, shape, window: dpadded[:, *(slice(k // 2, None) for k in window)]
            ),
            "the padded array was cut at its beginning only",
            "The zeros were on both sides: the cells lie in the middle.",
        ),
        Slip(
            "cut off otherwise", with_edges(
                cut=lambda dpadded, shape, window: dpadded[
                    :, *(slice(k // 2, n) for k, n in zip(window, shape[1:4], strict=True))
                ]
            ),
            "it was cut from p to f, and so on, not to p + f", "f cells begin at p: p : p + f.",
        ),
        Slip(
            "cut off otherwise", with_edges(
                cut=lambda dpadded, shape, window: dpadded[
                    :, *(slice(k, k + n) for k, n in zip(window, shape[1:4], strict=True))
                ]
            ),
            "a whole window was cut off at the beginning", "np.pad added half a window: window // 2.",
        ),
        Slip(
            "cut off otherwise", with_edges(
                cut=lambda dpadded, shape, window: dpadded[
                    :, *(slice(k - 1, None) for k in window)
                ]
            ),
            "all that np.pad added was cut off at the beginning", "It added half of it on either side.",
        ),
        Slip(
            "cut off by 1", with_edges(
                cut=lambda dpadded, shape, window: dpadded[:, *(slice(1, 1 + n) for n in shape[1:4])]
            ),
            "one cell was cut off at the beginning of every axis",
            "It is half of the window, which may be 0 cells, or 2.",
        ),
        Slip(
            "cut off by p:-p", with_edges(cut=at_both_ends(lambda window: [k // 2 for k in window])),
            "where the window is 1 nothing is left of the axis",
            "0:-0 is empty. Cut by the length instead: p : p + f.",
        ),
        Slip(
            "cut off by 1", with_edges(cut=at_both_ends(lambda window: (1, 1, 1))),
            "one cell was cut off on each side of every axis", "It is half of the window, which may be 0 cells, or 2.",
        ),
        Slip(
            "forgot to cut", with_edges(cut=lambda dpadded, shape, window: dpadded),
            "the cells beyond the edges are still there",
            "They were zeros that the forward added. Return the cells in the middle.",
        ),
        Slip(
            "channels first", channels_first, "cells and channels changed places",
            "A window's cells come one after the other, each with all its C channels.",
        ),
        Slip(
            "mean over the window", lambda dy, cache: neighbours_backward(dy, cache) / np.prod(cache[1]),
            "it is divided by the number of cells in a window", "The forward copied; it took no mean.",
        ),
        *(
            Slip(
                "places in another order", with_edges(places=partial(in_order, order)),
                "the cells of a window are not in the forward's order",
                "The forward's places go through the columns first, then the rows, then the frames.",
            )
            for order in ((2, 1, 0), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1))
        ),
        Slip(
            "one place only", with_edges(places=lambda window: [(0, 0, 0)]),
            "only the first place of a window is in it", "Does the loop reach them all? Is the `return` inside it?",
        ),
        Slip(
            "the first place for all", with_edges(columns=lambda n, count, C: slice(C)),
            "every place got the first one's columns of dy", "The n-th place has the C columns from n · C on.",
        ),
        Slip(
            "columns not in blocks", with_edges(columns=lambda n, count, C: slice(n, n + C)),
            "the columns of neighbouring places overlap",
            "The n-th place has the C columns from n · C on, not from n on.",
        ),
        Slip(
            "one channel", with_edges(columns=lambda n, count, C: slice(n, n + 1)),
            "each place brought back one column for all channels", "The n-th place has C columns, from n · C on.",
        ),
        *(
            Slip(
                "window not as given", with_edges(window_of=taken_for), "the window was taken for another one",
                "A window may have any odd lengths: (frames, rows, columns).",
            )
            for taken_for in (
                lambda window: (1, *window[1:]), lambda window: (*window[:2], window[1]),
                lambda window: window[::-1], lambda window: (window[0],) * 3, lambda window: (*window[:2], 1),
                lambda window: (window[0], window[2], window[1]),
            )
        ),
    ),
    sizes=lambda dy, cache: {"cells of a window": int(np.prod(cache[1])), "channels": cache[0][-1]},
    difficulty=3, minutes=12,
)  # fmt: skip

EXERCISES = (
    STEP_13, REPARAMETERIZE_FORWARD, GAUSSIAN_KL_FORWARD, REPARAMETERIZE_BACKWARD, GAUSSIAN_KL_BACKWARD,
    HINGE_DISCRIMINATOR_BACKWARD, NEIGHBOURS_BACKWARD,
)  # fmt: skip
