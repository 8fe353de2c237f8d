"""The Diffusion Transformer: noised latents, a time and a condition to a prediction, and all the way back.

Names follow facebookresearch/DiT so that the two can be read side by side and weights can cross over. What is
ours: tokens are patches of space *and time*, positions are three-dimensional, weights are stored (in, out),
and the condition may be a prompt.
"""

from dataclasses import dataclass

import numpy as np

from minidit.backend import array_module, moved
from minidit.layers import (
    embedding_backward,
    embedding_forward,
    layernorm_modulate_backward,
    layernorm_modulate_forward,
    linear_backward,
    linear_forward,
    patchify,
    silu_backward,
    silu_forward,
    sincos_positions,
    timestep_embedding,
    unpatchify,
)
from minidit.models.block import (
    dit_block_backward,
    dit_block_forward,
    dit_block_shapes,
    recomputed_dit_block_backward,
    recomputed_dit_block_forward,
)
from minidit.models.parameters import Parameters, prefixed, under, xavier_weights
from minidit.models.text_encoder import (
    TextEncoderSettings,
    initialize_text_encoder,
    text_encoder_backward,
    text_encoder_forward,
    text_encoder_shapes,
)

# B = batch, T = tokens, D = width, P = values of a patch, O = values predicted for a patch

FREQUENCY_WIDTH = 256  # of the sinusoidal time embedding, as in the paper's code


@dataclass(frozen=True)
class DiTSettings:
    """Sizes of a Diffusion Transformer.

    Attributes:
        in_channels: channels of the latents.
        patch: (frames, rows, columns) of latents that make one token.
        width, depth, num_heads, mlp_ratio: of its blocks; num_heads divides width.
        learn_sigma: predict the variance as well, which doubles the channels of the output.
        num_classes: class labels 0 … num_classes - 1, and num_classes itself for "no label" (guidance).
        text: settings of the text encoder. Exactly one of `num_classes` and `text` is given.
    """

    in_channels: int
    patch: tuple[int, int, int]
    width: int
    depth: int
    num_heads: int
    mlp_ratio: float = 4
    learn_sigma: bool = False
    num_classes: int | None = None
    text: TextEncoderSettings | None = None

    def __post_init__(self):
        if (self.num_classes is None) == (self.text is None):
            raise ValueError("a DiT is conditioned on class labels or on text: give num_classes or text, not both")
        if self.width % self.num_heads:
            raise ValueError(f"width {self.width} is not divisible by num_heads {self.num_heads}")

    @property
    def out_channels(self):
        """Channels of the output: those of the latents, twice with `learn_sigma`."""
        return 2 * self.in_channels if self.learn_sigma else self.in_channels


def dit_shapes(settings):
    """Name -> shape of every parameter, in the order in which the forward pass meets them."""
    width, patch_size = settings.width, int(np.prod(settings.patch))
    shapes = {
        "x_embedder.proj.weight": (patch_size * settings.in_channels, width),
        "x_embedder.proj.bias": (width,),
        "t_embedder.mlp.0.weight": (FREQUENCY_WIDTH, width),
        "t_embedder.mlp.0.bias": (width,),
        "t_embedder.mlp.2.weight": (width, width),
        "t_embedder.mlp.2.bias": (width,),
    }
    if settings.text:
        shapes |= prefixed("text_encoder.", text_encoder_shapes(settings.text, width))
    else:
        shapes["y_embedder.embedding_table.weight"] = (settings.num_classes + 1, width)
    for i in range(settings.depth):
        shapes |= prefixed(f"blocks.{i}.", dit_block_shapes(width, int(settings.mlp_ratio * width)))
    return shapes | {
        "final_layer.adaLN_modulation.1.weight": (width, 2 * width),
        "final_layer.adaLN_modulation.1.bias": (2 * width,),
        "final_layer.linear.weight": (width, patch_size * settings.out_channels),
        "final_layer.linear.bias": (patch_size * settings.out_channels,),
    }


class DiT:
    """A Diffusion Transformer with adaLN-Zero.

    Args:
        settings: DiTSettings.
        rng: draws the starting parameters; None leaves them zero, to be loaded.
        dtype: float32, or float64 to check gradients.
        buffer: the vector that the parameters are to live in; by default a new one.
    Source: Peebles & Xie 2023, "Scalable Diffusion Models with Transformers", section 3.
    """

    def __init__(self, settings, rng=None, dtype=np.float32, buffer=None):
        self.settings = settings
        self.params = Parameters(dit_shapes(settings), dtype, buffer)
        self.block_params = [under(f"blocks.{i}.", self.params) for i in range(settings.depth)]
        self.text_params = under("text_encoder.", self.params)
        self.positions = {}  # grid -> (T, D)
        if rng is not None:
            self.initialize(rng)

    def initialize(self, rng):
        """Draws the starting parameters: Xavier, and zero wherever adaLN-Zero wants a block to start as identity."""
        params = self.params
        xavier_weights(rng, params)
        for name in ("t_embedder.mlp.0.weight", "t_embedder.mlp.2.weight", "y_embedder.embedding_table.weight"):
            if name in params:
                params[name][...] = rng.normal(0, 0.02, params[name].shape)
        if self.settings.text:
            initialize_text_encoder(rng, self.text_params, self.settings.text)
        for name, array in params.items():
            if "adaLN_modulation" in name or name.startswith("final_layer"):
                array[...] = 0

    def on(self, xp):
        """The same network on the device of an array library."""
        return DiT(self.settings, buffer=moved(self.params.flat, xp))

    def positions_of(self, grid):
        """Sin-cos positions (T, D) of a grid of tokens (frames, rows, columns), made once per grid."""
        if grid not in self.positions:
            positions = sincos_positions(grid, self.settings.width, self.params.dtype)
            self.positions[grid] = moved(positions, array_module(self.params.flat))
        return self.positions[grid]

    def forward(self, x, t, condition, recompute=False):
        """Predicts, for every latent, what the objective asks for (noise, data or velocity).

        Args:
            x: (B, F, H, W, C) noised latents, any grid that the patch divides.
            t: (B,) times as numbers from 0 to 1000 (see `minidit.diffusion.paths` for their direction).
            condition: (B, L) word ids from the tokenizer, or (B,) class labels.
            recompute: keep only what goes into each block, and let the backward run the block's forward again.
        Returns:
            y (B, F, H, W, out_channels) and a cache for `backward`.
        """
        block_forward = recomputed_dit_block_forward if recompute else dit_block_forward
        h, embed_cache = self.tokens_forward(x)
        embedding, embedding_cache = self.embedding_forward(condition)
        c, condition_cache = self.condition_forward(t, embedding)
        block_caches = []
        for block in self.block_params:
            h, cache = block_forward(h, c, block, self.settings.num_heads)
            block_caches.append(cache)
        y, final_cache = self.final_layer_forward(h, c)  # B, T, O
        caches = (embed_cache, embedding_cache, condition_cache, block_caches, final_cache)
        return self.latents_of(y, x.shape), (caches, x.shape, recompute)

    def backward(self, dy, cache):
        """Returns dx (B, F, H, W, C) and a dict of the gradients of all parameters."""
        (embed_cache, embedding_cache, condition_cache, block_caches, final_cache), shape, recompute = cache
        block_backward = recomputed_dit_block_backward if recompute else dit_block_backward

        dh, dc, grads = self.final_layer_backward(patchify(dy, self.settings.patch), final_cache)
        for i in reversed(range(len(block_caches))):
            dh, dc_block, dblock = block_backward(dh, block_caches[i])
            dc = dc + dc_block  # one condition steered every block
            grads |= prefixed(f"blocks.{i}.", dblock)
        dembedding, dcondition = self.condition_backward(dc, condition_cache)
        grads |= dcondition | self.embedding_backward(dembedding, embedding_cache)

        dtokens, dweight, dbias = linear_backward(dh, embed_cache)
        grads |= {"x_embedder.proj.weight": dweight, "x_embedder.proj.bias": dbias}
        return self.latents_of(dtokens, shape), grads

    def predict(self, x, t, embedding):
        """The same prediction as `forward` makes, for sampling: nothing is kept for a backward.

        Args:
            x, t: as in `forward`.
            embedding: (B, D) of the prompts or labels, from `embed`. A sampler needs it only once for all its steps.
        Returns:
            y (B, F, H, W, out_channels).
        """
        h, _ = self.tokens_forward(x)
        c, _ = self.condition_forward(t, embedding)
        for block in self.block_params:
            h, _ = dit_block_forward(h, c, block, self.settings.num_heads, training=False)
        y, _ = self.final_layer_forward(h, c)
        return self.latents_of(y, x.shape)

    def embed(self, condition):
        """What the prompts or labels say, for `predict`: word ids (B, L), or labels (B,), to (B, D)."""
        embedding, _ = self.embedding_forward(condition)
        return embedding

    def tokens_forward(self, x):
        """Latents (B, F, H, W, C) to tokens (B, T, D) that know their place, and a cache for `linear_backward`."""
        p, patch = self.params, self.settings.patch
        patches = patchify(x, patch)  # B, T, P
        h, cache = linear_forward(patches, p["x_embedder.proj.weight"], p["x_embedder.proj.bias"])  # B, T, D
        h += self.positions_of(self.grid_of(x.shape))
        return h, cache

    def grid_of(self, shape):
        """Tokens along each of (frames, rows, columns) of latents of this shape (B, F, H, W, C)."""
        return tuple(size // step for size, step in zip(shape[1:4], self.settings.patch, strict=True))

    def latents_of(self, tokens, shape):
        """Puts tokens (B, T, O) back where the patches of latents of this shape (B, F, H, W, C) were."""
        return unpatchify(tokens, self.settings.patch, self.grid_of(shape))

    def embedding_forward(self, condition):
        """Prompts or labels to one vector each: (B, D) and a cache."""
        if self.settings.text:
            return text_encoder_forward(condition, self.text_params, self.settings.text)
        return embedding_forward(condition, self.params["y_embedder.embedding_table.weight"])

    def embedding_backward(self, dembedding, cache):
        """Returns the gradients of the text encoder, or of the label table."""
        if self.settings.text:
            return prefixed("text_encoder.", text_encoder_backward(dembedding, cache))
        return {"y_embedder.embedding_table.weight": embedding_backward(dembedding, cache)}

    def condition_forward(self, t, embedding):
        """Times (B,) and the embedding (B, D) to SiLU(time embedding + embedding): c (B, D) and a cache."""
        p = self.params
        features = timestep_embedding(t, FREQUENCY_WIDTH, dtype=p.dtype)  # B, FREQUENCY_WIDTH
        h, hidden_cache = linear_forward(features, p["t_embedder.mlp.0.weight"], p["t_embedder.mlp.0.bias"])
        h, silu_cache = silu_forward(h)
        t_embedding, out_cache = linear_forward(h, p["t_embedder.mlp.2.weight"], p["t_embedder.mlp.2.bias"])
        # Each block's modulation layer begins with this SiLU (Peebles & Xie's code); once is enough for all.
        c, c_silu_cache = silu_forward(t_embedding + embedding)  # B, D
        return c, (hidden_cache, silu_cache, out_cache, c_silu_cache)

    def condition_backward(self, dc, cache):
        """Returns dembedding (B, D) and the gradients of the time embedder."""
        hidden_cache, silu_cache, out_cache, c_silu_cache = cache
        dsum = silu_backward(dc, c_silu_cache)  # B, D   the gradient of both embeddings
        dh, dweight, dbias = linear_backward(dsum, out_cache)
        grads = {"t_embedder.mlp.2.weight": dweight, "t_embedder.mlp.2.bias": dbias}
        dh = silu_backward(dh, silu_cache)
        _, dweight, dbias = linear_backward(dh, hidden_cache)
        return dsum, grads | {"t_embedder.mlp.0.weight": dweight, "t_embedder.mlp.0.bias": dbias}

    def final_layer_forward(self, h, c):
        """Norm, shift and scale by the condition, linear: h (B, T, D) to y (B, T, O) and a cache."""
        p = self.params
        modulation, modulation_cache = linear_forward(
            c, p["final_layer.adaLN_modulation.1.weight"], p["final_layer.adaLN_modulation.1.bias"]
        )  # B, 2D
        shift, scale = modulation.reshape(len(c), 2, -1).swapaxes(0, 1)  # B, D
        h, norm_cache = layernorm_modulate_forward(h, shift, scale)
        y, linear_cache = linear_forward(h, p["final_layer.linear.weight"], p["final_layer.linear.bias"])
        return y, (modulation_cache, norm_cache, linear_cache)

    def final_layer_backward(self, dy, cache):
        """Returns dh (B, T, D), dc (B, D) and the gradients of the final layer."""
        modulation_cache, norm_cache, linear_cache = cache
        dh, dlinear_weight, dlinear_bias = linear_backward(dy, linear_cache)
        dh, dshift, dscale = layernorm_modulate_backward(dh, norm_cache)
        dmodulation = array_module(dh).concatenate([dshift, dscale], axis=-1)  # B, 2D
        dc, dweight, dbias = linear_backward(dmodulation, modulation_cache)
        return dh, dc, {
            "final_layer.adaLN_modulation.1.weight": dweight,
            "final_layer.adaLN_modulation.1.bias": dbias,
            "final_layer.linear.weight": dlinear_weight,
            "final_layer.linear.bias": dlinear_bias,
        }
