"""Robustness: how much harm to weights, to starting noise and to input clips does prompt accuracy stand?"""

from dataclasses import asdict, dataclass
from time import process_time

import numpy as np

from minidit.evaluation.cases import batches, draw_cases, draw_real, with_next
from minidit.evaluation.intervals import percent
from minidit.evaluation.pixels import psnr
from minidit.evaluation.scores import judge
from minidit.experiments.decibels import MEANING, MEASURED, cells_of, median_loss, median_of, scored
from minidit.experiments.perturb import changed, half, lost, mixed, noisy, whole_numbers, with_noise
from minidit.experiments.tables import all_of, markdown, number, percent_of, verdict
from minidit.experiments.tally import difference, interval, mean_interval, moments, share, tally
from minidit.experiments.tasks import checkpoint_task
from minidit.figures.style import BLUE, GREEN, INK, bars_to, charts, percent_bars, png_bytes, style
from minidit.generation.canvas import Canvas, in_pixels
from minidit.generation.settings import SamplingSettings
from minidit.generation.text_to_video import NoiseOfEach, edited, generate, sample_latents, starting_noise
from minidit.models.checkpoint import load_model
from minidit.world import ALL_ATTRIBUTES, caption, verify_batch

TITLE = "Robustness: harm to weights, noise and input clips"
FILE = "robustness.png"
ALT = (
    "Two rows of charts, with 95 % intervals, against the kind and strength of harm: the share of right clips, and "
    "below it their median fidelity. Weights are rounded or noisy, starting noise is changed, and input clips of "
    "animate, inpaint and edit lose patches or gain noise."
)

# N = clips; F, H, W = frames, rows, columns in pixels; f, r, c = in latents

CASES, HARM, OTHER = 42, 43, 44  # streams of random numbers
PROMPTS, QUICK_PROMPTS = 200, 8
GREY = 0.5  # of lost patches, for an eye and for an edit
MOST_LOST, MOST_DECIBELS = 0.05, 1.0  # of right clips, and of their fidelity, for the claim to hold under mild harm
BEST_PSNR = 100  # dB, of equal clips: JSON has no infinity


@dataclass(frozen=True)
class Harm:
    """One way to harm one input.

    Attributes:
        what: "weights", "start", "animate", "inpaint" or "edit".
        how: its kind.
        amount: how much of it.
        mild: whether a robust model should hardly mind.
    """

    what: str
    how: str
    amount: float = 0.0
    mild: bool = False

    @property
    def label(self):
        """It in words, short."""
        return LABELS[self.how].format(self.amount, 100 * self.amount)


LABELS = {
    "none": "no harm",
    "float16": "float16",
    "whole": "int{0:.0f}",
    "noise": "noise of {1:g} %",
    "mixed": "moved by {0:g}",
    "scaled": "times {0:g}",
    "lost": "{1:.0f} % lost",
    "noisy": "noise of {0:g}",
}
WEIGHTS = [("none", 0, 0), ("float16", 0, 1), ("whole", 8, 1), ("whole", 6, 0), ("whole", 4, 0),
           ("noise", 0.01, 1), ("noise", 0.03, 0), ("noise", 0.1, 0), ("noise", 0.3, 0)]  # fmt: skip
START = [("none", 0, 0), ("mixed", 0.1, 1), ("mixed", 0.3, 0), ("mixed", 1, 0),
         ("scaled", 0.8, 0), ("scaled", 0.95, 1), ("scaled", 1.05, 1), ("scaled", 1.25, 0)]  # fmt: skip
INPUT = [("none", 0, 0), ("lost", 0.1, 1), ("lost", 0.25, 0), ("lost", 0.5, 0), ("lost", 0.75, 0), ("lost", 1, 0),
         ("noisy", 0.02, 1), ("noisy", 0.05, 0), ("noisy", 0.1, 0), ("noisy", 0.2, 0)]  # fmt: skip
HOLE = 0.5  # of the latents are missing anyway in `inpaint`, whatever the harm
KINDS = {"weights": WEIGHTS, "start": START, "animate": INPUT, "inpaint": INPUT, "edit": INPUT}
COMPLETED = ("animate", "inpaint", "edit")  # need a model that can complete and edit clips
TITLES = {
    "weights": "weights", "start": "starting noise", "animate": "animate: the first frame",
    "inpaint": "inpaint: what is left of the clip", "edit": "edit: the clip",
}  # fmt: skip


def harms(completes):
    """All of them, in order; without those that need a model which completes clips, if it doesn't."""
    return [
        Harm(what, how, amount, bool(mild))
        for what, kinds in KINDS.items()
        for how, amount, mild in kinds
        if completes or what not in COMPLETED
    ]


def tasks(options):
    """The trained model under each harm."""
    prompts = QUICK_PROMPTS if options.quick else PROMPTS
    chosen = [harm for harm in harms(options.completes) if harm.mild or harm.how == "none" or not options.quick]
    return [
        checkpoint_task(
            options, f"robustness/{harm.what}/{harm.label}", prompts, measure, harm,
            amount=harm.amount, measured=MEASURED,
        )  # fmt: skip
        for harm in chosen
    ]


def measure(checkpoint, prompts, harm):
    """How clips come out under one harm.

    Returns:
        a JSON-able dict: what, how, amount, label, mild; scores (a tally) and fidelity, see
        `minidit.experiments.decibels.scored`; control (a tally of the input clips as the verifier sees them, or None
        where there are none); psnr (moments, in dB, of the clips against those without
        harm, or None); core_seconds.
    """
    begin = process_time()
    model = load_model(checkpoint)
    cases = draw_cases(ALL_ATTRIBUTES, prompts, np.random.default_rng([CASES, prompts]))
    rng = np.random.default_rng(HARM)
    clips, asked, controls, psnrs = [], [], [], []
    for part in batches(cases):
        if harm.what in ("weights", "start"):
            made, unharmed = harmed_inside(model, harm, part, rng)
            psnrs.append(np.minimum(psnr(made, unharmed), BEST_PSNR))
            wanted = part.attributes
        else:
            made, seen, wanted = harmed_input(model, harm, part, rng)
            controls.append(judge(verify_batch(seen), wanted))
        clips.append(made)
        asked += wanted
    scores, fidelities = scored(np.concatenate(clips), asked)
    return {
        **asdict(harm),
        "label": harm.label,
        "scores": scores,
        "fidelity": fidelities,
        "control": tally(np.concatenate(controls)) if controls else None,
        "psnr": moments(np.concatenate(psnrs)) if psnrs else None,
        "core_seconds": process_time() - begin,
    }


def harmed_inside(model, harm, part, rng):
    """Clips (N, F, H, W, 3) made with harmed weights or starting noise, and the same clips without harm."""
    noise = starting_noise(model.settings.latent_shape, part.seeds)  # N, f, r, c, C
    unharmed = decoded(model, part, noise)
    if harm.how == "none":
        return unharmed, unharmed
    if harm.what == "start":
        return decoded(model, part, harmed_noise(harm, noise, part.seeds)), unharmed
    changes = {"float16": half, "whole": whole_numbers(harm.amount), "noise": noisy(harm.amount, rng)}
    return decoded(changed(model, changes[harm.how]), part, noise), unharmed


def harmed_noise(harm, noise, seeds):
    """Starting noise (N, f, r, c, C) that is scaled, or moved towards other noise."""
    if harm.how == "scaled":
        return noise * harm.amount
    other = np.stack([
        np.random.default_rng([OTHER, seed]).standard_normal(noise.shape[1:], dtype=np.float32) for seed in seeds
    ])  # N, f, r, c, C
    return mixed(noise, other, harm.amount)


def decoded(model, part, noise):
    """Clips of some cases from this noise, by the model's own settings of the sampler."""
    sampling = SamplingSettings().for_model(model.settings)
    return model.codec.decode(sample_latents(model, part.prompts, noise, sampling, NoiseOfEach(part.seeds)))


def harmed_input(model, harm, part, rng):
    """Clips made from harmed real ones; what an eye sees of the input; and the attributes asked for.

    Returns:
        made and seen, (N, F, H, W, 3) each, and N Attributes.
    """
    patch = model.settings.codec.patch
    real = draw_real(part.attributes, rng, model.settings)     # N, F, H, W, 3
    clips = with_noise(real, harm.amount, rng) if harm.how == "noisy" else real
    left = lost(clips, harm.amount if harm.how == "lost" else 0.0, rng, patch)  # N, f, r, c
    pixels = in_pixels(left, patch)[..., None]                 # N, F, H, W, 1
    grey = np.where(pixels, clips, np.float32(GREY))           # N, F, H, W, 3
    if harm.what == "edit":
        wanted = with_next(part.attributes)
        return edited(model, [caption(a) for a in wanted], grey), grey, wanted
    if harm.what == "animate":
        left[:, 1:] = False
        seen = real.copy()
        seen[:, :1] = grey[:, :1]
    else:
        left &= rng.random(left.shape) >= HOLE
        behind = real if harm.how == "noisy" else np.float32(GREY)
        seen = np.where(in_pixels(left, patch)[..., None], clips, behind)
    canvases = [Canvas(clip, known) for clip, known in zip(clips, left, strict=True)]
    return generate(model, part.prompts, part.seeds, canvases), seen, part.attributes


def by_what(measured):
    """what -> results, in the order of KINDS."""
    order = {(harm.what, harm.label): i for i, harm in enumerate(harms(True))}
    found = sorted(measured.values(), key=lambda result: order[result["what"], result["label"]])
    groups = {}
    for result in found:
        groups.setdefault(result["what"], []).append(result)
    return groups


def sentences(measured):
    """Whether the claim holds, in words: for each input under its mild harms, and which harms it feels."""
    said, verdicts, clear = [], [], []
    for what, results in by_what(measured).items():
        plain = results[0]["scores"]
        mild = [r for r in results if r["mild"]]
        worst = max(mild, key=lambda r: difference(plain, r["scores"])[0])
        lost_share, (low, high) = difference(plain, worst["scores"])
        verdicts.append((high < MOST_LOST, low > MOST_LOST))
        falls = {r["label"]: median_loss(results[0]["fidelity"], r["fidelity"], paired=True) for r in results[1:]}
        deepest, ends = max((falls[r["label"]] for r in mild), key=lambda fall: fall[0])
        clear.append(all(falls[r["label"]][1][1] < MOST_DECIBELS for r in mild))
        felt = [label for label, (_, (least, _)) in falls.items() if least > MOST_DECIBELS]
        limit = f"more than {MOST_DECIBELS:g} dB"
        which = f"{limit} is surely lost under {all_of(felt)}" if felt else f"no harm surely costs {limit}"
        broken = [r["label"] for r in results if share(r["scores"]) < share(plain) / 2]
        halved = f"Accuracy falls below half under {all_of(broken)}" if broken else "No harm brings it below half"
        said.append(
            f"{TITLES[what]}: {percent_of(plain)} % right without harm. Mild harm "
            f"({all_of([r['label'] for r in mild])}) costs at most {percent(lost_share, (low, high))} points. "
            f"{halved}. Fidelity is {number(*median_of(results[0]['fidelity']), 1)} dB without harm; mild harm costs "
            f"at most {number(deepest, ends, 2)} dB, and {which}."
        )
    overall = verdict(all(holds for holds, _ in verdicts), any(fails for _, fails in verdicts))
    if overall == "Confirmed" and not all(clear):
        overall = "Partly confirmed"
    return [
        f"{overall}: mild harm surely costs less than {100 * MOST_LOST:.0f} points of prompt accuracy for "
        f"{sum(holds for holds, _ in verdicts)} of {len(verdicts)} inputs, and less than {MOST_DECIBELS:g} dB of "
        f"fidelity for {sum(clear)} of them.",
        *said,
    ]


def tables(measured):
    """A table for each input."""
    found = []
    for what, results in by_what(measured).items():
        control = results[0]["control"] is not None
        last = "control: input clip, right, %" if control else "PSNR, dB"
        heads = [TITLES[what], "right, %", "strict, %", "fidelity, dB", "worst tenth, dB", last]
        rows = []
        for result in results:
            cells = [percent_of(result["scores"], name) for name in ("right", "strict")]
            cells += cells_of(result["fidelity"])
            rows.append([result["label"] + " (mild)" * result["mild"], *cells, last_cell(result)])
        found.append(markdown(heads, rows))
    return found


def last_cell(result):
    """For comparison: the input clip as it is read, or the distance to the clip without harm."""
    if result["control"] is not None:
        return percent_of(result["control"])
    return "-" if result["how"] == "none" else number(result["psnr"]["mean"], mean_interval(result["psnr"]), 1)


def note(measured):
    """How the numbers were measured."""
    clips = sum(next(iter(measured.values()))["scores"].values())
    left_out = [what for what in KINDS if what not in by_what(measured)]
    return (
        f"{clips} prompts, spread over all combinations, the same ones for every line. The weights of the DiT, the "
        "text encoder and the codec are rounded to float16, or to whole numbers with a scale for each output (biases "
        "stay). Noise on weights is relative to each tensor's standard deviation. Starting noise is moved towards "
        "other noise so that it stays standard normal (by 1: other noise altogether), or scaled so that it doesn't. "
        "PSNR is against the clips without harm. `animate` knows the first frame of a real clip, `inpaint` half of all "
        "patches of one, and `edit` starts from a whole one, with the prompt for the same clip in the next colour. "
        "Each patch of these is lost with the probability in the table, or normal noise of that standard deviation is "
        "added to pixels in [0, 1]. The control is what the verifier reads in the input clip itself, with lost patches "
        "in grey (`animate`: the other frames as in the real clip; noise in `inpaint`: missing patches as in the real "
        f"clip). {MEANING} Known parts stay in the result, with their noise, and fidelity counts it. Intervals of "
        "shares are Wilson's, and Newcombe's for differences; a loss of fidelity compares medians over the same "
        f"prompts. The claim is confirmed if every mild harm surely costs less than {100 * MOST_LOST:.0f} points and "
        f"less than {MOST_DECIBELS:g} dB, intervals included; partly confirmed if only the points are certain; refuted "
        "if a mild harm surely costs more points."
        + (f" Left out, as the model can't complete clips: {all_of(left_out)}." if left_out else "")
    )


@style()
def draw(measured):
    """The bytes of the PNG: two charts for each input."""
    groups = by_what(measured)
    figure, rows = charts(2100, 1450, 2, len(groups), pads=(0.08, 0.08), sharex="row", squeeze=False)
    for axes, below, (what, results) in zip(*rows, groups.items(), strict=True):
        y = np.arange(len(results))[::-1]
        shares, intervals = ([function(r["scores"]) for r in results] for function in (share, interval))
        percent_bars(axes, y, shares, intervals, across=True, fmt="o", color=BLUE, elinewidth=1, label="right")
        if results[0]["control"] is not None:
            controls = [100 * share(r["control"]) for r in results]
            axes.plot(controls, y, marker="x", color=INK, linestyle="none", label="control: the input clip")
            axes.legend(fontsize=7, loc="lower left", labelcolor=INK)
        medians, ends = zip(*(median_of(r["fidelity"]) for r in results), strict=True)
        below.errorbar(medians, y, xerr=bars_to(medians, ends), fmt="o", color=GREEN, elinewidth=1)
        below.axvline(medians[0], color=INK, linewidth=0.8, zorder=0.5)
        for chart in (axes, below):
            chart.set_yticks(y, [r["label"] for r in results], fontsize=8)
        axes.set_xlim(-3, 103)
        axes.set_title(TITLES[what], fontsize=9)
        axes.set_xlabel("right, %")
        below.set_xlabel("fidelity, dB (median)")
    return png_bytes(figure)
