"""The process that runs a student's code. It answers what the grader asks, one question at a time:

    start   nothing                                            -> that it is running
    cell    run a cell of the notebook                         -> whether it failed, and how
    find    look at what a name stands for                     -> a value, a function's arguments, or nothing
    call    call the function that was found, on these inputs  -> what it returned, and the inputs as they are then

If the called function calls one of its inputs, the grader runs that, by a question in the opposite direction.
"""

import builtins
import inspect
import linecache
import os
import re
import sys
import types
import warnings

from minidit.backend import arrays_in
from minidit.course.grading.objects import making
from minidit.course.grading.wire import decode, encode, plain, receive, send
from minidit.course.limits import TookTooLong, numpy_left_alone, prints_held_back, within
from minidit.course.outcome import ENDLESS, Complaint, about_error, own_lines

ROOM = 1 << 28  # bytes that a lesson needs
ENDED = "it did not finish in {:g} seconds. Is there a loop that never stops?"
MAGIC_CELL = re.compile(r"%%(\w+).*\n?")
PYTHON_CELLS = ("time", "timeit", "capture", "prun")
TIMED = re.compile(r"^(\s*)%(?:time|timeit|prun)\s+(?:-\w+\s*\d*\s+)*(.*)", re.MULTILINE)
ASSIGNED = re.compile(r"^(\s*[\w, ]+=\s*)[%!].*", re.MULTILINE)
MAGIC = re.compile(r"^(\s*)(?:[%!?].*|[\w.]+\?{1,2}\s*$)", re.MULTILINE)


class Child:
    """A student's notebook while it runs.

    Attributes:
        questions, replies: binary files.
        namespace: of the notebook.
        answer: what was found last.
    """

    def __init__(self, questions, replies):
        self.questions, self.replies = questions, replies
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module  # where dataclasses and pickles look for a notebook's definitions
        self.namespace = vars(module)
        self.namespace["display"] = lambda *_, **__: None
        self.answer = None

    def serve(self):
        """Answers questions until there are no more."""
        while True:
            question, blocks = receive(self.questions)
            reply, blocks = getattr(self, f"do_{question['do']}")(question, blocks)
            send(self.replies, reply, blocks)

    def do_start(self, *_):
        """Says that it is running, and that it has enough memory."""
        bytearray(ROOM)
        return {}, ()

    def do_cell(self, question, _):
        """Runs a cell."""
        code, name = without_magics(question["source"]), f"cell {question['number']}"
        linecache.cache[name] = len(code), None, code.splitlines(keepends=True), name
        try:
            within(question["seconds"], lambda: exec(compile(code, name, "exec"), self.namespace))
        except TookTooLong as error:
            return {"failed": "time", "says": ENDED.format(question["seconds"]), "lines": own_lines(error)[:1]}, ()
        except BaseException as error:
            kind = "memory" if isinstance(error, MemoryError) else "error"
            text = plain(f"it raised {type(error).__name__}: {first_line(error)}")
            lines = [line_of(error)] if isinstance(error, SyntaxError) else own_lines(error)
            return {"failed": kind, "says": text, "lines": [plain(line) for line in lines]}, ()
        return {"failed": None}, ()

    def do_find(self, question, _):
        """Looks at what an expression stands for."""
        try:
            self.answer = eval(question["expression"], self.namespace)
        except BaseException:
            return {"found": False}, ()
        blocks = []
        coded = encode(self.answer, blocks)
        reply = {"found": True, "value": coded}
        if coded == {"function": True}:
            reply["name"] = plain(getattr(self.answer, "__name__", "function"))
            reply["home"] = plain(self.answer.__module__) if inspect.isfunction(self.answer) else ""
            reply["parameters"] = parameters(self.answer)
        return reply, blocks

    def do_call(self, question, blocks):
        """Calls the answer."""
        inputs = decode(question["inputs"], blocks, special=making(self.asking))
        reply, blocks = {"printed": "", "warned": ""}, []
        with numpy_left_alone(), prints_held_back() as printed, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                returned = within(question["seconds"], lambda: self.called(inputs))
                reply["returned"] = encode(returned, blocks, arrays_in(inputs))
            except TookTooLong as error:
                says = ENDED.format(question["seconds"])
                reply["raised"] = complaint(Complaint(says, *own_lines(error)[:1], slip=ENDLESS))
            except BaseException as error:
                reply["raised"] = complaint(about_error(error, self.answer))
        reply["given"] = encode(inputs, blocks)
        reply["printed"] = printed.beginning
        runtime = (str(warning.message) for warning in caught if warning.category is RuntimeWarning)
        reply["warned"] = plain(next(runtime, ""))
        return reply, blocks

    def called(self, inputs):
        """What the answer returns. It may run in its own thread, which has its own NumPy settings."""
        with numpy_left_alone():
            return self.answer(*inputs)

    def asking(self, index):
        """A function that asks the grader to call one of its own."""

        def function(*arguments):
            blocks = []
            send(self.replies, {"ask": index, "arguments": encode(arguments, blocks)}, blocks)
            reply, blocks = receive(self.questions)
            if "raised" in reply:
                kind, text = reply["raised"]
                raise getattr(builtins, kind, ValueError)(text)
            return decode(reply["returned"], blocks)

        return function


def complaint(about):
    """A Complaint as JSON."""
    details = [plain(line) for line in about.details]
    slip = about.slip and plain(about.slip)
    return {"says": plain(about.says), "details": details, "slip": slip, "started": about.started}


def parameters(function):
    """Its parameters, as (name, kind, whether there is a default); None if unknown."""
    try:
        found = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return None
    return [[one.name, int(one.kind), one.default is not one.empty] for one in found]


def first_line(error):
    """The first line of an error's text; of a SyntaxError, without the place, which means nothing to a reader."""
    text = error.msg if isinstance(error, SyntaxError) else error
    return (str(text).splitlines() or ["(no message)"])[0]


def line_of(error):
    """The line of code of a SyntaxError."""
    text = (error.text or "").strip()
    return f"line {error.lineno}: {text}" if text else f"line {error.lineno}"


def without_magics(source):
    """A cell without notebook-only syntax: such lines do nothing, and the other lines keep their numbers."""
    cell = MAGIC_CELL.match(source)
    if cell:
        source = ("\n" + source[cell.end() :]) if cell[1] in PYTHON_CELLS else ""
    source = ASSIGNED.sub(r"\1None", TIMED.sub(r"\1\2", source))
    try:
        compile(source, "cell", "exec")
    except SyntaxError:
        return MAGIC.sub(r"\1pass", source)
    except ValueError:  # null bytes; it fails in its turn
        pass
    return source


def limit(memory, seconds):
    """Limits what this process may use. Windows has no such limits, and macOS no limit on memory."""
    try:
        import resource
    except ModuleNotFoundError:
        return
    for name, most in (("AS", memory), ("CPU", seconds), ("FSIZE", 1 << 28), ("CORE", 0)):
        try:
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
        except (ValueError, OSError):
            continue  # the system allows less than that, or refuses


def main(memory, seconds):
    """Takes standard input and output for the grader, away from the student's code, and serves."""
    questions, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nowhere, descriptor)
    limit(memory, seconds)
    try:
        Child(questions, replies).serve()
    except EOFError:
        pass
    os._exit(0)  # ends without running the notebook's exit handlers
