"""Keeps a student's code from running forever, printing without end, or leaving NumPy changed."""

import ctypes
import io
import signal
import sys
import threading
from contextlib import contextmanager, redirect_stdout

import numpy as np

AGAIN = 0.05  # seconds until it is interrupted again, if it swallowed the first interrupt
KEPT = 2000  # characters of what it prints


class TookTooLong(BaseException):
    """Raised inside the student's function when its time is up; an `except Exception` doesn't catch it."""


def within(seconds, work):
    """Returns work(), or raises TookTooLong after this many seconds.

    In the main thread on Linux and macOS, a timer interrupts any Python code. Elsewhere the work runs in its own
    thread: there, one long call into NumPy continues in the background until it returns, and only the wait for it ends
    in time.
    """
    if hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread():
        return with_timer(seconds, work)
    return in_a_thread(seconds, work)


def with_timer(seconds, work):
    """`within`, by the system's timer."""
    rings, over = 0, False
    ours = sys._getframe()

    def ring(_, frame):
        nonlocal rings
        if over:
            return
        rings += 1
        if rings > 1:  # swallowed by an `except:`; raised from the first line of that, it gets out
            sys.settrace(raise_at_line)
            while frame is not None and frame is not ours:
                frame.f_trace = raise_at_line
                frame = frame.f_back
        raise TookTooLong

    tracing, handler = sys.gettrace(), signal.signal(signal.SIGALRM, ring)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        return work()
    finally:
        over = True
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler or signal.SIG_DFL)
        sys.settrace(tracing)


def raise_at_line(_, event, __):
    """A trace function that lets no line be executed."""
    if event == "line":
        raise TookTooLong


def in_a_thread(seconds, work):
    """`within`, in a thread that is told to stop when the time is up."""
    result, error = [], []

    def run():
        try:
            result.append(work())
        except BaseException as raised:
            error.append(raised)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(TookTooLong))
        raise TookTooLong
    if error:
        raise error[0]
    return result[0]


class Printed(io.TextIOBase):
    """Captures what is printed, and keeps the beginning."""

    def __init__(self):
        self.beginning, self.length = "", 0

    def write(self, text):
        if self.length < KEPT:
            self.beginning += text[: KEPT - self.length]
        self.length += len(text)
        return len(text)

    def lines(self, at_most=8):
        """The first lines, and how much more there was."""
        lines = self.beginning.splitlines()
        more = len(lines) > at_most or self.length > KEPT
        return [*lines[:at_most], *(["… and more"] if more else [])]


@contextmanager
def prints_held_back():
    """Inside, printing shows nothing; yields the Printed that captures it."""
    with redirect_stdout(Printed()) as printed:
        yield printed


@contextmanager
def numpy_left_alone():
    """Undoes any change made inside to NumPy's random numbers, error handling and print options."""
    state = np.random.get_state()  # noqa: NPY002  the state that a student's np.random.seed changes
    try:
        with np.errstate(all="warn", under="ignore"), np.printoptions():
            yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
