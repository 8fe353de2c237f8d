"""x[...] and x[...] = y by CuPy's rules, which differ from NumPy's if an index is itself an array.

- An index beyond the end is not an error: it wraps around.
- A list or a host array as index is first copied to the device, silently.
- For a mask, in reading and in writing, the host waits to learn how many elements it selects.
- If one place is assigned several values, chance decides which one stays. Here that is an error.

Source: CuPy 14.2, cupy/_core/_routines_indexing.pyx.
"""

import operator

import numpy as np

from minidit.backend.simulated import counting
from minidit.backend.simulated.memory import DeviceArray, place, view


def read(array, index):
    """array[index]: a view if the index has only numbers and slices, otherwise a new array."""
    items, arrays = parts_of(array, index)
    if not arrays:
        return view(array, array._memory[items])
    count_preparation(arrays)
    found = np.array(array._memory[items], order="C")
    counting.launched("take", [found, *arrays], [found])  # only the selected elements are read
    return place(type(array), found)


def write(array, index, value):
    """array[index] = value."""
    items, arrays = parts_of(array, index)
    if not arrays:
        copy_to(array._memory[items], value)
        return
    memory = memory_of(value, array.dtype)
    count_preparation(arrays)
    check_duplicates(array._memory, items, memory)
    array._memory[items] = memory
    counting.launched("scatter", [memory, *arrays], [array._memory[items].nbytes])


def change(array, index, value, ufunc, types):
    """ufunc.at: elements that are indexed twice change twice.

    Args:
        types: the characters of the dtypes for which the device can do that.
    Raises:
        TypeError: the array has another.
    """
    items, arrays = parts_of(array, index)
    if array.dtype.char not in types:
        raise TypeError(f"cupy.{ufunc.__name__}.at supports {', '.join(types)} as data type, not {array.dtype.char}")
    memory = memory_of(value, array.dtype)
    count_preparation(arrays)
    ufunc.at(array._memory, items, memory)
    changed = array._memory[items].nbytes
    counting.launched(f"{ufunc.__name__}.at", [memory, changed, *arrays], [changed])


def parts_of(array, index):
    """An index for NumPy with the effect of this one in CuPy, and the arrays among its parts."""
    items = [part(item) for item in (index if isinstance(index, tuple) else (index,))]
    taken = sum(axes_of(item) for item in items)
    if taken > array.ndim:
        raise IndexError(f"too many indices for array: array is {array.ndim}-dimensional, but {taken} were indexed")
    if not any(item is Ellipsis for item in items):
        items.append(Ellipsis)  # by which even a single element comes as an array
    axis = 0
    for position, item in enumerate(items):
        if is_array(item) and item.dtype != bool and array.shape[axis]:
            items[position] = item % array.shape[axis]
        axis += array.ndim - taken if item is Ellipsis else axes_of(item)
    return tuple(items), [item for item in items if is_array(item)]


def part(item):
    """One part of an index: None, an ellipsis, a slice, a number or an array."""
    if item is None or item is Ellipsis or isinstance(item, slice):
        return item
    if isinstance(item, int | np.integer) and not isinstance(item, bool):
        return operator.index(item)
    if isinstance(item, DeviceArray):
        item = item._memory
    elif isinstance(item, np.ndarray | list | tuple | bool | np.bool):
        item = np.asarray(item, None if np.size(item) else np.int32)
        counting.copied_to_device(item.nbytes, hidden="an index of the host")
    if not is_array(item) or item.dtype.kind not in "biu":
        given = item.dtype if is_array(item) else repr(item)
        raise IndexError(f"arrays used as indices must be of integer or boolean type, not {given}")
    return item


def is_array(item):
    """Whether an index is an array, not a number or a slice."""
    return isinstance(item, np.ndarray)


def axes_of(item):
    """How many axes of the array this part of an index covers."""
    if item is None or item is Ellipsis:
        return 0
    return item.ndim if is_array(item) and item.dtype == bool else 1


def count_preparation(arrays):
    """The steps that CuPy takes before it can use index arrays."""
    for item in arrays:
        if item.dtype == bool:
            counting.synchronised("the number of elements that a mask selects")
            counting.launched("scan_mask", [item], [4 * item.size])
    if len(arrays) > 1:  # makes one index of all
        size = 8 * max(item.size for item in arrays)
        counting.launched("memset", (), [size])
        for item in arrays:
            counting.launched("combine_indices", [item, size], [size])


def check_duplicates(memory, items, value):
    """Raises where an assignment would put two different elements of the value into one place."""
    places = np.arange(memory.size).reshape(memory.shape)[items]
    sources = np.broadcast_to(np.arange(value.size).reshape(value.shape), places.shape)
    if len(np.unique(places)) < len(np.unique(places * max(value.size, 1) + sources)):
        raise ValueError("several values are assigned to one place: which of them stays is undefined in CuPy")


def copy_to(target, value):
    """Fills memory with a number, or with the elements of an array of the device."""
    if not isinstance(value, DeviceArray):
        fill(target, value)
        return
    source = value._memory
    if source.ctypes.data == target.ctypes.data and (source.shape, source.strides) == (target.shape, target.strides):
        return  # x[i] += y ends by assigning x[i] to itself
    if np.may_share_memory(source, target):
        counting.launched("copy", [source], [source.nbytes])
        source = source.copy()
    target[...] = source
    counting.launched("copy", [source], [target])


def fill(target, value):
    """Fills memory with one number."""
    number = np.asarray(value, target.dtype)
    if number.ndim:
        raise ValueError("non-scalar numpy.ndarray cannot be used for fill: an array of the host is assigned")
    target[...] = number
    counting.launched("fill" if number or not target.flags.c_contiguous else "memset", (), [target])


def memory_of(value, dtype):
    """The value to assign, in memory of the device."""
    if isinstance(value, DeviceArray):
        return value._memory
    memory = np.asarray(value, dtype)
    if memory.ndim:
        counting.copied_to_device(memory.nbytes, hidden="a value of the host is assigned")
    else:
        counting.launched("fill" if memory else "memset", (), [memory])
    return memory
