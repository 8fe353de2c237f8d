import json

import numpy as np
import pytest

from minidit.evaluation.intervals import bootstrap_interval, mean, percent, share, wilson_interval
from minidit.evaluation.variety import ks_distance

NAN = float("nan")


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_are_those_of_newcombe_1998_table_1(successes, trials, low, high):
    assert wilson_interval(successes, trials) == pytest.approx([low, high], abs=5e-5)


def test_wilson_interval_mirrors_and_always_contains_the_share():
    for trials in (1, 7, 64, 1500):
        for successes in range(trials + 1):
            low, high = wilson_interval(successes, trials)
            assert 0 <= low <= successes / trials <= high <= 1
            assert wilson_interval(trials - successes, trials) == pytest.approx([1 - high, 1 - low])


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (-1, 3), (4, 3)])
def test_wilson_interval_refuses_counts_that_make_no_share(successes, trials):
    with pytest.raises(ValueError, match="successes"):
        wilson_interval(successes, trials)


def test_shares_are_percent_with_their_interval():
    assert percent(0.5) == "50.0"
    assert percent(0.982, [0.971, 0.9889]) == "98.2 [97.1, 98.9]"


def test_a_share_counts_what_can_be_measured():
    assert share([1, 0, NAN, 1, NAN]) == {"share": 2 / 3, "interval": wilson_interval(2, 3), "clips": 3}
    assert share(np.array([True, True])) == {"share": 1.0, "interval": wilson_interval(2, 2), "clips": 2}
    assert share([NAN]) == share([]) == {"share": None, "interval": None, "clips": 0}


@pytest.mark.parametrize("values", [[0.5, 1], [2, 0], [np.inf]], ids=str)
def test_a_share_of_other_numbers_is_refused(values):
    with pytest.raises(ValueError, match="0 and 1"):
        share(values)


@pytest.mark.parametrize("values", [np.array([1, 0, NAN], np.float32), np.array([True, False]), [NAN]], ids=str)
def test_results_can_be_kept_as_json(values):
    for result in (share(values), mean(values)):
        assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_a_mean_counts_what_can_be_measured():
    result = mean([1.0, NAN, 3.0])
    assert (result["mean"], result["clips"]) == (2.0, 2)
    assert result["interval"] == [1.0, 3.0]
    assert mean([NAN]) == mean([]) == {"mean": None, "interval": None, "clips": 0}


def test_a_mean_with_infinite_numbers_is_infinite_and_has_an_interval():
    result = mean([np.inf] * 20)
    assert result == {"mean": np.inf, "interval": [np.inf, np.inf], "clips": 20}


def test_the_interval_of_a_mean_is_as_wide_as_two_standard_errors(rng):
    values = rng.normal(5, 2, size=400)
    low, high = mean(values)["interval"]
    assert (low + high) / 2 == pytest.approx(values.mean(), abs=0.03)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_the_same_call_gives_the_same_interval_and_another_generator_another(rng):
    values = rng.normal(size=50)
    assert mean(values) == mean(values)
    assert mean(values, np.random.default_rng(1))["interval"] != mean(values)["interval"]


def test_the_interval_of_a_mean_holds_the_truth_19_times_in_20(rng):
    held = 0
    for _ in range(200):
        low, high = bootstrap_interval(np.mean, rng.normal(size=60), rng=rng, repeats=300)
        held += low <= 0 <= high
    assert 0.88 <= held / 200 <= 0.99


def test_an_interval_by_hand():
    # Of 0 and 1 drawn twice each, the mean is 0, 1 / 2, 1 / 2 or 1: both ends are in a quarter of all cases.
    assert bootstrap_interval(np.mean, [0.0, 1.0]) == [0, 1]
    # The greatest is 1 in three quarters of them, and 2 * 1 - (0, 1) the reflection.
    assert bootstrap_interval(np.max, [0.0, 1.0], basic=True) == [1, 2]


def test_samples_of_different_lengths_are_drawn_apart():
    lengths = set()
    bootstrap_interval(lambda a, b: lengths.add((len(a), len(b))) or 0.0, [1, 2], [1, 2, 3], repeats=5, paired=False)
    assert lengths == {(2, 3)}


def test_paired_samples_are_drawn_together(rng):
    a = rng.normal(size=100)
    low, high = bootstrap_interval(lambda a, b: np.abs(a - b).max(), a, a)
    assert low == high == 0
    low, high = bootstrap_interval(lambda a, b: np.abs(a - b).max(), a, a, paired=False)
    assert low > 0


def test_the_basic_interval_of_a_distance_isnt_shifted_away_from_the_truth(rng):
    # Half of a lies below 0.5, where a quarter of b does: the distance is 1 / 4.
    held = {True: 0, False: 0}
    for _ in range(60):
        a, b = rng.random(80), np.maximum(rng.random(80), rng.random(80))
        for basic in held:
            low, high = bootstrap_interval(ks_distance, a, b, rng=rng, repeats=200, paired=False, basic=basic)
            held[basic] += low <= 0.25 <= high
    assert held[True] >= 51 and held[True] >= held[False]


@pytest.mark.parametrize("samples", [([],), ([1, 2], [1])])
def test_samples_that_cannot_be_drawn_from_are_refused(samples):
    with pytest.raises(ValueError, match="samples must"):
        bootstrap_interval(lambda *drawn: 0.0, *samples)
