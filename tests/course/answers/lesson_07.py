"""Answers to the exercises of lesson 7, as students write them."""

import numpy as np
from answers_of import Answers

# -------------------------------------------------------------------------------------- step_7_conditioned

AS_ARRAY = np.array([[1.0, 1, -1, 1], [2, 0, 1, 1]])
ONE_PLUS = [[2, 2, -1, 2], [5, 5, 5, 5]]
SHIFT_FIRST = [[0, 0, -2, 0], [-8, -10, -9, -9]]
NO_SHIFT = [[2, 2, 0, 2], [-3, -5, -4, -4]]
SWAPPED = [[1, 1, 2, 1], [14, 24, 19, 19]]
ONE_OFF = [[1, 1, -1, 1], [2, 0, 1, 0]]
AS_ROWS = [[1, 2], [1, 0], [-1, 1], [1, 1]]


# -------------------------------------------------------------------------------------------- scale and shift


def with_loops(x, shift, scale):
    y = np.empty_like(x)
    for i in range(len(x)):
        for t in range(x.shape[1]):
            y[i, t] = x[i, t] + x[i, t] * scale[i] + shift[i]
    return y, (x, 1 + scale.reshape(len(x), 1, -1))


def with_einsum(x, shift, scale):
    gain = np.expand_dims(1 + scale, 1)
    return np.einsum("btd,bd->btd", x, gain[:, 0]) + shift[:, np.newaxis, :], (x, gain)


def no_one(x, shift, scale):
    gain = scale[:, None]
    return x * gain + shift[:, None], (x, gain)


def shift_inside(x, shift, scale):
    gain = (1 + scale)[:, None]
    return gain * (x + shift[:, None]), (x, gain)


def swapped_arguments(x, scale, shift):
    gain = 1 + scale[:, None]
    return x * gain + shift[:, None], (x, gain)


def no_shift(x, shift, scale):
    gain = 1 + scale[:, None]
    return x * gain, (x, gain)


def first_sample_for_all(x, shift, scale):
    return x * (1 + scale[0]) + shift[0], (x, 1 + scale[:, None])


def keeps_scale(x, shift, scale):
    scale = scale[:, None]
    return x * (1 + scale) + shift[:, None], (x, scale)


def flat_gain(x, shift, scale):
    gain = 1 + scale
    return x * gain[:, None] + shift[:, None], (x, gain)


def no_axis(x, shift, scale):
    return x * (1 + scale) + shift, (x, 1 + scale)


def writes_into_x(x, shift, scale):
    gain, kept = 1 + scale[:, None], x.copy()
    x *= gain
    return x + shift[:, None], (kept, gain)


# ------------------------------------------------------------------------------------------------- layer norm


def with_std(x, eps=1e-6):
    mu = np.mean(x, -1)[..., None]
    var = np.var(x, -1)[..., None]
    xhat = (x - mu) / np.sqrt(var + eps)
    return xhat, (xhat, (var + eps) ** -0.5)


def row_by_row(x, eps=1e-6):
    rows = x.reshape(-1, x.shape[-1])
    xhat, rstd = np.empty_like(rows), np.empty((len(rows), 1))
    for i, row in enumerate(rows):
        mean = sum(row) / len(row)
        variance = sum((value - mean) ** 2 for value in row) / len(row)
        rstd[i] = 1 / np.sqrt(variance + eps)
        xhat[i] = (row - mean) * rstd[i]
    xhat = xhat.reshape(x.shape)
    return xhat, (xhat, rstd.reshape(*x.shape[:-1], 1))


def across_tokens(x, eps=1e-6):
    rstd = 1 / np.sqrt(x.var(axis=-2, keepdims=True) + eps)
    xhat = (x - x.mean(axis=-2, keepdims=True)) * rstd
    return xhat, (xhat, rstd)


def of_everything(x, eps=1e-6):
    rstd = 1 / np.sqrt(x.var(keepdims=True) + eps)
    xhat = (x - x.mean(keepdims=True)) * rstd
    return xhat, (xhat, rstd)


def unbiased(x, eps=1e-6):
    rstd = 1 / np.sqrt(x.var(axis=-1, keepdims=True, ddof=1) + eps)
    xhat = (x - x.mean(axis=-1, keepdims=True)) * rstd
    return xhat, (xhat, rstd)


def no_root(x, eps=1e-6):
    rstd = 1 / (x.var(axis=-1, keepdims=True) + eps)
    xhat = (x - x.mean(axis=-1, keepdims=True)) * rstd
    return xhat, (xhat, rstd)


def eps_beside_std(x, eps=1e-6):
    rstd = 1 / (x.std(axis=-1, keepdims=True) + eps)
    xhat = (x - x.mean(axis=-1, keepdims=True)) * rstd
    return xhat, (xhat, rstd)


def eps_forgotten(x, eps=1e-6):
    rstd = 1 / x.std(axis=-1, keepdims=True)
    xhat = (x - x.mean(axis=-1, keepdims=True)) * rstd
    return xhat, (xhat, rstd)


def eps_fixed(x, eps=1e-6):
    rstd = 1 / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-6)
    xhat = (x - x.mean(axis=-1, keepdims=True)) * rstd
    return xhat, (xhat, rstd)


def rms_norm(x, eps=1e-6):
    rstd = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    return x * rstd, (x * rstd, rstd)


def square_before_centring(x, eps=1e-6):
    centred = x - x.mean(axis=-1, keepdims=True)
    rstd = 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps)
    return centred * rstd, (centred * rstd, rstd)


def caches_std(x, eps=1e-6):
    std = np.sqrt(x.var(axis=-1, keepdims=True) + eps)
    xhat = (x - x.mean(axis=-1, keepdims=True)) / std
    return xhat, (xhat, std)


# ----------------------------------------------------------------------------------- scale and shift, backward


def tokens_in_a_loop(dy, cache):
    x, gain = cache
    dshift = np.zeros((len(x), x.shape[2]))
    dscale = np.zeros((len(x), x.shape[2]))
    for t in range(x.shape[1]):
        dshift += dy[:, t]
        dscale += dy[:, t] * x[:, t]
    return dy * gain, dshift, dscale


def by_einsum(dy, cache):
    x, gain = cache
    return dy * gain, np.einsum("btd->bd", dy), np.einsum("btd,btd->bd", dy, x)


def means(dy, cache):
    x, gain = cache
    return dy * gain, dy.mean(1), (dy * x).mean(1)


def not_summed(dy, cache):
    x, gain = cache
    return dy * gain, dy, dy * x


def summed_too_much(dy, cache):
    x, gain = cache
    return dy * gain, dy.sum(0).sum(0), (dy * x).sum(0).sum(0)


def axis_left(dy, cache):
    x, gain = cache
    return dy * gain, dy.sum(1)[:, None], (dy * x).sum(1)[:, None]


def over_channels(dy, cache):
    x, gain = cache
    return dy * gain, dy.sum(-1), (dy * x).sum(-1)


def over_samples(dy, cache):
    x, gain = cache
    return dy * gain, dy.sum(0), (dy * x).sum(0)


def gain_plus_one(dy, cache):
    x, gain = cache
    return dy * (1 + gain), dy.sum(1), (dy * x).sum(1)


def gain_less_one(dy, cache):
    x, gain = cache
    return dy * (gain - 1), dy.sum(1), (dy * x).sum(1)


def dx_is_dy(dy, cache):
    x, _ = cache
    return dy.copy(), dy.sum(1), (dy * x).sum(1)


def gain_in_dscale(dy, cache):
    x, gain = cache
    return dy * gain, dy.sum(1), (dy * gain * x).sum(1)


def scale_before_shift(dy, cache):
    x, gain = cache
    return dy * gain, (dy * x).sum(1), dy.sum(1)


def x_forgotten(dy, cache):
    _, gain = cache
    return dy * gain, dy.sum(1), dy.sum(1)


# ------------------------------------------------------------------------------- layer norm, step by step


def steps_by_hand(dxhat, cache):
    centred, rstd = cache
    D = centred.shape[-1]
    ones = np.ones((D, 1))
    drstd = (dxhat * centred) @ ones
    dvariance = -drstd / (2 * rstd**-3)
    dcentred = rstd * dxhat
    dcentred = dcentred + 2 / D * centred * dvariance
    dmean = -dcentred @ ones
    return drstd, dvariance, dcentred, dmean, dcentred + np.repeat(dmean, D, axis=-1) / D


def steps(drstd, dvariance, dcentred, centred):
    D = centred.shape[-1]
    dmean = -dcentred.sum(axis=-1, keepdims=True)
    return drstd, dvariance, dcentred, dmean, dcentred + dmean / D


def drstd_unsummed(dxhat, cache):
    centred, rstd = cache
    D = centred.shape[-1]
    drstd = dxhat * centred
    dvariance = -0.5 * drstd * rstd**3
    return steps(drstd, dvariance, dxhat * rstd + dvariance * 2 * centred / D, centred)


def drstd_averaged(dxhat, cache):
    centred, rstd = cache
    D = centred.shape[-1]
    drstd = (dxhat * centred).mean(-1, keepdims=True)
    dvariance = -0.5 * drstd * rstd**3
    return steps(drstd, dvariance, dxhat * rstd + dvariance * 2 * centred / D, centred)


def power_one(dxhat, cache):
    centred, rstd = cache
    drstd = (dxhat * centred).sum(-1, keepdims=True)
    dvariance = -drstd * rstd / 2
    return steps(drstd, dvariance, dxhat * rstd + dvariance * 2 * centred / centred.shape[-1], centred)


def root_sign(dxhat, cache):
    centred, rstd = cache
    drstd = (dxhat * centred).sum(-1, keepdims=True)
    dvariance = drstd * rstd**3 / 2
    return steps(drstd, dvariance, dxhat * rstd + dvariance * 2 * centred / centred.shape[-1], centred)


def only_direct(dxhat, cache):
    centred, rstd = cache
    drstd = (dxhat * centred).sum(-1, keepdims=True)
    return steps(drstd, -0.5 * drstd * rstd**3, dxhat * rstd, centred)


def variance_not_a_mean(dxhat, cache):
    centred, rstd = cache
    drstd = (dxhat * centred).sum(-1, keepdims=True)
    dvariance = -0.5 * drstd * rstd**3
    return steps(drstd, dvariance, dxhat * rstd + dvariance * 2 * centred, centred)


def two_forgotten(dxhat, cache):
    centred, rstd = cache
    drstd = (dxhat * centred).sum(-1, keepdims=True)
    dvariance = -0.5 * drstd * rstd**3
    return steps(drstd, dvariance, dxhat * rstd + dvariance * centred / centred.shape[-1], centred)


def plus_dmean(dxhat, cache):
    drstd, dvariance, dcentred, dmean, _ = steps_by_hand(dxhat, cache)
    return drstd, dvariance, dcentred, -dmean, dcentred - dmean / dcentred.shape[-1]


def mean_ignored(dxhat, cache):
    drstd, dvariance, dcentred, dmean, _ = steps_by_hand(dxhat, cache)
    return drstd, dvariance, dcentred, dmean, dcentred.copy()


def mean_undivided(dxhat, cache):
    drstd, dvariance, dcentred, dmean, _ = steps_by_hand(dxhat, cache)
    return drstd, dvariance, dcentred, dmean, dcentred + dmean


def dx_alone(dxhat, cache):
    return steps_by_hand(dxhat, cache)[-1]


# --------------------------------------------------------------------------------- layer norm in one line


def as_projection(dxhat, cache):
    xhat, rstd = cache
    D = xhat.shape[-1]
    ones = np.ones((1, D))
    jacobian = np.eye(D) - ones.T @ ones / D - xhat[..., :, None] * xhat[..., None, :] / D
    return rstd * (jacobian @ dxhat[..., None])[..., 0]


def with_sums(dxhat, cache):
    xhat, rstd = cache
    D = xhat.shape[-1]
    return rstd / D * (D * dxhat - dxhat.sum(-1, keepdims=True) - xhat * np.vecdot(dxhat, xhat)[..., None])


def no_mean_term(dxhat, cache):
    xhat, rstd = cache
    return rstd * (dxhat - xhat * (dxhat * xhat).mean(-1, keepdims=True))


def no_std_term(dxhat, cache):
    _, rstd = cache
    return rstd * (dxhat - dxhat.mean(-1, keepdims=True))


def constants(dxhat, cache):
    _, rstd = cache
    return dxhat * rstd


def no_rstd(dxhat, cache):
    xhat, _ = cache
    return dxhat - dxhat.mean(-1, keepdims=True) - xhat * (dxhat * xhat).mean(-1, keepdims=True)


def rstd_divides(dxhat, cache):
    return no_rstd(dxhat, cache) / cache[1]


def brackets(dxhat, cache):
    xhat, rstd = cache
    return rstd * dxhat - dxhat.mean(-1, keepdims=True) - xhat * (dxhat * xhat).mean(-1, keepdims=True)


def undivided_sums(dxhat, cache):
    xhat, rstd = cache
    return rstd * (dxhat - dxhat.sum(-1, keepdims=True) - xhat * (dxhat * xhat).sum(-1, keepdims=True))


def xhat_forgotten(dxhat, cache):
    xhat, rstd = cache
    return rstd * (dxhat - dxhat.mean(-1, keepdims=True) - (dxhat * xhat).mean(-1, keepdims=True))


def means_over_tokens(dxhat, cache):
    xhat, rstd = cache
    return rstd * (dxhat - dxhat.mean(-2, keepdims=True) - xhat * (dxhat * xhat).mean(-2, keepdims=True))


def means_of_all(dxhat, cache):
    xhat, rstd = cache
    return rstd * (dxhat - dxhat.mean() - xhat * (dxhat * xhat).mean())


ANSWERS = {
    "step_7_conditioned": Answers(
        right=[AS_ARRAY],
        wrong=[
            (ONE_PLUS, "one plus too much"),
            (SHIFT_FIRST, "shift before scale"),
            (NO_SHIFT, "forgot the shift"),
            (SWAPPED, "scale and shift swapped"),
            (AS_ROWS, "missing transpose"),
            (ONE_OFF, None),
        ],
    ),
    "modulate_forward": Answers(
        right=[with_loops, with_einsum],
        wrong=[
            (no_one, "forgot one plus"),
            (shift_inside, "shift before scale"),
            (swapped_arguments, "scale and shift swapped"),
            (no_shift, "forgot the shift"),
            (first_sample_for_all, "one for the whole batch"),
            (keeps_scale, "kept the scale instead of the gain"),
            (flat_gain, "gain without an axis for the tokens"),
            (writes_into_x, "changed its input"),
            (no_axis, None),
        ],
    ),
    "layernorm_forward": Answers(
        right=[row_by_row, with_std],
        wrong=[
            (across_tokens, "over the tokens"),
            (of_everything, "over everything"),
            (unbiased, "divided by D − 1"),
            (no_root, "divided by the variance"),
            (eps_beside_std, "eps outside the root"),
            (eps_forgotten, "no eps"),
            (eps_fixed, "another eps than was given"),
            (rms_norm, "forgot to centre"),
            (square_before_centring, "mean square instead of the variance"),
            (caches_std, "standard deviation in place of rstd"),
        ],
    ),
    "modulate_backward": Answers(
        right=[tokens_in_a_loop, by_einsum],
        wrong=[
            (means, "mean instead of sum"),
            (not_summed, "forgot to sum over the tokens"),
            (summed_too_much, "summed over the batch too"),
            (axis_left, "kept an axis for the tokens"),
            (over_channels, "summed over the channels"),
            (over_samples, "summed over the batch instead of the tokens"),
            (gain_plus_one, "one plus twice"),
            (gain_less_one, "scale instead of gain"),
            (dx_is_dy, "gain missing in dx"),
            (gain_in_dscale, "gain in dscale"),
            (scale_before_shift, "wrong order"),
            (x_forgotten, "dscale without x"),
        ],
    ),
    "layernorm_backward_by_steps": Answers(
        right=[steps_by_hand],
        wrong=[
            (drstd_unsummed, "drstd not added up"),
            (drstd_averaged, "drstd is a mean"),
            (power_one, "the root's power"),
            (root_sign, "the root's sign"),
            (only_direct, "one way to centred"),
            (variance_not_a_mean, "the variance is a mean"),
            (two_forgotten, "a square's slope"),
            (plus_dmean, "dmean's sign"),
            (mean_ignored, "one way to x"),
            (mean_undivided, "the mean is a mean"),
            (dx_alone, None),
        ],
    ),
    "layernorm_backward": Answers(
        right=[as_projection, with_sums],
        wrong=[
            (no_mean_term, "missing mean term"),
            (no_std_term, "missing std term"),
            (constants, "only the direct way"),
            (no_rstd, "forgot rstd"),
            (rstd_divides, "divided by rstd"),
            (brackets, "rstd only on the direct way"),
            (undivided_sums, "sums instead of means"),
            (xhat_forgotten, "std term without xhat"),
            (means_over_tokens, "over the tokens"),
            (means_of_all, "over everything"),
        ],
    ),
}
