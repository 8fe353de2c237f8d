import csv
import json
import os
import shutil
from pathlib import Path

import pytest

from minidit.cli import main
from minidit.course.builder import as_bytes, editions_of
from minidit.course.editions import CLASSROOM, SELF_STUDY
from minidit.course.grading.results import Grade
from minidit.course.source import read_lesson

LESSON = "00_start_here"
SOURCE = Path(__file__).parents[2] / "lessons" / "source" / f"{LESSON}.py"
ANSWERS = {
    "first_numbers": "first_numbers = [2.5, 0.75]",
    "row_means": "def row_means(x):\n    return x.sum(axis=1) / x.shape[1]",
    "centre_rows": "def centre_rows(x):\n    return x - row_means(x)[:, None]",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder of lessons with the first one, of which only the exercises are left: its clips take seconds to make."""
    root = tmp_path_factory.mktemp("clone")
    lessons = root / "lessons"
    (lessons / CLASSROOM).mkdir(parents=True)
    (lessons / SELF_STUDY).mkdir()
    (lessons / "README.md").write_text("# Lessons", encoding="utf-8")
    for edition, notebook in editions_of(read_lesson(SOURCE), lessons, executing=False).items():
        notebook.cells = [
            cell for cell in notebook.cells
            if cell.cell_type == "markdown" or "import" in cell.source or "nbgrader" in cell.metadata
        ]  # fmt: skip
        if edition in (CLASSROOM, SELF_STUDY):
            (lessons / edition / f"{LESSON}.ipynb").write_bytes(as_bytes(notebook))
    return root


@pytest.fixture
def clone(built, tmp_path, monkeypatch):
    """As `built`, and the folder in which the command runs."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def hand_in(path, edition=CLASSROOM, **answers):
    """Writes a student's notebook, with these answers in one that was handed out."""
    notebook = json.loads(Path("lessons", edition, f"{LESSON}.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        name = cell["id"].removesuffix("-answer")
        if name in answers and name != cell["id"]:
            cell["source"] = answers[name]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")


def rows_of(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def refused(capsys, *words):
    assert main(["grade", *words]) == 2
    return capsys.readouterr().err


def test_a_class_is_graded_whichever_student_edition_was_handed_out(clone, capsys):
    hand_in(Path("in/ada", f"{LESSON}.ipynb"), **ANSWERS)
    hand_in(Path("in/bob/deep", f"{LESSON}.ipynb"), SELF_STUDY, first_numbers=ANSWERS["first_numbers"])
    Path("in/cyd").mkdir()
    Path("in/dan").mkdir()
    Path("in/dan", f"{LESSON}.ipynb").write_text("{", encoding="utf-8")
    assert main(["grade", "in", "-o", "grades.csv", "--feedback", "feedback"]) == 0
    rows = rows_of("grades.csv")
    assert [row["student"] for row in rows[::3]] == ["ada", "bob", "cyd", "dan"]
    assert [row["exercise"] for row in rows[:3]] == list(ANSWERS)
    assert [row["verdict"] for row in rows] == ["passed"] * 4 + ["not started"] * 2 + ["missing"] * 3 + [
        "corrupt notebook"
    ] * 3
    assert [row["student_points"] for row in rows[::3]] == ["3", "1", "0", "0"]
    assert not any(row["note"] for row in rows)
    assert [row["title"] for row in rows[:2]] == ["0.1 Your first numbers", "0.2 Your first function"]
    shown = capsys.readouterr().out.splitlines()
    assert sorted(shown[:2]) == ["ada: lesson 0: 3 of 3", "bob: lesson 0: 1 of 3"]
    assert shown[3].split() == ["ada", "3", "3"]
    assert "dan: corrupt notebook: 0.1 first_numbers, 0.2 row_means, 0.3 centre_rows" in shown
    assert {path.name for path in Path("feedback").iterdir()} == {"ada.html", "bob.html", "cyd.html", "dan.html"}
    page = Path("feedback/ada.html").read_text(encoding="utf-8")
    assert "Lesson 0 · Start here" in page and "<span>0.2 Your first function</span>" in page


def test_nbgraders_folders_and_a_single_students_will_do(clone):
    hand_in(Path("course/submitted/ada/week1", f"{LESSON}.ipynb"), **ANSWERS)
    hand_in(Path("course/source/week1", f"{LESSON}.ipynb"))
    assert main(["grade", "course", "-o", "a.csv"]) == 0
    assert main(["grade", "course/submitted/ada/week1", "-o", "b.csv"]) == 0
    assert {row["student"] for row in rows_of("a.csv")} == {"ada"}
    assert {row["student"] for row in rows_of("b.csv")} == {"week1"}
    assert {row["verdict"] for row in rows_of("a.csv") + rows_of("b.csv")} == {"passed"}


def test_a_zip_file_is_graded_as_it_is_and_what_is_left_out_is_said(clone, capsys):
    hand_in(Path("in/lovelaceada_12345_67890_mine.ipynb"), **ANSWERS)
    hand_in(Path("in/hopperbob_LATE_12346_67891_00_start_here-2.ipynb"))
    Path("in/hopperbob_LATE_12346_67892_notes.pdf").write_bytes(b"%PDF")
    shutil.make_archive("submissions", "zip", "in")
    assert main(["grade", "submissions.zip", "-o", "grades.csv", "--jobs", "1"]) == 0
    rows = rows_of("grades.csv")
    assert [(row["student"], row["id"], row["student_points"]) for row in rows[::3]] == [
        ("hopperbob", "12346", "0"), ("lovelaceada", "12345", "3")
    ]  # fmt: skip
    shown = capsys.readouterr().out
    assert "Not graded:\n  hopperbob_LATE_12346_67892_notes.pdf: not a notebook\n" in shown


def test_a_second_run_grades_what_is_new_and_replaces_only_what_it_wrote(clone, capsys, monkeypatch):
    hand_in(Path("in/ada", f"{LESSON}.ipynb"), **ANSWERS)
    command = ["grade", "in", "-o", "grades.csv", "--feedback", "feedback"]
    assert main(command) == 0
    first = Path("grades.csv").read_bytes()
    hand_in(Path("in/bob", f"{LESSON}.ipynb"))
    capsys.readouterr()
    assert main(command) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "bob: lesson 0: 0 of 3"
    assert shown[1].startswith("student")
    assert Path("grades.csv").read_bytes().startswith(first)
    page = Path("feedback/bob.html")
    page.write_bytes(page.read_bytes() + b"well done")
    assert f"{page} exists already, and not as minidit left it" in refused(capsys, *command[1:])
    assert main([*command, "--force"]) == 0
    assert b"well done" not in page.read_bytes()
    assert "ada: lesson 0: 3 of 3" in capsys.readouterr().out


def test_the_grades_of_another_class_are_not_replaced(clone, capsys):
    hand_in(Path("in/ada", f"{LESSON}.ipynb"), **ANSWERS)
    hand_in(Path("other/bob", f"{LESSON}.ipynb"))
    assert main(["grade", "in", "-o", "grades.csv"]) == 0
    said = refused(capsys, "other", "-o", "grades.csv")
    assert "grades.csv also has lesson 0 of ada, which is not graded now. Choose another name by -o" in said
    assert [row["student"] for row in rows_of("grades.csv")] == ["ada"] * 3


def test_what_somebody_else_wrote_is_not_replaced_unless_asked_for(clone, capsys):
    hand_in(Path("in/ada", f"{LESSON}.ipynb"))
    Path("grades.csv").write_text("mine", encoding="utf-8")
    assert "grades.csv exists already" in refused(capsys, "in", "-o", "grades.csv")
    Path("feedback").mkdir()
    Path("feedback/ada.html").write_text("mine", encoding="utf-8")
    assert "ada.html exists already" in refused(capsys, "in", "-o", "new.csv", "--feedback", "feedback")
    assert not Path("new.csv").exists()
    assert "feedback/ada.html is a file" in refused(capsys, "in", "-o", "a.csv", "--feedback", "feedback/ada.html")
    assert Path("grades.csv").read_text(encoding="utf-8") == "mine"
    assert main(["grade", "in", "-o", "grades.csv", "--feedback", "feedback", "--force"]) == 0
    assert Path("feedback/ada.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert len(rows_of("grades.csv")) == 3


def test_ctrl_c_costs_nothing_that_was_graded(clone, capsys, monkeypatch):
    for student in ("ada", "bob"):
        hand_in(Path("in", student, f"{LESSON}.ipynb"), **(ANSWERS if student == "ada" else {}))

    def interrupted(tasks, jobs):
        yield tasks[0], [Grade("00", name, "", 1.0, 1, "passed") for name in ANSWERS]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("minidit.course.grading.workers.graded", interrupted)
        assert main(["grade", "in", "-o", "grades.csv"]) == 130
    assert "stopped. 1 of 2 notebooks were graded; the same command goes on from there." in capsys.readouterr().err
    assert {row["student"] for row in rows_of("grades.csv")} == {"ada"}
    assert main(["grade", "in", "-o", "grades.csv"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "bob: lesson 0: 0 of 3"
    assert [row["student_points"] for row in rows_of("grades.csv")[::3]] == ["3", "0"]


def test_a_name_that_is_not_utf8_costs_nobody_anything(clone):
    hand_in(Path("in/ada", f"{LESSON}.ipynb"), **ANSWERS)
    try:
        os.mkdir(b"in/Zo\xeb")
    except OSError:
        pytest.skip("this system takes no other names")
    shutil.copy(Path("in/ada", f"{LESSON}.ipynb"), os.fsdecode(b"in/Zo\xeb"))
    assert main(["grade", "in", "-o", "grades.csv", "--feedback", "feedback"]) == 0
    assert [row["student"] for row in rows_of("grades.csv")[::3]] == ["ada", "Zoë"]
    assert Path("feedback/Zoë.html").exists()


ODD = """\
def row_means(x):
    rows, columns = x.shape
    weights = np.full(columns, 1 / columns)
    totals = np.empty(rows, dtype=x.dtype)
    for i in range(rows):
        total = 0.0
        for j, (number, weight) in enumerate(zip(x[i], weights)):
            if j % 2 == 0:
                total = total + number * weight
            else:
                total = total - number * -weight
        totals[i] = total
    return totals.reshape(-1)
"""


ODD_TOO = """\
def centre_rows(x):
    ones = np.ones((x.shape[1], 1))
    projector = np.eye(len(ones)) - ones @ ones.T / ones.size
    return np.stack([projector @ row for row in x]).astype(x.dtype)
"""


def test_near_identical_answers_are_shown_without_grading(clone, capsys):
    hand_in(Path("in/ada", f"{LESSON}.ipynb"), row_means=ODD, centre_rows=ODD_TOO)
    hand_in(Path("in/bob", f"{LESSON}.ipynb"), row_means=ODD.replace("w", "v"), centre_rows=ODD_TOO.replace("row", "r"))
    hand_in(Path("in/cyd", f"{LESSON}.ipynb"), **ANSWERS)
    hand_in(Path("last-year/zoe", f"{LESSON}.ipynb"), row_means=f"# my own\n{ODD}")
    command = ["grade", "in", "--against", "last-year", "--pairs", "pairs.html"]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "ada and bob: 2 of 2 answers: 0.2 (3 have it), 0.3 (2 have it)" in shown
    assert "ada and zoe (last-year): 1 of 1 answers: 0.2 (3 have it, even the names)" in shown
    assert "ada and bob" in Path("pairs.html").read_text(encoding="utf-8")
    assert "pairs.html exists already" in refused(capsys, *command[1:])
    shutil.rmtree("in/bob")
    assert main(["grade", "in", "--against"]) == 0
    assert capsys.readouterr().out == "\nNo two students write alike.\n"
    assert "there is no folder or zip file nowhere" in refused(capsys, "in", "--against", "nowhere")
    assert not Path("grades.csv").exists()


def test_what_cannot_be_graded_is_said_in_a_sentence(clone, capsys):
    assert "there is no folder or zip file nowhere" in refused(capsys, "nowhere", "-o", "grades.csv")
    assert "this needs -o GRADES.csv" in refused(capsys, "nowhere")
    Path("in").mkdir()
    assert "there are no notebooks of lessons in in" in refused(capsys, "in", "-o", "grades.csv")
    hand_in(Path("in/ada", f"{LESSON}.ipynb"))
    assert "no exercises in a lesson 7" in refused(capsys, "in", "-o", "grades.csv", "--lessons", "7")
    Path("file").write_bytes(b"")
    assert "can't write to file: Not a directory" in refused(capsys, "in", "-o", "file/grades.csv")
    assert '"0" is not a number above 0' in refused(capsys, "in", "-o", "grades.csv", "--seconds", "0")
    shutil.rmtree("lessons/classroom")
    assert "there are no lessons in" in refused(capsys, "in", "-o", "grades.csv")
