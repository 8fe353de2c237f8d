"""Training on several cores: one process per core, all on the same vectors in shared memory.

NumPy's elementwise work runs on one core, so threads inside its matrix products leave the other cores idle for
much of a step. Processes that each take a part of the batch keep them all busy.
"""

import multiprocessing
import os
import traceback
from contextlib import contextmanager
from multiprocessing import connection, shared_memory
from threading import BrokenBarrierError

import numpy as np

from minidit.backend import keep_freed_memory
from minidit.errors import UserError
from minidit.models.dit import dit_shapes
from minidit.models.parameters import Parameters
from minidit.models.video_model import VideoModel
from minidit.training.checkpoint import codec_tensors, load_codec
from minidit.training.steps import VECTORS, Alone, run_steps

PATIENCE = 600  # seconds after which a process that waits for the others gives up


def layout(parameters, ranks):
    """Names and sizes of the float32 vectors in shared memory: the state, and a gradient per process."""
    return [(name, parameters) for name in VECTORS] + [(f"grads{rank}", parameters) for rank in range(ranks)]


def views(buffer, parameters, ranks):
    """The vectors of `layout` in a buffer, by name, and the (ranks, 2) float64 reports behind them."""
    found, offset = {}, 16 * ranks
    reports = np.ndarray((ranks, 2), np.float64, buffer)
    for name, size in layout(parameters, ranks):
        found[name] = np.ndarray(size, np.float32, buffer, offset)
        offset += 4 * size
    return found, reports


class Team:
    """The processes that train a model, and the vectors they share.

    Use it as a context manager: leaving it ends the processes and frees the memory.

    Args:
        settings: VideoModelSettings.
        training: DiffusionTraining.
        codec: the trained Codec.
        seed: of the run.
        ranks: how many processes; 1 trains in this one.
    """

    def __init__(self, settings, training, codec, seed, ranks):
        if training.shards % ranks:
            raise UserError(
                f"{ranks} processes can't share {training.shards} shards of a batch evenly. "
                f"Give --workers a divisor of {training.shards}."
            )
        self.settings, self.training, self.seed, self.ranks = settings, training, seed, ranks
        shapes = dit_shapes(settings.dit)
        self.parameters = sum(int(np.prod(shape)) for shape in shapes.values())
        size = 16 * ranks + 4 * sum(size for _, size in layout(self.parameters, ranks))
        self.memory = shared_memory.SharedMemory(create=True, size=size) if ranks > 1 else None
        buffer = self.memory.buf if self.memory else bytearray(size)
        self.vectors, self.reports = views(buffer, self.parameters, ranks)
        self.codec = codec
        self.processes, self.pipes = [], []

    def __enter__(self):
        if self.ranks == 1:
            self.worker = Worker(self.settings, self.training, self.codec, self.seed, self.vectors, self.reports)
            return self
        context = multiprocessing.get_context("spawn")
        self.barrier = context.Barrier(self.ranks)  # kept, or it would be gone before the processes find it
        with one_thread_each():
            for rank in range(self.ranks):
                ours, theirs = context.Pipe()
                arguments = (self.settings, self.training, codec_tensors(self.codec), self.seed)
                process = context.Process(
                    target=serve,
                    args=(*arguments, self.memory.name, self.parameters, rank, self.ranks, self.barrier, theirs),
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
            self.vectors = self.reports = None  # the memory can't be freed while arrays look at it
            self.memory.close()
            self.memory.unlink()

    def load(self, vectors):
        """Copies a training state, name -> vector, to where the processes see it."""
        for name in VECTORS:
            self.vectors[name][...] = vectors[name]

    def store(self, vectors):
        """Copies the training state out: the inverse of `load`."""
        for name in VECTORS:
            vectors[name][...] = self.vectors[name]

    def run(self, first, last):
        """Does steps first … last - 1. Returns their losses and gradient norms.

        Raises:
            UserError: the run diverged, or a process died.
        """
        if self.ranks == 1:
            return self.worker.run(0, 1, Alone(), first, last)
        try:
            for pipe in self.pipes:
                pipe.send((first, last))
            answers = self.answers()
        except (EOFError, OSError) as error:
            raise UserError(
                "a training process died (out of memory, or killed). The last checkpoint is whole: "
                "go on from it with --resume."
            ) from error
        for kind, answer in answers:
            if kind == "error":
                raise answer
        if any(kind == "left" for kind, _ in answers):
            raise RuntimeError(f"the training processes waited for each other for more than {PATIENCE} seconds")
        return answers[0][1]

    def answers(self):
        """What each process answers, in the order in which they do; an EOFError as soon as one of them has died.

        They are listened to all at once: the survivors wait at the barrier for the dead one, and say nothing.
        """
        answers, waiting = [], list(self.pipes)
        while waiting:
            for pipe in connection.wait(waiting):
                answers.append(pipe.recv())
                waiting.remove(pipe)
        return answers


class Worker:
    """One process's view of the run: a model on the shared parameters, and everyone's gradients."""

    def __init__(self, settings, training, codec, seed, vectors, reports):
        self.training, self.seed, self.vectors, self.reports = training, seed, vectors, reports
        self.model = VideoModel(settings, dit_buffer=vectors["params"])
        self.model.codec = codec
        shapes = dit_shapes(settings.dit)
        self.grads = [
            Parameters(shapes, buffer=vector) for name, vector in vectors.items() if name.startswith("grads")
        ]

    def run(self, rank, ranks, barrier, first, last):
        """`run_steps` on this worker's model and vectors."""
        return run_steps(
            self.model, self.training, self.seed, self.vectors, self.grads, self.reports,
            rank, ranks, barrier, first, last,
        )  # fmt: skip


def serve(settings, training, codec, seed, memory_name, parameters, rank, ranks, barrier, pipe):
    """The life of a worker process: does the steps it is told to, until the pipe closes."""
    keep_freed_memory()
    memory = shared_memory.SharedMemory(name=memory_name)
    vectors, reports = views(memory.buf, parameters, ranks)
    model = VideoModel(settings)
    load_codec(model.codec, codec)
    worker = Worker(settings, training, model.codec, seed, vectors, reports)
    patient = Patient(barrier)
    while True:
        try:
            first, last = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            pipe.send(("done", worker.run(rank, ranks, patient, first, last)))
        except (KeyboardInterrupt, BrokenPipeError):  # stopped, or nobody is listening any more
            return
        except BrokenBarrierError:
            pipe.send(("left", None))  # because another process failed, which says why
        except UserError as error:
            pipe.send(("error", error))
            barrier.abort()  # or the others would wait for this process
        except Exception:
            pipe.send(("error", RuntimeError(f"worker {rank} failed:\n{traceback.format_exc()}")))
            barrier.abort()


class Patient:
    """A barrier that is given up after `PATIENCE` seconds, so that no process outlives a dead one for ever."""

    def __init__(self, barrier):
        self.barrier = barrier

    def wait(self):
        """Waits for all processes."""
        self.barrier.wait(PATIENCE)


@contextmanager
def one_thread_each():
    """Processes started inside have one thread in each matrix product: the cores are busy with each other's."""
    names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
