"""Answers to the exercises of lesson 3, as students write them."""

import numpy as np
from answers_of import Answers

from minidit.layers import linear_backward as linear_back
from minidit.layers import relu_backward as relu_back

# ------------------------------------------------------------------------------------------------ 3.1 by hand

LATENT = [[2, 0, 0, 2], [4, 4, 5, 5]]

# ----------------------------------------------------------------------------------------- 3.2 linear_forward


def linear_in_rows(x, w, b):
    rows = x.reshape(-1, x.shape[-1])
    return (rows @ w + b).reshape(*x.shape[:-1], -1), (x, w)


def linear_by_loop(x, w, b):
    y = np.zeros((*x.shape[:-1], w.shape[1]), x.dtype)
    for n in np.ndindex(x.shape[:-1]):
        for o in range(w.shape[1]):
            y[(*n, o)] = b[o] + sum(x[(*n, i)] * w[i, o] for i in range(w.shape[0]))
    return y, (x, w)


def linear_by_einsum(x, w, b):
    return np.einsum("...i,io->...o", x, w) + b, [x, w]


def linear_no_bias(x, w, b):
    return np.dot(x, w), (x, w)


def linear_minus(x, w, b):
    return np.dot(x, w) - b, (x, w)


def linear_flat(x, w, b):
    rows = x.reshape(-1, w.shape[0])
    return rows @ w + b, (x, w)


def linear_keeps_rows(x, w, b):
    rows = x.reshape(-1, w.shape[0])
    y = rows @ w + b
    return y.reshape(x.shape[:-1] + (w.shape[1],)), (rows, w)


def linear_relu(x, w, b):
    y = x @ w + b
    return y * (y > 0), (x, w)


def linear_mean(x, w, b):
    return (x[..., :, None] * w).mean(axis=-2) + b, (x, w)


def linear_bias_inside(x, w, b):
    return (x[..., :, None] * w + b).sum(axis=-2), (x, w)


def linear_cache_turned(x, w, b):
    return x @ w + b, (w, x)


def linear_keeps_y(x, w, b):
    y = x @ w + b
    return y, (y, w)


def linear_pytorch(x, w, b):
    return x @ w.T + b, (x, w)


def linear_column(x, w, b):
    return w.T @ x + b, (x, w)


def linear_float32(x, w, b):
    y = np.zeros((*x.shape[:-1], w.shape[1]), np.float32)
    y[...] = x @ w + b
    return y, (x, w)


# ------------------------------------------------------------------------------------------------- 3.3, 3.4 ReLU


def relu_where(x):
    return np.where(x > 0, x, 0.0), (x > 0,)


def relu_product(x):
    mask = np.greater(x, 0)
    return x * mask, (mask,)


def relu_by_loop(x):
    y, positive = np.empty_like(x), np.empty(x.shape, bool)
    for i in np.ndindex(x.shape):
        positive[i] = x[i] > 0
        y[i] = max(x[i], 0.0)
    return y, (positive,)


def relu_abs(x):
    return np.sqrt(x * x), (x > 0,)


def relu_min(x):
    return x.clip(max=0), (x > 0,)


def relu_leaky(x):
    return np.maximum(x, 0.01 * x), (x > 0,)


def relu_step(x):
    return np.where(x > 0, 1.0, 0.0), (x > 0,)


def relu_keeps_x(x):
    return np.maximum(0, x), (x,)


def relu_keeps_y(x):
    y = np.maximum(0, x)
    return y, (y,)


def relu_at_zero(x):
    mask = x >= 0
    return x * mask, (mask,)


def relu_negative(x):
    return x - np.minimum(x, 0), (x < 0,)


def relu_in_place(x):
    mask = x > 0
    x[~mask] = 0
    return x.copy(), (mask,)


def relu_mask_alone(x):
    return np.maximum(x, 0), (x > 0)


def relu_back_where(dy, cache):
    (positive,) = cache
    return np.where(positive, dy, 0)


def relu_back_written(dy, cache):
    dx = dy.copy()
    dx[~cache[0]] = 0
    return dx


def relu_back_of_dy(dy, cache):
    return dy.clip(min=0)


def relu_back_guided(dy, cache):
    (positive,) = cache
    return np.where(positive & (dy > 0), dy, 0)


def relu_back_slope(dy, cache):
    (positive,) = cache
    return positive.astype(dy.dtype)


def relu_back_turned(dy, cache):
    (positive,) = cache
    return np.where(positive, 0, dy)


def relu_back_through(dy, cache):
    return dy + 0


def relu_back_leaky(dy, cache):
    return dy * (0.2 + 0.8 * cache[0])


def relu_back_in_place(dy, cache):
    dy *= cache[0]
    return dy.copy()


def relu_back_wrong_unpacking(dy, cache):
    return dy * (np.array(cache) > 0)


# ------------------------------------------------------------------------------------------ 3.5 linear_backward


def back_tensordot(dy, cache):
    x, w = cache
    axes = tuple(range(dy.ndim - 1))
    return np.tensordot(dy, w, (-1, 1)), np.tensordot(x, dy, (axes, axes)), dy.sum(axis=axes)


def back_by_loop(dy, cache):
    x, w = cache
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros(w.shape[1])
    for n in np.ndindex(x.shape[:-1]):
        for i, o in np.ndindex(w.shape):
            dx[(*n, i)] += dy[(*n, o)] * w[i, o]
            dw[i, o] += dy[(*n, o)] * x[(*n, i)]
        db += dy[n]
    return dx, dw, db


def back_einsum(dy, cache):
    x, w = cache
    rows, drows = x.reshape(-1, len(w)), dy.reshape(-1, w.shape[1])
    return np.einsum("...o,io->...i", dy, w), np.einsum("ni,no->io", rows, drows), np.einsum("no->o", drows)


def back_by_products(dy, cache):
    x, w = cache
    rows, drows = x.reshape(-1, len(w)), dy.reshape(-1, w.shape[1])
    dproducts = np.broadcast_to(drows[:, None, :], (len(rows), *w.shape))  # N, I, O
    dx = (dproducts * w).sum(axis=2).reshape(x.shape)
    return dx, (dproducts * rows[:, :, None]).sum(axis=0), dproducts[:, 0].sum(axis=0)


def back_db_mean(dy, cache):
    dx, dw, _ = back_tensordot(dy, cache)
    return dx, dw, dy.reshape(-1, dy.shape[-1]).mean(0)


def back_all_means(dy, cache):
    dx, dw, db = back_tensordot(dy, cache)
    rows = dy.size // dy.shape[-1]
    return dx, dw / rows, db / rows


def back_per_sample(dy, cache):
    x, w = cache
    return dy @ w.T, x.swapaxes(-2, -1) @ dy, dy.reshape(-1, dy.shape[-1]).sum(0)


def back_db_first_axis(dy, cache):
    x, w = cache
    rows = x.reshape(-1, x.shape[-1])
    return dy @ w.T, rows.T @ dy.reshape(len(rows), -1), dy.sum(0)


def back_db_unsummed(dy, cache):
    dx, dw, _ = back_tensordot(dy, cache)
    return dx, dw, dy


def back_dw_turned(dy, cache):
    dx, dw, db = back_tensordot(dy, cache)
    return dx, dw.T, db


def back_dx_rows(dy, cache):
    x, w = cache
    rows, dy = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return dy @ w.T, rows.T @ dy, dy.sum(0)


def back_reshaped(dy, cache):
    x, w = cache
    _, dw, db = back_tensordot(dy, cache)
    return dy @ w.reshape(w.shape[1], w.shape[0]), dw, db


def back_order(dy, cache):
    dx, dw, db = back_tensordot(dy, cache)
    return dw, dx, db


def back_no_transpose(dy, cache):
    x, w = cache
    return dy @ w, x.T @ dy, dy.sum(0)


def back_db_total(dy, cache):
    dx, dw, _ = back_tensordot(dy, cache)
    return dx, dw, dy.sum()


def back_minus(dy, cache):
    dx, dw, db = back_tensordot(dy, cache)
    return dx, -dw, db


def back_db_kept(dy, cache):
    dx, dw, db = back_tensordot(dy, cache)
    return dx, dw, db[None]


def back_without_x(dy, cache):
    dx, dw, db = back_tensordot(dy, cache)
    return dx, np.broadcast_to(db, dw.shape), db


# ----------------------------------------------------------------------------------------- 3.6 encoder_backward


def encoder_written_out(dmean, dlog_variance, cache):
    (patches, w1), (positive,), (hidden, w2) = cache
    C = dmean.shape[-1]
    dhidden = dmean @ w2[:, :C].T + dlog_variance @ w2[:, C:].T
    dbefore = dhidden * positive
    axes = tuple(range(dmean.ndim - 1))
    dw2 = np.hstack([np.tensordot(hidden, d, (axes, axes)) for d in (dmean, dlog_variance)])
    db2 = np.append(dmean.sum(axis=axes), dlog_variance.sum(axis=axes))
    return dbefore @ w1.T, np.tensordot(patches, dbefore, (axes, axes)), dbefore.sum(axis=axes), dw2, db2


def encoder_filled(dmean, dlog_variance, cache):
    first, relu, second = cache
    C = dmean.shape[-1]
    dh = np.empty((*dmean.shape[:-1], 2 * C))
    dh[..., :C], dh[..., C:] = dmean, dlog_variance
    dh, dw2, db2 = linear_back(dh, second)
    dx, dw1, db1 = linear_back(relu_back(dh, relu), first)
    return [dx, dw1, db1, dw2, db2]


def encoder_swapped(dmean, dlog_variance, cache):
    return encoder_filled(dlog_variance, dmean, cache)


def encoder_mean_only(dmean, dlog_variance, cache):
    first, relu, second = cache
    dh = np.concatenate([dmean, np.zeros_like(dmean)], axis=-1)
    dh, dw2, db2 = linear_back(dh, second)
    dx, dw1, db1 = linear_back(relu_back(dh, relu), first)
    return dx, dw1, db1, dw2, db2


def encoder_no_relu(dmean, dlog_variance, cache):
    first, relu, second = cache
    dh, dw2, db2 = linear_back(np.concatenate([dmean, dlog_variance], -1), second)
    dx, dw1, db1 = linear_back(dh, first)
    return dx, dw1, db1, dw2, db2


def encoder_relu_on_gradient(dmean, dlog_variance, cache):
    first, relu, second = cache
    dh, dw2, db2 = linear_back(np.concatenate([dmean, dlog_variance], -1), second)
    dx, dw1, db1 = linear_back(np.maximum(dh, 0), first)
    return dx, dw1, db1, dw2, db2


def encoder_found(dmean, dlog_variance, cache):
    dx, dw1, db1, dw2, db2 = encoder_filled(dmean, dlog_variance, cache)
    return dx, dw2, db2, dw1, db1


def encoder_added(dmean, dlog_variance, cache):
    both = dmean + dlog_variance
    return encoder_filled(both, both, cache)


def encoder_twice(dmean, dlog_variance, cache):
    return encoder_filled(dmean, dmean, cache)


def encoder_relu_for_patches_only(dmean, dlog_variance, cache):
    first, relu, second = cache
    dh, dw2, db2 = linear_back(np.concatenate([dmean, dlog_variance], -1), second)
    _, dw1, db1 = linear_back(dh, first)
    dx, _, _ = linear_back(relu_back(dh, relu), first)
    return dx, dw1, db1, dw2, db2


def encoder_sum_of_halves(dmean, dlog_variance, cache):
    first, relu, second = cache
    dh, dw2, db2 = linear_back(dmean + dlog_variance, second)
    dx, dw1, db1 = linear_back(relu_back(dh, relu), first)
    return dx, dw1, db1, dw2, db2


def encoder_log_variance_only(dmean, dlog_variance, cache):
    return encoder_filled(0 * dmean, dlog_variance, cache)


ANSWERS = {
    "step_3_latent": Answers(
        right=[LATENT, np.array(LATENT, dtype=float)],
        wrong=[
            ([[2, -1, -2, 2], [4, 4, 5, 5]], "forgot the ReLU"),
            ([[2, 0, 0, 2], [1, 1, 2, 2]], "forgot the bias"),
            ([[2, 0, 0, 2], [4, 1, 2, 2]], "bias in one column only"),
            ([[5, 2, 1, 5], [1, 1, 2, 2]], "bias in the wrong row"),
            ([[5, 2, 1, 5], [4, 4, 5, 5]], "bias in every row"),
            ([[2, 0, 0, 2], [0, 0, 0, 0]], "subtracted the bias"),
            ([[2, 1, 2, 2], [4, 4, 5, 5]], "absolute value"),
            ([[2, 0, 0, 2], [4, 0, 0, 5]], "ReLU on whole patches"),
            ([[8, 3, 6, 10], [4, 4, 5, 5]], "lost minus sign"),
            ([[2, 4], [0, 4], [0, 5], [2, 5]], "missing transpose"),
            ([[2, 0, 0, 2], [4, 4, 5, 6]], None),
        ],
    ),
    "linear_forward": Answers(
        right=[linear_in_rows, linear_by_loop, linear_by_einsum],
        wrong=[
            (linear_no_bias, "forgot the bias"),
            (linear_minus, "subtracted the bias"),
            (linear_flat, "left as rows"),
            (linear_keeps_rows, "cache of rows"),
            (linear_relu, "ReLU after it"),
            (linear_mean, "mean over the inputs"),
            (linear_bias_inside, "bias times the inputs"),
            (linear_cache_turned, "wrong order"),
            (linear_keeps_y, "kept y"),
            (linear_float32, "another dtype than the inputs"),
            (linear_pytorch, "w transposed"),
            (linear_column, None),
        ],
    ),
    "relu_forward": Answers(
        right=[relu_where, relu_product, relu_by_loop],
        wrong=[
            (relu_abs, "absolute value"),
            (relu_min, "the smaller one"),
            (relu_leaky, "leaky"),
            (relu_step, "a step"),
            (relu_keeps_x, "kept x"),
            (relu_keeps_y, "kept y"),
            (relu_at_zero, "slope 1 at zero"),
            (relu_negative, "the other half"),
            (relu_in_place, "changed its input"),
            (relu_mask_alone, None),
        ],
    ),
    "relu_backward": Answers(
        right=[relu_back_where, relu_back_written],
        wrong=[
            (relu_back_of_dy, "ReLU of dy"),
            (relu_back_guided, "both signs asked"),
            (relu_back_slope, "forgot dy"),
            (relu_back_turned, "the other half"),
            (relu_back_through, "slope 1 everywhere"),
            (relu_back_leaky, "leaky"),
            (relu_back_in_place, "changed its input"),
            (relu_back_wrong_unpacking, "axis of length 1"),
        ],
    ),
    "linear_backward": Answers(
        right=[back_tensordot, back_by_loop, back_einsum, back_by_products],
        wrong=[
            (back_db_mean, "mean instead of sum"),
            (back_all_means, "mean instead of sum"),
            (back_per_sample, "forgot to sum over the batch"),
            (back_db_first_axis, "summed over one axis only"),
            (back_db_unsummed, "forgot to sum"),
            (back_dw_turned, "missing transpose"),
            (back_dx_rows, "left as rows"),
            (back_reshaped, "not transposed"),
            (back_order, "wrong order"),
            (back_db_total, "summed too much"),
            (back_minus, "sign"),
            (back_db_kept, "axis of length 1"),
            (back_without_x, "forgot x"),
            (back_no_transpose, "not transposed"),
        ],
    ),
    "encoder_backward": Answers(
        right=[encoder_written_out, encoder_filled],
        wrong=[
            (encoder_swapped, "halves swapped"),
            (encoder_mean_only, "mean only"),
            (encoder_no_relu, "skipped ReLU"),
            (encoder_relu_on_gradient, "ReLU of the gradient"),
            (encoder_found, "as they were found"),
            (encoder_added, "added instead of joined"),
            (encoder_twice, "mean twice"),
            (encoder_relu_for_patches_only, "skipped ReLU"),
            (encoder_sum_of_halves, None),
            (encoder_log_variance_only, "log variance only"),
        ],
    ),
}
