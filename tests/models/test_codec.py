from dataclasses import replace

import numpy as np
import pytest

from minidit.backend.device import choose_device
from minidit.gradient_check import check_gradients, check_parameter_gradients
from minidit.layers import (
    gaussian_kl_backward,
    gaussian_kl_forward,
    linear_forward,
    mse_backward,
    mse_forward,
    patchify,
    relu_forward,
    unpatchify,
)
from minidit.models.codec import Codec, CodecSettings, from_signed, to_signed
from minidit.models.decoder import Stage

SETTINGS = CodecSettings(patch=(2, 1, 3), channels=4, hidden=9)
VALUES = 2 * 1 * 3 * 3
ONE = (1, 1, 1)
# Decoders that see the latents around a patch, and of which one makes the picture larger in two steps.
WIDE = replace(SETTINGS, decoder=(Stage((1, 3, 3), 8), Stage(ONE, 7), Stage(ONE, 3, (2, 1, 3))))
GROWING = replace(SETTINGS, decoder=(Stage((1, 3, 3), 5, (1, 1, 3)), Stage((3, 1, 3), 3, (2, 1, 1))))
CLIPS = (2, 4, 3, 6, 3)  # two clips, on a grid of 2 × 3 × 2 patches
GRID = (2, 2, 3, 2)


@pytest.fixture(params=[SETTINGS, WIDE, GROWING], ids=["one patch", "window", "growing"])
def codec(request, away_from_zero):
    codec = Codec(request.param, dtype=np.float64)
    away_from_zero(codec.params)
    return codec


def on_grid(clips):
    """Their patches, (N, f, r, c, P)."""
    return patchify(to_signed(clips), SETTINGS.patch).reshape(*GRID, VALUES)


class Training:
    """A codec at work: reconstruction and KL, as in its training."""

    def __init__(self, codec, rng):
        self.codec = codec
        self.patches, self.noise = rng.uniform(-1, 1, (*GRID, VALUES)), rng.normal(size=(*GRID, SETTINGS.channels))
        self.error = rng.normal(size=self.noise.shape)

    def run(self):
        reconstruction, mean, log_variance, cache = self.codec.forward(self.patches, self.noise, lambda _: self.error)
        error, mse_cache = mse_forward(reconstruction, self.patches)
        kl, kl_cache = gaussian_kl_forward(mean, log_variance)
        return error + 0.3 * kl, (cache, mse_cache, kl_cache)

    def loss(self):
        return self.run()[0]

    def grads(self):
        _, (cache, mse_cache, kl_cache) = self.run()
        dreconstruction, _ = mse_backward(1.0, mse_cache)
        dmean, dlog_variance = gaussian_kl_backward(0.3, kl_cache)
        return self.codec.backward(dreconstruction, dmean, dlog_variance, cache)


# Gradients


def test_every_gradient_of_the_training_loss(codec, rng):
    training = Training(codec, rng)
    check_parameter_gradients(training.loss, codec.params, training.grads(), entries=30)


def test_gradients_reach_the_patches_and_the_latents(codec, rng):
    def encoder_forward(patches):
        mean, log_variance, cache = codec.encoder_forward(patches)
        return np.concatenate([mean, log_variance], axis=-1), cache

    def encoder_backward(dy, cache):
        return codec.encoder_backward(dy[..., : SETTINGS.channels], dy[..., SETTINGS.channels :], cache)[0]

    def decoder_backward(dy, cache):
        return codec.decoder_backward(dy, cache)[0]

    check_gradients(encoder_forward, encoder_backward, rng.uniform(-1, 1, (3, VALUES)))
    check_gradients(codec.decoder_forward, decoder_backward, rng.normal(size=(1, 2, 3, 2, SETTINGS.channels)))


SLIPS = {
    "the sample forgotten": (
        "minidit.models.codec.reparameterize_backward",
        lambda dz, cache: (np.zeros_like(dz), np.zeros_like(dz)),
        {"encoder"},
    ),
    "the noise taken for a constant": (
        "minidit.models.codec.reparameterize_backward",
        lambda dz, cache: (dz, np.zeros_like(dz)),
        {"encoder"},
    ),
    "the neighbours forgotten": (
        "minidit.models.decoder.neighbours_backward",
        lambda dy, cache: np.split(dy, np.prod(cache[1]), axis=-1)[np.prod(cache[1]) // 2],
        {"encoder"},
    ),
    "the encoder's ReLU passed over": ("minidit.models.codec.relu_backward", lambda dy, cache: dy, {"encoder"}),
    "the decoder's ReLU passed over": (
        "minidit.models.decoder.relu_backward",
        lambda dy, cache: dy,
        {"encoder", "decoder"},
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_the_check_names_what_a_mistake_makes_wrong(rng, away_from_zero, wrong_gradients, monkeypatch, slip):
    target, replacement, wrong = SLIPS[slip]
    codec = Codec(WIDE, dtype=np.float64)
    away_from_zero(codec.params)
    monkeypatch.setattr(target, replacement)
    training = Training(codec, rng)
    named = wrong_gradients(training.loss, codec.params, training.grads())
    assert {name.partition(".")[0] for name in named} == wrong


# Clips and latents


def test_latents_lie_on_the_grid_of_patches_and_clips_come_back_in_range(codec, rng):
    clips = rng.uniform(size=CLIPS)
    latents = codec.encode(clips)
    assert latents.shape == (2, 2, 3, 2, SETTINGS.channels)
    decoded = codec.decode(10 * latents)
    assert decoded.shape == clips.shape
    assert (decoded.min(), decoded.max()) == (0, 1)


def test_each_patch_is_encoded_by_itself(codec, rng):
    clips = rng.uniform(size=CLIPS)
    changed = clips.copy()
    changed[1, 2:4, 1:2, 3:6] = 0  # the patch at (1, 1, 1) of the second clip
    difference = (codec.encode(changed) != codec.encode(clips)).any(axis=-1)
    np.testing.assert_array_equal(np.argwhere(difference), [[1, 1, 1, 1]])


@pytest.mark.parametrize("window", [(1, 1, 1), (1, 3, 1), (3, 1, 1), (1, 3, 3)])
def test_a_latent_is_seen_in_the_window_around_its_patch_and_nowhere_else(rng, away_from_zero, window):
    codec = Codec(replace(SETTINGS, decoder=(Stage(window, 9), Stage(ONE, 3, (2, 1, 3)))), dtype=np.float64)
    away_from_zero(codec.params)
    latents = rng.normal(size=(2, 3, 4, 5, SETTINGS.channels)) * 0.1
    moved = latents.copy()
    moved[1, 1, 1, 2] += 0.1
    changed = np.zeros(latents.shape[:4], bool)
    near = tuple(slice(i - size // 2, i + size // 2 + 1) for i, size in zip((1, 1, 2), window, strict=True))
    changed[1, *near] = True
    difference = patchify(codec.decode(moved) != codec.decode(latents), SETTINGS.patch).any(axis=-1)
    np.testing.assert_array_equal(difference.reshape(changed.shape), changed)


def test_a_window_of_one_is_the_plain_decoder_to_the_bit(rng, away_from_zero):
    """As it was before there were windows: what an earlier version's file makes is the same."""
    codec = Codec(SETTINGS)
    p = away_from_zero(codec.params)
    codec.latent_mean[...], codec.latent_std[...] = rng.normal(size=4), 1 + rng.random(4)
    latents = rng.normal(size=(*GRID, 4)).astype(np.float32)
    z = latents.reshape(2, 12, 4) * codec.latent_std + codec.latent_mean
    h, _ = relu_forward(linear_forward(z, p["decoder.0.weight"], p["decoder.0.bias"])[0])
    patches, _ = linear_forward(h, p["decoder.2.weight"], p["decoder.2.bias"])
    np.testing.assert_array_equal(codec.decode(latents), from_signed(unpatchify(patches, SETTINGS.patch, GRID[1:])))


def test_normalised_latents_of_every_channel_have_mean_0_and_standard_deviation_1(codec, rng):
    clips = rng.uniform(size=CLIPS)
    assert codec.encode(clips).std(axis=(0, 1, 2, 3)).max() < 0.9
    codec.normalize_latents(patchify(to_signed(clips), SETTINGS.patch))
    latents = codec.encode(clips)
    np.testing.assert_allclose(latents.mean(axis=(0, 1, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(latents.std(axis=(0, 1, 2, 3)), 1, rtol=1e-12)


def test_an_error_is_added_to_what_the_decoder_gets_and_to_nothing_else(codec, rng):
    patches, noise = rng.uniform(-1, 1, (*GRID, VALUES)), rng.normal(size=(*GRID, SETTINGS.channels))
    given = []

    def error(mean):
        given.append(mean)
        return 0.5 * noise

    plain, mean, log_variance, _ = codec.forward(patches, noise)
    reconstruction, *encoded, _ = codec.forward(patches, noise, error)
    np.testing.assert_array_equal(encoded, (mean, log_variance))
    np.testing.assert_array_equal(given, [mean])
    decoded, _ = codec.decoder_forward(mean + np.exp(log_variance / 2) * noise + 0.5 * noise)
    np.testing.assert_allclose(reconstruction, decoded, rtol=1e-12)
    assert not np.allclose(plain, decoded)


def test_normalising_does_not_change_what_is_reconstructed(codec, rng):
    clips = rng.uniform(size=CLIPS)
    plain = codec.decode(codec.encode(clips))
    codec.normalize_latents(patchify(to_signed(clips), SETTINGS.patch))
    np.testing.assert_allclose(codec.decode(codec.encode(clips)), plain, rtol=1e-9, atol=1e-12)


def test_without_noise_training_sees_what_encode_and_decode_do(codec, rng):
    clips = rng.uniform(size=CLIPS)
    reconstruction, mean, _, _ = codec.forward(on_grid(clips), np.zeros((*GRID, SETTINGS.channels)))
    np.testing.assert_allclose(mean, codec.encode(clips), rtol=1e-12)
    decoded = on_grid(codec.decode(codec.encode(clips)))
    np.testing.assert_allclose(np.clip(reconstruction, -1, 1), decoded, rtol=1e-9, atol=1e-12)


def test_pixels_and_signed_values_undo_each_other(rng):
    clips = rng.uniform(size=CLIPS)
    np.testing.assert_allclose(from_signed(to_signed(clips)), clips, atol=1e-15)
    np.testing.assert_array_equal(from_signed(np.array([-1.5, -1, 0, 1, 1.5])), [0, 0, 0.5, 1, 1])


def test_a_clip_that_does_not_divide_is_refused(codec):
    with pytest.raises(ValueError, match="5 columns do not divide into patches of 3"):
        codec.encode(np.zeros((1, 2, 1, 5, 3)))


@pytest.mark.parametrize("settings", [SETTINGS, WIDE])
def test_float32_stays_float32_and_nothing_given_is_written_to(settings, rng, float_types, locked):
    codec = Codec(settings, rng)
    clips = locked(rng.uniform(size=CLIPS).astype(np.float32))
    patches = locked(on_grid(clips))
    codec.normalize_latents(patches)
    locked(dict(codec.params))
    noise = locked(rng.normal(size=(*GRID, SETTINGS.channels)).astype(np.float32))
    *outputs, cache = codec.forward(patches, noise, lambda _: noise)
    grads = codec.backward(*locked(outputs), locked(cache))
    latents = locked(codec.encode(clips))
    assert float_types(outputs, cache, grads, latents, codec.decode(latents)) == {"float32"}
    assert {name: gradient.shape for name, gradient in grads.items()} == dict(codec.params.shapes)


# On another device


@pytest.fixture
def twins(codec, rng):
    """A float32 codec whose latents are normalised, and the same one on the simulated GPU."""
    small = Codec(codec.settings)
    small.params.flat[...] = codec.params.flat
    small.normalize_latents(patchify(to_signed(rng.uniform(size=CLIPS).astype(np.float32)), SETTINGS.patch))
    return small, small.on(choose_device("simulated"))


def test_on_another_device_it_encodes_and_decodes_the_same(twins, rng):
    here, there = twins
    xp, clips = choose_device("simulated"), rng.uniform(size=CLIPS).astype(np.float32)
    latents = there.encode(xp.asarray(clips))
    np.testing.assert_allclose(latents.get(), here.encode(clips), atol=1e-5)
    np.testing.assert_allclose(there.decode(latents).get(), here.decode(here.encode(clips)), atol=1e-5)


def test_on_another_device_its_gradients_are_the_same(twins, rng):
    here, there = twins
    xp = choose_device("simulated")
    patches, noise = rng.uniform(-1, 1, (*GRID, VALUES)), rng.normal(size=(*GRID, SETTINGS.channels))
    patches, noise = patches.astype(np.float32), noise.astype(np.float32)
    *outputs, cache = here.forward(patches, noise)
    *outputs_there, cache_there = there.forward(xp.asarray(patches), xp.asarray(noise))
    grads, grads_there = here.backward(*outputs, cache), there.backward(*outputs_there, cache_there)
    for name, gradient in grads.items():
        np.testing.assert_allclose(grads_there[name].get(), gradient, atol=1e-5 * np.abs(gradient).max(), err_msg=name)


def test_clips_are_reconstructed_from_the_host_and_to_the_host(twins, rng):
    here, there = twins
    clips = rng.uniform(size=CLIPS).astype(np.float32)
    np.testing.assert_array_equal(here.reconstruct(clips), here.decode(here.encode(clips)))
    with choose_device("simulated").count() as count:
        reconstructed = there.reconstruct(clips)
    assert type(reconstructed) is np.ndarray
    np.testing.assert_allclose(reconstructed, here.reconstruct(clips), atol=1e-5)
    for copies in (count.host_to_device, count.device_to_host):
        assert (copies.count, copies.bytes) == (1, clips.nbytes)


def test_normalising_on_a_device_leaves_the_codec_of_the_other_alone(twins, rng):
    here, there = twins
    before = here.latent_mean.copy(), here.latent_std.copy()
    patches = patchify(to_signed(rng.uniform(size=CLIPS).astype(np.float32) ** 2), SETTINGS.patch)
    there.normalize_latents(choose_device("simulated").asarray(patches))
    np.testing.assert_array_equal((here.latent_mean, here.latent_std), before)
    back = there.on(np)
    here.normalize_latents(patches)
    np.testing.assert_allclose(back.latent_mean, here.latent_mean, atol=1e-5)
    np.testing.assert_allclose(back.latent_std, here.latent_std, rtol=1e-5)
    assert not np.allclose(back.latent_mean, before[0], atol=1e-3)


def test_there_and_back_it_is_the_same_codec(twins):
    here, there = twins
    back = there.on(np)
    assert back.settings == here.settings
    for one, other in zip(
        (back.params.flat, back.latent_mean, back.latent_std), (here.params.flat, here.latent_mean, here.latent_std),
        strict=True,
    ):  # fmt: skip
        np.testing.assert_array_equal(one, other)
