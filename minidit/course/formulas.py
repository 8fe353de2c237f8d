"""The slips that can be made in any formula, found by changing it: a sign, a factor, a power, brackets, a variable.

    Formula(
        "rstd * (dxhat - mean(dxhat) - xhat * mean(dxhat * xhat))",
        lambda wrong: lambda dxhat, cache: wrong(dxhat=dxhat, xhat=cache[0], rstd=cache[1]),
        functions={"mean": row_means},
        samples=({"dxhat": …, "xhat": …, "rstd": …},),
        said=(("rstd * dxhat", "only the direct way", "mean and deviation were treated as constants", "…"),),
    )

What such a Slip says is true whatever was written: the answer gives what the changed formula gives.
"""

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from itertools import chain, combinations

import numpy as np

from minidit.course.exercise import Slip

ROUNDING = 1e-12  # what is smaller is 0, but for rounding
FUNCTIONS = {"sqrt": np.sqrt, "exp": np.exp, "tanh": np.tanh, "abs": np.abs}
ALL_OF = {"mean", "total"}  # mean and sum over some axes, keeping them or not
INSTEAD = {
    "mean": ("total",), "total": ("mean", "largest"), "largest": ("mean", "smallest", "total"), "min": ("max",),
    "max": ("min",), "exp": ("abs",), "tanh": ("exp",),
}  # fmt: skip
SYMBOLS = (
    (r"T\((\w+)\)", r"\1ᵀ"), (r" \*\* 2\b(?!\.)", "²"), (r" \*\* 3\b(?!\.)", "³"), (r" \*\* ", "^"), (r" \* ", " · "),
    (r"-", "−"), (r"total\(", "sum("), (r"largest\(", "max("), (r"smallest\(", "min("), (r"\b0\.5\b", "½"),
)  # fmt: skip


@dataclass(frozen=True)
class Formula:
    """A formula that an answer should compute, and what it may be confused with.

    Attributes:
        text: Python, in variables and functions.
        into: takes a function of the variables, by name, and returns what an answer would with it in this place:
            a `wrong` for a Slip.
        samples: dicts of variables. Changes that make no difference in them, or none from each other, are left out.
        functions: what the text calls, and constants, by name. Constants are not exchanged for variables.
        said: tuples (text, name, says, because) of changes that deserve words of their own.
        because: a sentence for all others, or "" for one that shows the changed formula.
        also: variables that the formula doesn't use, but that might be taken for others.
        forms: other ways to write the formula, which are changed as well.
        within: whether something else is computed from it, so that with another shape there would be an error.
    """

    text: str
    into: Callable
    samples: tuple
    functions: dict = field(default_factory=dict)
    said: tuple = ()
    because: str = ""
    also: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    within: bool = False

    def slips(self):
        """A list of Slips: those that are `said`, then all others."""
        right = self.results(self.text)
        known, found = {right}, []
        changed = ((ast.unparse(tree), name, says, "") for name, says, tree in self.changes())
        for text, name, says, because in chain(self.said, changed):
            results = self.results(text)
            if results in known or not any(results) or (self.within and reshaped(results, right)):
                continue
            if not because and all(result and result[2] == "0" for result in results):
                continue  # 0 everywhere comes from many things
            known.add(results)
            because = because or self.because or f"It comes out as {pretty(text)} would."
            found.append(Slip(name, self.into(self.function(text)), says, because))
        return found

    def function(self, text):
        """The function of the variables that a text computes."""
        code = compile(text, "formula", "eval")
        names = {"__builtins__": {"min": min, "max": max}} | FUNCTIONS | self.functions

        def compute(**variables):
            with np.errstate(all="ignore"):
                return eval(code, names | variables)  # our own texts

        return compute

    def results(self, text):
        """What a text gives for the samples, in a form that can be compared; None where that is no number."""
        return tuple(map(self.result, [self.function(text)] * len(self.samples), self.samples))

    def result(self, function, sample):
        """What a function gives for one sample."""
        try:
            value = np.asarray(function(**sample), dtype=float)
        except (ValueError, TypeError, AttributeError, IndexError, NameError, ZeroDivisionError):
            return None
        finite = np.abs(value[np.isfinite(value)])
        if not finite.size:
            return None
        scale = finite.max() if finite.max() > ROUNDING else 0.0
        return value.shape, (np.round(value / (scale or np.inf), 10) + 0.0).tobytes(), f"{scale:.9g}"

    def changes(self):
        """(name, says, tree) of every change."""
        for text in (self.text, *self.forms):
            tree = ast.parse(text, mode="eval").body
            for node in nodes(tree):
                for name, says, new in alternatives(node, self.variables(tree)):
                    yield name, says, put(tree, node, new)
            yield from self.everywhere(tree)

    def variables(self, tree):
        """Names of the variables."""
        known = {*FUNCTIONS, *self.functions, "min", "max"}
        used = dict.fromkeys(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
        return tuple(name for name in (*used, *self.also) if name not in known)

    def everywhere(self, tree):
        """Changes of a variable or a number in all places where it stands."""
        names = self.variables(tree)
        leaves = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Constant)}
        for leaf in sorted(leaves - {"1"} - {*FUNCTIONS, "min", "max"}):
            if not callable(self.functions.get(leaf)):
                yield "a factor missing", f"{pretty(leaf)} is missing", exchanged(tree, leaf, ast.Constant(1))
        for name in names:
            for other in names:
                if other != name:
                    yield "another variable", f"{other} stands for {name}", exchanged(tree, name, ast.Name(other))
        for name in sorted({node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call)}):
            for other in INSTEAD.get(name, ()):
                says = f"there are {WORDS.get(other, other)}s where there should be {WORDS.get(name, name)}s"
                yield "another function", says, exchanged(tree, name, ast.Name(other))


def reshaped(results, right):
    """Whether no result has the shape that it should have."""
    return not any(one and one[0] == it[0] for one, it in zip(results, right, strict=True) if it)


class Slips(Sequence):
    """The Slips of an exercise: of its formulas, and others. They are found when they are first asked for."""

    def __init__(self, *parts):
        self.parts = parts

    @cached_property
    def all(self):
        """A list of Slips."""
        return [slip for part in self.parts for slip in (part.slips() if isinstance(part, Formula) else [part])]

    def __getitem__(self, index):
        return self.all[index]

    def __len__(self):
        return len(self.all)


def pretty(what):
    """A formula as it is written on paper."""
    text = what if isinstance(what, str) else ast.unparse(what)
    return reduce(lambda so_far, symbol: re.sub(*symbol, so_far), SYMBOLS, text)


def nodes(tree):
    """All parts of a formula; a sum or a product comes once, not with its beginnings."""
    inner = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            inner.add(node.func)
        if isinstance(node, ast.BinOp) and isinstance(node.left, ast.BinOp) and same_kind(node.op, node.left.op):
            inner.add(node.left)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            inner.add(node.right)
    return [node for node in ast.walk(tree) if isinstance(node, ast.expr) and node not in inner]


def same_kind(one, other):
    """Whether two operators are both of sums, or both of products."""
    return any(isinstance(one, kinds) and isinstance(other, kinds) for kinds in (SUM, PRODUCT))


SUM, PRODUCT = (ast.Add, ast.Sub), (ast.Mult, ast.Div)


def put(tree, old, new):
    """The tree with a node exchanged."""
    if tree is old:
        return new
    if isinstance(tree, list):
        return [put(part, old, new) for part in tree]
    if not isinstance(tree, ast.AST):
        return tree
    return type(tree)(**{name: put(value, old, new) for name, value in ast.iter_fields(tree)})


def exchanged(tree, leaf, new):
    """The tree with something else wherever a name or number stands."""
    for node in [node for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Constant)]:
        if ast.unparse(node) == leaf:
            tree = put(tree, node, new)
    return tree


def alternatives(node, variables):
    """(name, says, new node) of what may stand in a node's place by mistake."""
    match node:
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            yield from of_sum(terms(node))
        case ast.BinOp(op=ast.Mult() | ast.Div()):
            yield from of_product(node, factors(node))
        case ast.BinOp(op=ast.MatMult()):
            yield from of_matrices(node)
        case ast.BinOp(op=ast.Pow()):
            yield from of_power(node)
        case ast.Call():
            yield from of_call(node)
        case ast.Constant(value=int() | float()):
            near = (node.value + 1, node.value - 1) if isinstance(node.value, int) else ()
            for value in (*near, *(factor * node.value for factor in FACTORS)):
                says = f"there is {pretty(number(value))} where {pretty(node)} should be"
                yield "another number", says, number(value)
        case ast.Name() if node.id in variables:
            for other in variables:
                if other != node.id:
                    yield "another variable", f"{other} stands where {node.id} should", ast.Name(other)
            yield "another power", f"{node.id} is squared", ast.BinOp(node, ast.Pow(), ast.Constant(2))


FACTORS = (2, 0.5, 10, 0.1)  # by which a number may be off


def joined(parts):
    """Parts of a formula in a row of words."""
    texts = [pretty(part) for part in parts]
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))


def some(parts):
    """Each choice of some of the parts, as indices: neither none nor all; only one of them where there are many."""
    most = len(parts) - 1 if len(parts) < 4 else 1
    return [chosen for count in range(1, most + 1) for chosen in combinations(range(len(parts)), count)]


def verb(parts, one, several):
    """A verb in the right form."""
    return f"{joined(parts)} {one if len(parts) == 1 else several}"


# ------------------------------------------------------------------------------------------------ sums and products


def terms(node, sign=1):
    """[(sign, node)] of a sum."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, SUM):
        return terms(node.left, sign) + terms(node.right, sign if isinstance(node.op, ast.Add) else -sign)
    return [(sign, node)]


def summed(parts):
    """The sum of [(sign, node)]."""
    (sign, first), *rest = sorted(parts, key=lambda part: -part[0])  # those to be subtracted come last
    start = first if sign > 0 else ast.UnaryOp(ast.USub(), first)
    return reduce(lambda a, part: ast.BinOp(a, ast.Add() if part[0] > 0 else ast.Sub(), part[1]), rest, start)


def of_sum(parts):
    """Slips in a sum."""
    for chosen in some(parts):
        missing = [parts[i][1] for i in chosen]
        yield (
            "a term missing",
            verb(missing, "is missing", "are missing"),
            summed([part for i, part in enumerate(parts) if i not in chosen]),
        )
    for chosen in some(parts):
        turned = [parts[i][1] for i in chosen]
        yield (
            "sign of a term",
            verb(turned, "has the wrong sign", "have the wrong sign"),
            summed([(-sign if i in chosen else sign, term) for i, (sign, term) in enumerate(parts)]),
        )
    if len(parts) == 2:
        (_, a), (_, b) = parts
        says = f"{pretty(a)} and {pretty(b)} are multiplied, not added or subtracted"
        yield "multiplied instead of added", says, ast.BinOp(a, ast.Mult(), b)


def factors(node, power=1):
    """[(1 or -1, node)] of a product; -1 where it is divided by that."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, PRODUCT):
        return factors(node.left, power) + factors(node.right, power if isinstance(node.op, ast.Mult) else -power)
    return [(power, node)]


def product(parts):
    """The product of [(1 or -1, node)]."""
    first = reduce(lambda a, b: ast.BinOp(a, ast.Mult(), b), [node for power, node in parts if power > 0] or [one()])
    return reduce(lambda a, b: ast.BinOp(a, ast.Div(), b), [node for power, node in parts if power < 0], first)


def one():
    """1."""
    return ast.Constant(1)


def of_product(node, parts):
    """Slips in a product."""
    for i, (power, factor) in enumerate(parts):
        others, called = parts[:i] + parts[i + 1 :], "the bracket" if len(terms(factor)) > 1 else pretty(factor)
        says = f"{called} is missing as a factor" if power > 0 else f"the division by {called} is missing"
        if power < 0 or not is_one(factor):
            yield "a factor missing", says, product(others)
        says = f"it is divided by {called}, not multiplied" if power > 0 else f"it is multiplied by {called}"
        yield "divided or multiplied", says, product([*others, (-power, factor)])
        says = f"{called} is in it once too often, as a factor" if power > 0 else f"it is divided by {called} twice"
        yield "a factor too many", says, product([*parts, (power, factor)])
        yield from brackets_forgotten(i, parts)
        if isinstance(factor, ast.Call) and factor.func.id in ALL_OF and power > 0:
            for j, (other_power, other) in enumerate(others):
                if other_power > 0:
                    inside = ast.Call(factor.func, [ast.BinOp(factor.args[0], ast.Mult(), other)], [])
                    says = f"{pretty(other)} stands inside the {word(factor)}"
                    yield "inside or outside", says, product([*others[:j], *others[j + 1 :], (1, inside)])
    if len(parts) == 2 and parts[1][0] > 0:
        a, b = parts[0][1], parts[1][1]
        yield "added instead of multiplied", f"{pretty(a)} and {pretty(b)} are added", ast.BinOp(a, ast.Add(), b)
        yield "added instead of multiplied", f"{pretty(b)} is subtracted", ast.BinOp(a, ast.Sub(), b)
    if isinstance(node.op, ast.Div):
        yield "upside down", "the fraction is upside down", product([(-power, part) for power, part in parts])
        yield "cut off", f"{pretty(node.left)} was divided by //", ast.BinOp(node.left, ast.FloorDiv(), node.right)


def is_one(node):
    """Whether it is the number 1."""
    return isinstance(node, ast.Constant) and node.value == 1


def brackets_forgotten(i, parts):
    """A sum among the factors, of which only some terms meet the other factors."""
    power, factor = parts[i]
    inside = terms(factor)
    if len(inside) == 1:
        return
    others = parts[:i] + parts[i + 1 :]
    for chosen in some(inside):
        kept = [(sign, product([*others, (power, term)])) for j, (sign, term) in enumerate(inside) if j not in chosen]
        alone = [inside[j] for j in chosen]
        says = f"{joined([term for _, term in alone])} should stand in brackets with the rest"
        yield "brackets", says, summed([*kept, *alone])


def of_matrices(node):
    """Slips in a matrix product."""
    left, right = node.left, node.right
    yield "factors swapped", "the two factors of @ have changed places", ast.BinOp(right, ast.MatMult(), left)
    for a, b in ((left, right), (right, left)):
        for c, d in ((turned(a), b), (a, turned(b)), (turned(a), turned(b))):
            both = c is not a and d is not b
            says = "it is transposed" if both and a is right else f"it is {pretty(c)} @ {pretty(d)}"
            yield "missing transpose", says, ast.BinOp(c, ast.MatMult(), d)
    yield "* instead of @", "* stands where @ should: entries meet entries", ast.BinOp(left, ast.Mult(), right)


def turned(node):
    """A transpose more, or less."""
    if isinstance(node, ast.Call) and node.func.id == "T":
        return node.args[0]
    return ast.Call(ast.Name("T"), [node], [])


POWERS = (1, -1, 2, 3, 4, 0.5, 0.25, -0.5, 1.5, -1.5, -2, -3)


def of_power(node):
    """Slips in a power."""
    right = ast.literal_eval(node.right) if isinstance(node.right, ast.Constant | ast.UnaryOp) else None
    base = pretty(node.left)
    for power in POWERS:
        if power != right:
            says = f"{base} has no power" if power == 1 else f"{base} is raised to the power {power}"
            yield "another power", says, node.left if power == 1 else ast.BinOp(node.left, ast.Pow(), number(power))
    says = f"{base} is multiplied by {pretty(node.right)}, not raised to that power"
    yield "another power", says, ast.BinOp(node.left, ast.Mult(), node.right)
    if isinstance(node.left, ast.BinOp) and isinstance(node.left.op, (*SUM, *PRODUCT)):
        inner = ast.BinOp(node.left.right, ast.Pow(), node.right)
        says = f"the power is that of {pretty(node.left.right)} alone"
        yield "brackets", says, ast.BinOp(node.left.left, node.left.op, inner)


def number(value):
    """A number, negative ones too."""
    return ast.Constant(value) if value >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-value))


def of_call(node):
    """Slips in a function of something."""
    name, first = node.func.id, node.args[0]
    for arg in node.args:
        says = f"the {word(node)} is missing" if len(node.args) == 1 else f"it is {pretty(arg)}, whatever the rest"
        yield "a function missing", says, arg
    for other in INSTEAD.get(name, ()):
        called = word(ast.Call(ast.Name(other), node.args, []))
        says = f"there is a {called} where there should be a {word(node)}"
        yield "another function", says, ast.Call(ast.Name(other), node.args, [])
    if not isinstance(first, ast.BinOp) or len(node.args) > 1:
        return
    each = [ast.Call(node.func, [side], []) for side in (first.left, first.right)]
    if name in ALL_OF and isinstance(first.op, ast.Mult):
        says = f"it is a product of two {word(node)}s"
        yield "product of sums", says, ast.BinOp(each[0], ast.Mult(), each[1])
        for inner, outer in ((each[0], first.right), (each[1], first.left)):
            says = f"{pretty(outer)} stands outside the {word(node)}"
            yield "inside or outside", says, ast.BinOp(inner, ast.Mult(), outer)
    elif name not in ALL_OF:
        for a, b, outside in ((each[0], first.right, first.right), (first.left, each[1], first.left)):
            says = f"{pretty(outside)} stands outside the {word(node)}"
            yield "inside or outside", says, ast.BinOp(a, first.op, b)


WORDS = {
    "sqrt": "root", "total": "sum", "largest": "maximum", "smallest": "minimum", "min": "minimum", "max": "maximum",
    "T": "transpose", "exp": "exponential",
}  # fmt: skip


def word(call):
    """What a function is called."""
    return WORDS.get(call.func.id, call.func.id)
