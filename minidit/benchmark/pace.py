"""How long a training step takes on this machine, found out within seconds: also of a network that is far too large.

A step takes a time for each block, one for what is around the blocks, and one for the vectors of parameters, gradients
and moments. Steps of a network of one block and of one with two tell the first two apart; steps without any network
the third.
"""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from minidit.layers import mse_backward, mse_forward
from minidit.models.checkpoint import codec_tensors
from minidit.models.codec import Codec
from minidit.models.cost import multiply_accumulates
from minidit.models.dit import DiT, dit_shapes
from minidit.training.budget import Workload
from minidit.training.job import VideoTraining
from minidit.training.parallel.workers import Team
from minidit.training.settings import DiffusionTraining
from minidit.training.steps import VECTORS

MOST_TIMED = 2e10  # multiply-accumulates of a step that is timed whole: about a second's work on two cores
ROUND_SECONDS = 0.2  # what a round takes at least
ROUNDS, SECONDS = 3, 2.0  # rounds at least, and a time after which no more are begun
WARM_UP = 1  # step before anything is timed


@dataclass(frozen=True)
class Pace:
    """How fast a training runs.

    Attributes:
        seconds: of a step.
        depths, batch: of what was timed: the network itself, or networks of one block and of two with fewer clips.
    """

    seconds: float
    depths: tuple[int, ...]
    batch: int


def pace_of(workload, processes, threads=1, preset=None):
    """Times steps, or estimates how long they would take.

    Args:
        workload: Workload.
        processes, threads: that share each step, and threads of each.
        preset: Preset whose clips are drawn and encoded; without one, random latents are used again and again.
    Returns:
        Pace.
    """
    if work(workload) <= MOST_TIMED:
        (seconds,) = seconds_of([job_of(workload, preset)], processes, threads)
        return Pace(seconds, (workload.dit.depth,), workload.batch)

    one, two = (timeable(workload, depth, processes) for depth in (1, 2))
    jobs = [job_of(one, preset), job_of(two, preset), NoNetwork(two)]
    shallow, deeper, without_network = seconds_of(jobs, processes, threads)
    per_parameter = without_network / two.parameters
    shallow -= per_parameter * one.parameters
    block = deeper - per_parameter * two.parameters - shallow
    network = shallow + (workload.dit.depth - 1) * block
    scale = workload.clips(processes) / two.clips(processes)
    return Pace(scale * network + per_parameter * workload.parameters, (1, 2), two.batch)


def work(workload):
    """Multiply-accumulates of a step."""
    return multiply_accumulates(
        workload.dit, workload.batch, workload.grid, workload.words, recompute=workload.recompute
    )


def timeable(workload, depth, processes):
    """The same with so many blocks, and so few clips that two blocks can be timed: at least one for each process."""
    two = replace(workload, dit=replace(workload.dit, depth=2))
    clips = int(MOST_TIMED * workload.batch / work(two)) // processes
    clips = min(max(1, clips), workload.clips(processes))
    dit = replace(workload.dit, depth=depth)
    return replace(workload, dit=dit, batch=processes * clips, shards=processes)


def job_of(workload, preset=None):
    """The job (see `minidit.training.job`) of training this network, of a preset's clips or of random latents."""
    if preset is None:
        return RandomLatents(workload)
    settings = replace(preset.model, dit=workload.dit)
    training = replace(
        preset.diffusion_training, batch=workload.batch, shards=workload.shards, recompute=workload.recompute
    )
    codec = Codec(settings.codec, np.random.default_rng(0))
    return VideoTraining(settings, training, codec_tensors(codec), seed=0)


@dataclass(frozen=True)
class RandomLatents:
    """A job: to learn numbers from other numbers, the same ones at each step."""

    workload: Workload

    @property
    def shapes(self):
        """Name -> shape of each parameter."""
        return dit_shapes(self.workload.dit)

    @property
    def training(self):
        """DiffusionTraining, with a learning rate that changes next to nothing."""
        return DiffusionTraining(
            steps=1_000_000, batch=self.workload.batch, shards=self.workload.shards, learning_rate=1e-6
        )

    def at(self, params):
        """The worker for the parameters in this vector."""
        return RandomLatentsWorker(self.workload, params)


class RandomLatentsWorker:
    """`RandomLatents` at work."""

    def __init__(self, workload, params):
        self.workload, self.model, self.batches = workload, DiT(workload.dit, buffer=params), {}

    def loss_and_gradients(self, step, shards):
        """Mean squared error of so many shards, and its gradients by name."""
        inputs, target = self.batch(len(shards))
        prediction, cache = self.model.forward(*inputs, recompute=self.workload.recompute)
        loss, loss_cache = mse_forward(prediction, target)
        dprediction, _ = mse_backward(1.0, loss_cache)
        return float(loss), self.model.backward(dprediction, cache)[1]

    def batch(self, shards):
        """The arguments of `DiT.forward`, and what it should answer; drawn once."""
        if shards not in self.batches:
            work, rng = self.workload, np.random.default_rng(0)
            clips = shards * work.batch // work.shards
            shape = [tokens * step for tokens, step in zip(work.grid, work.dit.patch, strict=True)]
            x = rng.standard_normal((clips, *shape, work.dit.in_channels), dtype=np.float32)
            target = rng.standard_normal((clips, *shape, work.dit.out_channels), dtype=np.float32)
            t = rng.uniform(0, 1000, clips).astype(np.float32)
            if work.words:
                condition = rng.integers(1, work.dit.text.vocabulary_size, (clips, work.words))
            else:
                condition = rng.integers(0, work.dit.num_classes, clips)
            self.batches[shards] = (x, t, condition), target
        return self.batches[shards]


@dataclass(frozen=True)
class NoNetwork(RandomLatents):
    """A job that leaves the network out: what remains is to add up gradients and to update the vectors."""

    def at(self, params):
        """Its own worker."""
        return self

    def loss_and_gradients(self, step, shards):
        """No loss, and gradients of zero, which are all views of one."""
        return 0.0, {name: np.broadcast_to(np.float32(0), shape) for name, shape in self.shapes.items()}


def seconds_of(jobs, processes, threads):
    """Seconds of a step of each job, which take turns; of the fastest round, as others may need the machine, too."""
    with ExitStack() as stack:
        clocks = [clock(stack.enter_context(started(job, processes, threads))) for job in jobs]
        calls = [max(1, round(ROUND_SECONDS / seconds(1))) for seconds in clocks]
        begin, rounds = perf_counter(), []
        while len(rounds) < ROUNDS or perf_counter() - begin < SECONDS:
            rounds.append([seconds(count) / count for seconds, count in zip(clocks, calls, strict=True)])
    return np.min(rounds, axis=0).tolist()


def started(job, processes, threads):
    """A Team that is ready to do the job, from random parameters, none of them zero."""
    team = Team(job, processes, threads)
    params = 0.02 * np.random.default_rng(0).standard_normal(len(team.vectors["params"]), dtype=np.float32)
    team.load({name: params if name in ("params", "ema") else np.zeros_like(params) for name in VECTORS})
    return team


def clock(team):
    """A function of a number of steps: the seconds that the team takes for them."""
    done = 0

    def seconds(steps):
        nonlocal done
        begin = perf_counter()
        team.run(done, done + steps)
        done += steps
        return perf_counter() - begin

    seconds(WARM_UP)
    return seconds
