"""A slip is called by its name where it explains everything that was tried, and by none where it doesn't."""

import sys
from pathlib import Path

import numpy as np
import pytest

from minidit.course.engine import examine
from minidit.course.exercise import Exercise, Slip, Trial, by_hand

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from made_exercises import made


def product(x, w):
    return x @ w


PRODUCT = made(
    product,
    ("y",),
    np.array([[1.0, 2.0], [3.0, 4.0]]),
    np.array([[1.0, 0.0], [5.0, 1.0]]),
    random=lambda rng: (rng.normal(size=(4, 3)), rng.normal(size=(3, 5))),
    sizes=lambda x, w: {"tokens": len(x), "channels": len(w)},
)


def summed(dy):
    return dy.sum(axis=0)


SUMMED = made(
    summed,
    ("db",),
    np.array([[1.0, 2.0], [3.0, 5.0]]),
    random=lambda rng: (rng.normal(size=(4, 3)),),
    sizes=lambda dy: {"tokens": len(dy), "channels": dy.shape[1]},
)


def kept(x):
    return np.tanh(x)


KEPT = made(
    kept, ("y",), np.arange(4.0).reshape(2, 2) + 1, random=lambda rng: (rng.normal(size=(3, 4)),),
    sizes=lambda x: {"tokens": x.shape[0], "channels": x.shape[1]},
)  # fmt: skip


def both(a, b):
    return a + 1, b * b


BOTH = made(
    both, ("da", "db"), np.array([1.0, 2.0]), np.array([5.0, 7.0]),
    random=lambda rng: (rng.normal(size=3), rng.normal(size=3)),
)  # fmt: skip


@pytest.mark.parametrize(
    ("exercise", "answer", "slip", "says"),
    [
        (PRODUCT, lambda x, w: -(x @ w), "sign", "y has the right shape, but its sign is wrong."),
        (PRODUCT, lambda x, w: (x @ w).T, "missing transpose", "but it is transposed."),
        (PRODUCT, lambda x, w: 3.5 * (x @ w), "constant factor", "but it is 3.5 times too large."),
        (PRODUCT, lambda x, w: x @ w / 8, "constant factor", "but it is 8 times too small."),
        (PRODUCT, lambda x, w: -2 * (x @ w), "constant factor", "but it is -2 times what it should be."),
        (PRODUCT, lambda x, w: x @ w * len(w), "too large", "but it is 2 times too large, as there are 2 channels."),
        (PRODUCT, lambda x, w: x @ w / len(w) ** 0.5, "too small", "√2 times too small, as there are 2 channels."),
        (PRODUCT, lambda x, w: np.zeros((len(x), w.shape[1])), "all zeros", "but it is zero everywhere."),
        (PRODUCT, lambda x, w: (x @ w)[::-1], "reversed", "but its order is reversed along axis 0."),
        (KEPT, lambda x: x, "unchanged input", "but it is x, as it came."),
        (SUMMED, lambda dy: dy.mean(axis=0), "too small", "but it is 2 times too small, as there are 2 tokens."),
        (SUMMED, lambda dy: dy, "unchanged input", "db has shape (2, 2); expected (2,): it is dy, as it came."),
        (SUMMED, lambda dy: 1 * dy.sum(axis=0, keepdims=True), "axis of length 1", "an axis of length 1 is left over."),
        (SUMMED, lambda dy: dy.sum(), "summed too much", "db has shape (); expected (2,): it is summed over axis 0."),
        (KEPT, lambda x: np.tanh(x).sum(axis=-1), "summed too much", "it is summed over axis 1."),
        (BOTH, lambda a, b: (b * b, a + 1), "wrong order", "but it is what db should be."),
    ],
)
def test_slips_that_any_function_can_have(exercise, answer, slip, says):
    report = examine(exercise, answer)
    assert report.slip == slip, report
    assert says in str(report)


def test_of_two_slips_that_look_alike_on_small_numbers_the_other_inputs_decide():
    square = made(
        lambda x: x + 0.0, ("y",), np.array([[1.0, 2.0], [3.0, 4.0]]), random=lambda rng: (rng.normal(size=(4, 3)),),
        sizes=lambda x: {"tokens": x.shape[0], "channels": x.shape[1]},
    )  # fmt: skip
    assert "there are 2 tokens" in str(examine(square, lambda x: x * x.shape[0]))
    assert "there are 2 channels" in str(examine(square, lambda x: x * x.shape[1]))
    assert examine(square, lambda x: x * 2).slip == "constant factor"


def test_a_slip_that_an_earlier_trial_would_have_shown_was_not_made():
    """/ 4 is right by hand, where there are four columns; there, /the number of rows/ would have been wrong."""
    slips = (Slip("divided by the rows", lambda x: x.sum(axis=1) / len(x), "it is divided by the rows", "Columns."),)
    means = made(
        lambda x: x.mean(axis=1), ("means",), np.array([[5.0, 3, 1, 1], [1, 2, 0, 0]]),
        random=lambda rng: (rng.normal(size=(4, 3)),), slips=slips,
    )  # fmt: skip
    assert examine(means, lambda x: x.sum(axis=1) / len(x)).slip == "divided by the rows"
    assert examine(means, lambda x: x.sum(axis=1) / 4).slip == "right only for some shapes"


def test_a_slip_that_spoils_an_output_which_is_right_was_not_made():
    slips = (Slip("both halved", lambda a, b: ((a + 1) / 2, b * b / 2), "both are halved", "Why?"),)
    exercise = made(both, ("da", "db"), np.array([1.0, 2.0]), np.array([5.0, 7.0]),
                    random=lambda rng: (rng.normal(size=3), rng.normal(size=3)), slips=slips)  # fmt: skip
    assert examine(exercise, lambda a, b: ((a + 1) / 2, b * b / 2)).slip == "both halved"
    assert examine(exercise, lambda a, b: (a + 1, b * b / 2)).slip == "constant factor"
    assert examine(exercise, lambda a, b: ((a + 1) / 2, b * b * b)).slip == "both halved"


def test_where_two_slips_explain_it_neither_is_named():
    slips = [Slip(name, lambda x: np.tanh(x) + x**3, f"{name} is wrong", "Why?") for name in ("this", "that")]
    exercise = made(kept, ("y",), np.arange(4.0).reshape(2, 2) + 1, random=lambda rng: (rng.normal(size=(3, 4)),),
                    slips=slips)  # fmt: skip
    assert examine(exercise, lambda x: np.tanh(x) + x**3).slip is None


def test_a_changed_input_comes_before_any_slip():
    """Of `x *= …; return x, (x, …)` it would not be true that two outputs have changed places."""

    def forward(x, s):
        return x * s, (x, s)

    def in_place(x, s):
        x *= s
        return x, (x, s)

    exercise = Exercise("scale", 1, "", ("y", "cache"), forward, (by_hand(np.array([1.0, 2.0]), 3.0),))
    report = examine(exercise, in_place)
    assert report.slip == "changed its input"
    assert "it changed its input x, and cache[0] has other values than expected." in str(report)


@pytest.mark.parametrize(
    ("answer", "slip", "says"),
    [
        (lambda x, w: np.floor(x @ w), "cut off", "its fractions are cut off"),
        (lambda x, w: np.round(x @ w, 2), "rounded", "it is rounded (decimals: 2)"),
        (lambda x, w: abs(x @ w), "absolute value", "its negative numbers have lost their sign"),
        (lambda x, w: np.maximum(x @ w, 0), "negative numbers lost", "its negative numbers have become 0"),
        (lambda x, w: (x @ w) ** 2, "squared", "it is the square"),
        (lambda x, w: 1 / (x @ w), "inverse", "it is one over"),
        (lambda x, w: x @ w + 1, "offset", "every number is 1 too large"),
        (lambda x, w: np.roll(x @ w, 1, axis=0), "shifted", "everything stands one place too late along axis 0"),
        (lambda x, w: (x @ w)[:1], "only some of them", "it is only the first of"),
        (lambda x, w: (x @ w)[0], "only some of them", "it is only the first of"),
        (lambda x, w: (x @ w)[:-1], "only some of them", "it is only the first"),
        (lambda x, w: (x @ w) * (np.arange(len(x)) == 0)[:, None], "the rest is zero", "only the first of"),
        (lambda x, w: (x @ w).ravel(), "another shape", "the numbers are right"),
        (lambda x, w: (x @ w).sum(axis=1, keepdims=True) + 0 * (x @ w), "summed too much", "it is summed over"),
        (lambda x, w: np.clip(x @ w, -1, 1), "clipped", "it is limited to at"),
    ],
)  # fmt: skip
def test_what_the_right_result_went_through_is_said(answer, slip, says):
    exercise = made(
        product, ("y",), np.array([[1.0, 2.0], [3.0, -4.0], [0.5, 0.25]]), np.array([[1.0, -2.0], [5.0, 1.0]]),
        random=lambda rng: (3 * rng.normal(size=(4, 3)), rng.normal(size=(3, 5))),
    )  # fmt: skip
    report = examine(exercise, answer)
    assert report.slip == slip, report
    assert says in str(report)


KNOWN = (
    Slip("a only", lambda a, b: (a + 2, b * b), "it is one too large", "Count again."),
    Slip("b only", lambda a, b: (a + 1, 2 * b), "it is twice, not squared", "Squares are products."),
    Slip("not to be made", lambda a, b: (a @ np.ones(99), b), "no", "no"),
    Slip("broken", lambda a, b: undefined, "no", "no"),  # noqa: F821
)


def test_a_known_slip_comes_before_the_general_ones():
    exercise = made(lambda a, b: (a + 1, b * b), ("da", "db"), np.array([1.0, 2.0]), np.array([5.0, 7.0]),
                    random=lambda rng: (rng.normal(size=3), rng.normal(size=4)), slips=KNOWN)  # fmt: skip
    report = examine(exercise, lambda a, b: (a + 1, b + b))
    assert report.slip == "b only"
    assert "db has the right shape, but it is twice, not squared." in str(report)
    assert "Squares are products." in str(report)


def test_a_known_slip_is_recognised_in_the_first_wrong_output_when_there_are_two():
    exercise = made(lambda a, b: (a + 1, b * b), ("da", "db"), np.array([1.0, 2.0]), np.array([5.0, 7.0]),
                    random=lambda rng: (rng.normal(size=3), rng.normal(size=4)), slips=KNOWN)  # fmt: skip
    report = examine(exercise, lambda a, b: (a + 2, b * 3))
    assert report.slip == "a only"
    assert "da has the right shape, but it is one too large." in str(report)


def test_overflow_can_be_a_known_slip():
    def stable(x):
        e = np.exp(x - x.max())
        return e / e.sum()

    def plain(x):
        return np.exp(x) / np.exp(x).sum()

    exercise = Exercise(
        "softmax", 8, "", ("y",), stable,
        (by_hand(np.array([0.0, 1.0])), Trial("large numbers", lambda rng: (1000 + rng.normal(size=4),))),
        (Slip("not stabilised", plain, "e to a large score overflows", "What changes nothing if it is subtracted?"),),
    )  # fmt: skip
    report = examine(exercise, plain)
    assert report.slip == "not stabilised"
    assert report.stages == ("shapes", "hand numbers")
    assert "y has the right shape, but e to a large score overflows." in str(report)
    assert "got nan" in str(report)


def test_what_no_slip_explains_has_no_name():
    report = examine(PRODUCT, lambda x, w: x @ w + np.eye(*(x @ w).shape))
    assert report.slip is None
    assert "other values than expected" in str(report)


def test_a_slip_is_not_named_where_it_would_be_right_and_the_answer_is_not():
    """In the first trial both have an axis too many; in the second only the answer has."""

    def moved(x, t):
        return x + t.reshape(-1, *[1] * (x.ndim - 1))

    slip = Slip("three axes only", lambda x, t: x + t[:, None, None], "it is right only for three axes", "Any number?")
    flat, deep = np.arange(4.0).reshape(2, 2), np.arange(8.0).reshape(2, 2, 2)
    trials = by_hand(flat, np.array([1.0, 5.0])), Trial("more axes", lambda rng: (deep, np.array([2.0, 7.0])))
    exercise = Exercise("moved", 0, "", ("y",), moved, trials, (slip,))
    assert examine(exercise, lambda x, t: x + t[:, None, None]).slip == "three axes only"
    assert examine(exercise, lambda x, t: x + t.reshape(-1, *[1] * x.ndim)).slip != "three axes only"
