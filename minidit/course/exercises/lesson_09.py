"""Lesson 9, attention pooling: values gathered by weights, several heads, and the gate back into the residual."""

import numpy as np

from minidit import worksheet
from minidit.course.exercise import Exercise, Numbers, Slip, by_hand, for_each
from minidit.course.formulas import Formula, Slips
from minidit.reference import attention_backward as right_backward
from minidit.reference import (
    attention_forward,
    gated_residual_backward,
    gated_residual_forward,
    softmax_backward,
    softmax_forward,
)

# B = batch, H = heads, T = tokens that ask, S = tokens that are asked, d = width of a head, D = H · d


def swap(x):
    """Rows and columns exchanged, whatever axes stand before them."""
    return x.swapaxes(-1, -2)


# ------------------------------------------------------------------------------------------ 9.1 the worksheet's pooling

SHEET = worksheet.solve()


def entry_of_pooled(index):
    """How to compute an entry of the pooled latent."""
    row, column = index
    return (
        f"Row {row}, column {column}, counted from 0: row {row} of the conditioned latent times column {column} of the "
        "attention matrix, number by number, all four added."
    )


ON_THE_SHEET = {
    "x": SHEET.conditioned, "a": SHEET.attention, "noised": SHEET.noised, "keys": SHEET.keys, "queries": SHEET.queries,
}  # fmt: skip
AMOUNTS = "A patch is mixed in with the sign that stands in the attention matrix, and so are its numbers."

STEP_9_POOLED = Numbers(
    name="step_9_pooled",
    lesson=9,
    title="pooling by hand",
    expected=lambda: SHEET.pooled,
    explain=entry_of_pooled,
    slips=Slips(
        Formula(
            "x @ a", lambda wrong: lambda: wrong(**ON_THE_SHEET), (ON_THE_SHEET,), {"T": swap},
            said=(
                (
                    "x @ T(a)", "rows of the attention", "each patch gathered along a row of the attention matrix",
                    "A column belongs to the patch that asks: that is the one to gather along.",
                ),
                (
                    "noised @ a", "pooled the noised latent", "the noised latent of step 4 was pooled",
                    "Step 7 came in between: its conditioned latent is what goes in here.",
                ),
                (
                    "keys @ a", "pooled the keys", "the keys were pooled",
                    "Keys are for comparing. What is gathered is the conditioned latent itself.",
                ),
                (
                    "queries @ a", "pooled the queries", "the queries were pooled",
                    "Queries are for comparing. What is gathered is the conditioned latent itself.",
                ),
                ("x @ abs(a)", "signs of the attention", "the minus signs of the attention matrix are lost", AMOUNTS),
                ("abs(x) @ a", "signs of the latent", "the minus sign of the conditioned latent is lost", AMOUNTS),
                ("x + x @ a", "residual added", "the patches themselves were added", "That comes in 9.4, with a gate."),
                ("x @ a / 4", "mean instead of sum", "these are means over the patches", "Add the four products."),
                ("x[:, :3] @ a[:3]", "last patch left out", "the last patch was left out", "Add all four products."),
                ("x[:, 1:] @ a[1:]", "first patch left out", "the first patch was left out", "Add all four products."),
                (
                    "T(x @ a)", "missing transpose", "rows and columns have changed places",
                    "It has two rows, as the latent has.",
                ),
                ("x", "unchanged input", "this is the conditioned latent itself", "Mix its patches."),
                ("a", "unchanged input", "this is the attention matrix itself", "It holds the amounts for mixing."),
                ("(x @ a)[::-1]", "rows swapped", "the two rows have changed places", "Row 0 is made of row 0."),
                ("x[::-1] @ a", "rows swapped", "the two rows have changed places", "Row 0 is made of row 0."),
            ),
        ),
    ),
    difficulty=1,
    minutes=6,
)

# ------------------------------------------------------------------------------------------ 9.2 attention, forward


def masked(scores, key_mask):
    """Scores of masked keys set to minus infinity."""
    return np.where(key_mask[..., None, None, :], scores, -np.inf)


def shares(scores):
    """Softmax."""
    return softmax_forward(scores)[0]


def attending(scores=None, mask=masked, softmax=shares, pool=np.matmul, kept=None):
    """`attention_forward` with other steps, for the slips.

    Args:
        scores: takes q, k and lengths by name; mask: takes scores and key_mask; softmax: takes scores; pool: takes
            weights and v; kept: takes the scores and returns what is kept for the weights.
    """

    def slip(q, k, v, key_mask=None):
        right = q @ swap(k) * q.shape[-1] ** -0.5  # …, H, T, S
        s = right if scores is None else scores(q=q, k=k, **lengths_of(q, k))
        s = s if key_mask is None else mask(s, key_mask)
        weights = softmax(s)
        return pool(weights, v), (q, k, v, weights if kept is None else kept(right))

    return slip


def lengths_of(q, k):
    """d, and lengths that might be taken for it."""
    *_, heads, queries, d = q.shape
    return {"d": d, "heads": heads, "queries": queries, "keys": k.shape[-2], "first": q.shape[0], "second": q.shape[1]}


def naive_softmax(x):
    """Overflows."""
    e = np.exp(x)
    return e / e.sum(-1, keepdims=True)


def mask_after_softmax(q, k, v, key_mask=None):
    """Weights of masked keys removed, the others left as they were."""
    _, (_, _, _, weights) = attention_forward(q, k, v)
    weights = weights if key_mask is None else weights * key_mask[..., None, None, :]
    return weights @ v, (q, k, v, weights)


def values_masked(q, k, v, key_mask=None):
    """Masked values set to zero, their weights left as they are."""
    _, (_, _, _, weights) = attention_forward(q, k, v)
    v = v if key_mask is None else v * key_mask[..., None, :, None]
    return weights @ v, (q, k, v, weights)


def mask_for_first_sample(q, k, v, key_mask=None):
    """One sample's mask for all."""
    first = None if key_mask is None else np.broadcast_to(key_mask.reshape(-1, key_mask.shape[-1])[0], key_mask.shape)
    return attention_forward(q, k, v, first)


def keys_cut_out(q, k, v, key_mask=None):
    """Keys that are masked in any sample, cut out of all."""
    keep = slice(None) if key_mask is None else key_mask.reshape(-1, key_mask.shape[-1]).all(axis=0)
    return attention_forward(q, k[..., keep, :], v[..., keep, :])


def masked_queries_too(q, k, v, key_mask=None):
    """Masked tokens get nothing either, where as many ask as are asked."""
    y, cache = attention_forward(q, k, v, key_mask)
    return (y if key_mask is None or q.shape[-2] != k.shape[-2] else y * key_mask[..., None, :, None]), cache


def queries_keys_and_values(rng, size):
    """Random q (…, H, T, d), k and v (…, H, S, d)."""
    leading, (H, T, S, d) = size
    return tuple(rng.normal(size=(*leading, H, n, d)) for n in (T, S, S))


def with_mask(rng, size):
    """As above, with a key mask (…, S), True where a key may be attended to: another for each sample."""
    leading, (_, _, S, _) = size
    key_mask = rng.random((*leading, S)) < 0.7
    for sample, row in enumerate(key_mask.reshape(-1, S)):  # one key masked, and one not, in each a different one
        row[sample % S], row[(sample + 1) % S] = False, True
    return *queries_keys_and_values(rng, size), key_mask


def with_open_mask(rng, size):
    """As above, with a mask that leaves all keys."""
    q, k, v, key_mask = with_mask(rng, size)
    return q, k, v, np.ones_like(key_mask)


def with_large_scores(rng, size):
    """As above, without a mask, and scores in the thousands."""
    q, k, v = queries_keys_and_values(rng, size)
    return 1000 * q, k, v


def with_low_scores(rng, size):
    """As above, with a mask, and all scores near −3000: no other score may stand for −∞."""
    q, k, v, key_mask = with_mask(rng, size)
    q[..., 0], k[..., 0] = -3000 * q.shape[-1] ** 0.5, 1
    return q, k, v, key_mask


# Axes in front, and H, T, S, d, no two equal in the first; then as many keys as queries, one head, query or key.
SIZES = (
    ((2,), (3, 5, 6, 7)), ((3, 2), (4, 5, 6, 7)), ((), (3, 4, 6, 5)), ((3,), (2, 5, 5, 3)), ((2, 1, 3), (4, 5, 6, 7)),
    ((), (1, 3, 3, 5)), ((2,), (3, 1, 4, 5)), ((), (2, 4, 1, 3)),
)  # fmt: skip

LN3 = float(np.log(3))

LAST_OF_Q = "d is how many numbers one query has: the last axis of q."
LOW_ENOUGH = "Which score has an exponential of exactly zero?"
TRUE_MEANS = "True means: this key may be attended to."
BEFORE = "Masked keys should not even take part in the sum: act on the scores, before the softmax."
OVER_KEYS = "A query shares out its attention: softmax goes over the keys, the last axis of the scores."
A_ROW_EACH = "key_mask has a row for each sample: give it axes for heads and queries in between."


def examples(size):
    """Variables of the formulas: of scores, and of pooling."""
    q, k, v = queries_keys_and_values(np.random.default_rng(9), size)
    return {"q": q, "k": k} | lengths_of(q, k), {"weights": shares(q @ swap(k)), "v": v}


SCORES_SAMPLES, POOL_SAMPLES = zip(*(examples(SIZES[i]) for i in (0, 2, 3)), strict=True)
SOFTMAX_SLIPS = tuple(
    Slip(name, attending(softmax=softmax), says, because)
    for name, softmax, says, because in (
        (
            "forgot softmax", lambda x: x, "the scores themselves gathered the values",
            "The worksheet does it that way. Here the scores of a query become weights that add up to one first.",
        ),
        (
            "softmax along the wrong axis", lambda x: swap(shares(swap(x))),
            "the weights of a *key* add up to one, not those of a query", OVER_KEYS,
        ),
        (
            "softmax over everything", lambda x: np.exp(x - x.max()) / np.exp(x - x.max()).sum(),
            "all weights together add up to one, not those of each query", OVER_KEYS,
        ),
        (
            "softmax over everything", lambda x: np.exp(x) / np.exp(x).sum(),
            "all weights together add up to one, not those of each query", OVER_KEYS,
        ),
        (
            "softmax over the heads", lambda x: np.moveaxis(shares(np.moveaxis(x, -3, -1)), -1, -3),
            "the weights of all heads add up to one, not those of each query", OVER_KEYS,
        ),
        (
            "not stabilised", naive_softmax, "the exponentials overflow, or are all 0",
            "Adding a constant to all scores of a row changes no weight. Which one makes the largest of them zero?",
        ),
        ("not divided", np.exp, "the exponentials were not divided by their sum", "Weights of a query add up to one."),
        (
            "not divided", lambda x: np.exp(x - x.max(axis=-1, keepdims=True)),
            "the exponentials were not divided by their sum", "Weights of a query add up to one.",
        ),
        (
            "forgot the exponential", lambda x: x / x.sum(axis=-1, keepdims=True),
            "the scores were divided by their sum, without exponentials", "Scores may be negative, weights may not.",
        ),
        ("softmax twice", lambda x: shares(shares(x)), "softmax was applied twice", "Once is enough."),
    )
)  # fmt: skip
MASK_SLIPS = (
    *(
        Slip(name, attending(mask=mask), says, because)
        for name, mask, says, because in (
            (
                "forgot the mask", lambda s, m: s, "masked keys were attended to all the same",
                "What does key_mask say, and where does it have to act?",
            ),
            (
                "mask inverted", lambda s, m: masked(s, ~m),
                "exactly the keys that should be left out were attended to", TRUE_MEANS,
            ),
            (
                "masked scores set to zero", lambda s, m: s * m[..., None, None, :],
                "masked keys have a score of zero, and zero is a score like others", LOW_ENOUGH,
            ),
            (
                "mask added", lambda s, m: s + m[..., None, None, :], "the mask was added to the scores",
                "True counts as 1 in a sum: that raises the others a little. Which score shuts a key out?",
            ),
            (
                "queries masked", lambda s, m: np.where(m[..., None, :, None], s, -np.inf),
                "queries were masked, not keys", "Keys run along the last axis of the scores.",
            ),
            *(
                (
                    "masked scores not low enough",
                    lambda s, m, low=low: np.where(m[..., None, None, :], s, low),
                    f"masked keys have a score of {low}, and still get a share", LOW_ENOUGH,
                )
                for low in (-1, -5, -10, -20, -50, -100, -1000)
            ),
        )
    ),
    Slip(
        "mask after softmax", mask_after_softmax, "the weights that are left don't add up to one any more", BEFORE,
    ),
    Slip("mask after softmax", values_masked, "the values of masked keys were set to zero, not their weights", BEFORE),
    Slip("one mask for all samples", mask_for_first_sample, "every sample got the mask of the first one", A_ROW_EACH),
    Slip(
        "masked keys cut out", keys_cut_out, "keys that are masked in any sample are cut out of all",
        "Every sample has a mask of its own. A score of −∞ shuts a key out, and keeps its place.",
    ),
    Slip(
        "queries masked", masked_queries_too, "the tokens that are masked as keys got nothing themselves",
        "The mask says which keys may be attended to; all may ask.",
    ),
)  # fmt: skip

ATTENTION_FORWARD = Exercise(
    name="attention_forward",
    lesson=9,
    title="attention",
    outputs=("y", "cache"),
    reference=attention_forward,
    trials=(
        # One head. The scores are [0, 0] and [ln 3, 0]: weights of a half each, and of ¾ and ¼.
        by_hand(
            np.array([[[0.0, 0, 0, 0], [2 * LN3, 0, 0, 0]]]),
            np.array([[[1.0, 0, 0, 0], [0, 1, 0, 0]]]),
            np.array([[[4.0, 0, 8, 0], [0, 4, -8, 4]]]),
        ),
        *for_each(SIZES, queries_keys_and_values),
        *for_each(SIZES, with_mask, "masked keys"),
        *for_each(SIZES[2:4], with_open_mask, "masked keys"),
        *for_each(SIZES[:4], with_large_scores, "large numbers"),
        *for_each(SIZES[:4], with_low_scores, "large numbers"),
    ),
    slips=Slips(
        Formula(
            "q @ T(k) / d ** 0.5", lambda wrong: attending(wrong), SCORES_SAMPLES, {"T": swap},
            said=(
                (
                    "q @ T(k)", "forgot 1/√d", "the scores are not divided by √d",
                    "Unscaled scores are too large, and softmax leaves one key nearly all the weight.",
                ),
                (
                    "q @ T(k) / d", "divided by d", "the scores are divided by d, not by its square root",
                    "See lesson 8: how does the spread of a dot product grow with d?",
                ),
                ("q @ T(k) * sqrt(d)", "multiplied by √d", "the scores are multiplied by √d", "Make them smaller."),
                (
                    "q @ T(k) / sqrt(queries)", "√ of the number of tokens",
                    "the scores are divided by the root of the number of tokens that ask", LAST_OF_Q,
                ),
                (
                    "q @ T(k) / sqrt(keys)", "√ of the number of keys",
                    "the scores are divided by the root of the number of keys", LAST_OF_Q,
                ),
                (
                    "q @ T(k) / sqrt(heads)", "√ of the number of heads",
                    "the scores are divided by the root of the number of heads", LAST_OF_Q,
                ),
                (
                    "q @ T(k) / sqrt(heads * d)", "√ of the whole width",
                    "the scores are divided by √D, the width of all heads together", LAST_OF_Q,
                ),
                (
                    "q @ T(k) / sqrt(first)", "√ of the first axis",
                    "the scores are divided by the root of the length of q's first axis", LAST_OF_Q,
                ),
                (
                    "q @ T(k) / sqrt(second)", "√ of the first axis",
                    "the scores are divided by the root of the length of q's second axis", LAST_OF_Q,
                ),
                ("q @ T(k) / 2", "√d typed in", "the scores are divided by 2, whatever d is", LAST_OF_Q),
                (
                    "q @ T(q) / sqrt(d)", "queries with queries", "each query was compared with the queries",
                    "The tokens that ask are compared with those that are asked: with the keys.",
                ),
                (
                    "k @ T(k) / sqrt(d)", "keys with keys", "each key was compared with the keys",
                    "The tokens that ask are compared with those that are asked: queries with keys.",
                ),
            ),
            within=True,
        ),
        *SOFTMAX_SLIPS,
        *MASK_SLIPS,
        Formula(
            "weights @ v", lambda wrong: attending(pool=lambda weights, v: wrong(weights=weights, v=v)), POOL_SAMPLES,
            {"T": swap},
            said=(
                (
                    "T(weights) @ v", "missing transpose", "each token gathered along a column of the weights",
                    "A query's weights are a *row*.",
                ),
                (
                    "weights", "not pooled", "these are the weights themselves",
                    "They say how much of each value to take.",
                ),
                (
                    "(weights @ v).mean(axis=-3)", "mean over the heads", "the heads were averaged",
                    "Each head keeps its own result.",
                ),
                (
                    "(weights @ v).sum(axis=-3)", "sum over the heads", "the heads were added up",
                    "Each head keeps its own.",
                ),
            ),
        ),
        Slip(
            "kept the scores", attending(kept=lambda scores: scores), "it is the scores, not the weights",
            "Keep what the softmax returned.",
        ),
    ),
    sizes=lambda q, k, v, key_mask=None: {
        "numbers in a query": q.shape[-1], "heads": q.shape[-3], "tokens that ask": q.shape[-2],
        "tokens that are asked": k.shape[-2],
    },
    difficulty=2,
    minutes=10,
)

# ------------------------------------------------------------------------------------------ 9.3 the heads, merged


def join_heads(h):
    """(…, H, T, d) -> (…, T, D)."""
    *leading, H, T, d = h.shape
    return h.swapaxes(-3, -2).reshape(*leading, T, H * d)


def reshaped(order=lambda h: h, shape=lambda h: (*h.shape[:-3], h.shape[-2], h.shape[-3] * h.shape[-1])):
    """A slip: h with its axes in another order, made into another shape."""
    return lambda h: order(h).reshape(shape(h))


def exchanged(h):
    """Heads and tokens exchanged, as it should be."""
    return h.swapaxes(-3, -2)


def joined_along(axis, first=False):
    """A slip: heads put together along an axis; with `first`, what lies along axis 0 instead of the heads."""
    return lambda h: np.concatenate(list(h if first else np.moveaxis(h, -3, 0)), axis=axis)


SWAP_FIRST = (
    "reshape doesn't move numbers, and in memory one head follows the other. Swap the axes of heads and tokens first."
)
SIDE_BY_SIDE = "They stand side by side: each keeps its own d columns of the D."
FROM_BEHIND = "Any number of axes may stand in front: count from behind, −3 for the heads and −2 for the tokens."
TWO_AT_THE_END = "The last two sizes are T, then H · d; those in front stay as they are."

JOIN_HEADS = Exercise(
    name="join_heads",
    lesson=9,
    title="merging the heads",
    outputs=("y",),
    reference=join_heads,
    trials=(
        by_hand(np.array([[[1.0, 2], [3, 4], [5, 6]], [[10, 20], [30, 40], [50, 60]]])),
        *for_each(
            ((2, 3, 4, 5), (3, 2, 4, 6, 5), (3, 4, 5), (2, 1, 3, 4, 6, 5), (3, 1, 4, 5), (1, 5, 3), (2, 4, 1, 3)),
            lambda rng, size: (rng.normal(size=size),),
        ),
    ),
    slips=Slips(
        Slip("reshape alone", reshaped(), "its rows mix tokens", SWAP_FIRST),
        Slip(
            "heads inside", reshaped(lambda h: np.moveaxis(h, -3, -1)),
            "the heads alternate within a row",
            "All d numbers of head 0 come first, then all of head 1. Which axis has to be the last but one?",
        ),
        Slip(
            "wrong axes exchanged", reshaped(swap),
            "each row holds numbers of several tokens",
            "The axes to exchange are those of heads and tokens.",
        ),
        Slip(
            "wrong axes exchanged", reshaped(lambda h: h.T), "all axes are reversed",
            "`.T` reverses all of them: exchange only heads and tokens.",
        ),
        Slip(
            "wrong axes exchanged", reshaped(lambda h: h.swapaxes(-3, -1)),
            "heads and channels have changed places", "The axes to exchange are those of heads and tokens.",
        ),
        Slip(
            "reshape before the swap",
            lambda h: swap(reshaped(shape=lambda h: (*h.shape[:-3], h.shape[-3] * h.shape[-1], h.shape[-2]))(h)),
            "it was reshaped before the axes were exchanged", SWAP_FIRST,
        ),
        Slip(
            "heads reversed", lambda h: join_heads(h[..., ::-1, :, :]), "the heads are in reverse order", SIDE_BY_SIDE,
        ),
        Slip("sum over the heads", lambda h: h.sum(axis=-3), "the heads were added up", SIDE_BY_SIDE),
        Slip("mean over the heads", lambda h: h.mean(axis=-3), "the heads were averaged", SIDE_BY_SIDE),
        Slip("one head only", lambda h: h[..., 0, :, :], "it is the first head alone", SIDE_BY_SIDE),
        Slip("one head only", lambda h: h[..., -1, :, :], "it is the last head alone", SIDE_BY_SIDE),
        Slip(
            "axes exchanged, not joined", exchanged,
            "heads and tokens have changed places, but the heads still have an axis of their own",
            "Now merge the last two axes into one.",
        ),
        Slip(
            "last two sizes exchanged",
            reshaped(exchanged, lambda h: (*h.shape[:-3], h.shape[-2] * h.shape[-1], h.shape[-3])),
            "its last axis is as long as there are heads", TWO_AT_THE_END,
        ),
        Slip(
            "last two sizes exchanged",
            reshaped(exchanged, lambda h: (*h.shape[:-3], h.shape[-3] * h.shape[-1], h.shape[-2])),
            "its last two sizes have changed places", TWO_AT_THE_END,
        ),
        Slip("joined along the tokens", joined_along(-2), "the heads were joined along the tokens", SIDE_BY_SIDE),
        Slip(
            "joined along the first axis", joined_along(-1, first=True),
            "what lies along axis 0 was joined, whether these are heads or samples", FROM_BEHIND,
        ),
        Slip(
            "joined along the first axis", lambda h: np.hstack(list(h)),
            "what lies along axis 0 was joined, whether these are heads or samples", FROM_BEHIND,
        ),
        Slip(
            "axes counted from the front", reshaped(lambda h: h.swapaxes(1, 2)), "axes 1 and 2 were exchanged",
            FROM_BEHIND,
        ),
        Slip(
            "axes counted from the front", reshaped(lambda h: h.swapaxes(0, 1)), "axes 0 and 1 were exchanged",
            FROM_BEHIND,
        ),
        Slip(
            "axes in front lost", reshaped(exchanged, lambda h: (h.shape[0], h.shape[-2], -1)),
            "of the axes in front only the first is left", TWO_AT_THE_END,
        ),
        Slip(
            "axes in front lost", reshaped(exchanged, lambda h: (h.shape[-2], -1)),
            "the axes in front are lost", TWO_AT_THE_END,
        ),
        Slip(
            "axes in front lost", reshaped(exchanged, lambda h: (-1, h.shape[-2], h.shape[-3] * h.shape[-1])),
            "the axes in front were made into one", TWO_AT_THE_END,
        ),
    ),
    sizes=lambda h: {"heads": h.shape[-3], "tokens": h.shape[-2]},
    difficulty=2,
    minutes=6,
)

# ------------------------------------------------------------------------------------------ 9.4 and 9.5 the gate


def gated(wrong):
    """A slip with another y, by a formula."""
    return lambda x, h, gate: (wrong(x=x, h=h, gate=gate[..., None, :]), (h, gate))


def kept_by_gate(what):
    """A slip with the right y, and something else in the cache."""
    return lambda x, h, gate: (gated_residual_forward(x, h, gate)[0], what(x, h, gate))


# x and h: (…, T, D) with any axes in front, none too; one token, one channel.
BRANCHES = ((2, 4, 3), (5, 3), (3, 2, 4, 5), (2, 3, 1, 4, 5), (3, 1, 4), (3, 5, 1))


def x_h_and_gate(rng, size):
    """Random x and h of this size, and a gate (…, D), one of its numbers 0."""
    *leading, _, D = size
    gate = rng.normal(size=(*leading, D))
    gate[..., 0] = 0 if D > 1 else gate[..., 0]
    return rng.normal(size=size), rng.normal(size=size), gate


def branch_example(size):
    """Variables of the formulas."""
    rng = np.random.default_rng(9)
    x, h, gate = x_h_and_gate(rng, size)
    return {"x": x, "h": h, "gate": gate[..., None, :], "dy": rng.normal(size=size)}


BRANCH_EXAMPLES = tuple(map(branch_example, (BRANCHES[0], BRANCHES[2])))
CLOSED = "A gate of zero closes the branch, and leaves x as it is."
OWN_GATE = "Each sample has a gate of its own, with a number for each channel."

GATED_RESIDUAL_FORWARD = Exercise(
    name="gated_residual_forward",
    lesson=9,
    title="gate and residual",
    outputs=("y", "cache"),
    reference=gated_residual_forward,
    trials=(
        by_hand(
            np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([[1.0, -1, 2], [0, 3, -2]]), np.array([2.0, 0, -1]),
        ),
        *for_each(BRANCHES, x_h_and_gate),
    ),
    slips=Slips(
        Formula(
            "x + gate * h", gated, BRANCH_EXAMPLES,
            {"open": lambda gate: np.maximum(gate, 0)},
            said=(
                (
                    "gate * x + h", "gate on the residual", "the gate sits on the residual, not on the branch",
                    "A gate of zero should leave x as it is.",
                ),
                (
                    "gate * (x + h)", "gate on both", "the gate sits on the sum",
                    "A gate of zero should leave x as it is, not wipe it out.",
                ),
                (
                    "x + (1 + gate) * h", "1 + gate", "the branch was multiplied by 1 + gate",
                    "That is how a scale works. A gate of zero closes the branch.",
                ),
                (
                    "x + (1 - gate) * h", "1 − gate", "the branch was multiplied by 1 − gate", CLOSED,
                ),
                (
                    "gate * h", "forgot the residual", "x is missing from it",
                    "The branch adds to x; it does not replace it.",
                ),
                (
                    "x + h", "forgot the gate", "the branch was added without its gate",
                    "The gate says how much of h is added.",
                ),
                (
                    "(1 - gate) * x + gate * h", "mixed like a blend", "x was faded out as h came in",
                    "The residual passes whole, whatever the gate.",
                ),
                ("x - gate * h", "branch subtracted", "the branch was subtracted", "It is added: x + gate · h."),
                ("x + gate + h", "gate added", "the gate was added, not multiplied", CLOSED),
                ("x + open(gate) * h", "negative gates closed", "negative gates count as 0", "A gate may be negative."),
                (
                    "x + abs(gate) * h", "sign of the gate", "negative gates have lost their sign",
                    "A gate may be negative.",
                ),
                (
                    "x + gate.mean(axis=-1, keepdims=True) * h", "one gate for all channels",
                    "all channels got the mean gate", OWN_GATE,
                ),
                (
                    "x + gate[(0,) * (gate.ndim - 2)] * h", "one gate for all samples",
                    "every sample got the first one's gate", OWN_GATE,
                ),
            ),
        ),
        Slip(
            "axes counted from the front", lambda x, h, gate: (x + gate[:, None] * h, (h, gate)),
            "the new axis of the gate stands behind its first", "The tokens are the last axis but one: [..., None, :].",
        ),
        Slip(
            "x in the cache", kept_by_gate(lambda x, h, gate: (x, gate)), "it is x, not h",
            "What did the gate multiply? The backward needs that.",
        ),
        Slip(
            "gated h in the cache", kept_by_gate(lambda x, h, gate: (gate[..., None, :] * h, gate)),
            "it is gate · h, not h", "What did the gate multiply? The backward needs that.",
        ),
        Slip(
            "gate with another axis in the cache", kept_by_gate(lambda x, h, gate: (h, gate[..., None, :])),
            "it has an axis for the tokens", "Keep the gate as it came: (…, D).",
        ),
    ),
    sizes=lambda x, h, gate: {"tokens": x.shape[-2]},
    difficulty=1,
    minutes=4,
)


def gated_backward_with(part):
    """A slip in dx, dh or dgate, by a formula of dy, h and the gate (…, 1, D)."""

    def with_it(wrong):
        def slip(dy, cache):
            h, gate = cache
            grads = dict(zip(("dx", "dh", "dgate"), gated_residual_backward(dy, cache), strict=True))
            return tuple((grads | {part: wrong(dy=dy, h=h, gate=gate[..., None, :])}).values())

        return slip

    return with_it


def dy_h_and_gate(rng, size):
    """Random dy, and the cache (h, gate)."""
    dy, h, gate = x_h_and_gate(rng, size)
    return dy, (h, gate)


OVER_TOKENS = {
    "total": lambda x: x.sum(axis=-2), "mean": lambda x: x.mean(axis=-2), "kept": lambda x: x.sum(-2, keepdims=True),
    "channels": lambda x: x.sum(axis=-1), "samples": lambda x: x.sum(axis=tuple(range(x.ndim - 1))),
    "axis0": lambda x: x.sum(axis=0), "axis1": lambda x: x.sum(axis=1), "both": lambda x: x.sum(axis=(0, 1)),
    "first": lambda x: x[..., 0, :], "last": lambda x: x[..., -1, :],
}  # fmt: skip
NO_KEEPDIMS = "dgate has the shape of the gate, (…, D): no keepdims here."
TOKENS_ADD_UP = "Each token went through the same gate, so their contributions add up."
RESIDUAL_FREE = "On the way forward the residual did not."
OTHER_FACTOR = "In a product, the slope towards one factor is the other factor."
GATED_CHAIN = "The chain rule: the gradient that came in, dy, times the slope."
COUNT_BEHIND = "The tokens are the last axis but one, −2, however many there are."

GATED_RESIDUAL_BACKWARD = Exercise(
    name="gated_residual_backward",
    lesson=9,
    title="back through gate and residual",
    outputs=("dx", "dh", "dgate"),
    reference=gated_residual_backward,
    trials=(
        by_hand(
            np.array([[1.0, 2, -1], [3, -2, 4]]), (np.array([[1.0, -1, 2], [0, 3, -2]]), np.array([2.0, 0, -1])),
        ),
        *for_each(BRANCHES, dy_h_and_gate),
    ),
    slips=Slips(
        Slip(
            "wrong order",
            lambda dy, cache: (dy * cache[1][..., None, :], dy, (dy * cache[0]).sum(-2)),
            "it is what dh should be", "Return them in this order: dx, dh, dgate.",
        ),
        Formula(
            "dy", gated_backward_with("dx"), BRANCH_EXAMPLES, also=("h", "gate"),
            said=(
                ("dy * gate", "gate on the residual", "it went through the gate", RESIDUAL_FREE),
                (
                    "dy + dy * gate", "residual and branch added", "it holds the branch's gradient too",
                    "x and h are two inputs here. The caller that made h from x adds the two.",
                ),
                ("dy * h", "dx with h", "it was multiplied by h", "x was only added: its slope is 1."),
                ("dy * 0 + 1", "forgot dy", "dy is missing: it is 1 everywhere", GATED_CHAIN),
                ("dy + h", "dx with h", "h was added", "x was only added: its slope is 1."),
                (
                    "dy + gate * h", "forward again", "it is dy + gate · h",
                    "y = x + gate · h: the slope towards x is 1.",
                ),
            ),
        ),
        Formula(
            "dy * gate", gated_backward_with("dh"), BRANCH_EXAMPLES, also=("h",),
            said=(
                (
                    "dy + 0", "forgot the gate", "it did not go through the gate",
                    "What opened the branch on the way forward opens it on the way back.",
                ),
                ("dy * h", "own factor", "it was multiplied by h itself", OTHER_FACTOR),
                ("dy * h * gate", "own factor", "it was multiplied by h too", OTHER_FACTOR),
                ("dy * (1 + gate)", "1 + gate", "it was multiplied by 1 + gate", "The forward has the gate alone."),
                ("dy * 0 + gate", "forgot dy", "dy is missing", GATED_CHAIN),
            ),
        ),
        Formula(
            "total(dy * h)", gated_backward_with("dgate"), BRANCH_EXAMPLES, OVER_TOKENS, also=("gate",),
            said=(
                ("mean(dy * h)", "mean instead of sum", "it is the mean over the tokens, not their sum", TOKENS_ADD_UP),
                (
                    "dy * h", "forgot to sum over the tokens", "it has a row for every token",
                    "One gate served all tokens of a sample: sum over them.",
                ),
                ("kept(dy * h)", "kept an axis for the tokens", "an axis of length 1 is left over", NO_KEEPDIMS),
                ("samples(dy * h)", "summed over the batch too", "it was summed over the samples too", OWN_GATE),
                (
                    "channels(dy * h)", "summed over the wrong axis", "it was summed over the channels",
                    "There is a gate per channel; the tokens share it.",
                ),
                ("axis0(dy * h)", "axes counted from the front", "it was summed over axis 0", COUNT_BEHIND),
                ("both(dy * h)", "axes counted from the front", "it was summed over axes 0 and 1", COUNT_BEHIND),
                ("total(dy)", "forgot h", "it does not depend on h", OTHER_FACTOR),
                ("total(h)", "forgot dy", "dy is missing", GATED_CHAIN),
                ("total(dy * h * gate)", "gate in dgate", "it was multiplied by the gate too", OTHER_FACTOR),
                ("total(dy * gate)", "gate in dgate", "it has the gate where h should be", OTHER_FACTOR),
                ("first(dy * h)", "only one token", "it is that of the first token alone", TOKENS_ADD_UP),
                ("last(dy * h)", "only one token", "it is that of the last token alone", TOKENS_ADD_UP),
            ),
        ),
        Slip(
            "axes counted from the front",
            lambda dy, cache: (*gated_residual_backward(dy, cache)[:2], (dy * cache[0]).sum(axis=1)),
            "it was summed over axis 1", COUNT_BEHIND,
        ),
        Slip(
            "axes counted from the front",
            lambda dy, cache: (dy, dy * cache[1][:, None], (dy * cache[0]).sum(axis=-2)),
            "the new axis of the gate stands behind its first", COUNT_BEHIND,
        ),
        Slip(
            "axes counted from the front",
            lambda dy, cache: (dy, dy * cache[1][:, None], (dy * cache[0]).sum(axis=1)),
            "the new axis of the gate stands behind its first", COUNT_BEHIND,
        ),
    ),
    sizes=lambda dy, cache: {"tokens": dy.shape[-2]},
    difficulty=2,
    minutes=6,
)

# ------------------------------------------------------------------------------------------ 9.6 back through pooling


def pool_backward(dy, cache):
    """dweights and dv."""
    weights, v = cache
    return dy @ swap(v), swap(weights) @ dy


def pool_backward_with(part):
    """A slip in dweights or dv, by a formula."""

    def with_it(wrong):
        def slip(dy, cache):
            grads = dict(zip(("dweights", "dv"), pool_backward(dy, cache), strict=True))
            return tuple((grads | {part: wrong(dy=dy, weights=cache[0], v=cache[1])}).values())

        return slip

    return with_it


def dy_weights_and_v(rng, size):
    """Random dy (…, T, d) and a cache of weights (…, T, S) and v (…, S, d)."""
    leading, (T, S, d) = size
    return (
        rng.normal(size=(*leading, T, d)),
        (shares(rng.normal(size=(*leading, T, S))), rng.normal(size=(*leading, S, d))),
    )


POOLS = (
    ((2, 3), (4, 6, 5)), ((), (3, 4, 5)), ((2,), (6, 3, 5)), ((3, 2, 4), (5, 6, 7)), ((3,), (1, 5, 7)), ((), (5, 1, 3)),
    ((), (5, 5, 3)),
)  # fmt: skip


def pool_example(size):
    """Variables of the formulas."""
    dy, (weights, v) = dy_weights_and_v(np.random.default_rng(9), size)
    return {"dy": dy, "weights": weights, "v": v}


POOL_EXAMPLES = tuple(map(pool_example, (POOLS[0], POOLS[-1])))
OF_MATRICES = {
    "T": swap, "down": lambda x: x.sum(axis=-2, keepdims=True), "along": lambda x: x.sum(axis=-1, keepdims=True),
    "softmax_backward": lambda dy, y: softmax_backward(dy, (y,)), "ones": np.ones_like,
}  # fmt: skip
SUM_OF_PRODUCTS = "A sum of products is meant: @."
T_ROWS = "Every query has a row: dweights has the layout of the weights, T rows and S columns."
OWN_COLUMN = "A value belongs to a *column* of the weights: sum over the tokens that took some of it."
ALL_USED_IT = "Each of them used the value, so sum over them."
TOOK_MORE = "A token that took more of a value contributes more to its gradient."

POOL_BACKWARD = Exercise(
    name="pool_backward",
    lesson=9,
    title="back through pooling",
    outputs=("dweights", "dv"),
    reference=pool_backward,
    trials=(
        # As many tokens asking as asked, so that a missing transpose still multiplies and can be named.
        by_hand(
            np.array([[1.0, 2, -1], [4, 0, 2]]),
            (np.array([[0.25, 0.75], [1.0, 0.0]]), np.array([[1.0, 0, 3], [0, 2, 1]])),
        ),
        *for_each(POOLS, dy_weights_and_v),
    ),
    slips=Slips(
        Formula(
            "dy @ T(v)", pool_backward_with("dweights"), POOL_EXAMPLES, OF_MATRICES, also=("weights",),
            said=(
                ("v @ T(dy)", "missing transpose", "it has a row per value", T_ROWS),
                (
                    "softmax_backward(dy @ T(v), weights)", "through softmax already",
                    "it went back through the softmax already", "Only one step here: softmax comes next.",
                ),
                (
                    "dy @ T(v) - along(weights * (dy @ T(v)))", "through softmax already",
                    "an average was subtracted already", "Only one step here: softmax comes next.",
                ),
                (
                    "weights * (dy @ T(v))", "through softmax already", "it was multiplied by the weights",
                    "The slope towards a weight is the value. Softmax comes next.",
                ),
                (
                    "dy @ T(v) / sqrt(v.shape[-1])", "1/√d once more", "it is divided by √d",
                    "√d belongs to the scores; pooling divides by nothing.",
                ),
                ("dy @ T(dy)", "another variable", "dy was multiplied with dy", OTHER_FACTOR),
                ("v @ T(v)", "forgot dy", "v was multiplied with v: dy is missing", OTHER_FACTOR),
                (
                    "weights @ v @ T(v)", "forgot dy", "y, the result of the forward, stands where dy should",
                    GATED_CHAIN,
                ),
                ("ones(dy) @ T(v)", "forgot dy", "dy is missing", GATED_CHAIN),
                ("along(dy) * T(along(v))", "product of sums", "it is a product of two sums", SUM_OF_PRODUCTS),
            ),
        ),
        Formula(
            "T(weights) @ dy", pool_backward_with("dv"), POOL_EXAMPLES, OF_MATRICES, also=("v",),
            said=(
                ("weights @ dy", "missing transpose", "it gathers along the rows of the weights", OWN_COLUMN),
                (
                    "T(dy) @ weights", "missing transpose", "it is transposed",
                    "Each value has a row of its own, as in v.",
                ),
                (
                    "T(weights) @ dy / weights.shape[-2]", "mean over the tokens",
                    "it is the mean over the tokens that asked, not their sum", ALL_USED_IT,
                ),
                (
                    "ones(T(weights)) / weights.shape[-1] @ dy", "as if the weights were equal",
                    "it treats all weights alike", TOOK_MORE,
                ),
                (
                    "down(dy) + 0 * v", "as if the weights were equal", "the weights are missing: it is the sum of dy",
                    TOOK_MORE,
                ),
                ("T(weights) @ v", "forgot dy", "v stands where dy should", OTHER_FACTOR),
                ("T(weights) @ ones(dy)", "forgot dy", "dy is missing", GATED_CHAIN),
                ("dy", "unchanged input", "it is dy as it came", TOOK_MORE),
                ("T(down(weights)) * down(dy)", "product of sums", "it is a product of two sums", SUM_OF_PRODUCTS),
                (
                    "T(weights / down(weights)) @ dy", "columns made to add up to one",
                    "the weights of each key were made to add up to one", "Use the weights as they are.",
                ),
            ),
        ),
    ),
    sizes=lambda dy, cache: {"tokens that ask": dy.shape[-2], "tokens that are asked": cache[1].shape[-2]},
    difficulty=1,
    minutes=6,
)

# ------------------------------------------------------------------------------------------ 9.7 attention, backward


class Out(tuple):
    """Arrays to write to. They are handed over as they are, where inputs are handed over as copies."""

    def __deepcopy__(self, memo):
        return self


def backward_with(part):
    """A slip in one of the steps, by a formula of all that is there by then."""

    def with_it(wrong):
        def slip(dy, cache, out=None):
            q, k, v, weights = cache
            known = {"dy": dy, "q": q, "k": k, "v": v, "weights": weights} | lengths_of(q, k)
            for name, step in STEPS.items():
                known[name] = wrong(**known) if name == part else step(**known)
            return known["dq"], known["dk"], known["dv"]

        return slip

    return with_it


STEPS = {
    "dweights": lambda dy, v, **_: dy @ swap(v),
    "dscores": lambda dweights, weights, **_: softmax_backward(dweights, (weights,)),
    "dproducts": lambda dscores, d, **_: dscores * d**-0.5,
    "dq": lambda dproducts, k, **_: dproducts @ k,
    "dk": lambda dproducts, q, **_: swap(dproducts) @ q,
    "dv": lambda dy, weights, **_: swap(weights) @ dy,
}  # in order


def attention_backward(dy, cache, out=None):
    """The right answer. Where `out` is given, it is `out` itself: what the student wrote there is looked at."""
    return right_backward(dy, cache) if out is None else out


def without_transposes(dy, cache, out=None):
    """dk and dv summed over the keys, not over the queries."""
    q, k, v, weights = cache
    dproducts = softmax_backward(dy @ swap(v), (weights,)) * q.shape[-1] ** -0.5
    return dproducts @ k, dproducts @ q, weights @ dy


def out_holds(*order):
    """A slip: right gradients are returned, and `out` holds them in another order, or zeros in the place of a None.

    What lies in `out` then is what is expected, see above. Without an answer that filled it, this returns what it would
    hold.
    """

    def slip(dy, cache, out=None):
        right = right_backward(dy, cache)
        if out is None:
            return right
        held = [0 * right[place] if i is None else right[i] for place, i in enumerate(order)]
        found = all(a.shape == b.shape and np.allclose(a, b) for a, b in zip(out, held, strict=True))
        return right if found else tuple(held)

    return slip


def weights_made_again(dy, cache, out=None):
    """The weights made from q and k, without a mask."""
    q, k, v, _ = cache
    return right_backward(dy, (q, k, v, shares(q @ swap(k) * q.shape[-1] ** -0.5)))


def attention_case(rng, size, make=queries_keys_and_values):
    """Random dy (…, H, T, d) and a cache of attention."""
    y, cache = attention_forward(*make(rng, size))
    return rng.normal(size=y.shape), cache


def masked_case(rng, size):
    """Random dy and the cache of attention with a mask."""
    return attention_case(rng, size, with_mask)


def case_with_out(rng, size):
    """Random dy, a cache, and arrays for the gradients."""
    dy, cache = attention_case(rng, size)
    return dy, cache, Out(np.zeros_like(x) for x in cache[:3])


def backward_example(size):
    """Variables of the formulas."""
    dy, (q, k, v, weights) = masked_case(np.random.default_rng(9), size)
    known = {"dy": dy, "q": q, "k": k, "v": v, "weights": weights} | lengths_of(q, k)
    for name, step in STEPS.items():
        known[name] = step(**known)
    return known


BACKWARD_EXAMPLES = tuple(backward_example(SIZES[i]) for i in (0, 2, 3))


def step(part, text, *said, **more):
    """The Formula of a step."""
    functions = OF_MATRICES | {"total": OF_MATRICES["along"], "mean": lambda x: x.mean(axis=-1, keepdims=True),
                               "softmax": shares}  # fmt: skip
    return Formula(text, backward_with(part), BACKWARD_EXAMPLES, functions, said, **more)


FORWARD_FACTOR = "A constant factor of the forward is a factor of the backward too."
PRODUCT_FACTOR = "The factor belongs to the product. Both q and k see it."
ONCE = "Each gradient goes through the scaling once."
SHARED = "All weights of a query share one sum: only the difference from the average counts."
KEY_COLUMN = "A key belongs to a *column* of the scores: sum over the queries."
SOFTMAX_BACK = "Between the weights and the scores lies lesson 8's softmax, and it has a backward."

ATTENTION_BACKWARD = Exercise(
    name="attention_backward",
    lesson=9,
    title="back through attention",
    outputs=("dq", "dk", "dv"),
    reference=attention_backward,
    trials=(
        # One head, as many keys as queries. The weights are quarters.
        by_hand(
            np.array([[[1.0, 0, 0, 2], [0, 1, 1, 0]]]),
            (
                np.array([[[0.0, 0, 2, 0], [2 * LN3, 0, 0, 2]]]),
                np.array([[[1.0, 0, 0, 0], [0, 1, 0, 0]]]),
                np.array([[[4.0, 0, 8, 0], [0, 4, -8, 4]]]),
                np.array([[[0.5, 0.5], [0.75, 0.25]]]),
            ),
        ),
        *for_each(SIZES, attention_case),
        *for_each(SIZES[:4], masked_case, "masked keys"),
        *for_each(SIZES[:3], case_with_out, "into given arrays"),
    ),
    slips=Slips(
        Slip(
            "out left alone", out_holds(None, None, None),
            "it was only returned: the arrays in out are as they were",
            "If out is given, its three arrays have to hold the gradients afterwards: out[0][...] = dq, and so on.",
        ),
        *(
            Slip(
                "out in another order", out_holds(*order), "its place in out holds another gradient",
                "The order in out is dq, dk, dv.",
            )
            for order in ((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
        ),
        *(
            Slip(
                "out filled in part", out_holds(*order), "its place in out was not filled",
                "If out is given, all three arrays have to hold the gradients afterwards.",
            )
            for order in ((0, None, None), (0, 1, None), (None, 1, 2), (0, None, 2))
        ),
        step(
            "dweights", "dy @ T(v)",
            ("weights * (dy @ T(v))", "weights once more", "dweights was multiplied by the weights already",
             "That belongs to the softmax, which comes next."),
            ("v @ T(dy)", "missing transpose", "dweights is transposed: it has a row per value", T_ROWS),
            ("weights @ v @ T(v)", "forgot dy", "y, the result of the forward, stands where dy should", GATED_CHAIN),
            also=("weights", "q", "k"), within=True,
        ),
        step(
            "dscores", "weights * (dweights - total(weights * dweights))",
            ("dweights", "forgot softmax", "the gradient went past the softmax", SOFTMAX_BACK),
            ("dweights * weights * (1 - weights)", "softmax: only its own weight",
             "on the way through the softmax, each score moved only its own weight", SHARED),
            ("weights * dweights", "softmax: not through the sum",
             "on the way through the softmax, the sum was treated as a constant", SHARED),
            ("weights * (dweights - mean(dweights))", "softmax: plain mean",
             "on the way through the softmax, the plain mean was subtracted",
             "The average is weighted: by the weights."),
            ("weights * (dweights + total(weights * dweights))", "softmax: plus instead of minus",
             "on the way through the softmax, the average was added", SHARED),
            ("dweights - total(weights * dweights)", "softmax: forgot the outer factor",
             "on the way through the softmax, the factor weights is missing", SHARED),
            ("weights * (dweights - down(weights * dweights))", "softmax along the wrong axis",
             "on the way through the softmax, the average was taken over the queries",
             "The weights of one query share a sum: the average goes over the keys, the last axis."),
            ("dweights * (weights - total(weights * dweights))", "softmax: dy and y exchanged",
             "dweights and weights have changed places in the softmax's backward",
             "softmax_backward(dy, (y,)): dy is the gradient dweights, y are the weights."),
            ("softmax(dweights)", "softmax forward again", "softmax itself was taken of dweights, not its backward",
             SOFTMAX_BACK),
            within=True,
        ),
        step(
            "dproducts", "dscores / d ** 0.5",
            ("dscores", "forgot 1/√d",
             "the scores were divided by √d on the way forward, and their gradient was not on the way back",
             FORWARD_FACTOR),
            ("dscores / d", "divided by d", "it is divided by d, not by its square root: perhaps by √d twice", ONCE),
            ("dscores * sqrt(d)", "multiplied by √d", "it is multiplied by √d",
             "The backward of a factor is the same factor, not its inverse."),
            ("dscores / sqrt(queries)", "√ of the number of tokens", "it is divided by √T, not by √d", LAST_OF_Q),
            ("dscores / sqrt(keys)", "√ of the number of keys", "it is divided by √S, not by √d", LAST_OF_Q),
            ("dscores / sqrt(heads)", "√ of the number of heads", "it is divided by √H, not by √d", LAST_OF_Q),
            ("dscores / sqrt(heads * d)", "√ of the whole width", "it is divided by √D, not by √d", LAST_OF_Q),
            ("dscores / sqrt(first)", "√ of the first axis", "it is divided by the root of the first axis", LAST_OF_Q),
            (
                "dscores / sqrt(second)", "√ of the first axis", "it is divided by the root of the second axis",
                LAST_OF_Q,
            ),
            ("dscores / 2", "√d typed in", "it is divided by 2, whatever d is", LAST_OF_Q),
            ("T(dscores) / sqrt(d)", "missing transpose", "it is made with dscores transposed",
             "A query belongs to a *row* of the scores: sum over the keys."),
            within=True,
        ),
        step(
            "dq", "dproducts @ k",
            ("dproducts @ k * sqrt(d)", "1/√d for one of the two", "it misses the 1/√d that dk has", PRODUCT_FACTOR),
            ("dproducts @ k / sqrt(d)", "divided by d", "it is divided by √d twice", ONCE),
            ("T(dproducts) @ k", "missing transpose", "it adds up along the wrong axis of dscores",
             "A query belongs to a *row* of the scores: sum over the keys."),
            ("dproducts @ q", "q and k exchanged", "the gradient of the query is made of queries", OTHER_FACTOR),
            also=("q", "v", "dscores", "weights"),
        ),
        step(
            "dk", "T(dproducts) @ q",
            ("T(dproducts) @ q * sqrt(d)", "1/√d for one of the two", "it misses the 1/√d that dq has", PRODUCT_FACTOR),
            ("T(dproducts) @ q / sqrt(d)", "divided by d", "it is divided by √d twice", ONCE),
            ("dproducts @ q", "missing transpose", "it adds up along the wrong axis of dscores", KEY_COLUMN),
            ("T(dproducts) @ k", "q and k exchanged", "the gradient of the key is made of keys", OTHER_FACTOR),
            ("T(T(dproducts) @ q)", "missing transpose", "it is transposed", "Each key has a row of its own, as in k."),
            ("dproducts @ k", "another output", "it is what dq should be", "The key's gradient is made of queries."),
            also=("k", "v", "dscores", "weights"),
        ),
        step(
            "dv", "T(weights) @ dy",
            ("weights @ dy", "missing transpose", "it adds up along the wrong axis of the weights",
             "A value belongs to a *column* of the weights: sum over the queries."),
            ("T(weights) @ dy / queries", "mean over the tokens", "it is the mean over the tokens that asked",
             ALL_USED_IT),
            ("T(weights) @ v", "forgot dy", "v stands where dy should", OTHER_FACTOR),
            ("T(weights) @ (0 * dy + 1)", "forgot dy", "dy is missing", GATED_CHAIN),
            ("dy", "unchanged input", "it is dy as it came", TOOK_MORE),
            (
                "T(T(weights) @ dy)", "missing transpose", "it is transposed",
                "Each value has a row of its own, as in v.",
            ),
            also=("v", "dweights", "dscores"),
        ),
        Slip(
            "missing transpose", without_transposes, "it adds up along the wrong axis, and so does dv",
            "Keys and values belong to a *column*: sum over the queries.",
        ),
        Slip(
            "weights made again", weights_made_again, "the weights were made again from q and k, without the mask",
            "The cache holds the weights as they were: use those.",
        ),
    ),
    sizes=lambda dy, cache, out=None: {
        "numbers in a query": dy.shape[-1], "heads": dy.shape[-3], "tokens that ask": dy.shape[-2],
        "tokens that are asked": cache[1].shape[-2],
    },
    difficulty=3,
    minutes=15,
)

EXERCISES = (
    STEP_9_POOLED,
    ATTENTION_FORWARD,
    JOIN_HEADS,
    GATED_RESIDUAL_FORWARD,
    GATED_RESIDUAL_BACKWARD,
    POOL_BACKWARD,
    ATTENTION_BACKWARD,
)
