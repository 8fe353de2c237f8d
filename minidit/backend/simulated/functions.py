"""CuPy's functions, computed by NumPy's of the same name, under CuPy's rules and with their launches counted.

A function that takes CuPy several launches, such as var(), counts as one here, except for those that minidit's layers
use.
"""

from functools import cache

import numpy as np

from minidit.backend.simulated import counting, indexing
from minidit.backend.simulated.api import API, bind
from minidit.backend.simulated.memory import DeviceArray, arrays_in, place, unwrapped, view

# The host has to wait for these: the shape of their result, or an error, is known only when they are done.
WAITED_FOR = frozenset(
    "argwhere bincount choose compress extract flatnonzero histogram intersect1d nonzero place put setdiff1d setxor1d "
    "trim_zeros union1d unique unique_all unique_counts unique_inverse unique_values".split()
)
LAID_OUT_ALIKE = frozenset(["astype", "copy"])  # like their argument; all other new arrays are row by row
NO_LISTS = frozenset(["a", "a1", "a2", "arr", "ary", "b", "condition", "m", "x", "x1", "x2", "y"])  # of parameters
NUMBERS = bool, int, float, complex, np.bool, np.number
AT = {  # the types of elements for which `ufunc.at` is possible
    "add": "iIlLqQefd", "subtract": "iI", "maximum": "iIlLqQfd", "minimum": "iIlLqQfd",
    "bitwise_and": "iIlLqQ", "bitwise_or": "iIlLqQ", "bitwise_xor": "iIlLqQ",
}  # fmt: skip


# These answer from shapes and types, and leave the device alone.
OF_THE_HOST = frozenset(
    "broadcast_shapes can_cast common_type iscomplexobj isrealobj isscalar issubdtype ndim promote_types result_type "
    "shape".split()
)


def named(name):
    """CuPy's object of that name, taken from NumPy.

    Raises:
        AttributeError: CuPy has none, or NumPy has nothing to simulate it with.
    """
    if name not in API["names"] or not hasattr(np, name):
        raise AttributeError(f"module 'cupy' has no attribute {name!r}, or none that can be simulated")
    if name in UFUNCS:
        return UFUNCS[name]
    numpys = getattr(np, name)
    if not callable(numpys) or isinstance(numpys, type):
        return numpys  # such as pi and float32
    if name in OF_THE_HOST:
        return lambda *args: numpys(*[arg._memory if isinstance(arg, DeviceArray) else arg for arg in args])
    if name in API["functions"]:
        return function(name, numpys)
    raise AttributeError(f"cupy.{name} can't be simulated")


class Linalg:
    """`cupy.linalg`: NumPy's functions, if CuPy has them."""

    def __getattr__(self, name):
        if name not in API["linalg"]:
            raise AttributeError(f"module 'cupy.linalg' has no attribute {name!r}")
        return function(name, getattr(np.linalg, name), "linalg")


linalg = Linalg()


@cache
def function(name, numpy_function, kind="functions"):
    """CuPy's function of that name: it takes CuPy's arguments and computes what NumPy's computes."""

    def call(*args, **kwargs):
        given = bind(kind, name, args, kwargs)
        lists = [key for key in NO_LISTS & given.keys() if isinstance(given[key], list)]
        if lists or not arrays_in(given):
            unwrapped(given)  # has its own words for an array of the host
            raise TypeError(f"cupy.{name} takes arrays of the device, not {', '.join(map(repr, args)) or 'nothing'}")
        wait_if_needed(name, given)
        return run(name, numpy_function, args, kwargs, given.get("out"))

    call.__name__ = call.__qualname__ = name
    return call


def wait_if_needed(name, given):
    """Counts the wait for a value that only the device knows."""
    if name in WAITED_FOR or name == "where" and len(given) == 1:
        counting.synchronised(f"what cupy.{name} returns depends on the data")


def run(name, numpy_function, args, kwargs, out=None, changes=()):
    """Calls a NumPy function on the memory of device arrays.

    Args:
        name: of the launch. If the results are only views, there is no launch.
        out: the arguments to write to: an array of the device, a tuple of them, or None.
        changes: arrays that are changed in place.
    Returns:
        the function's results as arrays of the device, even single numbers.
    """
    outs = [array for array in (out if isinstance(out, tuple) else (out,)) if array is not None]
    if not all(isinstance(array, DeviceArray) for array in outs):
        raise TypeError("Output arguments type must be cupy.ndarray")
    read = [*arrays_in(args), *arrays_in({key: value for key, value in kwargs.items() if key != "out"})]
    with np.errstate(all="ignore"):  # a GPU raises no floating-point errors
        result = numpy_function(*unwrapped(args), **unwrapped(kwargs))
    written = [array._memory for array in (*outs, *changes)]
    found = wrapped(result, [*read, *outs], written, "K" if name in LAID_OUT_ALIKE else "C")
    if written:
        counting.launched(name, [array._memory for array in read], written)
    return found


def wrapped(result, known, written, order):
    """A result in arrays of the device: a known one, a view of one, or a new one, which is added to the written."""
    if isinstance(result, list | tuple):
        items = [wrapped(item, known, written, order) for item in result]
        return items if isinstance(result, list) else tuple(items)
    if not isinstance(result, (np.ndarray, *NUMBERS)):
        return result
    memory = np.asarray(result)
    for array in known:
        if memory is array._memory:
            return array
        if memory.size and np.may_share_memory(memory, array._memory):
            return view(array, memory)
    written.append(np.asarray(memory, order=order))
    return place(type(known[0]), written[-1])


class Ufunc:
    """An element-wise function of CuPy: one launch, which takes arrays of the device and plain numbers."""

    def __init__(self, name):
        self.__name__ = self.name = name
        self.numpy_ufunc = getattr(np, name)
        self.nin, self.nout = self.numpy_ufunc.nin, self.numpy_ufunc.nout

    def __repr__(self):
        return f"<ufunc 'cupy_{self.name}'>"

    def __call__(self, *args, out=None, dtype=None, casting="same_kind", **wrong):
        if wrong:
            raise TypeError(f"Wrong arguments {wrong}")
        if not self.nin <= len(args) <= self.nin + self.nout:
            raise TypeError(f"Wrong number of arguments for 'cupy_{self.name}': {len(args)}")
        inputs, outs = args[: self.nin], args[self.nin :] or (out if isinstance(out, tuple) else (out,))
        outs = tuple(array for array in outs if array is not None)
        for value in inputs:
            if not isinstance(value, (DeviceArray, *NUMBERS)):
                raise TypeError(f"Unsupported type {type(value)}")
        if not arrays_in([*inputs, *outs]):
            raise TypeError(f"cupy.{self.name} of numbers alone would launch a kernel for them: use NumPy or math")
        for array in arrays_in(inputs):
            if any(shares(array, out) for out in arrays_in(outs)):
                copied(array)  # CuPy reads the copy; NumPy reaches the same result by itself
        options = {"casting": casting} | ({"out": outs} if outs else {}) | ({"dtype": dtype} if dtype else {})
        return run(self.name, self.numpy_ufunc, inputs, options, outs)

    def at(self, a, indices, b=None):
        """Changes elements one after the other, so that elements indexed twice change twice."""
        if self.name not in AT:
            raise NotImplementedError(f"`cupy_{self.name}.at` is not supported yet")
        indexing.change(a, indices, b, self.numpy_ufunc, AT[self.name])

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False):
        method = self.method({"add": "sum", "multiply": "prod"}, "reduce")
        return getattr(array, method)(axis, dtype, out, keepdims)

    def accumulate(self, array, axis=0, dtype=None, out=None):
        method = self.method({"add": "cumsum", "multiply": "cumprod"}, "accumulate")
        return getattr(array, method)(axis, dtype, out)

    def method(self, methods, what):
        if self.name not in methods:
            raise NotImplementedError(f"`cupy_{self.name}.{what}` is not supported yet")
        return methods[self.name]

    def outer(self, A, B, **kwargs):  # noqa: N803, the names that CuPy gives them
        return self(A.reshape(A.shape + (1,) * B.ndim), B, **kwargs)


UFUNCS = {name: Ufunc(name) for name in API["ufuncs"] if isinstance(getattr(np, name, None), np.ufunc)}


def shares(a, b):
    """Whether two different arrays overlap in memory, by their bounds."""
    return a is not b and np.may_share_memory(a._memory, b._memory)


def copied(array, dtype=None):
    """A copy, row by row."""
    return run("copy", np.array, (array, dtype), {"order": "C"})
