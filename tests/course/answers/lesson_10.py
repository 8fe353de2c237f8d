"""Lesson 10: answers as students write them."""

import math

import numpy as np
from answers_of import Answers

from minidit import layers
from minidit.layers import gelu_backward as packaged_gelu_backward
from minidit.layers import linear_backward, linear_forward

C, A = (2 / np.pi) ** 0.5, 0.044715

# ------------------------------------------------------------------------------------------------ 10.1 by hand

PREDICTED = [[-2, 2, 0, 0], [-3, 1, -1, -1]]

# ---------------------------------------------------------------------------------------------------- 10.2 GELU


def gelu_by_loop(x, training=True):
    gate = np.empty_like(x)
    for index in np.ndindex(x.shape):
        gate[index] = 1 + math.tanh(math.sqrt(2 / math.pi) * (x[index] + 0.044715 * x[index] ** 3))
    return gate * x / 2, (x, gate)


def gelu_as_sigmoid(x, training=True):
    # 1 + tanh(u) = 2 σ(2u)
    u = C * x * (1 + A * x**2)
    gate = 2 / (1 + np.exp(np.clip(-2 * u, -700, 700)))
    return x * gate / 2, (x, gate)


def gelu_square(x):
    gate = np.tanh(C * (x + A * x**2)) + 1
    return x * gate / 2, (x, gate)


def gelu_factor_inside(x):
    gate = np.tanh(C * x + A * x**3) + 1
    return x * gate / 2, (x, gate)


def gelu_no_factor(x):
    gate = 1 + np.tanh(x + A * x**3)
    return x / 2 * gate, (x, gate)


def gelu_wrong_root(x):
    gate = 1 + np.tanh(np.sqrt(2) / np.pi * (x + A * x**3))
    return x / 2 * gate, (x, gate)


def gelu_twice_too_large(x):
    gate = 1 + np.tanh(C * (x + A * x**3))
    return x * gate, (x, gate)


def gelu_erf(x):
    gate = 1 + np.array([math.erf(value / math.sqrt(2)) for value in x.ravel()]).reshape(x.shape)
    return x / 2 * gate, (x, gate)


def gelu_keeps_tanh(x):
    tanh = np.tanh(C * (x + A * x**3))
    return 0.5 * x * (1 + tanh), (x, tanh)


def gelu_keeps_gate_first(x):
    gate = 1 + np.tanh(C * (x + A * x**3))
    return 0.5 * x * gate, (gate, x)


def gelu_float32(x):
    x = x.astype(np.float32)
    gate = 1 + np.tanh(np.float32(C) * (x + np.float32(A) * x**3))
    return 0.5 * x * gate, (x, gate)


def gelu_numpy_constant(x):
    gate = 1 + np.tanh(np.sqrt(2 / np.pi) * (x + A * x**3))
    return 0.5 * x * gate, (x, gate)


def gelu_spoils_x(x):
    y = 0.5 * x * (1 + np.tanh(C * (x + A * x**3)))
    gate = np.tanh(C * (x + A * x**3)) + 1
    before = x.copy()
    x *= 0.5
    return y, (before, gate)


def gelu_other_constant(x):
    gate = 1 + np.tanh(C * (x + 0.44715 * x**3))
    return 0.5 * x * gate, (x, gate)


# ------------------------------------------------------------------------------------------------- 10.3 chunks


def chunks_with_tanh(dy, cache):
    x, gate = cache
    tanh = gate - 1
    dgate = x * dy / 2
    dinner = dgate - dgate * tanh * tanh
    dx_by_inner = dinner * (C + 3 * A * C * x**2)
    dx_direct = gate * dy / 2
    return dgate, dinner, dx_direct + dx_by_inner


def chunks_by_loop(dy, cache):
    x, gate = cache
    results = [np.zeros_like(x) for _ in range(3)]
    for i in np.ndindex(x.shape):
        results[0][i] = dy[i] * x[i] / 2
        results[1][i] = results[0][i] / np.cosh(C * (x[i] + A * x[i] ** 3)) ** 2
        results[2][i] = results[1][i] * C * (1 + 3 * A * x[i] ** 2) + dy[i] * gate[i] / 2
    return tuple(results)


def chunks_only_chain(dy, cache):
    x, gate = cache
    dgate = 0.5 * dy * x
    dinner = dgate * (1 - (gate - 1) ** 2)
    dx = dinner * C * (1 + 3 * A * x**2)
    return dgate, dinner, dx


def chunks_no_tanh(dy, cache):
    x, gate = cache
    dgate = 0.5 * dy * x
    dinner = dgate
    return dgate, dinner, 0.5 * dy * gate + dinner * C * (1 + 3 * A * x**2)


def chunks_gate_squared(dy, cache):
    x, gate = cache
    dgate = 0.5 * dy * x
    dinner = dgate * (1 - gate**2)
    return dgate, dinner, 0.5 * dy * gate + dinner * C * (1 + 3 * A * x**2)


def chunks_no_three(dy, cache):
    x, gate = cache
    dgate = 0.5 * dy * x
    dinner = dgate * gate * (2 - gate)
    return dgate, dinner, 0.5 * dy * gate + dinner * C * (1 + A * x**2)


def chunks_no_half(dy, cache):
    x, gate = cache
    dgate = dy * x
    dinner = dgate * gate * (2 - gate)
    return dgate, dinner, dy * gate + dinner * C * (1 + 3 * A * x**2)


def chunks_no_factor(dy, cache):
    x, gate = cache
    dgate = 0.5 * dy * x
    dinner = dgate * gate * (2 - gate)
    return dgate, dinner, 0.5 * dy * gate + dinner * (1 + 3 * A * x**2)


def chunks_swapped(dy, cache):
    dgate, dinner, dx = chunks_with_tanh(dy, cache)
    return dinner, dgate, dx


def chunks_negative(dy, cache):
    x, gate = cache
    dgate = 0.5 * dy * x
    dinner = dgate * gate * (gate - 2)
    return dgate, dinner, 0.5 * dy * gate + dinner * C * (1 + 3 * A * x**2)


def chunks_linear_slope(dy, cache):
    x, gate = cache
    dgate = 0.5 * dy * x
    dinner = dgate * gate * (2 - gate)
    return dgate, dinner, 0.5 * dy * gate + dinner * C * (1 + 3 * A * x)


# ------------------------------------------------------------------------------------------- 10.4 gelu_backward


def slope_with_tanh(dy, cache):
    x, gate = cache
    t = gate - 1
    return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * C * (1 + 3 * A * x**2))


def slope_from_chunks(dy, cache):
    return chunks_with_tanh(dy, cache)[2]


def slope_by_einsum(dy, cache):
    x, gate = cache
    slope = gate / 2 + np.einsum("...,...,...->...", x / 2, gate * (2 - gate), C + 3 * C * A * x * x)
    return np.einsum("...,...->...", dy, slope)


def backward_no_dy(dy, cache):
    x, gate = cache
    return gate / 2 + x / 2 * gate * (2 - gate) * C * (1 + 3 * A * x**2)


def backward_constant_gate(dy, cache):
    x, gate = cache
    return dy * gate / 2


def backward_no_direct(dy, cache):
    x, gate = cache
    return dy * x / 2 * gate * (2 - gate) * C * (1 + 3 * A * x**2)


def backward_gate_squared(dy, cache):
    x, gate = cache
    return dy * (gate / 2 + x / 2 * (1 - gate**2) * C * (1 + 3 * A * x**2))


def backward_no_inner(dy, cache):
    x, gate = cache
    return dy * (gate / 2 + x / 2 * gate * (2 - gate))


def backward_double(dy, cache):
    x, gate = cache
    return dy * (gate + x * gate * (2 - gate) * C * (1 + 3 * A * x**2))


def backward_one_half_missing(dy, cache):
    x, gate = cache
    return dy * (gate / 2 + x * gate * (2 - gate) * C * (1 + 3 * A * x**2))


def backward_minus(dy, cache):
    return -slope_with_tanh(dy, cache)


def backward_numpy_constant(dy, cache):
    x, gate = cache
    return dy * gate / 2 * (1 + x * (2 - gate) * np.sqrt(2 / np.pi) * (1 + 3 * A * x**2))


def backward_relu(dy, cache):
    x, _ = cache
    return dy * (x > 0)


# ------------------------------------------------------------------------------------------- 10.5 feedforward_forward


def by_matmul(x, w1, b1, w2, b2, training=True):
    before = x @ w1 + b1
    hidden = 0.5 * before * (1 + np.tanh(C * (before + A * before**3)))
    slope = backward_no_dy(None, (before, 1 + np.tanh(C * (before + A * before**3))))
    return hidden @ w2 + b2, ((x, w1), (slope,), (hidden, w2))


def by_einsum(x, w1, b1, w2, b2, training=True):
    before = np.einsum("...d,dm->...m", x, w1) + b1
    hidden, gelu_cache = layers.gelu_forward(before)
    return np.einsum("...m,md->...d", hidden, w2) + b2, ((x, w1), gelu_cache, (hidden, w2))


def no_gelu(x, w1, b1, w2, b2):
    before, first = linear_forward(x, w1, b1)
    hidden, gelu_cache = layers.gelu_forward(before)
    y, second = linear_forward(before, w2, b2)
    return y, (first, gelu_cache, second)


def relu_between(x, w1, b1, w2, b2):
    before, first = linear_forward(x, w1, b1)
    hidden, relu_cache = layers.relu_forward(before)
    y, second = linear_forward(hidden, w2, b2)
    return y, (first, relu_cache, second)


def with_residual(x, w1, b1, w2, b2):
    y, cache = by_einsum(x, w1, b1, w2, b2)
    return x + y, cache


def gelu_at_the_end(x, w1, b1, w2, b2):
    y, cache = by_einsum(x, w1, b1, w2, b2)
    y, _ = layers.gelu_forward(y)
    return y, cache


def no_second_bias(x, w1, b1, w2, b2):
    before, first = linear_forward(x, w1, b1)
    hidden, gelu_cache = layers.gelu_forward(before)
    return hidden @ w2, (first, gelu_cache, (hidden, w2))


def no_first_bias(x, w1, b1, w2, b2):
    hidden, gelu_cache = layers.gelu_forward(x @ w1)
    y, second = linear_forward(hidden, w2, b2)
    return y, ((x, w1), gelu_cache, second)


def w1_transposed(x, w1, b1, w2, b2):
    before, first = linear_forward(x, w1.T, b1)
    hidden, gelu_cache = layers.gelu_forward(before)
    y, second = linear_forward(hidden, w2, b2)
    return y, (first, gelu_cache, second)


def y_alone(x, w1, b1, w2, b2):
    return by_einsum(x, w1, b1, w2, b2)[0]


# ------------------------------------------------------------------------------------------ 10.6 feedforward_backward


def backward_by_matmul(dy, cache):
    (x, w1), (slope,), (hidden, w2) = cache
    dbefore = (dy @ w2.T) * slope
    rows = tuple(range(dy.ndim - 1))
    dw1 = np.tensordot(x, dbefore, (rows, rows))
    dw2 = np.tensordot(hidden, dy, (rows, rows))
    return dbefore @ w1.T, dw1, dbefore.sum(axis=rows), dw2, dy.sum(axis=rows)


def backward_by_einsum(dy, cache):
    (x, w1), (slope,), (hidden, w2) = cache
    dbefore = np.einsum("...d,md->...m", dy, w2) * slope
    dx = np.einsum("...m,dm->...d", dbefore, w1)
    rows, drows = x.reshape(-1, x.shape[-1]), dbefore.reshape(-1, dbefore.shape[-1])
    hidden, dy = hidden.reshape(len(drows), -1), dy.reshape(len(drows), -1)
    dw1, dw2 = np.einsum("nd,nm->dm", rows, drows), np.einsum("nm,nd->md", hidden, dy)
    return dx, dw1, np.einsum("nm->m", drows), dw2, np.einsum("nd->d", dy)


def backward_skips_gelu(dy, cache):
    first, gelu, second = cache
    dhidden, dw2, db2 = linear_backward(dy, second)
    dx, dw1, db1 = linear_backward(dhidden, first)
    return dx, dw1, db1, dw2, db2


def backward_skips_gelu_for_weights(dy, cache):
    first, gelu, second = cache
    dhidden, dw2, db2 = linear_backward(dy, second)
    _, dw1, db1 = linear_backward(dhidden, first)
    dx, _, _ = linear_backward(packaged_gelu_backward(dhidden, gelu), first)
    return dx, dw1, db1, dw2, db2


def backward_by_value(dy, cache):
    first, gelu, second = cache
    hidden, _ = second
    dhidden, dw2, db2 = linear_backward(dy, second)
    dx, dw1, db1 = linear_backward(dhidden * hidden, first)
    return dx, dw1, db1, dw2, db2


def backward_as_found(dy, cache):
    dx, dw1, db1, dw2, db2 = backward_by_einsum(dy, cache)
    return dx, dw2, db2, dw1, db1


def backward_gelu_forward(dy, cache):
    first, gelu, second = cache
    dhidden, dw2, db2 = linear_backward(dy, second)
    dbefore, _ = layers.gelu_forward(dhidden)
    dx, dw1, db1 = linear_backward(dbefore, first)
    return dx, dw1, db1, dw2, db2


def backward_with_residual(dy, cache):
    dx, *others = backward_by_einsum(dy, cache)
    return dx + dy, *others


def backward_mean_bias(dy, cache):
    dx, dw1, db1, dw2, db2 = backward_by_einsum(dy, cache)
    rows = dy.size // dy.shape[-1]
    return dx, dw1, db1 / rows, dw2, db2 / rows


def backward_minus_second_bias(dy, cache):
    dx, dw1, db1, dw2, db2 = backward_by_einsum(dy, cache)
    return dx, dw1, db1, dw2, -db2


ANSWERS = {
    "step_10_predicted_noise": Answers(
        right=[PREDICTED, np.array(PREDICTED, dtype=float)],
        wrong=[
            ([[-4, 0, -2, -2], [-4, 0, -2, -2]], "forgot the bias"),
            ([[0, 2, 0, 0], [0, 1, 0, 0]], "ReLU after it"),
            ([[10, 22, -24, 16], [-7, -19, 27, -13]], "W transposed"),
            ([[-2, 0, -2, -2], [-3, 0, -2, -2]], "bias in one column only"),
            ([[1, 3, 0, 2], [0, 2, -1, 1]], "before the pooling"),
            ([[10, 22, -24, 16], [9, 21, -25, 15]], "lost minus sign"),
            ([[-2, -3], [2, 1], [0, -1], [0, -1]], "missing transpose"),
            ([[-2, 2, 0, 0], [-3, 1, 1, -1]], None),
        ],
    ),
    "gelu_forward": Answers(
        right=[gelu_by_loop, gelu_as_sigmoid],
        wrong=[
            (gelu_square, "square instead of cube"),
            (gelu_factor_inside, "factor on x only"),
            (gelu_no_factor, "forgot √(2/π)"),
            (gelu_wrong_root, "√2/π"),
            (gelu_twice_too_large, "forgot the ½"),
            (gelu_erf, "exact GELU"),
            (gelu_keeps_tanh, "kept the tanh"),
            (gelu_keeps_gate_first, "wrong order"),
            (gelu_float32, "another dtype than the inputs"),
            (gelu_numpy_constant, "another dtype than the inputs"),
            (gelu_spoils_x, "changed its input"),
            (gelu_other_constant, "0.44715"),
        ],
    ),
    "feedforward_forward": Answers(
        right=[by_matmul, by_einsum],
        wrong=[
            (no_gelu, "no GELU"),
            (relu_between, "ReLU"),
            (with_residual, "residual added"),
            (gelu_at_the_end, "GELU at the end too"),
            (no_second_bias, "forgot the second bias"),
            (no_first_bias, "forgot the first bias"),
            (w1_transposed, None),
            (y_alone, None),
        ],
    ),
    "gelu_chunks": Answers(
        right=[chunks_with_tanh, chunks_by_loop],
        wrong=[
            (chunks_only_chain, "half of the product rule"),
            (chunks_no_tanh, "forgot the slope of tanh"),
            (chunks_gate_squared, "gate taken for tanh"),
            (chunks_no_three, "forgot the 3"),
            (chunks_no_half, "forgot the ½"),
            (chunks_no_factor, "forgot √(2/π)"),
            (chunks_swapped, "wrong order"),
            (chunks_negative, "sign"),
            (chunks_linear_slope, "3x instead of 3x²"),
        ],
    ),
    "gelu_backward": Answers(
        right=[slope_with_tanh, slope_from_chunks, slope_by_einsum],
        wrong=[
            (backward_no_dy, "forgot dy"),
            (backward_constant_gate, "half of the product rule"),
            (backward_no_direct, "half of the product rule"),
            (backward_gate_squared, "gate taken for tanh"),
            (backward_no_inner, "forgot the slope of inner"),
            (backward_double, "forgot the ½"),
            (backward_one_half_missing, "forgot the second ½"),
            (backward_minus, "sign"),
            (backward_numpy_constant, "another dtype than the inputs"),
            (backward_relu, "ReLU's slope"),
        ],
    ),
    "feedforward_backward": Answers(
        right=[backward_by_matmul, backward_by_einsum],
        wrong=[
            (backward_skips_gelu, "skipped GELU"),
            (backward_skips_gelu_for_weights, "skipped GELU"),
            (backward_by_value, "GELU's value instead of its slope"),
            (backward_as_found, "wrong order"),
            (backward_gelu_forward, "GELU forward on the way back"),
            (backward_with_residual, "residual added"),
            (backward_mean_bias, "mean instead of sum"),
            (backward_minus_second_bias, "sign"),
        ],
    ),
}
