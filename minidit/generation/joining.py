"""Frames that continue a clip, lead up to it or join two clips, made piece by piece.

A new frame fits its known neighbours more closely if it shares a token with them. So canvases are placed such that
known and new frames share tokens, even if some frames are thrown away or made twice.
"""

import numpy as np

from minidit.files.accepted import LONGEST, SHORTEST
from minidit.generation.canvas import between, continued, frames_known

BORDER = SHORTEST  # the frame of a canvas where its second token begins: tokens span 8 frames, as in the presets
CONTEXT = 12  # frames that the model sees to continue a clip, if it has so many
LEAD = 4  # frames that it makes on the other side of a shorter one
ENDS = 7  # frames that it sees of each of two clips to join them, at most
MOST_BETWEEN = 8  # frames between two clips
AGAIN = 2  # frames on each side of the border that are made a second time

# make(canvases, piece) has the model make the unknown latents of N canvases of one size: N clips


def pieces(frames, count):
    """How a clip gets longer, at either end.

    Args:
        frames: of the clip.
        count: frames to add.
    Yields:
        (context, lead, new) for each piece, which add up to 8 or 16: how many frames of the clip the model sees, how
        many it makes on their other side, to be thrown away, and how many are added. The last may add too many.
    """
    while count > 0:
        if frames >= CONTEXT:
            context, lead, new = CONTEXT, 0, LONGEST - CONTEXT
        elif frames >= BORDER:
            context, lead, new = BORDER, LEAD, LONGEST - BORDER - LEAD
        else:
            context, lead, new = frames, 0, BORDER - frames
        yield context, lead, new
        frames, count = frames + new, count - new


def extended(make, clips, forward, backward, patch):
    """Clips of one size made longer, at their ends and at their beginnings.

    Args:
        make: see above.
        clips: N of (frames, H, W, 3).
        forward, backward: frames to add at the ends, and at the beginnings.
        patch: of the codec.
    Returns:
        N of (backward + frames + forward, H, W, 3).
    """
    piece, frames = 0, len(clips[0])
    for context, lead, new in pieces(frames, forward):
        longer = make([continued(clip[-context:], lead, new, patch) for clip in clips], piece)
        clips = [np.concatenate([clip, more[-new:]]) for clip, more in zip(clips, longer, strict=True)]
        piece += 1
    frames += forward
    clips = [clip[:frames] for clip in clips]
    for context, lead, new in pieces(frames, backward):
        longer = make([continued(clip[:context], new, lead, patch) for clip in clips], piece)
        clips = [np.concatenate([more[:new], clip]) for clip, more in zip(clips, longer, strict=True)]
        piece += 1
    return [clip[-frames - backward :] for clip in clips]


def ends_seen(frames):
    """How many frames of each of two clips the model sees to make so many between them."""
    return min((LONGEST - frames) // 2, ENDS)


def connected(make, firsts, seconds, frames, patch):
    """Pairs of clips with new frames between them. Where two tokens meet in these, they are made once more.

    Args:
        make, patch: as for `extended`.
        firsts, seconds: N each, the frames that the model sees.
        frames: how many to make.
    Returns:
        N of (first + frames + second, H, W, 3).
    """
    joined = make([between(*pair, frames, patch) for pair in zip(firsts, seconds, strict=True)], 0)
    if not border_is_made(len(firsts[0]), frames):
        return joined
    start = min(BORDER // 2, len(joined[0]) - SHORTEST)
    window = slice(start, start + SHORTEST)
    index = np.arange(len(joined[0]))[window]
    known = (index < len(firsts[0])) | (index >= len(firsts[0]) + frames)
    known |= (index < BORDER - AGAIN) | (index >= BORDER + AGAIN)
    middles = make([frames_known(clip[window], known, patch) for clip in joined], 1)
    return [
        np.concatenate([clip[: window.start], middle, clip[window.stop :]])
        for clip, middle in zip(joined, middles, strict=True)
    ]


def border_is_made(before, frames):
    """Whether `frames` new frames lie on both sides of the border, after `before` known ones."""
    return before < BORDER < before + frames
