"""How time and memory of a training step grow with tokens, width, depth and batch, beside what the planner says."""

import tracemalloc
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace

import numpy as np
from tqdm import tqdm

from minidit.backend import keep_freed_memory
from minidit.benchmark.machine import our_side
from minidit.benchmark.ours import running
from minidit.benchmark.pace import fixed_batch, work
from minidit.benchmark.processes import in_fresh_process
from minidit.benchmark.timing import interleave, timed
from minidit.models.dit import DiTSettings
from minidit.models.memory import attention_in_blocks, step_bytes
from minidit.training.budget import Workload, in_units

HEAD_WIDTH = 64
ROUNDS = 5
ROUND_SECONDS, SMALL_ROUND_SECONDS = 0.1, 0.002

AXES = ("tokens", "width", "depth", "batch")
AT_ONCE, IN_BLOCKS = "all scores at once", "scores in blocks"
PLAIN, RECOMPUTED = "blocks kept", "blocks recomputed"


def network(width=128, depth=2, tokens=64, batch=8, recompute=False):
    """A Workload of that size, with class labels."""
    rows = 1 << (tokens.bit_length() - 1) // 2  # as square as powers of two allow
    dit = DiTSettings(4, (1, 2, 2), width, depth, max(1, width // HEAD_WIDTH), num_classes=10)
    return Workload(dit, (1, rows, tokens // rows), batch, batch, recompute=recompute)


def curves(small=False):
    """(axis, variant, {value on the axis: Workload}) of everything that is measured."""
    most = 2 if small else 20
    tokens = [64 << i for i in range(8)][:most]
    widths, depths, batches = ([first << i for i in range(count)][:most] for first, count in ((64, 5), (1, 5), (1, 7)))
    long = {T: network(width=64, depth=1, tokens=T, batch=1) for T in tokens}
    deep = {depth: network(depth=depth) for depth in depths}
    return [
        ("tokens", AT_ONCE, long),
        ("tokens", IN_BLOCKS, long),
        ("width", PLAIN, {width: network(width=width, batch=2) for width in widths}),
        ("depth", PLAIN, deep),
        ("depth", RECOMPUTED, {depth: replace(workload, recompute=True) for depth, workload in deep.items()}),
        ("batch", PLAIN, {batch: network(batch=batch) for batch in batches}),
    ]


def run(small=False):
    """Measures all curves, those of an axis in a fresh process with one thread in its matrix products.

    Args:
        small: only two small networks on each.
    Returns:
        a JSON-able dict: "machine", as of `minidit.benchmark.machine.our_side`, and "curves", a list of dicts: "axis",
        "variant"; then lists with an entry for each network: "values" on the axis, "seconds" of a step, "bytes" at its
        peak (beyond parameters, moments and the like, which stay); and "products" and "predicted_bytes" as
        `minidit.models.cost` and `minidit.models.memory` have them.
    """
    found, round_seconds = [], SMALL_ROUND_SECONDS if small else ROUND_SECONDS
    for axis in tqdm(AXES, desc="growth", unit="axis"):
        variants = {variant: workloads for of_axis, variant, workloads in curves(small) if of_axis == axis}
        lists = {variant: list(workloads.values()) for variant, workloads in variants.items()}
        measured = in_fresh_process(1, measure, lists, round_seconds)
        for variant, workloads in variants.items():
            predictions = [predicted(variant, workload) for workload in workloads.values()]
            points = zip(workloads, *measured[variant], *zip(*predictions, strict=True), strict=True)
            names = ("values", "seconds", "bytes", "products", "predicted_bytes")
            columns = dict(zip(names, map(list, zip(*points, strict=True)), strict=True))
            found.append({"axis": axis, "variant": variant, **columns})
    return {"machine": in_fresh_process(1, our_side), "curves": found}


def predicted(variant, workload):
    """Multiply-accumulates of a step, and the bytes that it needs at its peak."""
    with choosing(variant):
        return work(workload), sum(step_bytes(workload.dit, workload.batch, workload.grid, None, workload.recompute))


def choosing(variant):
    """Context manager in which attention computes all scores at once, or in blocks; or chooses, as always."""
    return attention_in_blocks(variant == IN_BLOCKS) if variant in (AT_ONCE, IN_BLOCKS) else nullcontext()


def measure(variants, round_seconds):
    """Steps of all networks, the variants taking turns.

    Args:
        variants: name -> list of Workloads, all of the same length.
        round_seconds: what a round takes at least.
    Returns:
        name -> seconds of a step, and bytes at its peak: two lists.
    """
    keep_freed_memory()
    measured = {variant: ([], []) for variant in variants}
    for workloads in zip(*variants.values(), strict=True):
        with ExitStack() as stack:
            runs = {
                variant: stack.enter_context(training(variant, workload))
                for variant, workload in zip(variants, workloads, strict=True)
            }
            clocks = {variant: stack.enter_context(timed(nullcontext, run)) for variant, run in runs.items()}
            for variant, times in interleave(clocks, ROUNDS, round_seconds).items():
                measured[variant][0].append(times.wall.min().item())  # others may need the machine, too
                measured[variant][1].append(traced_peak_of(runs[variant]))
    return measured


@contextmanager
def training(variant, workload):
    """Gives `run(steps)`, which trains in this process."""
    with running(fixed_batch(workload)) as run_steps:

        def run(steps):
            with choosing(variant):
                run_steps(steps)

        yield run


def traced_peak_of(run):
    """Bytes that a step needs at its peak beyond what was there before it, as NumPy reports them to Python."""
    tracemalloc.start()
    run(1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def exponents(values, results):
    """Between neighbours: if the value doubles, the result grows by two to the power of this."""
    return (np.diff(np.log(results)) / np.diff(np.log(values))).tolist()


def text(result):
    """What was measured, as text. Exponents are those between a line and the one above."""
    lines = [f"{result['machine']['processor']}, one thread"]
    for curve in result["curves"]:
        lines += ["", f"{curve['axis']}, {curve['variant']}", ROW.format(*HEADINGS)]
        powers = zip(*([None, *exponents(curve["values"], curve[key])] for key in COLUMNS), strict=True)
        for point, power in zip(zip(*(curve[key] for key in ("values", *COLUMNS)), strict=True), powers, strict=True):
            lines.append(ROW.format(*in_columns(point, power)))
    return "\n".join([*lines, "", *comparisons(result["curves"]), ""])


COLUMNS = ("seconds", "products", "bytes", "predicted_bytes")
HEADINGS = ("", "ms", "exponent", "formula's", "memory", "predicted", "exponent", "formula's")
ROW = "{:>8} {:>10} {:>9} {:>9} {:>10} {:>10} {:>9} {:>9}"


def in_columns(point, power):
    """The cells of a line, for ROW, from the values of a network and their exponents."""
    value, seconds, _, peak, predicted = point
    time_power, products_power, memory_power, predicted_power = ("" if p is None else f"{p:.2f}" for p in power)
    return (
        value, f"{1000 * seconds:.1f}", time_power, products_power,
        in_units(peak), in_units(predicted), memory_power, predicted_power,
    )  # fmt: skip


def comparisons(found):
    """A sentence for each variant that is there to save memory: what it costs and what it saves, for the largest."""
    by_name = {(curve["axis"], curve["variant"]): curve for curve in found}
    for axis, plain, variant in (("tokens", AT_ONCE, IN_BLOCKS), ("depth", PLAIN, RECOMPUTED)):
        before, after = by_name[axis, plain], by_name[axis, variant]
        time, memory = (after[key][-1] / before[key][-1] for key in ("seconds", "bytes"))
        yield f"{variant}, {axis} {before['values'][-1]}: {time:.2f} of the time, {memory:.2f} of the memory"
