"""How prompts hold up that no caption is like: other sentences, synonyms, and attributes left out.

What a prompt names must be shown. What it leaves out must vary as it does in the world, where every value is as likely
as any other: many clips are made of each of a few prompts, and the entropy of what they show is compared with that.
"""

import numpy as np
from tqdm import tqdm

from minidit.errors import UserError, as_whole
from minidit.evaluation.cases import SPLITS, Cases, batches, spread
from minidit.evaluation.intervals import percent, wilson_interval
from minidit.evaluation.measure import make
from minidit.evaluation.scores import NAMES
from minidit.generation.settings import SamplingSettings
from minidit.world import ALL_ATTRIBUTES, lexicon, verify_batch
from minidit.world.attributes import NAMES as VALUES
from minidit.world.prompts import KINDS

WORDINGS = 18  # a stream of random numbers beside those of `minidit.evaluation.cases`

# Sentences of the captions' words that no caption is: a model must never be trained on them.
OUTSIDE = (
    "in a {sky} sky there is a {color} {shape} moving {motion}",
    "a {sky} sky and a {color} {shape} that drifts {motion}",
    "the {color} {shape} moves {motion} across the {sky} sky",
    "a {color} {shape} goes {motion} and the sky is {sky}",
)
OUTSIDE_STILL = (
    "in a {sky} sky there is a {color} {shape} staying {motion}",
    "a {sky} sky and a {color} {shape} that stays {motion}",
    "the {color} {shape} stays {motion} across the {sky} sky",
    "a {color} {shape} hangs {motion} and the sky is {sky}",
)
# What is left out -> a sentence without it.
WITHOUT = {
    "color": "a {shape} {verb} {motion} in the {sky} sky",
    "shape": "something {color} {verb} {motion} in the {sky} sky",
    "motion": "a {color} {shape} in the {sky} sky",
    "sky": "a {color} {shape} {verb} {motion}",
    "all but the shape": "a {shape}",
}
LEFT_OUT = {name: (name,) for name in NAMES} | {"all but the shape": ("color", "motion", "sky")}
REPEATED = 5  # prompts with an attribute left out; clips are divided among them


def measure_wordings(model, prompts=200, seed=0, steps=None, guidance=None, progress=True):
    """Measures how a model answers prompts that its captions are not like.

    Args:
        model: VideoModel.
        prompts: clips for each kind of prompt.
        seed: what all random numbers follow from.
        steps, guidance: of the sampler; by default the model's own settings.
        progress: show a bar on standard error.
    Returns:
        dict ready for JSON. For each kind of prompt a dict with "right", the share of whole clips that show all that is
        named, "right_interval" (95 %, Wilson) and "clips": `outside_seen` and `outside_held_out`, other sentences of
        the same words; `synonyms`, sentences with words of the lexicon; `without_color`, `without_shape`,
        `without_motion`, `without_sky` and `without_all but the shape`. These also have "entropy": for each attribute
        left out, that of what the clips of one prompt show, as a share of the world's, mean over the prompts.
    Raises:
        UserError: fewer than 20 prompts, or as for `evaluate`.
    """
    if (as_whole(prompts) or 0) < 4 * REPEATED:
        raise UserError(f"the number of prompts was {prompts}: give a whole number of at least {4 * REPEATED}.")
    sampling = SamplingSettings(steps, guidance).for_model(model.settings)
    drawn = kinds(int(prompts), seed)
    report = {}
    with tqdm(total=sum(len(cases.prompts) for cases in drawn.values()), unit="clip", disable=not progress) as bar:
        for kind, cases in drawn.items():
            readings = []
            for part in batches(cases):
                readings += verify_batch(make(model, part, sampling))
                bar.update(len(part.prompts))
            report[kind] = scores(readings, cases, LEFT_OUT.get(kind.removeprefix("without_"), ()))
    return report


def kinds(count, seed):
    """The Cases of each kind of prompt: kind -> Cases."""
    drawn = {}
    for split, combinations in SPLITS.items():
        drawn[f"outside_{split}"] = _cases(combinations, count, outside, seed, len(drawn))
    drawn["synonyms"] = _cases(ALL_ATTRIBUTES, count, with_synonyms, seed, len(drawn))
    for case in WITHOUT:
        rng = np.random.default_rng([seed, WORDINGS, len(drawn)])
        asked = [ALL_ATTRIBUTES[i] for i in rng.choice(len(ALL_ATTRIBUTES), REPEATED, replace=False)]
        attributes = [asked[n % REPEATED] for n in range(count)]
        named = [a._replace(**dict.fromkeys(LEFT_OUT[case])) for a in attributes]
        seeds = 2 * rng.integers(2**31, size=count)             # N
        drawn[f"without_{case}"] = Cases(named, [without(a, case) for a in attributes], seeds.tolist())
    return drawn


def _cases(combinations, count, worded, seed, number):
    rng = np.random.default_rng([seed, WORDINGS, number])
    attributes = spread(combinations, count, rng)
    sentences = [worded(a, rng) for a in attributes]
    return Cases(attributes, sentences, (2 * rng.integers(2**31, size=count)).tolist())


def outside(attributes, rng):
    """A sentence that no caption is."""
    sentences = OUTSIDE_STILL if attributes.motion == "still" else OUTSIDE
    return sentences[rng.integers(len(sentences))].format(**attributes._asdict())


def with_synonyms(attributes, rng):
    """A sentence in which every attribute is named by a word of the lexicon, and said in capitals or not."""
    words = {}
    for name, value in attributes._asdict().items():
        known = [phrase for phrase, meaning in lexicon.MEANINGS.items() if meaning == (value,)]
        other = [" ".join(phrase) for phrase in known if not KINDS.keys() & phrase]
        words[name] = other[rng.integers(len(other))]
    verb = "is" if attributes.motion == "still" else "travels"
    sentence = "A {color} {shape} {verb} {motion}, {sky}!".format(verb=verb, **words)
    return sentence.upper() if rng.random() < 0.2 else sentence


def without(attributes, case):
    """A sentence that leaves out what LEFT_OUT tells for this case."""
    verb = "stays" if attributes.motion == "still" else "moves"
    return WITHOUT[case].format(verb=verb, **attributes._asdict())


def scores(readings, cases, left_out=()):
    """One entry of the report of `measure_wordings`.

    Args:
        readings: N Readings. cases: Cases, the attributes None where nothing is named.
        left_out: the names of the attributes left out.
    """
    pairs = list(zip(readings, cases.attributes, strict=True))
    good = sum(reading.whole and reading.shape is not None and shows(reading, wanted) for reading, wanted in pairs)
    result = {"right": good / len(pairs), "right_interval": wilson_interval(good, len(pairs)), "clips": len(pairs)}
    if left_out:
        result["entropy"] = {}
        for name in left_out:
            of_prompt = {}
            for reading, prompt in zip(readings, cases.prompts, strict=True):
                of_prompt.setdefault(prompt, []).append(getattr(reading, name))
            each = [relative_entropy(shown, VALUES[name]) for shown in of_prompt.values()]
            result["entropy"][name] = sum(each) / len(each)
    return result


def shows(reading, wanted):
    """Is every attribute that is named, not None, read as wanted?"""
    return all(asked in (None, shown) for asked, shown in zip(wanted, reading.attributes, strict=True))


def relative_entropy(shown, values):
    """Entropy of what was shown, as a share of that of all values equally often: 0 for always the same, 1 for evenly.

    Args:
        shown: one of the values for each clip; others, such as None, count as no variety.
        values: those that the world has.
    Source: Miller 1955, whose correction is added, as few clips show less than their share of rare values.
    """
    counts = np.array([shown.count(value) for value in values])
    counts = counts[counts > 0]
    if not counts.size:
        return 0.0
    shares = counts / counts.sum()
    entropy = -(shares * np.log(shares)).sum() + (counts.size - 1) / (2 * counts.sum())
    return float(min(1.0, entropy / np.log(len(values)))) * float(counts.sum() / len(shown))


def wordings_table(report):
    """The result of `measure_wordings` as lines of text to read."""
    lines = [f"{'prompts':<28}{'right %':>22}   entropy of what is left out, % of the world's"]
    for kind, scored in report.items():
        right = percent(scored["right"], scored["right_interval"])
        entropy = ", ".join(f"{name} {100 * share:.0f}" for name, share in scored.get("entropy", {}).items())
        lines.append(f"{kind.replace('_', ' '):<28}{right:>22}   {entropy}".rstrip())
    return "\n".join(lines)
