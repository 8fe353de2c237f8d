"""All exercises of the course, a file per lesson. A file lists its exercises, in order, in EXERCISES."""

import functools
import importlib
import pkgutil

LESSONS = (
    "start here",
    "setting the stage",
    "patches",
    "visual encoder",
    "add noise",
    "conditions",
    "estimate scale and shift",
    "apply scale and shift",
    "self-attention",
    "attention pooling",
    "feed-forward",
    "training",
    "denoise",
    "visual decoder",
    "video",
    "capstone",
    "many uses",
    "scaling",
)  # by number


@functools.cache
def all_exercises():
    """Name -> Exercise or Numbers, lesson by lesson."""
    found = {}
    for module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        for exercise in importlib.import_module(f"{__name__}.{module}").EXERCISES:
            if exercise.name in found:
                raise ValueError(f"two exercises are called {exercise.name}")
            found[exercise.name] = exercise
    return found


def forward_of(exercise):
    """The forward exercise whose cache a backward exercise takes, or None."""
    name = exercise.name.replace("_backward", "_forward")
    pair = all_exercises().get(name)
    known = all_exercises().get(exercise.name) is exercise
    takes_a_cache = name != exercise.name and pair is not None and pair.outputs[1:] == ("cache",)
    return pair if known and takes_a_cache else None


def by_lesson():
    """Number of a lesson -> its exercises, in order; lessons without exercises are left out."""
    found = {}
    for exercise in all_exercises().values():
        found.setdefault(exercise.lesson, []).append(exercise)
    return found


def names():
    """Of all exercises, in the order of the lessons."""
    return list(all_exercises())


def exercise_of(name):
    """The Exercise or Numbers of this name."""
    return all_exercises()[name]
