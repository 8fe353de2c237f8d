"""The DiT block with the choices of later transformers, each a setting: norm, attention, feed-forward, prompt, time.

The plain block, with none of them, is that of `models/block.py`. As there, each backward is its forward read upwards,
call by call.
"""

from typing import NamedTuple

import numpy as np

from minidit.backend import array_module
from minidit.layers import (
    cross_attention_backward,
    cross_attention_forward,
    factorised_attention_backward,
    factorised_attention_forward,
    feedforward_backward,
    feedforward_forward,
    gated_residual_backward,
    gated_residual_forward,
    layernorm_backward,
    layernorm_forward,
    linear_backward,
    linear_forward,
    modern_attention_backward,
    modern_attention_forward,
    modulate_backward,
    modulate_forward,
    rmsnorm_backward,
    rmsnorm_forward,
    select_backward,
    select_forward,
    swiglu_backward,
    swiglu_forward,
    token_gated_residual_backward,
    token_gated_residual_forward,
    token_modulate_backward,
    token_modulate_forward,
)

# B = batch, T = tokens, D = width, L = words, n = modulations; per sample c is (B, D), per token (B, 2, D)

NORM = {"layer": (layernorm_forward, layernorm_backward), "rms": (rmsnorm_forward, rmsnorm_backward)}
MODULATE = {
    "sample": (modulate_forward, modulate_backward),
    "token": (token_modulate_forward, token_modulate_backward),
}
GATE = {
    "sample": (gated_residual_forward, gated_residual_backward),
    "token": (token_gated_residual_forward, token_gated_residual_backward),
}
FEEDFORWARD = {"gelu": (feedforward_forward, feedforward_backward), "swiglu": (swiglu_forward, swiglu_backward)}

MODULATION = ("adaLN_modulation.1.weight", "adaLN_modulation.1.bias")
CROSS = tuple(f"cross_attn.{part}.{kind}" for part in ("q", "kv", "proj") for kind in ("weight", "bias"))
MLP = ("mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias")
FINAL = ("linear.weight", "linear.bias")


class Around(NamedTuple):
    """What a block sees beside its tokens and the condition.

    Attributes:
        frames: of the grid of tokens.
        key_mask: (B, T) bool, which tokens may be attended to, or None for all.
        rotation: from `axial_rotation` for these tokens, or None.
        given: (B, T) bool, which tokens are given, for a time per token; or None.
        words: (B, L, D) of the prompt, for cross-attention; or None.
        words_mask: (B, L) bool.
    """

    frames: int
    key_mask: np.ndarray | None = None
    rotation: tuple | None = None
    given: np.ndarray | None = None
    words: np.ndarray | None = None
    words_mask: np.ndarray | None = None


def modern_block_forward(x, c, p, settings, around, training=True):
    """Attention and feed-forward, each modulated by the condition; between them, if so chosen, the prompt's words.

    Args:
        x: (B, T, D) tokens.
        c: (B, D) SiLU of the conditioning vector; with a time per token (B, 2, D), of those to be made and those given.
        p: the block's parameters, named as in `modern_block_shapes`.
        settings: DiTSettings.
        around: Around.
        training: False keeps nothing for the backward.
    Returns:
        x (B, T, D) and a cache for `modern_block_backward`, or None where there will be none.
    Source: Peebles & Xie 2023, section 3.2; the layers say where they are from. Words after self-attention: Rombach et
        al. 2022, section 3.3; without modulation of their own: Chen et al. 2023 (PixArt-α), section 2.3.
    """
    mods, mods_cache = modulations_forward(c, p, settings.modulations, around.given)
    shift_msa, scale_msa, gate_msa, shift_mlp, scale_mlp, gate_mlp = with_gates(mods)

    h, norm1_cache = modulated_norm_forward(x, shift_msa, scale_msa, settings)
    h, attention_cache = attention_forward(h, p, settings, around)
    x, gate1_cache = joined_forward(x, h, gate_msa, settings)

    x, words_cache = words_forward(x, p, settings, around)

    h, norm2_cache = modulated_norm_forward(x, shift_mlp, scale_mlp, settings)
    h, mlp_cache = FEEDFORWARD[settings.feedforward][0](h, *(p[name] for name in MLP))
    x, gate2_cache = joined_forward(x, h, gate_mlp, settings)
    if not training:
        return x, None
    attention_half = (norm1_cache, attention_cache, gate1_cache)
    mlp_half = (norm2_cache, mlp_cache, gate2_cache)
    return x, (mods_cache, attention_half, words_cache, mlp_half, settings)


def modern_block_backward(dx, cache):
    """Returns dx (B, T, D), dc like c, dwords (B, L, D) or None, and the gradients of the block's parameters."""
    mods_cache, attention_half, words_cache, mlp_half, settings = cache
    norm1_cache, attention_cache, gate1_cache = attention_half
    norm2_cache, mlp_cache, gate2_cache = mlp_half

    dx, dh, dgate_mlp = joined_backward(dx, gate2_cache, settings)
    dh, *dmlp = FEEDFORWARD[settings.feedforward][1](dh, mlp_cache)
    dx_norm, dshift_mlp, dscale_mlp = modulated_norm_backward(dh, norm2_cache, settings)
    dx = dx + dx_norm  # x fed the residual and the norm

    dx, dwords, dcross = words_backward(dx, words_cache, settings)

    dx, dh, dgate_msa = joined_backward(dx, gate1_cache, settings)
    dh, dattention = attention_backward(dh, attention_cache, settings)
    dx_norm, dshift_msa, dscale_msa = modulated_norm_backward(dh, norm1_cache, settings)
    dx = dx + dx_norm

    dmods = [dshift_msa, dscale_msa, dgate_msa, dshift_mlp, dscale_mlp, dgate_mlp]
    dc, dmodulation = modulations_backward([d for d in dmods if d is not None], mods_cache)
    return dx, dc, dwords, dict(zip(MLP, dmlp, strict=True)) | dcross | dattention | dmodulation


def recomputed_modern_block_forward(x, c, p, settings, around):
    """`modern_block_forward`, keeping only what went in (see `recomputed_dit_block_forward`)."""
    y, _ = modern_block_forward(x, c, p, settings, around, training=False)
    return y, (x, c, p, settings, around)


def recomputed_modern_block_backward(dx, cache):
    """As `modern_block_backward`."""
    _, cache = modern_block_forward(*cache)
    return modern_block_backward(dx, cache)


def modern_final_layer_forward(h, c, p, settings, given):
    """Norm, shift and scale by the condition, linear: h (B, T, D) to y (B, T, O) and a cache.

    Args:
        p: the parameters under `final_layer.`.
        given: as in Around.
    """
    (shift, scale), mods_cache = modulations_forward(c, p, 2, given)
    h, norm_cache = modulated_norm_forward(h, shift, scale, settings)
    y, linear_cache = linear_forward(h, *(p[name] for name in FINAL))
    return y, (mods_cache, norm_cache, linear_cache, settings)


def modern_final_layer_backward(dy, cache):
    """Returns dh (B, T, D), dc like c, and the gradients of the final layer."""
    mods_cache, norm_cache, linear_cache, settings = cache
    dh, *dlinear = linear_backward(dy, linear_cache)
    dh, dshift, dscale = modulated_norm_backward(dh, norm_cache, settings)
    dc, dmodulation = modulations_backward([dshift, dscale], mods_cache)
    return dh, dc, dmodulation | dict(zip(FINAL, dlinear, strict=True))


# The parts


def modulations_forward(c, p, count, given):
    """What the condition makes of itself: `count` vectors (B, D), or with a time per token (B, T, D); and a cache."""
    modulation, linear_cache = linear_forward(c, *(p[name] for name in MODULATION))  # B, nD or B, 2, nD
    chosen_cache = None
    if given is not None:
        modulation, chosen_cache = select_forward(modulation, given)  # B, T, nD
    return array_module(c).split(modulation, count, axis=-1), (linear_cache, chosen_cache)


def modulations_backward(dmods, cache):
    """Returns dc like c, and the gradients of the layer by name."""
    linear_cache, chosen_cache = cache
    dmodulation = array_module(dmods[0]).concatenate(dmods, axis=-1)  # B, nD or B, T, nD
    if chosen_cache is not None:
        dmodulation = select_backward(dmodulation, chosen_cache)  # B, 2, nD
    dc, *gradients = linear_backward(dmodulation, linear_cache)
    return dc, dict(zip(MODULATION, gradients, strict=True))


def with_gates(mods):
    """Six modulations, the gates None where there are only four."""
    if len(mods) == 6:
        return mods
    shift_msa, scale_msa, shift_mlp, scale_mlp = mods
    return shift_msa, scale_msa, None, shift_mlp, scale_mlp, None


def modulated_norm_forward(x, shift, scale, settings):
    """The norm, then scale and shift."""
    xhat, norm_cache = NORM[settings.norm][0](x)
    y, modulate_cache = MODULATE[settings.time][0](xhat, shift, scale)
    return y, (norm_cache, modulate_cache)


def modulated_norm_backward(dy, cache, settings):
    """Returns dx, dshift, dscale."""
    norm_cache, modulate_cache = cache
    dxhat, dshift, dscale = MODULATE[settings.time][1](dy, modulate_cache)
    return NORM[settings.norm][1](dxhat, norm_cache), dshift, dscale


def joined_forward(x, h, gate, settings):
    """A branch h joins the residual x, through its gate if it has one."""
    return (x + h, None) if gate is None else GATE[settings.time][0](x, h, gate)


def joined_backward(dy, cache, settings):
    """Returns dx, dh, and dgate or None."""
    return (dy, dy, None) if cache is None else GATE[settings.time][1](dy, cache)


def attention_names(name, settings):
    """The parameters of an attention, in the order in which `modern_attention_forward` takes them."""
    names = [f"{name}.{part}.{kind}" for part in ("qkv", "proj") for kind in ("weight", "bias")]
    return names + [f"{name}.{part}_norm.weight" for part in "qk"] * settings.qk_norm


def attention_forward(h, p, settings, around):
    """Self-attention, full or in space and then in time: y (B, T, D) and a cache."""
    weights = [p[name] for name in attention_names("attn", settings)]
    if settings.attention == "full":
        return modern_attention_forward(h, weights, settings.num_heads, around.key_mask, around.rotation)
    time = [p[name] for name in attention_names("attn_time", settings)]
    return factorised_attention_forward(
        h, around.frames, weights, time, settings.num_heads, around.key_mask, around.rotation
    )


def attention_backward(dy, cache, settings):
    """Returns dh (B, T, D) and the gradients by name."""
    names = attention_names("attn", settings)
    if settings.attention == "full":
        dh, grads = modern_attention_backward(dy, cache)
        return dh, dict(zip(names, grads, strict=True))
    dh, dspace, dtime = factorised_attention_backward(dy, cache)
    return dh, dict(zip(names + attention_names("attn_time", settings), dspace + dtime, strict=True))


def words_forward(x, p, settings, around):
    """The tokens look at the prompt's words, if that is how the prompt enters."""
    if settings.prompt != "cross":
        return x, None
    h, norm_cache = NORM[settings.norm][0](x)
    h, cross_cache = cross_attention_forward(
        h, around.words, *(p[name] for name in CROSS), settings.num_heads, around.words_mask
    )
    return x + h, (norm_cache, cross_cache)


def words_backward(dx, cache, settings):
    """Returns dx (B, T, D), dwords (B, L, D) or None, and the gradients by name."""
    if cache is None:
        return dx, None, {}
    norm_cache, cross_cache = cache
    dh, dwords, *gradients = cross_attention_backward(dx, cross_cache)
    return dx + NORM[settings.norm][1](dh, norm_cache), dwords, dict(zip(CROSS, gradients, strict=True))
