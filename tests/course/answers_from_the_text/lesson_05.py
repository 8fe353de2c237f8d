"""Lesson 5: answers written from the lesson's text alone."""

import math

import numpy as np
from answers_of import Answers


def look_up_in_a_loop(ids, table):
    y = np.zeros((*ids.shape, table.shape[1]), table.dtype)
    for place in np.ndindex(ids.shape):
        y[place] = table[ids[place]]
    return y, (ids, table.shape)


def look_up_one_hot(ids, table):
    V, D = table.shape
    onehot = (ids[..., None] == np.arange(V)).astype(table.dtype)
    return onehot @ table, (ids, (V, D))


def look_up_short_one_hot(ids, table):
    onehot = np.eye(ids.max() + 1, dtype=table.dtype)[ids]
    return onehot @ table, (ids, table.shape)


def look_up_a_list_of_words(ids, table):
    return np.array([table[int(i)] for i in ids]), (ids, table.shape)


def look_up_stays_flat(ids, table):
    return table[ids.reshape(-1)], (ids, table.shape)


def look_up_counts_from_one(ids, table):
    ids -= 1
    return table[ids], (ids, table.shape)


def look_up_two_axes(ids, table):
    return np.array([[table[i] for i in row] for row in ids]), (ids, table.shape)


def look_up_padding_is_zero(ids, table):
    y = table[ids]
    y[ids == 0] = 0
    return y, (ids, table.shape)


def waves_in_loops(t, width):
    F = width // 2
    out = np.zeros((len(t), width))
    for n in range(len(t)):
        for i in range(F):
            omega = 10000 ** (-i / F)
            out[n, i] = math.cos(t[n] * omega)
            out[n, F + i] = math.sin(t[n] * omega)
    return out


def waves_complex(t, width):
    F = width // 2
    turned = np.exp(1j * np.multiply.outer(t, np.exp(-np.log(10000) / F * np.arange(F))))
    return np.concatenate([turned.real, turned.imag], axis=1)


def waves_of(omega_of, join=None):
    """timestep_embedding with frequencies omega_of(i, F), joined by join(cos, sin)."""

    def timestep_embedding(t, width):
        F = width // 2
        angles = t[:, None] * omega_of(np.arange(F), F)
        cos, sin = np.cos(angles), np.sin(angles)
        return join(cos, sin) if join else np.concatenate([cos, sin], axis=1)

    return timestep_embedding


def slowing(i, F):
    return 10000 ** (-i / F)


def waves_no_new_axis(t, width):
    F = width // 2
    angles = t * 10000 ** (-np.arange(F) / F)
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=-1)


def waves_one_time_only(t, width):
    F = width // 2
    return np.array([math.cos(t * slowing(i, F)) for i in range(F)] + [math.sin(t * slowing(i, F)) for i in range(F)])


def waves_scaled_in_place(t, width):
    t /= 1000
    return waves_of(slowing)(t * 1000, width)


def waves_first_time(t, width):
    return np.repeat(waves_of(slowing)(t[:1], width), len(t), axis=0)


def waves_reciprocal_integers(t, width):
    F = width // 2
    omega = 10000 ** -np.arange(F)
    angles = t[:, None] * omega
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1)


def pool_in_a_loop(x, mask):
    y = np.zeros((x.shape[0], x.shape[2]), x.dtype)
    for b in range(x.shape[0]):
        for place in range(x.shape[1]):
            if mask[b, place]:
                y[b] += x[b, place]
    return y, (mask,)


def pool_by_selecting(x, mask):
    return np.stack([words[real].sum(axis=0) for words, real in zip(x, mask, strict=True)]), (mask,)


def pool_in_place(x, mask):
    x[~mask] = 0
    return x.sum(axis=1), (mask,)


def pool_first_words(x, mask):
    lengths = mask.sum(axis=1)
    return np.stack([x[b, : lengths[b]].sum(axis=0) for b in range(len(x))]), (mask,)


def pool_stops_at_padding(x, mask):
    y = np.zeros((x.shape[0], x.shape[2]), x.dtype)
    for b in range(x.shape[0]):
        for place in range(x.shape[1]):
            if not mask[b, place]:
                break
            y[b] += x[b, place]
    return y, (mask,)


def pool_if(x, mask):
    if mask:
        return x.sum(axis=1), (mask,)
    return 0 * x.sum(axis=1), (mask,)


def pool_return_in_the_loop(x, mask):
    y = np.zeros((x.shape[0], x.shape[2]), x.dtype)
    for b in range(x.shape[0]):
        y[b] = x[b][mask[b]].sum(axis=0)
        return y, (mask,)


def pool_with(y_of):
    """pool_words_forward with another y."""
    return lambda x, mask: (y_of(x, mask), (mask,))


def table_by_add_at(dy, cache):
    ids, shape = cache
    dtable = np.zeros(shape, dy.dtype)
    np.add.at(dtable, ids, dy)
    return dtable


def table_in_a_loop(dy, cache):
    ids, (V, D) = cache
    dtable = np.zeros((V, D), dtype=dy.dtype)
    for place, word in np.ndenumerate(ids):
        dtable[word] += dy[place]
    return dtable


def table_one_hot(dy, cache):
    ids, (V, D) = cache
    onehot = np.eye(V, dtype=dy.dtype)[ids.ravel()]
    return onehot.T @ dy.reshape(-1, D)


def table_word_by_word(dy, cache):
    ids, shape = cache
    return np.stack([dy[ids == word].sum(axis=0) for word in range(shape[0])])


def table_lost_twice(dy, cache):
    ids, shape = cache
    dtable = np.zeros(shape, dy.dtype)
    dtable[ids] += dy
    return dtable


def table_overwritten(dy, cache):
    ids, shape = cache
    dtable = np.zeros(shape, dy.dtype)
    for place, word in np.ndenumerate(ids):
        dtable[word] = dy[place]
    return dtable


def table_too_short(dy, cache):
    ids, (V, D) = cache
    dtable = np.zeros((ids.max() + 1, D), dy.dtype)
    np.add.at(dtable, ids, dy)
    return dtable


def table_add_at_returned(dy, cache):
    ids, shape = cache
    dtable = np.zeros(shape, dy.dtype)
    return np.add.at(dtable, ids, dy)


def table_mean(dy, cache):
    ids, (V, D) = cache
    counts = np.bincount(ids.ravel(), minlength=V)
    return table_by_add_at(dy, cache) / np.maximum(counts, 1)[:, None]


def table_one_axis(dy, cache):
    ids, shape = cache
    dtable = np.zeros(shape, dy.dtype)
    for i in range(len(ids)):
        dtable[ids[i]] += dy[i]
    return dtable


def table_whole_numbers(dy, cache):
    ids, shape = cache
    dtable = np.zeros(shape, dtype=int)
    for place, word in np.ndenumerate(ids):
        dtable[word] += dy[place].astype(int)
    return dtable


def table_counts(dy, cache):
    ids, (V, D) = cache
    return np.repeat(np.bincount(ids.ravel(), minlength=V)[:, None], D, axis=1).astype(dy.dtype)


def table_skips_zero(dy, cache):
    ids, shape = cache
    dtable = table_by_add_at(dy, cache)
    dtable[0] = 0
    return dtable


def table_return_in_the_loop(dy, cache):
    ids, shape = cache
    dtable = np.zeros(shape, dy.dtype)
    for place, word in np.ndenumerate(ids):
        dtable[word] += dy[place]
        return dtable


def table_wants_an_array(dy, cache):
    ids, table = cache
    dtable = np.zeros(table.shape)
    np.add.at(dtable, ids, dy)
    return dtable


def table_one_place_late(dy, cache):
    ids, shape = cache
    dtable = np.zeros(shape, dy.dtype)
    np.add.at(dtable, ids - 1, dy)
    return dtable


def table_empty(dy, cache):
    ids, shape = cache
    dtable = np.ones(shape, dy.dtype)
    np.add.at(dtable, ids, dy)
    return dtable


def words_back_in_a_loop(dy, cache):
    (mask,) = cache
    B, L = mask.shape
    dx = np.zeros((B, L, dy.shape[1]), dy.dtype)
    for b in range(B):
        for place in range(L):
            if mask[b, place]:
                dx[b, place] = dy[b]
    return dx


def words_back_repeated(dy, cache):
    (mask,) = cache
    dx = np.repeat(dy[:, None], mask.shape[1], axis=1)
    dx[~mask] = 0
    return dx


def words_back_first_words(dy, cache):
    (mask,) = cache
    dx = np.zeros((*mask.shape, dy.shape[1]), dy.dtype)
    for b, length in enumerate(mask.sum(axis=1)):
        dx[b, :length] = dy[b]
    return dx


def words_back_assigned(dy, cache):
    (mask,) = cache
    dx = np.zeros((*mask.shape, dy.shape[1]), dy.dtype)
    dx[mask] = dy
    return dx


def words_back_not_unpacked(dy, cache):
    mask = cache
    return dy[:, None] * mask[..., None]


def words_back_first_place(dy, cache):
    (mask,) = cache
    dx = np.zeros((*mask.shape, dy.shape[1]), dy.dtype)
    dx[:, 0] = dy
    return dx


def words_back(change):
    """pool_words_backward from dy and the mask."""
    return lambda dy, cache: change(dy, cache[0])


TABLES = {}


def table_kept_between_calls(dy, cache):
    ids, shape = cache
    dtable = TABLES.setdefault(shape, np.zeros(shape))
    np.add.at(dtable, ids, dy)
    return dtable


def table_two_axes(dy, cache):
    ids, shape = cache
    dtable = np.zeros(shape, dy.dtype)
    for b in range(ids.shape[0]):
        for place in range(ids.shape[1]):
            dtable[ids[b, place]] += dy[b, place]
    return dtable


def waves_of_whole_numbers(t, width):
    return waves_in_loops(t.astype(int), width)


def pool_last_dropped(x, mask):
    y = 0
    for place in range(x.shape[1] - 1):
        y = y + x[:, place] * mask[:, place, None]
    return y, (mask,)


ANSWERS = {
    "step_5_condition": Answers(
        right=[[0, 1, -1, 1, 1], [[0], [1], [-1], [1], [1]], np.array([0, 1, -1, 1, 1])],
        wrong=[
            ([0, 1, 1, 1, 1], "lost minus sign"),  # the sign of sky lost
            ([0, 1, -1, 0, 3], "t itself"),  # 3 in decimal digits
            ([0, 1, -1, 3], "t itself"),  # t not written in binary
            ([0, 1, 2, 1, 1], "words numbered"),  # words numbered 0, 1, 2
            ([1, 1, 0, 1, -1], "time first"),
            ([0, 1, -1, 1, 0], "binary of 2"),  # 2 in binary
            ([0, 1, -1, 0, 1], "binary of 1"),  # 1 in binary
            ([1, 0, -1, 1, 1], "words in another order"),  # sora and is swapped
            ([-1, 1, 0, 1, 1], "words in another order"),  # words read backwards
            ([0, 1, -1], "words only"),
            ([0, 1, -1, 0, 1, 1], "three digits"),  # three binary digits
            ([1, 2, 3, 1, 1], "words numbered"),  # words numbered from 1
        ],
    ),
    "embedding_forward": Answers(
        right=[look_up_in_a_loop, look_up_one_hot, lambda ids, table: (table.take(ids, axis=0), (ids, table.shape))],
        wrong=[
            (lambda ids, table: (table[:, ids], (ids, table.shape)), "columns instead of rows"),
            (lambda ids, table: (table[ids], (ids, table)), "other structure"),  # the table itself in the cache
            (lambda ids, table: (table[ids], (table.shape, ids)), None),  # cache in the wrong order
            (lambda ids, table: (table[ids], (ids, table.shape[0])), "other structure"),  # only V in the cache
            (lambda ids, table: (np.take(table, ids), (ids, table.shape)), "single numbers"),  # np.take without axis
            (look_up_short_one_hot, None),  # one-hot rows end with the largest id that occurs
            (look_up_a_list_of_words, "raised an error"),  # one axis of ids only
            (look_up_two_axes, "raised an error"),  # two axes of ids only
            (look_up_stays_flat, "first axis flattened"),  # y stays flat
            (look_up_counts_from_one, "changed its input"),  # ids -= 1: changed, and one row too early
            (lambda ids, table: (table[ids - 1], (ids, table.shape)), "counted from one"),  # one row too early
            # words summed already
            (lambda ids, table: (table[ids].sum(axis=-2), (ids, table.shape)), "words added up"),
            (lambda ids, table: table[ids], "other number of results"),  # no cache
            (lambda ids, table: (table[ids], (ids, table[ids].shape)), "other structure"),  # y's shape in the cache
            (lambda ids, table: (table[np.unique(ids)], (ids, table.shape)), "each word once"),
            (look_up_padding_is_zero, "word 0 is nothing"),  # word 0 taken as padding
            # first number of each row only
            (lambda ids, table: (table[ids, 0], (ids, table.shape)), "first number only"),
            (lambda ids, table: (table(ids), (ids, table.shape)), "raised an error"),  # round brackets
            # the number of the word times row 0
            (lambda ids, table: (ids[..., None] * table[0], (ids, table.shape)), "ids as numbers"),
            # the first along the first axis only
            (lambda ids, table: (table[ids[:1]], (ids, table.shape)), "first only"),
            (
                lambda ids, table: (table[ids.astype(bool).astype(int)], (ids, table.shape)),
                "ids as a mask",  # every word but 0 is word 1
            ),
        ],
    ),
    "timestep_embedding": Answers(
        right=[waves_in_loops, waves_complex, waves_of(lambda i, F: 1 / 10000 ** (i / F))],
        wrong=[
            (waves_of(slowing, lambda cos, sin: np.concatenate([sin, cos], 1)), "sine first"),  # sines first
            # alternating
            (waves_of(slowing, lambda cos, sin: np.stack([cos, sin], -1).reshape(len(cos), -1)), "interleaved"),
            (waves_of(lambda i, F: 10000 ** (-i / (2 * F))), "divided by the width"),
            (waves_of(lambda i, F: 10000 ** (-i / max(F - 1, 1))), "one frequency too few"),  # divided by F − 1
            (waves_of(lambda i, F: 10000 ** (-(i + 1) / F)), "i counted from 1"),
            (waves_of(lambda i, F: 10000 ** (i / F)), "frequencies rise"),  # minus sign missing
            (waves_of(lambda i, F: slowing(i, F) / 1000), "time between 0 and 1"),  # t scaled to 0 … 1
            # t multiplied by 1000 as if it were from 0 to 1
            (waves_of(lambda i, F: 1000 * slowing(i, F)), "times 1000"),
            (waves_of(lambda i, F: 10000 ** (-2 * i / F)), "exponents twice too large"),  # 2i in the exponent
            (waves_of(lambda i, F: 1000 ** (-i / F)), "base 1000"),  # 1000, not 10000
            (waves_of(lambda i, F: 10.0**-i), "powers of ten"),  # 10⁻ⁱ: right for F = 4 only
            (waves_of(lambda i, F: 2 * np.pi * slowing(i, F)), "times 2π"),  # a factor 2π
            (waves_of(slowing, lambda cos, sin: np.concatenate([cos, sin]).T), "one below the other"),  # transposed
            (waves_of(slowing, lambda cos, sin: np.concatenate([cos, sin])), "one below the other"),  # below each other
            (waves_of(slowing, lambda cos, sin: np.concatenate([cos, cos], 1)), "cosines twice"),
            (waves_of(slowing, lambda cos, sin: (cos, sin)), "other number of results"),  # two arrays
            (waves_no_new_axis, "t is not a column"),  # t not turned into a column
            (waves_one_time_only, "raised an error"),  # math with an array
            (waves_scaled_in_place, "changed its input"),  # changes t
            (waves_first_time, "one time for all"),  # the first time for all
            (waves_reciprocal_integers, "raised an error"),  # negative powers of whole numbers
            (waves_of(lambda i, F: slowing(F - 1 - i, F)), "from slow to fast"),
            (waves_of_whole_numbers, "cut off"),  # fractions of t are cut off
        ],
    ),
    "pool_words_forward": Answers(
        right=[
            pool_in_a_loop,
            pool_by_selecting,
            pool_with(lambda x, mask: np.einsum("bld,bl->bd", x, mask.astype(x.dtype))),
            pool_with(lambda x, mask: np.where(mask[..., None], x, 0).sum(axis=1)),
        ],
        wrong=[
            (pool_with(lambda x, m: (x * m[..., None]).mean(axis=1)), "mean over all places"),
            (pool_with(lambda x, m: (x * m[..., None]).sum(1) / m.sum(1, keepdims=True)), "mean over the words"),
            (pool_with(lambda x, m: x.sum(axis=1)), "padding counted"),
            (pool_with(lambda x, m: (x * m).sum(axis=1)), "a new axis is missing"),
            (pool_with(lambda x, m: (x * m[..., None]).sum(axis=-1)), "summed over the width"),
            (pool_with(lambda x, m: (x * m[..., None]).sum(axis=0)), "summed over the prompts"),
            (pool_with(lambda x, m: (x * ~m[..., None]).sum(axis=1)), "padding instead of words"),  # mask inverted
            (pool_with(lambda x, m: x[m].sum(axis=0)), "summed over the prompts"),  # all prompts in one sum
            (lambda x, m: ((x * m[..., None]).sum(1), (x, m)), "other structure"),  # x in the cache too
            (lambda x, m: ((x * m[..., None]).sum(1), m), "other structure"),  # the cache is no tuple
            (lambda x, m: (x * m[..., None]).sum(1), "other number of results"),  # no cache
            (pool_in_place, "changed its input"),  # changes x
            (pool_with(lambda x, m: (x * m[..., None]).sum(1, keepdims=True)), "axis of length 1"),  # keepdims
            (pool_first_words, "first words"),  # takes the first words, wherever the mask is True
            (pool_stops_at_padding, "first words"),  # stops at the first place without a word
            (pool_if, "raised an error"),  # if with an array
            (pool_return_in_the_loop, "first prompt only"),  # return inside the loop: the first prompt only
            (pool_with(lambda x, m: (x * m[0][:, None]).sum(1)), "one mask for all"),  # the first prompt's mask for all
            (pool_with(lambda x, m: (x * m[..., None]).max(1)), "largest"),  # maximum
            # sum of all, scaled down
            (pool_with(lambda x, m: x.sum(1) * m.sum(1, keepdims=True) / m.shape[1]), "scaled down"),
            (pool_with(lambda x, m: x[:, 0]), "one word only"),  # the first word only
            (pool_last_dropped, "last place left out"),  # the last place is never looked at
            # negative numbers are left out
            (pool_with(lambda x, m: np.where(m[..., None] & (x > 0), x, 0).sum(1)), "negative numbers lost"),
        ],
    ),
    "embedding_backward": Answers(
        right=[table_by_add_at, table_in_a_loop, table_one_hot, table_word_by_word],
        wrong=[
            (table_lost_twice, "the last one wins"),  # dtable[ids] += dy loses repeated words
            (table_overwritten, "the last one wins"),  # = in place of +=: the last one wins
            (table_too_short, "too few rows"),  # as many rows as the largest id + 1, not V
            (table_add_at_returned, ("returned nothing")),  # np.add.at returns None
            (table_mean, "mean of a word's gradients"),  # mean over the places
            (table_one_axis, "the last one wins"),  # one axis of ids only: += with several ids loses repeated words
            (table_whole_numbers, "cut off"),  # whole numbers: fractions are cut off
            (table_counts, "forgot dy"),  # ignores dy: how often a word stood there
            (table_skips_zero, "word 0 is nothing"),  # word 0 gets no gradient
            (table_return_in_the_loop, "first place only"),  # return inside the loop
            (table_wants_an_array, "raised an error"),  # the cache has the shape, not the table
            (table_one_place_late, "counted from one"),  # ids − 1: one row too early
            (table_empty, "started with ones"),  # starts from ones
            (lambda dy, cache: table_by_add_at(dy, cache).T, "missing transpose"),  # transposed (D, V)
            (lambda dy, cache: dy, "shape of the ids"),  # dy itself
            (lambda dy, cache: dy[cache[0]], None),  # looks up in dy
            # the one-hot product for one axis of ids only
            (lambda dy, cache: np.eye(cache[1][0])[cache[0]].T @ dy, None),
            (lambda dy, cache: -table_by_add_at(dy, cache), "sign"),
            # divided by the number of places
            (lambda dy, cache: table_by_add_at(dy, cache) / cache[0].size, "divided by the places"),
            (table_kept_between_calls, "other numbers each time"),  # adds to the table of earlier calls
            (table_two_axes, "raised an error"),  # two axes of ids only
        ],
    ),
    "pool_words_backward": Answers(
        right=[
            words_back_in_a_loop,
            words_back_repeated,
            words_back(lambda dy, m: np.where(m[..., None], dy[:, None], 0)),
            words_back(lambda dy, m: np.einsum("bd,bl->bld", dy, m.astype(dy.dtype))),
        ],
        wrong=[
            # padding gets a gradient
            (words_back(lambda dy, m: np.repeat(dy[:, None], m.shape[1], 1)), "padding learns"),
            # divided by the words
            (words_back(lambda dy, m: dy[:, None] * m[..., None] / m.sum(1)[:, None, None]), "shared out"),
            (words_back(lambda dy, m: dy[:, None] * m[..., None] / m.shape[1]), "shared out"),  # divided by L
            (words_back(lambda dy, m: m[..., None] * np.ones_like(dy)[:, None]), "forgot dy"),  # ignores dy
            (words_back(lambda dy, m: dy * m), "a new axis is missing"),  # no new axes
            (words_back(lambda dy, m: dy[:, None] * ~m[..., None]), "mask the wrong way round"),  # mask inverted
            (words_back(lambda dy, m: dy[:, None]), "no axis for the words"),  # no places for the words
            (words_back(lambda dy, m: dy), "gave back dy"),  # dy itself
            (words_back(lambda dy, m: dy * m[..., None]), "a new axis is missing"),  # dy lacks the axis of the words
            # the first prompt's mask for all
            (words_back(lambda dy, m: dy[:, None] * m[0][:, None]), "one mask for all"),
            (words_back(lambda dy, m: dy[:, :, None] * m[:, None]), "missing transpose"),  # axes in the order B, D, L
            (words_back(lambda dy, m: (dy[:, None] * m[..., None],)), "other number of results"),  # a tuple of one
            # L = 3 hard-coded
            (words_back(lambda dy, m: np.tile(dy[:, None], (1, 3, 1)) * m[..., None]), "raised an error"),
            (words_back_first_words, "first words"),  # the first words, wherever the mask is True
            (words_back_assigned, "raised an error"),  # dx[mask] = dy: as many rows as words
            (words_back_not_unpacked, "raised an error"),  # cache not unpacked
            (words_back_first_place, "one word only"),  # only the first word
            (words_back(lambda dy, m: dy[:, None] * m[..., None] * m.sum(1)[:, None, None]), "times the words"),
            # prompts in reverse
            (words_back(lambda dy, m: dy[::-1, None] * m[..., None]), "gradients of other prompts"),
            # the mean of dy over the prompts
            (words_back(lambda dy, m: np.where(m[..., None], dy.mean(0), 0)), "gradients of other prompts"),
        ],
    ),
}
