"""Checkpoints: a model's weights and settings in one file."""

from dataclasses import asdict

import numpy as np

from minidit.errors import UserError
from minidit.files.tensors import check_shapes, misfit, read_tensors, write_tensors
from minidit.files.typed import read_typed, shown
from minidit.layers import sincos_positions
from minidit.models.codec import codec_shapes
from minidit.models.dit import dit_shapes
from minidit.models.parameters import prefixed, under
from minidit.models.tokenizer import SPECIAL
from minidit.models.video_model import VideoModel, VideoModelSettings

OLD_NAMES = {"marks": "conditioning_channels"}  # of the DiT's settings, in files of earlier versions
MODEL = "model.safetensors"  # the file of the model in the folder of a training run

MOST = 2**16  # of anything that is counted below; far above all models that this package can train
# Name of a setting -> the least and the most that it may be, in files. So the list of shapes that follows from settings
# is short enough to be compared with what the file holds, before memory is taken.
BOUNDS = {
    "size": (1, 1024),
    "frames": (1, 1024),
    "depth": (0, 1000),
    "mlp_ratio": (0, 1000),
    "steps": (1, MOST),
    "polish": (0, 100),
    "guidance": (0, 1000),
    "interval": (0, 1),
    "shift": (1e-3, 1e3),
    **dict.fromkeys(("patch", "window", "growth"), (1, 256)),
    **dict.fromkeys(("channels", "hidden", "in_channels", "width", "num_heads", "num_classes"), (1, MOST)),
    **dict.fromkeys(("vocabulary_size", "max_length"), (1, MOST)),
}
PAIRS = tuple[tuple[int, float], ...]
RECORD = {
    "seed": int,
    "step": int,
    "codec_psnr": float | None,
    "history": PAIRS,
    "scores": tuple[tuple[int, float, float], ...],
}


def settings_to_json(settings):
    """VideoModelSettings as a JSON-able dict."""
    return asdict(settings)


def settings_from_json(data):
    """The inverse of `settings_to_json`, and the one place that checks settings: types, bounds, and what goes together.

    Raises:
        ValueError: says what is wrong.
    """
    if isinstance(data, dict) and isinstance(data.get("dit"), dict):
        data = data | {"dit": {OLD_NAMES.get(name, name): value for name, value in data["dit"].items()}}
    settings = read_typed(VideoModelSettings, data, BOUNDS, "settings")
    codec, dit, words = settings.codec, settings.dit, settings.vocabulary
    if dit.text is None or dit.learn_sigma:
        raise ValueError("a model of clips has a text encoder, and learn_sigma is False")
    if dit.in_channels != codec.channels:
        raise ValueError(f"in_channels is {dit.in_channels}, but the codec has {codec.channels} channels")
    if dit.text.vocabulary_size != len(SPECIAL) + len(words) or len(set(words)) != len(words):
        raise ValueError(f"vocabulary_size is {dit.text.vocabulary_size}; the vocabulary has {len(set(words))} words")
    whole = [
        dit.conditioning_channels or n % step == 0 for n, step in zip(settings.latent_shape, dit.patch, strict=False)
    ]
    if any(
        n % step for n, step in zip((settings.frames, settings.size, settings.size), codec.patch, strict=False)
    ) or not all(whole):
        raise ValueError(f"clips of {settings.frames} frames, {settings.size} pixels wide, don't divide into patches")
    if settings.polish and not dit.conditioning_channels:
        raise ValueError(f"polish is {settings.polish}, which needs conditioning channels")
    if dit.positions != "rope":
        plane = dit.conditioning_channels or settings.latent_shape[0] <= dit.patch[0]
        sincos_positions((1 if plane else 2, 1, 1), dit.width)  # raises the error if that width has none
    return settings


def tensor_shapes(settings):
    """Name -> shape of all that a model's file holds, for VideoModelSettings."""
    latent = {f"codec.latent_{name}": (settings.codec.channels,) for name in ("mean", "std")}
    return prefixed("codec.", codec_shapes(settings.codec)) | latent | prefixed("dit.", dit_shapes(settings.dit))


def check_record(record):
    """Raises a ValueError if the record of a training holds what it can't."""
    if not isinstance(record, dict):
        raise ValueError(f"record is {shown(record)}, not a set of names and values")
    for name in RECORD.keys() & record.keys():
        read_typed(RECORD[name], record[name], name=name)


def codec_tensors(codec):
    """The codec's arrays under the names they have in a checkpoint."""
    named = {f"codec.{name}": array for name, array in codec.params.items()}
    return named | {"codec.latent_mean": codec.latent_mean, "codec.latent_std": codec.latent_std}


def load_codec(codec, tensors):
    """Copies the arrays named as in `codec_tensors` into a codec.

    Raises:
        ValueError: one is missing or of another shape, or a standard deviation is not above 0.
    """
    own = {name: array.shape for name, array in codec_tensors(codec).items()}
    check_shapes({name: array.shape for name, array in tensors.items() if name in own}, own)
    if not (tensors["codec.latent_std"] > 0).all():
        raise ValueError("codec.latent_std is not above 0")
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
    tensors, metadata = read_tensors(path, check_model(path))
    model = VideoModel(settings_from_json(metadata["settings"]))
    try:
        load_codec(model.codec, tensors)
    except ValueError as error:
        raise misfit(path, error) from error
    model.dit.params.load(under("dit.", tensors))
    model.record = metadata.get("record", {})
    return model


def check_model(path):
    """What makes sure, for `read_tensors`, that a file holds a model whose arrays fit its settings."""

    def check(metadata, shapes):
        if metadata.get("kind") != "model":
            raise UserError(
                f"{path} is the state of a training run, not a model. The model lies beside it: model.safetensors."
            )
        check_shapes(shapes, tensor_shapes(settings_from_json(metadata["settings"])))
        check_record(metadata.get("record", {}))

    return check


def load_record(path):
    """How a model was trained, as its run noted it (see `minidit.training.trainer.Run.record`).

    Raises:
        UserError: as `load_model`.
    """
    return read_tensors(path, check_model(path))[1].get("record", {})
