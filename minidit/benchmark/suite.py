"""The whole benchmark: everything that is asked for, measured one after the other, as one dict."""

from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np

from minidit.benchmark.agreement import agreement
from minidit.benchmark.cases import CASES
from minidit.benchmark.contenders import EAGER, FLOOR, OURS, contenders, pytorch_is_installed
from minidit.benchmark.machine import our_side, pytorch_side
from minidit.benchmark.memory import measured, saved_by_ours, saved_by_pytorch
from minidit.benchmark.operations import time_by_operation
from minidit.benchmark.processes import Failed, in_fresh_process, remote
from minidit.benchmark.startup import start_up
from minidit.benchmark.task import SAMPLING, TRAINING, Task
from minidit.benchmark.timing import interleave, timed
from minidit.benchmark.whole_step import PARTS

SAMPLED = (1, 4)  # clips at once
TRIAL_ROUNDS = 3


@dataclass(frozen=True)
class Measurement:
    """An entry of the result: `result[section][name] = function(*arguments)`."""

    section: str
    name: str
    function: Callable
    arguments: tuple


def plan(names=tuple(CASES), threads=(1, 2), rounds=15, compiled=True):
    """All that is to be measured, in order.

    Args:
        names: of CASES.
        threads: counts of threads.
        rounds: of each comparison.
        compiled: torch.compile takes part, too. Compiling takes much longer than measuring.
    Returns:
        a list of Measurement.
    """
    cases = [CASES[name] for name in names]
    found = [Measurement("machine", OURS, in_fresh_process, (1, our_side))]
    if pytorch_is_installed():
        found.append(Measurement("machine", EAGER, in_fresh_process, (1, pytorch_side)))
        found += [Measurement("agreement", case.name, in_fresh_process, (1, agreement, case)) for case in cases]
    for task in tasks(cases, threads):
        found.append(Measurement("times", task.name, compare, (task, rounds, compiled)))
    for case in cases:
        step = Task(TRAINING, case, case.batch)
        found.append(Measurement("saved", case.name, saved, (case,)))
        found.append(Measurement("peaks", case.name, peaks, (step, compiled)))
        found.append(Measurement("operations", case.name, in_fresh_process, (1, time_by_operation, step)))
        if case.settings.text:
            found.append(Measurement("whole step", case.name, whole_step, (case.name, rounds)))
    modules = ["minidit", "numpy"] + ["torch"] * pytorch_is_installed()
    found.append(Measurement("start-up", "processes", start_up, (rounds, modules)))
    return found


def tasks(cases, threads):
    """The Tasks in which contenders are compared, in the order of the tables."""
    found = []
    for count in threads:
        found += [Task(TRAINING, case, case.batch, count) for case in cases]
        found += [Task(SAMPLING, case, batch, count) for case in cases for batch in SAMPLED]
    return found


def run(measurements):
    """Measures: section -> name -> what was found, a dict that JSON can hold. See `report.report`.

    Args:
        measurements: Measurements, or something that shows its progress while it is iterated over.
    Raises:
        RuntimeError: ours and PyTorch's don't compute the same.
    """
    result = defaultdict(dict)
    for measurement in measurements:
        result[measurement.section][measurement.name] = measurement.function(*measurement.arguments)
    return dict(result)


def why_not_compiled():
    """The last line of what torch.compile says when it doesn't work here, or None if it does."""
    try:
        in_fresh_process(1, compile_something)
    except Failed as failure:
        return str(failure).strip().splitlines()[-1]
    return None


def compile_something():
    """Makes torch.compile build a small function: without a C++ compiler it can't."""
    import torch

    torch.compile(lambda x: torch.exp(x) + 1)(torch.zeros(8))


def compare(task, rounds, compiled=True):
    """Lets all contenders do a task in turns.

    Returns:
        the task in "kind", "case", "batch" and "threads"; "seconds", contender -> {"wall": [...], "cpu": [...]}, a
        number for each round; "keeps_memory", contender -> whether it keeps the memory that it frees.
    """
    with ExitStack() as stack:
        entries = contenders(task, compiled).items()
        running = {name: stack.enter_context(fastest(candidates)) for name, candidates in entries}
        times = interleave({name: clock for name, (_, clock) in running.items()}, rounds)
    return {
        "kind": task.kind,
        "case": task.case.name,
        "batch": task.batch,
        "threads": task.threads,
        "seconds": {name: {"wall": t.wall.tolist(), "cpu": t.cpu.tolist()} for name, t in times.items()},
        "keeps_memory": {name: chosen.keeps_memory for name, (chosen, _) in running.items()},
    }


@contextmanager
def fastest(candidates):
    """Starts one or more Contenders, and gives the fastest and its clock (see `timing.timed`); the others end."""
    with ExitStack() as stack:
        stacks = [stack.enter_context(ExitStack()) for _ in candidates]
        clocks = [own.enter_context(entry.process(timed)) for own, entry in zip(stacks, candidates, strict=True)]
        best = 0
        if len(candidates) > 1:
            times = interleave(dict(enumerate(clocks)), TRIAL_ROUNDS)
            best = min(times, key=lambda index: np.median(times[index].wall))
        for index, own in enumerate(stacks):
            if index != best:
                own.close()
        yield candidates[best], clocks[best]


def saved(case):
    """Bytes that a forward pass keeps for its backward, by contender."""
    counts = {OURS: saved_by_ours} | ({EAGER: saved_by_pytorch} if pytorch_is_installed() else {})
    return {name: in_fresh_process(1, count, case) for name, count in counts.items()}


def peaks(task, compiled=True):
    """[peak, part of it that came with the steps] in bytes, by contender.

    Each treats freed memory as it does by default, and torch.compile's steps begin with its compiler.
    """
    found = {}
    for name, candidates in contenders(task, compiled).items():
        if name != FLOOR:
            with candidates[0].process(measured) as peak:
                found[name] = list(peak())
    return found


def whole_step(name, rounds):
    """Seconds, a number for each round, of a preset's whole step and of the parts of it that prepare the batch."""
    with ExitStack() as stack:
        clocks = {part: stack.enter_context(remote(1, True, timed, make, name)) for part, make in PARTS.items()}
        return {part: times.wall.tolist() for part, times in interleave(clocks, rounds).items()}
