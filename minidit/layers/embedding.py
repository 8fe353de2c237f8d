"""Token embedding: a number stands for a word, a row of a table for its meaning."""

from minidit.backend import array_module
from minidit.backend.kernels.launch import on_gpu

# V = words in the vocabulary, N = all ids in a row, D = width


def embedding_forward(ids, table):
    """Look up a row for each id: y = table[ids].

    Args:
        ids: (...) whole numbers from 0 to V - 1.
        table: (V, D).
    Returns:
        y (..., D) and a cache for `embedding_backward`.
    Raises:
        IndexError: on NumPy, if an id is V or more.
    """
    return table[ids], (ids, table.shape)


@on_gpu("embedding")
def embedding_backward(dy, cache):
    """Returns dtable (V, D); a word that occurs twice gets both gradients."""
    ids, (V, D) = cache
    xp = array_module(dy)
    # Looking up is a product with one-hot rows, y = onehot @ table; so is its gradient. For the few hundred
    # words of our vocabulary that product is faster than scattering with add.at.
    onehot = xp.zeros((ids.size, V), dy.dtype)      # N, V
    onehot[xp.arange(ids.size), ids.reshape(-1)] = 1
    return onehot.T @ dy.reshape(-1, D)             # V, D
