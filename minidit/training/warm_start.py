"""Going on from another model's weights, instead of from nothing."""

from dataclasses import replace

from minidit.backend import array_module
from minidit.errors import UserError
from minidit.models.marks import widened_patch_weight
from minidit.training.checkpoint import codec_tensors, load_codec, load_model

PATCH_WEIGHT = "x_embedder.proj.weight"
LAST_WEIGHT, LAST_BIAS = "final_layer.linear.weight", "final_layer.linear.bias"

# P = numbers of a patch, D = width


def start_from(model, path):
    """Copies the codec and the DiT of a trained model into one that is to be trained further.

    The new DiT may have marks where the old one has none, and tokens that span more frames. It begins by paying no
    attention to marks and frames that it doesn't know, and by predicting for these what it does for the last one.

    Args:
        model: VideoModel, to be filled.
        path: a checkpoint.
    Raises:
        UserError: the checkpoint can't be read (see `load_model`), or is of a network of another size.
    """
    origin = load_model(path)
    before, after = origin.settings, model.settings
    old, new = before.dit, after.dit
    frames, *place = old.patch
    same = replace(old, marks=new.marks, patch=new.patch) == new and new.patch[1:] == tuple(place)
    if not same or (before.codec, before.vocabulary) != (after.codec, after.vocabulary):
        raise UserError(
            f"{path} can't be gone on from: its network, codec or vocabulary is another than the preset's. "
            "Give a model of the same sizes, or leave out --from."
        )
    if old.marks > new.marks or frames > new.patch[0]:
        raise UserError(f"{path} has marks, or longer tokens than the preset. Choose a preset such as film.")
    params = dict(origin.dit.params)
    if new.marks > old.marks:
        params[PATCH_WEIGHT] = widened_patch_weight(params[PATCH_WEIGHT], old.patch, old.in_channels)
    if new.patch != old.patch:
        more = new.patch[0] - frames
        xp = array_module(params[PATCH_WEIGHT])
        by_frame = params[PATCH_WEIGHT].reshape(frames, -1, new.width)  # frames, P / frames, D
        silent = xp.zeros((more, *by_frame.shape[1:]), by_frame.dtype)
        params[PATCH_WEIGHT] = xp.concatenate([by_frame, silent]).reshape(-1, new.width)
        for name in (LAST_WEIGHT, LAST_BIAS):
            values = params[name].reshape(*params[name].shape[:-1], frames, -1)  # ..., frames, P / frames
            repeated = xp.repeat(values[..., -1:, :], more, axis=-2)
            longer = xp.concatenate([values, repeated], axis=-2)
            params[name] = longer.reshape(*params[name].shape[:-1], -1)
    model.dit.params.load(params)
    load_codec(model.codec, codec_tensors(origin.codec))
