"""What the network is trained to predict, how the predictions convert, and how much each error weighs.

At time t the network sees only x_t = alpha * data + sigma * noise. Whichever of data, noise or the velocity
dx_t/dt = alpha' * data + sigma' * noise it predicts, x_t gives the other two: two equations, two unknowns.
With W = alpha' * sigma - alpha * sigma' (1 on the straight path):

    data     = (x_t - sigma * noise) / alpha  =  (sigma * velocity - sigma' * x_t) / W
    noise    = (x_t - alpha * data) / sigma   =  (alpha' * x_t - alpha * velocity) / W

**At the ends.** Where alpha = 0, x_t is all noise and predicting that noise says nothing about the data;
where sigma = 0, predicting the data says nothing about the noise. The first column therefore divides by
max(alpha, SMALLEST) and max(sigma, SMALLEST), SMALLEST = 0.001: exact everywhere else, a finite number at the
ends. The second column never needs it. For a network that predicts noise, errors still grow by 1/alpha, up to
a thousandfold at t = 0 of the straight path: give the sampler a `start` such as 0.02 there.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from minidit.backend import array_module
from minidit.diffusion.paths import SMALLEST, Path, per_sample
from minidit.errors import UserError
from minidit.layers.losses import mse_forward, mse_gradient

PREDICTIONS = ("data", "noise", "velocity")
NOISE_FLOOR = 0.05  # the loss is weighted as if there were never less noise (or data) than this

# N = batch


def checked_prediction(kind):
    """The kind of prediction, if it is one of PREDICTIONS; a UserError that lists them if not."""
    if kind not in PREDICTIONS:
        raise UserError(f'A network predicts "data", "noise" or "velocity", not "{kind}": choose one.')
    return kind


def _terms(path, x, t):
    """alpha, sigma, alpha', sigma' at t, each a float or (N, 1, ..., 1), ready to multiply x (N, ...)."""
    return tuple(per_sample(term, x) for term in (*path.coefficients(t), *path.derivatives(t)))


def _floored(coefficient):
    return max(coefficient, SMALLEST) if isinstance(coefficient, float) else coefficient.clip(SMALLEST)


def to_data(kind, prediction, x, t, path):
    """The clean data that a prediction about x_t implies.

    Args:
        kind: what the network predicts, one of PREDICTIONS.
        prediction, x: (N, ...), the prediction and the clip x_t that it was made for.
        t: a number in [0, 1], or (N,).
        path: a Path.
    Returns: (N, ...) in x's dtype; likewise `to_noise` and `to_velocity`.
    """
    if checked_prediction(kind) == "data":
        return prediction
    alpha, sigma, dalpha, dsigma = _terms(path, x, t)
    if kind == "noise":
        return (x - sigma * prediction) / _floored(alpha)                              # N, ...
    return (sigma * prediction - dsigma * x) / (dalpha * sigma - alpha * dsigma)       # N, ...


def to_noise(kind, prediction, x, t, path):
    """The noise that a prediction about x_t implies. Arguments as `to_data`."""
    if checked_prediction(kind) == "noise":
        return prediction
    alpha, sigma, dalpha, dsigma = _terms(path, x, t)
    if kind == "data":
        return (x - alpha * prediction) / _floored(sigma)                              # N, ...
    return (dalpha * x - alpha * prediction) / (dalpha * sigma - alpha * dsigma)       # N, ...


def to_velocity(kind, prediction, x, t, path):
    """The velocity dx_t/dt that a prediction about x_t implies. Arguments as `to_data`."""
    if checked_prediction(kind) == "velocity":
        return prediction
    data, noise = to_data(kind, prediction, x, t, path), to_noise(kind, prediction, x, t, path)
    return target_of("velocity", path, data, noise, t)


def target_of(kind, path, data, noise, t):
    """The target of a network of this kind: the data, the noise, or the velocity at t.

    Args:
        kind: one of PREDICTIONS.
        path: a Path.
        data, noise: (N, ...).
        t: a number in [0, 1], or (N,).
    Returns: (N, ...)
    """
    if checked_prediction(kind) != "velocity":
        return data if kind == "data" else noise
    dalpha, dsigma = path.derivatives(t)
    return per_sample(dalpha, data) * data + per_sample(dsigma, data) * noise  # N, ...


@dataclass(frozen=True, eq=False)
class Estimate:
    """One prediction about a clip x_t, readable as any of the three: `.data`, `.noise`, `.velocity`."""

    kind: str
    prediction: np.ndarray
    x: np.ndarray
    t: float
    path: Path

    @property
    def data(self):
        return to_data(self.kind, self.prediction, self.x, self.t, self.path)

    @property
    def noise(self):
        return to_noise(self.kind, self.prediction, self.x, self.t, self.path)

    @property
    def velocity(self):
        return to_velocity(self.kind, self.prediction, self.x, self.t, self.path)


def estimator(network, kind, path):
    """Turn a network into what a sampler asks: predict(x, t) -> Estimate.

    Args:
        network: function of x (N, ...) and t, a number in [0, 1], that returns (N, ...). Translating t into
            what the network was trained with (`paths.network_time`, `paths.step_of_time`) is its own
            business.
        kind: what it predicts, one of PREDICTIONS.
        path: the Path it was trained on.
    """
    checked_prediction(kind)

    def predict(x, t):
        return Estimate(kind, network(x, t), x, t, path)

    return predict


def sample_times(rng, n, mean=0.0, std=1.0):
    """Draw times to train at from the logistic-normal distribution: sigmoid(mean + std * normal).

    The middle of the path is drawn most often, where predicting is hardest. A negative mean draws noisier
    times (smaller t) than even, a positive one cleaner times. (The paper's m has the opposite sign: its t
    counts noise.)

    Args:
        mean, std: numbers, or (n,), one for each time.
    Returns: (n,) float32 in [0, 1].
    Source: Esser et al. 2024 (Stable Diffusion 3), section 3.1, eq. 19.
    """
    logit = np.float32(mean) + np.float32(std) * rng.standard_normal(n, dtype=np.float32)  # n
    return 0.5 + 0.5 * np.tanh(0.5 * logit)                        # n    the sigmoid, without its overflow


@lru_cache(maxsize=64)
def _trusted_times(path, floor):
    """The times at which alpha has risen to the floor and sigma has fallen to it."""
    return path.time_where_alpha_is(floor), path.time_where_sigma_is(floor)


def velocity_weight(kind, path, t, floor=NOISE_FLOOR):
    """The weight that makes a squared error in this prediction count as the velocity's would.

    An error e in the predicted data puts an error W/sigma * e into the velocity, and one in the predicted
    noise -W/alpha * e, so the weights are (W/sigma)² and (W/alpha)². They grow without bound as sigma (or
    alpha) goes to 0, where a few clips with almost no noise left would drown all others in the batch, to
    perfect details that no eye sees. So the weight stops growing where sigma (for noise also alpha) passes
    the floor. On the straight path that is 1 / max(1 - t, 0.05)² for data, and at most 1 / 0.05² = 400.

    Args:
        kind: one of PREDICTIONS.
        path: a Path.
        t: (N,)
        floor: in the units of sigma and alpha, between 0 and 1.
    Returns: (N,) in t's dtype; ones for velocity.
    Source: Salimans & Ho 2022 (progressive distillation), section 4, on weights and their truncation.
    """
    xp = array_module(t)
    if checked_prediction(kind) == "velocity":
        return xp.ones_like(t)
    first, last = _trusted_times(path, floor)
    t = xp.clip(t, first if kind == "noise" else 0.0, last)         # N
    (alpha, sigma), (dalpha, dsigma) = path.coefficients(t), path.derivatives(t)
    gain = (dalpha * sigma - alpha * dsigma) / (sigma if kind == "data" else alpha)  # N
    return gain * gain


def diffusion_loss_forward(
    prediction, kind, path, data, noise, t, weighted=True, floor=NOISE_FLOOR, counted=None
):
    """The training loss: mean squared error against the target, weighted as a velocity loss.

    Args:
        prediction: (N, ...), the network's output for path.noised(data, noise, t).
        kind: what it predicts, one of PREDICTIONS.
        path: a Path.
        data, noise: (N, ...).
        t: (N,), one time per sample.
        weighted: False leaves `velocity_weight` out; for noise that is DDPM's loss (Ho et al. 2020, eq. 14).
        floor: see `velocity_weight`.
        counted: (N, ...) bool without the last axis, True where the prediction counts; the loss of each sample is the
            mean over these alone. None means everywhere.
    Returns: the loss, a number, and a cache for `diffusion_loss_backward`.
    """
    target = target_of(kind, path, data, noise, t)                                        # N, ...
    weight = velocity_weight(kind, path, t, floor).astype(prediction.dtype) if weighted else None  # N
    if counted is not None:
        xp = array_module(prediction)
        prediction = xp.where(counted[..., None], prediction, target)                     # N, ...    no error elsewhere
        share = counted.reshape(len(counted), -1).mean(axis=1).astype(prediction.dtype)   # N
        weight = (1 if weight is None else weight) / share                                # N
    return mse_forward(prediction, target, weight)


def diffusion_loss_backward(dloss, cache):
    """Returns dprediction (N, ...). The target is a constant: its gradient goes nowhere."""
    return mse_gradient(dloss, cache)
