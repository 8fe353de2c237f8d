import numpy as np
import pytest

from minidit import reference
from minidit.backend.device import choose_device
from minidit.backend.kernels.launch import plain_kernels
from minidit.models.parameters import Parameters
from minidit.training import optimizer
from minidit.training.optimizer import (
    AdamW,
    AdamWSettings,
    adamw_ema_update,
    adamw_update,
    clip_scale,
    ema_decay,
    ema_update,
    learning_rate_at,
    parts,
)


def reference_adamw(params, gradients, learning_rates, s):
    """The reference's: the parameters after the last step."""
    params, m, v = params.copy(), np.zeros_like(params), np.zeros_like(params)
    for k, (g, rate) in enumerate(zip(gradients, learning_rates, strict=True), start=1):
        reference.adamw_update(params, g, m, v, k, rate, **vars(s))
    return params


def our_adamw(params, gradients, learning_rates, settings):
    params, m, v = params.copy(), np.zeros_like(params), np.zeros_like(params)
    for k, (g, rate) in enumerate(zip(gradients, learning_rates, strict=True), start=1):
        adamw_update(params, g, m, v, k, rate, settings)
    return params


@pytest.mark.parametrize(
    "settings",
    [
        AdamWSettings(),
        AdamWSettings(beta1=0.8, beta2=0.999, eps=1e-2, weight_decay=0.3),
        AdamWSettings(beta1=0.0, beta2=0.5, eps=1.0),
    ],
)
def test_adamw_is_the_references(settings, rng):
    params, gradients, rates = rng.normal(size=50), rng.normal(size=(7, 50)), np.linspace(0.1, 0.01, 7).tolist()
    expected = reference_adamw(params, gradients, rates, settings)
    np.testing.assert_allclose(our_adamw(params, gradients, rates, settings), expected, rtol=1e-12)


def test_adamw_gives_numbers_worked_out_with_a_pencil():
    """β₁ = 1/2, β₂ = 3/4, ε = 1, λ = 1/2, learning rate 1/2, so each step first takes a quarter of a parameter away.

    With the gradient always 2, both corrected means are 2 and 4 and each step is 1/2 · 2/(2 + 1) = 1/3. With a
    gradient of 2, then 0, m = 1/2 and v = 3/4 after two steps, corrected 2/3 and 12/7. Without one only λ acts.
    """
    settings = AdamWSettings(beta1=0.5, beta2=0.75, eps=1.0, weight_decay=0.5)
    params = np.array([1.0, 1.0, 8.0])
    gradients = np.array([[2.0, 2.0, 0.0], [2.0, 0.0, 0.0]])
    one = our_adamw(params, gradients[:1], [0.5], settings)
    two = our_adamw(params, gradients, [0.5, 0.5], settings)
    first_step = 3 / 4 - 1 / 3
    np.testing.assert_allclose(one, [first_step, first_step, 6.0], rtol=1e-14)
    later = 1 / 2 * (2 / 3) / ((12 / 7) ** 0.5 + 1)
    np.testing.assert_allclose(two, [3 / 4 * first_step - 1 / 3, 3 / 4 * first_step - later, 4.5], rtol=1e-14)


def test_the_chunks_of_an_update_change_nothing(rng, monkeypatch):
    params, gradients = rng.normal(size=10).astype("f4"), rng.normal(size=(3, 10)).astype("f4")
    average = rng.normal(size=10).astype("f4")
    settings = AdamWSettings(weight_decay=0.1)
    whole = our_adamw(params, gradients, [0.1] * 3, settings)
    whole_average = average.copy()
    ema_update(whole_average, params, 0.9)
    monkeypatch.setattr(optimizer, "CHUNK", 3)
    assert np.array_equal(our_adamw(params, gradients, [0.1] * 3, settings), whole)
    ema_update(average, params, 0.9)
    assert np.array_equal(average, whole_average)


def test_the_vectors_stay_float32_and_the_gradient_is_not_changed(rng):
    params, grads, m, v = rng.random((4, 10), dtype=np.float32)
    before, params_before = grads.copy(), params.copy()
    adamw_update(params, grads, m, v, 3, 0.1, AdamWSettings(), grad_scale=0.5)
    assert {a.dtype for a in (params, grads, m, v)} == {np.dtype(np.float32)}
    assert np.array_equal(grads, before)
    assert not np.isclose(params, params_before).any()


def test_scaling_the_gradient_is_what_grad_scale_does(rng):
    settings = AdamWSettings(eps=0.1)
    params, grads = rng.normal(size=(2, 6))
    scaled, by_hand = params.copy(), params.copy()
    moments = np.zeros((4, 6))
    adamw_update(scaled, grads, *moments[:2], 1, 0.1, settings, grad_scale=0.25)
    adamw_update(by_hand, 0.25 * grads, *moments[2:], 1, 0.1, settings)
    np.testing.assert_allclose(scaled, by_hand, rtol=1e-14)
    np.testing.assert_allclose(moments[:2], moments[2:], rtol=1e-14)


def test_clipping_brings_a_long_gradient_to_the_limit_and_leaves_a_short_one():
    long, short = np.array([30.0, 40.0]), np.array([0.3, 0.4])
    assert np.linalg.norm(long * clip_scale(float(long @ long), 2.0)) == pytest.approx(2.0, rel=1e-6)
    assert clip_scale(float(short @ short), 2.0) == 1.0
    assert clip_scale(0.0, 2.0) == 1.0
    assert type(clip_scale(2500.0, 2.0)) is float


def test_an_optimizer_corrects_its_bias_from_its_own_first_step(rng):
    """The discriminator's, which joins late, too: its first step has the length of a first step."""
    params = Parameters({"w": (6,)}, np.float64)
    optimizer = AdamW(params, AdamWSettings(beta1=0.5, beta2=0.999, eps=0.0))
    grads = {"w": rng.normal(size=6)}
    optimizer.update(grads, learning_rate=0.01)
    np.testing.assert_allclose(params["w"], -0.01 * np.sign(grads["w"]), rtol=1e-6)


def test_gradients_by_name_are_clipped_only_if_that_is_asked_for(rng):
    grads = {"w": rng.normal(size=6)}
    free, clipped = (AdamW(Parameters({"w": (6,)}, np.float64), AdamWSettings(eps=1.0)) for _ in range(2))
    free.update(grads, 0.01)
    clipped.update(grads, 0.01, max_grad_norm=0.5)
    np.testing.assert_allclose(free.m, 0.1 * grads["w"])
    np.testing.assert_allclose(clipped.m, 0.1 * grads["w"] * 0.5 / np.linalg.norm(grads["w"]), rtol=1e-5)


def test_the_average_moves_a_part_of_the_way(rng):
    average, params = rng.normal(size=(2, 5))
    expected = 0.9 * average + 0.1 * params
    ema_update(average, params, 0.9)
    np.testing.assert_allclose(average, expected, rtol=1e-12)


def test_the_average_is_short_sighted_at_first():
    decays = [ema_decay(step, 0.99) for step in range(2000)]
    assert decays[0] == 0.1  # nine tenths of the random start are forgotten at once
    assert decays[90] == 0.91
    assert all(a <= b for a, b in zip(decays, decays[1:], strict=False))
    assert max(decays) == decays[-1] == 0.99
    assert ema_decay(0, 0.05) == 0.05  # never above the decay that was asked for


def test_the_learning_rate_rises_stays_and_falls():
    rates = [learning_rate_at(step, 100, peak=2.0, warmup=10, decay=0.25) for step in range(100)]
    np.testing.assert_allclose(rates[:10], np.arange(1, 11) * 0.2)
    np.testing.assert_allclose(rates[10:76], 2.0)
    np.testing.assert_allclose(rates[75:], 2.0 * np.arange(25, 0, -1) / 25)  # the last step still learns


def test_warm_up_and_decay_can_be_left_out():
    assert [learning_rate_at(step, 5, 3.0, warmup=0, decay=0.0) for step in range(5)] == [3.0] * 5


def test_where_warm_up_and_decay_meet_the_lower_one_counts():
    rates = [learning_rate_at(step, 4, 1.0, warmup=4, decay=1.0) for step in range(4)]
    np.testing.assert_allclose(rates, [0.25, 0.5, 0.5, 0.25])


# What ends a training step, on either device


@pytest.mark.parametrize("max_grad_norm", [0.5, 1e3])  # clipped, and not
def test_the_end_of_a_step_is_clipping_adamw_and_the_average(max_grad_norm, rng):
    settings = AdamWSettings(eps=1e-3, weight_decay=0.1)
    vectors = rng.random((5, 30))
    squared_norm = float(vectors[1] @ vectors[1])
    params, grads, m, v, average = expected = [vector.copy() for vector in vectors]
    adamw_update(params, grads, m, v, 4, 0.1, settings, clip_scale(squared_norm, max_grad_norm))
    ema_update(average, params, 0.9)
    adamw_ema_update(*vectors, 4, 0.1, settings, 0.9, squared_norm, max_grad_norm)
    np.testing.assert_array_equal(vectors, expected)
    assert (clip_scale(squared_norm, max_grad_norm) < 1) == (max_grad_norm == 0.5)


@pytest.mark.parametrize("kernels", [True, False])
@pytest.mark.parametrize("max_grad_norm", [0.5, 1e3])
def test_on_a_gpu_the_end_of_a_step_is_the_same_and_does_not_wait(max_grad_norm, kernels, rng, monkeypatch):
    monkeypatch.setattr("minidit.backend.kernels.launch.enabled", kernels)
    xp, settings = choose_device("simulated"), AdamWSettings(eps=1e-3, weight_decay=0.1)
    expected = rng.random((5, 700), dtype=np.float32)
    vectors = [xp.asarray(vector) for vector in expected]
    squared_norm = np.float32(expected[1] @ expected[1])
    norm_there = xp.asarray(squared_norm)
    for step in (1, 2, 3):
        adamw_ema_update(*expected, step, 0.1, settings, 0.9, float(squared_norm), max_grad_norm)
        with xp.allow_synchronize(False), xp.count() as count:
            adamw_ema_update(*vectors, step, 0.1, settings, 0.9, norm_there, max_grad_norm)
        assert count.host_to_device.count == count.device_to_host.count == 0
        assert ({launch.name for launch in count.launches} == {"adamw_ema_update"}) == kernels
    for vector, right in zip(vectors, expected, strict=True):
        assert vector.dtype == np.float32
        np.testing.assert_allclose(vector.get(), right, rtol=1e-5, atol=1e-6)


def test_the_scale_of_an_array_stays_on_the_gpu():
    xp = choose_device("simulated")
    with xp.allow_synchronize(False):
        scales = [clip_scale(xp.asarray(np.float32(squared)), 2.0) for squared in (2500.0, 0.25, 0.0)]
    assert all(isinstance(scale, xp.ndarray) and scale.shape == () for scale in scales)
    assert {scale.dtype for scale in scales} == {np.dtype(np.float32)}
    np.testing.assert_allclose([scale.get() for scale in scales], [2 / 50, 1, 1], rtol=1e-6)
    assert np.isnan(clip_scale(xp.asarray(np.float32(np.nan)), 2.0).get())


def test_the_cpu_takes_a_vector_in_parts_and_a_gpu_as_a_whole(monkeypatch):
    monkeypatch.setattr(optimizer, "CHUNK", 4)
    assert parts(np.zeros(10)) == [slice(0, 4), slice(4, 8), slice(8, 12)]
    assert parts(np.zeros(4)) == [slice(0, 4)]
    assert parts(choose_device("simulated").zeros(10)) == [slice(0, 10)]


def test_on_a_gpu_no_kernels_give_the_same_numbers_as_ours(rng):
    xp = choose_device("simulated")
    vectors = rng.random((5, 300), dtype=np.float32)
    norm = xp.asarray(np.float32(vectors[1] @ vectors[1]))
    ours, plain = ([xp.asarray(vector) for vector in vectors] for _ in range(2))
    adamw_ema_update(*ours, 7, 0.01, AdamWSettings(), 0.99, norm, 1.0)
    with plain_kernels():
        adamw_ema_update(*plain, 7, 0.01, AdamWSettings(), 0.99, norm, 1.0)
    for one, other in zip(ours, plain, strict=True):
        np.testing.assert_allclose(one.get(), other.get(), rtol=1e-5, atol=1e-7)
