"""Answers to lesson 8's exercises, written from its text alone."""

import numpy as np
from answers_of import Answers

STEP_8 = [[2, 4, -5, 3], [0, 2, -3, 1], [1, -1, 2, 0], [1, 3, -4, 2]]  # a row for each key


# 8.2 scores
def scores_by_einsum(q, k):
    return np.einsum("...td,...sd->...ts", q, k) / q.shape[-1] ** 0.5, (q, k)


def scores_moved_axes(q, k):
    d = q.shape[-1]
    return [np.matmul(q, np.moveaxis(k, -1, -2)) * d**-0.5, [q, k]]


def scores_pair_by_pair(q, k):
    scores = np.empty((*q.shape[:-1], k.shape[-2]), q.dtype)
    for t in range(q.shape[-2]):
        for s in range(k.shape[-2]):
            scores[..., t, s] = (q[..., t, :] * k[..., s, :]).sum(axis=-1) / q.shape[-1] ** 0.5
    return scores, (q, k)


def scores_of(formula):
    return lambda q, k: (formula(q, k), (q, k))


def scores_query_divided_in_place(q, k):
    q /= q.shape[-1] ** 0.5
    return q @ k.swapaxes(-1, -2), (q, k)


def scores_cache_divided(q, k):
    q = q / q.shape[-1] ** 0.5
    return q @ k.swapaxes(-1, -2), (q, k)


def scores_three_axes(q, k):
    return q @ k.transpose(0, 2, 1) / q.shape[-1] ** 0.5, (q, k)


def scores_two_or_three_axes(q, k):
    kt = k.T if k.ndim == 2 else k.transpose(0, 2, 1)
    return q @ kt / q.shape[-1] ** 0.5, (q, k)


def scores_returned_in_the_loop(q, k):
    scores = np.zeros((*q.shape[:-1], k.shape[-2]), q.dtype)
    for t in range(q.shape[-2]):
        scores[..., t, :] = np.einsum("...d,...sd->...s", q[..., t, :], k) / q.shape[-1] ** 0.5
        return scores, (q, k)


def scores_printed(q, k):
    print(q @ k.swapaxes(-1, -2) / q.shape[-1] ** 0.5)


# 8.3 softmax
def softmax_with_log(x):
    x = x - np.max(x, axis=-1)[..., None]
    y = np.exp(x - np.log(np.sum(np.exp(x), axis=-1, keepdims=True)))
    return y, (y,)


def softmax_row_by_row(x):
    y = np.empty_like(x)
    for i in np.ndindex(x.shape[:-1]):
        e = np.exp(x[i] - max(x[i]))
        y[i] = e / sum(e)
    return [y, [y]]


def softmax_in_a_new_array(x):
    y = x - x.max(-1, keepdims=True)
    np.exp(y, out=y)
    y /= y.sum(-1, keepdims=True)
    return y, (y,)


def softmax_of(shifted, total=lambda e: e.sum(axis=-1, keepdims=True)):
    def softmax_forward(x):
        e = np.exp(shifted(x))
        y = e / total(e)
        return y, (y,)

    return softmax_forward


def largest(x):
    return x.max(axis=-1, keepdims=True)


def softmax_in_place(x):
    x -= largest(x)
    np.exp(x, out=x)
    x /= x.sum(axis=-1, keepdims=True)
    return x, (x,)


def softmax_cached(what):
    def softmax_forward(x):
        e = np.exp(x - largest(x))
        y = e / e.sum(axis=-1, keepdims=True)
        return y, what(x, e, y)

    return softmax_forward


def softmax_not_exponentials(x):
    y = x / x.sum(axis=-1, keepdims=True)
    return y, (y,)


def softmax_base_two(x):
    e = 2 ** (x - largest(x))
    y = e / e.sum(axis=-1, keepdims=True)
    return y, (y,)


def softmax_returned_in_the_loop(x):
    y = np.zeros_like(x)
    for i in np.ndindex(x.shape[:-1]):
        e = np.exp(x[i] - x[i].max())
        y[i] = e / e.sum()
        return y, (y,)


def softmax_normed_again(x):
    e = np.exp(x - largest(x)) + 1e-6
    y = e / e.sum(axis=-1, keepdims=True)
    return y, (y,)


def softmax_of_a_matrix(x):
    e = np.exp(x - x.max(axis=1)[:, None])
    y = e / e.sum(axis=1)[:, None]
    return y, (y,)


def softmax_clipped(x):
    e = np.exp(np.clip(x, -50, 50))
    y = e / e.sum(axis=-1, keepdims=True)
    return y, (y,)


def softmax_asks_if_large(x):
    if x.max() > 700:
        x = x - largest(x)
    e = np.exp(x)
    y = e / e.sum(axis=-1, keepdims=True)
    return y, (y,)


def softmax_infinities_to_zero(x):
    x = np.nan_to_num(x, neginf=0.0)
    e = np.exp(x - largest(x))
    y = e / e.sum(axis=-1, keepdims=True)
    return y, (y,)


def softmax_divided_twice(x):
    e = np.exp(x - largest(x))
    e /= e.sum(axis=-1, keepdims=True)
    y = np.exp(e) / np.exp(e).sum(axis=-1, keepdims=True)
    return y, (y,)


# 8.4 back through the scores
def scores_back_by_einsum(dscores, cache):
    q, k = cache
    dproducts = dscores * q.shape[-1] ** -0.5
    return np.einsum("...ts,...sd->...td", dproducts, k), np.einsum("...ts,...td->...sd", dproducts, q)


def scores_back_by_loops(dscores, cache):
    q, k = cache
    dproducts, dq, dk = dscores / k.shape[-1] ** 0.5, np.zeros_like(q), np.zeros_like(k)
    for t in range(q.shape[-2]):
        for s in range(k.shape[-2]):
            d = dproducts[..., t, s, None]
            dq[..., t, :] += d * k[..., s, :]
            dk[..., s, :] += d * q[..., t, :]
    return [dq, dk]


def transposed(x):
    return x.swapaxes(-1, -2)


def scores_back(dproducts=None, dq=None, dk=None):
    """8.4 with some of its parts exchanged; p is dproducts, s is dscores."""

    def attention_scores_backward(dscores, cache):
        q, k = cache
        p = dproducts(dscores, q, k) if dproducts else dscores / q.shape[-1] ** 0.5
        a = dq(p, dscores, q, k) if dq else p @ k
        b = dk(p, dscores, q, k) if dk else transposed(p) @ q
        return a, b

    return attention_scores_backward


def scores_back_only_dq(dscores, cache):
    q, k = cache
    return dscores / q.shape[-1] ** 0.5 @ k


def scores_back_order(dscores, cache):
    dq, dk = scores_back_by_einsum(dscores, cache)
    return dk, dq


def scores_back_in_place(dscores, cache):
    q, k = cache
    dscores /= q.shape[-1] ** 0.5
    return dscores @ k, transposed(dscores) @ q


def scores_back_cache_turned_round(dscores, cache):
    k, q = cache
    dproducts = dscores / q.shape[-1] ** 0.5
    return dproducts @ k, transposed(dproducts) @ q


def scores_back_last_query_only(dscores, cache):
    q, k = cache
    dproducts, dk = dscores / q.shape[-1] ** 0.5, np.zeros_like(k)
    for t in range(q.shape[-2]):
        dk = dproducts[..., t, :, None] * q[..., t, None, :]
    return dproducts @ k, dk


# 8.5 the slopes of one row
def jacobian_by_loops(y):
    J = np.zeros((len(y), len(y)), y.dtype)
    for i in range(len(y)):
        for j in range(len(y)):
            J[i, j] = y[i] * ((i == j) - y[j])
    return J


def jacobian_with_eye(y):
    return y[:, None] * (np.eye(y.size, dtype=y.dtype) - y[None, :])


def jacobian_of_nested_lists(y):
    return np.array([[a * (1 - b) if i == j else -a * b for j, b in enumerate(y)] for i, a in enumerate(y)])


def jacobian_without_diagonal(y):
    J = -np.outer(y, y)
    for i in range(len(y)):
        J[i, i] = y[i]
    return J


def jacobian_returned_in_the_loop(y):
    J = np.zeros((len(y), len(y)), y.dtype)
    for i in range(len(y)):
        for j in range(len(y)):
            J[i, j] = y[i] * ((i == j) - y[j])
        return J


def jacobian_sign_of_delta(y):
    J = np.outer(y, y)
    for i in range(len(y)):
        J[i, i] = y[i] * (1 - y[i])
    return J


def jacobian_off_by_one(y):
    J = np.zeros((len(y), len(y)), y.dtype)
    for i in range(len(y)):
        for j in range(len(y) - 1):
            J[i, j] = y[i] * ((i == j) - y[j])
    return J


def jacobian_of_three(y):
    return np.diag(y) - y[:, None] * np.array([y[0], y[1], y[2]])


def jacobian_in_place(y):
    J = np.diag(y) - np.outer(y, y)
    y *= 1 - y
    return J


def jacobian_triangle(y):
    J = np.diag(y * (1 - y))
    for i in range(len(y)):
        for j in range(i):
            J[i, j] = -y[i] * y[j]
    return J


def jacobian_by_softmax_again(y):
    e = np.exp(y - y.max())
    s = e / e.sum()
    return np.diag(s) - np.outer(s, s)


# 8.6 back through softmax
def softmax_back_by_einsum(dy, cache):
    (y,) = cache
    return (dy - np.einsum("...s,...s->...", dy, y)[..., None]) * y


def softmax_back_multiplied_out(dy, cache):
    y = cache[0]
    g = y * dy
    return g - y * g.sum(-1, keepdims=True)


def softmax_back_row_by_row(dy, cache):
    (y,) = cache
    dx = np.empty_like(dy)
    for i in np.ndindex(dy.shape[:-1]):
        dx[i] = y[i] * (dy[i] - np.dot(dy[i], y[i]))
    return dx


def softmax_back(formula):
    return lambda dy, cache: formula(dy, cache[0])


def rowsum(x):
    return x.sum(axis=-1, keepdims=True)


def softmax_back_in_place(dy, cache):
    (y,) = cache
    dy -= rowsum(dy * y)
    dy *= y
    return dy


def softmax_back_y_changed(dy, cache):
    (y,) = cache
    average = rowsum(dy * y)
    y *= dy - average
    return y


def softmax_back_divided_back(dy, cache):
    (y,) = cache
    return y * (dy - rowsum(dy * y) / rowsum(y > 0))


def softmax_back_printed(dy, cache):
    (y,) = cache
    print(y * (dy - rowsum(dy * y)))


def softmax_back_of_a_matrix(dy, cache):
    (y,) = cache
    return y * (dy - (dy * y).sum(axis=1)[:, None])


# students who try to be clever
def softmax_by_apply_along_axis(x):
    y = np.apply_along_axis(lambda row: np.exp(row - row.max()) / np.exp(row - row.max()).sum(), -1, x)
    return y, (y,)


def softmax_reshaped(x):
    rows = x.reshape(-1, x.shape[-1])
    e = np.exp(rows - largest(rows))
    y = e / rowsum(e)
    return y, (y,)


def softmax_masked_ones_left_out(x):
    x = np.where(np.isinf(x), x[np.isfinite(x)].min(), x)
    e = np.exp(x - largest(x))
    y = e / rowsum(e)
    return y, (y,)


def softmax_rounded(x):
    e = np.exp(x - largest(x))
    y = np.round(e / rowsum(e), 6)
    return y, (y,)


def scores_one_axis_in_front(q, k):
    if q.ndim == 2:
        return q @ k.T / q.shape[-1] ** 0.5, (q, k)
    heads = [a @ b.T / q.shape[-1] ** 0.5 for a, b in zip(q, k, strict=True)]
    return np.stack(heads), (q, k)


def scores_flat_heads(q, k):
    flat_q, flat_k = q.reshape(-1, *q.shape[-2:]), k.reshape(-1, *k.shape[-2:])
    scores = flat_q @ transposed(flat_k) / q.shape[-1] ** 0.5
    return scores, (q, k)


def softmax_back_through_x(dy, cache):
    x = np.log(cache[0])
    e = np.exp(x)
    slope = e / e.sum(axis=-1, keepdims=True)
    return slope * (dy - rowsum(dy * slope)) + 0 * x


def softmax_back_reshaped(dy, cache):
    y = cache[0].reshape(-1, dy.shape[-1])
    d = dy.reshape(y.shape)
    return y * (d - rowsum(d * y))


def softmax_back_divided_by_weights_sum(dy, cache):
    (y,) = cache
    return y * dy - y * rowsum(y * dy) / y.sum(axis=-2, keepdims=True)


def jacobian_divides_by_y(y):
    g = np.outer(y, y)
    return np.diag(np.diag(g) / y) - g


def scores_back_by_apply(dscores, cache):
    q, k = cache
    dproducts = dscores / q.shape[-1] ** 0.5
    if dscores.ndim == 2:
        return dproducts @ k, dproducts.T @ q
    dq = np.stack([p @ b for p, b in zip(dproducts, k, strict=True)])
    return dq, np.stack([p.T @ a for p, a in zip(dproducts, q, strict=True)])


ANSWERS = {
    "step_8_attention": Answers(
        right=[np.array(STEP_8, float), tuple(tuple(row) for row in STEP_8)],
        wrong=[
            ([list(row) for row in zip(*STEP_8, strict=True)], "queries in rows"),  # transposed: rows are queries
            ([[2, 0, 1, 1], [0, 2, -3, 1], [1, -3, 5, -1], [1, 1, -1, 1]], "queries with queries"),  # query with query
            ([[10, 4, -1, 7], [4, 2, -1, 3], [-1, -1, 1, -1], [7, 3, -1, 5]], "keys with keys"),  # key with key
            # one key's lower number 1 − 2 for 1 + 2
            ([[-2, 0, -1, -1], [0, 2, -3, 1], [1, -1, 2, 0], [1, 3, -4, 2]], None),
            ([[-2, -4, 5, -3], [0, -2, 3, -1], [-1, 1, -2, 0], [-1, -3, 4, -2]], "sign"),  # all signs
            # the −1 of the third key lost its sign
            ([[2, 4, -5, 3], [0, 2, -3, 1], [-1, 1, -2, 0], [1, 3, -4, 2]], "sign of an entry"),
            ([[2, 4, 5, 3], [0, 2, -3, 1], [1, -1, 2, 0], [1, 3, -4, 2]], "sign of an entry"),  # one sign
            ([[2, 4, -5, 3], [0, 2, -3, 1], [1, -1, 2, 0], [1, 3, 0, 2]], "zeros"),  # −2 − 2 taken for 0
            # X itself compared with the queries
            ([[1, 3, -4, 2], [-1, 1, -2, 0], [2, 0, 1, 1], [0, 2, -3, 1]], "without the weights"),
            ([[1, 1, -1, 1], [3, 1, 0, 2]], "not compared"),  # the keys themselves
            ([[-1, 1, -2, 0], [1, 1, -1, 1]], "not compared"),  # the queries themselves
            # the rows of the keys exchanged
            ([[-2, 4, -7, 1], [0, 2, -3, 1], [-1, -1, 1, -1], [-1, 3, -5, 1]], "rows swapped"),
            # the last two rows exchanged
            ([[2, 4, -5, 3], [0, 2, -3, 1], [1, 3, -4, 2], [1, -1, 2, 0]], "wrong places"),
            ([[0, 2, -3, 1], [0, 2, -3, 1], [3, 1, 0, 2], [-1, 1, -2, 0]], None),  # keys with a difference for the sum
            ([[2, 4, -5, 3], [0, 2, -3, 1], [1, -1, 2, 0]], "other number of entries"),  # a row is missing
            ((np.array(STEP_8) / 2**0.5).tolist(), "divided by √d"),  # divided by √2
        ],
    ),
    "attention_scores_forward": Answers(
        right=[scores_by_einsum, scores_moved_axes, scores_pair_by_pair],
        wrong=[
            (scores_of(lambda q, k: q @ k.T / q.shape[-1] ** 0.5), "raised an error"),  # .T reverses all axes
            (scores_of(lambda q, k: q @ transposed(k)), "forgot 1/√d"),  # not divided
            (scores_of(lambda q, k: q @ transposed(k) / q.shape[-1]), "divided by d"),  # divided by d, not by its root
            # multiplied by the root
            (scores_of(lambda q, k: q @ transposed(k) * q.shape[-1] ** 0.5), "multiplied by √d"),
            # the root of the number of keys
            (scores_of(lambda q, k: q @ transposed(k) / k.shape[-2] ** 0.5), "√ of the number of keys"),
            # the root of the number of queries
            (scores_of(lambda q, k: q @ transposed(k) / q.shape[-2] ** 0.5), "√ of the number of tokens"),
            # the root of the first axis
            (scores_of(lambda q, k: q @ transposed(k) / q.shape[0] ** 0.5), "√ of the first axis"),
            (scores_of(lambda q, k: q @ transposed(k) / 2), "√d typed in"),  # √4 typed in as 2
            # np.sqrt turns float32 into float64
            (scores_of(lambda q, k: q @ transposed(k) / np.sqrt(q.shape[-1])), "another dtype than the inputs"),
            # 1 // 2 is 0: not divided
            (scores_of(lambda q, k: q @ transposed(k) / q.shape[-1] ** (1 // 2)), "forgot 1/√d"),
            (scores_of(lambda q, k: q @ transposed(k) // q.shape[-1] ** 0.5), "cut off"),  # // rounds down
            # the root of all of q's numbers
            (scores_of(lambda q, k: q @ transposed(k) / q.size**0.5), "√ of all numbers"),
            (scores_of(lambda q, k: k @ transposed(q) / q.shape[-1] ** 0.5), "keys ask"),  # k @ qᵀ: a row for each key
            (scores_of(lambda q, k: q @ k / q.shape[-1] ** 0.5), "raised an error"),  # k isn't transposed
            (scores_of(lambda q, k: transposed(q) @ k / q.shape[-1] ** 0.5), "raised an error"),  # qᵀ @ k: d × d
            # each query with its own key only
            (scores_of(lambda q, k: (q * k).sum(axis=-1) / q.shape[-1] ** 0.5), "raised an error"),
            (scores_of(lambda q, k: q * k / q.shape[-1] ** 0.5), "raised an error"),  # * in place of @
            # the cache is in the wrong order
            (lambda q, k: (q @ transposed(k) / q.shape[-1] ** 0.5, (k, q)), "wrong order"),
            # the cache holds kᵀ
            (lambda q, k: (q @ transposed(k) / q.shape[-1] ** 0.5, (q, transposed(k))), "missing transpose"),
            (lambda q, k: q @ transposed(k) / q.shape[-1] ** 0.5, "other number of results"),  # no cache
            (scores_query_divided_in_place, "changed its input"),  # q is changed
            (scores_cache_divided, "kept q divided by √d"),  # the cache holds q / √d
            (scores_three_axes, "raised an error"),  # works for exactly three axes
            (scores_two_or_three_axes, "raised an error"),  # works for two or three axes, not for four
            (scores_returned_in_the_loop, "uses a part of an input"),  # return inside the loop: the first query only
            (scores_printed, "printed, not returned"),
            # exponentials already
            (scores_of(lambda q, k: np.exp(q @ transposed(k) / q.shape[-1] ** 0.5)), "softmax begun"),
            (scores_one_axis_in_front, "raised an error"),  # works for two or three axes, by a loop over the first
            (scores_flat_heads, "axes in front made into one"),  # axes in front laid out flat and not put back
        ],
    ),
    "softmax_forward": Answers(
        right=[softmax_with_log, softmax_row_by_row, softmax_in_a_new_array, softmax_by_apply_along_axis],
        wrong=[
            (softmax_of(lambda x: x), "not stabilised"),  # nothing is subtracted: overflows
            # the largest of all is subtracted, not each row's own
            (softmax_of(lambda x: x - x.max()), "one maximum for all"),
            # the mean is subtracted, not the maximum
            (softmax_of(lambda x: x - x.mean(axis=-1, keepdims=True)), "mean instead of maximum"),
            # the minimum is subtracted
            (softmax_of(lambda x: x - x.min(axis=-1, keepdims=True)), "minimum instead of maximum"),
            (softmax_of(lambda x: x + largest(x)), "maximum added"),  # the maximum is added
            (softmax_of(lambda x: x / largest(x)), "divided by the maximum"),
            # the maximum of each column is subtracted
            (softmax_of(lambda x: x - x.max(axis=0)), "maximum of the columns"),
            (softmax_of(lambda x: largest(x) - x), "sign"),  # the sign is turned round
            # the first number of each row is subtracted
            (softmax_of(lambda x: x - x[..., :1]), "first instead of maximum"),
            # the largest absolute value
            (softmax_of(lambda x: x - np.abs(x).max(axis=-1, keepdims=True)), "largest absolute value"),
            (softmax_of(lambda x: x - 1000), "a constant subtracted"),  # 1000 is subtracted, whatever the row
            (softmax_of(lambda x: x - x.max(axis=-1)), "raised an error"),  # keepdims forgotten
            # columns sum to one
            (softmax_of(lambda x: x - largest(x), lambda e: e.sum(axis=0, keepdims=True)), "another axis for the sum"),
            # summed over the queries
            (softmax_of(lambda x: x - largest(x), lambda e: e.sum(axis=-2, keepdims=True)), "another axis for the sum"),
            # everything together sums to one
            (softmax_of(lambda x: x - largest(x), lambda e: e.sum()), "one sum for all"),
            # a mean, not a sum
            (softmax_of(lambda x: x - largest(x), lambda e: e.mean(axis=-1, keepdims=True)), "mean instead of sum"),
            (softmax_of(lambda x: x - largest(x), lambda e: 1), "not divided"),  # not divided by the sum
            (softmax_of(lambda x: x - largest(x), lambda e: rowsum(e) + 1), "sum plus one"),  # the sum plus one
            # the sum of the others
            (softmax_of(lambda x: x - largest(x), lambda e: rowsum(e) - e), "sum of the others"),
            (softmax_of(lambda x: x - largest(x), lambda e: np.sqrt(rowsum(e**2))), "divided by the length"),
            (softmax_in_place, "changed its input"),  # x is changed
            (softmax_cached(lambda x, e, y: y), "other structure"),  # the cache is y, not a tuple
            (softmax_cached(lambda x, e, y: (x,)), "x in the cache"),  # the cache holds x
            (softmax_cached(lambda x, e, y: (e,)), "exponentials in the cache"),  # the cache holds the exponentials
            (softmax_cached(lambda x, e, y: (y, x)), "other structure"),  # the cache holds more than y
            (lambda x: softmax_with_log(x)[0], "other number of results"),  # no cache
            (softmax_not_exponentials, "forgot the exponential"),  # no exponentials
            (softmax_base_two, "another base"),  # powers of two
            (softmax_returned_in_the_loop, "uses a part of an input"),  # return inside the loop: the first row only
            (softmax_normed_again, "a small number added"),  # a small number is added: masked keys get a share
            (softmax_of_a_matrix, "axes counted from the front"),  # works for a matrix only
            (softmax_clipped, "scores cut"),  # scores cut at 50: masked keys aren't quite 0, large ones become equal
            # subtracts only when something is large: fails for rows that are very negative
            (softmax_asks_if_large, "stabilised only at times"),
            (softmax_infinities_to_zero, "masked keys get a share"),  # masked keys get a score of 0
            (softmax_divided_twice, "softmax twice"),
            (softmax_reshaped, "another shape"),  # rows laid out flat and not reshaped back: right for a matrix only
            # masked keys get the smallest of all scores in place of −∞
            (softmax_masked_ones_left_out, "masked keys get a share"),
            (softmax_rounded, "rounded"),  # rounded to six digits
        ],
    ),
    "attention_scores_backward": Answers(
        right=[scores_back_by_einsum, scores_back_by_loops],
        wrong=[
            (scores_back(dproducts=lambda s, q, k: s), "forgot 1/√d"),  # dproducts isn't divided by √d
            (scores_back(dproducts=lambda s, q, k: s / q.shape[-1]), "divided by d"),
            (scores_back(dproducts=lambda s, q, k: s * q.shape[-1] ** 0.5), "multiplied by √d"),
            # the root of the number of keys
            (scores_back(dproducts=lambda s, q, k: s / k.shape[-2] ** 0.5), "√ of the number of keys"),
            (scores_back(dproducts=lambda s, q, k: s / 2), "√d typed in"),  # √4 typed in as 2
            # dproducts is transposed
            (scores_back(dproducts=lambda s, q, k: transposed(s) / q.shape[-1] ** 0.5), "missing transpose"),
            # the forward's scores
            (scores_back(dproducts=lambda s, q, k: q @ transposed(k) / q.shape[-1] ** 0.5), "forgot dscores"),
            (scores_back(dq=lambda p, s, q, k: s @ k), "1/√d for one of the two"),  # dq from dscores: √d is missing
            # dk from dscores: √d is missing
            (scores_back(dk=lambda p, s, q, k: transposed(s) @ q), "1/√d for one of the two"),
            # dq is divided by √d twice
            (scores_back(dq=lambda p, s, q, k: p @ k / q.shape[-1] ** 0.5), "divided by d"),
            (scores_back(dq=lambda p, s, q, k: p @ q), "q and k exchanged"),  # dq with q in place of k
            # dq with the transposed dproducts
            (scores_back(dq=lambda p, s, q, k: transposed(p) @ k), "missing transpose"),
            # dq and dk exchanged
            (scores_back(dq=lambda p, s, q, k: transposed(p) @ q, dk=lambda p, s, q, k: p @ k), "wrong order"),
            (scores_back(dk=lambda p, s, q, k: p @ q), "missing transpose"),  # dk without transposing
            (scores_back(dk=lambda p, s, q, k: transposed(p) @ k), "q and k exchanged"),  # dk with k in place of q
            (scores_back(dk=lambda p, s, q, k: p.T @ q), "raised an error"),  # .T reverses all axes
            # dk twice too large
            (scores_back(dk=lambda p, s, q, k: transposed(transposed(q) @ p) * 2), "constant factor"),
            (scores_back(dk=lambda p, s, q, k: transposed(q) @ p), "missing transpose"),  # dk is transposed
            (scores_back(dk=lambda p, s, q, k: -(transposed(p) @ q)), "sign"),  # dk has a minus
            (scores_back(dk=lambda p, s, q, k: p @ k), "another output"),  # dk is dq once more
            (scores_back(dq=lambda p, s, q, k: p * k), "raised an error"),  # * in place of @
            # a product of two sums
            (scores_back(dq=lambda p, s, q, k: rowsum(p) * k.sum(axis=-2, keepdims=True)), "product of sums"),
            # works for exactly three axes
            (scores_back(dk=lambda p, s, q, k: p.transpose(0, 2, 1) @ q), "raised an error"),
            (scores_back_only_dq, "other number of results"),  # dk isn't returned
            (scores_back_order, "wrong order"),  # dk before dq
            (scores_back_in_place, "changed its input"),  # dscores is changed
            (scores_back_cache_turned_round, "q and k exchanged"),  # the cache unpacked in the wrong order
            (scores_back_last_query_only, "uses a part of an input"),  # = for +=: dk of the last query only
            (scores_back_by_apply, "raised an error"),  # works for two or three axes, by a loop over the first
        ],
    ),
    "softmax_jacobian": Answers(
        right=[jacobian_by_loops, jacobian_with_eye, jacobian_of_nested_lists],
        wrong=[
            (lambda y: np.diag(y * (1 - y)), "only its own weight"),  # the diagonal only, as for a sigmoid
            (lambda y: y * (1 - y), "only the diagonal"),  # the diagonal as a row
            (lambda y: np.outer(y, y) - np.diag(y), "sign"),  # the sign
            (lambda y: np.diag(y) + np.outer(y, y), "plus instead of minus"),  # plus in place of minus
            (lambda y: -np.outer(y, y), "only the shared sum"),  # the direct way is missing
            (lambda y: np.eye(len(y)) - np.outer(y, y), "1 for y on the diagonal"),  # 1 on the diagonal in place of y
            (lambda y: np.diag(y), "not through the sum"),  # only the direct way
            (lambda y: np.outer(y, 1 - y), "1 for δ"),  # y (1 − y) everywhere: 1 for δ
            # np.dot in place of np.outer: a number
            (lambda y: np.diag(y) - np.dot(y, y), "a number instead of a matrix"),
            (lambda y: np.diag(y) - y, "a factor missing"),  # one factor y is missing in the second part
            (lambda y: np.diag(y) - y * y, "y of the same row"),  # y² along each row, not an outer product
            (lambda y: np.eye(len(y)) - y, "forgot the outer factor"),  # the factor y_i in front is missing
            (lambda y: y * (np.eye(len(y)) - y), "y of the same row"),  # y_j in front: y_j (δ − y_j)
            (lambda y: np.diag(y) - np.outer(y, y) / len(y), "divided by the length"),  # divided by S
            # the second part subtracted twice, once as a number
            (lambda y: np.diag(y - y @ y) - np.outer(y, y), "a number instead of a matrix"),
            (jacobian_without_diagonal, "diagonal without y²"),  # y_i on the diagonal, without − y_i²
            (jacobian_returned_in_the_loop, "the rest is zero"),  # return inside the loop: the first row only
            (jacobian_sign_of_delta, "plus instead of minus"),  # the sign off the diagonal
            (jacobian_off_by_one, "the rest is zero"),  # the last column is left out
            (jacobian_of_three, "raised an error"),  # works for three weights only
            (jacobian_in_place, "changed its input"),  # y is changed
            (jacobian_triangle, "half of it"),  # the upper triangle is left zero
            (jacobian_by_softmax_again, "softmax again"),  # softmax is taken once more: y are weights already
            (lambda y: np.diag(y) - y @ y.T, "a number instead of a matrix"),  # @ of two rows is a number
            (lambda y: print(np.diag(y) - np.outer(y, y)), "printed, not returned"),
            (jacobian_divides_by_y, "NaN"),  # divides by y: NaN where a weight is zero
        ],
    ),
    "softmax_backward": Answers(
        right=[softmax_back_by_einsum, softmax_back_multiplied_out, softmax_back_row_by_row],
        wrong=[
            (softmax_back(lambda d, y: y * (d - d.mean(axis=-1, keepdims=True))), "plain mean"),  # the plain average
            (softmax_back(lambda d, y: y * (d - rowsum(d))), "plain sum"),  # the plain sum
            # the weighted mean, divided by S
            (softmax_back(lambda d, y: y * (d - rowsum(d * y) / d.shape[-1])), "mean instead of sum"),
            (softmax_back(lambda d, y: d - rowsum(d * y)), "forgot the outer factor"),  # the factor y is missing
            # brackets: y multiplies the first part only
            (softmax_back(lambda d, y: y * d - rowsum(d * y)), "brackets"),
            (softmax_back(lambda d, y: y * d), "not through the sum"),  # the way through the sum is missing
            (softmax_back(lambda d, y: y * (1 - y) * d), "only its own weight"),  # the derivative of a sigmoid
            (softmax_back(lambda d, y: y * (d + rowsum(d * y))), "plus instead of minus"),  # plus in place of minus
            (softmax_back(lambda d, y: y * (rowsum(d * y) - d)), "sign"),  # the sign
            (softmax_back(lambda d, y: y * (d - (d * y).sum())), "one sum for all"),  # one average for everything
            # averages of the columns
            (softmax_back(lambda d, y: y * (d - (d * y).sum(axis=0))), "axes counted from the front"),
            # summed over the queries
            (softmax_back(lambda d, y: y * (d - (d * y).sum(axis=-2, keepdims=True))), "wrong axis"),
            (softmax_back(lambda d, y: y * (d - (d * y).sum(axis=-1))), "raised an error"),  # keepdims forgotten
            (softmax_back(lambda d, y: y * (d - rowsum(d * y * y))), "a factor too many"),  # y² in the average
            (softmax_back(lambda d, y: y * (d - rowsum(y))), "forgot dy"),  # dy is missing in the average
            (softmax_back(lambda d, y: d * (y - rowsum(d * y))), "y and dy exchanged"),
            (softmax_back(lambda d, y: y**2 * (d - rowsum(d * y))), "a factor too many"),  # y²
            (softmax_back(lambda d, y: (d - rowsum(d * y)) / y), "divided or multiplied"),  # divided by y
            (softmax_back(lambda d, y: d), "unchanged input"),  # dy as it came
            (softmax_back(lambda d, y: y * (d - d * y)), "only its own weight"),  # d y is not summed
            # the maximum, not the sum
            (softmax_back(lambda d, y: y * (d - np.max(d * y, axis=-1, keepdims=True))), "maximum instead of sum"),
            (softmax_back(lambda d, y: y * (1 - rowsum(d * y))), "forgot dy"),  # 1 in place of dy
            (softmax_back_in_place, "changed its input"),  # dy is changed
            (softmax_back_y_changed, "changed its input"),  # y in the cache is changed
            # the weighted sum divided by the number of keys that aren't masked
            (softmax_back_divided_back, "mean instead of sum"),
            (softmax_back_printed, "printed, not returned"),
            (softmax_back_of_a_matrix, "axes counted from the front"),  # works for a matrix only
            # the cache used as if it were y
            (lambda dy, cache: cache * (dy - rowsum(dy * cache)), "cache not unpacked"),
            (softmax_back_through_x, "NaN"),  # the logarithm of the weights: NaN where one is zero
            # rows laid out flat and not reshaped back: right for a matrix only
            (softmax_back_reshaped, "another shape"),
            (softmax_back_divided_by_weights_sum, "divided by the columns"),  # divided by the sums of the columns
        ],
    ),
}
