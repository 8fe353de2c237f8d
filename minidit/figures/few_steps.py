"""How often clips are right for each number of steps, before and after distillation: measured beforehand.

To measure it again: `minidit distill --out runs/fast --steps 700` and then, with FILE the one beside this,
`minidit steps shipped runs/fast --json FILE --force`.
"""

import json
from pathlib import Path

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator

from minidit.figures.style import BLUE, VERMILLION, charts, percent_bars, png_bytes, style

DATA = json.loads(Path(__file__).with_name("few_steps.json").read_text(encoding="utf-8"))

FILE = "few_steps.png"
TITLE = "How many steps it takes"
ALT = (
    "Two charts of the share of right and of strictly right clips against the steps of the sampler, before and after "
    "distillation, for seen and held-out combinations, with intervals."
)
NOTE = (
    "Measured with the model that was shipped before this one. Before: what `minidit distill` started from. "
    "After: its student, which learned to go from noise to that "
    "model's clips in a straight line (reflow), and needs no guidance, so that each of its steps takes half the time. "
    f"By `minidit steps` on {DATA['prompts']} seen and {DATA['prompts']} held-out prompts, with 95 % Wilson "
    "intervals; prompts and noise are the same for all."
)

MODELS = (("before", VERMILLION), ("after", BLUE))  # in the order of the file
SPLITS = (("seen", "seen", "o", "-"), ("held_out", "held-out", "s", "--"))
PANELS = (("right", "right"), ("strict", "strictly right"))
APART = 1.03  # factor between the points of a number of steps, to tell their intervals apart


@style()
def draw(model, record):
    """The bytes of the PNG. It needs neither the model nor its record."""
    figure, panels = charts(1350, 600, 1, len(PANELS), sharey=True)
    steps = np.array(DATA["steps"], float)
    for axes, (name, title) in zip(panels, PANELS, strict=True):
        axes.set_title(title)
        place = -1.5
        for (label, color), measured in zip(MODELS, DATA["models"], strict=True):
            for split, words, marker, line in SPLITS:
                shares = [point[name] for point in measured[split]]  # steps
                intervals = [point[f"{name}_interval"] for point in measured[split]]  # steps, 2
                look = {"color": color, "marker": marker, "linestyle": line, "label": f"{label}, {words}"}
                percent_bars(axes, steps * APART**place, shares, intervals, elinewidth=1, **look)
                place += 1
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_locator(FixedLocator(steps))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticklabels([f"{count:g}" for count in steps])
        axes.set_xlabel("steps of the sampler")
        axes.set_ylim(0, 102)
    axes.legend(loc="lower right")
    figure.axes[0].set_ylabel("% of clips")
    return png_bytes(figure)
