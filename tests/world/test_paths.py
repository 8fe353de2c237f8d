import numpy as np
import pytest

from minidit.world.paths import bent_paths, straight_through
from minidit.world.renderer import MARGIN

SIZE = (32, 48)
COUNT = 200


@pytest.fixture
def drawn(rng):
    """Steps (N, 2), positions (N, 2) and radii (N,)."""
    step = rng.uniform(-1, 1, (COUNT, 2)).astype(np.float32)
    return step, rng.random((COUNT, 2), dtype=np.float32), rng.uniform(4, 6, COUNT).astype(np.float32)


@pytest.mark.parametrize(("start", "stop"), [(0, 8), (0, 16), (10, 16), (3, 4)])
def test_a_straight_path_is_inside_where_it_should_be_and_has_one_step_everywhere(drawn, start, stop):
    step, position, radius = drawn
    centers = straight_through(step, position, radius, SIZE, 16, start, stop)
    assert centers.shape == (COUNT, 16, 2) and centers.dtype == np.float32
    np.testing.assert_allclose(np.diff(centers, axis=1), np.repeat(step[:, None], 15, axis=1), atol=1e-4)
    margin = MARGIN * radius[:, None, None]
    within = centers[:, start:stop]
    assert (within >= margin - 1e-3).all() and (within <= np.array([47, 31]) - margin + 1e-3).all()


def test_a_path_may_leave_the_picture_elsewhere():
    step = np.array([[1.0, 0.0]], np.float32)
    centers = straight_through(step, np.ones((1, 2), np.float32), np.array([5.0], np.float32), SIZE, 16, 0, 4)
    assert centers[0, -1, 0] > 47


def test_a_bent_path_has_both_ways_at_its_ends(drawn, rng):
    first_step, first_place, radius = drawn
    last_step, last_place = rng.uniform(-1, 1, (2, COUNT, 2)).astype(np.float32)
    last_place = np.abs(last_place)
    before, after = 3, 2
    centers = bent_paths(first_step, last_step, first_place, last_place, radius, SIZE, 12, before, after)
    assert centers.shape == (COUNT, 12, 2) and centers.dtype == np.float32
    steps = np.diff(centers, axis=1)
    np.testing.assert_allclose(steps[:, : before - 1], np.repeat(first_step[:, None], before - 1, axis=1), atol=1e-4)
    np.testing.assert_allclose(steps[:, -(after - 1) :], last_step[:, None], atol=1e-4)
    margin = MARGIN * radius[:, None, None]
    for straight in (centers[:, :before], centers[:, 12 - after :]):
        assert (straight >= margin - 1e-3).all() and (straight <= np.array([47, 31]) - margin + 1e-3).all()


def test_a_bent_path_between_two_parts_of_one_straight_way_is_straight():
    step = np.array([[0.5, 0.0]], np.float32)
    radius = np.array([5.0], np.float32)
    room = 46 - 2 * MARGIN * 5  # for where the first and the last way begin: each goes on for two frames
    first, last = np.array([[0.1, 0.5]], np.float32), np.array([[0.1 + 11 * 0.5 / room, 0.5]], np.float32)
    centers = bent_paths(step, step, first, last, radius, SIZE, 14, 3, 3)  # the places are 9 frames apart
    np.testing.assert_allclose(np.diff(centers[0], axis=0), np.repeat(step, 13, axis=0), atol=1e-3)


def test_a_bent_path_has_no_jerk(drawn, rng):
    # Of a cubic with these ends no second difference can exceed a bound that a jump would break.
    first_step, first_place, radius = drawn
    centers = bent_paths(first_step, -first_step, first_place, first_place, radius, SIZE, 16, 4, 4)
    assert np.abs(np.diff(centers, 2, axis=1)).max() < 1
