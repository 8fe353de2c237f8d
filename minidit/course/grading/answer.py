"""A student's answer, seen from the grader: what it is, and a stand-in that has the student's process call it."""

import inspect
import warnings

import numpy as np

from minidit.backend import arrays_in
from minidit.course.grading.objects import describing
from minidit.course.grading.process import Lost
from minidit.course.grading.results import CRASHED
from minidit.course.grading.wire import BadMessage, decode, encode, plain
from minidit.course.outcome import Complaint

UNREADABLE = "what came back can't be read."


def find(process, expression):
    """What an expression stands for in the notebook.

    Args:
        process: Process.
        expression: usually a name.
    Returns:
        (whether it stands for anything, its value, or the Answer if it is a function).
    Raises:
        Lost.
    """
    reply, blocks = process.ask({"do": "find", "expression": expression})
    try:
        if not reply["found"]:
            return False, None
        if "parameters" in reply:
            return True, Answer(process, reply)
        return True, decode(reply["value"], blocks)
    except (BadMessage, KeyError, TypeError, ValueError) as error:
        raise Lost(CRASHED, UNREADABLE) from error


class Answer:
    """Stands for a student's function: calling it calls the function in the student's process.

    Attributes:
        home: the module that it claims to come from.
    """

    def __init__(self, process, reply):
        self.process = process
        self.__name__, self.home = plain(reply["name"]), plain(reply["home"])
        self.__signature__ = signature(reply["parameters"])

    def __call__(self, *inputs):
        """What the function returns; its changes to the inputs are repeated on ours.

        Raises:
            Complaint: it raised something, or did not finish.
            Lost: its process ended.
        """
        functions, sent, seconds = [], [], self.process.limits.call_seconds
        question = {"do": "call", "seconds": seconds, "inputs": encode(inputs, sent, special=describing(functions))}
        reply, blocks = self.process.ask(question, sent, seconds, functions)
        try:
            write_back(inputs, decode(reply["given"], blocks))
            print(str(reply["printed"])[:2000], end="")  # the examiner captures this
            if reply["warned"]:
                warnings.warn(plain(reply["warned"]), RuntimeWarning, stacklevel=2)
            if "raised" in reply:
                raised = reply["raised"]
                details = [plain(line) for line in list(raised["details"])[:4]]
                slip = raised["slip"] and plain(raised["slip"])
                raise Complaint(plain(raised["says"]), *details, slip=slip, started=bool(raised["started"]))
            return decode(reply["returned"], blocks, arrays_in(inputs))
        except (BadMessage, KeyError, TypeError, ValueError) as error:
            raise Lost(CRASHED, UNREADABLE) from error


def write_back(ours, theirs):
    """Repeats on our inputs what was done to the student's."""
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
