"""Sizes of a Diffusion Transformer, the choices that it is built with, and the parameters that follow from them."""

from dataclasses import dataclass

import numpy as np

from minidit.layers import swiglu_hidden
from minidit.models.block import dit_block_shapes, final_layer_shapes
from minidit.models.conditioning import conditioning_shapes
from minidit.models.conditioning_channels import CONDITIONING_CHANNELS
from minidit.models.parameters import linear_shapes, prefixed
from minidit.models.text_encoder import TextEncoderSettings

# The choices of each setting, the paper's first.
CHOICES = {
    "norm": ("layer", "rms"),
    "qk_norm": (False, True),
    "positions": ("sincos", "rope", "both"),
    "feedforward": ("gelu", "swiglu"),
    "prompt": ("adaln", "cross", "in_context"),
    "attention": ("full", "factorised"),
    "zero_init": (True, False),
    "time": ("sample", "token"),
}


@dataclass(frozen=True)
class DiTSettings:
    """Sizes of a Diffusion Transformer, and the choices it is built with. By default these are the paper's.

    Attributes:
        in_channels: channels of the latents.
        patch: (frames, rows, columns) of latents that make one token.
        width, depth, num_heads, mlp_ratio: of its blocks; num_heads divides width.
        learn_sigma: predict the variance as well, which doubles the channels of the output.
        num_classes: class labels 0 … num_classes - 1, and num_classes itself for "no label" (guidance).
        text: settings of the text encoder. Exactly one of `num_classes` and `text` is given.
        conditioning_channels: tell the network of each latent its own time, whether it is known, and its place
            (`models/conditioning_channels.py`). It needs them to complete clips of any size.
        norm: "layer", or "rms" for RMSNorm (Zhang & Sennrich 2019).
        qk_norm: normalise queries and keys of self-attention (Henry et al. 2020).
        positions: "sincos", added to the tokens; "rope", which rotates queries and keys (Su et al. 2021) and says where
            they are from each other, but not where in the clip; or "both".
        feedforward: "gelu", or "swiglu" with equally many parameters (Shazeer 2020).
        prompt: how it enters. "adaln": the sum of its words modulates each block. "cross": each block attends to the
            words (Chen et al. 2023, PixArt-α, section 2.3). "in_context": words and time are more tokens, dropped
            before the final layer (Peebles & Xie 2023, section 3.2). In all three the time modulates each block, so
            that one choice changes one thing; in the paper's own in-context blocks it does not.
        attention: "full", or "factorised": within each frame, then along time (Ho et al. 2022, section 3).
        zero_init: adaLN-Zero: each branch has a gate, and blocks start as the identity. False is the paper's adaLN:
            scale and shift alone, drawn at random like all other weights.
        time: "sample", one time for all tokens of a sample; or "token": known tokens are modulated as clean ones, the
            others by the sample's time (Chen et al. 2024, Diffusion Forcing).
    """

    in_channels: int
    patch: tuple[int, int, int]
    width: int
    depth: int
    num_heads: int
    mlp_ratio: float = 4
    learn_sigma: bool = False
    num_classes: int | None = None
    text: TextEncoderSettings | None = None
    conditioning_channels: bool = False
    norm: str = "layer"
    qk_norm: bool = False
    positions: str = "sincos"
    feedforward: str = "gelu"
    prompt: str = "adaln"
    attention: str = "full"
    zero_init: bool = True
    time: str = "sample"

    def __post_init__(self):
        if (self.num_classes is None) == (self.text is None):
            raise ValueError("a DiT is conditioned on class labels or on text: give num_classes or text, not both")
        if self.width % self.num_heads:
            raise ValueError(f"width {self.width} is not divisible by num_heads {self.num_heads}")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                listed = ", ".join(map(repr, choices))
                raise ValueError(f"{name} is {getattr(self, name)!r}; choose from {listed}")
        if self.prompt != "adaln" and self.text is None:
            raise ValueError(f"prompt={self.prompt!r} is about words: a DiT with class labels has none")
        if self.prompt == "in_context" and self.attention == "factorised":
            raise ValueError("words in context have no frame: attention='factorised' needs prompt='adaln' or 'cross'")
        if self.positions != "sincos" and (self.head_width < 6 or self.head_width % 2):
            needed = f"positions={self.positions!r} needs heads of an even width of at least 6"
            raise ValueError(f"{needed}, not {self.head_width}")

    @property
    def head_width(self):
        """Width of one head of attention."""
        return self.width // self.num_heads

    @property
    def hidden(self):
        """Width of the feed-forward's hidden layer; of SwiGLU's gate, and of its value."""
        hidden = int(self.mlp_ratio * self.width)
        return swiglu_hidden(hidden) if self.feedforward == "swiglu" else hidden

    @property
    def modulations(self):
        """How many vectors modulate a block: shift and scale of two branches, with adaLN-Zero a gate for each."""
        return 6 if self.zero_init else 4

    @property
    def out_channels(self):
        """Channels of the output: those of the latents, twice with `learn_sigma`."""
        return 2 * self.in_channels if self.learn_sigma else self.in_channels

    @property
    def patch_values(self):
        """Numbers that make one token: a patch of latents, with their conditioning channels if it has them."""
        channels = self.in_channels + (CONDITIONING_CHANNELS if self.conditioning_channels else 0)
        return int(np.prod(self.patch)) * channels


def dit_shapes(settings):
    """Name -> shape of every parameter, in the order in which the forward pass meets them."""
    shapes = linear_shapes("x_embedder.proj", settings.patch_values, settings.width) | conditioning_shapes(settings)
    for i in range(settings.depth):
        shapes |= prefixed(f"blocks.{i}.", dit_block_shapes(settings))
    return shapes | prefixed("final_layer.", final_layer_shapes(settings))
