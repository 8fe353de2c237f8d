"""What a diagnosis works with: attempts of an answer, and the findings that may explain them."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from minidit.course.comparing import close
from minidit.course.inputs import parts


@dataclass(frozen=True)
class Finding:
    """A slip that explains a wrong result.

    Attributes:
        name: of the slip.
        says: to follow "dx has the right shape, but", or "dx has shape (3,); expected (4, 3):".
        because: a sentence that helps, or "".
        fits: takes an Attempt, returns whether the slip explains what came out.
    """

    name: str
    says: str
    because: str = ""
    fits: Callable = field(default=lambda attempt: True, compare=False, repr=False)


@dataclass(frozen=True)
class Attempt:
    """One try of an answer.

    Attributes:
        inputs: its inputs.
        got, right: list of (name, array): the answer's and the reference's.
        expected: what the reference returned, unchanged.
        wrong: position of the output to look at: the first wrong one; None if all are right.
    """

    inputs: tuple
    got: list
    right: list
    expected: object
    wrong: int | None

    @property
    def name(self):
        """Of the output to look at."""
        return self.got[self.wrong][0]

    @property
    def pair(self):
        """The output to look at, and the right one."""
        return self.got[self.wrong][1], self.right[self.wrong][1]

    @property
    def is_wrong(self):
        """Whether that output is wrong."""
        return not close(*self.pair)


def gives(wrong):
    """For a Finding's `fits`: `wrong` takes an Attempt and returns what the slip makes of the right output."""

    def fits(attempt):
        with np.errstate(all="ignore"):
            return close(attempt.pair[0], np.asarray(wrong(attempt)))

    return fits


def on_right(function):
    """For a Finding's `fits`: the slip makes this function of the right output."""
    return gives(lambda attempt: function(attempt.pair[1].astype(float)))


def seen_often(attempts, least=1):
    """Whether enough others of the attempts are wrong too, so that what explains them all is no coincidence."""
    return sum(attempt.is_wrong for attempt in attempts[1:]) >= least


def tells(attempts):
    """Whether the place of a number can be told: there are other attempts, or the numbers differ."""
    right = attempts[0].pair[1]
    return seen_often(attempts) or len(np.unique(right)) > max(3, right.size / 2)


def arrays(exercise, attempt):
    """(name, array) of each array among an attempt's inputs."""
    every = parts(exercise, attempt.inputs)
    return [(name, value) for name, _, value in every if isinstance(value, np.ndarray) and value.ndim]


def explains(finding, attempt):
    """Whether a Finding fits an attempt."""
    try:
        return finding.fits(attempt)
    except Exception:  # it can't be asked of this attempt: too few axes, other inputs
        return False
