"""That the simulated GPU runs kernels as CUDA does, and that each mistake it knows of shows."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from minidit.backend.simulated import cuda_on_cpu
from minidit.backend.simulated.cuda_on_cpu import CompileError, CudaOnCpu, KernelError
from minidit.errors import UserError

WHERE = """
extern "C" __global__ void where(int* block, int* thread, int* sizes) {
    int b = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    int t = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    int i = b * blockDim.x * blockDim.y * blockDim.z + t;
    block[i] = b;
    thread[i] = t;
    if (i == 0) {
        sizes[0] = gridDim.x; sizes[1] = gridDim.y; sizes[2] = gridDim.z;
        sizes[3] = blockDim.x; sizes[4] = blockDim.y; sizes[5] = blockDim.z;
    }
}
"""

# Reverses what the threads of a block hold, through static and through dynamic shared memory.
REVERSE = """
extern "C" __global__ void reverse(const float* x, float* y) {
    __shared__ float held[256];
    held[threadIdx.x] = x[blockIdx.x * blockDim.x + threadIdx.x];
    __syncthreads();
    y[blockIdx.x * blockDim.x + threadIdx.x] = held[blockDim.x - 1 - threadIdx.x];
}
extern "C" __global__ void reverse_dynamic(const float* x, float* y) {
    extern __shared__ float any_name[];
    any_name[threadIdx.x] = x[blockIdx.x * blockDim.x + threadIdx.x];
    __syncthreads();
    y[blockIdx.x * blockDim.x + threadIdx.x] = any_name[blockDim.x - 1 - threadIdx.x];
}
"""

# Sums over a block, once per row: a barrier after the write, and one before the next row's write.
SUMS = """
__device__ float block_sum(float value) {
    __shared__ float of_warp[32];
    for (int distance = 16; distance > 0; distance /= 2) value += __shfl_xor_sync(0xffffffffu, value, distance);
    if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = value;
    __syncthreads();  // written
    float sum = 0;
    for (int warp = 0; warp < blockDim.x / 32; warp++) sum += of_warp[warp];
    __syncthreads();  // read
    return sum;
}
extern "C" __global__ void sums(const float* x, float* y, int rows) {
    for (int row = 0; row < rows; row++) {
        float sum = block_sum(x[row * blockDim.x + threadIdx.x]);
        if (threadIdx.x == blockDim.x - 1) y[row] = sum;
    }
}
"""


def kernel(code, name="f", **options):
    return CudaOnCpu(code, **options).get_function(name)


def body(statements, parameters="float* y"):
    """A kernel `f` of these statements."""
    return kernel(f'extern "C" __global__ void f({parameters}) {{ {statements} }}')


def run(f, *args, threads=64, blocks=1, **options):
    f((blocks, 1, 1), (threads, 1, 1), args, **options)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_thread_of_every_block_runs_once_and_knows_its_place(seed):
    grid, block = (2, 3, 4), (5, 3, 2)
    blocks, threads, sizes = np.full((24, 30), -1, np.int32), np.full((24, 30), -1, np.int32), np.zeros(6, np.int32)
    kernel(WHERE, "where")(grid, block, (blocks, threads, sizes), seed=seed)
    assert (blocks == np.arange(24)[:, None]).all()
    assert (threads == np.arange(30)).all()
    assert (*sizes,) == (*grid, *block)


@pytest.mark.parametrize("name", ["reverse", "reverse_dynamic"])
@pytest.mark.parametrize("threads", [1, 31, 32, 33, 256])
@pytest.mark.parametrize("seed", range(3))
def test_a_barrier_shows_every_thread_what_the_others_wrote(name, threads, seed):
    x = np.arange(5 * threads, dtype=np.float32).reshape(5, threads)
    y = np.empty_like(x)
    run(kernel(REVERSE, name), x, y, threads=threads, blocks=5, shared_mem=4 * threads, seed=seed)
    assert (y == x[:, ::-1]).all()


@pytest.mark.parametrize("seed", range(5))
def test_sums_over_a_block_are_right_in_any_order(rng, seed):
    x = rng.integers(9, size=(6, 128)).astype(np.float32)
    y = np.empty(6, np.float32)
    run(kernel(SUMS, "sums"), x, y, np.int32(6), threads=128, seed=seed)
    assert (y == x.sum(axis=1)).all()


@pytest.mark.parametrize(
    ("call", "source"),
    [
        ("__shfl_xor_sync(~0u, value, 5)", lambda i: i ^ 5),
        ("__shfl_xor_sync(~0u, value, 2, 4)", lambda i: i ^ 2),
        ("__shfl_down_sync(~0u, value, 3)", lambda i: np.where(i % 32 < 29, i + 3, i)),
        ("__shfl_down_sync(~0u, value, 3, 8)", lambda i: np.where(i % 8 < 5, i + 3, i)),
        ("__shfl_up_sync(~0u, value, 3)", lambda i: np.where(i % 32 >= 3, i - 3, i)),
        ("__shfl_sync(~0u, value, 7)", lambda i: i // 32 * 32 + 7),
        ("__shfl_sync(~0u, value, threadIdx.x + 1)", lambda i: i // 32 * 32 + (i + 1) % 32),
        ("__shfl_sync(~0u, value, 2, 8)", lambda i: i // 8 * 8 + 2),
        ("__shfl_xor_sync(threadIdx.x % 32 < 16 ? 0xffffu : 0xffff0000u, value, 1)", lambda i: i ^ 1),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_shuffles_take_the_value_of_the_right_lane(call, source, seed):
    f = body(f"float value = threadIdx.x + 0.5f; y[threadIdx.x] = {call};")
    y = np.empty(96, np.float32)
    run(f, y, threads=96, seed=seed)
    assert (y == source(np.arange(96)) + 0.5).all()


def test_a_lane_that_is_not_in_the_block_or_the_mask_gives_nothing_to_compute_with():
    y = np.zeros(40, np.float32)
    run(body("y[threadIdx.x] = __shfl_xor_sync(~0u, 1.0f, 8);"), y, threads=40)
    assert np.isnan(y[32:]).all()
    assert (y[:32] == 1).all()
    run(body("y[threadIdx.x] = threadIdx.x < 8 ? __shfl_xor_sync(0xffu, 1.0f, 8) : 2.0f;"), y, threads=32)
    assert np.isnan(y[:8]).all()


def test_groups_of_lanes_can_meet_apart_from_each_other():
    f = body("""
        float value = threadIdx.x;
        int steps = threadIdx.x < 16 ? 3 : 1;
        for (int i = 0; i < steps; i++) value = __shfl_xor_sync(threadIdx.x < 16 ? 0xffffu : 0xffff0000u, value, 1);
        y[threadIdx.x] = value;""")
    y = np.empty(32, np.float32)
    run(f, y, threads=32, seed=1)
    assert (y == (np.arange(32) ^ 1)).all()


@pytest.mark.parametrize("sync", ["__syncwarp();", ""])
def test_lanes_of_a_warp_see_each_others_writes_after_syncwarp_and_not_before(sync):
    f = body(f"""
        __shared__ float held[32];
        held[threadIdx.x] = threadIdx.x;
        {sync}
        y[threadIdx.x] = held[31 - threadIdx.x];""")
    y = np.empty(32, np.float32)
    right = []
    for seed in range(3):
        run(f, y, threads=32, seed=seed)
        right.append((y == 31 - np.arange(32)).all())
    assert right == [bool(sync)] * 3


def test_additions_to_one_place_all_count():
    y = np.zeros(1, np.int32)
    run(body("atomicAdd(y, 2);", "int* y"), y, threads=100, blocks=7, seed=3)
    assert y == 1400


@pytest.mark.parametrize("barrier", ["__syncthreads();  // written", "__syncthreads();  // read"])
def test_a_missing_barrier_gives_wrong_numbers(rng, barrier):
    x = rng.normal(size=(20, 128)).astype(np.float32)
    expected = x.sum(axis=1)
    assert SUMS.count(barrier) == 1
    f = kernel(SUMS.replace(barrier, ""), "sums")
    for seed in range(1, 4):
        y = np.empty(20, np.float32)
        run(f, x, y, np.int32(20), threads=128, seed=seed)
        assert not np.allclose(y, expected, rtol=1e-3), seed


def test_a_barrier_that_some_threads_skip_is_a_deadlock():
    with pytest.raises(KernelError, match=r"thread \(32, 0, 0\) of block \(0, 0, 0\) has returned, but thread \(0, 0"):
        run(body("if (threadIdx.x < 32) __syncthreads();"), np.empty(1, np.float32))
    f = body("if (threadIdx.x < 32) __syncthreads();\n    else __syncthreads();")
    with pytest.raises(KernelError, match=r"deadlock: thread \(0, 0, 0\) of .* line 1, and thread \(32, .* line 2"):
        run(f, np.empty(1, np.float32), seed=2)


def test_lanes_that_wait_for_different_things_are_a_deadlock():
    f = body("if (threadIdx.x == 3) __syncthreads(); else __syncwarp();")
    with pytest.raises(KernelError, match="deadlock: thread .* waits at the warp operation in .* at the barrier"):
        run(f, np.empty(1, np.float32))


def test_a_thread_that_returns_early_is_waited_for_in_vain():
    early = "if (threadIdx.x == 40) return;"
    with pytest.raises(KernelError, match=r"thread \(40, 0, 0\) .* has returned, .* at __syncthreads\(\) in .* line 1"):
        run(body(f"{early} __syncthreads();"), np.empty(1, np.float32))
    with pytest.raises(KernelError, match=r"thread \(40, 0, 0\) .* returned, but .* waits for it at a warp operation"):
        run(body(f"{early} y[0] = __shfl_xor_sync(~0u, 1.0f, 1);"), np.empty(1, np.float32))
    run(body("if (threadIdx.x >= 32) return; __syncwarp();"), np.empty(1, np.float32))  # a whole warp may leave


def test_a_lane_must_name_itself():
    with pytest.raises(KernelError, match="whose mask doesn't name it"):
        run(body("__syncwarp(0);"), np.empty(1, np.float32))


def test_after_a_failure_the_same_kernel_runs_again():
    f = body("if (n && threadIdx.x < 5) return; __syncthreads(); y[threadIdx.x] = 1;", "float* y, int n")
    y = np.zeros(64, np.float32)
    with pytest.raises(KernelError):
        run(f, y, np.int32(1))
    run(f, y, np.int32(0))
    assert y.all()


def test_shared_memory_holds_nothing_when_a_block_starts():
    f = body("""
        __shared__ float held[64];
        extern __shared__ float more[];
        y[blockIdx.x * 64 + threadIdx.x] = held[threadIdx.x] + more[threadIdx.x];
        held[threadIdx.x] = more[threadIdx.x] = 1;""")
    y = np.zeros(192, np.float32)
    run(f, y, blocks=3, shared_mem=256)
    assert np.isnan(y).all()


def test_beyond_the_dynamic_shared_memory_asked_for_nothing_is_read_or_written():
    f = body("extern __shared__ float held[]; if (n < 0) y[0] = held[-n]; else held[n] = 1;", "float* y, int n")
    y = np.zeros(1, np.float32)
    run(f, y, np.int32(63), shared_mem=256)
    with pytest.raises(KernelError, match="wrote beyond the 256 bytes"):
        run(f, y, np.int32(64), shared_mem=256)
    run(f, y, np.int32(-64), shared_mem=256)
    assert np.isnan(y)


@pytest.mark.parametrize("parameters", ["float* y", "float* y, int n"])
def test_dynamic_shared_memory_has_the_type_it_is_declared_with(parameters):
    f = body("extern __shared__ __align__(16) unsigned char bytes[]; bytes[1] = 7; y[0] = bytes[1];")
    y = np.zeros(1, np.float32)
    run(f, y, threads=1, shared_mem=2)
    assert y == 7


def test_shared_arrays_of_templates_are_kept_apart_and_hold_nothing_either():
    f = kernel("""
        template <int N> __device__ float swap(float value) {
            __shared__ float held[N];
            float before = held[threadIdx.x];
            held[threadIdx.x] = value;
            __syncthreads();
            return held[N - 1 - threadIdx.x] + (before == before ? 1000 : 0);
        }
        extern "C" __global__ void f(float* y) {
            float value = threadIdx.x;
            y[blockIdx.x * 64 + threadIdx.x] = blockIdx.x == 0 ? swap<64>(value) : swap<128>(value + 64);
        }""")
    y = np.zeros(128, np.float32)
    run(f, y, blocks=2)
    assert (y[:64] == 63 - np.arange(64)).all()
    assert np.isnan(y[64:]).all()


def order_of_turns(seed):
    """The threads of two blocks of two warps each, in the order in which they had their turns."""
    turns, count = np.zeros(128, np.int32), np.zeros(1, np.int32)
    f = body("turns[atomicAdd(count, 1)] = blockIdx.x * 64 + threadIdx.x;", "int* turns, int* count")
    run(f, turns, count, blocks=2, seed=seed)
    assert (np.sort(turns) == np.arange(128)).all()
    return turns


def test_the_seed_decides_on_the_order_of_blocks_and_warps_and_threads():
    assert (order_of_turns(0) == np.arange(128)).all()
    orders = [order_of_turns(seed) for seed in range(1, 9)]
    assert len({order.tobytes() for order in orders}) == 8
    assert {int(order[0] // 64) for order in orders} == {0, 1}
    assert {int(order[0] // 32 % 2) for order in orders} == {0, 1}
    assert len({tuple(order[:32] % 32) for order in orders}) > 4
    assert (order_of_turns(5) == orders[4]).all()


def test_a_warp_runs_ahead_as_far_as_it_can():
    # Each warp has two steps that need nobody else, so that no step of the other comes between them.
    f = body("""
        for (int step = 0; step < 2; step++) {
            __syncwarp();
            if (threadIdx.x % 32 == 0) turns[atomicAdd(count, 1)] = threadIdx.x / 32;
        }""", "int* turns, int* count")  # fmt: skip
    turns, count = np.zeros(4, np.int32), np.zeros(1, np.int32)
    run(f, turns, count, seed=1)
    assert turns[0] == turns[1] != turns[2] == turns[3]


KINDS = 'extern "C" __global__ void f(const float* x, float* y, const long long* ids, const bool* m, int n, float a) {}'


def right_arguments():
    return [
        np.zeros(3, np.float32), np.zeros(3, np.float32), np.zeros(3, np.int64), np.zeros(3, bool), np.int32(1),
        np.float32(2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("position", "given", "message"),
    [
        (0, np.zeros(3), r"argument 0 \(const float\*\): takes an array of float32, not float64"),
        (1, [0.0], r"argument 1 \(float\*\): takes an array or np.uintp\(0\), not \[0.0\] \(list\)"),
        (1, None, "not None"),
        (1, np.uintp(64), "not np.uint64"),
        (2, np.zeros(3, np.int32), "takes an array of int64, not int32"),
        (3, np.zeros(3, np.uint8), "takes an array of bool, not uint8"),
        (4, 1, "takes np.int32, not 1 .int.; CuPy would pass a plain number in 8 bytes"),
        (4, np.int64(1), "takes np.int32"),
        (4, np.uintp(0), "takes np.int32"),
        (4, np.float32(1), "takes np.int32"),
        (5, 1.0, "takes np.float32, not 1.0 .float.; CuPy would pass a plain number in 8 bytes"),
        (5, np.float64(1), "takes np.float32"),
        (5, np.zeros(1, np.float32), "takes np.float32, not an array"),
    ],
)
def test_an_argument_that_a_gpu_would_misread_is_refused(position, given, message):
    f = kernel(KINDS)
    arguments = right_arguments()
    run(f, *arguments)
    run(f, *[np.uintp(0)] * 4, *arguments[4:])
    arguments[position] = given
    with pytest.raises(TypeError, match=message):
        run(f, *arguments)


def test_the_number_of_arguments_is_checked():
    f = kernel(KINDS)
    with pytest.raises(TypeError, match="f takes 6 arguments, not 5"):
        run(f, *right_arguments()[:5])
    with pytest.raises(TypeError, match="f takes 6 arguments, not 7"):
        run(f, *right_arguments(), np.int32(3))


def test_a_read_only_array_can_only_be_read():
    arguments = right_arguments()
    arguments[0].setflags(write=False)
    run(kernel(KINDS), *arguments)
    arguments[1].setflags(write=False)
    with pytest.raises(TypeError, match=r"argument 1 \(float\*\): the array is read-only"):
        run(kernel(KINDS), *arguments)


def test_numbers_of_every_size_arrive():
    types = {
        "bool": np.True_, "char": np.int8(-3), "unsigned char": np.uint8(200), "short": np.int16(-300),
        "int": np.int32(-70000), "unsigned int": np.uint32(3e9), "long long": np.int64(-5e9), "size_t": np.uintp(6e9),
        "float": np.float32(0.5), "double": np.float64(0.1),
    }  # fmt: skip
    parameters = ", ".join(f"{c_type} v{i}" for i, c_type in enumerate(types))
    stores = " ".join(f"y[{i}] = v{i};" for i in range(len(types)))
    y = np.zeros(len(types))
    run(body(stores, f"double* y, {parameters}"), y, *types.values(), threads=1)
    assert (y == [float(value) for value in types.values()]).all()


def test_a_view_starts_at_its_first_element():
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    y = np.zeros(3, np.float32)
    f = body("y[threadIdx.x] = x[(int)threadIdx.x * distance];", "const float* x, float* y, int distance")
    run(f, x[:, 1], y, np.int32(4), threads=3)
    assert (y == x[:, 1]).all()
    run(f, x[::-1, 1], y, np.int32(-4), threads=3)
    assert (y == x[::-1, 1]).all()


@pytest.mark.parametrize(
    ("grid", "block", "shared", "message"),
    [
        ((1, 1, 1), (1025, 1, 1), 0, "a block of .1025, 1, 1. threads"),
        ((1, 1, 1), (1, 1, 65), 0, "a block of .1, 1, 65. threads"),
        ((1, 1, 1), (32, 33, 1), 0, "together there may be 1024"),
        ((1, 1, 1), (0, 1, 1), 0, "possible are 1 to"),
        ((0, 1, 1), (32, 1, 1), 0, "a grid of .0, 1, 1. blocks"),
        ((1, 65536, 1), (32, 1, 1), 0, "a grid of .1, 65536, 1. blocks"),
        ((1,), (32, 1, 1), 0, "three sizes each"),
        ((1, 1, 1), (32, 1, 1), 49153, "49153 bytes of dynamic shared memory; a block has up to 49152"),
    ],
)
def test_a_launch_that_a_gpu_would_refuse_is_refused(grid, block, shared, message):
    with pytest.raises(ValueError, match=message):
        body("y[0] = 1;")(grid, block, (np.zeros(1, np.float32),), shared_mem=shared)


def test_full_blocks_and_all_of_the_shared_memory_can_be_had():
    y = np.zeros(1024, np.float32)
    f = body("extern __shared__ float s[]; s[12 * threadIdx.x + 11] = 1; __syncthreads(); y[threadIdx.x] = s[12287];")
    run(f, y, threads=1024, shared_mem=49152, seed=1)
    assert y.all()


def test_launch_bounds_are_kept():
    f = kernel('#define MOST 64\nextern "C" __global__ void __launch_bounds__(MOST) f(float* y) { y[0] = 1; }')
    y = np.zeros(1, np.float32)
    run(f, y, threads=64)
    assert y == 1
    with pytest.raises(KernelError, match="f: 65 threads a block, and its __launch_bounds__ allow 64"):
        run(f, y, threads=65)


def test_headers_and_definitions_are_found_and_a_change_of_either_counts(tmp_path):
    y = np.zeros(1, np.float32)
    code = '#include "one.cuh"\nextern "C" __global__ void f(float* y) { y[0] = VALUE + more(); }'
    (tmp_path / "one.cuh").write_text('#include "two.cuh"\n')
    for in_header, defined in [(10, 1), (10, 2), (20, 2)]:
        (tmp_path / "two.cuh").write_text(f"__device__ float more() {{ return {in_header}; }}\n")
        run(kernel(code, options=("--std=c++17", f"-I{tmp_path}", f"-DVALUE={defined}")), y)
        assert y == in_header + defined


def test_an_option_that_only_a_gpu_has_is_refused():
    with pytest.raises(ValueError, match="not --use_fast_math"):
        CudaOnCpu("", options=("--use_fast_math",))


def test_a_text_is_compiled_once(monkeypatch):
    monkeypatch.setattr(subprocess, "run", pytest.fail)
    run(body("y[0] = 1;"), np.zeros(1, np.float32))  # as in other tests above


def test_a_comment_is_not_a_kernel():
    code = '// extern "C" __global__ void g(int n) {\nextern "C" __global__ void f(float* y /* here */) {}'
    assert list(CudaOnCpu(code).signatures) == ["f"]
    with pytest.raises(KernelError, match="void g`; the kernels of the text are: f"):
        kernel(code, "g")


def test_a_mistake_in_the_text_is_shown_with_its_line():
    with pytest.raises(CompileError, match=r"(?s)doesn't compile:.*:2:.*undeclared_name"):
        kernel('extern "C" __global__ void f(float* y) {\n    y[0] = undeclared_name;\n}')


def test_a_parameter_of_unknown_type_is_refused():
    with pytest.raises(CompileError, match="parameters of type 'half' are not known"):
        kernel('extern "C" __global__ void f(half h) {}')


def test_without_a_compiler_one_sentence_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(UserError, match=r"found none of g\+\+.* apt install g\+\+"):
        body("y[0] = 1;")


def test_the_cache_is_where_the_user_wants_it(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    run(body("y[0] = 3;"), np.zeros(1, np.float32))
    assert [path.suffix for path in (tmp_path / "minidit" / "kernels").iterdir()] == [".so"]
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cuda_on_cpu.cache_folder().as_posix() == "/home/somebody/.cache/minidit/kernels"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cuda_on_cpu.cache_folder().as_posix() == "/home/somebody/Library/Caches/minidit/kernels"


def test_several_at_a_time_can_compile_the_same_text(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    results = np.zeros((3, 1), np.float32)
    users = [threading.Thread(target=lambda y=y: run(body("y[0] = 4;"), y)) for y in results]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert (results == 4).all()
    assert len(list((tmp_path / "minidit" / "kernels").iterdir())) == 1


def test_other_processors_switch_stacks_by_way_of_the_system(rng):
    x = rng.integers(9, size=(3, 64)).astype(np.float32)
    y = np.empty(3, np.float32)
    f = kernel(SUMS, "sums", flags=("-DMINIDIT_UCONTEXT",))
    run(f, x, y, np.int32(3), seed=1)
    assert (y == x.sum(axis=1)).all()
    assert "__x86_64__" in cuda_on_cpu.SHIM.read_text()


OUT_OF_RANGE = """
import os
import sys
import numpy as np
from minidit.backend.simulated.cuda_on_cpu import CudaOnCpu

code = '''
extern "C" __global__ void f(const float* x, float* y, int where, int i) {
    __shared__ float held[32];
    extern __shared__ float dynamic[];
    __syncthreads();
    if (where == 0) y[threadIdx.x] = x[threadIdx.x + i];
    if (where == 1) y[threadIdx.x + i] = x[threadIdx.x];
    if (where == 2) held[threadIdx.x + i] = x[threadIdx.x];
    if (where == 3) dynamic[threadIdx.x + i] = x[threadIdx.x];
    if (where == 4) y[threadIdx.x] = dynamic[threadIdx.x + i];
}'''
del os.environ["LD_PRELOAD"]  # the compiler needn't be watched
flags = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover")
f = CudaOnCpu(code, flags=flags).get_function("f")
x, y = np.zeros(32, np.float32), np.zeros(32, np.float32)
f((2, 1, 1), (32, 1, 1), (x, y, np.int32(sys.argv[1]), np.int32(sys.argv[2])), shared_mem=128, seed=1)
"""


def under_address_sanitizer(where, distance):
    """The process that reads or writes that far beyond an array under the address sanitizer."""
    library = subprocess.run(["g++", "-print-file-name=libasan.so"], capture_output=True, text=True).stdout.strip()
    environment = {**os.environ, "LD_PRELOAD": library, "ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"}
    command = [sys.executable, "-c", OUT_OF_RANGE, str(where), str(distance)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("where", "action"),
    [(0, "READ of"), (1, "WRITE of"), (2, "out of bounds"), (3, "WRITE of"), (4, "READ of")],
    ids=["read", "write", "shared", "write to dynamic shared memory", "read from dynamic shared memory"],
)
def test_the_address_sanitizer_sees_what_is_out_of_range(where, action):
    found = under_address_sanitizer(where, 1)
    assert found.returncode != 0
    assert action in found.stderr


def test_the_address_sanitizer_finds_nothing_where_there_is_nothing():
    for where in range(5):
        assert under_address_sanitizer(where, 0).returncode == 0
