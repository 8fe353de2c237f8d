"""Robustness: how much harm to weights, to starting noise and to given clips does prompt accuracy stand?"""

from dataclasses import dataclass
from time import process_time

import numpy as np

from minidit.evaluation.cases import batches, draw_cases, draw_real
from minidit.evaluation.pixels import psnr
from minidit.evaluation.scores import judge
from minidit.experiments.perturb import changed, half, lost, mixed, noisy, whole_numbers, with_noise
from minidit.experiments.tables import all_of, markdown, percent, verdict
from minidit.experiments.tally import difference, interval, mean_interval, moments, share, tally
from minidit.experiments.tasks import Task
from minidit.figures.style import BLUE, INK, png_bytes, sheet, style
from minidit.generation.canvas import Canvas, in_pixels
from minidit.generation.settings import SamplingSettings
from minidit.generation.text_to_video import generate, sample_latents, starting_noise
from minidit.models.checkpoint import load_model
from minidit.world import ALL_ATTRIBUTES, COLORS, caption, verify_batch

TITLE = "Robustness: harm to weights, noise and given clips"
FILE = "robustness.png"
ALT = (
    "Charts of the share of right clips, with 95 % intervals, against the kind and strength of harm: weights rounded "
    "or noisy, starting noise changed, and clips given to animate, inpaint and edit that lose patches or gain noise."
)

# N = clips; F, H, W = frames, rows, columns in pixels; f, r, c = in latents

CASES, HARM, OTHER = 42, 43, 44  # streams of random numbers
PROMPTS, QUICK_PROMPTS = 200, 8
STRENGTH = 0.8  # of an edit: enough to change a colour
GREY = 0.5  # of lost patches, for an eye and for an edit
MOST_LOST = 0.05  # of right clips, for the claim to hold under mild harm


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
GIVEN = [("none", 0, 0), ("lost", 0.1, 1), ("lost", 0.25, 0), ("lost", 0.5, 0), ("lost", 0.75, 0), ("lost", 1, 0),
         ("noisy", 0.02, 1), ("noisy", 0.05, 0), ("noisy", 0.1, 0), ("noisy", 0.2, 0)]  # fmt: skip
HOLE = 0.5  # of the latents are missing anyway in `inpaint`, whatever the harm
KINDS = {"weights": WEIGHTS, "start": START, "animate": GIVEN, "inpaint": GIVEN, "edit": GIVEN}
NEED_MARKS = ("animate", "inpaint")
TITLES = {
    "weights": "weights", "start": "starting noise", "animate": "animate: the first frame",
    "inpaint": "inpaint: what is left of the clip", "edit": f"edit (strength {STRENGTH:g}): the clip",
}  # fmt: skip


def harms(marks):
    """All of them, in order; without marks those that the model can take."""
    return [
        Harm(what, how, amount, bool(mild))
        for what, kinds in KINDS.items()
        for how, amount, mild in kinds
        if marks or what not in NEED_MARKS
    ]


def tasks(options):
    """The trained model under each harm."""
    prompts = QUICK_PROMPTS if options.quick else PROMPTS
    chosen = [harm for harm in harms(options.marks) if harm.mild or harm.how == "none" or not options.quick]
    return [
        Task(
            f"robustness/{harm.what}/{harm.label}",
            {"checkpoint": options.fingerprint, "prompts": prompts, "amount": harm.amount},
            measure,
            (options.checkpoint, harm, prompts),
            cost=0.01 * prompts,
        )
        for harm in chosen
    ]


def measure(checkpoint, harm, prompts):
    """What clips come out like under one harm.

    Returns:
        a JSON-able dict: what, how, amount, label, mild; scores (a tally); control (a tally of the given clips as the
        verifier sees them, or None where none are given); psnr (moments, in dB, of the clips against those without
        harm, or None); core_seconds.
    """
    begin = process_time()
    model = load_model(checkpoint)
    cases = draw_cases(ALL_ATTRIBUTES, prompts, np.random.default_rng([CASES, prompts]))
    rng = np.random.default_rng(HARM)
    scores, controls, psnrs = [], [], []
    for part in batches(cases):
        if harm.what in ("weights", "start"):
            made, near = harmed_inside(model, harm, part, rng)
            psnrs.append(near)
            wanted = part.attributes
        else:
            made, seen, wanted = harmed_input(model, harm, part, rng)
            controls.append(judge(verify_batch(seen), wanted))
        scores.append(judge(verify_batch(made), wanted))
    return {
        "what": harm.what,
        "how": harm.how,
        "amount": harm.amount,
        "label": harm.label,
        "mild": harm.mild,
        "scores": tally(np.concatenate(scores)),
        "control": tally(np.concatenate(controls)) if controls else None,
        "psnr": moments(np.concatenate(psnrs)) if psnrs else None,
        "core_seconds": process_time() - begin,
    }


def harmed_inside(model, harm, part, rng):
    """Clips (N, F, H, W, 3) made with harmed weights or starting noise, and their PSNR (N,) in dB to unharmed ones."""
    noise = starting_noise(model.settings.latent_shape, part.seeds)  # N, f, r, c, C
    unharmed = decoded(model, part, noise)
    if harm.how == "none":
        return unharmed, psnr_of(unharmed, unharmed)
    if harm.what == "start":
        return (made := decoded(model, part, harmed_noise(harm, noise, part.seeds))), psnr_of(made, unharmed)
    changes = {"float16": half, "whole": whole_numbers(harm.amount), "noise": noisy(harm.amount, rng)}
    made = decoded(changed(model, changes[harm.how]), part, noise)
    return made, psnr_of(made, unharmed)


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
    return model.codec.decode(sample_latents(model, part.prompts, noise, SamplingSettings().for_model(model.settings)))


def psnr_of(clips, others):
    """Peak signal-to-noise ratio (N,) in dB, at most 100, which stands for equal clips."""
    return np.minimum(psnr(clips, others), 100)


def harmed_input(model, harm, part, rng):
    """Clips made from harmed real ones; what an eye sees of these; and the attributes asked for.

    Returns:
        made and seen, (N, F, H, W, 3) each, and N Attributes.
    """
    patch = model.settings.codec.patch
    real = draw_real(part.attributes, rng, model.settings)     # N, F, H, W, 3
    clips = with_noise(real, harm.amount, rng) if harm.how == "noisy" else real
    left = lost(clips, harm.amount if harm.how == "lost" else 0.0, rng, patch)  # N, f, r, c
    pixels = in_pixels(left, patch)[..., None]                 # N, F, H, W, 1
    grey = np.where(pixels, clips, np.float32(GREY))           # N, F, H, W, 3
    wanted, prompts, start = part.attributes, part.prompts, 0.0
    if harm.what == "edit":
        wanted = [a._replace(color=COLORS[(COLORS.index(a.color) + 1) % len(COLORS)]) for a in part.attributes]
        prompts, start, seen = [caption(a) for a in wanted], 1 - STRENGTH, grey
        clips, left = grey, np.zeros_like(left)
    elif harm.what == "animate":
        left[:, 1:] = False
        seen = real.copy()
        seen[:, :1] = grey[:, :1]
    else:
        left &= ~lost_anyway(left.shape, rng)
        behind = real if harm.how == "noisy" else np.float32(GREY)
        seen = np.where(in_pixels(left, patch)[..., None], clips, behind)
    canvases = [Canvas(clip, known) for clip, known in zip(clips, left, strict=True)]
    return generate(model, prompts, part.seeds, canvases, start=start), seen, wanted


def lost_anyway(shape, rng):
    """Which latents are missing in `inpaint` without any harm: (N, f, r, c) bool."""
    return rng.random(shape) < HOLE


def by_what(measured):
    """what -> results, in the order of KINDS."""
    order = {(harm.what, harm.label): i for i, harm in enumerate(harms(True))}
    found = sorted(measured.values(), key=lambda result: order[result["what"], result["label"]])
    groups = {}
    for result in found:
        groups.setdefault(result["what"], []).append(result)
    return groups


def sentences(measured):
    """Whether the claim holds, in words: for each input under its mild harms, and how much it takes to halve it."""
    said, verdicts = [], []
    for what, results in by_what(measured).items():
        plain = results[0]["scores"]
        mild = [r for r in results if r["mild"]]
        worst = max(mild, key=lambda r: difference(plain, r["scores"])[0])
        lost_share, (low, high) = difference(plain, worst["scores"])
        verdicts.append((high < MOST_LOST, low > MOST_LOST))
        broken = [r["label"] for r in results if share(r["scores"]) < share(plain) / 2]
        halved = f"halved by {all_of(broken)}" if broken else "halved by none of the harms"
        said.append(
            f"{TITLES[what]}: {percent(share(plain), interval(plain))} % right without harm; under mild harm "
            f"({all_of([r['label'] for r in mild])}) at worst {100 * lost_share:.1f} [{100 * low:.1f}, "
            f"{100 * high:.1f}] points fewer; {halved}."
        )
    overall = verdict(all(holds for holds, _ in verdicts), any(fails for _, fails in verdicts))
    return [
        f"{overall} in this world: that mild harm costs less than {100 * MOST_LOST:.0f} points of prompt accuracy, "
        f"whatever is harmed, is sure for {sum(holds for holds, _ in verdicts)} of {len(verdicts)} inputs.",
        *said,
    ]


def tables(measured):
    """A table for each input."""
    found = []
    for what, results in by_what(measured).items():
        control = results[0]["control"] is not None
        heads = [TITLES[what], "right, %", "strict, %", "control: given clip, right, %" if control else "PSNR, dB"]
        rows = []
        for result in results:
            scores = result["scores"]
            cells = [percent(share(scores, name), interval(scores, name)) for name in ("right", "strict")]
            rows.append([result["label"] + " (mild)" * result["mild"], *cells, last_cell(result)])
        found.append(markdown(heads, rows))
    return found


def last_cell(result):
    """What there is to compare with: the given clip as it is read, or the distance to the clip without harm."""
    if result["control"] is not None:
        return percent(share(result["control"]), interval(result["control"]))
    if result["how"] == "none":
        return "-"
    low, high = mean_interval(result["psnr"])
    return f"{result['psnr']['mean']:.1f} [{low:.1f}, {high:.1f}]"


def note(measured):
    """How the numbers came about."""
    clips = sum(next(iter(measured.values()))["scores"].values())
    left_out = [what for what in KINDS if what not in by_what(measured)]
    return (
        f"{clips} prompts, spread over all combinations, the same ones for every line. Weights of the DiT, the text "
        "encoder and the codec are rounded to float16, or to whole numbers with a scale for each output (biases stay); "
        "noise is relative to each tensor's standard deviation. Starting noise is moved towards other noise so that it "
        "stays standard normal (by 1: to other noise altogether), or scaled so that it doesn't. PSNR is that to the "
        "clips without harm. `animate` is given the first frame of a real clip, `inpaint` half of all patches of one, "
        "`edit` a whole one, with the prompt for the same clip in the next colour; of these each patch is lost with "
        "the given probability, or normal noise of the given standard deviation is added to pixels in [0, 1]. The "
        "control is what the verifier reads in the given clip itself, lost patches grey (`animate`: the other frames "
        "as in the real clip; noise in `inpaint`: missing patches as in the real clip); what is given stays in the "
        "result, with its noise. Intervals, 95 %: Wilson's, and Newcombe's of differences. The claim holds if every "
        f"mild harm surely costs less than {100 * MOST_LOST:.0f} points, intervals included."
        + (f" Left out, as the model can't complete clips: {all_of(left_out)}." if left_out else "")
    )


@style()
def draw(measured):
    """The bytes of the PNG: a chart for each input."""
    groups = by_what(measured)
    figure = sheet(2100, 780)
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
    charts = np.atleast_1d(figure.subplots(1, len(groups), sharex=True))
    for axes, (what, results) in zip(charts, groups.items(), strict=True):
        y = np.arange(len(results))[::-1]
        values = np.array([share(r["scores"]) for r in results])
        low, high = np.array([interval(r["scores"]) for r in results]).T
        errors = 100 * np.array([values - low, high - values]).clip(0)
        axes.errorbar(100 * values, y, xerr=errors, fmt="o", color=BLUE, elinewidth=1, label="right")
        if results[0]["control"] is not None:
            controls = [100 * share(r["control"]) for r in results]
            axes.plot(controls, y, marker="x", color=INK, linestyle="none", label="control: the given clip")
            axes.legend(fontsize=7, loc="lower left", labelcolor=INK)
        axes.set_yticks(y, [r["label"] for r in results], fontsize=8)
        axes.set_xlim(-3, 103)
        axes.set_title(TITLES[what], fontsize=9)
        axes.set_xlabel("right, %")
    return png_bytes(figure)
