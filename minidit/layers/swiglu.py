"""SwiGLU: a feed-forward network in which one half of the hidden layer gates the other."""

from minidit.backend import array_module
from minidit.layers.activations import silu_backward, silu_forward
from minidit.layers.linear import linear_backward, linear_forward

# D = width, M = hidden width


def swiglu_hidden(hidden):
    """The hidden width that gives SwiGLU the number of parameters of a plain feed-forward network with this one.

    It has three matrices instead of two, so each is two thirds as wide.
    Source: Shazeer 2020, section 3.1.
    """
    return max(1, round(2 * hidden / 3))


def linear_swiglu_forward(x, w, b, training=True):
    """A gate and a value from the same token, multiplied: y = silu(x w_gate + b_gate) · (x w_value + b_value).

    Args:
        x: (..., D).
        w: (D, 2M), the columns of the gate and then those of the value; b: (2M,).
        training: as for `linear_gelu_forward`, whose place it takes; here the cache costs nothing extra.
    Returns:
        y (..., M) and a cache for `linear_swiglu_backward`.
    Source: Shazeer 2020, eq. 6 (FFN_SwiGLU), here with biases, up to its last product.
    """
    h, linear_cache = linear_forward(x, w, b)       # ..., 2M
    M = h.shape[-1] // 2
    gate, silu_cache = silu_forward(h[..., :M])     # ..., M
    value = h[..., M:]                              # ..., M
    return gate * value, (linear_cache, silu_cache, gate, value)


def linear_swiglu_backward(dy, cache):
    """Returns dx (..., D), dw (D, 2M), db (2M,)."""
    linear_cache, silu_cache, gate, value = cache
    M = value.shape[-1]
    dh = array_module(dy).empty((*value.shape[:-1], 2 * M), dy.dtype)  # ..., 2M
    dh[..., :M] = silu_backward(dy * value, silu_cache)
    dh[..., M:] = dy * gate
    return linear_backward(dh, linear_cache)
