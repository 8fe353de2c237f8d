import pytest

from minidit.cli import main
from minidit.commands.train import default_workers
from minidit.errors import UserError
from minidit.presets import PRESETS


@pytest.fixture
def runs(monkeypatch):
    """Replaces the training run by one that notes what it was asked for."""
    made = []

    class NotedRun:
        def __init__(self, preset, folder, seed, workers):
            self.preset, self.folder, self.seed, self.workers = preset, folder, seed, workers
            self.called, self.step = [], 7
            made.append(self)

        def start(self, minutes):
            self.called.append(("start", minutes))

        def resume(self):
            self.called.append(("resume",))

        def train(self):
            self.called.append(("train",))

    monkeypatch.setattr("minidit.training.trainer.Run", NotedRun)
    return made


def test_a_run_is_started_as_the_preset_says(runs, tmp_path, capsys):
    assert main(["train", "--preset", "tiny", "--out", str(tmp_path / "run")]) == 0
    (run,) = runs
    assert run.preset == PRESETS["tiny"]
    assert (run.folder, run.seed, run.called) == (tmp_path / "run", 0, [("start", None), ("train",)])
    assert PRESETS["tiny"].diffusion_training.shards % run.workers == 0
    out = capsys.readouterr().out
    assert str(tmp_path / "run" / "model.safetensors") in out
    assert f"--checkpoint {tmp_path / 'run'}" in out


def test_options_change_the_preset(runs, tmp_path):
    words = ["--steps", "12", "--seed", "3", "--workers", "2", "--learning-rate", "1e-3"]
    assert main(["train", "--preset", "tiny", "--out", str(tmp_path), *words]) == 0
    (run,) = runs
    assert (run.preset.diffusion_training.steps, run.preset.diffusion_training.learning_rate) == (12, 1e-3)
    assert (run.seed, run.workers) == (3, 2)
    assert run.preset.model == PRESETS["tiny"].model
    assert run.preset.codec_training == PRESETS["tiny"].codec_training


def test_minutes_are_passed_on(runs, tmp_path):
    assert main(["train", "--preset", "tiny", "--out", str(tmp_path), "--minutes", "0.5"]) == 0
    assert runs[0].called == [("start", 0.5), ("train",)]


def test_resume_goes_on_instead_of_starting(runs, tmp_path):
    assert main(["train", "--preset", "tiny", "--out", str(tmp_path), "--resume"]) == 0
    assert runs[0].called == [("resume",), ("train",)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--preset", "huge"], 'there is no preset "huge". Choose one of: quick'),
        (["--preset", "tiny", "--steps", "0"], '--steps: "0" is not a whole number of at least 1'),
        (["--preset", "tiny", "--minutes", "0"], '--minutes: "0" is not a number above 0'),
        (["--preset", "tiny", "--minutes", "-3"], '--minutes: "-3" is not a number above 0'),
        (["--preset", "tiny", "--learning-rate", "nan"], '--learning-rate: "nan" is not a finite number'),
        (["--preset", "tiny", "--steps", "3", "--minutes", "1"], "not allowed with argument --steps"),
        (["--preset", "tiny", "--workers", "0"], '--workers: "0" is not a whole number of at least 1'),
        (["--preset", "tiny", "--resume", "--learning-rate", "1e-3"], "a resumed run keeps its plan"),
        (["--preset", "tiny", "--resume", "--minutes", "1"], "a resumed run keeps its plan"),
        ([], "required: --preset"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_made(words, said, runs, tmp_path, capsys):
    assert main(["train", "--out", str(tmp_path / "run"), *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert runs == []
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_resume_is_one_sentence(tmp_path, capsys):
    assert main(["train", "--preset", "tiny", "--out", str(tmp_path), "--resume"]) == 2
    assert "holds no training run to resume" in capsys.readouterr().err


def test_a_run_that_stops_itself_says_why(runs, tmp_path, capsys, monkeypatch):
    def diverge(self):
        raise UserError("the loss is NaN at step 3: try a smaller --learning-rate.")

    from minidit.training import trainer

    monkeypatch.setattr(trainer.Run, "train", diverge)
    assert main(["train", "--preset", "tiny", "--out", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert captured.err == "minidit: the loss is NaN at step 3: try a smaller --learning-rate.\n"
    assert captured.out == ""


def test_the_help_lists_the_presets(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    out = capsys.readouterr().out
    assert all(name in out and preset.description in out for name, preset in PRESETS.items())


@pytest.mark.parametrize(("cores", "shards", "workers"), [(1, 4, 1), (2, 4, 2), (3, 4, 2), (16, 4, 4), (2, 3, 1)])
def test_workers_are_as_many_as_cores_and_shards_allow(cores, shards, workers, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)), raising=False)
    assert default_workers(shards) == workers
