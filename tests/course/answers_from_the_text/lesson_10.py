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
            (predicted_by(W, 0 * B), "b is forgotten"),
            (predicted_by(W, -B), "b is subtracted"),
            (predicted_by(W, B[::-1]), "the two biases exchanged"),
            (predicted_by(np.abs(W), B), "a sum in place of a difference"),
            (predicted_by(-W, B), "second minus first"),
            (predicted_by(W.T, B), "W transposed"),
            (predicted_by(W, B, POOLED[::-1]), "the rows of pooled exchanged"),
            (predicted_by(W, B, np.abs(POOLED)), "the signs of pooled lost"),
            (predicted_by(W, np.array([[2, 0, 0, 0], [1, 0, 0, 0]])), "b added to the first column only"),
            (predicted_by(W, 2), "2 added to both rows"),
            (predicted_by(W, B.T[:, [0, 1, 0, 1]]), "b laid along the columns"),
            (predicted_by(W, B, np.array([[1, 1, -1, 1], [2, 0, 1, 1]])), "the conditioned latent for the pooled one"),
            (POOLED.tolist(), "the pooled latent itself"),
            ([[-1, 1, 0, -1], [-1, 1, -1, -1]], "the actual noise"),
            (np.array(STEP_10).T.tolist(), "transposed"),
            (STEP_10[::-1], "the two rows exchanged"),
            ([[-2, 2, 0, 0], [-3, 1, -1, 1]], "one sign"),
            ([[-2, 2, -24, 0], [-3, 1, -1, -1]], "one slip: −14 − 12 for −14 + 12"),
            ([[-2, 2, 0, 0]], "one row only"),
            ([[2, -2, 0, 0], [3, -1, 1, 1]], "all signs"),
        ],
    ),
    "gelu_forward": Answers(
        right=[gelu_spelled_out, gelu_by_a_sigmoid, gelu_no_cache_in_use],
        wrong=[
            (gelu_with(inner=lambda x: (2**0.5 / np.pi) * (x + 0.044715 * x**3)), "the root of the 2 only"),
            (gelu_with(inner=lambda x: (2 / np.pi**0.5) * (x + 0.044715 * x**3)), "the root of π only"),
            (gelu_with(inner=lambda x: 2 / np.pi * (x + 0.044715 * x**3)), "no root"),
            (gelu_with(inner=lambda x: ROOT * x + 0.044715 * x**3), "the root multiplies the first term only"),
            (gelu_with(inner=lambda x: x + 0.044715 * x**3), "√(2/π) is missing"),
            (gelu_with(inner=lambda x: ROOT * x), "no cubic term"),
            (gelu_with(inner=lambda x: ROOT * (x + 0.044715 * x**2)), "x² for x³"),
            (gelu_with(inner=lambda x: ROOT * (x + (0.044715 * x) ** 3)), "the constant is cubed too"),
            (gelu_with(inner=lambda x: ROOT * (x + 0.44715 * x**3)), "a zero is missing: 0.44715"),
            (gelu_with(inner=lambda x: ROOT * (x - 0.044715 * x**3)), "minus the cubic term"),
            (gelu_with(inner=lambda x: (2 / 3.14) ** 0.5 * (x + 0.044715 * x**3)), "π taken as 3.14"),
            (gelu_with(inner=lambda x: (2 / np.pi) ** (1 // 2) * (x + 0.044715 * x**3)), "1 // 2 is 0"),
            (gelu_with(inner=lambda x: np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)), "np.sqrt: float32 becomes float64"),
            (gelu_with(gate=lambda t: t), "no 1 + in the gate"),
            (gelu_with(gate=lambda t: 1 - t), "1 − tanh"),
            (gelu_with(gate=lambda t: (1 + t) / 2, y=lambda x, g: x * g), "the gate holds the half: it runs to 1"),
            (gelu_with(y=lambda x, g: x * g), "the half is missing"),
            (gelu_with(y=lambda x, g: g / 2), "y lacks x"),
            (gelu_with(y=lambda x, g: x // 2 * g), "// rounds down"),
            (gelu_with(y=lambda x, g: x / 2 + g), "added, not multiplied"),
            (gelu_with(cache=lambda x, g, i: (g, x)), "the cache in the wrong order"),
            (gelu_with(cache=lambda x, g, i: (x, g - 1)), "the cache holds the tanh"),
            (gelu_with(cache=lambda x, g, i: (x, i)), "the cache holds inner"),
            (gelu_with(cache=lambda x, g, i: (x, g / 2)), "the cache holds half the gate"),
            (gelu_with(cache=lambda x, g, i: (x * g / 2, g)), "the cache holds y"),
            (gelu_with(cache=lambda x, g, i: (x,)), "the cache holds x only"),
            (gelu_with(cache=lambda x, g, i: (x, g, i)), "the cache holds too much"),
            (gelu_in_place, "x is changed"),
            (gelu_asks_if_large, "an array in an if"),
            (gelu_one_number, "math.tanh takes one number only"),
            (gelu_exact, "the exact GELU"),
            (lambda x, training=True: (np.maximum(x, 0), (x, 2 * (x > 0))), "ReLU"),
            (lambda x, training=True: gelu_spelled_out(x)[0], "no cache"),
            (lambda x, training=True: print(gelu_spelled_out(x)), "printed, not returned"),
            (gelu_tanh_by_exponentials, "tanh by exponentials: NaN for large numbers"),
            (gelu_with_small_x_cut, "zero below −3"),
        ],
    ),
    "feedforward_forward": Answers(
        right=[feedforward_in_three_calls, feedforward_in_a_list],
        wrong=[
            (feedforward_with(no_gelu), "GELU's result isn't used"),
            (feedforward_with(gelu_skipped), "no GELU"),
            (feedforward_with(relu), "ReLU"),
            (feedforward_with(gelu_at_the_end_too), "another GELU at the end"),
            (feedforward_with(gelu_first), "GELU before the first map"),
            (feedforward_with(gelu_last), "GELU after the second map"),
            (feedforward_with(gelu_twice), "GELU twice"),
            (feedforward_with(residual), "x is added"),
            (feedforward_with(first_map_twice), "the first map's weights twice"),
            (feedforward_with(second_map_of_x), "the second map of x"),
            (feedforward_with(no_second_bias), "b2 is forgotten"),
            (feedforward_with(no_first_bias), "b1 is forgotten"),
            (feedforward_with(caches_reversed), "the caches in reverse order"),
            (feedforward_with(two_caches), "GELU's cache is forgotten"),
            (feedforward_with(one_long_cache), "the caches unpacked into one"),
            (feedforward_with(four_results), "the caches not in a tuple"),
            (feedforward_with(outputs_for_caches), "what each call was given, in place of its cache"),
            (feedforward_with(not_unpacked), "results and caches not unpacked"),
            (feedforward_with(caches_of_one_name), "the last cache three times"),
            (feedforward_with(own_gelu_cache), "10.2's own GELU, whose cache layers.gelu_backward doesn't know"),
            (lambda *args, training=True: feedforward_in_three_calls(*args)[0], "no cache"),
            (lambda x, w1, b1, w2, b2, training=True: layers.linear_forward(x @ w1, w2, b2), "two maps in one"),
        ],
    ),
    "gelu_chunks": Answers(
        right=[chunks_spelled_out, chunks_in_a_list],
        wrong=[
            (chunks(dgate=lambda d, x, g: d * x), "dgate lacks the half"),
            (chunks(dgate=lambda d, x, g: x / 2), "dgate lacks dy"),
            (chunks(dgate=lambda d, x, g: d / 2), "dgate lacks x"),
            (chunks(dgate=lambda d, x, g: d * x * g / 2), "dgate times the gate"),
            (chunks(dgate=lambda d, x, g: d * g / 2), "dgate is the way of x"),
            (chunks(dgate=lambda d, x, g: d * x // 2), "// rounds down"),
            (chunks(dinner=lambda a, g, x: a * (1 - g**2)), "the gate taken for the tanh"),
            (chunks(dinner=lambda a, g, x: a * (1 - np.tanh(g) ** 2)), "the tanh of the gate"),
            (chunks(dinner=lambda a, g, x: a * (1 - (g + 1) ** 2)), "gate + 1 for the tanh"),
            (chunks(dinner=lambda a, g, x: a * (1 - g)), "1 − gate"),
            (chunks(dinner=lambda a, g, x: a * (g - 1) ** 2), "tanh² for 1 − tanh²"),
            (chunks(dinner=lambda a, g, x: a * (1 - (g - 1))), "the tanh isn't squared"),
            (chunks(dinner=lambda a, g, x: 1 - (g - 1) ** 2), "dinner lacks dgate"),
            (chunks(dinner=lambda a, g, x: a), "dinner is dgate"),
            (chunks(dinner=lambda a, g, x: a * (1 - np.tanh(x) ** 2)), "the slope of tanh at x, not at inner"),
            (chunks(dx=lambda d, x, g, b: b * slope_of_inner(x)), "the way of x beside the gate is missing"),
            (chunks(dx=lambda d, x, g, b: d * g / 2), "the way through the gate is missing"),
            (chunks(dx=lambda d, x, g, b: d * g / 2 + b), "the slope of inner is missing"),
            (chunks(dx=lambda d, x, g, b: d * g / 2 + b * ROOT), "the slope of the cube is missing"),
            (chunks(dx=lambda d, x, g, b: d * g / 2 + b * ROOT * (1 + 0.044715 * x**2)), "the 3 is missing"),
            (chunks(dx=lambda d, x, g, b: d * g / 2 + b * ROOT * (1 + 3 * 0.044715 * x)), "3x for 3x²"),
            (chunks(dx=lambda d, x, g, b: d * g / 2 + b * ROOT * (x + 3 * 0.044715 * x**2)), "x for its slope 1"),
            (chunks(dx=lambda d, x, g, b: d * g / 2 + b * (1 + 3 * 0.044715 * x**2)), "√(2/π) is missing"),
            (chunks(dx=lambda d, x, g, b: d * g / 2 + b * ROOT * (x + 0.044715 * x**3)), "inner for its slope"),
            (chunks(dx=lambda d, x, g, b: g / 2 + b * slope_of_inner(x)), "the direct way lacks dy"),
            (chunks(dx=lambda d, x, g, b: d * g + b * slope_of_inner(x)), "the direct way lacks the half"),
            (chunks(dx=lambda d, x, g, b: d * g / 2 - b * slope_of_inner(x)), "minus"),
            (chunks(dx=lambda d, x, g, b: d * g / 2 + d * b * slope_of_inner(x)), "dy once more in the second way"),
            (chunks(dx=lambda d, x, g, b: d * x / 2 + b * slope_of_inner(x)), "x for the gate in the direct way"),
            (chunks_in_place, "dy is changed"),
            (chunks_gate_changed, "the gate in the cache is changed"),
            (chunks_order, "in reverse order"),
            (lambda dy, cache: chunks_spelled_out(dy, cache)[2], "only dx is returned"),
            (lambda dy, cache: chunks_spelled_out(dy, cache[::-1]), "the cache unpacked in the wrong order"),
            (chunks_divided_by_x, "divided by x: NaN at zero"),
        ],
    ),
    "gelu_backward": Answers(
        right=[gelu_backward_measured_out, gelu_backward_of_chunks, gelu_backward_half_outside],
        wrong=[
            (lambda dy, cache: gelu_backward_of_chunks(np.ones_like(dy), cache), "dy is missing"),
            (gelu_backward_with(lambda x, g, s: 0.5 * g), "the way through the gate is missing"),
            (gelu_backward_with(lambda x, g, s: 0.5 * x * g * (2 - g) * s), "the direct way is missing"),
            (gelu_backward_with(lambda x, g, s: 0.5 * g + x * g * (2 - g) * s), "the second half is missing"),
            (gelu_backward_with(lambda x, g, s: g + 0.5 * x * g * (2 - g) * s), "the first half is missing"),
            (gelu_backward_with(lambda x, g, s: g + x * g * (2 - g) * s), "both halves are missing"),
            (gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * g * (2 - g) * s), "x is missing"),
            (gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * x * (2 - g) * s), "the gate is missing in the slope"),
            (gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * x * g * (1 - g) * s), "1 − gate"),
            (gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * x * (1 - g**2) * s), "the gate taken for the tanh"),
            (gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * x * g * (2 + g) * s), "2 + gate"),
            (gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * x * g * (2 - g)), "the slope of inner is missing"),
            (
                gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * x * g * (2 - g) * ROOT * (x + 0.044715 * x**3)),
                "inner for its slope",
            ),
            (
                gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * x * g * (2 - g) * ROOT * (1 + 0.044715 * x**2)),
                "the 3 is missing",
            ),
            (
                gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * x * g * (2 - g) * (1 + 3 * 0.044715 * x**2)),
                "√(2/π) is missing",
            ),
            (
                gelu_backward_with(lambda x, g, s: 0.5 * g + 0.5 * x * g * (2 - g) * ROOT * 1 + 3 * 0.044715 * x**2),
                "brackets: the cubic part is outside the product",
            ),
            (gelu_backward_with(lambda x, g, s: 0.5 * g - 0.5 * x * g * (2 - g) * s), "minus"),
            (gelu_backward_with(lambda x, g, s: 0.5 * (g + x) * g * (2 - g) * s), "brackets: the sum of gate and x"),
            (gelu_backward_with(lambda x, g, s: (x > 0) * 1.0), "ReLU's slope"),
            (gelu_backward_with(lambda x, g, s: 0.5 * x * g), "the forward's y for the slope"),
            (
                lambda dy, cache: dy * cache[1] / 2 + gelu_backward_of_chunks(1, cache) - cache[1] / 2,
                "dy multiplies the first term only",
            ),
            (lambda dy, cache: chunks_spelled_out(dy, cache), "all three of 10.4"),
            (lambda dy, cache: chunks_spelled_out(dy, cache)[1], "dinner in place of dx"),
            (gelu_backward_in_place, "dy is changed"),
            (gelu_backward_returned_in_the_loop, "return inside the loop: the first number only"),
            (lambda dy, cache: gelu_backward_of_chunks(dy, cache[::-1]), "the cache unpacked in the wrong order"),
            (lambda dy, cache: print(gelu_backward_of_chunks(dy, cache)), "printed, not returned"),
            (lambda dy, cache: layers.gelu_backward(dy, cache), "minidit's own backward, which wants another cache"),
            (gelu_backward_divided_by_x, "divided by x: NaN at zero"),
            (gelu_backward_measured, "a measured slope: right to six digits only"),
        ],
    ),
    "feedforward_backward": Answers(
        right=[feedforward_backward_in_three_calls, feedforward_backward_by_hand],
        wrong=[
            (feedforward_back(back_without_gelu), "GELU's backward is left out"),
            (feedforward_back(back_order_second_first), "dw2, db2 before dw1, db1"),
            (feedforward_back(back_weights_then_biases), "both weights, then both biases"),
            (feedforward_back(back_dx_last), "dx at the end"),
            (feedforward_back(back_bias_before_weight), "biases before weights"),
            (feedforward_back(back_forward_order), "the first map's backward first"),
            (feedforward_back(back_dx_before_gelu), "dx from the gradient before GELU's backward"),
            (feedforward_back(back_gelu_of_dy), "GELU's backward times the gradient once more"),
            (feedforward_back(back_dx_is_dh), "the hidden gradient returned as dx"),
            (feedforward_back(back_residual), "dy added to dx, as for a residual"),
            (feedforward_back(back_biases_unsummed), "the biases' gradients aren't summed"),
            (feedforward_back(back_biases_mean), "the biases' gradients are means"),
            (feedforward_back(back_db1_of_da), "db1 from the gradient before GELU's backward"),
            (feedforward_back(back_gelu_backward_unpacked), "gelu_backward returns one array, not two"),
            (feedforward_back(back_own_gelu), "10.5's own GELU backward, whose cache is another"),
            (feedforward_back(back_first_sample), "the weights' gradients of the first clip only"),
            (feedforward_back(back_weights_transposed), "dw1 and dw2 transposed"),
            (feedforward_back(back_gelu_first), "GELU's backward first"),
            (feedforward_back(back_gelu_slope_only), "GELU's slope in place of its gradient"),
            (feedforward_back(back_gelu_twice), "GELU's backward twice"),
            (lambda dy, cache: feedforward_backward_in_three_calls(dy, cache)[0], "only dx is returned"),
            (lambda dy, cache: feedforward_backward_in_three_calls(dy, cache)[:3], "dw2 and db2 are forgotten"),
            (
                lambda dy, cache: feedforward_backward_in_three_calls(dy, cache[::-1]),
                "the caches unpacked in the wrong order",
            ),
            (lambda dy, cache: print(feedforward_backward_in_three_calls(dy, cache)), "printed, not returned"),
        ],
    ),
}
