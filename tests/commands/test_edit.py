import numpy as np
import pytest

from minidit.files.clips import save_clip

PROMPT = "a red circle moves right in the day sky"


@pytest.mark.parametrize("strength", [0, 0.3, 1])
def test_the_clip_is_what_the_studio_makes_of_it(strength, made, studio, clip):
    edited = made("edit", "clip.npy", PROMPT, "--strength", strength, "--seed", "2")
    assert np.array_equal(edited, studio.edit(clip, PROMPT, strength=strength, seed=2))


def test_the_strength_is_the_studios_unless_told_otherwise(made, studio, clip):
    assert np.array_equal(made("edit", "clip.npy", PROMPT), studio.edit(clip, PROMPT))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["clip.npy"], " needs PROMPT"),
        (["clip.npy", " "], "an edit needs a prompt: say what is to change"),
        (["clip.npy", PROMPT, "--strength", "-0.1"], '--strength: "-0.1" is not a number from 0 to 1'),
        (["clip.npy", PROMPT, "--strength", "1.5"], '--strength: "1.5" is not a number from 0 to 1'),
        (["clip.npy", PROMPT, "--strength", "nan"], '--strength: "nan" is not a finite number'),
        (["long.npy", PROMPT], "long.npy has more than 16 frames, but a model works on 1, or 8 to 16 at once"),
        (["short.npy", PROMPT], "short.npy has 5 frames, but a model works on 1, or 8 to 16 at once"),
    ],
)
def test_a_mistake_is_answered(words, said, refused, folder):
    save_clip("long.npy", np.zeros((17, 32, 32, 3)))
    save_clip("short.npy", np.zeros((5, 32, 32, 3)))
    assert said in refused("edit", *words)
