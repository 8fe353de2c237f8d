"""Lesson 11: answers as students write them."""

import math

import numpy as np
from answers_of import Answers

# ------------------------------------------------------------------------------------------------ by hand

ERROR = [[-1, 1, 0, 1], [-2, 0, 0, 0]]
RED = [[14, 12, 1], [-4, -12, -2]]

# ---------------------------------------------------------------------------------------------------- the loss


def mse_by_loop(prediction, target, weight=None):
    weighted, total = np.zeros_like(prediction), 0.0
    for index in np.ndindex(prediction.shape):
        error = prediction[index] - target[index]
        weighted[index] = error if weight is None else weight[index[0]] * error
        total += weighted[index] * error
    return total / prediction.size, (weighted,)


def mse_by_einsum(prediction, target, weight=None):
    if weight is None:
        weight = np.ones(len(prediction))
    error = prediction - target
    weighted = np.einsum("b,b...->b...", weight, error)
    return np.vdot(weighted, error) / error.size, (weighted,)


def mse_transposing(prediction, target, weight=None):
    error = prediction - target
    weighted = error if weight is None else (error.T * weight).T
    return np.mean(weighted * error), (weighted,)


def mse_sum(prediction, target, weight=None):
    error = prediction - target
    weighted = error if weight is None else (error.T * weight).T
    return np.sum(weighted * error), (weighted,)


def mse_over_samples(prediction, target, weight=None):
    error = prediction - target
    weighted = error if weight is None else (error.T * weight).T
    return np.sum(weighted * error) / len(error), (weighted,)


def mse_unweighted(prediction, target, weight=None):
    error = prediction - target
    return np.mean(error**2), (error,)


def mse_weight_squared(prediction, target, weight=None):
    error = prediction - target
    weighted = error if weight is None else (error.T * weight).T
    return np.mean(weighted**2), (weighted,)


def mse_normalised(prediction, target, weight=None):
    error = prediction - target
    weighted = error if weight is None else (error.T * weight).T
    loss = np.mean(weighted * error)
    return loss if weight is None else loss / weight.mean(), (weighted,)


def mse_keeps_error(prediction, target, weight=None):
    error = prediction - target
    weighted = error if weight is None else (error.T * weight).T
    return np.mean(weighted * error), (error,)


def mse_reversed(prediction, target, weight=None):
    error = target - prediction
    weighted = error if weight is None else (error.T * weight).T
    return np.mean(weighted * error), (weighted,)


def mse_half(prediction, target, weight=None):
    error = prediction - target
    weighted = error if weight is None else (error.T * weight).T
    return 0.5 * np.mean(weighted * error), (weighted,)


def mae(prediction, target, weight=None):
    error = prediction - target
    weighted = error if weight is None else (error.T * weight).T
    return np.mean(np.abs(weighted)), (weighted,)


def mse_last_axis_only(prediction, target, weight=None):
    error = prediction - target
    weighted = error if weight is None else error * weight[:, None]
    return np.mean(weighted * error), (weighted,)


def backward_by_loop(dloss, cache):
    (weighted,) = cache
    dprediction = np.empty_like(weighted)
    for index in np.ndindex(weighted.shape):
        dprediction[index] = 2 * dloss * weighted[index] / weighted.size
    return dprediction, 0 - dprediction


def backward_from_sum(dloss, cache):
    (weighted,) = cache
    dsum = dloss / np.prod(weighted.shape)
    return weighted * dsum + weighted * dsum, weighted * (-2 * dsum)


def backward_no_two(dloss, cache):
    (weighted,) = cache
    d = dloss * weighted / weighted.size
    return d, -d


def backward_no_mean(dloss, cache):
    (weighted,) = cache
    d = dloss * 2 * weighted
    return d, -d


def backward_per_sample(dloss, cache):
    (weighted,) = cache
    d = dloss * 2 * weighted / len(weighted)
    return d, -d


def backward_no_dloss(dloss, cache):
    (weighted,) = cache
    d = 2 * weighted / weighted.size
    return d, -d


def backward_same_sign(dloss, cache):
    (weighted,) = cache
    d = dloss * 2 * weighted / weighted.size
    return d, d


def backward_zero_target(dloss, cache):
    (weighted,) = cache
    d = dloss * 2 * weighted / weighted.size
    return d, np.zeros_like(d)


def backward_swapped(dloss, cache):
    dprediction, dtarget = backward_by_loop(dloss, cache)
    return dtarget, dprediction


def backward_alone(dloss, cache):
    return backward_by_loop(dloss, cache)[0]


# ---------------------------------------------------------------------------------------------------- clipping


def clip_by_branch(squared_norm, max_grad_norm):
    norm = math.sqrt(squared_norm) + 1e-6
    if norm <= max_grad_norm:
        return 1.0
    return max_grad_norm / norm


def clip_by_maximum(squared_norm, max_grad_norm):
    return max_grad_norm / np.maximum(np.sqrt(squared_norm) + 1e-6, max_grad_norm)


def clip_no_root(squared_norm, max_grad_norm):
    return min(1.0, max_grad_norm / (squared_norm + 1e-6))


def clip_no_min(squared_norm, max_grad_norm):
    return max_grad_norm / (np.sqrt(squared_norm) + 1e-6)


def clip_max(squared_norm, max_grad_norm):
    return max(max_grad_norm / (np.sqrt(squared_norm) + 1e-6), 1.0)


def clip_upside_down(squared_norm, max_grad_norm):
    return min(1.0, np.sqrt(squared_norm) / max_grad_norm)


def clip_no_eps(squared_norm, max_grad_norm):
    return np.minimum(1.0, np.float64(max_grad_norm) / np.sqrt(squared_norm))


def clip_norm(squared_norm, max_grad_norm):
    return min(np.sqrt(squared_norm), max_grad_norm)


def clip_divisor(squared_norm, max_grad_norm):
    return max(1.0, (squared_norm**0.5 + 1e-6) / max_grad_norm)


# ------------------------------------------------------------------------------------------------------- AdamW


def adamw_in_scalars(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    # the two corrections as numbers, as in the paper's remark on efficiency
    g = grads * grad_scale
    m += (1 - settings.beta1) * (g - m)
    v += (1 - settings.beta2) * (g * g - v)
    root = math.sqrt(1 - settings.beta2**step)
    params -= learning_rate * settings.weight_decay * params
    params -= learning_rate * root / (1 - settings.beta1**step) * m / (np.sqrt(v) + settings.eps * root)


def adamw_by_loop(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    for i in range(len(params)):
        g = grads[i] * grad_scale
        m[i] = settings.beta1 * m[i] + (1 - settings.beta1) * g
        v[i] = settings.beta2 * v[i] + (1 - settings.beta2) * g**2
        mean, square = m[i] / (1 - settings.beta1**step), v[i] / (1 - settings.beta2**step)
        params[i] -= learning_rate * (mean / (square**0.5 + settings.eps) + settings.weight_decay * params[i])


def adamw_that_returns(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    adamw_by_loop(params, grads, m, v, step, learning_rate, settings, grad_scale)
    return params


def adamw_rebinds(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grads * grad_scale
    m = settings.beta1 * m + (1 - settings.beta1) * g
    v = settings.beta2 * v + (1 - settings.beta2) * g**2
    mean, square = m / (1 - settings.beta1**step), v / (1 - settings.beta2**step)
    decay = learning_rate * settings.weight_decay * params
    params = params - decay - learning_rate * mean / (np.sqrt(square) + settings.eps)
    return params, m, v


def adamw_forgets_moments(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grads * grad_scale
    m = settings.beta1 * m + (1 - settings.beta1) * g
    v = settings.beta2 * v + (1 - settings.beta2) * g**2
    mean, square = m / (1 - settings.beta1**step), v / (1 - settings.beta2**step)
    params *= 1 - learning_rate * settings.weight_decay
    params -= learning_rate * mean / (np.sqrt(square) + settings.eps)


def adam_uncorrected(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grads * grad_scale
    m[...] = settings.beta1 * m + (1 - settings.beta1) * g
    v[...] = settings.beta2 * v + (1 - settings.beta2) * g**2
    params *= 1 - learning_rate * settings.weight_decay
    params -= learning_rate * m / (np.sqrt(v) + settings.eps)


def adam_with_l2(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grads * grad_scale + settings.weight_decay * params
    m[...] = settings.beta1 * m + (1 - settings.beta1) * g
    v[...] = settings.beta2 * v + (1 - settings.beta2) * g**2
    mean, square = m / (1 - settings.beta1**step), v / (1 - settings.beta2**step)
    params -= learning_rate * mean / (np.sqrt(square) + settings.eps)


def adamw_eps_inside(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grads * grad_scale
    m[...] = settings.beta1 * m + (1 - settings.beta1) * g
    v[...] = settings.beta2 * v + (1 - settings.beta2) * g**2
    mean, square = m / (1 - settings.beta1**step), v / (1 - settings.beta2**step)
    params *= 1 - learning_rate * settings.weight_decay
    params -= learning_rate * mean / np.sqrt(square + settings.eps)


def adamw_no_root(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grads * grad_scale
    m[...] = settings.beta1 * m + (1 - settings.beta1) * g
    v[...] = settings.beta2 * v + (1 - settings.beta2) * g**2
    mean, square = m / (1 - settings.beta1**step), v / (1 - settings.beta2**step)
    params *= 1 - learning_rate * settings.weight_decay
    params -= learning_rate * mean / (square + settings.eps)


def adamw_sums(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grads * grad_scale
    m[...] = settings.beta1 * m + g
    v[...] = settings.beta2 * v + g**2
    mean, square = m / (1 - settings.beta1**step), v / (1 - settings.beta2**step)
    params *= 1 - learning_rate * settings.weight_decay
    params -= learning_rate * mean / (np.sqrt(square) + settings.eps)


def adamw_one_correction(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grads * grad_scale
    m[...] = settings.beta1 * m + (1 - settings.beta1) * g
    v[...] = settings.beta2 * v + (1 - settings.beta2) * g**2
    mean, square = m / (1 - settings.beta1), v / (1 - settings.beta2)
    params *= 1 - learning_rate * settings.weight_decay
    params -= learning_rate * mean / (np.sqrt(square) + settings.eps)


def adamw_no_scale(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    adamw_by_loop(params, grads, m, v, step, learning_rate, settings)


def adamw_scales_grads(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    grads *= grad_scale
    adamw_by_loop(params, grads, m, v, step, learning_rate, settings)


def adam_without_w(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grads * grad_scale
    m[...] = settings.beta1 * m + (1 - settings.beta1) * g
    v[...] = settings.beta2 * v + (1 - settings.beta2) * g**2
    mean, square = m / (1 - settings.beta1**step), v / (1 - settings.beta2**step)
    params -= learning_rate * mean / (np.sqrt(square) + settings.eps)


def adamw_uphill(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grads * grad_scale
    m[...] = settings.beta1 * m + (1 - settings.beta1) * g
    v[...] = settings.beta2 * v + (1 - settings.beta2) * g**2
    mean, square = m / (1 - settings.beta1**step), v / (1 - settings.beta2**step)
    params *= 1 - learning_rate * settings.weight_decay
    params += learning_rate * mean / (np.sqrt(square) + settings.eps)


def adamw_counts_from_zero(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    adamw_by_loop(params, grads, m, v, step + 1, learning_rate, settings, grad_scale)


def plain_descent(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    params -= learning_rate * grad_scale * grads


# -------------------------------------------------------------------------------------------------- moving average


def ema_by_weights(average, params, decay):
    average *= decay
    average += (1 - decay) * params


def ema_by_slice(average, params, decay):
    average[:] = params + decay * (average - params)


def ema_by_loop(average, params, decay):
    for i in range(len(average)):
        average[i] = average[i] * decay + params[i] * (1 - decay)


def ema_rebinds(average, params, decay):
    average = decay * average + (1 - decay) * params
    return average


def ema_swapped(average, params, decay):
    average[...] = (1 - decay) * average + decay * params


def ema_grows(average, params, decay):
    average += (1 - decay) * params


def ema_away(average, params, decay):
    average -= (1 - decay) * (params - average)


def ema_copies(average, params, decay):
    average[...] = params


def ema_moves_params(average, params, decay):
    params[...] = decay * average + (1 - decay) * params


def ema_full_params(average, params, decay):
    average *= decay
    average += params


ANSWERS = {
    "step_11_loss_gradient": Answers(
        right=[ERROR, np.array(ERROR)],
        wrong=[
            ([[1, -1, 0, -1], [2, 0, 0, 0]], "sign"),
            ([[-3, 3, 0, -1], [-4, 2, -2, -2]], "added instead of subtracted"),
            ([[1, 1, 0, 1], [4, 0, 0, 0]], "squared errors"),
            ([[1, 1, 0, 1], [2, 0, 0, 0]], "size of the errors"),
            ([[-2, 2, 0, 2], [-4, 0, 0, 0]], "doubled"),
            ([[-1, 1, 0, -1], [-2, 0, 0, 0]], None),
        ],
    ),
    "step_11_feed_forward_gradients": Answers(
        right=[RED, np.array(RED, float)],
        wrong=[
            ([[14, -4, 1], [12, -12, -2]], "dW transposed"),
            ([[3.5, 3, 0.25], [-1, -3, -0.5]], "mean instead of sum"),
            ([[14, 12, 0.25], [-4, -12, -0.5]], "mean instead of sum"),
            ([[1, -1, 1], [-2, -4, -2]], "before the pooling"),
            ([[-14, -12, -1], [4, 12, 2]], "sign"),
            ([[14, 12, 4], [-4, -12, 12]], "db of the pooled latent"),
            ([[14, 12], [-4, -12]], "db missing"),
        ],
    ),
    "mse_forward": Answers(
        right=[mse_by_loop, mse_by_einsum, mse_transposing],
        wrong=[
            (mse_sum, "sum instead of mean"),
            (mse_over_samples, "divided by the clips"),
            (mse_unweighted, "weight ignored"),
            (mse_weight_squared, "weight twice"),
            (mse_normalised, "divided by the weights"),
            (mse_keeps_error, "kept the plain error"),
            (mse_reversed, "error the wrong way round"),
            (mse_half, "half"),
            (mae, "absolute error"),
            (mse_last_axis_only, None),
        ],
    ),
    "mse_backward": Answers(
        right=[backward_by_loop, backward_from_sum],
        wrong=[
            (backward_no_two, "forgot the 2"),
            (backward_no_mean, "not divided by N"),
            (backward_per_sample, "divided by another length"),
            (backward_no_dloss, "dloss ignored"),
            (backward_same_sign, "no minus for the target"),
            (backward_zero_target, "no gradient for the target"),
            (backward_swapped, ("sign", "wrong order")),
            (backward_alone, None),
        ],
    ),
    "clip_scale": Answers(
        right=[clip_by_branch, clip_by_maximum],
        wrong=[
            (clip_no_root, "forgot the root"),
            (clip_no_min, "lengthens short gradients"),
            (clip_max, "max instead of min"),
            (clip_upside_down, "upside down"),
            (clip_no_eps, "forgot the 1e-6"),
            (clip_norm, "the norm itself"),
            (clip_divisor, "inverse of it"),
        ],
    ),
    "adamw_update": Answers(
        right=[adamw_in_scalars, adamw_by_loop, adamw_that_returns],
        wrong=[
            (adamw_rebinds, "nothing changed"),
            (adamw_forgets_moments, "moments not kept"),
            (adam_uncorrected, "no bias correction"),
            (adam_with_l2, "weight decay in the gradient"),
            (adamw_eps_inside, "eps beneath the root"),
            (adamw_no_root, "forgot the root"),
            (adamw_sums, "forgot 1 − β"),
            (adamw_one_correction, "correction without the step"),
            (adamw_no_scale, "grad_scale ignored"),
            (adamw_scales_grads, "changed its input"),
            (adam_without_w, "weight decay forgotten"),
            (adamw_uphill, "uphill"),
            (adamw_counts_from_zero, "step one too far"),
            (plain_descent, None),
        ],
    ),
    "ema_update": Answers(
        right=[ema_by_weights, ema_by_slice, ema_by_loop],
        wrong=[
            (ema_rebinds, "nothing changed"),
            (ema_swapped, "decay and 1 − decay swapped"),
            (ema_grows, "old average not faded"),
            (ema_away, "away from the parameters"),
            (ema_copies, "a copy"),
            (ema_moves_params, ("nothing changed", "changed its input")),
            (ema_full_params, "forgot 1 − decay"),
        ],
    ),
}
