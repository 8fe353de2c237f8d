"""Readings to scores: shares with confidence intervals, the score of guessing, and the table a person reads."""

import numpy as np

from minidit.evaluation.intervals import percent, wilson_interval
from minidit.world import ALL_ATTRIBUTES, Attributes
from minidit.world.attributes import attribute_indices

# N = clips

NAMES = Attributes._fields                                     # color, shape, motion, sky
JUDGED = ("right", "strict", *NAMES, "whole")                  # columns of `judge`


def judge(readings, attributes):
    """What is right about each clip.

    Args:
        readings: N Readings, attributes: N Attributes that the clips should show.
    Returns:
        (N, 7) bool, a column for each of JUDGED.
    """
    rows = [
        (r.right(a), r.strict(a), *(x == y for x, y in zip(r.attributes, a, strict=True)), r.whole)
        for r, a in zip(readings, attributes, strict=True)
    ]
    return np.array(rows, dtype=bool).reshape(-1, len(JUDGED))  # N, 7


def judge_shuffled(readings, attributes, rng):
    """As `judge`, but every clip against the attributes of another one, drawn at random.

    The clips are put on a random circle and each is judged by its neighbour's prompt. What still counts as right
    is what agrees with any prompt. At least two clips are needed for there to be another.
    """
    circle = rng.permutation(len(attributes))                  # N
    others = dict(zip(circle.tolist(), np.roll(circle, 1).tolist(), strict=True))
    return judge(readings, [attributes[others[n]] for n in range(len(attributes))])


def shares(judged):
    """Share of clips for each of JUDGED, with intervals for "right" and "strict", as a dict of floats.

    Args:
        judged: (N, 7) from `judge`.
    """
    counts = dict(zip(JUDGED, judged.sum(axis=0).tolist(), strict=True))
    result = {name: count / len(judged) for name, count in counts.items()}
    return result | {f"{name}_interval": wilson_interval(counts[name], len(judged)) for name in ("right", "strict")}


def chance():
    """The score of guessing, by counting: how often one of all 375 combinations agrees with another's prompt.

    Every pair (combination shown, combination asked for) counts once.

    Returns:
        dict of "right", 1/375, and of each attribute, 1 / the number of its values.
    """
    indices = attribute_indices(ALL_ATTRIBUTES)                # 375, 4
    agrees = indices[:, None] == indices                       # 375, 375, 4
    each = {name: float(share) for name, share in zip(NAMES, agrees.mean(axis=(0, 1)), strict=True)}
    return {"right": float(agrees.all(axis=-1).mean())} | each


def report_table(report):
    """The result of `evaluate` as lines of text to read."""
    rows = [
        ("percent", *JUDGED),
        ("seen combinations", *_split_cells(report, "seen")),
        ("held-out combinations", *_split_cells(report, "held_out")),
        ("control: real clips", *_cells(report["control_real"])),
        ("control: through the codec", *_cells(report["control_codec"])),
        ("control: other clips' prompts", *_cells(report["control_shuffled"])),
        ("control: chance", *_cells(report["control_chance"])),
    ]
    nearest, frechet = report["nearest_training_clip"], report["frechet_distance"]
    by_seed = [
        f"  {name} {side}: " + ", ".join(map(percent, report[f"{name}_{side}_by_seed"]))
        for name in JUDGED[:2]
        for side in ("seen", "held_out")
    ]
    lines = [
        f"{report['checkpoint'] or 'model'}, {report['frames']} frames of {report['size']} x {report['size']} pixels; "
        f"prompts: {report['prompts']}, seeds: {report['seeds']}, so {report['clips_per_split']} clips a split",
        f"sampler {report['sampler']}, steps: {report['steps']}, guidance {report['guidance']:g}, "
        f"seed {report['seed']}; {1000 * report['seconds_per_clip']:.1f} ms to make a clip",
        "",
        *aligned(rows),
        "",
        "right: all four attributes read back, and the object whole in every frame",
        "strict: right, and the object nearly the ideal shape on a straight path",
        "[ ]: 95 % confidence interval. By seed:",
        *by_seed,
        "",
        f"Codec: PSNR {report['control_codec']['psnr']:.1f} dB",
        "Nearest training clip of the same combination (root mean squared pixel error):",
        f"  generated: mean {nearest['generated']:.4f}, least {nearest['generated_least']:.4f}",
        f"  real:      mean {nearest['real']:.4f}, least {nearest['real_least']:.4f}",
        "Frechet distance to real clips, on the",
        f"{frechet['features']}:",
        f"  generated: seen {frechet['generated_seen']:.2f}, held_out {frechet['generated_held_out']:.2f}",
        f"  real:      seen {frechet['real_seen']:.2f}, held_out {frechet['real_held_out']:.2f}",
    ]
    return "\n".join(lines)


def aligned(rows):
    """Rows of text cells as lines: the first column to the left, all others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]


def share_cell(scores, name):
    """A share in percent, with its interval if there is one; "-" where there is no share."""
    return percent(scores[name], scores.get(f"{name}_interval")) if name in scores else "-"


def _cells(scores):
    return [share_cell(scores, name) for name in JUDGED]


def _split_cells(report, split):
    scores = {f"{name}{end}": report[f"{name}_{split}{end}"] for name in JUDGED[:2] for end in ("", "_interval")}
    return _cells(scores | report[f"attributes_{split}"])
