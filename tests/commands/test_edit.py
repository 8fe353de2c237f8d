import numpy as np
import pytest

from minidit.cli import main
from minidit.files.clips import save_clip
from minidit.files.reading_clips import read_timed_clip

PROMPT = "a red circle moves right in the day sky"


def test_the_clip_is_what_the_studio_makes_of_it(made, studio, clip):
    assert np.array_equal(made("edit", "clip.npy", PROMPT), studio.edit(clip, PROMPT))


def test_a_clip_keeps_its_speed_unless_another_is_asked_for(folder, marked_checkpoint, clip, capsys):
    save_clip("slow.webp", clip, 4)
    for words, fps, said in (([], 4, ""), (["--fps", "40"], 50, "it shows 50 frames per second, not 40")):
        words = [*words, "--checkpoint", str(marked_checkpoint), "--force"]
        assert main(["edit", "slow.webp", PROMPT, "-o", "edited.gif", *words]) == 0
        assert read_timed_clip(folder / "edited.gif")[1] == pytest.approx(fps)
        assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["clip.npy"], " needs PROMPT"),
        (["clip.npy", " "], "an edit needs a prompt: say what is to change"),
        (["clip.npy", PROMPT, "--seed", "3"], "I don't understand --seed"),
        (["clip.npy", PROMPT, "--steps", "8"], "I don't understand --steps"),
        (["long.npy", PROMPT], "long.npy has more than 16 frames, but a model works on 1, or 8 to 16 at once"),
        (["short.npy", PROMPT], "short.npy has 5 frames, but a model works on 1, or 8 to 16 at once"),
    ],
)
def test_a_mistake_is_answered(words, said, refused, folder):
    save_clip("long.npy", np.zeros((17, 32, 32, 3)))
    save_clip("short.npy", np.zeros((5, 32, 32, 3)))
    assert said in refused("edit", *words)
