"""The results of grading: points and verdicts, as a table and as a CSV file."""

import csv
import io
import re
import unicodedata
from dataclasses import dataclass

from minidit.course.report import NOT_STARTED, PASSED, WRONG

MISSING, CRASHED, OUT_OF_TIME, OUT_OF_MEMORY, CORRUPT = (
    "missing", "crashed", "out of time", "out of memory", "corrupt notebook",
)  # fmt: skip
VERDICTS = PASSED, WRONG, NOT_STARTED, MISSING, CRASHED, OUT_OF_TIME, OUT_OF_MEMORY, CORRUPT
COLUMNS = (
    "student", "id", "notebook", "lesson", "exercise", "title", "verdict", "points", "of", "says", "note",
    "student_points", "student_of",
)  # fmt: skip
FORMULA = "=+-@"  # a spreadsheet takes a cell that begins with one of these for a formula
SEPARATED = re.compile(r"([;\t\r\n])(?=\s*[=+\-@])")  # where some spreadsheets begin a new cell


@dataclass(frozen=True)
class Grade:
    """What an answer to an exercise is worth.

    Attributes:
        lesson: number of the lesson, two digits.
        exercise: its name.
        heading: in the lesson, with its number: "7.2 Scale and shift".
        points: earned points; of: possible points.
        verdict: of VERDICTS.
        says: a sentence, following the exercise's name.
        details: further lines.
        note: what the teacher may want to look at, or "".
    """

    lesson: str
    exercise: str
    heading: str
    points: float
    of: float
    verdict: str
    says: str = ""
    details: tuple[str, ...] = ()
    note: str = ""

    @property
    def label(self):
        """What a reader finds it by in the lesson."""
        return f"{self.heading.partition(' ')[0]} {self.exercise}".strip()


@dataclass(frozen=True)
class Sheet:
    """The results of a student.

    Attributes:
        student, identity: the name, and the platform's word for the student or "".
        grades: Grades.
        files: {number of a lesson: name of the notebook that was graded}.
    """

    student: str
    identity: str
    grades: tuple[Grade, ...]
    files: dict


def none(assignment, verdict, says, note=""):
    """The Grades of a lesson in which nothing can be graded."""
    return [
        Grade(assignment.number, one.name, one.heading, 0.0, one.exercise.points, verdict, says, note=note)
        for one in assignment.questions
    ]


def total(grades):
    """Earned points, and possible points."""
    return round(sum(grade.points for grade in grades), 2), sum(grade.of for grade in grades)


def as_csv(sheets):
    """A row for each student and exercise, as bytes.

    Args:
        sheets: Sheets.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for sheet in sheets:
        points, of = (f"{number:g}" for number in total(sheet.grades))
        for one in sheet.grades:
            whose = sheet.student, sheet.identity, sheet.files.get(one.lesson, "")
            texts = *whose, one.lesson, one.exercise, one.heading, one.verdict
            numbers = f"{one.points:g}", f"{one.of:g}"
            writer.writerow([*map(harmless, texts), *numbers, *map(harmless, (one.says, one.note)), points, of])
    return file.getvalue().encode("utf-8-sig", "replace")  # which spreadsheets take for what it is


def lessons_in_csv(data):
    """Whose grades of which lessons a CSV file has: {(student, number of the lesson)}, as `as_csv` writes them."""
    rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    return {(row["student"], row["lesson"]) for row in rows}


def harmless(text):
    """A text that a spreadsheet treats as text: not as a formula, whatever stands before its first sign."""
    text = SEPARATED.sub(r"\1'", text)
    first = next((c for c in text if c.isprintable() and not c.isspace() and unicodedata.category(c) != "Mn"), "")
    return f"'{text}" if first and unicodedata.normalize("NFKC", first)[0] in FORMULA else text


def table(sheets):
    """A line for each student: points for each lesson and in all; at the end, the mean.

    Args:
        sheets: Sheets, with the same exercises in each.
    """
    lessons = sorted({grade.lesson for sheet in sheets for grade in sheet.grades})
    parts = [
        [total([grade for grade in sheet.grades if grade.lesson == lesson]) for lesson in lessons]
        + [total(sheet.grades)]
        for sheet in sheets
    ]
    width = max(len("student"), len("points"), *(len(sheet.student) for sheet in sheets))
    lines = ["".join([f"{'student':<{width}}", *(f"{heading:>9}" for heading in (*lessons, "all"))])]
    for sheet, columns in zip(sheets, parts, strict=True):
        lines.append("".join([f"{sheet.student:<{width}}", *(f"{points:>9g}" for points, _ in columns)]))
    columns = list(zip(*parts, strict=True))
    means = [sum(points for points, _ in column) / len(column) for column in columns]
    lines.append("".join([f"{'mean':<{width}}", *(f"{mean:>9.2f}" for mean in means)]))
    lines.append("".join([f"{'of':<{width}}", *(f"{column[0][1]:>9g}" for column in columns)]))
    return "\n".join(lines)
