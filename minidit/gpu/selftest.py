"""Does a device compute what NumPy computes? Layer by layer, a training run, a clip, and whether it waits in secret."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from minidit.backend import to_host
from minidit.backend.device import without_waiting
from minidit.backend.kernels.launch import plain_kernels
from minidit.generation.settings import SamplingSettings
from minidit.generation.text_to_video import generate
from minidit.gpu.operations import OPERATIONS, SMALL, error, results
from minidit.models.video_model import VideoModel
from minidit.presets import PRESETS
from minidit.training.job import VideoTraining
from minidit.training.optimizer import AdamWSettings, adamw_ema_update
from minidit.training.parallel.workers import Team
from minidit.training.state import TrainingState
from minidit.training.steps import Member

ROUNDING = 1e-5  # of float32 through a layer or a short training, relative to the largest value
STEPS = 12  # of the training run


class Finding(NamedTuple):
    """What was compared, how far it was off, and how far it may be."""

    name: str
    error: float
    bound: float

    @property
    def right(self):
        """Whether it is near enough; NaN is not."""
        return self.error <= self.bound


def operations(xp):
    """Every layer, see `layer`."""
    for operation in OPERATIONS:
        yield from layer(xp, operation)


def layer(xp, operation):
    """A layer's output and gradients, by our kernels and by CuPy's, against NumPy in float64."""
    inputs = operation.inputs(np.random.default_rng(0), SMALL)
    expected = results(operation, np, inputs, np.float64, np.random.default_rng(1))
    got = results(operation, xp, inputs, np.float32, np.random.default_rng(1))
    yield Finding(operation.name, worst(got, expected), ROUNDING)
    with plain_kernels():
        got = results(operation, xp, inputs, np.float32, np.random.default_rng(1))
    yield Finding(f"{operation.name}, plain", worst(got, expected), ROUNDING)


def optimizer(xp):
    """One step of AdamW with clipping, weight decay and moving average."""
    rng, settings = np.random.default_rng(0), AdamWSettings(weight_decay=0.1)
    vectors = [rng.standard_normal(1003) for _ in range(5)]
    vectors[3] = np.square(vectors[3])  # the mean of squares
    norm = float(vectors[1] @ vectors[1])
    expected = [vector.copy() for vector in vectors]
    adamw_ema_update(*expected, 3, 1e-2, settings, 0.9, norm, 1.0)
    for name in ("adamw", "adamw, plain"):
        got = [xp.asarray(vector.astype(np.float32)) for vector in vectors]
        squared_norm = xp.asarray(np.float32(norm))
        if name == "adamw":
            adamw_ema_update(*got, 3, 1e-2, settings, 0.9, squared_norm, 1.0)
        else:
            with plain_kernels():
                adamw_ema_update(*got, 3, 1e-2, settings, 0.9, squared_norm, 1.0)
        yield Finding(name, worst(map(to_host, got), expected), ROUNDING)


def small_job(steps=STEPS):
    """A VideoTraining that takes a processor a second or two: the preset `tiny` with batches of eight clips."""
    preset = PRESETS["tiny"]
    training = replace(preset.diffusion_training, steps=steps, batch=8, shards=2)
    return VideoTraining.with_random_codec(preset.model, training)


def starting_state(job):
    """The TrainingState of a run that has not begun, on the host."""
    params = VideoModel(job.settings, np.random.default_rng(0)).dit.params.flat
    # Zero gates would hide the blocks from the first steps.
    params = params + 0.02 * np.random.default_rng(1).standard_normal(params.shape, dtype=np.float32)
    return TrainingState.start(params)


def trained(job, xp, state, first, last):
    """Losses of steps first … last - 1 on a device, and the state after them."""
    after = TrainingState.zeros(state.params.size)
    with Team(job, 1, xp=xp) as team:
        team.load(state)
        losses, _ = team.run(first, last)
        team.store(after)
    return losses, after


def training(xp):
    """A training run: its losses and parameters against the CPU's; and whether stopping and resuming changes a bit."""
    job = small_job()
    start = starting_state(job)
    losses, after = trained(job, np, start, 0, STEPS)
    got_losses, got_after = trained(job, xp, start, 0, STEPS)
    yield Finding(f"losses of {STEPS} steps", worst([np.array(got_losses)], [np.array(losses)]), ROUNDING)
    # A gradient that is next to nothing gives a whole step of AdamW in the direction of its rounding error.
    change = np.abs(got_after.params - after.params).mean() / np.abs(after.params - start.params).mean()
    yield Finding("parameters after them, in units of their change", float(change), 1e-3)
    _, half = trained(job, xp, start, 0, STEPS // 2)
    _, resumed = trained(job, xp, half, STEPS // 2, STEPS)
    differing = sum(int((vector != got_after.vectors[name]).sum()) for name, vector in resumed.vectors.items())
    yield Finding("numbers that differ after a resumed run", differing, 0)


def waiting(xp):
    """Whether the host waits for the device in secret: a training step in which waiting is forbidden."""
    job = small_job()
    member = Member(job, TrainingState.start(starting_state(job).params, xp))
    member.step(0)  # compiles, and makes what is made once
    refused = 0
    try:
        with without_waiting(xp):
            member.step(1)
    except RuntimeError:
        refused = 1
    yield Finding("waits within a training step", refused, 0)


def sampling(xp, model):
    """A clip of the shipped model: pixels against the CPU's."""
    prompts, seeds = ["a red circle moves right in the day sky", "sora is sky"], [0, 3]
    sampling = SamplingSettings(steps=4, sampler="euler")
    expected = generate(model, prompts, seeds, sampling=sampling)
    got = generate(model.on(xp), prompts, seeds, sampling=sampling)
    yield Finding("pixels of two clips", worst([got], [expected]), 1e-4)


def worst(got, expected):
    """The largest error over pairs of arrays."""
    return max(error(g, e) for g, e in zip(got, expected, strict=True))


def findings(xp):
    """All of the above, one after the other.

    Args:
        xp: array library of the device.
    Yields:
        Finding.
    """
    from minidit.generation.studio import load

    yield from operations(xp)
    yield from optimizer(xp)
    yield from training(xp)
    yield from waiting(xp)
    yield from sampling(xp, load(device="cpu").model)
