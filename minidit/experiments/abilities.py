"""Abilities: every use of the network with its measures, on seen and on held-out combinations."""

from time import process_time

import numpy as np

from minidit.evaluation.intervals import mean, percent, share
from minidit.experiments.tables import all_of, markdown, number, verdict
from minidit.experiments.tasks import checkpoint_task
from minidit.experiments.trials import Trials
from minidit.figures.style import BLUE, VERMILLION, charts, percent_bars, png_bytes, style
from minidit.files import accepted
from minidit.models.checkpoint import load_model
from minidit.world import HELD_OUT, SEEN

TITLE = "Abilities: one network, many uses"
FILE = "abilities_measured.png"
ALT = (
    "Three charts with 95 % intervals, for seen and held-out combinations: the share of clips that are right for each "
    "use of the network; the same for each size of a clip; and for edits, the share in which what the prompt "
    "names changed and all else stayed, path included."
)

SPLITS = {"seen": SEEN, "held out": HELD_OUT}
COLORS = dict(zip(SPLITS, (BLUE, VERMILLION), strict=True))
STREAM = 60  # of random numbers
PROMPTS, QUICK_PROMPTS = 200, 6
LEAST_RIGHT = 0.9  # of the clips, for the claim to hold of a use or size
GRIDS = [(frames, size) for frames in accepted.MADE for size in accepted.SIZES if (frames, size) != (8, (32, 32))]
CHANGES = {"colour": ("color",), "shape": ("shape",), "sky": ("sky",), "colour and sky": ("color", "sky")}

# name -> the trial and its settings
USES = {
    "generate": ("generate", {}),
    "image": ("generate", {"frames": 1}),
    "animate": ("animate", {}),
    "extend": ("extend", {}),
    "extend, backward": ("extend", {"backward": True}),
    "extend, out of the picture": ("extend", {"usual_speed": True}),
    "connect": ("connect", {}),
    "loop": ("loop", {}),
    **{f"edit, {what}": ("edit", {"names": names}) for what, names in CHANGES.items()},
    **{f"edit, {what} named alone": ("edit", {"names": names, "short": True}) for what, names in CHANGES.items()},
    "inpaint, the middle missing": ("inpaint", {}),
    "inpaint, half missing by chance": ("inpaint", {"by_chance": True}),
    "film": ("film", {}),
}
SIZES = {
    f"{frames} frames of {width} x {height}": ("generate", {"frames": frames, "size": (height, width)})
    for frames, (height, width) in GRIDS
}

RIGHTS = ("as_asked", "right", "right_there", "second_right", "shape_kept")  # the first that a use has counts for it

# The measures in words: shares, and means with their units.
SHARES = {
    "right": "right",
    "color_kept": "colour kept",
    "shape_kept": "shape kept",
    "motion_obeyed": "motion obeyed",
    "as_asked": "changed and kept, path included",
    "changed": "what is named changed",
    "kept": "all else kept",
    "right_there": "right on the way there",
    "first_right": "first shot right",
    "second_right": "second shot right",
    "no_jump": "no jump at the border",
}
MEANS = {
    "fidelity": "fidelity, dB",
    "least_fidelity": "fidelity of the worst frame that was made, dB",
    "way_error": "distance to the smoothest path, pixels",
    "frame_psnr": "first frame as the network sees it, PSNR, dB",
    "center_error": "distance to the true place, pixels",
    "velocity_error": "error of the velocity, pixels per frame",
    "relative_velocity_error": "the same, relative to the true speed",
    "seam": "difference of the step across the border from the mean step, pixels per frame",
    "true_seam": "the same of the true clip",
    "lost": "frames without the object, share",
    "roughness": "largest second difference of the path, pixels per frame²",
    "smoothest_roughness": "the same of the smoothest path",
    "wrap_step": "step from the last frame to the first, pixels",
    "typical_step": "typical step, pixels",
    "wrap_psnr": "the last frame against the first, PSNR, dB",
    "neighbour_psnr": "neighbouring frames, PSNR, dB",
    "rms_distance": "distance to the old path, pixels",
    "made_psnr": "what was missing, PSNR, dB",
    "codec_psnr": "the same of the real clip through the codec, PSNR, dB",
    "border_step": "step across the border, pixels",
}


def tasks(options):
    """Each use on each split; none for a model that can only make whole clips of one size."""
    if not options.completes:
        return []
    prompts = QUICK_PROMPTS if options.quick else PROMPTS
    return [
        checkpoint_task(options, f"abilities/{use}/{split}", prompts, measure, use, split)
        for use in USES | SIZES
        for split in SPLITS
    ]


def measure(checkpoint, prompts, use, split):
    """One use on one split.

    Returns:
        a JSON-able dict: use, split; measures, name -> the dict of `share` or `mean` of `minidit.evaluation.intervals`;
        core_seconds.
    """
    begin = process_time()
    trial, settings = (USES | SIZES)[use]
    trials = Trials(load_model(checkpoint), SPLITS[split], prompts, [STREAM, list(SPLITS).index(split)])
    scores = getattr(trials, trial)(**settings)
    measures = {}
    for name in (*SHARES, *MEANS):
        if name in scores:
            values = np.asarray(scores[name], float)
            measures[name] = share(values) if name in SHARES else mean(np.where(np.isinf(values), np.nan, values))
    return {"use": use, "split": split, "measures": measures, "core_seconds": process_time() - begin}


def by_use(measured, uses):
    """use -> split -> result, of those that were measured, in order."""
    found = {use: {} for use in uses}
    for result in measured.values():
        if result["use"] in found:
            found[result["use"]][result["split"]] = result
    return {use: splits for use, splits in found.items() if len(splits) == len(SPLITS)}


def cell(measures, name):
    """A measure with its interval, as words."""
    found = measures[name]
    if not found["clips"]:
        return "-"
    return percent(found["share"], found["interval"]) if name in SHARES else number(found["mean"], found["interval"], 2)


def sentences(measured):
    """Whether each use is right nearly always, in words; and how often clips are right for each kind of size."""
    ends = {}
    for use, splits in by_use(measured, USES | SIZES).items():
        found = [splits[split]["measures"] for split in SPLITS]
        name = next((name for name in RIGHTS if name in found[0]), None)
        if name and all(each[name]["clips"] for each in found):
            ends[use] = [min(each[name]["interval"][end] for each in found) for end in (0, 1)]
    if not ends:
        return ["Nothing was measured that can be summed up."]
    short = [use for use, (_, high) in ends.items() if high < LEAST_RIGHT]
    unsure = [use for use, (low, high) in ends.items() if low < LEAST_RIGHT <= high]
    said = [
        f"{verdict(not short and not unsure, bool(short))}: of {len(ends)} uses and sizes, "
        f"{len(ends) - len(short) - len(unsure)} are surely right in at least {100 * LEAST_RIGHT:.0f} % of the clips, "
        "on seen and on held-out combinations alike."
    ]
    named = {"Surely less often": short, "Not certain": unsure}
    said += [f"{words}: {all_of(uses)}." for words, uses in named.items() if uses]
    shares = [r["measures"]["right"]["share"] for s in by_use(measured, SIZES).values() for r in s.values()]
    if shares:
        low, high = 100 * min(shares), 100 * max(shares)
        said.append(
            f"Of the clips of other sizes than 8 frames of 32 x 32, {percent(np.mean(shares))} % are right, "
            f"{low:.1f} to {high:.1f} % depending on size and split."
        )
    return said


def tables(measured):
    """One table of the uses, with a line for each measure, and one of the sizes."""
    rows = []
    for use, splits in by_use(measured, USES).items():
        for name in splits["seen"]["measures"]:
            label = SHARES[name] + ", %" if name in SHARES else MEANS[name]
            rows.append([use, label, *(cell(splits[split]["measures"], name) for split in SPLITS)])
            use = ""
    sizes = [
        [use]
        + [cell(splits[split]["measures"], name) for name in ("right", "fidelity") for split in SPLITS]
        for use, splits in by_use(measured, SIZES).items()
    ]
    return [
        markdown(["use", "measure", *SPLITS], rows),
        markdown(
            ["clips of"]
            + [f"{name}, {split}, {unit}" for name, unit in (("right", "%"), ("fidelity", "dB")) for split in SPLITS],
            sizes,
        ),
    ]


def note(measured):
    """How the numbers were measured."""
    return (
        "Each line is a mean over the prompts of a split, with its 95 % interval (Wilson's for shares, otherwise by "
        "bootstrap). Input clips are real ones, as the renderer draws them. Known parts stay in the result pixel by "
        "pixel, so only what the network made is judged. *extend* knows 8 of 16 frames; *out of the picture* means a "
        "speed at which the object leaves the picture in the new frames. *connect* and *loop* know 4 frames at either "
        "end and have no prompt; the smoothest path is the cubic curve with both places and both speeds. *edit* asks "
        "for the same clip with other values, in a whole sentence or by naming these alone. *film* is two connected "
        "shots, there and back. The claim is confirmed if the share of right clips (for edits: changed and kept; for "
        f"*extend* and *connect*: shape kept) is surely at least {100 * LEAST_RIGHT:.0f} % for every use and "
        "size on both splits, and refuted if it is surely less for one."
    )


@style()
def draw(measured):
    """The bytes of the PNG: uses, sizes, edits."""
    figure, (left, middle, right_one) = charts(2100, 900, 1, 3, pads=(0.1, None))
    uses = {u: s for u, s in by_use(measured, USES).items() if any(n in s["seen"]["measures"] for n in RIGHTS)}
    bars(left, {u: s for u, s in uses.items() if not u.startswith("edit")}, "of each use")
    bars(middle, by_use(measured, SIZES), "of each size")
    bars(right_one, by_use(measured, [use for use in USES if use.startswith("edit")]), "of each edit")
    return png_bytes(figure)


def bars(axes, uses, title):
    """Shares with intervals: a line for each use, a colour for each split."""
    labels = []
    for row, (use, splits) in enumerate(uses.items()):
        name = next(name for name in RIGHTS if name in splits["seen"]["measures"])
        labels.append(use if name == "right" else f"{use}: {SHARES[name]}")
        for (split, color), shift in zip(COLORS.items(), (-0.13, 0.13), strict=True):
            found = splits[split]["measures"][name]
            look = {"color": color, "fmt": "o", "elinewidth": 1, "label": split if row == 0 else None}
            percent_bars(axes, [-row - shift], [found["share"]], [found["interval"]], across=True, **look)
    axes.set_yticks(-np.arange(len(labels)), labels, fontsize=7.5)
    axes.set_xlim(-3, 103)
    axes.set_xlabel("%")
    axes.set_title(f"right, {title}")
    axes.legend(fontsize=7, loc="lower left")
