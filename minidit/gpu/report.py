"""What `minidit bench --device gpu` measured, as Markdown tables that can also be read as they are."""

from minidit.benchmark.report import interval, table


def report(result):
    """The result of `minidit.gpu.bench.run` in words."""
    parts = [
        f"Measured on {result['device']}.\n"
        f"It copies {result['copy'] / 1e9:.1f} GB/s, read and written bytes together, and multiplies matrices at "
        f"{2 * result['multiply'] / 1e12:.3g} TFLOP/s.",
        "### Kernels",
        operations(result),
        "### A training step",
        steps(result["steps"]),
    ]
    return "\n\n".join(parts) + "\n"


def operations(result):
    """A row for each kernel: its time, that of CuPy's kernels, and its share of the card's pace."""
    rows = []
    for found in result["operations"]:
        kernel, plain = found["kernel"][1], found["plain"][1]
        products = found["multiply_accumulates"] / kernel / result["multiply"]
        rows.append([
            found["name"],
            f"{1e3 * kernel:.3f}",
            f"{1e3 * plain:.3f}",
            interval(found["ratio"]),
            f"{found['bytes'] / kernel / result['copy']:.0%}",
            f"{products:.0%}" if products else "",
        ])  # fmt: skip
    return table(["", "kernel, ms", "plain, ms", "kernel ÷ plain", "of copying", "of multiplying"], rows)


def steps(found):
    """A row for each case: milliseconds of a step of every contestant."""
    names = [name for name in found[0] if name != "case"]
    rows = [[step["case"], *(interval([1e3 * second for second in step[name]]) for name in names)] for step in found]
    note = "" if "PyTorch" in names else "\n\nPyTorch is not installed here, or has no GPU, and so there is no race."
    return table(["ms", *names], rows) + note
