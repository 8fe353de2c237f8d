"""The training step: gradients, AdamW, moving average; alone, or shared among processes or machines.

A *worker* computes the gradients of some shards of a batch (`minidit.training.job`). A *group* adds them up over all
who share the step: `Alone`, `minidit.training.workers.Shared` (processes on the same memory) or
`minidit.training.mpi.Across` (MPI ranks, each with a memory of its own). It has

    rank, ranks     which of how many this process is
    grads           Parameters, to be filled with this process's share of the gradients
    part            the slice of the parameters that this process updates
    add_up(loss)    the sums over all: gradients of that part, loss, and the squared norm of the whole gradient
    wait()          returns when everyone has updated their part
"""

import numpy as np

from minidit.errors import UserError
from minidit.models.parameters import Parameters
from minidit.training.optimizer import adamw_update, clip_scale, ema_decay, ema_update, learning_rate_at

VECTORS = ("params", "ema", "first", "second")  # what a training state is made of, each one value per parameter


class Stopped(UserError):
    """The run can't go on, as all who share it have found out for themselves at the same step."""


class Alone:
    """The group of one process: there is nobody to add up with or to wait for."""

    rank, ranks, part = 0, 1, slice(None)

    def __init__(self, shapes):
        self.grads = Parameters(shapes)

    def add_up(self, loss):
        """Gradients (n,), loss, and squared norm of the gradient."""
        total = self.grads.flat
        return total, loss, float(np.vdot(total, total))

    def wait(self):
        """Returns at once."""


def run_steps(worker, training, vectors, group, first, last):
    """Does training steps first … last - 1, as one of the processes of a group.

    Each process takes every `ranks`-th shard of the batch, so some have one more than others where their number does
    not divide that of the shards; the mean over all clips is the same.

    Args:
        worker: has `loss_and_gradients(step, shards)`, and its parameters live in `vectors["params"]`.
        training: DiffusionTraining.
        vectors: name -> (n,) for each of VECTORS.
        group: who shares the steps, see above.
        first, last: the steps, counted from 0.
    Returns:
        losses (last - first,), and gradient norms (last - first,).
    Raises:
        Stopped: the loss or its gradient is not finite: the run diverged.
    """
    shards = range(group.rank, training.shards, group.ranks)
    share = len(shards) / training.shards  # of the clips: each shard has as many
    params, ema, first_moment, second_moment = (vectors[name][group.part] for name in VECTORS)
    losses, norms = [], []
    for step in range(first, last):
        loss, grads = worker.loss_and_gradients(step, shards)
        group.grads.load(grads)
        del grads  # or it would take up memory through the next step's forward
        group.grads.flat[...] *= share
        total, loss, squared_norm = group.add_up(loss * share)
        if not np.isfinite(loss + squared_norm):
            raise Stopped(
                f"training diverged at step {step} (loss {loss:.3g}, gradient norm {squared_norm**0.5:.3g}). "
                "Start again in another --out with a lower --learning-rate; the last checkpoint in this one is whole."
            )
        learning_rate = learning_rate_at(
            step, training.steps, training.learning_rate, training.warmup, training.decay
        )
        scale = clip_scale(squared_norm, training.clip)
        adamw_update(
            params, total, first_moment, second_moment, step + 1, learning_rate, training.adamw, scale
        )
        ema_update(ema, params, ema_decay(step, training.ema))
        losses.append(loss)
        norms.append(squared_norm**0.5)
        group.wait()
    return losses, norms


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
