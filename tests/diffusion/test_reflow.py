import numpy as np
import pytest

from minidit.diffusion import sample_times
from minidit.diffusion.reflow import reflow_times


def test_a_share_of_the_times_is_exactly_that_of_the_noise(rng):
    times = reflow_times(rng, 20_000, 0.25, -1.8, 1.0)
    assert times.dtype == np.float32
    assert 0.24 < (times == 0).mean() < 0.26
    others = times[times > 0]
    logits = np.log(others / (1 - others))
    assert logits.mean() == pytest.approx(-1.8, abs=0.03) and logits.std() == pytest.approx(1.0, abs=0.03)


def test_without_such_a_share_the_times_are_those_of_training():
    times, usual = reflow_times(np.random.default_rng(1), 9, 0.0, -1.8, 1.0), np.random.default_rng(1)
    assert np.array_equal(times, sample_times(usual, 9, -1.8, 1.0))
