"""Inputs for trials, made from others."""

from dataclasses import replace

import numpy as np


def in_float32(trial):
    """A Trial with the inputs of another in the model's precision: one float64 in the answer would promote them."""
    return replace(trial, inputs=lambda rng: as_float32(trial.inputs(rng)), seeds=1)


def as_float32(value):
    """An array, or the arrays in a tuple, in float32; anything else as it is."""
    if isinstance(value, tuple):
        return tuple(map(as_float32, value))
    return value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype == float else value
