"""The two transformer blocks: DiT's, steered by adaLN-Zero, and the plain one that reads the prompt.

Each backward is its forward read upwards, call by call.
"""

from minidit.backend import array_module
from minidit.layers import (
    feedforward_backward,
    feedforward_forward,
    layernorm_backward,
    layernorm_forward,
    layernorm_modulate_again,
    layernorm_modulate_backward,
    layernorm_modulate_forward,
    linear_backward,
    linear_forward,
    linear_gated_residual_backward,
    linear_gated_residual_forward,
    linear_gelu_backward,
    linear_gelu_forward,
    multihead_attention_backward,
    multihead_attention_forward,
    self_attention_backward,
    self_attention_forward,
)

# B = batch, T = tokens, D = width, M = width of the feed-forward's hidden layer

ATTENTION = ("attn.qkv.weight", "attn.qkv.bias", "attn.proj.weight", "attn.proj.bias")
MLP = ("mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias")


def transformer_block_shapes(width, hidden):
    """Name -> shape of the attention and feed-forward weights that both blocks have. Weights are (in, out)."""
    return {
        "attn.qkv.weight": (width, 3 * width),
        "attn.qkv.bias": (3 * width,),
        "attn.proj.weight": (width, width),
        "attn.proj.bias": (width,),
        "mlp.fc1.weight": (width, hidden),
        "mlp.fc1.bias": (hidden,),
        "mlp.fc2.weight": (hidden, width),
        "mlp.fc2.bias": (width,),
    }


def dit_block_shapes(width, hidden):
    """Name -> shape of a DiT block: a transformer block and the layer that makes its six modulations."""
    return transformer_block_shapes(width, hidden) | {
        "adaLN_modulation.1.weight": (width, 6 * width),
        "adaLN_modulation.1.bias": (6 * width,),
    }


def without_input(cache):
    """A cache of `self_attention_forward` or `linear_gelu_forward`, less the tokens that went in."""
    (_, w), *rest = cache  # both begin with the cache of a linear layer
    return (None, w), *rest


def with_input(cache, x):
    """The same cache with the tokens x (B, T, D) in it again."""
    (_, w), *rest = cache
    return (x, w), *rest


def dit_block_forward(x, c, p, num_heads, training=True, key_mask=None):
    """A DiT block with adaLN-Zero: attention and feed-forward, each shifted, scaled and gated by the condition.

    Args:
        x: (B, T, D) tokens.
        c: (B, D) SiLU of the conditioning vector (time + prompt). Every block uses the same one.
        p: the block's parameters, names as in facebookresearch/DiT, weights (in, out).
        num_heads: divides D.
        training: False leaves out what only the backward needs.
        key_mask: (B, T) bool, True where a token may be attended, or None for all.
    Returns:
        x (B, T, D) and a cache for `dit_block_backward`, or None where there will be none.
    Source: Peebles & Xie 2023, figure 3 (adaLN-Zero) and section 3.2.
    """
    modulation, modulation_cache = linear_forward(
        c, p["adaLN_modulation.1.weight"], p["adaLN_modulation.1.bias"]
    )  # B, 6D
    modulations = modulation.reshape(len(c), 6, -1).swapaxes(0, 1)  # 6, B, D
    shift_msa, scale_msa, gate_msa, shift_mlp, scale_mlp, gate_mlp = modulations  # B, D

    h, norm1_cache = layernorm_modulate_forward(x, shift_msa, scale_msa)
    h, attention_cache = self_attention_forward(h, p["attn.qkv.weight"], p["attn.qkv.bias"], num_heads, key_mask)
    x, gate1_cache = linear_gated_residual_forward(x, h, p["attn.proj.weight"], p["attn.proj.bias"], gate_msa)

    h, norm2_cache = layernorm_modulate_forward(x, shift_mlp, scale_mlp)
    h, hidden_cache = linear_gelu_forward(h, p["mlp.fc1.weight"], p["mlp.fc1.bias"], training)
    x, gate2_cache = linear_gated_residual_forward(x, h, p["mlp.fc2.weight"], p["mlp.fc2.bias"], gate_mlp)

    if not training:
        return x, None
    # The modulated tokens are not kept: `layernorm_modulate_again` makes them from what the norm keeps anyway.
    attention_half = (norm1_cache, without_input(attention_cache), gate1_cache)
    mlp_half = (norm2_cache, without_input(hidden_cache), gate2_cache)
    return x, (modulation_cache, attention_half, mlp_half)


def dit_block_backward(dx, cache):
    """Returns dx (B, T, D), dc (B, D) and the gradients of the block's parameters."""
    modulation_cache, attention_half, mlp_half = cache
    norm1_cache, attention_cache, gate1_cache = attention_half
    norm2_cache, hidden_cache, gate2_cache = mlp_half
    grads = {}

    dx, dh, grads["mlp.fc2.weight"], grads["mlp.fc2.bias"], dgate_mlp = linear_gated_residual_backward(dx, gate2_cache)
    hidden_cache = with_input(hidden_cache, layernorm_modulate_again(norm2_cache))
    dh, grads["mlp.fc1.weight"], grads["mlp.fc1.bias"] = linear_gelu_backward(dh, hidden_cache)
    dx_norm, dshift_mlp, dscale_mlp = layernorm_modulate_backward(dh, norm2_cache)
    dx = dx + dx_norm  # x fed the residual and the norm

    dx, dh, grads["attn.proj.weight"], grads["attn.proj.bias"], dgate_msa = linear_gated_residual_backward(
        dx, gate1_cache
    )
    attention_cache = with_input(attention_cache, layernorm_modulate_again(norm1_cache))
    dh, grads["attn.qkv.weight"], grads["attn.qkv.bias"] = self_attention_backward(dh, attention_cache)
    dx_norm, dshift_msa, dscale_msa = layernorm_modulate_backward(dh, norm1_cache)
    dx = dx + dx_norm

    xp = array_module(dx)
    dmodulation = xp.concatenate(
        [dshift_msa, dscale_msa, dgate_msa, dshift_mlp, dscale_mlp, dgate_mlp], axis=-1
    )  # B, 6D
    dc, dweight, dbias = linear_backward(dmodulation, modulation_cache)
    return dx, dc, grads | {"adaLN_modulation.1.weight": dweight, "adaLN_modulation.1.bias": dbias}


def recomputed_dit_block_forward(x, c, p, num_heads, key_mask=None):
    """`dit_block_forward`, keeping only what went in: less memory, for a second forward within the backward.

    Source: Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost", section 4 (gradient checkpointing).
    """
    y, _ = dit_block_forward(x, c, p, num_heads, training=False, key_mask=key_mask)
    return y, (x, c, p, num_heads, key_mask)


def recomputed_dit_block_backward(dx, cache):
    """As `dit_block_backward`."""
    *inputs, key_mask = cache
    _, cache = dit_block_forward(*inputs, key_mask=key_mask)
    return dit_block_backward(dx, cache)


def transformer_block_forward(x, p, num_heads, key_mask=None):
    """A plain pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x)).

    Args:
        x: (B, T, D) tokens.
        p: the block's parameters, weights (in, out).
        num_heads: divides D.
        key_mask: (B, T) bool, True where a token may be attended, or None for all.
    Returns:
        x (B, T, D) and a cache for `transformer_block_backward`.
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
    """Returns dx (B, T, D) and the gradients of the block's parameters."""
    norm1_cache, attention_cache, norm2_cache, mlp_cache = cache

    dh, *dmlp = feedforward_backward(dx, mlp_cache)
    dx = dx + layernorm_backward(dh, norm2_cache)

    dh, *dattention = multihead_attention_backward(dx, attention_cache)
    dx = dx + layernorm_backward(dh, norm1_cache)
    return dx, dict(zip(ATTENTION + MLP, dattention + dmlp, strict=True))
