import threading
from dataclasses import replace

import numpy as np
import pytest

from minidit.errors import UserError
from minidit.gradient_check import GradientMismatch, check_parameter_gradients
from minidit.models import CodecSettings, DiTSettings, TextEncoderSettings, VideoModel, VideoModelSettings
from minidit.models.parameters import Parameters
from minidit.training import steps
from minidit.training.batches import Batch, draw_batch
from minidit.training.optimizer import adamw_update, clip_scale, ema_update, learning_rate_at
from minidit.training.steps import VECTORS, Alone, loss_and_gradients, run_steps

# --- Loss and gradients ------------------------------------------------------------------------------------


def precise_model_and_batch(prediction, rng):
    """A model in float64 with every axis of another length and every parameter moved, and two clips for it."""
    settings = VideoModelSettings(
        size=6,
        frames=4,
        codec=CodecSettings(patch=(2, 3, 2), channels=3, hidden=5),
        dit=DiTSettings(
            in_channels=3,
            patch=(1, 2, 1),
            width=12,
            depth=2,
            num_heads=3,
            text=TextEncoderSettings(vocabulary_size=7, max_length=5, width=8, depth=1, num_heads=2),
        ),
        vocabulary=("a", "b", "c", "d", "e"),
        prediction=prediction,
    )
    model = VideoModel(settings, rng, np.float64)
    model.dit.params.flat[...] += 0.2 * rng.normal(size=model.dit.params.flat.shape)
    latents, noise = rng.normal(size=(2, 2, *settings.latent_shape))
    ids = model.tokenizer.encode(["a b a", "e"])  # a word that occurs twice, and padding
    return model, Batch(latents, noise, np.array([0.3, 0.75]), ids)


@pytest.mark.parametrize("prediction", ["data", "noise", "velocity"])
def test_the_gradients_are_the_slopes_of_the_loss(prediction, rng):
    model, batch = precise_model_and_batch(prediction, rng)
    loss, grads = loss_and_gradients(model, batch)
    assert type(loss) is float
    check_parameter_gradients(lambda: loss_and_gradients(model, batch)[0], model.dit.params, grads, entries=5)


def test_a_gradient_of_the_unweighted_loss_would_be_caught(rng, monkeypatch):
    model, batch = precise_model_and_batch("data", rng)

    def slope():
        return loss_and_gradients(model, batch)[0]

    forward = steps.diffusion_loss_forward
    with monkeypatch.context() as patch:
        patch.setattr(steps, "diffusion_loss_forward", lambda *a: forward(*a, weighted=False))
        _, grads = loss_and_gradients(model, batch)
    with pytest.raises(GradientMismatch, match="is wrong"):
        check_parameter_gradients(slope, model.dit.params, grads, entries=1)


@pytest.mark.parametrize("prediction", ["data", "noise", "velocity"])
def test_the_loss_is_that_of_the_velocity(prediction, rng):
    """Whatever is predicted: the mean over clips of the squared error that it means for data - noise."""
    model, batch = precise_model_and_batch(prediction, rng)
    t = batch.t.reshape(-1, 1, 1, 1, 1)
    x_t = t * batch.latents + (1 - t) * batch.noise
    answer, _ = model.dit.forward(x_t, 1000 * batch.t, batch.ids)
    velocity = {"data": (answer - x_t) / (1 - t), "noise": (x_t - answer) / t, "velocity": answer}[prediction]
    loss, _ = loss_and_gradients(model, batch)
    assert loss == pytest.approx(np.mean((velocity - (batch.latents - batch.noise)) ** 2), rel=1e-10)


LOSS = ("diffusion_loss_forward", "diffusion_loss_backward")


@pytest.mark.parametrize("prediction", ["data", "noise", "velocity"])
def test_a_float32_step_is_float32_throughout(prediction, small_preset, rng, arrays_in, monkeypatch):
    model = VideoModel(replace(small_preset.model, prediction=prediction), rng)
    batch = draw_batch(model, small_preset.diffusion_training, 0, 0, range(4))
    seen = []

    def watch(owner, name):
        function = getattr(owner, name)

        def watched(*arguments):
            seen.append((arguments, function(*arguments)))
            return seen[-1][1]

        monkeypatch.setattr(owner, name, watched)

    for owner, names in ((model.dit, ("forward", "backward")), (steps, LOSS)):
        for name in names:
            watch(owner, name)
    _, grads = loss_and_gradients(model, batch)
    assert len(seen) == 4
    found = arrays_in([model.dit.params, batch, grads, seen])
    assert len(found) > 150
    kinds = {array.dtype for array in found if np.issubdtype(array.dtype, np.inexact)}
    assert kinds == {np.dtype(np.float32)}


# --- The step, shared among processes ----------------------------------------------------------------------

# Threads stand in for the processes here: they run the same function on the same vectors.


def shared_run(preset, state, ranks, first, last, training=None):
    """Runs steps on a copy of the state with so many threads: (the state after them, losses, norms)."""
    training = training or preset.diffusion_training
    vectors = {name: state[name].copy() for name in VECTORS}
    models = [VideoModel(preset.model, dit_buffer=vectors["params"]) for _ in range(ranks)]
    for model in models:
        model.codec = VideoModel(preset.model, np.random.default_rng(3)).codec
    grads = [Parameters(models[0].dit.params.shapes) for _ in range(ranks)]
    reports, answers = np.zeros((ranks, 2)), [None] * ranks
    barrier = threading.Barrier(ranks, timeout=20) if ranks > 1 else Alone()

    def work(rank):
        try:
            answers[rank] = run_steps(
                models[rank], training, 0, vectors, grads, reports, rank, ranks, barrier, first, last
            )
        except UserError as error:
            answers[rank] = error

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(ranks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answer in answers:
        if isinstance(answer, UserError):
            raise answer
    assert all(answer == answers[0] for answer in answers)  # all processes know the same losses
    return vectors, *answers[0]


@pytest.fixture
def state(small_model, state_of):
    return state_of(small_model)


def test_one_step_is_backpropagation_clipping_adamw_and_the_average(small_preset, state):
    training = replace(small_preset.diffusion_training, clip=0.1)
    model = VideoModel(small_preset.model)
    model.codec = VideoModel(small_preset.model, np.random.default_rng(3)).codec
    model.dit.params.flat[...] = state["params"]
    loss, named = loss_and_gradients(model, draw_batch(model, training, 0, 7, range(4)))
    grads = Parameters(model.dit.params.shapes)
    grads.load(named)
    norm = float(np.linalg.norm(grads.flat.astype(np.float64)))
    assert norm > 0.1  # it is clipped
    rate = learning_rate_at(7, training.steps, training.learning_rate, training.warmup, training.decay)
    expected = {name: vector.copy() for name, vector in state.items()}
    adamw_update(
        expected["params"], grads.flat, expected["first"], expected["second"], 8, rate, training.adamw,
        clip_scale(norm * norm, 0.1),
    )  # fmt: skip
    ema_update(expected["ema"], expected["params"], 8 / 17)

    vectors, losses, norms = shared_run(small_preset, state, 1, 7, 8, training)
    assert losses == pytest.approx([loss], rel=1e-6)
    assert norms == pytest.approx([norm], rel=1e-5)
    for name in VECTORS:
        np.testing.assert_allclose(vectors[name], expected[name], rtol=1e-4, atol=1e-7, err_msg=name)
        assert vectors[name].dtype == np.float32
        assert not np.array_equal(vectors[name], state[name])


@pytest.mark.parametrize("ranks", [2, 4])
def test_any_number_of_processes_does_the_same_steps(ranks, small_preset, state):
    alone, losses, norms = shared_run(small_preset, state, 1, 0, 6)
    shared, shared_losses, shared_norms = shared_run(small_preset, state, ranks, 0, 6)
    np.testing.assert_allclose(shared_losses, losses, rtol=1e-5)
    np.testing.assert_allclose(shared_norms, norms, rtol=1e-4)
    for name in VECTORS:
        largest = np.abs(alone[name]).max()
        np.testing.assert_allclose(shared[name], alone[name], rtol=1e-4, atol=1e-5 * largest, err_msg=name)
    assert np.abs(alone["params"] - state["params"]).max() > 1e-4  # they have gone somewhere


@pytest.mark.parametrize("ranks", [1, 2])
def test_steps_in_two_parts_are_the_same_bit_for_bit(ranks, small_preset, state):
    whole, losses, norms = shared_run(small_preset, state, ranks, 0, 6)
    half, *first = shared_run(small_preset, state, ranks, 0, 2)
    parts, *second = shared_run(small_preset, half, ranks, 2, 6)
    assert first[0] + second[0] == losses
    assert first[1] + second[1] == norms
    for name in VECTORS:
        assert np.array_equal(parts[name], whole[name])


def test_training_lowers_the_loss(small_preset, state):
    training = replace(small_preset.diffusion_training, steps=120, batch=16)
    _, losses, _ = shared_run(small_preset, state, 1, 0, 120, training)
    assert np.mean(losses[-20:]) < 0.7 * np.mean(losses[:20])


@pytest.mark.parametrize("ranks", [1, 2])
def test_parameters_with_nan_stop_the_run_at_once(ranks, small_preset, state):
    state["params"][5] = np.nan
    with pytest.raises(UserError, match=r"diverged at step 3 \(loss nan.*lower --learning-rate"):
        shared_run(small_preset, state, ranks, 3, 8)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("ranks", [1, 2])
def test_a_learning_rate_far_too_high_stops_the_run_and_names_the_step(ranks, small_preset, state):
    training = replace(small_preset.diffusion_training, learning_rate=1e30, warmup=0)
    with pytest.raises(UserError, match=r"diverged at step [12] .*lower --learning-rate"):
        shared_run(small_preset, state, ranks, 0, 8, training)


def test_a_step_that_diverges_changes_nothing(small_preset, small_model, state):
    training = small_preset.diffusion_training
    model = VideoModel(small_preset.model, dit_buffer=state["params"])
    model.codec = small_model.codec
    model.codec.latent_mean[0] = np.nan
    before = {name: vector.copy() for name, vector in state.items()}
    grads = [Parameters(model.dit.params.shapes)]
    with pytest.raises(UserError, match="diverged at step 0"):
        run_steps(model, training, 0, state, grads, np.zeros((1, 2)), 0, 1, Alone(), 0, 5)
    for name in VECTORS:
        assert np.array_equal(state[name], before[name])
