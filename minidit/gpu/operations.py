"""Every layer with inputs to try it on: what `minidit gpu-selftest` compares and `minidit bench --device gpu` times."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minidit import layers
from minidit.backend import array_module, moved, to_host

# B = batch, T = tokens, S = tokens that are asked, D = width, H = heads, d = D / H, M = hidden width, V = words


class Size(NamedTuple):
    """How large the arrays are: B, T, D, H, and the number of words V."""

    batch: int
    tokens: int
    width: int
    heads: int
    words: int = 60


SMALL = Size(2, 70, 48, 2)  # several tiles and blocks of threads, the last not full


@dataclass(frozen=True)
class Operation:
    """A layer and what to feed it.

    Attributes:
        name: as it is printed.
        forward, backward: the pair, or a function and None.
        inputs: function of a random generator and a Size that gives the arguments, arrays as NumPy's float64.
    """

    name: str
    forward: Callable
    backward: Callable | None
    inputs: Callable


def normal(*shapes):
    """`inputs` of standard normal arrays: each shape is a function of a Size."""
    return lambda rng, size: [rng.standard_normal(shape(size)) for shape in shapes]


def tokens(size):
    """B, T, D."""
    return size.batch, size.tokens, size.width


def per_sample(size):
    """B, D."""
    return size.batch, size.width


def hidden(size):
    """B, T, M."""
    return size.batch, size.tokens, 4 * size.width


def heads(size):
    """B, H, T, d."""
    return size.batch, size.heads, size.tokens, size.width // size.heads


def wide_heads(size):
    """B, H, T, d, where attention takes smaller tiles."""
    return size.batch, size.heads, size.tokens, 100


def even_heads(size):
    """B, H, T, 2 d: wide enough for rotary positions along three axes."""
    return size.batch, size.heads, size.tokens, 2 * (size.width // size.heads)


def long_rows(size):
    """B, D, where one warp is not enough for a row."""
    return size.batch, 15 * size.width


def matrix(rows, columns):
    """A weight between multiples of the width D."""
    return lambda size: (rows * size.width, columns * size.width)


def vector(columns):
    """A bias."""
    return lambda size: (columns * size.width,)


def masked_attention(rng, size):
    """Queries, keys, values and a mask; in one sample every key is masked."""
    mask = rng.random((size.batch, size.tokens)) < 0.7
    mask[-1] = False
    return [*(rng.standard_normal(heads(size)) for _ in range(3)), mask]


def weighted_errors(rng, size):
    """Prediction, target and a weight for each sample."""
    return [rng.standard_normal(tokens(size)), rng.standard_normal(tokens(size)), rng.random(size.batch)]


def words(rng, size):
    """Ids, with repetitions, and the table."""
    ids = rng.integers(0, size.words, (size.batch, size.tokens))
    return [ids, rng.standard_normal((size.words, size.width))]


def self_attention(rng, size):
    """Tokens, and the weights of multi-head attention."""
    return [*smaller(rng, tokens(size), *attention_weights(size)), size.heads]


def rotation_of(x, tokens):
    """Rotary positions of tokens in a row, for queries or keys x (..., d), on their device."""
    rotation = layers.axial_rotation(layers.grid_positions((1, 1, tokens)), x.shape[-1], x.dtype)
    return tuple(moved(part, array_module(x)) for part in rotation)


def rope_forward(x):
    """Queries or keys with rotary positions."""
    return layers.rope_forward(x, rotation_of(x, x.shape[-2]))


def self_attention_forward(x, *weights):
    """Attention of two heads with QK-norm and rotary positions."""
    rotation = rotation_of(x[..., : x.shape[-1] // 2], x.shape[-2])
    return layers.self_attention_forward(x, *weights[:2], 2, gains=weights[2:], rotation=rotation)


def factorised_attention_forward(x, *weights):
    """Attention of two heads, over two frames."""
    return layers.factorised_attention_forward(x, 2, weights[:4], weights[4:], 2)


def factorised_attention_backward(dy, cache):
    """Its gradients in a row."""
    dx, dspace, dtime = layers.factorised_attention_backward(dy, cache)
    return dx, *dspace, *dtime


def attention_weights(size):
    """Shapes of the weights of multi-head attention."""
    return [shape(size) for shape in (matrix(1, 3), vector(3), matrix(1, 1), vector(1))]


def smaller(rng, *shapes):
    """Normal arrays small enough for several products in a row."""
    return [0.3 * rng.standard_normal(shape) for shape in shapes]


def words_to_attend(rng, size):
    """Tokens, 11 words of half their width, the weights of cross-attention, its heads, and which words there are."""
    B, T, D, H, _ = size
    arrays = smaller(rng, (B, T, D), (B, 11, D // 2), (D, D), (D,), (D // 2, 2 * D), (2 * D,), (D, D), (D,))
    return [*arrays, H, np.arange(11) < rng.integers(1, 12, (B, 1))]


def selected(rng, size):
    """Two vectors per sample, and which of them each token takes."""
    B, T, D, _, _ = size
    return [rng.standard_normal((B, 2, D)), np.arange(T) % 3 == rng.integers(3, size=(B, 1))]


def latents_around(rng, size):
    """Latents on a grid, and a window of another length along each axis."""
    return [rng.standard_normal((size.batch, 4, 3, 5, size.width)), (3, 1, 5)]


def pair(name, inputs, operation=None):
    """The Operation of a forward and a backward of `minidit.layers` that are called so."""
    operation = operation or name
    return Operation(name, getattr(layers, f"{operation}_forward"), getattr(layers, f"{operation}_backward"), inputs)


OPERATIONS = (
    pair("linear", normal(tokens, matrix(1, 3), vector(3))),
    pair("layernorm", normal(tokens)),
    pair("modulate", normal(tokens, per_sample, per_sample)),
    pair("gated_residual", normal(tokens, tokens, per_sample)),
    pair("gelu", normal(hidden)),
    pair("silu", normal(per_sample)),
    pair("relu", normal(hidden)),
    pair("leaky_relu", normal(hidden)),
    pair("softmax", normal(tokens)),
    pair("softmax, long rows", normal(long_rows), "softmax"),
    pair("layernorm_modulate", normal(tokens, per_sample, per_sample)),
    pair("linear_gelu", normal(tokens, matrix(1, 4), vector(4))),
    pair("feedforward", normal(tokens, matrix(1, 4), vector(4), matrix(4, 1), vector(1))),
    pair("linear_gated_residual", normal(tokens, hidden, matrix(4, 1), vector(1), per_sample)),
    pair("attention", normal(heads, heads, heads)),
    pair("attention, keys masked", masked_attention, "attention"),
    pair("blockwise_attention", normal(heads, heads, heads)),
    pair("blockwise_attention, keys masked", masked_attention, "blockwise_attention"),
    pair("blockwise_attention, wide heads", normal(wide_heads, wide_heads, wide_heads), "blockwise_attention"),
    pair("multihead_attention", self_attention),
    pair("embedding", words),
    pair("mse", normal(tokens, tokens)),
    pair("mse, weighted", weighted_errors, "mse"),
    pair("gaussian_kl", normal(tokens, tokens)),
    pair("reparameterize", normal(tokens, tokens, tokens)),
    pair("neighbours", latents_around),
    pair("hinge_discriminator", normal(tokens, tokens)),
    pair("hinge_generator", normal(tokens)),
    Operation("rope", rope_forward, layers.rope_backward, normal(even_heads)),
    pair("rmsnorm", normal(tokens)),
    pair("rmsnorm_modulate", normal(tokens, per_sample, per_sample)),
    pair("qk_norm", normal(heads, lambda size: (size.width // size.heads,))),
    pair("linear_swiglu", normal(tokens, matrix(1, 4), vector(4))),
    pair("cross_attention", words_to_attend),
    Operation("self_attention, normalised and rotated", self_attention_forward, layers.self_attention_backward,
              lambda rng, size: smaller(rng, tokens(size), *attention_weights(size)[:2], *2 * [(size.width // 2,)])),
    Operation("factorised_attention", factorised_attention_forward, factorised_attention_backward,
              lambda rng, size: smaller(rng, tokens(size), *2 * attention_weights(size))),
    pair("select", selected),
    pair("modulate, per token", normal(tokens, tokens, tokens), "modulate"),
    pair("gated_residual, per token", normal(tokens, tokens, tokens), "gated_residual"),
    pair("layernorm_modulate, per token", normal(tokens, tokens, tokens), "layernorm_modulate"),
    pair("linear_gated_residual, per token", normal(tokens, hidden, matrix(4, 1), vector(1), tokens),
         "linear_gated_residual"),
    Operation("timestep_embedding", lambda t: (layers.timestep_embedding(t, 256, dtype=t.dtype), None), None,
              lambda rng, size: [rng.integers(0, 8000, size.batch) / 8]),  # that float32 can hold: else cos(t) is off
    Operation("patchify", lambda x: (layers.patchify(x, (2, 1, 1)), None), None,
              lambda rng, size: [rng.standard_normal((size.batch, 4, 3, 5, size.width))]),
)  # fmt: skip


def results(operation, xp, inputs, dtype, rng):
    """What an operation makes of its inputs on a device: its output and its gradients, as NumPy arrays.

    Args:
        operation: Operation.
        xp: array library of the device.
        inputs: from `Operation.inputs`.
        dtype: of the floating-point arrays.
        rng: draws the gradient of the output.
    """
    y, cache = operation.forward(*on_device(inputs, xp, dtype))
    outputs = [y]
    if operation.backward:
        dy = rng.standard_normal(y.shape) if y.ndim else 1.0
        gradients = operation.backward(*on_device([dy], xp, dtype), cache)
        outputs += gradients if isinstance(gradients, tuple) else [gradients]
    return [to_host(xp.asarray(output)) for output in outputs]


def on_device(inputs, xp, dtype):
    """The arrays among the inputs on a device, the floating-point ones in this precision."""
    return [
        moved(value.astype(dtype) if value.dtype.kind == "f" else value, xp) if isinstance(value, np.ndarray) else value
        for value in inputs
    ]


def error(got, expected):
    """The largest difference of two arrays, in units of the largest value expected; infinite if the shapes differ."""
    if got.shape != expected.shape:
        return float("inf")
    scale = np.abs(expected).max(initial=0)
    difference = np.abs(got.astype(np.float64) - expected).max(initial=0)
    return float(difference / scale) if scale else float(difference)
