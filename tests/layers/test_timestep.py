import math

import numpy as np
import pytest

from minidit.layers import timestep_embedding


def reference(t, dim, max_period=10000):
    """facebookresearch/DiT's TimestepEmbedder.timestep_embedding, line by line, one number at a time."""
    half = dim // 2
    freqs = [math.exp(-math.log(max_period) * i / half) for i in range(half)]
    embedding = [math.cos(t * f) for f in freqs] + [math.sin(t * f) for f in freqs]
    return embedding + [0.0] * (dim % 2)


@pytest.mark.parametrize("width", [2, 8, 9, 256])
@pytest.mark.parametrize("max_period", [10000.0, 50.0])
def test_agrees_with_the_formula_of_dit(width, max_period):
    t = np.array([0.0, 1.0, 3.7, 500.0, 999.0, 1000.0])
    embedding = timestep_embedding(t, width, max_period, dtype=np.float64)
    expected = [reference(value, width, max_period) for value in t]
    np.testing.assert_allclose(embedding, expected, rtol=1e-11, atol=1e-11)


def test_at_time_zero_cosines_are_one_and_sines_zero():
    np.testing.assert_array_equal(timestep_embedding(np.zeros(1), 7), [[1, 1, 1, 0, 0, 0, 0]])


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_any_shape_of_times_gets_one_axis_more(rng, shape):
    t = rng.uniform(0, 1000, shape)
    embedding = timestep_embedding(t, 6, dtype=np.float64)
    assert embedding.shape == (*shape, 6)
    for i in np.ndindex(shape):
        np.testing.assert_allclose(embedding[i], reference(t[i], 6), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("t", [500, 500.0, np.float32(500), np.array(500), [500.0]])
def test_numbers_and_whole_numbers_are_times_too(t):
    embedding = timestep_embedding(t, 6)
    np.testing.assert_allclose(embedding.reshape(6), reference(500, 6), rtol=1e-5)


def test_float32_is_the_default_and_is_accurate_to_its_last_digits():
    t = np.array([999.5, 1000.0], np.float32)
    embedding = timestep_embedding(t, 256)
    assert embedding.dtype == np.float32
    np.testing.assert_allclose(embedding, [reference(float(value), 256) for value in t], atol=1e-7)
