"""What a student's function did: the arrays that it returned, with names, or a sentence on why there are none."""

import inspect
import re
import site
import sysconfig
import traceback
import warnings
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minidit.course.hints import hint
from minidit.files.places import PACKAGE

WRITE_IT = "not started. Write it, and run this cell again."
ENDLESS, MEMORY = "without end", "too much memory"  # names of slips
NOTHING, COUNT, STRUCTURE, NO_ARRAY = "returned nothing", "other number of results", "other structure", "not an array"


class Complaint(Exception):
    """What is wrong with an answer.

    Args:
        says: a sentence, following the exercise's name.
        details: further lines.
        slip: its name, if it is a known one.
        started: False if there is no answer yet.
    """

    def __init__(self, says, *details, slip=None, started=True):
        super().__init__(says)
        self.says, self.details, self.slip, self.started = says, tuple(filter(None, details)), slip, started


@dataclass(frozen=True)
class Outcome:
    """The outcome of a call.

    Attributes:
        results: (name, value) of each returned array or number.
        given: the inputs, as the function left them.
        changed: names of the inputs that it changed.
        warned: NumPy's warning, or "".
    """

    results: list
    given: tuple
    changed: tuple[str, ...]
    warned: str


def call(exercise, answer, inputs, expected):
    """Calls a student's function on copies of the inputs.

    Args:
        exercise: Exercise.
        answer: the student's function.
        inputs: tuple of arrays, numbers, or tuples of these.
        expected: what the reference returned for them.
    Returns:
        Outcome.
    Raises:
        Complaint: the function can't be called like this, or raised, or returned something of a different kind.
    """
    names = argument_names(answer, exercise.reference, inputs)
    given = deepcopy(inputs)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = answer(*given)
    except Complaint:  # from an answer that runs in another process and says itself what is wrong
        raise
    except (Exception, SystemExit) as error:
        raise about_error(error, answer) from error
    if result is Ellipsis:
        raise Complaint(WRITE_IT, started=False)
    if exercise.in_place:  # its results are the inputs it wrote into
        written = tuple(given[i] for i in exercise.in_place)
        result = written if len(written) > 1 else written[0]
    changed = tuple(
        name
        for i, (name, old, new) in enumerate(zip(names, inputs, given, strict=True))
        if i not in exercise.in_place and not same(old, new)
    )
    warned = next((str(warning.message) for warning in caught if warning.category is RuntimeWarning), "")
    return Outcome(named(exercise.outputs, result, expected), given, changed, warned)


def about_error(error, answer):
    """The Complaint about an error that a student's function raised."""
    if isinstance(error, NotImplementedError):
        culprit = traceback.extract_tb(error.__traceback__)[-1].name
        if culprit in (getattr(answer, "__name__", culprit), "<lambda>"):
            return Complaint(WRITE_IT, started=False)
        return Complaint(f"not done: it calls {culprit}, which is not written yet.", started=False)
    if isinstance(error, RecursionError):
        return Complaint("it calls itself endlessly.", *own_lines(error)[-1:], slip="calls itself")
    if isinstance(error, MemoryError):
        return Complaint("it asked for more memory than there is.", *own_lines(error), slip=MEMORY)
    says = f"it raised {type(error).__name__}{message(error)}"
    last = traceback.extract_tb(error.__traceback__)[-1]
    because = hint(error)
    if Path(last.filename).is_relative_to(PACKAGE):
        because = f"That came up inside of minidit's {last.name}: what was passed to it doesn't fit."
    return Complaint(says, *own_lines(error), because, slip="raised an error")


def argument_names(answer, reference, inputs):
    """What a student's function calls its inputs.

    Raises:
        Complaint: it takes fewer or more.
    """
    try:
        bound = inspect.signature(answer).bind(*inputs)
    except TypeError as error:
        takes, gets = ([*inspect.signature(f).parameters] for f in (answer, reference))
        own, wanted = ", ".join(takes) or "none", ", ".join(gets[: len(inputs)])
        raise Complaint(
            f"it takes {counted(len(takes), 'argument')} ({own}); expected {len(inputs)} ({wanted}).",
            slip="other arguments",
        ) from error
    except ValueError:  # one of NumPy's own, which doesn't say
        return [f"argument {i + 1}" for i in range(len(inputs))]
    names = []
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        names += [f"{name}[{i}]" for i in range(len(value))] if kind is inspect.Parameter.VAR_POSITIONAL else [name]
    return names


def named(outputs, result, expected):
    """Name and value of each array or number in a result, in the layout of the expected one.

    Args:
        outputs: names of what a function returns.
        result: what it returned.
        expected: what the reference returned.
    Raises:
        Complaint: it returned something other than that many arrays.
    """
    names = ", ".join(outputs)
    if result is None:
        raise Complaint(f"it returned None; expected {names}. Does it end with `return`?", slip=NOTHING)
    if len(outputs) == 1:
        if isinstance(result, tuple) and not isinstance(expected, tuple | list):
            raise Complaint(f"it returned a tuple of {len(result)}; expected {names} by itself.", slip=COUNT)
        return leaves(outputs[0], result, expected)
    order = f"expected {len(outputs)} things, in this order: {names}."
    if not isinstance(result, tuple | list):
        raise Complaint(f"it returned one thing, {kind(result)}; {order}", slip=COUNT)
    if len(result) != len(outputs):
        raise Complaint(f"it returned {counted(len(result), 'thing')}; {order}", slip=COUNT)
    triples = zip(outputs, result, expected, strict=True)
    return [leaf for name, value, model in triples for leaf in leaves(name, value, model)]


def leaves(name, value, model):
    """(name, value) of each array in a value: (cache[0], …), (cache[1], …) if the model is a tuple, and so on."""
    if isinstance(model, dict):
        if not isinstance(value, dict) or value.keys() != model.keys():
            keys = ", ".join(map(repr, model))
            raise Complaint(f"{name} is {kind(value)}; expected a dict with the keys {keys}.", slip=STRUCTURE)
        called = {key: f"{name}[{key!r}]" if name else key for key in model}
        return [leaf for key in model for leaf in leaves(called[key], value[key], model[key])]
    if isinstance(model, tuple | list):
        if not isinstance(value, tuple | list):
            comma = " A tuple of one has a comma: (x,)." * (len(model) == 1)
            raise Complaint(f"{name} is {kind(value)}; expected a tuple of {len(model)}.{comma}", slip=STRUCTURE)
        if len(value) != len(model):
            raise Complaint(f"{name} holds {counted(len(value), 'thing')}; expected {len(model)}.", slip=STRUCTURE)
        parts = enumerate(zip(value, model, strict=True))
        return [leaf for i, (part, its) in parts for leaf in leaves(f"{name}[{i}]", part, its)]
    if isinstance(model, np.ndarray | np.generic | int | float) and not isinstance(model, np.str_):
        return [(name, as_array(name, value))]
    if not callable(model) and type(value) is not type(model) or isinstance(model, str) and value != model:
        raise Complaint(f"{name} is {value!r:.80}; expected {model!r:.80}.", slip=STRUCTURE)
    return []


def as_array(name, value):
    """The value as an array of numbers.

    Raises:
        Complaint: it isn't one.
    """
    if isinstance(value, list | tuple):
        try:
            np.array(value, dtype=float)
        except (ValueError, TypeError) as error:
            says = f"{name} is {kind(value)} that makes no array: its rows differ in length."
            raise Complaint(says, slip=NO_ARRAY) from error
        around = " Put np.array(…) around it." if isinstance(value, list) else ""  # a tuple belongs elsewhere, perhaps
        raise Complaint(f"{name} is {kind(value)}; expected a NumPy array.{around}", slip=NO_ARRAY)
    if not isinstance(value, np.ndarray | np.generic | int | float):
        raise Complaint(f"{name} is {kind(value)}; expected a NumPy array.", slip=NO_ARRAY)
    array = np.array(value, copy=None)
    if array.dtype.kind not in "biuf":
        raise Complaint(f"{name} holds values of type {array.dtype}; expected numbers.", slip=NO_ARRAY)
    return array


def same(old, new):
    """Whether two inputs are equal, including arrays in tuples and parameters; what has no numbers is not compared."""
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(same(old[key], new[key]) for key in old)
    if isinstance(old, tuple | list):
        return len(old) == len(new) and all(map(same, old, new))
    if isinstance(old, np.ndarray):
        return old.shape == new.shape and np.array_equal(old, new, equal_nan=old.dtype.kind == "f")
    params = getattr(old, "params", None)  # of a network; what else it holds, it may use as it likes
    vectors = getattr(params, "flat", None), getattr(getattr(new, "params", None), "flat", None)
    return params is None or same(params, new.params) and same(*vectors)


def own_lines(error):
    """The last two lines of the student's own code that led to an error."""
    paths = sysconfig.get_paths()
    others = (paths["stdlib"], paths["purelib"], *site.getsitepackages(), str(PACKAGE), "<frozen")
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(others)]
    lines = [f"line {frame.lineno}: {frame.line}" if frame.line else f"line {frame.lineno}" for frame in frames]
    return [*dict.fromkeys(lines[-2:])]  # one line, if a generator is in the line that runs it


def message(error):
    """An error's message, in one line after a colon, without NumPy's signature of a matrix product."""
    first_line = (str(error).splitlines() or [""])[0].strip()
    text = re.sub(r"Input operand \d has a mismatch.*\((size .*)\)$", r"the shapes don't meet: \1", first_line)
    return f": {text[:200]}" if text else ""


def kind(value):
    """What something is, in words."""
    if isinstance(value, np.ndarray):
        return f"an array {value.shape}"
    if value is None:
        return "None"
    if callable(value):
        return "a function"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def counted(count, what):
    """1 thing, 2 things."""
    return f"{count} {what}{'' if count == 1 else 's'}"
