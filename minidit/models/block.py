"""The DiT block, conditioned by adaLN-Zero, and the final layer behind the last one.

Each backward is its forward read upwards, call by call. By default this is the paper's block; `DiTSettings` offers the
choices of later transformers for its norm, attention, feed-forward network, prompt and time.
"""

from typing import NamedTuple

import numpy as np

from minidit.backend import array_module
from minidit.layers import (
    attention_weights,
    cross_attention_backward,
    cross_attention_forward,
    factorised_attention_backward,
    factorised_attention_forward,
    gated_residual_backward,
    gated_residual_forward,
    layernorm_backward,
    layernorm_forward,
    layernorm_modulate_backward,
    layernorm_modulate_forward,
    linear_backward,
    linear_forward,
    linear_gated_residual_backward,
    linear_gated_residual_forward,
    linear_gelu_backward,
    linear_gelu_forward,
    linear_swiglu_backward,
    linear_swiglu_forward,
    rmsnorm_backward,
    rmsnorm_forward,
    rmsnorm_modulate_backward,
    rmsnorm_modulate_forward,
    select_backward,
    select_forward,
    self_attention_backward,
    self_attention_forward,
)
from minidit.models.parameters import linear_shapes

# B = batch, T = tokens, D = width, M = width of the feed-forward's hidden layer, L = words, n = modulations

NORM = {"layer": (layernorm_forward, layernorm_backward), "rms": (rmsnorm_forward, rmsnorm_backward)}
NORM_MODULATE = {
    "layer": (layernorm_modulate_forward, layernorm_modulate_backward),
    "rms": (rmsnorm_modulate_forward, rmsnorm_modulate_backward),
}
HIDDEN = {
    "gelu": (linear_gelu_forward, linear_gelu_backward),
    "swiglu": (linear_swiglu_forward, linear_swiglu_backward),
}

MODULATION = ("adaLN_modulation.1.weight", "adaLN_modulation.1.bias")
QKV = ("attn.qkv.weight", "attn.qkv.bias")
PROJECTION = ("attn.proj.weight", "attn.proj.bias")
GAINS = ("attn.q_norm.weight", "attn.k_norm.weight")
CROSS = tuple(f"cross_attn.{part}.{kind}" for part in ("q", "kv", "proj") for kind in ("weight", "bias"))
MLP_HIDDEN = ("mlp.fc1.weight", "mlp.fc1.bias")
FINAL = ("linear.weight", "linear.bias")


class BlockInputs(NamedTuple):
    """What a block sees beside its tokens and the condition. By default nothing.

    Attributes:
        frames: of the grid of tokens.
        key_mask: (B, T) bool, which tokens may be attended to, or None for all.
        rotation: from `axial_rotation` for these tokens, or None.
        known: (B, T) bool, which tokens are known, for a time per token; or None.
        words: (B, L, D) of the prompt, for cross-attention; or None.
        words_mask: (B, L) bool, which of them the prompt has.
    """

    frames: int = 1
    key_mask: np.ndarray | None = None
    rotation: tuple | None = None
    known: np.ndarray | None = None
    words: np.ndarray | None = None
    words_mask: np.ndarray | None = None


NO_INPUTS = BlockInputs()


def dit_block_shapes(settings):
    """Name -> shape of a block's parameters, in the order in which they lie in memory. Weights are (in, out)."""
    width, hidden = settings.width, settings.hidden
    shapes = {}
    for name in ("attn", "attn_time") if settings.attention == "factorised" else ("attn",):
        shapes |= linear_shapes(f"{name}.qkv", width, 3 * width) | linear_shapes(f"{name}.proj", width, width)
        if settings.qk_norm:
            shapes |= {f"{name}.q_norm.weight": (settings.head_width,), f"{name}.k_norm.weight": (settings.head_width,)}
    if settings.prompt == "cross":
        shapes |= linear_shapes("cross_attn.q", width, width) | linear_shapes("cross_attn.kv", width, 2 * width)
        shapes |= linear_shapes("cross_attn.proj", width, width)
    widened = 2 * hidden if settings.feedforward == "swiglu" else hidden  # gate and value side by side
    shapes |= linear_shapes("mlp.fc1", width, widened) | linear_shapes("mlp.fc2", hidden, width)
    return shapes | linear_shapes("adaLN_modulation.1", width, settings.modulations * width)


def dit_block_forward(x, c, p, settings, inputs=NO_INPUTS, training=True):
    """A DiT block with adaLN-Zero: attention and feed-forward, each shifted, scaled and gated by the condition.

    Args:
        x: (B, T, D) tokens.
        c: (B, D) SiLU of the conditioning vector (time + prompt). Every block uses the same one. With a time per token
            (B, 2, D), for tokens that are not known, then for known ones.
        p: the block's parameters, named as in `dit_block_shapes` and in facebookresearch/DiT.
        settings: DiTSettings.
        inputs: BlockInputs.
        training: False keeps nothing for the backward.
    Returns:
        x (B, T, D) and a cache for `dit_block_backward`, or None without training.
    Source: Peebles & Xie 2023, figure 3 (adaLN-Zero) and section 3.2; the layers name the sources of the choices.
    """
    modulations, modulation_cache = modulations_forward(c, p, settings.modulations, inputs.known)
    shift_msa, scale_msa, gate_msa, shift_mlp, scale_mlp, gate_mlp = with_gates(modulations)  # B, D each
    norm_modulate_forward, _ = NORM_MODULATE[settings.norm]

    h, norm1_cache = norm_modulate_forward(x, shift_msa, scale_msa)  # B, T, D
    h, attention_cache = attention_forward(h, p, settings, inputs)  # B, T, D
    x, gate1_cache = gated_attention_forward(x, h, gate_msa, p, settings)  # B, T, D

    x, words_cache = words_forward(x, p, settings, inputs)  # B, T, D

    h, norm2_cache = norm_modulate_forward(x, shift_mlp, scale_mlp)  # B, T, D
    h, hidden_cache = mlp_hidden_forward(h, p, settings, training)  # B, T, M
    x, gate2_cache = linear_gated_residual_forward(x, h, p["mlp.fc2.weight"], p["mlp.fc2.bias"], gate_mlp)  # B, T, D

    if not training:
        return x, None
    attention_half = (norm1_cache, attention_cache, gate1_cache)
    mlp_half = (norm2_cache, hidden_cache, gate2_cache)
    return x, (modulation_cache, attention_half, words_cache, mlp_half, settings)


def dit_block_backward(dx, cache):
    """Returns dx (B, T, D), dc like c, dwords (B, L, D) or None, and the gradients of the block's parameters."""
    modulation_cache, attention_half, words_cache, mlp_half, settings = cache
    norm1_cache, attention_cache, gate1_cache = attention_half
    norm2_cache, hidden_cache, gate2_cache = mlp_half
    _, norm_modulate_backward = NORM_MODULATE[settings.norm]
    grads = {}

    dx, dh, grads["mlp.fc2.weight"], grads["mlp.fc2.bias"], dgate_mlp = linear_gated_residual_backward(dx, gate2_cache)
    dh, dhidden = mlp_hidden_backward(dh, hidden_cache, settings)
    dx_norm, dshift_mlp, dscale_mlp = norm_modulate_backward(dh, norm2_cache)
    dx = dx + dx_norm  # x fed the residual and the norm

    dx, dwords, dcross = words_backward(dx, words_cache, settings)

    dx, dh, dgate_msa, dproj = gated_attention_backward(dx, gate1_cache, settings)
    dh, dqkv = attention_backward(dh, attention_cache, settings)
    dx_norm, dshift_msa, dscale_msa = norm_modulate_backward(dh, norm1_cache)
    dx = dx + dx_norm

    dmodulations = without_gates([dshift_msa, dscale_msa, dgate_msa, dshift_mlp, dscale_mlp, dgate_mlp], settings)
    dc, dmodulation = modulations_backward(dmodulations, modulation_cache)
    return dx, dc, dwords, grads | dhidden | dcross | dproj | dqkv | dmodulation


def recomputed_dit_block_forward(x, c, p, settings, inputs=NO_INPUTS):
    """`dit_block_forward` that keeps only its arguments: less memory, for a second forward within the backward.

    Source: Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost", section 4 (gradient checkpointing).
    """
    y, _ = dit_block_forward(x, c, p, settings, inputs, training=False)
    return y, (x, c, p, settings, inputs)


def recomputed_dit_block_backward(dx, cache):
    """As `dit_block_backward`."""
    _, cache = dit_block_forward(*cache)
    return dit_block_backward(dx, cache)


def final_layer_shapes(settings):
    """Name -> shape of the final layer's parameters."""
    outputs = int(np.prod(settings.patch)) * settings.out_channels
    return linear_shapes("adaLN_modulation.1", settings.width, 2 * settings.width) | linear_shapes(
        "linear", settings.width, outputs
    )


def final_layer_forward(h, c, p, settings, inputs=NO_INPUTS):
    """Norm, shift and scale by the condition, linear: h (B, T, D) to y (B, T, O) and a cache.

    Args: as for `dit_block_forward`, with p named as in `final_layer_shapes`.
    Source: Peebles & Xie 2023, section 3.2 (transformer decoder).
    """
    (shift, scale), modulation_cache = modulations_forward(c, p, 2, inputs.known)
    norm_modulate_forward, _ = NORM_MODULATE[settings.norm]
    h, norm_cache = norm_modulate_forward(h, shift, scale)  # B, T, D
    y, linear_cache = linear_forward(h, *(p[name] for name in FINAL))  # B, T, O
    return y, (modulation_cache, norm_cache, linear_cache, settings)


def final_layer_backward(dy, cache):
    """Returns dh (B, T, D), dc like c, and the gradients of the final layer's parameters."""
    modulation_cache, norm_cache, linear_cache, settings = cache
    _, norm_modulate_backward = NORM_MODULATE[settings.norm]
    dh, *dlinear = linear_backward(dy, linear_cache)
    dh, dshift, dscale = norm_modulate_backward(dh, norm_cache)
    dc, dmodulation = modulations_backward([dshift, dscale], modulation_cache)
    return dh, dc, dmodulation | dict(zip(FINAL, dlinear, strict=True))


# The parts


def modulations_forward(c, p, count, known):
    """The condition's linear layer: `count` vectors (B, D), or with a time per token (B, T, D); and a cache."""
    modulation, linear_cache = linear_forward(c, *(p[name] for name in MODULATION))  # B, nD or B, 2, nD
    select_cache = None
    if known is not None:
        modulation, select_cache = select_forward(modulation, known)  # B, T, nD
    parts = modulation.reshape(*modulation.shape[:-1], count, -1)  # ..., n, D
    return [parts[..., i, :] for i in range(count)], (linear_cache, select_cache)


def modulations_backward(dmodulations, cache):
    """Returns dc like c, and the gradients of the layer by name."""
    linear_cache, select_cache = cache
    dmodulation = array_module(dmodulations[0]).concatenate(dmodulations, axis=-1)  # B, nD or B, T, nD
    if select_cache is not None:
        dmodulation = select_backward(dmodulation, select_cache)  # B, 2, nD
    dc, *dlinear = linear_backward(dmodulation, linear_cache)
    return dc, dict(zip(MODULATION, dlinear, strict=True))


def with_gates(modulations):
    """All six modulations. Where the network has only shifts and scales, its gates are one."""
    if len(modulations) == 6:
        return modulations
    shift_msa, scale_msa, shift_mlp, scale_mlp = modulations
    open_gate = array_module(shift_msa).ones_like(shift_msa)
    return shift_msa, scale_msa, open_gate, shift_mlp, scale_mlp, open_gate


def without_gates(dmodulations, settings):
    """The gradients of those modulations that the network has."""
    return dmodulations if settings.zero_init else [dmodulations[i] for i in (0, 1, 3, 4)]


def attention_names(name, settings):
    """The parameters of one of the two factorised attentions, in the order of `factorised_attention_forward`."""
    names = [f"{name}.{part}.{kind}" for part in ("qkv", "proj") for kind in ("weight", "bias")]
    return names + [f"{name}.{part}_norm.weight" for part in "qk"] * settings.qk_norm


def attention_forward(h, p, settings, inputs):
    """Self-attention (B, T, D), and a cache.

    The last projection is left to `gated_attention_forward`; only factorised attention contains its own.
    """
    if settings.attention == "factorised":
        weights = ([p[name] for name in attention_names(part, settings)] for part in ("attn", "attn_time"))
        return factorised_attention_forward(
            h, inputs.frames, *weights, settings.num_heads, inputs.key_mask, inputs.rotation
        )
    gains = [p[name] for name in GAINS] if settings.qk_norm else ()
    weights = (p[name] for name in QKV)
    return self_attention_forward(h, *weights, settings.num_heads, inputs.key_mask, gains, inputs.rotation)


def attention_weights_in(cache, key_mask=None):
    """How much each token attends to each other: (B, H, T, T), from the cache of `dit_block_forward`, for figures.

    Only for full attention.
    """
    _, (_, attention_cache, _), *_ = cache          # as `dit_block_forward` packs it
    *_, (q, k, *_), _ = attention_cache             # as `self_attention_forward` does
    return attention_weights(q, k, key_mask)


def attention_backward(dy, cache, settings):
    """Returns dh (B, T, D) and the gradients by name."""
    if settings.attention == "factorised":
        dh, dspace, dtime = factorised_attention_backward(dy, cache)
        names = attention_names("attn", settings) + attention_names("attn_time", settings)
        return dh, dict(zip(names, dspace + dtime, strict=True))
    dh, *grads = self_attention_backward(dy, cache)
    return dh, dict(zip(QKV + GAINS * settings.qk_norm, grads, strict=True))


def gated_attention_forward(x, h, gate, p, settings):
    """The attention's last projection, if it is still to come, and its gate into the residual x."""
    if settings.attention == "factorised":
        return gated_residual_forward(x, h, gate)
    return linear_gated_residual_forward(x, h, *(p[name] for name in PROJECTION), gate)


def gated_attention_backward(dy, cache, settings):
    """Returns dx, dh, dgate, and the gradients by name."""
    if settings.attention == "factorised":
        return *gated_residual_backward(dy, cache), {}
    dx, dh, *dlinear, dgate = linear_gated_residual_backward(dy, cache)
    return dx, dh, dgate, dict(zip(PROJECTION, dlinear, strict=True))


def mlp_hidden_forward(h, p, settings, training):
    """The feed-forward network up to its hidden layer (B, T, M), and a cache."""
    hidden_forward, _ = HIDDEN[settings.feedforward]
    return hidden_forward(h, *(p[name] for name in MLP_HIDDEN), training)


def mlp_hidden_backward(dy, cache, settings):
    """Returns dh (B, T, D) and the gradients by name."""
    _, hidden_backward = HIDDEN[settings.feedforward]
    dh, *dlinear = hidden_backward(dy, cache)
    return dh, dict(zip(MLP_HIDDEN, dlinear, strict=True))


def words_forward(x, p, settings, inputs):
    """With prompt="cross" the tokens attend to the prompt's words; else x as it is. And a cache.

    Source: Rombach et al. 2022, section 3.3; without modulation of its own: Chen et al. 2023 (PixArt-α), section 2.3.
    """
    if settings.prompt != "cross":
        return x, None
    norm_forward, _ = NORM[settings.norm]
    h, norm_cache = norm_forward(x)
    h, cross_cache = cross_attention_forward(
        h, inputs.words, *(p[name] for name in CROSS), settings.num_heads, inputs.words_mask
    )
    return x + h, (norm_cache, cross_cache)


def words_backward(dx, cache, settings):
    """Returns dx (B, T, D), dwords (B, L, D) or None, and the gradients by name."""
    if cache is None:
        return dx, None, {}
    norm_cache, cross_cache = cache
    _, norm_backward = NORM[settings.norm]
    dh, dwords, *dcross = cross_attention_backward(dx, cross_cache)
    return dx + norm_backward(dh, norm_cache), dwords, dict(zip(CROSS, dcross, strict=True))
