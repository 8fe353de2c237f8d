"""How much memory a training step of a DiT takes, found by running a small forward pass and counting what it keeps."""

from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from math import prod

import numpy as np

from minidit.backend import arrays_in
from minidit.layers import multihead_attention
from minidit.layers.patchify import sizes_of_grid
from minidit.models.cost import parameter_count, tokens_of_block
from minidit.models.dit import DiT

FLOAT = 4  # bytes of a number in the network
MOST_TOKENS = 1024  # of a clip that is run, where attention in blocks makes everything grow as the tokens do


def saved_activation_bytes(settings, batch, grid, words=None, recompute=False):
    """Bytes of all arrays that the cache of a training forward holds, the parameters not among them.

    Args:
        settings: DiTSettings.
        batch: clips.
        grid: (frames, rows, columns), in tokens.
        words: of the longest prompt in the batch; None for class labels.
        recompute: of `DiT.forward`: only what goes into each block is kept.
    """
    around, block = saved_by_a_clip(settings, batch, grid, words, recompute)
    return round(batch * (around + settings.depth * block))


def step_bytes(settings, batch, grid, words=None, recompute=False):
    """Bytes that a training step needs at its peak, beyond the vectors that stay (parameters, moments, gradients).

    Arguments as for `saved_activation_bytes`.

    Returns:
        the saved activations, the gradients by name before they are copied into their vector, and temporaries. These
        are an estimate: the backward of a block needs about three quarters of what the block had saved. The peak is in
        the first block, whose backward comes last, when half of its gradients are there.
    """
    saved = saved_activation_bytes(settings, batch, grid, words, recompute)
    _, block = saved_by_a_clip(settings, batch, grid, words, recompute=False)
    temporaries = round(batch * block * (1.74 if recompute else 0.74))  # recomputed, what the block saves comes on top
    parameters = parameter_count(settings)
    still_missing = (parameter_count(replace(settings, depth=settings.depth + 1)) - parameters) // 2
    gradients = FLOAT * max(parameters - still_missing, parameters - temporaries // FLOAT)
    return saved, gradients, temporaries


def saved_by_a_clip(settings, batch, grid, words, recompute):
    """Bytes that the cache holds for each clip of a batch: around the blocks, and in each block."""
    tokens = prod(grid)
    inside = tokens_of_block(settings, grid, words)
    scores = inside * (inside // grid[0] if settings.attention == "factorised" else inside)
    in_blocks = batch * settings.num_heads * scores > multihead_attention.MANY_SCORES
    if in_blocks and tokens > MOST_TOKENS:
        small = (1, 1, MOST_TOKENS)
        return tuple(tokens / MOST_TOKENS * size for size in kept(settings, small, words, recompute, in_blocks))
    return kept(settings, grid, words, recompute, in_blocks)


@cache
def kept(settings, grid, words, recompute, in_blocks):
    """`saved_by_a_clip`, from the caches of a network of one block and of one with two."""
    with attention_in_blocks(in_blocks):
        one, two = (bytes_of_cache(replace(settings, depth=depth), grid, words, recompute) for depth in (1, 2))
    return 2 * one - two, two - one


@contextmanager
def attention_in_blocks(in_blocks):
    """Attention computes its scores block by block, or all at once, however many there are."""
    usual = multihead_attention.MANY_SCORES
    multihead_attention.MANY_SCORES = 0 if in_blocks else 2**62
    try:
        yield
    finally:
        multihead_attention.MANY_SCORES = usual


def bytes_of_cache(settings, grid, words, recompute):
    """Bytes that the cache of one clip's forward holds."""
    model = DiT(settings, buffer=np.zeros(parameter_count(settings), np.float32))
    x = np.zeros((1, *sizes_of_grid(grid, settings.patch), settings.in_channels), np.float32)
    t = np.zeros(1, np.float32)
    condition = np.zeros(1, int) if words is None else np.ones((1, words), int)
    _, cache = model.forward(x, t, condition, recompute=recompute)
    return saved_bytes(cache, model.params.flat)


def saved_bytes(cache, *others):
    """Bytes of the buffers that a cache keeps alive, each counted once and whole, however small the view of it.

    Args:
        cache: nested tuples, lists and dicts with arrays in them.
        others: arrays whose buffers don't count, such as parameters.
    """
    buffers = {id(buffer_of(array)): buffer_of(array).nbytes for array in arrays_in(cache)}
    return sum(size for key, size in buffers.items() if key not in {id(buffer_of(other)) for other in others})


def buffer_of(array):
    """The array that owns the memory that this one looks at."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
