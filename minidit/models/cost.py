"""What a DiT costs in arithmetic: its parameters, and the matrix products of a pass.

Both follow from the parameters' shapes: a linear layer multiplies its weight by a row for each token, word or clip.
Only attention has products without parameters.
"""

from dataclasses import dataclass
from math import prod

from minidit.layers import multihead_attention
from minidit.models.dit import dit_shapes


@dataclass(frozen=True)
class MatrixProduct:
    """(batch, m, k) @ (batch, k, n): each of its batch · m · n results takes k multiply-accumulates.

    Attributes:
        name: of the layer, as its parameters are called; in the backward followed by what the gradient is of.
        batch: pairs of matrices that are multiplied at once; 1 outside attention.
        m, k, n: sizes of the matrices.
        left_transposed, right_transposed: whether that operand is a view, the transpose of what lies in memory.
    """

    name: str
    batch: int
    m: int
    k: int
    n: int
    left_transposed: bool = False
    right_transposed: bool = False

    @property
    def multiply_accumulates(self):
        """How many multiplications, each with an addition."""
        return self.batch * self.m * self.k * self.n


def parameter_count(settings):
    """How many numbers a DiT learns, its text encoder or label table included."""
    return sum(prod(shape) for shape in dit_shapes(settings).values())


def multiply_accumulates(settings, batch, grid, words=None, training=True, recompute=False):
    """Multiply-accumulates of all `matrix_products`, whose arguments these are.

    Peebles & Xie 2023, table 4, call these flops, and add one for every number that a layer norm reads.
    """
    products = matrix_products(settings, batch, grid, words, training, recompute)
    return sum(product.multiply_accumulates for product in products)


def matrix_products(settings, batch, grid, words=None, training=True, recompute=False):
    """Every matrix product of a pass: those of linear layers, of attention, and of embeddings' gradients.

    Products with a vector of constants are left out, since they are sums in disguise: a layer norm's means, softmax's
    sums, the gradients of biases, shifts, scales and gates, and the sum over a prompt's words.

    Args:
        settings: DiTSettings.
        batch: clips.
        grid: (frames, rows, columns), in tokens.
        words: of the longest prompt in the batch; None for class labels.
        training: `DiT.forward` and `DiT.backward`; otherwise `DiT.embed` and one `DiT.predict`, for sampling.
        recompute: the backward first runs each block's forward again (gradient checkpointing).
    Returns:
        a list of MatrixProduct, the forward's layer by layer and then the backward's in reverse. Where attention goes
        block by block, what its blocks do is listed as one product.
    Raises:
        ValueError: words without a text encoder, or a text encoder without words.
    """
    if (words is None) != (settings.text is None):
        raise ValueError("give words for a DiT that reads prompts, and only for one")
    forward, backward = [], []
    for name, shape in dit_shapes(settings).items():
        layer = name.removesuffix(".weight")
        if len(shape) < 2 or layer == "text_encoder.positions":  # these are added
            continue
        there, back = linear(layer, rows_of(layer, settings, batch, grid, words), *shape)
        if layer in ("text_encoder.embedding", "y_embedder.embedding_table"):
            there, back = [], back[1:]  # a lookup costs nothing, but its gradient is a product with one-hot rows
        if "adaLN_modulation" in layer and settings.time == "token":
            tokens = tokens_of_block(settings, grid, words) if layer.startswith("blocks") else prod(grid)
            back = [MatrixProduct(f"{layer}.dselected", batch, 2, tokens, shape[1]), *back]
        if layer.endswith(("qkv", "kv")):
            attention_there, attention_back = attention(layer, settings, batch, grid, words)
            there, back = there + attention_there, attention_back + back
        forward += there
        backward = back + backward
    if not training:
        return forward
    again = [product for product in forward if product.name.startswith("blocks.")] if recompute else []
    return forward + again + backward


def rows_of(layer, settings, batch, grid, words):
    """How many rows a linear layer multiplies, or how many rows of a table are looked up."""
    match layer.split("."):
        case ["text_encoder", "proj"]:
            return batch * (1 if settings.prompt == "adaln" else words)
        case ["text_encoder", *_] | [*_, "kv"]:
            return batch * words
        case ["y_embedder", _]:
            return batch
        case ["t_embedder", *_] | [*_, "adaLN_modulation", _]:
            return batch * (2 if settings.time == "token" else 1)
        case ["blocks", *_]:
            return batch * tokens_of_block(settings, grid, words)
    return batch * prod(grid)


def tokens_of_block(settings, grid, words):
    """How many tokens a block has: those of the grid and, in context, the time and the words."""
    return prod(grid) + (1 + words if settings.prompt == "in_context" else 0)


def linear(name, rows, inputs, outputs):
    """y = x @ w; dx = dy @ wᵀ and dw = xᵀ @ dy."""
    return [MatrixProduct(name, 1, rows, inputs, outputs)], [
        MatrixProduct(f"{name}.dx", 1, rows, outputs, inputs, right_transposed=True),
        MatrixProduct(f"{name}.dw", 1, inputs, rows, outputs, left_transposed=True),
    ]


def attention(layer, settings, batch, grid, words):
    """Scores and values of every head, in the layout of `attention_forward`: the keys are the rows of the scores."""
    heads, d, frames = settings.num_heads, settings.head_width, grid[0]
    T = tokens_of_block(settings, grid, words)
    match layer.split("."):
        case ["text_encoder", *_]:
            heads, d = settings.text.num_heads, settings.text.width // settings.text.num_heads
            sequences, keys, queries = batch, words, words
        case [*_, "cross_attn", _]:
            sequences, keys, queries = batch, words, T
        case [*_, "attn_time", _]:
            sequences, keys, queries = batch * T // frames, frames, frames
        case _ if settings.attention == "factorised":
            sequences, keys, queries = batch * frames, T // frames, T // frames
        case _:
            sequences, keys, queries = batch, T, T
    name, batch, S, t = layer.rpartition(".")[0], sequences * heads, keys, queries
    forward = [
        MatrixProduct(f"{name}.scores", batch, S, d, t, right_transposed=True),
        MatrixProduct(f"{name}.values", batch, t, S, d, left_transposed=True),
    ]
    again = forward[:1] if batch * S * t > multihead_attention.MANY_SCORES else []  # block by block keeps no scores
    return forward, [
        *again,
        MatrixProduct(f"{name}.values.dv", batch, S, t, d),
        MatrixProduct(f"{name}.values.dscores", batch, S, d, t, right_transposed=True),
        MatrixProduct(f"{name}.scores.dq", batch, t, S, d, left_transposed=True),
        MatrixProduct(f"{name}.scores.dk", batch, S, t, d),
    ]
