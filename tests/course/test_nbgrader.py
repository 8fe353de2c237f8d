"""nbgrader takes the editions as they are: it hands out, grades in parts, and gives feedback.

A course of one week with two notebooks, one made up and one of the lessons, and three students: all right, in other
words than the solution's; every second answer wrong; nothing or all wrong. The second one got what nbgrader made, the
others the classroom edition.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from minidit.course.builder import as_bytes, editions_of
from minidit.course.editions import CLASSROOM, SOLUTIONS
from minidit.course.engine import examine
from minidit.course.exercises import exercise_of
from minidit.course.grading.assigned import assignments
from minidit.course.grading.notebook import grade_notebook
from minidit.course.grading.process import Limits
from minidit.course.grading.roster import roster
from minidit.course.source import read_lesson

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from handed_in import answers_of_lesson, as_code
from made_up import EXERCISES, NAME, write_lesson

pytest.importorskip("nbgrader", reason="needs nbgrader: pip install -e '.[teach]'")
pytestmark = pytest.mark.lessons

LESSONS, LESSON = Path(__file__).parents[2] / "lessons", "07_apply_scale_and_shift"
WEEK, STUDENTS = "week", ("complete", "half", "wrong")
NUMBERS = {"doubled-answer": "doubled = np.array([2, 4, 6])"}
OTHERWISE = {"mean_forward-answer": "def mean_forward(x):\n    return sum(x) / len(x)"}
OVER_BOTH_AXES = {"mean_forward-answer": "def mean_forward(x):\n    return 0 * x[0] + x.mean()"}
MADE_UP = {"complete": NUMBERS | OTHERWISE, "half": NUMBERS | OVER_BOTH_AXES, "wrong": {}}


def nbgrader(root, *words):
    """Runs a command of nbgrader's, which looks on the path for another one that is installed beside it."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    own = {"PATH": path, "MINIDIT_PROGRESS": str(root / "progress.jsonl")}
    command = [sys.executable, "-m", "nbgrader", *words]
    result = subprocess.run(command, cwd=root, env=os.environ | own, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def answered(text, answers):
    """A notebook with these answers, by the ids of their cells."""
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        cell.source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    return nbformat.writes(notebook)


def answers_to(lesson):
    """The students' answers to a lesson, and what they are worth: {student: {cell: code}}, {student: points}."""
    module = answers_of_lesson(int(lesson.name[:2]))
    answers, worth = {student: {} for student in STUDENTS}, dict.fromkeys(STUDENTS, 0.0)
    for i, task in enumerate(lesson.tasks):
        known, exercise = module.ANSWERS[task.name], exercise_of(task.name)
        for student, wrong in (("complete", False), ("half", i % 2 == 1), ("wrong", True)):
            answer = known.wrong[0][0] if wrong else known.right[0]
            answers[student][f"{task.name}-answer"] = as_code(task.argument, answer, module)
            worth[student] += round(exercise.points * examine(exercise, answer, seconds=30).share, 2)
    return answers, worth


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The course, graded: its root, what the lesson's answers are worth, and what nbgrader hands out."""
    root = tmp_path_factory.mktemp("course")
    made_up = write_lesson(root)
    lesson = read_lesson(LESSONS / "source" / f"{LESSON}.py")
    answers, worth = answers_to(lesson)
    editions = {
        NAME: editions_of(read_lesson(made_up / "source" / f"{NAME}.py"), made_up, exercises=EXERCISES),
        LESSON: editions_of(lesson, LESSONS, executing=False),
    }
    source = root / "source" / WEEK
    source.mkdir(parents=True)
    shutil.copy(made_up / "checks.py", source)
    for name, notebooks in editions.items():
        (source / f"{name}.ipynb").write_bytes(as_bytes(notebooks[SOLUTIONS]))
        (root / "lessons" / CLASSROOM).mkdir(exist_ok=True)
        (root / "lessons" / CLASSROOM / f"{name}.ipynb").write_bytes(as_bytes(notebooks[CLASSROOM]))
    nbgrader(root, "generate_assignment", WEEK)
    released = {name: (root / "release" / WEEK / f"{name}.ipynb").read_text(encoding="utf-8") for name in editions}
    for student in STUDENTS:
        folder = root / "submitted" / student / WEEK
        folder.mkdir(parents=True)
        for name, theirs in ((NAME, MADE_UP[student]), (LESSON, answers[student])):
            given = released[name] if student == "half" else as_bytes(editions[name][CLASSROOM]).decode()
            (folder / f"{name}.ipynb").write_text(answered(given, theirs), encoding="utf-8")
    nbgrader(root, "autograde", WEEK, "--create", "--Execute.timeout=600")
    nbgrader(root, "generate_feedback", WEEK)
    return SimpleNamespace(root=root, worth=worth, released=released, possible=float(len(lesson.tasks)))


@pytest.fixture(scope="module")
def scores(course):
    """The scores in nbgrader's gradebook: {name of a notebook: {student: score}}."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as book:
        return {
            name: {student: book.find_submission_notebook(name, WEEK, student).score for student in STUDENTS}
            for name in (NAME, LESSON)
        }


def test_what_is_handed_out_has_no_solutions(course):
    assert "x.sum(axis=0)" not in course.released[NAME]
    assert "doubled = ..." in course.released[NAME]  # which nbgrader's own stub wouldn't say
    for text in course.released.values():
        assert "check.points" not in text
        assert "BEGIN SOLUTION" not in text


def test_three_students_are_graded_with_partial_credit_whichever_edition_they_were_given(course, scores):
    assert scores[NAME]["complete"] == 5
    assert 1 < scores[NAME]["half"] < 5
    assert scores[NAME]["wrong"] == 0
    assert scores[LESSON] == pytest.approx(course.worth, abs=1e-6)
    assert course.worth["complete"] == course.possible
    assert 0.4 * course.possible < course.worth["half"] < 0.9 * course.possible
    assert 0 < course.worth["wrong"] < 0.5 * course.possible  # for the shapes


def test_feedback_says_what_the_checks_say(course):
    feedback = course.root / "feedback"
    assert "✗ mean_forward" in (feedback / "half" / WEEK / f"{NAME}.html").read_text(encoding="utf-8")
    assert "✗ modulate_forward" in (feedback / "wrong" / WEEK / f"{LESSON}.html").read_text(encoding="utf-8")


def test_minidit_grades_the_same_folder_with_the_same_points(course):
    lessons = course.root / "lessons"
    (lessons / CLASSROOM / f"{NAME}.ipynb").unlink()  # its exercises are not the course's
    known = assignments(lessons)
    for student in roster(course.root, known).students:
        ((number, submission),) = student.submissions.items()
        grades = grade_notebook(submission.cells, known[number], Limits())
        assert sum(grade.points for grade in grades) == pytest.approx(course.worth[student.name], abs=1e-6)
        assert not any(grade.note for grade in grades)
