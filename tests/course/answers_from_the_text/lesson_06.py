"""Lesson 6: answers written from the lesson's text alone."""

import math

import numpy as np
from answers_of import Answers

from minidit import layers


def silu_tanh(x):
    sigmoid = 0.5 + 0.5 * np.tanh(x / 2)
    return x * sigmoid, (x, sigmoid)


def silu_stable(x):
    small = np.exp(-np.abs(x))
    sigmoid = np.where(x >= 0, 1, small) / (1 + small)
    return x * sigmoid, (x, sigmoid)


def silu_log(x):
    sigmoid = np.exp(-np.logaddexp(0, -x))
    return sigmoid * x, (x, sigmoid)


def silu_plain(x):
    with np.errstate(over="ignore"):
        sigmoid = 1 / (1 + np.exp(-x))
    return x * sigmoid, (x, sigmoid)


def silu_nan(x):
    sigmoid = np.exp(x) / (1 + np.exp(x))
    return x * sigmoid, (x, sigmoid)


def silu_mirrored(x):
    sigmoid = 1 / (1 + np.exp(x))
    return x * sigmoid, (x, sigmoid)


def silu_math(x):
    sigmoid = 1 / (1 + math.exp(-x))
    return x * sigmoid, (x, sigmoid)


def silu_clipped(x):
    x = np.clip(x, -20, 20)
    sigmoid = 1 / (1 + np.exp(-x))
    return x * sigmoid, (x, sigmoid)


def silu_clipped_sigmoid(x):
    sigmoid = 1 / (1 + np.exp(-np.clip(x, -5, 5)))
    return x * sigmoid, (x, sigmoid)


def silu_absolute(x):
    sigmoid = 1 / (1 + np.exp(-np.abs(x)))
    return x * sigmoid, (x, sigmoid)


def silu_in_place(x):
    sigmoid = silu_tanh(x)[1][1]
    old = x.copy()
    x *= sigmoid
    return x, (old, sigmoid)


def silu_caches_y(x):
    sigmoid = silu_tanh(x)[1][1]
    x = x * sigmoid
    return x, (x, sigmoid)


def silu_if(x):
    sigmoid = 1 / (1 + np.exp(-x)) if x >= 0 else np.exp(x) / (1 + np.exp(x))
    return x * sigmoid, (x, sigmoid)


def silu_matrix_only(x):
    sigmoid = np.zeros_like(x)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            sigmoid[i, j] = 1 / (1 + math.exp(-x[i, j]))
    return x * sigmoid, (x, sigmoid)


def silu_changed(change):
    """silu_forward with its right results changed by change(y, x, sigmoid)."""

    def silu_forward(x):
        y, (_, sigmoid) = silu_tanh(x)
        return change(y, x, sigmoid)

    return silu_forward


def modulation_slices(c, w, b):
    y = c @ w + b
    D = w.shape[1] // 6
    return tuple(y[:, k * D : (k + 1) * D] for k in range(6)), (c, w)


def modulation_split(c, w, b):
    y, cache = layers.linear_forward(c, w, b)
    return tuple(np.split(y, 6, axis=-1)), cache


def modulation_six_products(c, w, b):
    six = zip(np.hsplit(w, 6), np.split(b, 6), strict=True)
    return tuple(c @ w_k + b_k for w_k, b_k in six), (c, w)


def modulation_reshaped(c, w, b):
    y = (c @ w + b).reshape(len(c), 6, -1)
    m1, m2, m3, m4, m5, m6 = (y[:, k] for k in range(6))
    return (m1, m2, m3, m4, m5, m6), (c, w)


def modulation(change):
    """adaln_modulation_forward with change(y, D): what is returned as the six."""

    def adaln_modulation_forward(c, w, b):
        y, cache = layers.linear_forward(c, w, b)
        return change(y, y.shape[1] // 6), cache

    return adaln_modulation_forward


def modulation_gates_squashed(c, w, b):
    six, cache = modulation_slices(c, w, b)
    return tuple(np.tanh(m) if k in (2, 5) else m for k, m in enumerate(six)), cache


def modulation_order(*order):
    """The six in another order."""
    return modulation(lambda y, D: tuple(y[:, k * D : (k + 1) * D] for k in order))


def modulation_silu_again(c, w, b):
    return modulation_split(layers.silu_forward(c)[0], w, b)


def modulation_width_of_c(c, w, b):
    y = c @ w + b
    D = c.shape[1]
    return tuple(y[:, k * D : (k + 1) * D] for k in range(6)), (c, w)


def modulation_changes_b(c, w, b):
    D = len(b) // 6
    b[D : 2 * D] += 1
    six, cache = modulation_split(c, w, b)
    return (six[0], six[1] - 1, *six[2:]), cache


def modulation_in_a_loop(c, w, b):
    y = c @ w + b
    D = y.shape[1] // 6
    six = []
    for k in range(6):
        six.append(y[:, k * D : (k + 1) * D])
        return tuple(six), (c, w)


def silu_back_two_parts(dy, cache):
    x, sigmoid = cache
    dsigmoid = dy * x
    return dy * sigmoid + dsigmoid * sigmoid * (1 - sigmoid)


def silu_back_short(dy, cache):
    x, s = cache
    y = x * s
    return dy * (y + s * (1 - y))


def silu_back_in_place(dy, cache):
    x, s = cache
    dy *= s * (1 + x * (1 - s))
    return dy


def silu_back_changes_the_cache(dy, cache):
    x, s = cache
    slope = s * (1 + x * (1 - s))
    s *= 1 - s
    return dy * slope


def silu_back_recomputed(dy, cache):
    x, s = cache
    s = 1 / (1 + np.exp(-s))
    return dy * s * (1 + x * (1 - s))


def silu_back_swapped(dy, cache):
    sigmoid, x = cache
    return dy * sigmoid * (1 + x * (1 - sigmoid))


def silu_back(slope):
    """silu_backward from dy times slope(x, sigmoid)."""
    return lambda dy, cache: dy * slope(*cache)


def back_with(joined):
    """adaln_modulation_backward with another way of joining the six."""

    def adaln_modulation_backward(dmodulations, cache):
        return layers.linear_backward(joined(dmodulations), cache)

    return adaln_modulation_backward


def back_changed(change):
    """adaln_modulation_backward with its right results changed."""

    def adaln_modulation_backward(dmodulations, cache):
        return change(*layers.linear_backward(np.concatenate(dmodulations, axis=1), cache))

    return adaln_modulation_backward


def back_one_by_one(dmodulations, cache):
    c, w = cache
    dc, dw, db = np.zeros_like(c), np.zeros_like(w), np.zeros(w.shape[1], w.dtype)
    D = w.shape[1] // 6
    for k, dm in enumerate(dmodulations):
        columns = slice(k * D, (k + 1) * D)
        dc += dm @ w[:, columns].T
        dw[:, columns] = c.T @ dm
        db[columns] = dm.sum(axis=0)
    return dc, dw, db


def back_by_hand(dmodulations, cache):
    c, w = cache
    dy = np.hstack(dmodulations)
    return dy @ w.T, c.T @ dy, dy.sum(axis=0)


def back_last_one_only(dmodulations, cache):
    c, w = cache
    for dm, w_k in zip(dmodulations, np.split(w, 6, axis=1), strict=True):
        dc = dm @ w_k.T
    dy = np.hstack(dmodulations)
    return dc, c.T @ dy, dy.sum(axis=0)


def back_adds_into_the_first(dmodulations, cache):
    dy = np.concatenate(dmodulations, axis=1)
    result = layers.linear_backward(dy, cache)
    total = dmodulations[0]
    for dm in dmodulations[1:]:
        total += dm
    return result


def back_no_axis_for_the_bias(dmodulations, cache):
    c, w = cache
    dy = np.hstack(dmodulations)
    return dy @ w.T, c.T @ dy, dy


def back_first_sample(dmodulations, cache):
    c, w = cache
    dy = np.hstack(dmodulations)
    return dy @ w.T, np.outer(c[0], dy[0]), dy[0]


def back_silu_too(dmodulations, cache):
    c, w = cache
    dc, dw, db = layers.linear_backward(np.hstack(dmodulations), cache)
    return layers.silu_backward(dc, layers.silu_forward(c)[1]), dw, db


def modulation_squeezed(c, w, b):
    y = (c @ w + b).reshape(len(c), 6, -1)
    return tuple(m.squeeze() for m in np.split(y, 6, axis=1)), (c, w)


def silu_large_is_x(x):
    y, (_, sigmoid) = silu_tanh(x)
    return np.where(abs(x) > 3, np.maximum(x, 0), y), (x, sigmoid)


ANSWERS = {
    "step_6_scale_and_shift": Answers(
        right=[[2, -1, -1, 5], [[2], [-1], [-1], [5]], np.array([2.0, -1.0, -1.0, 5.0])],
        wrong=[
            ([[2], [0], [0], [4]], "forgot the bias"),  # b forgotten
            ([2, 1, -1, 5], "lost minus sign"),  # the minus of c's third number overlooked
            ([[-1], [5], [2], [-1]], "shift before scale"),  # shift first
            ([[5], [-1], [-1], [2]], "upside down"),
            ([[2], [1], [1], [3]], "subtracted the bias"),  # b subtracted
            ([[2], [-1], [1], [5]], "lost minus sign"),  # third row: the minus of W overlooked
            ([[1], [-1], [-1], [5]], "off by 1"),  # one slip in the first row: the last product missed
            ([[3], [1], [-1], [4]], "zero taken for one"),  # sora taken as 1
            ([[2], [-1], [-1], [3]], None),  # fourth row: 2 · 1 taken as 0
            ([[2, -1], [-1, 5]], "not one column"),  # as a square, not a column
            ([[2], [-1]], "one half only"),  # only the scale
            ([[0], [0], [0], [4]], "b multiplied in"),
        ],
    ),
    "silu_forward": Answers(
        right=[silu_tanh, silu_stable, silu_log, silu_plain],
        wrong=[
            (silu_nan, "overflow"),  # eˣ / (1 + eˣ): NaN for large x
            (silu_mirrored, "sign of the exponent"),  # minus missing in the exponent
            (silu_changed(lambda y, x, s: (y, (s, x))), "wrong order"),  # cache in the wrong order
            (silu_changed(lambda y, x, s: (y, (x, y))), "kept y instead of the sigmoid"),  # y in the cache
            (silu_changed(lambda y, x, s: (y, (x,))), "other structure"),  # sigmoid not in the cache
            (silu_changed(lambda y, x, s: y), "other number of results"),  # no cache
            (silu_changed(lambda y, x, s: (s, (x, s))), "the sigmoid alone"),  # the sigmoid, not x times it
            # tanh for the sigmoid
            (silu_changed(lambda y, x, s: (x * np.tanh(x), (x, np.tanh(x)))), "tanh instead of the sigmoid"),
            (silu_changed(lambda y, x, s: (np.maximum(x, 0), (x, s))), "ReLU"),
            # GELU's approximation
            (silu_changed(lambda y, x, s: (x * silu_tanh(1.702 * x)[1][1], (x, s))), "GELU's sigmoid"),
            (silu_changed(lambda y, x, s: (y, (x, s * (1 - s)))), "kept the slope"),  # the sigmoid's slope in the cache
            (silu_math, "raised an error"),  # math.exp with an array
            (silu_clipped, "clipped"),  # x clipped to ±20
            (silu_clipped_sigmoid, "clipped"),  # the exponent clipped to ±5
            (silu_absolute, "absolute value in the exponent"),  # absolute value in the exponent: wrong for negative x
            (silu_in_place, "changed its input"),  # changes x
            (silu_caches_y, "kept y instead of x"),  # x overwritten by y before it is cached
            (silu_if, "raised an error"),  # if with an array
            (silu_matrix_only, "raised an error"),  # matrices only
            # the slope in place of the value
            (silu_changed(lambda y, x, s: (s * (1 + x * (1 - s)), (x, s))), "the slope instead of y"),
            (silu_changed(lambda y, x, s: (x + s, (x, s))), "added"),  # added in place of multiplied
            # hard sigmoid in y
            (silu_changed(lambda y, x, s: (x * np.clip(x / 6 + 0.5, 0, 1), (x, s))), "hard sigmoid"),
            # three results instead of y and a tuple
            (silu_changed(lambda y, x, s: (y, x, s)), "other number of results"),
            (silu_large_is_x, "ReLU where x is large"),  # ReLU beyond ±3
        ],
    ),
    "adaln_modulation_forward": Answers(
        right=[modulation_slices, modulation_split, modulation_six_products, modulation_reshaped],
        wrong=[
            (modulation(lambda y, D: tuple(y.reshape(6, -1, D))), "reshape alone"),  # reshaped to (6, B, D)
            # np.split along the first axis
            (lambda c, w, b: (tuple(np.split(c @ w + b, 6)), (c, w)), "raised an error"),
            (modulation(lambda y, D: tuple(y[:, k::6] for k in range(6))), "interleaved"),  # every sixth column
            (
                modulation(lambda y, D: tuple(y.reshape(len(y), D, 6)[..., k] for k in range(6))),
                "interleaved",  # reshaped to (B, D, 6)
            ),
            (modulation_order(1, 0, 2, 4, 3, 5), "scale before shift"),
            (modulation_order(3, 4, 5, 0, 1, 2), "MLP before attention"),  # mlp before msa
            (modulation_order(0, 3, 1, 4, 2, 5), "shifts, scales, gates"),  # msa and mlp alternate
            (modulation_order(5, 4, 3, 2, 1, 0), "wrong order"),  # backwards
            (modulation_order(0, 1, 2, 3, 5, 4), "wrong order"),  # the last two swapped
            (modulation_order(0, 1, 2), "other structure"),  # only three
            (modulation_order(0, 1, 2, 0, 1, 2), "the first three twice"),
            (modulation_silu_again, "SiLU once more"),  # SiLU applied again
            (lambda c, w, b: (tuple(np.split(c @ w, 6, axis=1)), (c, w)), "forgot the bias"),  # b forgotten
            (lambda c, w, b: (tuple(np.split(c @ w + b, 6, axis=1)), (c, w, b)), "other structure"),  # b in the cache
            # cache in the wrong order
            (lambda c, w, b: (tuple(np.split(c @ w + b, 6, axis=1)), (w, c)), "wrong order"),
            # seven results, not a tuple and a cache
            (lambda c, w, b: (*np.split(c @ w + b, 6, axis=1), (c, w)), "other number of results"),
            (lambda c, w, b: tuple(np.split(c @ w + b, 6, axis=1)), "other number of results"),  # no cache
            (modulation_width_of_c, "the width of c for D"),  # c's width taken for D
            # (B, 1, D)
            (modulation(lambda y, D: tuple(y[:, None, k * D : (k + 1) * D] for k in range(6))), "axis of length 1"),
            (
                modulation(lambda y, D: tuple(m + (k in (1, 4)) for k, m in enumerate(np.split(y, 6, 1)))),
                "1 + scale",
            ),
            (modulation_changes_b, "changed its input"),  # changes b
            (modulation_in_a_loop, "other structure"),  # return inside the loop
            (modulation(lambda y, D: y), "other structure"),  # not cut at all
            (modulation_gates_squashed, "gates squashed"),  # tanh on the gates
            (modulation_squeezed, "squeezed"),  # squeeze: loses the axis of a single sample or of D = 1
        ],
    ),
    "silu_backward": Answers(
        right=[silu_back_two_parts, silu_back_short, silu_back(lambda x, s: s * (1 + x * (1 - s)))],
        wrong=[
            (silu_back(lambda x, s: s * (1 - s)), "the sigmoid's slope alone"),  # the sigmoid's slope only
            (silu_back(lambda x, s: s), "half of the product rule"),  # second part forgotten
            (silu_back(lambda x, s: x * s * (1 - s)), "half of the product rule"),  # first part forgotten
            (lambda dy, cache: cache[1] * (1 + cache[0] * (1 - cache[1])), "forgot dy"),  # ignores dy
            (silu_back(lambda x, s: s + x * (1 - s)), "the sigmoid's slope is 1 − σ"),  # σ missing in the second part
            (silu_back(lambda x, s: s - x * s * (1 - s)), "sign in the product rule"),  # minus between the parts
            (silu_back(lambda x, s: s * (1 + x * s)), "another slope of the sigmoid"),  # s in place of 1 − s
            # dy missing in the second part
            (lambda dy, cache: dy * cache[1] + cache[0] * cache[1] * (1 - cache[1]), "dy in one part only"),
            (silu_back_in_place, "changed its input"),  # dy *= changes dy
            (silu_back_changes_the_cache, "changed its input"),  # changes the cache
            # the two parts returned, not added
            (lambda dy, c: (dy * c[1], dy * c[0] * c[1] * (1 - c[1])), "other number of results"),
            (silu_back(lambda x, s: x * s), "y in place of the slope"),  # the value in place of the slope
            (silu_back(lambda x, s: s + x * s * (1 + s)), "another slope of the sigmoid"),  # σ′ = σ (1 + σ)
            (silu_back_recomputed, "sigmoid of the sigmoid"),
            (silu_back_swapped, "cache in the wrong order"),  # cache unpacked in the wrong order
            (silu_back(lambda x, s: x > 0), "ReLU's slope"),
            (silu_back(lambda x, s: s + x * s), "the sigmoid's slope without 1 − σ"),  # 1 − σ forgotten
            (silu_back(lambda x, s: s * 1 + x * (1 - s) * s * s), "another slope of the sigmoid"),  # one σ too many
            (silu_back(lambda x, s: 1 / 2 + 0 * x), "the slope at 0"),  # the slope at 0 for all
            # dy added in place of multiplied
            (lambda dy, c: dy + c[1] * (1 + c[0] * (1 - c[1])), "added instead of multiplied"),
            (silu_back(lambda x, s: s * (1 + x) * (1 - s)), "brackets"),  # brackets in the wrong place
            (
                lambda dy, cache: np.where(cache[0] > 0, dy * cache[1] * (1 + cache[0] * (1 - cache[1])), 0),
                "ReLU's slope",  # nothing passes where x is negative
            ),
        ],
    ),
    "adaln_modulation_backward": Answers(
        right=[back_one_by_one, back_by_hand, back_with(lambda six: np.concatenate(six, axis=-1))],
        wrong=[
            (back_with(lambda six: np.concatenate(six)), None),  # concatenated along the first axis
            (back_with(lambda six: np.stack(six, axis=-1).reshape(len(six[0]), -1)), "interleaved"),
            (back_with(lambda six: np.stack(six, axis=1)), None),  # stacked to (B, 6, D)
            (back_with(lambda six: sum(six)), None),  # the six added
            (back_with(lambda six: np.concatenate(six[::-1], axis=1)), "backwards"),
            (back_with(lambda six: np.concatenate([six[k] for k in (1, 0, 2, 4, 3, 5)], 1)), "scale before shift"),
            # mlp before msa
            (back_with(lambda six: np.concatenate([six[k] for k in (3, 4, 5, 0, 1, 2)], 1)), "MLP before attention"),
            # the last two swapped
            (back_with(lambda six: np.concatenate([six[k] for k in (0, 1, 2, 3, 5, 4)], 1)), "two of the six swapped"),
            (back_with(lambda six: np.tile(six[0], (1, 6))), "one for all"),  # the first gradient six times
            (
                back_with(lambda six: np.concatenate([0 * d if k in (2, 5) else d for k, d in enumerate(six)], 1)),
                "forgot the gates",  # the gates' gradients dropped
            ),
            # reshape without moving axes
            (back_with(lambda six: np.array(six).reshape(len(six[0]), -1)), "reshape alone"),
            (back_with(lambda six: six), "raised an error"),  # not concatenated
            (back_changed(lambda dc, dw, db: (dw, dc, db)), "wrong order"),  # dw first
            (back_changed(lambda dc, dw, db: (dc, db, dw)), "wrong order"),  # db before dw
            (back_changed(lambda dc, dw, db: dc), "other number of results"),  # only dc
            (back_changed(lambda dc, dw, db: (dc / 6, dw, db)), "divided by six"),  # dc is a mean over the six
            (back_changed(lambda dc, dw, db: (dc, dw.T, db)), "missing transpose"),  # dw transposed
            (back_last_one_only, "one of the six only"),  # dc of the last modulation only
            (back_adds_into_the_first, "changed its input"),  # changes the first gradient
            (back_no_axis_for_the_bias, "one bias for each sample"),  # db is not summed over the samples
            (back_first_sample, "one sample only"),  # dw and db of the first sample only
            (back_silu_too, "SiLU on the way back"),  # goes back through SiLU, which is not part of it
        ],
    ),
    "zero_start": Answers(
        right=[[0, 0, 1, 0, 0, 1, 0], (0, 0, 1, 0, 0, 1, 0), np.array([0, 0, 1, 0, 0, 1, 0])],
        wrong=[
            ([1, 1, 0, 1, 1, 0, 1], "1 and 0 swapped"),
            ([0, 0, 1, 0, 0, 1, 1], "dc as well"),  # dc taken as awake
            ([0, 0, 0, 0, 0, 0, 0], "nothing at all"),  # everything zero
            ([1, 1, 1, 1, 1, 1, 1], "everything"),  # everything awake
            ([0, 0, 0, 0, 0, 1, 0], "a gate forgotten"),  # the first gate forgotten
            ([0, 0, 1, 0, 0, 0, 0], "a gate forgotten"),  # the second gate forgotten
            ([1, 0, 1, 1, 0, 1, 0], "shifts as well"),  # shifts taken as awake
            ([1, 1, 1, 1, 1, 1, 0], "all of the six"),  # only dc zero
            ([1, 0, 0, 1, 0, 0, 0], "another place for the gates"),  # gate taken as first of three
            ([0, 1, 0, 0, 1, 0, 0], "another place for the gates"),  # gate taken as second of three
            ([0, 0, 1, 0, 0, 1], "dc is missing"),  # dc left out
            ([0, 0, 1, 1, 1, 1, 0], "one branch as well"),  # the second branch taken as awake
        ],
    ),
}
