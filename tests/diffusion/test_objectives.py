import numpy as np
import pytest

from minidit.diffusion.objectives import (
    PREDICTIONS,
    Estimate,
    diffusion_loss_backward,
    diffusion_loss_forward,
    estimator,
    sample_times,
    target_of,
    to_data,
    to_noise,
    to_velocity,
    velocity_weight,
)
from minidit.diffusion.paths import RectifiedFlow, VariancePreserving
from minidit.errors import UserError

PATHS = [RectifiedFlow(), VariancePreserving("linear"), VariancePreserving("cosine")]
CONVERSIONS = {"data": to_data, "noise": to_noise, "velocity": to_velocity}


def a_batch(rng, n, dtype=np.float64):
    return rng.normal(size=(n, 2, 3)).astype(dtype), rng.normal(size=(n, 2, 3)).astype(dtype)


@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize("source", PREDICTIONS)
@pytest.mark.parametrize("wanted", PREDICTIONS)
def test_every_prediction_converts_exactly_into_every_other(path, source, wanted, rng):
    t = np.array([0.03, 0.1, 0.5, 0.9, 0.99])
    data, noise = a_batch(rng, len(t))
    x = path.noised(data, noise, t)
    predicted, expected = (target_of(kind, path, data, noise, t) for kind in (source, wanted))
    scale = np.abs(expected).max()
    got = CONVERSIONS[wanted](source, predicted, x, t, path)
    assert np.abs(got - expected).max() <= 1e-12 * scale
    for i in range(len(t)):  # one number for the whole batch is the same
        estimate = Estimate(source, predicted[i : i + 1], x[i : i + 1], float(t[i]), path)
        assert np.abs(getattr(estimate, wanted) - expected[i]).max() <= 1e-12 * scale


@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize("t", [0.0, 1.0])
def test_a_predicted_velocity_is_exact_at_the_ends_too(path, t, rng):
    data, noise = a_batch(rng, 2)
    x, velocity = path.noised(data, noise, t), target_of("velocity", path, data, noise, t)
    np.testing.assert_allclose(to_data("velocity", velocity, x, t, path), data, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(to_noise("velocity", velocity, x, t, path), noise, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize("kind", PREDICTIONS)
@pytest.mark.parametrize("t", [0.0, 1.0])
def test_conversions_are_finite_at_the_ends(path, kind, t, rng):
    prediction, x = a_batch(rng, 2)
    estimate = Estimate(kind, prediction, x, t, path)
    assert all(np.isfinite(getattr(estimate, wanted)).all() for wanted in PREDICTIONS)


@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize("kind", PREDICTIONS)
@pytest.mark.parametrize("t", [0.4, np.full(2, 0.4, np.float32)])
def test_conversions_keep_float32(path, kind, t, rng):
    prediction, x = a_batch(rng, 2, np.float32)
    estimate = Estimate(kind, prediction, x, t, path)
    assert all(getattr(estimate, wanted).dtype == np.float32 for wanted in PREDICTIONS)


def test_velocity_is_how_fast_the_clip_changes(rng):
    data, noise = a_batch(rng, 2)
    for path in PATHS:
        slope = (path.noised(data, noise, 0.6 + 1e-6) - path.noised(data, noise, 0.6 - 1e-6)) / 2e-6
        np.testing.assert_allclose(target_of("velocity", path, data, noise, 0.6), slope, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize("kind", PREDICTIONS)
def test_the_weighted_loss_equals_the_velocity_loss(path, kind, rng):
    t = np.array([0.3, 0.5, 0.7, 0.9])
    data, noise = a_batch(rng, len(t))
    x = path.noised(data, noise, t)
    prediction = target_of(kind, path, data, noise, t) + 0.1 * rng.normal(size=x.shape)
    velocity_error = to_velocity(kind, prediction, x, t, path) - target_of("velocity", path, data, noise, t)
    loss, _ = diffusion_loss_forward(prediction, kind, path, data, noise, t)
    assert loss == pytest.approx((velocity_error * velocity_error).mean(), rel=1e-10)


def test_the_weight_of_data_on_the_straight_path_stops_at_the_floor():
    t = np.linspace(0, 1, 101)
    weight = velocity_weight("data", RectifiedFlow(), t)
    np.testing.assert_allclose(weight, 1 / np.maximum(1 - t, 0.05) ** 2, rtol=1e-12)
    assert weight.max() == pytest.approx(400)


@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize("kind", PREDICTIONS)
def test_weights_are_finite_and_float32_at_every_time(path, kind):
    weight = velocity_weight(kind, path, np.linspace(0, 1, 101, dtype=np.float32))
    assert weight.dtype == np.float32
    assert np.isfinite(weight).all() and (weight > 0).all() and weight.max() < 5000


@pytest.mark.parametrize("kind", PREDICTIONS)
@pytest.mark.parametrize("weighted", [True, False])
def test_the_loss_gradient_is_its_slope(kind, weighted, rng):
    path, t = VariancePreserving("cosine"), np.array([0.0, 0.4, 1.0])
    data, noise = a_batch(rng, len(t))
    prediction, direction = rng.normal(size=data.shape), rng.normal(size=data.shape)

    def loss_at(step):
        return diffusion_loss_forward(prediction + step * direction, kind, path, data, noise, t, weighted)

    dprediction = diffusion_loss_backward(1.0, loss_at(0.0)[1])
    slope = (loss_at(1e-5)[0] - loss_at(-1e-5)[0]) / 2e-5
    assert (dprediction * direction).sum() == pytest.approx(slope, rel=1e-8)


def test_without_weights_the_loss_is_the_plain_mean_squared_error(rng):
    data, noise = a_batch(rng, 3)
    loss, _ = diffusion_loss_forward(
        np.zeros_like(data), "noise", PATHS[1], data, noise, np.array([0.1, 0.5, 0.9]), weighted=False
    )
    assert loss == pytest.approx((noise * noise).mean(), rel=1e-12)


def test_the_loss_of_a_float32_clip_has_a_float32_gradient(rng):
    data, noise = a_batch(rng, 2, np.float32)
    for t in (np.array([0.2, 0.9], np.float32), np.array([0.2, 0.9])):
        for kind in PREDICTIONS:
            _, cache = diffusion_loss_forward(data, kind, PATHS[1], noise, data, t)
            assert diffusion_loss_backward(1.0, cache).dtype == np.float32


def test_sampled_times_are_logistic_normal_and_a_negative_mean_is_noisier(rng):
    t = sample_times(rng, 20000, mean=-1.0, std=0.8)
    assert t.dtype == np.float32 and t.shape == (20000,)
    logit = np.log(t / (1 - t.astype(np.float64)))
    assert logit.mean() == pytest.approx(-1.0, abs=0.02) and logit.std() == pytest.approx(0.8, abs=0.02)
    assert t.mean() < 0.35 < 0.5 < sample_times(rng, 1000, mean=1.0).mean()


def test_every_time_may_have_a_mean_of_its_own(rng):
    means = np.repeat([-2.0, 1.0], 5000)
    logit = np.log(1 / (1 / sample_times(rng, 10000, means) - 1))
    assert logit.reshape(2, -1).mean(axis=1) == pytest.approx([-2, 1], abs=0.06)


def test_sampled_times_stay_in_range_and_repeat_with_their_seed(rng):
    wild = sample_times(rng, 1000, mean=0.0, std=200.0)
    assert wild.min() >= 0 and wild.max() <= 1
    one, other = (sample_times(np.random.default_rng(3), 5) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_an_estimator_reads_a_network_as_the_kind_it_is(rng):
    data, noise = a_batch(rng, 2)
    path = PATHS[1]
    predict = estimator(lambda x, t: noise, "noise", path)
    estimate = predict(path.noised(data, noise, 0.5), 0.5)
    np.testing.assert_allclose(estimate.data, data, rtol=1e-10)


def test_an_unknown_prediction_is_a_users_error(rng):
    data, noise = a_batch(rng, 2)
    for attempt in (
        lambda: to_data("score", data, noise, 0.5, PATHS[0]),
        lambda: target_of("score", PATHS[0], data, noise, 0.5),
        lambda: velocity_weight("score", PATHS[0], np.array([0.5])),
        lambda: estimator(None, "score", PATHS[0]),
    ):
        with pytest.raises(UserError, match='not "score"'):
            attempt()
