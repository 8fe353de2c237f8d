"""Lesson 9: right answers written differently, and wrong ones as students write them."""

import numpy as np
from answers_of import Answers

POOLED = np.array([[2, 10, -14, 6], [6, 10, -12, 8]])
ONE_OFF = POOLED.copy()
ONE_OFF[0, 2] = -12

# ------------------------------------------------------------------------------------------ pooling, backward


def pool_backward_by_einsum(dy, cache):
    weights, v = cache
    return np.einsum("...td,...sd->...ts", dy, v), np.einsum("...ts,...td->...sd", weights, dy)


def pool_backward_with_loops(dy, cache):
    weights, v = cache
    dweights, dv = np.zeros_like(weights), np.zeros_like(v)
    for *head, t, s in np.ndindex(weights.shape):
        asks, asked = (*head, t), (*head, s)
        dweights[(*head, t, s)] = np.dot(dy[asks], v[asked])
        dv[asked] += weights[(*head, t, s)] * dy[asks]
    return dweights, dv


def pool_backward_without_transpose(dy, cache):
    weights, v = cache
    return dy @ v.swapaxes(-1, -2), weights @ dy


def pool_backward_values_first(dy, cache):
    weights, v = cache
    return v @ dy.swapaxes(-1, -2), weights.swapaxes(-1, -2) @ dy


def pool_backward_mean(dy, cache):
    weights, v = cache
    T = dy.shape[-2]
    return dy @ v.swapaxes(-1, -2), weights.swapaxes(-1, -2) @ dy / T


def pool_backward_swapped(dy, cache):
    weights, v = cache
    return weights.swapaxes(-1, -2) @ dy, dy @ v.swapaxes(-1, -2)


def pool_backward_softmax_too(dy, cache):
    weights, v = cache
    dweights = dy @ v.swapaxes(-1, -2)
    dweights = weights * (dweights - (dweights * weights).sum(axis=-1, keepdims=True))
    return dweights, weights.swapaxes(-1, -2) @ dy


def pool_backward_for_one_head_only(dy, cache):
    weights, v = cache
    return dy @ v.T, weights.T @ dy


def pool_backward_equal_shares(dy, cache):
    weights, v = cache
    shares = np.ones_like(weights) / weights.shape[-1]
    return dy @ v.swapaxes(-1, -2), shares.swapaxes(-1, -2) @ dy


# ------------------------------------------------------------------------------------------ attention


def rows_to_weights(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def attention_by_einsum(q, k, v, key_mask=None):
    scores = np.einsum("...htd,...hsd->...hts", q, k) / np.sqrt(q.shape[-1])
    if key_mask is not None:
        scores = scores + np.where(key_mask, 0.0, -np.inf)[..., np.newaxis, np.newaxis, :]
    weights = rows_to_weights(scores)
    return np.einsum("...hts,...hsd->...htd", weights, v), (q, k, v, weights)


def attention_with_loops(q, k, v, key_mask=None):
    weights = np.zeros((*q.shape[:-1], k.shape[-2]), q.dtype)
    y = np.zeros_like(q)
    for *sample, head, t in np.ndindex(q.shape[:-1]):
        keys, values = k[(*sample, head)], v[(*sample, head)]
        allowed = np.arange(len(keys)) if key_mask is None else np.flatnonzero(key_mask[tuple(sample)])
        scores = keys[allowed] @ q[(*sample, head, t)] / q.shape[-1] ** 0.5
        shares = np.exp(scores - scores.max())
        weights[(*sample, head, t, allowed)] = shares / shares.sum()
        y[(*sample, head, t)] = weights[(*sample, head, t)] @ values
    return y, (q, k, v, weights)


def attention_with_a_very_low_score(q, k, v, key_mask=None):
    scores = q @ np.swapaxes(k, -1, -2) * q.shape[-1] ** -0.5
    if key_mask is not None:
        hidden = np.broadcast_to(~key_mask[..., None, None, :], scores.shape)
        scores[hidden] = -1e30
    weights = rows_to_weights(scores)
    return weights @ v, (q, k, v, weights)


def attention_without_scaling(q, k, v, key_mask=None):
    scores = q @ k.swapaxes(-1, -2)
    if key_mask is not None:
        scores = np.where(key_mask[..., None, None, :], scores, -np.inf)
    weights = rows_to_weights(scores)
    return weights @ v, (q, k, v, weights)


def attention_divided_by_d(q, k, v, key_mask=None):
    weights = rows_to_weights(q @ k.swapaxes(-1, -2) / q.shape[-1])
    return weights @ v, (q, k, v, weights)


def attention_root_of_tokens(q, k, v, key_mask=None):
    *_, T, _ = q.shape
    weights = rows_to_weights(q @ k.swapaxes(-1, -2) / np.sqrt(T))
    return weights @ v, (q, k, v, weights)


def attention_without_softmax(q, k, v, key_mask=None):
    weights = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    return weights @ v, (q, k, v, weights)


def attention_softmax_over_queries(q, k, v, key_mask=None):
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    e = np.exp(scores - scores.max(axis=-2, keepdims=True))
    weights = e / e.sum(axis=-2, keepdims=True)
    return weights @ v, (q, k, v, weights)


def attention_that_overflows(q, k, v, key_mask=None):
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    if key_mask is not None:
        scores = np.where(key_mask[..., None, None, :], scores, -np.inf)
    e = np.exp(scores)
    weights = e / e.sum(axis=-1, keepdims=True)
    return weights @ v, (q, k, v, weights)


def attention_ignoring_the_mask(q, k, v, key_mask=None):
    weights = rows_to_weights(q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1]))
    return weights @ v, (q, k, v, weights)


def attention_mask_inverted(q, k, v, key_mask=None):
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    if key_mask is not None:
        scores = np.where(key_mask[..., None, None, :], -np.inf, scores)
    weights = rows_to_weights(scores)
    return weights @ v, (q, k, v, weights)


def attention_mask_after_softmax(q, k, v, key_mask=None):
    weights = rows_to_weights(q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1]))
    if key_mask is not None:
        weights = weights * key_mask[..., None, None, :]
    return weights @ v, (q, k, v, weights)


def attention_masked_scores_zero(q, k, v, key_mask=None):
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    if key_mask is not None:
        scores = np.where(key_mask[..., None, None, :], scores, 0.0)
    weights = rows_to_weights(scores)
    return weights @ v, (q, k, v, weights)


def attention_first_mask_for_all(q, k, v, key_mask=None):
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    if key_mask is not None:
        scores = np.where(key_mask[0], scores, -np.inf)
    weights = rows_to_weights(scores)
    return weights @ v, (q, k, v, weights)


def attention_mask_not_broadcast(q, k, v, key_mask=None):
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    if key_mask is not None:
        scores = np.where(key_mask, scores, -np.inf)
    weights = rows_to_weights(scores)
    return weights @ v, (q, k, v, weights)


# ------------------------------------------------------------------------------------------ attention, backward


def handed(out, *gradients):
    if out is not None:
        for place, gradient in zip(out, gradients, strict=True):
            place[...] = gradient
    return gradients


def attention_backward_by_einsum(dy, cache, out=None):
    q, k, v, weights = cache
    dv = np.einsum("...ts,...td->...sd", weights, dy)
    dweights = np.einsum("...td,...sd->...ts", dy, v)
    dscores = weights * dweights
    dscores -= weights * dscores.sum(axis=-1)[..., None]
    dscores /= q.shape[-1] ** 0.5
    return handed(out, np.einsum("...ts,...sd->...td", dscores, k), np.einsum("...ts,...td->...sd", dscores, q), dv)


def attention_backward_through_y(dy, cache, out=None):
    q, k, v, weights = cache
    dq, dk, dv = out if out is not None else (np.empty_like(q), np.empty_like(k), np.empty_like(v))
    root = np.sqrt(q.shape[-1])
    average = np.sum(dy * (weights @ v), axis=-1, keepdims=True)
    dscores = weights * (dy @ v.swapaxes(-1, -2) - average)
    np.matmul(dscores, k / root, out=dq)
    np.matmul(dscores.swapaxes(-1, -2), q / root, out=dk)
    np.matmul(weights.swapaxes(-1, -2), dy, out=dv)
    return dq, dk, dv


def attention_backward_with_jacobians(dy, cache, out=None):
    q, k, v, weights = cache
    dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    for *head, t in np.ndindex(q.shape[:-1]):
        row, asks, head = weights[(*head, t)], (*head, t), tuple(head)
        slopes = np.diag(row) - np.outer(row, row)
        dscores = slopes @ (v[head] @ dy[asks]) / q.shape[-1] ** 0.5
        dq[asks] = dscores @ k[head]
        dk[head] += np.outer(dscores, q[asks])
        dv[head] += np.outer(row, dy[asks])
    return handed(out, dq, dk, dv)


def softmax_step(dweights, weights):
    return weights * (dweights - (dweights * weights).sum(axis=-1, keepdims=True))


def attention_backward_without_scaling(dy, cache, out=None):
    q, k, v, weights = cache
    dscores = softmax_step(dy @ v.swapaxes(-1, -2), weights)
    return handed(out, dscores @ k, dscores.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ dy)


def attention_backward_scaling_only_dq(dy, cache, out=None):
    q, k, v, weights = cache
    dscores = softmax_step(dy @ v.swapaxes(-1, -2), weights)
    dq = dscores @ k / np.sqrt(q.shape[-1])
    return handed(out, dq, dscores.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ dy)


def attention_backward_divided_by_d(dy, cache, out=None):
    q, k, v, weights = cache
    dscores = softmax_step(dy @ v.swapaxes(-1, -2), weights) / q.shape[-1]
    return handed(out, dscores @ k, dscores.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ dy)


def attention_backward_past_softmax(dy, cache, out=None):
    q, k, v, weights = cache
    dscores = dy @ v.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    return handed(out, dscores @ k, dscores.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ dy)


def attention_backward_sigmoid_slope(dy, cache, out=None):
    q, k, v, weights = cache
    dscores = (dy @ v.swapaxes(-1, -2)) * weights * (1 - weights) / np.sqrt(q.shape[-1])
    return handed(out, dscores @ k, dscores.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ dy)


def attention_backward_constant_sum(dy, cache, out=None):
    q, k, v, weights = cache
    dscores = (dy @ v.swapaxes(-1, -2)) * weights / np.sqrt(q.shape[-1])
    return handed(out, dscores @ k, dscores.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ dy)


def attention_backward_average_over_queries(dy, cache, out=None):
    q, k, v, weights = cache
    dweights = dy @ v.swapaxes(-1, -2)
    dscores = weights * (dweights - (dweights * weights).sum(axis=-2, keepdims=True)) / np.sqrt(q.shape[-1])
    return handed(out, dscores @ k, dscores.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ dy)


def attention_backward_dk_without_transpose(dy, cache, out=None):
    q, k, v, weights = cache
    dscores = softmax_step(dy @ v.swapaxes(-1, -2), weights) / np.sqrt(q.shape[-1])
    return handed(out, dscores @ k, dscores @ q, weights.swapaxes(-1, -2) @ dy)


def attention_backward_dv_without_transpose(dy, cache, out=None):
    q, k, v, weights = cache
    dscores = softmax_step(dy @ v.swapaxes(-1, -2), weights) / np.sqrt(q.shape[-1])
    return handed(out, dscores @ k, dscores.swapaxes(-1, -2) @ q, weights @ dy)


def attention_backward_as_qkv_reversed(dy, cache, out=None):
    q, k, v, weights = cache
    dscores = softmax_step(dy @ v.swapaxes(-1, -2), weights) / np.sqrt(q.shape[-1])
    return handed(out, dscores.swapaxes(-1, -2) @ q, dscores @ k, weights.swapaxes(-1, -2) @ dy)


def attention_backward_ignoring_out(dy, cache, out=None):
    return attention_backward_by_einsum(dy, cache)


def attention_backward_not_knowing_out(dy, cache):
    return attention_backward_by_einsum(dy, cache)


# ------------------------------------------------------------------------------------------ heads


def join_heads_by_concatenation(h):
    return np.concatenate([h[..., head, :, :] for head in range(h.shape[-3])], axis=-1)


def join_heads_with_loops(h):
    *leading, H, T, d = h.shape
    y = np.empty((*leading, T, H * d), h.dtype)
    for head in range(H):
        y[..., head * d : (head + 1) * d] = h[..., head, :, :]
    return y


def join_heads_by_reshape(h):
    *leading, H, T, d = h.shape
    return h.reshape(*leading, T, H * d)


def join_heads_inside(h):
    return np.stack([h[..., head, :, :] for head in range(h.shape[-3])], axis=-1).reshape(
        *h.shape[:-3], h.shape[-2], -1
    )


def join_heads_last_two(h):
    *leading, H, T, d = h.shape
    return h.swapaxes(-1, -2).reshape(*leading, T, H * d)


def join_heads_added(h):
    return h.sum(axis=-3)


def join_heads_averaged(h):
    return np.mean(h, axis=-3)


def join_heads_half_way(h):
    return np.moveaxis(h, -3, -2)


# ------------------------------------------------------------------------------------------ gate and residual


def gate_with_loops(x, h, gate):
    y = x.copy()
    for token in range(x.shape[-2]):
        y[..., token, :] += gate * h[..., token, :]
    return y, (h, gate)


def gate_by_einsum(x, h, gate):
    return x + np.einsum("...td,...d->...td", h, gate), (h, gate)


def gate_on_x(x, h, gate):
    return np.expand_dims(gate, -2) * x + h, (h, gate)


def gate_on_sum(x, h, gate):
    return np.expand_dims(gate, -2) * (x + h), (h, gate)


def gate_like_a_scale(x, h, gate):
    return x + h * (1 + gate[..., None, :]), (h, gate)


def gate_without_residual(x, h, gate):
    return h * gate[..., None, :], (h, gate)


def gate_left_out(x, h, gate):
    return x + h, (h, gate)


def gate_as_blend(x, h, gate):
    g = gate[..., None, :]
    return x * (1 - g) + h * g, (h, gate)


def gate_keeping_x(x, h, gate):
    return x + gate[..., None, :] * h, (x, gate)


def gate_without_axis(x, h, gate):
    return x + gate * h, (h, gate)


def gate_added_in_place(x, h, gate):
    x += gate[..., None, :] * h
    return x, (h, gate)


def gate_backward_by_einsum(dy, cache):
    h, gate = cache
    return dy.copy(), np.einsum("...td,...d->...td", dy, gate), np.einsum("...td,...td->...d", dy, h)


def gate_backward_with_loops(dy, cache):
    h, gate = cache
    dh, dgate = np.empty_like(h), np.zeros_like(gate)
    for token in range(h.shape[-2]):
        dh[..., token, :] = gate * dy[..., token, :]
        dgate += dy[..., token, :] * h[..., token, :]
    return dy, dh, dgate


def gate_backward_mean(dy, cache):
    h, gate = cache
    return dy, dy * gate[..., None, :], np.mean(dy * h, axis=-2)


def gate_backward_not_summed(dy, cache):
    h, gate = cache
    return dy, dy * gate[..., None, :], dy * h


def gate_backward_summed_over_first_axis(dy, cache):
    h, gate = cache
    return dy, dy * gate[..., None, :], np.sum(dy * h, axis=tuple(range(dy.ndim - 1)))


def gate_backward_summed_over_channels(dy, cache):
    h, gate = cache
    return dy, dy * gate[..., None, :], np.sum(dy * h, axis=-1)


def gate_backward_gated_residual(dy, cache):
    h, gate = cache
    dh = dy * gate[..., None, :]
    return dh, dh, (dy * h).sum(axis=-2)


def gate_backward_both_added(dy, cache):
    h, gate = cache
    dh = dy * gate[..., None, :]
    return dy + dh, dh, (dy * h).sum(axis=-2)


def gate_backward_without_gate(dy, cache):
    h, gate = cache
    return dy, dy, (dy * h).sum(axis=-2)


def gate_backward_without_h(dy, cache):
    h, gate = cache
    return dy, dy * gate[..., None, :], dy.sum(axis=-2)


def gate_backward_times_h(dy, cache):
    h, gate = cache
    return dy, dy * h, (dy * h).sum(axis=-2)


def gate_backward_swapped(dy, cache):
    h, gate = cache
    return dy * gate[..., None, :], dy, (dy * h).sum(axis=-2)


ANSWERS = {
    "step_9_pooled": Answers(
        right=[POOLED, POOLED.tolist(), POOLED.astype(float)],
        wrong=[
            ([[14, 6, -2, 10], [2, -2, 4, 0]], "rows of the attention"),
            ([[3, 9, -12, 6], [14, 30, -38, 22]], "pooled the noised latent"),
            ([[2, 10, -14, 6], [8, 20, -26, 14]], "pooled the keys"),
            ([[-4, 0, -2, -2], [2, 10, -14, 6]], "pooled the queries"),
            (ONE_OFF, None),
            (POOLED.T, "missing transpose"),
        ],
    ),
    "pool_backward": Answers(
        right=[pool_backward_by_einsum, pool_backward_with_loops],
        wrong=[
            (pool_backward_without_transpose, "missing transpose"),
            (pool_backward_values_first, "missing transpose"),
            (pool_backward_mean, "mean over the tokens"),
            (pool_backward_swapped, "wrong order"),
            (pool_backward_softmax_too, "through softmax already"),
            (pool_backward_equal_shares, "as if the weights were equal"),
            (pool_backward_for_one_head_only, None),
        ],
    ),
    "attention_forward": Answers(
        right=[attention_by_einsum, attention_with_loops, attention_with_a_very_low_score],
        wrong=[
            (attention_without_scaling, "forgot 1/√d"),
            (attention_divided_by_d, None),
            (attention_root_of_tokens, None),
            (attention_without_softmax, "forgot softmax"),
            (attention_softmax_over_queries, "softmax along the wrong axis"),
            (attention_that_overflows, "not stabilised"),
            (attention_ignoring_the_mask, "forgot the mask"),
            (attention_mask_inverted, "mask inverted"),
            (attention_mask_after_softmax, "mask after softmax"),
            (attention_masked_scores_zero, "masked scores set to zero"),
            (attention_first_mask_for_all, ("one mask for all samples", "right only in part")),
            (attention_mask_not_broadcast, None),
        ],
    ),
    "attention_backward": Answers(
        right=[attention_backward_by_einsum, attention_backward_through_y, attention_backward_with_jacobians],
        wrong=[
            (attention_backward_without_scaling, "forgot 1/√d"),
            (attention_backward_scaling_only_dq, "1/√d for one of the two"),
            (attention_backward_divided_by_d, "divided by d"),
            (attention_backward_past_softmax, "forgot softmax"),
            (attention_backward_sigmoid_slope, "softmax: only its own weight"),
            (attention_backward_constant_sum, "softmax: not through the sum"),
            (attention_backward_average_over_queries, "softmax along the wrong axis"),
            (attention_backward_dk_without_transpose, "missing transpose"),
            (attention_backward_dv_without_transpose, "missing transpose"),
            (attention_backward_as_qkv_reversed, "wrong order"),
            (attention_backward_ignoring_out, "out left alone"),
            (attention_backward_not_knowing_out, None),
        ],
    ),
    "join_heads": Answers(
        right=[join_heads_by_concatenation, join_heads_with_loops],
        wrong=[
            (join_heads_by_reshape, "reshape alone"),
            (join_heads_inside, "heads inside"),
            (join_heads_last_two, "wrong axes exchanged"),
            (join_heads_added, "sum over the heads"),
            (join_heads_averaged, "mean over the heads"),
            (join_heads_half_way, "axes exchanged, not joined"),
        ],
    ),
    "gated_residual_forward": Answers(
        right=[gate_with_loops, gate_by_einsum],
        wrong=[
            (gate_on_x, "gate on the residual"),
            (gate_on_sum, "gate on both"),
            (gate_like_a_scale, "1 + gate"),
            (gate_without_residual, "forgot the residual"),
            (gate_left_out, "forgot the gate"),
            (gate_as_blend, "mixed like a blend"),
            (gate_keeping_x, "x in the cache"),
            (gate_without_axis, None),
            (gate_added_in_place, "changed its input"),
        ],
    ),
    "gated_residual_backward": Answers(
        right=[gate_backward_by_einsum, gate_backward_with_loops],
        wrong=[
            (gate_backward_mean, "mean instead of sum"),
            (gate_backward_not_summed, "forgot to sum over the tokens"),
            (gate_backward_summed_over_first_axis, ("summed over the batch too", "summed too much")),
            (gate_backward_summed_over_channels, "summed over the wrong axis"),
            (gate_backward_gated_residual, "gate on the residual"),
            (gate_backward_both_added, "residual and branch added"),
            (gate_backward_without_gate, "forgot the gate"),
            (gate_backward_without_h, "forgot h"),
            (gate_backward_times_h, "own factor"),
            (gate_backward_swapped, "wrong order"),
        ],
    ),
}
