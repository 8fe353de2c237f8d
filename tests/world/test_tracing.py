import numpy as np
import pytest

from minidit.world import ALL_ATTRIBUTES, PLAIN_SKIES, SHAPES, Attributes, render_batch
from minidit.world.measuring import measure
from minidit.world.renderer import render_paths
from minidit.world.shapes import coverage
from minidit.world.tracing import fit_centers, trace


def along(paths, rng, size, shapes=SHAPES, noise=0.0):
    """A clip of each shape that goes along a path (F, 2) in pixels, and the radius: (N, F, H, W, 3), number."""
    radius = np.float32(4.4 * min(size) / 16)
    attributes = [Attributes("yellow", shape, None, "night") for shape in shapes]
    centers = np.broadcast_to(np.asarray(paths, np.float32), (len(shapes), len(paths), 2))
    clips = render_paths(attributes, centers, np.full(len(shapes), radius), rng.random((len(shapes), 2)), size)
    return clips + noise * rng.standard_normal(clips.shape), radius


@pytest.mark.parametrize("size", [(24, 24), (32, 48), (64, 40)])
def test_the_centres_of_objects_that_are_seen_whole(size, rng):
    path = np.linspace((0.4 * size[1], 0.6 * size[0]), (0.6 * size[1], 0.5 * size[0]), 5)
    clips, radius = along(path, rng, size)
    measured = trace(clips)
    assert measured.x == pytest.approx(np.tile(path[:, 0], (5, 1)), abs=0.2)
    assert measured.y == pytest.approx(np.tile(path[:, 1], (5, 1)), abs=0.2)
    assert measured.area[0] == pytest.approx(np.pi * radius**2, rel=0.05)


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("corner", [(0, 0), (0, 1), (1, 0), (1, 1)], ids=str)
def test_the_centres_of_objects_that_the_edge_cuts_are_those_of_the_whole(corner, noise, rng):
    rows, columns = size = 32, 48
    middle, edge = np.array([columns / 2, rows / 2]), np.array(corner) * (columns - 1, rows - 1)
    for end in [(edge[0], middle[1]), (middle[0], edge[1])]:  # ends half outside
        path = np.linspace(middle, end, 6)
        clips, _ = along(path, rng, size, noise=noise)
        measured = trace(clips)
        assert measured.x == pytest.approx(np.tile(path[:, 0], (5, 1)), abs=0.4)
        assert measured.y == pytest.approx(np.tile(path[:, 1], (5, 1)), abs=0.4)
        assert (measured.area[:, -1] < 0.7 * measured.area[:, 0]).all()


def test_an_object_that_has_nearly_left_has_no_centre_and_one_that_has_left_no_area(rng):
    clips, radius = along([(16, 16), (30, 16), (31 + 0.7 * 7, 16), (50, 16)], rng, (32, 32), ["circle"])
    measured = trace(clips)
    assert np.isnan(measured.x).tolist() == np.isnan(measured.y).tolist() == [[False, False, True, True]]
    assert np.isnan(measured.area).tolist() == [[False, False, False, True]]


def test_a_plain_sky_has_no_path(rng):
    measured = trace(render_batch(PLAIN_SKIES, rng, (24, 32), 3))
    assert all(np.isnan(part).all() and part.shape == (3, 3) for part in measured)


def test_each_clip_is_measured_for_itself(rng):
    clips = render_batch([ALL_ATTRIBUTES[i] for i in rng.integers(375, size=20)], rng, 24, 3)
    together = trace(clips)
    for n in range(20):
        for alone, one in zip(trace(clips[n : n + 1]), together, strict=True):
            assert alone[0] == pytest.approx(one[n], abs=1e-3)


def test_no_clips_and_no_frames(rng):
    assert trace(np.zeros((0, 4, 16, 16, 3))).x.shape == (0, 4)
    with pytest.raises(ValueError, match="clips must be"):
        trace(np.zeros((1, 0, 16, 16, 3)))


@pytest.mark.parametrize("shape", range(len(SHAPES)), ids=SHAPES)
def test_a_fit_finds_the_whole_from_the_centre_of_what_is_seen(shape):
    radius = np.array([6.0], np.float32)
    x, y = np.array([[3.0, 20.0, 30.0]], np.float32), np.array([[9.0, 14.0, 22.0]], np.float32)
    mask = coverage(shape, x, y, radius, (24, 32))             # 1, F, H, W
    _, seen_x, seen_y, _ = measure(mask, 1.0)
    assert np.abs(seen_x - x).max() > 0.9
    found_x, found_y = fit_centers(mask[0], shape, radius, seen_x[0], seen_y[0])
    assert found_x == pytest.approx(x[0], abs=0.05)
    assert found_y == pytest.approx(y[0], abs=0.05)
