"""The one seam between host and device: which array library the given arrays belong to."""

import ctypes
import sys
from functools import lru_cache

import numpy as np


def array_module(*arrays):
    """The library that made these arrays: numpy, or cupy when the first of them lives on a GPU.

    Layers call it as ``xp = array_module(x)`` and then write ``xp.exp(x)``, so that the same line runs on both.
    cupy is looked up among the modules already loaded: an array of its kind can't exist unless someone imported it.
    """
    library = type(arrays[0]).__module__.partition(".")[0]
    return np if library == "numpy" else sys.modules[library]


def row_dot(a, b):
    """Dot product over the last axis: (..., D) and (..., D) -> (...).

    NumPy has a fused routine for it, which makes no array of the products.
    """
    xp = array_module(a)
    return np.vecdot(a, b) if xp is np else (a * b).sum(axis=-1)


def sum_rows(x):
    """Sum over all rows: (..., N, D) -> (..., D). A product with ones, which is faster than `x.sum(axis=-2)`."""
    return constants(array_module(x), x.shape[-2], 1.0, x.dtype) @ x


def row_mean(x):
    """Mean of each row: (..., D) -> (..., 1). A product with 1/D, which is faster than `x.mean(axis=-1)`."""
    D = x.shape[-1]
    return x @ constants(array_module(x), D, 1 / D, x.dtype)[:, None]


@lru_cache(maxsize=256)
def constants(xp, count, value, dtype):
    """A vector (count,) of one value, made once: for small layers, making it takes as long as using it."""
    return xp.full(count, value, dtype)


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
LARGEST_MMAP_THRESHOLD = 32 * 2**20  # bytes; glibc accepts no more
KEPT = 2**30  # bytes of freed memory that may stay with the process


def keep_freed_memory():
    """Makes this process keep the memory that it frees, where the C library is glibc; elsewhere does nothing.

    A forward pass makes and frees large arrays all the time. By default glibc gives their pages back to the system,
    which then has to fetch and clear each one again at its next use: hundreds of thousands of page faults while 64
    clips are sampled, as `/usr/bin/time -v` shows with and without this.
    Source: man 3 mallopt.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
        mallopt(M_TRIM_THRESHOLD, KEPT)
