"""The very small DiT: it uses all that a student may have written, and its gradients are those of training."""

import math

import numpy as np

import minidit
from minidit import layers
from minidit.course.capstone import Parts
from minidit.course.fitting import PAIRS
from minidit.course.small_dit import batch_gradients, small_batch, small_network, small_run
from minidit.reference import linear_backward, linear_forward
from minidit.training import optimizer


def test_the_small_dit_depends_on_every_pair():
    """A pair that it didn't use would never be found wrong. A softmax serves the student's own attention alone."""
    with minidit.using(**Parts(**own_of(PAIRS)).fitted([n for p in PAIRS for n in PAIRS[p]])) as calls:
        small_run({})
    unused = {name for names in PAIRS.values() for name in names if not calls[name]}
    assert unused <= {"softmax_forward", "softmax_backward", "mse_backward"}


def own_of(pairs):
    """minidit's functions by name, as if they were a student's."""
    return {
        name: getattr(optimizer if hasattr(optimizer, name) else layers, name) for pair in pairs for name in PAIRS[pair]
    }


def test_every_gradient_of_the_small_dit_is_alive():
    gradient = np.concatenate([g.ravel() for what, g in small_run({}).items() if what.startswith("the gradient")])
    assert np.count_nonzero(gradient) > 0.99 * gradient.size  # but for words and places that no prompt has


def test_minidit_is_itself_again_after_a_run():
    before = layers.linear_forward
    Parts(linear_forward, linear_backward)("linear")
    assert layers.linear_forward is before


def test_batch_gradients_are_those_of_training():
    """Measured, in other words than theirs."""
    from minidit.training.job import PATH

    network, (data, noise, t, words) = small_network(), small_batch()
    loss, grads = batch_gradients(network, data, noise, t, words)
    name, step = "final_layer.linear.bias", 1e-6
    moved = []
    for by in (step, -step):
        network.params[name][0] += by
        prediction, _ = network.forward(PATH.noised(data, noise, t), 1000 * t, words)
        weight = 1 / np.maximum(1 - t, 0.05) ** 2
        moved.append(np.mean(weight[:, None, None, None, None] * (prediction - data) ** 2))
        network.params[name][0] -= by
    assert math.isclose(loss, sum(moved) / 2, rel_tol=1e-6)
    assert math.isclose(grads[name][0], (moved[0] - moved[1]) / (2 * step), rel_tol=1e-6)
