import time

import numpy as np
import pytest

from minidit.errors import UserError
from minidit.world import ALL_ATTRIBUTES, PLAIN_SKIES, SHAPES, Attributes, render, render_batch
from minidit.world.attributes import attribute_indices
from minidit.world.renderer import COLOR_VALUES, RADIUS, STEPS, TRAVEL, lerp, straight_paths
from minidit.world.shapes import AREAS, coverage


def without_object(attributes):
    return Attributes(None, None, None, attributes.sky)


def drawn_areas(attributes, seed, size):
    """Covered area per frame, (N, F), from the pixels: against the same skies without the object."""
    clips = render_batch(attributes, np.random.default_rng(seed), size).astype(float)
    empty = [without_object(a) for a in attributes]
    skies = render_batch(empty, np.random.default_rng(seed), size).astype(float)
    contrast = COLOR_VALUES[attribute_indices(attributes)[:, 0]][:, None, None, None] - skies
    return (((clips - skies) * contrast).sum(-1) / (contrast * contrast).sum(-1)).sum((2, 3))


@pytest.mark.parametrize(("size", "frames"), [(16, 8), (24, 3), (32, 8), (33, 2)])
def test_clips_are_float32_in_range_and_of_the_size_asked_for(size, frames, rng):
    clips = render_batch(ALL_ATTRIBUTES[::7], rng, size, frames)
    assert clips.shape == (len(ALL_ATTRIBUTES[::7]), frames, size, size, 3)
    assert clips.dtype == np.float32
    assert clips.min() >= 0 and clips.max() <= 1


def test_one_clip_has_no_batch_axis(rng):
    assert render(ALL_ATTRIBUTES[0], rng).shape == (8, 32, 32, 3)


def test_no_clips_make_an_empty_batch(rng):
    assert render_batch([], rng).shape == (0, 8, 32, 32, 3)


def test_the_same_seed_gives_the_same_clips():
    first, second = (render_batch(ALL_ATTRIBUTES, np.random.default_rng(3), 16) for _ in range(2))
    other = render_batch(ALL_ATTRIBUTES, np.random.default_rng(4), 16)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_a_batch_equals_its_clips_drawn_one_by_one():
    chosen = ALL_ATTRIBUTES[::37] + PLAIN_SKIES + ALL_ATTRIBUTES[::41]
    one_by_one = np.random.default_rng(5)
    clips = np.stack([render(attributes, one_by_one, 16) for attributes in chosen])
    assert np.array_equal(render_batch(chosen, np.random.default_rng(5), 16), clips)


def test_two_clips_of_one_prompt_differ(rng):
    clips = render_batch([ALL_ATTRIBUTES[0]] * 2, rng)
    assert np.abs(clips[0] - clips[1]).max() > 0.1


@pytest.mark.parametrize("size", [16, 24, 32])
def test_radius_lies_within_its_bounds(size):
    areas = drawn_areas(ALL_ATTRIBUTES, 6, size)
    radius = np.sqrt(areas / AREAS[attribute_indices(ALL_ATTRIBUTES)[:, 1]][:, None]) * 16 / size
    assert radius.min() > RADIUS[0] - 0.15 and radius.max() < RADIUS[1] + 0.15
    assert np.ptp(radius.mean(axis=1)) > 0.6


@pytest.mark.parametrize("size", [16, 24, 32])
@pytest.mark.parametrize("shape", range(len(SHAPES)))
def test_the_object_is_whole_in_every_frame(shape, size, rng):
    # Draw the same paths in a wider frame: hardly anything lies outside the real one (a triangle's tip can).
    scale, count, border = size / 16, 200, 8
    radius = lerp(RADIUS, rng.random(count, dtype=np.float32)) * scale
    travel = lerp(TRAVEL, rng.random(count, dtype=np.float32)) * scale
    position = rng.integers(2, size=(count, 2)).astype(np.float32)  # the corners of what is possible
    displacement = STEPS[rng.integers(5, size=count)] * travel[:, None]
    centers = straight_paths(displacement, position, radius, (size, size), 8) + border
    covered = coverage(shape, centers[..., 0], centers[..., 1], radius, (size + 2 * border,) * 2)
    inside = covered[:, :, border:-border, border:-border].sum((2, 3)) / covered.sum((2, 3))
    assert inside.min() > 0.98


@pytest.mark.parametrize("size", [(16, 16), (32, 32), (32, 48), (48, 24)])
def test_paths_go_the_named_way_as_far_as_they_should_and_stay_inside(size, rng):
    scale, count = min(size) / 16, 2000
    radius = lerp(RADIUS, rng.random(count, dtype=np.float32)) * scale
    travel = lerp(TRAVEL, rng.random(count, dtype=np.float32)) * scale
    steps = STEPS[rng.integers(5, size=count)]
    position = rng.random((count, 2), dtype=np.float32)
    centers = straight_paths(steps * travel[:, None], position, radius, size, 8)
    assert centers.dtype == np.float32
    assert np.allclose(centers[:, -1] - centers[:, 0], steps * travel[:, None], atol=1e-4)
    assert np.allclose(np.diff(centers, 2, axis=1), 0, atol=1e-4)
    assert (centers - radius[:, None, None] >= -0.5).all()
    assert (centers + radius[:, None, None] <= np.array(size[::-1]) - 0.5).all()


def test_a_still_object_makes_a_still_clip(rng):
    clip = render(Attributes("red", "ring", "still", "night"), rng)
    assert np.array_equal(clip, np.broadcast_to(clip[:1], clip.shape))


def test_only_the_night_sky_has_stars(rng):
    for sky, expected in zip(PLAIN_SKIES, [0, 6, 0], strict=True):
        frame = render(sky, rng, 32)[0]
        stars = np.abs(frame - np.median(frame, axis=1, keepdims=True)).max(axis=-1) > 0.3
        assert stars.sum() == expected


def test_skies_vary_a_little_in_brightness(rng):
    clips = render_batch([PLAIN_SKIES[0]] * 200, rng, 16)
    reds = clips[:, 0, 0, 0, 0]
    assert reds.min() >= 0.26 - 1e-6 and reds.max() <= 0.34 + 1e-6 and np.ptp(reds) > 0.06


@pytest.mark.parametrize(
    ("size", "frames"),
    [(8, 8), (0, 8), (-16, 8), (16.5, 8), (16, 0), (16, -1), (16, 2.5), ((16, 8), 8), ((15, 32), 8), ((16.5, 32), 8)],
)
def test_impossible_sizes_are_refused(size, frames, rng):
    with pytest.raises(UserError, match="whole number"):
        render(ALL_ATTRIBUTES[0], rng, size, frames)


def test_a_frame_may_be_wider_or_higher_and_a_clip_may_be_one_frame(rng):
    wide = render_batch(ALL_ATTRIBUTES[:50], np.random.default_rng(1), (32, 48), 1)
    assert wide.shape == (50, 1, 32, 48, 3)
    assert render_batch(ALL_ATTRIBUTES[:2], rng, (48, 32), 16).shape == (2, 16, 48, 32, 3)
    # Of equal draws, an object is as large in a wide frame as in a square one of the same height.
    square = render_batch(ALL_ATTRIBUTES[:50], np.random.default_rng(1), 32, 1)
    sky = ALL_ATTRIBUTES[0].sky
    assert {a.sky for a in ALL_ATTRIBUTES[:50:3]} == {sky}
    areas = []
    for clips, size in ((square, 32), (wide, (32, 48))):
        empty = render_batch([Attributes(None, None, None, a.sky) for a in ALL_ATTRIBUTES[:50]],
                             np.random.default_rng(1), size, 1)
        areas.append((np.abs(clips - empty).max(axis=-1) > 0.2).sum(axis=(1, 2, 3)))
    np.testing.assert_allclose(areas[0], areas[1], rtol=0.1)


def test_a_picture_shows_its_three_attributes(rng):
    picture = Attributes("red", "circle", None, "day")
    a, b = (render(x, np.random.default_rng(3), 32, 1) for x in (picture, picture._replace(motion="still")))
    assert np.array_equal(a, b)


def test_drawing_is_fast_enough_for_fresh_clips_at_every_step(rng):
    batch = ALL_ATTRIBUTES[:: len(ALL_ATTRIBUTES) // 32][:32]
    seconds = []
    for _ in range(10):
        start = time.process_time()  # not a clock, which goes on while others have the CPU
        render_batch(batch, rng, 32, 8)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.02  # about 1.5 ms on an ordinary core
