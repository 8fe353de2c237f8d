"""Who takes part."""

from collections.abc import Callable
from dataclasses import dataclass
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
    entries = {OURS: [Contender(steps_of, (our_step, task), task.threads)]}
    if task.kind == TRAINING and task.threads > 1:
        entries[SHARED] = [Contender(shared_training, (task,))]
    if pytorch_is_installed():
        entries[EAGER] = both_ways(eager_step, task)
        if compiled:
            entries[COMPILED] = both_ways(compiled_step, task)
    return entries | {FLOOR: [Contender(steps_of, (floor_step, task), task.threads)]}


def both_ways(make_step, task):
    """A contender as its process is by default, and keeping the memory that it frees."""
    return [Contender(steps_of, (make_step, task), task.threads, keeps_memory) for keeps_memory in (False, True)]


def pytorch_is_installed():
    """Whether there is anybody to compare with. Finding out does not import it."""
    return find_spec("torch") is not None


# What follows runs in a process of its own, and imports only there what it needs.


def our_step(task):
    """A function that does the task once, by this package."""
    from minidit.benchmark import ours

    return ours.our_step(task)


def shared_training(task):
    """Context manager that gives `run(steps)` of training by a process per thread."""
    from minidit.benchmark import ours

    return ours.shared_training(task)


def eager_step(task):
    """A function that does the task once, by PyTorch."""
    from minidit.benchmark import pytorch

    return pytorch.eager_step(task)


def compiled_step(task):
    """A function that does the task once, by torch.compile."""
    from minidit.benchmark import pytorch

    return pytorch.compiled_step(task)


def floor_step(task):
    """A function that does the task's matrix products."""
    from minidit.benchmark import products

    return products.floor_step(task)
