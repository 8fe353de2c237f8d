"""The whole GPU path, driven on the simulated GPU: a strict double of CuPy, with our kernels run on the CPU.

It has only what CuPy has, refuses to mix arrays of host and device, and counts launches, copies and waits. What it
can't tell is in the docstring of test_on_gpu.py.
"""

from dataclasses import replace

import numpy as np
import pytest

from minidit import load
from minidit.backend.kernels.launch import plain_kernels
from minidit.cli import main
from minidit.diffusion import SAMPLERS
from minidit.evaluation.evaluate import evaluate
from minidit.files.tensors import read_tensors
from minidit.generation.settings import SamplingSettings
from minidit.generation.text_to_video import BATCH, NoiseOfEach, generate, sample_latents, starting_noise
from minidit.gpu.operations import error
from minidit.layers import multihead_attention
from minidit.models import VideoModel
from minidit.models.checkpoint import codec_tensors
from minidit.models.decoder import Stage
from minidit.presets import PRESETS
from minidit.training import codec as codec_training
from minidit.training import trainer
from minidit.training.buckets import draw_batch
from minidit.training.codec import train_codec
from minidit.training.job import VideoTraining
from minidit.training.parallel.workers import Team
from minidit.training.state import TrainingState
from minidit.training.steps import Member, Stopped

BOUND = 1e-5  # of the largest error, relative to the largest number
PROMPT = "a red circle moves right in the day sky"
DEVICES = ["cpu", "simulated"]
OTHER = {"cpu": "simulated", "simulated": "cpu"}


@pytest.fixture(autouse=True)
def short_run(small_preset, monkeypatch):
    """`minidit train --preset tiny` trains the small preset: 12 steps in three spans, a checkpoint after each."""
    use(small_preset, monkeypatch)


def use(small_preset, patch):
    patch.setitem(PRESETS, "tiny", small_preset)
    patch.setattr(trainer, "SPAN", 4)
    patch.setattr(trainer, "CHECKPOINT_SECONDS", -1)
    patch.setattr(trainer, "PREVIEWS", 1)


def train(folder, device, *words):
    """The status with which `minidit train` ends."""
    return main(["train", "--preset", "tiny", "--out", str(folder), "--threads", "1", "--device", device, *words])


@pytest.fixture(scope="module")
def finished(small_preset, tmp_path_factory):
    """The folder of a whole run, by device."""
    folders = {device: tmp_path_factory.mktemp("finished") / device for device in DEVICES}
    with pytest.MonkeyPatch.context() as patch:
        use(small_preset, patch)
        for device, folder in folders.items():
            assert train(folder, device) == 0
    return folders


def state(folder):
    """Name -> array: the codec, and the training state; and the notes beside them."""
    return read_tensors(folder / trainer.STATE)


def assert_agreement(folder, expected, preset):
    """Two runs have the same losses, and moved each parameter by the same, to a few roundings."""
    (got, notes), (right, right_notes) = state(folder), state(expected)
    assert notes["step"] == right_notes["step"] == 12
    np.testing.assert_allclose(notes["history"], right_notes["history"], rtol=BOUND)
    assert notes["codec_psnr"] == pytest.approx(right_notes["codec_psnr"], rel=BOUND)
    start = VideoModel(preset.model, np.random.default_rng([0, 0])).dit.params.flat
    for name in ("state.params", "state.ema"):
        assert error(got[name] - start, right[name] - start) <= BOUND, name
    for name in right:
        assert error(got[name], right[name]) <= BOUND, name


@pytest.fixture
def job(small_preset):
    """A training step's work, with a codec that nobody has trained."""
    codec = codec_tensors(VideoModel(small_preset.model, np.random.default_rng(3)).codec)
    return VideoTraining(small_preset.model, small_preset.diffusion_training, codec, seed=0)


@pytest.fixture
def start(small_preset, rng):
    """A training state with no gate closed."""
    params = VideoModel(small_preset.model, rng).dit.params.flat
    params = params + 0.1 * rng.standard_normal(params.shape, dtype=np.float32)
    return TrainingState.start(params)


def at_work(job, xp, start):
    """A Member on a device, ready for its steps; the first one, which makes what is made once, is done."""
    member = Member(job, TrainingState.start(start.params, xp))
    member.step(0)
    return member


def launched(count):
    """The names of what was launched."""
    return {launch.name for launch in count.launches}


# ---- training


def test_a_run_agrees_with_the_cpus(finished, small_preset):
    assert_agreement(finished["simulated"], finished["cpu"], small_preset)


def test_a_run_moves_every_parameter(finished, small_preset):
    """Else agreement would be cheap: a closed gate hides whatever is behind it."""
    model = VideoModel(small_preset.model, np.random.default_rng([0, 0]))
    after = VideoModel(small_preset.model, dit_buffer=state(finished["simulated"])[0]["state.params"])
    for name, array in model.dit.params.items():
        assert np.abs(after.dit.params[name] - array).max() > 1e-3, name


def test_the_device_and_who_works_for_the_run_are_said(finished):
    assert [state(finished[device])[1]["shared_by"] for device in DEVICES] == ["1 process with 1 thread", "a GPU"]


def interrupted(folder, device, steps, monkeypatch):
    """A run that was stopped after so many steps."""
    whole_span = Team.run

    def run(team, first, last):
        if first >= steps:
            raise KeyboardInterrupt
        return whole_span(team, first, last)

    with monkeypatch.context() as patch:
        patch.setattr(Team, "run", run)
        assert train(folder, device) == 130
    assert state(folder)[1]["step"] == steps
    return folder


@pytest.mark.parametrize("steps", [4, 8])
def test_a_stopped_run_that_is_resumed_ends_with_the_same_bits(steps, finished, tmp_path, monkeypatch):
    folder = interrupted(tmp_path / "run", "simulated", steps, monkeypatch)
    assert train(folder, "simulated", "--resume") == 0
    (got, notes), (right, right_notes) = state(folder), state(finished["simulated"])
    assert notes == right_notes
    assert got.keys() == right.keys()
    for name, array in right.items():
        assert np.array_equal(got[name], array), name
    (preview,) = (finished["simulated"] / "previews").iterdir()
    assert (folder / "previews" / preview.name).read_bytes() == preview.read_bytes()


@pytest.mark.parametrize("device", DEVICES)
def test_a_run_can_be_resumed_on_the_other_device(device, finished, small_preset, tmp_path, monkeypatch, capfd):
    folder = interrupted(tmp_path / "run", device, 4, monkeypatch)
    assert train(folder, OTHER[device], "--resume") == 0
    who = {"cpu": "1 process with 1 thread", "simulated": "a GPU"}
    assert f"{who[device]} shared this run so far, and now {who[OTHER[device]]}" in capfd.readouterr().err
    assert_agreement(folder, finished["cpu"], small_preset)


def test_steps_agree_with_the_cpus_where_no_gate_is_closed(job, start, simulated):
    expected, got = at_work(job, np, start), at_work(job, simulated, start)
    (losses, norms), (right_losses, right_norms) = got.run(1, 6), expected.run(1, 6)
    np.testing.assert_allclose(losses, right_losses, rtol=BOUND)
    np.testing.assert_allclose(norms, right_norms, rtol=BOUND)
    for name, before in start.vectors.items():
        moved = expected.state.vectors[name] - before
        assert error(got.state.vectors[name].get() - before, moved) <= BOUND, name


# ---- what passes between host and device in training


def test_a_step_takes_its_batch_across_and_nothing_else_and_nobody_waits(job, start, simulated):
    work = at_work(job, simulated, start)
    with simulated.allow_synchronize(False), simulated.count() as count:
        loss, squared_norm = work.step(1)
    batch = draw_batch(work.worker.model, job.training, 0, 1, range(job.training.shards))
    clips = job.training.batch * 8 * 16 * 16 * 3 * 4  # frames, rows, columns, colours, bytes
    drawn = clips + batch.noise.nbytes + batch.t.nbytes + batch.ids.nbytes
    assert (count.host_to_device.count, count.host_to_device.bytes) == (4, drawn)
    assert (count.hidden_transfers, count.device_to_host.count, count.synchronisations) == (0, 0, 0)
    assert loss.shape == squared_norm.shape == ()
    assert isinstance(loss, simulated.ndarray) and isinstance(squared_norm, simulated.ndarray)


def test_a_span_of_steps_brings_back_its_losses_and_its_norms_in_one_copy_each(job, start, simulated):
    work = at_work(job, simulated, start)
    with simulated.count() as count:
        losses, norms = work.run(1, 6)
    assert len(losses) == len(norms) == 5
    assert (count.device_to_host.count, count.device_to_host.bytes) == (2, 2 * 5 * 4)
    assert count.synchronisations == 2
    assert count.host_to_device.count == 5 * 4


def test_a_step_takes_no_more_memory_each_time(job, start, simulated):
    work = at_work(job, simulated, start)
    pool = simulated.get_default_memory_pool()
    work.run(1, 2)
    before = pool.used_bytes()
    work.run(2, 5)
    assert pool.used_bytes() == before


@pytest.mark.parametrize("stages", [(), (Stage((3, 3, 3), 8, (1, 2, 2)), Stage((1, 3, 3), 3, (1, 2, 2)))])
def test_the_codecs_training_waits_where_it_looks_at_its_progress_and_nowhere_else(
    stages, small_preset, simulated, monkeypatch
):
    monkeypatch.setattr(codec_training, "LOOK", 5)
    training = small_preset.codec_training
    settings = replace(small_preset.model, codec=replace(small_preset.model.codec, decoder=stages))
    codec = VideoModel(settings, np.random.default_rng(0)).codec.on(simulated)
    with simulated.count() as count:
        train_codec(codec, training, 16, 8, seed=0, progress=False)
    looks = 4  # at steps 0, 5, 10 and 11: the loss, and the error
    assert count.synchronisations == count.device_to_host.count == 2 * looks + 1  # the reconstructions, to measure them
    assert count.hidden_transfers == 0
    # Patches, noise, errors and their size of each step; patches to normalise by, clips to reconstruct.
    assert count.host_to_device.count == 4 * training.steps + 2


# ---- our kernels, and CuPy's


def test_without_our_kernels_the_numbers_are_the_same(job, start, simulated, ours):
    expected = at_work(job, np, start)
    with plain_kernels():
        got = at_work(job, simulated, start)
        with simulated.count() as count:
            losses, _ = got.run(1, 4)
    assert launched(count) & ours == set()
    assert len(count.launches) > 1000
    np.testing.assert_allclose(losses, expected.run(1, 4)[0], rtol=BOUND)
    for name, before in start.vectors.items():
        moved = expected.state.vectors[name] - before
        assert error(got.state.vectors[name].get() - before, moved) <= BOUND, name


def test_training_uses_every_kernel(job, start, simulated, ours, monkeypatch):
    with simulated.count() as count:
        at_work(job, simulated, start)
    attention_at_once, block_by_block = launched(count) & ours, {"mean_gains"} | {n for n in ours if "flash" in n}
    assert attention_at_once == ours - block_by_block
    monkeypatch.setattr(multihead_attention, "MANY_SCORES", 0)
    with simulated.count() as count:
        at_work(job, simulated, start)
    assert launched(count) & ours == ours - {"scaled_softmax_forward", "scaled_softmax_backward"}


def test_attention_block_by_block_agrees_with_the_cpus_in_training(job, start, simulated, monkeypatch):
    monkeypatch.setattr(multihead_attention, "MANY_SCORES", 0)
    expected, got = at_work(job, np, start), at_work(job, simulated, start)
    np.testing.assert_allclose(got.run(1, 3), expected.run(1, 3), rtol=BOUND)


# ---- sampling


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_seed_gives_the_same_clip_on_either_device(sampler, tiny_checkpoint):
    expected, got = (load(tiny_checkpoint, device).generate(PROMPT, seed=3, sampler=sampler) for device in DEVICES)
    assert isinstance(got, np.ndarray) and got.dtype == np.float32
    assert np.abs(got - expected).max() <= BOUND  # pixels go from 0 to 1
    assert 0 <= expected.min() < 0.3 < 0.7 < expected.max() <= 1


@pytest.mark.parametrize("trained_on", DEVICES)
def test_a_checkpoint_makes_the_same_clip_on_either_device(trained_on, finished):
    expected, got = (load(finished[trained_on], device).generate(PROMPT) for device in DEVICES)
    assert np.abs(got - expected).max() <= BOUND


def sampled(model, xp, sampler):
    """What `generate` does between its noise and the latents, for two clips."""
    noise = xp.asarray(starting_noise(model.settings.latent_shape, [0, 1]))
    sampling = SamplingSettings(5, 2.0, shift=3.0, sampler=sampler).for_model(model.settings)
    return sample_latents(model, [PROMPT, ""], noise, sampling, NoiseOfEach([0, 1]))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_sampler_does_not_wait(sampler, tiny_model, simulated):
    model = tiny_model.on(simulated)
    sampled(model, simulated, sampler)  # makes what is made once
    with simulated.allow_synchronize(False), simulated.count() as count:
        sampled(model, simulated, sampler)
    draws = 4 if sampler in ("ddpm", "sde") else 0  # for every step but the last
    assert count.host_to_device.count == 2 + draws  # noise and words
    assert (count.hidden_transfers, count.device_to_host.count, count.synchronisations) == (0, 0, 0)


def test_a_batch_of_clips_comes_back_in_one_copy(tiny_model, simulated):
    count_of_clips = BATCH + 1
    with simulated.count() as count:
        prompts, seeds = [PROMPT] * count_of_clips, range(count_of_clips)
        clips = generate(tiny_model.on(simulated), prompts, seeds, sampling=SamplingSettings(1))
    assert count.synchronisations == count.device_to_host.count == 2
    assert count.device_to_host.bytes == clips.nbytes


# ---- evaluation


def assert_same_report(got, expected, place=""):
    """The same numbers, but for the seconds."""
    assert type(got) is type(expected), place
    if isinstance(expected, dict):
        assert got.keys() == expected.keys(), place
        for name in expected.keys() - {"seconds_per_clip"}:
            assert_same_report(got[name], expected[name], f"{place} {name}")
    elif isinstance(expected, list):
        for one, other in zip(got, expected, strict=True):
            assert_same_report(one, other, place)
    else:
        assert got == (pytest.approx(expected, rel=BOUND) if isinstance(expected, float) else expected), place


def test_an_evaluation_comes_to_the_same_scores(tiny_model, simulated):
    expected, got = (
        evaluate(tiny_model.on(xp), prompts=4, seeds=2, steps=2, fitted=2, progress=False) for xp in (np, simulated)
    )
    assert_same_report(got, expected)
    assert expected["attributes_seen"]["sky"] > 0


# ---- what goes wrong


@pytest.mark.parametrize("xp", DEVICES)
def test_a_run_that_diverges_stops_with_the_same_sentence(xp, job, start, simulated):
    xp = simulated if xp == "simulated" else np
    work = at_work(job, xp, start)
    work.state.params[5] = np.nan
    with pytest.raises(Stopped) as stopped:
        work.run(3, 6)
    assert str(stopped.value) == (
        "training diverged at step 3 (loss nan, gradient norm nan). Start again in another --out with a lower "
        "--learning-rate; the last checkpoint in this one is whole."
    )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_last_checkpoint_of_a_run_that_diverges_is_whole(tmp_path, capfd):
    folder = tmp_path / "run"
    assert train(folder, "simulated", "--learning-rate", "1e9") == 2
    assert "minidit: training diverged at step 1 (loss" in capfd.readouterr().err
    tensors, notes = state(folder)
    assert notes["step"] == 1
    assert all(np.isfinite(array).all() for array in tensors.values())
