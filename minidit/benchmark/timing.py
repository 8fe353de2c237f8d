"""Times of contenders that take turns: A B C A B C …, so that a busy machine is busy for all of them."""

from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter, process_time

import numpy as np

ROUND_SECONDS = 0.3  # what a round should take at least
WARM_UP = 2  # calls before anything is timed

# R = rounds


@dataclass(frozen=True)
class Times:
    """Seconds a call, round by round: wall clock (R,), and of the process's threads together (R,)."""

    wall: np.ndarray
    cpu: np.ndarray


@contextmanager
def timed(make, *arguments):
    """For `processes.remote`: times what a contender does.

    Args:
        make, arguments: `make(*arguments)` is a context manager that gives a function `run(calls)`.
    Returns:
        a context manager that gives a function of `calls`: seconds by the wall clock and of processor time.
    """
    with make(*arguments) as run:

        def seconds(calls):
            wall, cpu = perf_counter(), process_time()
            run(calls)
            return perf_counter() - wall, process_time() - cpu

        yield seconds


def calls_a_round(clock, round_seconds=ROUND_SECONDS):
    """How many calls of a contender make a round, by its function from `timed`."""
    clock(WARM_UP)
    wall, _ = clock(1)
    return max(1, round(round_seconds / max(wall, 1e-6)))


def interleave(clocks, rounds, round_seconds=ROUND_SECONDS):
    """Lets contenders take turns.

    Args:
        clocks: name -> function from `timed`.
        rounds: R.
        round_seconds: what a round should take at least.
    Returns:
        name -> Times.
    """
    calls = {name: calls_a_round(clock, round_seconds) for name, clock in clocks.items()}
    seconds = {name: [] for name in clocks}
    for _ in range(rounds):
        for name, clock in clocks.items():
            seconds[name].append(clock(calls[name]))
    return {name: Times(*(np.array(seconds[name]).T / calls[name])) for name in clocks}


def spread(values):
    """[lower quartile, median, upper quartile] of (R,) numbers."""
    return np.percentile(values, [25, 50, 75]).tolist()


def ratio(ours, theirs):
    """Quartiles of ours ÷ theirs, (R,) seconds each, paired round by round: what slows a round slows both."""
    return spread(ours / theirs)
