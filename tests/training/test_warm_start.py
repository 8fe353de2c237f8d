from dataclasses import replace

import numpy as np
import pytest

from minidit.errors import UserError
from minidit.models import VideoModel
from minidit.models.checkpoint import save_model
from minidit.models.decoder import Stage
from minidit.training.warm_start import start_from


def with_channels(settings):
    return replace(settings, dit=replace(settings.dit, conditioning_channels=True))


def predictions(model, rng):
    x = rng.standard_normal((2, *model.settings.latent_shape), dtype=np.float32)
    ids = model.tokenizer.encode(["a red circle moves right in the day sky", ""])
    return model.dit.forward(x, np.array([100, 700], np.float32), ids)[0]


def test_a_model_with_marks_goes_on_where_one_without_ended(small_model, tmp_path):
    save_model(tmp_path / "old.safetensors", small_model)
    new = VideoModel(with_channels(small_model.settings))
    start_from(new, tmp_path / "old.safetensors")
    old_one, new_one = (predictions(model, np.random.default_rng(1)) for model in (small_model, new))
    np.testing.assert_allclose(new_one, old_one, atol=1e-6)
    clips = np.random.default_rng(2).random((1, 8, 16, 16, 3), dtype=np.float32)
    assert np.array_equal(new.codec.encode(clips), small_model.codec.encode(clips))


def test_a_model_of_the_same_kind_is_copied(small_model, tmp_path):
    save_model(tmp_path / "old.safetensors", small_model)
    new = VideoModel(small_model.settings)
    start_from(new, tmp_path / "old.safetensors")
    assert np.array_equal(new.dit.params.flat, small_model.dit.params.flat)


def test_a_decoder_grows_another_stage_and_draws_the_same(small_model, tmp_path):
    save_model(tmp_path / "old.safetensors", small_model)
    codec = small_model.settings.codec
    stages = (codec.stages[0], Stage((1, 1, 1), 30, (1, 2, 2)), Stage((1, 3, 3), 3, (1, 2, 2)))
    new = VideoModel(replace(small_model.settings, codec=replace(codec, decoder=stages)), np.random.default_rng(5))
    start_from(new, tmp_path / "old.safetensors")
    clips = np.random.default_rng(0).random((2, 8, 16, 16, 3), dtype=np.float32)
    assert np.array_equal(new.codec.encode(clips), small_model.codec.encode(clips))
    np.testing.assert_allclose(new.codec.reconstruct(clips), small_model.codec.reconstruct(clips), atol=1e-6)


def test_a_decoder_that_can_not_grow_into_the_new_one_is_refused(small_model, tmp_path):
    save_model(tmp_path / "old.safetensors", small_model)
    stages = (Stage((1, 3, 3), 6, (1, 2, 2)), Stage((1, 1, 1), 3, (1, 2, 2)))
    codec = replace(small_model.settings.codec, decoder=stages)
    with pytest.raises(UserError, match="codec or vocabulary differs from the preset's"):
        start_from(VideoModel(replace(small_model.settings, codec=codec)), tmp_path / "old.safetensors")


def test_another_network_is_refused(small_model, tmp_path):
    save_model(tmp_path / "old.safetensors", small_model)
    settings = small_model.settings
    deeper = VideoModel(replace(settings, dit=replace(settings.dit, depth=2)))
    with pytest.raises(UserError, match="differs from the preset's"):
        start_from(deeper, tmp_path / "old.safetensors")


def test_conditioning_channels_are_not_lost(small_model, tmp_path):
    save_model(tmp_path / "with_channels.safetensors", VideoModel(with_channels(small_model.settings)))
    with pytest.raises(UserError, match="Choose a preset such as film"):
        start_from(VideoModel(small_model.settings), tmp_path / "with_channels.safetensors")


def test_a_missing_file_is_said(small_model, tmp_path):
    with pytest.raises(UserError, match="no checkpoint"):
        start_from(small_model, tmp_path / "nothing.safetensors")
