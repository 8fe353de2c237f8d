"""`check.NAME(answer)`, as a lesson calls it."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from minidit.course import check, exercises, progress
from minidit.course.exercise import Exercise, Numbers, by_hand


def doubled(x):
    return 2 * x


EXERCISES = {
    "doubled": Exercise("doubled", 1, "", ("y",), doubled, (by_hand(np.arange(6.0).reshape(2, 3)),), points=3),
    "count": Numbers("count", 1, "", lambda: 7, points=2),
}


@pytest.fixture(autouse=True)
def two_exercises(monkeypatch):
    monkeypatch.setattr(exercises, "all_exercises", lambda: EXERCISES)


@pytest.fixture
def notebook(monkeypatch):
    """As if in a notebook's kernel; returns the drawings that were made."""
    drawn = []
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    from minidit.course import draw

    monkeypatch.setattr(draw, "compare", lambda got, expected, *, alt: drawn.append((got, expected, alt)))
    return drawn


def test_a_check_prints_its_verdict_and_returns_the_report(capsys):
    report = check.doubled(doubled)
    assert report.passed
    assert capsys.readouterr().out == "✓ doubled: shapes, hand numbers, inputs untouched.\n"
    check.doubled(lambda x: 3 * x)
    assert "1.5 times too large" in capsys.readouterr().out


def test_a_pass_is_noted_and_stays(own_progress):
    check.doubled(lambda x: x)
    assert progress.passed() == {}
    check.doubled(doubled)
    check.doubled(lambda x: x)
    assert list(progress.passed()) == ["doubled"]


def test_in_a_notebook_a_pass_draws_ones_own_result_beside_the_reference(notebook):
    check.doubled(doubled)
    [(got, expected, alt)] = notebook
    assert np.array_equal(got, expected) and got.shape == (2, 3)
    assert alt.startswith("Your y beside the reference's")


def test_what_is_wrong_or_a_number_is_not_drawn(notebook):
    check.doubled(lambda x: x)
    check.count(7)
    assert not notebook


def test_outside_of_a_notebook_nothing_is_drawn_nor_matplotlib_loaded():
    code = (
        "import sys; from minidit.course import check, engine, exercise, exercises; import numpy as np;"
        "f = lambda x: 2 * x; e = exercise.Exercise('f', 1, '', ('y',), f, (exercise.by_hand(np.ones((2, 3))),));"
        "exercises.all_exercises = lambda: {'f': e}; check.f(f); assert 'matplotlib' not in sys.modules"
    )
    assert "✓ f" in subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_a_check_is_worth_its_verdict_without_matplotlib(notebook, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "minidit.course.draw", None)  # as if it could not be imported
    monkeypatch.delattr("minidit.course.draw")
    assert check.doubled(doubled).passed


def test_an_unknown_check_is_no_riddle():
    with pytest.raises(AttributeError, match="there is no check called 'doubld'. Did you mean doubled"):
        check.doubld  # noqa: B018


def test_completion_offers_all_checks():
    assert {"doubled", "count"} <= set(dir(check))


def test_points_are_by_stages():
    assert check.points("doubled", doubled) == 3
    assert check.points("doubled", lambda x: 3 * x) == 1  # the shapes
    assert check.points("doubled", ...) == 0
    assert check.points("count", 7) == 2
    assert check.points("count", 8) == 0
