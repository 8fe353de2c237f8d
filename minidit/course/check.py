"""The checks: `check.NAME(ANSWER)` says whether a student's answer to an exercise is right, and if not, why.

    from minidit.course import check

    check.layernorm_backward(layernorm_backward)

Every exercise has a check of its own name. It prints its verdict, records a pass (see `minidit.course.progress`) and
keeps the code for the capstone (see `minidit.course.kept`). In a notebook it also draws the student's result beside the
reference, if there is something to see.
"""

import sys

from minidit.course.engine import examine
from minidit.course.exercises import exercise_of, names
from minidit.course.kept import keep
from minidit.course.progress import note
from minidit.course.report import did_you_mean, say


def checked(name, answer):
    """Examines an answer to the exercise of this name, and prints the verdict.

    Returns:
        Report.
    """
    report = examine(exercise_of(name), answer)
    say(str(report))
    note(report)
    keep(report, answer)
    draw(report)
    return report


def points(name, answer):
    """The points of an answer, a number: what graders show for a cell."""
    exercise = exercise_of(name)
    return round(exercise.points * examine(exercise, answer).share, 2)


def draw(report):
    """Draws a passed answer beside the reference, in a notebook. If drawing fails, the verdict still counts."""
    if not report.picture or "IPython" not in sys.modules:
        return
    try:
        from minidit.course import draw
    except ImportError:
        return
    if draw.in_notebook():
        name, got, expected = report.picture
        draw.compare(got, expected, alt=f"Your {name} beside the reference's, and their difference, which is nil.")


def __getattr__(name):
    if name.startswith("_") or name not in names():
        near = did_you_mean(name, names())
        raise AttributeError(f"there is no check called {name!r}. {near}See: minidit check --list")

    def check(answer):
        return checked(name, answer)

    check.__name__ = name
    check.__doc__ = f"Examines an answer to the exercise {name}."
    return check


def __dir__():
    return [*globals(), *names()]
