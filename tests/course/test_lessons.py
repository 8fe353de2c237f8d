"""The lessons as they are: built from their sources, of one form, and able to run, with answers and without.

Running all takes minutes: `pytest -m lessons`. The first one runs every time.
"""

import ast
import importlib
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from minidit.course.builder import check_lessons, notebook_file, sources
from minidit.course.editions import CLASSROOM, EDITIONS, SOLUTIONS
from minidit.course.execution import QUICK, described, errors_of, execute, said
from minidit.course.exercises import all_exercises
from minidit.course.report import MARKS, NOT_STARTED, PASSED
from minidit.course.source import Code, Text, read_lesson

LESSONS = Path(__file__).parents[2] / "lessons"
NAMES = [path.stem for path in sources(LESSONS)]
STEPS = [name for name in NAMES if 1 <= int(name[:2]) <= 14]
FIRST_AND_OTHERS = [*NAMES[:1], *(pytest.param(name, marks=pytest.mark.lessons) for name in NAMES[1:])]
PARTS = ["By hand", "In NumPy", "Backward", "In the real model", "What the worksheet left out"]
SECONDS = 600
MEGABYTES = 2
COLUMNS = 88  # of code that a window of 1280 pixels shows beside JupyterLab's sidebar


def lesson_of(name):
    return read_lesson(LESSONS / "source" / f"{name}.py")


def code_of(cell):
    return cell.text if isinstance(cell, Code) else cell.answer


def prose_of(name):
    return "\n".join(cell.text for cell in lesson_of(name).cells if isinstance(cell, Text))


# ------------------------------------------------------------------------------------------------ without running


@pytest.mark.parametrize("name", NAMES)
def test_the_notebooks_are_what_the_source_gives(name):
    check_lessons(LESSONS, [name], executing=False, progress=False)


def test_no_notebook_is_left_of_a_lesson_that_is_gone():
    for edition in EDITIONS:
        assert {path.stem for path in (LESSONS / edition).glob("[0-9][0-9]_*.ipynb")} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_solutions_have_outputs_and_are_not_large(name):
    path = notebook_file(LESSONS, SOLUTIONS, name)
    cells = {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}
    for task in lesson_of(name).tasks:
        assert f"{MARKS[PASSED]} {task.name}" in said(cells[task.name])
    assert path.stat().st_size < MEGABYTES * 1e6


@pytest.mark.parametrize("name", NAMES)
def test_no_code_is_cut_off_and_none_is_for_a_formatter(name):
    code = [line for cell in lesson_of(name).cells if not isinstance(cell, Text) for line in code_of(cell).split("\n")]
    assert [line for line in code if len(line) > COLUMNS or "fmt:" in line] == []


@pytest.mark.parametrize("name", NAMES)
def test_hints_are_written_in_html(name):
    """Markdown isn't read between HTML tags: a reader would see its backquotes and stars."""
    hints = re.findall(r"<details>.*?</details>", prose_of(name), re.DOTALL)
    assert [hint for hint in hints if re.search(r"`|(?<!\w)\*+\w[^*\n]*\*", hint)] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_alt_text_stands_last_in_its_call(name):
    calls = [
        node
        for cell in lesson_of(name).cells
        if not isinstance(cell, Text)
        for node in ast.walk(ast.parse(code_of(cell)))
        if isinstance(node, ast.Call) and any(keyword.arg == "alt" for keyword in node.keywords)
    ]
    assert [ast.unparse(call.func) for call in calls if call.keywords[-1].arg != "alt"] == []


@pytest.mark.parametrize("name", STEPS)
def test_a_lesson_has_the_five_parts_in_order(name):
    parts = re.findall(r"^## (.*?)\s*$", prose_of(name), re.MULTILINE)
    assert [part for part in parts if part != "Recap"] == PARTS


@pytest.mark.parametrize(("name", "next_one"), [*pairwise(NAMES)])
def test_a_lesson_ends_with_a_link_to_the_next(name, next_one):
    assert f"]({next_one}.ipynb)" in lesson_of(name).cells[-1].text


@pytest.mark.parametrize("name", NAMES)
def test_links_between_lessons_lead_somewhere(name):
    linked = re.findall(r"\]\(([^/)]*)\.ipynb\)", prose_of(name))
    assert set(linked) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_is_titled_with_its_number(name):
    assert re.match(rf"# Lesson {int(name[:2])} · \S", prose_of(name))


def test_every_exercise_of_the_course_is_in_its_lesson_in_order():
    in_lessons = [(int(name[:2]), task.name) for name in NAMES for task in lesson_of(name).tasks]
    assert in_lessons == [(exercise.lesson, name) for name, exercise in all_exercises().items()]


def test_every_lesson_has_its_exercises_in_a_file_of_its_own():
    for name in NAMES:
        if lesson_of(name).tasks:
            importlib.import_module(f"minidit.course.exercises.lesson_{name[:2]}")


# -------------------------------------------------------------------------------------------------------- running


@pytest.mark.parametrize("name", FIRST_AND_OTHERS)
def test_without_answers_a_lesson_runs_and_every_check_says_so(name):
    """No cell fails: where one goes on with a student's function, minidit's stands in."""
    notebook = nbformat.read(notebook_file(LESSONS, CLASSROOM, name), as_version=4)
    execute(notebook, LESSONS, name, keep_going=True, quick=True)
    errors = [(described(cell), error.ename) for cell in notebook.cells for error in errors_of(cell)]
    assert errors == []
    cells = {cell.id: cell for cell in notebook.cells}
    for task in lesson_of(name).tasks:
        assert said(cells[task.name]).startswith(f"{MARKS[NOT_STARTED]} {task.name}: not started.")


@pytest.mark.parametrize("name", FIRST_AND_OTHERS)
def test_the_source_runs_as_a_script_and_every_check_passes(name):
    command = [sys.executable, LESSONS / "source" / f"{name}.py"]
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONUTF8": "1", QUICK: "1"}
    result = subprocess.run(
        command, cwd=LESSONS, env=environment, capture_output=True, encoding="utf-8", timeout=SECONDS
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    for task in lesson_of(name).tasks:
        assert f"{MARKS[PASSED]} {task.name}: " in result.stdout
