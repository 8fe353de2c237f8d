"""The two transformer blocks: DiT's, steered by adaLN-Zero, and the plain one that reads the prompt.

Each backward is its forward read upwards, call by call.
"""

from minidit.backend import array_module
from minidit.layers import (
    feedforward_backward,
    feedforward_forward,
    gated_residual_backward,
    gated_residual_forward,
    layernorm_backward,
    layernorm_forward,
    linear_backward,
    linear_forward,
    modulate_backward,
    modulate_forward,
    multihead_attention_backward,
    multihead_attention_forward,
)

# B = batch, T = tokens, D = width, M = width of the feed-forward's hidden layer


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


def attention_part_forward(x, p, num_heads, key_mask=None):
    """Multi-head self-attention (B, T, D) -> (B, T, D) with the parameters `attn.*` of a block."""
    return multihead_attention_forward(
        x, p["attn.qkv.weight"], p["attn.qkv.bias"], p["attn.proj.weight"], p["attn.proj.bias"], num_heads, key_mask
    )


def attention_part_backward(dy, cache):
    """Returns dx (B, T, D) and the gradients of `attn.*`."""
    dx, *dweights = multihead_attention_backward(dy, cache)
    names = ("attn.qkv.weight", "attn.qkv.bias", "attn.proj.weight", "attn.proj.bias")
    return dx, dict(zip(names, dweights, strict=True))


def mlp_part_forward(x, p, training=True):
    """Pointwise feed-forward (B, T, D) -> (B, T, D) with the parameters `mlp.*` of a block."""
    return feedforward_forward(
        x, p["mlp.fc1.weight"], p["mlp.fc1.bias"], p["mlp.fc2.weight"], p["mlp.fc2.bias"], training
    )


def mlp_part_backward(dy, cache):
    """Returns dx (B, T, D) and the gradients of `mlp.*`."""
    dx, *dweights = feedforward_backward(dy, cache)
    names = ("mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias")
    return dx, dict(zip(names, dweights, strict=True))


def without_input(cache):
    """A cache of `attention_part_forward` or `mlp_part_forward`, less the tokens that went in."""
    (_, w), *rest = cache  # both begin with the cache of a linear layer
    return (None, w), *rest


def with_input(cache, x):
    """The same cache with the tokens x (B, T, D) in it again."""
    (_, w), *rest = cache
    return (x, w), *rest


def dit_block_forward(x, c, p, num_heads, training=True):
    """A DiT block with adaLN-Zero: attention and feed-forward, each shifted, scaled and gated by the condition.

    Args:
        x: (B, T, D) tokens.
        c: (B, D) SiLU of the conditioning vector (time + prompt). Every block uses the same one.
        p: the block's parameters, names as in facebookresearch/DiT, weights (in, out).
        num_heads: divides D.
        training: False leaves out what only the backward needs.
    Returns:
        x (B, T, D) and a cache for `dit_block_backward`, or None where there will be none.
    Source: Peebles & Xie 2023, figure 3 (adaLN-Zero) and section 3.2.
    """
    modulation, modulation_cache = linear_forward(
        c, p["adaLN_modulation.1.weight"], p["adaLN_modulation.1.bias"]
    )  # B, 6D
    modulations = modulation.reshape(len(c), 6, -1).swapaxes(0, 1)  # 6, B, D
    shift_msa, scale_msa, gate_msa, shift_mlp, scale_mlp, gate_mlp = modulations  # B, D

    xhat1, norm1_cache = layernorm_forward(x)
    h, _ = modulate_forward(xhat1, shift_msa, scale_msa)
    h, attention_cache = attention_part_forward(h, p, num_heads)
    x, gate1_cache = gated_residual_forward(x, h, gate_msa)

    xhat2, norm2_cache = layernorm_forward(x)
    h, _ = modulate_forward(xhat2, shift_mlp, scale_mlp)
    h, mlp_cache = mlp_part_forward(h, p, training)
    x, gate2_cache = gated_residual_forward(x, h, gate_mlp)

    if not training:
        return x, None
    # The modulated tokens are not kept: they are a product and a sum away from xhat, which the norm keeps anyway.
    attention_half = (norm1_cache, (xhat1, shift_msa, scale_msa), without_input(attention_cache), gate1_cache)
    mlp_half = (norm2_cache, (xhat2, shift_mlp, scale_mlp), without_input(mlp_cache), gate2_cache)
    return x, (modulation_cache, attention_half, mlp_half)


def dit_block_backward(dx, cache):
    """Returns dx (B, T, D), dc (B, D) and the gradients of the block's parameters."""
    modulation_cache, attention_half, mlp_half = cache
    norm1_cache, modulate1_inputs, attention_cache, gate1_cache = attention_half
    norm2_cache, modulate2_inputs, mlp_cache, gate2_cache = mlp_half

    dx, dh, dgate_mlp = gated_residual_backward(dx, gate2_cache)
    h, modulate2_cache = modulate_forward(*modulate2_inputs)
    dh, dmlp = mlp_part_backward(dh, with_input(mlp_cache, h))
    dh, dshift_mlp, dscale_mlp = modulate_backward(dh, modulate2_cache)
    dx = dx + layernorm_backward(dh, norm2_cache)  # x fed the residual and the norm

    dx, dh, dgate_msa = gated_residual_backward(dx, gate1_cache)
    h, modulate1_cache = modulate_forward(*modulate1_inputs)
    dh, dattention = attention_part_backward(dh, with_input(attention_cache, h))
    dh, dshift_msa, dscale_msa = modulate_backward(dh, modulate1_cache)
    dx = dx + layernorm_backward(dh, norm1_cache)

    xp = array_module(dx)
    dmodulation = xp.concatenate(
        [dshift_msa, dscale_msa, dgate_msa, dshift_mlp, dscale_mlp, dgate_mlp], axis=-1
    )  # B, 6D
    dc, dweight, dbias = linear_backward(dmodulation, modulation_cache)
    dadaln = {"adaLN_modulation.1.weight": dweight, "adaLN_modulation.1.bias": dbias}
    return dx, dc, dattention | dmlp | dadaln


def recomputed_dit_block_forward(x, c, p, num_heads):
    """`dit_block_forward`, keeping only what went in: less memory, for a second forward within the backward.

    Source: Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost", section 4 (gradient checkpointing).
    """
    y, _ = dit_block_forward(x, c, p, num_heads, training=False)
    return y, (x, c, p, num_heads)


def recomputed_dit_block_backward(dx, cache):
    """As `dit_block_backward`."""
    _, cache = dit_block_forward(*cache)
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
    h, attention_cache = attention_part_forward(h, p, num_heads, key_mask)
    x = x + h

    h, norm2_cache = layernorm_forward(x)
    h, mlp_cache = mlp_part_forward(h, p)
    x = x + h
    return x, (norm1_cache, attention_cache, norm2_cache, mlp_cache)


def transformer_block_backward(dx, cache):
    """Returns dx (B, T, D) and the gradients of the block's parameters."""
    norm1_cache, attention_cache, norm2_cache, mlp_cache = cache

    dh, dmlp = mlp_part_backward(dx, mlp_cache)
    dx = dx + layernorm_backward(dh, norm2_cache)

    dh, dattention = attention_part_backward(dx, attention_cache)
    dx = dx + layernorm_backward(dh, norm1_cache)
    return dx, dattention | dmlp
