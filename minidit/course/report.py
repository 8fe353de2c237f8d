"""What a check found: a verdict in a sentence, the worst entry, and a diagnosis."""

import difflib
import sys
from dataclasses import dataclass, field

PASSED, NOT_STARTED, WRONG = "passed", "not started", "wrong"
MARKS = {PASSED: "✓", NOT_STARTED: "○", WRONG: "✗"}
PLAIN = str.maketrans(
    {"✓": "+", "○": "o", "✗": "x", "√": "sqrt ", "…": "...", "·": "-", "●": "*", "█": "#", "░": ".", "×": "x"}
)


@dataclass(frozen=True)
class Report:
    """The result of a check.

    Attributes:
        name: of the exercise.
        verdict: PASSED, NOT_STARTED or WRONG.
        stages: the stages that were passed, in order.
        says: the first sentence, without the name.
        details: further lines.
        slip: name of the slip that was recognised, or None.
        share: the earned share of the exercise's points, 0 to 1.
        printed: the first lines that the answer printed.
        picture: (name, got, expected) of one array of a passed answer, or None.
    """

    name: str
    verdict: str
    stages: tuple[str, ...] = ()
    says: str = ""
    details: tuple[str, ...] = ()
    slip: str | None = None
    share: float = 0.0
    printed: tuple[str, ...] = ()
    picture: tuple | None = field(default=None, compare=False, repr=False)

    @property
    def passed(self):
        """Whether all is right."""
        return self.verdict == PASSED

    def __str__(self):
        printed = ("It printed:", *(f"  {line}" for line in self.printed)) if self.printed else ()
        return "\n".join([f"{MARKS[self.verdict]} {self.name}: {self.says}", *indented(self.details + printed)])

    def _ipython_display_(self):
        """Empty, so that a notebook doesn't show the report twice. `print(report)` shows it again."""


def indented(lines):
    """Lines, moved to the right."""
    return [f"  {line}" for line in lines]


def say(text):
    """Prints a text, in ASCII if standard output takes nothing else."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = text.translate(PLAIN).encode("ascii", "replace").decode()
    print(text)


def short(value):
    """A number as a person would write it."""
    return f"{float(value) + 0.0:.6g}"  # + 0.0: nobody expects a -0


def apart(got, expected):
    """Two numbers as a person would write them, with digits enough to tell them apart."""
    pair = [float(value) + 0.0 for value in (got, expected)]
    for digits in range(6, 18):
        texts = tuple(f"{value:.{digits}g}" for value in pair)
        if texts[0] != texts[1]:
            break
    return texts


def did_you_mean(name, known):
    """The nearest of the known names, as a question with a space after it; or nothing."""
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    return f"Did you mean {' or '.join(near)}? " if near else ""
