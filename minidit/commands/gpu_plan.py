"""`minidit gpu-plan`: what a training step would ask of a GPU."""

import json
from dataclasses import replace

from minidit.commands import arguments as shared

SUMMARY = "count what a training step asks of a GPU: kernels launched, bytes moved (needs no GPU)"
EXAMPLE = "minidit gpu-plan sky --batch 256"
NOTES = """\
plain is CuPy's kernels alone, a launch for almost every operation; fused is with the kernels in
minidit/backend/kernels. The least is what the matrix products, attention and the optimiser must read and write.

"""


def add_arguments(command):
    """Adds the arguments to the parser of this command; returns notes for its help."""
    command.add_argument("preset", metavar="PRESET", help="whose training step: quick, sky or tiny")
    command.add_argument(
        "--batch", type=shared.whole_number(1), metavar="N", help="clips in a step (default: the preset's)"
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")
    return NOTES


def run(arguments):
    """Prints a table, or with --json one object.

    Raises:
        UserError: there is no such preset, or the batch can't be shared out.
    """
    from minidit.gpu.plan import plan_step
    from minidit.presets import preset_named, with_batch

    preset = preset_named(arguments.preset)
    preset = replace(preset, diffusion_training=with_batch(preset.diffusion_training, arguments.batch))
    plain, fused, least = plan_step(preset)
    if arguments.json:
        print(json.dumps({"plain": as_dict(plain), "fused": as_dict(fused), "least_bytes": least}, indent=2))
    else:
        print(table(arguments.preset, preset.diffusion_training.batch, plain, fused, least))


def as_dict(plan):
    """A StepPlan for JSON."""
    return plan._asdict() | {"parts": {name: part._asdict() for name, part in plan.parts.items()}}


def table(name, batch, plain, fused, least):
    """The plan in words."""
    rows = [(part, plain.parts[part], fused.parts[part]) for part in plain.parts]
    lines = [
        f"A training step of {name}, {batch} clips",
        "",
        f"{'':<28}{'launches':>16}{'':>6}{'MB moved':>16}",
        f"{'':<28}{'plain':>8}{'fused':>8}{'':>6}{'plain':>8}{'fused':>8}",
        *(row(*cells) for cells in rows),
        row("together", plain.total, fused.total),
        row("the least", None, None, least),
        "",
        f"{fused.host_to_device[0]} copies to the GPU ({fused.host_to_device[1] / 1e6:.1f} MB), "
        f"{fused.device_to_host[0]} back; the host waits {fused.synchronisations} times.",
    ]
    return "\n".join(lines)


def row(name, plain, fused, least=None):
    """A line of the table: launches and megabytes, plain and fused; or the least megabytes alone."""
    if least is not None:
        return f"{name:<28}{'':>30}{least / 1e6:>8.1f}"
    return f"{name:<28}{plain.launches:>8}{fused.launches:>8}{'':>6}{plain.bytes / 1e6:>8.1f}{fused.bytes / 1e6:>8.1f}"
