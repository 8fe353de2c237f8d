"""The capstone: a student's functions among minidit's, and which one is to blame."""

import math
from collections import Counter

import numpy as np
import pytest

import minidit
from minidit import layers
from minidit.course.capstone import (
    PAIRS,
    Parts,
    batch_gradients,
    culprits,
    find_culprit,
    fitted,
    is_right,
    say_checks,
    say_culprits,
    small_run,
)
from minidit.training import optimizer


def linear_forward(x, w, b):
    return x @ w + b, (x, w)


def linear_backward(dy, cache):
    x, w = cache
    rows, dy_rows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return dy @ w.T, rows.T @ dy_rows, dy_rows.sum(axis=0)


def db_mean(dy, cache):
    dx, dw, _ = linear_backward(dy, cache)
    return dx, dw, dy.reshape(-1, dy.shape[-1]).mean(axis=0)


def gelu_forward(x):
    gate = 1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x * x * x))
    return 0.5 * x * gate, (x, gate)


def gelu_backward(dy, cache):
    x, gate = cache
    return dy * 0.5 * gate * (1 + x * (2 - gate) * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x * x))


def right_only_elsewhere(x, shift, scale):
    """Right, but for the width of the small DiT, which the exercise never has."""
    gain = 1 + scale[:, None]
    y = x * gain + shift[:, None]
    return (y + 1 if x.shape[-1] == 8 else y), (x, gain)


def modulate_backward(dy, cache):
    x, gain = cache
    return dy * gain, dy.sum(axis=1), (dy * x).sum(axis=1)


def not_yet(*arguments):
    raise NotImplementedError


def test_the_small_dit_depends_on_every_pair():
    """A pair that it didn't use would never be found wrong. A softmax serves the student's own attention alone."""
    with minidit.using(**Parts(**own_of(PAIRS)).fitted([n for p in PAIRS for n in PAIRS[p]])) as calls:
        small_run({})
    unused = {name for names in PAIRS.values() for name in names if not calls[name]}
    assert unused <= {"softmax_forward", "softmax_backward", "mse_backward"}


def own_of(pairs):
    """minidit's functions by name, as if they were a student's."""
    return {
        name: getattr(optimizer if hasattr(optimizer, name) else layers, name) for pair in pairs for name in PAIRS[pair]
    }


def test_every_gradient_of_the_small_dit_is_alive():
    gradient = small_run({})["the gradient"]
    assert np.count_nonzero(gradient) > 0.99 * gradient.size  # but for words and places that no prompt has


def test_functions_of_a_student_give_the_same_run():
    ours, theirs = small_run({}), Parts(linear_forward, linear_backward)("linear")
    for what, expected in ours.items():
        assert np.allclose(theirs[what], expected, rtol=1e-9, atol=1e-9), what


def test_minidit_is_itself_again_after_a_run():
    before = layers.linear_forward
    Parts(linear_forward, linear_backward)("linear")
    assert layers.linear_forward is before


# -------------------------------------------------------------------------------------------------- who is it


def test_all_right_is_no_culprit(capsys):
    mine = Parts(linear_forward, linear_backward, gelu_forward, gelu_backward)
    assert find_culprit(mine) is None
    assert say_culprits(mine) == []
    assert capsys.readouterr().out.startswith("✓ all 4 functions are right")


def test_a_wrong_function_is_named_with_what_its_check_says():
    culprit = find_culprit({"linear_forward": linear_forward, "linear_backward": db_mean})
    assert culprit.functions == ("linear_backward",)
    assert culprit.says.startswith("✗ linear_backward: db")


def test_what_no_check_sees_is_found_in_the_network():
    parts = {"modulate_forward": right_only_elsewhere, "modulate_backward": modulate_backward}
    assert all(is_right(name, function) for name, function in parts.items())
    culprit = find_culprit(parts)
    assert culprit.functions == ("modulate_forward", "modulate_backward")
    assert culprit.says.startswith("✗ modulate: it passes its checks, but in a DiT the prediction comes out wrong.")


def test_what_raises_in_the_network_is_said():
    def modulate_forward(x, shift, scale):
        if x.shape[-1] == 8:
            raise ValueError("eight is too many")
        return right_only_elsewhere(x, shift, scale)

    culprit = find_culprit({"modulate_forward": modulate_forward, "modulate_backward": modulate_backward})
    assert culprit.says == "✗ modulate: it passes its checks, but in a DiT it raised ValueError: eight is too many"


def test_a_backward_that_takes_another_cache_is_found():
    """Each is right with a cache of its own kind, and they don't fit."""

    def gelu_forward(x, training=True):
        y, (derivative,) = layers.gelu_forward(x)
        return y, (derivative, derivative)

    found = find_culprit({"gelu_forward": gelu_forward, "gelu_backward": gelu_backward})
    assert found.functions == ("gelu_forward",)


def test_what_is_not_written_is_no_culprit_but_not_in_place_either():
    mine = Parts(linear_forward, linear_backward, silu_forward=not_yet, silu_backward=not_yet)
    assert find_culprit(mine) is None
    assert [culprit.written for culprit in culprits(mine)] == [False, False]
    assert set(mine.in_place()) == {"linear_forward", "linear_backward"}


def test_what_is_not_written_is_said_in_one_line(capsys):
    say_culprits(Parts(linear_forward, linear_backward, silu_forward=not_yet, silu_backward=not_yet))
    out = capsys.readouterr().out
    assert out == "○ not written yet, so that minidit's own stand in: silu_forward, silu_backward.\n"


def test_half_a_pair_is_not_in_place():
    mine = Parts(linear_forward, linear_backward=not_yet, gelu_forward=gelu_forward)
    assert mine.in_place() == {}


def test_only_right_pairs_are_in_place():
    mine = Parts(gelu_forward, gelu_backward, linear_forward=linear_forward, linear_backward=db_mean)
    assert set(mine.in_place()) == {"gelu_forward", "gelu_backward"}


def test_checks_are_said_one_by_one(capsys):
    say_checks(linear_forward, not_yet, linear_backward)
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "✓ linear_forward", "✓ linear_backward",
    ]  # fmt: skip


# ---------------------------------------------------------------------------------- among minidit's functions


def test_float64_is_turned_back_and_noted():
    mine = Parts(gelu_forward, gelu_backward)
    run = small_run(mine.fitted(PAIRS["gelu"]), dtype=np.float32)
    assert {value.dtype for name, value in run.items() if name != "the loss"} == {np.dtype(np.float32)}
    assert set(mine.promoted) == {"gelu_forward", "gelu_backward"}
    assert mine.on_precision().startswith("made float64 of float32: gelu_backward, gelu_forward.")


def test_float64_alone_makes_nobody_a_culprit():
    mine = Parts(gelu_forward, gelu_backward)
    assert culprits(mine) == []
    assert set(mine.in_place()) == {"gelu_forward", "gelu_backward"}


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
    assert np.array_equal(run["the gradient"], small_run({})["the gradient"])


def test_a_function_that_hands_on_to_itself_is_named():
    def silu_forward(x):
        return layers.silu_forward(x)

    culprit = find_culprit({"silu_forward": silu_forward, "silu_backward": layers.silu_backward})
    assert culprit.functions == ("silu_forward",)


def test_batch_gradients_are_those_of_training():
    """Measured, in other words than theirs."""
    from minidit.course.capstone import small_batch, small_network
    from minidit.training.job import PATH

    network, (data, noise, t, words) = small_network(), small_batch()
    loss, grads = batch_gradients(network, data, noise, t, words)
    name, step = "final_layer.linear.bias", 1e-6
    moved = []
    for by in (step, -step):
        network.params[name][0] += by
        prediction, _ = network.forward(PATH.noised(data, noise, t), 1000 * t, words)
        weight = 1 / np.maximum(1 - t, 0.05) ** 2
        moved.append(np.mean(weight[:, None, None, None, None] * (prediction - data) ** 2))
        network.params[name][0] -= by
    assert math.isclose(loss, sum(moved) / 2, rel_tol=1e-6)
    assert math.isclose(grads[name][0], (moved[0] - moved[1]) / (2 * step), rel_tol=1e-6)
