"""How much memory a training run takes, part by part, and whether the machine has it."""

from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import cache
from math import ceil, prod

import numpy as np

from minidit.errors import UserError
from minidit.layers.patchify import patch_grid, sizes_of_grid
from minidit.models.cost import parameter_count
from minidit.models.dit import DiTSettings
from minidit.models.memory import FLOAT, step_bytes
from minidit.models.tokenizer import Tokenizer
from minidit.training.buckets import draw_attributes, padded_shape
from minidit.training.free_memory import free_bytes, resident_bytes
from minidit.training.known_parts import describe
from minidit.training.state import VECTORS

PROMPTS = 256  # drawn to see how long they get
AT_WORK = 6 * 10**6  # bytes that the matrix library takes for its buffers when it starts to work


@dataclass(frozen=True)
class Workload:
    """A training step, as far as its size goes.

    Attributes:
        dit: DiTSettings.
        grid: (frames, rows, columns) of a clip, in tokens.
        batch, shards: clips of a step, and in how many equal parts processes can share them.
        words: of the longest prompt; None for class labels.
        recompute: run the blocks' forward again in the backward.
        drawing: bytes that it takes to draw a clip and to encode it, before the step.
    """

    dit: DiTSettings
    grid: tuple[int, int, int]
    batch: int
    shards: int
    words: int | None = None
    recompute: bool = False
    drawing: int = 0

    @property
    def parameters(self):
        """How many numbers are trained."""
        return parameter_count(self.dit)

    def clips(self, processes):
        """Of the process that has the most."""
        return ceil(self.shards / processes) * (self.batch // self.shards)

    def of_batch(self, batch):
        """The same with another batch, made of shards of the same size."""
        return replace(self, batch=batch, shards=batch * self.shards // self.batch)


def workload_of(preset):
    """The Workload of a preset's DiT.

    Raises:
        UserError: the clips don't divide into patches.
    """
    model, training = preset.model, preset.diffusion_training
    rng = np.random.default_rng(0)
    tokenizer = Tokenizer(model.vocabulary, model.dit.text.max_length)
    attributes = [draw_attributes(rng, training.plain_sky) for _ in range(PROMPTS)]
    prompts = [describe(rng, a, model.frames, training.grammar) for a in attributes]
    clip = (model.frames, model.size, model.size)
    if training.buckets:
        shape = max((padded_shape(grids, model) for _, grids in training.buckets), key=prod)
        clip = sizes_of_grid(shape[:3], model.codec.patch)
    patches, pixels = prod(clip) // prod(model.codec.patch), 3 * prod(clip)
    whole = clip
    if model.dit.conditioning_channels:  # the last tokens are filled up
        step = sizes_of_grid(model.dit.patch, model.codec.patch)
        whole = sizes_of_grid(patch_grid(clip, step), step)
    return Workload(
        model.dit,
        grid_of(whole, model.codec.patch, model.dit.patch),
        training.batch,
        training.shards,
        tokenizer.encode(prompts).shape[1],
        training.recompute,
        # As measured: clips and their patches a few times, the codec's hidden layer before and after its ReLU.
        FLOAT * (4 * pixels + 2 * patches * model.codec.hidden),
    )


def grid_of(clip, codec_patch, dit_patch):
    """(frames, rows, columns) in tokens of a clip of (frames, rows, columns) in pixels.

    Raises:
        UserError: they don't divide.
    """
    steps = sizes_of_grid(dit_patch, codec_patch)
    for name, size, step in zip(("frames", "rows", "columns"), clip, steps, strict=True):
        if size % step:
            raise UserError(f"{size} {name} don't divide into tokens of {step}. Choose a multiple of {step}.")
    return patch_grid(clip, steps)


@dataclass(frozen=True)
class Memory:
    """Bytes that a run takes, over all its processes.

    Attributes:
        state: parameters, moving average and moments, where the processes see them and where they are saved from; a
            vector of gradients for each process; and the model that makes the previews.
        step: what comes and goes in a step: activations, gradients by name, temporaries; or the clips before it.
        checkpoint: copies while a checkpoint is written, between two steps.
        base: of the processes, before they do anything.
    """

    state: int
    step: int
    checkpoint: int
    base: int

    @property
    def total(self):
        """At the peak: in a step, or while a checkpoint is written."""
        return self.state + max(self.step, self.checkpoint) + self.base


def memory_of(workload, processes, separate=False):
    """The Memory of a training run (`minidit.training.trainer`), once its codec is trained.

    Args:
        workload: Workload.
        processes: that share each step. One of them is the one that leads the run, if there is only one or `separate`;
            otherwise it comes on top.
        separate: each has a state of its own, as the ranks of an MPI launch do.
    """
    others = processes if processes > 1 and not separate else processes - 1  # processes beside the one that leads
    base = resident_at_first() + others * resident_at_first(own=True) + processes * AT_WORK
    vector = FLOAT * workload.parameters
    clips = workload.clips(processes)
    step = sum(step_bytes(workload.dit, clips, workload.grid, workload.words, workload.recompute))
    states = processes if separate else 1
    return Memory(
        state=(states * len(VECTORS) + len(VECTORS) + 1 + processes) * vector,
        step=processes * max(step, clips * workload.drawing),
        checkpoint=2 * len(VECTORS) * vector,
        base=base,
    )


@cache
def resident_at_first(own=False):
    """`resident_bytes` when first asked: it grows as networks are tried out for their size."""
    return resident_bytes(own=own)


def check_fits(preset, processes, separate=False):
    """Makes sure that a run has the memory that it needs, where the system says how much there is.

    Args:
        preset: Preset.
        processes, separate: as for `memory_of`.
    Raises:
        UserError: it hasn't; the message says what fits.
    """
    complaint = complaint_about(workload_of(preset), processes, separate)
    if complaint:
        raise UserError(complaint)


def complaint_about(workload, processes, separate=False):
    """Empty if a run fits into the memory that is free; otherwise a sentence on that, and one on what would fit."""
    free = free_bytes()
    if free is None or fits(workload, processes, free, separate):
        return ""
    recomputing, advice = replace(workload, recompute=True), []
    if not workload.recompute and fits(recomputing, processes, free, separate):
        advice.append("give --recompute, which takes less memory and more time")
    if batch := largest_batch(workload, processes, free, separate):
        advice.append(f"give --batch {batch}, the largest that does")
    elif not advice and (batch := largest_batch(recomputing, processes, free, separate)):
        advice.append(f"give --recompute --batch {batch}")
    needed = in_units(memory_of(workload, processes, separate).total)
    return f"a batch of {workload.batch} clips takes about {needed} of memory, and {in_units(free)} are free. " + (
        f"To fit, {', or '.join(advice)}." if advice else "No batch fits: choose a smaller model."
    )


def fits(workload, processes, free, separate=False):
    """Whether a run fits into `free` bytes, beyond what this process has taken already."""
    return memory_of(workload, processes, separate).total - resident_bytes() <= free


def largest_batch(workload, processes, free, separate=False):
    """The largest batch below the workload's that fits into `free` bytes, made of whole shards; 0 if none fits."""
    clips = workload.batch // workload.shards

    def too_large(shards):
        return not fits(workload.of_batch(shards * clips), min(processes, shards), free, separate)

    return clips * bisect_left(range(1, workload.shards), True, key=too_large)


def in_units(count):
    """Bytes in words, such as "1.5 GB" (of 1000³ bytes)."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.{1 if count < 100 * size else 0}f} {unit}"
    return f"{count / 1e3:.0f} kB"
