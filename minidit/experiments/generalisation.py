"""Generalisation: does a model compose what it never saw together, and does it make new clips or copies?

The trained model is asked for seen and for held-out combinations, and small models are trained on fewer combinations
than it was. Attributes are composed independently if the share of clips with all four right is the product of the
attributes' own shares (Okawa et al. 2023, "Compositional abilities emerge multiplicatively").
"""

from dataclasses import replace
from time import process_time

import numpy as np

from minidit.evaluation.cases import SPLITS, batches, draw_cases, draw_real, training_clips
from minidit.evaluation.intervals import percent
from minidit.evaluation.measure import make, nearest_distances
from minidit.evaluation.scores import NAMES
from minidit.experiments.decibels import MEANING, MEASURED, cells_of, joined, median_loss, median_of, scored
from minidit.experiments.small import asked, small_settings, stops_of, train, training_task
from minidit.experiments.tables import markdown, number, percent_of, verdict
from minidit.experiments.tally import (
    difference,
    interval,
    joint_beside_product,
    mean_interval,
    merged,
    merged_moments,
    moments,
    product_of_shares,
    share,
)
from minidit.experiments.tasks import checkpoint_task
from minidit.figures.style import BLUE, GREEN, INK, VERMILLION, charts, percent_bars, png_bytes, style
from minidit.generation.settings import SamplingSettings
from minidit.models.checkpoint import load_model
from minidit.training.settings import DiffusionTraining
from minidit.world import ALL_ATTRIBUTES, HELD_OUT, SEEN
from minidit.world.split import first_seen

TITLE = "Generalisation: combinations never seen"
FILE = "generalisation.png"
ALT = (
    "Three charts. Left: the share of the trained model's clips in which each attribute is right, and all four, for "
    "seen and held-out combinations. Middle: the same on combinations never seen, for small models, against how many "
    "combinations they were trained on. Right: distance to the nearest training clip, of generated and of real clips."
)

TRAINED = "generalisation/trained/"
CASES, REAL = 45, 46  # streams of random numbers
MOST_LOST, MOST_DECIBELS = 0.10, 1.0  # from seen to held-out combinations, for the claim to hold: of right; in dB
NEAR_COPY = 0.8  # of real clips' distance to the nearest training clip: nearer than that are copies
PARTS, PROMPTS = 2, 250  # of the trained model: repetitions, and prompts of each split in each
COUNTS = (27, 54, 107, 214, len(SEEN))  # combinations that small models see
TRAINING = DiffusionTraining(steps=3600, batch=32, time_mean=-1.6)
SMALL_PROMPTS = 300  # of each kind, for each small model
STATES_WRITTEN = 4


def tasks(options):
    """The trained model on both splits, and a short training for each number of combinations and seed."""
    parts, prompts, counts, training, asked = PARTS, PROMPTS, COUNTS, TRAINING, SMALL_PROMPTS
    settings = small_settings(96, 3, 3, (8, 1, 1))
    if options.quick:
        parts, prompts, counts, training, asked = 1, 12, (27, len(SEEN)), replace(TRAINING, steps=4, batch=8), 12
        settings = small_settings(16, 1, 2, (8, 2, 2))
    trained = [
        checkpoint_task(
            options, f"{TRAINED}{split}/part {part}", prompts, measure_trained, split, [0, index, part],
            measured=MEASURED,
        )  # fmt: skip
        for index, split in enumerate(SPLITS)
        for part in range(parts)
    ]
    return trained + [
        training_task(
            options,
            f"generalisation/{count} combinations/seed {seed}",
            settings,
            replace(training, combinations=count),
            seed,
            measure_small,
            (asked,),
            {"prompts": asked},
        )
        for count in counts
        for seed in range(options.seeds)
    ]


def measure_trained(checkpoint, prompts, split, key):
    """Asks the trained model for clips of a split.

    Returns:
        a JSON-able dict: split; made and fidelity (see `minidit.experiments.decibels.scored`); nearest (moments of the
        distance to the nearest training clip, of made and of real clips; None for held-out combinations);
        core_seconds.
    """
    begin = process_time()
    model = load_model(checkpoint)
    sampling = SamplingSettings().for_model(model.settings)
    cases = draw_cases(SPLITS[split], prompts, np.random.default_rng([CASES, *key]))
    rng = np.random.default_rng([REAL, *key])
    made, nearest = [], {"made": [], "real": []}
    for part in batches(cases):
        made.append(make(model, part, sampling))               # n, F, H, W, 3
        if split == "seen":
            pools = {a: training_clips(a, 0, model.settings) for a in dict.fromkeys(part.attributes)}
            for kind, clips in (("made", made[-1]), ("real", draw_real(part.attributes, rng, model.settings))):
                nearest[kind].append(nearest_distances(clips, part.attributes, pools))
    counts, fidelities = scored(np.concatenate(made), cases.attributes)
    return {
        "split": split,
        "made": counts,
        "fidelity": fidelities,
        "nearest": {kind: moments(np.concatenate(n)) for kind, n in nearest.items()} if split == "seen" else None,
        "core_seconds": process_time() - begin,
    }


def measure_small(settings, training, seed, codec, state, prompts):
    """Trains a small model on some combinations: combinations, steps, core_seconds, and see `asked`: seen, unseen."""
    model, _, seconds = train(settings, training, seed, codec, state, stops_of(training.steps, STATES_WRITTEN))
    begin = process_time()
    seen = first_seen(training.combinations)
    return {
        "combinations": len(seen),
        "steps": training.steps,
        **asked(model, {"seen": seen, "unseen": HELD_OUT}, prompts, seed, 2),
        "core_seconds": seconds + process_time() - begin,
    }


def trained_model(measured):
    """What the trained model's clips are like: three dicts.

    Returns:
        split -> tally; split -> fidelities; kind -> moments of the distance to the nearest training clip.
    """
    parts = [result for name, result in measured.items() if name.startswith(TRAINED)]
    tallies = {split: merged(part["made"] for part in parts if part["split"] == split) for split in SPLITS}
    fidelities = {split: joined(part["fidelity"] for part in parts if part["split"] == split) for split in SPLITS}
    seen = [part["nearest"] for part in parts if part["split"] == "seen"]
    return tallies, fidelities, {kind: merged_moments([nearest[kind] for nearest in seen]) for kind in ("made", "real")}


def small_models(measured):
    """(number of combinations, tally of seen, of unseen, fidelities of unseen) of the short trainings, the fewest
    combinations first."""
    runs = [result for name, result in measured.items() if not name.startswith(TRAINED)]
    counts = sorted({run["combinations"] for run in runs})
    found = {count: [run for run in runs if run["combinations"] == count] for count in counts}
    return [
        (count, *(merged(run[kind] for run in same) for kind in ("seen", "unseen")),
         joined(run["fidelity"]["unseen"] for run in same))
        for count, same in found.items()
    ]  # fmt: skip


def sentences(measured):
    """Whether the claim holds, in words."""
    tallies, fidelities, nearest = trained_model(measured)
    seen, held_out = tallies["seen"], tallies["held_out"]
    lost, (low, high) = difference(seen, held_out)
    fall, (least, most) = median_loss(fidelities["seen"], fidelities["held_out"])
    said = verdict(high < MOST_LOST and most < MOST_DECIBELS, low > MOST_LOST or least > MOST_DECIBELS)
    extra, extra_interval = joint_beside_product(held_out)
    models = small_models(measured)
    (few, _, of_few, few_dB), (many, _, of_many, many_dB) = models[0], models[-1]
    grows = "grows" if interval(of_many)[0] > interval(of_few)[1] else "does not surely grow"
    copies = nearest["made"]["mean"] < NEAR_COPY * nearest["real"]["mean"]
    return [
        f"{said}: {percent_of(held_out)} % of the clips of held-out combinations are right, and {percent_of(seen)} % "
        f"of seen ones, a loss of {percent(lost, (low, high))} points. Their fidelity is "
        f"{number(*median_of(fidelities['held_out']), 1)} dB and {number(*median_of(fidelities['seen']), 1)} dB, "
        f"a loss of {number(fall, (least, most), 2)} dB.",
        f"On held-out combinations, all four attributes are right in {percent(share(held_out, 'joint'))} % of the "
        f"clips. The product of their own shares is {percent(product_of_shares(held_out))} %, a difference of "
        f"{percent(extra, extra_interval)} points: {composition(extra_interval)}.",
        f"With more combinations in training, the share of unseen combinations that a small model gets right {grows}: "
        f"from {percent_of(of_few)} % after {few} of {len(ALL_ATTRIBUTES)} combinations to {percent_of(of_many)} % "
        f"after {many}. Its fidelity there goes from {number(*median_of(few_dB), 1)} to "
        f"{number(*median_of(many_dB), 1)} dB.",
        f"Generated clips are {'copies' if copies else 'not copies'}: their distance to the nearest training clip is "
        f"{number(nearest['made']['mean'], mean_interval(nearest['made']))}, that of fresh real clips "
        f"{number(nearest['real']['mean'], mean_interval(nearest['real']))}.",
    ]


def composition(extra_interval):
    """What a difference between joint share and product says, in words."""
    if extra_interval[0] > 0:
        return "attributes fail together in the same clips"
    if extra_interval[1] < 0:
        return "a combination is harder than its attributes by themselves"
    return "attributes fail independently of each other"


def tables(measured):
    """The trained model attribute by attribute, the short trainings, and the nearest training clips."""
    tallies, fidelities, nearest = trained_model(measured)
    decibels = ["fidelity, dB", "worst tenth, dB"]
    heads = ["right, %", *(f"{name}, %" for name in NAMES), "all four, %", "product, %", "all four - product, points"]
    trained = [
        [split.replace("_", " "), *attribute_cells(tallies[split]), *cells_of(fidelities[split])] for split in SPLITS
    ]
    small = [
        [f"{count} ({count / len(ALL_ATTRIBUTES):.0%})", percent_of(seen), *attribute_cells(unseen), *cells_of(values)]
        for count, seen, unseen, values in small_models(measured)
    ]
    distances = [
        [words, number(found["mean"], mean_interval(found), 4), f"{found['least']:.4f}", found["count"]]
        for found, words in ((nearest["made"], "generated"), (nearest["real"], "fresh real clips"))
    ]
    return [
        markdown(["the trained model on combinations", *heads, *decibels], trained),
        markdown(
            ["small models that saw", "right, of these, %", "right, of 54 never seen, %", *heads[1:], *decibels], small
        ),
        markdown(["distance to the nearest training clip", "mean", "least", "clips"], distances),
    ]


def attribute_cells(counts):
    """The cells of one tally: right, each attribute, all four, their product, and the difference."""
    shares = [percent_of(counts, name) for name in ("right", *NAMES, "joint")]
    return [*shares, percent(product_of_shares(counts)), percent(*joint_beside_product(counts))]


def note(measured):
    """How the numbers were measured."""
    run = next(run for name, run in measured.items() if not name.startswith(TRAINED))
    return (
        "*Right* also asks for the whole object, *all four* does not. The small models were trained for "
        f"{run['steps']:,} steps with the same settings and codec, on combinations chosen by the rule in "
        "`minidit/world/split.py`. All are asked for the same 54 combinations, which none of them saw. Distance is the "
        "root mean squared pixel error to the nearest of 6 clips of the same combination, drawn as training draws "
        "them. Intervals are 95 %: Wilson's for shares, Newcombe's for their differences, bootstrap over clips beside "
        f"the product. {MEANING} For small models it is that on combinations never seen. The claim is confirmed if "
        f"the trained model surely loses less than {100 * MOST_LOST:.0f} points and {MOST_DECIBELS:g} dB of median "
        "fidelity from seen to held-out combinations, and refuted if it surely loses more of either. Clips count as "
        f"copies below {NEAR_COPY:g} times the distance of real ones."
    )


LINES = (("joint", INK, "all four"), ("color", BLUE, "color"), ("shape", VERMILLION, "shape"),
         ("motion", GREEN, "motion"))  # fmt: skip


@style()
def draw(measured):
    """The bytes of the PNG."""
    figure, (left, middle, right) = charts(1950, 720, 1, 3, width_ratios=(1.2, 1.2, 0.6))
    tallies, _, nearest = trained_model(measured)
    names = [*NAMES, "joint"]
    for offset, (split, color, words) in enumerate((("seen", BLUE, "seen"), ("held_out", VERMILLION, "held out"))):
        with_intervals(left, np.arange(5) + 0.2 * offset - 0.1, [(tallies[split], n) for n in names], color, "o", words)
        product = 100 * product_of_shares(tallies[split])
        left.plot([4 + 0.2 * offset - 0.1], [product], marker="_", markersize=14, color=INK, linestyle="none")
    left.plot([], [], marker="_", color=INK, linestyle="none", label="product of the four")
    left.set_xticks(range(5), [*NAMES, "all four"])
    left.set_title("the trained model: attributes right, %")
    left.legend(labelcolor=INK)

    models = small_models(measured)
    counts = [count for count, *_ in models]
    for name, color, words in LINES:
        with_intervals(middle, counts, [(unseen, name) for _, _, unseen, _ in models], color, "o-", words)
    products = [100 * product_of_shares(unseen) for _, _, unseen, _ in models]
    middle.plot(counts, products, color=INK, linestyle="--", linewidth=1, label="product of the four")
    middle.set_xscale("log")
    middle.set_xticks(counts, [str(count) for count in counts])
    middle.minorticks_off()
    middle.set_xlabel(f"combinations seen in training, of {len(ALL_ATTRIBUTES)}")
    middle.set_title("small models: right on combinations never seen, %")
    middle.set_ylim(0, 102)
    middle.legend(labelcolor=INK, fontsize=8)

    for index, kind in enumerate(("made", "real")):
        mean, (low, high) = nearest[kind]["mean"], mean_interval(nearest[kind])
        right.errorbar([index], [mean], [[mean - low], [high - mean]], fmt="o", color=(VERMILLION, BLUE)[index])
    right.set_xticks((0, 1), ("generated", "real"))
    right.set_xlim(-0.6, 1.6)
    right.set_ylim(0, None)
    right.set_title("nearest training clip")
    right.set_ylabel("root mean squared pixel error")
    return png_bytes(figure)


def with_intervals(axes, x, tallies, color, look, label):
    """Draws shares in percent with their intervals; tallies is a list of (tally, name of the share)."""
    shares, intervals = [share(*t) for t in tallies], [interval(*t) for t in tallies]
    percent_bars(axes, x, shares, intervals, fmt=look, color=color, label=label, elinewidth=1, linewidth=1.2)
