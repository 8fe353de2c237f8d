"""Fills a cell of the capstone with the functions that passed their checks in the lessons before.

    capstone.collect()      # at the top of an exercise's cell

replaces each function of the cell that is not written yet by the kept code, as `%load` does. So the notebook holds all
the code, and can be graded on another machine.
"""

import ast
import html
import linecache
import re
import sys

from minidit.course.drawing.show import in_notebook, publish
from minidit.course.exercises import all_exercises
from minidit.course.kept import defined, kept
from minidit.course.progress import passed
from minidit.course.report import MARKS, NOT_STARTED, PASSED, say

CALL = re.compile(r"^capstone\.collect\(\)[^\n]*\n+", re.MULTILINE)
FOLDED = "<details><summary>The code, if the cell above has not changed</summary><pre>{}</pre></details>"


def collect():
    """Fills the cell that calls it, and says what was found and what is still to be written.

    A function that is written already stays as it is. Where a front end can't change a cell, the code is shown instead.
    """
    cell, shell = this_cell(sys._getframe(1))
    try:
        open_ones = stubs(cell)
    except SyntaxError:
        say(f"{MARKS[NOT_STARTED]} nothing collected: this cell has lines that are not Python, such as %magic.")
        return
    if not open_ones:
        return
    filled, found, conflicts = fill(cell, open_ones, shell.user_ns if shell else {})
    missing = [name for name in open_ones if name not in found]
    if found:
        if not missing:
            filled = CALL.sub("", filled)
        show(filled, shell)
        say(f"{MARKS[PASSED]} collected: {', '.join(found)}. Run this cell again, with your code in it.")
    if missing:
        say(f"{MARKS[NOT_STARTED]} not collected: {'; '.join(f'{name} ({why(name, conflicts)})' for name in missing)}.")


def this_cell(frame):
    """The code of the cell that runs, and IPython's shell; in a script the code of the file, and None."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        return shell.history_manager.input_hist_raw[-1], shell
    return "".join(linecache.getlines(frame.f_code.co_filename)), None


def stubs(cell):
    """Name -> lines (first, last) of the functions in a cell that are exercises of their own and not written yet.

    Raises:
        SyntaxError: it isn't Python alone.
    """
    return {
        one.name: (one.lineno - 1, one.end_lineno)
        for one in ast.parse(cell).body
        if isinstance(one, ast.FunctionDef) and one.name in all_exercises() and any(map(is_stub, ast.walk(one)))
    }


def is_stub(node):
    """Whether this is a `raise NotImplementedError`."""
    return isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name) and node.exc.id == "NotImplementedError"


def fill(cell, open_ones, namespace):
    """A cell with kept code in place of stubs.

    Args:
        cell: its code.
        open_ones: as from `stubs`.
        namespace: of the notebook: what it has imported needs no second import.
    Returns:
        the new code; the names of the functions that were filled in; and name -> what two of them define differently.
    """
    lines, own, helpers, found, conflicts = cell.split("\n"), defined(cell), {}, {}, {}
    for name in open_ones:
        code = kept(name)
        if not code:
            continue
        pieces = {other: text for other, text in defined(code).items() if other not in own and other != name}
        pieces = {other: text for other, text in pieces.items() if not is_there(other, text, namespace)}
        clash = next((other for other, text in pieces.items() if helpers.get(other, text) != text), None)
        if clash is not None:
            conflicts[name] = clash
            continue
        new = [text for other, text in pieces.items() if other not in helpers]
        helpers |= pieces
        found[name] = "\n\n\n".join(dict.fromkeys([*new, defined(code)[name]]))
    for name, (first, last) in reversed(open_ones.items()):
        if name in found:
            lines[first:last] = found[name].split("\n")
    return "\n".join(lines), list(found), conflicts


def is_there(name, code, namespace):
    """Whether a notebook has imported the same under this name."""
    if not code.startswith(("import ", "from ")) or name not in namespace:
        return False
    scratch = {}
    exec(code, scratch)
    return scratch[name] is namespace[name]


def why(name, conflicts):
    """Why the code of a function is not there, and what to do."""
    lesson = all_exercises()[name].lesson
    if name in conflicts:
        return f"copy it from lesson {lesson}: its {conflicts[name]} differs from another function's"
    if name in passed():
        return f"it passed, but its code was not kept: run its check in lesson {lesson} again, or copy it"
    return f"write it in lesson {lesson}"


def show(code, shell):
    """Puts code into the cell that runs; a script prints it."""
    if shell is None:
        print(code)
        return
    shell.set_next_input(code, replace=True)
    if in_notebook():
        publish({"text/html": FOLDED.format(html.escape(code)), "text/plain": code})
