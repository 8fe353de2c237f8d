import pytest

from minidit.cli import main
from minidit.commands.progress import bar
from minidit.course import exercises
from minidit.course.exercise import Numbers
from minidit.course.progress import note
from minidit.course.report import PASSED, Report


@pytest.fixture(autouse=True)
def three_exercises(monkeypatch, tmp_path):
    monkeypatch.setenv("MINIDIT_PROGRESS", str(tmp_path / "progress.jsonl"))
    found = {name: Numbers(name, lesson, "", lambda: 1) for name, lesson in (("a", 2), ("b", 2), ("c", 3))}
    monkeypatch.setattr(exercises, "all_exercises", lambda: found)


def shown(capsys):
    assert main(["progress"]) == 0
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_at_first_every_bar_is_empty(capsys, tmp_path):
    assert shown(capsys) == [
        "2 patches ░░░░░░░░░░░░░░░░ 0 of 2 next: a",
        "3 visual encoder ░░░░░░░░░░░░░░░░ 0 of 1 next: c",
        "all lessons ░░░░░░░░░░░░░░░░ 0 of 3",
        f"Kept in {tmp_path / 'progress.jsonl'}. Running a cell again takes nothing away.",
    ]


def test_what_was_passed_fills_it_and_the_next_one_is_named(capsys):
    note(Report("a", PASSED))
    note(Report("c", PASSED))
    note(Report("gone", PASSED))  # of an earlier edition
    assert shown(capsys)[:3] == [
        "2 patches ████████░░░░░░░░ 1 of 2 next: b",
        "3 visual encoder ████████████████ 1 of 1 ✓",
        "all lessons ██████████░░░░░░ 2 of 3",
    ]


def test_a_bar_is_full_or_empty_only_if_all_or_none_is_there():
    assert bar(1, 1000).count("█") == 1
    assert bar(999, 1000).count("░") == 1
    assert bar(1000, 1000).count("█") == 16
    assert bar(0, 5).count("█") == 0
