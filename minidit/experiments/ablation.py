"""What each choice of the network is worth: variants of one small model, trained at equal compute, compared."""

from dataclasses import replace
from statistics import fmean, median, stdev

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from minidit.evaluation.cases import SPLITS
from minidit.evaluation.examined import WORST
from minidit.evaluation.scores import NAMES
from minidit.experiments.decibels import joined
from minidit.experiments.small import training_task
from minidit.experiments.tables import all_of, in_units, markdown
from minidit.experiments.tally import share
from minidit.experiments.variant_training import TIMES, measure
from minidit.experiments.variants import (
    BASE,
    PARTS,
    PATCHES,
    TARGET,
    TARGETS,
    TIME,
    VARIANTS,
    base_settings,
    patch_name,
    steps_of,
)
from minidit.figures.style import BLUE, FAINT, INK, VERMILLION, charts, png_bytes, style
from minidit.models.cost import parameter_count
from minidit.training.settings import DiffusionTraining

TITLE = "What each choice of the network is worth"
FILE = "ablation.png"
ALT = (
    "Three columns of charts, a row for each variant of one small model trained with the same compute. Left: the loss "
    "on held-out clips. Middle: the median fidelity of its clips, for seen and for held-out prompts. Right: the share "
    "of the four attributes that its clips show as asked, for both. Points are seeds, bars 95 % intervals of their "
    "mean; a line marks the network that the others are compared with."
)

TRAINING = DiffusionTraining(steps=800, batch=16, time_mean=-1.6, decay=0.4, ema=0.99)  # of the base
CLIPS, PROMPTS = 108, 81  # clips whose loss is measured; prompts of each split

# group -> its heading, the loss that is compared, and the variant that it is compared with
GROUPS = {
    PARTS: ("The block", "loss", BASE),
    TARGET: ("Target and patch", "loss", BASE),
    TIME: ("Where the time of known latents enters", "known_loss", "time-channels"),
}
LOSS_NAME = {"loss": "loss on held-out clips", "known_loss": "loss on what follows a known start"}
ROW = 46  # pixels of a variant

# Student's t with 1, 2, … degrees of freedom: 95 % lies within ± it. Beyond: the normal's 1.96 and a correction.
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


def tasks(options):
    """A training for each variant and seed."""
    base, training, clips, prompts = base_settings(), TRAINING, CLIPS, PROMPTS
    if options.quick:
        base, training = base_settings(width=32, depth=1, text_width=16), replace(TRAINING, steps=3, batch=8)
        clips, prompts = 6, 6
    found = []
    for name in options.variants or VARIANTS:
        variant = VARIANTS[name]
        settings = variant.settings(base)
        steps = steps_of(settings, base, options.steps or training.steps, training.batch)
        plan = {"known_starts": variant.known_starts, "clips": clips, "prompts": prompts}
        for seed in range(options.seeds):
            task = f"{name}/seed {seed}"
            arguments = (variant.known_starts, clips, prompts)
            found.append(
                training_task(
                    options, task, settings, replace(training, steps=steps), seed, measure, arguments, plan, "ablation/"
                )
            )
    return found


def by_variant(measured):
    """Results by seed of each variant, in the usual order: name -> {seed: result}."""
    found = {}
    for name in VARIANTS:
        seeds = {int(key.rpartition(" ")[2]): run for key, run in measured.items() if key.rpartition("/")[0] == name}
        if seeds:
            found[name] = dict(sorted(seeds.items()))
    return found


def of_group(found, group):
    """name -> seeds of a group's variants; the base is among the targets as well."""
    names = [name for name in found if VARIANTS[name].group == group]
    return {name: found[name] for name in ([BASE] if group == TARGET and names and BASE in found else []) + names}


def columns(seeds, loss="loss"):
    """The numbers of one variant: lists over the seeds, by name."""
    found = {"loss": [result[loss] for result in seeds.values()]}
    clips = [joined(result["fidelity"].values()) for result in seeds.values()]
    found |= {"median": [median(values) for values in clips], "worst": [np.quantile(values, WORST) for values in clips]}
    for split in SPLITS:
        found[f"fidelity {split}"] = [median(result["fidelity"][split]) for result in seeds.values()]
        found[f"attributes {split}"] = [100 * attributes_right(result[split]) for result in seeds.values()]
        found[f"right {split}"] = [100 * share(result[split], "right") for result in seeds.values()]
    return found


def attributes_right(counts):
    """Share of the four attributes that are right, from a tally."""
    return fmean(share(counts, name) for name in NAMES)


def differences(seeds, reference, loss="loss"):
    """Loss less that of the reference with the same seed, in percent of the latter: a list."""
    return [100 * (seeds[seed][loss] / reference[seed][loss] - 1) for seed in seeds if seed in reference]


def gains(seeds, reference):
    """Median fidelity less that of the reference with the same seed, in dB: a list."""
    medians = {seed: median(joined(run["fidelity"].values())) for seed, run in reference.items()}
    return [median(joined(seeds[seed]["fidelity"].values())) - medians[seed] for seed in seeds if seed in medians]


def mean_over_seeds(values):
    """The mean over seeds, and half of its 95 % interval (None for one seed).

    Source: Student 1908.
    """
    count = len(values)
    if count < 2:
        return fmean(values), None
    student = STUDENT[count - 2] if count - 2 < len(STUDENT) else 1.96 + 2.5 / (count - 1)
    return fmean(values), student * stdev(values) / count**0.5


def cell(values, digits):
    """Mean ± half interval."""
    mean, half = mean_over_seeds(values)
    return f"{mean:.{digits}f}" if half is None else f"{mean:.{digits}f} ± {half:.{digits}f}"


def sentences(measured):
    """Which variants are surely better or worse than the one that they are compared with, in words."""
    found = by_variant(measured)
    said = []
    for group in (PARTS, TIME):
        heading, loss, reference = GROUPS[group]
        others = {name: seeds for name, seeds in of_group(found, group).items() if name != reference}
        base = found.get(reference, {})
        losses = {name: differences(seeds, base, loss) for name, seeds in others.items()}
        fidelities = {name: gains(seeds, base) for name, seeds in others.items()}
        if any(losses.values()):
            said.append(
                f"{heading}: compared with “{VARIANTS[reference].title}”, the loss is {in_words(losses)}. "
                f"The fidelity is {in_words(fidelities)}."
            )
    targets = {name: columns(seeds) for name, seeds in of_group(found, TARGET).items()}
    if targets:
        best = min(targets, key=lambda name: fmean(targets[name]["loss"]))
        clearest = max(targets, key=lambda name: fmean(targets[name]["median"]))
        said.append(
            f"Target and patch: the loss is lowest for “{VARIANTS[best].title}”. The fidelity is highest for "
            f"“{VARIANTS[clearest].title}”, {cell(targets[clearest]['median'], 1)} dB."
        )
    return said or ["There is nothing to compare yet."]


def in_words(against):
    """For which variants a difference is surely below or above 0, or neither; against: name -> list over the seeds."""
    lower, higher, unsure = [], [], []
    for name, values in against.items():
        if values:
            mean, half = mean_over_seeds(values)
            sure = half is not None and abs(mean) > half
            (unsure if not sure else lower if mean < 0 else higher).append(f"“{VARIANTS[name].title}”")
    kinds = ((lower, "surely lower"), (higher, "surely higher"), (unsure, "not surely different"))
    return "; ".join(f"{kind} for {all_of(names)}" for names, kind in kinds if names)


HEADS = [
    "variant", "parameters", "MACs a step", "steps", "loss", "difference, %", "fidelity, dB", "difference, dB",
    "worst tenth, dB",
    "attributes right, seen, %", "held out, %", "all right, seen, %", "held out, %",
]  # fmt: skip
SHARES = ("attributes seen", "attributes held_out", "right seen", "right held_out")


def tables(measured):
    """A table for the block's parts, one for the time, and one for target and patch."""
    found = by_variant(measured)
    written = {group: markdown(HEADS, rows) for group in (PARTS, TIME) if (rows := rows_of(found, group))}
    if of_group(found, TARGET):
        written[TARGET] = target_table(found)
    return [f"## {GROUPS[group][0]}\n\n{table}" for group, table in written.items()]


def rows_of(found, group):
    """A row for each variant of a group, in cells."""
    _, loss, reference = GROUPS[group]
    rows = []
    for name, seeds in of_group(found, group).items():
        first, values = next(iter(seeds.values())), columns(seeds, loss)
        base = found.get(reference, {})
        against, gained = differences(seeds, base, loss), gains(seeds, base)
        rows.append(
            [
                VARIANTS[name].title, in_units(first["parameters"]), in_units(first["step_products"]), first["steps"],
                cell(values["loss"], 4), "" if name == reference or not against else cell(against, 1),
                cell(values["median"], 2), "" if name == reference or not gained else cell(gained, 2),
                cell(values["worst"], 2),
                *(cell(values[name], 1) for name in SHARES),
            ]
        )  # fmt: skip
    return rows


def target_table(found):
    """Loss, fidelity, and the share of attributes that are right in held-out prompts, for each target and patch."""
    rows = []
    for patch in PATCHES:
        row = [f"patch {patch_name(patch)}"]
        for target in TARGETS:
            name = BASE if (patch, target) == (PATCHES[0], "data") else f"{target}-{patch_name(patch)}"
            if name in found:
                values = columns(found[name])
                row += [cell(values["loss"], 4), cell(values["median"], 2), cell(values["attributes held_out"], 1)]
            else:
                row += ["", "", ""]
        rows.append(row)
    heads = [f"{target}: {what}" for target in TARGETS for what in ("loss", "fidelity, dB", "attributes right, %")]
    return markdown(["", *heads], rows)


def note(measured):
    """How the numbers were measured."""
    first = next(iter(next(iter(by_variant(measured).values())).values()))
    prompts, dit = sum(first["seen"].values()), base_settings().dit
    size = f"width {dit.width}, {dit.depth} blocks, " if first["parameters"] == parameter_count(dit) else ""
    return (
        f"One small model ({size}{first['tokens']} tokens, 16 x 16 pixels, 8 frames), and variants of it. Each was "
        f"trained with the same compute, {in_units(first['step_products'] * first['steps'])} multiply-accumulates "
        "including the text encoder and without the codec, so a variant with costlier steps makes fewer of them. With "
        "the same seed all see the same clips. The loss is the mean squared error of the velocity, which every target "
        f"implies, on fresh clips of held-out combinations at fixed noise and {len(TIMES)} fixed times, by the moving "
        f"average of the weights. Attributes are what the verifier reads from {prompts} clips for seen and {prompts} "
        "for held-out prompts: colour, shape, motion and sky. *Fidelity* is the PSNR of a clip to the nearest one of "
        "the world that shows what was asked for, in dB: the median over all these clips, and the worst tenth (a tenth "
        "of the clips is below it). ± and bars are 95 % intervals of the mean over the seeds (Student's t). "
        "*Difference* compares with the table's first row and the same seed. A loss or a fidelity is surely lower or "
        "higher if the interval of the difference excludes 0."
    )


@style()
def draw(measured):
    """The bytes of the PNG: a row for each variant with the mean over its seeds, its interval, and each seed."""
    found = by_variant(measured)
    groups = {group: seeds for group in GROUPS if (seeds := of_group(found, group))}
    heights = [len(names) + 1.5 for names in groups.values()]
    figure, grid = charts(
        2200, int(150 + ROW * sum(heights)), len(groups), 3, pads=(0.1, 0.1), squeeze=False, sharey="row",
        gridspec_kw={"height_ratios": heights},
    )  # fmt: skip
    for (left, middle, right), (group, variants) in zip(grid, groups.items(), strict=True):
        _, loss, reference = GROUPS[group]
        rows = [columns(seeds, loss) for seeds in variants.values()]
        draw_seeds(left, [row["loss"] for row in rows], INK, 0.0)
        for axes, what in ((middle, "fidelity"), (right, "attributes")):
            draw_seeds(axes, [row[f"{what} seen"] for row in rows], BLUE, -0.15, "seen prompts")
            draw_seeds(axes, [row[f"{what} held_out"] for row in rows], VERMILLION, 0.15, "held-out prompts")
        if reference in variants:
            base = columns(variants[reference], loss)
            for axes, what in ((left, "loss"), (middle, "median")):
                axes.axvline(fmean(base[what]), color=INK, linewidth=0.8, zorder=0.5)
        left.set_yticks(range(len(variants)), [VARIANTS[name].title for name in variants])
        left.set_ylim(len(variants) - 0.5, -0.5)
        left.set_xlabel(LOSS_NAME[loss])
        if group == TARGET:
            left.set_xscale("log")  # targets differ by factors
            left.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            left.xaxis.set_minor_locator(NullLocator())
            left.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        low, high = right.get_xlim()
        right.set_xlim(max(low, -2), min(high, 102))  # shares; their intervals may go further
        right.set_xlabel("attributes as asked, %")
        middle.set_xlabel("fidelity, dB (median)")
        for axes in (left, middle, right):
            axes.grid(axis="y", color=FAINT)
    grid[0, 2].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.1)
    return png_bytes(figure)


def draw_seeds(axes, rows, color, shift, label=None):
    """A point for each seed, a bar for the mean's interval, and a larger point for the mean."""
    for place, values in enumerate(rows):
        mean, half = mean_over_seeds(values)
        y = place + shift
        axes.plot(values, [y] * len(values), ".", color=color, markersize=3, alpha=0.6)
        axes.errorbar(mean, y, xerr=half, color=color, marker="o", linewidth=1.4, label=None if place else label)
