"""What the comparison with PyTorch is made of: sizes, weights, inputs, and when two results agree.

No PyTorch in here. Weights and inputs are drawn from a seed, so the golden file holds results only.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors.numpy import load_file

from minidit.interop import from_pytorch_dit, to_pytorch_names

GOLDEN = Path(__file__).parent / "golden" / "pytorch_dit.safetensors"
TOLERANCE = {np.float64: 1e-10, np.float32: 1e-4}
DIRECTIONS = 8  # numbers kept of each gradient in the golden file


class Sizes(NamedTuple):
    """The arguments of facebookresearch/DiT's constructor, under its names."""

    input_size: int
    patch_size: int
    in_channels: int
    hidden_size: int
    depth: int
    num_heads: int
    mlp_ratio: float = 4.0
    class_dropout_prob: float = 0.1
    num_classes: int = 7
    learn_sigma: bool = True

    @property
    def label_rows(self):
        return self.num_classes + (self.class_dropout_prob > 0)


CASES = {
    "patch_2": Sizes(8, 2, 4, 24, depth=3, num_heads=4),
    "patch_4": Sizes(16, 4, 3, 20, depth=2, num_heads=5, learn_sigma=False),
    "patch_8": Sizes(16, 8, 1, 12, depth=2, num_heads=3),
    "patch_1": Sizes(3, 1, 5, 8, depth=2, num_heads=2),
    "one_head_no_dropout": Sizes(6, 2, 3, 16, depth=2, num_heads=1, class_dropout_prob=0.0),
    "narrow_mlp_one_block": Sizes(12, 4, 2, 28, depth=1, num_heads=7, mlp_ratio=1.5, learn_sigma=False),
    "equal_sizes": Sizes(4, 2, 2, 8, depth=1, num_heads=8, mlp_ratio=1.0, num_classes=1),
}


def state_dict_shapes(sizes):
    """Name -> shape of the reference's state dict, written out from its definition."""
    D, p = sizes.hidden_size, sizes.patch_size
    hidden = int(sizes.mlp_ratio * D)
    channels_out = sizes.in_channels * (2 if sizes.learn_sigma else 1)
    linear = {"t_embedder.mlp.0": (D, 256), "t_embedder.mlp.2": (D, D)}
    for i in range(sizes.depth):
        linear |= {
            f"blocks.{i}.attn.qkv": (3 * D, D),
            f"blocks.{i}.attn.proj": (D, D),
            f"blocks.{i}.mlp.fc1": (hidden, D),
            f"blocks.{i}.mlp.fc2": (D, hidden),
            f"blocks.{i}.adaLN_modulation.1": (6 * D, D),
        }
    linear |= {"final_layer.linear": (p * p * channels_out, D), "final_layer.adaLN_modulation.1": (2 * D, D)}
    shapes = {
        "pos_embed": (1, (sizes.input_size // p) ** 2, D),
        "x_embedder.proj.weight": (D, sizes.in_channels, p, p),
        "x_embedder.proj.bias": (D,),
        "y_embedder.embedding_table.weight": (sizes.label_rows, D),
    }
    for name, (outputs, inputs) in linear.items():
        shapes |= {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}
    return shapes


class Draw:
    """Numbers from a seed that are the same with every version of NumPy, which promises that of raw bits only."""

    def __init__(self, seed):
        self.bits = np.random.PCG64(seed)

    def __call__(self, shape):
        """Numbers from -1 to 1, none nearer to zero than 0.1, as float64."""
        raw = self.bits.random_raw(int(np.prod(shape))).reshape(shape)
        uniform = (raw >> np.uint64(11)) * 2.0**-52 - 1.0  # -1 to 1
        return np.copysign(0.1, uniform) + 0.9 * uniform


def random_state_dict(sizes, dtype=np.float64, seed=1):
    """A state dict whose every entry, positions included, is away from zero."""
    draw = Draw(seed)
    state_dict = {}
    for name, shape in state_dict_shapes(sizes).items():
        gain = (1.5 / int(np.prod(shape[1:])) ** 0.5) if name.endswith("weight") and "table" not in name else 1.0
        state_dict[name] = (gain * draw(shape)).astype(dtype)
    return state_dict


def random_inputs(sizes, dtype=np.float64, seed=2):
    """x (3, C, H, W), t (3,), labels (3,) with one of them twice, and dy (3, out channels, H, W)."""
    draw = Draw(seed)
    side, channels = sizes.input_size, sizes.in_channels
    x = draw((3, channels, side, side))
    dy = draw((3, channels * (2 if sizes.learn_sigma else 1), side, side))
    last = sizes.label_rows - 1
    return x.astype(dtype), np.array([0.0, 999.0, 437.25]), np.array([last, 0, last]), dy.astype(dtype)


def our_results(sizes, dtype):
    """y, dx and every gradient under PyTorch's names, as one dict."""
    x, t, labels, dy = random_inputs(sizes, dtype)
    model = from_pytorch_dit(random_state_dict(sizes, dtype), sizes.num_heads)
    y, cache = model.forward(x, t, labels)
    dx, grads = model.backward(dy, cache)
    return {"y": y, "dx": dx} | to_pytorch_names(grads)


def fingerprint(results):
    """y and dx as they are; of every gradient its components along a few random directions."""
    kept = {"y": results["y"], "dx": results["dx"]}
    for name in results.keys() - kept.keys():
        gradient = results[name]
        directions = Draw(gradient.size)((DIRECTIONS, gradient.size)).astype(gradient.dtype)
        kept[name] = directions @ gradient.reshape(-1)  # DIRECTIONS
    return kept


def golden_results(case):
    """The fingerprint of PyTorch's results in float64, from the golden file."""
    prefix = f"{case}/"
    return {name.removeprefix(prefix): a for name, a in load_file(GOLDEN).items() if name.startswith(prefix)}


def assert_agree(ours, theirs, tolerance):
    """Same names, same shapes, and a largest difference within `tolerance` of the largest number.

    The outputs come first, so a mistake in the forward pass is reported as one.
    """
    assert ours.keys() == theirs.keys(), f"only one side has {sorted(ours.keys() ^ theirs.keys())}"
    for name in sorted(theirs, key=lambda name: (name != "y", name != "dx", name)):
        mine, reference = ours[name], theirs[name]
        assert mine.shape == reference.shape, f"{name} has shape {mine.shape}, PyTorch's {reference.shape}"
        error = np.abs(mine - reference).max() / np.abs(reference).max()
        assert error <= tolerance, f"{name} differs from PyTorch's: relative error {error:.1e}"
