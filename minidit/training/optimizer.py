"""AdamW, gradient clipping and the moving average, on flat vectors."""

from dataclasses import dataclass

import numpy as np

from minidit.backend import array_module
from minidit.backend.kernels.launch import on_gpu

CHUNK = 1 << 16  # entries updated at a time: the seven vectors of a chunk stay in the processor's cache


@dataclass(frozen=True)
class AdamWSettings:
    """Constants of AdamW, in the paper's notation.

    Attributes:
        beta1, beta2: decay of the running means of the gradient and of its square.
        eps: added to the root of the second, in units of the gradient.
        weight_decay: λ, pulls every parameter towards zero, by λ · learning rate a step.
    """

    beta1: float = 0.9
    beta2: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0


@on_gpu("adamw")
def adamw_ema_update(
    params, grads, first, second, average, step, learning_rate, settings, decay, squared_norm, limit
):
    """What ends a training step: clip the gradient, AdamW, moving average; in place on the flat vectors.

    Args:
        params, grads, first, second, step, learning_rate, settings: as for `adamw_update`.
        average: (n,) moving average of the parameters, changed.
        decay: of the average, at this step.
        squared_norm: of the whole gradient, a number; on a GPU an array () there.
        limit: the largest norm that the gradient may have.
    """
    scale = clip_scale(squared_norm, limit)
    adamw_update(params, grads, first, second, step, learning_rate, settings, scale)
    ema_update(average, params, decay)


def adamw_update(params, grads, first, second, step, learning_rate, settings, grad_scale=1.0):
    """One AdamW step, in place on the flat vectors.

    Args:
        params, grads: (n,) parameters, changed, and their gradients, not changed.
        first, second: (n,) running means of the gradient and of its square, changed.
        step: number of this step, from 1.
        learning_rate: of this step.
        settings: AdamWSettings.
        grad_scale: the gradients are multiplied by this first (gradient clipping); a number, on a GPU an array ().
    Source: Loshchilov & Hutter 2019, algorithm 2; Kingma & Ba 2015, algorithm 1 (bias correction).
    """
    b1, b2 = settings.beta1, settings.beta2
    # mean / (1 - b1^k) over sqrt(square / (1 - b2^k)) + eps, with the two corrections moved into scalars
    root_correction = (1 - b2**step) ** 0.5
    rate = learning_rate * root_correction / (1 - b1**step)
    eps = settings.eps * root_correction
    xp = array_module(params)
    for part in parts(params):
        p, m, v = params[part], first[part], second[part]
        g = grads[part] * grad_scale
        m *= b1
        m += (1 - b1) * g
        xp.multiply(g, g, out=g)
        g *= 1 - b2
        v *= b2
        v += g
        xp.sqrt(v, out=g)
        g += eps
        xp.divide(m, g, out=g)
        g *= rate
        p *= 1 - learning_rate * settings.weight_decay
        p -= g


def ema_update(average, params, decay):
    """Moves the average towards the parameters, in place: average += (1 - decay) · (params - average)."""
    for part in parts(params):
        difference = params[part] - average[part]
        difference *= 1 - decay
        average[part] += difference


def parts(vector):
    """Slices of a vector that are small enough for the processor's cache; on a GPU there is one, the whole."""
    size = CHUNK if array_module(vector) is np else vector.size
    return [slice(start, start + size) for start in range(0, vector.size, size)]


def ema_decay(step, decay):
    """The decay at a step: short-sighted at first, so that the random start is soon forgotten."""
    return min(decay, (1 + step) / (10 + step))


def clip_scale(squared_norm, limit):
    """The factor that brings a gradient of this squared norm down to norm `limit`, or 1 if it is below.

    A number from a number; from an array () on a GPU another one, without a look at it.
    """
    factor = limit / (squared_norm**0.5 + 1e-6)
    return min(1.0, factor) if isinstance(factor, float) else array_module(factor).minimum(factor, 1.0)


def learning_rate_at(step, steps, peak, warmup, decay):
    """Learning rate of step 0 … steps - 1: linear warm-up, a plateau, then linear decay to zero.

    Args:
        step, steps: the step and how many there are.
        peak: learning rate on the plateau.
        warmup: steps of warm-up.
        decay: fraction of all steps, at the end, over which it falls to zero.
    """
    rising = (step + 1) / warmup if warmup else 1.0
    falling = (steps - step) / (decay * steps) if decay else 1.0
    return peak * min(1.0, rising, falling)
