"""Numbers as cells, cells as tables in Markdown."""


def percent(value, interval=None):
    """A share, and its interval, in percent: 98.2 [97.1, 98.9]."""
    ends = "" if interval is None else " [{:.1f}, {:.1f}]".format(*(100 * end for end in interval))
    return f"{100 * value:.1f}{ends}"


def number(value, interval=None, digits=3):
    """A number with its interval, with so many digits after the point."""
    ends = "" if interval is None else " [{:.{d}f}, {:.{d}f}]".format(*interval, d=digits)
    return f"{value:.{digits}f}{ends}"


def in_units(count):
    """A large number with a prefix of the SI: 118.6 G."""
    for size, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
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
    """What is to be said of a claim, where its rule surely holds, surely doesn't, or the interval leaves it open."""
    return "Holds" if holds else "Does not hold" if fails else "Undecided"
