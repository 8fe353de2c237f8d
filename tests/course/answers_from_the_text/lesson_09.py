"""Answers to lesson 9's exercises, written from its text alone."""

import numpy as np
from answers_of import Answers

from minidit import layers

X = np.array([[1, 1, -1, 1], [2, 0, 1, 1]])
A = np.array([[2, 4, -5, 3], [0, 2, -3, 1], [1, -1, 2, 0], [1, 3, -4, 2]])
STEP_9 = [[2, 10, -14, 6], [6, 10, -12, 8]]


def changed(row, column, value):
    """Step 9's numbers with one of them wrong."""
    numbers = [list(line) for line in STEP_9]
    numbers[row][column] = value
    return numbers


def transposed(x):
    return x.swapaxes(-1, -2)


def rowsum(x):
    return x.sum(axis=-1, keepdims=True)


# 9.2 attention
def attention_by_einsum(q, k, v, key_mask=None):
    scores = np.einsum("...td,...sd->...ts", q, k) * q.shape[-1] ** -0.5
    if key_mask is not None:
        scores = np.where(np.expand_dims(key_mask, (-2, -3)), scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights = weights / weights.sum(-1, keepdims=True)
    return np.einsum("...ts,...sd->...td", weights, v), (q, k, v, weights)


def attention_mask_multiplied(q, k, v, key_mask=None):
    scores = q @ np.swapaxes(k, -2, -1) / q.shape[-1] ** 0.5
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    if key_mask is not None:
        e = e * key_mask[..., None, None, :]
    weights = e / e.sum(axis=-1, keepdims=True)
    return [weights @ v, [q, k, v, weights]]


def attention_mask_written_in(q, k, v, key_mask=None):
    scores = np.matmul(q, transposed(k)) / k.shape[-1] ** 0.5
    if key_mask is not None:
        scores[np.broadcast_to(~key_mask[..., None, None, :], scores.shape)] = float("-inf")
    weights, _ = layers.softmax_forward(scores)
    return np.matmul(weights, v), (q, k, v, weights)


def attending(
    scores=lambda q, k: q @ transposed(k) / q.shape[-1] ** 0.5,
    mask=lambda s, m: np.where(m[..., None, None, :], s, -np.inf),
    softmax=lambda s: layers.softmax_forward(s)[0],
    pool=lambda w, v: w @ v,
    cache=lambda q, k, v, w: (q, k, v, w),
):
    """9.2 with one of its steps exchanged."""

    def attention_forward(q, k, v, key_mask=None):
        s = scores(q, k)
        if key_mask is not None:
            s = mask(s, key_mask)
        w = softmax(s)
        return pool(w, v), cache(q, k, v, w)

    return attention_forward


def attention_mask_asked(q, k, v, key_mask=None):
    s = q @ transposed(k) / q.shape[-1] ** 0.5
    if key_mask:
        s = np.where(key_mask[..., None, None, :], s, -np.inf)
    w, _ = layers.softmax_forward(s)
    return w @ v, (q, k, v, w)


def attention_no_none(q, k, v, key_mask=None):
    s = q @ transposed(k) / q.shape[-1] ** 0.5
    s = np.where(key_mask[..., None, None, :], s, -np.inf)
    w, _ = layers.softmax_forward(s)
    return w @ v, (q, k, v, w)


def attention_softmax_not_unpacked(q, k, v, key_mask=None):
    w = layers.softmax_forward(q @ transposed(k) / q.shape[-1] ** 0.5)
    return w @ v, (q, k, v, w)


def attention_masked_after_softmax(q, k, v, key_mask=None):
    w, _ = layers.softmax_forward(q @ transposed(k) / q.shape[-1] ** 0.5)
    if key_mask is not None:
        w = w * key_mask[..., None, None, :]
    return w @ v, (q, k, v, w)


def attention_values_masked(q, k, v, key_mask=None):
    w, _ = layers.softmax_forward(q @ transposed(k) / q.shape[-1] ** 0.5)
    if key_mask is not None:
        v = v * key_mask[..., None, :, None]
    return w @ v, (q, k, v, w)


def attention_three_axes(q, k, v, key_mask=None):
    s = q @ k.transpose(0, 2, 1) / q.shape[-1] ** 0.5
    if key_mask is not None:
        s = np.where(key_mask, s, -np.inf)
    w, _ = layers.softmax_forward(s)
    return w @ v, (q, k, v, w)


def attention_head_by_head_returned(q, k, v, key_mask=None):
    y, w = np.zeros_like(q), np.zeros((*q.shape[:-1], k.shape[-2]), q.dtype)
    for h in range(q.shape[-3]):
        s = q[..., h, :, :] @ transposed(k[..., h, :, :]) / q.shape[-1] ** 0.5
        if key_mask is not None:
            s = np.where(key_mask[..., None, :], s, -np.inf)
        w[..., h, :, :] = layers.softmax_forward(s)[0]
        y[..., h, :, :] = w[..., h, :, :] @ v[..., h, :, :]
        return y, (q, k, v, w)


def attention_first_mask_for_all(q, k, v, key_mask=None):
    s = q @ transposed(k) / q.shape[-1] ** 0.5
    if key_mask is not None:
        s = np.where(key_mask.reshape(-1, key_mask.shape[-1])[0], s, -np.inf)
    w, _ = layers.softmax_forward(s)
    return w @ v, (q, k, v, w)


def attention_in_place(q, k, v, key_mask=None):
    q /= q.shape[-1] ** 0.5
    s = q @ transposed(k)
    if key_mask is not None:
        s = np.where(key_mask[..., None, None, :], s, -np.inf)
    w, _ = layers.softmax_forward(s)
    return w @ v, (q, k, v, w)


# 9.3 merge the heads
def join_by_concatenation(h):
    return np.concatenate([h[..., i, :, :] for i in range(h.shape[-3])], axis=-1)


def join_by_moveaxis(h):
    *front, H, T, d = h.shape
    return np.moveaxis(h, -3, -2).reshape(*front, T, H * d)


def join_by_loops(h):
    H, T, d = h.shape[-3:]
    y = np.empty(h.shape[:-3] + (T, H * d), h.dtype)
    for i in range(H):
        y[..., i * d : (i + 1) * d] = h[..., i, :, :]
    return y


def join_returned_in_the_loop(h):
    H, T, d = h.shape[-3:]
    y = np.zeros(h.shape[:-3] + (T, H * d), h.dtype)
    for i in range(H):
        y[..., i * d : (i + 1) * d] = h[..., i, :, :]
        return y


def join_loop_off_by_one(h):
    H, T, d = h.shape[-3:]
    y = np.zeros(h.shape[:-3] + (T, H * d), h.dtype)
    for i in range(H - 1):
        y[..., i * d : (i + 1) * d] = h[..., i, :, :]
    return y


def join_three_or_four_axes(h):
    if h.ndim == 3:
        return np.hstack(list(h))
    return h.transpose(0, 2, 1, 3).reshape(h.shape[0], h.shape[2], -1)


# 9.4 gate and residual
def gated_by_einsum(x, h, gate):
    return x + np.einsum("...td,...d->...td", h, gate), (h, gate)


def gated_token_by_token(x, h, gate):
    y = x.copy()
    for t in range(x.shape[-2]):
        y[..., t, :] += gate * h[..., t, :]
    return [y, [h, gate]]


def gated_expanded(x, h, gate):
    return np.expand_dims(gate, -2) * h + x, (h, gate)


def gated_in_place(x, h, gate):
    x += gate[..., None, :] * h
    return x, (h, gate)


def gated_h_in_place(x, h, gate):
    h *= gate[..., None, :]
    return x + h, (h, gate)


def gated_cache_gate_with_axis(x, h, gate):
    gate = gate[..., None, :]
    return x + gate * h, (h, gate)


def gated_cache_branch(x, h, gate):
    h = gate[..., None, :] * h
    return x + h, (h, gate)


def gated_returned_in_the_loop(x, h, gate):
    y = x.copy()
    for t in range(x.shape[-2]):
        y[..., t, :] += gate * h[..., t, :]
        return y, (h, gate)


def gated_three_axes(x, h, gate):
    return x + gate.reshape(gate.shape[0], 1, gate.shape[1]) * h, (h, gate)


def gated_if_gate(x, h, gate):
    if gate == 0:
        return x, (h, gate)
    return x + gate[..., None, :] * h, (h, gate)


# 9.5 back through gate and residual
def gated_back_by_einsum(dy, cache):
    h, gate = cache
    return dy, np.einsum("...td,...d->...td", dy, gate), np.einsum("...td,...td->...d", dy, h)


def gated_back_token_by_token(dy, cache):
    h, gate = cache
    dh, dgate = np.empty_like(h), np.zeros_like(gate)
    for t in range(h.shape[-2]):
        dh[..., t, :] = gate * dy[..., t, :]
        dgate += h[..., t, :] * dy[..., t, :]
    return [dy.copy(), dh, dgate]


def gated_back(dx=None, dh=None, dgate=None):
    """9.5 with some of its parts exchanged."""

    def gated_residual_backward(dy, cache):
        h, gate = cache
        a = dx(dy, h, gate) if dx else dy
        b = dh(dy, h, gate) if dh else dy * gate[..., None, :]
        c = dgate(dy, h, gate) if dgate else (dy * h).sum(axis=-2)
        return a, b, c

    return gated_residual_backward


def gated_back_order(dy, cache):
    dx, dh, dgate = gated_back_by_einsum(dy, cache)
    return dx, dgate, dh


def gated_back_in_place(dy, cache):
    h, gate = cache
    dgate = (dy * h).sum(axis=-2)
    dx = dy.copy()
    dy *= gate[..., None, :]
    return dx, dy, dgate


def gated_back_last_token(dy, cache):
    h, gate = cache
    dgate = np.zeros_like(gate)
    for t in range(h.shape[-2]):
        dgate = dy[..., t, :] * h[..., t, :]
    return dy, dy * gate[..., None, :], dgate


def gated_back_two(dy, cache):
    h, gate = cache
    return dy * gate[..., None, :], (dy * h).sum(axis=-2)


# 9.6 back through pooling
def pool_back_by_einsum(dy, cache):
    weights, v = cache
    return np.einsum("...td,...sd->...ts", dy, v), np.einsum("...ts,...td->...sd", weights, dy)


def pool_back_by_loops(dy, cache):
    weights, v = cache
    dweights, dv = np.zeros_like(weights), np.zeros_like(v)
    for i in range(weights.shape[-2]):
        for j in range(weights.shape[-1]):
            dweights[..., i, j] = (dy[..., i, :] * v[..., j, :]).sum(axis=-1)
            dv[..., j, :] += weights[..., i, j, None] * dy[..., i, :]
    return [dweights, dv]


def pool_back(dweights=None, dv=None):
    """9.6 with one of its parts exchanged."""

    def pool_backward(dy, cache):
        w, v = cache
        return dweights(dy, w, v) if dweights else dy @ transposed(v), dv(dy, w, v) if dv else transposed(w) @ dy

    return pool_backward


def pool_back_order(dy, cache):
    return pool_back_by_einsum(dy, cache)[::-1]


def pool_back_last_token(dy, cache):
    weights, v = cache
    dv = np.zeros_like(v)
    for i in range(weights.shape[-2]):
        dv = weights[..., i, :, None] * dy[..., i, None, :]
    return dy @ transposed(v), dv


def pool_back_in_place(dy, cache):
    weights, v = cache
    dweights = dy @ transposed(v)
    v[...] = transposed(weights) @ dy
    return dweights, v


# 9.7 back through attention
def attention_back_by_einsum(dy, cache, out=None):
    q, k, v, weights = cache
    dweights = np.einsum("...td,...sd->...ts", dy, v)
    dscores = weights * dweights - weights * (weights * dweights).sum(-1, keepdims=True)
    dproducts = dscores / k.shape[-1] ** 0.5
    dq = np.einsum("...ts,...sd->...td", dproducts, k)
    dk = np.einsum("...ts,...td->...sd", dproducts, q)
    dv = np.einsum("...ts,...td->...sd", weights, dy)
    if out is not None:
        for place, gradient in zip(out, (dq, dk, dv), strict=True):
            place[...] = gradient
    return dq, dk, dv


def attention_back_the_short_way(dy, cache, out=None):
    q, k, v, weights = cache
    y = weights @ v
    dscores = weights * (dy @ transposed(v) - np.vecdot(dy, y)[..., None])
    dproducts = dscores * q.shape[-1] ** -0.5
    dq, dk, dv = dproducts @ k, transposed(dproducts) @ q, transposed(weights) @ dy
    if out is not None:
        out[0][...], out[1][...], out[2][...] = dq, dk, dv
    return [dq, dk, dv]


def attention_back_with_layers(dy, cache, out=None):
    q, k, v, weights = cache
    dscores = layers.softmax_backward(dy @ v.swapaxes(-1, -2), (weights,))
    dproducts = dscores / q.shape[-1] ** 0.5
    dq, dk, dv = dproducts @ k, dproducts.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ dy
    if out is not None:
        out[0][...], out[1][...], out[2][...] = dq, dk, dv
    return dq, dk, dv


def attention_back(
    dweights=lambda dy, v, w: dy @ transposed(v),
    softmax=lambda dw, w: w * (dw - rowsum(dw * w)),
    dproducts=lambda ds, q, k: ds / q.shape[-1] ** 0.5,
    dq=lambda p, q, k: p @ k,
    dk=lambda p, q, k: transposed(p) @ q,
    dv=lambda dy, v, w: transposed(w) @ dy,
    result=lambda dq, dk, dv: (dq, dk, dv),
):
    """9.7 with one of its steps exchanged."""

    def attention_backward(dy, cache, out=None):
        q, k, v, w = cache
        p = dproducts(softmax(dweights(dy, v, w), w), q, k)
        a, b, c = dq(p, q, k), dk(p, q, k), dv(dy, v, w)
        if out is not None:
            out[0][...], out[1][...], out[2][...] = a, b, c
        return result(a, b, c)

    return attention_backward


def attention_back_out_ignored(dy, cache, out=None):
    return attention_back_with_layers(dy, cache)


def attention_back_out_rebound(dy, cache, out=None):
    dq, dk, dv = attention_back_with_layers(dy, cache)
    if out is not None:
        out = (dq, dk, dv)
    return dq, dk, dv


def attention_back_out_in_another_order(dy, cache, out=None):
    dq, dk, dv = attention_back_with_layers(dy, cache)
    if out is not None:
        out[0][...], out[1][...], out[2][...] = dq, dv, dk
    return dq, dk, dv


def attention_back_weights_changed(dy, cache, out=None):
    q, k, v, weights = cache
    dv = transposed(weights) @ dy
    dweights = dy @ transposed(v)
    dweights -= rowsum(dweights * weights)
    weights *= dweights
    weights /= q.shape[-1] ** 0.5
    dq, dk = weights @ k, transposed(weights) @ q
    if out is not None:
        out[0][...], out[1][...], out[2][...] = dq, dk, dv
    return dq, dk, dv


# students who try to be clever
def attention_mask_of_ones(q, k, v, key_mask=None):
    mask = np.ones(k.shape[:-3] + k.shape[-2:-1], bool) if key_mask is None else key_mask
    scores = q @ transposed(k) / q.shape[-1] ** 0.5
    scores = np.where(mask[..., np.newaxis, np.newaxis, :], scores, -np.inf)
    weights = layers.softmax_forward(scores)[0]
    return weights @ v, (q, k, v, weights)


def attention_keys_cut_out(q, k, v, key_mask=None):
    if key_mask is not None:
        keep = key_mask.reshape(-1, key_mask.shape[-1]).all(axis=0)
        k, v = k[..., keep, :], v[..., keep, :]
    weights = layers.softmax_forward(q @ transposed(k) / q.shape[-1] ** 0.5)[0]
    return weights @ v, (q, k, v, weights)


def attention_masked_queries_too(q, k, v, key_mask=None):
    y, (_, _, _, weights) = attention_by_einsum(q, k, v, key_mask)
    if key_mask is not None and q.shape[-2] == k.shape[-2]:
        y = y * key_mask[..., None, :, None]
    return y, (q, k, v, weights)


def gated_back_through_dh(dy, cache):
    h, gate = cache
    dh = dy * gate[..., None, :]
    return dy, dh, (dh * h).sum(axis=-2) / gate


def attention_back_weights_made_again(dy, cache, out=None):
    q, k, v, _ = cache
    weights = layers.softmax_forward(q @ transposed(k) / q.shape[-1] ** 0.5)[0]
    return attention_back_with_layers(dy, (q, k, v, weights), out)


def attention_back_into_out(dy, cache, out=None):
    q, k, v, weights = cache
    dq, dk, dv = out if out is not None else (np.empty_like(q), np.empty_like(k), np.empty_like(v))
    dscores = layers.softmax_backward(dy @ transposed(v), (weights,)) / q.shape[-1] ** 0.5
    dq[...], dk[...], dv[...] = dscores @ k, transposed(dscores) @ q, transposed(weights) @ dy
    return dq, dk, dv


def attention_back_out_only(dy, cache, out=None):
    gradients = attention_back_with_layers(dy, cache, out)
    return gradients if out is None else None


def attention_back_first_of_out(dy, cache, out=None):
    dq, dk, dv = attention_back_with_layers(dy, cache)
    if out is not None:
        out[0][...] = dq
    return dq, dk, dv


def pool_back_one_axis_in_front(dy, cache):
    weights, v = cache
    if dy.ndim == 2:
        return dy @ v.T, weights.T @ dy
    dv = np.stack([w.T @ d for w, d in zip(weights, dy, strict=True)])
    return np.stack([d @ u.T for d, u in zip(dy, v, strict=True)]), dv


def gated_back_three_axes(dy, cache):
    h, gate = cache
    if dy.ndim == 2:
        return dy, dy * gate, (dy * h).sum(axis=0)
    return dy, dy * gate[:, None], (dy * h).sum(axis=1)


def gated_two_or_three_axes(x, h, gate):
    return x + (gate if gate.ndim == 1 else gate[:, None]) * h, (h, gate)


ANSWERS = {
    "step_9_pooled": Answers(
        right=[X @ A, [[2.0, 10, -14, 6], [6, 10, -12, 8]], tuple(map(tuple, STEP_9))],
        wrong=[
            ((X @ A.T).tolist(), "rows of the attention"),  # rows of A in place of columns
            ((X @ np.abs(A)).tolist(), "signs of the attention"),  # the signs in A ignored
            ((np.abs(X) @ A).tolist(), "signs of the latent"),  # the −1 in X read as 1
            ((-np.array(STEP_9)).tolist(), "sign"),  # all signs
            (STEP_9[::-1], "rows swapped"),  # the two rows exchanged
            (np.array(STEP_9).T.tolist(), "missing transpose"),  # transposed: a row for each patch
            (X.tolist(), "unchanged input"),  # step 7's numbers again
            (A.tolist(), "unchanged input"),  # step 8's numbers again
            ((X + X @ A).tolist(), "residual added"),  # the patches themselves added, as a residual
            ((X @ A / 4).tolist(), "mean instead of sum"),  # a mean over the patches
            (changed(0, 2, -10), None),  # one slip: −5 + 3 − 2 − 4, and a sign
            (changed(1, 2, -16), None),  # one slip: the sign of 1 · 2
            (changed(0, 1, 8), None),  # one slip: −1 · −1 taken for −1
            # the noised latent of step 4 for X
            ((np.array([[1, 1, 0, 1], [3, 5, 4, 4]]) @ A).tolist(), "pooled the noised latent"),
            ((np.array([[-1, 1, -2, 0], [1, 1, -1, 1]]) @ A).tolist(), "pooled the queries"),  # the queries mixed
            ((np.array([[1, 1, -1, 1], [3, 1, 0, 2]]) @ A).tolist(), "pooled the keys"),  # the keys mixed
            ([[2], [6]], "other number of entries"),  # the first column only
            ((X[:, :3] @ A[:3]).tolist(), "last patch left out"),  # the last patch left out
        ],
    ),
    "attention_forward": Answers(
        right=[attention_by_einsum, attention_mask_multiplied, attention_mask_written_in, attention_mask_of_ones],
        wrong=[
            (attending(scores=lambda q, k: q @ transposed(k)), "forgot 1/√d"),  # √d is missing
            (attending(scores=lambda q, k: q @ transposed(k) / q.shape[-1]), "divided by d"),
            # √T for √d
            (attending(scores=lambda q, k: q @ transposed(k) / q.shape[-2] ** 0.5), "√ of the number of tokens"),
            # √H for √d
            (attending(scores=lambda q, k: q @ transposed(k) / q.shape[-3] ** 0.5), "√ of the number of heads"),
            # √D, of all heads
            (
                attending(scores=lambda q, k: q @ transposed(k) / (q.shape[-1] * q.shape[-3]) ** 0.5),
                "√ of the whole width",
            ),
            (attending(scores=lambda q, k: q @ k.T / q.shape[-1] ** 0.5), "raised an error"),  # .T reverses all axes
            # query with query
            (attending(scores=lambda q, k: q @ transposed(q) / q.shape[-1] ** 0.5), "queries with queries"),
            # the mask turned round
            (attending(mask=lambda s, m: np.where(m[..., None, None, :], -np.inf, s)), "mask inverted"),
            # a score of zero for masked keys
            (attending(mask=lambda s, m: s * m[..., None, None, :]), "masked scores set to zero"),
            # a score of zero for masked keys
            (attending(mask=lambda s, m: np.where(m[..., None, None, :], s, 0)), "masked scores set to zero"),
            # −5 isn't low enough
            (attending(mask=lambda s, m: np.where(m[..., None, None, :], s, -5)), "masked scores not low enough"),
            # queries are masked, not keys
            (attending(mask=lambda s, m: np.where(m[..., None, :, None], s, -np.inf)), "raised an error"),
            (attending(mask=lambda s, m: np.where(m, s, -np.inf)), "raised an error"),  # the mask has too few axes
            # one new axis, not two
            (attending(mask=lambda s, m: np.where(m[..., None, :], s, -np.inf)), "raised an error"),
            # works for one axis of samples only
            (attending(mask=lambda s, m: np.where(m[:, None, None], s, -np.inf)), "raised an error"),
            (attending(mask=lambda s, m: s), "forgot the mask"),  # the mask is ignored
            (attending(mask=lambda s, m: s + m[..., None, None, :]), "mask added"),  # the mask added to the scores
            # everything sums to one
            (attending(softmax=lambda s: np.exp(s) / np.exp(s).sum()), "softmax over everything"),
            # columns sum to one
            (
                attending(softmax=lambda s: transposed(layers.softmax_forward(transposed(s))[0])),
                "softmax along the wrong axis",
            ),
            (attending(softmax=lambda s: s), "forgot softmax"),  # no softmax
            (attending(softmax=lambda s: np.exp(s)), "not divided"),  # exponentials, not divided
            # scores divided by their sum, no exponentials
            (attending(softmax=lambda s: s / rowsum(s)), "forgot the exponential"),
            (attending(pool=lambda w, v: transposed(w) @ v), "missing transpose"),  # pooled with the transposed weights
            (attending(pool=lambda w, v: w * v), "raised an error"),  # * in place of @
            (attending(pool=lambda w, v: (w @ v).mean(axis=-3)), "mean over the heads"),  # averaged over the heads
            (attending(pool=lambda w, v: w), "not pooled"),  # not pooled: the weights are returned
            (attending(cache=lambda q, k, v, w: (q, k, w, v)), "wrong order"),  # the cache in the wrong order
            (attending(cache=lambda q, k, v, w: (w, v)), "other structure"),  # the cache holds too little
            (
                attending(cache=lambda q, k, v, w: (q, k, v, q @ transposed(k) / q.shape[-1] ** 0.5)),
                "kept the scores",  # scores for weights
            ),
            (attention_mask_asked, "raised an error"),  # an array in an if
            (attention_no_none, "raised an error"),  # a mask of None isn't thought of
            (attention_softmax_not_unpacked, "raised an error"),  # softmax's cache isn't unpacked
            (attention_masked_after_softmax, "mask after softmax"),  # masked after softmax, so rows don't sum to one
            (attention_values_masked, "mask after softmax"),  # values masked, not scores
            (attention_three_axes, "raised an error"),  # works for three axes only
            (attention_head_by_head_returned, "uses a part of an input"),  # return inside the loop: the first head only
            (attention_first_mask_for_all, "one mask for all samples"),  # the first sample's mask for all
            (attention_in_place, "changed its input"),  # q is changed
            (lambda q, k, v: attention_by_einsum(q, k, v), "other arguments"),  # no argument key_mask
            # no mask, no cache
            (lambda q, k, v, key_mask=None: attention_by_einsum(q, k, v)[0], "other number of results"),
            # −20 leaves masked keys a little
            (attending(mask=lambda s, m: np.where(m[..., None, None, :], s, -20)), "masked scores not low enough"),
            (attention_keys_cut_out, "masked keys cut out"),  # keys masked in any sample are cut out of all
            (attention_masked_queries_too, "queries masked"),  # the rows of masked tokens are set to zero as well
        ],
    ),
    "join_heads": Answers(
        right=[join_by_concatenation, join_by_moveaxis, join_by_loops],
        wrong=[
            (lambda h: h.reshape(*h.shape[:-3], h.shape[-2], -1), "reshape alone"),  # no swap before the reshape
            (lambda h: h.swapaxes(-3, -2), "axes exchanged, not joined"),  # no reshape
            # works for four axes only
            (lambda h: h.transpose(0, 2, 1, 3).reshape(h.shape[0], h.shape[2], -1), "raised an error"),
            (lambda h: h.transpose(1, 0, 2).reshape(h.shape[1], -1), "raised an error"),  # works for three axes only
            (join_three_or_four_axes, "raised an error"),  # works for three or four axes, not for five
            # the wrong axes swapped
            (lambda h: h.swapaxes(-1, -2).reshape(*h.shape[:-3], h.shape[-2], -1), "wrong axes exchanged"),
            (
                lambda h: np.moveaxis(h, -3, -1).reshape(*h.shape[:-3], h.shape[-2], -1),
                "heads inside",  # number by number, not head by head
            ),
            # the last two sizes exchanged
            (lambda h: h.swapaxes(-3, -2).reshape(*h.shape[:-3], -1, h.shape[-3]), "last two sizes exchanged"),
            # works for one axis in front only
            (lambda h: h.swapaxes(-3, -2).reshape(h.shape[0], h.shape[-2], -1), "axes in front lost"),
            (lambda h: h.swapaxes(-3, -2).reshape(h.shape[-2], -1), "axes in front lost"),  # works without samples only
            # heads in reverse
            (lambda h: h.swapaxes(-3, -2)[..., ::-1, :].reshape(*h.shape[:-3], h.shape[-2], -1), "heads reversed"),
            (lambda h: h.sum(axis=-3), "sum over the heads"),  # heads added up
            (lambda h: h.mean(axis=-3), "mean over the heads"),  # heads averaged
            (lambda h: h[..., 0, :, :], "one head only"),  # the first head only
            (
                lambda h: np.concatenate([h[..., i, :, :] for i in range(h.shape[-3])], axis=-2),
                "joined along the tokens",
            ),
            # joined along the first axis: right without samples only
            (lambda h: np.concatenate(h, axis=-1), "joined along the first axis"),
            (lambda h: np.hstack(h), "joined along the first axis"),  # hstack: right without samples only
            (lambda h: h.swapaxes(-3, -2).reshape(2, 3, 4), "raised an error"),  # sizes typed in
            (lambda h: h.T.reshape(*h.shape[:-3], h.shape[-2], -1), "wrong axes exchanged"),  # .T reverses all axes
            (lambda h: [h[..., i, :, :] for i in range(h.shape[-3])], "not an array"),  # a list of heads
            # reshaped, then swapped
            (lambda h: h.reshape(*h.shape[:-3], -1, h.shape[-2]).swapaxes(-1, -2), "reshape before the swap"),
            (lambda h: h.swapaxes(1, 2).reshape(*h.shape[:-3], h.shape[-2], -1), "axes counted from the front"),
            (join_returned_in_the_loop, "uses a part of an input"),  # return inside the loop: the first head only
            (join_loop_off_by_one, "uses a part of an input"),  # the last head is left out
            (lambda h: print(join_by_moveaxis(h)), "printed, not returned"),
            (lambda h: (join_by_moveaxis(h), h), "other number of results"),  # a cache that nobody asked for
        ],
    ),
    "gated_residual_forward": Answers(
        right=[gated_by_einsum, gated_token_by_token, gated_expanded],
        wrong=[
            (lambda x, h, gate: (gate[..., None, :] * h, (h, gate)), "forgot the residual"),  # no residual
            (lambda x, h, gate: (x + h, (h, gate)), "forgot the gate"),  # no gate
            (lambda x, h, gate: (x * gate[..., None, :] + h, (h, gate)), "gate on the residual"),  # x is gated, not h
            (lambda x, h, gate: (gate[..., None, :] * (x + h), (h, gate)), "gate on both"),  # both are gated
            (lambda x, h, gate: (x + (1 + gate[..., None, :]) * h, (h, gate)), "1 + gate"),
            # a mix
            (
                lambda x, h, gate: ((1 - gate[..., None, :]) * x + gate[..., None, :] * h, (h, gate)),
                "mixed like a blend",
            ),
            (lambda x, h, gate: (x - gate[..., None, :] * h, (h, gate)), "branch subtracted"),  # minus
            (lambda x, h, gate: (x + gate[..., None, :] + h, (h, gate)), "gate added"),
            (lambda x, h, gate: (h + gate[..., None, :] * x, (h, gate)), "gate on the residual"),  # x and h exchanged
            (lambda x, h, gate: (x + gate * h, (h, gate)), "raised an error"),  # no axis for the tokens
            (lambda x, h, gate: (x + gate[..., None] * h, (h, gate)), "raised an error"),  # the new axis at the end
            # works for one axis of samples only
            (lambda x, h, gate: (x + gate[:, None] * h, (h, gate)), "raised an error"),
            (gated_three_axes, "raised an error"),  # works for three axes only
            (lambda x, h, gate: (x + np.maximum(gate, 0)[..., None, :] * h, (h, gate)), "negative gates closed"),
            (lambda x, h, gate: (x + gate.mean(axis=-1)[..., None, None] * h, (h, gate)), "one gate for all channels"),
            # the first sample's gate
            (lambda x, h, gate: (x + gate.reshape(-1, gate.shape[-1])[0] * h, (h, gate)), "one gate for all samples"),
            (lambda x, h, gate: (x + gate[..., None, :] * h, (gate, h)), "wrong order"),  # the cache in the wrong order
            (lambda x, h, gate: (x + gate[..., None, :] * h, (x, gate)), "x in the cache"),  # the cache holds x
            # the cache holds too much
            (lambda x, h, gate: (x + gate[..., None, :] * h, (x, h, gate)), "other structure"),
            (lambda x, h, gate: x + gate[..., None, :] * h, "other number of results"),  # no cache
            # the arguments in another order
            (lambda x, gate, h: (x + gate[..., None, :] * h, (h, gate)), "raised an error"),
            (gated_in_place, "changed its input"),  # x is changed
            (gated_h_in_place, "changed its input"),  # h is changed
            (gated_cache_gate_with_axis, "gate with another axis in the cache"),  # the gate in the cache has a new axis
            (gated_cache_branch, "gated h in the cache"),  # the cache holds gate · h
            (gated_returned_in_the_loop, "uses a part of an input"),  # return inside the loop: the first token only
            (gated_if_gate, "raised an error"),  # an array in an if
            (gated_two_or_three_axes, "raised an error"),  # works for two or three axes, not for four
        ],
    ),
    "gated_residual_backward": Answers(
        right=[gated_back_by_einsum, gated_back_token_by_token],
        wrong=[
            (gated_back(dx=lambda d, h, g: d * g[..., None, :]), "gate on the residual"),  # dx is gated
            # the way through the branch added to dx
            (gated_back(dx=lambda d, h, g: d + d * g[..., None, :]), "residual and branch added"),
            (gated_back(dx=lambda d, h, g: np.ones_like(d)), "forgot dy"),  # the slope 1 in place of dy
            (gated_back(dx=lambda d, h, g: d * h), "dx with h"),  # dx times h
            (gated_back(dx=lambda d, h, g: np.zeros_like(d)), "all zeros"),  # dx is zero
            (gated_back(dh=lambda d, h, g: d), "forgot the gate"),  # dh isn't gated
            (gated_back(dh=lambda d, h, g: d * h), "own factor"),  # dh times h
            (gated_back(dh=lambda d, h, g: d * (1 + g[..., None, :])), "1 + gate"),
            (gated_back(dh=lambda d, h, g: np.broadcast_to(g[..., None, :], d.shape) + 0), "forgot dy"),  # dh lacks dy
            (gated_back(dh=lambda d, h, g: d * g), "raised an error"),  # no axis for the tokens
            (gated_back(dh=lambda d, h, g: d * h * g[..., None, :]), "own factor"),  # dh times h and gate
            (gated_back(dh=lambda d, h, g: d / g[..., None, :]), "divided or multiplied"),  # divided by the gate
            (gated_back(dgate=lambda d, h, g: d * h), "forgot to sum over the tokens"),  # dgate isn't summed
            # dgate keeps an axis
            (gated_back(dgate=lambda d, h, g: (d * h).sum(axis=-2, keepdims=True)), "kept an axis for the tokens"),
            (gated_back(dgate=lambda d, h, g: (d * h).mean(axis=-2)), "mean instead of sum"),  # a mean over the tokens
            # summed over the channels
            (gated_back(dgate=lambda d, h, g: (d * h).sum(axis=-1)), "summed over the wrong axis"),
            # summed over the samples
            (gated_back(dgate=lambda d, h, g: (d * h).sum(axis=0)), "axes counted from the front"),
            # axis 1: right for three axes only
            (gated_back(dgate=lambda d, h, g: (d * h).sum(axis=1)), "axes counted from the front"),
            # summed over samples and tokens
            (gated_back(dgate=lambda d, h, g: (d * h).sum(axis=(0, 1))), "axes counted from the front"),
            (gated_back(dgate=lambda d, h, g: d.sum(axis=-2)), "forgot h"),  # dgate lacks h
            (gated_back(dgate=lambda d, h, g: h.sum(axis=-2)), "forgot dy"),  # dgate lacks dy
            # a product of two sums
            (gated_back(dgate=lambda d, h, g: d.sum(axis=-2) * h.sum(axis=-2)), "product of sums"),
            # dgate times the gate
            (gated_back(dgate=lambda d, h, g: (d * h * g[..., None, :]).sum(axis=-2)), "gate in dgate"),
            (gated_back(dgate=lambda d, h, g: (d * h)[..., 0, :]), "only one token"),  # the first token only
            (gated_back(dgate=lambda d, h, g: -(d * h).sum(axis=-2)), "sign"),  # a minus
            (gated_back_order, "wrong order"),  # dgate before dh
            (gated_back_in_place, "changed its input"),  # dy is changed
            (gated_back_last_token, "only one token"),  # = for +=: the last token only
            (gated_back_two, "other number of results"),  # dx isn't returned
            (gated_back_through_dh, "NaN"),  # divided by the gate: NaN where it is closed
            (gated_back_three_axes, "raised an error"),  # works for two or three axes, not for four
        ],
    ),
    "pool_backward": Answers(
        right=[pool_back_by_einsum, pool_back_by_loops],
        wrong=[
            (pool_back(dweights=lambda d, w, v: v @ transposed(d)), "missing transpose"),  # dweights is transposed
            (pool_back(dweights=lambda d, w, v: d @ v), "raised an error"),  # v isn't transposed
            (pool_back(dweights=lambda d, w, v: d @ v.T), "raised an error"),  # .T reverses all axes
            # dweights times the weights
            (pool_back(dweights=lambda d, w, v: w * (d @ transposed(v))), "through softmax already"),
            (pool_back(dweights=lambda d, w, v: d @ transposed(d)), "another variable"),  # dy with dy
            (pool_back(dweights=lambda d, w, v: np.ones_like(d) @ transposed(v)), "forgot dy"),  # dweights lacks dy
            (pool_back(dweights=lambda d, w, v: w @ v @ transposed(v)), "forgot dy"),  # y in place of dy
            # divided by √d
            (pool_back(dweights=lambda d, w, v: d @ transposed(v) / v.shape[-1] ** 0.5), "1/√d once more"),
            (
                pool_back(dweights=lambda d, w, v: d @ transposed(v) - rowsum(w * (d @ transposed(v)))),
                "through softmax already",  # softmax's backward begun
            ),
            (
                pool_back(dweights=lambda d, w, v: d.sum(-1)[..., None] * v.sum(-1)[..., None, :]),
                "product of sums",  # a product of two sums
            ),
            (pool_back(dv=lambda d, w, v: w @ d), "missing transpose"),  # the weights aren't transposed
            (pool_back(dv=lambda d, w, v: transposed(w) @ v), "forgot dy"),  # v in place of dy
            (pool_back(dv=lambda d, w, v: transposed(d) @ w), "missing transpose"),  # dv is transposed
            (pool_back(dv=lambda d, w, v: d), "unchanged input"),  # dv is dy
            (pool_back(dv=lambda d, w, v: w.T @ d), "raised an error"),  # .T reverses all axes
            (
                pool_back(dv=lambda d, w, v: w.sum(axis=-2)[..., None] * d.sum(axis=-2, keepdims=True)),
                "product of sums",  # a product of sums
            ),
            # a mean over the tokens
            (pool_back(dv=lambda d, w, v: transposed(w) @ d / w.shape[-2]), "mean over the tokens"),
            (pool_back(dv=lambda d, w, v: transposed(w) @ np.ones_like(d)), "forgot dy"),  # dv lacks dy
            (pool_back(dv=lambda d, w, v: w.transpose(0, 2, 1) @ d), "raised an error"),  # works for exactly three axes
            (
                pool_back(dv=lambda d, w, v: np.broadcast_to(d.sum(axis=-2, keepdims=True), v.shape) + 0),
                "as if the weights were equal",  # dv lacks the weights
            ),
            (pool_back(dv=lambda d, w, v: -(transposed(w) @ d)), "sign"),  # a minus
            (pool_back_order, "wrong order"),  # dv before dweights
            (pool_back_last_token, "uses a part of an input"),  # = for +=: the last token only
            (pool_back_in_place, "changed its input"),  # v in the cache is changed
            (lambda dy, cache: dy @ transposed(cache[1]), "other number of results"),  # dv isn't returned
            # the cache unpacked in the wrong order
            (lambda dy, cache: pool_back_by_einsum(dy, cache[::-1]), "raised an error"),
            (lambda dy, cache: print(*pool_back_by_einsum(dy, cache)), "printed, not returned"),
            (pool_back_one_axis_in_front, "raised an error"),  # works for two or three axes, by a loop over the first
        ],
    ),
    "attention_backward": Answers(
        right=[
            attention_back_by_einsum,
            attention_back_the_short_way,
            attention_back_with_layers,
            attention_back_into_out,
        ],
        wrong=[
            (attention_back(dweights=lambda d, v, w: d @ v), "raised an error"),  # v isn't transposed
            # dweights times the weights already
            (attention_back(dweights=lambda d, v, w: w * (d @ transposed(v))), "weights once more"),
            (attention_back(dweights=lambda d, v, w: v @ transposed(d)), "raised an error"),  # dweights is transposed
            (attention_back(softmax=lambda dw, w: dw), "forgot softmax"),  # softmax's step is left out
            # softmax without the average
            (attention_back(softmax=lambda dw, w: w * dw), "softmax: not through the sum"),
            # softmax as if a sigmoid
            (attention_back(softmax=lambda dw, w: w * (1 - w) * dw), "softmax: only its own weight"),
            # the plain average
            (attention_back(softmax=lambda dw, w: w * (dw - dw.mean(axis=-1, keepdims=True))), "softmax: plain mean"),
            (
                attention_back(softmax=lambda dw, w: w * (dw - (dw * w).sum(axis=-2, keepdims=True))),
                "softmax along the wrong axis",  # summed over the queries
            ),
            # the average is added
            (attention_back(softmax=lambda dw, w: w * (dw + rowsum(dw * w))), "softmax: plus instead of minus"),
            # the factor y is missing
            (attention_back(softmax=lambda dw, w: dw - rowsum(dw * w)), "softmax: forgot the outer factor"),
            # dweights and weights exchanged
            (attention_back(softmax=lambda dw, w: layers.softmax_backward(w, (dw,))), "softmax: dy and y exchanged"),
            # the weights not put into a tuple
            (attention_back(softmax=lambda dw, w: layers.softmax_backward(dw, w)), "raised an error"),
            # softmax's forward
            (attention_back(softmax=lambda dw, w: layers.softmax_forward(dw)[0]), "softmax forward again"),
            (attention_back(dproducts=lambda ds, q, k: ds), "forgot 1/√d"),  # √d is missing
            (attention_back(dproducts=lambda ds, q, k: ds / q.shape[-1]), "divided by d"),
            (attention_back(dproducts=lambda ds, q, k: ds * q.shape[-1] ** 0.5), "multiplied by √d"),
            # √T for √d
            (attention_back(dproducts=lambda ds, q, k: ds / q.shape[-2] ** 0.5), "√ of the number of tokens"),
            (attention_back(dproducts=lambda ds, q, k: ds / 2), "√d typed in"),  # √d typed in as 2
            (attention_back(dq=lambda p, q, k: p @ q), "q and k exchanged"),  # dq with q
            # dq with the transposed dproducts
            (attention_back(dq=lambda p, q, k: transposed(p) @ k), "missing transpose"),
            # dq from dscores
            (attention_back(dq=lambda p, q, k: p @ k * q.shape[-1] ** 0.5), "1/√d for one of the two"),
            (attention_back(dk=lambda p, q, k: p @ q), "missing transpose"),  # dk isn't summed along columns
            (attention_back(dk=lambda p, q, k: transposed(p) @ k), "q and k exchanged"),  # dk with k
            # dk divided by √d twice
            (attention_back(dk=lambda p, q, k: transposed(p) @ q / q.shape[-1] ** 0.5), "divided by d"),
            (attention_back(dk=lambda p, q, k: transposed(q) @ p), "missing transpose"),  # dk is transposed
            (attention_back(dk=lambda p, q, k: p.T @ q), "raised an error"),  # .T reverses all axes
            (attention_back(dv=lambda d, v, w: w @ d), "missing transpose"),  # dv isn't summed along columns
            (attention_back(dv=lambda d, v, w: transposed(w) @ v), "forgot dy"),  # dv with v
            (attention_back(dv=lambda d, v, w: d), "unchanged input"),  # dv is dy
            # dv is a mean
            (attention_back(dv=lambda d, v, w: transposed(w) @ d / w.shape[-2]), "mean over the tokens"),
            (attention_back(result=lambda dq, dk, dv: (dq, dv, dk)), "wrong order"),  # dv before dk
            (attention_back(result=lambda dq, dk, dv: (dv, dk, dq)), "wrong order"),  # in reverse order
            (attention_back(result=lambda dq, dk, dv: None), "returned nothing"),  # nothing is returned
            (attention_back(result=lambda dq, dk, dv: (dq, dk)), "other number of results"),  # dv is forgotten
            (attention_back_out_ignored, "out left alone"),  # out isn't filled
            (attention_back_out_rebound, "out left alone"),  # out gets another value; the caller's arrays don't
            (attention_back_out_in_another_order, "out in another order"),  # out filled in the wrong order
            (attention_back_weights_changed, "changed its input"),  # the weights in the cache are changed
            # the weights made again from q and k, without the mask
            (attention_back_weights_made_again, "weights made again"),
            (attention_back_out_only, "returned nothing"),  # nothing is returned when out is given
            (attention_back_first_of_out, "out filled in part"),  # only dq is written into out
        ],
    ),
}
