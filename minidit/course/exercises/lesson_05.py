"""Lesson 5: words and the time become numbers."""

from functools import partial

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, by_hand, for_each
from minidit.layers import embedding_backward as packaged_embedding_backward
from minidit.layers import timestep_embedding as packaged_timestep_embedding
from minidit.worksheet import solve

# B = batch, L = words of a prompt, V = words in the vocabulary, D = width, F = frequencies

LESSON = 5
SHEET = solve()

STEP_5 = Numbers(
    "step_5_condition", LESSON, "the condition on the worksheet", lambda: SHEET.condition[:, 0],
    lambda index: (
        "Entry 0 to 2 are the three words of the prompt, in their order, each looked up."
        if index[0] < 3 else "The last two are the binary digits of t = 3: how many twos, how many ones."
    ),
    slips=(
        Slip(
            "time first", lambda: np.concatenate([SHEET.time, SHEET.text])[:, 0], "the time stands before the words",
            "First the three words, then the two digits.",
        ),
        Slip(
            "binary of 2", lambda: np.array([0, 1, -1, 1, 0]), "the last two digits are those of 2",
            "In binary, 3 is one two and one one.",
        ),
        Slip(
            "t itself", lambda: np.array([0, 1, -1, 0, 3]), "the last two are not binary digits",
            "A binary digit is 0 or 1.",
        ),
        Slip(
            "words sorted", lambda: np.array([-1, 0, 1, 1, 1]), "the words are sorted by their numbers",
            "They stay in the order of the prompt: sora, is, sky.",
        ),
        *(
            Slip(
                "words in another order", lambda words=words: np.array([*words, 1, 1]),
                "the words are in another order", "They stay in the order of the prompt: sora, is, sky.",
            )
            for words in ((1, 0, -1), (-1, 1, 0), (0, -1, 1), (1, -1, 0))
        ),
        Slip(
            "lost minus sign", lambda: np.array([0, 1, 1, 1, 1]), "sky is −1, not 1", "Look it up in the dictionary.",
        ),
        Slip(
            "words numbered", lambda: np.array([0, 1, 2, 1, 1]), "the words are numbered from 0", "Look each one up.",
        ),
        Slip(
            "words numbered", lambda: np.array([1, 2, 3, 1, 1]), "the words are numbered from 1", "Look each one up.",
        ),
        Slip(
            "binary of 1", lambda: np.array([0, 1, -1, 0, 1]), "the last two digits are those of 1",
            "In binary, 3 is one two and one one.",
        ),
        Slip(
            "t itself", lambda: np.array([0, 1, -1, 3]), "the time is not in binary",
            "Two binary digits: twos, and ones.",
        ),
        Slip(
            "words only", lambda: np.array([0, 1, -1]), "the time is missing", "Its two digits stand behind the words.",
        ),
        Slip(
            "three digits", lambda: np.array([0, 1, -1, 0, 1, 1]), "the time has three digits",
            "Two are enough for 0 to 3.",
        ),
    ),
    minutes=3,
)  # fmt: skip


def embedding_forward(ids, table):
    """y = table[ids], and the cache (ids, table.shape)."""
    return table[ids], (ids, table.shape)


TABLE = np.array([[0.0, 10.0], [1.0, 11.0], [2.0, 12.0], [3.0, 13.0]])  # V = 4, D = 2
IDS = np.array([[1, 3, 1]])
SQUARE = np.array([[1, 0, 1, 1]]), TABLE[:2]  # here whatever is taken for a row fits, too


ALL_IDS = (  # of a vocabulary of 5, with a word that occurs twice; the last word is there or isn't
    np.array([[1, 4, 1], [0, 3, 4]]), np.array([2, 0, 2, 3, 0, 0, 1]), np.array([[[1, 1, 0, 2]], [[3, 0, 0, 1]]]),
    np.array([[1, 4, 1], [0, 3, 4]]), np.array([[2, 2, 0], [1, 0, 2]]), np.array([3]),
)  # fmt: skip


def sentences(rng, ids):
    """These ids, and the table (5, 6)."""
    return ids, rng.normal(size=(5, 6))


EMBEDDING_FORWARD = Exercise(
    "embedding_forward", LESSON, "looking words up", ("y", "cache"), embedding_forward,
    trials=(by_hand(*SQUARE), by_hand(IDS, TABLE), *for_each(ALL_IDS, sentences)),
    slips=(
        Slip(
            "columns instead of rows", lambda ids, table: (table.T[ids % len(table.T)], (ids, table.shape)),
            "columns were looked up", "A word's vector is a row of the table.",
        ),
        Slip(
            "columns instead of rows", lambda ids, table: (table[:, ids], (ids, table.shape)),
            "columns were looked up", "A word's vector is a row of the table: table[ids].",
        ),
        Slip(
            "counted from one", lambda ids, table: (table[ids - 1], (ids, table.shape)),
            "the rows are those before the right ones", "Ids count from 0, like everything in Python.",
        ),
        Slip(
            "sorted ids", lambda ids, table: (table[np.sort(ids, axis=-1)], (ids, table.shape)),
            "the words are not in the order of the prompt", "Keep the ids as they are.",
        ),
        *(
            Slip(name, lambda ids, table, y=y: (y(ids, table), (ids, table.shape)), says, because)
            for name, y, says, because in (
                (
                    "single numbers", lambda ids, table: table.ravel()[ids],
                    "single numbers of the table were looked up",
                    "np.take flattens the table first, unless axis=0 is given.",
                ),
                (
                    "first number only", lambda ids, table: table[ids, 0], "only the first number of each row is there",
                    "A word's vector is a whole row: table[ids].",
                ),
                (
                    "table in reverse", lambda ids, table: table[::-1][ids], "the table is in reverse",
                    "Ids count from 0, from the top.",
                ),
                (
                    "first rows", lambda ids, table: table[: ids.size], "the first rows of the table are there",
                    "An id says which row: table[ids].",
                ),
                (
                    "first only", lambda ids, table: table[ids[0]], "only the first along the first axis is there",
                    "Every place of ids gets a row. Is the `return` inside a loop?",
                ),
                (
                    "scaled", lambda ids, table: table[ids] / np.sqrt(table.shape[1]), "it was divided by √D",
                    "The rows come as they are.",
                ),
                (
                    "scaled", lambda ids, table: table[ids] * np.sqrt(table.shape[1]), "it was multiplied by √D",
                    "The rows come as they are.",
                ),
                (
                    "ids as numbers", lambda ids, table: table[ids] * ids[..., None],
                    "each row was multiplied by its id",
                    "The rows come as they are.",
                ),
                (
                    "words added up", lambda ids, table: table[ids].sum(axis=-2), "the words were added up",
                    "That comes in 5.4. Here, each keeps a row of its own.",
                ),
                (
                    "words added up", lambda ids, table: table[ids].mean(axis=-2), "the mean of the words was taken",
                    "Here, each keeps a row of its own.",
                ),
                (
                    "word 0 is nothing", lambda ids, table: table[ids] * (ids > 0)[..., None], "word 0 got zeros",
                    "It is a word like the others, with a row of its own.",
                ),
                (
                    "ids as numbers", lambda ids, table: ids[..., None] * table[0],
                    "the ids were multiplied with a row",
                    "An id says which row: table[ids].",
                ),
                (
                    "ids as a mask", lambda ids, table: table[(ids > 0).astype(int)], "every word but 0 is word 1",
                    "Index with the ids as they are: whole numbers, not true and false.",
                ),
                (
                    "first only", lambda ids, table: table[ids[:1]], "only the first along the first axis is there",
                    "Every place of ids gets a row. Is the `return` inside a loop?",
                ),
                (
                    "the rows after", lambda ids, table: table[(ids + 1) % len(table)],
                    "the rows are those after the right ones", "Ids count from 0, like everything in Python.",
                ),
            )
        ),
        Slip(
            "each word once",
            lambda ids, table: (table[np.unique(ids)], (ids, table.shape)),
            "a word that occurs twice has only one row", "Every place in the prompt gets a row of its own.",
        ),
        Slip(
            "first axis flattened", lambda ids, table: (table[ids.reshape(-1)], (ids, table.shape)),
            "the prompts have been strung together", "Index with the ids as they are: NumPy keeps their shape.",
        ),
    ),
    minutes=4,
)  # fmt: skip


def embedding_backward(dy, cache):
    """dtable: every row of dy added to its word's row."""
    return packaged_embedding_backward(dy, cache)


def overwritten(dy, cache):
    """The result if rows are assigned: for a word that occurs twice, the last one counts."""
    ids, shape = cache
    dtable = np.zeros(shape)
    dtable[ids] = dy
    return dtable


def added_in_one_go(dy, cache):
    """The result if `+=` goes along the first axis, with several ids at once."""
    ids, shape = cache
    dtable = np.zeros(shape)
    for row, drow in zip(ids, dy, strict=True):
        dtable[row] += drow
    return dtable


def counts(dy, cache):
    """How often each word occurs, in the shape of the table."""
    return np.broadcast_to(occurrences(dy, cache), cache[1])


def largest_of_each(dy, cache):
    """For each word, the largest of its gradients."""
    ids, shape = cache
    dtable = np.full(shape, -np.inf)
    np.maximum.at(dtable, ids, dy)
    return np.where(np.isinf(dtable), 0, dtable)


def first_place_only(dy, cache):
    """The result of the first place alone."""
    ids, shape = cache
    dtable = np.zeros(shape)
    dtable[ids.flat[0]] = dy.reshape(-1, dy.shape[-1])[0]
    return dtable


def occurrences(dy, cache):
    """How often each word occurs, as a column."""
    ids, (V, _) = cache
    return np.bincount(ids.reshape(-1), minlength=V)[:, None]


EMBEDDING_BACKWARD = Exercise(
    "embedding_backward", LESSON, "backward of looking up", ("dtable",), embedding_backward,
    trials=(
        by_hand(np.array([[[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]]]), (IDS, TABLE.shape)),
        *for_each(ALL_IDS, lambda rng, ids: (3 * rng.normal(size=(*ids.shape, 6)), (ids, (5, 6)))),
    ),
    slips=(
        Slip(
            "the last one wins", overwritten, "for a word that occurs twice, only the last gradient survives",
            "It was used twice, so it gets two gradients, and they add up.",
        ),
        Slip(
            "the last one wins", added_in_one_go,
            "for a word that occurs twice in one row, only the last gradient survives",
            "dtable[ids] += … computes each place from its old value, once: np.add.at adds them all.",
        ),
        Slip(
            "too few rows", lambda dy, cache: embedding_backward(dy, cache)[: cache[0].max() + 1],
            "it ends with the last word that occurs", "The table has V rows: the cache holds its shape.",
        ),
        Slip(
            "cut off", lambda dy, cache: embedding_backward(np.trunc(dy), cache), "fractions were cut off",
            "np.zeros(shape, dtype=int) holds whole numbers only.",
        ),
        Slip(
            "looked up again", lambda dy, cache: embedding_backward(dy, cache)[cache[0]],
            "dtable was looked up with the ids", "Return the table itself: (V, D).",
        ),
        Slip(
            "sorted ids", lambda dy, cache: embedding_backward(dy, (np.sort(cache[0], axis=-1), cache[1])),
            "the ids were sorted", "Each place of dy belongs to the id in the same place.",
        ),
        Slip(
            "the largest", largest_of_each, "it is the largest of a word's gradients", "They add up.",
        ),
        Slip(
            "mean of a word's gradients",
            lambda dy, cache: embedding_backward(dy, cache) / np.sqrt(np.maximum(occurrences(dy, cache), 1)),
            "a word's gradients were divided by the root of how often it occurs", "They add up.",
        ),
        Slip(
            "forgot dy", counts, "it says how often each word occurs: dy is missing", "Add dy's rows, not ones.",
        ),
        Slip(
            "word 0 is nothing", lambda dy,
            cache: embedding_backward(dy, cache) * (np.arange(cache[1][0]) > 0)[:, None],
            "word 0 got no gradient", "It is a word like the others.",
        ),
        Slip(
            "first place only", first_place_only, "only the first place was added", "Is the `return` inside the loop?",
        ),
        Slip(
            "started with ones", lambda dy, cache: embedding_backward(dy, cache) + 1, "every number is 1 too large",
            "Start with zeros.",
        ),
        Slip(
            "the rows after", lambda dy, cache: np.roll(embedding_backward(dy, cache), 1, axis=0),
            "the gradients went to the rows after the right ones", "Ids count from 0.",
        ),
        Slip(
            "divided by the places", lambda dy, cache: embedding_backward(dy, cache) / cache[0].size,
            "it was divided by the number of places", "The gradients of a word add up.",
        ),
        Slip(
            "mean of a word's gradients",
            lambda dy, cache: embedding_backward(dy, cache) / np.maximum(occurrences(dy, cache), 1),
            "a word that occurs twice got the mean of its gradients", "They add up.",
        ),
        Slip(
            "shape of the ids", lambda dy, cache: dy, "it is dy itself", "dtable has the shape of the table.",
        ),
        Slip(
            "every row gets all", lambda dy, cache: np.zeros(cache[1]) + dy.sum(axis=tuple(range(dy.ndim - 1))),
            "every word got the gradients of all words", "Only words that were looked up get a gradient.",
        ),
        Slip(
            "counted from one",
            lambda dy, cache: np.roll(embedding_backward(dy, cache), -1, axis=0),
            "the gradients went to the rows before the right ones", "Ids count from 0.",
        ),
    ),
    sizes=lambda dy, cache: {"words": cache[0].size},
    difficulty=2, minutes=10,
)  # fmt: skip


def timestep_embedding(t, width):
    """[cos(t ω₀) …, sin(t ω₀) …] with ω_i = 10000^(-i / F), F = width / 2."""
    return packaged_timestep_embedding(t, width, dtype=np.float64)


def waves(t, width, first=np.cos, second=np.sin, exponent=lambda i, F: i / F, base=10000.0):
    """`timestep_embedding` with something else in one of its places."""
    F = width // 2
    angles = t[:, None] * base ** -exponent(np.arange(F), F)
    return np.concatenate([first(angles), second(angles)], axis=-1)


def times_and_width(rng, sizes):
    """t (N,) and the width: the first time is a whole number."""
    N, width = sizes
    return np.array([float(rng.integers(100, 1000)), *rng.uniform(0, 1000, N - 1)]), width


HALVES = "First the cosine of each wave, then the sine of each."
BESIDE = "Side by side: concatenate along the last axis."


def halves(change):
    """`timestep_embedding` with another way of putting the cosines and sines (N, F) together."""
    return lambda t, width: change(*np.split(waves(t, width), 2, axis=1))


TIMESTEP_EMBEDDING = Exercise(
    "timestep_embedding", LESSON, "the time as waves", ("embedding",), timestep_embedding,
    trials=(
        by_hand(np.array([0.0, np.pi, np.pi / 2]), 2),
        *for_each(((3, 8), (1, 6), (3, 8), (5, 2), (4, 12)), times_and_width),
    ),
    slips=(
        Slip(
            "sine first", lambda t, width: waves(t, width, np.sin, np.cos), "the sines stand before the cosines",
            "Here, as in DiT, the cosines come first. (For positions it is the other way round.)",
        ),
        Slip(
            "interleaved",
            lambda t, width: np.stack([waves(t, width)[:, : width // 2], waves(t, width)[:, width // 2 :]], -1).reshape(
                len(t), width
            ),
            "cosines and sines take turns", "First all cosines, then all sines.",
        ),
        Slip(
            "one frequency too few", lambda t, width: waves(t, width, exponent=lambda i, F: i / max(F - 1, 1)),
            "the frequencies fall a little too fast", "The exponent is −i / F, not −i / (F − 1).",
        ),
        Slip(
            "divided by the width", lambda t, width: waves(t, width, exponent=lambda i, F: i / (2 * F)),
            "the frequencies fall too slowly", "The exponent is −i / F, and F is half of the width.",
        ),
        Slip(
            "base 1000", lambda t, width: waves(t, width, base=1000.0), "the slowest wave is too fast",
            "The base is 10000.",
        ),
        Slip(
            "frequencies rise", lambda t, width: waves(t, width, exponent=lambda i, F: -i / F),
            "the frequencies rise instead of falling", "The exponent is negative.",
        ),
        Slip(
            "i counted from 1", lambda t, width: waves(t, width, exponent=lambda i, F: (i + 1) / F),
            "the frequencies begin with the second one", "i runs from 0, so that the first frequency is 1.",
        ),
        Slip(
            "exponents twice too large", lambda t, width: waves(t, width, exponent=lambda i, F: 2 * i / F),
            "the frequencies fall too fast", "The exponent is −i / F, not −2i / F.",
        ),
        Slip(
            "powers instead of roots", lambda t, width: waves(t, width, exponent=lambda i, F: i),
            "the frequencies fall much too fast", "The exponent is −i / F.",
        ),
        Slip(
            "base e", lambda t, width: waves(t, width, base=np.e), "the base is e", "The base is 10000.",
        ),
        Slip(
            "divided by F + 1", lambda t, width: waves(t, width, exponent=lambda i, F: i / (F + 1)),
            "the frequencies fall a little too slowly", "The exponent is −i / F.",
        ),
        *(
            Slip(name, lambda t, width, of=of: waves(of(t), width), says, "Take t as it is, on its scale to 1000.")
            for name, of, says in (
                ("time in reverse", lambda t: 1000 - t, "it is 1000 − t"),
                ("counted from 1", lambda t: t + 1, "it is t + 1"),
                ("minus", lambda t: -t, "it is −t"), ("rounded", np.round, "t was rounded"),
                ("times π", lambda t: np.pi * t, "there is a factor of π"),
                ("in degrees", np.deg2rad, "t was taken for degrees"),
                ("in degrees", np.rad2deg, "it was turned to degrees"),
                ("one time for all", lambda t: np.full(len(t), t.mean()), "all have the mean of the times"),
                ("times in reverse", lambda t: t[::-1], "the times are in reverse"),
            )
        ),
        Slip(
            "angles", lambda t, width: waves(t, width, lambda a: a, lambda a: a),
            "these are angles, without their waves",
            HALVES,
        ),
        Slip(
            "added instead of multiplied",
            lambda t, width: (lambda a: np.concatenate([np.cos(a), np.sin(a)], axis=-1))(
                t[:, None] + 10000.0 ** (-np.arange(width // 2) / (width // 2))
            ),
            "frequencies were added to the times", "An angle is time times frequency.",
        ),
        Slip(
            "times the frequency",
            lambda t, width: waves(t, width, exponent=lambda i, F: 0 * i)
            * np.tile(10000.0 ** (-np.arange(width // 2) / (width // 2)), 2),
            "the frequency stands outside of the wave", "cos(t · ω), not cos(t) · ω.",
        ),
        Slip(
            "powers of ten", lambda t, width: waves(t, width, exponent=lambda i, F: i / 4),
            "the frequencies are 1, 0.1, 0.01 and so on whatever the width",
            "That is so for F = 4. The exponent is −i / F.",
        ),
        Slip(
            "one frequency for all", lambda t, width: waves(t, width, exponent=lambda i, F: 0 * i),
            "all frequencies are 1", "Each pair of cosine and sine has a frequency of its own.",
        ),
        Slip(
            "from slow to fast", lambda t, width: waves(t, width, exponent=lambda i, F: (F - 1 - i) / F),
            "the waves run from slow to fast", "From fast to slow: the first frequency is 1.",
        ),
        Slip("times 2π", lambda t, width: waves(2 * np.pi * t, width), "there is a factor of 2π", "cos(t · ω)."),
        Slip(
            "times 1000", lambda t, width: waves(1000 * t, width), "t was multiplied by 1000",
            "t is on a scale from 0 to 1000 already.",
        ),
        Slip("cut off", lambda t, width: waves(np.trunc(t), width), "fractions of t were cut off", "Take t as it is."),
        Slip(
            "one time for all", lambda t, width: waves(np.full(len(t), t[0]), width), "all have the first time",
            "Each time has a row of its own.",
        ),
        Slip("cosines twice", lambda t, width: waves(t, width, second=np.cos), "the cosines stand there twice", HALVES),
        Slip("sines twice", lambda t, width: waves(t, width, first=np.sin), "the sines stand there twice", HALVES),
        Slip(
            "one below the other", halves(lambda cos, sin: np.concatenate([cos, sin])),
            "the sines stand below the cosines",
            BESIDE,
        ),
        Slip(
            "one below the other", halves(lambda cos, sin: np.concatenate([cos, sin]).T),
            "the sines were put below the cosines, and then it was transposed", BESIDE,
        ),
        Slip(
            "missing transpose", halves(lambda cos, sin: np.concatenate([cos, sin], axis=1).T), "it is transposed",
            "A row for each time: (N, width).",
        ),
        Slip(
            "t is not a column", halves(lambda cos, sin: np.concatenate([cos[:, 0], sin[:, 0]])),
            "each time met one frequency only", "t[:, None] against a row of frequencies gives (N, F).",
        ),
        Slip("one half only", halves(lambda cos, sin: cos), "the sines are missing", HALVES),
        Slip("one half only", halves(lambda cos, sin: sin), "the cosines are missing", HALVES),
        Slip("added", halves(lambda cos, sin: cos + sin), "cosines and sines were added", BESIDE),
        Slip(
            "twice as wide", lambda t, width: waves(t, 2 * width), "it is twice as wide", "F is half of the width.",
        ),
        Slip(
            "time between 0 and 1", lambda t, width: waves(t / 1000, width), "t was divided by 1000",
            "t is on a scale from 0 to 1000 already.",
        ),
    ),
    difficulty=2, minutes=10,
)  # fmt: skip


def pool_words_forward(x, mask):
    """The sum over the words that are there, and the cache (mask,)."""
    return (x * mask[..., None]).sum(axis=1), (mask,)


def pool_words_backward(dy, cache):
    """Every word that is there gets all of dy."""
    (mask,) = cache
    return dy[:, None] * mask[..., None]


WORDS = np.array([[[1.0, 2.0], [3.0, 4.0], [50.0, 60.0]]])  # B = 1, L = 3, D = 2
PRESENT = np.array([[True, True, False]])
# Two prompts of two words of two numbers: a mask or gradient without its new axis fits, so a check can say what it is.
TWO_OF_ALL = np.array([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [50.0, 60.0]]]), np.array([[True, True], [True, False]])


MASKS = (  # which words are there: padding behind, padding in front, holes, all words, one prompt
    [[1, 1, 1, 0], [1, 0, 0, 0]], [[0, 1, 1, 1], [0, 0, 1, 1]], [[1, 1, 1, 0], [1, 0, 0, 0]],
    [[1, 0, 1, 0, 1], [0, 1, 1, 0, 1]],
    [[1, 1], [1, 1], [1, 0], [0, 1]], [[1, 1, 0, 1]],
)  # fmt: skip


def words_and_mask(rng, mask):
    """x (B, L, 3) and the mask (B, L)."""
    mask = np.array(mask) > 0
    return rng.normal(size=(*mask.shape, 3)), mask


def gradient_and_mask(rng, mask):
    """dy (B, 3) and the cache of a forward."""
    return rng.normal(size=(len(mask), 3)), (np.array(mask) > 0,)


def first_words(mask):
    """As many words as there are, at the beginning."""
    return np.arange(mask.shape[1]) < mask.sum(axis=1, keepdims=True)


# What else becomes of a mask (B, L): slip, the other mask, what to say
OTHER_MASKS = (
    (
        "first words", first_words, "the first words were taken, as many as there are",
        "Padding may stand anywhere. True stands for a word that is there.",
    ),
    (
        "first words", lambda mask: mask.cumprod(axis=1) > 0, "it stops at the first place without a word",
        "Padding may stand in front, too: go on to the last place.",
    ),
    (
        "last place left out", lambda mask: mask & (np.arange(mask.shape[1]) < mask.shape[1] - 1),
        "the last place was left out", "range(n) ends at n − 1 by itself.",
    ),
    (
        "first place left out", lambda mask: mask & (np.arange(mask.shape[1]) > 0),
        "the first place was left out", "Python counts from 0.",
    ),
    (
        "one mask for all", lambda mask: np.broadcast_to(mask[:1], mask.shape), "all prompts got the first one's mask",
        "Each prompt has a mask of its own.",
    ),
    (
        "first prompt only", lambda mask: mask & (np.arange(len(mask)) == 0)[:, None], "only the first prompt is there",
        "Is the `return` inside the loop?",
    ),
    (
        "one word only", lambda mask: np.broadcast_to(np.arange(mask.shape[1]) == 0, mask.shape),
        "it is about the first word of each prompt only", "Every word is a term of the sum.",
    ),
    (
        "one word only", lambda mask: np.broadcast_to(np.arange(mask.shape[1]) == mask.shape[1] - 1, mask.shape),
        "it is about the last place of each prompt only", "Every word is a term of the sum: += adds, = forgets.",
    ),
    (
        "one word only", lambda mask: mask & (mask.cumsum(axis=1) == 1),
        "it is about the first word of each prompt only",
        "Every word is a term of the sum.",
    ),
    (
        "one word only", lambda mask: mask & (mask[:, ::-1].cumsum(axis=1)[:, ::-1] == 1),
        "it is about the last word of each prompt only", "Every word is a term of the sum: += adds, = forgets.",
    ),
    ("mask in reverse", lambda mask: mask[:, ::-1], "the mask is in reverse", "Each place has its own True or False."),
)  # fmt: skip


def slips_of_masks(wrong):
    """A slip for each of OTHER_MASKS: `wrong` takes a function of a mask, and the inputs."""
    return tuple(Slip(name, partial(wrong, other), *says) for name, other, *says in OTHER_MASKS)


POOL_WORDS_FORWARD = Exercise(
    "pool_words_forward", LESSON, "a prompt as one vector", ("y", "cache"), pool_words_forward,
    trials=(by_hand(*TWO_OF_ALL), by_hand(WORDS, PRESENT), *for_each(MASKS, words_and_mask)),
    slips=(
        Slip(
            "padding counted", lambda x, mask: (x.sum(axis=1), (mask,)), "the padding was added as well",
            "A prompt means the same, however it is padded.",
        ),
        Slip(
            "mean over all places", lambda x, mask: ((x * mask[..., None]).mean(axis=1), (mask,)),
            "it was divided by the number of places", "It is a plain sum.",
        ),
        Slip(
            "mean over the words",
            lambda x, mask: ((x * mask[..., None]).sum(axis=1) / mask.sum(axis=1)[:, None], (mask,)),
            "it was divided by the number of words", "It is a plain sum: a longer prompt may speak louder.",
        ),
        Slip(
            "padding instead of words", lambda x, mask: ((x * ~mask[..., None]).sum(axis=1), (mask,)),
            "only the padding was added", "True stands for a word that is there.",
        ),
        Slip(
            "summed over the width", lambda x, mask: ((x * mask[..., None]).sum(axis=2), (mask,)),
            "it was summed over the width", "Add words, not the numbers of a word.",
        ),
        *(
            Slip(name, lambda x, mask, y=y: (y(x * mask[..., None], x, mask), (mask,)), says, because)
            for name, y, says, because in (
                (
                    "summed over the prompts", lambda words, x, mask: words.sum(axis=0),
                    "it was summed over the prompts",
                    "Add the words of a prompt: axis 1.",
                ),
                (
                    "summed over the prompts", lambda words, x, mask: words.sum(axis=(0, 1)),
                    "all words of all prompts were added up", "Each prompt has a vector of its own.",
                ),
                ("largest", lambda words, x, mask: words.max(axis=1), "it is the largest, not the sum", "Add them up."),
                (
                    "scaled down", lambda words, x,
                    mask: words.sum(axis=1) / np.sqrt(np.maximum(mask.sum(axis=1), 1))[:, None],
                    "it was divided by the root of the number of words", "It is a plain sum.",
                ),
                (
                    "scaled down", lambda words, x, mask: words.sum(axis=1) / mask.sum(),
                    "it was divided by the number of all words of all prompts", "It is a plain sum.",
                ),
                (
                    "words not added", lambda words, x, mask: x[mask], "the words were picked, but not added up",
                    "Sum over axis 1.",
                ),
                (
                    "words not added", lambda words, x, mask: words.cumsum(axis=1), "these are sums up to each word",
                    "cumsum keeps every step; sum keeps only the last.",
                ),
                (
                    "mask added", lambda words, x, mask: (x + mask[..., None]).sum(axis=1), "the mask was added",
                    "Multiply by it: False times a number is 0.",
                ),
                (
                    "1 for padding", lambda words, x, mask: np.where(mask[..., None], x, 1).sum(axis=1),
                    "padding counts as 1",
                    "It counts as 0.",
                ),
                (
                    "largest", lambda words, x, mask: np.where(mask[..., None], x, -np.inf).max(axis=1),
                    "it is the largest, not the sum", "Add them up.",
                ),
                (
                    "padding counted", lambda words, x, mask: x.mean(axis=1),
                    "it is the mean of everything, padding too",
                    "It is a plain sum, of the words only.",
                ),
                (
                    "without its signs", lambda words, x, mask: abs(words).sum(axis=1), "the signs are lost",
                    "Add the numbers as they are.",
                ),
                (
                    "scaled down", lambda words, x, mask: x.sum(axis=1) * mask.sum(axis=1)[:, None] / mask.shape[1],
                    "all places were added, and then scaled by the share of words", "Padding stands for nothing.",
                ),
                (
                    "negative numbers lost", lambda words, x, mask: np.maximum(words, 0).sum(axis=1),
                    "negative numbers were left out", "Add them all, whatever their sign.",
                ),
                (
                    "words not added", lambda words, x, mask: words, "the words were not added up", "Sum over axis 1.",
                ),
            )
        ),
        Slip(
            "kept the padding", lambda x, mask: ((x * mask[..., None]).sum(axis=1), (~mask,)),
            "it is true where there is padding", "Keep the mask as it came.",
        ),
        Slip(
            "a new axis is missing", lambda x, mask: ((x * mask).sum(axis=1), (mask,)),
            "the mask was laid along the words and their numbers", "It lacks the axis of the width: mask[..., None].",
        ),
        Slip(
            "a new axis is missing", lambda x, mask: ((x * mask[:, None]).sum(axis=1), (mask,)),
            "the mask was laid along the numbers of each word", "Its new axis belongs at the end: mask[..., None].",
        ),
        *slips_of_masks(lambda other, x, mask: ((x * other(mask)[..., None]).sum(axis=1), (mask,))),
    ),
    sizes=lambda x, mask: {"places": mask.shape[1]},
    difficulty=2, minutes=6,
)  # fmt: skip

POOL_WORDS_BACKWARD = Exercise(
    "pool_words_backward", LESSON, "backward of pooling", ("dx",), pool_words_backward,
    trials=(
        by_hand(np.array([[5.0, 7.0], [1.0, 2.0]]), TWO_OF_ALL[1:]),
        by_hand(np.array([[5.0, 7.0]]), (PRESENT,)),
        *for_each(MASKS, gradient_and_mask),
    ),
    slips=(
        Slip(
            "padding learns", lambda dy, cache: np.broadcast_to(dy[:, None], (*cache[0].shape, dy.shape[-1])),
            "padding got a gradient, too", "What was not added can't have changed the sum.",
        ),
        Slip(
            "shared out", lambda dy, cache: pool_words_backward(dy, cache) / cache[0].sum(axis=1)[:, None, None],
            "dy was divided among the words",
            "A sum passes the whole gradient to each of its terms. A mean would divide it.",
        ),
        Slip(
            "shared out", lambda dy, cache: pool_words_backward(dy, cache) / cache[0].shape[1],
            "dy was divided among the places",
            "A sum passes the whole gradient to each of its terms. A mean would divide it.",
        ),
        Slip(
            "times the words", lambda dy, cache: pool_words_backward(dy, cache) * cache[0].sum(axis=1)[:, None, None],
            "it was multiplied by the number of words", "Each word gets dy once.",
        ),
        Slip(
            "forgot dy", lambda dy, cache: pool_words_backward(np.ones_like(dy), cache),
            "it is the mask alone, without dy",
            "The gradient is dy where there is a word.",
        ),
        *(
            Slip(
                "a new axis is missing", lambda dy, cache, of=of: of(dy, cache[0]), says,
                "dy (B, 1, D) times mask (B, L, 1): dy[:, None] * mask[..., None].",
            )
            for of, says in (
                (lambda dy, mask: dy * mask, "both lack their new axis"),
                (lambda dy, mask: dy * mask[..., None], "dy lacks the axis of the words"),
                (lambda dy, mask: dy[:, None] * mask, "the mask lacks the axis of the width"),
                (lambda dy, mask: dy[:, None] * mask[:, None], "the mask's new axis stands in the middle"),
                (lambda dy, mask: dy[..., None] * mask[..., None], "dy's new axis stands at the end"),
            )
        ),
        Slip(
            "mask added", lambda dy, cache: dy[:, None] + cache[0][..., None], "the mask was added", "Multiply by it.",
        ),
        Slip(
            "1 for padding", lambda dy, cache: np.where(cache[0][..., None], dy[:, None], 1), "padding got a 1",
            "It gets 0.",
        ),
        Slip(
            "words alone", lambda dy, cache: pool_words_backward(dy, cache)[cache[0]], "only the words are there",
            "Padding keeps its place, with zeros: (B, L, D).",
        ),
        Slip(
            "shared out", lambda dy, cache: pool_words_backward(dy, cache) / cache[0].sum(),
            "dy was divided among the words of all prompts", "A sum passes the whole gradient to each of its terms.",
        ),
        Slip(
            "no axis for the words", lambda dy, cache: dy[:, None], "there is one place for all words",
            "Multiply by the mask (B, L, 1): it makes a copy for each place.",
        ),
        Slip(
            "gave back dy", lambda dy, cache: dy, "it is dy itself", "Every word gets a copy: (B, L, D).",
        ),
        Slip(
            "gradients of other prompts", lambda dy, cache: pool_words_backward(dy[::-1], cache),
            "the prompts are in reverse", "dy[b] belongs to prompt b.",
        ),
        Slip(
            "gradients of other prompts", lambda dy,
            cache: pool_words_backward(np.full_like(dy, 1) * dy.mean(axis=0), cache),
            "all prompts got the mean of dy", "dy[b] belongs to prompt b.",
        ),
        Slip(
            "gradients of other prompts", lambda dy,
            cache: pool_words_backward(np.full_like(dy, 1) * dy.sum(axis=0), cache),
            "all prompts got the sum of dy", "dy[b] belongs to prompt b.",
        ),
        *slips_of_masks(lambda other, dy, cache: dy[:, None] * other(cache[0])[..., None]),
        Slip(
            "mask the wrong way round", lambda dy, cache: dy[:, None] * ~cache[0][..., None],
            "the padding got the gradient, and the words none", "True stands for a word that is there.",
        ),
    ),
    sizes=lambda dy, cache: {"places": cache[0].shape[1]},
    difficulty=1, minutes=6,
)  # fmt: skip

EXERCISES = (
    STEP_5, EMBEDDING_FORWARD, TIMESTEP_EMBEDDING, POOL_WORDS_FORWARD, EMBEDDING_BACKWARD, POOL_WORDS_BACKWARD,
)  # fmt: skip
