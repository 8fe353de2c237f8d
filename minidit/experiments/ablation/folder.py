"""Trains what is missing, and keeps a folder: results, the codec that all share, the figure, and a page of tables."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from minidit.experiments.ablation import figure
from minidit.experiments.ablation.report import tables
from minidit.experiments.ablation.training import TIMES, Effort, train_and_measure
from minidit.experiments.ablation.variants import (
    VARIANTS,
    base_settings,
    checked_names,
    settings_of,
    step_products,
    steps_of,
)
from minidit.experiments.small import codec_path, codec_task
from minidit.experiments.store import Store
from minidit.experiments.tables import in_units
from minidit.experiments.tasks import Task, missing, run_tasks
from minidit.figures.folder import make_folder
from minidit.files.whole import write_whole
from minidit.models.checkpoint import settings_to_json
from minidit.training.settings import DiffusionTraining

RESULTS, PAGE = "ablation.json", "README.md"
STEPS = 800  # of the base
TRAINING = replace(DiffusionTraining(), batch=16, time_mean=-1.6, decay=0.4, ema=0.99)
SMALL = "**Made with --quick: far too small to judge anything by.**"


@dataclass(frozen=True)
class Options:
    """What the shared codec's task wants to know."""

    out: Path
    quick: bool


def ablate(names=None, out="ablation", seeds=3, steps=None, threads=1, quick=False, force=False, progress=True):
    """Trains variants of one small model at equal compute, measures them, and draws a figure and tables.

    What the folder holds already is not trained again; each result is on disk as soon as it is there.

    Args:
        names: of VARIANTS; none or None for all. The base is always among them.
        out: folder for everything; made if need be.
        seeds: trainings of each variant.
        steps: of the base; the others get as many as cost the same.
        threads: how many trainings at once, each in a process with one thread.
        quick: so small that it takes seconds, to see that everything runs.
        force: start anew whatever the folder holds.
        progress: show a bar.
    Returns:
        the path of the page, and the tables: title -> Markdown.
    Raises:
        UserError: an unknown name, a folder with other results, or a run that diverged.
    """
    chosen = checked_names(names)
    options = Options(make_folder(out), quick)
    store = Store(options.out / RESULTS, quick, force)
    effort = effort_of(quick, steps)
    codec = codec_task(options)
    todo = missing([task for name in chosen for task in tasks_of(name, effort, seeds, codec_path(options))], store)
    if todo and (store.get(codec.name, codec.plan) is None or not codec_path(options).exists()):
        run_tasks([codec], store, 1, progress)
    run_tasks(todo, store, threads, progress)
    results = {name: entry["result"] for name, entry in store.entries.items() if name != codec.name}
    written = tables(results)
    write_whole(options.out / figure.FILE, figure.draw(results))
    write_whole(options.out / PAGE, page(results, written, effort, quick).encode())
    return options.out / PAGE, written


def effort_of(quick, steps):
    """The Effort: the usual one, or the smallest."""
    if quick:
        training = replace(TRAINING, steps=steps or 3, batch=8)
        return Effort(base_settings(width=32, depth=1, text_width=16), training, clips=6, prompts=6)
    return Effort(base_settings(), replace(TRAINING, steps=steps or STEPS), clips=108, prompts=81)


def tasks_of(name, effort, seeds, codec):
    """A Task for each seed of a variant."""
    variant = VARIANTS[name]
    settings, batch = settings_of(variant, effort.base), effort.training.batch
    steps = steps_of(settings, effort.base, effort.training.steps, batch)
    plan = {
        "settings": settings_to_json(settings),
        "training": asdict(replace(effort.training, steps=steps)),
        "given": variant.given,
        "clips": effort.clips,
        "prompts": effort.prompts,
    }
    return [
        Task(
            f"{name}/seed {seed}", plan | {"seed": seed}, train_and_measure, (variant, effort, seed, codec),
            cost=steps * step_products(settings, batch),
        )
        for seed in range(seeds)
    ]  # fmt: skip


def page(results, written, effort, quick):
    """The page, in Markdown."""
    first = next(iter(results.values()))
    budget = first["step_products"] * first["steps"]
    seconds = sum(result["core_seconds"] for result in results.values())
    dit = effort.base.dit
    note = (
        f"One small model (width {dit.width}, {dit.depth} blocks, {first['tokens']} tokens, 16 x 16 pixels, 8 frames), "
        f"and variants of it. Each was trained with the same compute, {in_units(budget)} multiply-accumulates "
        "(those of the text encoder included, those of the codec not), so that one which costs more a step makes fewer "
        "of them. With the same seed all see the same clips. The loss is the mean squared error of the velocity, which "
        "every target implies, on fresh clips of held-out combinations at fixed noise and "
        f"{len(TIMES)} fixed times, by the moving average of the weights. Attributes are what the verifier reads from "
        f"{effort.prompts} clips for seen and as many for held-out prompts: colour, shape, motion and sky. ± and bars "
        "are 95 % intervals of the mean over the seeds (Student's t). *Difference* is that of the loss to the first "
        "row's with the same seed."
    )
    parts = ["# " + figure.TITLE, *([SMALL] if quick else []), f"![{figure.ALT}]({figure.FILE})", note]
    parts += [f"## {title}\n\n{table}" for title, table in written.items()]
    parts.append(f"Trained and measured by `minidit ablate` in {seconds / 60:.1f} core-minutes.")
    return "\n\n".join(parts) + "\n"
