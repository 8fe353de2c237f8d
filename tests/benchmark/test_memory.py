from functools import partial

import numpy as np
import pytest

from minidit.benchmark.cases import fixed_inputs
from minidit.benchmark.memory import arrays_in, measured, peak_bytes, saved_by_ours, saved_bytes
from minidit.benchmark.processes import remote
from minidit.benchmark.task import steps_of
from minidit.models.memory import saved_activation_bytes

pytestmark = pytest.mark.bench


def test_a_buffer_counts_once_and_whole():
    a, b = np.zeros(100, np.float32), np.zeros((10, 10), np.float64)
    assert saved_bytes((a, [a[:10], {"b": b.T}], (b[0], b.reshape(-1)), 3, None)) == 400 + 800


def test_parameters_do_not_count_nor_do_views_of_them():
    params, a = np.zeros(100, np.float32), np.zeros(7, np.float32)
    assert saved_bytes((params[:50].reshape(5, 10), a), params) == 28


def test_arrays_are_found_however_deep_they_lie():
    a, b = np.zeros(1), np.zeros(2)
    assert [array.size for array in arrays_in((1, [a, (b, {"a": a})], "text"))] == [1, 2, 1]


def test_ours_keeps_what_the_formula_says(case):
    inputs = fixed_inputs(case)
    of_network = saved_activation_bytes(case.settings, case.batch, case.grid, inputs.words)
    assert saved_by_ours(case) == of_network + inputs.target.nbytes  # the loss keeps its error


def test_the_peak_is_at_least_what_there_is_now():
    slack = 1e6  # the system counts the two at slightly different moments
    assert peak_bytes() + slack > peak_bytes(now=True) > 10e6


@pytest.mark.parametrize("megabytes", [20, 60])
def test_what_the_steps_need_is_told_apart(megabytes):
    make_step = partial(partial, np.ones)  # of a number, gives a function that makes so many ones
    with remote(1, True, measured, steps_of, make_step, megabytes * 10**6 // 8) as peak:
        most, by_steps = peak()
    assert by_steps == pytest.approx(megabytes * 10**6, abs=2e6)
    assert most > by_steps + 10e6
