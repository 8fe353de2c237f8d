import numpy as np
import pytest

from minidit.training import known_parts
from minidit.training.known_parts import TASKS, draw_bent, draw_continued, draw_group, known_places
from minidit.world import ALL_ATTRIBUTES, PICTURES, PLAIN_SKIES, SEEN, attributes_in, verify_batch, wordings

PATCH = (1, 8, 8)
GRIDS = ((1, 4, 4), (8, 4, 4), (16, 4, 4))
TEMPLATES = {text for a in ALL_ATTRIBUTES + PICTURES + PLAIN_SKIES for text in wordings(a)}


def test_tasks_are_shares_of_a_whole():
    assert sum(share for _, share in TASKS) == pytest.approx(1)


def test_every_task_comes_up(monkeypatch):
    tasks = set()
    monkeypatch.setattr(
        known_parts, "draw_continued", lambda *a, backward, grammar: tasks.add(("start", "end")[backward]) or 1 / 0
    )
    for seed in range(60):
        try:
            group = draw_group(np.random.default_rng(seed), list(SEEN[:2]), (8, 4, 4), PATCH)
            tasks.add("known" if group.known.any() else "nothing")
        except ZeroDivisionError:
            pass
    assert tasks == {"start", "end", "known", "nothing"}


@pytest.mark.parametrize("backward", [False, True])
def test_a_continued_clip_is_whole_where_it_is_known(backward):
    for seed in range(40):
        attributes = [SEEN[(seed * 4 + k) % len(SEEN)] for k in range(4)]
        group = draw_continued(np.random.default_rng(seed), attributes, (16, 32, 32), (16, 4, 4), backward)
        frames = group.known.all(axis=(2, 3))
        assert np.array_equal(frames, group.known.any(axis=(2, 3))) and (frames == frames[0]).all()
        shown = frames[0].sum()
        assert 1 <= shown < 16 and frames[0][-shown:].all() == backward and frames[0][:shown].all() != backward
        for clip, a in zip(group.clips, attributes, strict=True):
            if shown > 8:
                continue  # at the usual speed so many frames need not fit into the picture
            (reading,) = verify_batch(clip[None, -shown:] if backward else clip[None, :shown])
            assert reading.whole and (reading.color, reading.shape, reading.sky) == (a.color, a.shape, a.sky)


def test_bent_clips_know_both_ends_and_do_not_speak_of_motion():
    for seed in range(10):
        group = draw_bent(np.random.default_rng(seed), list(SEEN[seed : seed + 4]), (16, 32, 32), (16, 4, 4))
        frames = group.known.all(axis=(2, 3))[0]
        assert frames[0] and frames[-1] and not frames.all() and np.abs(np.diff(frames.astype(int))).sum() == 2
        assert all(attributes_in(text).motion is None for text in group.captions)


def test_some_place_is_always_missing(rng):
    shares = [known_places(rng, (8, 4, 4)).mean() for _ in range(200)]
    assert max(shares) < 1 and min(shares) < 0.3 and len(set(shares)) > 20



def groups(seed, grid, *grammar):
    attributes = [*SEEN[seed : seed + 3], PLAIN_SKIES[0]]
    return draw_group(np.random.default_rng(seed), attributes, grid, PATCH, *grammar)


@pytest.mark.parametrize("grid", GRIDS)
def test_without_the_grammar_captions_are_the_wordings_and_random_numbers_as_before(grid):
    for seed in range(12):
        plain, same = groups(seed, grid), groups(seed, grid, 0.0)
        assert plain.captions == same.captions and np.array_equal(plain.clips, same.clips)
        assert all(text in TEMPLATES for text in plain.captions)


@pytest.mark.parametrize("grid", GRIDS)
def test_that_share_of_the_captions_is_of_the_grammar(grid):
    texts = [text for seed in range(60) for text in groups(seed, grid, 0.75).captions]
    share = np.mean([text not in TEMPLATES for text in texts])
    assert 0.6 < share < 0.85
