"""What has to be measured, in pieces that run in processes of their own, several at a time."""

import multiprocessing
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from tqdm import tqdm

from minidit.benchmark.processes import remote, unchanged
from minidit.training.parallel.workers import threads_each


@dataclass(frozen=True)
class Options:
    """How experiments are measured.

    Attributes:
        out: folder for results, figures and the states of unfinished trainings.
        checkpoint: file of the trained model that is measured, or None where there is none.
        fingerprint: of that file's contents.
        completes: whether that model can complete clips of which a part is known.
        quick: so small that it takes seconds, to see that everything runs; nothing can be judged by it.
        seeds: trainings of each kind.
        variants: of the ablation, by name; empty for all.
        steps: of the ablation's base; None for the usual number.
    """

    out: Path
    checkpoint: Path | None = None
    fingerprint: str = ""
    completes: bool = False
    quick: bool = False
    seeds: int = 1
    variants: tuple = ()
    steps: int | None = None


@dataclass(frozen=True)
class Task:
    """A piece of work and its place among the results.

    Attributes:
        name: such as "robustness/weights/int8".
        plan: a JSON-able dict; the result follows from it.
        function, arguments: what to call in another process; the function returns a JSON-able result.
        cost: how long it takes, compared with other tasks: the longest begin first.
        codec: whether it needs the codec that small models share.
        state: file in which the function keeps its progress; removed when the result is stored.
    """

    name: str
    plan: dict
    function: Callable
    arguments: tuple
    cost: float = 1.0
    codec: bool = False
    state: Path | None = None


def checkpoint_task(options, name, prompts, measure, *arguments, **plan):
    """The Task that measures the trained model on so many prompts.

    Args:
        measure: function of the checkpoint, the number of prompts, and more arguments.
        plan: what else the result follows from.
    """
    plan = {"checkpoint": options.fingerprint, "prompts": prompts} | plan
    return Task(name, plan, measure, (options.checkpoint, prompts, *arguments), cost=prompts)


def missing(tasks, store):
    """The tasks without a result, the longest first."""
    return sorted((task for task in tasks if store.get(task.name, task.plan) is None), key=lambda task: -task.cost)


def run_tasks(tasks, store, threads, progress=True):
    """Runs tasks and stores each result at once.

    If one of them fails, those that are running are finished and stored, and then its error is raised.

    Args:
        tasks: of Task, in the order in which they begin.
        store: Store.
        threads: number of processes at once, each with one thread in its matrix products.
        progress: show a bar on standard error.
    Raises:
        UserError: a task's own; `minidit.benchmark.processes.Failed`: anything else that went wrong in one.
    """
    queue, lock = deque(tasks), Lock()
    bar = tqdm(total=len(tasks), desc="measuring", unit="task", disable=not progress)
    # The limit is set around all of them, as processes that start at the same time set and restore it, too.
    with threads_each(1), ThreadPoolExecutor(threads) as pool, bar:
        working = [pool.submit(do_tasks, queue, store, lock, bar) for _ in range(min(threads, len(tasks)))]
        try:
            for future in working:
                future.result()
        except KeyboardInterrupt:
            queue.clear()
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def do_tasks(queue, store, lock, bar):
    """Runs tasks of a queue, one after the other, in a process of its own, until none is left."""
    with remote(1, True, unchanged, call) as there:
        while True:
            try:
                task = queue.popleft()
            except IndexError:
                return
            try:
                result = there(task.function, *task.arguments)
                with lock:
                    store.put(task.name, task.plan, result)
            except BaseException:
                queue.clear()
                raise
            with lock:
                if task.state:
                    task.state.unlink(missing_ok=True)
                bar.set_postfix_str(task.name)
                bar.update()


def call(function, *arguments):
    """The result of a function: for another process, which finds the function by its name."""
    return function(*arguments)
