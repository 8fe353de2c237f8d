"""Answers to the exercises of lesson 13, written from its text alone."""

import math

import numpy as np
from answers_of import Answers

W = np.array([[2, 1], [1, 1], [0, 1], [-1, 1]])
Z = np.array([[3, -1, 0, 1], [6, 4, 5, 5]])
PATCHES = np.array([[9, 0, 2, 4], [6, 0, 2, 3], [3, 1, 2, 2], [0, 2, 2, 1]])


def sample_by_variance(mean, log_variance, noise):
    variance = np.exp(log_variance)
    deviation = np.sqrt(variance) * noise
    return mean + deviation, (deviation,)


def sample_by_half(mean, log_variance, noise):
    deviation = noise * np.exp(0.5 * log_variance)
    z = mean + deviation
    return z, (deviation,)


def sample_with(std):
    """What comes of another standard deviation."""

    def forward(mean, log_variance, noise):
        deviation = std(log_variance) * noise
        return mean + deviation, (deviation,)

    return forward


def sample_own_noise(mean, log_variance, noise):
    deviation = np.exp(log_variance / 2) * np.random.default_rng().normal(size=mean.shape)
    return mean + deviation, (deviation,)


def sample_in_place(mean, log_variance, noise):
    deviation = np.exp(log_variance / 2) * noise
    mean += deviation
    return mean, (deviation,)


def sample_noise_in_place(mean, log_variance, noise):
    noise *= np.exp(log_variance / 2)
    return mean + noise, (noise,)


def sample_cache(cache):
    """Right but for the cache."""

    def forward(mean, log_variance, noise):
        std = np.exp(log_variance / 2)
        return mean + std * noise, cache(mean, std, noise)

    return forward


def sample_return_in_the_loop(mean, log_variance, noise):
    deviation = np.zeros_like(mean)
    for i in range(len(mean)):
        deviation[i] = np.exp(log_variance[i] / 2) * noise[i]
        return mean + deviation, (deviation,)


def kl_in_a_loop(mean, log_variance):
    total = 0.0
    for m, u in zip(mean.ravel(), log_variance.ravel(), strict=True):
        total += (m * m + math.exp(u) - 1 - u) / 2
    return total / mean.size, (mean, np.exp(log_variance))


def kl_by_means(mean, log_variance):
    variance = np.exp(log_variance)
    return (np.mean(mean**2) + variance.mean() - 1 - log_variance.mean()) / 2, (mean, variance)


def kl_with(loss, cache=lambda m, v, u: (m, v)):
    """What comes of another loss, or another cache."""

    def forward(mean, log_variance):
        variance = np.exp(log_variance)
        return loss(mean, variance, log_variance), cache(mean, variance, log_variance)

    return forward


def kl_bracket(m, v, u):
    return 0.5 * (m**2 + v - 1 - u)


def kl_in_place(mean, log_variance):
    variance = np.exp(log_variance)
    mean **= 2
    return np.mean(0.5 * (mean + variance - 1 - log_variance)), (mean, variance)


def kl_exponential_in_place(mean, log_variance):
    loss = np.mean(kl_bracket(mean, np.exp(log_variance), log_variance))
    return loss, (mean, np.exp(log_variance, out=log_variance))


def kl_two_axes_only(mean, log_variance):
    N, C = mean.shape
    variance = np.exp(log_variance)
    return kl_bracket(mean, variance, log_variance).sum() / (N * C), (mean, variance)


def kl_math_exp(mean, log_variance):
    variance = math.exp(log_variance)
    return np.mean(kl_bracket(mean, variance, log_variance)), (mean, variance)


def kl_clamps(mean, log_variance):
    log_variance = np.clip(log_variance, -10, 10)
    variance = np.exp(log_variance)
    return np.mean(kl_bracket(mean, variance, log_variance)), (mean, variance)


def kl_kept(mean, log_variance, parts=[]):  # noqa: B006
    variance = np.exp(log_variance)
    for part in (mean**2, variance, -1, -log_variance):
        parts.append(np.mean(part) / 2)
    return sum(parts), (mean, variance)


def sample_back_copy(dz, cache):
    deviation = cache[0]
    dstd_noise = dz * deviation
    return dz.copy(), 0.5 * dstd_noise


def sample_back_in_place(dz, cache):
    (deviation,) = cache
    dmean = dz.copy()
    dz *= deviation / 2
    return dmean, dz


def sample_back_cache_in_place(dz, cache):
    (deviation,) = cache
    deviation /= 2
    return dz, dz * deviation


def sample_back_with(dmean=lambda dz, d: dz, dlog=lambda dz, d: dz * d / 2):
    """Right but for the outputs given here."""
    return lambda dz, cache: (dmean(dz, cache[0]), dlog(dz, cache[0]))


def sample_back_whole_cache(dz, cache):
    return dz, dz * cache.mean() / 2


def kl_back_in_parts(dloss, cache):
    mean, variance = cache
    dbracket = dloss / mean.size
    return dbracket * mean, 0.5 * dbracket * variance - 0.5 * dbracket


def kl_back_with(dmean=lambda d, m, v: d * m / m.size, dlog=lambda d, m, v: d * (v - 1) / (2 * v.size)):
    """Right but for the outputs given here."""
    return lambda dloss, cache: (dmean(dloss, *cache), dlog(dloss, *cache))


def kl_back_in_place(dloss, cache):
    mean, variance = cache
    n = mean.size
    mean *= dloss / n
    variance -= 1
    return mean, dloss * variance / (2 * n)


def hinge_where(dloss, cache):
    real_margin, fake_margin = cache
    dreal = np.where(real_margin > 0, -dloss / real_margin.size, 0.0)
    dfake = np.where(fake_margin > 0, dloss / fake_margin.size, 0.0)
    return dreal, dfake


def hinge_signs(dloss, cache):
    real_margin, fake_margin = cache
    return -dloss * np.sign(real_margin) / real_margin.size, dloss * np.sign(fake_margin) / fake_margin.size


def hinge_loops(dloss, cache):
    gradients = []
    for margin, sign in zip(cache, (-1, 1), strict=True):
        d = np.zeros_like(margin)
        for index in np.ndindex(margin.shape):
            if margin[index] > 0:
                d[index] = sign * dloss / margin.size
        gradients.append(d)
    return tuple(gradients)


def hinge_with(dreal=lambda d, r, f: -d * (r > 0) / r.size, dfake=lambda d, r, f: d * (f > 0) / f.size):
    """Right but for the outputs given here."""
    return lambda dloss, cache: (dreal(dloss, *cache), dfake(dloss, *cache))


def hinge_if_array(dloss, cache):
    real_margin, fake_margin = cache
    dreal = -dloss / real_margin.size if real_margin > 0 else 0
    dfake = dloss / fake_margin.size if fake_margin > 0 else 0
    return dreal, dfake


def hinge_in_place(dloss, cache):
    real_margin, fake_margin = cache
    real_margin[real_margin > 0] = -dloss / real_margin.size
    fake_margin[fake_margin > 0] = dloss / fake_margin.size
    return real_margin, fake_margin


def hinge_half_done(dloss, cache):
    real_margin, fake_margin = cache
    dreal, dfake = np.zeros_like(real_margin), np.zeros_like(fake_margin)
    for i in range(min(len(real_margin), len(fake_margin))):
        dreal[i] = -dloss * (real_margin[i] > 0) / real_margin.size
        dfake[i] = dloss * (fake_margin[i] > 0) / fake_margin.size
    return dreal, dfake


def windows_scatter(dy, cache):
    (N, f, r, c, C), window = cache
    pf, pr, pc = (size // 2 for size in window)
    dpadded = np.zeros((N, f + 2 * pf, r + 2 * pr, c + 2 * pc, C), dy.dtype)
    for n, (i, j, k) in enumerate(np.ndindex(window)):
        dpadded[:, i : i + f, j : j + r, k : k + c] += dy[..., n * C : (n + 1) * C]
    return dpadded[:, pf : pf + f, pr : pr + r, pc : pc + c]


def windows_gather(dy, cache):
    (N, f, r, c, C), window = cache
    pads = [size // 2 for size in window]
    dy = np.pad(dy, [(0, 0), *((p, p) for p in pads), (0, 0)])
    dx = 0
    for n, place in enumerate(np.ndindex(tuple(window))):
        i, j, k = (2 * p - at for p, at in zip(pads, place, strict=True))
        dx = dx + dy[:, i : i + f, j : j + r, k : k + c, n * C : n * C + C]
    return dx


def windows_nested_loops(dy, cache):
    (N, f, r, c, C), (wf, wr, wc) = cache
    parts = dy.reshape(N, f, r, c, wf, wr, wc, C)
    dx = np.zeros((N, f, r, c, C), dtype=dy.dtype)
    for i in range(wf):
        for j in range(wr):
            for k in range(wc):
                for a in range(f):
                    for b in range(r):
                        for d in range(c):
                            to = a + i - wf // 2, b + j - wr // 2, d + k - wc // 2
                            if 0 <= to[0] < f and 0 <= to[1] < r and 0 <= to[2] < c:
                                dx[:, to[0], to[1], to[2]] += parts[:, a, b, d, i, j, k]
    return dx


def windows_with(add=True, crop="right", places=np.ndindex, columns=None, indent=False, of=lambda window: window):
    """Like windows_scatter, with one mistake."""

    def backward(dy, cache):
        (N, f, r, c, C), window = cache
        window = of(window)
        pf, pr, pc = (size // 2 for size in window)
        dpadded = np.zeros((N, f + 2 * pf, r + 2 * pr, c + 2 * pc, C), dy.dtype)
        K = int(np.prod(window))
        for n, (i, j, k) in enumerate(places(window)):
            part = columns(dy, n, K, C) if columns else dy[..., n * C : (n + 1) * C]
            if add:
                dpadded[:, i : i + f, j : j + r, k : k + c] += part
            else:
                dpadded[:, i : i + f, j : j + r, k : k + c] = part
            if indent:
                break
        return {
            "right": lambda: dpadded[:, pf : pf + f, pr : pr + r, pc : pc + c],
            "none": lambda: dpadded,
            "start": lambda: dpadded[:, pf:, pr:, pc:],
            "end": lambda: dpadded[:, :f, :r, :c],
            "minus": lambda: dpadded[:, pf:-pf, pr:-pr, pc:-pc],
            "one": lambda: dpadded[:, 1:-1, 1:-1, 1:-1],
        }[crop]()

    return backward


def windows_roll(dy, cache):
    (N, f, r, c, C), window = cache
    dx = np.zeros((N, f, r, c, C), dy.dtype)
    for n, (i, j, k) in enumerate(np.ndindex(window)):
        shift = i - window[0] // 2, j - window[1] // 2, k - window[2] // 2
        dx += np.roll(dy[..., n * C : (n + 1) * C], shift, axis=(1, 2, 3))
    return dx


def windows_no_shift(dy, cache):
    (N, f, r, c, C), window = cache
    return dy.reshape(N, f, r, c, -1, C).sum(axis=-2)


def windows_middle_only(dy, cache):
    (N, f, r, c, C), window = cache
    middle = int(np.prod(window)) // 2
    return dy[..., middle * C : (middle + 1) * C]


def windows_mean(dy, cache):
    return windows_scatter(dy, cache) / np.prod(cache[1])


def windows_forward_again(dy, cache):
    (N, f, r, c, C), window = cache
    padded = np.pad(dy, [(0, 0), *((size // 2, size // 2) for size in window), (0, 0)])
    return sum(
        padded[:, i : i + f, j : j + r, k : k + c, n * C : (n + 1) * C]
        for n, (i, j, k) in enumerate(np.ndindex(window))
    )


def windows_counts_overlap(dy, cache):
    (N, f, r, c, C), window = cache
    return windows_scatter(np.ones_like(dy), cache)


ANSWERS = {
    "step_13_patches": Answers(
        right=[PATCHES.tolist(), np.maximum(W @ Z - 3, 0), tuple(map(tuple, PATCHES.astype(float)))],
        wrong=[
            (W @ Z - 3, "forgot the ReLU"),  # no ReLU
            (np.maximum(W @ Z, 0), "forgot the bias"),  # no bias
            (W @ Z + 3, "subtracted the bias"),  # bias added as +3
            (abs(W @ Z - 3), "absolute value"),  # absolute value instead of ReLU
            (PATCHES.T, "missing transpose"),  # patches as rows
            (PATCHES[::-1], "wrong places"),  # pixels from the bottom up
            (np.maximum(W @ Z[::-1] - 3, 0), "rows of the latent swapped"),  # rows of z swapped
            # the −1 of the last row of W read as 1
            ([[9, 0, 2, 4], [6, 0, 2, 3], [3, 1, 2, 2], [6, 0, 2, 3]], "lost minus sign"),
            ([[9, 0, 2, 4], [6, 0, 2, 3], [3, 1, 2, 2], [0, 2, 2, 2]], "off by 1"),  # one slip in the last entry
            # decoded the true latent
            (np.maximum(W @ np.array([[2, 0, 0, 2], [4, 4, 5, 5]]) - 3, 0), "the true latent"),
            # decoded the noised latent
            (np.maximum(W @ np.array([[1, 1, 0, 1], [3, 5, 4, 4]]) - 3, 0), "the noised latent"),
            # already put together as a video
            ([[[9, 6, 0, 0], [3, 0, 1, 2]], [[2, 2, 4, 3], [2, 2, 2, 1]]], "put together already"),
            (np.vstack([PATCHES[:1], (W @ Z)[1:]]), "bias in one row only"),  # bias added to the first row only
        ],
    ),
    "reparameterize_forward": Answers(
        right=[
            sample_by_variance,
            sample_by_half,
            lambda mean, log_variance, noise: (mean + np.exp(log_variance / 2) * noise,)
            + ((np.exp(log_variance / 2) * noise,),),
        ],
        wrong=[
            (sample_with(np.exp), "variance for deviation"),  # variance instead of standard deviation
            (sample_with(lambda u: u), "logarithm for deviation"),  # log variance taken for the standard deviation
            (sample_with(lambda u: np.exp(u) / 2), "half of the variance"),
            (sample_with(lambda u: np.exp(2 * u)), "variance squared"),  # squared the variance
            (sample_with(lambda u: np.exp(-u / 2)), "wrong sign"),  # minus in the exponent
            (sample_with(np.sqrt), "root of the logarithm"),  # root of the log variance
            (sample_with(lambda u: u / 2), "half the logarithm"),  # exponential forgotten
            (sample_with(lambda u: np.exp(u // 2)), "exponent cut off"),  # // cuts the exponent
            # absolute value of the log variance
            (sample_with(lambda u: np.exp(abs(u) / 2)), "logarithm without its sign"),
            # one standard deviation for all
            (
                sample_with(lambda u: np.exp(u.mean() / 2)),
                ("something else in place", "ignores an input", "one for another", "mixes what belongs apart"),
            ),
            (sample_with(lambda u: math.exp(u / 2)), "raised an error"),  # math.exp of an array
            (sample_with(lambda u: 1 + u / 2), "an approximation"),  # an approximation near 0
            (sample_own_noise, "other numbers each time"),  # draws its own noise
            (lambda m, u, n: (m + np.exp(u / 2), (np.exp(u / 2),)), "forgot the noise"),  # noise forgotten
            (lambda m, u, n: (m - np.exp(u / 2) * n, (np.exp(u / 2) * n,)), "minus"),  # minus instead of plus
            # scales the mean, not the noise
            (lambda m, u, n: (m * np.exp(u / 2) + n, (m * np.exp(u / 2),)), "the mean scaled"),
            (sample_cache(lambda m, std, n: (std,)), "kept the deviation alone"),  # cache without the noise
            (sample_cache(lambda m, std, n: std * n), "other structure"),  # cache is not a tuple
            (sample_cache(lambda m, std, n: (m + std * n,)), "kept z"),  # cache holds z
            (sample_cache(lambda m, std, n: (n,)), "kept the noise"),  # cache holds the noise
            (sample_cache(lambda m, std, n: (m, std * n)), "other structure"),  # cache holds the mean, too
            # cache returned first
            (lambda m, u, n: ((np.exp(u / 2) * n,), m + np.exp(u / 2) * n), ("wrong order", "not an array")),
            (lambda m, u, n: m + np.exp(u / 2) * n, "other number of results"),  # no cache
            (sample_in_place, "changed its input"),  # changes mean in place
            (sample_noise_in_place, "changed its input"),  # changes noise in place
            # return inside the loop
            (
                sample_return_in_the_loop,
                ("uses a part of an input", "the rest is zero", "only some of them", "right only in part"),
            ),
        ],
    ),
    "gaussian_kl_forward": Answers(
        right=[kl_in_a_loop, kl_by_means, kl_with(lambda m, v, u: kl_bracket(m, v, u).sum() / u.size)],
        wrong=[
            (kl_with(lambda m, v, u: kl_bracket(m, v, u).sum()), "too large"),  # sum instead of mean
            (kl_with(lambda m, v, u: kl_bracket(m, v, u).sum(axis=-1).mean()), "too large"),  # sum over the last axis
            # divided by the first axis only
            (kl_with(lambda m, v, u: kl_bracket(m, v, u).sum() / len(m)), "divided by one axis"),
            (kl_with(kl_bracket), "not one number"),  # no mean: an array
            # mean over the first axis only
            (kl_with(lambda m, v, u: kl_bracket(m, v, u).mean(axis=0)), "mean over one axis"),
            (kl_with(lambda m, v, u: 2 * kl_bracket(m, v, u).mean()), "forgot the ½"),  # the half is missing
            (kl_with(lambda m, v, u: 0.5 * np.mean(m**2 + v - u)), "forgot the −1"),  # −1 is missing
            (kl_with(lambda m, v, u: 0.5 * np.mean(m**2 + v - 1)), "forgot the logarithm"),  # log variance is missing
            (kl_with(lambda m, v, u: 0.5 * np.mean(v - 1 - u)), "forgot the mean²"),  # mean² is missing
            (kl_with(lambda m, v, u: 0.5 * np.mean(m**2 - 1 - u)), "forgot the variance"),  # variance is missing
            # plus log variance
            (kl_with(lambda m, v, u: 0.5 * np.mean(m**2 + v - 1 + u)), "wrong sign of the logarithm"),
            (kl_with(lambda m, v, u: 0.5 * np.mean(m + v - 1 - u)), "mean not squared"),
            (kl_with(lambda m, v, u: 0.5 * np.mean(m**2 + v**2 - 1 - u)), "variance squared"),
            # deviation instead of variance
            (kl_with(lambda m, v, u: 0.5 * np.mean(m**2 + v**0.5 - 1 - u)), "deviation for variance"),
            (kl_with(lambda m, v, u: 0.5 * np.mean(m**2 + v - 1 - np.log(abs(u)))), "logarithm taken twice"),
            # square of the mean
            (
                kl_with(lambda m, v, u: 0.5 * (np.mean(m) ** 2 + np.mean(v) - 1 - np.mean(u))),
                "square of the mean of all",
            ),
            (kl_with(lambda m, v, u: -0.5 * np.mean(m**2 + v - 1 - u)), "sign"),  # sign of the whole
            # cache in the wrong order
            (kl_with(lambda m, v, u: kl_bracket(m, v, u).mean(), lambda m, v, u: (v, m)), "wrong order"),
            # cache holds log variance
            (kl_with(lambda m, v, u: kl_bracket(m, v, u).mean(), lambda m, v, u: (m, u)), "kept the log variance"),
            # cache holds deviation
            (kl_with(lambda m, v, u: kl_bracket(m, v, u).mean(), lambda m, v, u: (m, v**0.5)), "square root"),
            # cache holds mean²
            (kl_with(lambda m, v, u: kl_bracket(m, v, u).mean(), lambda m, v, u: (m**2, v)), "squared"),
            (lambda m, u: np.mean(kl_bracket(m, np.exp(u), u)), "other number of results"),  # no cache
            (kl_in_place, "changed its input"),  # changes mean in place
            (kl_exponential_in_place, "changed its input"),  # changes log_variance in place
            (kl_two_axes_only, "raised an error"),  # works for two axes only
            (kl_math_exp, "raised an error"),  # math.exp of an array
            (kl_clamps, "log variance limited"),  # limits the log variance to ±10
            (kl_kept, "other numbers each time"),  # a list as default: parts of earlier calls stay in it
        ],
    ),
    "reparameterize_backward": Answers(
        right=[sample_back_copy, sample_back_with(), lambda dz, cache: [dz, np.multiply(dz, cache[0]) * 0.5]],
        wrong=[
            (sample_back_with(dlog=lambda dz, d: dz * d), "forgot the ½"),  # the inner slope ½ is missing
            (sample_back_with(dlog=lambda dz, d: 2 * dz * d), "2 for ½"),  # times 2 instead of ½
            (sample_back_with(dlog=lambda dz, d: d / 2), "forgot dz"),  # dlog_variance ignores dz
            (sample_back_with(dlog=lambda dz, d: dz / 2), "slope of the deviation"),  # deviation is missing
            (sample_back_with(dlog=lambda dz, d: dz * d**2 / 2), "squared"),  # deviation squared
            # absolute value of the deviation
            (sample_back_with(dlog=lambda dz, d: dz * abs(d) / 2), "deviation without its sign"),
            (sample_back_with(dlog=lambda dz, d: -dz * d / 2), "sign"),  # wrong sign
            (sample_back_with(dlog=lambda dz, d: dz * d // 2), "cut off"),  # // instead of /
            # exponential of the deviation again
            (sample_back_with(dlog=lambda dz, d: dz * np.exp(d / 2) / 2), "exponential taken again"),
            (sample_back_with(dlog=lambda dz, d: dz / d / 2), "divided by the deviation"),  # divides by the deviation
            (sample_back_with(dlog=lambda dz, d: (dz * d / 2).sum()), "added up"),  # dlog_variance summed
            # dlog_variance summed over samples
            (sample_back_with(dlog=lambda dz, d: (dz * d / 2).sum(axis=0)), "summed too much"),
            (sample_back_with(dmean=lambda dz, d: np.ones_like(dz)), "forgot dz"),  # dmean ignores dz
            (sample_back_with(dmean=lambda dz, d: dz * d), "mean through the noise"),  # dmean times the deviation
            (sample_back_with(dmean=lambda dz, d: dz.sum()), "added up"),  # dmean summed
            (sample_back_with(dmean=lambda dz, d: dz / dz.size), "divided by the count"),  # dmean divided by the count
            # both mixed up, no half
            (sample_back_with(dmean=lambda dz, d: dz * d, dlog=lambda dz, d: dz), "mean through the noise"),
            (lambda dz, cache: (dz * cache[0] / 2, dz), "wrong order"),  # order swapped
            (lambda dz, cache: (dz, dz * cache / 2), "cache not opened"),  # the tuple isn't opened
            (sample_back_whole_cache, "raised an error"),  # calls a method on the tuple
            (sample_back_in_place, "changed its input"),  # changes dz in place
            (sample_back_cache_in_place, "changed its input"),  # changes the cache in place
        ],
    ),
    "gaussian_kl_backward": Answers(
        right=[
            kl_back_in_parts,
            kl_back_with(),
            lambda dloss, cache: tuple(dloss / cache[0].size * d for d in (cache[0], (cache[1] - 1) / 2)),
        ],
        wrong=[
            # not divided by n
            (kl_back_with(lambda d, m, v: d * m, lambda d, m, v: d * (v - 1) / 2), "forgot the mean over all"),
            # only dlog_variance not divided by n
            (kl_back_with(dlog=lambda d, m, v: d * (v - 1) / 2), ("forgot the mean over all", "too large")),
            # n = len(mean)
            (
                kl_back_with(lambda d, m, v: d * m / len(m), lambda d, m, v: d * (v - 1) / 2 / len(m)),
                "divided by the batch only",
            ),
            (
                kl_back_with(lambda d, m, v: d * m / m.shape[-1], lambda d, m, v: d * (v - 1) / 2 / m.shape[-1]),
                "divided by the last axis only",  # n is the last axis only
            ),
            # ignores dloss
            (kl_back_with(lambda d, m, v: m / m.size, lambda d, m, v: (v - 1) / 2 / m.size), "forgot dloss"),
            # dmean 2 times too large: the half forgotten
            (kl_back_with(lambda d, m, v: 2 * d * m / m.size), "forgot the ½"),
            # dmean half as large: slope of the square forgotten
            (kl_back_with(lambda d, m, v: d * m / m.size / 2), "half the mean"),
            (kl_back_with(lambda d, m, v: d * m**2 / m.size), "mean not differentiated"),  # dmean uses mean², the value
            (kl_back_with(dlog=lambda d, m, v: d * (v - 1) / v.size), "forgot the ½"),  # dlog_variance lacks the half
            (kl_back_with(dlog=lambda d, m, v: d * (1 - v) / 2 / v.size), "sign"),  # dlog_variance has the wrong sign
            # log variance's own part is missing
            (kl_back_with(dlog=lambda d, m, v: d * v / 2 / v.size), "forgot the −1"),
            # the variance's part is missing
            (kl_back_with(dlog=lambda d, m, v: np.full_like(v, -d / 2 / v.size)), "the variance's part left out"),
            # slope in the variance, not in its log
            (kl_back_with(dlog=lambda d, m, v: d * (1 - 1 / v) / 2 / v.size), "slope for the variance"),
            (kl_back_with(dlog=lambda d, m, v: d * (v + 1) / 2 / v.size), "sign of the logarithm"),  # +1 instead of −1
            (kl_back_with(dlog=lambda d, m, v: d * (np.exp(v) - 1) / 2 / v.size), "exponential taken again"),
            (kl_back_with(dlog=lambda d, m, v: d * (v**2 - 1) / 2 / v.size), "variance squared"),
            (kl_back_with(dmean=lambda d, m, v: d * m.mean()), "added up"),  # dmean is one number
            (kl_back_with(dmean=lambda d, m, v: d + m / m.size), "dloss added"),  # dloss added instead of multiplied
            (lambda dloss, cache: kl_back_with()(dloss, cache)[::-1], "wrong order"),  # order swapped
            # cache opened in the wrong order
            (lambda dloss, cache: kl_back_with()(dloss, cache[::-1]), "cache the other way round"),
            # calls mean.size()
            (lambda dloss, cache: (dloss * cache[0] / cache[0].size(), cache[1]), "raised an error"),
            (kl_back_in_place, "changed its input"),  # changes the cache in place
        ],
    ),
    "hinge_discriminator_backward": Answers(
        right=[hinge_where, hinge_signs, hinge_loops],
        wrong=[
            # margin, not its slope
            (hinge_with(lambda d, r, f: -d * r / r.size, lambda d, r, f: d * f / f.size), "margin for its slope"),
            (hinge_with(dreal=lambda d, r, f: d * (r > 0) / r.size), "sign of the real ones"),  # sign of dreal
            (hinge_with(dfake=lambda d, r, f: -d * (f > 0) / f.size), "both negative"),  # sign of dfake
            (
                hinge_with(lambda d, r, f: d * (r > 0) / r.size, lambda d, r, f: -d * (f > 0) / f.size),
                "signs swapped",  # both signs wrong
            ),
            # not divided by n
            (hinge_with(lambda d, r, f: -d * (r > 0), lambda d, r, f: d * (f > 0)), "forgot the mean"),
            (
                hinge_with(lambda d, r, f: -d * (r > 0) / (r > 0).sum(), lambda d, r, f: d * (f > 0) / (f > 0).sum()),
                "mean over those that count",  # divided by the number of those with a margin
            ),
            # fake divided by the number of real ones
            (hinge_with(dfake=lambda d, r, f: d * (f > 0) / r.size), "one count for both"),
            (
                hinge_with(
                    lambda d, r, f: -d * (r > 0) / (r.size + f.size), lambda d, r, f: d * (f > 0) / (r.size + f.size)
                ),
                "one count for both",  # divided by all logits together
            ),
            # ignores dloss
            (hinge_with(lambda d, r, f: -1.0 * (r > 0) / r.size, lambda d, r, f: (f > 0) / f.size), "forgot dloss"),
            (hinge_with(lambda d, r, f: -(r > 0) * d / r.size), "raised an error"),  # a minus before an array of bools
            (
                hinge_with(lambda d, r, f: -d * (r >= 0) / r.size, lambda d, r, f: d * (f >= 0) / f.size),
                "forgot the hinge",  # >= 0: those that are good enough get a gradient too
            ),
            (
                hinge_with(lambda d, r, f: -d * (r > 1) / r.size, lambda d, r, f: d * (f > 1) / f.size),
                "margins compared with 1",  # compares the margin with 1
            ),
            (
                hinge_with(lambda d, r, f: -d * (r == 0) / r.size, lambda d, r, f: d * (f == 0) / f.size),
                "the other half",  # mask the wrong way round
            ),
            (hinge_with(lambda d, r, f: r > 0, lambda d, r, f: f > 0), "the masks alone"),  # returns the masks
            (
                hinge_with(lambda d, r, f: -d / r.size * np.ones_like(r), lambda d, r, f: d / f.size * np.ones_like(f)),
                "forgot the hinge",  # no hinge
            ),
            (
                hinge_with(lambda d, r, f: -d * (1 - r > 0) / r.size, lambda d, r, f: d * (1 + f > 0) / f.size),
                "margins taken for logits",  # takes the margins for logits
            ),
            (
                hinge_with(lambda d, r, f: -d * (r > 0) / len(r) / 2, lambda d, r, f: d * (f > 0) / len(f) / 2),
                "halved",  # halved, as if it were the mean of both means
            ),
            (lambda dloss, cache: hinge_where(dloss, cache)[::-1], "wrong order"),  # order swapped
            (lambda dloss, cache: -(cache[0] > 0).mean() * dloss, "other number of results"),  # one number
            (hinge_if_array, "raised an error"),  # if of an array
            (hinge_in_place, "changed its input"),  # changes the cache in place
            (hinge_half_done, "as far as both go"),  # loops only as far as the shorter of the two
            (
                hinge_with(lambda d, r, f: -d * (r > 0) / len(r), lambda d, r, f: d * (f > 0) / len(f)),
                "divided by the first axis only",
            ),
        ],
    ),
    "neighbours_backward": Answers(
        right=[windows_gather, windows_scatter, windows_nested_loops],
        wrong=[
            (windows_with(add=False), "the last one counts"),  # = instead of +=: only the last one counts
            (windows_with(crop="none"), "forgot to cut"),  # padding not cut off
            (windows_with(crop="start"), "cut off at one end"),  # padding cut off at the start only
            (windows_with(crop="end"), "cut off at one end"),  # cut at the wrong place: all padding cut from the end
            (windows_with(crop="minus"), "cut off by p:-p"),  # p:-p is empty where the window is 1
            (windows_with(crop="one"), "cut off by 1"),  # always cuts off one on each side
            # places in reverse order: mirrored
            (windows_with(places=lambda window: list(np.ndindex(window))[::-1]), "turned around"),
            (
                windows_with(places=lambda window: [(i, j, k) for k, j, i in np.ndindex(window[::-1])]),
                "places in another order",  # places in another order than the forward
            ),
            # columns in strides instead of blocks
            (windows_with(columns=lambda dy, n, K, C: dy[..., n::K]), "channels first"),
            # always the first C columns
            (windows_with(columns=lambda dy, n, K, C: dy[..., :C]), "the first place for all"),
            # n not multiplied by C
            (windows_with(columns=lambda dy, n, K, C: dy[..., n : n + C]), "columns not in blocks"),
            # ignores dy
            (
                windows_with(columns=lambda dy, n, K, C: np.ones_like(dy[..., :C])),
                ("something else in place", "ignores an input", "one for another", "mixes what belongs apart"),
            ),
            (windows_with(indent=True), "one place only"),  # stops after the first place
            (windows_with(of=lambda window: (3, 3, 3)), "raised an error"),  # window hard-coded as 3 × 3 × 3
            (windows_with(of=lambda window: (1, *window[1:])), "window not as given"),  # window over frames ignored
            # window's rows taken for its columns
            (windows_with(of=lambda window: (window[0], window[1], window[1])), "window not as given"),
            (windows_with(columns=lambda dy, n, K, C: dy[..., n : n + 1]), "one channel"),  # one channel only
            (windows_roll, "over the edge"),  # goes round at the edges
            (windows_no_shift, "sum over its window"),  # sums the window's columns without moving them back
            (windows_middle_only, "only its own window"),  # only the cell's own place
            (windows_mean, "mean over the window"),  # mean instead of sum
            (windows_forward_again, "turned around"),  # gathers in the forward's direction instead of the opposite one
            # counts the windows, ignores dy
            (
                windows_counts_overlap,
                ("something else in place", "ignores an input", "one for another", "mixes what belongs apart"),
            ),
            (lambda dy, cache: dy.reshape(cache[0]), "raised an error"),  # a reshape to x's shape
        ],
    ),
}
