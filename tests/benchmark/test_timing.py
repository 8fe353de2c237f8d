from contextlib import contextmanager

import numpy as np
import pytest

from minidit.benchmark import timing
from minidit.benchmark.timing import interleave, ratio, spread, timed

pytestmark = pytest.mark.bench


def clock_of(name, seconds, diary):
    """A clock that says that each call took so long, and writes down when it is asked."""

    def clock(calls):
        diary.append((name, calls))
        return seconds * calls, seconds * calls / 2

    return clock


def test_contenders_take_turns_with_rounds_of_about_equal_length():
    diary = []
    clocks = {"slow": clock_of("slow", 1.0, diary), "fast": clock_of("fast", 0.01, diary)}
    times = interleave(clocks, 3)
    warm_up, rounds = diary[:4], diary[4:]
    assert [name for name, _ in warm_up] == ["slow", "slow", "fast", "fast"]
    assert rounds == [("slow", 1), ("fast", 30)] * 3
    np.testing.assert_allclose(times["slow"].wall, [1, 1, 1])
    np.testing.assert_allclose(times["fast"].wall, [0.01] * 3)
    np.testing.assert_allclose(times["fast"].cpu, [0.005] * 3)


def test_a_slow_round_does_not_change_the_ratio():
    theirs = np.array([2.0, 2.0, 20.0, 2.0])
    assert ratio(theirs / 2, theirs) == [0.5, 0.5, 0.5]


def test_the_spread_is_in_quartiles():
    assert spread(np.array([5.0, 1.0, 3.0, 2.0, 4.0])) == [2.0, 3.0, 4.0]


def test_a_clock_asks_for_so_many_calls_and_reads_both_times(monkeypatch):
    wall, cpu, asked = iter([10.0, 12.0]), iter([1.0, 1.5]), []
    monkeypatch.setattr(timing, "perf_counter", lambda: next(wall))
    monkeypatch.setattr(timing, "process_time", lambda: next(cpu))

    @contextmanager
    def make(word):
        yield lambda calls: asked.append((word, calls))

    with timed(make, "hello") as clock:
        assert clock(7) == (2.0, 0.5)
    assert asked == [("hello", 7)]
