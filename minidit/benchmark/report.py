"""The benchmark's result as Markdown tables that can also be read as they are."""

import numpy as np

from minidit.benchmark.contenders import COMPILED, EAGER, FLOOR, OURS, SHARED
from minidit.benchmark.task import TRAINING
from minidit.benchmark.timing import ratio, spread
from minidit.benchmark.whole_step import WHOLE

NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four"}


def report(result):
    """The whole result of `suite.run`, with a heading for each of its tables."""
    parts = [machine(result["machine"]), agreements(result.get("agreement", {}))]
    times = list(result["times"].values())
    for threads, kind in dict.fromkeys((entry["threads"], entry["kind"]) for entry in times):
        chosen = [entry for entry in times if (entry["threads"], entry["kind"]) == (threads, kind)]
        parts += [heading(kind, threads), race(chosen), ratios(chosen), notes(chosen)]
    parts += ["### Memory of a training step, one thread", memory(result["saved"], result["peaks"])]
    parts += ["### Where the time of our training step goes, one thread", operations(result["operations"])]
    if "whole step" in result:
        parts += ["### The whole step of `minidit train`, one process", whole_steps(result["whole step"])]
    parts += ["### Start-up", starts(result["start-up"]["processes"])]
    return "\n\n".join(part for part in parts if part) + "\n"


def heading(kind, threads):
    """What the next table is about."""
    what = "Training step" if kind == TRAINING else "Sampling, one evaluation of the network"
    return f"### {what}, {NUMBERS.get(threads, threads)} thread{'s' * (threads > 1)}"


def machine(sides):
    """On what the figures were measured."""
    ours = sides[OURS]
    lines = [
        f"{ours['processor']}, {ours['cores']} cores, {ours['system']}",
        f"ours: Python {ours['python']}, NumPy {ours['numpy']}, {', '.join(map(blas, ours['blas']))}",
    ]
    lines += [f"  {name}={value} is set in the environment" for name, value in ours["chosen"].items()]
    if EAGER in sides:
        theirs = sides[EAGER]
        lines.append(f"PyTorch {theirs['version']}, matrix products by {theirs['blas']}, {theirs['instructions']}")
    else:
        lines.append('PyTorch is not installed here: pip install -e ".[torch]" brings it into the comparison.')
    return "\n".join(lines)


def blas(library):
    """A library of matrix products, in words."""
    kernel = f" with its kernel for {library['architecture']}" if library["architecture"] else ""
    return f"{library['internal_api']} {library['version']}{kernel}"


def agreements(found):
    """How well the two sides agree."""
    if not found:
        return ""
    worst = {key: max(entry[key] for entry in found.values()) for key in ("loss", "prediction", "gradients")}
    return (
        "Ours and PyTorch's compute the same: the largest relative difference is "
        f"{worst['gradients']:.0e} among all gradients, {worst['prediction']:.0e} in the predictions and "
        f"{worst['loss']:.0e} in the losses."
    )


def race(entries):
    """Who takes how long."""
    names = list(entries[0]["seconds"])
    rows = [[label(entry), *(milliseconds(entry["seconds"][name]["wall"]) for name in names)] for entry in entries]
    return table(["milliseconds", *names], rows)


def ratios(entries):
    """Our share of the others' time, and the share of ours that is matrix products."""
    names = entries[0]["seconds"]
    ours = [name for name in (SHARED, OURS) if name in names]
    pairs = [(mine, other, "wall") for mine in ours for other in (EAGER, COMPILED) if other in names]
    pairs += [(FLOOR, mine, "wall") for mine in ours]
    if entries[0]["threads"] == 1:  # of several threads, it would count those that wait for work
        pairs += [(one, other, "cpu") for one, other, _ in pairs]
    header = [f"{one} ÷ {other}{', CPU time' * (clock == 'cpu')}" for one, other, clock in pairs]

    def cell(entry, one, other, clock):
        one, other = (np.array(entry["seconds"][name][clock]) for name in (one, other))
        return interval(ratio(one, other))

    rows = [[label(entry), *(cell(entry, *pair) for pair in pairs)] for entry in entries]
    return table(["time ÷ time", *header], rows)


def label(entry):
    """A row's name."""
    return f"{entry['case']}, batch {entry['batch']}"


def notes(entries):
    """What has to be known to read a table of times."""
    lines = ["Medians over the rounds and [quartiles]; ratios are taken round by round."]
    if entries[0]["threads"] == 1:
        lines.append("CPU time is what to look at if the machine was busy.")
    if SHARED in entries[0]["seconds"]:
        lines.append(f'"{OURS}" has threads in its matrix products only; "{SHARED}" is what `minidit train` does.')
        lines.append("It also clips the gradient and keeps the moving average.")
    keeping = [f"{e['case']} {e['batch']}" for e in entries if e["keeps_memory"].get(EAGER)]
    if EAGER in entries[0]["seconds"]:
        lines.append(
            "Our process keeps the memory that it frees; PyTorch's does so where it is faster with it: eagerly at "
            f"{', '.join(keeping) or 'none of these'}."
        )
    return " ".join(lines)


def memory(saved, peaks):
    """What a forward pass keeps, and what the process needs."""
    peak_names = list(next(iter(peaks.values())))
    compared = EAGER in peak_names
    header = ["MB", *(f"kept for the backward, {name}" for name in (OURS, EAGER)[: 1 + compared])]
    header += [f"{OURS} ÷ {EAGER}"] * compared
    header += [f"peak of {name} (of it by the steps)" for name in peak_names]
    rows = []
    for case, sizes in saved.items():
        row = [case, *(f"{size / 1e6:.1f}" for size in sizes.values())]
        row += [f"{sizes[OURS] / sizes[EAGER]:.2f}"] if compared else []
        rows.append(row + [f"{peak / 1e6:.0f} ({steps / 1e6:.0f})" for peak, steps in peaks[case].values()])
    lines = table(header, rows)
    return f"{lines}\n\n{COMPILED}'s steps begin with its compiler's work." if COMPILED in peak_names else lines


def operations(shares):
    """Shares of our step, a row for each operation and a column for each case."""
    names = list(dict.fromkeys(name for of_case in shares.values() for name in of_case))
    rows = [[name, *(f"{100 * of_case.get(name, 0):.1f}" for of_case in shares.values())] for name in names]
    return table(["% of the time", *shares], rows)


def whole_steps(found):
    """A row for each preset: the step, and the share of what prepares its batch."""
    parts = [part for part in next(iter(found.values())) if part != WHOLE]
    rows = []
    for name, seconds in found.items():
        whole = np.array(seconds[WHOLE])
        shares = [f"{100 * ratio(np.array(seconds[part]), whole)[1]:.1f} %" for part in parts]
        rows.append([name, milliseconds(whole), *shares])
    return table(["preset", "milliseconds", *parts], rows)


def starts(found):
    """How long each kind of process takes from beginning to end."""
    rows = [[f"`{name}`", milliseconds(np.array(seconds))] for name, seconds in found.items()]
    return table(["a new process", "milliseconds"], rows)


def milliseconds(seconds):
    """Median and quartiles of (R,) seconds."""
    low, median, high = (1000 * value for value in spread(seconds))
    digits = 3 if median < 1 else 2 if median < 10 else 1
    return f"{median:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def interval(quartiles):
    """The median, and the quartiles around it."""
    low, median, high = quartiles
    return f"{median:.2f} [{low:.2f}, {high:.2f}]"


def table(header, rows):
    """A Markdown table whose columns are aligned, the first to the left."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]

    def line(cells):
        first, *others = (
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "| " + " | ".join([first, *others]) + " |"

    rule = "|" + "|".join("-" * (w + 1) + ":" if i else "-" * (w + 2) for i, w in enumerate(widths)) + "|"
    return "\n".join([line(header), rule, *map(line, rows)])
