"""nbgrader takes the editions as they are: it hands out, grades in parts, and gives feedback."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from minidit.course.builder import as_bytes, editions_of
from minidit.course.editions import CLASSROOM, SOLUTIONS
from minidit.course.source import read_lesson

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from made_up import EXERCISES, NAME, write_lesson

pytest.importorskip("nbgrader", reason="needs nbgrader: pip install 'minidit[teach]'")
pytestmark = pytest.mark.lessons

NUMBERS = {"doubled-answer": "doubled = np.array([2, 4, 6])"}
OTHERWISE = {"mean_forward-answer": "def mean_forward(x):\n    return sum(x) / len(x)"}
OVER_BOTH_AXES = {"mean_forward-answer": "def mean_forward(x):\n    return 0 * x[0] + x.mean()"}
STUDENTS = {"complete": NUMBERS | OTHERWISE, "half": NUMBERS | OVER_BOTH_AXES, "wrong": {}}


def nbgrader(root, *words):
    """Runs a command of nbgrader's, which looks on the path for another one that is installed beside it."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [sys.executable, "-m", "nbgrader", *words]
    result = subprocess.run(command, cwd=root, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def answered(text, answers):
    """A notebook with these answers, by the ids of their cells."""
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        cell.source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    return nbformat.writes(notebook)


def test_three_students_are_graded_with_partial_credit_whichever_edition_they_were_given(tmp_path):
    lessons = write_lesson(tmp_path)
    editions = editions_of(read_lesson(lessons / "source" / f"{NAME}.py"), lessons, exercises=EXERCISES)
    source = tmp_path / "source" / "week"
    source.mkdir(parents=True)
    (source / f"{NAME}.ipynb").write_bytes(as_bytes(editions[SOLUTIONS]))
    shutil.copy(lessons / "checks.py", source)

    nbgrader(tmp_path, "generate_assignment", "week")
    release = (tmp_path / "release" / "week" / f"{NAME}.ipynb").read_text(encoding="utf-8")
    assert "x.sum(axis=0)" not in release
    assert "check.points" not in release
    assert "doubled = ..." in release  # which nbgrader's own stub wouldn't say

    given = {"release": release, "classroom": as_bytes(editions[CLASSROOM]).decode()}
    for handed_out, text in given.items():
        for student, answers in STUDENTS.items():
            folder = tmp_path / "submitted" / f"{student}-{handed_out}" / "week"
            folder.mkdir(parents=True)
            (folder / f"{NAME}.ipynb").write_text(answered(text, answers), encoding="utf-8")
    nbgrader(tmp_path, "autograde", "week", "--create")
    nbgrader(tmp_path, "generate_feedback", "week")
    nbgrader(tmp_path, "export")

    with open(tmp_path / "grades.csv", encoding="utf-8") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    for handed_out in given:
        assert scores[f"complete-{handed_out}"] == 5
        assert 1 < scores[f"half-{handed_out}"] < 5
        assert scores[f"wrong-{handed_out}"] == 0
    feedback = (tmp_path / "feedback" / "half-classroom" / "week" / f"{NAME}.html").read_text(encoding="utf-8")
    assert "✗ mean_forward" in feedback
