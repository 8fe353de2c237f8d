import numpy as np

from minidit.gradient_check import check_parameter_gradients
from minidit.layers import silu_backward, silu_forward
from minidit.models.parameters import Parameters
from minidit.models.two_layers import two_layers_backward, two_layers_forward, two_layers_shapes


def test_every_gradient(rng, away_from_zero):
    p = away_from_zero(Parameters(two_layers_shapes("mlp.", 4, 5, 3), np.float64))
    x, dy = rng.normal(size=(2, 6, 4)), rng.normal(size=(2, 6, 3))
    _, cache = two_layers_forward(x, p, "mlp.", silu_forward)
    dx, grads = two_layers_backward(dy, cache, "mlp.", silu_backward)
    check_parameter_gradients(
        lambda: np.sum(dy * two_layers_forward(x, p, "mlp.", silu_forward)[0]), {"x": x, **p}, {"x": dx} | grads
    )


def test_parameters_are_named_by_their_layer():
    assert two_layers_shapes("", 4, 5, 3) == {
        "0.weight": (4, 5), "0.bias": (5,), "2.weight": (5, 3), "2.bias": (3,),
    }  # fmt: skip
