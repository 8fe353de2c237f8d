// Gradient of an embedding table: dtable[word] = sum of dy[n] over all n with ids[n] = word.
//
// Split: thread = one word and one column; it looks through all ids and adds up the rows that belong to its word, in
// their order. blockIdx.x is the word, blockIdx.y counts the groups of columns, so a warp asks for one word, takes the
// same branch, and reads a stretch of a row.
// Traffic: each row of dy is read once, dtable is written once, zeros included; all ids are read by each of
// V · D / 32 warps, from a cache. That makes V · N · D comparisons, where the other ways are a sort of the ids, or
// atomicAdd, by which the order of the sums and their last digits are up to chance. For the N ids of a batch of
// captions, hundreds, and a vocabulary of about as many words, it is the work of a small matrix product; for tens of
// thousands of words, sort.

// ids (count), dy (count, width) -> dtable (gridDim.x, width)
extern "C" __global__ void embedding_backward(
    const long long* __restrict__ ids, const float* __restrict__ dy, float* __restrict__ dtable,
    int count, int width) {
    const int word = blockIdx.x, column = blockIdx.y * blockDim.x + threadIdx.x;
    if (column >= width) return;
    float sum = 0.0f;
    for (int n = 0; n < count; ++n)
        if (ids[n] == word) sum += dy[(size_t)n * width + column];
    dtable[(size_t)word * width + column] = sum;
}
