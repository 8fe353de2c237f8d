import numpy as np

from minidit.cli import main
from minidit.files.clips import png_bytes

PROMPT = "a red circle in the day sky"


def test_the_picture_is_the_studios(made, studio):
    picture = made("image", PROMPT, "--size", "40x32", "--seed", "2")
    assert np.array_equal(picture, studio.image(PROMPT, seed=2, size=(32, 40)))


def test_it_is_a_png_unless_told_otherwise(folder, studio, marked_checkpoint):
    assert main(["image", PROMPT, "--checkpoint", str(marked_checkpoint)]) == 0
    assert (folder / "a-red-circle-in-the-day-sky.png").read_bytes() == png_bytes(studio.image(PROMPT)[0])
