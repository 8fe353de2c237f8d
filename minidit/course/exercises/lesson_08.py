"""Lesson 8, self-attention: scores, softmax, and the way back through both."""

import numpy as np

from minidit import worksheet
from minidit.course.exercise import Exercise, Numbers, Slip, Trial, by_hand, for_each
from minidit.course.formulas import Formula, Slips
from minidit.course.trials import in_float32
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


WEIGHTS_FIRST = "Both weight matrices come first: queries and keys are what the products are taken of."
UPPER_WITH_UPPER = "In a product of two columns, the upper number meets the upper, the lower the lower."
EACH_WITH_EACH = "Compare each key with each query: that makes four rows of four."

STEP_8_ATTENTION = Numbers(
    name="step_8_attention",
    lesson=8,
    title="the attention matrix by hand",
    expected=lambda: SHEET.attention,
    explain=entry_of_attention,
    slips=Slips(
        Formula(
            "T(k) @ q",
            lambda wrong: lambda: wrong(k=SHEET.keys, q=SHEET.queries, x=SHEET.conditioned),
            samples=({"k": SHEET.keys, "q": SHEET.queries, "x": SHEET.conditioned},),
            functions={"T": swap, "other": lambda rows: rows[::-1], "minus": lambda x: np.stack([x[0], x[0] - x[1]]),
             "off": lambda x: np.stack([x[0], x[1] - x[0]])},
            said=(
                (
                    "T(q) @ k", "queries in rows",
                    "these are the right numbers, but each row belongs to a query and each column to a key",
                    "On the worksheet a row belongs to a key and a column to a query.",
                ),
                (
                    "T(q) @ q", "queries with queries", "each query was compared with the queries, not with the keys",
                    "A matrix that equals its own transpose is a sign: who asks and who answers differ here.",
                ),
                (
                    "T(k) @ k", "keys with keys", "each key was compared with the keys, not with the queries",
                    "A matrix that equals its own transpose is a sign: who asks and who answers differ here.",
                ),
                ("T(x) @ x", "without the weights", "the latents were compared as they are", WEIGHTS_FIRST),
                ("T(x) @ q", "without the weights", "the latents were compared with the queries", WEIGHTS_FIRST),
                ("T(k) @ x", "without the weights", "the keys were compared with the latents", WEIGHTS_FIRST),
                ("T(other(k)) @ q", "rows swapped", "the two rows of the keys have changed places", UPPER_WITH_UPPER),
                *(
                    (
                        f"T({what}) @ q", "difference instead of sum",
                        "the lower numbers of the keys are differences of the two rows of X",
                        "The lower row of W_k is 1, 1: it adds them.",
                    )
                    for what in ("minus(x)", "off(x)")
                ),
                (
                    "T(k) @ q / 2 ** 0.5", "divided by √d", "they were divided by √2",
                    "That comes in 8.2. On the worksheet a product is left as it is.",
                ),
                ("k", "not compared", "these are the keys themselves", EACH_WITH_EACH),
                ("q", "not compared", "these are the queries themselves", EACH_WITH_EACH),
            ),
        ),
    ),
    difficulty=1,
    minutes=8,
)

# ------------------------------------------------------------------------------------------ 8.2 and 8.4 the scores


def scores(q, k):
    """q kᵀ / √d and the cache."""
    return q @ swap(k) * q.shape[-1] ** -0.5, (q, k)


def with_scores(wrong):
    """A slip with other scores, by a formula."""
    return lambda q, k: (wrong(q=q, k=k, **lengths_of(q, k)), (q, k))


def lengths_of(q, k):
    """d, and lengths that might be taken for it."""
    return {"d": q.shape[-1], "queries": q.shape[-2], "keys": k.shape[-2], "first": q.shape[0], "second": q.shape[1]}


def q_and_k(rng, size):
    """Random q (…, T, d) and k (…, S, d)."""
    leading, (T, S, d) = size
    return rng.normal(size=(*leading, T, d)), rng.normal(size=(*leading, S, d))


# Axes in front, and T, S, d: one query or key too, as many of them as of the others, and more, and fewer. The first has
# no two lengths that are equal, or 2 or 4.
SIZES = (
    ((2, 3), (5, 6, 7)), ((), (3, 4, 5)), ((2,), (6, 3, 5)), ((3, 2, 4), (5, 6, 7)), ((3,), (1, 5, 7)), ((), (5, 1, 3)),
    ((), (5, 5, 3)),
)  # fmt: skip


def samples(*more):
    """Variables of formulas about scores: T and S different, and equal. `more` are names of variables (…, T, S)."""
    found = []
    for size in (SIZES[0], SIZES[-1]):
        rng = np.random.default_rng(8)
        q, k = q_and_k(rng, size)
        found.append({"q": q, "k": k} | lengths_of(q,
         k) | {name: rng.normal(size=scores(q, k)[0].shape) for name in more})
    return tuple(found)


MATRICES = {"T": swap, "softmax": lambda x: softmax_forward(x)[0]}
ASIDE = "Scaling is there to make them smaller."
LAST_OF_Q = "How many numbers does one query have? That is the last axis of q."

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
        *for_each(SIZES, q_and_k),
        *map(in_float32, for_each(SIZES[:1], q_and_k)),
    ),
    slips=Slips(
        Formula(
            "q @ T(k) / d ** 0.5", with_scores, samples(), MATRICES, forms=("q @ T(k) * d ** -0.5",),
            said=(
                (
                    "q @ T(k)", "forgot 1/√d", "they are not divided by √d",
                    "A product of two long rows is large just because it has many terms: what undoes that?",
                ),
                (
                    "q @ T(k) / d", "divided by d", "they are divided by d, not by its square root",
                    "The terms of a dot product partly cancel: the sum of d of them grows as √d.",
                ),
                ("q @ T(k) * sqrt(d)", "multiplied by √d", "they are multiplied by √d", ASIDE),
                ("q @ T(k) * d", "multiplied by √d", "they are multiplied by d", ASIDE),
                ("q @ T(k) / d ** 2", "divided by d", "they are divided by d², not by the root of d", ASIDE),
                (
                    "q @ T(k) / sqrt(queries)", "√ of the number of tokens",
                    "they are divided by √T, the number of queries", LAST_OF_Q,
                ),
                (
                    "q @ T(k) / sqrt(keys)", "√ of the number of keys", "they are divided by √S, the number of keys",
                    "How many numbers does one key have? That is the last axis of k.",
                ),
                (
                    "q @ T(k) / sqrt(first)", "√ of the first axis",
                    "they are divided by the root of the length of q's first axis", LAST_OF_Q,
                ),
                (
                    "q @ T(k) / queries", "√ of the number of tokens", "they are divided by T, the number of queries",
                    LAST_OF_Q,
                ),
                ("q @ T(k) / keys", "√ of the number of keys", "they are divided by S, the number of keys", LAST_OF_Q),
                (
                    "q @ T(k) / sqrt(q.size)", "√ of all numbers",
                    "they are divided by the root of how many numbers q has in all", LAST_OF_Q,
                ),
                (
                    "q @ T(k) / sqrt(second)", "√ of the first axis",
                    "they are divided by the root of the length of q's second axis", LAST_OF_Q,
                ),
                ("q @ T(k) / 2", "√d typed in", "they are divided by 2, whatever d is", LAST_OF_Q),
                (
                    "T(q @ T(k)) / sqrt(d)", "keys ask", "each row belongs to a key; here it should belong to a query",
                    "The worksheet has a row per key. From here on, every query has a row: T rows, S columns.",
                ),
                (
                    "exp(q @ T(k) / sqrt(d))", "softmax begun", "the exponential was taken already",
                    "Scores are the products themselves; softmax is 8.3.",
                ),
                (
                    "softmax(q @ T(k) / sqrt(d))", "softmax begun", "softmax was applied already",
                    "Scores are the products themselves; softmax is 8.3.",
                ),
            ),
        ),
        Slip(
            "axes in front made into one", lambda q, k: (in_one(scores(q, k)[0]), (q, k)),
            "the axes in front were made into one", "Put them back at the end: reshape(*q.shape[:-1], S).",
        ),
        Slip(
            "kept q divided by √d", lambda q, k: (scores(q, k)[0], (q * q.shape[-1] ** -0.5, k)),
            "it is q divided by √d", "The cache holds q as it came.",
        ),
    ),
    sizes=lambda q, k: {"numbers in a query": q.shape[-1], "queries": q.shape[-2], "keys": k.shape[-2]},
    difficulty=1,
    minutes=6,
)


def in_one(x):
    """All axes but the last two made into one."""
    return x.reshape(-1, *x.shape[-2:])


def scores_backward(dscores, cache):
    """dq and dk."""
    q, k = cache
    dproducts = dscores * q.shape[-1] ** -0.5
    return dproducts @ k, swap(dproducts) @ q


def back_with(part):
    """A slip in `dproducts`, or in `dq` or `dk` made of it, by a formula."""

    def with_it(wrong):
        def slip(dscores, cache):
            q, k = cache
            v = {"q": q, "k": k, "dscores": dscores, "dproducts": dscores * q.shape[-1] ** -0.5} | lengths_of(q, k)
            v["dproducts"] = wrong(**v) if part == "dproducts" else v["dproducts"]
            dq = wrong(**v) if part == "dq" else v["dproducts"] @ k
            return dq, wrong(**v) if part == "dk" else swap(v["dproducts"]) @ q

        return slip

    return with_it


def dscores_and_cache(rng, size):
    """Random dscores (…, T, S) and a cache of q and k."""
    leading, (T, S, _) = size
    return rng.normal(size=(*leading, T, S)), q_and_k(rng, size)


PRODUCT_FACTOR = "The factor belongs to the product. Both q and k see it."
ONCE = "Each gradient goes through the scaling once."
FORWARD_FACTOR = "A constant factor of the forward is a factor of the backward too."
OTHER_FACTOR = "In a product, the slope towards one factor is the *other* factor."
COLUMN = (
    "A key belongs to a *column* of the scores: sum over the queries. With as many queries as keys, the shapes don't "
    "show this."
)
ROW = (
    "A query belongs to a *row* of the scores: sum over the keys. With as many queries as keys, the shapes don't "
    "show it."
)

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
        *for_each(SIZES, dscores_and_cache),
    ),
    slips=Slips(
        Formula(
            "dscores / d ** 0.5", back_with("dproducts"), samples("dscores"), MATRICES,
            forms=("dscores * d ** -0.5",),
            said=(
                (
                    "dscores", "forgot 1/√d",
                    "the scores were divided by √d on the way forward, and their gradient was not on the way back",
                    FORWARD_FACTOR,
                ),
                (
                    "dscores / d", "divided by d", "it is divided by d, not by its square root: perhaps by √d twice",
                    ONCE,
                ),
                (
                    "dscores * sqrt(d)", "multiplied by √d", "it is multiplied by √d",
                    "The backward of a factor is the same factor, not its inverse.",
                ),
                ("dscores / sqrt(queries)", "√ of the number of tokens", "it is divided by √T, not by √d", LAST_OF_Q),
                ("dscores / sqrt(keys)", "√ of the number of keys", "it is divided by √S, not by √d", LAST_OF_Q),
                (
                    "dscores / sqrt(first)", "√ of the first axis", "it is divided by the root of the first axis",
                    LAST_OF_Q,
                ),
                (
                    "dscores / sqrt(second)", "√ of the first axis", "it is divided by the root of the second axis",
                    LAST_OF_Q,
                ),
                ("dscores / 2", "√d typed in", "it is divided by 2, whatever d is", LAST_OF_Q),
                ("T(dscores) / sqrt(d)", "missing transpose", "it is made with dscores transposed", ROW),
                (
                    "q @ T(k) / sqrt(d)", "forgot dscores", "it is made with the forward's scores, not with dscores",
                    "The gradient that came in is dscores.",
                ),
            ),
            within=True,
        ),
        Formula(
            "dproducts @ k", back_with("dq"), samples("dscores", "dproducts"), MATRICES, also=("q", "dscores"),
            said=(
                ("dscores @ k", "1/√d for one of the two", "it misses the 1/√d that dk has", PRODUCT_FACTOR),
                ("dproducts @ k / sqrt(d)", "divided by d", "it is divided by √d twice", ONCE),
                ("dproducts @ k / d", "divided by d", "it is divided by √d and d", ONCE),
                ("T(dproducts) @ k", "missing transpose", "it adds up along the wrong axis of dscores", ROW),
                ("dproducts @ q", "q and k exchanged", "the gradient of the query is made of queries", OTHER_FACTOR),
                ("T(dproducts) @ q", "wrong order", "it is what dk should be", "Return them in this order: dq, dk."),
                (
                    "dproducts.sum(axis=-1, keepdims=True) * k.sum(axis=-2, keepdims=True)", "product of sums",
                    "it is a product of two sums", "A sum of products is meant: @.",
                ),
            ),
        ),
        Formula(
            "T(dproducts) @ q", back_with("dk"), samples("dscores", "dproducts"), MATRICES, also=("k", "dscores"),
            said=(
                ("T(dscores) @ q", "1/√d for one of the two", "it misses the 1/√d that dq has", PRODUCT_FACTOR),
                ("T(dproducts) @ q / sqrt(d)", "divided by d", "it is divided by √d twice", ONCE),
                ("dproducts @ q", "missing transpose", "it adds up along the wrong axis of dscores", COLUMN),
                ("T(dproducts) @ k", "q and k exchanged", "the gradient of the key is made of keys", OTHER_FACTOR),
                (
                    "dproducts @ k", "another output", "it is what dq should be",
                    "The key's gradient is made of queries.",
                ),
                (
                    "T(T(dproducts) @ q)", "missing transpose", "it is transposed",
                    "Each key has a row of its own, as in k.",
                ),
            ),
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


def kept(what):
    """A slip with the right y, and something else in the cache: `what` takes x."""
    return lambda x: (softmax_forward(x)[0], what(x))


LARGE = (  # exponentials overflow, or are all zero, unless each row's own maximum is subtracted
    np.array([[1000.0, 1001, 999, 1000], [-1000, -1000, -1002, -1001], [0, 800, -800, 799]]),
    np.array([-900.0, -901, -899]),
    np.array([[[-1000.0, -1001, -1000.5], [-800, -801, -801.5]]]),
    np.array([[3.0, 800, -5], [-2, 0, 900]]),
    np.array([[2000.0, 0, 0, 1], [-2000, 1, 0, 0]]),
)


def large_numbers(rng):
    """Rows far below and far above zero, some of them with large differences."""
    far, wide = rng.choice((-1500, 0, 1500), size=(5, 1)), rng.choice((1, 900), size=(5, 1))
    return (far + wide * rng.normal(size=(5, 4)),)


def x_of(rng, leading):
    """Random x with these axes before the last."""
    return (rng.normal(size=(*leading, int(rng.integers(4, 8)))),)


def with_masks(rng, leading):
    """Random scores with some keys masked, minus infinity, in each row others: one is always left."""
    x = rng.normal(size=(*leading, 5))
    masked = rng.random(x.shape) < 0.4
    masked[..., 3] = False
    return (np.where(masked, -np.inf, x),)


def along(axis):
    """Softmax along another axis."""

    def slip(x):
        e = np.exp(x - x.max(axis=axis, keepdims=True))
        return both(e / e.sum(axis=axis, keepdims=True))

    return slip


def shares(x):
    """Exponentials divided by their sum."""
    e = np.exp(x)
    return e / e.sum(axis=-1, keepdims=True)


ROWS = {
    "total": lambda x: x.sum(axis=-1, keepdims=True), "mean": lambda x: x.mean(axis=-1, keepdims=True),
    "largest": lambda x: x.max(axis=-1, keepdims=True), "smallest": lambda x: x.min(axis=-1, keepdims=True),
    "shares": shares, "down": lambda x: x.sum(axis=-2, keepdims=True),
}  # fmt: skip
LARGEST = "Adding a constant to all scores of a row changes no weight. Which one makes the largest of them zero?"
OWN_MAXIMUM = "Each row needs its own maximum, so that its largest exponential is 1."
ROW_AXIS = "A row holds the scores of one query, and a query shares out its attention: use the last axis."
DIVIDE = "The exponentials are right. By what do you divide them?"
MINUS_INFINITY = "A masked key has a score of −∞, and a weight of exactly 0."

SOFTMAX_FORWARD = Exercise(
    name="softmax_forward",
    lesson=8,
    title="softmax",
    outputs=("y", "cache"),
    reference=softmax_forward,
    trials=(
        by_hand(np.log([[1.0, 2, 1], [3, 1, 4]])),
        *for_each(((2, 3), (3,), (), (3, 1, 2), (1,)), x_of),
        Trial("large numbers", large_numbers),
        *(Trial("large numbers", lambda rng, x=x: (x,)) for x in LARGE),
        *for_each(((2, 3), (4,), (3, 1, 2)), with_masks, "masked keys"),
    ),
    slips=Slips(
        Slip("wrong axis", along(-2), "its columns add up to one, not its rows", ROW_AXIS),
        Slip("axes counted from the front", along(0), "it adds up to one along axis 0", ROW_AXIS),
        Slip(
            "axes counted from the front", along(1), "it adds up to one along axis 1",
            "That is the last axis only in a matrix: counted from behind it is axis −1.",
        ),
        Slip(
            "one sum for all", lambda x: both(np.exp(x - x.max()) / np.exp(x - x.max()).sum()),
            "all of it together adds up to one, not each row",
            "Each row is a question of its own: add along the last axis, and keep that axis to divide by it.",
        ),
        Slip(
            "one sum for all", lambda x: both(np.exp(x - ROWS["largest"](x)) / np.exp(x - ROWS["largest"](x)).sum()),
            "all of it together adds up to one, not each row",
            "Each row is a question of its own: add along the last axis, and keep that axis to divide by it.",
        ),
        Formula(
            "shares(x - largest(x))", lambda wrong: lambda x: both(wrong(x=x)),
            tuple({"x": x} for x in (np.log([[1.0, 2, 1], [3, 1, 4]]), *LARGE)), ROWS,
            said=(
                ("shares(x)", "not stabilised", "the exponentials overflow, or are all 0", LARGEST),
                (
                    "shares(x - x.max())", "one maximum for all",
                    "a row far below the overall maximum underflows to all zeros", OWN_MAXIMUM,
                ),
                (
                    "shares(x - x.max(axis=0))", "maximum of the columns", "the maximum of each column was subtracted",
                    OWN_MAXIMUM,
                ),
                (
                    "shares(x - mean(x))", "mean instead of maximum", "the mean was subtracted, not the maximum",
                    OWN_MAXIMUM,
                ),
                (
                    "shares(x - smallest(x))", "minimum instead of maximum",
                    "the minimum was subtracted, not the maximum", OWN_MAXIMUM,
                ),
                ("shares(x + largest(x))", "maximum added", "the maximum was added, not subtracted", OWN_MAXIMUM),
                (
                    "shares(x / largest(x))", "divided by the maximum", "x was divided by the maximum",
                    "Subtracting it changes no weight; dividing by it does.",
                ),
                (
                    "shares(largest(x) - x)", "sign", "the sign of x is reversed",
                    "A larger score has to give a larger weight.",
                ),
                ("shares(-x)", "sign", "the sign of x is reversed", "A larger score has to give a larger weight."),
                (
                    "shares(-x - largest(x))", "sign", "the sign of x is reversed",
                    "A larger score has to give a larger weight.",
                ),
                (
                    "shares(x - x[..., :1])", "first instead of maximum",
                    "the first number of each row was subtracted, not the largest", OWN_MAXIMUM,
                ),
                (
                    "shares(x - largest(abs(x)))", "largest absolute value",
                    "the largest absolute value was subtracted", OWN_MAXIMUM,
                ),
                ("shares(x - 1000)", "a constant subtracted", "1000 was subtracted, whatever the row", OWN_MAXIMUM),
                ("shares(x - 100)", "a constant subtracted", "100 was subtracted, whatever the row", OWN_MAXIMUM),
                (
                    "shares(x - largest(x) if x.max() > 700 else x)", "stabilised only at times",
                    "the maximum is subtracted only if something is large",
                    "In a row that is far below 0 all exponentials are 0: subtract each row's maximum, always.",
                ),
                (
                    "shares(shares(x - largest(x)))", "softmax twice", "softmax was applied twice",
                    "Its result is what you return.",
                ),
            ),
        ),
        Formula(
            "e / total(e)", lambda wrong: lambda x: both(wrong(e=np.exp(x - ROWS["largest"](x)))),
            tuple({"e": np.exp(np.random.default_rng(8).normal(size=(*leading, 3)))} for leading in ((4,), (2, 4))),
            ROWS,
            said=(
                ("e", "not divided", "its rows don't add up to one", DIVIDE),
                ("e / mean(e)", "mean instead of sum", "it is divided by the mean, not by the sum", DIVIDE),
                ("e / largest(e)", "not divided", "its rows don't add up to one", DIVIDE),
                ("e / (total(e) + 1)", "sum plus one", "it is divided by the sum plus one", DIVIDE),
                ("e / (total(e) - e)", "sum of the others", "each is divided by the sum of the others", DIVIDE),
                (
                    "e / sqrt(total(e ** 2))", "divided by the length", "its rows have length 1, not sum 1",
                    "Add up the exponentials themselves, without squares.",
                ),
                (
                    "(e + 1e-6) / total(e + 1e-6)", "a small number added",
                    "a small number was added to the exponentials",
                    MINUS_INFINITY,
                ),
                ("e / (total(e) + 1e-6)", "a small number added", "a small number was added to the sum",
                 "The sum is at least 1, as the largest exponential is: nothing needs protection."),
                ("(e / total(e)).round(6)", "rounded", "it is rounded to six digits", "Leave the digits as they are."),
                ("e / down(e)", "another axis for the sum", "it is divided by the sums of the columns", ROW_AXIS),
                ("e / e.sum(axis=0)", "another axis for the sum", "it is divided by the sums along axis 0", ROW_AXIS),
                ("e / e.sum()", "one sum for all", "all of it together adds up to one, not each row", ROW_AXIS),
            ),
        ),
        Slip(
            "forgot the exponential",
            lambda x: both((x - ROWS["largest"](x)) / (x - ROWS["largest"](x)).sum(-1, keepdims=True)),
            "the scores themselves were divided by their sum", "First the exponential, then the division.",
        ),
        Slip(
            "forgot the exponential", lambda x: both(x / x.sum(-1, keepdims=True)),
            "the scores themselves were divided by their sum",
            "Scores may be negative, weights may not: first the exponential, then the division.",
        ),
        Slip(
            "another base", lambda x: both(shares((x - ROWS["largest"](x)) * np.log(2))),
            "these are powers of 2, not exponentials", "np.exp(x) is e to the power x.",
        ),
        Slip(
            "sigmoid", lambda x: both(1 / (1 + np.exp(-x))),
            "each number was squashed by itself",
            "The weights of a row compete: raising one score lowers all others.",
        ),
        Slip(
            "scores cut", lambda x: both(shares(np.clip(x, -50, 50))), "scores were cut at −50 and 50", MINUS_INFINITY,
        ),
        Slip(
            "scores cut", lambda x: both(shares(np.clip(x, -100, 100))), "scores were cut at −100 and 100",
            MINUS_INFINITY,
        ),
        Slip(
            "masked keys get a share", lambda x: softmax_forward(np.nan_to_num(x, neginf=0.0)),
            "masked keys got a score of 0", MINUS_INFINITY,
        ),
        Slip(
            "masked keys get a share", lambda x: softmax_forward(np.where(np.isinf(x), x[np.isfinite(x)].min(), x)),
            "masked keys got the smallest of all scores", MINUS_INFINITY,
        ),
        Slip(
            "x in the cache", kept(lambda x: (x,)),
            "it is x",
            "The backward needs only the weights, so the cache holds only them.",
        ),
        Slip(
            "exponentials in the cache", kept(lambda x: (np.exp(x - ROWS["largest"](x)),)),
            "it is the exponentials, not yet divided", "The backward needs the weights.",
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


def weights_of(rng, S):
    """The weights of one row."""
    return (softmax_forward(rng.normal(size=S))[0],)


ALL_SHARE = "All weights share one sum: raising one score lowers all the other weights."
PROPORTIONAL = "Every slope of weight i is proportional to weight i itself."
AXES = "Which of the two axes belongs to the weight, and which to the score that is moved?"
OUTER = "np.outer(y, y) is the matrix of all products yᵢ · yⱼ."

SOFTMAX_JACOBIAN = Exercise(
    name="softmax_jacobian",
    lesson=8,
    title="the slopes of one row of softmax",
    outputs=("slopes",),
    reference=jacobian,
    trials=(
        by_hand(np.array([0.25, 0.5, 0.25])),
        *for_each((5, 2, 1, 7), weights_of),
        *for_each((4, 6), lambda rng, S: (softmax_forward(*with_masks(rng, ()))[0],), "masked keys"),
    ),
    slips=Slips(
        Formula(
            "diag(y) - outer(y, y)", lambda wrong: lambda y: wrong(y=y), ({"y": np.array([0.1, 0.2, 0.3, 0.4])},),
            {"diag": np.diag, "outer": np.outer, "eye": lambda y: np.eye(len(y)), "dot": np.dot, "one": np.ones_like,
             "lower": np.tril, "upper": np.triu, "stand": lambda y: y[:, None]},
            said=(
                (
                    "-outer(y, y)", "only the shared sum", "its diagonal misses a term",
                    "A score also raises its own weight directly, not only through the sum that all share.",
                ),
                ("diag(y * (1 - y))", "only its own weight", "it is zero off the diagonal", ALL_SHARE),
                (
                    "y * (1 - y)", "only the diagonal", "this is only the diagonal",
                    "Every score moves every weight: there is a row per weight and a column per score.",
                ),
                (
                    "diag(y)", "not through the sum", "the sum was treated as a constant",
                    "Every score is in the sum that divides all weights.",
                ),
                ("eye(y) - y", "forgot the outer factor", "it is δ - y: a factor is missing", PROPORTIONAL),
                ("eye(y) - stand(y)", "forgot the outer factor", "it is δ - y: a factor is missing", PROPORTIONAL),
                (
                    "diag(y) + outer(y, y)", "plus instead of minus", "the terms of the shared sum have the wrong sign",
                    "The sum stands below the line: when it grows, the weights shrink.",
                ),
                (
                    "outer(y, y) - diag(y) + 2 * diag(y * (1 - y))", "plus instead of minus",
                    "the entries off the diagonal have the wrong sign", ALL_SHARE,
                ),
                (
                    "stand(y) * (eye(y) - stand(y))", "y of the same row",
                    "entry [i, j] has yᵢ twice where one of them should be yⱼ", AXES,
                ),
                ("y * (eye(y) - y)", "y of the same row", "entry [i, j] has yⱼ twice where one should be yᵢ", AXES),
                ("eye(y) - outer(y, y)", "1 for y on the diagonal", "there is a 1 where yᵢ should be", PROPORTIONAL),
                (
                    "outer(y, 1 - y)", "1 for δ", "it is yᵢ · (1 − yⱼ) everywhere",
                    "δ is 1 only on the diagonal, where i = j; elsewhere it is 0.",
                ),
                ("diag(y) - dot(y, y)", "a number instead of a matrix", "y · y is a single number here", OUTER),
                (
                    "diag(y - dot(y, y)) - outer(y, y)", "a number instead of a matrix",
                    "a single number, y · y, was taken from the diagonal as well", OUTER,
                ),
                ("diag(y) - y", "a factor missing", "a factor y is missing in the term of the shared sum", OUTER),
                (
                    "diag(y) - stand(y)", "a factor missing", "a factor y is missing in the term of the shared sum",
                    OUTER,
                ),
                (
                    "diag(y) - outer(y, y) / y.size", "divided by the length",
                    "the term of the shared sum is divided by the length of a row", "It is yᵢ · yⱼ, without a mean.",
                ),
                (
                    "diag(y ** 2 + y) - outer(y, y)", "diagonal without y²", "its diagonal is yᵢ, without − yᵢ²",
                    "On the diagonal, too, the shared sum has a part: yᵢ · (1 − yᵢ).",
                ),
                ("lower(diag(y) - outer(y, y))", "half of it", "its upper right is zero", ALL_SHARE),
                ("upper(diag(y) - outer(y, y))", "half of it", "its lower left is zero", ALL_SHARE),
            ),
        ),
        Slip(
            "softmax again", lambda y: jacobian(softmax_forward(y)[0]), "softmax was taken of y once more",
            "y are the weights already.",
        ),
    ),
    sizes=lambda y: {"weights in a row": len(y)},
    difficulty=2,
    minutes=8,
)

# ------------------------------------------------------------------------------------------ 8.6 softmax, the short way


def dy_and_weights(rng, leading):
    """Random dy and a cache of weights."""
    (x,) = x_of(rng, leading)
    return rng.normal(size=x.shape), softmax_forward(x)[1]


def dy_and_masked_weights(rng, leading):
    """Random dy and a cache of weights, some exactly zero."""
    (x,) = with_masks(rng, leading)
    return rng.normal(size=x.shape), softmax_forward(x)[1]


def average_along(axis):
    """A slip with an average along another axis."""
    return lambda dy, cache: cache[0] * (dy - (dy * cache[0]).sum(axis=axis, keepdims=True))


NO_FURTHER = "The weights add up to one already: their average needs no further division."
SHRINK = "The sum stands below the line: when it grows, the weights shrink."
CHAIN = "The chain rule: slopes times the gradient that came in."
OWN_SUM = "Each row has its own: add along the last axis, and keep that axis."
WEIGHTED = "The average that counts is weighted: by y."
ZERO_WEIGHT = "Every slope of the long version begins with yᵢ. A weight of zero must come out with a gradient of zero."

SOFTMAX_BACKWARD = Exercise(
    name="softmax_backward",
    lesson=8,
    title="back through softmax",
    outputs=("dx",),
    reference=softmax_backward,
    trials=(
        by_hand(np.array([[4.0, 0, 8], [8, 0, 8]]), (np.array([[0.25, 0.5, 0.25], [0.125, 0.375, 0.5]]),)),
        *for_each(((2, 3), (3,), (), (3, 1, 2), (1,)), dy_and_weights),
        *for_each(((2, 3), (4,), (3, 1, 2)), dy_and_masked_weights, "masked keys"),
    ),
    slips=Slips(
        Formula(
            "y * (dy - total(dy * y))", lambda wrong: lambda dy, cache: wrong(dy=dy, y=cache[0]),
            tuple(
                {"dy": dy, "y": y} for dy, (y,) in (make(np.random.default_rng(8), (4,)) for make in
                (dy_and_weights, dy_and_masked_weights))
            ),
            ROWS,
            said=(
                (
                    "dy * y * (1 - y)", "only its own weight", "each score moved only its own weight",
                    "y(1 - y) is the diagonal of the slopes. The others are not zero: all weights share one sum.",
                ),
                (
                    "dy * y", "not through the sum", "the sum that all weights share was treated as a constant",
                    "Only the difference from the average counts: what do you subtract from dy?",
                ),
                ("y * (dy - mean(dy))", "plain mean", "the plain mean of dy was subtracted", WEIGHTED),
                ("y * (dy - total(dy))", "plain sum", "the plain sum of dy was subtracted", WEIGHTED),
                (
                    "y * (dy - mean(dy * y))", "mean instead of sum",
                    "what is subtracted is too small by the length of a row", NO_FURTHER,
                ),
                (
                    "y * (dy - total(dy * y) / total(y > 0))", "mean instead of sum",
                    "what is subtracted was divided by the number of weights that aren't 0", NO_FURTHER,
                ),
                ("dy - total(dy * y)", "forgot the outer factor", "a factor y is missing", ZERO_WEIGHT),
                (
                    "y * dy - total(dy * y)", "brackets", "y multiplies dy alone, not the bracket", ZERO_WEIGHT,
                ),
                ("y * (dy + total(dy * y))", "plus instead of minus", "the average was added", SHRINK),
                ("y * (1 - y)", "forgot dy", "it does not depend on dy", CHAIN),
                ("y * (1 - total(dy * y))", "forgot dy", "there is a 1 where dy should be", CHAIN),
                ("y * (dy - total(y))", "forgot dy", "dy is missing in the average", WEIGHTED),
                ("y * (dy - largest(dy * y))", "maximum instead of sum", "the largest dy · y was subtracted", WEIGHTED),
                ("dy * (y - total(dy * y))", "y and dy exchanged", "y and dy have changed places", ZERO_WEIGHT),
                ("dy", "unchanged input", "it is dy as it came", CHAIN),
            ),
        ),
        Slip("wrong axis", average_along(-2), "the average was taken down the columns", OWN_SUM),
        Slip("axes counted from the front", average_along(0), "the average was taken along axis 0", OWN_SUM),
        Slip(
            "axes counted from the front", average_along(1), "the average was taken along axis 1",
            "That is the last axis only in a matrix: counted from behind it is axis −1.",
        ),
        Slip("one sum for all", average_along(None), "one average was subtracted from all rows", OWN_SUM),
        Slip(
            "cache not unpacked", lambda dy, cache: softmax_backward(dy, cache)[None],
            "the cache was used as if it were y", "It is a tuple with y in it: (y,) = cache.",
        ),
        Slip(
            "divided by the columns",
            lambda dy, cache: cache[0] * dy
            - cache[0] * (cache[0] * dy).sum(-1, keepdims=True) / cache[0].sum(-2, keepdims=True),
            "the average was divided by the sums of the columns", NO_FURTHER,
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
