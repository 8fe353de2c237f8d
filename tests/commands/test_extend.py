import numpy as np
import pytest

from minidit.cli import main
from minidit.files.clips import gif_bytes
from minidit.files.reading_clips import read_clip

PROMPT = "a red circle moves right in the day sky"


def test_the_clip_is_what_the_studio_makes_longer(made, studio, clip):
    longer = made("extend", "clip.npy", PROMPT, "--forward", "3", "--backward", "10", "--seed", "2")
    assert np.array_equal(longer, studio.extend(clip, PROMPT, forward=3, backward=10, seed=2))
    assert np.array_equal(longer[10:18], clip)


def test_a_gif_that_was_generated_can_be_extended_and_extended_again(folder, marked_checkpoint):
    options = ["--checkpoint", str(marked_checkpoint), "--size", "32x40", "-o", "clip.gif"]
    assert main(["generate", PROMPT, *options]) == 0
    given = read_clip("clip.gif")
    for more, name in ((12, "clip-extended"), (1, "clip-extended-extended")):
        assert main(["extend", f"{name.removesuffix('-extended')}.gif", "--forward", str(more), *options[:2]]) == 0
        longer = read_clip(f"{name}.gif")
        assert longer.shape == (len(given) + more, 40, 32, 3)
        assert np.square(longer[: len(given)] - given).mean() < 1e-3  # the palette is another
        given = longer


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["clip.npy"], "there is nothing to add: say how many frames with --forward N, --backward N, or both"),
        (["clip.npy", "--forward", "-1"], '--forward: "-1" is not a whole number of at least 0'),
        (["clip.npy", "--backward", "2.5"], '--backward: "2.5" is not a whole number of at least 0'),
        (["film.txt", "--forward", "2"], "film.txt is not a GIF, PNG, JPEG, WebP, MP4 or NPY file"),
        (["small.gif", "--forward", "2"], "small.gif is 200 x 300 pixels: give 32 x 32, 40 x 32, 48 x 32"),
    ],
)
def test_a_mistake_is_answered(words, said, refused, rng, folder):
    (folder / "small.gif").write_bytes(gif_bytes(rng.random((2, 30, 20, 3)), size=200))
    assert said in refused("extend", *words)
