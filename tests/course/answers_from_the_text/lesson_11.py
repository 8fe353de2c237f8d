"""Answers to lesson 11's exercises, written from its text alone."""

import math

import numpy as np
from answers_of import Answers

PREDICTED = np.array([[-2, 2, 0, 0], [-3, 1, -1, -1]])
ACTUAL = np.array([[-1, 1, 0, -1], [-1, 1, -1, -1]])
POOLED = np.array([[2, 10, -14, 6], [6, 10, -12, 8]])
ERROR = [[-1, 1, 0, 1], [-2, 0, 0, 0]]
RED = [[14, 12, 1], [-4, -12, -2]]


def red(error=ERROR, pooled=POOLED, bias=None):
    """dW and db side by side."""
    error = np.array(error)
    db = error.sum(axis=1, keepdims=True) if bias is None else np.array(bias)
    return np.hstack([error @ pooled.T, db]).tolist()


# 11.3 mean squared error
def mse_clip_by_clip(prediction, target, weight=None):
    error = prediction - target
    weighted = error.copy()
    if weight is not None:
        for i in range(len(error)):
            weighted[i] *= weight[i]
    return np.sum(weighted * error) / error.size, (weighted,)


def mse_by_einsum(prediction, target, weight=None):
    error = prediction - target
    weighted = error if weight is None else np.einsum("b...,b->b...", error, weight)
    return [np.vdot(weighted, error) / prediction.size, [weighted]]


def mse_reshaped(prediction, target, weight=None):
    if weight is None:
        weight = np.ones(len(prediction), prediction.dtype)
    weight = weight.reshape([-1] + [1] * (prediction.ndim - 1))
    weighted = weight * (prediction - target)
    return np.mean(weighted * (prediction - target)), (weighted,)


def spread(weight, like):
    return weight.reshape(-1, *(1,) * (like.ndim - 1))


def mse_with(loss=lambda w, e: np.mean(w * e), weigh=lambda w, e: spread(w, e) * e, error=None, cache=None):
    """11.3 with one of its steps exchanged; w is the weighted error, e the error."""

    def mse_forward(prediction, target, weight=None):
        e = error(prediction, target) if error else prediction - target
        w = e if weight is None else weigh(weight, e)
        return loss(w, e), cache(w, e, prediction, target) if cache else (w,)

    return mse_forward


def mse_asks_if_weight(prediction, target, weight=None):
    error = prediction - target
    weighted = error
    if weight:
        weighted = spread(weight, error) * error
    return np.mean(weighted * error), (weighted,)


def mse_none_not_thought_of(prediction, target, weight=None):
    error = prediction - target
    weighted = spread(weight, error) * error
    return np.mean(weighted * error), (weighted,)


def mse_in_place(prediction, target, weight=None):
    prediction -= target
    weighted = prediction if weight is None else spread(weight, prediction) * prediction
    return np.mean(weighted * prediction), (weighted,)


def mse_weighted_in_place(prediction, target, weight=None):
    error = prediction - target
    if weight is not None:
        error *= spread(weight, error)
    return np.mean(error * error), (error,)


def mse_mean_weight(prediction, target, weight=None):
    error = prediction - target
    weighted = error if weight is None else spread(weight, error) * error
    total = error.size if weight is None else np.sum(np.broadcast_to(spread(weight, error), error.shape))
    return np.sum(weighted * error) / total, (weighted,)


def mse_cache_without_weight(prediction, target, weight=None):
    error = prediction - target
    weighted = error if weight is None else spread(weight, error) * error
    return np.mean(weighted * error), (error,)


def mse_weight_after_the_mean(prediction, target, weight=None):
    error = prediction - target
    if weight is None:
        return np.mean(error**2), (error,)
    return np.mean(weight) * np.mean(error**2), (spread(weight, error) * error,)


def mse_returned_in_the_loop(prediction, target, weight=None):
    error = prediction - target
    weighted, total = error.copy(), 0.0
    for i in range(len(error)):
        if weight is not None:
            weighted[i] *= weight[i]
        total += np.sum(weighted[i] * error[i])
        return total / error.size, (weighted,)


# 11.4 backward through the loss
def mse_backward_line_by_line(dloss, cache):
    (weighted,) = cache
    dsquares = dloss / weighted.size
    derror = dsquares * 2 * weighted
    return derror, -derror


def mse_backward_in_a_list(dloss, cache):
    weighted = cache[0]
    scale = 2 * dloss / math.prod(weighted.shape)
    return [weighted * scale, weighted * -scale]


def mse_back(dprediction, dtarget=lambda d, w: -d):
    def mse_backward(dloss, cache):
        (weighted,) = cache
        d = dprediction(dloss, weighted)
        return d, dtarget(d, weighted)

    return mse_backward


def right_dprediction(dloss, weighted):
    return dloss * 2 * weighted / weighted.size


def mse_backward_in_place(dloss, cache):
    (weighted,) = cache
    weighted *= 2 * dloss / weighted.size
    return weighted, -weighted


def mse_backward_cache_not_unpacked(dloss, cache):
    d = dloss * 2 * cache / cache.size
    return d, -d


# 11.5 the factor that clips
def clip_with_if(squared_norm, max_grad_norm):
    norm = math.sqrt(squared_norm) + 1e-6
    if norm > max_grad_norm:
        return max_grad_norm / norm
    return 1.0


def clip_with_numpy(squared_norm, max_grad_norm):
    return np.minimum(1.0, max_grad_norm / (np.sqrt(squared_norm) + 1e-6))


def clip_upside_down(squared_norm, max_grad_norm):
    return 1 / max(1, (squared_norm**0.5 + 1e-6) / max_grad_norm)


def clip_forgot_to_return(squared_norm, max_grad_norm):
    min(1.0, max_grad_norm / (squared_norm**0.5 + 1e-6))


def clip_short_returns_nothing(squared_norm, max_grad_norm):
    norm = squared_norm**0.5 + 1e-6
    if norm > max_grad_norm:
        return max_grad_norm / norm


# 11.6 a step of AdamW
def adamw_line_by_line(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grad_scale * grads
    m *= settings.beta1
    m += (1 - settings.beta1) * g
    v *= settings.beta2
    v += (1 - settings.beta2) * g * g
    m_hat = m / (1 - settings.beta1**step)
    v_hat = v / (1 - settings.beta2**step)
    params -= learning_rate * (m_hat / (np.sqrt(v_hat) + settings.eps) + settings.weight_decay * params)


def adamw_written_into(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    b1, b2 = settings.beta1, settings.beta2
    m[:] = b1 * m + (1 - b1) * grad_scale * grads
    v[:] = b2 * v + (1 - b2) * np.square(grads * grad_scale)
    step_size, root = learning_rate / (1 - b1**step), (1 - b2**step) ** 0.5
    params *= 1 - learning_rate * settings.weight_decay
    params -= step_size * m / (np.sqrt(v) / root + settings.eps)


def adamw_one_by_one(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    for i in np.ndindex(params.shape):
        g = grad_scale * grads[i]
        m[i] += (1 - settings.beta1) * (g - m[i])
        v[i] += (1 - settings.beta2) * (g**2 - v[i])
        move = m[i] / (1 - settings.beta1**step) / ((v[i] / (1 - settings.beta2**step)) ** 0.5 + settings.eps)
        params[i] -= learning_rate * (move + settings.weight_decay * params[i])


def adamw_with(
    g=lambda s, grads: s * grads,
    m_new=lambda m, g, b: b * m + (1 - b) * g,
    v_new=lambda v, g, b: b * v + (1 - b) * g**2,
    m_hat=lambda m, b, k: m / (1 - b**k),
    v_hat=lambda v, b, k: v / (1 - b**k),
    ratio=lambda m, v, eps: m / (np.sqrt(v) + eps),
    decay=lambda p, rate, move, weight_decay: p - rate * (move + weight_decay * p),
    result=None,
):
    """11.6 with one of its lines exchanged."""

    def adamw_update(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
        now = g(grad_scale, grads)
        m[...] = m_new(m, now, settings.beta1)
        v[...] = v_new(v, now, settings.beta2)
        move = ratio(m_hat(m, settings.beta1, step), v_hat(v, settings.beta2, step), settings.eps)
        params[...] = decay(params, learning_rate, move, settings.weight_decay)
        return result and result(params, m, v)

    return adamw_update


def adamw_new_arrays(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grad_scale * grads
    m = settings.beta1 * m + (1 - settings.beta1) * g
    v = settings.beta2 * v + (1 - settings.beta2) * g**2
    move = m / (1 - settings.beta1**step) / (np.sqrt(v / (1 - settings.beta2**step)) + settings.eps)
    params = params - learning_rate * (move + settings.weight_decay * params)


def adamw_new_arrays_returned(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grad_scale * grads
    m = settings.beta1 * m + (1 - settings.beta1) * g
    v = settings.beta2 * v + (1 - settings.beta2) * g**2
    move = m / (1 - settings.beta1**step) / (np.sqrt(v / (1 - settings.beta2**step)) + settings.eps)
    return params - learning_rate * (move + settings.weight_decay * params), m, v


def adamw_only_params_written(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grad_scale * grads
    m = settings.beta1 * m + (1 - settings.beta1) * g
    v = settings.beta2 * v + (1 - settings.beta2) * g**2
    move = m / (1 - settings.beta1**step) / (np.sqrt(v / (1 - settings.beta2**step)) + settings.eps)
    params -= learning_rate * (move + settings.weight_decay * params)


def adamw_means_corrected_in_place(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grad_scale * grads
    m[...] = settings.beta1 * m + (1 - settings.beta1) * g
    v[...] = settings.beta2 * v + (1 - settings.beta2) * g**2
    m /= 1 - settings.beta1**step
    v /= 1 - settings.beta2**step
    params -= learning_rate * (m / (np.sqrt(v) + settings.eps) + settings.weight_decay * params)


def adamw_grads_changed(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    grads *= grad_scale
    adamw_line_by_line(params, grads, m, v, step, learning_rate, settings)


def adamw_old_means(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grad_scale * grads
    move = m / (1 - settings.beta1**step) / (np.sqrt(v / (1 - settings.beta2**step)) + settings.eps)
    m[...] = settings.beta1 * m + (1 - settings.beta1) * g
    v[...] = settings.beta2 * v + (1 - settings.beta2) * g**2
    params -= learning_rate * (move + settings.weight_decay * params)


def adamw_settings_ignored(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grad_scale * grads
    m[...] = 0.9 * m + 0.1 * g
    v[...] = 0.999 * v + 0.001 * g**2
    move = m / (1 - 0.9**step) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    params -= learning_rate * (move + settings.weight_decay * params)


def adamw_decay_in_the_gradient(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grad_scale * grads + settings.weight_decay * params
    m[...] = settings.beta1 * m + (1 - settings.beta1) * g
    v[...] = settings.beta2 * v + (1 - settings.beta2) * g**2
    move = m / (1 - settings.beta1**step) / (np.sqrt(v / (1 - settings.beta2**step)) + settings.eps)
    params -= learning_rate * move


def adamw_settings_like_a_dict(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grad_scale * grads
    m[...] = settings["beta1"] * m + (1 - settings["beta1"]) * g


def adamw_v_of_the_new_m(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grad_scale * grads
    m[...] = settings.beta1 * m + (1 - settings.beta1) * g
    v[...] = settings.beta2 * v + (1 - settings.beta2) * m**2
    move = m / (1 - settings.beta1**step) / (np.sqrt(v / (1 - settings.beta2**step)) + settings.eps)
    params -= learning_rate * (move + settings.weight_decay * params)


def adamw_decay_twice(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    params *= 1 - learning_rate * settings.weight_decay
    adamw_line_by_line(params, grads, m, v, step, learning_rate, settings, grad_scale)


def adamw_v_without_scale(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    m[...] = settings.beta1 * m + (1 - settings.beta1) * grad_scale * grads
    v[...] = settings.beta2 * v + (1 - settings.beta2) * grads**2
    move = m / (1 - settings.beta1**step) / (np.sqrt(v / (1 - settings.beta2**step)) + settings.eps)
    params -= learning_rate * (move + settings.weight_decay * params)


def adamw_betas_exchanged(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grad_scale * grads
    m[...] = settings.beta2 * m + (1 - settings.beta2) * g
    v[...] = settings.beta1 * v + (1 - settings.beta1) * g**2
    move = m / (1 - settings.beta2**step) / (np.sqrt(v / (1 - settings.beta1**step)) + settings.eps)
    params -= learning_rate * (move + settings.weight_decay * params)


# 11.7 the moving average
def ema_part_of_the_way(average, params, decay):
    average += (1 - decay) * (params - average)


def ema_in_two_steps(average, params, decay):
    average *= decay
    average += params * (1 - decay)


def ema_one_by_one(average, params, decay):
    for i in range(len(average)):
        average[i] = decay * average[i] + (1 - decay) * params[i]


def ema_to(new):
    def ema_update(average, params, decay):
        average[...] = new(average, params, decay)

    return ema_update


def ema_new_array(average, params, decay):
    average = decay * average + (1 - decay) * params


def ema_copied(average, params, decay):
    average = average.copy()
    average *= decay
    average += (1 - decay) * params


def ema_params_changed(average, params, decay):
    params *= 1 - decay
    average *= decay
    average += params


def ema_into_params(average, params, decay):
    params[...] = decay * params + (1 - decay) * average


def ema_first_only(average, params, decay):
    average[0] = decay * average[0] + (1 - decay) * params[0]


def ema_last_left_out(average, params, decay):
    for i in range(len(average) - 1):
        average[i] = decay * average[i] + (1 - decay) * params[i]


def ema_with_brackets_lost(average, params, decay):
    average *= decay
    average += 1 - decay * params


def ema_also_returned(average, params, decay):
    average[...] = decay * average + (1 - decay) * params
    return average


def ema_whole_difference(average, params, decay):
    average -= decay * (average - params)


# students who try to be clever
def mse_weight_on_matching_axis(prediction, target, weight=None):
    error = prediction - target
    weighted = error if weight is None else (error.T * weight).T
    return float((weighted * error).mean()), (weighted,)


def mse_weight_repeated(prediction, target, weight=None):
    error = prediction - target
    if weight is not None:
        weight = np.repeat(weight, error[0].size).reshape(error.shape)
        return (weight * error**2).mean(), (weight * error,)
    return (error**2).mean(), (error,)


def mse_weight_tiled(prediction, target, weight=None):
    error = prediction - target
    if weight is not None:
        weight = np.tile(weight, error[0].size).reshape(error.shape)
        return (weight * error**2).mean(), (weight * error,)
    return (error**2).mean(), (error,)


def clip_with_int_one(squared_norm, max_grad_norm):
    return min(1, max_grad_norm / (squared_norm**0.5 + 1e-6))


def clip_only_if_longer_than_one(squared_norm, max_grad_norm):
    norm = squared_norm**0.5 + 1e-6
    return max_grad_norm / norm if norm > 1 else 1.0


def adamw_first_step_for_ever(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grad_scale * grads
    m[...] = settings.beta1 * m + (1 - settings.beta1) * g
    v[...] = settings.beta2 * v + (1 - settings.beta2) * g**2
    params -= learning_rate * (g / (np.abs(g) + settings.eps) + settings.weight_decay * params)


def adamw_eps_before_the_correction(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    g = grad_scale * grads
    m[...] = settings.beta1 * m + (1 - settings.beta1) * g
    v[...] = settings.beta2 * v + (1 - settings.beta2) * g**2
    rate = learning_rate * (1 - settings.beta2**step) ** 0.5 / (1 - settings.beta1**step)
    params -= rate * m / (np.sqrt(v) + settings.eps) + learning_rate * settings.weight_decay * params


def adamw_first_parameter_only(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    adamw_line_by_line(params[:1], grads[:1], m[:1], v[:1], step, learning_rate, settings, grad_scale)


ANSWERS = {
    "step_11_loss_gradient": Answers(
        right=[PREDICTED - ACTUAL, [[-1.0, 1.0, 0.0, 1.0], [-2.0, 0.0, 0.0, 0.0]], tuple(map(tuple, ERROR))],
        wrong=[
            ((ACTUAL - PREDICTED).tolist(), "sign"),  # actual − predicted
            ((PREDICTED + ACTUAL).tolist(), "added instead of subtracted"),  # a sum
            (((PREDICTED - ACTUAL) ** 2).tolist(), "squared errors"),  # squared
            ((0.5 * (PREDICTED - ACTUAL) ** 2).tolist(), "squared errors"),  # half the squares: the loss
            ((2 * (PREDICTED - ACTUAL)).tolist(), "doubled"),  # twice the error
            (((PREDICTED - ACTUAL) / 2).tolist(), "halved"),  # half the error
            (((PREDICTED - ACTUAL) / 8).tolist(), "mean instead of sum"),  # a mean over the numbers
            (np.abs(PREDICTED - ACTUAL).tolist(), "size of the errors"),  # the signs are lost
            ([[-1, 1, 0, -1], [-2, 0, -2, -2]], None),  # − −1 taken for − 1 in the entries with a −1
            (PREDICTED.tolist(), "the prediction"),  # the prediction itself
            (ACTUAL.tolist(), "the noise"),  # the noise itself
            ((PREDICTED - ACTUAL).T.tolist(), "missing transpose"),  # transposed
            (ERROR[::-1], "rows swapped"),  # the rows exchanged
            ([[-1, 1, 0, 1], [-4, 0, 0, 0]], None),  # one slip: −3 − 1 for −3 + 1
            ([[-1, 1, 0, 1], [2, 0, 0, 0]], "sign of an entry"),  # one sign
            (3.5, "the loss"),
            # minus the latent, not minus the noise
            ((PREDICTED - np.array([[2, 0, 0, 2], [4, 4, 5, 5]])).tolist(), "latent for noise"),
            ([[0], [-2]], "other number of entries"),  # a column of sums
        ],
    ),
    "step_11_feed_forward_gradients": Answers(
        right=[np.array(RED), [[14.0, 12.0, 1.0], [-4.0, -12.0, -2.0]], tuple(map(tuple, RED))],
        wrong=[
            (np.hstack([(np.array(ERROR) @ POOLED.T).T, [[1], [-2]]]).tolist(), "dW transposed"),
            ((np.array(RED) / 4).tolist(), "mean instead of sum"),  # means over the patches
            ((np.array(RED) / [1, 1, 4]).tolist(), "mean instead of sum"),  # db is a mean
            ((-np.array(RED)).tolist(), "sign"),  # all signs: actual − predicted
            (red(PREDICTED), "prediction instead of error"),  # the prediction in place of the loss gradient
            (red(ACTUAL), "prediction instead of error"),  # the noise in place of the loss gradient
            (red(pooled=PREDICTED), "prediction for the pooled latent"),  # the prediction in place of the pooled latent
            (
                red(pooled=np.array([[1, 1, -1, 1], [2, 0, 1, 1]])),
                "before the pooling",  # the conditioned latent of step 7 for the pooled one
            ),
            (np.array(RED)[:, [2, 0, 1]].tolist(), "db first"),
            (np.array(RED)[:, :2].tolist(), "db missing"),  # db is missing
            ([[14, 12], [-4, -12], [1, -2]], "db below"),  # db below dW
            ([[14, 12, -2], [-4, -12, 1]], "db swapped"),  # db's two numbers exchanged
            ([[14, 12, 3], [-4, -12, 2]], "signs of db"),  # db without signs
            ([[14, 12, 1], [4, 12, -2]], "sign of an entry"),  # the minus of −2 is lost in dW
            ([[10, 4, 1], [-4, -12, -2]], None),  # two slips in the first row
            ([[18, 24, 1], [-4, -12, -2]], None),  # the −1 of the first row taken as 1
            (RED[::-1], "rows swapped"),  # the rows exchanged
            ([[14, 12, -1], [-4, -12, -1]], "db of all"),  # db summed over all: −1 for both
            (np.array(RED).T.tolist(), "missing transpose"),  # everything transposed
            ([[-2, -6, -1], [-4, -12, -2]], "one patch only"),  # the first patch only
            ([[-3, 3, 1], [-3, 3, -2]], None),  # Wᵀ for pooledᵀ
        ],
    ),
    "mse_forward": Answers(
        right=[mse_clip_by_clip, mse_by_einsum, mse_reshaped, mse_weight_on_matching_axis, mse_weight_repeated],
        wrong=[
            (mse_with(loss=lambda w, e: np.sum(w * e)), "sum instead of mean"),  # a sum
            (mse_with(loss=lambda w, e: 0.5 * np.sum(w * e)), "half a sum"),  # half a sum, as on the worksheet
            (mse_with(loss=lambda w, e: 0.5 * np.mean(w * e)), "half"),  # half a mean
            # divided by the number of clips
            (mse_with(loss=lambda w, e: np.sum(w * e) / len(e)), "divided by the clips"),
            (mse_with(loss=lambda w, e: np.mean(w)), "forgot the square"),  # not squared
            (mse_with(loss=lambda w, e: np.mean(np.abs(w))), "absolute error"),  # absolute values
            (mse_with(loss=lambda w, e: np.mean(w**2)), "weight twice"),  # the weight is squared
            (mse_with(loss=lambda w, e: np.mean(e**2)), "weight ignored"),  # the weight isn't in the loss
            (mse_with(loss=lambda w, e: np.sqrt(np.mean(w * e))), "root"),  # a root
            # a mean over the clips only
            (mse_with(loss=lambda w, e: np.mean(w * e, axis=0)), "mean over one axis only"),
            # a mean over the last axis only
            (mse_with(loss=lambda w, e: np.mean(w * e, axis=-1)), "mean over one axis only"),
            (mse_with(loss=lambda w, e: w * e), "not averaged"),  # no mean
            (mse_with(error=lambda p, t: t - p), "error the wrong way round"),  # target − prediction
            (mse_with(error=lambda p, t: p), "target not subtracted"),  # the target isn't subtracted
            (mse_with(weigh=lambda w, e: w * e), "raised an error"),  # no axes for the weight
            # one axis for the weight: works for two axes only
            (mse_with(weigh=lambda w, e: w[:, None] * e), "raised an error"),
            # works for three axes only
            (mse_with(weigh=lambda w, e: w[:, None, None] * e), "a number of axes typed in"),
            # works for five axes only
            (mse_with(weigh=lambda w, e: w[:, None, None, None, None] * e), "a number of axes typed in"),
            (mse_with(weigh=lambda w, e: np.sqrt(spread(w, e)) * e), "root of the weight"),  # the root of the weight
            (mse_with(weigh=lambda w, e: e / spread(w, e)), "divided by the weight"),
            (mse_with(weigh=lambda w, e: w.mean() * e), "mean weight for all"),  # the mean weight for all
            (mse_with(weigh=lambda w, e: w[0] * e), "one weight for all"),  # the first clip's weight for all
            (mse_with(weigh=lambda w, e: e), "weight ignored"),  # the weight is ignored
            # weights made to sum to one
            (mse_with(weigh=lambda w, e: spread(w / w.sum(), e) * e), "weights made to add up to one"),
            (mse_with(cache=lambda w, e, p, t: (w * e,)), "kept the error's square"),  # the cache is squared
            # the cache holds target − prediction
            (mse_with(cache=lambda w, e, p, t: (-w,)), "error the wrong way round"),
            (mse_with(cache=lambda w, e, p, t: (2 * w,)), "kept a 2"),  # the cache holds a 2
            (mse_with(cache=lambda w, e, p, t: (w / w.size,)), "kept a mean"),  # the cache is divided by N already
            (mse_with(cache=lambda w, e, p, t: w), "other structure"),  # the cache isn't a tuple
            (mse_with(cache=lambda w, e, p, t: (p, t)), "other structure"),  # the cache holds prediction and target
            (mse_cache_without_weight, "kept the plain error"),  # the cache lacks the weight
            (mse_asks_if_weight, "raised an error"),  # an array in an if
            (mse_none_not_thought_of, "raised an error"),  # None isn't thought of
            (mse_in_place, "changed its input"),  # prediction is changed
            # *= gives error and weighted error one array: the weight is squared
            (mse_weighted_in_place, "weight twice"),
            (mse_mean_weight, "divided by the weights"),  # divided by the sum of the weights, not by N
            (mse_weight_after_the_mean, "mean weight times mean square"),  # the mean weight times the mean square
            (mse_returned_in_the_loop, "uses a part of an input"),  # return inside the loop: the first clip only
            # no cache
            (
                lambda prediction, target, weight=None: mse_clip_by_clip(prediction, target, weight)[0],
                "other number of results",
            ),
            (lambda prediction, target: mse_clip_by_clip(prediction, target), "other arguments"),  # no argument weight
            (mse_weight_tiled, "weights tiled"),  # the weights tiled, not repeated: they land on the wrong clips
        ],
    ),
    "mse_backward": Answers(
        right=[mse_backward_line_by_line, mse_backward_in_a_list],
        wrong=[
            (mse_back(lambda d, w: d * w / w.size), "forgot the 2"),  # the 2 is missing
            (mse_back(lambda d, w: d * 2 * w), "not divided by N"),
            (mse_back(lambda d, w: d * w), "the worksheet's gradient"),  # the worksheet's gradient: neither 2 nor N
            (mse_back(lambda d, w: d * 2 * w / len(w)), "divided by another length"),  # divided by the number of clips
            # divided by the last axis' length
            (mse_back(lambda d, w: d * 2 * w / w.shape[-1]), "divided by another length"),
            (mse_back(lambda d, w: d * 2 * w / w.ndim), "divided by another length"),  # divided by the number of axes
            # N of two axes
            (mse_back(lambda d, w: d * 2 * w / (w.shape[0] * w.shape[1])), "divided by another length"),
            (mse_back(lambda d, w: d * 2 * w // w.size), "cut off"),  # // rounds down
            (mse_back(lambda d, w: 2 * w / w.size), "dloss ignored"),  # dloss is ignored
            (mse_back(lambda d, w: d + 2 * w / w.size), "dloss added"),  # dloss is added
            (mse_back(lambda d, w: d * 2 * w**2 / w.size), "squared errors"),  # squared
            (mse_back(lambda d, w: d * 2 / w.size), "a factor missing"),  # the error is missing
            (mse_back(lambda d, w: d * 2 * np.abs(w) / w.size), "size of the errors"),  # the signs are lost
            (mse_back(lambda d, w: d * 2 * np.mean(w)), "one number"),  # a mean, so one number
            (mse_back(lambda d, w: -d * 2 * w / w.size), "sign"),  # both signs: target − prediction
            (mse_back(lambda d, w: d * 2 * w / w.size**2), "divided by N twice"),  # divided by N²
            (mse_back(lambda d, w: d * w * w.size / 2), "upside down"),
            (mse_back(lambda d, w: d * 2 * w / 8), "N typed in"),  # N typed in as 8
            # dtarget has the sign of dprediction
            (mse_back(right_dprediction, lambda d, w: d), "no minus for the target"),
            # dtarget is zero
            (mse_back(right_dprediction, lambda d, w: np.zeros_like(w)), "no gradient for the target"),
            (mse_back(right_dprediction, lambda d, w: -w), "the error itself"),  # dtarget is minus the weighted error
            (mse_back(right_dprediction, lambda d, w: None), "not an array"),  # dtarget is None
            # dtarget isn't returned
            (lambda dloss, cache: right_dprediction(dloss, cache[0]), "other number of results"),
            (lambda dloss, cache: mse_backward_line_by_line(dloss, cache)[::-1], "sign"),  # dtarget first
            (mse_backward_in_place, "changed its input"),  # the cache is changed
            (mse_backward_cache_not_unpacked, "raised an error"),  # the cache isn't unpacked
            (lambda dloss, cache: print(mse_backward_line_by_line(dloss, cache)), "printed, not returned"),
        ],
    ),
    "clip_scale": Answers(
        right=[clip_with_if, clip_with_numpy, clip_upside_down, clip_with_int_one],
        wrong=[
            # no minimum with 1
            (
                lambda squared_norm, max_grad_norm: max_grad_norm / (squared_norm**0.5 + 1e-6),
                "lengthens short gradients",
            ),
            # max for min
            (
                lambda squared_norm, max_grad_norm: max(1.0, max_grad_norm / (squared_norm**0.5 + 1e-6)),
                "max instead of min",
            ),
            # no root
            (lambda squared_norm, max_grad_norm: min(1.0, max_grad_norm / (squared_norm + 1e-6)), "forgot the root"),
            # 1e-6 inside
            (
                lambda squared_norm, max_grad_norm: min(1.0, max_grad_norm / (squared_norm + 1e-6) ** 0.5),
                "forgot the 1e-6",
            ),
            # no 1e-6
            (lambda squared_norm, max_grad_norm: min(1.0, max_grad_norm / squared_norm**0.5), "forgot the 1e-6"),
            # max_grad_norm is ignored
            (lambda squared_norm, max_grad_norm: min(1.0, 1 / (squared_norm**0.5 + 1e-6)), "limit ignored"),
            (lambda squared_norm, max_grad_norm: min(1.0, (squared_norm**0.5 + 1e-6) / max_grad_norm), "upside down"),
            (lambda squared_norm, max_grad_norm: min(1.0, max_grad_norm / squared_norm**0.5 + 1e-6), "brackets"),
            # the clipped norm
            (lambda squared_norm, max_grad_norm: min(squared_norm**0.5, max_grad_norm), "the norm itself"),
            (
                lambda squared_norm, max_grad_norm: min(max_grad_norm, max_grad_norm / (squared_norm**0.5 + 1e-6)),
                "lengthens short gradients",  # min with max_grad_norm
            ),
            (lambda squared_norm, max_grad_norm: min(1.0, max_grad_norm**2 / (squared_norm + 1e-6)), "squares"),
            # squared again
            (lambda squared_norm, max_grad_norm: min(1.0, max_grad_norm / (squared_norm**2 + 1e-6)), "forgot the root"),
            # 1e6 for 1e-6
            (
                lambda squared_norm, max_grad_norm: min(1.0, max_grad_norm / (squared_norm**0.5 + 1e6)),
                "another number than 1e-6",
            ),
            # 1e-8
            (
                lambda squared_norm, max_grad_norm: min(1.0, max_grad_norm / (squared_norm**0.5 + 1e-8)),
                "forgot the 1e-6",
            ),
            (
                lambda squared_norm, max_grad_norm: min(1.0, max_grad_norm // (squared_norm**0.5 + 1e-6)),
                "all or nothing",  # // rounds down
            ),
            (lambda squared_norm, max_grad_norm: int(squared_norm**0.5 <= max_grad_norm), "all or nothing"),
            (
                lambda squared_norm, max_grad_norm: min(1.0, max_grad_norm / (np.linalg.norm(squared_norm) + 1e-6)),
                "forgot the root",  # norm of the squared norm
            ),
            (clip_forgot_to_return, "returned nothing"),  # return is forgotten
            (clip_short_returns_nothing, "returned nothing"),  # nothing is returned for a short gradient
            (clip_only_if_longer_than_one, "compared with 1"),  # compared with 1, not with max_grad_norm
        ],
    ),
    "adamw_update": Answers(
        right=[
            adamw_line_by_line,
            adamw_written_into,
            adamw_one_by_one,
            adamw_with(result=lambda p, m, v: (p, m, v)),  # also returns them
        ],
        wrong=[
            (adamw_with(g=lambda s, grads: grads), "grad_scale ignored"),  # grad_scale is ignored
            (adamw_with(g=lambda s, grads: grads / s), "divided by grad_scale"),
            (adamw_with(m_new=lambda m, g, b: b * m + g), "forgot 1 − β"),  # m without 1 − β₁
            (adamw_with(m_new=lambda m, g, b: (1 - b) * m + b * g), "β and 1 − β swapped"),  # β₁ and 1 − β₁ exchanged
            (adamw_with(m_new=lambda m, g, b: m + (1 - b) * g), "old mean not faded"),  # m without β₁
            (adamw_with(m_new=lambda m, g, b: (1 - b) * g), "old mean forgotten"),  # m forgets its past
            (adamw_with(v_new=lambda v, g, b: b * v + (1 - b) * g), "forgot the square"),  # v without the square
            (adamw_with(v_new=lambda v, g, b: b * v + ((1 - b) * g) ** 2), "1 − β₂ squared"),  # 1 − β₂ is squared too
            (adamw_with(v_new=lambda v, g, b: b * v + (1 - b) * np.abs(g)), "forgot the square"),  # |g| for g²
            # β₂ and 1 − β₂ exchanged
            (adamw_with(v_new=lambda v, g, b: (1 - b) * v + b * g**2), "β and 1 − β swapped"),
            # one v for all parameters
            (adamw_with(v_new=lambda v, g, b: b * v + (1 - b) * np.sum(g**2)), "one v for all"),
            (adamw_with(m_hat=lambda m, b, k: m), "only v corrected"),  # no bias correction of m
            (adamw_with(v_hat=lambda v, b, k: v), "only m corrected"),  # no bias correction of v
            (adamw_with(m_hat=lambda m, b, k: m, v_hat=lambda v, b, k: v), "no bias correction"),
            (adamw_with(m_hat=lambda m, b, k: m / (1 - b)), "correction without the step"),  # β₁ without its power
            (adamw_with(v_hat=lambda v, b, k: v / (1 - b)), "correction without the step"),  # β₂ without its power
            (adamw_with(m_hat=lambda m, b, k: m / (1 - b * k)), "times the step"),  # β₁ · k for β₁ᵏ
            (adamw_with(m_hat=lambda m, b, k: m / (1 - b) ** k), "brackets"),  # brackets: (1 − β₁)ᵏ
            (adamw_with(m_hat=lambda m, b, k: m * (1 - b**k)), "multiplied by the correction"),  # multiplied by 1 − β₁ᵏ
            (
                adamw_with(m_hat=lambda m, b, k: m / (1 - b ** (k + 1)), v_hat=lambda v, b, k: v / (1 - b ** (k + 1))),
                "step one too far",  # steps counted from 0: k + 1
            ),
            (adamw_with(ratio=lambda m, v, eps: m / np.sqrt(v + eps)), "eps beneath the root"),  # ε under the root
            (adamw_with(ratio=lambda m, v, eps: m / np.sqrt(v)), "no eps"),  # no ε
            (adamw_with(ratio=lambda m, v, eps: m / (v + eps)), "forgot the root"),  # no root
            (adamw_with(ratio=lambda m, v, eps: m / (np.sqrt(v) + 1e-8)), "eps typed in"),  # ε typed in as 1e-8
            (adamw_with(ratio=lambda m, v, eps: m / np.sqrt(v) + eps), "brackets"),  # brackets: ε added to the step
            (adamw_with(ratio=lambda m, v, eps: np.sign(m)), "only the sign"),
            (adamw_with(ratio=lambda m, v, eps: m * (np.sqrt(v) + eps)), "multiplied by the root"),  # multiplied by √v
            (adamw_with(decay=lambda p, rate, move, wd: p - rate * move), "weight decay forgotten"),  # no weight decay
            # weight decay without η
            (
                adamw_with(decay=lambda p, rate, move, wd: p - rate * move - wd * p),
                "weight decay without learning rate",
            ),
            # weight decay has the wrong sign
            (adamw_with(decay=lambda p, rate, move, wd: p - rate * (move - wd * p)), "sign of the weight decay"),
            # λ without p
            (adamw_with(decay=lambda p, rate, move, wd: p - rate * (move + wd)), "weight decay without params"),
            (
                adamw_with(decay=lambda p, rate, move, wd: (p - rate * move) * (1 - rate * wd)),
                "decay of the moved parameters",
            ),
            (adamw_with(decay=lambda p, rate, move, wd: p + rate * (move + wd * p)), "uphill"),  # plus: uphill
            # η is forgotten
            (adamw_with(decay=lambda p, rate, move, wd: p - (move + wd * p)), "learning rate forgotten"),
            # η typed in
            (adamw_with(decay=lambda p, rate, move, wd: p - 0.001 * (move + wd * p)), "learning rate typed in"),
            (
                adamw_with(decay=lambda p, rate, move, wd: -rate * (move + wd * p)),
                "the step alone",  # the step in place of the parameters
            ),
            (adamw_new_arrays, "nothing changed"),  # new arrays: nothing is written
            (adamw_new_arrays_returned, "nothing changed"),  # new arrays are returned, nothing is written
            (adamw_only_params_written, "moments not kept"),  # m and v aren't written
            (adamw_means_corrected_in_place, "corrected means kept"),  # m and v themselves are corrected
            (adamw_grads_changed, "changed its input"),  # grads are changed
            (adamw_old_means, "old means"),  # the step is taken with the old m and v
            (adamw_settings_ignored, "settings typed in"),
            # weight decay goes into the gradient, as in Adam with L2
            (adamw_decay_in_the_gradient, "weight decay in the gradient"),
            (adamw_settings_like_a_dict, "raised an error"),  # settings treated as a dictionary
            (adamw_v_of_the_new_m, "v of m²"),  # v of m², not of g²
            (adamw_decay_twice, "weight decay twice"),
            (adamw_v_without_scale, "grad_scale in m only"),
            (adamw_betas_exchanged, "betas swapped"),  # β₁ and β₂ exchanged
            (adamw_first_step_for_ever, "every step the first"),  # every step as if it were the first
            (adamw_eps_before_the_correction, "eps before the correction"),  # ε added before the correction of v
            (adamw_first_parameter_only, "uses a part of an input"),  # only the first parameter
        ],
    ),
    "ema_update": Answers(
        right=[ema_part_of_the_way, ema_in_two_steps, ema_one_by_one, ema_also_returned],
        wrong=[
            # decay belongs to the old average
            (ema_to(lambda a, p, d: (1 - d) * a + d * p), "decay and 1 − decay swapped"),
            (ema_to(lambda a, p, d: d * a + p), "forgot 1 − decay"),  # params without 1 − decay
            (ema_to(lambda a, p, d: a + (1 - d) * p), "old average not faded"),  # average without decay
            (ema_to(lambda a, p, d: d * a + d * p), "decay for both"),
            (ema_to(lambda a, p, d: (a + p) / 2), "a plain mean"),  # a plain mean: decay is ignored
            (ema_to(lambda a, p, d: 0.999 * a + 0.001 * p), "decay typed in"),
            (ema_to(lambda a, p, d: p), "a copy"),  # params copied
            (ema_to(lambda a, p, d: d * a - (1 - d) * p), "params subtracted"),  # minus
            (ema_to(lambda a, p, d: d * a + (1 + d) * p), "1 + decay"),
            (ema_to(lambda a, p, d: d * a), "params missing"),  # params are missing
            (ema_to(lambda a, p, d: d * a + (1 - d) * p.mean()), "mean of params"),  # the mean of params
            (ema_to(lambda a, p, d: a + d * (p - a)), "decay and 1 − decay swapped"),  # moves decay of the way
            (ema_to(lambda a, p, d: a + (1 - d) * (a - p)), "away from the parameters"),  # moves away from params
            # negative ones cut off
            (ema_to(lambda a, p, d: np.maximum(d * a + (1 - d) * p, 0)), "negative numbers lost"),
            (ema_new_array, "nothing changed"),  # a new array: nothing is written
            (ema_copied, "nothing changed"),  # a copy is changed: nothing is written
            # returned, not written
            (lambda average, params, decay: decay * average + (1 - decay) * params, "nothing changed"),
            (ema_params_changed, "changed its input"),  # params are changed too
            (ema_into_params, "changed its input"),  # written into params
            (ema_first_only, "uses a part of an input"),  # only the first number
            (ema_last_left_out, "uses a part of an input"),  # the last number is left out
            (ema_with_brackets_lost, "brackets"),  # brackets: 1 − decay · params
            (ema_whole_difference, "decay and 1 − decay swapped"),  # moves decay of the way, by -=
        ],
    ),
}
