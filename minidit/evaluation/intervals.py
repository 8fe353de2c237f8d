"""From one number per clip to one number for all clips, with a 95 % confidence interval.

A measure gives NaN for a clip that it can't measure. Such clips are left out, and the number of clips left is reported.
"""

import math

import numpy as np

NORMAL_95 = 1.959963984540054  # a normal number lies within it 95 % of the time
REPEATS = 2000  # resamplings; the bounds of an interval then vary by about 3 % of its width


def wilson_interval(successes, trials):
    """95 % confidence interval [low, high] of a share. Unlike p ± 2 standard errors it holds near 0 and 1.

    Source: Wilson 1927; Newcombe 1998, method 3.
    """
    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"successes must lie between 0 and trials > 0, got {successes} of {trials}")
    share, z2 = successes / trials, NORMAL_95 * NORMAL_95
    center = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    variance = share * (1 - share) / trials + z2 / (4 * trials * trials)
    half = NORMAL_95 * math.sqrt(variance) / (1 + z2 / trials)
    # With none or all of the trials the bound on that side is 0 or 1 exactly; rounding must not cut the share off.
    return [center - half if successes else 0.0, center + half if successes < trials else 1.0]


def percent(value, interval=None):
    """A share in percent, with its interval: 98.2 [97.1, 98.9]."""
    ends = "" if interval is None else " [{:.1f}, {:.1f}]".format(*(100 * end for end in interval))
    return f"{100 * value:.1f}{ends}"


def share(values):
    """The share of the clips that have a property.

    Args:
        values: (N,) bool, or 0, 1 and NaN.
    Returns:
        dict of "share", its Wilson "interval" [low, high], and "clips", the number of clips that count. Without any
        clip the first two are None.
    """
    values = measured(values)
    if not values.size:
        return {"share": None, "interval": None, "clips": 0}
    if not np.isin(values, (0, 1)).all():
        raise ValueError("a share needs values of 0 and 1")
    ones = int(values.sum())
    return {"share": ones / values.size, "interval": wilson_interval(ones, values.size), "clips": values.size}


def mean(values, rng=None):
    """The mean over the clips.

    Args:
        values: (N,) numbers, NaN for clips to leave out.
        rng: np.random.Generator; by default one that always draws the same.
    Returns:
        dict of "mean", its bootstrap "interval" [low, high], and "clips", the number of clips that count. Without any
        clip the first two are None. Infinite numbers make them infinite, which JSON can't write.
    """
    values = measured(values)
    if not values.size:
        return {"mean": None, "interval": None, "clips": 0}
    interval = bootstrap_interval(np.mean, values, rng=rng)
    return {"mean": float(values.mean()), "interval": interval, "clips": values.size}


def measured(values):
    """The numbers that are not NaN, as floats."""
    values = np.asarray(values, dtype=float)
    return values[~np.isnan(values)]


def bootstrap_interval(statistic, *samples, rng=None, repeats=REPEATS, paired=True, basic=False):
    """95 % confidence interval [low, high] of any statistic, from clips drawn with replacement, again and again.

    Args:
        statistic: callable of one array per sample, to a number.
        samples: arrays (N, ...), one entry a clip.
        rng: np.random.Generator; by default one that always draws the same.
        repeats: how often to draw.
        paired: whether entry n of all samples belongs to the same clip, so that they are drawn together.
        basic: reflect the quantiles at the statistic itself. Right for a distance, which resampling always makes
            longer, whereas the quantiles themselves (the percentile interval) suit a mean.
    Source: Efron & Tibshirani 1993, chapter 13; basic: Davison & Hinkley 1997, equation 5.6.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    samples = [np.asarray(sample) for sample in samples]
    lengths = [len(sample) for sample in samples]
    if not all(lengths) or (paired and len(set(lengths)) > 1):
        raise ValueError(f"samples must not be empty, and paired ones equally long, but they have {lengths} entries")
    drawn = []
    for _ in range(repeats):
        if paired:
            chosen = [rng.integers(lengths[0], size=lengths[0])] * len(samples)
        else:
            chosen = [rng.integers(length, size=length) for length in lengths]
        drawn.append(statistic(*(sample[index] for sample, index in zip(samples, chosen, strict=True))))
    # No interpolation: the ratio of equal clips is infinite, and so may be a mean.
    low, high = np.quantile(drawn, (0.025, 0.975), method="inverted_cdf").tolist()
    if basic:
        center = 2 * float(statistic(*samples))
        low, high = center - high, center - low
    return [low, high]
