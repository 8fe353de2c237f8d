"""What an evaluation asks a model for, and the real clips that it is compared with.

Prompts are spread evenly over the combinations of a split. All random numbers follow from one seed, in streams of their
own (the constants below). Training draws from none of them.
"""

from dataclasses import dataclass

import numpy as np

from minidit.generation.text_to_video import BATCH
from minidit.world import ALL_ATTRIBUTES, HELD_OUT, SEEN, Attributes, render_batch, wordings
from minidit.world.attributes import NAMES

# N = clips, F = frames, H = rows, W = columns

PROMPTS, REAL, REFERENCE, POOL, FIT, SHUFFLE, TUNING, FITTED = range(10, 18)  # streams of random numbers
SPLITS = {"seen": SEEN, "held_out": HELD_OUT}
POOL_CLIPS = 6  # training clips of each seen combination that a clip is compared with: 1926 in all


@dataclass(frozen=True)
class Cases:
    """What is asked for: N combinations, a sentence for each, and the seed of each clip's starting noise."""

    attributes: list[Attributes]
    prompts: list[str]
    seeds: list[int]

    def __getitem__(self, part):
        return Cases(self.attributes[part], self.prompts[part], self.seeds[part])


def spread(combinations, count, rng):
    """`count` of the combinations in their order, each equally often; chance decides which ones get one more."""
    times, rest = divmod(count, len(combinations))
    extra = rng.choice(len(combinations), rest, replace=False)  # rest
    indices = np.sort(np.concatenate([np.repeat(np.arange(len(combinations)), times), extra]))  # count
    return [combinations[i] for i in indices]


def draw_cases(combinations, count, rng, tuning=False):
    """Cases spread over the combinations, with sentences and seeds that are drawn.

    One wording of each combination (not the same one for all) and all odd seeds are set aside for tuning, so that
    nothing is evaluated on what it was tuned on.
    """
    attributes = spread(combinations, count, rng)
    prompts = []
    for a in attributes:
        first, *others = np.roll(wordings(a), ALL_ATTRIBUTES.index(a)).tolist()
        prompts.append(first if tuning else others[rng.integers(len(others))])
    seeds = 2 * rng.integers(2**31, size=count) + tuning        # N
    return Cases(attributes, prompts, seeds.tolist())


def batches(cases):
    """The cases, at most 64 at a time."""
    return [cases[start : start + BATCH] for start in range(0, len(cases.prompts), BATCH)]


def next_on_circle(attributes, rng):
    """For each of N clips the attributes of another one, drawn at random: the clips stand on a random circle."""
    circle = rng.permutation(len(attributes))                  # N
    others = dict(zip(circle.tolist(), np.roll(circle, 1).tolist(), strict=True))
    return [attributes[others[n]] for n in range(len(attributes))]


def with_next(attributes, names=("color",)):
    """The same combinations with the next value of each of these attributes, for the prompts of edits."""
    return [a._replace(**{name: next_value(NAMES[name], getattr(a, name)) for name in names}) for a in attributes]


def next_value(values, value):
    """The value that comes after one, and after the last the first."""
    return values[(values.index(value) + 1) % len(values)]


def draw_real(attributes, rng, settings):
    """Fresh real clips (N, F, H, W, 3) of the size that VideoModelSettings tell."""
    return render_batch(attributes, rng, settings.size, settings.frames)


def training_clips(combination, seed, settings, count=POOL_CLIPS):
    """Clips of one seen combination as training draws them: always the same for a seed.

    Args:
        combination: Attributes, one of SEEN.
        settings: VideoModelSettings, for the size of a clip.
    Returns:
        (count, F, H, W, 3).
    """
    rng = np.random.default_rng([seed, POOL, ALL_ATTRIBUTES.index(combination)])
    return draw_real([combination] * count, rng, settings)
