import numpy as np
import pytest

from minidit.gradient_check import check_parameter_gradients
from minidit.layers import relu_backward, relu_forward, silu_backward, silu_forward
from minidit.models.mlp import mlp_backward, mlp_forward, mlp_shapes
from minidit.models.parameters import Parameters


@pytest.mark.parametrize("widths", [(4, 3), (4, 5, 3), (4, 5, 6, 2, 3)])
def test_every_gradient(rng, away_from_zero, widths):
    p = away_from_zero(Parameters(mlp_shapes("mlp.", *widths), np.float64))
    x, dy = rng.normal(size=(2, 6, 4)), rng.normal(size=(2, 6, 3))
    _, cache = mlp_forward(x, p, "mlp.", silu_forward)
    dx, grads = mlp_backward(dy, cache, "mlp.", silu_backward)
    check_parameter_gradients(
        lambda: np.sum(dy * mlp_forward(x, p, "mlp.", silu_forward)[0]), {"x": x, **p}, {"x": dx} | grads
    )


def test_parameters_are_named_by_their_layer():
    assert mlp_shapes("", 4, 5, 3) == {"0.weight": (4, 5), "0.bias": (5,), "2.weight": (5, 3), "2.bias": (3,)}
    assert list(mlp_shapes("a.", 4, 5, 6, 3)) == [f"a.{i}.{kind}" for i in (0, 2, 4) for kind in ("weight", "bias")]


def test_a_small_network_worked_out_by_hand():
    p = Parameters(mlp_shapes("", 1, 2, 1, 1), np.float64)
    p["0.weight"][...], p["0.bias"][...] = [[1, -1]], [0, 1]  # h = (x, 1 - x), then ReLU
    p["2.weight"][...], p["2.bias"][...] = [[2], [3]], [-4]   # 2 h1 + 3 h2 - 4, then ReLU
    p["4.weight"][...], p["4.bias"][...] = [[10]], [1]
    y, cache = mlp_forward(np.array([[5.0], [-1.0], [0.0]]), p, "", relu_forward)
    np.testing.assert_array_equal(y, [[61], [21], [1]])       # 2 · 5 - 4 = 6; 3 · 2 - 4 = 2; 3 · 1 - 4 < 0
    dx, _ = mlp_backward(np.ones((3, 1)), cache, "", relu_backward)
    np.testing.assert_array_equal(dx, [[20], [-30], [0]])
