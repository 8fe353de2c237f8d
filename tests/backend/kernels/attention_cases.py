"""Cases for the kernels of attention, which all promise the same: numbers to try, and what float64 makes of them."""

import sys
from pathlib import Path

import numpy as np

from minidit.layers import attention_backward, attention_forward
from minidit.layers.multihead_attention import split_heads

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from agreement import normal, pairs, rounded, to_device

# H = heads, T = tokens that ask, S = tokens that are asked, d = width of one head


def attention(pair, *shape, S=None, times=1.0, masked=False):
    """A case of q (..., H, T, d), and of k and v with S tokens, or T.

    Args:
        pair: forward and backward, as those of `minidit.layers.attention`.
        shape: of q.
        times: a factor for q.
        masked: with a `random_mask`.
    """
    forward, backward = pair
    *leading, H, T, d = shape
    S = S or T

    def case(xp, rng):
        q, k, v, dy = normal(rng, shape, (*leading, H, S, d), (*leading, H, S, d), shape)
        inputs = rounded(times * q), k, v, dy
        mask = random_mask(rng, *leading, S) if masked else None
        on_device = to_device(xp, *inputs)
        y, cache = forward(*on_device[:3], None if mask is None else xp.asarray(mask))
        gradients = backward(on_device[3], cache)

        right_y, right_cache = attention_forward(*inputs[:3], mask)
        right_gradients = attention_backward(dy, right_cache)
        return pairs((y, *gradients, *on_device), (right_y, *right_gradients, *inputs))

    return case


def attention_between_projections(pair, *leading, T, H, d, masked=False):
    """A case in which q, k, v and their gradients are views of (..., T, 3Hd) arrays, and dy of a (..., T, Hd) one."""
    forward, backward = pair

    def case(xp, rng):
        qkv, dy = inputs = normal(rng, (*leading, T, 3 * H * d), (*leading, T, H * d))
        mask = random_mask(rng, *leading, T) if masked else None
        on_device = to_device(xp, *inputs)
        dqkv = xp.full(qkv.shape, np.nan, np.float32)
        y, cache = forward(*split_heads(on_device[0], H), None if mask is None else xp.asarray(mask))
        backward(heads_of(on_device[1], H), cache, out=split_heads(dqkv, H))
        joined = y.swapaxes(-3, -2).reshape(dy.shape)

        right_y, right_cache = attention_forward(*split_heads(qkv, H), mask)
        right_dqkv = np.empty_like(qkv)
        attention_backward(heads_of(dy, H), right_cache, out=split_heads(right_dqkv, H))
        right_joined = right_y.swapaxes(-3, -2).reshape(dy.shape)
        return pairs((joined, dqkv, *on_device), (right_joined, right_dqkv, *inputs))

    return case


def heads_of(tokens, H):
    """Views (..., T, Hd) -> (..., H, T, d)."""
    *leading, T, D = tokens.shape
    return tokens.reshape(*leading, T, H, D // H).swapaxes(-3, -2)


def random_mask(rng, *shape):
    """A mask (..., S). Every sample has its first key; but of several samples, the last has no key at all."""
    mask = rng.random(shape) < 0.6
    mask[..., 0] = True
    if mask.size > shape[-1]:
        mask.reshape(-1, shape[-1])[-1] = False
    return mask
