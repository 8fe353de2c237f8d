"""Reading a lesson's source: what is an exercise, what its stub is, and what is said of one that is wrong."""

import re
import sys
from pathlib import Path

import pytest

from minidit.course.source import Code, Task, Text, read_lesson
from minidit.errors import UserError

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from made_up import NAME, SOURCE, write_lesson


def lesson_of(tmp_path, source=SOURCE):
    return read_lesson(write_lesson(tmp_path, source) / "source" / f"{NAME}.py")


def task_of(tmp_path, *lines):
    return lesson_of(tmp_path, '# %% exercise="f"\n' + "\n".join([*lines, "check.f(f)", ""])).tasks[0]


def test_cells_are_told_apart(tmp_path):
    lesson = lesson_of(tmp_path)
    assert lesson.name == NAME
    assert [type(cell) for cell in lesson.cells] == [Text, Code, Text, Task, Text, Task, Code]
    assert [task.name for task in lesson.tasks] == ["doubled", "mean_forward"]


def test_an_indented_solution_gives_way_to_a_stub_indented_as_it_is(tmp_path):
    task = lesson_of(tmp_path).tasks[1]
    assert task.stub == "def mean_forward(x):\n    # x is (T, D)\n    raise NotImplementedError"
    assert task.solved.endswith("    T = x.shape[0]\n    return x.sum(axis=0) / T")
    assert task.check == "check.mean_forward(mean_forward)"
    assert task.points == 'check.points("mean_forward", mean_forward)'


def test_numbers_give_way_to_every_name_that_the_solution_assigns(tmp_path):
    names = ["doubled", "half", "rest"]
    stub = "# the vector (1, 2, 3), twice as long\n" + "\n".join(f"{name} = ...  # your numbers here" for name in names)
    assert lesson_of(tmp_path).tasks[0].stub == stub


@pytest.mark.parametrize(
    ("region", "names"),
    [
        (["f = 1"], ["f"]),
        (["f = g = 1"], ["f", "g"]),
        (["f: int = 1"], ["f"]),
        (["(f, (g, *h)) = 1, (2, 3)"], ["f", "g", "h"]),
        (["x = 1", "f = x", "x += 1"], ["x", "f"]),
        (["for i in range(3):", "    x = i", "f = 3"], ["f"]),
        (["f = [", "    1,", "]"], ["f"]),
    ],
)
def test_names_are_found_however_they_are_assigned(region, names, tmp_path):
    task = task_of(tmp_path, "### BEGIN SOLUTION", *region, "### END SOLUTION")
    assert re.findall(r"(\w+) = \.\.\.", task.stub) == names


def test_two_solutions_in_one_exercise_are_two_stubs(tmp_path):
    twice = ["    ### BEGIN SOLUTION", "    return 1", "    ### END SOLUTION"]
    task = task_of(tmp_path, "def g():", *twice, "def f():", *twice)
    assert task.stub.count("raise NotImplementedError") == 2


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("check.doubled(doubled)", ""), "exercise doubled: its last line has to be check.doubled(…)"),
        (("check.doubled(doubled)", "check.doubled(doubled, 1)"), "has to be check.doubled(…), with one argument"),
        (("check.doubled(doubled)", "check.tripled(doubled)"), "has to be check.doubled(…)"),
        (("check.doubled(doubled)", "check.doubled(\n    doubled\n)"), "has to be check.doubled(…)"),
        (("check.doubled(doubled)", "check.doubled(doubled)\n# more"), "has to be check.doubled(…)"),
        (("doubled = np.array([2, 4, 6])", "doubled = ("), "exercise doubled: its cell is not Python"),
        (("doubled = np.array([2, 4, 6])\nhalf, rest = doubled / 2, 0\n", ""), "has no solution between"),
        (("doubled = np.array([2, 4, 6])\nhalf, rest = doubled / 2, 0\n", "print(1)\n"), "assigns nothing"),
        (("    ### END SOLUTION\n", ""), "exercise mean_forward: ### BEGIN SOLUTION is never followed by"),
        (("    ### BEGIN SOLUTION\n", ""), "mean_forward: ### BEGIN SOLUTION and ### END SOLUTION don't stand"),
        (("    ### BEGIN SOLUTION", "    x = 1  ### BEGIN SOLUTION"), "in pairs, each on a line of its own"),
        (('# %% exercise="doubled"', "# %%"), "a cell has a solution but is no exercise"),
    ],
)
def test_a_wrong_exercise_is_told_in_one_sentence_that_names_it(changed, said, tmp_path):
    assert changed[0] in SOURCE
    with pytest.raises(UserError, match=re.escape(said)) as error:
        lesson_of(tmp_path, SOURCE.replace(*changed))
    assert str(error.value).startswith(f"lesson {NAME}: ")
    assert "\n" not in str(error.value)


def test_a_file_with_another_kind_of_name_is_refused(tmp_path):
    (tmp_path / "draft.py").write_text("# %%\n1\n")
    with pytest.raises(UserError, match="is called like 07_apply_scale_and_shift.py, not draft.py"):
        read_lesson(tmp_path / "draft.py")
