"""What the students were asked: the exercises of our own edition of a lesson, which no student has edited."""

import ast
import json
import re
from dataclasses import dataclass

from minidit.course.editions import CLASSROOM
from minidit.course.exercises import all_exercises
from minidit.errors import UserError

TITLE = re.compile(r"^# Lesson \d+ · (.*)$", re.MULTILINE)
HEADING = re.compile(r"^### (\d+\.\d+) (.*?)(?:  ·.*)?$", re.MULTILINE)


@dataclass(frozen=True)
class Question:
    """An exercise as it stands in a lesson.

    Attributes:
        exercise: Exercise or Numbers.
        argument: the argument of its check, an expression: the name of the answer.
        heading: above it, with its number: "7.2 Scale and shift".
    """

    exercise: object
    argument: str
    heading: str = ""

    @property
    def name(self):
        """Of the exercise."""
        return self.exercise.name


@dataclass(frozen=True)
class Assignment:
    """A lesson that was handed out.

    Attributes:
        name: of the lesson, such as 07_apply_scale_and_shift.
        questions: Questions, in order.
        cells: the code of our own cells, which need no examination.
        title: of the lesson, such as "Apply scale and shift".
    """

    name: str
    questions: tuple[Question, ...]
    cells: frozenset[str]
    title: str = ""

    @property
    def number(self):
        """Of the lesson, as in its name: two digits."""
        return self.name[:2]


def assignments(folder):
    """All lessons of the classroom edition that have exercises.

    Args:
        folder: Path of `lessons`.
    Returns:
        {number, as two digits: Assignment}.
    Raises:
        UserError: there are none, or one of them can't be read.
    """
    found = {}
    for path in sorted((folder / CLASSROOM).glob("[0-9][0-9]_*.ipynb")):
        try:
            assignment = read_assignment(path)
        except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise UserError(f"can't read {path}. Build it: minidit build-lessons {path.stem}") from error
        if assignment.questions:
            found[assignment.number] = assignment
    if not found:
        raise UserError(f"there are no lessons in {folder / CLASSROOM}. Build them: minidit build-lessons")
    return found


def read_assignment(path):
    """The Assignment of a notebook of ours."""
    known = all_exercises()
    questions, code, title, heading = [], set(), "", ""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] != "code":
            title = title or "".join(TITLE.findall(source)[:1])
            heading = " ".join(([("", "")] + HEADING.findall(source))[-1]).strip() or heading
            continue
        code.add(source.strip())
        if cell["metadata"].get("nbgrader", {}).get("grade"):
            call = ast.parse(source).body[-1].value
            questions.append(Question(known[call.func.attr], ast.unparse(call.args[0]), heading))
    return Assignment(path.stem, tuple(questions), frozenset(code), title)
