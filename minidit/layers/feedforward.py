"""The pointwise feed-forward network: each token by itself, through a wider layer and back."""

from minidit.layers.activations import gelu_backward, gelu_forward
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
    h, first_cache = linear_forward(x, w1, b1)      # ..., M
    h, gelu_cache = gelu_forward(h, training)       # ..., M
    y, second_cache = linear_forward(h, w2, b2)     # ..., D
    return y, (first_cache, gelu_cache, second_cache)


def feedforward_backward(dy, cache):
    """Returns dx (..., D), dw1 (D, M), db1 (M,), dw2 (M, D), db2 (D,)."""
    first_cache, gelu_cache, second_cache = cache
    dh, dw2, db2 = linear_backward(dy, second_cache)
    dh = gelu_backward(dh, gelu_cache)
    dx, dw1, db1 = linear_backward(dh, first_cache)
    return dx, dw1, db1, dw2, db2
