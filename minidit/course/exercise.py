"""What an exercise is: what the student writes, what is right, and the slips that we know by name."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Slip:
    """A mistake that students really make, recognised by its results.

    Attributes:
        name: of the slip, in a few words, such as "mean instead of sum".
        wrong: takes the exercise's inputs and returns all outputs that this slip leads to.
        says: what is wrong, following the name of the output: "its values are the mean over tokens, not their sum".
        because: a sentence that helps: "Each token used the same scale, so their contributions add up."
    """

    name: str
    wrong: Callable
    says: str
    because: str


@dataclass(frozen=True)
class Trial:
    """Inputs to try an answer on.

    Attributes:
        stage: as the verdict calls it: "hand numbers", "random inputs", "large numbers".
        inputs: takes a numpy Generator, returns the tuple of inputs. Those of a hand trial are the same every time.
    """

    stage: str
    inputs: Callable


@dataclass(frozen=True)
class Exercise:
    """A function that the student writes.

    Attributes:
        name: name of the function, and of its check.
        lesson: its number.
        title: a short description, for tables.
        difficulty: 1, 2 or 3; minutes: how long it takes; points: in grading.
        outputs: names of what the function returns, in order. With one name, it returns that by itself. A name such as
            "cache" stands for a tuple; its parts are compared one by one.
        reference: the right answer.
        trials: Trials in order. The first has numbers small enough to verify by hand; in the others every axis has a
            different length (in float64).
        slips: Slips, the more particular ones first.
        sizes: takes the inputs, returns {name: count}, such as {"tokens": 4}: the factors that a wrong mean or sum
            would leave.
        forward: for a backward exercise: takes all inputs except the first (dy) and returns y, so that the gradients
            can be compared with its differences. `wrt` lists the indices of the inputs that the gradients belong to. A
            backward that takes (dy, cache) needs neither, if the exercise of its forward returns that cache.
        fresh: whether an output that shares its memory with an input is a mistake.
        in_place: for a function that changes its inputs on purpose and returns nothing: the indices of the inputs that
            are its `outputs` afterwards, in that order. The reference still returns new arrays.
    """

    name: str
    lesson: int
    title: str
    outputs: tuple[str, ...]
    reference: Callable
    trials: tuple[Trial, ...]
    slips: tuple[Slip, ...] = ()
    difficulty: int = 1
    minutes: int = 5
    points: int = 1
    sizes: Callable = field(default=lambda *inputs: {})
    forward: Callable | None = None
    wrt: tuple[int, ...] = ()
    fresh: bool = False
    in_place: tuple[int, ...] = ()


@dataclass(frozen=True)
class Numbers:
    """Numbers that the student works out with a pencil and types in: a matrix, a vector or a single number.

    Attributes:
        name, lesson, title, difficulty, minutes, points: as for Exercise.
        expected: takes no arguments, returns the array.
        explain: takes an index, returns a sentence about how to compute that entry, without giving it away.
        slips: Slips, whose `wrong` takes no arguments and returns the array.
    """

    name: str
    lesson: int
    title: str
    expected: Callable
    explain: Callable = field(default=lambda index: "")
    slips: tuple[Slip, ...] = ()
    difficulty: int = 1
    minutes: int = 3
    points: int = 1


def by_hand(*inputs):
    """The Trial with these inputs, whose results can be verified by hand."""
    return Trial("hand numbers", lambda rng: inputs)


def at_random(make):
    """The Trial with random inputs: `make` takes a numpy Generator."""
    return Trial("random inputs", make)
