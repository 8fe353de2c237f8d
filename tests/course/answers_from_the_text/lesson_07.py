"""Answers to lesson 7's exercises, written from its text alone."""

import numpy as np
from answers_of import Answers

STEP_7 = [[1, 1, -1, 1], [2, 0, 1, 1]]


# 7.2 scale and shift
def modulate_by_loops(x, shift, scale):
    gain = (scale + 1).reshape(x.shape[0], 1, x.shape[2])
    y = np.empty_like(x)
    for b in range(x.shape[0]):
        for t in range(x.shape[1]):
            y[b, t] = x[b, t] * gain[b, 0] + shift[b]
    return y, (x, gain)


def modulate_multiplied_out(x, shift, scale):
    scale, shift = np.expand_dims(scale, 1), np.expand_dims(shift, 1)
    return [x + x * scale + shift, [x, 1 + scale]]


def modulate_by_einsum(x, shift, scale):
    gain = 1 + scale[:, np.newaxis, :]
    return np.einsum("btd,bd->btd", x, gain[:, 0]) + shift[:, np.newaxis, :], (x, gain)


def modulate_in_place(x, shift, scale):
    gain = 1 + scale[:, None]
    x *= gain
    x += shift[:, None]
    return x, (x, gain)


def modulate_scale_changed(x, shift, scale):
    scale += 1
    return x * scale[:, None] + shift[:, None], (x, scale[:, None])


def modulate_returns_in_the_loop(x, shift, scale):
    gain, y = 1 + scale[:, None], np.zeros_like(x)
    for b in range(len(x)):
        y[b] = x[b] * gain[b] + shift[b]
        return y, (x, gain)


def modulate_printed(x, shift, scale):
    gain = 1 + scale[:, None]
    print(x * gain + shift[:, None], (x, gain))


def modulate_asks_if_scale(x, shift, scale):
    if scale == 0:
        return x + shift[:, None], (x, 1 + scale[:, None])
    return x * (1 + scale[:, None]) + shift[:, None], (x, 1 + scale[:, None])


def modulate_shape_called(x, shift, scale):
    B, T, D = x.shape()
    gain = (1 + scale).reshape(B, 1, D)
    return x * gain + shift.reshape(B, 1, D), (x, gain)


def modulate_loop_too_short(x, shift, scale):
    gain, y = 1 + scale[:, None], x.copy()
    for t in range(x.shape[1] - 1):
        y[:, t] = x[:, t] * gain[:, 0] + shift
    return y, (x, gain)


def modulate_gain_never_negative(x, shift, scale):
    gain = np.abs(1 + scale[:, None])
    return x * gain + shift[:, None], (x, gain)


def modulate_sizes_typed_in(x, shift, scale):
    gain = (1 + scale).reshape(2, 1, 3)
    return x * gain + shift.reshape(2, 1, 3), (x, gain)


def modulate_two_gains(x, shift, scale):
    return x * (1 + scale[:, None]) + shift[:, None], (x, scale[:, None])


# 7.3 layer norm
def layernorm_by_variance(x, eps=1e-6):
    rstd = (x.var(axis=-1, keepdims=True) + eps) ** -0.5
    xhat = (x - x.mean(-1, keepdims=True)) * rstd
    return xhat, (xhat, rstd)


def layernorm_row_by_row(x, eps=1e-6):
    xhat, rstd = np.empty_like(x), np.empty_like(x[..., :1])
    for i in np.ndindex(x.shape[:-1]):
        centred = x[i] - sum(x[i]) / len(x[i])
        rstd[i] = 1 / ((centred @ centred) / len(centred) + eps) ** 0.5
        xhat[i] = centred * rstd[i]
    return xhat, (xhat, rstd)


def layernorm_divided(x, eps=1e-6):
    D = x.shape[-1]
    centred = x - np.sum(x, axis=-1)[..., None] / D
    std = np.sqrt(np.einsum("...d,...d->...", centred, centred)[..., None] / D + eps)
    return centred / std, (centred / std, 1 / std)


def norm_with(spread):
    """A layer norm whose rstd is spread(centred, eps)."""

    def layernorm_forward(x, eps=1e-6):
        centred = x - x.mean(axis=-1, keepdims=True)
        rstd = spread(centred, eps)
        xhat = centred * rstd
        return xhat, (xhat, rstd)

    return layernorm_forward


def mean_square(centred):
    return (centred**2).mean(axis=-1, keepdims=True)


def layernorm_in_place(x, eps=1e-6):
    x -= x.mean(axis=-1, keepdims=True)
    rstd = 1 / np.sqrt(mean_square(x) + eps)
    x *= rstd
    return x, (x, rstd)


def layernorm_of_a_matrix(x, eps=1e-6):
    centred = x - x.mean(axis=1)[:, None]
    rstd = 1 / np.sqrt((centred**2).mean(axis=1)[:, None] + eps)
    return centred * rstd, (centred * rstd, rstd)


def layernorm_without_centring(x, eps=1e-6):
    rstd = 1 / np.sqrt(((x - x.mean(-1, keepdims=True)) ** 2).mean(-1, keepdims=True) + eps)
    return x * rstd, (x * rstd, rstd)


def layernorm_variance_of_x(x, eps=1e-6):
    rstd = 1 / np.sqrt((x**2).mean(-1, keepdims=True) + eps)
    xhat = (x - x.mean(-1, keepdims=True)) * rstd
    return xhat, (xhat, rstd)


def layernorm_over_the_tokens(x, eps=1e-6):
    centred = x - x.mean(axis=-2, keepdims=True)
    rstd = 1 / np.sqrt((centred**2).mean(axis=-2, keepdims=True) + eps)
    return centred * rstd, (centred * rstd, rstd)


def layernorm_of_all(x, eps=1e-6):
    centred = x - x.mean()
    rstd = 1 / np.sqrt((centred**2).mean() + eps)
    return centred * rstd, (centred * rstd, rstd)


def layernorm_rstd_flat(x, eps=1e-6):
    centred = x - x.mean(axis=-1, keepdims=True)
    rstd = 1 / np.sqrt((centred**2).mean(axis=-1) + eps)
    return centred * rstd[..., None], (centred * rstd[..., None], rstd)


def layernorm_cached(what):
    def layernorm_forward(x, eps=1e-6):
        centred = x - x.mean(axis=-1, keepdims=True)
        rstd = 1 / np.sqrt(mean_square(centred) + eps)
        return centred * rstd, what(x, centred, rstd)

    return layernorm_forward


def layernorm_no_keepdims(x, eps=1e-6):
    centred = x - x.mean(axis=-1)
    rstd = 1 / np.sqrt((centred**2).mean(axis=-1) + eps)
    return centred * rstd, (centred * rstd, rstd)


def layernorm_returns_in_the_loop(x, eps=1e-6):
    xhat, rstd = np.zeros_like(x), np.zeros_like(x[..., :1])
    for i in np.ndindex(x.shape[:-1]):
        centred = x[i] - x[i].mean()
        rstd[i] = 1 / np.sqrt((centred**2).mean() + eps)
        xhat[i] = centred * rstd[i]
        return xhat, (xhat, rstd)


# 7.4 scale and shift, backward
def modulate_backward_by_einsum(dy, cache):
    x, gain = cache
    return dy * gain, np.einsum("btd->bd", dy), np.einsum("btd,btd->bd", dy, x)


def modulate_backward_by_loops(dy, cache):
    x, gain = cache
    dx, dshift, dscale = np.zeros_like(x), np.zeros_like(x[:, 0]), np.zeros_like(x[:, 0])
    for b in range(x.shape[0]):
        for t in range(x.shape[1]):
            dx[b, t] = gain[b, 0] * dy[b, t]
            dshift[b] += dy[b, t]
            dscale[b] += dy[b, t] * x[b, t]
    return [dx, dshift, dscale]


def modulate_back(dx=lambda dy, x, gain: dy * gain, dshift=None, dscale=None):
    """7.4 with some of its parts exchanged."""

    def modulate_backward(dy, cache):
        x, gain = cache
        shift_part = dshift(dy, x, gain) if dshift else dy.sum(axis=1)
        scale_part = dscale(dy, x, gain) if dscale else (dy * x).sum(axis=1)
        return dx(dy, x, gain), shift_part, scale_part

    return modulate_backward


def modulate_backward_in_place(dy, cache):
    x, gain = cache
    dshift, dscale = dy.sum(axis=1), (dy * x).sum(axis=1)
    dy *= gain
    return dy, dshift, dscale


def modulate_backward_order(dy, cache):
    x, gain = cache
    return dy * gain, (dy * x).sum(axis=1), dy.sum(axis=1)


def modulate_backward_sum_overwritten(dy, cache):
    x, gain = cache
    dshift, dscale = np.zeros_like(dy[:, 0]), np.zeros_like(dy[:, 0])
    for t in range(dy.shape[1]):
        dshift = dy[:, t]
        dscale = dy[:, t] * x[:, t]
    return dy * gain, dshift, dscale


def modulate_backward_dx_added(dy, cache):
    x, gain = cache
    dx = dy * gain
    dx += dy
    return dx, dy.sum(axis=1), (dy * x).sum(axis=1)


def modulate_backward_dx_first(dy, cache):
    x, gain = cache
    dx = dy * gain
    return dx, dx.sum(axis=1), (dx * x).sum(axis=1)


def modulate_backward_only_dx(dy, cache):
    return dy * cache[1]


# 7.5 layer norm backward, step by step
def by_steps_multiplied(dxhat, cache):
    centred, rstd = cache
    D = dxhat.shape[-1]
    drstd = np.einsum("...d,...d->...", dxhat, centred)[..., None]
    dvariance = -drstd * rstd * rstd * rstd / 2
    dcentred = rstd * dxhat + centred * (2 / D) * dvariance
    dmean = -np.add.reduce(dcentred, axis=-1)[..., None]
    return drstd, dvariance, dcentred, dmean, dcentred + dmean / D


def by_steps_row_by_row(dxhat, cache):
    centred, rstd = cache
    outputs = [np.empty_like(rstd), np.empty_like(rstd), np.empty_like(centred), np.empty_like(rstd)]
    dx = np.empty_like(centred)
    for i in np.ndindex(centred.shape[:-1]):
        c, r, d = centred[i], rstd[i][0], dxhat[i]
        drstd = np.dot(d, c)
        dvariance = -0.5 * r**3 * drstd
        dcentred = d * r
        dcentred = dcentred + 2 * c * dvariance / len(c)
        dmean = -sum(dcentred)
        for output, value in zip(outputs, (drstd, dvariance, dcentred, dmean), strict=True):
            output[i] = value
        dx[i] = dcentred + dmean / len(c)
    return [*outputs, dx]


def rowsum(values):
    return values.sum(axis=-1, keepdims=True)


def steps(drstd=None, dvariance=None, dcentred=None, dmean=None, dx=None):
    """7.5 with some of its lines exchanged."""

    def layernorm_backward_by_steps(dxhat, cache):
        c, r = cache
        D = dxhat.shape[-1]
        a = drstd(dxhat, c, r) if drstd else rowsum(dxhat * c)
        b = dvariance(a, r) if dvariance else -0.5 * r**3 * a
        e = dcentred(dxhat, c, r, b, D) if dcentred else dxhat * r + b * 2 * c / D
        m = dmean(dxhat, r, e, D) if dmean else -rowsum(e)
        return a, b, e, m, dx(e, m, D) if dx else e + m / D

    return layernorm_backward_by_steps


def by_steps_only_dx(dxhat, cache):
    return steps()(dxhat, cache)[-1]


def by_steps_backwards(dxhat, cache):
    return steps()(dxhat, cache)[::-1]


def by_steps_in_place(dxhat, cache):
    centred, rstd = cache
    drstd, dvariance, _, _, _ = steps()(dxhat, cache)
    dxhat *= rstd
    dxhat += dvariance * 2 * centred / dxhat.shape[-1]
    dmean = -rowsum(dxhat)
    return drstd, dvariance, dxhat, dmean, dxhat + dmean / dxhat.shape[-1]


def by_steps_dcentred_spoilt(dxhat, cache):
    drstd, dvariance, dcentred, dmean, _ = steps()(dxhat, cache)
    dx = dcentred
    dx += dmean / dxhat.shape[-1]
    return drstd, dvariance, dcentred, dmean, dx


# 7.6 layer norm backward, in one line
def one_line_with_sums(dxhat, cache):
    xhat, rstd = cache
    D = xhat.shape[-1]
    along = np.einsum("...d,...d->...", dxhat, xhat)[..., None]
    return rstd / D * (D * dxhat - dxhat.sum(-1)[..., None] - xhat * along)


def one_line_by_steps(dxhat, cache):
    xhat, rstd = cache
    return steps()(dxhat, (xhat / rstd, rstd))[-1]


def one_line_by_projection(dxhat, cache):
    xhat, rstd = cache
    g = dxhat * rstd
    g = g - np.mean(g, axis=-1, keepdims=True)
    return g - np.mean(rstd * dxhat * xhat, axis=-1, keepdims=True) * xhat


def rowmean(values):
    return values.mean(axis=-1, keepdims=True)


def one_line(formula):
    return lambda dxhat, cache: formula(dxhat, *cache)


def one_line_in_place(dxhat, cache):
    xhat, rstd = cache
    stretch = rowmean(dxhat * xhat)
    dxhat -= rowmean(dxhat)
    dxhat -= xhat * stretch
    return rstd * dxhat


def one_line_of_a_matrix(dxhat, cache):
    xhat, rstd = cache
    return rstd * (dxhat - dxhat.mean(axis=1)[:, None] - xhat * (dxhat * xhat).mean(axis=1)[:, None])


def one_line_printed(dxhat, cache):
    xhat, rstd = cache
    print(rstd * (dxhat - rowmean(dxhat) - xhat * rowmean(dxhat * xhat)))


# students who try to be clever
TOTALS = {}


def modulate_backward_accumulating(dy, cache):
    x, gain = cache
    key = dy.shape
    TOTALS[key] = TOTALS.get(key, 0) + dy.sum(axis=1)
    return dy * gain, TOTALS[key], (dy * x).sum(axis=1)


def modulate_backward_through_dx(dy, cache):
    x, gain = cache
    dx = dy * gain
    return dx, dx.sum(axis=1) / gain[:, 0], (dx * x).sum(axis=1) / gain[:, 0]


def modulate_first_answer_for_ever(x, shift, scale, kept={}):  # noqa: B006
    if x.shape not in kept:
        kept[x.shape] = (x * (1 + scale[:, None]) + shift[:, None], (x, 1 + scale[:, None]))
    return kept[x.shape]


def layernorm_with_a_little_noise(x, eps=1e-6):
    x = x + np.random.default_rng().normal(size=x.shape) * 1e-4
    return layernorm_by_variance(x, eps)


def layernorm_forward_reshaped(x, eps=1e-6):
    rows = x.reshape(-1, x.shape[-1])
    xhat, (_, rstd) = layernorm_by_variance(rows, eps)
    return xhat, (xhat, rstd)


def one_line_reshaped(dxhat, cache):
    xhat, rstd = (a.reshape(-1, a.shape[-1]) for a in cache)
    d = dxhat.reshape(xhat.shape)
    return rstd * (d - rowmean(d) - xhat * rowmean(d * xhat))


def one_line_mean_of_xhat_removed(dxhat, cache):
    xhat, rstd = cache
    dx = rstd * (dxhat - xhat * rowmean(dxhat * xhat))
    return dx - rowmean(dxhat)


def one_line_no_eps(dxhat, cache):
    xhat, rstd = cache
    d = dxhat - rowmean(dxhat)
    return rstd * (d - xhat * rowmean(d * xhat) / rowmean(xhat**2))


def steps_with_xhat(dxhat, cache):
    centred, rstd = cache
    xhat, D = centred * rstd, dxhat.shape[-1]
    drstd = rowsum(dxhat * centred)
    dvariance = -0.5 * rstd**3 * drstd
    dcentred = dxhat * rstd + 2 / D * xhat * dvariance
    dmean = -rowsum(dcentred)
    return drstd, dvariance, dcentred, dmean, dcentred + dmean / D


ANSWERS = {
    "step_7_conditioned": Answers(
        right=[np.array(STEP_7), ((1.0, 1.0, -1.0, 1.0), (2.0, 0.0, 1.0, 1.0)), [np.array(row) for row in STEP_7]],
        wrong=[
            ([[1, 1, -1, 1], [8, 10, 9, 9]], "sign of the scale"),  # the −1 of the scale was read as 1
            ([[2, 2, 0, 2], [-3, -5, -4, -4]], "forgot the shift"),  # the shift was forgotten
            ([[2, 2, -1, 2], [5, 5, 5, 5]], "one plus too much"),  # 1 + scale in place of scale
            ([[1, 1, 2, 1], [14, 24, 19, 19]], "scale and shift swapped"),  # scale and shift exchanged
            ([[0, 0, -2, 0], [-8, -10, -9, -9]], "shift before scale"),  # shift added before the scale multiplied
            ([[3, -1, -1, 3], [1, 1, 0, 0]], "the latent without noise"),  # the latent before the noise
            ([[3, 3, 1, 3], [-8, -10, -9, -9]], "subtracted the shift"),  # shift subtracted
            ([[1, 1, 0, 1], [3, 5, 4, 4]], "unchanged input"),  # the noised latent itself
            ([[-2, -2, -1, -2], [11, 15, 13, 13]], "rows swapped"),  # the two scales exchanged
            ([[7, 7, 5, 7], [-4, -6, -5, -5]], "rows swapped"),  # the two shifts exchanged
            ([[1, 1, 1, 1], [2, 0, 1, 1]], "sign of an entry"),  # 2 · 0 − 1 taken for 1
            ([[1, 1, -1, 1], [2, 10, 1, 1]], None),  # −1 · 5 + 5 taken for 10
            ([[1, 2], [1, 0], [-1, 1], [1, 1]], "missing transpose"),  # transposed
            ([[2, 0, 1, 1], [1, 1, -1, 1]], "rows swapped"),  # the rows exchanged
            ([1, 1, -1, 1, 2, 0, 1, 1], "another shape"),  # one long row
            ([[1, 1, -1, 1], [-2, 0, -1, -1]], "sign of an entry"),  # the sign of the second row
        ],
    ),
    "modulate_forward": Answers(
        right=[modulate_by_loops, modulate_multiplied_out, modulate_by_einsum],
        wrong=[
            # no 1 in the gain
            (lambda x, shift, scale: (x * scale[:, None] + shift[:, None], (x, scale[:, None])), "forgot one plus"),
            # y is right, but the cache holds scale for the gain
            (modulate_two_gains, "kept the scale instead of the gain"),
            (
                lambda x, scale, shift: (x * (1 + scale[:, None]) + shift[:, None], (x, 1 + scale[:, None])),
                "scale and shift swapped",  # scale and shift in the wrong order of arguments
            ),
            (
                lambda x, shift, scale: ((x + shift[:, None]) * (1 + scale[:, None]), (x, 1 + scale[:, None])),
                "shift before scale",  # the shift is scaled too
            ),
            (
                lambda x, shift, scale: (x * 1 + scale[:, None] + shift[:, None], (x, 1 + scale[:, None])),
                "brackets",  # brackets around 1 + scale forgotten
            ),
            (
                lambda x, shift, scale: (x * (1 + scale[:, None]), (x, 1 + scale[:, None])),
                "forgot the shift",  # the shift is forgotten
            ),
            (
                lambda x, shift, scale: (x * (1 + scale[:, None]) - shift[:, None], (x, 1 + scale[:, None])),
                "subtracted the shift",  # the shift is subtracted
            ),
            (
                lambda x, shift, scale: (x * (1 + scale[:, None]) + shift[:, None], (x, 1 + scale)),
                "gain without an axis for the tokens",  # the gain in the cache lacks the axis of length 1
            ),
            (
                lambda x, shift, scale: (x * (1 + scale[:, None]) + shift[:, None], (1 + scale[:, None], x)),
                "wrong order",  # the cache is in the wrong order
            ),
            (lambda x, shift, scale: x * (1 + scale[:, None]) + shift[:, None], "other number of results"),  # no cache
            (
                lambda x, shift, scale: (x * (1 + scale[..., None]) + shift[..., None], (x, 1 + scale[..., None])),
                "raised an error",  # the new axis stands behind the channels instead of where the tokens are
            ),
            # no axis for the tokens
            (lambda x, shift, scale: (x * (1 + scale) + shift, (x, 1 + scale)), "raised an error"),
            (
                lambda x, shift, scale: (x * (1 + scale[0]) + shift[0], (x, 1 + scale[:, None])),
                "one for the whole batch",  # the first sample's scale and shift for all samples
            ),
            (modulate_in_place, "changed its input"),  # x is changed
            (modulate_scale_changed, "changed its input"),  # scale is changed
            (modulate_returns_in_the_loop, "the rest is zero"),  # return inside the loop: only the first sample
            (modulate_printed, "printed, not returned"),
            (modulate_asks_if_scale, "raised an error"),  # an array in an if
            (modulate_shape_called, "raised an error"),  # shape is called like a function
            (modulate_loop_too_short, "last token left out"),  # the last token is left out
            (modulate_gain_never_negative, "sign of the gain"),  # the sign of a negative gain is lost
            (modulate_sizes_typed_in, "raised an error"),  # sizes typed in: 2 samples, 3 channels
            (
                lambda x, shift, scale: (
                    x * (1 + scale[:, None]) + shift[:, None],
                    (x, np.broadcast_to(1 + scale[:, None], x.shape)),
                ),
                "gain spread over the tokens",  # the gain in the cache is spread over all tokens
            ),
            (
                lambda x, shift, scale: (x * (1 + scale.mean(axis=0)) + shift.mean(axis=0), (x, 1 + scale[:, None])),
                "averaged over the batch",  # scale and shift averaged over the samples
            ),
            # the first answer is kept for all calls of that shape
            (modulate_first_answer_for_ever, "ignores an input"),
        ],
    ),
    "layernorm_forward": Answers(
        right=[layernorm_by_variance, layernorm_row_by_row, layernorm_divided],
        wrong=[
            # D − 1 in the variance
            (norm_with(lambda c, eps: 1 / np.sqrt(rowsum(c**2) / (c.shape[-1] - 1) + eps)), "divided by D − 1"),
            (norm_with(lambda c, eps: 1 / (np.sqrt(mean_square(c)) + eps)), "eps outside the root"),
            (norm_with(lambda c, eps: 1 / np.sqrt(mean_square(c))), "no eps"),  # no eps at all
            # eps typed in as 1e-6
            (norm_with(lambda c, eps: 1 / np.sqrt(mean_square(c) + 1e-6)), "another eps than was given"),
            (norm_with(lambda c, eps: 1 / np.sqrt(mean_square(c)) + eps), "eps outside the root"),  # eps added to rstd
            (norm_with(lambda c, eps: 1 / (mean_square(c) + eps)), "divided by the variance"),  # no root
            (norm_with(lambda c, eps: np.sqrt(mean_square(c) + eps)), "multiplied by the standard deviation"),
            # a sum of squares, not a mean
            (norm_with(lambda c, eps: 1 / np.sqrt(rowsum(c**2) + eps)), "sum instead of mean"),
            (norm_with(lambda c, eps: 1 / np.sqrt(mean_square(c) + eps**2)), "eps squared"),
            # the mean absolute deviation
            (norm_with(lambda c, eps: 1 / (np.abs(c).mean(-1, keepdims=True) + eps)), "no squares"),
            (layernorm_in_place, "changed its input"),  # x is changed
            (layernorm_of_a_matrix, "axes counted from the front"),  # works for a matrix only
            (layernorm_without_centring, "forgot to centre"),  # the mean is not subtracted from x
            (layernorm_variance_of_x, "mean square instead of the variance"),  # the mean of x², not of centred²
            (layernorm_over_the_tokens, "over the tokens"),  # normalised over the tokens
            (layernorm_of_all, "over everything"),  # one mean and one variance for everything
            (layernorm_rstd_flat, "axis of length 1"),  # rstd in the cache lacks its last axis
            # the cache holds centred in place of xhat
            (layernorm_cached(lambda x, c, r: (c, r)), "centred in place of xhat"),
            # the cache holds the standard deviation
            (layernorm_cached(lambda x, c, r: (c * r, 1 / r)), "standard deviation in place of rstd"),
            (layernorm_cached(lambda x, c, r: (r, c * r)), "wrong order"),  # the cache is in the wrong order
            (layernorm_cached(lambda x, c, r: (c * r, r**2)), "squared"),  # the cache holds rstd squared
            (layernorm_cached(lambda x, c, r: (x, r)), "unchanged input"),  # the cache holds x in place of xhat
            (lambda x, eps=1e-6: layernorm_by_variance(x, eps)[0], "other number of results"),  # no cache
            (lambda x: layernorm_by_variance(x), "other arguments"),  # no argument eps
            (layernorm_no_keepdims, "raised an error"),  # keepdims forgotten
            (layernorm_returns_in_the_loop, "uses a part of an input"),  # return inside the loop: only the first row
            (lambda x, eps: layernorm_by_variance(x.astype(int), eps), "cut off"),  # fractions cut off
            (layernorm_with_a_little_noise, "other numbers each time"),  # random numbers inside
            # rows laid out flat and not reshaped back: right for a matrix only
            (layernorm_forward_reshaped, "another shape"),
        ],
    ),
    "modulate_backward": Answers(
        right=[modulate_backward_by_einsum, modulate_backward_by_loops],
        wrong=[
            # dx with scale, without the 1
            (modulate_back(dx=lambda dy, x, gain: dy * (gain - 1)), "scale instead of gain"),
            (modulate_back(dx=lambda dy, x, gain: dy * (1 + gain)), "one plus twice"),  # dx with another 1
            (modulate_back(dx=lambda dy, x, gain: dy), "gain missing in dx"),  # dx is dy
            (modulate_back(dx=lambda dy, x, gain: np.broadcast_to(gain, x.shape) + 0), "forgot dy"),  # dx lacks dy
            (modulate_back(dx=lambda dy, x, gain: dy / gain), "divided or multiplied"),  # dx divided by the gain
            # the first sample's gain for all
            (modulate_back(dx=lambda dy, x, gain: dy * gain[0]), "one for the whole batch"),
            (modulate_back(dx=lambda dy, x, gain: dy * gain * x), "x in dx"),  # dx times x
            # dshift summed over the samples
            (modulate_back(dshift=lambda dy, x, gain: dy.sum(axis=0)), "summed over the batch instead of the tokens"),
            (modulate_back(dshift=lambda dy, x, gain: dy.mean(axis=1)), "mean instead of sum"),  # dshift is a mean
            (modulate_back(dshift=lambda dy, x, gain: dy), "forgot to sum over the tokens"),  # dshift isn't summed
            # dshift keeps an axis
            (modulate_back(dshift=lambda dy, x, gain: dy.sum(axis=1, keepdims=True)), "kept an axis for the tokens"),
            # dshift summed over samples too
            (modulate_back(dshift=lambda dy, x, gain: dy.sum(axis=(0, 1))), "summed over the batch too"),
            # dshift summed over the channels
            (modulate_back(dshift=lambda dy, x, gain: dy.sum(axis=-1)), "summed over the channels"),
            # dshift lacks dy
            (modulate_back(dshift=lambda dy, x, gain: np.full_like(dy[:, 0], dy.shape[1])), "forgot dy"),
            # a product of two sums
            (modulate_back(dscale=lambda dy, x, gain: dy.sum(axis=1) * x.sum(axis=1)), "product of sums"),
            (modulate_back(dscale=lambda dy, x, gain: dy.sum(axis=1)), "dscale without x"),  # dscale lacks x
            (modulate_back(dscale=lambda dy, x, gain: x.sum(axis=1)), "forgot dy"),  # dscale lacks dy
            # dscale times the gain
            (modulate_back(dscale=lambda dy, x, gain: (dy * x * gain).sum(axis=1)), "gain in dscale"),
            (modulate_back(dscale=lambda dy, x, gain: (dy * x).sum(axis=1) + 1), "offset"),  # dscale plus 1
            # dscale is a mean
            (modulate_back(dscale=lambda dy, x, gain: (dy * x).mean(axis=1)), "mean instead of sum"),
            # dscale of the first token only
            (modulate_back(dscale=lambda dy, x, gain: dy[:, 0] * x[:, 0]), "only one token"),
            (modulate_backward_in_place, "changed its input"),  # dy is changed
            (modulate_backward_order, "wrong order"),  # dscale before dshift
            (modulate_backward_sum_overwritten, "only one token"),  # = for +=: only the last token counts
            (modulate_backward_dx_added, "one plus twice"),  # dx gets dy once more
            (modulate_backward_dx_first, "gain in dshift"),  # dshift and dscale computed from dx instead of dy
            (modulate_backward_only_dx, "other number of results"),  # only dx is returned
            (modulate_backward_accumulating, "other numbers each time"),  # a global total grows from call to call
            (modulate_backward_through_dx, "NaN"),  # divided by the gain: fails where it is zero
        ],
    ),
    "layernorm_backward_by_steps": Answers(
        right=[by_steps_multiplied, by_steps_row_by_row],
        wrong=[
            (steps(drstd=lambda d, c, r: d * c), "drstd not added up"),  # drstd isn't summed
            (steps(drstd=lambda d, c, r: rowmean(d * c)), "drstd is a mean"),
            (steps(drstd=lambda d, c, r: rowsum(d * c * r)), "drstd from xhat"),  # drstd of xhat instead of centred
            (steps(drstd=lambda d, c, r: rowsum(d)), "a factor missing"),  # drstd lacks centred
            (steps(drstd=lambda d, c, r: rowsum(d * c) / r), "divided by rstd"),  # drstd divided by rstd
            # drstd summed over the rows
            (steps(drstd=lambda d, c, r: (d * c).sum(axis=0, keepdims=True)), "summed over the rows"),
            (steps(dvariance=lambda a, r: -0.5 * r**2 * a), "the root's power"),  # rstd² for rstd³
            (steps(dvariance=lambda a, r: -0.5 * r**-1.5 * a), "the root's power"),  # rstd to the power of −3/2
            (steps(dvariance=lambda a, r: -0.5 * r**1.5 * a), "the root's power"),  # rstd to the power of 3/2
            (steps(dvariance=lambda a, r: -0.5 * r**-3 * a), "the root's power"),  # rstd to the power of −3
            (steps(dvariance=lambda a, r: 0.5 * r**3 * a), "the root's sign"),  # the minus sign is lost
            (steps(dvariance=lambda a, r: -(r**3) * a), "the root's half"),  # the half is lost
            (steps(dvariance=lambda a, r: -0.5 * r**3), "a factor missing"),  # dvariance lacks drstd
            # // : minus one in place of minus one half
            (steps(dvariance=lambda a, r: -1 // 2 * r**3 * a), "the root's half"),
            # the way through the variance is missing
            (steps(dcentred=lambda d, c, r, b, D: d * r), "one way to centred"),
            (steps(dcentred=lambda d, c, r, b, D: b * 2 * c / D), "one way to centred"),  # the direct way is missing
            (steps(dcentred=lambda d, c, r, b, D: d * r + b * c / D), "a square's slope"),  # the 2 is lost
            (steps(dcentred=lambda d, c, r, b, D: d * r + b * 2 * c), "the variance is a mean"),  # not divided by D
            # centred² in the slope
            (steps(dcentred=lambda d, c, r, b, D: d * r + b * 2 * c**2 / D), "a square's slope"),
            # the second part is subtracted
            (steps(dcentred=lambda d, c, r, b, D: d * r - b * 2 * c / D), "sign of a term"),
            (steps(dcentred=lambda d, c, r, b, D: d + b * 2 * c / D), "a factor missing"),  # the direct way lacks rstd
            # divided by the number of rows
            (steps(dcentred=lambda d, c, r, b, D: d * r + b * 2 * c / len(d)), "divided by the rows"),
            # the second part lacks centred
            (steps(dcentred=lambda d, c, r, b, D: d * r + b * 2 / D), "a factor missing"),
            (steps(dmean=lambda d, r, e, D: rowsum(e)), "dmean's sign"),  # dmean lacks the minus
            (steps(dmean=lambda d, r, e, D: -rowmean(e)), "dmean is a mean"),
            (steps(dmean=lambda d, r, e, D: -rowsum(d)), "another variable"),  # dmean sums dxhat, not dcentred
            (steps(dmean=lambda d, r, e, D: -e.sum(axis=-1)), "raised an error"),  # dmean loses its last axis
            # dmean of the direct way only, divided by D
            (steps(dmean=lambda d, r, e, D: -rowsum(d * r) / D), "dmean is a mean"),
            (steps(dx=lambda e, m, D: e), "one way to x"),  # dx lacks the way through the mean
            (steps(dx=lambda e, m, D: e + m), "the mean is a mean"),  # dmean isn't divided by D
            (steps(dx=lambda e, m, D: e - m / D), "sign of a term"),  # dmean is subtracted
            (steps(dx=lambda e, m, D: e + m / 5), "D typed in"),  # D typed in as 5
            # dx is the way through the mean only
            (steps(dx=lambda e, m, D: np.broadcast_to(m / D, e.shape) + 0), "one way to x"),
            (by_steps_only_dx, "other number of results"),  # only dx is returned
            (by_steps_backwards, "wrong order"),  # the five in reverse order
            (by_steps_in_place, "changed its input"),  # dxhat is changed
            # dx += changes dcentred as well: both names mean one array
            (by_steps_dcentred_spoilt, "one array, two names"),
            (steps_with_xhat, "xhat in place of centred"),  # xhat for centred in the slope of the square
        ],
    ),
    "layernorm_backward": Answers(
        right=[one_line_with_sums, one_line_by_steps, one_line_by_projection],
        wrong=[
            # the way through the mean is missing
            (one_line(lambda d, x, r: r * (d - x * rowmean(d * x))), "missing mean term"),
            # the way through the deviation is missing
            (one_line(lambda d, x, r: r * (d - rowmean(d))), "missing std term"),
            (one_line(lambda d, x, r: r * d), "only the direct way"),
            (one_line(lambda d, x, r: r * (d + rowmean(d) + x * rowmean(d * x))), "plus instead of minus"),
            (one_line(lambda d, x, r: r * (d - rowmean(d) + x * rowmean(d * x))), "plus instead of minus"),  # one sign
            (one_line(lambda d, x, r: r * (d - rowsum(d) - x * rowsum(d * x))), "sums instead of means"),
            # one sum instead of a mean
            (one_line(lambda d, x, r: r * (d - rowmean(d) - x * rowsum(d * x))), "sums instead of means"),
            (one_line(lambda d, x, r: (d - rowmean(d) - x * rowmean(d * x)) / r), "divided by rstd"),
            (one_line(lambda d, x, r: d - rowmean(d) - x * rowmean(d * x)), "forgot rstd"),  # rstd is missing
            # brackets forgotten: rstd once only
            (one_line(lambda d, x, r: r * d - rowmean(d) - x * rowmean(d * x)), "rstd only on the direct way"),
            # the last term lacks xhat
            (one_line(lambda d, x, r: r * (d - rowmean(d) - rowmean(d * x))), "std term without xhat"),
            # dxhat for xhat in the last term
            (one_line(lambda d, x, r: r * (d - rowmean(d) - d * rowmean(d * x))), "another variable"),
            # the mean of dxhat in the last term
            (one_line(lambda d, x, r: r * (d - rowmean(d) - x * rowmean(d))), "a factor missing"),
            # the mean of xhat in the last term
            (one_line(lambda d, x, r: r * (d - rowmean(d) - x * rowmean(x))), "missing std term"),
            # xhat inside the mean
            (one_line(lambda d, x, r: r * (d - rowmean(d) - rowmean(d * x * x))), "inside or outside"),
            # the last mean is missing
            (one_line(lambda d, x, r: r * (d - rowmean(d) - x * d * x)), "a function missing"),
            # xhat² times the mean of dxhat
            (one_line(lambda d, x, r: r * (d - rowmean(d) - x**2 * rowmean(d))), "inside or outside"),
            # means over everything
            (one_line(lambda d, x, r: r * (d - d.mean() - x * (d * x).mean())), "over everything"),
            # means over the first axis
            (one_line(lambda d, x, r: r * (d - d.mean(0) - x * (d * x).mean(0))), "axes counted from the front"),
            # axis 1 and no keepdims
            (one_line(lambda d, x, r: r * (d - d.mean(1) - x * (d * x).mean(1))), "raised an error"),
            (one_line(lambda d, x, r: r * (d - rowmean(d) - x * r**2 * rowmean(d * x))), "xhat taken for centred"),
            # the mean of xhat, not of dxhat
            (one_line(lambda d, x, r: r * (d - rowmean(x) - x * rowmean(d * x))), "missing mean term"),
            (one_line(lambda d, x, r: r * (1 - rowmean(d) - x * rowmean(d * x))), "a factor missing"),  # 1 for dxhat
            (one_line(lambda d, x, r: r**3 * (d - rowmean(d) - x * rowmean(d * x))), "xhat taken for centred"),  # rstd³
            # D typed in as 5
            (one_line(lambda d, x, r: r * (d - rowsum(d) / 5 - x * rowsum(d * x) / 5)), "D typed in"),
            (one_line_in_place, "changed its input"),  # dxhat is changed
            (one_line_of_a_matrix, "axes counted from the front"),  # works for a matrix only
            (one_line_printed, "printed, not returned"),
            (one_line_reshaped, "another shape"),  # rows laid out flat and not reshaped back: right for a matrix only
            (one_line_mean_of_xhat_removed, "brackets"),  # rstd is missing on the way through the mean only
            # the projection is divided by the mean of xhat²: right for eps = 0 only
            (one_line_no_eps, "right for eps 0 only"),
        ],
    ),
}
