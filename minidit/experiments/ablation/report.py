"""Results as tables in Markdown: means over the seeds, with intervals that say how far seeds differ."""

from statistics import fmean, stdev

from minidit.evaluation.scores import NAMES
from minidit.experiments.ablation.variants import BASE, PARTS, PATCHES, TARGET, TARGETS, TIME, VARIANTS, patch_name
from minidit.experiments.tables import in_units, markdown
from minidit.experiments.tally import share

# Student's t with 1, 2, … degrees of freedom: 95 % lies within ± it. Beyond, the normal's 1.96 and what is missing.
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


def mean_interval(values):
    """The mean over seeds, and half of its 95 % interval (None of one seed).

    Source: Student 1908.
    """
    count = len(values)
    if count < 2:
        return fmean(values), None
    student = STUDENT[count - 2] if count - 2 < len(STUDENT) else 1.96 + 2.5 / (count - 1)
    return fmean(values), student * stdev(values) / count**0.5


def by_variant(results):
    """Results by seed of each variant, in the usual order: name -> {seed: result}.

    Args:
        results: "name/seed 0" -> result.
    """
    found = {}
    for name in VARIANTS:
        seeds = {
            int(key.rpartition(" ")[2]): result for key, result in results.items() if key.rpartition("/")[0] == name
        }
        if seeds:
            found[name] = dict(sorted(seeds.items()))
    return found


def attributes_right(counts):
    """Share of the four attributes that are right, from a tally."""
    return fmean(share(counts, name) for name in NAMES)


def measures(seeds, loss="loss"):
    """What a table says of one variant: lists over the seeds, by name."""
    found = {"loss": [result[loss] for result in seeds.values()]}
    for split in ("seen", "held_out"):
        found[f"attributes {split}"] = [100 * attributes_right(result[split]) for result in seeds.values()]
        found[f"right {split}"] = [100 * share(result[split], "right") for result in seeds.values()]
    return found


def differences(seeds, reference, loss="loss"):
    """Loss less that of the reference with the same seed, in percent of the latter: a list."""
    return [100 * (seeds[seed][loss] / reference[seed][loss] - 1) for seed in seeds if seed in reference]


def cell(values, digits):
    """Mean ± half interval."""
    mean, half = mean_interval(values)
    return f"{mean:.{digits}f}" if half is None else f"{mean:.{digits}f} ± {half:.{digits}f}"


def rows_of(found, group, reference, loss="loss"):
    """A row for each variant of a group, in cells."""
    rows = []
    for name, seeds in found.items():
        if VARIANTS[name].group != group:
            continue
        first, values = next(iter(seeds.values())), measures(seeds, loss)
        against = differences(seeds, found.get(reference, {}), loss)
        rows.append(
            [
                VARIANTS[name].title, in_units(first["parameters"]), in_units(first["step_products"]), first["steps"],
                cell(values["loss"], 4), "" if name == reference or not against else cell(against, 1),
                *(cell(values[name], 1) for name in SHARES),
            ]
        )  # fmt: skip
    return rows


HEADS = [
    "variant", "parameters", "MACs a step", "steps", "loss", "difference, %",
    "attributes right, seen, %", "held out, %", "all right, seen, %", "held out, %",
]  # fmt: skip
SHARES = ("attributes seen", "attributes held_out", "right seen", "right held_out")


def tables(results):
    """The tables, in Markdown: of the block's parts, of target and patch, of the time; title -> table."""
    found = by_variant(results)
    parts = {
        "The block": (PARTS, BASE, "loss"),
        "Where the time of what is given enters": (TIME, "time-marks", "given_loss"),
    }
    written = {
        title: markdown(HEADS, rows)
        for title, (group, reference, loss) in parts.items()
        if (rows := rows_of(found, group, reference, loss))
    }
    if any(VARIANTS[name].group == TARGET for name in found):
        written["Target and patch"] = target_table(found)
    return written


def target_table(found):
    """Loss, and the attributes that are right in held-out prompts, for each target and patch."""
    rows = []
    for patch in PATCHES:
        row = [f"patch {patch_name(patch)}"]
        for target in TARGETS:
            name = BASE if (patch, target) == (PATCHES[0], "data") else f"{target}-{patch_name(patch)}"
            if name not in found:
                row += ["", ""]
                continue
            values = measures(found[name])
            row += [cell(values["loss"], 4), cell(values["attributes held_out"], 1)]
        rows.append(row)
    heads = [f"{target}: {what}" for target in TARGETS for what in ("loss", "attributes right, %")]
    return markdown(["", *heads], rows)
