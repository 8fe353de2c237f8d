// Attention without its weights in memory: y = softmax(q kᵀ / √d) v of every head, and the gradients. Of the T × S
// weights only a tile of TILE × TILE exists at a time, in shared memory. Compiled for a head width d = HEAD_WIDTH, up
// to 128.
//
// Split: a block owns TILE tokens of one head of one sample, and visits the tokens on the other side tile by tile.
//   flash_forward  owns queries and visits keys      -> y and, for the backward, log Σ e^score of each query
//   mean_gains     goes over the queries             -> dy · y of each query, which the next two need
//   flash_dq       owns queries and visits keys      -> dq
//   flash_dk_dv    owns keys and visits queries      -> dk, dv
//
// The backward makes the weights again from q, k and the kept logarithm, twice, rather than let blocks add to each
// other's gradients: that would take atomics, and then the last bits would depend on who comes first.
//
// Traffic: what a block owns is read once, what it visits is read once per block, so (T / TILE) times in all, mostly
// from the L2 cache; y, dq, dk and dv are written once. The work is 4 d operations per weight forward, 14 d backward.
//
// This is float32 on the ordinary cores, made to be read. The fast ones, FlashAttention-2 and -3, multiply on tensor
// cores, in half precision, from tiles that are copied in the background (cp.async, TMA) while the last ones are used.
// Source: Dao et al. 2022, FlashAttention, algorithms 1 and 4; Dao 2023, FlashAttention-2, section 3.1; Milakov &
// Gimelshein 2018 for the softmax that sees its scores piece by piece.

#include "reduce.cuh"

// A block has 16 × 8 threads. Of a tile of scores, eight neighbouring threads, all of one warp, share a row: each has
// every eighth column of every 16th row. Of the sums over a tile, they share the width in the same way, four numbers at
// a time.
#define THREADS 128
#define SHARERS 8
#define ROWS (TILE / (THREADS / SHARERS))          // of a thread
#define COLUMNS (TILE / SHARERS)                   // of a thread
#define FOURS ((HEAD_WIDTH + 3) / 4)               // of a row; the last is filled up with zeros
#define MY_FOURS ((FOURS + SHARERS - 1) / SHARERS)  // of a thread

// A loop that is written out, so that what it indexes can be registers.
#define EACH(i, count) _Pragma("unroll") for (int i = 0; i < count; ++i)

// Four numbers that travel between shared memory and registers in one instruction.
struct __align__(16) Four { float at[4]; };

// An odd number of fours from row to row: eight threads that read eight rows then find them in different memory banks.
typedef Four Tile[TILE][FOURS | 1];
typedef Four Weights[TILE][TILE / 4 + 2];
typedef float Scores[ROWS][COLUMNS];               // of a thread
typedef Four Sums[ROWS][MY_FOURS];                 // of a thread

__device__ __forceinline__ int my_row(int i) { return threadIdx.x / SHARERS + i * (THREADS / SHARERS); }
__device__ __forceinline__ int my_column(int i) { return threadIdx.x % SHARERS + i * SHARERS; }

// Sum and maximum over the threads that share a row.
__device__ __forceinline__ float row_sum(float value) {
    for (int distance = SHARERS / 2; distance > 0; distance /= 2)
        value += __shfl_xor_sync(ALL_LANES, value, distance);
    return value;
}
__device__ __forceinline__ float row_max(float value) {
    for (int distance = SHARERS / 2; distance > 0; distance /= 2)
        value = fmaxf(value, __shfl_xor_sync(ALL_LANES, value, distance));
    return value;
}

// Where the rows of one head of one sample start in an array whose samples and heads lie that far apart.
template <class Float> __device__ __forceinline__ Float* head_of(
    Float* array, int sample, int sample_distance, int head, int head_distance) {
    return array + (long long)sample * sample_distance + (long long)head * head_distance;
}

// Copies rows first, first + 1, ... of a head to shared memory, times a factor, with zeros behind the last of all
// `count`. A warp copies a row at a time, so that it reads whole stretches of memory.
__device__ __forceinline__ void load(
    Tile& tile, const float* head, int distance, int first, int count, float factor = 1.0f) {
    for (int row = threadIdx.x / WARP; row < TILE; row += THREADS / WARP)
        for (int column = threadIdx.x % WARP; column < 4 * FOURS; column += WARP) {
            const bool there = first + row < count && column < HEAD_WIDTH;
            tile[row][column / 4].at[column % 4] =
                there ? factor * head[(long long)(first + row) * distance + column] : 0.0f;
        }
}

// dots = rows of a · rows of b, for this thread's rows and columns of the tile of scores
__device__ __forceinline__ void dot_products(Scores& dots, const Tile& a, const Tile& b) {
    EACH(r, ROWS) EACH(c, COLUMNS) dots[r][c] = 0.0f;
    for (int i = 0; i < FOURS; ++i) {
        Four mine[COLUMNS];
        EACH(c, COLUMNS) mine[c] = b[my_column(c)][i];
        EACH(r, ROWS) {
            const Four row = a[my_row(r)][i];
            EACH(c, COLUMNS) EACH(part, 4) dots[r][c] += row.at[part] * mine[c].at[part];
        }
    }
}

// sums += weights · rows, for this thread's rows and its part of the width
__device__ __forceinline__ void add_weighted(Sums& sums, const Weights& weights, const Tile& rows) {
    for (int j = 0; j < TILE / 4; ++j) {
        Four weight[ROWS];
        EACH(r, ROWS) weight[r] = weights[my_row(r)][j];
        EACH(part, 4) EACH(f, MY_FOURS) {
            if (my_column(f) >= FOURS) continue;
            const Four row = rows[4 * j + part][my_column(f)];
            EACH(r, ROWS) EACH(i, 4) sums[r][f].at[i] += weight[r].at[part] * row.at[i];
        }
    }
}

// Writes this thread's part of the sums, times a factor for each row, to those rows that there are.
__device__ __forceinline__ void store(
    float* head, int distance, int first, int count, const Sums& sums, const float (&factor)[ROWS]) {
    EACH(r, ROWS) EACH(f, MY_FOURS) EACH(i, 4) {
        const int row = first + my_row(r), column = 4 * my_column(f) + i;
        if (row < count && column < HEAD_WIDTH)
            head[(long long)row * distance + column] = factor[r] * sums[r][f].at[i];
    }
}

__device__ __forceinline__ bool is_visible(const bool* mask, int key, int S) {
    return key < S && (!mask || mask[key]);
}

// In all kernels: q, y, dy, dq (samples, H, T, d) and k, v, dk, dv (samples, H, S, d), with their distances, in
// elements, from sample to sample, head to head, token to token; key_mask (samples, S) or null, true = may be attended
// to; log_sum, mean_gain (samples, H, T); scale = 1 / √d. Masked keys, and those behind the last, have weight 0.
// Queries behind the last are rows of zeros: they change nothing, and nothing is written for them.
//
// The second of the launch bounds is how many blocks should fit on a multiprocessor by their registers: 65536 / (4 ·
// 128) = 128 for a thread, or 170 where there are two sums to hold or the heads are wide. With fewer they would spill to
// memory.
#define BLOCKS (HEAD_WIDTH > 84 ? 3 : 4)

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) flash_forward(
    const float* __restrict__ q, const float* __restrict__ k, const float* __restrict__ v,
    const bool* __restrict__ key_mask, float* __restrict__ y, float* __restrict__ log_sum,
    int H, int T, int S, int q_sample, int q_head, int q_token, int k_sample, int k_head, int k_token,
    int v_sample, int v_head, int v_token, int y_sample, int y_head, int y_token, float scale) {
    __shared__ Tile queries, keys, values;
    __shared__ Weights weights;
    const int tiles = (T + TILE - 1) / TILE, first = blockIdx.x % tiles * TILE;
    const int pair = blockIdx.x / tiles, sample = pair / H, head = pair % H;
    const float* my_k = head_of(k, sample, k_sample, head, k_head);
    const float* my_v = head_of(v, sample, v_sample, head, v_head);
    const bool* mask = key_mask ? key_mask + (long long)sample * S : nullptr;
    load(queries, head_of(q, sample, q_sample, head, q_head), q_token, first, T, scale);

    // Softmax needs the largest score of a row before the first weight, yet the scores come tile by tile. So the
    // weights are made relative to the largest so far, and when a tile brings a larger one, everything summed up to
    // then is multiplied by e^(old - new): that is what it would be, had the new one been known from the start.
    float largest[ROWS], total[ROWS];  // total: of this thread's columns only
    Sums sums;                         // Σ weight · v
    EACH(r, ROWS) {
        largest[r] = LOWEST;
        total[r] = 0.0f;
        EACH(f, MY_FOURS) EACH(i, 4) sums[r][f].at[i] = 0.0f;
    }
    for (int start = 0; start < S; start += TILE) {
        __syncthreads();  // all have done with the last keys and values
        load(keys, my_k, k_token, start, S);
        load(values, my_v, v_token, start, S);
        __syncthreads();  // all has been loaded
        bool visible[COLUMNS];
        EACH(c, COLUMNS) visible[c] = is_visible(mask, start + my_column(c), S);
        Scores scores;
        dot_products(scores, queries, keys);
        EACH(r, ROWS) {
            float larger = largest[r];
            EACH(c, COLUMNS) if (visible[c]) larger = fmaxf(larger, scores[r][c]);
            larger = row_max(larger);
            const float rescale = expf(largest[r] - larger);
            largest[r] = larger;
            total[r] *= rescale;
            EACH(f, MY_FOURS) EACH(i, 4) sums[r][f].at[i] *= rescale;
            EACH(c, COLUMNS) {
                const float weight = visible[c] ? expf(scores[r][c] - larger) : 0.0f;
                weights[my_row(r)][my_column(c) / 4].at[my_column(c) % 4] = weight;
                total[r] += weight;
            }
        }
        __syncwarp();  // a row of weights is whole
        add_weighted(sums, weights, values);
    }

    float rtotal[ROWS];
    float* my_log_sum = log_sum + (long long)pair * T;
    EACH(r, ROWS) {
        const float sum = row_sum(total[r]);
        rtotal[r] = sum == 0.0f ? 0.0f : 1.0f / sum;  // 0 where no key is visible
        if (my_column(0) == 0 && first + my_row(r) < T) my_log_sum[first + my_row(r)] = largest[r] + logf(sum);
    }
    store(head_of(y, sample, y_sample, head, y_head), y_token, first, T, sums, rtotal);
}

// mean_gain = dy · y, for each query. A weight's gain is dy · v; so this is what all weights of a query gain on
// average, Σ weight · (dy · v). A warp does one query.
extern "C" __global__ void __launch_bounds__(THREADS) mean_gains(
    const float* __restrict__ y, const float* __restrict__ dy, float* __restrict__ mean_gain,
    int queries, int H, int T, int y_sample, int y_head, int y_token, int dy_sample, int dy_head, int dy_token) {
    const int query = blockIdx.x * (THREADS / WARP) + threadIdx.x / WARP;
    if (query >= queries) return;  // with the whole warp, so that no sum waits for it
    const int pair = query / T, sample = pair / H, head = pair % H, token = query % T;
    const float* my_y = head_of(y, sample, y_sample, head, y_head) + (long long)token * y_token;
    const float* my_dy = head_of(dy, sample, dy_sample, head, dy_head) + (long long)token * dy_token;
    float sum = 0.0f;
    for (int i = threadIdx.x % WARP; i < HEAD_WIDTH; i += WARP) sum += my_dy[i] * my_y[i];
    sum = warp_sum(sum);
    if (threadIdx.x % WARP == 0) mean_gain[query] = sum;
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) flash_dq(
    const float* __restrict__ q, const float* __restrict__ k, const float* __restrict__ v,
    const bool* __restrict__ key_mask, const float* __restrict__ log_sum, const float* __restrict__ mean_gain,
    const float* __restrict__ dy, float* __restrict__ dq,
    int H, int T, int S, int q_sample, int q_head, int q_token, int k_sample, int k_head, int k_token,
    int v_sample, int v_head, int v_token, int dy_sample, int dy_head, int dy_token,
    int dq_sample, int dq_head, int dq_token, float scale) {
    __shared__ Tile queries, gradients, keys, values;
    __shared__ Weights dscores;
    const int tiles = (T + TILE - 1) / TILE, first = blockIdx.x % tiles * TILE;
    const int pair = blockIdx.x / tiles, sample = pair / H, head = pair % H;
    const float* my_k = head_of(k, sample, k_sample, head, k_head);
    const float* my_v = head_of(v, sample, v_sample, head, v_head);
    const bool* mask = key_mask ? key_mask + (long long)sample * S : nullptr;
    load(queries, head_of(q, sample, q_sample, head, q_head), q_token, first, T, scale);
    load(gradients, head_of(dy, sample, dy_sample, head, dy_head), dy_token, first, T);

    float my_log_sum[ROWS], my_mean_gain[ROWS], factor[ROWS];
    Sums sums;  // Σ dscore · k
    EACH(r, ROWS) {
        const long long query = (long long)pair * T + first + my_row(r);
        const bool there = first + my_row(r) < T;
        my_log_sum[r] = there ? log_sum[query] : 0.0f;
        my_mean_gain[r] = there ? mean_gain[query] : 0.0f;
        factor[r] = scale;  // dscores are of scores = (scale · q) · k
        EACH(f, MY_FOURS) EACH(i, 4) sums[r][f].at[i] = 0.0f;
    }
    for (int start = 0; start < S; start += TILE) {
        __syncthreads();  // all have done with the last keys and values
        load(keys, my_k, k_token, start, S);
        load(values, my_v, v_token, start, S);
        __syncthreads();  // all has been loaded
        Scores scores, gains;
        dot_products(scores, queries, keys);
        dot_products(gains, gradients, values);
        EACH(c, COLUMNS) {
            const bool visible = is_visible(mask, start + my_column(c), S);
            EACH(r, ROWS) {
                const float dscore = expf(scores[r][c] - my_log_sum[r]) * (gains[r][c] - my_mean_gain[r]);
                dscores[my_row(r)][my_column(c) / 4].at[my_column(c) % 4] = visible ? dscore : 0.0f;
            }
        }
        __syncwarp();  // a row of dscores is whole
        add_weighted(sums, dscores, keys);
    }
    store(head_of(dq, sample, dq_sample, head, dq_head), dq_token, first, T, sums, factor);
}

// Here the rows of the tiles are keys, and their columns queries.
extern "C" __global__ void __launch_bounds__(THREADS, 3) flash_dk_dv(
    const float* __restrict__ q, const float* __restrict__ k, const float* __restrict__ v,
    const bool* __restrict__ key_mask, const float* __restrict__ log_sum, const float* __restrict__ mean_gain,
    const float* __restrict__ dy, float* __restrict__ dk, float* __restrict__ dv,
    int H, int T, int S, int q_sample, int q_head, int q_token, int k_sample, int k_head, int k_token,
    int v_sample, int v_head, int v_token, int dy_sample, int dy_head, int dy_token,
    int dk_sample, int dk_head, int dk_token, int dv_sample, int dv_head, int dv_token, float scale) {
    __shared__ Tile keys, values, queries, gradients;
    __shared__ Weights weights;
    const int tiles = (S + TILE - 1) / TILE, first = blockIdx.x % tiles * TILE;
    const int pair = blockIdx.x / tiles, sample = pair / H, head = pair % H;
    const float* my_q = head_of(q, sample, q_sample, head, q_head);
    const float* my_dy = head_of(dy, sample, dy_sample, head, dy_head);
    const float* my_log_sum = log_sum + (long long)pair * T;
    const float* my_mean_gain = mean_gain + (long long)pair * T;
    const bool* mask = key_mask ? key_mask + (long long)sample * S : nullptr;
    load(keys, head_of(k, sample, k_sample, head, k_head), k_token, first, S);
    load(values, head_of(v, sample, v_sample, head, v_head), v_token, first, S);

    bool visible[ROWS];
    float factor[ROWS];
    Sums dk_sums, dv_sums;  // Σ dscore · (scale · q) and Σ weight · dy
    EACH(r, ROWS) {
        visible[r] = is_visible(mask, first + my_row(r), S);
        factor[r] = 1.0f;
        EACH(f, MY_FOURS) EACH(i, 4) dk_sums[r][f].at[i] = dv_sums[r][f].at[i] = 0.0f;
    }
    for (int start = 0; start < T; start += TILE) {
        __syncthreads();  // all have done with the last queries and gradients
        load(queries, my_q, q_token, start, T, scale);
        load(gradients, my_dy, dy_token, start, T);
        __syncthreads();  // all has been loaded
        Scores scores, gains;
        dot_products(scores, keys, queries);
        dot_products(gains, values, gradients);
        EACH(c, COLUMNS) {
            const int query = start + my_column(c);
            const float its_log_sum = query < T ? my_log_sum[query] : 0.0f;
            const float its_mean_gain = query < T ? my_mean_gain[query] : 0.0f;
            EACH(r, ROWS) {
                const float weight = visible[r] ? expf(scores[r][c] - its_log_sum) : 0.0f;
                weights[my_row(r)][my_column(c) / 4].at[my_column(c) % 4] = weight;
                gains[r][c] = weight * (gains[r][c] - its_mean_gain);  // dscore
            }
        }
        __syncwarp();  // a row of weights is whole
        add_weighted(dv_sums, weights, gradients);
        __syncwarp();  // and used: the dscores take its place
        EACH(r, ROWS) EACH(c, COLUMNS)
            weights[my_row(r)][my_column(c) / 4].at[my_column(c) % 4] = gains[r][c];
        __syncwarp();
        add_weighted(dk_sums, weights, queries);
    }
    store(head_of(dk, sample, dk_sample, head, dk_head), dk_token, first, S, dk_sums, factor);
    store(head_of(dv, sample, dv_sample, head, dv_head), dv_token, first, S, dv_sums, factor);
}
