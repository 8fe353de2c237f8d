"""Finds the notebooks of a class: whose they are, and of which lessons.

Who handed in a notebook is told by the learning platform's names (see platforms.py), by nbgrader's folders, or by a
folder for each student. Which lesson it belongs to is told by the exercises inside, whatever its name.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from minidit.course.grading.archives import File, Unreadable, files_of, readable
from minidit.course.grading.notebook import Corrupt, lessons_in, read_cells
from minidit.course.grading.platforms import METADATA, Handed, gradescope_students, handed_in_as
from minidit.errors import UserError

SUBMITTED = "submitted"  # nbgrader's folder, in that of a course
NOTEBOOK = re.compile(r".*\.(ipynb|json|ipynb\.txt)", re.IGNORECASE)
COPY = re.compile(r"([-_ ]*(copy|kopie|copie|copia)\s*\d*|\s*\(\d+\)|-\d+)+$", re.IGNORECASE)
SAME_TIME = 60  # seconds: of two notebooks this close, the age says nothing
EXPORT = re.compile(r"assignment_\d+_export.*")  # Gradescope's folder or archive
EXPECTED = "expected FOLDER/STUDENT/07_apply_scale_and_shift.ipynb, or a learning platform's download"


@dataclass(frozen=True)
class Submission:
    """A student's notebook of a lesson.

    Attributes:
        name: of its file.
        cells: Cells of code; empty if it can't be read.
        corrupt: why it can't be read, or "".
    """

    name: str
    cells: tuple = ()
    corrupt: str = ""


@dataclass
class Student:
    """A student of the class.

    Attributes:
        name: as the platform gives it, made unique in the class.
        identity: the platform's number or word for the student, or "".
        submissions: {number of a lesson: Submission}.
    """

    name: str
    identity: str = ""
    submissions: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Class:
    """A class, and what it handed in.

    Attributes:
        students: Students, in alphabetical order.
        left_out: lines on files that are not graded.
    """

    students: tuple[Student, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """A file that is a notebook of a lesson, or has the name of one.

    Attributes:
        file: File.
        cells: Cells of code; empty if it can't be read.
        corrupt: why it can't be read, or "".
        lessons: their numbers.
        rest: what its name has besides the one that it was handed out with, and what says that it is a copy.
    """

    file: File
    cells: tuple
    corrupt: str
    lessons: tuple[str, ...]
    rest: str


def roster(folder, assignments, ignored=()):
    """Finds the notebooks of a class.

    Args:
        folder: Path of a folder or a zip file: students' folders, one student's notebooks, an nbgrader course, or what
            a learning platform gives to download.
        assignments: {number: Assignment}.
        ignored: Paths in it to leave out without a word.
    Returns:
        Class.
    Raises:
        UserError: there is no such folder, or no notebook in it.
    """
    folder = Path(folder)
    course = (folder / SUBMITTED).is_dir()
    files, folders, left_out = files_of(folder / SUBMITTED if course else folder, ignored)
    root, metadata = {}, {}
    for parts in folders:
        put(root, (*parts, ""), None)
    for file in files:
        if file.name == METADATA and is_exports(file.parts[:-1], files):
            metadata[file.parts[:-1]] = gradescope_students(read(file, left_out) or b"{}")
            continue
        found = notebook_in(file, assignments, left_out)
        if found is None and len(file.parts) == 1 and not handed_in_as(file.name):
            continue  # it is nobody's
        put(root, file.parts, found)
    own = Handed(stem(readable(folder.resolve().name)))
    handed = [*in_level({SUBMITTED: root} if course else root, (), metadata, own, left_out)]
    if not any(found for _, found in handed):
        raise UserError(f"there are no notebooks of lessons in {folder}: {EXPECTED}.")
    return Class(tuple(students(handed, left_out)), tuple(lines(left_out)))


def is_exports(parts, files):
    """Whether a folder may be a whole export of Gradescope's, and not one that a student made up."""
    outermost = not parts or EXPORT.fullmatch(parts[0]) or len({file.parts[0] for file in files}) == 1
    return len(parts) < 2 and outermost or len(parts) == 2 and outermost and EXPORT.fullmatch(parts[1])


# -------------------------------------------------------------------------------------------- which notebooks


def read(file, left_out):
    """A file's bytes; None if it can't be read, which is noted."""
    try:
        return file.read()
    except Unreadable as error:
        left_out.append((file.path, str(error)))
        return None


def notebook_in(file, assignments, left_out):
    """Found, if a file is a notebook of some of these lessons or has the name of one; else it is left out."""
    if not NOTEBOOK.fullmatch(file.name):
        left_out.append((file.path, "not a notebook"))
        return None
    named = [number for number, one in assignments.items() if one.name in file.name]
    rest = rest_of(file.name, [one.name for one in assignments.values()])
    data = read(file, left_out)
    if data is None:
        return None
    try:
        cells = tuple(read_cells(data))
        lessons, corrupt = lessons_in(cells, assignments), ""
    except Corrupt as error:
        cells, lessons, corrupt = (), tuple(named), str(error)
    if not lessons:
        is_notebook = file.name.lower().endswith((".ipynb", ".ipynb.txt")) or cells
        left_out.append((file.path, (corrupt or "no exercises in it") if is_notebook else "not a notebook"))
        return None
    return Found(file, cells, corrupt, lessons, rest)


def put(tree, parts, found):
    """Puts something into a tree of dicts. A file without a notebook leaves its folders, and its name if it is alone.

    So a student who handed in something else, or nothing, is in the class, too.
    """
    for part in parts[:-1]:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):  # a file has the name of a folder: only in an archive that somebody made up
            return
    if found or handed_in_as(parts[-1]):
        tree.setdefault(parts[-1], found or {})


def notebooks(tree):
    """All Found in a tree, or in what is itself one."""
    return [found for part in tree.values() for found in notebooks(part)] if isinstance(tree, dict) else [tree]


# ----------------------------------------------------------------------------------------------- whose they are


def in_level(tree, parts, metadata, own, left_out):
    """Yields (Handed, Found) for the notebooks of a folder that holds those of a class, or of one student.

    Args:
        tree: of the folder.
        parts: where it is.
        metadata: {parts of a folder of Gradescope's: {submission: [Handed]}}.
        own: Handed, if it is one student's folder.
        left_out: list, to which (where, why) is added.
    """
    if parts in metadata:
        for name in [*metadata[parts], *(name for name in tree if name not in metadata[parts])]:
            for handed in metadata[parts].get(name) or [Handed(name)]:
                yield from of_student(handed, tree.get(name, {}))
        return
    if isinstance(tree.get(SUBMITTED), dict):
        for name, part in tree[SUBMITTED].items():
            yield from of_student(Handed(name), part)
        return
    folders = {name: part for name, part in tree.items() if isinstance(part, dict)}
    if platforms_students(tree):
        for name, part in tree.items():
            handed = handed_in_as(stem(name)) or handed_in_as(name)
            if handed:
                yield from of_student(handed, part)
            elif name in folders:
                yield from of_student(Handed(stem(name)), part)
            else:
                left_out.append(("/".join((*parts, name)), "its name doesn't say whose it is"))
        return
    if not any(map(notebooks, folders.values())):
        folders = {}
    alone = len(tree) == 1
    classes = all(is_class(part, (*parts, name), metadata, alone) for name, part in folders.items() if notebooks(part))
    for name, part in folders.items():
        if classes and notebooks(part):
            yield from in_level(part, (*parts, name), metadata, Handed(stem(name)), left_out)
        else:
            yield from of_student(Handed(stem(name)), part)
    yield from loose([part for part in tree.values() if isinstance(part, Found)], own, folders)


def platforms_students(tree):
    """The students by whose names a platform called most of what is in a folder; empty if it didn't."""
    found = [one for one in (handed_in_as(stem(name)) or handed_in_as(name) for name in tree) if one]
    return {(one.student, one.identity) for one in found} if len(found) * 2 > len(tree) else set()


def is_class(tree, parts, metadata, alone):
    """Whether a folder holds the notebooks of several students.

    Args:
        alone: whether it is the only one in its folder. It may then hold those of one, by a platform's name; and two
            notebooks of a lesson may be two students'.
    """
    if SUBMITTED in tree or any(known[: len(parts)] == parts for known in metadata):
        return True
    if len(platforms_students(tree)) > (0 if alone else 1):
        return True
    inner = [part for part in tree.values() if isinstance(part, dict)]
    counts = Counter(lesson for part in inner for lesson in {n for one in notebooks(part) for n in one.lessons})
    return alone and len(inner) == len(tree) and max(counts.values(), default=0) > 1


def of_student(handed, part):
    """Yields (Handed, Found) for all notebooks in what a student handed in; (Handed, None) if there are none."""
    for found in notebooks(part) or [None]:
        yield handed, found


def loose(found, own, folders):
    """Yields (Handed, Found) for notebooks that lie side by side without a platform's names.

    They are one student's, unless there are several of a lesson whose names differ in more than "copy", or students'
    folders beside them: then the rest of a name is the student's.
    """
    counts = Counter((lesson) for one in found if one.rest for lesson in one.lessons)
    several = bool(folders) or max(counts.values(), default=0) > 1
    for one in found:
        yield (Handed(one.rest) if several and one.rest else own), one


def stem(name):
    """A name without its ending."""
    return re.sub(r"\.(zip|ipynb|json|ipynb\.txt)$", "", name, flags=re.IGNORECASE)


def rest_of(name, known):
    """What the name of a notebook has besides one of the known names, and what says that it is a copy."""
    rest = COPY.sub("", stem(name))
    for one in known:
        rest = rest.replace(one, "")
    return rest.strip(" _-.,+()")


# ---------------------------------------------------------------------------------------------- students


def students(handed, left_out):
    """The Students, with one notebook for each lesson."""
    groups = {}
    for one, found in handed:
        groups.setdefault(one.identity or (one.student,), []).append((one, found))
    everyone = []
    for those in groups.values():
        first, those = those[0][0], [(one, found) for one, found in those if found]
        student = Student(first.student, first.identity)
        for number in sorted({lesson for _, found in those for lesson in found.lessons}):
            candidates = [(one, found) for one, found in those if number in found.lessons]
            chosen = latest(candidates)
            student.submissions[number] = Submission(chosen.file.name, chosen.cells, chosen.corrupt)
            for _, other in candidates:
                if other is not chosen:
                    age = "older than" if older(other, chosen) else "not graded, but"
                    left_out.append((other.file.path, f"{age} {chosen.file.name}"))
        everyone.append(student)
    names = Counter(student.name.casefold() for student in everyone)
    for student in everyone:
        if names[student.name.casefold()] > 1 and student.identity:
            student.name = f"{student.name} ({student.identity})"
    return sorted(everyone, key=lambda student: student.name.casefold())


def latest(candidates):
    """The notebook that counts, of several (Handed, Found) of a student and a lesson.

    The platform's order decides, then the age; where that says nothing, a name as it was handed out.
    """
    last = [(one, found) for one, found in candidates if not found.corrupt] or candidates
    order = max(one.order for one, _ in last)
    last = [found for one, found in last if one.order == order]
    newest = max(found.file.modified for found in last)
    last = [found for found in last if newest - found.file.modified <= SAME_TIME]
    return min(last, key=lambda found: (bool(found.rest), len(found.file.name), found.file.path))


def older(one, other):
    """Whether a notebook is older than another."""
    return one.file.modified < other.file.modified - SAME_TIME


def lines(left_out):
    """A line for each file that was left out; one for all, where many have the same name and reason."""
    alike = Counter((path.rpartition("/")[2], why) for path, why in left_out)
    said, result = set(), []
    for path, why in left_out:
        what = (path.rpartition("/")[2], why)
        if alike[what] > 3:
            if what not in said:
                result.append(f"{what[0]} ({alike[what]} times): {why}")
            said.add(what)
        else:
            result.append(f"{path}: {why}")
    return result
