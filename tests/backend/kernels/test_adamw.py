import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from minidit.backend.kernels import adamw
from minidit.training.optimizer import AdamWSettings

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from agreement import SEEDS, assert_agreement, assert_same_bits, normal, pairs, to_device

SETTINGS = AdamWSettings(beta1=0.8, beta2=0.95, eps=1e-3, weight_decay=0.3)
LEARNING_RATE, DECAY = 0.2, 0.6  # large, so that a mistake in the update is large beside the parameters


def textbook(params, grads, m, v, average, step, squared_norm, max_grad_norm):
    """Algorithm 2 of Loshchilov & Hutter 2019, as it is printed there, on clipped gradients; then the average."""
    g = grads * min(1, max_grad_norm / (squared_norm**0.5 + 1e-6))
    m = SETTINGS.beta1 * m + (1 - SETTINGS.beta1) * g
    v = SETTINGS.beta2 * v + (1 - SETTINGS.beta2) * g**2
    m_hat, v_hat = m / (1 - SETTINGS.beta1**step), v / (1 - SETTINGS.beta2**step)
    change = m_hat / (np.sqrt(v_hat) + SETTINGS.eps) + SETTINGS.weight_decay * params
    params = params - LEARNING_RATE * change
    return params, grads, m, v, DECAY * average + (1 - DECAY) * params


def steps(count, max_grad_norm, offset=0, most_blocks=adamw.MOST_BLOCKS, numbers=(1, 2, 3)):
    """A case of consecutive steps on parts of longer vectors, which begin at `offset`."""

    def case(xp, rng):
        longer = normal(rng, *[offset + count + 2] * 5)
        longer[3] = np.abs(longer[3])  # a mean of squares
        on_device = to_device(xp, *longer)
        part = slice(offset, offset + count)
        vectors = [vector[part] for vector in on_device]
        right = [vector[part] for vector in longer]
        squared_norm = np.float32(right[1] @ right[1])
        norm_on_device = xp.asarray(squared_norm)
        for number in numbers:
            with mock.patch.object(adamw, "MOST_BLOCKS", most_blocks):
                adamw.adamw_ema_update(*vectors, number, LEARNING_RATE, SETTINGS, DECAY, norm_on_device, max_grad_norm)
            right = textbook(*right, number, float(squared_norm), max_grad_norm)
        for whole, changed in zip(longer, right, strict=True):
            whole[part] = changed
        return pairs((*on_device, norm_on_device), (*longer, squared_norm))

    return case


CASES = {
    "one parameter": steps(1, max_grad_norm=100.0),
    "clipped": steps(300, max_grad_norm=1.5),
    "not clipped": steps(300, max_grad_norm=1e3),
    "as many as a block has threads": steps(256, max_grad_norm=1.0),
    "vectors that begin anywhere": steps(700, max_grad_norm=2.0, offset=3),
    "more parameters than threads": steps(1500, max_grad_norm=2.0, offset=1, most_blocks=2),
    "late": steps(40, max_grad_norm=1.0, numbers=(500, 501)),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_steps_agree_with_the_textbook_in_float64_and_leave_neighbours_alone(xp, case, seed):
    assert_agreement(case(xp, np.random.default_rng(seed)))


def test_the_order_of_the_threads_does_not_show_in_the_bits(xp):
    case = steps(700, max_grad_norm=1.0)
    assert_same_bits(case(xp, np.random.default_rng(0)), case(xp, np.random.default_rng(0)))


def test_no_gradient_and_no_weight_decay_change_nothing(xp, rng):
    (params,) = to_device(xp, *normal(rng, 40))
    before = params.get()
    grads, m, v, squared_norm = (xp.zeros(shape, params.dtype) for shape in (40, 40, 40, ()))
    adamw.adamw_ema_update(
        params, grads, m, v, params.copy(), 1, LEARNING_RATE, AdamWSettings(), DECAY, squared_norm, 1.0
    )
    np.testing.assert_array_equal(params.get(), before)


def test_vectors_of_different_lengths_are_refused(xp, rng):
    *vectors, short, squared_norm = to_device(xp, *normal(rng, *[5] * 4, 4, ()))
    with pytest.raises(ValueError, match=r"average has shape \(4,\), not \(5,\)"):
        adamw.adamw_ema_update(*vectors, short, 1, LEARNING_RATE, SETTINGS, DECAY, squared_norm, 1.0)
    with pytest.raises(ValueError, match=r"squared_norm has shape \(4,\), not \(\)"):
        adamw.adamw_ema_update(*vectors, vectors[0], 1, LEARNING_RATE, SETTINGS, DECAY, short, 1.0)
