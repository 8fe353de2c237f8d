"""CuPy's functions that make arrays, simulated: from the host, new ones, and from other arrays."""

import sys

import numpy as np

from minidit.backend.simulated import counting, indexing
from minidit.backend.simulated.array import ndarray
from minidit.backend.simulated.functions import copied, run
from minidit.backend.simulated.memory import (
    DeviceArray,
    arrays_in,
    place,
    supported,
    uninitialised,
    unwrapped,
    with_garbage,
)

LARGE_PIECE = 2 * 2**20  # bytes; one kernel concatenates many arrays if they are smaller on average


def get_array_module(*args):
    """The library that makes arrays such as these: this one, or numpy."""
    return sys.modules[ndarray.__module__] if arrays_in(args) else np


def size(a, axis=None):
    """How many numbers an array has, or along an axis."""
    only_device("size", a)
    return np.size(a._memory, axis)


# From host to device and back


def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    """A copy on the device, of a device array or a host array."""
    if isinstance(obj, DeviceArray):
        made = obj.astype(obj.dtype if dtype is None else dtype, order=order or "K", copy=bool(copy))
    elif isinstance(obj, list | tuple) and obj and all(isinstance(item, DeviceArray) for item in obj):
        made = stack([*obj]).astype(obj[0].dtype if dtype is None else dtype, copy=False)
    else:
        made = uploaded(np.array(obj, dtype, order="F" if order == "F" else "C"), blocking)
    return made.reshape((1,) * (ndmin - made.ndim) + made.shape) if ndmin > made.ndim else made


def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    """On the device: a copy of a host array, or the device array itself."""
    return array(a, dtype, copy, order, blocking=blocking)


def uploaded(memory, blocking):
    """An array on the device with the numbers of one on the host; a single number travels as a kernel's argument."""
    made = place(ndarray, memory.astype(supported(memory.dtype)))
    if memory.ndim == 0:
        counting.launched("fill" if memory else "memset", (), [memory])
    else:
        counting.copied_to_device(memory.nbytes)
    if blocking:
        counting.synchronised("a blocking copy to the device")
    return made


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    """On the host."""
    if isinstance(a, DeviceArray):
        return a.get(stream, order, out, blocking)
    return np.asarray(a, order=order)


def ascontiguousarray(a, dtype=None):
    """The array itself, or a copy of it, row by row."""
    only_device("ascontiguousarray", a)
    dtype = a.dtype if dtype is None else supported(dtype)
    if a.flags.c_contiguous and dtype == a.dtype:
        return a if a.ndim else a.ravel()
    return copied(a, dtype)


def only_device(name, *arrays):
    """Refuses anything but arrays of the device.

    Raises:
        TypeError: one of the values is something else.
    """
    for value in arrays:
        if not isinstance(value, DeviceArray):
            raise TypeError(f"cupy.{name} takes arrays of the device, not {type(value)}")


# New arrays


def empty(shape, dtype=float, order="C"):
    """A new array with arbitrary values, chosen here so that using them by mistake shows."""
    return place(ndarray, uninitialised(shape, dtype, order))


def zeros(shape, dtype=float, order="C"):
    """A new array of zeros."""
    return filled(empty(shape, dtype, order), 0)


def ones(shape, dtype=float, order="C"):
    """A new array of ones."""
    return filled(empty(shape, dtype, order), 1)


def full(shape, fill_value, dtype=None, order="C"):
    """A new array that holds one value everywhere."""
    if dtype is None:
        dtype = fill_value.dtype if isinstance(fill_value, DeviceArray) else np.array(fill_value).dtype
    return filled(empty(shape, dtype, order), fill_value)


def empty_like(prototype, dtype=None, order="K", subok=None, shape=None):
    """As `empty`, of the shape and dtype of another array."""
    only_device("empty_like", prototype)
    if subok is not None:
        raise TypeError("subok is not supported yet")
    dtype = prototype.dtype if dtype is None else supported(dtype)
    return place(ndarray, with_garbage(np.empty_like(prototype._memory, dtype, order, shape=shape)))


def zeros_like(a, dtype=None, order="K", subok=None, shape=None):
    """As `zeros`, of the shape and dtype of another array."""
    return filled(empty_like(a, dtype, order, subok, shape), 0)


def ones_like(a, dtype=None, order="K", subok=None, shape=None):
    """As `ones`, of the shape and dtype of another array."""
    return filled(empty_like(a, dtype, order, subok, shape), 1)


def full_like(a, fill_value, dtype=None, order="K", subok=None, shape=None):
    """As `full`, of the shape and dtype of another array."""
    return filled(empty_like(a, dtype, order, subok, shape), fill_value)


def filled(made, value):
    """A new array, once a kernel has filled it with a value."""
    indexing.copy_to(made._memory, value)
    return made


def arange(start, stop=None, step=1, dtype=None):
    """Evenly spaced numbers, without `stop`."""
    if dtype is None:
        dtype = float if any(isinstance(value, float | np.floating) for value in (start, stop, step)) else int
    return worked_out("arange", np.arange, *((0, start) if stop is None else (start, stop)), step, supported(dtype))


def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    """This many evenly spaced numbers, the last included."""
    return worked_out("linspace", np.linspace, start, stop, num, endpoint, retstep, dtype, axis)


def eye(N, M=None, k=0, dtype=float, order="C"):  # noqa: N803, the names that CuPy gives them
    """Ones on a diagonal, zeros elsewhere."""
    return worked_out("eye", np.eye, N, M, k, supported(dtype), order)


def worked_out(name, numpy_function, *sizes):
    """A new array that a kernel computes from numbers of the host."""
    if arrays_in(sizes):
        raise TypeError(f"cupy.{name} takes numbers of the host: the simulated one can't fetch any from the device")
    made = place(ndarray, numpy_function(*sizes))
    counting.launched(name, (), [made._memory])
    return made


# From other arrays


def take(a, indices, axis=None, out=None):
    """Elements along an axis, by index."""
    only_device("take", a)
    return a.take(indices, axis, out)


def concatenate(tup, axis=0, out=None, *, dtype=None, casting="same_kind"):
    """Joins arrays along an axis: one copy each, or a single kernel for more than eight small ones."""
    for value in tup:
        if not isinstance(value, DeviceArray):
            raise TypeError("Only cupy arrays can be concatenated")
    joined = np.concatenate(unwrapped([*tup]), axis, dtype=dtype, casting=casting)
    if out is None:
        out = place(ndarray, np.asarray(joined, order="C"))
    else:
        only_device("concatenate", out)
        out._memory[...] = joined
    if len(tup) > 8 and sum(value.nbytes for value in tup) < LARGE_PIECE * len(tup):
        counting.copied_to_device(8 * len(tup), hidden="concatenate's list of more than eight addresses")
        counting.launched("concatenate", [value._memory for value in tup], [out._memory])
    else:
        for value in tup:
            counting.launched("copy", [value._memory], [value.size * out.itemsize])
    return out


def stack(tup, axis=0, out=None, *, dtype=None, casting="same_kind"):
    """Joins arrays along a new axis."""
    only_device("stack", *tup)
    return concatenate([run("view", np.expand_dims, (value, axis), {}) for value in tup], axis, out, dtype=dtype)


def copyto(dst, src, casting="same_kind", where=None):
    """Copies into an array, everywhere or where a mask says so."""
    only_device("copyto", dst)
    if where is None:
        indexing.copy_to(dst._memory, src)
    else:
        run("copyto", np.copyto, (dst, src, casting, where), {}, changes=(dst,))
