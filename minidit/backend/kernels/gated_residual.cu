// A branch with its last bias joins the residual through a gate: y = x + gate · (h + b), where b serves every row and
// the gate those of its sample, which is `tokens` rows.
//
// Split: thread = one column of some consecutive tokens of a sample, block = neighbouring columns, so that a warp reads
// and writes whole stretches of memory, and a thread reads its gate and bias once. blockIdx.x counts the groups of
// tokens, sample after sample, blockIdx.y those of columns.
// Traffic, per element: the forward reads x and h and writes y; the backward reads h and dy and writes dh.
// Source: Peebles & Xie 2023, section 3.2 (adaLN-Zero).

// The rows from `first` to before `end`, which are this block's, and the sample that they belong to.
struct Rows {
    size_t first, end;
    int sample;
};

__device__ __forceinline__ Rows rows_of_block(int tokens, int tokens_per_block) {
    const int blocks_per_sample = (tokens + tokens_per_block - 1) / tokens_per_block;
    const int sample = blockIdx.x / blocks_per_sample;
    const int first = blockIdx.x % blocks_per_sample * tokens_per_block;
    const size_t start = (size_t)sample * tokens;
    return {start + first, start + min(first + tokens_per_block, tokens), sample};
}

// x, h (samples · tokens, width), b (width), gate (samples, width) with some distance from sample to sample
// -> y (samples · tokens, width)
extern "C" __global__ void bias_gated_residual_forward(
    const float* __restrict__ x, const float* __restrict__ h, const float* __restrict__ b,
    const float* __restrict__ gate, float* __restrict__ y,
    int tokens, int width, int gate_distance, int tokens_per_block) {
    const int column = blockIdx.y * blockDim.x + threadIdx.x;
    if (column >= width) return;
    const Rows rows = rows_of_block(tokens, tokens_per_block);
    const float my_gate = gate[(size_t)rows.sample * gate_distance + column], bias = b[column];
    for (size_t row = rows.first; row < rows.end; ++row) {
        const size_t i = row * width + column;
        y[i] = x[i] + my_gate * (h[i] + bias);
    }
}

// h, dy (samples · tokens, width), b and gate as above -> dh (samples · tokens, width), and the sums of dh and of
// dy · (h + b) over the rows of a block, db_parts and dgate_parts (gridDim.x, width).
extern "C" __global__ void bias_gated_residual_backward(
    const float* __restrict__ h, const float* __restrict__ b, const float* __restrict__ gate,
    const float* __restrict__ dy, float* __restrict__ dh, float* __restrict__ db_parts,
    float* __restrict__ dgate_parts, int tokens, int width, int gate_distance, int tokens_per_block) {
    const int column = blockIdx.y * blockDim.x + threadIdx.x;
    if (column >= width) return;
    const Rows rows = rows_of_block(tokens, tokens_per_block);
    const float my_gate = gate[(size_t)rows.sample * gate_distance + column], bias = b[column];
    float db = 0.0f, dgate = 0.0f;
    for (size_t row = rows.first; row < rows.end; ++row) {
        const size_t i = row * width + column;
        const float dh_i = dy[i] * my_gate;
        dh[i] = dh_i;
        db += dh_i;
        dgate += dy[i] * (h[i] + bias);
    }
    db_parts[(size_t)blockIdx.x * width + column] = db;
    dgate_parts[(size_t)blockIdx.x * width + column] = dgate;
}
