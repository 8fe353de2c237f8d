"""Scalability: does more compute in training give better models?

As in Peebles & Xie 2023 (figures 6 to 9), models of several sizes and patch sizes are trained for the same number of
steps with the same settings. A smaller patch means more tokens, so more compute with the same number of parameters.
"""

from dataclasses import dataclass, replace
from itertools import product
from math import prod
from statistics import NormalDist
from time import process_time

import numpy as np

from minidit.diffusion import diffusion_loss_forward
from minidit.evaluation.cases import SPLITS
from minidit.experiments.decibels import MEANING, cells_of, joined, median_of, scored
from minidit.experiments.fits import (
    correlation,
    per_doubling,
    percentiles,
    power_law,
    power_law_with_floor,
    resampled,
)
from minidit.experiments.small import (
    PATH,
    RealClips,
    asked,
    compute_of,
    mean_error,
    small_settings,
    stops_of,
    train,
    training_task,
)
from minidit.experiments.tables import in_units, markdown, number, percent_of, verdict
from minidit.experiments.tally import interval, merged, share
from minidit.figures.style import BLUE, GREEN, INK, VERMILLION, bars_to, charts, percent_bars, png_bytes, style
from minidit.models.cost import multiply_accumulates, parameter_count
from minidit.presets import dit_settings
from minidit.training.settings import DiffusionTraining

TITLE = "Scalability: more compute, better models"
FILE = "scalability.png"
ALT = (
    "Four charts against training compute on a logarithmic axis: the loss on held-out clips of each finished model, "
    "with the fitted power law; the median fidelity of its clips, and the share of right ones, for seen and held-out "
    "prompts; the loss of each model on its way through training."
)

SIZES = ((32, 2, 2), (72, 3, 3), (160, 5, 5))  # width, depth, heads
PATCHES = ((8, 2, 2), (8, 1, 1), (4, 1, 1))  # frames, rows, columns of latents to a token: 4, 16 and 32 tokens
QUICK_SIZES = ((16, 1, 2), (32, 1, 2))
TRAINING = DiffusionTraining(steps=3400, batch=32, time_mean=-1.6)
CLIPS, PROMPTS, LOOKS = 108, 250, 8  # clips whose loss is measured; prompts of each split; stops in training
REAL_CLIPS = 41  # stream of random numbers
TIMES = 6  # at which the loss is measured


def tasks(options):
    """A training for each size, patch and seed."""
    sizes, training, clips, prompts, looks = SIZES, TRAINING, CLIPS, PROMPTS, LOOKS
    if options.quick:
        sizes, training, clips, prompts, looks = QUICK_SIZES, replace(TRAINING, steps=4, batch=8), 12, 16, 2
    return [
        training_task(
            options,
            f"scalability/width {width}, depth {depth}/patch {'x'.join(map(str, patch))}/seed {seed}",
            small_settings(width, depth, heads, patch),
            training,
            seed,
            measure,
            (clips, prompts, looks),
            {"clips": clips, "prompts": prompts},
        )
        for (width, depth, heads), patch, seed in product(sizes, PATCHES, range(options.seeds))
    ]


def measure(settings, training, seed, codec, state, clips, prompts, looks):
    """Trains one model, measures its loss on the way, and asks it for clips at the end.

    Returns:
        a JSON-able dict: width, depth, patch, tokens, parameters, step_products (multiply-accumulates of a training
        step), steps, curve (step, loss on held-out and on seen combinations, for each look), seen, held_out and
        fidelity (see `asked`), codec_fidelity (of real clips through the codec), core_seconds.
    """
    stops = stops_of(training.steps, looks)
    real = {
        name: RealClips.draw(settings, split, clips, [REAL_CLIPS, len(split)]) for name, split in SPLITS.items()
    }

    def look(model):
        return [loss_on(model, training, real[name]) for name in ("held_out", "seen")]

    model, losses, seconds = train(settings, training, seed, codec, state, stops, look)
    begin = process_time()
    found = asked(model, SPLITS, prompts, seed)
    of_codec = scored(model.codec.reconstruct(real["held_out"].clips), real["held_out"].attributes)[1]
    return {
        "width": settings.dit.width,
        "depth": settings.dit.depth,
        "patch": settings.dit.patch,
        "parameters": parameter_count(settings.dit),
        **compute_of(settings, training),
        "curve": [[stop, *loss] for stop, loss in zip(stops, losses, strict=True)],
        **found,
        "codec_fidelity": of_codec,
        "core_seconds": seconds + process_time() - begin,
    }


def times_of(training, count=TIMES):
    """Times in the middles of equally likely parts of the distribution that training draws from: floats."""
    normal = NormalDist(training.time_mean, training.time_std)
    return [float(1 / (1 + np.exp(-normal.inv_cdf((i + 0.5) / count)))) for i in range(count)]


def loss_on(model, training, real):
    """The training loss, weighted as in training, on RealClips."""

    def loss(prediction, x_t, latents, noise, t):
        return diffusion_loss_forward(prediction, model.settings.prediction, PATH, latents, noise, t)[0]

    return mean_error(model, real, times_of(training), loss)


def models_of(measured):
    """The results, the least compute first, each with its "compute" in the whole training, its final "loss" and its
    median fidelity on held-out combinations, "decibels"."""
    found = []
    for run in measured.values():
        _, loss, seen_loss = run["curve"][-1]
        found.append(
            run
            | {"compute": run["step_products"] * run["steps"], "loss": loss, "seen_loss": seen_loss}
            | {"decibels": float(np.median(run["fidelity"]["held_out"]))}
        )
    return sorted(found, key=lambda run: run["compute"])


def by_model(models):
    """One dict for each model, the least compute first: runs that differ only in their seed are put together.

    Losses are means over the seeds, "seen" and "held_out" the merged tallies, "fidelity" that of all their clips, and
    "seeds" is their number.
    """
    groups = {}
    for run in models:
        groups.setdefault((run["compute"], run["width"], tuple(run["patch"])), []).append(run)
    return [
        runs[0]
        | {key: float(np.mean([run[key] for run in runs])) for key in ("loss", "seen_loss")}
        | {split: merged(run[split] for run in runs) for split in SPLITS}
        | {"fidelity": {split: joined(run["fidelity"][split] for run in runs) for split in SPLITS}}
        | {"seeds": len(runs)}
        for runs in groups.values()
    ]


@dataclass(frozen=True)
class Law:
    """The laws that fit the losses and fidelities of all models, with intervals by bootstrap over the models."""

    plain: object
    plain_interval: list
    with_floor: object
    floor_interval: list  # of the exponent of `with_floor`
    band: np.ndarray  # 2, G   of the plain law, at G computes
    grid: np.ndarray  # G
    correlation: float
    correlation_interval: list
    rise: float  # dB of fidelity for each doubling of compute
    rise_interval: list


def law_of(models):
    """Fits losses and fidelities against compute."""
    keys = ("compute", "loss", "decibels")
    compute, loss, decibels = (np.array([run[key] for run in models], np.float64) for key in keys)
    grid = np.geomspace(compute.min(), compute.max(), 60)
    lines = resampled(compute, loss, lambda x, y: [(law := power_law(x, y)).exponent, correlation(x, y), *law(grid)])
    floors = resampled(compute, loss, lambda x, y: power_law_with_floor(x, y).exponent, repeats=200)
    return Law(
        power_law(compute, loss),
        percentiles(lines[:, 0]),
        power_law_with_floor(compute, loss),
        percentiles(floors),
        np.quantile(lines[:, 2:], (0.025, 0.975), axis=0),
        grid,
        correlation(compute, loss),
        percentiles(lines[:, 1]),
        per_doubling(compute, decibels),
        percentiles(resampled(compute, decibels, per_doubling)),
    )


def sentences(measured):
    """Whether the claim holds, in words."""
    models = models_of(measured)
    law, each = law_of(models), by_model(models)
    factor = models[-1]["compute"] / models[0]["compute"]
    least, most = each[0]["held_out"], each[-1]["held_out"]
    lower, upper = law.plain_interval
    slower, faster = law.rise_interval
    said = verdict(lower > 0 and slower > 0, upper < 0 or faster < 0)
    direction = "rises" if slower > 0 else "falls" if faster < 0 else "does not surely rise or fall"
    ends = [number(*median_of(model["fidelity"]["held_out"]), 1) for model in (each[0], each[-1])]
    best = max(each, key=lambda model: share(model["held_out"]))
    return [
        f"{said}: over a factor of {factor:.0f} in training compute ({len(each)} models), the loss on held-out clips "
        f"follows compute to the power of {number(-law.plain.exponent)} [{-upper:.3f}, {-lower:.3f}].",
        f"Fidelity on held-out prompts {direction} with compute: {number(law.rise, law.rise_interval, 2)} dB for each "
        f"doubling, {ends[0]} dB with the least compute and {ends[1]} dB with the most. Real clips through the codec "
        f"alone have {number(*median_of(models[0]['codec_fidelity']), 1)} dB.",
        f"The model with the least compute gets {percent_of(least)} % of held-out prompts right, the one with the most "
        f"{percent_of(most)} %. The best model is {model_name(best)}, with {in_units(best['compute'])} MACs; the "
        f"largest has {in_units(models[-1]['compute'])}.",
        f"The correlation of the loss with the logarithm of compute is "
        f"{number(law.correlation, law.correlation_interval, 2)}.",
    ]


def model_name(run):
    """A model in words."""
    return f"width {run['width']}, depth {run['depth']}, patch {'x'.join(map(str, run['patch']))}"


FIDELITIES = ("fidelity, seen, dB", "fidelity, held out, dB", "its worst tenth, dB")


def tables(measured):
    """One line per model, and the fits."""
    models = models_of(measured)
    rows = []
    for model in by_model(models):
        counts = [in_units(model[key]) for key in ("parameters", "step_products", "compute")]
        losses = [f"{model[key]:.4f}" for key in ("loss", "seen_loss")]
        rights = [percent_of(model[split]) for split in SPLITS]
        fidelities = [cells_of(model["fidelity"][split]) for split in SPLITS]
        rows.append([model_name(model), model["tokens"], *counts, *losses, *rights, fidelities[0][0], *fidelities[1]])
    heads = ["model", "tokens", "parameters", "MACs a step", "MACs in all", "loss, held out", "loss, seen"]
    law = law_of(models)
    floored = law.with_floor
    fits = [
        ["loss ~ compute^-a", number(law.plain.exponent, law.plain_interval), "0"],
        ["loss - floor ~ compute^-a", number(floored.exponent, law.floor_interval), f"{floored.floor:.4f}"],
    ]
    return [
        markdown([*heads, "right, seen, %", "right, held out, %", *FIDELITIES], rows),
        markdown(["power law", "a", "floor"], fits),
        markdown(
            ["fidelity, held out", "dB for each doubling of compute"],
            [["median", number(law.rise, law.rise_interval, 2)]],
        ),
    ]


def note(measured):
    """How the numbers were measured."""
    models = models_of(measured)
    steps, seeds = models[0]["steps"], by_model(models)[0]["seeds"]
    return (
        f"All models were trained for {steps:,} steps with the same settings and codec, {seeds} of each, as in Peebles "
        "& Xie 2023. MACs are multiply-accumulates of all matrix products, forward and backward, counted by "
        f"`minidit/models/cost.py`. It counts {papers_count():.1f} G for a forward pass of DiT-XL/2, as their table 4 "
        "does. (The text encoder, 1 % to a third of a step, is the same in all models.) The loss is the training loss "
        f"of the moving average of the weights, on fresh clips at fixed noise and {TIMES} fixed times. {MEANING} "
        "Intervals are 95 %: for shares by Wilson's formula over clips, for fits by bootstrap over the models. The "
        "claim is confirmed if the interval of the exponent (without a floor) lies above 0, and so does that of the dB "
        "of fidelity for each doubling of compute; refuted if either lies below 0; otherwise undecided."
    )


def papers_count():
    """Multiply-accumulates of a forward pass of DiT-XL/2 at 256 x 256 pixels, in units of 10^9, as the paper counts."""
    settings = dit_settings("minidit-XL/2", in_channels=4, num_classes=1000, learn_sigma=True)
    grid = (1, 16, 16)
    layer_norms = (2 * settings.depth + 1) * prod(grid) * settings.width  # the paper counts one for each number
    return (multiply_accumulates(settings, 1, grid, training=False) + layer_norms) / 1e9


MARKERS = dict(zip(PATCHES, "os^", strict=True))
COLORS = (BLUE, VERMILLION, GREEN)


@style()
def draw(measured):
    """The bytes of the PNG."""
    models = models_of(measured)
    law = law_of(models)
    depths = dict(sorted({run["width"]: run["depth"] for run in reversed(models)}.items()))
    color = dict(zip(depths, COLORS, strict=False))
    figure, (left, decibels, middle, right) = charts(2400, 720, 1, 4)
    left.fill_between(law.grid, *law.band, color=INK, alpha=0.12, linewidth=0)
    left.plot(law.grid, law.plain(law.grid), color=INK, linewidth=1)
    for run in models:
        look = {"marker": MARKERS[tuple(run["patch"])], "color": color[run["width"]], "linestyle": "none"}
        left.plot(run["compute"], run["loss"], **look)
        steps, losses = zip(*((step, loss) for step, loss, _ in run["curve"]), strict=True)
        computes = np.array(steps) * run["step_products"]
        right.plot(computes, losses, **look | {"linestyle": "-", "linewidth": 1, "markersize": 3})
    for split, shade, label in (("seen", BLUE, "seen"), ("held_out", VERMILLION, "held out")):
        each = by_model(models)
        shares, intervals = ([function(model[split]) for model in each] for function in (share, interval))
        look = {"fmt": "o", "color": shade, "label": label, "elinewidth": 1}
        computes = [model["compute"] for model in each]
        percent_bars(middle, computes, shares, intervals, **look)
        medians, ends = zip(*(median_of(model["fidelity"][split]) for model in each), strict=True)
        decibels.errorbar(computes, medians, bars_to(medians, ends), **look)
    for width, depth in depths.items():
        left.plot([], [], color=color[width], marker="o", linestyle="none", label=f"width {width}, depth {depth}")
    for patch in {tuple(run["patch"]): None for run in models}:
        label = f"patch {'x'.join(map(str, patch))}"
        left.plot([], [], color=INK, marker=MARKERS[patch], linestyle="none", label=label)
    titles = (
        f"loss ~ compute^{-law.plain.exponent:.3f} [{-law.plain_interval[1]:.3f}, {-law.plain_interval[0]:.3f}]",
        f"{law.rise:+.2f} [{law.rise_interval[0]:.2f}, {law.rise_interval[1]:.2f}] dB for each doubling",
        "right prompts, 95 % intervals", "on the way through training",
    )  # fmt: skip
    for axes, title in zip((left, decibels, middle, right), titles, strict=True):
        axes.set_xscale("log")
        axes.set_xlabel("training compute, multiply-accumulates")
        axes.set_title(title, fontsize=9)
    for axes in (left, right):
        axes.set_yscale("log")
        axes.set_ylabel("loss on held-out clips")
        axes.yaxis.set_minor_formatter("{x:.3g}")
        axes.yaxis.set_major_formatter("{x:.3g}")
    left.legend(fontsize=7, labelcolor=INK)
    middle.set_ylabel("right, %")
    middle.set_ylim(0, 100)
    middle.legend(labelcolor=INK)
    ceiling = median_of(models[0]["codec_fidelity"])[0]
    decibels.axhline(ceiling, color=INK, linestyle="--", linewidth=1, label="real clips through the codec")
    decibels.set_ylabel("fidelity, dB (median)")
    decibels.legend(labelcolor=INK)
    return png_bytes(figure)
