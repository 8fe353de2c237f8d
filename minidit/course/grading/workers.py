"""Grades notebooks side by side: each worker is a process that grades one after the other.

A notebook's own process (see process.py) is started by the worker, so that whatever a notebook does to what started it
ends no more than a worker: that notebook has crashed, and the others go on with a new one.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from minidit.course.grading.assigned import Assignment, read_assignment
from minidit.course.grading.journal import grade_of
from minidit.course.grading.notebook import Cell, grade_notebook
from minidit.course.grading.process import ONE_THREAD, Limits
from minidit.course.grading.results import CRASHED, none
from minidit.errors import UserError
from minidit.files.places import PACKAGE

PROGRAM = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from minidit.course.grading.workers import work
work()
"""
PATIENCE = 10.0  # seconds until a worker that was told to stop is ended


class Stopped(BaseException):
    """Raised inside a worker that was told to stop. An examination doesn't catch this."""


@dataclass(frozen=True)
class Task:
    """A notebook to grade.

    Attributes:
        key: of the notebook, see journal.py.
        cells: its Cells.
        assignment: Assignment.
        lesson: Path of our own notebook of it.
        limits: Limits.
    """

    key: str
    cells: tuple[Cell, ...]
    assignment: Assignment
    lesson: Path
    limits: Limits


def graded(tasks, jobs):
    """Grades notebooks, and yields each with its grades as soon as they are known.

    Args:
        tasks: Tasks.
        jobs: how many workers there are.
    Yields:
        (Task, Grades).
    Raises:
        UserError: no notebook can be graded here.
    """
    waiting, done, stopped = queue.SimpleQueue(), queue.SimpleQueue(), threading.Event()
    for task in tasks:
        waiting.put(task)
    workers = [Worker() for _ in range(min(jobs, len(tasks)))]
    threads = [threading.Thread(target=drive, args=(worker, waiting, done, stopped)) for worker in workers]
    try:
        for thread in threads:
            thread.start()
        for _ in tasks:
            task, result = next_of(done)
            if isinstance(result, BaseException):
                raise result
            yield task, result
    finally:
        stopped.set()
        for worker in workers:
            worker.stop()
        for thread in threads:
            if thread.ident:
                thread.join()


def next_of(done):
    """The next thing in a queue. Ctrl-C is noticed while waiting, on Windows as well."""
    while True:
        with suppress(queue.Empty):
            return done.get(timeout=0.5)


def drive(worker, waiting, done, stopped):
    """Gives one task after the other to a worker, until there are no more."""
    try:
        while not stopped.is_set():
            task = waiting.get_nowait()
            done.put((task, worker.grade(task)))
    except queue.Empty:
        pass
    except BaseException as error:
        done.put((None, error))
    finally:
        worker.stop()


class Worker:
    """The grader's end of a worker; its process is started when it is needed."""

    def __init__(self):
        self.process, self.lock, self.over = None, threading.Lock(), False

    def grade(self, task):
        """The Grades of a notebook.

        Raises:
            UserError: no notebook can be graded here.
        """
        process = self.started()
        question = {
            "lesson": str(task.lesson), "limits": asdict(task.limits), "cells": [asdict(cell) for cell in task.cells]
        }  # fmt: skip
        try:
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
            reply = json.loads(process.stdout.readline())
            if "sorry" in reply:
                raise UserError(reply["sorry"])
            return [grade_of(one) for one in reply["grades"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, UserError):
                raise
            self.end()
            return none(task.assignment, CRASHED, "it ended the process that graded it.")

    def started(self):
        """The process; a new one if there is none. Raises a UserError if it doesn't start."""
        with self.lock:
            if self.over:
                raise UserError("stopped.")
            if self.process is None:
                path = json.dumps([str(PACKAGE.parent), *(os.path.abspath(part) for part in sys.path if part)])
                try:
                    self.process = subprocess.Popen(
                        [sys.executable, "-I", "-c", PROGRAM, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                        env=os.environ | dict.fromkeys(ONE_THREAD, "1"), start_new_session=True,
                    )  # fmt: skip
                except OSError as error:
                    raise UserError(f"can't start a process to grade in: {error.strerror}.") from error
                if not self.process.stdout.readline():  # it says so when it is ready
                    raise UserError("the process that grades doesn't start.")
            return self.process

    def stop(self):
        """Ends it for good, and what it is doing."""
        with self.lock:
            self.over = True
        self.end()

    def end(self):
        """Ends the process. It is asked first, because it has to end the notebook's process in turn."""
        with self.lock:
            process, self.process = self.process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for file in (process.stdin, process.stdout):
            with suppress(OSError):
                file.close()


# --------------------------------------------------------------------------------------------- in the worker


def work():
    """Grades what it is given, a line each, until there is no more."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is printed by mistake is no reply
    signal.signal(signal.SIGTERM, stop)
    known = {}
    with suppress(Stopped, BrokenPipeError):
        replies.write(b"{}\n")
        replies.flush()
        for line in sys.stdin.buffer:
            replies.write(json.dumps(reply_to(json.loads(line), known)).encode() + b"\n")
            replies.flush()


def stop(*_):
    """What to do when told to stop."""
    raise Stopped


def reply_to(question, known):
    """What a worker says to a question: the grades as dicts, or why there are none.

    Args:
        known: {path of a lesson: its Assignment}, which is added to.
    """
    lesson = question["lesson"]
    if lesson not in known:
        known[lesson] = read_assignment(Path(lesson))
    cells = [Cell(one["number"], tuple(one["ids"]), one["source"]) for one in question["cells"]]
    try:
        grades = grade_notebook(cells, known[lesson], Limits(**question["limits"]))
    except UserError as error:
        return {"sorry": str(error)}
    except Exception as error:  # an unforeseen notebook must not cost the others their points
        grades = none(known[lesson], CRASHED, f"grading it ended with {type(error).__name__}.")
    return {"grades": [asdict(one) for one in grades]}
