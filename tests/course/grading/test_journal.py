import json
import os
from dataclasses import replace

import pytest

from minidit.course.grading.assigned import Assignment
from minidit.course.grading.journal import Journal, journal_of, key_of
from minidit.course.grading.notebook import Cell
from minidit.course.grading.process import Limits
from minidit.course.grading.results import Grade
from minidit.errors import UserError

GRADES = [
    Grade("07", "a", "7.1 A", 0.5, 1, "wrong", "off \ud800", ("line",), "note"),
    Grade("07", "b", "", 1, 1, "passed"),
]
LESSON = Assignment("07_made_up", (), frozenset({"x = 1"}), "Made up")
CELLS = (Cell(3, ("a", "b"), "y = '\ud800'"),)


def begun(path, **options):
    journal = Journal(path, **options)
    journal.begin()
    return journal


def test_what_is_noted_is_known_the_next_time(tmp_path):
    path = journal_of(tmp_path / "folder" / "grades.csv")
    assert path == tmp_path / "folder" / "grades.graded.jsonl"
    journal = begun(path)
    journal.note("one", GRADES)
    journal.note("two", GRADES[:1])
    assert begun(path).grades == {"one": GRADES, "two": GRADES[:1]}
    assert Journal(path, afresh=True).grades == {}
    begun(path, afresh=True)
    assert begun(path).grades == {}


def test_wherever_it_is_cut_off_what_was_noted_before_is_kept(tmp_path):
    path = tmp_path / "grades.graded.jsonl"
    journal = begun(path)
    journal.note("one", GRADES)
    first = path.stat().st_size
    journal.note("two", GRADES)
    whole = path.read_bytes()
    for size in (*range(0, len(whole), 7), first - 1, first):
        path.write_bytes(whole[:size])
        found = begun(path)
        assert list(found.grades) == ["one"] * (size >= first)
        found.note("three", GRADES)
        assert list(begun(path).grades) == ["one"] * (size >= first) + ["three"]


def test_a_full_disk_is_said_and_costs_nothing_that_was_noted(tmp_path, monkeypatch):
    path = tmp_path / "grades.graded.jsonl"
    journal = begun(path)
    journal.note("one", GRADES)

    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(UserError, match="No space left on device. What was graded before is in it: make room"):
            journal.note("two", GRADES)
    assert "one" in begun(path).grades


def test_another_file_of_that_name_is_left_alone(tmp_path):
    path = tmp_path / "grades.graded.jsonl"
    for text in ("mine\n", '{"mine": 1}\n', "mine"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match="is in the way"):
            Journal(path)
        assert path.read_text(encoding="utf-8") == text


def test_lines_that_mean_nothing_are_passed_over(tmp_path):
    path = tmp_path / "grades.graded.jsonl"
    begun(path).note("one", GRADES)
    with path.open("a", encoding="utf-8") as file:
        file.write('nonsense\n{"key": 3}\n[]\n{"key": "x", "grades": [{}]}\n')
    assert list(begun(path).grades) == ["one"]


def test_it_knows_the_files_that_it_wrote(tmp_path):
    journal, path = begun(tmp_path / "grades.graded.jsonl"), tmp_path / "grades.csv"
    assert not journal.wrote(path)
    journal.write(path, b"1")
    journal.write(path, b"2")
    assert path.read_bytes() == b"2"
    again = begun(tmp_path / "grades.graded.jsonl")
    assert again.wrote(path)
    path.write_bytes(b"2, and what a teacher added")
    assert not again.wrote(path)


def test_the_key_is_of_all_that_grades_depend_on(monkeypatch):
    keys = {
        key_of(CELLS, LESSON, Limits()),
        key_of((replace(CELLS[0], source="y = 2"),), LESSON, Limits()),
        key_of((replace(CELLS[0], ids=("a",)),), LESSON, Limits()),
        key_of(CELLS, replace(LESSON, cells=frozenset()), Limits()),
        key_of(CELLS, replace(LESSON, name="08_made_up"), Limits()),
        key_of(CELLS, LESSON, Limits(seconds=3)),
    }
    assert len(keys) == 6
    assert key_of(CELLS, LESSON, Limits()) in keys
    monkeypatch.setattr("minidit.course.grading.journal.checks_digest", lambda: "changed")
    assert key_of(CELLS, LESSON, Limits()) not in keys
    assert json.dumps(sorted(keys))
