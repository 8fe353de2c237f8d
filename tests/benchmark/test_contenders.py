import subprocess
import sys

import pytest

from minidit.benchmark import contenders as module
from minidit.benchmark.contenders import COMPILED, EAGER, FLOOR, OURS, SHARED, contenders
from minidit.benchmark.task import SAMPLING, TRAINING, Task
from minidit.benchmark.timing import timed

pytestmark = pytest.mark.bench


@pytest.mark.parametrize(
    ("kind", "threads", "installed", "compiled", "expected"),
    [
        (TRAINING, 1, True, True, [OURS, EAGER, COMPILED, FLOOR]),
        (TRAINING, 2, True, True, [OURS, SHARED, EAGER, COMPILED, FLOOR]),
        (SAMPLING, 2, True, True, [OURS, EAGER, COMPILED, FLOOR]),
        (TRAINING, 1, True, False, [OURS, EAGER, FLOOR]),
        (TRAINING, 1, False, True, [OURS, FLOOR]),
    ],
)
def test_these_take_part(kind, threads, installed, compiled, expected, labelled, monkeypatch):
    monkeypatch.setattr(module, "pytorch_is_installed", lambda: installed)
    assert list(contenders(Task(kind, labelled, 4, threads), compiled)) == expected


def test_threads_are_in_the_products_or_in_processes_of_one_each(labelled, monkeypatch):
    monkeypatch.setattr(module, "pytorch_is_installed", lambda: True)
    entries = contenders(Task(TRAINING, labelled, 4, threads=2))
    assert {name: {entry.threads for entry in candidates} for name, candidates in entries.items()} == {
        OURS: {2}, SHARED: {1}, EAGER: {2}, COMPILED: {2}, FLOOR: {2},
    }  # fmt: skip


def test_pytorch_is_tried_with_and_without_keeping_freed_memory(labelled, monkeypatch):
    monkeypatch.setattr(module, "pytorch_is_installed", lambda: True)
    entries = contenders(Task(TRAINING, labelled, 4))
    assert {name: [entry.keeps_memory for entry in candidates] for name, candidates in entries.items()} == {
        OURS: [True], EAGER: [False, True], COMPILED: [False, True], FLOOR: [True],
    }  # fmt: skip


@pytest.mark.parametrize("name", [OURS, FLOOR])
@pytest.mark.parametrize("kind", [TRAINING, SAMPLING])
def test_a_contender_does_its_task_in_a_process(name, kind, case, monkeypatch):
    monkeypatch.setattr(module, "pytorch_is_installed", lambda: False)
    (contender,) = contenders(Task(kind, case, 2))[name]
    with contender.process(timed) as clock:
        wall, cpu = clock(2)
    assert wall > 0
    assert cpu > 0


def test_without_pytorch_at_work_it_is_not_imported():
    code = "import minidit.benchmark.suite, minidit.benchmark.report, sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
