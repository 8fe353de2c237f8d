import multiprocessing
import threading
from dataclasses import replace

import numpy as np
import pytest

from minidit.backend.device import choose_device
from minidit.errors import UserError
from minidit.models import VideoModel
from minidit.models.checkpoint import codec_tensors
from minidit.models.parameters import Parameters
from minidit.training.buckets import draw_batch
from minidit.training.job import VideoTraining, loss_and_gradients
from minidit.training.optimizer import adamw_update, clip_scale, ema_update, learning_rate_at
from minidit.training.parallel.workers import Barrier, SharedMemoryGroup
from minidit.training.state import VECTORS, TrainingState
from minidit.training.steps import Member, Stopped, check_finite, check_shares, on_host, size_of

# Threads stand in for the processes here: they run the same function on the same vectors.


def copy_of(state, xp=np):
    """A copy of the vectors of a TrainingState, on a device."""
    copy = TrainingState.zeros(state.params.size, xp)
    copy.copy_vectors(state)
    return copy


def shared_run(preset, state, ranks, first, last, training=None):
    """Runs steps on a copy of the state with so many threads: (the state after them, losses, norms)."""
    codec = codec_tensors(VideoModel(preset.model, np.random.default_rng(3)).codec)
    job = VideoTraining(preset.model, training or preset.diffusion_training, codec, 0)
    state = copy_of(state)
    gradients = {f"grads{rank}": np.empty_like(state.params) for rank in range(ranks)}
    reports, answers = np.zeros((ranks, 2)), [None] * ranks
    barrier = Barrier(multiprocessing.get_context("spawn"), ranks)

    def work(rank):
        group = SharedMemoryGroup(job.shapes, gradients, reports, rank, barrier) if ranks > 1 else None
        try:
            answers[rank] = Member(job, state, group).run(first, last)
        except Stopped as error:
            answers[rank] = error
        except BaseException:
            barrier.abort()
            raise

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(ranks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if any(isinstance(answer, Stopped) for answer in answers):
        assert len({str(answer) for answer in answers}) == 1  # all processes have found out the same
        raise answers[0]
    assert all(answer == answers[0] for answer in answers)  # all processes know the same losses
    return state, *answers[0]


@pytest.fixture
def state(small_model, state_of):
    return state_of(small_model)


def test_one_step_is_backpropagation_clipping_adamw_and_the_average(small_preset, state):
    training = replace(small_preset.diffusion_training, max_grad_norm=0.1)
    model = VideoModel(small_preset.model)
    model.codec = VideoModel(small_preset.model, np.random.default_rng(3)).codec
    model.dit.params.flat[...] = state.params
    loss, named = loss_and_gradients(model, draw_batch(model, training, 0, 7, range(4)))
    grads = Parameters(model.dit.params.shapes)
    grads.load(named)
    norm = float(np.linalg.norm(grads.flat.astype(np.float64)))
    assert norm > 0.1  # it is clipped
    rate = learning_rate_at(7, training.steps, training.learning_rate, training.warmup, training.decay)
    expected = copy_of(state)
    scale = clip_scale(norm * norm, 0.1)
    adamw_update(expected.params, grads.flat, expected.m, expected.v, 8, rate, training.adamw, scale)
    ema_update(expected.ema, expected.params, 8 / 17)

    reached, losses, norms = shared_run(small_preset, state, 1, 7, 8, training)
    assert losses == pytest.approx([loss], rel=1e-6)
    assert norms == pytest.approx([norm], rel=1e-5)
    for name, vector in reached.vectors.items():
        np.testing.assert_allclose(vector, expected.vectors[name], rtol=1e-4, atol=1e-7, err_msg=name)
        assert vector.dtype == np.float32
        assert not np.array_equal(vector, state.vectors[name])


@pytest.mark.parametrize("ranks", [2, 3, 4])  # of three, one has two of the four shards
def test_any_number_of_processes_does_the_same_steps(ranks, small_preset, state):
    alone, losses, norms = shared_run(small_preset, state, 1, 0, 6)
    shared, shared_losses, shared_norms = shared_run(small_preset, state, ranks, 0, 6)
    np.testing.assert_allclose(shared_losses, losses, rtol=1e-5)
    np.testing.assert_allclose(shared_norms, norms, rtol=1e-4)
    for name, vector in alone.vectors.items():
        largest = np.abs(vector).max()
        np.testing.assert_allclose(shared.vectors[name], vector, rtol=1e-4, atol=1e-5 * largest, err_msg=name)
    assert np.abs(alone.params - state.params).max() > 1e-4  # they have gone somewhere


@pytest.mark.parametrize("ranks", [1, 2])
def test_steps_in_two_parts_are_the_same_bit_for_bit(ranks, small_preset, state):
    whole, losses, norms = shared_run(small_preset, state, ranks, 0, 6)
    half, *first = shared_run(small_preset, state, ranks, 0, 2)
    parts, *second = shared_run(small_preset, half, ranks, 2, 6)
    assert first[0] + second[0] == losses
    assert first[1] + second[1] == norms
    for name in VECTORS:
        assert np.array_equal(parts.vectors[name], whole.vectors[name])


def test_training_lowers_the_loss(small_preset, state):
    training = replace(small_preset.diffusion_training, steps=120, batch=16)
    _, losses, _ = shared_run(small_preset, state, 1, 0, 120, training)
    assert np.mean(losses[-20:]) < 0.7 * np.mean(losses[:20])


@pytest.mark.parametrize("ranks", [1, 2])
def test_parameters_with_nan_stop_the_run_at_once(ranks, small_preset, state):
    state.params[5] = np.nan
    with pytest.raises(UserError, match=r"diverged at step 3 \(loss nan.*lower --learning-rate"):
        shared_run(small_preset, state, ranks, 3, 8)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("ranks", [1, 2])
def test_a_learning_rate_far_too_high_stops_the_run_and_names_the_step(ranks, small_preset, state):
    training = replace(small_preset.diffusion_training, learning_rate=1e30, warmup=0)
    with pytest.raises(UserError, match=r"diverged at step [12] .*lower --learning-rate"):
        shared_run(small_preset, state, ranks, 0, 8, training)


def test_a_step_that_diverges_changes_nothing(small_preset, small_model, state):
    codec = codec_tensors(small_model.codec)
    codec["codec.latent_mean"][0] = np.nan
    job = VideoTraining(small_preset.model, small_preset.diffusion_training, codec, 0)
    before = copy_of(state)
    with pytest.raises(UserError, match="diverged at step 0"):
        Member(job, state).run(0, 5)
    for name in VECTORS:
        assert np.array_equal(state.vectors[name], before.vectors[name])


def test_every_process_needs_a_shard(small_preset):
    training = replace(small_preset.diffusion_training, batch=12, shards=3)
    check_shares(3, training)
    with pytest.raises(UserError, match=r"4 processes can't share .* 12 clips.* 3 shards of 4.* --batch 16 or more"):
        check_shares(4, training)


def test_the_size_of_shapes_is_that_of_their_parameters(small_model):
    assert size_of(small_model.dit.params.shapes) == small_model.dit.params.flat.size
    assert size_of({"scalar": (), "vector": (3,)}) == 4


# One step, on either device


@pytest.fixture(params=["cpu", "simulated"])
def xp(request):
    return choose_device(request.param)


def member_on(xp, preset, state):
    """A Member on a device, with a copy of the state."""
    codec = codec_tensors(VideoModel(preset.model, np.random.default_rng(3)).codec)
    return Member(VideoTraining(preset.model, preset.diffusion_training, codec, 0), copy_of(state, xp))


def test_a_step_is_what_run_does_once(small_preset, state, xp):
    alone, among_others = (member_on(xp, small_preset, state) for _ in range(2))
    loss, squared_norm = alone.step(3)
    losses, norms = among_others.run(3, 4)
    assert on_host([loss]) == losses
    assert [value**0.5 for value in on_host([squared_norm])] == norms
    reached, same = copy_of(alone.state), copy_of(among_others.state)
    for name, vector in reached.vectors.items():
        assert np.array_equal(vector, same.vectors[name])
        assert not np.array_equal(vector, state.vectors[name])


def test_a_step_gives_numbers_and_on_a_gpu_arrays_that_stay_there(small_preset, state, xp):
    loss, squared_norm = member_on(xp, small_preset, state).step(0)
    if xp is np:
        assert type(loss) is type(squared_norm) is float
    else:
        assert isinstance(loss, xp.ndarray) and isinstance(squared_norm, xp.ndarray)
        assert loss.shape == squared_norm.shape == ()


def test_a_step_that_is_not_finite_changes_nothing_on_the_cpu_and_is_found_in_time_on_a_gpu(small_preset, state, xp):
    state.params[5] = np.nan
    member = member_on(xp, small_preset, state)
    if xp is np:
        with pytest.raises(Stopped, match="diverged at step 2"):
            member.step(2)
        for name, vector in member.state.vectors.items():
            np.testing.assert_array_equal(vector, state.vectors[name])
    else:
        with xp.allow_synchronize(False):
            member.step(2)  # doesn't look
    with pytest.raises(Stopped, match="diverged at step 2 .loss nan, gradient norm nan"):
        member.run(2, 5)


def test_numbers_are_on_the_host_already_and_arrays_come_in_one_copy():
    xp, numbers = choose_device("simulated"), [1.5, 2.5]
    assert on_host(numbers) is numbers
    assert on_host([]) == []
    arrays = [xp.asarray(np.float32(value)) for value in (0.5, -3.0, 7.0)]
    with xp.count() as count:
        found = on_host(arrays)
    assert found == [0.5, -3.0, 7.0]
    assert all(type(value) is float for value in found)
    assert count.device_to_host.count == count.synchronisations == 1


def test_more_numbers_than_concatenate_takes_in_one_go_come_back_too():
    xp = choose_device("simulated")
    assert on_host([xp.asarray(np.float32(value)) for value in range(50)]) == list(range(50))


def test_what_is_finite_goes_on_and_what_is_not_stops_the_run():
    check_finite(3, 0.5, 1e30)
    for loss, squared_norm, said in (
        (float("nan"), 1.0, "loss nan, gradient norm 1"),
        (0.25, float("inf"), "loss 0.25, gradient norm inf"),
        (float("-inf"), 4.0, "loss -inf, gradient norm 2"),
    ):
        with pytest.raises(Stopped, match=rf"diverged at step 3 \({said}\)\. Start again .* lower --learning-rate"):
            check_finite(3, loss, squared_norm)
