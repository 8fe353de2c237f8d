"""Neighbours in the network as one pair, so that a GPU reads and writes each array only once.

NumPy runs the lines here, made of the elementary pairs. On a GPU a kernel takes their place
(`minidit/backend/kernels`); these lines are its reference.
"""

from minidit.backend import as_samples
from minidit.backend.kernels.launch import on_gpu
from minidit.layers.activations import gelu_backward, gelu_forward
from minidit.layers.linear import linear_backward, linear_forward
from minidit.layers.modulation import (
    gated_residual_backward,
    gated_residual_forward,
    modulate_backward,
    modulate_forward,
)
from minidit.layers.normalization import layernorm_backward, layernorm_forward

# T = tokens, D = width, M = width of the feed-forward's hidden layer


@on_gpu("layernorm_modulate")
def layernorm_modulate_forward(x, shift, scale, eps=1e-6):
    """LayerNorm, then adaLN's scale and shift: y = x̂ · (1 + scale) + shift.

    Args:
        x: (..., T, D) tokens.
        shift, scale: (..., D), one pair per sample, or (..., T, D), one per token (see `modulate_forward`).
        eps: added to the variance, in units of x².
    Returns:
        y (..., T, D) and a cache for `layernorm_modulate_backward`.
    Raises:
        ValueError: if shift or scale has another shape.
    Source: Peebles & Xie 2023, section 3.2 (adaLN); Ba et al. 2016, eq. 4.
    """
    xhat, norm_cache = layernorm_forward(x, eps)    # ..., T, D
    y, _ = modulate_forward(xhat, shift, scale)     # ..., T, D
    return y, (norm_cache, scale)


@on_gpu("layernorm_modulate")
def layernorm_modulate_backward(dy, cache):
    """Returns dx (..., T, D), and dshift and dscale, shaped like shift and scale."""
    norm_cache, scale = cache
    xhat, _ = norm_cache
    dxhat, dshift, dscale = modulate_backward(dy, (as_samples(xhat, scale), 1 + scale[..., None, :]))
    return layernorm_backward(dxhat, norm_cache), dshift, dscale


@on_gpu("gelu")
def linear_gelu_forward(x, w, b, training=True):
    """A linear layer, then GELU: y = gelu(x w + b).

    Args:
        x: (..., D).
        w: (D, M), b: (M,).
        training: False leaves out what only the backward needs.
    Returns:
        y (..., M) and a cache for `linear_gelu_backward`.
    Source: Hendrycks & Gimpel 2016, section 2.
    """
    h, linear_cache = linear_forward(x, w, b)       # ..., M
    y, gelu_cache = gelu_forward(h, training)       # ..., M
    return y, (linear_cache, gelu_cache)


@on_gpu("gelu")
def linear_gelu_backward(dy, cache):
    """Returns dx (..., D), dw (D, M), db (M,)."""
    linear_cache, gelu_cache = cache
    return linear_backward(gelu_backward(dy, gelu_cache), linear_cache)


@on_gpu("gated_residual")
def linear_gated_residual_forward(x, h, w, b, gate):
    """The last linear layer of a branch, and its gate into the residual: y = x + gate · (h w + b).

    Args:
        x: (..., T, D) the residual.
        h: (..., T, M) the branch, before its last layer.
        w: (M, D), b: (D,).
        gate: (..., D), one per sample, or (..., T, D), one per token (see `gated_residual_forward`).
    Returns:
        y (..., T, D) and a cache for `linear_gated_residual_backward`.
    Raises:
        ValueError: if the gate has another shape.
    Source: Peebles & Xie 2023, section 3.2 (adaLN-Zero).
    """
    h, linear_cache = linear_forward(h, w, b)       # ..., T, D
    y, gate_cache = gated_residual_forward(x, h, gate)  # ..., T, D
    return y, (linear_cache, gate_cache)


@on_gpu("gated_residual")
def linear_gated_residual_backward(dy, cache):
    """Returns dx (..., T, D), dh (..., T, M), dw (M, D), db (D,), dgate like the gate."""
    linear_cache, gate_cache = cache
    dx, dh, dgate = gated_residual_backward(dy, gate_cache)
    dh, dw, db = linear_backward(dh, linear_cache)
    return dx, dh, dw, db, dgate
