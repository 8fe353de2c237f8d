"""Named parameters that share one contiguous buffer, and how they are drawn at the start."""

from collections.abc import Mapping
from itertools import accumulate
from math import prod

import numpy as np

from minidit.backend import array_module, moved


class Parameters(Mapping):
    """A dict of name -> array whose arrays are views into one flat buffer.

    The layers read ``params["blocks.0.attn.qkv.weight"]``; the optimiser, the moving average and the checkpoint
    see ``params.flat``, a single vector, and do their work in a few vector operations.

    Args:
        shapes: name -> shape, in the order in which they lie in the buffer.
        dtype: of the buffer, float32 or float64.
        buffer: a vector to use as the buffer, which several processes may share; by default zeros.
    """

    def __init__(self, shapes, dtype=np.float32, buffer=None):
        self.shapes = dict(shapes)
        sizes = [prod(shape) for shape in self.shapes.values()]
        self.flat = np.zeros(sum(sizes), dtype) if buffer is None else buffer
        if self.flat.shape != (sum(sizes),):
            raise ValueError(f"the buffer has shape {self.flat.shape}, expected ({sum(sizes)},)")
        ends = accumulate(sizes)
        self._views = {
            name: self.flat[end - size : end].reshape(shape)
            for (name, shape), size, end in zip(self.shapes.items(), sizes, ends, strict=True)
        }

    def __getitem__(self, name):
        return self._views[name]

    def __iter__(self):
        return iter(self._views)

    def __len__(self):
        return len(self._views)

    @property
    def dtype(self):
        """The type of every array in the buffer."""
        return self.flat.dtype

    def __reduce__(self):
        """A copy, deep or by pickle, has one buffer too: views that were copied by themselves would leave it."""
        return Parameters, (self.shapes, self.dtype, self.flat)

    def astype(self, dtype):
        """A copy in another precision."""
        copy = Parameters(self.shapes, dtype)
        copy.flat[...] = self.flat
        return copy

    def on(self, xp):
        """The same parameters on the device of an array library (see `minidit.backend.device`)."""
        return self if array_module(self.flat) is xp else Parameters(self.shapes, buffer=moved(self.flat, xp))

    def load(self, arrays):
        """Copies a mapping of name -> array into the buffer.

        Raises:
            ValueError: a name is missing or unknown, or a shape differs.
        """
        if arrays.keys() != self._views.keys():
            missing, unknown = self.keys() - arrays.keys(), arrays.keys() - self.keys()
            raise ValueError(f"parameters don't match: missing {sorted(missing)}, unknown {sorted(unknown)}")
        for name, view in self._views.items():
            if arrays[name].shape != view.shape:
                raise ValueError(f"{name} has shape {arrays[name].shape}, expected {view.shape}")
            view[...] = arrays[name]


def under(prefix, arrays):
    """The arrays whose names start with `prefix`, named by what follows it."""
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}


def prefixed(prefix, arrays):
    """The same mapping with `prefix` before every name: the inverse of `under`."""
    return {prefix + name: array for name, array in arrays.items()}


def linear_shapes(name, inputs, outputs):
    """Name -> shape of the weight (in, out) and the bias of a linear layer."""
    return {f"{name}.weight": (inputs, outputs), f"{name}.bias": (outputs,)}


def xavier_uniform(rng, weight):
    """Fills a (I, O) weight in place from U(-a, a), a = sqrt(6 / (I + O)) (Glorot & Bengio 2010, eq. 16)."""
    bound = (6 / sum(weight.shape)) ** 0.5
    weight[...] = rng.uniform(-bound, bound, weight.shape)


def xavier_weights(rng, params):
    """Xavier for every matrix, zero for every bias: where DiT, the text encoder and the codec all start from."""
    for name, array in params.items():
        if name.endswith(".weight"):
            xavier_uniform(rng, array)
        else:
            array[...] = 0
