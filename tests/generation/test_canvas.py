from functools import partial

import numpy as np
import pytest

from minidit.backend.device import choose_device
from minidit.errors import UserError
from minidit.generation.canvas import (
    Canvas,
    between,
    blank,
    complete,
    continued,
    frames_known,
    in_pixels,
    latent_grid,
    with_holes,
)
from minidit.generation.text_to_video import generate
from minidit.world import ALL_ATTRIBUTES, render

PATCH = (1, 8, 8)
PROMPT = "a red circle moves right in the day sky"


@pytest.fixture
def clip(rng):
    return render(ALL_ATTRIBUTES[7], rng, 32, 8)


def one(model, canvas, prompt=PROMPT, seed=0, **sampling):
    return complete(model, [canvas], [prompt], [seed], **sampling)[0]


# What the canvases say


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


def test_a_clip_has_a_latent_for_each_patch():
    assert latent_grid((9, 32, 48), PATCH) == (9, 4, 6)


# What is made of them


def test_known_pixels_are_kept_to_the_last_bit_and_the_others_made(tiny_marked_model, clip, rng):
    known = rng.random((8, 4, 4)) < 0.5
    made = one(tiny_marked_model, Canvas(clip, known))
    pixels = in_pixels(known[None], PATCH)[0]
    assert np.array_equal(made[pixels], clip[pixels])
    assert np.abs(made - clip)[~pixels].mean() > 0.05


def test_what_is_not_known_of_the_clip_does_not_matter(tiny_marked_model, clip, rng):
    known = rng.random((8, 4, 4)) < 0.5
    other = np.where(in_pixels(known[None], PATCH)[0][..., None], clip, 0.123).astype(np.float32)
    assert np.array_equal(one(tiny_marked_model, Canvas(clip, known)), one(tiny_marked_model, Canvas(other, known)))


def test_what_is_known_does_matter(tiny_marked_model, clip):
    known = np.arange(8) < 4
    made = one(tiny_marked_model, frames_known(clip, known, PATCH))
    other = one(tiny_marked_model, frames_known(1 - clip, known, PATCH))
    assert np.abs(made[4:] - other[4:]).max() > 1e-3


def test_a_blank_canvas_of_its_own_size_is_what_generate_makes(tiny_model, tiny_marked_model):
    for model in (tiny_model, tiny_marked_model):
        size, patch = (model.settings.size,) * 2, model.settings.codec.patch
        made = complete(model, [blank(8, size, patch)] * 2, [PROMPT, "the night sky"], [3, 4])
        assert np.array_equal(np.stack(made), generate(model, [PROMPT, "the night sky"], [3, 4]))


def test_canvases_of_many_sizes_come_back_in_their_order(tiny_marked_model, clip):
    canvases = [blank(1, (32, 32), PATCH), continued(clip, 0, 5, PATCH), blank(8, (24, 40), PATCH),
                blank(1, (32, 32), PATCH)]
    together = complete(tiny_marked_model, canvases, [PROMPT] * 4, [1, 2, 3, 4])
    for canvas, made, seed in zip(canvases, together, (1, 2, 3, 4), strict=True):
        assert made.shape == canvas.clip.shape
        np.testing.assert_allclose(made, one(tiny_marked_model, canvas, seed=seed), atol=1e-5)
    assert not np.allclose(together[0], together[3])


def test_a_later_start_keeps_more_of_the_clip(tiny_marked_model, clip):
    canvas = Canvas(clip, np.zeros((8, 4, 4), bool))
    through_codec = tiny_marked_model.codec.reconstruct(clip[None])[0]
    distance = [np.abs(one(tiny_marked_model, canvas, start=start, steps=1) - through_codec).mean()
                for start in (0.0, 0.999)]
    other = Canvas(1 - clip, canvas.known)
    assert np.array_equal(one(tiny_marked_model, canvas), one(tiny_marked_model, other))  # of pure noise
    assert not np.allclose(one(tiny_marked_model, canvas, start=0.5), one(tiny_marked_model, other, start=0.5))
    assert np.isfinite(distance).all()


@pytest.mark.parametrize("sampler", ["heun", "ddim", "ddpm", "sde"])
def test_every_sampler_keeps_what_is_known(tiny_marked_model, clip, sampler):
    made = one(tiny_marked_model, frames_known(clip, np.arange(8) < 2, PATCH), sampler=sampler)
    assert np.array_equal(made[:2], clip[:2]) and np.isfinite(made).all()


def test_on_another_device_the_same_is_made(tiny_marked_model, clip):
    canvas = continued(clip, 0, 3, PATCH)
    there = tiny_marked_model.on(choose_device("simulated"))
    np.testing.assert_allclose(one(there, canvas, steps=2), one(tiny_marked_model, canvas, steps=2), atol=1e-4)


def test_a_model_without_marks_refuses_what_needs_them(tiny_model, rng):
    clip = render(ALL_ATTRIBUTES[0], rng, 16, 8)
    patch = tiny_model.settings.codec.patch
    make = partial(complete, tiny_model, prompts=[PROMPT], seeds=[0])
    for canvas in (blank(9, (16, 16), patch), blank(8, (16, 24), patch), continued(clip[:4], 0, 4, patch)):
        with pytest.raises(UserError, match="only make whole clips of its own size"):
            make(canvases=[canvas])
