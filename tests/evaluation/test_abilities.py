import numpy as np
import pytest

from minidit.evaluation.abilities import (
    animate_scores,
    connect_scores,
    edit_scores,
    extend_scores,
    film_scores,
    inpaint_scores,
    least_fidelity,
    loop_scores,
    way_error,
)
from minidit.world import SHAPES, Attributes, render_batch
from minidit.world.renderer import render_paths

SIZE = (24, 32)
DAY_BALL = Attributes("red", "circle", "right", "day")


def draw(paths, attributes=DAY_BALL, size=SIZE):
    """One clip (1, F, H, W, 3) of an object that goes along a path (F, 2); None is a frame without it."""
    paths = [(-99, -99) if place is None else place for place in paths]
    return render_paths(
        [attributes], np.array([paths], np.float32), np.array([6.0], np.float32), np.full((1, 2), 0.5), size
    )


def line(first, step, frames):
    return [tuple(np.add(first, np.multiply(i, step))) for i in range(frames)]


def one(scores):
    """The numbers of a single clip."""
    assert all(len(values) == 1 for values in scores.values())
    return {name: float(values[0]) for name, values in scores.items()}


RIGHT = line((9, 12), (1.5, 0), 8)
STILL = line((16, 12), (0, 0), 8)


def test_animate_a_clip_that_does_as_it_was_told():
    clip = draw(RIGHT)
    scores = one(animate_scores(clip[:, 0], clip, [DAY_BALL]))
    assert scores == {"frame_psnr": np.inf, "color_kept": 1, "shape_kept": 1, "motion_obeyed": 1, "right": 1}


@pytest.mark.parametrize(
    ("clip", "wrong"),
    [
        (draw(STILL), {"motion_obeyed", "right", "frame_psnr"}),
        (draw(RIGHT, DAY_BALL._replace(color="blue")), {"color_kept", "right", "frame_psnr"}),
        (draw(RIGHT, DAY_BALL._replace(shape="square")), {"shape_kept", "right", "frame_psnr"}),
        (draw(RIGHT, DAY_BALL._replace(sky="night")), {"right", "frame_psnr"}),
        (draw([*RIGHT[:5], None, *RIGHT[6:]]), {"right"}),
    ],
    ids=["stands", "other colour", "other shape", "other sky", "vanishes"],
)
def test_animate_a_clip_that_does_not(clip, wrong):
    scores = one(animate_scores(draw(RIGHT)[:, 0], clip, [DAY_BALL]))
    assert {name for name, value in scores.items() if not value >= (30 if name == "frame_psnr" else 1)} == wrong


GIVEN = np.arange(8) < 4


def test_extend_the_true_continuation():
    scores = one(extend_scores(draw(RIGHT), draw(RIGHT), GIVEN))
    assert scores["color_kept"] == scores["shape_kept"] == 1
    assert scores["seam"] == scores["true_seam"] == pytest.approx(0, abs=0.1)
    for name in ("center_error", "velocity_error", "relative_velocity_error", "lost"):
        assert scores[name] == 0


def test_extend_at_half_the_speed():
    made = RIGHT[:4] + line(np.add(RIGHT[3], (0.75, 0)), (0.75, 0), 4)
    scores = one(extend_scores(draw(made), draw(RIGHT), GIVEN))
    assert scores["center_error"] == pytest.approx(0.75 * 2.5, abs=0.15)
    assert scores["velocity_error"] == pytest.approx(0.75, abs=0.15)
    assert scores["relative_velocity_error"] == pytest.approx(0.5, abs=0.1)


def test_extend_with_a_jump_at_the_border():
    made = RIGHT[:4] + line(np.add(RIGHT[4], (0, 3)), (1.5, 0), 4)
    scores = one(extend_scores(draw(made), draw(RIGHT), GIVEN))
    assert scores["seam"] == pytest.approx(3, abs=0.2)
    assert scores["true_seam"] < 0.1
    assert scores["center_error"] == pytest.approx(3, abs=0.2)
    assert scores["velocity_error"] == pytest.approx(3 / 4, abs=0.15)  # of 4 steps, one is wrong


def test_extend_both_ways_counts_both_borders():
    known = (np.arange(8) >= 2) & (np.arange(8) < 6)
    made = [*np.add(RIGHT[:2], (0, 2)), *RIGHT[2:]]
    assert one(extend_scores(draw(made), draw(RIGHT), known))["seam"] == pytest.approx((2 + 2 / 6) / 2, abs=0.2)


def test_extend_backward_is_measured_on_the_frames_before():
    made = [*np.add(RIGHT[:4], (0, 2)), *RIGHT[4:]]
    scores = one(extend_scores(draw(made), draw(RIGHT), ~GIVEN))
    assert scores["center_error"] == pytest.approx(2, abs=0.1)
    assert one(extend_scores(draw(made), draw(RIGHT), GIVEN))["center_error"] == pytest.approx(0, abs=0.1)


def test_extend_with_an_object_that_vanishes_or_changes():
    scores = one(extend_scores(draw([*RIGHT[:6], None, None]), draw(RIGHT), GIVEN))
    assert scores["lost"] == 0.5
    other = draw(RIGHT, Attributes("blue", "square", "right", "day"))
    mixed = np.concatenate([draw(RIGHT)[:, :4], other[:, 4:]], axis=1)
    scores = one(extend_scores(mixed, draw(RIGHT), GIVEN))
    assert scores["color_kept"] == scores["shape_kept"] == 0


def test_extend_follows_an_object_out_of_the_frame():
    leaving = line((16, 12), (2, 0), 8)  # the last centre is at 30, and the frame ends at 31.5
    scores = one(extend_scores(draw([*leaving[:4], *[leaving[3]] * 4]), draw(leaving), GIVEN))
    assert scores["velocity_error"] == pytest.approx(2, abs=0.1)
    assert scores["relative_velocity_error"] == pytest.approx(1, abs=0.05)


def test_extend_needs_given_and_made_frames():
    for known in (np.ones(8, bool), np.zeros(8, bool)):
        with pytest.raises(ValueError, match="some made"):
            extend_scores(draw(RIGHT), draw(RIGHT), known)


def test_connect_by_a_straight_way_and_by_one_with_a_jerk():
    way = line((8, 12), (1.4, 0), 12)
    first, second = draw(way[:4]), draw(way[8:])
    scores = one(connect_scores(draw(way), first, second))
    assert scores["ends_psnr"] == np.inf
    assert scores["lost"] == 0 and scores["color_kept"] == scores["shape_kept"] == 1
    assert scores["roughness"] < 0.2 and scores["known_roughness"] < 0.2
    jerk = [*way[:6], tuple(np.add(way[6], (0, 2.5))), *way[7:]]
    scores = one(connect_scores(draw(jerk), first, second))
    assert scores["roughness"] == pytest.approx(5, abs=0.3)
    assert scores["known_roughness"] < 0.2


def test_connect_sees_ends_that_are_not_kept_and_a_jump_into_them():
    way = line((8, 12), (1.4, 0), 12)
    first, second = draw(way[:4]), draw(np.add(way[8:], (0, 4)))
    ends_lost = one(connect_scores(draw(way), first, second))
    assert ends_lost["ends_psnr"] < 25
    jump = one(connect_scores(np.concatenate([draw(way[:8]), second], axis=1), first, second))
    assert jump["ends_psnr"] == np.inf
    assert jump["roughness"] == pytest.approx(4, abs=0.3)


def test_connect_sees_an_object_that_is_gone_or_another():
    way = line((8, 12), (1.4, 0), 12)
    first, second = draw(way[:4]), draw(way[8:])
    gone = one(connect_scores(draw([*way[:4], None, None, *way[6:]]), first, second))
    assert gone["lost"] == 0.5
    other = draw(way, Attributes("white", "ring", "right", "day"))
    mixed = np.concatenate([first, other[:, 4:8], second], axis=1)
    scores = one(connect_scores(mixed, first, second))
    assert scores["color_kept"] == scores["shape_kept"] == 0
    with pytest.raises(ValueError, match="no frame between"):
        connect_scores(draw(way[:8]), first, second)


def test_loop_there_and_back_and_one_that_jumps_back():
    back = [*RIGHT, *RIGHT[-2:0:-1]]
    scores = one(loop_scores(draw(back)))
    assert scores["wrap_step"] == pytest.approx(1.5, abs=0.1)
    assert scores["typical_step"] == pytest.approx(1.5, abs=0.1)
    assert scores["wrap_psnr"] == pytest.approx(scores["neighbour_psnr"], abs=0.5)
    assert scores["lost"] == 0
    scores = one(loop_scores(draw(RIGHT)))
    assert scores["wrap_step"] == pytest.approx(10.5, abs=0.2)
    assert scores["typical_step"] == pytest.approx(1.5, abs=0.1)
    assert scores["wrap_psnr"] < scores["neighbour_psnr"] - 3


def test_loop_that_loses_the_object():
    scores = one(loop_scores(draw([*RIGHT[:6], None, None])))
    assert scores["lost"] == 0.25 and np.isnan(scores["wrap_step"])
    assert scores["typical_step"] == pytest.approx(1.5, abs=0.1)


def test_connect_tells_a_jerk_in_what_was_given_from_one_in_what_was_made():
    way = line((8, 12), (1.2, 0), 14)
    way[2] = tuple(np.add(way[2], (0, 2.5)))
    for path in (way, way[::-1]):
        scores = one(connect_scores(draw(path), draw(path[:6]), draw(path[8:])))
        assert scores["roughness"] < 0.2
        assert scores["known_roughness"] == pytest.approx(5, abs=0.3)


def test_connect_with_pictures_at_its_ends_has_no_known_roughness():
    way = line((8, 12), (1.4, 0), 6)
    scores = one(connect_scores(draw(way), draw(way[:1]), draw(way[-1:])))
    assert np.isnan(scores["known_roughness"]) and scores["roughness"] < 0.2


def test_edit_with_another_colour_on_the_same_path_and_on_another():
    asked = DAY_BALL._replace(color="blue")
    good = one(edit_scores(draw(RIGHT, asked), draw(RIGHT), [DAY_BALL], [asked]))
    assert good["rms_distance"] == pytest.approx(0, abs=0.1)
    assert good["changed"] == good["kept"] == good["right"] == 1
    elsewhere = one(edit_scores(draw(np.add(RIGHT, (0, -2)), asked), draw(RIGHT), [DAY_BALL], [asked]))
    assert elsewhere["rms_distance"] == pytest.approx(2, abs=0.1)
    unchanged = one(edit_scores(draw(RIGHT), draw(RIGHT), [DAY_BALL], [asked]))
    assert (unchanged["changed"], unchanged["kept"], unchanged["right"]) == (0, 1, 0)
    too_much = one(edit_scores(draw(RIGHT, asked._replace(shape="cross")), draw(RIGHT), [DAY_BALL], [asked]))
    assert (too_much["changed"], too_much["kept"], too_much["right"]) == (1, 0, 0)
    assert [scores["as_asked"] for scores in (good, elsewhere, unchanged, too_much)] == [1, 0, 0, 0]


def test_the_worst_of_the_made_frames_counts():
    clip, made = draw(RIGHT), np.arange(8) >= 4
    assert least_fidelity(clip, made, [DAY_BALL]) > 60
    clip[:, 5] += np.random.default_rng(0).normal(0, 0.05, clip[0, 5].shape)
    assert 25 < least_fidelity(clip, made, [DAY_BALL]) < 28
    assert least_fidelity(clip, ~made, [DAY_BALL]) > 60
    assert least_fidelity(draw(RIGHT), made, [DAY_BALL._replace(shape="ring")]) < 25


def test_the_distance_from_the_right_way_is_over_the_made_frames():
    made = np.arange(8) >= 4
    off = draw([*RIGHT[:6], *np.add(RIGHT[6:], (0, 2))])
    assert way_error(off, np.array([RIGHT]), made) == pytest.approx(1, abs=0.1)
    assert way_error(off, np.array([RIGHT]), ~made) == pytest.approx(0, abs=0.1)


def test_inpaint_tells_what_was_known_from_what_was_made():
    clip = draw(RIGHT)
    known = np.ones(SIZE, bool)
    known[:8, :8] = False
    filled = clip.copy()
    filled[:, :, :8, :8] += 0.1
    scores = one(inpaint_scores(filled, clip, known, [DAY_BALL]))
    assert scores["known_psnr"] == np.inf and scores["made_psnr"] == pytest.approx(20, abs=0.01)
    assert scores["right"] == 1
    filled[:, :, 8:, 8:] = 0.5
    scores = one(inpaint_scores(filled, clip, known, [DAY_BALL]))
    assert scores["known_psnr"] < 15 and scores["right"] == 0


UP = Attributes("red", "circle", "up", "day")


def test_a_film_whose_second_shot_goes_on_and_one_whose_second_shot_jumps():
    way_up = line((19.5, 15), (0, -0.9), 9)
    first = line((9, 15), (1.5, 0), 8)
    scores = film_scores(draw(first + way_up[1:])[0], [8, 8], [DAY_BALL, UP], [False, True])
    assert scores["right"].tolist() == [1, 1]
    assert scores["no_jump"].tolist() == [1]
    assert scores["border_step"] == pytest.approx([0.9], abs=0.15)
    assert scores["typical_step"] == pytest.approx([1.2], abs=0.35)
    jump = film_scores(draw(first + line((13, 15), (0, -0.9), 8))[0], [8, 8], [DAY_BALL, UP], [False, True])
    assert jump["right"].tolist() == [1, 1] and jump["no_jump"].tolist() == [0]
    assert jump["border_step"] == pytest.approx([6.5], abs=0.2)
    cut = film_scores(draw(first + line((13, 15), (0, -0.9), 8))[0], [8, 8], [DAY_BALL, UP], [False, False])
    assert cut["no_jump"].size == cut["border_step"].size == 0


def test_a_film_judges_every_shot_and_only_its_own_borders():
    attributes = [DAY_BALL, DAY_BALL._replace(motion="still"), UP]
    shots = [line((8, 15), (1.5, 0), 8), line((18.5, 15), (0, 0), 5), line((18.5, 14), (0, -0.9), 8)]
    film = draw(sum(shots, []))[0]
    good = film_scores(film, [8, 5, 8], attributes, [False, True, True])
    assert good["right"].tolist() == [1, 1, 1] and good["no_jump"].tolist() == [1, 1]
    assert film_scores(film, [8, 5, 8], attributes[::-1], [False, True, True])["right"].tolist() == [0, 1, 0]


def test_a_jump_in_a_film_is_measured_beside_its_two_shots_only():
    shots = [line((8, 12), (3, 0), 4), line((17, 12), (0, 0), 4), line((17, 15), (0, 0), 4)]
    scores = film_scores(draw(sum(shots, []))[0], [4, 4, 4], [DAY_BALL] * 3, [False, True, True])
    assert scores["border_step"] == pytest.approx([0, 3], abs=0.1)
    assert scores["typical_step"] == pytest.approx([1.5, 0], abs=0.1)
    assert scores["no_jump"].tolist() == [1, 0]


def test_an_object_that_is_missing_at_a_border_has_jumped():
    film = draw([*RIGHT, None, *[RIGHT[-1]] * 4])[0]
    scores = film_scores(film, [8, 5], [DAY_BALL, DAY_BALL._replace(motion="still")], [False, True])
    assert scores["right"].tolist() == [1, 0] and scores["no_jump"].tolist() == [0]


def test_films_that_make_no_sense_are_refused():
    film = draw(RIGHT)[0]
    for lengths, connected in (
        ([4, 3], [False, True]), ([4, 4], [True, False]), ([8], [False, True]), ([8, 0], [False, True]), ([], []),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="a film needs"):
            film_scores(film, lengths, [DAY_BALL] * len(lengths), connected)


def test_the_scores_of_real_clips_of_all_shapes(rng):
    attributes = [Attributes("green", shape, "down", "sunset") for shape in SHAPES]
    clips = render_batch(attributes, rng, (40, 24), 12)
    scores = extend_scores(clips, clips, np.arange(12) < 6)
    assert all(values.shape == (5,) for values in scores.values())
    assert (scores["true_seam"] < 0.2).all()
    animated = animate_scores(clips[:, 0], clips, attributes)
    assert all((animated[name] == 1).all() for name in ("color_kept", "shape_kept", "motion_obeyed", "right"))
