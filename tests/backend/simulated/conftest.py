import numpy as np
import pytest

import minidit.backend.simulated.cupy as xp


@pytest.fixture
def h():
    """On the host."""
    return np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def x(h):
    """On the device, the same numbers."""
    return xp.asarray(h)


@pytest.fixture
def launches_of():
    """A function that gives the name, the bytes read and the bytes written of all that another one launches."""

    def launches_of(function, *args, **kwargs):
        with xp.count() as counted:
            function(*args, **kwargs)
        return [launch[:3] for launch in counted.launches]

    return launches_of
