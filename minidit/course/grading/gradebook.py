"""The results of a class while they come in: who has what, what is left to grade, and the files that say so."""

import re

from minidit.course.editions import CLASSROOM
from minidit.course.grading.journal import key_of
from minidit.course.grading.pages import feedback
from minidit.course.grading.results import CORRUPT, MISSING, Sheet, as_csv, none, total
from minidit.course.grading.workers import Task
from minidit.errors import UserError
from minidit.files.whole import make_folder

LONGEST_NAME = 80  # characters of a page's name
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)  # Windows has no files of these names


class Gradebook:
    """The results of a class.

    Args:
        students: Students.
        chosen: Assignments to grade.
        limits: Limits.
        journal: Journal, which knows what was graded before.
        out: Path of the CSV file.
        pages: Paths of the students' pages, in order; empty for none.
    """

    def __init__(self, students, chosen, limits, journal, out, pages=()):
        self.students, self.chosen, self.limits, self.journal = students, chosen, limits, journal
        self.out, self.pages = out, pages
        self.keys = [
            {one.number: self.key(student.submissions.get(one.number), one) for one in chosen} for student in students
        ]

    def key(self, submission, assignment):
        """What a notebook's grades are kept under; None if there is nothing to run."""
        return key_of(submission.cells, assignment, self.limits) if submission and not submission.corrupt else None

    def tasks(self, lessons):
        """What is left to grade: Tasks, no two alike.

        Args:
            lessons: Path of the folder of lessons.
        """
        found = {}
        for student, keys in zip(self.students, self.keys, strict=True):
            for one in self.chosen:
                key = keys[one.number]
                if key and key not in self.journal.grades:
                    path = lessons / CLASSROOM / f"{one.name}.ipynb"
                    found[key] = Task(key, student.submissions[one.number].cells, one, path, self.limits)
        return list(found.values())

    def take(self, task, grades):
        """Keeps the Grades of a notebook, and writes what they complete. Returns a line for each of its students."""
        self.journal.note(task.key, grades)
        points, of = total(grades)
        number = task.assignment.number
        whose = [i for i, keys in enumerate(self.keys) if keys[number] == task.key]
        self.write(whose)
        return [f"{self.students[i].name}: lesson {int(number)}: {points:g} of {of:g}" for i in whose]

    def sheet(self, i):
        """The Sheet of the student with this index; None while some of it isn't graded."""
        student, keys = self.students[i], self.keys[i]
        grades, files = [], {}
        for one in self.chosen:
            submission = student.submissions.get(one.number)
            if submission is None:
                grades += none(one, MISSING, f"no notebook of lesson {int(one.number)} was handed in.")
                continue
            files[one.number] = submission.name
            if submission.corrupt:
                grades += none(one, CORRUPT, f"{submission.name} {submission.corrupt}.")
            elif keys[one.number] in self.journal.grades:
                grades += self.journal.grades[keys[one.number]]
            else:
                return None
        return Sheet(student.name, student.identity, tuple(grades), files)

    def sheets(self):
        """The Sheets of those students who have all their grades, in order."""
        return [sheet for sheet in map(self.sheet, range(len(self.students))) if sheet]

    def write(self, whose=None, insist=False):
        """Writes the CSV file and the pages of those students who have all their grades.

        Args:
            whose: indices of the students whose pages are written; None for all.
            insist: whether it has to work. If not, as while a spreadsheet shows the file on Windows, it may work later.
        Raises:
            UserError: it has to work, and doesn't.
        """
        titles = {one.number: one for one in self.chosen}
        files = {self.out: as_csv(self.sheets())}
        for i in range(len(self.students)) if whose is None else whose:
            sheet = self.sheet(i) if self.pages else None
            if sheet:
                files[self.pages[i]] = feedback(sheet, titles)
        try:
            for path, data in files.items():
                make_folder(path.parent)
                self.journal.write(path, data)
        except UserError as error:
            if insist:
                raise UserError(f"{error} What was graded is kept in {self.journal.path}.") from error


def page_names(students):
    """A file name for the page of each student: the student's name, as far as any system takes it, and unique."""
    taken, names = set(), []
    for student in students:
        name = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", student.name).strip(" .")[:LONGEST_NAME].strip(" .") or "_"
        name = f"_{name}" if RESERVED.fullmatch(name.partition(".")[0]) or name.startswith("-") else name
        while len(name.encode("utf-8", "replace")) > 200:
            name = name[:-1]
        unique, count = name, 1
        while unique.casefold() in taken:
            count += 1
            unique = f"{name}-{count}"
        taken.add(unique.casefold())
        names.append(f"{unique}.html")
    return names
