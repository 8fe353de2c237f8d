import numpy as np
import pytest

from minidit.experiments.decibels import cells_of, joined, median_loss, median_of, scored, spread_of
from minidit.world import HELD_OUT, render_batch


def test_real_clips_are_right_and_near_and_others_far(rng):
    asked = [HELD_OUT[0], HELD_OUT[1], HELD_OUT[2]]
    clips = render_batch(asked, rng, (16, 16), 8)
    counts, fidelities = scored(clips, asked)
    assert counts == {"1111111": 3} and min(fidelities) > 60
    counts, others = scored(clips, [HELD_OUT[-1]] * 3)
    assert "1111111" not in counts and max(others) < 30


def test_what_was_asked_for_counts_and_not_the_nearest_of_anything(rng):
    sky = render_batch([HELD_OUT[0]._replace(color=None, shape=None, motion=None)], rng, (16, 16), 8)
    assert scored(sky, [HELD_OUT[0]])[1][0] < 30


def test_median_and_worst_tenth_with_intervals_that_hold_them():
    values = list(range(101))
    found = spread_of(values)
    assert (found["median"], found["worst_tenth"]) == (50, 10)
    value, (low, high) = median_of(values)
    assert value == 50 and 30 < low < 50 < high < 70
    assert [cell.split(" ")[0] for cell in cells_of(values)] == ["50.0", "10.0"]


def test_a_loss_has_its_sign_and_its_interval(rng):
    before = (30 + rng.standard_normal(100)).tolist()
    after = [value - 1 for value in before]
    (paired, ends), (free, wider) = (median_loss(before, after, paired) for paired in (True, False))
    assert paired == free == pytest.approx(1)
    assert ends == pytest.approx([1, 1])
    assert wider[0] < 1 < wider[1] and wider[1] - wider[0] > 0.2
    assert median_loss(after, before)[0] == pytest.approx(-1)


def test_parts_are_joined():
    assert joined([[1, 2], [], [3]]) == [1, 2, 3]
    assert np.isfinite(spread_of(joined([[1.0], [2.0]]))["median"])
