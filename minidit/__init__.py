"""A Diffusion Transformer, the architecture behind Sora, from scratch in NumPy.

    from minidit import load

    model = load()
    clip = model.generate("a red circle moves right in the day sky", seed=0)  # frames, height, width, 3 in [0, 1]

`import minidit` by itself loads nothing, not even NumPy: what is used is imported when it is asked for.
"""

__version__ = "0.1.0"
__all__ = ["Studio", "load", "using"]


def __getattr__(name):
    if name == "using":
        from minidit.course.using import using

        return using
    if name in __all__:
        from minidit.generation import studio

        return getattr(studio, name)
    raise AttributeError(f"module 'minidit' has no attribute {name!r}")


def __dir__():
    return [*globals(), *__all__]
