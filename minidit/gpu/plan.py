"""What a training step asks of a GPU: kernels launched and bytes moved, with our kernels and without; no GPU needed.

The step is not described here but run, on the simulated GPU, which writes down every launch and the arrays that each
reads and writes. Our own kernels are left out in that (their results would change nothing in the counts), so that no
compiler is needed either.
"""

from math import prod
from typing import NamedTuple

import numpy as np

from minidit.backend.device import choose_device
from minidit.backend.kernels.launch import plain_kernels
from minidit.models.cost import matrix_products, parameter_count
from minidit.training.budget import workload_of
from minidit.training.job import VideoTraining
from minidit.training.state import TrainingState
from minidit.training.steps import Member, size_of

FLOAT = 4  # bytes
OPTIMIZER_VECTORS = 9  # read: gradients, parameters, two moments, average; written: all of them but the gradients

# Which part of a step a launch belongs to, by how the kernel or the function that asked for it begins
PARTS = (
    ("norm, shift and scale", ("layernorm", "modulate")),
    ("GELU", ("gelu", "bias_gelu")),
    ("gate and residual", ("gated_residual", "bias_gated_residual")),
    ("attention", ("attention", "self_attention", "blockwise_attention", "flash_attention", "unnormalised_weights",
                   "scores", "scaled_softmax", "softmax", "split_heads")),
    ("loss", ("mse", "diffusion_loss", "target_of", "velocity_weight")),
    ("words", ("embedding", "text_encoder")),
    ("optimiser", ("adamw", "ema_update", "clip_scale")),
    ("gradients into one vector", ("load",)),  # of Parameters
)  # fmt: skip
PRODUCTS, REST = "matrix products", "everything else"
UNUSED = ("x_embedder.proj.dx", "t_embedder.mlp.0.dx")  # gradients of the latents and the time, which nobody asked for


class Part(NamedTuple):
    """A part of a step: how many launches, and how many bytes they read and write."""

    launches: int
    bytes: int


class StepPlan(NamedTuple):
    """A step as counted.

    Attributes:
        parts: name -> Part.
        host_to_device, device_to_host: copies between the two, as (count, bytes).
        synchronisations: times that the host waits.
    """

    parts: dict[str, Part]
    host_to_device: tuple[int, int]
    device_to_host: tuple[int, int]
    synchronisations: int

    @property
    def total(self):
        """All parts together."""
        return Part(sum(part.launches for part in self.parts.values()), sum(part.bytes for part in self.parts.values()))


def plan_step(preset):
    """Counts a training step of a preset.

    Args:
        preset: Preset.
    Returns:
        StepPlan with CuPy's kernels alone, StepPlan with ours, and the least bytes that a step could move.
    """
    xp = choose_device("simulated")
    job = VideoTraining.with_random_codec(preset.model, preset.diffusion_training)
    with plain_kernels():
        plain = counted_step(xp, job)
    with xp.kernels_left_out():
        ours = counted_step(xp, job)
    return plain, ours, least_bytes(preset)


def counted_step(xp, job):
    """The second training step of a job, as the simulated GPU counts it: the first makes what is made only once."""
    member = Member(job, TrainingState.zeros(size_of(job.shapes), xp))
    with np.errstate(all="ignore"):  # kernels that were left out leave anything behind
        member.step(0)
        with xp.count() as count:
            member.step(1)
    parts = {name: Part(0, 0) for name in (PRODUCTS, *(name for name, _ in PARTS), REST)}
    for launch in count.launches:
        name = part_of(launch)
        launches, moved = parts[name]
        parts[name] = Part(launches + 1, moved + launch.bytes_read + launch.bytes_written)
    up, down = count.host_to_device, count.device_to_host
    return StepPlan(parts, (up.count, up.bytes), (down.count, down.bytes), count.synchronisations)


def part_of(launch):
    """The part of a step that a launch belongs to."""
    _, _, function = (launch.asked_by or "").rpartition(".")
    for part, beginnings in PARTS:
        if launch.name.startswith(beginnings) or function.startswith(beginnings):
            return part
    return PRODUCTS if launch.name == "matmul" else REST


def least_bytes(preset):
    """The bytes that a step of a preset can't do without: what its matrix products read and write, and the optimiser.

    As if all else happened to numbers on their way into a product or out of it, and attention, forward and backward,
    read and wrote nothing but queries, keys, values, outputs and their gradients.
    """
    workload = workload_of(preset)
    products = matrix_products(workload.dit, workload.batch, workload.grid, workload.words)
    linear = [p for p in products if p.batch == 1 and p.name not in UNUSED]
    # The left factor of an embedding's gradient is one-hot: a number says where the one is.
    matrices = sum((".embedding" not in p.name) * p.m * p.k + p.k * p.n + p.m * p.n for p in linear)
    text = workload.dit.text
    attended = workload.dit.depth * prod(workload.grid) * workload.dit.width + text.depth * workload.words * text.width
    attention = (4 + 8) * workload.batch * attended  # forward: q, k, v, y; backward: those, dy, dq, dk, dv
    return FLOAT * (matrices + attention + OPTIMIZER_VECTORS * parameter_count(workload.dit))
