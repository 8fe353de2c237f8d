"""`cupy.random`, simulated by NumPy's generators, whose numbers differ from CuPy's for the same seed."""

import numpy as np

from minidit.backend.simulated import counting
from minidit.backend.simulated.api import API, bind
from minidit.backend.simulated.array import ndarray
from minidit.backend.simulated.memory import place

STREAM = 0xC0  # makes the numbers differ from NumPy's own: nobody should rely on the two being equal


class Generator:
    """Draws random numbers on the device."""

    def __init__(self, seed=None):
        self._generator = np.random.default_rng(seed if seed is None else [seed, STREAM])

    def __getattr__(self, name):
        if name not in API["generator"]:
            raise AttributeError(f"'cupy.random.Generator' object has no attribute {name!r}")

        def draw(*args, **kwargs):
            bind("generator", name, args, kwargs)
            drawn = place(ndarray, np.asarray(getattr(self._generator, name)(*args, **kwargs)))
            counting.launched(f"random.{name}", (), [drawn._memory])
            return drawn

        return draw


default_rng = Generator
