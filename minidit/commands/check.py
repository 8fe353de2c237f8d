"""`minidit check`: the exercises of the course, and the proof that their checks teach."""

from minidit.errors import UserError

SUMMARY = "list the exercises of the lessons, or prove that their checks teach"
EXAMPLE = "minidit check --list"


def add_arguments(command):
    """Adds the arguments to the parser of this command."""
    what = command.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="the exercises, lesson by lesson (what it does by default)")
    what.add_argument(
        "--self-test",
        action="store_true",
        help="give every check right and wrong answers, and count which it accepts, rejects, names and misnames",
    )


def run(arguments):
    """Prints a table.

    Raises:
        UserError: there are no answers to try here, or a check doesn't do what it should.
    """
    if arguments.self_test:
        prove()
    else:
        show_list()


def show_list():
    """Prints the exercises."""
    from minidit.course.exercises import LESSONS, by_lesson
    from minidit.course.report import say

    lessons = by_lesson()
    for number, exercises in lessons.items():
        say(f"\n{number:2}  {LESSONS[number]}")
        for one in exercises:
            dots = "●" * one.difficulty + "○" * (3 - one.difficulty)
            title = one.title[0].upper() + one.title[1:]
            say(f"    {dots} {one.minutes:3} min {points(one.points):>10}  {one.name:<34} {title}")
    every = [one for exercises in lessons.values() for one in exercises]
    minutes, total = sum(one.minutes for one in every), sum(one.points for one in every)
    say(f"\n{len(every)} exercises in {len(lessons)} lessons, {minutes / 60:.1f} hours, {points(total)}.")


def points(count):
    """1 point, 2 points."""
    return f"{count:g} point{'' if count == 1 else 's'}"


def prove():
    """Prints what every check makes of its right and wrong answers.

    Raises:
        UserError: as for `run`.
    """
    from minidit.course.exercises import all_exercises
    from minidit.course.report import say
    from minidit.course.self_test import all_answers, falls_short, proof_of, table

    answers = all_answers()
    proofs = [proof_of(exercise, answers.get(name)) for name, exercise in all_exercises().items()]
    say(table(proofs))
    for line in (line for proof in proofs for line in proof.failures):
        say(f"  {line}")
    if falls_short(proofs):
        raise UserError("not every check does what it should: see above.")
