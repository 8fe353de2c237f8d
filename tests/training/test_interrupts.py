import signal
import subprocess
import sys
import threading

import pytest

from minidit.errors import Interrupted
from minidit.training.interrupts import children_ignore_interrupts, uninterrupted


def ctrl_c():
    signal.raise_signal(signal.SIGINT)


def test_ctrl_c_waits_for_the_end():
    done = []
    with pytest.raises(KeyboardInterrupt) as caught, uninterrupted():
        ctrl_c()
        done.append("all of it")
    assert done == ["all of it"]
    assert not isinstance(caught.value, Interrupted)
    with pytest.raises(KeyboardInterrupt):
        ctrl_c()  # answered at once again


def test_a_second_ctrl_c_does_not_wait():
    done = []
    with pytest.raises(Interrupted, match="stopped at once"), uninterrupted():
        ctrl_c()
        ctrl_c()
        done.append("never")
    assert done == []


def test_inside_another_ctrl_c_waits_for_the_end_of_the_outer_one():
    done = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        with uninterrupted():
            ctrl_c()
        done.append("the rest")
    assert done == ["the rest"]


def test_an_error_inside_stays_what_it_is():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError), uninterrupted():
        ctrl_c()
        _ = 1 / 0
    assert signal.getsignal(signal.SIGINT) is before


def test_where_ctrl_c_is_ignored_and_in_other_threads_nothing_changes():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with uninterrupted():
            ctrl_c()
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    seen = []

    def look():
        with uninterrupted():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals can't be blocked")
def test_a_child_never_hears_of_it_and_the_parent_afterwards():
    code = "import signal; signal.raise_signal(signal.SIGINT); print('alive')"
    with pytest.raises(KeyboardInterrupt):
        with children_ignore_interrupts():
            child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
            ctrl_c()
        raise AssertionError("not interrupted")
    assert (child.returncode, child.stdout) == (0, "alive\n")
