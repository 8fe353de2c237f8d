"""What a DiT costs in arithmetic: its parameters, and the matrix products of a pass, one by one.

The list follows the code: `matrix_products` names every product in the order in which `DiT.forward` and
`DiT.backward` do them, with the shapes and the memory layout of the operands, so that they can be counted,
and run alone to see what a step would take if nothing else had to be done.
"""

from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from minidit.layers import blockwise_attention, multihead_attention
from minidit.models.dit import FREQUENCY_WIDTH, dit_shapes


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
    """Multiply-accumulates of all `matrix_products`, most of whose arguments these are.

    It is what Peebles & Xie 2023, table 4, counts as flops (two to a multiply-accumulate elsewhere), up to their one
    for every number that a layer norm reads.
    """
    products = matrix_products(settings, batch, grid, words, training, recompute, merged=True)
    return sum(product.multiply_accumulates for product in products)


def matrix_products(settings, batch, grid, words=None, training=True, recompute=False, merged=False):
    """Every matrix product of a pass, in order: those of linear layers, of attention, and of embeddings' gradients.

    Left out are products with a vector of constants, which are sums in disguise: a layer norm's means, softmax's
    sums, the gradients of biases, shifts, scales and gates, and the sum over a prompt's words.

    Args:
        settings: DiTSettings.
        batch: clips.
        grid: (frames, rows, columns), in tokens.
        words: of the longest prompt in the batch; None for class labels.
        training: `DiT.forward` and `DiT.backward`; otherwise `DiT.embed` and one `DiT.predict`, for sampling.
        recompute: the backward first runs each block's forward again (gradient checkpointing).
        merged: where attention goes block by block, list what its blocks do as one product.
    Returns:
        a list of MatrixProduct.
    Raises:
        ValueError: words without a text encoder, or a text encoder without words.
    """
    if (words is None) != (settings.text is None):
        raise ValueError("give words for a DiT that reads prompts, and only for one")
    tokens, width = prod(grid), settings.width
    values, times = prod(settings.patch), batch * (2 if settings.time == "token" else 1)
    if settings.text:
        condition = text_encoder(settings.text, batch, words, width, merged, each_word=settings.prompt != "adaln")
    else:
        condition = embedding("y_embedder.embedding_table", settings.num_classes + 1, batch, width)
    blocks = [dit_block(f"blocks.{i}.", settings, batch, grid, words, merged) for i in range(settings.depth)]
    if recompute:
        blocks = [Products(block.forward, block.forward + block.backward) for block in blocks]
    network = chain(
        linear("x_embedder.proj", batch * tokens, settings.patch_values, width),
        condition,
        linear("t_embedder.mlp.0", times, FREQUENCY_WIDTH, width),
        linear("t_embedder.mlp.2", times, width, width),
        *blocks,
        modulation("final_layer.", settings, batch, tokens, 2),
        linear("final_layer.linear", batch * tokens, width, values * settings.out_channels),
    )
    return network.forward + network.backward if training else network.forward


class Products(NamedTuple):
    """The products of some part of the network."""

    forward: list
    backward: list


def chain(*parts):
    """Parts one after the other; the backward goes through them from the last to the first."""
    return Products(
        [product for part in parts for product in part.forward],
        [product for part in reversed(parts) for product in part.backward],
    )


def linear(name, rows, inputs, outputs):
    """y = x @ w, dx = dy @ wᵀ, dw = xᵀ @ dy."""
    return Products(
        [MatrixProduct(name, 1, rows, inputs, outputs)],
        [
            MatrixProduct(f"{name}.dx", 1, rows, outputs, inputs, right_transposed=True),
            MatrixProduct(f"{name}.dw", 1, inputs, rows, outputs, left_transposed=True),
        ],
    )


def embedding(name, table_rows, lookups, width):
    """Looking up is none, but its gradient is computed as the product with one-hot rows that looking up could be."""
    return Products([], [MatrixProduct(f"{name}.dw", 1, table_rows, lookups, width, left_transposed=True)])


def attention(name, batch, num_heads, tokens, head_width, merged, queries=None):
    """Scores and values of every head: all of them at once or, where there are many, blocks of queries in turn.

    The tokens that are asked are the rows of the scores, those that ask the columns; by default these are as many.
    """
    queries = queries or tokens
    at_once = attention_block(name, batch * num_heads, tokens, queries, head_width)
    if not has_many_scores(batch, num_heads, tokens, queries):
        return at_once
    if merged:
        return with_scores_again(at_once)
    sizes = batch * block_sizes(num_heads, tokens, queries)
    blocks = [with_scores_again(attention_block(name, num_heads, tokens, size, head_width)) for size in sizes]
    return Products(*(sum(products, []) for products in zip(*blocks, strict=True)))


def with_scores_again(attention):
    """Attention that has kept no scores, and computes them a second time in its backward."""
    scores, _ = attention.forward
    return Products(attention.forward, [scores, *attention.backward])


def attention_block(name, heads, tokens, queries, head_width):
    """Some queries, all keys."""
    S, t, d = tokens, queries, head_width
    return Products(
        [
            MatrixProduct(f"{name}.scores", heads, S, d, t, right_transposed=True),
            MatrixProduct(f"{name}.values", heads, t, S, d, left_transposed=True),
        ],
        [
            MatrixProduct(f"{name}.values.dv", heads, S, t, d),
            MatrixProduct(f"{name}.values.dscores", heads, S, d, t, right_transposed=True),
            MatrixProduct(f"{name}.scores.dq", heads, t, S, d, left_transposed=True),
            MatrixProduct(f"{name}.scores.dk", heads, S, t, d),
        ],
    )


def has_many_scores(batch, num_heads, tokens, queries=None):
    """Whether attention goes block by block, as `multihead_attention_forward` decides it."""
    return batch * num_heads * tokens * (queries or tokens) > multihead_attention.MANY_SCORES


def block_size(num_heads, tokens, queries=None):
    """How many queries a block has."""
    return min(queries or tokens, max(1, blockwise_attention.BLOCK_SCORES // (num_heads * tokens)))


def block_sizes(num_heads, tokens, queries=None):
    """How many queries each block of a clip has: the last one what is left."""
    queries = queries or tokens
    size = block_size(num_heads, tokens, queries)
    return [min(size, queries - start) for start in range(0, queries, size)]


def dit_block(prefix, settings, batch, grid, words, merged):
    """A block of the DiT, plain or modern."""
    tokens, width = tokens_of_block(settings, grid, words), settings.width
    rows, hidden = batch * tokens, settings.hidden
    sizes = settings.num_heads, settings.head_width, merged
    if settings.attention == "full":
        attend = [self_attention(f"{prefix}attn", batch, tokens, *sizes)]
    else:
        frames, places = grid[0], tokens // grid[0]
        attend = [
            self_attention(f"{prefix}attn", batch * frames, places, *sizes),
            self_attention(f"{prefix}attn_time", batch * places, frames, *sizes),
        ]
    if settings.prompt == "cross":
        attend += [
            linear(f"{prefix}cross_attn.q", rows, width, width),
            linear(f"{prefix}cross_attn.kv", batch * words, width, 2 * width),
            attention(
                f"{prefix}cross_attn", batch, settings.num_heads, words, settings.head_width, merged, queries=tokens
            ),
            linear(f"{prefix}cross_attn.proj", rows, width, width),
        ]
    return chain(
        modulation(prefix, settings, batch, tokens, settings.modulations),
        *attend,
        linear(f"{prefix}mlp.fc1", rows, width, 2 * hidden if settings.feedforward == "swiglu" else hidden),
        linear(f"{prefix}mlp.fc2", rows, hidden, width),
    )


def tokens_of_block(settings, grid, words):
    """How many tokens a block has: those of the grid and, in context, the time and the words."""
    return prod(grid) + (1 + words if settings.prompt == "in_context" else 0)


def modulation(prefix, settings, batch, tokens, count):
    """The vectors that steer a block; with a time per token the gradients of all tokens that chose one add up."""
    name, outputs = f"{prefix}adaLN_modulation.1", count * settings.width
    if settings.time == "sample":
        return linear(name, batch, settings.width, outputs)
    choice = Products([], [MatrixProduct(f"{name}.dchosen", batch, 2, tokens, outputs)])
    return chain(linear(name, 2 * batch, settings.width, outputs), choice)


def self_attention(name, batch, tokens, num_heads, head_width, merged):
    """The projections, and what is between them."""
    rows, width = batch * tokens, num_heads * head_width
    return chain(
        linear(f"{name}.qkv", rows, width, 3 * width),
        attention(name, batch, num_heads, tokens, head_width, merged),
        linear(f"{name}.proj", rows, width, width),
    )


def transformer_block(prefix, batch, tokens, width, num_heads, hidden, merged):
    """A block of the text encoder: attention and feed-forward."""
    return chain(
        self_attention(f"{prefix}attn", batch, tokens, num_heads, width // num_heads, merged),
        linear(f"{prefix}mlp.fc1", batch * tokens, width, hidden),
        linear(f"{prefix}mlp.fc2", batch * tokens, hidden, width),
    )


def text_encoder(settings, batch, words, out_width, merged, each_word=False):
    """Word embeddings, blocks, and the projection of the words' sum, or of each word."""
    width = settings.width
    blocks = [
        transformer_block(
            f"text_encoder.blocks.{i}.", batch, words, width, settings.num_heads, settings.mlp_ratio * width, merged
        )
        for i in range(settings.depth)
    ]
    return chain(
        embedding("text_encoder.embedding", settings.vocabulary_size, batch * words, width),
        *blocks,
        linear("text_encoder.proj", batch * words if each_word else batch, width, out_width),
    )
