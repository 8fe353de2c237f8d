"""Lesson 5: answers as students write them."""

import math

import numpy as np
from answers_of import Answers


def lookup_with_take(ids, table):
    return np.take(table, ids, axis=0), (ids, table.shape)


def lookup_by_one_hot(ids, table):
    onehot = np.eye(len(table))[ids]
    return onehot @ table, (ids, table.shape)


def lookup_columns(ids, table):
    return table.T[ids % table.shape[1]], (ids, table.shape)


def lookup_from_one(ids, table):
    return table[ids - 1], (ids, table.shape)


def lookup_once(ids, table):
    return table[sorted(set(ids.ravel().tolist()))], (ids, table.shape)


def lookup_flat(ids, table):
    return table[ids.ravel()], (ids, table.shape)


def lookup_keeps_table(ids, table):
    return table[ids], (ids, table)


def scatter_by_loop(dy, cache):
    ids, shape = cache
    dtable = np.zeros(shape)
    for index in np.ndindex(ids.shape):
        dtable[ids[index]] += dy[index]
    return dtable


def scatter_with_add_at(dy, cache):
    ids, shape = cache
    dtable = np.zeros(shape, dy.dtype)
    np.add.at(dtable, ids, dy)
    return dtable


def scatter_plus_equals(dy, cache):
    ids, shape = cache
    dtable = np.zeros(shape)
    dtable[ids] += dy  # one of two is lost
    return dtable


def scatter_mean(dy, cache):
    ids, (V, _) = cache
    counts = np.array([max(1, (ids == v).sum()) for v in range(V)])
    return scatter_by_loop(dy, cache) / counts[:, None]


def scatter_to_all(dy, cache):
    return np.tile(dy.reshape(-1, dy.shape[-1]).sum(axis=0), (cache[1][0], 1))


def scatter_from_one(dy, cache):
    ids, shape = cache
    dtable = np.zeros(shape)
    np.add.at(dtable, ids - 1, dy)
    return dtable


def time_by_loop(t, width):
    half = width // 2
    out = np.zeros((len(t), width))
    for n, time in enumerate(t):
        for i in range(half):
            omega = math.exp(-math.log(10000) * i / half)
            out[n, i], out[n, half + i] = math.cos(time * omega), math.sin(time * omega)
    return out


def angles_of(t, width):
    half = width // 2
    return t[:, None] / 10000 ** (np.arange(half) / half)


def time_sine_first(t, width):
    a = angles_of(t, width)
    return np.hstack([np.sin(a), np.cos(a)])


def time_interleaved(t, width):
    a, out = angles_of(t, width), np.empty((len(t), width))
    out[:, ::2], out[:, 1::2] = np.cos(a), np.sin(a)
    return out


def time_off_by_one(t, width):
    half = width // 2
    a = t[:, None] / 10000 ** (np.arange(half) / max(half - 1, 1))
    return np.hstack([np.cos(a), np.sin(a)])


def time_over_width(t, width):
    a = t[:, None] / 10000 ** (np.arange(width // 2) / width)
    return np.hstack([np.cos(a), np.sin(a)])


def time_base_1000(t, width):
    half = width // 2
    a = t[:, None] / 1000 ** (np.arange(half) / half)
    return np.hstack([np.cos(a), np.sin(a)])


def time_scaled(t, width):
    a = angles_of(t / 1000, width)
    return np.hstack([np.cos(a), np.sin(a)])


def pool_by_product(x, mask):
    return (mask.astype(float)[:, None] @ x)[:, 0], (mask,)


def pool_by_where(x, mask):
    return np.where(mask[:, :, None], x, 0).sum(axis=1), (mask,)


def pool_padding_too(x, mask):
    return x.sum(axis=1), (mask,)


def pool_mean_of_places(x, mask):
    return np.where(mask[..., None], x, 0).mean(axis=1), (mask,)


def pool_mean_of_words(x, mask):
    return np.stack([words[there].mean(axis=0) for words, there in zip(x, mask, strict=True)]), (mask,)


def pool_wrong_way(x, mask):
    return np.where(mask[..., None], 0, x).sum(axis=1), (mask,)


def pool_over_width(x, mask):
    return np.where(mask[..., None], x, 0).sum(axis=-1), (mask,)


def unpool_by_outer(dy, cache):
    (mask,) = cache
    return mask.astype(float)[:, :, None] @ dy[:, None, :]


def unpool_padding_too(dy, cache):
    (mask,) = cache
    return np.repeat(dy[:, None], mask.shape[1], axis=1)


def unpool_shared_out(dy, cache):
    (mask,) = cache
    return np.where(mask[..., None], dy[:, None] / mask.sum(axis=1)[:, None, None], 0)


def unpool_first_only(dy, cache):
    (mask,) = cache
    dx = np.zeros((*mask.shape, dy.shape[-1]))
    dx[:, 0] = dy
    return dx


def unpool_wrong_way(dy, cache):
    (mask,) = cache
    return np.where(mask[..., None], 0, dy[:, None])


ANSWERS = {
    "step_5_condition": Answers(
        right=[[0, 1, -1, 1, 1], np.array([0.0, 1.0, -1.0, 1.0, 1.0])],
        wrong=[
            ([1, 1, 0, 1, -1], "time first"),
            ([0, 1, -1, 1, 0], "binary of 2"),
            ([0, 1, -1, 0, 3], "t itself"),
            ([-1, 0, 1, 1, 1], "words sorted"),
            ([0, 1, 1, 1, 1], "lost minus sign"),
        ],
    ),
    "embedding_forward": Answers(
        right=[lookup_with_take, lookup_by_one_hot],
        wrong=[
            (lookup_columns, "columns instead of rows"),
            (lookup_from_one, "counted from one"),
            (lookup_once, "each word once"),
            (lookup_flat, "first axis flattened"),
            (lookup_keeps_table, None),
        ],
    ),
    "timestep_embedding": Answers(
        right=[time_by_loop],
        wrong=[
            (time_sine_first, "sine first"),
            (time_interleaved, "interleaved"),
            (time_off_by_one, "one frequency too few"),
            (time_over_width, "divided by the width"),
            (time_base_1000, "base 1000"),
            (time_scaled, "time between 0 and 1"),
        ],
    ),
    "pool_words_forward": Answers(
        right=[pool_by_product, pool_by_where],
        wrong=[
            (pool_padding_too, "padding counted"),
            (pool_mean_of_places, "mean over all places"),
            (pool_mean_of_words, "mean over the words"),
            (pool_wrong_way, "padding instead of words"),
            (pool_over_width, "summed over the width"),
        ],
    ),
    "embedding_backward": Answers(
        right=[scatter_by_loop, scatter_with_add_at],
        wrong=[
            (scatter_plus_equals, "the last one wins"),
            (scatter_mean, "mean of a word's gradients"),
            (scatter_to_all, "every row gets all"),
            (scatter_from_one, "counted from one"),
            (lambda dy, cache: dy.copy(), "shape of the ids"),
        ],
    ),
    "pool_words_backward": Answers(
        right=[unpool_by_outer],
        wrong=[
            (unpool_padding_too, "padding learns"),
            (unpool_shared_out, "shared out"),
            (unpool_first_only, "one word only"),
            (unpool_wrong_way, "mask the wrong way round"),
        ],
    ),
}
