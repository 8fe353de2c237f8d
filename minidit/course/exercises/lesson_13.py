"""Lesson 13: the visual decoder, and how encoder and decoder were trained."""

import numpy as np

from minidit import layers
from minidit.course.exercise import Exercise, Numbers, Slip, at_random, by_hand
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


def some_gaussians(rng):
    """mean, log variance and noise (2, 4, 3)."""
    return tuple(rng.normal(size=(2, 4, 3)) for _ in range(3))


HAND_MEAN = np.array([[1.0, -2.0, 0.0], [3.0, 0.0, 2.0]])
HAND_LOG = np.log(np.array([[4.0, 1.0, 0.25], [1.0, 9.0, 4.0]]))  # standard deviations 2, 1, ½, 1, 3, 2
HAND_NOISE = np.array([[1.0, -1.0, 2.0], [0.0, 1.0, -2.0]])

REPARAMETERIZE_FORWARD = Exercise(
    "reparameterize_forward", LESSON, "a sample of a Gaussian", ("z", "cache"), reparameterize_forward,
    trials=(by_hand(HAND_MEAN, HAND_LOG, HAND_NOISE), at_random(some_gaussians)),
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


REPARAMETERIZE_BACKWARD = Exercise(
    "reparameterize_backward", LESSON, "backward through a sample", ("dmean", "dlog_variance"), reparameterize_backward,
    trials=(
        by_hand(
            np.array([[1.0, 2.0, -4.0], [3.0, -2.0, 1.0]]),
            reparameterize_forward(HAND_MEAN, HAND_LOG, HAND_NOISE)[1],
        ),
        at_random(lambda rng: (rng.normal(size=(2, 4, 3)), (rng.normal(size=(2, 4, 3)),))),
    ),
    slips=(
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
    ),
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
    trials=(by_hand(np.array([[3.0, 0.0, -1.0]]), np.zeros((1, 3))), at_random(lambda rng: some_gaussians(rng)[:2])),
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
            "there is the log variance where the variance should be", "The variance is e to the log variance.",
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
    ),
    sizes=lambda mean, log: {"numbers": mean.size, "channels": mean.shape[-1], "patches": mean.size // mean.shape[-1]},
    difficulty=2, minutes=6,
)  # fmt: skip


def gaussian_kl_backward(dloss, cache):
    """dmean and dlog_variance."""
    mean, variance = cache
    return dloss * mean / mean.size, dloss * 0.5 * (variance - 1) / mean.size


def kl_back_with(dmean=lambda mean, variance: mean, dlog=lambda mean, variance: 0.5 * (variance - 1)):
    """`gaussian_kl_backward` with other slopes, before dloss and the mean over all numbers."""
    return lambda dloss, cache: (dloss * dmean(*cache) / cache[0].size, dloss * dlog(*cache) / cache[0].size)


GAUSSIAN_KL_BACKWARD = Exercise(
    "gaussian_kl_backward", LESSON, "backward through KL", ("dmean", "dlog_variance"), gaussian_kl_backward,
    trials=(
        by_hand(1.0, (np.array([[4.0, 0.0, -8.0, 12.0]]), np.array([[1.0, 9.0, 3.0, 0.5]]))),
        at_random(lambda rng: (rng.normal(), (rng.normal(size=(2, 4, 3)), np.exp(rng.normal(size=(2, 4, 3)))))),
    ),
    slips=(
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
    ),
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


def some_margins(rng):
    """Margins of 4 · 3 real and 5 · 1 fake logits."""
    real, fake = rng.normal(size=(4, 3)), rng.normal(size=(5, 1))
    return layers.hinge_discriminator_forward(real, fake)[1]


# The lesson provides its forward, so there is no gradient stage.
HINGE_DISCRIMINATOR_BACKWARD = Exercise(
    "hinge_discriminator_backward", LESSON, "backward through the discriminator's loss",
    ("dreal_logits", "dfake_logits"), hinge_discriminator_backward,
    trials=(
        by_hand(1.0, (np.array([2.0, 0.0, 0.5, 3.0]), np.array([0.0, 4.0]))),
        at_random(lambda rng: (rng.normal(), some_margins(rng))),
    ),
    slips=(
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
            "forgot the mean",
            lambda dloss, cache: (-dloss * (cache[0] > 0), dloss * (cache[1] > 0)),
            "the loss is two means, and the gradients are not divided by their counts",
            "Each logit has only its share of a mean.",
        ),
        Slip(
            "mean over those that count",
            lambda dloss, cache: (
                -dloss * (cache[0] > 0) / (cache[0] > 0).sum(), dloss * (cache[1] > 0) / (cache[1] > 0).sum()
            ),
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
    ),
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


def with_edges(dy, cache, add=np.add):
    """The gradient of the padded cells; `add` combines what there was and what comes."""
    (N, f, r, c, C), (kf, kr, kc) = cache
    dpadded = np.zeros((N, f + kf - 1, r + kr - 1, c + kc - 1, C))
    for n, (i, j, k) in enumerate(np.ndindex(kf, kr, kc)):
        part = dpadded[:, i : i + f, j : j + r, k : k + c]
        part[...] = add(part, dy[..., n * C : (n + 1) * C])
    return dpadded


def middle(dpadded, cache):
    """The part of the padded cells that holds the cells."""
    (_, f, r, c, _), (kf, kr, kc) = cache
    return dpadded[:, kf // 2 : kf // 2 + f, kr // 2 : kr // 2 + r, kc // 2 : kc // 2 + c]


def at_the_beginning(dy, cache):
    """The padded cells cut off at one end only."""
    _, f, r, c, _ = cache[0]
    return with_edges(dy, cache)[:, :f, :r, :c]


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


def some_windows(rng):
    """dy of (3, 1, 5) cells around each of 2 · (4, 2, 3) cells with 2 channels, and the cache."""
    return rng.normal(size=(2, 4, 2, 3, 30)), ((2, 4, 2, 3, 2), (3, 1, 5))


# The lesson provides its forward, so there is no gradient stage.
NEIGHBOURS_BACKWARD = Exercise(
    "neighbours_backward", LESSON, "backward through windows", ("dx",), neighbours_backward,
    trials=(
        by_hand(
            np.array([[5.0, 1.0, 10.0], [2.0, 20.0, 200.0], [3.0, 30.0, 7.0]]).reshape(1, 1, 1, 3, 3),
            ((1, 1, 1, 3, 1), (1, 1, 3)),
        ),
        at_random(some_windows),
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
            "the last one counts", lambda dy, cache: middle(with_edges(dy, cache, lambda old, new: new), cache),
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
            "cut off at one end", at_the_beginning, "the padded array was cut at its end only",
            "The zeros were on both sides: the cells lie in the middle.",
        ),
        Slip(
            "forgot to cut", with_edges, "the cells beyond the edges are still there",
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
    ),
    sizes=lambda dy, cache: {"cells of a window": int(np.prod(cache[1])), "channels": cache[0][-1]},
    difficulty=3, minutes=12,
)  # fmt: skip

EXERCISES = (
    STEP_13, REPARAMETERIZE_FORWARD, GAUSSIAN_KL_FORWARD, REPARAMETERIZE_BACKWARD, GAUSSIAN_KL_BACKWARD,
    HINGE_DISCRIMINATOR_BACKWARD, NEIGHBOURS_BACKWARD,
)  # fmt: skip
