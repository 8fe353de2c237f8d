"""Lesson 0: answers written from the lesson's text alone."""

import numpy as np
from answers_of import Answers


def means_in_a_loop(x):
    means = []
    for row in x:
        total = 0
        for number in row:
            total = total + number
        means.append(total / len(row))
    return np.array(means)


def means_return_in_the_loop(x):
    for row in x:
        return row.sum() / len(row)


def means_total_not_reset(x):
    means, total = [], 0
    for row in x:
        for number in row:
            total = total + number
        means.append(total / len(row))
    return np.array(means)


def means_only_two_rows(x):
    return np.array([x[0].mean(), x[1].mean()])


def means_printed(x):
    print(x.mean(axis=1))


def means_divided_in_place(x):
    x /= x.shape[1]
    return x.sum(axis=1)


def means_last_column_left_out(x):
    total = np.zeros(x.shape[0])
    for j in range(x.shape[1] - 1):
        total += x[:, j]
    return total / x.shape[1]


def centred_row_by_row(x):
    out = np.empty_like(x)
    for i in range(len(x)):
        out[i] = x[i] - x[i].mean()
    return out


def centred_in_place(x):
    x -= x.mean(axis=1, keepdims=True)
    return x


def centred_rows_in_place(x):
    for row in x:
        row -= row.mean()
    return x


def centred_no_copy(x):
    y = x
    for i in range(y.shape[0]):
        y[i] = y[i] - np.mean(y[i])
    return y


def centred_no_return(x):
    y = x - x.mean(axis=1, keepdims=True)  # noqa: F841


def centred_return_in_the_loop(x):
    y = x.copy()
    for i in range(len(y)):
        y[i] -= y[i].mean()
        return y


def centred_running_mean(x):
    y = x.copy()
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            y[i, j] -= y[i].mean()
    return y


def layer_normed(x):
    return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)


MEANS = []


def means_in_a_list_outside(x):
    for row in x:
        MEANS.append(row.mean())
    return np.array(MEANS)


ANSWERS = {
    "first_numbers": Answers(
        right=[[2.5, 0.75], (10 / 4, 3 / 4), np.array([5 / 2, 3 / 4])],
        wrong=[
            ([10, 3], "sum instead of mean"),  # the sums, not divided by 4
            ([0.75, 2.5], "rows swapped"),  # lower row first
            ([3, 1.5, 1, 1], "wrong axis"),  # means of the columns
            ([5, 1.5], "divided by the rows"),  # the sums divided by 2, the number of rows
            ([2, 0], "cut off"),  # whole-number division
            ([2.5, 1], "zeros not counted"),  # the zero of the lower row was not counted: 3 / 3
            ([2, 1], "median instead of mean"),  # the medians
            ([3, 0.5], "middle of the extremes"),  # middle between the largest and the smallest
            ([2.5], "first row only"),  # only the upper row
            ([2.25, 0.75], None),  # a slip: 5 + 3 + 1 + 1 taken as 9
            ([1.625], "mean of everything"),  # one mean of all eight numbers
        ],
    ),
    "row_means": Answers(
        right=[
            means_in_a_loop,
            lambda x: np.einsum("rc->r", x) / x.shape[1],
            lambda x: np.average(x, axis=-1),
        ],
        wrong=[
            (lambda x: x.sum(axis=1) / len(x), "divided by the rows"),  # divided by the number of rows
            (lambda x: x.sum(axis=1) / 4, "right only for some shapes"),  # 4 columns hard-coded
            (lambda x: x.mean(), "mean of everything"),
            (means_only_two_rows, "only some of them"),  # works for two rows only
            (lambda x: x.mean(axis=1, keepdims=True), "kept the axis"),  # keepdims leaves a (R, 1)
            (means_return_in_the_loop, "only some of them"),  # return inside the loop: the first row's mean only
            (lambda x: x.sum(axis=1) // x.shape[1], "cut off"),  # whole-number division
            (means_printed, "printed, not returned"),
            (lambda x: np.median(x, axis=1), "median instead of mean"),  # median, not mean
            (lambda x: np.round(x.mean(axis=1), 2), "rounded"),  # rounded to two decimals
            (lambda x: np.array([2.5, 0.75]), "the numbers by hand"),  # the hand numbers hard-coded
            (means_divided_in_place, "changed its input"),  # divides its input in place
            (lambda x: x.mean(axis=2), "raised an error"),  # axis 2 doesn't exist
            (means_total_not_reset, "sum not set back"),  # total is not set back to 0 for the next row
            (means_last_column_left_out, "last one left out"),  # the last column is left out
            # middle between the largest and the smallest
            (lambda x: (x.max(axis=1) + x.min(axis=1)) / 2, "middle of the extremes"),
            (lambda x: abs(x).mean(axis=1), "absolute values"),  # mean of absolute values: wrong for negative numbers
            (lambda x: x.mean(axis=1, keepdims=True).squeeze(), "squeezed"),  # squeeze: a single row loses its axis
            (means_in_a_list_outside, "other numbers each time"),  # the list outside keeps the means of earlier calls
        ],
    ),
    "centre_rows": Answers(
        right=[
            centred_row_by_row,
            lambda x: (x.T - x.mean(axis=1)).T,
            lambda x: x - (x.sum(axis=1) / x.shape[1])[:, None],
            lambda x: np.stack([row - np.mean(row) for row in x]),
        ],
        wrong=[
            (lambda x: x - x.mean(axis=0), "wrong axis"),  # subtracts the means of the columns
            (lambda x: x - x.mean(axis=1), "raised an error"),  # keepdims missing
            (lambda x: x - x.mean(), "mean of everything"),  # subtracts one mean of everything
            (centred_in_place, "changed its input"),  # changes its input (-=)
            (centred_rows_in_place, "changed its input"),  # row -= writes into the input
            (centred_no_copy, "changed its input"),  # y = x makes no copy
            (lambda x: x - x.sum(axis=1, keepdims=True), "sum instead of mean"),  # subtracts the sum
            (layer_normed, "divided by the standard deviation"),  # also divides by the standard deviation
            (lambda x: x.mean(axis=1, keepdims=True) - x, "sign"),  # sign: mean − x
            (centred_no_return, "returned nothing"),  # forgot return
            (lambda x: x.T - x.mean(axis=1), "missing transpose"),  # not transposed back
            (centred_return_in_the_loop, "first row only"),  # return inside the loop: only the first row is centred
            (lambda x: x - x[0].mean(), "one row's mean for all"),  # the first row's mean from all rows
            (lambda x: x - x.mean(axis=1).reshape(2, 1), "raised an error"),  # two rows hard-coded
            (lambda x: x - np.median(x, axis=1, keepdims=True), "median instead of mean"),  # median, not mean
            # divided by the number of rows
            (lambda x: x - x.sum(axis=1, keepdims=True) / x.shape[0], "divided by the rows"),
            # the mean is taken again after each entry has changed
            (centred_running_mean, "the mean of what has changed"),
            (lambda x: np.rint(x - x.mean(axis=1, keepdims=True)), "rounded"),  # rounded to whole numbers
            (lambda x: x.mean(axis=1, keepdims=True), "only the means"),  # returns the means themselves
            # squeeze: fails for a single row
            (lambda x: x - x.mean(axis=1, keepdims=True).squeeze()[:, None], "raised an error"),
        ],
    ),
}
