"""Lesson 0: start here."""

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, by_hand, for_each
from minidit.worksheet import VIDEO

# R = rows, C = columns

LESSON = 0
FRAME = VIDEO[0].astype(float)  # 2, 4   the first frame of the worksheet's video


# ------------------------------------------------------------------------------------------------ 0.1 by hand


def row_means_by_hand():
    """The mean of each row of the frame (2,)."""
    return FRAME.mean(axis=1)


def middle(x):
    """Halfway between the smallest and the largest number of each row of x (R, C): (R,)."""
    return (x.max(axis=1) + x.min(axis=1)) / 2


NO_MEDIAN = ("A median is the middle number; the mean is the sum, divided.",)
SQUEEZED = ("the axis of a single row is gone", "squeeze() takes away every axis of length 1, also one that you need.")
ALL_COUNT = ("The numbers in between count as well: add all of them up.",)

FIRST_NUMBERS = Numbers(
    "first_numbers", LESSON, "the mean of each row of a frame", row_means_by_hand,
    lambda index: f"Add up the four pixels of row {index[0]}, and divide by how many there are.",
    slips=(
        Slip(
            "sum instead of mean", lambda: FRAME.sum(axis=1),
            "these are the sums of the rows, not their means", "Divide each by the number of pixels in it.",
        ),
        Slip(
            "divided by the rows", lambda: FRAME.sum(axis=1) / 2,
            "the sums were divided by 2, the number of rows", "A row has as many pixels as there are columns.",
        ),
        Slip(
            "rows swapped", lambda: row_means_by_hand()[::-1],
            "the two means have changed places", "The upper row comes first.",
        ),
        Slip(
            "wrong axis", lambda: FRAME.mean(axis=0),
            "these are the means of the columns", "A row runs from left to right.",
        ),
        Slip(
            "mean of everything", lambda: FRAME.mean(keepdims=True)[0],
            "this is one mean of all numbers", "Each row has a mean of its own.",
        ),
        Slip(
            "mean of everything", lambda: np.full(2, FRAME.mean()),
            "this is one mean of all numbers, twice", "Each row has a mean of its own.",
        ),
        Slip(
            "first row only", lambda: row_means_by_hand()[:1],
            "the lower row is missing", "Type one number for each row.",
        ),
        Slip(
            "cut off", lambda: np.floor(row_means_by_hand()),
            "what comes after the point is missing", "10 / 4 is 2.5, and 3 / 4 is 0.75.",
        ),
        Slip(
            "rounded", lambda: np.floor(row_means_by_hand() + 0.5),
            "they are rounded to whole numbers", "10 / 4 is 2.5, and 3 / 4 is 0.75.",
        ),
        Slip(
            "median instead of mean", lambda: np.median(FRAME, axis=1), "these are the medians", *NO_MEDIAN,
        ),
        Slip(
            "middle of the extremes", lambda: middle(FRAME), "these lie halfway between the smallest and the largest",
            *ALL_COUNT,
        ),
        Slip("the largest", lambda: FRAME.max(axis=1), "these are the largest numbers", *ALL_COUNT),
        Slip("the smallest", lambda: FRAME.min(axis=1), "these are the smallest numbers", *ALL_COUNT),
        Slip(
            "rounded", lambda: np.array([2.5, 0.8]), "they are rounded to one decimal", "3 / 4 is 0.75.",
        ),
        Slip(
            "zeros not counted", lambda: FRAME.sum(axis=1) / np.count_nonzero(FRAME, axis=1),
            "the sum of the lower row was divided by 3", "A 0 counts too: there are four pixels in each row.",
        ),
    ),
    difficulty=1, minutes=2,
)  # fmt: skip


# ------------------------------------------------------------------------------------------------ 0.2 and 0.3


def row_means(x):
    """The mean of each row of x (R, C): (R,)."""
    return x.mean(axis=1)


def rows_and_columns(x):
    """Counts by name: the factors that a wrong mean or sum would leave."""
    return {"columns": x.shape[1], "rows": x.shape[0]}


def numbers_of(rng, size):
    """x (R, C) of this size."""
    return (10 * rng.normal(size=size),)


# One size twice, with other numbers, and a single row and a single column.
MATRICES = for_each(((4, 3), (3, 5), (4, 3), (1, 4), (5, 1)), numbers_of)

ROW_MEANS = Exercise(
    "row_means", LESSON, "the same in NumPy", ("means",), row_means,
    trials=(by_hand(FRAME), *MATRICES),
    slips=(
        Slip(
            "wrong axis", lambda x: x.mean(axis=0),
            "these are the means of the columns", "The axis that you name is the one that disappears.",
        ),
        Slip(
            "mean of everything", lambda x: x.mean(),
            "this is one mean of all numbers", "Without an axis, NumPy takes the mean of everything.",
        ),
        Slip(
            "kept the axis", lambda x: x.mean(axis=1, keepdims=True),
            "the axis of the columns is still there, with length 1", "Leave out keepdims here.",
        ),
        Slip(
            "sum instead of mean", lambda x: x.sum(axis=1),
            "these are the sums of the rows, not their means", "Divide by the number of columns.",
        ),
        Slip(
            "divided by the rows", lambda x: x.sum(axis=1) / len(x),
            "the sums were divided by the number of rows", "How many numbers stand in one row?",
        ),
        Slip(
            "median instead of mean", lambda x: np.median(x, axis=1), "these are the medians", *NO_MEDIAN,
        ),
        Slip(
            "middle of the extremes", middle, "these lie halfway between the smallest and the largest", *ALL_COUNT,
        ),
        Slip("the largest", lambda x: x.max(axis=1), "these are the largest numbers", *ALL_COUNT),
        Slip("the smallest", lambda x: x.min(axis=1), "these are the smallest numbers", *ALL_COUNT),
        Slip(
            "standard deviation", lambda x: x.std(axis=1), "these are the standard deviations",
            "That is how far the numbers lie from their mean.",
        ),
        Slip(
            "root of the mean square", lambda x: np.sqrt((x * x).mean(axis=1)), "the numbers were squared first",
            "Add them up as they are.",
        ),
        Slip(
            "not added up", lambda x: x.cumsum(axis=1) / x.shape[1], "these are sums up to each column",
            "cumsum keeps every step; sum keeps only the last.",
        ),
        Slip(
            "not added up", lambda x: x / x.shape[1], "each number was divided, but they were not added up",
            "One mean for each row: sum over axis 1.",
        ),
        Slip(
            "one too many", lambda x: x.sum(axis=1) / (x.shape[1] + 1),
            "the sums were divided by one more than there are columns", "A row has C numbers.",
        ),
        Slip(
            "one too few", lambda x: x.sum(axis=1) / (x.shape[1] - 1),
            "the sums were divided by one less than there are columns", "That is for variances. A mean divides by C.",
        ),
        Slip(
            "last one left out", lambda x: x[:, :-1].sum(axis=1) / x.shape[1],
            "the last column was not added", "range(n) ends at n − 1 by itself.",
        ),
        Slip(
            "first one left out", lambda x: x[:, 1:].sum(axis=1) / x.shape[1],
            "the first column was not added", "Python counts from 0.",
        ),
        Slip(
            "sum not set back", lambda x: x.sum(axis=1).cumsum() / x.shape[1],
            "each row's sum still holds the rows above it", "Set the sum back to 0 at the beginning of each row.",
        ),
        Slip(
            "absolute values", lambda x: abs(x).mean(axis=1),
            "these are means without the signs", "Negative numbers pull a mean down.",
        ),
        Slip(
            "the numbers by hand", lambda x: row_means_by_hand(),
            "these are the means of the frame above, whatever x is", "Compute them from x.",
        ),
        Slip("squeezed", lambda x: row_means(x).squeeze(), *SQUEEZED),
        Slip(
            "first column only", lambda x: x[:, 0], "these are the first numbers of the rows",
            "Add up all numbers of a row first.",
        ),
    ),
    sizes=rows_and_columns, difficulty=1, minutes=2,
)  # fmt: skip


def centre_rows(x):
    """x (R, C) without the mean of each row: (R, C)."""
    return x - x.mean(axis=1, keepdims=True)


def one_after_the_other(x):
    """The result if the mean is taken again for each number, when those before it have changed."""
    y = x.copy()
    for i, j in np.ndindex(x.shape):
        y[i, j] -= y[i].mean()
    return y


MEAN = "Subtract the mean: then each row has mean 0."

CENTRE_ROWS = Exercise(
    "centre_rows", LESSON, "subtract from each row its mean", ("centred",), centre_rows,
    trials=(by_hand(FRAME), *MATRICES),
    slips=(
        Slip(
            "wrong axis", lambda x: x - x.mean(axis=0),
            "the mean of each column was subtracted", "Every row should have mean 0 afterwards. Which ones have?",
        ),
        Slip(
            "mean of everything", lambda x: x - x.mean(),
            "one mean of all numbers was subtracted everywhere", "Each row has a mean of its own.",
        ),
        Slip(
            "sum instead of mean", lambda x: x - x.sum(axis=1, keepdims=True),
            "the sum of each row was subtracted, not its mean", "Divide the sum by the number of columns.",
        ),
        Slip(
            "added instead of subtracted", lambda x: x + x.mean(axis=1, keepdims=True),
            "the means were added", "Every row should have mean 0 afterwards.",
        ),
        Slip(
            "only the means", lambda x: x.mean(axis=1, keepdims=True),
            "these are the means alone", "Subtract them from x.",
        ),
        Slip(
            "only the means", lambda x: x.mean(axis=1), "these are the means alone", "Subtract them from x.",
        ),
        Slip(
            "only the means", lambda x: 0 * x + x.mean(axis=1, keepdims=True),
            "these are the means alone", "Subtract them from x.",
        ),
        Slip(
            "divided by the rows", lambda x: x - x.sum(axis=1, keepdims=True) / len(x),
            "the sums that were subtracted were divided by the number of rows", "How many numbers stand in one row?",
        ),
        Slip(
            "divided by the standard deviation", lambda x: centre_rows(x) / x.std(axis=1, keepdims=True),
            "each row was divided by its standard deviation, too", "That comes in lesson 7. Here, only subtract.",
        ),
        Slip(
            "divided by the mean", lambda x: x / x.mean(axis=1, keepdims=True),
            "each row was divided by its mean", "Subtract it.",
        ),
        Slip(
            "median instead of mean", lambda x: x - np.median(x, axis=1, keepdims=True),
            "the median of each row was subtracted", *NO_MEDIAN,
        ),
        Slip(
            "middle of the extremes", lambda x: x - middle(x)[:, None],
            "what lies halfway between smallest and largest was subtracted", *ALL_COUNT,
        ),
        *(
            Slip(f"{what} instead of mean", lambda x, of=of: x - of(x), f"the {what} of each row was subtracted", MEAN)
            for what, of in (
                ("largest", lambda x: x.max(axis=1, keepdims=True)),
                ("smallest", lambda x: x.min(axis=1, keepdims=True)),
                ("first number", lambda x: x[:, :1]), ("standard deviation", lambda x: x.std(axis=1, keepdims=True)),
            )
        ),
        Slip(
            "half of the mean", lambda x: x - x.mean(axis=1, keepdims=True) / 2, "half of the mean was subtracted",
            MEAN,
        ),
        Slip(
            "the mean twice", lambda x: x - 2 * x.mean(axis=1, keepdims=True), "the mean was subtracted twice", MEAN,
        ),
        *(
            Slip(
                "rounded means", lambda x, of=of: x - of(x.mean(axis=1, keepdims=True)),
                "the means were rounded before they were subtracted", "Keep what comes after the point.",
            )
            for of in (np.round, np.floor, np.trunc)
        ),
        Slip(
            "divided by the sum", lambda x: x / x.sum(axis=1, keepdims=True), "each row was divided by its sum",
            "Subtract the mean.",
        ),
        Slip(
            "one row's mean for all", lambda x: x - x[0].mean(),
            "the first row's mean was subtracted from every row", "Each row has a mean of its own.",
        ),
        Slip(
            "one row's mean for all", lambda x: x - x[-1].mean(),
            "the last row's mean was subtracted from every row", "Each row has a mean of its own.",
        ),
        Slip(
            "first row only", lambda x: np.concatenate([centre_rows(x[:1]), x[1:]]),
            "only the first row was centred", "Is the `return` inside the loop?",
        ),
        Slip(
            "the mean of what has changed", one_after_the_other,
            "the mean was taken again after each number had changed", "Find the mean of a row first, and keep it.",
        ),
        Slip(
            "absolute values", lambda x: x - abs(x).mean(axis=1, keepdims=True),
            "means without the signs were subtracted", "Negative numbers pull a mean down.",
        ),
    ),
    sizes=rows_and_columns, difficulty=1, minutes=4,
)  # fmt: skip

EXERCISES = (FIRST_NUMBERS, ROW_MEANS, CENTRE_ROWS)
