"""Training that starts from another model's weights."""

from dataclasses import replace

from minidit.errors import UserError
from minidit.models.checkpoint import codec_tensors, load_codec, load_model
from minidit.models.conditioning_channels import widened_patch_weight

PATCH_WEIGHT = "x_embedder.proj.weight"


def start_from(model, path):
    """Copies the codec and the DiT of a trained model into one that will be trained further.

    The new DiT may have conditioning channels where the old one has none: it begins by ignoring them. The codec may
    have another decoder, which keeps its random start: the encoder says what the latents mean.

    Args:
        model: VideoModel, to be filled.
        path: a checkpoint.
    Raises:
        UserError: the checkpoint can't be read (see `load_model`), or is of a network of another size.
    """
    origin = load_model(path)
    before, after = origin.settings, model.settings
    old, new = before.dit, after.dit
    same_network = replace(old, conditioning_channels=new.conditioning_channels) == new
    same_latents = replace(before.codec, decoder=after.codec.decoder) == after.codec
    if not same_network or not same_latents or before.vocabulary != after.vocabulary:
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
    tensors = codec_tensors(origin.codec)
    if before.codec != after.codec:
        drawn = codec_tensors(model.codec)
        tensors |= {name: array for name, array in drawn.items() if name.startswith("codec.decoder.")}
    load_codec(model.codec, tensors)
