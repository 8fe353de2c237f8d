"""A Diffusion Transformer, the architecture behind Sora, from scratch in NumPy.

    from minidit import load, save_clip

    model = load()
    clip = model.generate("a red circle moves right in the day sky", seed=0)  # frames, height, width, 3 in [0, 1]
    save_clip("circle.gif", clip)

`import minidit` by itself loads nothing, not even NumPy: each name is imported when it is first asked for.
"""

from importlib import import_module

__version__ = "0.1.0"

# False, yet type checkers take it for True. Jedi, which completes names in Jupyter, would skip what is under a literal.
TYPE_CHECKING = bool()  # noqa: UP018
if TYPE_CHECKING:
    from minidit.course.using import using
    from minidit.files.clips import save_clip
    from minidit.files.reading_clips import read_clip
    from minidit.generation.film import Shot
    from minidit.generation.settings import SamplingSettings
    from minidit.generation.studio import Studio, load

__all__ = ["SamplingSettings", "Shot", "Studio", "load", "read_clip", "save_clip", "using"]

_HOMES = {
    "SamplingSettings": "minidit.generation.settings",
    "Shot": "minidit.generation.film",
    "Studio": "minidit.generation.studio",
    "load": "minidit.generation.studio",
    "read_clip": "minidit.files.reading_clips",
    "save_clip": "minidit.files.clips",
    "using": "minidit.course.using",
}


def __getattr__(name):
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'minidit' has no attribute {name!r}")


def __dir__():
    return [*globals(), *__all__]
