"""What the commands that make clips have in common, for each of them."""

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minidit.cli import main
from minidit.commands.making import file_name
from minidit.files.clips import to_pixels
from minidit.files.reading_clips import read_clip, read_image

PROMPT = "a red circle moves right in the day sky"
NAME = "a-red-circle-moves-right-in-the-day-sky"

# The words of each command, the file that it writes, and what it says of the clip
CASES = {
    "generate": ([PROMPT], f"{NAME}.gif", "8 frames of 32 x 32"),
    "image": ([PROMPT], f"{NAME}.png", "1 frame of 32 x 32"),
    "animate": (["first.npy", PROMPT], "first-animated.gif", "8 frames of 32 x 32"),
    "extend": (["clip.npy", PROMPT, "--forward", "9"], "clip-extended.gif", "17 frames of 32 x 32"),
    "connect": (["clip.npy", "first.npy", PROMPT], "clip-to-first.gif", "17 frames of 32 x 32"),
    "loop": ([PROMPT], f"{NAME}-loop.gif", "16 frames of 32 x 32"),
    "edit": (["clip.npy", PROMPT], "clip-edited.gif", "8 frames of 32 x 32"),
    "inpaint": (["clip.npy", "mask.npy", PROMPT], "clip-inpainted.gif", "8 frames of 32 x 32"),
    "film": (["film.txt"], "film.gif", "16 frames of 32 x 32"),
}
COMMANDS = pytest.mark.parametrize("command", CASES)
SAMPLED = [command for command in CASES if command != "edit"]  # which takes one step, and nothing to chance


@COMMANDS
def test_it_writes_a_file_named_after_what_it_was_given_and_says_so(command, folder, marked_checkpoint, capsys):
    words, name, said = CASES[command]
    before = {path.name for path in folder.iterdir()}
    seed = ["--seed", "4"] if command in SAMPLED else []
    assert main([command, *words, "--checkpoint", str(marked_checkpoint), *seed]) == 0
    assert {path.name for path in folder.iterdir()} - before == {name}
    frames, height, width, _ = read_clip(name).shape
    assert said == f"{frames} frame{'s' * (frames > 1)} of {width} x {height}"
    with Image.open(name) as image:
        assert image.width == 256
    assert re.fullmatch(rf"{name}  \({said}, seed {4 if seed else 0}, \d+\.\d s\)\n", capsys.readouterr().out)


@COMMANDS
def test_every_format_holds_the_clip_and_a_folder_is_made_for_it(command, folder, marked_checkpoint, made):
    words, _, _ = CASES[command]
    clip = made(command, *words)
    outs = ["new/folder/a.webp", "frames/%03d.png", *(["new/a.mp4"] if find_spec("av") else [])]
    for out in outs:
        assert main([command, *words, "--checkpoint", str(marked_checkpoint), "-o", out, "--fps", "12"]) == 0
    assert np.array_equal(to_pixels(read_clip("new/folder/a.webp")), to_pixels(clip))
    frames = sorted(Path("frames").iterdir())
    assert [path.name for path in frames] == [f"{n:03}.png" for n in range(len(clip))]
    assert np.array_equal(np.stack([to_pixels(read_image(path)) for path in frames]), to_pixels(clip))
    if len(clip) > 1:
        with Image.open("new/folder/a.webp") as image:
            image.load()
            assert image.info["duration"] == 83
    if find_spec("av"):
        assert np.abs(read_clip("new/a.mp4") - clip).mean() < 0.05


def test_frames_that_are_there_are_not_replaced_without_force(refused, folder, marked_checkpoint):
    Path("frames").mkdir()
    Path("frames/011.png").write_bytes(b"a holiday")
    said = f"{Path('frames/011.png')} exists already. Replace it with --force"
    assert said in refused("generate", PROMPT, "-o", "frames/%03d.png")
    words = ["generate", PROMPT, "-o", "frames/%03d.png", "--force", "--checkpoint", str(marked_checkpoint)]
    assert main(words) == 0
    assert len(list(Path("frames").iterdir())) == 9 and Path("frames/011.png").read_bytes() == b"a holiday"


@pytest.mark.parametrize("command", ["animate", "extend", "connect", "edit", "inpaint"])
def test_a_photograph_is_cropped_and_resized_if_asked(command, folder, refused, made, rng):
    shades = rng.random((3, 4, 3)).repeat(100, axis=0).repeat(100, axis=1)  # 300 x 400 pixels, smooth enough for JPEG
    Image.fromarray(to_pixels(shades)).save("photo.jpg", quality=95)
    Image.fromarray(to_pixels(shades[:, :300])).save("square.webp", lossless=True)
    mask = np.zeros((300, 400), np.uint8)
    mask[:, 150:250] = 255
    Image.fromarray(mask).save("mask.png")
    words = {
        "animate": ["photo.jpg", PROMPT],
        "extend": ["photo.jpg", PROMPT, "--forward", "2"],
        "connect": ["photo.jpg", "square.webp"],
        "edit": ["photo.jpg", PROMPT],
        "inpaint": ["photo.jpg", "mask.png"],
    }[command]
    err = refused(command, *words)
    assert "photo.jpg is 400 x 300 pixels: give 32 x 32, 40 x 32, 48 x 32, 32 x 40 or 32 x 48 pixels. With --fit" in err
    clip = made(command, *words, "--fit")
    assert clip.shape[1:] == (32, 40, 3)
    photo = read_image("photo.jpg", fit=True)
    assert photo.shape == (32, 40, 3)
    changed = (clip[0] != photo).any(axis=(0, 2))  # columns of the first frame
    assert changed.any() == (command in ("edit", "inpaint"))
    assert command != "inpaint" or np.array_equal(np.flatnonzero(changed), np.arange(8, 32))
    if command == "connect":
        assert np.array_equal(clip[-1], read_image("square.webp", fit=(32, 40)))


@pytest.mark.parametrize("command", SAMPLED)
def test_seed_and_sampling_reach_the_model(command, made):
    words, _, _ = CASES[command]
    clip = made(command, *words)
    for change, same in (
        (["--seed", "0"], True),
        (["--seed", "1"], False),
        (["--steps", "3"], True),
        (["--steps", "2"], False),
        (["--guidance", "5"], False),
        (["--sampler", "ddpm"], False),
    ):
        assert np.array_equal(made(command, *words, *change), clip) == same, change


@COMMANDS
def test_the_bar_counts_every_step(command, made, monkeypatch):
    bars = []

    class Bar:
        def __init__(self, total, **_):
            self.total, self.count = total, 0
            bars.append(self)

        def update(self):
            self.count += 1

        def clear(self):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    monkeypatch.setattr("tqdm.tqdm", Bar)
    made(command, *CASES[command][0], *(["--steps", "2"] if command in SAMPLED else []))
    assert [bar.count for bar in bars] == [bar.total for bar in bars]
    assert bars[0].total >= (2 if command in SAMPLED else 1)


@COMMANDS
def test_an_existing_file_is_left_alone_without_force_and_before_any_work(command, refused, folder, monkeypatch):
    def never(*_, **__):
        raise AssertionError("work was begun")

    words, name, _ = CASES[command]
    (folder / name).write_bytes(b"a holiday")
    monkeypatch.setattr("minidit.generation.studio.load", never)
    assert f"{name} exists already. Replace it with --force" in refused(command, *words)


@COMMANDS
def test_what_was_typed_wrong_is_answered_before_a_model_is_opened(command, refused, monkeypatch):
    def never(*_, **__):
        raise AssertionError("a model was opened")

    monkeypatch.setattr("minidit.generation.studio.load", never)
    words, _, _ = CASES[command]
    made_of = "clip.npy"  # a file where a folder should be
    for mistake, said in (
        (["-o", "out.avi"], "can't write out.avi: a file's ending says how a clip is written"),
        (["-o", "out"], "Give a name that ends in "),
        (["-o", f"{made_of}/out.gif"], f"can't write to {made_of}: Not a directory"),
        (["-o", "out.gif", "--fps", "51"], "out.gif with 51.0 frames per second: give a number from 0.01 to 50"),
        (["--fps", "0"], '"0" is not a number above 0'),
        (["--seed", "one"], '"one" is not a whole number' if command in SAMPLED else "I don't understand --seed"),
        (["--steps", "0"], '"0" is not a whole number of at' if command in SAMPLED else "I don't understand --steps"),
    ):
        err = refused(command, *words, *mistake)
        assert said in err and err.count("\n") == 1
    if command != "image":
        assert "a PNG holds one frame. Give a name that ends in .gif, .webp, .mp4 or .npy" in refused(
            command, *words, "-o", "out.png"
        )
    files = [word for word in words if "." in word]
    for name in files:
        missing = ["none.gif" if word == name else word for word in words]
        assert "there is no file none.gif" in refused(command, *missing)


@COMMANDS
def test_an_unknown_word_is_answered_with_a_prompt_that_works(command, refused, folder):
    words, _, _ = CASES[command]
    (folder / "film.txt").write_text("the night sky\n\nthen a plaid zebra\n")
    words = ["a plaid zebra" if word == PROMPT else word for word in words]
    first, second = refused(command, *words).splitlines()
    where = "film.txt, line 3: " if command == "film" else ""
    assert first.startswith(f'minidit: {where}I don\'t know the words "plaid" and "zebra".')
    assert second.strip() == f'Try: minidit generate "{PROMPT}"'


@COMMANDS
def test_a_model_or_a_device_or_a_sampler_that_is_not_there_is_refused(command, refused):
    words, _, _ = CASES[command]
    assert "there is no checkpoint none.safetensors" in refused(command, *words, "--checkpoint", "none.safetensors")
    assert 'there is no device "tpu"' in refused(command, *words, "--device", "tpu")
    if command in SAMPLED:
        assert '"magic": choose one of euler, heun' in refused(command, *words, "--sampler", "magic")


def test_a_model_without_conditioning_channels_says_what_it_can_do(refused, tiny_checkpoint):
    err = refused("extend", "clip.npy", "--forward", "4", "--checkpoint", tiny_checkpoint)
    assert "this model can only make whole clips of its own size" in err


@pytest.mark.parametrize("command", ["extend", "connect", "inpaint"])
def test_the_prompt_may_be_left_out_or_stand_behind_options(command, made):
    words, _, _ = CASES[command]
    without = [word for word in words if word != PROMPT]
    left_out, given = made(command, *without), made(command, *words)
    assert not np.array_equal(left_out, given)
    assert np.array_equal(made(command, *without, "--seed", "0", ""), left_out)
    assert np.array_equal(made(command, *without, "--seed", "0", PROMPT), given)


@pytest.mark.parametrize("command", ["extend", "connect", "inpaint"])
def test_what_is_too_much_is_not_taken_for_a_prompt(command, refused):
    words, _, _ = CASES[command]
    without = [word for word in words if word != PROMPT]
    assert "put the prompt in quotes" in refused(command, *words, "--seed", "0", "sky")
    assert "put the prompt in quotes" in refused(command, *without, "--seed", "0", "the", "sky")
    assert "I don't understand --colour" in refused(command, *without, "--colour")
    assert "put the prompt in quotes" in refused("generate", "", "--seed", "0", "sky")


@pytest.mark.parametrize("command", ["generate", "image", "loop", "film"])
def test_a_size_is_a_number_or_width_and_height(command, made, refused, folder, capsys):
    words, _, _ = CASES[command]
    (folder / "film.txt").write_text("the night sky\nthen the day sky\n")
    assert made(command, *words, "--size", "32").shape[1:3] == (32, 32)
    assert made(command, *words, "--size", "48x32").shape[1:3] == (32, 48)
    capsys.readouterr()
    assert '"big" is not a size: give N or WIDTHxHEIGHT' in refused(command, *words, "--size", "big")
    assert "frames of 20 x 32 pixels can't be made: give 32 x 32, " in refused(command, *words, "--size", "20x32")


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        (PROMPT, NAME),
        ("  Sora is SKY. ", "sora-is-sky"),
        ("../../etc/passwd", "etc-passwd"),
        ("", "clip"),
        ("空", "clip"),
        ("red " * 100, ("red-" * 25)[:-1]),
    ],
)
def test_a_file_is_named_after_its_prompt(prompt, name):
    assert file_name(prompt) == name
