import os
import threading
from multiprocessing import Pipe

import pytest
from threadpoolctl import threadpool_info

from minidit.benchmark import processes
from minidit.benchmark.processes import Failed, in_fresh_process, remote, unchanged
from minidit.benchmark.task import repeated
from minidit.errors import UserError
from minidit.presets import dit_settings

pytestmark = pytest.mark.bench


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_one_process_answers_all_requests_and_ends_with_the_block():
    with remote(1, True, unchanged, os.getpid) as there:
        pid = there()
        assert pid == there() != os.getpid()
    assert not is_running(pid)


@pytest.mark.parametrize("threads", [1, 2])
def test_its_matrix_products_have_as_many_threads_as_asked(threads):
    before = dict(os.environ)
    assert in_fresh_process(threads, os.getenv, "OMP_NUM_THREADS") == str(threads)
    libraries = [library for library in in_fresh_process(threads, threadpool_info) if library["user_api"] == "blas"]
    assert {library["num_threads"] for library in libraries} == {threads}
    assert dict(os.environ) == before


def test_what_raises_there_is_told_here():
    with pytest.raises(Failed, match="(?s)Traceback.*ValueError: invalid literal"):
        in_fresh_process(1, int, "eleven")


def test_a_users_mistake_stays_one():
    with pytest.raises(UserError, match="names no size"):
        in_fresh_process(1, dit_settings, "huge", 4)


def test_the_death_of_the_process_is_noticed():
    with pytest.raises(Failed, match="ended without an answer"):
        in_fresh_process(1, os._exit, 1)


def test_a_mistake_in_the_making_is_noticed():
    with pytest.raises(Failed, match="TypeError"), remote(1, True, repeated):
        raise AssertionError("there is nothing to enter")


@pytest.mark.parametrize("keep_memory", [True, False])
def test_the_process_keeps_freed_memory_if_asked_to(keep_memory, monkeypatch):
    called = []
    monkeypatch.setattr(processes, "keep_freed_memory", lambda: called.append(True))
    ours, theirs = Pipe()
    thread = threading.Thread(target=processes.serve, args=(theirs, keep_memory, unchanged, (abs,)))
    thread.start()
    assert ours.recv() == ("ready", None)
    assert processes.ask(ours, (-3,)) == 3
    ours.close()
    thread.join(10)
    assert not thread.is_alive()
    assert called == [True] * keep_memory
