"""Python's own errors are explained; every one here is raised by the code that a student would write."""

import numpy as np
import pytest

from minidit.course.hints import about_shapes, hint

x = np.arange(6.0).reshape(2, 3)
CACHE = (x, x)


def unassigned():
    if len(x) == 0:
        y = 1
    return y


def nothing():
    pass


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("x - x.mean(axis=1)", "needs axes of length 1 behind: [:, None]"),
        ("x[:, :, None] * np.ones((2, 4))", "agree or be 1"),
        ("np.ones((2, 3)) * np.ones((2, 5, 3))", "in between: [:, None]"),
        ("x + np.ones(2)", "needs axes of length 1 behind: [:, None]"),
        ("x + np.ones(5)", "agree or be 1"),
        ("x @ x", "the last axis of a has to be as long as the last but one of b"),
        ("x.transpose(0, 1, 2)", "transpose needs every axis"),
        ("CACHE.shape", "It is a tuple or a list, not an array"),
        ("CACHE[0, 1]", "It is a tuple, not an array"),
        ("1 if x > 0 else 2", "need one True or False"),
        ("0 < x < 1", "(a < x) & (x < b)"),
        ("-(x > 0)", "-1.0 * mask"),
        ("(x > 0) - (x < 3)", "-1.0 * mask"),
        ("range(x)", "A single number is needed here"),
        ("int(x)", "A single number is needed here"),
        ("__import__('math').exp(x)", "math.exp, int and range don't"),
        ("nothing() + 1", "One of the two is None"),
        ("nothing()[0]", "It is None"),
        ("nothing().shape", "It is None"),
        ("CACHE * x.sum()", "A tuple or list is repeated by *"),
        ("CACHE - 1", "One of the two is a tuple or a list"),
        ("np.linspace()", "too few arguments"),
        ("(lambda a: a)(1, 2)", "too many arguments"),
        ("(lambda a: a)(b=2)", "doesn't know an argument of this name"),
        ("x.sum()[0]", None),
        ("x.shape[0][0]", "this is a single thing"),
        ("(lambda: [y for y, z in [3]])()", "There are several names"),
        ("(lambda a, b: a)(*[1, 2][:1])", "too few arguments"),
        ("dict([(1, 2, 3)])", None),
        ("[*3]", "nothing in it to go through"),
        ("len(3)", "only arrays, tuples and the like have a length"),
        ("x[0, 0, 0]", "more indices in the square brackets"),
        ("x[5]", "Positions run from 0 to length − 1"),
        ("[1][3]", "Positions run from 0 to length − 1"),
        ("x.shape[2]", "x.shape[-1] is the last one"),
        ("x[0.5]", "Only whole numbers, slices and masks"),
        ("x[np.array([0.5])]", "Only whole numbers, slices and masks"),
        ("x[np.ones(5, bool)]", "A mask has to have the shape"),
        ("x.__setitem__(0, [[1, 2], [3]])", "One place in an array takes one number"),
        ("np.zeros(2.5)", "// gives one, / doesn't"),
        ("range(2.0)", "// gives one, / doesn't"),
        ("np.min(1.0, 0.5)", "takes b for an axis"),
        ("np.zeros(2)('a')", "Round brackets call a function"),
        ("~x", "~ turns booleans round"),
        ("x.reshape(4, 4)", "A reshape keeps the number of numbers"),
        ("x.mean(axis=2)", "the last of n has number n − 1"),
        ("np.split(x, 4)", "np.split cuts along axis 0"),
        ("np.concatenate([x, x.T])", "the same lengths along all other axes"),
        ("np.stack([x, x.T])", "the same lengths along all other axes"),
        ("(1, 2).index(3)", "ask `in` first"),
        ("10 ** -np.arange(3)", "Whole numbers have no negative powers"),
        ("np.arange(3).__iadd__(0.5)", "`a += b` writes into a"),
        ("np.ones(3).__iadd__(np.ones((2, 3)))", "which has no room"),
        ("np.summ(x)", "Is the name spelt right?"),
        ("3.0.shape", "It is a plain number, not an array"),
        ("unassigned()", "only further down, or in a branch"),
        ("undefined", "Is it spelt right?"),
        ("1 / 0", "divided by 0"),
        ("{}['a']", "no such key"),
        ("2.0 ** 5000", "larger than"),
    ],
)
def test_what_an_error_means(code, says):
    with pytest.raises(Exception) as caught, np.errstate(all="ignore"):  # noqa: PT011  whichever it is
        eval(code)
    assert (says or "") in hint(caught.value), f"{type(caught.value).__name__}: {caught.value}"
    assert hint(caught.value).count("\n") == 0


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("a, b = 1", "several names"),
        ("a, b = (1,)", "more names left"),
        ("a, b = x.reshape(3, 2)", "fewer names left"),
        ("(1, 2)[0] = 3", "Nothing can be written into it"),
    ],
)
def test_what_an_error_of_a_statement_means(code, says):
    with pytest.raises(Exception) as caught:  # noqa: PT011  whichever it is
        exec(code)
    assert says in hint(caught.value), caught.value


@pytest.mark.parametrize(
    ("shapes", "index"),
    [
        ([(3,), (3, 4, 2)], "[:, None, None]"),
        ([(2, 4, 3), (2, 4)], "[:, :, None]"),
        ([(2, 3), (2, 4, 3)], "[:, None]"),
        ([(2, 3), (4, 2, 3)], "or be 1 there."),
        ([(2, 3), (3, 2)], "or be 1 there."),
        ([(2,), (3,), (4,)], "or be 1 there."),
    ],
)
def test_where_an_axis_is_missing(shapes, index):
    assert index in about_shapes(shapes)


def test_what_is_unknown_has_no_hint():
    assert hint(RuntimeError("something else")) == ""
