"""AdamW, Muon, gradient clipping and the moving average, on flat vectors."""

from dataclasses import dataclass

import numpy as np

from minidit.backend import array_module, number
from minidit.backend.kernels.launch import on_gpu
from minidit.models.parameters import Parameters

MOMENTUM = 0.95  # of Muon
CHUNK = 1 << 16  # entries updated at a time: the seven vectors of a chunk stay in the processor's cache


@dataclass(frozen=True)
class AdamWSettings:
    """Constants of AdamW, in the paper's notation.

    Attributes:
        beta1, beta2: decay of the running means of the gradient and of its square.
        eps: added to the root of the mean square, in units of the gradient.
        weight_decay: λ, pulls every parameter towards zero, by λ · learning rate a step.
    """

    beta1: float = 0.9
    beta2: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0


@on_gpu("adamw")
def adamw_ema_update(
    params, grads, m, v, average, step, learning_rate, settings, decay, squared_norm, max_grad_norm
):
    """What ends a training step: clip the gradient, AdamW, moving average; in place on the flat vectors.

    Args:
        params, grads, m, v, step, learning_rate, settings: as for `adamw_update`.
        average: (n,) moving average of the parameters, changed.
        decay: of the average, at this step.
        squared_norm: of the whole gradient, a number; on a GPU an array () there.
        max_grad_norm: the largest norm that the gradient may have.
    """
    scale = clip_scale(squared_norm, max_grad_norm)
    adamw_update(params, grads, m, v, step, learning_rate, settings, scale)
    ema_update(average, params, decay)


def adamw_update(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    """One AdamW step, in place on the flat vectors.

    Args:
        params, grads: (n,) parameters, changed, and their gradients, not changed.
        m, v: (n,) running means of the gradient and of its square, changed.
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
        p, mean, square = params[part], m[part], v[part]
        g = grads[part] * grad_scale
        mean *= b1
        mean += (1 - b1) * g
        xp.multiply(g, g, out=g)
        g *= 1 - b2
        square *= b2
        square += g
        xp.sqrt(square, out=g)
        g += eps
        xp.divide(mean, g, out=g)
        g *= rate
        p *= 1 - learning_rate * settings.weight_decay
        p -= g


class AdamW:
    """AdamW for a model in one process: its moments and a vector of gradients beside its parameters.

    Args:
        params: Parameters of the model.
        settings: AdamWSettings.
    """

    def __init__(self, params, settings):
        vectors = [array_module(params.flat).zeros_like(params.flat) for _ in range(3)]
        self.params, self.settings, self.step = params, settings, 0
        self.m, self.v, self.grads = *vectors[:2], Parameters(params.shapes, buffer=vectors[2])

    def update(self, grads, learning_rate, max_grad_norm=None):
        """One step with gradients by name; None doesn't clip them."""
        self.step += 1
        self.grads.load(grads)
        scale = 1.0 if max_grad_norm is None else clip_scale(squared_norm(self.grads.flat), max_grad_norm)
        adamw_update(
            self.params.flat, self.grads.flat, self.m, self.v, self.step, learning_rate, self.settings, scale
        )


class Muon(AdamW):
    """Muon for the weights of a model's linear layers, AdamW for all other parameters.

    A step of a weight has the direction of its gradient's running mean with all singular values made nearly one: rare
    directions move as far as common ones. Its size is that of a usual step of AdamW at the same learning rate.

    Args: as for AdamW; of its settings, the weights use none.
    Attributes: as for AdamW; the weights' part of `v` stays zero.
    Source: Jordan et al. 2024, "Muon"; the size of a step: Liu et al. 2025, "Muon is scalable for LLM training",
        section 2.2.
    """

    def __init__(self, params, settings):
        super().__init__(params, settings)
        vectors = (params.flat, self.grads.flat, self.m, self.v)
        views = [Parameters(params.shapes, buffer=vector).values() for vector in vectors]
        self.parts = list(zip(*views, strict=True))  # of each parameter

    def update(self, grads, learning_rate, max_grad_norm=None):
        """One step with gradients by name; `max_grad_norm` clips them where AdamW takes the step."""
        self.step += 1
        self.grads.load(grads)
        scale = 1.0 if max_grad_norm is None else clip_scale(squared_norm(self.grads.flat), max_grad_norm)
        for p, g, m, v in self.parts:
            if p.ndim == 2:  # I, O
                m *= MOMENTUM
                m += g
                p -= 0.2 * learning_rate * max(p.shape) ** 0.5 * orthogonalized(g + MOMENTUM * m)
            else:
                adamw_update(p, g, m, v, self.step, learning_rate, self.settings, scale)


def orthogonalized(matrix):
    """The matrix with its singular values moved near one (0.7 to 1.2), its singular vectors kept: (I, O).

    Five steps of an iteration that raises small values fast, rather than one that ends exactly at one.

    Source: Jordan et al. 2024, "Muon" (Newton-Schulz with these coefficients).
    """
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / (squared_norm(x) ** 0.5 + 1e-7)
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * (square @ square)) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


def squared_norm(array):
    """The sum of the squares of all its entries: a number; on a GPU an array ()."""
    return number(array_module(array).vdot(array, array))


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


def clip_scale(squared_norm, max_grad_norm):
    """The factor that brings a gradient of this squared norm down to norm `max_grad_norm`, or 1 if it is below.

    A number from a number; from an array () on a GPU another one, without a look at it.
    """
    factor = max_grad_norm / (squared_norm**0.5 + 1e-6)
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
