"""Linear layers with an activation between: what encoder, decoder and time embedding are made of."""

from minidit.layers import linear_backward, linear_forward
from minidit.models.parameters import linear_shapes

# "..." = any leading shape, I = inputs, H = width of a hidden layer, O = outputs


def mlp_shapes(prefix, *widths):
    """Name -> shape of the parameters; the numbers count the activations too, as layers 1, 3 and so on.

    Args:
        widths: of the inputs, of each hidden layer, and of the outputs.
    """
    layers = enumerate(zip(widths, widths[1:], strict=False))
    return {name: shape for i, (a, b) in layers for name, shape in linear_shapes(f"{prefix}{2 * i}", a, b).items()}


def mlp_forward(x, p, prefix, activation_forward):
    """Linear, activation, linear, and so on.

    Args:
        x: (..., I).
        p: parameters, those of the layers named as in `mlp_shapes`.
        prefix: of these names.
        activation_forward: a layer's forward without parameters.
    Returns:
        y (..., O) and a cache for `mlp_backward`.
    """
    caches, i = [], 0
    while f"{prefix}{i}.weight" in p:
        if i:
            x, cache = activation_forward(x)
            caches.append(cache)
        x, cache = linear_forward(x, p[f"{prefix}{i}.weight"], p[f"{prefix}{i}.bias"])  # ..., H; O in the end
        caches.append(cache)
        i += 2
    return x, caches


def mlp_backward(dy, caches, prefix, activation_backward):
    """Returns dx (..., I) and the gradients by parameter name."""
    grads = {}
    for i in reversed(range(len(caches))):
        if i % 2:
            dy = activation_backward(dy, caches[i])
        else:
            dy, grads[f"{prefix}{i}.weight"], grads[f"{prefix}{i}.bias"] = linear_backward(dy, caches[i])
    return dy, grads
