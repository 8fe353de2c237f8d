"""How rows, columns and samples are divided among blocks, for the kernels in which a thread goes down a column."""

from minidit.backend import array_module

COLUMNS = 128  # threads of a block, one per column: wide enough for whole cache lines, narrow enough that few idle
ROWS = 16  # rows per thread; its partial sums are then 1/16 of what it reads


def ceil_div(count, size):
    """How many pieces of `size` hold `count`."""
    return -(-count // size)


def expect(shape, **arrays):
    """Insists on a shape: where NumPy would broadcast or refuse, a kernel would read past the end of the array.

    Args:
        shape: the required shape.
        arrays: name -> array.
    Raises:
        ValueError: if an array has a different shape.
    """
    for name, array in arrays.items():
        if array.shape != shape:
            raise ValueError(f"{name} has shape {array.shape}, not {shape}")


def per_sample(x, **vectors):
    """Insists on one vector per sample, and prepares them for a kernel that takes the distance between them.

    A view of a larger array, such as the gates among the six modulation vectors of each sample, stays where it is.

    Args:
        x: (..., T, D) tokens.
        vectors: name -> (..., D).
    Returns:
        the vectors.
    Raises:
        ValueError: if one does not have the shape of x without its tokens.
    """
    expect(x.shape[:-2] + x.shape[-1:], **vectors)
    xp = array_module(x)
    return [vector if evenly_spaced(vector) else xp.ascontiguousarray(vector) for vector in vectors.values()]


def evenly_spaced(vectors):
    """Whether the vectors (..., D) are evenly spaced in memory and each is contiguous."""
    *samples, _ = vectors.shape
    *steps, step = vectors.strides
    goes_on = [outer == inner * count for outer, inner, count in zip(steps, steps[1:], samples[1:], strict=False)]
    return step == vectors.itemsize and all(goes_on)


def distance(vectors):
    """The distance from one sample's vector (..., D) to the next, in elements."""
    return vectors.strides[-2] // vectors.itemsize if vectors.ndim > 1 else vectors.size
