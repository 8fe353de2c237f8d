"""Answers to the exercises of lesson 0, as students write them."""

import numpy as np
from answers_of import Answers

# ------------------------------------------------------------------------------------------------ row_means


def with_loops(x):
    means = np.empty(len(x))
    for i, row in enumerate(x):
        means[i] = sum(row) / len(row)
    return means


def as_product(x):
    return x @ np.full(x.shape[1], 1 / x.shape[1])


def of_columns(x):
    return np.mean(x, 0)


def of_all(x):
    return np.mean(x)


def as_a_column(x):
    return x.mean(1, keepdims=True)


def not_divided(x):
    return np.array([row.sum() for row in x])


def divided_by_len(x):
    return np.array([row.sum() / len(x) for row in x])


def middle_of_rows(x):
    return np.median(x, axis=1)


# ---------------------------------------------------------------------------------------------- centre_rows


def row_by_row(x):
    return np.stack([row - row.mean() for row in x])


def with_new_axis(x):
    return x - np.mean(x, axis=-1)[:, None]


def columns_centred(x):
    return x - x.mean(0, keepdims=True)


def all_centred(x):
    return x - np.mean(x)


def writes_into_x(x):
    x -= x.mean(axis=1, keepdims=True)
    return x


def no_keepdims(x):
    return x - x.mean(axis=1)


def turned_round(x):
    return x.mean(axis=1, keepdims=True) - x


def minus_sums(x):
    return x - x.sum(axis=1)[:, None]


def plus_means(x):
    return x + x.mean(axis=1)[:, None]


ANSWERS = {
    "first_numbers": Answers(
        right=[np.array([2.5, 0.75]), (10 / 4, 3 / 4)],
        wrong=[
            ([10, 3], "sum instead of mean"),
            ([5, 1.5], "divided by the rows"),
            ([0.75, 2.5], "rows swapped"),
        ],
    ),
    "row_means": Answers(
        right=[with_loops, as_product],
        wrong=[
            (of_columns, "wrong axis"),
            (of_all, "mean of everything"),
            (as_a_column, "kept the axis"),
            (not_divided, "sum instead of mean"),
            (divided_by_len, "divided by the rows"),
            (middle_of_rows, "median instead of mean"),
        ],
    ),
    "centre_rows": Answers(
        right=[row_by_row, with_new_axis],
        wrong=[
            (columns_centred, "wrong axis"),
            (all_centred, "mean of everything"),
            (writes_into_x, "changed its input"),
            (turned_round, "sign"),
            (minus_sums, "sum instead of mean"),
            (plus_means, "added instead of subtracted"),
            (no_keepdims, None),
        ],
    ),
}
