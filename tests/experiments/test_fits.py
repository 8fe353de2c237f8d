import numpy as np
import pytest

from minidit.experiments.fits import (
    PowerLaw,
    correlation,
    per_doubling,
    percentiles,
    power_law,
    power_law_with_floor,
    resampled,
)

COMPUTE = np.geomspace(1e11, 1e13, 9)


@pytest.fixture
def noisy_losses(rng):
    """Losses on the law 40 · compute^-0.15, with noise of 2 %."""
    return 40 * COMPUTE**-0.15 * np.exp(0.02 * rng.standard_normal(9))


def test_a_power_law_without_noise_is_found_exactly():
    law = power_law(COMPUTE, 40 * COMPUTE**-0.15)
    assert (law.scale, law.exponent, law.floor) == (pytest.approx(40), pytest.approx(0.15), 0)


def test_a_planted_exponent_lies_in_its_interval_and_the_interval_is_narrow(noisy_losses):
    low, high = percentiles(resampled(COMPUTE, noisy_losses, lambda x, y: power_law(x, y).exponent))
    assert low < 0.15 < high
    assert high - low < 0.05


def test_an_exponent_of_nothing_has_an_interval_around_zero(rng):
    losses = np.exp(0.02 * rng.standard_normal(9))
    low, high = percentiles(resampled(COMPUTE, losses, lambda x, y: power_law(x, y).exponent))
    assert low < 0 < high


def test_a_planted_floor_is_found_to_the_next_candidate():
    law = power_law_with_floor(COMPUTE, 0.3 + 1e3 * COMPUTE**-0.3)
    assert law.floor == pytest.approx(0.3, abs=2e-3)
    assert law.exponent == pytest.approx(0.3, abs=0.01)


def test_without_a_floor_none_is_found():
    law = power_law_with_floor(COMPUTE, 40 * COMPUTE**-0.15)
    assert law.floor == 0
    assert law.exponent == pytest.approx(0.15)


def test_a_law_is_a_function():
    assert PowerLaw(2, 0.5, 1)([4, 16]) == pytest.approx([2, 1.5])


def test_resampling_draws_points_anew_and_always_the_same(noisy_losses):
    means = resampled(COMPUTE, noisy_losses, lambda x, y: y.mean(), repeats=50)
    assert len(set(means.tolist())) > 40
    assert means.tolist() == resampled(COMPUTE, noisy_losses, lambda x, y: y.mean(), repeats=50).tolist()


def test_pairs_stay_together(noisy_losses):
    pairs = dict(zip(COMPUTE, noisy_losses, strict=True))
    together = resampled(COMPUTE, noisy_losses, lambda x, y: [pairs[a] for a in x] == y.tolist(), repeats=9)
    assert together.all()


def test_too_few_points_are_refused():
    with pytest.raises(ValueError, match="at least 3 different x, got 2"):
        resampled([1, 1, 2, 2], [1, 2, 3, 4], lambda x, y: 0)


def test_the_correlation_is_that_of_the_logarithm():
    assert correlation(COMPUTE, -np.log(COMPUTE)) == pytest.approx(-1)
    assert correlation(COMPUTE, np.ones(9)) == 0


def test_a_floor_that_is_known_is_taken_off():
    law = power_law(COMPUTE, 0.3 + 40 * COMPUTE**-0.15, floor=0.3)
    assert (law.scale, law.exponent, law.floor) == (pytest.approx(40), pytest.approx(0.15), 0.3)


def test_a_gain_per_doubling_by_hand():
    assert per_doubling([1, 2, 8], [5, 7, 11]) == pytest.approx(2)
    assert per_doubling(COMPUTE, -np.log10(COMPUTE)) == pytest.approx(-np.log10(2))


def test_percentiles_are_the_middle_95():
    assert percentiles(np.arange(1001)) == pytest.approx([25, 975])
