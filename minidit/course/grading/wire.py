"""Messages between the grader and the process that runs a student's code: frames of JSON followed by arrays.

    8 bytes: length of the JSON | JSON, an object with the blocks' sizes | blocks, one after the other

A student's process sends only plain values: building objects from a stranger's description would run the stranger's
code. The grader also sends objects, described by their parts (see `minidit.course.grading.objects`).
"""

import json
import struct

import numpy as np

LENGTH = struct.Struct(">Q")
LARGEST = 1 << 28  # bytes of a frame
DEEPEST = 20  # tuples in tuples
NUMBERS = "biufc"  # kinds of dtypes that are plain numbers


class BadMessage(Exception):
    """The message is not in this module's format."""


class Opaque:
    """Stands for something that is neither numbers nor text, such as an object of the student's own class."""


def send(file, message, blocks=()):
    """Writes a frame: a dict, and bytes."""
    text = json.dumps(message | {"sizes": [len(block) for block in blocks]}).encode()
    file.write(b"".join([LENGTH.pack(len(text)), text, *blocks]))
    file.flush()


def receive(file):
    """Reads a frame.

    Returns:
        the dict and the list of blocks.
    Raises:
        EOFError: there are no more frames.
        BadMessage: it isn't a frame.
    """
    (length,) = LENGTH.unpack(exactly(file, LENGTH.size))
    try:
        message = json.loads(exactly(file, within_limits(length)))
        sizes = message["sizes"]
        within_limits(sum(map(within_limits, sizes)))
        return message, [exactly(file, size) for size in sizes]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadMessage(str(error)) from error


def within_limits(size):
    """The size, if it is one."""
    if type(size) is not int or not 0 <= size <= LARGEST:
        raise BadMessage(f"a size of {size!r:.40}")
    return size


def exactly(file, size):
    """This many bytes of a file."""
    data = file.read(size)
    if len(data) < size:
        raise EOFError
    return data


# ------------------------------------------------------------------------------------------------ in the child


def encode(value, blocks, given=(), special=None, depth=0):
    """A value as JSON.

    Args:
        value: what a student's function returned, or its input.
        blocks: list, to which the arrays' bytes are added.
        given: the function's input arrays. An array in the memory of these is described as a view of them, so that the
            grader can tell.
        special: takes a value and a function that encodes its parts; returns JSON, or None for a plain value.
        depth: how many tuples it is nested in.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if value is Ellipsis:
        return {"ellipsis": True}

    def coded(part):
        return encode(part, blocks, given, special, depth + 1)

    described = special(value, coded) if special else None
    if described is not None:
        return described
    if isinstance(value, tuple | list) and depth < DEEPEST:
        return {"list" if isinstance(value, list) else "tuple": [coded(part) for part in value]}
    if isinstance(value, dict) and depth < DEEPEST:
        return {"dict": [[coded(part) for part in pair] for pair in value.items()]}
    if isinstance(value, np.ndarray | np.generic):
        return encode_array(value, blocks, given)
    if callable(value):
        return {"function": True}
    return {"object": type(value).__name__}


def encode_array(value, blocks, given):
    """An array, or a number of NumPy's, as JSON."""
    array = np.asarray(value)
    if array.dtype.kind not in NUMBERS:
        return {"other": [array.dtype.str, list(array.shape)]}
    described = [array.dtype.str, list(array.shape)]
    if isinstance(value, np.ndarray):
        for i, owner in enumerate(given):
            if owner.flags.c_contiguous and owner.flags.writeable and np.shares_memory(array, owner):
                offset = array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
                return {"view": [*described, i, offset, list(array.strides)]}
    blocks.append(array.tobytes())
    return {"array" if isinstance(value, np.ndarray) else "number": [*described, len(blocks) - 1]}


# ---------------------------------------------------------------------------------------------- in the grader


def decode(coded, blocks, given=(), special=None):
    """The value that `encode` got, as far as it can be known here.

    Args:
        coded, blocks: that `encode` gave.
        given: our own arrays, in place of those that `encode` got.
        special: {kind: a function of the rest and of what decodes its parts}. The grader has none.
    Raises:
        BadMessage: it is not in the format of `encode`.
    """
    try:
        return decoded(coded, blocks, given, special or {})
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, OverflowError, MemoryError) as error:
        raise BadMessage(str(error)) from error


def decoded(coded, blocks, given, special):
    """`decode`, which raises one of several errors for malformed messages."""
    if coded is None or type(coded) in (bool, int, float, str):
        return coded
    if type(coded) is not dict:
        raise BadMessage(f"neither a value nor a dict: {coded!r:.40}")
    ((what, value),) = coded.items()

    def whole(part):
        return decoded(part, blocks, given, special)

    if what in special:
        return special[what](value, whole)
    if what in ("tuple", "list"):
        return (tuple if what == "tuple" else list)(map(whole, value))
    if what == "dict":
        return {whole(key): whole(part) for key, part in value}
    if what in ("array", "number"):
        dtype, shape, block = value
        array = np.ndarray([within_limits(size) for size in shape], numeric(dtype), bytearray(blocks[block]))
        return array if what == "array" else array[()]
    if what == "view":
        dtype, shape, owner, offset, strides = value
        return np.ndarray(shape, numeric(dtype), np.ascontiguousarray(given[owner]), offset, tuple(strides))
    if what == "other":  # the check complains about it before it looks at the values
        return np.empty([min(1, size) for size in value[1]], "U1" if value[0][1] == "U" else object)
    return {"ellipsis": Ellipsis, "function": stand_in, "object": type(plain(value) or "object", (Opaque,), {})()}[what]


def numeric(name):
    """The dtype of plain numbers with this name."""
    dtype = np.dtype(str(name))
    if dtype.kind not in NUMBERS or dtype.hasobject:
        raise BadMessage(f"a dtype {name!r:.40}")
    return dtype


def stand_in(*_):
    """Stands for a function in a returned value. It is never called."""


def plain(text, longest=300):
    """A text from a student's process without terminal control codes."""
    return "".join(c if c.isprintable() else " " for c in str(text)[:longest])
