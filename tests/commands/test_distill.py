import numpy as np
import pytest

from minidit import cli
from minidit.commands import distill
from minidit.commands.arguments import available_cores
from minidit.models.checkpoint import load_model, save_model
from minidit.training.buckets import MANY_SIZES
from minidit.training.distillation import TEACHER, DistillationTraining, student_settings


@pytest.fixture(autouse=True)
def known_command(monkeypatch):
    monkeypatch.setattr(cli, "COMMANDS", (distill,))


@pytest.fixture
def runs(monkeypatch):
    """Replaces the distillation by one that notes what it was asked for."""
    made = []

    class NotedDistillation:
        def __init__(self, preset, teacher, folder, seed, threads, ranks, xp):
            self.preset, self.teacher, self.folder, self.seed, self.threads = preset, teacher, folder, seed, threads
            self.ranks, self.xp, self.called, self.step = ranks, xp, [], 7
            made.append(self)

        def start(self, minutes):
            self.called.append(("start", minutes))

        def resume(self):
            self.called.append(("resume",))

        def train(self):
            self.called.append(("train",))

    monkeypatch.setattr("minidit.training.distillation.Distillation", NotedDistillation)
    return made


def run(*words):
    return cli.main(["distill", *map(str, words)])


def test_a_checkpoint_is_taught_as_the_settings_say(runs, tiny_model, tiny_checkpoint, tmp_path, capsys):
    assert run(tiny_checkpoint, "--out", tmp_path / "run") == 0
    (made,) = runs
    assert made.preset.model == student_settings(tiny_model.settings)
    assert made.preset.diffusion_training == DistillationTraining()
    assert (made.teacher, made.folder, made.seed) == (tiny_checkpoint, tmp_path / "run", 0)
    assert (made.threads, made.ranks, made.xp) == (available_cores(), None, np)
    assert made.called == [("start", None), ("train",)]
    out = capsys.readouterr().out
    assert str(tmp_path / "run" / "model.safetensors") in out
    assert f"--checkpoint {tmp_path / 'run'} --steps 1" in out


def test_a_model_with_marks_is_taught_in_buckets(runs, tiny_marked_model, tmp_path):
    save_model(tmp_path / "model.safetensors", tiny_marked_model)
    assert run(tmp_path, "--out", tmp_path / "run") == 0  # a folder of a run will do as well
    assert runs[0].preset.diffusion_training == DistillationTraining(buckets=MANY_SIZES)
    assert runs[0].teacher == tmp_path / "model.safetensors"


def test_options_change_the_plan(runs, tiny_checkpoint, tmp_path):
    words = ["--steps", 12, "--teacher-steps", 3, "--learning-rate", "1e-4", "--seed", 3, "--threads", 2]
    assert run(tiny_checkpoint, "--out", tmp_path, *words) == 0
    assert runs[0].preset.diffusion_training == DistillationTraining(steps=12, teacher_steps=3, learning_rate=1e-4)
    assert (runs[0].seed, runs[0].threads) == (3, 2)
    assert run(tiny_checkpoint, "--out", tmp_path, "--minutes", "0.5") == 0
    assert runs[1].called == [("start", 0.5), ("train",)]


def test_resume_goes_on_with_the_teacher_in_the_folder(runs, tiny_model, tmp_path):
    save_model(tmp_path / TEACHER, tiny_model)
    assert run("--out", tmp_path, "--resume") == 0
    assert runs[0].teacher == tmp_path / TEACHER
    assert runs[0].preset.model == student_settings(tiny_model.settings)
    assert runs[0].called == [("resume",), ("train",)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.safetensors"], "there is no checkpoint nowhere.safetensors"),
        (["--steps", "0"], '--steps: "0" is not a whole number of at least 1'),
        (["--steps", "3", "--minutes", "1"], "not allowed with argument --steps"),
        (["--teacher-steps", "0"], '--teacher-steps: "0" is not a whole number of at least 1'),
        (["--resume"], "holds no distillation to resume (teacher.safetensors is not there)"),
        (["--resume", "--steps", "3"], "a resumed distillation keeps its teacher and its plan"),
        (["--resume", "model.safetensors"], "a resumed distillation keeps its teacher and its plan"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_made(words, said, runs, tmp_path, capsys):
    assert run("--out", tmp_path / "run", *words) == 2
    captured = capsys.readouterr()
    assert said in captured.err and captured.err.count("\n") == 1
    assert runs == [] and list(tmp_path.iterdir()) == []


def test_from_a_checkpoint_to_a_student(tiny_checkpoint, tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr("minidit.training.trainer.PREVIEWS", 1)
    assert run(tiny_checkpoint, "--out", tmp_path / "run", "--steps", 2, "--threads", 1, "--teacher-steps", 2) == 0
    student = load_model(tmp_path / "run" / "model.safetensors")
    assert student.settings == student_settings(tiny_model.settings)
    assert not np.array_equal(student.dit.params.flat, tiny_model.dit.params.flat)
    assert run("--out", tmp_path / "run", "--resume", "--threads", 1) == 0
