"""`cupy.RawModule` and `cupy.RawKernel`, simulated: CUDA C kernels, run on the CPU or only counted."""

import itertools
from contextlib import contextmanager

import numpy as np

from minidit.backend.simulated import counting
from minidit.backend.simulated.cuda_on_cpu import CudaOnCpu
from minidit.backend.simulated.memory import DeviceArray, unwrapped

MOST_WORK = 10_000  # effort to find out whether two arrays overlap; beyond it they count as separate

_left_out = False
_seeds = itertools.count(1)


@contextmanager
def kernels_left_out():
    """Inside, kernels are counted but neither compiled nor run: their outputs stay uninitialised."""
    global _left_out
    before, _left_out = _left_out, True
    try:
        yield
    finally:
        _left_out = before


class RawModule:
    """The kernels of a CUDA C text; it is compiled when one of them is first run."""

    def __init__(self, *, code, options=()):
        self.code, self.options = code, as_tuple(options, "options")
        self.kernels = CudaOnCpu(code, options)

    def get_function(self, name):
        return RawKernel(self.code, name, self.options, kernels=self.kernels)


class RawKernel:
    """One kernel: `kernel(grid, block, args)` launches it."""

    def __init__(self, code, name, options=(), *, kernels=None):
        self.code, self.name, self.options = code, name, as_tuple(options, "options")
        self.kernels = kernels or CudaOnCpu(code, options)
        if name not in self.kernels.signatures:
            raise RuntimeError(f"CUDA_ERROR_NOT_FOUND: named symbol not found: the text has no kernel {name}")

    def __call__(self, grid, block, args, *, shared_mem=0, stream=None):
        """Launches the kernel.

        Args:
            grid, block: tuples of up to three sizes.
            args: arrays of the device, and numbers of NumPy's types.
            shared_mem: bytes of dynamic shared memory of each block.
        Raises:
            TypeError, ValueError: for arguments that a GPU wouldn't accept, or would misread.
        """
        grid, block = ((*as_tuple(sizes, "grid and block"), 1, 1)[:3] for sizes in (grid, block))
        seed = next(_seeds)  # blocks and warps take turns in a different order in every launch
        reads, writes = self.moved(args)
        counting.launched(self.name, reads, writes)
        if not _left_out:
            kernel = self.kernels.get_function(self.name)
            kernel(grid, block, unwrapped(tuple(args)), shared_mem=shared_mem, seed=seed)

    def moved(self, args):
        """The memory that the kernel reads, and the memory that it writes.

        Its parameters show this: `const float*` is read, `float* __restrict__` is written, and `float*`, which promises
        neither, is both.
        """
        parameters = self.kernels.signatures[self.name]["parameters"].split(",")
        if len(parameters) != len(args):
            raise TypeError(f"{self.name} takes {len(parameters)} arguments, not {len(args)}")
        moved = []
        for parameter, argument in zip(parameters, args, strict=True):
            if isinstance(argument, DeviceArray) and "*" in parameter:
                constant, restricted = "const " in parameter.partition("*")[0], "__restrict__" in parameter
                moved.append((argument._memory, constant or not restricted, not constant, restricted))
            elif not isinstance(argument, np.generic):
                raise TypeError(f"{self.name}: {' '.join(parameter.split())} can't be {type(argument)}")
        for (a, _, written_a, restricted_a), (b, _, written_b, restricted_b) in itertools.combinations(moved, 2):
            if (restricted_a or restricted_b) and (written_a or written_b) and overlap(a, b):
                raise ValueError(f"{self.name}: memory that it writes is passed to it twice, once as __restrict__")
        return [memory for memory, read, *_ in moved if read], [memory for memory, _, written, _ in moved if written]


def overlap(a, b):
    """Whether two arrays share memory; False if finding out would take too long."""
    try:
        return np.shares_memory(a, b, max_work=MOST_WORK)
    except np.exceptions.TooHardError:
        return False


def as_tuple(value, what):
    """CuPy takes nothing else."""
    if not isinstance(value, tuple):
        raise TypeError(f"expected a tuple as {what}, got {type(value).__name__}")
    return value
