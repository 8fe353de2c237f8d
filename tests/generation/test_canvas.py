import numpy as np
import pytest

from minidit.generation.canvas import (
    between,
    blank,
    continued,
    in_pixels,
    with_holes,
)
from minidit.world import ALL_ATTRIBUTES, render

PATCH = (1, 8, 8)


@pytest.fixture
def clip(rng):
    return render(ALL_ATTRIBUTES[7], rng, 32, 8)


def test_continuing_knows_the_clip_and_nothing_else(clip):
    canvas = continued(clip, 2, 3, PATCH)
    assert canvas.clip.shape == (13, 32, 32, 3) and canvas.known.shape == (13, 4, 4)
    assert np.array_equal(canvas.known.all(axis=(1, 2)), [False] * 2 + [True] * 8 + [False] * 3)
    assert np.array_equal(canvas.known.any(axis=(1, 2)), canvas.known.all(axis=(1, 2)))
    assert np.array_equal(canvas.clip[2:10], clip)


def test_joining_knows_both_ends(clip):
    canvas = between(clip[:3], clip[5:], 4, PATCH)
    assert np.array_equal(canvas.known.all(axis=(1, 2)), [True] * 3 + [False] * 4 + [True] * 3)
    assert np.array_equal(canvas.clip[-3:], clip[5:])


def test_a_hole_takes_every_latent_that_it_touches(clip):
    mask = np.zeros((8, 32, 32), bool)
    mask[2, 7:9, 16] = True  # one pixel of each of two latents
    canvas = with_holes(clip, mask, PATCH)
    assert np.array_equal(np.argwhere(~canvas.known), [(2, 0, 2), (2, 1, 2)])


def test_nothing_is_known_of_a_blank():
    canvas = blank(5, (32, 48), PATCH)
    assert canvas.clip.shape == (5, 32, 48, 3)
    assert canvas.known.shape == (5, 4, 6) and not canvas.known.any()


def test_latents_stand_for_patches_of_pixels():
    known = np.zeros((1, 1, 2, 2), bool)
    known[0, 0, 0, 1] = True
    pixels = in_pixels(known, (1, 2, 3))
    assert pixels.shape == (1, 1, 4, 6)
    assert np.array_equal(pixels[0, 0], [[0, 0, 0, 1, 1, 1]] * 2 + [[0] * 6] * 2)


