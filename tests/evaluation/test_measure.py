from types import SimpleNamespace

import numpy as np
import pytest

from minidit.errors import UserError
from minidit.evaluation import measure
from minidit.evaluation.cases import draw_cases
from minidit.evaluation.measure import concatenated, make, nearest_distances
from minidit.generation.settings import SamplingSettings
from minidit.world import HELD_OUT, SEEN


def test_a_copy_of_a_pool_clip_is_at_distance_exactly_zero(rng):
    pool = rng.random((6, 2, 4, 4, 3), dtype=np.float32)
    assert nearest_distances(pool[[4, 1]], [SEEN[0]] * 2, {SEEN[0]: pool}).tolist() == [0, 0]


def test_the_distance_is_the_root_mean_squared_error_to_the_nearest(rng):
    pool = rng.random((3, 2, 4, 4, 3))
    clips = rng.random((5, 2, 4, 4, 3))
    expected = [min(np.sqrt(np.mean((clip - other) ** 2)) for other in pool) for clip in clips]
    assert nearest_distances(clips, [SEEN[0]] * 5, {SEEN[0]: pool}) == pytest.approx(expected)
    assert nearest_distances(pool[:1] + 0.25, [SEEN[0]], {SEEN[0]: pool[:1]}) == pytest.approx([0.25])


def test_clips_are_only_compared_with_their_own_combination(rng):
    pools = {a: rng.random((6, 2, 4, 4, 3)) for a in SEEN[:2]}
    clips = np.concatenate([pools[SEEN[1]][:2], pools[SEEN[0]][:1], pools[SEEN[0]][:1]])
    attributes = [SEEN[0], SEEN[1], SEEN[0], HELD_OUT[0]]  # strange to its own, copied, copied, no pool
    distances = nearest_distances(clips, attributes, pools)
    assert sorted(distances)[:2] == [0, 0] and max(distances) > 0.1 and len(distances) == 3


def test_without_a_pool_there_are_no_distances(rng):
    assert nearest_distances(rng.random((2, 2, 4, 4, 3)), [HELD_OUT[0]] * 2, {}).shape == (0,)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_clips_that_are_not_numbers_are_refused_in_words(bad, rng, monkeypatch):
    monkeypatch.setattr(measure, "generate", lambda *args, **kwargs: np.full((1, 8, 16, 16, 3), bad))
    with pytest.raises(UserError, match="NaN or infinity.*guidance of 2"):
        make(SimpleNamespace(), draw_cases(SEEN, 1, rng), SamplingSettings(guidance=2.0))


def test_measurements_of_batches_become_one():
    parts = [{"made": np.arange(n), "real": np.ones((n, 2))} for n in (2, 3)]
    found = concatenated(parts)
    assert found["made"].tolist() == [0, 1, 0, 1, 2] and found["real"].shape == (5, 2)
    assert concatenated([["a"], ["b", "c"]]) == ["a", "b", "c"]
    assert concatenated([0.5, 0.25]) == 0.75
