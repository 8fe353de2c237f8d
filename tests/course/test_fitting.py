"""A student's functions among minidit's: options, dtypes, and one name for two."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from minidit import layers
from minidit.course.capstone import Parts
from minidit.course.fitting import PAIRS, fitted
from minidit.course.small_dit import small_run
from minidit.reference import linear_backward, linear_forward

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from by_a_student import gelu_backward, gelu_forward


def test_float64_is_turned_back_and_noted():
    mine = Parts(gelu_forward, gelu_backward)
    run = small_run(mine.fitted(PAIRS["gelu"]), dtype=np.float32)
    assert {value.dtype for name, value in run.items() if name != "the loss"} == {np.dtype(np.float32)}
    assert set(mine.promoted) == {"gelu_forward", "gelu_backward"}
    assert mine.on_precision().startswith("made float64 of float32: gelu_backward, gelu_forward.")


def test_what_stays_float32_is_not_noted():
    mine = Parts(linear_forward, linear_backward)
    small_run(mine.fitted(PAIRS["linear"]), dtype=np.float32)
    assert not mine.promoted
    assert mine.on_precision() == ""


def test_a_cache_is_turned_back_too():
    ready = fitted("gelu_forward", gelu_forward, Counter())
    _, cache = ready(np.ones((2, 3), np.float32), True)
    assert [array.dtype for array in cache] == [np.float32, np.float32]


def test_float64_is_left_alone_where_it_came_in():
    promoted = Counter()
    y, _ = fitted("gelu_forward", gelu_forward, promoted)(np.ones(3))
    assert y.dtype == np.float64
    assert not promoted


def test_out_is_filled_whether_or_not_the_function_knows_it():
    def attention_backward(dy, cache):
        return dy, 2 * dy, 3 * dy

    out = tuple(np.zeros((2, 2)) for _ in range(3))
    fitted("attention_backward", attention_backward, Counter())(np.ones((2, 2)), None, out=out)
    assert [array[0, 0] for array in out] == [1, 2, 3]


def test_a_mask_is_not_left_away():
    def attention_forward(q, k, v):
        return v, ()

    with pytest.raises(TypeError):
        fitted("attention_forward", attention_forward, Counter())(1, 2, 3, None)


def test_a_loss_may_ask_for_minidits_own_gradient():
    def mse_backward(dloss, cache):
        gradient = layers.mse_gradient(dloss, cache)
        return gradient, -gradient

    run = Parts(mse_forward=layers.mse_forward, mse_backward=mse_backward)("mse")
    right = small_run({})
    assert all(np.array_equal(run[what], right[what]) for what in right if what.startswith("the gradient"))
