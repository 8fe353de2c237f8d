"""The transformer that reads the prompt: words to one vector, trained jointly with the DiT.

It starts as a bag of words: the blocks' output projections are zero, so at first its result is a linear map of
the sum of the word embeddings, which tells any two prompts apart. What order and grammar add, it learns.
"""

from dataclasses import dataclass

from minidit.backend import array_module
from minidit.layers import (
    embedding_backward,
    embedding_forward,
    feedforward_backward,
    feedforward_forward,
    layernorm_backward,
    layernorm_forward,
    linear_backward,
    linear_forward,
    multihead_attention_backward,
    multihead_attention_forward,
)
from minidit.models.parameters import linear_shapes, prefixed, under, xavier_weights
from minidit.models.tokenizer import PAD

# B = batch, L = words of the longest prompt, W = width of the encoder, D = width of the conditioning vector

ATTENTION = ("attn.qkv.weight", "attn.qkv.bias", "attn.proj.weight", "attn.proj.bias")
MLP = ("mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias")

# Large enough that the sum of a prompt's words is of the size of the tokens from the first step on.
WORD_INIT_STD = 0.3


@dataclass(frozen=True)
class TextEncoderSettings:
    """Sizes of the text encoder.

    Attributes:
        vocabulary_size: words, the tokenizer's special ones included.
        max_length: the longest prompt, in words.
        width, depth, num_heads, mlp_ratio: of its transformer blocks.
    """

    vocabulary_size: int
    max_length: int = 20
    width: int = 64
    depth: int = 1
    num_heads: int = 4
    mlp_ratio: int = 4

    def __post_init__(self):
        if self.width % self.num_heads:
            raise ValueError(f"the text encoder's width {self.width} is not divisible by num_heads {self.num_heads}")


def text_encoder_shapes(settings, out_width):
    """Name -> shape of the text encoder's parameters."""
    width = settings.width
    shapes = {
        "embedding.weight": (settings.vocabulary_size, width),
        "positions.weight": (settings.max_length, width),
    }
    for i in range(settings.depth):
        shapes |= prefixed(f"blocks.{i}.", transformer_block_shapes(width, settings.mlp_ratio * width))
    return shapes | linear_shapes("proj", width, out_width)


def initialize_text_encoder(rng, params, settings):
    """Draws the starting parameters in place (see the top of this file for why some are zero)."""
    xavier_weights(rng, params)
    params["embedding.weight"][...] = rng.normal(0, WORD_INIT_STD, params["embedding.weight"].shape)
    params["positions.weight"][...] = rng.normal(0, 0.02, params["positions.weight"].shape)
    for i in range(settings.depth):
        params[f"blocks.{i}.attn.proj.weight"][...] = 0
        params[f"blocks.{i}.mlp.fc2.weight"][...] = 0


def text_encoder_forward(ids, p, settings, each_word=False):
    """Reads prompts: word ids to one conditioning vector each, or to one for each word.

    Args:
        ids: (B, L) int, padded at the end with `PAD`; every prompt has at least its start word.
        p: parameters named as in `text_encoder_shapes`.
        settings: TextEncoderSettings.
        each_word: leave out the sum over the words.
    Returns:
        y (B, D), or with `each_word` (B, L, D), zeros where there is no word; and a cache for `text_encoder_backward`.
    """
    length = ids.shape[1]
    mask = ids != PAD  # B, L
    words, embedding_cache = embedding_forward(ids, p["embedding.weight"])  # B, L, W
    x = words + p["positions.weight"][:length]  # B, L, W
    block_caches = []
    for i in range(settings.depth):
        x, cache = transformer_block_forward(x, under(f"blocks.{i}.", p), settings.num_heads, key_mask=mask)
        block_caches.append(cache)
    present = mask.astype(x.dtype)[:, None]  # B, 1, L
    pooled = x if each_word else (present @ x)[:, 0]  # B, W   the sum over the words
    y, proj_cache = linear_forward(pooled, p["proj.weight"], p["proj.bias"])  # B, D
    if each_word:
        y *= present.swapaxes(1, 2)  # B, L, D
    return y, (embedding_cache, block_caches, present, proj_cache, p["positions.weight"].shape)


def text_encoder_backward(dy, cache):
    """Returns the gradients of the encoder's parameters. Word ids have none."""
    embedding_cache, block_caches, present, proj_cache, positions_shape = cache
    xp = array_module(dy)
    if dy.ndim == 3:
        dx, dproj_weight, dproj_bias = linear_backward(dy * present.swapaxes(1, 2), proj_cache)  # B, L, W
    else:
        dpooled, dproj_weight, dproj_bias = linear_backward(dy, proj_cache)  # B, W
        dx = present.swapaxes(1, 2) * dpooled[:, None]  # B, L, W
    grads = {"proj.weight": dproj_weight, "proj.bias": dproj_bias}
    for i in reversed(range(len(block_caches))):
        dx, dblock = transformer_block_backward(dx, block_caches[i])
        grads |= prefixed(f"blocks.{i}.", dblock)
    dpositions = xp.zeros(positions_shape, dx.dtype)  # max_length, W
    dpositions[: dx.shape[1]] = dx.sum(axis=0)
    grads["positions.weight"] = dpositions
    grads["embedding.weight"] = embedding_backward(dx, embedding_cache)
    return grads


def transformer_block_shapes(width, hidden):
    """Name -> shape of a block's parameters. Weights are (in, out)."""
    attention = linear_shapes("attn.qkv", width, 3 * width) | linear_shapes("attn.proj", width, width)
    return attention | linear_shapes("mlp.fc1", width, hidden) | linear_shapes("mlp.fc2", hidden, width)


def transformer_block_forward(x, p, num_heads, key_mask=None):
    """A plain pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x)).

    Args:
        x: (B, L, W) words.
        p: the block's parameters, weights (in, out).
        num_heads: divides W.
        key_mask: (B, L) bool, True where a word may be attended to, or None for all.
    Returns:
        x (B, L, W) and a cache for `transformer_block_backward`.
    Source: Vaswani et al. 2017, section 3.1; normalised before each part as in Xiong et al. 2020, figure 1b.
    """
    h, norm1_cache = layernorm_forward(x)
    h, attention_cache = multihead_attention_forward(h, *(p[name] for name in ATTENTION), num_heads, key_mask)
    x = x + h

    h, norm2_cache = layernorm_forward(x)
    h, mlp_cache = feedforward_forward(h, *(p[name] for name in MLP))
    x = x + h
    return x, (norm1_cache, attention_cache, norm2_cache, mlp_cache)


def transformer_block_backward(dx, cache):
    """Returns dx (B, L, W) and the gradients of the block's parameters."""
    norm1_cache, attention_cache, norm2_cache, mlp_cache = cache

    dh, *dmlp = feedforward_backward(dx, mlp_cache)
    dx = dx + layernorm_backward(dh, norm2_cache)

    dh, *dattention = multihead_attention_backward(dx, attention_cache)
    dx = dx + layernorm_backward(dh, norm1_cache)
    return dx, dict(zip(ATTENTION + MLP, dattention + dmlp, strict=True))
