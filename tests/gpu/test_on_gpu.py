"""The checks of `minidit gpu-selftest`, and the cases of every kernel's tests, on a real GPU: `pytest -m gpu`.

Where there is none they are skipped, and the reason given is the sentence with which `--device gpu` is refused.

Without a GPU the other tests prove that
- NVIDIA's compiler, NVRTC, takes every kernel for the architectures sm_75, sm_80 and sm_90, and nothing spills out of
  the registers (tests/backend/kernels/test_compiled.py);
- the very text of the kernels, compiled for the CPU and run thread by thread, gives NumPy's numbers in float64
  (tests/backend/kernels);
- training, resuming, sampling and evaluating, driven through a strict double of CuPy, give the CPU's numbers, and that
  the host neither waits nor copies where it should not (test_driven.py, test_selftest.py).

The tests in here, on a real GPU and nowhere else, prove that CUDA's own compiler, the hardware, cuBLAS and CuPy give
these numbers too: the double only says how CuPy was read. How fast it is, `minidit bench --device gpu` measures. Of the
memory that it takes no test knows more than the last one below.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

from minidit import load
from minidit.gpu import selftest
from minidit.gpu.operations import OPERATIONS
from minidit.training.state import TrainingState
from minidit.training.steps import Member

sys.path.append(str(Path(__file__).parents[1] / "backend" / "kernels"))  # the tests are not a package
import planting
from agreement import assert_agreement, assert_same_bits

KERNEL_TESTS = Path(planting.__file__).parent

pytestmark = pytest.mark.gpu

CASES = {
    f"{path.stem.removeprefix('test_')}, {name}": case
    for path in sorted(KERNEL_TESTS.glob("test_*.py"))
    if "\nCASES = " in path.read_text(encoding="utf-8")
    for name, case in planting.load(path).CASES.items()
}


def assert_right(findings):
    """Insists that there is something to look at, and that all of it is right."""
    found = list(findings)
    assert found
    assert [finding for finding in found if not finding.right] == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_layer_gives_the_numbers_of_float64_with_and_without_our_kernels(operation, gpu):
    assert_right(selftest.layer(gpu, operation))


def test_the_optimiser_is_numpys(gpu):
    assert_right(selftest.optimizer(gpu))


def test_training_is_the_cpus_and_resuming_it_changes_no_bit(gpu):
    assert_right(selftest.training(gpu))


def test_a_step_does_not_wait(gpu):
    assert_right(selftest.waiting(gpu))


def test_clips_are_the_cpus(gpu):
    assert_right(selftest.sampling(gpu, load(device="cpu").model))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_kernel_agrees_with_float64_and_gives_the_same_bits_again(case, gpu):
    first, again = (case(gpu, np.random.default_rng(0)) for _ in range(2))
    assert_agreement(first)
    assert_same_bits(first, again)


def test_a_step_takes_no_more_memory_each_time(gpu):
    job = selftest.small_job()
    member = Member(job, TrainingState.start(selftest.starting_state(job).params, gpu))
    used = []
    for step in range(4):
        member.step(step)
        used.append(gpu.get_default_memory_pool().used_bytes())
    assert used[1] == used[3]
