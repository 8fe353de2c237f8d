// Sums and maxima over the threads of a warp and of a block. Every thread gets the result.
//
// A warp is 32 threads that run together and can read each other's registers (a shuffle). A block is up to 32 warps,
// which can only meet in shared memory, at barriers. All threads of the warp or block must make the call: one that
// returned earlier would be waited for.
//
// Blocks are along x only, their size a multiple of 32.
// Source: M. Harris, Optimizing Parallel Reduction in CUDA (2007); J. Luitjens, Faster Parallel Reductions on Kepler
// (2014), for the shuffles.
#pragma once

#define WARP 32
#define ALL_LANES 0xffffffffu
#define LOWEST (-3.402823466e38f)  // the least float, where a maximum starts

// Sum over the warp. Lane i adds what lane i ^ 16 has, then i ^ 8, 4, 2, 1: five steps, and all 32 have the same sum.
__device__ __forceinline__ float warp_sum(float value) {
    for (int distance = WARP / 2; distance > 0; distance /= 2)
        value += __shfl_xor_sync(ALL_LANES, value, distance);
    return value;
}

// Maximum over the warp.
__device__ __forceinline__ float warp_max(float value) {
    for (int distance = WARP / 2; distance > 0; distance /= 2)
        value = fmaxf(value, __shfl_xor_sync(ALL_LANES, value, distance));
    return value;
}

// Hands every thread the results of all warps: lane i gets that of warp i, or `neutral` where there is no such warp.
__device__ float gather_warps(float of_my_warp, float neutral) {
    __shared__ float of_warp[WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
    if (lane == 0) of_warp[warp] = of_my_warp;
    __syncthreads();  // all warps have written
    const float gathered = lane < warps ? of_warp[lane] : neutral;
    __syncthreads();  // all have read: the next call may write
    return gathered;
}

// Sum over the block: in each warp, then each warp adds up the sums of all warps.
__device__ __forceinline__ float block_sum(float value) {
    return warp_sum(gather_warps(warp_sum(value), 0.0f));
}

// Maximum over the block.
__device__ __forceinline__ float block_max(float value) {
    return warp_max(gather_warps(warp_max(value), LOWEST));
}
