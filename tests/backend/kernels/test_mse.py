import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from minidit.backend.kernels import mse
from minidit.layers import mse_backward, mse_forward

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from agreement import SEEDS, assert_agreement, assert_same_bits, normal, pairs, to_device


def squared_error(shape, weight_axes=None, most_blocks=mse.MOST_BLOCKS, dloss=0.7):
    """A case with weights over that many leading axes, or without."""

    def case(xp, rng):
        inputs = normal(rng, shape, shape)
        if weight_axes is not None:
            inputs.append(np.abs(normal(rng, shape[:weight_axes])[0]))
        on_device = to_device(xp, *inputs)
        with mock.patch.object(mse, "MOST_BLOCKS", most_blocks):
            loss, cache = mse.mse_forward(*on_device)
            dprediction = mse.mse_gradient(dloss, cache)

        right_loss, right_cache = mse_forward(*inputs)
        right_dprediction, _ = mse_backward(dloss, right_cache)
        return pairs((loss, dprediction, *on_device), (right_loss, right_dprediction, *inputs))

    return case


CASES = {
    "one number": squared_error((1,)),
    "one block, one warp in part": squared_error((2, 5)),
    "numbers that don't fill the last block": squared_error((3, 7, 40)),
    "more numbers than threads": squared_error((3, 7, 67), most_blocks=2),
    "a weight per sample": squared_error((5, 7, 11), weight_axes=1),
    "a weight per token, more than threads": squared_error((5, 17, 11), weight_axes=2, most_blocks=2),
    "a weight per number": squared_error((5, 7), weight_axes=2),
    "a weight for all": squared_error((3, 100), weight_axes=0),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_squared_error_agrees_with_float64(xp, case, seed):
    assert_agreement(case(xp, np.random.default_rng(seed)))


def test_the_order_of_the_threads_does_not_show_in_the_bits(xp):
    case = squared_error((5, 7, 67), weight_axes=1)
    assert_same_bits(case(xp, np.random.default_rng(0)), case(xp, np.random.default_rng(0)))


def test_the_loss_stays_on_the_device(xp, rng):
    prediction, target = to_device(xp, *normal(rng, (2, 3), (2, 3)))
    loss, _ = mse.mse_forward(prediction, target)
    assert type(loss) is type(prediction) and loss.shape == ()


def test_weights_of_another_type_do_not_change_the_type_of_the_loss(xp, rng):
    prediction, target = to_device(xp, *normal(rng, (2, 3), (2, 3)))
    for weight in (np.array([1.0, 3.0]), np.array([1, 3])):
        loss, cache = mse.mse_forward(prediction, target, xp.asarray(weight))
        error = prediction.get() - target.get()
        assert loss.dtype == mse.mse_gradient(1, cache).dtype == np.float32
        assert loss.item() == pytest.approx((weight[:, None] * error * error).mean(), rel=1e-6)


def test_a_prediction_may_be_a_view_in_another_order(xp, rng):
    prediction, target = normal(rng, (4, 3), (3, 4))
    on_device = to_device(xp, prediction, target)
    loss, cache = mse.mse_forward(on_device[0].T, on_device[1])
    right_loss, right_cache = mse_forward(prediction.T, target)
    right_dprediction, _ = mse_backward(1.0, right_cache)
    assert_agreement(pairs((loss, mse.mse_gradient(1.0, cache)), (right_loss, right_dprediction)))


def test_shapes_that_only_broadcast_are_refused(xp, rng):
    x, y, w = to_device(xp, *normal(rng, (3, 4), 4, 4))
    with pytest.raises(ValueError, match=r"prediction has shape \(3, 4\), target \(4,\)"):
        mse.mse_forward(x, y)
    with pytest.raises(ValueError, match=r"weight has shape \(4,\)"):
        mse.mse_forward(x, x, w)
