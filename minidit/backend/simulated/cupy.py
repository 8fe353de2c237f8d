"""CuPy, simulated on the CPU: a GPU for those who have none.

It has the names and rules of CuPy 14, so that whatever fails on a GPU fails here: arrays of host and device don't mix,
nothing is copied between them unless you ask for it, and uninitialised memory holds garbage. It is stricter where CuPy
lets a mistake pass, such as the sum of a host array. Use it in place of cupy:

    from minidit.backend.simulated import cupy as xp
    with xp.count() as counted:
        y = xp.exp(xp.asarray(numbers))
    print(counted.launches)

It can do what minidit needs. NumPy computes the numbers, `cuda_on_cpu` runs the kernels, and the snapshot
`cupy_api.json` lists the names. `count`, `allow_synchronize` and `kernels_left_out` are additions.
"""

from minidit.backend.simulated import cuda
from minidit.backend.simulated import generator as random
from minidit.backend.simulated.api import API as _API
from minidit.backend.simulated.array import ndarray
from minidit.backend.simulated.counting import DeviceSynchronized, allow_synchronize, count
from minidit.backend.simulated.creation import (
    arange,
    array,
    asarray,
    ascontiguousarray,
    asnumpy,
    concatenate,
    copyto,
    empty,
    empty_like,
    eye,
    full,
    full_like,
    get_array_module,
    linspace,
    ones,
    ones_like,
    size,
    stack,
    take,
    zeros,
    zeros_like,
)
from minidit.backend.simulated.functions import Ufunc as ufunc
from minidit.backend.simulated.functions import linalg
from minidit.backend.simulated.functions import named as _named
from minidit.backend.simulated.memory import get_default_memory_pool
from minidit.backend.simulated.products import dot, matmul, vdot
from minidit.backend.simulated.raw_module import RawKernel, RawModule, kernels_left_out

__all__ = [
    "DeviceSynchronized", "RawKernel", "RawModule", "allow_synchronize", "arange", "array", "asarray",
    "ascontiguousarray", "asnumpy", "concatenate", "copyto", "count", "cuda", "dot", "empty", "empty_like", "eye",
    "full", "full_like", "get_array_module", "get_default_memory_pool", "kernels_left_out", "linalg", "linspace",
    "matmul", "ndarray", "ones", "ones_like", "random", "size", "stack", "take", "ufunc", "vdot", "zeros",
    "zeros_like",
]  # fmt: skip
__version__ = _API["version"]


def __getattr__(name):
    """All other names: NumPy's, if CuPy has them."""
    return _named(name)
