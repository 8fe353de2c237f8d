"""The checks: `check.NAME(ANSWER)` says whether a student's answer to an exercise is right, and what isn't.

    from minidit.course import check

    check.layernorm_backward(layernorm_backward)

Every exercise has a check of its own name. It prints its verdict, in a notebook draws the student's own result beside
the reference where that is worth a look, and notes what was passed (see `minidit.course.progress`).
"""

import sys

from minidit.course.engine import examine
from minidit.course.exercises import exercise_of, names
from minidit.course.progress import note
from minidit.course.report import did_you_mean, say


def checked(name, answer):
    """Examines an answer to the exercise of this name, and says what was found.

    Returns:
        Report.
    """
    report = examine(exercise_of(name), answer)
    say(str(report))
    note(report)
    draw(report)
    return report


def points(name, answer):
    """The points of an answer, a number: what graders show for a cell."""
    exercise = exercise_of(name)
    return round(exercise.points * examine(exercise, answer).share, 2)


def draw(report):
    """Draws what was passed beside the reference, in a notebook. A check is worth its verdict without it."""
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
