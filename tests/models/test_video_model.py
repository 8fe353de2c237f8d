from dataclasses import replace

import numpy as np
import pytest

from minidit.backend.device import choose_device
from minidit.models import CodecSettings, DiTSettings, TextEncoderSettings, VideoModel, VideoModelSettings
from minidit.models.tokenizer import SPECIAL
from minidit.world import VOCABULARY, Attributes, caption, render_batch

SETTINGS = VideoModelSettings(
    size=16,
    frames=8,
    codec=CodecSettings(patch=(2, 4, 4), channels=5, hidden=6),
    dit=DiTSettings(
        in_channels=5,
        patch=(4, 1, 1),
        width=12,
        depth=1,
        num_heads=3,
        text=TextEncoderSettings(len(SPECIAL) + len(VOCABULARY), max_length=15, width=4, num_heads=2),
    ),
    vocabulary=VOCABULARY,
)


@pytest.mark.parametrize(
    ("change", "shape"),
    [
        ({}, (4, 4, 4, 5)),
        ({"size": 32, "frames": 4}, (2, 8, 8, 5)),
        ({"codec": CodecSettings((1, 8, 2), 3, 6)}, (8, 2, 8, 3)),
    ],
)
def test_the_shape_of_the_latents_follows_from_clip_and_codec(change, shape):
    assert replace(SETTINGS, **change).latent_shape == shape


def test_its_parts_fit_together(rng):
    model = VideoModel(SETTINGS, rng)
    shown = [Attributes("red", "circle", "right", "day"), Attributes(None, None, None, "night")]
    clips = render_batch(shown, rng, SETTINGS.size, SETTINGS.frames)
    latents = model.codec.encode(clips)
    assert latents.shape == (2, *SETTINGS.latent_shape)
    ids = model.tokenizer.encode([caption(attributes) for attributes in shown])
    assert ids.max() < SETTINGS.dit.text.vocabulary_size
    prediction, _ = model.dit.forward(latents, np.array([200.0, 700.0]), ids)
    assert prediction.shape == latents.shape
    decoded = model.codec.decode(latents + prediction)
    assert decoded.shape == clips.shape
    assert {clips.dtype, latents.dtype, prediction.dtype, decoded.dtype} == {np.dtype(np.float32)}


def test_the_tokenizer_has_the_length_that_the_text_encoder_reads():
    assert VideoModel(SETTINGS).tokenizer.max_length == 15
    assert len(VideoModel(SETTINGS).tokenizer) == SETTINGS.dit.text.vocabulary_size


def test_the_same_seed_draws_the_same_model():
    one, other = (VideoModel(SETTINGS, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one.codec.params.flat, other.codec.params.flat)
    np.testing.assert_array_equal(one.dit.params.flat, other.dit.params.flat)
    assert one.codec.params.flat.any() and one.dit.params.flat.any()


def test_without_a_generator_it_waits_to_be_loaded():
    model = VideoModel(SETTINGS, dtype=np.float64)
    assert not model.codec.params.flat.any() and not model.dit.params.flat.any()
    assert model.codec.params.dtype == model.dit.params.dtype == np.float64


def test_the_dit_can_live_in_memory_given_to_it(rng):
    buffer = np.zeros(VideoModel(SETTINGS).dit.params.flat.size, np.float32)
    model = VideoModel(SETTINGS, rng, dit_buffer=buffer)
    assert model.dit.params.flat is buffer
    assert buffer.any()


def test_on_another_device_all_that_computes_is_there_and_the_rest_is_shared(rng):
    xp = choose_device("simulated")
    model = VideoModel(SETTINGS, rng)
    there = model.on(xp)
    assert (model.xp, there.xp) == (np, xp)
    assert there.settings is model.settings and there.tokenizer is model.tokenizer
    for array in (there.dit.params.flat, there.codec.params.flat, there.codec.latent_mean, there.codec.latent_std):
        assert isinstance(array, xp.ndarray)
    for array in (model.dit.params.flat, model.codec.params.flat, model.codec.latent_mean):
        assert type(array) is np.ndarray


def test_on_the_device_that_it_is_on_it_is_itself(rng):
    xp = choose_device("simulated")
    model = VideoModel(SETTINGS, rng)
    there = model.on(xp)
    assert model.on(np) is model
    assert there.on(xp) is there
    back = there.on(np)
    np.testing.assert_array_equal(back.dit.params.flat, model.dit.params.flat)
    np.testing.assert_array_equal(back.codec.params.flat, model.codec.params.flat)


def test_the_dit_can_live_in_memory_of_a_device(rng):
    xp = choose_device("simulated")
    buffer = xp.zeros(VideoModel(SETTINGS).dit.params.flat.size, np.float32)
    model = VideoModel(SETTINGS, dit_buffer=buffer)
    assert model.dit.params.flat is buffer
    assert model.xp is xp
