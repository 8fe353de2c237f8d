import numpy as np
import pytest

from minidit.evaluation.fidelity import Nearest, examine, fidelity, shows
from minidit.evaluation.pixels import psnr
from minidit.world import ALL_ATTRIBUTES, COLORS, PICTURES, PLAIN_SKIES, SHAPES, Attributes, render_batch, verify_batch
from minidit.world.renderer import COLOR_VALUES, render_draws, render_paths

RED = Attributes("red", "circle", "right", "night")
MIDDLE = np.full((1, 6), 0.5, np.float32)
STRAIGHT = np.linspace([16, 15], [24, 15], 8, dtype=np.float32)[None]  # 1, 8, 2


def clean(attributes=RED, draws=MIDDLE):
    return render_draws([attributes], draws, (32, 32), 8)


def some(count, attributes=ALL_ATTRIBUTES, seed=0):
    """A few combinations that have all colours, shapes, motions and skies, 15 or more of them."""
    start = np.random.default_rng(seed).integers(len(attributes))
    return [attributes[(start + 47 * n) % len(attributes)] for n in range(count)]


@pytest.mark.parametrize(
    ("size", "frames", "count"), [(32, 8, 15), ((32, 48), 4, 5), ((48, 32), 8, 4), (16, 16, 10), (24, 2, 5)]
)
def test_a_real_clip_is_found_itself(size, frames, count, rng):
    asked = some(count)
    clips = render_batch(asked, rng, size, frames)
    found = examine(clips)
    assert found.attributes == asked and found.shows(asked).all()
    assert found.fidelity.min() > 60
    assert render_draws(asked, found.draws, clips.shape[2:4], frames) == pytest.approx(clips, abs=0.01)
    assert [reading.attributes for reading in verify_batch(clips)] == asked


def test_a_picture_is_found_without_its_motion(rng):
    found = examine(render_batch(PICTURES, rng, 32, 1))
    assert found.attributes == list(PICTURES) and found.fidelity.min() > 45
    assert found.shows([a._replace(motion="left") for a in PICTURES]).all()


def test_a_plain_sky_is_found_without_an_object(rng):
    found = examine(render_batch(PLAIN_SKIES, rng, 32, 8))
    assert found.attributes == list(PLAIN_SKIES) and found.fidelity.min() > 60
    assert np.isnan(found.centers).all() and np.isnan(found.radius).all()


def test_place_and_size_are_the_drawn_ones():
    found = examine(render_paths([RED], STRAIGHT, np.array([9.0], np.float32), MIDDLE[:, :2], (32, 48)))
    assert found.radius == pytest.approx(9, abs=0.01)
    assert found.centers == pytest.approx(STRAIGHT, abs=0.02)


@pytest.mark.parametrize("sigma", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("attributes", [RED, Attributes("white", "ring", "up", "day")])
def test_noise_of_known_size_is_measured(sigma, attributes, rng):
    real = clean(attributes)
    noisy = np.clip(real + rng.normal(0, sigma, real.shape), 0, 1)
    found = examine(noisy)
    assert found.fidelity == pytest.approx(psnr(noisy, real), abs=0.1) and found.attributes == [attributes]


def seam(clip):
    clip[:, :, :, 7::8] += 0.1


def speck(clip):
    clip[:, 3, 2:5, 26:29] = 1


def wrong_patch(clip):
    clip[:, :, 24:, :8] = (0.5, 0.5, 0.5)


def flicker(clip):
    clip[:, 4] *= 0.8


@pytest.mark.parametrize("damage", [seam, speck, wrong_patch, flicker])
def test_damage_costs_what_it_changes(damage):
    real, damaged = clean(), clean()
    damage(damaged)
    expected = psnr(np.clip(damaged, 0, 1), real)
    found = examine(damaged)
    assert expected - 0.01 <= found.fidelity <= expected + 0.6  # the fit may bend a little towards the damage
    assert found.attributes == [RED] and expected < 40


def test_an_object_that_changes_its_colour_costs_half_of_its_frames():
    clip = clean()
    clip[:, 4:] = clean(RED._replace(color="yellow"))[:, 4:]
    expected = max(psnr(clip, clean()), psnr(clip, clean(RED._replace(color="yellow"))))
    found = examine(clip)
    assert found.fidelity == pytest.approx(expected, abs=1) and found.fidelity < 20
    assert found.attributes[0].color in ("red", "yellow")


def test_an_object_that_changes_its_shape_costs_fidelity():
    clip, cross = clean(), clean(RED._replace(shape="cross"))
    share = np.linspace(0, 1, 8, dtype=np.float32)[:, None, None, None]
    found = examine((1 - share) * clip + share * cross)
    assert 15 < found.fidelity < 25


def test_a_curved_path_costs_fidelity():
    bend = 3 * np.sin(np.linspace(0, np.pi, 8))[None, :, None] * [0, 1]
    drawn = [
        render_paths([RED], path.astype(np.float32), np.array([8.8], np.float32), MIDDLE[:, :2], (32, 48))
        for path in (STRAIGHT, STRAIGHT + bend)
    ]
    straight, curved = (fidelity(clips)[0] for clips in drawn)
    assert straight > 60 and 18 < curved < 27


def test_what_the_world_does_not_draw_is_as_far_as_its_nearest_clip():
    light, small, center = MIDDLE[:, :2], np.array([7.0], np.float32), np.full((1, 8, 2), 15.5, np.float32)
    still = RED._replace(motion="still")
    clip = render_paths([still], center, small, light, (32, 32))
    nearest = render_paths([still], center, small + 1, light, (32, 32))  # radius 8 is the least
    found = examine(clip)
    assert found.radius == pytest.approx(8) and found.fidelity == pytest.approx(psnr(clip, nearest), abs=0.3)
    away = render_paths([still], center - [12, 0], small + 1, light, (32, 32))
    found = examine(away)
    assert found.fidelity < 20 and found.centers[0, 0, 0] == pytest.approx(8.8, abs=0.1)  # 1.1 radii from the edge


def test_the_nearest_clip_of_other_attributes_is_far(rng):
    clips = np.repeat(clean(), 5, axis=0)
    asked = [
        RED,
        RED._replace(color="blue"),
        RED._replace(shape="square"),
        RED._replace(motion="left"),
        RED._replace(sky="day"),
    ]
    right, *others = found = fidelity(clips, asked)
    assert right > 60 and max(others) < 25
    assert found.shape == (5,) and fidelity(clips[:1], RED) == pytest.approx(right, abs=1e-3)
    assert examine(clips, asked).attributes == asked


def test_what_is_left_out_is_free(rng):
    open_ones = [Attributes(None, "circle", None, None), Attributes("red", None, "right", None)]
    assert examine(np.repeat(clean(), 2, axis=0), open_ones).attributes == [RED, RED]
    assert fidelity(clean(), PLAIN_SKIES[1]) < 20


@pytest.mark.parametrize(
    ("found", "asked", "frames", "answer"),
    [
        (RED, RED, 8, True),
        (RED, RED._replace(motion="left"), 8, False),
        (RED._replace(motion=None), RED, 1, True),
        (RED._replace(motion=None), RED._replace(shape="ring"), 1, False),
        (RED, Attributes(None, "circle", None, None), 8, True),
        (RED, Attributes(None, "ring", None, None), 8, False),
        (RED, PLAIN_SKIES[1], 8, False),
        (PLAIN_SKIES[1], PLAIN_SKIES[1], 8, True),
        (PLAIN_SKIES[1], RED, 8, False),
        (RED, None, 8, True),
    ],
)
def test_only_what_was_asked_for_counts(found, asked, frames, answer):
    assert shows(found, asked, frames) is answer


def test_any_picture_has_an_answer(rng):
    clips = np.stack([rng.random((2, 16, 16, 3)), np.zeros((2, 16, 16, 3)), np.full((2, 16, 16, 3), np.nan)])
    clips[0, 0, 0] = 7.0
    found = examine(clips)
    assert isinstance(found, Nearest) and np.isfinite(found.fidelity).all() and found.fidelity.max() < 30
    assert examine(clips[:0]).attributes == [] and fidelity(clips[:0]).shape == (0,)


@pytest.mark.parametrize("shape", [(2, 16, 16, 3), (1, 0, 16, 16, 3), (1, 2, 15, 16, 3), (1, 2, 16, 16, 4)])
def test_what_is_no_clip_is_refused(shape):
    with pytest.raises(ValueError, match="clips must be"):
        examine(np.zeros(shape))


def test_attributes_of_another_number_or_world_are_refused():
    with pytest.raises(ValueError, match="1 clips were given, and attributes for 2"):
        examine(clean(), [RED, RED])
    with pytest.raises(ValueError, match="purple"):
        examine(clean(), RED._replace(color="purple"))


def test_the_colours_and_shapes_are_all_there():
    assert {a.color for a in some(15)} == set(COLORS) and {a.shape for a in some(15)} == set(SHAPES)
    assert len(COLOR_VALUES) == len(COLORS)
