"""Checkpoints: safetensors files, written whole or not at all, read with an error that says what is wrong."""

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from minidit.errors import UserError
from minidit.models.codec import CodecSettings
from minidit.models.dit import DiTSettings
from minidit.models.text_encoder import TextEncoderSettings
from minidit.models.video_model import VideoModel, VideoModelSettings

FORMAT = "minidit-1"


def write_whole(path, data):
    """Writes bytes to a temporary name beside `path`, then renames: a reader sees the old file or the new one.

    Raises:
        UserError: the folder does not exist or cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(
            f"can't write {path}: {error.strerror}. Choose another place, or make the folder writable."
        ) from error
    finally:
        with suppress(OSError):  # after the rename it isn't there
            temporary.unlink()


def write_tensors(path, tensors, metadata):
    """Writes named arrays and a JSON-able dict as one safetensors file."""
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    write_whole(path, save(arrays, {"format": FORMAT, "minidit": json.dumps(metadata)}))


def read_tensors(path):
    """Reads a file made by `write_tensors`: arrays by name, and the dict.

    Raises:
        UserError: there is no such file, or it is truncated, foreign, or holds NaN or infinity.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no checkpoint {path}. Train one with: minidit train --preset quick --out FOLDER")
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            if header.get("format") != FORMAT:
                raise UserError(
                    f"{path} is a safetensors file, but not one of minidit's: expected format {FORMAT!r}, "
                    f"found {header.get('format')!r}. Give a file that `minidit train` wrote."
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"{path} is not a whole checkpoint ({error}). It may be truncated or of another kind: "
            "copy it again, or give a file that `minidit train` wrote."
        ) from error
    for name, array in tensors.items():
        if not np.isfinite(array).all():
            raise UserError(
                f"{path} holds NaN or infinity in {name}: the run that wrote it diverged. Use an earlier checkpoint."
            )
    return tensors, json.loads(header["minidit"])


def settings_to_json(settings):
    """VideoModelSettings as a JSON-able dict."""
    return asdict(settings)


def settings_from_json(data):
    """The inverse of `settings_to_json`: JSON has no tuples and no dataclasses, so they are made again here."""
    codec, dit, text = data["codec"], data["dit"], data["dit"]["text"]
    dit = dit | {"patch": tuple(dit["patch"]), "text": TextEncoderSettings(**text)}
    return VideoModelSettings(
        **data
        | {
            "codec": CodecSettings(**codec | {"patch": tuple(codec["patch"])}),
            "dit": DiTSettings(**dit),
            "vocabulary": tuple(data["vocabulary"]),
        }
    )


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
        record: how it was trained, a JSON-able dict, for `load_record`.
        dtype: of the weights in the file; float16 halves it.
    """
    tensors = codec_tensors(model.codec) | {f"dit.{name}": array for name, array in model.dit.params.items()}
    tensors = {name: array.astype(dtype) for name, array in tensors.items()}
    metadata = {"kind": "model", "settings": settings_to_json(model.settings), "record": record or {}}
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
    return model


def load_record(path):
    """How a model was trained, as its run noted it (see `minidit.training.trainer.Run.record`).

    Raises:
        UserError: as `read_tensors`.
    """
    return read_tensors(path)[1].get("record", {})
