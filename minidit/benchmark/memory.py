"""Memory: what a process needs at most, and what a forward pass keeps for its backward."""

import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from minidit.benchmark.cases import fixed_inputs, fixed_model
from minidit.layers import mse_forward

STEPS = 3  # before the most is read off
STATUS = Path("/proc/self/status")


@contextmanager
def measured(make, *arguments):
    """For `processes.remote`: gives a function that returns the peak of a contender, and the part due to its steps.

    Args:
        make, arguments: as for `timing.timed`.
    Returns:
        a context manager that gives a function; its answer is bytes at the peak, and how many of them came with the
        steps (a contender has its parameters by then, and its libraries).
    """
    with make(*arguments) as run:

        def peak():
            before = peak_bytes(now=True)
            run(STEPS)
            after = peak_bytes()
            return after, after - before

        yield peak


def peak_bytes(now=False):
    """The most memory that this process has had resident; with `now`, what it has at the moment, if Linux tells."""
    if STATUS.exists():
        # Not from getrusage: there, a process starts with the peak of the one that started it.
        fields = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
        return 1024 * int(fields["VmRSS" if now else "VmHWM"].split()[0])
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def saved_by_ours(case):
    """Bytes that our forward pass and loss keep for the backward of the case's batch."""
    model, inputs = fixed_model(case), fixed_inputs(case)
    prediction, cache = model.forward(inputs.x, inputs.t, inputs.condition)
    _, loss_cache = mse_forward(prediction, inputs.target)
    return saved_bytes((cache, loss_cache), model.params.flat)


def saved_bytes(cache, *others):
    """Bytes of the buffers that a cache keeps alive, each counted once and whole, however small the view of it.

    Args:
        cache: nested tuples and lists with arrays in them.
        others: arrays whose buffers don't count, such as parameters.
    """
    buffers = {}
    for array in arrays_in(cache):
        buffers[id(buffer_of(array))] = buffer_of(array).nbytes
    return sum(size for key, size in buffers.items() if key not in {id(buffer_of(other)) for other in others})


def arrays_in(cache):
    """All arrays in nested tuples, lists and dicts, as a list."""
    if isinstance(cache, dict):
        cache = list(cache.values())
    if isinstance(cache, tuple | list):
        return [array for part in cache for array in arrays_in(part)]
    return [cache] if isinstance(cache, np.ndarray) else []


def buffer_of(array):
    """The array that owns the memory that this one looks at."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def saved_by_pytorch(case):
    """Bytes of the storages that autograd keeps for the backward of the case's batch, parameters excluded."""
    import torch
    from torch.nn import functional as F

    from minidit.benchmark.pytorch import tensors
    from minidit.benchmark.pytorch_dit import twin_of

    twin = twin_of(fixed_model(case), case.grid)
    x, t, condition, target = tensors(fixed_inputs(case))
    parameters = {parameter.untyped_storage().data_ptr() for parameter in twin.parameters()}
    kept = {}  # address -> storage; held, so that no address is used twice

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        F.mse_loss(twin(x, t, condition), target)
    return sum(storage.nbytes() for address, storage in kept.items() if address not in parameters)
