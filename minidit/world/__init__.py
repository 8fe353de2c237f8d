"""The toy world: clips of one object in a sky, their captions, and a verifier that reads pixels back."""

from minidit.world.attributes import (
    ALL_ATTRIBUTES,
    COLORS,
    MOTIONS,
    PICTURES,
    PLAIN_SKIES,
    SHAPES,
    SKIES,
    Attributes,
)
from minidit.world.captions import VOCABULARY, attributes_in, caption, wordings
from minidit.world.grammar import random_caption
from minidit.world.reading import Reading
from minidit.world.renderer import render, render_batch
from minidit.world.split import HELD_OUT, SEEN
from minidit.world.verifier import verify, verify_batch

__all__ = [
    "ALL_ATTRIBUTES",
    "COLORS",
    "HELD_OUT",
    "MOTIONS",
    "PICTURES",
    "PLAIN_SKIES",
    "SEEN",
    "SHAPES",
    "SKIES",
    "VOCABULARY",
    "Attributes",
    "Reading",
    "attributes_in",
    "caption",
    "random_caption",
    "render",
    "render_batch",
    "verify",
    "verify_batch",
    "wordings",
]
