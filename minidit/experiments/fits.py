"""Power laws through measured points, with intervals by bootstrap."""

from dataclasses import dataclass

import numpy as np

# N = points, R = repeats, L = candidates for the floor

REPEATS = 2000
FLOORS = 200  # candidates for the floor
LEAST_POINTS = 3  # different abscissas that a resampled fit needs


@dataclass(frozen=True)
class PowerLaw:
    """y = floor + scale · x^-exponent."""

    scale: float
    exponent: float
    floor: float = 0.0

    def __call__(self, x):
        """y at x (N,)."""
        return self.floor + self.scale * np.asarray(x, np.float64) ** -self.exponent


def power_law(x, y, floor=0.0):
    """The power law through points (N,) and (N,), all positive, by least squares of the logarithms.

    Args:
        floor: the limit of y for large x, below all y.
    """
    intercept, slope = log_line(x, np.asarray(y, np.float64) - floor)
    return PowerLaw(float(np.exp(intercept)), float(-slope), floor)


def power_law_with_floor(x, y):
    """The same with the best floor: the one whose law has the least squared error in log y.

    Source: Hestness et al. 2017, section 3 (a power law and an irreducible error).
    """
    floors = np.linspace(0, np.min(y), FLOORS, endpoint=False)[:, None]  # L, 1
    intercepts, slopes = log_line(x, y - floors)               # L each
    laws = floors + np.exp(intercepts[:, None] + slopes[:, None] * np.log(x))  # L, N
    best = int(np.square(np.log(laws) - np.log(y)).sum(axis=1).argmin())
    return PowerLaw(float(np.exp(intercepts[best])), float(-slopes[best]), float(floors[best, 0]))


def log_line(x, y):
    """Intercepts and slopes (...) of the least-squares lines through log x (N,) and log y (..., N)."""
    return line(np.log(x), np.log(y))


def per_doubling(x, y):
    """What y (N,) gains with each doubling of x (N,), by the least-squares line of y over log x."""
    return float(line(np.log2(x), np.asarray(y, np.float64))[1])


def line(x, y):
    """Intercepts and slopes (...) of the least-squares lines through x (N,) and y (..., N)."""
    centred = x - x.mean()                                     # N
    slope = y @ centred / (centred @ centred)                  # ...
    return y.mean(axis=-1) - slope * x.mean(), slope


def resampled(x, y, estimate, seed=0, repeats=REPEATS):
    """An estimate from points, for points drawn with replacement from these, again and again.

    Args:
        x, y: (N,) each.
        estimate: function of x and y that returns a number or (K,).
    Returns:
        (R,) or (R, K).
    Raises:
        ValueError: there are fewer than 3 different x.
    Source: Efron & Tibshirani 1993, section 9.5 (bootstrapping pairs).
    """
    x, y, rng = np.asarray(x, np.float64), np.asarray(y, np.float64), np.random.default_rng(seed)
    if len(np.unique(x)) < LEAST_POINTS:
        raise ValueError(f"a bootstrap of a fit needs at least {LEAST_POINTS} different x, got {len(np.unique(x))}")
    found = []
    while len(found) < repeats:
        chosen = rng.integers(len(x), size=len(x))             # N
        if len(np.unique(x[chosen])) >= LEAST_POINTS:
            found.append(estimate(x[chosen], y[chosen]))
    return np.array(found)


def percentiles(values):
    """The middle 95 % of (R,) numbers: [low, high]."""
    return np.quantile(values, (0.025, 0.975)).tolist()


def correlation(x, y):
    """Pearson's correlation of log x and y, 0 where y is the same everywhere."""
    x, y = np.log(x) - np.log(x).mean(), y - np.mean(y)        # N each
    norm = float(np.vdot(x, x) * np.vdot(y, y)) ** 0.5
    return float(np.vdot(x, y)) / norm if norm else 0.0
