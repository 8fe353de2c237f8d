from types import SimpleNamespace

import pytest

from minidit.course.grading.assigned import Assignment, Question
from minidit.course.grading.gradebook import Gradebook, page_names
from minidit.course.grading.journal import Journal
from minidit.course.grading.notebook import Cell
from minidit.course.grading.process import Limits
from minidit.course.grading.results import Grade
from minidit.course.grading.roster import Student, Submission
from minidit.errors import UserError

LESSONS = [
    Assignment(
        name, (Question(SimpleNamespace(name=f"q{name[:2]}", points=1), "x", f"{int(name[:2])}.1 A"),), frozenset()
    )
    for name in ("07_one", "08_two")
]
BOTH = {"07": Submission("a.ipynb", (Cell(1, (), "x = 7"),)), "08": Submission("b.ipynb", (Cell(1, (), "x = 8"),))}
CLASS = (
    Student("Ada", "1", BOTH),
    Student("Bob", "2", BOTH),  # they worked together
    Student("Cyd", "", {"07": Submission("c.ipynb", (), "is not a notebook, or was cut off")}),
    Student("Dan", "", {}),
)


@pytest.fixture
def book(tmp_path):
    journal = Journal(tmp_path / "grades.graded.jsonl")
    journal.begin()
    pages = [tmp_path / "feedback" / name for name in page_names(CLASS)]
    return Gradebook(CLASS, LESSONS, Limits(), journal, tmp_path / "grades.csv", pages)


def grade(task):
    name = task.assignment.questions[0].name
    return [Grade(task.assignment.number, name, task.assignment.questions[0].heading, 1.0, 1, "passed", "right.")]


def test_results_are_written_as_they_come_and_the_same_notebook_is_graded_once(book, tmp_path):
    book.write()
    first, second = book.tasks(tmp_path)
    assert (first.lesson, second.lesson) == (tmp_path / "classroom/07_one.ipynb", tmp_path / "classroom/08_two.ipynb")
    assert [sheet.student for sheet in book.sheets()] == ["Cyd", "Dan"]
    assert book.take(first, grade(first)) == ["Ada: lesson 7: 1 of 1", "Bob: lesson 7: 1 of 1"]
    assert "Ada" not in (tmp_path / "grades.csv").read_text(encoding="utf-8-sig")
    assert book.tasks(tmp_path) == [second]
    book.take(second, grade(second))
    assert [sheet.student for sheet in book.sheets()] == ["Ada", "Bob", "Cyd", "Dan"]
    text = (tmp_path / "grades.csv").read_text(encoding="utf-8-sig")
    assert "Bob,2,b.ipynb,08,q08,8.1 A,passed,1,1,right.,,2,2" in text
    assert 'Cyd,,c.ipynb,07,q07,7.1 A,corrupt notebook,0,1,"c.ipynb is not a notebook, or was cut off."' in text
    assert "Dan,,,08,q08,8.1 A,missing,0,1,no notebook of lesson 8 was handed in.,,0,2" in text
    assert {path.name for path in (tmp_path / "feedback").iterdir()} == {"Ada.html", "Bob.html", "Cyd.html", "Dan.html"}


def test_a_file_that_is_open_elsewhere_stops_nothing_before_the_end(book, tmp_path, monkeypatch):
    def locked(*_):
        raise UserError("can't write grades.csv: Permission denied.")

    monkeypatch.setattr("minidit.course.grading.journal.write_whole", locked)
    for task in book.tasks(tmp_path):
        book.take(task, grade(task))
    with pytest.raises(UserError, match="Permission denied. What was graded is kept in .*graded.jsonl"):
        book.write(insist=True)
    assert len(book.journal.grades) == 2


@pytest.mark.parametrize(
    ("names", "pages"),
    [
        (["Ada Lovelace", "Zoë"], ["Ada Lovelace.html", "Zoë.html"]),
        (["a/b", "a\\b", "A:B"], ["a_b.html", "a_b-2.html", "A_B-3.html"]),
        (
            ["..", ".", "", "con", "nul.x", "-rf"],
            ["_.html", "_-2.html", "_-3.html", "_con.html", "_nul.x.html", "_-rf.html"],
        ),
        (["x" * 300, "李" * 300], ["x" * 80 + ".html", "李" * 66 + ".html"]),
    ],
)
def test_a_page_has_the_students_name_as_far_as_any_system_takes_it(names, pages):
    assert page_names([Student(name) for name in names]) == pages
