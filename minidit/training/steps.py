"""The training step: gradients, AdamW, moving average. And the loop over steps, the same for every kind of training.

A *worker* computes the gradients of some shards of a batch (`minidit.training.job`). A *process group* sums them over
all who share the step: `SingleProcess`; `minidit.training.parallel.workers.SharedMemoryGroup`, processes of one
machine; or `minidit.training.parallel.mpi.MPIGroup`, MPI ranks, each with its own memory. It has

    rank, ranks         the number of this process, and how many there are
    grads               Parameters, to be filled with this process's share of the gradients
    part                the slice of the parameters that this process updates
    all_reduce(loss)    the sums over all: gradients of that part, loss, and the squared norm of the whole gradient; two
                        numbers, or on a GPU arrays ()
    wait()              returns when all have updated their part

A `Member` is one process of a group with its worker and the state. A *team* is all of them, seen from the process that
leads them: `load`, `run` and `store`.
"""

import math
from time import perf_counter

import numpy as np

from minidit.backend import array_module, number, to_host
from minidit.errors import UserError
from minidit.models.parameters import Parameters
from minidit.training.interrupts import uninterrupted
from minidit.training.optimizer import adamw_ema_update, ema_decay, learning_rate_at

SPAN = 25  # steps whose mean loss makes an entry of the history
ORDER_SECONDS = 1.0  # about how long a team works without a look: Ctrl-C waits for it


class Stopped(UserError):
    """The run can't continue. All processes that share it found that out, at the same step."""


class SingleProcess:
    """The group of one process, which sums with nobody and waits for nobody.

    Args:
        shapes: name -> shape of each parameter.
        xp: the array library of the device that the parameters are on.
    """

    rank, ranks, part = 0, 1, slice(None)

    def __init__(self, shapes, xp=np):
        self.grads = Parameters(shapes).on(xp)

    def all_reduce(self, loss):
        """Gradients (n,), loss, and squared norm of the gradient."""
        total = self.grads.flat
        return total, loss, number(array_module(total).vdot(total, total))

    def wait(self):
        """Returns at once."""


def train_to(team, state, last, span=SPAN):
    """Trains to step `last`: the loop over training steps. Yields now and then, whenever it may be interrupted.

    The caller has loaded the state into the team, and stores the vectors when it wants to see them. All else of the
    state is up to date at each yield. Ctrl-C raises a KeyboardInterrupt at a yield only, never within a step.

    Args:
        team: all who share the steps, such as `minidit.training.parallel.workers.Team`.
        state: TrainingState. Its step, history and losses are changed.
        last: number of steps that are done in the end.
        span: of an entry of the history.
    Yields:
        losses and gradient norms of the steps since the last yield, as lists of numbers.
    Raises:
        Stopped: the run diverged. UserError: a process died.
    """
    count = 1
    while state.step < last:
        with uninterrupted():
            end = min(last, state.step + count, state.step - state.step % span + span)
            begin = perf_counter()
            losses, norms = team.run(state.step, end)
            seconds = (perf_counter() - begin) / len(losses)
            state.step, state.losses = end, state.losses + losses
            if end % span == 0 or end == last:
                state.history.append([end, float(np.mean(state.losses))])
                state.losses = []
        count = max(1, int(ORDER_SECONDS / seconds))
        yield losses, norms


class Member:
    """One process's part in a training: the state, a worker on its parameters, and the group it shares the steps with.

    Args:
        job: what is computed, see `minidit.training.job`.
        state: TrainingState; only its vectors are used.
        group: who shares the steps, see above; by default nobody.
    """

    def __init__(self, job, state, group=None):
        self.training, self.state, self.worker = job.training, state, job.at(state.params)
        self.group = group or SingleProcess(job.shapes, array_module(state.params))

    def run(self, first, last):
        """Does training steps first … last - 1, counted from 0.

        Returns:
            losses (last - first,), and gradient norms (last - first,), as lists of numbers.
        Raises:
            Stopped: a loss or its gradient is not finite: the run diverged. Before the update of that step; but on a
                GPU after all of them, as the host would have to wait for each step's numbers.
        """
        losses, squared_norms = [], []
        for step in range(first, last):
            loss, squared_norm = self.step(step)
            losses.append(loss)
            squared_norms.append(squared_norm)
        losses, squared_norms = on_host(losses), on_host(squared_norms)
        for step, loss, squared_norm in zip(range(first, last), losses, squared_norms, strict=True):
            check_finite(step, loss, squared_norm)
        return losses, [squared_norm**0.5 for squared_norm in squared_norms]

    def step(self, index):
        """The training step of this index. On a GPU the host doesn't wait for any of it.

        Each process takes every `ranks`-th shard of the batch, so some have one more than others unless `ranks` divides
        the number of shards. The mean over all clips is the same.

        Returns:
            the loss and the squared norm of the gradient: numbers, or on a GPU arrays () there.
        """
        training, group = self.training, self.group
        shards = range(group.rank, training.shards, group.ranks)
        share = len(shards) / training.shards  # of the clips: all shards have the same number
        loss, grads = self.worker.loss_and_gradients(index, shards)
        group.grads.load(grads)
        del grads  # or they would take up memory beside their copies
        if share != 1:
            group.grads.flat[...] *= share
        total, loss, squared_norm = group.all_reduce(loss * share)
        if isinstance(loss, float):
            check_finite(index, loss, squared_norm)
        params, ema, m, v = (vector[group.part] for vector in self.state.vectors.values())
        adamw_ema_update(
            params,
            total,
            m,
            v,
            ema,
            index + 1,
            learning_rate_at(index, training.steps, training.learning_rate, training.warmup, training.decay),
            training.adamw,
            ema_decay(index, training.ema),
            squared_norm,
            training.max_grad_norm,
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
