"""The results of grading: points and verdicts, as a table, as a CSV file, as feedback for each student."""

import csv
import io
from dataclasses import dataclass

from minidit.course.report import MARKS, NOT_STARTED, PASSED, WRONG

MISSING, CRASHED, OUT_OF_TIME, OUT_OF_MEMORY, CORRUPT = (
    "missing", "crashed", "out of time", "out of memory", "corrupt notebook",
)  # fmt: skip
VERDICTS = PASSED, WRONG, NOT_STARTED, MISSING, CRASHED, OUT_OF_TIME, OUT_OF_MEMORY, CORRUPT
COLUMNS = (
    "student", "lesson", "exercise", "verdict", "points", "of", "says", "note", "student_points", "student_of",
)  # fmt: skip
FORMULA = "=+-@\t\r"  # a spreadsheet treats a cell that begins with these as a formula


@dataclass(frozen=True)
class Grade:
    """What an answer to an exercise is worth.

    Attributes:
        lesson: number of the lesson, two digits.
        exercise: its name.
        points: earned points; of: possible points.
        verdict: of VERDICTS.
        says: a sentence, following the exercise's name.
        details: further lines.
        note: what the teacher may want to look at, or "".
    """

    lesson: str
    exercise: str
    points: float
    of: float
    verdict: str
    says: str = ""
    details: tuple[str, ...] = ()
    note: str = ""


def none(assignment, verdict, says, note=""):
    """The Grades of a lesson in which nothing can be graded."""
    return [
        Grade(assignment.number, one.name, 0.0, one.exercise.points, verdict, says, note=note)
        for one in assignment.questions
    ]


def total(grades):
    """Earned points, and possible points."""
    return round(sum(grade.points for grade in grades), 2), sum(grade.of for grade in grades)


def as_csv(results):
    """A row for each student and exercise, as bytes.

    Args:
        results: {student: Grades}.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for student, grades in results.items():
        points, of = (f"{number:g}" for number in total(grades))
        for one in grades:
            texts = student, one.lesson, one.exercise, one.verdict
            numbers = f"{one.points:g}", f"{one.of:g}"
            writer.writerow([*map(harmless, texts), *numbers, *map(harmless, (one.says, one.note)), points, of])
    return file.getvalue().encode("utf-8-sig")  # which spreadsheets take for what it is


def harmless(text):
    """A text that a spreadsheet treats as text."""
    return f"'{text}" if text.startswith(tuple(FORMULA)) else text


def table(results):
    """A line for each student: points for each lesson and in all; at the end, the mean.

    Args:
        results: {student: Grades}, with the same exercises for each.
    """
    lessons = sorted({grade.lesson for grades in results.values() for grade in grades})
    parts = {
        student: [total([grade for grade in grades if grade.lesson == lesson]) for lesson in lessons] + [total(grades)]
        for student, grades in results.items()
    }
    width = max(len("student"), len("points"), *map(len, results))
    lines = ["".join([f"{'student':<{width}}", *(f"{heading:>9}" for heading in (*lessons, "all"))])]
    for student, columns in parts.items():
        lines.append("".join([f"{student:<{width}}", *(f"{points:>9g}" for points, _ in columns)]))
    columns = list(zip(*parts.values(), strict=True))
    means = [sum(points for points, _ in column) / len(column) for column in columns]
    lines.append("".join([f"{'mean':<{width}}", *(f"{mean:>9.2f}" for mean in means)]))
    lines.append("".join([f"{'of':<{width}}", *(f"{column[0][1]:>9g}" for column in columns)]))
    return "\n".join(lines)


def feedback(student, grades):
    """What a student gets to read, in Markdown."""
    points, of = total(grades)
    lines = [f"# {student}: {points:g} of {of:g} points"]
    lesson = None
    for one in grades:
        if one.lesson != lesson:
            lesson = one.lesson
            lines += ["", f"## Lesson {int(lesson)}"]
        mark = MARKS.get(one.verdict, MARKS[WRONG])
        lines += ["", f"**{one.exercise}**: {one.verdict}, {one.points:g} of {one.of:g} points", ""]
        # Indented, it is shown as it is, whatever a student's error message holds.
        lines += [f"    {line}" for line in (f"{mark} {one.exercise}: {one.says}", *(f"  {it}" for it in one.details))]
    return "\n".join([*lines, ""])
