"""Ctrl-C at the right moment: never within a step, and never within the processes that share it."""

import signal
import threading
from contextlib import contextmanager

from minidit.errors import Interrupted


@contextmanager
def uninterrupted():
    """Ctrl-C waits until all inside is done, and then raises KeyboardInterrupt.

    Raises:
        Interrupted: at once, at a second Ctrl-C.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield  # Python tells only the main thread; and where Ctrl-C is ignored it stays so
        return
    asked = []

    def note(*signal_and_frame):
        if asked:
            raise Interrupted("stopped at once, in the middle of the work. The last checkpoint is whole.")
        asked.append(signal_and_frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        before(*asked[0])


@contextmanager
def children_ignore_interrupts():
    """Processes started inside never hear of Ctrl-C, not even while they start: the one that leads them answers it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)  # one that came in between is answered now
