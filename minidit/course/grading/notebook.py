"""Grades one notebook: runs its cells in a separate process, and examines each answer where its check is."""

import ast
import json
import re
from dataclasses import dataclass, replace
from time import monotonic

from minidit.course.engine import examine
from minidit.course.grading.answer import find
from minidit.course.grading.process import Lost, Process
from minidit.course.grading.results import CORRUPT, CRASHED, MISSING, OUT_OF_MEMORY, OUT_OF_TIME, Grade, none
from minidit.course.grading.wire import plain
from minidit.course.report import NOT_STARTED

LARGEST = 1 << 26  # bytes of a file
FAILED = {"error": CRASHED, "time": OUT_OF_TIME, "memory": OUT_OF_MEMORY}
CALLS = 8  # of an answer in an examination, at most
SUSPECT = re.compile(r"minidit\.course\.(?!check|draw)\w+|exercise_of|all_exercises")


class Corrupt(Exception):
    """A file that isn't a notebook."""


@dataclass(frozen=True)
class Cell:
    """A cell of code: its number among all cells, its ids, its source."""

    number: int
    ids: tuple[str, ...]
    source: str


def read_cells(path):
    """The cells of code in a notebook's file.

    Raises:
        Corrupt: it isn't a notebook; the message is a sentence.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise Corrupt(f"{path.name} is larger than {LARGEST >> 20} MB.")
        cells = json.loads(path.read_text(encoding="utf-8-sig"))["cells"]
        return [
            Cell(number, identities(cell), "".join(cell["source"]))
            for number, cell in enumerate(cells, start=1)
            if cell["cell_type"] == "code"
        ]
    except OSError as error:
        raise Corrupt(f"{path.name} can't be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Corrupt(f"{path.name} is not a notebook, or was cut off.") from error


def identities(cell):
    """The names that a cell goes by: nbgrader's, and Jupyter's."""
    return tuple(map(str, (cell.get("metadata", {}).get("nbgrader", {}).get("grade_id"), cell.get("id"))))


def grade_notebook(path, assignment, limits):
    """Grades a student's notebook.

    Args:
        path: of the notebook.
        assignment: Assignment.
        limits: Limits.
    Returns:
        Grades, one for each exercise.
    """
    try:
        cells = read_cells(path)
    except Corrupt as error:
        return none(assignment, CORRUPT, str(error))
    grades = Grading(cells, assignment, limits).run()
    notes = remarks(cells, assignment)
    return [replace(one, note="; ".join(filter(None, (one.note, notes.get(one.exercise))))) for one in grades]


class Grading:
    """A notebook while it is graded.

    Args:
        cells: Cells of the notebook.
        assignment, limits: see `grade_notebook`.
    """

    def __init__(self, cells, assignment, limits):
        self.cells, self.assignment, self.limits = cells, assignment, limits
        self.steps = steps_of(cells, assignment.questions)
        self.current = None  # the current step
        self.grades = {}  # by exercise
        self.failures = {}  # by number of a cell: verdict, says, details
        self.nowhere = set()  # names of exercises whose answers were not there
        self.fatal = set()  # numbers of cells that cost the process

    def run(self):
        """Goes through the notebook. If its process is lost, it starts again, without the step that ended it."""
        self.deadline = monotonic() + self.limits.seconds
        over = None
        while over is None:
            self.current = None
            try:
                with Process(self.limits, self.deadline) as process:
                    self.go_through(process)
                break
            except Lost as lost:
                over = self.blame(lost)
        return [self.grades.get(question.name) or self.grade(question, *over) for question in self.assignment.questions]

    def go_through(self, process):
        """Runs the cells and examines each answer where its check is; answers not found there, again at the end."""
        for step in self.steps:
            self.current = step
            if isinstance(step, Cell):
                if not self.open():
                    return
                self.run_cell(process, step)
            elif step.name not in self.grades:
                self.grades[step.name] = self.examined(process, step)
        for question in self.open():
            self.current = question
            self.grades[question.name] = self.examined(process, question)

    def open(self):
        """The questions without an answer so far."""
        done = {name for name, grade in self.grades.items() if grade.verdict != NOT_STARTED} - self.nowhere
        return [question for question in self.assignment.questions if question.name not in done]

    def blame(self, lost):
        """Records what ended the process. If grading can't go on, returns the verdict and sentence for the rest."""
        if isinstance(self.current, Cell):
            self.failures[self.current.number] = lost.verdict, lost.says, ()
            self.fatal.add(self.current.number)
        elif self.current:
            self.nowhere.discard(self.current.name)
            self.grades[self.current.name] = self.grade(self.current, lost.verdict, lost.says)
        if self.current is None or monotonic() >= self.deadline:
            return lost.verdict, lost.says
        return None

    def run_cell(self, process, cell):
        """Runs a cell, and records whether it failed. A cell that ended a process is left out."""
        if cell.number in self.fatal:
            return
        reply = process.run_cell(cell.number, cell.source)
        if reply.get("failed"):
            lines = tuple(plain(line) for line in list(reply.get("lines", ()))[:2])
            self.failures[cell.number] = FAILED.get(reply["failed"], CRASHED), plain(reply.get("says", "")), lines

    def examined(self, process, question):
        """The Grade of an answer as it is now."""
        found, answer = find(process, question.argument)
        if not found:
            self.nowhere.add(question.name)
            return self.absent(question)
        self.nowhere.discard(question.name)
        try:
            report = examine(question.exercise, answer, seconds=CALLS * self.limits.call_seconds)
        except Exception as error:  # an unforeseen kind of answer must not cost the others their points
            return self.grade(question, CRASHED, f"its examination ended with {type(error).__name__}.")
        trouble, home = getattr(answer, "trouble", None), getattr(answer, "home", "")
        points = round(question.exercise.points * report.share, 2)
        printed = ("It printed:", *(f"  {plain(line)}" for line in report.printed)) if report.printed else ()
        return Grade(
            self.assignment.number, question.name, points, question.exercise.points,
            report.verdict if report.passed else trouble or report.verdict, plain(report.says, 1000),
            tuple(plain(line) for line in report.details) + printed,
            f"the function of {home}, not one of the notebook" if home.startswith("minidit") else "",
        )  # fmt: skip

    def absent(self, question):
        """The Grade if nothing has the answer's name; it says if the answer's cell failed."""
        word = re.compile(rf"\b{re.escape(question.argument)}\b")
        for cell in self.cells:
            if cell.number in self.failures and (answers(cell, question) or word.search(cell.source)):
                verdict, says, details = self.failures[cell.number]
                return self.grade(question, verdict, f"not there, as its cell failed: {says}", details)
        return self.grade(question, MISSING, f"there is no {question.argument} in the notebook.")

    def grade(self, question, verdict, says, details=()):
        """A Grade of no points."""
        return Grade(self.assignment.number, question.name, 0.0, question.exercise.points, verdict, says, details)


def answers(cell, question):
    """Whether a cell is the one in which an answer belongs."""
    return f"{question.name}-answer" in cell.ids


def steps_of(cells, questions):
    """The cells, and each question after the cell with its check. Cells with nothing but checks are left out.

    The check is the cell with its id; if a student has lost that, the last cell that calls it; there may be none.
    """
    steps, places = [], {}
    for question in questions:
        calls = re.compile(rf"^\s*check\s*\.\s*{question.name}\s*\(", re.MULTILINE)
        called = [cell.number for cell in cells if calls.search(cell.source)]
        places[question] = next((cell.number for cell in cells if question.name in cell.ids), (called or [None])[-1])
    checks = {f"check.{question.name}({question.argument})" for question in questions}
    for cell in cells:
        if cell.source.strip() not in checks:
            steps.append(cell)
        steps += [question for question, number in places.items() if number == cell.number]
    return steps + [question for question, number in places.items() if number is None]


def remarks(cells, assignment):
    """What a teacher may want to look at: {exercise: a few words}.

    This only looks at the text. A student who copies an answer from the package or from a friend gets its points.
    """
    own = [cell for cell in cells if cell.source.strip() not in assignment.cells]
    found = {}
    for cell in own:
        names = {question.name for question in assignment.questions}
        taken = taken_from_minidit(cell.source) & names
        found |= dict.fromkeys(taken, f"cell {cell.number} takes it from minidit")
        if SUSPECT.search(cell.source):
            words = f"cell {cell.number} mentions the checks' own code"
            about = [q.name for q in assignment.questions if answers(cell, q)] or [assignment.questions[0].name]
            found |= {name: words for name in about if name not in found}
    return found


def taken_from_minidit(source):
    """The names that code imports from minidit."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("minidit")]
    return {alias.name for node in imports for alias in node.names}
