"""Answers to the exercises of lesson 15, the capstone, written from its text alone."""

import math

import numpy as np
from answers_of import Answers

from minidit import layers
from minidit.course import capstone
from minidit.diffusion import RectifiedFlow, network_time, velocity_weight

# A student's own functions, all right. Some names end in _2: a second right way.


def linear_forward(x, w, b):
    return x @ w + b, (x, w)


def linear_backward(dy, cache):
    x, w = cache
    rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return dy @ w.T, rows.T @ drows, drows.sum(axis=0)


def linear_forward_2(x, w, b):
    y = np.einsum("...i,io->...o", x, w)
    y += b
    return y, (x, w)


def linear_backward_2(dy, cache):
    x, w = cache
    axes = tuple(range(x.ndim - 1))
    return np.einsum("...o,io->...i", dy, w), np.tensordot(x, dy, axes=(axes, axes)), dy.sum(axis=axes)


def silu_forward(x):
    sigmoid = 0.5 + 0.5 * np.tanh(x / 2)
    return x * sigmoid, (x, sigmoid)


def silu_forward_2(x):
    sigmoid = 1 / (1 + np.exp(-x))
    return x * sigmoid, (x, sigmoid)


def silu_backward(dy, cache):
    x, sigmoid = cache
    return dy * sigmoid * (1 + x * (1 - sigmoid))


def silu_backward_2(dy, cache):
    x, s = cache
    return dy * s + dy * x * s * (1 - s)


def layernorm_forward(x, eps=1e-6):
    centred = x - x.mean(axis=-1, keepdims=True)
    rstd = 1 / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps)
    return centred * rstd, (centred * rstd, rstd)


def layernorm_forward_2(x, eps=1e-6):
    rstd = (x.var(axis=-1, keepdims=True) + eps) ** -0.5
    xhat = (x - x.mean(axis=-1, keepdims=True)) * rstd
    return xhat, (xhat, rstd)


def layernorm_backward(dxhat, cache):
    xhat, rstd = cache
    mean, along = dxhat.mean(axis=-1, keepdims=True), (dxhat * xhat).mean(axis=-1, keepdims=True)
    return rstd * (dxhat - mean - xhat * along)


def layernorm_backward_2(dxhat, cache):
    xhat, rstd = cache
    dcentred = rstd * (dxhat - xhat * np.mean(dxhat * xhat, -1, keepdims=True))
    return dcentred - dcentred.mean(axis=-1, keepdims=True)


def modulate_forward(x, shift, scale):
    gain = 1 + scale[:, None]
    return x * gain + shift[:, None], (x, gain)


def modulate_backward(dy, cache):
    x, gain = cache
    return dy * gain, dy.sum(axis=1), (dy * x).sum(axis=1)


def gated_residual_forward(x, h, gate):
    return x + gate[..., None, :] * h, (h, gate)


def gated_residual_backward(dy, cache):
    h, gate = cache
    return dy, dy * gate[..., None, :], (dy * h).sum(axis=-2)


def softmax_forward(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    y = e / e.sum(axis=-1, keepdims=True)
    return y, (y,)


def softmax_backward(dy, cache):
    (y,) = cache
    average = (dy * y).sum(axis=-1, keepdims=True)
    return y * (dy - average)


def attention_forward(q, k, v, key_mask=None):
    scores = q @ k.swapaxes(-1, -2) / q.shape[-1] ** 0.5
    if key_mask is not None:
        scores = np.where(key_mask[..., None, None, :], scores, -np.inf)
    weights, _ = softmax_forward(scores)
    return weights @ v, (q, k, v, weights)


def attention_forward_2(q, k, v, key_mask=None):
    scores = np.einsum("...td,...sd->...ts", q, k) / math.sqrt(q.shape[-1])
    if key_mask is not None:
        scores[~np.broadcast_to(key_mask[..., None, None, :], scores.shape)] = -np.inf
    weights = layers.softmax_forward(scores)[0]
    return np.einsum("...ts,...sd->...td", weights, v), (q, k, v, weights)


def attention_backward(dy, cache, out=None):
    q, k, v, weights = cache
    dweights = dy @ v.swapaxes(-1, -2)
    dscores = softmax_backward(dweights, (weights,)) / q.shape[-1] ** 0.5
    dq, dk, dv = dscores @ k, dscores.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ dy
    if out is not None:
        out[0][...], out[1][...], out[2][...] = dq, dk, dv
    return dq, dk, dv


ROOT = (2 / math.pi) ** 0.5


def gelu_forward(x, training=True):
    gate = 1 + np.tanh(ROOT * (x + 0.044715 * x**3))
    return 0.5 * x * gate, (x, gate)


def gelu_backward(dy, cache):
    x, gate = cache
    slope = ROOT * (1 + 3 * 0.044715 * x**2)
    return dy * (0.5 * gate + 0.5 * x * gate * (2 - gate) * slope)


def gelu_backward_2(dy, cache):
    x, gate = cache
    tanh = gate - 1
    return 0.5 * dy * (gate + x * (1 - tanh * tanh) * ROOT * (1 + 0.134145 * x * x))


def feedforward_forward(x, w1, b1, w2, b2, training=True):
    h, first_cache = layers.linear_forward(x, w1, b1)
    h, gelu_cache = layers.gelu_forward(h)
    y, second_cache = layers.linear_forward(h, w2, b2)
    return y, (first_cache, gelu_cache, second_cache)


def feedforward_forward_2(x, w1, b1, w2, b2):
    hidden = x @ w1 + b1
    active, gelu_cache = gelu_forward(hidden)
    return active @ w2 + b2, ((x, w1), gelu_cache, (active, w2))


def feedforward_backward(dy, cache):
    first_cache, gelu_cache, second_cache = cache
    dh, dw2, db2 = layers.linear_backward(dy, second_cache)
    dh = layers.gelu_backward(dh, gelu_cache)
    dx, dw1, db1 = layers.linear_backward(dh, first_cache)
    return dx, dw1, db1, dw2, db2


def feedforward_backward_2(dy, cache):
    first_cache, gelu_cache, second_cache = cache
    dactive, dw2, db2 = linear_backward(dy, second_cache)
    return *linear_backward(gelu_backward(dactive, gelu_cache), first_cache), dw2, db2


def per_clip(weight, like):
    return weight.reshape(-1, *(1,) * (like.ndim - 1))


def mse_forward(prediction, target, weight=None):
    difference = prediction - target
    weighted = difference if weight is None else per_clip(weight, difference) * difference
    return np.mean(weighted * difference), (weighted,)


def mse_backward(dloss, cache):
    (weighted,) = cache
    dprediction = 2 * dloss / weighted.size * weighted
    return dprediction, -dprediction


def clip_scale(squared_norm, max_grad_norm):
    return min(1.0, max_grad_norm / (squared_norm**0.5 + 1e-6))


def adamw_update(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grads * grad_scale
    m[...] = settings.beta1 * m + (1 - settings.beta1) * g
    v[...] = settings.beta2 * v + (1 - settings.beta2) * g**2
    mhat, vhat = m / (1 - settings.beta1**step), v / (1 - settings.beta2**step)
    params -= learning_rate * (mhat / (np.sqrt(vhat) + settings.eps) + settings.weight_decay * params)


def adamw_update_2(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    b1, b2 = settings.beta1, settings.beta2
    g = grad_scale * grads
    m *= b1
    m += (1 - b1) * g
    v *= b2
    v += (1 - b2) * g * g
    params *= 1 - learning_rate * settings.weight_decay
    params -= learning_rate * (m / (1 - b1**step)) / ((v / (1 - b2**step)) ** 0.5 + settings.eps)


def ema_update(average, params, decay):
    average *= decay
    average += (1 - decay) * params


def ema_update_2(average, params, decay):
    average[...] = params + decay * (average - params)


LINEAR = {"linear_forward": linear_forward, "linear_backward": linear_backward}
MODULATION = {
    "silu_forward": silu_forward, "silu_backward": silu_backward, "layernorm_forward": layernorm_forward,
    "layernorm_backward": layernorm_backward, "modulate_forward": modulate_forward,
    "modulate_backward": modulate_backward, "gated_residual_forward": gated_residual_forward,
    "gated_residual_backward": gated_residual_backward,
}  # fmt: skip
ATTENTION = {
    "softmax_forward": softmax_forward, "softmax_backward": softmax_backward,
    "attention_forward": attention_forward, "attention_backward": attention_backward,
}  # fmt: skip
FEED_FORWARD = {
    "gelu_forward": gelu_forward, "gelu_backward": gelu_backward,
    "feedforward_forward": feedforward_forward, "feedforward_backward": feedforward_backward,
}  # fmt: skip
OPTIMIZER = {
    "mse_forward": mse_forward, "mse_backward": mse_backward, "clip_scale": clip_scale,
    "adamw_update": adamw_update, "ema_update": ema_update,
}  # fmt: skip


def linear(**wrong):
    return capstone.Parts(**(LINEAR | wrong))


def modulation(**wrong):
    return capstone.Parts(**(MODULATION | wrong))


def attention(**wrong):
    return capstone.Parts(**(ATTENTION | wrong))


def feed_forward(**wrong):
    return capstone.Parts(**(FEED_FORWARD | wrong))


def optimization(**wrong):
    return capstone.Parts(**(OPTIMIZER | wrong))


# Wrong functions.


def linear_back_with(dx=None, dw=None, db=None):
    def backward(dy, cache):
        right = linear_backward(dy, cache)
        return tuple(wrong(dy, *cache) if wrong else it for wrong, it in zip((dx, dw, db), right, strict=True))

    return backward


def linear_rows_only(x, w, b):
    return np.einsum("ni,io->no", x, w) + b, (x, w)


def linear_keeps_rows(x, w, b):
    rows = x.reshape(-1, x.shape[-1])
    return rows @ w + b, (x, w)


def silu_overflows(x):
    sigmoid = np.exp(x) / (1 + np.exp(x))
    return x * sigmoid, (x, sigmoid)


def silu_cache_turned(x):
    y, (x, sigmoid) = silu_forward(x)
    return y, (sigmoid, x)


def layernorm_with(variance=lambda x: x.var(axis=-1, keepdims=True), root=lambda v, eps: np.sqrt(v + eps)):
    def forward(x, eps=1e-6):
        rstd = 1 / root(variance(x), eps)
        xhat = (x - x.mean(axis=-1, keepdims=True)) * rstd
        return xhat, (xhat, rstd)

    return forward


def layernorm_over_tokens(x, eps=1e-6):
    rstd = 1 / np.sqrt(x.var(axis=1, keepdims=True) + eps)
    xhat = (x - x.mean(axis=1, keepdims=True)) * rstd
    return xhat, (xhat, rstd)


def layernorm_third_axis(x, eps=1e-6):
    rstd = 1 / np.sqrt(x.var(axis=2, keepdims=True) + eps)
    xhat = (x - x.mean(axis=2, keepdims=True)) * rstd
    return xhat, (xhat, rstd)


def layernorm_in_place(x, eps=1e-6):
    x -= x.mean(axis=-1, keepdims=True)
    rstd = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    return x * rstd, (x * rstd, rstd)


def gated_in_place(x, h, gate):
    x += gate[..., None, :] * h
    return x, (h, gate)


def modulate_back_with(dx=None, dshift=None, dscale=None):
    def backward(dy, cache):
        right = modulate_backward(dy, cache)
        return tuple(wrong(dy, *cache) if wrong else it for wrong, it in zip((dx, dshift, dscale), right, strict=True))

    return backward


def gated_back_with(dx=None, dh=None, dgate=None):
    def backward(dy, cache):
        right = gated_residual_backward(dy, cache)
        return tuple(wrong(dy, *cache) if wrong else it for wrong, it in zip((dx, dh, dgate), right, strict=True))

    return backward


def softmax_without_maximum(x):
    y = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    return y, (y,)


def softmax_maximum_of_all(x):
    e = np.exp(x - x.max())
    y = e / e.sum(axis=-1, keepdims=True)
    return y, (y,)


def softmax_of_all(x):
    e = np.exp(x - x.max())
    return e / e.sum(), (e / e.sum(),)


def softmax_second_axis(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    y = e / e.sum(axis=1, keepdims=True)
    return y, (y,)


def softmax_in_place(x):
    x -= x.max(axis=-1, keepdims=True)
    e = np.exp(x)
    y = e / e.sum(axis=-1, keepdims=True)
    return y, (y,)


def softmax_bare_cache(x):
    y, _ = softmax_forward(x)
    return y, y


def attention_with(scale=lambda q, k: q.shape[-1] ** 0.5, mask=None, ending=None):
    def forward(q, k, v, key_mask=None):
        scores = q @ k.swapaxes(-1, -2) / scale(q, k)
        if key_mask is not None:
            blind = mask or (lambda scores, known: np.where(known[..., None, None, :], scores, -np.inf))
            scores = blind(scores, key_mask)
        weights, _ = softmax_forward(scores)
        if ending is not None and key_mask is not None:
            weights = ending(weights, key_mask)
        return weights @ v, (q, k, v, weights)

    return forward


def attention_scales_q_in_place(q, k, v, key_mask=None):
    q /= q.shape[-1] ** 0.5
    y, (_, _, _, weights) = attention_with(lambda q, k: 1)(q, k, v, key_mask)
    return y, (q, k, v, weights)


def attention_back_with(dscores=None, dq=None, dk=None, dv=None):
    def backward(dy, cache, out=None):
        q, k, v, weights = cache
        dweights = dy @ v.swapaxes(-1, -2)
        ds = (dscores or (lambda dw, w: softmax_backward(dw, (w,))))(dweights, weights) / q.shape[-1] ** 0.5
        found = (
            dq(ds, k) if dq else ds @ k,
            dk(ds, q) if dk else ds.swapaxes(-1, -2) @ q,
            dv(weights, dy) if dv else weights.swapaxes(-1, -2) @ dy,
        )
        if out is not None:
            out[0][...], out[1][...], out[2][...] = found
        return found

    return backward


def attention_back_turned(dy, cache, out=None):
    dq, dk, dv = attention_backward(dy, cache)
    if out is not None:
        out[0][...], out[1][...], out[2][...] = dk, dq, dv
    return dk, dq, dv


def attention_over_queries(q, k, v, key_mask=None):
    scores = q @ k.swapaxes(-1, -2) / q.shape[-1] ** 0.5
    if key_mask is not None:
        scores = np.where(key_mask[..., None, None, :], scores, -1e9)
    weights = softmax_forward(scores.swapaxes(-1, -2))[0].swapaxes(-1, -2)
    return weights @ v, (q, k, v, weights)


def gelu_with(gate, value=lambda x, gate: 0.5 * x * gate):
    return lambda x, training=True: (value(x, gate(x)), (x, gate(x)))


def gelu_caches_y(x, training=True):
    y, (x, gate) = gelu_forward(x)
    return y, (x, y)


def feedforward_linear(x, w1, b1, w2, b2, training=True):
    h, first_cache = layers.linear_forward(x, w1, b1)
    _, gelu_cache = layers.gelu_forward(h)
    y, second_cache = layers.linear_forward(h, w2, b2)
    return y, (first_cache, gelu_cache, second_cache)


def feedforward_residual(x, w1, b1, w2, b2, training=True):
    y, caches = feedforward_forward(x, w1, b1, w2, b2)
    return (y + x if y.shape == x.shape else y), caches


def feedforward_cache_turned(x, w1, b1, w2, b2, training=True):
    y, (first_cache, gelu_cache, second_cache) = feedforward_forward(x, w1, b1, w2, b2)
    return y, (second_cache, gelu_cache, first_cache)


def feedforward_back_without_gelu(dy, cache):
    first_cache, gelu_cache, second_cache = cache
    dh, dw2, db2 = layers.linear_backward(dy, second_cache)
    dx, dw1, db1 = layers.linear_backward(dh, first_cache)
    return dx, dw1, db1, dw2, db2


def feedforward_back_turned(dy, cache):
    dx, dw1, db1, dw2, db2 = feedforward_backward(dy, cache)
    return dx, dw2, db2, dw1, db1


def feedforward_back_dy_to_gelu(dy, cache):
    first_cache, gelu_cache, second_cache = cache
    dh, dw2, db2 = layers.linear_backward(dy, second_cache)
    h = layers.gelu_backward(np.ones_like(dh), gelu_cache)
    dx, dw1, db1 = layers.linear_backward(h, first_cache)
    return dx, dw1, db1, dw2, db2


def mse_with(loss):
    def forward(prediction, target, weight=None):
        d = prediction - target
        weighted = d if weight is None else per_clip(weight, d) * d
        return loss(weighted, d), (weighted,)

    return forward


def mse_without_weight(prediction, target, weight=None):
    return np.mean((prediction - target) ** 2), (prediction - target,)


def mse_unweighted_cache(prediction, target, weight=None):
    loss, _ = mse_forward(prediction, target, weight)
    return loss, (prediction - target,)


def mse_five_axes(prediction, target, weight=None):
    d = prediction - target
    weighted = d if weight is None else weight[:, None, None, None, None] * d
    return np.mean(weighted * d), (weighted,)


def adamw_with(
    plus=False, correction=True, eps=None, inside=False, decay=True, l2=False, scale=True, turned=False, root=True
):
    """AdamW with one mistake."""

    def update(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
        b1, b2 = (settings.beta2, settings.beta1) if turned else (settings.beta1, settings.beta2)
        g = grads * grad_scale if scale else grads * 1.0
        if l2:
            g = g + settings.weight_decay * params
        m[...] = b1 * m + (1 - b1) * g
        v[...] = b2 * v + (1 - b2) * g**2
        mhat, vhat = (m / (1 - b1**step), v / (1 - b2**step)) if correction else (m, v)
        e = settings.eps if eps is None else eps
        below = np.sqrt(vhat + e) if inside else (np.sqrt(vhat) if root else vhat) + e
        move = mhat / below + (settings.weight_decay * params if decay and not l2 else 0)
        params += learning_rate * move if plus else -learning_rate * move

    return update


def adamw_new_array(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grads * grad_scale
    m[...] = settings.beta1 * m + (1 - settings.beta1) * g
    v[...] = settings.beta2 * v + (1 - settings.beta2) * g**2
    mhat, vhat = m / (1 - settings.beta1**step), v / (1 - settings.beta2**step)
    params = params - learning_rate * (mhat / (np.sqrt(vhat) + settings.eps) + settings.weight_decay * params)


def adamw_forgets_moments(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    m, v = m.copy(), v.copy()
    adamw_update(params, grads, m, v, step, learning_rate, settings, grad_scale)


def adamw_scales_grads(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    grads *= grad_scale
    adamw_update(params, grads, m, v, step, learning_rate, settings)


def adamw_decays_after(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    adamw_with(decay=False)(params, grads, m, v, step, learning_rate, settings, grad_scale)
    params -= learning_rate * settings.weight_decay * params


def adamw_corrects_in_place(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    adamw_update(params, grads, m, v, step, learning_rate, settings, grad_scale)
    m /= 1 - settings.beta1**step
    v /= 1 - settings.beta2**step


def adamw_scales_mean_only(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    m[...] = settings.beta1 * m + (1 - settings.beta1) * grads * grad_scale
    v[...] = settings.beta2 * v + (1 - settings.beta2) * grads**2
    mhat, vhat = m / (1 - settings.beta1**step), v / (1 - settings.beta2**step)
    params -= learning_rate * (mhat / (np.sqrt(vhat) + settings.eps) + settings.weight_decay * params)


def adamw_step_from_zero(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    adamw_update(params, grads, m, v, step + 1, learning_rate, settings, grad_scale)


def ema_new_array(average, params, decay):
    average = decay * average + (1 - decay) * params


def ema_into_params(average, params, decay):
    params *= 1 - decay
    average *= decay
    average += params


def ema_turned(average, params, decay):
    average[...] = (1 - decay) * average + decay * params


# 15.6


def gradients_plain(network, data, noise, t, words):
    times = t[:, None, None, None, None]
    prediction, cache = network.forward(times * data + (1 - times) * noise, network_time(t), words)
    weight = velocity_weight("data", RectifiedFlow(), t)
    loss, loss_cache = layers.mse_forward(prediction, data, weight)
    dprediction, _ = layers.mse_backward(1.0, loss_cache)
    _, gradients = network.backward(dprediction, cache)
    return loss, gradients


def gradients_by_path(network, data, noise, t, words):
    path = RectifiedFlow()
    prediction, cache = network.forward(path.noised(data, noise, t), 1000 * t, words)
    loss, loss_cache = layers.mse_forward(prediction, data, velocity_weight("data", path, t))
    return float(loss), network.backward(layers.mse_backward(1.0, loss_cache)[0], cache)[1]


def gradients_with(
    mixed=lambda data, noise, t: t * data + (1 - t) * noise,
    time=lambda t: network_time(t),
    target=lambda data, noise: data,
    weight=lambda t: velocity_weight("data", RectifiedFlow(), t),
    back=lambda loss, cache, prediction, data: layers.mse_backward(1.0, cache)[0],
    result=lambda loss, backward: (loss, backward[1]),
):
    """gradients_plain with one mistake."""

    def batch_gradients(network, data, noise, t, words):
        x = mixed(data, noise, t.reshape(-1, 1, 1, 1, 1))
        prediction, cache = network.forward(x, time(t), words)
        loss, loss_cache = layers.mse_forward(prediction, target(data, noise), weight(t))
        dprediction = back(loss, loss_cache, prediction, data)
        return result(loss, network.backward(dprediction, cache))

    return batch_gradients


def gradients_flat_time(network, data, noise, t, words):
    prediction, cache = network.forward(t * data + (1 - t) * noise, network_time(t), words)
    loss, loss_cache = layers.mse_forward(prediction, data, velocity_weight("data", RectifiedFlow(), t))
    return loss, network.backward(layers.mse_backward(1.0, loss_cache)[0], cache)[1]


def gradients_first_clip(network, data, noise, t, words):
    return gradients_plain(network, data[:1], noise[:1], t[:1], words[:1])


def gradients_in_place(network, data, noise, t, words):
    clean, times = data.copy(), t[:, None, None, None, None]
    data *= times
    data += (1 - times) * noise
    prediction, cache = network.forward(data, network_time(t), words)
    loss, loss_cache = layers.mse_forward(prediction, clean, velocity_weight("data", RectifiedFlow(), t))
    return loss, network.backward(layers.mse_backward(1.0, loss_cache)[0], cache)[1]


def gradients_own_noise(network, data, noise, t, words):
    return gradients_plain(network, data, np.random.default_rng().normal(size=data.shape), t, words)


def gradients_takes_a_step(network, data, noise, t, words):
    loss, gradients = gradients_plain(network, data, noise, t, words)
    network.params.flat[...] *= 0.999
    return loss, gradients


def gradients_no_return(network, data, noise, t, words):
    loss, gradients = gradients_plain(network, data, noise, t, words)
    print(loss)


ANSWERS = {
    "own_linear": Answers(
        right=[
            linear(),
            linear(linear_forward=linear_forward_2, linear_backward=linear_backward_2),
            capstone.Parts(linear_forward, linear_backward),
        ],
        wrong=[
            (linear(linear_forward=lambda x, w, b: (x @ w, (x, w))), "forgot the bias"),  # forward: the bias is missing
            # forward: bias subtracted
            (linear(linear_forward=lambda x, w, b: (x @ w - b, (x, w))), "subtracted the bias"),
            # forward: weight transposed
            (linear(linear_forward=lambda x, w, b: (x @ w.T + b, (x, w))), "w transposed"),
            # forward: cache in the wrong order
            (linear(linear_forward=lambda x, w, b: (x @ w + b, (w, x))), "wrong order"),
            (linear(linear_forward=linear_rows_only), "raised an error"),  # forward: x of two axes only
            (linear(linear_forward=linear_keeps_rows), "left as rows"),  # forward: leading axes not restored
            (linear(linear_forward=lambda x, w, b: x @ w + b), "other number of results"),  # forward: no cache
            (
                linear(linear_backward=linear_back_with(db=lambda dy, x, w: dy.sum(axis=0))),
                "summed over one axis only",  # db summed over the first axis only
            ),
            (
                linear(linear_backward=linear_back_with(db=lambda dy, x, w: dy.reshape(-1, w.shape[1]).mean(axis=0))),
                "mean instead of sum",  # db is a mean
            ),
            (
                linear(linear_backward=linear_back_with(db=lambda dy, x, w: np.ones(w.shape[1], dy.dtype))),
                "forgot dy",  # db ignores dy
            ),
            (
                linear(linear_backward=linear_back_with(dw=lambda dy, x, w: x.T @ dy)),
                "raised an error",  # dw: x.T @ dy, for two axes only
            ),
            (
                linear(linear_backward=linear_back_with(dw=lambda dy, x, w: (x.swapaxes(-1, -2) @ dy).mean(axis=0))),
                "summed too much",  # dw: mean over the first axis
            ),
            (
                linear(linear_backward=linear_back_with(dw=lambda dy, x, w: linear_backward(dy, (x, w))[1].T)),
                "missing transpose",  # dw transposed
            ),
            # dx: weight not transposed
            (linear(linear_backward=linear_back_with(dx=lambda dy, x, w: dy @ w)), "not transposed"),
            (
                linear(linear_backward=linear_back_with(dx=lambda dy, x, w: (dy @ w.T).reshape(-1, x.shape[-1]))),
                "left as rows",  # dx: leading axes not restored
            ),
            (
                linear(linear_backward=lambda dy, cache: linear_backward(dy, cache)[::-1]),
                "wrong order",  # gradients in the wrong order: db, dw, dx
            ),
            (
                linear(linear_backward=linear_back_with(dx=lambda dy, x, w: np.ones_like(dy) @ w.T)),
                "w alone",  # dx ignores dy
            ),
        ],
    ),
    "own_modulation": Answers(
        right=[
            modulation(),
            modulation(
                silu_forward=silu_forward_2, silu_backward=silu_backward_2, layernorm_forward=layernorm_forward_2,
                layernorm_backward=layernorm_backward_2,
            ),
        ],
        wrong=[
            (
                modulation(silu_backward=lambda dy, cache: dy * cache[1] * (1 - cache[1])),
                "the sigmoid's slope alone",  # silu_backward: the sigmoid's slope only
            ),
            # silu_backward: second part missing
            (modulation(silu_backward=lambda dy, cache: dy * cache[1]), "half of the product rule"),
            (
                modulation(silu_backward=lambda dy, cache: cache[1] * (1 + cache[0] * (1 - cache[1]))),
                "forgot dy",  # silu_backward ignores dy
            ),
            # silu_backward: value, not slope
            (modulation(silu_backward=lambda dy, cache: dy * cache[0] * cache[1]), "y in place of the slope"),
            (modulation(silu_forward=silu_overflows), "overflow"),  # silu_forward: NaN for large numbers
            (modulation(silu_forward=silu_cache_turned), "wrong order"),  # silu_forward: cache in the wrong order
            (
                modulation(layernorm_forward=layernorm_with(lambda x: x.var(axis=-1, keepdims=True, ddof=1))),
                "divided by D − 1",  # layernorm_forward: divides by D − 1
            ),
            (
                modulation(layernorm_forward=layernorm_with(root=lambda v, eps: np.sqrt(v) + eps)),
                "eps outside the root",  # layernorm_forward: eps outside the root
            ),
            (
                modulation(layernorm_forward=layernorm_with(root=lambda v, eps: np.sqrt(v + 1e-6))),
                "another eps than was given",  # layernorm_forward ignores eps
            ),
            (
                modulation(layernorm_forward=layernorm_with(root=lambda v, eps: v + eps)),
                "divided by the variance",  # layernorm_forward: root forgotten
            ),
            # layernorm_forward: over the tokens
            (modulation(layernorm_forward=layernorm_over_tokens), "axes counted from the front"),
            # layernorm_forward: three axes only
            (modulation(layernorm_forward=layernorm_third_axis), "raised an error"),
            # layernorm_forward changes x in place
            (modulation(layernorm_forward=layernorm_in_place), "changed its input"),
            (
                modulation(layernorm_forward=lambda x, eps=1e-5: layernorm_forward(x, eps)),
                None,  # layernorm_forward: eps is 1e-5 unless it is given
            ),
            (
                modulation(gated_residual_forward=lambda x, h, gate: (x + gate[:, None] * h, (h, gate))),
                "raised an error",  # gated_residual_forward: gate[:, None], right for three axes only
            ),
            (
                modulation(
                    layernorm_backward=lambda d, cache: (
                        cache[1] * (d - cache[0] * (d * cache[0]).mean(axis=-1, keepdims=True))
                    )
                ),
                "missing mean term",  # layernorm_backward: way through the mean is missing
            ),
            (
                modulation(layernorm_backward=lambda d, cache: cache[1] * (d - d.mean(axis=-1, keepdims=True))),
                "missing std term",  # layernorm_backward: way through the deviation is missing
            ),
            # layernorm_backward: direct way only
            (modulation(layernorm_backward=lambda d, cache: cache[1] * d), "only the direct way"),
            (
                modulation(modulate_forward=lambda x, shift, scale: (x * scale[:, None] + shift[:, None],)
                           + ((x, scale[:, None]),)),
                "forgot one plus",  # modulate_forward: 1 + is missing
            ),
            (
                modulation(modulate_forward=lambda x, scale, shift: modulate_forward(x, shift, scale)),
                "scale and shift swapped",  # modulate_forward: shift and scale swapped
            ),
            (
                modulation(modulate_forward=lambda x, shift, scale: (modulate_forward(x, shift, scale)[0],)
                           + ((x, 1 + scale),)),
                "gain without an axis for the tokens",  # modulate_forward: gain in the cache has no axis for the tokens
            ),
            (
                modulation(modulate_backward=modulate_back_with(dscale=lambda dy, x, gain: (dy * x).sum(axis=0))),
                "summed over the batch instead of the tokens",  # modulate_backward: dscale summed over samples
            ),
            (
                modulation(modulate_backward=modulate_back_with(dshift=lambda dy, x, gain: dy.mean(axis=1))),
                "mean instead of sum",  # modulate_backward: dshift is a mean
            ),
            (
                modulation(modulate_backward=modulate_back_with(dx=lambda dy, x, gain: dy * (1 + gain))),
                "one plus twice",  # modulate_backward: 1 added twice
            ),
            # gated_residual_forward changes x in place
            (modulation(gated_residual_forward=gated_in_place), "changed its input"),
            (
                modulation(gated_residual_forward=lambda x, h, gate: (gate[..., None, :] * h, (h, gate))),
                "forgot the residual",  # gated_residual_forward: residual forgotten
            ),
            (
                modulation(gated_residual_backward=gated_back_with(dx=lambda dy, h, gate: dy * gate[..., None, :])),
                "gate on the residual",  # gated_residual_backward: dx gated too
            ),
            (
                modulation(gated_residual_backward=gated_back_with(dgate=lambda dy, h, gate: (dy * h).mean(axis=-2))),
                "mean instead of sum",  # gated_residual_backward: dgate is a mean
            ),
            (
                modulation(gated_residual_backward=gated_back_with(dgate=lambda dy, h, gate: (dy * h).sum(axis=1))),
                "axes counted from the front",  # gated_residual_backward: dgate sums axis 1, right for three axes only
            ),
        ],
    ),
    "own_attention": Answers(
        right=[
            attention(),
            attention(attention_forward=attention_forward_2),
            attention(attention_backward=lambda dy, cache: attention_backward(dy, cache)),
        ],
        wrong=[
            # softmax_forward: maximum not subtracted
            (attention(softmax_forward=softmax_without_maximum), "not stabilised"),
            # softmax_forward: the largest of all subtracted
            (attention(softmax_forward=softmax_maximum_of_all), "one maximum for all"),
            (attention(softmax_forward=softmax_of_all), "one sum for all"),  # softmax_forward: sum of all entries
            # softmax_forward: axis 1 instead of the last
            (attention(softmax_forward=softmax_second_axis), "axes counted from the front"),
            (attention(softmax_forward=softmax_in_place), "changed its input"),  # softmax_forward changes x in place
            (attention(softmax_forward=softmax_bare_cache), "other structure"),  # softmax_forward: cache is not a tuple
            (
                attention(softmax_backward=lambda dy, cache: dy * cache[0] * (1 - cache[0])),
                "only its own weight",  # softmax_backward: dy · y · (1 − y)
            ),
            (
                attention(softmax_backward=lambda dy, cache: cache[0] * (dy - dy.sum(axis=-1, keepdims=True))),
                "plain sum",  # softmax_backward: average not weighted
            ),
            (
                attention(
                    softmax_backward=lambda dy, cache: (
                        cache[0] * (dy - (dy * cache[0]).mean(axis=-1, keepdims=True))
                    )
                ),
                "mean instead of sum",  # softmax_backward: mean instead of the weighted sum
            ),
            (
                attention(softmax_backward=lambda dy, cache: cache[0] * (dy - (dy * cache[0]).sum())),
                "one sum for all",  # softmax_backward: sum over everything
            ),
            (
                attention(softmax_backward=lambda dy, cache: dy - (dy * cache[0]).sum(axis=-1, keepdims=True)),
                "forgot the outer factor",  # softmax_backward: not multiplied by y
            ),
            # attention_forward: not divided by √d
            (attention(attention_forward=attention_with(lambda q, k: 1)), "forgot 1/√d"),
            # attention_forward: divided by d
            (attention(attention_forward=attention_with(lambda q, k: q.shape[-1])), "divided by d"),
            (
                attention(attention_forward=attention_with(lambda q, k: k.shape[-2] ** 0.5)),
                "√ of the number of keys",  # attention_forward: d taken from the number of keys
            ),
            # attention_forward: mask ignored
            (attention(attention_forward=attention_with(mask=lambda s, m: s)), "forgot the mask"),
            (
                attention(attention_forward=attention_with(mask=lambda s, m: np.where(m[..., None, None, :], s, 0))),
                "masked scores set to zero",  # attention_forward: masked scores 0 instead of −∞
            ),
            (
                attention(
                    attention_forward=attention_with(mask=lambda s, m: np.where(m[..., None, None, :], -np.inf, s))
                ),
                "mask inverted",  # attention_forward: mask the wrong way round
            ),
            (
                attention(
                    attention_forward=attention_with(
                        mask=lambda s, m: s, ending=lambda weights, m: weights * m[..., None, None, :]
                    )
                ),
                "mask after softmax",  # attention_forward: mask after the softmax
            ),
            (
                attention(attention_forward=attention_with(mask=lambda s, m: np.where(m[:, None, None], s, -np.inf))),
                None,  # attention_forward: mask right with one leading axis only
            ),
            # attention_forward changes q in place
            (attention(attention_forward=attention_scales_q_in_place), "changed its input"),
            (
                attention(softmax_backward=lambda dy, cache: softmax_backward(np.ones_like(dy), cache)),
                "all zeros",  # softmax_backward ignores dy
            ),
            # attention_forward: softmax over the queries
            (attention(attention_forward=attention_over_queries), "softmax along the wrong axis"),
            (
                attention(attention_backward=attention_back_with(dscores=lambda dw, w: dw * w)),
                "softmax: not through the sum",  # attention_backward: softmax's average is missing
            ),
            (
                attention(attention_backward=attention_back_with(dq=lambda ds, k: ds @ k * k.shape[-1] ** 0.5)),
                "1/√d for one of the two",  # attention_backward: dq not divided by √d
            ),
            (
                attention(attention_backward=attention_back_with(dk=lambda ds, q: ds @ q)),
                "missing transpose",  # attention_backward: dscores not transposed for dk
            ),
            (
                attention(attention_backward=attention_back_with(dv=lambda w, dy: w @ dy)),
                "missing transpose",  # attention_backward: weights not transposed for dv
            ),
            # attention_backward: dq and dk swapped
            (attention(attention_backward=attention_back_turned), "wrong order"),
        ],
    ),
    "own_feed_forward": Answers(
        right=[
            feed_forward(),
            feed_forward(gelu_backward=gelu_backward_2),
            feed_forward(feedforward_forward=feedforward_forward_2, feedforward_backward=feedforward_backward_2),
        ],
        wrong=[
            (
                feed_forward(gelu_forward=gelu_with(lambda x: 1 + np.tanh(ROOT * x))),
                "forgot the cubic term",  # gelu_forward: cubic term is missing
            ),
            (
                feed_forward(gelu_forward=gelu_with(lambda x: 1 + np.tanh(2**0.5 / math.pi * (x + 0.044715 * x**3)))),
                "√2/π",  # gelu_forward: root of the 2 only
            ),
            (
                feed_forward(gelu_forward=gelu_with(lambda x: 1 + np.tanh(ROOT * x + 0.044715 * x**3))),
                "factor on x only",  # gelu_forward: root multiplies the first term only
            ),
            (
                feed_forward(gelu_forward=gelu_with(lambda x: 1 + np.tanh(ROOT * (x + 0.44715 * x**3)))),
                "0.44715",  # gelu_forward: 0.44715 instead of 0.044715
            ),
            (
                feed_forward(
                    gelu_forward=gelu_with(
                        lambda x: np.tanh(ROOT * (x + 0.044715 * x**3)), lambda x, gate: 0.5 * x * (1 + gate)
                    )
                ),
                "kept the tanh",  # gelu_forward: cached gate lacks the 1
            ),
            (
                feed_forward(
                    gelu_forward=gelu_with(
                        lambda x: 1 + np.tanh(ROOT * (x + 0.044715 * x**3)), lambda x, gate: x * gate
                    )
                ),
                "forgot the ½",  # gelu_forward: the half is missing
            ),
            (feed_forward(gelu_forward=gelu_caches_y), "kept y"),  # gelu_forward: cache holds y, not the gate
            (
                feed_forward(gelu_forward=gelu_with(lambda x: 1 + np.vectorize(math.erf)(x / 2**0.5))),
                "exact GELU",  # gelu_forward: the exact GELU, not the one with tanh
            ),
            (
                feed_forward(
                    gelu_forward=gelu_with(
                        lambda x: 1 + np.tanh(ROOT * (x + 0.044715 * x**3)), lambda x, gate: np.maximum(x, 0)
                    )
                ),
                "ReLU",  # gelu_forward: a ReLU
            ),
            # gelu_backward: gate's part missing
            (feed_forward(gelu_backward=lambda dy, cache: 0.5 * dy * cache[1]), "half of the product rule"),
            (
                feed_forward(gelu_backward=lambda dy, cache: gelu_backward(np.ones_like(dy), cache)),
                "forgot dy",  # gelu_backward ignores dy
            ),
            (
                feed_forward(gelu_backward=lambda dy, cache: dy * 0.5 * cache[0] * cache[1]),
                "GELU's value instead of its slope",  # gelu_backward: GELU's value for its slope
            ),
            (
                feed_forward(
                    gelu_backward=lambda dy, cache: (
                        0.5 * dy * (cache[1] + cache[0] * (1 - (cache[1] - 1) ** 2) * ROOT
                                    * (1 + 0.044715 * cache[0] ** 2))
                    )
                ),
                "forgot the 3",  # gelu_backward: the 3 of the cubic term is missing
            ),
            (
                feed_forward(
                    gelu_backward=lambda dy, cache: (
                        0.5 * dy * (cache[1] + cache[0] * (1 - cache[1] ** 2) * ROOT * (1 + 0.134145 * cache[0] ** 2))
                    )
                ),
                "gate taken for tanh",  # gelu_backward: takes the gate for the tanh
            ),
            (feed_forward(feedforward_forward=feedforward_linear), "no GELU"),  # feedforward_forward: GELU not used
            (feed_forward(feedforward_forward=feedforward_residual), "residual added"),  # feedforward_forward: adds x
            # feedforward_forward: caches reversed
            (feed_forward(feedforward_forward=feedforward_cache_turned), "wrong order"),
            (
                feed_forward(feedforward_backward=feedforward_back_without_gelu),
                "skipped GELU",  # feedforward_backward: GELU left out
            ),
            (
                feed_forward(feedforward_backward=feedforward_back_turned),
                "wrong order",  # feedforward_backward: second map's gradients first
            ),
            (
                feed_forward(feedforward_backward=feedforward_back_dy_to_gelu),
                # feedforward_backward: GELU's slope without the gradient that came in
                "GELU's slope without the gradient",
            ),
        ],
    ),
    "own_optimizer": Answers(
        right=[
            optimization(),
            optimization(
                adamw_update=adamw_update_2, ema_update=ema_update_2,
                clip_scale=lambda squared_norm, limit: np.minimum(1.0, limit / (np.sqrt(squared_norm) + 1e-6)),
            ),
            optimization(clip_scale=lambda squared_norm, limit: 1.0 if math.sqrt(squared_norm) + 1e-6 <= limit
                         else limit / (math.sqrt(squared_norm) + 1e-6)),
        ],
        wrong=[
            # mse_forward: sum instead of mean
            (optimization(mse_forward=mse_with(lambda w, d: (w * d).sum())), "sum instead of mean"),
            # mse_forward: weight squared
            (optimization(mse_forward=mse_with(lambda w, d: (w * w).mean())), "weight twice"),
            # mse_forward: not squared
            (optimization(mse_forward=mse_with(lambda w, d: abs(w).mean())), "absolute error"),
            (optimization(mse_forward=mse_with(lambda w, d: 0.5 * (w * d).mean())), "half"),  # mse_forward: halved
            (optimization(mse_forward=mse_without_weight), "weight ignored"),  # mse_forward ignores the weight
            # mse_forward: cache without the weight
            (optimization(mse_forward=mse_unweighted_cache), "kept the plain error"),
            # mse_forward: weight for five axes only
            (optimization(mse_forward=mse_five_axes), "a number of axes typed in"),
            (
                optimization(mse_backward=lambda dloss, cache: (dloss * cache[0] / cache[0].size,)
                             + (-dloss * cache[0] / cache[0].size,)),
                "forgot the 2",  # mse_backward: the 2 is missing
            ),
            (
                optimization(mse_backward=lambda dloss, cache: (2 * dloss * cache[0], -2 * dloss * cache[0])),
                "not divided by N",  # mse_backward: not divided by the count
            ),
            (
                optimization(mse_backward=lambda dloss, cache: (mse_backward(dloss, cache)[0],) * 2),
                "no minus for the target",  # mse_backward: dtarget has the wrong sign
            ),
            (
                optimization(mse_backward=lambda dloss, cache: mse_backward(1.0, cache)),
                "dloss ignored",  # mse_backward ignores dloss
            ),
            (
                optimization(mse_backward=lambda dloss, cache: (2 * dloss * cache[0] / len(cache[0]),)
                             + (-2 * dloss * cache[0] / len(cache[0]),)),
                "divided by another length",  # mse_backward: divided by the number of clips only
            ),
            (
                optimization(clip_scale=lambda squared_norm, limit: limit / (squared_norm**0.5 + 1e-6)),
                "lengthens short gradients",  # clip_scale: short gradients are made longer
            ),
            (
                optimization(clip_scale=lambda squared_norm, limit: min(1.0, limit / (squared_norm + 1e-6))),
                "forgot the root",  # clip_scale: root forgotten
            ),
            (
                optimization(clip_scale=lambda squared_norm, limit: min(1.0, limit / (squared_norm + 1e-6) ** 0.5)),
                "forgot the 1e-6",  # clip_scale: 10⁻⁶ under the root
            ),
            (
                optimization(clip_scale=lambda squared_norm, limit: min(limit, limit / (squared_norm**0.5 + 1e-6))),
                # clip_scale: at most the limit instead of 1
                ("another limit of the factor", "lengthens short gradients"),
            ),
            (
                optimization(clip_scale=lambda squared_norm, limit: min(1.0, 1 / (squared_norm**0.5 + 1e-6))),
                "limit ignored",  # clip_scale ignores max_grad_norm
            ),
            (optimization(adamw_update=adamw_with(plus=True)), "uphill"),  # adamw_update: steps uphill
            # adamw_update: no bias correction
            (optimization(adamw_update=adamw_with(correction=False)), "no bias correction"),
            (optimization(adamw_update=adamw_with(eps=1e-8)), "eps typed in"),  # adamw_update: eps hard-coded
            # adamw_update: eps under the root
            (optimization(adamw_update=adamw_with(inside=True)), "eps beneath the root"),
            # adamw_update: no weight decay
            (optimization(adamw_update=adamw_with(decay=False)), "weight decay forgotten"),
            # adamw_update: weight decay as part of the gradient
            (optimization(adamw_update=adamw_with(l2=True)), "weight decay in the gradient"),
            # adamw_update ignores grad_scale
            (optimization(adamw_update=adamw_with(scale=False)), "grad_scale ignored"),
            # adamw_update: beta1 and beta2 swapped
            (optimization(adamw_update=adamw_with(turned=True)), "betas swapped"),
            (optimization(adamw_update=adamw_with(root=False)), "forgot the root"),  # adamw_update: root of v forgotten
            # adamw_update: params not changed in place
            (optimization(adamw_update=adamw_new_array), "params not kept"),
            # adamw_update: m and v not changed in place
            (optimization(adamw_update=adamw_forgets_moments), "moments not kept"),
            (optimization(adamw_update=adamw_scales_grads), "changed its input"),  # adamw_update changes grads
            # adamw_update: decays what has been moved already
            (optimization(adamw_update=adamw_decays_after), "decay of the moved parameters"),
            # adamw_update: corrected means written back
            (optimization(adamw_update=adamw_corrects_in_place), "corrected means kept"),
            # adamw_update: grad_scale for m only
            (optimization(adamw_update=adamw_scales_mean_only), "grad_scale in m only"),
            (
                optimization(clip_scale=lambda squared_norm, limit: min(1.0, limit / max(squared_norm**0.5, 1e-6))),
                "forgot the 1e-6",  # clip_scale: 10⁻⁶ not added
            ),
            (optimization(adamw_update=adamw_step_from_zero), "step one too far"),  # adamw_update: counts steps from 0
            (optimization(ema_update=ema_new_array), "nothing changed"),  # ema_update: not in place
            (optimization(ema_update=ema_into_params), "changed its input"),  # ema_update changes params
            # ema_update: decay at the new parameters
            (optimization(ema_update=ema_turned), "decay and 1 − decay swapped"),
        ],
    ),
    "batch_gradients": Answers(
        right=[gradients_plain, gradients_by_path, gradients_with()],
        wrong=[
            (gradients_with(target=lambda data, noise: noise), "noise as the target"),  # target is the noise
            # target is the velocity
            (gradients_with(target=lambda data, noise: data - noise), "velocity as the target"),
            (gradients_with(weight=lambda t: None), "not weighted"),  # no weight
            # weight for noise
            (gradients_with(weight=lambda t: velocity_weight("noise", RectifiedFlow(), t)), "weighted as noise"),
            # weight for velocity
            (gradients_with(weight=lambda t: velocity_weight("velocity", RectifiedFlow(), t)), "not weighted"),
            # weight without its floor: infinite near t = 1
            (gradients_with(weight=lambda t: 1 / (1 - t) ** 2), "another weight"),
            (gradients_with(weight=lambda t: t), "another weight"),  # t as the weight
            (gradients_with(time=lambda t: t), "t from 0 to 1"),  # network gets t instead of 1000 t
            # network gets the time of the papers
            (gradients_with(time=lambda t: network_time(1 - t)), "time of the papers"),
            (gradients_with(mixed=lambda data, noise, t: data), "clean data went in"),  # network sees the clean data
            (gradients_with(mixed=lambda data, noise, t: noise), "noise alone went in"),  # network sees the noise alone
            # mixed the other way round
            (gradients_with(mixed=lambda data, noise, t: (1 - t) * data + t * noise), "data and noise swapped"),
            # data not scaled by t
            (gradients_with(mixed=lambda data, noise, t: data + (1 - t) * noise), "data at full strength"),
            (gradients_with(mixed=lambda data, noise, t: t[0] * data + (1 - t[0]) * noise), "first clip's t for all"),
            (gradients_with(back=lambda loss, cache, p, data: layers.mse_backward(loss, cache)[0]), "loss as dloss"),
            # prediction − data, not mse_backward
            (gradients_with(back=lambda loss, cache, p, data: p - data), "mse_backward left out"),
            # passes both
            (gradients_with(back=lambda loss, cache, p, data: layers.mse_backward(1.0, cache)), "raised an error"),
            # passes dtarget
            (gradients_with(back=lambda loss, cache, p, data: layers.mse_backward(1.0, cache)[1]), "sign"),
            # returns dx too, in a tuple
            (gradients_with(result=lambda loss, backward: (loss, backward)), "other structure"),
            # returns dx instead of the gradients
            (gradients_with(result=lambda loss, backward: (loss, backward[0])), "other structure"),
            # order swapped
            (gradients_with(result=lambda loss, backward: (backward[1], loss)), ("wrong order", "not an array")),
            (gradients_with(result=lambda loss, backward: backward[1]), "other number of results"),  # loss not returned
            (gradients_flat_time, "t along the channels"),  # t not given further axes
            (gradients_first_clip, "first clip only"),
            (gradients_in_place, "changed its input"),  # changes data in place
            (gradients_own_noise, "other numbers each time"),  # draws its own noise
            (
                gradients_with(weight=lambda t: (lambda w: w / w.mean())(velocity_weight("data", RectifiedFlow(), t))),
                "weights divided",  # weights divided by their mean
            ),
            (gradients_takes_a_step, "changed its input"),  # moves the network's parameters
            (gradients_no_return, "printed, not returned"),  # prints the loss, returns nothing
        ],
    ),
}
