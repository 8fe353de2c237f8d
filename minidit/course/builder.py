"""Builds the lessons: from one source the three editions, each a folder of notebooks.

    lessons/source/NN_name.py  ->  lessons/self_study/NN_name.ipynb, lessons/classroom/…, lessons/solutions/…
"""

import re

from tqdm import tqdm

from minidit.course.editions import EDITIONS, SOLUTIONS, edition_of, with_points
from minidit.course.execution import described, execute, said
from minidit.course.exercises import all_exercises
from minidit.course.report import MARKS, PASSED
from minidit.course.source import LESSON_FILE, read_lesson
from minidit.errors import UserError
from minidit.files.whole import write_whole

EXTREMES = re.compile(r", (lowest|highest) \S+ at [-+.e\d]*\d")  # of a curve; a short training may have others
NUMBER = re.compile(r"[-+]?(\d[\d,]*\.?\d*|\.\d+)(e[-+]?\d+)?[.,]?")  # with what ends a sentence, as in NumPy's "1."


def build_lessons(folder, names=None, executing=True, progress=True):
    """Builds lessons. Notebooks of the same name are replaced, each whole or not at all.

    Args:
        folder: Path of `lessons`.
        names: names or numbers of lessons; empty or None means all.
        executing: whether to run the solutions; otherwise they have no outputs.
        progress: whether to show a bar, and name the written files on standard output.
    Returns:
        the paths of the written files.
    Raises:
        UserError: for an unknown name, or a lesson that can't be built; the lessons before it are written.
    """
    written = []
    for lesson in lessons_of(folder, names, "build lessons", progress):
        for edition, notebook in editions_of(lesson, folder, executing).items():
            path = notebook_file(folder, edition, lesson.name)
            path.parent.mkdir(exist_ok=True)
            write_whole(path, as_bytes(notebook))
            written.append(path)
    if progress:
        print(*written, sep="\n")
    return written


def check_lessons(folder, names=None, executing=True, progress=True):
    """Makes sure that the editions' folders match the sources.

    The student editions have to be the same byte for byte. In the solutions, numbers in outputs and pixels may differ
    from machine to machine (and do where training is cut short here), but nothing else may.

    Args:
        as for `build_lessons`.
    Raises:
        UserError: something differs; the sentence names it.
    """
    for lesson in lessons_of(folder, names, "check lessons", progress):
        for edition, notebook in editions_of(lesson, folder, executing, quick=True).items():
            difference = compare(notebook_file(folder, edition, lesson.name), edition, notebook, executing)
            if difference:
                raise UserError(
                    f"lessons/{edition}/{lesson.name}.ipynb {difference}. Build it: minidit build-lessons {lesson.name}"
                )
    if not names:
        known = {path.stem for path in sources(folder)}
        for edition in EDITIONS:
            for path in sorted((folder / edition).glob("*.ipynb")):
                if LESSON_FILE.fullmatch(path.stem) and path.stem not in known:
                    raise UserError(f"lessons/{edition}/{path.name} no longer has a source. Delete it.")


def lessons_of(folder, names, description, progress):
    """Reads the lessons with these names, one by one, with a progress bar that names them."""
    chosen = chosen_sources(folder, names)
    bar = tqdm(chosen, desc=description, unit="lesson", leave=False, disable=None if progress else True)
    for path in bar:
        bar.set_postfix_str(path.stem)
        yield read_lesson(path)


def sources(folder):
    """The sources of all lessons, in order."""
    return sorted((folder / "source").glob("*.py"))


def chosen_sources(folder, names):
    """The sources of the lessons with these names or numbers; without names, all of them.

    Raises:
        UserError: there is no such lesson, or there are no lessons at all.
    """
    known = {path.stem: path for path in sources(folder)}
    if not known:
        raise UserError(f"there are no lessons in {folder / 'source'}.")
    chosen = []
    for name in names or known:
        match = [stem for stem in known if name == stem or (name.isdecimal() and stem[:2] == name.zfill(2))]
        if not match:
            raise UserError(f'there is no lesson "{name}". Choose from: {", ".join(known)}.')
        chosen.append(match[0])
    return [known[stem] for stem in dict.fromkeys(chosen)]


def notebook_file(folder, edition, name):
    """Path of a lesson's notebook."""
    return folder / edition / f"{name}.ipynb"


def editions_of(lesson, folder, executing=True, exercises=None, quick=False):
    """All editions of a lesson.

    Args:
        lesson: Lesson.
        folder: Path of `lessons`, where the solutions run.
        executing: whether they do.
        exercises: name -> Exercise or Numbers; by default the course's.
        quick: whether training is cut short.
    Returns:
        {edition: notebook}.
    Raises:
        UserError: a solution shows where it shouldn't, a cell fails, or a solution doesn't pass its own check.
    """
    known = all_exercises() if exercises is None else exercises
    editions = {edition: edition_of(lesson, edition, known) for edition in EDITIONS}
    if executing:
        execute(editions[SOLUTIONS], folder, lesson.name, quick=quick)
        insist_passed(editions[SOLUTIONS], lesson)
    with_points(editions[SOLUTIONS], lesson)
    return editions


def insist_passed(notebook, lesson):
    """Makes sure that every solution passes its check.

    Raises:
        UserError: one doesn't; the sentence has what its check says.
    """
    tasks = {task.name for task in lesson.tasks}
    for cell in notebook.cells:
        if cell.id in tasks and f"{MARKS[PASSED]} {cell.id}" not in said(cell):
            verdict = " ".join(said(cell).split()) or "nothing"
            raise UserError(
                f"lesson {lesson.name}: the solution of {cell.id} doesn't pass its check, which says: {verdict}"
            )


def as_bytes(notebook):
    """A notebook as a file's bytes.

    Raises:
        nbformat.ValidationError: it isn't a valid notebook.
    """
    import nbformat

    nbformat.validate(notebook)
    return (nbformat.writes(notebook).rstrip("\n") + "\n").encode()


# ------------------------------------------------------------------------------- built against committed


def compare(path, edition, built, executing):
    """How a notebook's file differs from the built notebook, in words; empty if it doesn't."""
    import nbformat

    if not path.is_file():
        return "is missing"
    data = path.read_bytes()
    if data == as_bytes(built):
        return ""
    try:
        there = nbformat.reads(data.decode(), as_version=nbformat.NO_CONVERT)
        nbformat.validate(there)
    except (ValueError, nbformat.ValidationError):
        return "is not a notebook"
    ids = [cell.get("id") for cell in there.cells]
    for cell in built.cells:
        if cell.id not in ids:
            return f"lacks {described(cell)}"
    if ids != [cell.id for cell in built.cells]:
        return "has other cells than its source, or in a different order"
    for old, new in zip(there.cells, built.cells, strict=True):
        if without_outputs(old) != without_outputs(new):
            return f"differs from its source in {described(new)}"
        if executing and edition == SOLUTIONS and outline(old) != outline(new):
            return f"has outputs that its source no longer gives, in {described(new)}"
    if edition == SOLUTIONS and bare(there) == bare(built):
        return ""
    return "has other outputs or metadata than the built one"


def without_outputs(cell):
    """A cell as a dict, without what execution gave it."""
    return {key: value for key, value in cell.items() if key not in ("outputs", "execution_count")}


def bare(notebook):
    """A notebook as a dict, without what execution gave it."""
    return {**notebook, "cells": [without_outputs(cell) for cell in notebook.cells]}


def outline(cell):
    """A cell's outputs without numbers and pixels: the part that has to be the same on every machine."""
    parts = []
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        text = output.get("text") or data.get("text/plain", "")
        text = NUMBER.sub("0", EXTREMES.sub("", text))
        parts.append((output.output_type, sorted(data), " ".join(text.split())))
    return parts
