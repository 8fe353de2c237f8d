"""Answers to the exercises of lesson 6, as students write them."""

import numpy as np
from answers_of import Answers

# ---------------------------------------------------------------------------------- step_6_scale_and_shift

AS_ARRAY = np.array([[2], [-1], [-1], [5]], dtype=np.int8)
WITHOUT_B = [[2], [0], [0], [4]]
SHIFT_FIRST = [[-1], [5], [2], [-1]]
B_SUBTRACTED = [[2], [1], [1], [3]]
SKY_WITHOUT_MINUS = [[2], [1], [-1], [5]]
ONE_OFF = [[2], [-1], [-1], [4]]


# ------------------------------------------------------------------------------------------------------- SiLU


def silu_with_exp(x):
    with np.errstate(over="ignore"):
        sigmoid = 1 / (1 + np.exp(-x))
    return x * sigmoid, (x, sigmoid)


def silu_with_loop(x):
    sigmoid = np.empty_like(x)
    for index, value in np.ndenumerate(x):
        e = np.exp(-abs(value))
        sigmoid[index] = 1 / (1 + e) if value >= 0 else e / (1 + e)
    return x * sigmoid, (x, sigmoid)


def sigmoid_only(x):
    sigmoid = 1 / (1 + np.exp(-x))
    return sigmoid, (x, sigmoid)


def wrong_sign(x):
    sigmoid = 1 / (1 + np.exp(x))
    return x * sigmoid, (x, sigmoid)


def relu_instead(x):
    return np.where(x > 0, x, 0), (x, 1 / (1 + np.exp(-x)))


def tanh_instead(x):
    gate = np.tanh(x)
    return x * gate, (x, gate)


def caches_y(x):
    y = x / (1 + np.exp(-x))
    return y, (x, y)


def cache_swapped(x):
    sigmoid = 1 / (1 + np.exp(-x))
    return x * sigmoid, (sigmoid, x)


def gelu_gate(x):
    sigmoid = 1 / (1 + np.exp(-1.702 * x))
    return x * sigmoid, (x, sigmoid)


def overflowing(x):
    sigmoid = np.exp(x) / (1 + np.exp(x))
    return x * sigmoid, (x, sigmoid)


def in_place(x):
    sigmoid = 1 / (1 + np.exp(-x))
    old = x.copy()
    x *= sigmoid
    return x.copy(), (old, sigmoid)


# ---------------------------------------------------------------------------------------------- SiLU, backward


def slope_from_y(dy, cache):
    x, s = cache
    y = x * s
    return dy * (s + y - y * s)


def slope_factored(dy, cache):
    x, s = cache
    return dy * s * (1 + x - x * s)


def first_half(dy, cache):
    _, s = cache
    return dy * s


def second_half(dy, cache):
    x, s = cache
    dsigmoid = dy * x
    return dsigmoid * s * (1 - s)


def slope_of_sigmoid(dy, cache):
    _, s = cache
    return dy * s * (1 - s)


def without_dy(dy, cache):
    x, s = cache
    return s + x * s * (1 - s)


def subtracts(dy, cache):
    x, s = cache
    return dy * (s - x * s * (1 - s))


def sigmoid_slope_is_sigmoid(dy, cache):
    x, s = cache
    return dy * s + dy * x * s


def sigmoid_slope_is_rest(dy, cache):
    x, s = cache
    return dy * s + dy * x * (1 - s)


def times_y(dy, cache):
    x, s = cache
    return dy * (x * s)


# ---------------------------------------------------------------------------------------- the modulation layer


def by_slices(c, w, b):
    y = c @ w + b
    D = y.shape[1] // 6
    return tuple(y[:, k * D : (k + 1) * D] for k in range(6)), (c, w)


def six_products(c, w, b):
    ws, bs = w.reshape(len(w), 6, -1), b.reshape(6, -1)
    return [c @ ws[:, k] + bs[k] for k in range(6)], (c, w)


def dealt_out(c, w, b):
    y = (c @ w + b).reshape(len(c), w.shape[1] // 6, 6)
    return tuple(y[..., k] for k in range(6)), (c, w)


def scale_first(c, w, b):
    scale, shift, gate, scale2, shift2, gate2 = np.split(c @ w + b, 6, axis=1)
    return (shift, scale, gate, shift2, scale2, gate2), (c, w)


def mlp_first(c, w, b):
    parts = np.split(c @ w + b, 6, axis=1)
    return (*parts[3:], *parts[:3]), (c, w)


def by_kind(c, w, b):
    y = np.split(c @ w + b, 6, axis=1)
    return (y[0], y[3], y[1], y[4], y[2], y[5]), (c, w)


def no_bias(c, w, b):
    return tuple(np.split(c @ w, 6, axis=1)), (c, w)


def silu_again(c, w, b):
    return tuple(np.split(c / (1 + np.exp(-c)) @ w + b, 6, axis=1)), (c, w)


def cut_along_samples(c, w, b):
    return tuple(np.split(c @ w + b, 6)), (c, w)


# ------------------------------------------------------------------------------ the modulation layer, backward


def hstacked(dmodulations, cache):
    c, w = cache
    d = np.hstack(dmodulations)
    return d @ w.T, c.T @ d, d.sum(0)


def piece_by_piece(dmodulations, cache):
    c, w = cache
    ws = np.split(w, 6, axis=1)
    dc = sum(d @ part.T for d, part in zip(dmodulations, ws, strict=True))
    dw = np.concatenate([c.T @ d for d in dmodulations], axis=1)
    return dc, dw, np.concatenate([d.sum(axis=0) for d in dmodulations])


def joined_with_scale_first(dmodulations, cache):
    c, w = cache
    a, b, e, f, g, h = dmodulations
    d = np.concatenate([b, a, e, g, f, h], axis=1)
    return d @ w.T, c.T @ d, d.sum(0)


def joined_mlp_first(dmodulations, cache):
    return hstacked(dmodulations[3:] + dmodulations[:3], cache)


def stacked_last(dmodulations, cache):
    c, w = cache
    d = np.stack(dmodulations, axis=2).reshape(len(c), -1)
    return d @ w.T, c.T @ d, d.sum(0)


def bias_mean(dmodulations, cache):
    c, w = cache
    d = np.hstack(dmodulations)
    return d @ w.T, c.T @ d, d.mean(axis=0)


def bias_of_each(dmodulations, cache):
    c, w = cache
    d = np.hstack(dmodulations)
    return d @ w.T, c.T @ d, d


def weight_transposed(dmodulations, cache):
    c, w = cache
    d = np.hstack(dmodulations)
    return d @ w.T, d.T @ c, d.sum(0)


def gates_forgotten(dmodulations, cache):
    shift, scale, gate, shift2, scale2, gate2 = dmodulations
    return hstacked((shift, scale, np.zeros_like(gate), shift2, scale2, np.zeros_like(gate2)), cache)


def stacked_first(dmodulations, cache):
    c, w = cache
    d = np.concatenate(dmodulations)
    return d @ w.T, c.T @ d, d.sum(0)


ANSWERS = {
    "step_6_scale_and_shift": Answers(
        right=[AS_ARRAY],
        wrong=[
            (WITHOUT_B, "forgot the bias"),
            (SHIFT_FIRST, "shift before scale"),
            (B_SUBTRACTED, "subtracted the bias"),
            (SKY_WITHOUT_MINUS, "lost minus sign"),
            (ONE_OFF, None),
        ],
    ),
    "silu_forward": Answers(
        right=[silu_with_loop, silu_with_exp],
        wrong=[
            (sigmoid_only, "the sigmoid alone"),
            (wrong_sign, "sign of the exponent"),
            (relu_instead, "ReLU"),
            (tanh_instead, "tanh instead of the sigmoid"),
            (caches_y, "kept y instead of the sigmoid"),
            (cache_swapped, "wrong order"),
            (gelu_gate, "GELU's sigmoid"),
            (overflowing, "overflow"),
            (in_place, "changed its input"),
        ],
    ),
    "silu_backward": Answers(
        right=[slope_from_y, slope_factored],
        wrong=[
            (first_half, "half of the product rule"),
            (second_half, "half of the product rule"),
            (slope_of_sigmoid, "the sigmoid's slope alone"),
            (without_dy, "forgot dy"),
            (subtracts, "sign in the product rule"),
            (sigmoid_slope_is_sigmoid, "the sigmoid's slope without 1 − σ"),
            (sigmoid_slope_is_rest, "the sigmoid's slope is 1 − σ"),
            (times_y, "y in place of the slope"),
        ],
    ),
    "adaln_modulation_forward": Answers(
        right=[by_slices, six_products],
        wrong=[
            (dealt_out, "interleaved"),
            (scale_first, "scale before shift"),
            (mlp_first, "MLP before attention"),
            (by_kind, "shifts, scales, gates"),
            (no_bias, "forgot the bias"),
            (silu_again, "SiLU once more"),
            (cut_along_samples, None),
        ],
    ),
    "adaln_modulation_backward": Answers(
        right=[piece_by_piece, hstacked],
        wrong=[
            (joined_with_scale_first, "scale before shift"),
            (joined_mlp_first, "MLP before attention"),
            (stacked_last, "interleaved"),
            (bias_mean, "mean over the batch"),
            (bias_of_each, "one bias for each sample"),
            (weight_transposed, "missing transpose"),
            (gates_forgotten, "forgot the gates"),
            (stacked_first, None),
        ],
    ),
    "zero_start": Answers(
        right=[np.array([False, False, True, False, False, True, False]), (0, 0, 1, 0, 0, 1, 0)],
        wrong=[
            ([1, 1, 1, 1, 1, 1, 0], "all of the six"),
            ([0, 0, 0, 0, 0, 0, 0], "nothing at all"),
            ([1, 1, 1, 1, 1, 1, 1], "everything"),
            ([0, 0, 1, 0, 0, 1, 1], "dc as well"),
            ([1, 1, 0, 1, 1, 0, 0], "gates asleep"),
        ],
    ),
}
