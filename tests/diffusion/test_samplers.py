"""Samplers against data whose best possible network is known in closed form."""

from functools import partial

import numpy as np
import pytest

from minidit.diffusion.objectives import PREDICTIONS, Estimate, estimator, target_of
from minidit.diffusion.paths import RectifiedFlow, VariancePreserving
from minidit.diffusion.samplers import (
    SAMPLERS,
    ddim_step,
    ddpm_step,
    euler_step,
    sample,
    sde_step,
    time_grid,
)
from minidit.errors import UserError

PATHS = [RectifiedFlow(), VariancePreserving("linear"), VariancePreserving("cosine")]
STOCHASTIC = ["ddpm", "sde", partial(ddim_step, eta=0.5)]

MEAN = np.array([1.0, -0.5])
COVARIANCE = np.array([[0.5, 0.3], [0.3, 0.4]])


def gaussian(path):
    """The exact estimate for data ~ N(MEAN, COVARIANCE): the conditional mean of the data given x_t."""

    def predict(x, t):
        alpha, sigma = path.coefficients(t)
        gain = alpha * COVARIANCE @ np.linalg.inv(alpha * alpha * COVARIANCE + sigma * sigma * np.eye(2))
        return Estimate("data", (MEAN + (x - alpha * MEAN) @ gain.T).astype(x.dtype), x, t, path)

    return predict


def two_peaks(path, centres=(-1.0, 2.0), shares=(0.3, 0.7), spread=0.2):
    """The exact estimate for data from a mixture of two narrow Gaussians with the same spread."""

    def predict(x, t):
        alpha, sigma = path.coefficients(t)
        variance = alpha * alpha * spread * spread + sigma * sigma
        away = [x - alpha * centre for centre in centres]
        log_odds = [np.log(p) - 0.5 * d * d / variance for p, d in zip(shares, away, strict=True)]
        weight = 1 / (1 + np.exp(np.clip(log_odds[1] - log_odds[0], -500, 500)))  # of the first peak
        inside = [c + alpha * spread * spread / variance * d for c, d in zip(centres, away, strict=True)]
        return Estimate("data", weight * inside[0] + (1 - weight) * inside[1], x, t, path)

    return predict


@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize("sampler", [*SAMPLERS, *STOCHASTIC[2:]])
def test_every_sampler_recovers_mean_and_covariance(path, sampler, rng):
    noise = rng.normal(size=(20000, 2))
    data = sample(gaussian(path), noise, path, steps=300, sampler=sampler, rng=rng)
    # The standard error is 0.005 in both. Ancestral DDPM, the coarsest, misses another 0.017 of the variance
    # at 300 steps: it leaves out what the estimate doesn't know about the data. That halves when the steps
    # double, see below.
    np.testing.assert_allclose(data.mean(axis=0), MEAN, atol=0.02)
    np.testing.assert_allclose(np.cov(data.T), COVARIANCE, atol=0.03)


class SameNumber:
    """Stands in for a generator, and draws the same number always."""

    def __init__(self, number):
        self.number = number

    def standard_normal(self, shape, dtype):
        return np.full(shape, self.number, dtype)


def variance_after(step, steps, path, true_variance):
    """The variance of the samples for data ~ N(0, true_variance), without drawing any.

    The exact network is linear in x then, so each step is x -> keep * x + add * noise, and variances follow.
    """

    def predict(x, t):
        alpha, sigma = path.coefficients(t)
        gain = alpha * true_variance / (alpha * alpha * true_variance + sigma * sigma)
        return Estimate("data", gain * x, x, t, path)

    one, (alpha, sigma) = np.ones(1), path.coefficients(0.0)
    variance = alpha * alpha * true_variance + sigma * sigma  # linear starts with a trace of data
    *times, last = time_grid(steps).tolist()[:-1]
    for t, s in zip(times, [*times[1:], last], strict=True):
        keep = step(one, t, s, predict, path, SameNumber(0.0))[0]
        add = step(0.0 * one, t, s, predict, path, SameNumber(1.0))[0]
        variance = keep * keep * variance + add * add
    return predict(one, last).data[0] ** 2 * variance


@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize("step", [ddpm_step, sde_step, ddim_step])
def test_the_variance_converges_at_first_order_to_the_true_one(path, step):
    coarse, fine = (variance_after(step, steps, path, 0.6) - 0.6 for steps in (800, 1600))
    assert abs(fine) < 0.005
    assert coarse / fine == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_finds_both_peaks_in_their_shares(path, sampler, rng):
    data = sample(two_peaks(path), rng.normal(size=(10000, 1)), path, steps=150, sampler=sampler, rng=rng)
    right = data[data > 0.5]
    assert len(right) / len(data) == pytest.approx(0.7, abs=0.025)
    assert right.mean() == pytest.approx(2.0, abs=0.02) and right.std() == pytest.approx(0.2, abs=0.02)
    assert data[data <= 0.5].mean() == pytest.approx(-1.0, abs=0.02)


def errors_against_the_exact_flow(sampler, steps, rng):
    """For a Gaussian of one number, the straight path's flow carries noise z to mean + deviation * z."""
    path, deviation = RectifiedFlow(), 0.3

    def predict(x, t):
        gain = t * deviation * deviation / (t * t * deviation * deviation + (1 - t) * (1 - t))
        return Estimate("data", 1.0 + gain * (x - t), x, t, path)

    noise = rng.normal(size=(100, 1))
    return [
        np.abs(sample(predict, noise, path, steps=n, sampler=sampler) - (1 + deviation * noise)).max()
        for n in steps
    ]


@pytest.mark.parametrize("sampler, order", [("euler", 1), ("ddim", 1), ("heun", 2)])
def test_the_error_falls_with_the_samplers_order(sampler, order, rng):
    coarse, middle, fine = errors_against_the_exact_flow(sampler, (40, 80, 160), rng)
    assert np.log2(coarse / middle) == pytest.approx(order, abs=0.3)
    assert np.log2(middle / fine) == pytest.approx(order, abs=0.2)


def test_heun_is_closer_than_euler_for_the_same_number_of_network_calls(rng):
    (euler,), (heun,) = (
        errors_against_the_exact_flow(name, (n,), rng) for name, n in (("euler", 40), ("heun", 20))
    )
    assert heun < 0.5 * euler


@pytest.mark.parametrize("kind", PREDICTIONS)
def test_euler_equals_ddim_on_the_straight_path(kind, rng):
    path, noise = RectifiedFlow(), rng.normal(size=(5, 3, 2))

    def network(x, t):  # any function will do
        return np.tanh(x) - t

    predict = estimator(network, kind, path)
    euler, ddim = (
        sample(predict, noise, path, steps=17, shift=2.0, start=0.05, sampler=name)
        for name in ("euler", "ddim")
    )
    assert np.abs(euler - ddim).max() <= 1e-12 * np.abs(euler).max()


def test_euler_differs_from_ddim_on_a_curved_path(rng):
    path, noise = VariancePreserving("cosine"), rng.normal(size=(5, 2))
    euler, ddim = (sample(gaussian(path), noise, path, 10, sampler=name) for name in ("euler", "ddim"))
    assert np.abs(euler - ddim).max() > 1e-3


def test_step_12_subtracting_the_predicted_noise_is_the_one_step_case_of_the_sampler(rng):
    data, noise = rng.integers(-5, 6, size=(4, 2)) * 1.0, rng.integers(-2, 3, size=(4, 2)) * 1.0

    # The course's step 4 adds the noise as it is, and its step 12 takes it away again.
    np.testing.assert_array_equal((data + noise) - noise, data)

    # Every path scales both, so the scales come off with the noise: x_t / alpha - (sigma / alpha) * noise.
    for path in PATHS:
        alpha, sigma = path.coefficients(0.4)
        x = path.noised(data, noise, 0.4)
        subtracted = x / alpha - (sigma / alpha) * noise
        np.testing.assert_allclose(subtracted, data, atol=1e-12)

        # A sampler with a single step says the same ...
        predict = estimator(lambda x, t: noise, "noise", path)
        np.testing.assert_allclose(sample(predict, x, path, steps=1, start=0.4), subtracted, atol=1e-12)

    # ... and on the straight path that is one Euler step, all the way from t to 1.
    path = RectifiedFlow()
    predict = estimator(lambda x, t: noise, "noise", path)
    one_step = euler_step(path.noised(data, noise, 0.4), 0.4, 1.0, predict, path)
    np.testing.assert_allclose(one_step, data, atol=1e-12)


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_ddpm_is_ddim_with_all_its_noise_drawn_afresh(path, rng):
    x = rng.normal(size=(6, 2))
    for t, s in ((0.0, 0.1), (0.3, 0.5), (0.9, 0.95)):
        ddpm = ddpm_step(x, t, s, gaussian(path), path, np.random.default_rng(1))
        ddim = ddim_step(x, t, s, gaussian(path), path, np.random.default_rng(1), eta=1.0)
        np.testing.assert_allclose(ddpm, ddim, rtol=1e-10, atol=1e-12)


def test_ddpm_has_the_papers_mean_and_variance_between_neighbouring_steps(rng):
    beta = np.linspace(1e-4, 2e-2, 1000)
    alpha_bar = np.cumprod(1 - beta)
    k, path = 400, VariancePreserving("linear")
    data, x = rng.normal(size=2)[:, None] * np.ones((2, 50000))
    before = alpha_bar[k - 1]  # Ho et al. 2020, eq. 7
    mean = np.sqrt(before) * beta[k] / (1 - alpha_bar[k]) * data
    mean = mean + np.sqrt(1 - beta[k]) * (1 - before) / (1 - alpha_bar[k]) * x
    variance = (1 - before) / (1 - alpha_bar[k]) * beta[k]
    predict = estimator(lambda x, t: data, "data", path)
    drawn = ddpm_step(x, 1 - (k + 1) / 1000, 1 - k / 1000, predict, path, rng)
    standard_error = np.sqrt(variance / drawn.size)
    assert abs(drawn.mean() - mean[0]) < 5 * standard_error
    assert drawn.var() == pytest.approx(variance, rel=0.03)


def test_the_sde_without_strength_is_euler(rng):
    x, path = rng.normal(size=(6, 2)), VariancePreserving("linear")
    np.testing.assert_array_equal(
        sde_step(x, 0.3, 0.4, gaussian(path), path, rng, strength=0.0),
        euler_step(x, 0.3, 0.4, gaussian(path), path),
    )


@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 7])
def test_the_last_step_lands_exactly_on_the_data_estimate(path, sampler, steps, rng):
    estimates = []

    def predict(x, t):
        estimates.append(gaussian(path)(x, t))
        return estimates[-1]

    data = sample(predict, rng.normal(size=(4, 2)), path, steps=steps, sampler=sampler, rng=rng)
    np.testing.assert_array_equal(data, estimates[-1].data)


@pytest.mark.parametrize("sampler", STOCHASTIC, ids=["ddpm", "sde", "ddim eta 0.5"])
def test_a_seed_repeats_a_stochastic_sampler_and_another_seed_differs(sampler, rng):
    path, noise = RectifiedFlow(), rng.normal(size=(4, 2))
    one, same, other = (
        sample(gaussian(path), noise, path, 5, sampler, rng=np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.01


@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize("sampler", [*SAMPLERS, *STOCHASTIC[2:]])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays_and_the_noise_is_not_changed(path, sampler, dtype, rng):
    noise = rng.normal(size=(4, 2)).astype(dtype)
    before, seen = noise.copy(), []

    def look(done, t, x):
        seen.append(x.dtype)

    sample(gaussian(path), noise, path, 5, sampler, shift=np.float64(2.0), rng=rng, callback=look)
    assert seen == [dtype] * 5
    np.testing.assert_array_equal(noise, before)


def test_float32_and_float64_draw_the_same_noise(rng):
    noise, path = rng.normal(size=(4, 2)).astype(np.float32), RectifiedFlow()
    single, double = (
        sample(gaussian(path), noise.astype(dtype), path, 5, "ddpm", rng=np.random.default_rng(1))
        for dtype in (np.float32, np.float64)
    )
    np.testing.assert_allclose(single, double, atol=1e-5)


def test_the_time_grid_without_shift_is_even():
    np.testing.assert_allclose(time_grid(4), [0, 0.25, 0.5, 0.75, 1], atol=1e-15)


@pytest.mark.parametrize("shift", [0.5, 1.0, 2.0, 3.0])
def test_the_time_grid_is_the_timestep_shift_of_stable_diffusion_3(shift):
    noise = np.linspace(1, 0, 21)
    shifted = shift * noise / (1 + (shift - 1) * noise)  # Esser et al. 2024, eq. 23, with shift = sqrt(m / n)
    np.testing.assert_allclose(time_grid(20, shift), 1 - shifted, atol=1e-14)
    assert time_grid(20, shift)[0] == 0.0 and time_grid(20, shift)[-1] == 1.0


def test_a_shift_above_1_spends_more_steps_where_it_is_noisy():
    steps = np.diff(time_grid(20, shift=3.0))
    assert (np.diff(steps) > 0).all() and steps[-1] > 5 * steps[0]


def test_a_late_start_keeps_the_shape_of_the_grid():
    whole = time_grid(20, shift=2.0)
    np.testing.assert_allclose(time_grid(12, shift=2.0, start=whole[8]), whole[8:], rtol=1e-12)
    assert time_grid(5, shift=2.0, start=0.3)[0] == 0.3


def test_the_network_is_asked_as_often_as_the_sampler_says(rng):
    path = RectifiedFlow()
    for sampler, calls in (("euler", 10), ("ddim", 10), ("ddpm", 10), ("sde", 10), ("heun", 19)):
        asked = []

        def predict(x, t, asked=asked):
            asked.append(t)
            return gaussian(path)(x, t)

        sample(predict, rng.normal(size=(2, 2)), path, 10, sampler, rng=rng)
        assert len(asked) == calls and max(asked) < 1.0 and all(type(t) is float for t in asked)


def test_the_callback_sees_every_step(rng):
    seen, path = [], RectifiedFlow()
    data = sample(gaussian(path), rng.normal(size=(2, 2)), path, 4, callback=lambda *step: seen.append(step))
    assert [(done, t) for done, t, _ in seen] == [(1, 0.25), (2, 0.5), (3, 0.75), (4, 1.0)]
    np.testing.assert_array_equal(seen[-1][2], data)


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_a_known_noise_leads_back_to_the_data_from_anywhere(path, rng):
    data, noise = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))

    def predict(x, t):
        return Estimate("velocity", target_of("velocity", path, data, noise, t), x, t, path)

    for sampler in SAMPLERS:
        result = sample(predict, path.noised(data, noise, 0.2), path, 1, sampler, start=0.2, rng=rng)
        np.testing.assert_allclose(result, data, atol=1e-9)


@pytest.mark.parametrize(
    "bad, message",
    [
        ({"sampler": "dpm++"}, "euler, heun, ddim, ddpm, sde"),
        ({"steps": 0}, "at least 1"),
        ({"steps": -3}, "at least 1"),
        ({"steps": 2.5}, "whole number"),
        ({"steps": float("nan")}, "whole number"),
        ({"shift": 0.0}, "above 0"),
        ({"shift": float("nan")}, "above 0"),
        ({"start": 1.0}, "below 1"),
        ({"start": -0.2}, r"in \[0, 1\]"),
        ({"sampler": "ddpm"}, "rng="),
        ({"sampler": "sde"}, "rng="),
        ({"sampler": partial(ddim_step, eta=0.5)}, "rng="),
    ],
)
def test_bad_input_is_a_users_error(bad, message):
    path = RectifiedFlow()
    with pytest.raises(UserError, match=message):
        sample(gaussian(path), np.zeros((2, 2)), path, **bad)
