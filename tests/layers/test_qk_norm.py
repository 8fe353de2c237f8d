import numpy as np
import pytest

from minidit.gradient_check import GradientMismatch, check_gradients
from minidit.layers import attention_weights, qk_norm_backward, qk_norm_forward


@pytest.mark.parametrize("leading", [(), (4,), (2, 3, 4)])
def test_gradients_with_any_leading_shape(rng, leading):
    check_gradients(qk_norm_forward, qk_norm_backward, rng.normal(size=(*leading, 5)), rng.normal(size=5))


def test_gradients_of_views_as_attention_has_them(rng):
    x = rng.normal(size=(2, 4, 3, 5)).swapaxes(1, 2)  # B, H, T, d, not in one piece
    _, cache = qk_norm_forward(x, gain := rng.normal(size=5))
    _, whole = qk_norm_forward(np.ascontiguousarray(x), gain)
    dy = rng.normal(size=x.shape)
    for found, expected in zip(qk_norm_backward(dy, cache), qk_norm_backward(dy, whole), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def gain_not_passed_on(dy, cache):
    norm_cache, gain = cache
    dx, _ = qk_norm_backward(dy, (norm_cache, np.ones_like(gain)))
    return dx, qk_norm_backward(dy, cache)[1]


def gain_of_one_token(dy, cache):
    (xhat, _), _ = cache
    return qk_norm_backward(dy, cache)[0], (dy * xhat)[0, 0, 0]


@pytest.mark.parametrize(("slip", "wrong"), [(gain_not_passed_on, "dx"), (gain_of_one_token, "dgain")])
def test_the_check_catches(rng, slip, wrong):
    with pytest.raises(GradientMismatch, match=f"{wrong} is wrong"):
        check_gradients(qk_norm_forward, slip, rng.normal(size=(2, 3, 4, 5)), rng.normal(size=5))


def test_a_row_worked_out_by_hand():
    # mean square (1 + 9 + 9 + 1) / 4 = 5
    y, _ = qk_norm_forward(np.array([1.0, 3.0, -3.0, 1.0]), np.array([1.0, 2.0, 1.0, 0.0]), eps=0.0)
    np.testing.assert_allclose(y, np.array([1, 6, -3, 0]) / np.sqrt(5))


def test_scores_stay_bounded_however_large_the_projections_grow(rng):
    q, k = 1e4 * rng.normal(size=(2, 3, 7, 4))
    one = np.ones(4)
    weights = attention_weights(qk_norm_forward(q, one)[0], qk_norm_forward(k, one)[0])
    # A score is at most √d · √d / √d = 2, so that no weight of a query is less than e⁻⁴ of another.
    assert (weights.min(axis=-1) >= np.exp(-4) * weights.max(axis=-1)).all()
    assert attention_weights(q, k).max() == 1


def test_float32_stays_float32(rng, run_float32):
    run_float32(qk_norm_forward, qk_norm_backward, rng.normal(size=(2, 3, 4, 5)), rng.normal(size=5))
