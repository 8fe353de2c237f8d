from dataclasses import replace

import numpy as np
import pytest

from minidit.errors import UserError
from minidit.gradient_check import GradientMismatch, check_parameter_gradients
from minidit.layers import hinge_discriminator_forward
from minidit.models import Codec, CodecSettings, Discriminator
from minidit.training.codec import (
    adversarial_gradients,
    codec_loss_and_gradients,
    draw_groups,
    norm,
    patch_pool,
    psnr,
    reconstruction_psnr,
    train_codec,
)
from minidit.training.settings import CodecTraining
from minidit.world import HELD_OUT, SEEN, render_batch, verify_batch

SIZE, FRAMES = 16, 4
NOISE_STD = 0.3

# --- The gradients -----------------------------------------------------------------------------------------


@pytest.fixture
def codec(rng):
    """Patches of 12 values to 3 latents, in float64, with every parameter moved away from zero."""
    codec = Codec(CodecSettings(patch=(1, 2, 2), channels=3, hidden=7), rng, np.float64)
    codec.params.flat[...] += 0.3 * rng.normal(size=codec.params.flat.shape)
    return codec


@pytest.fixture
def patches(rng):
    return rng.uniform(-1, 1, size=(2, 4, 12))


@pytest.fixture
def noise(rng):
    return rng.normal(size=(2, 4, 3))


def test_the_codecs_gradients_are_the_slopes_of_its_loss(codec, patches, noise):
    def loss():
        return codec_loss_and_gradients(codec, patches, noise, NOISE_STD)[0]

    _, _, _, *douts, cache = codec_loss_and_gradients(codec, patches, noise, NOISE_STD)
    grads = codec.backward(*douts, cache)
    check_parameter_gradients(loss, codec.params, grads)


@pytest.mark.parametrize("forgotten", [1, 2])
def test_a_codec_that_forgets_the_kl_term_is_caught(codec, patches, noise, forgotten):
    def loss():
        return codec_loss_and_gradients(codec, patches, noise, NOISE_STD)[0]

    _, _, _, *douts, cache = codec_loss_and_gradients(codec, patches, noise, NOISE_STD)
    douts[forgotten] = np.zeros_like(douts[forgotten])
    with pytest.raises(GradientMismatch, match="gradient of encoder"):
        check_parameter_gradients(loss, codec.params, codec.backward(*douts, cache))


def test_the_loss_is_minus_the_evidence_lower_bound_per_value(codec, patches, noise):
    loss, squared_error, reconstruction, *_ = codec_loss_and_gradients(codec, patches, noise, NOISE_STD)
    mean, log_variance, _ = codec.encoder_forward(patches)
    decoded, _ = codec.decoder_forward(mean + np.exp(log_variance / 2) * noise)
    np.testing.assert_allclose(reconstruction, decoded, rtol=1e-12)
    log_likelihood = -np.sum((patches - decoded) ** 2) / (2 * NOISE_STD**2)  # up to a constant
    kl = 0.5 * np.sum(mean**2 + np.exp(log_variance) - 1 - log_variance)
    assert loss == pytest.approx((kl - log_likelihood) / patches.size, rel=1e-12)
    assert squared_error == pytest.approx(np.mean((patches - decoded) ** 2), rel=1e-12)


@pytest.fixture
def discriminator(rng):
    discriminator = Discriminator(6, 5, rng, np.float64)
    discriminator.params.flat[...] += 0.5 * rng.normal(size=discriminator.params.flat.shape)
    return discriminator


@pytest.fixture
def groups(rng):
    """Real and fake groups, some of each beyond their margin, so that both sides of the hinge are met."""
    return 2 * rng.normal(size=(2, 9, 6))


def test_the_discriminators_gradients_are_the_slopes_of_the_hinge_loss(discriminator, groups):
    real, fake = groups

    def loss():
        return hinge_discriminator_forward(discriminator.forward(real)[0], discriminator.forward(fake)[0])[0]

    _, grads = adversarial_gradients(discriminator, real, fake)
    check_parameter_gradients(loss, discriminator.params, grads, entries=30)
    margins = [1 - discriminator.forward(real)[0], 1 + discriminator.forward(fake)[0]]
    assert all((margin > 0).any() and (margin < 0).any() for margin in margins)


def test_the_adversarys_word_on_the_reconstructions_makes_them_look_more_real(discriminator, groups):
    real, fake = groups

    def loss():
        return -float(discriminator.forward(fake)[0].mean())

    dfake, _ = adversarial_gradients(discriminator, real, fake)
    check_parameter_gradients(loss, {"fake": fake}, {"fake": dfake}, entries=fake.size)
    before = loss()
    fake -= 0.1 * dfake / norm(dfake)
    assert loss() < before


def test_a_float32_codec_step_is_float32_throughout(arrays_in, rng):
    codec = Codec(CodecSettings(patch=(1, 2, 2), channels=3, hidden=7), rng)
    discriminator = Discriminator(48, 5, rng)
    patches = rng.uniform(-1, 1, size=(2, 4, 12)).astype(np.float32)
    noise = rng.standard_normal((2, 4, 3), dtype=np.float32)
    *numbers, reconstruction, dreconstruction, dmean, dlog_variance, cache = codec_loss_and_gradients(
        codec, patches, noise, NOISE_STD
    )
    adversarial = adversarial_gradients(discriminator, patches.reshape(2, -1), reconstruction.reshape(2, -1))
    grads = codec.backward(dreconstruction, dmean, dlog_variance, cache)
    found = arrays_in((reconstruction, dreconstruction, dmean, dlog_variance, cache, adversarial, grads))
    assert len(found) > 20
    assert {array.dtype for array in found if array.dtype != bool} == {np.dtype(np.float32)}
    assert all(type(number) is float for number in (*numbers, norm(dreconstruction)))


# --- What it is trained on ---------------------------------------------------------------------------------


def test_the_pool_is_made_of_clips_of_the_training_split(rng):
    settings = CodecSettings(patch=(2, 4, 4), channels=4, hidden=8)
    pool = patch_pool(settings, SIZE, FRAMES, 70, rng)  # more than are rendered at once
    assert pool.shape == (70, 2, 4, 4, 96)
    assert pool.dtype == np.float32
    assert -1 <= pool.min() < -0.5 < 0.5 < pool.max() <= 1
    clips = pool.reshape(70, 2, 4, 4, 2, 4, 4, 3).transpose(0, 1, 4, 2, 5, 3, 6, 7).reshape(70, FRAMES, SIZE, SIZE, 3)
    readings = verify_batch((clips + 1) / 2)
    assert np.mean([reading.whole for reading in readings]) > 0.9
    shown = {reading.attributes for reading in readings if reading.whole and reading.color}
    assert len(shown) > 40
    assert shown <= set(SEEN)


def test_a_group_is_four_neighbouring_patches_row_by_row(rng):
    clips, frames, rows, columns = 3, 2, 4, 5
    pool = np.stack(np.meshgrid(*map(np.arange, (clips, frames, rows, columns)), indexing="ij"), axis=-1)
    groups = draw_groups(pool, 500, rng)  # each patch says where it is from
    assert groups.shape == (500, 4, 4)
    offsets = groups - groups[:, :1]
    assert np.array_equal(offsets[0], [[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 1, 1]])
    assert (offsets == offsets[0]).all()
    corners = {tuple(corner) for corner in groups[:, 0].tolist()}
    assert len(corners) == clips * frames * (rows - 1) * (columns - 1)  # all of them come up


# --- The training ------------------------------------------------------------------------------------------

TRAINING = CodecTraining(steps=300, pool=32, groups=32, warmup=20, discriminator_hidden=32)
SETTINGS = CodecSettings(patch=(1, 4, 4), channels=8, hidden=48)


def trained(training, seed=0):
    codec = Codec(SETTINGS, np.random.default_rng(seed))
    return codec, train_codec(codec, training, SIZE, FRAMES, seed, progress=False)


@pytest.fixture(scope="module")
def by_likelihood():
    return trained(replace(TRAINING, adversarial_weight=0.0))


@pytest.fixture(scope="module")
def with_adversary():
    return trained(TRAINING)


@pytest.mark.parametrize("kind", ["by_likelihood", "with_adversary"])
def test_training_makes_the_reconstructions_better(kind, request):
    codec, reached = request.getfixturevalue(kind)
    untrained = reconstruction_psnr(Codec(SETTINGS, np.random.default_rng(0)), SIZE, FRAMES, 0)
    assert untrained < 10
    assert reached > 18  # of 19.7 and 19.7
    assert reached == reconstruction_psnr(codec, SIZE, FRAMES, 0)


def test_the_adversary_has_a_say(by_likelihood, with_adversary):
    (codec, reached), (judged, reached_judged) = by_likelihood, with_adversary
    assert not np.allclose(codec.params.flat, judged.params.flat, atol=1e-4)
    assert abs(reached - reached_judged) < 2  # but not the last word: the pictures stay about as good


def test_the_adversary_waits_for_its_start(by_likelihood):
    codec, _ = by_likelihood
    late, _ = trained(replace(TRAINING, adversarial_start=1.0))
    assert np.array_equal(late.params.flat, codec.params.flat)


@pytest.mark.parametrize("kind", ["by_likelihood", "with_adversary"])
def test_latents_of_fresh_clips_have_mean_0_and_standard_deviation_1(kind, request, rng):
    codec, _ = request.getfixturevalue(kind)
    chosen = [SEEN[i] for i in rng.integers(len(SEEN), size=200)]
    latents = codec.encode(render_batch(chosen, rng, SIZE, FRAMES))
    assert latents.dtype == np.float32
    assert np.abs(latents.mean(axis=(0, 1, 2, 3))).max() < 0.3  # of each channel
    assert abs(latents.std() - 1) < 0.1  # of all together


def test_a_codec_follows_from_its_seed(with_adversary):
    codec, reached = with_adversary
    again, reached_again = trained(TRAINING)
    assert np.array_equal(again.params.flat, codec.params.flat)
    assert reached_again == reached
    other, _ = trained(replace(TRAINING, steps=5), seed=1)
    third, _ = trained(replace(TRAINING, steps=5), seed=2)
    assert not np.allclose(other.params.flat, third.params.flat)


def test_a_codecs_training_that_diverges_stops_and_says_so():
    with np.errstate(all="ignore"), pytest.raises(UserError, match=r"codec's training diverged at step \d+.* lower"):
        trained(replace(TRAINING, learning_rate=1e30, warmup=0))


def test_psnr_is_the_decibels_of_an_error_of_values_that_span_two():
    assert psnr(4.0) == pytest.approx(0.0)
    assert psnr(0.04) == pytest.approx(20.0)


def test_a_codec_is_judged_on_held_out_clips_clipped_to_the_pixels_range(by_likelihood, monkeypatch):
    codec, reached = by_likelihood
    rng = np.random.default_rng([0, 2])
    chosen = [HELD_OUT[i] for i in rng.integers(len(HELD_OUT), size=128)]
    real = render_batch(chosen, rng, SIZE, FRAMES)
    error = np.mean((codec.decode(codec.encode(real)) - real) ** 2)
    assert reached == pytest.approx(-10 * np.log10(error), abs=1e-3)
