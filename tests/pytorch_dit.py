"""What PyTorch computes for the cases of `pytorch_parity`, by the twin in `minidit.benchmark.pytorch_dit`."""

import numpy as np
import torch
from pytorch_parity import random_inputs, random_state_dict

from minidit.benchmark.pytorch_dit import DiT
from minidit.models.dit import DiTSettings


def reference(sizes):
    """The PyTorch model of facebookresearch/DiT's constructor arguments."""
    side = sizes.input_size // sizes.patch_size
    settings = DiTSettings(
        in_channels=sizes.in_channels,
        patch=(1, sizes.patch_size, sizes.patch_size),
        width=sizes.hidden_size,
        depth=sizes.depth,
        num_heads=sizes.num_heads,
        mlp_ratio=sizes.mlp_ratio,
        learn_sigma=sizes.learn_sigma,
        num_classes=sizes.label_rows - 1,  # minidit always has a row for "no label"; without dropout theirs hasn't
    )
    return DiT(settings, (1, side, side))


def pytorch_results(sizes, dtype):
    """y, dx and autograd's gradient of every parameter but the fixed positions, as one dict of NumPy arrays."""
    x, t, labels, dy = (torch.from_numpy(a) for a in random_inputs(sizes, dtype))
    model = reference(sizes).to(dy.dtype)
    model.load_state_dict({name: torch.from_numpy(a) for name, a in random_state_dict(sizes, dtype).items()})
    x.requires_grad_()
    y = model(x, t, labels)
    y.backward(dy)
    learned = {name: p.grad for name, p in model.named_parameters() if p.requires_grad}
    results = {"y": y.detach(), "dx": x.grad} | learned
    assert all(np.any(array.numpy()) for array in results.values())
    return {name: array.numpy() for name, array in results.items()}
