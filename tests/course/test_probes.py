"""A wrong answer is called again: what is said of it is a fact."""

import numpy as np
import pytest

from minidit.course.engine import examine
from minidit.course.exercise import Exercise, Trial, at_random, by_hand, lengths


def scaled(x, scale, eps):
    """x (T, D) divided by each row's length, times scale (D,)."""
    return x / np.sqrt((x * x).sum(axis=-1, keepdims=True) + eps) * scale


def made(reference, hand, random, outputs=("y",)):
    return Exercise("made_up", 1, "", outputs, reference, (by_hand(*hand), at_random(random)))


def rows(rng):
    T, D = lengths(rng, 2)
    return rng.normal(size=(T, D)), rng.normal(size=D), 0.5


SCALED = made(scaled, (np.array([[3.0, 4.0], [6.0, 8.0]]), np.array([5.0, 10.0]), 0.0), rows)
BACKWARD = made(
    lambda dy, x: dy * np.cos(x), (np.array([2.0, 3.0]), np.array([0.0, 1.0])),
    lambda rng: (rng.normal(size=4), rng.normal(size=4)), ("dx",),
)  # fmt: skip
MEANS = made(
    lambda x: x.mean(axis=1), (np.array([[5.0, 3, 1, 1], [1, 2, 0, 0]]),),
    lambda rng: (rng.normal(size=lengths(rng, 2)),),
)  # fmt: skip
CALLS = []


def growing(x):
    CALLS.append(1)
    return x.mean(axis=1) + len(CALLS)


def largest_so_far(x, kept=[]):  # noqa: B006
    """Means of rows, of all matrices until now: as they should be for the first."""
    kept.extend(x.mean(axis=1))
    return np.sort(kept)[-len(x) :] if len(kept) > len(x) else x.mean(axis=1)


def by_rows(mean):
    """Means by a loop that goes wrong."""

    def answer(x):
        y = np.zeros(len(x))
        for t in range(len(x)):
            y[t] = mean(x, t)
        return y

    return answer


def total_kept(x):
    y, total = [], 0.0
    for row in x:
        total += row.sum()
        y.append(total / len(row))
    return np.array(y)


def first_row_only(x, scale, eps):
    y = x.copy()
    for t in range(len(x)):
        y[t] = scaled(x[t : t + 1], scale, eps)[0]
        return y


@pytest.mark.parametrize(
    ("exercise", "answer", "slip", "says"),
    [
        (SCALED, lambda x, s, e: scaled(x, s, 0), "left out", "but it is what comes out with 0 in place of eps."),
        (SCALED, lambda x, s, e: scaled(x, s, e + 1e-3), None, "other values than expected"),
        (BACKWARD, lambda dy, x: np.sin(x), "ignores an input", "it doesn't depend on dy."),
        (BACKWARD, lambda dy, x: np.full(dy.shape, 7.0), "ignores an input", "it doesn't depend on dy or x."),
        (MEANS, growing, "other numbers each time", "it gives other numbers when it is called with"),
        (MEANS, largest_so_far, "other numbers each time", "does something stay from one call to the next?"),
        (
            MEANS, by_rows(lambda x, t: x[t, :-1].sum() / x.shape[1]), "uses a part of an input",
            "it doesn't depend on the last of 4 in x along axis 1",
        ),
        (
            MEANS, by_rows(lambda x, t: x[0].sum() / x.shape[1] + t), "uses a part of an input",
            "it depends on nothing but the first of",
        ),
        (MEANS, total_kept, "mixes what belongs apart", "its last entry along axis 0 changes if the others in x do"),
        (
            MEANS, lambda x: x.mean(axis=1) + (x < 0).sum(axis=1), "right only for some numbers",
            "if there are no negative numbers in x",
        ),
        (MEANS, lambda x: x.sum(axis=1) / 4, "right only for some shapes", "4), and not of"),
        (SCALED, first_row_only, "right only in part", "only the first of 2 along axis 0 is right"),
    ],
)  # fmt: skip
def test_what_was_seen_is_said(exercise, answer, slip, says):
    report = examine(exercise, answer)
    assert report.slip == slip, report
    assert says in str(report)


def test_what_an_answer_depends_on_where_it_is_right_is_not_ignored():
    """Large numbers saturate: there the answer stays as it is, whatever x is, but that says nothing about x."""
    trials = (
        by_hand(np.array([0.0, 1.0])), at_random(lambda rng: (rng.normal(size=4),)),
        Trial("large numbers", lambda rng: (np.array([-40.0, 30.0, 50.0, 1.0]),)),
    )  # fmt: skip
    exercise = Exercise("softplus", 1, "", ("y",), lambda x: np.logaddexp(0, x), trials)
    report = examine(exercise, lambda x: np.logaddexp(0, np.clip(x, -20, 20)))
    assert report.slip == "clipped", report


def test_a_mask_of_signs_is_not_ignored_because_scaling_leaves_it_as_it_is():
    exercise = made(
        lambda dy, x: dy * (x > 0) * x, (np.array([2.0, 3.0]), np.array([-1.0, 3.0])),
        lambda rng: (rng.normal(size=5), rng.normal(size=5)), ("dx",),
    )  # fmt: skip
    assert examine(exercise, lambda dy, x: dy * (x > 0) * 3).slip is None


def test_a_position_is_not_said_to_ignore_what_moved_it_only_by_chance():
    exercise = made(
        lambda x, least: np.argmin(np.where(x >= least, x, np.inf)), (np.array([1.0, 5, 3, 4]), 2.0),
        lambda rng: (rng.normal(size=9), 0.2), ("place",),
    )  # fmt: skip
    report = examine(exercise, lambda x, least: np.argmin(np.where(x > least + 1, x, np.inf)))
    assert report.slip is None, report


def test_an_answer_that_keeps_its_array_from_call_to_call_does_not_ignore_its_inputs():
    table = np.zeros((9, 9))

    def keeps(x):
        table[: len(x), : x.shape[1]] += x
        return table[: len(x), : x.shape[1]]

    exercise = made(lambda x: x * 1.0, (np.ones((2, 3)),), lambda rng: (rng.normal(size=(3, 4)),))
    assert examine(exercise, keeps).slip == "other numbers each time"


def test_settings_are_varied_field_by_field():
    from minidit.training.optimizer import AdamWSettings

    def decayed(x, settings):
        return x * (1 - settings.beta1 * settings.weight_decay)

    inputs = np.array([1.0, 2.0]), AdamWSettings(beta1=0.5, weight_decay=0.3)
    exercise = Exercise("decayed", 1, "", ("y",), decayed, (by_hand(*inputs),))
    report = examine(exercise, lambda x, settings: x * (0.93 - settings.beta1))
    assert "it doesn't depend on settings.weight_decay" in str(report)


def test_probes_that_never_end_leave_the_first_complaint(monkeypatch):
    from minidit.course import engine

    monkeypatch.setattr(engine, "SECONDS", 0.5)
    calls = []

    def slow(x):
        calls.append(1)
        while len(calls) > 1:
            pass
        return x.sum(axis=1)

    assert "means" not in str(examine(MEANS, slow))
    calls.clear()
    assert "y has the right shape, but other values than expected." in str(examine(MEANS, slow))
