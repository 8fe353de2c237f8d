"""Activation functions: one number in, one number out.

A derivative that shares work with its function is computed in the forward and saved; the backward is then
one product.
"""

import math

from minidit.backend import array_module

# "..." = any shape


def relu_forward(x):
    """Rectified linear unit: y = max(x, 0).

    Args:
        x: (...).
    Returns:
        y (...) and a cache for `relu_backward`.
    """
    xp = array_module(x)
    return xp.maximum(x, 0), (x > 0,)


def relu_backward(dy, cache):
    """Returns dx (...). At exactly 0 the slope is taken as 0, as PyTorch does."""
    (positive,) = cache
    return dy * positive


def leaky_relu_forward(x, slope=0.2):
    """Leaky rectified linear unit: y = x where x > 0, slope · x elsewhere.

    Args:
        x: (...).
        slope: what negative numbers are multiplied by; 0.2 is the custom in discriminators.
    Returns:
        y (...) and a cache for `leaky_relu_backward`.
    Source: Maas et al. 2013, section 2; slope 0.2: Radford et al. 2016 (DCGAN), section 4.
    """
    xp = array_module(x)
    positive = x > 0                                # ...
    return xp.where(positive, x, slope * x), (positive, slope)


def leaky_relu_backward(dy, cache):
    """Returns dx (...)."""
    positive, slope = cache
    xp = array_module(dy)
    return xp.where(positive, dy, slope * dy)


def silu_forward(x):
    """Sigmoid-weighted linear unit: y = x · σ(x), with σ(x) = 1 / (1 + e⁻ˣ).

    Args:
        x: (...).
    Returns:
        y (...) and a cache for `silu_backward`.
    Source: Elfwing et al. 2018 (SiLU); Hendrycks & Gimpel 2016, section 2.
    """
    xp = array_module(x)
    sigmoid = 0.5 + 0.5 * xp.tanh(0.5 * x)          # ...   1 / (1 + e⁻ˣ) in a form that can't overflow
    y = x * sigmoid                                 # ...
    # Product rule with σ' = σ (1 - σ): y' = σ + x σ (1 - σ), and x σ is y.
    derivative = sigmoid + y * (1 - sigmoid)        # ...
    return y, (derivative,)


def silu_backward(dy, cache):
    """Returns dx (...)."""
    (derivative,) = cache
    return dy * derivative


GELU_LINEAR = math.sqrt(2 / math.pi)
GELU_CUBIC = GELU_LINEAR * 0.044715


def gelu_forward(x, training=True):
    """Gaussian error linear unit, tanh form: y = x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))).

    Args:
        x: (...), at least one axis.
        training: False leaves out the derivative, which is half of the work.
    Returns:
        y (...) and a cache for `gelu_backward`, or None where there will be none.
    Source: Hendrycks & Gimpel 2016, section 2; PyTorch's nn.GELU(approximate="tanh").
    """
    xp = array_module(x)
    square = x * x                                  # ...
    gate = square * GELU_CUBIC                      # ...   becomes 1 + tanh(inner), step by step in place
    gate += GELU_LINEAR
    gate *= x                                       # ...   inner = x (√(2/π) + cubic · x²)
    xp.tanh(gate, out=gate)
    gate += 1
    y = 0.5 * x                                     # ...
    y *= gate
    if not training:
        return y, None
    # Product rule: y' = gate/2 + x/2 · (1 - tanh²) · inner', where inner' = √(2/π) · (1 + 3 · 0.044715 x²).
    # As 1 - tanh² = (1 + tanh)(1 - tanh) = gate · (2 - gate), and x/2 · gate is y again:
    # y' = gate/2 + y · (2 - gate) · inner'.
    derivative = square                             # ...   its memory, from here on
    derivative *= 3 * GELU_CUBIC
    derivative += GELU_LINEAR
    derivative *= y
    derivative *= 2 - gate
    gate *= 0.5
    derivative += gate
    return y, (derivative,)


def gelu_backward(dy, cache):
    """Returns dx (...)."""
    (derivative,) = cache
    return dy * derivative
