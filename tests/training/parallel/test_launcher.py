import signal
import subprocess
import sys

import pytest

from minidit.cli import main
from minidit.training.parallel.launcher import LOCAL_RANKS, VARIABLES, launched, speaks

NAMES = {*LOCAL_RANKS, *(name for pair in VARIABLES for name in pair)}


@pytest.fixture(autouse=True)
def started_alone(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_a_process_that_was_started_alone_has_no_rank_and_speaks():
    assert launched() is None
    assert speaks()


@pytest.mark.parametrize("names", VARIABLES)
def test_the_launchers_are_recognised(names, monkeypatch):
    for name, value in zip(names, ("2", "5"), strict=True):
        monkeypatch.setenv(name, value)
    assert launched() == (2, 5)
    assert not speaks()
    monkeypatch.setenv(names[0], "0")
    assert launched() == (0, 5)
    assert speaks()


@pytest.mark.parametrize("name", LOCAL_RANKS)
def test_on_each_machine_one_rank_speaks(name, monkeypatch):
    monkeypatch.setenv("PMI_RANK", "5")
    monkeypatch.setenv("PMI_SIZE", "8")
    for local in range(4):
        monkeypatch.setenv(name, str(local))
        assert speaks() == (local == 0)


def test_a_job_of_slurms_is_no_launch_by_itself(monkeypatch):
    monkeypatch.setenv("SLURM_NTASKS", "4")
    assert launched() is None


@pytest.mark.parametrize(("rank", "lines", "status"), [("0", 1, 2), ("1", 0, 0)])
def test_a_mistake_that_every_rank_finds_is_said_by_one(rank, lines, status, monkeypatch, capsys):
    monkeypatch.setenv("PMI_RANK", rank)
    monkeypatch.setenv("PMI_SIZE", "2")
    assert main(["train", "--preset", "huge", "--out", "nowhere"]) == status
    assert capsys.readouterr().err.count("\n") == lines


WATCHED = """
import os, signal, sys
from minidit.training.parallel.launcher import Watch

with Watch(sys.argv[1] or None):
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if sys.argv[2] == "raises":
        raise SystemExit(3)
"""


@pytest.mark.parametrize(
    ("words", "end", "status", "said"),
    [
        ("it was killed", "killed", -signal.SIGKILL, "it was killed\n"),
        ("it was killed", "raises", 3, ""),
        ("it was killed", "is done", 0, ""),
        ("", "killed", -signal.SIGKILL, ""),
    ],
)
def test_the_last_words_are_said_for_one_who_was_killed_and_for_nobody_else(words, end, status, said):
    command = [sys.executable, "-c", WATCHED, words, end]
    process = subprocess.run(command, capture_output=True, text=True, timeout=30)  # to the end of standard error
    assert (process.returncode, process.stderr) == (status, said)
