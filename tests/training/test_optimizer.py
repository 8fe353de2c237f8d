import numpy as np
import pytest

from minidit import reference
from minidit.backend.device import choose_device
from minidit.backend.kernels.launch import plain_kernels
from minidit.models.parameters import Parameters
from minidit.training import optimizer
from minidit.training.optimizer import (
    MOMENTUM,
    AdamW,
    AdamWSettings,
    Muon,
    adamw_ema_update,
    adamw_update,
    clip_scale,
    ema_decay,
    ema_update,
    learning_rate_at,
    orthogonalized,
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
    """Whatever the size of the gradient: the first step has the length of a first step."""
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


# Muon


@pytest.mark.parametrize("shape", [(12, 30), (30, 12), (16, 16), (1, 9)])
def test_orthogonalized_brings_every_singular_value_near_one_and_keeps_the_vectors(shape, rng):
    u, _, vt = np.linalg.svd(rng.normal(size=shape), full_matrices=False)
    found = orthogonalized(100 * (u * np.geomspace(3.0, 0.1, min(shape))) @ vt)
    inside = u.T @ found @ vt.T
    values = np.diag(inside)
    assert 0.6 < values.min() and values.max() < 1.3
    np.testing.assert_allclose(inside, np.diag(values), atol=1e-9)
    np.testing.assert_allclose(u @ inside @ vt, found, atol=1e-9)


def test_a_matrix_of_zeros_has_no_direction():
    np.testing.assert_array_equal(orthogonalized(np.zeros((3, 2), np.float32)), np.zeros((3, 2)))


def scalar_orthogonalized(x):
    """Newton-Schulz on a single number."""
    x = x / (abs(x) + 1e-7)
    for _ in range(5):
        x = 3.4445 * x - 4.7750 * x**3 + 2.0315 * x**5
    return x


def test_muons_steps_worked_out_by_hand():
    """A weight of 4 rows and 1 column: its direction is the gradient's, its length 0.2 · rate · √4 times about one."""
    params = Parameters({"weight": (4, 1), "bias": (1,)}, np.float64)
    optimizer = Muon(params, AdamWSettings(eps=0.0))
    first, second = np.array([[3.0], [0], [4], [0]]), np.array([[0.0], [5], [0], [0]])
    optimizer.update({"weight": first, "bias": np.array([7.0])}, learning_rate=0.1)
    step = 0.2 * 0.1 * 2 * scalar_orthogonalized(1.0)
    np.testing.assert_allclose(params["weight"], -step * first / 5, rtol=1e-6)
    np.testing.assert_allclose(params["bias"], -0.1, rtol=1e-6)  # AdamW's
    optimizer.update({"weight": second, "bias": np.array([7.0])}, learning_rate=0.1)
    mean = MOMENTUM * first + second
    ahead = second + MOMENTUM * mean  # Nesterov's
    np.testing.assert_allclose(params["weight"], -step * (first / 5 + ahead / np.linalg.norm(ahead)), rtol=1e-6)


def test_a_step_of_muons_is_about_as_long_as_one_of_adamws(rng):
    shapes = {"weight": (40, 90)}
    muon, adamw = (kind(Parameters(shapes, np.float64), AdamWSettings()) for kind in (Muon, AdamW))
    for rate in [0.0] * 20 + [0.01]:
        grads = {"weight": rng.normal(size=shapes["weight"])}
        muon.update(grads, rate)
        adamw.update(grads, rate)
    ratio = np.linalg.norm(muon.params.flat) / np.linalg.norm(adamw.params.flat)
    assert 0.5 < ratio < 2


def test_muon_leaves_the_biases_to_adamw_and_clips_their_gradients_by_the_norm_of_all(rng):
    shapes, settings = {"a.weight": (3, 4), "a.bias": (4,), "b.bias": (2,)}, AdamWSettings(eps=1.0, weight_decay=0.1)
    muon, adamw = (kind(Parameters(shapes, np.float64), settings) for kind in (Muon, AdamW))
    for _ in range(3):
        grads = {name: rng.normal(size=shape) for name, shape in shapes.items()}
        muon.update(grads, 0.1, max_grad_norm=0.5)
        adamw.update(grads, 0.1, max_grad_norm=0.5)
    for name in ("a.bias", "b.bias"):
        np.testing.assert_allclose(muon.params[name], adamw.params[name], rtol=1e-12)
    assert not np.allclose(muon.params["a.weight"], adamw.params["a.weight"])


def test_muon_continues_from_its_vectors_to_the_bit(rng):
    shapes = {"weight": (3, 5), "bias": (5,)}
    gradients = [{name: rng.normal(size=shape).astype("f4") for name, shape in shapes.items()} for _ in range(6)]
    whole, first, second = (Muon(Parameters(shapes), AdamWSettings()) for _ in range(3))
    for grads in gradients:
        whole.update(grads, 0.1)
    for grads in gradients[:3]:
        first.update(grads, 0.1)
    for name in ("m", "v"):
        getattr(second, name)[...] = getattr(first, name)
    second.params.flat[...], second.step = first.params.flat, first.step
    for grads in gradients[3:]:
        second.update(grads, 0.1)
    assert whole.params.flat.dtype == np.float32
    np.testing.assert_array_equal(second.params.flat, whole.params.flat)


def test_on_a_gpu_muon_is_the_same_and_does_not_wait(rng):
    xp, shapes = choose_device("simulated"), {"weight": (6, 4), "bias": (4,)}
    here, there = Muon(Parameters(shapes), AdamWSettings()), Muon(Parameters(shapes).on(xp), AdamWSettings())
    for _ in range(2):
        grads = {name: rng.normal(size=shape).astype("f4") for name, shape in shapes.items()}
        here.update(grads, 0.1, max_grad_norm=1.0)
        grads_there = {name: xp.asarray(gradient) for name, gradient in grads.items()}
        with xp.allow_synchronize(False), xp.count() as count:
            there.update(grads_there, 0.1, max_grad_norm=1.0)
        assert count.host_to_device.count == count.device_to_host.count == 0
    np.testing.assert_allclose(there.params.flat.get(), here.params.flat, rtol=1e-4, atol=1e-6)


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
