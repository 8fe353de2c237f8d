"""Checkpoints: a model's weights and settings in one file."""

from dataclasses import asdict

import numpy as np

from minidit.errors import UserError
from minidit.files.tensors import read_tensors, write_tensors
from minidit.models.codec import CodecSettings
from minidit.models.dit import DiTSettings
from minidit.models.text_encoder import TextEncoderSettings
from minidit.models.video_model import VideoModel, VideoModelSettings

OLD_NAMES = {"marks": "conditioning_channels"}  # of the DiT's settings, in files of earlier versions
MODEL = "model.safetensors"  # the file of the model in the folder of a training run


def settings_to_json(settings):
    """VideoModelSettings as a JSON-able dict."""
    return asdict(settings)


def settings_from_json(data):
    """The inverse of `settings_to_json`: JSON has no tuples and no dataclasses, so they are made again here."""
    codec, dit, text = data["codec"], data["dit"], data["dit"]["text"]
    dit = {OLD_NAMES.get(name, name): value for name, value in dit.items()}
    dit |= {"patch": tuple(dit["patch"]), "text": TextEncoderSettings(**text)}
    codec = CodecSettings(**codec | {"patch": tuple(codec["patch"])})
    parts = {"codec": codec, "dit": DiTSettings(**dit)}
    tuples = {name: tuple(data[name]) for name in ("vocabulary", "interval") if name in data}
    return VideoModelSettings(**data | parts | tuples)


def codec_tensors(codec):
    """The codec's arrays under the names they have in a checkpoint."""
    named = {f"codec.{name}": array for name, array in codec.params.items()}
    return named | {"codec.latent_mean": codec.latent_mean, "codec.latent_std": codec.latent_std}


def load_codec(codec, tensors):
    """Copies the arrays named as in `codec_tensors` into a codec."""
    codec.params.load({name: tensors[f"codec.{name}"] for name in codec.params})
    codec.latent_mean[...] = tensors["codec.latent_mean"]
    codec.latent_std[...] = tensors["codec.latent_std"]


def save_model(path, model, record=None, dtype=np.float32):
    """Writes a model for use (not for going on with training): its weights by name, and its settings.

    Args:
        path: of the safetensors file.
        model: VideoModel.
        record: how it was trained, a JSON-able dict, for `load_record`; by default the model's own.
        dtype: of the weights in the file; float16 halves it.
    Raises:
        UserError: the type holds no fractions, or the file can't be written.
    """
    if np.dtype(dtype).kind != "f":
        raise UserError(f"weights can't be saved as {np.dtype(dtype)}: give float32, or float16 for half the file.")
    tensors = codec_tensors(model.codec) | {f"dit.{name}": array for name, array in model.dit.params.items()}
    tensors = {name: array.astype(dtype) for name, array in tensors.items()}
    metadata = {"kind": "model", "settings": settings_to_json(model.settings), "record": record or model.record}
    write_tensors(path, tensors, metadata)


def load_model(path):
    """Reads a model written by `save_model`.

    Raises:
        UserError: as `read_tensors`, or the file is a training state, or its arrays don't fit its settings.
    """
    tensors, metadata = read_tensors(path)
    if metadata.get("kind") != "model":
        raise UserError(
            f"{path} is the state of a training run, not a model. The model lies beside it: model.safetensors."
        )
    try:
        model = VideoModel(settings_from_json(metadata["settings"]))
        load_codec(model.codec, tensors)
        model.dit.params.load({name: tensors[f"dit.{name}"] for name in model.dit.params})
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} does not fit its own settings ({error}). Was it made by another version?") from error
    model.record = metadata.get("record", {})
    return model


def load_record(path):
    """How a model was trained, as its run noted it (see `minidit.training.trainer.Run.record`).

    Raises:
        UserError: as `read_tensors`.
    """
    return read_tensors(path)[1].get("record", {})
