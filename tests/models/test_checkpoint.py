import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from minidit.errors import UserError
from minidit.files.tensors import read_tensors, write_tensors
from minidit.generation.text_to_video import generate
from minidit.models import VideoModel
from minidit.models.checkpoint import (
    codec_tensors,
    load_codec,
    load_model,
    load_record,
    save_model,
    settings_from_json,
    settings_to_json,
)
from minidit.models.decoder import Stage


def test_settings_come_back_equal(small_preset):
    settings = replace(small_preset.model, prediction="noise", guidance=3.5)
    assert settings_from_json(settings_to_json(settings)) == settings


def test_settings_of_earlier_versions_keep_their_meaning(small_preset):
    settings = replace(small_preset.model, dit=replace(small_preset.model.dit, conditioning_channels=True))
    data = settings_to_json(settings)
    data["dit"]["marks"] = data["dit"].pop("conditioning_channels")
    del data["codec"]["decoder"]  # it had one hidden layer, and saw one patch at a time
    assert settings_from_json(data) == settings


def test_settings_of_a_decoder_with_a_window_come_back_equal(small_preset):
    stages = (Stage((3, 3, 3), 16, (1, 2, 2)), Stage((1, 3, 3), 3, (1, 2, 2)))
    codec = replace(small_preset.model.codec, decoder=stages)
    settings = replace(small_preset.model, codec=codec)
    loaded = settings_from_json(json.loads(json.dumps(settings_to_json(settings))))
    assert loaded == settings
    assert loaded.codec.decoder == stages and type(loaded.codec.decoder[0]) is Stage


def test_a_model_comes_back_bit_for_bit_with_its_settings(small_model, tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(path, small_model)
    loaded = load_model(path)
    assert loaded.settings == small_model.settings
    assert type(loaded.settings.dit.patch) is type(loaded.settings.vocabulary) is tuple
    assert loaded.dit.params.flat.tobytes() == small_model.dit.params.flat.tobytes()
    for name, array in codec_tensors(small_model.codec).items():
        assert codec_tensors(loaded.codec)[name].tobytes() == array.tobytes(), name
    assert loaded.codec.latent_std[0] == 0.5
    prompt = ["a red circle moves right in the day sky"]
    assert np.array_equal(generate(loaded, prompt, [1]), generate(small_model, prompt, [1]))


def test_a_codec_is_copied_whole(small_model, small_preset):
    other = VideoModel(small_preset.model).codec
    load_codec(other, codec_tensors(small_model.codec))
    assert np.array_equal(other.params.flat, small_model.codec.params.flat)
    assert np.array_equal(other.latent_mean, small_model.codec.latent_mean)
    assert np.array_equal(other.latent_std, small_model.codec.latent_std)
    assert not np.shares_memory(other.params.flat, small_model.codec.params.flat)


def test_a_file_of_half_the_size_loads_as_a_float32_model(small_model, tmp_path):
    whole, half = tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    save_model(whole, small_model)
    save_model(half, small_model, dtype=np.float16)
    header = 20_000
    assert half.stat().st_size < 0.5 * whole.stat().st_size + header
    assert {array.dtype for array in read_tensors(half)[0].values()} == {np.dtype(np.float16)}
    loaded = load_model(half)
    assert loaded.dit.params.flat.dtype == loaded.codec.params.flat.dtype == np.float32
    expected = small_model.dit.params.flat.astype(np.float16)
    assert np.array_equal(loaded.dit.params.flat, expected.astype(np.float32))
    clips = generate(loaded, ["the night sky"], [0])
    assert clips.dtype == np.float32
    np.testing.assert_allclose(clips, generate(small_model, ["the night sky"], [0]), atol=0.02)


def test_the_record_of_a_training_comes_back_and_may_be_missing(small_model, tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(path, small_model, record={"seed": 3, "history": [[25, 0.5]]})
    assert load_record(path) == {"seed": 3, "history": [[25, 0.5]]}
    save_model(path, small_model)
    assert load_record(path) == {}


# --- Files that are not what they should be ----------------------------------------------------------------


@pytest.fixture
def saved(small_model, tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(path, small_model)
    return path


def test_a_missing_file_or_a_folder_is_a_users_error(tmp_path):
    for path in (tmp_path / "missing.safetensors", tmp_path):
        with pytest.raises(UserError, match=r"there is no checkpoint .* Train one with: minidit train"):
            load_model(path)


@pytest.mark.parametrize("kept", [0, 7, 100, 0.5, -1])
def test_a_truncated_file_is_a_users_error(kept, saved):
    data = saved.read_bytes()
    kept = int(kept * len(data)) if kept == 0.5 else kept
    saved.write_bytes(data[:kept])
    with pytest.raises(UserError, match=r"model\.safetensors is not a whole checkpoint .*truncated"):
        load_model(saved)


@pytest.mark.parametrize("data", [b"GIF89a and so on", b"\x80\x04K\x01.", b"\xff" * 64, b"{}" * 500])
def test_a_file_of_another_kind_is_a_users_error(data, tmp_path):
    path = tmp_path / "picture.gif"
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"picture\.gif is not a whole checkpoint .*of another kind"):
        load_model(path)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_another_programs_safetensors_file_is_a_users_error(metadata, tmp_path):
    path = tmp_path / "theirs.safetensors"
    save_file({"weight": np.ones(3, np.float32)}, path, metadata)
    found = repr(metadata and metadata["format"])
    with pytest.raises(UserError, match=rf"not one of minidit's: expected format 'minidit-1', found {found}"):
        load_model(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_found_and_named(bad, small_model, saved):
    small_model.dit.params["blocks.0.mlp.fc1.weight"][3, 2] = bad
    save_model(saved, small_model)
    with pytest.raises(UserError, match=r"NaN or infinity in dit\.blocks\.0\.mlp\.fc1\.weight: .* diverged"):
        load_model(saved)


def test_a_training_state_is_no_model(saved):
    tensors, metadata = read_tensors(saved)
    write_tensors(saved, tensors, metadata | {"kind": "state"})
    with pytest.raises(UserError, match=r"state of a training run, not a model.*model\.safetensors"):
        load_model(saved)


def missing(tensors, settings):
    del tensors["dit.x_embedder.proj.bias"]


def missing_of_the_codec(tensors, settings):
    del tensors["codec.latent_std"]


def misshapen(tensors, settings):
    tensors["codec.encoder.0.weight"] = tensors["codec.encoder.0.weight"][:-1]


def of_another_width(tensors, settings):
    settings["dit"]["width"] = 32


def with_heads_that_do_not_divide(tensors, settings):
    settings["dit"]["num_heads"] = 3


def with_a_setting_of_the_future(tensors, settings):
    settings["dit"]["flux_capacitor"] = True


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (missing, "dit.x_embedder.proj.bias"),
        (missing_of_the_codec, "codec.latent_std"),
        (misshapen, "encoder.0.weight has shape"),
        (of_another_width, "has shape"),
        (with_heads_that_do_not_divide, "not divisible by num_heads 3"),
        (with_a_setting_of_the_future, "flux_capacitor"),
    ],
)
def test_a_model_that_does_not_fit_its_settings_is_a_users_error(damage, said, saved):
    tensors, metadata = read_tensors(saved)
    damage(tensors, metadata["settings"])
    write_tensors(saved, tensors, metadata)
    with pytest.raises(UserError, match=rf"does not fit its own settings \(.*{said}.*another version"):
        load_model(saved)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("dit", "depth"), 0, "unknown dit.blocks.0"),
        (("dit", "depth"), 2, "missing dit.blocks.1"),
        (("dit", "depth"), -1, "depth is -1, not a number from 0 to 1000"),
        (("dit", "depth"), False, "depth is False, not of type int"),
        (("dit", "depth"), 10**6, "depth is 1000000, not a number from 0 to 1000"),
        (("dit", "num_heads"), 0, "num_heads is 0, not a number from 1"),
        (("dit", "width"), 10**9, "width is 1000000000, not a number from 1"),
        (("dit", "mlp_ratio"), float("nan"), "mlp_ratio is nan"),
        (("dit", "in_channels"), 8, "in_channels is 8, but the codec has 4 channels"),
        (("dit", "learn_sigma"), True, "learn_sigma is False"),
        (("dit", "text"), None, "num_classes or text"),
        (("dit", "text", "num_heads"), 3, "text encoder's width 8 is not divisible by num_heads 3"),
        (("dit", "text", "vocabulary_size"), 99, "vocabulary_size is 99; the vocabulary has"),
        (("dit",), [], r"dit is \[\], not a set of names and values"),
        (("codec", "patch"), [1, 4], "patch has 2 entries, not 3"),
        (("codec", "decoder"), [[[2, 1, 1], 3, [1, 4, 4]]], "windows of the decoder's stages are odd"),
        (("size",), 10**6, "size is 1000000, not a number from 1 to 1024"),
        (("size",), 18, "don't divide into patches"),
        (("polish",), 1, "polish is 1, which needs conditioning channels"),
        (("vocabulary",), "abc", "vocabulary is 'abc', not a list"),
        (("interval",), [0.0, 2.0], "interval is 2.0, not a number from 0 to 1"),
        (("steps",), "6", "steps is '6', not of type int"),
    ],
)
def test_settings_that_lie_are_named(place, value, said, saved):
    tensors, metadata = read_tensors(saved)
    settings = metadata["settings"]
    for name in place[:-1]:
        settings = settings[name]
    settings[place[-1]] = value
    write_tensors(saved, tensors, metadata)
    with pytest.raises(UserError, match=rf"does not fit its own settings \(.*{said}"):
        load_model(saved)


@pytest.mark.parametrize("record", [[], {"step": "many"}, {"history": [[1]]}, {"codec_psnr": float("nan")}])
def test_a_record_that_makes_no_sense_is_a_users_error(record, saved):
    tensors, metadata = read_tensors(saved)
    write_tensors(saved, tensors, metadata | {"record": record})
    for read in (load_model, load_record):
        with pytest.raises(UserError, match="does not fit its own settings"):
            read(saved)


@pytest.mark.parametrize("change", [lambda mean: mean[:1], lambda mean: mean[0], lambda mean: mean[None]])
def test_the_latents_mean_is_not_spread_over_channels(change, small_model, saved):
    tensors, metadata = read_tensors(saved)
    tensors["codec.latent_mean"] = change(tensors["codec.latent_mean"])
    write_tensors(saved, tensors, metadata)
    with pytest.raises(UserError, match=r"codec.latent_mean has shape .*, expected \(4,\)"):
        load_model(saved)
    with pytest.raises(ValueError, match="codec.latent_mean has shape"):
        load_codec(small_model.codec, tensors)


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_a_standard_deviation_is_above_zero(value, saved):
    tensors, metadata = read_tensors(saved)
    tensors["codec.latent_std"][1] = value
    write_tensors(saved, tensors, metadata)
    with pytest.raises(UserError, match="codec.latent_std is not above 0"):
        load_model(saved)
