"""The only seam between host and device: which library an array belongs to, and how to move it across."""

import ctypes
import sys
from functools import lru_cache

import numpy as np


def array_module(*arrays):
    """The library that made these arrays: numpy, or cupy when the first of them lives on a GPU.

    Layers call it as ``xp = array_module(x)`` and then write ``xp.exp(x)``, so that the same line runs on both. It
    looks for cupy among the loaded modules only: without an import, no cupy array can exist. The same holds for its
    simulated version (`minidit.backend.simulated.cupy`).
    """
    home = type(arrays[0]).__module__
    library = home.partition(".")[0]
    return np if library == "numpy" else sys.modules["cupy" if library == "cupy" else home]


def to_host(x):
    """An array as a NumPy array: itself, or a copy from the GPU, which waits until the GPU has finished its work."""
    return x if isinstance(x, np.ndarray) else x.get()


def moved(x, xp):
    """An array on the device of an array library: itself if it is there already, else a copy.

    Args:
        x: (...) on either device.
        xp: numpy or cupy.
    """
    return to_host(x) if xp is np else xp.asarray(x)


def number(x):
    """A single value as a Python float; a value on a GPU stays there as an array (), or the host would have to wait."""
    return float(x) if isinstance(x, np.ndarray | np.generic) else x


def row_dot(a, b):
    """Dot product over the last axis: (..., D) and (..., D) -> (...).

    NumPy has a fused routine that makes no array of the products.
    """
    xp = array_module(a)
    return np.vecdot(a, b) if xp is np else (a * b).sum(axis=-1)


def sum_rows(x):
    """Sum over all rows: (..., N, D) -> (..., D). A product with ones is faster in NumPy than `x.sum(axis=-2)`."""
    return constants(x.shape[-2], 1.0, x.dtype) @ x if array_module(x) is np else x.sum(axis=-2)


def row_mean(x):
    """Mean of each row: (..., D) -> (..., 1). A product with 1/D is faster in NumPy than `x.mean(axis=-1)`."""
    if array_module(x) is not np:
        return x.mean(axis=-1, keepdims=True)
    D = x.shape[-1]
    return x @ constants(D, 1 / D, x.dtype)[:, None]


def as_samples(x, vector):
    """Tokens with one vector for each sample. With one vector for each token, each token becomes its own sample.

    Args:
        x: (..., T, D).
        vector: (..., D) or (..., T, D).
    Returns:
        x as it is, or a view (..., T, 1, D).
    """
    return x[..., None, :] if vector.ndim == x.ndim else x


def arrays_in(value, kind=np.ndarray):
    """All arrays of a kind in a value, at any depth of nested tuples, lists and dicts: a list, in order."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple | list):
        return [array for part in value for array in arrays_in(part, kind)]
    return [value] if isinstance(value, kind) else []


def empty_like_queries(q):
    """An array (..., H, T, d) that lies in memory as (..., T, H, d), so that joining the heads costs nothing."""
    *leading, H, T, d = q.shape
    return array_module(q).empty((*leading, T, H, d), q.dtype).swapaxes(-3, -2)


@lru_cache(maxsize=256)
def constants(count, value, dtype):
    """A cached vector (count,) of one value: for small layers, making it takes as long as using it."""
    return np.full(count, value, dtype)


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
LARGEST_MMAP_THRESHOLD = 32 * 2**20  # bytes; glibc's maximum
KEPT = 2**30  # bytes of freed memory that may stay with the process


def keep_freed_memory():
    """Makes this process keep the memory that it frees, if the C library is glibc; otherwise does nothing.

    A forward pass makes and frees large arrays all the time. By default glibc returns their pages to the system, which
    has to provide and clear each one again at its next use. `/usr/bin/time -v` shows hundreds of thousands of such page
    faults while 64 clips are sampled.
    Source: man 3 mallopt.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
        mallopt(M_TRIM_THRESHOLD, KEPT)
