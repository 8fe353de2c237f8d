"""From one number per clip to one number for all of them, with a 95 % confidence interval.

A measure gives NaN for a clip in which it can't be measured. Such clips are left out, and how many are left is said.
"""

import numpy as np

from minidit.evaluation.scores import wilson_interval

REPEATS = 2000  # resamplings; the bounds of an interval then vary by about 3 % of its width


def share(values):
    """How many of the clips have a property.

    Args:
        values: (N,) bool, or 0, 1 and NaN.
    Returns:
        dict of "share" with its Wilson "interval" [low, high], and "clips", of which it is the share. Without any
        clip the first two are None.
    """
    values = np.asarray(values, dtype=float)
    known = values[~np.isnan(values)]
    if not known.size:
        return {"share": None, "interval": None, "clips": 0}
    if not np.isin(known, (0, 1)).all():
        raise ValueError("a share needs values of 0 and 1")
    successes = int(known.sum())
    return {"share": successes / known.size, "interval": wilson_interval(successes, known.size), "clips": known.size}


def mean(values, rng=None):
    """The mean over the clips.

    Args:
        values: (N,) numbers, NaN for clips that are to be left out.
        rng: np.random.Generator; by default one that always draws the same.
    Returns:
        dict of "mean" with its bootstrap "interval" [low, high], and "clips", of which it is the mean. Without any
        clip the first two are None. Infinite numbers make them infinite, for which JSON has no word.
    """
    values = np.asarray(values, dtype=float)
    known = values[~np.isnan(values)]
    if not known.size:
        return {"mean": None, "interval": None, "clips": 0}
    return {"mean": float(known.mean()), "interval": bootstrap_interval(np.mean, known, rng=rng), "clips": known.size}


def bootstrap_interval(statistic, *samples, rng=None, repeats=REPEATS, paired=True, basic=False):
    """95 % confidence interval [low, high] of any statistic, from clips drawn again and again from those there are.

    Args:
        statistic: callable of as many arrays as there are samples, to a number.
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
