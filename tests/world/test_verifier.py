import time

import numpy as np
import pytest

from minidit.world import (
    ALL_ATTRIBUTES,
    COLORS,
    MOTIONS,
    PICTURES,
    PLAIN_SKIES,
    SHAPES,
    SKIES,
    Attributes,
    render,
    render_batch,
    verify,
    verify_batch,
)
from minidit.world.attributes import attribute_indices
from minidit.world.renderer import COLOR_VALUES, STEPS, paint, sky_images
from minidit.world.shapes import coverage

SIZES = (16, 24, 32, (16, 28), (36, 24))  # rows and columns; one number for both


def sample(rng, count):
    return [ALL_ATTRIBUTES[i] for i in rng.integers(len(ALL_ATTRIBUTES), size=count)]


def share_right(clips, attributes):
    return np.mean([r.right(a) for r, a in zip(verify_batch(clips), attributes, strict=True)])


def share_strict(clips, attributes):
    return np.mean([r.strict(a) for r, a in zip(verify_batch(clips), attributes, strict=True)])


def pair(size):
    """Rows and columns."""
    return size if isinstance(size, tuple) else (size, size)


def extent(size):
    """Width and height of a frame in units of a 16th of its shorter side."""
    rows, columns = pair(size)
    return 16 * columns / min(rows, columns), 16 * rows / min(rows, columns)


def draw(attributes, x, y, radius, size):
    """A clip of the object at the given centres (F,).

    The unit of length is a 16th of the frame's shorter side, and the frame's edges are at 0 and at its extent.
    """
    color, shape, _, sky = attribute_indices([attributes])[0]
    size = pair(size)
    scale = min(size) / 16
    x, y = (np.asarray(position, np.float32)[None] * scale - 0.5 for position in (x, y))
    covered = coverage(shape, x, y, np.array([radius * scale], np.float32), size)
    starlight = np.full(1, 0.5, np.float32)
    skies = sky_images(np.array([sky]), np.zeros(1, np.float32), starlight, size)
    return paint(covered, COLOR_VALUES[[color]], skies)[0]


def middle_path(motion, size=16, travel=4.0, frames=8):
    """x and y (F,) through the middle of a frame."""
    time = np.linspace(-0.5, 0.5, frames)
    step_x, step_y = STEPS[MOTIONS.index(motion)] * travel
    width, height = extent(size)
    return width / 2 + time * step_x, height / 2 + time * step_y


def pairs_with(column, change):
    """Every seventh combination, and the same with one attribute's value moved on by so many places."""
    names = (COLORS, SHAPES, MOTIONS, SKIES)[column]
    before = list(ALL_ATTRIBUTES[::7])
    return before, [
        a._replace(**{a._fields[column]: names[(names.index(a[column]) + change) % len(names)]})
        for a in before
    ]


@pytest.mark.parametrize("size", SIZES)
def test_fresh_clips_are_right_and_strict(size, rng):
    attributes = sample(rng, 400)
    clips = render_batch(attributes, rng, size)
    assert share_right(clips, attributes) >= 0.995
    assert share_strict(clips, attributes) >= 0.99


@pytest.mark.parametrize("size", SIZES)
def test_mild_noise_does_no_harm(size, rng):
    attributes = sample(rng, 300)
    clips = render_batch(attributes, rng, size)
    clips += 0.05 * rng.standard_normal(clips.shape, dtype=np.float32)
    assert share_right(clips, attributes) >= 0.99
    assert share_strict(clips, attributes) >= 0.98


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_plain_skies_are_read_as_plain(size, noise, rng):
    attributes = list(PLAIN_SKIES) * 20
    clips = render_batch(attributes, rng, size)
    assert share_strict(clips + noise * rng.standard_normal(clips.shape), attributes) == 1


@pytest.mark.parametrize("frames", [2, 5, 16])
@pytest.mark.parametrize("size", [24, (24, 64), (56, 40)])
def test_any_number_of_frames_of_any_size_is_read(size, frames, rng):
    attributes = sample(rng, 60)
    clips = render_batch(attributes, rng, size, frames)
    assert [reading.attributes for reading in verify_batch(clips)] == attributes
    assert share_strict(clips, attributes) >= 0.98


@pytest.mark.parametrize("size", SIZES)
def test_a_single_frame_is_read_without_motion(size, rng):
    attributes = list(PICTURES)
    stills = render_batch(attributes, rng, size, frames=1)
    assert [reading.attributes for reading in verify_batch(stills)] == attributes
    assert share_strict(stills, attributes) == 1


def test_the_sky_is_read_along_the_height(rng):
    attributes = [a._replace(sky="sunset") for a in sample(rng, 20)]
    clips = render_batch(attributes, rng, (32, 48))
    assert share_right(clips, attributes) == 1
    assert not any(reading.whole for reading in verify_batch(np.swapaxes(clips, 2, 3)))


def test_a_clip_is_read_the_same_alone_as_in_a_batch(rng):
    clips = render_batch(sample(rng, 20), rng, 16)
    for alone, together in zip(map(verify, clips), verify_batch(clips), strict=True):
        assert alone.attributes == together.attributes and alone.faults == together.faults
        assert alone.iou == pytest.approx(together.iou, abs=1e-5)


def test_input_is_unchanged_and_its_precision_does_not_matter(rng):
    attributes = sample(rng, 20)
    clips = render_batch(attributes, rng, 16).astype(float)
    before = clips.copy()
    assert share_right(clips, attributes) == 1
    assert np.array_equal(clips, before)


def test_reading_is_fast(rng):
    clips = render_batch(sample(rng, 64), rng, 32)
    seconds = []
    for _ in range(3):
        start = time.process_time()  # not a clock, which goes on while others have the CPU
        verify_batch(clips)
        seconds.append(time.process_time() - start)
    assert min(seconds) / len(clips) < 0.006  # well under 1 ms on an ordinary core


# What must not be called right


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["uniform", "grey", "loud", "noisy sky"])
def test_noise_is_never_whole(size, kind, rng):
    shape = (40, 8, *pair(size), 3)
    clips = {
        "uniform": lambda: rng.random(shape),
        "grey": lambda: 0.5 + 0.2 * rng.standard_normal(shape),
        "loud": lambda: rng.standard_normal(shape),
        "noisy sky": lambda: render(PLAIN_SKIES[0], rng, size) + rng.normal(size=shape),
    }[kind]()
    assert not any(reading.whole for reading in verify_batch(clips))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("value", [0.0, 0.25, 0.5, 0.75, 1.0, np.nan, np.inf, -np.inf])
def test_an_empty_clip_is_never_whole(size, value):
    assert not verify(np.full((8, *pair(size), 3), value)).whole


@pytest.mark.parametrize("size", SIZES)
def test_a_sky_without_its_object_is_wrong(size, rng):
    attributes = list(ALL_ATTRIBUTES[::5])
    skies = render_batch([Attributes(None, None, None, a.sky) for a in attributes], rng, size)
    assert share_right(skies, attributes) == 0


@pytest.mark.parametrize("size", SIZES)
def test_an_object_in_a_plain_sky_is_wrong(size, rng):
    attributes = list(ALL_ATTRIBUTES[::5])
    clips = render_batch(attributes, rng, size)
    assert share_right(clips, [Attributes(None, None, None, a.sky) for a in attributes]) == 0


@pytest.mark.parametrize("column", range(4))
def test_one_wrong_attribute_is_wrong(column, rng):
    drawn, asked = pairs_with(column, 1)
    assert share_right(render_batch(drawn, rng, 16), asked) == 0


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("frame", [0, 3, 7])
def test_an_object_that_vanishes_in_one_frame_is_wrong(size, frame, rng):
    attributes = list(ALL_ATTRIBUTES[::5])
    empty = [Attributes(None, None, None, a.sky) for a in attributes]
    clips = render_batch(attributes, np.random.default_rng(1), size)
    clips[:, frame] = render_batch(empty, np.random.default_rng(1), size)[:, frame]
    assert share_right(clips, attributes) == 0


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("frame", [0, 4, 7])
@pytest.mark.parametrize("motion", MOTIONS)
def test_an_object_that_jumps_off_its_path_is_wrong(size, frame, motion):
    for shape in SHAPES:
        attributes = Attributes("red", shape, motion, "night")
        x, y = middle_path(motion, size)
        assert verify(draw(attributes, x, y, 4.2, size)).strict(attributes)
        x[frame] += 2.5
        assert not verify(draw(attributes, x, y, 4.2, size)).right(attributes)


def test_a_slanted_and_a_bent_path_are_wrong():
    attributes = Attributes("red", "circle", "right", "night")
    x, y = middle_path("right")
    slanted = draw(attributes, x, y + np.linspace(-1, 1, 8), 4.2, 32)
    bent = draw(attributes, x, y + np.abs(np.linspace(-4, 4, 8)) - 2, 4.2, 32)
    back_and_forth = draw(attributes, 8 + 4 * np.sin(np.linspace(0, 4, 8)), y, 4.2, 32)
    for clip in (slanted, bent, back_and_forth):
        assert not verify(clip).right(attributes)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("change", [1, 2, 3, 4])
@pytest.mark.parametrize("column", [0, 1], ids=["color", "shape"])
def test_an_object_that_changes_midway_is_wrong(size, change, column):
    before, after = pairs_with(column, change)
    clips = render_batch(before, np.random.default_rng(2), size)
    clips[:, 4:] = render_batch(after, np.random.default_rng(2), size)[:, 4:]
    assert share_right(clips, before) == 0
    assert share_right(clips, after) == 0


def reach(shape, side):
    """Radii from a shape's centre to its outline on one side of it."""
    triangle = {"left": 0.62 * 3**0.5, "right": 0.62 * 3**0.5, "top": 1.24}
    return {"circle": 1, "square": 0.88, "cross": 1.12, "ring": 1.1}.get(shape) or triangle[side]


def at_edge(shape, side, motion, beyond, size):
    """An object that reaches beyond one edge of the frame by so many units."""
    attributes = Attributes("yellow", shape, motion, "day")
    x, y = middle_path(motion, size, travel=3.0)
    inset = reach(shape, side) * 4.4 - beyond
    if side == "top":
        y = np.full(8, inset)
    else:
        x = np.full(8, inset if side == "left" else extent(size)[0] - inset)
    return attributes, draw(attributes, x, y, 4.4, size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("side", ["left", "right", "top"])
@pytest.mark.parametrize("shape", SHAPES)
def test_touching_the_edge_is_right_and_being_cut_by_it_is_wrong(shape, side, size):
    for motion in ("still", "right" if side == "top" else "up"):
        attributes, touching = at_edge(shape, side, motion, 0.0, size)
        assert verify(touching).right(attributes)
        attributes, cut = at_edge(shape, side, motion, 3.0, size)
        assert not verify(cut).right(attributes)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", SHAPES)
def test_an_object_that_leaves_the_frame_is_wrong(shape, size):
    attributes = Attributes("white", shape, "left", "night")
    leaving = draw(attributes, np.linspace(5.5, 1.5, 8), np.full(8, 8.0), 4.4, size)
    assert not verify(leaving).right(attributes)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", ["circle", "triangle", "cross", "ring"])
def test_an_object_cut_by_two_edges_at_once_is_wrong(shape, size):
    # Not the square: what a corner leaves of it is a whole, smaller square.
    attributes = Attributes("red", shape, "still", "night")
    x = np.full(8, reach(shape, "left") * 4.4 - 3)
    y = np.full(8, reach(shape, "top") * 4.4 - 3)
    assert verify(draw(attributes, x + 3, y + 3, 4.4, size)).right(attributes)
    assert not verify(draw(attributes, x, y, 4.4, size)).right(attributes)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("frame", [0, 5])
def test_an_object_that_shrinks_in_one_frame_is_wrong(size, frame):
    for shape in SHAPES:
        attributes = Attributes("blue", shape, "up", "sunset")
        clip = draw(attributes, *middle_path("up", size), 4.8, size)
        assert verify(clip).right(attributes)
        clip[frame] = draw(attributes, *middle_path("up", size), 2.8, size)[frame]
        assert not verify(clip).right(attributes)


@pytest.mark.parametrize("size", SIZES)
def test_two_objects_of_one_colour_have_no_clear_shape(size):
    attributes = Attributes("white", "circle", "still", "night")
    y = np.full(8, 8.0)
    two = [draw(attributes, np.full(8, x), y, 2.8, size) for x in (4.0, 12.0)]
    assert not verify(np.maximum(*two)).whole


@pytest.mark.parametrize("size", SIZES)
def test_a_second_object_is_wrong(size):
    attributes = Attributes("red", "circle", "still", "night")
    x, y = np.full(8, 5.0), np.full(8, 5.0)
    clip = draw(attributes, x, y, 4.2, size)
    assert verify(clip).right(attributes)
    for color in ("blue", "white"):
        other = draw(attributes._replace(color=color), x + 7, y + 7, 2.5, size)
        assert not verify(np.maximum(clip, other)).right(attributes)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_still_whose_object_is_cut_is_wrong(shape, size):
    for side in ("left", "right", "top"):
        attributes, touching = at_edge(shape, side, "still", 0.0, size)
        assert verify(touching[:1]).right(attributes)
        _, cut = at_edge(shape, side, "still", 3.0, size)
        assert not verify(cut[:1]).right(attributes)


def test_a_still_with_a_wrong_attribute_is_wrong(rng):
    for column in (0, 1, 3):
        drawn, asked = pairs_with(column, 1)
        assert share_right(render_batch(drawn, rng, 24, frames=1), asked) == 0


def test_a_blob_is_no_shape_and_never_strict(rng):
    attributes = Attributes("red", "square", "still", "night")
    clip = draw(attributes, np.full(8, 8.0), np.full(8, 8.0), 4.4, 16)
    assert verify(clip).iou > 0.95
    clip[:, 4:12:2, 4:12] = render(PLAIN_SKIES[1], rng, 16)[:, 4:12:2, 4:12]
    assert not verify(clip).strict(attributes)


def test_a_rough_outline_lowers_the_overlap():
    attributes = Attributes("green", "triangle", "right", "day")
    x, y = middle_path("right")
    clean = draw(attributes, x, y, 4.4, 32)
    uneven = np.stack([draw(attributes, x, y, radius, 32)[f] for f, radius in enumerate([4, 5] * 4)])
    assert verify(clean).iou > 0.95 > verify(uneven).iou


@pytest.mark.parametrize(
    "shape", [(8, 32, 32, 3), (1, 0, 32, 32, 3), (1, 8, 32, 32, 1), (1, 8, 12, 32, 3), (1, 8, 32, 12, 3)]
)
def test_arrays_that_are_no_clips_are_refused(shape):
    with pytest.raises(ValueError, match="clips must be"):
        verify_batch(np.zeros(shape, np.float32))


def test_no_clips_have_no_readings():
    assert verify_batch(np.zeros((0, 8, 32, 32, 3), np.float32)) == []
