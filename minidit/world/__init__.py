"""The toy world: clips of one object in a sky, their captions, and a verifier that reads pixels back."""

from minidit.world.attributes import (
    ALL_ATTRIBUTES,
    COLORS,
    MOTIONS,
    PLAIN_SKIES,
    SHAPES,
    SKIES,
    Attributes,
)
from minidit.world.captions import VOCABULARY, attributes_in, caption, wordings
from minidit.world.renderer import render, render_batch
from minidit.world.split import HELD_OUT, SEEN

__all__ = [
    "ALL_ATTRIBUTES",
    "COLORS",
    "HELD_OUT",
    "MOTIONS",
    "PLAIN_SKIES",
    "SEEN",
    "SHAPES",
    "SKIES",
    "VOCABULARY",
    "Attributes",
    "attributes_in",
    "caption",
    "render",
    "render_batch",
    "wordings",
]
