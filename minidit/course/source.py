"""A lesson's source, `lessons/source/NN_name.py`: text and code in cells (py:percent), exercises with their solutions.

An exercise's cell says so in its header. Its solution stands between two markers, which are nbgrader's, and its last
line is its check:

    # %% exercise="mean_forward"
    def mean_forward(x):
        ### BEGIN SOLUTION
        return x.mean(axis=0)
        ### END SOLUTION

    check.mean_forward(mean_forward)

In the stub, an indented region becomes `raise NotImplementedError`. A region at the left margin, where numbers are
typed in, becomes `NAME = ...` for every name that it assigns.
"""

import ast
import re
from dataclasses import dataclass

from minidit.errors import UserError

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB, NUMBERS_STUB = "raise NotImplementedError", "{} = ...  # your numbers here"
LESSON_FILE = re.compile(r"\d\d_\w+")  # without its ending


@dataclass(frozen=True)
class Text:
    """A cell of prose, in Markdown."""

    text: str


@dataclass(frozen=True)
class Code:
    """A cell of code that is the same in all editions."""

    text: str


@dataclass(frozen=True)
class Task:
    """A cell that the student writes.

    Attributes:
        name: of the exercise.
        answer: the code with its solution between the markers, without the check.
        argument: the argument of the check, as written.
    """

    name: str
    answer: str
    argument: str

    @property
    def check(self):
        """The line that checks the answer."""
        return f"check.{self.name}({self.argument})"

    @property
    def points(self):
        """The line that gives the points of the answer, a number."""
        return f'check.points("{self.name}", {self.argument})'

    @property
    def solved(self):
        """The answer with its solution, without the markers."""
        return "\n".join(line for line in self.answer.split("\n") if line.strip() not in (BEGIN, END))

    @property
    def stub(self):
        """The answer with a stub for each solution."""
        return replaced(self.answer, lambda indent, lines: [indent + line for line in stub_lines(indent, lines)])

    @property
    def with_markers(self):
        """The answer for nbgrader. Its stub can't say which numbers to type, so ours comes first."""
        return replaced(
            self.answer,
            lambda indent, lines: [
                *(stub_lines(indent, lines) if not indent else []), indent + BEGIN, *lines, indent + END,
            ],
        )  # fmt: skip

    @property
    def solution_lines(self):
        """The lines between the markers."""
        return [line for _, lines in regions(self.answer) for line in lines]


@dataclass(frozen=True)
class Lesson:
    """A lesson: the name of its file without the ending, such as 07_apply_scale_and_shift, and its cells."""

    name: str
    cells: tuple[Text | Code | Task, ...]

    @property
    def tasks(self):
        """Its exercises, in order."""
        return [cell for cell in self.cells if isinstance(cell, Task)]


def read_lesson(path):
    """Reads a lesson's source.

    Args:
        path: Path of the file.
    Returns:
        Lesson.
    Raises:
        UserError: an exercise is malformed; the sentence names it.
    """
    try:
        import jupytext
    except ModuleNotFoundError as error:
        raise UserError("building the lessons needs Jupytext: pip install 'minidit[lessons]'") from error
    if not LESSON_FILE.fullmatch(path.stem):
        raise UserError(f"a lesson's file is called like 07_apply_scale_and_shift.py, not {path.name}.")
    notebook = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    try:
        return Lesson(path.stem, tuple(read_cell(cell) for cell in notebook.cells if cell.source.strip()))
    except UserError as error:
        raise UserError(f"lesson {path.stem}: {error}") from error


def read_cell(cell):
    """One cell of Jupytext's as Text, Code or Task.

    Raises:
        UserError: it is none of these.
    """
    text, name = cell.source.strip("\n"), cell.metadata.get("exercise")
    if cell.cell_type == "markdown":
        return Text(text)
    if name is None:
        if BEGIN in text or END in text:
            raise UserError(
                f'a cell has a solution but is no exercise, begun by # %% exercise="NAME". It is: {first_line(text)}'
            )
        return Code(text)
    try:
        return read_task(name, text)
    except UserError as error:
        raise UserError(f"exercise {name}: {error}") from error


def read_task(name, text):
    """The Task in an exercise's cell.

    Raises:
        UserError: it has no check at its end, or no solution, or no stub can be made from it.
    """
    try:
        last = ast.parse(text).body[-1]
    except (SyntaxError, IndexError) as error:
        raise UserError(f"its cell is not Python: {error}.") from error
    lines = text.split("\n")
    call = getattr(last, "value", None)
    right = (
        isinstance(call, ast.Call)
        and ast.unparse(call.func) == f"check.{name}"
        and len(call.args) == 1
        and not call.keywords
        and last.lineno == len(lines)
    )
    if not right:
        raise UserError(f"its last line has to be check.{name}(…), with one argument.")
    argument = ast.get_source_segment(text, call.args[0])
    task = Task(name, "\n".join(lines[: last.lineno - 1]).rstrip("\n"), argument)
    if not any(line.strip() for line in task.solution_lines):
        raise UserError(f"it has no solution between {BEGIN} and {END}.")
    try:
        ast.parse(task.stub)
    except SyntaxError as error:
        raise UserError(f"without its solution it is no longer Python: {error}.") from error
    return task


def first_line(text):
    """The first line of a cell, to identify it."""
    return text.strip().split("\n")[0]


def replaced(answer, replace):
    """The answer with `replace(indent, lines)`, lines again, in place of every region and its markers."""
    result, inside, indent = [], None, ""
    for line in answer.split("\n"):
        if line.strip() == BEGIN and inside is None:
            inside, indent = [], line[: line.index("#")]
        elif line.strip() == END and inside is not None:
            result += replace(indent, inside)
            inside = None
        elif BEGIN.strip("# ") in line or END.strip("# ") in line:
            raise UserError(f"{BEGIN} and {END} don't stand in pairs, each on a line of its own.")
        else:
            (result if inside is None else inside).append(line)
    if inside is not None:
        raise UserError(f"{BEGIN} is never followed by {END}.")
    return "\n".join(result)


def regions(answer):
    """The regions between the markers: (indent, lines) each."""
    found = []
    replaced(answer, lambda indent, lines: found.append((indent, lines)) or [])
    return found


def stub_lines(indent, lines):
    """What stands in place of a region, without its indent.

    Raises:
        UserError: a region at the left margin assigns no names.
    """
    if indent:
        return [STUB]
    names = assigned("\n".join(lines))
    if not names:
        raise UserError("its solution stands at the left margin but assigns nothing. Indent the markers like the code.")
    return [NUMBERS_STUB.format(name) for name in names]


def assigned(code):
    """The names that code assigns at its top level, in order."""
    names = {}
    for statement in ast.parse(code).body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        if not isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
            continue
        for target in targets:
            names |= dict.fromkeys(node.id for node in ast.walk(target) if isinstance(node, ast.Name))
    return list(names)
