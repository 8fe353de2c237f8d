import sys
from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from minidit.backend import device
from minidit.cli import main
from minidit.commands.arguments import available_cores
from minidit.errors import UserError
from minidit.presets import PRESETS


@pytest.fixture
def runs(monkeypatch):
    """Replaces the training run by one that notes what it was asked for."""
    made = []
    monkeypatch.setattr(device, "_announced", set())  # by what ran before

    class NotedRun:
        def __init__(self, preset, folder, seed, threads, ranks, xp):
            self.preset, self.folder, self.seed, self.threads, self.ranks = preset, folder, seed, threads, ranks
            self.xp = xp
            self.called, self.step = [], 7
            self.blas_threads = {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}
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
    assert (run.threads, run.ranks, run.xp) == (available_cores(), None, np)
    out = capsys.readouterr().out
    assert str(tmp_path / "run" / "model.safetensors") in out
    assert f"--checkpoint {tmp_path / 'run'}" in out


def test_options_change_the_preset(runs, tmp_path):
    words = ["--steps", "12", "--seed", "3", "--threads", "3", "--learning-rate", "1e-3", "--recompute"]
    assert main(["train", "--preset", "tiny", "--out", str(tmp_path), *words]) == 0
    (run,) = runs
    tiny = PRESETS["tiny"].diffusion_training
    assert run.preset.diffusion_training == replace(tiny, steps=12, learning_rate=1e-3, recompute=True)
    assert (run.seed, run.threads) == (3, 3)
    assert run.preset.model == PRESETS["tiny"].model
    assert run.preset.codec_training == PRESETS["tiny"].codec_training


def test_a_larger_batch_has_more_shards_of_the_same_size(runs, tmp_path):
    assert main(["train", "--preset", "tiny", "--out", str(tmp_path), "--batch", "48"]) == 0
    training = runs[0].preset.diffusion_training
    assert (training.batch, training.shards) == (48, 6)
    assert replace(training, batch=32, shards=4) == PRESETS["tiny"].diffusion_training


@pytest.mark.parametrize(("words", "threads"), [([], 2), (["--threads", "1"], 1), (["--threads", "3"], 3)])
def test_matrix_products_in_this_process_have_the_threads_that_were_asked_for(words, threads, runs, tmp_path):
    with threadpool_limits(2):
        assert main(["train", "--preset", "tiny", "--out", str(tmp_path), *words]) == 0
        assert runs[0].blas_threads == {threads}


def test_what_does_not_fit_into_memory_is_refused_before_anything_is_made(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("minidit.training.budget.free_bytes", lambda: 10**6)
    assert main(["train", "--preset", "tiny", "--out", str(tmp_path / "run")]) == 2
    err = capsys.readouterr().err
    assert "are free" in err and err.count("\n") == 1
    assert runs == []
    assert list(tmp_path.iterdir()) == []
    assert main(["train", "--preset", "tiny", "--out", str(tmp_path / "run"), "--resume"]) == 0  # its batch is its own


@pytest.mark.parametrize(("words", "environment"), [(["--device", "simulated"], "cpu"), ([], "simulated")])
def test_the_device_is_passed_on_and_said(words, environment, runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MINIDIT_DEVICE", environment)
    assert main(["train", "--preset", "tiny", "--out", str(tmp_path / "run"), *words]) == 0
    assert runs[0].xp.__name__ == "minidit.backend.simulated.cupy"
    assert capsys.readouterr().err == "minidit: computing on a simulated GPU: its code runs on the CPU, very slowly.\n"


def test_the_memory_of_this_machine_does_not_bound_what_a_gpu_trains(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("minidit.training.budget.free_bytes", lambda: 10**6)
    assert main(["train", "--preset", "tiny", "--out", str(tmp_path / "run"), "--device", "simulated"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--device", "tpu"], 'there is no device "tpu". Choose one of cpu, gpu, simulated'),
        (["--device", "gpu"], "the GPU needs CuPy, which is not installed"),
        (["--tf32"], "TF32 is a number format of GPUs, and the device is cpu: leave it out"),
    ],
)
def test_a_device_that_cannot_be_is_refused_before_anything_is_made(words, said, runs, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("MINIDIT_DEVICE", raising=False)
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert main(["train", "--preset", "tiny", "--out", str(tmp_path / "run"), *words]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1
    assert runs == []
    assert list(tmp_path.iterdir()) == []


def test_under_mpiexec_the_cpus_train(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "2")
    assert main(["train", "--preset", "tiny", "--out", str(tmp_path / "run"), "--device", "simulated"]) == 2
    assert "under mpiexec the CPUs train: leave out --device, or start minidit without" in capsys.readouterr().err
    assert runs == []


def test_minutes_are_passed_on(runs, tmp_path):
    assert main(["train", "--preset", "tiny", "--out", str(tmp_path), "--minutes", "0.5"]) == 0
    assert runs[0].called == [("start", 0.5), ("train",)]


def test_resume_goes_on_instead_of_starting(runs, tmp_path):
    assert main(["train", "--preset", "tiny", "--out", str(tmp_path), "--resume"]) == 0
    assert runs[0].called == [("resume",), ("train",)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--preset", "huge"], 'there is no preset "huge". Choose from: quick'),
        (["--preset", "tiny", "--steps", "0"], '--steps: "0" is not a whole number of at least 1'),
        (["--preset", "tiny", "--minutes", "0"], '--minutes: "0" is not a number above 0'),
        (["--preset", "tiny", "--minutes", "-3"], '--minutes: "-3" is not a number above 0'),
        (["--preset", "tiny", "--learning-rate", "nan"], '--learning-rate: "nan" is not a finite number'),
        (["--preset", "tiny", "--steps", "3", "--minutes", "1"], "not allowed with argument --steps"),
        (["--preset", "tiny", "--threads", "0"], '--threads: "0" is not a whole number of at least 1'),
        (["--preset", "tiny", "--batch", "0"], '--batch: "0" is not a whole number of at least 1'),
        (["--preset", "tiny", "--batch", "3"], "3 clips can't be shared out: they come in shards of 8. Try 8."),
        (["--preset", "tiny", "--batch", "20"], "clips can't be shared out: they come in shards of 8. Try 16 or 24"),
        (["--preset", "tiny", "--resume", "--batch", "32"], "a resumed run keeps its plan"),
        (["--preset", "tiny", "--resume", "--learning-rate", "1e-3"], "a resumed run keeps its plan"),
        (["--preset", "tiny", "--resume", "--minutes", "1"], "a resumed run keeps its plan"),
        ([], " needs --preset"),
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
