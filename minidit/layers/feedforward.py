"""The pointwise feed-forward network: each token by itself, through a wider layer and back."""

from minidit.layers.fused import linear_gelu_backward, linear_gelu_forward
from minidit.layers.linear import linear_backward, linear_forward

# D = width, M = hidden width (4 D in a DiT)


def feedforward_forward(x, w1, b1, w2, b2, training=True):
    """Two affine maps with GELU between them: y = gelu(x w1 + b1) w2 + b2.

    Args:
        x: (..., D).
        w1: (D, M), b1: (M,).
        w2: (M, D), b2: (D,).
        training: False leaves out what only the backward needs.
    Returns:
        y (..., D) and a cache for `feedforward_backward`.
    Source: Vaswani et al. 2017, eq. 2, with GELU for ReLU as in Peebles & Xie 2023.
    """
    h, hidden_cache = linear_gelu_forward(x, w1, b1, training)  # ..., M
    y, out_cache = linear_forward(h, w2, b2)        # ..., D
    return y, (hidden_cache, out_cache)


def feedforward_backward(dy, cache):
    """Returns dx (..., D), dw1 (D, M), db1 (M,), dw2 (M, D), db2 (D,)."""
    hidden_cache, out_cache = cache
    dh, dw2, db2 = linear_backward(dy, out_cache)
    dx, dw1, db1 = linear_gelu_backward(dh, hidden_cache)
    return dx, dw1, db1, dw2, db2
