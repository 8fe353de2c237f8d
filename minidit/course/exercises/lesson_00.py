"""Lesson 0: start here."""

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, at_random, by_hand
from minidit.worksheet import VIDEO

# R = rows, C = columns

LESSON = 0
FRAME = VIDEO[0].astype(float)  # 2, 4   the first frame of the worksheet's video


# ------------------------------------------------------------------------------------------------ 0.1 by hand


def row_means_by_hand():
    """The mean of each row of the frame (2,)."""
    return FRAME.mean(axis=1)


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


ROW_MEANS = Exercise(
    "row_means", LESSON, "the same in NumPy", ("means",), row_means,
    trials=(by_hand(FRAME), at_random(lambda rng: (rng.normal(size=(4, 3)),))),
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
            "median instead of mean", lambda x: np.median(x, axis=1),
            "these are the medians", "A median is the middle number; the mean is the sum, divided.",
        ),
    ),
    sizes=rows_and_columns, difficulty=1, minutes=2,
)  # fmt: skip


def centre_rows(x):
    """x (R, C) without the mean of each row: (R, C)."""
    return x - x.mean(axis=1, keepdims=True)


CENTRE_ROWS = Exercise(
    "centre_rows", LESSON, "subtract from each row its mean", ("centred",), centre_rows,
    trials=(by_hand(FRAME), at_random(lambda rng: (rng.normal(size=(4, 3)),))),
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
    ),
    sizes=rows_and_columns, difficulty=1, minutes=4,
)  # fmt: skip

EXERCISES = (FIRST_NUMBERS, ROW_MEANS, CENTRE_ROWS)
