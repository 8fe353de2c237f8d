"""Small and large harm: to weights, to starting noise, and to input clips."""

import numpy as np

from minidit.layers.patchify import patch_grid
from minidit.models.checkpoint import codec_tensors, load_codec
from minidit.models.video_model import VideoModel

# N = clips; F, H, W = frames, rows, columns in pixels; f, r, c = in latents; I, O = inputs and outputs of a layer


def rounded(weight, bits):
    """A weight (I, O) rounded to whole numbers of that many bits, with a scale for each output.

    The numbers are symmetric, -(2^(bits-1) - 1) to 2^(bits-1) - 1, so that no weight is off by more than
    half of max|column| / (2^(bits-1) - 1).

    Source: Nagel et al. 2021 (A white paper on neural network quantization), section 2.2 (symmetric, per channel).
    """
    levels = 2 ** (bits - 1) - 1
    scale = np.abs(weight).max(axis=0, keepdims=True) / levels  # 1, O
    scale = np.where(scale > 0, scale, 1)                      # a column of zeros stays one
    return (np.round(weight / scale) * scale).astype(weight.dtype)


def changed(model, change):
    """A copy of a VideoModel in which every parameter of the DiT and of the codec is changed.

    Args:
        change: function of an array that returns one of the same shape.
    """
    twin = VideoModel(model.settings)
    load_codec(twin.codec, codec_tensors(model.codec))         # the latents' mean and standard deviation stay
    for new, old in ((twin.dit.params, model.dit.params), (twin.codec.params, model.codec.params)):
        new.load({name: change(array) for name, array in old.items()})
    return twin


def half(array):
    """An array rounded to float16."""
    return array.astype(np.float16).astype(array.dtype)


def whole_numbers(bits):
    """A change for `changed`: matrices are rounded, vectors (biases) stay."""
    return lambda array: rounded(array, bits) if array.ndim > 1 else array


def noisy(relative, rng):
    """A change for `changed`: noise with this standard deviation, relative to that of the array."""
    return lambda array: array + (relative * array.std()) * rng.standard_normal(array.shape, dtype=np.float32)


def mixed(noise, other, amount):
    """Starting noise moved towards other noise: still standard normal. An amount of 1 is the other one."""
    return (1 - amount * amount) ** 0.5 * noise + amount * other


def lost(clips, share, rng, patch):
    """The latents that remain of clips (N, F, H, W, 3) if each is lost with this probability: (N, f, r, c) bool."""
    return rng.random((len(clips), *patch_grid(clips.shape[1:4], patch))) >= share


def with_noise(clips, std, rng):
    """Clips with normal noise on every pixel value, kept in [0, 1]."""
    return (clips + std * rng.standard_normal(clips.shape, dtype=np.float32)).clip(0, 1)
