from collections import Counter

import numpy as np
import pytest

from minidit.world import ALL_ATTRIBUTES, caption, wordings
from minidit.world.attributes import NAMES
from minidit.world.captions import attributes_in
from minidit.world.upsampling import upsampled


@pytest.mark.parametrize(
    ("prompt", "kept"),
    [
        ("a triangle goes down", {"shape": "triangle", "motion": "down"}),
        ("something yellow moves right at night", {"color": "yellow", "motion": "right", "sky": "night"}),
        ("red", {"color": "red"}),
        ("an object", {}),
    ],
)
def test_what_is_named_stays_and_the_rest_varies_as_the_world_does(prompt, kept):
    rng = np.random.default_rng(0)
    made = [attributes_in(upsampled(prompt, rng, 8)) for _ in range(1500)]
    for name, values in NAMES.items():
        found = Counter(getattr(attributes, name) for attributes in made)
        if name in kept:
            assert set(found) == {kept[name]}
        else:
            assert set(found) == set(values) and max(found.values()) < 1.3 * min(found.values())


def test_prompts_that_leave_nothing_out_stay_as_they_are():
    rng = np.random.default_rng(0)
    for attributes in ALL_ATTRIBUTES[::7]:
        for sentence in wordings(attributes):
            assert upsampled(sentence, rng, 8) == sentence
    for prompt in ("", "sora is sky", "an empty sky", "the sunset sky"):
        assert upsampled(prompt, rng, 8) == prompt


def test_a_picture_needs_no_motion():
    prompt = "a red ring in the night sky"
    assert upsampled(prompt, np.random.default_rng(0), 1) == prompt
    assert upsampled("a red ring", np.random.default_rng(0), 1).startswith("a red ring in the ")
    assert upsampled(prompt, np.random.default_rng(0), 8) in {
        caption(attributes) for attributes in ALL_ATTRIBUTES if attributes[:2] == ("red", "ring")
    }
