"""The capstone: a student's functions among minidit's."""

import sys
from pathlib import Path

import numpy as np

from minidit.course.capstone import Parts, say_culprits
from minidit.course.small_dit import small_run
from minidit.reference import linear_backward, linear_forward, silu_backward, silu_forward

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from by_a_student import db_mean, gelu_forward, not_yet


def test_functions_of_a_student_give_the_same_run():
    ours, theirs = small_run({}), Parts(linear_forward, linear_backward)("linear")
    for what, expected in ours.items():
        assert np.allclose(theirs[what], expected, rtol=1e-9, atol=1e-9), what


def test_what_is_not_written_is_said_in_one_line(capsys):
    say_culprits(Parts(linear_forward, linear_backward, silu_forward=not_yet, silu_backward=not_yet))
    out = capsys.readouterr().out
    assert out == "○ not written yet, so that minidit's own stand in: silu_forward, silu_backward.\n"


def test_half_a_pair_is_not_in_place():
    mine = Parts(linear_forward, linear_backward=not_yet, gelu_forward=gelu_forward)
    assert mine.in_place() == {}


def test_only_right_pairs_are_in_place():
    mine = Parts(silu_forward, silu_backward, linear_forward=linear_forward, linear_backward=db_mean)
    assert set(mine.in_place()) == {"silu_forward", "silu_backward"}
