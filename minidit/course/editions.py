"""A lesson's editions as notebooks: self-study, classroom, solutions.

    self_study   stubs; beneath each exercise its solution, folded away
    classroom    stubs, without any solution
    solutions    solutions between nbgrader's markers: the source for `nbgrader generate_assignment`

A cell has the same id in all three. The ids of an exercise come from its name (NAME-answer, NAME, NAME-solution); other
cells get theirs from their text, so that a change in one cell doesn't change the others' ids. nbgrader uses the same
ids: the points belong to NAME.

Behind its title every notebook has a cell that does nothing unless minidit is missing, and then says how to install it.
"""

import hashlib
import re
from collections import Counter

from minidit.course.source import Code, Task, Text
from minidit.errors import UserError

SELF_STUDY, CLASSROOM, SOLUTIONS = EDITIONS = ("self_study", "classroom", "solutions")  # their folders
REPOSITORY = ""  # OWNER/NAME on GitHub, once the lessons are public there: a badge then opens each of them in Colab
BRANCH = "main"
FROM_GITHUB = """
        'Run: %pip install "minidit @ git+https://github.com/{}"'"""
FROM_CLONE = """
        "In the folder of minidit's clone, run this in a terminal:\\n"
        f'"{sys.executable}" -m pip install -e ".[lessons]"'"""
SETUP = """\
# Says something only where minidit is missing: in Colab, or in a kernel without it.
import importlib.util
import sys

found = importlib.util.find_spec("minidit")
if found is None or found.origin is None:
    raise ModuleNotFoundError(
        f"minidit is not installed for this notebook's Python, {{sys.executable}}.\\n"{}
        "\\nThen restart the kernel. Or choose the kernel of a Python that has minidit."
    )"""
UNSEEN = {"jupyter": {"source_hidden": True}, "tags": ["remove-cell"]}  # folded in JupyterLab; not on the site
BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{}/blob/{}/lessons/{}/{}.ipynb)"
)
HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
FOLDED = "<details><summary>A solution</summary>\n\n```python\n{}\n```\n\n</details>"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}
SHORT = 12  # a line with this many letters gives nothing away
HANDING_ON = re.compile(r"(return )?[\w, ()]+( = ([\w, ().\[\]:]|-(?=\d))+)?")  # such as: x, D = cache[0], x.shape[-1]
CALL = re.compile(r"\w\(")


def edition_of(lesson, edition, exercises):
    """Makes one edition of a lesson.

    Args:
        lesson: Lesson.
        edition: one of EDITIONS.
        exercises: name -> Exercise or Numbers, for the points.
    Returns:
        the notebook, not executed.
    Raises:
        UserError: for an exercise that the course doesn't know, one that occurs twice, or a solution that shows where
            it shouldn't.
    """
    import nbformat

    unknown = [task.name for task in lesson.tasks if task.name not in exercises]
    if unknown:
        raise UserError(f"lesson {lesson.name}: there is no exercise called {unknown[0]} in minidit.course.exercises.")
    twice = [name for name, count in Counter(task.name for task in lesson.tasks).items() if count > 1]
    if twice:
        raise UserError(f"lesson {lesson.name}: it has two exercises called {twice[0]}.")
    cells, seen = [], Counter()
    for cell in lesson.cells:
        if isinstance(cell, Task):
            cells += task_cells(cell, edition, exercises[cell.name].points)
        else:
            identity = identifier(lesson.name, cell.text)
            seen[identity] += 1
            suffix = f"-{seen[identity]}" if seen[identity] > 1 else ""
            cells.append(notebook_cell(type(cell), cell.text, identity + suffix))
    title = 1 if lesson.cells and isinstance(lesson.cells[0], Text) else 0
    cells[title:title] = first_cells(lesson.name, edition)
    notebook = nbformat.from_dict({"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5})
    if edition != SOLUTIONS:
        refuse_leaks(lesson, edition, notebook)
    return notebook


def first_cells(name, edition):
    """The cell that says how to install minidit where it is missing, and a badge for Colab if there is an address."""
    install = FROM_GITHUB.format(REPOSITORY) if REPOSITORY else FROM_CLONE
    cells = [notebook_cell(Code, SETUP.format(install), f"{name[:2]}-setup", **UNSEEN)]
    if REPOSITORY:
        badge = BADGE.format(REPOSITORY, BRANCH, edition, name)
        cells.insert(0, notebook_cell(Text, badge, f"{name[:2]}-colab"))
    return cells


def notebook_cell(kind, text, identity, **metadata):
    """A cell of a notebook, as a dict."""
    cell = {"cell_type": "markdown" if kind is Text else "code", "id": identity, "metadata": metadata, "source": text}
    return cell if kind is Text else cell | {"execution_count": None, "outputs": []}


def task_cells(task, edition, points):
    """The cells of an exercise: its answer, its check, and in the self-study edition the solution."""
    answer = task.with_markers if edition == SOLUTIONS else task.stub
    # The classroom edition locks the same cells that nbgrader locks in an assignment.
    kept = {"deletable": False} if edition == CLASSROOM else {}
    locked = kept | {"editable": False} if edition == CLASSROOM else {}
    role = {"schema_version": 3, "cell_type": "code", "task": False}
    writes = role | {"grade": False, "solution": True, "locked": False, "grade_id": f"{task.name}-answer"}
    grades = role | {"grade": True, "solution": False, "locked": True, "grade_id": task.name, "points": points}
    cells = [
        notebook_cell(Code, answer, f"{task.name}-answer", nbgrader=writes, **kept),
        notebook_cell(Code, task.check, task.name, nbgrader=grades, **locked),
    ]
    if edition == SELF_STUDY:
        cells.append(notebook_cell(Text, FOLDED.format(task.solved), f"{task.name}-solution"))
    return cells


def identifier(lesson, text):
    """The id of a cell: the number of its lesson, and a digest of its text."""
    return f"{lesson[:2]}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def with_points(notebook, lesson):
    """Adds the hidden tests to the checks. Their last value gives nbgrader the points, partial ones included.

    Args:
        notebook: the solutions of the lesson; changed. Add the tests after running it, because readers don't need to
            see the points.
        lesson: Lesson.
    """
    tasks = {task.name: task for task in lesson.tasks}
    for cell in notebook.cells:
        if cell.id in tasks:
            cell.source = "\n".join([cell.source, HIDDEN[0], tasks[cell.id].points, HIDDEN[1]])


# ------------------------------------------------------------------------------------------- nothing leaks


def refuse_leaks(lesson, edition, notebook):
    """Makes sure that no line of a solution shows in an edition.

    Raises:
        UserError: one does; the sentence says where.
    """
    for task in lesson.tasks:
        for line in filter(telling, map(plain, task.solution_lines)):
            pattern = re.compile(rf"(?<!\w){re.escape(line)}(?!\w)")
            for cell in notebook.cells:
                if any(map(pattern.search, visible_lines(cell, edition))):
                    raise UserError(
                        f"lesson {lesson.name}: the solution of {task.name} shows in the edition {edition}, in the "
                        f"cell {cell.id}: {line}"
                    )


def visible_lines(cell, edition):
    """The visible lines of a cell; in the self-study edition, without what is folded away."""
    text = cell.source
    if edition == SELF_STUDY and cell.cell_type == "markdown":
        text = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
    return [squeezed(line) for line in text.split("\n")]


def squeezed(line):
    """A line with every run of spaces made one."""
    return " ".join(line.split())


def plain(line):
    """A line of a solution in the form to search for: without the comment after the code."""
    line = squeezed(line)
    return line.partition(" #")[0]


def telling(line):
    """Whether a line gives something away. Short lines don't, nor do lines that only pass values on."""
    return len(line) >= SHORT and not (HANDING_ON.fullmatch(line) and not CALL.search(line))
