"""`minidit plan`: what a training run would take, before it is started."""

import json
from dataclasses import asdict, replace
from math import prod

from minidit.commands import arguments as shared
from minidit.errors import UserError

SUMMARY = "say whether a training run fits into memory, and how long it would take here"
EXAMPLE = "minidit plan minidit-XL/2 --batch 64 --recompute"

PAPER = {"batch": 256, "steps": 400_000, "size": 256, "frames": 1}  # Peebles & Xie 2023, section 4
PAPER_PATCH, PAPER_CHANNELS, PAPER_CLASSES = (1, 8, 8), 4, 1000  # of their autoencoder; ImageNet's



def add_arguments(command):
    """Adds the arguments to the parser of this command; returns what can be planned, for its help."""
    from minidit.presets import PRESETS, SIZES

    command.add_argument("preset", metavar="PRESET", help="what to train, see below")
    command.add_argument("--batch", type=shared.whole_number(1), metavar="N", help="clips in a step")
    command.add_argument("--steps", type=shared.whole_number(1), metavar="N", help="of the whole run")
    command.add_argument("--size", type=shared.whole_number(1), metavar="N", help="pixels along each side of a clip")
    command.add_argument("--frames", type=shared.whole_number(1), metavar="N", help="of a clip")
    command.add_argument(
        "--recompute", action="store_true", help="plan for minidit train --recompute: less memory, more time"
    )
    shared.add_threads(command, "all")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    presets = "".join(f"  {name:<8} {preset.description}\n" for name, preset in PRESETS.items())
    return (
        f"presets:\n{presets}"
        f"  minidit-SIZE/PATCH: the paper's network for pictures with class labels, such as minidit-XL/2;\n"
        f"           SIZE is one of {', '.join(SIZES)}\n\n"
    )


def run(arguments):
    """Prints a few lines, or with --json one object."""
    with shared.blas_threads(arguments.threads):
        plan = planned(arguments)
    print(json.dumps(plan, indent=2, allow_nan=False) if arguments.json else in_words(plan))


def planned(arguments):
    """What a run would take, as a JSON-able dict."""
    from minidit.benchmark.pace import pace_of, work
    from minidit.models.cost import multiply_accumulates
    from minidit.training.budget import complaint_about, memory_of
    from minidit.training.free_memory import free_bytes

    workload, steps, preset = chosen(arguments)
    cores = arguments.threads or shared.available_cores()
    processes = min(cores, workload.shards)
    memory, complaint = memory_of(workload, processes), complaint_about(workload, processes)
    pace = None if complaint else pace_of(workload, processes, cores // processes, preset)
    forward, step = multiply_accumulates(workload.dit, 1, workload.grid, workload.words, training=False), work(workload)
    return {
        "name": arguments.preset,
        "parameters": workload.parameters,
        "grid": workload.grid,
        "words": workload.words,
        "batch": workload.batch,
        "recompute": workload.recompute,
        "steps": steps,
        "processes": processes,
        "threads_each": cores // processes,
        "multiply_accumulates": {"clip_forward": forward, "step": step, "run": step * steps},
        "memory": asdict(memory) | {"total": memory.total, "free": free_bytes(), "complaint": complaint or None},
        "time": pace and {"step": pace.seconds, "run": pace.seconds * steps, "estimated": pace.estimated},
    }


def chosen(arguments):
    """The Workload, its number of steps, and the Preset (None for a network of the paper).

    Raises:
        UserError: there is nothing of this name, or the numbers don't go together.
    """
    from minidit.presets import dit_settings, preset_named, with_batch
    from minidit.training.budget import Workload, grid_of, workload_of

    changes = {name: value for name in PAPER if (value := getattr(arguments, name)) is not None}
    if arguments.preset.startswith("minidit-"):
        run = PAPER | changes
        batch, size = run["batch"], run["size"]
        dit = dit_settings(arguments.preset, PAPER_CHANNELS, num_classes=PAPER_CLASSES, learn_sigma=True)
        grid = grid_of((run["frames"], size, size), PAPER_PATCH, dit.patch)
        return Workload(dit, grid, batch, shards=batch, recompute=arguments.recompute), run["steps"], None
    preset = preset_named(arguments.preset, "; or a network of the paper, such as minidit-XL/2")
    training = with_batch(preset.diffusion_training, changes.pop("batch", None))
    clip = {name: changes.pop(name) for name in ("size", "frames") if name in changes}
    training = replace(training, recompute=arguments.recompute, **changes)
    if not training.steps:
        raise UserError(
            f'"{arguments.preset}" trains the decoder of the codec only, and a plan counts what a DiT takes. '
            "Plan another preset."
        )
    preset = replace(preset, model=replace(preset.model, **clip), diffusion_training=training)
    return workload_of(preset), training.steps, preset


def in_words(plan):
    """The plan as lines of text."""
    from minidit.experiments.tables import in_units as number
    from minidit.training.budget import in_units

    memory, time, products = plan["memory"], plan["time"], plan["multiply_accumulates"]
    sharing = counted(plan["processes"], "process", "es"), counted(plan["threads_each"], "thread", "s")
    free = "it is unknown how much is free" if memory["free"] is None else f"{in_units(memory['free'])} are free"
    passing = in_units(max(memory["step"], memory["checkpoint"]))
    rows = {
        "network": f"{number(plan['parameters'])} parameters",
        "clip": f"{prod(plan['grid'])} tokens ({' x '.join(map(str, plan['grid']))})"
                + (f", {plan['words']} words in its prompt" if plan["words"] else ""),
        "step": f"{counted(plan['batch'], 'clip', 's')}, shared by {sharing[0]} with {sharing[1]} each"
                + (", each block's forward computed twice" if plan["recompute"] else ""),
        "arithmetic": f"{number(products['clip_forward'])} multiply-accumulates for the forward of a clip, "
                      f"{number(products['step'])} for a step",
        "memory": f"about {in_units(memory['total'])} at the peak: {in_units(memory['state'])} for parameters and the "
                  f"like, {passing} for a step or a checkpoint, {in_units(memory['base'])} for Python; {free}",
        "does it fit": f"no: {memory['complaint']}" if memory["complaint"] else "yes",
    }  # fmt: skip
    if time:
        how = "estimated from one block and fewer clips" if time["estimated"] else "as timed"
        rows["a step"] = f"{duration(time['step'])} on this machine, {how}"
        rows[f"{plan['steps']:,} steps"] = duration(time["run"])
    return "\n".join([plan["name"], *(f"  {label:<16}{value}" for label, value in rows.items())])


def counted(count, noun, ending):
    """A count with its noun, such as "2 processes"."""
    return f"{count} {noun}{ending if count > 1 else ''}"


def duration(seconds):
    """Seconds in words, such as "2.5 hours"."""
    units = (("years", 31_557_600), ("days", 86_400), ("hours", 3600), ("minutes", 60), ("s", 1), ("ms", 0.001))
    for unit, length in units:
        if seconds >= 2 * length or unit == "ms":
            return f"{seconds / length:.{1 if seconds < 20 * length else 0}f} {unit}"
