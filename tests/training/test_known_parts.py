import numpy as np
import pytest

from minidit.training import known_parts
from minidit.training.known_parts import (
    RUNS,
    TASKS,
    draw_bent,
    draw_continued,
    draw_edited,
    draw_group,
    draw_run,
    known_places,
)
from minidit.world import ALL_ATTRIBUTES, PICTURES, PLAIN_SKIES, SEEN, attributes_in, verify_batch, wordings

PATCH = (1, 8, 8)
GRIDS = ((1, 4, 4), (8, 4, 4), (16, 4, 4))
TEMPLATES = {text for a in ALL_ATTRIBUTES + PICTURES + PLAIN_SKIES for text in wordings(a)} | {""}


@pytest.mark.parametrize("parts", [TASKS, RUNS])
def test_tasks_are_shares_of_a_whole(parts):
    assert sum(share for _, share in parts) == pytest.approx(1)


def test_every_task_comes_up(monkeypatch):
    tasks = set()
    for name in ("draw_continued", "draw_bent"):
        monkeypatch.setattr(known_parts, name, lambda *a, name=name: tasks.add(name) or 1 / 0)
    for seed in range(60):
        try:
            group = draw_group(np.random.default_rng(seed), list(SEEN[:2]), (8, 4, 4), PATCH)
            tasks.add("known" if group.known.any() else "nothing")
        except ZeroDivisionError:
            pass
    assert tasks == {"draw_continued", "draw_bent", "known", "nothing"}


@pytest.mark.parametrize("frames", range(1, 17))
def test_a_group_of_any_number_of_frames_leaves_something_to_make(frames):
    for seed in range(20):
        group = draw_group(np.random.default_rng(seed), list(SEEN[:3]), (frames, 4, 5), PATCH)
        assert group.clips.shape == (3, frames, 32, 40, 3)
        assert (group.known.all(axis=(1, 2, 3)) == (group.before is not None)).all()


def test_runs_lie_at_the_start_in_the_middle_and_at_the_end_and_some_are_pictures(rng):
    runs = np.array([draw_run(rng, 16) for _ in range(2000)])
    start, stop = runs.T
    assert (0 <= start).all() and (start < stop).all() and (stop - start < 16).all() and (stop <= 16).all()
    middle = (start > 0) & (stop < 16)
    assert 0.2 < np.mean(stop - start == 1) < 0.32 and 0.15 < middle.mean() < 0.3
    assert 0.2 < np.mean(stop == 16) < 0.35 and set(stop - start) == set(range(1, 16))


@pytest.mark.parametrize("run", [(0, 1), (0, 8), (4, 12), (9, 16), (2, 16)])
def test_a_continued_clip_is_whole_where_it_is_known(run):
    for seed in range(12):
        attributes = [SEEN[(seed * 4 + k) % len(SEEN)] for k in range(4)]
        group = draw_continued(np.random.default_rng(seed), attributes, (16, 32, 32), (16, 4, 4), run)
        frames = np.zeros(16, bool)
        frames[slice(*run)] = True
        assert (group.known == frames[:, None, None]).all()
        for clip, a in zip(group.clips, attributes, strict=True):
            if np.diff(run) > 8:
                continue  # at the usual speed so many frames need not fit into the picture
            (reading,) = verify_batch(clip[None, slice(*run)])
            assert reading.whole and (reading.color, reading.shape, reading.sky) == (a.color, a.shape, a.sky)


def test_bent_clips_know_both_ends_and_do_not_speak_of_motion():
    for seed in range(10):
        group = draw_bent(np.random.default_rng(seed), list(SEEN[seed : seed + 4]), (16, 32, 32), (16, 4, 4))
        frames = group.known.all(axis=(2, 3))[0]
        assert frames[0] and frames[-1] and not frames.all() and np.abs(np.diff(frames.astype(int))).sum() == 2
        assert all(attributes_in(text).motion is None for text in group.captions)


def test_each_end_of_a_bent_clip_shows_its_own_object_and_light():
    attributes, turned, lights = list(SEEN[::60][:4]), 0, set()
    for seed in range(40):
        group = draw_bent(np.random.default_rng(seed), attributes, (16, 32, 32), (16, 4, 4))
        frames = np.flatnonzero(~group.known[0].all(axis=(1, 2)))
        before, after = (verify_batch(group.clips[:, [k]]) for k in (frames[0] - 1, frames[-1] + 1))
        assert all(reading.whole for reading in before + after), "beside what is made it is as the world draws it"
        becomes = [(r.color, r.shape, r.sky) for r in before] != [(r.color, r.shape, r.sky) for r in after]
        turned += becomes
        assert not becomes or group.captions == [""] * 4
        lights.add(bool(np.abs(group.clips[0, 0, 0, 0] - group.clips[0, -1, 0, 0]).max() > 1e-6))
    assert 2 <= turned <= 14 and lights == {False, True}


def test_an_edit_changes_what_its_caption_names_and_keeps_the_rest():
    short = 0
    for seed in range(8):
        attributes = [*SEEN[30 * seed : 30 * seed + 7], PLAIN_SKIES[seed % 3]]
        group = draw_edited(np.random.default_rng(seed), attributes, (8, 4, 5), PATCH)
        assert group.known.all() and group.before.shape == group.clips.shape
        old, new = verify_batch(group.before), verify_batch(group.clips)
        for a, before, after, text in zip(attributes, old, new, group.captions, strict=True):
            if a.shape is None:
                assert after.shape is None and after.sky != a.sky
                continue
            differ = [name for name in ("color", "shape", "sky") if getattr(before, name) != getattr(after, name)]
            assert 1 <= len(differ) <= 2 and before.motion == after.motion == a.motion
            assert after.attributes in SEEN
            named = attributes_in(text)
            assert all(getattr(named, name) == getattr(after, name) for name in differ), text
            assert all(value in (None, getattr(after, name)) for name, value in named._asdict().items()), text
            short += None in named
    assert 10 < short < 45


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
        assert plain.before is not None or all(text in TEMPLATES for text in plain.captions)


@pytest.mark.parametrize("grid", GRIDS)
def test_that_share_of_the_captions_is_of_the_grammar(grid):
    drawn = [groups(seed, grid, 0.75) for seed in range(60)]
    texts = [text for group in drawn if group.before is None for text in group.captions]
    share = np.mean([text not in TEMPLATES for text in texts])
    assert 0.6 < share < 0.85
