import numpy as np
import pytest

from minidit import layers
from minidit.gradient_check import check_gradients


def mse_weighted(weight):
    def forward(prediction, target):
        return layers.mse_forward(prediction, target, weight)

    return forward


def reparameterize_with(noise):
    def forward(mean, log_variance):
        return layers.reparameterize_forward(mean, log_variance, noise)

    return forward


@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4)])
def test_mse_gradients_with_any_shape(rng, shape):
    check_gradients(layers.mse_forward, layers.mse_backward, *rng.normal(size=(2, *shape)))


@pytest.mark.parametrize("leading", [(2,), (2, 3), (2, 3, 4)])
def test_mse_gradients_with_a_weight_over_leading_axes(rng, leading):
    weight = rng.uniform(0.5, 2, leading)
    check_gradients(mse_weighted(weight), layers.mse_backward, *rng.normal(size=(2, 2, 3, 4)))


@pytest.mark.parametrize("shape", [(5,), (2, 3)])
def test_gradients_of_the_codecs_likelihood(rng, shape):
    mean, log_variance = rng.normal(size=(2, *shape))
    check_gradients(layers.gaussian_kl_forward, layers.gaussian_kl_backward, mean, log_variance)
    noise = rng.normal(size=shape)
    check_gradients(reparameterize_with(noise), layers.reparameterize_backward, mean, log_variance)


@pytest.mark.parametrize("shape", [(5,), (2, 3)])
def test_gradients_of_the_hinge_losses(rng, shape):
    real, fake = 2 * rng.normal(size=shape), 2 * rng.normal(size=(7, *shape))
    check_gradients(layers.hinge_discriminator_forward, layers.hinge_discriminator_backward, real, fake)
    check_gradients(layers.hinge_generator_forward, layers.hinge_generator_backward, fake)


def test_mse_worked_out_by_hand():
    prediction, target = np.array([[1.0, 2.0], [0.0, 5.0]]), np.array([[1.0, 0.0], [0.0, 2.0]])
    loss, cache = layers.mse_forward(prediction, target)
    assert loss == (4 + 9) / 4
    dprediction, dtarget = layers.mse_backward(1.0, cache)
    np.testing.assert_array_equal(dprediction, [[0, 1], [0, 1.5]])
    np.testing.assert_array_equal(dtarget, -dprediction)


def test_a_weight_counts_its_sample_and_the_mean_is_still_over_all_elements():
    prediction, target = np.array([[1.0, 2.0], [0.0, 5.0]]), np.array([[1.0, 0.0], [0.0, 2.0]])
    assert layers.mse_forward(prediction, target, np.array([10.0, 1.0]))[0] == (10 * 4 + 9) / 4


def test_kl_is_zero_for_the_standard_gaussian_alone_and_known_elsewhere():
    zero = np.zeros(3)
    assert layers.gaussian_kl_forward(zero, zero)[0] == 0
    assert layers.gaussian_kl_forward(np.full(3, 2.0), zero)[0] == pytest.approx(2.0)  # mean² / 2
    # variance 4: (4 - 1 - ln 4) / 2
    assert layers.gaussian_kl_forward(zero, np.full(3, np.log(4)))[0] == pytest.approx((3 - np.log(4)) / 2)


def test_kl_agrees_with_the_integral_of_its_definition():
    mean, log_variance = 0.7, -0.4
    z = np.linspace(-12, 12, 40001)
    log_p = -0.5 * (np.log(2 * np.pi) + log_variance + (z - mean) ** 2 / np.exp(log_variance))
    log_q = -0.5 * (np.log(2 * np.pi) + z * z)
    integral = np.sum(np.exp(log_p) * (log_p - log_q)) * (z[1] - z[0])
    loss, _ = layers.gaussian_kl_forward(np.array([mean]), np.array([log_variance]))
    assert loss == pytest.approx(integral)


def test_reparameterized_samples_have_the_mean_and_variance_asked_for(rng):
    noise = rng.normal(size=100_000)
    z, _ = layers.reparameterize_forward(np.full(noise.shape, 3.0), np.full(noise.shape, np.log(4)), noise)
    assert z.mean() == pytest.approx(3, abs=0.05) and z.std() == pytest.approx(2, abs=0.05)


def test_hinge_worked_out_by_hand():
    real, fake = np.array([2.0, 0.5]), np.array([-3.0, 0.0, 1.0, -0.5])
    loss, cache = layers.hinge_discriminator_forward(real, fake)
    assert loss == (0 + 0.5) / 2 + (0 + 1 + 2 + 0.5) / 4
    dreal, dfake = layers.hinge_discriminator_backward(1.0, cache)
    np.testing.assert_array_equal(dreal, [0, -1 / 2])
    np.testing.assert_array_equal(dfake, [0, 1 / 4, 1 / 4, 1 / 4])
    assert layers.hinge_generator_forward(fake)[0] == 2.5 / 4


def test_a_float64_dloss_does_not_turn_float32_gradients_into_float64(rng):
    x, y = rng.normal(size=(2, 3, 4)).astype(np.float32)
    for forward, backward, inputs in [
        (layers.mse_forward, layers.mse_backward, (x, y, np.ones(3))),
        (layers.gaussian_kl_forward, layers.gaussian_kl_backward, (x, y)),
        (layers.hinge_discriminator_forward, layers.hinge_discriminator_backward, (x, y)),
        (layers.hinge_generator_forward, layers.hinge_generator_backward, (x,)),
    ]:
        _, cache = forward(*inputs)
        gradients = backward(np.float64(0.5), cache)
        assert all(gradient.dtype == np.float32 for gradient in gradients)


def test_float32_stays_float32(rng, run_float32):
    x, y = rng.normal(size=(2, 3, 4))
    run_float32(layers.mse_forward, layers.mse_backward, x, y)
    run_float32(layers.mse_forward, layers.mse_backward, x, y, rng.uniform(size=3))
    run_float32(layers.gaussian_kl_forward, layers.gaussian_kl_backward, x, y)
    run_float32(layers.reparameterize_forward, layers.reparameterize_backward, x, y, x + y)
    run_float32(layers.hinge_discriminator_forward, layers.hinge_discriminator_backward, x, y)
    run_float32(layers.hinge_generator_forward, layers.hinge_generator_backward, x)


def test_shapes_that_only_broadcast_are_refused(rng):
    with pytest.raises(ValueError, match=r"prediction has shape \(3, 4\), target \(4,\)"):
        layers.mse_forward(rng.normal(size=(3, 4)), rng.normal(size=4))
    with pytest.raises(ValueError, match=r"weight has shape \(4,\)"):
        layers.mse_forward(rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), rng.normal(size=4))
