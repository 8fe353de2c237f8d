from functools import partial

import numpy as np
import pytest

from minidit.benchmark.cases import fixed_inputs
from minidit.benchmark.memory import measured, saved_by_ours
from minidit.benchmark.processes import remote
from minidit.benchmark.task import steps_of
from minidit.models.memory import saved_activation_bytes

pytestmark = pytest.mark.bench


def test_ours_keeps_what_the_planner_says(case):
    inputs = fixed_inputs(case)
    of_network = saved_activation_bytes(case.settings, case.batch, case.grid, inputs.words)
    assert saved_by_ours(case) == of_network + inputs.target.nbytes  # the loss keeps its error


@pytest.mark.parametrize("megabytes", [20, 60])
def test_what_the_steps_need_is_told_apart(megabytes):
    make_step = partial(partial, np.ones)  # of a number, gives a function that makes so many ones
    with remote(1, True, measured, steps_of, make_step, megabytes * 10**6 // 8) as peak:
        most, by_steps = peak()
    assert by_steps == pytest.approx(megabytes * 10**6, abs=2e6)
    assert most > by_steps + 10e6
