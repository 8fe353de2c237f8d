"""Answers to the exercises of lesson 13, as students write them."""

import numpy as np
from answers_of import Answers

# ------------------------------------------------------------------------------------------------ 13.1 by hand

PATCHES = [[9, 0, 2, 4], [6, 0, 2, 3], [3, 1, 2, 2], [0, 2, 2, 1]]

# ------------------------------------------------------------------------------------ 13.2 reparameterize_forward


def sample_by_root(mean, log_variance, noise):
    std = np.sqrt(np.exp(log_variance))
    added = noise * std
    return added + mean, (added,)


def sample_by_loop(mean, log_variance, noise):
    z, added = np.empty_like(mean), np.empty_like(mean)
    for i in np.ndindex(mean.shape):
        added[i] = noise[i] * np.e ** (log_variance[i] / 2)
        z[i] = mean[i] + added[i]
    return z, (added,)


def sample_variance(mean, log_variance, noise):
    added = np.exp(log_variance) * noise
    return mean + added, (added,)


def sample_log(mean, log_variance, noise):
    added = log_variance * noise
    return mean + added, (added,)


def sample_half_log(mean, log_variance, noise):
    added = log_variance / 2 * noise
    return mean + added, (added,)


def sample_half_variance(mean, log_variance, noise):
    added = np.exp(log_variance) / 2 * noise
    return mean + added, (added,)


def sample_inverse(mean, log_variance, noise):
    added = np.exp(-log_variance / 2) * noise
    return mean + added, (added,)


def sample_no_mean(mean, log_variance, noise):
    added = np.exp(log_variance / 2) * noise
    return added, (added,)


def sample_no_noise(mean, log_variance, noise):
    std = np.exp(log_variance / 2)
    return mean + std, (std,)


def sample_unscaled(mean, log_variance, noise):
    return mean + noise, (noise,)


def sample_keeps_std(mean, log_variance, noise):
    std = np.exp(log_variance / 2)
    return mean + std * noise, (std,)


def sample_keeps_noise(mean, log_variance, noise):
    return mean + np.exp(log_variance / 2) * noise, (noise,)


def sample_in_place(mean, log_variance, noise):
    noise *= np.exp(log_variance / 2)
    return mean + noise, (noise.copy(),)


def sample_keeps_array(mean, log_variance, noise):
    added = np.exp(log_variance / 2) * noise
    return mean + added, added


# --------------------------------------------------------------------------------------- 13.3 gaussian_kl_forward


def kl_from_deviation(mean, log_variance):
    std = np.exp(log_variance / 2)
    terms = (std**2 + mean**2 - 1) / 2 - np.log(std)
    return np.sum(terms) / terms.size, (mean, std**2)


def kl_by_loop(mean, log_variance):
    total = 0.0
    for m, u in zip(mean.ravel(), log_variance.ravel(), strict=True):
        total += 0.5 * (m**2 + np.exp(u) - 1 - u)
    return total / mean.size, (mean, np.exp(log_variance))


def kl_sum(mean, log_variance):
    v = np.exp(log_variance)
    return 0.5 * np.sum(mean**2 + v - 1 - log_variance), (mean, v)


def kl_sum_over_channels(mean, log_variance):
    v = np.exp(log_variance)
    return 0.5 * (mean**2 + v - 1 - log_variance).sum(axis=-1).mean(), (mean, v)


def kl_no_half(mean, log_variance):
    v = np.exp(log_variance)
    return np.mean(mean**2 + v - 1 - log_variance), (mean, v)


def kl_no_one(mean, log_variance):
    v = np.exp(log_variance)
    return np.mean(mean**2 + v - log_variance) / 2, (mean, v)


def kl_plus_log(mean, log_variance):
    v = np.exp(log_variance)
    return np.mean(mean**2 + v - 1 + log_variance) / 2, (mean, v)


def kl_minus(mean, log_variance):
    # as it stands in many programs: -0.5 * (1 + log_variance - mean² - variance), with the minus forgotten
    v = np.exp(log_variance)
    return 0.5 * np.mean(1 + log_variance - mean**2 - v), (mean, v)


def kl_mean_unsquared(mean, log_variance):
    v = np.exp(log_variance)
    return np.mean(mean + v - 1 - log_variance) / 2, (mean, v)


def kl_deviation(mean, log_variance):
    v = np.exp(log_variance)
    return np.mean(mean**2 + np.exp(log_variance / 2) - 1 - log_variance) / 2, (mean, v)


def kl_squared_variance(mean, log_variance):
    v = np.exp(log_variance)
    return np.mean(mean**2 + v**2 - 1 - log_variance) / 2, (mean, v)


def kl_keeps_log(mean, log_variance):
    return np.mean(mean**2 + np.exp(log_variance) - 1 - log_variance) / 2, (mean, log_variance)


def kl_array(mean, log_variance):
    v = np.exp(log_variance)
    return (mean**2 + v - 1 - log_variance) / 2, (mean, v)


# ----------------------------------------------------------------------------------- 13.4 reparameterize_backward


def sample_back_in_steps(dz, cache):
    (added,) = cache
    dadded = dz * 1.0
    dhalf = dadded * added
    return dadded, dhalf / 2


def sample_back_by_loop(dz, cache):
    dmean, dlog = np.zeros_like(dz), np.zeros_like(dz)
    for i in np.ndindex(dz.shape):
        dmean[i] += dz[i]
        dlog[i] += dz[i] * cache[0][i] * 0.5
    return dmean, dlog


def sample_back_no_half(dz, cache):
    return dz, dz * cache[0]


def sample_back_no_dz(dz, cache):
    return dz, cache[0] / 2


def sample_back_no_deviation(dz, cache):
    return dz, dz / 2


def sample_back_squared(dz, cache):
    return dz, dz * cache[0] ** 2 / 2


def sample_back_mean_too(dz, cache):
    return dz * cache[0], dz * cache[0] / 2


def sample_back_order(dz, cache):
    return dz * cache[0] / 2, dz


def sample_back_minus(dz, cache):
    return dz, -dz * cache[0] / 2


def sample_back_summed(dz, cache):
    return dz.sum(axis=0), (dz * cache[0] / 2).sum(axis=0)


def sample_back_in_place(dz, cache):
    dmean = dz.copy()
    dz *= cache[0]
    return dmean, dz / 2


# -------------------------------------------------------------------------------------- 13.5 gaussian_kl_backward


def kl_back_in_steps(dloss, cache):
    mean, variance = cache
    dterms = np.full(mean.shape, dloss / mean.size)
    dbracket = dterms / 2
    return dbracket * 2 * mean, dbracket * variance - dbracket


def kl_back_by_loop(dloss, cache):
    mean, variance = cache
    dmean, dlog = np.empty_like(mean), np.empty_like(mean)
    for i in np.ndindex(mean.shape):
        dmean[i] = dloss * mean[i] / mean.size
        dlog[i] = dloss * (variance[i] - 1) / (2 * mean.size)
    return dmean, dlog


def kl_back_no_count(dloss, cache):
    mean, variance = cache
    return dloss * mean, dloss * (variance - 1) / 2


def kl_back_batch(dloss, cache):
    mean, variance = cache
    return dloss * mean / mean.shape[0], dloss * (variance - 1) / 2 / mean.shape[0]


def kl_back_no_dloss(dloss, cache):
    mean, variance = cache
    return mean / mean.size, (variance - 1) / (2 * mean.size)


def kl_back_no_one(dloss, cache):
    mean, variance = cache
    return dloss * mean / mean.size, dloss * variance / (2 * mean.size)


def kl_back_of_variance(dloss, cache):
    mean, variance = cache
    return dloss * mean / mean.size, dloss * (1 - 1 / variance) / (2 * mean.size)


def kl_back_no_half(dloss, cache):
    mean, variance = cache
    return dloss * mean / mean.size, dloss * (variance - 1) / mean.size


def kl_back_twice_mean(dloss, cache):
    mean, variance = cache
    return dloss * 2 * mean / mean.size, dloss * (variance - 1) / (2 * mean.size)


def kl_back_half_mean(dloss, cache):
    mean, variance = cache
    return dloss * mean / (2 * mean.size), dloss * (variance - 1) / (2 * mean.size)


def kl_back_order(dloss, cache):
    mean, variance = cache
    return dloss * (variance - 1) / (2 * mean.size), dloss * mean / mean.size


def kl_back_minus(dloss, cache):
    mean, variance = cache
    return dloss * mean / mean.size, dloss * (1 - variance) / (2 * mean.size)


# ------------------------------------------------------------------------------ 13.6 hinge_discriminator_backward


def hinge_where(dloss, cache):
    real, fake = cache
    return np.where(real > 0, -dloss / real.size, 0.0), np.where(fake > 0, dloss / fake.size, 0.0)


def hinge_by_sign(dloss, cache):
    # margins are never negative, so that their sign is 0 or 1
    return tuple(s * dloss * np.sign(m) / m.size for s, m in zip((-1, 1), cache, strict=True))


def hinge_no_hinge(dloss, cache):
    real, fake = cache
    return np.full(real.shape, -dloss / real.size), np.full(fake.shape, dloss / fake.size)


def hinge_margin(dloss, cache):
    real, fake = cache
    return -dloss * real / real.size, dloss * fake / fake.size


def hinge_plus(dloss, cache):
    real, fake = cache
    return dloss * (real > 0) / real.size, dloss * (fake > 0) / fake.size


def hinge_opposite(dloss, cache):
    real, fake = cache
    return dloss * (real > 0) / real.size, -dloss * (fake > 0) / fake.size


def hinge_sum(dloss, cache):
    real, fake = cache
    return -dloss * (real > 0), dloss * (fake > 0)


def hinge_active_mean(dloss, cache):
    real, fake = (margin > 0 for margin in cache)
    return -dloss * real / np.count_nonzero(real), dloss * fake / np.count_nonzero(fake)


def hinge_together(dloss, cache):
    real, fake = cache
    count = real.size + fake.size
    return -dloss * (real > 0) / count, dloss * (fake > 0) / count


def hinge_first_count(dloss, cache):
    real, fake = cache
    return -dloss * (real > 0) / real.size, dloss * (fake > 0) / real.size


def hinge_no_dloss(dloss, cache):
    real, fake = cache
    return np.where(real > 0, -1, 0) / real.size, np.where(fake > 0, 1, 0) / fake.size


def hinge_turned(dloss, cache):
    real, fake = cache
    return -dloss * (real == 0) / real.size, dloss * (fake == 0) / fake.size


def hinge_order(dloss, cache):
    real, fake = cache
    return dloss * (fake > 0) / fake.size, -dloss * (real > 0) / real.size


# --------------------------------------------------------------------------------------- 13.7 neighbours_backward


def windows_by_loop(dy, cache):
    # every cell asks all cells whether they saw it
    (N, f, r, c, C), (kf, kr, kc) = cache
    dx = np.zeros((N, f, r, c, C))
    windows = dy.reshape(N, f, r, c, kf, kr, kc, C)
    for a, b, d in np.ndindex(f, r, c):
        for i, j, k in np.ndindex(kf, kr, kc):
            seen = a + i - kf // 2, b + j - kr // 2, d + k - kc // 2
            if all(0 <= s < n for s, n in zip(seen, (f, r, c), strict=True)):
                dx[:, *seen] += windows[:, a, b, d, i, j, k]
    return dx


def windows_by_gathering(dy, cache):
    # the same windows, looked at the other way round: pad dy, and take from each neighbour what it says of me
    (N, f, r, c, C), (kf, kr, kc) = cache
    dpadded = np.pad(dy, [(0, 0), (kf // 2,) * 2, (kr // 2,) * 2, (kc // 2,) * 2, (0, 0)])
    places = list(np.ndindex(kf, kr, kc))
    parts = [
        dpadded[:, i : i + f, j : j + r, k : k + c, (len(places) - 1 - n) * C :][..., :C]
        for n, (i, j, k) in enumerate(places)
    ]
    return np.sum(parts, axis=0)


def windows_padded(dy, cache, gather=lambda old, new: old + new):
    (N, f, r, c, C), (kf, kr, kc) = cache
    dpadded = np.zeros((N, f + kf - 1, r + kr - 1, c + kc - 1, C))
    for n, (i, j, k) in enumerate(np.ndindex(kf, kr, kc)):
        old = dpadded[:, i : i + f, j : j + r, k : k + c].copy()
        dpadded[:, i : i + f, j : j + r, k : k + c] = gather(old, dy[..., n * C : (n + 1) * C])
    return dpadded


def windows_own(dy, cache):
    C, K = cache[0][-1], int(np.prod(cache[1]))
    return dy[..., K // 2 * C : (K // 2 + 1) * C].copy()


def windows_sum(dy, cache):
    C = cache[0][-1]
    return sum(dy[..., n : n + C] for n in range(0, dy.shape[-1], C))


def windows_last(dy, cache):
    (_, f, r, c, _), (kf, kr, kc) = cache
    dpadded = windows_padded(dy, cache, lambda old, new: new)
    return dpadded[:, kf // 2 : kf // 2 + f, kr // 2 : kr // 2 + r, kc // 2 : kc // 2 + c]


def windows_turned(dy, cache):
    (N, f, r, c, C), (kf, kr, kc) = cache
    dpadded = np.zeros((N, f + kf - 1, r + kr - 1, c + kc - 1, C))
    for n, (i, j, k) in enumerate(np.ndindex(kf, kr, kc)):
        i, j, k = kf - 1 - i, kr - 1 - j, kc - 1 - k
        dpadded[:, i : i + f, j : j + r, k : k + c] += dy[..., n * C : (n + 1) * C]
    return dpadded[:, kf // 2 : kf // 2 + f, kr // 2 : kr // 2 + r, kc // 2 : kc // 2 + c]


def windows_rolled(dy, cache):
    (*_, C), (kf, kr, kc) = cache
    dx = 0
    for n, (i, j, k) in enumerate(np.ndindex(kf, kr, kc)):
        dx = dx + np.roll(dy[..., n * C : (n + 1) * C], (i - kf // 2, j - kr // 2, k - kc // 2), axis=(1, 2, 3))
    return dx


def windows_cut_late(dy, cache):
    _, f, r, c, _ = cache[0]
    return windows_padded(dy, cache)[:, :f, :r, :c]


def windows_uncut(dy, cache):
    return windows_padded(dy, cache)


def windows_channels_first(dy, cache):
    (N, f, r, c, C), (kf, kr, kc) = cache
    K = kf * kr * kc
    dpadded = np.zeros((N, f + kf - 1, r + kr - 1, c + kc - 1, C))
    for n, (i, j, k) in enumerate(np.ndindex(kf, kr, kc)):
        dpadded[:, i : i + f, j : j + r, k : k + c] += dy[..., n::K]
    return dpadded[:, kf // 2 : kf // 2 + f, kr // 2 : kr // 2 + r, kc // 2 : kc // 2 + c]


def windows_mean(dy, cache):
    return windows_by_loop(dy, cache) / np.prod(cache[1])


def windows_in_place(dy, cache):
    dx = windows_by_loop(dy, cache)
    dy *= 0
    return dx


ANSWERS = {
    "step_13_patches": Answers(
        right=[PATCHES, np.array(PATCHES, dtype=np.int16)],
        wrong=[
            ([[9, -1, 2, 4], [6, 0, 2, 3], [3, 1, 2, 2], [0, 2, 2, 1]], "forgot the ReLU"),
            ([[12, 2, 5, 7], [9, 3, 5, 6], [6, 4, 5, 5], [3, 5, 5, 4]], "forgot the bias"),
            ([[15, 5, 8, 10], [12, 6, 8, 9], [9, 7, 8, 8], [6, 8, 8, 7]], "subtracted the bias"),
            ([[9, 1, 2, 4], [6, 0, 2, 3], [3, 1, 2, 2], [0, 2, 2, 1]], "absolute value"),
            ([[9, 2, 5, 7], [6, 3, 5, 6], [3, 4, 5, 5], [0, 5, 5, 4]], "bias in one column only"),
            ([[5, 1, 2, 6], [3, 1, 2, 4], [1, 1, 2, 2], [0, 1, 2, 0]], "the true latent"),
            ([[8, 0, 0, 1], [5, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]], "the conditioned latent"),
            ([[2, 4, 1, 3], [1, 3, 1, 2], [0, 2, 1, 1], [0, 1, 1, 0]], "the noised latent"),
            ([[9, 0, 2, 4], [6, 0, 2, 3], [3, 1, 2, 2], [6, 0, 2, 3]], "lost minus sign"),
            ([[9, 6, 3, 0], [0, 0, 1, 2], [2, 2, 2, 2], [4, 3, 2, 1]], "missing transpose"),
            ([[9, 0, 2, 4], [6, 0, 2, 3], [3, 1, 2, 2], [0, 2, 2, 2]], None),
        ],
    ),
    "reparameterize_forward": Answers(
        right=[sample_by_root, sample_by_loop],
        wrong=[
            (sample_variance, "variance for deviation"),
            (sample_log, "logarithm for deviation"),
            (sample_half_log, "half the logarithm"),
            (sample_half_variance, "half of the variance"),
            (sample_inverse, "wrong sign"),
            (sample_no_mean, "forgot the mean"),
            (sample_no_noise, "forgot the noise"),
            (sample_unscaled, "variance one"),
            (sample_keeps_std, "kept the deviation alone"),
            (sample_keeps_noise, "kept the noise"),
            (sample_in_place, "changed its input"),
            (sample_keeps_array, None),
        ],
    ),
    "gaussian_kl_forward": Answers(
        right=[kl_from_deviation, kl_by_loop],
        wrong=[
            (kl_sum, "too large"),
            (kl_sum_over_channels, "too large"),
            (kl_no_half, "forgot the ½"),
            (kl_no_one, "forgot the −1"),
            (kl_plus_log, "wrong sign of the logarithm"),
            (kl_minus, "sign"),
            (kl_mean_unsquared, "mean not squared"),
            (kl_deviation, "deviation for variance"),
            (kl_squared_variance, "variance squared"),
            (kl_keeps_log, "kept the log variance"),
            (kl_array, "not one number"),
        ],
    ),
    "reparameterize_backward": Answers(
        right=[sample_back_in_steps, sample_back_by_loop],
        wrong=[
            (sample_back_no_half, "forgot the ½"),
            (sample_back_no_dz, "forgot dz"),
            (sample_back_no_deviation, "slope of the deviation"),
            (sample_back_squared, "squared"),
            (sample_back_mean_too, "mean through the noise"),
            (sample_back_order, "wrong order"),
            (sample_back_minus, "sign"),
            (sample_back_summed, "summed too much"),
            (sample_back_in_place, "changed its input"),
        ],
    ),
    "gaussian_kl_backward": Answers(
        right=[kl_back_in_steps, kl_back_by_loop],
        wrong=[
            (kl_back_no_count, "forgot the mean over all"),
            (kl_back_batch, "divided by the batch only"),
            (kl_back_no_dloss, "forgot dloss"),
            (kl_back_no_one, "forgot the −1"),
            (kl_back_of_variance, "slope for the variance"),
            (kl_back_no_half, "forgot the ½"),
            (kl_back_twice_mean, "forgot the ½"),
            (kl_back_half_mean, "half the mean"),
            (kl_back_order, "wrong order"),
            (kl_back_minus, "sign"),
        ],
    ),
    "hinge_discriminator_backward": Answers(
        right=[hinge_where, hinge_by_sign],
        wrong=[
            (hinge_no_hinge, "forgot the hinge"),
            (hinge_margin, "margin for its slope"),
            (hinge_plus, "sign of the real ones"),
            (hinge_opposite, "signs swapped"),
            (hinge_sum, "forgot the mean"),
            (hinge_active_mean, "mean over those that count"),
            (hinge_together, "one count for both"),
            (hinge_first_count, "one count for both"),
            (hinge_no_dloss, "forgot dloss"),
            (hinge_turned, "the other half"),
            (hinge_order, "wrong order"),
        ],
    ),
    "neighbours_backward": Answers(
        right=[windows_by_loop, windows_by_gathering],
        wrong=[
            (windows_own, "only its own window"),
            (windows_sum, "sum over its window"),
            (windows_last, "the last one counts"),
            (windows_turned, "turned around"),
            (windows_rolled, "over the edge"),
            (windows_cut_late, "cut off at one end"),
            (windows_uncut, "forgot to cut"),
            (windows_channels_first, "channels first"),
            (windows_mean, "mean over the window"),
            (windows_in_place, "changed its input"),
        ],
    ),
}
