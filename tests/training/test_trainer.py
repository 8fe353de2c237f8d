import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
from PIL import Image

import minidit
from minidit.errors import Interrupted, UserError
from minidit.files.tensors import read_tensors, write_tensors
from minidit.models.checkpoint import load_model, load_record, save_model, settings_to_json
from minidit.models.decoder import Stage
from minidit.training import codec, decoder, steps, trainer
from minidit.training.parallel.workers import Team
from minidit.training.state import VECTORS
from minidit.training.trainer import Run


@pytest.fixture(autouse=True)
def short_spans(monkeypatch):
    """A run of 40 steps has 8 spans, and a checkpoint after each."""
    monkeypatch.setattr(trainer, "SPAN", 5)
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", -1)
    monkeypatch.setattr(trainer, "PREVIEWS", 2)
    monkeypatch.setattr(trainer, "TIMED_STEPS", 3)


def started(preset, folder, threads=1, seed=0):
    run = Run(preset, folder, seed, threads, progress=False)
    run.start()
    return run


def resumed(preset, folder, threads=1, seed=0):
    run = Run(preset, folder, seed, threads, progress=False)
    run.resume()
    return run


def trained(preset, folder, threads=1):
    run = started(preset, folder, threads)
    run.train()
    return run


@pytest.fixture(scope="module")
def finished(small_preset, tmp_path_factory):
    """An uninterrupted run on every number of cores: a function that gives the folder."""
    folders = {}

    def of(threads):
        if threads not in folders:
            folders[threads] = tmp_path_factory.mktemp("finished") / "run"
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(trainer, "SPAN", 5)
                patch.setattr(trainer, "PREVIEWS", 2)
                trained(small_preset, folders[threads], threads)
        return folders[threads]

    return of


def assert_same_run(folder, expected):
    """The same state, bit for bit, and the same model, history, scores and pictures."""
    for file in (trainer.STATE, trainer.MODEL):
        (tensors, notes), (right, right_notes) = read_tensors(folder / file), read_tensors(expected / file)
        assert notes == right_notes
        assert tensors.keys() == right.keys()
        for name, array in right.items():
            assert tensors[name].tobytes() == array.tobytes(), f"{name} differs"
    pictures = sorted(path.name for path in (expected / "previews").iterdir())
    assert sorted(path.name for path in (folder / "previews").iterdir()) == pictures
    for name in pictures:
        assert (folder / "previews" / name).read_bytes() == (expected / "previews" / name).read_bytes()


# --- A run -------------------------------------------------------------------------------------------------


def test_a_run_leaves_its_state_a_model_and_previews(small_preset, tmp_path):
    folder = tmp_path / "deep" / "run"
    run = trained(small_preset, folder)
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()) == [
        "model.safetensors",
        "previews/step_000020.png",
        "previews/step_000040.png",
        "state.safetensors",
    ]
    with Image.open(folder / "previews" / "step_000040.png") as image:
        image.verify()

    assert run.step == 40
    assert [step for step, _ in run.state.history] == [5, 10, 15, 20, 25, 30, 35, 40]
    assert all(np.isfinite(loss) and loss > 0 for _, loss in run.state.history)
    assert [step for step, *_ in run.scores] == [20, 40]
    assert all(0 <= share <= 1 for _, *shares in run.scores for share in shares)
    assert run.codec_psnr > 8

    model = load_model(folder / trainer.MODEL)
    tensors, notes = read_tensors(folder / trainer.STATE)
    assert model.settings == small_preset.model
    assert np.array_equal(model.dit.params.flat, tensors["state.ema"])
    assert not np.array_equal(tensors["state.params"], tensors["state.ema"])
    assert np.array_equal(model.codec.params["decoder.0.weight"], tensors["codec.decoder.0.weight"])
    assert {name for name in tensors if not name.startswith("codec.")} == {f"state.{name}" for name in VECTORS}
    assert (notes["kind"], notes["seed"], notes["step"]) == ("state", 0, 40)

    record = load_record(folder / trainer.MODEL)
    assert record["codec_psnr"] == run.codec_psnr
    assert (record["seed"], record["step"]) == (0, 40)
    assert record["history"] == run.state.history
    assert record["scores"] == run.scores


def test_a_long_history_is_thinned_in_the_record(small_preset, tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "RECORDED", 10)
    run = Run(small_preset, tmp_path, progress=False)
    run.state.history = [[25 * n, float(n)] for n in range(1, 96)]
    history = run.record()["history"]
    assert len(history) == 10
    assert history[-1][0] == 25 * 95  # each entry says up to where it goes
    assert history[0] == [25 * 10, 5.5]  # and is the mean of what it joins
    run.state.history = []
    assert run.record()["history"] == []


def test_a_run_follows_from_its_seed(small_preset, finished, tmp_path):
    trained(small_preset, tmp_path / "again")
    assert_same_run(tmp_path / "again", finished(1))
    other = started(small_preset, tmp_path / "other", seed=1)
    tensors, _ = read_tensors(finished(1) / trainer.STATE)
    assert not np.allclose(other.model.codec.params["decoder.0.weight"], tensors["codec.decoder.0.weight"])


def test_two_processes_train_as_one_does(finished):
    (one, notes), (two, notes_of_two) = (read_tensors(finished(threads) / trainer.STATE) for threads in (1, 2))
    np.testing.assert_allclose(notes_of_two["history"], notes["history"], rtol=1e-3)
    for name, vector in one.items():
        np.testing.assert_allclose(two[name], vector, rtol=1e-2, atol=1e-3 * np.abs(vector).max(), err_msg=name)


def test_a_run_that_diverges_keeps_its_last_checkpoint(small_preset, tmp_path, monkeypatch):
    run = started(small_preset, tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*.safetensors")}
    run.state.params[3] = np.nan
    with pytest.raises(UserError, match="diverged at step 0"):
        run.train()
    assert len(before) == 2
    assert all(path.read_bytes() == data for path, data in before.items())


# --- Going on after an interruption ------------------------------------------------------------------------


class Killed(Exception):
    """Stands for the end of the process: nobody saves anything."""


def interrupt_after(steps, monkeypatch, by=KeyboardInterrupt):
    """Ctrl-C, or another end, when steps are to be done that lead beyond this number."""
    run = Team.run

    def run_until(team, first, last):
        if last > steps:
            raise by
        return run(team, first, last)

    monkeypatch.setattr(Team, "run", run_until)


@pytest.mark.parametrize(("threads", "steps"), [(1, 0), (1, 15), (1, 20), (1, 35), (2, 25)])
def test_an_interrupted_run_ends_with_the_same_bits(threads, steps, small_preset, finished, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    run = started(small_preset, folder, threads)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_after(steps, patch)
        run.train()
    run = resumed(small_preset, folder, threads)
    assert run.step == steps
    run.train()
    assert_same_run(folder, finished(threads))


def test_work_since_the_last_checkpoint_is_done_again_with_the_same_bits(
    small_preset, finished, tmp_path, monkeypatch
):
    """Killed twice, with a checkpoint after every third look only: 10 of 20 steps are kept, then 20 of 30."""
    clock = iter(range(10**6))
    monkeypatch.setattr(trainer, "monotonic", lambda: next(clock))  # a tick from a look to the next
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 2)
    monkeypatch.setattr(trainer, "PREVIEWS", 1)
    folder, whole = tmp_path / "run", tmp_path / "whole"
    trained(small_preset, whole)
    run = started(small_preset, folder)
    kept = []
    for stop in (20, 30):
        with monkeypatch.context() as patch, pytest.raises(Killed):
            interrupt_after(stop, patch, by=Killed)
            run.train()
        assert run.step == stop
        run = resumed(small_preset, folder)
        kept.append(run.step)
    assert kept == [10, 20]
    run.train()
    assert_same_run(folder, whole)


def test_a_run_killed_between_its_two_last_files_gets_both(small_preset, finished, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    run = started(small_preset, folder)

    def killed_at_the_end(path, *arguments):
        if path.name == trainer.STATE and run.step == 40:
            raise Killed
        write_tensors(path, *arguments)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("minidit.training.state.write_tensors", killed_at_the_end)
        run.train()
    resumed(small_preset, folder).train()
    assert_same_run(folder, finished(1))


def test_a_finished_run_can_be_resumed_and_stays_as_it_is(small_preset, finished):
    before = {path: path.read_bytes() for path in finished(1).rglob("*") if path.is_file()}
    run = resumed(small_preset, finished(1))
    run.train()
    assert run.step == 40
    assert {path: path.read_bytes() for path in finished(1).rglob("*") if path.is_file()} == before


def test_resuming_with_another_number_of_processes_is_announced(small_preset, finished, tmp_path, capfd):
    folder = tmp_path / "run"
    shutil.copytree(finished(1), folder)
    resumed(small_preset, folder)
    assert capfd.readouterr().err == ""
    run = resumed(small_preset, folder, threads=2)
    said = capfd.readouterr().err
    assert "1 process with 1 thread shared this run so far, and now 2 processes with 1 thread each" in said
    assert said.count("\n") == 1
    run.save()
    resumed(small_preset, folder, threads=2)
    assert capfd.readouterr().err == ""


def test_a_state_that_does_not_say_who_shared_the_work_can_be_resumed(small_preset, finished, tmp_path, capfd):
    tensors, notes = read_tensors(finished(1) / trainer.STATE)
    del notes["shared_by"], notes["training"]["recompute"]
    write_tensors(tmp_path / trainer.STATE, tensors, notes)
    assert resumed(small_preset, tmp_path).step == 40
    assert capfd.readouterr().err == ""


def test_a_resumed_run_may_recompute_or_not_and_no_bit_changes(
    small_preset, finished, tmp_path, monkeypatch
):
    recomputing = replace(small_preset, diffusion_training=replace(small_preset.diffusion_training, recompute=True))
    folder = tmp_path / "run"
    run = started(recomputing, folder)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_after(20, patch)
        run.train()
    run = resumed(small_preset, folder)
    assert (run.step, run.training.recompute) == (20, False)
    run.train()
    assert_same_run(folder, finished(1))


KILLED = """
import json, os, sys, threading, time
from pathlib import Path
from minidit.presets import Preset
from minidit.training import trainer
from minidit.models.checkpoint import settings_from_json
from minidit.training.settings import CodecTraining, DiffusionTraining

def die_in_the_middle(folder):
    while not list(folder.glob("previews/*.png")):  # then the first half is done
        time.sleep(0.001)
    os._exit(9)

if __name__ == "__main__":
    given = json.load(sys.stdin)
    threading.Thread(target=die_in_the_middle, args=(Path(given["folder"]),), daemon=True).start()
    trainer.SPAN, trainer.CHECKPOINT_SECONDS, trainer.PREVIEWS = 5, -1, 2
    model, codec = settings_from_json(given["model"]), CodecTraining(**given["codec"])
    preset = Preset("", model, codec, DiffusionTraining.from_json(given["training"]))
    run = trainer.Run(preset, given["folder"], progress=False)
    run.start()
    run.train()
"""


def test_a_run_whose_process_is_killed_ends_with_the_same_bits(small_preset, tmp_path):
    """The process ends itself, from another thread: on a busy machine we might come too late."""
    preset = replace(small_preset, diffusion_training=replace(small_preset.diffusion_training, steps=100))
    folder, whole = tmp_path / "killed", tmp_path / "whole"
    trained(preset, whole)
    given = {
        "folder": str(folder),
        "model": settings_to_json(preset.model),
        "codec": asdict(preset.codec_training),
        "training": asdict(preset.diffusion_training),
    }
    environment = os.environ | {"PYTHONPATH": str(Path(minidit.__file__).parents[1])}
    process = subprocess.run(
        [sys.executable, "-c", KILLED], input=json.dumps(given), capture_output=True, text=True, env=environment
    )
    assert process.returncode == 9, process.stderr

    step = read_tensors(folder / trainer.STATE)[1]["step"]
    assert 0 < step < 100
    resumed(preset, folder).train()
    for leftover in folder.glob(".*.part"):  # of the write that the kill interrupted
        leftover.unlink()
    assert_same_run(folder, whole)


# --- Ctrl-C ------------------------------------------------------------------------------------------------


def interrupt_at(call, monkeypatch, owner, name):
    """Ctrl-C during the given call of a function, counted from 1."""
    function, calls = getattr(owner, name), iter(range(1, 10**6))

    def interrupted(*arguments, **options):
        result = function(*arguments, **options)
        if next(calls) == call:
            signal.raise_signal(signal.SIGINT)
        return result

    monkeypatch.setattr(owner, name, interrupted)


MOMENTS = {
    "the codec's first step": (1, codec, "codec_step", "while the codec was being trained"),
    "a later step of the codec": (17, codec, "codec_step", "while the codec was being trained"),
    "the codec's measure": (1, codec, "reconstruction_psnr", "while the codec was being trained"),
    "the first step": (1, steps.Member, "step", "at step 1 of 40"),
    "a later step": (13, steps.Member, "step", "at step 15 of 40"),  # after those that were ordered with it
    "the last step": (40, steps.Member, "step", "at step 40 of 40"),
    "a preview": (1, trainer, "write_preview", "at step 20 of 40"),
    "writing a checkpoint": (4, trainer, "save_model", "at step 10 of 40"),
    "a step of the decoder": (2, decoder, "decoder_step", "at step 40 of 40"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_saves_says_so_and_changes_no_bit(moment, small_preset, finished, tmp_path, monkeypatch):
    call, owner, name, said = MOMENTS[moment]
    folder = tmp_path / "run"
    run = Run(small_preset, folder, progress=False)
    with monkeypatch.context() as patch, pytest.raises(Interrupted) as stopped:
        interrupt_at(call, patch, owner, name)
        run.start()
        run.train()
    assert str(stopped.value) == f"stopped {said}. All of it is saved in {folder / trainer.STATE}."
    resumed(small_preset, folder).train()
    assert_same_run(folder, finished(1))
    assert not (folder / trainer.CODEC_STATE).exists()


def test_ctrl_c_while_steps_are_timed_saves_the_plan(small_preset, tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "seconds_per_codec_step", lambda *_: 1.0)
    run = Run(small_preset, tmp_path / "run", progress=False)
    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="stopped before the first step"):
        interrupt_at(2, patch, steps.Member, "step")
        run.start(minutes=1)
    run = resumed(small_preset, tmp_path / "run")
    assert run.minutes == 1 and 0 < run.seconds < 60 and run.codec_psnr is not None
    monkeypatch.setattr(Run, "seconds_per_step", lambda run: 9.5)
    run.prepare()
    assert run.training.steps == 5  # most of the minute, without what was spent already
    assert resumed(small_preset, tmp_path / "run").minutes is None


def test_ctrl_c_before_anything_is_measured_of_another_models_codec(small_preset, finished, tmp_path, monkeypatch):
    origin = finished(1) / trainer.MODEL
    run, whole = (Run(small_preset, tmp_path / name, progress=False) for name in ("run", "whole"))
    whole.start(origin=origin)
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        interrupt_at(1, patch, trainer, "reconstruction_psnr")
        run.start(origin=origin)
    run = resumed(small_preset, tmp_path / "run")
    run.prepare()
    assert_same_run(run.folder, whole.folder)


def test_a_codec_of_another_run_is_not_continued(small_preset, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        interrupt_at(3, patch, codec, "codec_step")
        Run(small_preset, tmp_path, seed=0, progress=False).start()
    (tmp_path / trainer.STATE).unlink()
    before = (tmp_path / trainer.CODEC_STATE).read_bytes()
    other_codec = replace(small_preset, codec_training=replace(small_preset.codec_training, batch=8))
    for preset, seed in ((small_preset, 1), (other_codec, 0)):
        with pytest.raises(UserError, match="is not of this codec's training.*another --out, or remove that file"):
            Run(preset, tmp_path, seed, progress=False).start()
    assert (tmp_path / trainer.CODEC_STATE).read_bytes() == before


def test_a_second_ctrl_c_stops_at_once_and_keeps_the_last_checkpoint(small_preset, tmp_path, monkeypatch):
    run = started(small_preset, tmp_path / "run")
    before = (tmp_path / "run" / trainer.STATE).read_bytes()

    def twice(*arguments):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(steps.Member, "step", twice)
    with pytest.raises(Interrupted, match="stopped at once"):
        run.train()
    assert (tmp_path / "run" / trainer.STATE).read_bytes() == before


def test_a_state_of_an_earlier_version_is_resumed(small_preset, finished, tmp_path):
    tensors, notes = read_tensors(finished(1) / trainer.STATE)
    for new, old in (("m", "first"), ("v", "second")):
        tensors[f"state.{old}"] = tensors.pop(f"state.{new}")
    for name in ("losses", "codec_trained", "minutes", "seconds"):
        del notes[name]
    for new, old in (("max_grad_norm", "clip"), ("buckets", "canvases")):
        notes["training"][old] = notes["training"].pop(new)
    write_tensors(tmp_path / trainer.STATE, tensors, notes)
    run, right = resumed(small_preset, tmp_path), resumed(small_preset, finished(1))
    assert run.training == right.training and run.step == 40
    for name, vector in right.state.vectors.items():
        assert np.array_equal(run.state.vectors[name], vector)


# --- Bad input ---------------------------------------------------------------------------------------------


def test_a_run_of_no_steps_trains_the_decoder_of_another_model_with_one_more_stage(small_preset, finished, tmp_path):
    origin = load_model(finished(1) / trainer.MODEL)
    stages = (origin.settings.codec.stages[0], Stage((1, 1, 1), 30, (1, 2, 2)), Stage((1, 3, 3), 3, (1, 2, 2)))
    settings = replace(small_preset.model, codec=replace(small_preset.model.codec, decoder=stages))
    training = replace(small_preset.diffusion_training, steps=0)
    run = Run(replace(small_preset, model=settings, diffusion_training=training), tmp_path / "run", progress=False)
    run.start(origin=finished(1) / trainer.MODEL)
    before = run.codec_psnr
    run.train()
    model = load_model(tmp_path / "run" / trainer.MODEL)
    assert np.array_equal(model.dit.params.flat, origin.dit.params.flat)
    assert np.array_equal(model.codec.params["encoder.0.weight"], origin.codec.params["encoder.0.weight"])
    assert run.codec_psnr > before and (run.step, run.refined) == (0, True)
    again = Run(replace(small_preset, model=settings, diffusion_training=training), tmp_path / "run", progress=False)
    again.resume()
    for record in (model.record, again.record()):
        assert record == origin.record | {"codec_psnr": run.codec_psnr} and record["history"]


def test_a_folder_with_a_run_is_not_started_over(small_preset, finished):
    before = {path: path.read_bytes() for path in finished(1).rglob("*") if path.is_file()}
    with pytest.raises(UserError, match="holds a training run already.*--resume.*another --out"):
        Run(small_preset, finished(1), progress=False).start()
    assert {path: path.read_bytes() for path in finished(1).rglob("*") if path.is_file()} == before


def test_a_folder_with_a_model_is_not_written_over(small_preset, small_model, tmp_path):
    path = tmp_path / trainer.MODEL
    save_model(path, small_model)
    before = path.read_bytes()
    with pytest.raises(UserError, match="holds a model already.*another --out"):
        Run(small_preset, tmp_path, progress=False).start()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_a_users_error(small_preset, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="can't make the folder .*file"):
        Run(small_preset, tmp_path / "file", progress=False).start()
    assert (tmp_path / "file").read_text() == "mine"


def test_where_there_is_no_run_none_can_be_resumed(small_preset, tmp_path):
    with pytest.raises(UserError, match="holds no training run to resume"):
        resumed(small_preset, tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_a_run_is_not_resumed_with_other_settings_or_another_seed(small_preset, finished):
    with pytest.raises(UserError, match=r"other settings .*preset and seed that it was started with"):
        resumed(small_preset, finished(1), seed=1)
    wider = replace(small_preset, model=replace(small_preset.model, prediction="noise"))
    with pytest.raises(UserError, match=r"other settings .*preset and seed that it was started with"):
        resumed(wider, finished(1))


def test_a_state_that_is_truncated_or_something_else_is_a_users_error(small_preset, finished, tmp_path):
    path = tmp_path / trainer.STATE
    path.write_bytes((finished(1) / trainer.STATE).read_bytes()[:5000])
    with pytest.raises(UserError, match="not a whole checkpoint"):
        resumed(small_preset, tmp_path)
    path.write_bytes((finished(1) / trainer.MODEL).read_bytes())
    with pytest.raises(UserError, match="not the state of a training run"):
        resumed(small_preset, tmp_path)


def test_a_resumed_run_keeps_the_plan_that_it_was_started_with(small_preset, tmp_path):
    plan = replace(small_preset.diffusion_training, steps=60, learning_rate=1e-3)
    started(replace(small_preset, diffusion_training=plan), tmp_path / "run")
    assert resumed(small_preset, tmp_path / "run").training == plan


@pytest.mark.parametrize(
    ("threads", "processes", "each"), [(1, 1, 1), (2, 2, 1), (3, 3, 1), (4, 4, 1), (7, 4, 1), (8, 4, 2), (13, 4, 3)]
)
def test_there_is_a_process_per_core_as_far_as_the_shards_go_round(
    threads, processes, each, small_preset, tmp_path, monkeypatch
):
    made = []

    def noted(job, *who):
        made.append(who)
        return MagicMock()

    monkeypatch.setattr(trainer, "Team", noted)
    run = Run(small_preset, tmp_path, threads=threads)
    with run.team(run.state):
        pass
    assert made == [(processes, each, np)]


class TooManyRanks:
    count = 5


def test_more_ranks_than_shards_are_refused_before_anything_is_made(small_preset, finished, tmp_path):
    with pytest.raises(UserError, match="5 processes can't share .* 4 shards"):
        Run(small_preset, tmp_path / "run", ranks=TooManyRanks()).start()
    assert not (tmp_path / "run").exists()
    with pytest.raises(UserError, match="5 processes can't share .* 4 shards"):
        Run(small_preset, finished(1), ranks=TooManyRanks()).resume()


# --- Planning by the clock ---------------------------------------------------------------------------------


def test_as_many_steps_are_planned_as_fit_into_the_minutes(small_preset, tmp_path, monkeypatch):
    """Of two minutes, the codec takes 30 seconds and the timing 10.

    93 % of the 80 left are 74.4 seconds. In the end the decoder needs 8 of them; a step takes half a second.
    """
    now = [1000.0]

    def passes(seconds, result):
        def spend(*_):
            now[0] += seconds
            return result

        return spend

    monkeypatch.setattr(trainer, "monotonic", lambda: now[0])
    monkeypatch.setattr(trainer, "train_codec", passes(30, 20.0))
    monkeypatch.setattr(trainer, "seconds_per_codec_step", lambda *_: 1.0)
    monkeypatch.setattr(trainer, "seconds_per_decoder_step", lambda *_: 2.0)
    monkeypatch.setattr(Run, "seconds_per_step", passes(10, 0.5))
    run = Run(small_preset, tmp_path / "run", progress=False)
    run.start(minutes=2)
    for planned in (run, resumed(small_preset, tmp_path / "run")):
        assert planned.training.steps == 132
        assert planned.codec_training.steps == 14  # in 12 % of the time
        assert planned.codec_training.refine_steps == 4  # in 8 % of it


def test_a_long_time_gives_the_codec_and_its_decoder_more_than_the_presets_steps(small_preset, tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "train_codec", lambda *_: 20.0)
    monkeypatch.setattr(trainer, "seconds_per_codec_step", lambda *_: 0.01)
    monkeypatch.setattr(trainer, "seconds_per_decoder_step", lambda *_: 0.01)
    monkeypatch.setattr(Run, "seconds_per_step", lambda _: 1.0)
    run = Run(small_preset, tmp_path / "run", progress=False)
    run.start(minutes=1)
    assert (run.codec_training.steps, run.codec_training.refine_steps) == (719, 480)


def test_too_little_time_still_plans_one_step(small_preset, tmp_path):
    run = Run(small_preset, tmp_path / "run", progress=False)
    run.start(minutes=1e-6)
    assert run.training.steps == 1
    run.train()
    assert run.step == 1
    assert [step for step, *_ in run.scores] == [1]


@pytest.mark.parametrize("threads", [1, 2])
def test_timing_the_steps_leaves_the_run_as_it_was(threads, small_preset, tmp_path):
    run = started(small_preset, tmp_path / "run", threads)
    before = {name: vector.copy() for name, vector in run.state.vectors.items()}
    codec = run.model.codec.params.flat.copy()
    assert 0 < run.seconds_per_step() < 5
    for name in VECTORS:
        assert np.array_equal(run.state.vectors[name], before[name])
    assert np.array_equal(run.model.codec.params.flat, codec)


# --- What it says ------------------------------------------------------------------------------------------


def test_the_scores_and_the_progress_go_to_standard_error(small_preset, tmp_path, capfd):
    run = Run(small_preset, tmp_path / "run", progress=True)
    run.start()
    run.train()
    out, error = capfd.readouterr()
    assert out == ""
    assert "step 20: strictly right 0% of seen, 0% of held-out prompts" in error
    assert "codec" in error and "40/40" in error and "loss=" in error
