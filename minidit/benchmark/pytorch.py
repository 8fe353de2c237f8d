"""PyTorch's side of the comparison. Nothing but this and `pytorch_dit` imports it."""


import torch
from torch.nn import functional as F

from minidit.benchmark.cases import fixed_inputs, fixed_model
from minidit.benchmark.contenders import COMPILED, EAGER
from minidit.benchmark.ours import ADAMW, LEARNING_RATE
from minidit.benchmark.pytorch_dit import tensor_of, twin_of
from minidit.benchmark.task import TRAINING


def eager_step(task):
    """A function that does the task once, eagerly."""
    return pytorch_step(task, lambda function: function)


def compiled_step(task):
    """A function that does the task once, compiled. The first calls compile, which takes up to minutes."""
    return pytorch_step(task, torch.compile)


def pytorch_step(task, compiled):
    """A function that does the task once, the network passed through `compiled` first."""
    torch.set_num_threads(task.threads)
    model = twin_of(fixed_model(task.case), task.case.grid)
    x, t, condition, target = tensors(fixed_inputs(task.case, task.batch))
    return (
        training_step(model, compiled(model), x, t, condition, target)
        if task.kind == TRAINING
        else sampling_step(model, compiled(model.predict), x, t, condition)
    )


def steps_on_gpu(case, compiled):
    """Functions that train on the case's fixed batch for one step, eager and compiled; none if PyTorch has no GPU."""
    if not torch.cuda.is_available():
        return {}
    steps = {EAGER: training_step_on("cuda", case)}
    return steps | ({COMPILED: training_step_on("cuda", case, torch.compile)} if compiled else {})


def training_step_on(device, case, compiled=lambda function: function):
    """A function that trains on the case's fixed batch for one step, on a device of PyTorch's such as "cuda"."""
    model = twin_of(fixed_model(case), case.grid).to(device)
    inputs = [tensor.to(device) for tensor in tensors(fixed_inputs(case))]
    return training_step(model, compiled(model), *inputs)


def training_step(model, network, x, t, condition, target):
    """A function that trains for one step. `network` is the model, or what a compiler made of it."""
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        learned,
        lr=LEARNING_RATE,
        betas=(ADAMW.beta1, ADAMW.beta2),
        eps=ADAMW.eps,
        weight_decay=ADAMW.weight_decay,
        fused=True,
    )

    def step():
        optimizer.zero_grad(set_to_none=True)
        F.mse_loss(network(x, t, condition), target).backward()
        optimizer.step()

    return step


def sampling_step(model, network, x, t, condition):
    """A function that evaluates the network once, its condition embedded already."""
    with torch.inference_mode():
        embedding = model.embed(condition)  # N, D

    def step():
        with torch.inference_mode():
            network(x, t, embedding)

    return step


def tensors(inputs):
    """x, t, condition and target of Inputs, as the twin wants them."""
    return tensor_of(inputs.x), torch.from_numpy(inputs.t), torch.from_numpy(inputs.condition), tensor_of(inputs.target)
