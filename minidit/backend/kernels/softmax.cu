// Softmax of rows, in place: weight = e^(scale · score) / Σ e^(scale · score), and its backward. Keys that are masked
// get no weight.
//
// Split: a row belongs to one warp, and a block has blockDim.y rows; or, where rows are long, to a whole block
// (blockDim.y = 1). So a row's threads find its sum without a barrier where it is short, and a row stays in the cache
// nearby until it is visited for the second time.
// Traffic, per score: the forward reads and writes it; the backward reads weight and dweight and writes dscore.
// Source: Milakov & Gimelshein 2018, algorithm 3 (maximum and sum in one visit); Vaswani et al. 2017, eq. 1.

#include "reduce.cuh"

// Sum and maximum over the threads of a row.
__device__ __forceinline__ float row_sum(float value) {
    return blockDim.x == WARP ? warp_sum(value) : block_sum(value);
}
__device__ __forceinline__ float row_max(float value) {
    return blockDim.x == WARP ? warp_max(value) : block_max(value);
}

// scores (rows, keys) become weights; key_mask (rows / rows_per_sample, keys) or null, true = may get weight; scale > 0
extern "C" __global__ void scaled_softmax_forward(
    const bool* __restrict__ key_mask, float* scores, int rows, int keys, int rows_per_sample, float scale) {
    const int row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;  // with the whole warp, so that no sum waits for it
    float* mine = scores + (size_t)row * keys;
    const bool* mask = key_mask ? key_mask + (size_t)(row / rows_per_sample) * keys : nullptr;

    // Of the scores that this thread has seen: the largest, and the sum of e^(scale · (score - largest)), which can't
    // overflow. Each time a larger one turns up, the sum so far is multiplied by e^(scale · (old - new)), which makes
    // every term of it relative to the new one.
    float largest = LOWEST, sum = 0.0f;
    for (int key = threadIdx.x; key < keys; key += blockDim.x) {
        if (mask && !mask[key]) continue;
        const float score = mine[key];
        if (score > largest) {
            sum *= expf(scale * (largest - score));
            largest = score;
        }
        sum += expf(scale * (score - largest));
    }
    const float row_largest = row_max(largest);  // LOWEST if all keys are masked, and then it isn't used
    const float total = row_sum(sum * expf(scale * (largest - row_largest)));

    const float rtotal = 1.0f / total;
    for (int key = threadIdx.x; key < keys; key += blockDim.x) {
        const bool masked = mask && !mask[key];
        mine[key] = masked ? 0.0f : expf(scale * (mine[key] - row_largest)) * rtotal;
    }
}

// weights, dweights (rows, keys): dweights become dscores = scale · weight · (dweight - Σ dweight · weight). Raising a
// score raises its own weight and lowers all others in proportion: what the weights of a row gain on average is
// therefore no gain.
extern "C" __global__ void scaled_softmax_backward(
    const float* __restrict__ weights, float* dweights, int rows, int keys, float scale) {
    const int row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    const float* weight = weights + (size_t)row * keys;
    float* mine = dweights + (size_t)row * keys;

    float sum = 0.0f;
    for (int key = threadIdx.x; key < keys; key += blockDim.x) sum += mine[key] * weight[key];
    const float average = row_sum(sum);
    for (int key = threadIdx.x; key < keys; key += blockDim.x)
        mine[key] = scale * weight[key] * (mine[key] - average);
}
