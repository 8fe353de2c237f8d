"""Workers grade side by side; no notebook ends more than its own worker."""

import os
import sys
import time
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1]))  # the tests are not a package
from handed_in import notebook_of

from minidit.course.builder import as_bytes, editions_of
from minidit.course.editions import CLASSROOM
from minidit.course.grading.assigned import read_assignment
from minidit.course.grading.notebook import read_cells
from minidit.course.grading.process import Limits
from minidit.course.grading.workers import Task, graded
from minidit.course.source import read_lesson
from minidit.errors import UserError

SOURCE = Path(__file__).parents[3] / "lessons" / "source" / "00_start_here.py"
RIGHT = "def row_means(x):\n    return x.mean(axis=1)"


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lessons")
    path = folder / "00_start_here.ipynb"
    path.write_bytes(as_bytes(editions_of(read_lesson(SOURCE), folder, executing=False)[CLASSROOM]))
    return path


def task_of(lesson, key, code, **limits):
    cells = tuple(read_cells(notebook_of(("row_means-answer", code)).encode()))
    return Task(key, cells, read_assignment(lesson), lesson, Limits(**limits))


def points(results):
    return {task.key: grades[1].points for task, grades in results}


def test_every_notebook_gets_its_grades_whichever_worker_has_it(lesson):
    codes = {str(i): RIGHT if i % 2 else "x = '\ud800'" for i in range(4)}
    tasks = [task_of(lesson, key, code) for key, code in codes.items()]
    assert points(graded(tasks, jobs=2)) == {"0": 0, "1": 1, "2": 0, "3": 1}
    assert list(graded([], jobs=2)) == []


@pytest.mark.skipif(not hasattr(os, "getppid") or os.name == "nt", reason="signals are sent on POSIX")
def test_a_notebook_that_ends_what_started_it_costs_only_itself(lesson):
    kill = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)"
    tasks = [task_of(lesson, "evil", kill), *(task_of(lesson, key, RIGHT) for key in "ab")]
    results = dict((task.key, grades) for task, grades in graded(tasks, jobs=1))
    assert results["evil"][1].verdict == "crashed"
    assert results["evil"][1].says == "it ended the process that graded it."
    assert [results[key][1].points for key in "ab"] == [1, 1]


def test_where_no_notebook_can_be_graded_no_student_is_to_blame(lesson):
    with pytest.raises(UserError, match="Give it more by --memory"):
        list(graded([task_of(lesson, "a", RIGHT, memory=1 << 25)], jobs=2))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_stopping_leaves_no_process_behind(lesson, tmp_path):
    pid = tmp_path / "pid"
    endless = f"import os\nopen({str(pid)!r}, 'w').write(f'{{os.getpid()}} {{os.getppid()}}')\nwhile True: pass"
    results = graded([task_of(lesson, "a", endless), task_of(lesson, "b", RIGHT)], jobs=2)
    assert next(results)[0].key == "b"
    until = time.monotonic() + 60
    while not (pid.exists() and len(pid.read_text().split()) == 2) and time.monotonic() < until:
        time.sleep(0.05)
    results.close()
    for one in pid.read_text().split():
        assert not alive(one)


def alive(pid):
    """Whether a process is there, and isn't only waiting to be noticed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
