"""Lesson 9, attention pooling: values gathered by weights, several heads, and the gate back into the residual."""

import numpy as np

from minidit import worksheet
from minidit.course.exercise import Exercise, Numbers, Slip, Trial, at_random, by_hand
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


def same(x):
    """x."""
    return x


# ------------------------------------------------------------------------------------------ 9.1 the worksheet's pooling

SHEET = worksheet.solve()


def entry_of_pooled(index):
    """How to compute an entry of the pooled latent."""
    row, column = index
    return (
        f"Row {row}, column {column}, counted from 0: row {row} of the conditioned latent times column {column} of the "
        "attention matrix, number by number, all four added."
    )


STEP_9_POOLED = Numbers(
    name="step_9_pooled",
    lesson=9,
    title="pooling by hand",
    expected=lambda: SHEET.pooled,
    explain=entry_of_pooled,
    slips=(
        Slip(
            "rows of the attention", lambda: SHEET.conditioned @ SHEET.attention.T,
            "each patch gathered along a row of the attention matrix",
            "A column belongs to the patch that asks: that is the one to gather along.",
        ),
        Slip(
            "pooled the noised latent", lambda: SHEET.noised @ SHEET.attention,
            "the noised latent of step 4 was pooled",
            "Step 7 came in between: its conditioned latent is what goes in here.",
        ),
        Slip(
            "pooled the keys", lambda: SHEET.keys @ SHEET.attention,
            "the keys were pooled",
            "Keys are for comparing. What is gathered is the conditioned latent itself.",
        ),
        Slip(
            "pooled the queries", lambda: SHEET.queries @ SHEET.attention,
            "the queries were pooled",
            "Queries are for comparing. What is gathered is the conditioned latent itself.",
        ),
    ),
    difficulty=1,
    minutes=6,
)

# ------------------------------------------------------------------------------------------ 9.2 attention, forward


def attention(q, k, v, key_mask=None, scale=None, softmax=softmax_forward):
    """`attention_forward` with a different scale or softmax, for the slips."""
    scores = q @ swap(k) * (q.shape[-1] ** -0.5 if scale is None else scale)  # …, H, T, S
    if key_mask is not None:
        scores = np.where(key_mask[..., None, None, :], scores, -np.inf)
    weights, _ = softmax(scores)
    return weights @ v, (q, k, v, weights)


def naive_softmax(x):
    """Overflows."""
    e = np.exp(x)
    return e / e.sum(-1, keepdims=True), None


def mask_after_softmax(q, k, v, key_mask=None):
    """Weights of masked keys removed, the others left as they were."""
    _, (_, _, _, weights) = attention_forward(q, k, v)
    weights = weights if key_mask is None else weights * key_mask[..., None, None, :]
    return weights @ v, (q, k, v, weights)


def mask_as_zero_scores(q, k, v, key_mask=None):
    """Scores of masked keys set to zero, which is a score like others."""
    scores = q @ swap(k) * q.shape[-1] ** -0.5
    weights, _ = softmax_forward(scores if key_mask is None else scores * key_mask[..., None, None, :])
    return weights @ v, (q, k, v, weights)


def mask_for_first_sample(q, k, v, key_mask=None):
    """One sample's mask for all."""
    return attention_forward(q, k, v, key_mask if key_mask is None or key_mask.ndim < 2 else key_mask[:1])


def queries_keys_and_values(*sizes):
    """Makes random q (…, H, T, d), k and v (…, H, S, d)."""
    *leading, T, S, d = sizes
    return lambda rng: tuple(rng.normal(size=(*leading, n, d)) for n in (T, S, S))


def with_mask(rng):
    """As above, with a key mask (B, S): another for each of the two samples, True where a key may be attended to."""
    q, k, v = queries_keys_and_values(2, 3, 4, 6, 5)(rng)
    key_mask = np.array([[True, True, True, True, False, False], [True, False, True, True, True, True]])
    return q, k, v, key_mask


def with_large_scores(rng):
    """As above, with scores in the thousands."""
    q, k, v = queries_keys_and_values(2, 3, 4, 6, 5)(rng)
    return 1000 * q, k, v


LN3 = float(np.log(3))

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
        at_random(queries_keys_and_values(2, 3, 4, 6, 5)),
        Trial("masked keys", with_mask),
        Trial("large numbers", with_large_scores),
    ),
    slips=(
        Slip(
            "forgot 1/√d", lambda q, k, v, key_mask=None: attention(q, k, v, key_mask, 1.0),
            "the scores are not divided by √d",
            "Unscaled scores are too large, and softmax leaves one key nearly all the weight.",
        ),
        Slip(
            "divided by d", lambda q, k, v, key_mask=None: attention(q, k, v, key_mask, 1 / q.shape[-1]),
            "the scores are divided by d, not by its square root",
            "See lesson 8: how does the spread of a dot product grow with d?",
        ),
        Slip(
            "√ of the number of tokens",
            lambda q, k, v, key_mask=None: attention(q, k, v, key_mask, q.shape[-2] ** -0.5),
            "the scores are divided by the root of the number of tokens",
            "d is how many numbers one query has: the last axis of q.",
        ),
        Slip(
            "√ of the number of heads",
            lambda q, k, v, key_mask=None: attention(q, k, v, key_mask, q.shape[-3] ** -0.5),
            "the scores are divided by the root of the number of heads",
            "d is how many numbers one query has: the last axis of q.",
        ),
        Slip(
            "forgot softmax",
            lambda q, k, v, key_mask=None: attention(q, k, v, key_mask, softmax=lambda x: (x, None)),
            "the scores themselves gathered the values",
            "The worksheet does it that way. Here the scores of a query become weights that add up to one first.",
        ),
        Slip(
            "softmax along the wrong axis",
            lambda q, k, v, key_mask=None: attention(
                q, k, v, key_mask, softmax=lambda x: (swap(softmax_forward(swap(x))[0]), None)
            ),
            "the weights of a *key* add up to one, not those of a query",
            "A query shares out its attention: softmax goes over the keys, the last axis of the scores.",
        ),
        Slip(
            "not stabilised",
            lambda q, k, v, key_mask=None: attention(q, k, v, key_mask, softmax=naive_softmax),
            "the exponentials overflow",
            "Adding a constant to all scores of a row changes no weight. Which one makes the largest of them zero?",
        ),
        Slip(
            "forgot the mask", lambda q, k, v, key_mask=None: attention_forward(q, k, v),
            "masked keys were attended to all the same",
            "What does key_mask say, and where does it have to act?",
        ),
        Slip(
            "mask inverted",
            lambda q, k, v, key_mask=None: attention_forward(q, k, v, None if key_mask is None else ~key_mask),
            "exactly the keys that should be left out were attended to",
            "True means: this key may be attended to.",
        ),
        Slip(
            "mask after softmax", mask_after_softmax,
            "the weights that are left don't add up to one any more",
            "Masked keys should not even take part in the sum: act on the scores, before the softmax.",
        ),
        Slip(
            "masked scores set to zero", mask_as_zero_scores,
            "masked keys have a score of zero, and zero is a score like others",
            "Which score has an exponential of exactly zero?",
        ),
        Slip(
            "one mask for all samples", mask_for_first_sample,
            "every sample got the mask of the first one",
            "key_mask has a row for each sample: give it axes for heads and queries in between.",
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


def reshaped(h, shape):
    """(…, H, T, d) as (…, T, D), after its last three axes were put in another order; None where that can't be."""
    *leading, H, T, d = h.shape
    return shape(h).reshape(*leading, T, H * d)


JOIN_HEADS = Exercise(
    name="join_heads",
    lesson=9,
    title="merging the heads",
    outputs=("y",),
    reference=join_heads,
    trials=(
        by_hand(np.array([[[1.0, 2], [3, 4], [5, 6]], [[10, 20], [30, 40], [50, 60]]])),
        at_random(lambda rng: (rng.normal(size=(2, 3, 4, 5)),)),
    ),
    slips=(
        Slip(
            "reshape alone", lambda h: reshaped(h, same),
            "its rows mix tokens",
            "reshape doesn't move numbers, and in memory one head follows the other. Swap the axes of heads and "
            "tokens first.",
        ),
        Slip(
            "heads inside", lambda h: reshaped(h, lambda h: np.moveaxis(h, -3, -1)),
            "the heads alternate within a row",
            "All d numbers of head 0 come first, then all of head 1. Which axis has to be the last but one?",
        ),
        Slip(
            "wrong axes exchanged", lambda h: reshaped(h, swap),
            "each row holds numbers of several tokens",
            "The axes to exchange are those of heads and tokens.",
        ),
        Slip(
            "sum over the heads", lambda h: h.sum(axis=-3),
            "the heads were added up", "They stand side by side: each keeps its own d columns of the D.",
        ),
        Slip(
            "mean over the heads", lambda h: h.mean(axis=-3),
            "the heads were averaged", "They stand side by side: each keeps its own d columns of the D.",
        ),
        Slip(
            "axes exchanged, not joined", lambda h: h.swapaxes(-3, -2),
            "heads and tokens have changed places, but the heads still have an axis of their own",
            "Now merge the last two axes into one.",
        ),
    ),
    sizes=lambda h: {"heads": h.shape[-3], "tokens": h.shape[-2]},
    difficulty=2,
    minutes=6,
)

# ------------------------------------------------------------------------------------------ 9.4 and 9.5 the gate


def gated(x, h, gate, y):
    """A wrong y with the right cache."""
    return y(x, h, gate[..., None, :]), (h, gate)


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
        at_random(lambda rng: (rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 3)))),
    ),
    slips=(
        Slip(
            "gate on the residual", lambda x, h, gate: gated(x, h, gate, lambda x, h, gate: gate * x + h),
            "the gate sits on the residual, not on the branch",
            "A gate of zero should leave x as it is.",
        ),
        Slip(
            "gate on both", lambda x, h, gate: gated(x, h, gate, lambda x, h, gate: gate * (x + h)),
            "the gate sits on the sum",
            "A gate of zero should leave x as it is, not wipe it out.",
        ),
        Slip(
            "1 + gate", lambda x, h, gate: gated(x, h, gate, lambda x, h, gate: x + (1 + gate) * h),
            "the branch was multiplied by 1 + gate",
            "That is how a scale works. A gate of zero closes the branch.",
        ),
        Slip(
            "forgot the residual", lambda x, h, gate: gated(x, h, gate, lambda x, h, gate: gate * h),
            "x is missing from it",
            "The branch adds to x; it does not replace it.",
        ),
        Slip(
            "forgot the gate", lambda x, h, gate: gated(x, h, gate, lambda x, h, gate: x + h),
            "the branch was added without its gate",
            "The gate says how much of h is added.",
        ),
        Slip(
            "mixed like a blend", lambda x, h, gate: gated(x, h, gate, lambda x, h, gate: (1 - gate) * x + gate * h),
            "x was faded out as h came in",
            "The residual passes whole, whatever the gate.",
        ),
        Slip(
            "x in the cache", lambda x, h, gate: (gated_residual_forward(x, h, gate)[0], (x, gate)),
            "it is x, not h",
            "What did the gate multiply? The backward needs that.",
        ),
    ),
    sizes=lambda x, h, gate: {"tokens": x.shape[-2]},
    difficulty=1,
    minutes=4,
)


def gated_backward_with(dx=None, dh=None, dgate=None):
    """`gated_residual_backward` with one of the three replaced by a function of dy, h and the gate (…, 1, D)."""

    def backward(dy, cache):
        h, gate = cache
        right = gated_residual_backward(dy, cache)
        own = (dx, dh, dgate)
        return tuple(
            value if make is None else make(dy, h, gate[..., None, :]) for value, make in zip(right, own, strict=True)
        )

    return backward


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
        at_random(
            lambda rng: (rng.normal(size=(2, 4, 3)), (rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 3))))
        ),
    ),
    slips=(
        Slip(
            "mean instead of sum", gated_backward_with(dgate=lambda dy, h, gate: (dy * h).mean(-2)),
            "it is the mean over the tokens, not their sum",
            "Each token went through the same gate, so their contributions add up.",
        ),
        Slip(
            "forgot to sum over the tokens", gated_backward_with(dgate=lambda dy, h, gate: dy * h),
            "it has a row for every token", "One gate served all tokens of a sample: sum over them.",
        ),
        Slip(
            "summed over the batch too", gated_backward_with(dgate=lambda dy, h, gate: (dy * h).sum((0, -2))),
            "it was summed over the samples too", "Each sample has a gate of its own.",
        ),
        Slip(
            "summed over the wrong axis", gated_backward_with(dgate=lambda dy, h, gate: (dy * h).sum(-1)),
            "it was summed over the channels", "There is a gate per channel; the tokens share it.",
        ),
        Slip(
            "wrong order", gated_backward_with(dx=lambda dy, h, gate: dy * gate, dh=lambda dy, h, gate: dy),
            "it is what dh should be",
            "Return them in this order: dx, dh, dgate.",
        ),
        Slip(
            "gate on the residual", gated_backward_with(dx=lambda dy, h, gate: dy * gate),
            "it went through the gate",
            "On the way forward the residual did not.",
        ),
        Slip(
            "residual and branch added", gated_backward_with(dx=lambda dy, h, gate: dy + dy * gate),
            "it holds the branch's gradient too",
            "x and h are two inputs here. The caller that made h from x adds the two.",
        ),
        Slip(
            "forgot the gate", gated_backward_with(dh=lambda dy, h, gate: dy.copy()),
            "it did not go through the gate",
            "What opened the branch on the way forward opens it on the way back.",
        ),
        Slip(
            "forgot h", gated_backward_with(dgate=lambda dy, h, gate: dy.sum(-2)),
            "it does not depend on h",
            "In a product, the slope towards one factor is the other factor.",
        ),
        Slip(
            "own factor", gated_backward_with(dh=lambda dy, h, gate: dy * h),
            "it was multiplied by h itself",
            "In a product, the slope towards one factor is the other factor.",
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


def dy_weights_and_v(*sizes):
    """Makes random dy (…, T, d) and a cache of weights (…, T, S) and v (…, S, d)."""
    *leading, T, S, d = sizes
    return lambda rng: (
        rng.normal(size=(*leading, T, d)),
        (softmax_forward(rng.normal(size=(*leading, T, S)))[0], rng.normal(size=(*leading, S, d))),
    )


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
        at_random(dy_weights_and_v(3, 4, 5)),
        Trial("several heads", dy_weights_and_v(2, 3, 4, 6, 5)),
    ),
    slips=(
        Slip(
            "missing transpose", lambda dy, cache: (dy @ swap(cache[1]), cache[0] @ dy),
            "it gathers along the rows of the weights",
            "A value belongs to a *column* of the weights: sum over the tokens that took some of it.",
        ),
        Slip(
            "missing transpose", lambda dy, cache: (cache[1] @ swap(dy), swap(cache[0]) @ dy),
            "it has a row per value",
            "Every query has a row: dweights has the layout of the weights, T rows and S columns.",
        ),
        Slip(
            "mean over the tokens", lambda dy, cache: (dy @ swap(cache[1]), swap(cache[0]) @ dy / dy.shape[-2]),
            "it is the mean over the tokens that asked, not their sum",
            "Each of them used the value, so sum over them.",
        ),
        Slip(
            "as if the weights were equal",
            lambda dy, cache: (dy @ swap(cache[1]), np.full_like(swap(cache[0]), 1 / cache[0].shape[-1]) @ dy),
            "it treats all weights alike",
            "A token that took more of a value contributes more to its gradient.",
        ),
        Slip(
            "through softmax already",
            lambda dy, cache: (softmax_backward(dy @ swap(cache[1]), (cache[0],)), swap(cache[0]) @ dy),
            "it went back through the softmax already",
            "Only one step here: softmax comes next.",
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


def attention_backward_slip(through_softmax=softmax_backward, dq_scale=None, dk_scale=None):
    """A backward of attention with a different softmax backward or other scales than 1/√d."""

    def backward(dy, cache, out=None):
        q, k, v, weights = cache
        scale = q.shape[-1] ** -0.5
        dscores = through_softmax(dy @ swap(v), (weights,))  # …, H, T, S
        dq = dscores @ k * (scale if dq_scale is None else dq_scale(q))
        dk = swap(dscores) @ q * (scale if dk_scale is None else dk_scale(q))
        return dq, dk, swap(weights) @ dy

    return backward


def attention_backward(dy, cache, out=None):
    """The right answer. Where `out` is given, it is `out` itself: what the student wrote there is looked at."""
    return right_backward(dy, cache) if out is None else out


def out_left_alone(dy, cache, out=None):
    """The right gradients, but not written to `out`."""
    return right_backward(dy, cache)


def without_transposes(dq_of, dk_of, dv_of):
    """A slip that forgets to transpose dscores or weights. Each function takes both and returns what the slip uses."""

    def backward(dy, cache, out=None):
        q, k, v, weights = cache
        dscores = softmax_backward(dy @ swap(v), (weights,)) * q.shape[-1] ** -0.5
        return dq_of(dscores) @ k, dk_of(dscores) @ q, dv_of(weights) @ dy

    return backward


def one(q):
    """No scaling."""
    return 1.0


def attention_case(*sizes):
    """Makes random dy (…, H, T, d) and a cache of attention."""
    make = queries_keys_and_values(*sizes)

    def case(rng):
        q, k, v = make(rng)
        y, cache = attention_forward(q, k, v)
        return rng.normal(size=y.shape), cache

    return case


def masked_case(rng):
    """Random dy and the cache of attention with a mask."""
    y, cache = attention_forward(*with_mask(rng))
    return rng.normal(size=y.shape), cache


def case_with_out(rng):
    """Random dy, a cache, and arrays for the gradients."""
    dy, cache = attention_case(2, 3, 4, 6, 5)(rng)
    return dy, cache, Out(np.zeros_like(x) for x in cache[:3])


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
        at_random(attention_case(2, 3, 4, 6, 5)),
        Trial("masked keys", masked_case),
        Trial("into given arrays", case_with_out),
    ),
    slips=(
        Slip(
            "out left alone", out_left_alone,
            "it was only returned: the arrays in out are as they were",
            "If out is given, its three arrays have to hold the gradients afterwards: out[0][...] = dq, and so on.",
        ),
        Slip(
            "forgot 1/√d", attention_backward_slip(dq_scale=one, dk_scale=one),
            "the scores were divided by √d on the way forward, and their gradient was not on the way back",
            "A constant factor of the forward is a factor of the backward too.",
        ),
        Slip(
            "1/√d for one of the two", attention_backward_slip(dk_scale=one),
            "it misses the 1/√d that dq has", "The factor belongs to the product. Both q and k see it.",
        ),
        Slip(
            "1/√d for one of the two", attention_backward_slip(dq_scale=one),
            "it misses the 1/√d that dk has", "The factor belongs to the product. Both q and k see it.",
        ),
        Slip(
            "divided by d",
            attention_backward_slip(dq_scale=lambda q: 1 / q.shape[-1], dk_scale=lambda q: 1 / q.shape[-1]),
            "it is divided by d, not by its square root: perhaps by √d twice",
            "Each gradient goes through the scaling once.",
        ),
        Slip(
            "forgot softmax", attention_backward_slip(lambda dweights, cache: dweights),
            "the gradient went past the softmax",
            "Between the weights and the scores lies lesson 8's softmax, and it has a backward.",
        ),
        Slip(
            "softmax: only its own weight", attention_backward_slip(lambda dw, cache: dw * cache[0] * (1 - cache[0])),
            "on the way through the softmax, each score moved only its own weight",
            "All weights of a query share one sum: only the difference from the average counts.",
        ),
        Slip(
            "softmax: not through the sum", attention_backward_slip(lambda dw, cache: dw * cache[0]),
            "on the way through the softmax, the sum was treated as a constant",
            "All weights of a query share one sum: only the difference from the average counts.",
        ),
        Slip(
            "softmax along the wrong axis",
            attention_backward_slip(lambda dw, cache: cache[0] * (dw - (dw * cache[0]).sum(-2, keepdims=True))),
            "on the way through the softmax, the average was taken over the queries",
            "The weights of one query share a sum: the average goes over the keys, the last axis.",
        ),
        Slip(
            "missing transpose", without_transposes(same, same, swap),
            "it adds up along the wrong axis of dscores",
            "A key belongs to a *column* of the scores: sum over the queries.",
        ),
        Slip(
            "missing transpose", without_transposes(same, swap, same),
            "it adds up along the wrong axis of the weights",
            "A value belongs to a *column* of the weights: sum over the queries.",
        ),
        Slip(
            "missing transpose", without_transposes(same, same, same),
            "it adds up along the wrong axis, and so does dv",
            "Keys and values belong to a *column*: sum over the queries.",
        ),
        Slip(
            "missing transpose", without_transposes(swap, swap, swap),
            "it adds up along the wrong axis of dscores",
            "A query belongs to a *row* of the scores: sum over the keys.",
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
