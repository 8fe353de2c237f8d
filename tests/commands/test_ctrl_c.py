"""Ctrl-C as a terminal sends it: to the command and all its processes at once."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import minidit
from minidit.files.tensors import read_tensors

GIVE_UP = 120  # seconds
pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups")


def start(folder, *words):
    """`minidit train` in a process group of its own, which writes to folder.txt."""
    environment = os.environ | {"PYTHONPATH": str(Path(minidit.__file__).parents[1])}
    command = [sys.executable, "-m", "minidit", "train", "--preset", "tiny", "--out", str(folder), *words]
    with open(folder.with_suffix(".txt"), "w", encoding="utf-8") as file:
        return subprocess.Popen(command, stdout=file, stderr=file, env=environment, start_new_session=True)


def interrupt(process, folder, words="", seconds=0.0):
    """Waits for these words, and some seconds more; then Ctrl-C. Returns the last words of the command."""
    file, give_up = folder.with_suffix(".txt"), time.monotonic() + GIVE_UP
    while words not in file.read_text(encoding="utf-8"):
        assert process.poll() is None and time.monotonic() < give_up, file.read_text(encoding="utf-8")
        time.sleep(0.01)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(GIVE_UP)
    said = file.read_text(encoding="utf-8")
    assert process.returncode == 130, said
    assert "Traceback" not in said
    return said[said.index("minidit: ") :]


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_ctrl_c_while_two_processes_start_and_train_saves_and_says_how_to_continue(seconds, tmp_path):
    folder = tmp_path / "a run"
    process = start(folder, "--threads", "2", "--seed", "3", "--steps", "100000")
    said = interrupt(process, folder, "train:", seconds)
    sentence, command = said.rstrip("\n").split("\n")
    assert re.match(r"minidit: stopped at step [\d,]+ of 100,000\. All of it is saved ", sentence)
    assert command == f"minidit train --preset tiny --out {shlex.quote(str(folder))} --seed 3 --threads 2 --resume"
    step = read_tensors(folder / "state.safetensors")[1]["step"]
    assert f"at step {step:,} of" in sentence
    process = start(folder, *shlex.split(command)[6:])
    assert interrupt(process, folder, f"{step}/100000", seconds).split("\n")[1] == command
    assert read_tensors(folder / "state.safetensors")[1]["step"] >= step


def test_ctrl_c_while_the_codec_is_trained_saves_it(tmp_path):
    said = interrupt(start(tmp_path / "run", "--threads", "2"), tmp_path / "run", "codec:", 0.3)
    assert said.startswith("minidit: stopped while the codec was being trained. All of it is saved in ")
    assert said.endswith("--threads 2 --resume\n")


def test_ctrl_c_while_steps_are_timed_keeps_the_plan(tmp_path):
    folder = tmp_path / "run"
    process = start(folder, "--threads", "2", "--minutes", "0.5")
    said = interrupt(process, folder, "codec: 100%", 0.5)
    assert "minidit: stopped " in said and "Continue with:\nminidit train --preset tiny" in said
    assert read_tensors(folder / "state.safetensors")[1]["minutes"] == 0.5


def test_ctrl_c_at_once_is_no_traceback(tmp_path):
    process = start(tmp_path / "run", "--threads", "2")
    assert interrupt(process, tmp_path / "run", seconds=1.0).startswith("minidit: stopped")
