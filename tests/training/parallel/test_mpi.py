import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

import minidit
from minidit.files.tensors import read_tensors
from minidit.models.checkpoint import settings_to_json
from minidit.training import trainer

MPIEXEC = Path(sys.executable).with_name("mpiexec")  # where pip puts it
RANK = Path(__file__).with_name("mpi_rank.py")
GIVE_UP = 60  # seconds


@pytest.fixture(scope="module")
def preset_file(small_preset, tmp_path_factory):
    """The small preset as a file, for the ranks to read."""
    given = {
        "model": settings_to_json(small_preset.model),
        "codec": asdict(small_preset.codec_training),
        "training": asdict(small_preset.diffusion_training),
    }
    path = tmp_path_factory.mktemp("preset") / "preset.json"
    path.write_text(json.dumps(given), encoding="utf-8")
    return path


def environment(**more):
    """This process's, with the package to be found, and more."""
    path = os.pathsep.join([str(Path(minidit.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    return os.environ | {"PYTHONPATH": path} | more


@pytest.fixture(scope="module")
def train(preset_file):
    """A function that runs `minidit train` on so many ranks (0: without MPI): the finished process."""

    def run(ranks, folder, *words, mishap="nothing", **variables):
        command = [sys.executable, RANK, preset_file, mishap, "--out", folder, *words]
        if ranks:
            command = [MPIEXEC, "-n", str(ranks), *command]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=GIVE_UP, env=environment(**variables)
        )

    return run


@pytest.fixture(scope="module")
def finished(train, tmp_path_factory):
    """A finished run for every number of ranks (0: without MPI), which noted its data: (folder, notes, process)."""
    runs = {}

    def of(ranks):
        if ranks not in runs:
            notes, folder = tmp_path_factory.mktemp("notes"), tmp_path_factory.mktemp("finished") / "run"
            process = train(ranks, folder, *([] if ranks else ["--threads", "1"]), mishap=f"notes {notes}")
            assert process.returncode == 0, process.stderr
            runs[ranks] = folder, notes, process
        return runs[ranks]

    return of


def assert_same_to_rounding(folder, expected):
    """The same losses and the same state as another run's but for rounding."""
    (tensors, notes), (right, right_notes) = (read_tensors(run / trainer.STATE) for run in (folder, expected))
    assert notes["step"] == right_notes["step"] == 40
    np.testing.assert_allclose(notes["history"], right_notes["history"], rtol=1e-4)
    for name, vector in right.items():
        np.testing.assert_allclose(tensors[name], vector, rtol=1e-2, atol=1e-3 * np.abs(vector).max(), err_msg=name)


# --- The same run whatever the number of ranks -------------------------------------------------------------


@pytest.mark.parametrize("ranks", [1, 2, 3])  # of three, one has two of the four shards
def test_ranks_train_as_one_process_does(ranks, finished):
    assert_same_to_rounding(finished(ranks)[0], finished(0)[0])


@pytest.mark.parametrize("ranks", [2, 3])
def test_all_ranks_together_see_exactly_the_same_clips_once(ranks, finished):
    alone, shared = (
        sorted(line for file in finished(count)[1].iterdir() for line in file.read_text().splitlines())
        for count in (0, ranks)
    )
    assert shared == alone
    assert len(alone) == len(set(alone)) == 40 * 4  # steps and shards
    assert len(list(finished(ranks)[1].iterdir())) == ranks


def test_rank_0_alone_writes_and_speaks(finished):
    (folder, _, process), (alone, _, other) = finished(2), finished(0)
    files, expected = (sorted(p.relative_to(run) for p in run.rglob("*")) for run in (folder, alone))
    assert files == expected
    said = (done.stdout.replace(str(run), "DIR") for done, run in ((process, folder), (other, alone)))
    said, expected = (re.sub(r"[\d.]+ minutes", "N minutes", text) for text in said)  # they differ on a busy machine
    assert said == expected
    assert process.stderr.count("step 40: strictly right") == 1


def test_the_state_does_not_depend_on_the_ranks_but_names_them(finished):
    (one, notes), (two, notes_of_two) = (read_tensors(finished(ranks)[0] / trainer.STATE) for ranks in (1, 2))
    assert {name: array.shape for name, array in one.items()} == {name: array.shape for name, array in two.items()}
    assert (notes.pop("shared_by"), notes_of_two.pop("shared_by")) == ("1 MPI rank", "2 MPI ranks")
    assert notes.keys() == notes_of_two.keys()


# --- Ranks that die, and going on with others --------------------------------------------------------------


@pytest.fixture(scope="module")
def killed(train, tmp_path_factory):
    """A function that gives the folder and the process of a run of two, of which one was killed at step 12."""
    runs = {}

    def of(rank):
        if rank not in runs:
            folder = tmp_path_factory.mktemp("killed") / "run"
            runs[rank] = folder, train(2, folder, mishap=f"killed {rank}")
        return runs[rank]

    return of


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_rank_ends_the_run_with_a_word_and_a_whole_checkpoint(rank, killed):
    folder, process = killed(rank)
    assert process.returncode not in (0, None)
    assert "minidit: a rank died" in process.stderr
    assert "continue from it with --resume" in process.stderr
    assert "Traceback" not in process.stderr
    assert read_tensors(folder / trainer.STATE)[1]["step"] == 10


@pytest.mark.parametrize("ranks", [0, 2, 3])
def test_a_run_goes_on_with_any_number_of_ranks(ranks, killed, finished, train, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(killed(1)[0], folder)
    process = train(ranks, folder, "--resume", *([] if ranks else ["--threads", "1"]))
    assert process.returncode == 0, process.stderr
    assert_same_to_rounding(folder, finished(0)[0])
    now = f"{ranks} MPI ranks" if ranks else "1 process with 1 thread."
    assert (f"2 MPI ranks shared this run so far, and now {now}" in process.stderr) == (ranks != 2)


def test_a_mistake_on_one_rank_ends_all_and_shows_where(train, tmp_path):
    process = train(2, tmp_path / "run", mishap="raises 1")
    assert process.returncode not in (0, None)
    assert "minidit: rank 1 failed.\nTraceback" in process.stderr
    assert "ValueError: a mistake in the program" in process.stderr
    assert read_tensors(tmp_path / "run" / trainer.STATE)[1]["step"] == 10


def test_ranks_that_drift_apart_are_noticed(train, tmp_path):
    process = train(2, tmp_path / "run", mishap="drifts 1")
    assert process.returncode == 2
    said = [line for line in process.stderr.splitlines() if line.startswith("minidit: ")]
    assert len(said) == 1 and "before step 15, the ranks no longer had the same parameters" in said[0]
    assert read_tensors(tmp_path / "run" / trainer.STATE)[1]["step"] == 10


def test_ctrl_c_stops_all_ranks(preset_file, tmp_path):
    words = [sys.executable, RANK, preset_file, "nothing", "--out", tmp_path / "run", "--steps", "1000000"]
    process = subprocess.Popen([MPIEXEC, "-n", "2", *words], stderr=subprocess.PIPE, text=True, env=environment())
    give_up = time.monotonic() + GIVE_UP
    while not (tmp_path / "run" / trainer.STATE).exists():
        assert process.poll() is None and time.monotonic() < give_up, process.stderr.read()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=GIVE_UP)
    assert process.returncode != 0
    assert said.count("minidit: stopped ") == 1 and "of 1,000,000. All of it is saved" in said
    assert "Traceback" not in said


# --- What can't be done is said once -----------------------------------------------------------------------


def assert_one_sentence(process, words):
    assert process.returncode == 2
    assert process.stdout == ""
    assert process.stderr.startswith("minidit: ")
    assert process.stderr.count("\n") == 1
    assert words in process.stderr


def test_a_folder_that_cannot_be_made_is_said_once(train, tmp_path):
    (tmp_path / "file").write_text("mine")
    assert_one_sentence(train(2, tmp_path / "file"), "can't make the folder")


def test_a_run_that_diverges_says_so_once(train, tmp_path):
    process = train(2, tmp_path / "run", "--learning-rate", "1e9")
    assert process.returncode == 2
    said = [line for line in process.stderr.splitlines() if line.startswith("minidit: ")]
    assert len(said) == 1 and "training diverged at step" in said[0]


def test_more_ranks_than_shards_are_told_of_a_larger_batch(train, tmp_path):
    process = train(5, tmp_path / "run")
    assert_one_sentence(process, "5 processes can't share a batch of 8 clips, which comes in 4 shards of 2")
    assert "--batch 10 or more" in process.stderr
    assert not (tmp_path / "run").exists()


def test_threads_are_not_for_ranks(train, tmp_path):
    assert_one_sentence(train(2, tmp_path / "run", "--threads", "2"), "leave out --threads")


def test_a_missing_mpi4py_is_named_with_the_way_to_install_it(train, tmp_path):
    process = train(2, tmp_path / "run", mishap="without mpi4py")
    assert_one_sentence(process, 'pip install "minidit[mpi]" (in a clone: pip install -e ".[mpi]")')


def test_a_launcher_of_another_mpi_is_noticed(train, tmp_path):
    """Whose ranks would all train the same, each for itself."""
    process = train(0, tmp_path / "run", OMPI_COMM_WORLD_RANK="0", OMPI_COMM_WORLD_SIZE="4")
    assert_one_sentence(process, "mpiexec started 4 processes, but each finds itself alone: mpi4py uses another MPI")
    assert not (tmp_path / "run").exists()


# --- Gradients on a GPU ------------------------------------------------------------------------------------

STAGED = """
import sys
import numpy as np
from minidit.training.parallel.mpi import MPIGroup, sum_over_ranks, understands_gpu_memory
from mpi4py import MPI

class OnDevice:
    "Stands in for an array of CuPy's: MPI can't read it."
    def __init__(self, values):
        self.values, self.device, self.log = values, self, []
    def get(self):
        return self.values.copy()
    def set(self, host):
        self.values[...] = host
    def synchronize(self):
        self.log.append("synchronized")

class Noted:
    "Stands in for a CUDA-aware MPI."
    def Allreduce(self, place, vector):
        assert place is MPI.IN_PLACE
        vector.log.append("added up")

comm = MPI.COMM_WORLD
vector = OnDevice(np.arange(5, dtype=np.float32) + comm.rank)
sum_over_ranks(comm, vector, direct=False)
assert vector.values.tolist() == [1, 3, 5, 7, 9], vector.values
sum_over_ranks(Noted(), vector, direct=True)
assert vector.log == ["synchronized", "added up"], vector.log
assert not understands_gpu_memory()  # as pip's MPICH says of itself

class Xp:
    "Stands in for CuPy, as far as a group needs it to be made."
    @staticmethod
    def zeros(size, dtype):
        return np.zeros(size, dtype)

MPIGroup({"weight": (2, 3)}, comm, Xp)
MPIGroup({"weight": (2, 3)}, comm)
"""


def test_gradients_of_a_gpu_are_staged_through_the_host_and_it_is_said_once():
    command = [MPIEXEC, "-n", "2", sys.executable, "-c", STAGED]
    process = subprocess.run(command, capture_output=True, text=True, timeout=GIVE_UP, env=environment())
    assert process.returncode == 0, process.stderr
    assert process.stderr == "minidit: gradients go between the ranks through the hosts' memory (MPI without CUDA).\n"
