"""The codec's decoder: latents to pixels in stages, each a convolution that may make the picture larger (step 13).

A stage looks at a window of cells, maps it by a linear layer, and lays out what it gets as several smaller cells. With
one stage and a window of one cell, each latent becomes its patch by itself. With more, and windows that reach into the
neighbouring cells, patches meet without seams, and an outline is drawn by the same weights wherever it lies.
"""

from math import prod
from typing import NamedTuple

from minidit.layers import (
    linear_backward,
    linear_forward,
    neighbours_backward,
    neighbours_forward,
    patchify,
    relu_backward,
    relu_forward,
    unpatchify,
)
from minidit.models.parameters import linear_shapes

# N = clips; f, r, c = frames, rows, columns of cells; C = channels of a cell


class Stage(NamedTuple):
    """One stage.

    Attributes:
        window: (frames, rows, columns) of cells that it sees around each; odd numbers.
        channels: of each new cell.
        growth: (frames, rows, columns) of new cells that each cell becomes.
    """

    window: tuple[int, int, int]
    channels: int
    growth: tuple[int, int, int] = (1, 1, 1)


def decoder_shapes(prefix, channels, stages):
    """Name -> shape of the parameters; the numbers count the activations between stages too.

    Args:
        channels: of the latents.
        stages: Stages; the last one makes pixels.
    """
    shapes = {}
    for i, stage in enumerate(stages):
        inputs, outputs = prod(stage.window) * channels, prod(stage.growth) * stage.channels
        shapes |= linear_shapes(f"{prefix}{2 * i}", inputs, outputs)
        channels = stage.channels
    return shapes


def decoder_forward(x, p, prefix, stages):
    """Stages with ReLUs between.

    Args:
        x: (N, f, r, c, C) latents.
        p: parameters, named as in `decoder_shapes`. prefix: of these names. stages: Stages.
    Returns:
        (N, F, H, W, 3) and a cache for `decoder_backward`.
    Source: the layout of channels as smaller cells: Shi et al. 2016 (sub-pixel convolution), section 3.2.
    """
    caches = []
    for i, stage in enumerate(stages):
        relu_cache = None
        if i:
            x, relu_cache = relu_forward(x)
        x, neighbours_cache = neighbours_forward(x, stage.window)  # N, f, r, c, K · C
        x, linear_cache = linear_forward(x, p[f"{prefix}{2 * i}.weight"], p[f"{prefix}{2 * i}.bias"])
        n, *grid, width = x.shape
        x = unpatchify(x.reshape(n, -1, width), stage.growth, grid)  # N, f', r', c', C'
        caches.append((relu_cache, neighbours_cache, linear_cache, grid))
    return x, caches


def decoder_backward(dx, caches, prefix, stages):
    """Returns dx (N, f, r, c, C) and the gradients by parameter name."""
    grads = {}
    for i in reversed(range(len(stages))):
        relu_cache, neighbours_cache, linear_cache, grid = caches[i]
        dx = patchify(dx, stages[i].growth)  # N, f · r · c, width
        dx = dx.reshape(len(dx), *grid, dx.shape[-1])
        dx, grads[f"{prefix}{2 * i}.weight"], grads[f"{prefix}{2 * i}.bias"] = linear_backward(dx, linear_cache)
        dx = neighbours_backward(dx, neighbours_cache)
        if i:
            dx = relu_backward(dx, relu_cache)
    return dx, grads
