"""Two linear layers with an activation between: what encoder, decoder, discriminator and time embedder are made of."""

from minidit.layers import linear_backward, linear_forward
from minidit.models.parameters import linear_shapes

# "..." = any leading shape, I = inputs, H = hidden width, O = outputs


def two_layers_shapes(prefix, inputs, hidden, outputs):
    """Name -> shape of the parameters; the numbers count the activation as layer 1."""
    return linear_shapes(f"{prefix}0", inputs, hidden) | linear_shapes(f"{prefix}2", hidden, outputs)


def two_layers_forward(x, p, prefix, activation_forward):
    """Linear, activation, linear.

    Args:
        x: (..., I).
        p: parameters, those of the layers named as in `two_layers_shapes`.
        prefix: of these names.
        activation_forward: a layer's forward without parameters.
    Returns:
        y (..., O) and a cache for `two_layers_backward`.
    """
    h, linear0_cache = linear_forward(x, p[f"{prefix}0.weight"], p[f"{prefix}0.bias"])  # ..., H
    h, activation_cache = activation_forward(h)
    y, linear2_cache = linear_forward(h, p[f"{prefix}2.weight"], p[f"{prefix}2.bias"])  # ..., O
    return y, (linear0_cache, activation_cache, linear2_cache)


def two_layers_backward(dy, cache, prefix, activation_backward):
    """Returns dx (..., I) and the gradients by parameter name."""
    linear0_cache, activation_cache, linear2_cache = cache
    dh, dweight2, dbias2 = linear_backward(dy, linear2_cache)
    dh = activation_backward(dh, activation_cache)
    dx, dweight0, dbias0 = linear_backward(dh, linear0_cache)
    return dx, {
        f"{prefix}0.weight": dweight0,
        f"{prefix}0.bias": dbias0,
        f"{prefix}2.weight": dweight2,
        f"{prefix}2.bias": dbias2,
    }
