"""What NumPy is asked to do in a training step and in sampling: facts that need no clock."""

import sys
from pathlib import Path

import numpy as np
import pytest

from minidit.backend import array_module
from minidit.layers import mse_backward, mse_forward
from minidit.models import DiT, DiTSettings, TextEncoderSettings
from minidit.models.parameters import Parameters
from minidit.training.optimizer import AdamWSettings, adamw_update, ema_update

sys.path.append(str(Path(__file__).parents[1]))  # the tests are not a package
from recorder import Operand, recorded, recording

TEXT = TextEncoderSettings(vocabulary_size=11, max_length=9, width=8, num_heads=2)
SETTINGS = {
    "labels": DiTSettings(3, (1, 2, 2), width=20, depth=2, num_heads=5, num_classes=4),
    "prompts": DiTSettings(3, (2, 1, 1), width=24, depth=2, num_heads=3, learn_sigma=True, text=TEXT),
}
SHAPE = (2, 4, 6, 3)  # of the latents
WIDE_ON_PURPOSE = {"timestep_embedding"}  # its angles are computed in float64, its result is not


@pytest.fixture(params=SETTINGS)
def settings(request):
    return SETTINGS[request.param]


@pytest.fixture
def batch(settings, rng):
    """x, t and condition of five clips."""
    x = recorded(rng.standard_normal((5, *SHAPE), dtype=np.float32))
    t = recorded(rng.uniform(0, 1000, 5).astype(np.float32))
    ids = np.array([[1, 2, 3, 4], [1, 5, 0, 0], [1, 0, 0, 0], [1, 9, 9, 2], [1, 7, 6, 0]])
    return x, t, recorded(ids if settings.text else rng.integers(0, 4, 5))


@pytest.fixture
def model(settings, rng, away_from_zero):
    model = DiT(settings)
    away_from_zero(model.params)
    model = DiT(settings, buffer=recorded(model.params.flat))
    model.positions_of(tuple(size // step for size, step in zip(SHAPE, settings.patch, strict=False)))  # made once
    return model


@pytest.fixture
def training_step(model, batch):
    """The Calls of a forward, loss, backward, AdamW with weight decay, and moving average."""
    params = model.params
    grads = Parameters(params.shapes, buffer=recorded(np.zeros_like(params.flat)))
    m, v, average = (recorded(np.zeros(params.flat.size, np.float32)) for _ in range(3))
    with recording() as calls:
        y, cache = model.forward(*batch)
        loss, loss_cache = mse_forward(y, recorded(np.zeros(y.shape, np.float32)))
        dy, _ = mse_backward(1.0, loss_cache)
        _, named = model.backward(dy, cache)
        grads.load(named)
        adamw_update(params.flat, grads.flat, m, v, 1, 1e-3, AdamWSettings(weight_decay=0.1), 0.5)
        ema_update(average, params.flat, 0.9)
    assert params.flat.any() and grads.flat.any() and average.any()
    return calls


@pytest.fixture
def sampling(model, batch):
    """The Calls of embedding the condition and of one prediction."""
    x, t, condition = batch
    with recording() as calls:
        model.predict(x, t, model.embed(condition))
    return calls


def wide(calls):
    """Who made or used a float64, among functions that shouldn't."""
    double = np.dtype(np.float64)
    return {
        (call.where, call.name)
        for call in calls
        for operand in (*call.inputs, *call.outputs)
        if isinstance(operand, Operand) and operand.dtype == double and call.where not in WIDE_ON_PURPOSE
    }


def slow(calls):
    """Who asked for an einsum, or for a power that is no square and no root: NumPy turns those into other ufuncs."""
    return {(call.where, call.name) for call in calls if call.name in ("einsum", "power", "float_power")}


def test_a_training_step_in_float32_has_no_float64_anywhere(training_step):
    assert wide(training_step) == set()


def test_sampling_in_float32_has_no_float64_anywhere(sampling):
    assert wide(sampling) == set()


def test_nothing_on_the_hot_path_is_an_einsum_or_a_power(training_step, sampling):
    assert slow(training_step) | slow(sampling) == set()


def test_the_recorder_sees_every_layer(training_step, sampling, settings):
    asked = {call.where for call in training_step}
    expected = {
        "linear_forward", "linear_backward", "gelu_forward", "gelu_backward", "silu_forward", "silu_backward",
        "layernorm_forward", "layernorm_backward", "modulate_forward", "modulate_backward",
        "gated_residual_forward", "gated_residual_backward", "mse_forward", "embedding_backward",
        "adamw_update", "ema_update", "timestep_embedding",
    }  # fmt: skip
    assert expected <= asked
    assert any(call.where == "timestep_embedding" and call.name == "cos" for call in sampling)


@pytest.mark.parametrize(
    ("mistake", "seen_by"),
    [
        (lambda x: x * np.sqrt(2 / np.pi), wide),
        (lambda x: x + np.ones(x.shape), wide),
        (lambda x: np.ones(3, np.float32) @ np.ones(3), wide),  # neither array came from outside
        (lambda x: np.concatenate([x, np.zeros(3)]), wide),
        (lambda x: x.astype(np.float64).astype(np.float32) * 2 + x.mean(dtype=np.float64), wide),
        (lambda x: x**3, slow),
        (lambda x: np.power(x, 1.5), slow),
        (lambda x: np.einsum("i,i", x, x), slow),
    ],
)
def test_the_recorder_catches(mistake, seen_by):
    x = recorded(np.arange(3, dtype=np.float32))
    with recording() as calls:
        mistake(x)
    assert len(seen_by(calls)) >= 1


@pytest.mark.parametrize("fine", [lambda x: x**2, lambda x: x**0.5, lambda x: x * 0.3, lambda x: np.vecdot(x, x)])
def test_squares_roots_and_python_floats_are_fine(fine):
    x = recorded(np.arange(3, dtype=np.float32))
    with recording() as calls:
        fine(x)
    assert len(calls) == 1
    assert wide(calls) | slow(calls) == set()


def test_recording_leaves_numpy_as_it_was():
    before = np.ones
    with recording() as calls:
        assert np.ones is not before
    assert np.ones is before
    np.ones(3) @ recorded(np.ones(3))
    assert calls == []


def test_layers_take_a_recorded_array_for_numpys():
    assert array_module(recorded(np.ones(2))) is np
