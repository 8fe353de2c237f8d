import multiprocessing
import os
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import shared_memory
from threading import BrokenBarrierError

import numpy as np
import pytest

from minidit.errors import UserError
from minidit.models.checkpoint import codec_tensors
from minidit.training.job import VideoTraining
from minidit.training.parallel.workers import Barrier, Team, layout, threads_each, views
from minidit.training.state import VECTORS, TrainingState

GIVE_UP = 30  # seconds


@contextmanager
def not_for_ever(team):
    """Ends the team's processes if what is tried inside hangs, so that a test fails instead."""
    watchdog = threading.Timer(GIVE_UP, lambda: [process.kill() for process in team.processes])
    watchdog.start()
    begin = time.monotonic()
    try:
        yield
    finally:
        watchdog.cancel()
    assert time.monotonic() - begin < GIVE_UP


@pytest.fixture
def team_of(small_preset, small_model):
    """A function that makes a Team for the small model."""

    def make(ranks, **changes):
        training = replace(small_preset.diffusion_training, **changes)
        return Team(VideoTraining(small_preset.model, training, codec_tensors(small_model.codec), 0), ranks)

    return make


def trained(team, state, *spans):
    """The state after these spans of steps, and all their losses and norms."""
    reached, losses, norms = TrainingState.zeros(state.params.size), [], []
    with team:
        team.load(state)
        for first, last in spans:
            span_losses, span_norms = team.run(first, last)
            losses += span_losses
            norms += span_norms
        team.store(reached)
    return reached, losses, norms


@pytest.fixture
def state(small_model, state_of):
    return state_of(small_model)


def test_two_processes_train_as_one_does_and_are_gone_afterwards(team_of, state):
    alone, losses, norms = trained(team_of(1), state, (0, 4), (4, 6))
    team = team_of(2)
    name = team.memory.name
    shared, shared_losses, shared_norms = trained(team, state, (0, 4), (4, 6))

    assert len(losses) == len(norms) == 6
    np.testing.assert_allclose(shared_losses, losses, rtol=1e-5)
    np.testing.assert_allclose(shared_norms, norms, rtol=1e-4)
    for name, vector in alone.vectors.items():
        largest = np.abs(vector).max()
        np.testing.assert_allclose(shared.vectors[name], vector, rtol=1e-4, atol=1e-5 * largest, err_msg=name)
        assert not np.array_equal(vector, state.vectors[name])

    assert len(team.processes) == 2
    assert not any(process.is_alive() for process in team.processes)
    with pytest.raises(FileNotFoundError):
        shared_memory.SharedMemory(name=name)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_killed_in_the_middle_of_its_work_ends_the_run_at_once(rank, team_of, state):
    team = team_of(2, steps=10**6)
    name = team.memory.name
    with team, not_for_ever(team):
        team.load(state)
        team.run(0, 1)  # they are up
        killer = threading.Timer(0.3, os.kill, (team.processes[rank].pid, signal.SIGKILL))
        killer.start()
        with pytest.raises(UserError, match="a training process died.*--resume"):
            team.run(1, 10**6)
        killer.join()
    assert not any(process.is_alive() for process in team.processes)
    with pytest.raises(FileNotFoundError):
        shared_memory.SharedMemory(name=name)


def test_a_process_killed_between_two_spans_is_noticed(team_of, state):
    with team_of(2) as team:
        team.load(state)
        team.processes[1].kill()
        team.processes[1].join()
        with pytest.raises(UserError, match="a training process died"):
            team.run(0, 5)


def test_divergence_is_reported_once_for_all_processes(team_of, state):
    state.params[0] = np.nan
    with team_of(2) as team, pytest.raises(UserError, match="diverged at step 2"):
        team.load(state)
        team.run(2, 5)


def test_a_mistake_in_one_process_ends_the_others_wait(small_preset, small_model, state):
    """A sky whose word is missing fails in the process that draws it first, while the other one waits for it."""
    words = tuple("evening" if word == "sunset" else word for word in small_preset.model.vocabulary)
    settings = replace(small_preset.model, vocabulary=words)
    training = replace(small_preset.diffusion_training, batch=4, drop_prompt=0.0)
    job = VideoTraining(settings, training, codec_tensors(small_model.codec), 0)
    with Team(job, 2) as team, not_for_ever(team):
        team.load(state)
        with pytest.raises(UserError, match="sunset"):
            team.run(0, 40)


def test_a_bug_in_a_process_is_reported_with_its_traceback(team_of, state):
    with team_of(2, drop_prompt=None) as team:  # nothing that a process can work with
        team.load(state)
        with pytest.raises(RuntimeError, match=r"(?s)worker [01] failed:.*draw_batch.*TypeError"):
            team.run(0, 2)


def test_three_processes_share_four_shards(team_of, state):
    alone, losses, norms = trained(team_of(1), state, (0, 6))
    shared, shared_losses, shared_norms = trained(team_of(3), state, (0, 6))
    np.testing.assert_allclose(shared_losses, losses, rtol=1e-5)
    np.testing.assert_allclose(shared_norms, norms, rtol=1e-4)
    for name, vector in alone.vectors.items():
        largest = np.abs(vector).max()
        np.testing.assert_allclose(shared.vectors[name], vector, rtol=1e-4, atol=1e-5 * largest, err_msg=name)


def test_more_processes_than_shards_are_refused(team_of):
    with pytest.raises(UserError, match="5 processes can't share .* 4 shards"):
        team_of(5)


def test_what_is_loaded_can_be_stored(team_of, state, rng):
    state, reached, before = (TrainingState.zeros(state.params.size) for _ in range(3))
    for vector in state.vectors.values():
        vector[...] = rng.random(vector.shape, dtype=np.float32)
    before.copy_vectors(state)
    with team_of(1) as team:
        team.load(state)
        team.store(reached)
        team.run(0, 1)  # moves the team's vectors, not ours
    for name, vector in before.vectors.items():
        assert np.array_equal(reached.vectors[name], vector)
        assert np.array_equal(state.vectors[name], vector)


@pytest.fixture
def barrier():
    """Of three, who are threads here."""
    return Barrier(multiprocessing.get_context("spawn"), 3)


def all_three(come):
    """Runs come(rank) in a thread for each rank, to the end."""
    threads = [threading.Thread(target=come, args=(rank,)) for rank in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_nobody_leaves_a_meeting_before_all_have_come_however_often_they_meet(barrier):
    came, early = [0, 0, 0], []

    def come(rank):
        for rounds in range(1, 200):
            if rank == rounds % 3:
                time.sleep(0.0002)
            came[rank] = rounds
            barrier.wait(rank, 10)
            early.extend(other for other in came if other < rounds)

    all_three(come)
    assert came == [199] * 3
    assert early == []


def test_who_does_not_come_is_not_waited_for_for_ever(barrier):
    with pytest.raises(BrokenBarrierError):
        barrier.wait(0, timeout=0.01)


def test_who_gives_up_ends_the_wait_of_those_who_have_come_and_of_those_who_will(barrier):
    broken = []

    def come(rank):
        if rank == 0:
            time.sleep(0.05)
            barrier.abort()
            return
        if rank == 2:
            time.sleep(0.1)
        begin = time.monotonic()
        with pytest.raises(BrokenBarrierError):
            barrier.wait(rank, 10)
        broken.append(time.monotonic() - begin < 5)

    all_three(come)
    assert broken == [True, True]


def test_the_vectors_in_shared_memory_do_not_overlap():
    ranks, size = 3, 5
    names = [name for name, _ in layout(size, ranks)]
    assert names == [*VECTORS, "grads0", "grads1", "grads2"]
    buffer = bytearray(16 * ranks + 4 * sum(length for _, length in layout(size, ranks)))
    found, reports = views(buffer, size, ranks)
    for number, vector in enumerate(found.values(), start=1):
        assert vector.shape == (size,) and vector.dtype == np.float32
        vector[...] = number
    reports[...] = -1
    again, reports_again = views(buffer, size, ranks)
    assert [set(again[name]) for name in names] == [{number} for number in range(1, 8)]
    assert reports_again.shape == (ranks, 2) and (reports_again == -1).all()


def test_the_environment_is_put_back(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with threads_each(3):
        assert os.environ["OPENBLAS_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "3"
    assert os.environ["OPENBLAS_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


COUNTING = """
import numpy as np
from threadpoolctl import threadpool_info
from minidit.training.settings import DiffusionTraining

class CountThreads:
    shapes = {"nothing": (1,)}
    training = DiffusionTraining(batch=2, shards=2)

    def at(self, params):
        return self

    def loss_and_gradients(self, step, shards):
        threads = [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]
        return float(max(threads)), {"nothing": np.zeros(1, np.float32)}
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_each_process_has_as_many_threads_as_it_is_given(threads, tmp_path, monkeypatch):
    """By a job whose loss is the number of threads of its matrix products."""
    (tmp_path / "counting.py").write_text(COUNTING, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)  # where the processes look as well
    import counting

    with Team(counting.CountThreads(), 2, threads) as team:
        team.load(TrainingState.zeros(1))
        losses, _ = team.run(0, 1)
    assert losses == [threads]
