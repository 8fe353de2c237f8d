"""The proof that the checks teach: each one gets right and wrong answers, such as students write.

The answers are in a clone, one file per lesson: those in `tests/course/answers/` were written with the slips at hand,
those in `tests/course/answers_from_the_text/` from the lessons' text alone; names were put to them afterwards. An
installed package doesn't have them.
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

FOLDERS = (Path("tests", "course", "answers"), Path("tests", "course", "answers_from_the_text"))
NAMED_AT_LEAST = 0.92  # of all wrong answers
MISLED_AT_MOST = 0.003  # of all wrong answers
# What a report may be called though no slip is: it says what was seen, which is true whatever the reason.
FACTS = {
    "returned nothing", "printed, not returned", "other number of results", "other structure", "not an array",
    "raised an error", "calls itself", "too much memory", "other arguments", "without end", "NaN",
    "other numbers each time", "ignores an input", "uses a part of an input", "mixes what belongs apart",
    "sign of an entry", "other number of entries", "zeros", "off by 1", "right only in part",
    "right only for some shapes", "right only for some numbers", "another sign", "left out", "exchanged",
    "one for another", "something else in place", "other amounts",
}  # fmt: skip


@dataclass(frozen=True)
class Proof:
    """What a check made of its answers.

    Attributes:
        name: of the exercise.
        right, accepted: how many right answers there are, and how many passed.
        wrong, rejected, named: how many wrong answers there are, how many were rejected, and how many of these under
            the name of a slip that was made.
        misleading: how many of them under the name of a slip that was not made; FACTS are none.
        failures: a line for each answer that was not judged as it should be.
    """

    name: str
    right: int
    accepted: int
    wrong: int
    rejected: int
    named: int
    misleading: int
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Both:
    """Right and wrong answers of several files to one exercise: see tests/course/answers_of.py."""

    right: list
    wrong: list


def all_answers():
    """Name of exercise -> Both, of a clone.

    Raises:
        UserError: this is none.
    """
    folders = [folder for folder in map(in_clone, FOLDERS) if folder is not None]
    if not folders:
        raise UserError("there are no answers to try here. Run this command in a clone of minidit's repository.")
    return joined(map(answers_in, folders))


def joined(several):
    """Name of exercise -> Both, from several dicts of answers."""
    found = {}
    for answers in several:
        for name, one in answers.items():
            so_far = found.get(name, Both([], []))
            found[name] = Both([*so_far.right, *one.right], [*so_far.wrong, *one.wrong])
    return found


def answers_in(folder):
    """Name of exercise -> answers, of all files in a folder."""
    sys.path.insert(0, str(folder.parent))  # where they find answers_of.py
    try:
        found = {}
        for path in sorted(folder.glob("lesson_*.py")):
            spec = importlib.util.spec_from_file_location(f"{folder.name}_{path.stem}", path)
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
    rejected = named = misleading = 0
    for (label, answer), (_, slips) in zip(labelled("wrong", [a for a, _ in wrong]), wrong, strict=True):
        report = examine(exercise, answer)
        true = (slips,) if isinstance(slips, str) else slips or ()
        if report.verdict != WRONG:
            failures.append(f"{exercise.name}: {label} is not rejected: {report}")
            continue
        rejected += 1
        named += report.slip in true
        misleading += report.slip is not None and report.slip not in {*true, *FACTS}
        if report.slip not in (true or (None, *FACTS)):
            expected = " or ".join(map(repr, true or (None,)))
            failures.append(f"{exercise.name}: {label} is called {report.slip!r}, expected {expected}: {report}")
    counts = (len(right), accepted, len(wrong), rejected, named, misleading)
    return Proof(exercise.name, *counts, tuple(failures))


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
    columns = ("right", "accepted", "wrong", "rejected", "named", "misleading")
    rows = [(proof.name, *(getattr(proof, column) for column in columns)) for proof in proofs]
    total = [sum(column) for column in list(zip(*rows, strict=True))[1:]]
    lines = [f"{'exercise':<36}" + "".join(f"{column:>11}" for column in columns)]
    for name, *counts in [*rows, (f"{len(proofs)} exercises", *total)]:
        lines.append(f"{name:<36}" + "".join(f"{count:>11}" for count in counts))
    right, accepted, wrong, rejected, named, misleading = total
    shares = (accepted / max(right, 1), *(count / max(wrong, 1) for count in (rejected, named, misleading)))
    last = "accepted {:.1%}, rejected {:.1%}, called by name {:.1%}, misleading {:.1%}".format(*shares)
    return "\n".join([*lines, last])


def falls_short(proofs):
    """Whether some check doesn't do what it should, or too few slips are named, or too many messages mislead."""
    wrong, named, misleading = (sum(getattr(one, what) for one in proofs) for what in ("wrong", "named", "misleading"))
    failed = any(proof.failures for proof in proofs)
    return failed or named < NAMED_AT_LEAST * wrong or misleading > MISLED_AT_MOST * wrong
