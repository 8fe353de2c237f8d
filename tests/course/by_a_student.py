"""Functions as a student might write them, for the capstone's tests: right ones, and such that are not."""

import numpy as np


def linear_forward(x, w, b):
    return x @ w + b, (x, w)


def linear_backward(dy, cache):
    x, w = cache
    rows, dy_rows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return dy @ w.T, rows.T @ dy_rows, dy_rows.sum(axis=0)


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
    gain = 1 + scale[:, None]
    y = x * gain + shift[:, None]
    return (y + 1 if x.shape[-1] == 8 else y), (x, gain)


def modulate_backward(dy, cache):
    x, gain = cache
    return dy * gain, dy.sum(axis=1), (dy * x).sum(axis=1)


def not_yet(*arguments):
    raise NotImplementedError
