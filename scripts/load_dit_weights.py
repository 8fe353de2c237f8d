"""Loads weights that facebookresearch/DiT has published, or trained with its code, into minidit's NumPy model.

    pip install torch          # to read the file; the model itself needs none
    curl -LO https://dl.fbaipublicfiles.com/DiT/models/DiT-XL-2-256x256.pt      # 2.7 GB
    python scripts/load_dit_weights.py DiT-XL-2-256x256.pt

What it does is three lines that you can write yourself:

    state_dict = torch.load("DiT-XL-2-256x256.pt", map_location="cpu", weights_only=True)
    model = minidit.interop.from_pytorch_dit(state_dict, num_heads=16)
    y, cache = model.forward(x, t, labels)      # x (N, 4, 32, 32), t (N,) from 0 to 999, labels (N,)

The model speaks of latents: pictures come from them with the Stable Diffusion VAE, which is not part of minidit.
The first 4 channels of y are the predicted noise, the last 4 the variance (learn_sigma).
"""

import argparse
import pickle
import sys

import numpy as np
import torch

from minidit.errors import UserError
from minidit.interop import PATCH_WEIGHT, POSITIONS, from_pytorch_dit
from minidit.presets import SIZES

HEADS = {width: heads for width, _, heads in SIZES.values()}


def read_state_dict(path):
    """The state dict in a file that torch.save wrote; of a training checkpoint, its moving average (EMA).

    Args:
        path: of the file.
    Raises:
        UserError: there is no such file, or it holds something else than tensors.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} can't be read as PyTorch weights: {reason}") from error
    return content["ema"] if isinstance(content, dict) and "ema" in content else content


def heads_of(state_dict):
    """The number of heads that the paper's model of this width has.

    Raises:
        UserError: the paper has none of this width.
    """
    width = len(state_dict[PATCH_WEIGHT]) if PATCH_WEIGHT in state_dict else None
    if width not in HEADS:
        raise UserError("the number of heads does not follow from these weights: say --heads.")
    return HEADS[width]


def correlation_with_noise(model, side, label, seed):
    """How well the model recognises pure noise at t = 999; a trained one comes near 1, a wrongly loaded one near 0."""
    channels = model.dit.settings.in_channels
    noise = np.random.default_rng(seed).standard_normal((1, channels, side, side))
    predicted, _ = model.forward(noise, np.array([999]), np.array([label]))
    return float(np.corrcoef(noise.reshape(-1), predicted[:, :channels].reshape(-1))[0, 1])


def main(arguments=None):
    """Returns the exit status: 0, or 2 after a mistake of the user's."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("weights", help="a .pt file of facebookresearch/DiT")
    parser.add_argument("--heads", type=int, help="number of attention heads, if the width is not one of the paper's")
    parser.add_argument("--label", type=int, default=207, help="an ImageNet class; 207 is a golden retriever")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    try:
        state_dict = read_state_dict(given.weights)
        model = from_pytorch_dit(state_dict, given.heads or heads_of(state_dict))
        settings = model.dit.settings
        side = round(state_dict[POSITIONS].shape[1] ** 0.5) * settings.patch[1]
        print(
            f"{settings.depth} blocks of width {settings.width} with {settings.num_heads} heads, {settings.patch[1]} × "
            f"{settings.patch[2]} patches of {settings.in_channels} × {side} × {side} latents, "
            f"{model.dit.params.flat.size / 1e6:.1f} million parameters, learn_sigma {settings.learn_sigma}"
        )
        correlation = correlation_with_noise(model, side, given.label, given.seed)
        print(f"pure noise and the model's idea of it correlate {correlation:.3f}")
    except ValueError as error:  # UserError among them
        print(f"load_dit_weights: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
