"""The codec's decoder: latents to pixels in stages, each a convolution that may make the picture larger (step 13).

A stage looks at a window of cells, maps it by a linear layer, and lays out what it gets as several smaller cells. With
one stage and a window of one cell, each latent becomes its patch by itself. With more, and windows that reach into the
neighbouring cells, patches meet without seams, and an outline is drawn by the same weights wherever it lies.
"""

from math import prod
from typing import NamedTuple

import numpy as np

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


def grows_from(old, new):
    """Whether Stages `new` are Stages `old` with the last one split in two, wide enough for `grow_decoder`."""
    if len(new) != len(old) + 1 or new[: len(old) - 1] != old[:-1]:
        return False
    coarse, fine = new[-2:]
    growth = tuple(a * b for a, b in zip(coarse.growth, fine.growth, strict=True))
    whole = Stage(coarse.window, fine.channels, growth)
    return whole == old[-1] and coarse.channels >= 2 * prod(fine.growth) * fine.channels


def grow_decoder(params, old_params, prefix, old, new):
    """Splits the last stage of a trained decoder in two, so that what it draws stays the same.

    The first of the two stages computes the same V values for each larger cell, as channels, once with either sign;
    the ReLU between lets one of both pass. The second stage takes their difference and begins by ignoring the
    neighbours and all further channels, which keep their random start. From there it learns to use them.

    Args:
        params: freshly drawn parameters for the Stages `new`, changed in place.
        old_params: trained parameters for the Stages `old`.
        prefix: of the names of both.
    Source: Chen et al. 2016 (Net2Net), section 2.2: a deeper network that computes the same function.
    """
    last = len(old) - 1
    for i in range(last):
        for name in (f"{prefix}{2 * i}.weight", f"{prefix}{2 * i}.bias"):
            params[name][...] = old_params[name]
    coarse, fine = new[-2:]
    values = prod(fine.growth) * fine.channels  # V
    for name in (f"{prefix}{2 * last}.weight", f"{prefix}{2 * last}.bias"):
        pixels = old_params[name].reshape(-1, *old[-1].growth, fine.channels)
        cells = patchify(pixels, fine.growth)  # inputs, coarse cells, V
        grown = params[name].reshape(*cells.shape[:2], coarse.channels)
        grown[..., :values], grown[..., values : 2 * values] = cells, -cells
    weight = params[f"{prefix}{2 * last + 2}.weight"]  # K · channels, V
    weight[...] = 0
    own = weight.reshape(prod(fine.window), coarse.channels, values)[prod(fine.window) // 2]  # a cell's own channels
    own[:values] = np.eye(values)
    own[values : 2 * values] = -np.eye(values)
