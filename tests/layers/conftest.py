import numpy as np
import pytest

from minidit.backend import arrays_in


def locked(value):
    """Every array becomes read-only: an op that writes to what it was only given to read now raises."""
    for array in arrays_in(value):
        array.setflags(write=False)
    return value


@pytest.fixture
def run_float32(rng):
    """Run a pair in float32: nothing turns into float64, caches included, and nothing given is written to.

    Returns the output and the gradients.
    """

    def run(forward, backward, *inputs):
        inputs = [
            x.astype(np.float32) if isinstance(x, np.ndarray) and x.dtype == np.float64 else x for x in inputs
        ]
        y, cache = forward(*locked(inputs))
        floats = [a.dtype for a in arrays_in((y, cache), np.ndarray | np.generic) if a.dtype.kind == "f"]
        assert set(floats) == {np.dtype(np.float32)}, floats
        dy = locked(rng.normal(size=np.shape(y)).astype(np.float32) if np.shape(y) else 1.0)
        gradients = backward(dy, locked(cache))
        gradients = gradients if isinstance(gradients, tuple) else (gradients,)
        assert [g.dtype for g in gradients] == [np.float32] * len(gradients)
        return y, gradients

    return run
