"""SwiGLU: a feed-forward network in which one half of the hidden layer gates the other."""

from minidit.backend import array_module
from minidit.layers.activations import silu_backward, silu_forward
from minidit.layers.linear import linear_backward, linear_forward

# D = width, M = hidden width


def swiglu_hidden(hidden):
    """The hidden width at which SwiGLU has as many parameters as a plain feed-forward network of this hidden width.

    It has three matrices where that has two, so that each is two thirds as wide.
    Source: Shazeer 2020, section 3.1.
    """
    return max(1, round(2 * hidden / 3))


def swiglu_forward(x, w1, b1, w2, b2):
    """A gate and a value from the same token, multiplied, and back: y = (silu(x w_gate) · (x w_value)) w2 + b2.

    Args:
        x: (..., D).
        w1: (D, 2M), the columns of the gate and then those of the value; b1: (2M,).
        w2: (M, D), b2: (D,).
    Returns:
        y (..., D) and a cache for `swiglu_backward`.
    Source: Shazeer 2020, eq. 6 (FFN_SwiGLU), here with biases.
    """
    h, hidden_cache = linear_forward(x, w1, b1)     # ..., 2M
    M = h.shape[-1] // 2
    gate, silu_cache = silu_forward(h[..., :M])     # ..., M
    value = h[..., M:]                              # ..., M
    y, out_cache = linear_forward(gate * value, w2, b2)  # ..., D
    return y, (hidden_cache, silu_cache, gate, value, out_cache)


def swiglu_backward(dy, cache):
    """Returns dx (..., D), dw1 (D, 2M), db1 (2M,), dw2 (M, D), db2 (D,)."""
    hidden_cache, silu_cache, gate, value, out_cache = cache
    dproduct, dw2, db2 = linear_backward(dy, out_cache)  # ..., M
    M = value.shape[-1]
    dh = array_module(dy).empty((*value.shape[:-1], 2 * M), dy.dtype)  # ..., 2M
    dh[..., :M] = silu_backward(dproduct * value, silu_cache)
    dh[..., M:] = dproduct * gate
    dx, dw1, db1 = linear_backward(dh, hidden_cache)
    return dx, dw1, db1, dw2, db2
