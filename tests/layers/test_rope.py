import numpy as np
import pytest

from minidit.backend.device import choose_device
from minidit.gradient_check import GradientMismatch, check_gradients
from minidit.layers import axial_rotation, grid_positions, patchify, rope_backward, rope_forward
from minidit.layers.rope import BASE

GRID = (2, 3, 1)


def rotation(grid, width=8, dtype=np.float64):
    return axial_rotation(grid_positions(grid), width, dtype)


@pytest.mark.parametrize("leading", [(5,), (2, 5), (2, 4, 5)])
def test_gradients_with_any_leading_shape(rng, leading):
    check_gradients(rope_forward, rope_backward, rng.normal(size=(*leading, 6, 8)), rotation(GRID))


def test_gradients_where_each_clip_has_places_of_its_own(rng):
    turn = axial_rotation(rng.uniform(-3, 9, size=(2, 6, 3)), 10, np.float64)
    check_gradients(rope_forward, rope_backward, rng.normal(size=(2, 5, 6, 10)), turn)


def turned_the_same_way_again(dy, cache):
    cosines, sines = cache
    return rope_backward(dy, (cosines, -sines))


def passed_on_as_it_is(dy, cache):
    return dy


@pytest.mark.parametrize("slip", [turned_the_same_way_again, passed_on_as_it_is])
def test_the_check_catches(rng, slip):
    with pytest.raises(GradientMismatch, match="dx is wrong"):
        check_gradients(rope_forward, slip, rng.normal(size=(2, 5, 6, 8)), rotation(GRID))


def test_one_pair_turned_by_hand():
    # Width 6: a pair for each axis, (0, 3) for frames, (1, 4) for rows, (2, 5) for columns, all at speed 1.
    turn = axial_rotation(np.array([[np.pi / 2, np.pi, 0.0]]), 6, np.float64)
    y, _ = rope_forward(np.array([[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]]), turn)
    np.testing.assert_allclose(y[0, 0], [-4, -2, 3, 1, -5, 6], atol=1e-12)


def test_speeds_fall_geometrically_and_every_axis_has_its_share():
    assert BASE == 100
    for width, pairs in [(6, (1, 1, 1)), (8, (2, 1, 1)), (10, (1, 2, 2)), (16, (2, 3, 3)), (32, (6, 5, 5))]:
        first = 0
        for axis, count in enumerate(pairs):
            cosines, sines = axial_rotation(np.eye(3)[[axis]], width, np.float64)
            expected = np.zeros(width // 2)
            expected[first : first + count] = 100.0 ** (-np.arange(count) / count)
            np.testing.assert_allclose(np.arctan2(sines, cosines)[0], expected, atol=1e-12)
            first += count


def test_scores_depend_on_how_far_apart_two_tokens_are_and_not_on_where(rng):
    q, k = rng.normal(size=(2, 1, 1, 8))

    def score(place, other):
        turn = [axial_rotation(np.array([p], float), 8, np.float64) for p in (place, other)]
        return float(np.vdot(rope_forward(q, turn[0])[0], rope_forward(k, turn[1])[0]))

    assert score((1, 2, 3), (2, 2, 5)) == pytest.approx(score((4, 0, 1), (5, 0, 3)), rel=1e-12)
    for axis in range(3):
        moved = np.array([2, 2, 5]) + np.eye(3, dtype=int)[axis]
        assert abs(score((1, 2, 3), moved) - score((1, 2, 3), (2, 2, 5))) > 1e-3


def test_lengths_do_not_change(rng):
    x = rng.normal(size=(2, 5, 6, 8))
    y, _ = rope_forward(x, rotation(GRID))
    np.testing.assert_allclose(np.linalg.norm(y, axis=-1), np.linalg.norm(x, axis=-1), rtol=1e-12)


def test_places_are_in_the_order_of_the_tokens():
    clip = np.stack(np.indices((4, 6, 2)), axis=-1)[None]  # each latent holds its own place
    tokens = patchify(clip, (2, 3, 1))[0]
    np.testing.assert_array_equal(tokens[:, :3] // (2, 3, 1), grid_positions((2, 2, 2)))


@pytest.mark.parametrize("width", [4, 7])
def test_a_head_that_cannot_be_split_is_refused(width):
    with pytest.raises(ValueError, match=f"even width of at least 6, not {width}"):
        rotation(GRID, width)


def test_float32_stays_float32(rng, run_float32):
    run_float32(rope_forward, rope_backward, rng.normal(size=(2, 5, 6, 8)), rotation(GRID, dtype=np.float32))


def test_on_another_device_it_is_the_same(rng):
    xp = choose_device("simulated")
    x = rng.normal(size=(2, 5, 6, 8)).astype(np.float32)
    turn = rotation(GRID, dtype=np.float32)
    y, cache = rope_forward(x, turn)
    there, cache_there = rope_forward(xp.asarray(x), [xp.asarray(part) for part in turn])
    np.testing.assert_allclose(there.get(), y, atol=1e-6)
    np.testing.assert_allclose(rope_backward(there, cache_there).get(), rope_backward(y, cache), atol=1e-6)
