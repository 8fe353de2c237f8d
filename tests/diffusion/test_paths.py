import numpy as np
import pytest

from minidit.diffusion.paths import (
    RectifiedFlow,
    VariancePreserving,
    network_time,
    step_of_time,
    time_of_step,
)
from minidit.errors import UserError

PATHS = [RectifiedFlow(), VariancePreserving("linear"), VariancePreserving("cosine")]
STEPS = np.arange(1000)


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_more_time_is_more_data_and_less_noise(path):
    alpha, sigma = path.coefficients(np.linspace(0, 1, 201))
    assert (np.diff(alpha) > 0).all() and (np.diff(sigma) < 0).all()
    assert path.coefficients(1.0) == (1.0, 0.0)
    assert alpha[0] < 0.01 and sigma[0] > 0.9999


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_derivatives_are_the_slopes_of_the_coefficients(path):
    t, h = np.linspace(0.01, 0.99, 50), 1e-5
    for slope, later, earlier in zip(
        path.derivatives(t), path.coefficients(t + h), path.coefficients(t - h), strict=True
    ):
        np.testing.assert_allclose(slope, (later - earlier) / (2 * h), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_derivatives_are_finite_at_both_ends(path):
    assert np.isfinite([path.derivatives(0.0), path.derivatives(1.0)]).all()


@pytest.mark.parametrize("steps, tolerance", [(1000, 1e-11), (250, 1e-11)])
def test_the_linear_schedule_is_the_discrete_cumulative_product_at_every_step(steps, tolerance):
    scale = 1000 / steps
    alpha_bar = np.cumprod(1 - np.linspace(scale * 1e-4, scale * 2e-2, steps))
    alpha, sigma = VariancePreserving("linear", steps).coefficients(
        time_of_step(np.arange(steps), steps).clip(0)
    )
    np.testing.assert_allclose(alpha * alpha, alpha_bar, rtol=tolerance)
    np.testing.assert_allclose(sigma * sigma, 1 - alpha_bar, rtol=tolerance)


def test_the_cosine_schedule_is_the_papers_with_its_betas_but_the_last():
    def f(amount):  # Nichol & Dhariwal 2021, eq. 17
        return np.cos((amount + 0.008) / 1.008 * np.pi / 2) ** 2

    beta = np.minimum(1 - f((STEPS + 1) / 1000) / f(STEPS / 1000), 0.999)
    alpha, _ = VariancePreserving("cosine").coefficients(time_of_step(STEPS))
    np.testing.assert_allclose((alpha * alpha)[:-1], np.cumprod(1 - beta)[:-1], rtol=1e-9)


def test_variance_is_preserved():
    for path in PATHS[1:]:
        alpha, sigma = path.coefficients(np.linspace(0, 1, 101))
        np.testing.assert_allclose(alpha * alpha + sigma * sigma, 1, rtol=1e-14)


def test_the_two_directions_of_time_are_each_others_inverse():
    assert time_of_step(999) == 0.0 and step_of_time(0.0) == 999.0
    np.testing.assert_allclose(step_of_time(time_of_step(STEPS)), STEPS, atol=1e-9)
    np.testing.assert_allclose(time_of_step(STEPS), np.arange(1000)[::-1] / 1000, atol=1e-12)
    assert network_time(0.25) == 250.0


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_noised_mixes_each_sample_by_its_own_time(path, rng):
    data, noise = rng.normal(size=(3, 2, 4, 5)), rng.normal(size=(3, 2, 4, 5))
    t = np.array([0.0, 0.3, 1.0])
    x = path.noised(data, noise, t)
    for i in range(3):
        alpha, sigma = path.coefficients(t[i])
        np.testing.assert_allclose(x[i], alpha * data[i] + sigma * noise[i], rtol=1e-12)
    np.testing.assert_array_equal(x[2], data[2])


@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize(
    "t", [0.3, 1, np.float64(0.3), np.float32(0.3), np.full(3, 0.3), np.full(3, 0.3, np.float32)]
)
def test_a_float32_clip_stays_float32_whatever_the_time_is(path, t, rng):
    data = rng.standard_normal((3, 2, 4), dtype=np.float32)
    assert path.noised(data, data, t).dtype == np.float32
    if np.ndim(t):
        assert all(value.dtype == t.dtype for value in (*path.coefficients(t), *path.derivatives(t)))
    else:
        assert all(type(value) is float for value in (*path.coefficients(t), *path.derivatives(t)))


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_float32_times_lose_no_more_than_their_own_rounding(path):
    t = np.linspace(0, 0.999, 300, dtype=np.float32)
    for single, double in zip(path.coefficients(t), path.coefficients(t.astype(np.float64)), strict=True):
        np.testing.assert_allclose(single, double, rtol=1e-6)


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_the_time_of_a_level_has_that_level(path):
    assert path.coefficients(path.time_where_alpha_is(0.05))[0] == pytest.approx(0.05, rel=1e-9)
    assert path.coefficients(path.time_where_sigma_is(0.05))[1] == pytest.approx(0.05, rel=1e-9)
    assert VariancePreserving("linear").time_where_alpha_is(0.001) == 0.0


@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize("t", [-0.1, 1.5, float("nan"), 999, np.array([0.5, 1.1])])
def test_a_time_outside_0_to_1_is_a_users_error(path, t):
    with pytest.raises(UserError, match=r"0 \(noise\) to 1 \(data\)"):
        path.coefficients(t)
    with pytest.raises(UserError):
        path.derivatives(t)


def test_one_time_per_sample_or_one_for_all():
    clip = np.zeros((3, 2))
    with pytest.raises(ValueError, match="one value per sample"):
        RectifiedFlow().noised(clip, clip, np.array([0.5, 0.5]))


def test_an_unknown_schedule_is_a_users_error():
    with pytest.raises(UserError, match='"linear" and "cosine"'):
        VariancePreserving("sigmoid")
    with pytest.raises(UserError, match="at least 200"):
        VariancePreserving("linear", steps=10)
