"""What a checkpoint holds: tokenizer, codec and DiT together."""

import copy
from dataclasses import dataclass

import numpy as np

from minidit.backend import array_module
from minidit.layers.patchify import patch_grid
from minidit.models.codec import Codec, CodecSettings
from minidit.models.dit import DiT, DiTSettings
from minidit.models.tokenizer import Tokenizer


@dataclass(frozen=True)
class VideoModelSettings:
    """Everything that must be known to use a checkpoint.

    Attributes:
        size, frames: of a clip, (frames, size, size, 3).
        codec, dit: their sizes.
        vocabulary: words the model can read, in the order of their ids.
        prediction: what the DiT predicts: "data", "noise" or "velocity".
        guidance, interval, steps, shift, sampler: how clips are sampled by default: guidance scale, the times between
            which it acts, number of steps, timestep shift, and a name from `minidit.diffusion.SAMPLERS`.
        polish: how often the sampled clip is edited in the end, see `minidit.generation.text_to_video.sample_latents`.
            Needs a network that has learned to edit.
    """

    size: int
    frames: int
    codec: CodecSettings
    dit: DiTSettings
    vocabulary: tuple[str, ...]
    prediction: str = "data"
    guidance: float = 1.5
    interval: tuple[float, float] = (0.0, 0.5)
    steps: int = 20
    shift: float = 3.0
    sampler: str = "euler"
    polish: int = 0

    @property
    def latent_shape(self):
        """(frames, rows, columns, channels) of a clip's latents."""
        return (*patch_grid((self.frames, self.size, self.size), self.codec.patch), self.codec.channels)


class VideoModel:
    """Tokenizer, codec and DiT.

    Args:
        settings: VideoModelSettings.
        rng: draws the starting parameters; None leaves them zero, to be loaded.
        dit_buffer: the vector that the DiT's parameters are to live in; by default a new one.
    """

    def __init__(self, settings, rng=None, dtype=np.float32, dit_buffer=None):
        self.settings = settings
        self.tokenizer = Tokenizer(settings.vocabulary, settings.dit.text.max_length)
        self.codec = Codec(settings.codec, rng, dtype)
        self.dit = DiT(settings.dit, rng, dtype, dit_buffer)
        self.record = {}  # how it was trained, see `minidit.training.trainer.Run.record`

    @property
    def xp(self):
        """The array library of the device that the model is on."""
        return array_module(self.dit.params.flat)

    def on(self, xp):
        """The same model on the device of an array library: itself where it is there already."""
        if xp is self.xp:
            return self
        twin = copy.copy(self)
        twin.codec, twin.dit = self.codec.on(xp), self.dit.on(xp)
        return twin
