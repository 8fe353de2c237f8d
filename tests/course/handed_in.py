"""Notebooks as students hand them in, for tests of what grades them."""

import builtins
import importlib.util
import inspect
import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def notebook_of(*cells):
    """A notebook's text. A cell is its source, or (id, source)."""
    pairs = [cell if isinstance(cell, tuple) else (f"cell-{i}", cell) for i, cell in enumerate(cells)]
    whole = [
        {
            "cell_type": "code", "id": identity, "metadata": {}, "execution_count": None, "outputs": [],
            "source": source.splitlines(keepends=True),
        }
        for identity, source in pairs
    ]  # fmt: skip
    return json.dumps({"cells": whole, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def answers_of_lesson(number):
    """The module tests/course/answers/lesson_NN.py."""
    name = f"lesson_{number:02}"
    if str(HERE) not in sys.path:
        sys.path.append(str(HERE))
    spec = importlib.util.spec_from_file_location(name, HERE / "answers" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def as_code(name, answer, module):
    """The code of a cell that makes an answer, under this name.

    Args:
        name: that the check is given.
        answer: a function of the module, or numbers.
        module: of answers, from which the function takes whatever else it needs.
    """
    if not callable(answer):
        value = [part.tolist() for part in answer] if isinstance(answer, tuple | list) and any(
            isinstance(part, np.ndarray) for part in answer
        ) else answer.tolist() if isinstance(answer, np.ndarray) else answer  # fmt: skip
        return f"{name} = {value!r}"
    parts, modules = {}, {}
    collect(answer, module, parts, modules)
    return "\n".join([*modules.values(), "\n\n".join(reversed(parts.values())), f"{name} = {answer.__name__}"])


def collect(function, module, parts, modules):
    """Adds the source of a function, and of what it needs of its module."""
    parts[function.__name__] = inspect.getsource(function)
    names = {name for code in codes(function.__code__) for name in code.co_names}
    for name in sorted(names - {*parts, *dir(builtins)}):
        value = vars(module).get(name)
        if inspect.ismodule(value):
            modules[name] = f"import {value.__name__} as {name}"
        elif inspect.isfunction(value) and value.__module__ == module.__name__:
            collect(value, module, parts, modules)
        elif callable(value):
            modules[name] = f"from {value.__module__} import {value.__name__} as {name}"
        elif value is not None:
            modules[name] = f"{name} = {value!r}"


def codes(code):
    """The code of a function, and of those inside of it."""
    return [code, *(inner for part in code.co_consts if inspect.iscode(part) for inner in codes(part))]
