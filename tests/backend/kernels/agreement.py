"""What the tests of all kernels share: numbers to try, and when a kernel is right.

A test file's CASES are functions of (xp, rng), xp being the library of the arrays that the kernel gets. Each returns
pairs (got, expected) of NumPy arrays: what the kernel made, in float32, and what float64 and plain formulas make of the
same numbers. The inputs are among them: got is then what is left of them, and expected what they were.
"""

import numpy as np

BOUND = 1e-5  # of the largest error, as a fraction of the largest number that was expected
SEEDS = range(3)  # of the numbers; the order in which the threads take their turns changes as well


def rounded(array):
    """The numbers nearest to an array's that float32 can hold, in float64."""
    return array.astype(np.float32).astype(float)


def normal(rng, *shapes):
    """Random arrays, in float64, of numbers that float32 can hold."""
    return [rounded(rng.standard_normal(shape)) for shape in shapes]


def to_device(xp, *arrays):
    """The arrays in float32, where the kernels take them."""
    return [xp.asarray(array.astype(np.float32)) for array in arrays]


def pairs(got, expected):
    """The arrays of the device with the arrays that they should equal."""
    return [(array.get(), right) for array, right in zip(got, expected, strict=True)]


def assert_agreement(results):
    """Insists that all pairs have the same shapes and the same numbers, and that the first of each is float32."""
    assert results
    for place, (got, expected) in enumerate(results):
        assert got.dtype == np.float32 and got.shape == np.shape(expected), place
        error = np.abs(got - expected).max() / np.abs(expected).max()
        assert error <= BOUND, f"result {place} is off by {error:.1e} of its largest number"


def assert_same_bits(results, again):
    """Insists that two runs on the same numbers, in another order of the threads, gave the very same result."""
    for (first, _), (second, _) in zip(results, again, strict=True):
        np.testing.assert_array_equal(first, second)
