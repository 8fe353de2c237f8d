"""Who takes part."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec

from minidit.benchmark.processes import remote
from minidit.benchmark.task import TRAINING, steps_of

OURS, SHARED, FLOOR = "ours", "ours, a process per core", "matrix products"
EAGER, COMPILED = "PyTorch", "torch.compile"


@dataclass(frozen=True)
class Contender:
    """Somebody who can do a Task.

    Attributes:
        make, arguments: `make(*arguments)` is a context manager that gives `run(calls)`.
        threads: of each matrix product in its process.
        keeps_memory: whether its process keeps the memory that it frees.
    """

    make: Callable
    arguments: tuple
    threads: int = 1
    keeps_memory: bool = True

    def process(self, instrument):
        """The contender in a process of its own: what `instrument`, such as `timing.timed`, makes of it."""
        return remote(self.threads, self.keeps_memory, instrument, self.make, *self.arguments)


def contenders(task, compiled=True):
    """Who does a task: name -> list of one Contender, or of two who differ in how they treat freed memory.

    PyTorch's processes do with it what the C library does by default, ours keep it. To be fair, PyTorch is tried
    both ways and measured the faster way.

    Args:
        task: Task.
        compiled: torch.compile takes part, too.
    """
    entries = {OURS: [Contender(steps_of, (partial(done_by, "ours", "our_step"), task), task.threads)]}
    if task.kind == TRAINING and task.threads > 1:
        entries[SHARED] = [Contender(done_by, ("ours", "shared_training", task))]
    if pytorch_is_installed():
        entries[EAGER] = both_ways("eager_step", task)
        if compiled:
            entries[COMPILED] = both_ways("compiled_step", task)
    return entries | {FLOOR: [Contender(steps_of, (partial(done_by, "products", "floor_step"), task), task.threads)]}


def both_ways(make_step, task):
    """A contender as its process is by default, and keeping the memory that it frees."""
    make = partial(done_by, "pytorch", make_step)
    return [Contender(steps_of, (make, task), task.threads, keeps_memory) for keeps_memory in (False, True)]


def pytorch_is_installed():
    """Whether there is anybody to compare with. Finding out does not import it."""
    return find_spec("torch") is not None


def done_by(module, name, task):
    """What a function of a module of the benchmark makes of a task.

    It runs in the contender's own process, which imports only what it needs: PyTorch is in none but its own.
    """
    return getattr(import_module(f"minidit.benchmark.{module}"), name)(task)
