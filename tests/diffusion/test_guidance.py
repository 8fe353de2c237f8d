import numpy as np
import pytest

from minidit.diffusion.guidance import classifier_free_guidance, guided
from minidit.diffusion.objectives import PREDICTIONS, Estimate, estimator
from minidit.diffusion.paths import RectifiedFlow, VariancePreserving
from minidit.diffusion.samplers import sample
from minidit.errors import UserError


class Network:
    """A stand-in that counts its rows: its output depends on the clip, the time and the label."""

    def __init__(self):
        self.rows = []

    def __call__(self, x, t, labels):
        self.rows.append(len(x))
        assert len(labels) == len(x)
        return np.tanh(x) + t * labels[:, None].astype(x.dtype)


def test_guidance_moves_every_channel(rng):
    conditional, unconditional = rng.normal(size=(2, 8, 8, 4)), rng.normal(size=(2, 8, 8, 4))
    out = classifier_free_guidance(conditional, unconditional, 3.0)
    for channel in range(4):  # the published code leaves the fourth as it was
        step = conditional[..., channel] - unconditional[..., channel]
        np.testing.assert_allclose(out[..., channel], unconditional[..., channel] + 3.0 * step)
        assert np.abs(out[..., channel] - conditional[..., channel]).min(axis=(1, 2)).max() > 0


def test_scale_1_is_the_prompt_and_scale_0_ignores_it(rng):
    conditional, unconditional = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    prompt, empty = (classifier_free_guidance(conditional, unconditional, scale) for scale in (1.0, 0.0))
    np.testing.assert_allclose(prompt, conditional, rtol=1e-12)
    np.testing.assert_array_equal(empty, unconditional)


@pytest.mark.parametrize("path", [RectifiedFlow(), VariancePreserving("cosine")], ids=str)
def test_guiding_data_noise_or_velocity_is_the_same(path, rng):
    x, conditional, unconditional = rng.normal(size=(3, 2, 4))
    guided_data = classifier_free_guidance(conditional, unconditional, 2.5)
    for kind in PREDICTIONS:
        both = [getattr(Estimate("data", data, x, 0.4, path), kind) for data in (conditional, unconditional)]
        out = Estimate(kind, classifier_free_guidance(*both, 2.5), x, 0.4, path)
        np.testing.assert_allclose(out.data, guided_data, rtol=1e-9, atol=1e-9)


def test_both_halves_run_as_one_batch_and_agree_with_two_calls(rng):
    network, labels, x = Network(), np.array([1, 2, 3]), rng.normal(size=(3, 4))
    out = guided(network, labels, 9, scale=2.0)(x, 0.5)
    assert network.rows == [6]
    expected = classifier_free_guidance(network(x, 0.5, labels), network(x, 0.5, np.full(3, 9)), 2.0)
    np.testing.assert_allclose(out, expected, rtol=1e-12)


def test_outside_the_interval_the_empty_prompt_is_not_run(rng):
    network, labels, x = Network(), np.array([1, 2, 3]), rng.normal(size=(3, 4))
    limited = guided(network, labels, 0, scale=2.0, interval=(0.2, 0.8))
    for t in (0.0, 0.1, 0.2, 0.5, 0.8, 0.9):
        limited(x, t)
    assert network.rows == [3, 3, 6, 6, 6, 3]
    np.testing.assert_array_equal(limited(x, 0.1), network(x, 0.1, labels))


def test_scale_1_never_runs_the_empty_prompt(rng):
    network, labels, x = Network(), np.array([1, 2]), rng.normal(size=(2, 4))
    np.testing.assert_array_equal(guided(network, labels, 0, 1.0)(x, 0.5), network(x, 0.5, labels))
    assert network.rows == [2, 2]


def test_a_condition_may_be_several_arrays(rng):
    words, mask = rng.integers(0, 9, size=(2, 5)), rng.random((2, 5)) < 0.5
    null = (np.zeros(5, int), np.array([True, False, False, False, False]))
    given = []

    def network(x, t, condition):
        given.append(condition)
        return x

    guided(network, (words, mask), null, 3.0)(rng.normal(size=(2, 4)), 0.5)
    np.testing.assert_array_equal(given[0][0], np.concatenate([words, np.zeros((2, 5), int)]))
    np.testing.assert_array_equal(given[0][1], np.concatenate([mask, [null[1], null[1]]]))
    assert given[0][0].dtype == words.dtype and given[0][1].dtype == bool


def test_a_guided_sampler_keeps_float32(rng):
    path, labels = RectifiedFlow(), np.array([1, 2])
    predict = estimator(guided(Network(), labels, 0, scale=np.float64(2.0)), "velocity", path)
    noise = rng.standard_normal((2, 4), dtype=np.float32)
    assert sample(predict, noise, path, 4).dtype == np.float32


def test_bad_input_is_a_users_error():
    labels = np.array([1, 2])
    with pytest.raises(UserError, match="finite"):
        guided(Network(), labels, 0, float("nan"))
    for interval in ((0.8, 0.2), (-0.1, 0.5), (0.5, 2.0)):
        with pytest.raises(UserError, match="interval"):
            guided(Network(), labels, 0, 2.0, interval)


def test_a_null_condition_of_another_shape_is_refused(rng):
    with pytest.raises(ValueError, match="one row of shape"):
        guided(Network(), np.ones((4, 5), int), np.zeros(3, int), 2.0)(rng.normal(size=(4, 4)), 0.5)
