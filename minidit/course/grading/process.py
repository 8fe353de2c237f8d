"""The grader's end of the process that runs a student's code."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from minidit.course.grading.results import CRASHED, OUT_OF_MEMORY, OUT_OF_TIME
from minidit.course.grading.wire import BadMessage, decode, encode, receive, send
from minidit.course.progress import VARIABLE
from minidit.errors import UserError
from minidit.files.places import PACKAGE

KEPT_VARIABLES = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
PROGRAM = """\
import json, sys
sys.path[:], memory, seconds = json.loads(sys.argv[1])
from minidit.course.grading.child import main
main(memory, seconds)
"""
START = 60.0  # seconds to start Python and NumPy on a busy machine
GRACE = 5.0  # seconds until a process that doesn't answer is killed; before that, it is asked to stop by itself


@dataclass(frozen=True)
class Limits:
    """What a notebook may use.

    Attributes:
        seconds: for the whole notebook.
        memory: bytes.
        cell_seconds: for one cell; by default a third of `seconds`.
        call_seconds: for one call of an answer.
    """

    seconds: float = 120.0
    memory: int = 4 << 30
    cell_seconds: float | None = None
    call_seconds: float = 5.0

    @property
    def for_a_cell(self):
        """Seconds that a cell may take."""
        return self.cell_seconds or self.seconds / 3


class Lost(BaseException):
    """The student's process ended, or was ended. The examination doesn't catch this.

    Attributes:
        verdict: CRASHED, OUT_OF_TIME or OUT_OF_MEMORY.
        says: a sentence.
    """

    def __init__(self, verdict, says):
        super().__init__(says)
        self.verdict, self.says = verdict, says


class Process:
    """A process that runs a student's notebook. As a context manager, it ends the process.

    Args:
        limits: Limits.
        deadline: when its time is over, by `monotonic`.
    Raises:
        UserError: it doesn't start.
        Lost: its time was over before that.
    """

    def __init__(self, limits, deadline):
        self.limits, self.deadline = limits, deadline

    def __enter__(self):
        path = [str(PACKAGE.parent), *(os.path.abspath(part) for part in sys.path if part)]
        words = json.dumps([path[1:] + path[:1], self.limits.memory, int(self.limits.seconds) + 10])
        try:
            self.folder = tempfile.TemporaryDirectory(prefix="minidit-grade-", ignore_cleanup_errors=True)
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-c", PROGRAM, words],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                cwd=self.folder.name, env=environment(self.folder.name), start_new_session=True,
            )  # fmt: skip
        except OSError as error:  # no room for a folder, or no more processes: no student is to blame
            raise UserError(f"can't start a process to run a notebook in: {error.strerror}.") from error
        self.questions, self.replies = queue.Queue(), queue.Queue()
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self.write, self.read)]
        for thread in self.threads:
            thread.start()
        try:
            self.ask({"do": "start"}, seconds=START)
        except Lost as lost:
            self.__exit__()
            if monotonic() >= self.deadline:
                raise
            gigabytes = f"{self.limits.memory / 2**30:g} GB"
            raise UserError(f"Python doesn't start with {gigabytes} of memory. Give it more by --memory.") from lost
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if hasattr(os, "killpg"):
            try:
                os.killpg(self.process.pid, signal.SIGKILL)  # the process, and whatever it started
            except OSError:
                pass
        self.process.kill()
        self.process.wait()
        self.questions.put(None)
        for thread in self.threads:
            thread.join(timeout=1)  # where an escaped process holds the other end, the thread ends with that process
        self.folder.cleanup()

    # Writing to a pipe and reading from it have no time limits, so each runs in a thread that may wait. The thread
    # closes its end of the pipe, as closing may wait too.

    def write(self):
        """Sends what is in the queue of questions."""
        with suppress(OSError, ValueError), self.process.stdin as file:  # if the process has ended, `read` will notice
            while question := self.questions.get():
                send(file, *question)

    def read(self):
        """Puts replies into the queue; at the end, an error."""
        with self.process.stdout as file:
            try:
                while True:
                    self.replies.put(receive(file))
            except (EOFError, OSError, ValueError, BadMessage) as error:
                self.replies.put(error)

    # ---------------------------------------------------------------------------------------- questions

    def ask(self, question, blocks=(), seconds=0.0, functions=()):
        """Asks something.

        Args:
            question, blocks: see `minidit.course.grading.child`.
            seconds: time limit of the answer; GRACE seconds later, the process is given up.
            functions: functions that the process may call in turn, by index.
        Returns:
            the reply, a dict, and its blocks.
        Raises:
            Lost: the process ended, or answered too late or with nonsense.
        """
        until = min(self.deadline, monotonic() + seconds + GRACE)
        self.questions.put((question, blocks))
        while True:
            try:
                reply = self.replies.get(timeout=max(0.0, until - monotonic()))
            except queue.Empty:
                raise self.late() from None
            if isinstance(reply, BadMessage):
                raise Lost(CRASHED, "what came back can't be read.")
            if isinstance(reply, Exception):
                raise self.ended()
            if "ask" not in reply[0]:
                return reply
            self.questions.put(answered(functions, *reply))

    def ended(self):
        """What to raise if the process has ended by itself."""
        try:
            status = self.process.wait(timeout=GRACE)
        except subprocess.TimeoutExpired:
            return Lost(CRASHED, "it closed the connection to the grader.")
        if status == -getattr(signal, "SIGXCPU", 0) and status:
            return Lost(OUT_OF_TIME, "it used more processor time than it may.")
        if status == -getattr(signal, "SIGKILL", 0) and status:
            return Lost(OUT_OF_MEMORY, "the system ended Python, as it does where memory is short.")
        return Lost(CRASHED, f"it ended Python itself (status {status}).")

    def late(self):
        """What to raise if no answer came in time."""
        if monotonic() >= self.deadline:
            return Lost(OUT_OF_TIME, f"the {self.limits.seconds:g} seconds of the notebook were over.")
        return Lost(OUT_OF_TIME, "it did not finish, and could not be interrupted.")

    def run_cell(self, number, source):
        """Runs a cell. Returns the reply's dict: `failed` is None, "error", "time" or "memory". Raises Lost."""
        seconds = max(0.1, min(self.limits.for_a_cell, self.deadline - monotonic()))
        question = {"do": "cell", "number": number, "source": source, "seconds": seconds}
        return self.ask(question, seconds=seconds)[0]


def answered(functions, question, blocks):
    """The reply if the student's process asks to call one of our functions: a dict and blocks."""
    try:
        arguments = decode(question["arguments"], blocks)
        result = functions[question["ask"]](*arguments)
    except BadMessage as error:
        raise Lost(CRASHED, "what came back can't be read.") from error
    except Exception as error:
        return {"raised": [type(error).__name__, str(error)]}, ()
    coded = []
    return {"returned": encode(result, coded)}, coded


def environment(folder):
    """The environment variables of a student's process: few of the grader's, and a home in its own folder."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    places = dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "MPLCONFIGDIR"), folder)
    own = {VARIABLE: str(Path(folder) / "progress.jsonl"), "MPLBACKEND": "Agg", "PYTHONUTF8": "1"}
    return kept | places | own | dict.fromkeys(ONE_THREAD, "1")
