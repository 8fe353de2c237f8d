"""Expressiveness: do samples show all of the world's variety, in what the prompt leaves open?

A prompt doesn't say where the object starts, how fast and large it is, or how bright the sky is: a model has to draw
these at random. What samples cover of them is compared with real clips of the same prompts, and so are other real
clips.
"""

import json
from functools import lru_cache
from time import process_time

import numpy as np

from minidit.evaluation.cases import SPLITS, batches, draw_cases, draw_real
from minidit.evaluation.intervals import percent
from minidit.evaluation.measure import make
from minidit.evaluation.variety import quantities, variety
from minidit.experiments.tables import all_of, markdown, number, verdict
from minidit.experiments.tasks import checkpoint_task
from minidit.figures.style import BLUE, INK, VERMILLION, charts, png_bytes, style
from minidit.generation.settings import SamplingSettings
from minidit.models.checkpoint import load_model

TITLE = "Expressiveness: the world's variety"
FILE = "expressiveness.png"
ALT = (
    "Histograms of what prompts leave open (the place where the object starts, its speed and size, the brightness of "
    "the sky), of generated and of real clips on top of each other, with the share of the real clips' bins that are "
    "covered."
)

# N = clips

CASES, REAL, MORE_REAL = 50, 51, 52  # streams of random numbers
PARTS, PROMPTS, QUICK_PROMPTS = 2, 250, 12
LEAST_COVERED = 0.9  # of what other real clips cover, for the claim to hold
KINDS = ("made", "real", "more_real")
WORDS = {
    "place": "place in the first frame", "x": "place, across", "y": "place, down", "speed": "distance travelled",
    "size": "radius", "brightness": "brightness of the sky",
}  # fmt: skip


def tasks(options):
    """Clips of the trained model and real ones, for both splits, in parts."""
    parts, prompts = (1, QUICK_PROMPTS) if options.quick else (PARTS, PROMPTS)
    return [
        checkpoint_task(options, f"expressiveness/{split}/part {part}", prompts, measure, split, [index, part])
        for index, split in enumerate(SPLITS)
        for part in range(parts)
    ]


def measure(checkpoint, prompts, split, key):
    """What is measured in generated clips and in two sets of real ones of the same combinations.

    Returns:
        a JSON-able dict: split; for each of KINDS a dict of lists, as of `minidit.evaluation.variety.quantities`, with
        None where there is nothing to measure; core_seconds.
    """
    begin = process_time()
    model = load_model(checkpoint)
    cases = draw_cases(SPLITS[split], prompts, np.random.default_rng([CASES, *key]))
    sampling = SamplingSettings().for_model(model.settings)
    rngs = {"real": np.random.default_rng([REAL, *key]), "more_real": np.random.default_rng([MORE_REAL, *key])}
    found = {kind: [] for kind in KINDS}
    for part in batches(cases):
        found["made"].append(quantities(make(model, part, sampling)))
        for kind, rng in rngs.items():
            found[kind].append(quantities(draw_real(part.attributes, rng, model.settings)))
    lists = {kind: {name: as_list([f[name] for f in parts]) for name in parts[0]} for kind, parts in found.items()}
    return {"split": split, **lists, "core_seconds": process_time() - begin}


def as_list(arrays):
    """Arrays of numbers as one list for JSON, which has no NaN."""
    return [None if np.isnan(value) else float(value) for value in np.concatenate(arrays)]


def pooled(measured, splits=tuple(SPLITS)):
    """kind -> name -> (N,) of all parts of these splits."""
    parts = [result for result in measured.values() if result["split"] in splits]
    return {
        kind: {name: np.array([v for p in parts for v in p[kind][name]], float) for name in parts[0][kind]}
        for kind in KINDS
    }


def compared(measured, splits=tuple(SPLITS)):
    """The `variety` of generated clips, and of other real ones, each against real clips.

    None where no generated clip shows an object.
    """
    return _compared(json.dumps(measured), splits)


@lru_cache(maxsize=8)  # sentences, tables and the figure ask for the same, and a bootstrap takes a while
def _compared(measured, splits):
    values = pooled(json.loads(measured), splits)
    if np.isnan(values["made"]["x"]).all():
        return None
    return variety(values["made"], values["real"]), variety(values["more_real"], values["real"])


def sentences(measured):
    """Whether the claim holds, in words."""
    if compared(measured) is None:
        return [f"{verdict(False, True)}: no generated clip shows an object."]
    made, control = compared(measured)
    covered = {name: made[name]["coverage"] / control[name]["coverage"] for name in made}
    short = [f"{WORDS[name]} ({percent(covered[name])} %)" for name in made if covered[name] < LEAST_COVERED]
    least = min(covered, key=covered.get)
    distances = {name: made[name]["ks"] for name in made if "ks" in made[name]}
    worst = max(distances, key=distances.get)
    uneven = [WORDS[name] for name in distances if made[name]["ks_interval"][0] > control[name]["ks_interval"][1]]
    said = "Partly confirmed" if uneven and not short else verdict(not short, bool(short))
    return [
        f"{said}: generated clips cover at least {percent(covered[least])} % of the bins that other real clips cover, "
        f"in the {len(covered)} quantities that prompts leave open (least: {WORDS[least]}).",
        *([f"Covered, but in other proportions than in real clips: {all_of(uneven)}."] if uneven else []),
        f"The largest distance between the distributions is that of {WORDS[worst]}: Kolmogorov-Smirnov "
        f"{number(distances[worst], made[worst]['ks_interval'])}; other real clips have "
        f"{number(control[worst]['ks'], control[worst]['ks_interval'])}.",
        *([f"Covered too little: {all_of(short)}."] if short else []),
    ]


def tables(measured):
    """A line for each quantity and split."""
    rows = []
    for splits, words in ((tuple(SPLITS), "all"), (("seen",), "seen"), (("held_out",), "held out")):
        made, control = compared(measured, splits) or ({}, {})
        for name, found in made.items():
            cells = [percent(each[name]["coverage"], each[name]["coverage_interval"]) for each in (made, control)]
            if "ks" in found:
                cells += [number(each[name]["ks"], each[name]["ks_interval"]) for each in (made, control)]
            rows.append([f"{WORDS[name]}, {words}", found["clips"], *cells, *["-"] * (4 - len(cells))])
    heads = ["quantity, combinations", "clips", "covered, generated, %", "covered, other real clips, %"]
    return [markdown([*heads, "KS distance, generated", "KS distance, other real clips"], rows)]


def note(measured):
    """How the numbers were measured."""
    return (
        "What prompts leave open is measured in generated clips and in an equal number of real clips of the same "
        "combinations. *Covered* is the share of the bins with a real clip in them that also hold one of the other "
        "clips: 12 bins for each quantity, 6 x 6 for the place. Other real clips don't cover all bins, either. The "
        "Kolmogorov-Smirnov (KS) distance is the largest difference between the cumulative distributions. Intervals, "
        "95 %, are by bootstrap over clips; those of *covered* err on the low side. The claim is confirmed if "
        f"generated clips cover at least {100 * LEAST_COVERED:.0f} % of what other real clips cover, for every "
        "quantity; partly confirmed if they do, but a KS distance is surely larger than that of other real clips."
    )


@style()
def draw(measured):
    """The bytes of the PNG: a histogram for each quantity, and the places."""
    values = pooled(measured)
    made, control = compared(measured) or ({}, {})
    names = [name for name in ("x", "y", "speed", "size", "brightness") if name in made]
    figure, axes = charts(2100, 560, 1, 1 + len(names), pads=(0.08, 0.08))
    first, *others = np.atleast_1d(axes)
    for kind, color in (("real", BLUE), ("made", VERMILLION)):
        first.plot(values[kind]["x"], values[kind]["y"], ".", color=color, markersize=2, alpha=0.6)
    first.invert_yaxis()
    first.set_aspect("equal")
    first.set_title(title_of("place", made, control) if made else "no objects", fontsize=8)
    first.set_xlabel("across")
    first.set_ylabel("down")
    for axes, name in zip(others, names, strict=True):
        shown = {kind: values[kind][name][~np.isnan(values[kind][name])] for kind in ("real", "made")}
        bins = np.histogram_bin_edges(np.concatenate(list(shown.values())), 16)
        axes.hist(shown["real"], bins, color=BLUE, alpha=0.35, label="real")
        axes.hist(shown["made"], bins, histtype="step", color=VERMILLION, linewidth=1.4, label="generated")
        axes.set_title(title_of(name, made, control), fontsize=8)
        axes.set_xlabel(WORDS[name])
    if others:
        others[-1].legend(fontsize=7, labelcolor=INK)
    return png_bytes(figure)


def title_of(name, made, control):
    """What is covered, above a chart."""
    return f"covered {percent(made[name]['coverage'])} %\n(other real clips {percent(control[name]['coverage'])} %)"
