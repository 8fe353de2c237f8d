"""Answers to lesson 10's exercises, written from its text alone."""

import math

import numpy as np
from answers_of import Answers

from minidit import layers

POOLED = np.array([[2, 10, -14, 6], [6, 10, -12, 8]])
W, B = np.array([[1, -1], [1, -1]]), np.array([[2], [1]])
STEP_10 = [[-2, 2, 0, 0], [-3, 1, -1, -1]]
ROOT = (2 / np.pi) ** 0.5


# 10.2 GELU
def gelu_spelled_out(x, training=True):
    inner = math.sqrt(2 / math.pi) * x * (1 + 0.044715 * x * x)
    gate = np.tanh(inner) + 1
    return gate * x / 2, (x, gate)


def gelu_by_a_sigmoid(x, training=True):
    gate = 2 / (1 + np.exp(-2 * ROOT * (x + 0.044715 * x**3)))
    return [0.5 * x * gate, [x, gate]]


def inner_of(x):
    return ROOT * (x + 0.044715 * x**3)


def gelu_with(inner=inner_of, gate=lambda t: 1 + t, y=lambda x, g: 0.5 * x * g, cache=None):
    """10.2 with one of its lines exchanged."""

    def gelu_forward(x, training=True):
        g = gate(np.tanh(inner(x)))
        return y(x, g), cache(x, g, inner(x)) if cache else (x, g)

    return gelu_forward


def gelu_in_place(x, training=True):
    gate = 1 + np.tanh(ROOT * (x + 0.044715 * x**3))
    kept = x.copy()
    x *= gate / 2
    return x, (kept, gate)


def gelu_asks_if_large(x, training=True):
    if x > 10:
        return x, (x, 2)
    gate = 1 + np.tanh(ROOT * (x + 0.044715 * x**3))
    return x / 2 * gate, (x, gate)


def gelu_no_cache_in_use(x, training=True):
    gate = 1 + np.tanh(ROOT * (x + 0.044715 * x**3))
    return x / 2 * gate, (x, gate) if training else None


def gelu_one_number(x, training=True):
    gate = 1 + math.tanh(ROOT * (x + 0.044715 * x**3))
    return x / 2 * gate, (x, gate)


def gelu_exact(x, training=True):
    gate = 1 + np.vectorize(math.erf)(x / 2**0.5).astype(x.dtype)
    return x / 2 * gate, (x, gate)


# 10.3 the feed-forward network
def feedforward_in_three_calls(x, w1, b1, w2, b2, training=True):
    linear, caches = layers.linear_forward, []
    for layer, args in ((linear, (w1, b1)), (layers.gelu_forward, ()), (linear, (w2, b2))):
        x, cache = layer(x, *args)
        caches.append(cache)
    return x, tuple(caches)


def feedforward_in_a_list(x, w1, b1, w2, b2, training=True):
    hidden, c1 = layers.linear_forward(x, w1, b1)
    active, c2 = layers.gelu_forward(hidden, training=True)
    y, c3 = layers.linear_forward(active, w2, b2)
    return [y, [c1, c2, c3]]


def feedforward_with(through):
    """10.3 written as through(linear, gelu, x, w1, b1, w2, b2)."""

    def feedforward_forward(x, w1, b1, w2, b2, training=True):
        return through(layers.linear_forward, layers.gelu_forward, x, w1, b1, w2, b2)

    return feedforward_forward


def no_gelu(linear, gelu, x, w1, b1, w2, b2):
    h, c1 = linear(x, w1, b1)
    _, c2 = gelu(h)
    y, c3 = linear(h, w2, b2)
    return y, (c1, c2, c3)


def gelu_skipped(linear, gelu, x, w1, b1, w2, b2):
    h, c1 = linear(x, w1, b1)
    y, c3 = linear(h, w2, b2)
    return y, (c1, c3)


def relu(linear, gelu, x, w1, b1, w2, b2):
    h, c1 = linear(x, w1, b1)
    _, c2 = gelu(h)
    y, c3 = linear(np.maximum(h, 0), w2, b2)
    return y, (c1, c2, c3)


def gelu_at_the_end_too(linear, gelu, x, w1, b1, w2, b2):
    h, c1 = linear(x, w1, b1)
    h, c2 = gelu(h)
    h, c3 = linear(h, w2, b2)
    return gelu(h)[0], (c1, c2, c3)


def gelu_first(linear, gelu, x, w1, b1, w2, b2):
    h, c2 = gelu(x)
    h, c1 = linear(h, w1, b1)
    y, c3 = linear(h, w2, b2)
    return y, (c1, c2, c3)


def gelu_last(linear, gelu, x, w1, b1, w2, b2):
    h, c1 = linear(x, w1, b1)
    h, c3 = linear(h, w2, b2)
    y, c2 = gelu(h)
    return y, (c1, c2, c3)


def residual(linear, gelu, x, w1, b1, w2, b2):
    h, c1 = linear(x, w1, b1)
    h, c2 = gelu(h)
    y, c3 = linear(h, w2, b2)
    return x + y, (c1, c2, c3)


def first_map_twice(linear, gelu, x, w1, b1, w2, b2):
    h, c1 = linear(x, w1, b1)
    h, c2 = gelu(h)
    y, c3 = linear(h, w1, b1)
    return y, (c1, c2, c3)


def second_map_of_x(linear, gelu, x, w1, b1, w2, b2):
    h, c1 = linear(x, w1, b1)
    h, c2 = gelu(h)
    y, c3 = linear(x, w2, b2)
    return y, (c1, c2, c3)


def no_second_bias(linear, gelu, x, w1, b1, w2, b2):
    h, c1 = linear(x, w1, b1)
    h, c2 = gelu(h)
    _, c3 = linear(h, w2, b2)
    return h @ w2, (c1, c2, c3)


def no_first_bias(linear, gelu, x, w1, b1, w2, b2):
    h, c1 = linear(x, w1, 0 * b1)
    h, c2 = gelu(h)
    y, c3 = linear(h, w2, b2)
    return y, (c1, c2, c3)


def caches_reversed(linear, gelu, x, w1, b1, w2, b2):
    h, c1 = linear(x, w1, b1)
    h, c2 = gelu(h)
    y, c3 = linear(h, w2, b2)
    return y, (c3, c2, c1)


def two_caches(linear, gelu, x, w1, b1, w2, b2):
    h, c1 = linear(x, w1, b1)
    h, _ = gelu(h)
    y, c3 = linear(h, w2, b2)
    return y, (c1, c3)


def one_long_cache(linear, gelu, x, w1, b1, w2, b2):
    h, c1 = linear(x, w1, b1)
    h, c2 = gelu(h)
    y, c3 = linear(h, w2, b2)
    return y, (*c1, *c2, *c3)


def four_results(linear, gelu, x, w1, b1, w2, b2):
    h, c1 = linear(x, w1, b1)
    h, c2 = gelu(h)
    y, c3 = linear(h, w2, b2)
    return y, c1, c2, c3


def outputs_for_caches(linear, gelu, x, w1, b1, w2, b2):
    h, c1 = linear(x, w1, b1)
    a, c2 = gelu(h)
    y, c3 = linear(a, w2, b2)
    return y, (x, h, a)


def not_unpacked(linear, gelu, x, w1, b1, w2, b2):
    h = linear(x, w1, b1)
    a = gelu(h)
    return linear(a, w2, b2)


def caches_of_one_name(linear, gelu, x, w1, b1, w2, b2):
    h, cache = linear(x, w1, b1)
    h, cache = gelu(h)
    y, cache = linear(h, w2, b2)
    return y, (cache, cache, cache)


def own_gelu_cache(linear, gelu, x, w1, b1, w2, b2):
    h, c1 = linear(x, w1, b1)
    a, c2 = gelu_spelled_out(h)
    y, c3 = linear(a, w2, b2)
    return y, (c1, c2, c3)


def gelu_twice(linear, gelu, x, w1, b1, w2, b2):
    h, c1 = linear(x, w1, b1)
    h, c2 = gelu(h)
    h, c2 = gelu(h)
    y, c3 = linear(h, w2, b2)
    return y, (c1, c2, c3)


# 10.4 and 10.5 backward through GELU
def chunks_spelled_out(dy, cache):
    x, gate = cache
    dgate = dy * x / 2
    tanh = gate - 1
    dinner = dgate * (1 - tanh * tanh)
    slope = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)
    return dgate, dinner, dy * gate / 2 + dinner * slope


def chunks_in_a_list(dy, cache):
    x, gate = cache
    dgate = 0.5 * x * dy
    dinner = (2 - gate) * gate * dgate
    dx = dinner * (ROOT + 0.134145 * ROOT * x**2)
    dx += 0.5 * gate * dy
    return [dgate, dinner, dx]


def slope_of_inner(x):
    return ROOT * (1 + 3 * 0.044715 * x**2)


def chunks(dgate=None, dinner=None, dx=None):
    """10.4 with one of its lines exchanged."""

    def gelu_chunks(dy, cache):
        x, gate = cache
        a = dgate(dy, x, gate) if dgate else dy * x / 2
        b = dinner(a, gate, x) if dinner else a * (1 - (gate - 1) ** 2)
        return a, b, dx(dy, x, gate, b) if dx else dy * gate / 2 + b * slope_of_inner(x)

    return gelu_chunks


def chunks_in_place(dy, cache):
    x, gate = cache
    direct = dy * gate / 2
    dy *= x / 2
    dinner = dy * (1 - (gate - 1) ** 2)
    return dy, dinner, direct + dinner * slope_of_inner(x)


def chunks_gate_changed(dy, cache):
    x, gate = cache
    dgate, direct = dy * x / 2, dy * gate / 2
    gate -= 1
    dinner = dgate * (1 - gate**2)
    return dgate, dinner, direct + dinner * slope_of_inner(x)


def chunks_order(dy, cache):
    return chunks_spelled_out(dy, cache)[::-1]


def gelu_backward_measured_out(dy, cache):
    x, gate = cache
    tanh = gate - 1
    return dy * (0.5 * (1 + tanh) + 0.5 * x * (1 - tanh**2) * ROOT * (1 + 0.134145 * x**2))


def gelu_backward_of_chunks(dy, cache):
    return chunks_spelled_out(dy, cache)[2]


def gelu_backward_half_outside(dy, cache):
    x, gate = cache
    inner_slope = math.sqrt(2 / math.pi) * (1 + 0.044715 * 3 * np.square(x))
    return np.multiply(dy, gate * (1 + x * (2 - gate) * inner_slope)) / 2


def gelu_backward_with(slope):
    return lambda dy, cache: dy * slope(*cache, slope_of_inner(cache[0]))


def gelu_backward_in_place(dy, cache):
    dy *= gelu_backward_of_chunks(np.ones_like(dy), cache)
    return dy


def gelu_backward_returned_in_the_loop(dy, cache):
    x, gate = cache
    dx = np.zeros_like(dy)
    for i in np.ndindex(dy.shape):
        g = gate[i]
        dx[i] = dy[i] * (0.5 * g + 0.5 * x[i] * g * (2 - g) * slope_of_inner(x[i]))
        return dx


# 10.6 backward through the feed-forward network
def feedforward_backward_in_three_calls(dy, cache):
    c1, c2, c3 = cache
    da, dw2, db2 = layers.linear_backward(dy, c3)
    dx, dw1, db1 = layers.linear_backward(layers.gelu_backward(da, c2), c1)
    return [dx, dw1, db1, dw2, db2]


def feedforward_backward_by_hand(dy, cache):
    (x, w1), gelu_cache, (a, w2) = cache
    dh = layers.gelu_backward(dy @ w2.T, gelu_cache)
    front = tuple(range(dy.ndim - 1))
    dw2, dw1 = np.tensordot(a, dy, axes=(front, front)), np.tensordot(x, dh, axes=(front, front))
    return dh @ w1.T, dw1, dh.sum(axis=front), dw2, dy.sum(axis=front)


def feedforward_back(through):
    """10.6 written as through(dy, c1, c2, c3)."""
    return lambda dy, cache: through(dy, *cache)


def back_without_gelu(dy, c1, c2, c3):
    da, dw2, db2 = layers.linear_backward(dy, c3)
    dx, dw1, db1 = layers.linear_backward(da, c1)
    return dx, dw1, db1, dw2, db2


def back_order_second_first(dy, c1, c2, c3):
    dx, dw1, db1, dw2, db2 = feedforward_backward_in_three_calls(dy, (c1, c2, c3))
    return dx, dw2, db2, dw1, db1


def back_weights_then_biases(dy, c1, c2, c3):
    dx, dw1, db1, dw2, db2 = feedforward_backward_in_three_calls(dy, (c1, c2, c3))
    return dx, dw1, dw2, db1, db2


def back_dx_last(dy, c1, c2, c3):
    dx, *rest = feedforward_backward_in_three_calls(dy, (c1, c2, c3))
    return *rest, dx


def back_bias_before_weight(dy, c1, c2, c3):
    dx, dw1, db1, dw2, db2 = feedforward_backward_in_three_calls(dy, (c1, c2, c3))
    return dx, db1, dw1, db2, dw2


def back_forward_order(dy, c1, c2, c3):
    da, dw1, db1 = layers.linear_backward(dy, c1)
    dx, dw2, db2 = layers.linear_backward(layers.gelu_backward(da, c2), c3)
    return dx, dw1, db1, dw2, db2


def back_dx_before_gelu(dy, c1, c2, c3):
    da, dw2, db2 = layers.linear_backward(dy, c3)
    _, dw1, db1 = layers.linear_backward(layers.gelu_backward(da, c2), c1)
    dx, _, _ = layers.linear_backward(da, c1)
    return dx, dw1, db1, dw2, db2


def back_gelu_of_dy(dy, c1, c2, c3):
    da, dw2, db2 = layers.linear_backward(dy, c3)
    dx, dw1, db1 = layers.linear_backward(da * layers.gelu_backward(da, c2), c1)
    return dx, dw1, db1, dw2, db2


def back_dx_is_dh(dy, c1, c2, c3):
    da, dw2, db2 = layers.linear_backward(dy, c3)
    dh = layers.gelu_backward(da, c2)
    _, dw1, db1 = layers.linear_backward(dh, c1)
    return dh, dw1, db1, dw2, db2


def back_residual(dy, c1, c2, c3):
    dx, *rest = feedforward_backward_in_three_calls(dy, (c1, c2, c3))
    return dx + dy, *rest


def back_biases_unsummed(dy, c1, c2, c3):
    da, dw2, _ = layers.linear_backward(dy, c3)
    dh = layers.gelu_backward(da, c2)
    dx, dw1, _ = layers.linear_backward(dh, c1)
    return dx, dw1, dh, dw2, dy


def back_biases_mean(dy, c1, c2, c3):
    da, dw2, _ = layers.linear_backward(dy, c3)
    dh = layers.gelu_backward(da, c2)
    dx, dw1, _ = layers.linear_backward(dh, c1)
    axes = tuple(range(dy.ndim - 1))
    return dx, dw1, dh.mean(axis=axes), dw2, dy.mean(axis=axes)


def back_db1_of_da(dy, c1, c2, c3):
    da, dw2, db2 = layers.linear_backward(dy, c3)
    dx, dw1, _ = layers.linear_backward(layers.gelu_backward(da, c2), c1)
    return dx, dw1, da.reshape(-1, da.shape[-1]).sum(axis=0), dw2, db2


def back_gelu_backward_unpacked(dy, c1, c2, c3):
    da, dw2, db2 = layers.linear_backward(dy, c3)
    dh, _ = layers.gelu_backward(da, c2)
    dx, dw1, db1 = layers.linear_backward(dh, c1)
    return dx, dw1, db1, dw2, db2


def back_own_gelu(dy, c1, c2, c3):
    da, dw2, db2 = layers.linear_backward(dy, c3)
    x, gate = c2
    dh = gelu_backward_measured_out(da, (x, gate))
    dx, dw1, db1 = layers.linear_backward(dh, c1)
    return dx, dw1, db1, dw2, db2


def back_first_sample(dy, c1, c2, c3):
    dx, _, db1, _, db2 = feedforward_backward_in_three_calls(dy, (c1, c2, c3))
    (x, _), (a, w2) = c1, c3
    dh = layers.gelu_backward(dy @ w2.T, c2)
    return dx, x[0].T @ dh[0], db1, a[0].T @ dy[0], db2


def back_weights_transposed(dy, c1, c2, c3):
    dx, dw1, db1, dw2, db2 = feedforward_backward_in_three_calls(dy, (c1, c2, c3))
    return dx, dw1.T, db1, dw2.T, db2


def back_gelu_first(dy, c1, c2, c3):
    dh = layers.gelu_backward(dy, c2)
    da, dw2, db2 = layers.linear_backward(dh, c3)
    dx, dw1, db1 = layers.linear_backward(da, c1)
    return dx, dw1, db1, dw2, db2


def back_gelu_slope_only(dy, c1, c2, c3):
    da, dw2, db2 = layers.linear_backward(dy, c3)
    dx, dw1, db1 = layers.linear_backward(layers.gelu_backward(np.ones_like(da), c2), c1)
    return dx, dw1, db1, dw2, db2


def back_gelu_twice(dy, c1, c2, c3):
    da, dw2, db2 = layers.linear_backward(dy, c3)
    dh = layers.gelu_backward(layers.gelu_backward(da, c2), c2)
    dx, dw1, db1 = layers.linear_backward(dh, c1)
    return dx, dw1, db1, dw2, db2


def predicted_by(weight, bias, pooled=POOLED):
    return (weight @ pooled + bias).tolist()


# students who try to be clever
def gelu_tanh_by_exponentials(x, training=True):
    e = np.exp(2 * inner_of(x))
    gate = 1 + (e - 1) / (e + 1)
    return x / 2 * gate, (x, gate)


def gelu_with_small_x_cut(x, training=True):
    gate = 1 + np.tanh(inner_of(x))
    return np.where(x < -3, 0, x / 2 * gate).astype(x.dtype), (x, gate)


def chunks_divided_by_x(dy, cache):
    x, gate = cache
    y = x * gate / 2
    dgate, dinner, _ = chunks_spelled_out(dy, cache)
    return dgate, dinner, dy * y / x + dinner * slope_of_inner(x)


def gelu_backward_divided_by_x(dy, cache):
    x, gate = cache
    y = x * gate / 2
    return dy * (y / x + 0.5 * x * gate * (2 - gate) * slope_of_inner(x))


def gelu_backward_measured(dy, cache):
    x, _ = cache
    return dy * (gelu_spelled_out(x + 1e-3)[0] - gelu_spelled_out(x - 1e-3)[0]) / 2e-3


ANSWERS = {
    "step_10_predicted_noise": Answers(
        right=[W @ POOLED + B, [[-2.0, 2.0, 0.0, 0.0], [-3.0, 1.0, -1.0, -1.0]], tuple(map(tuple, STEP_10))],
        wrong=[
            (predicted_by(W, 0 * B), "forgot the bias"),  # b is forgotten
            (predicted_by(W, -B), "subtracted the bias"),  # b is subtracted
            (predicted_by(W, B[::-1]), "bias rows swapped"),  # the two biases exchanged
            (predicted_by(np.abs(W), B), "lost minus sign"),  # a sum in place of a difference
            (predicted_by(-W, B), "difference the wrong way round"),  # second minus first
            (predicted_by(W.T, B), "W transposed"),
            (predicted_by(W, B, POOLED[::-1]), "difference the wrong way round"),  # the rows of pooled exchanged
            (predicted_by(W, B, np.abs(POOLED)), "signs of the pooled latent"),  # the signs of pooled lost
            # b added to the first column only
            (predicted_by(W, np.array([[2, 0, 0, 0], [1, 0, 0, 0]])), "bias in one column only"),
            (predicted_by(W, 2), "one bias for both rows"),  # 2 added to both rows
            (predicted_by(W, B.T[:, [0, 1, 0, 1]]), "b laid along the columns"),
            # the conditioned latent for the pooled one
            (predicted_by(W, B, np.array([[1, 1, -1, 1], [2, 0, 1, 1]])), "before the pooling"),
            (POOLED.tolist(), "unchanged input"),  # the pooled latent itself
            ([[-1, 1, 0, -1], [-1, 1, -1, -1]], "the actual noise"),
            (np.array(STEP_10).T.tolist(), "missing transpose"),  # transposed
            (STEP_10[::-1], "bias rows swapped"),  # the two rows exchanged
            ([[-2, 2, 0, 0], [-3, 1, -1, 1]], "sign of an entry"),  # one sign
            ([[-2, 2, -24, 0], [-3, 1, -1, -1]], None),  # one slip: −14 − 12 for −14 + 12
            ([[-2, 2, 0, 0]], "other number of entries"),  # one row only
            ([[2, -2, 0, 0], [3, -1, 1, 1]], "sign"),  # all signs
        ],
    ),
    "gelu_forward": Answers(
        right=[gelu_spelled_out, gelu_by_a_sigmoid, gelu_no_cache_in_use],
        wrong=[
            (gelu_with(inner=lambda x: (2**0.5 / np.pi) * (x + 0.044715 * x**3)), "√2/π"),  # the root of the 2 only
            (gelu_with(inner=lambda x: (2 / np.pi**0.5) * (x + 0.044715 * x**3)), "2/√π"),  # the root of π only
            (gelu_with(inner=lambda x: 2 / np.pi * (x + 0.044715 * x**3)), "2/π"),  # no root
            # the root multiplies the first term only
            (gelu_with(inner=lambda x: ROOT * x + 0.044715 * x**3), "factor on x only"),
            (gelu_with(inner=lambda x: x + 0.044715 * x**3), "forgot √(2/π)"),  # √(2/π) is missing
            (gelu_with(inner=lambda x: ROOT * x), "forgot the cubic term"),  # no cubic term
            (gelu_with(inner=lambda x: ROOT * (x + 0.044715 * x**2)), "square instead of cube"),  # x² for x³
            # the constant is cubed too
            (gelu_with(inner=lambda x: ROOT * (x + (0.044715 * x) ** 3)), "constant cubed"),
            (gelu_with(inner=lambda x: ROOT * (x + 0.44715 * x**3)), "0.44715"),  # a zero is missing: 0.44715
            (gelu_with(inner=lambda x: ROOT * (x - 0.044715 * x**3)), "sign of the cubic term"),  # minus the cubic term
            (gelu_with(inner=lambda x: (2 / 3.14) ** 0.5 * (x + 0.044715 * x**3)), "π rounded"),  # π taken as 3.14
            # 1 // 2 is 0
            (gelu_with(inner=lambda x: (2 / np.pi) ** (1 // 2) * (x + 0.044715 * x**3)), "forgot √(2/π)"),
            # np.sqrt: float32 becomes float64
            (gelu_with(inner=lambda x: np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)), "another dtype than the inputs"),
            (gelu_with(gate=lambda t: t), "forgot the 1 +"),  # no 1 + in the gate
            (gelu_with(gate=lambda t: 1 - t), "1 − tanh"),
            # the gate holds the half: it runs to 1
            (gelu_with(gate=lambda t: (1 + t) / 2, y=lambda x, g: x * g), "kept half the gate"),
            (gelu_with(y=lambda x, g: x * g), "forgot the ½"),  # the half is missing
            (gelu_with(y=lambda x, g: g / 2), "forgot x"),  # y lacks x
            (gelu_with(y=lambda x, g: x // 2 * g), "cut off"),  # // rounds down
            (gelu_with(y=lambda x, g: x / 2 + g), "added instead of multiplied"),  # added, not multiplied
            (gelu_with(cache=lambda x, g, i: (g, x)), "wrong order"),  # the cache in the wrong order
            (gelu_with(cache=lambda x, g, i: (x, g - 1)), "kept the tanh"),  # the cache holds the tanh
            (gelu_with(cache=lambda x, g, i: (x, i)), "kept the inner value"),  # the cache holds inner
            (gelu_with(cache=lambda x, g, i: (x, g / 2)), "kept half the gate"),  # the cache holds half the gate
            (gelu_with(cache=lambda x, g, i: (x * g / 2, g)), "kept y"),  # the cache holds y
            (gelu_with(cache=lambda x, g, i: (x,)), "other structure"),  # the cache holds x only
            (gelu_with(cache=lambda x, g, i: (x, g, i)), "other structure"),  # the cache holds too much
            (gelu_in_place, "changed its input"),  # x is changed
            (gelu_asks_if_large, "raised an error"),  # an array in an if
            (gelu_one_number, "raised an error"),  # math.tanh takes one number only
            (gelu_exact, "exact GELU"),  # the exact GELU
            (lambda x, training=True: (np.maximum(x, 0), (x, 2 * (x > 0))), "ReLU"),
            (lambda x, training=True: gelu_spelled_out(x)[0], "other number of results"),  # no cache
            (lambda x, training=True: print(gelu_spelled_out(x)), "printed, not returned"),
            (gelu_tanh_by_exponentials, "NaN"),  # tanh by exponentials: NaN for large numbers
            (gelu_with_small_x_cut, "small values cut"),  # zero below −3
        ],
    ),
    "feedforward_forward": Answers(
        right=[feedforward_in_three_calls, feedforward_in_a_list],
        wrong=[
            (feedforward_with(no_gelu), "no GELU"),  # GELU's result isn't used
            (feedforward_with(gelu_skipped), "other structure"),  # no GELU
            (feedforward_with(relu), "ReLU"),
            (feedforward_with(gelu_at_the_end_too), "GELU at the end too"),  # another GELU at the end
            (feedforward_with(gelu_first), "GELU first"),  # GELU before the first map
            (feedforward_with(gelu_last), "GELU last"),  # GELU after the second map
            (feedforward_with(gelu_twice), "GELU twice"),
            (feedforward_with(residual), "residual added"),  # x is added
            (feedforward_with(first_map_twice), "raised an error"),  # the first map's weights twice
            (feedforward_with(second_map_of_x), "raised an error"),  # the second map of x
            (feedforward_with(no_second_bias), "forgot the second bias"),  # b2 is forgotten
            (feedforward_with(no_first_bias), "forgot the first bias"),  # b1 is forgotten
            (feedforward_with(caches_reversed), "wrong order"),  # the caches in reverse order
            (feedforward_with(two_caches), "other structure"),  # GELU's cache is forgotten
            (feedforward_with(one_long_cache), "other structure"),  # the caches unpacked into one
            (feedforward_with(four_results), "other number of results"),  # the caches not in a tuple
            # what each call was given, in place of its cache
            (feedforward_with(outputs_for_caches), "other structure"),
            (feedforward_with(not_unpacked), "raised an error"),  # results and caches not unpacked
            (feedforward_with(caches_of_one_name), "other structure"),  # the last cache three times
            # 10.2's own GELU, whose cache layers.gelu_backward doesn't know
            (feedforward_with(own_gelu_cache), "other structure"),
            (lambda *args, training=True: feedforward_in_three_calls(*args)[0], "other number of results"),  # no cache
            # two maps in one
            (lambda x, w1, b1, w2, b2, training=True: layers.linear_forward(x @ w1, w2, b2), "other structure"),
        ],
    ),
    "gelu_chunks": Answers(
        right=[chunks_spelled_out, chunks_in_a_list],
        wrong=[
            (chunks(dgate=lambda d, x, g: d * x), "forgot the ½"),  # dgate lacks the half
            (chunks(dgate=lambda d, x, g: x / 2), "forgot dy"),  # dgate lacks dy
            (chunks(dgate=lambda d, x, g: d / 2), "forgot x"),  # dgate lacks x
            (chunks(dgate=lambda d, x, g: d * x * g / 2), "gate in dgate"),  # dgate times the gate
            (chunks(dgate=lambda d, x, g: d * g / 2), "gate in dgate"),  # dgate is the way of x
            (chunks(dgate=lambda d, x, g: d * x // 2), "cut off"),  # // rounds down
            (chunks(dinner=lambda a, g, x: a * (1 - g**2)), "gate taken for tanh"),  # the gate taken for the tanh
            (chunks(dinner=lambda a, g, x: a * (1 - np.tanh(g) ** 2)), "tanh of the gate"),  # the tanh of the gate
            (chunks(dinner=lambda a, g, x: a * (1 - (g + 1) ** 2)), "gate taken for tanh"),  # gate + 1 for the tanh
            (chunks(dinner=lambda a, g, x: a * (1 - g)), "gate taken for tanh"),  # 1 − gate
            (chunks(dinner=lambda a, g, x: a * (g - 1) ** 2), "tanh² for 1 − tanh²"),
            (chunks(dinner=lambda a, g, x: a * (1 - (g - 1))), "1 − tanh"),  # the tanh isn't squared
            (chunks(dinner=lambda a, g, x: 1 - (g - 1) ** 2), "forgot dgate"),  # dinner lacks dgate
            (chunks(dinner=lambda a, g, x: a), "forgot the slope of tanh"),  # dinner is dgate
            # the slope of tanh at x, not at inner
            (chunks(dinner=lambda a, g, x: a * (1 - np.tanh(x) ** 2)), "slope of tanh at x"),
            # the way of x beside the gate is missing
            (chunks(dx=lambda d, x, g, b: b * slope_of_inner(x)), "half of the product rule"),
            # the way through the gate is missing
            (chunks(dx=lambda d, x, g, b: d * g / 2), "half of the product rule"),
            (chunks(dx=lambda d, x, g, b: d * g / 2 + b), "forgot the slope of inner"),  # the slope of inner is missing
            # the slope of the cube is missing
            (chunks(dx=lambda d, x, g, b: d * g / 2 + b * ROOT), "forgot the cubic term"),
            # the 3 is missing
            (chunks(dx=lambda d, x, g, b: d * g / 2 + b * ROOT * (1 + 0.044715 * x**2)), "forgot the 3"),
            # 3x for 3x²
            (chunks(dx=lambda d, x, g, b: d * g / 2 + b * ROOT * (1 + 3 * 0.044715 * x)), "3x instead of 3x²"),
            # x for its slope 1
            (chunks(dx=lambda d, x, g, b: d * g / 2 + b * ROOT * (x + 3 * 0.044715 * x**2)), "value instead of slope"),
            # √(2/π) is missing
            (chunks(dx=lambda d, x, g, b: d * g / 2 + b * (1 + 3 * 0.044715 * x**2)), "forgot √(2/π)"),
            # inner for its slope
            (chunks(dx=lambda d, x, g, b: d * g / 2 + b * ROOT * (x + 0.044715 * x**3)), "value instead of slope"),
            (chunks(dx=lambda d, x, g, b: g / 2 + b * slope_of_inner(x)), "forgot dy"),  # the direct way lacks dy
            # the direct way lacks the half
            (chunks(dx=lambda d, x, g, b: d * g + b * slope_of_inner(x)), "forgot the ½"),
            (chunks(dx=lambda d, x, g, b: d * g / 2 - b * slope_of_inner(x)), "sign of a term"),  # minus
            # dy once more in the second way
            (chunks(dx=lambda d, x, g, b: d * g / 2 + d * b * slope_of_inner(x)), "dy twice"),
            # x for the gate in the direct way
            (chunks(dx=lambda d, x, g, b: d * x / 2 + b * slope_of_inner(x)), "x for the gate"),
            (chunks_in_place, "changed its input"),  # dy is changed
            (chunks_gate_changed, "changed its input"),  # the gate in the cache is changed
            (chunks_order, "wrong order"),  # in reverse order
            (lambda dy, cache: chunks_spelled_out(dy, cache)[2], "other number of results"),  # only dx is returned
            # the cache unpacked in the wrong order
            (lambda dy, cache: chunks_spelled_out(dy, cache[::-1]), "gate in dgate"),
            (chunks_divided_by_x, "NaN"),  # divided by x: NaN at zero
        ],
    ),
    "gelu_backward": Answers(
        right=[gelu_backward_measured_out, gelu_backward_of_chunks, gelu_backward_half_outside],
        wrong=[
            (lambda dy, cache: gelu_backward_of_chunks(np.ones_like(dy), cache), "forgot dy"),  # dy is missing
            # the way through the gate is missing
            (gelu_backward_with(lambda x, g, s: 0.5 * g), "half of the product rule"),
            # the direct way is missing
            (gelu_backward_with(lambda x, g, s: 0.5 * x * g * (2 - g) * s), "half of the product rule"),
            # the second half is missing
            (gelu_backward_with(lambda x, g, s: 0.5 * g + x * g * (2 - g) * s), "forgot the second ½"),
            # the first half is missing
            (gelu_backward_with(lambda x, g, s: g + 0.5 * x * g * (2 - g) * s), "forgot the first ½"),
            (gelu_backward_with(lambda x, g, s: g + x * g * (2 - g) * s), "forgot the ½"),  # both halves are missing
            (gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * g * (2 - g) * s), "forgot x"),  # x is missing
            # the gate is missing in the slope
            (gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * x * (2 - g) * s), "1 − tanh"),
            # 1 − gate
            (gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * x * g * (1 - g) * s), "gate taken for tanh"),
            # the gate taken for the tanh
            (gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * x * (1 - g**2) * s), "gate taken for tanh"),
            (gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * x * g * (2 + g) * s), "2 + gate"),
            # the slope of inner is missing
            (gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * x * g * (2 - g)), "forgot the slope of inner"),
            (
                gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * x * g * (2 - g) * ROOT * (x + 0.044715 * x**3)),
                "inner for its slope",
            ),
            (
                gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * x * g * (2 - g) * ROOT * (1 + 0.044715 * x**2)),
                "forgot the 3",  # the 3 is missing
            ),
            (
                gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * x * g * (2 - g) * (1 + 3 * 0.044715 * x**2)),
                "forgot √(2/π)",  # √(2/π) is missing
            ),
            (
                gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * x * g * (2 - g) * ROOT * 1 + 3 * 0.044715 * x**2),
                "brackets",  # brackets: the cubic part is outside the product
            ),
            (gelu_backward_with(lambda x, g, s: 0.5 * g - 0.5 * x * g * (2 - g) * s), "sign of a term"),  # minus
            # brackets: the sum of gate and x
            (gelu_backward_with(lambda x, g, s: 0.5 * (g + x) * g * (2 - g) * s), "brackets"),
            (gelu_backward_with(lambda x, g, s: (x > 0) * 1.0), "ReLU's slope"),
            # the forward's y for the slope
            (gelu_backward_with(lambda x, g, s: 0.5 * x * g), "GELU's value instead of its slope"),
            (
                lambda dy, cache: dy * cache[1] / 2 + gelu_backward_of_chunks(1, cache) - cache[1] / 2,
                "brackets",  # dy multiplies the first term only
            ),
            (lambda dy, cache: chunks_spelled_out(dy, cache), "other number of results"),  # all three of 10.4
            (lambda dy, cache: chunks_spelled_out(dy, cache)[1], "another output"),  # dinner in place of dx
            (gelu_backward_in_place, "changed its input"),  # dy is changed
            # return inside the loop: the first number only
            (gelu_backward_returned_in_the_loop, "uses a part of an input"),
            # the cache unpacked in the wrong order
            (lambda dy, cache: gelu_backward_of_chunks(dy, cache[::-1]), "cache the wrong way round"),
            (lambda dy, cache: print(gelu_backward_of_chunks(dy, cache)), "printed, not returned"),
            # minidit's own backward, which wants another cache
            (lambda dy, cache: layers.gelu_backward(dy, cache), "raised an error"),
            (gelu_backward_divided_by_x, "NaN"),  # divided by x: NaN at zero
            (gelu_backward_measured, "a measured slope"),  # a measured slope: right to six digits only
        ],
    ),
    "feedforward_backward": Answers(
        right=[feedforward_backward_in_three_calls, feedforward_backward_by_hand],
        wrong=[
            (feedforward_back(back_without_gelu), "skipped GELU"),  # GELU's backward is left out
            (feedforward_back(back_order_second_first), "wrong order"),  # dw2, db2 before dw1, db1
            (feedforward_back(back_weights_then_biases), "wrong order"),  # both weights, then both biases
            (feedforward_back(back_dx_last), "wrong order"),  # dx at the end
            (feedforward_back(back_bias_before_weight), "wrong order"),  # biases before weights
            (feedforward_back(back_forward_order), "raised an error"),  # the first map's backward first
            (feedforward_back(back_dx_before_gelu), "skipped GELU"),  # dx from the gradient before GELU's backward
            # GELU's backward times the gradient once more
            (feedforward_back(back_gelu_of_dy), "GELU's gradient times dhidden"),
            (feedforward_back(back_dx_is_dh), "the first map skipped"),  # the hidden gradient returned as dx
            (feedforward_back(back_residual), "residual added"),  # dy added to dx, as for a residual
            (feedforward_back(back_biases_unsummed), "biases not summed"),  # the biases' gradients aren't summed
            (feedforward_back(back_biases_mean), "mean instead of sum"),  # the biases' gradients are means
            (feedforward_back(back_db1_of_da), "skipped GELU"),  # db1 from the gradient before GELU's backward
            # gelu_backward returns one array, not two
            (feedforward_back(back_gelu_backward_unpacked), "raised an error"),
            (feedforward_back(back_own_gelu), "raised an error"),  # 10.5's own GELU backward, whose cache is another
            (feedforward_back(back_first_sample), "raised an error"),  # the weights' gradients of the first clip only
            (feedforward_back(back_weights_transposed), "missing transpose"),  # dw1 and dw2 transposed
            (feedforward_back(back_gelu_first), "raised an error"),  # GELU's backward first
            # GELU's slope in place of its gradient
            (feedforward_back(back_gelu_slope_only), "GELU's slope without the gradient"),
            (feedforward_back(back_gelu_twice), "GELU's backward twice"),
            # only dx is returned
            (lambda dy, cache: feedforward_backward_in_three_calls(dy, cache)[0], "other number of results"),
            # dw2 and db2 are forgotten
            (lambda dy, cache: feedforward_backward_in_three_calls(dy, cache)[:3], "other number of results"),
            (
                lambda dy, cache: feedforward_backward_in_three_calls(dy, cache[::-1]),
                "raised an error",  # the caches unpacked in the wrong order
            ),
            (lambda dy, cache: print(feedforward_backward_in_three_calls(dy, cache)), "printed, not returned"),
        ],
    ),
}
