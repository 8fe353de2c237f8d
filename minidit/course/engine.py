"""Examines an answer stage by stage, until something is wrong.

not started → shape and dtype → numbers small enough to verify by hand → random shapes → gradient → inputs untouched.
"""

from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np

from minidit.backend import arrays_in
from minidit.course.diagnosis import Attempt, diagnose
from minidit.course.exercise import Exercise, Numbers
from minidit.course.exercises import forward_of
from minidit.course.limits import TookTooLong, numpy_left_alone, prints_held_back, within
from minidit.course.outcome import Complaint, call, kind, named, own_lines
from minidit.course.pencil import compare_numbers
from minidit.course.report import NOT_STARTED, PASSED, WRONG, Report, short

SECONDS = 2.0  # that a check may take
TOLERANCE = {"float64": 1e-8, "float32": 1e-4}  # of an entry, relative to the largest one expected
SMALLEST = 1e-4  # if everything expected is smaller, entries are compared on this scale: it may be only rounding
LARGE = 10**6  # entries: a larger result is a mistake, and examining it might take too long
SLOPE_TOLERANCE = 1e-5  # of a measured slope
SHAPES, GRADIENT, UNTOUCHED, NUMBERS = "shapes", "gradient", "inputs untouched", "numbers"
SEED = 20_021


@dataclass
class Exam:
    """How far an answer has come.

    Attributes:
        exercise, answer: what is examined.
        stages: that were passed, in order.
        changed: names of inputs that the answer changed.
        picture: (name, got, expected) of an array, for a drawing, or None.
    """

    exercise: Exercise
    answer: object
    stages: list = field(default_factory=list)
    changed: tuple[str, ...] = ()
    picture: tuple | None = None

    def passed(self, stage):
        """Notes a stage, once."""
        if stage not in self.stages:
            self.stages.append(stage)


def examine(exercise, answer, seconds=None):
    """Examines a student's answer.

    Args:
        exercise: Exercise or Numbers.
        answer: the student's function, or for Numbers what they typed.
        seconds: time limit; by default SECONDS.
    Returns:
        Report.
    """
    exam = Exam(exercise, answer)
    run = run_numbers if isinstance(exercise, Numbers) else run_stages
    with numpy_left_alone(), prints_held_back() as printed:
        complaint = complaint_of(run, exam, seconds or SECONDS)
    printed = tuple(printed.lines())
    if complaint is None:
        says = "right." if isinstance(exercise, Numbers) else f"{', '.join(exam.stages)}."
        return Report(exercise.name, PASSED, tuple(exam.stages), says, (), None, 1.0, printed, exam.picture)
    verdict, share = (WRONG, len(exam.stages) / stage_count(exercise)) if complaint.started else (NOT_STARTED, 0.0)
    return Report(
        exercise.name, verdict, tuple(exam.stages), complaint.says, complaint.details, complaint.slip, share, printed
    )


def complaint_of(run, exam, seconds):
    """What is wrong, as a Complaint, or None."""

    def guarded():
        with numpy_left_alone():  # each thread has its own NumPy settings
            run(exam)

    try:
        within(seconds, guarded)
    except TookTooLong as error:
        says = f"it did not finish in {seconds:g} seconds. Is there a loop that never stops?"
        return Complaint(says, *own_lines(error)[:1])
    except Complaint as complaint:
        return complaint
    return None


def stage_count(exercise):
    """How many stages there are."""
    if isinstance(exercise, Numbers):
        return 1
    return len({trial.stage for trial in exercise.trials}) + 2 + (slope_test(exercise) is not None)


def run_numbers(exam):
    """Examines numbers that were typed in. Raises a Complaint."""
    compare_numbers(exam.exercise, exam.answer)
    exam.passed(NUMBERS)


def run_stages(exam):
    """Examines a function. Raises a Complaint at the first thing that is wrong."""
    if exam.answer is Ellipsis or exam.answer is None:
        raise Complaint("not started. Write it, and run this cell again.", started=False)
    if not callable(exam.answer):
        raise Complaint(f"this is {kind(exam.answer)}, not a function. Did you use the name for something else too?")
    for trial in exam.exercise.trials:
        run_trial(exam, trial)
    test = slope_test(exam.exercise)
    if test is not None:
        run_gradient(exam, *test)
        exam.passed(GRADIENT)
    if exam.changed:
        raise Complaint(
            f"the numbers are right, but it changed its input {' and '.join(exam.changed)}.",
            "The caller may still need that array. Make a new one instead of writing into an input.",
            slip="changed its input",
        )
    exam.passed(UNTOUCHED)


def run_trial(exam, trial):
    """Compares the answer with the reference on a trial's inputs. Raises a Complaint if they differ."""
    attempt, outcome = attempted(exam, trial.inputs(np.random.default_rng(SEED)))
    exam.changed = outcome.changed or exam.changed
    if attempt.wrong is not None:
        if same_shapes(attempt):
            exam.passed(SHAPES)
        raise complaint_about(exam, attempt, outcome)
    exam.passed(SHAPES)
    for (name, got), (_, right) in zip(attempt.got, attempt.right, strict=True):
        if {got.dtype.kind, right.dtype.kind} == {"f"} and got.dtype != right.dtype:
            raise Complaint(
                f"{name} is {got.dtype}; expected {right.dtype}, like the inputs.",
                "Arrays made inside should take the dtype of the inputs, as in np.zeros(shape, x.dtype).",
                slip="another dtype than the inputs",
            )
    if exam.exercise.fresh:
        insist_fresh(attempt.got, outcome.given)
    exam.passed(trial.stage)
    exam.picture = exam.picture or picture(attempt)


def attempted(exam, inputs):
    """One try: Attempt and Outcome."""
    exercise = exam.exercise
    with np.errstate(all="ignore"):
        expected = exercise.reference(*deepcopy(inputs))
    outcome = call(exercise, exam.answer, inputs, expected)
    right = named(exercise.outputs, expected, expected)
    off = [is_off(got, it) for (_, got), (_, it) in zip(outcome.results, right, strict=True)]
    # A wrong shape says more than a wrong number, so it comes first.
    wrong = next((i for bad in ("shape", "values") for i, found in enumerate(off) if found == bad), None)
    return Attempt(inputs, outcome.results, right, expected, wrong), outcome


def is_off(got, right):
    """What is wrong with an array: "shape", "values", or "" if nothing is."""
    if got.shape != right.shape:
        return "shape"
    tolerance = max(TOLERANCE.get(a.dtype.name, TOLERANCE["float64"]) for a in (got, right))
    return "values" if (errors(got, right) > tolerance).any() else ""


def errors(got, right):
    """How far off each entry is, relative to the largest one expected; infinite where only one of the two is NaN."""
    got, right = got.astype(float), right.astype(float)
    scale = max(float(np.abs(right[np.isfinite(right)]).max(initial=0)), SMALLEST)
    equal = (got == right) | (np.isnan(got) & np.isnan(right))
    with np.errstate(all="ignore"):
        return np.where(equal, 0.0, np.nan_to_num(np.abs(got - right) / scale, nan=np.inf, posinf=np.inf))


def same_shapes(attempt):
    """Whether the shapes of all outputs are right."""
    return all(got.shape == right.shape for (_, got), (_, right) in zip(attempt.got, attempt.right, strict=True))


def complaint_about(exam, attempt, outcome):
    """The Complaint about a wrong output: its shape or worst entry, and a diagnosis if there is one."""
    name = attempt.got[attempt.wrong][0]
    got, right = attempt.pair
    finding = diagnose(exam.exercise, [attempt, *second_attempt(exam)]) if got.size <= LARGE else None
    says, because, slip = (finding.says, finding.because, finding.name) if finding else ("", "", None)
    if got.shape != right.shape:
        shapes = f"{name} has shape {got.shape}; expected {right.shape}"
        return Complaint(f"{shapes}: {says}." if says else f"{shapes}.", because, slip=slip)
    error = errors(got, right)
    index = tuple(int(i) for i in np.unravel_index(error.argmax(), error.shape))
    worst = f"worst at {list(index)}: " if index else ""
    worst += f"got {short(got[index])}, expected {short(right[index])}"
    so_far = f"{name} has the right shape, but" if index else f"{name} is not right:"
    if finding:
        return Complaint(f"{so_far} {says}.", worst, because, slip=slip)
    if np.isnan(got[index]):
        warned = f"NumPy warned: {outcome.warned}." if outcome.warned else ""
        reason = "something was divided by zero, or infinity met infinity"
        return Complaint(f"{name} {f'has NaN at {list(index)}' if index else 'is NaN'}: {reason}.", warned)
    if outcome.changed:
        also = f"It changed its input {' and '.join(outcome.changed)} on the way, which may be why."
        return Complaint(f"{so_far} the values are off.", worst, also, slip="changed its input")
    off = int((error > TOLERANCE["float64"]).sum())
    many = f"{off} of {error.size} entries are off." if error.size > 1 else ""
    return Complaint(f"{so_far} other values than expected." if index else f"{name} is not right.", worst, many)


def second_attempt(exam):
    """A try with other random inputs, as a list; empty if it adds nothing."""
    trials = [t for t in exam.exercise.trials if t.stage == "random inputs"] or exam.exercise.trials
    try:
        attempt, _ = attempted(exam, trials[-1].inputs(np.random.default_rng(SEED + 1)))
    except Complaint:
        return []
    return [] if attempt.wrong is None else [attempt]


def insist_fresh(got, given):
    """Raises a Complaint if an output lies in an input's memory."""
    arrays = arrays_in(given)
    for name, array in got:
        if any(np.shares_memory(array, other) for other in arrays):
            raise Complaint(
                f"{name} has the right numbers, but lies in the memory of an input.",
                "A change to one would then change the other. Return a new array.",
                slip="a view of an input",
            )


def picture(attempt):
    """(name, got, expected) of the first output worth showing, as matrices, or None."""
    for (name, got), (_, right) in zip(attempt.got, attempt.right, strict=True):
        if got.ndim > 1 and 3 < got.size <= 4096:
            return name, got.reshape(-1, got.shape[-1]), right.reshape(-1, got.shape[-1])
    return None


def slope_test(exercise):
    """How to measure the slopes that a backward should give.

    Returns:
        the forward; its inputs; the indices of the inputs that the gradients belong to; dy; and the inputs of the
        backward. None if the exercise isn't a backward.
    """
    rng = np.random.default_rng(SEED + 1)
    if exercise.forward is not None:
        dy, *inputs = given = exercise.trials[-1].inputs(rng)
        return exercise.forward, inputs, exercise.wrt, dy, given
    pair = forward_of(exercise)
    trials = [trial for trial in pair.trials if trial.stage == "random inputs"] if pair else []
    if not trials:
        return None
    inputs = list(trials[0].inputs(rng))
    y, cache = pair.reference(*inputs)
    dy = rng.normal(size=np.shape(y)) if np.ndim(y) else 1.0
    wrt = [i for i, x in enumerate(inputs) if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
    return pair.reference, inputs, wrt[: len(exercise.outputs)], dy, (dy, cache)


def run_gradient(exam, forward, inputs, wrt, dy, given):
    """Compares the answer, a backward, with differences of the forward. Raises a Complaint if they differ."""
    attempt, _ = attempted(exam, given)
    rng = np.random.default_rng(SEED)
    for (name, gradient), position in zip(attempt.got, wrt, strict=True):
        for _ in range(min(3, gradient.size)):
            index = tuple(int(rng.integers(n)) for n in gradient.shape)
            slope = central_difference(forward, inputs, position, index, dy)
            if not abs(slope - gradient[index]) <= SLOPE_TOLERANCE * max(1.0, abs(slope)):
                raise Complaint(
                    f"{name} is not the slope of the forward at {list(index)}: got {short(gradient[index])}, "
                    f"measured {short(slope)}."
                )


def central_difference(forward, inputs, position, index, dy, step=1e-5):
    """How the sum of dy · forward(*inputs) changes with one entry of one input."""

    def moved(by):
        there = [np.array(x) if i == position else x for i, x in enumerate(inputs)]
        there[position][index] += by
        y = forward(*there)
        return float(np.sum(dy * (y[0] if isinstance(y, tuple) else y)))

    return (moved(step) - moved(-step)) / (2 * step)
