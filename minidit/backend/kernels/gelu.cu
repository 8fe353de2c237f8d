// GELU, tanh form, of a matrix plus a bias: y = u/2 · (1 + tanh(√(2/π) (u + 0.044715 u³))) with u = x + b.
//
// Split: thread = one column of some consecutive rows, block = neighbouring columns, so that a warp reads and writes
// whole stretches of memory. blockIdx.x counts the groups of rows, blockIdx.y those of columns.
// Traffic, per element: the forward reads x and writes y; the backward reads x and dy and writes dx. It works out tanh
// again: the forward would have had to write a derivative and the backward to read it, and a GPU waits for memory, not
// for arithmetic.
// Source: Hendrycks & Gimpel 2016, section 2; PyTorch's nn.GELU(approximate="tanh").

#define LINEAR 0.79788456080f  // √(2/π)
#define CUBIC (LINEAR * 0.044715f)

// x (rows, width), b (width) -> y (rows, width)
extern "C" __global__ void bias_gelu_forward(
    const float* __restrict__ x, const float* __restrict__ b, float* __restrict__ y,
    int rows, int width, int rows_per_block) {
    const int column = blockIdx.y * blockDim.x + threadIdx.x;
    if (column >= width) return;
    const int first = blockIdx.x * rows_per_block, end = min(first + rows_per_block, rows);
    const float bias = b[column];
    for (int row = first; row < end; ++row) {
        const size_t i = (size_t)row * width + column;
        const float u = x[i] + bias;
        y[i] = 0.5f * u * (1.0f + tanhf(u * (LINEAR + CUBIC * u * u)));
    }
}

// x, dy (rows, width), b (width) -> dx (rows, width) and db_parts (gridDim.x, width), the sums of dx over the rows of a
// block. Each block writes sums of its own: adding all to one db would make the result depend on who comes first.
extern "C" __global__ void bias_gelu_backward(
    const float* __restrict__ x, const float* __restrict__ b, const float* __restrict__ dy,
    float* __restrict__ dx, float* __restrict__ db_parts, int rows, int width, int rows_per_block) {
    const int column = blockIdx.y * blockDim.x + threadIdx.x;
    if (column >= width) return;
    const int first = blockIdx.x * rows_per_block, end = min(first + rows_per_block, rows);
    const float bias = b[column];
    float db = 0.0f;
    for (int row = first; row < end; ++row) {
        const size_t i = (size_t)row * width + column;
        const float u = x[i] + bias, square = u * u;
        const float gate = 1.0f + tanhf(u * (LINEAR + CUBIC * square));
        const float inner_slope = LINEAR + 3.0f * CUBIC * square;
        // Product rule, with 1 - tanh² = (1 + tanh)(1 - tanh) = gate · (2 - gate).
        const float slope = 0.5f * gate + 0.5f * u * gate * (2.0f - gate) * inner_slope;
        const float dx_i = dy[i] * slope;
        dx[i] = dx_i;
        db += dx_i;
    }
    db_parts[(size_t)blockIdx.x * width + column] = db;
}
