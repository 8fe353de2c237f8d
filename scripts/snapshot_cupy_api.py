"""Writes down what CuPy offers, for the simulated one to offer no more: run it where CuPy is installed.

    python scripts/snapshot_cupy_api.py

It needs no GPU.
"""

import inspect
import json
import re
import warnings
from pathlib import Path

TARGET = Path(__file__).parents[1] / "minidit/backend/simulated/cupy_api.json"


def snapshot():
    """The public names of CuPy, and what its functions, methods and ufuncs take."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a machine without a GPU
        import cupy
    ufuncs = {name: thing for name, thing in things(cupy).items() if isinstance(thing, cupy.ufunc)}
    return {
        "version": cupy.__version__,
        "names": public(cupy),
        "ufuncs": {name: {"at": ufunc._scatter_op, "nin": ufunc.nin} for name, ufunc in ufuncs.items()},
        "functions": signatures(cupy),
        "methods": signatures(cupy.ndarray),
        "attributes": sorted({*dir(cupy.ndarray)} - {*dir(object)}),
        "flags": public(type(cupy._core.flags.Flags(True, True, True))),
        "linalg": signatures(cupy.linalg),
        "generator": signatures(cupy.random.Generator),
        "cuda": public(cupy.cuda),
        "runtime": [name for name, thing in things(cupy.cuda.runtime).items() if callable(thing)],
        "device": public(cupy.cuda.Device),
        "stream": public(cupy.cuda.Stream.null),
        "event": public(cupy.cuda.Event),
        "pool": public(cupy.cuda.MemoryPool),
    }


def public(owner):
    """The names in a module, class or object that are there for everyone, in order."""
    return [name for name in sorted(dir(owner)) if not name.startswith("_")]


def things(owner):
    """What they stand for."""
    return {name: getattr(owner, name) for name in public(owner)}


def signatures(owner):
    """Name -> parameters of every function: "a, axis=, *, out=" where all but the first have a default."""
    found = {name: parameters(name, thing) for name, thing in things(owner).items() if not isinstance(thing, type)}
    return {name: text for name, text in found.items() if text is not None}


def parameters(name, function):
    """A function's parameters, from its signature or, as compiled methods have none, the first line of its text."""
    try:
        return ", ".join(map(shortened, plain(inspect.signature(function))))
    except (TypeError, ValueError):
        first, *_ = (function.__doc__ or "").splitlines() or [""]
        match = re.match(rf"(?:\w+\.)?{name}\((.*)\)(?: ->.*)?$", first)
        if match is None:
            return None
        return ", ".join(shortened(text) for text in match[1].split(", ") if text != "self")


def plain(signature):
    """The parameters as text, with the marks for positional-only and keyword-only ones, but without types."""
    bare = [
        parameter.replace(annotation=parameter.empty, default=0)
        if parameter.default is not parameter.empty
        else parameter.replace(annotation=parameter.empty)
        for parameter in signature.parameters.values()
    ]
    text = str(signature.replace(parameters=bare, return_annotation=signature.empty))
    return [part for part in text[1:-1].split(", ") if part and part != "self"]


def shortened(text):
    """One parameter: "int axis=-1" as "axis="."""
    named, default, _ = text.partition("=")
    return named.strip().split(" ")[-1] + default


if __name__ == "__main__":
    TARGET.write_text(json.dumps(snapshot(), indent=1) + "\n", encoding="utf-8")
    print(f"{TARGET} now describes CuPy {json.loads(TARGET.read_text(encoding='utf-8'))['version']}.")
