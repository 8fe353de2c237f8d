"""`minidit plan`: what a training run would take, before it is started."""

import json
from dataclasses import asdict, replace
from math import prod

from minidit.commands import arguments as shared
from minidit.commands.train import shards_of
from minidit.errors import UserError

SUMMARY = "say what a training run would take: arithmetic, memory, time on this machine"
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
        "--recompute", action="store_true", help="as of minidit train: less memory and more time"
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
    """Prints a table, or with --json one object."""
    with shared.blas_threads(arguments.threads):
        plan = planned(arguments)
    print(json.dumps(plan, indent=2, allow_nan=False) if arguments.json else table(plan))


def planned(arguments):
    """What a run would take, as a JSON-able dict."""
    from minidit.benchmark.pace import pace_of, work
    from minidit.models.cost import multiply_accumulates
    from minidit.training.budget import complaint_about, memory_of
    from minidit.training.free_memory import free_bytes

    workload, steps, preset = chosen(arguments)
    cores = arguments.threads or shared.available_cores()
    processes = min(cores, workload.shards)
    memory = memory_of(workload, processes)
    complaint = complaint_about(workload, processes)
    pace = None if complaint else pace_of(workload, processes, cores // processes, preset)
    dit, step = workload.dit, work(workload)
    return {
        "name": arguments.preset,
        "network": {
            "width": dit.width,
            "depth": dit.depth,
            "heads": dit.num_heads,
            "tokens": prod(workload.grid),
            "grid": workload.grid,
            "words": workload.words,
            "parameters": workload.parameters,
        },
        "run": {
            "batch": workload.batch,
            "steps": steps,
            "processes": processes,
            "threads_each": cores // processes,
            "recompute": workload.recompute,
        },
        "multiply_accumulates": {
            "clip_forward": multiply_accumulates(dit, 1, workload.grid, workload.words, training=False),
            "step": step,
            "run": step * steps,
        },
        "memory": asdict(memory) | {"total": memory.total, "free": free_bytes(), "complaint": complaint or None},
        "time": pace and {"step": pace.seconds, "run": pace.seconds * steps, "estimated": pace.estimated},
    }


def chosen(arguments):
    """The Workload, its number of steps, and the Preset (None for a network of the paper).

    Raises:
        UserError: there is nothing of this name, or the numbers don't go together.
    """
    from minidit.presets import PRESETS
    from minidit.training.budget import workload_of

    given = {name: value for name in PAPER if (value := getattr(arguments, name)) is not None}
    if arguments.preset.startswith("minidit-"):
        return papers(arguments.preset, arguments.recompute, **PAPER | given)
    if arguments.preset not in PRESETS:
        raise UserError(
            f'there is no preset "{arguments.preset}". Choose one of: {", ".join(PRESETS)}; or a network of the '
            "paper, such as minidit-XL/2."
        )
    preset = PRESETS[arguments.preset]
    training, model = preset.diffusion_training, preset.model
    if "batch" in given:
        given["shards"] = shards_of(given["batch"], training.batch // training.shards)
    clip = {name: given.pop(name) for name in ("size", "frames") if name in given}
    training = replace(training, recompute=arguments.recompute, **given)
    preset = replace(preset, model=replace(model, **clip), diffusion_training=training)
    return workload_of(preset), training.steps, preset


def papers(name, recompute, batch, steps, size, frames):
    """The Workload of one of the paper's networks, its number of steps, and no preset."""
    from minidit.presets import dit_settings
    from minidit.training.budget import Workload, grid_of

    dit = dit_settings(name, PAPER_CHANNELS, num_classes=PAPER_CLASSES, learn_sigma=True)
    grid = grid_of((frames, size, size), PAPER_PATCH, dit.patch)
    return Workload(dit, grid, batch, shards=batch, recompute=recompute), steps, None


def table(plan):
    """The plan in words."""
    from minidit.training.budget import in_units

    network, run, products, memory = (plan[part] for part in ("network", "run", "multiply_accumulates", "memory"))
    time = plan["time"]
    grid, prompt = " x ".join(map(str, network["grid"])), f", {network['words']} words a prompt"
    how = time and ("estimated from one block and fewer clips" if time["estimated"] else "as timed")
    sections = {
        f"{plan['name']}: {number(network['parameters'])} parameters": [
            ("network", f"width {network['width']}, depth {network['depth']}, {network['heads']} heads"),
            ("clip", f"{network['tokens']} tokens ({grid}){prompt if network['words'] else ''}"),
            ("step", f"{run['batch']} clips, shared by {counted(run['processes'], 'process', 'es')} with "
                     f"{counted(run['threads_each'], 'thread', 's')} each"),
            ("backward", "computes each block's forward again (--recompute)" if run["recompute"] else ""),
        ],
        "multiply-accumulates": [
            ("one clip, forward", number(products["clip_forward"])),
            ("a step, forward and backward", number(products["step"])),
            (f"{run['steps']:,} steps", number(products["run"])),
        ],
        "memory, estimated": [
            ("parameters, moving average, moments, gradients; a copy to save", in_units(memory["state"])),
            ("a step: activations, temporaries", in_units(memory["step"])),
            ("or, between steps, copies for a checkpoint", in_units(memory["checkpoint"])),
            ("Python and libraries", in_units(memory["base"])),
            ("at the peak", in_units(memory["total"])),
            ("free on this machine", "unknown" if memory["free"] is None else in_units(memory["free"])),
        ],
        "time on this machine": [
            ("a step", f"{duration(time['step'])} ({how})"), (f"{run['steps']:,} steps", duration(time["run"])),
        ] if time else [("not timed", memory["complaint"])],
    }  # fmt: skip
    return "\n\n".join(
        "\n".join([title, *(f"  {label:<66}{value}" for label, value in rows if value)])
        for title, rows in sections.items()
    )


def counted(count, noun, ending):
    """A count with its noun, such as "2 processes"."""
    return f"{count} {noun}{ending if count > 1 else ''}"


def number(count):
    """A count in short, such as "118.6 G"."""
    for prefix, least in (("E", 1e18), ("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if count >= least:
            return f"{count / least:.1f} {prefix}"
    return f"{count:,}"


def duration(seconds):
    """Seconds in words, such as "2.5 hours"."""
    units = (("years", 31_557_600), ("days", 86_400), ("hours", 3600), ("minutes", 60), ("s", 1), ("ms", 0.001))
    for unit, length in units:
        if seconds >= 2 * length or unit == "ms":
            return f"{seconds / length:.{1 if seconds < 20 * length else 0}f} {unit}"
