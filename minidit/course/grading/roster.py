"""Finds the notebooks in a folder: whose they are, and of which lessons."""

import re
from dataclasses import dataclass
from pathlib import Path

from minidit.errors import UserError

SUBMITTED = "submitted"  # nbgrader's folder, in that of a course
NUMBERED = re.compile(r"(\d\d)_.*\.ipynb", re.IGNORECASE)
EXPECTED = "expected FOLDER/STUDENT/07_apply_scale_and_shift.ipynb"


@dataclass(frozen=True)
class Submission:
    """A student's notebook of a lesson.

    Attributes:
        path: of the notebook.
        others: names of further notebooks of that lesson, which are ignored.
    """

    path: Path
    others: tuple[str, ...] = ()


def roster(folder, assignments):
    """Finds the notebooks of a class.

    Args:
        folder: Path of students' folders, or of one student's notebooks, or of an nbgrader course.
        assignments: {number: Assignment}.
    Returns:
        {student: {number: Submission}}, in alphabetical order.
    Raises:
        UserError: there is no such folder, or no notebook in it.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: {EXPECTED}.")
    if (folder / SUBMITTED).is_dir():
        folder = folder / SUBMITTED
    try:
        students = [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]
        found = {path.name: submissions(path.rglob("*"), assignments) for path in students}
        if not any(found.values()):
            own = submissions(folder.iterdir(), assignments)
            found = {folder.resolve().name: own} if own else {}
    except OSError as error:
        raise UserError(f"can't read the folder {error.filename}: {error.strerror}.") from error
    if not found:
        raise UserError(f"there are no notebooks of lessons in {folder}: {EXPECTED}.")
    return found


def submissions(paths, assignments):
    """Number of a lesson -> Submission. A notebook with our name takes precedence over a renamed one."""
    found = {}
    for path in sorted(paths):
        match = NUMBERED.fullmatch(path.name)
        if match and match[1] in assignments and path.is_file() and ".ipynb_checkpoints" not in path.parts:
            found.setdefault(match[1], []).append(path)
    result = {}
    for number, those in sorted(found.items()):
        those.sort(key=lambda path: path.stem != assignments[number].name)
        result[number] = Submission(those[0], tuple(path.name for path in those[1:]))
    return result
