"""Something to move in each lesson: a notebook shows sliders, and pictures that follow; a script shows nothing.

    from minidit.course import move

    move.noise(model)

Where no widget runs, a picture of one state stands in its place.
"""

from minidit.course.moving.coding import decoder, film, latents, patches, world
from minidit.course.moving.diffusing import denoising, guidance, hole, noise, steps, words
from minidit.course.moving.learning import sizes, wrong_gradient
from minidit.course.moving.networking import attention, heads, modulation, neurons, strength

__all__ = [
    "attention", "decoder", "denoising", "film", "guidance", "heads", "hole", "latents", "modulation", "neurons",
    "noise", "patches", "sizes", "steps", "strength", "words", "world", "wrong_gradient",
]  # fmt: skip
