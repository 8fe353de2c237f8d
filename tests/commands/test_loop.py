import numpy as np

PROMPT = "a red circle moves right in the day sky"


def test_the_clip_is_the_studios_loop(made, studio):
    circle = made("loop", PROMPT, "--size", "32x40", "--seed", "2")
    assert np.array_equal(circle, studio.loop(PROMPT, seed=2, size=(40, 32)))
    assert circle.shape == (8 + 8, 40, 32, 3)


def test_too_many_frames_are_refused(refused):
    assert "17 frames can't be made" in refused("loop", PROMPT, "--frames", "17")
