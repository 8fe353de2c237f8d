"""No kernel reads or writes beyond an array, nor does what C++ leaves undefined, say GCC's sanitizers."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from agreement import assert_agreement
from planting import TEXTS, cases_of, planted

from minidit.backend.simulated import cuda_on_cpu, cupy

FLAGS = ("-O0", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

# file, what stands there, what is planted in its place, and what a sanitizer has to say
PLANTED = {
    "read": ("gelu.cu", "row < end", "row <= end", "READ of size 4"),
    "write": ("embedding.cu", "dtable[(size_t)word * width + column]", "dtable[word * width + column + 1]", "WRITE of"),
    "shared": ("reduce.cuh", "float of_warp[WARP]", "float of_warp[WARP / 2]", "out of bounds for type 'float [16]'"),
    "overflow": ("mse.cu", "sum / count", "sum / (count + 0x7fffffff)", "signed integer overflow"),
}


def run_in_this_process(name):
    """Runs all cases, or those of one planted mistake. A sanitizer that finds something ends the process."""
    del os.environ["LD_PRELOAD"]  # from here on: the compiler needn't be watched
    cuda_on_cpu.FLAGS += FLAGS
    if name == "nothing":
        run_cases(*TEXTS)
    else:
        file, right, wrong, _ = PLANTED[name]
        assert right in TEXTS[file]
        with tempfile.TemporaryDirectory() as folder, planted(file, TEXTS[file].replace(right, wrong), folder):
            run_cases(file)


def run_cases(*files):
    for file in files:
        for case in cases_of(file).values():
            assert_agreement(case(cupy, np.random.default_rng(0)))


def run_with_sanitizers(name):
    """The same in a process of its own, as the sanitizers have to be there from its start."""
    find = subprocess.run(["g++", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    environment = {**os.environ, "LD_PRELOAD": find.stdout.strip(), "ASAN_OPTIONS": "detect_leaks=0"}
    return subprocess.run([sys.executable, __file__, name], env=environment, capture_output=True, text=True)


def test_no_kernel_reads_or_writes_out_of_range():
    found = run_with_sanitizers("nothing")
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("name", PLANTED)
def test_the_sanitizers_find_what_is_planted(name):
    found = run_with_sanitizers(name)
    assert found.returncode != 0
    assert PLANTED[name][3] in found.stderr


if __name__ == "__main__":
    run_in_this_process(sys.argv[1])
