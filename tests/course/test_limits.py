"""What a student's code can't do to whoever checks it."""

import signal
import sys
import threading

import numpy as np
import pytest

from minidit.course.limits import Printed, TookTooLong, in_a_thread, numpy_left_alone, prints_held_back, within


def for_ever():
    while True:
        pass


def swallowing():
    while True:
        try:
            while True:
                pass
        except:  # noqa: E722
            pass


@pytest.mark.parametrize("limit", [within, in_a_thread])
def test_what_ends_in_time_gives_its_result_or_its_error(limit):
    assert limit(5, lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        limit(5, lambda: 1 / 0)


@pytest.mark.parametrize("limit", [within, in_a_thread])
def test_what_does_not_is_interrupted(limit):
    with pytest.raises(TookTooLong):
        limit(0.1, for_ever)


def test_an_except_for_everything_does_not_keep_it_going():
    with pytest.raises(TookTooLong):
        within(0.1, swallowing)


def test_a_thread_that_is_late_ends_soon_after():
    threads = set(threading.enumerate())
    with pytest.raises(TookTooLong):
        in_a_thread(0.1, for_ever)
    for thread in set(threading.enumerate()) - threads:
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="there is no such timer here")
def test_the_timer_that_ran_before_goes_on_and_so_does_tracing():
    def handler(*_):
        raise AssertionError("rang too early")

    before, tracing = signal.signal(signal.SIGALRM, handler), sys.gettrace()
    signal.setitimer(signal.ITIMER_REAL, 100)
    try:
        with pytest.raises(TookTooLong):
            within(0.1, swallowing)
        assert signal.getsignal(signal.SIGALRM) is handler
        assert 50 < signal.getitimer(signal.ITIMER_REAL)[0] <= 100
        assert sys.gettrace() is tracing
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_prints_are_kept_up_to_a_limit(capsys):
    with prints_held_back() as printed:
        print("one")
        print("two")
    assert printed.lines() == ["one", "two"]
    assert capsys.readouterr().out == ""
    long = Printed()
    long.write("x\n" * 10**6)
    assert len(long.lines()) == 9
    assert len(long.beginning) <= 2000


def test_numpy_is_as_before_after_an_error_too():
    errors, options = np.geterr(), np.get_printoptions()
    with pytest.raises(ZeroDivisionError), numpy_left_alone():
        np.seterr(all="raise")
        np.set_printoptions(precision=1)
        raise ZeroDivisionError
    assert (np.geterr(), np.get_printoptions()) == (errors, options)
