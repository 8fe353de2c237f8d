"""Training on several cores: one process per core, all on the same vectors in shared memory.

NumPy's elementwise work runs on one core, so threads inside its matrix products leave the other cores idle for
much of a step. Processes that each take a part of the batch keep them all busy.
"""

import multiprocessing
import os
import signal
import traceback
from contextlib import contextmanager
from multiprocessing import connection, shared_memory
from threading import BrokenBarrierError

import numpy as np

from minidit.backend import keep_freed_memory
from minidit.backend.device import memory_explained
from minidit.errors import UserError
from minidit.models.parameters import Parameters
from minidit.training.interrupts import children_ignore_interrupts
from minidit.training.state import VECTORS, TrainingState
from minidit.training.steps import Member, check_shares, size_of

PATIENCE = 600  # seconds after which a process that waits for the others gives up


def layout(parameters, ranks):
    """Names and sizes of the float32 vectors in shared memory: the state, and a gradient per process."""
    return [(name, parameters) for name in VECTORS] + [(f"grads{rank}", parameters) for rank in range(ranks)]


def views(buffer, parameters, ranks):
    """What `layout` puts into a buffer: the vectors by name, and behind them the (ranks, 2) float64 reports."""
    found, offset = {}, 16 * ranks
    reports = np.ndarray((ranks, 2), np.float64, buffer)
    for name, size in layout(parameters, ranks):
        found[name] = np.ndarray(size, np.float32, buffer, offset)
        offset += 4 * size
    return found, reports


class Barrier:
    """A barrier: processes wait here for each other. `multiprocessing.Barrier` takes ten times as long.

    Each ordered pair of processes has a semaphore, by which the first tells the second that it has arrived.

    Args:
        context: of multiprocessing.
        ranks: how many processes.
    """

    def __init__(self, context, ranks):
        self.ranks, self.broken = ranks, context.RawValue("b", False)
        self.arrived = {(i, j): context.Semaphore(0) for i in range(ranks) for j in range(ranks) if i != j}

    def wait(self, rank, timeout):
        """Waits, as process `rank`, until all have arrived.

        Raises:
            BrokenBarrierError: it took longer than `timeout` seconds, or one of them has called `abort`.
        """
        others = [other for other in range(self.ranks) if other != rank]
        for other in others:
            self.arrived[rank, other].release()
        for other in others:
            if not self.arrived[other, rank].acquire(timeout=timeout) or self.broken.value:
                raise BrokenBarrierError

    def abort(self):
        """Ends the wait of all, now and later: one of them won't arrive any more."""
        self.broken.value = True
        for semaphore in self.arrived.values():
            semaphore.release()


def shared_state(vectors):
    """The TrainingState among the vectors of `views`."""
    return TrainingState(**{name: vectors[name] for name in VECTORS})


class SharedMemoryGroup:
    """The group of processes on the same vectors: each sums and updates its own part of the parameters.

    The barrier keeps everyone from reading what another is still writing.

    Args:
        shapes: name -> shape of each parameter.
        vectors: name -> (n,) float32 in shared memory, as `views` finds them: "grads0" and so on are needed here.
        reports: (ranks, 2) float64 in shared memory: loss and squared norm of the gradient, by process.
        rank: the number of this process.
        barrier: has `wait(rank, timeout)`.
    """

    def __init__(self, shapes, vectors, reports, rank, barrier):
        self.rank, self.ranks, self.reports, self.barrier = rank, len(reports), reports, barrier
        self.grads = Parameters(shapes, buffer=vectors[f"grads{rank}"])
        bounds = np.linspace(0, self.grads.flat.size, self.ranks + 1).astype(int)
        self.part = slice(bounds[rank], bounds[rank + 1])
        self.gradient_parts = [vectors[f"grads{other}"][self.part] for other in range(self.ranks)]

    def all_reduce(self, loss):
        """This process's part of the summed gradients, the loss, and the squared norm of the whole gradient."""
        self.reports[self.rank, 0] = loss
        self.wait()
        total, *others = self.gradient_parts
        for other in others:
            total += other
        self.reports[self.rank, 1] = np.vdot(total, total)
        self.wait()
        loss, squared_norm = self.reports.sum(axis=0).tolist()
        return total, loss, squared_norm

    def wait(self):
        """Waits for all processes, but not for ever: none outlives a dead one."""
        self.barrier.wait(self.rank, PATIENCE)


class Team:
    """The processes that do a job together, and the state they share.

    Use it as a context manager: leaving it ends the processes and frees the memory.

    Args:
        job: what is computed, see `minidit.training.job`.
        ranks: number of processes, at most one per shard; 1 trains in the calling process.
        threads: of each process's matrix products; with one process this is ignored.
        xp: the array library of the device to train on; a GPU needs one process.
    Raises:
        UserError: there are more processes than shards.
    """

    def __init__(self, job, ranks, threads=1, xp=np):
        check_shares(ranks, job.training)
        self.job, self.ranks, self.threads, self.xp = job, ranks, threads, xp
        parameters = size_of(job.shapes)
        if ranks == 1:
            self.memory, self.state = None, TrainingState.zeros(parameters, xp)
        else:
            size = 16 * ranks + 4 * sum(size for _, size in layout(parameters, ranks))
            self.memory = shared_memory.SharedMemory(create=True, size=size)
            self.state = shared_state(views(self.memory.buf, parameters, ranks)[0])
        self.processes, self.pipes = [], []

    def __enter__(self):
        if self.ranks == 1:
            self.member = Member(self.job, self.state)
            return self
        context = multiprocessing.get_context("spawn")
        self.barrier = Barrier(context, self.ranks)  # kept, or it would be gone before the processes find it
        with threads_each(self.threads), children_ignore_interrupts():
            for rank in range(self.ranks):
                ours, theirs = context.Pipe()
                process = context.Process(
                    target=serve,
                    args=(self.job, self.memory.name, rank, self.ranks, self.barrier, theirs),
                    daemon=True,
                )
                process.start()
                theirs.close()
                self.processes.append(process)
                self.pipes.append(ours)
        return self

    def __exit__(self, *_):
        for pipe in self.pipes:
            pipe.close()
        for process in self.processes:
            process.terminate()
            process.join()
        if self.memory:
            self.state = None  # the memory can't be freed while arrays look at it
            self.memory.close()
            self.memory.unlink()

    def load(self, state):
        """Copies the vectors of a TrainingState to where the processes see them."""
        self.state.copy_vectors(state)

    def store(self, state):
        """Copies the vectors into a TrainingState: the inverse of `load`."""
        state.copy_vectors(self.state)

    def run(self, first, last):
        """Does steps first … last - 1. Returns their losses and gradient norms.

        Raises:
            UserError: the run diverged, a process died, or a GPU's memory is too small.
        """
        if self.ranks == 1:
            with memory_explained(self.xp):
                return self.member.run(first, last)
        try:
            for pipe in self.pipes:
                pipe.send((first, last))
            answers = self.answers()
        except (EOFError, OSError) as error:
            raise UserError(
                "a training process died (out of memory, or killed). The last checkpoint is whole: "
                "continue from it with --resume."
            ) from error
        for kind, answer in answers:
            if kind == "error":
                raise answer
        if any(kind == "left" for kind, _ in answers):
            raise RuntimeError(f"the training processes waited for each other for more than {PATIENCE} seconds")
        return answers[0][1]

    def answers(self):
        """What each process answers, the fastest first; an EOFError as soon as one of them has died.

        All pipes are listened to at once: the survivors wait for the dead one, and say nothing.
        """
        answers, waiting = [], list(self.pipes)
        while waiting:
            for pipe in connection.wait(waiting):
                answers.append(pipe.recv())
                waiting.remove(pipe)
        return answers


def serve(job, memory_name, rank, ranks, barrier, pipe):
    """What a worker process does: the steps it is told to, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it isn't blocked already
    keep_freed_memory()
    memory = shared_memory.SharedMemory(name=memory_name)
    vectors, reports = views(memory.buf, size_of(job.shapes), ranks)
    member = Member(job, shared_state(vectors), SharedMemoryGroup(job.shapes, vectors, reports, rank, barrier))
    while True:
        try:
            steps = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(("done", member.run(*steps)))
        except BrokenPipeError:  # nobody is listening any more
            return
        except BrokenBarrierError:
            pipe.send(("left", None))  # another process failed, and says why
        except UserError as error:
            pipe.send(("error", error))
            barrier.abort()  # or the others would wait for this process
        except Exception:
            pipe.send(("error", RuntimeError(f"worker {rank} failed:\n{traceback.format_exc()}")))
            barrier.abort()


@contextmanager
def threads_each(count):
    """Processes started inside use this many threads for a matrix product: the other cores have their own work."""
    names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, str(count)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
