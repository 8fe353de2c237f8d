"""The one seam between host and device: which array library the given arrays belong to, and the way across."""

import ctypes
import sys
from functools import lru_cache

import numpy as np


def array_module(*arrays):
    """The library that made these arrays: numpy, or cupy when the first of them lives on a GPU.

    Layers call it as ``xp = array_module(x)`` and then write ``xp.exp(x)``, so that the same line runs on both.
    cupy is looked up among the modules already loaded: an array of its kind can't exist unless someone imported it.
    The same goes for its double (`minidit.backend.simulated.cupy`), which is one module.
    """
    home = type(arrays[0]).__module__
    library = home.partition(".")[0]
    return np if library == "numpy" else sys.modules["cupy" if library == "cupy" else home]


def to_host(x):
    """An array as NumPy's: itself, or a copy from the GPU, for which the host waits until all its work is done."""
    return x if isinstance(x, np.ndarray) else x.get()


def moved(x, xp):
    """An array on the device of an array library: itself where it is there already, else a copy.

    Args:
        x: (...) on either device.
        xp: numpy or cupy.
    """
    return to_host(x) if xp is np else xp.asarray(x)


def number(x):
    """A single value as a Python float; on a GPU it stays there, as an array (), for the host would have to wait."""
    return float(x) if isinstance(x, np.ndarray | np.generic) else x


def row_dot(a, b):
    """Dot product over the last axis: (..., D) and (..., D) -> (...).

    NumPy has a fused routine for it, which makes no array of the products.
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
    """Tokens with one vector for each sample; with one for each token, each token is made a sample of its own.

    Args:
        x: (..., T, D).
        vector: (..., D) or (..., T, D).
    Returns:
        x as it is, or a view (..., T, 1, D).
    """
    return x[..., None, :] if vector.ndim == x.ndim else x


@lru_cache(maxsize=256)
def constants(count, value, dtype):
    """A vector (count,) of one value, made once: for small layers, making it takes as long as using it."""
    return np.full(count, value, dtype)


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
