from dataclasses import replace

import numpy as np
import pytest

from minidit.backend.device import choose_device
from minidit.errors import UserError
from minidit.gradient_check import GradientMismatch, check_parameter_gradients
from minidit.models import Codec, CodecSettings
from minidit.models.decoder import Stage
from minidit.training.codec import (
    CodecState,
    codec_loss_and_gradients,
    codec_step,
    patch_pool,
    psnr,
    reconstruction_psnr,
    relative_error,
    train_codec,
)
from minidit.training.settings import CodecTraining
from minidit.world import HELD_OUT, SEEN, render_batch, verify_batch

SIZE, FRAMES = 16, 4
NOISE_STD = 0.3
SMALL = CodecSettings((1, 2, 2), 3, 7, (Stage((3, 1, 1), 7), Stage((1, 1, 1), 3, (1, 2, 2))))
GRID = (2, 3, 1, 2)

# --- The gradients -----------------------------------------------------------------------------------------


@pytest.fixture
def codec(rng):
    """Patches of 12 values to 3 latents, in float64, with every parameter moved away from zero."""
    codec = Codec(SMALL, rng, np.float64)
    codec.params.flat[...] += 0.3 * rng.normal(size=codec.params.flat.shape)
    return codec


@pytest.fixture
def patches(rng):
    return rng.uniform(-1, 1, size=(*GRID, 12))


@pytest.fixture
def noise(rng):
    return rng.normal(size=(*GRID, 3))


@pytest.fixture
def error(rng):
    """The same errors whatever the means are."""
    errors = rng.normal(size=(*GRID, 3))
    return lambda mean: errors


def test_the_codecs_gradients_are_the_slopes_of_its_loss(codec, patches, noise, error):
    def loss():
        return codec_loss_and_gradients(codec, patches, noise, NOISE_STD, error)[0]

    _, _, *douts, cache = codec_loss_and_gradients(codec, patches, noise, NOISE_STD, error)
    grads = codec.backward(*douts, cache)
    check_parameter_gradients(loss, codec.params, grads)


@pytest.mark.parametrize("forgotten", [1, 2])
def test_a_codec_that_forgets_the_kl_term_is_caught(codec, patches, noise, forgotten):
    def loss():
        return codec_loss_and_gradients(codec, patches, noise, NOISE_STD)[0]

    _, _, *douts, cache = codec_loss_and_gradients(codec, patches, noise, NOISE_STD)
    douts[forgotten] = np.zeros_like(douts[forgotten])
    with pytest.raises(GradientMismatch, match="gradient of encoder"):
        check_parameter_gradients(loss, codec.params, codec.backward(*douts, cache))


@pytest.mark.parametrize("size", [0.0, 0.5])
def test_the_loss_is_minus_the_evidence_lower_bound_per_value(codec, patches, noise, error, size):
    loss, squared_error, *_ = codec_loss_and_gradients(
        codec, patches, noise, NOISE_STD, lambda mean: size * error(mean)
    )
    mean, log_variance, _ = codec.encoder_forward(patches)
    decoded, _ = codec.decoder_forward(mean + np.exp(log_variance / 2) * noise + size * error(mean))
    log_likelihood = -np.sum((patches - decoded) ** 2) / (2 * NOISE_STD**2)  # up to a constant
    kl = 0.5 * np.sum(mean**2 + np.exp(log_variance) - 1 - log_variance)
    assert loss == pytest.approx((kl - log_likelihood) / patches.size, rel=1e-12)
    assert squared_error == pytest.approx(np.mean((patches - decoded) ** 2), rel=1e-12)


def test_a_relative_error_is_in_units_of_each_channels_spread(rng):
    mean = rng.normal(size=(4, 5, 6, 7, 3)) * [1, 10, 100] + 5
    noise, size = rng.normal(size=mean.shape), np.array([0.0, 0.1, 0.2, 0.4])
    found = relative_error(noise, size)(mean)
    assert not found[0].any()
    deviations = (found / size[:, None, None, None, None].clip(1e-9)).std(axis=(1, 2, 3))[1:]
    np.testing.assert_allclose(deviations, [[1, 10, 100]] * 3, rtol=0.2)
    np.testing.assert_allclose(found[2], 0.2 * noise[2] * mean.std(axis=(0, 1, 2, 3)))


def test_a_float32_codec_step_is_float32_throughout(arrays_in, rng):
    codec = Codec(SMALL, rng)
    patches = rng.uniform(-1, 1, size=(*GRID, 12)).astype(np.float32)
    noise, error_noise = rng.standard_normal((2, *GRID, 3), dtype=np.float32)
    error = relative_error(error_noise, rng.random(2, dtype=np.float32))
    *numbers, dreconstruction, dmean, dlog_variance, cache = codec_loss_and_gradients(
        codec, patches, noise, NOISE_STD, error
    )
    grads = codec.backward(dreconstruction, dmean, dlog_variance, cache)
    found = arrays_in((dreconstruction, dmean, dlog_variance, cache, grads))
    assert len(found) > 15
    assert {array.dtype for array in found if array.dtype != bool} == {np.dtype(np.float32)}
    assert all(type(number) is float for number in numbers)


# --- What it is trained on ---------------------------------------------------------------------------------


def test_the_pool_is_made_of_clips_of_the_training_split(rng):
    settings = CodecSettings(patch=(2, 4, 4), channels=4, hidden=8)
    pool = patch_pool(settings, (SIZE, 24), FRAMES, 70, rng)  # more than are rendered at once
    assert pool.shape == (70, 2, 4, 6, 96)
    assert pool.dtype == np.float32
    assert -1 <= pool.min() < -0.5 < 0.5 < pool.max() <= 1
    clips = pool.reshape(70, 2, 4, 6, 2, 4, 4, 3).transpose(0, 1, 4, 2, 5, 3, 6, 7).reshape(70, FRAMES, SIZE, 24, 3)
    readings = verify_batch((clips + 1) / 2)
    assert np.mean([reading.whole for reading in readings]) > 0.9
    shown = {reading.attributes for reading in readings if reading.whole and reading.color}
    assert len(shown) > 40
    assert shown <= set(SEEN)


def test_a_step_is_on_clips_of_one_of_the_sizes_each_as_often_as_it_is_listed(monkeypatch):
    training = replace(TRAINING, pool=4, steps=60, sizes=[[16, 16], [16, 24], [16, 16]])
    state, seen = CodecState(Codec(SETTINGS, np.random.default_rng(0)), training, SIZE, FRAMES, 0), []
    forward = state.codec.forward
    monkeypatch.setattr(
        state.codec, "forward", lambda patches, *args: (seen.append(patches.shape), forward(patches, *args))[1]
    )
    for _ in range(60):
        codec_step(state, training)
    small, wide = (training.batch, FRAMES, 4, 4, 48), (training.batch, FRAMES, 4, 6, 48)
    assert set(seen) == {small, wide}
    assert 10 <= seen.count(wide) <= 30  # of a third


# --- The training ------------------------------------------------------------------------------------------

TRAINING = CodecTraining(steps=150, batch=4, pool=32, learning_rate=2e-2, warmup=20)
SETTINGS = CodecSettings((1, 4, 4), 8, 48, (Stage((1, 3, 3), 48), Stage((1, 1, 1), 3, (1, 4, 4))))


def trained(training, seed=0):
    codec = Codec(SETTINGS, np.random.default_rng(seed))
    return codec, train_codec(codec, training, SIZE, FRAMES, seed, progress=False)


@pytest.fixture(scope="module")
def finished():
    return trained(TRAINING)


def test_training_makes_the_reconstructions_better(finished):
    codec, reached = finished
    untrained = reconstruction_psnr(Codec(SETTINGS, np.random.default_rng(0)), SIZE, FRAMES, 0)
    assert untrained < 10
    assert reached > 17  # of 18.4
    assert reached == reconstruction_psnr(codec, SIZE, FRAMES, 0)


def test_latents_of_fresh_clips_have_mean_0_and_standard_deviation_1(finished, rng):
    codec, _ = finished
    chosen = [SEEN[i] for i in rng.integers(len(SEEN), size=200)]
    latents = codec.encode(render_batch(chosen, rng, SIZE, FRAMES))
    assert latents.dtype == np.float32
    assert np.abs(latents.mean(axis=(0, 1, 2, 3))).max() < 0.3
    assert np.abs(latents.std(axis=(0, 1, 2, 3)) - 1).max() < 0.3


def test_a_codec_that_met_errors_in_training_bears_them(finished, rng):
    clips = render_batch(HELD_OUT, rng, SIZE, FRAMES)
    errors = 0.3 * rng.standard_normal((len(clips), FRAMES, 4, 4, SETTINGS.channels), dtype=np.float32)
    lost = {}
    for name, codec in {"with": finished[0], "without": trained(replace(TRAINING, latent_error=0.0))[0]}.items():
        latents = codec.encode(clips)
        exact, off = (np.mean((codec.decode(z) - clips) ** 2) for z in (latents, latents + errors))
        lost[name] = psnr(4 * exact) - psnr(4 * off)
    assert 0 < lost["with"] < lost["without"]


def test_a_codec_follows_from_its_seed(finished):
    codec, reached = finished
    again, reached_again = trained(TRAINING)
    assert np.array_equal(again.params.flat, codec.params.flat)
    assert reached_again == reached
    other, _ = trained(replace(TRAINING, steps=5), seed=1)
    third, _ = trained(replace(TRAINING, steps=5), seed=2)
    assert not np.allclose(other.params.flat, third.params.flat)


def test_a_codecs_training_is_saved_and_continued_to_the_bit(tmp_path):
    def begun():
        return CodecState(Codec(SETTINGS, np.random.default_rng(0)), TRAINING, SIZE, FRAMES, 0)

    whole, first, second = begun(), begun(), begun()
    for _ in range(6):
        codec_step(whole, TRAINING)
    for _ in range(3):
        codec_step(first, TRAINING)
    first.save(tmp_path / "codec.safetensors")
    second.load(tmp_path / "codec.safetensors")
    for _ in range(3):
        codec_step(second, TRAINING)
    assert second.step == whole.step == 6
    for name, vector in whole.vectors.items():
        np.testing.assert_array_equal(second.vectors[name], vector, err_msg=name)
    other = CodecState(second.codec, replace(TRAINING, latent_error=0.1), SIZE, FRAMES, 0)
    with pytest.raises(UserError, match="is not of this codec's training"):
        other.load(tmp_path / "codec.safetensors")


def test_on_another_device_a_step_is_the_same():
    training = replace(TRAINING, pool=4)
    codec = Codec(SETTINGS, np.random.default_rng(0))
    there = CodecState(codec.on(choose_device("simulated")), training, SIZE, FRAMES, 0)
    here = CodecState(codec, training, SIZE, FRAMES, 0)
    before = here.codec.params.flat.copy()
    for _ in range(2):
        expected, got = codec_step(here, training), codec_step(there, training)
        assert float(got) == pytest.approx(expected, rel=1e-4)
    moved, moved_there = here.codec.params.flat - before, there.codec.params.flat.get() - before
    assert np.abs(moved_there - moved).max() < 1e-3 * np.abs(moved).max()


def test_a_codecs_training_that_diverges_stops_and_says_so():
    with np.errstate(all="ignore"), pytest.raises(UserError, match=r"codec's training diverged at step \d+.* lower"):
        trained(replace(TRAINING, learning_rate=1e30, warmup=0))


def test_psnr_is_the_decibels_of_an_error_of_values_that_span_two():
    assert psnr(4.0) == pytest.approx(0.0)
    assert psnr(0.04) == pytest.approx(20.0)


def test_a_codec_is_judged_on_held_out_clips_clipped_to_the_pixels_range(finished, monkeypatch):
    codec, reached = finished
    rng = np.random.default_rng([0, 2])
    chosen = [HELD_OUT[i] for i in rng.integers(len(HELD_OUT), size=128)]
    real = render_batch(chosen, rng, SIZE, FRAMES)
    error = np.mean((codec.decode(codec.encode(real)) - real) ** 2)
    assert reached == pytest.approx(-10 * np.log10(error), abs=1e-3)
