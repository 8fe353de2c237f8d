"""That NVIDIA's compiler takes every kernel, for old and new GPUs, and that all its values fit into registers."""

import sys
from pathlib import Path

import numpy as np
import pytest

from minidit.backend.kernels import blockwise_attention, launch
from minidit.backend.simulated import cupy, raw_module

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[2])]  # the tests are not a package
import nvrtc
from planting import TEXTS, cases_of

pytestmark = pytest.mark.skipif(nvrtc.library() is None, reason=nvrtc.HOW_TO_INSTALL)

ARCHITECTURES = ["sm_75", "sm_80", "sm_90"]  # Turing, Ampere, Hopper
REGISTERS = 65536  # of a multiprocessor
OPTIONS = ("--std=c++17", f"-I{launch.FOLDER}")
FILES = [file for file in TEXTS if file.endswith(".cu")]

# The most registers that a thread may use: 64 let a multiprocessor hold a thousand threads. Attention holds its sums in
# registers, and is content with three blocks of 128 threads.
MOST_REGISTERS = {file: 64 for file in FILES} | {"flash_attention.cu": 168}

SPILLS = """
extern "C" __global__ void __launch_bounds__(1024) spills(float* x, int distance) {
    float held[100];
    #pragma unroll
    for (int i = 0; i < 100; i++) held[i] = x[i * distance];
    __syncthreads();
    #pragma unroll
    for (int i = 0; i < 100; i++) x[i * distance + 1] = held[i] * held[99 - i];
}
"""


@pytest.fixture(scope="module")
def launches():
    """What the launchers launch in the cases of all tests: {file: {options: {kernel: most threads of a block}}}."""
    found = {file: {} for file in FILES}
    files = {text: file for file, text in TEXTS.items()}

    def record(kernel, grid, block, args, **_):
        if kernel.code in files:
            threads = found[files[kernel.code]].setdefault(kernel.options, {})
            threads[kernel.name] = max(threads.get(kernel.name, 0), int(np.prod(block)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw_module.RawKernel, "__call__", record)
        for file in FILES:
            for case in cases_of(file).values():
                case(cupy, np.random.default_rng(0))
    return found


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("file", FILES)
def test_every_kernel_that_is_launched_compiles_and_fits_into_registers(launches, file, architecture):
    assert launches[file]
    for options, threads in launches[file].items():
        usage = usage_of(file, architecture, options)
        assert set(usage) >= set(threads)
        for kernel, most_threads in threads.items():
            assert usage[kernel].registers * most_threads <= REGISTERS, (kernel, options)


@pytest.mark.parametrize("width", [16, 32, 48, 64, 72, 80, 96, 128])
def test_attention_compiles_for_all_usual_widths_of_a_head(width):
    defines = blockwise_attention.constants(width)
    usage_of("flash_attention.cu", "sm_80", (*OPTIONS, *(f"-D{name}={value}" for name, value in defines.items())))


def usage_of(file, architecture, options):
    """What the kernels of a file use, which must be no more than they may."""
    cubin, usage, log = nvrtc.build(TEXTS[file], architecture, options)
    assert cubin.startswith(b"\x7fELF")
    assert "warning" not in log
    for kernel, used in usage.items():
        assert (used.spilled, used.stack) == (0, 0), (kernel, options)
        assert used.registers <= MOST_REGISTERS[file], (kernel, options)
    return usage


def test_the_cases_launch_every_kernel(launches):
    for file in FILES:
        in_text = set(raw_module.CudaOnCpu(TEXTS[file]).signatures)
        assert set().union(*launches[file].values()) == in_text, file


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_kernel_that_spills_is_seen_to_spill(architecture):
    _, usage, _ = nvrtc.build(SPILLS, architecture)
    assert usage["spills"].spilled > 0
    assert usage["spills"].stack > 0
    assert usage["spills"].registers <= 64  # of which 1024 threads have no more


def test_a_mistake_in_the_text_is_found():
    with pytest.raises(nvrtc.CompileError, match=r"kernels.cu\(2\): error: .*undeclared_name"):
        nvrtc.build('extern "C" __global__ void f(float* y) {\n    y[0] = undeclared_name;\n}', "sm_80")


def test_too_much_shared_memory_is_found():
    held = "__shared__ float held[12289]; held[threadIdx.x] = y[0]; __syncthreads(); y[0] = held[1];"
    with pytest.raises(nvrtc.CompileError, match="too much shared data"):
        nvrtc.build(f'extern "C" __global__ void f(float* y) {{ {held} }}', "sm_80")
