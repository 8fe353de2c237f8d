"""The Diffusion Transformer: noised latents, a time and a condition to a prediction, and all the way back.

Names follow facebookresearch/DiT so that the two can be read side by side and weights can cross over. What is
ours: tokens are patches of space *and time*, positions are three-dimensional, weights are stored (in, out),
and the condition may be a prompt (`models/conditioning.py`).
"""

import numpy as np

from minidit.backend import array_module, moved
from minidit.layers import (
    axial_rotation,
    grid_positions,
    linear_backward,
    linear_forward,
    pad_to_patches,
    patchify,
    sincos_positions,
    unpatchify,
)
from minidit.layers.patchify import patch_grid
from minidit.models.block import (
    NO_INPUTS,
    attention_weights_in,
    dit_block_backward,
    dit_block_forward,
    final_layer_backward,
    final_layer_forward,
    recomputed_dit_block_backward,
    recomputed_dit_block_forward,
)
from minidit.models.conditioning import (
    block_inputs,
    condition_backward,
    condition_forward,
    context_backward,
    context_forward,
    dropped_context_backward,
    dropped_context_forward,
    prompt_backward,
    prompt_forward,
)
from minidit.models.conditioning_channels import with_channels_backward, with_channels_forward
from minidit.models.dit_settings import DiTSettings, dit_shapes
from minidit.models.parameters import Parameters, prefixed, under, xavier_weights
from minidit.models.text_encoder import initialize_text_encoder

__all__ = ["DiT", "DiTSettings", "dit_shapes"]

# B = batch, T = tokens, D = width, L = words, P = values of a patch, O = values predicted for a patch


class DiT:
    """A Diffusion Transformer, by default with adaLN-Zero; its settings offer other choices.

    Args:
        settings: DiTSettings.
        rng: draws the starting parameters; None leaves them zero, to be loaded.
        dtype: float32, or float64 to check gradients.
        buffer: the vector for the parameters to live in; by default a new one.
    Source: Peebles & Xie 2023, "Scalable Diffusion Models with Transformers", section 3.
    """

    def __init__(self, settings, rng=None, dtype=np.float32, buffer=None):
        self.settings = settings
        self.params = Parameters(dit_shapes(settings), dtype, buffer)
        self.block_params = [under(f"blocks.{i}.", self.params) for i in range(settings.depth)]
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
            initialize_text_encoder(rng, under("text_encoder.", params), self.settings.text)
        zero = ("adaLN_modulation", "cross_attn.proj") if self.settings.zero_init else ()
        for name, array in params.items():
            if name.startswith("final_layer.linear") or any(part in name for part in zero):
                array[...] = 0
            elif name.endswith("_norm.weight"):
                array[...] = 1

    def on(self, xp):
        """The same network on the device of an array library."""
        return DiT(self.settings, buffer=moved(self.params.flat, xp))

    def forward(self, x, t, condition, recompute=False, known=None, sizes=None):
        """Predicts, for every latent, what the objective asks for (noise, data or velocity).

        Args:
            x: (B, F, H, W, C) noised latents, clean where they are known. The patch must divide their grid, except with
                conditioning channels.
            t: (B,) times as numbers from 0 to 1000 (see `minidit.diffusion.paths` for their direction).
            condition: (B, L) word ids from the tokenizer, or (B,) class labels.
            recompute: keep only what goes into each block, and let the backward run the block's forward again.
            known: (B, F, H, W) bool, the known latents, or None for none.
            sizes: (B, 3) integers, frames, rows and columns of each clip, where clips are padded at their ends to the
                size of x; or None.
        Returns:
            y (B, F, H, W, out_channels) and a cache for `backward`.
        Raises:
            ValueError: known or sizes for a network without conditioning channels.
        """
        prompt, prompt_cache = prompt_forward(condition, self.params, self.settings)
        y, cache = self.network_forward(x, t, prompt, known, sizes, recompute=recompute)
        return y, (prompt_cache, cache)

    def backward(self, dy, cache):
        """Returns dx (B, F, H, W, C) and a dict of the gradients of all parameters."""
        prompt_cache, cache = cache
        dx, dprompt, grads = self.network_backward(dy, cache)
        return dx, grads | prompt_backward(dprompt, prompt_cache, self.settings)

    def predict(self, x, t, prompt, known=None, sizes=None):
        """The prediction of `forward`, for sampling: nothing is kept for a backward.

        Args:
            x, t, known, sizes: as in `forward`.
            prompt: from `embed`. A sampler needs it only once for all its steps.
        Returns:
            y (B, F, H, W, out_channels).
        """
        y, _ = self.network_forward(x, t, prompt, known, sizes, training=False)
        return y

    def embed(self, condition):
        """Reads prompts or labels, for `predict`: word ids (B, L), or labels (B,), to (B, D).

        Where a prompt doesn't enter by adaLN: one vector for each word (B, L, D), and a mask (B, L) of the words.
        """
        prompt, _ = prompt_forward(condition, self.params, self.settings)
        return prompt

    def attention(self, x, t, prompt, known=None, sizes=None):
        """Who attends to whom, for figures: (blocks, B, heads, T, T), a row for each token that asks.

        Args: as for `predict`.
        Raises:
            ValueError: the network has factorised attention, whose weights are of another shape.
        """
        if self.settings.attention == "factorised":
            raise ValueError("factorised attention has no weights between all tokens")
        inputs = self.block_inputs(x.shape, prompt, known, sizes)
        h, _ = self.tokens_forward(x, t, known, sizes)
        c, _ = self.condition_forward(t, prompt)
        _, (caches, *_) = self.blocks_forward(h, c, inputs)
        return array_module(x).stack([attention_weights_in(cache, inputs.key_mask) for cache in caches])

    def network_forward(self, x, t, prompt, known, sizes, training=True, recompute=False):
        """From latents to the prediction, given the embedded prompt: arguments as in `forward` and `predict`."""
        h, tokens_cache = self.tokens_forward(x, t, known, sizes)  # B, T, D
        c, condition_cache = self.condition_forward(t, prompt)  # B, D
        inputs = self.block_inputs(x.shape, prompt, known, sizes)
        h, blocks_cache = self.blocks_forward(h, c, inputs, training, recompute)
        y, final_cache = self.final_layer_forward(h, c, inputs)  # B, T, O
        return self.latents_of(y, x.shape), (tokens_cache, condition_cache, blocks_cache, final_cache)

    def network_backward(self, dy, cache):
        """Returns dx (B, F, H, W, C), dprompt, and the gradients of all parameters except those of the prompt's."""
        tokens_cache, condition_cache, blocks_cache, final_cache = cache
        dh, dc, dfinal = final_layer_backward(self.patches_of(dy), final_cache)
        dh, dc, dwords, dblocks = self.blocks_backward(dh, dc, blocks_cache)
        dprompt, dcondition = condition_backward(dc, condition_cache)
        dx, dembedder = self.tokens_backward(dh, tokens_cache)
        dprompt = dprompt if self.settings.prompt == "adaln" else dwords
        return dx, dprompt, dembedder | dcondition | dblocks | prefixed("final_layer.", dfinal)

    def tokens_forward(self, x, t=None, known=None, sizes=None):
        """Latents (B, F, H, W, C) to tokens (B, T, D) that know their place, and a cache for `tokens_backward`.

        Args: as in `forward`; t is needed with conditioning channels only.
        """
        p, shape, channels_cache = self.params, x.shape, None
        if self.settings.conditioning_channels:
            x, channels_cache = with_channels_forward(x, t / 1000, known, sizes)  # B, F, H, W, C + M
        elif sizes is not None or (known is not None and self.settings.time == "sample"):
            raise ValueError("known latents and sizes need DiTSettings(conditioning_channels=True)")
        h, cache = linear_forward(self.patches_of(x), p["x_embedder.proj.weight"], p["x_embedder.proj.bias"])  # B, T, D
        if self.settings.positions != "rope":
            h += self.positions_of(self.grid_of(shape))
        return h, (cache, channels_cache, shape)

    def tokens_backward(self, dh, cache):
        """Returns dx (B, F, H, W, C) and the gradients of the patch embedding."""
        cache, channels_cache, shape = cache
        dpatches, dweight, dbias = linear_backward(dh, cache)
        dx = self.latents_of(dpatches, shape)
        if channels_cache is not None:
            dx = with_channels_backward(dx, channels_cache)
        return dx, {"x_embedder.proj.weight": dweight, "x_embedder.proj.bias": dbias}

    def condition_forward(self, t, prompt):
        """Times (B,) and the embedded prompt to what modulates every block, c (B, D), and a cache."""
        return condition_forward(t, prompt, self.params, self.settings)

    def block_inputs(self, shape, prompt, known=None, sizes=None):
        """What the blocks see of latents of this shape (B, F, H, W, C), beside tokens and condition: BlockInputs."""
        rotation = self.rotation_of(self.grid_of(shape)) if self.settings.positions != "sincos" else None
        return block_inputs(self.settings, shape, prompt, known, sizes, rotation, array_module(self.params.flat))

    def blocks_forward(self, h, c, inputs, training=True, recompute=False):
        """All blocks: tokens h (B, T, D), the condition c and BlockInputs to h (B, T, D) and a cache."""
        tokens, in_context, dropped_cache = h.shape[1], self.settings.prompt == "in_context", None
        if in_context:
            h, inputs = context_forward(h, c, inputs)  # B, T + 1 + L, D
        caches = []
        for p in self.block_params:
            if recompute:
                h, cache = recomputed_dit_block_forward(h, c, p, self.settings, inputs)
            else:
                h, cache = dit_block_forward(h, c, p, self.settings, inputs, training)
            caches.append(cache)
        if in_context:
            h, dropped_cache = dropped_context_forward(h, tokens)  # B, T, D
        return h, (caches, dropped_cache, recompute)

    def blocks_backward(self, dh, dc, cache):
        """Returns dh (B, T, D), dc with the blocks' share added, dwords (B, L, D) or None, and gradients by name."""
        caches, dropped_cache, recompute = cache
        tokens, dwords, grads = dh.shape[1], None, {}
        block_backward = recomputed_dit_block_backward if recompute else dit_block_backward
        if dropped_cache is not None:
            dh = dropped_context_backward(dh, dropped_cache)  # B, T + 1 + L, D
        for i in reversed(range(len(caches))):
            dh, dc_block, dwords_block, dblock = block_backward(dh, caches[i])
            dc = dc + dc_block  # one condition modulated every block
            dwords = dwords_block if dwords is None else dwords + dwords_block  # and each saw the same words
            grads |= prefixed(f"blocks.{i}.", dblock)
        if dropped_cache is not None:
            dh, dc, dwords = context_backward(dh, dc, tokens)
        return dh, dc, dwords, grads

    def final_layer_forward(self, h, c, inputs=NO_INPUTS):
        """Tokens h (B, T, D) and the condition to predicted patches y (B, T, O), and a cache."""
        return final_layer_forward(h, c, self.final_params, self.settings, inputs)

    # Tokens and latents

    def grid_of(self, shape):
        """Tokens along each of (frames, rows, columns) of latents of this shape (B, F, H, W, C)."""
        return patch_grid(shape[1:4], self.settings.patch)

    def patches_of(self, x):
        """Latents (B, F, H, W, C) as patches (B, T, P). With conditioning channels zeros may fill up the last ones."""
        x = pad_to_patches(x, self.settings.patch) if self.settings.conditioning_channels else x
        return patchify(x, self.settings.patch)

    def latents_of(self, patches, shape):
        """Puts patches (B, T, O) back to where those of latents of this shape (B, F, H, W, C) were."""
        _, frames, rows, columns, _ = shape
        return unpatchify(patches, self.settings.patch, self.grid_of(shape))[:, :frames, :rows, :columns]

    def positions_of(self, grid):
        """Sin-cos positions (T, D) of a grid of tokens (frames, rows, columns), made once per grid.

        Conditioning channels place each frame more finely than a token could. With them positions say only row and
        column, the same for any number of frames.
        """
        if grid not in self.positions:
            frames, *plane = grid
            once, times = ((1, *plane), frames) if self.settings.conditioning_channels else (grid, 1)
            positions = np.tile(sincos_positions(once, self.settings.width, self.params.dtype), (times, 1))
            self.positions[grid] = moved(positions, array_module(self.params.flat))
        return self.positions[grid]

    def rotation_of(self, grid):
        """How far queries and keys of the tokens of a grid are rotated, made once per grid (see `axial_rotation`)."""
        if grid not in self.rotations:
            rotation = axial_rotation(grid_positions(grid), self.settings.head_width, self.params.dtype)
            self.rotations[grid] = tuple(moved(part, array_module(self.params.flat)) for part in rotation)  # T, pairs
        return self.rotations[grid]
