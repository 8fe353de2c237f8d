import numpy as np
import pytest
from PIL import Image

from minidit.files.clips import save_clip

PROMPT = "a red circle moves right in the day sky"


def test_the_clip_is_what_the_studio_fills_in(made, studio, clip):
    mask = np.arange(32)[:, None] < np.full(32, 16)
    filled = made("inpaint", "clip.npy", "mask.npy", PROMPT, "--seed", "2")
    assert np.array_equal(filled, studio.inpaint(clip, mask, PROMPT, seed=2))
    assert np.array_equal(filled[:, 16:], clip[:, 16:]) and not np.array_equal(filled[:, :16], clip[:, :16])


def test_a_mask_may_be_painted(made):
    Image.fromarray(255 * np.load("mask.npy").astype(np.uint8)).resize((256, 256)).save("mask.png")
    assert np.array_equal(made("inpaint", "clip.npy", "mask.png"), made("inpaint", "clip.npy", "mask.npy"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["clip.npy"], " needs MASK"),
        (["clip.npy", "empty.npy"], "empty.npy marks nothing"),
        (["clip.npy", "film.txt"], "film.txt is not a GIF, PNG, JPEG, WebP, MP4 or NPY file"),
        (["clip.npy", "clip.npy"], "clip.npy has shape (8, 32, 32, 3) and type float32, but a mask has"),
        (["long.npy", "mask.npy"], "long.npy has more than 16 frames, but a model works on 1, or 8 to 16 at once"),
        (["tall.npy", "mask.npy"], "mask.npy has 32 x 32 pixels, but the clip has 8 frames of 32 x 40 pixels"),
    ],
)
def test_a_mistake_is_answered(words, said, refused, folder):
    save_clip("long.npy", np.zeros((17, 32, 32, 3)))
    save_clip("tall.npy", np.zeros((8, 40, 32, 3)))
    np.save("empty.npy", np.zeros((32, 32), bool))
    assert said in refused("inpaint", *words)
