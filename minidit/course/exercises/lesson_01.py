"""Lesson 1: setting the stage."""

from functools import partial
from itertools import combinations, cycle

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, by_hand, for_each
from minidit.diffusion.paths import time_of_step
from minidit.worksheet import PROMPT, VIDEO, WEIGHTS
from minidit.world import ALL_ATTRIBUTES, COLORS, MOTIONS, SHAPES, SKIES, VOCABULARY, Attributes, wordings

LESSON = 1
NOT_NAMED = -1
NAMES = (COLORS, SHAPES, MOTIONS, SKIES)


# ---------------------------------------------------------------------------------------- 1.1 what is given

COUNTED = ("frames", "rows", "columns", "pixels", "words", "different t")


WORDS = len(PROMPT.split())


def counts(pixels=VIDEO.size, words=WORDS, different_t=4):
    """Frames, rows, columns and pixels of the video, words of the prompt, values that t can have."""
    return np.array([*VIDEO.shape, pixels, words, different_t])


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
            "letters instead of words", lambda: counts(words=len(PROMPT.replace(" ", ""))),
            "those are the letters of the prompt", "A word is one piece for the model, however long.",
        ),
        Slip(
            "letters instead of words", lambda: counts(words=len(PROMPT)),
            "those are the letters and spaces of the prompt", "A word is one piece for the model, however long.",
        ),
        Slip(
            "sentences instead of words", lambda: counts(words=1), "the prompt was counted as one", "Count its words.",
        ),
        Slip(
            "a word too few", lambda: counts(words=2), "the prompt has one word more", "Short words count, too.",
        ),
        Slip(
            "one frame only", lambda: np.array([1, *counts(pixels=VIDEO[0].size)[1:]]),
            "only one of the frames was counted", "The video has two: what moves is drawn twice.",
        ),
        Slip(
            "words and t swapped", lambda: counts()[[0, 1, 2, 3, 5, 4]],
            "the words and the values of t have changed places", "Words come fifth, the values of t last.",
        ),
        Slip(
            "brightness instead of pixels", lambda: counts(pixels=10),
            "10 is how many values of brightness there are", "Count the pixels: frames times rows times columns.",
        ),
        Slip(
            "highest t instead of a count", lambda: counts(different_t=5), "t has one value fewer",
            "0, 1, 2 and 3: count them.",
        ),
        Slip(
            "the last is missing", lambda: counts()[:-1], "the last one is missing", "How many values can t have?",
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
            "falls instead of rising", lambda: PAPERS / STEPS,
            "the numbers are right, but in reverse: t falls, and should rise",
            "From left to right k goes down, and so does the noise. Our t is 0 for pure noise.",
        ),
        Slip(
            "the worksheet's t", lambda: PAPERS[::-1], "those are the worksheet's four times",
            "As a share of the way from noise to clip, t lies between 0 and 1: divide.",
        ),
        Slip(
            "additions counted", lambda: PAPERS + 1, "those are the additions of noise, k + 1",
            "Our t lies between 0 and 1, and rises.",
        ),
        Slip(
            "additions counted", lambda: PAPERS[::-1] + 1, "they are counted in steps", "Our t lies between 0 and 1.",
        ),
        Slip(
            "a step too early", lambda: time_of_step(PAPERS, STEPS) - 1 / STEPS, "each is one step too early",
            "At k = 3 nothing but noise is there: t is 0.",
        ),
        Slip(
            "half a step", lambda: time_of_step(PAPERS, STEPS) + 0.5 / STEPS, "each is half a step too late",
            "At k = 3 nothing but noise is there: t is 0.",
        ),
        Slip(
            "one too many", lambda: np.linspace(0, 1, STEPS + 1), "t = 1 belongs to none of the steps",
            "Step 0 still has one addition of noise.",
        ),
        Slip("k itself", lambda: PAPERS, "those are the steps k", "Our t lies between 0 and 1, and rises."),
        Slip(
            "in per cent", lambda: 100 * time_of_step(PAPERS, STEPS), "they are in per cent",
            "As a number from 0 to 1, 25 per cent is 0.25.",
        ),
        Slip(
            "a step too many", lambda: PAPERS[::-1] / (STEPS + 1), "the steps were divided by K + 1 = 5",
            "There are K = 4 steps, so each is a quarter of the way.",
        ),
        Slip("cut off", lambda: np.zeros(STEPS), "what comes after the point is missing", "1 / 4 is 0.25."),
        Slip(
            "one is missing", lambda: time_of_step(PAPERS, STEPS)[1:], "the first is missing",
            "At k = 3 nothing but noise is there. That is a time, too: 0.",
        ),
        Slip(
            "one is missing", lambda: time_of_step(PAPERS, STEPS)[:-1], "the last is missing",
            "Step k = 0 is visited as well.",
        ),
        Slip(
            "both ends counted", lambda: 1 - PAPERS / (STEPS - 1),
            "the four times are spread from 0 to 1, as if k = 0 were the clean clip",
            "Noise is added K times. After the first addition, t is 1/K below 1.",
        ),
    ),
    difficulty=2, minutes=4,
)  # fmt: skip


def some_steps(rng, size_and_steps):
    """Whole numbers k of this size, and how many steps there are."""
    size, steps = size_and_steps
    return rng.integers(0, steps, size), steps


def time_of(k, steps=1000, added=1, out_of=0):
    """1 - (k + added) / (steps + out_of)."""
    return 1 - (k + added) / (steps + out_of)


BRACKETS = ("Products and divisions come first: k + 1 needs brackets.",)

TIME_OF_STEP = Exercise(
    "time_of_step", LESSON, "any step of K as a time", ("t",), time_of_step,
    trials=(
        by_hand(PAPERS, STEPS),
        *for_each((((7,), 50), ((3, 2), 700), ((7,), 50), ((1,), 7)), some_steps),
        *for_each(((249, 1000), (0, 40), (5, 7), (3, 4), (0, 1)), lambda rng, given: given, "single numbers"),
    ),
    slips=(
        Slip(
            "off by one", partial(time_of, added=0),
            "each is one step too late", "In step k, noise was added k + 1 times.",
        ),
        Slip(
            "off by two", partial(time_of, added=-1),
            "each is two steps too late", "k + 1 additions of noise, not k − 1.",
        ),
        Slip(
            "time not turned round", lambda k, steps=1000: (k + 1) / steps,
            "it grows with the noise", "Our t is 0 for pure noise and 1 for no noise.",
        ),
        Slip(
            "time not turned round, off by one", lambda k, steps=1000: k / steps,
            "it is k / K, which grows with the noise",
            "Our t is 0 for pure noise, and noise was added k + 1 times.",
        ),
        Slip(
            "both ends counted", partial(time_of, added=0, out_of=-1),
            "k = 0 has become t = 1, the clean clip", "Step 0 still has a little noise: one addition out of K.",
        ),
        Slip(
            "divided by one less", partial(time_of, out_of=-1),
            "the additions were divided by K − 1", "Noise is added K times in all.",
        ),
        Slip(
            "a step too many", partial(time_of, out_of=1),
            "the steps were divided by K + 1", "Noise is added K times in all.",
        ),
        Slip(
            "1000 steps whatever is given", lambda k, steps=1000: time_of(k),
            "it is right only for 1000 steps", "Use the argument `steps`.",
        ),
        Slip(
            "4 steps whatever is given", lambda k, steps=1000: time_of(k, STEPS),
            "it is right only for 4 steps", "Use the argument `steps`.",
        ),
        Slip(
            "the length of k for steps", lambda k, steps=1000: time_of(k, np.shape(k)[0]),
            "it was divided by the length of k", "`steps` says how many there are, whichever of them you are given.",
        ),
        Slip(
            "inverse", lambda k, steps=1000: steps * (1 - k) - 1,
            "this turns a time into a step", "Solve k = K · (1 − t) − 1 for t.",
        ),
        Slip(
            "brackets missing", lambda k, steps=1000: 1 - k + 1 / steps, "it is 1 − k + 1 / K", *BRACKETS,
        ),
        Slip(
            "brackets missing", lambda k, steps=1000: 1 - k - 1 / steps, "it is 1 − k − 1 / K", *BRACKETS,
        ),
        Slip(
            "brackets missing", lambda k, steps=1000: (1 - (k + 1)) / steps, "it is −k / K",
            "The 1 stays outside of the brackets: from 1, take (k + 1) / K away.",
        ),
        Slip(
            "brackets missing", lambda k, steps=1000: (1 - k + 1) / steps, "it is (2 − k) / K",
            "From 1, take (k + 1) / K away.",
        ),
        Slip(
            "half a step", partial(time_of, added=0.5), "each is half a step too late", "k + 1 additions of noise.",
        ),
        Slip(
            "both ends counted", lambda k, steps=1000: k / (steps - 1), "k = 0 has become t = 0, and K − 1 t = 1",
            "Our t is 0 for pure noise, and step 0 still has a little.",
        ),
        Slip(
            "multiplied", lambda k, steps=1000: 1 - (k + 1) * steps, "it was multiplied by K", "Divide by K.",
        ),
        Slip(
            "not divided", lambda k, steps=1000: steps - 1 - k, "it is counted in steps",
            "As a share of the way, t lies between 0 and 1.",
        ),
        Slip(
            "cut off", lambda k, steps=1000: 1 - (k + 1) // steps, "what comes after the point is missing",
            "`//` drops it, `/` doesn't.",
        ),
    ),
    difficulty=1, minutes=4,
)  # fmt: skip


# --------------------------------------------------------------------------------------- 1.3 prompts as numbers


def places(words, missing=NOT_NAMED, lists=NAMES):
    """For each attribute, the place of the word that names it in its list: (4,) integers."""
    named = [[names.index(word) for word in words if word in names] for names in lists]
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
    """The right numbers, in the order of the sentence, and -1 for those that are missing at the end."""
    found = [names.index(word) for word in text.split() for names in NAMES if word in names]
    return np.array(found + [NOT_NAMED] * (len(NAMES) - len(found)))


def in_text(text, which=max):
    """The places of the last, or first, names whose letters stand somewhere in the text."""
    return np.array([which([i for i, name in enumerate(names) if name in text], default=NOT_NAMED) for names in NAMES])


def only(kept, text, otherwise=NOT_NAMED):
    """The right numbers of some attributes, something else for the others."""
    return np.where(np.isin(np.arange(len(NAMES)), kept), places(text.split()), otherwise)


def without(attribute, value, text):
    """The right numbers, but for one value of an attribute."""
    right = places(text.split())
    return np.where((np.arange(len(NAMES)) == attribute) & (right == value), NOT_NAMED, right)


def all_or_nothing(text):
    """-1 everywhere if one attribute is missing."""
    right = places(text.split())
    return right if (right >= 0).all() else np.full(len(NAMES), NOT_NAMED)


def with_default(attribute, text):
    """An attribute that is not named has its first value, if any other is named."""
    right = places(text.split())
    return np.where((np.arange(len(NAMES)) == attribute) & (right < 0), 0, right)


def still_pictures(text):
    """A picture counts as still."""
    right = places(text.split())
    return np.where((right == NOT_NAMED) & (right[0] >= 0), MOTIONS.index("still"), right)


ATTRIBUTES = ("colour", "shape", "motion", "sky")  # as the lesson calls them


def attribute_slips():
    """The slips that can be made with each attribute, or each value."""
    swapped, lists = [], [*NAMES]
    for i, j in combinations(range(len(NAMES)), 2):
        lists[i], lists[j] = NAMES[j], NAMES[i]
        says = f"{ATTRIBUTES[i]} and {ATTRIBUTES[j]} have changed places"
        wrong = partial(lambda text, lists: places(text.split(), lists=lists), lists=tuple(lists))
        swapped.append(Slip("two attributes swapped", wrong, says, "The order is colour, shape, motion, sky."))
        lists = [*NAMES]
    left_out = [
        Slip(
            "an attribute is never found", partial(only, [i for i in range(len(NAMES)) if i not in out]),
            f"it doesn't find the {' and the '.join(ATTRIBUTES[i] for i in out)}",
            "Each of the four has a list. Does the loop go on to the last word?",
        )
        for count in (1, 2, 3)
        for out in combinations(range(len(NAMES)), count)
    ]  # fmt: skip
    values = [
        Slip(
            "a value is never found", partial(without, i, value), f"it never finds “{name}”",
            "Look the word up in the list as it is given.",
        )
        for i, names in enumerate(NAMES)
        for value, name in enumerate(names)
    ]  # fmt: skip
    defaults = [
        Slip(
            "0 for what is not named", partial(with_default, i), f"the {what} is 0 where the caption doesn't name it",
            f"0 means {NAMES[i][0]}. −1 means not named.",
        )
        for i, what in enumerate(ATTRIBUTES)
    ]  # fmt: skip
    return *swapped, *left_out, *values, *defaults


def every_caption():
    """Captions in which each colour, shape, motion and sky comes up, in every wording, of pictures too."""
    values = range(max(map(len, NAMES)))  # in each caption, the numbers differ: by + 0, 1 and 3
    clips = [[names[(i + by) % len(names)] for names, by in zip(NAMES, (0, 1, 3, 2), strict=True)] for i in values]
    numbers = range(3 * len(wordings(ALL_ATTRIBUTES[0])))
    captions = [wordings(Attributes(*clip))[0] for clip in clips]  # each value first in the wording of the example
    captions += [wordings(Attributes(*clip))[number // 3] for clip, number in zip(cycle(clips), numbers, strict=False)]
    pictures = [wordings(Attributes(color, shape, None, sky))[0] for color, shape, _, sky in clips]
    return [*captions, *pictures]


EXAMPLE = "a red circle moves right in the day sky"

ATTRIBUTES_AS_NUMBERS = Exercise(
    "attributes_as_numbers", LESSON, "what a caption says, as numbers", ("numbers",),
    lambda text: places(text.split()),
    trials=(
        by_hand(EXAMPLE),
        *for_each(every_caption(), lambda rng, text: (text,)),
        *for_each(("an empty sunset sky", "the day sky", "sora is sky"), lambda rng, text: (text,), "plain skies"),
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
            "a value is never found", lambda text: np.where(places(text.split()) == 0, NOT_NAMED, places(text.split())),
            "the first of each list counts as not named",
            "0 is a place like the others, though `or` takes it for False.",
        ),
        *(
            Slip(
                "another number for what is not named", lambda text, n=n: places(text.split(), n),
                f"what the caption doesn't name is {n}", "−1 stands for it.",
            )
            for n in (-2, 5, 9, 10, 99, 100, -100)
        ),
        Slip(
            "another number for what is not named",
            lambda text: np.where(places(text.split()) < 0, list(map(len, NAMES)), places(text.split())),
            "what the caption doesn't name is the length of its list", "−1 stands for it.",
        ),
        *(
            Slip(
                "named or not", lambda text, no=no: np.where(places(text.split()) < 0, no, 1),
                "it says whether something is named, not what", "Which place does the word have in its list?",
            )
            for no in (0, NOT_NAMED)
        ),
        Slip(
            "lists in reverse", lambda text: places(text.split(), lists=tuple(names[::-1] for names in NAMES)),
            "the places are counted from the end of the lists", "The first of each list is 0.",
        ),
        Slip(
            "first and last word", lambda text: places(text.split()[1:-1]),
            "it doesn't look at the first and last word",
            "text.split() finds them, too.",
        ),
        Slip(
            "first and last word", lambda text: places(text.split()[1:]), "it doesn't look at the first word",
            "Python counts from 0.",
        ),
        Slip(
            "first and last word", lambda text: places(text.split()[:-1]), "it doesn't look at the last word",
            "range(n) ends at n − 1 by itself.",
        ),
        Slip(
            "nothing is found", lambda text: places([]), "it finds nothing", "text.split() gives a list of words.",
        ),
        Slip(
            "counted from 1", lambda text: places(text.split(), NOT_NAMED - 1) + 1,
            "the places are counted from 1", "Counting starts at 0: red, circle, left and day are 0.",
        ),
        Slip(
            "order of the sentence", as_they_come, "the numbers come in the order of the sentence",
            "Always colour, shape, motion, sky, whatever comes first in the sentence.",
        ),
        Slip(
            "order of the sentence", lambda text: as_they_come(text)[: (places(text.split()) >= 0).sum()],
            "the numbers come in the order of the sentence, and what is not named is left out",
            "Always four: colour, shape, motion, sky, whatever comes first in the sentence, −1 for what is not named.",
        ),
        Slip(
            "left out what is not named", lambda text: np.array([i for i in places(text.split()) if i >= 0]),
            "what the caption doesn't name is left out", "It has a place, too, with −1 in it: always four numbers.",
        ),
        *(
            Slip(
                "looked in the text, not in its words", partial(in_text, which=which),
                "it finds words inside of longer words", "“across” contains “cross”. Split the text into words first.",
            )
            for which in (max, min)
        ),
        Slip(
            "order of the alphabet", lambda text: places(text.split(), lists=tuple(map(sorted, NAMES))),
            "the places are those in the alphabet", "COLORS and the others have an order of their own: use .index.",
        ),
        Slip(
            "sky is the last but one", lambda text: only(range(3 + (text.split()[-2] in SKIES)), text),
            "it finds the sky only right before the last word", "In other wordings it stands elsewhere.",
        ),
        Slip(
            "all or nothing", all_or_nothing, "all is −1 as soon as one of the four is not named",
            "What is named keeps its number.",
        ),
        Slip(
            "the example's numbers", lambda text: places(EXAMPLE.split()),
            "it is [0, 0, 1, 0], whatever the caption says", "Compute them from the caption.",
        ),
        Slip(
            "pictures are still", still_pictures, "a picture, whose caption names no motion, is taken as still",
            "“still” is a motion that a caption names. What it doesn't name is −1.",
        ),
        Slip(
            "a value is never found", lambda text: places([word.rstrip("s") for word in text.split()]),
            "it never finds “cross”", "Its last s belongs to the word: keep words as they are.",
        ),
        *attribute_slips(),
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


FROZEN_BIASES = ("encoder_bias", "decoder_bias")
TOTAL = sum(matrix.size for _, matrix in MATRICES)

CODEC_NAMES = ("encoder", "decoder")

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
            "four red numbers are missing",
            "Queries and keys have a matrix each, of four numbers. So has the bias of step 6.",
        ),
        Slip(
            "forgot step 8", lambda: learned_and_frozen(lambda name: name not in ("query_weight", "key_weight")),
            "the eight red numbers of step 8 are missing", "Queries and keys have a matrix each.",
        ),
        Slip(
            "six red numbers missing", lambda: learned_and_frozen(lambda name: not name.startswith("feed_forward")),
            "six red numbers are missing",
            "Step 10 has six. So have the biases of steps 6 and 10 together: 4 and 2.",
        ),
        Slip(
            "forgot step 6", lambda: learned_and_frozen(lambda name: not name.startswith("conditioning")),
            "the red numbers of step 6 are missing", "It has a matrix and a bias.",
        ),
        Slip(
            "only step 6", lambda: learned_and_frozen(lambda name: name.startswith(("conditioning", *CODEC_NAMES))),
            "the red numbers of steps 8 and 10 are missing", "Three lines of the table are red.",
        ),
        *(
            Slip(
                "forgot a bias", lambda name=name: learned_and_frozen(lambda one: one != name),
                f"the bias of {where} is missing", "A bias counts like a weight.",
            )
            for name, where in (
                ("feed_forward_bias", "step 10"), ("encoder_bias", "the encoder"), ("decoder_bias", "the decoder"),
            )
        ),
        Slip(
            "forgot the decoder", lambda: learned_and_frozen(lambda name: not name.startswith("decoder")),
            "the decoder is missing", "The codec has two halves; both are frozen.",
        ),
        Slip(
            "forgot the encoder", lambda: learned_and_frozen(lambda name: not name.startswith("encoder")),
            "the encoder is missing", "The codec has two halves; both are frozen.",
        ),
        Slip(
            "forgot the frozen biases", lambda: learned_and_frozen(lambda name: name not in FROZEN_BIASES),
            "the blue biases are missing", "A bias is frozen together with its weight.",
        ),
        Slip(
            "encoder taken for learned", lambda: learned_and_frozen(frozen=("decoder",)),
            "the encoder was counted among the red ones", "The codec has two halves; both are frozen.",
        ),
        Slip(
            "one of the two is the total", lambda: learned_and_frozen() + [TOTAL - learned_and_frozen()[0], 0],
            "the first is the sum of red and blue", "Red is only what learns.",
        ),
        Slip(
            "one of the two is the total", lambda: learned_and_frozen() + [0, TOTAL - learned_and_frozen()[1]],
            "the second is the sum of red and blue", "Blue is only what is frozen.",
        ),
        *(
            Slip(
                "counted matrices", lambda of=of: np.array(of),
                "these are counts of matrices, or of lines of the table",
                "Count the numbers in them: a 4 × 5 matrix has 20.",
            )
            for of in ((6, 4), (4, 2), (4, 4), (3, 2))
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


def never_put_back_upwards(f, x, step, from_start=True):
    """The result if entries only move up, one after the other: compared with x, or with those before."""
    there, slopes = x.copy(), np.zeros_like(x)
    for index in np.ndindex(x.shape):
        low = f(x if from_start else there)
        there[index] += step
        slopes[index] = (f(there) - low) / step
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


POINTS = (((4, 3), 0.1), ((5,), 0.3), ((4, 3), 0.2), ((2, 3, 4), 0.2), ((1,), 0.1), ((2, 1, 3, 2), 0.5))


def curve_and_point(rng, size_and_step):
    """A function, where to measure its slopes, and the step."""
    size, step = size_and_step
    return bent, rng.normal(size=size), step


def slopes_with(f, x, moves, distance):
    """(f(x + move) - f(x - move)) / distance for each entry: `moves` takes its index."""
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        slopes[index] = (f(x + moves(index)) - f(x - moves(index))) / distance
    return slopes


def rows_moved(f, x, step, axes=1):
    """The slopes if all entries that share the first axes move at the same time."""

    def move(index):
        there = np.zeros_like(x)
        there[index[:axes]] = step
        return there

    return slopes_with(f, x, move, 2 * step)


CENTRAL_DIFFERENCE = Exercise(
    "central_difference", LESSON, "measure a slope", ("slopes",), central_difference,
    trials=(
        by_hand(sum_of_squares, np.array([3.0, -1.0]), 0.5),
        *for_each(POINTS, curve_and_point),
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
            "half a step", lambda f, x, step: central_difference(f, x, step / 2),
            "it moved by half a step up and half a step down", "Move by a whole step, both ways.",
        ),
        Slip(
            "two steps", lambda f, x, step: central_difference(f, x, 2 * step),
            "it moved by two steps up and two steps down", "Move by one step, both ways.",
        ),
        Slip(
            "half a step, over two", lambda f, x, step: central_difference(f, x, step / 2) / 2,
            "it moved by half a step each way, and divided by two steps", "Move by a whole step, both ways.",
        ),
        Slip(
            "one side only, over two steps", lambda f, x, step: one_sided(f, x, step) / 2,
            "they use one side only, but are divided by two steps", "Measure at x + step and at x − step.",
        ),
        Slip(
            "moved by a share of the entry",
            lambda f, x, step: slopes_with(f, x, lambda i: moved(np.zeros_like(x), i, x[i] * step), 2 * step),
            "entries were multiplied by 1 + step and 1 − step", "Add the step, and subtract it.",
        ),
        Slip(
            "whole rows moved", rows_moved,
            "whole rows were moved at once", "One entry at a time: x[index] with an index for every axis.",
        ),
        Slip(
            "whole rows moved", partial(rows_moved, axes=2),
            "with more than two axes, it moves several entries at once", "x[index] needs an index for every axis.",
        ),
        Slip(
            "divided twice", lambda f, x, step: central_difference(f, x, step) / step,
            "they were divided by the step twice", "One division, by 2 · step.",
        ),
        Slip("f itself", lambda f, x, step: f(x), "it is f(x)", "How much does f change when an entry moves?"),
        Slip(
            "all entries at once, one number", lambda f, x, step: (f(x + step) - f(x)) / step,
            "all entries were moved at the same time", "Move one, measure, and put it back; then the next.",
        ),
        Slip(
            "one slope missing",
            lambda f, x, step: central_difference(f, x, step) * (np.arange(x.size) < x.size - 1).reshape(x.shape),
            "the last slope is missing", "range(n) ends at n − 1 by itself.",
        ),
        Slip(
            "missing transpose", lambda f, x, step: central_difference(f, x, step).T, "it is transposed",
            "Return an array of x's shape.",
        ),
        Slip(
            "never put back", never_put_back_upwards, "entries that were moved up were not put back",
            "Only one entry may differ from x at a time.",
        ),
        Slip(
            "never put back", partial(never_put_back_upwards, from_start=False),
            "entries that were moved up were not put back", "Only one entry may differ from x at a time.",
        ),
        Slip(
            "not in the shape of x", lambda f, x, step: central_difference(f, x, step).ravel(),
            "they stand in one row", "Return an array of x's shape.",
        ),
        Slip(
            "only the last slope", lambda f, x, step: central_difference(f, x, step).flat[-1],
            "it is the slope of the last entry alone",
            "slopes = … gives the name to something new; slopes[index] = … writes into its place.",
        ),
        Slip(
            "only the first slope", lambda f, x, step: central_difference(f, x, step).flat[0],
            "it is the slope of the first entry alone", "Is the `return` inside the loop?",
        ),
        Slip(
            "only the first slope",
            lambda f, x, step: central_difference(f, x, step) * (np.arange(x.size) == 0).reshape(x.shape),
            "all slopes but the first are 0", "Is the `return` inside the loop?",
        ),
        Slip(
            "own step", lambda f, x, step: central_difference(f, x, 1e-5),
            "it moved by another step than the one that was given", "Use the argument `step`.",
        ),
        Slip(
            "all entries at once, one number", all_at_once,
            "all entries were moved at the same time", "Move one, measure, and put it back; then the next.",
        ),
    ),
    difficulty=2, minutes=10,
)  # fmt: skip

EXERCISES = (COUNTS, TIMES, ATTRIBUTES_AS_NUMBERS, TIME_OF_STEP, LEARNED, CENTRAL_DIFFERENCE)
