import numpy as np
import pytest

from minidit.evaluation.screening import Screen, least_errors, mixtures
from minidit.world import ALL_ATTRIBUTES, COLORS, MOTIONS, SHAPES, SKIES, render_batch
from minidit.world.attributes import attribute_indices
from minidit.world.renderer import render_draws


@pytest.fixture
def shown():
    return [ALL_ATTRIBUTES[47 * n % 375] for n in range(15)]


def test_sky_and_colour_of_a_real_clip_have_the_least_bound(shown, rng):
    clips = render_batch(shown, rng, 32, 3)
    bound, brightness = least_errors(clips)
    color, _, _, sky = attribute_indices(shown).T
    flat = bound.reshape(len(clips), -1)
    assert flat.argmin(axis=1).tolist() == (sky * len(COLORS) + color).tolist()
    assert flat.min(axis=1).max() < 3e-4 and np.sort(flat, axis=1)[:, 1].min() > 1e-3
    assert np.abs(brightness).max() <= 0.04


def test_no_clip_that_the_world_draws_is_nearer_than_the_bound(shown, rng):
    clips = np.clip(render_batch(shown, rng, 16, 2) + rng.normal(0, 0.2, (15, 2, 16, 16, 3)), 0, 1).astype(np.float32)
    bound, _ = least_errors(clips)
    for _ in range(5):
        tried = [ALL_ATTRIBUTES[k] for k in rng.integers(375, size=15)]
        drawn = render_draws(tried, rng.random((15, 6), dtype=np.float32), (16, 16), 2)
        error = ((drawn - clips) ** 2).mean(axis=(1, 2, 3, 4))
        color, _, _, sky = attribute_indices(tried).T
        assert (bound[np.arange(15), sky, color] < error).all()


def test_the_share_of_a_colour_is_its_cover():
    shown = [("blue", "square", "still", "sunset")]
    clips = render_draws(shown, np.full((1, 6), 0.5, np.float32), (16, 16), 1)
    covered, rest, square = mixtures(np.moveaxis(clips, -1, 0), 2, 2, np.zeros(1, np.float32))
    # radius 4.4, so half a side is 3.872 around 7.5: columns 4 to 11 are inside, 3 and 12 are covered by -0.128 + 0.5.
    assert covered[0, 0, 7] == pytest.approx([0, 0, 0, 0, *[1] * 8, 0, 0, 0, 0][:16], abs=0.4)
    assert covered[0, 0, 7, 4:12] == pytest.approx(np.ones(8) * covered[0, 0, 7, 6], abs=0.2)
    assert np.abs(rest).max() < 1e-5 and square.shape == (1, 1, 16, 16)


@pytest.mark.parametrize(("size", "frames"), [((32, 32), 8), ((16, 24), 3)])
def test_the_search_begins_near_the_drawn_clip(size, frames, shown, rng):
    draws = rng.random((15, 6), dtype=np.float32)
    clips = render_draws(shown, draws, size, frames)
    color, shape, motion, sky = attribute_indices(shown).T
    screen = Screen(size, frames)
    errors, starts = screen.search(clips, sky, color, np.zeros(15, np.float32))
    assert errors.shape == (15, len(SHAPES), len(MOTIONS)) and starts.shape == (*errors.shape, 6)
    place = np.arange(15), shape, motion
    better = (errors < errors[place][:, None, None]).sum(axis=(1, 2))
    assert better.max() <= 2
    begun = render_draws(shown, starts[place], size, frames)
    assert ((begun - clips) ** 2).mean(axis=(1, 2, 3, 4)).max() < 0.02


def test_a_single_frame_has_no_motion_to_search():
    screen = Screen((16, 16), 1)
    assert screen.motions == (None,)
    errors, _ = screen.search(np.zeros((2, 1, 16, 16, 3), np.float32), *np.zeros((2, 2), int), np.zeros(2, np.float32))
    assert errors.shape == (2, 5, 1) and len(SKIES) == 3
