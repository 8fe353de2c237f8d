"""A made-up class: students who write alone, and some who copy.

A student who writes alone takes one of the answers that prove the checks, the more usual ones more often, and writes it
in an own way: with other names, with other steps named, squares and means written differently.
"""

import ast
import importlib.util
import random
import sys
from functools import cache
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the tests are not a package
from handed_in import HERE, as_code

from minidit.course.exercise import Numbers
from minidit.course.grading.notebook import Cell
from minidit.course.grading.roster import Student, Submission

FOLDERS = "answers", "answers_from_the_text"


@cache
def answers_to(name, lesson):
    """Right and wrong answers to an exercise, as code, the more usual ones first."""
    right, wrong = [], []
    for folder in FOLDERS:
        module = loaded(HERE / folder / f"lesson_{lesson:02}.py")
        known = module.ANSWERS[name]
        right += [as_code(name, answer, module) for answer in known.right if hasattr(answer, "__code__")]
        wrong += [as_code(name, answer, module) for answer, _ in known.wrong if hasattr(answer, "__code__")]
    return [list(dict.fromkeys(filter(is_code, those))) for those in (right, wrong)]


@cache
def loaded(path):
    sys.path.insert(0, str(HERE / FOLDERS[0]))
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def is_code(text):
    try:
        return bool(ast.parse(text).body)
    except SyntaxError:
        return False


def class_of(assignments, size, copies, rng, changes):
    """A class.

    Args:
        assignments: that its students did.
        size: how many students there are.
        copies: how many of them copy an answer in three from another one.
        rng: random.Random.
        changes: what those do to the copies: a function of code and rng.
    Returns:
        Students, and pairs of names of those who have something in common.
    """
    students = [Student(f"student {i:02}") for i in range(size)]
    for student in students:
        for assignment in assignments:
            questions = [one for one in assignment.questions if not isinstance(one.exercise, Numbers)]
            cells = [
                Cell(i, (f"{one.name}-answer",), alone(one, int(assignment.number), rng))
                for i, one in enumerate(questions)
            ]
            student.submissions[assignment.number] = Submission("notebook.ipynb", tuple(cells))
    guilty = set()
    for one, other in zip(*[iter(rng.sample(students, 2 * copies))] * 2, strict=True):
        guilty.add(frozenset((one.name, other.name)))
        for number, submission in one.submissions.items():
            theirs = other.submissions[number].cells
            cells = [
                Cell(mine.number, mine.ids, changes(mine.source, rng)) if rng.random() < 2 / 3 else own
                for mine, own in zip(submission.cells, theirs, strict=True)
            ]
            other.submissions[number] = Submission("notebook.ipynb", tuple(cells))
    return students, guilty


def alone(question, lesson, rng):
    """An answer that a student wrote alone."""
    right, wrong = answers_to(question.name, lesson)
    those = right if rng.random() < 0.75 or not wrong else wrong
    weights = [1 / (i + 1) for i in range(len(those))]
    return in_own_way(rng.choices(those, weights)[0], rng)


def in_own_way(code, rng):
    """Code as another person would write it; it need not run."""
    tree = ast.parse(code)
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        if rng.random() < 0.5:
            inline(function)
        if rng.random() < 0.5:
            tree = Squares().visit(tree)
        if rng.random() < 0.4:
            tree = Means().visit(tree)
        for _ in range(rng.choice((0, 0, 1, 1, 2))):
            name_a_step(function, rng)
    return renamed(ast.unparse(ast.fix_missing_locations(tree)), rng)


def renamed(code, rng):
    """Code with other names, and a comment."""
    tree = ast.parse(code)
    own = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    own |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names = {name: rng.choice((name, name, name, name[0], f"{name}_{rng.randrange(10)}")) for name in sorted(own)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = names[node.arg]
    last = tree.body[-1]  # the name that the check is given stays
    if isinstance(last, ast.Assign):
        last.targets[0].id = next(old for old, new in names.items() if new == last.targets[0].id)
    return f"# mine\n{ast.unparse(tree)}"


def as_it_is(code, rng):
    """A copy by somebody who adds a comment."""
    return f"# by me\n{code}"


def disguised(code, rng):
    """A copy that somebody has taken some pains over: with other names, a step with a name, a square written out."""
    tree = ast.parse(code)
    name_a_step(next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)), rng)
    return renamed(ast.unparse(ast.fix_missing_locations(tree)), rng)


def name_a_step(function, rng):
    """Gives a name to a part of an expression."""
    places = [
        (i, part)
        for i, statement in enumerate(function.body)
        if isinstance(statement, ast.Return | ast.Assign) and statement.value
        for part in ast.walk(statement.value)
        if isinstance(part, ast.BinOp | ast.Call) and part is not statement.value
    ]
    if places:
        i, part = rng.choice(places)
        name = f"step{rng.randrange(1000)}"
        for parent in ast.walk(function.body[i]):
            for field, value in ast.iter_fields(parent):
                if value is part:
                    setattr(parent, field, ast.Name(name, ast.Load()))
                elif isinstance(value, list) and part in value:
                    value[value.index(part)] = ast.Name(name, ast.Load())
        function.body.insert(i, ast.Assign([ast.Name(name, ast.Store())], part, lineno=1))


def inline(function):
    """Puts what a name stands for in its place, where it is used once."""
    for statement in list(function.body):
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            uses = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == name]
            if len(uses) == 2 and len(function.body) > 1:
                function.body.remove(statement)
                Inline(name, statement.value).visit(function)


class Inline(ast.NodeTransformer):
    def __init__(self, name, value):
        self.name, self.value = name, value

    def visit_Name(self, node):
        return self.value if node.id == self.name else node


class Squares(ast.NodeTransformer):
    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Mult) and ast.dump(node.left) == ast.dump(node.right):
            return ast.BinOp(node.left, ast.Pow(), ast.Constant(2))
        return node


class Means(ast.NodeTransformer):
    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "mean" and node.keywords:
            sum_ = ast.Call(ast.Attribute(node.func.value, "sum", ast.Load()), node.args, node.keywords)
            return ast.BinOp(sum_, ast.Div(), ast.parse("x.shape[-1]", mode="eval").body)
        return node


def rng_of(seed):
    return random.Random(seed)
