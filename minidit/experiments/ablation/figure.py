"""The figure: every variant with the mean over its seeds, an interval, and each seed as a point."""

from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from minidit.experiments.ablation.report import by_variant, mean_interval, measures
from minidit.experiments.ablation.variants import BASE, PARTS, TARGET, TIME, VARIANTS
from minidit.figures.style import BLUE, FAINT, INK, VERMILLION, png_bytes, sheet, style

FILE = "ablation.png"
TITLE = "What each choice of the network is worth"
ALT = (
    "Two columns of charts, a row for each variant of one small model trained with the same compute. Left: the loss on "
    "held-out clips. Right: the share of the four attributes that its clips show as asked, for seen and for held-out "
    "prompts. Points are seeds, bars 95 % intervals of their mean; a line marks the network that the others are "
    "compared with."
)
GROUPS = {PARTS: ("loss", BASE), TARGET: ("loss", BASE), TIME: ("given_loss", "time-marks")}
LOSS_NAME = {"loss": "loss on held-out clips", "given_loss": "loss on what follows a given start"}
ROW = 46  # pixels of a variant


@style()
def draw(results):
    """The bytes of the PNG.

    Args:
        results: "name/seed 0" -> result.
    """
    found = by_variant(results)
    groups = {group: names for group in GROUPS if (names := names_of(found, group))}
    heights = [len(names) + 1.5 for names in groups.values()]
    figure = sheet(1650, int(150 + ROW * sum(heights)))
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.1)
    grid = figure.subplots(len(groups), 2, squeeze=False, sharey="row", gridspec_kw={"height_ratios": heights})
    for (left, right), (group, names) in zip(grid, groups.items(), strict=True):
        loss, reference = GROUPS[group]
        rows = [measures(found[name], loss) for name in names]
        intervals(left, [row["loss"] for row in rows], INK, 0.0)
        for split, color, shift, label in (
            ("seen", BLUE, -0.15, "seen prompts"), ("held_out", VERMILLION, 0.15, "held-out prompts"),
        ):  # fmt: skip
            intervals(right, [row[f"attributes {split}"] for row in rows], color, shift, label)
        if reference in names:
            mean, _ = mean_interval(measures(found[reference], loss)["loss"])
            left.axvline(mean, color=INK, linewidth=0.8, zorder=0.5)
        left.set_yticks(range(len(names)), [VARIANTS[name].title for name in names])
        left.set_ylim(len(names) - 0.5, -0.5)
        left.set_xlabel(LOSS_NAME[loss])
        if group == TARGET:
            left.set_xscale("log")  # targets differ by factors
            left.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            left.xaxis.set_minor_locator(NullLocator())
            left.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        low, high = right.get_xlim()
        right.set_xlim(max(low, -2), min(high, 102))  # shares; their intervals may go further
        right.set_xlabel("attributes as asked, %")
        for axes in (left, right):
            axes.grid(axis="y", color=FAINT)
    grid[0, 1].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.1)
    return png_bytes(figure)


def names_of(found, group):
    """The variants of a group that have results, the base before those of the targets as well."""
    names = [name for name in found if VARIANTS[name].group == group]
    return [BASE, *names] if group == TARGET and names and BASE in found else names


def intervals(axes, rows, color, shift, label=None):
    """A point for each seed, a bar for the mean's interval, and a larger point for the mean."""
    for place, values in enumerate(rows):
        mean, half = mean_interval(values)
        y = place + shift
        axes.plot(values, [y] * len(values), ".", color=color, markersize=3, alpha=0.6)
        axes.errorbar(mean, y, xerr=half, color=color, marker="o", linewidth=1.4, label=None if place else label)
