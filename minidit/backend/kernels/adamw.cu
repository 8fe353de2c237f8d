// One step of AdamW with gradient clipping and the moving average of the parameters, on flat vectors:
//   g = clip · gradient,  m = β₁ m + (1 - β₁) g,  v = β₂ v + (1 - β₂) g²,
//   p = (1 - learning rate · λ) p - rate · m / (√v + eps),  a = a + (1 - decay) (p - a),
// where rate and eps include the corrections for the first steps.
//
// Split: the parameters are dealt out to all threads, as many at a time as there are threads.
// Traffic, per parameter: five numbers are read, four written; as separate operations it would be forty in all.
// clip is worked out by every thread from the squared norm of the gradient, one number that was computed on the GPU
// just before: the host needn't wait for it.
// Source: Loshchilov & Hutter 2019, algorithm 2; Kingma & Ba 2015, algorithm 1.

// grads (count), squared_norm (); params, m, v, average = a (count) are changed
extern "C" __global__ void adamw_ema_update(
    const float* __restrict__ grads, const float* __restrict__ squared_norm,
    float* params, float* m, float* v, float* average,
    int count, float max_grad_norm, float beta1, float one_minus_beta1, float beta2, float one_minus_beta2,
    float rate, float eps, float shrink, float one_minus_decay) {
    const float clip = fminf(1.0f, max_grad_norm / (sqrtf(*squared_norm) + 1e-6f));
    const long long threads = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += threads) {
        const float g = clip * grads[i];
        const float new_m = beta1 * m[i] + one_minus_beta1 * g;
        const float new_v = beta2 * v[i] + one_minus_beta2 * g * g;
        const float p = shrink * params[i] - rate * new_m / (sqrtf(new_v) + eps);
        const float a = average[i] + one_minus_decay * (p - average[i]);
        m[i] = new_m;
        v[i] = new_v;
        params[i] = p;
        average[i] = a;
    }
}
