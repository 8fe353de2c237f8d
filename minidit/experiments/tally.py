"""Counts of which clips were right in what, by pattern: every share and interval follows from them."""

from collections import Counter

import numpy as np

from minidit.evaluation.intervals import NORMAL_95, wilson_interval
from minidit.evaluation.scores import JUDGED, NAMES

# N = clips, R = repeats of the bootstrap, P = patterns

REPEATS = 2000
FOUR = [JUDGED.index(name) for name in NAMES]


def tally(judged):
    """Counts by pattern, such as {"1111111": 97, "0010111": 3}: a digit for each of JUDGED.

    Args:
        judged: (N, 7) bool from `minidit.evaluation.scores.judge`.
    """
    return dict(sorted(Counter("".join("01"[int(x)] for x in row) for row in judged).items()))


def total(counts):
    """The number of clips that were judged."""
    return sum(counts.values())


def merged(tallies):
    """Several tallies as one."""
    return dict(sum((Counter(counts) for counts in tallies), Counter()))


def successes(counts, name):
    """The number of clips that are right in one of JUDGED, or in all four attributes: "joint"."""
    columns = FOUR if name == "joint" else [JUDGED.index(name)]
    return sum(count for pattern, count in counts.items() if all(pattern[i] == "1" for i in columns))


def share(counts, name="right"):
    """The share of clips that are right in it."""
    return successes(counts, name) / total(counts)


def interval(counts, name="right"):
    """The 95 % Wilson interval [low, high] of that share."""
    return wilson_interval(successes(counts, name), total(counts))


def difference(first, second, name="right"):
    """Share of the first tally minus share of the second.

    Returns:
        the difference, and its 95 % interval [low, high].
    Source: Newcombe 1998 (Interval estimation for the difference between independent proportions), method 10.
    """
    (p, (p_low, p_high)), (q, (q_low, q_high)) = ((share(c, name), interval(c, name)) for c in (first, second))
    below = ((p - p_low) ** 2 + (q_high - q) ** 2) ** 0.5
    above = ((p_high - p) ** 2 + (q - q_low) ** 2) ** 0.5
    return p - q, [p - q - below, p - q + above]


def product_of_shares(counts):
    """The product of the four attributes' shares: the share with all four right if each failed independently."""
    return float(np.prod([share(counts, name) for name in NAMES]))


def joint_beside_product(counts, seed=0):
    """The share of clips with all four attributes right, minus the product of the attributes' own shares.

    Returns:
        the difference, and its 95 % interval [low, high] by bootstrap over the clips.
    Source: Efron & Tibshirani 1993, section 13.3 (percentile interval); Okawa et al. 2023 (the product).
    """
    patterns, number = zip(*counts.items(), strict=True)
    is_right = np.array([[digit == "1" for digit in pattern] for pattern in patterns])[:, FOUR]  # P, 4
    shares = np.array(number) / total(counts)                  # P
    drawn = np.random.default_rng(seed).multinomial(total(counts), shares, REPEATS) / total(counts)  # R, P
    differences = drawn @ is_right.all(axis=1) - (drawn @ is_right).prod(axis=1)  # R
    return share(counts, "joint") - product_of_shares(counts), np.quantile(differences, (0.025, 0.975)).tolist()


def moments(values):
    """Count, mean, standard deviation and least of some numbers, JSON-able."""
    values = np.asarray(values, np.float64)
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return {"count": len(values), "mean": float(values.mean()), "std": spread, "least": float(values.min())}


def mean_interval(found):
    """The 95 % interval [low, high] of a mean, from the `moments` of many values."""
    half = NORMAL_95 * found["std"] / found["count"] ** 0.5
    return [found["mean"] - half, found["mean"] + half]


def merged_moments(parts):
    """The moments of all values together, from those of parts of them."""
    count = sum(part["count"] for part in parts)
    mean = sum(part["count"] * part["mean"] for part in parts) / count
    squares = sum((part["count"] - 1) * part["std"] ** 2 + part["count"] * (part["mean"] - mean) ** 2 for part in parts)
    std = (squares / (count - 1)) ** 0.5 if count > 1 else 0.0
    return {"count": count, "mean": mean, "std": std, "least": min(part["least"] for part in parts)}
