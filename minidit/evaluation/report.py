"""The result of `evaluate` as a table that a person reads."""

from minidit.evaluation.intervals import percent
from minidit.evaluation.scores import JUDGED

EXAMINED = {
    "generated_seen": "seen combinations",
    "generated_held_out": "held-out combinations",
    "real": "real clips",
    "codec": "through the codec",
    "shuffled": "other clips' prompts",
}


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
        *examined_lines(report),
        "",
        *aligned(rows),
        "",
        "right, by the verifier: all four attributes read back, and the object whole in every frame",
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


def examined_lines(report):
    """The first part of the table, about the second examiner and the classifier, as lines of text."""
    rows = [("fidelity in dB", "median", "worst tenth", "right, %", "seams", "told apart, %")]
    for name, title in EXAMINED.items():
        scores, seam, told = (report[part].get(name) for part in ("fidelity", "seam_ratio", "two_sample"))
        rows.append(
            (
                title,
                decibel_cell(scores, "median"),
                decibel_cell(scores, "worst_tenth"),
                share_cell(scores, "right"),
                "-" if seam is None else f"{seam:.2f}",
                accuracy_cell(told),
            )
        )
    missing = report["two_sample"]["real"].get("missing")
    from_codec = [report["two_sample"][f"{name}_from_codec"] for name in EXAMINED if name.startswith("generated")]
    return [
        *aligned(rows),
        "",
        f"of {report['fitted_per_split']} clips of each split, drawn at random",
        "fidelity: peak signal-to-noise ratio to the nearest clip that the world could have drawn with any attributes;",
        "  for other clips' prompts, with the attributes that these name. Worst tenth: a tenth of the clips have less",
        "right: the nearest clip shows what was asked for",
        "seams: mean step between pixels at the borders of patches, divided by that between other pixels",
        "told apart: answers right, of a classifier that tells them from real clips; 50 where nothing does",
        missing or "  generated clips from real ones through the codec: " + ", ".join(map(accuracy_cell, from_codec)),
    ]


def aligned(rows):
    """Rows of text cells as lines: the first column to the left, all others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]


def share_cell(scores, name):
    """A share in percent, with its interval if there is one; "-" where there is no share."""
    return percent(scores[name], scores.get(f"{name}_interval")) if name in scores else "-"


def accuracy_cell(told):
    """The share of a classifier's answers that are right, in percent; "-" where there is none."""
    return percent(told["accuracy"], told["interval"]) if told and told.get("accuracy") is not None else "-"


def decibel_cell(scores, name):
    """A number of decibels with its interval."""
    low, high = scores[f"{name}_interval"]
    return f"{scores[name]:.1f} [{low:.1f}, {high:.1f}]"


def _cells(scores):
    return [share_cell(scores, name) for name in JUDGED]


def _split_cells(report, split):
    scores = {f"{name}{end}": report[f"{name}_{split}{end}"] for name in JUDGED[:2] for end in ("", "_interval")}
    return _cells(scores | report[f"attributes_{split}"])
