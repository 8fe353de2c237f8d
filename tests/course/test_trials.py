"""Trials made from others."""

import numpy as np

from minidit.course.exercise import Trial
from minidit.course.trials import in_float32


def test_arrays_are_in_float32_and_the_rest_is_as_it_was():
    trial = in_float32(Trial("random inputs", lambda rng: (rng.normal(size=3), (np.ones(2), np.arange(2)), 0.5, None)))
    x, (ones, counted), number, nothing = trial.inputs(np.random.default_rng(0))
    assert (x.dtype, ones.dtype) == (np.float32, np.float32)
    assert counted.dtype.kind == "i" and number == 0.5 and nothing is None
    assert trial.seeds == 1
