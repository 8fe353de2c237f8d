"""Launches mse.cu: the mean squared error without an array of the errors."""

from minidit.backend import array_module
from minidit.backend.kernels.grids import ceil_div
from minidit.backend.kernels.launch import launch

# "..." = any shape, the same for all arrays of a pair. dloss is a number: 1.0 for the loss that is trained.

THREADS = 256
MOST_BLOCKS = 1024  # about as many as a large GPU runs at once; each leaves one partial sum


def mse_forward(prediction, target, weight=None):
    """`minidit.layers.mse_forward` of prediction and target (...); the loss () stays on the GPU."""
    if prediction.shape != target.shape:
        raise ValueError(f"prediction has shape {prediction.shape}, target {target.shape}")
    xp = array_module(prediction)
    if weight is not None:
        if weight.shape != prediction.shape[: weight.ndim]:
            raise ValueError(f"weight has shape {weight.shape}, which does not begin {prediction.shape}")
        weight = xp.ascontiguousarray(weight, prediction.dtype)
    # A prediction may be a view of its tokens in the order of the clip.
    cache = (xp.ascontiguousarray(prediction), xp.ascontiguousarray(target), weight)
    blocks = _blocks(prediction)
    parts = xp.empty(blocks, prediction.dtype)      # blocks
    numbers = (prediction.size, _per_weight(cache))
    launch("mse.cu", "mse_forward", blocks, THREADS, reads=cache, writes=(parts,), numbers=numbers)
    return parts.sum(), cache


def mse_gradient(dloss, cache):
    """Returns dprediction (...)."""
    prediction, _, _ = cache
    dprediction = array_module(prediction).empty_like(prediction)  # ...
    numbers = (prediction.size, _per_weight(cache), dloss * 2 / prediction.size)
    blocks = _blocks(prediction)
    launch("mse.cu", "mse_gradient", blocks, THREADS, reads=cache, writes=(dprediction,), numbers=numbers)
    return dprediction


def _blocks(x):
    return min(ceil_div(x.size, THREADS), MOST_BLOCKS)


def _per_weight(cache):
    """How many elements share a weight."""
    prediction, _, weight = cache
    return 1 if weight is None else prediction.size // weight.size
