"""The process that runs a student's notebook."""

import os
import signal
import time

import pytest

from minidit.course.grading.process import Limits, Lost, Process
from minidit.errors import UserError

QUICK = Limits(seconds=40, cell_seconds=2, call_seconds=2)  # for what has no end


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_process_that_does_not_listen_does_not_hold_up_the_grader():
    with Process(QUICK, time.monotonic() + 60) as process:
        os.kill(process.process.pid, signal.SIGSTOP)
        with pytest.raises(Lost) as lost:
            process.ask({"do": "start"}, [bytes(1 << 22)], seconds=0)
    assert lost.value.verdict == "out of time"


def test_no_student_is_to_blame_where_no_process_can_start(monkeypatch):
    def full(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryDirectory", full)
    with pytest.raises(UserError, match="can't start a process to run a notebook in: No space left"):
        Process(QUICK, time.monotonic() + 60).__enter__()
