"""The models: codec, text encoder, DiT, assembled from layers with named parameters."""

from minidit.models.codec import Codec, CodecSettings
from minidit.models.dit import DiT, DiTSettings
from minidit.models.parameters import Parameters
from minidit.models.text_encoder import TextEncoderSettings
from minidit.models.tokenizer import Tokenizer
from minidit.models.video_model import VideoModel, VideoModelSettings

__all__ = [
    "Codec",
    "CodecSettings",
    "DiT",
    "DiTSettings",
    "Parameters",
    "TextEncoderSettings",
    "Tokenizer",
    "VideoModel",
    "VideoModelSettings",
]
