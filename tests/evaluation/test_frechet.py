import math

import numpy as np
import pytest

from minidit.evaluation.frechet import PixelFeatures, frechet_distance, moments, root


def with_moments(mean, covariance, rng, count=200):
    """Features (count, K) whose sample mean and covariance are exactly the given ones."""
    drawn = rng.normal(size=(count, len(mean)))
    drawn_mean, drawn_covariance = moments(drawn)
    return (drawn - drawn_mean) @ np.linalg.inv(root(drawn_covariance)) @ root(np.asarray(covariance)) + mean


def test_features_have_the_moments_that_the_helper_promises(rng):
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]])
    mean, found = moments(with_moments([1.0, -2.0], covariance, rng))
    assert np.allclose(mean, [1.0, -2.0]) and np.allclose(found, covariance)


def test_distance_of_uncorrelated_gaussians_is_the_closed_form(rng):
    # |mean_a - mean_b|² + the sum of (std_a - std_b)²
    a = with_moments([0.0, 1.0, 2.0], np.diag([1.0, 4.0, 9.0]), rng)
    b = with_moments([1.0, 1.0, 0.0], np.diag([4.0, 4.0, 1.0]), rng)
    assert frechet_distance(a, b) == pytest.approx((1 + 0 + 4) + (1 + 0 + 4), rel=1e-9)


def test_distance_of_gaussians_with_different_axes_is_the_closed_form(rng):
    # For 2 x 2 matrices trace(M^½) = √(trace(M) + 2 √det(M)).
    a, b = np.array([[3.0, 1.0], [1.0, 1.0]]), np.array([[1.0, -0.5], [-0.5, 2.0]])
    product = a @ b
    overlap = math.sqrt(np.trace(product) + 2 * math.sqrt(np.linalg.det(product)))
    expected = np.trace(a) + np.trace(b) - 2 * overlap
    features = with_moments([0.0, 0.0], a, rng), with_moments([0.0, 0.0], b, rng, count=300)
    assert frechet_distance(*features) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(*features[::-1]) == pytest.approx(expected, rel=1e-9)


def test_a_set_is_at_distance_zero_from_itself_and_a_shift_counts_squared(rng):
    features = rng.normal(size=(100, 5))
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(features, features + 2) == pytest.approx(5 * 4, rel=1e-9)


def test_fewer_clips_than_features_still_give_a_number(rng):
    assert math.isfinite(frechet_distance(rng.normal(size=(1, 6)), rng.normal(size=(3, 6))))


def test_the_clips_that_features_are_fitted_on_have_mean_0_and_covariance_1(rng):
    clips = (rng.normal(size=(60, 2, 3, 3, 3)) * np.linspace(0.1, 2, 3)).astype(np.float32)
    features = PixelFeatures.fit(clips, components=7)(clips)
    mean, covariance = moments(features)
    assert features.shape == (60, 7) and features.dtype == np.float32
    assert np.allclose(mean, 0, atol=1e-5) and np.allclose(covariance, np.eye(7), atol=1e-4)


def test_the_first_feature_is_the_direction_of_the_largest_variation(rng):
    large, small = rng.normal(size=(2, 80))
    clips = np.stack([3 * large, 0.2 * small, np.ones(80)], axis=1)
    features = PixelFeatures.fit(clips)(clips)
    assert features.shape == (80, 2)  # the third value never varies
    assert abs(np.corrcoef(features[:, 0], large)[0, 1]) > 0.999
    assert abs(np.corrcoef(features[:, 1], small)[0, 1]) > 0.99
