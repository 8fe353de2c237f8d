"""The code of functions that passed their checks: kept beside the record of progress, for the capstone to collect.

A kept file is Python: the function, and before it what it uses of the notebook (functions, constants, imports).
"""

import ast
import builtins
import dis
import inspect
import textwrap
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import numpy as np

from minidit.course.progress import progress_file
from minidit.errors import UserError
from minidit.files.whole import write_whole

NOTEBOOK = "__main__"  # the module of what a notebook defines


class CantKeep(Exception):
    """A function uses something of the notebook that can't be written down."""


def keep(report, function):
    """Keeps the code of a function that passed its check, in place of an earlier one.

    Nothing happens if its code can't be had: a check still gives its verdict.

    Args:
        report: Report of the check.
        function: the answer.
    """
    if not report.passed or not isinstance(function, FunctionType) or function.__module__ != NOTEBOOK:
        return
    try:
        code = code_of(report.name, function)
        path = kept_file(report.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, code.encode())
    except (CantKeep, OSError, UserError):
        return


def kept(name):
    """The kept code of an exercise's function, or "" if there is none."""
    try:
        return kept_file(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def kept_file(name):
    """Where it is kept."""
    return Path(f"{progress_file()}.functions") / f"{name}.py"


def code_of(name, function):
    """A function's code under this name, after what it uses of the notebook.

    Raises:
        CantKeep: its source is unknown, or it uses something that can't be written down.
    """
    found = {}
    own = source_of(function)
    if function.__name__ != name:
        own = f"{own}\n\n{name} = {function.__name__}" if function.__name__.isidentifier() else own
    if name not in defined(own):
        raise CantKeep(f"its code defines no {name}")
    collect_uses(function, own, found, {function.__name__, name})
    return "\n\n\n".join([*found.values(), own]).rstrip("\n") + "\n"


def source_of(function):
    """The source of a function.

    Raises:
        CantKeep: it is unknown, or no statement by itself.
    """
    try:
        source = textwrap.dedent(inspect.getsource(function)).rstrip("\n")
        ast.parse(source)
    except (OSError, TypeError, SyntaxError) as error:
        raise CantKeep(str(error)) from error
    return source


def collect_uses(function, source, found, seen):
    """Adds to `found` (name -> code) what a function uses of the notebook, in an order that runs."""
    if function.__closure__:
        raise CantKeep("it uses variables of a function around it")
    for name in names_used(function.__code__) | names_at_definition(source):
        if name in seen or name not in function.__globals__:
            continue  # Python's own, or not there yet
        seen.add(name)
        value = function.__globals__[name]
        if isinstance(value, ModuleType):
            found[name] = import_of(name, value)
        elif isinstance(value, FunctionType) and value.__module__ == NOTEBOOK:
            code = source_of(value)
            if name not in defined(code):
                raise CantKeep(f"{name} has another name in its code")
            collect_uses(value, code, found, seen)
            found[name] = code
        elif is_literal(value):
            found[name] = f"{name} = {plain(value)!r}"
        elif not hasattr(builtins, name):
            found[name] = import_from(name, value)


def is_literal(value):
    """Whether a constant can be written down: a number, a text, or tuples, lists and dicts of these."""
    try:
        return bool(ast.literal_eval(repr(plain(value))) == value)
    except (ValueError, SyntaxError, TypeError):
        return False


def plain(value):
    """A number of NumPy's as one of Python's; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def names_used(code):
    """The global names that a code object looks up, in it and in the functions inside."""
    names = {step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return names.union(*(names_used(part) for part in code.co_consts if isinstance(part, CodeType)))


def names_at_definition(source):
    """The names that a definition looks up when it runs: in decorators and default values."""
    (statement, *_) = ast.parse(source).body
    if not isinstance(statement, ast.FunctionDef):
        return set()
    defaults = [default for default in (*statement.args.defaults, *statement.args.kw_defaults) if default]
    parts = [*statement.decorator_list, *defaults]
    return {node.id for part in parts for node in ast.walk(part) if isinstance(node, ast.Name)}


def import_of(name, module):
    """The line that imports a module under this name."""
    parent, _, last = module.__name__.rpartition(".")
    if parent and last == name:
        return f"from {parent} import {name}"
    return f"import {module.__name__}" + (f" as {name}" if module.__name__ != name else "")


def import_from(name, value):
    """The line that imports something of a module under this name.

    Raises:
        CantKeep: it can't be imported.
    """
    home, own = getattr(value, "__module__", None), getattr(value, "__name__", None)
    if not home or not own or home == NOTEBOOK:
        raise CantKeep(f"{name} can't be imported")
    return f"from {home} import {own}" + (f" as {name}" if own != name else "")


def defined(code):
    """Name -> code of every statement in Python code that defines names, in order; one statement may have several."""
    found = {}
    for statement in ast.parse(code).body:
        text = ast.get_source_segment(code, statement)
        for decorator in getattr(statement, "decorator_list", ())[:1]:
            text = "\n".join(code.split("\n")[decorator.lineno - 1 : statement.end_lineno])
        found |= dict.fromkeys(names_of(statement), text)
    return found


def names_of(statement):
    """The names that a statement defines."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in statement.names]
    if isinstance(statement, ast.Assign):
        return [node.id for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name)]
    return []
