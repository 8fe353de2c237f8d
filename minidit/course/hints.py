"""What Python's and NumPy's own errors mean, in a sentence for a beginner."""

import re

# Type of error, a pattern in its message, and what it means. The first that matches counts.
HINTS = (
    (ValueError, r"non-broadcastable output operand", "`a += b` and `a *= b` write into a, which has no room: a + b."),
    (ValueError, r"axes don't match array", "transpose needs every axis of the array, once; it has more, or fewer."),
    (ValueError, r"truth value of an array", "`if`, `and`, `or` and a < x < b need one True or False, and this is an "
     "array of them: np.where, np.maximum and (a < x) & (x < b) do it entry by entry."),
    (ValueError, r"setting an array element with a sequence", "One place in an array takes one number, not several; "
     "rows of different lengths make no array."),
    (ValueError, r"not enough values to unpack", "There are more names left of the = than values on its right."),
    (ValueError, r"too many values to unpack", "There are fewer names left of the = than values on its right. "
     "`*leading, T, D = x.shape` takes any number."),
    (ValueError, r"cannot reshape array", "A reshape keeps the number of numbers: multiply the new lengths out. "
     "Is one of them written as a number, where it should come from a shape?"),
    (ValueError, r"negative integer powers", "Whole numbers have no negative powers in NumPy: write 10000.0."),
    (ValueError, r"is not in list|not in tuple", ".index raises an error for what isn't there: ask `in` first."),
    (ValueError, r"does not result in an equal division", "np.split cuts along axis 0, unless axis=-1 is given."),
    (ValueError, r"all (the )?input array.*must", "Arrays that are put together need the same lengths along "
     "all other axes."),
    (ValueError, r"matmul", "In a @ b, the last axis of a has to be as long as the last but one of b."),
    (ValueError, r"shape mismatch|could not broadcast input", "What is written into a place needs the shape of that "
     "place."),
    (TypeError, r"only integer scalar arrays|only 0-dimensional arrays|only length-1 arrays|only size-1 arrays",
     "A single number is needed here, and this is an array: np.exp and .astype take arrays; math.exp, int and range "
     "don't."),
    (TypeError, r"unsupported operand.*NoneType", "One of the two is None: does what made it end with `return`?"),
    (TypeError, r"NoneType", "It is None: does what made it end with `return`?"),
    (TypeError, r"unsupported operand.*'(tuple|list)'", "One of the two is a tuple or a list, not an array. A forward "
     "returns y and a cache: y, cache = …"),
    (TypeError, r"can't multiply sequence", "A tuple or list is repeated by *, not multiplied: take its numbers out "
     "or make it an array."),
    (TypeError, r"(tuple|list) indices must be integers", "It is a tuple, not an array: take it apart first, as in "
     "x, w = cache."),
    (TypeError, r"does not support item assignment", "Nothing can be written into it: start with an array, such as "
     "np.zeros(shape)."),
    (TypeError, r"missing \d+ required positional", "A function in it gets too few arguments."),
    (TypeError, r"takes .*positional argument", "A function in it gets too many arguments, or too few."),
    (TypeError, r"unexpected keyword", "A function in it doesn't know an argument of this name."),
    (TypeError, r"not subscriptable", "Square brackets take something out of an array or tuple, and this is a single "
     "thing."),
    (TypeError, r"cannot unpack non-iterable", "There are several names left of the =, and one thing on its right."),
    (TypeError, r"is not iterable|must be an iterable", "This is a single thing: nothing in it to go through."),
    (TypeError, r"has no len\(\)", "It is a single number: only arrays, tuples and the like have a length."),
    (TypeError, r"not callable", "Round brackets call a function, and this is none. For a product write *."),
    (TypeError, r"as an integer|single integer|indices must be integers|slice indices must be",
     "A length, position or axis has to be a whole number: // gives one, / doesn't. (np.min(a, b) takes b for an axis: "
     "np.minimum(a, b) compares the two.)"),
    (TypeError, r"boolean (negative|subtract)", "True and False have no minus: -1.0 * mask makes numbers of them."),
    (TypeError, r"bad operand type for unary ~|ufunc 'invert' not supported", "~ turns booleans round: make a mask of "
     "True and False first."),
    (TypeError, r"ufunc '(\w+)' output|[Cc]annot cast ufunc", "`a += b` writes into a, which holds another kind of "
     "numbers: a = a + b."),
    (IndexError, r"too many indices", "There are more indices in the square brackets than the array has axes."),
    (IndexError, r"tuple index out of range", "The tuple is shorter than that. x.shape has an entry for each axis: "
     "x.shape[-1] is the last one, however many there are."),
    (IndexError, r"out of bounds|list index out of range", "Positions run from 0 to length − 1."),
    (IndexError, r"must be of integer|only integers, slices", "Only whole numbers, slices and masks may stand in "
     "square brackets: .astype(int) or // makes whole numbers."),
    (IndexError, r"boolean index did not match", "A mask has to have the shape of what it is put to."),
    (AttributeError, r"'(tuple|list)' object has no attribute", "It is a tuple or a list, not an array: take the "
     "array out of it first. (A forward returns y and its cache: y, cache = …)"),
    (AttributeError, r"'NoneType' object", "It is None: does what made it end with `return`?"),
    (AttributeError, r"'(int|float)' object has no attribute", "It is a plain number, not an array."),
    (AttributeError, r"has no attribute", "Is the name spelt right?"),
    (UnboundLocalError, r"", "It gets its value only further down, or in a branch that was not taken."),
    (NameError, r"", "Is it spelt right? Was the cell that makes it run?"),
    (ZeroDivisionError, r"", "Something is divided by 0 here."),
    (KeyError, r"", "There is no such key: is it spelt right?"),
    (OverflowError, r"", "The number is larger than Python's floats go."),
)  # fmt: skip
SHAPES = re.compile(r"could not be broadcast together with(?: remapped)? shapes ((?:\([\d,]*\) ?)+)")


def hint(error):
    """A sentence that explains an error to a beginner, or ""."""
    text = str(error)
    if type(error).__name__ == "AxisError":
        return "Axes are counted from 0, so that the last of n has number n − 1, or −1."
    if isinstance(error, ValueError) and "broadcast" in text and (found := SHAPES.search(text)):
        return about_shapes([shape(part) for part in found[1].split()])
    return next((says for kind, pattern, says in HINTS if isinstance(error, kind) and re.search(pattern, text)), "")


def shape(text):
    """A shape, from (2,3)."""
    return tuple(int(n) for n in text.strip("()").split(",") if n)


def about_shapes(shapes):
    """What is missing where two shapes don't broadcast: an axis at the end, one in the middle, or neither."""
    rule = "Shapes are matched from their last axis on, and have to agree or be 1 there."
    if len(shapes) != 2:
        return rule
    few, many = sorted(shapes, key=len)
    if len(few) == len(many):
        return rule
    if few == many[: len(few)]:
        missing = len(many) - len(few)
        index = ", ".join([":"] * len(few) + ["None"] * missing)
        return f"{rule} The one with fewer axes needs axes of length 1 behind: [{index}]."
    for place in range(1, len(few)):
        if fits(few[:place] + (1,) * (len(many) - len(few)) + few[place:], many):
            index = ", ".join([":"] * place + ["None"] * (len(many) - len(few)))
            return f"{rule} The one with fewer axes needs axes of length 1 in between: [{index}]."
    return rule


def fits(one, other):
    """Whether two shapes of equally many axes broadcast."""
    return all(a == b or 1 in (a, b) for a, b in zip(one, other, strict=True))
