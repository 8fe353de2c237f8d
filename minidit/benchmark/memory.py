"""Memory: what a process needs at most, and what a forward pass keeps for its backward."""

from contextlib import contextmanager

from minidit.benchmark.cases import fixed_inputs, fixed_model
from minidit.layers import mse_forward
from minidit.models.memory import saved_bytes
from minidit.training.free_memory import peak_bytes, resident_bytes

STEPS = 3  # before the most is read off


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
            before = resident_bytes()
            run(STEPS)
            after = peak_bytes()
            return after, after - before

        yield peak


def saved_by_ours(case):
    """Bytes that our forward pass and loss keep for the backward of the case's batch."""
    model, inputs = fixed_model(case), fixed_inputs(case)
    prediction, cache = model.forward(inputs.x, inputs.t, inputs.condition)
    _, loss_cache = mse_forward(prediction, inputs.target)
    return saved_bytes((cache, loss_cache), model.params.flat)


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
