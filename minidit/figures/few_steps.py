"""How often clips are right by the number of steps, before and after distillation: measured beforehand.

Measured anew by `minidit distill --out runs/fast --steps 700` and then, with FILE the one beside this,
`minidit steps shipped runs/fast --json FILE --force`.
"""

import json
from pathlib import Path

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator

from minidit.figures.style import BLUE, VERMILLION, png_bytes, sheet, style

DATA = json.loads(Path(__file__).with_name("few_steps.json").read_text(encoding="utf-8"))

FILE = "few_steps.png"
TITLE = "How many steps it takes"
ALT = (
    "Two charts of the share of right and of strictly right clips against the steps of the sampler, before and after "
    "distillation, for seen and held-out combinations, with intervals."
)
NOTE = (
    "Before: the model that `minidit distill` starts from. After: its student, which learned to go from noise to that "
    "model's clips in a straight line (reflow), and needs no guidance, so that each of its steps takes half the time. "
    f"Of {DATA['prompts']} seen and {DATA['prompts']} held-out prompts each, with 95 % Wilson intervals; prompts and "
    "noise are the same for all. Measured by `minidit steps`."
)

MODELS = (("before", VERMILLION), ("after", BLUE))  # in the order of the file
SPLITS = (("seen", "seen", "o", "-"), ("held_out", "held-out", "s", "--"))
PANELS = (("right", "right"), ("strict", "strictly right"))
APART = 1.03  # factor between the points of a number of steps, to tell their intervals apart


@style()
def draw(model, record):
    """The bytes of the PNG. Neither the model nor its record is needed for it."""
    figure = sheet(1350, 600)
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.08)
    steps = np.array(DATA["steps"], float)
    for axes, (name, title) in zip(figure.subplots(1, len(PANELS), sharey=True), PANELS, strict=True):
        axes.set_title(title)
        place = -1.5
        for (label, color), measured in zip(MODELS, DATA["models"], strict=True):
            for split, words, marker, line in SPLITS:
                shares = np.array([point[name] for point in measured[split]])  # steps
                ends = np.array([point[f"{name}_interval"] for point in measured[split]])  # steps, 2
                axes.errorbar(
                    steps * APART**place,
                    100 * shares,
                    yerr=100 * np.abs(ends - shares[:, None]).T,
                    color=color,
                    marker=marker,
                    linestyle=line,
                    elinewidth=1,
                    label=f"{label}, {words}",
                )
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
