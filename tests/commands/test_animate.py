import numpy as np
import pytest

from minidit.files.clips import save_clip

PROMPT = "a red circle moves right in the day sky"


def test_the_clip_is_what_the_studio_makes_of_the_picture(made, studio, clip):
    animated = made("animate", "first.npy", PROMPT, "--seed", "2", "--frames", "8")
    assert np.array_equal(animated, studio.animate(clip[0], PROMPT, seed=2, frames=8))
    assert np.array_equal(animated[0], clip[0])


def test_what_minidit_painted_can_be_animated(made, clip):
    save_clip("first.png", clip[:1])  # enlarged
    animated = made("animate", "first.png", PROMPT)
    assert animated.shape == (8, 32, 32, 3)
    assert np.abs(animated[0] - clip[0]).max() <= 0.5001 / 255


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["clip.npy", PROMPT], "clip.npy has 8 frames, but a picture has one"),
        (["first.npy"], " needs PROMPT"),
        (["film.txt", PROMPT], "film.txt is not a GIF, PNG, JPEG, WebP, MP4 or NPY file"),
        (["first.npy", PROMPT, "--frames", "17"], "17 frames can't be made at once: give 1 or 8, and make"),
    ],
)
def test_a_mistake_is_answered(words, said, refused):
    assert said in refused("animate", *words)
