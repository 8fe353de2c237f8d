import sys
from pathlib import Path

import numpy as np
import pytest

from minidit.backend.kernels import launch

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from agreement import SEEDS, assert_agreement, normal, rounded, to_device

# Every thread writes down what it was told, the block's sum and maximum twice in a row: the second call uses the shared
# memory that the first may still be read from.
KERNEL = """
#include "reduce.cuh"

extern "C" __global__ void reductions(const float* __restrict__ x, float* __restrict__ told) {
    const int thread = blockIdx.x * blockDim.x + threadIdx.x;
    const float value = x[thread];
    float* mine = told + 6 * (size_t)thread;
    mine[0] = warp_sum(value);
    mine[1] = warp_max(value);
    mine[2] = block_sum(value);
    mine[3] = block_max(value);
    mine[4] = block_max(-value);
    mine[5] = block_sum(value * value);
}
"""


def reductions(threads, blocks=3):
    def case(xp, rng):
        (x,) = normal(rng, (blocks, threads))
        x = rounded(x - 4)  # a maximum must not start at zero
        (on_device,) = to_device(xp, x)
        told = xp.empty((blocks, threads, 6), np.float32)
        module = xp.RawModule(code=KERNEL, options=("--std=c++17", f"-I{launch.FOLDER}"))
        module.get_function("reductions")((blocks, 1, 1), (threads, 1, 1), (on_device, told))

        warps = x.reshape(blocks, -1, 32)
        of_warp = [f(warps, axis=2, keepdims=True).repeat(32, axis=2).reshape(x.shape) for f in (np.sum, np.max)]
        of_block = [
            f(values, axis=1, keepdims=True).repeat(threads, axis=1)
            for f, values in ((np.sum, x), (np.max, x), (np.max, -x), (np.sum, x * x))
        ]
        return [(told.get()[:, :, k], right) for k, right in enumerate((*of_warp, *of_block))]

    return case


CASES = {f"{threads} threads": reductions(threads) for threads in (32, 64, 96, 256, 1024)}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_thread_is_told_the_sum_and_the_maximum(xp, case, seed):
    assert_agreement(case(xp, np.random.default_rng(seed)))
