"""A run in two curves: the loss, and the share of preview clips that were strictly right."""

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter, PercentFormatter, StrMethodFormatter

from minidit.figures.style import BLUE, VERMILLION, charts, png_bytes, style
from minidit.training.preview import PROMPTS

FILE = "training.png"
TITLE = "How the training went"
ALT = (
    "Two charts over training steps. Left: the training loss on a logarithmic axis. Right: the share of preview clips "
    "that are strictly right, from 0 to 100 %, for combinations seen in training and for held-out ones."
)
NOTE = (
    "The loss is the squared error of the prediction, weighted by noise level, averaged over the steps between "
    "two points. Previews are few prompts, the same ones each time, by the moving average of the weights, so the "
    "standard error of a point is up to 10 percentage points. `minidit evaluate` measures the finished model."
)


def missing(model, record):
    """What this figure needs and the record lacks, in words; empty when nothing."""
    return "" if record.get("history") and record.get("scores") else "no curves of its training"


@style()
def draw(model, record):
    """The bytes of the PNG."""
    steps, losses = np.array(record["history"]).T  # points each
    preview_steps, seen, held_out = np.array(record["scores"]).T  # previews each
    figure, (loss_axes, score_axes) = charts(1350, 570, 1, 2, pads=(0.12, 0.08))

    loss_axes.set_title("Training loss")
    loss_axes.plot(steps, losses, color=BLUE)
    loss_axes.set_yscale("log")
    loss_axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    loss_axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    loss_axes.yaxis.set_minor_formatter(NullFormatter())

    score_axes.set_title(f"Strictly right, of {PROMPTS} prompts each")
    score_axes.plot(preview_steps, seen, color=BLUE, marker="o", label="seen")
    score_axes.plot(preview_steps, held_out, color=VERMILLION, marker="s", linestyle="--", label="held out")
    score_axes.set_ylim(-0.02, 1.02)
    score_axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    score_axes.legend(loc="lower right")

    for axes in (loss_axes, score_axes):
        axes.set_xlabel("step")
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    return png_bytes(figure)
