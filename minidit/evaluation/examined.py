"""What the second examiner and the classifier say about generated clips, beside real ones and the controls."""

import numpy as np

from minidit.errors import UserError
from minidit.evaluation.fidelity import examine
from minidit.evaluation.intervals import bootstrap_interval, share
from minidit.evaluation.pixels import border_steps, ratio_of_steps
from minidit.evaluation.two_sample import looks, told_apart

# N = clips, F = frames, H = rows, W = columns, K = features

WORST = 0.1  # of the clips: the worst tenth begins at this quantile


def examine_batch(clips, attributes, others, patch):
    """Examines clips of four kinds.

    Args:
        clips: "made", "real", "codec" (the real ones through the codec) and "reference" (other real ones), each
            (N, F, H, W, 3).
        attributes: N Attributes, what all of them should show. others: N Attributes, of other clips.
        patch: of the codec: frames, rows and columns of a patch.
    Returns:
        dict of dicts from a kind to arrays: "fidelity" (N,) in dB, also of "shuffled": the generated clips' to the
        nearest clip of the other attributes; "right" (N,), whether the nearest clip of the world shows what was asked
        for; "steps" (N, 2, 2), see `border_steps`; "looks" (N, K).
    """
    nearest = {kind: examine(clips[kind]) for kind in ("made", "real", "codec")}
    return {
        "fidelity": {kind: found.fidelity for kind, found in nearest.items()}
        | {"shuffled": examine(clips["made"], others).fidelity},
        "right": {kind: found.shows(attributes) for kind, found in nearest.items()},
        "steps": {kind: border_steps(clips[kind], patch) for kind in nearest},
        "looks": {kind: looks(values, patch) for kind, values in clips.items()},
    }


def summarize_examined(splits):
    """The part of `evaluate`'s report that stands in its first table.

    Args:
        splits: split -> dict of dicts from `examine_batch`.
    Returns:
        dict of "fidelity", "seam_ratio" and "two_sample", see `evaluate`.
    """
    report = {"fidelity": {}, "seam_ratio": {}, "two_sample": {}}
    kinds = {f"generated_{split}": ("made", [examined]) for split, examined in splits.items()}
    kinds |= {kind: (kind, list(splits.values())) for kind in ("real", "codec", "shuffled")}
    for name, (kind, parts) in kinds.items():
        found = {measure: [part[measure].get(kind) for part in parts] for measure in parts[0]}
        decibels = np.concatenate(found["fidelity"])           # N
        report["fidelity"][name] = quantiles(decibels)
        if kind == "shuffled":
            continue
        right = share(np.concatenate(found["right"]))
        report["fidelity"][name] |= {"right": right["share"], "right_interval": right["interval"]}
        report["seam_ratio"][name] = finite(ratio_of_steps(np.concatenate(found["steps"])))
        looked = {one: np.concatenate([part["looks"][one] for part in parts]) for one in parts[0]["looks"]}
        report["two_sample"][name] = classified(looked[kind], looked["reference" if kind == "real" else "real"])
        if kind == "made":
            report["two_sample"][f"{name}_from_codec"] = classified(looked[kind], looked["codec"])
    return report


def quantiles(values):
    """Median and worst tenth of some numbers, each with a 95 % bootstrap interval whose draws are always the same."""
    median, worst = np.median, lambda drawn: np.quantile(drawn, WORST)
    return {
        "median": float(median(values)),
        "median_interval": bootstrap_interval(median, values),
        "worst_tenth": float(worst(values)),
        "worst_tenth_interval": bootstrap_interval(worst, values),
        "clips": len(values),
    }


def classified(first, second):
    """`told_apart`, or what is missing for it, in words."""
    try:
        return told_apart(first, second)
    except UserError as error:
        return {"missing": str(error)}


def finite(number):
    """The number, or None for one that JSON can't write."""
    return number if np.isfinite(number) else None
