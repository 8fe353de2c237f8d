import numpy as np
import pytest

from minidit.cli import main
from minidit.files.clips import save_clip
from minidit.generation.studio import Studio
from minidit.models.checkpoint import save_model
from minidit.world import ALL_ATTRIBUTES, render


@pytest.fixture(scope="session")
def marked_checkpoint(tiny_marked_model, tmp_path_factory):
    """The file of `tiny_marked_model`."""
    path = tmp_path_factory.mktemp("marked") / "marked.safetensors"
    save_model(path, tiny_marked_model)
    return path


@pytest.fixture
def studio(tiny_marked_model):
    return Studio(tiny_marked_model)


@pytest.fixture
def clip(rng):
    return render(ALL_ATTRIBUTES[7], rng, 32, 8)


@pytest.fixture
def folder(clip, tmp_path, monkeypatch):
    """The current folder: clip.npy, first.npy of its first frame, mask.npy of its upper half, and film.txt."""
    monkeypatch.chdir(tmp_path)
    save_clip("clip.npy", clip)
    save_clip("first.npy", clip[:1])
    mask = np.zeros((32, 32), bool)
    mask[:16] = True
    np.save("mask.npy", mask)
    (tmp_path / "film.txt").write_text("the night sky\nthen the day sky\n")
    return tmp_path


@pytest.fixture
def made(folder, marked_checkpoint):
    """Runs a command that makes a clip, with the tiny model, and returns the clip."""

    def run(*words):
        words = [*map(str, words), "--checkpoint", str(marked_checkpoint), "-o", "made.npy", "--force"]
        assert main(words) == 0
        return np.load("made.npy")

    return run


@pytest.fixture
def refused(folder, marked_checkpoint, capsys):
    """Runs a command with a mistake; asserts the status, and that no file has changed; returns what was said."""

    def run(*words):
        before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        words = [str(word) for word in words]
        if "--checkpoint" not in words:
            words += ["--checkpoint", str(marked_checkpoint)]
        assert main(words) == 2
        assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("minidit: ") and "Traceback" not in captured.err
        return captured.err

    return run
