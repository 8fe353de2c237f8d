import numpy as np
import pytest

from minidit.backend.device import choose_device
from minidit.gradient_check import check_gradients, check_parameter_gradients
from minidit.models.discriminator import Discriminator

N, VALUES, HIDDEN = 5, 7, 6


@pytest.fixture
def discriminator(rng, away_from_zero):
    discriminator = Discriminator(VALUES, HIDDEN, rng, np.float64)
    away_from_zero(discriminator.params)
    return discriminator


def test_every_gradient(discriminator, rng):
    groups, dlogits = rng.normal(size=(N, VALUES)), rng.normal(size=(N, 1))
    _, cache = discriminator.forward(groups)
    dgroups, grads = discriminator.backward(dlogits, cache)
    check_parameter_gradients(
        lambda: np.sum(dlogits * discriminator.forward(groups)[0]),
        {"groups": groups, **discriminator.params},
        {"groups": dgroups} | grads,
        entries=30,
    )


def test_the_gradient_that_reaches_the_codec(discriminator, rng):
    check_gradients(discriminator.forward, lambda dy, c: discriminator.backward(dy, c)[0], rng.normal(size=(N, VALUES)))


def test_a_leak_forgotten_in_the_backward_is_caught(discriminator, rng, wrong_gradients, monkeypatch):
    monkeypatch.setattr("minidit.models.discriminator.leaky_relu_backward", lambda dy, cache: dy)
    groups = rng.normal(size=(N, VALUES))
    _, cache = discriminator.forward(groups)
    _, grads = discriminator.backward(np.ones((N, 1)), cache)
    named = wrong_gradients(lambda: discriminator.forward(groups)[0].sum(), discriminator.params, grads)
    assert named == {"0.weight", "0.bias"}


def test_every_group_is_judged_by_itself(discriminator, rng):
    groups = rng.normal(size=(N, VALUES))
    logits, _ = discriminator.forward(groups)
    assert logits.shape == (N, 1)
    for group, logit in zip(groups, logits, strict=True):
        np.testing.assert_allclose(discriminator.forward(group[None])[0][0], logit, rtol=1e-12)


def test_at_the_start_an_empty_group_leaves_it_undecided(rng):
    logits, _ = Discriminator(VALUES, HIDDEN, rng).forward(np.zeros((1, VALUES), np.float32))
    assert logits == 0


def test_float32_stays_float32_and_nothing_given_is_written_to(rng, float_types, locked):
    discriminator = Discriminator(VALUES, HIDDEN, rng)
    locked(dict(discriminator.params))
    logits, cache = discriminator.forward(locked(rng.normal(size=(N, VALUES)).astype(np.float32)))
    dgroups, grads = discriminator.backward(locked(logits), locked(cache))
    assert float_types(logits, cache, dgroups, grads) == {"float32"}


def test_on_another_device_logits_and_gradients_are_the_same(rng):
    xp = choose_device("simulated")
    discriminator = Discriminator(VALUES, HIDDEN, rng)
    there = discriminator.on(xp)
    groups, dlogits = rng.normal(size=(N, VALUES)).astype(np.float32), rng.normal(size=(N, 1)).astype(np.float32)
    logits, cache = discriminator.forward(groups)
    logits_there, cache_there = there.forward(xp.asarray(groups))
    np.testing.assert_allclose(logits_there.get(), logits, atol=1e-5)
    dgroups, grads = discriminator.backward(dlogits, cache)
    dgroups_there, grads_there = there.backward(xp.asarray(dlogits), cache_there)
    np.testing.assert_allclose(dgroups_there.get(), dgroups, atol=1e-5)
    for name, gradient in grads.items():
        np.testing.assert_allclose(grads_there[name].get(), gradient, atol=1e-5)
    assert isinstance(there.params.flat, xp.ndarray)
    assert type(discriminator.params.flat) is np.ndarray
