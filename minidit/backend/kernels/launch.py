"""How a layer meets its CUDA kernel: the switch between the two, and the launch itself."""

import functools
import importlib
import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from minidit.backend import array_module

FOLDER = Path(__file__).parent
KINDS = ("float32", "int64", "bool")  # dtypes of the arrays that kernels take

enabled = os.environ.get("MINIDIT_KERNELS") != "plain"


@contextmanager
def plain_kernels():
    """Inside, a GPU computes with the layers' own expressions, that is with CuPy's kernels instead of ours."""
    global enabled
    before, enabled = enabled, False
    try:
        yield
    finally:
        enabled = before


def on_gpu(operation):
    """Decorates a layer's function: for float32 arrays on a GPU, the kernel of the same name does its work.

    Args:
        operation: the function of that name in `minidit/backend/kernels/{operation}.py` launches the kernel. It takes
            the same arguments and returns the same results, so that the layer's docstring describes both; only the
            contents of caches may differ. Where the layer would broadcast or refuse arrays, it raises a ValueError.
    """

    def decorate(plain):
        @functools.wraps(plain)
        def op(*arguments, **options):
            if arguments and type(arguments[0]) is np.ndarray:  # nearly always, and small layers take microseconds
                return plain(*arguments, **options)
            array = first_array(arguments)
            if array is None or isinstance(array, np.ndarray) or not enabled or array.dtype != "float32":
                return plain(*arguments, **options)
            launcher = importlib.import_module(f"minidit.backend.kernels.{operation}")
            return getattr(launcher, plain.__name__)(*arguments, **options)

        return op

    return decorate


def first_array(arguments):
    """The first array among the values or in a cache among them; None if there are only numbers."""
    for value in arguments:
        found = first_array(value) if isinstance(value, tuple) else value
        if hasattr(found, "dtype") and not isinstance(found, np.generic):
            return found
    return None


def launch(
    file, name, blocks, threads, reads=(), updates=(), writes=(), numbers=(), shared_bytes=0, defines=None, strided=()
):
    """Starts a kernel; the host doesn't wait for it.

    Args:
        file: in this folder, such as "gelu.cu".
        name: of the kernel in it.
        blocks, threads: of the grid and of a block, a whole number or up to three of them.
        reads, updates, writes: arrays that are only read, read and written, only written; None is a null pointer. The
            kernel takes them in this order, as pointers, and then the numbers.
        numbers: whole ones go as `int`, others as `float`.
        shared_bytes: dynamic shared memory of each block.
        defines: name -> value of constants to compile in.
        strided: the arrays that needn't be contiguous, because the kernel takes their strides.
    Raises:
        ValueError: an array is of another type than kernels take, or not contiguous.
    """
    arrays = [array for array in (*reads, *updates, *writes) if array is not None]
    loose = [id(array) for array in strided]
    for array in arrays:
        if array.dtype.name not in KINDS:
            raise ValueError(f"{name} takes arrays of {', '.join(KINDS)}, not {array.dtype}")
        if not array.flags.c_contiguous and id(array) not in loose:
            raise ValueError(f"{name} takes contiguous arrays; one of shape {array.shape} has strides {array.strides}")
    arguments = (*map(pointer, (*reads, *updates, *writes)), *map(number, numbers))
    module = compiled(array_module(arrays[0]), file, tuple(sorted((defines or {}).items())))
    kernel = module.get_function(name)
    kernel(three(blocks), three(threads), arguments, shared_mem=shared_bytes)


@functools.cache
def compiled(xp, file, defines):
    """The module of a `.cu` file on a device, compiled when one of its kernels is first launched."""
    options = ("--std=c++17", f"-I{FOLDER}", *(f"-D{name}={value}" for name, value in defines))
    return xp.RawModule(code=(FOLDER / file).read_text(encoding="utf-8"), options=options)


def pointer(array):
    """An array as a kernel argument."""
    return np.uintp(0) if array is None else array


def number(value):
    """A number as a kernel argument: a plain Python number would be passed in eight bytes."""
    return np.int32(value) if isinstance(value, int | np.integer) else np.float32(value)


def three(sizes):
    """A grid's or block's size along x, y and z."""
    sizes = (sizes,) if isinstance(sizes, int) else tuple(sizes)
    return (*sizes, 1, 1)[:3]
