"""What the verifier read, compared with what it read before and with what the prompt asks for.

Each measure is a dict of (N,) float arrays: 1 for yes, 0 for no, NaN where the question doesn't arise.
`minidit.evaluation.intervals.share` sums them up.
"""

import numpy as np

from minidit.evaluation.scores import NAMES, judge


def kept(before, after):
    """Is each attribute read the same before and after?

    Args:
        before, after: N Readings each.
    Returns:
        dict of the four names to (N,). NaN where nothing was read before, such as the motion of a picture or the shape
        of a plain sky.
    """
    return obeyed(after, [reading.attributes for reading in before])


def obeyed(readings, attributes):
    """Is each attribute read as asked for?

    Args:
        readings: N Readings, attributes: N Attributes.
    Returns:
        dict of the four names to (N,). NaN where none is asked for. What can't be read, such as the motion of a single
        frame, isn't as asked for.
    """
    pairs = list(zip(readings, attributes, strict=True))
    answers = {name: [(getattr(reading, name), getattr(asked, name)) for reading, asked in pairs] for name in NAMES}
    return {
        name: np.array([np.nan if asked is None else float(read == asked) for read, asked in both])
        for name, both in answers.items()
    }


def right(readings, attributes):
    """Is each clip whole, with all attributes as asked for (`Reading.right`)? (N,)"""
    return judge(readings, attributes)[:, 0].astype(float)


def changed(readings, before, after):
    """Did an edit change what it was to change, and only that?

    Args:
        readings: N Readings of the edited clips.
        before, after: N Attributes each, those of the clips before and those that the edit asked for.
    Returns:
        dict of (N,): "changed", all attributes that differ are read as the edit asks (NaN where none differs); "kept",
        all others are read as before (NaN where all differ).
    """
    questions = {"changed": [], "kept": []}
    for reading, old, new in zip(readings, before, after, strict=True):
        as_asked = {name: getattr(reading, name) == getattr(new, name) for name in NAMES if getattr(new, name)}
        for question, differs in (("changed", True), ("kept", False)):
            answers = [yes for name, yes in as_asked.items() if (getattr(old, name) != getattr(new, name)) == differs]
            questions[question].append(float(all(answers)) if answers else np.nan)
    return {question: np.array(answers) for question, answers in questions.items()}
