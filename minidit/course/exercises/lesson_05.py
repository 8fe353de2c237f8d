"""Lesson 5: words and the time become numbers."""

from functools import partial

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, at_random, by_hand
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
    ),
    minutes=3,
)  # fmt: skip


def embedding_forward(ids, table):
    """y = table[ids], and the cache (ids, table.shape)."""
    return table[ids], (ids, table.shape)


TABLE = np.array([[0.0, 10.0], [1.0, 11.0], [2.0, 12.0], [3.0, 13.0]])  # V = 4, D = 2
IDS = np.array([[1, 3, 1]])


ALL_IDS = (  # of a vocabulary of 5, with a word that occurs twice; the last word is there or isn't
    np.array([[1, 4, 1], [0, 3, 4]]), np.array([2, 0, 2, 3, 0, 0, 1]), np.array([[[1, 1, 0, 2]], [[3, 0, 0, 1]]]),
)  # fmt: skip


def sentences(rng, ids):
    """These ids, and the table (5, 6)."""
    return ids, rng.normal(size=(5, 6))


EMBEDDING_FORWARD = Exercise(
    "embedding_forward", LESSON, "looking words up", ("y", "cache"), embedding_forward,
    trials=(by_hand(IDS, TABLE), *(at_random(partial(sentences, ids=ids)) for ids in ALL_IDS)),
    slips=(
        Slip(
            "columns instead of rows", lambda ids, table: (table.T[ids % len(table.T)], (ids, table.shape)),
            "columns were looked up", "A word's vector is a row of the table.",
        ),
        Slip(
            "counted from one", lambda ids, table: (table[ids - 1], (ids, table.shape)),
            "the rows are those before the right ones", "Ids count from 0, like everything in Python.",
        ),
        Slip(
            "sorted ids", lambda ids, table: (table[np.sort(ids, axis=-1)], (ids, table.shape)),
            "the words are not in the order of the prompt", "Keep the ids as they are.",
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


def overwritten(dy, cache, add=False):
    """The result if rows are assigned, or added so that a word that occurs twice counts once."""
    ids, shape = cache
    dtable = np.zeros(shape)
    if add:
        dtable[ids] += dy
    else:
        dtable[ids] = dy
    return dtable


def occurrences(dy, cache):
    """How often each word occurs, as a column."""
    ids, (V, _) = cache
    return np.bincount(ids.reshape(-1), minlength=V)[:, None]


EMBEDDING_BACKWARD = Exercise(
    "embedding_backward", LESSON, "backward of looking up", ("dtable",), embedding_backward,
    trials=(
        by_hand(np.array([[[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]]]), (IDS, TABLE.shape)),
        *(at_random(lambda rng, ids=ids: (rng.normal(size=(*ids.shape, 6)), (ids, (5, 6)))) for ids in ALL_IDS),
    ),
    slips=(
        Slip(
            "the last one wins", overwritten, "for a word that occurs twice, only the last gradient survives",
            "It was used twice, so it gets two gradients, and they add up.",
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


TIMESTEP_EMBEDDING = Exercise(
    "timestep_embedding", LESSON, "the time as waves", ("embedding",), timestep_embedding,
    trials=(
        by_hand(np.array([0.0, np.pi, np.pi / 2]), 2),
        at_random(lambda rng: (rng.uniform(0, 1000, 3), 8)),
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


def padded(rng):
    """Words (2, 4, 3), some of them padding."""
    return rng.normal(size=(2, 4, 3)), np.array([[True, True, True, False], [True, False, False, False]])


POOL_WORDS_FORWARD = Exercise(
    "pool_words_forward", LESSON, "a prompt as one vector", ("y", "cache"), pool_words_forward,
    trials=(by_hand(WORDS, PRESENT), at_random(padded)),
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
    ),
    sizes=lambda x, mask: {"places": mask.shape[1]},
    difficulty=2, minutes=6,
)  # fmt: skip

POOL_WORDS_BACKWARD = Exercise(
    "pool_words_backward", LESSON, "backward of pooling", ("dx",), pool_words_backward,
    trials=(
        by_hand(np.array([[5.0, 7.0]]), (PRESENT,)),
        at_random(lambda rng: (rng.normal(size=(2, 3)), (padded(rng)[1],))),
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
            "first word only",
            lambda dy, cache: pool_words_backward(dy, cache) * (np.arange(cache[0].shape[1]) == 0)[:, None],
            "only the first word got a gradient", "Every word is a term of the sum.",
        ),
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
