"""Training that starts from another model's weights."""

from dataclasses import replace

from minidit.errors import UserError
from minidit.models.checkpoint import codec_tensors, load_codec, load_model
from minidit.models.conditioning_channels import widened_patch_weight
from minidit.models.decoder import grow_decoder, grows_from

PATCH_WEIGHT = "x_embedder.proj.weight"


def start_from(model, path):
    """Copies the codec and the DiT of a trained model into one that will be trained further.

    The new DiT may have conditioning channels where the old one has none: it begins by ignoring them. The new decoder
    may have another stage at its end: it begins by drawing what the old one draws.

    Args:
        model: VideoModel, freshly drawn, to be filled.
        path: a checkpoint.
    Raises:
        UserError: the checkpoint can't be read (see `load_model`), or is of a network of another size.
    """
    origin = load_model(path)
    before, after = origin.settings, model.settings
    old, new = before.dit, after.dit
    same_network = replace(old, conditioning_channels=new.conditioning_channels) == new
    same_encoder = replace(before.codec, decoder=after.codec.decoder) == after.codec
    grows = grows_from(before.codec.stages, after.codec.stages)
    same_decoder = grows or before.codec.stages == after.codec.stages
    if not (same_network and same_encoder and same_decoder) or before.vocabulary != after.vocabulary:
        raise UserError(
            f"can't continue from {path}: its network, codec or vocabulary differs from the preset's. "
            "Give a model of the same sizes, or leave out --from."
        )
    if old.conditioning_channels > new.conditioning_channels:
        raise UserError(f"{path} has conditioning channels, which the preset doesn't. Choose a preset such as film.")
    params = dict(origin.dit.params)
    if new.conditioning_channels > old.conditioning_channels:
        params[PATCH_WEIGHT] = widened_patch_weight(params[PATCH_WEIGHT], old.patch, old.in_channels)
    model.dit.params.load(params)
    model.record = origin.record
    tensors = codec_tensors(origin.codec)
    if grows:
        grow_decoder(model.codec.params, origin.codec.params, "decoder.", before.codec.stages, after.codec.stages)
        tensors = codec_tensors(model.codec) | {name: tensors[name] for name in tensors if ".decoder." not in name}
    load_codec(model.codec, tensors)
