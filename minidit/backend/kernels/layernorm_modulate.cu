// Layer normalisation, then adaLN's scale and shift: y = x̂ · (1 + scale) + shift with x̂ = (x - mean) · rstd, where
// mean and rstd = 1 / √(variance + eps) belong to a row, shift and scale to a sample, which is `tokens` rows.
//
// Traffic, per element: the forward reads x and writes y; the backward reads x and dy and writes dx. Each goes over its
// rows several times, but soon enough for the later visits to find them in a cache. Kept for the backward is x, which
// the model has anyway, with two numbers per row, and neither x̂ nor y.
// Source: Ba et al. 2016, eq. 4; Peebles & Xie 2023, section 3.2; llm.c, doc/layernorm and dev/cuda.

#include "reduce.cuh"

// The row of this warp: one row per warp, its columns dealt out to the lanes.
__device__ __forceinline__ int row_of_warp() {
    return blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
}

// x (samples · tokens = rows, width), shift and scale (samples, width) with some distance from sample to sample
// -> y (rows, width), mean and rstd (rows)
extern "C" __global__ void layernorm_modulate_forward(
    const float* __restrict__ x, const float* __restrict__ shift, const float* __restrict__ scale,
    float* __restrict__ y, float* __restrict__ mean, float* __restrict__ rstd,
    int rows, int tokens, int width, int shift_distance, int scale_distance, float eps) {
    const int row = row_of_warp(), lane = threadIdx.x % WARP;
    if (row >= rows) return;  // with the whole warp, so that no sum waits for it
    const float* x_row = x + (size_t)row * width;

    float sum = 0.0f;
    for (int i = lane; i < width; i += WARP) sum += x_row[i];
    const float row_mean = warp_sum(sum) / width;

    // The squares of what is left after subtracting the mean. E[x²] - mean² would need one visit less, but subtracts
    // two large numbers where the mean is large.
    float squares = 0.0f;
    for (int i = lane; i < width; i += WARP) {
        const float centred = x_row[i] - row_mean;
        squares += centred * centred;
    }
    const float row_rstd = rsqrtf(warp_sum(squares) / width + eps);

    const float* my_shift = shift + (size_t)(row / tokens) * shift_distance;
    const float* my_scale = scale + (size_t)(row / tokens) * scale_distance;
    for (int i = lane; i < width; i += WARP)
        y[(size_t)row * width + i] = (x_row[i] - row_mean) * row_rstd * (1.0f + my_scale[i]) + my_shift[i];
    if (lane == 0) {
        mean[row] = row_mean;
        rstd[row] = row_rstd;
    }
}

// x, dy (rows, width), scale (samples, width), mean and rstd (rows) -> dx (rows, width), and the sums of dy and dy · x̂
// over the rows of a block, dshift_parts and dscale_parts (gridDim.x, width).
//
// Split: block = some consecutive tokens of one sample. They are dealt out to the warps for dx; then each thread takes
// a column and goes down all of them. That needs only what was there from the start, so nobody waits for anybody.
extern "C" __global__ void layernorm_modulate_backward(
    const float* __restrict__ x, const float* __restrict__ scale, const float* __restrict__ mean,
    const float* __restrict__ rstd, const float* __restrict__ dy,
    float* __restrict__ dx, float* __restrict__ dshift_parts, float* __restrict__ dscale_parts,
    int tokens, int width, int scale_distance, int tokens_per_block) {
    const int blocks_per_sample = (tokens + tokens_per_block - 1) / tokens_per_block;
    const int sample = blockIdx.x / blocks_per_sample;
    const int first = blockIdx.x % blocks_per_sample * tokens_per_block;
    const int end = min(first + tokens_per_block, tokens);
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP, warps = blockDim.x / WARP;
    const float* my_scale = scale + (size_t)sample * scale_distance;

    for (int token = first + warp; token < end; token += warps) {
        const size_t row = (size_t)sample * tokens + token;
        const float* x_row = x + row * width;
        const float* dy_row = dy + row * width;
        const float row_mean = mean[row], row_rstd = rstd[row];
        float through_mean = 0.0f, through_std = 0.0f;
        for (int i = lane; i < width; i += WARP) {
            const float xhat = (x_row[i] - row_mean) * row_rstd;
            const float dxhat = dy_row[i] * (1.0f + my_scale[i]);
            through_mean += dxhat;
            through_std += dxhat * xhat;
        }
        through_mean = warp_sum(through_mean) / width;
        through_std = warp_sum(through_std) / width;
        // x reaches xhat three ways: directly, through the mean, and through the standard deviation.
        for (int i = lane; i < width; i += WARP) {
            const float xhat = (x_row[i] - row_mean) * row_rstd;
            const float dxhat = dy_row[i] * (1.0f + my_scale[i]);
            dx[row * width + i] = (dxhat - through_mean - xhat * through_std) * row_rstd;
        }
    }

    for (int column = threadIdx.x; column < width; column += blockDim.x) {
        float dshift = 0.0f, dscale = 0.0f;
        for (int token = first; token < end; ++token) {
            const size_t row = (size_t)sample * tokens + token;
            const float dy_i = dy[row * width + column];
            dshift += dy_i;
            dscale += dy_i * (x[row * width + column] - mean[row]) * rstd[row];
        }
        dshift_parts[(size_t)blockIdx.x * width + column] = dshift;
        dscale_parts[(size_t)blockIdx.x * width + column] = dscale;
    }
}
