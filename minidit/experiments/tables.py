"""Numbers as words and cells, cells as tables in Markdown."""

from minidit.evaluation.intervals import percent
from minidit.experiments.tally import interval, share


def percent_of(counts, name="right"):
    """The share of a tally, with its Wilson interval, in percent: 98.2 [97.1, 98.9]."""
    return percent(share(counts, name), interval(counts, name))


def number(value, interval=None, digits=3):
    """A number with its interval, with so many digits after the point."""
    ends = "" if interval is None else " [{:.{d}f}, {:.{d}f}]".format(*interval, d=digits)
    return f"{value:.{digits}f}{ends}"


def in_units(count):
    """A large number with a prefix of the SI: 118.6 G."""
    for size, prefix in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g} {prefix}"
    return f"{count:.3g}"


def markdown(heads, rows):
    """A table in Markdown: the first column to the left, all others to the right."""
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def all_of(items):
    """Words in a row: a, b and c."""
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last


def verdict(holds, fails):
    """What a claim's rule says: confirmed, refuted, or left open by the interval."""
    return "Confirmed" if holds else "Refuted" if fails else "Undecided"
