"""Weights cross over: a facebookresearch/DiT state dict in, its forward and backward here, gradients out.

The two agree on names. Layouts differ in three ways, and all conversion is in this file:

- PyTorch keeps the weight of a linear layer as (out, in), we as (in, out);
- it cuts patches with a convolution, whose weight is (D, C, p, p); we flatten a patch in the order (p, p, C);
- it has images (N, C, H, W), we clips (N, F, H, W, C), with one frame here.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from math import isqrt

import numpy as np

from minidit.backend import array_module
from minidit.errors import UserError
from minidit.models.dit import DiT, DiTSettings, dit_shapes

# N = images, C, H, W = channels, rows, columns of an image, O = channels of the output, p = side of a patch,
# T = tokens, D = width

PATCH_WEIGHT = "x_embedder.proj.weight"
LABEL_TABLE = "y_embedder.embedding_table.weight"
LAST_WEIGHT = "final_layer.linear.weight"
HIDDEN_WEIGHT = "blocks.0.mlp.fc1.weight"
POSITIONS = "pos_embed"
TELLING = {PATCH_WEIGHT: 4, LABEL_TABLE: 2, LAST_WEIGHT: 2, HIDDEN_WEIGHT: 2, POSITIONS: 3}  # name -> axes


def from_pytorch_dit(state_dict, num_heads):
    """A model with the weights of a facebookresearch/DiT; its sizes are read off their shapes.

    Args:
        state_dict: mapping of name -> array, or anything that `np.asarray` turns into one, such as a PyTorch
            tensor on the CPU. float64 weights give a float64 model, all others float32.
        num_heads: the one size that no shape tells (S: 6, B: 12, L and XL: 16).
    Returns:
        PyTorchDiT.
    Raises:
        UserError: it is not the state dict of a DiT, or `num_heads` does not fit it.
    Source: facebookresearch/DiT models.py; Peebles & Xie 2023, table 1.
    """
    arrays = _as_arrays(state_dict)
    settings = _settings_from_shapes(arrays, num_heads)
    _insist_on_shapes(arrays, settings)

    double = any(array.dtype == np.float64 for name, array in arrays.items() if name != POSITIONS)
    model = PyTorchDiT(DiT(settings, dtype=np.float64 if double else np.float32))
    for name, parameter in model.params.items():
        parameter[...] = from_pytorch_layout(name, arrays[name])
    side = isqrt(arrays[POSITIONS].shape[1])
    model.dit.positions[1, side, side] = arrays[POSITIONS][0].astype(model.dit.params.dtype)  # T, D
    return model


class PyTorchDiT:
    """A class-conditional DiT with the inputs and outputs of facebookresearch/DiT in evaluation mode.

    Labels are never dropped at random: to ask for no label, as guidance does, give the table's last row.

    Args:
        dit: a DiT conditioned on class labels, with patches of one frame.
    Attributes:
        dit: the same.
        params: name -> array, views into `dit.params`. One has another shape there: the patch embedding is
            (p, p, C, D) here, so that an array alone tells how PyTorch would keep it.
    """

    def __init__(self, dit):
        self.dit = dit
        self.params = self._with_patch_axes(dit.params)

    def forward(self, x, t, labels):
        """Predicts the noise, and after its channels those of the variance if the model has learned it.

        Args:
            x: (N, C, H, W) noised latents. Of another size than the model was trained for, they get the
                sin-cos positions of that size; the reference refuses them.
            t: (N,) diffusion steps, 0 (data) to 1000 (noise), as in the reference.
            labels: (N,) whole numbers, rows of the label table.
        Returns:
            y (N, O, H, W) and a cache for `backward`.
        Raises:
            ValueError: an argument has another shape, or a label has no row.
        """
        parameters = self.dit.params
        xp = array_module(parameters.flat)
        x, t, labels = xp.asarray(x, parameters.dtype), xp.asarray(t), xp.asarray(labels)
        self._insist_on_inputs(x, t, labels)
        y, cache = self.dit.forward(_to_clip(x), t, labels)
        return _to_images(y), cache

    def backward(self, dy, cache):
        """Backward of `forward`.

        Args:
            dy: (N, O, H, W).
            cache: from `forward`.
        Returns:
            dx (N, C, H, W) and a dict of the gradients, named and shaped like `params`; `to_pytorch_names`
            turns them into PyTorch's.
        """
        parameters = self.dit.params
        dy = array_module(parameters.flat).asarray(dy, parameters.dtype)
        dx, grads = self.dit.backward(_to_clip(dy), cache)
        return _to_images(dx), self._with_patch_axes(grads)

    def _with_patch_axes(self, arrays):
        settings = self.dit.settings
        _, rows, columns = settings.patch
        shape = (rows, columns, settings.in_channels, settings.width)
        return {**arrays, PATCH_WEIGHT: arrays[PATCH_WEIGHT].reshape(shape)}

    def _insist_on_inputs(self, x, t, labels):
        settings = self.dit.settings
        if x.ndim != 4 or x.shape[1] != settings.in_channels:
            raise ValueError(f"x has shape {x.shape}, expected (N, {settings.in_channels}, H, W)")
        if t.shape != x.shape[:1] or labels.shape != x.shape[:1]:
            raise ValueError(f"t {t.shape} and labels {labels.shape} should both be {x.shape[:1]}, one per image")
        rows = len(self.params[LABEL_TABLE])
        if labels.dtype.kind not in "iu" or ((labels < 0) | (labels >= rows)).any():
            raise ValueError(f"labels should be whole numbers from 0 to {rows - 1}, not {labels}")


def to_pytorch_names(arrays):
    """The gradients of a PyTorchDiT under the names and in the layouts that PyTorch's autograd gives them.

    Args:
        arrays: name -> array as from `PyTorchDiT.backward`; or `PyTorchDiT.params`, which gives back the state
            dict, less the fixed `pos_embed`.
    Returns:
        dict of name -> array, views of the given ones: linear weights (out, in), the patch embedding
        (D, C, p, p).
    Raises:
        ValueError: the patch embedding does not have the four axes that PyTorchDiT gives it.
    """
    patch_axes = arrays[PATCH_WEIGHT].ndim
    if patch_axes != 4:
        raise ValueError(
            f"{PATCH_WEIGHT} has {patch_axes} axes, expected 4 (p, p, C, D): give what PyTorchDiT.backward returns"
        )
    return {name: to_pytorch_layout(name, array) for name, array in arrays.items()}


def to_pytorch_layout(name, array):
    """One of our parameters, or its gradient, as PyTorch keeps it: a view."""
    if name == LABEL_TABLE:
        return array  # rows, D
    if name == PATCH_WEIGHT:
        return array.transpose(3, 2, 0, 1)  # D, C, p, p
    return array.T  # out, in; a bias stays as it is


def from_pytorch_layout(name, array):
    """Undoes `to_pytorch_layout`."""
    if name == LABEL_TABLE:
        return array  # rows, D
    if name == PATCH_WEIGHT:
        return array.transpose(2, 3, 1, 0)  # p, p, C, D
    return array.T  # in, out


def _to_clip(images):
    """(N, C, H, W) to (N, 1, H, W, C)."""
    return images.transpose(0, 2, 3, 1)[:, None]


def _to_images(clip):
    """(N, 1, H, W, C) to (N, C, H, W)."""
    return clip[:, 0].transpose(0, 3, 1, 2)


def _as_arrays(state_dict):
    """The state dict with NumPy arrays of finite numbers for values."""
    if not isinstance(state_dict, Mapping):
        raise UserError(
            f"a state dict maps names to arrays; this is a {type(state_dict).__name__}. Of a PyTorch model, give "
            "model.state_dict()."
        )
    inner = [name for name in ("ema", "model") if isinstance(state_dict.get(name), Mapping)]
    if inner:
        raise UserError(
            f"this is a training checkpoint, which holds state dicts under {' and '.join(inner)}. "
            f'Give one of them: checkpoint["{inner[0]}"].'
        )
    return {name: _as_array(name, value) for name, value in state_dict.items()}


def _as_array(name, value):
    value = value.detach() if hasattr(value, "detach") else value  # a PyTorch parameter is no plain tensor
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{name} can't be turned into a NumPy array: {error}") from error
    if array.dtype.kind not in "fiu":
        raise UserError(f"{name} holds {array.dtype}, expected numbers. Is this the state dict of a DiT?")
    if not np.isfinite(array).all():
        raise UserError(f"{name} has entries that are NaN or infinite; such weights can't be used.")
    return array


def _settings_from_shapes(arrays, num_heads):
    """DiTSettings of the model that these arrays come from."""
    _insist_on_names(TELLING.keys() - arrays.keys(), ())
    for name, axes in TELLING.items():
        if arrays[name].ndim != axes:
            raise UserError(f"{name} has shape {arrays[name].shape}, expected {axes} axes, as in facebookresearch/DiT.")
    width, channels, rows, columns = arrays[PATCH_WEIGHT].shape
    if rows != columns:
        raise UserError(f"{PATCH_WEIGHT} has patches of {rows} × {columns}; facebookresearch/DiT's are square.")
    predicted = len(arrays[LAST_WEIGHT])
    if predicted not in (rows * columns * channels, 2 * rows * columns * channels):
        raise UserError(
            f"{LAST_WEIGHT} predicts {predicted} values for a patch of {rows} × {columns} × {channels}; expected "
            f"{rows * columns * channels}, or twice as many with learn_sigma."
        )
    if num_heads < 1 or width % num_heads:
        raise UserError(
            f"num_heads is {num_heads}, but these weights have width {width}, which does not divide into {num_heads} "
            "heads. The published sizes have 6 (S), 12 (B) and 16 (L, XL)."
        )
    tokens = arrays[POSITIONS].shape[1]
    if isqrt(tokens) ** 2 != tokens:
        raise UserError(f"{POSITIONS} has {tokens} positions, which don't fill a square, as facebookresearch/DiT's do.")
    return DiTSettings(
        in_channels=channels,
        patch=(1, rows, columns),
        width=width,
        depth=len({match[1] for match in map(re.compile(r"blocks\.(\d+)\.").match, arrays) if match}),
        num_heads=num_heads,
        mlp_ratio=Fraction(len(arrays[HIDDEN_WEIGHT]), width),  # exact, so that times width it is whole again
        learn_sigma=predicted != rows * columns * channels,
        num_classes=len(arrays[LABEL_TABLE]) - 1,  # trained without dropout, the last row is a class like the others
    )


def _insist_on_names(missing, unknown):
    for problem, names in (("lacks", sorted(missing)), ("has, besides,", sorted(unknown))):
        if names:
            more = f" and {len(names) - 4} more" if len(names) > 4 else ""
            raise UserError(
                f"this is not the state dict of a facebookresearch/DiT: it {problem} {', '.join(names[:4])}{more}."
            )


def _insist_on_shapes(arrays, settings):
    """Every name that these settings imply, no other, and each with its shape in PyTorch's layout."""
    expected = {name: shape[::-1] for name, shape in dit_shapes(settings).items()}
    expected[PATCH_WEIGHT] = (settings.width, settings.in_channels, *settings.patch[1:])
    expected[LABEL_TABLE] = expected[LABEL_TABLE][::-1]
    expected[POSITIONS] = (1, arrays[POSITIONS].shape[1], settings.width)
    _insist_on_names(expected.keys() - arrays.keys(), arrays.keys() - expected.keys())
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise UserError(
                f"{name} has shape {arrays[name].shape}, but the other weights (width {settings.width}, patches of "
                f"{settings.patch[1]} × {settings.patch[2]}, {settings.in_channels} channels) need {shape}."
            )
