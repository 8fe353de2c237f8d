"""Near-identical answers are shown where chance doesn't explain them, and hardly ever where it does."""

import json
import math
import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from made_up_class import as_it_is, class_of, disguised, renamed

from minidit.course.grading.assigned import assignments
from minidit.course.grading.notebook import Cell
from minidit.course.grading.pages import side_by_side
from minidit.course.grading.roster import Student, Submission
from minidit.course.grading.similar import ALIKE, Match, length, likeness, normal_form, pairs, published

LESSONS = Path(__file__).parents[3] / "lessons"
KNOWN = assignments(LESSONS)
ODD = """\
def layernorm_forward(x, eps=1e-6):
    rows = x.reshape(-1, x.shape[-1])
    middle = np.average(rows, axis=1)[:, None]
    spread = np.sqrt(np.average((rows - middle) ** 2, axis=1)[:, None] + eps)
    flat = (rows - middle) / spread
    rstd = np.reciprocal(spread).reshape(*x.shape[:-1], 1)
    return flat.reshape(x.shape), (flat.reshape(x.shape), rstd)
"""
ODDER = """\
def layernorm_forward(x, eps=1e-6):
    # by me
    a = x.reshape(-1, x.shape[-1])
    m = np.average(a, axis=1)[:, None]

    s = np.sqrt(eps + np.average((a - m) ** 2, axis=1)[:, None])
    out = (a - m) / s
    r = np.reciprocal(s).reshape(*x.shape[:-1], 1)
    return (out.reshape(x.shape), (out.reshape(x.shape), r))
"""
USUAL = """\
def layernorm_forward(x, eps=1e-6):
    m = np.mean(x, axis=-1, keepdims=True)
    c = x - m
    v = (c * c).mean(keepdims=True, axis=-1)
    r = 1 / np.sqrt(v + eps)
    n = r * c
    return n, (n, r)
"""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "def f(x):\n    '''Says.'''\n    y = x + 1  # why\n    return y",
            "def g(a: int) -> int:\n    b=a+1\n    return(b)",
        ),
        ("def f(x, y):\n    return x * y + 1", "def f(x, y):\n    return 1 + y * x"),
        (
            "def f(x):\n    return np.sum(x, axis=1, keepdims=True)",
            "def f(x):\n    return x.sum(keepdims=True, axis=1)",
        ),
        ("def f(x):\n    x += 1\n    return x", "def f(x):\n    x = x + 1\n    return x"),
        ("import numpy as np\ndef f(x):\n    return x\nprint(f(3))\ncheck.f(f)", "%time 1\ndef f(x):\n    return x"),
    ],
)
def test_what_does_not_count_is_left_out(one, other):
    assert normal_form(one) == normal_form(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(x, y):\n    return x - y", "def f(x, y):\n    return x + y"),
        ("def f(x):\n    return x.sum(axis=0)", "def f(x):\n    return x.sum(axis=1)"),
        ("def f(x):\n    return np.sqrt(x)", "def f(x):\n    return np.exp(x)"),
        ("def f(x):\n    for i in x: print(i)", "def f(x):\n    while x: print(i)"),
    ],
)
def test_what_counts_is_seen(one, other):
    assert normal_form(one) != normal_form(other)


def test_code_that_is_none_and_any_construct_are_taken():
    assert normal_form("def f(x):\n    return (x") is None
    assert normal_form("x = " + "(" * 5000) is None
    assert normal_form("") == ()
    for construct in (
        "with open(x) as f, y: pass",
        "try:\n    a = 1\nexcept (ValueError, E) as e:\n    b = 2\nelse:\n    c = 3\nfinally:\n    d = 4",
        "x: int",
        "lambda *a, k=1, **w: a",
        "match x:\n    case [1, *r] if r: pass",
        "x = [i async for i in y]",
        "f'{x!r:>{w}}'",
        "async def f(): await g()",
        "class A(B, m=C):\n    x = 1",
        "a, *b = c",
        "del x[1:2, ...]",
        "global g",
        "y = x if z else 1j",
    ):
        normal_form(f"def f(x):\n    a = 1\n{construct}")


def test_the_order_of_lines_counts_little():
    one = (
        "def f(x, y):\n    a = np.exp(x) * 3 - x.sum(axis=0)\n    b = np.log(y) / 2 + y.mean(axis=1)\n    return a @ b"
    )
    other = (
        "def f(x, y):\n    b = np.log(y) / 2 + y.mean(axis=1)\n    a = np.exp(x) * 3 - x.sum(axis=0)\n    return a @ b"
    )
    assert likeness(normal_form(one), normal_form(other)) >= ALIKE


# --------------------------------------------------------------------------------------------- pairs of students


def student(name, code, identity="", exercise="layernorm_forward"):
    cells = (Cell(3, (f"{exercise}-answer",), code), Cell(4, (exercise,), f"check.{exercise}({exercise})"))
    return Student(name, identity, {"07": Submission("a.ipynb", cells)})


def found(*students, **others):
    return [pair.who for pair in pairs({"": students} | others, [KNOWN["07"]], LESSONS)]


def test_two_students_with_an_odd_answer_are_shown_and_how_many_have_it():
    ada, bob, cyd = student("Ada", ODD), student("Bob", ODDER), student("Cyd", USUAL)
    (pair,) = pairs({"": [ada, bob, cyd]}, [KNOWN["07"]], LESSONS)
    assert str(pair) == "Ada and Bob: 1 of 1 answers: 7.3 (2 have it)"
    (pair,) = pairs({"": [ada, student("Dan", f"# mine\n{ODD}")]}, [KNOWN["07"]], LESSONS)
    assert str(pair) == "Ada and Dan: 1 of 1 answers: 7.3 (2 have it, even the names)"


def test_what_everybody_writes_is_not_shown():
    solution = "def layernorm_forward(a, e=1e-6):\n    m = a.mean(axis=-1, keepdims=True)\n    c = a - m\n"
    solution += (
        "    v = (c * c).mean(axis=-1, keepdims=True)\n    r = 1 / np.sqrt(v + e)\n    n = c * r\n    return n, (n, r)"
    )
    assert likeness(normal_form(solution), published(LESSONS, KNOWN["07"])["layernorm_forward"]) >= ALIKE
    stub = "def layernorm_forward(x, eps=1e-6):\n    raise NotImplementedError"
    short = "def layernorm_forward(x, eps=1e-6):\n    return x - x.mean(), 3"
    for code in (solution, USUAL, stub, short, "def layernorm_forward(x", "x = 1"):
        assert found(student("Ada", code), student("Bob", code), student("Cyd", ODD)) == []
    everyone = [student(f"s{i}", ODD if i % 2 else ODDER) for i in range(20)]
    assert found(*everyone) == []


def test_another_class_is_compared_with_but_not_within_itself():
    ada = student("Ada", ODD)
    assert found(ada, last=[student("Zoë", ODDER)]) == ["Ada and Zoë (last)"]
    assert found(student("Ada", USUAL), last=[student("Zoë", ODDER), student("Bob", ODD)]) == []


def test_nobody_is_compared_with_themselves():
    assert found(student("Ada", ODD, "7"), last=[student("A. L.", ODDER, "7")]) == []
    assert found(student("Ada", ODD), last=[student("ada", ODDER)]) == []
    ada = student("Ada", ODD)
    assert found(ada, replace(ada, name="Bob")) == []  # one notebook of a group


def test_the_page_has_both_answers_side_by_side_as_text():
    evil = f"{ODD}# </pre><script>"
    (pair,) = pairs({"": [student("Ada", evil), student("<b>", ODDER)]}, [KNOWN["07"]], LESSONS)
    text = side_by_side([pair]).decode()
    assert "<script>" not in text and "<b>" not in text
    assert "spread = np.sqrt" in text and "7.3 Layer norm" in text and "2 students have it" in text
    assert isinstance(pair.matches[0], Match)


def test_solutions_that_are_not_there_are_no_obstacle(tmp_path):
    assert published(tmp_path, KNOWN["07"]) == {}
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "07_apply_scale_and_shift.ipynb").write_text(json.dumps({"cells": []}), encoding="utf-8")
    assert published(tmp_path, KNOWN["07"]) == {}
    assert length(published(LESSONS, KNOWN["07"])["modulate_forward"]) > 20


# --------------------------------------------------------------------------------------------- made-up classes


def measured(seeds, size, numbers, copies, changes):
    """How many pairs of students who wrote alone are shown, of how many, and how many of those who copied."""
    shown = wrong = guilty_ones = 0
    for seed in seeds:
        lessons = [KNOWN[number] for number in numbers]
        rng = random.Random(f"{seed} {size} {numbers}")
        students, guilty = class_of(lessons, size, copies, rng, changes)
        names = {
            frozenset((pair.matches[0].one.student.name, pair.matches[0].other.student.name))
            for pair in pairs({"": students}, lessons, LESSONS)
        }
        shown, wrong, guilty_ones = shown + len(names & guilty), wrong + len(names - guilty), guilty_ones + len(guilty)
    return wrong, len(seeds) * math.comb(size, 2), shown, guilty_ones


@pytest.mark.parametrize("numbers", ["07", "09"])
@pytest.mark.parametrize(
    ("changes", "least"), [(as_it_is, 0.9), (renamed, 0.6), (disguised, 0)], ids=["as it is", "renamed", "disguised"]
)
def test_in_made_up_classes_few_are_shown_by_mistake_and_most_copies_are_found(changes, least, numbers):
    """Four classes of 31, in each two students who copy two answers in three. With -rP, pytest shows the numbers."""
    wrong, of, shown, guilty = measured(range(4), 31, [numbers], 2, changes)
    print(f"lesson {int(numbers)}: {wrong} of {of} pairs shown by mistake, {shown} of {guilty} copies found")
    assert wrong <= 0.003 * of
    assert shown >= least * guilty
