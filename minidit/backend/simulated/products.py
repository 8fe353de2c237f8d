"""CuPy's matrix products, with the copies that CuPy makes before and after cuBLAS does its work.

cuBLAS accepts a single matrix as it is or as its transpose, if its rows or its columns are contiguous in memory. CuPy
copies each stack of matrices that isn't stored row by row as a whole.
Source: CuPy 14.2, cupy/_core/_routines_linalg.pyx, `matmul` and `tensordot_core`.
"""

import numpy as np

from minidit.backend.simulated import counting, indexing
from minidit.backend.simulated.functions import UFUNCS, copied, run, shares
from minidit.backend.simulated.memory import DeviceArray


def matmul(x1, x2, /, out=None):
    """Matrix product: (..., I, K) and (..., K, J) -> (..., I, J)."""
    check_types(x1, x2, out)
    if x1.ndim == x2.ndim == 1:
        return put_into(out, vdot(x1, x2))
    stacks = max(x1.ndim, x2.ndim) > 2
    dtype = np.promote_types(x1.dtype, x2.dtype)
    a, b = (readable(array, dtype, stacks) for array in (x1, x2))
    if stacks:
        count_pointers(a.shape[:-2], b.shape[:-2])
    direct = out is not None and out.dtype == dtype and out._memory.flags.c_contiguous
    if direct and not any(array is out or shares(array, out) for array in (a, b)):
        return run("matmul", np.matmul, (a, b), {"out": out}, out)
    return put_into(out, run("matmul", np.matmul, (a, b), {}))


def dot(a, b, out=None):
    """Product of the last axis of a with the last but one of b, of all pairs of matrices."""
    check_types(a, b, out)
    if a.ndim == 0 or b.ndim == 0:
        return UFUNCS["multiply"](a, b, out=out)
    if max(a.ndim, b.ndim) <= 2:
        return matmul(a, b, out)
    return put_into(out, run("dot", np.dot, (a, b), {}))


def vdot(a, b):
    """Dot product of all elements: CuPy multiplies, then sums."""
    check_types(a, b, None)
    if a.size != b.size:
        raise ValueError("Axis dimension mismatch")
    return UFUNCS["multiply"](a.ravel(), b.ravel()).sum()


def check_types(a, b, out):
    """Refuses whatever CuPy's matrix products refuse.

    Raises:
        TypeError: a factor, or `out`, isn't an array of the device.
    """
    for array in (a, b):
        if not isinstance(array, DeviceArray):
            raise TypeError(f"Unsupported type {type(array)}")
    if not isinstance(out, DeviceArray | None):
        raise TypeError("Output arguments type must be cupy.ndarray")


def readable(array, dtype, stacks):
    """The array itself, or a copy if cuBLAS couldn't read it."""
    flags = array._memory.flags
    fits = array.dtype == dtype and (flags.c_contiguous or flags.f_contiguous and not stacks)
    return array if fits else copied(array, dtype)


def count_pointers(leading_a, leading_b):
    """If one matrix serves several, CuPy has the device compute the addresses of the matrices on all three sides."""
    batch = np.broadcast_shapes(leading_a, leading_b)
    if any((1,) * (len(batch) - len(leading)) + leading != batch for leading in (leading_a, leading_b)):
        for axis in 3 * [*range(len(batch))]:
            counting.launched("matrix_pointers", (), [8 * int(np.prod(batch[: axis + 1]))])


def put_into(out, result):
    """A result, copied to `out`."""
    if out is None:
        return result
    if out.shape != result.shape:
        raise ValueError("Output array has an invalid size")
    indexing.copy_to(out._memory, result)
    return out
