"""Work in a fresh process, with its own number of threads in matrix products and no one else's habits.

Each contender has one. In a common process they would disturb each other: the threads of OpenBLAS and of OpenMP
keep spinning for a while when they have nothing to do, on the cores that the other one needs.
"""

import multiprocessing
import traceback
from contextlib import contextmanager

from minidit.backend import keep_freed_memory
from minidit.errors import UserError
from minidit.training.parallel.workers import threads_each

PATIENCE = 10  # seconds that a process has to end by itself


class Failed(RuntimeError):
    """The work in another process came to nothing. The message is its traceback."""


@contextmanager
def remote(threads, keep_memory, make, *arguments):
    """A function that runs in a fresh process.

    Args:
        threads: of each matrix product there.
        keep_memory: whether that process keeps the memory that it frees (`minidit.backend.keep_freed_memory`), as the
            command `minidit` does.
        make: a function at the top level of a module. There, `make(*arguments)` is a context manager that gives the
            function. It is entered before this returns.
    Returns:
        a context manager that gives the function; leaving it ends the process.
    Raises:
        Failed: when something raises there, or the process dies. A UserError stays one.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, keep_memory, make, arguments))
    with threads_each(threads):
        process.start()
    theirs.close()
    try:
        answer(ours)
        yield lambda *request: ask(ours, request)
    finally:
        ours.close()
        process.join(PATIENCE)
        process.terminate()
        process.join()


def in_fresh_process(threads, function, *arguments):
    """`function(*arguments)`, computed in a fresh process. Raises as `remote`."""
    with remote(threads, True, unchanged, function) as there:
        return there(*arguments)


@contextmanager
def unchanged(function):
    """The function itself, for `remote`."""
    yield function


def ask(pipe, request):
    """Sends a request to the process at the other end and waits for its answer."""
    try:
        pipe.send(request)
    except OSError as error:
        raise Failed(f"the process is gone ({error})") from error
    return answer(pipe)


def answer(pipe):
    """What the process at the other end says."""
    try:
        kind, value = pipe.recv()
    except (EOFError, OSError) as error:
        raise Failed("the process ended without an answer: killed, out of memory, or for a reason it gave") from error
    if kind == "error":
        raise value
    return value


def serve(pipe, keep_memory, make, arguments):
    """The life of the process: makes its function and answers requests, until the pipe closes or Ctrl-C."""
    if keep_memory:
        keep_freed_memory()
    try:
        with make(*arguments) as function:
            pipe.send(("ready", None))
            for request in requests(pipe):
                pipe.send(("done", function(*request)))
    except (BrokenPipeError, KeyboardInterrupt):  # nobody is listening any more
        return
    except UserError as error:
        pipe.send(("error", error))
    except Exception:
        pipe.send(("error", Failed(traceback.format_exc())))


def requests(pipe):
    """What is asked, until the pipe closes."""
    while True:
        try:
            yield pipe.recv()
        except EOFError:
            return
