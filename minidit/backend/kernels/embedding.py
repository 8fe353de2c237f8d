"""Launches embedding.cu: the gradient of the table of an embedding."""

from minidit.backend import array_module
from minidit.backend.kernels.grids import COLUMNS, ceil_div, expect
from minidit.backend.kernels.launch import launch

# V = words in the vocabulary, D = width


def embedding_backward(dy, cache):
    """Returns dtable (V, D); a word that occurs twice gets both gradients."""
    ids, (V, D) = cache
    expect((*ids.shape, D), dy=dy)
    xp = array_module(dy)
    ids = xp.ascontiguousarray(ids, "int64")        # ...
    dtable = xp.empty((V, D), dy.dtype)             # V, D
    blocks = (V, ceil_div(D, COLUMNS))
    launch("embedding.cu", "embedding_backward", blocks, COLUMNS, (ids, dy), writes=(dtable,), numbers=(ids.size, D))
    return dtable
