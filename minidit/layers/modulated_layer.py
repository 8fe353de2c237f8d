"""How a branch of a DiT block begins, as one pair: norm, shift and scale, then a layer that doesn't keep its input."""

from minidit.layers.fused import (
    layernorm_modulate_again,
    layernorm_modulate_backward,
    layernorm_modulate_forward,
)
from minidit.layers.rmsnorm import (
    rmsnorm_modulate_again,
    rmsnorm_modulate_backward,
    rmsnorm_modulate_forward,
)

# T = tokens, D = width

NORM_MODULATE = {
    "layer": (layernorm_modulate_forward, layernorm_modulate_again, layernorm_modulate_backward),
    "rms": (rmsnorm_modulate_forward, rmsnorm_modulate_again, rmsnorm_modulate_backward),
}
NOT_KEPT = object()  # stands in a cache where the layer's input was


def modulated_layer_forward(layer_forward, x, shift, scale, *arguments, norm="layer"):
    """y = layer(x̂ · (1 + scale) + shift).

    A layer keeps its input for the gradient of its weights. Here that input is quickly made from what the norm keeps
    anyway, so the backward makes it again, and each branch holds one array (..., T, D) less.

    Args:
        layer_forward: the forward of a pair. It takes the modulated tokens, then the `arguments`.
        x: (..., T, D) tokens.
        shift, scale: (..., D) or (..., T, D), as for `modulate_forward`.
        norm: "layer" or "rms".
    Returns:
        the layer's y and a cache for `modulated_layer_backward`.
    """
    norm_modulate_forward, _, _ = NORM_MODULATE[norm]
    h, norm_cache = norm_modulate_forward(x, shift, scale)  # ..., T, D
    y, layer_cache = layer_forward(h, *arguments)
    return y, (norm_cache, replaced(layer_cache, h, NOT_KEPT), norm)


def modulated_layer_backward(layer_backward, dy, cache, *arguments):
    """Returns dx (..., T, D), dshift, dscale, and what the layer's backward returns after the gradient of its input.

    Args:
        layer_backward: of the same pair. It takes dy, its cache, then the `arguments`.
    """
    norm_cache, layer_cache, norm = cache
    _, norm_modulate_again, norm_modulate_backward = NORM_MODULATE[norm]
    layer_cache = replaced(layer_cache, NOT_KEPT, norm_modulate_again(norm_cache))
    dh, *dlayer = layer_backward(dy, layer_cache, *arguments)
    dx, dshift, dscale = norm_modulate_backward(dh, norm_cache)
    return dx, dshift, dscale, *dlayer


def replaced(cache, old, new):
    """A cache, however deep, with `new` wherever `old` stood."""
    if cache is old:
        return new
    return tuple(replaced(part, old, new) for part in cache) if type(cache) is tuple else cache
