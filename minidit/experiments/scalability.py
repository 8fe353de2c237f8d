"""Scalability: does more compute in training give better models?

As in Peebles & Xie 2023 (figures 6 to 9), models of several sizes and patch sizes are trained for the same number of
steps with the same settings. A smaller patch means more tokens, so more compute with the same number of parameters.
"""

from dataclasses import dataclass, replace
from itertools import product
from statistics import NormalDist
from time import process_time

import numpy as np

from minidit.diffusion import RectifiedFlow, diffusion_loss_forward, network_time
from minidit.evaluation.cases import draw_real, spread
from minidit.experiments.fits import correlation, percentiles, power_law, power_law_with_floor, resampled
from minidit.experiments.small import (
    codec_path,
    marks_of,
    prompt_tally,
    small_settings,
    state_file,
    train,
    training_plan,
)
from minidit.experiments.tables import in_units, markdown, number, percent, verdict
from minidit.experiments.tally import interval, merged, share
from minidit.experiments.tasks import Task
from minidit.figures.style import BLUE, GREEN, INK, VERMILLION, png_bytes, sheet, style
from minidit.models.cost import multiply_accumulates, parameter_count
from minidit.presets import dit_settings
from minidit.training.settings import DiffusionTraining
from minidit.world import ALL_ATTRIBUTES, HELD_OUT, SEEN, caption, wordings

TITLE = "Scalability: more compute, better models"
FILE = "scalability.png"
ALT = (
    "Three charts against training compute on a logarithmic axis. Left: the loss on held-out clips of each finished "
    "model, with the fitted power law. Middle: the share of right clips for seen and held-out prompts. Right: the loss "
    "of each model on its way through training."
)

# N = clips, n = times

SIZES = ((32, 2, 2), (72, 3, 3), (160, 5, 5))  # width, depth, heads
PATCHES = ((8, 2, 2), (8, 1, 1), (4, 1, 1))  # frames, rows, columns of latents to a token: 4, 16 and 32 tokens
QUICK_SIZES = ((16, 1, 2), (32, 1, 2))
HELD_OUT_CLIPS = 41  # stream of random numbers
TIMES = 6  # at which the loss is measured
LOOKS = 8  # on the way through training


@dataclass(frozen=True)
class Effort:
    """How much is done: sizes of models, clips whose loss is measured, and prompts of each split."""

    sizes: tuple
    training: DiffusionTraining
    clips: int
    prompts: int
    looks: int = LOOKS


FULL = Effort(SIZES, replace(DiffusionTraining(), steps=3400, batch=32, time_mean=-1.6), 108, 250)
QUICK = Effort(QUICK_SIZES, replace(DiffusionTraining(), steps=4, batch=8, time_mean=-1.6), 12, 16, looks=2)


def tasks(options):
    """A training for each size, patch and seed."""
    effort = QUICK if options.quick else FULL
    found = []
    for (width, depth, heads), patch, seed in product(effort.sizes, PATCHES, range(options.seeds)):
        settings = small_settings(width, depth, heads, patch)
        name = f"scalability/width {width}, depth {depth}/patch {'x'.join(map(str, patch))}/seed {seed}"
        plan = training_plan(settings, effort.training, seed) | {"clips": effort.clips, "prompts": effort.prompts}
        state = state_file(options, name)
        arguments = (settings, effort, seed, codec_path(options), state)
        cost = step_products(settings.dit, effort.training.batch, grid_of(settings))
        found.append(Task(name, plan, measure, arguments, cost, codec=True, state=state))
    return found


def measure(settings, effort, seed, codec, state):
    """Trains one model, with looks at its loss on the way, and asks it for clips in the end.

    Returns:
        a JSON-able dict: width, depth, patch, tokens, parameters, step_products (multiply-accumulates of a training
        step), steps, curve (step, loss on held-out and on seen combinations, for each look), seen and held_out
        (tallies), core_seconds.
    """
    training = effort.training
    marks = marks_of(training.steps, effort.looks)
    clips = {name: RealClips.draw(settings, split, effort.clips) for name, split in SPLITS.items()}

    def look(model):
        return [loss_on(model, training, clips[name]) for name in ("held_out", "seen")]

    model, losses, seconds = train(settings, training, seed, codec, state, marks, look)
    begin = process_time()
    tallies = {
        name: prompt_tally(model, split, effort.prompts, [seed, index])
        for index, (name, split) in enumerate(SPLITS.items())
    }
    grid = grid_of(settings)
    return {
        "width": settings.dit.width,
        "depth": settings.dit.depth,
        "patch": settings.dit.patch,
        "tokens": int(np.prod(grid)),
        "parameters": parameter_count(settings.dit),
        "step_products": step_products(settings.dit, training.batch, grid),
        "steps": training.steps,
        "curve": [[mark, *loss] for mark, loss in zip(marks, losses, strict=True)],
        **tallies,
        "core_seconds": seconds + process_time() - begin,
    }


SPLITS = {"seen": SEEN, "held_out": HELD_OUT}


def grid_of(settings):
    """Tokens of a clip along frames, rows and columns."""
    return tuple(size // step for size, step in zip(settings.latent_shape, settings.dit.patch, strict=False))


def step_products(dit, batch, grid):
    """Multiply-accumulates of a training step, with prompts of the longest wording."""
    words = 1 + max(len(sentence.split()) for a in ALL_ATTRIBUTES for sentence in wordings(a))  # START is one
    return multiply_accumulates(dit, batch, grid, words)


@dataclass(frozen=True)
class RealClips:
    """Real clips with captions, and the noise and times at which a model is asked about them: always the same."""

    clips: np.ndarray  # N, F, H, W, 3
    captions: list
    noise: np.ndarray  # N, f, r, c, C

    @classmethod
    def draw(cls, settings, combinations, count):
        """`count` fresh clips, spread evenly over the combinations."""
        rng = np.random.default_rng([HELD_OUT_CLIPS, len(combinations)])
        attributes = spread(combinations, count, rng)
        clips = draw_real(attributes, rng, settings)           # N, F, H, W, 3
        noise = rng.standard_normal((count, *settings.latent_shape), dtype=np.float32)
        return cls(clips, [caption(a, rng) for a in attributes], noise)


def times_of(training, count=TIMES):
    """Times in the middles of equally likely parts of the distribution that training draws from: floats."""
    normal = NormalDist(training.time_mean, training.time_std)
    return [float(1 / (1 + np.exp(-normal.inv_cdf((i + 0.5) / count)))) for i in range(count)]


def loss_on(model, training, real):
    """The training loss, weighted as in training, on real clips at fixed times and noise: the mean over the times."""
    path, losses = RectifiedFlow(), []
    latents = model.codec.encode(real.clips)                   # N, f, r, c, C
    embedding = model.dit.embed(model.tokenizer.encode(real.captions))  # N, D
    for time in times_of(training):
        t = np.full(len(latents), time, np.float32)            # N
        x_t = path.noised(latents, real.noise, t)              # N, f, r, c, C
        prediction = model.dit.predict(x_t, network_time(t), embedding)
        loss, _ = diffusion_loss_forward(prediction, model.settings.prediction, path, latents, real.noise, t)
        losses.append(float(loss))
    return float(np.mean(losses))


def models_of(measured):
    """The results, the least compute first, each with its "compute" in the whole training and its final "loss"."""
    found = []
    for run in measured.values():
        _, loss, seen_loss = run["curve"][-1]
        found.append(run | {"compute": run["step_products"] * run["steps"], "loss": loss, "seen_loss": seen_loss})
    return sorted(found, key=lambda run: run["compute"])


def by_model(models):
    """Runs that differ in their seed only, together: a list of lists, the least compute first."""
    groups = {}
    for run in models:
        groups.setdefault((run["compute"], run["width"], tuple(run["patch"])), []).append(run)
    return list(groups.values())


@dataclass(frozen=True)
class Law:
    """What the losses of all models say: the fitted laws, and intervals by bootstrap over the models."""

    plain: object
    plain_interval: list
    with_floor: object
    floor_interval: list  # of the exponent of `with_floor`
    band: np.ndarray  # 2, G   of the plain law, at GRID computes
    grid: np.ndarray
    correlation: float
    correlation_interval: list


def law_of(models):
    """Fits the losses against compute."""
    compute, loss = (np.array([run[key] for run in models], np.float64) for key in ("compute", "loss"))
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
    )


def sentences(measured):
    """Whether the claim holds, in words."""
    models = models_of(measured)
    law, groups = law_of(models), by_model(models)
    factor = models[-1]["compute"] / models[0]["compute"]
    least, most = (merged(run["held_out"] for run in group) for group in (groups[0], groups[-1]))
    lower, upper = law.plain_interval
    said = verdict(
        lower > 0 and interval(most)[0] > interval(least)[1], upper < 0 or interval(most)[1] < interval(least)[0]
    )
    best = max(groups, key=lambda group: share(merged(run["held_out"] for run in group)))[0]
    return [
        f"{said} in this world: over a factor of {factor:.0f} in training compute ({len(groups)} models), the loss "
        f"on held-out clips goes as compute to the power of {number(-law.plain.exponent)} "
        f"[{-upper:.3f}, {-lower:.3f}].",
        f"Of held-out prompts, the model with the least compute gets {percent(share(least), interval(least))} % right, "
        f"the one with the most {percent(share(most), interval(most))} %. The best of all is {model_name(best)}, with "
        f"{in_units(best['compute'])} MACs of at most {in_units(models[-1]['compute'])}.",
        f"The correlation of loss and log compute is {number(law.correlation, law.correlation_interval, 2)}.",
    ]


def model_name(run):
    """A model in words."""
    return f"width {run['width']}, depth {run['depth']}, patch {'x'.join(map(str, run['patch']))}"


def tables(measured):
    """One line a model, and the fits."""
    rows = []
    for group in by_model(models_of(measured)):
        first, held_out, seen = group[0], merged(r["held_out"] for r in group), merged(r["seen"] for r in group)
        losses = [f"{np.mean([run[key] for run in group]):.4f}" for key in ("loss", "seen_loss")]
        rows.append(
            [
                model_name(first),
                first["tokens"], in_units(first["parameters"]), in_units(first["step_products"]),
                in_units(first["compute"]), *losses,
                percent(share(seen), interval(seen)), percent(share(held_out), interval(held_out)),
            ]
        )  # fmt: skip
    heads = ["model", "tokens", "parameters", "MACs a step", "MACs in all", "loss, held out", "loss, seen"]
    law = law_of(models_of(measured))
    floor = law.with_floor.floor
    fits = [
        ["loss ~ compute^-a", number(law.plain.exponent, law.plain_interval), "0"],
        ["loss - floor ~ compute^-a", number(law.with_floor.exponent, law.floor_interval), f"{floor:.4f}"],
    ]
    return [
        markdown([*heads, "right, seen, %", "right, held out, %"], rows),
        markdown(["power law", "a", "floor"], fits),
    ]


def note(measured):
    """How the numbers came about."""
    models = models_of(measured)
    steps, seeds = models[0]["steps"], len(by_model(models)[0])
    return (
        f"All models were trained for {steps:,} steps with the same settings and codec ({seeds} of each), as in "
        "Peebles & Xie 2023. MACs are multiply-accumulates of all matrix products, forward and backward, counted by "
        f"`minidit/models/cost.py`, which counts {papers_count():.1f} G for a forward pass of DiT-XL/2, as their table "
        "4 does (the text encoder, 1 % to a third of a step, is the same in all models). The loss is that of training, "
        "by the moving average of the weights, on fresh clips at fixed noise and 6 fixed times. Intervals, 95 %: of "
        "shares by Wilson's formula over clips, of fits by bootstrap over the models. The claim holds if the interval "
        "of the exponent (without a floor) lies above 0 and the largest model's share of right held-out prompts lies "
        "above the smallest one's, intervals included."
    )


def papers_count():
    """Multiply-accumulates of a forward pass of DiT-XL/2 at 256 x 256 pixels, in units of 10^9, as the paper counts."""
    settings = dit_settings("minidit-XL/2", in_channels=4, num_classes=1000, learn_sigma=True)
    grid = (1, 16, 16)
    layer_norms = (2 * settings.depth + 1) * int(np.prod(grid)) * settings.width  # theirs count one for each number
    return (multiply_accumulates(settings, 1, grid, training=False) + layer_norms) / 1e9


MARKERS = dict(zip(PATCHES, "os^", strict=True))
COLORS = (BLUE, VERMILLION, GREEN)


@style()
def draw(measured):
    """The bytes of the PNG."""
    models = models_of(measured)
    law = law_of(models)
    widths = sorted({run["width"] for run in models})
    color = dict(zip(widths, COLORS, strict=False))
    figure = sheet(1950, 720)
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.08)
    left, middle, right = figure.subplots(1, 3)
    left.fill_between(law.grid, *law.band, color=INK, alpha=0.12, linewidth=0)
    left.plot(law.grid, law.plain(law.grid), color=INK, linewidth=1)
    for run in models:
        look = {"marker": MARKERS[tuple(run["patch"])], "color": color[run["width"]], "linestyle": "none"}
        left.plot(run["compute"], run["loss"], **look)
        steps, losses = zip(*((step, loss) for step, loss, _ in run["curve"]), strict=True)
        computes = np.array(steps) * run["step_products"]
        right.plot(computes, losses, **look | {"linestyle": "-", "linewidth": 1, "markersize": 3})
    for name, shade, words in (("seen", BLUE, "seen"), ("held_out", VERMILLION, "held out")):
        draw_shares(middle, by_model(models), name, shade, words)
    for width in widths:
        depth = next(run["depth"] for run in models if run["width"] == width)
        left.plot([], [], color=color[width], marker="o", linestyle="none", label=f"width {width}, depth {depth}")
    for patch in {tuple(run["patch"]): None for run in models}:
        label = f"patch {'x'.join(map(str, patch))}"
        left.plot([], [], color=INK, marker=MARKERS[patch], linestyle="none", label=label)
    titles = (
        f"loss ~ compute^{-law.plain.exponent:.3f} [{-law.plain_interval[1]:.3f}, {-law.plain_interval[0]:.3f}]",
        "right prompts, 95 % intervals", "on the way through training",
    )  # fmt: skip
    for axes, title in zip((left, middle, right), titles, strict=True):
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
    return png_bytes(figure)


def draw_shares(axes, groups, name, color, label):
    """The shares of right clips of all models, with intervals, in percent."""
    x = [group[0]["compute"] for group in groups]
    tallies = [merged(run[name] for run in group) for group in groups]
    y = np.array([share(counts) for counts in tallies])
    low, high = np.array([interval(counts) for counts in tallies]).T
    errors = 100 * np.array([y - low, high - y])
    axes.errorbar(x, 100 * y, errors.clip(0), fmt="o", color=color, label=label, elinewidth=1)
