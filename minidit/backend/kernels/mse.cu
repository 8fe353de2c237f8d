// Mean squared error: loss = mean of weight · (prediction - target)², and its gradient. A weight holds for
// `per_weight` consecutive elements, those of a sample; a null pointer means 1 for all.
//
// Split: the elements are dealt out to all threads, as many at a time as there are threads.
// Traffic, per element: the forward reads prediction and target; the gradient reads both and writes one number. The
// error between them is computed twice and never stored.

#include "reduce.cuh"

// prediction, target (count), weight (count / per_weight) -> parts (gridDim.x), which add up to the loss
extern "C" __global__ void mse_forward(
    const float* __restrict__ prediction, const float* __restrict__ target, const float* __restrict__ weight,
    float* __restrict__ parts, int count, int per_weight) {
    const long long threads = (long long)gridDim.x * blockDim.x;
    float sum = 0.0f;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += threads) {
        const float error = prediction[i] - target[i];
        sum += (weight ? weight[i / per_weight] : 1.0f) * error * error;
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) parts[blockIdx.x] = sum / count;
}

// prediction, target (count), weight (count / per_weight) -> dprediction (count). `factor` is dloss · 2 / count.
extern "C" __global__ void mse_gradient(
    const float* __restrict__ prediction, const float* __restrict__ target, const float* __restrict__ weight,
    float* __restrict__ dprediction, int count, int per_weight, float factor) {
    const long long threads = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += threads)
        dprediction[i] = factor * (weight ? weight[i / per_weight] : 1.0f) * (prediction[i] - target[i]);
}
