import numpy as np
import pytest

from minidit.gradient_check import check_gradients
from minidit.layers import linear_backward, linear_forward


@pytest.mark.parametrize("leading", [(), (2,), (2, 3), (2, 3, 6)])
def test_gradients_with_any_leading_shape(rng, leading):
    x, w, b = rng.normal(size=(*leading, 4)), rng.normal(size=(4, 5)), rng.normal(size=5)
    check_gradients(linear_forward, linear_backward, x, w, b)


def test_a_row_worked_out_by_hand():
    x, w, b = np.array([[1.0, 2.0]]), np.array([[1.0, 0.0, -1.0], [3.0, 1.0, 0.0]]), np.array([0.0, 1.0, 2.0])
    y, cache = linear_forward(x, w, b)
    np.testing.assert_array_equal(y, [[7, 3, 1]])
    dx, dw, db = linear_backward(np.array([[1.0, 0.0, 2.0]]), cache)
    np.testing.assert_array_equal(dx, [[-1, 3]])
    np.testing.assert_array_equal(dw, [[1, 0, 2], [2, 0, 4]])
    np.testing.assert_array_equal(db, [1, 0, 2])


def test_every_row_is_mapped_by_itself(rng):
    x, w, b = rng.normal(size=(2, 3, 4)), rng.normal(size=(4, 5)), rng.normal(size=5)
    y, _ = linear_forward(x, w, b)
    for i in np.ndindex(2, 3):
        np.testing.assert_allclose(y[i], w.T @ x[i] + b, rtol=1e-12)


def test_views_are_as_good_as_copies(rng):
    x, w, b = rng.normal(size=(3, 2, 4)).swapaxes(0, 1), rng.normal(size=(5, 4)).T, rng.normal(size=5)
    check_gradients(linear_forward, linear_backward, x, w, b)
    np.testing.assert_allclose(linear_forward(x, w, b)[0], x @ w + b, rtol=1e-12)


def test_float32_stays_float32(rng, run_float32):
    run_float32(linear_forward, linear_backward, *(rng.normal(size=s) for s in [(2, 3, 4), (4, 5), (5,)]))


def test_a_width_that_does_not_fit_is_refused(rng):
    with pytest.raises(ValueError):
        linear_forward(rng.normal(size=(3, 4)), rng.normal(size=(6, 5)), rng.normal(size=5))
