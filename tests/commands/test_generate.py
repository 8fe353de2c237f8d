import json
import sys

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from minidit.backend import device
from minidit.cli import main
from minidit.files import clips
from minidit.files.tensors import FORMAT, read_tensors
from minidit.models import VideoModel
from minidit.models.checkpoint import save_model

PROMPT = "a red circle moves right in the day sky"
DEFAULT_NAME = "a-red-circle-moves-right-in-the-day-sky.gif"


@pytest.fixture
def generate(tiny_checkpoint, tmp_path, monkeypatch):
    """Runs `minidit generate` in an empty folder, with the tiny checkpoint unless another is given."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        words = [str(word) for word in words]
        return main(["generate", *words, *([] if "--checkpoint" in words else ["--checkpoint", str(tiny_checkpoint)])])

    return run


def files(folder):
    """Name -> contents of all files in a folder, hidden ones included."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def refused(generate, tmp_path, capsys):
    """Runs it with a mistake; asserts the status, one sentence on stderr, and that no file has changed."""

    def run(*words):
        before = files(tmp_path)
        assert generate(*words) == 2
        assert files(tmp_path) == before
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("minidit: ")
        assert "Traceback" not in captured.err
        return captured.err

    return run


def test_it_writes_a_looping_gif_named_after_the_prompt_and_says_where_and_how_long(generate, tmp_path, capsys):
    assert generate(PROMPT) == 0
    with Image.open(tmp_path / DEFAULT_NAME) as image:
        assert (image.format, image.n_frames, image.size, image.info["loop"]) == ("GIF", 8, (256, 256), 0)
    out = capsys.readouterr().out
    assert out.startswith(DEFAULT_NAME)
    assert out.rstrip().endswith(" s)")
    assert out.count("\n") == 1
    assert list(files(tmp_path)) == [DEFAULT_NAME]  # and no temporary file


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (["--seed", "0"], True),
        (["--seed", "1"], False),
        (["--steps", "3"], True),
        (["--steps", "2"], False),
        (["--guidance", "1.5"], True),
        (["--guidance", "5"], False),
        (["--sampler", "euler"], True),
        (["--sampler", "ddim"], True),  # the two are one on the straight path
        (["--sampler", "ddpm"], False),
    ],
)
def test_a_setting_changes_the_clip_unless_it_is_the_default(change, same, generate, tmp_path):
    assert generate(PROMPT, "-o", "a.gif") == 0
    assert generate(PROMPT, "-o", "b.gif", *change) == 0
    with Image.open(tmp_path / "a.gif") as a, Image.open(tmp_path / "b.gif") as b:
        difference = np.abs(np.asarray(a.convert("RGB"), int) - np.asarray(b.convert("RGB"), int))
    assert (difference.max() <= 2) == same


def test_each_of_several_clips_is_the_one_of_its_seed(generate, tmp_path):
    assert generate(PROMPT, "-o", "clip.gif", "--count", "3", "--seed", "5", "--sampler", "sde") == 0
    assert sorted(files(tmp_path)) == ["clip-0.gif", "clip-1.gif", "clip-2.gif"]
    assert generate(PROMPT, "-o", "alone.gif", "--seed", "6", "--sampler", "sde") == 0
    made = files(tmp_path)
    assert made["alone.gif"] == made["clip-1.gif"]
    assert made["alone.gif"] != made["clip-0.gif"]


def test_an_existing_output_is_left_alone_without_force(refused, tmp_path, monkeypatch):
    def never(path):
        raise AssertionError("work was begun")

    (tmp_path / "out.gif").write_bytes(b"a holiday")
    monkeypatch.setattr("minidit.generation.studio.load", never)
    assert "out.gif exists already. Replace it with --force" in refused(PROMPT, "-o", "out.gif")


def test_one_existing_output_of_several_stops_all(refused, tmp_path):
    (tmp_path / "out-1.gif").write_bytes(b"a holiday")
    assert "out-1.gif exists already" in refused(PROMPT, "-o", "out.gif", "--count", "2")


def test_force_replaces_an_existing_output(generate, tmp_path):
    (tmp_path / "out.gif").write_bytes(b"a holiday")
    assert generate(PROMPT, "-o", "out.gif", "--force") == 0
    assert files(tmp_path)["out.gif"].startswith(b"GIF89a")


def test_an_unknown_word_is_named_beside_the_nearest_and_a_prompt_that_works(refused):
    err = refused("a plaid zeppelin moves rigth in the day sky")
    assert 'I don\'t know the words "plaid", "zeppelin" and "rigth"' in err
    assert '"rigth", did you mean right' in err
    assert err.splitlines()[1].strip() == f'Try: minidit generate "{PROMPT}"'


def test_a_prompt_in_other_words_makes_the_same_clip_and_says_how_it_is_read(generate, tmp_path, capsys):
    assert generate(PROMPT, "-o", "a.npy") == 0
    assert capsys.readouterr().err == ""
    assert generate("A RED circle moves right, in the day sky!", "-o", "b.npy") == 0
    assert capsys.readouterr().err == ""  # nothing was replaced
    assert generate("A scarlet disc travels to the right under the blue sky.", "-o", "c.npy") == 0
    assert f'minidit: read as "{PROMPT}"\n' in capsys.readouterr().err
    a, b, c = (np.load(tmp_path / f"{name}.npy") for name in "abc")
    assert np.array_equal(a, b) and np.array_equal(a, c)


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("a red and blue circle", "names red and blue, but a clip shows one object of one colour"),
        ("a red circle and a blue square", "names circle and square, but a clip shows one object"),
        ("a circle moves left and right", "names left and right, but"),
        ("day and night", "names day and night, but"),
        ("two circles", 'can\'t draw several objects ("two")'),
        ("an orange ball", "the nearest colour is red or yellow"),
        ("no circle", "don't understand \"no\""),
    ],
)
def test_what_the_world_cannot_show_is_said_in_a_sentence(refused, prompt, said):
    first, second = refused(prompt).splitlines()
    assert said in first and second.strip().startswith("Try: ")


def test_a_prompt_that_is_too_long_is_refused(refused):
    assert "the prompt has 60 words; this model reads at most 19" in refused("red " * 60)


def test_an_unknown_sampler_is_answered_with_the_known_ones(refused):
    assert '"magic": choose one of euler, heun, ddim, ddpm, sde' in refused(PROMPT, "--sampler", "magic")


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("out.avi", "Give a name that ends in .gif, .webp, .mp4 or .npy"),
        ("out.png", "a PNG holds one frame. Give a name that ends in .gif, .webp, .mp4 or .npy, or one with a number"),
        ("out", "Give a name that ends in .gif, .webp, .mp4 or .npy"),
        ("folder.gif", "folder.gif is a folder"),
    ],
)
def test_an_output_that_cannot_be_is_refused(out, said, generate, tmp_path, capsys):
    (tmp_path / "folder.gif").mkdir()
    assert generate(PROMPT, "-o", out) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["folder.gif"]


def test_an_unwritable_folder_is_refused_before_any_work(refused, monkeypatch):
    def denied(dir):
        raise PermissionError(13, "Permission denied")

    # Faked, because root may write anywhere.
    monkeypatch.setattr("minidit.commands.making.tempfile.TemporaryFile", denied)
    assert "can't write to .: Permission denied" in refused(PROMPT)


def test_a_full_disk_leaves_the_old_file_and_nothing_half_written(refused, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    (tmp_path / "out.gif").write_bytes(b"a holiday")
    monkeypatch.setattr("minidit.files.whole.os.fsync", full)
    assert "No space left on device" in refused(PROMPT, "-o", "out.gif", "--force")


def test_a_stop_in_the_middle_leaves_the_clips_that_are_done_and_no_part_of_another(generate, tmp_path, monkeypatch):
    write, written = clips.write_whole, []

    def interrupted(path, data):
        if written:
            raise KeyboardInterrupt
        written.append(path)
        write(path, data)

    monkeypatch.setattr(clips, "write_whole", interrupted)
    assert generate(PROMPT, "-o", "out.gif", "--count", "2") == 130
    assert list(files(tmp_path)) == ["out-0.gif"]


# ---- devices


def test_a_clip_is_made_on_the_device_that_is_named(generate, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(device, "_announced", set())
    asked = []
    monkeypatch.setattr(VideoModel, "on", noting(VideoModel.on, asked))
    for name in ("cpu", "simulated"):
        assert generate(PROMPT, "-o", f"{name}.gif", "--sampler", "sde", "--device", name) == 0
    assert asked[-1] == "minidit.backend.simulated.cupy"
    assert set(asked[:-1]) == {"numpy"}
    with Image.open(tmp_path / "cpu.gif") as cpu, Image.open(tmp_path / "simulated.gif") as gpu:
        difference = np.abs(np.asarray(cpu.convert("RGB"), int) - np.asarray(gpu.convert("RGB"), int))
    assert difference.max() <= 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("minidit: computing on the CPU (NumPy ")
    assert second == "minidit: computing on a simulated GPU: its code runs on the CPU, very slowly."


def noting(on, asked):
    """A model's `on`, which notes what it is asked for."""

    def on_device(model, xp):
        asked.append(xp.__name__)
        return on(model, xp)

    return on_device


def test_the_cpu_goes_without_saying_where_nobody_asked(generate, capsys, monkeypatch):
    monkeypatch.setattr(device, "_announced", set())
    monkeypatch.delenv("MINIDIT_DEVICE", raising=False)
    assert generate(PROMPT) == 0
    assert capsys.readouterr().err == ""


def test_the_environment_names_the_device_where_nobody_else_does(generate, capsys, monkeypatch):
    monkeypatch.setattr(device, "_announced", set())
    monkeypatch.setenv("MINIDIT_DEVICE", "simulated")
    assert generate(PROMPT, "-o", "a.gif", "--device", "cpu") == 0
    assert "computing on the CPU" in capsys.readouterr().err
    assert generate(PROMPT, "-o", "b.gif") == 0
    assert "computing on a simulated GPU" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "environment", "said"),
    [
        (["--device", "tpu"], None, 'there is no device "tpu". Choose one of cpu, gpu, simulated'),
        ([], "cuda", 'there is no device "cuda". Choose one of cpu, gpu, simulated (--device, or MINIDIT_DEVICE)'),
        (["--tf32"], None, "TF32 is a number format of GPUs, and the device is cpu: leave it out"),
        (["--device", "simulated", "--tf32"], None, "and the device is simulated: leave it out"),
    ],
)
def test_a_device_that_cannot_be_is_refused(words, environment, said, refused, monkeypatch):
    monkeypatch.delenv("MINIDIT_DEVICE", raising=False)
    if environment:
        monkeypatch.setenv("MINIDIT_DEVICE", environment)
    assert said in refused(PROMPT, *words)


def test_without_a_gpu_no_clip_is_made_elsewhere(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert "the GPU needs CuPy, which is not installed" in refused(PROMPT, "--device", "gpu")


# ---- checkpoints


def test_a_missing_checkpoint_is_answered_with_how_to_train_one(refused):
    err = refused(PROMPT, "--checkpoint", "nothing.safetensors")
    assert "there is no checkpoint nothing.safetensors" in err
    assert "minidit train" in err


@pytest.mark.parametrize("left", [0, 4, 100, 0.5, 0.999])
def test_a_truncated_checkpoint_is_refused(left, refused, tmp_path, tiny_checkpoint):
    data = tiny_checkpoint.read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(data[: left if isinstance(left, int) else int(left * len(data))])
    assert "cut.safetensors is not a whole checkpoint" in refused(PROMPT, "--checkpoint", "cut.safetensors")


def test_a_file_that_is_no_checkpoint_is_refused(refused, tmp_path):
    (tmp_path / "notes.txt").write_text("to do: buy milk\n" * 10)
    assert "notes.txt is not a whole checkpoint" in refused(PROMPT, "--checkpoint", "notes.txt")


def test_someone_elses_safetensors_are_refused(refused, tmp_path):
    save_file({"blocks.0.attn.qkv.weight": np.ones((3, 3), np.float32)}, tmp_path / "dit.safetensors")
    assert "not one of minidit's" in refused(PROMPT, "--checkpoint", "dit.safetensors")


def test_a_checkpoint_with_nan_is_refused_and_the_array_named(refused, tmp_path, tiny_checkpoint):
    def spoil(tensors):
        tensors["dit.final_layer.linear.weight"][0, 0] = np.nan

    altered(tiny_checkpoint, tmp_path / "nan.safetensors", spoil)
    assert "NaN or infinity in dit.final_layer.linear.weight" in refused(PROMPT, "--checkpoint", "nan.safetensors")


def test_a_checkpoint_that_misses_an_array_is_refused(refused, tmp_path, tiny_checkpoint):
    altered(tiny_checkpoint, tmp_path / "gap.safetensors", lambda tensors: tensors.pop("dit.final_layer.linear.weight"))
    err = refused(PROMPT, "--checkpoint", "gap.safetensors")
    assert "does not fit its own settings" in err
    assert "final_layer.linear.weight" in err


def altered(source, target, change):
    """Copies a checkpoint with its arrays changed in place."""
    _, metadata = read_tensors(source)
    tensors = load_file(source)
    change(tensors)
    save_file(tensors, target, {"format": FORMAT, "minidit": json.dumps(metadata)})


def test_a_folder_of_a_training_run_stands_for_its_model(generate, tmp_path, tiny_model):
    (tmp_path / "run").mkdir()
    save_model(tmp_path / "run" / "model.safetensors", tiny_model)
    assert generate(PROMPT, "-o", "a.gif", "--checkpoint", "run") == 0
    assert generate(PROMPT, "-o", "b.gif") == 0
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


# ---- frames and sizes


def test_the_clip_has_the_frames_and_the_size_that_are_asked_for(made, studio):
    clip = made("generate", PROMPT, "--frames", "1", "--size", "48x32", "--seed", "2")
    assert np.array_equal(clip, studio.generate(PROMPT, seed=2, frames=1, size=(32, 48)))


def test_several_clips_of_a_size_are_numbered(folder, marked_checkpoint):
    options = ["--checkpoint", str(marked_checkpoint), "--count", "2", "--size", "32x40"]
    assert main(["generate", PROMPT, "-o", "a.b.npy", *options]) == 0
    assert [np.load(f"a.b-{k}.npy").shape for k in (0, 1)] == [(8, 40, 32, 3)] * 2


def test_a_clip_of_one_frame_may_be_a_png(folder, marked_checkpoint):
    options = ["--checkpoint", str(marked_checkpoint), "-o", "one.png"]
    assert main(["generate", PROMPT, "--frames", "1", *options]) == 0
    with Image.open("one.png") as image:
        assert (image.format, image.size) == ("PNG", (256, 256))


def test_frames_that_cannot_be_made_are_refused(generate, marked_checkpoint, capsys):
    assert generate(PROMPT, "--frames", "17", "--checkpoint", marked_checkpoint) == 2
    assert "17 frames can't be made at once: give 1 or 8, and make the clip" in capsys.readouterr().err
    assert generate(PROMPT, "--size", "24") == 2
    assert "this model can only make whole clips of its own size" in capsys.readouterr().err
