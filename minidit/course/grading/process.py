"""The grader's end of the process that runs a student's code."""

import inspect
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import numpy as np

import minidit
from minidit.course.grading.objects import describing
from minidit.course.grading.results import CRASHED, OUT_OF_MEMORY, OUT_OF_TIME
from minidit.course.grading.wire import BadMessage, arrays_in, decode, encode, plain, receive, send
from minidit.course.outcome import Complaint
from minidit.course.progress import VARIABLE
from minidit.errors import UserError

KEPT_VARIABLES = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
PROGRAM = """\
import json, sys
sys.path[:], memory, seconds = json.loads(sys.argv[1])
from minidit.course.grading.child import main
main(memory, seconds)
"""
START = 60.0  # seconds in which Python and NumPy are there, on a busy machine
GRACE = 5.0  # seconds after which a process that doesn't answer is ended; before, it is asked to stop by itself


@dataclass(frozen=True)
class Limits:
    """What a notebook may use.

    Attributes:
        seconds: in all.
        memory: bytes.
        cell_seconds: for one cell; by default a third of all.
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
    """The student's process ended, or was ended. It is nothing that the examination would catch.

    Attributes:
        verdict: CRASHED, OUT_OF_TIME or OUT_OF_MEMORY.
        says: a sentence.
    """

    def __init__(self, verdict, says):
        super().__init__(says)
        self.verdict, self.says = verdict, says


class Process:
    """A process that runs a student's notebook; a context manager, which ends it.

    Args:
        limits: Limits.
        deadline: when its time is over, of `monotonic`.
    Raises:
        UserError: it doesn't start.
        Lost: its time was over before that.
    """

    def __init__(self, limits, deadline):
        self.limits, self.deadline = limits, deadline

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="minidit-grade-", ignore_cleanup_errors=True)
        path = [str(Path(minidit.__file__).parents[1]), *(os.path.abspath(part) for part in sys.path if part)]
        words = json.dumps([path[1:] + path[:1], self.limits.memory, int(self.limits.seconds) + 10])
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", PROGRAM, words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd=self.folder.name, env=environment(self.folder.name), start_new_session=True,
        )  # fmt: skip
        self.replies = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
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
                os.killpg(self.process.pid, signal.SIGKILL)  # it, and whatever it started
            except OSError:
                pass
        self.process.kill()
        self.process.wait()
        for file in (self.process.stdin, self.process.stdout):
            try:
                file.close()
            except OSError:
                pass
        self.folder.cleanup()

    def read(self):
        """Puts what comes into a queue, as reading from a pipe has no time limit of its own; at the end, an error."""
        try:
            while True:
                self.replies.put(receive(self.process.stdout))
        except (EOFError, OSError, ValueError, BadMessage) as error:
            self.replies.put(error)

    # ---------------------------------------------------------------------------------------- questions

    def ask(self, question, blocks=(), seconds=0.0, functions=()):
        """Asks something.

        Args:
            question, blocks: see `minidit.course.grading.child`.
            seconds: that the answer may take; GRACE later, the process is given up.
            functions: that the process may ask for in turn, by index.
        Returns:
            the reply, a dict, and its blocks.
        Raises:
            Lost: the process ended, or said nothing in time, or nonsense.
        """
        until = min(self.deadline, monotonic() + seconds + GRACE)
        try:
            send(self.process.stdin, question, blocks)
        except (OSError, ValueError):
            raise self.ended() from None
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
            try:
                send(self.process.stdin, *answered(functions, *reply))
            except (OSError, ValueError):
                raise self.ended() from None

    def ended(self):
        """What to raise when the process has ended by itself."""
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
        """What to raise when nothing was heard in time."""
        if monotonic() >= self.deadline:
            return Lost(OUT_OF_TIME, f"the {self.limits.seconds:g} seconds of the notebook were over.")
        return Lost(OUT_OF_TIME, "it did not come to an end, and could not be interrupted.")

    def run_cell(self, number, source):
        """Runs a cell. Returns the reply's dict: `failed` is None, "error", "time" or "memory". Raises Lost."""
        seconds = max(0.1, min(self.limits.for_a_cell, self.deadline - monotonic()))
        question = {"do": "cell", "number": number, "source": source, "seconds": seconds}
        return self.ask(question, seconds=seconds)[0]

    def find(self, expression):
        """What an expression stands for in the notebook.

        Returns:
            (whether it stands for anything, the value, or the Answer if it is a function).
        Raises:
            Lost.
        """
        reply, blocks = self.ask({"do": "find", "expression": expression})
        try:
            if not reply["found"]:
                return False, None
            if "parameters" in reply:
                return True, Answer(self, reply)
            return True, decode(reply["value"], blocks)
        except (BadMessage, KeyError, TypeError, ValueError) as error:
            raise Lost(CRASHED, "what came back can't be read.") from error


class Answer:
    """Stands for a student's function: called, it has the student's process call that.

    Attributes:
        trouble: OUT_OF_TIME or OUT_OF_MEMORY, if a call came to that.
        home: the module that it says it is from.
    """

    def __init__(self, process, reply):
        self.process, self.trouble = process, None
        self.__name__, self.home = plain(reply["name"]), plain(reply["home"])
        self.__signature__ = signature(reply["parameters"])

    def __call__(self, *inputs):
        """What the function returns; what it does to its inputs is done to these.

        Raises:
            Complaint: it raised something, or did not come to an end.
            Lost: its process ended.
        """
        functions, sent, seconds = [], [], self.process.limits.call_seconds
        question = {"do": "call", "seconds": seconds, "inputs": encode(inputs, sent, special=describing(functions))}
        reply, blocks = self.process.ask(question, sent, seconds, functions)
        try:
            write_back(inputs, decode(reply["given"], blocks))
            print(str(reply["printed"])[:2000], end="")  # which whoever examines it holds back
            if reply["warned"]:
                warnings.warn(plain(reply["warned"]), RuntimeWarning, stacklevel=2)
            if "raised" in reply:
                raised = reply["raised"]
                self.trouble = {"time": OUT_OF_TIME, "memory": OUT_OF_MEMORY}.get(raised["kind"])
                details = [plain(line) for line in list(raised["details"])[:4]]
                raise Complaint(plain(raised["says"]), *details, started=bool(raised["started"]))
            return decode(reply["returned"], blocks, arrays_in(inputs))
        except (BadMessage, KeyError, TypeError, ValueError) as error:
            raise Lost(CRASHED, "what came back can't be read.") from error


def answered(functions, question, blocks):
    """The reply to a question of the student's process, which is to call one of our functions: a dict and blocks."""
    try:
        arguments = decode(question["arguments"], blocks)
        result = functions[question["ask"]](*arguments)
    except BadMessage as error:
        raise Lost(CRASHED, "what came back can't be read.") from error
    except Exception as error:
        return {"raised": [type(error).__name__, str(error)]}, ()
    coded = []
    return {"returned": encode(result, coded)}, coded


def write_back(ours, theirs):
    """Does to our inputs what was done to the student's."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if ours.keys() == theirs.keys():
            for key in ours:
                write_back(ours[key], theirs[key])
        else:
            ours.clear()
            ours.update(theirs)
    elif isinstance(ours, tuple | list) and isinstance(theirs, tuple | list):
        if len(ours) == len(theirs):
            for our, their in zip(ours, theirs, strict=True):
                write_back(our, their)
        elif isinstance(ours, list):
            ours[:] = theirs
    elif isinstance(ours, np.ndarray) and isinstance(theirs, np.ndarray) and ours.dtype == theirs.dtype:
        if ours.shape != theirs.shape and ours.size == theirs.size:
            ours.shape = theirs.shape
        if ours.shape == theirs.shape:
            ours[...] = theirs


def signature(parameters):
    """An inspect.Signature of (name, kind, whether there is a default) each; of any arguments for None."""
    kinds = [kind for kind in inspect._ParameterKind]
    if parameters is None:
        return inspect.Signature([inspect.Parameter("argument", kinds[2])])
    return inspect.Signature(
        inspect.Parameter(str(name), kinds[kind], default=None if default else inspect.Parameter.empty)
        for name, kind, default in list(parameters)[:100]
    )


def environment(folder):
    """The variables of a student's process: few of the grader's, and a home in its own folder."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    places = dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "MPLCONFIGDIR"), folder)
    own = {VARIABLE: str(Path(folder) / "progress.jsonl"), "MPLBACKEND": "Agg", "PYTHONUTF8": "1"}
    return kept | places | own | dict.fromkeys(ONE_THREAD, "1")
