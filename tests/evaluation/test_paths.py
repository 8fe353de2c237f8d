import numpy as np
import pytest

from minidit.evaluation.paths import (
    center_errors,
    centers,
    lost,
    relative_velocity_error,
    rms_distance,
    roughness,
    seam,
    typical_step,
    velocities,
    velocity_errors,
    wrap_step,
)
from minidit.world import SHAPES, Attributes, render_batch
from minidit.world.paths import straight_through
from minidit.world.renderer import render_paths

NAN = float("nan")


def straight(step, frames=6, start=(10.0, 12.0)):
    """One path (1, F, 2)."""
    return (np.array(start) + np.arange(frames)[:, None] * np.array(step, float))[None]


def without(path, *frames):
    path = path.copy()
    path[:, list(frames)] = NAN
    return path


def test_the_centres_are_those_of_the_pixels(rng):
    clips = render_batch([Attributes("red", "circle", "right", "day")], rng, (32, 48), 6)
    path = centers(clips)
    assert path.shape == (1, 6, 2)
    speed = velocities(path)[0]
    assert (speed[:, 0] > 1).all()
    assert speed[:, 1] == pytest.approx(0, abs=0.1)


def test_the_centres_are_those_that_were_drawn_while_they_can_be_seen(rng):
    size, count = (24, 32), len(SHAPES)
    attributes, radius = [Attributes("yellow", shape, None, "night") for shape in SHAPES], np.full(count, 5, np.float32)
    position, light = rng.random((2, count, 2), dtype=np.float32)
    step = np.tile(np.float32([4, 1]), (count, 1))
    paths = straight_through(step, position, radius, size, frames=12, start=2, stop=6)
    measured = centers(render_paths(attributes, paths, radius, light, size))
    outside = np.abs(paths - (15.5, 11.5)) - (15.5, 11.5)      # N, F, 2    how far beyond the edge, in pixels
    assert (center_errors(measured, paths)[(outside < 0).all(axis=-1)] < 0.4).all()
    gone = (outside > 8).any(axis=-1)                          # N, F
    assert gone.any(axis=1).all() and np.isnan(measured[gone]).all()


def test_errors_of_a_path_beside_the_true_one():
    true = straight((2, 0))
    beside, slower = true + (3, 4), straight((1.5, 0))
    assert center_errors(beside, true) == pytest.approx(np.full((1, 6), 5))
    assert velocity_errors(beside, true) == pytest.approx(np.zeros((1, 5)))
    assert velocity_errors(slower, true) == pytest.approx(np.full((1, 5), 0.5))
    assert rms_distance(slower, true) == pytest.approx(0.5 * np.sqrt(np.mean(np.arange(6.0) ** 2)))


@pytest.mark.parametrize(
    ("step", "error"), [((2, 0), 0), ((0, 0), 1), ((-2, 0), 2), ((0, 2), 2**0.5)], ids=["same", "stop", "back", "turn"]
)
def test_the_relative_velocity_error(step, error):
    assert relative_velocity_error(straight(step), straight((2, 0))) == pytest.approx(error)


def test_an_object_does_not_gain_by_vanishing_where_it_should_be_fast():
    true = np.array([[[0.0, 0], [1, 0], [2, 0], [5, 0], [8, 0]]])
    stops = np.zeros_like(true)
    assert relative_velocity_error(stops, true) == pytest.approx(1)
    assert relative_velocity_error(without(stops, 3, 4), true) == pytest.approx(1)


def test_the_relative_velocity_error_of_still_objects_is_unknown():
    assert np.isnan(relative_velocity_error(straight((1, 0)), straight((0.05, 0)))).all()


def test_only_the_chosen_steps_count():
    true, made = straight((2, 0)), straight((2, 0))
    made[0, 4:] += np.array([[0, 1], [0, 2]])
    assert relative_velocity_error(made, true, [True, True, True, False, False]) == 0
    assert relative_velocity_error(made, true, [False, False, False, True, True]) == pytest.approx(0.5)


def test_frames_without_a_centre_are_left_out_and_counted():
    true = straight((2, 0))
    made = without(true, 1, 2)
    assert lost(made, true) == pytest.approx(2 / 6)
    assert lost(true, made) == 0
    assert lost(made, without(true, 2, 3)) == pytest.approx(1 / 4)
    assert np.isnan(center_errors(made, true)[0, 1:3]).all()
    assert relative_velocity_error(made, true) == 0
    assert np.isnan(rms_distance(without(true, *range(6)), true)).all()


def test_a_seam_is_the_step_across_a_border_beside_the_others():
    path = straight((2, 1))
    assert seam(path, 3) == pytest.approx(0)
    path[0, 3:] += (3, -4)
    assert seam(path, 3) == pytest.approx(5)
    assert seam(path, 2) == pytest.approx(5 / 4)
    turned = np.concatenate([straight((2, 0), 4), straight((2, 0), 4, (10, 12))], axis=1)
    assert seam(turned, 4) == pytest.approx(8)
    with pytest.raises(ValueError, match="no border"):
        seam(path, 6)


def test_roughness_is_the_largest_second_difference():
    path = straight((2, 1), 8)
    assert roughness(path) == pytest.approx(0)
    path[0, 5] += (0.6, 0.8)
    assert roughness(path) == pytest.approx(2)
    first = np.arange(8) < 4
    assert roughness(path, first) == pytest.approx(1)  # frames 3, 4 and 5
    assert roughness(path, np.arange(8) < 3) == pytest.approx(0)
    assert roughness(without(path, 5)) == pytest.approx(0)
    assert np.isnan(roughness(path[:, :2])).all()


def test_the_way_back_to_the_first_frame_beside_the_usual_step():
    assert wrap_step(straight((2, 0))) == pytest.approx(10)
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    circle = 5 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)[None]
    assert wrap_step(circle) == pytest.approx(typical_step(circle))
    assert typical_step(without(straight((3, 4)), 2)) == pytest.approx(5)
    assert np.isnan(typical_step(straight((1, 0), 1))).all()
