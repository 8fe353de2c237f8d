import numpy as np
import pytest

from minidit.evaluation.intervals import wilson_interval
from minidit.evaluation.scores import JUDGED, chance, judge, judge_shuffled, shares
from minidit.world import ALL_ATTRIBUTES, PLAIN_SKIES, Attributes, Reading

RED = Attributes("red", "circle", "left", "day")


def reads(attributes, iou=0.9, faults=()):
    return Reading(*attributes, iou, faults)


def test_judge_tells_each_attribute_apart_from_the_others():
    readings = [
        reads(RED),
        reads(RED, iou=0.6),
        reads(RED, faults=("cut",)),
        reads(RED._replace(shape="ring")),
        reads(PLAIN_SKIES[0]),
    ]
    right, strict, color, shape, motion, sky, whole = judge(readings, [RED] * 5).astype(int).T.tolist()
    assert right == [1, 1, 0, 0, 0] and strict == [1, 0, 0, 0, 0]
    assert color == [1, 1, 1, 1, 0] and shape == [1, 1, 1, 0, 0] and motion == [1, 1, 1, 1, 0]
    assert sky == [1, 1, 1, 1, 1] and whole == [1, 1, 0, 1, 1]


def test_shares_are_means_with_intervals_of_the_two_headline_scores():
    judged = np.zeros((4, len(JUDGED)), bool)
    judged[0] = judged[1, 0] = True
    result = shares(judged)
    assert result["right"] == 0.5 and result["strict"] == 0.25 and result["sky"] == 0.25
    assert result["right_interval"] == wilson_interval(2, 4) and result["strict_interval"] == wilson_interval(1, 4)


@pytest.mark.parametrize("count", [2, 3, 50])
def test_no_clip_is_shuffled_to_its_own_prompt(count, rng):
    attributes = list(ALL_ATTRIBUTES[:count])
    assert not judge_shuffled([reads(a) for a in attributes], attributes, rng)[:, 0].any()


def test_shuffled_prompts_are_those_of_the_other_clips(rng):
    other = RED._replace(color="blue")
    judged = judge_shuffled([reads(RED)] * 4, [RED, other, other, other], rng)
    assert judged[:, 0].sum() == 1  # one clip gets the one red prompt


def test_chance_is_what_counting_gives():
    agreeing = [sum(x == y for x in ALL_ATTRIBUTES) for y in ALL_ATTRIBUTES]
    assert chance()["right"] == pytest.approx(np.mean(agreeing) / 375) == pytest.approx(1 / 375)
    same_sky = np.mean([x.sky == y.sky for x in ALL_ATTRIBUTES[:75] for y in ALL_ATTRIBUTES[:75]])
    assert chance()["sky"] == pytest.approx(same_sky) == pytest.approx(1 / 3)
    assert [chance()[name] for name in ("color", "shape", "motion")] == pytest.approx([0.2] * 3)
