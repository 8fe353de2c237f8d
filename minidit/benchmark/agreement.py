"""Whether both sides do the same work: loss, gradients and prediction, ours against PyTorch's."""

import numpy as np

from minidit.benchmark.cases import fixed_inputs, fixed_model
from minidit.benchmark.ours import loss_and_gradients

TOLERANCE = 1e-3  # float32 rounding in twelve blocks stays ten times below it


def relative_difference(ours, theirs):
    """The largest difference, relative to the largest number."""
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def agreement(case):
    """Compares what is computed on the fixed batch.

    Args:
        case: Case.
    Returns:
        dict of relative differences: "loss", "prediction" and "gradients", and the "parameter" whose gradient differs
        most.
    Raises:
        RuntimeError: a difference is above TOLERANCE, or there are parameters that the other side doesn't have.
    """
    import torch
    from torch.nn import functional as F

    from minidit.benchmark.pytorch import tensors
    from minidit.benchmark.pytorch_dit import tensor_of, to_twin_layouts, twin_of

    model, inputs = fixed_model(case), fixed_inputs(case)
    our_loss, grads = loss_and_gradients(model, inputs)
    our_prediction = model.predict(inputs.x, inputs.t, model.embed(inputs.condition))

    twin = twin_of(model, case.grid)
    x, t, condition, target = tensors(inputs)
    loss = F.mse_loss(twin(x, t, condition), target)
    loss.backward()
    with torch.inference_mode():
        prediction = twin(x, t, condition)

    ours = to_twin_layouts(grads, twin.patch)
    theirs = {name: p.grad.numpy() for name, p in twin.named_parameters() if p.requires_grad}
    if ours.keys() != theirs.keys():
        raise RuntimeError(f"only one side has a gradient of {sorted(ours.keys() ^ theirs.keys())}")
    of_gradients = {name: relative_difference(ours[name], theirs[name]) for name in theirs}
    worst = max(of_gradients, key=of_gradients.get)
    found = {
        "loss": relative_difference(our_loss, np.array(loss.item())),
        "prediction": relative_difference(tensor_of(our_prediction).numpy(), prediction.numpy()),
        "gradients": of_gradients[worst],
        "parameter": worst,
    }
    if not max(found["loss"], found["prediction"], found["gradients"]) <= TOLERANCE:
        raise RuntimeError(f"ours and PyTorch's {case.name} don't compute the same, so don't compare them: {found}")
    return found
