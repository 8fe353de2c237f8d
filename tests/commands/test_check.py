from types import SimpleNamespace

import numpy as np
import pytest

from minidit.cli import main
from minidit.course import exercises, self_test
from minidit.course.exercise import Exercise, Numbers, by_hand


def doubled(x):
    return 2 * x


@pytest.fixture(autouse=True)
def two_exercises(monkeypatch):
    found = {
        "doubled": Exercise(
            "doubled", 3, "twice", ("y",), doubled, (by_hand(np.ones((2, 3))),), difficulty=2, minutes=10, points=3
        ),
        "count": Numbers("count", 4, "Patches", lambda: 7, minutes=20),
    }
    monkeypatch.setattr(exercises, "all_exercises", lambda: found)


@pytest.fixture
def answers(monkeypatch):
    found = {
        "doubled": SimpleNamespace(right=[lambda x: x + x], wrong=[(lambda x: -2 * x, "sign")]),
        "count": SimpleNamespace(right=[7.0], wrong=[]),
    }
    monkeypatch.setattr(self_test, "answers_in", lambda folder: found)
    return found


@pytest.mark.parametrize("words", [["check"], ["check", "--list"]])
def test_it_lists_the_exercises_by_lesson(words, capsys):
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()) for line in lines if line] == [
        "3 visual encoder",
        "●●○ 10 min 3 points doubled Twice",
        "4 add noise",
        "●○○ 20 min 1 point count Patches",
        "2 exercises in 2 lessons, 0.5 hours, 4 points.",
    ]


def test_the_self_test_prints_its_table(answers, capsys):
    assert main(["check", "--self-test"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "accepted 100.0%, rejected 100.0%, called by name 100.0%, misleading 0.0%"


def test_a_check_that_does_not_hold_ends_with_an_error(answers, capsys):
    answers["count"].wrong.append((7, None))
    assert main(["check", "--self-test"]) == 2
    captured = capsys.readouterr()
    assert "count: wrong answer 1 is not rejected" in captured.out
    assert captured.err == "minidit: not every check does what it should: see above.\n"


def test_too_few_names_are_an_error(answers, capsys):
    answers["doubled"].wrong.append((lambda x: None, None))
    assert main(["check", "--self-test"]) == 2


def test_outside_of_a_clone_one_sentence_says_where_to_be(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("minidit.files.places.PACKAGE", tmp_path / "site-packages" / "minidit")
    assert main(["check", "--self-test"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_both_at_once_are_refused(capsys):
    assert main(["check", "--list", "--self-test"]) == 2
