"""How long the frames of a clip are shown: by the ticks of its own clock.

Many programs, such as Pillow and gifsicle, join neighbours that are alike into one frame that is shown longer. On the
clip's own clock they are several again.
"""

import numpy as np

from minidit.files.accepted import SHORTEST

ROUNDED = 10  # milliseconds by which a time may be rounded: a GIF counts in hundredths of a second
FINEST = 12  # parts of the shortest time that may be the tick
OWN_TICKS = (120, 125)  # milliseconds of a frame as minidit writes it by default, in a GIF and in all other files


def ticks(durations):
    """How many ticks each frame is shown.

    A single frame has no clock of its own. It counts as a clip that stood still, and was joined, if it is shown as long
    as a clip of minidit's is at its default speed; otherwise it is a picture.

    Args:
        durations: of the frames, in milliseconds; 0 or None where it is not known, which counts as one tick.
    Returns:
        the counts, a list of int, each at least 1; and the tick in milliseconds, the longest of which all durations are
        whole multiples but for rounding, or None if no duration is known.
    """
    known = np.array([duration for duration in durations if duration and duration > 0])
    if not len(known):
        return [1] * len(durations), None
    if len(durations) == 1:
        tick = min(OWN_TICKS, key=lambda own: abs(known[0] / own - round(known[0] / own)))
        count = round(known[0] / tick)
        return ([count], float(tick)) if count >= SHORTEST else ([1], None)
    shortest = known[known < 1.5 * known.min()].mean()  # what was rounded may be longer or shorter
    for parts in range(1, FINEST + 1):
        counts = (known * parts / shortest).round().clip(1)
        tick = known.sum() / counts.sum()
        if (np.abs(known - counts * tick) <= ROUNDED).all():
            break
    counted = iter(counts.astype(int).tolist())
    return [next(counted) if duration and duration > 0 else 1 for duration in durations], float(tick)
