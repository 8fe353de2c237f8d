"""Paths between noise and data: how much of each a clip holds at time t.

Every path mixes the two as ``x_t = alpha(t) * data + sigma(t) * noise``, with alpha rising and sigma falling.

**The two directions of time.** This is the only place that says how they relate.

- Ours: t is a number from 0 (noise) to 1 (data). More t, less noise; sampling runs upwards.
- The papers' (Ho et al. 2020): a whole step k from 0 to 999 counts noise upwards; sampling runs downwards.
  Step k is the clip after k + 1 small additions of noise, so the clean data comes *before* step 0 and has no
  number.
- So step k of K is time ``t = 1 - (k + 1) / K`` (`time_of_step`), and ``k = K * (1 - t) - 1``
  (`step_of_time`): k = 999 is t = 0, k = 0 is t = 0.999, and t = 1 is the data itself. A sampler of 1000 even
  steps calls the network at exactly k = 999, 998, ..., 0.
- What a network is fed: our own models get ``1000 * t`` (`network_time`), networks imported from
  facebookresearch/DiT get k. Both run over 0..1000, so one sinusoidal embedding serves both; they run in
  opposite directions, and a network knows only the one that it was trained with.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from minidit.backend import array_module
from minidit.errors import UserError, as_number

SMALLEST = 1e-3  # replaces a smaller alpha or sigma in divisions
SCHEDULES = ("linear", "cosine")

# N = batch


def network_time(t):
    """What our own models are fed for time t: 1000 * t, the scale that sinusoidal embeddings are made for."""
    return 1000.0 * t


def step_of_time(t, steps=1000):
    """The papers' step k for our time t, as a real number: steps - 1 at t = 0, 0 at t = 1 - 1/steps."""
    return steps * (1.0 - t) - 1.0


def time_of_step(k, steps=1000):
    """Our time t for the papers' step k: the inverse of `step_of_time`."""
    return 1.0 - (k + 1.0) / steps


def checked_time(t):
    """A checked time: a Python float for any single number, else a floating array (N,).

    A Python float keeps a float32 clip float32, where a float64 scalar of NumPy would promote it.

    Times on a GPU are not checked, because the host would have to wait for them, and it made them itself.

    Raises: UserError when any t lies outside [0, 1] or is not a number.
    """
    if getattr(t, "ndim", 0) == 0:
        t = float(t) if hasattr(t, "dtype") else as_number(t)
        inside = 0.0 <= t <= 1.0
    else:
        t = t if t.dtype.kind == "f" else t.astype("float32")
        inside = array_module(t) is not np or bool(((t >= 0.0) & (t <= 1.0)).all())
    if not inside:
        raise UserError(f"The time t was {t}, but t runs from 0 (noise) to 1 (data): give a value in [0, 1].")
    return t


def per_sample(value, clip):
    """Make one number per sample broadcast over a clip's other axes.

    Args:
        value: a number, or (N,) one per sample.
        clip: (N, ...).
    Returns: the number as it is, or (N, 1, ..., 1) in the clip's dtype.
    """
    if getattr(value, "ndim", 0) == 0:
        return float(value)
    if value.shape != clip.shape[:1]:
        raise ValueError(f"expected one value per sample, shape {clip.shape[:1]}, got {value.shape}")
    return value.reshape(-1, *[1] * (clip.ndim - 1)).astype(clip.dtype, copy=False)  # N, 1, ..., 1


class Path(ABC):
    """What all paths share. A path defines `coefficients` and `derivatives`; the rest follows."""

    @abstractmethod
    def coefficients(self, t):
        """How much data and noise x_t holds: alpha, sigma, of t's shape and dtype (floats for a number)."""

    @abstractmethod
    def derivatives(self, t):
        """d alpha / dt and d sigma / dt, shaped as `coefficients`."""

    def noised(self, data, noise, t):
        """The clip at time t: alpha * data + sigma * noise (step 4 of the course).

        Args:
            data, noise: (N, ...) of one dtype.
            t: a number in [0, 1], or (N,), one per sample.
        Returns: (N, ...) in the data's dtype.
        """
        alpha, sigma = self.coefficients(t)
        return per_sample(alpha, data) * data + per_sample(sigma, data) * noise  # N, ...

    def time_where_alpha_is(self, level):
        """The earliest t with alpha(t) >= level, for a level in (0, 1): 0 where the path starts above it."""
        return _first_time(lambda t: self.coefficients(t)[0] >= level)

    def time_where_sigma_is(self, level):
        """The t at which the noise has fallen to the level, for a level in (0, 1)."""
        return _first_time(lambda t: self.coefficients(t)[1] <= level)


def _first_time(reached):
    """The earliest t in [0, 1] with reached(t), for a condition that stays true once it is; by bisection."""
    early, late = 0.0, 1.0
    if reached(early):
        return early
    for _ in range(52):  # one per bit of a float64's fraction
        middle = 0.5 * (early + late)
        early, late = (early, middle) if reached(middle) else (middle, late)
    return late


@dataclass(frozen=True)
class RectifiedFlow(Path):
    """The straight path: x_t = t * data + (1 - t) * noise, whose velocity data - noise is constant.

    Source: Liu et al. 2023 (rectified flow), eq. 1; Lipman et al. 2023 (flow matching), section 4.1.
    """

    def coefficients(self, t):
        """alpha = t, sigma = 1 - t."""
        t = checked_time(t)
        return t, 1.0 - t

    def derivatives(self, t):
        """d alpha / dt = 1, d sigma / dt = -1."""
        one = 0.0 * checked_time(t) + 1.0
        return one, -one

    def time_where_alpha_is(self, level):
        return level

    def time_where_sigma_is(self, level):
        return 1.0 - level


@dataclass(frozen=True)
class VariancePreserving(Path):
    """The path of DDPM, alpha² + sigma² = 1, continued from whole steps to every t in [0, 1].

    alpha² is the papers' "alpha bar", here a smooth function of s = steps * (1 - t), the number of noise
    additions: after s of them (step k = s - 1) it equals the discrete cumulative product, and t = 1 is s = 0,
    no noise.

    - "linear" (Ho et al. 2020, section 4): beta_k rises evenly from 1e-4 to 2e-2 over 1000 steps (times
      1000 / steps for another number, as in facebookresearch/DiT), alpha bar = prod (1 - beta_k). At t = 0 a
      trace of data is left: alpha = 0.0064.
    - "cosine" (Nichol & Dhariwal 2021, eq. 17): alpha bar = f(s) / f(0), f(s) = cos²((s/steps + 0.008) /
      1.008 * pi/2). At t = 0 no data is left. The paper clips the last beta at 0.999; we don't, which changes
      step 999 only.

    Near t = 1 sigma falls like a square root, so its slope is infinite there. `derivatives` divides by
    max(sigma, SMALLEST) instead of sigma: a number at t = 1, and exact wherever sigma >= 0.001 (step 0 has
    0.01).

    Args:
        schedule: "linear" or "cosine".
        steps: K, the number of discrete steps that define the schedule; at least 200.
    """

    schedule: str = "linear"
    steps: int = 1000

    def __post_init__(self):
        if self.schedule not in SCHEDULES:
            known = " and ".join(f'"{name}"' for name in SCHEDULES)
            raise UserError(f'I don\'t know the noise schedule "{self.schedule}": choose between {known}.')
        if self.steps < 200:
            raise UserError(f"A noise schedule of {self.steps} steps is too coarse: give at least 200.")

    def coefficients(self, t):
        """alpha = sqrt(alpha bar), sigma = sqrt(1 - alpha bar)."""
        t = checked_time(t)
        alpha, sigma, _ = self._alpha_sigma_slope(t)
        return _as_time(alpha, t), _as_time(sigma, t)

    def derivatives(self, t):
        """From alpha² + sigma² = 1: d sigma / dt = -alpha / sigma * d alpha / dt, sigma kept >= SMALLEST."""
        t = checked_time(t)
        alpha, sigma, slope = self._alpha_sigma_slope(t)
        dalpha = -0.5 * alpha * slope  # minus: t runs against the noise additions
        dsigma = -alpha * dalpha / sigma.clip(SMALLEST)
        return _as_time(dalpha, t), _as_time(dsigma, t)

    def _alpha_sigma_slope(self, t):
        """alpha, sigma and d log(alpha bar) / d(1 - t), in float64: float32 would lose digits here."""
        xp = np if isinstance(t, float) else array_module(t)
        amount = 1.0 - xp.asarray(t, dtype="float64")  # (N,) or ()    0 = data, 1 = noise
        curve = _linear_curve if self.schedule == "linear" else _cosine_curve
        log_alpha_bar, slope = curve(amount, self.steps, xp)
        alpha = xp.exp(0.5 * log_alpha_bar)
        sigma = xp.sqrt((-xp.expm1(log_alpha_bar)).clip(0.0))
        return alpha, sigma, slope


def _as_time(value, t):
    """A coefficient in the form that t came in: a Python float, or an array of t's dtype."""
    return float(value) if isinstance(t, float) else value.astype(t.dtype)


def _linear_curve(amount, steps, xp):
    """log(alpha bar) and its slope for betas that rise evenly, at any real number of noise additions.

    The sum of log(1 - beta_j) over j = 0..s-1 becomes a function of a real s by the Euler-Maclaurin formula
    in its midpoint form: the integral from -1/2 to s - 1/2, less 1/24 of the derivative's rise. The next term
    is below 1e-16 for 1000 steps, so at whole s this is the discrete sum, to rounding.
    """
    first = 1e-4 * 1000.0 / steps
    rise = (2e-2 - 1e-4) * 1000.0 / steps / (steps - 1)  # of beta, per step
    start = first - 0.5 * rise                           # beta half a step before the first
    beta = start + rise * steps * amount                 # (N,)  and half a step before the one yet to come

    def integral(beta):  # of log(1 - beta) from 0
        return -((1.0 - beta) * xp.log1p(-beta) + beta)

    log_alpha_bar = (integral(beta) - integral(start)) / rise                       # (N,)
    log_alpha_bar += rise / 24.0 * (1.0 / (1.0 - beta) - 1.0 / (1.0 - start))
    slope = xp.log1p(-beta) + (rise / (1.0 - beta)) * (rise / (1.0 - beta)) / 24.0  # (N,)  per noise addition
    return log_alpha_bar, steps * slope


def _cosine_curve(amount, steps, xp):
    """log(alpha bar) and its slope for the cosine schedule; the same for any number of steps."""
    per_amount = 0.5 * math.pi / 1.008
    angle = (amount + 0.008) * per_amount  # (N,)
    log_alpha_bar = 2.0 * (xp.log(xp.cos(angle)) - math.log(math.cos(0.008 * per_amount)))
    return log_alpha_bar, -2.0 * per_amount * xp.tan(angle)
