"""Lesson 8: right answers written differently, and wrong ones as students write them."""

import numpy as np
from answers_of import Answers

ATTENTION = np.array([[2, 4, -5, 3], [0, 2, -3, 1], [1, -1, 2, 0], [1, 3, -4, 2]])
ONE_OFF = ATTENTION.copy()
ONE_OFF[2, 1] = 1

# ------------------------------------------------------------------------------------------ scores


def scores_by_einsum(q, k):
    return np.einsum("...td,...sd->...ts", q, k) / q.shape[-1] ** 0.5, (q, k)


def scores_of_scaled_queries(q, k):
    root = float(q.shape[-1]) ** 0.25
    return np.matmul(q / root, np.moveaxis(k / root, -1, -2)), (q, k)


def scores_without_scaling(q, k):
    return q @ k.swapaxes(-1, -2), (q, k)


def scores_divided_by_d(q, k):
    return q @ k.swapaxes(-1, -2) / q.shape[-1], (q, k)


def scores_divided_by_root_of_tokens(q, k):
    return q @ k.swapaxes(-1, -2) / np.sqrt(len(q)), (q, k)


def scores_divided_by_root_of_keys(q, k):
    d = k.shape[-2]
    return q @ k.swapaxes(-1, -2) / np.sqrt(d), (q, k)


def scores_keys_first(q, k):
    return k @ q.swapaxes(-1, -2) / np.sqrt(q.shape[-1]), (q, k)


def scores_times_root(q, k):
    return q @ k.swapaxes(-1, -2) * np.sqrt(q.shape[-1]), (q, k)


def scores_without_cache(q, k):
    return q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])


def scores_for_one_head_only(q, k):
    return q @ k.T / np.sqrt(q.shape[-1]), (q, k)


# ------------------------------------------------------------------------------------------ scores, backward


def scores_backward_by_einsum(dscores, cache):
    q, k = cache
    dproducts = dscores / q.shape[-1] ** 0.5
    return np.einsum("...ts,...sd->...td", dproducts, k), np.einsum("...ts,...td->...sd", dproducts, q)


def scores_backward_with_loops(dscores, cache):
    q, k = cache
    dq, dk = np.zeros_like(q), np.zeros_like(k)
    for *head, t, s in np.ndindex(dscores.shape):
        asks, answers = (*head, t), (*head, s)
        slope = dscores[(*head, t, s)] / np.sqrt(q.shape[-1])
        dq[asks] += slope * k[answers]
        dk[answers] += slope * q[asks]
    return dq, dk


def scores_backward_without_scaling(dscores, cache):
    q, k = cache
    return dscores @ k, dscores.swapaxes(-1, -2) @ q


def scores_backward_scaling_only_dq(dscores, cache):
    q, k = cache
    return dscores @ k / np.sqrt(q.shape[-1]), dscores.swapaxes(-1, -2) @ q


def scores_backward_scaling_only_dk(dscores, cache):
    q, k = cache
    return dscores @ k, dscores.swapaxes(-1, -2) @ q / np.sqrt(q.shape[-1])


def scores_backward_scaling_twice(dscores, cache):
    q, k = cache
    root = np.sqrt(q.shape[-1])
    dscores = dscores / root
    return dscores @ k / root, dscores.swapaxes(-1, -2) @ q / root


def scores_backward_inverse_scaling(dscores, cache):
    q, k = cache
    dproducts = dscores * np.sqrt(q.shape[-1])
    return dproducts @ k, dproducts.swapaxes(-1, -2) @ q


def scores_backward_without_transpose(dscores, cache):
    q, k = cache
    dscores = dscores / np.sqrt(q.shape[-1])
    return dscores @ k, dscores @ q


def scores_backward_transposing_both(dscores, cache):
    q, k = cache
    dproducts = (dscores / np.sqrt(q.shape[-1])).swapaxes(-1, -2)
    return dproducts @ k, dproducts @ q


def scores_backward_own_factor(dscores, cache):
    q, k = cache
    dscores = dscores / np.sqrt(q.shape[-1])
    return dscores @ q, dscores.swapaxes(-1, -2) @ k


def scores_backward_swapped(dscores, cache):
    q, k = cache
    dscores = dscores / np.sqrt(q.shape[-1])
    return dscores.swapaxes(-1, -2) @ q, dscores @ k


def scores_backward_negative(dscores, cache):
    q, k = cache
    dscores = -dscores / np.sqrt(q.shape[-1])
    return dscores @ k, dscores.swapaxes(-1, -2) @ q


# ------------------------------------------------------------------------------------------ softmax


def softmax_with_loops(x):
    y = np.empty_like(x)
    for row in np.ndindex(x.shape[:-1]):
        largest = max(x[row])
        powers = [np.exp(score - largest) for score in x[row]]
        y[row] = [power / sum(powers) for power in powers]
    return y, (y,)


def softmax_by_logarithm(x):
    y = np.exp(x - np.logaddexp.reduce(x, axis=-1, keepdims=True))
    return y, (y,)


def softmax_down_the_columns(x):
    e = np.exp(x - x.max(axis=-2, keepdims=True))
    y = e / e.sum(axis=-2, keepdims=True)
    return y, (y,)


def softmax_over_everything(x):
    e = np.exp(x - np.max(x))
    y = e / np.sum(e)
    return y, (y,)


def softmax_naive(x):
    e = np.exp(x)
    y = e / e.sum(axis=-1, keepdims=True)
    return y, (y,)


def softmax_one_maximum(x):
    e = np.exp(x - x.max())
    y = e / e.sum(axis=-1, keepdims=True)
    return y, (y,)


def softmax_without_division(x):
    y = np.exp(x - x.max(axis=-1, keepdims=True))
    return y, (y,)


def softmax_without_exponential(x):
    y = x / x.sum(axis=-1, keepdims=True)
    return y, (y,)


def softmax_keeps_x(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True), (x,)


def softmax_as_sigmoid(x):
    y = 1 / (1 + np.exp(-x))
    return y, (y,)


def softmax_forgets_keepdims(x):
    e = np.exp(x - x.max(axis=-1))
    y = e / e.sum(axis=-1)
    return y, (y,)


def softmax_in_place(x):
    x -= x.max(axis=-1, keepdims=True)
    y = np.exp(x)
    y /= y.sum(axis=-1, keepdims=True)
    return y, (y,)


# ------------------------------------------------------------------------------------------ the slopes of one row


def jacobian_with_loops(y):
    slopes = np.zeros((len(y), len(y)))
    for i in range(len(y)):
        for j in range(len(y)):
            slopes[i, j] = y[i] * (1 - y[i]) if i == j else -y[i] * y[j]
    return slopes


def jacobian_by_broadcasting(y):
    return y[:, None] * (np.eye(y.size) - y)


def jacobian_without_diagonal(y):
    return -y[:, None] * y[None, :]


def jacobian_diagonal_only(y):
    return np.diag(y) * (1 - y)


def jacobian_constant_sum(y):
    return np.eye(len(y)) * y


def jacobian_plus(y):
    return np.diag(y) + np.outer(y, y)


def jacobian_without_factor(y):
    return np.eye(len(y)) - y


def jacobian_same_row(y):
    return np.array([[y[i] * ((i == j) - y[i]) for j in range(len(y))] for i in range(len(y))])


def jacobian_of_only_the_diagonal_entries(y):
    return y * (1 - y)


# ------------------------------------------------------------------------------------------ softmax, backward


def softmax_backward_by_jacobian(dy, cache):
    (y,) = cache
    dx = np.zeros_like(y)
    for row in np.ndindex(y.shape[:-1]):
        dx[row] = (np.diag(y[row]) - np.outer(y[row], y[row])) @ dy[row]
    return dx


def softmax_backward_other_algebra(dy, cache):
    y = cache[0]
    gain = y * dy
    return gain - y * np.einsum("...i->...", gain)[..., np.newaxis]


def softmax_backward_like_a_sigmoid(dy, cache):
    (y,) = cache
    return dy * y * (1 - y)


def softmax_backward_dropping_the_sum(dy, cache):
    (y,) = cache
    return y * dy


def softmax_backward_plain_mean(dy, cache):
    (y,) = cache
    return y * (dy - dy.mean(axis=-1, keepdims=True))


def softmax_backward_mean_of_products(dy, cache):
    (y,) = cache
    return y * (dy - np.mean(dy * y, axis=-1, keepdims=True))


def softmax_backward_down_the_columns(dy, cache):
    (y,) = cache
    return y * (dy - np.sum(dy * y, axis=-2, keepdims=True))


def softmax_backward_sums_everything(dy, cache):
    (y,) = cache
    return y * (dy - np.sum(dy * y))


def softmax_backward_without_y(dy, cache):
    (y,) = cache
    return dy - np.sum(dy * y, axis=-1, keepdims=True)


def softmax_backward_plus(dy, cache):
    (y,) = cache
    return y * dy + y * np.sum(dy * y, axis=-1, keepdims=True)


def softmax_backward_negative(dy, cache):
    (y,) = cache
    return y * (np.sum(dy * y, axis=-1, keepdims=True) - dy)


def softmax_backward_in_place(dy, cache):
    (y,) = cache
    dy -= np.sum(dy * y, axis=-1, keepdims=True)
    return dy * y


ANSWERS = {
    "step_8_attention": Answers(
        right=[ATTENTION, ATTENTION.tolist(), ATTENTION.astype(float)],
        wrong=[
            (ATTENTION.T, "queries in rows"),
            ([[2, 0, 1, 1], [0, 2, -3, 1], [1, -3, 5, -1], [1, 1, -1, 1]], "queries with queries"),
            ([[10, 4, -1, 7], [4, 2, -1, 3], [-1, -1, 1, -1], [7, 3, -1, 5]], "keys with keys"),
            ([[5, 1, 1, 3], [1, 1, -1, 1], [1, -1, 2, 0], [3, 1, 0, 2]], "without the weights"),
            (ONE_OFF, None),
            (ATTENTION[:2], None),
        ],
    ),
    "attention_scores_forward": Answers(
        right=[scores_by_einsum, scores_of_scaled_queries],
        wrong=[
            (scores_without_scaling, "forgot 1/√d"),
            (scores_divided_by_d, "divided by d"),
            (scores_divided_by_root_of_tokens, "√ of the first axis"),
            (scores_divided_by_root_of_keys, "√ of the number of keys"),
            (scores_keys_first, "keys ask"),
            (scores_times_root, "multiplied by √d"),
            (scores_without_cache, None),
            (scores_for_one_head_only, None),
        ],
    ),
    "softmax_forward": Answers(
        right=[softmax_with_loops, softmax_by_logarithm],
        wrong=[
            (softmax_down_the_columns, "wrong axis"),
            (softmax_over_everything, "one sum for all"),
            (softmax_naive, "not stabilised"),
            (softmax_one_maximum, "one maximum for all"),
            (softmax_without_division, "not divided"),
            (softmax_without_exponential, "forgot the exponential"),
            (softmax_keeps_x, "x in the cache"),
            (softmax_as_sigmoid, "sigmoid"),
            (softmax_forgets_keepdims, None),
            (softmax_in_place, "changed its input"),
        ],
    ),
    "attention_scores_backward": Answers(
        right=[scores_backward_by_einsum, scores_backward_with_loops],
        wrong=[
            (scores_backward_without_scaling, "forgot 1/√d"),
            (scores_backward_scaling_only_dq, "1/√d for one of the two"),
            (scores_backward_scaling_only_dk, "1/√d for one of the two"),
            (scores_backward_scaling_twice, "divided by d"),
            (scores_backward_inverse_scaling, "multiplied by √d"),
            (scores_backward_without_transpose, "missing transpose"),
            (scores_backward_transposing_both, "missing transpose"),
            (scores_backward_own_factor, "q and k exchanged"),
            (scores_backward_swapped, "wrong order"),
            (scores_backward_negative, "sign"),
        ],
    ),
    "softmax_jacobian": Answers(
        right=[jacobian_with_loops, jacobian_by_broadcasting],
        wrong=[
            (jacobian_without_diagonal, "only the shared sum"),
            (jacobian_diagonal_only, "only its own weight"),
            (jacobian_constant_sum, "not through the sum"),
            (jacobian_plus, "plus instead of minus"),
            (jacobian_without_factor, "forgot the outer factor"),
            (jacobian_same_row, "y of the same row"),
            (jacobian_of_only_the_diagonal_entries, "only the diagonal"),
        ],
    ),
    "softmax_backward": Answers(
        right=[softmax_backward_by_jacobian, softmax_backward_other_algebra],
        wrong=[
            (softmax_backward_like_a_sigmoid, "only its own weight"),
            (softmax_backward_dropping_the_sum, "not through the sum"),
            (softmax_backward_plain_mean, "plain mean"),
            (softmax_backward_mean_of_products, "mean instead of sum"),
            (softmax_backward_down_the_columns, "wrong axis"),
            (softmax_backward_sums_everything, "one sum for all"),
            (softmax_backward_without_y, "forgot the outer factor"),
            (softmax_backward_plus, "plus instead of minus"),
            (softmax_backward_negative, "sign"),
            (softmax_backward_in_place, "changed its input"),
        ],
    ),
}
