"""Examines an answer stage by stage, until something is wrong.

not started → shape and dtype → numbers small enough to verify by hand → random shapes → gradient → inputs untouched.

Trials that draw their inputs are tried with several seeds. What is wrong is told by the slip that explains every try
(`minidit.course.diagnosis`), or else by what is seen when the answer is called again (`minidit.course.probes`).
"""

from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np

from minidit.course.amounts import other_amounts
from minidit.course.comparing import errors, insist_dtypes, insist_fresh, is_off, tolerance_of
from minidit.course.diagnosis import diagnose, looking_at
from minidit.course.exercise import Exercise, Numbers
from minidit.course.finding import Attempt
from minidit.course.limits import TookTooLong, numpy_left_alone, prints_held_back, within
from minidit.course.outcome import ENDLESS, NOTHING, Complaint, call, kind, named, own_lines
from minidit.course.pencil import compare_numbers
from minidit.course.probes import dependence, unsteady
from minidit.course.report import NOT_STARTED, PASSED, WRONG, Report, apart
from minidit.course.slopes import compare_slopes, slope_test

SECONDS = 2.0  # that a check may take
LARGE = 10**6  # entries: a larger result is a mistake, and examining it might take too long
SHAPES, GRADIENT, UNTOUCHED, NUMBERS = "shapes", "gradient", "inputs untouched", "numbers"
SEED = 20_021
FURTHER, FURTHER_WHOLE = 3, 10  # attempts that a diagnosis has to explain besides the one that failed; whole numbers
CHANGED = "changed its input"
NEW_ONE = "The caller may still need that array. Make a new one: x = x * 2 does, x *= 2 and x[0] = 2 write into it."


@dataclass
class Exam:
    """How far an answer has come.

    Attributes:
        exercise, answer: what is examined.
        stages: that were passed, in order.
        attempts: that were right.
        changed: names of inputs that the answer changed.
        complaint: about a wrong attempt, before it is diagnosed.
        elsewhere: what it raised for other inputs, in lines.
        picture: (name, got, expected) of an array, for a drawing, or None.
    """

    exercise: Exercise
    answer: object
    stages: list = field(default_factory=list)
    attempts: list = field(default_factory=list)
    changed: tuple[str, ...] = ()
    complaint: Complaint | None = None
    elsewhere: tuple[str, ...] = ()
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
    wrong_part, share_of_parts = examined_parts(exercise, answer, seconds)
    if wrong_part is not None:
        return wrong_part
    run = run_numbers if isinstance(exercise, Numbers) else run_stages
    with numpy_left_alone(), prints_held_back() as printed:
        complaint = complaint_of(run, exam, seconds or SECONDS)
    if complaint is not None and complaint.slip == NOTHING and printed.length:
        says = "it printed something, but returned None. `print` shows a value; only `return` gives it to the caller."
        complaint = Complaint(says, slip="printed, not returned")
    printed = tuple(printed.lines())
    if complaint is None:
        says = "right." if isinstance(exercise, Numbers) else f"{', '.join(exam.stages)}."
        return Report(exercise.name, PASSED, tuple(exam.stages), says, (), None, 1.0, printed, exam.picture)
    verdict, share = (WRONG, len(exam.stages) / stage_count(exercise)) if complaint.started else (NOT_STARTED, 0.0)
    share = max(share, share_of_parts)
    return Report(
        exercise.name, verdict, tuple(exam.stages), complaint.says, complaint.details, complaint.slip, share, printed
    )


def examined_parts(exercise, answer, seconds):
    """Examines the parts of an answer.

    Returns:
        the Report about the first that doesn't pass, or None; and the share of points that those which pass earn.
    """
    if isinstance(exercise, Numbers) or exercise.parts is None or not callable(answer) or answer is Ellipsis:
        return None, 0.0
    reports = exercise.parts(answer, seconds)
    share = sum(report.passed for report in reports) / (len(reports) + 1)
    report = next((report for report in reports if not report.passed), None)
    if report is None:
        return None, share
    says = f"not started. {report.name} is not written yet." if report.verdict == NOT_STARTED else str(report)[2:]
    says, *details = says.split("\n")
    return Report(
        exercise.name, report.verdict, (), says, tuple(line.removeprefix("  ") for line in details), report.slip, share
    ), share


def complaint_of(run, exam, seconds):
    """What is wrong, as a Complaint, or None."""

    def guarded():
        with numpy_left_alone():  # each thread has its own NumPy settings
            run(exam)

    try:
        within(seconds, guarded)
    except TookTooLong as error:
        if exam.complaint:
            return exam.complaint
        says = f"it did not finish in {seconds:g} seconds. Is there a loop that never stops?"
        return Complaint(says, *own_lines(error)[:1], slip=ENDLESS)
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
    trials = exam.exercise.trials
    for i, trial in enumerate(trials):
        run_trial(exam, trial)
        if trial.stage not in {later.stage for later in trials[i + 1 :]}:
            exam.passed(trial.stage)
    test = slope_test(exam.exercise)
    if test is not None:
        forward, inputs, wrt, dy, given = test
        compare_slopes(attempted(exam, given)[0], forward, inputs, wrt, dy)
        exam.passed(GRADIENT)
    if exam.changed:
        raise Complaint(
            f"the numbers are right, but it changed its input {' and '.join(exam.changed)}.", NEW_ONE, slip=CHANGED
        )
    exam.passed(UNTOUCHED)


def run_trial(exam, trial):
    """Compares the answer with the reference on a trial's inputs, for several seeds. Raises a Complaint if they differ.

    What a trial doesn't draw from its generator is the same for every seed, so that one is enough.
    """
    for seed in range(trial.seeds):
        inputs, drawn = drawn_inputs(trial, seed)
        attempt, outcome = attempted(exam, inputs)
        exam.changed = outcome.changed or exam.changed
        if attempt.wrong is not None:
            if same_shapes(attempt):
                exam.passed(SHAPES)
            raise complaint_about(exam, attempt, outcome, trial, seed)
        exam.passed(SHAPES)
        insist_dtypes(attempt)
        if exam.exercise.fresh:
            insist_fresh(outcome)
        exam.attempts.append(attempt)
        exam.picture = exam.picture or picture(attempt)
        if not drawn:
            break


def drawn_inputs(trial, seed):
    """A trial's inputs for one of its seeds, and whether any were drawn."""
    rng = np.random.default_rng(SEED + seed)
    before = rng.bit_generator.state
    inputs = tuple(trial.inputs(rng))
    return inputs, rng.bit_generator.state != before


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
    kept = [(name, got.copy() if got.size <= LARGE else got) for name, got in outcome.results]  # it may change later
    return Attempt(inputs, kept, right, expected, wrong), outcome


def same_shapes(attempt):
    """Whether the shapes of all outputs are right."""
    return all(got.shape == right.shape for (_, got), (_, right) in zip(attempt.got, attempt.right, strict=True))


def complaint_about(exam, attempt, outcome, trial, seed):
    """The Complaint about a wrong output: its shape or worst entry, and a diagnosis if there is one.

    Args:
        exam, attempt, outcome, trial, seed: the first attempt that failed, and where.
    """
    exam.complaint = in_words(attempt, outcome, None)  # if the time ends during the diagnosis
    got, _ = attempt.pair
    if outcome.changed or got.size > LARGE:
        return exam.complaint
    count = FURTHER if attempt.pair[1].dtype.kind == "f" else FURTHER_WHOLE  # are easily equal by chance
    further = further_attempts(exam, trial, seed + 1, count)
    attempts = looking_at(attempt, [attempt, *further, *exam.attempts])
    later = looking_at(attempt, later_attempts(exam, trial))
    finding = unsteady(exam.exercise, exam.answer, attempts) or diagnose(exam.exercise, attempts, later)
    if finding is None and exam.elsewhere:
        first = exam.complaint
        return Complaint(first.says, *first.details[:1], *exam.elsewhere, slip="raised an error")
    finding = finding or dependence(exam.exercise, exam.answer, attempts) or other_amounts(exam.exercise, attempts)
    return in_words(attempt, outcome, finding)


def in_words(attempt, outcome, finding):
    """The Complaint about an attempt, with a Finding or None."""
    name, (got, right) = attempt.name, attempt.pair
    says, because, slip = (finding.says, finding.because, finding.name) if finding else ("", "", None)
    if got.shape != right.shape:
        off, where = f"{name} has shape {got.shape}; expected {right.shape}", ""
    else:
        error = errors(got, right)
        index = tuple(int(i) for i in np.unravel_index(error.argmax(), error.shape))
        off = f"{name} has the right shape, but" if index else f"{name} is not right:"
        where = "got {}, expected {}".format(*apart(got[index], right[index]))
        where = f"worst at {list(index)}: {where}" if index else where
    if outcome.changed:
        inputs = " and ".join(outcome.changed)
        then = off if not where else f"{name} has other values than expected" if index else f"{name} is not right"
        return Complaint(f"it changed its input {inputs}, and {then}.", where, NEW_ONE, slip=CHANGED)
    if not where:
        return Complaint(f"{off}: {says}." if says else f"{off}.", because, slip=slip)
    if finding:
        return Complaint(f"{off} {says}.", where, because, held(name, got, right), slip=slip)
    if np.isnan(got[index]):
        warned = f"NumPy warned: {outcome.warned}." if outcome.warned else ""
        reason = "something was divided by zero, or infinity met infinity"
        return Complaint(f"{name} {f'has NaN at {list(index)}' if index else 'is NaN'}: {reason}.", warned, slip="NaN")
    count = int((error > tolerance_of(got, right)).sum())
    many = f"{count} of {error.size} entries are off." if error.size > 1 else ""
    off = f"{off} other values than expected." if index else f"{name} is not right."
    return Complaint(off, where, many, held(name, got, right))


def held(name, got, right):
    """A sentence about an array that can't hold what is expected, or ""."""
    if got.dtype.kind == "b" and right.dtype.kind != "b":
        return f"{name} holds True and False, not numbers: its dtype is bool."
    if got.dtype.kind in "iu" and right.dtype.kind == "f" and (right != np.round(right)).any():
        return f"{name} holds whole numbers only: its dtype is {got.dtype}."
    return ""


def further_attempts(exam, trial, seed, count):
    """Attempts with other inputs, as far as the answer can be called with them.

    They are from the trial that failed, or if it draws none, from the next one that does, or else from all that follow.

    Args:
        exam, trial: where it failed.
        seed: the first to use with this trial.
        count: how many.
    """
    trials = exam.exercise.trials
    following = [one for one in trials[trials.index(trial) :] if one is not trial or drawn_inputs(one, 0)[1]]
    drawing = next((one for one in following if drawn_inputs(one, 0)[1]), None)
    tries = [(drawing, seed + i) for i in range(count)] if drawing else [(one, 0) for one in following[:count]]
    found, raised = [], None
    for one, number in tries:
        try:
            found.append(attempted(exam, drawn_inputs(one, number)[0])[0])
        except Complaint as complaint:
            raised = complaint
    if raised and not found:
        exam.elsewhere = f"With other inputs {raised.says}", *raised.details
    return found


def later_attempts(exam, trial):
    """An attempt in each trial after the one that failed, as far as the answer can be called with its inputs."""
    trials, found = exam.exercise.trials, []
    for one in trials[trials.index(trial) + 1 :]:
        try:
            found.append(attempted(exam, drawn_inputs(one, 0)[0])[0])
        except Complaint:
            continue
    return found


def picture(attempt):
    """(name, got, expected) of the first output worth showing, as matrices, or None."""
    for (name, got), (_, right) in zip(attempt.got, attempt.right, strict=True):
        if got.ndim > 1 and 3 < got.size <= 4096:
            return name, got.reshape(-1, got.shape[-1]), right.reshape(-1, got.shape[-1])
    return None
