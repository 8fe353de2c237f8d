"""What all contenders are asked to do."""

from contextlib import contextmanager
from dataclasses import dataclass

from minidit.benchmark.cases import Case

TRAINING, SAMPLING = "training", "sampling"


@dataclass(frozen=True)
class Task:
    """A piece of work that all contenders do alike.

    Attributes:
        kind: TRAINING, a step on a fixed batch: forward, loss, backward, AdamW; or SAMPLING, the network evaluated
            once, without keeping anything for a backward, on prompts or labels that are embedded already.
        case: the network and its clips.
        batch: clips.
        threads: on how many.
    """

    kind: str
    case: Case
    batch: int
    threads: int = 1

    @property
    def name(self):
        """In words."""
        return f"{self.kind}, {self.case.name}, batch {self.batch}, {self.threads} thread{'s' * (self.threads > 1)}"


def repeated(step):
    """A function that calls `step()` a number of times."""

    def run(calls):
        for _ in range(calls):
            step()

    return run


@contextmanager
def steps_of(make_step, task):
    """For `timing.timed`: gives `run(calls)`, where `make_step(task)` gives a function that does one step."""
    yield repeated(make_step(task))
