"""What lies around each latent: the input of a decoder whose patches should meet without seams.

A linear layer on these rows is a convolution, its kernel as large as the window.
"""

from itertools import product

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
    xp, grid = array_module(x), x.shape[1:4]
    padded = xp.pad(x, [(0, 0), *((size // 2, size // 2) for size in window), (0, 0)])
    y = xp.concatenate([padded[cells] for cells in _shifted(grid, window)], axis=-1)  # N, f, r, c, K · C
    return y, (x.shape, window)


def neighbours_backward(dy, cache):
    """Returns dx (N, f, r, c, C): each cell was in as many windows as there are cells in one, but for the edges."""
    (N, *grid, C), window = cache
    xp = array_module(dy)
    dpadded = xp.zeros((N, *(n + size // 2 * 2 for n, size in zip(grid, window, strict=True)), C), dy.dtype)
    for i, cells in enumerate(_shifted(grid, window)):
        dpadded[cells] += dy[..., i * C : (i + 1) * C]
    inside = tuple(slice(size // 2, size // 2 + n) for n, size in zip(grid, window, strict=True))
    return dpadded[:, *inside]


def _shifted(grid, window):
    """For each place in a window, the part of the padded array that holds the cells at this place."""
    for offsets in product(*map(range, window)):
        yield (slice(None), *(slice(start, start + n) for start, n in zip(offsets, grid, strict=True)))
