from collections import Counter
from types import SimpleNamespace

import numpy as np

from minidit.evaluation.cases import batches, draw_cases, spread, training_clips
from minidit.world import HELD_OUT, SEEN, attributes_in, verify_batch, wordings

SETTINGS = SimpleNamespace(size=16, frames=8)


def test_combinations_are_spread_evenly_and_kept_in_order(rng):
    counts = Counter(spread(HELD_OUT, 500, rng))
    assert set(counts) == set(HELD_OUT) and set(counts.values()) == {9, 10} and counts.total() == 500
    chosen = spread(HELD_OUT, 130, rng)
    assert chosen == sorted(chosen, key=HELD_OUT.index)


def test_fewer_prompts_than_combinations_are_all_different_and_drawn(rng):
    first, second = spread(SEEN, 100, rng), spread(SEEN, 100, rng)
    assert len(set(first)) == len(set(second)) == 100 and first != second


def test_prompts_say_their_attributes_in_varied_wordings(rng):
    cases = draw_cases(SEEN, 600, rng)
    assert [attributes_in(prompt) for prompt in cases.prompts] == cases.attributes
    assert {wordings(a).index(p) for a, p in zip(cases.attributes, cases.prompts, strict=True)} == set(range(9))
    assert len(set(cases.seeds)) == 600


def test_tuning_shares_no_sentence_and_no_seed_with_evaluation():
    evaluated = [draw_cases(SEEN, 3000, np.random.default_rng(seed)) for seed in range(3)]
    tuned = draw_cases(SEEN, 3000, np.random.default_rng(0), tuning=True)
    for cases in evaluated:
        assert not set(cases.prompts) & set(tuned.prompts)
        assert not set(cases.seeds) & set(tuned.seeds)
    assert {wordings(a).index(p) for a, p in zip(tuned.attributes, tuned.prompts, strict=True)} == set(range(9))


def test_batches_hold_at_most_64_and_lose_nothing(rng):
    cases = draw_cases(SEEN, 150, rng)
    parts = batches(cases)
    assert [len(part.prompts) for part in parts] == [64, 64, 22]
    assert [seed for part in parts for seed in part.seeds] == cases.seeds


def test_training_clips_show_their_combination_and_follow_from_the_seed():
    clips = training_clips(SEEN[7], 3, SETTINGS)
    assert clips.shape == (6, 8, 16, 16, 3) and all(r.right(SEEN[7]) for r in verify_batch(clips))
    assert np.array_equal(clips, training_clips(SEEN[7], 3, SETTINGS))
    assert not np.array_equal(clips, training_clips(SEEN[7], 4, SETTINGS))
