"""Answers that are nearly the same, for a conversation and not a verdict.

Code is compared as Python understands it: names, comments, layout and annotations don't count, nor does the order of
independent lines, of factors and of terms. What everybody writes says nothing, so an answer is left out if it is short,
near the stub, or near the published solution. What is left is weighed by how likely chance is: how many other pairs of
answers to the exercise are as alike and as rare, and how often answers of that length, written by people who don't know
each other, are. Only pairs of students are shown of which hardly one is expected by chance in a class of that size.
"""

import ast
import itertools
import json
import math
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache

from minidit.course.editions import SOLUTIONS
from minidit.course.exercise import Numbers
from minidit.course.grading.notebook import parsed, writes
from minidit.course.source import BEGIN, END

ALIKE = 0.92  # share of tokens in common, from which two answers are nearly the same
SHORTEST = 20  # tokens of an answer that two students don't write by chance
BY_CHANCE = 0.02  # pairs of students that chance may show in a class
# How likely two right answers of different people are the same, or nearly so, if they are not near the solution: the
# share, and tokens that halve it. Of answers in tests/course, it is less than half of that.
AS_LIKELY = {True: (0.12, 12), False: (0.2, 20)}
USUAL = 40  # tokens of an answer up to which that share is as large
PAIRS = 100  # of answers in a class that count as much as what is known of answers in general
FEW = 3  # students who may all have one answer from one of them
NAMES = 0.25  # how much less likely it is that the names are the same too


@dataclass(frozen=True)
class Written:
    """A student's answer to an exercise.

    Attributes:
        student: Student.
        group: "" for the class itself, or the name of another one.
        question: Question.
        source: its code.
        form: the same in normal form.
    """

    student: object
    group: str
    question: object
    source: str
    form: tuple

    @property
    def who(self):
        """Of whom it is, in words."""
        return f"{self.student.name} ({self.group})" if self.group else self.student.name


@dataclass(frozen=True)
class Match:
    """Two answers that are nearly the same, and how many students have one of the kind."""

    one: Written
    other: Written
    shared: int

    @property
    def same_names(self):
        """Whether even the names are the same."""
        return same_names(self.one.source, self.other.source)


@dataclass(frozen=True)
class Pair:
    """Two students with near-identical answers.

    Attributes:
        matches: Matches, in the order of the exercises.
        of: how many exercises both have answered.
        by_chance: how many pairs with as much in common are expected by chance.
    """

    matches: tuple[Match, ...]
    of: int
    by_chance: float

    @property
    def who(self):
        """The two, in words."""
        return f"{self.matches[0].one.who} and {self.matches[0].other.who}"

    def __str__(self):
        answers = []
        for match in self.matches:
            number = match.one.question.heading.partition(" ")[0] or match.one.question.name
            names = ", even the names" if match.same_names else ""
            answers.append(f"{number} ({match.shared} have it{names})")
        return f"{self.who}: {len(self.matches)} of {self.of} answers: {', '.join(answers)}"


# ------------------------------------------------------------------------------------------------- finding


def pairs(groups, assignments, lessons):
    """The pairs of students whose answers are nearly the same, the most remarkable first.

    Args:
        groups: {"": Students of the class, name: those of another one}.
        assignments: Assignments to look at.
        lessons: Path of the folder of lessons.
    Returns:
        Pairs, each with at least one student of the class.
    """
    found, both = {}, Counter()
    for assignment in assignments:
        solutions = published(lessons, assignment)
        for question in assignment.questions:
            if isinstance(question.exercise, Numbers) or not question.argument.isidentifier():
                continue
            answers = {
                (group, i): written
                for group, students in groups.items()
                for i, student in enumerate(students)
                if (written := answer_of(student, group, question, assignment))
            }
            for two, match, chance in matches(answers, solutions.get(question.name)):
                found.setdefault(two, []).append((match, chance))
            both.update(itertools.combinations(sorted(answers), 2))
    result = []
    for two, those in found.items():
        one, other = those[0][0].one, those[0][0].other
        by_chance = expected(len(both), both[two], sorted(chance for _, chance in those))
        if by_chance <= BY_CHANCE and not (one.group and other.group) and not is_one_person(one.student, other.student):
            result.append(Pair(tuple(match for match, _ in those), both[two], by_chance))
    return sorted(result, key=lambda pair: pair.by_chance)


def expected(pairs_, of, chances):
    """How many pairs of students have as much in common by chance.

    Args:
        pairs_: how many pairs of students there are.
        of: how many exercises both have answered.
        chances: of their matches, the rarest first. As many are counted as say the most.
    """
    return min(pairs_ * math.comb(of, k) * math.prod(chances[:k]) for k in range(1, len(chances) + 1))


def matches(answers, solution):
    """Yields (two keys, Match, chance) for the answers to an exercise that are nearly the same.

    The chance is that of two answers that are as alike and as rare.

    Args:
        answers: {key: Written}.
        solution: the published one, as a normal form, or None.
    """
    telling = {key: one for key, one in answers.items() if tells(one.form, solution)}
    alike, like = {}, {key: {key} for key in telling}
    for one, other in itertools.combinations(sorted(telling), 2):
        much = likeness(telling[one].form, telling[other].form)
        if much >= ALIKE:
            alike[one, other] = much + same_names(telling[one].source, telling[other].source)
            like[one].add(other)
            like[other].add(one)
    shared = {(one, other): len(like[one] | like[other]) for one, other in alike}
    for two, much in alike.items():
        one, other = (telling[key] for key in two)
        same_kind = like[two[0]] | like[two[1]]
        others = sum(
            alike[pair] >= much and shared[pair] <= shared[two] and (len(same_kind) > FEW or not same_kind & {*pair})
            for pair in alike
            if pair != two
        )
        share, halved = AS_LIKELY[much >= 1]
        longer = max(0, min(length(one.form), length(other.form)) - USUAL)
        usual = share * 0.5 ** (longer / halved) * (NAMES if much > 1 else 1)
        chance = (others + usual * PAIRS) / (math.comb(len(answers), 2) + PAIRS)
        yield two, Match(one, other, shared[two]), chance


def same_names(one, other):
    """Whether two pieces of code are the same even in their names."""
    return ast.dump(parsed(one)) == ast.dump(parsed(other))


def tells(form, solution):
    """Whether it says something if two students have this answer."""
    return length(form) >= SHORTEST and (solution is None or likeness(form, solution) < ALIKE)


def is_one_person(one, other):
    """Whether two students are one, or have handed in one notebook together."""
    if one.identity or other.identity:
        same = one.identity == other.identity
    else:
        same = one.name.casefold() == other.name.casefold()
    numbers = one.submissions.keys() & other.submissions.keys()
    return same or any(one.submissions[number].cells is other.submissions[number].cells for number in numbers)


def answer_of(student, group, question, assignment):
    """A student's last answer to a question, as Written; None if there is none, or none but the stub."""
    submission = student.submissions.get(assignment.number)
    cells = submission.cells if submission else ()
    sources = [cell.source for cell in cells if writes(cell, question) and cell.source.strip() not in assignment.cells]
    form = normal_form(sources[-1]) if sources else None
    return Written(student, group, question, sources[-1].strip(), form) if form else None


def published(lessons, assignment):
    """The solutions of a lesson that anybody can read: {exercise: normal form}."""
    path = lessons / SOLUTIONS / f"{assignment.name}.ipynb"
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return {}
    found = {}
    for cell in cells:
        name = str(cell.get("id", ""))
        if cell["cell_type"] == "code" and name.endswith("-answer"):
            lines = "".join(cell["source"]).splitlines()
            found[name.removesuffix("-answer")] = normal_form(
                "\n".join(line for line in lines if line.strip() not in (BEGIN, END))
            )
    return found


# ------------------------------------------------------------------------------------------------- comparing


def normal_form(source):
    """Code as tuples of tokens, one for each statement, without what doesn't count; None if it isn't Python."""
    try:
        tree = parsed(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    own = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    own |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    own |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    try:
        return tuple(
            line for statement in tree.body if not isinstance(statement, ast.Expr) for line in lines_of(statement, own)
        )
    except RecursionError:
        return None


def lines_of(statement, own):
    """Yields the tokens of a statement, then those of the statements inside."""
    if isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass) or is_text(statement):
        return
    inner = [part for name in ("body", "orelse", "finalbody", "handlers") for part in getattr(statement, name, ())]
    head = [type(statement).__name__]
    if isinstance(statement, ast.FunctionDef):
        head += ["v"] * len(statement.args.args)
    elif isinstance(statement, ast.AugAssign):  # x += y is x = x + y
        sum_ = ast.BinOp(statement.target, statement.op, statement.value)
        head = ["Assign", *tokens(statement.target, own), *tokens(sum_, own)]
    elif isinstance(statement, ast.AnnAssign):
        head = ["Assign", *tokens(statement.target, own), *tokens(statement.value, own)]
    else:
        for name, value in ast.iter_fields(statement):
            if name not in ("body", "orelse", "finalbody", "handlers"):
                head += tokens(value, own)
    yield tuple(head)
    for part in inner:
        yield from lines_of(part, own)


def is_text(statement):
    """Whether a statement is a docstring."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def tokens(node, own):
    """The tokens of an expression, in an order that doesn't depend on how it is written."""
    match node:
        case None:
            return []
        case list():
            return [token for part in node for token in tokens(part, own)]
        case ast.Name():
            return ["v" if node.id in own else node.id]
        case ast.Constant():
            return [repr(node.value)]
        case ast.Attribute():
            return [f".{node.attr}", *tokens(node.value, own)]
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np" | "numpy")), args=[first, *rest]):
            return tokens(
                ast.Call(ast.Attribute(first, node.func.attr), rest, node.keywords), own
            )  # np.sum(x): x.sum()
        case ast.Call():
            keywords = sorted([word.arg or "**", *tokens(word.value, own)] for word in node.keywords)
            return ["()", *tokens(node.func, own), *tokens(node.args, own), *(one for word in keywords for one in word)]
        case ast.BinOp(op=ast.Add() | ast.Mult()):
            terms = sorted(tokens(part, own) for part in terms_of(node, type(node.op)))
            return [type(node.op).__name__, *(token for term in terms for token in term)]
        case ast.AST():
            inner = [token for _, value in ast.iter_fields(node) for token in tokens(value, own)]
            return [type(node).__name__, *inner]
    return [str(node)]


def terms_of(node, kind):
    """The terms of a sum, or the factors of a product."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, kind):
        return [*terms_of(node.left, kind), *terms_of(node.right, kind)]
    return [node]


def length(form):
    """How many tokens there are in a normal form."""
    return sum(map(len, form))


@cache
def likeness(one, other):
    """How much of two normal forms is the same, 0 to 1: token by token, or line by line in any order."""
    if one == other:
        return 1.0
    whole = length(one) + length(other)
    shared = Counter(one) & Counter(other)
    by_lines = 2 * sum(len(line) * count for line, count in shared.items()) / max(whole, 1)
    matcher = SequenceMatcher(None, sum(one, ()), sum(other, ()), autojunk=False)
    if by_lines >= ALIKE or matcher.real_quick_ratio() < ALIKE or matcher.quick_ratio() < ALIKE:
        return by_lines
    return max(by_lines, matcher.ratio())
