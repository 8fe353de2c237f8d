import pytest

from minidit.backend.device import choose_device


@pytest.fixture
def xp():
    """The simulated GPU."""
    return choose_device("simulated")
