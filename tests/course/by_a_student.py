"""Functions as a student might write them, for the capstone's tests: right ones, and such that are not."""

import numpy as np

from minidit.reference import linear_backward, modulate_forward


def db_mean(dy, cache):
    dx, dw, _ = linear_backward(dy, cache)
    return dx, dw, dy.reshape(-1, dy.shape[-1]).mean(axis=0)


def gelu_forward(x):
    gate = 1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x * x * x))
    return 0.5 * x * gate, (x, gate)


def gelu_backward(dy, cache):
    x, gate = cache
    return dy * 0.5 * gate * (1 + x * (2 - gate) * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x * x))


def right_only_elsewhere(x, shift, scale):
    """Right, but for the width of the small DiT, which the exercise never has."""
    y, cache = modulate_forward(x, shift, scale)
    return (y + 1 if x.shape[-1] == 8 else y), cache


def not_yet(*arguments):
    raise NotImplementedError
