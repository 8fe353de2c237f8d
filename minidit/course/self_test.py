"""The proof that the checks teach: each one gets right and wrong answers, such as students write.

The answers are in `tests/course/answers/` of a clone, one file per lesson; an installed package doesn't have them.
"""

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

from minidit.course.engine import examine
from minidit.course.exercise import Numbers
from minidit.course.report import NOT_STARTED, PASSED, WRONG
from minidit.errors import UserError
from minidit.files.places import in_clone

ANSWERS = Path("tests", "course", "answers")
NAMED_AT_LEAST = 0.9  # of all wrong answers


@dataclass(frozen=True)
class Proof:
    """What a check made of its answers.

    Attributes:
        name: of the exercise.
        right, accepted: how many right answers there are, and how many passed.
        wrong, rejected, named: how many wrong answers there are, how many were rejected, and how many of these under
            the name of their slip.
        failures: a line for each answer that was not judged as it should be.
    """

    name: str
    right: int
    accepted: int
    wrong: int
    rejected: int
    named: int
    failures: tuple[str, ...]


def answers_folder():
    """The folder of answers of a clone.

    Raises:
        UserError: there is none.
    """
    folder = in_clone(ANSWERS)
    if folder is None:
        raise UserError("there are no answers to try here. Run this command in a clone of minidit's repository.")
    return folder


def answers_in(folder):
    """Name of exercise -> Answers, of all files in a folder."""
    sys.path.insert(0, str(folder.parent))  # where they find answers_of.py
    try:
        found = {}
        for path in sorted(folder.glob("lesson_*.py")):
            spec = importlib.util.spec_from_file_location(f"answers_{path.stem}", path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            found |= module.ANSWERS
        return found
    finally:
        sys.path.remove(str(folder.parent))


def proof_of(exercise, answers):
    """Tries all answers to an exercise, the reference as a right one, and the untouched stub.

    Args:
        exercise: Exercise or Numbers.
        answers: an object with attributes `right` and `wrong`, or None.
    Returns:
        Proof.
    """
    failures = [] if answers else [f"{exercise.name}: there are no answers to try"]
    stub = examine(exercise, untouched(exercise))
    if stub.verdict != NOT_STARTED:
        failures.append(f"{exercise.name}: the stub is not recognised as one: {stub}")
    right = [("the reference", solution(exercise)), *labelled("right", answers.right if answers else [])]
    accepted = 0
    for label, answer in right:
        report = examine(exercise, answer)
        accepted += report.verdict == PASSED
        if report.verdict != PASSED:
            failures.append(f"{exercise.name}: {label} is not accepted: {report}")
    wrong = answers.wrong if answers else []
    rejected = named = 0
    for (label, answer), (_, slip) in zip(labelled("wrong", [a for a, _ in wrong]), wrong, strict=True):
        report = examine(exercise, answer)
        rejected += report.verdict == WRONG
        named += report.verdict == WRONG and slip is not None and report.slip == slip
        if report.verdict != WRONG:
            failures.append(f"{exercise.name}: {label} is not rejected: {report}")
        elif slip is not None and report.slip != slip:
            failures.append(f"{exercise.name}: {label} is called {report.slip!r}, expected {slip!r}: {report}")
    return Proof(exercise.name, len(right), accepted, len(wrong), rejected, named, tuple(failures))


def untouched(exercise):
    """What a student has before writing anything."""
    if isinstance(exercise, Numbers):
        return ...

    def stub(*_):
        raise NotImplementedError

    return stub


def solution(exercise):
    """The right answer: the reference, made to write into its inputs if that is the task."""
    if isinstance(exercise, Numbers):
        return exercise.expected()
    if not exercise.in_place:
        return exercise.reference

    def in_place(*inputs):
        results = exercise.reference(*inputs)
        for i, result in zip(exercise.in_place, results if len(exercise.in_place) > 1 else (results,), strict=True):
            inputs[i][...] = result

    return in_place


def labelled(what, answers):
    """(label, answer) of each: a function's name if it has one, else a number."""
    names = [getattr(answer, "__name__", "<lambda>") for answer in answers]
    return [
        (f"{what} answer {i + 1}" + (f" ({name})" if name != "<lambda>" else ""), answer)
        for i, (name, answer) in enumerate(zip(names, answers, strict=True))
    ]


def table(proofs):
    """The proofs as a table, with a line for each and a line for all."""
    rows = [(p.name, p.right, p.accepted, p.wrong, p.rejected, p.named) for p in proofs]
    rows.append((f"{len(proofs)} exercises", *(sum(column) for column in list(zip(*rows, strict=True))[1:])))
    lines = [f"{'exercise':<36}{'right':>7}{'accepted':>10}{'wrong':>8}{'rejected':>10}{'named':>8}"]
    lines += [f"{name:<36}{r:>7}{a:>10}{w:>8}{rej:>10}{n:>8}" for name, r, a, w, rej, n in rows]
    _, right, accepted, wrong, rejected, named = rows[-1]
    shares = (accepted / max(right, 1), rejected / max(wrong, 1), named / max(wrong, 1))
    return "\n".join([*lines, "accepted {:.1%}, rejected {:.1%}, called by name {:.1%}".format(*shares)])
