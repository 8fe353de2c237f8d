"""Grading a notebook: what is right gets its points, and what a notebook does costs nobody but its own student."""

import dataclasses
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1]))  # the tests are not a package
from handed_in import HERE, answers_of_lesson, notebook_of

from minidit.course.engine import examine
from minidit.course.exercise import Exercise, at_random, by_hand
from minidit.course.exercises import by_lesson
from minidit.course.exercises.lesson_00 import EXERCISES
from minidit.course.grading.answer import find
from minidit.course.grading.assigned import Assignment, Question
from minidit.course.grading.notebook import Corrupt, grade_notebook, lessons_in, read_cells
from minidit.course.grading.process import Limits, Process
from minidit.course.grading.wire import BadMessage, decode
from minidit.errors import UserError

STUBS = {one.name: f"def {one.name}(x):\n    raise NotImplementedError" for one in EXERCISES[1:]}
QUESTIONS = tuple(Question(one, one.name, f"0.{i} {one.title}") for i, one in enumerate(EXERCISES, start=1))
LESSON = Assignment("00_start_here", QUESTIONS, frozenset(STUBS.values()), "Start here")
PATIENT = Limits(seconds=120, cell_seconds=60, call_seconds=30)  # what ends does so even on a busy machine
QUICK = Limits(seconds=40, cell_seconds=2, call_seconds=2)  # for what has no end
IMPORTS = "import numpy as np\nfrom minidit.course import check"
RIGHT = {
    "first_numbers": "first_numbers = [2.5, 0.75]",
    "row_means": "def row_means(x):\n    return x.mean(axis=1)",
    "centre_rows": "def centre_rows(x):\n    return x - x.mean(axis=1, keepdims=True)",
}
WRONG_SHAPE = "def row_means(x):\n    return x.mean(axis=0)"
RIGHT_SHAPE = "def row_means(x):\n    return x.sum(axis=1)"


def cells_of(before=(), **answers):
    """The cells of a notebook: imports, `before`, and each exercise with its check; None leaves an answer out."""
    cells = [("imports", IMPORTS), *((f"before-{i}", source) for i, source in enumerate(before))]
    for name, source in (RIGHT | answers).items():
        if source is not None:
            cells.append((f"{name}-answer", source))
        cells.append((name, f"check.{name}({name})"))
    return cells


@pytest.fixture
def grade():
    """Grades a notebook of these cells: {exercise: Grade}."""

    def work(*cells, limits=PATIENT, assignment=LESSON):
        cells = read_cells(notebook_of(*cells).encode())
        return {one.exercise: one for one in grade_notebook(cells, assignment, limits)}

    return work


def points(grades):
    return [one.points for one in grades.values()]


def verdicts(grades):
    return [one.verdict for one in grades.values()]


# ----------------------------------------------------------------------------------------------- what is worth what


def test_right_answers_get_all_points_and_wrong_ones_those_of_the_stages_that_they_passed(grade):
    assert points(grade(*cells_of())) == [1, 1, 1]
    grades = grade(*cells_of(row_means=RIGHT_SHAPE, first_numbers="first_numbers = ..."))
    assert verdicts(grades) == ["not started", "wrong", "passed"]
    assert points(grades) == [0, round(examine(EXERCISES[1], lambda x: x.sum(axis=1)).share, 2), 1]
    assert 0 < grades["row_means"].points < 1
    assert "means has the right shape, but these are the sums of the rows" in grades["row_means"].says
    assert points(grade(*cells_of(row_means=WRONG_SHAPE))) == [1, 0, 1]


LESSONS = [pytest.param(n, marks=() if n in (0, 7) else pytest.mark.lessons) for n in by_lesson()]


@pytest.mark.parametrize("lesson", LESSONS)
def test_an_answer_is_judged_in_its_own_process_as_in_a_notebook(lesson):
    """For all answers, right and wrong, that prove the checks."""
    module = answers_of_lesson(lesson)
    with Process(Limits(seconds=300), time.monotonic() + 300) as process:
        process.run_cell(1, f"import sys\nsys.path[:0] = {[str(HERE), str(HERE / 'answers')]!r}\n")
        assert process.run_cell(2, f"from lesson_{lesson:02} import ANSWERS") == {"failed": None, "sizes": []}
        for exercise in by_lesson()[lesson]:
            answers = module.ANSWERS[exercise.name]
            for kind, those in (("right", answers.right), ("wrong", [answer for answer, _ in answers.wrong])):
                for i, answer in enumerate(those):
                    item = f"[{i}]" if kind == "right" else f"[{i}][0]"
                    found, stand_in = find(process, f"ANSWERS[{exercise.name!r}].{kind}{item}")
                    assert found
                    assert examine(exercise, stand_in, seconds=30) == examine(exercise, answer, seconds=30)


def test_the_answer_is_what_our_own_check_is_given_not_what_the_students_copy_says(grade):
    cells = [(name, source.replace("check.row_means(row_means)", "check.row_means(np.mean)")) for name, source in
             cells_of(row_means=WRONG_SHAPE)]  # fmt: skip
    assert points(grade(*cells)) == [1, 0, 1]


def test_an_answer_is_examined_where_its_check_stands_although_its_name_is_used_again(grade):
    assert points(grade(*cells_of(), "row_means = 3")) == [1, 1, 1]


def test_an_answer_below_its_check_or_without_one_is_found_too(grade):
    assert points(grade(*cells_of(row_means=None), RIGHT["row_means"])) == [1, 1, 1]
    assert points(grade(*(cell for cell in cells_of() if cell[0] != "row_means"))) == [1, 1, 1]
    assert points(grade(IMPORTS, *(f"{code}\ncheck.{name}({name})" for name, code in RIGHT.items()))) == [1, 1, 1]


def test_an_answer_that_is_not_there_is_missing_or_its_cell_is_blamed(grade):
    grades = grade(*cells_of(row_means=None, centre_rows="def centre_rows(x):\n    return (x"))
    assert verdicts(grades) == ["passed", "missing", "crashed"]
    assert grades["row_means"].says == "there is no row_means in the notebook."
    assert grades["centre_rows"].says == "not there, as its cell failed: it raised SyntaxError: '(' was never closed"
    assert grades["centre_rows"].details == ("line 2: return (x",)


def test_what_only_a_notebook_understands_is_passed_over(grade):
    magics = "%matplotlib inline\n!ls\nfiles = !ls\n%time two = 2\nnp.mean?\ndisplay(two)"
    timed = "%%time\n" + RIGHT["row_means"]
    assert points(grade(*cells_of([magics, "%%bash\nls"], row_means=timed + "\nassert two == 2"))) == [1, 1, 1]


def test_a_failing_cell_costs_nothing_but_what_it_would_have_made(grade):
    assert points(grade(*cells_of(["1 / 0", "raise SystemExit", "input()", "raise KeyboardInterrupt"]))) == [1, 1, 1]


def test_a_function_among_the_inputs_is_called(grade):
    exercise = Exercise(
        "twice", 0, "call it twice", ("y",), lambda f, x: f(f(x)),
        trials=(by_hand(lambda x: x + 1, np.arange(3.0)), at_random(lambda rng: (np.sin, rng.normal(size=3)))),
    )  # fmt: skip
    assignment = dataclasses.replace(LESSON, questions=(Question(exercise, "twice"),))
    assert points(grade("def twice(f, x):\n    return f(f(x))", assignment=assignment)) == [1]
    grades = grade("def twice(f, x):\n    return f(x, x)", assignment=assignment)
    assert "it raised TypeError" in grades["twice"].says


@pytest.mark.parametrize(
    "code, says",
    [
        ("x.sort()\n    return x", "it changed its input x"),
        ("return x[::2]", "lies in the memory of an input"),
        ("print('looking', x.shape)\n    return x[::2] + 0.5", "other values"),
        ("return x[:, None][::2]", "expected (2,)"),
        ("return x.astype(np.float32)[::2]", "float32; expected float64"),
        ("return {'y': x}", "this is a dict"),
        ("return np.array(['a'])", "type <U1"),
        ("return range(3)", "a range"),
    ],
)
def test_what_an_answer_does_to_memory_types_and_inputs_is_seen_from_outside(grade, code, says):
    exercise = Exercise(
        "half", 0, "every second one", ("y",), lambda x: x[::2].copy(), fresh=True,
        trials=(by_hand(np.array([3.0, 1.0, 2.0])), at_random(lambda rng: (rng.normal(size=4),))),
    )  # fmt: skip
    source = f"import numpy as np\ndef half(x):\n    {code}"
    namespace = {}
    exec(source, namespace)
    grades = grade(source, assignment=dataclasses.replace(LESSON, questions=(Question(exercise, "half"),)))
    report = examine(exercise, namespace["half"])
    assert grades["half"].says == report.says
    assert grades["half"].points == round(report.share, 2)
    assert not report.passed
    if "print" in code:
        assert "  looking (3,)" in grades["half"].details


# -------------------------------------------------------------------------------------------------- what is tried


FAKES = {
    "another check": "class Check:\n    def __getattr__(self, name):\n        return lambda answer: print('✓', name)\n"
    "check = Check()\ncheck.points = lambda *_: 100",
    "what it prints": "print('✓ row_means: shapes, hand numbers, random inputs, inputs untouched.')",
    "the engine": "import minidit.course.engine as e, minidit.course.check as c\ne.examine = lambda *_: None\n"
    "e.errors = e.is_off = lambda *_: 0\nc.checked = c.points = lambda *_: 1",
    "NumPy": "np.allclose = np.array_equal = lambda *_, **__: True\nnp.abs = lambda x: x * 0\nnp.ndarray.__eq__ = 0",
    "the exercises": "import minidit.course.exercises.lesson_00 as lesson\n"
    "object.__setattr__(lesson.ROW_MEANS, 'reference', lambda x: x.mean(axis=0))",
    "the process": "import minidit.course.grading.child as c, gc\n"
    "c.send = lambda *_: None\nc.encode = lambda *_: {'tuple': []}",
}


@pytest.mark.parametrize("fake", FAKES)
def test_a_notebook_that_tampers_with_the_checks_gains_nothing(grade, fake, monkeypatch):
    monkeypatch.setattr("minidit.course.grading.process.GRACE", 1.5)
    assert points(grade(*cells_of([FAKES[fake]], row_means=WRONG_SHAPE), limits=QUICK))[1] == 0


FRAME = """
import os, json, struct
reply = {"found": True, "value": 1, "returned": 1, "given": {"tuple": []}, "failed": None, "sizes": []}
text = json.dumps(reply).encode()
for descriptor in range(3, 30):
    try:
        os.write(descriptor, struct.pack(">Q", len(text)) + text)
    except OSError:
        pass
"""
FATAL = {
    "exits": "import os; os._exit(0)",
    "is killed": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "closes everything": "import os; os.closerange(0, 100)",
    "writes nonsense": "import os\nfor descriptor in range(3, 30):\n    try: os.write(descriptor, b'x' * 100)\n"
    "    except OSError: pass",
    "can't be interrupted": "import signal, time\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\n"
    "while True: time.sleep(1)",
}  # fmt: skip


@pytest.mark.parametrize("what", FATAL)
def test_a_cell_that_takes_python_down_costs_nothing_but_itself(grade, what, monkeypatch):
    monkeypatch.setattr("minidit.course.grading.process.GRACE", 1.5)
    assert points(grade(*cells_of([FATAL[what]]), limits=QUICK)) == [1, 1, 1]


@pytest.mark.parametrize("what", FATAL)
def test_an_answer_that_takes_python_down_costs_nothing_but_its_own_points(grade, what, monkeypatch):
    monkeypatch.setattr("minidit.course.grading.process.GRACE", 1.5)
    body = FATAL[what].replace("\n", "\n    ")
    grades = grade(*cells_of(row_means=f"def row_means(x):\n    {body}"), limits=QUICK)
    assert points(grades) == [1, 0, 1]
    assert grades["row_means"].verdict == ("out of time" if "interrupted" in what else "crashed")


def test_forged_replies_give_no_points(grade):
    grades = grade(*cells_of([FRAME], row_means=WRONG_SHAPE))
    assert grades["row_means"].points == 0
    assert sum(points(grades)) <= 3


def test_an_answer_without_an_end_is_out_of_time(grade):
    endless = "def row_means(x):\n    while True:\n        try: pass\n        except: pass"
    grades = grade(*cells_of(row_means=endless), limits=QUICK)
    assert points(grades) == [1, 0, 1]
    assert grades["row_means"].verdict == "out of time"
    assert grades["row_means"].details[0].startswith("line ")


def test_a_cell_without_an_end_is_stopped(grade):
    assert points(grade(*cells_of(["while True: print('x' * 1000)"]), limits=QUICK)) == [1, 1, 1]


def test_a_notebook_has_no_more_time_than_its_limit(grade):
    begin = time.monotonic()
    grades = grade(*cells_of(["import time; time.sleep(60)"]), limits=Limits(seconds=2, cell_seconds=30))
    assert time.monotonic() - begin < 10
    assert set(verdicts(grades)) == {"out of time"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory")
def test_memory_is_limited(grade):
    grab = "np.ones((100, 1 << 27))"
    grades = grade(*cells_of([f"big = {grab}"], row_means=f"def row_means(x):\n    return {grab}"))
    assert points(grades) == [1, 0, 1]
    assert grades["row_means"].verdict == "out of memory"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory")
def test_students_are_not_blamed_for_a_limit_in_which_nothing_runs(grade):
    with pytest.raises(UserError, match="Give it more by --memory"):
        grade(*cells_of(), limits=Limits(memory=1 << 25))


def test_no_object_is_made_of_what_comes_back(grade, tmp_path):
    proof = tmp_path / "proof"
    bomb = f"class Bomb:\n    def __reduce__(self):\n        return open, ({str(proof)!r}, 'w')\n"
    returns = "def row_means(x):\n    return Bomb()"
    grades = grade(*cells_of([bomb], row_means=returns, first_numbers="first_numbers = [Bomb()]"))
    assert points(grades) == [0, 0, 1]
    assert not proof.exists()
    with pytest.raises(BadMessage):
        decode({"made": [["builtins", "open"], {"tuple": [str(proof), "w"]}, None]}, [])
    assert not proof.exists()


def test_the_process_sees_nothing_of_the_graders_and_leaves_nothing_behind(grade, monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET", "word")
    child = tmp_path / "child"
    leave = (
        "import os, subprocess, sys\nassert 'SECRET' not in os.environ\nopen('litter', 'w').close()\n"
        f"started = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(child)!r}, 'w').write(f'{{started.pid}} {{os.getcwd()}}')"
    )
    assert points(grade(*cells_of([leave]))) == [1, 1, 1]
    pid, folder = child.read_text().split()
    assert not os.path.exists(folder)

    def alive():
        try:
            return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
        except OSError:  # it is gone
            return False

    give_up = time.monotonic() + 20
    while alive() and time.monotonic() < give_up:
        time.sleep(0.01)
    assert not alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_what_escapes_from_the_process_does_not_hold_up_the_grader(grade, tmp_path):
    pid = tmp_path / "pid"
    escape = (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n"
        f"    open({str(pid)!r}, 'w').write(str(os.getpid()))\n    time.sleep(60)\n    os._exit(0)"
    )
    begin = time.monotonic()
    try:
        assert points(grade(*cells_of([escape]))) == [1, 1, 1]
        assert time.monotonic() - begin < 20
    finally:
        os.kill(int(pid.read_text()), signal.SIGKILL)


def test_answers_that_are_taken_from_the_package_are_pointed_out_with_the_line(grade):
    line = "from minidit.course.exercises.lesson_00 import row_means"
    grades = grade(*cells_of(row_means=line))
    assert grades["row_means"].note.startswith("the function of minidit")
    assert grades["row_means"].note.endswith(f"takes it from minidit: {line}")
    line = "centre_rows = exercises.exercise_of('centre_rows').reference"
    grades = grade(*cells_of(centre_rows=f"from minidit.course import exercises\n{line}"))
    assert grades["centre_rows"].note.endswith(f"; mentions the checks' own code: {line}")
    assert grades["row_means"].note == ""


# ------------------------------------------------------------------------------------------------ several attempts


def copied(source, check=True):
    """A copy of the cells of row_means, as JupyterLab makes it: with nbgrader's ids."""
    return [("row_means-answer", source)] + [("row_means", "check.row_means(row_means)")] * check


@pytest.mark.parametrize("check", [True, False])
def test_what_the_notebook_ends_with_counts(grade, check):
    grades = grade(*cells_of(row_means=WRONG_SHAPE), *copied(RIGHT["row_means"], check))
    assert points(grades) == [1, 1, 1]
    assert grades["row_means"].note == "the last of 2 attempts counts"
    assert grades["row_means"].details[-1] == "The last of 2 attempts counts."
    grades = grade(*cells_of(), *copied(RIGHT_SHAPE, check))
    assert grades["row_means"].verdict == "wrong"
    assert grades["row_means"].note == "the last of 2 attempts counts; an earlier one has 1 points"


def test_an_attempt_in_a_cell_of_the_students_own_counts_too(grade):
    below = "def row_means(y):\n    return y.sum(axis=1) / y.shape[1]"
    assert points(grade(*cells_of(row_means=STUBS["row_means"]), below)) == [1, 1, 1]
    assert points(grade(*cells_of(row_means=WRONG_SHAPE), f"{below}\ncheck.row_means(row_means)")) == [1, 1, 1]
    grades = grade(
        *cells_of(row_means=WRONG_SHAPE, first_numbers="first_numbers = [1, 2]"), "first_numbers = [2.5, 0.75]"
    )
    assert points(grades) == [1, 0, 1]
    assert grades["first_numbers"].note == "the last of 2 attempts counts"


def test_what_is_no_attempt_does_not_count(grade):
    """A stub, the same cell again, a cell that fails, and a name that is used for something else."""
    for below in (
        copied(STUBS["row_means"]), copied(RIGHT["row_means"]), ["row_means = np.zeros(3)"],
        ["first_numbers = np.arange(2) + 1"],
    ):  # fmt: skip
        grades = grade(*cells_of(), *below)
        assert points(grades) == [1, 1, 1]
        assert not any(one.note for one in grades.values())


def test_the_last_attempt_stands_where_its_cell_fails(grade):
    grades = grade(*cells_of(), *copied("def row_means(x):\n    return (x"))
    assert points(grades) == [1, 1, 1]
    assert "the cell of the last one failed: it raised SyntaxError" in grades["row_means"].note


def test_an_attempt_that_takes_python_down_does_not_cost_the_next(grade, monkeypatch):
    monkeypatch.setattr("minidit.course.grading.process.GRACE", 1.5)
    fatal = "def row_means(x):\n    import os; os._exit(0)"
    assert points(grade(*cells_of(row_means=fatal), *copied(RIGHT["row_means"]), limits=QUICK)) == [1, 1, 1]
    grades = grade(*cells_of(), *copied(fatal), limits=QUICK)
    assert grades["row_means"].verdict == "crashed"


def test_a_function_of_another_name_is_named(grade):
    renamed = "import math\ndef helper(x):\n    return x\ndef mean_of_rows(x):\n    return x.mean(axis=1)"
    grades = grade(*cells_of(row_means=renamed))
    assert grades["row_means"].verdict == "missing"
    assert grades["row_means"].says == "there is no row_means in the notebook; the cell defines mean_of_rows."
    grades = grade(*cells_of(row_means=None), "def rows_means(x):\n    return x.mean(axis=1)")
    assert grades["row_means"].says == "there is no row_means in the notebook; a cell defines rows_means."
    assignment = dataclasses.replace(LESSON, questions=(Question(EXERCISES[1], "max(row_means, centre_rows)"),))
    grades = grade(RIGHT["centre_rows"], ("row_means-answer", renamed), assignment=assignment)
    assert grades["row_means"].says == "there is no row_means in the notebook; the cell defines mean_of_rows."


# ------------------------------------------------------------------------------------------------ what is a notebook


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"cells": 3}', b'{"cells": [{}]}', b"\xff\xfe", b'{"a":' * 10**5, b'{"nbformat": 3}']
)
def test_what_is_no_notebook_is_refused(data):
    with pytest.raises(Corrupt, match="is not a notebook"):
        read_cells(data)


def test_what_python_warns_about_in_a_students_code_is_not_said(grade):
    code = 'def row_means(x):\n    "\\d"\n    return x.mean(axis=1) if x is not 3 else 0'
    assert points(grade(*cells_of(row_means=code))) == [1, 1, 1]  # pytest would make an error of a warning


SECOND = Assignment("05_made_up", (Question(Exercise("other", 5, "", ("y",), abs, ()), "other"),), frozenset())
BOTH = {"00": LESSON, "05": SECOND}


@pytest.mark.parametrize(
    ("cells", "lessons"),
    [
        (cells_of(), ("00",)),
        ([(f"{i}", source) for i, (_, source) in enumerate(cells_of())], ("00",)),  # without ids
        ([source for _, source in RIGHT.items()], ("00",)),  # without checks
        ([("other-answer", "pass")], ("05",)),
        ([*cells_of(), ("other", "check.other(other)")], ("00", "05")),  # two lessons in one notebook
        ([*cells_of(), "check.other(other)"], ("00",)),
        (["import numpy as np", "def row_means(x): ..."], ()),
        ([], ()),
    ],
)
def test_a_notebook_is_known_by_its_exercises(cells, lessons):
    assert lessons_in(read_cells(notebook_of(*cells).encode()), BOTH) == lessons
