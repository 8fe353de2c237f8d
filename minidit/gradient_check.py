"""Is a backward pass right? Compare it with the slope that the forward pass itself shows.

An entry of an input is moved up and down a little, and the change of the output is measured (central
differences, in float64). A gradient that was derived wrongly, scaled wrongly, transposed or forgotten does
not agree.
"""

import inspect

import numpy as np

# Tried in turn until one agrees. A right gradient can miss one of them: a short step suffers from rounding,
# a long one from curvature or from a kink (ReLU) it steps across. A wrong one misses all three.
STEPS = (1e-5, 1e-4, 1e-6)

# Not 0, everybody's seed: the output gradient would then equal the numbers that the inputs were made from. (LayerNorm's
# gradient vanishes in that direction, and a wrong one could hide.)
SEED = 20_021

# How much two equal calls may differ, relative to the largest entry: some BLAS (such as MKL) add in an order that
# depends on where in memory an array lies.
REPEATED = 1e-12


class GradientMismatch(AssertionError):
    """A gradient is wrong; the message names it."""


def check_gradients(forward, backward, *inputs, names=None, tolerance=1e-6, rng=None):
    """Check every gradient of a forward/backward pair, entry by entry.

    Differentiates all float arrays among the inputs, as float64 copies; everything else (ids, masks, numbers, None) is
    passed on unchanged. Use a different length for every axis, or a transposed gradient may pass for a right one.

    Args:
        forward: called as ``y, cache = forward(*inputs)``, with y an array or a number.
        backward: called as ``backward(dy, cache)``; returns one gradient per float array, in the order of
            the inputs.
        inputs: small arrays; the cost is 2 forward passes per number in them.
        names: of the inputs; the forward's parameter names by default.
        tolerance: largest relative error allowed. An entry's error is measured relative to the entry, or to
            1 % of the gradient's largest entry where that is more.
        rng: a numpy Generator for the output gradient; a fixed one by default.
    Returns:
        The worst relative error found.
    Raises:
        GradientMismatch: if a gradient is wrong, zero everywhere, missing, or of another shape or dtype; if the forward
            or the backward changes its inputs; or if the backward gives a different answer when called again.
    """
    rng = np.random.default_rng(SEED) if rng is None else rng
    operation = getattr(forward, "__name__", type(forward).__name__).removesuffix("_forward")
    names = names or list(inspect.signature(forward).parameters)
    if len(names) < len(inputs):
        raise ValueError(f"{operation} names {len(names)} of {len(inputs)} inputs; give names=[...]")
    inputs = [x.astype(np.float64) if _is_float_array(x) else x for x in inputs]
    before = [np.array(x) if isinstance(x, np.ndarray) else x for x in inputs]
    checked = [(names[i], x) for i, x in enumerate(inputs) if _is_float_array(x)]

    y, cache = forward(*inputs)
    _insist_unchanged(f"{operation}: the forward", names, before, inputs)
    kind = np.asarray(y).dtype
    if kind != np.float64:
        raise GradientMismatch(f"{operation}: the output is {kind}, though all inputs are float64")
    dy = np.asarray(rng.normal(size=np.shape(y)))
    gradients = _tuple_of_copies(backward(np.array(dy), cache))
    again = np.array(dy)
    repeated = _tuple_of_copies(backward(again, cache))
    _insist_unchanged(f"{operation}: the backward", ["dy", *names], [dy, *before], [again, *inputs])
    if len(gradients) != len(checked):
        expected = ", ".join(f"d{name}" for name, _ in checked)
        raise GradientMismatch(f"{operation}: {len(gradients)} gradients came back, expected {expected}")

    def output():
        return np.array(forward(*inputs)[0])

    worst = 0.0
    for (name, x), gradient, second in zip(checked, gradients, repeated, strict=True):
        label = f"{operation}: d{name}"
        _insist_plausible(label, x, gradient)
        rounding = REPEATED * np.abs(gradient).max()
        if second.shape != gradient.shape or not np.allclose(second, gradient, rtol=0, atol=rounding):
            raise GradientMismatch(f"{label} differs when the backward is called again: it changes its cache")
        for index in np.ndindex(x.shape):
            error = _compare(label, output, x, gradient, index, tolerance, dy)
            worst = max(worst, error)
    return worst


def check_parameter_gradients(loss, params, grads, entries=6, tolerance=1e-6, rng=None):
    """Check the gradients of a whole model, a few entries of every parameter.

    Args:
        loss: called without arguments, returns the loss, a number; it must read `params` again each time.
        params: dict of name -> float64 array. Entries are changed in place and put back. Move every
            parameter away from zero beforehand: zero gates (adaLN-Zero) hide mistakes.
        grads: dict of name -> array, the gradients to check, with the same names.
        entries: how many of each parameter; the one with the largest gradient is always among them.
        tolerance: as for `check_gradients`.
        rng: a numpy Generator that picks the entries; a fixed one by default.
    Returns:
        The worst relative error found.
    Raises:
        GradientMismatch: if a gradient is wrong, zero everywhere, missing, or of another shape or dtype.
        ValueError: if a parameter is not float64: its differences would be rounding errors.
    """
    rng = np.random.default_rng(SEED) if rng is None else rng
    unmatched = sorted(set(params) ^ set(grads))
    if unmatched:
        raise GradientMismatch(f"not in both the parameters and the gradients: {', '.join(unmatched)}")
    # The gradients may live in a buffer that the loss writes to again.
    grads = {name: np.array(gradient) for name, gradient in grads.items()}
    worst = 0.0
    for name, parameter in params.items():
        gradient = grads[name]
        if parameter.dtype != np.float64:
            raise ValueError(f"{name} is {parameter.dtype}; gradients can only be checked in float64")
        _insist_plausible(f"gradient of {name}", parameter, gradient)
        chosen = rng.choice(parameter.size, size=min(entries, parameter.size), replace=False)
        chosen[0] = np.abs(gradient).argmax()
        for entry in chosen:
            index = np.unravel_index(entry, parameter.shape)
            error = _compare(f"gradient of {name}", loss, parameter, gradient, index, tolerance)
            worst = max(worst, error)
    return worst


def _is_float_array(x):
    return isinstance(x, np.ndarray) and np.issubdtype(x.dtype, np.floating)


def _tuple_of_copies(gradients):
    gradients = gradients if isinstance(gradients, tuple | list) else (gradients,)
    return tuple(np.array(gradient) for gradient in gradients)


def _insist_unchanged(who, names, before, after):
    for name, old, new in zip(names, before, after, strict=False):
        if isinstance(new, np.ndarray) and not np.array_equal(old, new):
            raise GradientMismatch(f"{who} changed {name}, which it may only read")


def _insist_plausible(label, x, gradient):
    """What can be said about a gradient without computing it."""
    if gradient.shape != x.shape:
        raise GradientMismatch(f"{label} has shape {gradient.shape}, expected {x.shape}")
    if gradient.dtype != x.dtype:
        raise GradientMismatch(f"{label} is {gradient.dtype}, expected {x.dtype}")
    if not np.isfinite(gradient).all():
        raise GradientMismatch(f"{label} is not finite everywhere")
    if not gradient.any():
        raise GradientMismatch(f"{label} is zero everywhere: it is not computed, or these inputs hide it")


def _compare(label, output, x, gradient, index, tolerance, dy=1.0):
    """The relative error of one entry of a gradient; raises if it is above the tolerance."""
    analytic = float(gradient[index])
    floor = 0.01 * float(np.abs(gradient).max())
    numeric, error = np.nan, np.inf
    for step in STEPS:
        slope = _slope(output, x, index, step, dy)
        difference = abs(analytic - slope) / max(abs(analytic), abs(slope), floor)
        if difference < error:
            numeric, error = slope, difference
        if error <= tolerance:
            return error
    where = [int(i) for i in index]
    raise GradientMismatch(
        f"{label} is wrong: relative error {error:.1e} at {where}: "
        f"analytic {analytic:.6g}, numeric {numeric:.6g}"
    )


def _slope(output, x, index, step, dy):
    """How dy · output changes with one entry of x: the difference over a small step up and one down."""
    value = x[index]
    upper, lower = value + step * max(1.0, abs(value)), value - step * max(1.0, abs(value))
    try:
        x[index] = upper
        high = output()
        x[index] = lower
        low = output()
    finally:
        x[index] = value
    return float(np.sum(dy * (high - low)) / (upper - lower))
