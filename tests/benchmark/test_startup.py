import numpy as np
import pytest

from minidit.benchmark.startup import FIRST_CLIP, NOTHING, start_up

pytestmark = pytest.mark.bench


def test_every_start_is_timed_in_every_round():
    found = start_up(2, modules=("minidit",))
    assert list(found) == [NOTHING, "import minidit", FIRST_CLIP]
    assert all(len(seconds) == 2 for seconds in found.values())


def test_making_a_clip_is_part_of_what_is_timed():
    found = start_up(1, modules=())
    assert np.median(found[FIRST_CLIP]) > np.median(found[NOTHING])


def test_what_can_not_be_imported_is_not_timed():
    with pytest.raises(Exception, match="no_such_module"):
        start_up(1, modules=("no_such_module",))
