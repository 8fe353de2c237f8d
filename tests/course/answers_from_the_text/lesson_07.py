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
            ([[1, 1, -1, 1], [8, 10, 9, 9]], "the −1 of the scale was read as 1"),
            ([[2, 2, 0, 2], [-3, -5, -4, -4]], "the shift was forgotten"),
            ([[2, 2, -1, 2], [5, 5, 5, 5]], "1 + scale in place of scale"),
            ([[1, 1, 2, 1], [14, 24, 19, 19]], "scale and shift exchanged"),
            ([[0, 0, -2, 0], [-8, -10, -9, -9]], "shift added before the scale multiplied"),
            ([[3, -1, -1, 3], [1, 1, 0, 0]], "the latent before the noise"),
            ([[3, 3, 1, 3], [-8, -10, -9, -9]], "shift subtracted"),
            ([[1, 1, 0, 1], [3, 5, 4, 4]], "the noised latent itself"),
            ([[-2, -2, -1, -2], [11, 15, 13, 13]], "the two scales exchanged"),
            ([[7, 7, 5, 7], [-4, -6, -5, -5]], "the two shifts exchanged"),
            ([[1, 1, 1, 1], [2, 0, 1, 1]], "2 · 0 − 1 taken for 1"),
            ([[1, 1, -1, 1], [2, 10, 1, 1]], "−1 · 5 + 5 taken for 10"),
            ([[1, 2], [1, 0], [-1, 1], [1, 1]], "transposed"),
            ([[2, 0, 1, 1], [1, 1, -1, 1]], "the rows exchanged"),
            ([1, 1, -1, 1, 2, 0, 1, 1], "one long row"),
            ([[1, 1, -1, 1], [-2, 0, -1, -1]], "the sign of the second row"),
        ],
    ),
    "modulate_forward": Answers(
        right=[modulate_by_loops, modulate_multiplied_out, modulate_by_einsum],
        wrong=[
            (lambda x, shift, scale: (x * scale[:, None] + shift[:, None], (x, scale[:, None])), "no 1 in the gain"),
            (modulate_two_gains, "y is right, but the cache holds scale for the gain"),
            (
                lambda x, scale, shift: (x * (1 + scale[:, None]) + shift[:, None], (x, 1 + scale[:, None])),
                "scale and shift in the wrong order of arguments",
            ),
            (
                lambda x, shift, scale: ((x + shift[:, None]) * (1 + scale[:, None]), (x, 1 + scale[:, None])),
                "the shift is scaled too",
            ),
            (
                lambda x, shift, scale: (x * 1 + scale[:, None] + shift[:, None], (x, 1 + scale[:, None])),
                "brackets around 1 + scale forgotten",
            ),
            (
                lambda x, shift, scale: (x * (1 + scale[:, None]), (x, 1 + scale[:, None])),
                "the shift is forgotten",
            ),
            (
                lambda x, shift, scale: (x * (1 + scale[:, None]) - shift[:, None], (x, 1 + scale[:, None])),
                "the shift is subtracted",
            ),
            (
                lambda x, shift, scale: (x * (1 + scale[:, None]) + shift[:, None], (x, 1 + scale)),
                "the gain in the cache lacks the axis of length 1",
            ),
            (
                lambda x, shift, scale: (x * (1 + scale[:, None]) + shift[:, None], (1 + scale[:, None], x)),
                "the cache is in the wrong order",
            ),
            (lambda x, shift, scale: x * (1 + scale[:, None]) + shift[:, None], "no cache"),
            (
                lambda x, shift, scale: (x * (1 + scale[..., None]) + shift[..., None], (x, 1 + scale[..., None])),
                "the new axis stands behind the channels instead of where the tokens are",
            ),
            (lambda x, shift, scale: (x * (1 + scale) + shift, (x, 1 + scale)), "no axis for the tokens"),
            (
                lambda x, shift, scale: (x * (1 + scale[0]) + shift[0], (x, 1 + scale[:, None])),
                "the first sample's scale and shift for all samples",
            ),
            (modulate_in_place, "x is changed"),
            (modulate_scale_changed, "scale is changed"),
            (modulate_returns_in_the_loop, "return inside the loop: only the first sample"),
            (modulate_printed, "printed, not returned"),
            (modulate_asks_if_scale, "an array in an if"),
            (modulate_shape_called, "shape is called like a function"),
            (modulate_loop_too_short, "the last token is left out"),
            (modulate_gain_never_negative, "the sign of a negative gain is lost"),
            (modulate_sizes_typed_in, "sizes typed in: 2 samples, 3 channels"),
            (
                lambda x, shift, scale: (
                    x * (1 + scale[:, None]) + shift[:, None],
                    (x, np.broadcast_to(1 + scale[:, None], x.shape)),
                ),
                "the gain in the cache is spread over all tokens",
            ),
            (
                lambda x, shift, scale: (x * (1 + scale.mean(axis=0)) + shift.mean(axis=0), (x, 1 + scale[:, None])),
                "scale and shift averaged over the samples",
            ),
            (modulate_first_answer_for_ever, "the first answer is kept for all calls of that shape"),
        ],
    ),
    "layernorm_forward": Answers(
        right=[layernorm_by_variance, layernorm_row_by_row, layernorm_divided],
        wrong=[
            (norm_with(lambda c, eps: 1 / np.sqrt(rowsum(c**2) / (c.shape[-1] - 1) + eps)), "D − 1 in the variance"),
            (norm_with(lambda c, eps: 1 / (np.sqrt(mean_square(c)) + eps)), "eps outside the root"),
            (norm_with(lambda c, eps: 1 / np.sqrt(mean_square(c))), "no eps at all"),
            (norm_with(lambda c, eps: 1 / np.sqrt(mean_square(c) + 1e-6)), "eps typed in as 1e-6"),
            (norm_with(lambda c, eps: 1 / np.sqrt(mean_square(c)) + eps), "eps added to rstd"),
            (norm_with(lambda c, eps: 1 / (mean_square(c) + eps)), "no root"),
            (norm_with(lambda c, eps: np.sqrt(mean_square(c) + eps)), "multiplied by the standard deviation"),
            (norm_with(lambda c, eps: 1 / np.sqrt(rowsum(c**2) + eps)), "a sum of squares, not a mean"),
            (norm_with(lambda c, eps: 1 / np.sqrt(mean_square(c) + eps**2)), "eps squared"),
            (norm_with(lambda c, eps: 1 / (np.abs(c).mean(-1, keepdims=True) + eps)), "the mean absolute deviation"),
            (layernorm_in_place, "x is changed"),
            (layernorm_of_a_matrix, "works for a matrix only"),
            (layernorm_without_centring, "the mean is not subtracted from x"),
            (layernorm_variance_of_x, "the mean of x², not of centred²"),
            (layernorm_over_the_tokens, "normalised over the tokens"),
            (layernorm_of_all, "one mean and one variance for everything"),
            (layernorm_rstd_flat, "rstd in the cache lacks its last axis"),
            (layernorm_cached(lambda x, c, r: (c, r)), "the cache holds centred in place of xhat"),
            (layernorm_cached(lambda x, c, r: (c * r, 1 / r)), "the cache holds the standard deviation"),
            (layernorm_cached(lambda x, c, r: (r, c * r)), "the cache is in the wrong order"),
            (layernorm_cached(lambda x, c, r: (c * r, r**2)), "the cache holds rstd squared"),
            (layernorm_cached(lambda x, c, r: (x, r)), "the cache holds x in place of xhat"),
            (lambda x, eps=1e-6: layernorm_by_variance(x, eps)[0], "no cache"),
            (lambda x: layernorm_by_variance(x), "no argument eps"),
            (layernorm_no_keepdims, "keepdims forgotten"),
            (layernorm_returns_in_the_loop, "return inside the loop: only the first row"),
            (lambda x, eps: layernorm_by_variance(x.astype(int), eps), "fractions cut off"),
            (layernorm_with_a_little_noise, "random numbers inside"),
            (layernorm_forward_reshaped, "rows laid out flat and not reshaped back: right for a matrix only"),
        ],
    ),
    "modulate_backward": Answers(
        right=[modulate_backward_by_einsum, modulate_backward_by_loops],
        wrong=[
            (modulate_back(dx=lambda dy, x, gain: dy * (gain - 1)), "dx with scale, without the 1"),
            (modulate_back(dx=lambda dy, x, gain: dy * (1 + gain)), "dx with another 1"),
            (modulate_back(dx=lambda dy, x, gain: dy), "dx is dy"),
            (modulate_back(dx=lambda dy, x, gain: np.broadcast_to(gain, x.shape) + 0), "dx lacks dy"),
            (modulate_back(dx=lambda dy, x, gain: dy / gain), "dx divided by the gain"),
            (modulate_back(dx=lambda dy, x, gain: dy * gain[0]), "the first sample's gain for all"),
            (modulate_back(dx=lambda dy, x, gain: dy * gain * x), "dx times x"),
            (modulate_back(dshift=lambda dy, x, gain: dy.sum(axis=0)), "dshift summed over the samples"),
            (modulate_back(dshift=lambda dy, x, gain: dy.mean(axis=1)), "dshift is a mean"),
            (modulate_back(dshift=lambda dy, x, gain: dy), "dshift isn't summed"),
            (modulate_back(dshift=lambda dy, x, gain: dy.sum(axis=1, keepdims=True)), "dshift keeps an axis"),
            (modulate_back(dshift=lambda dy, x, gain: dy.sum(axis=(0, 1))), "dshift summed over samples too"),
            (modulate_back(dshift=lambda dy, x, gain: dy.sum(axis=-1)), "dshift summed over the channels"),
            (modulate_back(dshift=lambda dy, x, gain: np.full_like(dy[:, 0], dy.shape[1])), "dshift lacks dy"),
            (modulate_back(dscale=lambda dy, x, gain: dy.sum(axis=1) * x.sum(axis=1)), "a product of two sums"),
            (modulate_back(dscale=lambda dy, x, gain: dy.sum(axis=1)), "dscale lacks x"),
            (modulate_back(dscale=lambda dy, x, gain: x.sum(axis=1)), "dscale lacks dy"),
            (modulate_back(dscale=lambda dy, x, gain: (dy * x * gain).sum(axis=1)), "dscale times the gain"),
            (modulate_back(dscale=lambda dy, x, gain: (dy * x).sum(axis=1) + 1), "dscale plus 1"),
            (modulate_back(dscale=lambda dy, x, gain: (dy * x).mean(axis=1)), "dscale is a mean"),
            (modulate_back(dscale=lambda dy, x, gain: dy[:, 0] * x[:, 0]), "dscale of the first token only"),
            (modulate_backward_in_place, "dy is changed"),
            (modulate_backward_order, "dscale before dshift"),
            (modulate_backward_sum_overwritten, "= for +=: only the last token counts"),
            (modulate_backward_dx_added, "dx gets dy once more"),
            (modulate_backward_dx_first, "dshift and dscale computed from dx instead of dy"),
            (modulate_backward_only_dx, "only dx is returned"),
            (modulate_backward_accumulating, "a global total grows from call to call"),
            (modulate_backward_through_dx, "divided by the gain: fails where it is zero"),
        ],
    ),
    "layernorm_backward_by_steps": Answers(
        right=[by_steps_multiplied, by_steps_row_by_row],
        wrong=[
            (steps(drstd=lambda d, c, r: d * c), "drstd isn't summed"),
            (steps(drstd=lambda d, c, r: rowmean(d * c)), "drstd is a mean"),
            (steps(drstd=lambda d, c, r: rowsum(d * c * r)), "drstd of xhat instead of centred"),
            (steps(drstd=lambda d, c, r: rowsum(d)), "drstd lacks centred"),
            (steps(drstd=lambda d, c, r: rowsum(d * c) / r), "drstd divided by rstd"),
            (steps(drstd=lambda d, c, r: (d * c).sum(axis=0, keepdims=True)), "drstd summed over the rows"),
            (steps(dvariance=lambda a, r: -0.5 * r**2 * a), "rstd² for rstd³"),
            (steps(dvariance=lambda a, r: -0.5 * r**-1.5 * a), "rstd to the power of −3/2"),
            (steps(dvariance=lambda a, r: -0.5 * r**1.5 * a), "rstd to the power of 3/2"),
            (steps(dvariance=lambda a, r: -0.5 * r**-3 * a), "rstd to the power of −3"),
            (steps(dvariance=lambda a, r: 0.5 * r**3 * a), "the minus sign is lost"),
            (steps(dvariance=lambda a, r: -(r**3) * a), "the half is lost"),
            (steps(dvariance=lambda a, r: -0.5 * r**3), "dvariance lacks drstd"),
            (steps(dvariance=lambda a, r: -1 // 2 * r**3 * a), "// : minus one in place of minus one half"),
            (steps(dcentred=lambda d, c, r, b, D: d * r), "the way through the variance is missing"),
            (steps(dcentred=lambda d, c, r, b, D: b * 2 * c / D), "the direct way is missing"),
            (steps(dcentred=lambda d, c, r, b, D: d * r + b * c / D), "the 2 is lost"),
            (steps(dcentred=lambda d, c, r, b, D: d * r + b * 2 * c), "not divided by D"),
            (steps(dcentred=lambda d, c, r, b, D: d * r + b * 2 * c**2 / D), "centred² in the slope"),
            (steps(dcentred=lambda d, c, r, b, D: d * r - b * 2 * c / D), "the second part is subtracted"),
            (steps(dcentred=lambda d, c, r, b, D: d + b * 2 * c / D), "the direct way lacks rstd"),
            (steps(dcentred=lambda d, c, r, b, D: d * r + b * 2 * c / len(d)), "divided by the number of rows"),
            (steps(dcentred=lambda d, c, r, b, D: d * r + b * 2 / D), "the second part lacks centred"),
            (steps(dmean=lambda d, r, e, D: rowsum(e)), "dmean lacks the minus"),
            (steps(dmean=lambda d, r, e, D: -rowmean(e)), "dmean is a mean"),
            (steps(dmean=lambda d, r, e, D: -rowsum(d)), "dmean sums dxhat, not dcentred"),
            (steps(dmean=lambda d, r, e, D: -e.sum(axis=-1)), "dmean loses its last axis"),
            (steps(dmean=lambda d, r, e, D: -rowsum(d * r) / D), "dmean of the direct way only, divided by D"),
            (steps(dx=lambda e, m, D: e), "dx lacks the way through the mean"),
            (steps(dx=lambda e, m, D: e + m), "dmean isn't divided by D"),
            (steps(dx=lambda e, m, D: e - m / D), "dmean is subtracted"),
            (steps(dx=lambda e, m, D: e + m / 5), "D typed in as 5"),
            (steps(dx=lambda e, m, D: np.broadcast_to(m / D, e.shape) + 0), "dx is the way through the mean only"),
            (by_steps_only_dx, "only dx is returned"),
            (by_steps_backwards, "the five in reverse order"),
            (by_steps_in_place, "dxhat is changed"),
            (by_steps_dcentred_spoilt, "dx += changes dcentred as well: both names mean one array"),
            (steps_with_xhat, "xhat for centred in the slope of the square"),
        ],
    ),
    "layernorm_backward": Answers(
        right=[one_line_with_sums, one_line_by_steps, one_line_by_projection],
        wrong=[
            (one_line(lambda d, x, r: r * (d - x * rowmean(d * x))), "the way through the mean is missing"),
            (one_line(lambda d, x, r: r * (d - rowmean(d))), "the way through the deviation is missing"),
            (one_line(lambda d, x, r: r * d), "only the direct way"),
            (one_line(lambda d, x, r: r * (d + rowmean(d) + x * rowmean(d * x))), "plus instead of minus"),
            (one_line(lambda d, x, r: r * (d - rowmean(d) + x * rowmean(d * x))), "one sign"),
            (one_line(lambda d, x, r: r * (d - rowsum(d) - x * rowsum(d * x))), "sums instead of means"),
            (one_line(lambda d, x, r: r * (d - rowmean(d) - x * rowsum(d * x))), "one sum instead of a mean"),
            (one_line(lambda d, x, r: (d - rowmean(d) - x * rowmean(d * x)) / r), "divided by rstd"),
            (one_line(lambda d, x, r: d - rowmean(d) - x * rowmean(d * x)), "rstd is missing"),
            (one_line(lambda d, x, r: r * d - rowmean(d) - x * rowmean(d * x)), "brackets forgotten: rstd once only"),
            (one_line(lambda d, x, r: r * (d - rowmean(d) - rowmean(d * x))), "the last term lacks xhat"),
            (one_line(lambda d, x, r: r * (d - rowmean(d) - d * rowmean(d * x))), "dxhat for xhat in the last term"),
            (one_line(lambda d, x, r: r * (d - rowmean(d) - x * rowmean(d))), "the mean of dxhat in the last term"),
            (one_line(lambda d, x, r: r * (d - rowmean(d) - x * rowmean(x))), "the mean of xhat in the last term"),
            (one_line(lambda d, x, r: r * (d - rowmean(d) - rowmean(d * x * x))), "xhat inside the mean"),
            (one_line(lambda d, x, r: r * (d - rowmean(d) - x * d * x)), "the last mean is missing"),
            (one_line(lambda d, x, r: r * (d - rowmean(d) - x**2 * rowmean(d))), "xhat² times the mean of dxhat"),
            (one_line(lambda d, x, r: r * (d - d.mean() - x * (d * x).mean())), "means over everything"),
            (one_line(lambda d, x, r: r * (d - d.mean(0) - x * (d * x).mean(0))), "means over the first axis"),
            (one_line(lambda d, x, r: r * (d - d.mean(1) - x * (d * x).mean(1))), "axis 1 and no keepdims"),
            (one_line(lambda d, x, r: r * (d - rowmean(d) - x * r**2 * rowmean(d * x))), "xhat taken for centred"),
            (one_line(lambda d, x, r: r * (d - rowmean(x) - x * rowmean(d * x))), "the mean of xhat, not of dxhat"),
            (one_line(lambda d, x, r: r * (1 - rowmean(d) - x * rowmean(d * x))), "1 for dxhat"),
            (one_line(lambda d, x, r: r**3 * (d - rowmean(d) - x * rowmean(d * x))), "rstd³"),
            (one_line(lambda d, x, r: r * (d - rowsum(d) / 5 - x * rowsum(d * x) / 5)), "D typed in as 5"),
            (one_line_in_place, "dxhat is changed"),
            (one_line_of_a_matrix, "works for a matrix only"),
            (one_line_printed, "printed, not returned"),
            (one_line_reshaped, "rows laid out flat and not reshaped back: right for a matrix only"),
            (one_line_mean_of_xhat_removed, "rstd is missing on the way through the mean only"),
            (one_line_no_eps, "the projection is divided by the mean of xhat²: right for eps = 0 only"),
        ],
    ),
}
