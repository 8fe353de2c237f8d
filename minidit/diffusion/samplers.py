"""From noise to data, a step at a time.

A step takes the clip x from time t to a later time s. It asks ``predict(x, t)`` for an estimate, which can be
read as data, as noise or as velocity. All share ``step(x, t, s, predict, path, rng) -> x at s``.
`sample` walks a grid of times with one of them. The course's step 12, "subtract the predicted noise", is one
Euler step all the way from t to 1.

Times are Python floats in [0, 1], x is (N, ...), and nothing changes the dtype of x.
"""

import math

import numpy as np

from minidit.backend import array_module
from minidit.diffusion.paths import checked_time
from minidit.errors import UserError, as_number, as_whole

# N = batch


def euler_step(x, t, s, predict, path, rng=None):
    """Follow the velocity in a straight line, x + (s - t) * velocity. One network call, first order."""
    return x + (s - t) * predict(x, t).velocity  # N, ...


def heun_step(x, t, s, predict, path, rng=None):
    """Euler, then again with the mean of the velocities at both ends. Two calls of the network, second order.

    Source: Karras et al. 2022 (EDM), algorithm 1.
    """
    here = predict(x, t).velocity                        # N, ...
    there = predict(x + (s - t) * here, s).velocity      # N, ...
    return x + (0.5 * (s - t)) * (here + there)          # N, ...


def ddim_step(x, t, s, predict, path, rng=None, eta=0.0):
    """Split the estimate into data and noise, and mix them again in the amounts of time s.

    Args:
        eta: the share of fresh noise: 0 is deterministic, 1 is ancestral DDPM.
    Source: Song, Meng & Ermon 2021 (DDIM), eq. 12 and 16.
    """
    estimate = predict(x, t)
    alpha, sigma = path.coefficients(s)
    fresh = eta * _posterior_std(path, t, s)
    kept = math.sqrt(max(sigma * sigma - fresh * fresh, 0.0))
    mixed = alpha * estimate.data + kept * estimate.noise  # N, ...
    return mixed + fresh * _standard_normal(rng, x, "ddim with eta > 0") if fresh > 0.0 else mixed


def ddpm_step(x, t, s, predict, path, rng):
    """Draw from the Gaussian posterior q(x_s | x_t, data) with the estimated data in place of the data.

    This works for any path and any two times; DDPM's neighbouring steps are one case: going from s to t
    in the noising direction shrinks the clip by r = alpha_t / alpha_s and adds noise of variance
    sigma_t² - r² sigma_s².

    Source: Ho et al. 2020, eq. 6 and 7; Kingma et al. 2021 (VDM), appendix A.2 for any two times.
    """
    (alpha_t, sigma_t), (alpha_s, sigma_s) = path.coefficients(t), path.coefficients(s)
    r = alpha_t / alpha_s
    from_x = r * (sigma_s / sigma_t) * (sigma_s / sigma_t)
    from_data = alpha_s - from_x * alpha_t
    mean = from_x * x + from_data * predict(x, t).data                                       # N, ...
    return mean + _posterior_std(path, t, s) * _standard_normal(rng, x, "ddpm")              # N, ...


def sde_step(x, t, s, predict, path, rng, strength=1.0):
    """One Euler-Maruyama step of an SDE whose clips are distributed as the path's at every t.

        dx = (velocity + w/2 * score) dt + sqrt(w) dB,    score = -noise / sigma

    Any w >= 0 keeps the distribution: what it adds in noise it takes back along the score. We take
    w = strength * sigma * W, W = alpha' sigma - alpha sigma'. On the straight path it is sigma, one of SiT's
    choices. Song et al.'s own SDE has w = 2 sigma W / alpha, which is infinite where alpha is 0. With ours
    nothing is divided by alpha or sigma: w/2 * score is just -W/2 * noise.

    Args:
        strength: 0 is `euler_step`, more draws more fresh noise.
    Source: Song et al. 2021 (score SDE), eq. 6; Ma et al. 2024 (SiT), sections 2.1 and 2.4.
    """
    estimate = predict(x, t)
    (alpha, sigma), (dalpha, dsigma) = path.coefficients(t), path.derivatives(t)
    turnover = strength * (dalpha * sigma - alpha * dsigma)                                   # w / sigma
    drift = estimate.velocity - (0.5 * turnover) * estimate.noise                             # N, ...
    spread = math.sqrt(turnover * sigma * (s - t))
    return x + (s - t) * drift + spread * _standard_normal(rng, x, "sde")                     # N, ...


SAMPLERS = {"euler": euler_step, "heun": heun_step, "ddim": ddim_step, "ddpm": ddpm_step, "sde": sde_step}


def step_of(sampler):
    """The step function of a sampler: a name from SAMPLERS, or the function itself.

    Raises: UserError for an unknown name.
    """
    if callable(sampler):
        return sampler
    if not isinstance(sampler, str) or sampler not in SAMPLERS:
        raise UserError(f'I don\'t know the sampler "{sampler}": choose one of {", ".join(SAMPLERS)}.')
    return SAMPLERS[sampler]


def _posterior_std(path, t, s):
    """Of q(x_s | x_t, data) for t < s: sigma_s * sqrt(1 - (alpha_t sigma_s / alpha_s sigma_t)²)."""
    (alpha_t, sigma_t), (alpha_s, sigma_s) = path.coefficients(t), path.coefficients(s)
    share = alpha_t * sigma_s / (alpha_s * sigma_t)
    return sigma_s * math.sqrt(max(1.0 - share * share, 0.0))


def _standard_normal(rng, x, sampler):
    """Noise like x, drawn in float32, so that a seed means the same noise for every dtype and device."""
    if rng is None:
        raise UserError(f"The sampler {sampler} draws noise: give it rng=numpy.random.default_rng(seed).")
    noise = rng.standard_normal(x.shape, dtype=np.float32)     # N, ...
    return array_module(x).asarray(noise, dtype=x.dtype)       # N, ...


def time_grid(steps, shift=1.0, start=0.0):
    """The times that a sampler visits, from `start` to 1, closer together where it is noisy.

    An even time t moves to t / (t + shift * (1 - t)). This is SD3's timestep shift of the noise n = 1 - t to
    shift n / (1 + (shift - 1) n), written in our direction. A shift of 1 is even; 2 or 3 spends more steps in
    the noise, where the prompt decides what the clip will be.

    Args:
        steps: how many, at least 1.
        shift: above 0.
        start: the first time, in [0, 1). Above 0 for a clip that is already partly made, or to keep a network
            that predicts noise away from t = 0 (see objectives).
    Returns: (steps + 1,) float64, rising, the first exactly `start` and the last exactly 1.
    Source: Esser et al. 2024 (Stable Diffusion 3), eq. 23.
    """
    if as_whole(steps) is None or steps < 1:
        raise UserError(f"The number of sampling steps was {steps!r}: give a whole number of at least 1.")
    if not 0.0 < as_number(shift) < math.inf:
        raise UserError(f"The timestep shift was {shift!r}: give a number above 0 (1 spaces the steps evenly).")
    start = checked_time(start)
    if start == 1.0:
        raise UserError("The start time was 1, where the clip is finished: give a start below 1.")
    even_start = shift * start / (1.0 + (shift - 1.0) * start)  # which the shift moves to `start`
    even = np.linspace(even_start, 1.0, int(steps) + 1)         # steps + 1
    times = even / (even + shift * (1.0 - even))                # steps + 1
    times[0] = start
    return times


def sample(predict, noise, path, steps=20, sampler="euler", shift=1.0, start=0.0, rng=None, callback=None):
    """Walk from noise to data.

    The last step is the same for every sampler: at t = 1 no noise is left, so it lands on the data estimate.

    Args:
        predict: function of x (N, ...) and t, a float, that returns an `objectives.Estimate`; see
            `objectives.estimator`, and `guidance.guided` for guidance.
        noise: (N, ...) standard normal; or, with a start above 0, the clip as it is then. Not changed.
        path: the Path that the network was trained on.
        steps: how many steps; heun calls the network twice in each but the last, the others once.
        sampler: a name from SAMPLERS, or a step function, such as functools.partial(ddim_step, eta=0.5).
        shift, start: see `time_grid`.
        rng: a numpy.random.Generator, for the samplers that draw noise: ddpm, sde, and ddim with eta > 0.
        callback: called as callback(steps_done, t, x) after each step, to draw progress or pictures.
    Returns: (N, ...), the data, in the noise's dtype.
    Raises: UserError for an unknown sampler, a bad number of steps, shift or start, or a missing rng.
    """
    step = step_of(sampler)
    times = time_grid(steps, shift, start).tolist()
    x = noise
    for done, (t, s) in enumerate(zip(times, times[1:], strict=False), start=1):
        x = step(x, t, s, predict, path, rng) if s < 1.0 else predict(x, t).data  # N, ...
        if callback is not None:
            callback(done, s, x)
    return x
