"""Adapts a student's functions to minidit: adds options that they may lack, turns float64 back into float32."""

import functools
import inspect

import numpy as np

from minidit.backend import arrays_in
from minidit.layers.losses import mse_gradient

# Which functions go together: a backward takes the cache of its own forward, and attention may call a softmax.
PAIRS = {
    "linear": ("linear_forward", "linear_backward"),
    "silu": ("silu_forward", "silu_backward"),
    "layernorm": ("layernorm_forward", "layernorm_backward"),
    "modulate": ("modulate_forward", "modulate_backward"),
    "gated_residual": ("gated_residual_forward", "gated_residual_backward"),
    "softmax": ("softmax_forward", "softmax_backward"),
    "attention": ("attention_forward", "attention_backward"),
    "gelu": ("gelu_forward", "gelu_backward"),
    "feedforward": ("feedforward_forward", "feedforward_backward"),
    "mse": ("mse_forward", "mse_backward"),
    "clip_scale": ("clip_scale",),
    "adamw": ("adamw_update",),
    "ema": ("ema_update",),
}
LEAVES_OUT = ("training", "out")  # options that a readable version may lack
WITH_OUT = ("attention_backward",)
WITHOUT_TRAINING = {"gelu_forward": 1, "feedforward_forward": 5}  # how many arguments it takes without them


def fitted(name, function, promoted):
    """A student's function, adapted to work in minidit.

    It may lack the options `training` and `out`, and it may turn float32 into float64.

    Args:
        name: of the function.
        function: the student's.
        promoted: Counter that records if it does.
    """
    accepted = parameters(function)

    @functools.wraps(function, updated=())
    def among_ours(*arguments, **options):
        out = options.get("out")
        if accepted is not None:
            if accepted["positions"] == WITHOUT_TRAINING.get(name):
                arguments = arguments[: accepted["positions"]]
            options = {key: value for key, value in options.items() if key not in LEAVES_OUT or accepted["takes"](key)}
        results = function(*arguments, **options)
        floats = [array.dtype for array in arrays_in((arguments, options)) if array.dtype.kind == "f"]
        if floats and floats[0] == np.float32:
            results, changed = in_float32(results)
            promoted[name] += changed
            if not promoted[name]:
                del promoted[name]
        if out is not None:
            for target, result in zip(out, results, strict=True):
                if target is not result:
                    target[...] = result
        return results

    return among_ours


def with_out(function):
    """A student's backward that fills the arrays of `out`, even if the student left this argument away."""
    accepted = parameters(function)
    if accepted is None or accepted["takes"]("out") or accepted["positions"] > 2:
        return function

    def filling(dy, cache, out=None):
        grads = function(dy, cache)
        for place, grad in zip(out or (), grads, strict=out is not None):
            place[...] = grad
        return grads

    filling.__name__ = function.__name__
    return filling


def first_of_two(mse_backward):
    """Only the gradient of the prediction, from a function that returns two."""
    asked = False

    def gradient(dloss, cache):
        nonlocal asked
        if asked:
            return mse_gradient(dloss, cache)
        asked = True
        try:
            return mse_backward(dloss, cache)[0]
        finally:
            asked = False

    return gradient


def parameters(function):
    """How many positional arguments a function takes, and whether it takes one with this name; None if unknown."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in found):
        return None
    by_position = [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    anything = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in found)
    names = {p.name for p in found}
    return {"positions": len(by_position), "takes": lambda name: anything or name in names}


def in_float32(value):
    """A value with float32 in place of float64 and Python floats in place of NumPy's, and whether anything changed."""
    if isinstance(value, tuple | list):
        parts = [in_float32(part) for part in value]
        changed = any(changed for _, changed in parts)
        return (tuple(part for part, _ in parts), True) if changed else (value, False)
    if isinstance(value, np.floating):
        return float(value), False
    if isinstance(value, np.ndarray) and value.dtype == np.float64:
        return value.astype(np.float32), True
    return value, False
