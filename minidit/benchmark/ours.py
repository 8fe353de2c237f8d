"""Our side of the comparison."""

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from minidit.backend import array_module, number
from minidit.benchmark.cases import SEED, Case, fixed_inputs, fixed_model
from minidit.benchmark.task import TRAINING
from minidit.layers import mse_forward, mse_gradient
from minidit.models.dit import DiT, dit_shapes
from minidit.training.optimizer import AdamW, AdamWSettings
from minidit.training.parallel.workers import Team
from minidit.training.settings import DiffusionTraining
from minidit.training.state import TrainingState

LEARNING_RATE = 1e-4
ADAMW = AdamWSettings(beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01)  # PyTorch's defaults


def our_step(task):
    """A function that does the task once."""
    return training_step(task) if task.kind == TRAINING else sampling_step(task)


def loss_and_gradients(model, inputs, recompute=False):
    """Mean squared error of a batch, and its gradients by name."""
    prediction, cache = model.forward(inputs.x, inputs.t, inputs.condition, recompute=recompute)
    loss, loss_cache = mse_forward(prediction, inputs.target)
    _, grads = model.backward(mse_gradient(1.0, loss_cache), cache)
    return number(loss), grads


def training_step(task):
    """A function that trains on the fixed batch for one step, in this process."""
    model, inputs = fixed_model(task.case), fixed_inputs(task.case, task.batch)
    optimizer = AdamW(model.params, ADAMW)
    return lambda: optimizer.update(loss_and_gradients(model, inputs)[1], LEARNING_RATE)


def sampling_step(task):
    """A function that evaluates the network once."""
    model, inputs = fixed_model(task.case), fixed_inputs(task.case, task.batch)
    embedding = model.embed(inputs.condition)  # B, D
    return lambda: model.predict(inputs.x, inputs.t, embedding)


@dataclass(frozen=True)
class FixedBatch:
    """The training of a case on its fixed batch, as a job that processes share (see `minidit.training.job`).

    Attributes:
        case: Case.
        shards: in how many parts its batch can be shared out.
        recompute: run each block's forward a second time in the backward.
    """

    case: Case
    shards: int
    recompute: bool = False

    @property
    def shapes(self):
        """Name -> shape of the parameters."""
        return dit_shapes(self.case.settings)

    @property
    def training(self):
        """DiffusionTraining with the constants of `training_step`; clipping and the moving average come on top."""
        return DiffusionTraining(
            steps=1_000_000, batch=self.case.batch, shards=self.shards, learning_rate=LEARNING_RATE, warmup=0,
            decay=0.0, adamw=ADAMW,
        )  # fmt: skip

    def at(self, params):
        """The job on parameters in this vector."""
        return FixedBatchWorker(self, params)


class FixedBatchWorker:
    """Computes losses and gradients of shards of the fixed batch."""

    def __init__(self, job, params):
        self.model, self.recompute = DiT(job.case.settings, buffer=params), job.recompute
        self.parts = np.array_split(np.arange(job.case.batch), job.shards)
        self.inputs, self.chosen = fixed_inputs(job.case), {}

    def loss_and_gradients(self, step, shards):
        """Mean loss of these shards and its gradients by name; every step has the same clips."""
        if tuple(shards) not in self.chosen:  # copied once, so that steps take no time for it
            clips = np.concatenate([self.parts[shard] for shard in shards])
            self.chosen[tuple(shards)] = self.inputs.of(clips).on(array_module(self.model.params.flat))
        return loss_and_gradients(self.model, self.chosen[tuple(shards)], self.recompute)


def shared_training(task):
    """For `timing.timed`: gives `run(steps)` of one process per thread of the task, as `minidit train` does."""
    return running(FixedBatch(task.case, task.threads), task.threads)


def starting_state(parameters):
    """The TrainingState of a run that hasn't begun, to be loaded: random parameters, none of them zero."""
    params = 0.02 * np.random.default_rng(SEED).standard_normal(parameters, dtype=np.float32)
    zeros = np.broadcast_to(np.float32(0), parameters)
    return TrainingState(params, params, zeros, zeros)


@contextmanager
def running(job, processes=1, threads=1):
    """For `timing.timed`: gives `run(steps)` of a job, from `starting_state`."""
    with Team(job, processes, threads) as team:
        team.load(starting_state(len(team.state.params)))
        done = 0

        def run(steps):
            nonlocal done
            team.run(done, done + steps)
            done += steps

        yield run
