"""The memory of a simulated GPU: its contents, and how much of it is in use."""

import numpy as np

from minidit.backend import arrays_in as nested

GRAIN = 512  # bytes; CuPy's pool hands out whole multiples of it
SUPPORTED = "?bhilqBHILQefdFD"  # the types of elements that CuPy knows


class MemoryPool:
    """CuPy's memory pool, which here only keeps totals."""

    def __init__(self):
        self._used = self._held = 0

    def used_bytes(self):
        """Bytes of the live arrays."""
        return self._used

    def total_bytes(self):
        """Bytes taken from the device: the most that were used at once since the pool was emptied."""
        return self._held

    def free_bytes(self):
        return self._held - self._used

    def free_all_blocks(self, stream=None):
        """Returns unused memory to the device."""
        self._held = self._used

    def _change(self, size):
        self._used += size
        self._held = max(self._held, self._used)


pool = MemoryPool()


def get_default_memory_pool():
    """The pool that provides the memory of all arrays."""
    return pool


class Allocation:
    """A block of device memory, shared by all arrays that view it, and freed with the last of them."""

    __slots__ = ("size",)

    def __init__(self, size):
        self.size = -(-size // GRAIN) * GRAIN
        pool._change(self.size)

    def __del__(self):
        pool._change(-self.size)


def uninitialised(shape, dtype=float, order="C"):
    """New memory as a NumPy array, filled with values that show when used by mistake: NaN, or a large odd number."""
    return with_garbage(np.empty(shape, supported(dtype), order=order or "C"))


def with_garbage(memory):
    """The memory itself, filled with values that show when used by mistake."""
    kind = memory.dtype.kind
    memory.fill(np.nan if kind in "fc" else True if kind == "b" else np.iinfo(memory.dtype).max // 3 * 2 + 1)
    return memory


def supported(dtype):
    """A NumPy dtype, if CuPy has arrays of it.

    Raises:
        ValueError: it hasn't.
    """
    dtype = np.dtype(dtype)
    if dtype.char not in SUPPORTED or not dtype.isnative:
        raise ValueError(f"Unsupported dtype {dtype}")
    return dtype


class DeviceArray:
    """An array in the memory of the device, without operations: see `array.py` for those.

    The memory is a NumPy array that nobody outside the simulated device gets to see.
    """

    __slots__ = ("_allocation", "_memory", "base")


def place(kind, memory):
    """A new array of a kind of DeviceArray, with its own memory."""
    array = object.__new__(kind)
    array._memory, array._allocation, array.base = memory, Allocation(memory.nbytes), None
    return array


def view(array, memory):
    """An array of the same kind over a part of an array's memory."""
    part = object.__new__(type(array))
    part._memory, part._allocation = memory, array._allocation
    part.base = array if array.base is None else array.base
    return part


def arrays_in(value):
    """The arrays of the device among arguments, at any depth of lists, tuples and dicts: a list."""
    return nested(value, DeviceArray)


def unwrapped(value):
    """The same arguments with NumPy arrays in place of the device's.

    Raises:
        TypeError: there is an array of the host among them.
    """
    if isinstance(value, DeviceArray):
        return value._memory
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {np.ndarray}: an array of the host among those of the device")
    if isinstance(value, list | tuple):
        return type(value)(map(unwrapped, value)) if type(value) in (list, tuple) else value
    if isinstance(value, dict):
        return {key: unwrapped(item) for key, item in value.items()}
    return value
