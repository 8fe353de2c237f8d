"""Lesson 3: answers written from the lesson's text alone."""

import numpy as np
from answers_of import Answers

from minidit import layers

LATENT = [[2, 0, 0, 2], [4, 4, 5, 5]]


def linear_flat_and_back(x, w, b):
    rows = x.reshape(-1, x.shape[-1])
    y = np.dot(rows, w) + b
    return y.reshape(*x.shape[:-1], w.shape[1]), (x, w)


def linear_in_loops(x, w, b):
    y = np.zeros(x.shape[:-1] + (w.shape[1],), dtype=x.dtype)
    for o in range(w.shape[1]):
        y[..., o] = b[o]
        for i in range(w.shape[0]):
            y[..., o] += x[..., i] * w[i, o]
    return y, (x, w)


def linear_stays_flat(x, w, b):
    rows = x.reshape(-1, x.shape[-1])
    return rows @ w + b, (x, w)


def linear_flat_cache(x, w, b):
    rows = x.reshape(-1, x.shape[-1])
    return (rows @ w + b).reshape(*x.shape[:-1], -1), (rows, w)


def linear_bias_grows(x, w, b):
    y = np.zeros((*x.shape[:-1], w.shape[1]), x.dtype)
    for n in np.ndindex(x.shape[:-1]):
        row = b
        row += x[n] @ w
        y[n] = row
    return y, (x, w)


def linear_overwrites_w(x, w, b):
    y = x @ w + b
    w *= 0
    return y, (x, w)


def linear_cache_forgotten(x, w, b):
    y = x @ w + b
    return y


def linear_return_in_the_loop(x, w, b):
    y = np.zeros((*x.shape[:-1], w.shape[1]), x.dtype)
    for o in range(len(b)):
        y[..., o] = x @ w[:, o] + b[o]
        return y, (x, w)


def linear_last_input_left_out(x, w, b):
    y = np.zeros((*x.shape[:-1], w.shape[1]), x.dtype) + b
    for i in range(w.shape[0] - 1):
        y += x[..., i, None] * w[i]
    return y, (x, w)


def relu_copy(x):
    y = x.copy()
    y[x <= 0] = 0
    return y, (x > 0,)


def relu_halves(x):
    y = (x + abs(x)) / 2
    return y, (y > 0,)


def relu_in_place(x):
    positive = x > 0
    x[x < 0] = 0
    return x, (positive,)


def relu_after_the_change(x):
    x *= x > 0
    return x, (x > 0,)


def relu_if(x):
    y = x if x > 0 else 0
    return y, (x > 0,)


def relu_loop_over_rows(x):
    y = np.zeros_like(x)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            if x[i, j] > 0:
                y[i, j] = x[i, j]
    return y, (x > 0,)


def relu_cache_shape(x):
    y = np.maximum(x, 0)
    return y, (x[x > 0],)


def relu_back_copy(dy, cache):
    (positive,) = cache
    dx = np.array(dy)
    dx[~positive] = 0
    return dx


def relu_back_in_place(dy, cache):
    (positive,) = cache
    dy[~positive] = 0
    return dy


def relu_back_times_in_place(dy, cache):
    (positive,) = cache
    dy *= positive
    return dy


def relu_back_if(dy, cache):
    (positive,) = cache
    if positive:
        return dy
    return 0 * dy


def relu_back_wrong_unpacking(dy, cache):
    positive = cache
    return dy * positive


def relu_back_matrix_only(dy, cache):
    (positive,) = cache
    dx = np.zeros_like(dy)
    for i in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            if positive[i, j]:
                dx[i, j] = dy[i, j]
    return dx


def rows(a):
    return a.reshape(-1, a.shape[-1])


def linear_back_rows(dy, cache):
    x, w = cache
    return (rows(dy) @ w.T).reshape(x.shape), rows(x).T @ rows(dy), rows(dy).sum(axis=0)


def linear_back_einsum(dy, cache):
    x, w = cache
    dx = np.einsum("...o,io->...i", dy, w)
    dw = np.einsum("ni,no->io", rows(x), rows(dy))
    return dx, dw, np.einsum("no->o", rows(dy))


def linear_back_loops(dy, cache):
    x, w = cache
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros(w.shape[1], w.dtype)
    for n in np.ndindex(x.shape[:-1]):
        dx[n] = w @ dy[n]
        dw += np.outer(x[n], dy[n])
        db += dy[n]
    return dx, dw, db


def linear_back_no_transpose(dy, cache):
    x, w = cache
    return dy @ w, rows(x).T @ rows(dy), rows(dy).sum(0)


def linear_back_flat_dx(dy, cache):
    x, w = cache
    return rows(dy) @ w.T, rows(x).T @ rows(dy), rows(dy).sum(0)


def linear_back_swapaxes(dy, cache):
    x, w = cache
    return dy @ w.T, x.swapaxes(-1, -2) @ dy, dy.sum(axis=0)


def linear_back_matrix_only(dy, cache):
    x, w = cache
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


def linear_back_three_axes(dy, cache):
    x, w = cache
    if x.ndim == 2:
        return linear_back_matrix_only(dy, cache)
    return dy @ w.T, np.einsum("abi,abo->io", x, dy), dy.sum(axis=(0, 1))


def linear_back_last_row(dy, cache):
    x, w = cache
    for n in np.ndindex(x.shape[:-1]):
        dw = np.outer(x[n], dy[n])
    return dy @ w.T, dw, rows(dy).sum(0)


def linear_back_in_place(dy, cache):
    x, w = cache
    dw, db = rows(x).T @ rows(dy), rows(dy).sum(0)
    x[...] = dy @ w.T
    return x, dw, db


def linear_back_printed(dy, cache):
    x, w = cache
    dx, dw, db = linear_back_rows(dy, cache)
    print(dx, dw, db)


def linear_back(change):
    """linear_backward with its right results changed by change(dx, dw, db, dy, x, w)."""

    def linear_backward(dy, cache):
        return change(*linear_back_rows(dy, cache), dy, *cache)

    return linear_backward


def encoder_back_by_layers(dmean, dlog_variance, cache):
    first_cache, relu_cache, second_cache = cache
    dh = np.concatenate([dmean, dlog_variance], axis=-1)
    dh, dw2, db2 = layers.linear_backward(dh, second_cache)
    dh = layers.relu_backward(dh, relu_cache)
    dpatches, dw1, db1 = layers.linear_backward(dh, first_cache)
    return dpatches, dw1, db1, dw2, db2


def encoder_back_by_hand(dmean, dlog_variance, cache):
    (patches, w1), (positive,), (h, w2) = cache
    C = dmean.shape[-1]
    dout = np.empty((*dmean.shape[:-1], 2 * C), dmean.dtype)
    dout[..., :C], dout[..., C:] = dmean, dlog_variance
    dh = np.where(positive, dout @ w2.T, 0)
    flat = dout.reshape(-1, 2 * C)
    return (
        dh @ w1.T,
        rows(patches).T @ rows(dh),
        rows(dh).sum(0),
        rows(h).T @ flat,
        flat.sum(0),
    )


def encoder_back(joined=None, relu=True, order=lambda *five: five):
    """encoder_backward with another way of joining, without the ReLU or with another order."""

    def encoder_backward(dmean, dlog_variance, cache):
        first_cache, relu_cache, second_cache = cache
        dh = joined(dmean, dlog_variance) if joined else np.concatenate([dmean, dlog_variance], -1)
        dh, dw2, db2 = layers.linear_backward(dh, second_cache)
        if relu:
            dh = layers.relu_backward(dh, relu_cache)
        dpatches, dw1, db1 = layers.linear_backward(dh, first_cache)
        return order(dpatches, dw1, db1, dw2, db2)

    return encoder_backward


def encoder_back_relu_result_lost(dmean, dlog_variance, cache):
    first_cache, relu_cache, second_cache = cache
    dh = np.concatenate([dmean, dlog_variance], axis=-1)
    dh, dw2, db2 = layers.linear_backward(dh, second_cache)
    layers.relu_backward(dh, relu_cache)
    dpatches, dw1, db1 = layers.linear_backward(dh, first_cache)
    return dpatches, dw1, db1, dw2, db2


def encoder_back_caches_swapped(dmean, dlog_variance, cache):
    first_cache, relu_cache, second_cache = cache
    dh = np.concatenate([dmean, dlog_variance], axis=-1)
    dh, dw2, db2 = layers.linear_backward(dh, first_cache)
    dh = layers.relu_backward(dh, relu_cache)
    dpatches, dw1, db1 = layers.linear_backward(dh, second_cache)
    return dpatches, dw1, db1, dw2, db2


def encoder_back_second_layer_only(dmean, dlog_variance, cache):
    first_cache, relu_cache, second_cache = cache
    dh = np.concatenate([dmean, dlog_variance], axis=-1)
    dh, dw2, db2 = layers.linear_backward(dh, second_cache)
    dh = layers.relu_backward(dh, relu_cache)
    return dh, dw2, db2


def encoder_back_relu_tuple(dmean, dlog_variance, cache):
    first_cache, relu_cache, second_cache = cache
    dh = np.concatenate([dmean, dlog_variance], axis=-1)
    dh, dw2, db2 = layers.linear_backward(dh, second_cache)
    dh, _ = layers.relu_backward(dh, relu_cache)
    dpatches, dw1, db1 = layers.linear_backward(dh, first_cache)
    return dpatches, dw1, db1, dw2, db2


def encoder_back_unpacking_forgotten(dmean, dlog_variance, cache):
    first_cache, relu_cache, second_cache = cache
    dh = np.concatenate([dmean, dlog_variance], axis=-1)
    dh = layers.linear_backward(dh, second_cache)
    dh = layers.relu_backward(dh, relu_cache)
    return layers.linear_backward(dh, first_cache)


def encoder_back_mean_then_variance(dmean, dlog_variance, cache):
    first_cache, relu_cache, (h, w2) = cache
    C = dmean.shape[-1]
    dh, dw2, db2 = layers.linear_backward(dmean, (h, w2[:, :C]))
    _, dw2v, db2v = layers.linear_backward(dlog_variance, (h, w2[:, C:]))
    dh = layers.relu_backward(dh, relu_cache)
    dpatches, dw1, db1 = layers.linear_backward(dh, first_cache)
    return dpatches, dw1, db1, np.concatenate([dw2, dw2v], 1), np.concatenate([db2, db2v])


def encoder_back_relu_twice(dmean, dlog_variance, cache):
    first_cache, relu_cache, second_cache = cache
    dh = np.maximum(np.concatenate([dmean, dlog_variance], axis=-1), 0)
    return encoder_back_by_layers(*np.split(dh, 2, axis=-1), cache)


def encoder_back_relu_by_dy(dmean, dlog_variance, cache):
    first_cache, relu_cache, second_cache = cache
    dh = np.concatenate([dmean, dlog_variance], axis=-1)
    dh, dw2, db2 = layers.linear_backward(dh, second_cache)
    dh = layers.relu_backward(dh, (dh > 0,))
    dpatches, dw1, db1 = layers.linear_backward(dh, first_cache)
    return dpatches, dw1, db1, dw2, db2


def linear_up_to_two_axes(x, w, b):
    if x.ndim == 3:
        return np.einsum("bti,io->bto", x, w) + b, (x, w)
    return np.einsum("ni,io->no", x, w) + b, (x, w)


def encoder_back_one_axis(dmean, dlog_variance, cache):
    (patches, w1), (positive,), (h, w2) = cache
    dout = np.hstack([dmean, dlog_variance])
    dh = dout @ w2.T * positive
    return dh @ w1.T, patches.T @ dh, dh.sum(0), h.T @ dout, dout.sum(0)


def encoder_back_scales_dmean(dmean, dlog_variance, cache):
    dlog_variance *= 1.0
    dmean += 0 * dlog_variance
    dmean -= dmean.mean()
    return encoder_back_by_layers(dmean, dlog_variance, cache)


ANSWERS = {
    "step_3_latent": Answers(
        right=[LATENT, np.array(LATENT), [[2.0, 0, 0, 2], [4, 4, 5, 5]]],
        wrong=[
            ([[2, -1, -2, 2], [4, 4, 5, 5]], "forgot the ReLU"),  # ReLU forgotten
            ([[2, 0, 0, 2], [1, 1, 2, 2]], "forgot the bias"),  # b forgotten
            ([[2, 4], [0, 4], [0, 5], [2, 5]], "missing transpose"),  # transposed
            ([[5, 2, 1, 5], [4, 4, 5, 5]], "bias in every row"),  # b = 3 added to the first row too, before the ReLU
            ([[4, 4, 5, 5], [2, 0, 0, 2]], "rows swapped"),
            ([[2, 1, 2, 2], [4, 4, 5, 5]], "absolute value"),  # absolute values in place of the ReLU
            ([[2, 0, 0, 2], [3, 4, 5, 3]], "another pixel"),  # the second row reads bottom right, not bottom left
            ([[2, 0, 0, 2], [4, 4, 5, 4]], None),  # one slip: 2 + 3 = 4 in the last
            ([[8, 3, 6, 10], [4, 4, 5, 5]], "lost minus sign"),  # minus signs of the first row overlooked: all added
            # first row: bottom left subtracted instead of bottom right
            ([[1, 0, 0, 0], [4, 4, 5, 5]], "another pixel"),
            ([[2, 0, 0, 2]], "first row only"),  # only the first row
            ([[2, 0, 0, 2], [7, 7, 8, 8]], "bias twice"),  # b added twice
        ],
    ),
    "linear_forward": Answers(
        right=[
            linear_flat_and_back,
            lambda x, w, b: (np.einsum("...i,io->...o", x, w) + b, (x, w)),
            linear_in_loops,
            lambda x, w, b: (np.tensordot(x, w, axes=1) + b, (x, w)),
        ],
        wrong=[
            (lambda x, w, b: (x @ w.T + b, (x, w)), "w transposed"),  # w transposed
            (lambda x, w, b: (x @ w, (x, w)), "forgot the bias"),  # b forgotten
            (lambda x, w, b: (x @ w + b, (x, w, b)), "other structure"),  # b in the cache
            (lambda x, w, b: (x @ w + b, (w, x)), "wrong order"),  # cache in the wrong order
            (linear_cache_forgotten, "other number of results"),  # no cache
            (lambda x, w, b: (np.einsum("ni,io->no", x, w) + b, (x, w)), "raised an error"),  # one leading axis only
            (linear_stays_flat, "left as rows"),  # y stays flat
            (linear_flat_cache, "cache of rows"),  # the cache has the flat x
            (lambda x, w, b: ((x + b) @ w, (x, w)), "bias before the product"),  # b added before the product
            (lambda x, w, b: (x * w + b, (x, w)), "* instead of @"),  # * in place of @
            (lambda x, w, b: (x @ w - b, (x, w)), "subtracted the bias"),  # b subtracted
            (lambda x, w, b: (np.maximum(x @ w + b, 0), (x, w)), "ReLU after it"),  # a ReLU included
            (linear_bias_grows, "changed its input"),  # row = b makes no copy: b grows from row to row
            (linear_overwrites_w, "changed its input"),  # changes w, after it was used
            (linear_return_in_the_loop, "first output only"),  # return inside the loop over outputs
            (linear_last_input_left_out, "one input left out"),  # the last input is left out
            (lambda x, w, b: (x @ w + b[:, None], (x, w)), "bias as a column"),  # b as a column
            (lambda x, w, b: (x @ w + b[0], (x, w)), "one bias for all"),  # only the first bias, for all outputs
            (lambda x, w, b: (x @ w + b, (x, w.T)), "missing transpose"),  # w transposed in the cache
            (lambda x, w, b: (x @ w + b, x, w), "other number of results"),  # three results instead of y and a tuple
            (lambda x, w, b: ((x @ w + b) / x.shape[-1], (x, w)), "mean over the inputs"),
            (linear_up_to_two_axes, "raised an error"),  # two leading axes at most
        ],
    ),
    "relu_forward": Answers(
        right=[
            relu_copy,
            lambda x: (np.where(x > 0, x, 0), (x > 0,)),
            lambda x: (x * (x > 0), (np.greater(x, 0),)),
            relu_halves,
        ],
        wrong=[
            (lambda x: (np.maximum(x, 0), (x >= 0,)), "slope 1 at zero"),  # at least 0 in the cache
            (lambda x: (np.maximum(x, 0), (x > 0)), "other structure"),  # no comma: the cache is an array
            (lambda x: (abs(x), (x > 0,)), "absolute value"),
            (lambda x: (np.where(x > 0, x, 0.01 * x), (x > 0,)), "leaky"),
            (relu_in_place, "changed its input"),  # changes x
            (relu_after_the_change, "changed its input"),  # x *= changes x
            (lambda x: (np.maximum(x, 0), (x,)), "kept x"),  # x in the cache
            (relu_if, "raised an error"),  # if with an array
            (lambda x: (max(x, 0), (x > 0,)), "raised an error"),  # Python's max with an array
            (lambda x: (np.maximum(x, 0), (np.maximum(x, 0),)), "kept y"),  # y in the cache
            (lambda x: np.maximum(x, 0), "other number of results"),  # no cache
            (lambda x: (np.minimum(x, 0), (x > 0,)), "the smaller one"),  # minimum
            (lambda x: (np.clip(x, 0, 6), (x > 0,)), "cut off at the top"),  # cut off at 6 (ReLU6)
            # clip to the maximum: wrong if all are negative
            (lambda x: (x.clip(0, x.max()), (x > 0,)), "cut off at the top"),
            (lambda x: (np.maximum(x, 0), (x < 0,)), "the other half"),  # the mask says where x is negative
            # 1 and 0 in place of True and False
            (lambda x: (np.maximum(x, 0), ((x > 0).astype(int),)), "another dtype than asked for"),
            (relu_loop_over_rows, "raised an error"),  # matrices only
            (lambda x: ((x > 0) * 1.0, (x > 0,)), "a step"),  # the slope in place of the value
            # only the positive ones are left: the shape is lost
            (lambda x: (x[x > 0], (x > 0,)), "only the positive ones"),
            # one truth value for the whole array
            (lambda x: (np.maximum(x, 0), (bool((x > 0).all()),)), "one truth for all"),
            (relu_cache_shape, "kept the positive numbers"),  # the positive values in the cache, not the mask
            (lambda x: (np.where(x >= 1, x, 0), (x >= 1,)), "from 1 on"),  # from 1 on: right for whole numbers only
        ],
    ),
    "relu_backward": Answers(
        right=[
            relu_back_copy,
            lambda dy, cache: dy * cache[0],
            lambda dy, cache: np.where(cache[0], dy, 0),
        ],
        wrong=[
            (lambda dy, cache: np.where(dy > 0, dy, 0), "ReLU of dy"),  # the sign of dy decides
            # negative gradients are dropped as well
            (lambda dy, cache: np.maximum(dy * cache[0], 0), "both signs asked"),
            (relu_back_in_place, "changed its input"),  # changes dy
            (relu_back_times_in_place, "changed its input"),  # dy *= changes dy
            (relu_back_wrong_unpacking, "axis of length 1"),  # cache not unpacked: an axis too many
            (lambda dy, cache: cache[0].astype(dy.dtype), "forgot dy"),  # ignores dy
            (lambda dy, cache: dy * ~cache[0], "the other half"),  # mask inverted
            (lambda dy, cache: dy, "slope 1 everywhere"),  # passes everything
            (relu_back_if, "raised an error"),  # if with an array
            (lambda dy, cache: (dy * cache[0],), "other number of results"),  # a tuple of one
            (lambda dy, cache: dy[cache[0]], "only the positive ones"),  # only the passing ones: the shape is lost
            (lambda dy, cache: np.where(cache[0], dy, 0.01 * dy), "leaky"),
            (lambda dy, cache: abs(dy) * cache[0], "absolute value"),
            (relu_back_matrix_only, "raised an error"),  # matrices only
            # added in place of multiplied
            (lambda dy, cache: np.where(cache[0], 1.0, 0.0) + dy, "added instead of multiplied"),
            (lambda dy, cache: (dy * cache[0]).sum(axis=0), "summed too much"),  # summed over the first axis
            (lambda dy, cache: (dy * cache[0]).astype(int), "cut off"),  # whole numbers: fractions are cut off
            (lambda dy, cache: dy.clip(-1, 1) * cache[0], "gradients cut off"),  # gradients cut off at ±1
        ],
    ),
    "linear_backward": Answers(
        right=[linear_back_rows, linear_back_einsum, linear_back_loops],
        wrong=[
            (linear_back_no_transpose, "not transposed"),  # w not transposed in dx
            (linear_back(lambda dx, dw, db, dy, x, w: (dx, dw.T, db)), "missing transpose"),  # dw transposed
            (linear_back_flat_dx, "left as rows"),  # dx stays flat
            (linear_back_swapaxes, "forgot to sum over the batch"),  # dw and db keep a leading axis
            (linear_back_matrix_only, "raised an error"),  # one leading axis only
            (linear_back_three_axes, "raised an error"),  # two leading axes at most
            (linear_back_last_row, "uses a part of an input"),  # dw of the last row only (= in place of +=)
            (linear_back_in_place, "changed its input"),  # writes dx into x
            (linear_back_printed, "printed, not returned"),
            (linear_back(lambda dx, dw, db, dy, x, w: (dw, dx, db)), "wrong order"),  # dw first
            (linear_back(lambda dx, dw, db, dy, x, w: (dx, db, dw)), "wrong order"),  # db before dw
            # db is a mean
            (linear_back(lambda dx, dw, db, dy, x, w: (dx, dw, rows(dy).mean(0))), "mean instead of sum"),
            # dw is a mean over rows
            (linear_back(lambda dx, dw, db, dy, x, w: (dx, dw / len(rows(x)), db)), "mean instead of sum"),
            (linear_back(lambda dx, dw, db, dy, x, w: (dx, dw, np.ones_like(db))), "forgot dy"),  # db ignores dy
            # db summed over everything
            (linear_back(lambda dx, dw, db, dy, x, w: (dx, dw, dy.sum())), "summed too much"),
            (linear_back(lambda dx, dw, db, dy, x, w: (dx, dw)), "other number of results"),  # db is missing
            # db is (1, O)
            (linear_back(lambda dx, dw, db, dy, x, w: (dx, dw, rows(dy).sum(0, keepdims=True))), "axis of length 1"),
            # dx multiplied by x as well
            (linear_back(lambda dx, dw, db, dy, x, w: (dx * x, dw, db)), "times its own input"),
            # dw multiplied by w as well
            (linear_back(lambda dx, dw, db, dy, x, w: (dx, dw * w, db)), "times its own input"),
            # dw ignores dy
            (linear_back(lambda dx, dw, db, dy, x, w: (dx, rows(x).sum(0)[:, None] + 0 * w, db)), "forgot dy"),
            (linear_back(lambda dx, dw, db, dy, x, w: (dx, -dw, db)), "sign"),  # sign of dw
            # every db is the sum of all
            (linear_back(lambda dx, dw, db, dy, x, w: (dx, dw, db.sum() + 0 * db)), "summed over the outputs"),
            (
                linear_back(lambda dx, dw, db, dy, x, w: (np.broadcast_to(w.sum(1), x.shape), dw, db)),
                "w alone",  # dx ignores dy: w summed over the outputs
            ),
        ],
    ),
    "encoder_backward": Answers(
        right=[encoder_back_by_layers, encoder_back_by_hand, encoder_back(lambda m, v: np.block([m, v]))],
        wrong=[
            (encoder_back(lambda m, v: np.concatenate([m, v])), None),  # concatenated along the first axis
            (encoder_back(lambda m, v: np.concatenate([v, m], -1)), "halves swapped"),  # log variance before mean
            (encoder_back(lambda m, v: m + v), None),  # the two added
            (encoder_back(lambda m, v: np.concatenate([m, 0 * v], -1)), "mean only"),  # dlog_variance ignored
            (encoder_back(lambda m, v: np.concatenate([m, m], -1)), "mean twice"),  # dmean twice
            # mean and variance alternate
            (encoder_back(lambda m, v: np.stack([m, v], -1).reshape(*m.shape[:-1], -1)), "in turns"),
            (encoder_back(lambda m, v: np.append(m, v)), None),  # np.append flattens
            (encoder_back(relu=False), "skipped ReLU"),  # the ReLU is forgotten
            # second layer's gradients first
            (encoder_back(order=lambda dx, w1, b1, w2, b2: (dx, w2, b2, w1, b1)), "as they were found"),
            # weights before biases
            (encoder_back(order=lambda dx, w1, b1, w2, b2: (dx, w1, w2, b1, b2)), "wrong order"),
            # nested tuples
            (encoder_back(order=lambda dx, w1, b1, w2, b2: (dx, (w1, b1), (w2, b2))), "other number of results"),
            (encoder_back(order=lambda dx, w1, b1, w2, b2: dx), "other number of results"),  # only dpatches
            # dpatches left out
            (encoder_back(order=lambda dx, w1, b1, w2, b2: (w1, b1, w2, b2)), "other number of results"),
            (encoder_back_relu_result_lost, "skipped ReLU"),  # the ReLU's result is not used
            (encoder_back_caches_swapped, "caches swapped"),  # the two layers' caches swapped
            (encoder_back_second_layer_only, "other number of results"),  # stops before the first layer
            (encoder_back_relu_tuple, "raised an error"),  # unpacks relu_backward's one result
            (encoder_back_unpacking_forgotten, None),  # linear_backward's three results not unpacked
            (encoder_back_mean_then_variance, "mean only"),  # dpatches only through the mean
            (encoder_back_relu_twice, "ReLU of the gradient"),  # ReLU of the incoming gradient
            (encoder_back_relu_by_dy, "ReLU of the gradient"),  # the ReLU's mask from the sign of dh
            (encoder_back_one_axis, "raised an error"),  # one leading axis only
            (encoder_back_scales_dmean, "changed its input"),  # changes dmean, and subtracts its mean
        ],
    ),
}
