"""What an exercise is: what the student writes, what is right, and the slips that we know by name.

Trials have to span what the text of the lesson asks for, since an answer that is right on all of them passes:

- The first has numbers small enough to verify by hand (`by_hand`). The others draw theirs from the given generator,
  and are tried with several seeds, without being listed several times. What they don't draw is the same each time.
- Every axis has a length of its own, drawn too if that is allowed: `batch, tokens, width = lengths(rng, 3)`. Axes of
  one length let a mistake broadcast without an error, or be right by accident.
- "Any number of further axes" is tried with each number that may matter, none too: `for_each(LEADING, make)`.
- A list of values (colours, wordings, masks that are there or not) is tried value by value: `for_each(VALUES, make)`.
- Ids and positions don't always reach the last one; a mask has rows of both kinds; conditions such as "at most" meet
  both cases, and equality; options are given by position and left out.

The dtype of an answer is compared with the reference's: float32 and float64, bytes (uint8) and booleans must be what
they are, unless they just came with the inputs. Whole numbers may be of any kind, and so may a single number: so let
the reference return what the text asks for.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

SEEDS = 4  # with which a trial that draws numbers is tried
LEADING = ((), (2,), (3, 2), (2, 1, 3))  # lengths of "any number of further axes"


@dataclass(frozen=True)
class Slip:
    """A mistake that students really make, recognised by its results.

    Attributes:
        name: of the slip, in a few words, such as "mean instead of sum".
        wrong: takes the exercise's inputs and returns all outputs that this slip leads to. The slip is offered if it
            explains the wrong output in everything that was tried: the right results in the trials that the answer
            passed, the wrong ones in the one that it failed, and those for further seeds.
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
        stage: as the verdict calls it: "hand numbers", "random inputs", "large numbers". Several trials may share one.
        inputs: takes a numpy Generator, returns the tuple of inputs.
        seeds: how many generators to try, if `inputs` draws from them. Fewer where the function takes long: all calls
            of a check together may take 2 seconds.
    """

    stage: str
    inputs: Callable
    seeds: int = SEEDS


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
        trials: Trials in order, in float64 unless they are about another dtype: see the top of this file.
        slips: Slips, the more particular ones first. Two that give the same in all trials need the same name.
            Those that can be made in a formula are found by formulas.py.
        sizes: takes the inputs, returns {name: count}, such as {"tokens": 4}: the factors that a wrong mean or sum
            would leave.
        forward: for a backward exercise: takes all inputs except the first (dy) and returns y, so that the gradients
            can be compared with its differences. `wrt` lists the indices of the inputs that the gradients belong to. A
            backward that takes (dy, cache) needs neither, if the exercise of its forward returns that cache.
        fresh: whether an output that shares its memory with an input is a mistake.
        in_place: for a function that changes its inputs on purpose and returns nothing: the indices of the inputs that
            are its `outputs` afterwards, in that order. The reference still returns new arrays.
        parts: for an answer that is made of functions with exercises of their own: takes the answer and the time limit,
            returns a Report about each function. All have to pass before the trials.
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
    parts: Callable | None = None


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


def each_alone(reference, slip, *outputs):
    """A slip, and the same in one of these outputs only, the others being right."""

    def alone(output):
        def wrong(*inputs):
            results = [*reference(*inputs)]
            results[output] = slip.wrong(*inputs)[output]
            return tuple(results)

        return replace(slip, wrong=wrong)

    return (slip, *map(alone, outputs))


def all_alone(reference, slips, *example):
    """The slips, and those that spoil several outputs also in each of these alone, where that is no other slip.

    Args:
        reference, slips: as an Exercise has them.
        example: inputs that show which outputs a slip spoils.
    """
    right = reference(*example)
    with np.errstate(all="ignore"):
        results = [slip.wrong(*example) for slip in slips]
    alone = []
    for slip, wrong in zip(slips, results[: len(slips)], strict=True):
        spoilt = [i for i, pair in enumerate(zip(wrong, right, strict=True)) if not np.array_equal(*pair)]
        for i in spoilt if len(spoilt) > 1 else ():
            result = (*right[:i], wrong[i], *right[i + 1 :])
            if not any(all(map(np.array_equal, result, other)) for other in results):
                results.append(result)
                alone.append(each_alone(reference, slip, i)[1])
    return (*slips, *alone)


def by_hand(*inputs):
    """The Trial with these inputs, whose results can be verified by hand."""
    return Trial("hand numbers", lambda rng: inputs)


def at_random(make):
    """The Trial with random inputs: `make` takes a numpy Generator."""
    return Trial("random inputs", make)


def for_each(values, make, stage="random inputs", seeds=1):
    """Trials, one for each of these values: `make` takes a numpy Generator and the value, and returns the inputs.

    By default each is tried once, with numbers of its own.
    """

    def trial(number, value):
        return Trial(stage, lambda rng: make(np.random.default_rng([number, rng.integers(2**32)]), value), seeds)

    return tuple(trial(number, value) for number, value in enumerate(values))


def lengths(rng, count, low=2, high=8):
    """Lengths of this many axes, no two of them equal, each at least `low` and below `high`."""
    return tuple(int(n) for n in rng.choice(range(low, high), size=count, replace=False))
