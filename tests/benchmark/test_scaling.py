import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minidit
from minidit.benchmark.scaling import Scaling, measured, projection, ring_seconds, run
from minidit.errors import UserError
from minidit.models.dit import dit_shapes
from minidit.presets import PRESETS
from minidit.training.parallel.launcher import VARIABLES
from minidit.training.steps import size_of

SMALL = """
from minidit.benchmark import scaling

scaling.ROUND_SECONDS, scaling.SUMS = 0.01, 3
print(scaling.run(["tiny"], rounds=2), end="")
"""


@pytest.fixture
def result():
    """One rank takes 80 ms; two take 50 for the same batch, and 100 for twice as many clips."""
    one, strong, weak = (np.array([seconds] * 3) for seconds in (0.080, 0.050, 0.100))
    return Scaling("sky", 32, one, strong, weak, adding=0.002, waiting=0.005, size=10**7)


def cells(table, row):
    return [cell.strip() for cell in table.splitlines()[row].split("|")[1:-1]]


def test_efficiency_is_the_time_of_one_against_that_of_all_together(result):
    times, _, sums, _ = measured(2, [result]).split("\n\n")
    assert cells(times, 2) == [
        "sky", "32", "80.0 [80.0, 80.0]", "50.0 [50.0, 50.0]", "80 %", "100.0 [100.0, 100.0]", "80 %",
    ]  # fmt: skip
    assert cells(sums, 2) == ["sky", "10,000,000", "2.00", "4.0 %", "10 %"]


def test_a_ring_sends_every_byte_twice_but_for_ones_own_share():
    assert ring_seconds(2, 8e6, 1e6, 0) == pytest.approx(8)  # 2 · 1/2 of the bytes
    assert ring_seconds(4, 8e6, 1e6, 0) == pytest.approx(12)  # 2 · 3/4
    assert ring_seconds(4, 0, 1e6, 0.5) == pytest.approx(3)  # six messages, one after the other


def test_the_projection_says_what_it_is_and_what_it_assumes(result):
    table, note = projection(2, [result]).split("\n\n")
    slow, fast = cells(table, 2), cells(table, 4)
    assert slow[:2] == ["sky", "1 Gbit/s Ethernet"]
    assert slow[2] == "54 %"  # 100 ms, and 85.5 between two machines
    assert fast[2] == "99 %"
    assert "Assumed: 1 Gbit/s Ethernet 117 MB/s and 50 µs" in note


def test_scaling_is_not_measured_without_ranks(monkeypatch):
    for name in (name for pair in VARIABLES for name in pair):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match="mpiexec -n 2 minidit bench --mpi"):
        run()
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "1")
    with pytest.raises(UserError, match="mpiexec -n 2 minidit bench --mpi"):
        run()


def test_two_ranks_measure_and_one_reports():
    command = [Path(sys.executable).with_name("mpiexec"), "-n", "2", sys.executable, "-c", SMALL]
    environment = os.environ | {"PYTHONPATH": str(Path(minidit.__file__).parents[1])}
    process = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert process.returncode == 0, process.stderr
    assert process.stdout.count("### Training on 2 MPI ranks") == 1
    assert "projection, not a measurement" in process.stdout
    sums = [line for line in process.stdout.splitlines() if line.startswith("| tiny")][1]
    values = size_of(dit_shapes(PRESETS["tiny"].model.dit)) + 1  # the gradients and the loss
    assert f"| {4 * values:,} |" in sums
