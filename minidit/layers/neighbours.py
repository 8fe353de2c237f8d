"""What lies around each latent: the input of a decoder whose patches should meet without seams.

A linear layer on these rows is a convolution, its kernel as large as the window.
"""

from itertools import product
from math import prod

from minidit.backend import array_module

# N = clips; f, r, c = frames, rows, columns; C = channels; K = cells of a window, kf · kr · kc


def neighbours_forward(x, window):
    """Joins each cell with the cells around it; beyond the edges there are zeros.

    Args:
        x: (N, f, r, c, C).
        window: (kf, kr, kc), odd numbers of frames, rows and columns, each cell in the middle of its own window.
    Returns:
        y (N, f, r, c, K · C), a window's cells in the order of frames, rows, columns; and a cache for
        `neighbours_backward`.
    Source: the unfolding of a convolution into a matrix product, Chellapilla et al. 2006, section 4.1.
    """
    xp, C = array_module(x), x.shape[-1]
    padded, inside = _room(x.shape, window, xp, x.dtype)
    padded[inside] = x
    y = xp.empty((*x.shape[:-1], prod(window) * C), x.dtype)  # N, f, r, c, K · C
    for i, cells in enumerate(_shifted(x.shape, window)):
        y[..., i * C : (i + 1) * C] = padded[cells]
    return y, (x.shape, window)


def neighbours_backward(dy, cache):
    """Returns dx (N, f, r, c, C): each cell was in as many windows as there are cells in one, but for the edges."""
    shape, window = cache
    C = shape[-1]
    dpadded, inside = _room(shape, window, array_module(dy), dy.dtype)
    for i, cells in enumerate(_shifted(shape, window)):
        dpadded[cells] += dy[..., i * C : (i + 1) * C]
    return dpadded[inside]


def _room(shape, window, xp, dtype):
    """Zeros for the cells and what lies beyond the edges, and the index of the part that holds the cells."""
    N, *grid, C = shape
    edges = [size // 2 for size in window]
    padded = xp.zeros((N, *(n + 2 * edge for n, edge in zip(grid, edges, strict=True)), C), dtype)
    return padded, (slice(None), *(slice(edge, edge + n) for n, edge in zip(grid, edges, strict=True)))


def _shifted(shape, window):
    """For each place in a window, the index of the cells at this place, in the array with what lies beyond."""
    for offsets in product(*map(range, window)):
        yield (slice(None), *(slice(start, start + n) for start, n in zip(offsets, shape[1:4], strict=True)))
