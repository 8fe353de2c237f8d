"""The training step: gradients, AdamW, moving average; alone, or shared among processes or machines.

A *worker* computes the gradients of some shards of a batch (`minidit.training.job`). A *group* adds them up over all
who share the step: `Alone`, `minidit.training.parallel.workers.Shared` (processes on the same memory) or
`minidit.training.parallel.mpi.Across` (MPI ranks, each with a memory of its own). It has

    rank, ranks     which of how many this process is
    grads           Parameters, to be filled with this process's share of the gradients
    part            the slice of the parameters that this process updates
    add_up(loss)    the sums over all: gradients of that part, loss, and the squared norm of the whole gradient; two
                    numbers, or on a GPU arrays ()
    wait()          returns when everyone has updated their part
"""

import math

import numpy as np

from minidit.backend import array_module, number, to_host
from minidit.errors import UserError
from minidit.models.parameters import Parameters
from minidit.training.optimizer import adamw_ema_update, ema_decay, learning_rate_at

VECTORS = ("params", "ema", "first", "second")  # what a training state is made of, each one value per parameter


class Stopped(UserError):
    """The run can't go on, as all who share it have found out for themselves at the same step."""


class Alone:
    """The group of one process: there is nobody to add up with or to wait for.

    Args:
        shapes: name -> shape of each parameter.
        xp: the array library of the device that the parameters are on.
    """

    rank, ranks, part = 0, 1, slice(None)

    def __init__(self, shapes, xp=np):
        self.grads = Parameters(shapes).on(xp)

    def add_up(self, loss):
        """Gradients (n,), loss, and squared norm of the gradient."""
        total = self.grads.flat
        return total, loss, number(array_module(total).vdot(total, total))

    def wait(self):
        """Returns at once."""


def run_steps(worker, training, vectors, group, first, last):
    """Does training steps first … last - 1, as one of the processes of a group.

    Args:
        worker: has `loss_and_gradients(step, shards)`, and its parameters live in `vectors["params"]`.
        training: DiffusionTraining.
        vectors: name -> (n,) for each of VECTORS.
        group: who shares the steps, see above.
        first, last: the steps, counted from 0.
    Returns:
        losses (last - first,), and gradient norms (last - first,), as lists of numbers.
    Raises:
        Stopped: a loss or its gradient is not finite: the run diverged. Before the update of that step; but on a GPU
            after all of them, as the host would have to wait for each step's numbers.
    """
    losses, squared_norms = [], []
    for step in range(first, last):
        loss, squared_norm = training_step(worker, training, vectors, group, step)
        losses.append(loss)
        squared_norms.append(squared_norm)
    losses, squared_norms = on_host(losses), on_host(squared_norms)
    for step, loss, squared_norm in zip(range(first, last), losses, squared_norms, strict=True):
        check_finite(step, loss, squared_norm)
    return losses, [squared_norm**0.5 for squared_norm in squared_norms]


def training_step(worker, training, vectors, group, step):
    """One step of `run_steps`. On a GPU the host doesn't wait for any of it.

    Each process takes every `ranks`-th shard of the batch, so some have one more than others where their number does
    not divide that of the shards; the mean over all clips is the same.

    Returns:
        the loss and the squared norm of the gradient: numbers, or on a GPU arrays () there.
    """
    shards = range(group.rank, training.shards, group.ranks)
    share = len(shards) / training.shards  # of the clips: each shard has as many
    loss, grads = worker.loss_and_gradients(step, shards)
    group.grads.load(grads)
    del grads  # or they would take up memory beside their copies
    if share != 1:
        group.grads.flat[...] *= share
    total, loss, squared_norm = group.add_up(loss * share)
    if isinstance(loss, float):
        check_finite(step, loss, squared_norm)
    params, ema, first_moment, second_moment = (vectors[name][group.part] for name in VECTORS)
    adamw_ema_update(
        params,
        total,
        first_moment,
        second_moment,
        ema,
        step + 1,
        learning_rate_at(step, training.steps, training.learning_rate, training.warmup, training.decay),
        training.adamw,
        ema_decay(step, training.ema),
        squared_norm,
        training.clip,
    )
    group.wait()
    return loss, squared_norm


def check_finite(step, loss, squared_norm):
    """Raises Stopped if the loss or the squared norm of the gradient, two numbers, are not finite."""
    if not math.isfinite(loss + squared_norm):
        raise Stopped(
            f"training diverged at step {step} (loss {loss:.3g}, gradient norm {squared_norm**0.5:.3g}). "
            "Start again in another --out with a lower --learning-rate; the last checkpoint in this one is whole."
        )


def on_host(values):
    """Numbers as they are; arrays () on a GPU as numbers, in one copy."""
    if not values or isinstance(values[0], float):
        return values
    return to_host(array_module(values[0]).stack(values)).tolist()


def check_shares(ranks, training):
    """Makes sure that so many processes have a shard of the batch each.

    Raises:
        UserError: there are fewer shards.
    """
    if ranks > training.shards:
        clips = training.batch // training.shards
        raise UserError(
            f"{ranks} processes can't share a batch of {training.batch} clips, which comes in {training.shards} shards "
            f"of {clips}. Start at most {training.shards}, or a new run with --batch {ranks * clips} or more."
        )


def size_of(shapes):
    """How many values arrays of these shapes hold together, n."""
    return sum(int(np.prod(shape)) for shape in shapes.values())
