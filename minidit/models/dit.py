"""The Diffusion Transformer: noised latents, a time and a condition to a prediction, and all the way back.

Names follow facebookresearch/DiT so that the two can be read side by side and weights can cross over. What is
ours: tokens are patches of space *and time*, positions are three-dimensional, weights are stored (in, out),
and the condition may be a prompt.
"""

import numpy as np

from minidit.backend import array_module, moved
from minidit.layers import (
    axial_rotation,
    embedding_backward,
    embedding_forward,
    grid_positions,
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
    recomputed_dit_block_backward,
    recomputed_dit_block_forward,
)
from minidit.models.conditioning_channels import conditioning_channels, existing
from minidit.models.dit_settings import FREQUENCY_WIDTH, DiTSettings, dit_shapes
from minidit.models.in_context import (
    with_context,
    with_context_backward,
    without_context,
    without_context_backward,
)
from minidit.models.modern_block import (
    Around,
    modern_block_backward,
    modern_block_forward,
    modern_final_layer_backward,
    modern_final_layer_forward,
    recomputed_modern_block_backward,
    recomputed_modern_block_forward,
)
from minidit.models.parameters import Parameters, prefixed, under, xavier_weights
from minidit.models.text_encoder import initialize_text_encoder, text_encoder_backward, text_encoder_forward

__all__ = ["FREQUENCY_WIDTH", "DiT", "DiTSettings", "dit_shapes"]

# B = batch, T = tokens, D = width, L = words, P = values of a patch, O = values predicted for a patch

CLEAN = 1000.0  # the time of what is given


class DiT:
    """A Diffusion Transformer, by default with adaLN-Zero; its settings offer other choices.

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
        self.final_params = under("final_layer.", self.params)
        self.positions = {}  # grid -> (T, D)
        self.rotations = {}  # grid -> two of (T, pairs of a head)
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
        zero = ("adaLN_modulation", "cross_attn.proj") if self.settings.zero_init else ()
        for name, array in params.items():
            if name.startswith("final_layer.linear") or any(part in name for part in zero):
                array[...] = 0
            elif name.endswith("_norm.weight"):
                array[...] = 1

    def on(self, xp):
        """The same network on the device of an array library."""
        return DiT(self.settings, buffer=moved(self.params.flat, xp))

    def positions_of(self, grid):
        """Sin-cos positions (T, D) of a grid of tokens (frames, rows, columns), made once per grid.

        Marks place every frame more finely than its token could be, so that with them positions say only row and
        column, the same for any number of frames.
        """
        if grid not in self.positions:
            frames, *plane = grid
            once, times = ((1, *plane), frames) if self.settings.conditioning_channels else (grid, 1)
            positions = np.tile(sincos_positions(once, self.settings.width, self.params.dtype), (times, 1))
            self.positions[grid] = moved(positions, array_module(self.params.flat))
        return self.positions[grid]

    def rotation_of(self, grid):
        """How far queries and keys of the tokens of a grid are turned, made once per grid (see `axial_rotation`)."""
        if grid not in self.rotations:
            rotation = axial_rotation(grid_positions(grid), self.settings.head_width, self.params.dtype)
            self.rotations[grid] = tuple(moved(part, array_module(self.params.flat)) for part in rotation)  # T, pairs
        return self.rotations[grid]

    def forward(self, x, t, condition, recompute=False, known=None, sizes=None):
        """Predicts, for every latent, what the objective asks for (noise, data or velocity).

        Args:
            x: (B, F, H, W, C) noised latents, any grid that the patch divides; with conditioning channels any grid at
                all; clean where they are known.
            t: (B,) times as numbers from 0 to 1000 (see `minidit.diffusion.paths` for their direction).
            condition: (B, L) word ids from the tokenizer, or (B,) class labels.
            recompute: keep only what goes into each block, and let the backward run the block's forward again.
            known: (B, F, H, W) bool, the latents that are given, or None for none.
            sizes: (B, 3) integers, frames, rows and columns of each clip, where clips are padded at their ends to the
                size of x; None if none is.
        Returns:
            y (B, F, H, W, out_channels) and a cache for `backward`.
        Raises:
            ValueError: known or sizes for a network that can't tell.
        """
        h, embed_cache = self.tokens_forward(x, t, known, sizes)
        embedding, embedding_cache = self.embedding_forward(condition)
        c, condition_cache = self.condition_forward(t, embedding)
        around = self.surroundings(x.shape, embedding, known, sizes)
        h, block_caches = self.blocks_forward(h, c, around, recompute=recompute)
        y, final_cache = self.final_layer_forward(h, c, around.given)  # B, T, O
        caches = (embed_cache, embedding_cache, condition_cache, block_caches, final_cache)
        return self.latents_of(y, x.shape), (caches, x.shape, embedding.shape, recompute)

    def backward(self, dy, cache):
        """Returns dx (B, F, H, W, C) and a dict of the gradients of all parameters."""
        (embed_cache, embedding_cache, condition_cache, block_caches, final_cache), shape, said, recompute = cache
        dh, dc, grads = self.final_layer_backward(self.patches_of(dy), final_cache)
        dh, dc, dwords, dblocks = self.blocks_backward(dh, dc, block_caches, said, recompute)
        dembedding, dcondition = self.condition_backward(dc, condition_cache)
        dembedding = dembedding if self.settings.prompt == "adaln" else dwords
        grads |= dblocks | dcondition | self.embedding_backward(dembedding, embedding_cache)

        dx, dembedder = self.tokens_backward(dh, embed_cache, shape)
        return dx, grads | dembedder

    def predict(self, x, t, embedding, known=None, sizes=None):
        """The same prediction as `forward` makes, for sampling: nothing is kept for a backward.

        Args:
            x, t, known, sizes: as in `forward`.
            embedding: of the prompts or labels, from `embed`. A sampler needs it only once for all its steps.
        Returns:
            y (B, F, H, W, out_channels).
        """
        h, _ = self.tokens_forward(x, t, known, sizes)
        c, _ = self.condition_forward(t, embedding)
        around = self.surroundings(x.shape, embedding, known, sizes)
        h, _ = self.blocks_forward(h, c, around, training=False)
        y, _ = self.final_layer_forward(h, c, around.given)
        return self.latents_of(y, x.shape)

    def embed(self, condition):
        """What the prompts or labels say, for `predict`: word ids (B, L), or labels (B,), to (B, D).

        Where a prompt doesn't enter by adaLN, each of its words: (B, L, D), zeros where there is none.
        """
        embedding, _ = self.embedding_forward(condition)
        return embedding

    def tokens_forward(self, x, t=None, known=None, sizes=None):
        """Latents (B, F, H, W, C) to tokens (B, T, D) that know their place, and a cache for `tokens_backward`.

        Args: as in `forward`; t is needed with conditioning channels only.
        """
        p, exists = self.params, None
        if self.settings.conditioning_channels:
            xp = array_module(x)
            channels = conditioning_channels(x.shape, t / 1000, known, sizes, x.dtype, xp)  # B, F, H, W, M
            if sizes is not None:
                exists = existing(x.shape, sizes, xp)[..., None]  # B, F, H, W, 1
                x = x * exists
            x = xp.concatenate([x, channels], axis=-1)  # B, F, H, W, C + M
        elif sizes is not None or (known is not None and self.settings.time == "sample"):
            raise ValueError(
                "known latents and sizes need conditioning channels: DiTSettings(conditioning_channels=True)"
            )
        h, cache = linear_forward(self.patches_of(x), p["x_embedder.proj.weight"], p["x_embedder.proj.bias"])  # B, T, D
        if self.settings.positions == "sincos":
            h += self.positions_of(self.grid_of(x.shape))
        return h, (cache, exists)

    def tokens_backward(self, dh, cache, shape):
        """Returns dx (B, F, H, W, C), the shape given, and the gradients of the patch embedding."""
        linear_cache, exists = cache
        dpatches, dweight, dbias = linear_backward(dh, linear_cache)
        dx = self.latents_of(dpatches, shape)[..., : shape[-1]]  # the conditioning channels behind them are constants
        if exists is not None:
            dx = dx * exists
        return dx, {"x_embedder.proj.weight": dweight, "x_embedder.proj.bias": dbias}

    def surroundings(self, shape, embedding, known, sizes):
        """What the blocks see beside tokens and condition, an Around.

        Args:
            shape: (B, F, H, W, C) of the latents.
            embedding: as from `embed`.
            known, sizes: as in `forward`.
        """
        settings, grid = self.settings, self.grid_of(shape)
        around = Around(grid[0], self.key_mask(shape, sizes))
        if settings.positions == "rope":
            around = around._replace(rotation=self.rotation_of(grid))
        if settings.time == "token":
            around = around._replace(given=self.given_tokens(shape, known, sizes, array_module(embedding)))
        if settings.prompt != "adaln":
            around = around._replace(words=embedding, words_mask=(embedding != 0).any(axis=-1))
        return around

    def given_tokens(self, shape, known, sizes, xp):
        """Which tokens are given, all of their latents that exist: (B, T) bool."""
        grid = self.grid_of(shape)
        if known is None:
            return xp.zeros((shape[0], int(np.prod(grid))), bool)
        if sizes is not None:
            known = known | ~existing(shape, sizes, xp)  # B, F, H, W
        return ~self.patches_of(~known[..., None]).any(axis=-1)

    def blocks_forward(self, h, c, around, training=True, recompute=False):
        """All blocks: tokens h (B, T, D) and the condition c to h (B, T, D) and a list of caches."""
        tokens, in_context = h.shape[1], self.settings.prompt == "in_context"
        if in_context:
            h, around = with_context(h, c, around)
        caches = []
        for block in self.block_params:
            h, cache = self.block_forward(h, c, block, around, training, recompute)
            caches.append(cache)
        return (without_context(h, tokens) if in_context else h), caches

    def blocks_backward(self, dh, dc, caches, said, recompute):
        """Returns dh (B, T, D), dc with what the blocks add to it, dwords (B, L, D) or None, and gradients by name.

        Args:
            dh, dc: from the final layer.
            caches: of the blocks.
            said: the shape of the embedding.
            recompute: as in `forward`.
        """
        tokens, dwords, grads = dh.shape[1], None, {}
        in_context = self.settings.prompt == "in_context"
        if in_context:
            dh = without_context_backward(dh, words=said[1])
        for i in reversed(range(len(caches))):
            dh, dc_block, dwords_block, dblock = self.block_backward(dh, caches[i], recompute)
            dc = dc + dc_block  # one condition steered every block
            dwords = dwords_block if dwords is None else dwords + dwords_block  # and the same words
            grads |= prefixed(f"blocks.{i}.", dblock)
        if in_context:
            dh, dc, dwords = with_context_backward(dh, dc, tokens)
        return dh, dc, dwords, grads

    def block_forward(self, h, c, block, around, training=True, recompute=False):
        """One block, of the kind that the settings ask for. Arguments and result as of that."""
        if self.settings.modern:
            if recompute:
                return recomputed_modern_block_forward(h, c, block, self.settings, around)
            return modern_block_forward(h, c, block, self.settings, around, training)
        if recompute:
            return recomputed_dit_block_forward(h, c, block, self.settings.num_heads, around.key_mask)
        return dit_block_forward(h, c, block, self.settings.num_heads, training, around.key_mask)

    def block_backward(self, dh, cache, recompute):
        """Returns dh (B, T, D), dc, dwords (B, L, D) or None, and the gradients of the block's parameters."""
        if self.settings.modern:
            return (recomputed_modern_block_backward if recompute else modern_block_backward)(dh, cache)
        dh, dc, grads = (recomputed_dit_block_backward if recompute else dit_block_backward)(dh, cache)
        return dh, dc, None, grads

    def key_mask(self, shape, sizes):
        """Which tokens hold something and may be attended to, (B, T) bool; None, for all, where clips have no sizes.

        Args:
            shape: (B, F, H, W, C) of the latents.
            sizes: as in `forward`.
        """
        if sizes is None:
            return None
        exists = existing(shape, sizes, array_module(sizes))  # B, F, H, W
        # Clips are padded at their ends: a token holds something if its first latent does.
        first = exists[tuple(slice(None, None, step) for step in (1, *self.settings.patch))]
        return first.reshape(len(exists), -1)  # B, T

    def grid_of(self, shape):
        """Tokens along each of (frames, rows, columns) of latents of this shape (B, F, H, W, C)."""
        return tuple(-(-size // step) for size, step in zip(shape[1:4], self.settings.patch, strict=True))

    def patches_of(self, x):
        """Latents (B, F, H, W, C) as patches (B, T, P). With conditioning channels zeros may fill up the last ones."""
        if self.settings.conditioning_channels:
            whole = [tokens * step for tokens, step in zip(self.grid_of(x.shape), self.settings.patch, strict=True)]
            missing = [(0, length - size) for length, size in zip(whole, x.shape[1:4], strict=True)]
            if any(behind for _, behind in missing):
                x = array_module(x).pad(x, [(0, 0), *missing, (0, 0)])
        return patchify(x, self.settings.patch)

    def latents_of(self, tokens, shape):
        """Puts tokens (B, T, O) back where the patches of latents of this shape (B, F, H, W, C) were."""
        _, frames, rows, columns, _ = shape
        return unpatchify(tokens, self.settings.patch, self.grid_of(shape))[:, :frames, :rows, :columns]

    def embedding_forward(self, condition):
        """Prompts or labels to one vector each, or to one for each word, as `embed` gives them; and a cache."""
        if self.settings.text:
            each_word = self.settings.prompt != "adaln"
            return text_encoder_forward(condition, self.text_params, self.settings.text, each_word)
        return embedding_forward(condition, self.params["y_embedder.embedding_table.weight"])

    def embedding_backward(self, dembedding, cache):
        """Returns the gradients of the text encoder, or of the label table."""
        if self.settings.text:
            return prefixed("text_encoder.", text_encoder_backward(dembedding, cache))
        return {"y_embedder.embedding_table.weight": embedding_backward(dembedding, cache)}

    def condition_forward(self, t, embedding):
        """Times (B,) and the embedding to SiLU(time embedding + embedding), which steers the blocks: c (B, D); a cache.

        With a time per token c is (B, 2, D): of those to be made, and of those that are given. Where the prompt enters
        in another way, c is of the time alone.
        """
        p, per_token = self.params, self.settings.time == "token"
        if per_token:
            xp = array_module(t)
            t = xp.stack([t, xp.full_like(t, CLEAN)], axis=-1)  # B, 2
        features = timestep_embedding(t, FREQUENCY_WIDTH, dtype=p.dtype)  # B, FREQUENCY_WIDTH
        h, hidden_cache = linear_forward(features, p["t_embedder.mlp.0.weight"], p["t_embedder.mlp.0.bias"])
        h, silu_cache = silu_forward(h)
        c, out_cache = linear_forward(h, p["t_embedder.mlp.2.weight"], p["t_embedder.mlp.2.bias"])  # B, D
        if self.settings.prompt == "adaln":
            c += embedding[:, None] if per_token else embedding
        # Each block's modulation layer begins with this SiLU (Peebles & Xie's code); once is enough for all.
        c, c_silu_cache = silu_forward(c)  # B, D
        return c, (hidden_cache, silu_cache, out_cache, c_silu_cache)

    def condition_backward(self, dc, cache):
        """Returns dembedding (B, D), if the embedding went into c, and the gradients of the time embedder."""
        hidden_cache, silu_cache, out_cache, c_silu_cache = cache
        dsum = silu_backward(dc, c_silu_cache)  # B, D   the gradient of both embeddings
        dh, dweight, dbias = linear_backward(dsum, out_cache)
        grads = {"t_embedder.mlp.2.weight": dweight, "t_embedder.mlp.2.bias": dbias}
        dh = silu_backward(dh, silu_cache)
        _, dweight, dbias = linear_backward(dh, hidden_cache)
        dembedding = dsum.sum(axis=1) if self.settings.time == "token" else dsum  # one prompt for both times
        return dembedding, grads | {"t_embedder.mlp.0.weight": dweight, "t_embedder.mlp.0.bias": dbias}

    def final_layer_forward(self, h, c, given=None):
        """Norm, shift and scale by the condition, linear: h (B, T, D) to y (B, T, O) and a cache.

        With a time per token `given` says which tokens are, (B, T) bool.
        """
        if self.settings.modern:
            return modern_final_layer_forward(h, c, self.final_params, self.settings, given)
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
        if self.settings.modern:
            dh, dc, grads = modern_final_layer_backward(dy, cache)
            return dh, dc, prefixed("final_layer.", grads)
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
