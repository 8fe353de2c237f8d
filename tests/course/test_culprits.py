"""Which function is to blame, and in what words."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minidit import layers
from minidit.course.capstone import Parts, find_culprit, is_right, say_culprits
from minidit.course.culprits import culprits
from minidit.course.engine import examine
from minidit.course.exercises import by_lesson, exercise_of
from minidit.course.report import NOT_STARTED, WRONG
from minidit.course.self_test import solution
from minidit.reference import (
    attention_backward,
    linear_backward,
    linear_forward,
    modulate_backward,
    modulate_forward,
    silu_backward,
    silu_forward,
)

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from by_a_student import db_mean, gelu_backward, gelu_forward, not_yet, right_only_elsewhere


def test_all_right_is_no_culprit(capsys):
    mine = Parts(linear_forward, linear_backward, silu_forward, silu_backward)
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
    says, worst, _ = culprit.says.split("\n")
    assert says.startswith("✗ modulate: it passes its checks, but in a DiT the prediction has the right shape, but")
    assert re.fullmatch(r"  worst at \[.*\]: got .*, expected .*", worst)


def test_what_no_check_sees_on_the_way_back_is_named_by_parameter_and_place():
    def right_only_elsewhere_backward(dy, cache):
        dx, dshift, dscale = modulate_backward(dy, cache)
        return dx, dshift, dscale * (2 if dy.shape[-1] == 8 else 1)

    culprit = find_culprit({"modulate_forward": modulate_forward, "modulate_backward": right_only_elsewhere_backward})
    says, worst, _ = culprit.says.split("\n")
    assert re.match(r"✗ modulate: .* in a DiT the gradient of [\w.]+\.weight has the right shape, but", says)
    assert re.match(r"  worst at \[\d+, \d+\]: got", worst)


def test_what_raises_in_the_network_is_said():
    def modulate_forward(x, shift, scale):
        if x.shape[-1] == 8:
            raise ValueError("eight is too many")
        return right_only_elsewhere(x, shift, scale)

    culprit = find_culprit({"modulate_forward": modulate_forward, "modulate_backward": modulate_backward})
    says = "✗ modulate: it passes its checks, but in a DiT it raised ValueError: eight is too many"
    assert culprit.says.split("\n")[0] == says


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


def test_a_function_that_hands_on_to_itself_is_named():
    def silu_forward(x):
        return layers.silu_forward(x)

    culprit = find_culprit({"silu_forward": silu_forward, "silu_backward": layers.silu_backward})
    assert culprit.functions == ("silu_forward",)


def test_a_dtype_that_its_check_rejects_makes_a_culprit():
    assert [culprit.functions for culprit in culprits(Parts(gelu_forward, gelu_backward))] == [
        ("gelu_forward",), ("gelu_backward",),
    ]  # fmt: skip




def names_of(exercise):
    """Of the functions that make up an answer to an own_... exercise."""
    return [report.name for report in exercise.parts(exercise.reference)]


SLIPS = {
    (exercise.name, name, slip.name)
    for exercise in by_lesson()[15]
    if exercise.parts
    for name in names_of(exercise)
    for slip in exercise_of(name).slips
}


@pytest.mark.parametrize(("own", "name", "slip_name"), sorted(SLIPS))
def test_no_function_passes_with_a_slip_of_its_own_exercise(own, name, slip_name):
    exercise, part = exercise_of(own), exercise_of(name)
    assert examine(exercise, Parts(**right_parts(exercise))).passed
    for slip in part.slips:
        if slip.name == slip_name:
            wrong = solution(replace(part, reference=slip.wrong))
            report = examine(exercise, Parts(**right_parts(exercise) | {name: wrong}))
            assert (report.verdict, report.says.split(": ")[0]) == (WRONG, name)
            assert report.share < 1


def right_parts(exercise):
    """Right functions for an own_... exercise, by name."""
    found = {name: solution(exercise_of(name)) for name in names_of(exercise)}
    return found | {name: filling for name in found if name == "attention_backward"}


def filling(dy, cache, out=None):
    """Attention's backward, which fills `out` and returns the gradients."""
    grads = attention_backward(dy, cache)
    for place, grad in zip(out or (), grads, strict=out is not None):
        place[...] = grad
    return grads


@pytest.mark.parametrize(
    ("own", "name", "wrong"),
    [
        ("own_attention", "softmax_backward", lambda dy, cache: dy * cache[0] * (1 - cache[0])),
        ("own_attention", "softmax_forward", lambda x: with_cache(np.exp(x) / np.exp(x).sum(-1, keepdims=True))),
        ("own_optimizer", "clip_scale", lambda squared, limit: limit / (squared**0.5 + 1e-6)),
        ("own_modulation", "gated_residual_forward", lambda x, h, gate: in_place(x, h, gate)),
    ],
)
def test_what_its_own_exercise_rejects_the_network_never_sees(own, name, wrong):
    exercise = exercise_of(own)
    report = examine(exercise, Parts(**right_parts(exercise) | {name: wrong}))
    assert (report.verdict, report.says.split(": ")[0]) == (WRONG, name)


def with_cache(y):
    return y, (y,)


def in_place(x, h, gate):
    x += gate[..., None, :] * h
    return x, (h, gate)


def test_an_answer_that_can_only_be_called_is_taken_apart_too():
    """As in grading, where the functions are in another process."""
    exercise = exercise_of("own_linear")
    mine = Parts(linear_forward, linear_backward=db_mean)
    report = examine(exercise, lambda *arguments: mine(*arguments))
    assert report.says == examine(exercise, mine).says
    assert report.says.startswith("linear_backward: db")


def test_what_is_written_earns_its_share():
    exercise = exercise_of("own_linear")
    report = examine(exercise, Parts(linear_forward, linear_backward=not_yet))
    assert (report.verdict, report.says) == (NOT_STARTED, "not started. linear_backward is not written yet.")
    assert report.share == 1 / 3


def test_a_feed_forward_network_may_call_the_students_own_gelu():
    ours, backward = exercise_of("gelu_forward").reference, exercise_of("gelu_backward").reference

    def feedforward_forward(x, w1, b1, w2, b2):
        hidden, gelu_cache = ours(x @ w1 + b1)
        return hidden @ w2 + b2, ((x, w1), gelu_cache, (hidden, w2))

    def feedforward_backward(dy, cache):
        first, gelu_cache, second = cache
        dh, dw2, db2 = layers.linear_backward(dy, second)
        return *layers.linear_backward(backward(dh, gelu_cache), first), dw2, db2

    exercise = exercise_of("own_feed_forward")
    mine = Parts(feedforward_forward, feedforward_backward, gelu_forward=ours, gelu_backward=backward)
    assert examine(exercise, mine).passed
    assert examine(exercise, lambda *arguments: mine(*arguments)).passed
    assert culprits(mine) == []
    wrong = Parts(feedforward_forward, feedforward_backward, gelu_forward=lambda x: ours(2 * x), gelu_backward=backward)
    assert examine(exercise, wrong).says.startswith("gelu_forward: ")


def test_attentions_backward_needs_no_out():
    mine = right_parts(exercise_of("own_attention")) | {"attention_backward": attention_backward}
    assert examine(exercise_of("own_attention"), Parts(**mine)).passed
