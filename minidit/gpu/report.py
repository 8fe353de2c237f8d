"""What `minidit bench --device gpu` measured, as Markdown tables that can also be read as they are."""


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
    rows = [("", "kernel, ms", "plain, ms", "kernel ÷ plain", "of copying", "of multiplying")]
    for found in result["operations"]:
        seconds = found["kernel"][1]
        pace = found["bytes"] / seconds / result["copy"]
        products = found["multiply_accumulates"] / seconds / result["multiply"]
        rows.append(
            (
                found["name"],
                f"{1e3 * seconds:.3f}",
                f"{1e3 * found['plain'][1]:.3f}",
                quartiles(found["ratio"]),
                f"{pace:.0%}",
                f"{products:.0%}" if products else "",
            )
        )
    return table(rows)


def steps(found):
    """A row for each case: milliseconds of a step of every contestant."""
    names = [name for name in found[0] if name != "case"]
    rows = [("ms", *names)]
    rows += [(step["case"], *(quartiles([1e3 * second for second in step[name]]) for name in names)) for step in found]
    note = "" if "PyTorch" in names else "\n\nPyTorch is not installed here, or has no GPU, and so there is no race."
    return table(rows) + note


def quartiles(values):
    """The median, and the quartiles around it."""
    low, median, high = values
    return f"{median:.2f} [{low:.2f}, {high:.2f}]"


def table(rows):
    """Rows of cells, the first of which names the columns, as Markdown."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    lines = [f"| {' | '.join(cells)} |" for cells in padded]
    rule = "|" + "|".join("-" * (width + 1) + (":" if i else "-") for i, width in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
