"""Frames that go on from a clip, lead up to it or join two clips, made piece by piece.

What is made within a token that holds given frames too fits to them more closely than what fills a token of its own.
So canvases are laid such that given and made frames share tokens, even if some frames are made in vain or twice.
"""

import numpy as np

from minidit.generation.canvas import CONTEXT, END, between, continued, frames_known

BORDER = CONTEXT  # the frame of a canvas where its second token begins: tokens span 8 frames, as in the presets
ANEW = 2  # frames on each side of the border that are made a second time

# make(canvases, piece) has the model make what is missing in N canvases of one size: N clips


def pieces(given, count):
    """How a clip gets longer, at either end.

    Args:
        given: frames of the clip.
        count: frames to be made.
    Yields:
        (context, lead, new) for each piece: how many frames of the clip are looked at, how many are made on their
        other side, to be thrown away, and how many are added.
    """
    while count:
        context = min(given, CONTEXT)
        lead, new = (END, END) if context == CONTEXT else (0, CONTEXT - context)
        new = min(new, count)
        yield context, lead, new
        given, count = given + new, count - new


def extended(make, clips, forward, backward, patch):
    """Clips of one size with so many frames more at their ends, and at their beginnings.

    Args:
        make: see above.
        clips: N of (frames, H, W, 3).
        patch: of the codec.
    Returns:
        N of (backward + frames + forward, H, W, 3).
    """
    piece = 0
    for context, lead, new in pieces(len(clips[0]), forward):
        longer = make([continued(clip[-context:], lead, new, patch) for clip in clips], piece)
        clips = [np.concatenate([clip, more[-new:]]) for clip, more in zip(clips, longer, strict=True)]
        piece += 1
    for context, lead, new in pieces(len(clips[0]), backward):
        longer = make([continued(clip[:context], new, lead, patch) for clip in clips], piece)
        clips = [np.concatenate([more[:new], clip]) for clip, more in zip(clips, longer, strict=True)]
        piece += 1
    return clips


def connected(make, firsts, seconds, frames, patch):
    """Pairs of clips with so many frames between them; where two tokens meet in these, they are made once more.

    Args:
        make, patch: as for `extended`.
        firsts, seconds: N each, as they are to be seen on the canvas.
    Returns:
        N of (first + frames + second, H, W, 3).
    """
    joined = make([between(*pair, frames, patch) for pair in zip(firsts, seconds, strict=True)], 0)
    if not border_is_made(len(firsts[0]), frames):
        return joined
    window = slice(BORDER - CONTEXT // 2, BORDER + CONTEXT // 2)
    index = np.arange(len(joined[0]))[window]
    given = (index < len(firsts[0])) | (index >= len(firsts[0]) + frames)
    known = given | (index < BORDER - ANEW) | (index >= BORDER + ANEW)
    middles = make([frames_known(clip[window], known, patch) for clip in joined], 1)
    return [
        np.concatenate([clip[: window.start], middle, clip[window.stop :]])
        for clip, middle in zip(joined, middles, strict=True)
    ]


def border_is_made(before, frames):
    """Whether frames on both sides of the border are made, if so many are, after so many given ones."""
    return before < BORDER < before + frames
