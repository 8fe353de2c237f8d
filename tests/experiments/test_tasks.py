import operator
import os
import time

import pytest

from minidit.errors import UserError
from minidit.experiments.store import Store
from minidit.experiments.tasks import Task, missing, run_tasks
from minidit.files.tensors import read_tensors

# Only functions that another process finds: those of modules that it can import.


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "claims.json")


@pytest.fixture
def tasks():
    return [Task(f"t/{n}", {"n": n}, operator.mul, (2, n), cost=n) for n in range(4)]


def results(store):
    return {name: entry["result"] for name, entry in Store(store.path).entries.items()}


def test_all_are_done_and_stored(tasks, store):
    run_tasks(tasks, store, 2, progress=False)
    assert results(store) == {"t/0": 0, "t/1": 2, "t/2": 4, "t/3": 6}


def test_each_process_has_one_thread(store):
    run_tasks([Task("t", {}, os.getenv, ("OPENBLAS_NUM_THREADS",))], store, 1, progress=False)
    assert results(store) == {"t": "1"}


def test_what_is_there_is_not_done_again_and_the_longest_is_first(tasks, store):
    run_tasks(tasks[1:3], store, 1, progress=False)
    left = missing(tasks, store)
    assert [task.name for task in left] == ["t/3", "t/0"]
    run_tasks(left, store, 1, progress=False)
    assert list(results(store)) == ["t/1", "t/2", "t/3", "t/0"]
    assert missing(tasks, store) == []


def test_after_a_failure_the_rest_is_left_what_was_done_stays_and_the_error_is_told(tasks, store, tmp_path):
    broken = Task("t/broken", {}, read_tensors, (tmp_path / "nothing",))
    with pytest.raises(UserError, match="there is no checkpoint"):
        run_tasks([tasks[1], broken, tasks[2], tasks[3]], store, 1, progress=False)
    assert list(results(store)) == ["t/1"]


def test_a_result_that_cannot_be_stored_is_a_failure_as_well(tasks, store):
    with pytest.raises(ValueError, match="not JSON compliant"):
        run_tasks([tasks[1], Task("t/nan", {}, float, ("nan",)), tasks[2]], store, 1, progress=False)
    assert list(results(store)) == ["t/1"]


def test_others_that_run_when_one_fails_are_finished_and_stored(store, tmp_path):
    broken = Task("t/broken", {}, read_tensors, (tmp_path / "nothing",))
    slow = Task("t/slow", {}, time.sleep, (1.0,))
    with pytest.raises(UserError, match="there is no checkpoint"):
        run_tasks([slow, Task("t/late", {}, time.sleep, (0.2,)), broken], store, 2, progress=False)
    assert set(results(store)) == {"t/slow", "t/late"}


def test_the_bar_is_of_no_command_but_says_what_was_done(tasks, store, capsys):
    run_tasks(tasks[:2], store, 1)
    bar = capsys.readouterr().err
    assert "2/2" in bar and "t/1" in bar
    assert "claims" not in bar


def test_a_state_is_removed_with_the_result(store, tmp_path):
    state = tmp_path / "state"
    state.write_text("half way")
    run_tasks([Task("t", {}, operator.mul, (2, 3), state=state)], store, 1, progress=False)
    assert not state.exists()


def test_nothing_to_do_is_done_at_once(store):
    run_tasks([], store, 2, progress=False)
    assert store.entries == {}
