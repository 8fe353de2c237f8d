"""Grades one notebook: runs its cells in a separate process, and examines each answer where its check is."""

import ast
import difflib
import json
import re
import warnings
from dataclasses import dataclass, replace
from time import monotonic

from minidit.course.engine import examine
from minidit.course.exercise import Numbers
from minidit.course.grading.answer import Answer, find
from minidit.course.grading.process import Lost, Process
from minidit.course.grading.results import CRASHED, MISSING, OUT_OF_MEMORY, OUT_OF_TIME, Grade
from minidit.course.grading.wire import plain
from minidit.course.outcome import ENDLESS, MEMORY
from minidit.course.report import NOT_STARTED

FAILED = {"error": CRASHED, "time": OUT_OF_TIME, "memory": OUT_OF_MEMORY}
RAN_OUT = {ENDLESS: OUT_OF_TIME, MEMORY: OUT_OF_MEMORY}  # by the slip's name
CALLS = 8  # of an answer in an examination that take as long as a call may
SUSPECT = re.compile(r".*(?:minidit\.course\.(?!check|draw)\w+|exercise_of|all_exercises).*")


class Corrupt(Exception):
    """A file that isn't a notebook. The message says so, following the file's name."""


@dataclass(frozen=True)
class Cell:
    """A cell of code: its number among all cells, its ids, its source."""

    number: int
    ids: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Place:
    """Where an answer is examined.

    Attributes:
        name: of the question.
        after: number of the cell after which it is; None for the end.
        written: number of the cell that writes the answer; None if there is none.
    """

    name: str
    after: int | None
    written: int | None = None


# ------------------------------------------------------------------------------------------------- reading


def read_cells(data):
    """The cells of code in a notebook.

    Args:
        data: bytes of its file.
    Raises:
        Corrupt: it isn't a notebook.
    """
    try:
        cells = json.loads(data.decode("utf-8-sig"))["cells"]
        return [
            Cell(number, identities(cell), "".join(cell["source"]))
            for number, cell in enumerate(cells, start=1)
            if cell["cell_type"] == "code"
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Corrupt("is not a notebook, or was cut off") from error


def identities(cell):
    """The names that a cell goes by: nbgrader's, and Jupyter's."""
    return tuple(map(str, (cell.get("metadata", {}).get("nbgrader", {}).get("grade_id"), cell.get("id"))))


def lessons_in(cells, assignments):
    """Numbers of the lessons whose exercises are in a notebook.

    A notebook belongs to the lesson with the most of its exercises, by their cells or checks, or at least by the names
    of most answers. Where somebody has put two lessons into one notebook, most cells of the other are there, too.

    Args:
        cells: Cells.
        assignments: {number: Assignment}.
    """
    ids = {one for cell in cells for one in cell.ids}
    text = "\n".join(cell.source for cell in cells)
    kept, checked, written = {}, {}, {}
    names = {name for cell in cells for name in defined(cell.source)}
    for number, assignment in assignments.items():
        questions = assignment.questions
        kept[number] = sum(not ids.isdisjoint((one.name, f"{one.name}-answer")) for one in questions)
        checked[number] = sum(
            not ids.isdisjoint((one.name, f"{one.name}-answer")) or bool(checks(one).search(text)) for one in questions
        )
        written[number] = sum(one.argument in names for one in questions)
    most = max(checked.values(), default=0)
    return tuple(
        number
        for number, one in assignments.items()
        if (most and checked[number] == most)
        or kept[number] * 2 > len(one.questions)
        or (not most and written[number] * 2 > len(one.questions) > 1)
    )


def checks(question):
    """Finds a call of the check of a question."""
    return re.compile(rf"^\s*check\s*\.\s*{question.name}\s*\(", re.MULTILINE)


def defined(source):
    """The names that a cell defines, with the statements that do it, in order."""
    found = {}
    for statement in statements(source):
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            found[statement.name] = statement
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for target in targets:
                for name in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
                    if isinstance(name, ast.Name):
                        found[name.id] = statement
    return found


def names_in(argument):
    """The names of the answers in the argument of a check: most are one name, the capstone's are calls with several."""
    tree = ast.parse(argument, mode="eval").body
    parts = tree.args if isinstance(tree, ast.Call) else [tree]
    return [part.id for part in parts if isinstance(part, ast.Name)]


def statements(source):
    """The statements of a cell; none if it isn't Python."""
    try:
        return parsed(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def parsed(source):
    """The syntax tree of a cell, in which a notebook's magics do nothing. What Python warns about isn't said.

    Raises:
        SyntaxError, ValueError, RecursionError or MemoryError: it isn't Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(re.sub(r"^(\s*)[%!].*", r"\1pass", source, flags=re.MULTILINE))


# ------------------------------------------------------------------------------------------------ grading


def grade_notebook(cells, assignment, limits):
    """Grades a student's notebook.

    Args:
        cells: Cells of the notebook.
        assignment: Assignment.
        limits: Limits.
    Returns:
        Grades, one for each exercise.
    """
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
        self.questions = {question.name: question for question in assignment.questions}
        self.steps = steps_of(cells, assignment)
        self.current = None  # the current step
        self.grades = {}  # by place
        self.nowhere = set()  # places where there is no answer
        self.failures = {}  # by number of a cell: verdict, says, details
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
        return [self.final(question, over) for question in self.assignment.questions]

    def go_through(self, process):
        """Runs the cells and examines each answer where its check is; answers not found there, again at the end."""
        last = max((i for i, step in enumerate(self.steps) if isinstance(step, Place)), default=-1)
        for i, step in enumerate(self.steps):
            self.current = step
            if isinstance(step, Place):
                self.examine(process, step)
            elif i < last or self.open():
                self.run_cell(process, step)
        for question in self.open():
            self.current = Place(question.name, None)
            self.examine(process, self.current)

    def open(self):
        """The questions without an answer so far."""
        return [question for question in self.assignment.questions if not self.attempts(question)]

    def places(self, question):
        """The places of a question, in order; the last is the end of the notebook."""
        return [*(step for step in self.steps if isinstance(step, Place) and step.name == question.name),
                Place(question.name, None)]  # fmt: skip

    def attempts(self, question):
        """The places where an answer was found that is more than a stub."""
        return [place for place in dict.fromkeys(self.places(question)) if self.is_attempt(place)]

    def is_attempt(self, place):
        """Whether the place has a grade, and of more than a stub."""
        return place in self.grades and place not in self.nowhere and self.grades[place].verdict != NOT_STARTED

    def blame(self, lost):
        """Records what ended the process. If grading can't go on, returns the verdict and sentence for the rest."""
        if isinstance(self.current, Cell):
            self.failures[self.current.number] = lost.verdict, lost.says, ()
            self.fatal.add(self.current.number)
        elif self.current:
            self.nowhere.discard(self.current)
            self.grades[self.current] = self.grade(self.questions[self.current.name], lost.verdict, lost.says)
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

    def examine(self, process, place):
        """Notes the Grade of an answer as it is now, unless that is known."""
        if self.is_attempt(place):
            return
        self.nowhere.discard(place)
        question = self.questions[place.name]
        found, answer = find(process, question.argument)
        if not found or (place.written and self.is_something_else(place, question, answer)):
            self.nowhere.add(place)
        self.grades[place] = self.examined(question, answer) if found else self.absent(question)

    def is_something_else(self, place, question, answer):
        """Whether a cell, which isn't the answer's, uses the name of a function for something else."""
        (cell,) = (cell for cell in self.cells if cell.number == place.written)
        return not (answers(cell, question) or isinstance(question.exercise, Numbers) or isinstance(answer, Answer))

    def examined(self, question, answer):
        """The Grade of an answer."""
        try:
            report = examine(question.exercise, answer, seconds=CALLS * self.limits.call_seconds)
        except Exception as error:  # an unforeseen kind of answer must not cost the others their points
            return self.grade(question, CRASHED, f"its examination ended with {type(error).__name__}.")
        home = getattr(answer, "home", "")
        points = round(question.exercise.points * report.share, 2)
        printed = ("It printed:", *(f"  {plain(line)}" for line in report.printed)) if report.printed else ()
        return replace(
            self.grade(
                question, RAN_OUT.get(report.slip, report.verdict), plain(report.says, 1000),
                tuple(plain(line) for line in report.details) + printed,
            ),
            points=points,
            note=f"the function of {home}, not one of the notebook" if home.startswith("minidit") else "",
        )  # fmt: skip

    def final(self, question, over):
        """The Grade of a question: that of its last attempt.

        Args:
            over: verdict and sentence, if there was no time for all.
        """
        attempts = self.attempts(question)
        known = attempts or [place for place in self.places(question) if place in self.grades]
        if not known:
            return self.grade(question, *over)
        last = self.grades[known[-1]]
        if len(attempts) > 1:
            best = max(self.grades[place].points for place in attempts[:-1])
            earlier = f"; an earlier one has {best:g} points" if best > last.points else ""
            last = noted(last, f"the last of {len(attempts)} attempts counts{earlier}")
            if attempts[-1].written in self.failures:
                last = noted(last, f"the cell of the last one failed: {self.failures[attempts[-1].written][1]}")
        return last

    def absent(self, question):
        """The Grade if nothing has the answer's name; it says if the answer's cell failed, or has another name."""
        word = re.compile(rf"\b{re.escape(question.argument)}\b")
        for cell in self.cells:
            if cell.number in self.failures and (answers(cell, question) or word.search(cell.source)):
                verdict, says, details = self.failures[cell.number]
                return self.grade(question, verdict, f"not there, as its cell failed: {says}", details)
        defines = {name for cell in self.cells for name in defined(cell.source)}
        missing = next((name for name in names_in(question.argument) if name not in defines), question.argument)
        instead = self.renamed(question, missing)
        return self.grade(question, MISSING, f"there is no {missing} in the notebook{instead}.")

    def renamed(self, question, missing):
        """What the answer's cell defines instead of a name, or else a cell with a name like it, in words."""
        others = {name for one in self.assignment.questions for name in names_in(one.argument)}
        for cell in reversed(self.cells):
            names = [name for name in defined(cell.source) if name not in others]
            if answers(cell, question) and names:
                near = difflib.get_close_matches(missing, names, n=1, cutoff=0)
                return f"; the cell defines {plain((near or names)[0], 60)}"
        own = [cell for cell in self.cells if cell.source.strip() not in self.assignment.cells]
        names = [name for cell in own for name in defined(cell.source) if name not in others]
        near = difflib.get_close_matches(missing, names, n=1, cutoff=0.75)
        return f"; a cell defines {plain(near[0], 60)}" if near else ""

    def grade(self, question, verdict, says, details=()):
        """A Grade of no points."""
        number, of = self.assignment.number, question.exercise.points
        return Grade(number, question.name, question.heading, 0.0, of, verdict, says, details)


def noted(grade, words):
    """The Grade with a remark, for the student and for the teacher."""
    details = *grade.details, f"{words[0].upper()}{words[1:].removesuffix('.')}."
    return replace(grade, details=details, note="; ".join(filter(None, (grade.note, words))))


def answers(cell, question):
    """Whether a cell is the one in which an answer belongs, or a copy of it."""
    return f"{question.name}-answer" in cell.ids


def steps_of(cells, assignment):
    """The cells, and the places where answers are examined. Cells with nothing but checks are left out."""
    places = [place for question in assignment.questions for place in places_of(cells, question, assignment.cells)]
    own = {f"check.{question.name}({question.argument})" for question in assignment.questions}
    steps = []
    for cell in cells:
        if cell.source.strip() not in own:
            steps.append(cell)
        steps += [place for place in places if place.after == cell.number]
    return steps + [place for place in places if place.after is None]


def places_of(cells, question, own_cells):
    """The Places of a question: for each attempt, after its last check, or after the cell itself if it has none.

    A student may have left the first attempt standing, and copied its cell, or written a new one. Copies that are alike
    are one attempt, and a stub is none if there is something else.
    """
    call = checks(question)
    checked = [cell.number for cell in cells if question.name in cell.ids or call.search(cell.source)]
    written = [cell for cell in cells if writes(cell, question)]
    started = [cell for cell in written if cell.source.strip() not in own_cells] or written
    attempts = sorted({cell.source.strip(): cell.number for cell in started}.values())  # of copies, the last
    if not attempts:
        return [Place(question.name, checked[-1] if checked else None)]
    places = []
    for number in attempts:
        until = min((cell.number for cell in written if cell.number > number), default=float("inf"))
        places.append(Place(question.name, max([number, *(n for n in checked if number <= n < until)]), number))
    return places


def writes(cell, question):
    """Whether a cell writes an answer: the cell for it, or a copy, or one that defines its name.

    Numbers that are worked out, not typed in, are no answer: their name is used again.
    """
    if answers(cell, question):
        return True
    statement = defined(cell.source).get(question.argument)
    if statement is None or not isinstance(question.exercise, Numbers):
        return statement is not None
    try:
        ast.literal_eval(getattr(statement.value, "args", [statement.value])[0])
    except (ValueError, TypeError, IndexError, AttributeError, RecursionError, MemoryError, SyntaxError):
        return False
    return True


# ------------------------------------------------------------------------------------------------ remarks


def remarks(cells, assignment):
    """What a teacher may want to look at: {exercise: a few words}.

    This only looks at the text. A student who copies an answer from the package or from a friend gets its points.
    """
    own = [cell for cell in cells if cell.source.strip() not in assignment.cells]
    names = {question.name for question in assignment.questions}
    found = {}
    for cell in own:
        for name, line in taken_from_minidit(cell.source):
            if name in names:
                found[name] = f"takes it from minidit: {line}"
        suspect = SUSPECT.search(cell.source)
        if suspect:
            about = [q.name for q in assignment.questions if answers(cell, q)] or [assignment.questions[0].name]
            words = f"mentions the checks' own code: {plain(suspect[0].strip(), 120)}"
            found |= {name: words for name in about if name not in found}
    return found


def taken_from_minidit(source):
    """The names that code imports from minidit, each with the line."""
    for statement in statements(source):
        for node in ast.walk(statement):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("minidit"):
                for alias in node.names:
                    yield alias.name, plain(ast.unparse(node), 120)
