import numpy as np
import pytest

from minidit.evaluation.readings import NAMES, changed, kept, obeyed, right
from minidit.world import Attributes, render_batch, verify_batch
from minidit.world.reading import Reading

NAN = float("nan")
RED_CIRCLE = Attributes("red", "circle", "right", "day")
PICTURE = RED_CIRCLE._replace(motion=None)
SKY = Attributes(None, None, None, "day")


def read(attributes, *faults):
    return Reading(*attributes, iou=0.9, faults=faults)


OTHERS = {"color": "blue", "shape": "ring", "motion": "up", "sky": "night"}


@pytest.mark.parametrize("name", NAMES)
def test_what_changes_is_not_kept_and_the_rest_is(name):
    other = RED_CIRCLE._replace(**{name: OTHERS[name]})
    answers = kept([read(RED_CIRCLE), read(RED_CIRCLE)], [read(other), read(RED_CIRCLE)])
    assert {key: answer.tolist() for key, answer in answers.items()} == {
        key: [float(key != name), 1.0] for key in NAMES
    }


def test_what_was_not_there_before_can_not_be_kept():
    answers = kept([read(PICTURE), read(SKY)], [read(RED_CIRCLE), read(RED_CIRCLE)])
    assert np.isnan(answers["motion"]).all()
    assert np.array_equal(answers["shape"], [1, NAN], equal_nan=True)
    assert answers["sky"].tolist() == [1, 1]


def test_an_object_that_is_gone_is_not_kept():
    assert kept([read(RED_CIRCLE)], [read(SKY)])["color"].tolist() == [0]


def test_a_motion_that_can_not_be_seen_is_not_obeyed_and_one_not_asked_for_is_no_question():
    answers = obeyed([read(PICTURE), read(RED_CIRCLE)], [RED_CIRCLE, PICTURE])["motion"]
    assert np.array_equal(answers, [0, NAN], equal_nan=True)


def test_planted_clips_are_read_as_they_were_drawn(rng):
    drawn = [RED_CIRCLE, RED_CIRCLE._replace(motion="left"), Attributes("white", "cross", "still", "sunset")]
    answers = obeyed(verify_batch(render_batch(drawn, rng, 24, 4)), [RED_CIRCLE] * 3)
    assert {name: answer.tolist() for name, answer in answers.items()} == {
        "color": [1, 1, 0], "shape": [1, 1, 0], "motion": [1, 0, 0], "sky": [1, 1, 0],
    }  # fmt: skip


def test_readings_without_their_attributes_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        obeyed([read(RED_CIRCLE)] * 2, [RED_CIRCLE])


def test_right_needs_the_object_whole():
    readings = [read(RED_CIRCLE), read(RED_CIRCLE, "the object is cut by the edge"), read(RED_CIRCLE)]
    assert right(readings, [RED_CIRCLE, RED_CIRCLE, RED_CIRCLE._replace(sky="night")]).tolist() == [1, 0, 0]


@pytest.mark.parametrize("name", NAMES)
def test_an_edit_changes_what_it_should_and_keeps_the_rest(name):
    asked = RED_CIRCLE._replace(**{name: OTHERS[name]})
    another = next(key for key in NAMES if key != name)
    too_much = asked._replace(**{another: OTHERS[another]})
    readings = [read(asked), read(RED_CIRCLE), read(too_much)]
    answers = changed(readings, [RED_CIRCLE] * 3, [asked] * 3)
    assert answers["changed"].tolist() == [1, 0, 1]
    assert answers["kept"].tolist() == [1, 1, 0]


def test_an_edit_that_changes_nothing_or_all_leaves_a_question_open():
    answers = changed([read(RED_CIRCLE)] * 2, [RED_CIRCLE, Attributes(*OTHERS.values())], [RED_CIRCLE] * 2)
    assert np.array_equal(answers["changed"], [NAN, 1], equal_nan=True)
    assert np.array_equal(answers["kept"], [1, NAN], equal_nan=True)


def test_an_edit_that_asks_for_no_motion_leaves_it_open():
    answers = changed([read(RED_CIRCLE)] * 2, [PICTURE, RED_CIRCLE], [PICTURE, PICTURE])
    assert answers["kept"].tolist() == [1, 1]
    assert np.isnan(answers["changed"]).all()
