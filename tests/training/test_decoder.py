from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from minidit.gradient_check import check_parameter_gradients
from minidit.layers import mse_backward, mse_forward
from minidit.training import decoder
from minidit.training.codec import train_codec
from minidit.training.decoder import decoder_batch, decoder_parameters, refine_decoder, seconds_per_decoder_step
from minidit.training.settings import CodecTraining

TRAINING = CodecTraining(batch=10, refine_steps=60, warmup=5, learning_rate=5e-3)


def test_clips_of_a_batch_are_those_of_its_latents(small_model):
    patches, latents = decoder_batch(small_model, replace(TRAINING, latent_error=0.0), np.random.default_rng(4))
    assert patches.shape == (10, 8, 4, 4, 48)
    assert latents.shape == (10, 8, 4, 4, 4)
    mean, _, _ = small_model.codec.encoder_forward(patches)
    clean = (mean - small_model.codec.latent_mean) / small_model.codec.latent_std
    np.testing.assert_allclose(latents[5:], clean[5:], rtol=1e-5, atol=1e-5)  # no error was asked for
    assert np.abs(latents[:5] - clean[:5]).mean() > 0.1  # what an untrained DiT predicts


def test_errors_are_as_large_as_asked_for(small_model):
    clean, noised = (
        decoder_batch(small_model, replace(TRAINING, batch=500, latent_error=size), np.random.default_rng(4))[1][300:]
        for size in (0.0, 0.5)
    )
    errors = (noised - clean).std(axis=(1, 2, 3, 4))
    assert errors.max() == pytest.approx(0.5, rel=0.1)
    assert errors.mean() == pytest.approx(0.25, rel=0.15)


def test_clips_are_of_the_sizes_that_the_codec_was_trained_on_and_a_few_batches_of_pictures(small_model):
    training = replace(TRAINING, batch=5, sizes=((16, 24), (32, 16)))
    grids = Counter(decoder_batch(small_model, training, np.random.default_rng(i))[0].shape[1:4] for i in range(80))
    assert set(grids) == {(8, 4, 6), (8, 8, 4), (1, 4, 6), (1, 8, 4)}
    assert 2 <= grids[1, 4, 6] + grids[1, 8, 4] <= 20


def test_only_the_decoder_learns_and_the_model_stays_as_it_is(small_model):
    before = small_model.codec.params.flat.copy(), small_model.dit.params.flat.copy()
    codec = refine_decoder(small_model, TRAINING, seed=0, progress=False)
    assert np.array_equal(small_model.codec.params.flat, before[0])
    assert np.array_equal(small_model.dit.params.flat, before[1])
    for name, array in codec.params.items():
        assert np.array_equal(array, small_model.codec.params[name]) == name.startswith("encoder."), name
    assert np.array_equal(codec.latent_std, small_model.codec.latent_std)


@pytest.fixture
def with_codec(small_model):
    """The small model with a codec that is trained a little, and a DiT whose predictions are too large."""
    train_codec(small_model.codec, CodecTraining(steps=300, pool=64), 16, 8, seed=0, progress=False)
    seen = {}

    def noised(path, x, noise, t):
        seen["x"] = x
        return x

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(decoder.PATH), "noised", noised)
        patch.setattr(small_model.dit, "predict", lambda x, t, prompt: 1.7 * seen["x"])
        yield small_model


def test_it_draws_better_what_the_dit_predicts_and_almost_as_well_what_is_clean(with_codec):
    codec = refine_decoder(with_codec, replace(TRAINING, refine_steps=150), seed=0, progress=False)
    patches, latents = decoder_batch(with_codec, replace(TRAINING, batch=50), np.random.default_rng(99))

    def error(codec, part):
        drawn, _ = codec.decoder_forward(latents[part] * codec.latent_std + codec.latent_mean)
        return float(np.mean((drawn - patches[part]) ** 2))

    predicted, others = slice(30), slice(30, None)
    assert error(codec, predicted) < 0.6 * error(with_codec.codec, predicted)
    assert error(codec, others) < 1.6 * error(with_codec.codec, others)


def test_it_follows_from_its_seed(small_model):
    few = replace(TRAINING, refine_steps=3)
    one, again, other = (refine_decoder(small_model, few, seed, progress=False).params.flat for seed in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_the_decoders_gradients_are_the_slopes_of_its_error(small_model, rng):
    codec = small_model.codec
    codec.params = codec.params.astype(np.float64)
    z, patches = rng.normal(size=(2, 3, 2, 2, 4)), rng.uniform(-1, 1, (2, 3, 2, 2, 48))

    def loss():
        return mse_forward(codec.decoder_forward(z)[0], patches)[0]

    drawn, cache = codec.decoder_forward(z)
    _, grads = codec.decoder_backward(mse_backward(1.0, mse_forward(drawn, patches)[1])[0], cache)
    assert grads.keys() == decoder_parameters(codec).keys()
    check_parameter_gradients(loss, decoder_parameters(codec), grads, entries=30)


def test_timing_it_changes_nothing(small_model):
    before = small_model.codec.params.flat.copy()
    assert 0 < seconds_per_decoder_step(small_model, TRAINING) < 5
    assert np.array_equal(small_model.codec.params.flat, before)


def test_predictions_of_other_kinds_are_read_as_the_clip(small_model, monkeypatch):
    """A network that predicts the velocity perfectly gives the decoder clean latents."""
    small_model.settings = replace(small_model.settings, prediction="velocity")
    seen = {}
    noised = decoder.PATH.noised
    monkeypatch.setattr(
        type(decoder.PATH), "noised", lambda path, x, noise, t: seen.update(x=x, noise=noise) or noised(x, noise, t)
    )
    monkeypatch.setattr(small_model.dit, "predict", lambda x, t, prompt: seen["x"] - seen["noise"])
    _, latents = decoder_batch(small_model, replace(TRAINING, latent_error=0.0), np.random.default_rng(4))
    np.testing.assert_allclose(latents[:5], seen["x"], atol=1e-5)
