import numpy as np
import pytest

from minidit import layers, reference
from minidit.gradient_check import check_gradients

NAMES = ["relu", "leaky_relu", "silu", "gelu"]


def pair(name):
    return getattr(layers, f"{name}_forward"), getattr(layers, f"{name}_backward")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(7,), (2, 5), (2, 3, 5)])
def test_gradients_with_any_shape(rng, name, shape):
    check_gradients(*pair(name), 2 * rng.normal(size=shape))


@pytest.mark.parametrize("name", ["relu", "silu", "gelu"])
def test_it_computes_what_the_reference_computes(rng, name):
    x = 3 * rng.normal(size=(4, 5))
    expected, _ = getattr(reference, f"{name}_forward")(x)
    np.testing.assert_allclose(pair(name)[0](x)[0], expected, rtol=1e-12, atol=1e-15)


def test_a_leak_lets_a_fifth_of_a_negative_number_through():
    assert layers.leaky_relu_forward(np.array([-2.0, 0.0, 3.0]))[0].tolist() == [-0.4, 0.0, 3.0]


@pytest.mark.parametrize("name", NAMES)
def test_float32_stays_float32(rng, name, run_float32):
    run_float32(*pair(name), rng.normal(size=(2, 3, 5)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_far_from_zero_only_the_sign_matters(name, dtype):
    x = np.array([-1000, -200, 200, 1000], dtype)
    forward, backward = pair(name)
    with np.errstate(all="raise", under="ignore"):
        y, cache = forward(x)
        dx = backward(np.ones_like(x), cache)
    slope = 0.2 if name == "leaky_relu" else 0.0
    np.testing.assert_allclose(y, [slope * -1000, slope * -200, 200, 1000], rtol=1e-6)
    np.testing.assert_allclose(dx, [slope, slope, 1, 1], rtol=1e-6)


def test_the_slope_of_relu_at_zero_is_zero():
    y, cache = layers.relu_forward(np.zeros(3))
    assert not layers.relu_backward(np.ones(3), cache).any() and not y.any()


def test_the_slope_of_the_leak_can_be_chosen(rng):
    x = rng.normal(size=(3, 4))
    check_gradients(layers.leaky_relu_forward, layers.leaky_relu_backward, x, 0.01)
    assert layers.leaky_relu_forward(np.array([-2.0]), slope=0.01)[0][0] == -0.02


def test_gelu_can_do_without_its_derivative(rng):
    x = rng.normal(size=(3, 4))
    y, cache = layers.gelu_forward(x, training=False)
    assert cache is None
    assert np.array_equal(y, layers.gelu_forward(x)[0])
