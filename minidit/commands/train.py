"""`minidit train`: from nothing to a model."""

import os
from dataclasses import replace
from pathlib import Path
from time import monotonic

from minidit.commands import arguments as shared
from minidit.errors import UserError

SUMMARY = "train a model from nothing, or go on with a run that was stopped"
EXAMPLE = "minidit train --preset quick --out runs/quick --minutes 10"


def add_arguments(command):
    """Adds the arguments to the parser of this command; returns the list of presets for its help."""
    from minidit.presets import PRESETS

    command.add_argument("--preset", required=True, metavar="NAME", help="what to train, see below")
    command.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for checkpoints and previews")
    length = command.add_mutually_exclusive_group()
    length.add_argument(
        "--steps", type=shared.whole_number(1), metavar="N", help="of the DiT's training (default: the preset's)"
    )
    length.add_argument(
        "--minutes", type=shared.positive_number, metavar="M", help="plan as many steps as fit, the codec's included"
    )
    command.add_argument(
        "--learning-rate", type=shared.positive_number, metavar="X", help="its peak (default: the preset's)"
    )
    shared.add_seed(command, "of everything random")
    command.add_argument(
        "--workers",
        type=shared.whole_number(1),
        metavar="N",
        help="processes that share each step; the numbers stay the same but for rounding (default: one per core)",
    )
    command.add_argument("--resume", action="store_true", help="go on from the last checkpoint in DIR")
    return "presets:\n" + "".join(f"  {name:<8} {p.description}\n" for name, p in PRESETS.items()) + "\n"


def run(arguments):
    """Starts a run, or goes on with one."""
    from minidit.presets import PRESETS
    from minidit.training.trainer import MODEL, Run

    if arguments.preset not in PRESETS:
        raise UserError(f'there is no preset "{arguments.preset}". Choose one of: {", ".join(PRESETS)}.')
    changes = {"steps": arguments.steps, "learning_rate": arguments.learning_rate}
    changes = {name: value for name, value in changes.items() if value is not None}
    if arguments.resume and (changes or arguments.minutes is not None):
        raise UserError("a resumed run keeps its plan: leave out --steps, --minutes and --learning-rate.")

    begin = monotonic()
    preset = PRESETS[arguments.preset]
    training = replace(preset.diffusion_training, **changes)
    preset = replace(preset, diffusion_training=training)
    workers = arguments.workers or default_workers(training.shards)
    training_run = Run(preset, arguments.out, arguments.seed, workers)
    if arguments.resume:
        training_run.resume()
    else:
        training_run.start(arguments.minutes)
    training_run.train()
    print(f"{arguments.out / MODEL}  ({training_run.step} steps, {(monotonic() - begin) / 60:.1f} minutes)")
    print(f"Try: {shared.EXAMPLE} --checkpoint {arguments.out}")


def default_workers(shards):
    """The most processes that have a core each and can share the shards of a batch evenly."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(workers for workers in range(1, shards + 1) if shards % workers == 0 and workers <= cores)
