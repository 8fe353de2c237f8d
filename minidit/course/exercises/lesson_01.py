"""Lesson 1: setting the stage."""

from itertools import cycle

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, Trial, at_random, by_hand
from minidit.diffusion.paths import time_of_step
from minidit.worksheet import PROMPT, VIDEO, WEIGHTS
from minidit.world import ALL_ATTRIBUTES, COLORS, MOTIONS, SHAPES, SKIES, VOCABULARY, Attributes, wordings

LESSON = 1
NOT_NAMED = -1
NAMES = (COLORS, SHAPES, MOTIONS, SKIES)


# ---------------------------------------------------------------------------------------- 1.1 what is given

COUNTED = ("frames", "rows", "columns", "pixels", "words", "different t")


def counts(pixels=VIDEO.size, different_t=4):
    """Frames, rows, columns and pixels of the video, words of the prompt, values that t can have."""
    return np.array([*VIDEO.shape, pixels, len(PROMPT.split()), different_t])


COUNTS = Numbers(
    "step_1_counts", LESSON, "what is given, counted", counts,
    lambda index: f"That is the number of {COUNTED[index[0]]}.",
    slips=(
        Slip(
            "t counted from 1", lambda: counts(different_t=3),
            "t runs from 0 to 3, and that is not 3 values", "0 counts as well.",
        ),
        Slip(
            "pixels of one frame", lambda: counts(pixels=VIDEO[0].size),
            "those are the pixels of one frame", "The video has more than one.",
        ),
        Slip(
            "rows and columns swapped", lambda: counts()[[0, 2, 1, 3, 4, 5]],
            "rows and columns have changed places", "Rows are counted from top to bottom, columns from left to right.",
        ),
        Slip(
            "letters instead of words", lambda: np.where(np.arange(6) == 4, len(PROMPT.replace(" ", "")), counts()),
            "those are the letters of the prompt", "A word is one piece for the model, however long.",
        ),
        Slip(
            "sentences instead of words", lambda: np.where(np.arange(6) == 4, 1, counts()),
            "the prompt was counted as one", "Count its words.",
        ),
    ),
    difficulty=1, minutes=2,
)  # fmt: skip


# ---------------------------------------------------------------------------------- 1.2 two directions of time

STEPS = 4
PAPERS = np.arange(STEPS)[::-1]  # the papers' steps 3, 2, 1, 0, from noise to data


def explain_time(index):
    """How to compute an entry."""
    k = PAPERS[index[0]]
    return f"At step k = {k}, {k + 1} of {STEPS} additions of noise have been made."


TIMES = Numbers(
    "step_1_times", LESSON, "the papers' steps as our times", lambda: time_of_step(PAPERS, STEPS),
    explain_time,
    slips=(
        Slip(
            "off by one", lambda: 1 - PAPERS / STEPS,
            "each is one step too late: the last is 1, as if k = 0 were the clean clip",
            "In step k, noise was added k + 1 times, not k.",
        ),
        Slip(
            "time not turned round", lambda: (PAPERS + 1) / STEPS,
            "this is the share of noise steps: it falls, while t rises", "Our t is 0 for pure noise.",
        ),
        Slip(
            "time not turned round, off by one", lambda: PAPERS / STEPS,
            "this is k / K, which counts noise", "Our t is 0 for pure noise, and noise was added k + 1 times.",
        ),
        Slip(
            "both ends counted", lambda: 1 - PAPERS / (STEPS - 1),
            "the four times are spread from 0 to 1, as if k = 0 were the clean clip",
            "Noise is added K times. After the first addition, t is 1/K below 1.",
        ),
    ),
    difficulty=2, minutes=4,
)  # fmt: skip


def wrong_time(name, wrong, says, because):
    """A slip in turning a step into a time."""
    return Slip(name, lambda k, steps: wrong(k, steps), says, because)


TIME_OF_STEP = Exercise(
    "time_of_step", LESSON, "any step of K as a time", ("t",), time_of_step,
    trials=(
        by_hand(PAPERS.astype(float), STEPS),
        at_random(lambda rng: (rng.integers(0, 50, size=7).astype(float), 50)),
        Trial("single numbers", lambda rng: (249, 1000)),
    ),
    slips=(
        wrong_time(
            "off by one", lambda k, steps: 1 - k / steps,
            "each is one step too late", "In step k, noise was added k + 1 times.",
        ),
        wrong_time(
            "time not turned round", lambda k, steps: (k + 1) / steps,
            "it grows with the noise", "Our t is 0 for pure noise and 1 for no noise.",
        ),
        wrong_time(
            "time not turned round, off by one", lambda k, steps: k / steps,
            "it is k / K, which grows with the noise",
            "Our t is 0 for pure noise, and noise was added k + 1 times.",
        ),
        wrong_time(
            "both ends counted", lambda k, steps: 1 - k / (steps - 1),
            "k = 0 has become t = 1, the clean clip", "Step 0 still has a little noise: one addition out of K.",
        ),
        wrong_time(
            "a step too many", lambda k, steps: 1 - (k + 1) / (steps + 1),
            "the steps were divided by K + 1", "Noise is added K times in all.",
        ),
        wrong_time(
            "1000 steps whatever is given", lambda k, steps: 1 - (k + 1) / 1000,
            "it is right only for 1000 steps", "Use the argument `steps`.",
        ),
        wrong_time(
            "inverse", lambda k, steps: steps * (1 - k) - 1,
            "this turns a time into a step", "Solve k = K · (1 − t) − 1 for t.",
        ),
    ),
    difficulty=1, minutes=4,
)  # fmt: skip


# --------------------------------------------------------------------------------------- 1.3 prompts as numbers


def places(words, missing=NOT_NAMED):
    """For each attribute, the place of the word that names it in its list: (4,) integers."""
    named = [[names.index(word) for word in words if word in names] for names in NAMES]
    return np.array([found[0] if found else missing for found in named])


def in_vocabulary(text):
    """The places of these words among all words of the world."""
    named = [[VOCABULARY.index(word) for word in text.split() if word in names] for names in NAMES]
    return np.array([found[0] if found else NOT_NAMED for found in named])


def in_sentence(text):
    """The places of these words in the sentence."""
    words = text.split()
    named = [[i for i, word in enumerate(words) if word in names] for names in NAMES]
    return np.array([found[0] if found else NOT_NAMED for found in named])


def as_they_come(text):
    """The right numbers, in the order of the sentence."""
    return np.array([names.index(word) for word in text.split() for names in NAMES if word in names])


def every_value():
    """Trials with captions in which each colour, shape, motion and sky comes up, in every wording."""
    clips = [[values[i % len(values)] for values in NAMES] for i in range(max(map(len, NAMES)))]
    pairs = zip(cycle(clips), range(len(wordings(ALL_ATTRIBUTES[0]))), strict=False)
    captions = [wordings(Attributes(*clip))[number] for clip, number in pairs]
    return [at_random(lambda rng, text=text: (text,)) for text in captions]


ATTRIBUTES_AS_NUMBERS = Exercise(
    "attributes_as_numbers", LESSON, "what a caption says, as numbers", ("numbers",),
    lambda text: places(text.split()),
    trials=(
        by_hand("a red circle moves right in the day sky"),
        *every_value(),
        Trial("plain skies", lambda rng: ("an empty sunset sky",)),
        Trial("plain skies", lambda rng: ("sora is sky",)),
    ),
    slips=(
        Slip(
            "counted from 1", lambda text: places(text.split(), NOT_NAMED) + 1,
            "every number is 1 too large", "Counting starts at 0, and −1 stands for what is not named.",
        ),
        Slip(
            "0 for what is not named", lambda text: places(text.split(), 0),
            "what the caption doesn't name is 0", "0 means red, circle or left. −1 means not named.",
        ),
        Slip(
            "place in the sentence", in_sentence,
            "these are the places of the words in the sentence", "Where does the word stand in COLORS?",
        ),
        Slip(
            "place in the vocabulary", in_vocabulary,
            "these are the places of the words among all words", "Each attribute has a list of its own.",
        ),
        Slip(
            "order of the sentence", as_they_come,
            "the numbers come in the order of the sentence",
            "Always colour, shape, motion, sky, whatever comes first in the sentence.",
        ),
    ),
    difficulty=2, minutes=6,
)  # fmt: skip


# ------------------------------------------------------------------------------------- 1.5 what learns, 1.6 slopes

CODEC = (WEIGHTS.encoder_weight, WEIGHTS.encoder_bias, WEIGHTS.decoder_weight, WEIGHTS.decoder_bias)
MATRICES = tuple(vars(WEIGHTS).items())


def learned_and_frozen(counted=lambda name: True, frozen=("encoder", "decoder")):
    """How many numbers in the matrices with these names are learned, and how many are frozen: (2,)."""
    total = {True: 0, False: 0}
    for name, matrix in MATRICES:
        total[name.startswith(frozen)] += matrix.size * counted(name)
    return np.array([total[False], total[True]])


LEARNED = Numbers(
    "step_1_learned", LESSON, "red and blue numbers", learned_and_frozen,
    lambda index: (
        "Red is the conditioning, query, key and feed-forward: weights and biases."
        if index[0] == 0
        else "Blue is the encoder and the decoder: a weight and a bias each."
    ),
    slips=(
        Slip(
            "forgot the biases", lambda: learned_and_frozen(lambda name: "bias" not in name),
            "these are the weights without the biases", "A bias is learned (or frozen) together with its weight.",
        ),
        Slip(
            "decoder taken for learned", lambda: learned_and_frozen(frozen=("encoder",)),
            "the decoder was counted among the red ones", "The codec has two halves; both are frozen.",
        ),
        Slip(
            "red and blue swapped", lambda: learned_and_frozen()[::-1],
            "the two numbers have changed places", "Red, what learns, comes first.",
        ),
        Slip(
            "everything taken for learned", lambda: learned_and_frozen(frozen=("none",)),
            "the codec was counted among the red ones", "The codec was trained before, and is frozen.",
        ),
        Slip(
            "forgot the keys",
            lambda: learned_and_frozen(lambda name: name != "key_weight"),
            "four red numbers are missing", "Queries and keys have a matrix each.",
        ),
    ),
    difficulty=1, minutes=4,
)  # fmt: skip


def central_difference(f, x, step):
    """The slope of f at x for every entry of x, measured: an array of x's shape."""
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        slopes[index] = (f(moved(x, index, step)) - f(moved(x, index, -step))) / (2 * step)
    return slopes


def moved(x, index, by):
    """x with one entry changed."""
    there = x.copy()
    there[index] += by
    return there


def one_sided(f, x, step):
    """The change on one side alone, divided by the step."""
    return np.array([(f(moved(x, index, step)) - f(x)) / step for index in np.ndindex(x.shape)]).reshape(x.shape)


def never_put_back(f, x, step):
    """The result if moved entries are not put back."""
    there, slopes = x.copy(), np.zeros_like(x)
    for index in np.ndindex(x.shape):
        there[index] += step
        high = f(there)
        there[index] -= 2 * step
        slopes[index] = (high - f(there)) / (2 * step)
    return slopes


def all_at_once(f, x, step):
    """The slope when all entries move together."""
    return (f(x + step) - f(x - step)) / (2 * step)


def sum_of_squares(x):
    """A function with known slopes: 2 x."""
    return (x * x).sum()


def bent(x):
    """A function whose slope changes and whose entries interact."""
    return (x * x * x).sum() + (x[0] * x[-1]).sum()


CENTRAL_DIFFERENCE = Exercise(
    "central_difference", LESSON, "measure a slope", ("slopes",), central_difference,
    trials=(
        by_hand(sum_of_squares, np.array([3.0, -1.0]), 0.5),
        at_random(lambda rng: (bent, rng.normal(size=(4, 3)), 0.1)),
    ),
    slips=(
        Slip(
            "one side only", one_sided,
            "they use one side only: f(x + step) − f(x)",
            "Step up and step down: then the errors of the two sides cancel.",
        ),
        Slip(
            "one side only, downward", lambda f, x, step: one_sided(f, x, -step),
            "they use one side only: f(x) − f(x − step)",
            "Step up and step down: then the errors of the two sides cancel.",
        ),
        Slip(
            "forgot the 2", lambda f, x, step: 2 * central_difference(f, x, step),
            "they are twice too large: the difference was divided by one step",
            "From x − step to x + step there are two steps.",
        ),
        Slip(
            "not divided by the step", lambda f, x, step: 2 * step * central_difference(f, x, step),
            "these are the differences themselves", "A slope is a difference divided by the distance.",
        ),
        Slip(
            "divided by 2, times the step", lambda f, x, step: step * step * central_difference(f, x, step),
            "they were divided by 2 and multiplied by the step",
            "a / 2 * b is (a / 2) · b: brackets around 2 * step are missing.",
        ),
        Slip(
            "never put back", never_put_back,
            "entries that were moved were not put back", "Only one entry may differ from x at a time.",
        ),
        Slip(
            "no copies", lambda f, x, step: np.zeros_like(x),
            "all slopes are 0", "up = x makes no copy: both names stand for one array. x.copy() makes one.",
        ),
        Slip(
            "all entries at once", lambda f, x, step: np.full(x.shape, all_at_once(f, x, step)),
            "all entries were moved at the same time", "Move one, measure, and put it back; then the next.",
        ),
        Slip(
            "all entries at once, one number", all_at_once,
            "all entries were moved at the same time", "Move one, measure, and put it back; then the next.",
        ),
    ),
    difficulty=2, minutes=10,
)  # fmt: skip

EXERCISES = (COUNTS, TIMES, ATTRIBUTES_AS_NUMBERS, TIME_OF_STEP, LEARNED, CENTRAL_DIFFERENCE)
