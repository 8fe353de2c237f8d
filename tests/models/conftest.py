import numpy as np
import pytest

from minidit.backend import arrays_in
from minidit.gradient_check import GradientMismatch, check_parameter_gradients


@pytest.fixture
def float_types():
    """The types of all float arrays in outputs, caches and gradients, as a set of names."""

    def types(*values):
        return {array.dtype.name for array in arrays_in(values, np.ndarray | np.generic) if array.dtype.kind == "f"}

    return types


@pytest.fixture
def locked():
    """Makes every array in a value read-only, so that writing to it raises. Returns the value."""

    def lock(value):
        for array in arrays_in(value):
            array.setflags(write=False)
        return value

    return lock


@pytest.fixture
def away_from_zero(rng):
    """Gives parameters random values none of which is near zero: zero gates hide mistakes. Returns them."""

    def move(params):
        for array in params.values():
            size = 1.5 / array.shape[0] ** 0.5 if array.ndim == 2 else 0.5
            array[...] = size * rng.choice([-1, 1], array.shape) * rng.uniform(0.2, 1, array.shape)
        return params

    return move


@pytest.fixture
def wrong_gradients():
    """The names of all parameters whose gradient is wrong, as a set."""

    def is_wrong(loss, parameter, gradient):
        try:
            check_parameter_gradients(loss, {"it": parameter}, {"it": gradient}, entries=8)
        except GradientMismatch:
            return True
        return False

    def names(loss, params, grads):
        return {name for name in params if is_wrong(loss, params[name], grads[name])}

    return names
