from dataclasses import FrozenInstanceError, replace

import pytest

from minidit.diffusion.samplers import heun_step
from minidit.errors import UserError
from minidit.generation.settings import SamplingOptions, SamplingSettings


def test_what_is_left_out_comes_from_the_model(tiny_model):
    s = tiny_model.settings
    assert SamplingSettings().for_model(s) == SamplingSettings(s.steps, s.guidance, s.interval, s.shift, "euler")
    assert SamplingSettings().for_model(replace(s, sampler="ddpm")).sampler == "ddpm"
    asked = SamplingSettings(7, 0.0, (0.1, 0.5), 1.5, heun_step)
    assert asked.for_model(s) == asked


def test_they_are_frozen():
    with pytest.raises(FrozenInstanceError):
        SamplingSettings().steps = 3


def test_the_options_of_a_studio_are_the_same_settings():
    assert set(SamplingOptions.__annotations__) == {*SamplingSettings.__dataclass_fields__, "callback"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"steps": 0}, "at least 1"),
        ({"steps": 2.5}, "whole number"),
        ({"guidance": float("inf")}, "finite number"),
        ({"steps": 101}, "from 1 to 100; got 101"),
        ({"steps": 10**30}, "from 1 to 100"),  # not tried
        ({"guidance": 5.5}, "from 0 to 5 .1 is none.; got 5.5"),
        ({"guidance": -0.1}, "from 0 to 5 .1 is none.; got -0.1"),
        ({"shift": 0.0}, "above 0"),
        ({"interval": (0.8, 0.2)}, "smaller one first"),
        ({"sampler": "dpm++"}, "choose one of euler, heun"),
        ({"sampler": 3}, "choose one of euler, heun"),
        ({"steps": "2"}, "whole number"),
        ({"guidance": [2.0]}, "finite number"),
        ({"shift": "2"}, "above 0"),
        ({"interval": 0.5}, "give two times"),
        ({"interval": (0, "1")}, "give two times"),
    ],
)
def test_what_makes_no_sense_is_a_user_error_before_anything_is_made(settings, said, tiny_model):
    with pytest.raises(UserError, match=said):
        SamplingSettings(**settings).for_model(tiny_model.settings)
