"""Which frames are looked at, made and kept; a stand-in for the model fills what is missing with the piece's number."""

import numpy as np
import pytest

from minidit.files.accepted import FRAMES, LONGEST
from minidit.generation.joining import CONTEXT, MOST_BETWEEN, border_is_made, connected, ends_seen, extended, pieces

PATCH = (1, 8, 8)


@pytest.fixture
def made():
    """What was made, as (canvases, piece), beside the function that makes it."""
    asked = []

    def make(canvases, piece):
        asked.append((canvases, piece))
        return [np.where(c.known[:, :1, :1, None], c.clip, 10.0 + piece) for c in canvases]

    return make, asked


def clips(frames, count=2):
    """Clips whose every frame is its number, from 0 to 1."""
    return [np.ones((frames, 16, 16, 3), np.float32) * np.linspace(0, 1, frames)[:, None, None, None]] * count


def values(clip):
    return clip[:, 0, 0, 0].tolist()


def known(canvas):
    return canvas.known.all(axis=(1, 2)).tolist()


def test_a_clip_of_a_whole_token_shares_its_tokens_with_what_is_made():
    assert list(pieces(8, 6)) == [(8, 4, 4), (12, 0, 4)]


def test_a_short_clip_fills_its_token_first():
    assert list(pieces(3, 11)) == [(3, 0, 5), (8, 4, 4), (12, 0, 4)]
    assert list(pieces(1, 2)) == [(1, 0, 7)]


@pytest.mark.parametrize("given", range(1, 15))
@pytest.mark.parametrize("count", [0, 1, 7, 30])
def test_pieces_come_to_the_number_and_fill_a_token_or_two(given, count):
    found = list(pieces(given, count))
    assert sum(new for _, _, new in found[:-1]) < count or not found
    assert sum(new for _, _, new in found) >= count
    assert all(sum(piece) in (8, LONGEST) and piece[0] <= CONTEXT for piece in found)


@pytest.mark.parametrize("given", [1, 5, 8, 13])
@pytest.mark.parametrize(("forward", "backward"), [(0, 1), (1, 0), (3, 2), (6, 9)])
def test_what_is_made_beyond_the_number_is_thrown_away(given, forward, backward, made):
    make, asked = made
    longer, _ = extended(make, clips(given), forward, backward, PATCH)
    assert values(longer)[backward : backward + given] == values(clips(given)[0])
    assert len(longer) == given + forward + backward
    more, _ = extended(make, clips(given), forward + 1, 0, PATCH)
    assert values(more)[: given + forward] == values(longer)[backward:]
    assert all(len(canvas.clip) in FRAMES for canvases, _ in asked for canvas in canvases)


def test_a_clip_goes_on(made):
    make, asked = made
    for clip, longer in zip(clips(9), extended(make, clips(9), 6, 0, PATCH), strict=True):
        assert values(longer) == values(clip) + [10.0] * 4 + [11.0] * 2
    (canvases, _), (later, _) = asked
    assert known(canvases[0]) == [False] * 4 + [True] * 8 + [False] * 4
    assert values(canvases[0].clip)[4:12] == values(clips(9)[0])[1:]  # the frames next to what is made
    assert known(later[0]) == [True] * 12 + [False] * 4
    assert values(later[0].clip)[8:12] == [10.0] * 4


def test_a_clip_is_led_up_to(made):
    make, asked = made
    for clip, longer in zip(clips(9), extended(make, clips(9), 0, 6, PATCH), strict=True):
        assert values(longer) == [11.0] * 2 + [10.0] * 4 + values(clip)
    assert values(asked[0][0][0].clip)[4:12] == values(clips(9)[0])[:8]
    assert known(asked[1][0][0]) == [False] * 4 + [True] * 12


def test_both_ends_have_pieces_of_their_own(made):
    make, asked = made
    extended(make, clips(8), 5, 5, PATCH)
    assert [piece for _, piece in asked] == [0, 1, 2, 3]


def test_where_tokens_meet_the_frames_are_made_once_more(made):
    make, asked = made
    (joined, _) = connected(make, clips(4), clips(4), 8, PATCH)
    assert values(joined) == values(clips(4)[0]) + [10.0] * 2 + [11.0] * 4 + [10.0] * 2 + values(clips(4)[0])
    assert known(asked[1][0][0]) == [True] * 2 + [False] * 4 + [True] * 2


def test_known_frames_are_never_made_again(made):
    make, asked = made
    (joined, _) = connected(make, clips(4), clips(4), 5, PATCH)  # of which the border leaves one on its far side
    assert values(joined) == values(clips(4)[0]) + [10.0] * 2 + [11.0] * 3 + values(clips(4)[0])
    assert known(asked[1][0][0]) == [True] * 2 + [False] * 3 + [True] * 3


def test_a_short_second_clip_leaves_the_frames_that_are_made_again_in_a_whole_token(made):
    make, asked = made
    (joined, _) = connected(make, clips(4), clips(1), 5, PATCH)
    assert values(joined) == values(clips(4)[0]) + [10.0] * 2 + [11.0] * 3 + values(clips(1)[0])
    assert known(asked[1][0][0]) == [True] * 4 + [False] * 3 + [True]


def test_a_short_way_lies_in_one_token(made):
    make, asked = made
    connected(make, clips(4), clips(4), 4, PATCH)
    assert len(asked) == 1
    assert border_is_made(1, 8) and not border_is_made(8, 4) and not border_is_made(4, 4)


def test_the_ends_of_two_clips_fill_the_canvas_as_far_as_training_showed():
    assert [ends_seen(frames) for frames in (1, 2, 3, 5, MOST_BETWEEN)] == [7, 7, 6, 5, 4]
    assert all(2 * ends_seen(frames) + frames <= LONGEST for frames in range(1, MOST_BETWEEN + 1))
