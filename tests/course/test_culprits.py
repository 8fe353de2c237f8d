"""Which function is to blame, and in what words."""

import sys
from pathlib import Path

from minidit import layers
from minidit.course.capstone import Parts, find_culprit, is_right, say_culprits
from minidit.course.culprits import culprits
from minidit.reference import linear_backward, linear_forward, modulate_backward

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from by_a_student import db_mean, gelu_backward, gelu_forward, not_yet, right_only_elsewhere


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


def test_a_function_that_hands_on_to_itself_is_named():
    def silu_forward(x):
        return layers.silu_forward(x)

    culprit = find_culprit({"silu_forward": silu_forward, "silu_backward": layers.silu_backward})
    assert culprit.functions == ("silu_forward",)


def test_float64_alone_makes_nobody_a_culprit():
    mine = Parts(gelu_forward, gelu_backward)
    assert culprits(mine) == []
    assert set(mine.in_place()) == {"gelu_forward", "gelu_backward"}
