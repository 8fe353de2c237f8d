"""Who handed in what, in folders as they are downloaded."""

import io
import os
import sys
import zipfile
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1]))  # the tests are not a package
from handed_in import notebook_of

from minidit.course.exercises import by_lesson
from minidit.course.grading.assigned import Assignment, Question
from minidit.course.grading.roster import roster
from minidit.errors import UserError

NAMES = {"00": "00_start_here", "07": "07_apply_scale_and_shift", "08": "08_self_attention"}
LESSONS = {
    number: Assignment(name, tuple(Question(one, one.name) for one in by_lesson()[int(number)]), frozenset())
    for number, name in NAMES.items()
}
EXERCISE = {number: lesson.questions[0].name for number, lesson in LESSONS.items()}
GRADESCOPE = """\
submission_5678:
  :submitters:
  - :name: Ada Lovelace
    :sid: '42'
  - :name: Bob
    :sid: '43'
submission_5679:
  :submitters:
  - :name: Cyd
    :email: cyd@example.org
"""


def notebook(lesson="07", text=""):
    """A notebook's text, with the first exercise of a lesson."""
    return notebook_of((EXERCISE[lesson], f"check.{EXERCISE[lesson]}(x)"), text)


@pytest.fixture(params=["folder", "zip"])
def handed_in(request, tmp_path):
    """Makes a folder or a zip file of {path: text}, and looks who handed in what: {student: {lesson: (file, code)}}."""

    def look(files):
        if request.param == "folder":
            for name, text in files.items():
                path = tmp_path / "class" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text if isinstance(text, bytes) else text.encode())
            path = tmp_path / "class"
        else:
            path = tmp_path / "class.zip"
            with zipfile.ZipFile(path, "w") as archive:
                for name, text in files.items():
                    archive.writestr(name, text)
        found = roster(path, LESSONS)
        return who(found), list(found.left_out)

    return look


def who(the_class):
    """{student: {lesson: (name of the file, code of its last cell)}}, with the platform's word for the student."""
    return {
        f"{one.name}|{one.identity}".removesuffix("|"): {
            number: (it.name, it.cells[-1].source if it.cells else it.corrupt) for number, it in one.submissions.items()
        }
        for one in the_class.students
    }


def zip_of(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return data.getvalue()


def test_canvas(handed_in):
    found, left_out = handed_in({
        "lovelaceada_12345_67890_07_apply_scale_and_shift-2.ipynb": notebook(text="old"),
        "lovelaceada_12345_67899_my final one.ipynb": notebook(text="new"),
        "hopperbob_LATE_12346_67891_name.ipynb": notebook(text="late"),
        "curiecyd_12347_67892_report.pdf": "%PDF",
        "dandan_12348_67893_work.zip": zip_of({"work/a.ipynb": notebook("08"), "__MACOSX/work/._a.ipynb": b"x"}),
        "evaeva_12349_text.html": "<p>",
    })  # fmt: skip
    assert found == {
        "curiecyd|12347": {},
        "dandan|12348": {"08": ("a.ipynb", "")},
        "hopperbob|12346": {"07": ("hopperbob_LATE_12346_67891_name.ipynb", "late")},
        "lovelaceada|12345": {"07": ("lovelaceada_12345_67899_my final one.ipynb", "new")},
    }
    assert sorted(left_out) == [
        "curiecyd_12347_67892_report.pdf: not a notebook",
        "dandan_12348_67893_work.zip/__MACOSX: a program's own files",
        "evaeva_12349_text.html: not a notebook",
        "lovelaceada_12345_67890_07_apply_scale_and_shift-2.ipynb: "
        "not graded, but lovelaceada_12345_67899_my final one.ipynb",
    ]


@pytest.mark.parametrize("between", ["/", "_"])
def test_moodle(handed_in, between):
    found, left_out = handed_in({
        f"Ada Lovelace_12345_assignsubmission_file{between}notebook.ipynb": notebook(text="ada"),
        f"Ada Lovelace_12345_assignsubmission_onlinetext{between}onlinetext.html": "<p>Please be kind</p>",
        f"Zoë O'Hara-Müller_12346_assignsubmission_file{between}07 (1).ipynb": notebook(text="zoë"),
        f"Zoë O'Hara-Müller_12347_assignsubmission_file{between}07.ipynb": notebook(text="another"),
        f"Bob_12348_assignsubmission_onlinetext{between}onlinetext.html": "<p>I could not</p>",
    })  # fmt: skip
    name = "{}_{}_assignsubmission_file_{}" if between == "_" else "{2}"
    assert found == {
        "Ada Lovelace|12345": {"07": (name.format("Ada Lovelace", 12345, "notebook.ipynb"), "ada")},
        "Bob|12348": {},
        "Zoë O'Hara-Müller (12346)|12346": {"07": (name.format("Zoë O'Hara-Müller", 12346, "07 (1).ipynb"), "zoë")},
        "Zoë O'Hara-Müller (12347)|12347": {"07": (name.format("Zoë O'Hara-Müller", 12347, "07.ipynb"), "another")},
    }
    assert len(left_out) == 2 and all(line.endswith("onlinetext.html: not a notebook") for line in left_out)


@pytest.mark.parametrize("wrapper", ["", "Programming Exam 1/"])
def test_brightspace(handed_in, wrapper):
    found, left_out = handed_in({
        f"{wrapper}39786-640693 - Ada Lovelace - Nov 28, 2026 1159 AM - a.ipynb": notebook(text="old"),
        f"{wrapper}39786-640693 - Ada Lovelace - Nov 28, 2026 1201 PM - a.ipynb": notebook(text="new"),
        f"{wrapper}39787-640693 - Bob - Nov 28, 2026 900 AM/b.ipynb": notebook(text="bob"),
        f"{wrapper}index.html": "<html>",
    })  # fmt: skip
    assert found == {
        "Ada Lovelace": {"07": ("39786-640693 - Ada Lovelace - Nov 28, 2026 1201 PM - a.ipynb", "new")},
        "Bob": {"07": ("b.ipynb", "bob")},
    }
    assert len(left_out) == 2


def test_blackboard(handed_in):
    found, _ = handed_in({
        "Week 4_ada01_attempt_2026-11-27-12-00-00_b.ipynb": notebook(text="new"),
        "Week 4_ada01_attempt_2026-11-26-12-00-00_a.ipynb": notebook(text="old"),
        "Week 4_ada01_attempt_2026-11-27-12-00-00.txt": "Name: Ada",
        "Week 4_bob_attempt_2026-11-27-12-00-00.txt": "Name: Bob",
    })  # fmt: skip
    assert found == {"ada01": {"07": ("Week 4_ada01_attempt_2026-11-27-12-00-00_b.ipynb", "new")}, "bob": {}}


@pytest.mark.parametrize("wrapper", ["", "assignment_1234_export/"])
def test_gradescope(handed_in, wrapper):
    found, _ = handed_in({
        f"{wrapper}submission_metadata.yml": GRADESCOPE,
        f"{wrapper}submission_5678/notebook.ipynb": notebook(text="both"),
        f"{wrapper}submission_5680/x/notebook.ipynb": notebook(text="whose"),
    })  # fmt: skip
    assert found == {
        "Ada Lovelace|42": {"07": ("notebook.ipynb", "both")},
        "Bob|43": {"07": ("notebook.ipynb", "both")},
        "Cyd|cyd@example.org": {},
        "submission_5680": {"07": ("notebook.ipynb", "whose")},
    }


def test_nbgrader(handed_in):
    found, _ = handed_in({
        "submitted/ada/week4/07_apply_scale_and_shift.ipynb": notebook(),
        "submitted/ada/week5/08_self_attention.ipynb": notebook("08"),
        "submitted/bob/week4/timestamp.txt": "2026",
        "source/week4/07_apply_scale_and_shift.ipynb": notebook(),
    })  # fmt: skip
    assert {name: list(those) for name, those in found.items()} == {"ada": ["07", "08"], "bob": []}


def test_students_folders_whatever_the_notebooks_are_called(handed_in):
    found, left_out = handed_in({
        "ada/week_10_200_mine.ipynb": notebook(text="ada"),
        "ada/scratch.ipynb": notebook_of("x = 1"),
        "ada/07.html": "<html>",
        "bob/deep/Untitled.ipynb.txt": notebook(text="bob"),
        "cyd/07_apply_scale_and_shift.ipynb": "{",
        "dan/data.json": "{}",
        "readme.txt": "",
    })  # fmt: skip
    assert found == {
        "ada": {"07": ("week_10_200_mine.ipynb", "ada")},
        "bob": {"07": ("Untitled.ipynb.txt", "bob")},
        "cyd": {"07": ("07_apply_scale_and_shift.ipynb", "is not a notebook, or was cut off")},
        "dan": {},
    }
    assert sorted(left_out) == [
        "ada/07.html: not a notebook", "ada/scratch.ipynb: no exercises in it", "dan/data.json: not a notebook",
        "readme.txt: not a notebook",
    ]  # fmt: skip


def test_a_class_in_a_folder_of_its_own(handed_in):
    found, _ = handed_in({"class/ada/a.ipynb": notebook(), "class/bob/a.ipynb": notebook()})
    assert list(found) == ["ada", "bob"]


def test_one_student_with_folders_of_their_own(handed_in):
    found, _ = handed_in({"ada/week4/a.ipynb": notebook(), "ada/week5/a.ipynb": notebook("08")})
    assert {name: list(those) for name, those in found.items()} == {"ada": ["07", "08"]}


def test_a_download_for_each_week(handed_in):
    found, _ = handed_in({
        "week4.zip": zip_of({"adaada_42_67890_a.ipynb": notebook(), "bobbob_43_67891_a.ipynb": notebook()}),
        "week5/adaada_42_68000_a.ipynb": notebook("08"),
        "week5/cydcyd_44_68001_a.ipynb": notebook("08"),
    })  # fmt: skip
    lessons = {name: list(those) for name, those in found.items()}
    assert lessons == {"adaada|42": ["07", "08"], "bobbob|43": ["07"], "cydcyd|44": ["08"]}


def test_no_student_hands_in_as_another(handed_in):
    """By names inside of their own folder, or by what looks like a platform's file."""
    found, _ = handed_in({
        "bob/a.ipynb": notebook(text="bob"),
        "eve/bob_assignsubmission_file/a.ipynb": notebook(text="evil"),
        "eve/cyd_assignsubmission_file/a.ipynb": notebook(text="evil"),
        "eve/submission_metadata.yml": "submission_1:\n  :submitters:\n  - :name: bob\n",
        "eve/submission_1/a.ipynb": notebook(text="evil"),
        "mal/submission_metadata.yml": "nonsense: [",
        "mal/assignment_1_export/submission_metadata.yml": "nonsense: [",
    })  # fmt: skip
    assert list(found) == ["bob", "eve", "mal"]
    assert found["bob"]["07"] == ("a.ipynb", "bob")
    assert found["mal"] == {}


def test_notebooks_side_by_side_are_one_students_unless_their_names_differ(handed_in):
    found, left_out = handed_in({
        "07_apply_scale_and_shift.ipynb": notebook(text="1"),
        "07_apply_scale_and_shift-Copy1.ipynb": notebook(text="2"),
        "08_self_attention (1).ipynb": notebook("08"),
    })  # fmt: skip
    assert list(found) == ["class"]
    assert found["class"]["07"] == ("07_apply_scale_and_shift.ipynb", "1")
    assert left_out == ["07_apply_scale_and_shift-Copy1.ipynb: not graded, but 07_apply_scale_and_shift.ipynb"]


def test_students_names_in_the_notebooks_names(handed_in):
    found, _ = handed_in({
        "Ada Lovelace - 07_apply_scale_and_shift.ipynb": notebook(),
        "07_apply_scale_and_shift_bob.ipynb": notebook(),
        "07_apply_scale_and_shift_bob (1).ipynb": notebook(),
        "bob_08_self_attention.ipynb": notebook("08"),
    })  # fmt: skip
    assert {name: list(those) for name, those in found.items()} == {"Ada Lovelace": ["07"], "bob": ["07", "08"]}


def test_the_newer_of_two_counts(tmp_path):
    paths = [
        tmp_path / "ada" / "07_apply_scale_and_shift.ipynb",
        tmp_path / "ada" / "07_apply_scale_and_shift-Copy1.ipynb",
    ]
    paths[0].parent.mkdir()
    for age, path in ((7200, paths[0]), (3600, paths[1])):
        path.write_text(notebook(text=path.stem), encoding="utf-8")
        os.utime(path, (10**9 - age, 10**9 - age))
    found = roster(tmp_path, LESSONS)
    assert who(found)["ada"]["07"][0] == paths[1].name
    assert found.left_out == (f"ada/{paths[0].name}: older than {paths[1].name}",)


def test_one_line_for_many_of_a_name(handed_in):
    files = {f"s{i}/timestamp.txt": "" for i in range(5)} | {f"s{i}/a.ipynb": notebook() for i in range(5)}
    assert handed_in(files)[1] == ["timestamp.txt (5 times): not a notebook"]


def test_what_is_no_class_is_said(tmp_path):
    with pytest.raises(UserError, match="there is no folder or zip file"):
        roster(tmp_path / "nowhere", LESSONS)
    with pytest.raises(UserError, match="there are no notebooks of lessons in"):
        roster(tmp_path, LESSONS)
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "x.ipynb").write_text(notebook_of("x = 1"), encoding="utf-8")
    with pytest.raises(UserError, match="there are no notebooks of lessons in"):
        roster(tmp_path, LESSONS)
