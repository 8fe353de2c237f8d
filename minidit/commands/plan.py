"""`minidit plan`: what a training run would take, before it is started."""

import json

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
    """All that is known of a run beforehand, as a JSON-able dict."""
    from minidit.benchmark.pace import pace_of
    from minidit.models.cost import multiply_accumulates
    from minidit.models.memory import saved_activation_bytes
    from minidit.training.budget import complaint_about, memory_of
    from minidit.training.free_memory import free_bytes

    workload, steps, preset = chosen(arguments)
    cores = arguments.threads or shared.available_cores()
    processes = min(cores, workload.shards)
    memory = memory_of(workload, processes)
    complaint = complaint_about(workload, processes)
    pace = None if complaint else pace_of(workload, processes, cores // processes, preset)
    dit, grid, words = workload.dit, workload.grid, workload.words
    forward = multiply_accumulates(dit, 1, grid, words, training=False)
    clips = workload.clips(processes)  # at once, which decides how attention goes
    step = multiply_accumulates(dit, clips, grid, words, recompute=workload.recompute) * workload.batch // clips
    return {
        "name": arguments.preset,
        "network": {
            "width": dit.width,
            "depth": dit.depth,
            "heads": dit.num_heads,
            "tokens": grid[0] * grid[1] * grid[2],
            "grid": grid,
            "words": words,
            "parameters": workload.parameters,
        },
        "run": {
            "batch": workload.batch,
            "steps": steps,
            "processes": processes,
            "threads_each": cores // processes,
            "recompute": workload.recompute,
        },
        "multiply_accumulates": {"clip_forward": forward, "step": step, "run": step * steps},
        "memory": {
            "saved_activations_of_a_clip": saved_activation_bytes(dit, 1, grid, words, workload.recompute),
            "state": memory.state,
            "gradients": memory.gradients,
            "activations": memory.activations,
            "temporaries": memory.temporaries,
            "checkpoint": memory.checkpoint,
            "base": memory.base,
            "total": memory.total,
            "free": free_bytes(),
            "complaint": complaint or None,
        },
        "time": pace and {
            "step": pace.seconds, "run": pace.seconds * steps, "timed_depths": pace.depths, "timed_batch": pace.batch,
        },
    }  # fmt: skip


def chosen(arguments):
    """The Workload, its number of steps, and the Preset (None for a network of the paper).

    Raises:
        UserError: there is nothing of this name, or the numbers don't go together.
    """
    from dataclasses import replace

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
    network, run, products, memory = (plan[part] for part in ("network", "run", "multiply_accumulates", "memory"))
    processes = f"{run['processes']} process{'es' if run['processes'] > 1 else ''}"
    threads = f"{run['threads_each']} thread{'s' if run['threads_each'] > 1 else ''}"
    prompt = f", {network['words']} words a prompt" if network["words"] else ""
    grid = " x ".join(map(str, network["grid"]))
    state = "parameters, moving average, moments; and a copy to save"
    sections = {
        f"{plan['name']}: {number(network['parameters'])} parameters": [
            ("network", f"width {network['width']}, depth {network['depth']}, {network['heads']} heads"),
            ("clip", f"{network['tokens']} tokens ({grid}){prompt}"),
            ("step", f"{run['batch']} clips, shared by {processes} with {threads} each"),
            ("backward", "computes each block's forward again (--recompute)" if run["recompute"] else ""),
        ],
        "multiply-accumulates": [
            ("one clip, forward", number(products["clip_forward"])),
            ("a step, forward and backward", number(products["step"])),
            (f"{run['steps']:,} steps", number(products["run"])),
        ],
        "memory": [
            (state, size(memory["state"])),
            (f"gradients of {processes}", size(memory["gradients"])),
            (f"saved activations ({size(memory['saved_activations_of_a_clip'])} a clip)", size(memory["activations"])),
            ("temporaries of a step", size(memory["temporaries"])),
            ("or, between steps, copies for a checkpoint", size(memory["checkpoint"])),
            ("Python and libraries", size(memory["base"])),
            ("at the peak", size(memory["total"])),
            ("free on this machine", size(memory["free"]) if memory["free"] is not None else "unknown"),
        ],
        "time on this machine": times(plan),
    }
    return "\n\n".join(f"{title}\n{lines(rows)}" for title, rows in sections.items())


def times(plan):
    """Rows about the time, or why there are none."""
    time, run = plan["time"], plan["run"]
    if time is None:
        return [("not timed", plan["memory"]["complaint"])]
    how = "as timed"
    if len(time["timed_depths"]) > 1:
        how = f"estimated from networks of depth 1 and 2 and a batch of {time['timed_batch']}"
    return [("a step", f"{duration(time['step'])} ({how})"), (f"{run['steps']:,} steps", duration(time["run"]))]


def lines(rows):
    """Rows of (label, value) as lines in two columns; rows without a value are left out."""
    return "\n".join(f"  {label:<58}{value}" for label, value in rows if value)


def size(count):
    """Bytes in words."""
    from minidit.training.budget import in_units

    return in_units(count)


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
