import numpy as np
import pytest

from minidit.files.clips import save_clip

PROMPT = "a red circle moves right in the day sky"


def test_the_clip_is_both_and_what_the_studio_makes_between(made, studio, clip):
    save_clip("last.npy", clip[5:])
    joined = made("connect", "clip.npy", "last.npy", PROMPT, "--frames", "4", "--seed", "2")
    assert np.array_equal(joined, studio.connect(clip, clip[5:], frames=4, prompt=PROMPT, seed=2))
    assert np.array_equal(joined[:8], clip) and np.array_equal(joined[12:], clip[5:])


def test_eight_frames_are_made_unless_told_otherwise(made):
    assert len(made("connect", "clip.npy", "clip.npy")) == 8 + 8 + 8


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["clip.npy"], " needs B"),
        (["clip.npy", "tall.npy"], "the two clips have 32 x 32 and 32 x 40 pixels: give clips of one size"),
        (["clip.npy", "first.npy", "--frames", "9"], "give a whole number from 1 to 8"),
        (["first.npy", "first.npy", "--frames", "5"], "works on at least 8 at once: put 6 between them"),
        (["clip.npy", "clip.npy", "--frames", "9"], "give a whole number from 1 to 8"),
        (["clip.npy", "clip.npy", "--frames", "0"], '--frames: "0" is not a whole number of at least 1'),
    ],
)
def test_a_mistake_is_answered(words, said, refused, folder):
    save_clip("tall.npy", np.zeros((2, 40, 32, 3)))
    assert said in refused("connect", *words)
