"""What a check says, and how it looks."""

import io
import sys

import numpy as np
import pytest

from minidit.course.report import NOT_STARTED, PASSED, WRONG, Report, apart, did_you_mean, say, short


def test_a_verdict_comes_first_and_details_below():
    report = Report("f", WRONG, says="dx has shape (3,).", details=("worst", "because"), printed=("hello",))
    assert str(report) == "✗ f: dx has shape (3,).\n  worst\n  because\n  It printed:\n    hello"


@pytest.mark.parametrize(("verdict", "mark"), [(PASSED, "✓"), (NOT_STARTED, "○"), (WRONG, "✗")])
def test_each_verdict_has_its_mark(verdict, mark):
    assert str(Report("f", verdict, says="so.")) == f"{mark} f: so."
    assert Report("f", verdict).passed is (verdict == PASSED)


def test_as_the_value_of_a_cell_nothing_is_said_twice():
    assert Report("f", PASSED)._ipython_display_() is None


def test_a_terminal_without_the_signs_gets_others(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "cp1252"))
    say("✗ f: 2 × √3 … ŷ")
    sys.stdout.flush()
    assert raw.getvalue().decode().strip() == "x f: 2 x sqrt 3 ... ?"


def test_a_near_name_is_asked_for():
    assert did_you_mean("sofmax_forward", ["softmax_forward", "mse_backward"]) == "Did you mean softmax_forward? "
    assert did_you_mean("zzz", ["softmax_forward"]) == ""


def test_numbers_are_short():
    assert [short(x) for x in (7.0, -0.0, -0.75, 1 / 3, 1e-9)] == ["7", "0", "-0.75", "0.333333", "1e-09"]


def test_two_numbers_get_digits_enough_to_tell_them_apart():
    assert apart(10.0000001, 10) == ("10.0000001", "10")
    assert apart(0.4, 0.3999999) == ("0.4", "0.3999999")
    assert apart(np.float32(0.1), 0.1) == ("0.100000001", "0.1")
    assert apart(3, 4.5) == ("3", "4.5")
    assert apart(-0.0, 1) == ("0", "1")
    assert apart(7, 7) == ("7", "7")
