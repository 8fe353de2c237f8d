"""Lesson 8, self-attention: scores, softmax, and the way back through both."""

import numpy as np

from minidit import worksheet
from minidit.course.exercise import Exercise, Numbers, Slip, Trial, at_random, by_hand
from minidit.reference import softmax_backward, softmax_forward

# T = tokens that ask, S = tokens that are asked, d = numbers of a query or key, D = weights of one row


def swap(x):
    """Rows and columns exchanged, whatever axes stand before them."""
    return x.swapaxes(-1, -2)


# ------------------------------------------------------------------------------------------ 8.1 the worksheet's scores

SHEET = worksheet.solve()


def entry_of_attention(index):
    """How to compute an entry of the worksheet's attention matrix."""
    row, column = index
    return (
        f"Row {row}, column {column} is key {row} · query {column}, counted from 0: "
        "multiply the two columns number by number, and add the products."
    )


STEP_8_ATTENTION = Numbers(
    name="step_8_attention",
    lesson=8,
    title="the attention matrix by hand",
    expected=lambda: SHEET.attention,
    explain=entry_of_attention,
    slips=(
        Slip(
            "queries in rows", lambda: SHEET.attention.T,
            "these are the right numbers, but each row belongs to a query and each column to a key",
            "On the worksheet a row belongs to a key and a column to a query.",
        ),
        Slip(
            "queries with queries", lambda: SHEET.queries.T @ SHEET.queries,
            "each query was compared with the queries, not with the keys",
            "A matrix that equals its own transpose is a sign: who asks and who answers differ here.",
        ),
        Slip(
            "keys with keys", lambda: SHEET.keys.T @ SHEET.keys,
            "each key was compared with the keys, not with the queries",
            "A matrix that equals its own transpose is a sign: who asks and who answers differ here.",
        ),
        Slip(
            "without the weights", lambda: SHEET.conditioned.T @ SHEET.conditioned,
            "the latents were compared as they are",
            "Both weight matrices come first: queries and keys are what the products are taken of.",
        ),
    ),
    difficulty=1,
    minutes=8,
)

# ------------------------------------------------------------------------------------------ 8.2 and 8.4 the scores


def scores(q, k, scale=None):
    """q kᵀ / √d and the cache."""
    return q @ swap(k) * (q.shape[-1] ** -0.5 if scale is None else scale), (q, k)


def q_and_k(*sizes):
    """Makes random q (…, T, d) and k (…, S, d)."""
    *leading, T, S, d = sizes
    return lambda rng: (rng.normal(size=(*leading, T, d)), rng.normal(size=(*leading, S, d)))


ATTENTION_SCORES_FORWARD = Exercise(
    name="attention_scores_forward",
    lesson=8,
    title="scores of queries and keys",
    outputs=("scores", "cache"),
    reference=scores,
    trials=(
        by_hand(
            np.array([[2.0, 0, 1, 1], [0, 1, -1, 2]]),
            np.array([[1.0, 1, 0, 2], [2, 0, 4, 0], [0, 2, 2, 0]]),
        ),
        at_random(q_and_k(3, 4, 5)),
        Trial("several heads", q_and_k(2, 3, 4, 6, 5)),
    ),
    slips=(
        Slip(
            "forgot 1/√d", lambda q, k: scores(q, k, 1.0),
            "they are not divided by √d",
            "A product of two long rows is large just because it has many terms: what undoes that?",
        ),
        Slip(
            "divided by d", lambda q, k: scores(q, k, 1 / q.shape[-1]),
            "they are divided by d, not by its square root",
            "The terms of a dot product partly cancel: the sum of d of them grows as √d.",
        ),
        Slip(
            "multiplied by √d", lambda q, k: scores(q, k, q.shape[-1] ** 0.5),
            "they are multiplied by √d",
            "Scaling is there to make them smaller.",
        ),
        Slip(
            "√ of the number of tokens", lambda q, k: scores(q, k, q.shape[-2] ** -0.5),
            "they are divided by √T, the number of queries",
            "How many numbers does one query have? That is the last axis of q.",
        ),
        Slip(
            "√ of the number of keys", lambda q, k: scores(q, k, k.shape[-2] ** -0.5),
            "they are divided by √S, the number of keys",
            "How many numbers does one key have? That is the last axis of k.",
        ),
        Slip(
            "keys ask", lambda q, k: (swap(scores(q, k)[0]), (q, k)),
            "each row belongs to a key; here it should belong to a query",
            "The worksheet has a row per key. From here on, every query has a row: T rows, S columns.",
        ),
    ),
    sizes=lambda q, k: {"numbers in a query": q.shape[-1], "queries": q.shape[-2], "keys": k.shape[-2]},
    difficulty=1,
    minutes=6,
)


def scores_backward(dscores, cache, q_scale=None, k_scale=None):
    """dq and dk; the scales are 1/√d unless others are given."""
    q, k = cache
    scale = q.shape[-1] ** -0.5
    dq = dscores @ k * (scale if q_scale is None else q_scale)
    return dq, swap(dscores) @ q * (scale if k_scale is None else k_scale)


def dscores_and_cache(*sizes):
    """Makes random dscores (…, T, S) and a cache of q and k."""
    *leading, T, S, _ = sizes
    make = q_and_k(*sizes)
    return lambda rng: (rng.normal(size=(*leading, T, S)), make(rng))


def over_root_d(result, cache):
    """Gradients, with 1/√d."""
    return tuple(array * cache[0].shape[-1] ** -0.5 for array in result)


ATTENTION_SCORES_BACKWARD = Exercise(
    name="attention_scores_backward",
    lesson=8,
    title="back through the scores",
    outputs=("dq", "dk"),
    reference=scores_backward,
    trials=(
        # As many queries as keys, so that a missing transpose still multiplies and can be named.
        by_hand(
            np.array([[2.0, 4], [-2, 6]]),
            (np.array([[2.0, 0, 1, 1], [0, 1, -1, 2]]), np.array([[1.0, 1, 0, 2], [2, 0, 4, 0]])),
        ),
        at_random(dscores_and_cache(3, 4, 5)),
        Trial("several heads", dscores_and_cache(2, 3, 4, 6, 5)),
    ),
    slips=(
        Slip(
            "forgot 1/√d", lambda dscores, cache: scores_backward(dscores, cache, 1.0, 1.0),
            "the scores were divided by √d on the way forward, and their gradient was not on the way back",
            "A constant factor of the forward is a factor of the backward too.",
        ),
        Slip(
            "1/√d for one of the two", lambda dscores, cache: scores_backward(dscores, cache, None, 1.0),
            "it misses the 1/√d that dq has",
            "The factor belongs to the product. Both q and k see it.",
        ),
        Slip(
            "1/√d for one of the two", lambda dscores, cache: scores_backward(dscores, cache, 1.0, None),
            "it misses the 1/√d that dk has",
            "The factor belongs to the product. Both q and k see it.",
        ),
        Slip(
            "divided by d",
            lambda dscores, cache: scores_backward(dscores, cache, *2 * [1 / cache[0].shape[-1]]),
            "it is divided by d, not by its square root: perhaps by √d twice",
            "Each gradient goes through the scaling once.",
        ),
        Slip(
            "multiplied by √d",
            lambda dscores, cache: scores_backward(dscores, cache, *2 * [cache[0].shape[-1] ** 0.5]),
            "it is multiplied by √d",
            "The backward of a factor is the same factor, not its inverse.",
        ),
        Slip(
            "missing transpose",
            lambda dscores, cache: over_root_d((dscores @ cache[1], dscores @ cache[0]), cache),
            "it adds up along the wrong axis of dscores",
            "A key belongs to a *column* of the scores: sum over the queries. With as many queries as keys, the "
            "shapes don't show this.",
        ),
        Slip(
            "missing transpose",
            lambda dscores, cache: over_root_d((swap(dscores) @ cache[1], swap(dscores) @ cache[0]), cache),
            "it adds up along the wrong axis of dscores",
            "A query belongs to a *row* of the scores: sum over the keys. With as many queries as keys, the "
            "shapes don't show it.",
        ),
        Slip(
            "q and k exchanged",
            lambda dscores, cache: over_root_d((dscores @ cache[0], swap(dscores) @ cache[1]), cache),
            "the gradient of the query is made of queries",
            "In a product, the slope towards one factor is the *other* factor.",
        ),
    ),
    sizes=lambda dscores, cache: {"numbers in a query": cache[0].shape[-1]},
    difficulty=2,
    minutes=10,
)

# ------------------------------------------------------------------------------------------ 8.3 softmax


def both(y):
    """y and the cache that holds it."""
    return y, (y,)


def large_numbers(rng):
    """Rows whose exponentials overflow, or are all zero, unless each row's own maximum is subtracted."""
    return (np.array([[1000.0, 1001, 999, 1000], [-1000, -1000, -1002, -1001], [0, 800, -800, 799]]),)


def masked(rng):
    """Scores with some keys masked: minus infinity."""
    x = rng.normal(size=(2, 3, 4))
    x[0, :, 3] = x[1, :, 0] = x[1, :, 2] = -np.inf
    return (x,)


SOFTMAX_FORWARD = Exercise(
    name="softmax_forward",
    lesson=8,
    title="softmax",
    outputs=("y", "cache"),
    reference=softmax_forward,
    trials=(
        by_hand(np.log([[1.0, 2, 1], [3, 1, 4]])),
        at_random(lambda rng: (rng.normal(size=(2, 3, 4)),)),
        Trial("large numbers", large_numbers),
        Trial("masked keys", masked),
    ),
    slips=(
        Slip(
            "wrong axis", lambda x: both(swap(softmax_forward(swap(x))[0])),
            "its columns add up to one, not its rows",
            "A row holds the scores of one query, and a query shares out its attention: use the last axis.",
        ),
        Slip(
            "one sum for all", lambda x: both(np.exp(x - x.max()) / np.exp(x - x.max()).sum()),
            "all of it together adds up to one, not each row",
            "Each row is a question of its own: add along the last axis, and keep that axis to divide by it.",
        ),
        Slip(
            "not stabilised", lambda x: both(np.exp(x) / np.exp(x).sum(-1, keepdims=True)),
            "the exponentials overflow",
            "Adding a constant to all scores of a row changes no weight. Which one makes the largest of them zero?",
        ),
        Slip(
            "one maximum for all", lambda x: both(np.exp(x - x.max()) / np.exp(x - x.max()).sum(-1, keepdims=True)),
            "a row far below the overall maximum underflows to all zeros",
            "Each row needs its own maximum.",
        ),
        Slip(
            "not divided", lambda x: both(np.exp(x - x.max(-1, keepdims=True))),
            "its rows don't add up to one",
            "The exponentials are right. By what do you divide them?",
        ),
        Slip(
            "forgot the exponential", lambda x: both(x / x.sum(-1, keepdims=True)),
            "the scores themselves were divided by their sum",
            "Scores may be negative, weights may not: first the exponential, then the division.",
        ),
        Slip(
            "sigmoid", lambda x: both(1 / (1 + np.exp(-x))),
            "each number was squashed by itself",
            "The weights of a row compete: raising one score lowers all others.",
        ),
        Slip(
            "x in the cache", lambda x: (softmax_forward(x)[0], (x,)),
            "it is x",
            "The backward needs only the weights, so the cache holds only them.",
        ),
    ),
    sizes=lambda x: {"weights in a row": x.shape[-1]},
    difficulty=2,
    minutes=8,
)

# ------------------------------------------------------------------------------------------ 8.5 softmax, the long way


def jacobian(y):
    """Slope of weight i with score j, for one row."""
    return np.diag(y) - np.outer(y, y)


SOFTMAX_JACOBIAN = Exercise(
    name="softmax_jacobian",
    lesson=8,
    title="the slopes of one row of softmax",
    outputs=("slopes",),
    reference=jacobian,
    trials=(
        by_hand(np.array([0.25, 0.5, 0.25])),
        at_random(lambda rng: (softmax_forward(rng.normal(size=5))[0],)),
    ),
    slips=(
        Slip(
            "only the shared sum", lambda y: -np.outer(y, y),
            "its diagonal misses a term",
            "A score also raises its own weight directly, not only through the sum that all share.",
        ),
        Slip(
            "only its own weight", lambda y: np.diag(y * (1 - y)),
            "it is zero off the diagonal",
            "All weights share one sum: raising one score lowers all the other weights.",
        ),
        Slip(
            "only the diagonal", lambda y: y * (1 - y),
            "this is only the diagonal",
            "Every score moves every weight: there is a row per weight and a column per score.",
        ),
        Slip(
            "not through the sum", lambda y: np.diag(y),
            "the sum was treated as a constant",
            "Every score is in the sum that divides all weights.",
        ),
        Slip(
            "forgot the outer factor", lambda y: np.eye(len(y)) - y[None, :],
            "it is δ - y: a factor is missing",
            "Every slope of weight i is proportional to weight i itself.",
        ),
        Slip(
            "plus instead of minus", lambda y: np.diag(y) + np.outer(y, y),
            "the terms of the shared sum have the wrong sign",
            "The sum stands below the line: when it grows, the weights shrink.",
        ),
        Slip(
            "y of the same row", lambda y: y[:, None] * (np.eye(len(y)) - y[:, None]),
            "entry [i, j] has yᵢ twice where one of them should be yⱼ",
            "Which of the two axes belongs to the weight, and which to the score that is moved?",
        ),
    ),
    sizes=lambda y: {"weights in a row": len(y)},
    difficulty=2,
    minutes=8,
)

# ------------------------------------------------------------------------------------------ 8.6 softmax, the short way


def dy_and_weights(rng):
    """Random dy and a cache of weights."""
    return rng.normal(size=(2, 3, 4)), softmax_forward(rng.normal(size=(2, 3, 4)))[1]


def dy_and_masked_weights(rng):
    """Random dy and a cache of weights, some exactly zero."""
    return rng.normal(size=(2, 3, 4)), softmax_forward(*masked(rng))[1]


SOFTMAX_BACKWARD = Exercise(
    name="softmax_backward",
    lesson=8,
    title="back through softmax",
    outputs=("dx",),
    reference=softmax_backward,
    trials=(
        by_hand(np.array([[4.0, 0, 8], [8, 0, 8]]), (np.array([[0.25, 0.5, 0.25], [0.125, 0.375, 0.5]]),)),
        at_random(dy_and_weights),
        Trial("masked keys", dy_and_masked_weights),
    ),
    slips=(
        Slip(
            "only its own weight", lambda dy, cache: dy * cache[0] * (1 - cache[0]),
            "each score moved only its own weight",
            "y(1 - y) is the diagonal of the slopes. The other entries are not zero: all weights share one sum.",
        ),
        Slip(
            "not through the sum", lambda dy, cache: dy * cache[0],
            "the sum that all weights share was treated as a constant",
            "Only the difference from the average counts: what do you subtract from dy?",
        ),
        Slip(
            "plain mean", lambda dy, cache: cache[0] * (dy - dy.mean(-1, keepdims=True)),
            "the plain mean of dy was subtracted",
            "The average that counts is weighted: by y.",
        ),
        Slip(
            "mean instead of sum",
            lambda dy, cache: cache[0] * (dy - (dy * cache[0]).mean(-1, keepdims=True)),
            "what is subtracted is too small by the length of a row",
            "The weights add up to one already: their average needs no further division.",
        ),
        Slip(
            "wrong axis", lambda dy, cache: cache[0] * (dy - (dy * cache[0]).sum(-2, keepdims=True)),
            "the average was taken down the columns",
            "The weights of one row share a sum; those of a column have nothing to do with each other.",
        ),
        Slip(
            "one sum for all", lambda dy, cache: cache[0] * (dy - (dy * cache[0]).sum()),
            "one average was subtracted from all rows",
            "Each row has its own: add along the last axis, and keep that axis.",
        ),
        Slip(
            "forgot the outer factor", lambda dy, cache: dy - (dy * cache[0]).sum(-1, keepdims=True),
            "a factor y is missing",
            "Every slope of the long version begins with yᵢ. A weight of zero must come out with a gradient of zero.",
        ),
        Slip(
            "plus instead of minus", lambda dy, cache: cache[0] * (dy + (dy * cache[0]).sum(-1, keepdims=True)),
            "the average was added",
            "The sum stands below the line: when it grows, the weights shrink.",
        ),
        Slip(
            "forgot dy", lambda dy, cache: cache[0] * (1 - cache[0]),
            "it does not depend on dy",
            "The chain rule: slopes times the gradient that came in.",
        ),
    ),
    sizes=lambda dy, cache: {"weights in a row": dy.shape[-1]},
    difficulty=3,
    minutes=10,
)

EXERCISES = (
    STEP_8_ATTENTION,
    ATTENTION_SCORES_FORWARD,
    SOFTMAX_FORWARD,
    ATTENTION_SCORES_BACKWARD,
    SOFTMAX_JACOBIAN,
    SOFTMAX_BACKWARD,
)
