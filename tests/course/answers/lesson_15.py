"""Lesson 15: answers as students write them, each with the functions of a cell."""

import math

import numpy as np
from answers_of import Answers

from minidit import layers, reference
from minidit.course.capstone import Parts
from minidit.diffusion import RectifiedFlow, network_time, velocity_weight
from minidit.reference import (
    gated_residual_backward,
    gated_residual_forward,
    gelu_backward,
    gelu_forward,
    layernorm_backward,
    layernorm_forward,
    linear_backward,
    linear_forward,
    modulate_backward,
    modulate_forward,
    silu_backward,
    silu_forward,
    softmax_backward,
    softmax_forward,
)
from minidit.training import optimizer

PATH = RectifiedFlow()


def db_mean(dy, cache):
    dx, dw, _ = linear_backward(dy, cache)
    return dx, dw, dy.mean(axis=tuple(range(dy.ndim - 1)))


def dw_mean(dy, cache):
    dx, dw, db = linear_backward(dy, cache)
    return dx, dw * dy.shape[-1] / dy.size, db


def dx_zero(dy, cache):
    _, dw, db = linear_backward(dy, cache)
    return np.zeros_like(cache[0]), dw, db


def db_zero(dy, cache):
    dx, dw, db = linear_backward(dy, cache)
    return dx, dw, np.zeros_like(db)


def no_bias(x, w, b):
    return x @ w, (x, w)


def dw_not_joined(dy, cache):
    x, w = cache
    return dy @ w.T, x.swapaxes(-1, -2) @ dy, dy.sum(axis=tuple(range(dy.ndim - 1)))


def silu_sigmoid_alone(dy, cache):
    return dy * cache[1]


def norm_no_mean(dxhat, cache):
    xhat, rstd = cache
    return rstd * dxhat - rstd * xhat * np.mean(dxhat * xhat, axis=-1, keepdims=True)


def norm_no_std(dxhat, cache):
    return cache[1] * dxhat - cache[1] * np.mean(dxhat, axis=-1, keepdims=True)


def modulate_swapped(x, scale, shift):
    return modulate_forward(x, shift, scale)


def modulate_dscale_mean(dy, cache):
    x, gain = cache
    return gain * dy, dy.sum(1), (dy * x).mean(1)


def gate_forgotten(dy, cache):
    return dy, dy.copy(), np.sum(dy * cache[0], axis=-2)


def gate_mean(dy, cache):
    h, gate = cache
    return dy, dy * gate[..., None, :], np.mean(dy * h, axis=-2)


MODULATION = {
    f.__name__: f
    for f in (
        silu_forward, silu_backward, layernorm_forward, layernorm_backward, modulate_forward, modulate_backward,
        gated_residual_forward, gated_residual_backward,
    )
}  # fmt: skip


def softmax_no_average(dy, cache):
    return cache[0] * dy


def attending(root=math.sqrt, back=math.sqrt, masking=True):
    def attention_forward(q, k, v, key_mask=None):
        scores = q @ np.moveaxis(k, -1, -2) / root(q.shape[-1])
        if key_mask is not None and masking:
            scores = scores + np.where(key_mask, 0, -np.inf)[..., None, None, :]
        weights, _ = layers.softmax_forward(scores)
        return weights @ v, (q, k, v, weights)

    def attention_backward(dy, cache, out=None):
        q, k, v, weights = cache
        dscores = layers.softmax_backward(dy @ np.moveaxis(v, -1, -2), (weights,)) / back(q.shape[-1])
        dq, dk, dv = dscores @ k, np.moveaxis(dscores, -1, -2) @ q, np.moveaxis(weights, -1, -2) @ dy
        if out is not None:
            out[0][...], out[1][...], out[2][...] = dq, dk, dv
        return dq, dk, dv

    return {
        "softmax_forward": softmax_forward, "softmax_backward": softmax_backward,
        "attention_forward": attention_forward, "attention_backward": attention_backward,
    }  # fmt: skip


def gelu_gate_alone(dy, cache):
    return dy * cache[1] / 2


def gelu_without_cube(x):
    gate = 1 + np.tanh(math.sqrt(2 / math.pi) * x)
    return x * gate / 2, (x, gate)


def gelu_without_cube_backward(dy, cache):
    x, gate = cache
    return dy * (gate / 2 + x / 2 * gate * (2 - gate) * math.sqrt(2 / math.pi))


def relu_forward(x):
    return np.where(x > 0, x, 0), (x,)


def relu_backward(dy, cache):
    return np.where(cache[0] > 0, dy, 0)


def feedforward_forward(x, w1, b1, w2, b2):
    h, gelu_cache = layers.gelu_forward(x @ w1 + b1)
    return h @ w2 + b2, ((x, w1), gelu_cache, (h, w2))


def feedforward_backward(dy, cache):
    first, gelu_cache, second = cache
    dh, dw2, db2 = layers.linear_backward(dy, second)
    return *layers.linear_backward(layers.gelu_backward(dh, gelu_cache), first), dw2, db2


def feedforward_skips_gelu(dy, cache):
    first, _, second = cache
    dh, dw2, db2 = layers.linear_backward(dy, second)
    return *layers.linear_backward(dh, first), dw2, db2


FEED_FORWARD = {f.__name__: f for f in (gelu_forward, gelu_backward, feedforward_forward, feedforward_backward)}


def mse_forward(prediction, target, weight=None):
    weight = np.ones(len(prediction)) if weight is None else weight
    difference = prediction - target
    weighted = (difference.T * weight).T
    return np.sum(weighted * difference) / difference.size, (weighted,)


def mse_backward(dloss, cache):
    gradient = cache[0] * 2 * dloss / cache[0].size
    return gradient, -gradient


def mse_no_weight(prediction, target, weight=None):
    return mse_forward(prediction, target)


def mse_no_mean(dloss, cache):
    return cache[0] * 2 * dloss, cache[0] * -2 * dloss


def mse_no_two(dloss, cache):
    gradient = cache[0] * dloss / cache[0].size
    return gradient, -gradient


def clip_scale(squared_norm, max_grad_norm):
    factor = max_grad_norm / (np.sqrt(squared_norm) + 1e-6)
    return factor if factor < 1 else 1.0


def clip_no_root(squared_norm, max_grad_norm):
    return min(max_grad_norm / (squared_norm + 1e-6), 1.0)


def clip_never(squared_norm, max_grad_norm):
    return 1


def adamw_update(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    reference.adamw_update(params, grads * grad_scale, m, v, step, learning_rate, **vars(settings))


def adamw_uncorrected(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grads * grad_scale
    m += (1 - settings.beta1) * (g - m)
    v += (1 - settings.beta2) * (g * g - v)
    params -= learning_rate * (m / (v**0.5 + settings.eps) + settings.weight_decay * params)


def adamw_no_decay(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grads * grad_scale
    m += (1 - settings.beta1) * (g - m)
    v += (1 - settings.beta2) * (g * g - v)
    mean, square = m / (1 - settings.beta1**step), v / (1 - settings.beta2**step)
    params -= learning_rate * mean / (square**0.5 + settings.eps)


def adamw_new_array(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    params = params.copy()
    adamw_update(params, grads, m, v, step, learning_rate, settings, grad_scale)


def ema_update(average, params, decay):
    average[...] = decay * average + (1 - decay) * params


def ema_swapped(average, params, decay):
    average[...] = (1 - decay) * average + decay * params


def ema_not_in_place(average, params, decay):
    average = decay * average + (1 - decay) * params


OPTIMIZER = {f.__name__: f for f in (mse_forward, mse_backward, clip_scale, adamw_update, ema_update)}


def gradients_by_own_formulas(network, data, noise, t, words):
    x = noise + t.reshape(-1, 1, 1, 1, 1) * (data - noise)
    prediction, cache = network.forward(x, 1000 * t, words)
    weight = velocity_weight("data", PATH, t).reshape(-1, 1, 1, 1, 1)
    loss = np.mean(weight * (prediction - data) ** 2)
    _, gradients = network.backward(2 * weight * (prediction - data) / data.size, cache)
    return loss, gradients


def a_step(network, x, t, target, words, weight):
    prediction, cache = network.forward(x, t, words)
    loss, loss_cache = layers.mse_forward(prediction, target, weight)
    dprediction, _ = layers.mse_backward(1.0, loss_cache)
    _, gradients = network.backward(dprediction, cache)
    return loss, gradients


def step_predicts_noise(network, data, noise, t, words):
    x = PATH.noised(data, noise, t)
    return a_step(network, x, network_time(t), noise, words, velocity_weight("data", PATH, t))


def step_swapped(network, data, noise, t, words):
    x = PATH.noised(noise, data, t)
    return a_step(network, x, network_time(t), data, words, velocity_weight("data", PATH, t))


def step_clean(network, data, noise, t, words):
    return a_step(network, data, network_time(t), data, words, velocity_weight("data", PATH, t))


def step_small_t(network, data, noise, t, words):
    x = PATH.noised(data, noise, t)
    return a_step(network, x, t, data, words, velocity_weight("data", PATH, t))


def step_not_weighted(network, data, noise, t, words):
    return a_step(network, PATH.noised(data, noise, t), network_time(t), data, words, None)


def step_gradient_of_x(network, data, noise, t, words):
    prediction, cache = network.forward(PATH.noised(data, noise, t), network_time(t), words)
    loss, loss_cache = layers.mse_forward(prediction, data, velocity_weight("data", PATH, t))
    return loss, network.backward(layers.mse_backward(1.0, loss_cache)[0], cache)[0]


ANSWERS = {
    "own_linear": Answers(
        right=[Parts(linear_forward, linear_backward), Parts(layers.linear_forward, layers.linear_backward)],
        wrong=[
            (Parts(linear_forward=no_bias, linear_backward=linear_backward), "forgot the bias"),
            (Parts(linear_forward, linear_backward=db_mean), "mean instead of sum"),
            (Parts(linear_forward, linear_backward=dw_mean), "mean instead of sum"),
            (Parts(linear_forward, linear_backward=dx_zero), "all zeros"),
            (Parts(linear_forward, linear_backward=db_zero), "all zeros"),
            (Parts(linear_forward, linear_backward=dw_not_joined), "forgot to sum over the batch"),
        ],
    ),
    "own_modulation": Answers(
        right=[Parts(**MODULATION)],
        wrong=[
            (Parts(**MODULATION | {"silu_backward": silu_sigmoid_alone}), "half of the product rule"),
            (Parts(**MODULATION | {"layernorm_backward": norm_no_mean}), "missing mean term"),
            (Parts(**MODULATION | {"layernorm_backward": norm_no_std}), "missing std term"),
            (Parts(**MODULATION | {"modulate_forward": modulate_swapped}), "scale and shift swapped"),
            (Parts(**MODULATION | {"modulate_backward": modulate_dscale_mean}), "mean instead of sum"),
            (Parts(**MODULATION | {"gated_residual_backward": gate_forgotten}), "forgot the gate"),
            (Parts(**MODULATION | {"gated_residual_backward": gate_mean}), "mean instead of sum"),
        ],
    ),
    "own_attention": Answers(
        right=[Parts(**attending())],
        wrong=[
            (Parts(**attending(root=lambda d: 1, back=lambda d: 1)), "forgot 1/√d"),
            (Parts(**attending(root=lambda d: d, back=lambda d: d)), "divided by d"),
            (Parts(**attending(masking=False)), "forgot the mask"),
            (Parts(**attending(back=lambda d: 1)), "forgot 1/√d"),
            (Parts(**attending() | {"softmax_backward": softmax_no_average}), "not through the sum"),
        ],
    ),
    "own_feed_forward": Answers(
        right=[Parts(**FEED_FORWARD)],
        wrong=[
            (Parts(**FEED_FORWARD | {"gelu_backward": gelu_gate_alone}), "half of the product rule"),
            (Parts(**FEED_FORWARD | {"gelu_forward": relu_forward, "gelu_backward": relu_backward}), None),
            (
                Parts(
                    **FEED_FORWARD | {"gelu_forward": gelu_without_cube, "gelu_backward": gelu_without_cube_backward}
                ),
                "forgot the cubic term",
            ),
            (Parts(**FEED_FORWARD | {"feedforward_backward": feedforward_skips_gelu}), "skipped GELU"),
        ],
    ),
    "own_optimizer": Answers(
        right=[Parts(**OPTIMIZER), Parts(**OPTIMIZER | {"adamw_update": optimizer.adamw_update})],
        wrong=[
            (Parts(**OPTIMIZER | {"mse_forward": mse_no_weight}), "weight ignored"),
            (Parts(**OPTIMIZER | {"mse_backward": mse_no_mean}), "not divided by N"),
            (Parts(**OPTIMIZER | {"mse_backward": mse_no_two}), "forgot the 2"),
            (Parts(**OPTIMIZER | {"clip_scale": clip_no_root}), "forgot the root"),
            (Parts(**OPTIMIZER | {"clip_scale": clip_never}), ("ignores an input", "a function missing")),
            (Parts(**OPTIMIZER | {"adamw_update": adamw_uncorrected}), "no bias correction"),
            (Parts(**OPTIMIZER | {"adamw_update": adamw_no_decay}), "weight decay forgotten"),
            (Parts(**OPTIMIZER | {"adamw_update": adamw_new_array}), "params not kept"),
            (Parts(**OPTIMIZER | {"ema_update": ema_swapped}), "decay and 1 − decay swapped"),
            (Parts(**OPTIMIZER | {"ema_update": ema_not_in_place}), "nothing changed"),
        ],
    ),
    "batch_gradients": Answers(
        right=[gradients_by_own_formulas],
        wrong=[
            (step_predicts_noise, "noise as the target"),
            (step_swapped, "data and noise swapped"),
            (step_clean, "clean data went in"),
            (step_small_t, "t from 0 to 1"),
            (step_not_weighted, "not weighted"),
            (step_gradient_of_x, None),
        ],
    ),
}
